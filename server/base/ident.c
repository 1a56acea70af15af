#include "base/ident.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "bcdfghjklmnpqrstvwxz";

void ident_new(char out[IDENT_SIZE])
{
    for (int i = 0; i < IDENT_LENGTH; i++)
        out[i] = alphabet[randombytes_uniform((uint32_t)(sizeof alphabet - 1))];
    out[IDENT_LENGTH] = '\0';
}

void ident_of_hash(const uint8_t hash[16], char out[IDENT_SIZE])
{
    const uint64_t ten_letters = UINT64_C(10240000000000); /* 20 to the power of 10: long division is slow */
    unsigned __int128 rest = 0;
    for (int i = 0; i < 16; i++)
        rest = rest << 8 | hash[i];
    uint64_t half[2];
    half[0] = (uint64_t)(rest % ten_letters);
    half[1] = (uint64_t)(rest / ten_letters % ten_letters);
    for (int i = 0; i < IDENT_LENGTH; i++) {
        uint64_t *left = &half[i / 10];
        out[i] = alphabet[*left % (sizeof alphabet - 1)];
        *left /= sizeof alphabet - 1;
    }
    out[IDENT_LENGTH] = '\0';
}

bool ident_is_valid(const char *text)
{
    size_t length = strspn(text, alphabet);
    return length == IDENT_LENGTH && text[length] == '\0';
}
