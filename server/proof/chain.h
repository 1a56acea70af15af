/* A chain of hashes over entries in order: each hash is SHA-256 of the one before and the entry's bytes. Pure. */
#ifndef RECKONER_PROOF_CHAIN_H
#define RECKONER_PROOF_CHAIN_H

#include "proof/merkle.h"

/* The chain begins with 32 zero bytes. */
struct merkle_hash chain_next(const struct merkle_hash *before, const void *entry, size_t length);

#endif
