/* The statistics that a settlement computes from: of one submission, as the terms of one account and month ask for
 * them.
 */
#ifndef RECKONER_WORKER_SETTLEMENT_STATISTICS_H
#define RECKONER_WORKER_SETTLEMENT_STATISTICS_H

#include "domain/activity.h"
#include "store/pg.h"

#include <stdatomic.h>

/* Of one submission. Zeroed: none. */
struct month_statistics {
    struct statistics own;                /* rows of the account's commissioner */
    struct statistics *others;            /* candidates of the other commissioners; owned */
    const struct statistics **other_list; /* each of others; owned */
    size_t other_count;
};
void month_statistics_free(struct month_statistics *m);

struct statistics_question {
    const char *provider;
    int64_t submission;
    const char *commissioner;
    month_t month;
    const struct terms *terms; /* in force for the month */
    const struct review_periods *reviews;
    const atomic_bool *lost; /* may be NULL: set when the job went to another worker; ends the reading */
};

enum statistics_loaded {
    STATISTICS_LOADED,
    STATISTICS_LOST,
    STATISTICS_STORE, /* the store failed: *status */
    STATISTICS_OUT_OF_MEMORY
};
/* *out is filled for STATISTICS_LOADED alone; free with month_statistics_free. */
enum statistics_loaded month_statistics_load(struct pg *pg, const struct statistics_question *q,
                                             struct month_statistics *out, enum pg_status *status);

#endif
