#include "domain/expected_value.h"

#include <string.h>

/* The plan of a year is that of a position without activity at its end. */
static enum position_status plan_of_year(const struct expected_value_input *in, const struct terms_version *annual,
                                         int64_t *pence, char *reason)
{
    struct position_month months[TERMS_MONTHS];
    struct position position;
    const struct activity_lines nothing = {0};
    month_t first = financial_year_first(in->financial_year);
    memset(months, 0, sizeof months);
    for (month_t k = 0; k < TERMS_MONTHS; k++) {
        months[k].month = first + k;
        months[k].terms = terms_in_force(in->versions, in->version_count, first + k, in->known_at);
        months[k].submission = months[k].sha256 = "";
    }
    const struct position_input question = {
        .provider = in->provider,
        .contract = in->contract,
        .commissioner = in->commissioner,
        .financial_year = in->financial_year,
        .month = first + TERMS_MONTHS - 1,
        .months = months,
        .annual = annual,
        .activity = &nothing,
        .sums_alone = true,
    };
    enum position_status status = position_compute(&question, &position, reason);
    if (status != POSITION_DONE)
        return status;
    *pence = position.planned;
    position_free(&position);
    return POSITION_DONE;
}

enum position_status expected_value_compute(const struct expected_value_input *in, month_t month,
                                            struct expected_value *out, char *reason)
{
    const struct terms_version *annual = terms_in_force(in->versions, in->version_count, month, in->known_at);
    *out = (struct expected_value){.terms = annual == NULL ? 0 : annual->version};
    if (annual == NULL || in->shadow || !annual->terms->on_account)
        return POSITION_DONE;
    out->on_account = true;
    out->pence = annual->terms->eacv_pence;
    return out->pence >= 0 ? POSITION_DONE : plan_of_year(in, annual, &out->pence, reason);
}
