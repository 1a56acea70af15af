/* A trust's own column names and the columns of the upload that they mean. Pure; no allocation.
 *
 * As JSON (saved with the service, or a file for the offline check): {"columns": {"Spell No": "episode_id",
 * "Consultant": "ignore"}}. A name that the mapping does not hold is taken as a column of the upload, so only what
 * differs is mapped. Names match exactly: case and inner spaces matter, spaces at both ends do not. */
#ifndef RECKONER_DOMAIN_COLUMN_MAPPING_H
#define RECKONER_DOMAIN_COLUMN_MAPPING_H

#include "base/json.h"
#include "domain/columns.h"

/* Most names in one mapping; most characters, and bytes of UTF-8, in one name. */
#define COLUMN_MAPPING_MAXIMUM    128
#define COLUMN_MAPPING_CHARACTERS 60
#define COLUMN_MAPPING_BYTES      (4 * COLUMN_MAPPING_CHARACTERS)
/* What stands in place of a column for a name of theirs that is passed over. */
#define COLUMN_MAPPING_IGNORE "ignore"

struct column_mapping_entry {
    char name[COLUMN_MAPPING_BYTES];
    uint8_t length;
    uint8_t column; /* enum column, or COLUMN_IGNORED */
};

struct column_mapping {
    unsigned count;
    struct column_mapping_entry entry[COLUMN_MAPPING_MAXIMUM]; /* sorted by bytes */
};

/* Reads the JSON form (the whole object; borrowed). Refuses: another member, no names or too many, a name that is
 * empty, too long, padded with spaces, not clean text or like an NHS number, a target that is no column, and two names
 * for one column. false: *problem says what and where; *out is undefined. */
bool column_mapping_read(const json_t *object, struct column_mapping *out, struct json_problem *problem);

/* The column that a name in a file means: COLUMN_IGNORED, or COLUMN_COUNT when there is none. mapping may be NULL: the
 * names are the upload's own. */
enum column column_mapping_find(const struct column_mapping *mapping, const char *name, size_t length);
/* Their name for a column, or our own when the mapping does not speak of it; empty when the mapping gives our own name
 * another meaning and the column no other name. Borrowed; not NUL-terminated. */
struct text column_mapping_name(const struct column_mapping *mapping, enum column c);
/* Whether the mapping holds the name itself. */
bool column_mapping_holds(const struct column_mapping *mapping, const char *name, size_t length);

#endif
