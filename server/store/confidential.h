/* The sealed blocks that hold who the patients of an accepted submission are; the worker's alone. */
#ifndef RECKONER_STORE_CONFIDENTIAL_H
#define RECKONER_STORE_CONFIDENTIAL_H

#include "store/pg.h"

struct confidential_rows {
    int64_t first_row;
    int64_t rows;
    const char *sealed; /* points into result, which the caller clears */
    size_t length;
    PGresult *result;
};

/* The block that holds a row, or block 0, 1, 2 ... PG_NONE: none. */
enum pg_status confidential_block_of(struct pg *pg, const char *provider, int64_t submission, int64_t row,
                                     struct confidential_rows *out);
enum pg_status confidential_block(struct pg *pg, const char *provider, int64_t submission, int64_t block,
                                  struct confidential_rows *out);
/* Puts other bytes in the place of a block's. PG_NONE: there is no such block. */
enum pg_status confidential_block_replace(struct pg *pg, const char *provider, int64_t submission, int64_t first_row,
                                          const void *sealed, size_t length);

#endif
