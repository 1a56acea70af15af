/* Keeps the log: a thread of its own, beside the jobs, that moves committed entries into the Merkle tree, links the
 * audit trail and signs a checkpoint for each batch. A batch is one transaction, so a worker that dies loses nothing;
 * of several workers one appends at a time. */
#ifndef RECKONER_WORKER_LOG_KEEPER_H
#define RECKONER_WORKER_LOG_KEEPER_H

#include "worker/jobs.h"

struct log_keeper_thread;

/* NULL: it could not be started. Uses the worker's configuration, clock and signer, and a connection of its own. */
struct log_keeper_thread *log_keeper_start(struct worker *w);
/* Whether this worker may sign (worker/log_standing.h), as of the last look; jobs wait while it may not. */
bool log_keeper_may_sign(const struct log_keeper_thread *k);
/* Ends the thread and, with empty, appends what is still waiting. NULL is allowed. */
void log_keeper_end(struct log_keeper_thread *k, bool empty);

/* One batch on a connection without an open transaction. *more: entries were left over. PG_NONE: another worker
 * appends. PG_REFUSED: this worker may not sign, and problem says why. With problem (JOB_PROBLEM_SIZE bytes) for what
 * is not the database's. */
enum pg_status log_append_batch(struct pg *pg, const struct worker *w, bool *more, char *problem);

#endif
