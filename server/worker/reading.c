#include "worker/early_load.h"
#include "worker/sealed_file.h"
#include "worker/validation_run.h"

#include <stdlib.h>
#include <string.h>

/* A full block on its way to its seal. */
struct sealing {
    struct validation *v;
    struct confidential_block *block;
};

static bool seal_block(struct validation *v, struct confidential_block *block)
{
    struct block_head head;
    memset(&head, 0, sizeof head);
    head.first_row = block->first_row;
    head.rows = block->rows;
    uint8_t *sealed = NULL;
    size_t length = 0;
    if (!confidential_seal(block, v->w->unseal->public, &sealed, &length))
        return false;
    head.length = length;
    bool ok = journal_append(v->blocks, &head, sizeof head) && journal_append(v->blocks, sealed, length);
    free(sealed);
    return ok;
}

static void seal(void *context)
{
    struct sealing *s = context;
    if (!s->v->broken && !seal_block(s->v, s->block))
        s->v->broken = true;
    confidential_free(s->block);
    free(s->block);
    free(s);
}

static bool flush_block(struct validation *v)
{
    if (!v->block)
        return true;
    struct sealing *s = malloc(sizeof *s);
    if (!s)
        return false;
    *s = (struct sealing){v, v->block};
    v->block = NULL;
    aside_give(v->aside, seal, s);
    return true;
}

/* Blocks hold rows without gaps; a file with gaps is refused and its blocks are not kept. */
static bool add_to_block(struct validation *v, const struct episode_row *row)
{
    if (v->block && v->block->rows == CONFIDENTIAL_ROWS && !flush_block(v))
        return false;
    if (!v->block) {
        v->block = malloc(sizeof *v->block);
        if (!v->block)
            return false;
        confidential_init(v->block);
    }
    return confidential_add(v->block, row);
}

static void take_rows(void *context)
{
    struct row_batch *b = context;
    struct validation *v = b->v;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->kept_back[i])
            early_load_add(v, &b->row[i]);
    }
    if (!statistics_set_add_rows(v->statistics, b->row, b->count))
        v->broken = true;
    b->count = 0;
    atomic_store(&b->given, false);
}

/* The first batch that is free is filled next: while nothing has to wait few are used, which stay in the processor's
 * cache. */
static void flush_rows(struct validation *v)
{
    atomic_store(&v->batches[v->batch].given, true);
    aside_give(v->aside, take_rows, &v->batches[v->batch]);
    v->batch = 0;
    while (atomic_load(&v->batches[v->batch].given))
        v->batch++;
}

static void add_to_batch(struct validation *v, const struct episode *facts)
{
    struct row_batch *b = &v->batches[v->batch];
    b->kept_back[b->count] = early_load_keeps_back(v, facts);
    b->row[b->count++] = *facts;
    if (b->count == ROWS_AT_ONCE)
        flush_rows(v);
}

static bool on_row(void *observer, const struct checked_row *row, const struct episode *facts, uint32_t *tag)
{
    struct validation *v = observer;
    *tag = indicators_add(v->indicators, row);
    if (v->early && check_is_refused(v->check))
        early_load_drop(v);
    add_to_batch(v, facts);
    return add_to_block(v, row->row) && history_add_row(v->history, row, facts);
}

static void on_patient(void *observer, const struct cross_row *rows, size_t count)
{
    struct validation *v = observer;
    indicators_patient(v->indicators, rows, count);
}

static bool keep_on(void *observer)
{
    struct validation *v = observer;
    return !atomic_load(&v->w->lost);
}

enum job_outcome validation_spool_failure(struct validation *v)
{
    return sealed_file_check_failed(v->w, v->problem);
}

enum job_outcome validation_open(struct validation *v)
{
    struct check_input input = {.context = &v->context,
                                .format = strcmp(v->s.media_type, "text/csv") == 0 ? UPLOAD_CSV : UPLOAD_NDJSON,
                                .identity_key = v->w->pseudonym_key,
                                .spool_folder = v->w->config->spool_dir,
                                .gzip = strcmp(v->s.content_encoding, "gzip") == 0,
                                .unpacked_maximum = v->w->config->max_upload_bytes,
                                .mapping = v->mapping,
                                .observer = v,
                                .on_row = on_row,
                                .on_patient = on_patient,
                                .keep_on = keep_on};
    v->batches = calloc(ROW_BATCHES, sizeof *v->batches);
    for (size_t i = 0; v->batches && i < ROW_BATCHES; i++)
        v->batches[i].v = v;
    if (v->early)
        v->aside = aside_new();
    v->blocks = journal_new(v->w->config->spool_dir);
    v->check = check_new(&input);
    v->indicators = indicators_new(v->s.month, &v->basis.reference);
    v->statistics = statistics_set_new(v->s.month);
    bool ok = v->batches && v->blocks && v->check && v->indicators && v->statistics;
    return ok ? JOB_DONE : validation_spool_failure(v);
}

static struct sealed_file file_of(const struct validation *v)
{
    return (struct sealed_file){v->s.provider,
                                v->s.id,
                                v->s.no,
                                v->s.chunks,
                                v->s.bytes,
                                v->s.sha256,
                                v->s.declared_rows,
                                submission_sealed_key,
                                submission_chunks,
                                v->reader ? v->reader : v->w->pg,
                                v->reader ? submission_ask_chunks : NULL};
}

enum job_outcome validation_open_along(struct validation *v)
{
    struct sealed_file file = file_of(v);
    return sealed_reader_open(v->w, &file, v->check, v->problem, &v->along);
}

/* Every row was given: the rules across rows, while the database takes what is known already. */
static enum job_outcome judge(struct validation *v)
{
    if (v->stores_aside)
        aside_give(v->aside, validation_store_rows, v);
    if (!check_finish(v->check, &v->outcome))
        return validation_spool_failure(v);
    if (v->outcome.refused)
        return JOB_DONE;
    if (v->stores_aside) {
        if (!early_load_note(v))
            return validation_spool_failure(v);
        aside_give(v->aside, validation_store_identifiers, v);
        aside_give(v->aside, validation_store_corrections, v);
    }
    enum job_outcome outcome = history_take(v->history, v->check, v->problem);
    if (outcome == JOB_DONE && v->stores_aside)
        aside_give(v->aside, validation_store_history, v);
    if (outcome == JOB_DONE)
        outcome = history_judge(v->history, v->reader ? v->reader : v->w->pg, v->problem);
    return outcome;
}

enum job_outcome validation_read(struct validation *v)
{
    struct sealed_file file = file_of(v);
    enum job_outcome outcome = v->along ? sealed_reader_finish(v->along, v->job, &file, v->problem)
                                        : sealed_file_read(v->w, v->job, &file, v->check, v->problem);
    if (outcome != JOB_DONE)
        return outcome;
    if (!check_end_rows(v->check) || !flush_block(v))
        return validation_spool_failure(v);
    flush_rows(v);
    v->stores_aside = v->early != NULL && !check_is_refused(v->check);
    outcome = judge(v);
    aside_wait(v->aside);
    if (outcome == JOB_DONE && (v->broken || v->unreadable))
        return validation_spool_failure(v);
    return outcome == JOB_DONE ? job_outcome_of(v->stored, v->w->pg, v->problem) : outcome;
}
