#include "store/allowance.h"

enum pg_status allowance_lock(struct pg *pg, const char *things, const char *organisation)
{
    static const struct pg_statement s = {
        "allowance_lock", "SELECT pg_advisory_xact_lock(hashtextextended($1::text || '/' || $2::text, 0))", 2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, things);
    pg_arg_text(&a, organisation);
    return pg_run(pg, &s, &a, NULL);
}

enum allowance allowance_judge(const PGresult *counted, int64_t most_waiting, int64_t per_day)
{
    if (pg_i64(counted, 0, "waiting") >= most_waiting)
        return ALLOWANCE_WAITING;
    return pg_i64(counted, 0, "today") >= per_day ? ALLOWANCE_DAILY : ALLOWANCE_LEFT;
}

enum pg_status allowance_look(struct pg *pg, const char *things, const char *organisation,
                              const struct pg_statement *count, instant_t at, int64_t most_waiting, int64_t per_day,
                              enum allowance *left)
{
    struct pg_args a;
    PGresult *counted = NULL;
    pg_args_init(&a);
    pg_arg_text(&a, organisation);
    pg_arg_instant(&a, at);
    enum pg_status status = allowance_lock(pg, things, organisation);
    if (status == PG_OK)
        status = pg_run_one(pg, count, &a, &counted);
    if (status == PG_OK)
        *left = allowance_judge(counted, most_waiting, per_day);
    PQclear(counted);
    return status;
}
