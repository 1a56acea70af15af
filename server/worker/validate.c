#include "worker/validate.h"

#include "base/parse.h"
#include "store/absence.h"
#include "store/live_dates.h"
#include "store/window.h"
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

/* Reads one reference file if there is one; its digest is pinned with the outcome. */
static enum job_outcome load_reference(struct validation *v, struct reference_digest *digest, bool needed,
                                       bool (*load)(struct reference *, const char *, size_t, char *, size_t))
{
    struct buf content;
    uint8_t sha256[REFERENCE_DIGEST_SIZE];
    char what[300];
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(v->w->pg, v->w->config->reference_dir, digest->kind, &content, sha256);
    enum job_outcome outcome = JOB_DONE;
    if (status == PG_NONE && needed) {
        (void)snprintf(what, sizeof what, "No reference file of the kind %s is loaded", digest->kind);
        outcome = fault(v, what);
    } else if (status == PG_OK) {
        char error[200];
        if (load(&v->reference, content.data ? content.data : "", content.length, error, sizeof error)) {
            hex_encode(sha256, sizeof sha256, digest->hex);
        } else {
            (void)snprintf(what, sizeof what, "The reference file %s cannot be read: %s", digest->kind, error);
            outcome = fault(v, what);
        }
    } else if (status != PG_NONE) {
        outcome = job_outcome_of(status, v->w->pg, v->problem);
    }
    buf_free(&content);
    return outcome;
}

static enum job_outcome load_references(struct validation *v)
{
    v->digests[0].kind = "clusters";
    v->digests[1].kind = "bank_holidays";
    v->digests[2].kind = "practices";
    v->digests[3].kind = "reference_prices";
    v->digests[4].kind = "allocation_grid";
    enum job_outcome outcome = load_reference(v, &v->digests[0], true, reference_load_clusters);
    if (outcome == JOB_DONE)
        outcome = load_reference(v, &v->digests[1], false, reference_load_bank_holidays);
    if (outcome == JOB_DONE)
        outcome = load_reference(v, &v->digests[2], false, reference_load_practices);
    if (outcome == JOB_DONE)
        outcome = load_reference(v, &v->digests[3], false, reference_load_prices);
    if (outcome == JOB_DONE)
        outcome = load_reference(v, &v->digests[4], false, reference_load_allocation_grid);
    return outcome;
}

static int by_code_then_from(const void *a, const void *b)
{
    const struct organisation_dates *x = a;
    const struct organisation_dates *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static enum job_outcome load_organisations(struct validation *v)
{
    struct upload_context *c = &v->context;
    enum pg_status status = live_dates_of(v->w->pg, v->s.provider, &c->provider_from, &c->provider_to);
    if (status == PG_NONE)
        return fault(v, "The provider is not an organisation of the service");
    PGresult *r = NULL;
    if (status == PG_OK)
        status = live_dates_of_commissioners(v->w->pg, &r);
    if (status != PG_OK)
        return job_outcome_of(status, v->w->pg, v->problem);
    int count = PQntuples(r);
    v->commissioners = calloc((size_t)count + 1, sizeof *v->commissioners);
    for (int i = 0; v->commissioners && i < count; i++) {
        const char *code = pg_text(r, i, "code");
        v->commissioners[i].code = code_pack(code, strlen(code));
        v->commissioners[i].from = pg_date(r, i, "live_from");
        v->commissioners[i].to = pg_date(r, i, "live_to");
    }
    PQclear(r);
    if (!v->commissioners)
        return memory_ran_out(v);
    qsort(v->commissioners, (size_t)count, sizeof *v->commissioners, by_code_then_from);
    c->commissioners = v->commissioners;
    c->commissioner_count = (size_t)count;
    return JOB_DONE;
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
    const struct closing_calendar calendar = {v->reference.bank_holidays, v->reference.bank_holiday_count,
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
    c->reference = &v->reference;
    c->declared_rows = -1;
    c->accepted_rows = -1;
    /* A confirmed submission has answered F13. */
    if (!v->s.confirmed) {
        c->declared_rows = v->s.declared_rows;
        enum pg_status status = submission_rows_before(v->w->pg, v->s.provider, v->s.month, &c->accepted_rows);
        if (status != PG_OK)
            return job_outcome_of(status, v->w->pg, v->problem);
    }
    enum job_outcome outcome = load_references(v);
    if (outcome == JOB_DONE)
        outcome = load_organisations(v);
    if (outcome == JOB_DONE)
        outcome = load_windows(v);
    if (outcome == JOB_DONE)
        outcome = history_begin(v->w, &v->s, &v->reference, v->problem, &v->history);
    return outcome;
}

static enum job_outcome run(struct validation *v)
{
    enum job_outcome outcome = load_context(v);
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
    check_free(v->check);
    history_free(v->history);
    indicators_free(v->indicators);
    journal_free(v->blocks);
    confidential_free(&v->block);
    reference_free(&v->reference);
    free(v->commissioners);
    free(v->windows);
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
    reference_init(&v->reference);
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
