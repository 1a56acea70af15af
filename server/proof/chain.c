#include "proof/chain.h"

#include <sodium.h>

struct merkle_hash chain_next(const struct merkle_hash *before, const void *entry, size_t length)
{
    struct merkle_hash out;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before->bytes, MERKLE_HASH);
    crypto_hash_sha256_update(&state, entry, length);
    crypto_hash_sha256_final(&state, out.bytes);
    return out;
}
