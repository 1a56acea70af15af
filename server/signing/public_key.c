#include "signing/public_key.h"

#include "base/parse.h"

#include <sodium.h>
#include <string.h>

void public_key_id_text(const unsigned char id[KEY_ID_BYTES], char out[17])
{
    static const char digit[] = "0123456789ABCDEF";
    for (int i = 0; i < KEY_ID_BYTES; i++) {
        unsigned char b = id[KEY_ID_BYTES - 1 - i];
        out[2 * i] = digit[b >> 4];
        out[2 * i + 1] = digit[b & 15];
    }
    out[16] = '\0';
}

bool public_key_id_parse(const char *text, unsigned char id[KEY_ID_BYTES])
{
    unsigned char bytes[KEY_ID_BYTES];
    if (!hex_decode(text, strlen(text), bytes, KEY_ID_BYTES))
        return false;
    for (int i = 0; i < KEY_ID_BYTES; i++)
        id[i] = bytes[KEY_ID_BYTES - 1 - i];
    return true;
}

bool public_key_verify(const struct public_key *k, const void *bytes, size_t length,
                       const unsigned char signature[SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached(signature, bytes, length, k->key) == 0;
}
