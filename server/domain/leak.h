/* What text must not carry out of the building (L01): the pure half. Two questions about a text that people or uploads
 * supplied: does it hold ten digits that pass the check of an NHS number, and which of its tokens could be an
 * identifier (worker/leak_guard.h answers that by keyed hash). Amounts, counts, dates, digests, signatures and
 * generated ids are not text: nobody asks about them here. */
#ifndef RECKONER_DOMAIN_LEAK_H
#define RECKONER_DOMAIN_LEAK_H

#include "domain/columns.h"

#define LEAK_TOKEN_MIN 7  /* characters; shorter ones are words and codes */
#define LEAK_TOKEN_MAX 64 /* no identifier of an upload is longer */

/* Whether ten digits in a row pass modulus 11 (weights 10..2, 11 minus the remainder; 10 never passes). Spaces, tabs,
 * hyphens, dashes and their typographic kinds between the digits do not count; any ten of a longer row do. A whole ISO
 * date (1900-01-01 to 2199-12-31) is a date and interrupts the row. */
bool leak_has_nhs_number(struct text t);

/* The form in which identifiers and tokens are compared: letters (A-Z folded to upper case), digits and bytes above 7F;
 * everything else is left out. Returns the length, or 0 when fewer than LEAK_TOKEN_MIN or more than LEAK_TOKEN_MAX
 * bytes are left: such a value is not looked for. out is not terminated. */
size_t leak_canonical(struct text value, char out[LEAK_TOKEN_MAX]);

/* Called with a token in canonical form; false ends the scan. */
typedef bool leak_token_fn(void *context, const char *token, size_t length);
/* Every token of LEAK_TOKEN_MIN to LEAK_TOKEN_MAX bytes: each run of letters and digits, and each two to four runs that
 * follow one another with a single character between them ("AB-123 4567" is also AB1234567). Whole ISO dates, as above,
 * are no tokens and part those around them. false when each ended the scan. */
bool leak_tokens(struct text t, leak_token_fn *each, void *context);

/* The key for hashes of tokens, made from the key for identities (32 bytes). Whoever holds it can test guesses: it
 * never leaves the worker. */
#define LEAK_KEY_SIZE 16
struct leak_key {
    uint8_t bytes[LEAK_KEY_SIZE];
};
void leak_key_derive(const uint8_t identity_key[32], struct leak_key *out);
/* Keyed hash (SipHash-2-4) of a token in canonical form, ordered as a signed number. Patient ids and NHS numbers share
 * one space of hashes, and so do all providers: a token is hashed once, whatever it is compared with. */
int64_t leak_hash(const struct leak_key *key, const char *token, size_t length);

#endif
