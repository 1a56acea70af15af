-- Who exists, who may act, and what they did.
CREATE SCHEMA IF NOT EXISTS reckoner; -- `reckoner migrate` has made it, for its own table
COMMENT ON SCHEMA reckoner IS 'Settlement of contracts for mental health care paid by results';
GRANT USAGE ON SCHEMA reckoner TO reckoner_web, reckoner_worker, reckoner_auditor;
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE organisation (
  code       text        PRIMARY KEY CHECK (code ~ '^[0-9A-Z]{3,6}$'),
  kind       text        NOT NULL CHECK (kind IN ('provider', 'commissioner', 'auditor', 'operator')),
  name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  live_from  date        NOT NULL,
  live_to    date        CHECK (live_to > live_from),
  successor  text        REFERENCES organisation (code) CHECK (successor <> code),
  revision   integer     NOT NULL DEFAULT 1 CHECK (revision > 0),
  created_at timestamptz NOT NULL,
  UNIQUE (code, kind)
);
COMMENT ON TABLE organisation IS 'Providers, commissioners, auditors and the operator, by ODS code';
COMMENT ON COLUMN organisation.code IS 'ODS code, for example RXA, 5QE, 01A';
COMMENT ON COLUMN organisation.kind IS 'What the organisation is to the product; its people have the role of the same name';
COMMENT ON COLUMN organisation.name IS 'Name as printed on documents';
COMMENT ON COLUMN organisation.live_from IS 'First day the code is live';
COMMENT ON COLUMN organisation.live_to IS 'First day the code is no longer live; null while it is';
COMMENT ON COLUMN organisation.successor IS 'Code that takes over its affairs when it closes';
COMMENT ON COLUMN organisation.revision IS 'Counts changes; the ETag of the resource';
COMMENT ON COLUMN organisation.created_at IS 'Instant of creation on the product clock';

CREATE TABLE audit_appointment (
  auditor      text NOT NULL,
  kind         text NOT NULL DEFAULT 'auditor' CHECK (kind = 'auditor'),
  organisation text NOT NULL REFERENCES organisation (code),
  appointed_at timestamptz NOT NULL,
  PRIMARY KEY (auditor, organisation),
  FOREIGN KEY (auditor, kind) REFERENCES organisation (code, kind)
);
COMMENT ON TABLE audit_appointment IS 'Which auditor may read the accounts of which organisation';
COMMENT ON COLUMN audit_appointment.auditor IS 'The auditing organisation';
COMMENT ON COLUMN audit_appointment.kind IS 'Always auditor; ties the code to an organisation of that kind';
COMMENT ON COLUMN audit_appointment.organisation IS 'The provider or commissioner that is audited';
COMMENT ON COLUMN audit_appointment.appointed_at IS 'Instant of appointment on the product clock';

CREATE TABLE person (
  id           text        PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9.-]{1,39}$'),
  organisation text        NOT NULL,
  role         text        NOT NULL,
  name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  disabled_at  timestamptz,
  created_at   timestamptz NOT NULL,
  UNIQUE (organisation, id),
  FOREIGN KEY (organisation, role) REFERENCES organisation (code, kind)
);
COMMENT ON TABLE person IS 'People who act for an organisation; two-person rules compare their ids';
COMMENT ON COLUMN person.id IS 'Sign-in name, unique in the service';
COMMENT ON COLUMN person.organisation IS 'Organisation the person acts for';
COMMENT ON COLUMN person.role IS 'provider, commissioner, auditor or operator: the kind of the organisation';
COMMENT ON COLUMN person.name IS 'Display name';
COMMENT ON COLUMN person.disabled_at IS 'Set when the person may no longer act';
COMMENT ON COLUMN person.created_at IS 'Instant of creation on the product clock';

CREATE TABLE token (
  hash       bytea       PRIMARY KEY CHECK (length(hash) = 32),
  person     text        NOT NULL REFERENCES person (id),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  revoked_at timestamptz
);
CREATE INDEX token_person ON token (person);
COMMENT ON TABLE token IS 'Bearer tokens; only a keyed hash is stored';
COMMENT ON COLUMN token.hash IS 'BLAKE2b-256 of the token, keyed with the token key file';
COMMENT ON COLUMN token.person IS 'Person the token speaks for';
COMMENT ON COLUMN token.created_at IS 'Instant of issue, wall clock';
COMMENT ON COLUMN token.expires_at IS 'Instant from which it is refused, wall clock (tokens follow real time, not the product clock)';
COMMENT ON COLUMN token.revoked_at IS 'Set when revoked';

CREATE TABLE audit_event (
  provider     text        NOT NULL,
  id           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  at           timestamptz NOT NULL,
  person       text,
  organisation text,
  act          text        NOT NULL CHECK (act ~ '^[a-z][a-z_.]{2,60}$'),
  subject      text        NOT NULL,
  detail       jsonb       NOT NULL DEFAULT '{}',
  request_id   text,
  PRIMARY KEY (provider, id)
);
COMMENT ON TABLE audit_event IS 'Who did what, when, from where and why; appended in the transaction of the act, never changed';
COMMENT ON COLUMN audit_event.provider IS 'Provider whose affairs the act touches; the actor''s own organisation where there is none';
COMMENT ON COLUMN audit_event.id IS 'Order of writing';
COMMENT ON COLUMN audit_event.at IS 'Instant on the product clock';
COMMENT ON COLUMN audit_event.person IS 'Who acted; null for the service itself';
COMMENT ON COLUMN audit_event.organisation IS 'Organisation the person acted for';
COMMENT ON COLUMN audit_event.act IS 'What was done, for example terms.approve';
COMMENT ON COLUMN audit_event.subject IS 'What it was done to, for example contract/abc/terms/2';
COMMENT ON COLUMN audit_event.detail IS 'Particulars, never personal data';
COMMENT ON COLUMN audit_event.request_id IS 'Request that caused it';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger body of tables that nobody, the owner included, may update or delete from';
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE idempotency (
  organisation   text        NOT NULL,
  person         text        NOT NULL,
  key            text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  operation      text        NOT NULL,
  request_sha256 bytea       NOT NULL CHECK (length(request_sha256) = 32),
  status         smallint    NOT NULL,
  location       text,
  etag           text,
  body           text        NOT NULL,
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (organisation, person, key)
);
COMMENT ON TABLE idempotency IS 'First answer to each POST by its Idempotency-Key; a retry gets it again';
COMMENT ON COLUMN idempotency.organisation IS 'Caller''s organisation';
COMMENT ON COLUMN idempotency.person IS 'Caller';
COMMENT ON COLUMN idempotency.key IS 'Idempotency-Key as sent';
COMMENT ON COLUMN idempotency.operation IS 'Method and path of the first request';
COMMENT ON COLUMN idempotency.request_sha256 IS 'SHA-256 of its body; another body under the same key is a conflict';
COMMENT ON COLUMN idempotency.status IS 'HTTP status answered; 0 only inside the transaction of the act';
COMMENT ON COLUMN idempotency.location IS 'Location header answered';
COMMENT ON COLUMN idempotency.etag IS 'ETag header answered, without quotes';
COMMENT ON COLUMN idempotency.body IS 'Body answered';
COMMENT ON COLUMN idempotency.created_at IS 'Wall clock; entries older than the configured days are dropped';

CREATE TABLE reference_set (
  kind      text        NOT NULL CHECK (kind IN ('clusters', 'bank_holidays', 'practices', 'allocation_grid')),
  digest    bytea       NOT NULL,
  content   bytea       NOT NULL CHECK (sha256(content) = digest),
  loaded_at timestamptz NOT NULL,
  loaded_by text        NOT NULL,
  PRIMARY KEY (kind, digest)
);
CREATE INDEX reference_set_latest ON reference_set (kind, loaded_at DESC);
COMMENT ON TABLE reference_set IS 'Reference files as the operator loaded them; the newest of a kind is in use';
COMMENT ON COLUMN reference_set.kind IS 'Which file';
COMMENT ON COLUMN reference_set.digest IS 'SHA-256 of the content; validations and runs pin it';
COMMENT ON COLUMN reference_set.content IS 'The file, byte for byte';
COMMENT ON COLUMN reference_set.loaded_at IS 'Instant on the product clock';
COMMENT ON COLUMN reference_set.loaded_by IS 'Person or command that loaded it';

CREATE TABLE job (
  provider    text        NOT NULL,
  id          text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  kind        text        NOT NULL CHECK (kind IN ('validate', 'evaluate', 'settle', 'resettle', 'preview')),
  subject     text        NOT NULL,
  state       text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done', 'failed')),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  run_after   timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease       text,
  lease_until timestamptz,
  attempts    integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  done_units  bigint      NOT NULL DEFAULT 0,
  all_units   bigint,
  problem     text,
  finished_at timestamptz,
  PRIMARY KEY (provider, id),
  CHECK ((state = 'leased') = (lease IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((state = 'failed') <= (problem IS NOT NULL))
);
CREATE INDEX job_subject ON job (provider, subject);
CREATE INDEX job_waiting ON job (run_after, created_at) WHERE state IN ('queued', 'leased');
COMMENT ON TABLE job IS 'Long work for the workers; claimed by lease, so any worker on any machine may take it';
COMMENT ON COLUMN job.provider IS 'Provider whose data the job works on';
COMMENT ON COLUMN job.id IS 'Generated id';
COMMENT ON COLUMN job.kind IS 'validate a submission, evaluate it under new terms, settle a run, resettle a contract, preview';
COMMENT ON COLUMN job.subject IS 'Id of the submission, run or contract worked on';
COMMENT ON COLUMN job.state IS 'queued, leased, done or failed';
COMMENT ON COLUMN job.created_at IS 'Wall clock (leases and queues follow real time)';
COMMENT ON COLUMN job.run_after IS 'Not claimed before this instant, wall clock; moved on after a failed attempt';
COMMENT ON COLUMN job.lease IS 'Token of the worker that holds it; every write of the job''s result checks it';
COMMENT ON COLUMN job.lease_until IS 'Instant after which another worker may take it, wall clock';
COMMENT ON COLUMN job.attempts IS 'Times claimed';
COMMENT ON COLUMN job.done_units IS 'Progress: units (rows, months) done';
COMMENT ON COLUMN job.all_units IS 'Progress: units in all, where known';
COMMENT ON COLUMN job.problem IS 'Why it failed, and what can be done';
COMMENT ON COLUMN job.finished_at IS 'Wall clock when done or failed';

CREATE TABLE worker_heartbeat (
  worker     text        PRIMARY KEY,
  seen_at    timestamptz NOT NULL,
  version    text        NOT NULL
);
COMMENT ON TABLE worker_heartbeat IS 'When each worker was last alive';
COMMENT ON COLUMN worker_heartbeat.worker IS 'Host and process id';
COMMENT ON COLUMN worker_heartbeat.seen_at IS 'Wall clock';
COMMENT ON COLUMN worker_heartbeat.version IS 'Program version';
