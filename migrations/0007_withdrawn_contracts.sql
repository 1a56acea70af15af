-- A contract made by mistake is withdrawn while nothing rests on it: otherwise it would keep the year of its commissioners'
-- accounts for ever, also that of a commissioner that never consented.
SET LOCAL search_path = reckoner, pg_catalog;

-- What goes with its contract. Everything else that refers to a contract or an account (runs, documents, exceptions,
-- achievements, frozen months) keeps a plain foreign key, and so holds the contract.
DO $$
DECLARE
  k record;
BEGIN
  FOR k IN SELECT c.conname, c.conrelid::regclass AS child, pg_get_constraintdef(c.oid) AS definition
             FROM pg_constraint c
            WHERE c.contype = 'f'
              AND (c.conrelid, c.confrelid) IN (('reckoner.account'::regclass, 'reckoner.contract'::regclass),
                                                ('reckoner.terms'::regclass, 'reckoner.contract'::regclass),
                                                ('reckoner.terms_approval'::regclass, 'reckoner.terms'::regclass)) LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s ON DELETE CASCADE',
                   k.child, k.conname, k.conname, k.definition);
  END LOOP;
END $$;

CREATE FUNCTION contract_hold(p_provider text, p_contract text) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM reckoner.terms t WHERE t.provider = p_provider AND t.contract = p_contract
             AND t.state = 'approved')
     OR EXISTS (SELECT FROM reckoner.terms_approval a WHERE a.provider = p_provider AND a.contract = p_contract
                GROUP BY a.version HAVING count(*) > 1) THEN
    RETURN 'approved_terms';
  ELSIF EXISTS (SELECT FROM reckoner.document d WHERE d.provider = p_provider AND d.contract = p_contract) THEN
    RETURN 'document';
  ELSIF EXISTS (SELECT FROM reckoner.run r WHERE r.provider = p_provider AND r.contract = p_contract) THEN
    RETURN 'run';
  ELSIF EXISTS (SELECT FROM reckoner.frozen_month f WHERE f.provider = p_provider AND f.contract = p_contract) THEN
    RETURN 'frozen_month';
  ELSIF EXISTS (SELECT FROM reckoner.window_exception e WHERE e.provider = p_provider AND e.contract = p_contract) THEN
    RETURN 'exception';
  ELSIF EXISTS (SELECT FROM reckoner.achievement a WHERE a.provider = p_provider AND a.contract = p_contract) THEN
    RETURN 'achievement';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION contract_hold(text, text) IS
  'What rests on a contract, so that it stays: approved_terms (by both parties), document, run, frozen_month, exception or achievement; null when nothing does';

CREATE FUNCTION keep_contract() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF reckoner.contract_hold(OLD.provider, OLD.id) IS NOT NULL THEN
    RAISE EXCEPTION 'a contract that something rests on stays'
      USING ERRCODE = 'restrict_violation', TABLE = 'contract', CONSTRAINT = 'contract_kept';
  END IF;
  RETURN OLD;
END $$;
COMMENT ON FUNCTION keep_contract() IS 'Trigger body: a contract goes only while nothing rests on it, also for the owner';
CREATE TRIGGER contract_kept BEFORE DELETE ON contract FOR EACH ROW EXECUTE FUNCTION keep_contract();

CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sides integer := (SELECT count(*) FROM reckoner.terms_approval a
                    WHERE a.provider = OLD.provider AND a.contract = OLD.contract AND a.version = OLD.version);
BEGIN
  -- Terms go only with a contract that is withdrawn: then its row is gone already.
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM reckoner.contract c
                                      WHERE c.provider = OLD.provider AND c.id = OLD.contract) THEN
    RETURN OLD;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.state <> 'draft' OR (NEW.state = 'approved' AND sides < 2)
     OR (sides > 0 AND (NEW.mode, NEW.effective_from, NEW.digest, NEW.body, NEW.author)
                       IS DISTINCT FROM (OLD.mode, OLD.effective_from, OLD.digest, OLD.body, OLD.author)) THEN
    RAISE EXCEPTION 'terms hold still once a party has approved, and are approved by both parties'
      USING ERRCODE = 'restrict_violation', TABLE = 'terms', CONSTRAINT = 'terms_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_terms() IS 'Trigger body: a version changes only as a draft that nobody has approved, becomes approved by one approval of each party, and goes only with its withdrawn contract';

CREATE FUNCTION keep_terms_approval() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM reckoner.contract c WHERE c.provider = OLD.provider AND c.id = OLD.contract) THEN
    RAISE EXCEPTION 'terms_approval is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
COMMENT ON FUNCTION keep_terms_approval() IS 'Trigger body: an approval goes only with a withdrawn contract, whose audit event keeps it';
DROP TRIGGER terms_approval_append_only ON terms_approval;
CREATE TRIGGER terms_approval_append_only BEFORE UPDATE OR TRUNCATE ON terms_approval
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER terms_approval_kept BEFORE DELETE ON terms_approval
  FOR EACH ROW EXECUTE FUNCTION keep_terms_approval();

CREATE FUNCTION contract_record(p_provider text, p_contract text) RETURNS jsonb
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('financial_year', c.financial_year, 'mode', c.mode, 'coordinator', c.coordinator,
    'created_by', c.created_by,
    'commissioners', (SELECT jsonb_agg(a.commissioner ORDER BY a.commissioner) FROM reckoner.account a
                      WHERE a.provider = c.provider AND a.contract = c.id),
    'terms', (SELECT coalesce(jsonb_agg(jsonb_build_object('version', t.version, 'state', t.state,
                'digest', encode(t.digest, 'hex'), 'author', t.author,
                'approvals', (SELECT coalesce(jsonb_agg(jsonb_build_object('side', p.side, 'organisation', p.organisation,
                                'person', p.person, 'approved_at', p.approved_at) ORDER BY p.side), '[]')
                              FROM reckoner.terms_approval p WHERE p.provider = t.provider AND p.contract = t.contract
                              AND p.version = t.version)) ORDER BY t.version), '[]')
              FROM reckoner.terms t WHERE t.provider = c.provider AND t.contract = c.id))
  FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract
$$;
COMMENT ON FUNCTION contract_record(text, text) IS
  'What the audit trail keeps of a withdrawn contract: its parties, and of each version digest, author and who approved it when';

CREATE FUNCTION withdraw_contract(p_provider text, p_contract text, p_at timestamptz, p_request text) RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  hold text;
BEGIN
  IF reckoner.caller_person() IS NULL
     OR (p_provider || '/' || p_contract) <> ALL (reckoner.acting_on_contracts()) THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  END IF;
  -- The lock of those who draft; then the rows that a run, an approval, an exception or an achievement must share. What
  -- they add is either there when we look, or refused for want of its contract.
  PERFORM pg_advisory_xact_lock(hashtextextended('contract/' || p_provider || '/' || p_contract, 0));
  PERFORM FROM reckoner.terms t WHERE t.provider = p_provider AND t.contract = p_contract ORDER BY t.version FOR UPDATE;
  PERFORM FROM reckoner.account a WHERE a.provider = p_provider AND a.contract = p_contract
    ORDER BY a.commissioner FOR UPDATE;
  PERFORM FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  END IF;
  hold := reckoner.contract_hold(p_provider, p_contract);
  IF hold IS NOT NULL THEN
    RAISE EXCEPTION 'conflict' USING ERRCODE = 'P0001', CONSTRAINT = hold;
  END IF;
  INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id)
    VALUES (p_provider, p_at, reckoner.caller_person(), reckoner.caller_organisation(), 'contract.withdraw',
            'contract/' || p_contract, reckoner.contract_record(p_provider, p_contract), p_request);
  DELETE FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract;
END $$;
COMMENT ON FUNCTION withdraw_contract(text, text, timestamptz, text) IS
  'Removes a contract with its accounts and drafts as the signed-in person of a party, at a product instant, and writes the audit event of the request. Raises not_found, or conflict with the constraint of contract_hold';

REVOKE ALL ON FUNCTION contract_hold(text, text), keep_contract(), keep_terms_approval(), contract_record(text, text),
  withdraw_contract(text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION withdraw_contract(text, text, timestamptz, text) TO reckoner_web;
