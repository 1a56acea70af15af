#include "store/certificate.h"

enum pg_status certificate_candidates(struct pg *pg, instant_t now, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "certificate_candidates",
        "SELECT c.provider, c.id AS contract, m.month::date AS month FROM reckoner.contract c"
        " CROSS JOIN LATERAL generate_series(make_date(c.financial_year, 4, 1)::timestamp,"
        "  make_date(c.financial_year + 1, 3, 1)::timestamp, interval '1 month') AS m(month)"
        " WHERE m.month + interval '1 month' <= $1::timestamptz AT TIME ZONE 'UTC'"
        " AND EXISTS (SELECT FROM reckoner.terms t WHERE t.provider = c.provider AND t.contract = c.id"
        "  AND t.state = 'approved' AND t.effective_from <= m.month)"
        " AND NOT EXISTS (SELECT FROM reckoner.freeze_certificate f WHERE f.provider = c.provider"
        "  AND f.contract = c.id AND f.month = m.month) ORDER BY m.month, c.provider, c.id LIMIT $2",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_instant(&a, now);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status certificate_waits(struct pg *pg, const char *provider, month_t month, instant_t closed_at, bool *waits)
{
    static const struct pg_statement s = {
        "certificate_waits",
        "SELECT EXISTS (SELECT FROM reckoner.submission WHERE provider = $1 AND month = $2 AND begun_at < $3"
        " AND state IN ('receiving', 'received')) AS waits",
        3};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_instant(&a, closed_at);
    return pg_get_bool(pg, &s, &a, waits);
}

enum pg_status certificate_versions(struct pg *pg, const char *provider, month_t month, instant_t closed_at,
                                    PGresult **result)
{
    static const struct pg_statement s = {
        "certificate_versions",
        "SELECT version, id AS submission, state, encode(sha256, 'hex') AS sha256, bytes, rows,"
        " " PG_INSTANT("begun_at") " AS begun_at, " PG_INSTANT(
            "completed_at") " AS completed_at FROM reckoner.submission"
                            " WHERE provider = $1 AND month = $2 AND begun_at < $3 AND version IS NOT NULL ORDER BY "
                            "version",
        3};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_instant(&a, closed_at);
    return pg_run(pg, &s, &a, result);
}

enum pg_status certificate_insert(struct pg *pg, const struct certificate *c)
{
    static const struct pg_statement s = {
        "certificate_insert",
        "INSERT INTO reckoner.freeze_certificate (provider, contract, month, closed_at,"
        " versions, record) VALUES ($1, $2, $3, $4, $5, $6)",
        6};
    struct pg_args a;
    pg_args_id(&a, c->provider, c->contract);
    pg_arg_month(&a, c->month);
    pg_arg_instant(&a, c->closed_at);
    pg_arg_i64(&a, c->versions);
    pg_arg_text(&a, c->record);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status certificate_list(struct pg *pg, const char *provider, const char *contract, month_t month, month_t after,
                                int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "certificate_list",
        "SELECT c.month, " PG_INSTANT(
            "c.closed_at") " AS closed_at, c.versions, c.record, s.key_id AS key,"
                           " " PG_INSTANT(
                               "s.sealed_at") " AS sealed_at, encode(s.sha256, 'hex') AS sha256 FROM "
                                              "reckoner.freeze_certificate c"
                                              " JOIN reckoner.signed_record s ON s.provider = c.provider AND "
                                              "s.id = c.record"
                                              " WHERE c.provider = $1 AND c.contract = $2 AND ($3::date IS NULL "
                                              "OR c.month = $3) AND ($4::date IS NULL OR c.month > $4)"
                                              " ORDER BY c.month LIMIT $5",
        5};
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, month);
    pg_arg_month(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}
