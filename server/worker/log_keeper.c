#include "worker/log_keeper.h"

#include "base/log.h"
#include "proof/chain.h"
#include "proof/checkpoint.h"
#include "store/log.h"
#include "worker/log_standing.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_ENTRIES     10000
#define BATCH_EVENTS      5000
#define NUMBERS_SIZE      (32U * BATCH_ENTRIES)
#define HEAD_EVERY_EVENTS 1000 /* a head goes into the log with other entries, or after so many links */
#define NOTE_ROOM         4096

struct batch {
    struct pg *pg;
    const struct worker *w;
    instant_t now;
    struct merkle_edge edge;
    struct pg_copy *nodes;
    enum pg_status fetched;
    struct log_head head; /* of the checkpoint that was made; size 0: none */
    char *problem;
};

/* ------------------------------------------------------------------------------------------------ the audit trail's
 * chain */

struct linking {
    struct batch *b;
    PGresult *events;
    int count;
    int64_t seq;
    struct merkle_hash head;
};

static enum pg_status add_links(struct linking *l)
{
    struct pg_copy *copy = NULL;
    bool complete = true;
    enum pg_status status = audit_links_begin(l->b->pg, &copy);
    if (status != PG_OK)
        return status;
    for (int i = 0; i < l->count && complete; i++) {
        size_t length = 0;
        json_t *object = audit_event_object(l->events, i);
        char *bytes = object == NULL ? NULL : json_canonical(object, &length);
        complete = bytes != NULL;
        if (complete) {
            l->head = chain_next(&l->head, bytes, length);
            audit_links_add(copy, ++l->seq, pg_text(l->events, i, "provider"), pg_i64(l->events, i, "id"),
                            l->head.bytes);
        }
        free(bytes);
        json_decref(object);
    }
    status = pg_copy_end(copy, NULL);
    return complete ? status : PG_FAILED;
}

static enum pg_status stop_waiting(struct linking *l)
{
    struct buf providers, events;
    buf_init(&providers, NUMBERS_SIZE);
    buf_init(&events, NUMBERS_SIZE);
    bool complete = buf_append_char(&providers, '{') && buf_append_char(&events, '{');
    for (int i = 0; i < l->count && complete; i++) {
        const char *comma = i == 0 ? "" : ",";
        complete = buf_append_format(&providers, "%s\"%s\"", comma, pg_text(l->events, i, "provider")) &&
                   buf_append_format(&events, "%s%s", comma, pg_text(l->events, i, "id"));
    }
    complete = complete && buf_append_char(&providers, '}') && buf_append_char(&events, '}');
    enum pg_status status = complete ? audit_linked(l->b->pg, providers.data, events.data) : PG_FAILED;
    buf_free(&providers);
    buf_free(&events);
    return status;
}

/* The head of the chain as an entry of the log. */
static enum pg_status leave_head(const struct linking *l)
{
    char hex[2 * MERKLE_HASH + 1];
    char at[28];
    char subject[24];
    char members[256];
    sodium_bin2hex(hex, sizeof hex, l->head.bytes, MERKLE_HASH);
    instant_format(l->b->now, at);
    snprintf(subject, sizeof subject, "%lld", (long long)l->seq);
    snprintf(members, sizeof members, "\"at\":\"%s\",\"hash\":\"%s\",\"kind\":\"audit_head\",\"seq\":%lld", at, hex,
             (long long)l->seq);
    return log_leave(l->b->pg, "audit_head", NULL, NULL, subject, members);
}

static enum pg_status link_events(struct batch *b, bool entries_wait)
{
    struct linking l = {.b = b};
    int64_t logged = 0;
    enum pg_status status = audit_pending_events(b->pg, BATCH_EVENTS, &l.events);
    if (status != PG_OK)
        return status;
    l.count = PQntuples(l.events);
    status = audit_chain_end(b->pg, &l.seq, l.head.bytes);
    if (status == PG_OK && l.count > 0)
        status = add_links(&l);
    if (status == PG_OK && l.count > 0)
        status = stop_waiting(&l);
    if (status == PG_OK)
        status = audit_head_logged(b->pg, &logged);
    if (status == PG_OK && l.seq > logged && (entries_wait || l.seq - logged >= HEAD_EVERY_EVENTS))
        status = leave_head(&l);
    PQclear(l.events);
    return status;
}

/* --------------------------------------------------------------------------------------------------------------- the
 * tree */

static bool fetch_node(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    struct batch *b = context;
    b->fetched = log_node(b->pg, level, (int64_t)index, hash->bytes);
    return b->fetched == PG_OK;
}

static bool keep_node(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash)
{
    struct batch *b = context;
    if (level > 0) /* leaves stand with their entries */
        log_nodes_add(b->nodes, (int16_t)level, (int64_t)index, hash->bytes);
    return true;
}

static enum pg_status grow_tree(struct batch *b, const PGresult *entries)
{
    bool grown = true;
    enum pg_status status = log_nodes_begin(b->pg, &b->nodes);
    if (status != PG_OK)
        return status;
    for (int i = 0; i < PQntuples(entries) && grown; i++) {
        const char *entry = pg_text(entries, i, "entry");
        struct merkle_hash leaf = merkle_leaf(entry, strlen(entry));
        grown = merkle_edge_add(&b->edge, &leaf, keep_node, b);
    }
    status = pg_copy_end(b->nodes, NULL);
    return grown ? status : PG_FAILED;
}

static enum pg_status move_entries(struct batch *b, const PGresult *entries, int64_t first)
{
    struct buf numbers;
    buf_init(&numbers, NUMBERS_SIZE);
    bool complete = buf_append_char(&numbers, '{');
    for (int i = 0; i < PQntuples(entries) && complete; i++)
        complete = buf_append_format(&numbers, "%s%s", i == 0 ? "" : ",", pg_text(entries, i, "no"));
    complete = complete && buf_append_char(&numbers, '}');
    enum pg_status status = complete ? log_move(b->pg, numbers.data, first) : PG_FAILED;
    buf_free(&numbers);
    return status;
}

/* --------------------------------------------------------------------------------------------------------- the
 * checkpoint */

/* Appends a signature line by the service's key. */
static bool add_signature(const struct batch *b, const struct buf *body, enum note_kind kind, struct buf *note)
{
    const uint64_t time = (uint64_t)(b->now / 1000000);
    struct minisign_signature made;
    struct buf message;
    buf_init(&message, NOTE_ROOM);
    bool complete =
        note_message(kind, time, body->data, body->length, &message) &&
        signer_sign(b->w->signer, message.data, message.length, "checkpoint", &made) &&
        note_line(b->w->config->log_origin, kind, signer_public(b->w->signer)->key, time, made.signature, note);
    buf_free(&message);
    return complete;
}

static enum pg_status sign_checkpoint(struct batch *b)
{
    struct checkpoint c = {.size = b->edge.size, .root = merkle_edge_root(&b->edge)};
    struct buf body, note;
    char key_id[17];
    buf_init(&body, NOTE_ROOM);
    buf_init(&note, NOTE_ROOM);
    snprintf(c.origin, sizeof c.origin, "%s", b->w->config->log_origin);
    bool complete = checkpoint_body(&c, &body) && buf_append(&note, body.data, body.length) &&
                    buf_append_char(&note, '\n') && add_signature(b, &body, NOTE_ED25519, &note) &&
                    add_signature(b, &body, NOTE_COSIGNATURE, &note);
    public_key_id_text(signer_public(b->w->signer)->id, key_id);
    const struct log_checkpoint row = {.size = (int64_t)c.size,
                                       .origin = c.origin,
                                       .root = c.root.bytes,
                                       .note = note.data,
                                       .key_id = key_id,
                                       .sealed_at = b->now};
    enum pg_status status = complete ? log_checkpoint_insert(b->pg, &row) : PG_FAILED;
    buf_free(&body);
    buf_free(&note);
    return status;
}

/* -------------------------------------------------------------------------------------------------------------- the
 * batch */

static enum pg_status append_entries(struct batch *b, bool *more)
{
    PGresult *entries = NULL;
    int64_t size = 0;
    enum pg_status status = log_pending_entries(b->pg, BATCH_ENTRIES, &entries);
    if (status == PG_OK && PQntuples(entries) > 0)
        status = log_size(b->pg, &size);
    if (status != PG_OK || PQntuples(entries) == 0) {
        PQclear(entries);
        return status;
    }
    *more = PQntuples(entries) == BATCH_ENTRIES;
    if (!merkle_edge_load(&b->edge, (uint64_t)size, fetch_node, b))
        status = b->fetched == PG_OK ? PG_FAILED : b->fetched;
    if (status == PG_OK)
        status = grow_tree(b, entries);
    if (status == PG_OK)
        status = move_entries(b, entries, size);
    if (status == PG_OK)
        status = sign_checkpoint(b);
    if (status == PG_OK) {
        const struct merkle_hash root = merkle_edge_root(&b->edge);
        b->head.size = (int64_t)b->edge.size;
        memcpy(b->head.root, root.bytes, sizeof b->head.root);
        if (!log_standing_begin(b->pg, b->w, &b->head, entries, b->problem))
            status = PG_FAILED;
    }
    PQclear(entries);
    return status;
}

static enum pg_status batch(struct batch *b, bool *more)
{
    bool entries = false;
    bool events = false;
    enum pg_status status = log_waits(b->pg, &entries, &events);
    if (status != PG_OK || (!entries && !events))
        return status;
    status = pg_begin(b->pg);
    if (status == PG_OK)
        status = log_lock(b->pg);
    if (status == PG_OK)
        status = link_events(b, entries);
    if (status == PG_OK)
        status = append_entries(b, more);
    if (status == PG_OK)
        status = pg_commit(b->pg);
    if (status == PG_OK && b->head.size > 0 && !log_standing_done(b->pg, b->w, &b->head, b->problem))
        status = PG_FAILED;
    return status;
}

enum pg_status log_append_batch(struct pg *pg, const struct worker *w, bool *more, char *problem)
{
    struct batch b = {.pg = pg, .w = w, .problem = problem};
    bool may = false;
    *more = false;
    enum pg_status status = log_standing(pg, w, &may, problem);
    if (status == PG_OK && !may)
        return PG_REFUSED;
    if (status == PG_OK && !clock_now(w->clock, &b.now)) {
        snprintf(problem, JOB_PROBLEM_SIZE, "the clock file cannot be read");
        return PG_FAILED;
    }
    if (status == PG_OK)
        status = batch(&b, more);
    if (status != PG_OK) {
        if (problem[0] == '\0')
            snprintf(problem, JOB_PROBLEM_SIZE, "%s", pg_message(pg));
        pg_rollback(pg);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------------------- the
 * thread */

struct log_keeper_thread {
    struct worker *worker;
    struct pg *pg;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool ending;
    bool failing;
    char said[JOB_PROBLEM_SIZE]; /* what failed last: said once */
    atomic_bool may;             /* sign */
};

/* Appends until nothing waits. */
static void append_all(struct log_keeper_thread *k)
{
    bool more = true;
    char problem[JOB_PROBLEM_SIZE];
    while (more) {
        enum pg_status status = pg_connect(k->pg);
        problem[0] = '\0';
        if (status == PG_OK)
            status = log_append_batch(k->pg, k->worker, &more, problem);
        bool failed = status != PG_OK && status != PG_NONE;
        if (failed && (!k->failing || strcmp(problem, k->said) != 0))
            log_event(LOG_LEVEL_WARN, "log_append", &(struct log_field){"problem", problem, 0}, 1);
        memcpy(k->said, problem, sizeof k->said);
        k->failing = failed;
        atomic_store(&k->may, status == PG_OK || status == PG_NONE);
        more = more && status == PG_OK;
    }
}

bool log_keeper_may_sign(const struct log_keeper_thread *k)
{
    return atomic_load(&k->may);
}

static void *keep(void *context)
{
    struct log_keeper_thread *k = context;
    int64_t pause = k->worker->config->worker_poll_ms * 1000;
    (void)pthread_mutex_lock(&k->mutex);
    while (!k->ending) {
        (void)pthread_mutex_unlock(&k->mutex);
        append_all(k);
        (void)pthread_mutex_lock(&k->mutex);
        int64_t until = clock_monotonic() + pause;
        struct timespec t = {until / 1000000, until % 1000000 * 1000};
        int waited = 0;
        while (!k->ending && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&k->changed, &k->mutex, &t);
    }
    (void)pthread_mutex_unlock(&k->mutex);
    return NULL;
}

static bool start_thread(struct log_keeper_thread *k)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&k->changed, &monotonic) == 0 && pthread_mutex_init(&k->mutex, NULL) == 0 &&
              pthread_create(&k->thread, NULL, keep, k) == 0;
    (void)pthread_condattr_destroy(&monotonic);
    return ok;
}

struct log_keeper_thread *log_keeper_start(struct worker *w)
{
    const struct config *c = w->config;
    const struct pg_options options = {c->database_worker, "reckoner-worker log", c->connect_timeout_seconds,
                                       c->statement_timeout_ms, c->lock_timeout_ms};
    struct log_keeper_thread *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->worker = w;
    k->pg = pg_new(&options);
    if (k->pg == NULL || !start_thread(k)) {
        pg_free(k->pg);
        free(k);
        return NULL;
    }
    return k;
}

void log_keeper_end(struct log_keeper_thread *k, bool empty)
{
    if (k == NULL)
        return;
    (void)pthread_mutex_lock(&k->mutex);
    k->ending = true;
    (void)pthread_cond_signal(&k->changed);
    (void)pthread_mutex_unlock(&k->mutex);
    (void)pthread_join(k->thread, NULL);
    if (empty)
        append_all(k);
    (void)pthread_cond_destroy(&k->changed);
    (void)pthread_mutex_destroy(&k->mutex);
    pg_free(k->pg);
    free(k);
}
