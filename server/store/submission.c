#include "store/submission.h"

#include "base/text.h"
#include "store/job.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define SUBMISSION_COLUMNS                                                                                 \
    "provider, no, id, month, coalesce(version, 0) AS version, state, uploaded_by, media_type,"            \
    " content_encoding, coalesce(column_mapping, 0) AS column_mapping,"                                    \
    " coalesce(empty_rows, -1) AS empty_rows,"                                                             \
    " coalesce(declared_rows, -1) AS declared_rows, coalesce(caseload, -1) AS caseload,"                   \
    " " PG_INSTANT("begun_at") " AS begun_at,"                                                                         \
    " coalesce(" PG_INSTANT("completed_at") ", 0) AS completed_at,"                                                    \
    " coalesce(" PG_INSTANT("validated_at") ", 0) AS validated_at,"                                                    \
    " confirmed_by IS NOT NULL AS confirmed, bytes, chunks, sha256,"                                       \
    " coalesce(rows, -1) AS rows, coalesce(payable_rows, -1) AS payable_rows,"                             \
    " coalesce(rule_set, '') AS rule_set, evaluation,"                                                     \
    " (SELECT coalesce(string_agg(k.key, ' '), '') FROM jsonb_each(reference) k"                           \
    " WHERE k.value = 'null') AS reference_missing"
/* clang-format on */

#define LARGE_TEXT SUBMISSION_QUOTE(SUBMISSION_LARGE_CHUNKS)

void submission_read(const PGresult *r, int row, struct submission *out)
{
    memset(out, 0, sizeof *out);
    copy_text(out->provider, sizeof out->provider, pg_text(r, row, "provider"));
    out->no = pg_i64(r, row, "no");
    copy_text(out->id, sizeof out->id, pg_text(r, row, "id"));
    out->month = pg_month(r, row, "month");
    out->version = pg_i64(r, row, "version");
    copy_text(out->state, sizeof out->state, pg_text(r, row, "state"));
    copy_text(out->uploaded_by, sizeof out->uploaded_by, pg_text(r, row, "uploaded_by"));
    copy_text(out->media_type, sizeof out->media_type, pg_text(r, row, "media_type"));
    copy_text(out->content_encoding, sizeof out->content_encoding, pg_text(r, row, "content_encoding"));
    out->column_mapping = pg_i64(r, row, "column_mapping");
    out->empty_rows = pg_i64(r, row, "empty_rows");
    out->declared_rows = pg_i64(r, row, "declared_rows");
    out->caseload = pg_i64(r, row, "caseload");
    out->begun_at = pg_instant(r, row, "begun_at");
    out->completed_at = pg_instant(r, row, "completed_at");
    out->validated_at = pg_instant(r, row, "validated_at");
    out->confirmed = pg_bool(r, row, "confirmed");
    out->bytes = pg_i64(r, row, "bytes");
    out->chunks = pg_i64(r, row, "chunks");
    if (!pg_is_null(r, row, "sha256"))
        (void)pg_bytes(r, row, "sha256", out->sha256, sizeof out->sha256);
    out->rows = pg_i64(r, row, "rows");
    out->payable_rows = pg_i64(r, row, "payable_rows");
    copy_text(out->rule_set, sizeof out->rule_set, pg_text(r, row, "rule_set"));
    out->evaluation = pg_i64(r, row, "evaluation");
    copy_text(out->reference_missing, sizeof out->reference_missing, pg_text(r, row, "reference_missing"));
}

static enum pg_status read_one(struct pg *pg, const struct pg_statement *s, const struct pg_args *a,
                               struct submission *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status != PG_OK)
        return status;
    submission_read(r, 0, out);
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement sweep_key = {
    "submission_sweep_key",
    "DELETE FROM reckoner.submission WHERE provider = $1 AND uploaded_by = $2 AND idempotency_key = $3"
    " AND state = 'receiving' AND receiving_until < clock_timestamp()",
    3};

static const struct pg_statement reserve = {
    "submission_reserve",
    "INSERT INTO reckoner.submission (provider, uploaded_by, idempotency_key, id, month, state, media_type,"
    " declared_rows, caseload, begun_at, receiving_until, sealed_key, content_encoding, column_mapping)"
    " VALUES ($1, $2, $3, $4, $5, 'receiving', $6, $7, $8, $9,"
    " clock_timestamp() + $10 * interval '1 second', $11, $12, $13)"
    " ON CONFLICT (provider, uploaded_by, idempotency_key) DO NOTHING RETURNING no",
    13};

static const struct pg_statement key_state = {"submission_key_state",
                                              "SELECT state = 'receiving' AS receiving FROM reckoner.submission"
                                              " WHERE provider = $1 AND uploaded_by = $2 AND idempotency_key = $3",
                                              3};

static void reservation_key(struct pg_args *a, const struct submission_upload *u)
{
    pg_args_id(a, u->provider, u->person);
    pg_arg_text(a, u->key);
}

enum pg_status submission_reserve(struct pg *pg, const struct submission_upload *u,
                                  enum submission_reservation *outcome, int64_t *no)
{
    struct pg_args a;
    reservation_key(&a, u);
    enum pg_status status = pg_run(pg, &sweep_key, &a, NULL);
    if (status != PG_OK)
        return status;
    reservation_key(&a, u);
    pg_arg_text(&a, u->id);
    pg_arg_month(&a, u->month);
    pg_arg_text(&a, u->media_type);
    pg_arg_optional(&a, u->declared_rows >= 0, u->declared_rows);
    pg_arg_optional(&a, u->caseload >= 0, u->caseload);
    pg_arg_instant(&a, u->begun_at);
    pg_arg_i64(&a, u->receiving_seconds);
    pg_arg_bytes(&a, u->sealed_key, u->sealed_key_length);
    pg_arg_text(&a, u->content_encoding);
    pg_arg_optional(&a, u->column_mapping != 0, u->column_mapping);
    PGresult *r = NULL;
    status = pg_run_one(pg, &reserve, &a, &r);
    if (status == PG_OK) {
        *no = pg_i64(r, 0, "no");
        *outcome = SUBMISSION_RESERVED;
        PQclear(r);
        return PG_OK;
    }
    if (status != PG_NONE)
        return status;
    reservation_key(&a, u);
    status = pg_run_one(pg, &key_state, &a, &r);
    if (status == PG_NONE)
        return PG_RETRY; /* the other upload ended between the two statements */
    if (status != PG_OK)
        return status;
    *outcome = pg_bool(r, 0, "receiving") ? SUBMISSION_BUSY : SUBMISSION_KEY_USED;
    PQclear(r);
    return PG_OK;
}

enum pg_status submission_add_chunk(struct pg *pg, const char *provider, int64_t no, int64_t seq, const void *sealed,
                                    size_t length, int64_t receiving_seconds)
{
    /* One that grows large is announced to the workers. Not waiting for the disk is safe: nothing was promised yet, and
     * the commit that completes the upload, which does wait, comes behind all of these in the log. It looks at their
     * number, in case the server lost some and came back.
     */
    static const struct pg_statement s = {
        "submission_add_chunk",
        "WITH alive AS (UPDATE reckoner.submission SET chunks = chunks + 1,"
        " receiving_until = clock_timestamp() + $5 * interval '1 second'"
        " WHERE provider = $1 AND no = $2 AND state = 'receiving' AND chunks = $3 RETURNING provider, no)"
        " INSERT INTO reckoner.submission_chunk (provider, submission, seq, sealed)"
        " SELECT a.provider, a.no, $3, $4 FROM alive a,"
        " (SELECT set_config('synchronous_commit', 'off', true) AS quick, CASE WHEN $3 + 1 = " LARGE_TEXT
        " THEN pg_notify('" JOB_CHANNEL "', '')::text ELSE '' END AS told) q WHERE q.quick = 'off' AND q.told = ''",
        5};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_i64(&a, seq);
    pg_arg_bytes(&a, sealed, length);
    pg_arg_i64(&a, receiving_seconds);
    return pg_change(pg, &s, &a);
}

enum pg_status submission_abandon(struct pg *pg, const char *provider, int64_t no)
{
    static const struct pg_statement s = {
        "submission_abandon", "DELETE FROM reckoner.submission WHERE provider = $1 AND no = $2 AND state = 'receiving'",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status submission_lock_month(struct pg *pg, const char *provider, month_t month)
{
    static const struct pg_statement s = {
        "submission_lock_month",
        "SELECT pg_advisory_xact_lock(hashtextextended('submission/' || $1::text || '/' || $2::text, 0))", 2};
    struct pg_args a;
    pg_args_number(&a, provider, month);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status submission_find_identical(struct pg *pg, const char *provider, month_t month,
                                         const uint8_t sha256[SUBMISSION_SHA256_SIZE], const char *content_encoding,
                                         int64_t column_mapping, struct submission *out)
{
    static const struct pg_statement s = {
        "submission_find_identical",
        "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission WHERE provider = $1 AND no ="
        " (SELECT no FROM reckoner.submission WHERE provider = $1 AND month = $2"
        "  AND state IN ('received', 'held', 'accepted') ORDER BY version DESC LIMIT 1)"
        " AND state = 'accepted' AND sha256 = $3 AND content_encoding = $4 AND coalesce(column_mapping, 0) = $5",
        5};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_bytes(&a, sha256, SUBMISSION_SHA256_SIZE);
    pg_arg_text(&a, content_encoding);
    pg_arg_i64(&a, column_mapping);
    return read_one(pg, &s, &a, out);
}

enum pg_status submission_complete(struct pg *pg, const char *provider, int64_t no, instant_t completed_at,
                                   int64_t chunks, int64_t bytes, const uint8_t sha256[SUBMISSION_SHA256_SIZE],
                                   struct submission *out)
{
    /* greatest(): a clock file may be set back while an upload is under way. */
    static const struct pg_statement s = {
        "submission_complete",
        "UPDATE reckoner.submission s SET state = 'received', receiving_until = NULL,"
        " completed_at = greatest($3, begun_at), bytes = $4, sha256 = $5,"
        " version = 1 + coalesce((SELECT max(o.version) FROM reckoner.submission o"
        "  WHERE o.provider = s.provider AND o.month = s.month), 0)"
        " WHERE provider = $1 AND no = $2 AND state = 'receiving' AND chunks = $6 RETURNING " SUBMISSION_COLUMNS,
        6};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_instant(&a, completed_at);
    pg_arg_i64(&a, bytes);
    pg_arg_bytes(&a, sha256, SUBMISSION_SHA256_SIZE);
    pg_arg_i64(&a, chunks);
    return read_one(pg, &s, &a, out);
}

enum pg_status submission_confirm(struct pg *pg, const char *provider, const char *id, const char *person, instant_t at)
{
    static const struct pg_statement s = {
        "submission_confirm",
        "UPDATE reckoner.submission SET state = 'received', validated_at = NULL, confirmed_by = $3, confirmed_at = $4"
        " WHERE provider = $1 AND id = $2 AND state = 'held'",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, person);
    pg_arg_instant(&a, at);
    return pg_change(pg, &s, &a);
}

enum pg_status submission_get(struct pg *pg, const char *provider, const char *id, struct submission *out)
{
    static const struct pg_statement s = {"submission_get",
                                          "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission"
                                          " WHERE provider = $1 AND id = $2 AND state <> 'receiving'",
                                          2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return read_one(pg, &s, &a, out);
}

enum pg_status submission_get_for_update(struct pg *pg, const char *provider, const char *id, struct submission *out)
{
    static const struct pg_statement s = {"submission_get_for_update",
                                          "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission"
                                          " WHERE provider = $1 AND id = $2 AND state <> 'receiving' FOR UPDATE",
                                          2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return read_one(pg, &s, &a, out);
}

enum pg_status submission_list(struct pg *pg, const char *provider, month_t month, int64_t below, int64_t limit,
                               PGresult **result)
{
    static const struct pg_statement s = {
        "submission_list",
        "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission WHERE provider = $1 AND month = $2"
        " AND state <> 'receiving' AND ($3 = 0 OR version < $3) ORDER BY version DESC LIMIT $4",
        4};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_i64(&a, below);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status submission_accepted(struct pg *pg, const char *provider, month_t month, int64_t below,
                                   struct submission *out)
{
    static const struct pg_statement s = {"submission_accepted",
                                          "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission"
                                          " WHERE provider = $1 AND month = $2 AND state = 'accepted'"
                                          " AND ($3 = 0 OR version < $3) ORDER BY version DESC LIMIT 1",
                                          3};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_i64(&a, below);
    return read_one(pg, &s, &a, out);
}

enum pg_status submission_rows_before(struct pg *pg, const char *provider, month_t month, int64_t *rows)
{
    static const struct pg_statement s = {
        "submission_rows_before",
        "SELECT coalesce((SELECT rows FROM reckoner.submission WHERE provider = $1 AND month <= $2"
        " AND state = 'accepted' ORDER BY month DESC, version DESC LIMIT 1), -1) AS rows",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_get_i64(pg, &s, &a, rows);
}

enum pg_status submission_receipt(struct pg *pg, const char *provider, int64_t no, char record[IDENT_SIZE])
{
    static const struct pg_statement s = {"submission_receipt",
                                          "SELECT record FROM reckoner.receipt WHERE provider = $1 AND submission = $2"
                                          " ORDER BY n DESC LIMIT 1",
                                          2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_number(&a, provider, no);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK)
        snprintf(record, IDENT_SIZE, "%s", pg_text(r, 0, "record"));
    PQclear(r);
    return status;
}

enum pg_status submission_sweep(struct pg *pg, int64_t *swept)
{
    static const struct pg_statement s = {
        "submission_sweep",
        "DELETE FROM reckoner.submission WHERE state = 'receiving' AND receiving_until < clock_timestamp()", 0};
    struct pg_args a;
    pg_args_init(&a);
    enum pg_status status = PG_FAILED;
    int64_t deleted = pg_run_count(pg, &s, &a, &status);
    if (deleted < 0)
        return status;
    *swept = deleted;
    return PG_OK;
}

enum pg_status submission_arriving(struct pg *pg, PGresult **result)
{
    static const struct pg_statement s = {
        "submission_arriving",
        "SELECT " SUBMISSION_COLUMNS " FROM reckoner.submission WHERE state = 'receiving' AND chunks >= " LARGE_TEXT
        " AND receiving_until > clock_timestamp() ORDER BY no LIMIT 16",
        0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &s, &a, result);
}

enum pg_status submission_still_there(struct pg *pg, const char *provider, int64_t no)
{
    static const struct pg_statement s = {
        "submission_still_there",
        "SELECT FROM reckoner.submission WHERE provider = $1 AND no = $2 AND state IN ('receiving', 'received')", 2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    PQclear(r);
    return status;
}

enum pg_status submission_read_along(struct pg *pg, const char *provider, const char *id)
{
    static const struct pg_statement s = {
        "submission_read_along", "SELECT WHERE pg_try_advisory_lock(" READ_ALONG_LOCK("$1::text", "$2::text") ")", 2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    PQclear(r);
    return status;
}

enum pg_status submission_read_along_end(struct pg *pg, const char *provider, const char *id)
{
    static const struct pg_statement s = {"submission_read_along_end",
                                          "SELECT pg_advisory_unlock(" READ_ALONG_LOCK("$1::text", "$2::text") ")", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status submission_sealed_key(struct pg *pg, const char *provider, int64_t no, uint8_t *key, size_t size,
                                     size_t *length)
{
    static const struct pg_statement s = {
        "submission_sealed_key", "SELECT sealed_key FROM reckoner.submission WHERE provider = $1 AND no = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    int n = pg_bytes(r, 0, "sealed_key", key, size);
    PQclear(r);
    if (n < 0)
        return PG_INVALID;
    *length = (size_t)n;
    return PG_OK;
}

static const struct pg_statement chunks = {
    "submission_chunks",
    "SELECT sealed FROM reckoner.submission_chunk WHERE provider = $1 AND submission = $2"
    " AND seq >= $3 AND seq < $4 ORDER BY seq",
    4};

static void chunks_args(struct pg_args *a, const char *provider, int64_t no, int64_t from, int64_t count)
{
    pg_args_number(a, provider, no);
    pg_arg_i64(a, from);
    pg_arg_i64(a, from + count);
}

enum pg_status submission_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count,
                                 PGresult **result)
{
    struct pg_args a;
    chunks_args(&a, provider, no, from, count);
    return pg_run_binary(pg, &chunks, &a, result);
}

enum pg_status submission_ask_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count)
{
    struct pg_args a;
    chunks_args(&a, provider, no, from, count);
    return pg_ask_binary(pg, &chunks, &a);
}

enum pg_status submission_set_outcome(struct pg *pg, const char *provider, int64_t no,
                                      const struct submission_outcome *o)
{
    static const struct pg_statement s = {
        "submission_set_outcome",
        "UPDATE reckoner.submission SET state = $3, validated_at = $4, rows = $5, payable_rows = $6, rule_set = $7,"
        " reference = $8, empty_rows = $9, evaluation = 0 WHERE provider = $1 AND no = $2 AND state = 'received'",
        9};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_text(&a, o->state);
    pg_arg_instant(&a, o->validated_at);
    pg_arg_optional(&a, o->rows >= 0, o->rows);
    pg_arg_optional(&a, o->payable_rows >= 0, o->payable_rows);
    pg_arg_text(&a, o->rule_set);
    pg_arg_text(&a, o->reference);
    pg_arg_optional(&a, o->empty_rows >= 0, o->empty_rows);
    return pg_change(pg, &s, &a);
}

enum pg_status submission_clear_rows(struct pg *pg, const char *provider, int64_t no)
{
    static const struct pg_statement clear[] = {
        {"submission_clear_finding", "DELETE FROM reckoner.finding WHERE provider = $1 AND submission = $2", 2},
        {"submission_clear_episode", "DELETE FROM reckoner.episode WHERE provider = $1 AND submission = $2", 2},
        {"submission_clear_block", "DELETE FROM reckoner.confidential_block WHERE provider = $1 AND submission = $2",
         2},
        {"submission_clear_identifier", "DELETE FROM reckoner.identifier_block WHERE provider = $1 AND submission = $2",
         2},
        {"submission_clear_statistics",
         "DELETE FROM reckoner.activity_statistics_set WHERE provider = $1 AND submission = $2", 2},
    };
    for (size_t i = 0; i < sizeof clear / sizeof clear[0]; i++) {
        struct pg_args a;
        pg_args_number(&a, provider, no);
        enum pg_status status = pg_run(pg, &clear[i], &a, NULL);
        if (status != PG_OK)
            return status;
    }
    return PG_OK;
}

enum pg_status submission_add_receipt(struct pg *pg, const char *provider, int64_t no, const char *record)
{
    static const struct pg_statement s = {
        "submission_add_receipt",
        "INSERT INTO reckoner.receipt (provider, submission, n, record)"
        " SELECT $1, $2, 1 + coalesce(max(n), 0), $3 FROM reckoner.receipt WHERE provider = $1 AND submission = $2",
        3};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_text(&a, record);
    return pg_run(pg, &s, &a, NULL);
}
