-- Shadow assessment (api/formats/sampling.md): an auditor promises a nonce by its digest, the log takes the promise in, and
-- the first checkpoint that covers it makes the seed together with the nonce. A second rater's clusters stand beside the rows
-- drawn; nothing of it changes a position.
SET LOCAL search_path = reckoner, pg_catalog;

ALTER TABLE log_checkpoint ADD UNIQUE (size, root);

CREATE TABLE audit_sample (
  provider     text        NOT NULL,
  id           text        NOT NULL CHECK (id ~ '^[a-z]{20}$'),
  contract     text        NOT NULL,
  commissioner text        NOT NULL,
  statement    text        NOT NULL,
  method       text        NOT NULL CHECK (method IN ('random', 'mus')),
  size         integer     NOT NULL CHECK (size BETWEEN 1 AND 2000),
  nonce_sha256 bytea       NOT NULL CHECK (length(nonce_sha256) = 32),
  organisation text        NOT NULL,
  person       text        NOT NULL,
  promised_at  timestamptz NOT NULL,
  state        text        NOT NULL DEFAULT 'promised'
                           CHECK (state IN ('promised', 'revealed', 'drawn', 'closing', 'closed', 'void')),
  nonce        text        CHECK (nonce ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
  revealed_at  timestamptz CHECK (revealed_at >= promised_at),
  checkpoint   bigint,
  root         bytea,
  seed         bytea,
  picks        integer     CHECK (picks BETWEEN 1 AND 2000),
  confidence   integer     CHECK (confidence IN (80, 90, 95)),
  closed_by    text,
  closed_at    timestamptz CHECK (closed_at >= revealed_at),
  result       text        CHECK (octet_length(result) BETWEEN 2 AND 16777216),
  reason       text        CHECK (length(reason) BETWEEN 1 AND 500),
  PRIMARY KEY (provider, id),
  UNIQUE (provider, id, organisation),
  FOREIGN KEY (provider, statement) REFERENCES statement (provider, record),
  FOREIGN KEY (provider, contract, commissioner) REFERENCES account (provider, contract, commissioner),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  FOREIGN KEY (organisation, closed_by) REFERENCES person (organisation, id),
  FOREIGN KEY (checkpoint, root) REFERENCES log_checkpoint (size, root),
  CONSTRAINT audit_sample_third CHECK (organisation NOT IN (provider, commissioner)),
  CONSTRAINT audit_sample_promise CHECK (nonce IS NULL OR sha256(convert_to(nonce, 'UTF8')) = nonce_sha256),
  CONSTRAINT audit_sample_seed
    CHECK (seed = sha256(convert_to('reckoner/sample/1', 'UTF8') || '\x0a'::bytea || root || convert_to(nonce, 'UTF8'))),
  CONSTRAINT audit_sample_state CHECK (
    (state = 'promised') = (num_nonnulls(nonce, revealed_at, checkpoint, root, seed) = 0)
    AND num_nonnulls(nonce, revealed_at, checkpoint, root, seed) IN (0, 5)
    AND (picks IS NOT NULL) = (state IN ('drawn', 'closing', 'closed'))
    AND num_nonnulls(confidence, closed_by, closed_at) IN (0, 3)
    AND (confidence IS NOT NULL) = (state IN ('closing', 'closed'))
    AND (result IS NOT NULL) = (state = 'closed') AND (reason IS NOT NULL) = (state = 'void'))
);
CREATE INDEX audit_sample_listed ON audit_sample (provider, promised_at, id);
CREATE INDEX audit_sample_of_statement ON audit_sample (provider, statement);
COMMENT ON TABLE audit_sample IS 'Samples of the rows behind a statement, with a second rater''s clusters: taken by an auditor, read by both parties and their auditors';
COMMENT ON COLUMN audit_sample.provider IS 'Provider (ODS)';
COMMENT ON COLUMN audit_sample.id IS 'Generated id';
COMMENT ON COLUMN audit_sample.contract IS 'Contract of the statement';
COMMENT ON COLUMN audit_sample.commissioner IS 'Account of the statement';
COMMENT ON COLUMN audit_sample.statement IS 'statement.record';
COMMENT ON COLUMN audit_sample.method IS 'random: every row has the same chance; mus: every pound';
COMMENT ON COLUMN audit_sample.size IS 'Rows, or hits of monetary units';
COMMENT ON COLUMN audit_sample.nonce_sha256 IS 'SHA-256 of the nonce, promised before the checkpoint was there';
COMMENT ON COLUMN audit_sample.organisation IS 'Auditor who takes it; neither party';
COMMENT ON COLUMN audit_sample.person IS 'Person who promised';
COMMENT ON COLUMN audit_sample.promised_at IS 'Instant on the product clock';
COMMENT ON COLUMN audit_sample.state IS 'promised; revealed: the worker draws; drawn: second ratings come in; closing: the worker computes; closed: result is there; void: nothing could be drawn';
COMMENT ON COLUMN audit_sample.nonce IS 'The nonce, once shown';
COMMENT ON COLUMN audit_sample.revealed_at IS 'When it was shown: instant on the product clock';
COMMENT ON COLUMN audit_sample.checkpoint IS 'Size of the first checkpoint that covers the promise';
COMMENT ON COLUMN audit_sample.root IS 'Its root';
COMMENT ON COLUMN audit_sample.seed IS 'SHA-256 of purpose, root and nonce';
COMMENT ON COLUMN audit_sample.picks IS 'Rows drawn';
COMMENT ON COLUMN audit_sample.confidence IS 'Per cent, of the result';
COMMENT ON COLUMN audit_sample.closed_by IS 'Person who closed it';
COMMENT ON COLUMN audit_sample.closed_at IS 'Instant on the product clock';
COMMENT ON COLUMN audit_sample.result IS 'The result, canonical JSON';
COMMENT ON COLUMN audit_sample.reason IS 'Why nothing could be drawn';

CREATE TABLE audit_sample_row (
  provider  text    NOT NULL,
  sample    text    NOT NULL,
  pick      integer NOT NULL CHECK (pick BETWEEN 1 AND 2000),
  month     date    NOT NULL CHECK (extract(day FROM month) = 1),
  row_no    integer NOT NULL CHECK (row_no > 0),
  cluster   text    NOT NULL CHECK (length(cluster) <= 2),
  team      text    NOT NULL CHECK (length(team) <= 12),
  pence     bigint  NOT NULL,
  hash      bytea   CHECK (length(hash) = 32),
  first_hit integer CHECK (first_hit > 0),
  hits      integer CHECK (hits > 0),
  point     bigint  CHECK (point > 0),
  certain   boolean,
  PRIMARY KEY (provider, sample, pick),
  UNIQUE (provider, sample, month, row_no),
  FOREIGN KEY (provider, sample) REFERENCES audit_sample (provider, id),
  CONSTRAINT audit_sample_row_why CHECK (num_nonnulls(first_hit, hits, point, certain) = CASE WHEN hash IS NULL THEN 4 ELSE 0 END)
);
COMMENT ON TABLE audit_sample_row IS 'Rows that a sample drew; never changed, so no pseudonym of a patient is kept, which an erasure would have to reach';
COMMENT ON COLUMN audit_sample_row.provider IS 'Provider (ODS)';
COMMENT ON COLUMN audit_sample_row.sample IS 'audit_sample.id';
COMMENT ON COLUMN audit_sample_row.pick IS '1, 2 ... in the order of the working paper';
COMMENT ON COLUMN audit_sample_row.month IS 'First day of the month';
COMMENT ON COLUMN audit_sample_row.row_no IS 'Row of the month''s submission';
COMMENT ON COLUMN audit_sample_row.cluster IS 'Cluster that counts: as decided, otherwise as sent';
COMMENT ON COLUMN audit_sample_row.team IS 'The row''s service';
COMMENT ON COLUMN audit_sample_row.pence IS 'What the row adds to activity lines, pence';
COMMENT ON COLUMN audit_sample_row.hash IS 'random: its rank, SHA-256 of seed and place; null for monetary units';
COMMENT ON COLUMN audit_sample_row.first_hit IS 'mus: number of the first hit on it';
COMMENT ON COLUMN audit_sample_row.hits IS 'mus: how many hits';
COMMENT ON COLUMN audit_sample_row.point IS 'mus: the pence that the first hit falls on, from 1';
COMMENT ON COLUMN audit_sample_row.certain IS 'mus: worth the interval or more, so that no start could miss it';

CREATE TABLE audit_sample_rating (
  provider     text        NOT NULL,
  sample       text        NOT NULL,
  pick         integer     NOT NULL,
  n            integer     NOT NULL CHECK (n > 0),
  cluster      text        CHECK (cluster = 'none' OR (cluster ~ '^[0-2][0-9]$' AND cluster <= '21' AND cluster <> '09')),
  payable_days integer     CHECK (payable_days BETWEEN 0 AND 31),
  organisation text        NOT NULL,
  person       text        NOT NULL,
  at           timestamptz NOT NULL,
  PRIMARY KEY (provider, sample, pick, n),
  FOREIGN KEY (provider, sample, pick) REFERENCES audit_sample_row (provider, sample, pick),
  FOREIGN KEY (provider, sample, organisation) REFERENCES audit_sample (provider, id, organisation),
  FOREIGN KEY (organisation, person) REFERENCES person (organisation, id),
  CONSTRAINT audit_sample_rating_says CHECK (num_nonnulls(cluster, payable_days) > 0),
  CONSTRAINT audit_sample_rating_none CHECK (cluster IS DISTINCT FROM 'none' OR payable_days IS NULL)
);
COMMENT ON TABLE audit_sample_rating IS 'What a second rater found on a row, by people of the auditor alone; a later one stands in place of an earlier, which is kept';
COMMENT ON COLUMN audit_sample_rating.provider IS 'Provider (ODS)';
COMMENT ON COLUMN audit_sample_rating.sample IS 'audit_sample.id';
COMMENT ON COLUMN audit_sample_rating.pick IS 'audit_sample_row.pick';
COMMENT ON COLUMN audit_sample_rating.n IS '1, 2 ... of the pick; the last counts';
COMMENT ON COLUMN audit_sample_rating.cluster IS 'Second rater''s cluster; none: the record bears out nothing, so that nothing is payable; null: not compared';
COMMENT ON COLUMN audit_sample_rating.payable_days IS 'Of the row''s days in the month the earliest so many are borne out; null: as counted';
COMMENT ON COLUMN audit_sample_rating.organisation IS 'audit_sample.organisation: the auditor';
COMMENT ON COLUMN audit_sample_rating.person IS 'Second rater';
COMMENT ON COLUMN audit_sample_rating.at IS 'Instant on the product clock';

-- ------------------------------------------------------------------------------------------------------------ what must hold

CREATE FUNCTION begin_audit_sample() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.state <> 'promised' OR NOT EXISTS (SELECT FROM reckoner.statement s WHERE s.provider = NEW.provider
      AND s.record = NEW.statement AND s.contract = NEW.contract AND s.commissioner = NEW.commissioner) THEN
    RAISE EXCEPTION 'a sample begins as a promise about a statement of its account'
      USING ERRCODE = 'check_violation', TABLE = 'audit_sample', CONSTRAINT = 'audit_sample_begins';
  END IF;
  PERFORM reckoner.log_note('sample', NEW.provider, NEW.commissioner, NEW.id, format(
    '"at":"%s","kind":"sample","method":"%s","nonce_sha256":"%s","provider":"%s","sample":"%s","size":%s,"statement":"%s"',
    reckoner.log_instant(NEW.promised_at), NEW.method, encode(NEW.nonce_sha256, 'hex'), NEW.provider, NEW.id, NEW.size,
    NEW.statement));
  RETURN NEW;
END $$;
COMMENT ON FUNCTION begin_audit_sample() IS 'Trigger body: a sample begins as a promise, which goes into the log';
CREATE TRIGGER audit_sample_begins BEFORE INSERT ON audit_sample FOR EACH ROW EXECUTE FUNCTION begin_audit_sample();

CREATE FUNCTION sample_checkpoint(p_sample text) RETURNS TABLE (size bigint, root bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.size, c.root FROM reckoner.log_entry e JOIN reckoner.log_checkpoint c ON c.size > e.leaf
   WHERE e.kind = 'sample' AND e.subject = p_sample ORDER BY c.size LIMIT 1
$$;
COMMENT ON FUNCTION sample_checkpoint(text) IS 'The first checkpoint of the log that covers the promise of a sample; no row: it is not signed yet';

CREATE FUNCTION keep_audit_sample() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fault text;
BEGIN
  IF TG_OP = 'DELETE'
     OR (OLD.state, NEW.state) NOT IN (('promised', 'revealed'), ('revealed', 'drawn'), ('revealed', 'void'),
                                       ('drawn', 'closing'), ('closing', 'closed'))
     OR (NEW.provider, NEW.id, NEW.contract, NEW.commissioner, NEW.statement, NEW.method, NEW.size, NEW.nonce_sha256,
         NEW.organisation, NEW.person, NEW.promised_at)
        IS DISTINCT FROM (OLD.provider, OLD.id, OLD.contract, OLD.commissioner, OLD.statement, OLD.method, OLD.size,
         OLD.nonce_sha256, OLD.organisation, OLD.person, OLD.promised_at)
     OR (OLD.state <> 'promised' AND (NEW.nonce, NEW.revealed_at, NEW.checkpoint, NEW.root, NEW.seed)
         IS DISTINCT FROM (OLD.nonce, OLD.revealed_at, OLD.checkpoint, OLD.root, OLD.seed))
     OR (OLD.state <> 'revealed' AND NEW.picks IS DISTINCT FROM OLD.picks)
     OR (OLD.state <> 'drawn' AND (NEW.confidence, NEW.closed_by, NEW.closed_at)
         IS DISTINCT FROM (OLD.confidence, OLD.closed_by, OLD.closed_at)) THEN
    fault := 'audit_sample_kept';
  ELSIF NEW.state = 'revealed'
        AND (NEW.checkpoint, NEW.root) IS DISTINCT FROM (SELECT (c.size, c.root) FROM reckoner.sample_checkpoint(NEW.id) c) THEN
    fault := 'audit_sample_first_checkpoint';
  ELSIF NEW.state = 'drawn' AND NEW.picks <> (SELECT count(*) FROM reckoner.audit_sample_row r
                                              WHERE r.provider = NEW.provider AND r.sample = NEW.id) THEN
    fault := 'audit_sample_picks';
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'a sample is promised, shown, drawn and closed once, from the checkpoint that its promise leads to'
      USING ERRCODE = 'restrict_violation', TABLE = 'audit_sample', CONSTRAINT = fault;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_audit_sample() IS 'Trigger body: each step of a sample is taken once and in order; the checkpoint is the first that covers the promise; as many rows as picks';
CREATE TRIGGER audit_sample_kept BEFORE UPDATE OR DELETE ON audit_sample FOR EACH ROW EXECUTE FUNCTION keep_audit_sample();
CREATE TRIGGER audit_sample_not_truncated BEFORE TRUNCATE ON audit_sample
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Rows are drawn before the ratings, ratings given before the end: each locks out the step that ends its time.
CREATE FUNCTION keep_audit_sample_part() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM reckoner.audit_sample a WHERE (a.provider, a.id) IN (SELECT n.provider, n.sample FROM new_rows n) FOR SHARE;
  IF EXISTS (SELECT FROM new_rows n JOIN reckoner.audit_sample a ON a.provider = n.provider AND a.id = n.sample
             WHERE a.state <> TG_ARGV[0]) THEN
    RAISE EXCEPTION 'rows are drawn once, and second ratings given while the sample is open'
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_in_time';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_audit_sample_part() IS 'Trigger body: a part of a sample is added in the state that the trigger names';
CREATE TRIGGER audit_sample_row_in_time AFTER INSERT ON audit_sample_row REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_sample_part('revealed');
CREATE TRIGGER audit_sample_rating_in_time AFTER INSERT ON audit_sample_rating REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_sample_part('drawn');
CREATE TRIGGER audit_sample_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_sample_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_sample_rating_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_sample_rating
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ------------------------------------------------------------------------------------------- the bundle that it is drawn from

ALTER TABLE export
  ADD COLUMN checkpoint bigint REFERENCES log_checkpoint (size),
  ADD CONSTRAINT export_checkpoint CHECK (checkpoint IS NULL OR kind = 'bundle');
COMMENT ON COLUMN export.checkpoint IS 'Of a bundle: the size of the checkpoint that it holds; null: the newest when it is made';

CREATE FUNCTION keep_export_checkpoint() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.checkpoint IS DISTINCT FROM OLD.checkpoint THEN
    RAISE EXCEPTION 'an export is asked for, made once and removed once'
      USING ERRCODE = 'restrict_violation', TABLE = 'export', CONSTRAINT = 'export_kept';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_export_checkpoint() IS 'Trigger body: the checkpoint that an export was asked for does not change';
CREATE TRIGGER export_checkpoint_kept BEFORE UPDATE ON export FOR EACH ROW EXECUTE FUNCTION keep_export_checkpoint();
REVOKE ALL ON FUNCTION keep_export_checkpoint() FROM PUBLIC;
GRANT INSERT (checkpoint) ON export TO reckoner_web;

-- ---------------------------------------------------------------------------------------------------------------- rights

DO $$
DECLARE
  kinds text;
  t     text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.job'::regclass AND conname = 'job_kind_check';
  EXECUTE 'ALTER TABLE reckoner.job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''sample''::text, ');
  SELECT pg_get_constraintdef(oid) INTO STRICT kinds FROM pg_constraint
   WHERE conrelid = 'reckoner.log_entry'::regclass AND conname = 'log_entry_kind_check';
  EXECUTE 'ALTER TABLE reckoner.log_entry DROP CONSTRAINT log_entry_kind_check, ADD CONSTRAINT log_entry_kind_check '
          || replace(kinds, 'ARRAY[', 'ARRAY[''sample''::text, ');
  FOREACH t IN ARRAY ARRAY['audit_sample', 'audit_sample_row', 'audit_sample_rating'] LOOP
    EXECUTE format('ALTER TABLE reckoner.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON reckoner.%I FOR SELECT TO reckoner_auditor USING (true)', t || '_auditor', t);
    EXECUTE format('GRANT SELECT ON reckoner.%I TO reckoner_web, reckoner_auditor, reckoner_worker', t);
  END LOOP;
END $$;
COMMENT ON COLUMN log_entry.kind IS 'What was noted: receipt, statement, certificate, terms_approval, document, key, window_closed, audit_head, recovery, void, erasure, sample';
CREATE POLICY audit_sample_read ON audit_sample FOR SELECT TO reckoner_web
  USING (provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[]));
CREATE POLICY audit_sample_promise ON audit_sample FOR INSERT TO reckoner_web
  WITH CHECK ((SELECT caller_role()) = 'auditor' AND organisation = (SELECT caller_organisation())
              AND person = (SELECT caller_person()) AND state = 'promised'
              AND EXISTS (SELECT FROM statement s WHERE s.provider = audit_sample.provider
                          AND s.record = audit_sample.statement));
CREATE POLICY audit_sample_next ON audit_sample FOR UPDATE TO reckoner_web
  USING ((SELECT caller_role()) = 'auditor' AND organisation = (SELECT caller_organisation()))
  WITH CHECK (state IN ('revealed', 'closing') AND (state = 'revealed' OR closed_by = (SELECT caller_person())));
CREATE POLICY audit_sample_row_read ON audit_sample_row FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM audit_sample a WHERE a.provider = audit_sample_row.provider AND a.id = audit_sample_row.sample));
CREATE POLICY audit_sample_rating_read ON audit_sample_rating FOR SELECT TO reckoner_web
  USING (EXISTS (SELECT FROM audit_sample a WHERE a.provider = audit_sample_rating.provider
                 AND a.id = audit_sample_rating.sample));
CREATE POLICY audit_sample_rating_add ON audit_sample_rating FOR INSERT TO reckoner_web
  WITH CHECK ((SELECT caller_role()) = 'auditor' AND organisation = (SELECT caller_organisation())
              AND person = (SELECT caller_person())
              AND EXISTS (SELECT FROM audit_sample a WHERE a.provider = audit_sample_rating.provider
                          AND a.id = audit_sample_rating.sample AND a.organisation = (SELECT caller_organisation())));
CREATE POLICY job_add_sample ON job FOR INSERT TO reckoner_web
  WITH CHECK (kind = 'sample' AND state = 'queued'
              AND EXISTS (SELECT FROM audit_sample a WHERE a.provider = job.provider AND a.id = job.subject
                          AND a.organisation = (SELECT caller_organisation())));
CREATE POLICY job_read_sample ON job FOR SELECT TO reckoner_web
  USING (kind = 'sample' AND EXISTS (SELECT FROM audit_sample a WHERE a.provider = job.provider AND a.id = job.subject));

REVOKE ALL ON FUNCTION begin_audit_sample(), sample_checkpoint(text), keep_audit_sample(), keep_audit_sample_part()
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sample_checkpoint(text) TO reckoner_web;
GRANT INSERT (provider, id, contract, commissioner, statement, method, size, nonce_sha256, organisation, person, promised_at),
  UPDATE (state, nonce, revealed_at, checkpoint, root, seed, confidence, closed_by, closed_at) ON audit_sample TO reckoner_web;
GRANT INSERT (provider, sample, pick, n, cluster, payable_days, organisation, person, at) ON audit_sample_rating TO reckoner_web;
GRANT UPDATE (state, picks, result, reason) ON audit_sample TO reckoner_worker;
GRANT INSERT ON audit_sample_row TO reckoner_worker;
