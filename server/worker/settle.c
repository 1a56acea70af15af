#include "worker/settle.h"

#include "worker/moment.h"

#include <stdio.h>
#include <string.h>

enum job_outcome settle_outcome(struct worker *w, enum settlement_status status, enum pg_status store_status,
                                const char *reason, char *problem)
{
    switch (status) {
    case SETTLEMENT_OK:
    case SETTLEMENT_PARKED:
        return JOB_DONE;
    case SETTLEMENT_LOST:
        return JOB_LOST;
    case SETTLEMENT_STORE:
        return job_outcome_of(store_status, w->pg, problem);
    case SETTLEMENT_WAITS:
    case SETTLEMENT_FAULT:
        break;
    }
    snprintf(problem, JOB_PROBLEM_SIZE, "%s", reason);
    return status == SETTLEMENT_WAITS ? JOB_WAITS : JOB_FAILED;
}

static bool is_type(const struct run *run, const char *type)
{
    return strcmp(run->type, type) == 0;
}

bool run_raised_itself(const struct run *run)
{
    return is_type(run, "R") || is_type(run, "DISPUTE");
}

/* FREEZE, FINAL and re-settlements bill; FLEX only where the terms say so; a preview never. */
static bool run_bills(const struct run *run, const struct settlement *s)
{
    if (is_type(run, "FREEZE") || is_type(run, "FINAL") || run_raised_itself(run))
        return true;
    const struct terms_version *annual = agreed_terms_in_force(&s->terms, run->month, s->known_at);
    return is_type(run, "FLEX") && annual != NULL && annual->terms->bill_flex;
}

/* A year is closed when nothing of it is contested any more. */
static enum settlement_status may_close(struct settlement *s)
{
    if (s->rows.challenge_count == 0)
        return SETTLEMENT_OK;
    s->hold = HOLD_OPEN_CHALLENGE;
    snprintf(
        s->reason, sizeof s->reason,
        "%zu challenges are open, the first of them number %lld: the year cannot be closed. Accept, reject, split or "
        "withdraw them; then ask for the run again.",
        s->rows.challenge_count, (long long)s->rows.challenges[0].number);
    return SETTLEMENT_PARKED;
}

/* Reads and computes. The run's own position comes first, so that a missing month is named for the month asked. */
static enum settlement_status compute(struct run_work *work)
{
    struct settlement *s = &work->settlement;
    enum settlement_status outcome = settlement_open(s);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    work->bills = run_bills(work->run, s);
    work->billed_month = work->run->month;
    if (work->bills) {
        month_t head = 0;
        enum pg_status status = run_billing_head(s->pg, &s->account, &head);
        if (status == PG_OK && head > work->billed_month)
            work->billed_month = head;
        if (status != PG_OK && status != PG_NONE) {
            s->store_status = status;
            return SETTLEMENT_STORE;
        }
    }
    outcome = settlement_read(s, work->billed_month);
    if (outcome == SETTLEMENT_OK && is_type(work->run, "FINAL"))
        outcome = may_close(s);
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_position(s, work->run->month, &work->own);
    if (outcome == SETTLEMENT_OK && work->billed_month != work->run->month)
        outcome = settlement_position(s, work->billed_month, &work->billed);
    return outcome;
}

const struct account_position *run_billed(const struct run_work *work)
{
    return work->billed.document == NULL ? &work->own : &work->billed;
}

/* A position parks for want of terms or activity before all else. */
struct run_hold run_holds(const struct run_work *work, const char *reason)
{
    const struct settlement *s = &work->settlement;
    if (s->hold != HOLD_OTHER)
        return (struct run_hold){s->hold, -1, reason};
    for (size_t i = 0; i < s->months; i++) {
        if (s->month[i].terms == NULL)
            return (struct run_hold){HOLD_NO_TERMS, s->month[i].month, reason};
    }
    for (size_t i = 0; i < s->months; i++) {
        if (s->month[i].submission == NULL && s->month[i].source == MONTH_RECEIVED)
            return (struct run_hold){HOLD_NO_ACTIVITY, s->month[i].month, reason};
    }
    return (struct run_hold){HOLD_OTHER, -1, reason};
}

void run_work_free(struct run_work *work)
{
    account_position_free(&work->own);
    account_position_free(&work->billed);
    settlement_close(&work->settlement);
}

/* Ends the run as parked, and the job as done: its work is to say so. */
static enum pg_status park(struct worker *w, const struct job *job, const struct run *run, const struct run_hold *hold,
                           instant_t now)
{
    enum pg_status status = run_not_done(w->pg, run->account.provider, run->id, hold, now);
    if (status == PG_OK)
        status = job_finish(w->pg, job);
    return status == PG_OK ? pg_commit(w->pg) : status;
}

static enum job_outcome settle_locked(struct worker *w, const struct job *job, const struct run *run,
                                      const struct moment *moment, char *problem)
{
    struct run_work work;
    char reason[POSITION_REASON_SIZE] = "";
    enum pg_status store = PG_OK;
    memset(&work, 0, sizeof work);
    work.worker = w;
    work.run = run;
    work.settlement.pg = w->pg;
    work.settlement.reference_dir = w->config->reference_dir;
    work.settlement.lost = &w->lost;
    work.settlement.account = run->account;
    work.settlement.follows_rows = !is_type(run, "PREVIEW");
    work.now = moment->now;
    /* What became known while the run was queued counts: its re-settlement may have come and gone before this run was
     * there to be settled again. */
    work.settlement.known_at = moment->known_at > run->known_at ? moment->known_at : run->known_at;
    enum settlement_status outcome = compute(&work);
    if (outcome == SETTLEMENT_OK) {
        outcome = run_write(&work, reason, &store);
    } else {
        snprintf(reason, sizeof reason, "%s", work.settlement.reason);
        store = work.settlement.store_status;
    }
    const struct run_hold hold = run_holds(&work, reason);
    run_work_free(&work);
    if (outcome == SETTLEMENT_PARKED)
        store = park(w, job, run, &hold, work.now);
    else if (outcome == SETTLEMENT_OK && (store = job_finish(w->pg, job)) == PG_OK)
        store = pg_commit(w->pg);
    if (outcome == SETTLEMENT_OK || outcome == SETTLEMENT_PARKED)
        return job_outcome_of(store, w->pg, problem);
    return settle_outcome(w, outcome, store, reason, problem);
}

enum job_outcome each_account(struct worker *w, const struct job *job,
                              enum job_outcome (*one)(struct worker *w, const struct job *job, const char *commissioner,
                                                      char *problem),
                              char *problem)
{
    PGresult *accounts = NULL;
    enum job_outcome outcome = JOB_DONE;
    enum pg_status status = contract_accounts(w->pg, job->provider, job->subject, &accounts);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    for (int i = 0; (outcome == JOB_DONE || outcome == JOB_FAILED) && i < PQntuples(accounts); i++) {
        const char *commissioner = pg_text(accounts, i, "commissioner");
        char fault[JOB_PROBLEM_SIZE] = "";
        enum job_outcome made = one(w, job, commissioner, fault);
        if (made == JOB_DONE)
            continue;
        pg_rollback(w->pg);
        outcome = made;
        snprintf(problem, JOB_PROBLEM_SIZE, "Account %s: %.*s", commissioner, JOB_PROBLEM_SIZE - 32, fault);
    }
    PQclear(accounts);
    if (outcome != JOB_DONE)
        return outcome;
    status = pg_begin(w->pg);
    if (status == PG_OK)
        status = job_finish(w->pg, job);
    if (status == PG_OK)
        status = pg_commit(w->pg);
    return job_outcome_of(status, w->pg, problem);
}

/* The run by the job's subject, locked, after its account and the moment: whoever had the account before us may have
 * made it. A failed one is taken up again: its job was retried. */
static enum job_outcome take_run(struct worker *w, const struct job *job, struct run *run, struct moment *moment,
                                 char *problem)
{
    enum pg_status status = run_get(w->pg, job->provider, job->subject, run);
    if (status == PG_OK) {
        enum job_outcome outcome = moment_of_account(w, &run->account, moment, problem);
        if (outcome != JOB_DONE)
            return outcome;
        status = run_get_for_update(w->pg, job->provider, job->subject, run);
    }
    if (status == PG_OK && strcmp(run->state, "failed") == 0) {
        status = run_requeue(w->pg, run);
        snprintf(run->state, sizeof run->state, "queued");
    }
    if (status != PG_NONE)
        return job_outcome_of(status, w->pg, problem);
    snprintf(problem, JOB_PROBLEM_SIZE, "There is no such run. Ask for a new one.");
    return JOB_FAILED;
}

enum job_outcome settle_run(struct worker *w, const struct job *job, char *problem)
{
    struct run run;
    struct moment moment = {INSTANT_NONE, INSTANT_NONE};
    enum pg_status status = pg_begin(w->pg);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    enum job_outcome outcome = take_run(w, job, &run, &moment, problem);
    if (outcome != JOB_DONE)
        return outcome;
    if (strcmp(run.state, "queued") != 0) {
        /* Made already, by a worker that died before it heard of its commit, or by another job for the same run. */
        status = job_finish(w->pg, job);
        if (status == PG_OK)
            status = pg_commit(w->pg);
        return job_outcome_of(status, w->pg, problem);
    }
    return settle_locked(w, job, &run, &moment, problem);
}

enum pg_status settle_give_up(struct worker *w, const struct job *job, const char *problem)
{
    instant_t now = 0;
    if (!clock_now(w->clock, &now))
        now = clock_wall();
    const struct run_hold hold = {HOLD_FAULT, -1, problem};
    enum pg_status status = run_not_done(w->pg, job->provider, job->subject, &hold, now);
    return status == PG_NONE ? PG_OK : status;
}
