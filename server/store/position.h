/* Position documents by digest. */
#ifndef RECKONER_STORE_POSITION_H
#define RECKONER_STORE_POSITION_H

#include "store/run.h"

/* Stores a document and returns its SHA-256; one that is there already is fine: same inputs, same bytes. */
enum pg_status position_store(struct pg *pg, const char *provider, const char *body, size_t length,
                              unsigned char sha256[32]);
/* Columns body and sha256 (hexadecimal). PG_NONE: none such. */
enum pg_status position_get(struct pg *pg, const char *provider, const unsigned char sha256[32], PGresult **result);
/* The document of a run's own month, columns as above. PG_NONE: no such run that the session may see, or not done. */
enum pg_status position_of_run(struct pg *pg, const char *provider, const char *run, PGresult **result);

#endif
