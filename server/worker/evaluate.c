#include "worker/evaluate.h"

#include "check/appraisal.h"
#include "check/finding_journal.h"
#include "domain/contract_window.h"
#include "domain/uncontracted.h"
#include "store/absence.h"
#include "store/episode.h"
#include "store/evaluation.h"
#include "store/indicator.h"
#include "store/reference_set.h"
#include "store/settlement_input.h"
#include "store/submission.h"
#include "store/window.h"
#include "worker/difference.h"
#include "worker/overlap.h"
#include "worker/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    char contract[IDENT_SIZE];
    char commissioner[8];
    struct terms *terms; /* NULL: none in force; owned by the first account of the contract */
    bool owns_terms;
    bool judged;         /* the submission counts for the contract, or its month is not closed */
    instant_t freeze_at; /* when it is not judged: the closing that it missed */
};

struct evaluation {
    struct worker *w;
    const struct job *job;
    char *problem;
    struct submission s;
    instant_t now; /* on the product clock, when the evaluation began */
    int64_t number;
    struct reference reference;
    struct appraisal *appraisal;
    struct overlap *overlap;
    struct account *accounts; /* by commissioner */
    size_t account_count;
    struct uncontracted uncontracted;
    struct journal *findings; /* struct found and the finding behind it */
    struct tally *tally;
    bool late; /* for a contract the month was closed: W01 may follow */
    bool broken;
};

/* Whose row a finding is. */
struct found {
    char episode_id[EPISODE_ID_SIZE];
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3];
    bool query; /* whatever the severity of the rule */
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

static bool add_found(struct evaluation *e, const struct episode *row, const struct finding *f, bool query)
{
    struct found found;
    memset(&found, 0, sizeof found);
    memcpy(found.episode_id, row->episode_id, sizeof found.episode_id);
    memcpy(found.commissioner, row->commissioner, sizeof found.commissioner);
    memcpy(found.cluster, row->cluster, sizeof found.cluster);
    found.query = query;
    return journal_append(e->findings, &found, sizeof found) && finding_journal_put(e->findings, f);
}

static bool has_account(const struct evaluation *e, const char *commissioner)
{
    for (size_t i = 0; i < e->account_count; i++) {
        if (strcmp(e->accounts[i].commissioner, commissioner) == 0)
            return true;
    }
    return false;
}

static bool on_row(void *context, const struct episode *stored)
{
    struct evaluation *e = context;
    struct episode row = *stored;
    struct row_appraisal verdict;
    struct finding f;
    bool ok = true;
    if (overlap_has(e->overlap, row.row_no)) {
        overlap_finding(&row, &f);
        ok = add_found(e, &row, &f, true);
        row.failed |= rule_set_of(RULE_D09); /* so that an amount is worked out */
    }
    if (e->late)
        row.failed |= rule_set_of(RULE_W01);
    appraisal_row(e->appraisal, &row, &verdict);
    for (rule_set_t left = verdict.failed; left != 0 && ok; left &= left - 1) {
        enum rule_id rule = RULE_COUNT;
        if (!rule_by_bit(__builtin_ctzll(left), &rule))
            continue;
        appraisal_finding(e->appraisal, &row, rule, &f);
        ok = add_found(e, &row, &f, false);
    }
    if (ok && (verdict.failed & rule_set_of(RULE_C04)) != 0)
        ok = uncontracted_add(&e->uncontracted, &e->reference, e->s.month, stored, has_account(e, row.commissioner));
    ok = ok && tally_add(e->tally, &row, verdict.known, verdict.pence);
    e->broken = e->broken || !ok;
    return !e->broken && !atomic_load(&e->w->lost);
}

static enum job_outcome load_reference(struct evaluation *e)
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
    buf_clear(&content);
    if (ok)
        status = reference_content(e->w->pg, dir, "reference_prices", &content, digest);
    if (ok && status == PG_OK)
        ok = reference_load_prices(&e->reference, content.data, content.length, error, sizeof error);
    buf_free(&content);
    if (status != PG_OK && status != PG_NONE)
        return job_outcome_of(status, e->w->pg, e->problem);
    if (!ok)
        return fault(e, "A reference file (clusters, bank_holidays, reference_prices) is missing or cannot be read");
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
        return appraisal_add(e->appraisal, a->commissioner, NULL) ? JOB_DONE : resources(e);
    if (row > 0 && strcmp(a[-1].contract, a->contract) == 0) {
        a->terms = a[-1].terms;
    } else {
        a->terms = parse_terms(pg_text(r, row, "body"));
        a->owns_terms = true;
    }
    if (!a->terms)
        return fault(e, "The approved terms of a contract cannot be read");
    return appraisal_add(e->appraisal, a->commissioner, a->terms) ? JOB_DONE : resources(e);
}

static enum job_outcome load_accounts(struct evaluation *e, instant_t known_at)
{
    PGresult *r = NULL;
    enum pg_status status = evaluation_accounts(e->w->pg, e->s.provider, e->s.month, known_at, &r);
    if (status != PG_OK)
        return job_outcome_of(status, e->w->pg, e->problem);
    int count = PQntuples(r);
    e->accounts = calloc((size_t)count + 1, sizeof *e->accounts);
    e->appraisal = appraisal_new(&e->reference, e->s.month);
    enum job_outcome outcome = e->accounts && e->appraisal ? JOB_DONE : resources(e);
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
                                          " episode_id, commissioner, cluster, field, value, note, severity)"
                                          " FROM STDIN (FORMAT binary)",
                                          &copy);
    if (status != PG_OK)
        return status;
    while (!journal_at_end(e->findings) && !e->broken) {
        struct found found;
        struct finding f;
        if (!journal_next(e->findings, &found, sizeof found) || !finding_journal_next(e->findings, &f)) {
            e->broken = true;
            break;
        }
        pg_copy_row(copy, 12);
        pg_copy_string(copy, e->s.provider);
        pg_copy_i64(copy, e->s.no);
        pg_copy_i32(copy, (int32_t)f.row_no);
        pg_copy_string(copy, rule_get(f.rule)->id);
        pg_copy_i32(copy, (int32_t)e->number);
        pg_copy_string(copy, found.episode_id);
        pg_copy_string(copy, found.commissioner);
        pg_copy_string(copy, found.cluster);
        pg_copy_string(copy, f.field);
        pg_copy_string(copy, f.value);
        pg_copy_string(copy, f.note);
        if (found.query)
            pg_copy_string(copy, severity_name(SEVERITY_QUERY));
        else
            pg_copy_null(copy);
    }
    status = pg_copy_end(copy, NULL);
    return e->broken ? PG_FAILED : status;
}

static enum pg_status write_severities(struct evaluation *e, const struct account *a)
{
    enum pg_status status = PG_OK;
    for (int i = 0; i < RULE_COUNT && status == PG_OK; i++) {
        const struct rule *rule = rule_get((enum rule_id)i);
        enum severity severity = appraisal_severity(e->appraisal, a->commissioner, (enum rule_id)i);
        if (severity != rule->severity)
            status = evaluation_add_severity(e->w->pg, e->s.provider, e->s.no, e->number, a->commissioner, rule->id,
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
            if (strcmp(e->accounts[k].contract, contract) != 0)
                continue;
            e->accounts[k].judged = w.inside;
            e->accounts[k].freeze_at = w.freeze_at;
        }
        e->late = e->late || !w.inside;
    }
    PQclear(r);
    absences_free(&absences);
    return outcome;
}

/* The lowest of the contracts' counts: what one party wants to be told is told to all. */
static enum pg_status write_threshold(const struct evaluation *e, enum threshold_id threshold)
{
    int64_t lowest = -1;
    for (size_t i = 0; i < e->account_count; i++) {
        const struct terms *t = e->accounts[i].terms;
        if (t != NULL && (lowest < 0 || t->thresholds.value[threshold] < lowest))
            lowest = t->thresholds.value[threshold];
    }
    return lowest < 0
               ? PG_OK
               : indicator_add_threshold(e->w->pg, e->s.provider, e->s.no, threshold_table[threshold].name, lowest);
}

static enum pg_status write_measured(const struct evaluation *e)
{
    enum pg_status status = indicator_clear_evaluated(e->w->pg, e->s.provider, e->s.no);
    for (int id = 0; id < INDICATOR_COUNT && status == PG_OK; id++) {
        enum threshold_id threshold = indicator_get((enum indicator_id)id)->threshold;
        if (threshold != THRESHOLD_NONE)
            status = write_threshold(e, threshold);
    }
    for (size_t i = 0; i < e->uncontracted.count && status == PG_OK; i++)
        status = indicator_add_uncontracted(e->w->pg, e->s.provider, e->s.no, &e->uncontracted.lines[i]);
    return status;
}

/* W01, from the closing of the month on: whether a FREEZE run has pinned what is used makes no difference. */
static enum pg_status write_unused(struct evaluation *e, const struct account *a)
{
    const rule_set_t of_other_months = rules_depending_on(DEPENDS_HISTORY) | rule_set_of(RULE_A01);
    const struct month_cutoff cutoff = {e->s.month, a->freeze_at};
    struct effective_submission used;
    enum pg_status status = effective_submissions(e->w->pg, e->s.provider, a->contract, &cutoff, 1, e->now, &used);
    if (status != PG_OK || used.no == e->s.no)
        return status;
    return evaluation_add_unused(e->w->pg, e->s.provider, e->s.no, e->number, a->commissioner, used.no,
                                 of_other_months);
}

static enum pg_status write_all(struct evaluation *e)
{
    enum pg_status status = evaluation_begin(e->w->pg, e->s.provider, e->s.no, e->now, &e->number);
    if (status == PG_OK)
        status = write_measured(e);
    if (status == PG_OK)
        status = write_findings(e);
    if (status == PG_OK)
        status = overlap_write(e->overlap);
    for (size_t i = 0; i < e->account_count && status == PG_OK; i++) {
        const struct account *a = &e->accounts[i];
        status = write_severities(e, a);
        if (status == PG_OK && !a->judged)
            status = write_unused(e, a);
    }
    bool spooled = true;
    if (status == PG_OK)
        status = difference_write(e->w, &e->s, e->appraisal, &spooled);
    e->broken = e->broken || !spooled;
    if (status == PG_OK)
        status = tally_write(e->tally, e->number, &e->broken);
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
    if (!clock_now(e->w->clock, &e->now))
        return fault(e, "The clock file cannot be read");
    enum job_outcome outcome = load_reference(e);
    if (outcome == JOB_DONE)
        outcome = load_accounts(e, e->now);
    if (outcome == JOB_DONE)
        outcome = judge_windows(e);
    if (outcome == JOB_DONE)
        outcome = overlap_find(e->w, &e->s, e->problem, &e->overlap);
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
    uncontracted_init(&e.uncontracted);
    e.findings = journal_new(w->config->spool_dir);
    e.tally = tally_new(w, &e.s);
    enum job_outcome outcome = e.findings && e.tally ? run(&e) : resources(&e);
    journal_free(e.findings);
    tally_free(e.tally);
    appraisal_free(e.appraisal);
    overlap_free(e.overlap);
    reference_free(&e.reference);
    uncontracted_free(&e.uncontracted);
    for (size_t i = 0; i < e.account_count; i++) {
        if (e.accounts[i].owns_terms)
            terms_free(e.accounts[i].terms);
    }
    free(e.accounts);
    return outcome;
}
