/* Money: signed 64-bit pence, checked. Every product that could overflow goes through 128 bits; the only rounding is
 * half away from zero, and only where the name of a function says so. Functions return false and leave *out alone when
 * the result does not fit in 64 bits. Source: spec of settlement, first section. */
#ifndef RECKONER_DOMAIN_MONEY_H
#define RECKONER_DOMAIN_MONEY_H

#include <stdbool.h>
#include <stdint.h>

/* Parts per million in a whole: 100 %. */
#define PPM_ONE 1000000

bool money_add(int64_t a, int64_t b, int64_t *out);
bool money_subtract(int64_t a, int64_t b, int64_t *out);
/* a * b, exact. */
bool money_multiply(int64_t a, int64_t b, int64_t *out);
/* round(amount * ppm / 1,000,000). */
bool money_round_share(int64_t amount, int64_t ppm, int64_t *out);
/* round(amount * numerator / denominator); denominator > 0. */
bool money_round_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *out);
/* round(amount * a * b * c / 10^18): three shares of one amount, rounded once. Each share lies in 0..PPM_ONE. */
bool money_round_three_shares(int64_t amount, int64_t a_ppm, int64_t b_ppm, int64_t c_ppm, int64_t *out);

/* Pounds as people write them: "£1,234.56", "-£0.05". */
#define MONEY_TEXT_SIZE 40
void money_format(int64_t pence, char out[MONEY_TEXT_SIZE]);

#endif
