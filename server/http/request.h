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
    ROLE_CONTROLLED = 16, /* reads identities; nothing of contracts and money */
    ROLE_ANY = 31
};

struct caller {
    char person[48];
    char organisation[8];
    enum role role;
};

#define HTTP_PATH_VALUES 6

/* BODY_NONE: none; a POST may also have {}. */
enum body_kind { BODY_NONE, BODY_JSON, BODY_UPLOAD };

struct request {
    const struct config *config;
    const struct clock *clock;
    struct pg *pg; /* the thread's connection; session set to the caller by the router */
    struct caller caller;
    /* Product clock. Of an act (POST, PUT, DELETE with JSON or without a body): the instant of the act, which
     * everything it writes carries, in the order of store/act_order.h. Otherwise when the request's headers had
     * arrived. */
    instant_t begun_at;
    char request_id[48];
    char address[46];                          /* where it came from, for the audit trail; "" when not known */
    const json_t *body;                        /* parsed and borrowed, for routes with BODY_JSON; else NULL */
    const char *if_match;                      /* without quotes; NULL when absent */
    const char *path_values[HTTP_PATH_VALUES]; /* values of {..} in the template, in order; decoded */
    struct http_exchange *exchange;            /* the rest; owned by the listener */
};

/* A body that is streamed. Every function runs on a database thread with the caller's session set, while the
 * connection is suspended; between the calls no thread and no database connection is held. The calls of one upload
 * never overlap, but may come on different threads and connections (r->pg): keep no transaction open across them. */
struct upload_ops {
    /* Before any byte of the body is accepted. true: go on; false: a reply was made. *state is handed to the others. */
    bool (*begin)(struct request *r, void **state);
    /* The next bytes, at most HTTP_CHUNK_BYTES and never 0. false: a problem reply was made; the rest of the body is
     * read and thrown away so that the client can read the answer. */
    bool (*chunk)(struct request *r, void *state, const void *bytes, size_t length);
    /* The body is complete: makes the reply. */
    void (*end)(struct request *r, void *state);
    /* Last and once for every state that begin set, before the reply is sent: clears away what was begun and is not
     * complete, and frees state. When the body was cut off, was too slow or too long, or the service stops, there was
     * no end before; headers may be gone then. bytes: body bytes that had arrived. Makes no reply; the database may
     * be away. */
    void (*finish)(struct request *r, void *state, int64_t bytes);
};
#define HTTP_CHUNK_BYTES (256 * 1024)

struct route {
    const char *method;
    const char *path;      /* "/v1/providers/{provider}/contracts/{contract}" */
    const char *operation; /* operationId in api/openapi.yaml */
    unsigned roles;        /* who may call: a set of enum role; ROLE_NONE = public */
    enum body_kind body;
    void (*handle)(struct request *r); /* BODY_NONE, BODY_JSON */
    const char *query;      /* names of the query parameters it takes, separated by blanks; NULL: none. Others are
                             * refused before the handler runs */
    bool waits_for_account; /* an act that waits for runs: it takes its place with request_order_act, after account_lock
                             */
    const char *accepts;    /* BODY_UPLOAD: media types, separated by blanks */
    const struct upload_ops *upload; /* BODY_UPLOAD */
};
/* The one table of routes (routes/table.c); ended by a NULL method. */
extern const struct route route_table[];

/* Query parameter (decoded) or header; NULL when absent. Borrowed for the life of the request. */
const char *request_query(const struct request *r, const char *name);
const char *request_header(const struct request *r, const char *name);

/* Wipes a header that holds a secret from the connection's memory; its text is gone afterwards. */
void request_wipe_header(struct request *r, const char *name);

/* Idempotency-Key of a POST (the listener requires it); NULL otherwise. */
const char *request_idempotency_key(const struct request *r);
/* Media type of the body in lower case without parameters, "" when absent. */
const char *request_media_type(const struct request *r);
/* Compares If-Match with the current ETag (without quotes): a problem and false when it is absent (428) or another
 * (412). */
bool request_if_match(struct request *r, const char *etag);
/* A path value that must be a generated id / month; otherwise not_found / bad_parameter was replied. */
bool request_path_ident(struct request *r, unsigned index);
bool request_path_month(struct request *r, unsigned index, month_t *month);
bool request_path_number(struct request *r, unsigned index, int64_t *number);

/* Replies. Exactly one per request; a second is a fault (asserted). */
/* Takes the reference to body. etag may be NULL; written quoted. */
void reply_json(struct request *r, int status, json_t *body, const char *etag);
/* 200 with a body of generated ids, keys and instants alone: nothing that anybody typed is in it, so it is not searched
 * for identifiers of patients, which a key's digits could look like. Takes the reference. */
void reply_generated(struct request *r, json_t *body, const char *etag);
/* 201 with Location. */
void reply_created(struct request *r, json_t *body, const char *location, const char *etag);
/* 204. */
/* JSON that is written already; the text is taken over. A buffer that has failed is a problem. */
void reply_written(struct request *r, int status, struct buf *json);
void reply_nothing(struct request *r);
/* 202 with Location of the job. */
void reply_accepted(struct request *r, json_t *body, const char *location);
/* Bytes as they are; copied. name: file name for Content-Disposition, or NULL. */
void reply_bytes(struct request *r, int status, const char *media_type, const void *bytes, size_t length,
                 const char *etag, const char *name);
/* Bytes that identify patients, for the one reader who may have them: never looked at by the guard, never stored. text
 * comes from sodium_malloc and is wiped and freed once it is sent. */
void reply_identities(struct request *r, char *text, size_t length);
/* A reply that is fetched part by part while it goes out: between the parts no thread and no database connection is
 * held. */
struct download_ops {
    /* The next part, malloc'd, on a database thread with the caller's session set; *length 0 at the end. false: it
     * cannot be had, and the connection is cut so that the client sees that bytes are missing. */
    bool (*part)(struct request *r, void *state, char **bytes, size_t *length);
    /* Once, when the reply is out or cut: wipes and frees state. */
    void (*finish)(void *state);
};
/* 200 with exactly length bytes. Takes state, also when the client is gone before the first part. */
void reply_download(struct request *r, const char *media_type, int64_t length, const char *etag, const char *name,
                    const struct download_ops *ops, void *state);
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
/* The same for a streamed body, whose digest the route has computed. */
void request_act_on(struct request *r, const unsigned char sha256[32],
                    enum pg_status (*body)(struct request *r, void *context), void *context);
/* The same for PUT and DELETE, which repeat themselves by If-Match: one transaction, no stored answer. */
void request_change(struct request *r, enum pg_status (*body)(struct request *r, void *context), void *context);

/* In the transaction of a route that waits_for_account: its place in the order of acts, and r->begun_at with it. */
enum pg_status request_order_act(struct request *r);

/* Appends an audit event (store/audit.h) in the open transaction for the caller. detail may be NULL; its
 * reference is taken. What the body gives as reason, evidence or note is added: why it was done. */
enum pg_status request_audit(struct request *r, const char *provider, const char *act, const char *subject,
                             json_t *detail);

#endif
