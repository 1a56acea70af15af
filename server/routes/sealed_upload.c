#include "routes/sealed_upload.h"

#include "base/parse.h"
#include "signing/keyfile.h"
#include "store/saved_mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An upload that has stored nothing for so long is dead: the listener gives up on a silent client well before. */
#define GRACE_SECONDS 60
/* The first chunks are small, and those that took longer to come. */
#define SMALL_CHUNKS 4
#define QUICK_MICROS 1000000

/* A header that states a count; *value stays -1 without it. */
static bool count_header(struct request *r, const char *name, int64_t *value)
{
    const char *text = request_header(r, name);
    if (!text || parse_i64_within(text, strlen(text), 0, INT32_MAX, value))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, name, "%s must be a whole number, 0 or more", name);
    return false;
}

/* false: a problem was replied. */
static bool read_encoding(struct request *r, struct sealed_upload *u)
{
    const char *text = request_header(r, "Content-Encoding");
    u->content_encoding = "identity";
    if (!text || strcasecmp(text, "identity") == 0)
        return true;
    u->content_encoding = "gzip";
    if (strcasecmp(text, "gzip") == 0 || strcasecmp(text, "x-gzip") == 0)
        return true;
    reply_problem(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding", "Accepted here: gzip, or no Content-Encoding");
    return false;
}

/* The saved mapping is used when the request says so, by its version of now. false: a problem was replied. */
static bool read_mapping(struct request *r, struct sealed_upload *u)
{
    const char *text = request_header(r, "Column-Mapping");
    if (!text)
        return true;
    if (strcmp(text, "saved") != 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "Column-Mapping", "Column-Mapping is \"saved\", or is left out");
        return false;
    }
    PGresult *result = NULL;
    enum pg_status status = saved_mapping_newest(r->pg, u->provider, &result);
    bool saved = status == PG_OK && !pg_is_null(result, 0, "body");
    if (saved)
        u->column_mapping = pg_i64(result, 0, "version");
    else if (status == PG_OK || status == PG_NONE)
        reply_problem(r, PROBLEM_CONFLICT, "Column-Mapping",
                      "No column mapping is saved: PUT /v1/providers/%s/column-mapping first", u->provider);
    else
        reply_store(r, status);
    PQclear(result);
    return saved;
}

static bool read_request(struct request *r, struct sealed_upload *u)
{
    if (strcmp(r->path_values[0], r->caller.organisation) != 0) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "You can upload for your own organisation only");
        return false;
    }
    (void)snprintf(u->provider, sizeof u->provider, "%s", r->caller.organisation);
    u->declared_rows = -1;
    u->caseload = -1;
    u->receiving_seconds = r->config->idle_timeout_seconds + GRACE_SECONDS;
    return request_path_month(r, 1, &u->month) && count_header(r, "Row-Count", &u->declared_rows) &&
           count_header(r, "Caseload", &u->caseload) && read_encoding(r, u) && read_mapping(r, u);
}

static bool begin_seal(struct request *r, struct sealed_upload *u)
{
    uint8_t public_key[SEAL_PUBLIC_KEY_SIZE];
    char context[SEAL_CONTEXT_SIZE];
    char error[300];
    ident_new(u->id);
    (void)snprintf(context, sizeof context, "%s/%s", u->provider, u->id);
    if (keyfile_public(r->config->seal_public_key_file, "the public seal key", public_key, sizeof public_key, error,
                       sizeof error) &&
        seal_begin(&u->seal, public_key, context, u->sealed_key))
        return true;
    reply_problem(r, PROBLEM_INTERNAL, NULL, "The key that uploads are sealed to cannot be used");
    return false;
}

bool sealed_upload_begin(struct request *r, struct sealed_upload *u, const struct sealed_upload_store *store)
{
    u->store = store;
    u->hash = sha256_new();
    if (!u->hash) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another upload");
        return false;
    }
    return read_request(r, u) && begin_seal(r, u);
}

/* The room is taken for as long as a thread stores a chunk, not by each upload. */
static bool pack_and_seal(struct sealed_upload *u, bool last, uint8_t **sealed, size_t *sealed_length)
{
    size_t most = u->pending_length + PACK_OVERHEAD;
    uint8_t *packed = malloc(most);
    uint8_t *out = malloc(most + SEAL_CHUNK_OVERHEAD);
    size_t length = packed && out ? chunk_pack(u->pending, u->pending_length, packed) : 0;
    bool ok = length > 0 && seal_chunk(&u->seal, packed, length, last, out);
    if (packed)
        sodium_memzero(packed, length);
    free(packed);
    *sealed = out;
    *sealed_length = length + SEAL_CHUNK_OVERHEAD;
    return ok;
}

static enum pg_status store_sealed(struct request *r, struct sealed_upload *u, const uint8_t *sealed, size_t length)
{
    enum pg_status status =
        u->store->add_chunk(r->pg, u->provider, u->no, u->chunks, sealed, length, u->receiving_seconds);
    if (status == PG_NONE)
        reply_problem(r, PROBLEM_UPLOAD_GIVEN_UP, NULL, "Nothing of this upload arrived for too long");
    else if (status != PG_OK)
        reply_store(r, status);
    u->chunks++;
    u->stored_at = clock_monotonic();
    return status;
}

/* Packs, seals and stores what is pending. false: a problem was replied. */
static bool store_pending(struct request *r, struct sealed_upload *u, bool last)
{
    uint8_t *sealed = NULL;
    size_t length = 0;
    bool stored = u->repeated;
    if (!u->repeated && !pack_and_seal(u, last, &sealed, &length))
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The upload could not be sealed");
    else if (!u->repeated)
        stored = store_sealed(r, u, sealed, length) == PG_OK;
    u->pending_length = 0;
    free(sealed);
    return stored;
}

/* How many bytes are gathered before they are stored. */
static size_t chunk_size(const struct sealed_upload *u)
{
    bool small = u->chunks < SMALL_CHUNKS || clock_monotonic() - u->stored_at > QUICK_MICROS;
    return small ? SEALED_UPLOAD_SMALL : SEALED_UPLOAD_CHUNK;
}

bool sealed_upload_bytes(struct request *r, struct sealed_upload *u, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    size_t size = chunk_size(u);
    sha256_add(u->hash, from, length);
    u->bytes += (int64_t)length;
    while (length > 0) {
        /* A full chunk waits for a byte behind it: the last chunk is sealed with the final tag. */
        if (u->pending_length >= size) {
            if (!store_pending(r, u, false))
                return false;
            size = chunk_size(u);
        }
        size_t room = size - u->pending_length;
        size_t n = length < room ? length : room;
        memcpy(u->pending + u->pending_length, from, n);
        u->pending_length += n;
        from += n;
        length -= n;
    }
    return true;
}

static void request_digest(const struct request *r, const struct sealed_upload *u, uint8_t digest[32])
{
    char beside[100];
    crypto_hash_sha256_state hash;
    int n =
        snprintf(beside, sizeof beside, "\n%s\n%lld\n%lld\n%s\n%s", request_media_type(r), (long long)u->declared_rows,
                 (long long)u->caseload, u->content_encoding, u->column_mapping == 0 ? "" : "mapped");
    (void)crypto_hash_sha256_init(&hash);
    (void)crypto_hash_sha256_update(&hash, u->sha256, sizeof u->sha256);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)beside, n > 0 ? (unsigned long long)n : 0);
    (void)crypto_hash_sha256_final(&hash, digest);
}

bool sealed_upload_end(struct request *r, struct sealed_upload *u, uint8_t digest[32])
{
    if (!sha256_finish(u->hash, u->sha256)) {
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The upload could not be hashed");
        return false;
    }
    request_digest(r, u, digest);
    return store_pending(r, u, true);
}

void sealed_upload_finish(struct request *r, struct sealed_upload *u)
{
    /* Does nothing to one that was completed. With the database away the row is swept later: its lease runs out. */
    if (u->no != 0 && !u->repeated)
        (void)u->store->abandon(r->pg, u->provider, u->no);
    sha256_free(u->hash);
    u->hash = NULL;
}
