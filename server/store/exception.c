#include "store/exception.h"

static const struct pg_statement ask = {
    "exception_ask",
    "INSERT INTO reckoner.window_exception (provider, contract, month, n, reason, asked_side, asked_by, asked_at)"
    " SELECT $1, $2, $3, coalesce(max(n), 0) + 1, $4, $5, $6, $7 FROM reckoner.window_exception"
    " WHERE provider = $1 AND contract = $2 AND month = $3 RETURNING n",
    7};

static void key_args(struct pg_args *a, const char *provider, const char *contract, month_t month)
{
    pg_args_id(a, provider, contract);
    pg_arg_month(a, month);
}

enum pg_status exception_ask(struct pg *pg, const struct exception *e, int64_t *n)
{
    struct pg_args a;
    key_args(&a, e->provider, e->contract, e->month);
    pg_arg_text(&a, e->reason);
    pg_arg_text(&a, e->side);
    pg_arg_text(&a, e->person);
    pg_arg_instant(&a, e->at);
    return pg_get_i64(pg, &ask, &a, n);
}

static const struct pg_statement decide = {
    "exception_decide",
    "UPDATE reckoner.window_exception SET decision = $5, decided_side = $6, decided_by = $7, decided_at = $8,"
    " closes_at = CASE WHEN $5 = 'granted' THEN $9::timestamptz END"
    " WHERE provider = $1 AND contract = $2 AND month = $3 AND n = $4 AND decision IS NULL",
    9};

enum pg_status exception_decide(struct pg *pg, const struct exception *e)
{
    struct pg_args a;
    key_args(&a, e->provider, e->contract, e->month);
    pg_arg_i64(&a, e->n);
    pg_arg_text(&a, e->decision);
    pg_arg_text(&a, e->side);
    pg_arg_text(&a, e->person);
    pg_arg_instant(&a, e->at);
    pg_arg_instant(&a, e->closes_at);
    enum pg_status status = PG_OK;
    int64_t changed = pg_run_count(pg, &decide, &a, &status);
    return status == PG_OK && changed == 0 ? PG_NONE : status;
}

#define COLUMNS                                                                                                        \
    "SELECT month, n, reason, asked_side, asked_by, (extract(epoch FROM asked_at) * 1000000)::bigint AS asked_at,"     \
    " decision, decided_side, decided_by, (extract(epoch FROM decided_at) * 1000000)::bigint AS decided_at,"           \
    " (extract(epoch FROM closes_at) * 1000000)::bigint AS closes_at FROM reckoner.window_exception"                   \
    " WHERE provider = $1 AND contract = $2"

static const struct pg_statement get = {"exception_get", COLUMNS " AND month = $3 AND n = $4", 4};
static const struct pg_statement get_locked = {"exception_get_locked", COLUMNS " AND month = $3 AND n = $4 FOR UPDATE",
                                               4};

enum pg_status exception_get(struct pg *pg, const char *provider, const char *contract, month_t month, int64_t n,
                             bool lock, PGresult **result)
{
    struct pg_args a;
    key_args(&a, provider, contract, month);
    pg_arg_i64(&a, n);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

static const struct pg_statement list = {"exception_list",
                                         COLUMNS " AND (month, n) > ($3, $4::integer) ORDER BY month, n LIMIT $5", 5};

enum pg_status exception_list(struct pg *pg, const char *provider, const char *contract, month_t after_month,
                              int64_t after_n, int64_t limit, PGresult **result)
{
    struct pg_args a;
    key_args(&a, provider, contract, after_month);
    pg_arg_i64(&a, after_n);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}
