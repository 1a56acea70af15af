/* Which rows claim the assessment of their patient's referral: of those that claim it, one earns in the year. A row
 * claims when some account of the contract would pay for it: it is payable there, and its MHCT date has an ASSESSMENT
 * price. That is asked without regard to whose row it is, so every account of a contract finds the same first row, and
 * none but the account of that row can pay. Pure. Source: spec 3, ASSESSMENT. */
#ifndef RECKONER_DOMAIN_CLAIMING_H
#define RECKONER_DOMAIN_CLAIMING_H

#include "domain/payability.h"

struct claiming;

/* The terms in force for the month; they and reviews must outlive it. NULL: out of memory. */
struct claiming *claiming_new(const struct terms *t, const struct review_periods *reviews, month_t month);
void claiming_free(struct claiming *c);

/* Whether the terms pay for assessments in the month at all. */
bool claiming_pays(const struct terms *t, month_t month);

/* Whether the row claims. That it is an assessment of the month is the caller's to know (statistics_is_candidate). */
bool claiming_allows(const struct claiming *c, const struct activity_row *row, const struct row_marks *marks);
/* The same where everything but prices was asked already. has_days: K06 looks at its days. */
bool claiming_priced(const struct claiming *c, const struct activity_row *row, bool has_days);
/* Leaves of a row that claims what these terms look at (payability_reduce). false: it does not claim; it is as it was.
 */
bool claiming_reduce(const struct claiming *c, struct episode *row);

#endif
