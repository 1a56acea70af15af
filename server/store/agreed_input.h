/* What the parties of an account agreed or decided that a position rests on, as known at an instant. Results are the
 * caller's to clear. */
#ifndef RECKONER_STORE_AGREED_INPUT_H
#define RECKONER_STORE_AGREED_INPUT_H

#include "store/run.h"

/* Agreed adjustments in order of n: columns n, month, pence, label, in_cquin, reverses (0: none), agreed_at. */
enum pg_status agreed_adjustments(struct pg *pg, const struct account_key *account, instant_t known_at,
                                  PGresult **result);
/* What months without activity count as, the one agreed last of each month, in order of month: columns month, n,
 * estimate, agreed_at. */
enum pg_status agreed_months(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result);
/* Withholds imposed, in order of month and id: columns month, id, imposed_at, decision (null while open), pence, n,
 * decided_at. */
enum pg_status imposed_withholds(struct pg *pg, const struct account_key *account, instant_t known_at,
                                 PGresult **result);

#endif
