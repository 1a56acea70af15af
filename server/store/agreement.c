#include "store/agreement.h"

static void key_args(struct pg_args *a, const struct agreement *g)
{
    pg_args_id(a, g->provider, g->contract);
    pg_arg_text(a, g->commissioner);
}

static const struct pg_statement propose = {
    "agreement_propose",
    "INSERT INTO reckoner.agreement (provider, contract, commissioner, n, kind, month, body, digest, once,"
    " proposed_side, proposed_for, proposed_by, proposed_at)"
    " SELECT $1, $2, $3, coalesce(max(n), 0) + 1, $4, $5, $6, sha256(convert_to($6, 'UTF8')), $7, $8, $9, $10, $11"
    " FROM reckoner.agreement WHERE provider = $1 AND contract = $2 AND commissioner = $3 RETURNING n",
    11};

enum pg_status agreement_propose(struct pg *pg, const struct agreement *g, int64_t *n)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_text(&a, g->kind);
    pg_arg_month(&a, g->month);
    pg_arg_text(&a, g->body);
    pg_arg_text(&a, g->once);
    pg_arg_text(&a, g->side);
    pg_arg_text(&a, g->organisation);
    pg_arg_text(&a, g->person);
    pg_arg_instant(&a, g->at);
    return pg_get_i64(pg, &propose, &a, n);
}

static const struct pg_statement add_adjustment = {
    "adjustment_add",
    "INSERT INTO reckoner.adjustment (provider, contract, commissioner, n, month, pence, label, in_cquin, reverses)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    9};

enum pg_status adjustment_add(struct pg *pg, const struct agreement *g, int64_t pence, const char *label, bool in_cquin,
                              int64_t reverses)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    pg_arg_month(&a, g->month);
    pg_arg_i64(&a, pence);
    pg_arg_text(&a, label);
    pg_arg_bool(&a, in_cquin);
    pg_arg_optional(&a, reverses != 0, reverses);
    return pg_run(pg, &add_adjustment, &a, NULL);
}

static const struct pg_statement select_adjustment = {
    "adjustment_agreed",
    "SELECT x.month, x.pence, x.in_cquin FROM reckoner.adjustment x"
    " JOIN reckoner.agreement g USING (provider, contract, commissioner, n)"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND n = $4 AND g.outcome = 'agreed'",
    4};

enum pg_status adjustment_agreed(struct pg *pg, const struct agreement *g, int64_t n, PGresult **result)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, n);
    return pg_run_one(pg, &select_adjustment, &a, result);
}

static const struct pg_statement add_opening_entry = {
    "opening_entry_add",
    "INSERT INTO reckoner.opening_entry (provider, contract, commissioner, n, number, issued_on, pence)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
    7};

enum pg_status opening_entry_add(struct pg *pg, const struct agreement *g, const char *number, date_t issued_on,
                                 int64_t pence)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    pg_arg_text(&a, number);
    pg_arg_date(&a, issued_on);
    pg_arg_i64(&a, pence);
    return pg_run(pg, &add_opening_entry, &a, NULL);
}

static const struct pg_statement add_month = {
    "month_without_activity_add",
    "INSERT INTO reckoner.month_without_activity (provider, contract, commissioner, n, month, counts_as)"
    " VALUES ($1, $2, $3, $4, $5, $6)",
    6};

enum pg_status month_without_activity_add(struct pg *pg, const struct agreement *g, const char *counts_as)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    pg_arg_month(&a, g->month);
    pg_arg_text(&a, counts_as);
    return pg_run(pg, &add_month, &a, NULL);
}

static const struct pg_statement add_decision = {
    "withhold_decision_add",
    "INSERT INTO reckoner.withhold_decision (provider, contract, commissioner, n, month, withhold, decision, pence)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    8};

enum pg_status withhold_decision_add(struct pg *pg, const struct agreement *g, const char *withhold,
                                     const char *decision, int64_t pence)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    pg_arg_month(&a, g->month);
    pg_arg_text(&a, withhold);
    pg_arg_text(&a, decision);
    pg_arg_i64(&a, pence);
    return pg_run(pg, &add_decision, &a, NULL);
}

static const struct pg_statement select_decision = {
    "withhold_decision_get",
    "SELECT x.month, x.pence, g.once FROM reckoner.withhold_decision x"
    " JOIN reckoner.agreement g USING (provider, contract, commissioner, n)"
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND n = $4",
    4};

enum pg_status withhold_decision_get(struct pg *pg, const struct agreement *g, PGresult **result)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    return pg_run_one(pg, &select_decision, &a, result);
}

static const struct pg_statement close_agreement = {
    "agreement_close",
    "UPDATE reckoner.agreement SET outcome = $5, closed_side = $6, closed_for = $7, closed_by = $8, closed_at = $9,"
    " refusal = $10 WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND n = $4 AND outcome IS NULL",
    10};

enum pg_status agreement_close(struct pg *pg, const struct agreement *g, const char *outcome, const char *refusal)
{
    struct pg_args a;
    key_args(&a, g);
    pg_arg_i64(&a, g->n);
    pg_arg_text(&a, outcome);
    pg_arg_text(&a, g->side);
    pg_arg_text(&a, g->organisation);
    pg_arg_text(&a, g->person);
    pg_arg_instant(&a, g->at);
    pg_arg_text(&a, refusal);
    return pg_change(pg, &close_agreement, &a);
}

#define COLUMNS                                                                                                        \
    "SELECT n, kind, month, body, encode(digest, 'hex') AS digest, proposed_side, proposed_by,"                        \
    " (extract(epoch FROM proposed_at) * 1000000)::bigint AS proposed_at, outcome, closed_side, closed_by,"            \
    " (extract(epoch FROM closed_at) * 1000000)::bigint AS closed_at, refusal FROM reckoner.agreement"                 \
    " WHERE provider = $1 AND contract = $2 AND commissioner = $3"

static const struct pg_statement get = {"agreement_get", COLUMNS " AND n = $4", 4};
static const struct pg_statement get_locked = {"agreement_get_locked", COLUMNS " AND n = $4 FOR UPDATE", 4};

enum pg_status agreement_get(struct pg *pg, const struct agreement *key, bool lock, PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    pg_arg_i64(&a, key->n);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

static const struct pg_statement list = {
    "agreement_list", COLUMNS " AND n > $4 AND ($5::text IS NULL OR kind = $5) ORDER BY n LIMIT $6", 6};

enum pg_status agreement_list(struct pg *pg, const struct agreement *after, const char *kind, int64_t limit,
                              PGresult **result)
{
    struct pg_args a;
    key_args(&a, after);
    pg_arg_i64(&a, after->n);
    pg_arg_text(&a, kind);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement sum_openings = {"opening_entries_sum",
                                                 "SELECT reckoner.opening_entries_sum($1, $2, $3) AS pence", 3};

enum pg_status opening_entries_sum(struct pg *pg, const struct account_key *account, int64_t *pence)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_get_i64(pg, &sum_openings, &a, pence);
}
