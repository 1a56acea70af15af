/* The bridges of a run that raised itself: for each settled month whose lines it changed, why, from the position found
 * last before to the one it found. Made before anything of the run is written. */
#ifndef RECKONER_WORKER_RUN_BRIDGES_H
#define RECKONER_WORKER_RUN_BRIDGES_H

#include "worker/settle.h"

struct made_bridge {
    month_t month;
    unsigned char from_sha256[32];
    int64_t from_pence;
    int64_t to_pence;
    json_t *bridge; /* as api/formats/bridge.md; NULL: the causes could not be told apart */
    char *bytes;    /* the same, canonical; NULL with it */
    size_t length;
};

struct run_bridges {
    struct made_bridge made[TERMS_MONTHS];
    size_t count;
};

/* own is the run's position, other[k] that of a later settled month (k 0 = April; bytes NULL: none). Failures are left
 * in work->settlement. A bridge that cannot be computed, from positions of an engine that is gone for example, does not
 * hold up the money: it has the one cause "not_told_apart". Free in every case. */
enum settlement_status run_bridges_make(struct run_work *work, const struct account_position other[TERMS_MONTHS],
                                        struct run_bridges *out);
/* sha256_of gives the digest of the position that the run stored for a month. */
enum pg_status run_bridges_write(const struct run_work *work, const struct run_bridges *bridges,
                                 const unsigned char *(*sha256_of)(const void *context, month_t month),
                                 const void *context);
/* What the statement says of them: month, from_sha256, from_pence, to_pence and steps of cause and pence. New
 * reference; NULL: out of memory. */
json_t *run_bridges_told(const struct run_bridges *bridges);
void run_bridges_free(struct run_bridges *bridges);

#endif
