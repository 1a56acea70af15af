-- The log: one Merkle tree (RFC 6962) over everything that was signed, agreed, issued or closed, and the chain of the audit
-- trail, whose heads are in the log.
--
-- What belongs there is noted by triggers, in the transaction of the act itself, so that no program can forget it. Writers
-- do not queue on the end of the log: they leave a line in log_pending, and a worker moves committed lines into the tree.
SET LOCAL search_path = reckoner, pg_catalog;

CREATE TABLE log_pending (
  no           bigint  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind         text    NOT NULL,
  provider     text,
  commissioner text,
  subject      text    NOT NULL,
  entry        text    NOT NULL
);
COMMENT ON TABLE log_pending IS 'Entries whose act is committed and which a worker has not put into the log yet';
COMMENT ON COLUMN log_pending.no IS 'Order of writing';
COMMENT ON COLUMN log_pending.kind IS 'As log_entry.kind';
COMMENT ON COLUMN log_pending.provider IS 'As log_entry.provider';
COMMENT ON COLUMN log_pending.commissioner IS 'As log_entry.commissioner';
COMMENT ON COLUMN log_pending.subject IS 'As log_entry.subject';
COMMENT ON COLUMN log_pending.entry IS 'As log_entry.entry';

CREATE TABLE log_entry (
  leaf         bigint  NOT NULL PRIMARY KEY CHECK (leaf >= 0),
  kind         text    NOT NULL CHECK (kind IN ('receipt', 'statement', 'certificate', 'terms_approval', 'document', 'key',
                                                'window_closed', 'audit_head', 'recovery', 'void')),
  provider     text,
  commissioner text,
  subject      text    NOT NULL,
  entry        text    NOT NULL CHECK (octet_length(entry) <= 4096),
  hash         bytea   NOT NULL,
  CHECK (hash = sha256('\x00'::bytea || convert_to(entry, 'UTF8')))
);
CREATE INDEX log_entry_subject ON log_entry (subject, kind);
CREATE INDEX log_entry_provider ON log_entry (provider, leaf);
COMMENT ON TABLE log_entry IS 'Leaves of the log, in order; never changed';
COMMENT ON COLUMN log_entry.leaf IS 'Place in the tree, from 0, without gaps';
COMMENT ON COLUMN log_entry.kind IS 'What was noted: receipt, statement, certificate, terms_approval, document, key, window_closed, audit_head, recovery, void';
COMMENT ON COLUMN log_entry.provider IS 'Provider whose affairs it touches; null for the service''s own';
COMMENT ON COLUMN log_entry.commissioner IS 'Commissioner who may read it beside the provider; null: the provider''s contracts'' commissioners may not';
COMMENT ON COLUMN log_entry.subject IS 'Generated id or number of the thing, for looking it up';
COMMENT ON COLUMN log_entry.entry IS 'Canonical JSON, see api/formats/log.md: what is hashed';
COMMENT ON COLUMN log_entry.hash IS 'Leaf hash: SHA-256 of 0x00 and the entry';

CREATE TABLE log_node (
  level smallint NOT NULL CHECK (level BETWEEN 1 AND 47),
  place bigint   NOT NULL CHECK (place >= 0),
  hash  bytea    NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, place)
);
COMMENT ON TABLE log_node IS 'Complete subtrees of the log above its leaves; each is written once, when its last leaf comes';
COMMENT ON COLUMN log_node.level IS 'Covers 2^level leaves';
COMMENT ON COLUMN log_node.place IS 'Covers the leaves from place * 2^level on';
COMMENT ON COLUMN log_node.hash IS 'SHA-256 of 0x01 and the hashes of its halves';

CREATE TABLE log_checkpoint (
  size      bigint      NOT NULL PRIMARY KEY CHECK (size > 0),
  origin    text        NOT NULL CHECK (origin ~ '^[!-*,-~]{1,127}$'),
  root      bytea       NOT NULL CHECK (length(root) = 32),
  note      text        NOT NULL CHECK (octet_length(note) <= 4096),
  key_id    text        NOT NULL REFERENCES signing_key (id),
  sealed_at timestamptz NOT NULL
);
COMMENT ON TABLE log_checkpoint IS 'Signed sizes and roots of the log, one for each batch of entries; never changed';
COMMENT ON COLUMN log_checkpoint.size IS 'Number of leaves';
COMMENT ON COLUMN log_checkpoint.origin IS 'Name of the log; the same in all checkpoints';
COMMENT ON COLUMN log_checkpoint.root IS 'Root of the tree of that size';
COMMENT ON COLUMN log_checkpoint.note IS 'The signed note as it is served, without cosignatures';
COMMENT ON COLUMN log_checkpoint.key_id IS 'Key that signed';
COMMENT ON COLUMN log_checkpoint.sealed_at IS 'Instant on the product clock; the note carries its second';

CREATE TABLE log_cosignature (
  size         bigint      NOT NULL REFERENCES log_checkpoint (size),
  name         text        NOT NULL CHECK (name ~ '^[!-*,-~]{1,127}$'),
  organisation text        NOT NULL REFERENCES organisation (code),
  person       text        NOT NULL REFERENCES person (id),
  line         text        NOT NULL CHECK (octet_length(line) <= 512),
  received_at  timestamptz NOT NULL,
  PRIMARY KEY (size, name)
);
COMMENT ON TABLE log_cosignature IS 'Signatures of keepers (trusts, commissioners, auditors) under checkpoints that they checked; never changed';
COMMENT ON COLUMN log_cosignature.size IS 'Checkpoint';
COMMENT ON COLUMN log_cosignature.name IS 'Name of the keeper''s key';
COMMENT ON COLUMN log_cosignature.organisation IS 'Organisation of the keeper';
COMMENT ON COLUMN log_cosignature.person IS 'Who handed it in';
COMMENT ON COLUMN log_cosignature.line IS 'Signature line of the note, with its line end';
COMMENT ON COLUMN log_cosignature.received_at IS 'Instant on the product clock';

CREATE TABLE log_keeper (
  name         text        NOT NULL PRIMARY KEY CHECK (name ~ '^[!-*,-~]{1,127}$'),
  organisation text        NOT NULL REFERENCES organisation (code),
  public_key   bytea       NOT NULL CHECK (length(public_key) = 32),
  added_by     text        NOT NULL REFERENCES person (id),
  added_at     timestamptz NOT NULL
);
COMMENT ON TABLE log_keeper IS 'Keys under which organisations cosign checkpoints; a key is not replaced, another name is taken';
COMMENT ON COLUMN log_keeper.name IS 'Name of the key in notes';
COMMENT ON COLUMN log_keeper.organisation IS 'Whose it is';
COMMENT ON COLUMN log_keeper.public_key IS 'Ed25519 public key';
COMMENT ON COLUMN log_keeper.added_by IS 'Who added it';
COMMENT ON COLUMN log_keeper.added_at IS 'Instant on the product clock';

-- ------------------------------------------------------------------------------------------------------- the audit trail's chain

CREATE TABLE audit_pending (
  provider text   NOT NULL,
  event    bigint NOT NULL,
  PRIMARY KEY (provider, event)
);
COMMENT ON TABLE audit_pending IS 'Committed audit events that a worker has not linked yet';
COMMENT ON COLUMN audit_pending.provider IS 'audit_event.provider';
COMMENT ON COLUMN audit_pending.event IS 'audit_event.id';

CREATE TABLE audit_link (
  seq      bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
  provider text   NOT NULL,
  event    bigint NOT NULL,
  hash     bytea  NOT NULL CHECK (length(hash) = 32),
  UNIQUE (provider, event),
  FOREIGN KEY (provider, event) REFERENCES audit_event (provider, id)
);
COMMENT ON TABLE audit_link IS 'Chain over the audit trail, in the order in which events were found committed; never changed';
COMMENT ON COLUMN audit_link.seq IS 'Place in the chain, from 1, without gaps';
COMMENT ON COLUMN audit_link.provider IS 'audit_event.provider';
COMMENT ON COLUMN audit_link.event IS 'audit_event.id';
COMMENT ON COLUMN audit_link.hash IS 'SHA-256 of the hash before (32 zero bytes at first) and the event as canonical JSON, see api/formats/log.md';

INSERT INTO audit_pending SELECT provider, id FROM audit_event;

CREATE FUNCTION audit_wait() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO reckoner.audit_pending SELECT provider, id FROM new_rows;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION audit_wait() IS 'Trigger body: audit events wait for their link';
CREATE TRIGGER audit_event_waits AFTER INSERT ON audit_event REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION audit_wait();

-- --------------------------------------------------------------------------------------------------------------- what is noted

CREATE FUNCTION log_instant(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION log_instant(timestamptz) IS 'An instant as documents write it';

-- Canonical JSON: members in order, all texts of characters that need no escape (their columns' constraints say so).
CREATE FUNCTION log_note(p_kind text, p_provider text, p_commissioner text, p_subject text, p_members text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO reckoner.log_pending (kind, provider, commissioner, subject, entry)
  VALUES (p_kind, p_provider, p_commissioner, p_subject, '{"@purpose":"reckoner/log/1",' || p_members || '}');
END $$;
COMMENT ON FUNCTION log_note(text, text, text, text, text) IS 'Leaves an entry for the log; members are sorted, after "@purpose"';

CREATE FUNCTION log_signed_record() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note(NEW.purpose, NEW.provider, NULL, NEW.id, format(
    '"at":"%s","key":"%s","kind":"%s","provider":"%s","record":"%s","sha256":"%s"', reckoner.log_instant(NEW.sealed_at),
    NEW.key_id, NEW.purpose, NEW.provider, NEW.id, encode(NEW.sha256, 'hex')));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_signed_record() IS 'Trigger body: receipts, statements and certificates go into the log';
CREATE TRIGGER signed_record_logged AFTER INSERT ON signed_record FOR EACH ROW EXECUTE FUNCTION log_signed_record();

CREATE FUNCTION log_terms_approval() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('terms_approval', NEW.provider, NEW.organisation, NEW.contract || '/' || NEW.version, format(
    '"at":"%s","contract":"%s","kind":"terms_approval","provider":"%s","sha256":"%s","side":"%s","version":%s',
    reckoner.log_instant(NEW.approved_at), NEW.contract, NEW.provider, encode(NEW.digest, 'hex'), NEW.side, NEW.version));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_terms_approval() IS 'Trigger body: approvals of terms go into the log';
CREATE TRIGGER terms_approval_logged AFTER INSERT ON terms_approval FOR EACH ROW EXECUTE FUNCTION log_terms_approval();

CREATE FUNCTION log_document() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('document', NEW.provider, NEW.commissioner, NEW.id, format(
    '"at":"%s","balance_pence":%s,"commissioner":"%s","document":"%s","document_kind":"%s","kind":"document","number":%s,'
    '"provider":"%s","run":"%s"', reckoner.log_instant(NEW.issued_at), NEW.balance_pence, NEW.commissioner, NEW.id, NEW.kind,
    NEW.number, NEW.provider, NEW.run));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_document() IS 'Trigger body: documents go into the log when they are issued';
CREATE TRIGGER document_logged AFTER UPDATE ON document FOR EACH ROW
  WHEN (NEW.state = 'issued' AND OLD.state <> 'issued') EXECUTE FUNCTION log_document();

CREATE FUNCTION log_signing_key() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reckoner.log_note('key', NULL, NULL, NEW.id, format(
    '"key":"%s","kind":"key","public_key":"%s","valid_from":"%s"%s', NEW.id, encode(NEW.public_key, 'hex'),
    reckoner.log_instant(NEW.valid_from), coalesce(',"valid_to":"' || reckoner.log_instant(NEW.valid_to) || '"', '')));
  RETURN NULL;
END $$;
COMMENT ON FUNCTION log_signing_key() IS 'Trigger body: keys and changes of their validity go into the log';
CREATE TRIGGER signing_key_logged AFTER INSERT OR UPDATE ON signing_key FOR EACH ROW EXECUTE FUNCTION log_signing_key();

-- ---------------------------------------------------------------------------------------------------------------- what stays

CREATE TRIGGER log_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_node_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_node
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_cosignature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_cosignature
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_keeper_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_keeper
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- -------------------------------------------------------------------------------------------------------------------- rights

ALTER TABLE log_pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_node ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_checkpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_cosignature ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_keeper ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_link ENABLE ROW LEVEL SECURITY;
CREATE POLICY log_pending_auditor ON log_pending FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY log_entry_auditor ON log_entry FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY audit_pending_auditor ON audit_pending FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY audit_link_auditor ON audit_link FOR SELECT TO reckoner_auditor USING (true);
CREATE POLICY log_entry_read ON log_entry FOR SELECT TO reckoner_web
  USING (provider IS NULL OR provider = ANY ((SELECT visible_providers())::text[])
         OR commissioner = ANY ((SELECT visible_commissioners())::text[])
         OR EXISTS (SELECT FROM statement s WHERE s.provider = log_entry.provider AND s.record = log_entry.subject));
-- Hashes, checkpoints, keepers and their signatures are for everybody: a proof must not depend on who asks.
CREATE POLICY log_node_read ON log_node FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY log_checkpoint_read ON log_checkpoint FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY log_cosignature_read ON log_cosignature FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY log_keeper_read ON log_keeper FOR SELECT TO reckoner_web, reckoner_auditor USING (true);
CREATE POLICY log_cosignature_add ON log_cosignature FOR INSERT TO reckoner_web
  WITH CHECK (organisation = (SELECT caller_organisation()) AND person = (SELECT caller_person())
              AND EXISTS (SELECT FROM log_keeper k WHERE k.name = log_cosignature.name
                          AND k.organisation = log_cosignature.organisation));
CREATE POLICY log_keeper_add ON log_keeper FOR INSERT TO reckoner_web
  WITH CHECK (organisation = (SELECT caller_organisation()) AND added_by = (SELECT caller_person()));

-- Leaf hashes without their entries, for proofs.
CREATE FUNCTION log_leaf_hash(p_leaf bigint) RETURNS bytea
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ SELECT hash FROM reckoner.log_entry WHERE leaf = p_leaf $$;
COMMENT ON FUNCTION log_leaf_hash(bigint) IS 'Hash of a leaf, whoever asks; null when it is not there';
REVOKE ALL ON FUNCTION log_leaf_hash(bigint), audit_wait(), log_instant(timestamptz),
  log_note(text, text, text, text, text), log_signed_record(), log_terms_approval(), log_document(), log_signing_key()
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_leaf_hash(bigint) TO reckoner_web, reckoner_worker, reckoner_auditor;
GRANT EXECUTE ON FUNCTION log_note(text, text, text, text, text) TO reckoner_worker;

GRANT SELECT ON log_entry, log_node, log_checkpoint, log_cosignature, log_keeper TO reckoner_web;
GRANT INSERT ON log_cosignature, log_keeper TO reckoner_web;
GRANT SELECT ON log_pending, log_entry, log_node, log_checkpoint, log_cosignature, log_keeper, audit_pending, audit_link
  TO reckoner_auditor;
GRANT SELECT, INSERT ON log_entry, log_node, log_checkpoint, audit_link TO reckoner_worker;
GRANT SELECT, DELETE ON log_pending, audit_pending TO reckoner_worker;
GRANT SELECT ON log_cosignature, log_keeper TO reckoner_worker;
