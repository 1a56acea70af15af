-- How a trust's files are coded and what it calls its columns.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE column_mapping (
  provider text        NOT NULL REFERENCES organisation (code),
  version  integer     NOT NULL CHECK (version > 0),
  body     text        CHECK (body IS NULL
             OR (length(body) <= 65536 AND jsonb_typeof(body::jsonb -> 'columns') IS NOT DISTINCT FROM 'object')),
  made_by  text        NOT NULL REFERENCES person (id),
  made_at  timestamptz NOT NULL,
  PRIMARY KEY (provider, version),
  CHECK (version > 1 OR body IS NOT NULL)
);
COMMENT ON TABLE column_mapping IS 'A trust''s own column names and the columns of the upload they mean; the newest version is in force, earlier ones are kept because submissions were read by them';
COMMENT ON COLUMN column_mapping.provider IS 'Provider (ODS)';
COMMENT ON COLUMN column_mapping.version IS '1, 2 ... in order of saving';
COMMENT ON COLUMN column_mapping.body IS 'Canonical JSON, {"columns": {their name: our column or "ignore"}}; null: withdrawn, none is in force';
COMMENT ON COLUMN column_mapping.made_by IS 'Who saved or withdrew it';
COMMENT ON COLUMN column_mapping.made_at IS 'Instant on the product clock';

CREATE TRIGGER column_mapping_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON column_mapping
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nobody may change the first two afterwards: they are how the bytes are read.
ALTER TABLE submission
  ADD COLUMN content_encoding text NOT NULL DEFAULT 'identity' CHECK (content_encoding IN ('identity', 'gzip')),
  ADD COLUMN column_mapping integer,
  ADD COLUMN empty_rows integer CHECK (empty_rows >= 0),
  ADD FOREIGN KEY (provider, column_mapping) REFERENCES column_mapping (provider, version);
COMMENT ON COLUMN submission.content_encoding IS 'How the bytes as sent are coded: identity (not at all) or gzip';
COMMENT ON COLUMN submission.column_mapping IS 'Version of the column mapping that the names of the file are read by; null: they are the upload''s own';
COMMENT ON COLUMN submission.empty_rows IS 'Rows without any value at the end of the file, which are passed over; null until validated';

ALTER TABLE column_mapping ENABLE ROW LEVEL SECURITY;
CREATE POLICY column_mapping_auditor ON column_mapping FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY column_mapping_read ON column_mapping FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[]));
CREATE POLICY column_mapping_save ON column_mapping FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND made_by = (SELECT caller_person()));

GRANT SELECT ON column_mapping TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT ON column_mapping TO reckoner_web;
GRANT SELECT (content_encoding, column_mapping, empty_rows) ON submission TO reckoner_web, reckoner_auditor;
GRANT UPDATE (empty_rows) ON submission TO reckoner_worker;
