-- What keeps the record whole over years: how long an entry has waited, keys that end or are lost, and a database that was
-- restored, which signs and numbers nothing until it is known what was lost.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE log_pending ADD COLUMN left_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN log_pending.left_at IS 'Real time at which it was left, so that one that no worker takes is noticed';
ALTER TABLE audit_pending ADD COLUMN left_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN audit_pending.left_at IS 'Real time at which it was left, so that one that no worker takes is noticed';

-- A window that closes is logged as the certificate of its month, so there is no kind of its own for it.
DO $$
DECLARE
  kinds text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                 WHERE conrelid = 'reckoner.log_entry'::regclass AND conname = 'log_entry_kind_check');
BEGIN
  EXECUTE 'ALTER TABLE reckoner.log_entry DROP CONSTRAINT log_entry_kind_check, ADD CONSTRAINT log_entry_kind_check '
          || replace(kinds, '''window_closed''::text, ', '');
END $$;
COMMENT ON COLUMN log_entry.kind IS
  'What was noted: receipt, statement, certificate (a closed window), terms_approval, document, key, audit_head, recovery, void';

-- ---------------------------------------------------------------------------------------------------------------- keys

ALTER TABLE signing_key ADD COLUMN lost boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT signing_key_lost_from CHECK (NOT lost OR valid_to IS NOT NULL);
COMMENT ON COLUMN signing_key.valid_from IS 'Instant from which its signatures count, product clock';
COMMENT ON COLUMN signing_key.valid_to IS 'Instant from which they count no longer: retired, or known to others; null while in use';
COMMENT ON COLUMN signing_key.lost IS 'It is known to others from valid_to on: what it signed counts only where it stood in the log before this did';

CREATE FUNCTION keep_signing_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- The first key introduces itself; every other one is introduced by the operator.
    IF current_user = 'reckoner_worker' AND EXISTS (SELECT FROM reckoner.signing_key)
       AND NOT EXISTS (SELECT FROM reckoner.signing_key k WHERE k.id = NEW.id) THEN
      RAISE EXCEPTION 'key_not_introduced' USING ERRCODE = 'P0001';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' OR (NEW.id, NEW.public_key, NEW.valid_from) IS DISTINCT FROM (OLD.id, OLD.public_key, OLD.valid_from)
     OR (OLD.valid_to IS NOT NULL AND (NEW.valid_to IS NULL OR NEW.valid_to > OLD.valid_to)) OR (OLD.lost AND NOT NEW.lost)
  THEN
    RAISE EXCEPTION 'a key stays as it is, but for its end, which only comes nearer'
      USING ERRCODE = 'restrict_violation', TABLE = 'signing_key', CONSTRAINT = 'signing_key_ends_once';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_signing_key() IS
  'Trigger body: a worker brings the first key alone; a key does not change but for its end, which only comes nearer';
CREATE TRIGGER signing_key_kept BEFORE INSERT OR UPDATE OR DELETE ON signing_key
  FOR EACH ROW EXECUTE FUNCTION keep_signing_key();

CREATE OR REPLACE FUNCTION log_signing_key() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('key', NULL, NULL, NEW.id, format(
    '"key":"%s","kind":"key"%s,"public_key":"%s","valid_from":"%s"%s', NEW.id, CASE WHEN NEW.lost THEN ',"lost":true' ELSE '' END,
    encode(NEW.public_key, 'hex'), reckoner.log_instant(NEW.valid_from),
    coalesce(',"valid_to":"' || reckoner.log_instant(NEW.valid_to) || '"', '')));
  RETURN NULL;
END $$;

-- -------------------------------------------------------------------------------------------------------------- restores

CREATE FUNCTION database_instance() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws('/', s.system_identifier, c.timeline_id, d.oid, 'reckoner.log_entry'::regclass::oid::text,
                   extract(epoch FROM pg_postmaster_start_time()))
    FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION database_instance() IS
  'Names this run of this database: a restart, a restore, another time line or another server has another name';

CREATE TABLE log_vouch (
  one        boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (one),
  instance   text        NOT NULL,
  size       bigint      NOT NULL CHECK (size >= 0),
  vouched_by text        NOT NULL,
  vouched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  stopped    text        CHECK (length(stopped) BETWEEN 1 AND 500),
  stopped_at timestamptz,
  CHECK ((stopped IS NULL) = (stopped_at IS NULL))
);
COMMENT ON TABLE log_vouch IS 'Who last made sure that this database is the newest state of the log, by what it keeps outside; nothing is signed or numbered without';
COMMENT ON COLUMN log_vouch.one IS 'There is one row';
COMMENT ON COLUMN log_vouch.instance IS 'database_instance() then';
COMMENT ON COLUMN log_vouch.size IS 'Leaves of the newest checkpoint then';
COMMENT ON COLUMN log_vouch.vouched_by IS 'Worker, or the command that recovered';
COMMENT ON COLUMN log_vouch.vouched_at IS 'Real time';
COMMENT ON COLUMN log_vouch.stopped IS 'Why a worker stopped all signing and numbering; null: it did not';
COMMENT ON COLUMN log_vouch.stopped_at IS 'Real time';

CREATE FUNCTION log_vouched() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT v.stopped IS NULL AND v.instance = reckoner.database_instance() FROM reckoner.log_vouch v),
                  NOT EXISTS (SELECT FROM reckoner.log_checkpoint))
$$;
COMMENT ON FUNCTION log_vouched() IS 'Whether this database is known to be the newest state of the log';

-- A database that was in service when this file was applied is taken as it is.
INSERT INTO log_vouch (instance, size, vouched_by)
  SELECT database_instance(), max(size), 'migration' FROM log_checkpoint HAVING count(*) > 0;

CREATE TABLE log_recovery (
  id            bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at            timestamptz NOT NULL,
  kept_size     bigint      NOT NULL CHECK (kept_size > 0),
  kept_root     bytea       NOT NULL CHECK (length(kept_root) = 32),
  restored_size bigint      NOT NULL CHECK (restored_size >= 0),
  restored_root bytea       NOT NULL CHECK (length(restored_root) = 32)
);
COMMENT ON TABLE log_recovery IS 'Restores after which signing began again; never changed';
COMMENT ON COLUMN log_recovery.id IS 'Order; workers keep the last they know of';
COMMENT ON COLUMN log_recovery.at IS 'Instant on the product clock';
COMMENT ON COLUMN log_recovery.kept_size IS 'Leaves of the highest checkpoint that a keeper held';
COMMENT ON COLUMN log_recovery.kept_root IS 'Its root';
COMMENT ON COLUMN log_recovery.restored_size IS 'Leaves that the restored database had: later ones up to kept_size are lost';
COMMENT ON COLUMN log_recovery.restored_root IS 'Root of those';
CREATE TRIGGER log_recovery_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_recovery
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE document_void (
  provider  text        NOT NULL,
  number    bigint      NOT NULL CHECK (number > 0),
  recovery  bigint      NOT NULL REFERENCES log_recovery (id),
  voided_at timestamptz NOT NULL,
  PRIMARY KEY (provider, number)
);
COMMENT ON TABLE document_void IS 'Numbers of documents that were issued and lost with a database; they are not given again, and never changed';
COMMENT ON COLUMN document_void.provider IS 'Provider (ODS)';
COMMENT ON COLUMN document_void.number IS 'Number that was lost';
COMMENT ON COLUMN document_void.recovery IS 'log_recovery.id';
COMMENT ON COLUMN document_void.voided_at IS 'Instant on the product clock';
CREATE TRIGGER document_void_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_void
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION log_recovery_made() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('recovery', NULL, NULL, NEW.kept_size::text, format(
    '"at":"%s","kept_root":"%s","kept_size":%s,"kind":"recovery","restored_root":"%s","restored_size":%s',
    reckoner.log_instant(NEW.at), encode(NEW.kept_root, 'hex'), NEW.kept_size, encode(NEW.restored_root, 'hex'),
    NEW.restored_size));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_recovery_made() IS 'Trigger body: recoveries go into the log';
CREATE TRIGGER log_recovery_logged AFTER INSERT ON log_recovery FOR EACH ROW EXECUTE FUNCTION log_recovery_made();

CREATE FUNCTION log_document_void() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('void', NEW.provider, NULL, NEW.provider || '/' || NEW.number, format(
    '"at":"%s","kind":"void","number":%s,"provider":"%s"', reckoner.log_instant(NEW.voided_at), NEW.number, NEW.provider));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_document_void() IS 'Trigger body: numbers that were lost go into the log';
CREATE TRIGGER document_void_logged AFTER INSERT ON document_void FOR EACH ROW EXECUTE FUNCTION log_document_void();

CREATE OR REPLACE FUNCTION next_document_number(p_provider text) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given bigint;
BEGIN
  IF NOT reckoner.log_vouched() THEN
    RAISE EXCEPTION 'not_vouched' USING ERRCODE = 'P0001';
  END IF;
  INSERT INTO reckoner.document_counter (provider, last) VALUES (p_provider, 0) ON CONFLICT (provider) DO NOTHING;
  UPDATE reckoner.document_counter SET last = last + 1 WHERE provider = p_provider RETURNING last INTO given;
  RETURN given;
END $$;
COMMENT ON FUNCTION next_document_number(text) IS
  'Next number of a provider; its other issues wait until this transaction ends. Raises not_vouched after a restore';

CREATE FUNCTION check_signing() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  k reckoner.signing_key;
BEGIN
  -- Shared: who ends the key waits for this transaction, so that its entry comes behind what was signed before.
  SELECT * INTO k FROM reckoner.signing_key x WHERE x.id = NEW.key_id FOR SHARE;
  IF k.lost OR k.valid_to <= NEW.sealed_at THEN
    RAISE EXCEPTION 'key_ended' USING ERRCODE = 'P0001';
  ELSIF NOT reckoner.log_vouched() THEN
    RAISE EXCEPTION 'not_vouched' USING ERRCODE = 'P0001';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_signing() IS 'Trigger body: nothing is signed by a key that has ended, or after a restore before it is known what was lost';
CREATE TRIGGER signed_record_allowed BEFORE INSERT ON signed_record FOR EACH ROW EXECUTE FUNCTION check_signing();
CREATE TRIGGER log_checkpoint_allowed BEFORE INSERT ON log_checkpoint FOR EACH ROW EXECUTE FUNCTION check_signing();

-- Number 1 may be a lost one, and a gap may be filled by lost ones.
DO $$
DECLARE
  body text := pg_get_functiondef('reckoner.check_document()'::regprocedure);
  asked text := 'WHERE x.provider = d.provider AND x.number = d.number - 1)';
BEGIN
  IF position(asked IN body) = 0 THEN
    RAISE EXCEPTION 'check_document() is not as this file expects it';
  END IF;
  EXECUTE replace(body, asked, asked || '
       AND NOT EXISTS (SELECT FROM reckoner.document_void v WHERE v.provider = d.provider AND v.number = d.number - 1)');
END $$;

ALTER TABLE log_vouch ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_recovery ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_void ENABLE ROW LEVEL SECURITY;
CREATE POLICY log_vouch_read ON log_vouch FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY log_recovery_read ON log_recovery FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY document_void_auditor ON document_void FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY document_void_read ON document_void FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[]) OR provider = ANY ((SELECT providers_of_commissioners())::text[]));
REVOKE ALL ON FUNCTION keep_signing_key(), database_instance(), log_vouched(), log_recovery_made(), log_document_void(),
  check_signing() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION database_instance() TO reckoner_worker;
GRANT SELECT ON log_vouch, log_recovery, document_void TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT, UPDATE ON log_vouch TO reckoner_worker;
