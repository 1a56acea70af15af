/* Numbered migrations. Only `reckoner migrate` applies them; the servers check at start that the database has exactly
 * those that they were built with. */
#ifndef RECKONER_STORE_MIGRATE_H
#define RECKONER_STORE_MIGRATE_H

#include "base/date.h"
#include "store/pg.h"

struct migrate_result {
    int applied;       /* migrations applied by this call */
    int version;       /* of the database afterwards */
    char problem[600]; /* on failure: a sentence with the migration's name and the remedy; else "" */
};

/* Applies the migrations of a folder (files NNNN_name.sql, numbered from 0001; a number may be left out) that the
 * database has not yet, each in one transaction with its row in reckoner.schema_migration, then brings the table of
 * rules up to date. now: product clock, recorded. Two at once: the second waits for the first, up to the lock timeout.
 * Refuses, with nothing done, when a migration that was applied has changed or is missing from the folder, when one
 * comes before what was applied, or when two have one number. What was applied before a failing migration stays.
 * PG_INVALID: see problem; other failures also fill it. */
enum pg_status migrate_apply(struct pg *pg, const char *folder, instant_t now, struct migrate_result *result);

/* Whether the database has exactly the migrations the program was built with. false: problem (size bytes) says which
 * differs and what to do. */
bool migrate_check(struct pg *pg, char *problem, size_t size);

#endif
