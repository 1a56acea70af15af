/* Keyed hashes of identities: the same patient has the same hash in every month of a provider, nobody without the key
 * can compute or undo it, and two providers (or two kinds of identity) cannot be joined by it. */
#ifndef RECKONER_CHECK_IDENTITY_H
#define RECKONER_CHECK_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define IDENTITY_KEY_SIZE  32
#define IDENTITY_HASH_SIZE 16

enum identity_kind { IDENTITY_PATIENT, IDENTITY_NHS_NUMBER, IDENTITY_KINDS };

/* A key for each kind, drawn from the identity key and the provider: secret, wipe it after use. */
struct identity_keys {
    uint8_t key[IDENTITY_KINDS][16];
};

/* libsodium must be initialised. */
void identity_keys_make(struct identity_keys *out, const uint8_t identity_key[IDENTITY_KEY_SIZE], const char *provider);
/* SipHash-2-4 with 128 bits: a keyed function of short texts at a tenth of the cost of a general hash. */
void identity_hash(const struct identity_keys *keys, enum identity_kind kind, const char *text, size_t length,
                   uint8_t out[IDENTITY_HASH_SIZE]);

#endif
