/* Public signing keys and their validity. */
#ifndef RECKONER_STORE_SIGNING_KEY_H
#define RECKONER_STORE_SIGNING_KEY_H

#include "signing/public_key.h"
#include "store/administration.h"

/* Columns key, public_key (bytea), valid_from, valid_to, lost; newest first. id NULL: all. */
enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result);

/* Records the very first key, valid from that instant on; every later one is introduced by the operator. Where a key is
 * known already, whichever, nothing changes. */
enum pg_status signing_key_first(struct pg *pg, const struct public_key *key, instant_t at);

/* By the operator, with the audit event. PG_DUPLICATE: the id or the key is known. */
enum pg_status signing_key_introduce(struct pg *pg, const struct admin_act *act, const struct public_key *key,
                                     instant_t valid_from);
/* Signatures from `at` on count no longer. lost: others may have the key. PG_NONE: no such key. PG_INVALID: it begins
 * later, or ended earlier. */
enum pg_status signing_key_end(struct pg *pg, const struct admin_act *act, const char *id, instant_t at, bool lost);

#endif
