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

bool ident_is_valid(const char *text)
{
    size_t length = strspn(text, alphabet);
    return length == IDENT_LENGTH && text[length] == '\0';
}
