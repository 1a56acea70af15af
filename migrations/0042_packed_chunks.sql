-- Chunks of uploads are packed before they are sealed.
SET LOCAL search_path = reckoner, pg_catalog;

COMMENT ON COLUMN submission_chunk.sealed IS
  'One secretstream message (XChaCha20-Poly1305) of up to 256 KiB of the file, packed by itself (LZ4); stored as it is';
COMMENT ON COLUMN rehearsal_chunk.sealed IS
  'One secretstream message (XChaCha20-Poly1305) of up to 256 KiB of the file, packed by itself (LZ4)';
