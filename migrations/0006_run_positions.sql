-- What an R run found for the settled months behind its own.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE run_position (
  provider text  NOT NULL,
  run      text  NOT NULL,
  month    date  NOT NULL CHECK (extract(day FROM month) = 1),
  sha256   bytea NOT NULL,
  PRIMARY KEY (provider, run, month),
  FOREIGN KEY (provider, run) REFERENCES run (provider, id),
  FOREIGN KEY (provider, sha256) REFERENCES position (provider, sha256)
);
COMMENT ON TABLE run_position IS 'Positions of the settled months after an R run''s own, as that run found them: one cause that changes several months makes one run, and the next cause is compared with these';
COMMENT ON COLUMN run_position.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_position.run IS 'R run';
COMMENT ON COLUMN run_position.month IS 'First day of the month';
COMMENT ON COLUMN run_position.sha256 IS 'Position document of that month';
CREATE TRIGGER run_position_of_open_run AFTER INSERT ON run_position REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_run_part();
CREATE TRIGGER run_position_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_position
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE run_position ENABLE ROW LEVEL SECURITY;
CREATE POLICY run_position_auditor ON run_position FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY run_position_read ON run_position FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM run r WHERE r.provider = run_position.provider AND r.id = run_position.run));
GRANT SELECT ON run_position TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT ON run_position TO reckoner_worker;
