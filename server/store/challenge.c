#include "store/challenge.h"

static void key_args(struct pg_args *a, const struct challenge *c)
{
    pg_args_id(a, c->provider, c->contract);
    pg_arg_text(a, c->commissioner);
}

static const struct pg_statement raise = {
    "challenge_raise",
    "INSERT INTO reckoner.challenge (provider, contract, commissioner, number, month, reason, evidence, claimed_pence,"
    " chosen_by, chosen, rule, billed, document, raised_by, raised_at, answer_by)"
    " SELECT $1, $2, $3, coalesce(max(number), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11::text IS NOT NULL, $11, $12,"
    " $13, $14 FROM reckoner.challenge WHERE provider = $1 AND contract = $2 AND commissioner = $3 RETURNING number",
    14};

enum pg_status challenge_raise(struct pg *pg, const struct challenge *c, int64_t *number)
{
    struct pg_args a;
    key_args(&a, c);
    pg_arg_month(&a, c->month);
    pg_arg_text(&a, c->reason);
    pg_arg_text(&a, c->evidence);
    pg_arg_i64(&a, c->claimed_pence);
    pg_arg_text(&a, c->chosen_by);
    pg_arg_text(&a, c->chosen);
    pg_arg_text(&a, c->rule);
    pg_arg_text(&a, c->document);
    pg_arg_text(&a, c->person);
    pg_arg_instant(&a, c->at);
    pg_arg_instant(&a, c->answer_by);
    return pg_get_i64(pg, &raise, &a, number);
}

/* The account's rows: those sent with its commissioner, but for those that were moved away, and those moved to it. */
#define ROW_COLUMNS                                                                                                    \
    "WITH moved AS (SELECT m.moved, m.here FROM reckoner.moved_rows($1, $6, $3) m),"                                   \
    " mine AS (SELECT e FROM reckoner.episode e WHERE e.provider = $1 AND e.submission = $6 AND e.commissioner = $3"   \
    "  AND e.row_no NOT IN (SELECT (m.moved).row_no FROM moved m WHERE NOT m.here)"                                    \
    "  UNION ALL SELECT m.moved FROM moved m WHERE m.here)"                                                            \
    " INSERT INTO reckoner.challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256,"    \
    " cluster, counter_cluster, counter_days, counter_unpayable)"                                                      \
    " SELECT $1, $2, $3, $4, $5, (e).episode_id, reckoner.episode_sha256(e), (e).cluster, "

static void row_args(struct pg_args *a, const struct challenge *c, int64_t submission)
{
    key_args(a, c);
    pg_arg_i64(a, c->number);
    pg_arg_month(a, c->month);
    pg_arg_i64(a, submission);
}

static const struct pg_statement add_rows = {
    "challenge_add_rows",
    ROW_COLUMNS
    "q.cluster, q.days, coalesce(q.unpayable, false)"
    " FROM jsonb_to_recordset($7::jsonb) AS q(episode_id text, cluster text, days integer, unpayable boolean)"
    " JOIN mine ON (mine.e).episode_id = q.episode_id",
    7};

enum pg_status challenge_add_rows(struct pg *pg, const struct challenge *c, int64_t submission, const char *rows,
                                  int64_t *added)
{
    struct pg_args a;
    enum pg_status status = PG_OK;
    row_args(&a, c, submission);
    pg_arg_text(&a, rows);
    *added = pg_run_count(pg, &add_rows, &a, &status);
    return status;
}

static const struct pg_statement add_found = {
    "challenge_add_found",
    ROW_COLUMNS "$10, $11::integer, $12"
                " FROM mine WHERE ($9::text IS NULL OR (e).cluster = $9) AND (e).row_no IN (SELECT f.row_no FROM"
                "  (SELECT * FROM reckoner.finding WHERE provider = $1 AND submission = $6 AND commissioner = $3"
                "   UNION ALL SELECT * FROM reckoner.moved_findings($1, $6, $3)) f"
                "  JOIN reckoner.submission s ON s.provider = f.provider AND s.no = f.submission"
                "  JOIN reckoner.rule u ON u.id = f.rule LEFT JOIN reckoner.severity v ON v.provider = f.provider"
                "   AND v.submission = f.submission AND v.commissioner = $3 AND v.rule = f.rule"
                "  WHERE (f.evaluation = 0 OR f.evaluation = s.evaluation) AND ($7::text IS NULL OR f.rule = $7)"
                "   AND ($8::text IS NULL OR coalesce(f.severity, v.severity, u.severity) = $8))"
                " LIMIT 10001",
    12};
_Static_assert(CHALLENGE_ROWS_MAXIMUM == 10000, "the statement takes one more than the maximum");

enum pg_status challenge_add_found(struct pg *pg, const struct challenge *c, int64_t submission, const char *severity,
                                   const char *cluster, const struct counter *counter, int64_t *added)
{
    struct pg_args a;
    enum pg_status status = PG_OK;
    row_args(&a, c, submission);
    pg_arg_text(&a, c->rule);
    pg_arg_text(&a, severity);
    pg_arg_text(&a, cluster);
    pg_arg_text(&a, counter->cluster);
    pg_arg_optional(&a, counter->days >= 0, counter->days);
    pg_arg_bool(&a, counter->unpayable);
    *added = pg_run_count(pg, &add_found, &a, &status);
    return status;
}

static const struct pg_statement any_challenge = {
    "challenge_any",
    "SELECT EXISTS (SELECT FROM reckoner.challenge WHERE provider = $1 AND contract = $2 AND month = $3) AS any", 3};

enum pg_status challenge_any(struct pg *pg, const char *provider, const char *contract, month_t month, bool *any)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, month);
    return pg_get_bool(pg, &any_challenge, &a, any);
}

static const struct pg_statement billed_by = {
    "challenge_billed_by",
    "SELECT d.id, (extract(epoch FROM d.issued_at) * 1000000)::bigint AS issued_at FROM reckoner.document d"
    " WHERE d.provider = $1 AND d.contract = $2 AND d.commissioner = $3 AND d.state = 'issued'"
    " AND EXISTS (SELECT FROM reckoner.document_line l WHERE l.provider = d.provider AND l.document = d.id"
    "  AND l.month = $4 AND l.stage = 'activity') ORDER BY d.number DESC LIMIT 1",
    4};

enum pg_status challenge_billed_by(struct pg *pg, const struct account_key *account, month_t month, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_month(&a, month);
    return pg_run_one(pg, &billed_by, &a, result);
}

static const struct pg_statement close_challenge = {
    "challenge_close",
    "UPDATE reckoner.challenge SET outcome = $5, closed_for = $6, closed_by = $7, closed_at = $8, answer = $9"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND number = $4 AND outcome IS NULL",
    9};

enum pg_status challenge_close(struct pg *pg, const struct challenge *c, const char *outcome, const char *answer)
{
    struct pg_args a;
    key_args(&a, c);
    pg_arg_i64(&a, c->number);
    pg_arg_text(&a, outcome);
    pg_arg_text(&a, c->organisation);
    pg_arg_text(&a, c->person);
    pg_arg_instant(&a, c->at);
    pg_arg_text(&a, answer);
    return pg_change(pg, &close_challenge, &a);
}

static const struct pg_statement decide = {
    "challenge_decide",
    "INSERT INTO reckoner.decision (provider, contract, commissioner, number, episode_id, row_sha256, decided_at)"
    " SELECT provider, contract, commissioner, number, episode_id, row_sha256, $5 FROM reckoner.challenge_row"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND number = $4"
    " AND ($6::jsonb IS NULL OR $6::jsonb ? episode_id)",
    6};

enum pg_status challenge_decide(struct pg *pg, const struct challenge *c, const char *episodes, int64_t *decided)
{
    struct pg_args a;
    enum pg_status status = PG_OK;
    key_args(&a, c);
    pg_arg_i64(&a, c->number);
    pg_arg_instant(&a, c->at);
    pg_arg_text(&a, episodes);
    *decided = pg_run_count(pg, &decide, &a, &status);
    return status;
}

#define OF_ACCOUNT "c.provider = $1 AND c.contract = $2 AND c.commissioner = $3"
#define COLUMNS                                                                                                        \
    "SELECT c.number, c.month, c.reason, c.evidence, c.claimed_pence, c.chosen_by, c.chosen, c.billed, c.document,"    \
    " CASE WHEN c.outcome IS NULL THEN c.held_pence END AS held_pence, n.rows, n.accepted_rows, c.reopens,"            \
    " c.raised_by, (extract(epoch FROM c.raised_at) * 1000000)::bigint AS raised_at,"                                  \
    " (extract(epoch FROM c.answer_by) * 1000000)::bigint AS answer_by,"                                               \
    " c.outcome IS NULL AND c.answer_by <= $5 AS escalated, c.outcome, c.closed_by,"                                   \
    " (extract(epoch FROM c.closed_at) * 1000000)::bigint AS closed_at, c.answer FROM reckoner.challenge c"            \
    " CROSS JOIN LATERAL (SELECT count(*) AS rows, count(d.number) AS accepted_rows FROM reckoner.challenge_row r"     \
    "  LEFT JOIN reckoner.decision d USING (provider, contract, commissioner, number, episode_id)"                     \
    "  WHERE r.provider = c.provider AND r.contract = c.contract AND r.commissioner = c.commissioner"                  \
    "  AND r.number = c.number) n WHERE " OF_ACCOUNT

static const struct pg_statement get = {"challenge_get", COLUMNS " AND c.number = $4", 5};
static const struct pg_statement get_locked = {"challenge_get_locked", COLUMNS " AND c.number = $4 FOR UPDATE OF c", 5};

enum pg_status challenge_get(struct pg *pg, const struct challenge *key, bool lock, PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    pg_arg_i64(&a, key->number);
    pg_arg_instant(&a, key->at);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

static const struct pg_statement list = {
    "challenge_list", COLUMNS " AND c.number > $4 AND (NOT $6 OR c.outcome IS NULL) ORDER BY c.number LIMIT $7", 7};

enum pg_status challenge_list(struct pg *pg, const struct challenge *after, bool open, int64_t limit, PGresult **result)
{
    struct pg_args a;
    key_args(&a, after);
    pg_arg_i64(&a, after->number);
    pg_arg_instant(&a, after->at);
    pg_arg_bool(&a, open);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement list_rows = {
    "challenge_rows",
    "SELECT c.episode_id, c.cluster, c.counter_cluster, c.counter_days, c.counter_unpayable,"
    " CASE WHEN NOT c.open THEN EXISTS (SELECT FROM reckoner.decision d WHERE d.provider = c.provider"
    "  AND d.contract = c.contract AND d.commissioner = c.commissioner AND d.number = c.number"
    "  AND d.episode_id = c.episode_id) END AS accepted"
    " FROM reckoner.challenge_row c WHERE " OF_ACCOUNT " AND c.number = $4 AND c.episode_id > $5"
    " ORDER BY c.episode_id LIMIT $6",
    6};

enum pg_status challenge_rows(struct pg *pg, const struct challenge *key, const char *after, int64_t limit,
                              PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    pg_arg_i64(&a, key->number);
    pg_arg_text(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list_rows, &a, result);
}

static const struct pg_statement outcomes = {
    "challenge_outcomes",
    "SELECT c.commissioner, c.rule, c.reason, count(*) AS challenges, count(*) FILTER (WHERE c.outcome IS NULL) AS "
    "open,"
    " count(*) FILTER (WHERE c.outcome = 'accepted') AS accepted,"
    " count(*) FILTER (WHERE c.outcome = 'rejected') AS rejected, count(*) FILTER (WHERE c.outcome = 'split') AS split,"
    " count(*) FILTER (WHERE c.outcome = 'withdrawn') AS withdrawn, sum(n.rows)::bigint AS rows,"
    " sum(n.accepted_rows)::bigint AS accepted_rows, sum(c.claimed_pence)::bigint AS claimed_pence"
    " FROM reckoner.challenge c CROSS JOIN LATERAL (SELECT count(*) AS rows, count(d.number) AS accepted_rows"
    "  FROM reckoner.challenge_row r LEFT JOIN reckoner.decision d USING (provider, contract, commissioner, number,"
    "  episode_id) WHERE r.provider = c.provider AND r.contract = c.contract AND r.commissioner = c.commissioner"
    "  AND r.number = c.number) n WHERE c.provider = $1 GROUP BY c.commissioner, c.rule, c.reason"
    " ORDER BY c.commissioner, c.rule NULLS LAST, c.reason",
    1};

enum pg_status challenge_outcomes(struct pg *pg, const char *provider, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run(pg, &outcomes, &a, result);
}
