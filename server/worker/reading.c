#include "worker/validation_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_AT_ONCE  4
#define PROGRESS_MICROS 1000000

static bool flush_block(struct validation *v)
{
    if (v->block.rows == 0)
        return true;
    struct block_head head;
    memset(&head, 0, sizeof head);
    head.first_row = v->block.first_row;
    head.rows = v->block.rows;
    uint8_t *sealed = NULL;
    size_t length = 0;
    if (!confidential_seal(&v->block, v->w->unseal->public, &sealed, &length))
        return false;
    head.length = length;
    bool ok = journal_append(v->blocks, &head, sizeof head) && journal_append(v->blocks, sealed, length);
    free(sealed);
    return ok;
}

/* Blocks hold rows without gaps; a file with gaps is refused and its blocks are not kept. */
static bool on_row(void *observer, const struct checked_row *row, const struct episode *facts, uint32_t *tag)
{
    struct validation *v = observer;
    *tag = indicators_add(v->indicators, row);
    if (v->block.rows == CONFIDENTIAL_ROWS && !flush_block(v))
        return false;
    return confidential_add(&v->block, row->row) && history_add_row(v->history, row, facts);
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
    if (atomic_load(&v->w->lost))
        return JOB_LOST;
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE,
                   "The worker's temporary folder (spool_dir) is full or cannot be written, or memory ran out."
                   " The operator makes room; then retry the job.");
    return JOB_AGAIN;
}

static enum job_outcome damaged(struct validation *v)
{
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE,
                   "The stored bytes of the upload cannot be read back: they were sealed to another key or are damaged."
                   " The operator restores the key and retries the job; or send the file again.");
    return JOB_FAILED;
}

static enum job_outcome report_progress(struct validation *v)
{
    if (atomic_load(&v->w->lost))
        return JOB_LOST;
    if (clock_monotonic() < v->next_progress)
        return JOB_DONE;
    v->next_progress = clock_monotonic() + PROGRESS_MICROS;
    enum pg_status status = job_progress(v->w->pg, v->job, (int64_t)check_rows(v->check), v->s.declared_rows);
    return job_outcome_of(status, v->w->pg, v->problem);
}

struct opening {
    struct unseal_stream stream;
    crypto_hash_sha256_state hash;
    int64_t bytes;
    uint8_t *text; /* of one chunk */
    size_t room;
};

static enum job_outcome feed_chunk(struct validation *v, struct opening *o, const char *sealed, size_t length)
{
    if (length > o->room) {
        uint8_t *text = realloc(o->text, length);
        if (!text)
            return validation_spool_failure(v);
        o->text = text;
        o->room = length;
    }
    if (!unseal_chunk(&o->stream, sealed, length, o->text))
        return damaged(v);
    size_t n = length - SEAL_CHUNK_OVERHEAD;
    (void)crypto_hash_sha256_update(&o->hash, o->text, n);
    o->bytes += (int64_t)n;
    if (!check_feed(v->check, o->text, n))
        return validation_spool_failure(v);
    return JOB_DONE;
}

static enum job_outcome read_chunks(struct validation *v, struct opening *o)
{
    for (int64_t seq = 0; seq < v->s.chunks; seq += CHUNKS_AT_ONCE) {
        PGresult *r = NULL;
        enum pg_status status = submission_chunks(v->w->pg, v->s.provider, v->s.no, seq, CHUNKS_AT_ONCE, &r);
        if (status != PG_OK)
            return job_outcome_of(status, v->w->pg, v->problem);
        enum job_outcome outcome = JOB_DONE;
        for (int i = 0; i < PQntuples(r) && outcome == JOB_DONE; i++)
            outcome = feed_chunk(v, o, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
        PQclear(r);
        if (outcome == JOB_DONE)
            outcome = report_progress(v);
        if (outcome != JOB_DONE)
            return outcome;
    }
    uint8_t sha256[SUBMISSION_SHA256_SIZE];
    (void)crypto_hash_sha256_final(&o->hash, sha256);
    bool whole = o->stream.finished && o->bytes == v->s.bytes && memcmp(sha256, v->s.sha256, sizeof sha256) == 0;
    return whole ? JOB_DONE : damaged(v);
}

enum job_outcome validation_read(struct validation *v)
{
    struct check_input input = {.context = &v->context,
                                .format = strcmp(v->s.media_type, "text/csv") == 0 ? UPLOAD_CSV : UPLOAD_NDJSON,
                                .identity_key = v->w->pseudonym_key,
                                .spool_folder = v->w->config->spool_dir,
                                .observer = v,
                                .on_row = on_row,
                                .on_patient = on_patient,
                                .keep_on = keep_on};
    v->blocks = journal_new(v->w->config->spool_dir);
    v->check = check_new(&input);
    v->indicators = indicators_new(v->s.month, &v->reference);
    if (!v->blocks || !v->check || !v->indicators)
        return validation_spool_failure(v);

    uint8_t sealed_key[SUBMISSION_SEALED_KEY_MAX];
    size_t length = 0;
    enum pg_status status =
        submission_sealed_key(v->w->pg, v->s.provider, v->s.no, sealed_key, sizeof sealed_key, &length);
    if (status != PG_OK)
        return job_outcome_of(status, v->w->pg, v->problem);
    char context[SEAL_CONTEXT_SIZE];
    (void)snprintf(context, sizeof context, "%s/%s", v->s.provider, v->s.id);
    struct opening o;
    memset(&o, 0, sizeof o);
    (void)crypto_hash_sha256_init(&o.hash);
    enum job_outcome outcome = damaged(v);
    if (unseal_begin(&o.stream, v->w->unseal, context, sealed_key, length))
        outcome = read_chunks(v, &o);
    unseal_end(&o.stream);
    if (o.text)
        sodium_memzero(o.text, o.room);
    free(o.text);
    if (outcome != JOB_DONE)
        return outcome;
    if (!check_finish(v->check, &v->outcome) || !flush_block(v))
        return validation_spool_failure(v);
    return v->outcome.refused ? JOB_DONE : history_judge(v->history, v->check, v->problem);
}
