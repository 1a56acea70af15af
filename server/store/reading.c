#include "store/reading.h"

#include "base/clock.h"
#include "store/job.h"

#include <string.h>

static void act_args(struct pg_args *a, const struct reading_act *act)
{
    pg_arg_instant(a, act->at);
    pg_arg_text(a, act->request_id);
    pg_arg_text(a, act->address);
}

enum pg_status reading_ask(struct pg *pg, const struct reading_act *act, const char *submission, const char *id,
                           const char *rows, const char *purpose, const void *sealed_key, size_t sealed_length)
{
    static const struct pg_statement s = {
        "reading_ask", "SELECT reckoner.ask_identifiers($1, $2, $3, $4, $5::integer[], $6, $7, $8, $9, $10)", 10};
    char job[IDENT_SIZE];
    struct pg_args a;
    ident_new(job);
    pg_args_id(&a, act->provider, submission);
    pg_arg_text(&a, id);
    pg_arg_text(&a, job);
    pg_arg_text(&a, rows);
    pg_arg_text(&a, purpose);
    pg_arg_bytes(&a, sealed_key, sealed_length);
    act_args(&a, act);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status reading_release(struct pg *pg, const struct reading_act *act, const char *id, PGresult **result)
{
    static const struct pg_statement s = {"reading_release",
                                          "SELECT reckoner.release_identifiers($1, $2, $3, $6, $4, $5) AS answer", 6};
    struct pg_args a;
    pg_args_id(&a, act->provider, id);
    act_args(&a, act);
    pg_arg_instant(&a, clock_wall());
    return pg_run_binary(pg, &s, &a, result);
}

#define SHOWN                                                                                                          \
    "SELECT r.id AS reading, s.id AS submission, r.organisation, r.person, r.purpose,"                                 \
    " array_to_string(r.rows, ',') AS rows, r.state, (extract(epoch FROM r.asked_at) * 1000000)::bigint AS asked_at,"  \
    " (extract(epoch FROM r.expires_at) * 1000000)::bigint AS expires_at,"                                             \
    " (extract(epoch FROM r.released_at) * 1000000)::bigint AS released_at FROM reckoner.identifier_reading r"         \
    " LEFT JOIN reckoner.submission s ON s.provider = r.provider AND s.no = r.submission WHERE r.provider = $1"

enum pg_status reading_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result)
{
    static const struct pg_statement s = {"reading_list",
                                          SHOWN " AND ($2::timestamptz IS NULL OR (r.asked_at, r.id) < ($2, $3))"
                                                " ORDER BY r.asked_at DESC, r.id DESC LIMIT $4",
                                          4};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_args_newest(&a, page);
    return pg_run(pg, &s, &a, result);
}

enum pg_status reading_get(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    static const struct pg_statement s = {"reading_get", SHOWN " AND r.id = $2", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status reading_take(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    static const struct pg_statement s = {
        "reading_take",
        "SELECT submission, (SELECT string_agg(x::text, ',' ORDER BY x) FROM (SELECT DISTINCT unnest(rows) AS x) u)"
        " AS rows, state, sealed_key"
        " FROM reckoner.identifier_reading WHERE provider = $1 AND id = $2 FOR UPDATE",
        2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status reading_answer(struct pg *pg, const char *provider, const char *id, const void *answer, size_t length,
                              int64_t seconds)
{
    static const struct pg_statement s = {
        "reading_answer",
        "UPDATE reckoner.identifier_reading SET state = 'ready', sealed_key = NULL, answer = $3, expires_at = $4"
        " WHERE provider = $1 AND id = $2",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_bytes(&a, answer, length);
    pg_arg_instant(&a, clock_wall() + seconds * 1000000);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status reading_fail(struct pg *pg, const char *provider, const char *id)
{
    static const struct pg_statement s = {"reading_fail",
                                          "UPDATE reckoner.identifier_reading SET state = 'failed', sealed_key = NULL"
                                          " WHERE provider = $1 AND id = $2 AND state = 'asked'",
                                          2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status reading_expire(struct pg *pg, int64_t *expired)
{
    static const struct pg_statement s = {"reading_expire",
                                          "UPDATE reckoner.identifier_reading SET state = 'expired', answer = NULL"
                                          " WHERE state = 'ready' AND expires_at <= $1",
                                          1};
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_init(&a);
    pg_arg_instant(&a, clock_wall());
    *expired = pg_run_count(pg, &s, &a, &status);
    return status;
}
