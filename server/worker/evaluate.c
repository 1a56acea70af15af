#include "worker/evaluate.h"

#include "domain/contract_window.h"
#include "domain/payability.h"
#include "domain/reference.h"
#include "store/absence.h"
#include "store/episode.h"
#include "store/evaluation.h"
#include "store/reference_set.h"
#include "store/submission.h"
#include "store/window.h"
#include "worker/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    char contract[IDENT_SIZE];
    char commissioner[8];
    struct terms *terms; /* NULL: none in force; owned by the first account of the contract */
    bool owns_terms;
    bool judged; /* the submission counts for the contract, or its month is not closed */
    struct payability *payability;
};

struct evaluation {
    struct worker *w;
    const struct job *job;
    char *problem;
    struct submission s;
    int64_t number;
    struct review_periods reviews;
    struct reference reference;
    struct account *accounts; /* by commissioner */
    size_t account_count;
    struct journal *findings; /* struct found */
    struct journal *stakes;   /* struct stake */
    bool broken;
};

struct found {
    int32_t row_no;
    int32_t rule;
    char episode_id[EPISODE_ID_SIZE];
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3];
    char value[EPISODE_SERVICE_SIZE];
    bool terms_missing; /* C04 for want of approved terms, not of a contract */
};

struct stake {
    int64_t pence;
    int32_t row_no;
    bool known;
};

static enum job_outcome fault(struct evaluation *e, const char *what)
{
    (void)snprintf(e->problem, JOB_PROBLEM_SIZE, "%s. The operator mends it and retries the job.", what);
    return JOB_FAILED;
}

static enum job_outcome resources(struct evaluation *e)
{
    (void)snprintf(e->problem, JOB_PROBLEM_SIZE,
                   "The worker's temporary folder (spool_dir) is full or cannot be written, or memory ran out."
                   " The operator makes room; then retry the job.");
    return JOB_AGAIN;
}

static const struct account *account_of(const struct evaluation *e, const char *commissioner)
{
    for (size_t i = 0; i < e->account_count; i++) {
        if (strcmp(e->accounts[i].commissioner, commissioner) == 0)
            return &e->accounts[i];
    }
    return NULL;
}

static void value_of(enum rule_id rule, const struct episode *row, char *out, size_t size)
{
    out[0] = '\0';
    if (rule == RULE_C04)
        (void)snprintf(out, size, "%s", row->commissioner);
    else if (rule == RULE_C05)
        (void)snprintf(out, size, "%s", row->service);
    else if (rule == RULE_K06)
        (void)snprintf(out, size, "%s", row->cluster);
    else if (rule == RULE_R08 && row->mhct_date != DATE_NONE)
        date_format(row->mhct_date, out);
}

static void add_found(struct evaluation *e, const struct episode *row, enum rule_id rule, bool terms_missing)
{
    struct found f;
    memset(&f, 0, sizeof f);
    f.row_no = row->row_no;
    f.rule = (int32_t)rule;
    memcpy(f.episode_id, row->episode_id, sizeof f.episode_id);
    memcpy(f.commissioner, row->commissioner, sizeof f.commissioner);
    memcpy(f.cluster, row->cluster, sizeof f.cluster);
    value_of(rule, row, f.value, sizeof f.value);
    f.terms_missing = terms_missing;
    if (!journal_append(e->findings, &f, sizeof f))
        e->broken = true;
}

static struct activity_row activity_of(const struct episode *row)
{
    struct activity_row a;
    memset(&a, 0, sizeof a);
    a.episode_id = row->episode_id;
    memcpy(a.patient, row->patient, sizeof a.patient);
    a.cluster = row->cluster;
    a.service = row->service;
    a.start_date = row->start_date;
    a.end_date = row->end_date;
    a.mhct_date = row->mhct_date;
    a.referral_date = row->referral_date;
    a.mhct_reason = row->mhct_reason;
    a.admitted_days = row->admitted_days;
    a.assessment_only = row->assessment_only;
    a.continues = row->continues;
    return a;
}

/* The rules that depend on terms which the row fails. A commissioner or cluster that is wrong in itself is said once,
 * by its own rule. */
static rule_set_t evaluate_row(const struct account *a, const struct episode *row)
{
    if (!a || !a->terms)
        return row->commissioner[0] ? rule_set_of(RULE_C04) : 0;
    struct activity_row activity = activity_of(row);
    rule_set_t failed = payability_failed(a->payability, &activity, row->approved, row->minor);
    if (!row->cluster[0] || cluster_index(row->cluster) < 0)
        failed &= ~rule_set_of(RULE_K06);
    return failed;
}

static bool on_row(void *context, const struct episode *row)
{
    struct evaluation *e = context;
    const struct account *a = account_of(e, row->commissioner);
    rule_set_t failed = evaluate_row(a, row);
    for (rule_set_t left = failed; left != 0; left &= left - 1) {
        enum rule_id rule = RULE_COUNT;
        if (rule_by_bit(__builtin_ctzll(left), &rule))
            add_found(e, row, rule, a != NULL);
    }
    if ((failed | row->failed) != 0) {
        struct stake stake;
        memset(&stake, 0, sizeof stake);
        stake.row_no = row->row_no;
        if (a && a->terms) {
            struct activity_row activity = activity_of(row);
            stake.known = valuation_row(a->terms, &e->reviews, a->commissioner, e->s.month, &activity, &stake.pence) ==
                          ROW_VALUED;
        }
        if (!journal_append(e->stakes, &stake, sizeof stake))
            e->broken = true;
    }
    return !e->broken && !atomic_load(&e->w->lost);
}

static enum job_outcome load_reviews(struct evaluation *e)
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200];
    const char *dir = e->w->config->reference_dir;
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(e->w->pg, dir, "clusters", &content, digest);
    bool ok =
        status == PG_OK && reference_load_clusters(&e->reference, content.data, content.length, error, sizeof error);
    buf_clear(&content);
    if (ok)
        status = reference_content(e->w->pg, dir, "bank_holidays", &content, digest);
    if (ok && status == PG_OK)
        ok = reference_load_bank_holidays(&e->reference, content.data, content.length, error, sizeof error);
    buf_free(&content);
    if (status != PG_OK && status != PG_NONE)
        return job_outcome_of(status, e->w->pg, e->problem);
    if (!ok)
        return fault(e, "A reference file (clusters, bank_holidays) is missing or cannot be read");
    for (int c = 0; c < CLUSTER_COUNT; c++) {
        const struct cluster *k = &e->reference.clusters[c];
        if (k->exists && k->in_months)
            e->reviews.months[c] = (int16_t)k->review;
        else if (k->exists)
            e->reviews.days[c] = (int16_t)k->review;
    }
    return JOB_DONE;
}

static struct terms *parse_terms(const char *body)
{
    struct json_problem problem;
    json_t *json = json_read(body, strlen(body), &problem);
    struct terms *t = json ? terms_parse(json, &problem) : NULL;
    json_decref(json);
    return t;
}

static enum job_outcome make_account(struct evaluation *e, const PGresult *r, int row)
{
    struct account *a = &e->accounts[row];
    (void)snprintf(a->contract, sizeof a->contract, "%s", pg_text(r, row, "contract"));
    (void)snprintf(a->commissioner, sizeof a->commissioner, "%s", pg_text(r, row, "commissioner"));
    e->account_count = (size_t)row + 1;
    if (pg_is_null(r, row, "body"))
        return JOB_DONE;
    if (row > 0 && strcmp(a[-1].contract, a->contract) == 0) {
        a->terms = a[-1].terms;
    } else {
        a->terms = parse_terms(pg_text(r, row, "body"));
        a->owns_terms = true;
    }
    if (!a->terms)
        return fault(e, "The approved terms of a contract cannot be read");
    a->payability = payability_new(a->terms, &e->reviews, a->commissioner, e->s.month);
    return a->payability ? JOB_DONE : resources(e);
}

static enum job_outcome load_accounts(struct evaluation *e, instant_t known_at)
{
    PGresult *r = NULL;
    enum pg_status status = evaluation_accounts(e->w->pg, e->s.provider, e->s.month, known_at, &r);
    if (status != PG_OK)
        return job_outcome_of(status, e->w->pg, e->problem);
    int count = PQntuples(r);
    e->accounts = calloc((size_t)count + 1, sizeof *e->accounts);
    enum job_outcome outcome = e->accounts ? JOB_DONE : resources(e);
    for (int i = 0; i < count && outcome == JOB_DONE; i++)
        outcome = make_account(e, r, i);
    PQclear(r);
    return outcome;
}

static enum pg_status write_findings(struct evaluation *e)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = pg_copy_begin(e->w->pg,
                                          "COPY reckoner.finding (provider, submission, row_no, rule, evaluation,"
                                          " episode_id, commissioner, cluster, field, value, note)"
                                          " FROM STDIN (FORMAT binary)",
                                          &copy);
    if (status != PG_OK)
        return status;
    while (!journal_at_end(e->findings) && !e->broken) {
        struct found f;
        if (!journal_next(e->findings, &f, sizeof f)) {
            e->broken = true;
            break;
        }
        const struct rule *rule = rule_get((enum rule_id)f.rule);
        const char *note = "";
        if (f.rule == RULE_C04)
            note = f.terms_missing ? "The contract has no approved terms for the month" : "There is no contract";
        pg_copy_row(copy, 11);
        pg_copy_text(copy, e->s.provider, strlen(e->s.provider));
        pg_copy_i64(copy, e->s.no);
        pg_copy_i32(copy, f.row_no);
        pg_copy_text(copy, rule->id, strlen(rule->id));
        pg_copy_i32(copy, (int32_t)e->number);
        pg_copy_text(copy, f.episode_id, strlen(f.episode_id));
        pg_copy_text(copy, f.commissioner, strlen(f.commissioner));
        pg_copy_text(copy, f.cluster, strlen(f.cluster));
        pg_copy_text(copy, rule->field, strlen(rule->field));
        pg_copy_text(copy, f.value, strlen(f.value));
        pg_copy_text(copy, note, strlen(note));
    }
    status = pg_copy_end(copy, NULL);
    return e->broken ? PG_FAILED : status;
}

static enum pg_status write_stakes(struct evaluation *e)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = pg_copy_begin(
        e->w->pg, "COPY reckoner.stake (provider, submission, row_no, pence) FROM STDIN (FORMAT binary)", &copy);
    if (status != PG_OK)
        return status;
    while (!journal_at_end(e->stakes) && !e->broken) {
        struct stake s;
        if (!journal_next(e->stakes, &s, sizeof s)) {
            e->broken = true;
            break;
        }
        pg_copy_row(copy, 4);
        pg_copy_text(copy, e->s.provider, strlen(e->s.provider));
        pg_copy_i64(copy, e->s.no);
        pg_copy_i32(copy, s.row_no);
        if (s.known)
            pg_copy_i64(copy, s.pence);
        else
            pg_copy_null(copy);
    }
    status = pg_copy_end(copy, NULL);
    return e->broken ? PG_FAILED : status;
}

static enum pg_status write_severities(struct evaluation *e, const struct account *a)
{
    enum pg_status status = PG_OK;
    for (int i = 0; a->payability && i < RULE_COUNT && status == PG_OK; i++) {
        const struct rule *rule = rule_get((enum rule_id)i);
        if (rule->bit < 0)
            continue;
        enum severity severity = payability_severity(a->payability, (enum rule_id)i);
        if (severity != rule->severity)
            status = evaluation_add_severity(e->w->pg, e->s.provider, e->s.no, a->commissioner, rule->id,
                                             severity_name(severity));
    }
    return status;
}

/* Whether the submission counts for each contract, by the windows as they were known when it began. */
static enum job_outcome judge_windows(struct evaluation *e)
{
    PGresult *r = NULL;
    struct absences absences;
    enum pg_status status = absences_load(e->w->pg, e->s.month, e->s.begun_at, &absences);
    if (status == PG_OK)
        status = window_contracts(e->w->pg, e->s.provider, e->s.month, e->s.begun_at, e->s.begun_at, &r);
    if (status != PG_OK) {
        absences_free(&absences);
        return job_outcome_of(status, e->w->pg, e->problem);
    }
    const struct closing_calendar calendar = {e->reference.bank_holidays, e->reference.bank_holiday_count,
                                              absences.list, absences.count};
    enum job_outcome outcome = JOB_DONE;
    for (int i = 0; i < PQntuples(r) && outcome == JOB_DONE; i++) {
        const char *body = pg_is_null(r, i, "body") ? NULL : pg_text(r, i, "body");
        const char *contract = pg_text(r, i, "contract");
        struct contract_window w;
        if (!contract_window_judge(contract, body, body ? strlen(body) : 0, e->s.month, e->s.begun_at,
                                   pg_bool(r, i, "exception"), &calendar, &w))
            outcome = fault(e, "The calendar of a contract cannot be read; are the bank holidays of the year loaded?");
        for (size_t k = 0; k < e->account_count && outcome == JOB_DONE; k++) {
            if (strcmp(e->accounts[k].contract, contract) == 0)
                e->accounts[k].judged = w.inside;
        }
    }
    PQclear(r);
    absences_free(&absences);
    return outcome;
}

static enum pg_status write_all(struct evaluation *e)
{
    enum pg_status status = evaluation_begin(e->w->pg, e->s.provider, e->s.no, &e->number);
    if (status == PG_OK)
        status = write_findings(e);
    if (status == PG_OK)
        status = write_stakes(e);
    for (size_t i = 0; i < e->account_count && status == PG_OK; i++) {
        const struct account *a = &e->accounts[i];
        status = write_severities(e, a);
        if (status == PG_OK && !a->judged)
            status = evaluation_add_unused(e->w->pg, e->s.provider, e->s.no, e->number, a->contract, a->commissioner,
                                           e->s.month);
    }
    if (status == PG_OK)
        status = job_progress(e->w->pg, e->job, e->s.rows, e->s.rows);
    if (status == PG_OK)
        status = job_finish(e->w->pg, e->job);
    return status;
}

/* In the transaction that holds the submission's row: an evaluation that began later sees later terms and writes later.
 */
static enum job_outcome evaluate_locked(struct evaluation *e)
{
    instant_t now = 0;
    if (!clock_now(e->w->clock, &now))
        return fault(e, "The clock file cannot be read");
    enum job_outcome outcome = load_reviews(e);
    if (outcome == JOB_DONE)
        outcome = load_accounts(e, now);
    if (outcome == JOB_DONE)
        outcome = judge_windows(e);
    if (outcome != JOB_DONE)
        return outcome;
    enum pg_status status = episode_scan(e->w->pg, e->s.provider, e->s.no, NULL, on_row, e);
    if (atomic_load(&e->w->lost))
        return JOB_LOST;
    if (status == PG_OK)
        status = write_all(e);
    if (status == PG_OK)
        status = pg_commit(e->w->pg);
    return e->broken ? resources(e) : job_outcome_of(status, e->w->pg, e->problem);
}

static enum job_outcome run(struct evaluation *e)
{
    enum pg_status status = pg_begin(e->w->pg);
    if (status == PG_OK)
        status = submission_get_for_update(e->w->pg, e->job->provider, e->job->subject, &e->s);
    if (status == PG_NONE)
        return fault(e, "The submission of this job is not there");
    if (status != PG_OK)
        return job_outcome_of(status, e->w->pg, e->problem);
    if (strcmp(e->s.state, "accepted") != 0) {
        status = job_finish(e->w->pg, e->job);
        if (status == PG_OK)
            status = pg_commit(e->w->pg);
        return job_outcome_of(status, e->w->pg, e->problem);
    }
    return evaluate_locked(e);
}

enum job_outcome evaluate_run(struct worker *w, const struct job *job, char *problem)
{
    struct evaluation e;
    memset(&e, 0, sizeof e);
    e.w = w;
    e.job = job;
    e.problem = problem;
    reference_init(&e.reference);
    e.findings = journal_new(w->config->spool_dir);
    e.stakes = journal_new(w->config->spool_dir);
    enum job_outcome outcome = e.findings && e.stakes ? run(&e) : resources(&e);
    journal_free(e.findings);
    journal_free(e.stakes);
    reference_free(&e.reference);
    for (size_t i = 0; i < e.account_count; i++) {
        payability_free(e.accounts[i].payability);
        if (e.accounts[i].owns_terms)
            terms_free(e.accounts[i].terms);
    }
    free(e.accounts);
    return outcome;
}
