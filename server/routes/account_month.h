/* What holds for a month of an account at the time of a request: its terms, the calendar, the submission that counts.
 */
#ifndef RECKONER_ROUTES_ACCOUNT_MONTH_H
#define RECKONER_ROUTES_ACCOUNT_MONTH_H

#include "domain/review_periods.h"
#include "http/request.h"
#include "store/absence.h"
#include "store/agreed_terms.h"
#include "store/settlement_input.h"

struct account_month {
    struct account_key account;
    month_t month;
    int32_t financial_year;
    struct agreed_terms agreed;
    const struct terms *terms; /* in force for the month */
    date_t *holidays;          /* sorted */
    size_t holiday_count;
    struct absences absences;
    struct effective_submission submission; /* no 0: none counts */
    struct review_periods reviews;
};

/* Fills *out for the account of the path. PG_INVALID: a problem was replied (no terms, another year, no bank holidays).
 * PG_NONE: no such account. Free *out after any outcome. */
enum pg_status account_month_load(struct request *r, month_t month, struct account_month *out);
/* The same for an account by name. */
enum pg_status account_month_load_of(struct request *r, const struct account_key *account, month_t month,
                                     struct account_month *out);
void account_month_free(struct account_month *m);

/* The first instant after so many operational days (London) from the day of an instant. false: a problem was replied.
 */
bool account_month_clock(struct request *r, const struct account_month *m, instant_t from, int32_t days,
                         instant_t *until);

#endif
