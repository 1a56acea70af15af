/* Public signing keys and their validity. */
#ifndef RECKONER_STORE_SIGNING_KEY_H
#define RECKONER_STORE_SIGNING_KEY_H

#include "store/pg.h"

/* Columns key, public_key (bytea), valid_from, valid_to; newest first. id NULL: all. */
enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result);

#endif
