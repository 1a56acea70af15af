/* Keys, checkpoint and log of a bundle. */
#include "worker/bundle.h"

#include "base/parse.h"
#include "domain/bundle.h"
#include "proof/merkle.h"
#include "signing/minisign.h"
#include "signing/pem.h"
#include "store/log.h"
#include "store/signing_key.h"
#include "store/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of one subject: approvals of both sides, changes of a key. */
#define ENTRIES_MOST 1000

struct fetching {
    struct pg *pg;
    enum pg_status status;
};

static bool fetch_node(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    struct fetching *f = context;
    f->status = log_node(f->pg, level, (int64_t)index, hash->bytes);
    return f->status == PG_OK;
}

static bool note_key(struct bundle_job *b, const char *id)
{
    size_t at = 0;
    while (at < b->key_count && strcmp(b->keys[at], id) < 0)
        at++;
    if (at < b->key_count && strcmp(b->keys[at], id) == 0)
        return true;
    if (b->key_count == BUNDLE_KEYS_MOST)
        return bundle_refused(b, "More keys signed what the bundle holds than its form can hold.");
    memmove(b->keys[at + 1], b->keys[at], (b->key_count - at) * sizeof b->keys[0]);
    (void)snprintf(b->keys[at], sizeof b->keys[at], "%s", id);
    b->key_count++;
    return true;
}

static bool note_key_of(struct bundle_job *b, const char *purpose, const char *id)
{
    PGresult *r = NULL;
    char key[17] = "";
    if (!bundle_signed(b, purpose, id, SIGNED_SIGNATURE, &r))
        return false;
    (void)snprintf(key, sizeof key, "%.*s", PQgetlength(r, 0, PQfnumber(r, "key_id")),
                   PQgetvalue(r, 0, PQfnumber(r, "key_id")));
    PQclear(r);
    return note_key(b, key);
}

/* One entry with its path; in the order of index. */
static bool add_entry(struct bundle_job *b, const PGresult *r, int row)
{
    struct json_problem problem;
    struct merkle_proof proof;
    struct fetching f = {b->pg, PG_OK};
    int64_t leaf = pg_i64(r, row, "leaf");
    size_t at = json_array_size(b->log);
    while (at > 0 && json_int(json_array_get(b->log, at - 1), "index", 0) > leaf)
        at--;
    if (at > 0 && json_int(json_array_get(b->log, at - 1), "index", 0) == leaf)
        return true;
    if (!merkle_inclusion((uint64_t)leaf, (uint64_t)b->size, fetch_node, &f, &proof))
        return bundle_failed(b, f.status == PG_OK || f.status == PG_NONE ? PG_FAILED : f.status);
    const char *text = pg_text(r, row, "entry");
    json_t *entry = json_pack("{s:o, s:I, s:o}", "entry", json_read(text, strlen(text), &problem), "index",
                              (json_int_t)leaf, "path", merkle_path_json(&proof));
    return json_array_insert_new(b->log, at, entry) == 0 || bundle_no_memory(b);
}

/* Every entry of a kind and subject that the checkpoint covers, and at least so many. */
static bool find_entries(struct bundle_job *b, const char *kind, const char *subject, int least)
{
    PGresult *r = NULL;
    int found = 0;
    bool good = true;
    enum pg_status status = log_entries(b->pg, 0, subject, kind, ENTRIES_MOST, &r);
    if (status != PG_OK)
        return bundle_failed(b, status);
    for (int i = 0; good && i < PQntuples(r); i++) {
        if (pg_i64(r, i, "leaf") >= b->size)
            continue;
        found++;
        good = add_entry(b, r, i);
    }
    PQclear(r);
    if (good && found < least)
        b->waits = "What the bundle holds is not all in the log yet: the log's next checkpoint comes first.";
    return good && found >= least;
}

static bool find_record(struct bundle_job *b, const char *purpose, const char *id)
{
    return note_key_of(b, purpose, id) && find_entries(b, purpose, id, 1);
}

static bool find_records(struct bundle_job *b)
{
    const json_t *billing = json_object_get(b->statement, "billing");
    bool good = find_record(b, "statement", b->order->statement);
    if (good && json_is_object(billing) && b->document_count > 0)
        good = find_record(b, "statement", pg_text(b->documents, b->document_count - 1, "statement"));
    for (size_t i = 0; good && i < b->s.months; i++) {
        char record[IDENT_SIZE];
        if (b->s.submission[i].no == 0)
            continue;
        enum pg_status status = submission_receipt(b->pg, b->subject.account.provider, b->s.submission[i].no, record);
        good = status == PG_OK ? find_record(b, "receipt", record)
                               : bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
    }
    return good;
}

static bool find_agreed(struct bundle_job *b)
{
    bool good = true;
    for (size_t i = 0; good && i < b->s.terms.count; i++) {
        char subject[IDENT_SIZE + 16];
        (void)snprintf(subject, sizeof subject, "%s/%d", b->subject.account.contract, b->s.terms.version[i].version);
        good = find_entries(b, "terms_approval", subject, 2);
    }
    if (!good || b->issued[0] == '\0')
        return good;
    size_t before = json_array_size(b->log);
    good = find_entries(b, "document", b->issued, b->order->checkpoint > 0 ? 0 : 1);
    /* Issued after the checkpoint that was asked for: as of then there is none. */
    if (good && json_array_size(b->log) == before)
        b->issued[0] = '\0';
    return good;
}

bool bundle_find_proof(struct bundle_job *b)
{
    enum pg_status status = b->order->checkpoint > 0 ? log_checkpoint_of(b->pg, b->order->checkpoint, &b->checkpoint)
                                                     : log_checkpoints(b->pg, 0, 1, &b->checkpoint);
    if (status != PG_OK)
        return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
    if (PQntuples(b->checkpoint) == 0) {
        b->waits = "There is no checkpoint of the log yet; it comes first.";
        return false;
    }
    b->size = pg_i64(b->checkpoint, 0, "size");
    b->log = json_array();
    if (b->log == NULL)
        return bundle_no_memory(b);
    bool good = note_key(b, pg_text(b->checkpoint, 0, "key")) && find_records(b) && find_agreed(b);
    for (size_t i = 0; good && i < b->key_count; i++)
        good = find_entries(b, "key", b->keys[i], 1);
    return good;
}

bool bundle_write_keys(struct bundle_job *b)
{
    bool written = true;
    for (size_t i = 0; written && i < b->key_count; i++) {
        struct public_key key;
        char pem[PEM_PUBLIC_SIZE];
        char pub[MINISIGN_PUBLIC_SIZE];
        char name[40];
        PGresult *r = NULL;
        enum pg_status status = signing_key_list(b->pg, b->keys[i], &r);
        if (status == PG_OK && (PQntuples(r) != 1 || !public_key_id_parse(b->keys[i], key.id) ||
                                pg_bytes(r, 0, "public_key", key.key, sizeof key.key) != (int)sizeof key.key))
            status = PG_FAILED;
        PQclear(r);
        if (status != PG_OK)
            return bundle_failed(b, status);
        pem_public_format(key.key, pem);
        minisign_public_format(&key, pub);
        (void)snprintf(name, sizeof name, "keys/%s.pem", b->keys[i]);
        written = bundle_member(b, name, pem, strlen(pem));
        (void)snprintf(name, sizeof name, "keys/%s.pub", b->keys[i]);
        written = written && bundle_member(b, name, pub, strlen(pub));
    }
    return written;
}

bool bundle_write_log(struct bundle_job *b)
{
    struct buf note;
    buf_init(&note, (size_t)16 * 1024);
    bool good = buf_append_text(&note, pg_text(b->checkpoint, 0, "note")) &&
                buf_append_text(&note, pg_text(b->checkpoint, 0, "cosignatures"));
    if (!good)
        (void)bundle_refused(b, "The checkpoint has more cosignatures than the bundle's form can hold.");
    good = good && bundle_member(b, BUNDLE_CHECKPOINT, note.data, note.length);
    buf_free(&note);
    return good && bundle_member_json(b, BUNDLE_LOG, json_incref(b->log), false);
}
