/* The printed form of a version of the terms: plain English, for people to read and sign. Pure. */
#ifndef RECKONER_DOMAIN_TERMS_TEXT_H
#define RECKONER_DOMAIN_TERMS_TEXT_H

#include "base/buf.h"
#include "domain/terms.h"

/* What is known of the version beside its content; members may be NULL, and are then left out. */
struct terms_heading {
    const char *title;    /* of the contract */
    const char *contract; /* its id */
    const char *version;  /* its number */
    const char *state;    /* draft, approved, withdrawn */
    const char *digest;   /* SHA-256 of the canonical bytes, hexadecimal: what is approved */
};

/* Appends the text; lines of at most 78 characters but for words that are longer. false: memory ran out, or the
 * buffer's maximum is reached. */
bool terms_text(const struct terms *t, const struct terms_heading *h, struct buf *out);

#endif
