/* The worker's loop: claims jobs, runs their handlers, keeps the lease alive from a thread of its own. */
#ifndef RECKONER_WORKER_JOBS_H
#define RECKONER_WORKER_JOBS_H

#include "base/clock.h"
#include "base/config.h"
#include "signing/sign.h"
#include "signing/unseal.h"
#include "store/job.h"
#include "worker/pseudonym.h"

#include <stdatomic.h>

/* COPY of millions of rows is one statement; a worker's statements may take their time. */
#define WORKER_STATEMENT_TIMEOUT_MS (60 * 60 * 1000)

struct leak_memory;
struct read_along;

/* What a handler works with. */
struct worker {
    const struct config *config;
    const struct clock *clock;
    struct pg *pg; /* the handler's connection; no transaction is open when it is called */
    const struct unseal_key *unseal;
    const struct signer *signer;
    const uint8_t *pseudonym_key; /* PSEUDONYM_KEY_SIZE bytes */
    const char *name;             /* host and process id */
    atomic_bool lost;             /* the current job's lease went to another worker; set by the heartbeat */
    struct read_along *along;     /* the upload that is read while it arrives (worker/read_along.h); NULL: none ever */
    struct leak_memory *cleared;  /* tokens that documents may hold (worker/leak_memory.h); NULL: none is remembered */
};

enum job_outcome {
    JOB_DONE,  /* the result is committed, with job_finish in the same transaction */
    JOB_LOST,  /* job_finish or job_progress answered PG_NONE: another worker has the job; nothing was written */
    JOB_AGAIN, /* it may well succeed later (database away, a conflict): tried again after a pause, while attempts last
                */
    JOB_WAITS, /* nothing is wrong, but other work comes first: tried again soon; the attempt does not count */
    JOB_FAILED /* it will not succeed: ends as failed */
};

#define JOB_PROBLEM_SIZE 500

struct job_handler {
    const char *kind;
    /* Does the job. May leave a transaction open unless it answers JOB_DONE: the loop rolls back. For JOB_AGAIN,
     * JOB_WAITS and JOB_FAILED it writes one or two sentences into problem (JOB_PROBLEM_SIZE bytes): what happened and
     * the way out. Long work looks at w->lost now and then and answers JOB_LOST. */
    enum job_outcome (*run)(struct worker *w, const struct job *job, char *problem);
    /* Runs in the transaction that ends the job as failed, for what else must show it; may be NULL. */
    enum pg_status (*give_up)(struct worker *w, const struct job *job, const char *problem);
};

/* Outcome and problem for a store failure; a handler's usual last line. PG_NONE means that the lease was lost. */
enum job_outcome job_outcome_of(enum pg_status status, const struct pg *pg, char *problem);

/* Runs until stop (polled; wake_fd becomes readable when it is set), or with once until no job is due. handlers ends
 * with a NULL kind. false when the heartbeat could not be started. */
bool jobs_run(struct worker *w, const struct job_handler *handlers, bool once, const atomic_bool *stop, int wake_fd);

/* All handlers of this worker (worker/handlers.c). */
extern const struct job_handler job_handlers[];

#endif
