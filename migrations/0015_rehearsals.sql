-- Rehearsals: files that are checked like a submission and never become one. They have tables of their own, so that no
-- question about submissions, windows, findings or settlement can come upon one.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE SEQUENCE rehearsal_no AS bigint;
COMMENT ON SEQUENCE rehearsal_no IS 'Numbers rehearsals across providers';

CREATE TABLE rehearsal (
  provider        text        NOT NULL,
  no              bigint      NOT NULL DEFAULT nextval('reckoner.rehearsal_no'),
  id              text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  month           date        NOT NULL CHECK (extract(day FROM month) = 1),
  state           text        NOT NULL CHECK (state IN ('receiving', 'received', 'done')),
  uploaded_by     text        NOT NULL REFERENCES person (id),
  idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
  media_type      text        NOT NULL CHECK (media_type IN ('text/csv', 'application/x-ndjson')),
  content_encoding text       NOT NULL DEFAULT 'identity' CHECK (content_encoding IN ('identity', 'gzip')),
  column_mapping  integer,
  declared_rows   bigint      CHECK (declared_rows >= 0),
  caseload        bigint      CHECK (caseload >= 0),
  begun_at        timestamptz NOT NULL,
  completed_at    timestamptz CHECK (completed_at >= begun_at),
  arrived_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  receiving_until timestamptz,
  sealed_key      bytea       NOT NULL,
  bytes           bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  chunks          integer     NOT NULL DEFAULT 0 CHECK (chunks >= 0),
  sha256          bytea       CHECK (length(sha256) = 32),
  rehearsed_at    timestamptz,
  report          text,
  PRIMARY KEY (provider, no),
  UNIQUE (provider, id),
  UNIQUE (provider, uploaded_by, idempotency_key),
  FOREIGN KEY (provider, column_mapping) REFERENCES column_mapping (provider, version),
  CHECK ((state = 'receiving') = (completed_at IS NULL)),
  CHECK ((state = 'receiving') = (sha256 IS NULL)),
  CHECK ((state = 'receiving') = (receiving_until IS NOT NULL)),
  CHECK ((state = 'done') = (rehearsed_at IS NOT NULL)),
  CHECK ((state = 'done') = (report IS NOT NULL))
);
CREATE INDEX rehearsal_receiving ON rehearsal (receiving_until) WHERE state = 'receiving';
CREATE INDEX rehearsal_age ON rehearsal (arrived_at);
COMMENT ON TABLE rehearsal IS 'One file that a provider had checked without submitting it; removed with its bytes and report some days after';
COMMENT ON COLUMN rehearsal.provider IS 'Provider (ODS)';
COMMENT ON COLUMN rehearsal.no IS 'Short key for chunks and parts of the report';
COMMENT ON COLUMN rehearsal.id IS 'Generated id, as in URLs';
COMMENT ON COLUMN rehearsal.month IS 'First day of the month';
COMMENT ON COLUMN rehearsal.state IS 'receiving, received (waits for its check), done';
COMMENT ON COLUMN rehearsal.uploaded_by IS 'Person whose token sent it';
COMMENT ON COLUMN rehearsal.idempotency_key IS 'Idempotency-Key of the request';
COMMENT ON COLUMN rehearsal.media_type IS 'CSV or NDJSON';
COMMENT ON COLUMN rehearsal.content_encoding IS 'How the bytes as sent are coded: identity (not at all) or gzip';
COMMENT ON COLUMN rehearsal.column_mapping IS 'Version of the column mapping that the names of the file are read by; null: they are the upload''s own';
COMMENT ON COLUMN rehearsal.declared_rows IS 'Row-Count header';
COMMENT ON COLUMN rehearsal.caseload IS 'Caseload header';
COMMENT ON COLUMN rehearsal.begun_at IS 'Instant the request began, product clock';
COMMENT ON COLUMN rehearsal.completed_at IS 'Instant the last byte was stored, product clock';
COMMENT ON COLUMN rehearsal.arrived_at IS 'Wall clock; the days that it is kept, and how many were sent in a day, count from it';
COMMENT ON COLUMN rehearsal.receiving_until IS 'Wall clock; past it an unfinished one is swept away';
COMMENT ON COLUMN rehearsal.sealed_key IS 'Stream key sealed to the worker''s public key';
COMMENT ON COLUMN rehearsal.bytes IS 'Bytes as sent';
COMMENT ON COLUMN rehearsal.chunks IS 'Sealed chunks stored';
COMMENT ON COLUMN rehearsal.sha256 IS 'SHA-256 of the bytes as sent';
COMMENT ON COLUMN rehearsal.rehearsed_at IS 'Instant of the report, product clock';
COMMENT ON COLUMN rehearsal.report IS 'The report as canonical JSON, its list of findings apart';

CREATE TABLE rehearsal_chunk (
  provider  text    NOT NULL,
  rehearsal bigint  NOT NULL,
  seq       integer NOT NULL CHECK (seq >= 0),
  sealed    bytea   NOT NULL,
  PRIMARY KEY (provider, rehearsal, seq),
  FOREIGN KEY (provider, rehearsal) REFERENCES rehearsal (provider, no) ON DELETE CASCADE
);
ALTER TABLE rehearsal_chunk ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE rehearsal_chunk IS 'The bytes of a rehearsal, encrypted as they streamed';
COMMENT ON COLUMN rehearsal_chunk.provider IS 'Provider (ODS)';
COMMENT ON COLUMN rehearsal_chunk.rehearsal IS 'rehearsal.no';
COMMENT ON COLUMN rehearsal_chunk.seq IS '0, 1, 2 ...';
COMMENT ON COLUMN rehearsal_chunk.sealed IS 'One secretstream message (XChaCha20-Poly1305)';

CREATE TABLE rehearsal_part (
  provider  text    NOT NULL,
  rehearsal bigint  NOT NULL,
  part      integer NOT NULL CHECK (part > 0),
  lines     bytea   NOT NULL,
  PRIMARY KEY (provider, rehearsal, part),
  FOREIGN KEY (provider, rehearsal) REFERENCES rehearsal (provider, no) ON DELETE CASCADE
);
COMMENT ON TABLE rehearsal_part IS 'The findings of a rehearsal, cut between lines into parts that are served one by one';
COMMENT ON COLUMN rehearsal_part.provider IS 'Provider (ODS)';
COMMENT ON COLUMN rehearsal_part.rehearsal IS 'rehearsal.no';
COMMENT ON COLUMN rehearsal_part.part IS '1, 2, 3 ...';
COMMENT ON COLUMN rehearsal_part.lines IS 'Whole lines of canonical JSON, one finding each (api/formats/findings.md)';

CREATE FUNCTION keep_rehearsal() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('receiving', 'received'), ('received', 'done')))
    AND (NEW.provider, NEW.no, NEW.id, NEW.month, NEW.uploaded_by, NEW.begun_at, NEW.arrived_at, NEW.sealed_key,
         NEW.media_type, NEW.content_encoding, NEW.column_mapping)
        IS NOT DISTINCT FROM (OLD.provider, OLD.no, OLD.id, OLD.month, OLD.uploaded_by, OLD.begun_at, OLD.arrived_at,
        OLD.sealed_key, OLD.media_type, OLD.content_encoding, OLD.column_mapping)
    AND (OLD.state = 'receiving' OR (NEW.completed_at, NEW.bytes, NEW.chunks, NEW.sha256)
        IS NOT DISTINCT FROM (OLD.completed_at, OLD.bytes, OLD.chunks, OLD.sha256))
    AND OLD.state <> 'done' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a rehearsal is received, then reported, and otherwise kept as it came until it is removed'
    USING ERRCODE = 'restrict_violation', TABLE = 'rehearsal', CONSTRAINT = 'rehearsal_kept';
END $$;
COMMENT ON FUNCTION keep_rehearsal() IS 'Trigger body: only the known changes of state, and nothing of what was sent changes once complete';
CREATE TRIGGER rehearsal_kept BEFORE UPDATE ON rehearsal FOR EACH ROW EXECUTE FUNCTION keep_rehearsal();

-- A trust's own affair: neither its commissioners nor auditors nor the operator see one.
ALTER TABLE rehearsal ENABLE ROW LEVEL SECURITY;
ALTER TABLE rehearsal_chunk ENABLE ROW LEVEL SECURITY;
ALTER TABLE rehearsal_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY rehearsal_read ON rehearsal FOR SELECT TO reckoner_web USING (provider = (SELECT acting_provider()));
CREATE POLICY rehearsal_begin ON rehearsal FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND uploaded_by = (SELECT caller_person()) AND state = 'receiving');
CREATE POLICY rehearsal_go_on ON rehearsal FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) AND state = 'receiving') WITH CHECK (state IN ('receiving', 'received'));
CREATE POLICY rehearsal_abandon ON rehearsal FOR DELETE TO reckoner_web
  USING (provider = (SELECT acting_provider()) AND state = 'receiving');
CREATE POLICY rehearsal_chunk_add ON rehearsal_chunk FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()));
CREATE POLICY rehearsal_part_read ON rehearsal_part FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()));

DO $$
DECLARE
  readable text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                    WHERE attrelid = 'reckoner.rehearsal'::regclass AND attnum > 0 AND NOT attisdropped
                      AND attname <> 'sealed_key');
  kinds text;
BEGIN
  -- The sealed key is written by the web process, which cannot read it back.
  EXECUTE format('GRANT SELECT (%s) ON reckoner.rehearsal TO reckoner_web', readable);
  -- One more kind of job, beside whatever kinds there are.
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''rehearse''::text, ');
END $$;
GRANT INSERT (provider, id, month, state, uploaded_by, idempotency_key, media_type, content_encoding, column_mapping,
  declared_rows, caseload, begun_at, receiving_until, sealed_key),
  UPDATE (state, chunks, receiving_until, completed_at, bytes, sha256), DELETE ON rehearsal TO reckoner_web;
GRANT INSERT ON rehearsal_chunk TO reckoner_web;
GRANT SELECT ON rehearsal_part TO reckoner_web;
GRANT USAGE ON SEQUENCE rehearsal_no TO reckoner_web;
GRANT SELECT, UPDATE (state, rehearsed_at, report), DELETE ON rehearsal TO reckoner_worker;
GRANT SELECT ON rehearsal_chunk TO reckoner_worker;
GRANT SELECT, INSERT, DELETE ON rehearsal_part TO reckoner_worker;
REVOKE ALL ON FUNCTION keep_rehearsal() FROM PUBLIC;
