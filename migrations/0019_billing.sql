-- Billing on account, closed commissioners, why a run is parked, bridges of runs that raise themselves.
SET LOCAL search_path = reckoner, pg_catalog;

-- --------------------------------------------------------------------------------------------------- closed commissioners

ALTER TABLE organisation ADD CONSTRAINT organisation_successor_of_closed CHECK (successor IS NULL OR live_to IS NOT NULL),
  ADD COLUMN successor_kind text GENERATED ALWAYS AS (CASE WHEN successor IS NOT NULL THEN kind END) STORED,
  ADD CONSTRAINT organisation_successor_kind FOREIGN KEY (successor, successor_kind) REFERENCES organisation (code, kind);
COMMENT ON COLUMN organisation.live_to IS 'First day the code is no longer live, recorded by the operator when it closes; null while it is';
COMMENT ON COLUMN organisation.successor IS 'Code that takes over its accounts from live_to on: reads and acts on them, and gets their documents';
COMMENT ON COLUMN organisation.successor_kind IS 'Same as kind when there is a successor; ties it to an organisation of that kind';
CREATE INDEX organisation_successor ON organisation (successor) WHERE successor IS NOT NULL;

CREATE FUNCTION stands_for(p_code text, p_on date) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE line AS (
    SELECT o.code, o.successor, coalesce(o.live_to <= p_on, false) AS closed, 1 AS step
      FROM reckoner.organisation o WHERE o.code = p_code
    UNION ALL
    SELECT o.code, o.successor, coalesce(o.live_to <= p_on, false), l.step + 1
      FROM line l JOIN reckoner.organisation o ON o.code = l.successor WHERE l.closed AND l.step < 20)
  SELECT code FROM line WHERE NOT closed
$$;
COMMENT ON FUNCTION stands_for(text, date) IS
  'Who stands for an organisation on a day: itself while it is live, then the first live one along its recorded successors; null when there is none';

CREATE FUNCTION with_predecessors(p_codes text[]) RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Few have predecessors: the walk is made for those alone.
  IF NOT EXISTS (SELECT FROM reckoner.organisation o WHERE o.successor = ANY (p_codes) AND o.live_to <= current_date) THEN
    RETURN p_codes;
  END IF;
  RETURN ARRAY(
    WITH RECURSIVE line AS (
      SELECT unnest(p_codes) AS code
      UNION
      SELECT o.code FROM line l JOIN reckoner.organisation o ON o.successor = l.code
       WHERE o.kind = 'commissioner' AND o.live_to <= current_date)
    SELECT code FROM line);
END $$;
COMMENT ON FUNCTION with_predecessors(text[]) IS
  'Commissioners, and the closed ones whose recorded successors they are; by the day of the machine, as rights follow real time';

CREATE OR REPLACE FUNCTION visible_commissioners() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'commissioner' THEN
    RETURN reckoner.with_predecessors(ARRAY[reckoner.caller_organisation()]);
  ELSIF reckoner.caller_role() = 'auditor' THEN
    RETURN reckoner.with_predecessors(ARRAY(
      SELECT a.organisation FROM reckoner.audit_appointment a
        JOIN reckoner.organisation o ON o.code = a.organisation AND o.kind = 'commissioner'
       WHERE a.auditor = reckoner.caller_organisation()));
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION visible_commissioners() IS
  'Commissioners whose accounts and rows the caller may read: itself, or those that appointed the auditor, and the closed ones that they succeed';

CREATE FUNCTION acting_commissioners() RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.caller_role() = 'commissioner' THEN
    RETURN reckoner.with_predecessors(ARRAY[reckoner.caller_organisation()]);
  END IF;
  RETURN ARRAY[]::text[];
END $$;
COMMENT ON FUNCTION acting_commissioners() IS
  'The caller''s organisation when it acts as a commissioner, and the closed ones that it succeeds; else none';

CREATE OR REPLACE FUNCTION coordinates(p_provider text, p_contract text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract
                 AND c.coordinator = ANY (reckoner.acting_commissioners()))
$$;
COMMENT ON FUNCTION coordinates(text, text) IS 'Whether the caller is the coordinating commissioner of a contract, or its successor';

ALTER POLICY achievement_propose ON achievement
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]))
              AND agreed_by IS NULL AND proposed_by = (SELECT caller_person()) AND proposed_side = (SELECT caller_role()));
ALTER POLICY achievement_agree ON achievement
  USING (provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]));
ALTER POLICY run_ask ON run
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]))
              AND state = 'queued' AND requested_by = (SELECT caller_person()));
ALTER POLICY run_ask_again ON run
  USING (provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]));

CREATE OR REPLACE FUNCTION check_terms_approval() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.side = 'commissioner' AND NOT EXISTS (SELECT FROM reckoner.contract c WHERE c.provider = NEW.provider
       AND c.id = NEW.contract AND c.coordinator = ANY (reckoner.with_predecessors(ARRAY[NEW.organisation]))) THEN
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
COMMENT ON FUNCTION check_terms_approval() IS
  'Trigger body: the commissioners'' approval is the coordinator''s, or its successor''s, and only a draft is approved';
COMMENT ON COLUMN terms_approval.organisation IS 'Organisation of the approver: the provider, or the coordinating commissioner or its successor';

-- Whoever stands for a closed commissioner proposes and agrees in its place.
ALTER TABLE agreement DROP CONSTRAINT agreement_proposer, DROP CONSTRAINT agreement_closer;
CREATE FUNCTION check_agreement_parties() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT (CASE NEW.proposed_side WHEN 'provider' THEN NEW.proposed_for = NEW.provider
          ELSE NEW.commissioner = ANY (reckoner.with_predecessors(ARRAY[NEW.proposed_for])) END) THEN
    RAISE EXCEPTION 'a party of the account proposes'
      USING ERRCODE = 'check_violation', TABLE = 'agreement', CONSTRAINT = 'agreement_proposer';
  ELSIF NEW.closed_side IS NOT NULL AND NOT (CASE NEW.closed_side WHEN 'provider' THEN NEW.closed_for = NEW.provider
          ELSE NEW.commissioner = ANY (reckoner.with_predecessors(ARRAY[NEW.closed_for])) END) THEN
    RAISE EXCEPTION 'a party of the account agrees, refuses or withdraws'
      USING ERRCODE = 'check_violation', TABLE = 'agreement', CONSTRAINT = 'agreement_closer';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION check_agreement_parties() IS
  'Trigger body: who proposes or closes an agreement is the provider, the commissioner, or the successor of a closed one';
CREATE TRIGGER agreement_parties BEFORE INSERT OR UPDATE ON agreement
  FOR EACH ROW EXECUTE FUNCTION check_agreement_parties();
ALTER POLICY agreement_propose ON agreement
  WITH CHECK ((provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]))
              AND outcome IS NULL AND proposed_by = (SELECT caller_person()) AND proposed_side = (SELECT caller_role()));
ALTER POLICY agreement_close ON agreement
  USING (provider = (SELECT acting_provider()) OR commissioner = ANY ((SELECT acting_commissioners())::text[]));
COMMENT ON COLUMN agreement.proposed_for IS 'Its organisation, or the one that stands for it once it is closed';
COMMENT ON COLUMN agreement.closed_for IS 'Its organisation, or the one that stands for it once it is closed';

REVOKE ALL ON FUNCTION check_agreement_parties(), stands_for(text, date), with_predecessors(text[]),
  acting_commissioners() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stands_for(text, date), acting_commissioners() TO reckoner_web;
GRANT EXECUTE ON FUNCTION stands_for(text, date) TO reckoner_worker;

-- ------------------------------------------------------------------------------------------------------------------- runs

ALTER TABLE run ADD COLUMN hold text CHECK (hold IN ('no_terms', 'no_activity', 'reference_data', 'no_successor', 'sanity_bound',
    'open_challenge', 'other', 'fault')),
  ADD COLUMN hold_month date CHECK (extract(day FROM hold_month) = 1),
  ADD COLUMN on_account_pence bigint,
  ADD COLUMN opening_pence bigint;
ALTER TABLE run DISABLE TRIGGER run_immutable;
UPDATE run SET opening_pence = CASE WHEN billing_sha256 IS NOT NULL THEN 0 END,
       hold = CASE state WHEN 'parked' THEN 'other' WHEN 'failed' THEN 'fault' END
 WHERE billing_sha256 IS NOT NULL OR state IN ('parked', 'failed');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE run ENABLE TRIGGER run_immutable;
ALTER TABLE run ADD CONSTRAINT run_hold_of_stopped CHECK ((hold IS NOT NULL) = (state IN ('parked', 'failed'))
    AND (hold_month IS NULL OR hold IS NOT NULL)),
  ADD CONSTRAINT run_set_off_of_bill CHECK ((opening_pence IS NULL) = (billing_sha256 IS NULL)
    AND (on_account_pence IS NULL OR billing_sha256 IS NOT NULL)),
  ADD CONSTRAINT run_final_in_march CHECK (type <> 'FINAL' OR (extract(month FROM month) = 3 AND n = 1));
COMMENT ON COLUMN run.type IS 'PREVIEW (never issued), FLEX, FREEZE, R (re-settlement, numbered by n), FINAL (closes the year), DISPUTE (what changes after it, numbered by n)';
COMMENT ON COLUMN run.hold IS 'What a parked or failed run waits for, as a code: its ways out follow from it';
COMMENT ON COLUMN run.hold_month IS 'First month that it wants something for; null where no month is concerned';
COMMENT ON COLUMN run.billed_pence IS 'Billed before: documents of settlement issued, opening entries, and the instalments to the end of the billed month';
COMMENT ON COLUMN run.on_account_pence IS 'Of billed_pence: what the instalments come to by the end of the billed month; null when billing is actual';
COMMENT ON COLUMN run.opening_pence IS 'Of billed_pence: opening entries; on account they count as instalments and this is 0';

CREATE TABLE run_bridge (
  provider    text   NOT NULL,
  run         text   NOT NULL,
  month       date   NOT NULL CHECK (extract(day FROM month) = 1),
  from_sha256 bytea  NOT NULL,
  to_sha256   bytea  NOT NULL,
  from_pence  bigint NOT NULL,
  to_pence    bigint NOT NULL,
  body        text,
  PRIMARY KEY (provider, run, month),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id),
  FOREIGN KEY (provider, from_sha256) REFERENCES position (provider, sha256),
  FOREIGN KEY (provider, to_sha256) REFERENCES position (provider, sha256)
);
COMMENT ON TABLE run_bridge IS 'A run that raised itself: each settled month whose position it changed, from what was found last to what it found';
COMMENT ON COLUMN run_bridge.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_bridge.run IS 'R or DISPUTE run';
COMMENT ON COLUMN run_bridge.month IS 'First day of the month';
COMMENT ON COLUMN run_bridge.from_sha256 IS 'Position document of the month that was found last before';
COMMENT ON COLUMN run_bridge.to_sha256 IS 'Position document of the month that the run found';
COMMENT ON COLUMN run_bridge.from_pence IS 'Total of the former';
COMMENT ON COLUMN run_bridge.to_pence IS 'Total of the latter';
COMMENT ON COLUMN run_bridge.body IS 'The bridge with its lines, canonical JSON (api/formats/bridge.md); null: causes not told apart';

CREATE TABLE run_bridge_step (
  provider text     NOT NULL,
  run      text     NOT NULL,
  month    date     NOT NULL,
  step     smallint NOT NULL CHECK (step > 0),
  cause    text     NOT NULL CHECK (cause ~ '^[a-z_]{2,40}$'),
  pence    bigint   NOT NULL,
  PRIMARY KEY (provider, run, month, step),
  UNIQUE (provider, run, month, cause),
  FOREIGN KEY (provider, run, month) REFERENCES run_bridge (provider, run, month)
);
COMMENT ON TABLE run_bridge_step IS 'The causes of a bridge in the order in which they are taken; their sum is to - from';
COMMENT ON COLUMN run_bridge_step.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_bridge_step.run IS 'Run';
COMMENT ON COLUMN run_bridge_step.month IS 'Month of the bridge';
COMMENT ON COLUMN run_bridge_step.step IS 'Order, from 1; causes that changed nothing are left out';
COMMENT ON COLUMN run_bridge_step.cause IS 'What changed';
COMMENT ON COLUMN run_bridge_step.pence IS 'Difference that it makes';

CREATE OR REPLACE FUNCTION check_run() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fault text;
BEGIN
  IF NEW.position_pence <> (SELECT coalesce(sum(l.pence), 0) FROM reckoner.run_line l
                            WHERE l.provider = NEW.provider AND l.run = NEW.id) THEN
    fault := 'run_lines_add_up';
  ELSIF EXISTS (SELECT FROM reckoner.run_bridge b WHERE b.provider = NEW.provider AND b.run = NEW.id
                AND b.to_pence - b.from_pence <> (SELECT coalesce(sum(s.pence), 0) FROM reckoner.run_bridge_step s
                  WHERE s.provider = b.provider AND s.run = b.run AND s.month = b.month)) THEN
    fault := 'run_bridge_adds_up';
  ELSIF EXISTS (SELECT FROM reckoner.run_bridge b WHERE b.provider = NEW.provider AND b.run = NEW.id
                AND b.month = NEW.month
                AND (b.to_pence <> NEW.position_pence OR b.to_sha256 <> NEW.position_sha256)) THEN
    fault := 'run_bridge_ends_at_position';
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'the lines of a run do not add up to its position, or its bridges not to their difference'
      USING ERRCODE = 'check_violation', TABLE = 'run', CONSTRAINT = fault;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_run() IS
  'Trigger body: the plain sum of a done run''s lines is its position; the causes of each of its bridges add up to the difference, and that of its own month ends at its position';

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['run_bridge', 'run_bridge_step'] LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON reckoner.%I REFERENCING NEW TABLE AS new_rows'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION reckoner.keep_run_part()', t || '_of_open_run', t);
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON reckoner.%I'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION reckoner.refuse_change()', t || '_append_only', t);
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (EXISTS (SELECT FROM reckoner.run r'
                   ' WHERE r.provider = %I.provider AND r.id = %I.run))', t || '_read', t, t, t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
    EXECUTE format('GRANT INSERT ON reckoner.%I TO reckoner_worker', t);
  END LOOP;
END $$;
GRANT UPDATE (hold, hold_month) ON run TO reckoner_web;
GRANT UPDATE (hold, hold_month, on_account_pence, opening_pence) ON run TO reckoner_worker;

-- -------------------------------------------------------------------------------------------------------------- documents

ALTER TABLE document ALTER COLUMN run DROP NOT NULL,
  ADD COLUMN bill_to text REFERENCES organisation (code),
  ADD COLUMN on_account_pence bigint,
  ADD COLUMN opening_pence bigint NOT NULL DEFAULT 0,
  ADD COLUMN instalment smallint CHECK (instalment BETWEEN 1 AND 12),
  ADD COLUMN eacv_pence bigint CHECK (eacv_pence >= 0),
  ADD COLUMN terms_version integer,
  ADD FOREIGN KEY (provider, contract, terms_version) REFERENCES terms (provider, contract, version),
  ADD CONSTRAINT document_run_or_instalment CHECK ((run IS NULL) = (instalment IS NOT NULL)
    AND (instalment IS NULL) = (eacv_pence IS NULL) AND (instalment IS NULL) = (terms_version IS NULL)),
  ADD CONSTRAINT document_instalment_cumulative CHECK (instalment IS NULL OR (on_account_pence IS NULL AND balance_pence <> 0
    AND position_pence = div(2 * eacv_pence::numeric * instalment + 12, 24)));
ALTER TABLE document DISABLE TRIGGER document_immutable;
UPDATE document SET bill_to = commissioner;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE document ENABLE TRIGGER document_immutable;
ALTER TABLE document ALTER COLUMN bill_to SET NOT NULL;
DROP INDEX document_one_open_draft;
CREATE UNIQUE INDEX document_one_open_draft ON document (provider, contract, commissioner)
  WHERE state IN ('draft', 'proposed') AND instalment IS NULL;
CREATE UNIQUE INDEX document_one_open_instalment ON document (provider, contract, commissioner, instalment)
  WHERE state IN ('draft', 'proposed') AND instalment IS NOT NULL;
COMMENT ON TABLE document IS 'Invoices, credit notes and nil statements of settlement, and instalments on account; drafts have no number';
COMMENT ON COLUMN document.commissioner IS 'Account';
COMMENT ON COLUMN document.bill_to IS 'Who is billed or credited: the commissioner, or who stands for it once it is closed; as at issue';
COMMENT ON COLUMN document.run IS 'Run that drafted it; null for an instalment';
COMMENT ON COLUMN document.position_pence IS 'Billable position; of an instalment, what the instalments come to with it';
COMMENT ON COLUMN document.billed_pence IS 'Billed before, as written on the draft; issue is refused when it no longer holds. Of an instalment: instalments before and opening entries';
COMMENT ON COLUMN document.on_account_pence IS 'Of billed_pence: what the instalments come to by the end of the billed month; null when billing is actual';
COMMENT ON COLUMN document.opening_pence IS 'Of billed_pence: opening entries; they count once, as instalments when billing is on account';
COMMENT ON COLUMN document.instalment IS 'k of twelve, 1 = April; null for a document of settlement';
COMMENT ON COLUMN document.eacv_pence IS 'Expected annual contract value that the instalment is a share of';
COMMENT ON COLUMN document.terms_version IS 'Version of the terms that says so';

CREATE OR REPLACE FUNCTION check_document() RETURNS trigger
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
  ELSIF d.billed_pence - d.opening_pence - coalesce(d.on_account_pence, 0)
        <> (SELECT coalesce(sum(x.balance_pence), 0) FROM reckoner.document x
            WHERE x.provider = d.provider AND x.contract = d.contract AND x.commissioner = d.commissioner
              AND x.state = 'issued' AND x.number < d.number
              AND (x.instalment IS NULL) = (d.instalment IS NULL)) THEN
    fault := 'document_billed_before';
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'a document does not agree with its lines, its ledger or the documents before it'
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = fault;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_document() IS
  'Trigger body: lines add up to the balance; an issued document''s ledger sums to 0 with the balance receivable, its number follows the one before, and its billed-before is what was issued before: documents of settlement and instalments each for themselves';

CREATE OR REPLACE FUNCTION keep_document() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state IN ('issued', 'superseded')
     OR (NEW.provider, NEW.id, NEW.contract, NEW.commissioner, NEW.run, NEW.kind, NEW.position_pence, NEW.billed_pence,
         NEW.balance_pence, NEW.drafted_at, NEW.on_account_pence, NEW.opening_pence, NEW.instalment, NEW.eacv_pence,
         NEW.terms_version)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.contract, OLD.commissioner, OLD.run, OLD.kind, OLD.position_pence,
         OLD.billed_pence, OLD.balance_pence, OLD.drafted_at, OLD.on_account_pence, OLD.opening_pence, OLD.instalment,
         OLD.eacv_pence, OLD.terms_version)
     OR (NEW.bill_to <> OLD.bill_to AND NEW.state <> 'issued')
     OR (OLD.state = 'draft' AND NEW.state = 'issued') THEN
    RAISE EXCEPTION 'a document keeps its amounts; it is proposed, then issued, and then does not change'
      USING ERRCODE = 'restrict_violation', TABLE = 'document', CONSTRAINT = 'document_immutable';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_document() IS
  'Trigger body: amounts never change, who is billed only at issue, a document is proposed before it is issued, and issued or superseded ones are immutable, also for the owner';

CREATE OR REPLACE FUNCTION issue_document(p_provider text, p_document text, p_revision integer, p_at timestamptz)
  RETURNS TABLE (number bigint, revision integer)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d reckoner.document;
  checker text := reckoner.caller_person();
  recipient text;
  given bigint;
BEGIN
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document;
  IF NOT FOUND OR p_provider IS DISTINCT FROM reckoner.acting_provider() OR checker IS NULL THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  END IF;
  -- The same lock as a run of the account takes: nothing is billed beside us. Then read again what may have changed.
  PERFORM pg_advisory_xact_lock(hashtextextended('account/' || d.provider || '/' || d.contract || '/' || d.commissioner, 0));
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document FOR UPDATE;
  recipient := reckoner.stands_for(d.commissioner, (p_at AT TIME ZONE 'Europe/London')::date);
  IF p_revision IS NOT NULL AND d.revision <> p_revision THEN
    RAISE EXCEPTION 'precondition_failed' USING ERRCODE = 'P0001';
  ELSIF d.state <> 'proposed' THEN
    RAISE EXCEPTION 'not_proposed' USING ERRCODE = 'P0001';
  ELSIF d.proposed_by = checker THEN
    RAISE EXCEPTION 'same_person' USING ERRCODE = 'P0001';
  ELSIF recipient IS NULL THEN
    RAISE EXCEPTION 'no_successor' USING ERRCODE = 'P0001';
  ELSIF d.billed_pence - d.opening_pence - coalesce(d.on_account_pence, 0)
        <> (SELECT coalesce(sum(x.balance_pence), 0) FROM reckoner.document x
            WHERE x.provider = d.provider AND x.contract = d.contract AND x.commissioner = d.commissioner
              AND x.state = 'issued' AND (x.instalment IS NULL) = (d.instalment IS NULL))
     OR (d.opening_pence <> CASE WHEN d.on_account_pence IS NOT NULL OR d.eacv_pence = 0 THEN 0
                            ELSE reckoner.opening_entries_sum(d.provider, d.contract, d.commissioner) END) THEN
    RAISE EXCEPTION 'stale_draft' USING ERRCODE = 'P0001';
  END IF;
  given := reckoner.next_document_number(p_provider);
  UPDATE reckoner.document x SET state = 'issued', number = given, issued_by = checker, issued_at = p_at,
         bill_to = recipient, revision = x.revision + 1
   WHERE x.provider = p_provider AND x.id = p_document;
  INSERT INTO reckoner.ledger_posting (provider, document, seq, ledger_account, pence, posted_at)
    VALUES (d.provider, d.id, 1, 'receivable', d.balance_pence, p_at), (d.provider, d.id, 2, 'income', -d.balance_pence, p_at);
  RETURN QUERY SELECT given, d.revision + 1;
END $$;
COMMENT ON FUNCTION issue_document(text, text, integer, timestamptz) IS
  'Issues a proposed document as the signed-in person at a product instant: gives its number, names who stands for the commissioner that day and posts its ledger. Raises not_found, precondition_failed (another revision; null asks for none), not_proposed, same_person, no_successor (closed, and none recorded), stale_draft';

DO $$
DECLARE
  kinds text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                 WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check');
BEGIN
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''instalment''::text, ');
END $$;

CREATE OR REPLACE FUNCTION log_document() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('document', NEW.provider, NEW.commissioner, NEW.id, format(
    '"at":"%s","balance_pence":%s,"commissioner":"%s","document":"%s","document_kind":"%s",%s"kind":"document","number":%s,'
    '"provider":"%s"%s', reckoner.log_instant(NEW.issued_at), NEW.balance_pence, NEW.commissioner, NEW.id, NEW.kind,
    CASE WHEN NEW.instalment IS NULL THEN '' ELSE format('"instalment":%s,', NEW.instalment) END, NEW.number, NEW.provider,
    CASE WHEN NEW.run IS NULL THEN '' ELSE format(',"run":"%s"', NEW.run) END));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_document() IS 'Trigger body: documents go into the log when they are issued, with the run or the instalment that they are';
