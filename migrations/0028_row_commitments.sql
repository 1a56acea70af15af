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

-- ------------------------------------------------------------------------------------------------------------- erasure
-- A patient's identity goes, at the request of the trust, approved by a second person; what was counted and committed to
-- stays as it was.

CREATE TABLE erasure (
  provider   text        NOT NULL,
  id         text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  submission bigint      NOT NULL,
  row_no     integer     NOT NULL CHECK (row_no > 0),
  reason     text        NOT NULL CHECK (octet_length(reason) BETWEEN 10 AND 500),
  state      text        NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'approved', 'refused', 'done')),
  asked_by   text        NOT NULL,
  asked_at   timestamptz NOT NULL,
  decided_by text,
  decided_at timestamptz CHECK (decided_at >= asked_at),
  done_at    timestamptz,
  rows       bigint      CHECK (rows > 0),
  uploads    bigint      CHECK (uploads >= 0),
  PRIMARY KEY (provider, id),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  FOREIGN KEY (provider, asked_by) REFERENCES person (organisation, id),
  FOREIGN KEY (provider, decided_by) REFERENCES person (organisation, id),
  CONSTRAINT erasure_decided CHECK ((state = 'asked') = (decided_at IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
  CONSTRAINT erasure_two_persons CHECK (state NOT IN ('approved', 'done') OR decided_by <> asked_by),
  CONSTRAINT erasure_done CHECK (num_nulls(done_at, rows, uploads) = CASE state WHEN 'done' THEN 0 ELSE 3 END)
);
CREATE UNIQUE INDEX erasure_one_open ON erasure (provider, submission, row_no) WHERE state IN ('asked', 'approved');
COMMENT ON TABLE erasure IS 'Requests of a trust to erase the identity of the patient of a row, in all its rows';
COMMENT ON COLUMN erasure.provider IS 'Provider (ODS)';
COMMENT ON COLUMN erasure.id IS 'Generated id, as in URLs';
COMMENT ON COLUMN erasure.submission IS 'submission.no of the row that names the patient';
COMMENT ON COLUMN erasure.row_no IS 'The row that names the patient';
COMMENT ON COLUMN erasure.reason IS 'Why, without anything that identifies the patient';
COMMENT ON COLUMN erasure.state IS 'asked, approved (by a second person; the worker erases), refused (or taken back), done';
COMMENT ON COLUMN erasure.asked_by IS 'Person of the trust who asked';
COMMENT ON COLUMN erasure.asked_at IS 'Instant on the product clock';
COMMENT ON COLUMN erasure.decided_by IS 'Person of the trust who approved or refused';
COMMENT ON COLUMN erasure.decided_at IS 'Instant on the product clock';
COMMENT ON COLUMN erasure.done_at IS 'Instant on the product clock';
COMMENT ON COLUMN erasure.rows IS 'Rows of accepted submissions that lost their identity';
COMMENT ON COLUMN erasure.uploads IS 'Uploads whose bytes as sent were destroyed by it';

CREATE TABLE erased_row (
  provider     text    NOT NULL,
  submission   bigint  NOT NULL,
  row_no       integer NOT NULL CHECK (row_no > 0),
  commissioner text    NOT NULL,
  erasure      text    NOT NULL,
  row_sha256   bytea   NOT NULL CHECK (length(row_sha256) = 32),
  PRIMARY KEY (provider, submission, row_no),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  FOREIGN KEY (provider, erasure) REFERENCES erasure (provider, id)
);
COMMENT ON TABLE erased_row IS 'Rows of accepted submissions whose identity was erased';
COMMENT ON COLUMN erased_row.provider IS 'Provider (ODS)';
COMMENT ON COLUMN erased_row.submission IS 'submission.no';
COMMENT ON COLUMN erased_row.row_no IS 'Row of the file';
COMMENT ON COLUMN erased_row.commissioner IS 'episode.commissioner';
COMMENT ON COLUMN erased_row.erasure IS 'erasure.id';
COMMENT ON COLUMN erased_row.row_sha256 IS 'Digest of the row (episode_sha256) before: acts on the row and positions name it';

CREATE TABLE erased_alias (
  provider text NOT NULL,
  alias    text NOT NULL CHECK (alias ~ '^[a-z]{20}$'),
  erasure  text NOT NULL,
  PRIMARY KEY (provider, alias),
  FOREIGN KEY (provider, erasure) REFERENCES erasure (provider, id)
);
COMMENT ON TABLE erased_alias IS 'Random letters that stand where episode ids stood';
COMMENT ON COLUMN erased_alias.provider IS 'Provider (ODS)';
COMMENT ON COLUMN erased_alias.alias IS 'In the order of the ids that they replace, which decides between assessments of one day';
COMMENT ON COLUMN erased_alias.erasure IS 'erasure.id';

CREATE TABLE erased_tag (
  provider       text     NOT NULL,
  patient        uuid     NOT NULL,
  commissioner   text     NOT NULL,
  financial_year smallint NOT NULL,
  tag            text     NOT NULL CHECK (tag ~ '^[a-z]{20}$'),
  erasure        text     NOT NULL,
  PRIMARY KEY (provider, patient, commissioner, financial_year),
  FOREIGN KEY (provider, erasure) REFERENCES erasure (provider, id)
);
COMMENT ON TABLE erased_tag IS 'Pseudonyms of erased patients, which no longer follow from the keyed hash';
COMMENT ON COLUMN erased_tag.provider IS 'Provider (ODS)';
COMMENT ON COLUMN erased_tag.patient IS 'episode.patient of the erased rows: one random value';
COMMENT ON COLUMN erased_tag.commissioner IS 'Commissioner who knows the patient by it';
COMMENT ON COLUMN erased_tag.financial_year IS 'Year in which it begins';
COMMENT ON COLUMN erased_tag.tag IS 'The pseudonym as it was';
COMMENT ON COLUMN erased_tag.erasure IS 'erasure.id';

CREATE TABLE erased_upload (
  provider   text   NOT NULL,
  submission bigint NOT NULL,
  erasure    text   NOT NULL,
  PRIMARY KEY (provider, submission),
  FOREIGN KEY (provider, submission) REFERENCES submission (provider, no),
  FOREIGN KEY (provider, erasure) REFERENCES erasure (provider, id)
);
COMMENT ON TABLE erased_upload IS 'Uploads whose bytes as sent were destroyed; their digest stays';
COMMENT ON COLUMN erased_upload.provider IS 'Provider (ODS)';
COMMENT ON COLUMN erased_upload.submission IS 'submission.no';
COMMENT ON COLUMN erased_upload.erasure IS 'erasure.id of the first that destroyed them';

CREATE FUNCTION keep_erasure() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (OLD.state, NEW.state) NOT IN (('asked', 'approved'), ('asked', 'refused'), ('approved', 'done'))
     OR (NEW.provider, NEW.id, NEW.submission, NEW.row_no, NEW.reason, NEW.asked_by, NEW.asked_at)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.submission, OLD.row_no, OLD.reason, OLD.asked_by, OLD.asked_at)
     OR (OLD.state = 'approved' AND (NEW.decided_by, NEW.decided_at) IS DISTINCT FROM (OLD.decided_by, OLD.decided_at)) THEN
    RAISE EXCEPTION 'an erasure is asked for, decided once and done once'
      USING ERRCODE = 'restrict_violation', TABLE = 'erasure', CONSTRAINT = 'erasure_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_erasure() IS 'Trigger body: an erasure is decided once, done once, and never forgotten';
CREATE TRIGGER erasure_kept BEFORE UPDATE OR DELETE ON erasure FOR EACH ROW EXECUTE FUNCTION keep_erasure();
CREATE TRIGGER erasure_not_truncated BEFORE TRUNCATE ON erasure FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erased_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erased_alias_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_alias
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erased_tag_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_tag
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erased_upload_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_upload
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION log_erasure() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('erasure', NEW.provider, NULL, NEW.id, format(
    '"at":"%s","erasure":"%s","kind":"erasure","provider":"%s","rows":%s,"uploads":%s', reckoner.log_instant(NEW.done_at),
    NEW.id, NEW.provider, NEW.rows, NEW.uploads));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_erasure() IS 'Trigger body: erasures go into the log when they are done';
CREATE TRIGGER erasure_logged AFTER UPDATE ON erasure FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION log_erasure();

-- The digest of an erased row is what it was, so that acts on it and positions that name it hold on.
CREATE OR REPLACE FUNCTION episode_sha256(e episode) RETURNS bytea
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT x.row_sha256 FROM reckoner.erased_row x WHERE x.provider = e.provider
                   AND x.submission = e.submission AND x.row_no = e.row_no),
    sha256(convert_to(jsonb_build_array(e.episode_id, e.patient, e.commissioner, e.cluster, e.service, e.start_date,
      e.end_date, e.mhct_date, e.mhct_reason, e.referral_date, e.last_contact, e.admitted_days, e.assessment_only, e.continues,
      e.approved, e.minor, e.failed)::text, 'UTF8')))
$$;
COMMENT ON FUNCTION episode_sha256(episode) IS 'Digest of what a row says: another one when the row was changed, the same wherever the row stands in its file, and after its identity was erased';

-- What is never changed lets one change through: an alias in place of an episode id.
CREATE FUNCTION is_erasure(before jsonb, after jsonb) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT before - 'episode_id' = after - 'episode_id'
         AND EXISTS (SELECT FROM reckoner.erased_alias a WHERE a.provider = after ->> 'provider'
                     AND a.alias = after ->> 'episode_id')
$$;
COMMENT ON FUNCTION is_erasure(jsonb, jsonb) IS 'Whether nothing but the episode id of a row is changed, into an alias of an erasure';

DROP TRIGGER challenge_row_kept ON challenge_row;
CREATE TRIGGER challenge_row_kept BEFORE UPDATE ON challenge_row FOR EACH ROW
  WHEN ((NOT OLD.open OR (NEW.provider, NEW.contract, NEW.commissioner, NEW.number, NEW.month, NEW.episode_id, NEW.cluster,
        NEW.counter_cluster, NEW.counter_days, NEW.counter_unpayable) IS DISTINCT FROM (OLD.provider, OLD.contract,
        OLD.commissioner, OLD.number, OLD.month, OLD.episode_id, OLD.cluster, OLD.counter_cluster, OLD.counter_days,
        OLD.counter_unpayable)) AND NOT is_erasure(to_jsonb(OLD), to_jsonb(NEW)))
  EXECUTE FUNCTION keep_decision();
DROP TRIGGER decision_append_only ON decision;
CREATE TRIGGER decision_append_only BEFORE UPDATE ON decision FOR EACH ROW
  WHEN (NOT is_erasure(to_jsonb(OLD), to_jsonb(NEW))) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_not_deleted BEFORE DELETE OR TRUNCATE ON decision
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DO $$
DECLARE
  known record;
BEGIN
  SELECT conname INTO STRICT known FROM pg_constraint
   WHERE conrelid = 'reckoner.decision'::regclass AND contype = 'f' AND confrelid = 'reckoner.challenge_row'::regclass;
  EXECUTE format('ALTER TABLE reckoner.decision ALTER CONSTRAINT %I DEFERRABLE', known.conname);
END $$;
DROP TRIGGER reattribution_row_kept ON reattribution_row;
CREATE TRIGGER reattribution_row_kept BEFORE UPDATE ON reattribution_row FOR EACH ROW
  WHEN ((NOT OLD.open OR (NEW.provider, NEW.n, NEW.month, NEW.commissioner, NEW.episode_id, NEW.row_sha256)
        IS DISTINCT FROM (OLD.provider, OLD.n, OLD.month, OLD.commissioner, OLD.episode_id, OLD.row_sha256))
        AND NOT is_erasure(to_jsonb(OLD), to_jsonb(NEW)))
  EXECUTE FUNCTION keep_decision();

CREATE OR REPLACE FUNCTION keep_chunk() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Only an incomplete submission can be deleted, and takes its chunks with it: then its row is gone already.
  IF TG_OP = 'DELETE' AND (NOT EXISTS (SELECT FROM reckoner.submission s
                                       WHERE s.provider = OLD.provider AND s.no = OLD.submission)
                           OR EXISTS (SELECT FROM reckoner.erased_upload u
                                      WHERE u.provider = OLD.provider AND u.submission = OLD.submission)) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the bytes of a submission are evidence'
    USING ERRCODE = 'restrict_violation', TABLE = 'submission_chunk', CONSTRAINT = 'submission_kept';
END $$;
COMMENT ON FUNCTION keep_chunk() IS 'Trigger body: uploaded bytes are never changed, and go only with an upload that was cut off, or by an erasure';

-- ----------------------------------------------------------------------------------------------------------- the act

CREATE FUNCTION random_ident(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT string_agg(substr('bcdfghjklmnpqrstvwxz', 1 + get_byte(bytes, i) % 20, 1), '' ORDER BY i) FROM generate_series(0, 19) i
$$;
COMMENT ON FUNCTION random_ident(bytea) IS 'Twenty letters, as generated ids have them, from twenty random bytes or more';

-- What rests on the rows across months and providers, in the worker's own forms (server/domain/history.h, overlap.h).
CREATE FUNCTION erase_history(p_provider text, p_erasure text, p_patient uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  x    record;
  part record;
  mark bytea;
  at   integer;
  kept bytea;
BEGIN
  FOR x IN SELECT r.submission, r.row_no, e.episode_id FROM reckoner.erased_row r
             JOIN reckoner.episode e USING (provider, submission, row_no)
            WHERE r.provider = p_provider AND r.erasure = p_erasure LOOP
    UPDATE reckoner.history_block b
       SET records = overlay(b.records PLACING substr(sha256(convert_to(x.episode_id, 'UTF8')), 1, 8)
                             || substr(uuid_send(p_patient), 1, 8) FROM (x.row_no - 1) % 8192 * 40 + 1)
     WHERE b.provider = p_provider AND b.submission = x.submission AND b.block = (x.row_no - 1) / 8192;
    mark := int4send(x.row_no);
    mark := substr(mark, 4, 1) || substr(mark, 3, 1) || substr(mark, 2, 1) || substr(mark, 1, 1);
    FOR part IN SELECT b.partition, b.records FROM reckoner.overlap_block b
                 WHERE b.provider = p_provider AND b.submission = x.submission AND position(mark IN b.records) > 0 LOOP
      kept := part.records;
      at := position(mark IN kept);
      WHILE at > 0 LOOP
        IF at % 16 = 9 THEN
          kept := substr(kept, 1, at - 9) || substr(kept, at + 8);
          at := at - 9;
        END IF;
        at := CASE WHEN position(mark IN substr(kept, at + 1)) = 0 THEN 0 ELSE at + position(mark IN substr(kept, at + 1)) END;
      END LOOP;
      IF length(kept) = 0 THEN
        DELETE FROM reckoner.overlap_block b
         WHERE b.provider = p_provider AND b.submission = x.submission AND b.partition = part.partition;
      ELSIF kept <> part.records THEN
        UPDATE reckoner.overlap_block b SET records = kept
         WHERE b.provider = p_provider AND b.submission = x.submission AND b.partition = part.partition;
      END IF;
    END LOOP;
  END LOOP;
END $$;
COMMENT ON FUNCTION erase_history(text, text, uuid) IS 'Part of erase_rows: keyed hashes that later months and other providers are compared with';

-- Files for a few people and days: whoever needs one asks again.
CREATE FUNCTION erase_copies(p_provider text, p_erasure text, p_olds text[], p_news text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m record;
BEGIN
  DELETE FROM reckoner.export_chunk c USING reckoner.export x
   WHERE x.provider = p_provider AND x.kind IN ('findings', 'fix_it') AND x.state = 'done'
     AND c.provider = x.provider AND c.export = x.id;
  UPDATE reckoner.export x SET state = 'removed'
   WHERE x.provider = p_provider AND x.kind IN ('findings', 'fix_it') AND x.state = 'done';
  DELETE FROM reckoner.rehearsal r WHERE r.provider = p_provider AND r.state = 'done';
  UPDATE reckoner.identifier_reading i SET state = 'expired', answer = NULL
   WHERE i.provider = p_provider AND i.state = 'ready' AND EXISTS (SELECT FROM reckoner.erased_row r
     WHERE r.provider = i.provider AND r.erasure = p_erasure AND r.submission = i.submission AND r.row_no = ANY (i.rows));
  FOR m IN SELECT * FROM unnest(p_olds, p_news) AS u (old, new) LOOP
    UPDATE reckoner.idempotency i SET body = replace(i.body, to_json(m.old)::text, to_json(m.new)::text)
     WHERE position(to_json(m.old)::text IN i.body) > 0
       AND (i.organisation = p_provider OR EXISTS (SELECT FROM reckoner.account a WHERE a.provider = p_provider
                                                   AND a.commissioner = i.organisation));
  END LOOP;
END $$;
COMMENT ON FUNCTION erase_copies(text, text, text[], text[]) IS 'Part of erase_rows: files, rehearsals and answers that may hold what is erased';

CREATE FUNCTION erase_rows(p_provider text, p_erasure text, p_alone boolean) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  e       reckoner.erasure;
  target  uuid;
  fresh   uuid := gen_random_uuid();
  olds    text[];
  news    text[];
  rows    bigint;
BEGIN
  SELECT * INTO STRICT e FROM reckoner.erasure x
   WHERE x.provider = p_provider AND x.id = p_erasure AND x.state = 'approved' FOR UPDATE;
  -- An act on rows that is under way names them as they were: it ends first.
  LOCK TABLE reckoner.challenge_row, reckoner.reattribution_row IN SHARE ROW EXCLUSIVE MODE;
  SELECT x.patient INTO STRICT target FROM reckoner.episode x
   WHERE x.provider = p_provider AND x.submission = e.submission AND x.row_no = e.row_no;
  INSERT INTO reckoner.erased_row (provider, submission, row_no, commissioner, erasure, row_sha256)
    SELECT x.provider, x.submission, x.row_no, x.commissioner, e.id, reckoner.episode_sha256(x) FROM reckoner.episode x
     WHERE x.provider = p_provider AND x.patient = target
       AND (NOT p_alone OR (x.submission = e.submission AND x.row_no = e.row_no));
  GET DIAGNOSTICS rows = ROW_COUNT;
  SELECT coalesce(array_agg(d.id ORDER BY d.id COLLATE "C"), '{}') INTO olds
    FROM (SELECT DISTINCT x.episode_id AS id
            FROM reckoner.episode x JOIN reckoner.erased_row r USING (provider, submission, row_no)
           WHERE r.provider = p_provider AND r.erasure = e.id AND x.episode_id <> '') d;
  SELECT coalesce(array_agg(d.id ORDER BY d.id COLLATE "C"), '{}') INTO news
    FROM (SELECT reckoner.random_ident(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS id
            FROM generate_series(1, cardinality(olds))) d;
  INSERT INTO reckoner.erased_alias (provider, alias, erasure) SELECT p_provider, n, e.id FROM unnest(news) n;

  UPDATE reckoner.decision d SET episode_id = m.new FROM unnest(olds, news) AS m (old, new), reckoner.challenge_row c
   WHERE d.provider = p_provider AND d.episode_id = m.old AND c.provider = d.provider AND c.contract = d.contract
     AND c.commissioner = d.commissioner AND c.number = d.number AND c.episode_id = d.episode_id
     AND EXISTS (SELECT FROM reckoner.erased_row r JOIN reckoner.submission s ON s.provider = r.provider AND s.no = r.submission
                 WHERE r.provider = p_provider AND r.erasure = e.id AND s.month = c.month);
  UPDATE reckoner.challenge_row c SET episode_id = m.new FROM unnest(olds, news) AS m (old, new)
   WHERE c.provider = p_provider AND c.episode_id = m.old
     AND EXISTS (SELECT FROM reckoner.erased_row r JOIN reckoner.submission s ON s.provider = r.provider AND s.no = r.submission
                 WHERE r.provider = p_provider AND r.erasure = e.id AND s.month = c.month);
  UPDATE reckoner.reattribution_row c SET episode_id = m.new FROM unnest(olds, news) AS m (old, new)
   WHERE c.provider = p_provider AND c.episode_id = m.old
     AND EXISTS (SELECT FROM reckoner.erased_row r JOIN reckoner.submission s ON s.provider = r.provider AND s.no = r.submission
                 WHERE r.provider = p_provider AND r.erasure = e.id AND s.month = c.month);
  UPDATE reckoner.difference d SET episode_id = m.new FROM unnest(olds, news) AS m (old, new)
   WHERE d.provider = p_provider AND d.episode_id = m.old
     AND EXISTS (SELECT FROM reckoner.erased_row r WHERE r.provider = p_provider AND r.erasure = e.id
                 AND ((r.submission, r.row_no) = (d.submission, d.row_no)
                      OR (r.submission, r.row_no) = (d.against, d.against_row)));
  UPDATE reckoner.finding f SET value = '', note = '',
         episode_id = coalesce((SELECT m.new FROM unnest(olds, news) AS m (old, new) WHERE m.old = f.episode_id), '')
    FROM reckoner.erased_row r WHERE r.provider = p_provider AND r.erasure = e.id AND f.provider = r.provider
     AND f.submission = r.submission AND f.row_no = r.row_no;
  -- Files that were not accepted have findings alone.
  UPDATE reckoner.finding f SET value = '', note = '', episode_id = m.new
    FROM unnest(olds, news) AS m (old, new), reckoner.submission s
   WHERE s.provider = p_provider AND s.state IN ('refused', 'held') AND f.provider = s.provider AND f.submission = s.no
     AND f.episode_id = m.old AND NOT p_alone;
  UPDATE reckoner.episode x SET patient = fresh,
         episode_id = coalesce((SELECT m.new FROM unnest(olds, news) AS m (old, new) WHERE m.old = x.episode_id), '')
    FROM reckoner.erased_row r WHERE r.provider = p_provider AND r.erasure = e.id AND x.provider = r.provider
     AND x.submission = r.submission AND x.row_no = r.row_no;
  PERFORM reckoner.erase_history(p_provider, e.id, fresh);
  PERFORM reckoner.erase_copies(p_provider, e.id, olds, news);
  RETURN rows;
END $$;
COMMENT ON FUNCTION erase_rows(text, text, boolean) IS
  'Takes the identity out of all rows of a patient (alone: out of the one row, whose patient is not named), for an approved erasure; says how many. The worker does what is sealed';

CREATE FUNCTION erase_upload(p_provider text, p_erasure text, p_submission bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM reckoner.erasure x WHERE x.provider = p_provider AND x.id = p_erasure AND x.state = 'approved' FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'conflict: the erasure is not approved' USING ERRCODE = 'P0001';
  END IF;
  INSERT INTO reckoner.erased_upload (provider, submission, erasure) VALUES (p_provider, p_submission, p_erasure)
    ON CONFLICT DO NOTHING;
  DELETE FROM reckoner.submission_chunk c WHERE c.provider = p_provider AND c.submission = p_submission;
END $$;
COMMENT ON FUNCTION erase_upload(text, text, bigint) IS 'Destroys the bytes of an upload as it was sent, for an approved erasure';

-- Readings of identities say what is gone.
DO $$
DECLARE
  body text := pg_get_functiondef((SELECT oid FROM pg_proc WHERE proname = 'ask_identifiers'));
  marked text := replace(body, 'INSERT INTO reckoner.audit_event',
    'IF EXISTS (SELECT FROM reckoner.erased_row r WHERE r.provider = p_provider AND r.submission = s.no'
    || ' AND r.row_no = ANY (p_rows)) THEN'
    || ' RAISE EXCEPTION ''erased: The identity of a row was erased at the request of the trust'' USING ERRCODE = ''P0001'';'
    || ' END IF; INSERT INTO reckoner.audit_event');
BEGIN
  IF marked = body THEN
    RAISE EXCEPTION 'ask_identifiers has another shape than this migration knows';
  END IF;
  EXECUTE marked;
END $$;

DO $$
DECLARE
  kinds text;
  t     text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''erase''::text, ');
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.log_entry'::regclass AND conname = 'log_entry_kind_check';
  EXECUTE 'ALTER TABLE reckoner.log_entry DROP CONSTRAINT log_entry_kind_check, ADD CONSTRAINT log_entry_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''erasure''::text, ');
  FOREACH t IN ARRAY ARRAY['erasure', 'erased_row', 'erased_alias', 'erased_tag', 'erased_upload'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_auditor, reckoner_worker', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['erasure', 'erased_upload'] LOOP
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_web'
      ' USING (provider = ANY ((SELECT reckoner.visible_providers())::text[]))', t || '_read', t);
  END LOOP;
END $$;
COMMENT ON COLUMN log_entry.kind IS 'What was noted: receipt, statement, certificate, terms_approval, document, key, window_closed, audit_head, recovery, void, erasure';
CREATE POLICY erased_row_read ON erased_row FOR SELECT TO reckoner_web
  USING (provider = (SELECT acting_provider()) OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = (SELECT acting_commissioner())
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY erasure_ask ON erasure FOR INSERT TO reckoner_web
  WITH CHECK (provider = (SELECT acting_provider()) AND asked_by = (SELECT caller_person()) AND state = 'asked');
CREATE POLICY erasure_decide ON erasure FOR UPDATE TO reckoner_web
  USING (provider = (SELECT acting_provider()))
  WITH CHECK (state IN ('approved', 'refused') AND decided_by = (SELECT caller_person()));
REVOKE ALL ON FUNCTION keep_erasure(), log_erasure(), is_erasure(jsonb, jsonb), random_ident(bytea),
  erase_history(text, text, uuid), erase_copies(text, text, text[], text[]), erase_rows(text, text, boolean),
  erase_upload(text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_erasure(jsonb, jsonb) TO reckoner_web, reckoner_worker;
GRANT EXECUTE ON FUNCTION erase_rows(text, text, boolean), erase_upload(text, text, bigint) TO reckoner_worker;
GRANT SELECT ON erasure, erased_row, erased_upload TO reckoner_web;
GRANT INSERT (provider, id, submission, row_no, reason, asked_by, asked_at), UPDATE (state, decided_by, decided_at)
  ON erasure TO reckoner_web;
GRANT UPDATE (state, done_at, rows, uploads) ON erasure TO reckoner_worker;
GRANT INSERT ON erased_tag TO reckoner_worker;
