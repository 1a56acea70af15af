/* SHA-256 of long streams: by libcrypto, which uses the processor's own instructions where it has them, four times as
 * fast as libsodium's. What is short is hashed with libsodium. */
#ifndef RECKONER_BASE_SHA256_H
#define RECKONER_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256;

/* NULL: out of memory. */
struct sha256 *sha256_new(void);
/* NULL is allowed. */
void sha256_free(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t length);
/* Once, at the end. false: libcrypto failed, here or before. */
bool sha256_finish(struct sha256 *h, uint8_t out[SHA256_SIZE]);
/* Begins anew after sha256_finish, cheaper than another sha256_new. false: libcrypto failed. */
bool sha256_again(struct sha256 *h);

#endif
