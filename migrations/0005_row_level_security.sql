-- Who may read and write which rows, and what nobody may do.
--
-- reckoner_web: one connection serves many callers. reckoner.authenticate() writes who calls into the session; the policies
-- below read it through functions that stand in uncorrelated subqueries, so that they run once per statement and not once
-- per row. reckoner_worker has BYPASSRLS (roles.sql): it works for everybody, and COPY refuses tables with policies.
-- reckoner_auditor is a database account that reads everything but secrets.
--
-- Functions name pg_temp last in their search_path: unnamed it comes first for types and tables, and a session could have the
-- owner's functions run code of its own. Nobody needs temporary objects, so nobody may make them.
SET LOCAL search_path = reckoner, pg_catalog;
DO $$
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- ---------------------------------------------------------------------------------------------------------------- caller

-- Bodies without quotes are read when they are created, so nobody's search_path changes their meaning, and the planner
-- puts them in place of the call. The functions that read tables with their owner's rights are plpgsql: it keeps their
-- plans, where a function in SQL is planned anew at each call.
CREATE FUNCTION caller_person() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('reckoner.person', true), '');
COMMENT ON FUNCTION caller_person() IS 'Person the session speaks for; null when nobody is signed in';

CREATE FUNCTION caller_organisation() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('reckoner.organisation', true), '');
COMMENT ON FUNCTION caller_organisation() IS 'Organisation the session speaks for; null when nobody is signed in';

CREATE FUNCTION caller_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('reckoner.role', true), '');
COMMENT ON FUNCTION caller_role() IS 'provider, commissioner, auditor or operator; null when nobody is signed in';

CREATE FUNCTION acting_provider() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE WHEN reckoner.caller_role() = 'provider' THEN reckoner.caller_organisation() END;
COMMENT ON FUNCTION acting_provider() IS 'The caller''s organisation when it acts as a provider; else null';

CREATE FUNCTION acting_commissioner() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE WHEN reckoner.caller_role() = 'commissioner' THEN reckoner.caller_organisation() END;
COMMENT ON FUNCTION acting_commissioner() IS 'The caller''s organisation when it acts as a commissioner; else null';

CREATE FUNCTION is_operator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(reckoner.caller_role() = 'operator', false);
COMMENT ON FUNCTION is_operator() IS 'Whether the caller is a person of the operator';

CREATE FUNCTION visible_providers() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'provider' THEN
    RETURN ARRAY[reckoner.caller_organisation()];
  ELSIF reckoner.caller_role() = 'auditor' THEN
    RETURN ARRAY(SELECT a.organisation FROM reckoner.audit_appointment a
                 JOIN reckoner.organisation o ON o.code = a.organisation AND o.kind = 'provider'
                 WHERE a.auditor = reckoner.caller_organisation());
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION visible_providers() IS 'Providers all of whose rows the caller may read: itself, or those that appointed the auditor';

CREATE FUNCTION visible_commissioners() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'commissioner' THEN
    RETURN ARRAY[reckoner.caller_organisation()];
  ELSIF reckoner.caller_role() = 'auditor' THEN
    RETURN ARRAY(SELECT a.organisation FROM reckoner.audit_appointment a
                 JOIN reckoner.organisation o ON o.code = a.organisation AND o.kind = 'commissioner'
                 WHERE a.auditor = reckoner.caller_organisation());
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION visible_commissioners() IS 'Commissioners whose accounts and rows the caller may read: itself, or those that appointed the auditor';

CREATE FUNCTION contracts_of_commissioners() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() IN ('commissioner', 'auditor') THEN
    RETURN ARRAY(SELECT DISTINCT provider || '/' || contract FROM reckoner.account
                 WHERE commissioner = ANY (reckoner.visible_commissioners()));
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION contracts_of_commissioners() IS 'provider/contract of each contract with an account of a visible commissioner';

CREATE FUNCTION providers_of_commissioners() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() IN ('commissioner', 'auditor') THEN
    RETURN ARRAY(SELECT DISTINCT provider FROM reckoner.account
                 WHERE commissioner = ANY (reckoner.visible_commissioners()));
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION providers_of_commissioners() IS 'Providers that have a contract with a visible commissioner';

CREATE FUNCTION acting_for_providers() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'provider' THEN
    RETURN ARRAY[reckoner.caller_organisation()];
  ELSIF reckoner.caller_role() = 'commissioner' THEN
    RETURN reckoner.providers_of_commissioners();
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION acting_for_providers() IS 'Providers in whose affairs the caller may start work: itself, or those it has a contract with';

CREATE FUNCTION acting_on_contracts() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'provider' THEN
    RETURN ARRAY(SELECT provider || '/' || id FROM reckoner.contract WHERE provider = reckoner.caller_organisation());
  ELSIF reckoner.caller_role() = 'commissioner' THEN
    RETURN reckoner.contracts_of_commissioners();
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION acting_on_contracts() IS 'provider/contract of each contract that the caller''s organisation is a party to';

CREATE FUNCTION coordinates(p_provider text, p_contract text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract
                 AND c.coordinator = reckoner.acting_commissioner())
$$;
COMMENT ON FUNCTION coordinates(text, text) IS 'Whether the caller is the coordinating commissioner of a contract';

CREATE FUNCTION authenticate(p_token_hash bytea, p_wall timestamptz)
  RETURNS TABLE (person text, organisation text, role text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller record;
BEGIN
  -- Whoever called before on this connection is forgotten first, whatever comes now.
  PERFORM set_config('reckoner.person', '', false), set_config('reckoner.organisation', '', false),
          set_config('reckoner.role', '', false);
  SELECT p.id, p.organisation, p.role INTO caller
    FROM reckoner.token t JOIN reckoner.person p ON p.id = t.person
   WHERE t.hash = p_token_hash AND t.expires_at > p_wall AND t.revoked_at IS NULL AND p.disabled_at IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM set_config('reckoner.person', caller.id, false), set_config('reckoner.organisation', caller.organisation, false),
          set_config('reckoner.role', caller.role, false);
  RETURN QUERY SELECT caller.id, caller.organisation, caller.role;
END $$;
COMMENT ON FUNCTION authenticate(bytea, timestamptz) IS
  'Signs the session in by the hash of a bearer token, at the wall clock given: no row (and nobody signed in) when it is unknown, expired, revoked, of a disabled person, or null';

-- --------------------------------------------------------------------------------------------- what must hold for everybody

CREATE FUNCTION check_run() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.position_pence <> (SELECT coalesce(sum(l.pence), 0) FROM reckoner.run_line l
                            WHERE l.provider = NEW.provider AND l.run = NEW.id) THEN
    RAISE EXCEPTION 'the lines of a run do not add up to its position'
      USING ERRCODE = 'check_violation', TABLE = 'run', CONSTRAINT = 'run_lines_add_up';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_run() IS 'Trigger body: the plain sum of a done run''s lines is its position';
CREATE CONSTRAINT TRIGGER run_lines_add_up AFTER INSERT OR UPDATE ON run DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION check_run();

CREATE FUNCTION keep_run() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.state = 'done' OR TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a run is not changed once done, and never deleted'
      USING ERRCODE = 'restrict_violation', TABLE = 'run', CONSTRAINT = 'run_immutable';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_run() IS 'Trigger body: a done run is immutable, also for the owner';
CREATE TRIGGER run_immutable BEFORE UPDATE OR DELETE ON run FOR EACH ROW EXECUTE FUNCTION keep_run();
CREATE TRIGGER run_not_truncated BEFORE TRUNCATE ON run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_run_part() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN reckoner.run r ON r.provider = n.provider AND r.id = n.run
             WHERE r.state = 'done') THEN
    RAISE EXCEPTION 'lines and inputs are written before their run is done'
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'run_immutable';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_run_part() IS 'Trigger body: nothing is added to a done run';
CREATE TRIGGER run_line_of_open_run AFTER INSERT ON run_line REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_run_part();
CREATE TRIGGER run_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_input_of_open_run AFTER INSERT ON run_input REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_run_part();
CREATE TRIGGER run_input_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_input
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER frozen_month_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON frozen_month
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE statement ADD UNIQUE (provider, record);
ALTER TABLE receipt ADD UNIQUE (provider, record);

CREATE FUNCTION check_document() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d reckoner.document;
  fault text;
BEGIN
  IF TG_TABLE_NAME = 'document' THEN
    SELECT * INTO d FROM reckoner.document x WHERE x.provider = NEW.provider AND x.id = NEW.id;
  ELSE
    SELECT * INTO d FROM reckoner.document x WHERE x.provider = NEW.provider AND x.id = NEW.document;
  END IF;
  IF d.balance_pence <> (SELECT coalesce(sum(l.pence), 0) FROM reckoner.document_line l
                         WHERE l.provider = d.provider AND l.document = d.id) THEN
    fault := 'document_lines_add_up';
  ELSIF d.state <> 'issued' THEN
    IF EXISTS (SELECT FROM reckoner.ledger_posting p WHERE p.provider = d.provider AND p.document = d.id) THEN
      fault := 'ledger_issued_only';
    END IF;
  ELSIF (SELECT sum(p.pence) FILTER (WHERE p.ledger_account = 'receivable') IS DISTINCT FROM d.balance_pence
             OR sum(p.pence) IS DISTINCT FROM 0
         FROM reckoner.ledger_posting p WHERE p.provider = d.provider AND p.document = d.id) THEN
    fault := 'ledger_balances';
  ELSIF d.number > 1 AND NOT EXISTS (SELECT FROM reckoner.document x
                                     WHERE x.provider = d.provider AND x.number = d.number - 1) THEN
    fault := 'document_number_without_gaps';
  ELSIF d.billed_pence <> (SELECT coalesce(sum(x.balance_pence), 0) FROM reckoner.document x
                           WHERE x.provider = d.provider AND x.contract = d.contract AND x.commissioner = d.commissioner
                             AND x.state = 'issued' AND x.number < d.number) THEN
    fault := 'document_billed_before';
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'a document does not agree with its lines, its ledger or the documents before it'
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = fault;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_document() IS
  'Trigger body: lines add up to the balance; an issued document''s ledger sums to 0 with the balance receivable, its number follows the one before, and its billed-before is what was issued before';
CREATE CONSTRAINT TRIGGER document_agrees AFTER INSERT OR UPDATE ON document DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_document();
CREATE CONSTRAINT TRIGGER document_line_agrees AFTER INSERT ON document_line DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_document();
CREATE CONSTRAINT TRIGGER ledger_posting_agrees AFTER INSERT ON ledger_posting DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_document();

CREATE FUNCTION keep_document() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state IN ('issued', 'superseded')
     OR (NEW.provider, NEW.id, NEW.contract, NEW.commissioner, NEW.run, NEW.kind, NEW.position_pence, NEW.billed_pence,
         NEW.balance_pence, NEW.drafted_at)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.contract, OLD.commissioner, OLD.run, OLD.kind, OLD.position_pence,
         OLD.billed_pence, OLD.balance_pence, OLD.drafted_at)
     OR (OLD.state = 'draft' AND NEW.state = 'issued') THEN
    RAISE EXCEPTION 'a document keeps its amounts; it is proposed, then issued, and then does not change'
      USING ERRCODE = 'restrict_violation', TABLE = 'document', CONSTRAINT = 'document_immutable';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_document() IS 'Trigger body: amounts never change, a document is proposed before it is issued, and issued or superseded ones are immutable, also for the owner';
CREATE TRIGGER document_immutable BEFORE UPDATE OR DELETE ON document FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE TRIGGER document_not_truncated BEFORE TRUNCATE ON document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_document_part() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN reckoner.document d ON d.provider = n.provider AND d.id = n.document
             WHERE d.state <> 'draft') THEN
    RAISE EXCEPTION 'lines and references are written while their document is a draft'
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'document_immutable';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_document_part() IS 'Trigger body: nothing is added to a document that is no longer a draft';
CREATE TRIGGER document_line_of_draft AFTER INSERT ON document_line REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_document_part();
CREATE TRIGGER document_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_reference_of_draft AFTER INSERT ON document_reference REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_document_part();
CREATE TRIGGER document_reference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_reference
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_submission() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state = 'receiving' THEN
      RETURN OLD;
    END IF;
  ELSIF (NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('receiving', 'received'), ('received', 'refused'),
         ('received', 'held'), ('received', 'accepted'), ('held', 'received')))
    AND (NEW.provider, NEW.no, NEW.id, NEW.month, NEW.uploaded_by, NEW.begun_at, NEW.sealed_key)
        IS NOT DISTINCT FROM (OLD.provider, OLD.no, OLD.id, OLD.month, OLD.uploaded_by, OLD.begun_at, OLD.sealed_key)
    AND (OLD.state = 'receiving' OR (NEW.version, NEW.completed_at, NEW.bytes, NEW.chunks, NEW.sha256)
        IS NOT DISTINCT FROM (OLD.version, OLD.completed_at, OLD.bytes, OLD.chunks, OLD.sha256)) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a complete submission is evidence: it is judged, and otherwise kept as it came'
    USING ERRCODE = 'restrict_violation', TABLE = 'submission', CONSTRAINT = 'submission_kept';
END $$;
COMMENT ON FUNCTION keep_submission() IS 'Trigger body: only the known changes of state, nothing of what was sent changes once complete, and only an incomplete one is deleted';
CREATE TRIGGER submission_kept BEFORE UPDATE OR DELETE ON submission FOR EACH ROW EXECUTE FUNCTION keep_submission();

CREATE FUNCTION keep_chunk() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Only an incomplete submission can be deleted, and takes its chunks with it: then its row is gone already.
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM reckoner.submission s
                                      WHERE s.provider = OLD.provider AND s.no = OLD.submission) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the bytes of a submission are evidence'
    USING ERRCODE = 'restrict_violation', TABLE = 'submission_chunk', CONSTRAINT = 'submission_kept';
END $$;
COMMENT ON FUNCTION keep_chunk() IS 'Trigger body: uploaded bytes are never changed, and go only with an upload that was cut off';
CREATE TRIGGER submission_chunk_kept BEFORE UPDATE OR DELETE ON submission_chunk FOR EACH ROW EXECUTE FUNCTION keep_chunk();

CREATE FUNCTION keep_terms() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sides integer := (SELECT count(*) FROM reckoner.terms_approval a
                    WHERE a.provider = OLD.provider AND a.contract = OLD.contract AND a.version = OLD.version);
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state <> 'draft' OR (NEW.state = 'approved' AND sides < 2)
     OR (sides > 0 AND (NEW.mode, NEW.effective_from, NEW.digest, NEW.body, NEW.author)
                       IS DISTINCT FROM (OLD.mode, OLD.effective_from, OLD.digest, OLD.body, OLD.author)) THEN
    RAISE EXCEPTION 'terms hold still once a party has approved, and are approved by both parties'
      USING ERRCODE = 'restrict_violation', TABLE = 'terms', CONSTRAINT = 'terms_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_terms() IS 'Trigger body: a version changes only as a draft that nobody has approved, and becomes approved by one approval of each party';
CREATE TRIGGER terms_kept BEFORE UPDATE OR DELETE ON terms FOR EACH ROW EXECUTE FUNCTION keep_terms();

CREATE FUNCTION check_terms_approval() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.side = 'commissioner' AND NOT EXISTS (SELECT FROM reckoner.contract c WHERE c.provider = NEW.provider
       AND c.id = NEW.contract AND c.coordinator = NEW.organisation) THEN
    RAISE EXCEPTION 'the coordinating commissioner approves for the commissioners'
      USING ERRCODE = 'check_violation', TABLE = 'terms_approval', CONSTRAINT = 'terms_approval_coordinator';
  END IF;
  IF NOT EXISTS (SELECT FROM reckoner.terms t WHERE t.provider = NEW.provider AND t.contract = NEW.contract
       AND t.version = NEW.version AND t.state = 'draft') THEN
    RAISE EXCEPTION 'only a draft is approved'
      USING ERRCODE = 'check_violation', TABLE = 'terms_approval', CONSTRAINT = 'terms_approval_of_draft';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_terms_approval() IS 'Trigger body: the commissioners'' approval is the coordinator''s, and only a draft is approved';
CREATE TRIGGER terms_approval_checked BEFORE INSERT ON terms_approval
  FOR EACH ROW EXECUTE FUNCTION check_terms_approval();
CREATE TRIGGER terms_approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON terms_approval
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_decision() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'what was decided or agreed stands' USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME,
    CONSTRAINT = TG_NAME;
END $$;
COMMENT ON FUNCTION keep_decision() IS 'Trigger body for what may no longer change';
CREATE TRIGGER window_exception_decided BEFORE UPDATE ON window_exception FOR EACH ROW
  WHEN (OLD.decision IS NOT NULL OR (NEW.provider, NEW.contract, NEW.month, NEW.n, NEW.reason, NEW.asked_side, NEW.asked_by,
        NEW.asked_at) IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.month, OLD.n, OLD.reason, OLD.asked_side,
        OLD.asked_by, OLD.asked_at))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER window_exception_kept BEFORE DELETE OR TRUNCATE ON window_exception
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER achievement_agreed BEFORE UPDATE ON achievement FOR EACH ROW
  WHEN (OLD.agreed_by IS NOT NULL OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.indicator, NEW.n, NEW.numerator,
        NEW.denominator, NEW.evidence, NEW.proposed_side, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.provider, OLD.contract, OLD.commissioner, OLD.indicator, OLD.n, OLD.numerator,
        OLD.denominator, OLD.evidence, OLD.proposed_side, OLD.proposed_by, OLD.proposed_at))
  EXECUTE FUNCTION keep_decision();
CREATE TRIGGER achievement_kept BEFORE DELETE OR TRUNCATE ON achievement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- -------------------------------------------------------------------------------------------------------- issuing documents

CREATE TABLE document_counter (
  provider text   PRIMARY KEY,
  last     bigint NOT NULL CHECK (last >= 0)
);
COMMENT ON TABLE document_counter IS 'Last document number of each provider; its row lock makes numbers gap-free';
COMMENT ON COLUMN document_counter.provider IS 'Provider (ODS)';
COMMENT ON COLUMN document_counter.last IS 'Number given last; a rolled back issue gives it back';

CREATE FUNCTION next_document_number(p_provider text) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given bigint;
BEGIN
  INSERT INTO reckoner.document_counter (provider, last) VALUES (p_provider, 0) ON CONFLICT (provider) DO NOTHING;
  UPDATE reckoner.document_counter SET last = last + 1 WHERE provider = p_provider RETURNING last INTO given;
  RETURN given;
END $$;
COMMENT ON FUNCTION next_document_number(text) IS 'Next number of a provider; its other issues wait until this transaction ends';

CREATE FUNCTION issue_document(p_provider text, p_document text, p_revision integer, p_at timestamptz)
  RETURNS TABLE (number bigint, revision integer)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d reckoner.document;
  checker text := reckoner.caller_person();
  given bigint;
BEGIN
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document;
  IF NOT FOUND OR p_provider IS DISTINCT FROM reckoner.acting_provider() OR checker IS NULL THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  END IF;
  -- The same lock as a run of the account takes: nothing is billed beside us. Then read again what may have changed.
  PERFORM pg_advisory_xact_lock(hashtextextended('account/' || d.provider || '/' || d.contract || '/' || d.commissioner, 0));
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document FOR UPDATE;
  IF p_revision IS NOT NULL AND d.revision <> p_revision THEN
    RAISE EXCEPTION 'precondition_failed' USING ERRCODE = 'P0001';
  ELSIF d.state <> 'proposed' THEN
    RAISE EXCEPTION 'not_proposed' USING ERRCODE = 'P0001';
  ELSIF d.proposed_by = checker THEN
    RAISE EXCEPTION 'same_person' USING ERRCODE = 'P0001';
  ELSIF d.billed_pence <> (SELECT coalesce(sum(x.balance_pence), 0) FROM reckoner.document x
                           WHERE x.provider = d.provider AND x.contract = d.contract AND x.commissioner = d.commissioner
                             AND x.state = 'issued') THEN
    RAISE EXCEPTION 'stale_draft' USING ERRCODE = 'P0001';
  END IF;
  given := reckoner.next_document_number(p_provider);
  UPDATE reckoner.document x SET state = 'issued', number = given, issued_by = checker, issued_at = p_at,
         revision = x.revision + 1
   WHERE x.provider = p_provider AND x.id = p_document;
  INSERT INTO reckoner.ledger_posting (provider, document, seq, ledger_account, pence, posted_at)
    VALUES (d.provider, d.id, 1, 'receivable', d.balance_pence, p_at), (d.provider, d.id, 2, 'income', -d.balance_pence, p_at);
  RETURN QUERY SELECT given, d.revision + 1;
END $$;
COMMENT ON FUNCTION issue_document(text, text, integer, timestamptz) IS
  'Issues a proposed document as the signed-in person at a product instant: gives its number and posts its ledger. Raises not_found, precondition_failed (another revision; null asks for none), not_proposed, same_person, stale_draft';

-- ------------------------------------------------------------------------------------------------------------------ policies

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['organisation', 'audit_appointment', 'person', 'audit_event', 'idempotency', 'job', 'contract',
    'account', 'terms', 'terms_approval', 'window_exception', 'achievement', 'submission', 'submission_chunk', 'episode',
    'confidential_block', 'finding', 'stake', 'severity', 'signed_record', 'receipt', 'position', 'run', 'run_input',
    'frozen_month', 'run_line', 'document', 'document_line', 'document_reference', 'ledger_posting', 'statement'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
  END LOOP;
END $$;

-- Organisations and people
CREATE POLICY organisation_read ON organisation FOR SELECT TO reckoner_web USING (true);
CREATE POLICY organisation_add ON organisation FOR INSERT TO reckoner_web WITH CHECK ((SELECT is_operator()));
CREATE POLICY organisation_change ON organisation FOR UPDATE TO reckoner_web USING ((SELECT is_operator()));
CREATE POLICY audit_appointment_read ON audit_appointment FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR auditor = (SELECT caller_organisation()) OR organisation = (SELECT caller_organisation()));
CREATE POLICY audit_appointment_add ON audit_appointment FOR INSERT TO reckoner_web WITH CHECK ((SELECT is_operator()));
CREATE POLICY person_read ON person FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR organisation = (SELECT caller_organisation()));
CREATE POLICY audit_event_add ON audit_event FOR INSERT TO reckoner_web
  WITH CHECK (person IS NOT DISTINCT FROM (SELECT caller_person())
              AND organisation IS NOT DISTINCT FROM (SELECT caller_organisation()));
CREATE POLICY idempotency_own ON idempotency FOR ALL TO reckoner_web
  USING (organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person()));

-- Jobs. The operator starts a failed one again; the others may lock what they may queue, but not change it.
CREATE POLICY job_read ON job FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || subject) = ANY ((SELECT contracts_of_commissioners())::text[])
         OR EXISTS (SELECT FROM run r WHERE r.provider = job.provider AND r.id = job.subject)
         OR EXISTS (SELECT FROM submission s WHERE s.provider = job.provider AND s.id = job.subject));
CREATE POLICY job_add ON job FOR INSERT TO reckoner_web
  WITH CHECK (provider = ANY ((SELECT acting_for_providers())::text[]) AND state = 'queued');
CREATE POLICY job_again ON job FOR UPDATE TO reckoner_web
  USING ((SELECT is_operator()) OR provider = ANY ((SELECT acting_for_providers())::text[]))
  WITH CHECK ((SELECT is_operator()) AND state = 'queued');

-- Contracts
CREATE POLICY contract_read ON contract FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR coordinator = ANY ((SELECT visible_commissioners())::text[])
         OR (provider || '/' || id) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY contract_add ON contract FOR INSERT TO reckoner_web
  WITH CHECK (created_by = (SELECT caller_person())
              AND (provider = (SELECT acting_provider()) OR coordinator = (SELECT acting_commissioner())));
CREATE POLICY account_read ON account FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY account_add ON account FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) OR coordinates(provider, contract));
CREATE POLICY terms_read ON terms FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY terms_add ON terms FOR INSERT TO reckoner_web
  WITH CHECK ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[])
              AND author = (SELECT caller_person()) AND state = 'draft');
CREATE POLICY terms_change ON terms FOR UPDATE TO reckoner_web
  USING ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[]));
CREATE POLICY terms_approval_read ON terms_approval FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY terms_approval_add ON terms_approval FOR INSERT TO reckoner_web
  WITH CHECK ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[])
              AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND side = (SELECT caller_role()));
CREATE POLICY window_exception_read ON window_exception FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY window_exception_ask ON window_exception FOR INSERT TO reckoner_web
  WITH CHECK ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[]) AND decision IS NULL
              AND asked_by = (SELECT caller_person()) AND asked_side = (SELECT caller_role()));
CREATE POLICY window_exception_decide ON window_exception FOR UPDATE TO reckoner_web
  USING ((provider || '/' || contract) = ANY ((SELECT acting_on_contracts())::text[]))
  WITH CHECK (decided_by = (SELECT caller_person()) AND decided_side = (SELECT caller_role()));
CREATE POLICY achievement_read ON achievement FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY achievement_propose ON achievement FOR INSERT TO reckoner_web
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
              AND agreed_by IS NULL AND proposed_by = (SELECT caller_person()) AND proposed_side = (SELECT caller_role()));
CREATE POLICY achievement_agree ON achievement FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
  WITH CHECK (agreed_by = (SELECT caller_person()) AND agreed_side = (SELECT caller_role()));

-- Activity. A commissioner reads the header of a submission that may hold its rows, and of the rows its own.
-- The acting_ functions are inlined; the arrays, which cost a call each, are then asked for by auditors alone.
CREATE POLICY submission_read ON submission FOR SELECT TO reckoner_web
  USING ((SELECT is_operator()) OR provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR (state <> 'receiving' AND provider = ANY ((SELECT providers_of_commissioners())::text[])));
CREATE POLICY submission_begin ON submission FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND uploaded_by = (SELECT caller_person()) AND state = 'receiving');
CREATE POLICY submission_go_on ON submission FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider())) WITH CHECK (state IN ('receiving', 'received'));
CREATE POLICY submission_abandon ON submission FOR DELETE TO reckoner_web
  USING (provider = (SELECT acting_provider()) AND state = 'receiving');
CREATE POLICY submission_chunk_add ON submission_chunk FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()));
CREATE POLICY episode_read ON episode FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY finding_read ON finding FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY severity_read ON severity FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY stake_read ON stake FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR EXISTS (SELECT FROM episode e WHERE e.provider = stake.provider AND e.submission = stake.submission
                    AND e.row_no = stake.row_no));

-- Settlement
CREATE POLICY run_read ON run FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY run_ask ON run FOR INSERT TO reckoner_web
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
              AND state = 'queued' AND requested_by = (SELECT caller_person()));
CREATE POLICY run_ask_again ON run FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR commissioner = (SELECT acting_commissioner()))
  WITH CHECK (state = 'queued' AND requested_by = (SELECT caller_person()));
CREATE POLICY run_input_read ON run_input FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM run r WHERE r.provider = run_input.provider AND r.id = run_input.run));
CREATE POLICY run_line_read ON run_line FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM run r WHERE r.provider = run_line.provider AND r.id = run_line.run));
CREATE POLICY position_read ON position FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR EXISTS (SELECT FROM run r WHERE r.provider = position.provider
                    AND (r.position_sha256 = position.sha256 OR r.billing_sha256 = position.sha256)));
CREATE POLICY frozen_month_read ON frozen_month FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR (provider || '/' || contract) = ANY ((SELECT contracts_of_commissioners())::text[]));
CREATE POLICY document_read ON document FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY document_propose ON document FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()))
  WITH CHECK (state = 'proposed' AND proposed_by = (SELECT caller_person()));
CREATE POLICY document_line_read ON document_line FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM document d WHERE d.provider = document_line.provider AND d.id = document_line.document));
CREATE POLICY document_reference_read ON document_reference FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM document d WHERE d.provider = document_reference.provider AND d.id = document_reference.document));
CREATE POLICY ledger_posting_read ON ledger_posting FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM document d WHERE d.provider = ledger_posting.provider AND d.id = ledger_posting.document));
CREATE POLICY statement_read ON statement FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY receipt_read ON receipt FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR provider = ANY ((SELECT providers_of_commissioners())::text[]));
CREATE POLICY signed_record_read ON signed_record FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR EXISTS (SELECT FROM statement s WHERE s.provider = signed_record.provider AND s.record = signed_record.id)
         OR EXISTS (SELECT FROM receipt r WHERE r.provider = signed_record.provider AND r.record = signed_record.id));

-- ------------------------------------------------------------------------------------------------------------------- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA reckoner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate(bytea, timestamptz), caller_person(), caller_organisation(), caller_role(),
  acting_provider(), acting_commissioner(), is_operator(), visible_providers(), visible_commissioners(),
  contracts_of_commissioners(), providers_of_commissioners(), acting_for_providers(), acting_on_contracts(),
  coordinates(text, text), issue_document(text, text, integer, timestamptz) TO reckoner_web;

-- Columns of a submission without the sealed key, which the web process writes and cannot read back.
DO $$
DECLARE
  readable text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                    WHERE attrelid = 'reckoner.submission'::regclass AND attnum > 0 AND NOT attisdropped
                      AND attname <> 'sealed_key');
BEGIN
  EXECUTE format('GRANT SELECT (%s) ON reckoner.submission TO reckoner_web, reckoner_auditor', readable);
END $$;

GRANT SELECT ON schema_migration, rule, signing_key, reference_set, worker_heartbeat, organisation, audit_appointment, person,
  job, contract, account, terms, terms_approval, window_exception, achievement, episode, finding, stake, severity,
  signed_record, receipt, position, run, run_input, frozen_month, run_line, document, document_line, document_reference,
  ledger_posting, statement TO reckoner_web, reckoner_auditor;
GRANT SELECT ON audit_event, document_counter TO reckoner_auditor;

GRANT INSERT ON organisation, audit_appointment, audit_event, contract, account, terms, terms_approval, submission,
  submission_chunk TO reckoner_web;
GRANT UPDATE (name, live_from, live_to, successor, revision) ON organisation TO reckoner_web;
GRANT SELECT, INSERT, DELETE, UPDATE (status, location, etag, body) ON idempotency TO reckoner_web;
GRANT INSERT (provider, id, kind, subject), UPDATE (state, run_after, lease, lease_until, attempts, problem, finished_at)
  ON job TO reckoner_web;
GRANT UPDATE (effective_from, digest, body, author, state, known_from, revision) ON terms TO reckoner_web;
GRANT INSERT (provider, contract, month, n, reason, asked_side, asked_by, asked_at),
  UPDATE (decision, decided_side, decided_by, decided_at, closes_at) ON window_exception TO reckoner_web;
GRANT INSERT (provider, contract, commissioner, indicator, n, numerator, denominator, evidence, proposed_side, proposed_by,
  proposed_at), UPDATE (agreed_side, agreed_by, agreed_at) ON achievement TO reckoner_web;
GRANT USAGE ON SEQUENCE submission_no TO reckoner_web;
GRANT UPDATE (state, chunks, receiving_until, completed_at, bytes, sha256, version, confirmed_by, confirmed_at, validated_at),
  DELETE ON submission TO reckoner_web;
GRANT INSERT (provider, id, contract, commissioner, month, type, n, state, cause, requested_by, requested_at, known_at),
  UPDATE (state, cause, requested_by, requested_at, known_at, reason, finished_at) ON run TO reckoner_web;
GRANT UPDATE (state, proposed_by, proposed_at, revision) ON document TO reckoner_web;

GRANT SELECT ON ALL TABLES IN SCHEMA reckoner TO reckoner_worker;
REVOKE ALL ON token, idempotency FROM reckoner_worker;
GRANT SELECT (created_at), DELETE ON idempotency TO reckoner_worker;
GRANT INSERT ON audit_event, signing_key, signed_record, receipt, position, run, run_input, frozen_month, run_line, document,
  document_line, document_reference, statement TO reckoner_worker;
GRANT INSERT, UPDATE ON job TO reckoner_worker;
GRANT INSERT, UPDATE, DELETE ON worker_heartbeat TO reckoner_worker;
GRANT UPDATE (state, validated_at, rows, payable_rows, rule_set, reference, evaluation), DELETE ON submission
  TO reckoner_worker;
GRANT INSERT, DELETE ON episode, confidential_block, finding, stake, severity TO reckoner_worker;
GRANT UPDATE (state, cause, requested_by, requested_at, finished_at, reason, engine, position_sha256, position_pence,
  billing_sha256, billable_pence, billed_pence, balance_pence, known_at) ON run TO reckoner_worker;
GRANT UPDATE (state, revision) ON document TO reckoner_worker;
