-- Rows that turn out to belong to another commissioner: one act of three parties moves them between two accounts.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE reattribution (
  provider          text        NOT NULL,
  n                 integer     NOT NULL CHECK (n > 0),
  month             date        NOT NULL CHECK (extract(day FROM month) = 1),
  financial_year    smallint    GENERATED ALWAYS AS ((extract(year FROM month)
                                  - CASE WHEN extract(month FROM month) < 4 THEN 1 ELSE 0 END)::smallint) STORED,
  from_commissioner text        NOT NULL,
  to_commissioner   text        NOT NULL,
  rows              integer     NOT NULL CHECK (rows BETWEEN 1 AND 10000),
  reason            text        NOT NULL CHECK (octet_length(reason) BETWEEN 10 AND 2000),
  proposed_side     text        NOT NULL CHECK (proposed_side IN ('provider', 'from')),
  proposed_at       timestamptz NOT NULL,
  provider_by       text,
  provider_at       timestamptz CHECK (provider_at >= proposed_at),
  from_by           text,
  from_at           timestamptz CHECK (from_at >= proposed_at),
  to_by             text,
  to_at             timestamptz CHECK (to_at >= proposed_at),
  agreed_at         timestamptz GENERATED ALWAYS AS (CASE WHEN num_nulls(provider_at, from_at, to_at) = 0
                                  THEN greatest(provider_at, from_at, to_at) END) STORED,
  outcome           text        CHECK (outcome IN ('refused', 'withdrawn')),
  closed_for        text,
  closed_by         text,
  closed_at         timestamptz CHECK (closed_at >= proposed_at),
  refusal           text        CHECK (octet_length(refusal) BETWEEN 10 AND 500),
  PRIMARY KEY (provider, n),
  UNIQUE (provider, n, month),
  FOREIGN KEY (provider, from_commissioner, financial_year) REFERENCES account (provider, commissioner, financial_year),
  FOREIGN KEY (provider, to_commissioner, financial_year) REFERENCES account (provider, commissioner, financial_year),
  FOREIGN KEY (provider, provider_by) REFERENCES person (organisation, id),
  FOREIGN KEY (from_commissioner, from_by) REFERENCES person (organisation, id),
  FOREIGN KEY (to_commissioner, to_by) REFERENCES person (organisation, id),
  FOREIGN KEY (closed_for, closed_by) REFERENCES person (organisation, id),
  CONSTRAINT reattribution_moves CHECK (from_commissioner <> to_commissioner),
  CONSTRAINT reattribution_provider_agrees CHECK ((provider_by IS NULL) = (provider_at IS NULL)),
  CONSTRAINT reattribution_from_agrees CHECK ((from_by IS NULL) = (from_at IS NULL)),
  CONSTRAINT reattribution_to_agrees CHECK ((to_by IS NULL) = (to_at IS NULL)),
  CONSTRAINT reattribution_three_persons CHECK (provider_by <> from_by AND provider_by <> to_by AND from_by <> to_by),
  CONSTRAINT reattribution_proposer_agrees CHECK
    ((CASE proposed_side WHEN 'provider' THEN provider_at ELSE from_at END) IS NOT DISTINCT FROM proposed_at),
  CONSTRAINT reattribution_closed CHECK (num_nulls(outcome, closed_for, closed_by, closed_at) IN (0, 4)),
  CONSTRAINT reattribution_closer CHECK (closed_for IN (provider, from_commissioner, to_commissioner)),
  CONSTRAINT reattribution_withdrawn CHECK ((outcome = 'withdrawn')
    = (closed_for = CASE proposed_side WHEN 'provider' THEN provider ELSE from_commissioner END)),
  CONSTRAINT reattribution_refusal CHECK ((outcome IS NOT DISTINCT FROM 'refused') = (refusal IS NOT NULL)),
  CONSTRAINT reattribution_one_end CHECK (outcome IS NULL OR agreed_at IS NULL)
);
CREATE INDEX reattribution_from ON reattribution (provider, from_commissioner, month);
CREATE INDEX reattribution_to ON reattribution (provider, to_commissioner, month);
COMMENT ON TABLE reattribution IS 'Rows of one month that belong to another commissioner than they were attributed to; counts from the third agreement on';
COMMENT ON COLUMN reattribution.provider IS 'Provider (ODS)';
COMMENT ON COLUMN reattribution.n IS '1, 2 ... per provider, in order of proposal';
COMMENT ON COLUMN reattribution.month IS 'First day of the month of the rows';
COMMENT ON COLUMN reattribution.financial_year IS 'Year of the month; both commissioners have an account with the provider in it';
COMMENT ON COLUMN reattribution.from_commissioner IS 'Commissioner (ODS) that the rows were attributed to';
COMMENT ON COLUMN reattribution.to_commissioner IS 'Commissioner (ODS) that they belong to';
COMMENT ON COLUMN reattribution.rows IS 'How many rows it moves';
COMMENT ON COLUMN reattribution.reason IS 'Why, as the proposer says';
COMMENT ON COLUMN reattribution.proposed_side IS 'provider, or from: the commissioner that the rows were attributed to';
COMMENT ON COLUMN reattribution.proposed_at IS 'Instant on the product clock; the proposal is its party''s agreement';
COMMENT ON COLUMN reattribution.provider_by IS 'Person of the provider who agreed';
COMMENT ON COLUMN reattribution.provider_at IS 'Instant on the product clock';
COMMENT ON COLUMN reattribution.from_by IS 'Person of from_commissioner who agreed';
COMMENT ON COLUMN reattribution.from_at IS 'Instant on the product clock';
COMMENT ON COLUMN reattribution.to_by IS 'Person of to_commissioner who agreed';
COMMENT ON COLUMN reattribution.to_at IS 'Instant on the product clock';
COMMENT ON COLUMN reattribution.agreed_at IS 'The third agreement; positions known earlier do not use it';
COMMENT ON COLUMN reattribution.outcome IS 'refused (by a party that did not propose) or withdrawn (by the one that did); null while open, and once agreed';
COMMENT ON COLUMN reattribution.closed_for IS 'Organisation that refused or withdrew';
COMMENT ON COLUMN reattribution.closed_by IS 'Person who did';
COMMENT ON COLUMN reattribution.closed_at IS 'Instant on the product clock';
COMMENT ON COLUMN reattribution.refusal IS 'Why it was refused';

CREATE TABLE reattribution_row (
  provider     text    NOT NULL,
  n            integer NOT NULL,
  month        date    NOT NULL,
  commissioner text    NOT NULL,
  episode_id   text    NOT NULL CHECK (episode_id <> ''),
  row_sha256   bytea   NOT NULL CHECK (length(row_sha256) = 32),
  open         boolean NOT NULL DEFAULT true,
  PRIMARY KEY (provider, n, episode_id),
  FOREIGN KEY (provider, n, month) REFERENCES reattribution (provider, n, month)
);
CREATE UNIQUE INDEX reattribution_row_in_one_open ON reattribution_row (provider, month, episode_id) WHERE open;
CREATE INDEX reattribution_row_of_month ON reattribution_row (provider, month, episode_id);
COMMENT ON TABLE reattribution_row IS 'Rows of a re-attribution; it holds for the row as it was when proposed, and of several the last agreed';
COMMENT ON COLUMN reattribution_row.provider IS 'Provider (ODS)';
COMMENT ON COLUMN reattribution_row.n IS 'reattribution.n';
COMMENT ON COLUMN reattribution_row.month IS 'Month of the row';
COMMENT ON COLUMN reattribution_row.commissioner IS 'Commissioner as sent with the row';
COMMENT ON COLUMN reattribution_row.episode_id IS 'Row of that month, by the id that the provider gave it';
COMMENT ON COLUMN reattribution_row.row_sha256 IS 'Digest of the row (episode_sha256) as it was when proposed';
COMMENT ON COLUMN reattribution_row.open IS 'Its re-attribution is open; a row is in at most one that is';

-- ---------------------------------------------------------------------------------------------------------------- whole

CREATE FUNCTION check_reattribution() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM reckoner.reattribution_row r WHERE r.provider = NEW.provider AND r.n = NEW.n) <> NEW.rows THEN
    RAISE EXCEPTION 'a re-attribution has as many rows as it says'
      USING ERRCODE = 'check_violation', TABLE = 'reattribution', CONSTRAINT = 'reattribution_whole';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_reattribution() IS 'Trigger body: a re-attribution has as many rows as it says';
CREATE CONSTRAINT TRIGGER reattribution_whole AFTER INSERT OR UPDATE ON reattribution DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_reattribution();

CREATE FUNCTION check_reattribution_rows() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT a.provider, a.n FROM added a) d
             JOIN reckoner.reattribution g USING (provider, n)
             WHERE g.rows <> (SELECT count(*) FROM reckoner.reattribution_row r
                              WHERE r.provider = d.provider AND r.n = d.n)
                OR g.agreed_at IS NOT NULL OR g.outcome IS NOT NULL) THEN
    RAISE EXCEPTION 'all rows of a re-attribution come with its proposal'
      USING ERRCODE = 'check_violation', TABLE = 'reattribution_row', CONSTRAINT = 'reattribution_row_whole';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_reattribution_rows() IS 'Trigger body: all rows of a re-attribution come at once, while it is open';
CREATE TRIGGER reattribution_row_whole AFTER INSERT ON reattribution_row REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION check_reattribution_rows();

CREATE FUNCTION close_reattribution_rows() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE reckoner.reattribution_row r SET open = false WHERE r.provider = NEW.provider AND r.n = NEW.n;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION close_reattribution_rows() IS 'Trigger body: the rows of a re-attribution that ended may be moved again';
CREATE TRIGGER reattribution_ends AFTER UPDATE ON reattribution FOR EACH ROW
  WHEN (NEW.outcome IS NOT NULL OR NEW.agreed_at IS NOT NULL) EXECUTE FUNCTION close_reattribution_rows();

-- -------------------------------------------------------------------------------------------------------------- immutable

CREATE TRIGGER reattribution_kept BEFORE UPDATE ON reattribution FOR EACH ROW
  WHEN (OLD.outcome IS NOT NULL OR OLD.agreed_at IS NOT NULL
        OR (NEW.provider, NEW.n, NEW.month, NEW.from_commissioner, NEW.to_commissioner, NEW.rows, NEW.reason,
            NEW.proposed_side, NEW.proposed_at)
           IS DISTINCT FROM (OLD.provider, OLD.n, OLD.month, OLD.from_commissioner, OLD.to_commissioner, OLD.rows,
            OLD.reason, OLD.proposed_side, OLD.proposed_at)
        OR (OLD.provider_at IS NOT NULL AND (NEW.provider_by, NEW.provider_at)
            IS DISTINCT FROM (OLD.provider_by, OLD.provider_at))
        OR (OLD.from_at IS NOT NULL AND (NEW.from_by, NEW.from_at) IS DISTINCT FROM (OLD.from_by, OLD.from_at))
        OR (OLD.to_at IS NOT NULL AND (NEW.to_by, NEW.to_at) IS DISTINCT FROM (OLD.to_by, OLD.to_at)))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER reattribution_not_deleted BEFORE DELETE OR TRUNCATE ON reattribution
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reattribution_row_kept BEFORE UPDATE ON reattribution_row FOR EACH ROW
  WHEN (NOT OLD.open OR (NEW.provider, NEW.n, NEW.month, NEW.commissioner, NEW.episode_id, NEW.row_sha256)
        IS DISTINCT FROM (OLD.provider, OLD.n, OLD.month, OLD.commissioner, OLD.episode_id, OLD.row_sha256))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER reattribution_row_not_deleted BEFORE DELETE OR TRUNCATE ON reattribution_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A signed-in person agrees, refuses or withdraws for the own party alone.
CREATE FUNCTION check_reattribution_party() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  organisation text := reckoner.caller_organisation();
  person       text := reckoner.caller_person();
BEGIN
  IF organisation IS NOT NULL AND (
       (NEW.provider_by IS DISTINCT FROM OLD.provider_by AND (NEW.provider, NEW.provider_by) <> (organisation, person))
       OR (NEW.from_by IS DISTINCT FROM OLD.from_by AND (NEW.from_commissioner, NEW.from_by) <> (organisation, person))
       OR (NEW.to_by IS DISTINCT FROM OLD.to_by AND (NEW.to_commissioner, NEW.to_by) <> (organisation, person))
       OR (NEW.closed_by IS DISTINCT FROM OLD.closed_by AND (NEW.closed_for, NEW.closed_by) <> (organisation, person))) THEN
    RAISE EXCEPTION 'a person agrees or refuses for the own party' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_reattribution_party() IS 'Trigger body: a signed-in person agrees, refuses or withdraws for the own party alone';
CREATE TRIGGER reattribution_party BEFORE UPDATE ON reattribution
  FOR EACH ROW EXECUTE FUNCTION check_reattribution_party();

-- ---------------------------------------------------------------------------------------------------------------- rights

ALTER TABLE reattribution ENABLE ROW LEVEL SECURITY;
ALTER TABLE reattribution_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY reattribution_auditor ON reattribution FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY reattribution_row_auditor ON reattribution_row FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY reattribution_read ON reattribution FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR from_commissioner = ANY ((SELECT visible_commissioners())::text[])
         OR to_commissioner = ANY ((SELECT visible_commissioners())::text[]));
-- The one they are said to belong to sees which rows they are once all three have agreed.
CREATE POLICY reattribution_row_read ON reattribution_row FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR EXISTS (SELECT FROM reattribution g WHERE g.provider = reattribution_row.provider AND g.n = reattribution_row.n
                    AND (g.from_commissioner = ANY ((SELECT visible_commissioners())::text[])
                         OR (g.agreed_at IS NOT NULL
                             AND g.to_commissioner = ANY ((SELECT visible_commissioners())::text[])))));
CREATE POLICY reattribution_propose ON reattribution FOR INSERT TO reckoner_web
  WITH CHECK (outcome IS NULL AND to_by IS NULL
    AND CASE proposed_side WHEN 'provider' THEN provider = (SELECT acting_provider())
             AND provider_by = (SELECT caller_person()) AND from_by IS NULL
        ELSE from_commissioner = (SELECT acting_commissioner()) AND from_by = (SELECT caller_person())
             AND provider_by IS NULL END);
CREATE POLICY reattribution_act ON reattribution FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR from_commissioner = (SELECT acting_commissioner())
         OR to_commissioner = (SELECT acting_commissioner()));
CREATE POLICY reattribution_row_propose ON reattribution_row FOR INSERT TO reckoner_web
  WITH CHECK (EXISTS (SELECT FROM reattribution g WHERE g.provider = reattribution_row.provider
    AND g.n = reattribution_row.n AND g.outcome IS NULL AND (SELECT caller_person())
      = CASE g.proposed_side WHEN 'provider' THEN g.provider_by ELSE g.from_by END));
GRANT SELECT ON reattribution, reattribution_row TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT (provider, n, month, from_commissioner, to_commissioner, rows, reason, proposed_side, proposed_at, provider_by,
  provider_at, from_by, from_at),
  UPDATE (provider_by, provider_at, from_by, from_at, to_by, to_at, outcome, closed_for, closed_by, closed_at, refusal)
  ON reattribution TO reckoner_web;
GRANT INSERT (provider, n, month, commissioner, episode_id, row_sha256) ON reattribution_row TO reckoner_web;

-- Numbers and contracts that a party needs for the act and may not look up: a commissioner does not see acts and
-- contracts of others.
CREATE FUNCTION reattribution_next(p_provider text) RETURNS integer
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(max(g.n), 0) + 1 FROM reckoner.reattribution g WHERE g.provider = p_provider);
END $$;
COMMENT ON FUNCTION reattribution_next(text) IS 'Number of the provider''s next re-attribution';

CREATE FUNCTION account_contract(p_provider text, p_commissioner text, p_month date) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT p_provider = ANY (reckoner.acting_for_providers()) THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT a.contract FROM reckoner.account a WHERE a.provider = p_provider AND a.commissioner = p_commissioner
          AND p_month >= make_date(a.financial_year, 4, 1) AND p_month < make_date(a.financial_year + 1, 4, 1));
END $$;
COMMENT ON FUNCTION account_contract(text, text, date) IS
  'Contract of a commissioner''s account with a provider for a month, for a caller who has business with the provider; null when there is none';

CREATE FUNCTION reattributed_rows(p_provider text, p_n integer)
  RETURNS TABLE (cluster text, service text, start_date date, end_date date, mhct_date date, referral_date date,
    last_contact date, mhct_reason smallint, admitted_days smallint, assessment_only boolean, continues boolean,
    approved boolean, minor boolean, failed bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g reckoner.reattribution;
BEGIN
  SELECT * INTO g FROM reckoner.reattribution x WHERE x.provider = p_provider AND x.n = p_n
    AND (x.provider = ANY (reckoner.visible_providers())
         OR x.from_commissioner = ANY (reckoner.visible_commissioners())
         OR x.to_commissioner = ANY (reckoner.visible_commissioners()));
  RETURN QUERY
    SELECT e.cluster, e.service, e.start_date, e.end_date, e.mhct_date, e.referral_date, e.last_contact, e.mhct_reason,
           e.admitted_days, e.assessment_only, e.continues, e.approved, e.minor, e.failed
      FROM reckoner.episode e JOIN reckoner.reattribution_row r ON r.provider = e.provider AND r.n = g.n
           AND r.episode_id = e.episode_id AND r.commissioner = e.commissioner AND r.row_sha256 = reckoner.episode_sha256(e)
     WHERE e.provider = g.provider AND e.submission = (SELECT s.no FROM reckoner.submission s
             WHERE s.provider = g.provider AND s.month = g.month AND s.state = 'accepted' ORDER BY s.version DESC LIMIT 1);
END $$;
COMMENT ON FUNCTION reattributed_rows(text, integer) IS
  'Rows of a re-attribution that the newest accepted version of the month has unchanged, without whose they are; for its parties';

CREATE OR REPLACE FUNCTION contract_hold(p_provider text, p_contract text) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind text;
  held boolean;
BEGIN
  IF EXISTS (SELECT FROM reckoner.terms t WHERE t.provider = p_provider AND t.contract = p_contract
             AND t.state = 'approved')
     OR EXISTS (SELECT FROM reckoner.terms_approval a WHERE a.provider = p_provider AND a.contract = p_contract
                GROUP BY a.version HAVING count(*) > 1) THEN
    RETURN 'approved_terms';
  END IF;
  FOREACH kind IN ARRAY ARRAY['calculation', 'price_track', 'document', 'run', 'frozen_month', 'window_exception',
                            'achievement', 'agreement', 'withhold', 'challenge'] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM reckoner.%I t WHERE t.provider = $1 AND t.contract = $2)', kind)
      INTO held USING p_provider, p_contract;
    IF held THEN
      RETURN CASE kind WHEN 'window_exception' THEN 'exception' ELSE kind END;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM reckoner.account a JOIN reckoner.reattribution g ON g.provider = a.provider
             AND g.financial_year = a.financial_year AND a.commissioner IN (g.from_commissioner, g.to_commissioner)
             WHERE a.provider = p_provider AND a.contract = p_contract) THEN
    RETURN 'reattribution';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION contract_hold(text, text) IS
  'What rests on a contract, so that it stays: approved_terms (by both parties), calculation, price_track, document, run, frozen_month, exception, achievement, agreement, withhold, challenge or reattribution; null when nothing does';

REVOKE ALL ON FUNCTION check_reattribution(), check_reattribution_rows(), close_reattribution_rows(),
  check_reattribution_party(), reattribution_next(text), account_contract(text, text, date), reattributed_rows(text, integer)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reattribution_next(text), account_contract(text, text, date), reattributed_rows(text, integer)
  TO reckoner_web;
