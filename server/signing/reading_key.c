#include "signing/reading_key.h"

#include <string.h>

#define NONCE           crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define DIFFERENT_BYTES 16

static bool looks_random(const uint8_t key[READING_KEY_SIZE])
{
    bool seen[256] = {false};
    unsigned different = 0;
    for (size_t i = 0; i < READING_KEY_SIZE; i++) {
        different += !seen[key[i]];
        seen[key[i]] = true;
    }
    sodium_memzero(seen, sizeof seen);
    return different >= DIFFERENT_BYTES;
}

bool reading_key_parse(const char *text, uint8_t key[READING_KEY_SIZE])
{
    size_t length = 0;
    if (strlen(text) != READING_HEX_CHARS ||
        sodium_hex2bin(key, READING_KEY_SIZE, text, READING_HEX_CHARS, NULL, &length, NULL) != 0 ||
        length != READING_KEY_SIZE || !looks_random(key)) {
        sodium_memzero(key, READING_KEY_SIZE);
        return false;
    }
    return true;
}

bool reading_seal(const uint8_t key[READING_KEY_SIZE], const char *context, const void *text, size_t length,
                  uint8_t *out)
{
    randombytes_buf(out, NONCE);
    return crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, text, length, (const uint8_t *)context,
                                                      strlen(context), NULL, out, key) == 0;
}

bool reading_open(const uint8_t key[READING_KEY_SIZE], const char *context, const void *sealed, size_t length,
                  uint8_t *out)
{
    const uint8_t *bytes = sealed;
    return length >= READING_OVERHEAD &&
           crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, bytes + NONCE, length - NONCE,
                                                      (const uint8_t *)context, strlen(context), bytes, key) == 0;
}
