/* Review periods by cluster from the reference data in use, for what looks at the review of a row. */
#ifndef RECKONER_ROUTES_REVIEW_PERIODS_H
#define RECKONER_ROUTES_REVIEW_PERIODS_H

#include "domain/valuation.h"
#include "store/pg.h"

/* dir: the reference files that came with the service. PG_FAILED: missing or unreadable, which is a fault of the
 * installation. */
enum pg_status review_periods_load(struct pg *pg, const char *dir, struct review_periods *out);

#endif
