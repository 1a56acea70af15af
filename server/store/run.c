#include "store/run.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void pg_args_account(struct pg_args *a, const struct account_key *account)
{
    pg_args_init(a);
    pg_arg_text(a, account->provider);
    pg_arg_text(a, account->contract);
    pg_arg_text(a, account->commissioner);
}

enum pg_status pg_run_known(struct pg *pg, const struct pg_statement *s, const struct account_key *account,
                            instant_t known_at, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_instant(&a, known_at);
    return pg_run(pg, s, &a, result);
}

static const struct pg_statement facts_select = {
    .name = "account_facts",
    .sql = "SELECT a.financial_year, c.mode = 'shadow' AS shadow"
           " FROM reckoner.account a JOIN reckoner.contract c ON c.provider = a.provider AND c.id = a.contract"
           " WHERE a.provider = $1 AND a.contract = $2 AND a.commissioner = $3",
    .parameters = 3,
};

enum pg_status account_facts(struct pg *pg, const struct account_key *account, struct account_facts *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &facts_select, &a, &r);
    if (status != PG_OK)
        return status;
    out->financial_year = (int32_t)pg_i64(r, 0, "financial_year");
    out->shadow = pg_bool(r, 0, "shadow");
    PQclear(r);
    return PG_OK;
}

/* An advisory lock, because the worker and the web role may not update accounts. reckoner.issue_document takes the
 * same one. Two accounts with the same hash only wait for each other. */
static const struct pg_statement lock_account = {
    .name = "account_lock",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended('account/' || $1 || '/' || $2 || '/' || $3, 0))",
    .parameters = 3,
};

enum pg_status account_lock(struct pg *pg, const struct account_key *account)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &lock_account, &a, NULL);
}

static const struct pg_statement lock_asking = {
    .name = "account_lock_asking",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended('asking/' || $1 || '/' || $2 || '/' || $3, 0))",
    .parameters = 3,
};

enum pg_status account_lock_asking(struct pg *pg, const struct account_key *account)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &lock_asking, &a, NULL);
}

static const struct pg_statement insert_run = {
    .name = "run_insert",
    .sql = "INSERT INTO reckoner.run (provider, contract, commissioner, id, month, type, n, state, cause,"
           " requested_by, requested_at, known_at)"
           " SELECT $1, $2, $3, $4, $5, $6, coalesce(max(n), 0) + 1, 'queued', $7, $8, $9, $10"
           " FROM reckoner.run WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND month = $5"
           " AND type = $6 RETURNING n",
    .parameters = 10,
};

enum pg_status run_insert(struct pg *pg, struct run *run)
{
    struct pg_args a;
    PGresult *r = NULL;
    ident_new(run->id);
    pg_args_account(&a, &run->account);
    pg_arg_text(&a, run->id);
    pg_arg_month(&a, run->month);
    pg_arg_text(&a, run->type);
    pg_arg_text(&a, run->cause);
    pg_arg_text(&a, run->requested_by[0] == '\0' ? NULL : run->requested_by);
    pg_arg_instant(&a, run->requested_at);
    pg_arg_instant(&a, run->known_at);
    enum pg_status status = pg_run_one(pg, &insert_run, &a, &r);
    if (status != PG_OK)
        return status;
    run->n = pg_i64(r, 0, "n");
    copy_text(run->state, sizeof run->state, "queued");
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement requeue_run = {
    .name = "run_requeue",
    .sql = "UPDATE reckoner.run SET state = 'queued', reason = NULL, hold = NULL, hold_month = NULL, finished_at = "
           "NULL, cause = $3,"
           " requested_by = $4, requested_at = $5, known_at = $6"
           " WHERE provider = $1 AND id = $2 AND state IN ('parked', 'failed') RETURNING id",
    .parameters = 6,
};

enum pg_status run_requeue(struct pg *pg, const struct run *run)
{
    struct pg_args a;
    pg_args_id(&a, run->account.provider, run->id);
    pg_arg_text(&a, run->cause);
    pg_arg_text(&a, run->requested_by[0] == '\0' ? NULL : run->requested_by);
    pg_arg_instant(&a, run->requested_at);
    pg_arg_instant(&a, run->known_at);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &requeue_run, &a, &r);
    PQclear(r);
    return status;
}

/* clang-format off */
#define RUN_COLUMNS                                                                                                    \
    "provider, contract, commissioner, id, month, type, n, state, cause, requested_by, "                               \
    PG_INSTANT("requested_at") " AS requested_at, " PG_INSTANT("known_at") " AS known_at"
/* clang-format on */

static void read_run(const PGresult *r, struct run *out)
{
    copy_text(out->account.provider, sizeof out->account.provider, pg_text(r, 0, "provider"));
    copy_text(out->account.contract, sizeof out->account.contract, pg_text(r, 0, "contract"));
    copy_text(out->account.commissioner, sizeof out->account.commissioner, pg_text(r, 0, "commissioner"));
    copy_text(out->id, sizeof out->id, pg_text(r, 0, "id"));
    out->month = pg_month(r, 0, "month");
    copy_text(out->type, sizeof out->type, pg_text(r, 0, "type"));
    out->n = pg_i64(r, 0, "n");
    copy_text(out->state, sizeof out->state, pg_text(r, 0, "state"));
    copy_text(out->cause, sizeof out->cause, pg_text(r, 0, "cause"));
    copy_text(out->requested_by, sizeof out->requested_by, pg_text(r, 0, "requested_by"));
    out->requested_at = pg_instant(r, 0, "requested_at");
    out->known_at = pg_instant(r, 0, "known_at");
}

static enum pg_status get_run(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, struct run *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status != PG_OK)
        return status;
    read_run(r, out);
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_run = {
    .name = "run_get",
    .sql = "SELECT " RUN_COLUMNS " FROM reckoner.run WHERE provider = $1 AND id = $2",
    .parameters = 2,
};

static const struct pg_statement select_run_for_update = {
    .name = "run_get_for_update",
    .sql = "SELECT " RUN_COLUMNS " FROM reckoner.run WHERE provider = $1 AND id = $2 FOR UPDATE",
    .parameters = 2,
};

enum pg_status run_get(struct pg *pg, const char *provider, const char *id, struct run *out)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return get_run(pg, &select_run, &a, out);
}

enum pg_status run_get_for_update(struct pg *pg, const char *provider, const char *id, struct run *out)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return get_run(pg, &select_run_for_update, &a, out);
}

static const struct pg_statement select_latest = {
    .name = "run_latest",
    .sql = "SELECT " RUN_COLUMNS " FROM reckoner.run WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND month = $4 AND type = $5 ORDER BY n DESC LIMIT 1",
    .parameters = 5,
};

enum pg_status run_latest(struct pg *pg, const struct account_key *account, month_t month, const char *type,
                          struct run *out)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_month(&a, month);
    pg_arg_text(&a, type);
    return get_run(pg, &select_latest, &a, out);
}

static const struct pg_statement finish_done = {
    .name = "run_done",
    .sql = "UPDATE reckoner.run SET state = 'done', finished_at = $3, engine = $4, position_sha256 = $5,"
           " position_pence = $6, billing_sha256 = $7, billable_pence = $8, billed_pence = $9,"
           " balance_pence = $8::bigint - $9::bigint, opening_pence = $10, on_account_pence = $11, reason = NULL,"
           " known_at = $12 WHERE provider = $1 AND id = $2 AND state = 'queued' RETURNING id",
    .parameters = 12,
};

enum pg_status run_done(struct pg *pg, const char *provider, const char *id, const struct run_outcome *o)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, o->finished_at);
    pg_arg_text(&a, o->engine);
    pg_arg_bytes(&a, o->position_sha256, 32);
    pg_arg_i64(&a, o->position_pence);
    if (o->billing_sha256 != NULL) {
        pg_arg_bytes(&a, o->billing_sha256, 32);
        pg_arg_i64(&a, o->billable_pence);
        pg_arg_i64(&a, o->billed_pence);
        pg_arg_i64(&a, o->opening_pence);
    } else {
        for (int i = 0; i < 4; i++)
            pg_arg_null(&a);
    }
    pg_arg_optional(&a, o->billing_sha256 != NULL && o->on_account, o->on_account_pence);
    pg_arg_instant(&a, o->known_at);
    enum pg_status status = pg_run_one(pg, &finish_done, &a, &r);
    PQclear(r);
    return status;
}

static const struct pg_statement finish_not_done = {
    .name = "run_not_done",
    .sql = "UPDATE reckoner.run SET state = CASE $3 WHEN 'fault' THEN 'failed' ELSE 'parked' END, hold = $3,"
           " hold_month = $4, reason = $5, finished_at = $6"
           " WHERE provider = $1 AND id = $2 AND state = 'queued' RETURNING id",
    .parameters = 6,
};

enum pg_status run_not_done(struct pg *pg, const char *provider, const char *id, const struct run_hold *hold,
                            instant_t finished_at)
{
    static const char *const names[] = {
        [HOLD_NO_TERMS] = "no_terms",
        [HOLD_NO_ACTIVITY] = "no_activity",
        [HOLD_REFERENCE_DATA] = "reference_data",
        [HOLD_NO_SUCCESSOR] = "no_successor",
        [HOLD_SANITY_BOUND] = "sanity_bound",
        [HOLD_OPEN_CHALLENGE] = "open_challenge",
        [HOLD_OTHER] = "other",
        [HOLD_FAULT] = "fault",
    };
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, names[hold->code]);
    pg_arg_month(&a, hold->month);
    pg_arg_text(&a, hold->reason);
    pg_arg_instant(&a, finished_at);
    enum pg_status status = pg_run_one(pg, &finish_not_done, &a, &r);
    PQclear(r);
    return status;
}

static const struct pg_statement insert_input = {
    .name = "run_add_input",
    .sql = "WITH kept AS (INSERT INTO reckoner.earned_rows (provider, sha256, rows)"
           "  SELECT $1, sha256(convert_to($6, 'UTF8')), $6 WHERE $6::text IS NOT NULL ON CONFLICT DO NOTHING)"
           " INSERT INTO reckoner.run_input (provider, run, month, submission, review_periods, earned)"
           " VALUES ($1, $2, $3, $4, decode($5, 'hex'), sha256(convert_to($6, 'UTF8')))",
    .parameters = 6,
};

enum pg_status run_add_input(struct pg *pg, const char *provider, const char *run, month_t month, int64_t submission,
                             const char *reviews, const char *earned)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, month);
    pg_arg_i64(&a, submission);
    pg_arg_text(&a, reviews);
    pg_arg_text(&a, earned);
    return pg_run(pg, &insert_input, &a, NULL);
}

static void copy_change(struct pg_copy *copy, const char *provider, const char *run, const struct row_change *c)
{
    char cluster[3];
    pg_copy_row(copy, 8);
    pg_copy_string(copy, provider);
    pg_copy_string(copy, run);
    pg_copy_date(copy, month_first(c->month));
    pg_copy_i32(copy, c->row.row_no);
    pg_copy_bool(copy, c->is_here);
    if (c->cluster < 0) {
        pg_copy_null(copy);
    } else {
        cluster_code(c->cluster, cluster);
        pg_copy_string(copy, cluster);
    }
    if (c->payable_days < 0)
        pg_copy_null(copy);
    else
        pg_copy_i32(copy, c->payable_days);
    pg_copy_bool(copy, c->not_payable);
}

enum pg_status run_add_rows(struct pg *pg, const char *provider, const char *run, const struct row_change *changes,
                            size_t count)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = count == 0
                                ? PG_OK
                                : pg_copy_begin(pg,
                                                "COPY reckoner.run_row (provider, run, month, row_no, here,"
                                                " cluster, payable_days, not_payable) FROM STDIN (FORMAT binary)",
                                                &copy);
    if (status != PG_OK || count == 0)
        return status;
    for (size_t i = 0; i < count; i++)
        copy_change(copy, provider, run, &changes[i]);
    return pg_copy_end(copy, NULL);
}

static const struct pg_statement insert_position = {
    .name = "run_add_position",
    .sql = "INSERT INTO reckoner.run_position (provider, run, month, sha256) VALUES ($1, $2, $3, $4)",
    .parameters = 4,
};

enum pg_status run_add_position(struct pg *pg, const char *provider, const char *run, month_t month,
                                const unsigned char sha256[32])
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, month);
    pg_arg_bytes(&a, sha256, 32);
    return pg_run(pg, &insert_position, &a, NULL);
}

static const struct pg_statement insert_bridge = {
    .name = "run_add_bridge",
    .sql = "INSERT INTO reckoner.run_bridge (provider, run, month, from_sha256, to_sha256, from_pence, to_pence,"
           " body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    .parameters = 8,
};

enum pg_status run_add_bridge(struct pg *pg, const char *provider, const char *run, const struct run_bridge *b)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, b->month);
    pg_arg_bytes(&a, b->from_sha256, 32);
    pg_arg_bytes(&a, b->to_sha256, 32);
    pg_arg_i64(&a, b->from_pence);
    pg_arg_i64(&a, b->to_pence);
    pg_arg_text(&a, b->body);
    return pg_run(pg, &insert_bridge, &a, NULL);
}

static const struct pg_statement insert_bridge_step = {
    .name = "run_add_bridge_step",
    .sql = "INSERT INTO reckoner.run_bridge_step (provider, run, month, step, cause, pence)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
    .parameters = 6,
};

enum pg_status run_add_bridge_step(struct pg *pg, const char *provider, const char *run, month_t month, int64_t step,
                                   const char *cause, int64_t pence)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, month);
    pg_arg_i64(&a, step);
    pg_arg_text(&a, cause);
    pg_arg_i64(&a, pence);
    return pg_run(pg, &insert_bridge_step, &a, NULL);
}

static const struct pg_statement select_bridges = {
    .name = "run_bridges",
    .sql = "SELECT b.month, encode(b.from_sha256, 'hex') AS from_sha256, encode(b.to_sha256, 'hex') AS to_sha256,"
           " b.from_pence, b.to_pence, b.body, s.cause, s.pence FROM reckoner.run_bridge b LEFT JOIN "
           "reckoner.run_bridge_step s"
           " ON s.provider = b.provider AND s.run = b.run AND s.month = b.month"
           " WHERE b.provider = $1 AND b.run = $2 ORDER BY b.month, s.step",
    .parameters = 2,
};

enum pg_status run_bridges(struct pg *pg, const char *provider, const char *run, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    return pg_run(pg, &select_bridges, &a, result);
}

void run_line_args(struct pg_args *a, const struct run_line *l)
{
    pg_arg_text(a, l->key);
    pg_arg_text(a, l->stage);
    pg_arg_month(a, l->month);
    pg_arg_text(a, l->cluster);
    pg_arg_text(a, l->basis);
    pg_arg_optional(a, l->price_pence >= 0, l->price_pence);
    pg_arg_optional(a, l->basis != NULL, l->units);
    pg_arg_i64(a, l->pence);
    pg_arg_text(a, l->label);
}

enum pg_status run_lines_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.run_line (provider, run, line_no, line_key, stage, month, cluster, basis,"
                         " price_pence, units, pence, label) FROM STDIN (FORMAT binary)",
                         copy);
}

void run_lines_add(struct pg_copy *copy, const char *provider, const char *of, int32_t line_no,
                   const struct run_line *l)
{
    pg_copy_row(copy, 12);
    pg_copy_string(copy, provider);
    pg_copy_string(copy, of);
    pg_copy_i32(copy, line_no);
    pg_copy_string(copy, l->key);
    pg_copy_string(copy, l->stage);
    pg_copy_date(copy, l->month < 0 ? DATE_NONE : month_first(l->month));
    pg_copy_string(copy, l->cluster);
    pg_copy_string(copy, l->basis);
    if (l->price_pence < 0)
        pg_copy_null(copy);
    else
        pg_copy_i64(copy, l->price_pence);
    if (l->basis == NULL)
        pg_copy_null(copy);
    else
        pg_copy_i64(copy, l->units);
    pg_copy_i64(copy, l->pence);
    pg_copy_string(copy, l->label);
}

static const struct pg_statement select_head = {
    .name = "run_billing_head",
    .sql = "SELECT max(month) AS head FROM reckoner.run WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND state = 'done' AND billing_sha256 IS NOT NULL HAVING max(month) IS NOT NULL",
    .parameters = 3,
};

enum pg_status run_billing_head(struct pg *pg, const struct account_key *account, month_t *head)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_head, &a, &r);
    if (status != PG_OK)
        return status;
    *head = pg_month(r, 0, "head");
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_set_off = {
    .name = "run_last_set_off",
    .sql = "SELECT r.opening_pence, coalesce(r.on_account_pence, 0) AS on_account_pence FROM reckoner.run r"
           " JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id"
           " WHERE r.provider = $1 AND r.contract = $2 AND r.commissioner = $3 AND r.billing_sha256 IS NOT NULL"
           " ORDER BY s.seq DESC LIMIT 1",
    .parameters = 3,
};

enum pg_status run_last_set_off(struct pg *pg, const struct account_key *account, struct run_set_off *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_set_off, &a, &r);
    if (status != PG_OK)
        return status;
    out->opening_pence = pg_i64(r, 0, "opening_pence");
    out->on_account_pence = pg_i64(r, 0, "on_account_pence");
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_closed = {
    .name = "run_year_closed",
    .sql = "SELECT EXISTS (SELECT FROM reckoner.run WHERE provider = $1 AND contract = $2 AND commissioner = $3"
           " AND type = 'FINAL' AND state = 'done') AS closed",
    .parameters = 3,
};

enum pg_status run_year_closed(struct pg *pg, const struct account_key *account, bool *closed)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_get_bool(pg, &select_closed, &a, closed);
}

/* finished_at ties only when the clock stands still; the statement's number then decides. */
static const struct pg_statement select_last_position = {
    .name = "run_last_position",
    .sql = "SELECT CASE WHEN r.month = $4 THEN r.position_sha256 ELSE p.sha256 END AS position_sha256"
           " FROM reckoner.run r JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id"
           " LEFT JOIN reckoner.run_position p ON p.provider = r.provider AND p.run = r.id AND p.month = $4"
           " WHERE r.provider = $1 AND r.contract = $2 AND r.commissioner = $3 AND r.state = 'done'"
           " AND r.type <> 'PREVIEW' AND (r.month = $4 OR p.sha256 IS NOT NULL) ORDER BY s.seq DESC LIMIT 1",
    .parameters = 4,
};

enum pg_status run_last_position(struct pg *pg, const struct account_key *account, month_t month,
                                 unsigned char sha256[32])
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    pg_arg_month(&a, month);
    enum pg_status status = pg_run_one(pg, &select_last_position, &a, &r);
    if (status != PG_OK)
        return status;
    if (pg_bytes(r, 0, "position_sha256", sha256, 32) != 32)
        status = PG_FAILED;
    PQclear(r);
    return status;
}

/* clang-format off */
#define VIEW_COLUMNS                                                                                                   \
    "r.id, r.contract, r.commissioner, r.month, r.type, r.n, r.state, r.cause, r.requested_by, r.reason, r.hold, "     \
    "r.hold_month, r.engine, r.opening_pence, r.on_account_pence, "                                                    \
    "encode(r.position_sha256, 'hex') AS position_sha256, r.position_pence, "                                          \
    "encode(r.billing_sha256, 'hex') AS billing_sha256, r.billable_pence, r.billed_pence, r.balance_pence, "           \
    "d.id AS document, s.record AS statement, j.id AS job, j.state AS job_state, "                                     \
    PG_INSTANT("r.requested_at") " AS requested_at, " PG_INSTANT("r.known_at") " AS known_at, "                        \
    PG_INSTANT("r.finished_at") " AS finished_at"
/* clang-format on */

#define VIEW_TABLES                                                                                                    \
    " FROM reckoner.run r LEFT JOIN reckoner.document d ON d.provider = r.provider AND d.run = r.id"                   \
    " LEFT JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id"                                      \
    " LEFT JOIN LATERAL (SELECT id, state FROM reckoner.job WHERE provider = r.provider AND subject = r.id"            \
    " ORDER BY created_at DESC LIMIT 1) j ON true"

static const struct pg_statement list_runs = {
    .name = "run_list",
    .sql = "SELECT " VIEW_COLUMNS VIEW_TABLES
           " WHERE r.provider = $1 AND r.contract = $2 AND r.commissioner = $3 AND ($4 = '' OR (r.requested_at, r.id) <"
           " (SELECT requested_at, id FROM reckoner.run WHERE provider = $1 AND id = $4))"
           " ORDER BY r.requested_at DESC, r.id DESC LIMIT $5",
    .parameters = 5,
};

enum pg_status run_list(struct pg *pg, const struct account_key *account, const char *after, int64_t limit,
                        PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_text(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list_runs, &a, result);
}

static const struct pg_statement view_run = {
    .name = "run_view",
    .sql = "SELECT " VIEW_COLUMNS VIEW_TABLES " WHERE r.provider = $1 AND r.id = $2",
    .parameters = 2,
};

enum pg_status run_view(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &view_run, &a, result);
}

static const struct pg_statement list_lines = {
    .name = "run_lines",
    .sql = "SELECT line_no, line_key, stage, month, cluster, basis, price_pence, units, pence, label"
           " FROM reckoner.run_line WHERE provider = $1 AND run = $2 AND line_no > $3 ORDER BY line_no LIMIT $4",
    .parameters = 4,
};

enum pg_status run_lines(struct pg *pg, const char *provider, const char *id, int64_t after, int64_t limit,
                         PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list_lines, &a, result);
}
