#include "store/reattribution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void key_args(struct pg_args *a, const struct reattribution *g)
{
    pg_args_number(a, g->provider, g->n);
}

enum pg_status reattribution_contract(struct pg *pg, const char *provider, const char *commissioner, month_t month,
                                      char contract[IDENT_SIZE])
{
    static const struct pg_statement s = {"reattribution_contract",
                                          "SELECT reckoner.account_contract($1, $2, $3) AS contract", 3};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, commissioner);
    pg_arg_month(&a, month);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK && pg_is_null(r, 0, "contract"))
        status = PG_NONE;
    if (status == PG_OK)
        snprintf(contract, IDENT_SIZE, "%s", pg_text(r, 0, "contract"));
    PQclear(r);
    return status;
}

enum pg_status reattribution_lock(struct pg *pg, const char *provider)
{
    static const struct pg_statement s = {
        "reattribution_lock", "SELECT pg_advisory_xact_lock(hashtextextended('reattribution/' || $1, 0))", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status reattribution_propose(struct pg *pg, const struct reattribution *g, int64_t *n)
{
    static const struct pg_statement s = {
        "reattribution_propose",
        "INSERT INTO reckoner.reattribution (provider, n, month, from_commissioner, to_commissioner, rows, reason,"
        " proposed_side, proposed_at, provider_by, provider_at, from_by, from_at)"
        " SELECT $1, reckoner.reattribution_next($1), $2, $3, $4, $5, $6, $7, $8::timestamptz,"
        " CASE $7 WHEN 'provider' THEN $9 END, CASE $7 WHEN 'provider' THEN $8::timestamptz END,"
        " CASE $7 WHEN 'from' THEN $9 END, CASE $7 WHEN 'from' THEN $8::timestamptz END RETURNING n",
        9};
    struct pg_args a;
    pg_args_month(&a, g->provider, g->month);
    pg_arg_text(&a, g->from);
    pg_arg_text(&a, g->to);
    pg_arg_i64(&a, g->rows);
    pg_arg_text(&a, g->reason);
    pg_arg_text(&a, g->side);
    pg_arg_instant(&a, g->at);
    pg_arg_text(&a, g->person);
    return pg_get_i64(pg, &s, &a, n);
}

/* A row is of the commissioner that it was moved to last, or was sent with. */
enum pg_status reattribution_add_rows(struct pg *pg, const struct reattribution *g, int64_t submission,
                                      const char *episodes)
{
    static const struct pg_statement s = {
        "reattribution_add_rows",
        "INSERT INTO reckoner.reattribution_row (provider, n, month, commissioner, episode_id, row_sha256)"
        " SELECT $1, $2, $3, e.commissioner, e.episode_id, d.sha256 FROM jsonb_array_elements_text($5::jsonb) AS q(id)"
        " JOIN reckoner.episode e ON e.provider = $1 AND e.submission = $4 AND e.episode_id = q.id AND q.id <> ''"
        " CROSS JOIN LATERAL (SELECT reckoner.episode_sha256(e) AS sha256) d"
        " WHERE $6 = coalesce((SELECT o.to_commissioner FROM reckoner.reattribution_row r"
        "  JOIN reckoner.reattribution o USING (provider, n) WHERE r.provider = $1 AND r.month = $3"
        "  AND r.episode_id = e.episode_id AND r.commissioner = e.commissioner AND r.row_sha256 = d.sha256"
        "  AND o.agreed_at IS NOT NULL ORDER BY o.agreed_at DESC, o.n DESC LIMIT 1), e.commissioner)",
        6};
    struct pg_args a;
    key_args(&a, g);
    pg_arg_month(&a, g->month);
    pg_arg_i64(&a, submission);
    pg_arg_text(&a, episodes);
    pg_arg_text(&a, g->from);
    return pg_change(pg, &s, &a);
}

enum pg_status reattribution_agree(struct pg *pg, const struct reattribution *g)
{
    static const struct pg_statement s = {
        "reattribution_agree",
        "UPDATE reckoner.reattribution SET"
        " provider_by = CASE $3 WHEN 'provider' THEN $4 ELSE provider_by END,"
        " provider_at = CASE $3 WHEN 'provider' THEN $5::timestamptz ELSE provider_at END,"
        " from_by = CASE $3 WHEN 'from' THEN $4 ELSE from_by END,"
        " from_at = CASE $3 WHEN 'from' THEN $5::timestamptz ELSE from_at END,"
        " to_by = CASE $3 WHEN 'to' THEN $4 ELSE to_by END,"
        " to_at = CASE $3 WHEN 'to' THEN $5::timestamptz ELSE to_at END"
        " WHERE provider = $1 AND n = $2 AND outcome IS NULL AND agreed_at IS NULL"
        " AND CASE $3 WHEN 'provider' THEN provider_at WHEN 'from' THEN from_at ELSE to_at END IS NULL",
        5};
    struct pg_args a;
    key_args(&a, g);
    pg_arg_text(&a, g->side);
    pg_arg_text(&a, g->person);
    pg_arg_instant(&a, g->at);
    return pg_change(pg, &s, &a);
}

enum pg_status reattribution_close(struct pg *pg, const struct reattribution *g, const char *outcome,
                                   const char *refusal)
{
    static const struct pg_statement s = {
        "reattribution_close",
        "UPDATE reckoner.reattribution SET outcome = $3, closed_for = $4, closed_by = $5, closed_at = $6, refusal = $7"
        " WHERE provider = $1 AND n = $2 AND outcome IS NULL AND agreed_at IS NULL",
        7};
    struct pg_args a;
    key_args(&a, g);
    pg_arg_text(&a, outcome);
    pg_arg_text(&a, g->organisation);
    pg_arg_text(&a, g->person);
    pg_arg_instant(&a, g->at);
    pg_arg_text(&a, refusal);
    return pg_change(pg, &s, &a);
}

#define INSTANT(name) PG_INSTANT(name) " AS " name
#define AGREED        INSTANT("provider_at") ", " INSTANT("from_at") ", " INSTANT("to_at") ", " INSTANT("agreed_at")
#define COLUMNS                                                                                                        \
    "SELECT n, month, from_commissioner, to_commissioner, rows, reason, proposed_side, provider_by, from_by, to_by,"   \
    " outcome, closed_for, closed_by, refusal, " AGREED                                                                \
    ", " INSTANT("proposed_at") ", " INSTANT("closed_at") " FROM reckoner.reattribution WHERE provider = $1"

static const struct pg_statement get = {"reattribution_get", COLUMNS " AND n = $2", 2};
static const struct pg_statement get_locked = {"reattribution_get_locked", COLUMNS " AND n = $2 FOR UPDATE", 2};

enum pg_status reattribution_get(struct pg *pg, const struct reattribution *key, bool lock, PGresult **result)
{
    struct pg_args a;
    key_args(&a, key);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

enum pg_status reattribution_list(struct pg *pg, const struct reattribution *after, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {"reattribution_list", COLUMNS " AND n > $2 ORDER BY n LIMIT $3", 3};
    struct pg_args a;
    key_args(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status reattribution_rows(struct pg *pg, const struct reattribution *key, const char *after, int64_t limit,
                                  PGresult **result)
{
    static const struct pg_statement s = {
        "reattribution_rows",
        "SELECT r.episode_id, encode(r.row_sha256, 'hex') AS row_sha256, f.row_no, f.cluster, f.start_date,"
        " f.end_date, coalesce(f.rules, '') AS rules FROM reckoner.reattribution_row r"
        " LEFT JOIN reckoner.reattributed_facts($1, $2::integer) f USING (episode_id)"
        " WHERE r.provider = $1 AND r.n = $2 AND r.episode_id > $3 ORDER BY r.episode_id LIMIT $4",
        4};
    struct pg_args a;
    key_args(&a, key);
    pg_arg_text(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

static void read_facts(const PGresult *r, int row, struct episode *out)
{
    uint32_t number = (uint32_t)row + 1;
    memset(out, 0, sizeof *out);
    memcpy(out->patient, &number, sizeof number);
    snprintf(out->cluster, sizeof out->cluster, "%s", pg_text(r, row, "cluster"));
    snprintf(out->service, sizeof out->service, "%s", pg_text(r, row, "service"));
    out->start_date = pg_date(r, row, "start_date");
    out->end_date = pg_date(r, row, "end_date");
    out->mhct_date = pg_date(r, row, "mhct_date");
    out->referral_date = pg_date(r, row, "referral_date");
    out->last_contact = pg_date(r, row, "last_contact");
    out->mhct_reason = (int16_t)pg_i64(r, row, "mhct_reason");
    out->admitted_days = (int16_t)pg_i64(r, row, "admitted_days");
    out->assessment_only = pg_bool(r, row, "assessment_only");
    out->continues = pg_bool(r, row, "continues");
    out->approved = pg_bool(r, row, "approved");
    out->minor = pg_bool(r, row, "minor");
    out->failed = (uint64_t)pg_i64(r, row, "failed");
}

enum pg_status reattribution_unchanged(struct pg *pg, const struct reattribution *key, struct episode **rows,
                                       size_t *count)
{
    static const struct pg_statement s = {"reattribution_unchanged",
                                          "SELECT * FROM reckoner.reattributed_rows($1, $2::integer)", 2};
    struct pg_args a;
    PGresult *r = NULL;
    key_args(&a, key);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    *count = (size_t)PQntuples(r);
    *rows = calloc(*count + 1, sizeof **rows);
    for (size_t i = 0; *rows != NULL && i < *count; i++) {
        struct episode *e = &(*rows)[i];
        read_facts(r, (int)i, e);
        e->row_no = (int32_t)i + 1;
        snprintf(e->episode_id, sizeof e->episode_id, "%zu", i + 1);
    }
    PQclear(r);
    return *rows == NULL ? PG_FAILED : PG_OK;
}

enum pg_status moved_rows_load(struct pg *pg, const struct account_key *account, int64_t submission,
                               struct moved_row **rows, size_t *count)
{
    static const struct pg_statement s = {
        "moved_rows", "SELECT (m.moved).*, m.here FROM reckoner.moved_rows($1, $2, $3) m ORDER BY (m.moved).row_no", 3};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_number(&a, account->provider, submission);
    pg_arg_text(&a, account->commissioner);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    *count = (size_t)PQntuples(r);
    *rows = calloc(*count + 1, sizeof **rows);
    for (size_t i = 0; *rows != NULL && i < *count; i++) {
        struct moved_row *m = &(*rows)[i];
        read_facts(r, (int)i, &m->row);
        m->row.row_no = (int32_t)pg_i64(r, (int)i, "row_no");
        snprintf(m->row.episode_id, sizeof m->row.episode_id, "%s", pg_text(r, (int)i, "episode_id"));
        m->here = pg_bool(r, (int)i, "here");
    }
    PQclear(r);
    return *rows == NULL ? PG_FAILED : PG_OK;
}
