#include "store/withhold.h"

static void key_args(struct pg_args *a, const struct withhold *w)
{
    pg_args_id(a, w->provider, w->contract);
    pg_arg_text(a, w->commissioner);
    pg_arg_month(a, w->month);
    pg_arg_text(a, w->id);
}

static const struct pg_statement unknown_withhold = {
    "withhold_unknown",
    "SELECT NOT EXISTS (SELECT FROM reckoner.terms t, jsonb_array_elements(t.body::jsonb->'withholds') w"
    " WHERE t.provider = $1 AND t.contract = $2 AND t.state = 'approved' AND w->>'id' = $3) AS unknown",
    3};

enum pg_status withhold_unknown(struct pg *pg, const struct withhold *w, bool *unknown)
{
    struct pg_args a;
    pg_args_id(&a, w->provider, w->contract);
    pg_arg_text(&a, w->id);
    return pg_get_bool(pg, &unknown_withhold, &a, unknown);
}

static const struct pg_statement impose = {
    "withhold_impose",
    "INSERT INTO reckoner.withhold (provider, contract, commissioner, month, id, reason, imposed_by, imposed_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    8};

enum pg_status withhold_impose(struct pg *pg, const struct withhold *w)
{
    struct pg_args a;
    key_args(&a, w);
    pg_arg_text(&a, w->reason);
    pg_arg_text(&a, w->person);
    pg_arg_instant(&a, w->at);
    return pg_run(pg, &impose, &a, NULL);
}

#define COLUMNS                                                                                                        \
    "SELECT w.month, w.id, w.reason, w.imposed_by, (extract(epoch FROM w.imposed_at) * 1000000)::bigint"               \
    " AS imposed_at, d.decision, d.pence AS decided_pence, d.n AS agreement FROM reckoner.withhold w"                  \
    " LEFT JOIN LATERAL (SELECT x.decision, x.pence, x.n FROM reckoner.withhold_decision x"                            \
    "  JOIN reckoner.agreement g USING (provider, contract, commissioner, n) WHERE x.provider = w.provider"            \
    "  AND x.contract = w.contract AND x.commissioner = w.commissioner AND x.month = w.month AND x.withhold = w.id"    \
    "  AND g.outcome = 'agreed') d ON true"                                                                            \
    " WHERE w.provider = $1 AND w.contract = $2 AND w.commissioner = $3"

static const struct pg_statement get = {"withhold_get", COLUMNS " AND w.month = $4 AND w.id = $5", 5};

enum pg_status withhold_get(struct pg *pg, const struct withhold *key, PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    return pg_run_one(pg, &get, &a, result);
}

static const struct pg_statement list = {"withhold_list",
                                         COLUMNS " AND (w.month, w.id) > ($4, $5) ORDER BY w.month, w.id LIMIT $6", 6};

enum pg_status withhold_list(struct pg *pg, const struct withhold *after, int64_t limit, PGresult **result)
{
    struct pg_args a;
    key_args(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement counted = {
    "withhold_counted",
    "SELECT -l.pence AS pence, r.type, r.n, r.month FROM reckoner.run r JOIN reckoner.run_line l"
    " ON l.provider = r.provider AND l.run = r.id AND l.line_key = $5"
    " WHERE r.provider = $1 AND r.contract = $2 AND r.commissioner = $3 AND r.month >= $4 AND r.state = 'done'"
    " ORDER BY r.finished_at DESC LIMIT 1",
    5};

enum pg_status withhold_counted(struct pg *pg, const struct withhold *key, const char *line_key, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, key->provider, key->contract);
    pg_arg_text(&a, key->commissioner);
    pg_arg_month(&a, key->month);
    pg_arg_text(&a, line_key);
    return pg_run_one(pg, &counted, &a, result);
}
