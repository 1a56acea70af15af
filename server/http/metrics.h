/* Counters of the listener, shown at /metrics in the Prometheus text format. */
#ifndef RECKONER_HTTP_METRICS_H
#define RECKONER_HTTP_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_ROUTES  96 /* index METRICS_ROUTES - 1: no route matched */
#define METRICS_CLASSES 6  /* cut off, 1xx .. 5xx */
#define METRICS_BUCKETS 12 /* the last is open */

struct metrics {
    atomic_llong requests[METRICS_ROUTES][METRICS_CLASSES];
    atomic_llong buckets[METRICS_BUCKETS];
    atomic_llong microseconds;
    atomic_llong received_bytes;
    atomic_llong sent_bytes;
    atomic_llong slow;
    atomic_llong uploads_cut;
    atomic_llong overloaded;
    atomic_llong withheld;
};

/* status 0: the request was cut off before it was answered. */
void metrics_count(struct metrics *m, unsigned route, int status, int64_t microseconds, int64_t received, int64_t sent);

struct metrics_gauges {
    int64_t exchanges;
    int64_t uploads;
    int64_t queue_depth;
    int64_t json_bytes;
    int64_t database_away;
};
/* Appends the whole page. names: operation of each route, ended by NULL. */
bool metrics_write(const struct metrics *m, const struct metrics_gauges *g, const char *const *names, struct buf *out);

#endif
