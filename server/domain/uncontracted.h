/* Rows that no contract covers (C04), by commissioner, with their value at reference prices. Pure; bounded by the
 * commissioners that exist, as rows with an unknown one fail C02 and are not counted. */
#ifndef RECKONER_DOMAIN_UNCONTRACTED_H
#define RECKONER_DOMAIN_UNCONTRACTED_H

#include "domain/episode.h"
#include "domain/reference.h"

/* Further commissioners than this are refused as a failure of the caller's: there are some hundreds in the country. */
#define UNCONTRACTED_MAXIMUM 2000

struct uncontracted_line {
    char commissioner[EPISODE_CODE_SIZE];
    bool terms_missing; /* there is a contract, without approved terms for the month */
    int64_t rows;
    int64_t days; /* of the month */
    int64_t admitted_days;
    int64_t pence;         /* of the days at reference prices */
    int64_t unpriced_rows; /* of a cluster without a reference price; they add nothing to pence */
};

struct uncontracted {
    struct uncontracted_line *lines; /* owned */
    size_t count;
    size_t room;
    size_t last; /* where the last row went: neighbours are often alike */
};

void uncontracted_init(struct uncontracted *u);
void uncontracted_free(struct uncontracted *u);
/* Adds a row that fails C04. Rows that could not be paid for under any terms (row->failed) are passed over. false: out
 * of memory, or beyond the maximum. */
bool uncontracted_add(struct uncontracted *u, const struct reference *reference, month_t month,
                      const struct episode *row, bool terms_missing);

#endif
