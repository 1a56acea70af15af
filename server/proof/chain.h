/* A chain of hashes over entries in order: each hash is SHA-256 of the one before and the SHA-256 of the entry's bytes,
 * so that who may not read an entry can still follow the chain by its digest. Pure. */
#ifndef RECKONER_PROOF_CHAIN_H
#define RECKONER_PROOF_CHAIN_H

#include "proof/merkle.h"

struct merkle_hash chain_digest(const void *entry, size_t length);
/* The chain begins with 32 zero bytes. */
struct merkle_hash chain_link(const struct merkle_hash *before, const struct merkle_hash *digest);
struct merkle_hash chain_next(const struct merkle_hash *before, const void *entry, size_t length);

#endif
