#include "signing/pem.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"
#define PEM_END   "-----END PUBLIC KEY-----"

/* SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING of 32 bytes follows } (RFC 8410, section 4). */
static const unsigned char spki_prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

void pem_public_format(const unsigned char key[PUBLIC_KEY_SIZE], char out[PEM_PUBLIC_SIZE])
{
    unsigned char der[sizeof spki_prefix + PUBLIC_KEY_SIZE];
    char base64[64];
    memcpy(der, spki_prefix, sizeof spki_prefix);
    memcpy(der + sizeof spki_prefix, key, PUBLIC_KEY_SIZE);
    sodium_bin2base64(base64, sizeof base64, der, sizeof der, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, PEM_PUBLIC_SIZE, PEM_BEGIN "\n%s\n" PEM_END "\n", base64);
}

bool pem_public_parse(const char *text, size_t length, unsigned char key[PUBLIC_KEY_SIZE])
{
    const char *begin = memmem(text, length, PEM_BEGIN, strlen(PEM_BEGIN));
    if (begin == NULL)
        return false;
    const char *inside = begin + strlen(PEM_BEGIN);
    const char *end = memmem(inside, length - (size_t)(inside - text), PEM_END, strlen(PEM_END));
    if (end == NULL)
        return false;
    unsigned char der[sizeof spki_prefix + PUBLIC_KEY_SIZE];
    size_t size = 0;
    if (sodium_base642bin(der, sizeof der, inside, (size_t)(end - inside), "\r\n", &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    if (size != sizeof der || memcmp(der, spki_prefix, sizeof spki_prefix) != 0)
        return false;
    memcpy(key, der + sizeof spki_prefix, PUBLIC_KEY_SIZE);
    return true;
}
