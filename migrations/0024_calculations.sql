-- Answers that issue nothing: bridges between runs, forecasts, terms tried out. And the history of prices.
SET LOCAL search_path = reckoner, pg_catalog;

-- ---------------------------------------------------------------------------------------------------------- calculations

CREATE TABLE calculation (
  provider      text        NOT NULL,
  contract      text        NOT NULL,
  id            text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  commissioner  text        NOT NULL,
  kind          text        NOT NULL CHECK (kind IN ('bridge', 'forecast', 'what_if')),
  request       text        NOT NULL CHECK (octet_length(request) BETWEEN 2 AND 4096),
  terms         text        CHECK (octet_length(terms) BETWEEN 2 AND 16777216),
  organisation  text        NOT NULL,
  person        text        NOT NULL,
  asked_at      timestamptz NOT NULL,
  state         text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'parked', 'failed', 'removed')),
  known_at      timestamptz CHECK (known_at >= asked_at),
  finished_at   timestamptz CHECK (finished_at >= asked_at),
  reason        text        CHECK (length(reason) BETWEEN 1 AND 500),
  result        text        CHECK (octet_length(result) BETWEEN 2 AND 16777216),
  sha256        bytea,
  remove_after  timestamptz,
  PRIMARY KEY (provider, id),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  CONSTRAINT calculation_party CHECK (organisation IN (provider, commissioner)),
  CONSTRAINT calculation_terms CHECK (terms IS NULL OR kind = 'what_if'),
  CONSTRAINT calculation_tried CHECK (kind <> 'what_if' OR terms IS NOT NULL OR state = 'removed'),
  CONSTRAINT calculation_digest CHECK (sha256(convert_to(result, 'UTF8')) = sha256),
  CONSTRAINT calculation_queued CHECK ((state = 'queued') = (finished_at IS NULL)
    AND (finished_at IS NULL) = (remove_after IS NULL)),
  CONSTRAINT calculation_done CHECK (CASE state
    WHEN 'done' THEN num_nulls(known_at, result, sha256) = 0 AND reason IS NULL
    WHEN 'removed' THEN num_nonnulls(result, terms) = 0
    WHEN 'queued' THEN num_nonnulls(known_at, reason, result, sha256) = 0
    ELSE reason IS NOT NULL AND num_nonnulls(result, sha256) = 0 END)
);
CREATE INDEX calculation_asked ON calculation (organisation, asked_at);
CREATE INDEX calculation_listed ON calculation (provider, contract, asked_at, id);
CREATE INDEX calculation_removal ON calculation (remove_after) WHERE state <> 'removed';
COMMENT ON TABLE calculation IS 'Questions about an account whose answer issues nothing; both parties and their auditors see question and answer';
COMMENT ON COLUMN calculation.provider IS 'Provider (ODS)';
COMMENT ON COLUMN calculation.contract IS 'Contract';
COMMENT ON COLUMN calculation.id IS 'Generated id';
COMMENT ON COLUMN calculation.commissioner IS 'Account';
COMMENT ON COLUMN calculation.kind IS 'bridge between two runs, forecast of the year, or what_if: other terms run over past months';
COMMENT ON COLUMN calculation.request IS 'What was asked, canonical JSON; terms that came in the request are named by their digest';
COMMENT ON COLUMN calculation.terms IS 'The terms that are tried out, canonical JSON as they stood when the question was asked';
COMMENT ON COLUMN calculation.organisation IS 'Party that asked';
COMMENT ON COLUMN calculation.person IS 'Person who asked';
COMMENT ON COLUMN calculation.asked_at IS 'Instant on the product clock';
COMMENT ON COLUMN calculation.state IS 'queued, done, parked (something is missing: reason), failed (reason), removed (its time is over)';
COMMENT ON COLUMN calculation.known_at IS 'Inputs known up to here were used';
COMMENT ON COLUMN calculation.finished_at IS 'Instant on the product clock';
COMMENT ON COLUMN calculation.reason IS 'Why there is no answer, and the ways out';
COMMENT ON COLUMN calculation.result IS 'The answer, canonical JSON (api/formats/calculations.md)';
COMMENT ON COLUMN calculation.sha256 IS 'SHA-256 of the result; stays when the result is removed';
COMMENT ON COLUMN calculation.remove_after IS 'Wall clock; past it result and terms are removed';

CREATE FUNCTION keep_calculation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE'
     OR (OLD.state, NEW.state) NOT IN (('queued', 'done'), ('queued', 'parked'), ('queued', 'failed'), ('failed', 'done'),
         ('failed', 'parked'), ('failed', 'failed'), ('done', 'removed'), ('parked', 'removed'), ('failed', 'removed'))
     OR (NEW.provider, NEW.contract, NEW.id, NEW.commissioner, NEW.kind, NEW.request, NEW.organisation, NEW.person,
         NEW.asked_at) IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.id, OLD.commissioner, OLD.kind, OLD.request,
         OLD.organisation, OLD.person, OLD.asked_at)
     OR (NEW.terms IS DISTINCT FROM OLD.terms AND NEW.state <> 'removed')
     OR (OLD.state = 'done' AND (NEW.known_at, NEW.finished_at, NEW.sha256)
         IS DISTINCT FROM (OLD.known_at, OLD.finished_at, OLD.sha256)) THEN
    RAISE EXCEPTION 'a calculation is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'calculation', CONSTRAINT = 'calculation_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_calculation() IS 'Trigger body: question and answer hold still; only the bytes go when their time is over';
CREATE TRIGGER calculation_kept BEFORE UPDATE OR DELETE ON calculation FOR EACH ROW EXECUTE FUNCTION keep_calculation();

-- --------------------------------------------------------------------------------------------------------------- prices

CREATE TABLE price_track (
  provider     text        NOT NULL,
  contract     text        NOT NULL,
  cluster      text        NOT NULL CHECK (cluster ~ '^[0-2][0-9]$' AND cluster <= '21' AND cluster <> '09'),
  basis        text        NOT NULL CHECK (basis IN ('DAY', 'ADMITTED', 'NONADMITTED', 'PERIOD', 'ASSESSMENT')),
  scope        text        NOT NULL CHECK (octet_length(scope) <= 120),
  n            integer     NOT NULL CHECK (n > 0),
  stage        text        NOT NULL CHECK (stage IN ('first_cut', 'amended', 'uplift', 'efficiency', 'shadow', 'contract')),
  step         smallint    NOT NULL GENERATED ALWAYS AS (CASE stage WHEN 'first_cut' THEN 1 WHEN 'amended' THEN 2
                             WHEN 'uplift' THEN 3 WHEN 'efficiency' THEN 3 WHEN 'shadow' THEN 4 ELSE 5 END) STORED,
  before_n     integer     GENERATED ALWAYS AS (nullif(n - 1, 0)) STORED,
  before_step  smallint,
  pence        bigint      NOT NULL CHECK (pence BETWEEN 0 AND 10000000000),
  source       text        NOT NULL CHECK (length(source) BETWEEN 3 AND 200),
  confidence   text        NOT NULL CHECK (confidence IN ('low', 'medium', 'high')),
  note         text        CHECK (length(note) BETWEEN 1 AND 500),
  version      integer,
  organisation text        NOT NULL,
  person       text        NOT NULL,
  at           timestamptz NOT NULL,
  PRIMARY KEY (provider, contract, cluster, basis, scope, n),
  UNIQUE (provider, contract, cluster, basis, scope, n, step),
  FOREIGN KEY (provider, contract) REFERENCES contract (provider, id),
  FOREIGN KEY (provider, contract, version) REFERENCES terms (provider, contract, version),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  CONSTRAINT price_track_follows FOREIGN KEY (provider, contract, cluster, basis, scope, before_n, before_step)
    REFERENCES price_track (provider, contract, cluster, basis, scope, n, step),
  CONSTRAINT price_track_before CHECK ((n = 1) = (before_step IS NULL)),
  CONSTRAINT price_track_order CHECK (stage = 'first_cut' OR before_step IS NULL OR step >= before_step),
  CONSTRAINT price_track_agreed CHECK ((version IS NOT NULL) = (stage IN ('shadow', 'contract')))
);
CREATE INDEX price_track_listed ON price_track (provider, contract, at, cluster, basis, scope, n);
COMMENT ON TABLE price_track IS 'How each price came about: first cut, amended, uplift or efficiency step, shadow, contract; a new first cut begins anew';
COMMENT ON COLUMN price_track.provider IS 'Provider (ODS)';
COMMENT ON COLUMN price_track.contract IS 'Contract';
COMMENT ON COLUMN price_track.cluster IS 'Cluster';
COMMENT ON COLUMN price_track.basis IS 'What it is the price of';
COMMENT ON COLUMN price_track.scope IS 'What narrows it (associate, service, days), in words; empty: nothing';
COMMENT ON COLUMN price_track.n IS '1, 2 ... per cluster, basis and scope';
COMMENT ON COLUMN price_track.stage IS 'How far it has come; shadow and contract are written by the approval of terms alone';
COMMENT ON COLUMN price_track.step IS 'Place of the stage in the order';
COMMENT ON COLUMN price_track.before_n IS 'The entry before this one';
COMMENT ON COLUMN price_track.before_step IS 'Its step: stages never go back but to a first cut';
COMMENT ON COLUMN price_track.pence IS 'Price, pence';
COMMENT ON COLUMN price_track.source IS 'Where it comes from';
COMMENT ON COLUMN price_track.confidence IS 'How far it can be relied upon';
COMMENT ON COLUMN price_track.note IS 'What else is to be known of it';
COMMENT ON COLUMN price_track.version IS 'Version of the terms that made it shadow or contract price';
COMMENT ON COLUMN price_track.organisation IS 'Party that entered it, or gave the last approval';
COMMENT ON COLUMN price_track.person IS 'Person who did';
COMMENT ON COLUMN price_track.at IS 'Instant on the product clock';
CREATE TRIGGER price_track_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_track
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------------------------------------------------------- rights

DO $$
DECLARE
  kinds text;
  body  text;
  t     text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''calculate''::text, ');
  -- What holds a contract, beside what held it so far.
  body := pg_get_functiondef('reckoner.contract_hold(text, text)'::regprocedure);
  IF position('ARRAY[''document''' IN body) = 0 THEN
    RAISE EXCEPTION 'contract_hold has another shape than this migration knows';
  END IF;
  EXECUTE replace(body, 'ARRAY[''document''', 'ARRAY[''calculation'', ''price_track'', ''document''');
  FOREACH t IN ARRAY ARRAY['calculation', 'price_track'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
  END LOOP;
END $$;
COMMENT ON FUNCTION contract_hold(text, text) IS
  'What rests on a contract, so that it stays: approved_terms (by both parties), calculation, price_track, document, run, frozen_month, exception, achievement, agreement or withhold; null when nothing does';
CREATE POLICY calculation_read ON calculation FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY calculation_ask ON calculation FOR INSERT TO reckoner_web
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
              AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND state = 'queued');
CREATE POLICY job_read_calculation ON job FOR SELECT TO reckoner_web
  USING (kind = 'calculate' AND EXISTS (SELECT FROM calculation c WHERE c.provider = job.provider AND c.id = job.subject));
CREATE POLICY price_track_read ON price_track FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY price_track_add ON price_track FOR INSERT TO reckoner_web
  WITH CHECK ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[])
              AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND (version IS NULL OR EXISTS (SELECT FROM terms t WHERE t.provider = price_track.provider
                     AND t.contract = price_track.contract AND t.version = price_track.version AND t.state = 'approved')));

REVOKE ALL ON FUNCTION keep_calculation() FROM PUBLIC;
GRANT INSERT (provider, contract, id, commissioner, kind, request, terms, organisation, person, asked_at) ON calculation
  TO reckoner_web;
GRANT UPDATE (state, known_at, finished_at, reason, result, sha256, remove_after, terms) ON calculation TO reckoner_worker;
GRANT INSERT (provider, contract, cluster, basis, scope, n, stage, before_step, pence, source, confidence, note, version,
  organisation, person, at) ON price_track TO reckoner_web;
