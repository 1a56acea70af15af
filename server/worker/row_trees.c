#include "worker/row_trees.h"

#include "domain/row_line.h"
#include "proof/row_tree.h"
#include "store/confidential.h"
#include "store/episode.h"
#include "store/submission.h"
#include "worker/confidential.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY 16 /* confidential blocks between two looks whether to stop */

/* One tree that grows. */
struct growing {
    const struct row_trees_request *request;
    const char *commissioner;
    struct row_tree *tree;
    uint8_t *entries; /* of the block that is being filled; room for ROW_BLOCK */
    size_t rows;
    enum pg_status status; /* of writing its blocks */
};

/* A pass over the rows of a submission, one confidential block at a time. */
struct pass {
    const struct row_trees_request *request;
    struct growing growing[ROW_TREES_AT_ONCE];
    size_t count;
    struct episode *rows; /* of the block; room for CONFIDENTIAL_ROWS */
    size_t row_count;
    uint8_t *clear; /* the confidential block; locked and wiped as it is freed */
    size_t length;
    enum pg_status status;
};

static bool keep_block(void *context, const struct row_block *b)
{
    struct growing *g = context;
    const struct row_tree_part part = {b->no, b->rows, b->first_row, b->last_row, g->entries, b->root.bytes};
    g->status = row_tree_insert_block(g->request->worker->pg, g->request->provider, g->request->submission,
                                      g->commissioner, &part);
    g->rows = 0;
    return g->status == PG_OK;
}

static bool begin(struct growing *g, const struct row_trees_request *q, const char *commissioner)
{
    *g = (struct growing){.request = q, .commissioner = commissioner, .status = PG_OK};
    g->tree = row_tree_new(keep_block, g);
    g->entries = malloc((size_t)ROW_BLOCK * ROW_ENTRY);
    return g->tree != NULL && g->entries != NULL;
}

static void drop(struct pass *p)
{
    for (size_t i = 0; i < p->count; i++) {
        row_tree_free(p->growing[i].tree);
        free(p->growing[i].entries);
    }
    free(p->rows);
    sodium_free(p->clear);
}

static struct growing *tree_of(struct pass *p, const char *commissioner)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->growing[i].commissioner, commissioner) == 0)
            return &p->growing[i];
    }
    return NULL;
}

static enum row_trees_status add_row(struct pass *p, struct growing *g, const struct episode *row,
                                     const struct confidential_record *record)
{
    const struct row_trees_request *q = p->request;
    struct row_entry entry = {.row_no = row->row_no};
    char facts[ROW_LINE_SIZE];
    (void)crypto_hash_sha256(entry.private_digest, record->sealed, record->length);
    pseudonym_make(q->worker->pseudonym_key, g->commissioner, month_financial_year(q->month), row->patient, entry.tag);
    row_entry_write(&entry, g->entries + ROW_ENTRY * g->rows++);
    size_t length = row_facts_write(row, entry.tag, facts);
    if (row_tree_add(g->tree, row->row_no, facts, length, entry.private_digest))
        return ROW_TREES_MADE;
    p->status = g->status;
    return g->status != PG_OK ? ROW_TREES_STORE : ROW_TREES_NO_MEMORY;
}

/* The rows of an opened block, which lie beside one another. */
static enum row_trees_status add_rows(struct pass *p, int64_t first, int64_t count)
{
    size_t at = CONFIDENTIAL_FIRST;
    enum row_trees_status outcome = ROW_TREES_MADE;
    if (p->row_count != (size_t)count)
        return ROW_TREES_UNREADABLE;
    for (size_t i = 0; outcome == ROW_TREES_MADE && i < p->row_count; i++) {
        struct confidential_record record;
        if (p->rows[i].row_no != first + (int64_t)i || !confidential_next(p->clear, p->length, &at, &record))
            return ROW_TREES_UNREADABLE;
        struct growing *g = tree_of(p, p->rows[i].commissioner);
        if (g != NULL)
            outcome = add_row(p, g, &p->rows[i], &record);
    }
    return outcome;
}

static enum row_trees_status add_block(struct pass *p, const struct confidential_rows *block)
{
    const struct row_trees_request *q = p->request;
    if (block->length <= SEAL_BOX_OVERHEAD || block->rows > CONFIDENTIAL_ROWS)
        return ROW_TREES_UNREADABLE;
    sodium_free(p->clear);
    p->length = block->length - SEAL_BOX_OVERHEAD;
    p->clear = sodium_malloc(p->length);
    if (p->clear == NULL)
        return ROW_TREES_NO_MEMORY;
    if (!unseal_box(q->worker->unseal, (const uint8_t *)block->sealed, block->length, p->clear))
        return ROW_TREES_UNREADABLE;
    p->status = episode_range(q->worker->pg, q->provider, q->submission, NULL, (int32_t)block->first_row,
                              (int32_t)(block->first_row + block->rows - 1), p->rows, CONFIDENTIAL_ROWS, &p->row_count);
    return p->status == PG_OK ? add_rows(p, block->first_row, block->rows) : ROW_TREES_STORE;
}

static bool stopped(const struct row_trees_request *q, int64_t block)
{
    return block % LOOK_EVERY == 0 && (atomic_load(&q->worker->lost) || (q->stop != NULL && q->stop(q->context)));
}

static enum row_trees_status read_blocks(struct pass *p)
{
    const struct row_trees_request *q = p->request;
    enum row_trees_status outcome = ROW_TREES_MADE;
    for (int64_t block = 0; outcome == ROW_TREES_MADE; block++) {
        struct confidential_rows found;
        if (stopped(q, block))
            return ROW_TREES_STOPPED;
        p->status = confidential_block(q->worker->pg, q->provider, q->submission, block, &found);
        if (p->status == PG_NONE)
            break;
        if (p->status != PG_OK)
            return ROW_TREES_STORE;
        outcome = add_block(p, &found);
        PQclear(found.result);
    }
    return outcome;
}

static enum row_trees_status finish(struct pass *p)
{
    const struct row_trees_request *q = p->request;
    p->status = PG_OK;
    for (size_t i = 0; i < p->count && p->status == PG_OK; i++) {
        struct growing *g = &p->growing[i];
        struct row_tree_root made;
        struct merkle_hash root;
        uint64_t rows = 0;
        if (!row_tree_finish(g->tree, &rows, &root)) {
            p->status = g->status;
            return g->status != PG_OK ? ROW_TREES_STORE : ROW_TREES_NO_MEMORY;
        }
        made.rows = (int64_t)rows;
        memcpy(made.root, root.bytes, sizeof made.root);
        p->status = row_tree_insert(q->worker->pg, q->provider, q->submission, g->commissioner, &made);
    }
    return p->status == PG_OK ? ROW_TREES_MADE : ROW_TREES_STORE;
}

/* Trees of p->count commissioners, which are set. */
static enum row_trees_status run_pass(struct pass *p)
{
    p->rows = malloc(CONFIDENTIAL_ROWS * sizeof *p->rows);
    enum row_trees_status outcome = p->rows == NULL ? ROW_TREES_NO_MEMORY : read_blocks(p);
    return outcome == ROW_TREES_MADE ? finish(p) : outcome;
}

enum row_trees_status row_trees_make(const struct row_trees_request *q, enum pg_status *store)
{
    enum row_trees_status outcome = ROW_TREES_MADE;
    *store = row_tree_lock(q->worker->pg, q->provider, q->submission);
    for (size_t next = 0; *store == PG_OK && outcome == ROW_TREES_MADE && next < q->count;) {
        struct pass *p = calloc(1, sizeof *p);
        if (p == NULL)
            return ROW_TREES_NO_MEMORY;
        p->request = q;
        for (; next < q->count && p->count < ROW_TREES_AT_ONCE && outcome == ROW_TREES_MADE; next++) {
            struct row_tree_root there;
            *store = row_tree_get(q->worker->pg, q->provider, q->submission, q->commissioners[next], &there);
            if (*store == PG_OK)
                continue;
            if (*store != PG_NONE)
                break;
            outcome = begin(&p->growing[p->count++], q, q->commissioners[next]) ? outcome : ROW_TREES_NO_MEMORY;
        }
        if (*store == PG_OK || *store == PG_NONE) {
            if (outcome == ROW_TREES_MADE && p->count > 0)
                outcome = run_pass(p);
            *store = outcome == ROW_TREES_STORE ? p->status : PG_OK;
        }
        drop(p);
        free(p);
    }
    return *store == PG_OK ? outcome : ROW_TREES_STORE;
}

enum row_trees_status row_trees_root(const struct row_trees_request *q, const char *commissioner,
                                     struct row_tree_root *out, enum pg_status *store)
{
    struct row_trees_request one = *q;
    one.commissioners = &commissioner;
    one.count = 1;
    *store = row_tree_get(q->worker->pg, q->provider, q->submission, commissioner, out);
    if (*store == PG_OK)
        return ROW_TREES_MADE;
    if (*store != PG_NONE)
        return ROW_TREES_STORE;
    enum row_trees_status outcome = row_trees_make(&one, store);
    if (outcome != ROW_TREES_MADE)
        return outcome;
    *store = row_tree_get(q->worker->pg, q->provider, q->submission, commissioner, out);
    return *store == PG_OK ? ROW_TREES_MADE : ROW_TREES_STORE;
}

const char *row_trees_reason(enum row_trees_status status)
{
    if (status == ROW_TREES_UNREADABLE)
        return "The confidential rows of a submission cannot be opened: they were sealed to another key or are damaged."
               " The operator restores the key or the rows; then retry the job.";
    if (status == ROW_TREES_TOO_MANY)
        return "Rows of more than 64 commissioners were moved into one month of the account, and a statement states as"
               " many. Move some back; then retry the job.";
    return "The worker ran out of memory. Retry the job when the machine has more.";
}

struct giving_way {
    struct pg *pg;
    enum pg_status status;
    bool way;
};

static bool gives_way(void *context)
{
    struct giving_way *g = context;
    g->status = row_tree_gives_way(g->pg, &g->way);
    return g->status != PG_OK || g->way;
}

static enum job_outcome outcome_of(struct worker *w, const struct job *job, enum row_trees_status made,
                                   enum pg_status store, const struct giving_way *way, char *problem)
{
    if (made == ROW_TREES_MADE) {
        store = job_finish(w->pg, job);
        if (store == PG_OK)
            store = pg_commit(w->pg);
        return job_outcome_of(store, w->pg, problem);
    }
    if (made == ROW_TREES_STORE)
        return job_outcome_of(store == PG_NONE ? PG_FAILED : store, w->pg, problem);
    if (made == ROW_TREES_STOPPED && atomic_load(&w->lost))
        return JOB_LOST;
    if (made == ROW_TREES_STOPPED && way->status != PG_OK)
        return job_outcome_of(way->status, w->pg, problem);
    (void)snprintf(problem, JOB_PROBLEM_SIZE, "%s",
                   made == ROW_TREES_STOPPED ? "Uploads go first; the commitments are made behind them."
                                             : row_trees_reason(made));
    return made == ROW_TREES_STOPPED ? JOB_WAITS : made == ROW_TREES_NO_MEMORY ? JOB_AGAIN : JOB_FAILED;
}

static enum job_outcome make_all(struct worker *w, const struct job *job, const struct submission *s, char *problem)
{
    struct giving_way way = {w->pg, PG_OK, false};
    struct row_trees_request q = {.worker = w,
                                  .provider = s->provider,
                                  .submission = s->no,
                                  .month = s->month,
                                  .stop = gives_way,
                                  .context = &way};
    PGresult *missing = NULL;
    enum pg_status status = row_tree_missing(w->pg, s->provider, s->no, &missing);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    q.count = (size_t)PQntuples(missing);
    const char **commissioners = calloc(q.count + 1, sizeof *commissioners);
    for (size_t i = 0; commissioners != NULL && i < q.count; i++)
        commissioners[i] = pg_text(missing, (int)i, "commissioner");
    q.commissioners = commissioners;
    enum row_trees_status made = commissioners == NULL ? ROW_TREES_NO_MEMORY : row_trees_make(&q, &status);
    free(commissioners);
    PQclear(missing);
    return outcome_of(w, job, made, status, &way, problem);
}

enum job_outcome row_trees_run(struct worker *w, const struct job *job, char *problem)
{
    struct submission s;
    enum pg_status status = submission_get(w->pg, job->provider, job->subject, &s);
    if (status == PG_NONE || (status == PG_OK && strcmp(s.state, "accepted") != 0)) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "There is no such accepted submission; nothing is to be done.");
        return JOB_FAILED;
    }
    if (status == PG_OK)
        status = pg_begin(w->pg);
    return status == PG_OK ? make_all(w, job, &s, problem) : job_outcome_of(status, w->pg, problem);
}
