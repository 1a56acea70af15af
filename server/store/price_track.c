#include "store/price_track.h"

static void who_args(struct pg_args *a, const struct price_entry *e)
{
    pg_args_id(a, e->provider, e->contract);
    pg_arg_text(a, e->organisation);
    pg_arg_text(a, e->person);
    pg_arg_instant(a, e->at);
}

enum pg_status price_track_add(struct pg *pg, const struct price_entry *e, int64_t *n)
{
    static const struct pg_statement s = {
        "price_track_add",
        "INSERT INTO reckoner.price_track (provider, contract, organisation, person, at, cluster, basis, scope, n,"
        " before_step, stage, pence, source, confidence, note)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, coalesce(l.n, 0) + 1, l.step, $9, $10, $11, $12, $13"
        " FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT t.n, t.step FROM reckoner.price_track t WHERE t.provider = $1"
        "  AND t.contract = $2 AND t.cluster = $6 AND t.basis = $7 AND t.scope = $8 ORDER BY t.n DESC LIMIT 1) l"
        "  ON true RETURNING n",
        13};
    struct pg_args a;
    who_args(&a, e);
    pg_arg_text(&a, e->cluster);
    pg_arg_text(&a, e->basis);
    pg_arg_text(&a, e->scope);
    pg_arg_text(&a, e->stage);
    pg_arg_i64(&a, e->pence);
    pg_arg_text(&a, e->source);
    pg_arg_text(&a, e->confidence);
    pg_arg_text(&a, e->note);
    return pg_get_i64(pg, &s, &a, n);
}

enum pg_status price_track_agreed(struct pg *pg, const struct price_entry *who, int64_t version)
{
    static const struct pg_statement s = {
        "price_track_agreed",
        "WITH price AS (SELECT DISTINCT ON (cluster, basis, scope) * FROM (SELECT p.at, p.v->>'cluster' AS cluster,"
        "  p.v->>'basis' AS basis, (p.v->>'pence')::bigint AS pence, CASE t.mode WHEN 'shadow' THEN 'shadow'"
        "  ELSE 'contract' END AS stage, replace(concat_ws(', ', 'associate ' || (p.v->>'commissioner'),"
        "  'service ' || (p.v->>'service'), 'from ' || (p.v->>'from'), 'to ' || (p.v->>'to'),"
        "  'per ' || (p.v->>'period_days') || ' days'), '/', '-') AS scope"
        "  FROM reckoner.terms t, jsonb_array_elements(t.body::jsonb->'prices') WITH ORDINALITY p (v, at)"
        "  WHERE t.provider = $1 AND t.contract = $2 AND t.version = $6) x ORDER BY cluster, basis, scope, at),"
        " last AS (SELECT DISTINCT ON (cluster, basis, scope) cluster, basis, scope, n, step, stage, pence"
        "  FROM reckoner.price_track WHERE provider = $1 AND contract = $2 ORDER BY cluster, basis, scope, n DESC)"
        " INSERT INTO reckoner.price_track (provider, contract, organisation, person, at, version, cluster, basis, "
        "scope,"
        "  n, before_step, stage, pence, source, confidence)"
        " SELECT $1, $2, $3, $4, $5, $6::integer, p.cluster, p.basis, p.scope, coalesce(l.n, 0) + 1, l.step, p.stage,"
        "  p.pence, 'version ' || $6::text || ' of the terms', 'high'"
        " FROM price p LEFT JOIN last l USING (cluster, basis, scope)"
        " WHERE l.n IS NULL OR (l.stage, l.pence) <> (p.stage, p.pence)",
        6};
    struct pg_args a;
    who_args(&a, who);
    pg_arg_i64(&a, version);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status price_track_list(struct pg *pg, const struct price_entry *after, const char *cluster, int64_t limit,
                                PGresult **result)
{
    static const struct pg_statement s = {
        "price_track_list",
        "SELECT cluster, basis, scope, n, stage, pence, source, confidence, note, version, organisation, person,"
        " (extract(epoch FROM at) * 1000000)::bigint AS at FROM reckoner.price_track WHERE provider = $1"
        " AND contract = $2 AND ($3::text IS NULL OR cluster = $3) AND (cluster, basis, n, scope) > ($4, $5, $6, $7)"
        " ORDER BY cluster, basis, n, scope LIMIT $8",
        8};
    struct pg_args a;
    pg_args_id(&a, after->provider, after->contract);
    pg_arg_text(&a, cluster);
    pg_arg_text(&a, after->cluster);
    pg_arg_text(&a, after->basis);
    pg_arg_i64(&a, after->n);
    pg_arg_text(&a, after->scope);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}
