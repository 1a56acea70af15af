#include "worker/instalment.h"

#include "store/audit.h"
#include "store/document.h"
#include "store/instalment.h"
#include "store/organisation.h"
#include "worker/expected_value.h"
#include "worker/moment.h"
#include "worker/settle.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

/* One account on its way. */
struct drafting {
    struct settlement s;
    instant_t now;
    int32_t month; /* highest k whose month has begun; 0: none */
    struct expected_value value;
    int64_t due[TERMS_MONTHS];
    struct instalments_issued issued;
    int64_t opening;
    char bill_to[RUN_CODE_SIZE];
    struct instalment draft[TERMS_MONTHS];
    int32_t count;
    int32_t written;
};

static enum settlement_status store_failed(struct drafting *x, enum pg_status status)
{
    x->s.store_status = status == PG_NONE ? PG_FAILED : status;
    return SETTLEMENT_STORE;
}

static int32_t months_begun(const struct drafting *x)
{
    int32_t begun = (int32_t)(month_of(london_date(x->now)) - financial_year_first(x->s.facts.financial_year)) + 1;
    return begun < 0 ? 0 : begun > TERMS_MONTHS ? TERMS_MONTHS : begun;
}

/* Billing is an annual part: what holds in the last month that has begun holds for the year to date. */
static enum settlement_status find_due(struct drafting *x)
{
    month_t first = financial_year_first(x->s.facts.financial_year);
    x->month = months_begun(x);
    enum settlement_status outcome =
        x->month == 0 ? SETTLEMENT_OK : expected_value_in(&x->s, first + x->month - 1, &x->value);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    for (int32_t k = 1; k <= x->month; k++) {
        if (!instalments_due(x->value.pence, k, &x->due[k - 1])) {
            snprintf(x->s.reason, sizeof x->s.reason,
                     "The instalments are beyond the largest amount that can be stated.");
            return SETTLEMENT_FAULT;
        }
    }
    return SETTLEMENT_OK;
}

static enum settlement_status find_recipient(struct drafting *x)
{
    const char *code = x->s.account.commissioner;
    enum pg_status status = organisation_stands_for(x->s.pg, code, london_date(x->now), x->bill_to);
    if (status == PG_OK)
        return SETTLEMENT_OK;
    if (status != PG_NONE)
        return store_failed(x, status);
    snprintf(x->s.reason, sizeof x->s.reason,
             "%s is closed, and no live successor is recorded to whom an instalment could go. The operator records the "
             "successor; then ask again.",
             code);
    return SETTLEMENT_PARKED;
}

static bool same_draft(const struct drafting *x, const PGresult *open, int row, const struct instalment *i)
{
    return pg_i64(open, row, "instalment") == i->k && pg_i64(open, row, "position_pence") == i->due &&
           pg_i64(open, row, "billed_pence") == i->before && pg_i64(open, row, "opening_pence") == x->opening &&
           pg_i64(open, row, "eacv_pence") == x->value.pence && strcmp(pg_text(open, row, "bill_to"), x->bill_to) == 0;
}

/* Open drafts that still hold stay, and are not drafted again; the others give way. */
static enum pg_status clear_open(struct drafting *x)
{
    PGresult *open = NULL;
    enum pg_status status = instalments_open(x->s.pg, &x->s.account, &open);
    for (int row = 0; status == PG_OK && row < PQntuples(open); row++) {
        bool holds = false;
        for (int32_t i = 0; i < x->count; i++) {
            if (x->draft[i].k != 0 && same_draft(x, open, row, &x->draft[i])) {
                x->draft[i].k = 0;
                holds = true;
            }
        }
        if (!holds)
            status = instalment_supersede(x->s.pg, x->s.account.provider, pg_text(open, row, "id"), x->now);
    }
    PQclear(open);
    return status;
}

static enum pg_status write_line(struct drafting *x, const struct document_draft *d)
{
    char key[24];
    char month[8];
    char label[160];
    month_t m = financial_year_first(x->s.facts.financial_year) + d->instalment - 1;
    month_format(m, month);
    snprintf(key, sizeof key, "instalment/%s", month);
    snprintf(label, sizeof label, "Instalment %d of 12 of the expected annual contract value of £%lld.%02d",
             (int)d->instalment, (long long)(d->eacv_pence / 100), (int)(d->eacv_pence % 100));
    const struct run_line line = {.key = key,
                                  .stage = "on_account",
                                  .month = m,
                                  .price_pence = -1,
                                  .pence = d->position_pence - d->billed_pence,
                                  .label = label};
    return document_add_line(x->s.pg, x->s.account.provider, d->id, 1, &line);
}

static enum pg_status write_audit(struct drafting *x, const struct document_draft *d)
{
    char subject[40];
    char detail[80];
    snprintf(subject, sizeof subject, "document/%s", d->id);
    snprintf(detail, sizeof detail, "{\"eacv_pence\":%lld,\"instalment\":%d}", (long long)d->eacv_pence,
             (int)d->instalment);
    const struct audit_event event = {.provider = x->s.account.provider,
                                      .at = x->now,
                                      .act = "instalment.draft",
                                      .subject = subject,
                                      .detail = detail};
    return audit_append(x->s.pg, &event);
}

static enum pg_status write_draft(struct drafting *x, const struct instalment *i)
{
    struct document_draft d = {
        .account = &x->s.account,
        .kind = bill_kind_name(i->due > i->before ? BILL_INVOICE : BILL_CREDIT_NOTE),
        .position_pence = i->due,
        .billed_pence = i->before,
        .opening_pence = x->opening,
        .drafted_at = x->now,
        .bill_to = x->bill_to,
        .instalment = i->k,
        .eacv_pence = x->value.pence,
        .terms_version = x->value.terms,
    };
    enum pg_status status = document_insert(x->s.pg, &d);
    if (status == PG_OK)
        status = write_line(x, &d);
    return status == PG_OK ? write_audit(x, &d) : status;
}

static enum settlement_status draft_locked(struct drafting *x)
{
    enum settlement_status outcome = settlement_open(&x->s);
    if (outcome == SETTLEMENT_OK)
        outcome = find_due(x);
    if (outcome == SETTLEMENT_OK)
        outcome = find_recipient(x);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    enum pg_status status = instalments_issued(x->s.pg, &x->s.account, &x->issued, &x->opening);
    if (status != PG_OK)
        return store_failed(x, status);
    /* Opening entries are instalments on account alone: where billing is actual they stand against the position. */
    if (!x->value.on_account) {
        x->issued.pence -= x->opening;
        x->opening = 0;
    }
    x->count = instalments_to_draft(x->due, &x->issued, x->month, x->draft);
    status = clear_open(x);
    for (int32_t i = 0; status == PG_OK && i < x->count; i++) {
        if (x->draft[i].k == 0)
            continue;
        status = write_draft(x, &x->draft[i]);
        x->written++;
    }
    return status == PG_OK ? SETTLEMENT_OK : store_failed(x, status);
}

/* One account in one transaction, fenced by the job's lease. Done again after a crash, it finds its drafts there. */
static enum job_outcome draft_account(struct worker *w, const struct job *job, const char *commissioner, char *problem)
{
    struct drafting x;
    struct moment moment;
    memset(&x, 0, sizeof x);
    x.s.pg = w->pg;
    x.s.reference_dir = w->config->reference_dir;
    snprintf(x.s.account.provider, sizeof x.s.account.provider, "%s", job->provider);
    snprintf(x.s.account.contract, sizeof x.s.account.contract, "%.*s", IDENT_LENGTH, job->subject);
    snprintf(x.s.account.commissioner, sizeof x.s.account.commissioner, "%s", commissioner);
    enum pg_status status = pg_begin(w->pg);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    enum job_outcome taken = moment_of_account(w, &x.s.account, &moment, problem);
    if (taken != JOB_DONE)
        return taken;
    x.now = moment.now;
    x.s.known_at = moment.known_at;
    enum settlement_status outcome = draft_locked(&x);
    char reason[POSITION_REASON_SIZE];
    enum pg_status store = x.s.store_status;
    snprintf(reason, sizeof reason, "%s", x.s.reason);
    settlement_close(&x.s);
    if (outcome == SETTLEMENT_PARKED)
        outcome = SETTLEMENT_FAULT; /* no run shows it: the job does, and can be asked for again */
    if (outcome != SETTLEMENT_OK)
        return settle_outcome(w, outcome, store, reason, problem);
    status = job_progress(w->pg, job, 1, -1);
    if (status == PG_OK)
        status = pg_commit(w->pg);
    return job_outcome_of(status, w->pg, problem);
}

enum job_outcome instalment_run(struct worker *w, const struct job *job, char *problem)
{
    return each_account(w, job, draft_account, problem);
}
