#include "signing/seal.h"

#include <string.h>

bool seal_begin(struct seal_stream *s, const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], const char *context,
                uint8_t sealed_key[SEAL_KEY_SIZE])
{
    size_t context_length = strlen(context);
    if (context_length >= SEAL_CONTEXT_SIZE)
        return false;
    uint8_t plain[SEAL_KEY_PLAIN_SIZE];
    uint8_t *key = plain;
    uint8_t *header = plain + crypto_secretstream_xchacha20poly1305_KEYBYTES;
    crypto_secretstream_xchacha20poly1305_keygen(key);
    bool ok = crypto_secretstream_xchacha20poly1305_init_push(&s->state, header, key) == 0 &&
              crypto_box_seal(sealed_key, plain, sizeof plain, public_key) == 0;
    sodium_memzero(plain, sizeof plain);
    memcpy(s->context, context, context_length + 1);
    s->context_length = context_length;
    return ok;
}

bool seal_chunk(struct seal_stream *s, const void *text, size_t length, bool last, uint8_t *out)
{
    uint8_t tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
    return crypto_secretstream_xchacha20poly1305_push(&s->state, out, NULL, text, length, (const uint8_t *)s->context,
                                                      s->context_length, tag) == 0;
}

bool seal_box(const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], const void *text, size_t length, uint8_t *out)
{
    return crypto_box_seal(out, text, length, public_key) == 0;
}
