/* JSON in and out with jansson, on our terms: no duplicate members, no reals, bounded text; canonical bytes. */
#ifndef RECKONER_BASE_JSON_H
#define RECKONER_BASE_JSON_H

#include "base/buf.h"
#include "base/date.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with a value sent, and where: field is a JSON pointer ("/prices/3/pence"). */
struct json_problem {
    char field[200];
    char message[300];
};

/* Parses a whole text. Refuses duplicate members, reals, integers beyond 2^53 - 1 (which no canonical document can
 * state), NUL and control characters in strings, depth over 32, and anything behind the value. Returns a new reference
 * or NULL with *problem filled. */
json_t *json_read(const char *text, size_t length, struct json_problem *problem);

/* Whether wanted answers true for a string of a value that json_read returned, or for a member's name; pointer then
 * holds its place (for a name, that of its object). */
bool json_find_text(const json_t *value, bool (*wanted)(const char *text, size_t length), char *pointer, size_t size);

/* Canonical bytes (RFC 8785 for our subset): UTF-8, members sorted, no white space, integers only.
 * Returns malloc'd text, *length set; NULL when memory ran out or the value has no canonical form here: a real, an
 * integer beyond 2^53 - 1, a control character, a member name with characters from U+E000 on. */
char *json_canonical(const json_t *value, size_t *length);

enum json_kind {
    JSON_KIND_TEXT,
    JSON_KIND_MONTH,
    JSON_KIND_INTEGER,
    JSON_KIND_BOOLEAN,
    JSON_KIND_OBJECT,
    JSON_KIND_ARRAY
};

/* One member of an expected object. Tables of these are ended by a NULL name. */
struct json_member {
    const char *name;
    enum json_kind kind;
    bool required;
    int64_t low;  /* integers: smallest; texts: shortest in bytes; arrays: fewest; a month, YYYY-MM, has none */
    int64_t high; /* integers: largest; texts: longest in bytes; arrays: most */
};

/* Checks an object against a table: every required member present, no other member, kinds and limits right.
 * pointer is the object's own JSON pointer ("" for the root). null counts as absent when not required. */
bool json_check(const json_t *object, const struct json_member *table, const char *pointer,
                struct json_problem *problem);

/* Members of a checked object; NULL or the fallback when absent or null. */
const char *json_text(const json_t *object, const char *name);
int64_t json_int(const json_t *object, const char *name, int64_t fallback);
bool json_bool(const json_t *object, const char *name, bool fallback);

/* Append to a text what json_dumps would write, compact: a string in quotes (UTF-8); a value, whose reference is taken.
 * A NULL value marks failure. The buffer's failed says, as ever, whether all went well. */
bool json_append_text(struct buf *out, const char *text);
bool json_append(struct buf *out, json_t *value);

/* As the documents write them: YYYY-MM-DD, YYYY-MM, an instant with microseconds, lower-case hexadecimal. NULL when
 * memory ran out. */
json_t *json_date(date_t day); /* null for DATE_NONE */
json_t *json_month(month_t month);
json_t *json_instant(instant_t at); /* null for INSTANT_NONE */
json_t *json_hex(const void *bytes, size_t length);

/* Sets member name to a new value; takes the reference. A NULL value marks failure: returns false. */
bool json_put(json_t *object, const char *name, json_t *value);

#endif
