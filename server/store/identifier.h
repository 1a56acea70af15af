/* Keyed hashes of the identifiers of accepted submissions (patient ids, NHS numbers), in ascending blocks; the worker's
 * alone. Immutable once written. */
#ifndef RECKONER_STORE_IDENTIFIER_H
#define RECKONER_STORE_IDENTIFIER_H

#include "store/pg.h"

#define IDENTIFIER_BLOCK_HASHES 4096

/* Loads the blocks of a submission; ended with pg_copy_end. hashes: ascending and each once, over all blocks;
 * 1 to IDENTIFIER_BLOCK_HASHES of them. */
enum pg_status identifier_copy_begin(struct pg *pg, struct pg_copy **copy);
void identifier_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t block,
                         const int64_t *hashes, size_t count);

/* Columns block, lowest of all blocks of a submission in order; *result is cleared by the caller. */
enum pg_status identifier_directory(struct pg *pg, const char *provider, int64_t submission, PGresult **result);
/* Which block of which submission. */
struct identifier_place {
    int64_t submission;
    int32_t block;
};

#define IDENTIFIER_PLACES 64 /* asked for at once: 2 MiB */

/* Hands the hashes of up to IDENTIFIER_PLACES blocks to each, with the number of their place; false from it ends the
 * reading with PG_FAILED. PG_NONE: one of them is not there. */
enum pg_status identifier_blocks(struct pg *pg, const char *provider, const struct identifier_place *places,
                                 size_t count,
                                 bool (*each)(void *context, size_t place, const int64_t *hashes, size_t count),
                                 void *context);
/* Takes one hash out of the submission's blocks, if it is there. */
enum pg_status identifier_remove(struct pg *pg, const char *provider, int64_t submission, int64_t hash);

#endif
