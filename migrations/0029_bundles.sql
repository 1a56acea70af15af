-- The bundle of a statement is one more file that the worker makes on demand (api/formats/bundle.md): asked for by both
-- parties and the auditors they appointed.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE export
  ADD COLUMN statement text,
  ADD FOREIGN KEY (provider, statement) REFERENCES signed_record (provider, id),
  DROP CONSTRAINT export_kind_check,
  ADD CONSTRAINT export_kind_check CHECK (kind IN ('findings', 'fix_it', 'bundle')),
  DROP CONSTRAINT export_format_check,
  ADD CONSTRAINT export_format_check CHECK (CASE WHEN kind = 'bundle' THEN format = 'tar'
                                            ELSE format IN ('csv', 'ndjson') END),
  DROP CONSTRAINT export_fix_it,
  ADD CONSTRAINT export_fix_it CHECK ((kind = 'fix_it') = (submission IS NOT NULL AND sealed_key IS NOT NULL)
    AND (kind <> 'fix_it' OR (organisation = provider AND commissioner IS NULL AND rule IS NULL
                              AND severity IS NULL AND cluster IS NULL))),
  ADD CONSTRAINT export_bundle CHECK ((kind = 'bundle') = (statement IS NOT NULL)
    AND (kind <> 'bundle' OR (commissioner IS NOT NULL AND num_nonnulls(submission, sealed_key, rule, severity, cluster) = 0)));
COMMENT ON TABLE export IS 'Files that the worker makes on demand: findings of a period, a trust''s own rows with their findings beside them, the bundle of a statement';
COMMENT ON COLUMN export.kind IS 'findings; fix_it: the rows as uploaded with what is wrong and how to mend it; bundle: all that a statement is checked by';
COMMENT ON COLUMN export.format IS 'csv or ndjson; of a bundle tar';
COMMENT ON COLUMN export.commissioner IS 'Rows of this commissioner alone; null: of all. Of a bundle that of the account';
COMMENT ON COLUMN export.pence IS 'Control total: known amounts at stake of the rows named, each row once; of a bundle the statement''s position';
COMMENT ON COLUMN export.statement IS 'signed_record.id of a bundle''s statement';

CREATE OR REPLACE FUNCTION keep_export() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (OLD.state, NEW.state) NOT IN (('queued', 'done'), ('done', 'removed'))
     OR (NEW.provider, NEW.id, NEW.kind, NEW.format, NEW.organisation, NEW.person, NEW.asked_at, NEW.commissioner,
         NEW.first_month, NEW.last_month, NEW.rule, NEW.severity, NEW.cluster, NEW.submission, NEW.whole, NEW.sealed_key,
         NEW.statement)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.kind, OLD.format, OLD.organisation, OLD.person, OLD.asked_at,
         OLD.commissioner, OLD.first_month, OLD.last_month, OLD.rule, OLD.severity, OLD.cluster, OLD.submission,
         OLD.whole, OLD.sealed_key, OLD.statement)
     OR (OLD.state = 'done' AND (NEW.lines, NEW.pence, NEW.unknown_rows, NEW.bytes, NEW.sha256)
         IS DISTINCT FROM (OLD.lines, OLD.pence, OLD.unknown_rows, OLD.bytes, OLD.sha256)) THEN
    RAISE EXCEPTION 'an export is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'export', CONSTRAINT = 'export_kept';
  END IF;
  RETURN NEW;
END $$;

-- Whoever may read the statement may ask for its bundle.
DROP POLICY export_ask ON export;
CREATE POLICY export_ask ON export FOR INSERT TO reckoner_web
  WITH CHECK (organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person()) AND state = 'queued'
              AND (CASE WHEN kind = 'bundle'
                        THEN EXISTS (SELECT FROM statement s WHERE s.provider = export.provider
                                     AND s.record = export.statement AND s.commissioner = export.commissioner)
                        ELSE provider = (SELECT acting_provider())
                             OR (kind = 'findings' AND commissioner = (SELECT acting_commissioner())) END));
CREATE POLICY job_add_bundle ON job FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'export' AND state = 'queued'
              AND EXISTS (SELECT FROM export x WHERE x.provider = job.provider AND x.id = job.subject
                          AND x.kind = 'bundle' AND x.state = 'queued'));
GRANT INSERT (statement) ON export TO reckoner_web;
