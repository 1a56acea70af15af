/* minisign's file forms (https://jedisct1.github.io/minisign/): public keys, and signatures of the legacy kind
 * "Ed", which sign the bytes themselves and not a hash of them, so that the 64 bytes are the same that openssl
 * checks. Public side only. */
#ifndef RECKONER_SIGNING_MINISIGN_H
#define RECKONER_SIGNING_MINISIGN_H

#include "signing/public_key.h"

#define MINISIGN_PUBLIC_SIZE  160
#define MINISIGN_COMMENT_SIZE 256 /* longest trusted comment with its NUL */
#define MINISIGN_FILE_SIZE    640

struct minisign_signature {
    unsigned char key_id[KEY_ID_BYTES];
    unsigned char signature[SIGNATURE_SIZE];        /* of the bytes */
    unsigned char global_signature[SIGNATURE_SIZE]; /* of signature, then the trusted comment */
    char trusted_comment[MINISIGN_COMMENT_SIZE];    /* one line, no control characters but tab */
};

/* Two lines: an untrusted comment with the key's id, and the key. */
void minisign_public_format(const struct public_key *k, char out[MINISIGN_PUBLIC_SIZE]);
/* Reads a public key file, or its second line alone. */
bool minisign_public_parse(const char *text, size_t length, struct public_key *out);

/* Four lines, as `minisign -V` reads them. false when the trusted comment has a control character. */
bool minisign_signature_format(const struct minisign_signature *s, char out[MINISIGN_FILE_SIZE]);
/* false when the text is not a signature file of the legacy kind. */
bool minisign_signature_parse(const char *text, size_t length, struct minisign_signature *out);

/* What the global signature covers; out holds SIGNATURE_SIZE + MINISIGN_COMMENT_SIZE. Returns its length. */
size_t minisign_global_message(const struct minisign_signature *s, unsigned char *out);

enum minisign_check {
    MINISIGN_GOOD,
    MINISIGN_OTHER_KEY,     /* made with another key than this one */
    MINISIGN_BAD_SIGNATURE, /* the bytes are not those signed */
    MINISIGN_BAD_COMMENT    /* the trusted comment was changed */
};
enum minisign_check minisign_verify(const struct public_key *k, const struct minisign_signature *s, const void *bytes,
                                    size_t length);

#endif
