-- Which rows a run counted otherwise than they were sent, and which earned an assessment; rows moved by re-attribution.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE earned_rows (
  provider text  NOT NULL,
  sha256   bytea NOT NULL,
  rows     text  NOT NULL CHECK (rows ~ '^[0-9,]+$'),
  PRIMARY KEY (provider, sha256),
  CHECK (sha256(convert_to(rows, 'UTF8')) = sha256)
);
COMMENT ON TABLE earned_rows IS 'Lists of rows that earned an assessment in a month, each kept once';
COMMENT ON COLUMN earned_rows.provider IS 'Provider (ODS)';
COMMENT ON COLUMN earned_rows.sha256 IS 'SHA-256 of rows';
COMMENT ON COLUMN earned_rows.rows IS 'Row numbers of the month''s submission, ascending, commas between';
CREATE TRIGGER earned_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON earned_rows
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE run_input ADD COLUMN earned bytea,
  ADD FOREIGN KEY (provider, earned) REFERENCES earned_rows (provider, sha256);
COMMENT ON COLUMN run_input.earned IS 'Rows of the account that earned an assessment (earned_rows); null: none did';

CREATE TABLE run_row (
  provider     text     NOT NULL,
  run          text     NOT NULL,
  month        date     NOT NULL,
  row_no       integer  NOT NULL CHECK (row_no > 0),
  here         boolean  NOT NULL,
  cluster      text     CHECK (cluster ~ '^[0-9]{2}$'),
  payable_days integer  CHECK (payable_days >= 0),
  not_payable  boolean  NOT NULL,
  PRIMARY KEY (provider, run, month, row_no),
  FOREIGN KEY (provider, run, month) REFERENCES run_input (provider, run, month)
);
COMMENT ON TABLE run_row IS 'Rows that a run counted otherwise than they were sent: by decisions and re-attribution known to it';
COMMENT ON COLUMN run_row.provider IS 'Provider (ODS)';
COMMENT ON COLUMN run_row.run IS 'Run';
COMMENT ON COLUMN run_row.month IS 'First day of the month';
COMMENT ON COLUMN run_row.row_no IS 'Row of the submission that the run pinned for the month';
COMMENT ON COLUMN run_row.here IS 'The row is of the run''s account; false: it was moved out of it';
COMMENT ON COLUMN run_row.cluster IS 'Decided cluster; null: as sent';
COMMENT ON COLUMN run_row.payable_days IS 'Decided days of the month, the earliest ones; null: as sent';
COMMENT ON COLUMN run_row.not_payable IS 'Decided not to be payable';
CREATE TRIGGER run_row_of_open_run AFTER INSERT ON run_row REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_run_part();
CREATE TRIGGER run_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE earned_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE run_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY earned_rows_auditor ON earned_rows FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY run_row_auditor ON run_row FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY earned_rows_read ON earned_rows FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM run_input i WHERE i.provider = earned_rows.provider AND i.earned = earned_rows.sha256));
CREATE POLICY run_row_read ON run_row FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM run r WHERE r.provider = run_row.provider AND r.id = run_row.run));
GRANT SELECT ON earned_rows, run_row TO reckoner_web, reckoner_auditor, reckoner_worker;
GRANT INSERT ON earned_rows, run_row TO reckoner_worker;

-- Rows are seen by the commissioner that they were sent with. Those that were moved to another are seen through these.
CREATE FUNCTION run_moved_rows(p_provider text, p_run text, p_month date) RETURNS SETOF episode
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT e.* FROM reckoner.run r JOIN reckoner.run_input i ON i.provider = r.provider AND i.run = r.id
      JOIN reckoner.run_row c ON c.provider = i.provider AND c.run = i.run AND c.month = i.month AND c.here
      JOIN reckoner.episode e ON e.provider = i.provider AND e.submission = i.submission AND e.row_no = c.row_no
     WHERE r.provider = p_provider AND r.id = p_run AND i.month = p_month AND e.commissioner <> r.commissioner
       AND (r.provider = ANY (reckoner.visible_providers()) OR r.commissioner = ANY (reckoner.visible_commissioners()));
END $$;
COMMENT ON FUNCTION run_moved_rows(text, text, date) IS
  'Rows of a month that a run counted for its account though they were sent with another commissioner, for who may see the run';

CREATE FUNCTION moved_rows(p_provider text, p_submission bigint, p_commissioner text)
  RETURNS TABLE (moved episode, here boolean)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT (p_provider = ANY (reckoner.visible_providers()) OR p_commissioner = ANY (reckoner.visible_commissioners())) THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH acts AS (SELECT g.n, g.from_commissioner, g.to_commissioner, g.agreed_at, r.episode_id, r.commissioner, r.row_sha256
        FROM reckoner.submission s JOIN reckoner.reattribution g ON g.provider = s.provider AND g.month = s.month
             AND g.agreed_at IS NOT NULL
        JOIN reckoner.reattribution_row r ON r.provider = g.provider AND r.n = g.n
       WHERE s.provider = p_provider AND s.no = p_submission),
    last AS (SELECT DISTINCT ON (a.episode_id, a.row_sha256) a.* FROM acts a
       ORDER BY a.episode_id, a.row_sha256, a.agreed_at DESC, a.n DESC)
    SELECT e, l.to_commissioner = p_commissioner FROM last l JOIN reckoner.episode e ON e.provider = p_provider
        AND e.submission = p_submission AND e.commissioner = l.commissioner AND e.episode_id = l.episode_id
     WHERE l.row_sha256 = reckoner.episode_sha256(e)
       AND (e.commissioner = p_commissioner) <> (l.to_commissioner = p_commissioner);
END $$;
COMMENT ON FUNCTION moved_rows(text, bigint, text) IS
  'Rows of a submission that agreed re-attribution moved to (here) or from a commissioner, for who may see its account';
CREATE FUNCTION reattributed_facts(p_provider text, p_n integer)
  RETURNS TABLE (episode_id text, row_no integer, cluster text, start_date date, end_date date, rules text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g reckoner.reattribution;
BEGIN
  SELECT * INTO g FROM reckoner.reattribution x WHERE x.provider = p_provider AND x.n = p_n
    AND (x.provider = ANY (reckoner.visible_providers()) OR x.from_commissioner = ANY (reckoner.visible_commissioners())
         OR (x.agreed_at IS NOT NULL AND x.to_commissioner = ANY (reckoner.visible_commissioners())));
  RETURN QUERY
    SELECT e.episode_id, e.row_no, e.cluster, e.start_date, e.end_date,
           (SELECT string_agg(DISTINCT f.rule, ',' ORDER BY f.rule) FROM reckoner.finding f
             WHERE f.provider = e.provider AND f.submission = e.submission AND f.commissioner = e.commissioner
               AND f.row_no = e.row_no AND f.evaluation IN (0, s.evaluation))
      FROM reckoner.submission s JOIN reckoner.episode e ON e.provider = s.provider AND e.submission = s.no
      JOIN reckoner.reattribution_row r ON r.provider = e.provider AND r.n = g.n
           AND r.episode_id = e.episode_id AND r.commissioner = e.commissioner AND r.row_sha256 = reckoner.episode_sha256(e)
     WHERE s.provider = g.provider AND s.no = (SELECT o.no FROM reckoner.submission o
             WHERE o.provider = g.provider AND o.month = g.month AND o.state = 'accepted' ORDER BY o.version DESC LIMIT 1);
END $$;
COMMENT ON FUNCTION reattributed_facts(text, integer) IS
  'What the newest accepted version of the month says of the rows of a re-attribution that it has unchanged, and the rules they fail; for the provider, the commissioner they leave and, once agreed, the one they come to';

REVOKE ALL ON FUNCTION run_moved_rows(text, text, date), moved_rows(text, bigint, text), reattributed_facts(text, integer)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION run_moved_rows(text, text, date), moved_rows(text, bigint, text),
  reattributed_facts(text, integer) TO reckoner_web;
