-- The amount of a row is looked up by its primary key. An index that begins with the provider and the submission too looks
-- just as cheap to a planner without statistics, and reads a whole submission; this one begins with the commissioner, whom
-- only the list by pounds names.
SET LOCAL search_path = reckoner, pg_catalog;

DROP INDEX stake_by_pounds;
CREATE INDEX stake_by_pounds ON stake (commissioner, provider, submission, (-coalesce(pence, -1)), row_no);

-- The findings behind a cursor, by row, the last row whole. Whatever the planner takes a submission for, just loaded or
-- analysed, it must walk the primary key: any other plan reads and sorts the whole submission for a page.
CREATE FUNCTION finding_page(p_provider text, p_submission bigint, p_evaluation integer, p_commissioner text, p_rule text,
                             p_severity text, p_defaults text, p_order text, p_first integer, p_last integer,
                             p_place integer, p_limit bigint)
RETURNS SETOF finding LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT f.* FROM reckoner.finding f
   WHERE f.provider = p_provider AND f.submission = p_submission AND f.row_no BETWEEN p_first AND p_last
     AND (f.evaluation = 0 OR f.evaluation = p_evaluation)
     AND (p_commissioner IS NULL OR f.commissioner = p_commissioner) AND (p_rule IS NULL OR f.rule = p_rule)
     AND (p_severity IS NULL OR coalesce(coalesce(f.severity, (SELECT s.severity FROM reckoner.severity s
            WHERE s.provider = f.provider AND s.submission = f.submission AND s.commissioner = f.commissioner
              AND s.rule = f.rule)) = p_severity, strpos(p_defaults, f.rule) > 0))
     AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + (f.severity IS NOT NULL)::integer > p_place)
   ORDER BY f.row_no FETCH FIRST (p_limit) ROWS WITH TIES;
END $$;
COMMENT ON FUNCTION finding_page IS 'Findings of a submission from a place on, by row and at least so many; the last row whole';
REVOKE ALL ON FUNCTION finding_page(text, bigint, integer, text, text, text, text, text, integer, integer, integer, bigint)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finding_page(text, bigint, integer, text, text, text, text, text, integer, integer, integer, bigint)
  TO reckoner_web, reckoner_worker;
