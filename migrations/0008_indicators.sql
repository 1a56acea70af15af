-- What the service measures of each provider, equally for both sides, and the prices it compares clusters by.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE reference_set DROP CONSTRAINT reference_set_kind_check,
  ADD CONSTRAINT reference_set_kind_check
    CHECK (kind IN ('clusters', 'bank_holidays', 'practices', 'allocation_grid', 'reference_prices'));

-- Who may see what is measured of a provider: both sides alike. A commissioner is a side once terms are approved by both: a
-- contract that it has drafted alone opens nothing.
CREATE FUNCTION measured_providers() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() IN ('commissioner', 'auditor') THEN
    RETURN reckoner.visible_providers()
           || ARRAY(SELECT DISTINCT a.provider FROM reckoner.account a
                    JOIN reckoner.terms t ON t.provider = a.provider AND t.contract = a.contract AND t.state = 'approved'
                    WHERE a.commissioner = ANY (reckoner.visible_commissioners()));
  END IF;
  RETURN reckoner.visible_providers();
END $$;
COMMENT ON FUNCTION measured_providers() IS
  'Providers whose indicators the caller may read: itself, those it has a contract with approved terms with, or those that this holds for where the auditor is appointed';

CREATE FUNCTION current_submission(p_provider text, p_month date) RETURNS bigint
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.no FROM reckoner.submission s WHERE s.provider = p_provider AND s.month = p_month
          AND s.state = 'accepted' ORDER BY s.version DESC LIMIT 1);
END $$;
COMMENT ON FUNCTION current_submission(text, date) IS
  'submission.no of the newest accepted version of a month, also for those who may not read it; null without one';

-- ------------------------------------------------------------------------------------------------------------ indicators

CREATE TABLE indicator_set (
  provider          text    NOT NULL,
  submission        bigint  NOT NULL,
  late              boolean NOT NULL,
  too_many_services boolean NOT NULL,
  PRIMARY KEY (provider, submission),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE indicator_set IS 'What was measured of an accepted submission when it was validated';
COMMENT ON COLUMN indicator_set.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator_set.submission IS 'submission.no';
COMMENT ON COLUMN indicator_set.late IS 'It began when the month was closed for a contract, or open by exception alone';
COMMENT ON COLUMN indicator_set.too_many_services IS 'It named so many services that there is no table by service';

CREATE TABLE indicator (
  provider    text    NOT NULL,
  submission  bigint  NOT NULL,
  whole       boolean NOT NULL,
  service     text    NOT NULL CHECK (NOT (whole AND service <> '')),
  indicator   text    NOT NULL CHECK (indicator ~ '^[a-z0-9_]{1,40}$'),
  numerator   bigint  CHECK (numerator >= 0),
  denominator bigint  CHECK (denominator >= 0),
  PRIMARY KEY (provider, submission, whole, service, indicator),
  FOREIGN KEY (provider, submission) REFERENCES indicator_set (provider, submission) ON DELETE CASCADE
);
COMMENT ON TABLE indicator IS 'Numerator and denominator of an indicator, for the provider and by service, small counts of patients left out';
COMMENT ON COLUMN indicator.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator.submission IS 'submission.no';
COMMENT ON COLUMN indicator.whole IS 'The provider as a whole; else the service';
COMMENT ON COLUMN indicator.service IS 'Service code; empty for rows without one, and for the whole';
COMMENT ON COLUMN indicator.indicator IS 'Id of the indicator (domain/indicators.c)';
COMMENT ON COLUMN indicator.numerator IS 'Null: hidden';
COMMENT ON COLUMN indicator.denominator IS 'Null: hidden; of caseload_clustered: not supplied';

CREATE TABLE indicator_days (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  whole      boolean NOT NULL,
  service    text    NOT NULL CHECK (NOT (whole AND service <> '')),
  cluster    text    NOT NULL CHECK (cluster ~ '^[0-2][0-9]$'),
  days       bigint  NOT NULL CHECK (days > 0),
  PRIMARY KEY (provider, submission, whole, service, cluster),
  FOREIGN KEY (provider, submission) REFERENCES indicator_set (provider, submission) ON DELETE CASCADE
);
COMMENT ON TABLE indicator_days IS 'Days of the month in each cluster: from those of two months comes the change of the case mix';
COMMENT ON COLUMN indicator_days.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator_days.submission IS 'submission.no';
COMMENT ON COLUMN indicator_days.whole IS 'The provider as a whole; else the service';
COMMENT ON COLUMN indicator_days.service IS 'Service code; empty for rows without one, and for the whole';
COMMENT ON COLUMN indicator_days.cluster IS 'Cluster, two digits';
COMMENT ON COLUMN indicator_days.days IS 'Days, whether payable or not';

CREATE TABLE indicator_price (
  provider           text   NOT NULL,
  submission         bigint NOT NULL,
  cluster            text   NOT NULL CHECK (cluster ~ '^[0-2][0-9]$'),
  pence_per_day      bigint NOT NULL CHECK (pence_per_day >= 0),
  ward_pence_per_day bigint NOT NULL CHECK (ward_pence_per_day >= 0),
  PRIMARY KEY (provider, submission, cluster),
  FOREIGN KEY (provider, submission) REFERENCES indicator_set (provider, submission) ON DELETE CASCADE
);
COMMENT ON TABLE indicator_price IS 'Reference prices that a submission was measured with (reference kind reference_prices)';
COMMENT ON COLUMN indicator_price.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator_price.submission IS 'submission.no';
COMMENT ON COLUMN indicator_price.cluster IS 'Cluster, two digits';
COMMENT ON COLUMN indicator_price.pence_per_day IS 'A day outside a ward';
COMMENT ON COLUMN indicator_price.ward_pence_per_day IS 'A day on a ward';

CREATE TABLE indicator_cluster (
  provider      text   NOT NULL,
  submission    bigint NOT NULL,
  cluster       text   NOT NULL CHECK (cluster ~ '^[0-2][0-9]$'),
  episodes      bigint CHECK (episodes > 0),
  days          bigint CHECK (days >= 0),
  admitted_days bigint CHECK (admitted_days BETWEEN 0 AND days),
  length_lower  bigint,
  length_median bigint,
  length_upper  bigint,
  value_lower   bigint,
  value_median  bigint,
  value_upper   bigint,
  PRIMARY KEY (provider, submission, cluster),
  FOREIGN KEY (provider, submission) REFERENCES indicator_set (provider, submission) ON DELETE CASCADE,
  CHECK ((episodes IS NULL) = (days IS NULL) AND (days IS NULL) = (admitted_days IS NULL)),
  CHECK (num_nulls(length_lower, length_median, length_upper) IN (0, 3)
         AND num_nulls(value_lower, value_median, value_upper) IN (0, 3)),
  CHECK (episodes IS NOT NULL OR (length_median IS NULL AND value_median IS NULL)),
  CHECK (0 <= length_lower AND length_lower <= length_median AND length_median <= length_upper),
  CHECK (0 <= value_lower AND value_lower <= value_median AND value_median <= value_upper)
);
COMMENT ON TABLE indicator_cluster IS 'Variation inside a cluster; a cluster with episodes whose columns are null is hidden, as few patients are in it or would show in a sum';
COMMENT ON COLUMN indicator_cluster.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator_cluster.submission IS 'submission.no';
COMMENT ON COLUMN indicator_cluster.cluster IS 'Cluster, two digits';
COMMENT ON COLUMN indicator_cluster.episodes IS 'Episodes of the month';
COMMENT ON COLUMN indicator_cluster.days IS 'Their days of the month';
COMMENT ON COLUMN indicator_cluster.admitted_days IS 'Of them, on a ward';
COMMENT ON COLUMN indicator_cluster.length_lower IS 'Days of episodes that ended in the month: lower quartile; null with fewer than five';
COMMENT ON COLUMN indicator_cluster.length_median IS 'Median';
COMMENT ON COLUMN indicator_cluster.length_upper IS 'Upper quartile';
COMMENT ON COLUMN indicator_cluster.value_lower IS 'Pence at reference prices of an episode''s days of the month: lower quartile; null with fewer than five or without a price';
COMMENT ON COLUMN indicator_cluster.value_median IS 'Median';
COMMENT ON COLUMN indicator_cluster.value_upper IS 'Upper quartile';

-- Of the current evaluation, as they follow the terms.
CREATE TABLE indicator_threshold (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  threshold  text    NOT NULL,
  ppm        integer NOT NULL CHECK (ppm BETWEEN 0 AND 1000000),
  PRIMARY KEY (provider, submission, threshold),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE indicator_threshold IS 'Shares above which an indicator is pointed out: the lowest of the terms of the provider''s contracts in force for the month';
COMMENT ON COLUMN indicator_threshold.provider IS 'Provider (ODS)';
COMMENT ON COLUMN indicator_threshold.submission IS 'submission.no';
COMMENT ON COLUMN indicator_threshold.threshold IS 'Its name in the terms (config/thresholds.tsv)';
COMMENT ON COLUMN indicator_threshold.ppm IS 'Parts per million';

CREATE TABLE uncontracted (
  provider      text    NOT NULL,
  submission    bigint  NOT NULL,
  commissioner  text    NOT NULL,
  terms_missing boolean NOT NULL,
  rows          bigint  NOT NULL CHECK (rows > 0),
  days          bigint  NOT NULL CHECK (days >= 0),
  admitted_days bigint  NOT NULL CHECK (admitted_days BETWEEN 0 AND days),
  pence         bigint  NOT NULL CHECK (pence >= 0),
  unpriced_rows bigint  NOT NULL CHECK (unpriced_rows BETWEEN 0 AND rows),
  PRIMARY KEY (provider, submission, commissioner),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE uncontracted IS 'Rows that no contract covers (C04) and that could be paid for otherwise, by commissioner, as of the current evaluation';
COMMENT ON COLUMN uncontracted.provider IS 'Provider (ODS)';
COMMENT ON COLUMN uncontracted.submission IS 'submission.no';
COMMENT ON COLUMN uncontracted.commissioner IS 'Commissioner as sent';
COMMENT ON COLUMN uncontracted.terms_missing IS 'There is a contract, without approved terms for the month';
COMMENT ON COLUMN uncontracted.rows IS 'Rows';
COMMENT ON COLUMN uncontracted.days IS 'Their days of the month';
COMMENT ON COLUMN uncontracted.admitted_days IS 'Of them, on a ward';
COMMENT ON COLUMN uncontracted.pence IS 'Value of the days at reference prices';
COMMENT ON COLUMN uncontracted.unpriced_rows IS 'Rows of a cluster without a reference price; not in pence';

-- ----------------------------------------------------------------------------------------------------------------- peers

CREATE TABLE peer_consent (
  provider text        PRIMARY KEY REFERENCES organisation (code),
  given_by text        NOT NULL REFERENCES person (id),
  given_at timestamptz NOT NULL
);
COMMENT ON TABLE peer_consent IS 'Providers that let their indicators be compared, without their name; withdrawn by removing the row (the audit trail keeps both)';
COMMENT ON COLUMN peer_consent.provider IS 'Provider (ODS)';
COMMENT ON COLUMN peer_consent.given_by IS 'Person who gave it';
COMMENT ON COLUMN peer_consent.given_at IS 'Instant on the product clock';

CREATE FUNCTION peer_figures(p_provider text, p_month date)
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
     GROUP BY i.indicator HAVING count(*) >= 3;
END $$;
COMMENT ON FUNCTION peer_figures(text, date) IS
  'Quartiles (nearest rank) of the indicators of the other providers that consent, where at least three have the figure, in parts per million. Nothing for a provider whose indicators the caller may not read';

-- ---------------------------------------------------------------------------------------------------------------- rights

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['indicator_set', 'indicator', 'indicator_days', 'indicator_price', 'indicator_cluster',
                           'indicator_threshold'] LOOP
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web
                    USING (provider = ANY ((SELECT reckoner.measured_providers())::text[]))', t || '_read', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['indicator_set', 'indicator', 'indicator_days', 'indicator_price', 'indicator_cluster',
                           'indicator_threshold', 'uncontracted', 'peer_consent'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
  END LOOP;
END $$;
CREATE POLICY uncontracted_read ON uncontracted FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY peer_consent_read ON peer_consent FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[]));
CREATE POLICY peer_consent_give ON peer_consent FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND given_by = (SELECT caller_person()));
CREATE POLICY peer_consent_withdraw ON peer_consent FOR DELETE TO reckoner_web
  USING (provider = (SELECT acting_provider()));

GRANT INSERT, DELETE ON peer_consent TO reckoner_web;
GRANT INSERT, DELETE ON indicator_set, indicator, indicator_days, indicator_price, indicator_cluster, indicator_threshold,
  uncontracted TO reckoner_worker;
REVOKE ALL ON FUNCTION measured_providers(), current_submission(text, date), peer_figures(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION measured_providers(), current_submission(text, date), peer_figures(text, date) TO reckoner_web;
