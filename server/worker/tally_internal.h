/* What tally.c and tally_practice.c share. */
#ifndef RECKONER_WORKER_TALLY_INTERNAL_H
#define RECKONER_WORKER_TALLY_INTERNAL_H

#include "check/spool.h"
#include "worker/tally.h"

struct tally_row {
    int64_t pence;
    int32_t row_no;
    bool known;
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3];
    uint8_t patient[16];
};

struct tally {
    struct worker *w;
    const struct submission *s;
    struct journal *rows; /* struct tally_row */
    size_t count;
    int32_t last_row;
    uint64_t *rules; /* by row_no: the bits of its findings */
    bool broken;
};

/* Calls each for every row that has a finding, in the order in which they came; it returns false to stop. false:
 * stopped, or the spool cannot be read (broken). */
bool tally_each(struct tally *t, bool (*each)(void *context, const struct tally_row *row), void *context);

/* tally_stretch.c; behind tally_count */
enum pg_status tally_stretches(struct tally *t);
/* tally_rank.c; behind tally_count */
enum pg_status tally_ranks(struct tally *t);
/* tally_practice.c */
enum pg_status tally_practices(struct tally *t);

#endif
