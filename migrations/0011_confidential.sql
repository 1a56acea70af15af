-- What must not leave the building, and who may read who the patients are.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE identifier_block (
  provider   text    NOT NULL,
  submission bigint  NOT NULL,
  block      integer NOT NULL CHECK (block >= 0),
  lowest     bigint  NOT NULL,
  hashes     bytea   NOT NULL CHECK (length(hashes) BETWEEN 8 AND 32768 AND length(hashes) % 8 = 0),
  PRIMARY KEY (provider, submission, block)
);
ALTER TABLE identifier_block ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE identifier_block ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE identifier_block IS 'Keyed hashes of the identifiers of an accepted submission, in blocks: the worker compares what goes out with them';
COMMENT ON COLUMN identifier_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN identifier_block.submission IS 'submission.no';
COMMENT ON COLUMN identifier_block.block IS '0, 1, 2 ... in ascending order of hashes';
COMMENT ON COLUMN identifier_block.lowest IS 'First hash of the block';
COMMENT ON COLUMN identifier_block.hashes IS 'Up to 4,096 hashes of patient ids (7 characters and more) and NHS numbers, big-endian, each once, ascending as signed numbers';

GRANT SELECT, INSERT, DELETE ON identifier_block TO reckoner_worker;
