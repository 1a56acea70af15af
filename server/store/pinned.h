/* What a done run computed from, as it was pinned: so that its position can be computed again. */
#ifndef RECKONER_STORE_PINNED_H
#define RECKONER_STORE_PINNED_H

#include "store/settlement_input.h"

/* The submission that a run pinned for each of the months from `first` on; no 0 where it pinned none. waits is false.
 */
enum pg_status pinned_submissions(struct pg *pg, const char *provider, const char *run, month_t first, size_t count,
                                  struct effective_submission *out);

/* The run that last found a position for the month of an account, previews left aside: the one whose document
 * run_last_position names. PG_NONE: none did. */
enum pg_status pinned_last_run(struct pg *pg, const struct account_key *account, month_t month, char run[IDENT_SIZE]);

/* The position document that a done run found for a month, its own or another: columns sha256 and body. PG_NONE: it
 * found none. */
enum pg_status pinned_position(struct pg *pg, const char *provider, const char *run, month_t month, PGresult **result);

#endif
