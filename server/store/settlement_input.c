#include "store/settlement_input.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* A frozen month's pin stands for everything begun before its cutoff: what the first FREEZE took stays, whatever the
 * calendar of a later version says. Openings let later versions in beside it. An upload still being validated is
 * looked for in the same windows, so that the caller can wait for it instead of settling without it; one whose
 * validation failed is not waited for. Past the cutoff of a month without a pin, one that began in time and is still
 * arriving is waited for too: the pin would shut it out. */
static const struct pg_statement select_effective = {
    .name = "effective_submissions",
    .sql = "WITH asked AS (SELECT * FROM unnest($3::date[], $4::timestamptz[]) WITH ORDINALITY AS u(month, cutoff, "
           "place)),"
           " open AS (SELECT a.place, a.month, s.no, s.state, s.version,"
           "   coalesce(s.confirmed_at, s.begun_at) AS known_from"
           "  FROM asked a JOIN reckoner.submission s ON s.provider = $1 AND s.month = a.month"
           "   AND s.state IN ('received', 'accepted') AND coalesce(s.confirmed_at, s.begun_at) <= $5"
           "  LEFT JOIN reckoner.frozen_month f ON f.provider = $1 AND f.contract = $2 AND f.month = a.month"
           "   AND (NOT $6::boolean OR f.frozen_at <= $5)"
           "  WHERE CASE WHEN f.submission IS NULL THEN s.begun_at < a.cutoff ELSE s.no = f.submission END"
           "   OR EXISTS (SELECT FROM reckoner.window_exception x WHERE x.provider = $1 AND x.contract = $2"
           "    AND x.month = a.month AND x.decision = 'granted' AND x.decided_at <= $5"
           "    AND s.begun_at >= x.decided_at AND s.begun_at < x.closes_at)),"
           " best AS (SELECT DISTINCT ON (place) place, no, known_from FROM open WHERE state = 'accepted'"
           "  ORDER BY place, version DESC)"
           " SELECT a.place, s.no, s.id, s.version, encode(s.sha256, 'hex') AS sha256, s.bytes, s.rows, s.rule_set,"
           "  CASE WHEN s.reference IS NOT NULL THEN encode(sha256(convert_to(s.reference::text, 'UTF8')), 'hex') END"
           "   AS reference, (extract(epoch FROM b.known_from) * 1000000)::bigint AS known_from,"
           "  EXISTS (SELECT FROM open o JOIN reckoner.submission w ON w.provider = $1 AND w.no = o.no"
           "   LEFT JOIN reckoner.job j ON j.provider = $1 AND j.kind = 'validate' AND j.subject = w.id"
           "   WHERE o.place = a.place AND o.state = 'received' AND ($6 OR j.state IN ('queued', 'leased')))"
           "  OR ($6 AND EXISTS (SELECT FROM reckoner.submission w WHERE w.provider = $1 AND w.month = a.month"
           "   AND w.state = 'receiving' AND w.begun_at <= $5 AND w.receiving_until > clock_timestamp()))"
           "  OR (a.cutoff <= $5 AND EXISTS (SELECT FROM reckoner.submission w WHERE w.provider = $1"
           "   AND w.month = a.month AND w.state = 'receiving' AND w.begun_at < a.cutoff"
           "   AND w.receiving_until > clock_timestamp())"
           "   AND NOT EXISTS (SELECT FROM reckoner.frozen_month f WHERE f.provider = $1 AND f.contract = $2"
           "   AND f.month = a.month)) AS waits"
           " FROM asked a LEFT JOIN best b USING (place)"
           " LEFT JOIN reckoner.submission s ON s.provider = $1 AND s.no = b.no ORDER BY a.place",
    .parameters = 6,
};

/* Array literals of the two lists; 12 months fit with room to spare. */
static bool write_lists(const struct month_cutoff *cutoffs, size_t count, struct buf *months, struct buf *instants)
{
    bool ok = buf_append_char(months, '{') && buf_append_char(instants, '{');
    for (size_t i = 0; ok && i < count; i++) {
        char date[11];
        char instant[28];
        date_format(month_first(cutoffs[i].month), date);
        instant_format(cutoffs[i].cutoff, instant);
        ok = buf_append_format(months, "%s%s", i == 0 ? "" : ",", date) &&
             buf_append_format(instants, "%s\"%s\"", i == 0 ? "" : ",", instant);
    }
    return ok && buf_append_char(months, '}') && buf_append_char(instants, '}');
}

void effective_submission_read(const PGresult *r, int row, struct effective_submission *s)
{
    s->no = pg_i64(r, row, "no");
    snprintf(s->id, sizeof s->id, "%s", pg_text(r, row, "id"));
    s->version = pg_i64(r, row, "version");
    snprintf(s->sha256, sizeof s->sha256, "%s", pg_text(r, row, "sha256"));
    s->bytes = pg_i64(r, row, "bytes");
    s->rows = pg_i64(r, row, "rows");
    snprintf(s->rule_set, sizeof s->rule_set, "%s", pg_text(r, row, "rule_set"));
    snprintf(s->reference, sizeof s->reference, "%s", pg_text(r, row, "reference"));
    s->known_from = pg_instant(r, row, "known_from");
}

static enum pg_status find_effective(struct pg *pg, const char *provider, const char *contract,
                                     const struct month_cutoff *cutoffs, size_t count, instant_t known_at,
                                     bool as_known, struct effective_submission *out)
{
    struct buf months;
    struct buf instants;
    struct pg_args a;
    PGresult *r = NULL;
    enum pg_status status = PG_FAILED;
    buf_init(&months, 1024);
    buf_init(&instants, 1024);
    if (write_lists(cutoffs, count, &months, &instants)) {
        pg_args_id(&a, provider, contract);
        pg_arg_text(&a, months.data);
        pg_arg_text(&a, instants.data);
        pg_arg_instant(&a, known_at);
        pg_arg_bool(&a, as_known);
        status = pg_run(pg, &select_effective, &a, &r);
    }
    if (status == PG_OK && PQntuples(r) != (int)count)
        status = PG_FAILED;
    for (size_t i = 0; status == PG_OK && i < count; i++) {
        memset(&out[i], 0, sizeof out[i]);
        out[i].month = cutoffs[i].month;
        out[i].waits = pg_bool(r, (int)i, "waits");
        if (!pg_is_null(r, (int)i, "no"))
            effective_submission_read(r, (int)i, &out[i]);
    }
    PQclear(r);
    buf_free(&months);
    buf_free(&instants);
    return status;
}

enum pg_status effective_submissions(struct pg *pg, const char *provider, const char *contract,
                                     const struct month_cutoff *cutoffs, size_t count, instant_t known_at,
                                     struct effective_submission *out)
{
    return find_effective(pg, provider, contract, cutoffs, count, known_at, false, out);
}

enum pg_status effective_submissions_as_known(struct pg *pg, const char *provider, const char *contract,
                                              const struct month_cutoff *cutoffs, size_t count, instant_t known_at,
                                              struct effective_submission *out)
{
    return find_effective(pg, provider, contract, cutoffs, count, known_at, true, out);
}

static const struct pg_statement insert_frozen = {
    .name = "freeze_month",
    .sql = "INSERT INTO reckoner.frozen_month (provider, contract, month, submission, frozen_at, review_periods)"
           " VALUES ($1, $2, $3, $4, $5, decode($6, 'hex')) ON CONFLICT (provider, contract, month) DO NOTHING",
    .parameters = 6,
};

enum pg_status freeze_month(struct pg *pg, const char *provider, const char *contract, month_t month,
                            int64_t submission, const char *reviews, instant_t frozen_at)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, month);
    pg_arg_i64(&a, submission);
    pg_arg_instant(&a, frozen_at);
    pg_arg_text(&a, reviews);
    return pg_run(pg, &insert_frozen, &a, NULL);
}

static const struct pg_statement select_achievements = {
    .name = "agreed_achievements",
    .sql = "WITH known AS (SELECT indicator, n, numerator, denominator, disputes, proposed_at,"
           "  CASE WHEN agreed_at <= $4 THEN agreed_at END AS agreed_at FROM reckoner.achievement"
           "  WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND proposed_at <= $4)"
           " SELECT DISTINCT ON (k.indicator) k.indicator, k.numerator, k.denominator, k.agreed_at IS NULL AS disputed,"
           "  (extract(epoch FROM coalesce(k.agreed_at, d.proposed_at)) * 1000000)::bigint AS agreed_at"
           " FROM known k LEFT JOIN known d ON d.indicator = k.indicator AND d.disputes = k.n AND d.agreed_at IS NULL"
           " WHERE k.agreed_at IS NOT NULL OR d.n IS NOT NULL"
           " ORDER BY k.indicator, k.agreed_at DESC NULLS LAST, k.n DESC",
    .parameters = 4,
};

enum pg_status agreed_achievements(struct pg *pg, const struct account_key *account, instant_t known_at,
                                   PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_instant(&a, known_at);
    return pg_run(pg, &select_achievements, &a, result);
}

static const struct pg_statement select_known = {
    .name = "account_known_until",
    .sql = "SELECT (extract(epoch FROM greatest("
           "(SELECT max(known_from) FROM reckoner.terms WHERE provider = $1 AND contract = $2 AND state = 'approved'),"
           " (SELECT max(agreed_at) FROM reckoner.achievement WHERE provider = $1 AND contract = $2"
           "  AND commissioner = $3),"
           " (SELECT max(closed_at) FROM reckoner.agreement WHERE provider = $1 AND contract = $2"
           "  AND commissioner = $3 AND outcome = 'agreed'),"
           " (SELECT max(imposed_at) FROM reckoner.withhold WHERE provider = $1 AND contract = $2"
           "  AND commissioner = $3),"
           " (SELECT max(greatest(raised_at, closed_at)) FROM reckoner.challenge WHERE provider = $1 AND contract = $2"
           "  AND commissioner = $3),"
           " (SELECT max(g.agreed_at) FROM reckoner.reattribution g JOIN reckoner.account a"
           "  ON a.provider = g.provider AND a.financial_year = g.financial_year AND a.contract = $2"
           "  AND a.commissioner = $3 WHERE g.provider = $1 AND $3 IN (g.from_commissioner, g.to_commissioner)),"
           " (SELECT max(coalesce(s.confirmed_at, s.begun_at)) FROM reckoner.submission s"
           "  JOIN reckoner.account a ON a.provider = s.provider AND a.contract = $2 AND a.commissioner = $3"
           "  WHERE s.provider = $1 AND s.state = 'accepted' AND s.month >= make_date(a.financial_year, 4, 1)"
           "  AND s.month < make_date(a.financial_year + 1, 4, 1)))) * 1000000)::bigint AS until",
    .parameters = 3,
};

enum pg_status account_known_until(struct pg *pg, const struct account_key *account, instant_t *until)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_known, &a, &r);
    if (status != PG_OK)
        return status;
    *until = pg_is_null(r, 0, "until") ? INT64_MIN : pg_instant(r, 0, "until");
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_accounts = {
    .name = "contract_accounts",
    .sql = "SELECT commissioner FROM reckoner.account WHERE provider = $1 AND contract = $2 ORDER BY commissioner",
    .parameters = 2,
};

enum pg_status contract_accounts(struct pg *pg, const char *provider, const char *contract, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    return pg_run(pg, &select_accounts, &a, result);
}

static const struct pg_statement select_settled = {
    .name = "settled_months",
    .sql = "SELECT DISTINCT month FROM reckoner.run WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND state = 'done' AND type IN ('FREEZE', 'R', 'FINAL', 'DISPUTE') ORDER BY month",
    .parameters = 3,
};

enum pg_status settled_months(struct pg *pg, const struct account_key *account, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &select_settled, &a, result);
}
