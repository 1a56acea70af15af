-- The lines of a document were summed again for each of them at commit, so that a document of 500 lines cost 200 ms. The
-- document's own check at commit sums them once for a document of this transaction; lines added to an older one are summed
-- once a statement.
SET LOCAL search_path = reckoner, pg_catalog;

DROP TRIGGER document_line_agrees ON document_line;

CREATE FUNCTION check_document_lines() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT n.provider, n.document FROM new_rows n) n
             JOIN reckoner.document d ON d.provider = n.provider AND d.id = n.document
             WHERE d.xmin <> pg_current_xact_id()::xid
               AND d.balance_pence <> (SELECT sum(l.pence) FROM reckoner.document_line l
                                       WHERE l.provider = d.provider AND l.document = d.id)) THEN
    RAISE EXCEPTION 'a document does not agree with its lines, its ledger or the documents before it'
      USING ERRCODE = 'check_violation', TABLE = 'document_line', CONSTRAINT = 'document_lines_add_up';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_document_lines() IS
  'Trigger body: lines added to a document that was written before this transaction still add up; one of this transaction is checked at commit (check_document)';
CREATE TRIGGER document_line_agrees AFTER INSERT ON document_line REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();
