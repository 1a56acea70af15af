#include "store/achievement.h"

static void key_args(struct pg_args *a, const struct achievement *m)
{
    pg_args_id(a, m->provider, m->contract);
    pg_arg_text(a, m->commissioner);
    pg_arg_text(a, m->indicator);
}

static const struct pg_statement unknown_indicator = {
    "achievement_unknown",
    "SELECT bool_and(NOT EXISTS (SELECT FROM jsonb_array_elements(t.body::jsonb->'cquin'->'indicators') i"
    "  WHERE i->>'id' = $3)) AS unknown"
    " FROM reckoner.terms t WHERE t.provider = $1 AND t.contract = $2 AND t.state = 'approved'",
    3};

enum pg_status achievement_unknown(struct pg *pg, const struct achievement *m, bool *unknown)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, m->provider, m->contract);
    pg_arg_text(&a, m->indicator);
    enum pg_status status = pg_run_one(pg, &unknown_indicator, &a, &r);
    if (status == PG_OK)
        *unknown = !pg_is_null(r, 0, "unknown") && pg_bool(r, 0, "unknown");
    PQclear(r);
    return status;
}

static const struct pg_statement propose = {
    "achievement_propose",
    "INSERT INTO reckoner.achievement (provider, contract, commissioner, indicator, n, numerator, denominator, "
    "evidence,"
    " disputes, proposed_side, proposed_by, proposed_at)"
    " SELECT $1, $2, $3, $4, coalesce(max(n), 0) + 1, $5, $6, $7, nullif($8::integer, 0), $9, $10, $11"
    " FROM reckoner.achievement"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND indicator = $4 RETURNING n",
    11};

enum pg_status achievement_propose(struct pg *pg, const struct achievement *m, int64_t *n)
{
    struct pg_args a;
    key_args(&a, m);
    pg_arg_i64(&a, m->numerator);
    pg_arg_i64(&a, m->denominator);
    pg_arg_text(&a, m->evidence);
    pg_arg_i64(&a, m->disputes);
    pg_arg_text(&a, m->side);
    pg_arg_text(&a, m->person);
    pg_arg_instant(&a, m->at);
    return pg_get_i64(pg, &propose, &a, n);
}

static const struct pg_statement agree = {
    "achievement_agree",
    "UPDATE reckoner.achievement SET agreed_side = $6, agreed_by = $7, agreed_at = $8"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND indicator = $4 AND n = $5 AND agreed_by IS NULL",
    8};

enum pg_status achievement_agree(struct pg *pg, const struct achievement *m)
{
    struct pg_args a;
    key_args(&a, m);
    pg_arg_i64(&a, m->n);
    pg_arg_text(&a, m->side);
    pg_arg_text(&a, m->person);
    pg_arg_instant(&a, m->at);
    enum pg_status status = PG_OK;
    int64_t changed = pg_run_count(pg, &agree, &a, &status);
    return status == PG_OK && changed == 0 ? PG_NONE : status;
}

/* FOR UPDATE OF a: the subquery cannot be locked. */
#define COLUMNS                                                                                                        \
    "SELECT a.indicator, a.n, a.numerator, a.denominator, a.evidence, a.disputes,"                                     \
    " CASE WHEN a.agreed_by IS NOT NULL THEN 'agreed' WHEN o.agreed THEN 'set_aside' WHEN o.n IS NOT NULL THEN"        \
    "  'disputed' ELSE 'proposed' END AS state, a.proposed_side, a.proposed_by,"                                       \
    " (extract(epoch FROM a.proposed_at) * 1000000)::bigint AS proposed_at, a.agreed_side, a.agreed_by,"               \
    " (extract(epoch FROM a.agreed_at) * 1000000)::bigint AS agreed_at FROM reckoner.achievement a"                    \
    " LEFT JOIN LATERAL (SELECT x.n, x.agreed_at IS NOT NULL AS agreed FROM reckoner.achievement x"                    \
    "  WHERE x.provider = a.provider AND x.contract = a.contract AND x.commissioner = a.commissioner"                  \
    "  AND x.indicator = a.indicator AND x.n <> a.n AND coalesce(x.disputes, x.n) = coalesce(a.disputes, a.n)) o"      \
    "  ON true WHERE a.provider = $1 AND a.contract = $2 AND a.commissioner = $3"

static const struct pg_statement get = {"achievement_get", COLUMNS " AND a.indicator = $4 AND a.n = $5", 5};
static const struct pg_statement get_locked = {"achievement_get_locked",
                                               COLUMNS " AND a.indicator = $4 AND a.n = $5 FOR UPDATE OF a", 5};

enum pg_status achievement_get(struct pg *pg, const struct achievement *key, bool lock, PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    pg_arg_i64(&a, key->n);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

static const struct pg_statement list = {
    "achievement_list", COLUMNS " AND (a.indicator, a.n) > ($4, $5::integer) ORDER BY a.indicator, a.n LIMIT $6", 6};

enum pg_status achievement_list(struct pg *pg, const struct achievement *after, int64_t limit, PGresult **result)
{
    struct pg_args a;
    key_args(&a, after);
    pg_arg_i64(&a, after->n);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}
