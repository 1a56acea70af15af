#include "store/agreed_input.h"

#define AGREED_BY                                                                                                      \
    " JOIN reckoner.agreement g USING (provider, contract, commissioner, n)"                                           \
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND g.outcome = 'agreed' AND g.closed_at <= $4"
#define AGREED_AT "(extract(epoch FROM g.closed_at) * 1000000)::bigint AS agreed_at"

enum pg_status agreed_adjustments(struct pg *pg, const struct account_key *account, instant_t known_at,
                                  PGresult **result)
{
    static const struct pg_statement s = {
        "agreed_adjustments",
        "SELECT n, x.month, x.pence, x.label, x.in_cquin, coalesce(x.reverses, 0) AS reverses, " AGREED_AT
        " FROM reckoner.adjustment x" AGREED_BY " ORDER BY n",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

enum pg_status agreed_months(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "agreed_months",
        "SELECT DISTINCT ON (x.month) x.month, n, x.counts_as = 'estimate' AS estimate, " AGREED_AT
        " FROM reckoner.month_without_activity x" AGREED_BY " ORDER BY x.month, g.closed_at DESC, n DESC",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

enum pg_status imposed_withholds(struct pg *pg, const struct account_key *account, instant_t known_at,
                                 PGresult **result)
{
    static const struct pg_statement s = {
        "imposed_withholds",
        "SELECT w.month, w.id, (extract(epoch FROM w.imposed_at) * 1000000)::bigint AS imposed_at, d.decision, d.pence,"
        " d.n, d.agreed_at AS decided_at FROM reckoner.withhold w LEFT JOIN (SELECT x.month, x.withhold, x.decision,"
        "  x.pence, n, " AGREED_AT " FROM reckoner.withhold_decision x" AGREED_BY ") d"
        " ON d.month = w.month AND d.withhold = w.id"
        " WHERE w.provider = $1 AND w.contract = $2 AND w.commissioner = $3 AND w.imposed_at <= $4"
        " ORDER BY w.month, w.id",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}
