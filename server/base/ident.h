/* Generated ids: 20 lower-case letters without vowels or digits (so that no id can look like an NHS number,
 * nor spell a word): 20 letters from an alphabet of 20 give 86 random bits. */
#ifndef RECKONER_BASE_IDENT_H
#define RECKONER_BASE_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENT_LENGTH 20
#define IDENT_SIZE   (IDENT_LENGTH + 1)

/* From the system's random source (libsodium, which must be initialised). */
void ident_new(char out[IDENT_SIZE]);
/* The id that stands for a hash: 86 of its 128 bits. */
void ident_of_hash(const uint8_t hash[16], char out[IDENT_SIZE]);
bool ident_is_valid(const char *text);

#endif
