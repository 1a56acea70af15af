-- A document that is issued goes into the log with the digest of all that it says, so that a bundle states nothing of it
-- that cannot be checked.
SET LOCAL search_path = reckoner, pg_catalog;

-- Canonical JSON: members in order; texts that people may have written go through to_json, which escapes as it must be.
CREATE FUNCTION document_text(p_provider text, p_document text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('{"@purpose":"reckoner/document/1","balance_pence":%s,"bill_to":"%s","billed_pence":%s,"commissioner":"%s",'
                '"contract":"%s","document":"%s","drafted_at":"%s"%s%s,"issued_at":"%s","kind":"%s","lines":[%s],"number":%s%s,'
                '"opening_pence":%s,"position_pence":%s,"provider":"%s","references":[%s]%s}',
    d.balance_pence, d.bill_to, d.billed_pence, d.commissioner, d.contract, d.id, reckoner.log_instant(d.drafted_at),
    CASE WHEN d.due_on IS NULL THEN '' ELSE format(',"due_holidays":[%s],"due_on":"%s"',
      (SELECT string_agg('"' || to_char(h, 'YYYY-MM-DD') || '"', ',' ORDER BY h) FROM unnest(d.due_holidays) h),
      to_char(d.due_on, 'YYYY-MM-DD')) END,
    CASE WHEN d.run IS NULL THEN format(',"eacv_pence":%s,"instalment":%s', d.eacv_pence, d.instalment) ELSE '' END,
    reckoner.log_instant(d.issued_at), d.kind,
    (SELECT string_agg('{' || coalesce('"basis":"' || l.basis || '",', '') || coalesce('"cluster":"' || l.cluster || '",', '')
              || format('"key":%s,"label":%s,"line_no":%s', to_json(l.line_key), to_json(l.label), l.line_no)
              || coalesce(',"month":"' || to_char(l.month, 'YYYY-MM') || '"', '') || ',"pence":' || l.pence
              || coalesce(',"price_pence":' || l.price_pence, '') || ',"stage":' || to_json(l.stage)
              || coalesce(',"units":' || l.units, '') || '}', ',' ORDER BY l.line_no)
       FROM reckoner.document_line l WHERE l.provider = d.provider AND l.document = d.id),
    d.number, coalesce(',"on_account_pence":' || d.on_account_pence, ''), d.opening_pence, d.position_pence, d.provider,
    (SELECT string_agg(format('{"document":"%s","kind":"%s","number":%s}', o.id, o.kind, o.number), ',' ORDER BY o.number)
       FROM reckoner.document_reference x
       JOIN reckoner.document o ON o.provider = x.provider AND o.id = x.refers_to
      WHERE x.provider = d.provider AND x.document = d.id),
    CASE WHEN d.run IS NULL THEN ',"terms_version":' || d.terms_version ELSE ',"run":"' || d.run || '"' END)
  FROM reckoner.document d WHERE d.provider = p_provider AND d.id = p_document AND d.state = 'issued'
$$;
COMMENT ON FUNCTION document_text(text, text) IS
  'An issued document as canonical JSON (api/formats/bundle.md): what document.json of a bundle holds, and what the log has the digest of';

CREATE OR REPLACE FUNCTION log_document() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO reckoner.log_pending (kind, provider, commissioner, subject, entry)
  VALUES ('document', NEW.provider, NEW.commissioner, NEW.id, format(
    '{"@purpose":"reckoner/log/2","at":"%s","balance_pence":%s,"bill_to":"%s","commissioner":"%s","document":"%s",'
    '"document_kind":"%s","drafted_at":"%s",%s%s"kind":"document","number":%s,"provider":"%s","references":[%s]%s,"sha256":"%s"}',
    reckoner.log_instant(NEW.issued_at), NEW.balance_pence, NEW.bill_to, NEW.commissioner, NEW.id, NEW.kind,
    reckoner.log_instant(NEW.drafted_at),
    CASE WHEN NEW.due_on IS NULL THEN '' ELSE format('"due_on":"%s",', to_char(NEW.due_on, 'YYYY-MM-DD')) END,
    CASE WHEN NEW.instalment IS NULL THEN '' ELSE format('"instalment":%s,', NEW.instalment) END, NEW.number, NEW.provider,
    (SELECT string_agg(o.number::text, ',' ORDER BY o.number) FROM reckoner.document_reference x
       JOIN reckoner.document o ON o.provider = x.provider AND o.id = x.refers_to
      WHERE x.provider = NEW.provider AND x.document = NEW.id),
    CASE WHEN NEW.run IS NULL THEN '' ELSE format(',"run":"%s"', NEW.run) END,
    encode(sha256(convert_to(reckoner.document_text(NEW.provider, NEW.id), 'UTF8')), 'hex')));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_document() IS
  'Trigger body: documents go into the log when they are issued, with their due date, the run or the instalment that they are, what they refer to, and the digest of all that they say';

REVOKE ALL ON FUNCTION document_text(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION document_text(text, text) TO reckoner_worker;
