#include "worker/expected_value.h"

#include <stdio.h>
#include <string.h>

/* The plan of a year is that of a position without activity at its end. */
static enum settlement_status plan_of_year(struct settlement *s, const struct terms_version *annual, int64_t *pence)
{
    struct position_month months[TERMS_MONTHS];
    struct position position;
    const struct activity_lines nothing = {0};
    month_t first = financial_year_first(s->facts.financial_year);
    memset(months, 0, sizeof months);
    for (month_t k = 0; k < TERMS_MONTHS; k++) {
        months[k].month = first + k;
        months[k].terms = agreed_terms_in_force(&s->terms, first + k, s->known_at);
        months[k].submission = months[k].sha256 = "";
    }
    const struct position_input in = {
        .provider = s->account.provider,
        .contract = s->account.contract,
        .commissioner = s->account.commissioner,
        .financial_year = s->facts.financial_year,
        .month = first + TERMS_MONTHS - 1,
        .months = months,
        .annual = annual,
        .activity = &nothing,
        .sums_alone = true,
    };
    switch (position_compute(&in, &position, s->reason)) {
    case POSITION_DONE:
        *pence = position.planned;
        position_free(&position);
        return SETTLEMENT_OK;
    case POSITION_PARKED:
        return SETTLEMENT_PARKED;
    case POSITION_OVERFLOW:
        return SETTLEMENT_FAULT;
    case POSITION_NO_MEMORY:
        break;
    }
    snprintf(s->reason, sizeof s->reason, "The worker ran out of memory. Retry the job when the machine has more.");
    return SETTLEMENT_FAULT;
}

enum settlement_status expected_value_in(struct settlement *s, month_t month, struct expected_value *out)
{
    const struct terms_version *annual = agreed_terms_in_force(&s->terms, month, s->known_at);
    *out = (struct expected_value){.terms = annual == NULL ? 0 : annual->version};
    if (annual == NULL || s->facts.shadow || !annual->terms->on_account)
        return SETTLEMENT_OK;
    out->on_account = true;
    out->pence = annual->terms->eacv_pence;
    return out->pence >= 0 ? SETTLEMENT_OK : plan_of_year(s, annual, &out->pence);
}
