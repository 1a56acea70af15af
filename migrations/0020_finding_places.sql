-- A page of findings in one call, and where in a submission to look for those that a filter wants.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE finding_place (
  provider     text      NOT NULL,
  submission   bigint    NOT NULL,
  commissioner text      NOT NULL,
  rule         text      NOT NULL CHECK (rule ~ '^([A-Z][0-9]{2}|)$'),
  severity     text      NOT NULL CHECK (severity IN ('ERROR', 'QUERY', 'WARN', '')),
  last_place   integer   NOT NULL,
  places       integer[] NOT NULL,
  PRIMARY KEY (provider, submission, commissioner, rule, severity, last_place),
  CONSTRAINT finding_place_list CHECK (cardinality(places) BETWEEN 1 AND 128 AND places[1] > 0
    AND last_place = places[cardinality(places)])
);
ALTER TABLE finding_place ALTER COLUMN places SET STORAGE MAIN;
COMMENT ON TABLE finding_place IS 'Where findings of a kind are in a submission, under its current evaluation: what a filtered page reads instead of all rows';
COMMENT ON COLUMN finding_place.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_place.submission IS 'submission.no';
COMMENT ON COLUMN finding_place.commissioner IS 'Commissioner of the rows; empty: of any';
COMMENT ON COLUMN finding_place.rule IS 'Rule id; empty: any';
COMMENT ON COLUMN finding_place.severity IS 'Severity in force; empty: any';
COMMENT ON COLUMN finding_place.last_place IS 'The last of the places';
COMMENT ON COLUMN finding_place.places IS 'Rows with such a finding, ascending: the first, then each that is the first at 32 rows or more behind the one before';
ALTER TABLE finding_place ENABLE ROW LEVEL SECURITY;
CREATE POLICY finding_place_auditor ON finding_place FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY finding_place_read ON finding_place FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
GRANT SELECT ON finding_place TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT, DELETE ON finding_place TO reckoner_worker;

-- The findings behind a cursor, by row, the last row whole. It answers for everybody in one plan, so it says itself who
-- sees what, exactly as the policies of submission and finding do; an amount or a severity goes with a finding that is
-- seen. Whatever the planner takes a submission for, just loaded or analysed, it must walk the keys: any other plan reads
-- and sorts the whole submission for a page.
DROP FUNCTION finding_page(text, bigint, integer, text, text, text, text, text, integer, integer, integer, bigint);
CREATE FUNCTION finding_page(p_provider text, p_submission text, p_rule text, p_severity text, p_defaults text,
                             p_order text, p_first integer, p_last integer, p_place integer, p_limit bigint)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text, pence bigint, evaluation integer, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET enable_nestloop = off
SET enable_hashjoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_all      boolean := coalesce(p_provider = reckoner.acting_provider(), false);
  v_seen     text[] := ARRAY[''];
  v_header   record;
  v_changed  boolean;
  v_listed   boolean;
  v_places   integer[] := ARRAY[0];
  v_span     integer := 31;
  v_from     integer;
  v_to       integer;
  v_behind   integer := p_first - 1;
  v_done     integer := p_first - 32;
  v_found    bigint;
  v_returned bigint := 0;
BEGIN
  IF NOT v_all THEN
    v_all := p_provider = ANY (reckoner.visible_providers());
    IF NOT v_all AND NOT p_provider = ANY (reckoner.providers_of_commissioners()) THEN
      RETURN;
    END IF;
  END IF;
  IF NOT v_all THEN
    v_seen := reckoner.visible_commissioners();
  END IF;
  SELECT s.no, s.evaluation, s.state INTO v_header FROM reckoner.submission s
   WHERE s.provider = p_provider AND s.id = p_submission AND s.state <> 'receiving';
  IF v_header.no IS NULL OR (v_header.state <> 'accepted' AND reckoner.acting_commissioner() IS NOT NULL) THEN
    RETURN;
  END IF;
  v_changed := EXISTS (SELECT FROM reckoner.severity s WHERE s.provider = p_provider AND s.submission = v_header.no);
  v_listed := v_header.evaluation > 0 AND (NOT v_all OR p_rule IS NOT NULL OR p_severity IS NOT NULL);
  IF NOT v_listed THEN
    v_span := p_last;
  END IF;
  <<pages>>
  LOOP
    FOREACH v_from IN ARRAY v_places LOOP
      v_to := least(v_from + v_span, p_last);
      v_from := greatest(v_from, v_behind + 1);
      CONTINUE WHEN v_from > v_to;
      v_behind := v_to;
      RETURN QUERY SELECT f.row_no, f.rule,
          CASE WHEN f.severity IS NOT NULL THEN f.severity WHEN v_changed THEN
            (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider AND s.submission = f.submission
                AND s.commissioner = f.commissioner AND s.rule = f.rule) END,
          f.severity IS NOT NULL, f.episode_id, f.commissioner, f.cluster, f.field, f.value, f.note, k.pence,
          v_header.evaluation, v_header.state
        FROM reckoner.finding f
        LEFT JOIN (SELECT * FROM reckoner.stake s WHERE s.provider = p_provider AND s.submission = v_header.no
            AND s.row_no BETWEEN v_from AND v_to ORDER BY s.row_no OFFSET 0) k
          ON k.row_no = f.row_no AND k.commissioner = f.commissioner
       WHERE f.provider = p_provider AND f.submission = v_header.no AND f.row_no BETWEEN v_from AND v_to
         AND (f.evaluation = 0 OR f.evaluation = v_header.evaluation)
         AND (v_all OR f.commissioner = ANY (v_seen))
         AND (p_rule IS NULL OR f.rule = p_rule)
         AND (p_severity IS NULL OR coalesce(CASE WHEN f.severity IS NOT NULL THEN f.severity WHEN v_changed THEN
            (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider AND s.submission = f.submission
                AND s.commissioner = f.commissioner AND s.rule = f.rule) END = p_severity, strpos(p_defaults, f.rule) > 0))
         AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + (f.severity IS NOT NULL)::integer > p_place)
       ORDER BY f.row_no FETCH FIRST (p_limit - v_returned) ROWS WITH TIES;
      GET DIAGNOSTICS v_found = ROW_COUNT;
      v_returned := v_returned + v_found;
      EXIT pages WHEN v_returned >= p_limit;
    END LOOP;
    EXIT pages WHEN NOT v_listed OR v_done >= p_last;
    -- The next places of every list, up to where the first of them ends.
    SELECT array_agg(x.place ORDER BY x.place), max(x.done) INTO v_places, v_done FROM (
      SELECT p.place, min(l.last_place) OVER () AS done, l.last_place FROM unnest(v_seen) c CROSS JOIN LATERAL (
        SELECT n.places, n.last_place FROM reckoner.finding_place n WHERE n.provider = p_provider
           AND n.submission = v_header.no AND n.commissioner = c AND n.rule = coalesce(p_rule, '')
           AND n.severity = coalesce(p_severity, '') AND n.last_place > v_done ORDER BY n.last_place LIMIT 1) l
        CROSS JOIN LATERAL unnest(l.places) p (place) WHERE p.place > v_done) x
     WHERE x.place <= x.done;
    EXIT pages WHEN v_places IS NULL;
  END LOOP;
  IF v_returned = 0 THEN
    RETURN QUERY SELECT NULL::integer, NULL, NULL, NULL::boolean, NULL, NULL, NULL, NULL, NULL, NULL, NULL::bigint,
      v_header.evaluation, v_header.state;
  END IF;
END $$;
COMMENT ON FUNCTION finding_page IS 'Findings of a submission that the caller may see, from a place on, by row and at least so many, the last row whole; each with the evaluation and state of the submission. No row: the caller may see no such submission; a row without row_no: it has no such finding';
REVOKE ALL ON FUNCTION finding_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finding_page TO reckoner_web;
