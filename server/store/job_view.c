#include "store/job_view.h"

#include "store/job.h"

static const struct pg_statement view = {
    "job_view",
    "SELECT id AS job, kind, subject, state, (extract(epoch FROM created_at) * 1000000)::bigint AS created_at, "
    "attempts,"
    " done_units, all_units, problem, (extract(epoch FROM finished_at) * 1000000)::bigint AS finished_at"
    " FROM reckoner.job WHERE provider = $1 AND id = $2",
    2};

enum pg_status job_view(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &view, &a, result);
}

static const struct pg_statement retry = {
    "job_view_retry",
    "WITH again AS (UPDATE reckoner.job SET state = 'queued', attempts = 0, problem = NULL, finished_at = NULL,"
    " run_after = clock_timestamp() WHERE provider = $1 AND id = $2 AND state = 'failed' RETURNING id)"
    " SELECT id, pg_notify('" JOB_CHANNEL "', '') FROM again",
    2};

enum pg_status job_view_retry(struct pg *pg, const char *provider, const char *id)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &retry, &a, NULL);
}
