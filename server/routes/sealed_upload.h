/* A body that is received as a file of activity: hashed, packed, sealed and stored chunk by chunk as it streams, so
 * that memory is bounded, no database connection waits for the client, and one that is cut off leaves nothing.
 * Submissions and rehearsals receive alike and store apart. */
#ifndef RECKONER_ROUTES_SEALED_UPLOAD_H
#define RECKONER_ROUTES_SEALED_UPLOAD_H

#include "base/ident.h"
#include "base/pack.h"
#include "base/sha256.h"
#include "http/request.h"
#include "signing/seal.h"

/* Bytes of a chunk. Each costs a transaction, so that a quick client's are large; the first ones are small, as those of
 * a slow client, so that they are there soon. */
#define SEALED_UPLOAD_SMALL (256 * 1024)
#define SEALED_UPLOAD_CHUNK PACK_MAXIMUM

/* Where the chunks go; the store's functions for the noun (store/submission.h, store/rehearsal.h). */
struct sealed_upload_store {
    enum pg_status (*add_chunk)(struct pg *pg, const char *provider, int64_t no, int64_t seq, const void *sealed,
                                size_t length, int64_t receiving_seconds);
    enum pg_status (*abandon)(struct pg *pg, const char *provider, int64_t no);
};

struct sealed_upload {
    const struct sealed_upload_store *store;
    char provider[8];
    char id[IDENT_SIZE];
    month_t month;
    int64_t no;            /* 0 until the row that receives it exists */
    int64_t declared_rows; /* -1: not sent */
    int64_t caseload;
    const char *content_encoding; /* identity, gzip */
    int64_t column_mapping;       /* version in force when the request began; 0: the file has our names */
    int64_t receiving_seconds;
    /* The key was used by an upload that was completed: the bytes are only compared with that one's. */
    bool repeated;
    struct seal_stream seal;
    uint8_t sealed_key[SEAL_KEY_SIZE];
    struct sha256 *hash;
    uint8_t sha256[SHA256_SIZE]; /* once complete */
    int64_t bytes;
    int64_t chunks;
    int64_t stored_at; /* monotonic; the last chunk */
    size_t pending_length;
    uint8_t pending[SEALED_UPLOAD_CHUNK];
};

/* Provider, month and headers of the request, a new id, and the stream key sealed to the worker. u is zeroed memory.
 * false: a problem was replied. */
bool sealed_upload_begin(struct request *r, struct sealed_upload *u, const struct sealed_upload_store *store);
/* The next bytes. false: a problem was replied. */
bool sealed_upload_bytes(struct request *r, struct sealed_upload *u, const void *bytes, size_t length);
/* The last chunk is stored and sha256 is known. digest: what a repeated request must have in common with the first, the
 * bytes and all that was said beside them. false: a problem was replied. */
bool sealed_upload_end(struct request *r, struct sealed_upload *u, uint8_t digest[32]);
/* Removes what was received unless it was completed, and frees what sealed_upload_begin allocated. */
void sealed_upload_finish(struct request *r, struct sealed_upload *u);

#endif
