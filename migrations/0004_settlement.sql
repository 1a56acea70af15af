-- What is owed, billed and signed.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE signing_key (
  id         text        PRIMARY KEY CHECK (id ~ '^[0-9A-F]{16}$'),
  public_key bytea       NOT NULL UNIQUE CHECK (length(public_key) = 32),
  valid_from timestamptz NOT NULL,
  valid_to   timestamptz CHECK (valid_to > valid_from)
);
COMMENT ON TABLE signing_key IS 'Public halves of the keys that sign receipts and statements';
COMMENT ON COLUMN signing_key.id IS 'minisign key id, 8 bytes in hexadecimal as minisign prints it';
COMMENT ON COLUMN signing_key.public_key IS 'Ed25519 public key';
COMMENT ON COLUMN signing_key.valid_from IS 'Instant of first use, product clock';
COMMENT ON COLUMN signing_key.valid_to IS 'Instant of retirement; null while in use';

CREATE TABLE signed_record (
  provider  text        NOT NULL,
  id        text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  purpose   text        NOT NULL CHECK (purpose IN ('receipt', 'statement')),
  bytes     bytea       NOT NULL,
  sha256    bytea       NOT NULL CHECK (sha256(bytes) = sha256),
  key_id    text        NOT NULL REFERENCES signing_key (id),
  signature bytea       NOT NULL CHECK (length(signature) = 64),
  minisig   text        NOT NULL,
  sealed_at timestamptz NOT NULL,
  PRIMARY KEY (provider, id)
);
COMMENT ON TABLE signed_record IS 'Exact bytes that the worker signed; never changed';
COMMENT ON COLUMN signed_record.provider IS 'Provider (ODS)';
COMMENT ON COLUMN signed_record.id IS 'Generated id';
COMMENT ON COLUMN signed_record.purpose IS 'receipt or statement; the bytes begin with it';
COMMENT ON COLUMN signed_record.bytes IS 'Canonical JSON';
COMMENT ON COLUMN signed_record.sha256 IS 'SHA-256 of the bytes';
COMMENT ON COLUMN signed_record.key_id IS 'Key that signed';
COMMENT ON COLUMN signed_record.signature IS 'Ed25519 over exactly the bytes';
COMMENT ON COLUMN signed_record.minisig IS 'The same signature as a minisign file';
COMMENT ON COLUMN signed_record.sealed_at IS 'Instant on the product clock';
CREATE TRIGGER signed_record_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signed_record
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt (
  provider   text   NOT NULL,
  submission bigint NOT NULL,
  n          integer NOT NULL CHECK (n > 0),
  record     text   NOT NULL,
  PRIMARY KEY (provider, submission, n),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  FOREIGN KEY (provider, record) REFERENCES signed_record (provider, id)
);
COMMENT ON TABLE receipt IS 'The signed acknowledgement of each completed submission';
COMMENT ON COLUMN receipt.provider IS 'Provider (ODS)';
COMMENT ON COLUMN receipt.submission IS 'submission.no';
COMMENT ON COLUMN receipt.n IS '1; 2 for the outcome after a held submission was confirmed';
COMMENT ON COLUMN receipt.record IS 'signed_record.id';

CREATE TABLE position (
  provider text   NOT NULL,
  sha256   bytea  NOT NULL,
  body     text   NOT NULL,
  PRIMARY KEY (provider, sha256),
  CHECK (sha256(convert_to(body, 'UTF8')) = sha256)
);
COMMENT ON TABLE position IS 'Position documents by digest: same inputs, same bytes, one row';
COMMENT ON COLUMN position.provider IS 'Provider (ODS)';
COMMENT ON COLUMN position.sha256 IS 'SHA-256 of the body';
COMMENT ON COLUMN position.body IS 'Canonical JSON, see api/formats/position.md';
CREATE TRIGGER position_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON position
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE run (
  provider         text        NOT NULL,
  id               text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  contract         text        NOT NULL,
  commissioner     text        NOT NULL,
  month            date        NOT NULL CHECK (extract(day FROM month) = 1),
  type             text        NOT NULL CHECK (type IN ('PREVIEW', 'FLEX', 'FREEZE', 'R', 'FINAL', 'DISPUTE')),
  n                integer     NOT NULL DEFAULT 1 CHECK (n > 0),
  state            text        NOT NULL CHECK (state IN ('queued', 'done', 'parked', 'failed')),
  cause            text        NOT NULL,
  requested_by     text        REFERENCES person (id),
  requested_at     timestamptz NOT NULL,
  known_at         timestamptz NOT NULL,
  finished_at      timestamptz,
  reason           text,
  engine           text,
  position_sha256  bytea,
  position_pence   bigint,
  billing_sha256   bytea,
  billable_pence   bigint,
  billed_pence     bigint,
  balance_pence    bigint,
  PRIMARY KEY (provider, id),
  UNIQUE (provider, contract, commissioner, month, type, n),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (provider, position_sha256) REFERENCES position (provider, sha256),
  FOREIGN KEY (provider, billing_sha256) REFERENCES position (provider, sha256),
  CHECK ((state = 'done') = (position_sha256 IS NOT NULL)),
  CHECK ((state = 'done') = (position_pence IS NOT NULL)),
  CHECK ((state IN ('parked', 'failed')) <= (reason IS NOT NULL)),
  CHECK ((billing_sha256 IS NULL) = (balance_pence IS NULL)),
  CHECK (balance_pence = billable_pence - billed_pence)
);
CREATE INDEX run_account ON run (provider, contract, commissioner, requested_at);
COMMENT ON TABLE run IS 'One computation of one account-month; immutable once done';
COMMENT ON COLUMN run.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run.id IS 'Generated id';
COMMENT ON COLUMN run.contract IS 'Contract';
COMMENT ON COLUMN run.commissioner IS 'Account';
COMMENT ON COLUMN run.month IS 'First day of the month';
COMMENT ON COLUMN run.type IS 'PREVIEW (never issued), FLEX, FREEZE, R (re-settlement, numbered by n), FINAL, DISPUTE';
COMMENT ON COLUMN run.n IS 'Number within account, month and type: R1 is type R, n 1';
COMMENT ON COLUMN run.state IS 'queued, done, parked (see reason; can be requested again) or failed';
COMMENT ON COLUMN run.cause IS 'Why the run was made: a request, or what changed';
COMMENT ON COLUMN run.requested_by IS 'Who asked; null when it raised itself';
COMMENT ON COLUMN run.requested_at IS 'Instant on the product clock';
COMMENT ON COLUMN run.known_at IS 'Inputs known up to this instant are used';
COMMENT ON COLUMN run.finished_at IS 'Instant on the product clock';
COMMENT ON COLUMN run.reason IS 'Why it is parked or failed, and the ways out';
COMMENT ON COLUMN run.engine IS 'Engine version';
COMMENT ON COLUMN run.position_sha256 IS 'Position document of the run''s month';
COMMENT ON COLUMN run.position_pence IS 'Its total';
COMMENT ON COLUMN run.billing_sha256 IS 'Position document that is billed: of month max(run''s month, billing head); null when the run does not bill';
COMMENT ON COLUMN run.billable_pence IS 'Billable position of that document';
COMMENT ON COLUMN run.billed_pence IS 'Billed before';
COMMENT ON COLUMN run.balance_pence IS 'billable - billed';

CREATE TABLE run_input (
  provider   text   NOT NULL,
  run        text   NOT NULL,
  month      date   NOT NULL CHECK (extract(day FROM month) = 1),
  submission bigint NOT NULL,
  PRIMARY KEY (provider, run, month),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE run_input IS 'Submission that a run pinned for each month of its year to date';
COMMENT ON COLUMN run_input.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_input.run IS 'Run';
COMMENT ON COLUMN run_input.month IS 'Month of the submission';
COMMENT ON COLUMN run_input.submission IS 'submission.no';

CREATE TABLE frozen_month (
  provider     text        NOT NULL,
  contract     text        NOT NULL,
  month        date        NOT NULL CHECK (extract(day FROM month) = 1),
  submission   bigint      NOT NULL,
  frozen_at    timestamptz NOT NULL,
  PRIMARY KEY (provider, contract, month),
  FOREIGN KEY (provider, contract) REFERENCES contract (provider, id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE frozen_month IS 'Months whose rows are frozen for a contract, and the submission pinned by the first FREEZE run';
COMMENT ON COLUMN frozen_month.provider IS 'Provider (ODS)';
COMMENT ON COLUMN frozen_month.contract IS 'Contract';
COMMENT ON COLUMN frozen_month.month IS 'First day of the month';
COMMENT ON COLUMN frozen_month.submission IS 'submission.no; a granted exception lets a later one in, for re-settlement';
COMMENT ON COLUMN frozen_month.frozen_at IS 'Instant on the product clock';

CREATE TABLE run_line (
  provider    text    NOT NULL,
  run         text    NOT NULL,
  line_no     integer NOT NULL CHECK (line_no > 0),
  line_key    text    NOT NULL,
  stage       text    NOT NULL,
  month       date,
  cluster     text,
  basis       text,
  price_pence bigint  CHECK (price_pence >= 0),
  units       bigint,
  pence       bigint  NOT NULL,
  label       text    NOT NULL,
  PRIMARY KEY (provider, run, line_no),
  UNIQUE (provider, run, line_key),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id)
);
COMMENT ON TABLE run_line IS 'Lines of the run''s position (its own month); their plain sum is run.position_pence';
COMMENT ON COLUMN run_line.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_line.run IS 'Run';
COMMENT ON COLUMN run_line.line_no IS 'Order in the position document, from 1';
COMMENT ON COLUMN run_line.line_key IS 'What the line is about; the same in every position of the account';
COMMENT ON COLUMN run_line.stage IS 'Stage of the position: activity, factor, bands, risk_share, cap_collar, block, adjustment, withhold, cquin, contested';
COMMENT ON COLUMN run_line.month IS 'Month, for monthly lines';
COMMENT ON COLUMN run_line.cluster IS 'Cluster, for activity lines';
COMMENT ON COLUMN run_line.basis IS 'Basis, for activity lines';
COMMENT ON COLUMN run_line.price_pence IS 'Price, for activity lines';
COMMENT ON COLUMN run_line.units IS 'Units, for activity lines';
COMMENT ON COLUMN run_line.pence IS 'Amount';
COMMENT ON COLUMN run_line.label IS 'Plain words';

CREATE TABLE document (
  provider       text        NOT NULL,
  id             text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  contract       text        NOT NULL,
  commissioner   text        NOT NULL,
  run            text        NOT NULL,
  kind           text        NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'nil_statement')),
  state          text        NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'proposed', 'issued', 'superseded')),
  number         bigint      CHECK (number > 0),
  position_pence bigint      NOT NULL,
  billed_pence   bigint      NOT NULL,
  balance_pence  bigint      NOT NULL,
  drafted_at     timestamptz NOT NULL,
  proposed_by    text,
  proposed_at    timestamptz,
  issued_by      text,
  issued_at      timestamptz,
  revision       integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
  PRIMARY KEY (provider, id),
  UNIQUE (provider, run),
  UNIQUE (provider, number),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (provider, proposed_by) REFERENCES person (organisation, id),
  FOREIGN KEY (provider, issued_by) REFERENCES person (organisation, id),
  CHECK (balance_pence = position_pence - billed_pence),
  CHECK (kind = CASE sign(balance_pence) WHEN 1 THEN 'invoice' WHEN -1 THEN 'credit_note' ELSE 'nil_statement' END),
  CHECK ((state = 'issued') = (number IS NOT NULL)),
  CHECK ((state = 'issued') = (issued_by IS NOT NULL AND issued_at IS NOT NULL)),
  CHECK ((state IN ('proposed', 'issued')) <= (proposed_by IS NOT NULL AND proposed_at IS NOT NULL)),
  CHECK (issued_by <> proposed_by)
);
CREATE UNIQUE INDEX document_one_open_draft ON document (provider, contract, commissioner)
  WHERE state IN ('draft', 'proposed');
COMMENT ON TABLE document IS 'Invoices, credit notes and nil statements; drafts have no number';
COMMENT ON COLUMN document.provider IS 'Provider (ODS), who issues';
COMMENT ON COLUMN document.id IS 'Generated id';
COMMENT ON COLUMN document.contract IS 'Contract';
COMMENT ON COLUMN document.commissioner IS 'Who is billed or credited';
COMMENT ON COLUMN document.run IS 'Run that drafted it';
COMMENT ON COLUMN document.kind IS 'invoice (balance > 0), credit_note (< 0), nil_statement (0)';
COMMENT ON COLUMN document.state IS 'draft, proposed (by the maker), issued (by the checker), superseded (by a later run)';
COMMENT ON COLUMN document.number IS 'Given at issue, without gaps within the provider';
COMMENT ON COLUMN document.position_pence IS 'Billable position';
COMMENT ON COLUMN document.billed_pence IS 'Billed before, as written on the draft; issue is refused when it no longer holds';
COMMENT ON COLUMN document.balance_pence IS 'position - billed';
COMMENT ON COLUMN document.drafted_at IS 'Instant on the product clock';
COMMENT ON COLUMN document.proposed_by IS 'Maker: a person of the provider';
COMMENT ON COLUMN document.proposed_at IS 'Instant on the product clock';
COMMENT ON COLUMN document.issued_by IS 'Checker: another person of the provider';
COMMENT ON COLUMN document.issued_at IS 'Instant on the product clock';
COMMENT ON COLUMN document.revision IS 'Counts changes; the ETag';

CREATE TABLE document_line (
  provider    text    NOT NULL,
  document    text    NOT NULL,
  line_no     integer NOT NULL CHECK (line_no > 0),
  line_key    text    NOT NULL,
  stage       text    NOT NULL,
  month       date,
  cluster     text,
  basis       text,
  price_pence bigint  CHECK (price_pence >= 0),
  units       bigint,
  pence       bigint  NOT NULL,
  label       text    NOT NULL,
  PRIMARY KEY (provider, document, line_no),
  FOREIGN KEY (provider, document) REFERENCES document (provider, id)
);
COMMENT ON TABLE document_line IS 'Differences, line by line, from the last billed position; their sum is document.balance_pence';
COMMENT ON COLUMN document_line.provider IS 'Provider (ODS)';
COMMENT ON COLUMN document_line.document IS 'Document';
COMMENT ON COLUMN document_line.line_no IS 'Order, from 1';
COMMENT ON COLUMN document_line.line_key IS 'Line of the position it changes';
COMMENT ON COLUMN document_line.stage IS 'As run_line.stage';
COMMENT ON COLUMN document_line.month IS 'Month, for monthly lines';
COMMENT ON COLUMN document_line.cluster IS 'Cluster, for activity lines';
COMMENT ON COLUMN document_line.basis IS 'Basis, for activity lines';
COMMENT ON COLUMN document_line.price_pence IS 'Price, for activity lines; a changed price is a reversal at the old and a line at the new';
COMMENT ON COLUMN document_line.units IS 'Difference in units';
COMMENT ON COLUMN document_line.pence IS 'Difference in pence';
COMMENT ON COLUMN document_line.label IS 'Plain words';

CREATE TABLE document_reference (
  provider  text NOT NULL,
  document  text NOT NULL,
  refers_to text NOT NULL CHECK (refers_to <> document),
  PRIMARY KEY (provider, document, refers_to),
  FOREIGN KEY (provider, document) REFERENCES document (provider, id),
  FOREIGN KEY (provider, refers_to) REFERENCES document (provider, id)
);
COMMENT ON TABLE document_reference IS 'Documents that billed the months a document changes';
COMMENT ON COLUMN document_reference.provider IS 'Provider (ODS)';
COMMENT ON COLUMN document_reference.document IS 'Document that refers';
COMMENT ON COLUMN document_reference.refers_to IS 'Issued document referred to';

CREATE TABLE ledger_posting (
  provider       text        NOT NULL,
  document       text        NOT NULL,
  seq            smallint    NOT NULL CHECK (seq > 0),
  ledger_account text        NOT NULL CHECK (ledger_account IN ('receivable', 'income')),
  pence          bigint      NOT NULL,
  posted_at      timestamptz NOT NULL,
  PRIMARY KEY (provider, document, seq),
  FOREIGN KEY (provider, document) REFERENCES document (provider, id)
);
COMMENT ON TABLE ledger_posting IS 'Double entry of each issued document: debit receivable, credit income; sums to 0';
COMMENT ON COLUMN ledger_posting.provider IS 'Provider (ODS)';
COMMENT ON COLUMN ledger_posting.document IS 'Document';
COMMENT ON COLUMN ledger_posting.seq IS '1, 2';
COMMENT ON COLUMN ledger_posting.ledger_account IS 'receivable or income';
COMMENT ON COLUMN ledger_posting.pence IS 'Debit positive, credit negative';
COMMENT ON COLUMN ledger_posting.posted_at IS 'Instant on the product clock';
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE statement (
  provider     text    NOT NULL,
  contract     text    NOT NULL,
  commissioner text    NOT NULL,
  seq          integer NOT NULL CHECK (seq > 0),
  run          text    NOT NULL,
  record       text    NOT NULL,
  previous     bytea   CHECK (length(previous) = 32),
  PRIMARY KEY (provider, contract, commissioner, seq),
  UNIQUE (provider, run),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id),
  FOREIGN KEY (provider, record) REFERENCES signed_record (provider, id),
  CHECK ((seq = 1) = (previous IS NULL))
);
COMMENT ON TABLE statement IS 'Signed statements of an account, chained by hash';
COMMENT ON COLUMN statement.provider IS 'Provider (ODS)';
COMMENT ON COLUMN statement.contract IS 'Contract';
COMMENT ON COLUMN statement.commissioner IS 'Account';
COMMENT ON COLUMN statement.seq IS '1, 2 ... within the account';
COMMENT ON COLUMN statement.run IS 'Run it states';
COMMENT ON COLUMN statement.record IS 'signed_record.id';
COMMENT ON COLUMN statement.previous IS 'SHA-256 of the account''s statement before';
