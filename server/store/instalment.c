#include "store/instalment.h"

/* Entries from before the year stand for no month of it, those from behind it for all. */
static const struct pg_statement select_issued = {
    .name = "instalments_issued",
    .sql = "WITH here AS (SELECT coalesce(max(instalment), 0) AS last, coalesce(sum(balance_pence), 0)::bigint AS pence"
           "  FROM reckoner.document WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND state = 'issued'"
           "  AND instalment IS NOT NULL),"
           " elsewhere AS (SELECT max(o.issued_on) AS last FROM reckoner.opening_entry o"
           "  JOIN reckoner.agreement g USING (provider, contract, commissioner, n) WHERE o.provider = $1"
           "  AND o.contract = $2 AND o.commissioner = $3 AND g.outcome = 'agreed')"
           " SELECT reckoner.opening_entries_sum($1, $2, $3) AS opening, h.pence, greatest(h.last, coalesce(least(12,"
           "  greatest(0, (extract(year FROM e.last) - a.financial_year) * 12 + extract(month FROM e.last) - 3)),"
           "  0))::integer AS last FROM here h, elsewhere e, reckoner.account a"
           " WHERE a.provider = $1 AND a.contract = $2 AND a.commissioner = $3",
    .parameters = 3,
};

enum pg_status instalments_issued(struct pg *pg, const struct account_key *account, struct instalments_issued *out,
                                  int64_t *opening_pence)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_issued, &a, &r);
    if (status != PG_OK)
        return status;
    *opening_pence = pg_i64(r, 0, "opening");
    out->to = (int32_t)pg_i64(r, 0, "last");
    out->pence = pg_i64(r, 0, "pence") + *opening_pence;
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_open = {
    .name = "instalments_open",
    .sql = "SELECT id, instalment, position_pence, billed_pence, opening_pence, eacv_pence, bill_to"
           " FROM reckoner.document WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND state IN ('draft', 'proposed') AND instalment IS NOT NULL ORDER BY instalment",
    .parameters = 3,
};

enum pg_status instalments_open(struct pg *pg, const struct account_key *account, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &select_open, &a, result);
}

static const struct pg_statement supersede = {
    .name = "instalment_supersede",
    .sql = "UPDATE reckoner.document SET state = 'superseded', superseded_at = $3, revision = revision + 1"
           " WHERE provider = $1 AND id = $2 AND state IN ('draft', 'proposed') AND instalment IS NOT NULL",
    .parameters = 3,
};

enum pg_status instalment_supersede(struct pg *pg, const char *provider, const char *id, instant_t at)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, at);
    return pg_run(pg, &supersede, &a, NULL);
}

static const struct pg_statement select_any = {
    .name = "instalments_any",
    .sql = "SELECT EXISTS (SELECT FROM reckoner.document WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND state <> 'superseded' AND instalment IS NOT NULL) AS any",
    .parameters = 3,
};

enum pg_status instalments_any(struct pg *pg, const struct account_key *account, bool *any)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_get_bool(pg, &select_any, &a, any);
}
