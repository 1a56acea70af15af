/* Which texts of a file would tell who a patient is when they are shown (L01). While the rows are read it takes down,
 * as keyed hashes, their identifiers (patient id, NHS number) and the tokens of the texts that go out (episode id,
 * service, values of findings); when the file has ended, it finds the tokens that are identifiers of any row.
 *
 * An episode id or service that would leak, by this or by ten digits that pass modulus 11, is shown under an alias:
 * letters of generated ids, keyed, the same for the same text of a provider under the same key. A value is hidden. */
#ifndef RECKONER_CHECK_LEAKS_H
#define RECKONER_CHECK_LEAKS_H

#include "check/identity.h"
#include "check/spool.h"
#include "domain/episode.h"
#include "domain/episode_row.h"
#include "domain/leak.h"

struct leaks;

/* NULL: out of memory. The key is used here only. */
struct leaks *leaks_new(const char *folder, const uint8_t identity_key[IDENTITY_KEY_SIZE], const char *provider);
/* NULL is allowed; wipes the keys. */
void leaks_free(struct leaks *l);

/* The identifiers of a row and its texts. false (here and below): a temporary file or memory failed. */
bool leaks_add_row(struct leaks *l, const struct episode_row *row);
/* The value of finding `number`, counted by the caller from 0. */
bool leaks_add_value(struct leaks *l, uint32_t number, const char *value);
/* All rows were read: compares. */
bool leaks_find(struct leaks *l);

/* Puts aliases in place of the texts of a row with ten digits that pass; when its facts are made. */
void leaks_cover_numbers(const struct leaks *l, struct episode *row);
/* After leaks_find: the same for texts with identifiers; each time that facts are given out. */
void leaks_cover(const struct leaks *l, struct episode *row);
/* Whether leaks_cover changes the row. */
bool leaks_covers(const struct leaks *l, uint32_t row_no);
/* Whether the value of finding `number` must be hidden. */
bool leaks_value(const struct leaks *l, uint32_t number);

/* The identifiers of the file, each once, ascending, at most `most` at a time. each returns false to stop. */
bool leaks_each_identifier(struct leaks *l, size_t most,
                           bool (*each)(void *context, const int64_t *hashes, size_t count), void *context);

#endif
