#include "worker/rehearse.h"

#include "check/check_report.h"
#include "domain/check_file.h"
#include "domain/contract_window.h"
#include "store/evaluation.h"
#include "store/rehearsal.h"
#include "worker/check_basis.h"
#include "worker/history.h"
#include "worker/sealed_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of the findings ends behind the line that reaches this size. */
#define PART_SIZE (256 * 1024)
/* No line is longer. */
#define LINE_MAXIMUM (64 * 1024)

struct rehearsing {
    struct worker *w;
    const struct job *job;
    char *problem; /* JOB_PROBLEM_SIZE */
    struct rehearsal h;
    struct check_basis basis;
    struct upload_context context;
    struct submission like; /* the submission that it would be, for the history */
    struct history *history;
    struct column_mapping *mapping;      /* NULL: our names */
    struct check_file_account *accounts; /* by contract */
    size_t account_count;
    struct terms **terms; /* of the contracts; owned */
    size_t terms_count;
    struct appraisal *appraisal;
    struct check *check;
    struct check_outcome outcome;
    struct check_report *report;
    struct buf lines;
    int64_t parts;
    enum pg_status status; /* of writing parts */
};

static enum job_outcome fault(struct rehearsing *x, const char *what)
{
    (void)snprintf(x->problem, JOB_PROBLEM_SIZE, "%s. The operator mends it and retries the job.", what);
    return JOB_FAILED;
}

static bool on_row(void *observer, const struct checked_row *row, const struct episode *facts, uint32_t *tag)
{
    struct rehearsing *x = observer;
    (void)tag;
    return history_add_row(x->history, row, facts);
}

static bool keep_on(void *observer)
{
    struct rehearsing *x = observer;
    return !atomic_load(&x->w->lost);
}

/* As a submission's; but a rehearsal is allowed at any time, so that the clock and the windows find nothing. */
static enum job_outcome load_context(struct rehearsing *x)
{
    struct upload_context *c = &x->context;
    c->month = x->h.month;
    (void)snprintf(c->provider, sizeof c->provider, "%s", x->h.provider);
    c->today = month_last(x->h.month);
    c->declared_rows = x->h.declared_rows;
    enum pg_status status = submission_rows_before(x->w->pg, x->h.provider, x->h.month, &c->accepted_rows);
    if (status != PG_OK)
        return job_outcome_of(status, x->w->pg, x->problem);
    enum job_outcome outcome = check_basis_load(x->w, x->h.provider, &x->basis, c, x->problem);
    (void)snprintf(x->like.provider, sizeof x->like.provider, "%s", x->h.provider);
    x->like.month = x->h.month;
    if (outcome == JOB_DONE)
        outcome = history_begin(x->w, &x->like, &x->basis.reference, x->problem, &x->history);
    if (outcome == JOB_DONE)
        outcome = check_mapping_load(x->w, x->h.provider, x->h.column_mapping, x->problem, &x->mapping);
    return outcome;
}

static enum job_outcome read_file(struct rehearsing *x)
{
    const struct rehearsal *h = &x->h;
    const struct check_input input = {.context = &x->context,
                                      .format = strcmp(h->media_type, "text/csv") == 0 ? UPLOAD_CSV : UPLOAD_NDJSON,
                                      .identity_key = x->w->pseudonym_key,
                                      .spool_folder = x->w->config->spool_dir,
                                      .gzip = strcmp(h->content_encoding, "gzip") == 0,
                                      .unpacked_maximum = x->w->config->max_upload_bytes,
                                      .mapping = x->mapping,
                                      .observer = x,
                                      .on_row = on_row,
                                      .keep_on = keep_on};
    const struct sealed_file file = {
        h->provider,      h->id,    h->no, h->chunks, h->bytes, h->sha256, h->declared_rows, rehearsal_sealed_key,
        rehearsal_chunks, x->w->pg, NULL};
    x->check = check_new(&input);
    if (!x->check)
        return sealed_file_check_failed(x->w, x->problem);
    enum job_outcome outcome = sealed_file_read(x->w, x->job, &file, x->check, x->problem);
    if (outcome == JOB_DONE && !check_finish(x->check, &x->outcome))
        outcome = sealed_file_check_failed(x->w, x->problem);
    if (outcome == JOB_DONE && !x->outcome.refused)
        outcome = history_take(x->history, x->check, x->problem);
    if (outcome == JOB_DONE && !x->outcome.refused)
        outcome = history_judge(x->history, x->w->pg, x->problem);
    return outcome;
}

/* A contract's commissioners come one after the other and share its terms. */
static enum job_outcome add_account(struct rehearsing *x, const PGresult *r, int row)
{
    struct check_file_account *a = &x->accounts[row];
    (void)snprintf(a->contract, sizeof a->contract, "%s", pg_text(r, row, "contract"));
    (void)snprintf(a->commissioner, sizeof a->commissioner, "%s", pg_text(r, row, "commissioner"));
    x->account_count = (size_t)row + 1;
    if (!pg_is_null(r, row, "body")) {
        a->version = pg_i64(r, row, "version");
        (void)snprintf(a->digest, sizeof a->digest, "%s", pg_text(r, row, "digest"));
        if (row > 0 && strcmp(a[-1].contract, a->contract) == 0) {
            a->terms = a[-1].terms;
        } else {
            struct json_problem problem;
            const char *body = pg_text(r, row, "body");
            json_t *json = json_read(body, strlen(body), &problem);
            struct terms *t = json ? terms_parse(json, &problem) : NULL;
            json_decref(json);
            if (!t)
                return fault(x, "The approved terms of a contract cannot be read");
            x->terms[x->terms_count++] = t;
            a->terms = t;
        }
    }
    return appraisal_add(x->appraisal, a->commissioner, a->terms) ? JOB_DONE
                                                                  : sealed_file_check_failed(x->w, x->problem);
}

static enum job_outcome load_accounts(struct rehearsing *x, instant_t now)
{
    PGresult *r = NULL;
    enum pg_status status = evaluation_accounts(x->w->pg, x->h.provider, x->h.month, now, &r);
    if (status != PG_OK)
        return job_outcome_of(status, x->w->pg, x->problem);
    size_t count = (size_t)PQntuples(r);
    x->accounts = calloc(count + 1, sizeof *x->accounts);
    x->terms = calloc(count + 1, sizeof(struct terms *));
    x->appraisal = appraisal_new(&x->basis.reference, x->h.month);
    bool room = x->accounts && x->terms && x->appraisal;
    enum job_outcome outcome = room ? JOB_DONE : sealed_file_check_failed(x->w, x->problem);
    for (size_t i = 0; room && i < count && outcome == JOB_DONE; i++)
        outcome = add_account(x, r, (int)i);
    PQclear(r);
    return outcome;
}

static int64_t share_of_account(const void *of, size_t i)
{
    return short_file_of(((const struct check_file_account *)of)[i].terms);
}

static bool write_part(struct rehearsing *x)
{
    if (x->lines.length == 0)
        return true;
    x->status = rehearsal_add_part(x->w->pg, x->h.provider, x->h.no, ++x->parts, x->lines.data, x->lines.length);
    buf_clear(&x->lines);
    return x->status == PG_OK;
}

static bool on_finding(void *context, const struct finding_line *line, bool of_terms)
{
    struct rehearsing *x = context;
    (void)of_terms;
    if (!check_report_add(x->report, line, &x->lines) || atomic_load(&x->w->lost))
        return false;
    return x->lines.length < PART_SIZE || write_part(x);
}

static json_t *digests_json(const struct rehearsing *x)
{
    json_t *o = json_object();
    bool ok = o != NULL;
    for (int i = 0; i < REFERENCE_KINDS && ok; i++) {
        const struct reference_digest *d = &x->basis.digests[i];
        ok = json_put(o, d->kind, d->hex[0] ? json_string(d->hex) : json_null());
    }
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static char *report_text(struct rehearsing *x)
{
    struct report_facts facts = {&x->outcome,
                                 check_needs_of(&x->basis.reference) | 1U << NEED_ORGANISATIONS | 1U << NEED_TERMS |
                                     1U << NEED_HISTORY,
                                 digests_json(x), check_file_terms(x->accounts, x->account_count)};
    json_t *report = check_report_json(x->report, &facts);
    size_t length = 0;
    char *text = report ? json_canonical(report, &length) : NULL;
    json_decref(report);
    return text;
}

/* Findings, report and the end of the job, fenced by the lease. */
static enum pg_status write_all(struct rehearsing *x, instant_t now)
{
    enum pg_status status = rehearsal_begin_report(x->w->pg, x->h.provider, x->h.no);
    if (status == PG_NONE)
        return job_finish(x->w->pg, x->job); /* removed, or done by an earlier job */
    if (status != PG_OK)
        return status;
    x->status = PG_FAILED;
    if (!check_each_finding(x->check, x->appraisal, on_finding, x) || !write_part(x))
        return x->status;
    char *text = report_text(x);
    status = text ? rehearsal_finish(x->w->pg, x->h.provider, x->h.no, now, text) : PG_FAILED;
    free(text);
    if (status == PG_OK)
        status = job_progress(x->w->pg, x->job, x->outcome.rows, x->outcome.rows);
    return status == PG_OK ? job_finish(x->w->pg, x->job) : status;
}

static enum job_outcome write_report(struct rehearsing *x, instant_t now)
{
    buf_init(&x->lines, PART_SIZE + LINE_MAXIMUM);
    x->report = check_report_new();
    if (!x->report)
        return sealed_file_check_failed(x->w, x->problem);
    enum pg_status status = pg_begin(x->w->pg);
    if (status == PG_OK)
        status = write_all(x, now);
    if (status == PG_OK)
        return job_outcome_of(pg_commit(x->w->pg), x->w->pg, x->problem);
    bool ours = x->status == PG_FAILED && pg_in_transaction(x->w->pg);
    enum job_outcome outcome =
        ours ? sealed_file_check_failed(x->w, x->problem) : job_outcome_of(status, x->w->pg, x->problem);
    pg_rollback(x->w->pg);
    return outcome;
}

static enum job_outcome run(struct rehearsing *x)
{
    instant_t now = 0;
    if (!clock_now(x->w->clock, &now))
        return fault(x, "The clock file cannot be read");
    enum job_outcome outcome = load_context(x);
    if (outcome == JOB_DONE)
        outcome = load_accounts(x, now);
    x->context.short_file_ppm = short_file_highest(share_of_account, x->accounts, x->account_count);
    if (outcome == JOB_DONE)
        outcome = read_file(x);
    return outcome == JOB_DONE ? write_report(x, now) : outcome;
}

static void rehearsing_free(struct rehearsing *x)
{
    check_free(x->check);
    check_report_free(x->report);
    history_free(x->history);
    appraisal_free(x->appraisal);
    for (size_t i = 0; i < x->terms_count; i++)
        terms_free(x->terms[i]);
    free(x->terms);
    free(x->accounts);
    free(x->mapping);
    check_basis_free(&x->basis);
    buf_free(&x->lines);
    free(x);
}

enum job_outcome rehearse_run(struct worker *w, const struct job *job, char *problem)
{
    struct rehearsing *x = calloc(1, sizeof *x);
    if (!x) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    x->w = w;
    x->job = job;
    x->problem = problem;
    check_basis_init(&x->basis);
    enum pg_status status = rehearsal_get(w->pg, job->provider, job->subject, &x->h);
    enum job_outcome outcome = JOB_DONE;
    if (status == PG_NONE || (status == PG_OK && strcmp(x->h.state, "received") != 0))
        outcome = job_outcome_of(job_finish(w->pg, job), w->pg, problem);
    else if (status != PG_OK)
        outcome = job_outcome_of(status, w->pg, problem);
    else
        outcome = run(x);
    rehearsing_free(x);
    return outcome;
}
