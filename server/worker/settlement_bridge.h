/* Bridges between positions of one account that runs have found, or that an open settlement finds now: what each was
 * computed from is read again as it was pinned. */
#ifndef RECKONER_WORKER_SETTLEMENT_BRIDGE_H
#define RECKONER_WORKER_SETTLEMENT_BRIDGE_H

#include "domain/bridge.h"
#include "worker/settlement.h"

/* One of the two positions. */
struct bridge_end {
    const char *run;        /* the done run that found it; NULL: the settlement itself, after settlement_read */
    month_t month;          /* for a run: its own, or one of those that it found beside */
    const json_t *document; /* the position document of that month */
};

/* Statistics and makers that several bridges of one settlement share, such as those of each month that a variation
 * changed. Free it before the settlement is closed. NULL: out of memory. */
struct bridge_cache;
struct bridge_cache *bridge_cache_new(void);
void bridge_cache_free(struct bridge_cache *c);

/* The bridge from one position to the other. s is open, with terms known at the later of the two runs or after; its
 * own status, reason and store_status are set on failure. *out is filled for SETTLEMENT_OK alone; free with
 * bridge_free. Statistics are read for the months whose submissions or terms differ. */
enum settlement_status settlement_bridge(struct settlement *s, struct bridge_cache *cache,
                                         const struct bridge_end *older, const struct bridge_end *newer,
                                         struct bridge *out);
/* The same to s from another settlement of the account that was read, such as one under other terms: neither end names
 * a run. `from` must outlive the cache. */
enum settlement_status settlement_bridge_from(struct settlement *s, const struct settlement *from,
                                              struct bridge_cache *cache, const struct bridge_end *older,
                                              const struct bridge_end *newer, struct bridge *out);

#endif
