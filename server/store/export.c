#include "store/export.h"

#include "store/finding_severity.h"

#include <string.h>

enum pg_status export_allowance(struct pg *pg, const char *organisation, instant_t at, int64_t per_day,
                                enum allowance *left)
{
    /* One whose job has failed stays queued and waits for nobody. */
    static const struct pg_statement count = {
        "export_allowance",
        "SELECT (SELECT count(*) FROM reckoner.export x WHERE x.organisation = $1 AND x.state = 'queued'"
        "  AND EXISTS (SELECT FROM reckoner.job j WHERE j.provider = x.provider AND j.subject = x.id"
        "  AND j.kind = 'export' AND j.state IN ('queued', 'leased'))) AS waiting,"
        " (SELECT count(*) FROM reckoner.export x WHERE x.organisation = $1"
        "  AND x.asked_at > $2::timestamptz - interval '24 hours') AS today",
        2};
    return allowance_look(pg, "exports", organisation, &count, at, EXPORTS_WAITING, per_day, left);
}

enum pg_status export_ask(struct pg *pg, const struct export_request *x)
{
    static const struct pg_statement s = {
        "export_ask",
        "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, commissioner,"
        " first_month, last_month, rule, severity, cluster, submission, whole, sealed_key, statement, after_link,"
        " as_known_on, checkpoint)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::date, $10::date, $11, $12, $13, s.no, $15, $16, $17, $18, "
        "$19::date, $20"
        " FROM (SELECT 1) one LEFT JOIN reckoner.submission s ON s.provider = $1 AND s.id = $14"
        " WHERE $14::text IS NULL OR s.no IS NOT NULL RETURNING id",
        20};
    struct pg_args a;
    pg_args_id(&a, x->provider, x->id);
    pg_arg_text(&a, x->kind);
    pg_arg_text(&a, x->format);
    pg_arg_text(&a, x->organisation);
    pg_arg_text(&a, x->person);
    pg_arg_instant(&a, x->at);
    pg_arg_text(&a, x->commissioner);
    bool audit = strcmp(x->kind, "audit") == 0;
    if (x->submission || x->statement || audit) {
        pg_arg_null(&a);
        pg_arg_null(&a);
    } else {
        pg_arg_month(&a, x->first);
        pg_arg_month(&a, x->last);
    }
    pg_arg_text(&a, x->rule);
    pg_arg_text(&a, x->severity);
    pg_arg_text(&a, x->cluster);
    pg_arg_text(&a, x->submission);
    pg_arg_bool(&a, x->whole);
    pg_arg_bytes(&a, x->sealed_key, x->sealed_length);
    pg_arg_text(&a, x->statement);
    pg_arg_optional(&a, audit, x->after_link);
    pg_arg_date(&a, x->as_known_on);
    pg_arg_optional(&a, x->checkpoint > 0, x->checkpoint);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    PQclear(r);
    return status;
}

/* clang-format off */
#define VIEW                                                                                                           \
    "SELECT x.id AS export, x.kind, x.format, x.organisation, x.person, " PG_INSTANT("x.asked_at") " AS asked_at,"     \
    " x.commissioner, x.first_month, x.last_month, x.rule, x.severity, x.cluster, s.id AS submission, x.whole,"        \
    " x.state, " PG_INSTANT("x.finished_at") " AS finished_at, x.lines, x.pence AS control_total_pence,"               \
    " x.unknown_rows AS rows_of_unknown_amount, x.bytes, x.chunks, encode(x.sha256, 'hex') AS sha256, "                \
    PG_INSTANT("x.remove_after") " AS remove_after, x.sealed_key, x.submission AS submission_no,"                      \
    " x.statement, x.after_link, x.as_known_on, x.checkpoint"                                                          \
    " FROM reckoner.export x LEFT JOIN reckoner.submission s ON s.provider = x.provider AND s.no = x.submission"
/* clang-format on */

enum pg_status export_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result)
{
    static const struct pg_statement s = {
        "export_list",
        VIEW " WHERE x.provider = $1 AND ($2::timestamptz IS NULL OR"
             " (x.asked_at, x.id) < ($2, $3)) ORDER BY x.asked_at DESC, x.id DESC LIMIT $4",
        4};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_args_newest(&a, page);
    return pg_run(pg, &s, &a, result);
}

enum pg_status export_get(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    static const struct pg_statement s = {"export_get", VIEW " WHERE x.provider = $1 AND x.id = $2", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status export_part(struct pg *pg, const char *provider, const char *id, int64_t seq, PGresult **result)
{
    static const struct pg_statement s = {
        "export_part", "SELECT bytes FROM reckoner.export_chunk WHERE provider = $1 AND export = $2 AND seq = $3", 3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, seq);
    enum pg_status status = pg_run_binary(pg, &s, &a, result);
    if (status == PG_OK && PQntuples(*result) == 0) {
        PQclear(*result);
        *result = NULL;
        return PG_NONE;
    }
    return status;
}

enum pg_status export_clear(struct pg *pg, const char *provider, const char *id)
{
    static const struct pg_statement s = {"export_clear",
                                          "DELETE FROM reckoner.export_chunk WHERE provider = $1 AND export = $2", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status export_add(struct pg *pg, const char *provider, const char *id, int64_t seq, const void *bytes,
                          size_t length)
{
    static const struct pg_statement s = {
        "export_add", "INSERT INTO reckoner.export_chunk (provider, export, seq, bytes) VALUES ($1, $2, $3, $4)", 4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, seq);
    pg_arg_bytes(&a, bytes, length);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status export_finish(struct pg *pg, const char *provider, const char *id, const struct export_result *x)
{
    static const struct pg_statement s = {
        "export_finish",
        "UPDATE reckoner.export SET state = 'done', finished_at = $3, lines = $4, pence = $5, unknown_rows = $6,"
        " bytes = $7, chunks = $8, sha256 = $9, remove_after = clock_timestamp() + $10 * interval '1 day'"
        " WHERE provider = $1 AND id = $2 AND state = 'queued'",
        10};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, x->at);
    pg_arg_i64(&a, x->lines);
    pg_arg_i64(&a, x->pence);
    pg_arg_i64(&a, x->unknown_rows);
    pg_arg_i64(&a, x->bytes);
    pg_arg_i64(&a, x->chunks);
    pg_arg_bytes(&a, x->sha256, sizeof x->sha256);
    pg_arg_i64(&a, x->keep_days);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status export_expire(struct pg *pg, int64_t *removed)
{
    static const struct pg_statement s = {
        "export_expire",
        "WITH over AS (UPDATE reckoner.export SET state = 'removed' WHERE state = 'done' AND remove_after <"
        " clock_timestamp() RETURNING provider, id), gone AS (DELETE FROM reckoner.export_chunk c USING over"
        " WHERE c.provider = over.provider AND c.export = over.id) SELECT count(*) AS n FROM over",
        0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_get_i64(pg, &s, &a, removed);
}

enum pg_status export_submissions(struct pg *pg, const char *provider, month_t first, month_t last, PGresult **result)
{
    static const struct pg_statement s = {
        "export_submissions",
        "SELECT DISTINCT ON (month) no, id, month, version, evaluation FROM reckoner.submission"
        " WHERE provider = $1 AND month BETWEEN $2 AND $3 AND state = 'accepted' ORDER BY month, version DESC",
        3};
    struct pg_args a;
    pg_args_month(&a, provider, first);
    pg_arg_month(&a, last);
    return pg_run(pg, &s, &a, result);
}

/* clang-format off */
/* $1 provider, $2 submission, $3 evaluation, $4 to $7 filter, $8 row before, $9 limit. */
#define FINDINGS(severity, amount, stake)                                                                              \
    "WITH found AS MATERIALIZED (SELECT f.*, h.held FROM reckoner.finding f"                                           \
    " CROSS JOIN LATERAL (SELECT " severity " AS held) h WHERE f.provider = $1 AND f.submission = $2"                  \
    " AND f.row_no > $8 AND (f.evaluation = 0 OR f.evaluation = $3::integer)"                                          \
    " AND ($4::text IS NULL OR f.commissioner = $4) AND ($5::text IS NULL OR f.rule = $5)"                             \
    " AND ($6::text IS NULL OR h.held = $6) AND ($7::text IS NULL OR f.cluster = $7) ORDER BY f.row_no LIMIT $9)"      \
    " SELECT f.row_no, f.rule, f.held AS severity, f.episode_id, f.commissioner, f.cluster, f.field, f.value, f.note, "\
    amount " FROM found f" stake " ORDER BY f.row_no"
#define STAKE                                                                                                          \
    " LEFT JOIN LATERAL (SELECT k.pence, k.pseudonym FROM reckoner.stake k WHERE k.provider = f.provider"              \
    " AND k.submission = f.submission AND k.row_no = f.row_no OFFSET 0) k ON true"
/* clang-format on */

enum pg_status export_findings(struct pg *pg, const struct export_findings *f, int64_t after_row, PGresult **result)
{
    static const struct pg_statement now = {"export_findings",
                                            FINDINGS(SEVERITY_IN_FORCE, "k.pence, k.pseudonym", STAKE), 9};
    static const struct pg_statement then = {
        "export_findings_known",
        FINDINGS(SEVERITY_THEN("$3::integer"), "NULL::bigint AS pence, NULL::text AS pseudonym", ""), 9};
    struct pg_args a;
    pg_args_number(&a, f->provider, f->submission);
    pg_arg_i64(&a, f->evaluation);
    finding_filter_args(&a, &f->filter);
    pg_arg_i64(&a, after_row);
    pg_arg_i64(&a, f->limit);
    return pg_run(pg, f->as_known ? &then : &now, &a, result);
}
