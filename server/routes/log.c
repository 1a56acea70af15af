/* The log: checkpoints, entries and proofs for whoever keeps an eye on the service, and the cosignatures of keepers. */
#include "store/log.h"
#include "base/parse.h"
#include "proof/checkpoint.h"
#include "routes/common.h"
#include "routes/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_TYPE "text/plain; charset=utf-8"

/* A number in the query; required. A problem and false when it is none. */
static bool query_number(struct request *r, const char *name, int64_t *out)
{
    const char *text = request_query(r, name);
    if (text != NULL && parse_i64_within(text, strlen(text), 0, INT64_C(1) << 47, out))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, name, "%s is needed: a whole number of leaves", name);
    return false;
}

/* A list whose items are more than columns. */
struct object_list {
    json_t *(*object)(const PGresult *result, int row); /* a new reference, NULL when memory ran out */
    const char *cursor;                                 /* column */
    const char *empty;
};

/* As reply_page. */
static void reply_objects(struct request *r, enum pg_status status, PGresult *result, const struct page *page,
                          const struct object_list *list)
{
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    int rows = PQntuples(result);
    int shown = rows > page->limit ? (int)page->limit : rows;
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int row = 0; row < shown && ok; row++)
        ok = json_array_append_new(items, list->object(result, row)) == 0;
    json_t *next = rows > shown ? reply_next(r, page, pg_text(result, shown - 1, list->cursor)) : json_null();
    json_t *body = json_pack("{s:o, s:o}", "items", items, "next", next);
    PQclear(result);
    if (!ok || body == NULL || !list_says_why_empty(body, list->empty)) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}

/* --------------------------------------------------------------------------------------------------------- checkpoints
 */

/* The note with the cosignatures below it. */
static void reply_note(struct request *r, const PGresult *result)
{
    struct buf note;
    char etag[48];
    buf_init(&note, NOTE_SIZE_MAX);
    bool whole = buf_append_text(&note, pg_text(result, 0, "note")) &&
                 buf_append_text(&note, pg_text(result, 0, "cosignatures"));
    snprintf(etag, sizeof etag, "%lld-%zu", (long long)pg_i64(result, 0, "size"), note.length);
    if (whole)
        reply_bytes(r, 200, NOTE_TYPE, note.data, note.length, etag, NULL);
    else
        reply_problem(r, PROBLEM_INTERNAL, NULL, "Memory ran out");
    buf_free(&note);
}

void log_checkpoint_newest(struct request *r)
{
    PGresult *result = NULL;
    enum pg_status status = log_checkpoints(r->pg, 0, 1, &result);
    if (status != PG_OK)
        reply_store(r, status);
    else if (PQntuples(result) == 0)
        reply_problem(r, PROBLEM_NOT_FOUND, NULL,
                      "Nothing was logged yet; the worker signs a checkpoint with the first");
    else
        reply_note(r, result);
    PQclear(result);
}

void log_checkpoint_get(struct request *r)
{
    PGresult *result = NULL;
    int64_t size = 0;
    if (!request_path_number(r, 0, &size))
        return;
    enum pg_status status = log_checkpoint_of(r->pg, size, &result);
    if (status == PG_OK)
        reply_note(r, result);
    else
        reply_store(r, status);
    PQclear(result);
}

static const struct column checkpoint_columns[] = {{"size", COLUMN_INTEGER},      {"origin", COLUMN_TEXT},
                                                   {"root", COLUMN_TEXT},         {"key", COLUMN_TEXT},
                                                   {"sealed_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form checkpoint_form = {
    .columns = checkpoint_columns, .cursor = {"size"}, .empty = "Nothing was logged yet"};

void log_checkpoints_list(struct request *r)
{
    struct page page;
    int64_t before = 0;
    if (!request_page(r, &page))
        return;
    if (!page_number(r, page.after, 1, INT64_MAX, &before))
        return;
    PGresult *result = NULL;
    enum pg_status status = log_checkpoints(r->pg, before, page.limit + 1, &result);
    reply_page(r, status, result, &page, &checkpoint_form);
}

/* --------------------------------------------------------------------------------------------------------------
 * entries */

static const struct column entry_columns[] = {{"leaf", COLUMN_INTEGER},  {"kind", COLUMN_TEXT},
                                              {"provider", COLUMN_TEXT}, {"subject", COLUMN_TEXT},
                                              {"hash", COLUMN_TEXT},     {NULL, COLUMN_TEXT}};

/* The entry as the object it is: its canonical bytes are what is hashed. */
static json_t *entry_object(const PGresult *result, int row)
{
    struct json_problem problem;
    const char *text = pg_text(result, row, "entry");
    json_t *object = row_object(result, row, entry_columns);
    if (object != NULL && json_put(object, "entry", json_read(text, strlen(text), &problem)))
        return object;
    json_decref(object);
    return NULL;
}

static const struct object_list entry_list = {
    .object = entry_object,
    .cursor = "leaf",
    .empty = "No entry that you may read; entries of the last second may still be waiting for the worker"};

void log_entries_list(struct request *r)
{
    struct page page;
    int64_t last = -1;
    if (!request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX - 1, &last))
        return;
    PGresult *result = NULL;
    enum pg_status status =
        log_entries(r->pg, last + 1, request_query(r, "subject"), request_query(r, "kind"), page.limit + 1, &result);
    reply_objects(r, status, result, &page, &entry_list);
}

/* ---------------------------------------------------------------------------------------------------------------
 * proofs */

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

/* No more leaves than the log has. */
static bool within_log(struct request *r, int64_t size)
{
    int64_t now = 0;
    enum pg_status status = log_public_size(r->pg, &now);
    if (status != PG_OK)
        reply_store(r, status);
    else if (size > now)
        reply_problem(r, PROBLEM_BAD_PARAMETER, "size", "The log has %lld leaves", (long long)now);
    else
        return true;
    return false;
}

static void reply_unproved(struct request *r, const struct fetching *f)
{
    reply_store(r, f->status == PG_OK || f->status == PG_NONE ? PG_FAILED : f->status);
}

void log_inclusion(struct request *r)
{
    int64_t leaf = 0;
    int64_t size = 0;
    struct merkle_proof proof;
    struct merkle_edge edge;
    struct merkle_hash hash;
    struct fetching f = {r->pg, PG_OK};
    if (!query_number(r, "leaf", &leaf) || !query_number(r, "size", &size) || !within_log(r, size))
        return;
    if (leaf >= size) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "leaf", "leaf is below size: the first leaf is 0");
        return;
    }
    if (!fetch_node(&f, 0, (uint64_t)leaf, &hash) ||
        !merkle_inclusion((uint64_t)leaf, (uint64_t)size, fetch_node, &f, &proof) ||
        !merkle_edge_load(&edge, (uint64_t)size, fetch_node, &f)) {
        reply_unproved(r, &f);
        return;
    }
    const struct merkle_hash root = merkle_edge_root(&edge);
    reply_body(r, json_pack("{s:I, s:I, s:o, s:o, s:o}", "leaf", leaf, "size", size, "hash",
                            json_hex(hash.bytes, MERKLE_HASH), "root", json_hex(root.bytes, MERKLE_HASH), "path",
                            merkle_path_json(&proof)));
}

void log_consistency(struct request *r)
{
    int64_t from = 0;
    int64_t size = 0;
    struct merkle_proof proof;
    struct fetching f = {r->pg, PG_OK};
    if (!query_number(r, "from", &from) || !query_number(r, "size", &size) || !within_log(r, size))
        return;
    if (from > size) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "from", "from is at most size");
        return;
    }
    if (!merkle_consistency((uint64_t)from, (uint64_t)size, fetch_node, &f, &proof)) {
        reply_unproved(r, &f);
        return;
    }
    reply_body(r, json_pack("{s:I, s:I, s:o}", "from", from, "size", size, "path", merkle_path_json(&proof)));
}

/* --------------------------------------------------------------------------------------------------------------
 * keepers */

static const struct column keeper_columns[] = {
    {"name", COLUMN_TEXT}, {"organisation", COLUMN_TEXT}, {"added_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};

static json_t *keeper_object(const PGresult *result, int row)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    char vkey[NOTE_VKEY_SIZE];
    json_t *object = row_object(result, row, keeper_columns);
    if (object != NULL && pg_bytes(result, row, "public_key", key, sizeof key) == (int)sizeof key &&
        note_vkey_format(pg_text(result, row, "name"), NOTE_COSIGNATURE, key, vkey) &&
        json_put(object, "verifier_key", json_string(vkey)))
        return object;
    json_decref(object);
    return NULL;
}

static const struct object_list keeper_list = {
    .object = keeper_object, .cursor = "name", .empty = "Nobody keeps checkpoints yet; POST here adds a key of yours"};

void log_keepers_list(struct request *r)
{
    PGresult *result = NULL;
    struct page page;
    if (!request_page(r, &page))
        return;
    enum pg_status status = log_keepers(r->pg, NULL, page.after, page.limit + 1, &result);
    reply_objects(r, status, result, &page, &keeper_list);
}

static enum pg_status add_keeper(struct request *r, void *context)
{
    const struct log_keeper *k = context;
    PGresult *result = NULL;
    enum pg_status status = log_keeper_insert(r->pg, k);
    if (status == PG_DUPLICATE) {
        reply_problem(r, PROBLEM_CONFLICT, "/verifier_key", "The name %s is taken; a new key takes a new name",
                      k->name);
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = request_audit(r, NULL, "log.keeper_add", k->name, NULL);
    if (status == PG_OK)
        status = log_keepers(r->pg, k->name, "", 1, &result);
    if (status == PG_OK)
        reply_created(r, keeper_object(result, 0), "/v1/log/keepers", NULL);
    PQclear(result);
    return status;
}

void log_keepers_add(struct request *r)
{
    static const struct json_member members[] = {{"verifier_key", JSON_KIND_TEXT, true, 1, NOTE_VKEY_SIZE - 1},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    char name[NOTE_NAME_SIZE];
    enum note_kind kind;
    uint8_t key[PUBLIC_KEY_SIZE];
    if (!body_check(r, members))
        return;
    const char *text = json_text(r->body, "verifier_key");
    if (!note_vkey_parse(text, strlen(text), name, &kind, key) || kind != NOTE_COSIGNATURE) {
        reply_problem(
            r, PROBLEM_MALFORMED_JSON, "/verifier_key",
            "verifier_key is name+key id+key of kind 0x04 (cosignature/v1), as reckoner log keygen prints it");
        return;
    }
    struct log_keeper k = {name, r->caller.organisation, r->caller.person, key, r->begun_at};
    request_act(r, add_keeper, &k);
}

/* A cosignature handed in. */
struct cosigning {
    int64_t size;
    const char *line;
};

/* The keeper whose good signature the note ends with, into *name. */
static enum pg_status check_line(struct request *r, const struct cosigning *c, const PGresult *checkpoint,
                                 char name[NOTE_NAME_SIZE])
{
    struct buf text;
    struct checkpoint_note *note = malloc(sizeof *note);
    const char *where = "";
    PGresult *keeper = NULL;
    uint8_t key[PUBLIC_KEY_SIZE];
    enum pg_status status = PG_INVALID;
    buf_init(&text, NOTE_SIZE_MAX);
    bool read = note != NULL && buf_append_text(&text, pg_text(checkpoint, 0, "note")) &&
                buf_append_text(&text, c->line) && buf_append_char(&text, '\n') &&
                checkpoint_read(text.data, text.length, note, &where);
    const struct note_signature *last = read && note->count == 3 ? &note->signature[2] : NULL;
    if (last != NULL)
        status = log_keepers(r->pg, last->name, "", 1, &keeper);
    bool known = keeper != NULL && PQntuples(keeper) == 1 &&
                 strcmp(pg_text(keeper, 0, "organisation"), r->caller.organisation) == 0 &&
                 pg_bytes(keeper, 0, "public_key", key, sizeof key) == (int)sizeof key;
    if (last == NULL)
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/line", "line is one signature line, without its line end");
    else if (status == PG_OK && !known)
        reply_problem(r, PROBLEM_CONFLICT, "/line",
                      "Your organisation has no key of that name: add it as a keeper first");
    else if (status == PG_OK && !note_signed_by(text.data, note, last->name, NOTE_COSIGNATURE, key, NULL))
        reply_problem(r, PROBLEM_CONFLICT, "/line", "It is no signature of that key under the checkpoint of this size");
    else if (status == PG_OK)
        memcpy(name, last->name, NOTE_NAME_SIZE);
    if (status == PG_OK && name[0] == '\0')
        status = PG_INVALID;
    PQclear(keeper);
    buf_free(&text);
    free(note);
    return status;
}

static enum pg_status cosign(struct request *r, void *context)
{
    const struct cosigning *c = context;
    char name[NOTE_NAME_SIZE] = "";
    char subject[64];
    PGresult *checkpoint = NULL;
    enum pg_status status = log_checkpoint_of(r->pg, c->size, &checkpoint);
    if (status != PG_OK)
        return status;
    status = check_line(r, c, checkpoint, name);
    PQclear(checkpoint);
    const struct log_keeper k = {name, r->caller.organisation, r->caller.person, NULL, r->begun_at};
    struct buf line;
    buf_init(&line, 520);
    if (status == PG_OK)
        status = buf_append_format(&line, "%s\n", c->line) ? log_cosign(r->pg, c->size, &k, line.data) : PG_FAILED;
    buf_free(&line);
    snprintf(subject, sizeof subject, "log/checkpoint/%lld", (long long)c->size);
    if (status == PG_OK)
        status = request_audit(r, NULL, "log.cosign", subject, NULL);
    if (status == PG_OK) {
        char location[64];
        snprintf(location, sizeof location, "/v1/log/checkpoints/%lld", (long long)c->size);
        reply_created(r, json_pack("{s:I, s:s}", "size", c->size, "name", name), location, NULL);
    }
    return status;
}

void log_cosignatures_add(struct request *r)
{
    static const struct json_member members[] = {{"line", JSON_KIND_TEXT, true, 1, 511},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct cosigning c;
    if (!request_path_number(r, 0, &c.size) || !body_check(r, members))
        return;
    c.line = json_text(r->body, "line");
    request_act(r, cosign, &c);
}
