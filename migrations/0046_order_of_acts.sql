-- Acts and runs are dated by the database's clock, in one order. A clock that is set back must not date a later one before an
-- earlier one: the last instant given is kept, and the next lies behind it until the clock has caught up.
SET LOCAL search_path = reckoner, pg_catalog;

-- A sequence: it keeps its value when a transaction is rolled back, and nobody waits for a row until another's commit.
CREATE SEQUENCE act_mark AS bigint MINVALUE 1;
COMMENT ON SEQUENCE act_mark IS 'The last instant given to an act or a run, microseconds since 1970-01-01 UTC; only act_stamp moves it';

CREATE FUNCTION act_stamp() RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  stamp bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('reckoner.act_mark', 0));
  SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last_value + 1) INTO STRICT stamp
    FROM reckoner.act_mark;
  RETURN setval('reckoner.act_mark', stamp);
END $$;
COMMENT ON FUNCTION act_stamp() IS
  'The next instant of an act or a run, microseconds since 1970-01-01 UTC: the clock''s, and behind every one given before; its lock ends with the transaction or savepoint';
REVOKE ALL ON FUNCTION act_stamp() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act_stamp() TO reckoner_web, reckoner_worker;
