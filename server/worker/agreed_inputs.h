/* What the parties agreed or decided, loaded as a position takes it. Part of worker/settlement. */
#ifndef RECKONER_WORKER_AGREED_INPUTS_H
#define RECKONER_WORKER_AGREED_INPUTS_H

#include "domain/position.h"
#include "store/run.h"

/* Zeroed: nothing was agreed. Texts of the lists live in the results. */
struct agreed_inputs {
    PGresult *rows[2];
    struct position_adjustment *adjustments;
    size_t adjustment_count;
    struct position_withhold *withholds;
    size_t withhold_count;
};

/* Fills *out with adjustments and withholds known at known_at, and source, agreement and agreed_at of the months.
 * PG_FAILED with *no_memory: memory ran out. *out may be freed after any outcome. */
enum pg_status agreed_inputs_load(struct pg *pg, const struct account_key *account, instant_t known_at,
                                  struct position_month *months, size_t count, struct agreed_inputs *out,
                                  bool *no_memory);
void agreed_inputs_free(struct agreed_inputs *in);

#endif
