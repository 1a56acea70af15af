#include "worker/early_load.h"
#include "worker/sealed_file.h"
#include "worker/validation_run.h"

#include <stdlib.h>
#include <string.h>

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
    early_load_add(v, facts);
    if (!statistics_set_add(v->statistics, facts, 1))
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
    v->blocks = journal_new(v->w->config->spool_dir);
    v->check = check_new(&input);
    v->indicators = indicators_new(v->s.month, &v->basis.reference);
    v->statistics = statistics_set_new(v->s.month);
    return v->blocks && v->check && v->indicators && v->statistics ? JOB_DONE : validation_spool_failure(v);
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
                                v->reader ? v->reader : v->w->pg};
}

enum job_outcome validation_open_along(struct validation *v)
{
    struct sealed_file file = file_of(v);
    return sealed_reader_open(v->w, &file, v->check, v->problem, &v->along);
}

enum job_outcome validation_read(struct validation *v)
{
    struct sealed_file file = file_of(v);
    enum job_outcome outcome = v->along ? sealed_reader_finish(v->along, v->job, &file, v->problem)
                                        : sealed_file_read(v->w, v->job, &file, v->check, v->problem);
    if (outcome != JOB_DONE)
        return outcome;
    if (!check_end_rows(v->check))
        return validation_spool_failure(v);
    enum pg_status status = early_load_end(v);
    if (status != PG_OK)
        return job_outcome_of(status, v->w->pg, v->problem);
    if (!check_finish(v->check, &v->outcome) || !flush_block(v))
        return validation_spool_failure(v);
    return v->outcome.refused ? JOB_DONE : history_judge(v->history, v->check, v->problem);
}
