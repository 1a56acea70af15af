#include "routes/account_month.h"

#include "domain/windows.h"
#include "routes/common.h"
#include "routes/review_periods.h"
#include "routes/run_windows.h"

#include <stdlib.h>
#include <string.h>

static enum pg_status find_terms(struct request *r, struct account_month *m)
{
    enum pg_status status = agreed_terms_load(r->pg, m->account.provider, m->account.contract, r->begun_at, &m->agreed);
    if (status != PG_OK)
        return status;
    const struct terms_version *v = agreed_terms_in_force(&m->agreed, m->month, r->begun_at);
    if (v != NULL) {
        m->terms = v->terms;
        return PG_OK;
    }
    reply_problem(r, PROBLEM_CONFLICT, "/month",
                  "No terms are in force for this month: both parties approve some first");
    return PG_INVALID;
}

/* The version that counts for the contract: its window is the terms'. */
static enum pg_status find_submission(struct request *r, struct account_month *m)
{
    struct windows w;
    const struct closing_calendar calendar = {m->holidays, m->holiday_count, m->absences.list, m->absences.count};
    if (!windows_of_month(m->terms, m->month, &calendar, &w)) {
        reply_problem(r, PROBLEM_CONFLICT, "/month",
                      "The windows of the month cannot be computed from the terms' "
                      "calendar; the operator can load bank holidays");
        return PG_INVALID;
    }
    const struct month_cutoff cutoff = {m->month, w.freeze_at};
    return effective_submissions(r->pg, m->account.provider, m->account.contract, &cutoff, 1, r->begun_at,
                                 &m->submission);
}

enum pg_status account_month_load(struct request *r, month_t month, struct account_month *out)
{
    struct account_key account;
    request_account(r, &account);
    return account_month_load_of(r, &account, month, out);
}

enum pg_status account_month_load_of(struct request *r, const struct account_key *account, month_t month,
                                     struct account_month *out)
{
    struct account_facts facts;
    memset(out, 0, sizeof *out);
    out->month = month;
    out->account = *account;
    enum pg_status status = account_facts(r->pg, &out->account, &facts);
    if (status != PG_OK)
        return status;
    out->financial_year = facts.financial_year;
    if (month_financial_year(month) != facts.financial_year) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/month", "The contract is for the financial year %d",
                      (int)facts.financial_year);
        return PG_INVALID;
    }
    status = find_terms(r, out);
    if (status == PG_OK)
        status = request_bank_holidays(r, &out->holidays, &out->holiday_count);
    if (status == PG_OK)
        status = absences_load(r->pg, financial_year_first(facts.financial_year), r->begun_at, &out->absences);
    if (status == PG_OK)
        status = review_periods_of_month(r, account->contract, month, &out->reviews);
    return status == PG_OK ? find_submission(r, out) : status;
}

void account_month_free(struct account_month *m)
{
    absences_free(&m->absences);
    free(m->holidays);
    agreed_terms_free(&m->agreed);
}

bool account_month_clock(struct request *r, const struct account_month *m, instant_t from, int32_t days,
                         instant_t *until)
{
    date_t last;
    if (operational_day_after(m->holidays, m->holiday_count, london_date(from), days, &last)) {
        *until = london_midnight(last + 1);
        return true;
    }
    reply_problem(r, PROBLEM_CONFLICT, NULL,
                  "The clock cannot be computed: the operator loads the bank holidays of the years to come");
    return false;
}
