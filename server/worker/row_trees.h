/* Makes the commitments to the rows of an accepted submission: facts from the store, private digests from the
 * confidential blocks, pseudonyms from the worker's key. A million rows take some seconds and a few megabytes. */
#ifndef RECKONER_WORKER_ROW_TREES_H
#define RECKONER_WORKER_ROW_TREES_H

#include "store/row_tree.h"
#include "worker/jobs.h"

/* Trees that one pass over the rows makes: bounds its memory, 224 KiB for each. */
#define ROW_TREES_AT_ONCE 32

enum row_trees_status {
    ROW_TREES_MADE,
    ROW_TREES_STOPPED,
    ROW_TREES_STORE,      /* see *store */
    ROW_TREES_UNREADABLE, /* confidential blocks cannot be opened, or are not those of the rows */
    ROW_TREES_NO_MEMORY,
    ROW_TREES_TOO_MANY /* of more commissioners than one statement states */
};

struct row_trees_request {
    struct worker *worker; /* its connection, in a transaction, and its keys */
    const char *provider;
    int64_t submission;
    month_t month;
    const char *const *commissioners; /* each once */
    size_t count;
    bool (*stop)(void *context); /* asked now and then; NULL: never */
    void *context;
};

/* Makes those that are not there yet, in the open transaction, once no other transaction makes trees of this
 * submission. */
enum row_trees_status row_trees_make(const struct row_trees_request *q, enum pg_status *store);

/* The root for a statement, made now if need be. */
enum row_trees_status row_trees_root(const struct row_trees_request *q, const char *commissioner,
                                     struct row_tree_root *out, enum pg_status *store);

/* What a statement says when a tree could not be made: why, and the way out. Static. */
const char *row_trees_reason(enum row_trees_status status);

/* The job after acceptance: trees for all accounts of the year. Gives way to uploads. */
enum job_outcome row_trees_run(struct worker *w, const struct job *job, char *problem);

#endif
