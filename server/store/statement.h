/* Signed statements of an account, chained by hash. The bytes are in store/signed_record.h. */
#ifndef RECKONER_STORE_STATEMENT_H
#define RECKONER_STORE_STATEMENT_H

#include "store/run.h"

struct statement_link {
    int64_t seq;              /* of the newest statement; 0 when there is none */
    unsigned char sha256[32]; /* of its bytes */
};
/* The end of the account's chain. Call under account_lock. */
enum pg_status statement_last(struct pg *pg, const struct account_key *account, struct statement_link *out);
/* Adds the next statement behind previous. */
enum pg_status statement_insert(struct pg *pg, const struct account_key *account, const struct statement_link *previous,
                                const char *run, const char *record);

/* Newest first, below seq `below` (0: from the top). Columns seq, id (of the signed record), run, month, type, n,
 * sha256, previous (hexadecimal), key_id, sealed_at. */
enum pg_status statement_list(struct pg *pg, const struct account_key *account, int64_t below, int64_t limit,
                              PGresult **result);
/* The same columns and contract, commissioner, for one statement by id. PG_NONE: none that the session may see. */
enum pg_status statement_view(struct pg *pg, const char *provider, const char *id, PGresult **result);

#endif
