/* Public signing keys and their validity. */
#ifndef RECKONER_STORE_SIGNING_KEY_H
#define RECKONER_STORE_SIGNING_KEY_H

#include "signing/public_key.h"
#include "store/administration.h"

/* Columns key, public_key (bytea), valid_from, valid_to, lost; newest first. id NULL: all. */
enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result);

/* Records the very first key on its first use, valid from that instant on; every later one is introduced. A key id that
 * is known with another key stays as it is: signed_record_insert refuses it. PG_REFUSED: others are known, this one is
 * not. */
enum pg_status signing_key_present(struct pg *pg, const struct public_key *key, instant_t at);

/* By the operator, with the audit event. PG_DUPLICATE: the id or the key is known. */
enum pg_status signing_key_introduce(struct pg *pg, const struct admin_act *act, const struct public_key *key,
                                     instant_t valid_from);
/* Signatures from `at` on count no longer. lost: others may have the key. PG_NONE: no such key. PG_INVALID: it begins
 * later, or ended earlier. */
enum pg_status signing_key_end(struct pg *pg, const struct admin_act *act, const char *id, instant_t at, bool lost);

#endif
