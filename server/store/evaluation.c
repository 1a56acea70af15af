#include "store/evaluation.h"

enum pg_status evaluation_accounts(struct pg *pg, const char *provider, month_t month, instant_t known_at,
                                   PGresult **result)
{
    static const struct pg_statement s = {
        "evaluation_accounts",
        "SELECT a.contract, a.commissioner, t.version, encode(t.digest, 'hex') AS digest, t.body FROM reckoner.account "
        "a"
        " LEFT JOIN LATERAL (SELECT version, digest, body FROM reckoner.terms"
        "  WHERE provider = a.provider AND contract = a.contract AND state = 'approved' AND effective_from <= $2"
        "  AND known_from <= $4 ORDER BY known_from DESC, version DESC LIMIT 1) t ON true"
        " WHERE a.provider = $1 AND a.financial_year = $3 ORDER BY a.contract, a.commissioner",
        4};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_i64(&a, month_financial_year(month));
    pg_arg_instant(&a, known_at);
    return pg_run(pg, &s, &a, result);
}

/* $1 provider, $2 submission, $3 now. */
#define OF_DAYS_BEFORE                                                                                                 \
    "reckoner.evaluated WHERE provider = $1 AND submission = $2"                                                       \
    " AND (evaluated_at AT TIME ZONE 'Europe/London')::date < ($3::timestamptz AT TIME ZONE 'Europe/London')::date"

/* Only the last evaluation of a day was known at its end. */
static enum pg_status clear_evaluations(struct pg *pg, const char *provider, int64_t submission, instant_t at)
{
    static const struct pg_statement clear[] = {
        {"evaluation_clear_finding",
         "DELETE FROM reckoner.finding WHERE provider = $1 AND submission = $2 AND evaluation > 0"
         " AND evaluation NOT IN (SELECT evaluation FROM " OF_DAYS_BEFORE ")",
         3},
        {"evaluation_clear_evaluated",
         "DELETE FROM reckoner.evaluated WHERE provider = $1 AND submission = $2"
         " AND evaluation NOT IN (SELECT evaluation FROM " OF_DAYS_BEFORE ")",
         3},
        {"evaluation_clear_severity",
         "DELETE FROM reckoner.severity WHERE provider = $1 AND submission = $2 AND $3::timestamptz IS NOT NULL", 3},
    };
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_instant(&a, at);
    enum pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < sizeof clear / sizeof clear[0]; i++)
        status = pg_run(pg, &clear[i], &a, NULL);
    return status;
}

enum pg_status evaluation_begin(struct pg *pg, const char *provider, int64_t submission, instant_t at,
                                int64_t *evaluation)
{
    static const struct pg_statement count = {
        "evaluation_count",
        "WITH counted AS (UPDATE reckoner.submission SET evaluation = evaluation + 1"
        "  WHERE provider = $1 AND no = $2 RETURNING provider, no, evaluation)"
        " INSERT INTO reckoner.evaluated (provider, submission, evaluation, evaluated_at)"
        " SELECT provider, no, evaluation, $3 FROM counted RETURNING evaluation",
        3};
    struct pg_args a;
    enum pg_status status = clear_evaluations(pg, provider, submission, at);
    if (status != PG_OK)
        return status;
    pg_args_number(&a, provider, submission);
    pg_arg_instant(&a, at);
    return pg_get_i64(pg, &count, &a, evaluation);
}

enum pg_status evaluation_add_severity(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                                       const char *commissioner, const char *rule, const char *severity)
{
    static const struct pg_statement s = {
        "evaluation_add_severity",
        "WITH added AS (INSERT INTO reckoner.severity (provider, submission, commissioner, rule, severity)"
        "  VALUES ($1, $2, $3, $4, $5) RETURNING provider, submission, commissioner, rule, severity)"
        " INSERT INTO reckoner.severity_known (provider, submission, evaluation, commissioner, rule, severity)"
        " SELECT provider, submission, $6, commissioner, rule, severity FROM added",
        6};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_text(&a, commissioner);
    pg_arg_text(&a, rule);
    pg_arg_text(&a, severity);
    pg_arg_i64(&a, evaluation);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status evaluation_add_unused(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                                     const char *commissioner, int64_t used, uint64_t aside)
{
    /* Grouped, not joined: rows loaded a moment ago have no statistics, and a join that is planned for a few rows takes
     * hours for twenty thousand. */
    static const struct pg_statement s = {
        "evaluation_add_unused",
        "INSERT INTO reckoner.finding (provider, submission, row_no, rule, evaluation, episode_id, commissioner,"
        " cluster, field, value)"
        " SELECT $1, $2, u.row_no, 'W01', $3, u.episode_id, u.commissioner, u.cluster, 'month', ''"
        " FROM (SELECT min(e.row_no) AS row_no, e.episode_id, e.commissioner, e.cluster"
        "  FROM reckoner.episode e"
        "  WHERE e.provider = $1 AND e.submission IN ($2, $5) AND e.commissioner = $4"
        "  GROUP BY e.episode_id, e.commissioner, e.patient, e.cluster, e.service, e.start_date, e.end_date,"
        "   e.mhct_date, e.referral_date, e.last_contact, e.mhct_reason, e.admitted_days, e.assessment_only, "
        "e.continues, e.approved,"
        "   e.minor, e.failed & ~$6::bigint"
        "  HAVING NOT bool_or(e.submission = $5)) u",
        6};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, evaluation);
    pg_arg_text(&a, commissioner);
    pg_arg_i64(&a, used);
    pg_arg_i64(&a, (int64_t)aside);
    return pg_run(pg, &s, &a, NULL);
}
