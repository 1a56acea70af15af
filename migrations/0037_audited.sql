-- The audit trail keeps of every act where it came from.
SET LOCAL search_path = reckoner, pg_catalog;

DROP FUNCTION withdraw_contract(text, text, timestamptz, text);
CREATE FUNCTION withdraw_contract(p_provider text, p_contract text, p_at timestamptz, p_request text,
                                  p_address text) RETURNS void
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
  INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id,
                                    address)
    VALUES (p_provider, p_at, reckoner.caller_person(), reckoner.caller_organisation(), 'contract.withdraw',
            'contract/' || p_contract, reckoner.contract_record(p_provider, p_contract), p_request,
            nullif(p_address, ''));
  DELETE FROM reckoner.contract c WHERE c.provider = p_provider AND c.id = p_contract;
END $$;
COMMENT ON FUNCTION withdraw_contract(text, text, timestamptz, text, text) IS
  'Removes a contract with its accounts and drafts as the signed-in person of a party, at a product instant, and writes the audit event of the request and its address. Raises not_found, or conflict with the constraint of contract_hold';
REVOKE ALL ON FUNCTION withdraw_contract(text, text, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION withdraw_contract(text, text, timestamptz, text, text) TO reckoner_web;

-- The first signing key introduces itself, and its event says from when on it signs.
GRANT EXECUTE ON FUNCTION log_instant(timestamptz) TO reckoner_worker;
