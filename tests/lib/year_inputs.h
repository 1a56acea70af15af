/* Parts of a contract-year as the engine takes them, for what settles or bridges it. */
#ifndef RECKONER_TESTS_YEAR_INPUTS_H
#define RECKONER_TESTS_YEAR_INPUTS_H

#include "lib/contract_year.h"

#define YEAR_CHANGES (YEAR_MANY * 4)

/* What is known of the year at an instant. */
struct year_known {
    struct position_month month[TERMS_MONTHS];
    struct position_achievement achievement[YEAR_MANY];
    struct position_adjustment adjustment[YEAR_MANY];
    struct position_withhold withhold[YEAR_MANY];
    struct position_decision decision[YEAR_MANY];
    char decided_sha256[YEAR_MANY][65];
    struct position_challenge challenge[YEAR_MANY]; /* without what they counter */
};

/* Input of position(m) but its activity; its lists point into *known, which must be zeroed. */
struct position_input year_input(const struct contract_year *y, month_t m, instant_t known_at,
                                 struct year_known *known);

/* The statistics of a month's rows under these terms: those of the account, and the candidates of the other
 * commissioner. shuffle: the order of the rows. Free both. */
void year_statistics(const struct contract_year *y, size_t k, const struct terms *t, uint64_t shuffle,
                     struct statistics out[2]);

/* The changes of rows to month m known at an instant, with the first so many open challenges countered; at most
 * YEAR_CHANGES, returns how many. */
size_t year_row_changes(const struct contract_year *y, month_t m, instant_t known_at, size_t countered,
                        struct row_change *out);

#endif
