/* The queue of long work. A job is claimed with a lease: a token and an instant (wall clock) up to which the worker
 * may hold it. Whoever writes a job's result calls job_finish in the same transaction; when the lease has gone to
 * another worker it answers PG_NONE, and the transaction must be rolled back. */
#ifndef RECKONER_STORE_JOB_H
#define RECKONER_STORE_JOB_H

#include "base/ident.h"
#include "store/pg.h"

/* Notified whenever a job is added or can be claimed again, and when an upload grows large. */
#define JOB_CHANNEL "reckoner_job"
/* SQL: the advisory lock of the connection that reads an upload along (store/submission.h), of SQL texts. */
#define READ_ALONG_LOCK(provider, submission)                                                                          \
    "hashtextextended('read_along/' || " provider " || '/' || " submission ", 0)"

struct job {
    char provider[8];
    char id[IDENT_SIZE];
    char kind[16];
    char subject[64];
    char lease[IDENT_SIZE];
    int64_t attempts; /* this one included */
};

/* Adds a job in the open transaction and wakes the workers at its commit. kind: validate, evaluate, settle, resettle,
 * preview, instalment. An equal job (kind, subject) that is still queued is enough: its id is returned and nothing is
 * added. */
enum pg_status job_add(struct pg *pg, const char *provider, const char *kind, const char *subject, char id[IDENT_SIZE]);

/* Claims the job that has waited longest, among those queued and due and those whose lease ran out (whose worker
 * died or lost the database). The caller gives a job up whose attempts are more than it allows: a poison job must not
 * take down one worker after the other. PG_NONE: nothing to do. */
enum pg_status job_claim(struct pg *pg, int64_t lease_seconds, struct job *job);
/* Moves the lease on. PG_NONE: lost. */
enum pg_status job_renew(struct pg *pg, const struct job *job, int64_t lease_seconds);
/* Progress, shown to whoever waits; all < 0: not known. PG_NONE: lease lost. */
enum pg_status job_progress(struct pg *pg, const struct job *job, int64_t done, int64_t all);
/* In the transaction that writes the result. */
enum pg_status job_finish(struct pg *pg, const struct job *job);
/* Back to the queue after a pause; the attempt counts. PG_NONE: lease lost. */
enum pg_status job_retry_later(struct pg *pg, const struct job *job, int64_t pause_ms);
/* The same, without counting the attempt: nothing went wrong, it is not the job's turn yet. */
enum pg_status job_wait(struct pg *pg, const struct job *job, int64_t pause_ms);
/* Ends as failed. problem: one or two sentences, what happened and the way out; no personal data. */
enum pg_status job_fail(struct pg *pg, const struct job *job, const char *problem);

/* A job as whoever waits for it sees it. */
struct job_state {
    char id[IDENT_SIZE];
    char state[12];
    int64_t done_units;
    int64_t all_units; /* -1: not known */
    char problem[500];
};
/* The newest job of a kind and subject. PG_NONE: there is none. */
enum pg_status job_latest(struct pg *pg, const char *provider, const char *kind, const char *subject,
                          struct job_state *out);

/* Subscribes this connection to JOB_CHANNEL. */
enum pg_status job_listen(struct pg *pg);
/* Says that worker is alive. */
enum pg_status job_heartbeat(struct pg *pg, const char *worker, const char *version);

#endif
