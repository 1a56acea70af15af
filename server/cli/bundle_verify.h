/* Checks a bundle offline (api/formats/bundle.md): the file and public things alone. Used by `reckoner verify` and by
 * the program reckoner-verify, which is this and nothing else; so it knows no configuration, database or secret. */
#ifndef RECKONER_CLI_BUNDLE_VERIFY_H
#define RECKONER_CLI_BUNDLE_VERIFY_H

#include "domain/bundle.h"

struct bundle_question {
    const char *bundle;     /* path */
    const char *key;        /* path of the public key that the caller kept; NULL: none */
    const char *checkpoint; /* path of the checkpoint that the caller kept; NULL: none */
    bool json;
};

/* Prints the verdict to standard output. Returns 0: nothing differs, or 1: something does. -1: a file cannot be read;
 * trouble (BUNDLE_TROUBLE_SIZE bytes) says which and why. */
int bundle_verify(const struct bundle_question *q, char *trouble);

#endif
