#include "worker/pseudonym.h"

#include <sodium.h>
#include <string.h>

void pseudonym_make(const uint8_t key[PSEUDONYM_KEY_SIZE], const char *commissioner, int financial_year,
                    const uint8_t patient[16], char out[IDENT_SIZE])
{
    static const unsigned char purpose[] = "pseudonym"; /* other uses of the key hash other texts */
    const unsigned char year[4] = {(unsigned char)((unsigned)financial_year >> 24),
                                   (unsigned char)((unsigned)financial_year >> 16),
                                   (unsigned char)((unsigned)financial_year >> 8), (unsigned char)financial_year};
    uint8_t hash[16];
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, key, PSEUDONYM_KEY_SIZE, sizeof hash);
    (void)crypto_generichash_update(&state, purpose, sizeof purpose);
    (void)crypto_generichash_update(&state, (const unsigned char *)commissioner, strlen(commissioner) + 1);
    (void)crypto_generichash_update(&state, year, sizeof year);
    (void)crypto_generichash_update(&state, patient, 16);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    ident_of_hash(hash, out);
}
