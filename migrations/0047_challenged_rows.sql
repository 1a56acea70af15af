-- An open challenge follows a row that is sent again with other contents. A position names challenged rows by their digests: one
-- as known earlier is of the digest of then, so it is kept with the instant until which it was known.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE challenge_row
  ADD COLUMN earlier_sha256 bytea[] NOT NULL DEFAULT '{}',
  ADD COLUMN earlier_until  timestamptz[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT challenge_row_earlier CHECK (
    cardinality(earlier_sha256) = cardinality(earlier_until) AND array_position(earlier_sha256, NULL) IS NULL
    AND array_position(earlier_until, NULL) IS NULL);
COMMENT ON COLUMN challenge_row.row_sha256 IS
  'Digest of the row (episode_sha256) as it was when the challenge was raised, or was found later while it was open';
COMMENT ON COLUMN challenge_row.earlier_sha256 IS 'What row_sha256 was before, in order';
COMMENT ON COLUMN challenge_row.earlier_until IS 'For each of earlier_sha256 the instant from which positions know the next';

CREATE FUNCTION challenge_row_known(r challenge_row, p_known_at timestamptz) RETURNS bytea
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT e.sha256 FROM unnest(r.earlier_sha256, r.earlier_until) WITH ORDINALITY AS e (sha256, until, n)
                   WHERE e.until > p_known_at ORDER BY e.n LIMIT 1), r.row_sha256)
$$;
COMMENT ON FUNCTION challenge_row_known(challenge_row, timestamptz) IS 'The digest of a challenged row as known at an instant';

CREATE FUNCTION keep_challenged_row() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.earlier_sha256 IS DISTINCT FROM OLD.earlier_sha256 || OLD.row_sha256
     OR NEW.earlier_until[:cardinality(OLD.earlier_until)] IS DISTINCT FROM OLD.earlier_until
     OR NEW.earlier_until[cardinality(NEW.earlier_until)] < OLD.earlier_until[cardinality(OLD.earlier_until)] THEN
    RAISE EXCEPTION 'what a challenged row said before is kept with the instant until which it was known'
      USING ERRCODE = 'restrict_violation', TABLE = 'challenge_row', CONSTRAINT = 'challenge_row_followed';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_challenged_row() IS 'Trigger body: what a challenged row said until now goes behind what it said before, none of which changes';
CREATE TRIGGER challenge_row_followed BEFORE UPDATE ON challenge_row FOR EACH ROW
  WHEN (OLD.open AND (NEW.row_sha256, NEW.earlier_sha256, NEW.earlier_until)
        IS DISTINCT FROM (OLD.row_sha256, OLD.earlier_sha256, OLD.earlier_until))
  EXECUTE FUNCTION keep_challenged_row();

REVOKE ALL ON FUNCTION challenge_row_known(challenge_row, timestamptz), keep_challenged_row() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION challenge_row_known(challenge_row, timestamptz) TO reckoner_worker;
GRANT UPDATE (earlier_sha256, earlier_until) ON challenge_row TO reckoner_worker;
