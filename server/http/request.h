/* One HTTP request as a route handler sees it. Handlers run on a database thread while the connection is
 * suspended; they never wait for the client. */
#ifndef RECKONER_HTTP_REQUEST_H
#define RECKONER_HTTP_REQUEST_H

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "http/problems.h" /* generated from api/errors.tsv: enum problem */
#include "store/pg.h"

enum role {
    ROLE_NONE = 0, /* no token needed */
    ROLE_PROVIDER = 1,
    ROLE_COMMISSIONER = 2,
    ROLE_AUDITOR = 4,
    ROLE_OPERATOR = 8,
    ROLE_ANY = 15
};

struct caller {
    char person[48];
    char organisation[8];
    enum role role;
};

struct reply; /* what goes back; made by the reply_ functions, once per request */

struct request {
    const struct config *config;
    const struct clock *clock;
    struct pg *pg;          /* the thread's connection; session set to the caller by the router */
    struct caller caller;
    instant_t begun_at;     /* product clock when the request's headers had arrived */
    char request_id[48];
    const json_t *body;     /* parsed and borrowed, for routes with BODY_JSON; else NULL */
    const char *if_match;   /* without quotes; NULL when absent */
    const char *path_values[4]; /* values of {..} in the template, in order; decoded */
    struct http_exchange *exchange; /* the rest; owned by the listener */
};

enum body_kind { BODY_NONE, BODY_JSON, BODY_UPLOAD };

struct route {
    const char *method;
    const char *path;      /* "/v1/providers/{provider}/contracts/{contract}" */
    const char *operation; /* operationId in api/openapi.yaml */
    unsigned roles;        /* who may call: a set of enum role; ROLE_NONE = public */
    enum body_kind body;
    void (*handle)(struct request *r);
};

/* Query parameter or header; NULL when absent. Borrowed for the life of the request. */
const char *request_query(const struct request *r, const char *name);
const char *request_header(const struct request *r, const char *name);
/* Refuses query parameters not named in the NULL-ended list, with a problem that names the one; true if fine. */
bool request_query_only(struct request *r, const char *const *names);

/* Replies. Exactly one per request; a second is a fault (asserted). */
/* Takes the reference to body. etag may be NULL; written quoted. */
void reply_json(struct request *r, int status, json_t *body, const char *etag);
/* 201 with Location. */
void reply_created(struct request *r, json_t *body, const char *location, const char *etag);
/* 202 with Location of the job. */
void reply_accepted(struct request *r, json_t *body, const char *location);
/* Bytes as they are; copied. name: file name for Content-Disposition, or NULL. */
void reply_bytes(struct request *r, int status, const char *media_type, const void *bytes, size_t length,
                 const char *etag, const char *name);
/* RFC 8288 link, added to the reply's Link header (call before the reply): rel "next", "terms", ... */
void reply_link(struct request *r, const char *rel, const char *target);
/* application/problem+json from the registry. detail says what is particular, with place and remedy (printf).
 * field: JSON pointer, column or header it is about, or NULL. */
void reply_problem(struct request *r, enum problem code, const char *field, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
/* Maps a store failure (AWAY -> 503 + Retry-After, TIMEOUT -> 503, RETRY -> 503, DENIED/NONE -> 404,
 * DUPLICATE/INVALID -> 409, REFUSED -> the code the database raised, FAILED -> 500). */
void reply_store(struct request *r, enum pg_status status);

/* Keyset pages: ?limit= (1..500, default 100) and ?after= (opaque cursor). */
struct page {
    int64_t limit;
    char after[256]; /* decoded cursor text, "" on the first page */
};
bool request_page(struct request *r, struct page *page);
/* Adds the rel="next" link for a cursor text and returns it encoded for the body's "next" member. */
json_t *reply_next(struct request *r, const struct page *page, const char *cursor);

/* Idempotency-Key for the routes with a JSON body: the router requires the header on every POST, and
 * the handler's act runs inside request_act, in one transaction with the stored answer:
 * - body runs inside the transaction and makes the reply with reply_created / reply_accepted / reply_json;
 * - a retry with the same key and body is answered with the first answer; another body is problem
 *   idempotency_conflict;
 * - a problem reply made inside body rolls back and is not stored. */
void request_act(struct request *r, enum pg_status (*body)(struct request *r, void *context), void *context);

/* Appends an audit event (store/audit.h) in the open transaction for the caller. detail may be NULL; its
 * reference is taken. */
enum pg_status request_audit(struct request *r, const char *provider, const char *act, const char *subject,
                             json_t *detail);

#endif
