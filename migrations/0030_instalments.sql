-- Opening entries are instalments where the terms of the instalment are on account, whatever its expected value.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE OR REPLACE FUNCTION issue_document(p_provider text, p_document text, p_revision integer, p_at timestamptz)
  RETURNS TABLE (number bigint, revision integer)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d reckoner.document;
  checker text := reckoner.caller_person();
  recipient text;
  given bigint;
  on_account boolean;
BEGIN
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document;
  IF NOT FOUND OR p_provider IS DISTINCT FROM reckoner.acting_provider() OR checker IS NULL THEN
    RAISE EXCEPTION 'not_found' USING ERRCODE = 'P0001';
  END IF;
  -- The same lock as a run of the account takes: nothing is billed beside us. Then read again what may have changed.
  PERFORM pg_advisory_xact_lock(hashtextextended('account/' || d.provider || '/' || d.contract || '/' || d.commissioner, 0));
  SELECT * INTO d FROM reckoner.document x WHERE x.provider = p_provider AND x.id = p_document FOR UPDATE;
  -- Of an instalment, as its terms have it; opening entries stand against the position where billing is actual.
  on_account := d.instalment IS NULL OR (SELECT t.mode = 'live'
      AND t.body::jsonb #>> '{billing,method}' IS NOT DISTINCT FROM 'on_account'
    FROM reckoner.terms t WHERE t.provider = d.provider AND t.contract = d.contract AND t.version = d.terms_version);
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
     OR (d.opening_pence <> CASE WHEN d.on_account_pence IS NOT NULL OR NOT on_account THEN 0
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
