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
