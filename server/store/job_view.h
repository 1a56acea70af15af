/* Jobs as people see them; store/job.h is the workers' side. */
#ifndef RECKONER_STORE_JOB_VIEW_H
#define RECKONER_STORE_JOB_VIEW_H

#include "store/pg.h"

/* Columns job, kind, subject, state, created_at, attempts, done_units, all_units, problem, finished_at (wall clock). */
enum pg_status job_view(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Queues a failed job again, with its attempts counted anew. PG_NONE: it has not failed, or there is none. */
enum pg_status job_view_retry(struct pg *pg, const char *provider, const char *id);

#endif
