#include "base/ident.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "bcdfghjklmnpqrstvwxz";

/* Random bytes are taken together, as each request to the kernel costs more than they do; those from the last whole
 * multiple of the alphabet on are passed over, so that all letters are as likely. */
void ident_new(char out[IDENT_SIZE])
{
    const unsigned letters = sizeof alphabet - 1;
    uint8_t random[IDENT_LENGTH + 12];
    int written = 0;
    while (written < IDENT_LENGTH) {
        randombytes_buf(random, sizeof random);
        for (size_t i = 0; i < sizeof random && written < IDENT_LENGTH; i++)
            if (random[i] < 256 / letters * letters)
                out[written++] = alphabet[random[i] % letters];
    }
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
