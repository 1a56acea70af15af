/* The public half of a signing key, and the check of a signature. Holds nothing secret: any program may use it. */
#ifndef RECKONER_SIGNING_PUBLIC_KEY_H
#define RECKONER_SIGNING_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_ID_BYTES    8
#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE  64

struct public_key {
    unsigned char id[KEY_ID_BYTES];     /* in the order of minisign's files (the number's low byte first) */
    unsigned char key[PUBLIC_KEY_SIZE]; /* Ed25519 (RFC 8032) */
};

/* The id as minisign prints it, and as signing_key.id holds it: 16 upper-case hexadecimal digits. */
void public_key_id_text(const unsigned char id[KEY_ID_BYTES], char out[17]);
/* The reverse; false when text is not 16 hexadecimal digits. */
bool public_key_id_parse(const char *text, unsigned char id[KEY_ID_BYTES]);

/* True when signature is this key's Ed25519 signature of exactly these bytes. */
bool public_key_verify(const struct public_key *k, const void *bytes, size_t length,
                       const unsigned char signature[SIGNATURE_SIZE]);

#endif
