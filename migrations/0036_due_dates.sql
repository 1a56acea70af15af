-- When a document is to be paid: by the calendar of the terms, counted from its issue.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE document ADD COLUMN due_on date, ADD COLUMN due_holidays date[],
  ADD CONSTRAINT document_due CHECK ((due_on IS NULL) = (due_holidays IS NULL) AND (due_on IS NULL
    OR (number IS NOT NULL AND kind <> 'nil_statement' AND cardinality(due_holidays) <= 60
        AND array_position(due_holidays, NULL) IS NULL
        AND due_on >= (issued_at AT TIME ZONE 'Europe/London')::date
        AND due_on > ALL (due_holidays) AND (issued_at AT TIME ZONE 'Europe/London')::date < ALL (due_holidays))));
COMMENT ON COLUMN document.due_on IS 'Day by which it is paid, by the calendar of its terms; null until issued, of a nil statement, and where the terms do not say';
COMMENT ON COLUMN document.due_holidays IS 'Bank holidays between issue and due date, as loaded at the issue: what the count of operational days rests on';

DROP FUNCTION issue_document(text, text, integer, timestamptz);
CREATE FUNCTION issue_document(p_provider text, p_document text, p_revision integer, p_at timestamptz,
    p_due_on date DEFAULT NULL, p_due_holidays date[] DEFAULT NULL)
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
         bill_to = recipient, due_on = p_due_on, due_holidays = p_due_holidays, revision = x.revision + 1
   WHERE x.provider = p_provider AND x.id = p_document;
  INSERT INTO reckoner.ledger_posting (provider, document, seq, ledger_account, pence, posted_at)
    VALUES (d.provider, d.id, 1, 'receivable', d.balance_pence, p_at), (d.provider, d.id, 2, 'income', -d.balance_pence, p_at);
  RETURN QUERY SELECT given, d.revision + 1;
END $$;
COMMENT ON FUNCTION issue_document(text, text, integer, timestamptz, date, date[]) IS
  'Issues a proposed document as the signed-in person at a product instant: gives its number and due date, names who stands for the commissioner that day and posts its ledger. Raises not_found, precondition_failed (another revision; null asks for none), not_proposed, same_person, no_successor (closed, and none recorded), stale_draft';
REVOKE ALL ON FUNCTION issue_document(text, text, integer, timestamptz, date, date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION issue_document(text, text, integer, timestamptz, date, date[]) TO reckoner_web;

CREATE OR REPLACE FUNCTION log_document() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('document', NEW.provider, NEW.commissioner, NEW.id, format(
    '"at":"%s","balance_pence":%s,"commissioner":"%s","document":"%s","document_kind":"%s",%s%s"kind":"document","number":%s,'
    '"provider":"%s"%s', reckoner.log_instant(NEW.issued_at), NEW.balance_pence, NEW.commissioner, NEW.id, NEW.kind,
    CASE WHEN NEW.due_on IS NULL THEN '' ELSE format('"due_on":"%s",', to_char(NEW.due_on, 'YYYY-MM-DD')) END,
    CASE WHEN NEW.instalment IS NULL THEN '' ELSE format('"instalment":%s,', NEW.instalment) END, NEW.number, NEW.provider,
    CASE WHEN NEW.run IS NULL THEN '' ELSE format(',"run":"%s"', NEW.run) END));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_document() IS
  'Trigger body: documents go into the log when they are issued, with their due date and the run or the instalment that they are';
