#include "signing/sign.h"

#include "signing/keyfile.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* The public half lies beside the secret: one protected allocation, nothing of it outside. */
struct signer {
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    struct public_key public;
};

struct signer *signer_from_secret(const unsigned char secret[SIGNING_SECRET_SIZE])
{
    struct signer *s = sodium_malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    memcpy(s->public.id, secret, KEY_ID_BYTES);
    if (crypto_sign_seed_keypair(s->public.key, s->secret, secret + KEY_ID_BYTES) != 0 ||
        sodium_mprotect_readonly(s) != 0) {
        sodium_free(s);
        return NULL;
    }
    return s;
}

struct signer *signer_open(const char *path, char *error, size_t size)
{
    unsigned char *secret = keyfile_secret(path, "the signing key", SIGNING_SECRET_SIZE, error, size);
    if (secret == NULL)
        return NULL;
    struct signer *s = signer_from_secret(secret);
    sodium_free(secret);
    if (s == NULL)
        snprintf(error, size, "no locked memory for the signing key: raise the limit on locked memory (LimitMEMLOCK)");
    return s;
}

void signer_close(struct signer *s)
{
    sodium_free(s);
}

const struct public_key *signer_public(const struct signer *s)
{
    return &s->public;
}

bool signer_sign(const struct signer *s, const void *bytes, size_t length, const char *trusted_comment,
                 struct minisign_signature *out)
{
    struct minisign_signature made;
    unsigned char global[SIGNATURE_SIZE + MINISIGN_COMMENT_SIZE];
    char file[MINISIGN_FILE_SIZE];
    if (strlen(trusted_comment) >= MINISIGN_COMMENT_SIZE)
        return false;
    memcpy(made.key_id, s->public.id, KEY_ID_BYTES);
    memcpy(made.trusted_comment, trusted_comment, strlen(trusted_comment) + 1);
    if (crypto_sign_detached(made.signature, NULL, bytes, length, s->secret) != 0)
        return false;
    size_t covered = minisign_global_message(&made, global);
    if (crypto_sign_detached(made.global_signature, NULL, global, covered, s->secret) != 0)
        return false;
    /* Formatting refuses what no reader of the file would take. */
    if (!minisign_signature_format(&made, file))
        return false;
    *out = made;
    return true;
}

void signing_secret_new(unsigned char secret[SIGNING_SECRET_SIZE])
{
    randombytes_buf(secret, SIGNING_SECRET_SIZE);
}
