/* One request inside the listener: its stage, its body, its reply. Shared by the files of this folder only. */
#ifndef RECKONER_HTTP_EXCHANGE_H
#define RECKONER_HTTP_EXCHANGE_H

#include "base/buf.h"
#include "base/token.h"
#include "http/metrics.h"
#include "http/request.h"
#include "http/router.h"
#include "store/session.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct reply {
    bool made;
    bool problem; /* made by reply_problem: an act is rolled back */
    enum problem code;
    int status;
    char *body;  /* owned until it is handed to libmicrohttpd */
    bool secret; /* body comes from sodium_malloc */
    size_t length;
    char media_type[64];
    char location[256];
    char etag[80];
    char name[100]; /* file name for Content-Disposition */
    char allow[64];
    struct buf links;
    int retry_after;                     /* seconds; 0: none */
    const struct download_ops *download; /* NULL: body is all */
    void *download_state;
    char *part; /* of a download, owned */
    size_t part_length;
    size_t part_sent;
    bool part_failed; /* no more can be had: the connection is cut */
    bool replayed;    /* the first answer to this Idempotency-Key, again */
};

/* What the exchange is doing. Only the event loop thread moves it on, except out of STAGE_QUEUED, where a database
 * thread owns it. */
enum stage {
    STAGE_RUN,    /* no body: run when the request is complete */
    STAGE_BODY,   /* collecting a JSON body */
    STAGE_QUEUED, /* handed to the database threads; the connection is suspended */
    STAGE_BEGUN,  /* upload accepted; the next call is the repeated one for the headers */
    STAGE_UPLOAD, /* filling the upload's buffer */
    STAGE_ANSWER  /* the reply is made: what is left of the body is thrown away, then it is sent */
};

enum task {
    TASK_REQUEST, /* the handler */
    TASK_BEGIN,   /* of an upload */
    TASK_CHUNK,
    TASK_END,
    TASK_REFUSED, /* finish, then send the reply that is made */
    TASK_PART,    /* the next part of a download */
    TASK_ABORT    /* finish; the connection is gone */
};

struct parameter {
    const char *name;
    const char *value;
};
#define HTTP_MAX_PARAMETERS 12

struct server;

struct http_exchange {
    struct request request;
    struct server *server;
    struct MHD_Connection *connection; /* NULL when it is gone */
    const struct route *route;         /* NULL when none matched */
    struct match_result match;
    pthread_mutex_t lock; /* held while stage changes hands between threads */
    enum stage stage;
    enum task task;
    struct http_exchange *next; /* in the queue */
    struct reply reply;
    unsigned char token_hash[TOKEN_HASH_BYTES];
    bool answered_early; /* before the body was read: the connection lingers when it closes */
    int64_t begun;       /* monotonic microseconds */
    int64_t deadline;    /* the body must be complete by then */
    int64_t received;    /* bytes of body */
    int64_t discarded;   /* of them, thrown away after the reply was made */
    int64_t body_limit;
    struct buf body; /* JSON */
    json_t *document;
    int64_t reserved; /* bytes taken from the server's budget for JSON bodies */
    void *upload_state;
    bool upload_slot; /* counted against max_uploads */
    bool upload_open; /* begin succeeded, finish has not run */
    int64_t give_up;  /* monotonic; set while finish waits for the database: not longer than this */
    char *chunk;      /* HTTP_CHUNK_BYTES while upload_open */
    size_t chunk_length;
    int sent_status; /* status handed to libmicrohttpd; 0: none */
    int64_t sent_bytes;
    struct parameter query[HTTP_MAX_PARAMETERS];
    unsigned query_count;
    char query_text[2048];
    char path[512];
    char media_type[64];
    char if_match[80];
};

struct pool;

struct server {
    const struct config *config;
    struct clock clock;
    const unsigned char *token_key; /* TOKEN_KEY_BYTES in the main program's locked memory */
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *local;
    struct pg *local_pg; /* of the local port's only thread */
    int64_t schema_checked_at;
    bool schema_ready;
    char schema_message[600];
    struct pool *pool;
    struct lingerer *linger;
    struct metrics metrics;
    atomic_bool draining; /* no new requests */
    atomic_bool cutting;  /* the drain's deadline has passed: bodies under way are cut off */
    atomic_llong exchanges;
    atomic_llong uploads;
    atomic_llong json_bytes;
    atomic_llong unfinished; /* uploads whose finish waits for the database */
    atomic_llong database_away;
    atomic_llong refused_tokens;     /* not yet in the audit trail */
    atomic_llong next_sign_in_event; /* monotonic; no event of refused tokens before */
};

/* reply.c */
void reply_discard(struct http_exchange *ex);
/* Builds the response and queues it on the connection. Event loop thread. */
enum MHD_Result reply_queue(struct http_exchange *ex);

/* accept.c: everything that the headers alone decide. Makes a problem reply or leaves the exchange ready for its
 * body. */
void accept_headers(struct http_exchange *ex, const char *url, const char *method);
/* Does the request announce a body, and how long? -1: chunked; 0: none. */
int64_t accept_body_length(struct http_exchange *ex);

/* dispatch.c: a database thread's share. Returns when the reply is made or the next body bytes are wanted. */
struct database_thread {
    struct pg *pg;
    int64_t retry_at; /* monotonic; the database was away: no new attempt to connect before */
    int failures;     /* attempts that failed in a row */
    /* Who the connection's session speaks for. A read by the same token (or by nobody) soon after needs no new
     * statement for it. */
    int backend; /* session_backend() when the session was set; 0: not known */
    bool public; /* nobody */
    unsigned char token_hash[TOKEN_HASH_BYTES];
    int64_t checked_at; /* monotonic */
    struct session session;
};
void dispatch_run(struct database_thread *thread, struct http_exchange *ex);

/* refusal.c: writes the audit event of an attempt that was refused, in a statement of its own, on the database thread
 * and session that answered it. Does nothing for other answers. When it cannot be written, the log says so. */
void refusal_record(struct http_exchange *ex);

/* listener.c */
void exchange_free(struct http_exchange *ex);

/* pool.c: a queue and threads with a database connection each. */
struct pool *pool_start(struct server *server);
/* PG threads take it as soon as one is free. bounded: refused (false) when the queue is full. After pool_close only
 * aborts are taken. */
bool pool_submit(struct pool *pool, struct http_exchange *ex, bool bounded);
void pool_close(struct pool *pool);
/* Waits until nothing is queued or running, or until the monotonic deadline. */
bool pool_wait_idle(struct pool *pool, int64_t deadline);
void pool_free(struct pool *pool);
int64_t pool_depth(struct pool *pool);

/* linger.c: keeps the sockets of early answers open for a moment and reads away what the client still sends, because
 * closing a socket with unread bytes makes the kernel throw away the answer (RST). */
struct lingerer *lingerer_start(void);
void lingerer_add(struct lingerer *linger, int socket);
void lingerer_free(struct lingerer *linger);

/* local.c */
bool local_start(struct server *server, char *error, unsigned size);

#endif
