/* Public signing keys and their validity. */
#ifndef RECKONER_STORE_SIGNING_KEY_H
#define RECKONER_STORE_SIGNING_KEY_H

#include "signing/public_key.h"
#include "store/pg.h"

/* Columns key, public_key (bytea), valid_from, valid_to; newest first. id NULL: all. */
enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result);

/* Records the key on its first use, valid from that instant on. A key id that is known with another key stays as it is:
 * signed_record_insert refuses it. */
enum pg_status signing_key_present(struct pg *pg, const struct public_key *key, instant_t at);

#endif
