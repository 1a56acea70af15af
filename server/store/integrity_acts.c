/* What positions say that the parties agreed and decided, against where it is kept. */
#include "store/integrity.h"

/* Each act once, of all positions that runs found. A body that is not as its digest says is named by that, and must not
 * reach a cast: it may be no JSON. */
#define SAID                                                                                                           \
    "WITH whole AS MATERIALIZED (SELECT provider, sha256, body FROM reckoner.position"                                 \
    "  WHERE sha256(convert_to(body, 'UTF8')) = sha256),"                                                              \
    " said AS MATERIALIZED (SELECT DISTINCT r.provider, r.contract, r.commissioner, l.name, a.act FROM"                \
    "  reckoner.run r JOIN whole p ON p.provider = r.provider AND p.sha256 = r.position_sha256"                        \
    "  CROSS JOIN LATERAL (SELECT (p.body::json -> 'inputs')::jsonb AS inputs) i CROSS JOIN (VALUES ('adjustments'),"  \
    "  ('withholds'), ('decisions'), ('challenges'), ('achievements'), ('months')) l (name)"                           \
    "  CROSS JOIN LATERAL jsonb_array_elements(i.inputs -> l.name) a (act) WHERE r.state = 'done')"
#define OF_ACCOUNT(t) t ".provider = s.provider AND " t ".contract = s.contract AND " t ".commissioner = s.commissioner"
#define AGREED                                                                                                         \
    "(SELECT g.outcome FROM reckoner.agreement g WHERE " OF_ACCOUNT("g") " AND g.n = (s.act ->> "                      \
                                                                         "'agreement')::integer)"
/* The differences of one kind of acts: how it is found as x, and its columns beside what was said. */
#define KIND(list, table_name, number, found, values)                                                                  \
    "SELECT '" table_name "' AS \"table\", concat_ws('/', s.provider, s.contract, s.commissioner, s.act ->> '" number  \
    "') AS key, v.what, coalesce(v.found, 'none') AS found, v.expected FROM said s LEFT JOIN " found                   \
    " CROSS JOIN LATERAL (VALUES " values ") v (what, found, expected) WHERE s.name = '" list                          \
    "' AND v.found IS DISTINCT FROM v.expected"
#define SAYS(name, column) "('" name "', " column "::text, s.act ->> '" name "')"

enum pg_status integrity_acts(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement
        s = {"integrity_acts",
             /* clang-format off */
        SAID
        KIND("adjustments", "adjustment", "agreement",
             "reckoner.adjustment x ON " OF_ACCOUNT("x") " AND x.n = (s.act ->> 'agreement')::integer",
             "('agreement', " AGREED ", 'agreed'), " SAYS("pence", "x.pence") ", " SAYS("in_cquin", "x.in_cquin")
             ", " SAYS("month", "to_char(x.month, 'YYYY-MM')"))
        " UNION ALL "
        KIND("withholds", "withhold_decision", "agreement",
             "reckoner.withhold_decision x ON " OF_ACCOUNT("x") " AND x.n = (s.act ->> 'agreement')::integer",
             "('agreement', " AGREED ", 'agreed'), " SAYS("pence", "x.pence") ", " SAYS("state", "x.decision"))
        " AND s.act ? 'agreement'"
        " UNION ALL "
        KIND("challenges", "challenge", "number",
             "reckoner.challenge x ON " OF_ACCOUNT("x") " AND x.number = (s.act ->> 'number')::integer",
             SAYS("claimed_pence", "x.claimed_pence") ", " SAYS("billed", "x.billed"))
        " UNION ALL "
        KIND("achievements", "achievement", "indicator", "(SELECT) x ON true",
             "('measure', CASE WHEN EXISTS (SELECT FROM reckoner.achievement a WHERE " OF_ACCOUNT("a")
             "   AND a.indicator = s.act ->> 'indicator' AND (s.act ->> 'disputed' = 'true'"
             "    OR (a.agreed_at IS NOT NULL AND a.numerator = (s.act ->> 'numerator')::bigint"
             "     AND a.denominator = (s.act ->> 'denominator')::bigint)))"
             "  THEN 'agreed' END, 'agreed')")
        " UNION ALL "
        KIND("decisions", "decision", "number", "(SELECT) x ON true",
             "('row and what was decided', CASE WHEN EXISTS (SELECT FROM reckoner.decision d"
             "   JOIN reckoner.challenge_row c USING (provider, contract, commissioner, number, episode_id)"
             "   WHERE " OF_ACCOUNT("c") " AND c.number = (s.act ->> 'number')::integer"
             "   AND encode(d.row_sha256, 'hex') = s.act ->> 'row_sha256'"
             "   AND c.counter_cluster IS NOT DISTINCT FROM s.act ->> 'cluster'"
             "   AND c.counter_days IS NOT DISTINCT FROM (s.act ->> 'payable_days')::integer)"
             "  THEN 'kept' END, 'kept')")
        " AND s.act ->> 'kind' <> 'reattribution'"
        " UNION ALL "
        KIND("decisions", "reattribution", "number", "(SELECT) x ON true",
             "('row that moved', CASE WHEN EXISTS (SELECT FROM reckoner.reattribution g"
             "   JOIN reckoner.reattribution_row c USING (provider, n)"
             "   WHERE g.provider = s.provider AND g.n = (s.act ->> 'number')::integer AND g.agreed_at IS NOT NULL"
             "   AND encode(c.row_sha256, 'hex') = s.act ->> 'row_sha256')"
             "  THEN 'kept' END, 'kept')")
        " AND s.act ->> 'kind' = 'reattribution'"
        " UNION ALL "
        KIND("months", "agreement", "agreement", "(SELECT) x ON true", "('agreement', " AGREED ", 'agreed')")
        " AND s.act ? 'agreement'"
        " ORDER BY 1, 2, 3",
             /* clang-format on */
             0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &s, &a, differences);
}
