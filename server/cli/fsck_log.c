/* The log: each leaf is the hash of its entry's canonical bytes, each node that of its halves, each checkpoint the root
 * of its leaves, signed by a key that was valid then; and nothing is left out. */
#include "base/json.h"
#include "base/parse.h"
#include "cli/fsck_keys.h"
#include "cli/fsck_part.h"
#include "proof/checkpoint.h"
#include "store/integrity.h"
#include "store/integrity_pages.h"
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

struct walk {
    struct fsck *f;
    struct fsck_keys keys;
    struct merkle_edge edge;
    int64_t size;       /* leaves that were read */
    int64_t checkpoint; /* size of the newest */
    bool broken;        /* a leaf is missing: places behind it cannot be told */
    PGresult *nodes;    /* stored ones of the page at hand */
    int next_node;
    PGresult *checkpoints;
    int next_checkpoint;
};

static void leaf_differs(const struct walk *w, int64_t leaf, const char *what, const char *found, const char *expected)
{
    char key[24];
    (void)snprintf(key, sizeof key, "%lld", (long long)leaf);
    fsck_differs(w->f, "log_entry", key, what, found, expected);
}

/* ----------------------------------------------------------------------------------------------------------- entries
 */

static void check_member(const struct walk *w, const PGresult *r, int row, const json_t *entry, const char *name)
{
    const char *member = json_text(entry, name);
    const char *column = pg_text(r, row, name);
    if (strcmp(member != NULL ? member : "", column) != 0)
        leaf_differs(w, pg_i64(r, row, "leaf"), name, column, member != NULL ? member : "none");
}

static void check_entry(const struct walk *w, const PGresult *r, int row)
{
    const char *text = pg_text(r, row, "entry");
    const int64_t leaf = pg_i64(r, row, "leaf");
    const struct merkle_hash made = merkle_leaf(text, strlen(text));
    struct json_problem problem;
    char hex[2 * MERKLE_HASH + 1];
    size_t length = 0;
    json_t *entry = json_read(text, strlen(text), &problem);
    char *canonical = entry != NULL ? json_canonical(entry, &length) : NULL;
    hex_encode(made.bytes, MERKLE_HASH, hex);
    if (strcmp(hex, pg_text(r, row, "hash")) != 0)
        leaf_differs(w, leaf, "hash", pg_text(r, row, "hash"), hex);
    if (canonical == NULL || strcmp(canonical, text) != 0)
        leaf_differs(w, leaf, "entry", text, canonical != NULL ? canonical : "canonical JSON");
    if (entry != NULL) {
        check_member(w, r, row, entry, "kind");
        check_member(w, r, row, entry, "provider");
    }
    free(canonical);
    json_decref(entry);
}

/* ------------------------------------------------------------------------------------------------------------- nodes
 */

/* Stored nodes that the tree does not complete at this place stand before it in the order of the page. */
static void skip_nodes(struct walk *w, int64_t level, int64_t place)
{
    for (; w->next_node < PQntuples(w->nodes); w->next_node++) {
        int64_t stored_level = pg_i64(w->nodes, w->next_node, "level");
        int64_t stored_place = pg_i64(w->nodes, w->next_node, "place");
        int64_t end = (place + 1) << level;
        int64_t stored_end = (stored_place + 1) << stored_level;
        if (stored_end > end || (stored_end == end && stored_level >= level))
            return;
    }
}

static bool check_node(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash)
{
    struct walk *w = context;
    char key[40];
    char hex[2 * MERKLE_HASH + 1];
    if (level == 0)
        return true;
    (void)snprintf(key, sizeof key, "%u/%llu", level, (unsigned long long)index);
    hex_encode(hash->bytes, MERKLE_HASH, hex);
    skip_nodes(w, level, (int64_t)index);
    int row = w->next_node;
    if (row >= PQntuples(w->nodes) || pg_i64(w->nodes, row, "level") != (int64_t)level ||
        pg_i64(w->nodes, row, "place") != (int64_t)index) {
        fsck_differs(w->f, "log_node", key, "row", "none", hex);
        return true;
    }
    if (strcmp(pg_text(w->nodes, row, "hash"), hex) != 0)
        fsck_differs(w->f, "log_node", key, "hash", pg_text(w->nodes, row, "hash"), hex);
    w->next_node++;
    return true;
}

/* -------------------------------------------------------------------------------------------------------- checkpoints
 */

static void checkpoint_differs(const struct walk *w, const char *table, int64_t size, const char *what,
                               const char *found, const char *expected)
{
    char key[24];
    (void)snprintf(key, sizeof key, "%lld", (long long)size);
    fsck_differs(w->f, table, key, what, found, expected);
}

static void check_note(const struct walk *w, const PGresult *r, int row, const char *root)
{
    const char *text = pg_text(r, row, "note");
    const int64_t size = pg_i64(r, row, "size");
    const char *where = "";
    char stated[2 * MERKLE_HASH + 1];
    struct checkpoint_note note;
    uint64_t time = 0;
    if (!checkpoint_read(text, strlen(text), &note, &where)) {
        checkpoint_differs(w, "log_checkpoint", size, "note", where, "a signed checkpoint");
        return;
    }
    hex_encode(note.checkpoint.root.bytes, MERKLE_HASH, stated);
    if ((int64_t)note.checkpoint.size != size)
        checkpoint_differs(w, "log_checkpoint", size, "size in the note", "another", "that of the row");
    if (root != NULL && strcmp(stated, root) != 0)
        checkpoint_differs(w, "log_checkpoint", size, "root in the note", stated, root);
    if (strcmp(note.checkpoint.origin, pg_text(r, row, "origin")) != 0)
        checkpoint_differs(w, "log_checkpoint", size, "origin", note.checkpoint.origin, pg_text(r, row, "origin"));
    const struct fsck_key *key = fsck_keys_find(&w->keys, pg_text(r, row, "key"));
    if (key == NULL) {
        checkpoint_differs(w, "log_checkpoint", size, "key", pg_text(r, row, "key"), "a key that the log names");
        return;
    }
    if (!note_signed_by(text, &note, note.checkpoint.origin, NOTE_ED25519, key->key.key, NULL) ||
        !note_signed_by(text, &note, note.checkpoint.origin, NOTE_COSIGNATURE, key->key.key, &time)) {
        checkpoint_differs(w, "log_checkpoint", size, "signature", "not of this note", key->id);
        return;
    }
    const char *refused = fsck_key_refuses(key, pg_instant(r, row, "sealed_at"), key->ended_leaf);
    if (refused != NULL)
        checkpoint_differs(w, "log_checkpoint", size, "signature", refused, key->id);
    if ((int64_t)time != pg_instant(r, row, "sealed_at") / 1000000)
        checkpoint_differs(w, "log_checkpoint", size, "sealed_at", "another second than in the note", "the same");
}

/* Those of the size that the tree has now. */
static void check_checkpoints(struct walk *w)
{
    while (w->next_checkpoint < PQntuples(w->checkpoints) &&
           pg_i64(w->checkpoints, w->next_checkpoint, "size") == w->size) {
        char root[2 * MERKLE_HASH + 1];
        int row = w->next_checkpoint++;
        const struct merkle_hash made = merkle_edge_root(&w->edge);
        hex_encode(made.bytes, MERKLE_HASH, root);
        if (!w->broken && strcmp(root, pg_text(w->checkpoints, row, "root")) != 0)
            checkpoint_differs(w, "log_checkpoint", w->size, "root", pg_text(w->checkpoints, row, "root"), root);
        check_note(w, w->checkpoints, row, w->broken ? NULL : root);
        w->checkpoint = w->size;
    }
}

static enum pg_status check_cosignatures(struct walk *w, int64_t from, int64_t to)
{
    PGresult *r = NULL;
    struct checkpoint_note note;
    const char *where = "";
    enum pg_status status = page_cosignatures(w->f->pg, from, to, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        uint8_t key[PUBLIC_KEY_SIZE];
        struct buf text;
        buf_init(&text, NOTE_SIZE_MAX);
        bool good = buf_append_text(&text, pg_text(r, row, "note")) &&
                    buf_append_text(&text, pg_text(r, row, "line")) &&
                    checkpoint_read(text.data, text.length, &note, &where) &&
                    hex_decode(pg_text(r, row, "public_key"), strlen(pg_text(r, row, "public_key")), key, sizeof key) &&
                    note_signed_by(text.data, &note, pg_text(r, row, "name"), NOTE_COSIGNATURE, key, NULL);
        buf_free(&text);
        if (!good)
            checkpoint_differs(w, "log_cosignature", pg_i64(r, row, "size"), pg_text(r, row, "name"),
                               "no signature of this keeper under this checkpoint", "one");
    }
    PQclear(r);
    return status;
}

/* --------------------------------------------------------------------------------------------------------------- walk
 */

static void take_leaf(struct walk *w, const PGresult *entries, int row)
{
    const int64_t leaf = pg_i64(entries, row, "leaf");
    const char *text = pg_text(entries, row, "entry");
    const struct merkle_hash hash = merkle_leaf(text, strlen(text));
    for (; w->size < leaf; w->size++) {
        leaf_differs(w, w->size, "row", "none", "one");
        w->broken = true;
    }
    check_entry(w, entries, row);
    /* Without a leaf nothing above it can be made again. */
    if (!w->broken)
        (void)merkle_edge_add(&w->edge, &hash, check_node, w);
    w->size = leaf + 1;
    check_checkpoints(w);
}

static enum pg_status take_page(struct walk *w, bool *more)
{
    PGresult *entries = NULL;
    const int64_t from = w->size;
    enum pg_status status = log_entries(w->f->pg, from, NULL, NULL, PAGE, &entries);
    if (status != PG_OK)
        return status;
    int count = PQntuples(entries);
    *more = count == PAGE;
    int64_t to = count > 0 ? pg_i64(entries, count - 1, "leaf") + 1 : from;
    status = page_log_nodes(w->f->pg, from, to, &w->nodes);
    if (status == PG_OK)
        status = page_checkpoints(w->f->pg, from, to, &w->checkpoints);
    w->next_node = 0;
    w->next_checkpoint = 0;
    for (int row = 0; status == PG_OK && row < count; row++)
        take_leaf(w, entries, row);
    if (status == PG_OK)
        status = check_cosignatures(w, from, to);
    fsck_count(w->f, count);
    PQclear(entries);
    PQclear(w->nodes);
    PQclear(w->checkpoints);
    w->nodes = NULL;
    w->checkpoints = NULL;
    return status;
}

/* Checkpoints of more leaves than there are, and leaves behind the newest checkpoint. */
static enum pg_status check_end(struct walk *w)
{
    PGresult *r = NULL;
    enum pg_status status = page_checkpoints(w->f->pg, w->size, INT64_MAX, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        char found[40];
        (void)snprintf(found, sizeof found, "%lld entries", (long long)w->size);
        checkpoint_differs(w, "log_checkpoint", pg_i64(r, row, "size"), "leaves", found, pg_text(r, row, "size"));
    }
    if (status == PG_OK && PQntuples(r) == 0 && w->checkpoint < w->size)
        checkpoint_differs(w, "log_checkpoint", w->size, "row", "none",
                           "one: entries and their checkpoint come together");
    PQclear(r);
    return status;
}

static enum pg_status check_waiting(struct fsck *f)
{
    PGresult *r = NULL;
    enum pg_status status = page_waiting(f->pg, f->pending_seconds, &r);
    if (status == PG_OK && pg_i64(r, 0, "entries") > 0)
        fsck_differs_i64(f, "log_pending", pg_text(r, 0, "first"), "entries that wait too long",
                         pg_i64(r, 0, "entries"), 0);
    if (status == PG_OK && pg_i64(r, 0, "events") > 0)
        fsck_differs_i64(f, "audit_pending", "all", "events that wait too long", pg_i64(r, 0, "events"), 0);
    PQclear(r);
    return status;
}

static enum pg_status check_completeness(struct fsck *f, int64_t size)
{
    static enum pg_status (*const questions[])(struct pg *, PGresult **) = {
        integrity_log_records, integrity_log_approvals,  integrity_log_documents,
        integrity_log_keys,    integrity_log_recoveries, integrity_log_samples};
    PGresult *r = NULL;
    enum pg_status status = integrity_log_nodes(f->pg, size, &r);
    status = fsck_take(f, status, r);
    for (size_t i = 0; status == PG_OK && i < sizeof questions / sizeof questions[0]; i++) {
        r = NULL;
        status = questions[i](f->pg, &r);
        status = fsck_take(f, status, r);
    }
    return status;
}

enum pg_status fsck_log(struct fsck *f)
{
    struct walk w = {.f = f};
    bool more = true;
    merkle_edge_init(&w.edge);
    enum pg_status status = fsck_keys_load(f->pg, &w.keys, &f->out_of_memory);
    while (status == PG_OK && more)
        status = take_page(&w, &more);
    if (status == PG_OK)
        status = check_end(&w);
    if (status == PG_OK)
        status = check_waiting(f);
    if (status == PG_OK)
        status = check_completeness(f, w.size);
    fsck_keys_free(&w.keys);
    return status;
}
