#include "proof/chain.h"

#include <sodium.h>

struct merkle_hash chain_digest(const void *entry, size_t length)
{
    struct merkle_hash digest;
    (void)crypto_hash_sha256(digest.bytes, entry, length);
    return digest;
}

struct merkle_hash chain_link(const struct merkle_hash *before, const struct merkle_hash *digest)
{
    struct merkle_hash next;
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, before->bytes, sizeof before->bytes);
    (void)crypto_hash_sha256_update(&state, digest->bytes, sizeof digest->bytes);
    (void)crypto_hash_sha256_final(&state, next.bytes);
    return next;
}

struct merkle_hash chain_next(const struct merkle_hash *before, const void *entry, size_t length)
{
    const struct merkle_hash digest = chain_digest(entry, length);
    return chain_link(before, &digest);
}
