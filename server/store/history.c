#include "store/history.h"

#include <string.h>

enum pg_status history_submissions(struct pg *pg, const char *provider, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "history_submissions",
        "SELECT DISTINCT ON (month) no, id, month, rows FROM reckoner.submission"
        " WHERE provider = $1 AND month < $2 AND state = 'accepted' ORDER BY month, version DESC",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run(pg, &s, &a, result);
}

enum pg_status history_records(struct pg *pg, const char *provider, int64_t submission, int64_t from, int64_t count,
                               PGresult **result)
{
    static const struct pg_statement s = {"history_records",
                                          "SELECT records FROM reckoner.history_block WHERE provider = $1"
                                          " AND submission = $2 AND block >= $3 AND block < $3 + $4 ORDER BY block",
                                          4};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, from);
    pg_arg_i64(&a, count);
    return pg_run_binary(pg, &s, &a, result);
}

enum pg_status history_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.history_block (provider, submission, block, rows, records)"
                         " FROM STDIN (FORMAT binary)",
                         copy);
}

void history_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t block, int32_t rows,
                      const void *records, size_t length)
{
    pg_copy_row(copy, 5);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i32(copy, block);
    pg_copy_i32(copy, rows);
    pg_copy_bytes(copy, records, length);
}

enum pg_status overlap_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.overlap_block (provider, submission, partition, records)"
                         " FROM STDIN (FORMAT binary)",
                         copy);
}

void overlap_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int16_t partition,
                      const void *records, size_t length)
{
    pg_copy_row(copy, 4);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i16(copy, partition);
    pg_copy_bytes(copy, records, length);
}

enum pg_status cluster_move_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.cluster_move (provider, submission, row_no, direction)"
                         " FROM STDIN (FORMAT binary)",
                         copy);
}

void cluster_move_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t row_no,
                           const char *direction)
{
    pg_copy_row(copy, 4);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i32(copy, row_no);
    pg_copy_string(copy, direction);
}

enum pg_status cluster_move_counts(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    /* Looked up row by row: just after a load the planner takes both tables for empty and joins them in quadratic
     * time. */
    static const struct pg_statement s = {
        "cluster_move_counts",
        "SELECT service, count(*) FILTER (WHERE direction = 'up') AS up,"
        " count(*) FILTER (WHERE direction = 'down') AS down, count(*) FILTER (WHERE direction = 'level') AS level"
        " FROM (SELECT direction, coalesce((SELECT e.service FROM reckoner.episode e WHERE e.provider = m.provider"
        "  AND e.submission = m.submission AND e.row_no = m.row_no), '') AS service"
        "  FROM reckoner.cluster_move m WHERE provider = $1 AND submission = $2) moved"
        " GROUP BY service ORDER BY service",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, result);
}

enum pg_status overlap_take_turn(struct pg *pg, month_t month, bool *taken)
{
    static const struct pg_statement s = {
        "overlap_take_turn", "SELECT pg_try_advisory_xact_lock(hashtextextended('overlap/' || $1::date, 0)) AS taken",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_month(&a, month);
    return pg_get_bool(pg, &s, &a, taken);
}

enum pg_status overlap_submissions(struct pg *pg, month_t month, PGresult **result)
{
    static const struct pg_statement s = {
        "overlap_submissions",
        "SELECT DISTINCT ON (s.provider) s.provider, s.no, s.id, s.rows, o.digest FROM reckoner.submission s"
        " LEFT JOIN reckoner.overlap_shown o ON o.provider = s.provider AND o.submission = s.no"
        " WHERE s.month = $1 AND s.state = 'accepted' ORDER BY s.provider, s.version DESC",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_month(&a, month);
    return pg_run(pg, &s, &a, result);
}

enum pg_status overlap_records(struct pg *pg, const char *provider, int64_t submission, int from, int to,
                               PGresult **result)
{
    static const struct pg_statement s = {"overlap_records",
                                          "SELECT records FROM reckoner.overlap_block WHERE provider = $1"
                                          " AND submission = $2 AND partition >= $3 AND partition < $4",
                                          4};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, from);
    pg_arg_i64(&a, to);
    return pg_run_binary(pg, &s, &a, result);
}

enum pg_status overlap_set_shown(struct pg *pg, const char *provider, int64_t submission, int64_t rows,
                                 const uint8_t digest[HISTORY_DIGEST_SIZE])
{
    static const struct pg_statement forget = {
        "overlap_forget_shown", "DELETE FROM reckoner.overlap_shown WHERE provider = $1 AND submission = $2", 2};
    static const struct pg_statement set = {
        "overlap_set_shown",
        "INSERT INTO reckoner.overlap_shown (provider, submission, rows, digest) VALUES ($1, $2, $3, $4)", 4};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    enum pg_status status = pg_run(pg, &forget, &a, NULL);
    if (status != PG_OK || rows == 0)
        return status;
    pg_arg_i64(&a, rows);
    pg_arg_bytes(&a, digest, HISTORY_DIGEST_SIZE);
    return pg_run(pg, &set, &a, NULL);
}
