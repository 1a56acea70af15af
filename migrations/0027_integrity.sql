-- What `reckoner fsck` asks beside what was stored: how long an entry has waited for the worker.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE log_pending ADD COLUMN left_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN log_pending.left_at IS 'Real time at which it was left, so that one that no worker takes is noticed';
ALTER TABLE audit_pending ADD COLUMN left_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN audit_pending.left_at IS 'Real time at which it was left, so that one that no worker takes is noticed';
