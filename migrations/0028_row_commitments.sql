-- Commitments to the rows of accepted submissions: a Merkle tree for each commissioner, in blocks, so that the proof of one
-- row reads one block (api/formats/rows.md).
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE row_tree (
  provider     text   NOT NULL,
  submission   bigint NOT NULL,
  commissioner text   NOT NULL CHECK (commissioner ~ '^([0-9A-Z]{3,6})?$'),
  rows         bigint NOT NULL CHECK (rows >= 0),
  root         bytea  NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (provider, submission, commissioner),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  CONSTRAINT row_tree_empty CHECK (rows > 0 OR root = sha256(''))
);
COMMENT ON TABLE row_tree IS 'Commitment to all rows of one commissioner in an accepted submission; made once, after acceptance or by the first settlement';
COMMENT ON COLUMN row_tree.provider IS 'Provider (ODS)';
COMMENT ON COLUMN row_tree.submission IS 'submission.no';
COMMENT ON COLUMN row_tree.commissioner IS 'Commissioner (ODS) of the rows, as sent';
COMMENT ON COLUMN row_tree.rows IS 'Leaves: rows of the commissioner, payable or not';
COMMENT ON COLUMN row_tree.root IS 'Root of the tree, in the statements';

CREATE TABLE row_tree_block (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  commissioner text    NOT NULL,
  block        integer NOT NULL CHECK (block >= 0),
  rows         integer NOT NULL CHECK (rows BETWEEN 1 AND 4096),
  first_row    integer NOT NULL CHECK (first_row > 0),
  last_row     integer NOT NULL CHECK (last_row >= first_row + rows - 1),
  entries      bytea   NOT NULL,
  root         bytea   NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (provider, submission, commissioner, block),
  FOREIGN KEY (provider, submission, commissioner) REFERENCES row_tree (provider, submission, commissioner)
    DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT row_tree_block_entries CHECK (length(entries) = 56 * rows),
  CONSTRAINT row_tree_block_first CHECK (first_row = ('x' || encode(substr(entries, 1, 4), 'hex'))::bit(32)::integer),
  CONSTRAINT row_tree_block_last
    CHECK (last_row = ('x' || encode(substr(entries, 56 * rows - 55, 4), 'hex'))::bit(32)::integer)
);
ALTER TABLE row_tree_block ALTER COLUMN entries SET STORAGE EXTERNAL;
COMMENT ON TABLE row_tree_block IS 'Up to 4,096 leaves of a row tree, with what their rows do not say';
COMMENT ON COLUMN row_tree_block.provider IS 'Provider (ODS)';
COMMENT ON COLUMN row_tree_block.submission IS 'submission.no';
COMMENT ON COLUMN row_tree_block.commissioner IS 'row_tree.commissioner';
COMMENT ON COLUMN row_tree_block.block IS '0, 1, 2 ...: leaves from 4,096 times this on';
COMMENT ON COLUMN row_tree_block.rows IS 'Leaves in the block: 4,096, fewer in the last';
COMMENT ON COLUMN row_tree_block.first_row IS 'row_no of its first leaf';
COMMENT ON COLUMN row_tree_block.last_row IS 'row_no of its last leaf';
COMMENT ON COLUMN row_tree_block.entries IS 'For each leaf row_no (4 bytes big-endian), tag (20 letters) and SHA-256 of salt and private record (32 bytes)';
COMMENT ON COLUMN row_tree_block.root IS 'Root of the block''s leaves';

-- A tree is written behind its blocks, in one transaction: then they are all there, and none comes later.
CREATE FUNCTION check_row_tree() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found record;
BEGIN
  SELECT count(*) AS blocks, coalesce(sum(b.rows), 0) AS rows, coalesce(max(b.block), -1) AS last,
         coalesce(bool_and(b.apart), true) AS apart INTO found
    FROM (SELECT x.block, x.rows, x.first_row > coalesce(lag(x.last_row) OVER w, 0)
                 AND (x.rows = 4096 OR lead(x.block) OVER w IS NULL) AS apart
            FROM reckoner.row_tree_block x WHERE x.provider = NEW.provider AND x.submission = NEW.submission
             AND x.commissioner = NEW.commissioner WINDOW w AS (ORDER BY x.block)) b;
  IF found.rows <> NEW.rows OR found.last <> found.blocks - 1 OR NOT found.apart THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', TABLE = 'row_tree', CONSTRAINT = 'row_tree_whole',
      MESSAGE = 'the blocks of a row tree follow one another and come to its rows';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_row_tree() IS 'Trigger body: a row tree comes behind its blocks, which follow one another, are full but for the last, and come to its rows';
CREATE TRIGGER row_tree_whole AFTER INSERT ON row_tree FOR EACH ROW EXECUTE FUNCTION check_row_tree();

CREATE FUNCTION check_row_tree_block() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN reckoner.row_tree t USING (provider, submission, commissioner)) THEN
    RAISE EXCEPTION 'blocks are written before their row tree'
      USING ERRCODE = 'restrict_violation', TABLE = 'row_tree_block', CONSTRAINT = 'row_tree_block_before_tree';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION check_row_tree_block() IS 'Trigger body: nothing is added to a row tree that is there';
CREATE TRIGGER row_tree_block_before_tree AFTER INSERT ON row_tree_block REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION check_row_tree_block();

CREATE TRIGGER row_tree_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON row_tree
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER row_tree_block_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON row_tree_block
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  kinds text;
  t     text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''row_tree''::text, ');
  FOREACH t IN ARRAY ARRAY['row_tree', 'row_tree_block'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web USING (provider = (SELECT'
      ' reckoner.acting_provider()) OR provider = ANY ((SELECT reckoner.visible_providers())::text[])'
      ' OR commissioner = (SELECT reckoner.acting_commissioner())'
      ' OR commissioner = ANY ((SELECT reckoner.visible_commissioners())::text[]))', t || '_read', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
    EXECUTE format('GRANT INSERT ON reckoner.%I TO reckoner_worker', t);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION check_row_tree(), check_row_tree_block() FROM PUBLIC;
