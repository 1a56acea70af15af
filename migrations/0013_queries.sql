-- Findings asked for across months and trusts, by pounds and in sums; exports of them. The worker writes all of it when it
-- evaluates a submission, so that no question counts rows.
SET LOCAL search_path = reckoner, pg_catalog;

-- The amount at stake carries what a list by pounds asks of a row. What is there is evaluated again.
DELETE FROM stake;
ALTER TABLE stake ADD COLUMN commissioner text NOT NULL,
  ADD COLUMN cluster text NOT NULL,
  ADD COLUMN rules bigint NOT NULL CHECK (rules > 0),
  ADD COLUMN pseudonym text NOT NULL CHECK (pseudonym ~ '^[a-z]{20}$'),
  ADD CHECK (row_no > 0);
COMMENT ON TABLE stake IS 'Each row that has a finding: its amount at stake (gross value this month under the terms of the current evaluation) and which findings it has';
COMMENT ON COLUMN stake.commissioner IS 'Commissioner of the row';
COMMENT ON COLUMN stake.cluster IS 'Cluster of the row';
COMMENT ON COLUMN stake.rules IS 'Its findings, one bit each (finding_line.bit)';
COMMENT ON COLUMN stake.pseudonym IS 'The patient, for this commissioner and financial year alone';
CREATE INDEX stake_by_pounds ON stake (provider, submission, commissioner, (-coalesce(pence, -1)), row_no);
DROP POLICY stake_read ON stake;
CREATE POLICY stake_read ON stake FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
INSERT INTO job (provider, id, kind, subject)
  SELECT s.provider, s.id, 'evaluate', s.id FROM submission s WHERE s.state = 'accepted'
     AND NOT EXISTS (SELECT FROM job j WHERE j.provider = s.provider AND j.subject = s.id AND j.kind = 'evaluate'
                     AND j.state = 'queued');

CREATE TABLE finding_line (
  provider     text     NOT NULL,
  submission   bigint   NOT NULL,
  commissioner text     NOT NULL,
  bit          smallint NOT NULL CHECK (bit BETWEEN 0 AND 62),
  rule         text     NOT NULL CHECK (rule ~ '^[A-Z][0-9]{2}$'),
  severity     text     NOT NULL CHECK (severity IN ('ERROR', 'QUERY', 'WARN')),
  findings     bigint   NOT NULL CHECK (findings > 0),
  PRIMARY KEY (provider, submission, commissioner, bit)
);
COMMENT ON TABLE finding_line IS 'Which rules, at which severity, rows of a commissioner failed in the current evaluation of a submission, and the bit that stands for each';
COMMENT ON COLUMN finding_line.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_line.submission IS 'submission.no';
COMMENT ON COLUMN finding_line.commissioner IS 'Commissioner of the rows';
COMMENT ON COLUMN finding_line.bit IS 'Its place in stake.rules and finding_pattern.rules: that of the rule (rule.bit), or 62 for findings with a severity of their own';
COMMENT ON COLUMN finding_line.rule IS 'Rule id';
COMMENT ON COLUMN finding_line.severity IS 'Severity in force';
COMMENT ON COLUMN finding_line.findings IS 'Findings';

CREATE TABLE finding_pattern (
  provider     text   NOT NULL,
  submission   bigint NOT NULL,
  commissioner text   NOT NULL,
  cluster      text   NOT NULL,
  rules        bigint NOT NULL CHECK (rules >= 0),
  rows         bigint NOT NULL CHECK (rows > 0),
  pence        bigint NOT NULL,
  unknown_rows bigint NOT NULL CHECK (unknown_rows BETWEEN 0 AND rows),
  PRIMARY KEY (provider, submission, commissioner, cluster, rules)
);
COMMENT ON TABLE finding_pattern IS 'Rows counted by exactly which rules they fail: whatever is asked for, each row is in one pattern and counts once';
COMMENT ON COLUMN finding_pattern.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_pattern.submission IS 'submission.no';
COMMENT ON COLUMN finding_pattern.commissioner IS 'Commissioner of the rows';
COMMENT ON COLUMN finding_pattern.cluster IS 'Cluster of the rows';
COMMENT ON COLUMN finding_pattern.rules IS 'The findings of each of these rows, one bit each (finding_line.bit); 0: none';
COMMENT ON COLUMN finding_pattern.rows IS 'Rows';
COMMENT ON COLUMN finding_pattern.pence IS 'Sum of their known amounts at stake';
COMMENT ON COLUMN finding_pattern.unknown_rows IS 'Those of them without a price';

CREATE TABLE finding_practice (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  commissioner text    NOT NULL,
  line         text    NOT NULL CHECK (line ~ '^([A-Z][0-9]{2}|ERROR|QUERY|WARN|)$'),
  practice     text    NOT NULL CHECK (practice ~ '^([A-Z][0-9]{5}|other|)$'),
  patients     bigint  CHECK (patients >= 0),
  rows         bigint  CHECK (rows > 0),
  pence        bigint,
  unknown_rows bigint  CHECK (unknown_rows BETWEEN 0 AND rows),
  withheld     boolean NOT NULL DEFAULT false CHECK (NOT withheld OR practice = ''),
  PRIMARY KEY (provider, submission, commissioner, line, practice),
  CONSTRAINT finding_practice_small CHECK (practice = '' OR patients IS NULL OR patients >= 5),
  CONSTRAINT finding_practice_whole CHECK (num_nulls(patients, rows, pence, unknown_rows) IN (0, 4)
    AND (practice <> '' OR rows IS NOT NULL))
);
COMMENT ON TABLE finding_practice IS 'Findings by practice, a dimension of counts alone: the worker reads practices from the confidential blocks, and small counts of patients are hidden before they are stored';
COMMENT ON COLUMN finding_practice.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_practice.submission IS 'submission.no';
COMMENT ON COLUMN finding_practice.commissioner IS 'Commissioner of the rows';
COMMENT ON COLUMN finding_practice.line IS 'Rows that fail this rule; or have a finding of this severity; empty: any finding';
COMMENT ON COLUMN finding_practice.practice IS 'Practice; other: what was sent is no practice code; empty: the sum over all';
COMMENT ON COLUMN finding_practice.patients IS 'Patients; null with the rest: hidden, because it is from 1 to 4 or would give such a count back';
COMMENT ON COLUMN finding_practice.rows IS 'Rows';
COMMENT ON COLUMN finding_practice.pence IS 'Sum of their known amounts at stake';
COMMENT ON COLUMN finding_practice.unknown_rows IS 'Those of them without a price';
COMMENT ON COLUMN finding_practice.withheld IS 'Of the sum: no practice is shown, because a small count could not be hidden otherwise';

CREATE TABLE export (
  provider     text        NOT NULL,
  id           text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  kind         text        NOT NULL CHECK (kind IN ('findings', 'fix_it')),
  format       text        NOT NULL CHECK (format IN ('csv', 'ndjson')),
  organisation text        NOT NULL,
  person       text        NOT NULL REFERENCES person (id),
  asked_at     timestamptz NOT NULL,
  commissioner text,
  first_month  date        CHECK (extract(day FROM first_month) = 1),
  last_month   date        CHECK (extract(day FROM last_month) = 1 AND last_month >= first_month),
  rule         text,
  severity     text        CHECK (severity IN ('ERROR', 'QUERY', 'WARN')),
  cluster      text,
  submission   bigint,
  whole        boolean     NOT NULL DEFAULT false,
  sealed_key   bytea,
  state        text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'removed')),
  finished_at  timestamptz,
  lines        bigint      CHECK (lines >= 0),
  pence        bigint,
  unknown_rows bigint      CHECK (unknown_rows >= 0),
  bytes        bigint      CHECK (bytes >= 0),
  chunks       integer     CHECK (chunks >= 0),
  sha256       bytea       CHECK (length(sha256) = 32),
  remove_after timestamptz,
  PRIMARY KEY (provider, id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  CHECK ((kind = 'findings') = (first_month IS NOT NULL AND last_month IS NOT NULL)),
  CONSTRAINT export_fix_it CHECK ((kind = 'fix_it') = (submission IS NOT NULL AND sealed_key IS NOT NULL)
         AND (kind = 'findings' OR (organisation = provider AND commissioner IS NULL AND rule IS NULL
                                    AND severity IS NULL AND cluster IS NULL))),
  CONSTRAINT export_complete CHECK ((state = 'queued') = (finished_at IS NULL)
         AND num_nulls(finished_at, lines, pence, unknown_rows, bytes, chunks, sha256, remove_after) IN (0, 8))
);
CREATE INDEX export_removal ON export (remove_after) WHERE state = 'done';
CREATE INDEX export_asked ON export (organisation, asked_at);
CREATE INDEX export_waiting ON export (organisation) WHERE state = 'queued';
COMMENT ON TABLE export IS 'Files that the worker makes on demand: findings of a period, or a trust''s own rows with their findings beside them';
COMMENT ON COLUMN export.provider IS 'Provider whose rows they are (ODS)';
COMMENT ON COLUMN export.id IS 'Generated id';
COMMENT ON COLUMN export.kind IS 'findings, or fix_it: the rows as uploaded with what is wrong and how to mend it';
COMMENT ON COLUMN export.format IS 'CSV or NDJSON';
COMMENT ON COLUMN export.organisation IS 'Who asked, and alone may fetch it';
COMMENT ON COLUMN export.person IS 'Person who asked';
COMMENT ON COLUMN export.asked_at IS 'Instant on the product clock';
COMMENT ON COLUMN export.commissioner IS 'Rows of this commissioner alone; null: of all';
COMMENT ON COLUMN export.first_month IS 'First day of the first month';
COMMENT ON COLUMN export.last_month IS 'First day of the last month';
COMMENT ON COLUMN export.rule IS 'This rule alone';
COMMENT ON COLUMN export.severity IS 'This severity in force alone';
COMMENT ON COLUMN export.cluster IS 'This cluster alone';
COMMENT ON COLUMN export.submission IS 'submission.no of a fix-it file';
COMMENT ON COLUMN export.whole IS 'Of a fix-it file: rows without a finding too';
COMMENT ON COLUMN export.sealed_key IS 'Key of a fix-it file, which the caller made and keeps, sealed to the worker''s public key';
COMMENT ON COLUMN export.state IS 'queued, done, removed (the bytes are gone)';
COMMENT ON COLUMN export.finished_at IS 'Instant on the product clock';
COMMENT ON COLUMN export.lines IS 'Lines of the file, a header not counted';
COMMENT ON COLUMN export.pence IS 'Control total: known amounts at stake of the rows named, each row once';
COMMENT ON COLUMN export.unknown_rows IS 'Rows named whose amount is not known';
COMMENT ON COLUMN export.bytes IS 'Bytes of the file';
COMMENT ON COLUMN export.chunks IS 'Chunks stored';
COMMENT ON COLUMN export.sha256 IS 'SHA-256 of the file as it is fetched';
COMMENT ON COLUMN export.remove_after IS 'Wall clock; past it the bytes are removed';

CREATE TABLE export_chunk (
  provider text    NOT NULL,
  export   text    NOT NULL,
  seq      integer NOT NULL CHECK (seq >= 0),
  bytes    bytea   NOT NULL CHECK (length(bytes) > 0),
  PRIMARY KEY (provider, export, seq),
  FOREIGN KEY (provider, export) REFERENCES export (provider, id)
);
ALTER TABLE export_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE export_chunk IS 'The bytes of an export; those of a fix-it file are encrypted under the caller''s key';
COMMENT ON COLUMN export_chunk.provider IS 'Provider (ODS)';
COMMENT ON COLUMN export_chunk.export IS 'export.id';
COMMENT ON COLUMN export_chunk.seq IS '0, 1, 2 ...';
COMMENT ON COLUMN export_chunk.bytes IS 'A part of the file';

CREATE FUNCTION keep_export() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (OLD.state, NEW.state) NOT IN (('queued', 'done'), ('done', 'removed'))
     OR (NEW.provider, NEW.id, NEW.kind, NEW.format, NEW.organisation, NEW.person, NEW.asked_at, NEW.commissioner,
         NEW.first_month, NEW.last_month, NEW.rule, NEW.severity, NEW.cluster, NEW.submission, NEW.whole, NEW.sealed_key)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.kind, OLD.format, OLD.organisation, OLD.person, OLD.asked_at,
         OLD.commissioner, OLD.first_month, OLD.last_month, OLD.rule, OLD.severity, OLD.cluster, OLD.submission,
         OLD.whole, OLD.sealed_key)
     OR (OLD.state = 'done' AND (NEW.lines, NEW.pence, NEW.unknown_rows, NEW.bytes, NEW.sha256)
         IS DISTINCT FROM (OLD.lines, OLD.pence, OLD.unknown_rows, OLD.bytes, OLD.sha256)) THEN
    RAISE EXCEPTION 'an export is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'export', CONSTRAINT = 'export_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_export() IS 'Trigger body: what was asked for and what was made of it hold still; only the bytes go';
CREATE TRIGGER export_kept BEFORE UPDATE OR DELETE ON export FOR EACH ROW EXECUTE FUNCTION keep_export();

-- One more kind of job, beside whatever kinds there are.
DO $$
DECLARE
  kinds text;
  t     text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''export''::text, ');
  FOREACH t IN ARRAY ARRAY['finding_line', 'finding_pattern', 'finding_practice', 'export', 'export_chunk'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['finding_line', 'finding_pattern', 'finding_practice'] LOOP
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (provider = (SELECT'
      ' reckoner.acting_provider()) OR provider = ANY ((SELECT reckoner.visible_providers())::text[])'
      ' OR commissioner = (SELECT reckoner.acting_commissioner())'
      ' OR commissioner = ANY ((SELECT reckoner.visible_commissioners())::text[]))', t || '_read', t);
  END LOOP;
END $$;
CREATE POLICY export_read ON export FOR SELECT TO reckoner_web USING (organisation = (SELECT caller_organisation()));
CREATE POLICY export_ask ON export FOR INSERT TO reckoner_web
  WITH CHECK (organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person()) AND state = 'queued'
              AND (provider = (SELECT acting_provider())
                   OR (kind = 'findings' AND commissioner = (SELECT acting_commissioner()))));
CREATE POLICY job_read_export ON job FOR SELECT TO reckoner_web
  USING (kind = 'export' AND EXISTS (SELECT FROM export x WHERE x.provider = job.provider AND x.id = job.subject));
CREATE POLICY export_chunk_read ON export_chunk FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM export x WHERE x.provider = export_chunk.provider AND x.id = export_chunk.export
                 AND x.state = 'done'));

REVOKE ALL ON FUNCTION keep_export() FROM PUBLIC;
GRANT SELECT ON finding_line, finding_pattern, finding_practice TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT, DELETE ON finding_line, finding_pattern, finding_practice TO reckoner_worker;
GRANT SELECT, INSERT (provider, id, kind, format, organisation, person, asked_at, commissioner, first_month, last_month,
  rule, severity, cluster, submission, whole, sealed_key) ON export TO reckoner_web;
GRANT SELECT ON export_chunk TO reckoner_web;
GRANT SELECT, UPDATE (state, finished_at, lines, pence, unknown_rows, bytes, chunks, sha256, remove_after) ON export
  TO reckoner_worker;
GRANT SELECT, INSERT, DELETE ON export_chunk TO reckoner_worker;
