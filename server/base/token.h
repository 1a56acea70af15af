/* Bearer tokens: random text for the person, a keyed hash for the database. libsodium must be initialised. */
#ifndef RECKONER_BASE_TOKEN_H
#define RECKONER_BASE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_HASH_BYTES 32
#define TOKEN_KEY_BYTES  32
#define TOKEN_SIZE       64  /* holds a token and its NUL */
#define TOKEN_MAX_LENGTH 128 /* longer texts are no tokens */

/* "rk_" and 43 characters of base64url: 256 random bits. */
void token_new(char out[TOKEN_SIZE]);
/* BLAKE2b-256 of the text under the key. Constant time in the text's content. */
void token_hash(const unsigned char key[TOKEN_KEY_BYTES], const char *text, size_t length,
                unsigned char out[TOKEN_HASH_BYTES]);
/* Reads the key: 64 hexadecimal digits and an optional newline, in a regular file that others may not read.
 * false: a sentence with the file and the remedy is in error. */
bool token_key_load(const char *path, unsigned char key[TOKEN_KEY_BYTES], char *error, unsigned size);

#endif
