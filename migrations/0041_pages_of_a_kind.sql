-- Pages of findings of one kind read what they show and little else: stretches of rows instead of places that stand for 32
-- rows each, and rows by pounds listed by kind. What is there is evaluated again.
SET LOCAL search_path = reckoner, pg_catalog;

DROP TABLE finding_place;
CREATE TABLE finding_stretch (
  provider     text      NOT NULL,
  submission   bigint    NOT NULL,
  commissioner text      NOT NULL,
  rule         text      NOT NULL CHECK (rule ~ '^([A-Z][0-9]{2}|)$'),
  severity     text      NOT NULL CHECK (severity IN ('ERROR', 'QUERY', 'WARN', '')),
  last_row     integer   NOT NULL,
  firsts       integer[] NOT NULL,
  lasts        integer[] NOT NULL,
  PRIMARY KEY (provider, submission, commissioner, rule, severity, last_row),
  CONSTRAINT finding_stretch_list CHECK (cardinality(firsts) BETWEEN 1 AND 64 AND cardinality(lasts) = cardinality(firsts)
    AND firsts[1] BETWEEN 1 AND lasts[1] AND last_row = lasts[cardinality(lasts)])
);
ALTER TABLE finding_stretch ALTER COLUMN firsts SET STORAGE MAIN, ALTER COLUMN lasts SET STORAGE MAIN;
COMMENT ON TABLE finding_stretch IS 'Where findings of a kind are in a submission, under its current evaluation: what a filtered page reads instead of all rows';
COMMENT ON COLUMN finding_stretch.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_stretch.submission IS 'submission.no';
COMMENT ON COLUMN finding_stretch.commissioner IS 'Commissioner of the rows; empty: of any';
COMMENT ON COLUMN finding_stretch.rule IS 'Rule id; empty: any';
COMMENT ON COLUMN finding_stretch.severity IS 'Severity in force; empty: any';
COMMENT ON COLUMN finding_stretch.last_row IS 'The last row of the last stretch';
COMMENT ON COLUMN finding_stretch.firsts IS 'Each stretch begins with a row that has such a finding; ascending';
COMMENT ON COLUMN finding_stretch.lasts IS 'And ends with one; between two of them at most three rows have none';

-- The index by pounds had to be walked until a filter had found enough; these lists are read from the first row shown.
DROP INDEX stake_by_pounds;
CREATE TABLE finding_rank (
  provider     text      NOT NULL,
  submission   bigint    NOT NULL,
  commissioner text      NOT NULL,
  cluster      text      NOT NULL CHECK (cluster ~ '^([0-9]{2}|[*]|)$'),
  rules        bigint    NOT NULL CHECK (rules > 0),
  last_place   bigint    NOT NULL,
  last_row     integer   NOT NULL,
  row_nos      integer[] NOT NULL,
  places       bigint[]  NOT NULL,
  PRIMARY KEY (provider, submission, commissioner, cluster, rules, last_place, last_row),
  CONSTRAINT finding_rank_list CHECK (cardinality(row_nos) BETWEEN 1 AND 64 AND last_row = row_nos[cardinality(row_nos)]
    AND cardinality(places) = cardinality(row_nos) AND last_place = places[cardinality(places)])
);
ALTER TABLE finding_rank ALTER COLUMN row_nos SET STORAGE MAIN, ALTER COLUMN places SET STORAGE MAIN;
COMMENT ON TABLE finding_rank IS 'Rows that fail rules of a kind, by pounds: what a list by pounds that is filtered reads instead of all rows with findings';
COMMENT ON COLUMN finding_rank.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_rank.submission IS 'submission.no';
COMMENT ON COLUMN finding_rank.commissioner IS 'Commissioner of the rows';
COMMENT ON COLUMN finding_rank.cluster IS 'Cluster of the rows; *: any; empty: no code';
COMMENT ON COLUMN finding_rank.rules IS 'Rows with a finding of one of these bits (finding_line.bit): those of all lines of the commissioner, a rule, a severity, or both';
COMMENT ON COLUMN finding_rank.last_place IS 'Place of the last row listed';
COMMENT ON COLUMN finding_rank.last_row IS 'The last row listed; those of one place ascend';
COMMENT ON COLUMN finding_rank.row_nos IS 'Row numbers, by place';
COMMENT ON COLUMN finding_rank.places IS 'The place of each, ascending: minus its amount at stake in pence; 1: unknown';

CREATE TABLE finding_sum (
  provider     text   NOT NULL,
  submission   bigint NOT NULL,
  commissioner text   NOT NULL,
  rules        bigint NOT NULL CHECK (rules > 0),
  cluster      text   NOT NULL CHECK (cluster ~ '^([0-9]{2}|[*]|)$'),
  findings     bigint NOT NULL CHECK (findings >= rows),
  rows         bigint NOT NULL CHECK (rows > 0),
  pence        bigint NOT NULL,
  unknown_rows bigint NOT NULL CHECK (unknown_rows BETWEEN 0 AND rows),
  PRIMARY KEY (provider, submission, commissioner, rules, cluster)
);
COMMENT ON TABLE finding_sum IS 'Sums over the lists of finding_rank: a row counts once in each';
COMMENT ON COLUMN finding_sum.provider IS 'Provider (ODS)';
COMMENT ON COLUMN finding_sum.submission IS 'submission.no';
COMMENT ON COLUMN finding_sum.commissioner IS 'Commissioner of the rows';
COMMENT ON COLUMN finding_sum.rules IS 'As finding_rank.rules';
COMMENT ON COLUMN finding_sum.cluster IS 'Cluster of the rows; *: any; empty: no code';
COMMENT ON COLUMN finding_sum.findings IS 'Findings of these bits';
COMMENT ON COLUMN finding_sum.rows IS 'Rows';
COMMENT ON COLUMN finding_sum.pence IS 'Sum of their known amounts at stake';
COMMENT ON COLUMN finding_sum.unknown_rows IS 'Those of them without a price';

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['finding_stretch', 'finding_rank', 'finding_sum'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (provider = (SELECT'
      ' reckoner.acting_provider()) OR provider = ANY ((SELECT reckoner.visible_providers())::text[])'
      ' OR commissioner = (SELECT reckoner.acting_commissioner())'
      ' OR commissioner = ANY ((SELECT reckoner.visible_commissioners())::text[]))', t || '_read', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
    EXECUTE format('GRANT INSERT, DELETE ON reckoner.%I TO reckoner_worker', t);
  END LOOP;
END $$;
INSERT INTO job (provider, id, kind, subject)
  SELECT s.provider, s.id, 'evaluate', s.id FROM submission s WHERE s.state = 'accepted'
     AND NOT EXISTS (SELECT FROM job j WHERE j.provider = s.provider AND j.subject = s.id AND j.kind = 'evaluate'
                     AND j.state = 'queued');

-- The findings of a stretch of rows; part of finding_page, whose plans it is written into.
CREATE FUNCTION finding_between(p_provider text, p_submission bigint, p_evaluation integer, p_changed boolean, p_rule text,
                                p_severity text, p_defaults text, p_first integer, p_last integer)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text)
LANGUAGE sql STABLE AS $$
  SELECT f.row_no, f.rule, h.severity, f.severity IS NOT NULL, f.episode_id, f.commissioner, f.cluster, f.field, f.value,
      f.note
    FROM reckoner.finding f CROSS JOIN LATERAL (SELECT CASE WHEN f.severity IS NOT NULL THEN f.severity WHEN p_changed THEN
      (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider AND s.submission = f.submission
          AND s.commissioner = f.commissioner AND s.rule = f.rule) END AS severity) h
   WHERE f.provider = p_provider AND f.submission = p_submission AND f.row_no BETWEEN p_first AND p_last
     AND f.evaluation IN (0, p_evaluation) AND (p_rule IS NULL OR f.rule = p_rule)
     AND (p_severity IS NULL OR coalesce(h.severity = p_severity, strpos(p_defaults, f.rule) > 0))
$$;
COMMENT ON FUNCTION finding_between IS 'Findings of some rows of a submission under an evaluation, whoever asks; severity null: the rule''s';
REVOKE ALL ON FUNCTION finding_between FROM PUBLIC;

-- As before (0020), but a filtered page takes from the lists as many stretches as are sure to hold what is wanted, and
-- reads them in one query. OFFSET 0 keeps the planner from reading the submission and looking for stretches.
CREATE OR REPLACE FUNCTION finding_page(p_provider text, p_submission text, p_rule text, p_severity text, p_defaults text,
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
    RETURN QUERY SELECT f.row_no, f.rule, f.severity, f.own_severity, f.episode_id, f.commissioner, f.cluster, f.field,
        f.value, f.note, k.pence, v_header.evaluation, v_header.state
      FROM reckoner.finding_between(p_provider, v_header.no, v_header.evaluation, v_changed, p_rule, p_severity, p_defaults,
                                    p_first, p_last) f
      LEFT JOIN (SELECT * FROM reckoner.stake s WHERE s.provider = p_provider AND s.submission = v_header.no
          AND s.row_no BETWEEN p_first AND p_last ORDER BY s.row_no OFFSET 0) k
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
        v_header.evaluation, v_header.state
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
      v_header.evaluation, v_header.state;
  END IF;
END $$;
