/* What a submission means under the terms: findings that depend on them, severities they change, amounts at stake.
 * Written anew by each evaluation, in one transaction. */
#ifndef RECKONER_STORE_EVALUATION_H
#define RECKONER_STORE_EVALUATION_H

#include "store/pg.h"

/* Accounts of the provider for the month's year, by contract and commissioner: columns contract, commissioner, and
 * version, digest (hexadecimal) and body of the terms in force for the month as known at an instant; null when there
 * are none. */
enum pg_status evaluation_accounts(struct pg *pg, const char *provider, month_t month, instant_t known_at,
                                   PGresult **result);
/* Begins a new evaluation at an instant: removes severities, stakes and the findings of those before, but for the last
 * evaluation of each earlier day, and counts. *evaluation is the new one's number. */
enum pg_status evaluation_begin(struct pg *pg, const char *provider, int64_t submission, instant_t at,
                                int64_t *evaluation);
enum pg_status evaluation_add_severity(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                                       const char *commissioner, const char *rule, const char *severity);
/* W01: findings for the rows of a commissioner that differ from those of the submission that its contract uses; all of
 * them when used is 0. aside: rules that do not count, one bit each (rule.bit), as a row may fail them for what was
 * sent for another month. */
enum pg_status evaluation_add_unused(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                                     const char *commissioner, int64_t used, uint64_t aside);

#endif
