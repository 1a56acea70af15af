-- The locks of the order of acts that must be short are given back by the database itself: a program that is stopped
-- between two statements holds up nobody. What was stored before there was a mark lies behind it.
SET LOCAL search_path = reckoner, pg_catalog;

-- The locks of a block that fails end with the block, however it fails; what a sequence was set to stays.
CREATE OR REPLACE FUNCTION act_stamp() RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  stamp bigint;
BEGIN
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('reckoner.act_mark', 0));
    SELECT setval('reckoner.act_mark', greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last_value + 1))
      INTO STRICT stamp FROM reckoner.act_mark;
    RAISE SQLSTATE 'RKACT';
  EXCEPTION WHEN SQLSTATE 'RKACT' THEN
    RETURN stamp;
  END;
END $$;
COMMENT ON FUNCTION act_stamp() IS
  'The next instant of an act or a run, microseconds since 1970-01-01 UTC: the clock''s, and behind every one given before';

-- Acts that begin queue up behind a run that waits for one under way: never for long.
CREATE FUNCTION acts_ended() RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  stamp bigint;
BEGIN
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('reckoner.acts', 0));
    stamp := reckoner.act_stamp();
    RAISE SQLSTATE 'RKACT';
  EXCEPTION
    WHEN SQLSTATE 'RKACT' THEN
      RETURN stamp;
    WHEN lock_not_available OR deadlock_detected THEN
      RETURN NULL;
  END;
END $$;
COMMENT ON FUNCTION acts_ended() IS
  'act_stamp at an instant at which no act is under way, for which it waits 200 ms: NULL, ask again. Holds no lock afterwards';
REVOKE ALL ON FUNCTION acts_ended() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acts_ended() TO reckoner_worker;

-- Not what a product clock dated in the future.
SELECT setval('act_mark', greatest(last_value,
  (SELECT (extract(epoch FROM max(at)) * 1000000)::bigint FROM audit_event WHERE at <= now()),
  (SELECT (extract(epoch FROM max(known_at)) * 1000000)::bigint FROM run WHERE known_at <= now()))) FROM act_mark;
