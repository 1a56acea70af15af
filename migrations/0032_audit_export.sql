-- The audit trail as a file: asked for by each party, for what it may see, and by the auditors whom a party appointed.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE export
  ADD COLUMN after_link bigint CHECK (after_link >= 0),
  DROP CONSTRAINT export_kind_check,
  ADD CONSTRAINT export_kind_check CHECK (kind IN ('findings', 'fix_it', 'bundle', 'audit')),
  ADD CONSTRAINT export_audit CHECK ((kind = 'audit') = (after_link IS NOT NULL)
    AND (kind <> 'audit' OR (format = 'ndjson' AND num_nonnulls(submission, sealed_key, rule, severity, cluster) = 0)));
COMMENT ON TABLE export IS 'Files that the worker makes on demand: findings of a period, a trust''s own rows with their findings beside them, the bundle of a statement, the audit trail';
COMMENT ON COLUMN export.kind IS 'findings; fix_it: the rows as uploaded with what is wrong and how to mend it; bundle: all that a statement is checked by; audit: the audit trail with its chain';
COMMENT ON COLUMN export.commissioner IS 'Rows of this commissioner alone; null: of all. Of a bundle that of the account; of the audit trail whose view it is, null: the provider''s';
COMMENT ON COLUMN export.after_link IS 'Of an audit trail: the link that it follows, 0 for the whole';

CREATE FUNCTION keep_export_link() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.after_link IS DISTINCT FROM OLD.after_link THEN
    RAISE EXCEPTION 'an export is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'export', CONSTRAINT = 'export_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_export_link() IS 'Trigger body: what an export was asked for does not change';
CREATE TRIGGER export_link_kept BEFORE UPDATE ON export FOR EACH ROW EXECUTE FUNCTION keep_export_link();
REVOKE ALL ON FUNCTION keep_export_link() FROM PUBLIC;

-- Beside the policies of the other kinds: the provider and its auditors without a commissioner, a commissioner and its
-- auditors with that one.
CREATE POLICY export_ask_audit ON export FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'audit' AND organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND state = 'queued');
-- Whatever else lets the row in: nobody asks for another side's view.
CREATE POLICY export_view_of_audit ON export AS RESTRICTIVE FOR INSERT TO reckoner_web
  WITH CHECK (kind <> 'audit'
              OR CASE WHEN commissioner IS NULL THEN provider = ANY ((SELECT visible_providers())::text[])
                 ELSE commissioner = ANY ((SELECT visible_commissioners())::text[])
                      AND provider = ANY ((SELECT providers_of_commissioners())::text[]) END);
CREATE POLICY job_add_audit ON job FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'export' AND state = 'queued'
              AND EXISTS (SELECT FROM export x WHERE x.provider = job.provider AND x.id = job.subject
                          AND x.kind = 'audit' AND x.state = 'queued'));
GRANT INSERT (after_link) ON export TO reckoner_web;

-- ------------------------------------------------------------------------------------------------------------- sign-ins

ALTER TABLE token ADD COLUMN seen_on date;
COMMENT ON COLUMN token.seen_on IS 'Day of its latest use, wall clock in UTC; the first use on a day is a sign-in of the audit trail';

CREATE FUNCTION sign_in(p_token_hash bytea, p_wall timestamptz, p_at timestamptz, p_address text, p_request text)
  RETURNS TABLE (person text, organisation text, role text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today date := (p_wall AT TIME ZONE 'UTC')::date;
BEGIN
  SELECT a.person, a.organisation, a.role INTO person, organisation, role FROM reckoner.authenticate(p_token_hash, p_wall) a;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE reckoner.token t SET seen_on = today WHERE t.hash = p_token_hash AND t.seen_on IS DISTINCT FROM today;
  IF FOUND THEN
    INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, request_id, address)
      VALUES (organisation, p_at, person, organisation, 'session.begin', 'person/' || person, p_request, nullif(p_address, ''));
  END IF;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION sign_in(bytea, timestamptz, timestamptz, text, text) IS
  'As authenticate, and the first use of a token on a day goes into the audit trail: at an instant of the product clock, from an address, by a request';
REVOKE ALL ON FUNCTION sign_in(bytea, timestamptz, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sign_in(bytea, timestamptz, timestamptz, text, text) TO reckoner_web;
