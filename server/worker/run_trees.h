/* The commitments to rows that a statement states: of the account's own commissioner, and of each one that rows of the
 * month were moved from. */
#ifndef RECKONER_WORKER_RUN_TREES_H
#define RECKONER_WORKER_RUN_TREES_H

#include "domain/statement.h"
#include "worker/row_trees.h"
#include "worker/settle.h"

/* Commissioners that rows of one month and account come from. */
#define RUN_TREES_MAX 64

struct run_trees {
    struct statement_tree stated[RUN_TREES_MAX]; /* texts point to the two below */
    char commissioner[RUN_TREES_MAX][EPISODE_CODE_SIZE];
    char root[RUN_TREES_MAX][2 * ROW_TREE_HASH + 1];
    size_t count; /* 0: no submission */
};

/* Those of the settlement's month i, made now where they are missing. *out must not be moved. */
enum row_trees_status run_trees_find(const struct run_work *work, size_t i, struct run_trees *out,
                                     enum pg_status *store);

#endif
