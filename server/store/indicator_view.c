#include "store/indicator_view.h"

static enum pg_status of_submission(struct pg *pg, const struct pg_statement *s, const char *provider,
                                    int64_t submission, PGresult **result)
{
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, s, &a, result);
}

enum pg_status indicator_readable(struct pg *pg, const char *provider)
{
    static const struct pg_statement s = {"indicator_readable",
                                          "SELECT 1 WHERE $1 = ANY (reckoner.measured_providers())", 1};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    PQclear(r);
    return status;
}

enum pg_status indicator_month(struct pg *pg, const char *provider, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "indicator_month",
        "SELECT s.no, s.id, s.version, s.rows, s.caseload, i.too_many_services,"
        " s.reference ->> 'reference_prices' AS reference_prices, s.reference ->> 'allocation_grid' AS allocation_grid,"
        " v.accepted, v.late FROM reckoner.submission s"
        " JOIN reckoner.indicator_set i ON i.provider = s.provider AND i.submission = s.no"
        " CROSS JOIN LATERAL (SELECT count(*) AS accepted, count(*) FILTER (WHERE o.late) AS late"
        "  FROM reckoner.submission x LEFT JOIN reckoner.indicator_set o ON o.provider = x.provider"
        "   AND o.submission = x.no WHERE x.provider = $1 AND x.month = $2 AND x.state = 'accepted') v"
        " WHERE s.provider = $1 AND s.no = reckoner.current_submission($1, $2)",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status indicator_list(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {"indicator_list",
                                          "SELECT whole, service, indicator, numerator, denominator"
                                          " FROM reckoner.indicator WHERE provider = $1 AND submission = $2"
                                          " ORDER BY whole DESC, service COLLATE \"C\"",
                                          2};
    return of_submission(pg, &s, provider, submission, result);
}

enum pg_status indicator_mix(struct pg *pg, const char *provider, int64_t submission, int64_t before, PGresult **result)
{
    static const struct pg_statement s = {
        "indicator_mix",
        /* Where the episodes of the earlier one are hidden, so is what their days cost. */
        "SELECT d.whole, d.service, coalesce(sum(d.days) FILTER (WHERE d.submission = $2), 0)::bigint AS days,"
        " coalesce(sum(d.days * p.pence_per_day) FILTER (WHERE d.submission = $2), 0)::bigint AS pence,"
        " coalesce(sum(d.days) FILTER (WHERE d.submission = $3), 0)::bigint AS days_before,"
        " coalesce(sum(d.days * p.pence_per_day) FILTER (WHERE d.submission = $3), 0)::bigint AS pence_before"
        " FROM reckoner.indicator_days d JOIN reckoner.indicator_price p ON p.provider = d.provider"
        "  AND p.submission = $2 AND p.cluster = d.cluster"
        " WHERE d.provider = $1 AND (d.submission = $2 OR (d.submission = $3 AND EXISTS (SELECT FROM "
        "reckoner.indicator i"
        "  WHERE i.provider = $1 AND i.submission = $3 AND i.whole = d.whole AND i.service = d.service"
        "  AND i.indicator = 'cluster_00' AND i.denominator IS NOT NULL))) GROUP BY d.whole, d.service"
        " ORDER BY d.whole DESC, d.service COLLATE \"C\"",
        3};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, before);
    return pg_run(pg, &s, &a, result);
}

enum pg_status indicator_clusters_list(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {
        "indicator_clusters",
        "SELECT c.cluster, c.episodes, c.days, c.admitted_days, c.length_lower, c.length_median, c.length_upper,"
        " c.value_lower, c.value_median, c.value_upper, p.pence_per_day, p.ward_pence_per_day"
        " FROM reckoner.indicator_cluster c LEFT JOIN reckoner.indicator_price p ON p.provider = c.provider"
        "  AND p.submission = c.submission AND p.cluster = c.cluster"
        " WHERE c.provider = $1 AND c.submission = $2 ORDER BY c.cluster",
        2};
    return of_submission(pg, &s, provider, submission, result);
}

enum pg_status indicator_thresholds(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {
        "indicator_thresholds",
        "SELECT threshold, ppm FROM reckoner.indicator_threshold WHERE provider = $1 AND submission = $2", 2};
    return of_submission(pg, &s, provider, submission, result);
}

enum pg_status indicator_peers(struct pg *pg, const char *provider, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "indicator_peers", "SELECT indicator, peers, lower, median, upper FROM reckoner.peer_figures($1, $2)", 2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run(pg, &s, &a, result);
}

enum pg_status peer_consent_get(struct pg *pg, const char *provider, PGresult **result)
{
    static const struct pg_statement s = {
        "peer_consent_get",
        "SELECT given_by, (extract(epoch FROM given_at) * 1000000)::bigint AS given_at"
        " FROM reckoner.peer_consent WHERE provider = $1",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status peer_consent_give(struct pg *pg, const char *provider, const char *person, instant_t at, bool *changed)
{
    static const struct pg_statement s = {"peer_consent_give",
                                          "INSERT INTO reckoner.peer_consent (provider, given_by, given_at)"
                                          " VALUES ($1, $2, $3) ON CONFLICT (provider) DO NOTHING",
                                          3};
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_id(&a, provider, person);
    pg_arg_instant(&a, at);
    int64_t written = pg_run_count(pg, &s, &a, &status);
    *changed = written == 1;
    return status;
}

enum pg_status peer_consent_withdraw(struct pg *pg, const char *provider, bool *changed)
{
    static const struct pg_statement s = {"peer_consent_withdraw",
                                          "DELETE FROM reckoner.peer_consent WHERE provider = $1", 1};
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    int64_t removed = pg_run_count(pg, &s, &a, &status);
    *changed = removed == 1;
    return status;
}

enum pg_status uncontracted_list(struct pg *pg, const char *provider, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "uncontracted_list",
        "SELECT u.commissioner, o.name, u.terms_missing, u.rows, u.days, u.admitted_days, u.pence, u.unpriced_rows"
        " FROM reckoner.uncontracted u LEFT JOIN reckoner.organisation o ON o.code = u.commissioner"
        " WHERE u.provider = $1 AND u.submission = reckoner.current_submission($1, $2)"
        " ORDER BY u.pence DESC, u.commissioner COLLATE \"C\"",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run(pg, &s, &a, result);
}

enum pg_status uncontracted_known(struct pg *pg, const char *provider, month_t month, bool *accepted)
{
    static const struct pg_statement s = {"uncontracted_known",
                                          "SELECT reckoner.current_submission($1, $2) IS NOT NULL AS accepted"
                                          " FROM reckoner.organisation WHERE code = $1 AND kind = 'provider'",
                                          2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_get_bool(pg, &s, &a, accepted);
}

enum pg_status readiness_contracts(struct pg *pg, const char *provider, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "readiness_contracts",
        "WITH f AS (SELECT c.provider, c.id, c.mode, t.body::jsonb AS terms,"
        "  (SELECT count(*) FROM reckoner.account a WHERE a.provider = c.provider AND a.contract = c.id) AS accounts"
        "  FROM reckoner.contract c LEFT JOIN LATERAL (SELECT x.body FROM reckoner.terms x"
        "   WHERE x.provider = c.provider AND x.contract = c.id AND x.state = 'approved' AND x.effective_from <= $2"
        "   ORDER BY x.known_from DESC, x.version DESC LIMIT 1) t ON true"
        "  WHERE c.provider = $1 AND c.financial_year = extract(year FROM $2::date - interval '3 months')::integer),"
        " p AS (SELECT DISTINCT f.id, x ->> 'cluster' AS cluster FROM f, jsonb_array_elements(f.terms -> 'prices') x"
        "  WHERE x ->> 'basis' <> 'ASSESSMENT'),"
        " n AS (SELECT DISTINCT f.id, x ->> 'cluster' AS cluster"
        "  FROM f, jsonb_array_elements(f.terms -> 'plan' -> 'lines') x),"
        " h AS (SELECT DISTINCT ON (x.contract, x.cluster, x.basis, x.scope) x.confidence FROM reckoner.price_track x"
        "  JOIN f ON f.id = x.contract WHERE x.provider = $1"
        "  ORDER BY x.contract, x.cluster, x.basis, x.scope, x.n DESC),"
        " c AS (SELECT outcome FROM reckoner.challenge WHERE provider = $1 AND month = $2),"
        " d AS (SELECT r.cluster, (SELECT t.cluster FROM reckoner.audit_sample_rating t WHERE t.provider = r.provider"
        "   AND t.sample = r.sample AND t.pick = r.pick ORDER BY t.n DESC LIMIT 1) AS second"
        "  FROM reckoner.audit_sample a JOIN reckoner.audit_sample_row r ON r.provider = a.provider AND r.sample = a.id"
        "  WHERE a.provider = $1 AND a.state = 'closed' AND r.month = $2)"
        " SELECT count(*) AS contracts, count(terms) AS agreed,"
        " count(*) FILTER (WHERE terms IS NOT NULL AND mode = 'shadow') AS shadow,"
        " count(*) FILTER (WHERE terms ? 'risk_share') AS risk_share,"
        " count(*) FILTER (WHERE terms IS NOT NULL AND accounts > 1) AS several_commissioners,"
        " count(*) FILTER (WHERE terms ? 'cquin') AS cquin,"
        " count(*) FILTER (WHERE terms -> 'rules' ? 'out_of_scope_services') AS scope,"
        " count(*) FILTER (WHERE terms -> 'rules' ? 'prior_approval') AS prior_approval,"
        " count(*) FILTER (WHERE terms -> 'rules' ? 'stop_pay_when_overdue') AS stop_pay,"
        " 21 * count(terms) AS clusters_to_price, (SELECT count(*) FROM p) AS priced_clusters,"
        " (SELECT count(*) FROM p WHERE (id, cluster) IN (SELECT id, cluster FROM n)) AS planned_clusters,"
        " (SELECT count(*) FROM h) AS tracked, (SELECT count(*) FROM h WHERE confidence = 'high') AS confident,"
        " (SELECT count(*) FROM c) AS challenged, (SELECT count(outcome) FROM c) AS closed,"
        " (SELECT count(*) FROM c WHERE outcome IN ('accepted', 'split')) AS upheld,"
        " (SELECT count(second) FROM d) AS rated, (SELECT count(*) FROM d WHERE second = cluster) AS agreeing FROM f",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run_one(pg, &s, &a, result);
}
