/* Generated ids: 20 lower-case letters without vowels or digits (so that no id can look like an NHS number,
 * nor spell a word): 20 letters from an alphabet of 20 give 86 random bits. */
#ifndef RECKONER_BASE_IDENT_H
#define RECKONER_BASE_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_LENGTH 20
#define IDENT_SIZE   (IDENT_LENGTH + 1)

/* From the system's random source (libsodium, which must be initialised). */
void ident_new(char out[IDENT_SIZE]);
bool ident_is_valid(const char *text);

#endif
