#include "store/row_act.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define OF_ACCOUNT "c.provider = $1 AND c.contract = $2 AND c.commissioner = $3"
#define KNOWN_OPEN OF_ACCOUNT " AND c.raised_at <= $4 AND (c.closed_at IS NULL OR c.closed_at > $4)"
#define COUNTER    "c.counter_cluster, c.counter_days, c.counter_unpayable"

enum pg_status row_decisions(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "row_decisions",
        "SELECT DISTINCT ON (c.month, c.episode_id, d.row_sha256, c.counter_cluster IS NULL) number, c.month,"
        " c.episode_id,"
        " encode(d.row_sha256, 'hex') AS row_sha256, " COUNTER ", (extract(epoch FROM d.decided_at) * 1000000)::bigint"
        " AS decided_at FROM reckoner.decision d JOIN reckoner.challenge_row c USING (provider, contract, commissioner,"
        " number, episode_id) WHERE " OF_ACCOUNT " AND d.decided_at <= $4"
        " ORDER BY c.month, c.episode_id, d.row_sha256, c.counter_cluster IS NULL, d.decided_at DESC, number DESC",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

enum pg_status open_challenges(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "open_challenges",
        "SELECT c.number, c.month, c.claimed_pence, c.billed, (extract(epoch FROM c.raised_at) * 1000000)::bigint"
        " AS raised_at, (SELECT encode(sha256(convert_to(string_agg(concat_ws('/', encode(k.sha256, 'hex'),"
        "  r.counter_cluster, r.counter_days, r.counter_unpayable), ' ' ORDER BY k.sha256), 'UTF8')), 'hex')"
        "  FROM reckoner.challenge_row r CROSS JOIN reckoner.challenge_row_known(r, $4) AS k (sha256)"
        "  WHERE r.provider = c.provider AND r.contract = c.contract"
        "  AND r.commissioner = c.commissioner AND r.number = c.number) AS sha256"
        " FROM reckoner.challenge c WHERE " KNOWN_OPEN " ORDER BY c.number",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

enum pg_status open_challenge_rows(struct pg *pg, const struct account_key *account, instant_t known_at,
                                   PGresult **result)
{
    static const struct pg_statement s = {
        "open_challenge_rows",
        "SELECT r.number, r.month, r.episode_id, r.counter_cluster, r.counter_days, r.counter_unpayable"
        " FROM reckoner.challenge c JOIN reckoner.challenge_row r USING (provider, contract, commissioner, number)"
        " WHERE " KNOWN_OPEN " ORDER BY r.number, r.episode_id",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

/* Of one row several acts may have been agreed, from one commissioner to the next. */
enum pg_status row_moves(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "row_moves",
        "WITH acts AS (SELECT r.n, r.month, r.episode_id, r.row_sha256, g.from_commissioner, g.to_commissioner,"
        "  g.agreed_at FROM reckoner.account a JOIN reckoner.reattribution g ON g.provider = a.provider"
        "  AND g.financial_year = a.financial_year AND g.agreed_at <= $4"
        "  JOIN reckoner.reattribution_row r ON r.provider = g.provider AND r.n = g.n"
        "  WHERE a.provider = $1 AND a.contract = $2 AND a.commissioner = $3)"
        " SELECT DISTINCT ON (month, episode_id, row_sha256) n AS number, month, episode_id,"
        " encode(row_sha256, 'hex') AS row_sha256, to_commissioner, (extract(epoch FROM agreed_at) * 1000000)::bigint"
        " AS agreed_at FROM acts WHERE (month, episode_id) IN (SELECT month, episode_id FROM acts"
        "  WHERE $3 IN (from_commissioner, to_commissioner))"
        " ORDER BY month, episode_id, row_sha256, acts.agreed_at DESC, n DESC",
        4};
    return pg_run_known(pg, &s, account, known_at, result);
}

/* Array literals of months and submission numbers, of the months that have one. */
static bool write_months(const struct effective_submission *submissions, size_t count, struct buf *months,
                         struct buf *numbers)
{
    const char *comma = "";
    bool ok = buf_append_char(months, '{') && buf_append_char(numbers, '{');
    for (size_t i = 0; ok && i < count; i++) {
        char date[11];
        if (submissions[i].no == 0)
            continue;
        date_format(month_first(submissions[i].month), date);
        ok = buf_append_format(months, "%s%s", comma, date) &&
             buf_append_format(numbers, "%s%lld", comma, (long long)submissions[i].no);
        comma = ",";
    }
    return ok && buf_append_char(months, '}') && buf_append_char(numbers, '}');
}

struct month_lists {
    struct buf months;
    struct buf numbers;
    bool made;
};

static void lists_make(struct month_lists *l, const struct effective_submission *submissions, size_t count)
{
    buf_init(&l->months, 1024);
    buf_init(&l->numbers, 1024);
    l->made = write_months(submissions, count, &l->months, &l->numbers);
}

static void lists_free(struct month_lists *l)
{
    buf_free(&l->months);
    buf_free(&l->numbers);
}

/* The rows as they are now, of those that were ever challenged. */
#define ROWS_NOW                                                                                                       \
    "reckoner.episode e JOIN unnest($4::date[], $5::bigint[]) AS m (month, submission)"                                \
    " ON e.provider = $1 AND e.submission = m.submission WHERE e.commissioner = $3"                                    \
    " AND (m.month, e.episode_id) IN (SELECT c.month, c.episode_id FROM reckoner.challenge_row c WHERE " OF_ACCOUNT    \
    ")"

/* The rows as they are now, of those that were ever challenged or moved. */
#define ROWS_TOUCHED                                                                                                   \
    "reckoner.episode e JOIN unnest($4::date[], $5::bigint[]) AS m (month, submission)"                                \
    " ON e.provider = $1 AND e.submission = m.submission WHERE (m.month, e.commissioner, e.episode_id) IN"             \
    " (SELECT c.month, c.commissioner, c.episode_id FROM reckoner.challenge_row c WHERE " OF_ACCOUNT                   \
    "  UNION SELECT r.month, r.commissioner, r.episode_id FROM reckoner.reattribution_row r"                           \
    "  JOIN reckoner.reattribution g USING (provider, n) WHERE r.provider = $1 AND g.agreed_at IS NOT NULL"            \
    "  AND $3 IN (g.from_commissioner, g.to_commissioner))"

enum pg_status touched_episodes(struct pg *pg, const struct account_key *account,
                                const struct effective_submission *submissions, size_t count, PGresult **result)
{
    static const struct pg_statement s = {
        "touched_episodes",
        "SELECT m.month, e.row_no, e.episode_id, decode(replace(e.patient::text, '-', ''), 'hex') AS patient,"
        " e.commissioner, e.cluster, e.service, e.start_date, e.end_date, e.mhct_date, e.referral_date,"
        " e.last_contact, e.mhct_reason, e.admitted_days, e.assessment_only, e.continues, e.approved, e.minor, "
        "e.failed,"
        " encode(reckoner.episode_sha256(e), 'hex') AS sha256 FROM " ROWS_TOUCHED
        " ORDER BY m.month, e.episode_id COLLATE \"C\"",
        5};
    struct pg_args a;
    struct month_lists l;
    enum pg_status status = PG_FAILED;
    lists_make(&l, submissions, count);
    if (l.made) {
        pg_args_account(&a, account);
        pg_arg_text(&a, l.months.data);
        pg_arg_text(&a, l.numbers.data);
        status = pg_run(pg, &s, &a, result);
    }
    lists_free(&l);
    return status;
}

bool row_act_episode(const PGresult *result, int row, struct episode *out)
{
    memset(out, 0, sizeof *out);
    out->row_no = (int32_t)pg_i64(result, row, "row_no");
    snprintf(out->episode_id, sizeof out->episode_id, "%s", pg_text(result, row, "episode_id"));
    snprintf(out->commissioner, sizeof out->commissioner, "%s", pg_text(result, row, "commissioner"));
    snprintf(out->cluster, sizeof out->cluster, "%s", pg_text(result, row, "cluster"));
    snprintf(out->service, sizeof out->service, "%s", pg_text(result, row, "service"));
    out->start_date = pg_date(result, row, "start_date");
    out->end_date = pg_date(result, row, "end_date");
    out->mhct_date = pg_date(result, row, "mhct_date");
    out->referral_date = pg_date(result, row, "referral_date");
    out->last_contact = pg_date(result, row, "last_contact");
    out->mhct_reason = (int16_t)pg_i64(result, row, "mhct_reason");
    out->admitted_days = (int16_t)pg_i64(result, row, "admitted_days");
    out->assessment_only = pg_bool(result, row, "assessment_only");
    out->continues = pg_bool(result, row, "continues");
    out->approved = pg_bool(result, row, "approved");
    out->minor = pg_bool(result, row, "minor");
    out->failed = (uint64_t)pg_i64(result, row, "failed");
    return pg_bytes(result, row, "patient", out->patient, sizeof out->patient) == (int)sizeof out->patient;
}

static const struct pg_statement follow_open = {
    "challenges_follow_open",
    "WITH now AS (SELECT m.month, e.episode_id, reckoner.episode_sha256(e) AS sha256 FROM " ROWS_NOW ")"
    " UPDATE reckoner.challenge_row r SET row_sha256 = n.sha256, earlier_sha256 = r.earlier_sha256 || r.row_sha256,"
    "  earlier_until = r.earlier_until || $6::timestamptz FROM now n WHERE r.provider = $1 AND r.contract = $2"
    " AND r.commissioner = $3 AND r.open AND r.month = n.month AND r.episode_id = n.episode_id"
    " AND r.row_sha256 <> n.sha256",
    6};

/* One challenge for each of those whose decided rows changed, with these rows alone. A counter-calculation that says
 * what the row says by now is left out. A row is in one open challenge: where its cluster and its days were decided,
 * the second is raised when the first is closed. */
static const struct pg_statement reopen = {
    "challenges_reopen",
    "WITH now AS (SELECT m.month, e.episode_id, e.cluster, reckoner.episode_sha256(e) AS sha256 FROM " ROWS_NOW "),"
    " decided AS (SELECT DISTINCT ON (c.month, c.episode_id, c.counter_cluster IS NULL) c.*"
    "  FROM reckoner.challenge_row c"
    "  JOIN reckoner.decision d USING (provider, contract, commissioner, number, episode_id) WHERE " OF_ACCOUNT
    "  ORDER BY c.month, c.episode_id, c.counter_cluster IS NULL, d.decided_at DESC, number DESC),"
    " changed AS (SELECT DISTINCT ON (d.month, d.episode_id) d.number AS old, d.month, d.episode_id, n.sha256, "
    "n.cluster, d.counter_cluster, "
    "d.counter_days,"
    "  d.counter_unpayable FROM decided d"
    "  JOIN now n USING (month, episode_id) WHERE n.cluster IS DISTINCT FROM d.counter_cluster"
    "  AND NOT EXISTS (SELECT FROM reckoner.challenge_row c WHERE " OF_ACCOUNT " AND c.month = d.month"
    "   AND c.episode_id = d.episode_id AND (c.open OR (c.row_sha256 = n.sha256"
    "    AND (c.counter_cluster IS NULL) = (d.counter_cluster IS NULL)))) ORDER BY d.month, d.episode_id, d.number),"
    " numbered AS (SELECT c.*, (SELECT max(number) FROM reckoner.challenge c WHERE " OF_ACCOUNT ")"
    "  + dense_rank() OVER (ORDER BY c.old, c.month) AS number FROM changed c),"
    " raised AS (INSERT INTO reckoner.challenge (provider, contract, commissioner, number, month, reason, evidence,"
    "  claimed_pence, chosen_by, chosen, rule, billed, document, reopens, raised_at, answer_by)"
    "  SELECT DISTINCT ON (n.number) $1, $2, $3, n.number, c.month, c.reason, c.evidence, c.claimed_pence, c.chosen_by,"
    "   c.chosen, c.rule, b.document IS NOT NULL, b.document, n.old, $6::timestamptz, $7::timestamptz"
    "  FROM numbered n JOIN reckoner.challenge c ON " OF_ACCOUNT " AND c.number = n.old LEFT JOIN LATERAL ("
    "   SELECT d.id AS document FROM reckoner.document d WHERE d.provider = $1 AND d.contract = $2"
    "   AND d.commissioner = $3 AND d.state = 'issued' AND EXISTS (SELECT FROM reckoner.document_line l"
    "    WHERE l.provider = d.provider AND l.document = d.id AND l.month = c.month AND l.stage = 'activity')"
    "   ORDER BY d.number DESC LIMIT 1) b ON true RETURNING number)"
    " INSERT INTO reckoner.challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256, "
    "cluster,"
    "  counter_cluster, counter_days, counter_unpayable) SELECT $1, $2, $3, number, month, episode_id, sha256, cluster,"
    "  counter_cluster, counter_days, counter_unpayable FROM numbered JOIN raised USING (number)",
    7};

enum pg_status challenges_follow_rows(struct pg *pg, const struct account_key *account,
                                      const struct effective_submission *submissions, size_t count, instant_t now,
                                      instant_t answer_by, int64_t *raised)
{
    struct pg_args a;
    struct month_lists l;
    enum pg_status status = PG_FAILED;
    *raised = 0;
    lists_make(&l, submissions, count);
    if (l.made) {
        pg_args_account(&a, account);
        pg_arg_text(&a, l.months.data);
        pg_arg_text(&a, l.numbers.data);
        pg_arg_instant(&a, now);
        status = pg_run(pg, &follow_open, &a, NULL);
        pg_arg_instant(&a, answer_by);
    }
    if (status == PG_OK)
        *raised = pg_run_count(pg, &reopen, &a, &status);
    lists_free(&l);
    return status;
}

enum pg_status challenge_set_held(struct pg *pg, const struct account_key *account, int64_t number, int64_t pence)
{
    static const struct pg_statement s = {
        "challenge_set_held",
        "UPDATE reckoner.challenge SET held_pence = $5 WHERE provider = $1 AND contract = $2 AND commissioner = $3"
        " AND number = $4 AND outcome IS NULL AND held_pence IS DISTINCT FROM $5",
        5};
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_i64(&a, number);
    pg_arg_i64(&a, pence);
    return pg_run(pg, &s, &a, NULL);
}
