/* Decisions on single rows, re-attribution and open challenges, applied to the activity of the months read. Part of
 * worker/settlement. */
#ifndef RECKONER_WORKER_ROW_INPUTS_H
#define RECKONER_WORKER_ROW_INPUTS_H

#include "domain/bridge.h"
#include "store/settlement_input.h"

/* Acts applied to the rows of some submissions. Zeroed: nothing changes. */
struct row_changes {
    PGresult *episodes;
    struct bridge_changes decided;   /* decisions and re-attribution alone */
    struct bridge_changes *counters; /* for each open challenge: decisions, and counter-calculations up to it */
    size_t counter_count;
    struct position_decision *decisions; /* those that hold for the rows, in order of month, then digest */
    size_t decision_count;
};

/* Zeroed: no row was ever challenged or moved. */
struct row_inputs {
    PGresult *decided; /* what is known of decisions, re-attribution and open challenges */
    PGresult *moved;
    PGresult *open;
    PGresult *countered;
    struct row_changes changes;            /* on the rows of the months read */
    struct position_challenge *challenges; /* in order of number; countered points into lines, once valued */
    month_t *challenge_month;
    size_t challenge_count;
    struct activity_lines *lines; /* one for each challenge; none until valued */
};

void row_changes_free(struct row_changes *changes);
void row_inputs_free(struct row_inputs *in);
/* The rest is in worker/settlement.h, which knows what is being settled. */

#endif
