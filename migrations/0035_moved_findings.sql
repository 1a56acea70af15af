-- Findings of rows that re-attribution moved, for the commissioner who pays for them now.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE FUNCTION moved_findings(p_provider text, p_submission bigint, p_commissioner text) RETURNS SETOF finding
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT f.* FROM reckoner.moved_rows(p_provider, p_submission, p_commissioner) m
      JOIN reckoner.finding f ON f.provider = p_provider AND f.submission = p_submission AND f.row_no = (m.moved).row_no
     WHERE m.here;
END $$;
COMMENT ON FUNCTION moved_findings(text, bigint, text) IS
  'Findings of every evaluation of rows that agreed re-attribution moved to a commissioner, for who may see its account';
REVOKE ALL ON FUNCTION moved_findings(text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION moved_findings(text, bigint, text) TO reckoner_web;
