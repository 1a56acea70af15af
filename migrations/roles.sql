-- Run once per cluster by a superuser, before `reckoner migrate`; safe to run again.
-- Rights on tables are given by the migrations; these roles start with none.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['reckoner_migrate', 'reckoner_web', 'reckoner_worker', 'reckoner_auditor'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS', r);
    END IF;
  END LOOP;
END $$;
-- The worker works for every organisation, and COPY refuses tables with policies.
ALTER ROLE reckoner_worker BYPASSRLS;
COMMENT ON ROLE reckoner_migrate IS 'Owns the schema; used only by the reckoner command line (migrate, organisations, people, tokens)';
COMMENT ON ROLE reckoner_web IS 'reckonerd; sees rows of the calling organisation only (row-level security)';
COMMENT ON ROLE reckoner_worker IS 'reckoner-worker; validates, settles, signs';
COMMENT ON ROLE reckoner_auditor IS 'Read-only access for an auditor with a database account';
-- A statement of the web server touches a few rows through a key, whatever its parameters: planning it anew for each call
-- costs ten times its execution, with row-level security in it.
ALTER ROLE reckoner_web SET plan_cache_mode = force_generic_plan;
