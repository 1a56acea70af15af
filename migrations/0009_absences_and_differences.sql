-- When the service was away (a closing day on which it was away for over two hours moves), and what changed from one
-- accepted version of a month to the next.
SET LOCAL search_path = reckoner, pg_catalog;

-- ------------------------------------------------------------------------------------------------------------- absences

CREATE TABLE service_presence (
  single    boolean     PRIMARY KEY DEFAULT true CHECK (single),
  seen_wall timestamptz NOT NULL,
  seen_at   timestamptz NOT NULL
);
COMMENT ON TABLE service_presence IS 'When a web process that reaches the database was last alive; one row';
COMMENT ON COLUMN service_presence.single IS 'Always true: there is one row';
COMMENT ON COLUMN service_presence.seen_wall IS 'Wall clock; how long the service was away is measured on it';
COMMENT ON COLUMN service_presence.seen_at IS 'The same instant on the product clock';

CREATE TABLE service_absence (
  away_from   timestamptz PRIMARY KEY,
  away_to     timestamptz NOT NULL CHECK (away_to > away_from),
  recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE service_absence IS 'Times in which no web process reached the database, so that nobody could upload';
COMMENT ON COLUMN service_absence.away_from IS 'Last sign of life before, product clock';
COMMENT ON COLUMN service_absence.away_to IS 'First sign of life after, product clock';
COMMENT ON COLUMN service_absence.recorded_at IS 'Instant from which windows are judged with it, product clock';
CREATE TRIGGER service_absence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON service_absence
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION note_presence(at timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wall timestamptz := clock_timestamp();
  last reckoner.service_presence;
BEGIN
  INSERT INTO reckoner.service_presence (seen_wall, seen_at) VALUES (wall, at) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN false;
  END IF;
  SELECT * INTO STRICT last FROM reckoner.service_presence FOR UPDATE;
  -- Another process was here in the meantime.
  IF wall <= last.seen_wall THEN
    RETURN false;
  END IF;
  UPDATE reckoner.service_presence SET seen_wall = wall, seen_at = at;
  IF wall - last.seen_wall < interval '3 minutes' THEN
    RETURN false;
  END IF;
  -- The product clock of a demonstration may jump; the length of the absence is that of the wall clock.
  INSERT INTO reckoner.service_absence (away_from, away_to, recorded_at)
    VALUES (last.seen_at, last.seen_at + (wall - last.seen_wall), at) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION note_presence(timestamptz) IS
  'A web process is alive; true when it records an absence: three minutes or more without a sign of life from any';
REVOKE ALL ON FUNCTION note_presence(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_presence(timestamptz) TO reckoner_web;
GRANT SELECT ON service_absence TO reckoner_web, reckoner_worker, reckoner_auditor;
GRANT SELECT ON service_presence TO reckoner_auditor;
