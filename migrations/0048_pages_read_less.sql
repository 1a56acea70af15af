-- Findings and amounts are looked up by the dozen for a page, each in one step down a key of numbers.
SET LOCAL search_path = reckoner, pg_catalog;

-- As the key of the rows (0043): the number of a submission is one for all providers, and the provider's text, compared at
-- each step down, cost a page of one rule an eighth of its time.
ALTER TABLE finding DROP CONSTRAINT finding_pkey, ADD PRIMARY KEY (submission, row_no, rule, evaluation, provider);
ALTER TABLE stake DROP CONSTRAINT stake_pkey, ADD PRIMARY KEY (submission, row_no, provider);

-- As before (0041), but not evaluation IN (0, ...), which went down the key once for each of the two.
CREATE OR REPLACE FUNCTION finding_between(p_provider text, p_submission bigint, p_evaluation integer, p_changed boolean,
                                           p_rule text, p_severity text, p_defaults text, p_first integer, p_last integer)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text)
LANGUAGE sql STABLE AS $$
  SELECT f.row_no, f.rule, h.severity, f.severity IS NOT NULL, f.episode_id, f.commissioner, f.cluster, f.field, f.value,
      f.note
    FROM reckoner.finding f CROSS JOIN LATERAL (SELECT CASE WHEN f.severity IS NOT NULL THEN f.severity WHEN p_changed THEN
      (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider AND s.submission = f.submission
          AND s.commissioner = f.commissioner AND s.rule = f.rule) END AS severity) h
   WHERE f.provider = p_provider AND f.submission = p_submission AND f.row_no BETWEEN p_first AND p_last
     AND (f.evaluation = 0 OR f.evaluation = p_evaluation) AND (p_rule IS NULL OR f.rule = p_rule)
     AND (p_severity IS NULL OR coalesce(h.severity = p_severity, strpos(p_defaults, f.rule) > 0))
$$;

-- There are lists of a kind's rows for the current evaluation alone. Without them, a page of few findings read on through
-- the submission; now it ends at a row, and says which, so that the next page goes on behind it.
CREATE FUNCTION finding_read_to(p_provider text, p_submission bigint, p_first integer, p_last integer)
RETURNS integer LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN (SELECT f.row_no FROM reckoner.finding f WHERE f.provider = p_provider AND f.submission = p_submission
             AND f.row_no > p_first AND f.row_no < p_last ORDER BY f.row_no OFFSET 9999 LIMIT 1);
END $$;
COMMENT ON FUNCTION finding_read_to IS 'The row of the ten thousandth finding behind a row: a page without lists reads no further. Null: there are fewer';
REVOKE ALL ON FUNCTION finding_read_to FROM PUBLIC;

-- As before (0041), with read_to.
DROP FUNCTION finding_page;
CREATE FUNCTION finding_page(p_provider text, p_submission text, p_rule text, p_severity text, p_defaults text,
                             p_order text, p_first integer, p_last integer, p_place integer, p_limit bigint)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text, pence bigint, evaluation integer, state text,
               read_to integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET enable_nestloop = off
SET enable_hashjoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_all      boolean := coalesce(p_provider = reckoner.acting_provider(), false);
  v_seen     text[] := ARRAY[''];
  v_header   record;
  v_changed  boolean;
  v_read_to  integer;
  v_firsts   integer[];
  v_lasts    integer[];
  v_done     integer := p_first - 1;
  v_to       integer;
  v_sure     bigint;
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
  IF v_header.evaluation = 0 OR p_first = p_last OR (v_all AND p_rule IS NULL AND p_severity IS NULL) THEN
    IF v_header.evaluation = 0 AND NOT (v_all AND p_rule IS NULL AND p_severity IS NULL) THEN
      v_read_to := reckoner.finding_read_to(p_provider, v_header.no, p_first, p_last);
    END IF;
    v_to := coalesce(v_read_to, p_last);
    RETURN QUERY SELECT f.row_no, f.rule, f.severity, f.own_severity, f.episode_id, f.commissioner, f.cluster, f.field,
        f.value, f.note, k.pence, v_header.evaluation, v_header.state, v_read_to
      FROM reckoner.finding_between(p_provider, v_header.no, v_header.evaluation, v_changed, p_rule, p_severity, p_defaults,
                                    p_first, v_to) f
      LEFT JOIN (SELECT * FROM reckoner.stake s WHERE s.provider = p_provider AND s.submission = v_header.no
          AND s.row_no BETWEEN p_first AND v_to ORDER BY s.row_no OFFSET 0) k
        ON k.row_no = f.row_no AND k.commissioner = f.commissioner
     WHERE (v_all OR f.commissioner = ANY (v_seen))
       AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + f.own_severity::integer > p_place)
     ORDER BY f.row_no FETCH FIRST (p_limit) ROWS WITH TIES;
    GET DIAGNOSTICS v_returned = ROW_COUNT;
    v_done := p_last;
  END IF;
  WHILE v_returned < p_limit AND v_done < p_last LOOP
    IF cardinality(v_seen) = 1 THEN
      SELECT n.firsts, n.lasts INTO v_firsts, v_lasts FROM reckoner.finding_stretch n
       WHERE n.provider = p_provider AND n.submission = v_header.no AND n.commissioner = v_seen[1]
         AND n.rule = coalesce(p_rule, '') AND n.severity = coalesce(p_severity, '') AND n.last_row > v_done
       ORDER BY n.last_row LIMIT 1;
    ELSE
      -- The next stretches of every list, up to where the first of them ends, each from where those before it end.
      SELECT array_agg(x.first ORDER BY x.first), array_agg(x.last ORDER BY x.first) INTO v_firsts, v_lasts FROM (
        SELECT greatest(p.first, 1 + max(p.last) OVER (ORDER BY p.first, p.last ROWS BETWEEN UNBOUNDED PRECEDING
            AND 1 PRECEDING)) AS first, least(p.last, l.done) AS last
          FROM (SELECT n.firsts, n.lasts, min(n.last_row) OVER () AS done FROM unnest(v_seen) c CROSS JOIN LATERAL (
            SELECT n.firsts, n.lasts, n.last_row FROM reckoner.finding_stretch n
             WHERE n.provider = p_provider AND n.submission = v_header.no AND n.commissioner = c
               AND n.rule = coalesce(p_rule, '') AND n.severity = coalesce(p_severity, '') AND n.last_row > v_done
             ORDER BY n.last_row LIMIT 1) n) l CROSS JOIN LATERAL unnest(l.firsts, l.lasts) p (first, last)) x
       WHERE x.first <= x.last;
    END IF;
    EXIT WHEN v_firsts IS NULL;
    -- Between two rows of a stretch that have such a finding at most three have none.
    v_sure := v_returned;
    FOR i IN 1 .. cardinality(v_lasts) LOOP
      CONTINUE WHEN v_lasts[i] <= v_done;
      v_to := v_lasts[i];
      v_sure := v_sure + 1 + (v_to - v_firsts[i]) / 4;
      EXIT WHEN v_sure >= p_limit;
    END LOOP;
    RETURN QUERY SELECT f.row_no, f.rule, f.severity, f.own_severity, f.episode_id, f.commissioner, f.cluster, f.field,
        f.value, f.note, (SELECT k.pence FROM reckoner.stake k WHERE k.provider = p_provider
          AND k.submission = v_header.no AND k.row_no = f.row_no AND k.commissioner = f.commissioner),
        v_header.evaluation, v_header.state, NULL::integer
      FROM (SELECT f.* FROM unnest(v_firsts, v_lasts) p (first, last) CROSS JOIN LATERAL (
          SELECT * FROM reckoner.finding_between(p_provider, v_header.no, v_header.evaluation, v_changed, p_rule,
            p_severity, p_defaults, greatest(p.first, v_done + 1), least(p.last, p_last)) OFFSET 0) f
         WHERE p.last > v_done AND p.last <= v_to AND (v_all OR f.commissioner = ANY (v_seen))
           AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + f.own_severity::integer > p_place)
         ORDER BY f.row_no FETCH FIRST (p_limit - v_returned) ROWS WITH TIES) f;
    GET DIAGNOSTICS v_found = ROW_COUNT;
    v_returned := v_returned + v_found;
    v_done := v_to;
  END LOOP;
  IF v_returned = 0 THEN
    RETURN QUERY SELECT NULL::integer, NULL, NULL, NULL::boolean, NULL, NULL, NULL, NULL, NULL, NULL, NULL::bigint,
      v_header.evaluation, v_header.state, v_read_to;
  END IF;
END $$;
COMMENT ON FUNCTION finding_page IS 'Findings of a submission that the caller may see, from a place on, by row and at least so many, the last row whole; each with the evaluation and state of the submission. No row: the caller may see no such submission; a row without row_no: it has no such finding. Fewer with a read_to: rows behind that one have not been read';
REVOKE ALL ON FUNCTION finding_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finding_page TO reckoner_web;

-- As before (0033), but the current evaluation is read by its lists.
DROP FUNCTION finding_page_as_known;
CREATE FUNCTION finding_page_as_known(p_provider text, p_submission text, p_known timestamptz, p_rule text,
                                      p_severity text, p_defaults text, p_order text, p_first integer, p_last integer,
                                      p_place integer, p_limit bigint)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text, pence bigint, evaluation integer, state text,
               read_to integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_all     boolean := coalesce(p_provider = ANY (reckoner.visible_providers()), false);
  v_seen    text[] := reckoner.visible_commissioners();
  v_header  record;
  v_read_to integer;
BEGIN
  IF NOT v_all AND NOT p_provider = ANY (reckoner.providers_of_commissioners()) THEN
    RETURN;
  END IF;
  SELECT s.no, s.evaluation AS current, coalesce((SELECT max(e.evaluation) FROM reckoner.evaluated e
      WHERE e.provider = s.provider AND e.submission = s.no AND e.evaluated_at <= p_known), 0) AS evaluation
    INTO v_header FROM reckoner.submission s
   WHERE s.provider = p_provider AND s.id = p_submission AND s.state = 'accepted'
     AND greatest(s.confirmed_at, s.validated_at) <= p_known;
  IF v_header.no IS NULL THEN
    RETURN;
  END IF;
  IF v_header.evaluation > 0 AND v_header.evaluation = v_header.current THEN
    RETURN QUERY SELECT p.row_no, p.rule, p.severity, p.own_severity, p.episode_id, p.commissioner, p.cluster, p.field,
        p.value, p.note, NULL::bigint, p.evaluation, p.state, p.read_to
      FROM reckoner.finding_page(p_provider, p_submission, p_rule, p_severity, p_defaults, p_order, p_first, p_last, p_place,
                                 p_limit) p;
    RETURN;
  END IF;
  IF NOT (v_all AND p_rule IS NULL AND p_severity IS NULL) THEN
    v_read_to := reckoner.finding_read_to(p_provider, v_header.no, p_first, p_last);
  END IF;
  RETURN QUERY SELECT f.row_no, f.rule, h.severity, f.severity IS NOT NULL, f.episode_id, f.commissioner, f.cluster, f.field,
      f.value, f.note, NULL::bigint, v_header.evaluation, 'accepted', v_read_to
    FROM reckoner.finding f CROSS JOIN LATERAL (SELECT coalesce(f.severity, (SELECT s.severity
      FROM reckoner.severity_known s WHERE s.provider = f.provider AND s.submission = f.submission
       AND s.evaluation = v_header.evaluation AND s.commissioner = f.commissioner AND s.rule = f.rule)) AS severity) h
   WHERE f.provider = p_provider AND f.submission = v_header.no AND f.row_no BETWEEN p_first
     AND coalesce(v_read_to, p_last) AND (f.evaluation = 0 OR f.evaluation = v_header.evaluation)
     AND (v_all OR f.commissioner = ANY (v_seen))
     AND (p_rule IS NULL OR f.rule = p_rule)
     AND (p_severity IS NULL OR coalesce(h.severity = p_severity, strpos(p_defaults, f.rule) > 0))
     AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + (f.severity IS NOT NULL)::integer > p_place)
   ORDER BY f.row_no FETCH FIRST p_limit ROWS WITH TIES;
  IF NOT FOUND THEN
    RETURN QUERY SELECT NULL::integer, NULL, NULL, NULL::boolean, NULL, NULL, NULL, NULL, NULL, NULL, NULL::bigint,
      v_header.evaluation, 'accepted', v_read_to;
  END IF;
END $$;
COMMENT ON FUNCTION finding_page_as_known IS 'As finding_page, of what had been found by an instant in a submission accepted by then, with the severities of then; amounts at stake are not kept';
REVOKE ALL ON FUNCTION finding_page_as_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finding_page_as_known TO reckoner_web;
