/* The assessment of each patient and referral that earns: the first by MHCT date, then episode id. Memory is one record
 * per patient and referral, whatever the number of rows. Source: spec of settlement, ASSESSMENT. */
#ifndef RECKONER_DOMAIN_ASSESSMENTS_H
#define RECKONER_DOMAIN_ASSESSMENTS_H

#include "base/date.h"

#define ASSESSMENT_EPISODE_SIZE 21

struct assessment {
    uint8_t patient[16];
    date_t referral; /* referral date, or the MHCT date when there is none */
    date_t mhct_date;
    month_t month;
    int32_t service; /* the caller's numbering of services in that month */
    int16_t cluster;
    int32_t row_no; /* of its file */
    bool other;     /* of another commissioner's row, or not payable for this one: it earns nothing here */
    char episode_id[ASSESSMENT_EPISODE_SIZE];
};

struct assessments;

/* expected: how many patients and referrals there will be about. NULL: out of memory. */
struct assessments *assessments_new(size_t expected);
void assessments_free(struct assessments *s);
/* Offers a candidate; it is kept if it is the first so far. a->episode_id is filled from episode_id (at most 20 bytes).
 * false: out of memory, or the id is too long. */
bool assessments_offer(struct assessments *s, const struct assessment *a, const char *episode_id);
/* The one that earns, or NULL. */
const struct assessment *assessments_find(const struct assessments *s, const uint8_t patient[16], date_t referral);
/* How many earn, those of other commissioners' rows included. */
size_t assessments_count(const struct assessments *s);
/* Each in turn, in no particular order: start with *place = 0; NULL at the end. */
const struct assessment *assessments_next(const struct assessments *s, size_t *place);

#endif
