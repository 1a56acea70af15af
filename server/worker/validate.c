#include "worker/validate.h"

#include "base/log.h"
#include "store/absence.h"
#include "store/window.h"
#include "worker/early_load.h"
#include "worker/read_along.h"
#include "worker/validation_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum job_outcome fault(struct validation *v, const char *what)
{
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE, "%s. The operator mends it and retries the job.", what);
    return JOB_FAILED;
}

static enum job_outcome memory_ran_out(struct validation *v)
{
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
    return JOB_AGAIN;
}

/* Windows are judged as they were known when the upload began: the same question has the same answer later. */
static enum job_outcome load_windows(struct validation *v)
{
    PGresult *r = NULL;
    struct absences absences;
    enum pg_status status = absences_load(v->w->pg, v->s.month, v->s.begun_at, &absences);
    if (status == PG_OK)
        status = window_contracts(v->w->pg, v->s.provider, v->s.month, v->s.begun_at, v->s.begun_at, &r);
    if (status != PG_OK) {
        absences_free(&absences);
        return job_outcome_of(status, v->w->pg, v->problem);
    }
    const struct closing_calendar calendar = {v->basis.reference.bank_holidays, v->basis.reference.bank_holiday_count,
                                              absences.list, absences.count};
    size_t count = (size_t)PQntuples(r);
    enum job_outcome outcome = JOB_DONE;
    v->windows = calloc(count + 1, sizeof *v->windows);
    if (!v->windows)
        outcome = memory_ran_out(v);
    for (size_t i = 0; i < count && outcome == JOB_DONE; i++) {
        int row = (int)i;
        const char *body = pg_is_null(r, row, "body") ? NULL : pg_text(r, row, "body");
        if (!contract_window_judge(pg_text(r, row, "contract"), body, body ? strlen(body) : 0, v->s.month,
                                   v->s.begun_at, pg_bool(r, row, "exception"), &calendar, &v->windows[i]))
            outcome = fault(v, "The calendar of a contract cannot be read; are the bank holidays of the year loaded?");
        v->window_count = i + 1;
        v->context.contracts_open += v->windows[i].inside ? 1 : 0;
    }
    v->context.contracts_concerned = (uint32_t)count;
    v->context.short_file_ppm = contract_windows_short_file(v->windows, v->window_count);
    PQclear(r);
    absences_free(&absences);
    return outcome;
}

static enum job_outcome load_context(struct validation *v)
{
    struct upload_context *c = &v->context;
    c->month = v->s.month;
    (void)snprintf(c->provider, sizeof c->provider, "%s", v->s.provider);
    c->today = london_date(v->s.begun_at);
    c->declared_rows = -1;
    c->accepted_rows = -1;
    /* A confirmed submission has answered F13. */
    if (!v->s.confirmed) {
        c->declared_rows = v->s.declared_rows;
        enum pg_status status = submission_rows_before(v->w->pg, v->s.provider, v->s.month, &c->accepted_rows);
        if (status != PG_OK)
            return job_outcome_of(status, v->w->pg, v->problem);
    }
    enum job_outcome outcome = check_basis_load(v->w, v->s.provider, &v->basis, c, v->problem);
    if (outcome == JOB_DONE)
        outcome = load_windows(v);
    if (outcome == JOB_DONE)
        outcome = history_begin(v->w, &v->s, &v->basis.reference, v->problem, &v->history);
    if (outcome == JOB_DONE)
        outcome = check_mapping_load(v->w, v->s.provider, v->s.column_mapping, v->problem, &v->mapping);
    return outcome;
}

static enum job_outcome run(struct validation *v)
{
    enum job_outcome outcome = JOB_DONE;
    if (!v->along) {
        outcome = job_outcome_of(early_load_begin(v), v->w->pg, v->problem);
        if (outcome == JOB_DONE)
            outcome = validation_open(v);
    }
    if (outcome == JOB_DONE)
        outcome = validation_read(v);
    if (outcome != JOB_DONE)
        return outcome;
    v->state = v->outcome.refused ? "refused" : v->outcome.held ? "held" : "accepted";
    if (!clock_now(v->w->clock, &v->validated_at))
        return fault(v, "The clock file cannot be read");
    return validation_write(v);
}

enum job_outcome validation_new(struct worker *w, const struct submission *s, char *problem, struct validation **out)
{
    struct validation *v = calloc(1, sizeof *v);
    *out = v;
    if (!v) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    v->w = w;
    v->s = *s;
    v->problem = problem;
    check_basis_init(&v->basis);
    return load_context(v);
}

void validation_free(struct validation *v)
{
    if (!v)
        return;
    early_load_drop(v);
    aside_free(v->aside);
    sealed_reader_free(v->along);
    if (v->own)
        v->w->pg = v->own;
    pg_free(v->loader);
    pg_free(v->reader);
    check_free(v->check);
    history_free(v->history);
    indicators_free(v->indicators);
    statistics_set_free(v->statistics);
    journal_free(v->blocks);
    if (v->block)
        confidential_free(v->block);
    free(v->block);
    free(v->batches);
    check_basis_free(&v->basis);
    free(v->windows);
    free(v->mapping);
    free(v);
}

/* Whether what was found on one basis would be found on the other. */
static bool same_basis(const struct validation *a, const struct validation *b)
{
    const struct upload_context *x = &a->context;
    const struct upload_context *y = &b->context;
    for (size_t i = 0; i < REFERENCE_KINDS; i++) {
        if (strcmp(a->basis.digests[i].hex, b->basis.digests[i].hex) != 0)
            return false;
    }
    size_t size = x->commissioner_count * sizeof *x->commissioners;
    return a->s.no == b->s.no && x->commissioner_count == y->commissioner_count &&
           (size == 0 || memcmp(x->commissioners, y->commissioners, size) == 0) &&
           x->provider_from == y->provider_from && x->provider_to == y->provider_to && x->today == y->today &&
           x->contracts_concerned == y->contracts_concerned && x->contracts_open == y->contracts_open &&
           x->declared_rows == y->declared_rows && x->accepted_rows == y->accepted_rows &&
           x->short_file_ppm == y->short_file_ppm && history_same(a->history, b->history);
}

/* Goes on with what was read while the upload arrived, if everything is still as it was then. */
static struct validation *go_on(struct validation *v)
{
    struct validation *along = read_along_take(v->w, v->s.provider, v->s.id);
    if (!along)
        return v;
    bool same = same_basis(along, v);
    const struct log_field fields[] = {{"provider", v->s.provider, 0},
                                       {"subject", v->s.id, 0},
                                       {"outcome", same ? "used" : "outdated", 0},
                                       {"bytes", NULL, sealed_reader_bytes(along->along)}};
    log_event(LOG_LEVEL_INFO, "read_along", fields, sizeof fields / sizeof fields[0]);
    if (!same) {
        validation_free(along);
        return v;
    }
    aside_wait(along->aside); /* rows on their way look at the submission */
    /* Windows have not changed either, but for words: those of now are kept. */
    free(along->windows);
    along->windows = v->windows;
    along->window_count = v->window_count;
    v->windows = NULL;
    along->s = v->s;
    along->job = v->job;
    along->problem = v->problem;
    validation_free(v);
    if (along->early) {
        along->own = along->w->pg;
        along->w->pg = along->loader;
    }
    return along;
}

static enum job_outcome validate(struct worker *w, const struct job *job, const struct submission *s, char *problem)
{
    struct validation *v = NULL;
    enum job_outcome outcome = validation_new(w, s, problem, &v);
    if (outcome == JOB_DONE) {
        v->job = job;
        v = go_on(v);
        outcome = run(v);
    }
    validation_free(v);
    return outcome;
}

enum job_outcome validate_run(struct worker *w, const struct job *job, char *problem)
{
    struct submission s;
    enum pg_status status = submission_get(w->pg, job->provider, job->subject, &s);
    if (status == PG_NONE) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE,
                       "The submission of this job is not there. The operator mends it and retries the job.");
        return JOB_FAILED;
    }
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    if (strcmp(s.state, "received") != 0) /* decided already */
        return job_outcome_of(job_finish(w->pg, job), w->pg, problem);
    return validate(w, job, &s, problem);
}
