#include "store/job.h"

#include "base/text.h"
#include "store/submission.h"

#include <stdio.h>
#include <string.h>

/* One queued job of a kind and subject is enough: it has not begun, so it will see everything committed before it
 * begins. */
static const struct pg_statement find_queued = {
    "job_find_queued",
    "SELECT id FROM reckoner.job WHERE provider = $1 AND kind = $2 AND subject = $3 AND state = 'queued'"
    " ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED",
    3};

static const struct pg_statement insert = {
    "job_insert",
    "WITH new AS (INSERT INTO reckoner.job (provider, id, kind, subject) VALUES ($1, $2, $3, $4))"
    " SELECT pg_notify('" JOB_CHANNEL "', '')",
    4};

enum pg_status job_add(struct pg *pg, const char *provider, const char *kind, const char *subject, char id[IDENT_SIZE])
{
    struct pg_args a;
    pg_args_id(&a, provider, kind);
    pg_arg_text(&a, subject);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &find_queued, &a, &r);
    if (status == PG_OK) {
        copy_text(id, IDENT_SIZE, pg_text(r, 0, "id"));
        PQclear(r);
        return PG_OK;
    }
    if (status != PG_NONE)
        return status;
    ident_new(id);
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, kind);
    pg_arg_text(&a, subject);
    return pg_run(pg, &insert, &a, NULL);
}

/* Settlements are short and people wait for them: they go before the reading of files, which a change of terms asks for
 * by the hundred. The upload that another worker reads along is left to it, for the time of a lease. Commitments to
 * rows give way to uploads, and are not begun while one waits or arrives: its reading along would be dropped for them.
 */
static const struct pg_statement claim = {
    "job_claim",
    "UPDATE reckoner.job j SET state = 'leased', lease = $1, attempts = j.attempts + 1, done_units = 0,"
    " lease_until = clock_timestamp() + $2 * interval '1 second'"
    " FROM (SELECT provider, id FROM reckoner.job"
    "  WHERE ((state = 'queued' AND run_after <= clock_timestamp())"
    "     OR (state = 'leased' AND lease_until < clock_timestamp()))"
    "  AND (kind <> 'validate' OR created_at < clock_timestamp() - $2 * interval '1 second'"
    "   OR pg_try_advisory_xact_lock_shared(" READ_ALONG_LOCK(
        "provider", "subject") "))"
                               "  AND (kind <> 'row_tree' OR NOT " SUBMISSION_WAITS ")"
                               "  ORDER BY kind IN ('preview', 'settle', 'resettle', 'instalment') DESC,"
                               "   run_after, created_at LIMIT 1 FOR UPDATE SKIP LOCKED) next"
                               " WHERE j.provider = next.provider AND j.id = next.id"
                               " RETURNING j.provider, j.id, j.kind, j.subject, j.attempts",
    2};

enum pg_status job_claim(struct pg *pg, int64_t lease_seconds, struct job *job)
{
    struct job found;
    ident_new(found.lease);
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, found.lease);
    pg_arg_i64(&a, lease_seconds);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &claim, &a, &r);
    if (status != PG_OK)
        return status;
    copy_text(found.provider, sizeof found.provider, pg_text(r, 0, "provider"));
    copy_text(found.id, sizeof found.id, pg_text(r, 0, "id"));
    copy_text(found.kind, sizeof found.kind, pg_text(r, 0, "kind"));
    copy_text(found.subject, sizeof found.subject, pg_text(r, 0, "subject"));
    found.attempts = pg_i64(r, 0, "attempts");
    PQclear(r);
    *job = found;
    return PG_OK;
}

/* Every statement below names the lease: it changes nothing once another worker holds the job. */
static void job_args(struct pg_args *a, const struct job *job)
{
    pg_args_id(a, job->provider, job->id);
    pg_arg_text(a, job->lease);
}

#define JOB_IS_MINE " WHERE provider = $1 AND id = $2 AND lease = $3 AND state = 'leased'"

enum pg_status job_renew(struct pg *pg, const struct job *job, int64_t lease_seconds)
{
    static const struct pg_statement s = {
        "job_renew", "UPDATE reckoner.job SET lease_until = clock_timestamp() + $4 * interval '1 second'" JOB_IS_MINE,
        4};
    struct pg_args a;
    job_args(&a, job);
    pg_arg_i64(&a, lease_seconds);
    return pg_change(pg, &s, &a);
}

enum pg_status job_progress(struct pg *pg, const struct job *job, int64_t done, int64_t all)
{
    static const struct pg_statement s = {"job_progress",
                                          "UPDATE reckoner.job SET done_units = $4, all_units = $5" JOB_IS_MINE, 5};
    struct pg_args a;
    job_args(&a, job);
    pg_arg_i64(&a, done);
    pg_arg_optional(&a, all >= 0, all);
    return pg_change(pg, &s, &a);
}

enum pg_status job_finish(struct pg *pg, const struct job *job)
{
    static const struct pg_statement s = {"job_finish",
                                          "UPDATE reckoner.job SET state = 'done', lease = NULL, lease_until = NULL,"
                                          " problem = NULL, finished_at = clock_timestamp()" JOB_IS_MINE,
                                          3};
    struct pg_args a;
    job_args(&a, job);
    return pg_change(pg, &s, &a);
}

enum pg_status job_retry_later(struct pg *pg, const struct job *job, int64_t pause_ms)
{
    static const struct pg_statement s = {"job_retry_later",
                                          "UPDATE reckoner.job SET state = 'queued', lease = NULL, lease_until = NULL,"
                                          " run_after = clock_timestamp() + $4 * interval '1 millisecond'" JOB_IS_MINE,
                                          4};
    struct pg_args a;
    job_args(&a, job);
    pg_arg_i64(&a, pause_ms);
    return pg_change(pg, &s, &a);
}

enum pg_status job_wait(struct pg *pg, const struct job *job, int64_t pause_ms)
{
    static const struct pg_statement s = {"job_wait",
                                          "UPDATE reckoner.job SET state = 'queued', lease = NULL, lease_until = NULL,"
                                          " attempts = greatest(attempts - 1, 0),"
                                          " run_after = clock_timestamp() + $4 * interval '1 millisecond'" JOB_IS_MINE,
                                          4};
    struct pg_args a;
    job_args(&a, job);
    pg_arg_i64(&a, pause_ms);
    return pg_change(pg, &s, &a);
}

enum pg_status job_fail(struct pg *pg, const struct job *job, const char *problem)
{
    static const struct pg_statement s = {"job_fail",
                                          "UPDATE reckoner.job SET state = 'failed', lease = NULL, lease_until = NULL,"
                                          " problem = $4, finished_at = clock_timestamp()" JOB_IS_MINE,
                                          4};
    struct pg_args a;
    job_args(&a, job);
    pg_arg_text(&a, problem);
    return pg_change(pg, &s, &a);
}

enum pg_status job_latest(struct pg *pg, const char *provider, const char *kind, const char *subject,
                          struct job_state *out)
{
    static const struct pg_statement s = {
        "job_latest",
        "SELECT id, state, done_units, coalesce(all_units, -1) AS all_units, coalesce(problem, '') AS problem"
        " FROM reckoner.job WHERE provider = $1 AND subject = $3 AND kind = $2 ORDER BY created_at DESC LIMIT 1",
        3};
    struct pg_args a;
    pg_args_id(&a, provider, kind);
    pg_arg_text(&a, subject);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    copy_text(out->id, sizeof out->id, pg_text(r, 0, "id"));
    copy_text(out->state, sizeof out->state, pg_text(r, 0, "state"));
    out->done_units = pg_i64(r, 0, "done_units");
    out->all_units = pg_i64(r, 0, "all_units");
    copy_text(out->problem, sizeof out->problem, pg_text(r, 0, "problem"));
    PQclear(r);
    return PG_OK;
}

enum pg_status job_listen(struct pg *pg)
{
    static const struct pg_statement s = {"job_listen", "LISTEN " JOB_CHANNEL, 0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status job_heartbeat(struct pg *pg, const char *worker, const char *version)
{
    static const struct pg_statement s = {
        "job_heartbeat",
        "INSERT INTO reckoner.worker_heartbeat (worker, seen_at, version) VALUES ($1, clock_timestamp(), $2)"
        " ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, version = excluded.version",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, worker);
    pg_arg_text(&a, version);
    return pg_run(pg, &s, &a, NULL);
}
