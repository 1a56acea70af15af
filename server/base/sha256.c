#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *context;
    bool failed;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->context = EVP_MD_CTX_new();
    if (h->context && EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1)
        return h;
    sha256_free(h);
    return NULL;
}

void sha256_free(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->context);
    free(h);
}

void sha256_add(struct sha256 *h, const void *bytes, size_t length)
{
    if (!h->failed && length > 0)
        h->failed = EVP_DigestUpdate(h->context, bytes, length) != 1;
}

bool sha256_finish(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
    unsigned length = 0;
    if (!h->failed)
        h->failed = EVP_DigestFinal_ex(h->context, out, &length) != 1 || length != SHA256_SIZE;
    return !h->failed;
}

bool sha256_again(struct sha256 *h)
{
    h->failed = EVP_DigestInit_ex(h->context, NULL, NULL) != 1;
    return !h->failed;
}
