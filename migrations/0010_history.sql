-- What an accepted submission leaves behind for the checks of later months and of other providers. The worker alone reads
-- these tables: everything that concerns a patient is in them as a keyed hash.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE history_block (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  block      integer NOT NULL CHECK (block >= 0),
  rows       integer NOT NULL CHECK (rows > 0),
  records    bytea   NOT NULL,
  PRIMARY KEY (provider, submission, block),
  CHECK (length(records) = 40 * rows)
);
ALTER TABLE history_block ALTER COLUMN records SET STORAGE EXTERNAL;
COMMENT ON TABLE history_block IS 'Rows of an accepted submission as later months compare with them: 40 bytes each, in the layout of domain/history.h';
COMMENT ON COLUMN history_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN history_block.submission IS 'submission.no';
COMMENT ON COLUMN history_block.block IS '0, 1, 2 ...';
COMMENT ON COLUMN history_block.rows IS 'Rows in the block, in order of row_no';
COMMENT ON COLUMN history_block.records IS 'Keyed hashes of episode and patient, dates, commissioner, cluster and flags; stored as it is, since hashes do not compress';

CREATE TABLE overlap_block (
  provider   text     NOT NULL,
  submission bigint   NOT NULL,
  partition  smallint NOT NULL CHECK (partition BETWEEN 0 AND 63),
  records    bytea    NOT NULL CHECK (length(records) > 0 AND length(records) % 16 = 0),
  PRIMARY KEY (provider, submission, partition)
);
ALTER TABLE overlap_block ALTER COLUMN records SET STORAGE EXTERNAL;
COMMENT ON TABLE overlap_block IS 'Days in clusters by NHS number, of the rows of an accepted submission that may overlap another provider''s: 16 bytes each, in the layout of domain/overlap.h';
COMMENT ON COLUMN overlap_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN overlap_block.submission IS 'submission.no';
COMMENT ON COLUMN overlap_block.partition IS 'By the hash: the records of one patient are in the same partition whoever sent them';
COMMENT ON COLUMN overlap_block.records IS 'Keyed hash of the NHS number (one key for all providers), row and days of the month';

-- Without it two providers would have each other evaluated for ever.
CREATE TABLE overlap_shown (
  provider   text   NOT NULL,
  submission bigint NOT NULL,
  rows       bigint NOT NULL CHECK (rows > 0),
  digest     bytea  NOT NULL CHECK (length(digest) = 32),
  PRIMARY KEY (provider, submission)
);
COMMENT ON TABLE overlap_shown IS 'Which rows the current evaluation of a submission shows as overlapping another provider''s; no row: none';
COMMENT ON COLUMN overlap_shown.provider IS 'Provider (ODS)';
COMMENT ON COLUMN overlap_shown.submission IS 'submission.no';
COMMENT ON COLUMN overlap_shown.rows IS 'How many';
COMMENT ON COLUMN overlap_shown.digest IS 'BLAKE2b (32 bytes) of the set of rows, to see whether it changed';

CREATE TABLE cluster_move (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  row_no     integer NOT NULL CHECK (row_no > 0),
  direction  text    NOT NULL CHECK (direction IN ('up', 'down', 'level')),
  PRIMARY KEY (provider, submission, row_no)
);
COMMENT ON TABLE cluster_move IS 'Rows of an accepted submission with an assessment, new in it, that puts the patient into another cluster than the one before; the indicators count them';
COMMENT ON COLUMN cluster_move.provider IS 'Provider (ODS)';
COMMENT ON COLUMN cluster_move.submission IS 'submission.no';
COMMENT ON COLUMN cluster_move.row_no IS 'Row of the file';
COMMENT ON COLUMN cluster_move.direction IS 'Into a dearer cluster, a cheaper one, or one that the reference prices do not tell apart';

ALTER TABLE finding ADD COLUMN severity text CHECK (severity IN ('ERROR', 'QUERY', 'WARN'));
COMMENT ON COLUMN finding.severity IS 'The finding''s own severity, whatever the terms say; null: the rule''s';

COMMENT ON COLUMN submission.reference IS 'Digests of the reference data that was applied, by kind; under history the earlier submissions that it was compared with, by month';

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['history_block', 'overlap_block', 'overlap_shown', 'cluster_move'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON reckoner.%I TO reckoner_worker', t);
  END LOOP;
END $$;
