-- When the service was away (a closing day on which it was away for over two hours moves), and what changed from one
-- accepted version of a month to the next.
SET LOCAL search_path = reckoner, pg_catalog;

-- ------------------------------------------------------------------------------------------------------------- absences

CREATE TABLE service_presence (
  single    boolean     PRIMARY KEY DEFAULT true CHECK (single),
  seen_wall timestamptz NOT NULL,
  seen_at   timestamptz NOT NULL
);
COMMENT ON TABLE service_presence IS 'When a web process that reaches the database was last alive; one row';
COMMENT ON COLUMN service_presence.single IS 'Always true: there is one row';
COMMENT ON COLUMN service_presence.seen_wall IS 'Wall clock; how long the service was away is measured on it';
COMMENT ON COLUMN service_presence.seen_at IS 'The same instant on the product clock';

CREATE TABLE service_absence (
  away_from   timestamptz PRIMARY KEY,
  away_to     timestamptz NOT NULL CHECK (away_to > away_from),
  recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE service_absence IS 'Times in which no web process reached the database, so that nobody could upload';
COMMENT ON COLUMN service_absence.away_from IS 'Last sign of life before, product clock';
COMMENT ON COLUMN service_absence.away_to IS 'First sign of life after, product clock';
COMMENT ON COLUMN service_absence.recorded_at IS 'Instant from which windows are judged with it, product clock';
CREATE TRIGGER service_absence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON service_absence
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION note_presence(at timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wall timestamptz := clock_timestamp();
  last reckoner.service_presence;
BEGIN
  INSERT INTO reckoner.service_presence (seen_wall, seen_at) VALUES (wall, at) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN false;
  END IF;
  SELECT * INTO STRICT last FROM reckoner.service_presence FOR UPDATE;
  -- Another process was here in the meantime.
  IF wall <= last.seen_wall THEN
    RETURN false;
  END IF;
  UPDATE reckoner.service_presence SET seen_wall = wall, seen_at = at;
  IF wall - last.seen_wall < interval '3 minutes' THEN
    RETURN false;
  END IF;
  -- The product clock of a demonstration may jump; the length of the absence is that of the wall clock.
  INSERT INTO reckoner.service_absence (away_from, away_to, recorded_at)
    VALUES (last.seen_at, last.seen_at + (wall - last.seen_wall), at) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION note_presence(timestamptz) IS
  'A web process is alive; true when it records an absence: three minutes or more without a sign of life from any';
REVOKE ALL ON FUNCTION note_presence(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_presence(timestamptz) TO reckoner_web;
GRANT SELECT ON service_absence TO reckoner_web, reckoner_worker, reckoner_auditor;
GRANT SELECT ON service_presence TO reckoner_auditor;

-- ---------------------------------------------------------------------------------------------------------- differences

CREATE TABLE difference (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  commissioner text    NOT NULL,
  episode_id   text    NOT NULL,
  against      bigint  NOT NULL,
  kind         text    NOT NULL CHECK (kind IN ('added', 'removed', 'changed')),
  row_no       integer CHECK (row_no > 0),
  against_row  integer CHECK (against_row > 0),
  changed      text    NOT NULL,
  before_pence bigint,
  after_pence  bigint,
  PRIMARY KEY (provider, submission, commissioner, episode_id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no) ON DELETE CASCADE,
  CONSTRAINT difference_other_version CHECK (against <> submission),
  CONSTRAINT difference_rows CHECK ((kind = 'removed') = (row_no IS NULL) AND (kind = 'added') = (against_row IS NULL)),
  CONSTRAINT difference_facts CHECK ((kind = 'changed') = (changed <> '')),
  CONSTRAINT difference_amounts CHECK ((kind <> 'added' OR before_pence IS NOT DISTINCT FROM 0)
                                       AND (kind <> 'removed' OR after_pence IS NOT DISTINCT FROM 0))
);
COMMENT ON TABLE difference IS 'What an accepted version of a month changed against the accepted version before it, row by row';
COMMENT ON COLUMN difference.provider IS 'Provider (ODS)';
COMMENT ON COLUMN difference.submission IS 'submission.no of the newer version';
COMMENT ON COLUMN difference.commissioner IS 'Commissioner of the row; a row that changed it is removed from one and added to the other';
COMMENT ON COLUMN difference.episode_id IS 'Key of the row in both versions';
COMMENT ON COLUMN difference.against IS 'submission.no of the older version';
COMMENT ON COLUMN difference.kind IS 'added, removed or changed';
COMMENT ON COLUMN difference.row_no IS 'Row of the newer version; null when it is not there';
COMMENT ON COLUMN difference.against_row IS 'Row of the older version; null when it was not there';
COMMENT ON COLUMN difference.changed IS 'Facts that differ, separated by commas; empty unless changed';
COMMENT ON COLUMN difference.before_pence IS 'Payable gross value of the row in the older version: pence, 0 when not payable, null without a price';
COMMENT ON COLUMN difference.after_pence IS 'The same in the newer version; both under the terms of the newer version''s evaluation';

ALTER TABLE difference ENABLE ROW LEVEL SECURITY;
CREATE POLICY difference_auditor ON difference FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY difference_read ON difference FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
GRANT SELECT ON difference TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT, DELETE ON difference TO reckoner_worker;
