/* The one-time key of a reading of identities: made by the reader, sealed to the worker (signing/seal.h) when the
 * reading is asked for, and sent again to open the answer. Nobody keeps it in clear. libsodium must be initialised. */
#ifndef RECKONER_SIGNING_READING_KEY_H
#define RECKONER_SIGNING_READING_KEY_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READING_KEY_SIZE  crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define READING_OVERHEAD  (crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define READING_HEX_CHARS (2 * READING_KEY_SIZE)

/* Reads READING_HEX_CHARS hexadecimal digits. false: another form, or plainly not random (fewer than 16 different
 * bytes, which one random key in 10^11 has). */
bool reading_key_parse(const char *text, uint8_t key[READING_KEY_SIZE]);

/* XChaCha20-Poly1305 with a random nonce in front; bound to the context (for example "RXA/<reading>"). out holds
 * length + READING_OVERHEAD bytes. */
bool reading_seal(const uint8_t key[READING_KEY_SIZE], const char *context, const void *text, size_t length,
                  uint8_t *out);
/* out holds length - READING_OVERHEAD bytes. false: another key or context, or damaged. */
bool reading_open(const uint8_t key[READING_KEY_SIZE], const char *context, const void *sealed, size_t length,
                  uint8_t *out);

#endif
