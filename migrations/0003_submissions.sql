-- What the trusts sent and what validation found.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE rule (
  id       text     PRIMARY KEY CHECK (id ~ '^[A-Z][0-9]{2}$'),
  bit      smallint UNIQUE CHECK (bit BETWEEN 0 AND 62),
  severity text     NOT NULL CHECK (severity IN ('FILE', 'ERROR', 'QUERY', 'WARN')),
  field    text     NOT NULL,
  sentence text     NOT NULL,
  hint     text     NOT NULL,
  source   text     NOT NULL,
  CHECK ((severity = 'FILE') = (bit IS NULL))
);
COMMENT ON TABLE rule IS 'The validation rules, written by `reckoner migrate` from config/rules.tsv';
COMMENT ON COLUMN rule.id IS 'Stable id; never changes meaning';
COMMENT ON COLUMN rule.bit IS 'Place in episode.failed; null for rules of the whole file';
COMMENT ON COLUMN rule.severity IS 'Default severity';
COMMENT ON COLUMN rule.field IS 'Column it speaks of';
COMMENT ON COLUMN rule.sentence IS 'What is wrong, in plain words';
COMMENT ON COLUMN rule.hint IS 'How to mend it';
COMMENT ON COLUMN rule.source IS 'Where the rule comes from';

CREATE SEQUENCE submission_no AS bigint;
COMMENT ON SEQUENCE submission_no IS 'Numbers submissions across providers';

CREATE TABLE submission (
  provider        text        NOT NULL,
  no              bigint      NOT NULL DEFAULT nextval('reckoner.submission_no'),
  id              text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  month           date        NOT NULL CHECK (extract(day FROM month) = 1),
  version         integer     CHECK (version > 0),
  state           text        NOT NULL CHECK (state IN ('receiving', 'received', 'refused', 'held', 'accepted')),
  uploaded_by     text        NOT NULL REFERENCES person (id),
  idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
  media_type      text        NOT NULL CHECK (media_type IN ('text/csv', 'application/x-ndjson')),
  declared_rows   bigint      CHECK (declared_rows >= 0),
  caseload        bigint      CHECK (caseload >= 0),
  begun_at        timestamptz NOT NULL,
  completed_at    timestamptz CHECK (completed_at >= begun_at),
  receiving_until timestamptz,
  sealed_key      bytea       NOT NULL,
  bytes           bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  chunks          integer     NOT NULL DEFAULT 0 CHECK (chunks >= 0),
  sha256          bytea       CHECK (length(sha256) = 32),
  confirmed_by    text        REFERENCES person (id),
  confirmed_at    timestamptz,
  validated_at    timestamptz,
  rows            bigint      CHECK (rows >= 0),
  payable_rows    bigint      CHECK (payable_rows BETWEEN 0 AND rows),
  rule_set        text,
  reference       jsonb,
  evaluation      integer     NOT NULL DEFAULT 0,
  PRIMARY KEY (provider, no),
  UNIQUE (provider, id),
  UNIQUE (provider, month, version),
  UNIQUE (provider, uploaded_by, idempotency_key),
  CHECK ((state = 'receiving') = (completed_at IS NULL)),
  CHECK ((state = 'receiving') = (sha256 IS NULL)),
  CHECK ((state = 'receiving') = (version IS NULL)),
  CHECK ((state = 'receiving') = (receiving_until IS NOT NULL)),
  CHECK ((state IN ('refused', 'held', 'accepted')) = (validated_at IS NOT NULL))
);
CREATE INDEX submission_receiving ON submission (receiving_until) WHERE state = 'receiving';
COMMENT ON TABLE submission IS 'One complete upload for one provider and month; the newest accepted version replaces those before';
COMMENT ON COLUMN submission.provider IS 'Provider (ODS)';
COMMENT ON COLUMN submission.no IS 'Short key for the tables of rows';
COMMENT ON COLUMN submission.id IS 'Generated id, as in URLs';
COMMENT ON COLUMN submission.month IS 'First day of the month';
COMMENT ON COLUMN submission.version IS '1, 2 ... in order of completed upload';
COMMENT ON COLUMN submission.state IS 'receiving, received (waits for validation), refused, held (F13, waits for confirmation), accepted';
COMMENT ON COLUMN submission.uploaded_by IS 'Person whose token sent it';
COMMENT ON COLUMN submission.idempotency_key IS 'Idempotency-Key of the upload';
COMMENT ON COLUMN submission.media_type IS 'CSV or NDJSON';
COMMENT ON COLUMN submission.declared_rows IS 'Row-Count header';
COMMENT ON COLUMN submission.caseload IS 'Caseload header: patients with an open referral on the last day';
COMMENT ON COLUMN submission.begun_at IS 'Instant the request began, product clock; windows are judged by it';
COMMENT ON COLUMN submission.completed_at IS 'Instant the last byte was stored, product clock';
COMMENT ON COLUMN submission.receiving_until IS 'Wall clock; past it an unfinished upload is swept away';
COMMENT ON COLUMN submission.sealed_key IS 'Stream key sealed to the worker''s public key';
COMMENT ON COLUMN submission.bytes IS 'Bytes as sent';
COMMENT ON COLUMN submission.chunks IS 'Sealed chunks stored';
COMMENT ON COLUMN submission.sha256 IS 'SHA-256 of the bytes as sent';
COMMENT ON COLUMN submission.confirmed_by IS 'Who confirmed a held submission';
COMMENT ON COLUMN submission.confirmed_at IS 'Instant on the product clock';
COMMENT ON COLUMN submission.validated_at IS 'Instant of the outcome, product clock';
COMMENT ON COLUMN submission.rows IS 'Rows read';
COMMENT ON COLUMN submission.payable_rows IS 'Rows without an ERROR that holds under any terms';
COMMENT ON COLUMN submission.rule_set IS 'Version of the rule set that was applied';
COMMENT ON COLUMN submission.reference IS 'Digests of the reference data that was applied, by kind';
COMMENT ON COLUMN submission.evaluation IS 'Counts evaluations under terms; findings of the current one are shown';

CREATE TABLE submission_chunk (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  seq        integer NOT NULL CHECK (seq >= 0),
  sealed     bytea   NOT NULL,
  PRIMARY KEY (provider, submission, seq),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no) ON DELETE CASCADE
);
ALTER TABLE submission_chunk ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE submission_chunk IS 'The uploaded bytes, encrypted as they streamed; evidence';
COMMENT ON COLUMN submission_chunk.provider IS 'Provider (ODS)';
COMMENT ON COLUMN submission_chunk.submission IS 'submission.no';
COMMENT ON COLUMN submission_chunk.seq IS '0, 1, 2 ...';
COMMENT ON COLUMN submission_chunk.sealed IS 'One secretstream message (XChaCha20-Poly1305); ciphertext does not compress, so it is stored as it is';

-- No foreign key to submission: rows are written and removed only with their submission, in one
-- transaction, and the check costs as much again as the load.
CREATE TABLE episode (
  provider        text     NOT NULL,
  submission      bigint   NOT NULL,
  row_no          integer  NOT NULL CHECK (row_no > 0),
  episode_id      text     NOT NULL,
  patient         uuid     NOT NULL,
  commissioner    text     NOT NULL,
  cluster         text     NOT NULL,
  service         text,
  start_date      date,
  end_date        date,
  mhct_date       date,
  referral_date   date,
  mhct_reason     smallint NOT NULL,
  admitted_days   smallint NOT NULL,
  assessment_only boolean  NOT NULL,
  continues       boolean  NOT NULL,
  approved        boolean  NOT NULL,
  minor           boolean  NOT NULL,
  failed          bigint   NOT NULL,
  PRIMARY KEY (provider, submission, row_no)
);
COMMENT ON TABLE episode IS 'Payable facts of every row of an accepted submission, apart from who the patient is';
COMMENT ON COLUMN episode.provider IS 'Provider (ODS)';
COMMENT ON COLUMN episode.submission IS 'submission.no';
COMMENT ON COLUMN episode.row_no IS 'Row of the file, the header not counted; 1 is the first';
COMMENT ON COLUMN episode.episode_id IS 'Episode id as sent, empty when blank';
COMMENT ON COLUMN episode.patient IS 'Keyed hash of the local patient id (128 bits); the key is the worker''s';
COMMENT ON COLUMN episode.commissioner IS 'Commissioner as sent';
COMMENT ON COLUMN episode.cluster IS 'Cluster, two digits where it could be normalised';
COMMENT ON COLUMN episode.service IS 'Team or service code';
COMMENT ON COLUMN episode.start_date IS 'First day in the cluster; null when it was no date';
COMMENT ON COLUMN episode.end_date IS 'First day not in the cluster; null while open';
COMMENT ON COLUMN episode.mhct_date IS 'Date of the latest MHCT; null when it was no date';
COMMENT ON COLUMN episode.referral_date IS 'Referral date';
COMMENT ON COLUMN episode.mhct_reason IS 'MHCT reason; 0 when blank or unknown';
COMMENT ON COLUMN episode.admitted_days IS 'Occupied bed days in the month; blank counts as 0';
COMMENT ON COLUMN episode.assessment_only IS 'Assessed and not taken on';
COMMENT ON COLUMN episode.continues IS 'Another row of the patient starts on the closing day';
COMMENT ON COLUMN episode.approved IS 'An approval reference was given';
COMMENT ON COLUMN episode.minor IS 'Under 18 on the last day of the month';
COMMENT ON COLUMN episode.failed IS 'Rules the row failed whatever the terms, one bit each (rule.bit)';

CREATE TABLE confidential_block (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  block      integer NOT NULL CHECK (block >= 0),
  first_row  integer NOT NULL CHECK (first_row > 0),
  rows       integer NOT NULL CHECK (rows > 0),
  sealed     bytea   NOT NULL,
  PRIMARY KEY (provider, submission, block)
);
ALTER TABLE confidential_block ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE confidential_block IS 'Patient id, NHS number, birth date and practice, encrypted in blocks of rows; readable by the worker''s key only';
COMMENT ON COLUMN confidential_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN confidential_block.submission IS 'submission.no';
COMMENT ON COLUMN confidential_block.block IS '0, 1, 2 ...';
COMMENT ON COLUMN confidential_block.first_row IS 'First row_no in the block';
COMMENT ON COLUMN confidential_block.rows IS 'Rows in the block';
COMMENT ON COLUMN confidential_block.sealed IS 'Sealed box of the block''s records';

CREATE TABLE finding (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  row_no       integer NOT NULL CHECK (row_no >= 0),
  rule         text    NOT NULL,
  evaluation   integer NOT NULL DEFAULT 0 CHECK (evaluation >= 0),
  episode_id   text    NOT NULL,
  commissioner text    NOT NULL,
  cluster      text    NOT NULL,
  field        text    NOT NULL,
  value        text    NOT NULL,
  note         text    NOT NULL DEFAULT '',
  PRIMARY KEY (provider, submission, row_no, rule, evaluation)
);
COMMENT ON TABLE finding IS 'One rule that one row (or the file) fails';
COMMENT ON COLUMN finding.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding.submission IS 'submission.no';
COMMENT ON COLUMN finding.row_no IS 'Row of the file; 0 for the file itself';
COMMENT ON COLUMN finding.rule IS 'Rule id';
COMMENT ON COLUMN finding.evaluation IS '0: holds whatever the terms; otherwise the evaluation under terms that found it';
COMMENT ON COLUMN finding.episode_id IS 'Episode id of the row';
COMMENT ON COLUMN finding.commissioner IS 'Commissioner of the row; whose account it concerns';
COMMENT ON COLUMN finding.cluster IS 'Cluster of the row';
COMMENT ON COLUMN finding.field IS 'Column or columns';
COMMENT ON COLUMN finding.value IS 'Value as sent, masked where it identifies a patient';
COMMENT ON COLUMN finding.note IS 'What is particular to this row, for example the other row of an overlap';

CREATE TABLE stake (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  row_no     integer NOT NULL,
  pence      bigint,
  PRIMARY KEY (provider, submission, row_no)
);
COMMENT ON TABLE stake IS 'Amount at stake of each row that has a finding: its gross value this month under the terms of the current evaluation';
COMMENT ON COLUMN stake.provider IS 'Provider (ODS)';
COMMENT ON COLUMN stake.submission IS 'submission.no';
COMMENT ON COLUMN stake.row_no IS 'Row of the file';
COMMENT ON COLUMN stake.pence IS 'Pence; null where there is no price';

CREATE TABLE severity (
  provider     text   NOT NULL,
  submission   bigint NOT NULL,
  commissioner text   NOT NULL,
  rule         text   NOT NULL,
  severity     text   NOT NULL CHECK (severity IN ('ERROR', 'QUERY', 'WARN')),
  PRIMARY KEY (provider, submission, commissioner, rule)
);
COMMENT ON TABLE severity IS 'Severities that the terms of a commissioner''s account change, as of the current evaluation';
COMMENT ON COLUMN severity.provider IS 'Provider (ODS)';
COMMENT ON COLUMN severity.submission IS 'submission.no';
COMMENT ON COLUMN severity.commissioner IS 'Commissioner whose terms say so';
COMMENT ON COLUMN severity.rule IS 'Rule id';
COMMENT ON COLUMN severity.severity IS 'Severity under those terms';
