#include "store/identifier.h"

#include "base/buf.h"

#include <endian.h>
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

/* In array literals, a number of each place and a comma. */
static bool write_places(const struct identifier_place *places, size_t count, struct buf *submissions,
                         struct buf *blocks)
{
    bool ok = buf_append_char(submissions, '{') && buf_append_char(blocks, '{');
    for (size_t i = 0; ok && i < count; i++)
        ok = buf_append_format(submissions, "%s%lld", i == 0 ? "" : ",", (long long)places[i].submission) &&
             buf_append_format(blocks, "%s%d", i == 0 ? "" : ",", places[i].block);
    return ok && buf_append_char(submissions, '}') && buf_append_char(blocks, '}');
}

/* How many there are; 0 when they are not hashes of a block. */
static size_t read_hashes(const PGresult *r, int row, int64_t out[IDENTIFIER_BLOCK_HASHES])
{
    size_t length = (size_t)PQgetlength(r, row, 1);
    const char *bytes = PQgetvalue(r, row, 1);
    if (length > IDENTIFIER_BLOCK_HASHES * HASH_BYTES)
        return 0;
    for (size_t i = 0; i < length / HASH_BYTES; i++) {
        uint64_t number = 0;
        memcpy(&number, bytes + i * HASH_BYTES, HASH_BYTES);
        number = be64toh(number);
        memcpy(&out[i], &number, HASH_BYTES);
    }
    return length / HASH_BYTES;
}

enum pg_status identifier_blocks(struct pg *pg, const char *provider, const struct identifier_place *places,
                                 size_t count,
                                 bool (*each)(void *context, size_t place, const int64_t *hashes, size_t count),
                                 void *context)
{
    static const struct pg_statement s = {
        "identifier_blocks",
        "SELECT w.place, b.hashes FROM unnest($2::bigint[], $3::integer[]) WITH ORDINALITY AS w (submission, block,"
        " place) JOIN reckoner.identifier_block b ON b.provider = $1 AND b.submission = w.submission"
        " AND b.block = w.block ORDER BY w.place",
        3};
    int64_t hashes[IDENTIFIER_BLOCK_HASHES];
    struct buf submissions;
    struct buf blocks;
    struct pg_args a;
    PGresult *r = NULL;
    enum pg_status status = PG_FAILED;
    buf_init(&submissions, IDENTIFIER_PLACES * 21 + 2);
    buf_init(&blocks, IDENTIFIER_PLACES * 12 + 2);
    if (write_places(places, count, &submissions, &blocks)) {
        pg_args_id(&a, provider, submissions.data);
        pg_arg_text(&a, blocks.data);
        status = pg_run_binary(pg, &s, &a, &r);
    }
    if (status == PG_OK && PQntuples(r) != (int)count)
        status = PG_NONE;
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        size_t found = read_hashes(r, row, hashes);
        if (found == 0 || !each(context, (size_t)row, hashes, found))
            status = PG_FAILED;
    }
    PQclear(r);
    buf_free(&submissions);
    buf_free(&blocks);
    return status;
}

struct copied {
    int64_t *hashes;
    size_t count;
};

static bool copy_hashes(void *context, size_t place, const int64_t *hashes, size_t count)
{
    struct copied *out = context;
    (void)place;
    memcpy(out->hashes, hashes, count * sizeof hashes[0]);
    out->count = count;
    return true;
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
    struct copied copied = {hashes, 0};
    struct identifier_place place = {submission, 0};
    size_t at = 0;
    enum pg_status status = block_of(pg, provider, submission, hash, &place.block);
    if (status == PG_OK)
        status = identifier_blocks(pg, provider, &place, 1, copy_hashes, &copied);
    if (status != PG_OK)
        return status == PG_NONE ? PG_OK : status;
    while (at < copied.count && hashes[at] != hash)
        at++;
    if (at == copied.count)
        return PG_OK;
    memmove(hashes + at, hashes + at + 1, (copied.count - at - 1) * sizeof hashes[0]);
    return replace_block(pg, provider, submission, place.block, hashes, copied.count - 1);
}
