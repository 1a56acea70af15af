#include "worker/early_load.h"
#include "worker/measure.h"

#include "store/audit.h"
#include "store/challenge.h"
#include "store/episode.h"
#include "store/identifier.h"
#include "store/statistics.h"
#include "store/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a copy goes to, for the callbacks of the check. */
struct copying {
    const struct validation *v;
    struct pg_copy *copy;
};

static bool copy_finding(void *context, const struct finding_line *f, bool of_terms)
{
    const struct copying *to = context;
    (void)of_terms; /* never: they are asked by the evaluation */
    pg_copy_row(to->copy, 11);
    pg_copy_string(to->copy, to->v->s.provider);
    pg_copy_i64(to->copy, to->v->s.no);
    pg_copy_i32(to->copy, (int32_t)f->row);
    pg_copy_string(to->copy, rule_get(f->rule)->id);
    pg_copy_i32(to->copy, 0);
    pg_copy_string(to->copy, f->episode_id);
    pg_copy_string(to->copy, f->commissioner);
    pg_copy_string(to->copy, f->cluster);
    pg_copy_string(to->copy, f->field);
    pg_copy_string(to->copy, f->value);
    pg_copy_string(to->copy, f->note);
    return true;
}

static bool copy_episode(void *context, const struct episode *row)
{
    const struct copying *to = context;
    episode_copy_add(to->copy, to->v->s.provider, to->v->s.no, row);
    return !atomic_load(&to->v->w->lost);
}

/* The common end of the copies below: a spool that cannot be read is not the database's failure. */
static enum pg_status end_copy(struct validation *v, struct pg_copy *copy, bool read)
{
    enum pg_status status = pg_copy_end(copy, NULL);
    v->unreadable = v->unreadable || !read;
    return read ? status : PG_FAILED;
}

static enum pg_status write_findings(struct validation *v)
{
    struct copying to = {v, NULL};
    enum pg_status status = pg_copy_begin(v->w->pg,
                                          "COPY reckoner.finding (provider, submission, row_no, rule, evaluation,"
                                          " episode_id, commissioner, cluster, field, value, note)"
                                          " FROM STDIN (FORMAT binary)",
                                          &to.copy);
    if (status != PG_OK)
        return status;
    return end_copy(v, to.copy, check_each_finding(v->check, NULL, copy_finding, &to));
}

static enum pg_status write_episodes(struct validation *v)
{
    struct copying to = {v, NULL};
    enum pg_status status = episode_copy_begin(v->w->pg, &to.copy);
    if (status != PG_OK)
        return status;
    return end_copy(v, to.copy, check_each_row(v->check, copy_episode, &to));
}

struct identifying {
    const struct validation *v;
    struct pg_copy *copy;
    int32_t block;
};

static bool copy_identifiers(void *context, const int64_t *hashes, size_t count)
{
    struct identifying *to = context;
    identifier_copy_add(to->copy, to->v->s.provider, to->v->s.no, to->block++, hashes, count);
    return true;
}

/* What the guard at the door compares with. */
static enum pg_status write_identifiers(struct validation *v)
{
    struct identifying to = {v, NULL, 0};
    enum pg_status status = identifier_copy_begin(v->w->pg, &to.copy);
    if (status != PG_OK)
        return status;
    return end_copy(v, to.copy, check_each_identifier(v->check, IDENTIFIER_BLOCK_HASHES, copy_identifiers, &to));
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
        pg_copy_string(copy, v->s.provider);
        pg_copy_i64(copy, v->s.no);
        pg_copy_i32(copy, block);
        pg_copy_i32(copy, (int32_t)head.first_row);
        pg_copy_i32(copy, (int32_t)head.rows);
        pg_copy_bytes(copy, sealed, head.length);
    }
    free(sealed);
    return end_copy(v, copy, read);
}

static bool correct_row(void *context, const struct episode *before, const struct episode *after)
{
    struct validation *v = context;
    return statistics_set_add(v->statistics, before, -1) && statistics_set_add(v->statistics, after, 1);
}

/* What settlement will know of the rows: collected while they were read, with what rules across rows have changed. */
static enum pg_status write_statistics(struct validation *v)
{
    if (!check_each_correction(v->check, correct_row, v)) {
        v->unreadable = true;
        return PG_FAILED;
    }
    return statistics_add(v->w->pg, v->s.provider, v->s.no, v->statistics);
}

static enum pg_status write_outcome(struct validation *v)
{
    json_t *reference = validation_reference(v);
    size_t length = 0;
    char *text = reference ? json_canonical(reference, &length) : NULL;
    json_decref(reference);
    if (!text)
        return PG_FAILED;
    bool accepted = strcmp(v->state, "accepted") == 0;
    struct submission_outcome o = {v->state,
                                   v->validated_at,
                                   v->outcome.rows,
                                   accepted ? v->outcome.payable_rows : -1,
                                   v->outcome.empty_rows,
                                   RULE_SET_VERSION,
                                   text};
    enum pg_status status = submission_set_outcome(v->w->pg, v->s.provider, v->s.no, &o);
    free(text);
    return status;
}

/* An accepted submission is evaluated under the terms; contracts that froze the month without it, but for which it
 * counts (an exception, or a begin before the window closed), are settled anew. */
static enum pg_status add_jobs(struct validation *v)
{
    char id[IDENT_SIZE];
    struct submission newest;
    enum pg_status status = job_add(v->w->pg, v->s.provider, "evaluate", v->s.id, id);
    if (status == PG_OK)
        status = job_add(v->w->pg, v->s.provider, "row_tree", v->s.id, id);
    if (status == PG_OK)
        status = submission_accepted(v->w->pg, v->s.provider, v->s.month, 0, &newest);
    /* A newer version was accepted first: it is to be compared with this one now. */
    if (status == PG_OK && newest.no != v->s.no)
        status = job_add(v->w->pg, v->s.provider, "evaluate", newest.id, id);
    for (size_t i = 0; i < v->window_count && status == PG_OK; i++) {
        bool frozen = false;
        bool challenged = false;
        if (v->windows[i].inside)
            status = window_frozen(v->w->pg, v->s.provider, v->windows[i].contract, v->s.month, &frozen);
        /* What was decided of rows is looked at again when they come anew. */
        if (status == PG_OK && v->windows[i].inside)
            status = challenge_any(v->w->pg, v->s.provider, v->windows[i].contract, v->s.month, &challenged);
        /* Under an exception also when it is not frozen yet: its FREEZE may be under way, without this upload. */
        if (status == PG_OK && (frozen || challenged || v->windows[i].exception))
            status = job_add(v->w->pg, v->s.provider, "resettle", v->windows[i].contract, id);
    }
    return status;
}

static enum pg_status write_audit(struct validation *v)
{
    char detail[200];
    char subject[64];
    (void)snprintf(detail, sizeof detail, "{\"outcome\":\"%s\",\"version\":%lld,\"rows\":%lld}", v->state,
                   (long long)v->s.version, (long long)v->outcome.rows);
    (void)snprintf(subject, sizeof subject, "submission/%s", v->s.id);
    struct audit_event event = {v->s.provider, v->validated_at, NULL, NULL, "submission.validate",
                                subject,       detail,          NULL, NULL};
    return audit_append(v->w->pg, &event);
}

/* Opens the transaction and locks the submission. *decided: an earlier job for it has done the work already. */
static enum pg_status open_transaction(struct validation *v, bool *decided)
{
    struct submission now;
    enum pg_status status = pg_begin(v->w->pg);
    if (status == PG_OK)
        status = submission_get_for_update(v->w->pg, v->s.provider, v->s.id, &now);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    *decided = strcmp(now.state, "received") != 0;
    return *decided ? PG_OK : submission_clear_rows(v->w->pg, v->s.provider, v->s.no);
}

static void store(struct validation *v, enum pg_status (*write)(struct validation *v))
{
    if (v->stored == PG_OK && !v->decided)
        v->stored = write(v);
}

static enum pg_status take_over(struct validation *v)
{
    enum pg_status status = early_load_end(v);
    return status == PG_OK && v->loader ? early_load_take_over(v, &v->decided) : status;
}

static enum pg_status write_history(struct validation *v)
{
    return history_write_rows(v->history, &v->unreadable);
}

void validation_store_rows(void *validation)
{
    struct validation *v = validation;
    store(v, take_over);
    store(v, write_blocks);
}

void validation_store_identifiers(void *validation)
{
    store(validation, write_identifiers);
}

void validation_store_history(void *validation)
{
    store(validation, write_history);
}

void validation_store_corrections(void *validation)
{
    store(validation, early_load_correct_noted);
}

/* The rows and what comes of them; what was not written aside. */
static enum pg_status write_rows(struct validation *v)
{
    enum pg_status status = v->early ? early_load_correct(v) : write_episodes(v);
    if (status == PG_OK && !v->stores_aside)
        status = write_blocks(v);
    if (status == PG_OK && !v->stores_aside)
        status = write_identifiers(v);
    if (status == PG_OK && !v->stores_aside)
        status = write_history(v);
    if (status == PG_OK)
        status = history_write_moves(v->history);
    if (status == PG_OK)
        status = write_statistics(v);
    return status == PG_OK ? measure_write(v) : status;
}

/* Everything that the outcome changes, fenced by the lease: a worker that was presumed dead writes nothing. */
static enum pg_status write_all(struct validation *v)
{
    bool accepted = strcmp(v->state, "accepted") == 0;
    enum pg_status status = PG_OK;
    if (!accepted || v->decided)
        early_load_drop(v);
    if (!v->early)
        status = open_transaction(v, &v->decided);
    if (status == PG_OK && v->decided)
        return job_finish(v->w->pg, v->job);
    if (status == PG_OK)
        status = write_findings(v);
    if (status == PG_OK && accepted)
        status = write_rows(v);
    if (status == PG_OK)
        status = write_outcome(v);
    if (status == PG_OK)
        status = validation_sign_receipt(v);
    if (status == PG_OK)
        status = write_audit(v);
    if (status == PG_OK && accepted)
        status = add_jobs(v);
    if (status == PG_OK)
        status = job_progress(v->w->pg, v->job, v->outcome.rows, v->outcome.rows);
    if (status == PG_OK)
        status = job_finish(v->w->pg, v->job);
    return status;
}

enum job_outcome validation_write(struct validation *v)
{
    enum pg_status status = write_all(v);
    if (status == PG_OK)
        status = pg_commit(v->w->pg);
    else
        pg_rollback(v->w->pg);
    if (v->unreadable)
        return validation_spool_failure(v);
    return job_outcome_of(status, v->w->pg, v->problem);
}
