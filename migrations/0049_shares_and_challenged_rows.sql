-- Two mends: a caseload below the patients clustered makes no share, so none that others are compared with.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE OR REPLACE FUNCTION peer_figures(p_provider text, p_month date)
  RETURNS TABLE (indicator text, peers bigint, lower bigint, median bigint, upper bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF p_provider <> ALL (reckoner.measured_providers()) THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT i.indicator, count(*), (percentile_disc(0.25) WITHIN GROUP (ORDER BY v.value))::bigint,
           (percentile_disc(0.5) WITHIN GROUP (ORDER BY v.value))::bigint,
           (percentile_disc(0.75) WITHIN GROUP (ORDER BY v.value))::bigint
      FROM reckoner.peer_consent c
      JOIN reckoner.indicator i ON i.provider = c.provider AND i.whole
           AND i.submission = reckoner.current_submission(c.provider, p_month)
     CROSS JOIN LATERAL (SELECT round(i.numerator * 1000000::numeric / nullif(i.denominator, 0)) AS value) v
     WHERE c.provider <> p_provider AND i.denominator > 0 AND i.numerator IS NOT NULL
       AND i.indicator <> 'mean_reference_price'
       AND (i.indicator <> 'caseload_clustered' OR i.numerator <= i.denominator)
     GROUP BY i.indicator HAVING count(*) >= 3;
END $$;

-- What a challenged row said before is written by what follows it, not by who raises the challenge.
ALTER POLICY challenge_row_raise ON challenge_row
  WITH CHECK (earlier_sha256 = '{}' AND EXISTS (SELECT FROM challenge c WHERE c.provider = challenge_row.provider
    AND c.contract = challenge_row.contract AND c.commissioner = challenge_row.commissioner
    AND c.number = challenge_row.number AND c.outcome IS NULL AND c.raised_by = (SELECT caller_person())));
