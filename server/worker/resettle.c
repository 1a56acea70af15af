#include "worker/resettle.h"

#include "domain/position_change.h"
#include "store/instalment.h"
#include "store/position.h"
#include "store/row_act.h"
#include "worker/draft.h"
#include "worker/moment.h"
#include "worker/settle.h"

#include <stdio.h>
#include <string.h>

/* One account on its way through re-settlement. */
struct resettlement {
    struct worker *worker;
    const struct job *job;
    struct run run;
    struct run_work work;
    month_t head;
    const char *type; /* R; DISPUTE once FINAL has closed the year */
    enum pg_status store;
    char reason[POSITION_REASON_SIZE];
};

static enum settlement_status store_failed(struct resettlement *x, enum pg_status status)
{
    x->store = status == PG_NONE ? PG_FAILED : status;
    return SETTLEMENT_STORE;
}

static enum settlement_status settlement_failed(struct resettlement *x, enum settlement_status outcome)
{
    x->store = x->work.settlement.store_status;
    snprintf(x->reason, sizeof x->reason, "%s", x->work.settlement.reason);
    return outcome;
}

/* The document that the month's last run found; *document NULL when there was no run. */
static enum pg_status last_document(struct resettlement *x, month_t month, json_t **document)
{
    unsigned char sha256[32];
    struct json_problem problem;
    PGresult *r = NULL;
    *document = NULL;
    enum pg_status status = run_last_position(x->worker->pg, &x->run.account, month, sha256);
    if (status == PG_NONE)
        return PG_OK;
    if (status == PG_OK)
        status = position_get(x->worker->pg, x->run.account.provider, sha256, &r);
    if (status != PG_OK)
        return status;
    const char *body = pg_text(r, 0, "body");
    *document = json_read(body, strlen(body), &problem);
    PQclear(r);
    return *document == NULL ? PG_FAILED : PG_OK;
}

static bool describe(struct resettlement *x, const json_t *before, const json_t *now)
{
    struct buf causes;
    buf_init(&causes, sizeof x->run.cause - 1);
    /* A list too long for the column is cut at its last whole name: the statement's inputs have them all. */
    bool any = position_causes(before, now, &causes) || causes.length > 0;
    if (any)
        snprintf(x->run.cause, sizeof x->run.cause, "%s", causes.data);
    buf_free(&causes);
    return any;
}

/* Whether the month's position has other lines than its last run found. On true the position stays in work.own. */
static enum settlement_status month_changed(struct resettlement *x, month_t month, bool *changed)
{
    json_t *before = NULL;
    enum settlement_status outcome = settlement_position(&x->work.settlement, month, &x->work.own);
    if (outcome != SETTLEMENT_OK)
        return settlement_failed(x, outcome);
    enum pg_status status = last_document(x, month, &before);
    if (status != PG_OK)
        return store_failed(x, status);
    *changed = before != NULL && position_lines_differ(before, x->work.own.document);
    if (*changed && !describe(x, before, x->work.own.document))
        outcome = store_failed(x, PG_FAILED);
    json_decref(before);
    if (!*changed)
        account_position_free(&x->work.own);
    return outcome;
}

/* The earliest settled month that changed; *changed false when there is none. */
static enum settlement_status find_changed(struct resettlement *x, bool *changed)
{
    PGresult *r = NULL;
    enum settlement_status outcome = SETTLEMENT_OK;
    enum pg_status status = settled_months(x->worker->pg, &x->run.account, &r);
    if (status != PG_OK)
        return store_failed(x, status);
    *changed = false;
    for (int i = 0; outcome == SETTLEMENT_OK && !*changed && i < PQntuples(r); i++) {
        x->run.month = pg_month(r, i, "month");
        outcome = month_changed(x, x->run.month, changed);
    }
    PQclear(r);
    return outcome;
}

/* Without a change of lines, what stands against the position may be another: an opening entry agreed since, or another
 * expected value. The run is then the head's. */
static enum settlement_status set_off_changed(struct resettlement *x, bool *changed)
{
    struct settlement *s = &x->work.settlement;
    struct run_set_off was;
    struct bill_set_off now = {0};
    bool on_account = false;
    enum settlement_status outcome = set_off_find(s, x->head, &now, &on_account);
    if (outcome != SETTLEMENT_OK)
        return settlement_failed(x, outcome);
    enum pg_status status = run_last_set_off(x->worker->pg, &x->run.account, &was);
    if (status != PG_OK)
        return store_failed(x, status);
    if (now.opening == was.opening_pence && now.on_account == was.on_account_pence)
        return SETTLEMENT_OK;
    *changed = true;
    x->run.month = x->head;
    snprintf(x->run.cause, sizeof x->run.cause, "%s",
             now.on_account != was.on_account_pence ? "expected annual contract value" : "opening entries");
    outcome = settlement_position(s, x->head, &x->work.own);
    return outcome == SETTLEMENT_OK ? outcome : settlement_failed(x, outcome);
}

/* The run that says so: the month's parked one taken up again, or a new one. */
static enum pg_status queue_run(struct resettlement *x)
{
    struct run latest;
    snprintf(x->run.type, sizeof x->run.type, "%s", x->type);
    x->run.requested_at = x->work.now;
    x->run.known_at = x->work.settlement.known_at;
    enum pg_status status = run_latest(x->worker->pg, &x->run.account, x->run.month, x->type, &latest);
    if (status == PG_OK && strcmp(latest.state, "done") != 0) {
        memcpy(x->run.id, latest.id, sizeof x->run.id);
        x->run.n = latest.n;
        if (strcmp(latest.state, "queued") != 0)
            status = run_requeue(x->worker->pg, &x->run);
    } else if (status == PG_OK || status == PG_NONE) {
        status = run_insert(x->worker->pg, &x->run);
    }
    return status;
}

static enum settlement_status make_run(struct resettlement *x)
{
    enum pg_status status = queue_run(x);
    if (status != PG_OK)
        return store_failed(x, status);
    x->work.run = &x->run;
    x->work.bills = true;
    x->work.billed_month = x->head > x->run.month ? x->head : x->run.month;
    if (x->work.billed_month != x->run.month) {
        enum settlement_status outcome =
            settlement_position(&x->work.settlement, x->work.billed_month, &x->work.billed);
        if (outcome != SETTLEMENT_OK)
            return settlement_failed(x, outcome);
    }
    return run_write(&x->work, x->reason, &x->store);
}

/* What keeps the account from being computed is shown on a parked run of the head's month; the next cause that arrives
 * takes it up again. */
static enum settlement_status park(struct resettlement *x)
{
    if (x->run.id[0] == '\0') {
        x->run.month = x->head;
        snprintf(x->run.cause, sizeof x->run.cause, "something that reaches back became known");
        enum pg_status status = queue_run(x);
        if (status != PG_OK)
            return store_failed(x, status);
    }
    const struct run_hold hold = run_holds(&x->work, x->reason);
    enum pg_status status = run_not_done(x->worker->pg, x->run.account.provider, x->run.id, &hold, x->work.now);
    return status == PG_OK ? SETTLEMENT_OK : store_failed(x, status);
}

/* What open challenges hold of documents that were issued, shown with these. */
static enum settlement_status hold_payment(struct resettlement *x)
{
    struct account_position head;
    if (x->work.settlement.rows.challenge_count == 0)
        return SETTLEMENT_OK;
    enum settlement_status outcome = settlement_position(&x->work.settlement, x->head, &head);
    if (outcome != SETTLEMENT_OK)
        return settlement_failed(x, outcome);
    enum pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < head.position.contested_count; i++) {
        const struct position_contested *c = &head.position.contested[i];
        if (c->billed)
            status = challenge_set_held(x->worker->pg, &x->run.account, c->number, c->pence);
    }
    account_position_free(&head);
    return status == PG_OK ? SETTLEMENT_OK : store_failed(x, status);
}

/* Before anything is billed there is nothing to settle again; only challenges follow their rows. */
static enum settlement_status follow_unbilled(struct resettlement *x)
{
    struct settlement *s = &x->work.settlement;
    enum settlement_status outcome = settlement_open(s);
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_read(s, financial_year_first(s->facts.financial_year) + TERMS_MONTHS - 1);
    if (outcome != SETTLEMENT_OK)
        settlement_failed(x, outcome);
    return outcome == SETTLEMENT_STORE || outcome == SETTLEMENT_LOST ? outcome : SETTLEMENT_OK;
}

static enum settlement_status resettle_locked(struct resettlement *x)
{
    bool changed = false;
    struct settlement *s = &x->work.settlement;
    enum pg_status status = run_billing_head(x->worker->pg, &x->run.account, &x->head);
    if (status == PG_NONE)
        return follow_unbilled(x);
    if (status != PG_OK)
        return store_failed(x, status);
    bool closed = false;
    status = run_year_closed(x->worker->pg, &x->run.account, &closed);
    if (status != PG_OK)
        return store_failed(x, status);
    x->type = closed ? "DISPUTE" : "R";
    enum settlement_status outcome = settlement_open(s);
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_read(s, x->head);
    if (outcome != SETTLEMENT_OK)
        settlement_failed(x, outcome);
    else
        outcome = hold_payment(x);
    if (outcome == SETTLEMENT_OK)
        outcome = find_changed(x, &changed);
    if (outcome == SETTLEMENT_OK && !changed)
        outcome = set_off_changed(x, &changed);
    if (outcome == SETTLEMENT_OK && changed)
        outcome = make_run(x);
    return outcome == SETTLEMENT_PARKED ? park(x) : outcome;
}

/* What became known may change the expected value, or who has been billed elsewhere. */
static enum pg_status refresh_instalments(struct resettlement *x)
{
    bool any = false;
    char id[IDENT_SIZE];
    enum pg_status status = instalments_any(x->worker->pg, &x->run.account, &any);
    if (status == PG_OK && any)
        status = job_add(x->worker->pg, x->run.account.provider, "instalment", x->run.account.contract, id);
    return status;
}

/* One account in one transaction, fenced by the job's lease. Done again after a crash, it finds nothing changed. */
static enum job_outcome resettle_account(struct worker *w, const struct job *job, const char *commissioner,
                                         char *problem)
{
    struct resettlement x;
    memset(&x, 0, sizeof x);
    x.worker = w;
    x.job = job;
    x.work.worker = w;
    snprintf(x.run.account.provider, sizeof x.run.account.provider, "%s", job->provider);
    snprintf(x.run.account.contract, sizeof x.run.account.contract, "%.*s", IDENT_LENGTH, job->subject);
    snprintf(x.run.account.commissioner, sizeof x.run.account.commissioner, "%s", commissioner);
    x.work.settlement.pg = w->pg;
    x.work.settlement.reference_dir = w->config->reference_dir;
    x.work.settlement.lost = &w->lost;
    x.work.settlement.account = x.run.account;
    x.work.settlement.follows_rows = true;
    struct moment moment;
    enum pg_status status = pg_begin(w->pg);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    enum job_outcome taken = moment_of_account(w, &x.run.account, &moment, problem);
    if (taken != JOB_DONE)
        return taken;
    x.work.now = moment.now;
    x.work.settlement.known_at = moment.known_at;
    enum settlement_status outcome = resettle_locked(&x);
    run_work_free(&x.work);
    if (outcome != SETTLEMENT_OK)
        return settle_outcome(w, outcome, x.store, x.reason, problem);
    status = refresh_instalments(&x);
    if (status == PG_OK)
        status = job_progress(w->pg, job, 1, -1);
    if (status == PG_OK)
        status = pg_commit(w->pg);
    return job_outcome_of(status, w->pg, problem);
}

enum job_outcome resettle_contract(struct worker *w, const struct job *job, char *problem)
{
    /* All accounts: whether one is billed is looked up under its lock, since its first run may be under way. */
    return each_account(w, job, resettle_account, problem);
}
