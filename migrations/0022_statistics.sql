-- What settlement must know of the rows of an accepted submission, whatever the terms, made when it is validated: a
-- settlement of a month of a million rows reads some kilobytes. `reckoner fsck` makes it again from the rows and compares.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE activity_statistics_set (
  provider   text     NOT NULL,
  submission bigint   NOT NULL,
  form       smallint NOT NULL CHECK (form BETWEEN 1 AND 127),
  rows       bigint   NOT NULL CHECK (rows >= 0),
  complete   boolean  NOT NULL,
  PRIMARY KEY (provider, submission),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no)
);
COMMENT ON TABLE activity_statistics_set IS 'That the statistics of an accepted submission were made; one accepted before there were any has none';
COMMENT ON COLUMN activity_statistics_set.provider IS 'Provider (ODS)';
COMMENT ON COLUMN activity_statistics_set.submission IS 'submission.no';
COMMENT ON COLUMN activity_statistics_set.form IS 'Version of the encoding';
COMMENT ON COLUMN activity_statistics_set.rows IS 'Rows of all commissioners';
COMMENT ON COLUMN activity_statistics_set.complete IS 'False: it has more kinds of rows than statistics hold, and settlement reads the rows';

CREATE TABLE activity_statistics (
  provider     text   NOT NULL,
  submission   bigint NOT NULL,
  commissioner text   NOT NULL CHECK (commissioner ~ '^([0-9A-Z]{3,6})?$'),
  rows         bigint NOT NULL CHECK (rows > 0),
  days         bytea  NOT NULL CHECK (length(days) BETWEEN 5 AND 67108864),
  stays        bytea  NOT NULL CHECK (length(stays) BETWEEN 5 AND 67108864),
  candidates   bytea  NOT NULL CHECK (length(candidates) BETWEEN 5 AND 67108864),
  sha256       bytea  NOT NULL,
  PRIMARY KEY (provider, submission, commissioner),
  FOREIGN KEY (provider, submission) REFERENCES activity_statistics_set (provider, submission) ON DELETE CASCADE,
  CONSTRAINT activity_statistics_digest CHECK (sha256 = sha256(days || stays || candidates))
);
COMMENT ON TABLE activity_statistics IS 'Statistics of the rows of one commissioner in an accepted submission (server/domain/statistics.h)';
COMMENT ON COLUMN activity_statistics.provider IS 'Provider (ODS)';
COMMENT ON COLUMN activity_statistics.submission IS 'submission.no';
COMMENT ON COLUMN activity_statistics.commissioner IS 'Commissioner (ODS) as sent; empty for rows without a code';
COMMENT ON COLUMN activity_statistics.rows IS 'Rows of this commissioner';
COMMENT ON COLUMN activity_statistics.days IS 'Days of service by class of rows and day of the month';
COMMENT ON COLUMN activity_statistics.stays IS 'Rows that are alike in class, start, end and admitted days, with their number';
COMMENT ON COLUMN activity_statistics.candidates IS 'Rows that may earn an assessment, one by one; patients by their keyed hash';
COMMENT ON COLUMN activity_statistics.sha256 IS 'SHA-256 of the three parts, one behind the other';

-- The parts are compact already: compressing them would cost settlement more than it saves.
ALTER TABLE activity_statistics ALTER COLUMN days SET STORAGE EXTERNAL, ALTER COLUMN stays SET STORAGE EXTERNAL,
  ALTER COLUMN candidates SET STORAGE EXTERNAL;

-- The commissioners' statistics come to all the rows.
CREATE FUNCTION check_statistics_rows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted record;
BEGIN
  SELECT s.rows, s.complete INTO wanted FROM reckoner.activity_statistics_set s
    WHERE s.provider = NEW.provider AND s.submission = NEW.submission;
  IF FOUND AND wanted.rows * wanted.complete::integer
     <> (SELECT coalesce(sum(a.rows), 0) FROM reckoner.activity_statistics a
         WHERE a.provider = NEW.provider AND a.submission = NEW.submission) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'activity_statistics_rows_add_up',
      MESSAGE = 'the statistics of the commissioners do not come to the rows of the submission';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_statistics_rows() IS 'Trigger body: statistics of all commissioners of a submission together have its rows; none where they are not complete';
CREATE CONSTRAINT TRIGGER activity_statistics_rows_add_up AFTER INSERT OR UPDATE ON activity_statistics
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_statistics_rows();
CREATE CONSTRAINT TRIGGER activity_statistics_set_rows_add_up AFTER INSERT OR UPDATE ON activity_statistics_set
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_statistics_rows();

-- The worker's alone: nothing that it says is not said by the rows.
ALTER TABLE activity_statistics_set ENABLE ROW LEVEL SECURITY;
ALTER TABLE activity_statistics ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON activity_statistics_set, activity_statistics TO reckoner_worker;
