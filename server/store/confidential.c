#include "store/confidential.h"

#include <endian.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "SELECT first_row, rows, sealed FROM reckoner.confidential_block WHERE provider = $1 AND submission = $2"

static int64_t int4(const PGresult *r, int column)
{
    uint32_t wire = 0;
    memcpy(&wire, PQgetvalue(r, 0, column), sizeof wire);
    return (int64_t)be32toh(wire);
}

static enum pg_status get(struct pg *pg, const struct pg_statement *s, const char *provider, int64_t submission,
                          int64_t which, struct confidential_rows *out)
{
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, which);
    PGresult *r = NULL;
    enum pg_status status = pg_run_binary(pg, s, &a, &r);
    if (status != PG_OK)
        return status;
    if (PQntuples(r) != 1) {
        PQclear(r);
        return PG_NONE;
    }
    *out = (struct confidential_rows){int4(r, 0), int4(r, 1), PQgetvalue(r, 0, 2), (size_t)PQgetlength(r, 0, 2), r};
    return PG_OK;
}

enum pg_status confidential_block_of(struct pg *pg, const char *provider, int64_t submission, int64_t row,
                                     struct confidential_rows *out)
{
    static const struct pg_statement s = {"confidential_block_of",
                                          COLUMNS " AND first_row <= $3 AND $3 < first_row + rows", 3};
    return get(pg, &s, provider, submission, row, out);
}

enum pg_status confidential_block(struct pg *pg, const char *provider, int64_t submission, int64_t block,
                                  struct confidential_rows *out)
{
    static const struct pg_statement s = {"confidential_block", COLUMNS " AND block = $3", 3};
    return get(pg, &s, provider, submission, block, out);
}

/* The worker may add and remove blocks, not change them. */
enum pg_status confidential_block_replace(struct pg *pg, const char *provider, int64_t submission, int64_t first_row,
                                          const void *sealed, size_t length)
{
    static const struct pg_statement take = {"confidential_block_take",
                                             "DELETE FROM reckoner.confidential_block WHERE provider = $1"
                                             " AND submission = $2 AND first_row = $3 RETURNING block, rows",
                                             3};
    static const struct pg_statement put = {
        "confidential_block_put",
        "INSERT INTO reckoner.confidential_block (provider, submission, block, first_row, rows, sealed)"
        " VALUES ($1, $2, $4, $3, $5, $6)",
        6};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, first_row);
    enum pg_status status = pg_run_one(pg, &take, &a, &r);
    if (status != PG_OK)
        return status;
    pg_arg_i64(&a, pg_i64(r, 0, "block"));
    pg_arg_i64(&a, pg_i64(r, 0, "rows"));
    pg_arg_bytes(&a, sealed, length);
    status = pg_run(pg, &put, &a, NULL);
    PQclear(r);
    return status;
}
