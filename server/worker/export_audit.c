/* The audit trail as a file: a head line, one line for each link of the chain, and an end that holds the newest head of
 * the chain in the log, its path, and the checkpoint. Who may not see an event gets its digest, so that the chain can
 * be followed all the same. */
#include "base/parse.h"
#include "domain/leak_json.h"
#include "proof/chain.h"
#include "store/log.h"
#include "worker/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_AT_ONCE 2000

struct trail {
    struct export_run *run;
    const char *commissioner; /* NULL: the provider's view */
    int64_t seq;              /* of the last link written */
    struct merkle_hash hash;  /* of it */
    enum pg_status fetched;
};

/* The canonical bytes of an object as a line; takes the reference. */
static bool write_object(struct export_run *x, json_t *o)
{
    size_t length = 0;
    char *bytes = o == NULL ? NULL : json_canonical(o, &length);
    bool written = bytes != NULL && buf_append(&x->file.text, bytes, length) && buf_append_char(&x->file.text, '\n') &&
                   export_file_line(&x->file);
    free(bytes);
    json_decref(o);
    return written;
}

static bool write_head(struct trail *t)
{
    json_t *o = json_object();
    bool good = o != NULL && json_put(o, "@purpose", json_string("reckoner/audit-trail/1")) &&
                json_put(o, "provider", json_string(t->run->job->provider)) &&
                json_put(o, "commissioner", t->commissioner ? json_string(t->commissioner) : json_null()) &&
                json_put(o, "after", json_integer(t->seq)) &&
                json_put(o, "before", json_hex(t->hash.bytes, MERKLE_HASH));
    if (good)
        return write_object(t->run, o);
    json_decref(o);
    return false;
}

static bool write_link(struct trail *t, const PGresult *r, int row)
{
    size_t length = 0;
    json_t *event = audit_event_object(r, row);
    char *bytes = event == NULL ? NULL : json_canonical(event, &length);
    json_t *o = json_object();
    bool good = bytes != NULL && o != NULL;
    if (good) {
        const struct merkle_hash digest = chain_digest(bytes, length);
        bool seen = pg_bool(r, row, "seen") && !leak_in_json((struct text){bytes, length});
        t->seq = pg_i64(r, row, "seq");
        t->hash = chain_link(&t->hash, &digest);
        good = json_put(o, "seq", json_integer(t->seq)) &&
               (seen ? json_object_set(o, "event", event) == 0
                     : json_put(o, "digest", json_hex(digest.bytes, MERKLE_HASH)));
        t->run->result.lines += seen;
    }
    free(bytes);
    json_decref(event);
    if (good)
        return write_object(t->run, o);
    json_decref(o);
    return false;
}

static enum pg_status write_links(struct trail *t)
{
    struct export_run *x = t->run;
    bool more = true;
    enum pg_status status = PG_OK;
    while (status == PG_OK && more && !x->broken) {
        PGresult *r = NULL;
        status = audit_trail(x->w->pg, x->job->provider, t->commissioner, t->seq, LINKS_AT_ONCE, &r);
        for (int row = 0; status == PG_OK && !x->broken && row < PQntuples(r); row++)
            x->broken = !write_link(t, r, row);
        more = status == PG_OK && PQntuples(r) == LINKS_AT_ONCE;
        PQclear(r);
    }
    return status;
}

/* ---------------------------------------------------------------------------------------------------------- the end
 */

static bool fetch_node(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    struct trail *t = context;
    t->fetched = log_node(t->run->w->pg, level, (int64_t)index, hash->bytes);
    return t->fetched == PG_OK;
}

/* The newest head in the log with its path; null when there is none yet. */
static enum pg_status head_of(struct trail *t, int64_t size, json_t **out)
{
    PGresult *r = NULL;
    struct merkle_proof proof;
    struct json_problem problem;
    *out = NULL;
    enum pg_status status = size > 0 ? audit_head_before(t->run->w->pg, t->seq, &r) : PG_NONE;
    if (status == PG_NONE) {
        *out = json_null();
        return PG_OK;
    }
    if (status != PG_OK)
        return status;
    int64_t leaf = pg_i64(r, 0, "leaf");
    const char *entry = pg_text(r, 0, "entry");
    if (!merkle_inclusion((uint64_t)leaf, (uint64_t)size, fetch_node, t, &proof))
        status = t->fetched == PG_OK ? PG_FAILED : t->fetched;
    json_t *o = json_object();
    if (status == PG_OK && o != NULL && json_put(o, "entry", json_read(entry, strlen(entry), &problem)) &&
        json_put(o, "index", json_integer(leaf)) && json_put(o, "path", merkle_path_json(&proof)))
        *out = json_incref(o);
    json_decref(o);
    PQclear(r);
    return status;
}

static enum pg_status write_end(struct trail *t)
{
    struct export_run *x = t->run;
    PGresult *checkpoint = NULL;
    json_t *head = NULL;
    enum pg_status status = log_checkpoints(x->w->pg, 0, 1, &checkpoint);
    if (status != PG_OK)
        return status;
    bool any = PQntuples(checkpoint) == 1;
    status = head_of(t, any ? pg_i64(checkpoint, 0, "size") : 0, &head);
    json_t *o = json_object();
    /* Lines are for machines: the note is a text with its line ends escaped by JSON, which canonical form has not. */
    json_t *note = json_array();
    const char *line = any ? pg_text(checkpoint, 0, "note") : "";
    bool good = status == PG_OK && head != NULL && o != NULL && note != NULL;
    while (good && *line != '\0') {
        const char *end = strchrnul(line, '\n');
        good = json_array_append_new(note, json_stringn(line, (size_t)(end - line))) == 0;
        line = *end == '\n' ? end + 1 : end;
    }
    good = good && json_put(o, "links", json_integer(t->seq)) &&
           json_put(o, "hash", json_hex(t->hash.bytes, MERKLE_HASH)) && json_object_set(o, "head", head) == 0 &&
           json_object_set(o, "checkpoint", note) == 0;
    if (status == PG_OK)
        x->broken = !good || !write_object(x, json_incref(o));
    json_decref(head);
    json_decref(note);
    json_decref(o);
    PQclear(checkpoint);
    return status;
}

enum job_outcome export_of_audit(struct export_run *x)
{
    struct trail t = {.run = x, .seq = pg_i64(x->asked, 0, "after_link")};
    if (!pg_is_null(x->asked, 0, "commissioner"))
        t.commissioner = pg_text(x->asked, 0, "commissioner");
    enum pg_status status = audit_link_hash(x->w->pg, t.seq, t.hash.bytes);
    if (status == PG_NONE) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                       "The audit trail has no link %lld yet. Ask for what follows one that you have.",
                       (long long)t.seq);
        return JOB_FAILED;
    }
    x->broken = status == PG_OK && !write_head(&t);
    if (status == PG_OK && !x->broken)
        status = write_links(&t);
    if (status == PG_OK && !x->broken)
        status = write_end(&t);
    return status == PG_OK && !x->broken ? JOB_DONE : export_failure(x, x->broken ? PG_FAILED : status);
}
