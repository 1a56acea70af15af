-- Rows and blocks that are loaded by the million, in the form that costs the least to load.
SET LOCAL search_path = reckoner, pg_catalog;

-- The number of a submission is one for all providers, and a number is compared and passed by in half the time of a
-- text: with the provider first, the key of a million rows took as long again as the rows.
ALTER TABLE episode DROP CONSTRAINT episode_pkey, ADD PRIMARY KEY (submission, row_no, provider);

-- Blocks of 200 records lie in one page each, not in pieces beside the table with an index of their own.
ALTER TABLE history_block SET (toast_tuple_target = 8160);
COMMENT ON COLUMN history_block.rows IS 'Rows in the block, in order of row_no: all of a submission but the last have as many as block 0';

DO $$
DECLARE
  body    text;
  changed text;
BEGIN
  -- All rows of a provider are found through its submissions.
  body := pg_get_functiondef((SELECT oid FROM pg_proc WHERE proname = 'erase_rows'));
  changed := replace(body, 'WHERE x.provider = p_provider AND x.patient = target',
    'WHERE x.provider = p_provider AND x.patient = target'
    || ' AND x.submission IN (SELECT s.no FROM reckoner.submission s WHERE s.provider = p_provider)');
  IF changed = body THEN
    RAISE EXCEPTION 'erase_rows has another shape than this migration knows';
  END IF;
  EXECUTE changed;
  body := pg_get_functiondef((SELECT oid FROM pg_proc WHERE proname = 'erase_history'));
  changed := replace(replace(replace(body, 'e.episode_id FROM reckoner.erased_row r',
    'e.episode_id, h.rows AS block_rows FROM reckoner.erased_row r'),
    'JOIN reckoner.episode e USING (provider, submission, row_no)',
    'JOIN reckoner.episode e USING (provider, submission, row_no)'
    || ' JOIN reckoner.history_block h ON h.provider = r.provider AND h.submission = r.submission AND h.block = 0'),
    '8192', 'x.block_rows');
  IF changed NOT LIKE '%h.block = 0%% x.block_rows * 40%/ x.block_rows;%' OR changed NOT LIKE '%h.rows AS block_rows%' THEN
    RAISE EXCEPTION 'erase_history has another shape than this migration knows';
  END IF;
  EXECUTE changed;
END $$;

COMMENT ON COLUMN submission_chunk.sealed IS
  'One secretstream message (XChaCha20-Poly1305) of up to 1 MiB of the file, packed by itself (LZ4); stored as it is';
COMMENT ON COLUMN rehearsal_chunk.sealed IS
  'One secretstream message (XChaCha20-Poly1305) of up to 1 MiB of the file, packed by itself (LZ4)';
