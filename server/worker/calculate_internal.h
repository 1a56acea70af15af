/* Shared by the files that make calculations; nobody else includes it. */
#ifndef RECKONER_WORKER_CALCULATE_INTERNAL_H
#define RECKONER_WORKER_CALCULATE_INTERNAL_H

#include "worker/settlement_bridge.h"

struct calculating {
    json_t *request;
    const char *terms;   /* that are tried out, canonical JSON; NULL but for what_if */
    struct settlement s; /* open */
    json_t *result;
};

/* Each fills x->result for SETTLEMENT_OK; otherwise x->s says what happened. */
enum settlement_status calculate_bridge(struct calculating *x);
enum settlement_status calculate_forecast(struct calculating *x);
enum settlement_status calculate_what_if(struct calculating *x);
/* As known on a day: the answer is the position document itself. */
enum settlement_status calculate_position(struct calculating *x);

enum settlement_status calculate_no_memory(struct calculating *x);
/* A member of the request that the API has checked: a month. */
month_t calculate_month(const json_t *object, const char *name, month_t otherwise);

#endif
