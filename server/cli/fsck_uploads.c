/* Bytes as they were sent: every piece is there, and with the secret sealing key, that they are the ones of the digest
 * that receipts and statements name. */
#include "base/parse.h"
#include "base/sha256.h"
#include "cli/fsck_part.h"
#include "signing/keyfile.h"
#include "signing/unseal.h"
#include "store/integrity.h"
#include "store/integrity_pages.h"
#include "store/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE           200
#define CHUNKS_AT_ONCE 16
#define SEALED_KEY_MAX 256

struct unsealing {
    struct fsck *f;
    const struct unseal_key *key;
    struct unseal_stream stream;
    struct sha256 *hash;
    struct unseal_room room;
    bool damaged;
};

static bool take_chunk(struct unsealing *u, const char *sealed, size_t length)
{
    const uint8_t *text = NULL;
    size_t n = 0;
    enum unseal_outcome opened = unseal_packed(&u->stream, sealed, length, &u->room, &text, &n);
    u->damaged = opened == UNSEAL_DAMAGED;
    if (opened == UNSEAL_DONE)
        sha256_add(u->hash, text, n);
    return opened != UNSEAL_NO_MEMORY;
}

static enum pg_status take_chunks(struct unsealing *u, const char *provider, int64_t no, int64_t chunks)
{
    enum pg_status status = PG_OK;
    for (int64_t at = 0; status == PG_OK && at < chunks && !u->damaged; at += CHUNKS_AT_ONCE) {
        PGresult *r = NULL;
        status = submission_chunks(u->f->pg, provider, no, at, CHUNKS_AT_ONCE, &r);
        for (int i = 0; status == PG_OK && i < PQntuples(r) && !u->damaged; i++) {
            if (!take_chunk(u, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0))) {
                u->f->out_of_memory = true;
                status = PG_FAILED;
            }
        }
        PQclear(r);
    }
    return status;
}

static enum pg_status unseal_submission(struct unsealing *u, const PGresult *r, int row)
{
    const char *provider = pg_text(r, row, "provider");
    uint8_t sealed_key[SEALED_KEY_MAX];
    char context[SEAL_CONTEXT_SIZE];
    char made[2 * SHA256_SIZE + 1] = "";
    uint8_t digest[SHA256_SIZE];
    size_t length = 0;
    enum pg_status status =
        submission_sealed_key(u->f->pg, provider, pg_i64(r, row, "no"), sealed_key, sizeof sealed_key, &length);
    if (status != PG_OK)
        return status;
    (void)snprintf(context, sizeof context, "%s/%s", provider, pg_text(r, row, "id"));
    u->hash = sha256_new();
    if (u->hash == NULL) {
        u->f->out_of_memory = true;
        return PG_FAILED;
    }
    u->damaged = !unseal_begin(&u->stream, u->key, context, sealed_key, length);
    status = take_chunks(u, provider, pg_i64(r, row, "no"), pg_i64(r, row, "chunks"));
    if (status == PG_OK && !u->damaged && u->stream.finished && sha256_finish(u->hash, digest))
        hex_encode(digest, sizeof digest, made);
    unseal_end(&u->stream);
    sha256_free(u->hash);
    u->hash = NULL;
    if (status == PG_OK && strcmp(made, pg_text(r, row, "sha256")) != 0)
        fsck_differs(u->f, "submission", context, "sha256 of the bytes as sent",
                     made[0] != '\0' ? made : "pieces that do not open", pg_text(r, row, "sha256"));
    return status;
}

static enum pg_status take_page(struct unsealing *u, char provider[64], int64_t *no, bool *more)
{
    struct fsck *f = u->f;
    PGresult *r = NULL;
    enum pg_status status = page_submissions(f->pg, f->provider, f->month, provider, *no, PAGE, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        (void)snprintf(provider, 64, "%s", pg_text(r, row, "provider"));
        *no = pg_i64(r, row, "no");
        if (u->key != NULL)
            status = unseal_submission(u, r, row);
        fsck_count(f, 1);
    }
    *more = status == PG_OK && PQntuples(r) == PAGE;
    PQclear(r);
    return status;
}

struct unseal_key *fsck_open_key(struct fsck *f, bool *wrong)
{
    char error[512];
    *wrong = false;
    if (f->seal_key == NULL) {
        (void)snprintf(f->note, sizeof f->note, "without --seal-key nothing was unsealed");
        return NULL;
    }
    unsigned char *secret =
        keyfile_secret(f->seal_key, "the secret seal key", SEAL_SECRET_KEY_SIZE, error, sizeof error);
    struct unseal_key *key = secret != NULL ? sodium_malloc(sizeof *key) : NULL;
    if (key == NULL || !unseal_key_set(key, secret)) {
        *wrong = true;
        (void)cli_fail(f->cli, "%s", secret == NULL ? error : "the secret seal key is of no use");
        sodium_free(key);
        key = NULL;
    }
    sodium_free(secret);
    return key;
}

enum pg_status fsck_uploads(struct fsck *f)
{
    struct unsealing u = {.f = f};
    PGresult *r = NULL;
    char provider[64] = "";
    int64_t no = 0;
    bool more = true;
    bool wrong = false;
    struct unseal_key *key = fsck_open_key(f, &wrong);
    u.key = key;
    if (wrong)
        fsck_differs(f, "submission", "all", "bytes as sent", "no key to read them", "the secret sealing key");
    enum pg_status status = integrity_chunks(f->pg, f->provider, f->month, &r);
    status = fsck_take(f, status, r);
    if (status == PG_OK) {
        r = NULL;
        status = integrity_receipts(f->pg, f->provider, f->month, &r);
        status = fsck_take(f, status, r);
    }
    while (status == PG_OK && more)
        status = take_page(&u, provider, &no, &more);
    unseal_room_free(&u.room);
    sodium_free(key);
    return status;
}
