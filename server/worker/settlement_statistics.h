/* The statistics that a settlement computes from, as the terms of an account ask for them: read as validation stored
 * them, or made from the rows where the terms look at single rows or none are stored. */
#ifndef RECKONER_WORKER_SETTLEMENT_STATISTICS_H
#define RECKONER_WORKER_SETTLEMENT_STATISTICS_H

#include "domain/activity.h"
#include "store/pg.h"

#include <stdatomic.h>

/* Of one month. Zeroed: none. */
struct month_statistics {
    bool loaded;
    struct statistics own;                /* rows of the account's commissioner */
    struct statistics *others;            /* candidates of the other commissioners; owned */
    const struct statistics **other_list; /* each of others; owned */
    size_t other_count;
};
void month_statistics_free(struct month_statistics *m);

struct statistics_month {
    month_t month;
    int64_t submission;
    const struct terms *terms; /* in force for the month */
    const struct review_periods *reviews;
};

struct statistics_question {
    const char *provider;
    const char *commissioner;
    const atomic_bool *lost; /* may be NULL: set when the job went to another worker; ends the reading */
    const struct statistics_month *months;
    size_t count; /* at most TERMS_MONTHS */
};

enum statistics_loaded {
    STATISTICS_LOADED,
    STATISTICS_LOST,
    STATISTICS_STORE,  /* the store failed: *status */
    STATISTICS_BROKEN, /* what is stored cannot be read */
    STATISTICS_OUT_OF_MEMORY
};
/* out: one for each month of the question, zeroed; to be freed with month_statistics_free after any outcome. */
enum statistics_loaded month_statistics_load(struct pg *pg, const struct statistics_question *q,
                                             struct month_statistics *out, enum pg_status *status);

#endif
