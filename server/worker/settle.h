/* Makes runs: job kinds settle and preview (subject: run), and what re-settlement shares with them. Everything of a run
 * is written in one transaction, with the job's fencing: a worker that dies in between leaves nothing behind. */
#ifndef RECKONER_WORKER_SETTLE_H
#define RECKONER_WORKER_SETTLE_H

#include "worker/jobs.h"
#include "worker/settlement.h"

/* The handler of kinds settle and preview. */
enum job_outcome settle_run(struct worker *w, const struct job *job, char *problem);
/* Its give_up: the run shows as failed, with the reason. */
enum pg_status settle_give_up(struct worker *w, const struct job *job, const char *problem);

/* What a run found before it is written. */
struct run_work {
    struct worker *worker;
    const struct run *run;
    bool bills;
    month_t billed_month;           /* max(run's month, billing head); the run's when it does not bill */
    struct settlement settlement;   /* opened and read to billed_month */
    struct account_position own;    /* of the run's month */
    struct account_position billed; /* of billed_month, when it is another month */
    instant_t now;                  /* product clock */
};

/* Under account_lock, with run, bills, billed_month, settlement, own and billed set: writes position documents, lines,
 * inputs, the draft, frozen months and the signed statement, and sets the run done. PG_NONE: the run is no longer
 * queued. SETTLEMENT_PARKED: a sanity bound is exceeded; nothing was written. reason has POSITION_REASON_SIZE bytes. */
enum settlement_status run_write(struct run_work *work, char *reason, enum pg_status *store_status);
void run_work_free(struct run_work *work);

/* What is billed: the position of billed_month. */
const struct account_position *run_billed(const struct run_work *work);

/* R and DISPUTE: made by what became known, not asked for. */
bool run_raised_itself(const struct run *run);
/* What a parked run waits for; the reason is borrowed. */
struct run_hold run_holds(const struct run_work *work, const char *reason);

/* Does the job account by account of its subject, a contract, and ends it. A fault of one holds back none of the
 * others: the job goes on, and fails in the end. one commits its own transaction. */
enum job_outcome each_account(struct worker *w, const struct job *job,
                              enum job_outcome (*one)(struct worker *w, const struct job *job, const char *commissioner,
                                                      char *problem),
                              char *problem);

/* A job's outcome for a settlement that did not come to its end (not for PARKED). */
enum job_outcome settle_outcome(struct worker *w, enum settlement_status status, enum pg_status store_status,
                                const char *reason, char *problem);

#endif
