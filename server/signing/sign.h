/* The worker's signing key. Only the worker opens it; reckonerd never links this file (a test says so).
 *
 * Key file: 40 bytes in hexadecimal on one line: the 8-byte key id in minisign's order, then the 32-byte Ed25519
 * seed. The file must be regular, owned by the process and 0400 (signing/keyfile.h). */
#ifndef RECKONER_SIGNING_SIGN_H
#define RECKONER_SIGNING_SIGN_H

#include "signing/minisign.h"

#define SIGNING_SECRET_SIZE (KEY_ID_BYTES + 32)

struct signer; /* the key, in locked memory that is wiped when it is closed */

/* Opens the key file. NULL on failure, with one sentence that names the file and the remedy in error. */
struct signer *signer_open(const char *path, char *error, size_t size);
/* From the 40 bytes themselves, which the caller wipes. NULL when memory cannot be had or locked. */
struct signer *signer_from_secret(const unsigned char secret[SIGNING_SECRET_SIZE]);
/* Wipes and frees; NULL is allowed. */
void signer_close(struct signer *s);

/* The public half; lives as long as the signer. */
const struct public_key *signer_public(const struct signer *s);

/* Signs exactly these bytes: *out gets the raw signature and, for the minisign file, the trusted comment with its
 * own signature. The same key, bytes and comment give the same signatures. false when the comment is longer than
 * MINISIGN_COMMENT_SIZE - 1 or has control characters; *out untouched. */
bool signer_sign(const struct signer *s, const void *bytes, size_t length, const char *trusted_comment,
                 struct minisign_signature *out);

/* New key material from the system's random source, for `reckoner keygen`; the caller wipes it. */
void signing_secret_new(unsigned char secret[SIGNING_SECRET_SIZE]);

#endif
