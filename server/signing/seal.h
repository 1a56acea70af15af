/* The public side of confidentiality: what reckonerd may do. Uploads are encrypted as they stream, under a
 * random key of their own that is sealed to the worker's X25519 public key; nothing here can read them back
 * (signing/unseal.h can, in the worker alone). libsodium must be initialised. */
#ifndef RECKONER_SIGNING_SEAL_H
#define RECKONER_SIGNING_SEAL_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_PUBLIC_KEY_SIZE crypto_box_PUBLICKEYBYTES
#define SEAL_SECRET_KEY_SIZE crypto_box_SECRETKEYBYTES
/* Stream key and stream header, in one sealed box. */
#define SEAL_KEY_PLAIN_SIZE                                                                                            \
    (crypto_secretstream_xchacha20poly1305_KEYBYTES + crypto_secretstream_xchacha20poly1305_HEADERBYTES)
#define SEAL_KEY_SIZE (SEAL_KEY_PLAIN_SIZE + crypto_box_SEALBYTES)
/* A sealed chunk is this much longer than its text; a sealed box likewise. */
#define SEAL_CHUNK_OVERHEAD crypto_secretstream_xchacha20poly1305_ABYTES
#define SEAL_BOX_OVERHEAD   crypto_box_SEALBYTES
#define SEAL_CONTEXT_SIZE   64

/* Holds the key: wiped by whoever has it. */
struct seal_stream {
    crypto_secretstream_xchacha20poly1305_state state;
    char context[SEAL_CONTEXT_SIZE];
    size_t context_length;
};

/* Begins a stream. context (under SEAL_CONTEXT_SIZE bytes, for example "RXA/<submission id>") is authenticated with
 * every chunk, so that chunks cannot be moved to another upload. sealed_key holds SEAL_KEY_SIZE bytes on success. */
bool seal_begin(struct seal_stream *s, const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], const char *context,
                uint8_t sealed_key[SEAL_KEY_SIZE]);
/* Seals the next chunk into out (length + SEAL_CHUNK_OVERHEAD bytes). The last chunk, which may be empty, carries
 * the final tag: a stream without it was cut off. */
bool seal_chunk(struct seal_stream *s, const void *text, size_t length, bool last, uint8_t *out);

/* One text sealed by itself: out holds length + SEAL_BOX_OVERHEAD bytes. */
bool seal_box(const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], const void *text, size_t length, uint8_t *out);

#endif
