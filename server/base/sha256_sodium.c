/* base/sha256.h by libsodium, for the program that stands alone: libcrypto, linked statically, would bring a loader of
 * shared libraries with it. Slower, and linked in the place of sha256.c. */
#include "base/sha256.h"

#include <sodium.h>
#include <stdlib.h>

struct sha256 {
    crypto_hash_sha256_state state;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = malloc(sizeof *h);
    if (h != NULL)
        (void)crypto_hash_sha256_init(&h->state);
    return h;
}

void sha256_free(struct sha256 *h)
{
    free(h);
}

void sha256_add(struct sha256 *h, const void *bytes, size_t length)
{
    (void)crypto_hash_sha256_update(&h->state, bytes, length);
}

bool sha256_finish(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
    (void)crypto_hash_sha256_final(&h->state, out);
    return true;
}

bool sha256_again(struct sha256 *h)
{
    (void)crypto_hash_sha256_init(&h->state);
    return true;
}
