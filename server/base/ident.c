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
    unsigned __int128 rest = 0;
    for (int i = 0; i < 16; i++)
        rest = rest << 8 | hash[i];
    for (int i = 0; i < IDENT_LENGTH; i++) {
        out[i] = alphabet[rest % (sizeof alphabet - 1)];
        rest /= sizeof alphabet - 1;
    }
    out[IDENT_LENGTH] = '\0';
}

bool ident_is_valid(const char *text)
{
    size_t length = strspn(text, alphabet);
    return length == IDENT_LENGTH && text[length] == '\0';
}
