/* Which route an address means, and the strict decoding of addresses. Knows nothing of libmicrohttpd. */
#ifndef RECKONER_HTTP_ROUTER_H
#define RECKONER_HTTP_ROUTER_H

#include "base/buf.h"
#include "http/request.h"

/* Percent-decodes length bytes into out (size bytes with the NUL). Refuses broken escapes, control characters, texts
 * that are not UTF-8, and what does not fit. Returns the decoded length, or -1. */
long percent_decode(const char *text, size_t length, char *out, size_t size);
/* Appends text with everything but unreserved characters escaped. */
bool percent_encode(struct buf *out, const char *text);

enum match { MATCH_FOUND, MATCH_NO_PATH, MATCH_NO_METHOD, MATCH_BAD_PATH };

struct match_result {
    const struct route *route;            /* MATCH_FOUND */
    const char *values[HTTP_PATH_VALUES]; /* decoded; in text */
    char text[512];                       /* where the values lie */
    char allow[64];                       /* MATCH_NO_METHOD: for the Allow header */
};

/* Finds the route for a method (HEAD counts as GET) and a raw path (no query). Equal segments win by order of the
 * table. MATCH_BAD_PATH: a segment that cannot be decoded, or values too long. */
enum match router_match(const struct route *table, const char *method, const char *path, struct match_result *result);

/* Is name among the blank-separated names? names may be NULL. */
bool name_listed(const char *names, const char *name);

/* Cursors: base64url of a keyed checksum and the text, bound to the operation, so that a changed or foreign cursor is
 * refused. */
bool cursor_encode(const unsigned char *key, const char *operation, const char *text, char *out, size_t size);
bool cursor_decode(const unsigned char *key, const char *operation, const char *cursor, char *out, size_t size);

/* A request id as sent is taken over when it is 8..47 of [A-Za-z0-9._-] without ten digits in a row, hyphens between
 * them or not (which could be somebody's NHS number, and would go into logs). */
bool request_id_is_acceptable(const char *text);

/* An entity tag as sent ("\"x\"") without its quotes into out; false for weak, multiple or malformed ones. */
bool etag_unquote(const char *text, char *out, size_t size);

#endif
