/* The secret side of signing/seal.h: reads uploads and confidential blocks back. Included by the worker (and the
 * command line) alone; a test of the house rules keeps it out of reckonerd. libsodium must be initialised. */
#ifndef RECKONER_SIGNING_UNSEAL_H
#define RECKONER_SIGNING_UNSEAL_H

#include "signing/seal.h"

struct unseal_key {
    uint8_t secret[SEAL_SECRET_KEY_SIZE];
    uint8_t public[SEAL_PUBLIC_KEY_SIZE]; /* follows from secret */
};

struct unseal_stream {
    crypto_secretstream_xchacha20poly1305_state state;
    char context[SEAL_CONTEXT_SIZE];
    size_t context_length;
    bool finished; /* the final chunk was read */
};

/* Computes the public half. */
bool unseal_key_set(struct unseal_key *key, const uint8_t secret[SEAL_SECRET_KEY_SIZE]);

/* false: sealed to another key, damaged, or not of SEAL_KEY_SIZE bytes. */
bool unseal_begin(struct unseal_stream *s, const struct unseal_key *key, const char *context, const void *sealed_key,
                  size_t sealed_length);
/* Opens the next chunk, in order; out holds sealed_length - SEAL_CHUNK_OVERHEAD bytes. false: damaged, out of
 * order, of another upload, or behind the final chunk. s->finished tells that this was the final one: a stream that
 * ends before it was truncated. */
bool unseal_chunk(struct unseal_stream *s, const void *sealed, size_t sealed_length, uint8_t *out);
void unseal_end(struct unseal_stream *s);

/* The same for chunks that were packed before they were sealed (base/pack.h), in room that grows as needed. Zeroed
 * memory is an empty room. */
struct unseal_room {
    uint8_t *packed;
    uint8_t *text;
    size_t packed_size;
    size_t text_size;
};
enum unseal_outcome { UNSEAL_DONE, UNSEAL_DAMAGED, UNSEAL_NO_MEMORY };
/* *text lies in the room until the next call. */
enum unseal_outcome unseal_packed(struct unseal_stream *s, const void *sealed, size_t sealed_length,
                                  struct unseal_room *room, const uint8_t **text, size_t *length);
/* Wipes and frees. */
void unseal_room_free(struct unseal_room *room);

/* Opens a seal_box; out holds length - SEAL_BOX_OVERHEAD bytes. */
bool unseal_box(const struct unseal_key *key, const void *sealed, size_t length, uint8_t *out);

#endif
