/* Column mappings that trusts saved, version by version (domain/column_mapping.h says what is in one). */
#ifndef RECKONER_STORE_SAVED_MAPPING_H
#define RECKONER_STORE_SAVED_MAPPING_H

#include "store/pg.h"

/* The newest version: columns version, body (null: withdrawn), made_by, made_at (microseconds). PG_NONE: there never
 * was one. The caller clears *result. */
enum pg_status saved_mapping_newest(struct pg *pg, const char *provider, PGresult **result);
/* The same of one version. */
enum pg_status saved_mapping_version(struct pg *pg, const char *provider, int64_t version, PGresult **result);
/* Adds a version; body NULL withdraws. PG_DUPLICATE: somebody else was quicker. */
enum pg_status saved_mapping_add(struct pg *pg, const char *provider, int64_t version, const char *body,
                                 const char *person, instant_t at);

#endif
