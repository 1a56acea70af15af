#include "store/rehearsal.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define REHEARSAL_COLUMNS                                                                                  \
    "provider, no, id, month, state, uploaded_by, media_type, content_encoding,"                           \
    " coalesce(column_mapping, 0) AS column_mapping,"                                                      \
    " coalesce(declared_rows, -1) AS declared_rows, coalesce(caseload, -1) AS caseload,"                   \
    " " PG_INSTANT("begun_at") " AS begun_at, coalesce(" PG_INSTANT("completed_at") ", 0) AS completed_at,"            \
    " coalesce(" PG_INSTANT("rehearsed_at") ", 0) AS rehearsed_at, " PG_INSTANT("arrived_at") " AS arrived_at,"        \
    " bytes, chunks, sha256"
/* clang-format on */

static enum pg_status read_one(struct pg *pg, const struct pg_statement *s, const struct pg_args *a,
                               struct rehearsal *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status != PG_OK)
        return status;
    memset(out, 0, sizeof *out);
    copy_text(out->provider, sizeof out->provider, pg_text(r, 0, "provider"));
    out->no = pg_i64(r, 0, "no");
    copy_text(out->id, sizeof out->id, pg_text(r, 0, "id"));
    out->month = pg_month(r, 0, "month");
    copy_text(out->state, sizeof out->state, pg_text(r, 0, "state"));
    copy_text(out->uploaded_by, sizeof out->uploaded_by, pg_text(r, 0, "uploaded_by"));
    copy_text(out->media_type, sizeof out->media_type, pg_text(r, 0, "media_type"));
    copy_text(out->content_encoding, sizeof out->content_encoding, pg_text(r, 0, "content_encoding"));
    out->column_mapping = pg_i64(r, 0, "column_mapping");
    out->declared_rows = pg_i64(r, 0, "declared_rows");
    out->caseload = pg_i64(r, 0, "caseload");
    out->begun_at = pg_instant(r, 0, "begun_at");
    out->completed_at = pg_instant(r, 0, "completed_at");
    out->rehearsed_at = pg_instant(r, 0, "rehearsed_at");
    out->arrived_at = pg_instant(r, 0, "arrived_at");
    out->bytes = pg_i64(r, 0, "bytes");
    out->chunks = pg_i64(r, 0, "chunks");
    if (!pg_is_null(r, 0, "sha256"))
        (void)pg_bytes(r, 0, "sha256", out->sha256, sizeof out->sha256);
    PQclear(r);
    return PG_OK;
}

static void reservation_key(struct pg_args *a, const struct rehearsal_upload *u)
{
    pg_args_id(a, u->provider, u->person);
    pg_arg_text(a, u->key);
}

/* What stands against another rehearsal of the provider. *outcome REHEARSAL_RESERVED: nothing. */
static enum pg_status look_before(struct pg *pg, const struct rehearsal_upload *u, enum rehearsal_reservation *outcome,
                                  enum allowance *left)
{
    static const struct pg_statement sweep = {
        "rehearsal_sweep_dead",
        "DELETE FROM reckoner.rehearsal WHERE provider = $1 AND state = 'receiving'"
        " AND receiving_until < clock_timestamp()",
        1};
    static const struct pg_statement look = {
        "rehearsal_look",
        "SELECT count(*) FILTER (WHERE uploaded_by = $2 AND idempotency_key = $3 AND state = 'receiving') AS busy,"
        " count(*) FILTER (WHERE uploaded_by = $2 AND idempotency_key = $3 AND state <> 'receiving') AS used,"
        " count(*) FILTER (WHERE state = 'receiving' OR EXISTS (SELECT FROM reckoner.job j"
        "  WHERE j.provider = h.provider AND j.subject = h.id AND j.kind = 'rehearse'"
        "  AND j.state IN ('queued', 'leased'))) AS waiting,"
        " count(*) FILTER (WHERE arrived_at > clock_timestamp() - interval '24 hours') AS today"
        " FROM reckoner.rehearsal h WHERE provider = $1",
        3};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, u->provider);
    enum pg_status status = allowance_lock(pg, "rehearsals", u->provider);
    if (status == PG_OK)
        status = pg_run(pg, &sweep, &a, NULL);
    if (status != PG_OK)
        return status;
    reservation_key(&a, u);
    PGresult *r = NULL;
    status = pg_run_one(pg, &look, &a, &r);
    if (status != PG_OK)
        return status;
    *left = allowance_judge(r, REHEARSALS_WAITING, u->per_day);
    *outcome = pg_i64(r, 0, "busy") > 0   ? REHEARSAL_BUSY
               : pg_i64(r, 0, "used") > 0 ? REHEARSAL_KEY_USED
               : *left != ALLOWANCE_LEFT  ? REHEARSAL_OVER
                                          : REHEARSAL_RESERVED;
    PQclear(r);
    return PG_OK;
}

static enum pg_status reserve(struct pg *pg, const struct rehearsal_upload *u, enum rehearsal_reservation *outcome,
                              enum allowance *left, int64_t *no)
{
    static const struct pg_statement s = {
        "rehearsal_reserve",
        "INSERT INTO reckoner.rehearsal (provider, uploaded_by, idempotency_key, id, month, state, media_type,"
        " declared_rows, caseload, begun_at, receiving_until, sealed_key, content_encoding, column_mapping)"
        " VALUES ($1, $2, $3, $4, $5, 'receiving', $6, $7, $8, $9, clock_timestamp() + $10 * interval '1 second', $11, "
        "$12,"
        " $13) RETURNING no",
        13};
    enum pg_status status = look_before(pg, u, outcome, left);
    if (status != PG_OK || *outcome != REHEARSAL_RESERVED)
        return status;
    struct pg_args a;
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
    return pg_get_i64(pg, &s, &a, no);
}

enum pg_status rehearsal_reserve(struct pg *pg, const struct rehearsal_upload *u, enum rehearsal_reservation *outcome,
                                 enum allowance *left, int64_t *no)
{
    int64_t given = 0;
    enum pg_status status = pg_begin(pg);
    if (status == PG_OK)
        status = reserve(pg, u, outcome, left, &given);
    if (status == PG_OK)
        status = pg_commit(pg);
    else
        pg_rollback(pg);
    if (status == PG_OK && *outcome == REHEARSAL_RESERVED)
        *no = given;
    return status;
}

enum pg_status rehearsal_add_chunk(struct pg *pg, const char *provider, int64_t no, int64_t seq, const void *sealed,
                                   size_t length, int64_t receiving_seconds)
{
    static const struct pg_statement s = {
        "rehearsal_add_chunk",
        "WITH alive AS (UPDATE reckoner.rehearsal SET chunks = chunks + 1,"
        " receiving_until = clock_timestamp() + $5 * interval '1 second'"
        " WHERE provider = $1 AND no = $2 AND state = 'receiving' AND chunks = $3 RETURNING provider, no)"
        " INSERT INTO reckoner.rehearsal_chunk (provider, rehearsal, seq, sealed)"
        " SELECT provider, no, $3, $4 FROM alive",
        5};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_i64(&a, seq);
    pg_arg_bytes(&a, sealed, length);
    pg_arg_i64(&a, receiving_seconds);
    return pg_change(pg, &s, &a);
}

enum pg_status rehearsal_abandon(struct pg *pg, const char *provider, int64_t no)
{
    static const struct pg_statement s = {
        "rehearsal_abandon", "DELETE FROM reckoner.rehearsal WHERE provider = $1 AND no = $2 AND state = 'receiving'",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status rehearsal_complete(struct pg *pg, const char *provider, int64_t no, instant_t completed_at,
                                  int64_t bytes, const uint8_t sha256[REHEARSAL_SHA256_SIZE], struct rehearsal *out)
{
    /* greatest(): a clock file may be set back while the file is under way. */
    static const struct pg_statement s = {
        "rehearsal_complete",
        "UPDATE reckoner.rehearsal SET state = 'received', receiving_until = NULL,"
        " completed_at = greatest($3, begun_at), bytes = $4, sha256 = $5"
        " WHERE provider = $1 AND no = $2 AND state = 'receiving' RETURNING " REHEARSAL_COLUMNS,
        5};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_instant(&a, completed_at);
    pg_arg_i64(&a, bytes);
    pg_arg_bytes(&a, sha256, REHEARSAL_SHA256_SIZE);
    return read_one(pg, &s, &a, out);
}

enum pg_status rehearsal_get(struct pg *pg, const char *provider, const char *id, struct rehearsal *out)
{
    static const struct pg_statement s = {"rehearsal_get",
                                          "SELECT " REHEARSAL_COLUMNS " FROM reckoner.rehearsal"
                                          " WHERE provider = $1 AND id = $2 AND state <> 'receiving'",
                                          2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return read_one(pg, &s, &a, out);
}

enum pg_status rehearsal_report(struct pg *pg, const char *provider, int64_t no, PGresult **result)
{
    static const struct pg_statement s = {"rehearsal_report",
                                          "SELECT report FROM reckoner.rehearsal WHERE provider = $1 AND no = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status rehearsal_part(struct pg *pg, const char *provider, int64_t no, int64_t part, PGresult **result)
{
    static const struct pg_statement s = {
        "rehearsal_part",
        "SELECT lines FROM reckoner.rehearsal_part WHERE provider = $1 AND rehearsal = $2 AND part = $3", 3};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_i64(&a, part);
    PGresult *r = NULL;
    enum pg_status status = pg_run_binary(pg, &s, &a, &r);
    if (status == PG_OK && PQntuples(r) == 0) {
        PQclear(r);
        return PG_NONE;
    }
    if (status == PG_OK)
        *result = r;
    return status;
}

enum pg_status rehearsal_sealed_key(struct pg *pg, const char *provider, int64_t no, uint8_t *key, size_t size,
                                    size_t *length)
{
    static const struct pg_statement s = {
        "rehearsal_sealed_key", "SELECT sealed_key FROM reckoner.rehearsal WHERE provider = $1 AND no = $2", 2};
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

enum pg_status rehearsal_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count,
                                PGresult **result)
{
    static const struct pg_statement s = {
        "rehearsal_chunks",
        "SELECT sealed FROM reckoner.rehearsal_chunk WHERE provider = $1 AND rehearsal = $2"
        " AND seq >= $3 AND seq < $4 ORDER BY seq",
        4};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_i64(&a, from);
    pg_arg_i64(&a, from + count);
    return pg_run_binary(pg, &s, &a, result);
}

enum pg_status rehearsal_begin_report(struct pg *pg, const char *provider, int64_t no)
{
    static const struct pg_statement lock = {
        "rehearsal_begin_report",
        "SELECT no FROM reckoner.rehearsal WHERE provider = $1 AND no = $2 AND state = 'received' FOR UPDATE", 2};
    static const struct pg_statement clear = {
        "rehearsal_clear_parts", "DELETE FROM reckoner.rehearsal_part WHERE provider = $1 AND rehearsal = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &lock, &a, &r);
    if (status != PG_OK)
        return status;
    PQclear(r);
    return pg_run(pg, &clear, &a, NULL);
}

enum pg_status rehearsal_add_part(struct pg *pg, const char *provider, int64_t no, int64_t part, const void *lines,
                                  size_t length)
{
    static const struct pg_statement s = {
        "rehearsal_add_part",
        "INSERT INTO reckoner.rehearsal_part (provider, rehearsal, part, lines) VALUES ($1, $2, $3, $4)", 4};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_i64(&a, part);
    pg_arg_bytes(&a, lines, length);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status rehearsal_finish(struct pg *pg, const char *provider, int64_t no, instant_t at, const char *report)
{
    static const struct pg_statement s = {"rehearsal_finish",
                                          "UPDATE reckoner.rehearsal SET state = 'done', rehearsed_at = $3, report = $4"
                                          " WHERE provider = $1 AND no = $2 AND state = 'received'",
                                          4};
    struct pg_args a;
    pg_args_number(&a, provider, no);
    pg_arg_instant(&a, at);
    pg_arg_text(&a, report);
    return pg_change(pg, &s, &a);
}

enum pg_status rehearsal_sweep(struct pg *pg, int64_t days, int64_t *swept)
{
    static const struct pg_statement s = {
        "rehearsal_sweep",
        "DELETE FROM reckoner.rehearsal WHERE (state = 'receiving' AND receiving_until < clock_timestamp())"
        " OR (state <> 'receiving' AND arrived_at < clock_timestamp() - $1 * interval '1 day')",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, days);
    enum pg_status status = PG_FAILED;
    int64_t deleted = pg_run_count(pg, &s, &a, &status);
    if (deleted < 0)
        return status;
    *swept = deleted;
    return PG_OK;
}
