/* Review periods by cluster, for what looks at the review of a row. */
#ifndef RECKONER_ROUTES_REVIEW_PERIODS_H
#define RECKONER_ROUTES_REVIEW_PERIODS_H

#include "domain/review_periods.h"
#include "http/request.h"
#include "store/pg.h"

/* dir: the reference files that came with the service. PG_FAILED: missing or unreadable, which is a fault of the
 * installation. */
enum pg_status review_periods_load(struct pg *pg, const char *dir, struct review_periods *out);
/* Those that hold for a month of a contract: as it was frozen, else those in use. */
enum pg_status review_periods_of_month(struct request *r, const char *contract, month_t month,
                                       struct review_periods *out);

#endif
