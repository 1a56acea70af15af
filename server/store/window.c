#include "store/window.h"

enum pg_status window_contracts(struct pg *pg, const char *provider, month_t month, instant_t begun_at,
                                instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "window_contracts",
        "SELECT c.id AS contract, t.body,"
        " EXISTS (SELECT FROM reckoner.window_exception x WHERE x.provider = c.provider AND x.contract = c.id"
        "  AND x.month = $2 AND x.decision = 'granted' AND x.decided_at <= $4 AND $4 < x.closes_at) AS exception"
        " FROM reckoner.contract c LEFT JOIN LATERAL (SELECT body FROM reckoner.terms"
        "  WHERE provider = c.provider AND contract = c.id AND state = 'approved' AND effective_from <= $2"
        "  AND known_from <= $5 ORDER BY known_from DESC, version DESC LIMIT 1) t ON true"
        " WHERE c.provider = $1 AND c.financial_year = $3 ORDER BY c.id",
        5};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_i64(&a, month_financial_year(month));
    pg_arg_instant(&a, begun_at);
    pg_arg_instant(&a, known_at);
    return pg_run(pg, &s, &a, result);
}

enum pg_status window_frozen(struct pg *pg, const char *provider, const char *contract, month_t month, bool *frozen)
{
    static const struct pg_statement s = {"window_frozen",
                                          "SELECT EXISTS (SELECT FROM reckoner.frozen_month WHERE provider = $1 AND "
                                          "contract = $2 AND month = $3) AS frozen",
                                          3};
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, month);
    return pg_get_bool(pg, &s, &a, frozen);
}
