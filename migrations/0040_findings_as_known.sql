-- Findings as known on a day across months and trusts, in sums and in files.
SET LOCAL search_path = reckoner, pg_catalog;

-- Whoever reads a submission may know when it was evaluated; severities like those of today.
CREATE POLICY evaluated_read ON evaluated FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM submission s WHERE s.provider = evaluated.provider AND s.no = evaluated.submission));
CREATE POLICY severity_known_read ON severity_known FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
GRANT SELECT ON evaluated, severity_known TO reckoner_web;

ALTER TABLE export ADD COLUMN as_known_on date,
  ADD CONSTRAINT export_as_known CHECK (as_known_on IS NULL OR kind = 'findings');
COMMENT ON COLUMN export.as_known_on IS 'Findings as known at the end of this day (Europe/London); null: as they are when the file is made';
GRANT INSERT (as_known_on) ON export TO reckoner_web;
CREATE OR REPLACE FUNCTION keep_export_link() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.after_link, NEW.as_known_on) IS DISTINCT FROM (OLD.after_link, OLD.as_known_on) THEN
    RAISE EXCEPTION 'an export is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'export', CONSTRAINT = 'export_kept';
  END IF;
  RETURN NEW;
END $$;
