/* Review periods that months were settled under, by digest. */
#ifndef RECKONER_STORE_KEPT_REVIEWS_H
#define RECKONER_STORE_KEPT_REVIEWS_H

#include "domain/review_periods.h"
#include "store/pg.h"

struct kept_reviews {
    struct review_periods periods;
    char sha256[65]; /* of review_periods_bytes, hexadecimal */
};

/* Names *periods by their digest. false: out of memory. */
bool kept_reviews_of(const struct review_periods *periods, struct kept_reviews *out);

/* Keeps them, unless they are kept already. */
enum pg_status reviews_keep(struct pg *pg, const struct kept_reviews *reviews);

/* out: of the months from `first` on. Those of months that are frozen for the contract are written over by what the
 * first FREEZE took. */
enum pg_status frozen_reviews(struct pg *pg, const char *provider, const char *contract, month_t first, size_t count,
                              struct kept_reviews *out);

/* Of those months that were frozen by then. */
enum pg_status frozen_reviews_as_known(struct pg *pg, const char *provider, const char *contract, month_t first,
                                       size_t count, instant_t known_at, struct kept_reviews *out);

/* The same by what a run was computed under; months without a submission stay as they are. */
enum pg_status pinned_reviews(struct pg *pg, const char *provider, const char *run, month_t first, size_t count,
                              struct kept_reviews *out);

#endif
