#include "store/reference_set.h"

#include <sodium.h>
#include <stdio.h>

/* known_at INSTANT_NONE: the newest. */
static enum pg_status from_database(struct pg *pg, const char *kind, instant_t known_at, struct buf *content)
{
    static const struct pg_statement s = {
        "reference_content",
        "SELECT content FROM reckoner.reference_set WHERE kind = $1 AND ($2::timestamptz IS NULL OR loaded_at <= $2)"
        " ORDER BY loaded_at DESC LIMIT 1",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, kind);
    pg_arg_instant(&a, known_at);
    PGresult *r = NULL;
    enum pg_status status = pg_run_binary(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    if (PQntuples(r) == 0)
        status = PG_NONE;
    else if (!buf_append(content, PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0)))
        status = PG_FAILED;
    PQclear(r);
    return status;
}

static enum pg_status from_file(const char *dir, const char *kind, struct buf *content)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s.csv", dir, kind);
    if (n < 0 || (size_t)n >= sizeof path)
        return PG_NONE;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return PG_NONE;
    char piece[16384];
    size_t got = 0;
    bool ok = true;
    while (ok && (got = fread(piece, 1, sizeof piece, f)) > 0)
        ok = buf_append(content, piece, got);
    ok = ok && ferror(f) == 0;
    (void)fclose(f);
    return ok ? PG_OK : PG_FAILED;
}

enum pg_status reference_content(struct pg *pg, const char *dir, const char *kind, struct buf *content,
                                 uint8_t digest[REFERENCE_DIGEST_SIZE])
{
    return reference_content_as_known(pg, dir, kind, INSTANT_NONE, content, digest);
}

enum pg_status reference_content_as_known(struct pg *pg, const char *dir, const char *kind, instant_t known_at,
                                          struct buf *content, uint8_t digest[REFERENCE_DIGEST_SIZE])
{
    enum pg_status status = from_database(pg, kind, known_at, content);
    if (status == PG_NONE)
        status = from_file(dir, kind, content);
    if (status != PG_OK)
        return status;
    (void)crypto_hash_sha256(digest, (const unsigned char *)content->data, content->length);
    return PG_OK;
}
