-- What was known on a day: when documents gave way, to whom they were drafted, and positions of the past.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE document ADD COLUMN superseded_at timestamptz, ADD COLUMN drafted_to text REFERENCES organisation (code);
ALTER TABLE document DISABLE TRIGGER document_immutable;
-- A document gave way when the one that took its place was drafted.
UPDATE document d SET drafted_to = bill_to, superseded_at = CASE WHEN state = 'superseded' THEN coalesce(
  (SELECT min(x.drafted_at) FROM document x WHERE x.provider = d.provider AND x.contract = d.contract
     AND x.commissioner = d.commissioner AND x.drafted_at >= d.drafted_at AND x.id <> d.id
     AND x.instalment IS NOT DISTINCT FROM d.instalment), greatest(d.drafted_at, d.proposed_at)) END;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE document ENABLE TRIGGER document_immutable;
ALTER TABLE document ALTER COLUMN drafted_to SET NOT NULL,
  ADD CONSTRAINT document_superseded CHECK ((state = 'superseded') = (superseded_at IS NOT NULL));
COMMENT ON COLUMN document.superseded_at IS 'When it gave way to another draft; instant on the product clock';
COMMENT ON COLUMN document.drafted_to IS 'Who was to be billed or credited when it was drafted';
GRANT UPDATE (superseded_at) ON document TO reckoner_worker;

CREATE FUNCTION note_drafted_to() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.drafted_to := CASE TG_OP WHEN 'INSERT' THEN NEW.bill_to ELSE OLD.drafted_to END;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION note_drafted_to() IS 'Trigger body: who a document was drafted to stays, whoever it is issued to';
REVOKE ALL ON FUNCTION note_drafted_to() FROM PUBLIC;
CREATE TRIGGER document_drafted_to BEFORE INSERT OR UPDATE ON document FOR EACH ROW EXECUTE FUNCTION note_drafted_to();

-- A position of the past is known up to an instant before the question, and auditors ask for it too.
ALTER TABLE calculation DROP CONSTRAINT calculation_kind_check, DROP CONSTRAINT calculation_check,
  DROP CONSTRAINT calculation_party,
  ADD CONSTRAINT calculation_kind_check CHECK (kind IN ('bridge', 'forecast', 'what_if', 'position')),
  ADD CONSTRAINT calculation_known CHECK (CASE kind WHEN 'position' THEN known_at < asked_at ELSE known_at >= asked_at END),
  ADD CONSTRAINT calculation_party CHECK (organisation IN (provider, commissioner) OR kind = 'position');
COMMENT ON COLUMN calculation.kind IS
  'bridge between two runs, forecast of the year, what_if: other terms run over past months, or position as known at the end of a day';
CREATE POLICY calculation_ask_position ON calculation FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'position' AND (SELECT caller_role()) = 'auditor' AND state = 'queued'
              AND (provider = ANY ((SELECT visible_providers())::text[])
                   OR commissioner = ANY ((SELECT visible_commissioners())::text[]))
              AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person()));
CREATE POLICY job_add_calculation ON job FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'calculate' AND state = 'queued' AND (SELECT caller_role()) = 'auditor'
              AND EXISTS (SELECT FROM calculation c WHERE c.provider = job.provider AND c.id = job.subject
                          AND c.person = (SELECT caller_person())));

-- ------------------------------------------------------------------------------------------------------------- findings

-- An evaluation replaces the one before; that of the last of each day stays, so that a day's findings can be shown.
CREATE TABLE evaluated (
  provider     text        NOT NULL,
  submission   bigint      NOT NULL,
  evaluation   integer     NOT NULL CHECK (evaluation > 0),
  evaluated_at timestamptz NOT NULL,
  PRIMARY KEY (provider, submission, evaluation),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no) ON DELETE CASCADE
);
COMMENT ON TABLE evaluated IS 'When submissions were evaluated under terms: the current evaluation, and the last of each day before';
COMMENT ON COLUMN evaluated.provider IS 'Provider (ODS)';
COMMENT ON COLUMN evaluated.submission IS 'submission.no';
COMMENT ON COLUMN evaluated.evaluation IS 'submission.evaluation at that time; its findings are in finding';
COMMENT ON COLUMN evaluated.evaluated_at IS 'Instant on the product clock';
CREATE TABLE severity_known (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  evaluation   integer NOT NULL,
  commissioner text    NOT NULL,
  rule         text    NOT NULL,
  severity     text    NOT NULL CHECK (severity IN ('ERROR', 'QUERY', 'WARN')),
  PRIMARY KEY (provider, submission, evaluation, commissioner, rule),
  FOREIGN KEY (provider, submission, evaluation) REFERENCES evaluated (provider, submission, evaluation) ON DELETE CASCADE
);
COMMENT ON TABLE severity_known IS 'Severities that terms changed, as of each evaluation that is kept';
COMMENT ON COLUMN severity_known.provider IS 'Provider (ODS)';
COMMENT ON COLUMN severity_known.submission IS 'submission.no';
COMMENT ON COLUMN severity_known.evaluation IS 'Evaluation';
COMMENT ON COLUMN severity_known.commissioner IS 'Commissioner whose terms said so';
COMMENT ON COLUMN severity_known.rule IS 'Rule id';
COMMENT ON COLUMN severity_known.severity IS 'Severity under those terms';
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['evaluated', 'severity_known'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_auditor, reckoner_worker', t);
    EXECUTE format('GRANT INSERT, DELETE ON reckoner.%I TO reckoner_worker', t);
  END LOOP;
END $$;

CREATE FUNCTION finding_page_as_known(p_provider text, p_submission text, p_known timestamptz, p_rule text,
                                      p_severity text, p_defaults text, p_order text, p_first integer, p_last integer,
                                      p_place integer, p_limit bigint)
RETURNS TABLE (row_no integer, rule text, severity text, own_severity boolean, episode_id text, commissioner text,
               cluster text, field text, value text, note text, pence bigint, evaluation integer, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_all    boolean := coalesce(p_provider = ANY (reckoner.visible_providers()), false);
  v_seen   text[] := reckoner.visible_commissioners();
  v_header record;
BEGIN
  IF NOT v_all AND NOT p_provider = ANY (reckoner.providers_of_commissioners()) THEN
    RETURN;
  END IF;
  SELECT s.no, coalesce((SELECT max(e.evaluation) FROM reckoner.evaluated e WHERE e.provider = s.provider
      AND e.submission = s.no AND e.evaluated_at <= p_known), 0) AS evaluation INTO v_header FROM reckoner.submission s
   WHERE s.provider = p_provider AND s.id = p_submission AND s.state = 'accepted'
     AND greatest(s.confirmed_at, s.validated_at) <= p_known;
  IF v_header.no IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.row_no, f.rule, h.severity, f.severity IS NOT NULL, f.episode_id, f.commissioner, f.cluster, f.field,
      f.value, f.note, NULL::bigint, v_header.evaluation, 'accepted'
    FROM reckoner.finding f CROSS JOIN LATERAL (SELECT coalesce(f.severity, (SELECT s.severity
      FROM reckoner.severity_known s WHERE s.provider = f.provider AND s.submission = f.submission
       AND s.evaluation = v_header.evaluation AND s.commissioner = f.commissioner AND s.rule = f.rule)) AS severity) h
   WHERE f.provider = p_provider AND f.submission = v_header.no AND f.row_no BETWEEN p_first AND p_last
     AND f.evaluation IN (0, v_header.evaluation) AND (v_all OR f.commissioner = ANY (v_seen))
     AND (p_rule IS NULL OR f.rule = p_rule)
     AND (p_severity IS NULL OR coalesce(h.severity = p_severity, strpos(p_defaults, f.rule) > 0))
     AND (f.row_no > p_first OR 2 * strpos(p_order, f.rule) + (f.severity IS NOT NULL)::integer > p_place)
   ORDER BY f.row_no FETCH FIRST p_limit ROWS WITH TIES;
  IF NOT FOUND THEN
    RETURN QUERY SELECT NULL::integer, NULL, NULL, NULL::boolean, NULL, NULL, NULL, NULL, NULL, NULL, NULL::bigint,
      v_header.evaluation, 'accepted';
  END IF;
END $$;
COMMENT ON FUNCTION finding_page_as_known IS 'As finding_page, of what had been found by an instant in a submission accepted by then, with the severities of then; amounts at stake are not kept';
REVOKE ALL ON FUNCTION finding_page_as_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finding_page_as_known TO reckoner_web;
