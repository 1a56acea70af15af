#include "worker/validation_run.h"

#include "store/audit.h"
#include "store/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of findings point at the facts of their row: in step with the rows while the findings of the rows themselves
 * are read, one by one for those of the rules across rows. */
static bool facts_at(struct validation *v, uint32_t row_no, struct episode *e)
{
    if (row_no == 0 || row_no > v->rows) {
        memset(e, 0, sizeof *e);
        return true;
    }
    if ((uint32_t)e->row_no == row_no)
        return true;
    return journal_read(v->facts, (uint64_t)(row_no - 1) * sizeof *e, e, sizeof *e);
}

static void copy_text(struct pg_copy *copy, const char *text)
{
    pg_copy_text(copy, text, strlen(text));
}

static bool copy_finding(struct validation *v, struct pg_copy *copy, struct episode *e)
{
    struct finding_head head;
    char texts[3 * 256];
    if (!journal_next(v->findings, &head, sizeof head))
        return false;
    size_t length = (size_t)head.field_length + head.value_length + head.note_length;
    if (!journal_next(v->findings, texts, length) || !facts_at(v, head.row_no, e))
        return false;
    pg_copy_row(copy, 11);
    copy_text(copy, v->s.provider);
    pg_copy_i64(copy, v->s.no);
    pg_copy_i32(copy, (int32_t)head.row_no);
    copy_text(copy, rule_get((enum rule_id)head.rule)->id);
    pg_copy_i32(copy, 0);
    copy_text(copy, e->episode_id);
    copy_text(copy, e->commissioner);
    copy_text(copy, e->cluster);
    pg_copy_text(copy, texts, head.field_length);
    pg_copy_text(copy, texts + head.field_length, head.value_length);
    pg_copy_text(copy, texts + head.field_length + head.value_length, head.note_length);
    return true;
}

/* The common end of the copies below: a spool that cannot be read is not the database's failure. */
static enum pg_status end_copy(struct validation *v, struct pg_copy *copy, bool read)
{
    enum pg_status status = pg_copy_end(copy, NULL);
    v->broken = v->broken || !read;
    return read ? status : PG_FAILED;
}

static enum pg_status write_findings(struct validation *v)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = pg_copy_begin(v->w->pg,
                                          "COPY reckoner.finding (provider, submission, row_no, rule, evaluation,"
                                          " episode_id, commissioner, cluster, field, value, note)"
                                          " FROM STDIN (FORMAT binary)",
                                          &copy);
    if (status != PG_OK)
        return status;
    struct episode e;
    memset(&e, 0, sizeof e);
    bool read = true;
    while (read && !journal_at_end(v->findings))
        read = copy_finding(v, copy, &e);
    return end_copy(v, copy, read);
}

static enum pg_status write_episodes(struct validation *v)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = episode_copy_begin(v->w->pg, &copy);
    if (status != PG_OK)
        return status;
    bool read = true;
    for (size_t i = 0; i < v->rows && read; i++) {
        struct episode e;
        read = journal_next(v->facts, &e, sizeof e);
        if (!read)
            break;
        e.failed = v->failed[i];
        e.continues = (v->continues[i / 8] >> (i % 8) & 1) != 0;
        episode_copy_add(copy, v->s.provider, v->s.no, &e);
    }
    return end_copy(v, copy, read);
}

static enum pg_status write_blocks(struct validation *v)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = pg_copy_begin(v->w->pg,
                                          "COPY reckoner.confidential_block (provider, submission, block, first_row,"
                                          " rows, sealed) FROM STDIN (FORMAT binary)",
                                          &copy);
    if (status != PG_OK)
        return status;
    char *sealed = NULL;
    bool read = true;
    for (int32_t block = 0; read && !journal_at_end(v->blocks); block++) {
        struct block_head head;
        read = journal_next(v->blocks, &head, sizeof head);
        char *room = read ? realloc(sealed, head.length) : NULL;
        if (room)
            sealed = room;
        read = room && journal_next(v->blocks, sealed, head.length);
        if (!read)
            break;
        pg_copy_row(copy, 6);
        copy_text(copy, v->s.provider);
        pg_copy_i64(copy, v->s.no);
        pg_copy_i32(copy, block);
        pg_copy_i32(copy, (int32_t)head.first_row);
        pg_copy_i32(copy, (int32_t)head.rows);
        pg_copy_bytes(copy, sealed, head.length);
    }
    free(sealed);
    return end_copy(v, copy, read);
}

static enum pg_status write_outcome(struct validation *v)
{
    json_t *digests = json_object();
    bool ok = digests != NULL;
    for (size_t i = 0; ok && i < REFERENCE_KINDS; i++) {
        const struct reference_digest *d = &v->digests[i];
        ok = json_put(digests, d->kind, d->hex[0] ? json_string(d->hex) : json_null());
    }
    size_t length = 0;
    char *text = ok ? json_canonical(digests, &length) : NULL;
    json_decref(digests);
    if (!text)
        return PG_FAILED;
    bool accepted = strcmp(v->state, "accepted") == 0;
    struct submission_outcome o = {
        v->state, v->validated_at, v->summary.rows, accepted ? v->payable_rows : -1, RULE_SET_VERSION, text};
    enum pg_status status = submission_set_outcome(v->w->pg, v->s.provider, v->s.no, &o);
    free(text);
    return status;
}

/* An accepted submission is evaluated under the terms; contracts that froze the month without it, but for which it
 * counts (an exception, or a begin before the window closed), are settled anew. */
static enum pg_status add_jobs(struct validation *v)
{
    char id[IDENT_SIZE];
    enum pg_status status = job_add(v->w->pg, v->s.provider, "evaluate", v->s.id, id);
    for (size_t i = 0; i < v->window_count && status == PG_OK; i++) {
        bool frozen = false;
        if (v->windows[i].inside)
            status = window_frozen(v->w->pg, v->s.provider, v->windows[i].contract, v->s.month, &frozen);
        /* Under an exception also when it is not frozen yet: its FREEZE may be under way, without this upload. */
        if (status == PG_OK && (frozen || v->windows[i].exception))
            status = job_add(v->w->pg, v->s.provider, "resettle", v->windows[i].contract, id);
    }
    return status;
}

static enum pg_status write_audit(struct validation *v)
{
    char detail[200];
    char subject[64];
    (void)snprintf(detail, sizeof detail, "{\"outcome\":\"%s\",\"version\":%lld,\"rows\":%lld}", v->state,
                   (long long)v->s.version, (long long)v->summary.rows);
    (void)snprintf(subject, sizeof subject, "submission/%s", v->s.id);
    struct audit_event event = {v->s.provider,         v->validated_at, NULL,   NULL,
                                "submission.validate", subject,         detail, NULL};
    return audit_append(v->w->pg, &event);
}

/* Everything that the outcome changes, fenced by the lease: a worker that was presumed dead writes nothing. */
static enum pg_status write_all(struct validation *v)
{
    struct submission now;
    enum pg_status status = submission_get_for_update(v->w->pg, v->s.provider, v->s.id, &now);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    /* Decided already, by an earlier job for the same submission. */
    if (strcmp(now.state, "received") != 0)
        return job_finish(v->w->pg, v->job);
    bool accepted = strcmp(v->state, "accepted") == 0;
    status = submission_clear_rows(v->w->pg, v->s.provider, v->s.no);
    if (status == PG_OK)
        status = write_findings(v);
    if (status == PG_OK && accepted)
        status = write_episodes(v);
    if (status == PG_OK && accepted)
        status = write_blocks(v);
    if (status == PG_OK)
        status = write_outcome(v);
    if (status == PG_OK)
        status = validation_sign_receipt(v);
    if (status == PG_OK)
        status = write_audit(v);
    if (status == PG_OK && accepted)
        status = add_jobs(v);
    if (status == PG_OK)
        status = job_progress(v->w->pg, v->job, v->summary.rows, v->summary.rows);
    if (status == PG_OK)
        status = job_finish(v->w->pg, v->job);
    return status;
}

enum job_outcome validation_write(struct validation *v)
{
    enum pg_status status = pg_begin(v->w->pg);
    if (status == PG_OK)
        status = write_all(v);
    if (status == PG_OK)
        status = pg_commit(v->w->pg);
    else
        pg_rollback(v->w->pg);
    if (v->broken)
        return validation_spool_failure(v);
    return job_outcome_of(status, v->w->pg, v->problem);
}
