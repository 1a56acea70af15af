#include "store/identifier.h"

#include <string.h>

#define HASH_BYTES sizeof(int64_t)

enum pg_status identifier_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.identifier_block (provider, submission, block, lowest, hashes)"
                         " FROM STDIN (FORMAT binary)",
                         copy);
}

void identifier_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t block,
                         const int64_t *hashes, size_t count)
{
    uint8_t bytes[IDENTIFIER_BLOCK_HASHES * HASH_BYTES];
    for (size_t i = 0; i < count; i++) {
        for (size_t b = 0; b < HASH_BYTES; b++)
            bytes[i * HASH_BYTES + b] = (uint8_t)((uint64_t)hashes[i] >> (56 - 8 * b));
    }
    pg_copy_row(copy, 5);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i32(copy, block);
    pg_copy_i64(copy, hashes[0]);
    pg_copy_bytes(copy, bytes, count * HASH_BYTES);
}

enum pg_status identifier_directory(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {"identifier_directory",
                                          "SELECT block, lowest FROM reckoner.identifier_block"
                                          " WHERE provider = $1 AND submission = $2 ORDER BY block",
                                          2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, result);
}

enum pg_status identifier_block(struct pg *pg, const char *provider, int64_t submission, int32_t block, int64_t *out,
                                size_t *count)
{
    static const struct pg_statement s = {"identifier_block",
                                          "SELECT hashes FROM reckoner.identifier_block"
                                          " WHERE provider = $1 AND submission = $2 AND block = $3",
                                          3};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, block);
    PGresult *r = NULL;
    enum pg_status status = pg_run_binary(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    size_t length = PQntuples(r) == 1 ? (size_t)PQgetlength(r, 0, 0) : 0;
    if (length > 0 && length <= IDENTIFIER_BLOCK_HASHES * HASH_BYTES) {
        const uint8_t *bytes = (const uint8_t *)PQgetvalue(r, 0, 0);
        *count = length / HASH_BYTES;
        for (size_t i = 0; i < *count; i++) {
            uint64_t number = 0;
            for (size_t b = 0; b < HASH_BYTES; b++)
                number = number << 8 | bytes[i * HASH_BYTES + b];
            memcpy(&out[i], &number, sizeof number);
        }
    } else {
        status = PG_NONE;
    }
    PQclear(r);
    return status;
}

/* The block that would hold it: the last that begins at or before it. */
static enum pg_status block_of(struct pg *pg, const char *provider, int64_t submission, int64_t hash, int32_t *block)
{
    static const struct pg_statement s = {"identifier_block_of",
                                          "SELECT block FROM reckoner.identifier_block WHERE provider = $1"
                                          " AND submission = $2 AND lowest <= $3 ORDER BY lowest DESC LIMIT 1",
                                          3};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, hash);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK)
        *block = (int32_t)pg_i64(r, 0, "block");
    PQclear(r);
    return status;
}

static enum pg_status replace_block(struct pg *pg, const char *provider, int64_t submission, int32_t block,
                                    const int64_t *hashes, size_t count)
{
    static const struct pg_statement s = {"identifier_block_remove",
                                          "DELETE FROM reckoner.identifier_block"
                                          " WHERE provider = $1 AND submission = $2 AND block = $3",
                                          3};
    struct pg_args a;
    struct pg_copy *copy = NULL;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, block);
    enum pg_status status = pg_change(pg, &s, &a);
    if (status != PG_OK || count == 0)
        return status;
    status = identifier_copy_begin(pg, &copy);
    if (status != PG_OK)
        return status;
    identifier_copy_add(copy, provider, submission, block, hashes, count);
    return pg_copy_end(copy, NULL);
}

enum pg_status identifier_remove(struct pg *pg, const char *provider, int64_t submission, int64_t hash)
{
    int64_t hashes[IDENTIFIER_BLOCK_HASHES];
    size_t count = 0;
    size_t at = 0;
    int32_t block = 0;
    enum pg_status status = block_of(pg, provider, submission, hash, &block);
    if (status == PG_OK)
        status = identifier_block(pg, provider, submission, block, hashes, &count);
    if (status != PG_OK)
        return status == PG_NONE ? PG_OK : status;
    while (at < count && hashes[at] != hash)
        at++;
    if (at == count)
        return PG_OK;
    memmove(hashes + at, hashes + at + 1, (count - at - 1) * sizeof hashes[0]);
    return replace_block(pg, provider, submission, block, hashes, count - 1);
}
