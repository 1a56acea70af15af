/* What each single row adds to the activity lines of a position, decisions and re-attributions included: the rows add
 * up to the lines. Rows are shown twice: first all of them claim their assessments, of which the first of a referral
 * earns; then each can be asked. Pure. */
#ifndef RECKONER_DOMAIN_ROW_WORTH_H
#define RECKONER_DOMAIN_ROW_WORTH_H

#include "domain/activity.h"

struct row_worth;

enum row_worth_status { ROW_WORTH_DONE, ROW_WORTH_NO_MEMORY, ROW_WORTH_OVERFLOW };

/* Of the months and changes of in, which it borrows; the statistics of its months are not looked at. A change is of the
 * row of its month with its row_no. NULL: out of memory. */
struct row_worth *row_worth_new(const struct activity_input *in);
void row_worth_free(struct row_worth *w);

/* A row of the account in a month of the input; rows moved in or out by a change too. */
enum row_worth_status row_worth_claim(struct row_worth *w, month_t month, const struct episode *row);

/* What a row adds: days, periods, and the assessment if it earns it. 0 when it is not payable or not the account's. */
enum row_worth_status row_worth_value(const struct row_worth *w, month_t month, const struct episode *row,
                                      int64_t *pence);

/* The cluster that counts of a row: as decided, otherwise as sent. out holds 3 bytes. */
void row_worth_cluster(const struct row_worth *w, month_t month, const struct episode *row, char out[3]);

/* What somebody who looked at the record says instead of what counts. */
struct row_judgement {
    int16_t cluster;      /* -1: as it counts */
    int32_t payable_days; /* of its days in the month the earliest so many; -1: as it counts. Not of assessments */
    bool not_payable;     /* nothing of it; false: as it counts */
};
/* What the row would add, the other rows as they are. An assessment counts if the row earns it as it is, or if no row
 * does that claims the referral; not if it claims by the judgement alone and another account has one of it. */
enum row_worth_status row_worth_judged(const struct row_worth *w, month_t month, const struct episode *row,
                                       const struct row_judgement *judgement, int64_t *pence);

#endif
