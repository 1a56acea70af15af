#include "store/calculation.h"

#include <stdio.h>

enum pg_status calculation_allowance(struct pg *pg, const char *organisation, instant_t at, int64_t per_day,
                                     enum allowance *left)
{
    static const struct pg_statement count = {
        "calculation_allowance",
        "SELECT count(*) FILTER (WHERE state = 'queued') AS waiting, count(*) AS today FROM reckoner.calculation"
        " WHERE organisation = $1 AND asked_at > $2::timestamptz - interval '24 hours'",
        2};
    return allowance_look(pg, "calculations", organisation, &count, at, CALCULATIONS_WAITING, per_day, left);
}

enum pg_status calculation_ask(struct pg *pg, const struct calculation_request *c)
{
    static const struct pg_statement s = {
        "calculation_ask",
        "INSERT INTO reckoner.calculation (provider, id, contract, commissioner, kind, request, terms, organisation,"
        " person, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        10};
    struct pg_args a;
    pg_args_id(&a, c->provider, c->id);
    pg_arg_text(&a, c->contract);
    pg_arg_text(&a, c->commissioner);
    pg_arg_text(&a, c->kind);
    pg_arg_text(&a, c->request);
    pg_arg_text(&a, c->terms);
    pg_arg_text(&a, c->organisation);
    pg_arg_text(&a, c->person);
    pg_arg_instant(&a, c->at);
    return pg_run(pg, &s, &a, NULL);
}

/* clang-format off */
#define VIEW                                                                                                           \
    "SELECT id AS calculation, kind, commissioner, request, person, " PG_INSTANT("asked_at") " AS asked_at, state, "   \
    PG_INSTANT("known_at") " AS known_at, " PG_INSTANT("finished_at") " AS finished_at, reason,"                       \
    " encode(sha256, 'hex') AS sha256, " PG_INSTANT("remove_after") " AS remove_after"
#define FROM_CONTRACT " FROM reckoner.calculation WHERE provider = $1 AND contract = $2"
/* clang-format on */

enum pg_status calculation_list(struct pg *pg, const char *provider, const char *contract, const char *kind,
                                const struct pg_newest *page, PGresult **result)
{
    static const struct pg_statement s = {"calculation_list",
                                          VIEW FROM_CONTRACT
                                          " AND ($3::text IS NULL OR kind = $3)"
                                          " AND ($4::timestamptz IS NULL OR (calculation.asked_at, id) < ($4, $5))"
                                          " ORDER BY calculation.asked_at DESC, id DESC LIMIT $6",
                                          6};
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_text(&a, kind);
    pg_args_newest(&a, page);
    return pg_run(pg, &s, &a, result);
}

enum pg_status calculation_get(struct pg *pg, const char *provider, const char *contract, const char *id,
                               PGresult **result)
{
    static const struct pg_statement s = {"calculation_get", VIEW ", result" FROM_CONTRACT " AND id = $3", 3};
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_text(&a, id);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status calculation_account(struct pg *pg, const char *provider, const char *id, struct account_key *account)
{
    static const struct pg_statement s = {
        "calculation_account",
        "SELECT contract, commissioner FROM reckoner.calculation WHERE provider = $1 AND id = $2", 2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    (void)snprintf(account->provider, sizeof account->provider, "%s", provider);
    (void)snprintf(account->contract, sizeof account->contract, "%s", pg_text(r, 0, "contract"));
    (void)snprintf(account->commissioner, sizeof account->commissioner, "%s", pg_text(r, 0, "commissioner"));
    PQclear(r);
    return PG_OK;
}

enum pg_status calculation_take(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    static const struct pg_statement s = {
        "calculation_take",
        "SELECT contract, commissioner, kind, request, terms, state, " PG_INSTANT(
            "asked_at") " AS asked_at"
                        " FROM reckoner.calculation WHERE provider = $1 AND id = $2 FOR UPDATE",
        2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status calculation_finish(struct pg *pg, const char *provider, const char *id,
                                  const struct calculation_outcome *o)
{
    static const struct pg_statement s = {
        "calculation_finish",
        "UPDATE reckoner.calculation SET state = $3, reason = $4, result = $5, sha256 = sha256(convert_to($5, 'UTF8')),"
        " known_at = $6, finished_at = greatest($7, asked_at),"
        " remove_after = clock_timestamp() + $8::bigint * interval '1 day'"
        " WHERE provider = $1 AND id = $2 AND state IN ('queued', 'failed')",
        8};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, o->state);
    pg_arg_text(&a, o->reason);
    pg_arg_text(&a, o->result);
    pg_arg_instant(&a, o->known_at);
    pg_arg_instant(&a, o->at);
    pg_arg_i64(&a, o->keep_days);
    return pg_change(pg, &s, &a);
}

enum pg_status calculation_expire(struct pg *pg, int64_t *removed)
{
    static const struct pg_statement s = {
        "calculation_expire",
        "UPDATE reckoner.calculation SET state = 'removed', result = NULL, terms = NULL"
        " WHERE state IN ('done', 'parked', 'failed') AND remove_after < clock_timestamp()",
        0};
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_init(&a);
    int64_t count = pg_run_count(pg, &s, &a, &status);
    if (count >= 0)
        *removed = count;
    return status;
}
