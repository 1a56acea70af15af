/* Key files: one line of hexadecimal. A secret one must be a regular file (no link), owned by the user the program
 * runs as (root may read those of the service users), of mode 0400. Nothing here knows what a key is for; reckonerd
 * uses it for its token key. libsodium must be initialised. */
#ifndef RECKONER_SIGNING_KEYFILE_H
#define RECKONER_SIGNING_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>

#define KEYFILE_BYTES_MAX 64

/* The n bytes (at most KEYFILE_BYTES_MAX) of a secret key file, in memory that is locked, guarded and left out of core
 * dumps; the caller frees it with sodium_free, which wipes it. NULL on failure, with one sentence in error that names
 * the file, what is wrong and the remedy. what names the key for that sentence ("the token key"). */
unsigned char *keyfile_secret(const char *path, const char *what, size_t n, char *error, size_t size);
/* The n bytes of a public key file, into out. It may be readable by all but writable by its owner alone. */
bool keyfile_public(const char *path, const char *what, void *out, size_t n, char *error, size_t size);
/* Writes a new file, 0400 when secret and 0444 when not, flushed to disk. Never overwrites: a key that is lost cannot
 * be had back. false with error set as above; a half-written file is removed. */
bool keyfile_write(const char *path, const char *what, const void *bytes, size_t n, bool secret, char *error,
                   size_t size);

#endif
