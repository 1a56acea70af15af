#include "check/identity.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16, "size of a key");
_Static_assert(crypto_shorthash_siphashx24_BYTES == IDENTITY_HASH_SIZE, "size of a hash");

void identity_keys_make(struct identity_keys *out, const uint8_t identity_key[IDENTITY_KEY_SIZE], const char *provider)
{
    static const char kinds[IDENTITY_KINDS] = {'p', 'n'};
    for (int i = 0; i < IDENTITY_KINDS; i++) {
        crypto_generichash_state state;
        (void)crypto_generichash_init(&state, identity_key, IDENTITY_KEY_SIZE, sizeof out->key[i]);
        (void)crypto_generichash_update(&state, (const unsigned char *)&kinds[i], 1);
        (void)crypto_generichash_update(&state, (const unsigned char *)provider, strlen(provider));
        (void)crypto_generichash_final(&state, out->key[i], sizeof out->key[i]);
    }
}

void identity_hash(const struct identity_keys *keys, enum identity_kind kind, const char *text, size_t length,
                   uint8_t out[IDENTITY_HASH_SIZE])
{
    (void)crypto_shorthash_siphashx24(out, (const unsigned char *)text, length, keys->key[kind]);
}
