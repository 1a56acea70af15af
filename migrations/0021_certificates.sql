-- What had been sent for a month when its FREEZE window closed, signed and logged then.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE signed_record DROP CONSTRAINT signed_record_purpose_check;
ALTER TABLE signed_record ADD CONSTRAINT signed_record_purpose_check
  CHECK (purpose IN ('receipt', 'statement', 'certificate'));
COMMENT ON COLUMN signed_record.purpose IS 'receipt, statement or certificate; the bytes begin with it';

CREATE TABLE freeze_certificate (
  provider  text        NOT NULL,
  contract  text        NOT NULL,
  month     date        NOT NULL CHECK (extract(day FROM month) = 1),
  closed_at timestamptz NOT NULL,
  versions  integer     NOT NULL CHECK (versions >= 0),
  record    text        NOT NULL,
  PRIMARY KEY (provider, contract, month),
  FOREIGN KEY (provider, contract) REFERENCES contract (provider, id),
  FOREIGN KEY (provider, record) REFERENCES signed_record (provider, id)
);
COMMENT ON TABLE freeze_certificate IS 'Signed list of every version of a month that had been begun when its FREEZE window closed; never changed';
COMMENT ON COLUMN freeze_certificate.provider IS 'Provider (ODS)';
COMMENT ON COLUMN freeze_certificate.contract IS 'Contract whose window closed';
COMMENT ON COLUMN freeze_certificate.month IS 'First day of the month';
COMMENT ON COLUMN freeze_certificate.closed_at IS 'First instant after the window, by the terms known when it was certified';
COMMENT ON COLUMN freeze_certificate.versions IS 'Versions listed; 0: nothing had been sent';
COMMENT ON COLUMN freeze_certificate.record IS 'signed_record.id';
CREATE TRIGGER freeze_certificate_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON freeze_certificate
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE freeze_certificate ENABLE ROW LEVEL SECURITY;
CREATE POLICY freeze_certificate_auditor ON freeze_certificate FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY freeze_certificate_read ON freeze_certificate FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY signed_record_certificate ON signed_record FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM freeze_certificate c WHERE c.provider = signed_record.provider AND c.record = signed_record.id));
GRANT SELECT ON freeze_certificate TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT ON freeze_certificate TO reckoner_worker;
