#include "worker/draft.h"

#include "base/parse.h"
#include "domain/money.h"
#include "store/agreement.h"
#include "store/organisation.h"
#include "store/position.h"
#include "worker/expected_value.h"

#include <stdio.h>
#include <string.h>

static enum settlement_status fault(struct settlement *s, const char *what)
{
    snprintf(s->reason, sizeof s->reason, "%s", what);
    return SETTLEMENT_FAULT;
}

static enum settlement_status bill_outcome(struct settlement *s, enum bill_status status)
{
    switch (status) {
    case BILL_DONE:
        return SETTLEMENT_OK;
    case BILL_MISMATCH:
        return fault(s, "What was billed is not the position billed last. This is a fault of the service: nothing was "
                        "drafted. Tell the operator, who can retry the job after mending it.");
    case BILL_BAD_DOCUMENT:
        return fault(s, "The position billed last cannot be read. This is a fault of the service: tell the operator.");
    case BILL_OVERFLOW:
        return fault(s, "The balance is beyond the largest amount that can be stated.");
    case BILL_NO_MEMORY:
        break;
    }
    return fault(s, "The worker ran out of memory. Retry the job when the machine has more.");
}

/* The position document that was billed last with its set-off; position NULL when nothing was billed. */
static enum pg_status last_billed(struct run_work *work, struct bill_before *before, json_t **document)
{
    struct document_last last;
    struct json_problem problem;
    PGresult *r = NULL;
    const struct account_key *account = &work->run->account;
    struct pg *pg = work->settlement.pg;
    *document = NULL;
    enum pg_status status = document_billed(pg, account, &before->documents);
    if (status == PG_OK)
        status = document_last_billed(pg, account, &last);
    if (status == PG_NONE)
        return PG_OK;
    if (status == PG_OK)
        status = position_get(pg, account->provider, last.sha256, &r);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    const char *body = pg_text(r, 0, "body");
    *document = json_read(body, strlen(body), &problem);
    PQclear(r);
    before->position = *document;
    before->set_off = (struct bill_set_off){.opening = last.opening_pence, .on_account = last.on_account_pence};
    return *document == NULL ? PG_FAILED : PG_OK;
}

static enum settlement_status check_bound(struct run_work *work, int64_t balance_pence, const json_t *before)
{
    struct settlement *s = &work->settlement;
    const struct terms_version *annual = agreed_terms_in_force(&s->terms, work->run->month, s->known_at);
    int64_t planned = bill_planned(run_billed(work)->position.plan, financial_year_first(s->facts.financial_year),
                                   work->billed_month, work->run->month, before);
    if (!bill_beyond_bound(balance_pence, planned, annual->terms->sanity_ppm))
        return SETTLEMENT_OK;
    char bound[32];
    char balance[MONEY_TEXT_SIZE];
    char plan[MONEY_TEXT_SIZE];
    format_percent_ppm(annual->terms->sanity_ppm, bound);
    money_format(balance_pence, balance);
    money_format(planned, plan);
    s->hold = HOLD_SANITY_BOUND;
    snprintf(s->reason, sizeof s->reason,
             "The balance of %s is above the sanity bound: %s of the plan of %s. Correct the activity or the plan and "
             "ask again; or, if the balance is right, agree terms with a higher sanity_bound and ask again.",
             balance, bound, plan);
    return SETTLEMENT_PARKED;
}

enum settlement_status set_off_find(struct settlement *s, month_t billed_month, struct bill_set_off *off,
                                    bool *on_account)
{
    struct expected_value value;
    *off = (struct bill_set_off){0};
    enum settlement_status outcome = expected_value_in(s, billed_month, &value);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    *on_account = value.on_account;
    if (!value.on_account) {
        enum pg_status status = opening_entries_sum(s->pg, &s->account, &off->opening);
        return status == PG_OK ? SETTLEMENT_OK : settlement_store_failed(s, status);
    }
    if (!instalments_due(value.pence, month_number(billed_month), &off->on_account))
        return fault(s, "The instalments are beyond the largest amount that can be stated.");
    return SETTLEMENT_OK;
}

static enum settlement_status find_recipient(struct run_work *work, struct run_draft *d)
{
    struct settlement *s = &work->settlement;
    const char *code = work->run->account.commissioner;
    enum pg_status status = organisation_stands_for(s->pg, code, london_date(work->now), d->bill_to);
    if (status == PG_OK)
        return SETTLEMENT_OK;
    if (status != PG_NONE)
        return settlement_store_failed(s, status);
    s->hold = HOLD_NO_SUCCESSOR;
    snprintf(s->reason, sizeof s->reason,
             "%s is closed, and no live successor is recorded to whom a document could go. The operator records the "
             "successor; then ask for the run again.",
             code);
    return SETTLEMENT_PARKED;
}

static enum settlement_status add_up(struct run_work *work, const struct bill_before *before, struct run_draft *d)
{
    struct settlement *s = &work->settlement;
    enum settlement_status outcome =
        bill_outcome(s, bill_compute(run_billed(work)->document, &d->set_off, before, &d->bill));
    if (outcome != SETTLEMENT_OK)
        return outcome;
    /* Cannot overflow: the bill was computed from the same sums. */
    d->billed_before = before->documents + d->set_off.opening + d->set_off.on_account;
    return check_bound(work, d->bill.balance, before->position);
}

enum settlement_status draft_make(struct run_work *work, struct run_draft *d)
{
    json_t *document = NULL;
    struct bill_before before = {0};
    enum settlement_status outcome = find_recipient(work, d);
    if (outcome == SETTLEMENT_OK)
        outcome = set_off_find(&work->settlement, work->billed_month, &d->set_off, &d->on_account);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    enum pg_status status = last_billed(work, &before, &document);
    outcome = status == PG_OK ? add_up(work, &before, d) : settlement_store_failed(&work->settlement, status);
    json_decref(document);
    return outcome;
}

static enum pg_status write_references(struct run_work *work, struct run_draft *d)
{
    PGresult *r = NULL;
    struct pg *pg = work->settlement.pg;
    enum pg_status status = document_billed_months(pg, &work->run->account, &r);
    if (status != PG_OK)
        return status;
    for (int i = 0; status == PG_OK && i < PQntuples(r); i++) {
        if (bill_refers_to(d->bill.months_changed, (uint32_t)pg_i64(r, i, "months")))
            status = document_add_reference(pg, work->run->account.provider, d->document.id, pg_text(r, i, "id"));
    }
    PQclear(r);
    return status;
}

static enum pg_status write_lines(struct run_work *work, const struct run_draft *d)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = document_lines_begin(work->settlement.pg, &copy);
    if (status != PG_OK)
        return status;
    for (size_t i = 0; i < d->bill.count; i++) {
        const struct bill_line *l = &d->bill.line[i];
        const struct run_line line = {
            .key = l->key,
            .stage = l->stage,
            .month = l->month,
            .cluster = l->cluster[0] == '\0' ? NULL : l->cluster,
            .basis = l->basis,
            .price_pence = l->price_pence,
            .units = l->units,
            .pence = l->pence,
            .label = l->label,
        };
        run_lines_add(copy, work->run->account.provider, d->document.id, (int32_t)i + 1, &line);
    }
    return pg_copy_end(copy, NULL);
}

enum pg_status draft_write(struct run_work *work, struct run_draft *d)
{
    const struct run *run = work->run;
    struct pg *pg = work->settlement.pg;
    d->document = (struct document_draft){
        .account = &run->account,
        .run = run->id,
        .kind = bill_kind_name(d->bill.kind),
        .position_pence = run_billed(work)->position.billable,
        .billed_pence = d->billed_before,
        .opening_pence = d->set_off.opening,
        .on_account = d->on_account,
        .on_account_pence = d->set_off.on_account,
        .bill_to = d->bill_to,
        .drafted_at = work->now,
    };
    enum pg_status status = document_supersede(pg, &run->account, work->now);
    if (status == PG_OK)
        status = document_insert(pg, &d->document);
    if (status == PG_OK)
        status = write_lines(work, d);
    return status == PG_OK ? write_references(work, d) : status;
}

void draft_free(struct run_draft *d)
{
    bill_free(&d->bill);
}
