/* D09 across providers: two providers report days of one patient in the same month. Each accepted submission leaves one
 * record behind for each row with a valid NHS number, days in the month and no ERROR by default; rows
 * of assessments alone leave none. NHS numbers enter as keyed hashes common to all providers. Pure. Source: spec 2,
 * Dates. */
#ifndef RECKONER_DOMAIN_OVERLAP_H
#define RECKONER_DOMAIN_OVERLAP_H

#include "base/date.h"

/* Records lie in blocks by the hash, so that all providers' records of one patient are in blocks of one partition. */
#define OVERLAP_PARTITIONS 64

struct overlap_record {
    uint64_t nhs; /* keyed hash of the NHS number */
    uint32_t row_no;
    uint32_t days; /* bit d - 1: day d of the month is in the cluster */
};

/* As stored, little-endian: 0 nhs 8 · 8 row_no 4 · 12 days 4. */
#define OVERLAP_RECORD_SIZE 16
void overlap_encode(const struct overlap_record *record, uint8_t out[OVERLAP_RECORD_SIZE]);
void overlap_decode(struct overlap_record *out, const uint8_t bytes[OVERLAP_RECORD_SIZE]);

unsigned overlap_partition(uint64_t nhs);
/* The days of [start, end) in the month; end DATE_NONE: open. 0 when there are none, or start is DATE_NONE. */
uint32_t overlap_days(date_t start, date_t end, month_t month);

struct overlap_row {
    struct overlap_record record;
    uint32_t provider; /* the caller's numbering */
};

/* All rows of whole partitions, of one month and of each provider's current submission; puts them in another order.
 * Tells, in no particular order, each row that shares a day with a row of another provider. false: out of memory (it
 * needs as much again). */
bool overlap_check(struct overlap_row *rows, size_t count,
                   void (*found)(void *context, uint32_t provider, uint32_t row_no), void *context);

#endif
