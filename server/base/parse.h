/* Strict parsing of text that people sent: the whole text or nothing, no white space, no locale. */
#ifndef RECKONER_BASE_PARSE_H
#define RECKONER_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits with an optional leading '-'; refuses overflow, a leading '+', blanks, and an empty text. */
bool parse_i64(const char *text, size_t length, int64_t *out);
/* As parse_i64, within [low, high]. */
bool parse_i64_within(const char *text, size_t length, int64_t low, int64_t high, int64_t *out);
/* "2.5%" -> 25000. At most four decimals; refuses signs. Limit: 1000000 %. */
bool parse_percent_ppm(const char *text, size_t length, int64_t *out);
/* "1.0150" -> 1015000. At most six decimals; refuses signs. Limit: 1000000. */
bool parse_factor_ppm(const char *text, size_t length, int64_t *out);
/* The reverse: shortest text, out holds 32 bytes. */
void format_percent_ppm(int64_t ppm, char out[32]);
void format_factor_ppm(int64_t ppm, char out[32]);
/* Lower-case hexadecimal; out holds 2 * n + 1. */
void hex_encode(const void *bytes, size_t n, char *out);
/* Either case; exactly 2 * n digits. */
bool hex_decode(const char *text, size_t length, void *out, size_t n);

#endif
