#include "worker/validate.h"

#include "store/absence.h"
#include "store/window.h"
#include "worker/early_load.h"
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
    enum job_outcome outcome = load_context(v);
    if (outcome == JOB_DONE)
        outcome = job_outcome_of(early_load_begin(v), v->w->pg, v->problem);
    if (outcome == JOB_DONE)
        outcome = validation_read(v);
    if (outcome != JOB_DONE)
        return outcome;
    v->state = v->outcome.refused ? "refused" : v->outcome.held ? "held" : "accepted";
    if (!clock_now(v->w->clock, &v->validated_at))
        return fault(v, "The clock file cannot be read");
    return validation_write(v);
}

static void validation_free(struct validation *v)
{
    early_load_drop(v);
    pg_free(v->reader);
    check_free(v->check);
    history_free(v->history);
    indicators_free(v->indicators);
    journal_free(v->blocks);
    confidential_free(&v->block);
    check_basis_free(&v->basis);
    free(v->windows);
    free(v->mapping);
    free(v);
}

enum job_outcome validate_run(struct worker *w, const struct job *job, char *problem)
{
    struct validation *v = calloc(1, sizeof *v);
    if (!v) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    v->w = w;
    v->job = job;
    v->problem = problem;
    confidential_init(&v->block);
    check_basis_init(&v->basis);
    enum job_outcome outcome = JOB_DONE;
    enum pg_status status = submission_get(w->pg, job->provider, job->subject, &v->s);
    if (status == PG_NONE)
        outcome = fault(v, "The submission of this job is not there");
    else if (status != PG_OK)
        outcome = job_outcome_of(status, w->pg, problem);
    else if (strcmp(v->s.state, "received") != 0)
        outcome = job_outcome_of(job_finish(w->pg, job), w->pg, problem); /* decided already */
    else
        outcome = run(v);
    validation_free(v);
    return outcome;
}
