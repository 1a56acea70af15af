/* Commitments to the rows of accepted submissions (api/formats/rows.md). Immutable once committed. */
#ifndef RECKONER_STORE_ROW_TREE_H
#define RECKONER_STORE_ROW_TREE_H

#include "domain/episode.h"
#include "store/pg.h"

#define ROW_TREE_HASH 32

struct row_tree_root {
    int64_t rows;
    uint8_t root[ROW_TREE_HASH];
};

/* A block as it is stored: entries holds 56 bytes for each row (proof/row_tree.h). */
struct row_tree_part {
    int64_t block;
    int64_t rows;
    int32_t first_row;
    int32_t last_row;
    const uint8_t *entries; /* borrowed */
    const uint8_t *root;    /* ROW_TREE_HASH bytes, borrowed */
};

/* Waits in the open transaction until no other worker makes trees of the submission. */
enum pg_status row_tree_lock(struct pg *pg, const char *provider, int64_t submission);
/* PG_NONE: it has not been made. */
enum pg_status row_tree_get(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                            struct row_tree_root *out);
/* The same by the id of the submission. */
enum pg_status row_tree_of(struct pg *pg, const char *provider, const char *submission, const char *commissioner,
                           struct row_tree_root *out);
/* Column commissioner: those with an account of the submission's year whose tree has not been made. */
enum pg_status row_tree_missing(struct pg *pg, const char *provider, int64_t submission, PGresult **result);
/* In the transaction of the tree, and before it: the tree comes behind its blocks. */
enum pg_status row_tree_insert_block(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                     const struct row_tree_part *part);
enum pg_status row_tree_insert(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                               const struct row_tree_root *tree);

/* The block that holds a row, which the commissioner's tree may still be without. part points into *result, cleared by
 * the caller. PG_NONE: none that the session may see. */
enum pg_status row_tree_block_of(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                 int32_t row_no, struct row_tree_part *part, PGresult **result);
/* The same by its number. */
enum pg_status row_tree_block(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              int64_t block, struct row_tree_part *part, PGresult **result);
/* The roots of all blocks in order, ROW_TREE_HASH bytes each; *roots is freed by the caller. */
enum pg_status row_tree_block_roots(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                    uint8_t **roots, size_t *count);

/* Whether uploads wait for a worker: due to be validated, or arriving and large enough to be read along. */
enum pg_status row_tree_gives_way(struct pg *pg, bool *out);

/* Each tree there is, of one provider and month or (NULL, -1) all: for whoever holds them against the rows. */
struct row_tree_place {
    const char *provider;
    int64_t submission;
    month_t month;
    int64_t version;
    const char *commissioner;
    struct row_tree_root tree;
};
enum pg_status row_tree_each(struct pg *pg, const char *provider, month_t month,
                             bool (*each)(void *context, const struct row_tree_place *place), void *context);
/* Rows of the commissioner in the submission. */
enum pg_status row_tree_count_rows(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                   int64_t *rows);
#endif
