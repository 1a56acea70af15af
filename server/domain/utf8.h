/* UTF-8 as the Unicode standard defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef RECKONER_DOMAIN_UTF8_H
#define RECKONER_DOMAIN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_is_valid(const char *text, size_t length);
/* Whether text that is not UTF-8 reads as Windows-1252, which spreadsheets write: bytes over 0x7F that are all defined
 * there, and no whole sequence of UTF-8 among them. */
bool windows_1252_is_likely(const char *text, size_t length);
/* What a message says then, behind "is not UTF-8". */
#define UTF8_HINT_1252 "; the file looks like Windows-1252: save it as CSV UTF-8"
/* Writes a code point (not a surrogate) and returns the bytes written, 1..4. */
size_t utf8_write(uint32_t code_point, char out[4]);

#endif
