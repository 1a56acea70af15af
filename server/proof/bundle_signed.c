/* Stages of a bundle: signature, key, previous, checkpoint, inclusion. */
#include "proof/bundle_checking.h"
#include "signing/minisign.h"
#include "signing/pem.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Place of a key of the bundle; -1: it is not there. */
static int key_place(const struct checking *x, const char *id)
{
    const struct bundle_key *key = bundle_key_of(&x->b, id);
    return key == NULL ? -1 : (int)(key - x->b.key);
}

static const char *minisign_words(enum minisign_check check)
{
    switch (check) {
    case MINISIGN_OTHER_KEY:
        return "names another key";
    case MINISIGN_BAD_COMMENT:
        return "has a comment that is not the one signed";
    default:
        return "is not of these bytes";
    }
}

void bundle_check_signature(struct checking *x)
{
    const struct bundle_file *bytes = &x->b.statement;
    const struct bundle_file *signature = &x->b.signature;
    const char *id = json_text(x->statement, "key_id");
    struct minisign_signature mini;
    int k = key_place(x, id);
    if (k < 0 || !x->key_read[k]) {
        (void)differs(x, CHECK_SIGNATURE, "/key_id is %s, and there is no such key in the bundle", id ? id : "missing");
        return;
    }
    if (signature->length != SIGNATURE_SIZE ||
        !public_key_verify(&x->keys[k], bytes->bytes, bytes->length, (const unsigned char *)signature->bytes)) {
        (void)differs(x, CHECK_SIGNATURE, BUNDLE_STATEMENT_SIG " is not the signature of these bytes by the key %s",
                      id);
        return;
    }
    if (!minisign_signature_parse(x->b.minisig.bytes, x->b.minisig.length, &mini) ||
        memcmp(mini.signature, signature->bytes, SIGNATURE_SIZE) != 0) {
        (void)differs(x, CHECK_SIGNATURE, BUNDLE_STATEMENT_MINI " is no minisign file of the same 64 bytes");
        return;
    }
    enum minisign_check check = minisign_verify(&x->keys[k], &mini, bytes->bytes, bytes->length);
    if (check != MINISIGN_GOOD)
        (void)differs(x, CHECK_SIGNATURE, BUNDLE_STATEMENT_MINI " %s", minisign_words(check));
}

/* A key's two files, and the name that they stand under. */
static bool one_key(struct checking *x, size_t i)
{
    const struct bundle_key *k = &x->b.key[i];
    unsigned char pem[PUBLIC_KEY_SIZE];
    char id[17];
    if (!x->key_read[i] || !pem_public_parse(k->pem.bytes, k->pem.length, pem))
        return differs(x, CHECK_KEY, "a file of keys/%s is no public key of Ed25519", k->id);
    public_key_id_text(x->keys[i].id, id);
    if (memcmp(pem, x->keys[i].key, PUBLIC_KEY_SIZE) != 0 || strcmp(id, k->id) != 0)
        return differs(x, CHECK_KEY, "the two files of keys/%s are not one key of this id", k->id);
    return true;
}

/* What the log says last of the key; NULL: nothing, which is said. */
static const json_t *key_entry(struct checking *x, size_t i)
{
    char hex[65];
    size_t at = 0;
    const json_t *last = NULL;
    const json_t *entry;
    hex_encode(x->keys[i].key, PUBLIC_KEY_SIZE, hex);
    while ((entry = log_next(x, "key", "key", x->b.key[i].id, &at)) != NULL) {
        const char *named = json_text(entry, "public_key");
        if (named == NULL || strcmp(named, hex) != 0) {
            (void)differs(x, CHECK_KEY, "the log has another key of the id %s", x->b.key[i].id);
            return NULL;
        }
        last = entry;
    }
    if (last == NULL)
        (void)differs(x, CHECK_KEY, "the log's entries do not name the key %s", x->b.key[i].id);
    return last;
}

/* How many of the bundle's entries stand before the one that told the key lost: what others signed with it, whatever
 * date they gave it, stands behind. Entries are in the log's order. */
static size_t before_loss(const struct checking *x, const char *key)
{
    size_t at = 0;
    const json_t *entry;
    while ((entry = log_next(x, "key", "key", key, &at)) != NULL) {
        if (json_is_true(json_object_get(entry, "lost")))
            return at - 1;
    }
    return SIZE_MAX;
}

/* Whether every record of the log that the key signed was signed while it was valid. */
static bool valid_when_signed(struct checking *x, size_t i, const json_t *entry)
{
    const size_t lost_at = before_loss(x, x->b.key[i].id);
    static const char *const kinds[] = {"statement", "receipt"};
    instant_t from = 0;
    instant_t to = INT64_MAX;
    if (!instant_member(entry, "valid_from", &from) ||
        (json_text(entry, "valid_to") != NULL && !instant_member(entry, "valid_to", &to)))
        return differs(x, CHECK_KEY, "the log does not say when the key %s was valid", x->b.key[i].id);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        size_t at = 0;
        const json_t *record;
        while ((record = log_next(x, kinds[k], "key", x->b.key[i].id, &at)) != NULL) {
            instant_t signed_at = 0;
            if (!instant_member(record, "at", &signed_at) || signed_at < from || signed_at >= to)
                return differs(x, CHECK_KEY, "the key %s was not valid when it signed a %s at %s", x->b.key[i].id,
                               kinds[k], json_text(record, "at") ? json_text(record, "at") : "no instant");
            if (at > lost_at)
                return differs(x, CHECK_KEY, "a %s by the key %s is in the log behind the loss of the key", kinds[k],
                               x->b.key[i].id);
        }
    }
    return true;
}

static void compare_kept(struct checking *x)
{
    struct public_key kept;
    const char *id = json_text(x->statement, "key_id");
    int k = key_place(x, id);
    if (x->key.bytes == NULL) {
        not_checked(x, CHECK_KEY, "the bundle alone says that its key is the service's: give the key you kept (--key)");
        return;
    }
    if (!minisign_public_parse(x->key.bytes, x->key.length, &kept) &&
        !pem_public_parse(x->key.bytes, x->key.length, kept.key))
        (void)differs(x, CHECK_KEY, "the key given is neither a PEM nor a minisign public key of Ed25519");
    else if (k < 0 || !x->key_read[k] || memcmp(kept.key, x->keys[k].key, PUBLIC_KEY_SIZE) != 0)
        (void)differs(x, CHECK_KEY, "the statement's key %s is not the key given", id ? id : "");
}

void bundle_check_key(struct checking *x)
{
    for (size_t i = 0; i < x->b.key_count; i++) {
        const json_t *entry = one_key(x, i) ? key_entry(x, i) : NULL;
        if (entry == NULL || !valid_when_signed(x, i, entry))
            return;
    }
    compare_kept(x);
}

void bundle_check_previous(struct checking *x)
{
    const char *named = json_text(x->statement, "previous_sha256");
    int64_t sequence = json_int(x->statement, "sequence", 0);
    const struct bundle_file *file = &x->b.previous;
    struct json_problem problem;
    char hex[65];
    if (file->bytes == NULL) {
        if (named == NULL && sequence == 1)
            remark(x, CHECK_PREVIOUS, "it is the account's first");
        else
            (void)differs(x, CHECK_PREVIOUS, BUNDLE_PREVIOUS " is missing, but /sequence is %lld", (long long)sequence);
        return;
    }
    bundle_digest(file, hex);
    if (named == NULL || strcmp(named, hex) != 0) {
        (void)differs(x, CHECK_PREVIOUS, "/previous_sha256 is %s, but " BUNDLE_PREVIOUS " has %s",
                      named ? named : "null", hex);
        return;
    }
    json_t *before = json_read(file->bytes, file->length, &problem);
    if (before == NULL || !json_equal(json_object_get(before, "account"), x->account))
        (void)differs(x, CHECK_PREVIOUS, "the statement before is of another /account");
    else if (json_int(before, "sequence", -1) != sequence - 1)
        (void)differs(x, CHECK_PREVIOUS, "/sequence is %lld, but the one before has %lld", (long long)sequence,
                      (long long)json_int(before, "sequence", -1));
    json_decref(before);
}

static void compare_checkpoints(struct checking *x)
{
    struct checkpoint_note kept;
    const char *where = "";
    const struct checkpoint *now = &x->note.checkpoint;
    if (!checkpoint_read(x->checkpoint.bytes, x->checkpoint.length, &kept, &where)) {
        (void)differs(x, CHECK_CHECKPOINT, "the checkpoint given is none: %s", where);
        return;
    }
    if (strcmp(kept.checkpoint.origin, now->origin) != 0)
        (void)differs(x, CHECK_CHECKPOINT, "the checkpoint given is of the log %s, this one of %s",
                      kept.checkpoint.origin, now->origin);
    else if (kept.checkpoint.size != now->size)
        not_checked(x, CHECK_CHECKPOINT,
                    "the checkpoint given has %llu leaves, this one %llu: reckoner log keep compares them by a"
                    " consistency proof",
                    (unsigned long long)kept.checkpoint.size, (unsigned long long)now->size);
    else if (!merkle_same(&kept.checkpoint.root, &now->root))
        (void)differs(x, CHECK_CHECKPOINT, "FORK: the checkpoint given has another root for the same %llu leaves",
                      (unsigned long long)now->size);
}

void bundle_check_checkpoint(struct checking *x)
{
    const char *text = x->b.checkpoint.bytes;
    bool good = false;
    if (!x->note_read) {
        (void)differs(x, CHECK_CHECKPOINT, "the checkpoint cannot be read");
        return;
    }
    const char *origin = x->note.checkpoint.origin;
    for (size_t i = 0; !good && i < x->b.key_count; i++) {
        good = x->key_read[i] && note_signed_by(text, &x->note, origin, NOTE_ED25519, x->keys[i].key, NULL) &&
               note_signed_by(text, &x->note, origin, NOTE_COSIGNATURE, x->keys[i].key, NULL);
    }
    if (!good)
        (void)differs(x, CHECK_CHECKPOINT, "the checkpoint is not signed by a key of the bundle in both kinds");
    else if (x->checkpoint.bytes != NULL)
        compare_checkpoints(x);
    else
        remark(x, CHECK_CHECKPOINT, "%llu leaves of %s", (unsigned long long)x->note.checkpoint.size, origin);
}

static bool entry_proved(struct checking *x, const json_t *member)
{
    struct merkle_proof proof;
    const json_t *path = json_object_get(member, "path");
    size_t length = 0;
    char *bytes = json_canonical(json_object_get(member, "entry"), &length);
    proof.count = (uint32_t)json_array_size(path);
    bool read = bytes != NULL && proof.count <= MERKLE_PROOF_MAX;
    for (uint32_t i = 0; read && i < proof.count; i++) {
        const char *hex = json_string_value(json_array_get(path, i));
        read = hex != NULL && hex_decode(hex, strlen(hex), proof.hash[i].bytes, MERKLE_HASH);
    }
    struct merkle_hash leaf = merkle_leaf(bytes, read ? length : 0);
    free(bytes);
    return read && merkle_inclusion_holds(&leaf, (uint64_t)json_int(member, "index", 0), x->note.checkpoint.size,
                                          &proof, &x->note.checkpoint.root);
}

static bool record_is_logged(struct checking *x, const char *kind, const char *name, const struct bundle_file *file)
{
    char hex[65];
    bundle_digest(file, hex);
    return log_record(x, kind, hex) != NULL || differs(x, CHECK_INCLUSION, "%s is not in " BUNDLE_LOG, name);
}

/* That both sides approved each version; of which digest, the stage "terms" asks. */
static bool approvals_are_logged(struct checking *x)
{
    const char *contract = json_text(x->account, "contract");
    for (size_t i = 0; contract != NULL && i < x->b.terms_count; i++) {
        bool provider = false;
        bool commissioner = false;
        size_t at = 0;
        const json_t *entry;
        while ((entry = log_next(x, "terms_approval", "contract", contract, &at)) != NULL) {
            const char *side = json_text(entry, "side");
            if (json_int(entry, "version", 0) != x->b.terms[i].version || side == NULL)
                continue;
            provider = provider || strcmp(side, "provider") == 0;
            commissioner = commissioner || strcmp(side, "commissioner") == 0;
        }
        if (!provider || !commissioner)
            return differs(x, CHECK_INCLUSION,
                           "the approval of version %lld of the terms by the %s is not in " BUNDLE_LOG,
                           (long long)x->b.terms[i].version, provider ? "commissioner" : "provider");
    }
    return true;
}

static bool document_is_logged(struct checking *x)
{
    struct json_problem problem;
    size_t at = 0;
    if (x->b.document.bytes == NULL)
        return true;
    json_t *document = json_read(x->b.document.bytes, x->b.document.length, &problem);
    const char *id = json_text(document, "document");
    bool logged = id != NULL && log_next(x, "document", "document", id, &at) != NULL;
    json_decref(document);
    return logged || differs(x, CHECK_INCLUSION, BUNDLE_DOCUMENT " is not in " BUNDLE_LOG);
}

void bundle_check_inclusion(struct checking *x)
{
    size_t i;
    json_t *member;
    if (!x->note_read) {
        not_checked(x, CHECK_INCLUSION, "the checkpoint cannot be read");
        return;
    }
    json_array_foreach(x->log, i, member)
    {
        if (!entry_proved(x, member)) {
            (void)differs(x, CHECK_INCLUSION,
                          "the path of entry %lld of the log does not lead to the checkpoint's root",
                          (long long)json_int(member, "index", 0));
            return;
        }
    }
    bool good = record_is_logged(x, "statement", BUNDLE_STATEMENT, &x->b.statement) &&
                (x->b.billed.bytes == NULL || record_is_logged(x, "statement", BUNDLE_BILLED, &x->b.billed));
    for (i = 0; good && i < x->b.month_count; i++) {
        char month[8];
        month_format(x->b.month[i].month, month);
        good = record_is_logged(x, "receipt", month, &x->b.month[i].receipt);
    }
    for (i = 0; good && i < x->b.key_count; i++) {
        size_t at = 0;
        good = log_next(x, "key", "key", x->b.key[i].id, &at) != NULL ||
               differs(x, CHECK_INCLUSION, "the key %s is not in " BUNDLE_LOG, x->b.key[i].id);
    }
    if (good && approvals_are_logged(x))
        (void)document_is_logged(x);
}
