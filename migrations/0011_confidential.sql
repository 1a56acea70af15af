-- What must not leave the building, and who may read who the patients are.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE identifier_block (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  block      integer NOT NULL CHECK (block >= 0),
  lowest     bigint  NOT NULL,
  hashes     bytea   NOT NULL CHECK (length(hashes) BETWEEN 8 AND 32768 AND length(hashes) % 8 = 0),
  PRIMARY KEY (provider, submission, block)
);
ALTER TABLE identifier_block ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE identifier_block ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE identifier_block IS 'Keyed hashes of the identifiers of an accepted submission, in blocks: the worker compares what goes out with them';
COMMENT ON COLUMN identifier_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN identifier_block.submission IS 'submission.no';
COMMENT ON COLUMN identifier_block.block IS '0, 1, 2 ... in ascending order of hashes';
COMMENT ON COLUMN identifier_block.lowest IS 'First hash of the block';
COMMENT ON COLUMN identifier_block.hashes IS 'Up to 4,096 hashes of patient ids (7 characters and more) and NHS numbers, big-endian, each once, ascending as signed numbers';

GRANT SELECT, INSERT, DELETE ON identifier_block TO reckoner_worker;

-- ------------------------------------------------------------------------------------------------------ from where one acts

ALTER TABLE audit_event ADD COLUMN address text CHECK (length(address) BETWEEN 2 AND 45);
COMMENT ON COLUMN audit_event.address IS 'Address the request came from: the connection''s, or what a proxy on this machine says; null for the service itself';

-- ------------------------------------------------------------------------------------------- the controlled environment

ALTER TABLE organisation DROP CONSTRAINT organisation_kind_check,
  ADD CONSTRAINT organisation_kind_check
    CHECK (kind IN ('provider', 'commissioner', 'auditor', 'operator', 'controlled'));
COMMENT ON TABLE organisation IS 'Providers, commissioners, auditors, controlled environments and the operator, by ODS code';
COMMENT ON COLUMN person.role IS 'provider, commissioner, auditor, operator or controlled: the kind of the organisation';
ALTER TABLE audit_appointment DROP CONSTRAINT audit_appointment_kind_check,
  ADD CONSTRAINT audit_appointment_kind_check CHECK (kind IN ('auditor', 'controlled'));
COMMENT ON TABLE audit_appointment IS 'Which auditor may read the accounts of which organisation, and which controlled environment the identities of which provider';
COMMENT ON COLUMN audit_appointment.auditor IS 'The auditing organisation, or the controlled environment';
COMMENT ON COLUMN audit_appointment.kind IS 'auditor or controlled; ties the code to an organisation of that kind';

-- Kinds of jobs that other migrations added stay.
DO $$
DECLARE
  known text := (SELECT substring(pg_get_constraintdef(oid) FROM '^CHECK \((.*)\)$') FROM pg_constraint
                 WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check');
BEGIN
  ALTER TABLE job DROP CONSTRAINT job_kind_check;
  EXECUTE format('ALTER TABLE job ADD CONSTRAINT job_kind_check CHECK (%s OR kind = ''identify'')', known);
END $$;

CREATE TABLE identifier_reading (
  provider     text        NOT NULL,
  id           text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  submission   bigint      NOT NULL,
  organisation text        NOT NULL,
  person       text        NOT NULL,
  purpose      text        NOT NULL CHECK (length(purpose) BETWEEN 10 AND 500),
  rows         integer[]   NOT NULL CHECK (cardinality(rows) BETWEEN 1 AND 1000 AND 1 <= ALL (rows)),
  state        text        NOT NULL CHECK (state IN ('asked', 'ready', 'failed', 'released', 'expired')),
  asked_at     timestamptz NOT NULL,
  sealed_key   bytea,
  answer       bytea,
  expires_at   timestamptz,
  released_at  timestamptz CHECK (released_at >= asked_at),
  PRIMARY KEY (provider, id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  CHECK ((state = 'asked') = (sealed_key IS NOT NULL)),
  CHECK ((state = 'ready') = (answer IS NOT NULL)),
  CHECK (state <> 'ready' OR expires_at IS NOT NULL),
  CHECK ((state = 'released') = (released_at IS NOT NULL))
);
CREATE INDEX identifier_reading_ready ON identifier_reading (expires_at) WHERE state = 'ready';
ALTER TABLE identifier_reading ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE identifier_reading IS 'Readings of identities by the controlled environment: who asked for which rows, and why; kept as evidence';
COMMENT ON COLUMN identifier_reading.provider IS 'Provider (ODS)';
COMMENT ON COLUMN identifier_reading.id IS 'Generated id';
COMMENT ON COLUMN identifier_reading.submission IS 'submission.no';
COMMENT ON COLUMN identifier_reading.organisation IS 'Controlled environment';
COMMENT ON COLUMN identifier_reading.person IS 'Who asked, and alone may take the answer';
COMMENT ON COLUMN identifier_reading.purpose IS 'What the identities are needed for';
COMMENT ON COLUMN identifier_reading.rows IS 'Rows of the file that were asked for';
COMMENT ON COLUMN identifier_reading.state IS 'asked, ready (the answer waits), failed, released (handed over once), expired (not fetched in time)';
COMMENT ON COLUMN identifier_reading.asked_at IS 'Instant on the product clock';
COMMENT ON COLUMN identifier_reading.sealed_key IS 'The reader''s one-time key, sealed to the worker''s public key; gone once there is an answer';
COMMENT ON COLUMN identifier_reading.answer IS 'The identities, encrypted with the one-time key; gone once released or expired';
COMMENT ON COLUMN identifier_reading.expires_at IS 'Wall clock: from then on the answer is not released any more';
COMMENT ON COLUMN identifier_reading.released_at IS 'Instant of the release, product clock';

CREATE FUNCTION keep_identifier_reading() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.provider, NEW.id, NEW.submission, NEW.organisation, NEW.person, NEW.purpose, NEW.rows,
                          NEW.asked_at)
                         IS DISTINCT FROM (OLD.provider, OLD.id, OLD.submission, OLD.organisation, OLD.person, OLD.purpose,
                          OLD.rows, OLD.asked_at)
     OR (OLD.state, NEW.state) NOT IN (('asked', 'ready'), ('asked', 'failed'), ('ready', 'released'), ('ready', 'expired'))
  THEN
    RAISE EXCEPTION 'a reading of identities is asked for, answered and released once, and never forgotten'
      USING ERRCODE = 'restrict_violation', TABLE = 'identifier_reading', CONSTRAINT = 'identifier_reading_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_identifier_reading() IS 'Trigger body: only the known changes of state; what was asked never changes, also for the owner';
CREATE TRIGGER identifier_reading_kept BEFORE UPDATE OR DELETE ON identifier_reading
  FOR EACH ROW EXECUTE FUNCTION keep_identifier_reading();
CREATE TRIGGER identifier_reading_not_truncated BEFORE TRUNCATE ON identifier_reading
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION reads_identities_of(p_provider text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(reckoner.caller_role() = 'controlled', false)
         AND EXISTS (SELECT FROM reckoner.audit_appointment a WHERE a.organisation = p_provider AND a.kind = 'controlled'
                     AND a.auditor = reckoner.caller_organisation())
$$;
COMMENT ON FUNCTION reads_identities_of(text) IS 'Whether the caller is a person of a controlled environment that is appointed for the provider';

CREATE FUNCTION ask_identifiers(p_provider text, p_submission text, p_reading text, p_job text, p_rows integer[],
                                p_purpose text, p_sealed_key bytea, p_at timestamptz, p_request_id text, p_address text)
  RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  s reckoner.submission;
BEGIN
  SELECT * INTO s FROM reckoner.submission x WHERE x.provider = p_provider AND x.id = p_submission AND x.state <> 'receiving';
  IF NOT FOUND OR NOT reckoner.reads_identities_of(p_provider) THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  ELSIF s.state <> 'accepted' THEN
    RAISE EXCEPTION 'conflict: Identities are kept of accepted submissions alone' USING ERRCODE = 'P0001';
  ELSIF s.rows < ANY (p_rows) THEN
    RAISE EXCEPTION 'conflict: The submission has % rows', s.rows USING ERRCODE = 'P0001';
  END IF;
  INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id, address)
    VALUES (p_provider, p_at, reckoner.caller_person(), reckoner.caller_organisation(), 'identifiers.ask',
            'submission/' || p_submission || '/reading/' || p_reading,
            jsonb_build_object('purpose', p_purpose, 'rows', p_rows), p_request_id, p_address);
  INSERT INTO reckoner.identifier_reading (provider, id, submission, organisation, person, purpose, rows, state, asked_at,
                                           sealed_key)
    VALUES (p_provider, p_reading, s.no, reckoner.caller_organisation(), reckoner.caller_person(), p_purpose, p_rows, 'asked',
            p_at, p_sealed_key);
  INSERT INTO reckoner.job (provider, id, kind, subject) VALUES (p_provider, p_job, 'identify', p_reading);
  PERFORM pg_notify('reckoner_job', '');
END $$;
COMMENT ON FUNCTION ask_identifiers(text, text, text, text, integer[], text, bytea, timestamptz, text, text) IS
  'The only way to ask for identities: by a person of an appointed controlled environment, written into the audit trail before anything is read';

CREATE FUNCTION release_identifiers(p_provider text, p_reading text, p_at timestamptz, p_wall timestamptz, p_request_id text,
                                    p_address text)
  RETURNS bytea LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r reckoner.identifier_reading;
BEGIN
  SELECT * INTO r FROM reckoner.identifier_reading x WHERE x.provider = p_provider AND x.id = p_reading FOR UPDATE;
  IF NOT FOUND OR NOT reckoner.reads_identities_of(p_provider) OR r.person IS DISTINCT FROM reckoner.caller_person() THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  ELSIF r.state = 'asked' THEN
    RAISE EXCEPTION 'conflict: The worker has not answered yet; ask again in a moment' USING ERRCODE = 'P0001';
  ELSIF r.state <> 'ready' OR r.expires_at <= p_wall THEN
    RAISE EXCEPTION 'conflict: This reading is %; ask for the rows again',
      CASE WHEN r.state = 'ready' THEN 'expired' ELSE r.state END USING ERRCODE = 'P0001';
  END IF;
  INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id, address)
    VALUES (p_provider, p_at, reckoner.caller_person(), reckoner.caller_organisation(), 'identifiers.release',
            'reading/' || p_reading, jsonb_build_object('purpose', r.purpose, 'rows', r.rows), p_request_id, p_address);
  UPDATE reckoner.identifier_reading x SET state = 'released', answer = NULL, released_at = p_at
   WHERE x.provider = p_provider AND x.id = p_reading;
  RETURN r.answer;
END $$;
COMMENT ON FUNCTION release_identifiers(text, text, timestamptz, timestamptz, text, text) IS
  'The only way to an answer, still encrypted: once, to the person who asked, written into the audit trail in the same transaction; the caller sends nothing before it has committed';

CREATE POLICY identifier_reading_read ON identifier_reading FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR (organisation = (SELECT caller_organisation()) AND (SELECT caller_role()) = 'controlled'));
CREATE POLICY submission_of_reading ON submission FOR SELECT TO reckoner_web
  USING ((SELECT caller_role()) = 'controlled'
         AND EXISTS (SELECT FROM identifier_reading r WHERE r.provider = submission.provider AND r.submission = submission.no));
CREATE POLICY identifier_reading_audit ON identifier_reading FOR SELECT TO reckoner_auditor USING (true);

REVOKE ALL ON FUNCTION keep_identifier_reading(), reads_identities_of(text),
  ask_identifiers(text, text, text, text, integer[], text, bytea, timestamptz, text, text),
  release_identifiers(text, text, timestamptz, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reads_identities_of(text),
  ask_identifiers(text, text, text, text, integer[], text, bytea, timestamptz, text, text),
  release_identifiers(text, text, timestamptz, timestamptz, text, text) TO reckoner_web;
GRANT SELECT (provider, id, submission, organisation, person, purpose, rows, state, asked_at, expires_at, released_at)
  ON identifier_reading TO reckoner_web, reckoner_auditor;
GRANT SELECT, UPDATE (state, sealed_key, answer, expires_at) ON identifier_reading TO reckoner_worker;
