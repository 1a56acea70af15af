/* Ed25519 public keys as PEM SubjectPublicKeyInfo (RFC 8410, RFC 7468): what openssl reads. */
#ifndef RECKONER_SIGNING_PEM_H
#define RECKONER_SIGNING_PEM_H

#include "signing/public_key.h"

/* Three lines with their line ends and a NUL. */
#define PEM_PUBLIC_SIZE 128

void pem_public_format(const unsigned char key[PUBLIC_KEY_SIZE], char out[PEM_PUBLIC_SIZE]);
/* Reads the first PUBLIC KEY block of a text. false when there is none, or when it is not an Ed25519 key. A PEM
 * carries no key id: only the key itself is found. */
bool pem_public_parse(const char *text, size_t length, unsigned char key[PUBLIC_KEY_SIZE]);

#endif
