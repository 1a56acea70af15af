#include "store/row_tree.h"

#include "store/submission.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE 56

static void tree_args(struct pg_args *a, const char *provider, int64_t submission, const char *commissioner)
{
    pg_args_number(a, provider, submission);
    pg_arg_text(a, commissioner);
}

enum pg_status row_tree_lock(struct pg *pg, const char *provider, int64_t submission)
{
    static const struct pg_statement s = {
        "row_tree_lock",
        "SELECT pg_advisory_xact_lock(hashtextextended('row_tree/' || $1::text || '/' || $2::text, 0))", 2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, NULL);
}

static enum pg_status get_root(struct pg *pg, const struct pg_statement *s, const struct pg_args *a,
                               struct row_tree_root *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status != PG_OK)
        return status;
    out->rows = pg_i64(r, 0, "rows");
    if (pg_bytes(r, 0, "root", out->root, sizeof out->root) != ROW_TREE_HASH)
        status = PG_FAILED;
    PQclear(r);
    return status;
}

enum pg_status row_tree_get(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                            struct row_tree_root *out)
{
    static const struct pg_statement s = {"row_tree_get",
                                          "SELECT rows, root FROM reckoner.row_tree"
                                          " WHERE provider = $1 AND submission = $2 AND commissioner = $3",
                                          3};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    return get_root(pg, &s, &a, out);
}

enum pg_status row_tree_missing(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {
        "row_tree_missing",
        "SELECT a.commissioner FROM reckoner.submission s JOIN reckoner.account a ON a.provider = s.provider"
        " AND a.financial_year = extract(year FROM s.month - interval '3 months')"
        " WHERE s.provider = $1 AND s.no = $2 AND NOT EXISTS (SELECT FROM reckoner.row_tree t"
        "  WHERE t.provider = s.provider AND t.submission = s.no AND t.commissioner = a.commissioner)"
        " ORDER BY a.commissioner",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, result);
}

enum pg_status row_tree_insert_block(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                     const struct row_tree_part *part)
{
    static const struct pg_statement s = {
        "row_tree_insert_block",
        "INSERT INTO reckoner.row_tree_block (provider, submission, commissioner, block, rows, first_row, last_row,"
        " entries, root) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        9};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    pg_arg_i64(&a, part->block);
    pg_arg_i64(&a, part->rows);
    pg_arg_i64(&a, part->first_row);
    pg_arg_i64(&a, part->last_row);
    pg_arg_bytes(&a, part->entries, ENTRY_SIZE * (size_t)part->rows);
    pg_arg_bytes(&a, part->root, ROW_TREE_HASH);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status row_tree_insert(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                               const struct row_tree_root *tree)
{
    static const struct pg_statement s = {
        "row_tree_insert",
        "INSERT INTO reckoner.row_tree (provider, submission, commissioner, rows, root) VALUES ($1, $2, $3, $4, $5)",
        5};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    pg_arg_i64(&a, tree->rows);
    pg_arg_bytes(&a, tree->root, sizeof tree->root);
    return pg_run(pg, &s, &a, NULL);
}

static int32_t int4(const PGresult *r, int column)
{
    uint32_t wire = 0;
    memcpy(&wire, PQgetvalue(r, 0, column), sizeof wire);
    return (int32_t)be32toh(wire);
}

#define PART_COLUMNS                                                                                                   \
    "SELECT block, rows, first_row, last_row, entries, root FROM reckoner.row_tree_block"                              \
    " WHERE provider = $1 AND submission = $2 AND commissioner = $3"

static enum pg_status get_part(struct pg *pg, const struct pg_statement *s, const struct pg_args *a,
                               struct row_tree_part *part, PGresult **result)
{
    enum pg_status status = pg_run_binary(pg, s, a, result);
    if (status != PG_OK)
        return status;
    if (PQntuples(*result) != 1) {
        PQclear(*result);
        *result = NULL;
        return PG_NONE;
    }
    const PGresult *r = *result;
    *part = (struct row_tree_part){int4(r, 0),
                                   int4(r, 1),
                                   int4(r, 2),
                                   int4(r, 3),
                                   (const uint8_t *)PQgetvalue(r, 0, 4),
                                   (const uint8_t *)PQgetvalue(r, 0, 5)};
    return PG_OK;
}

enum pg_status row_tree_block_of(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                 int32_t row_no, struct row_tree_part *part, PGresult **result)
{
    static const struct pg_statement s = {"row_tree_block_of", PART_COLUMNS " AND $4 BETWEEN first_row AND last_row",
                                          4};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    pg_arg_i64(&a, row_no);
    return get_part(pg, &s, &a, part, result);
}

enum pg_status row_tree_block(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              int64_t block, struct row_tree_part *part, PGresult **result)
{
    static const struct pg_statement s = {"row_tree_block", PART_COLUMNS " AND block = $4", 4};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    pg_arg_i64(&a, block);
    return get_part(pg, &s, &a, part, result);
}

enum pg_status row_tree_block_roots(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                    uint8_t **roots, size_t *count)
{
    static const struct pg_statement s = {"row_tree_block_roots",
                                          "SELECT root FROM reckoner.row_tree_block WHERE provider = $1"
                                          " AND submission = $2 AND commissioner = $3 ORDER BY block",
                                          3};
    struct pg_args a;
    PGresult *r = NULL;
    tree_args(&a, provider, submission, commissioner);
    enum pg_status status = pg_run_binary(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    *count = (size_t)PQntuples(r);
    *roots = malloc(ROW_TREE_HASH * (*count + 1));
    for (size_t i = 0; *roots != NULL && i < *count; i++)
        memcpy(*roots + ROW_TREE_HASH * i, PQgetvalue(r, (int)i, 0), ROW_TREE_HASH);
    PQclear(r);
    return *roots == NULL ? PG_FAILED : PG_OK;
}

enum pg_status row_tree_gives_way(struct pg *pg, bool *out)
{
    static const struct pg_statement s = {"row_tree_gives_way", "SELECT " SUBMISSION_WAITS " AS way", 0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_get_bool(pg, &s, &a, out);
}

enum pg_status row_tree_each(struct pg *pg, const char *provider, month_t month,
                             bool (*each)(void *context, const struct row_tree_place *place), void *context)
{
    static const struct pg_statement s = {
        "row_tree_each",
        "SELECT t.provider, t.submission, s.month, s.version, t.commissioner, t.rows, t.root FROM reckoner.row_tree t"
        " JOIN reckoner.submission s ON s.provider = t.provider AND s.no = t.submission"
        " WHERE ($1::text IS NULL OR t.provider = $1) AND ($2::date IS NULL OR s.month = $2)"
        " ORDER BY t.provider, s.month, s.version, t.commissioner",
        2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_month(&a, provider, month);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        struct row_tree_place place = {.provider = pg_text(r, row, "provider"),
                                       .submission = pg_i64(r, row, "submission"),
                                       .month = pg_month(r, row, "month"),
                                       .version = pg_i64(r, row, "version"),
                                       .commissioner = pg_text(r, row, "commissioner"),
                                       .tree = {.rows = pg_i64(r, row, "rows")}};
        if (pg_bytes(r, row, "root", place.tree.root, ROW_TREE_HASH) != ROW_TREE_HASH)
            status = PG_FAILED;
        else if (!each(context, &place))
            status = PG_INVALID;
    }
    PQclear(r);
    return status;
}

enum pg_status row_tree_count_rows(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                                   int64_t *rows)
{
    static const struct pg_statement s = {"row_tree_count_rows",
                                          "SELECT count(*) AS rows FROM reckoner.episode"
                                          " WHERE provider = $1 AND submission = $2 AND commissioner = $3",
                                          3};
    struct pg_args a;
    tree_args(&a, provider, submission, commissioner);
    return pg_get_i64(pg, &s, &a, rows);
}

enum pg_status row_tree_of(struct pg *pg, const char *provider, const char *submission, const char *commissioner,
                           struct row_tree_root *out)
{
    static const struct pg_statement s = {
        "row_tree_of",
        "SELECT t.rows, t.root FROM reckoner.submission s JOIN reckoner.row_tree t ON t.provider = s.provider"
        " AND t.submission = s.no WHERE s.provider = $1 AND s.id = $2 AND t.commissioner = $3",
        3};
    struct pg_args a;
    pg_args_id(&a, provider, submission);
    pg_arg_text(&a, commissioner);
    return get_root(pg, &s, &a, out);
}
