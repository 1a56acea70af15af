/* UTF-8 as the Unicode standard defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef RECKONER_DOMAIN_UTF8_H
#define RECKONER_DOMAIN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_is_valid(const char *text, size_t length);
/* Writes a code point (not a surrogate) and returns the bytes written, 1..4. */
size_t utf8_write(uint32_t code_point, char out[4]);

#endif
