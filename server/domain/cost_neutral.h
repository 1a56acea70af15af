/* Cost-neutral prices: a contract value shared out over clusters by caseload and relative resource intensity, so that
 * the planned caseload at these prices comes to the contract value, but for a named residual. Pure. Source: spec 3,
 * last section. */
#ifndef RECKONER_DOMAIN_COST_NEUTRAL_H
#define RECKONER_DOMAIN_COST_NEUTRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COST_NEUTRAL_MAX_LINES    110                     /* 22 clusters on 5 bases */
#define COST_NEUTRAL_MAX_CV       INT64_C(10000000000000) /* pence */
#define COST_NEUTRAL_MAX_CASELOAD INT64_C(1000000000)
#define COST_NEUTRAL_MAX_RRI      INT64_C(1000000000) /* ppm: 1,000 times the mean */

struct cost_neutral_line {
    int64_t caseload; /* units to be priced: days, periods, assessments; 0 .. COST_NEUTRAL_MAX_CASELOAD */
    int64_t rri_ppm;  /* relative resource intensity of a unit; 0 .. COST_NEUTRAL_MAX_RRI */
    int64_t price;    /* out: round(CV * RRI / sum(caseload * RRI)), half away from zero, pence */
    int64_t value;    /* out: price * caseload */
};

enum cost_neutral_status {
    COST_NEUTRAL_DONE,
    COST_NEUTRAL_NOTHING, /* sum(caseload * RRI) is 0: nothing to share out over */
    COST_NEUTRAL_LIMIT    /* an input outside its limits, or a value beyond 64 bits */
};

/* Fills price and value of each line, and residual = cv - sum(price * caseload). Nothing is written but for DONE. */
enum cost_neutral_status cost_neutral_prices(int64_t cv, struct cost_neutral_line *line, size_t count,
                                             int64_t *residual);

#endif
