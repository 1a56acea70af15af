#include "domain/cost_neutral.h"

__extension__ typedef __int128 wide_t;

static bool within(int64_t cv, const struct cost_neutral_line *line, size_t count)
{
    bool fine = cv >= 0 && cv <= COST_NEUTRAL_MAX_CV && count <= COST_NEUTRAL_MAX_LINES;
    for (size_t i = 0; fine && i < count; i++) {
        fine = line[i].caseload >= 0 && line[i].caseload <= COST_NEUTRAL_MAX_CASELOAD && line[i].rri_ppm >= 0 &&
               line[i].rri_ppm <= COST_NEUTRAL_MAX_RRI;
    }
    return fine;
}

/* cv * rri < 2^44 * 2^30, weights < 2^7 * 2^30 * 2^30: everything fits in 128 bits. A price is at most cv * rri. */
enum cost_neutral_status cost_neutral_prices(int64_t cv, struct cost_neutral_line *line, size_t count,
                                             int64_t *residual)
{
    wide_t weights = 0;
    wide_t sum = 0;
    struct cost_neutral_line made[COST_NEUTRAL_MAX_LINES];
    if (!within(cv, line, count)) {
        return COST_NEUTRAL_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        weights += (wide_t)line[i].caseload * line[i].rri_ppm;
    }
    if (weights == 0) {
        return COST_NEUTRAL_NOTHING;
    }
    for (size_t i = 0; i < count; i++) {
        wide_t share = (wide_t)cv * line[i].rri_ppm;
        wide_t price = share / weights + (share % weights >= weights - share % weights ? 1 : 0);
        if (price > INT64_MAX || price * line[i].caseload > INT64_MAX) {
            return COST_NEUTRAL_LIMIT;
        }
        made[i] = line[i];
        made[i].price = (int64_t)price;
        made[i].value = (int64_t)(price * line[i].caseload);
        sum += made[i].value;
    }
    if (cv - sum > INT64_MAX || cv - sum < INT64_MIN) {
        return COST_NEUTRAL_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        line[i] = made[i];
    }
    *residual = (int64_t)(cv - sum);
    return COST_NEUTRAL_DONE;
}
