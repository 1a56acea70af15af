#include "worker/expected_value.h"

#include <stdio.h>

enum settlement_status expected_value_in(struct settlement *s, month_t month, struct expected_value *out)
{
    const struct expected_value_input in = {
        .provider = s->account.provider,
        .contract = s->account.contract,
        .commissioner = s->account.commissioner,
        .financial_year = s->facts.financial_year,
        .shadow = s->facts.shadow,
        .versions = s->terms.version,
        .version_count = s->terms.count,
        .known_at = s->known_at,
    };
    switch (expected_value_compute(&in, month, out, s->reason)) {
    case POSITION_DONE:
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
