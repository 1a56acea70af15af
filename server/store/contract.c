#include "store/contract.h"

static const struct pg_statement add = {
    "contract_add",
    "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    8};

enum pg_status contract_add(struct pg *pg, const struct contract *c)
{
    struct pg_args a;
    pg_args_id(&a, c->provider, c->id);
    pg_arg_i64(&a, c->financial_year);
    pg_arg_text(&a, c->mode);
    pg_arg_text(&a, c->title);
    pg_arg_text(&a, c->coordinator);
    pg_arg_text(&a, c->created_by);
    pg_arg_instant(&a, c->created_at);
    return pg_run(pg, &add, &a, NULL);
}

static const struct pg_statement add_account = {
    "contract_add_account",
    "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year) VALUES ($1, $2, $3, $4)", 4};

enum pg_status contract_add_account(struct pg *pg, const struct contract *c, const char *commissioner)
{
    struct pg_args a;
    pg_args_id(&a, c->provider, c->id);
    pg_arg_text(&a, commissioner);
    pg_arg_i64(&a, c->financial_year);
    return pg_run(pg, &add_account, &a, NULL);
}

#define COLUMNS                                                                                                        \
    "SELECT c.provider, c.id AS contract, c.financial_year, c.mode, c.title, c.coordinator, c.created_by,"             \
    " (extract(epoch FROM c.created_at) * 1000000)::bigint AS created_at,"                                             \
    " (SELECT string_agg(a.commissioner, ',' ORDER BY a.commissioner) FROM reckoner.account a"                         \
    "   WHERE a.provider = c.provider AND a.contract = c.id) AS commissioners,"                                        \
    " (SELECT t.version FROM reckoner.terms t WHERE t.provider = c.provider AND t.contract = c.id"                     \
    "   AND t.state = 'approved' ORDER BY t.known_from DESC, t.version DESC LIMIT 1) AS terms_version"                 \
    " FROM reckoner.contract c"

static const struct pg_statement get = {"contract_get", COLUMNS " WHERE c.provider = $1 AND c.id = $2", 2};

enum pg_status contract_get(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &get, &a, result);
}

enum pg_status contract_visible(struct pg *pg, const char *provider, const char *id)
{
    PGresult *result = NULL;
    enum pg_status status = contract_get(pg, provider, id, &result);
    PQclear(result);
    return status;
}

static const struct pg_statement list = {
    "contract_list",
    COLUMNS " WHERE ($1::text IS NULL OR c.provider = $1) AND (c.provider, c.id) > ($2, $3)"
            " ORDER BY c.provider, c.id LIMIT $4",
    4};

enum pg_status contract_list(struct pg *pg, const char *provider, const char *after_provider, const char *after_id,
                             int64_t limit, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, after_provider);
    pg_arg_text(&a, after_id);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement withdraw = {"contract_withdraw",
                                             "SELECT reckoner.withdraw_contract($1, $2, $3, $4, $5)", 5};

enum pg_status contract_withdraw(struct pg *pg, const char *provider, const char *id, instant_t at,
                                 const char *request_id, const char *address)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, at);
    pg_arg_text(&a, request_id);
    pg_arg_text(&a, address);
    return pg_run(pg, &withdraw, &a, NULL);
}

static const struct pg_statement lock = {
    "contract_lock", "SELECT pg_advisory_xact_lock(hashtextextended('contract/' || $1 || '/' || $2, 0))", 2};

enum pg_status contract_lock(struct pg *pg, const char *provider, const char *id)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &lock, &a, NULL);
}
