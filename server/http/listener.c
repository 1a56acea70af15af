/* The event loops: each request walks through the stages of exchange.h. libmicrohttpd calls the access handler once
 * for the headers, once for each piece of body, and once when the request is complete; after a suspension it repeats
 * the call it was in. A reply queued in the first call closes the connection; so requests without a body are answered
 * in the last. */
#include "http/exchange.h"
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTION_MEMORY (32 * 1024)
/* Beyond its limit a refused body is read away up to here, so that the client can read the answer. */
#define DISCARD_MAXIMUM (16LL * 1024 * 1024)

void exchange_free(struct http_exchange *ex)
{
    struct server *server = ex->server;
    assert(!ex->upload_open);
    if (ex->upload_slot)
        atomic_fetch_sub(&server->uploads, 1);
    atomic_fetch_sub(&server->json_bytes, ex->reserved);
    atomic_fetch_sub(&server->exchanges, 1);
    reply_discard(ex);
    json_decref(ex->document);
    buf_free(&ex->body);
    if (ex->chunk != NULL) /* rows of patients, as they were sent */
        sodium_memzero(ex->chunk, HTTP_CHUNK_BYTES);
    free(ex->chunk);
    sodium_memzero(ex->token_hash, sizeof ex->token_hash);
    pthread_mutex_destroy(&ex->lock);
    free(ex);
}

static struct http_exchange *exchange_new(struct server *server, struct MHD_Connection *connection)
{
    struct http_exchange *ex = calloc(1, sizeof *ex);
    if (ex == NULL)
        return NULL;
    if (pthread_mutex_init(&ex->lock, NULL) != 0) {
        free(ex);
        return NULL;
    }
    ex->server = server;
    ex->connection = connection;
    ex->begun = clock_monotonic();
    ex->request.config = server->config;
    ex->request.clock = &server->clock;
    ex->request.exchange = ex;
    reply_discard(ex);
    atomic_fetch_add(&server->exchanges, 1);
    return ex;
}

static unsigned route_index(const struct http_exchange *ex)
{
    size_t index = ex->route == NULL ? METRICS_ROUTES - 1 : (size_t)(ex->route - route_table);
    return index < METRICS_ROUTES ? (unsigned)index : METRICS_ROUTES - 1;
}

/* Logs and counts a finished request. */
static void exchange_log(const struct http_exchange *ex, bool cut)
{
    struct server *server = ex->server;
    int64_t took = clock_monotonic() - ex->begun;
    int status = cut && ex->sent_status == 0 ? 0 : ex->sent_status;
    bool slow = took >= server->config->slow_request_ms * 1000;
    metrics_count(&server->metrics, route_index(ex), status, took, ex->received, ex->sent_bytes);
    if (slow)
        atomic_fetch_add(&server->metrics.slow, 1);
    struct log_field fields[] = {
        {.name = "method", .text = ex->route == NULL ? "-" : ex->route->method},
        {.name = "route", .text = ex->route == NULL ? "-" : ex->route->path},
        {.name = "status", .number = status},
        {.name = "received_bytes", .number = ex->received},
        {.name = "sent_bytes", .number = ex->sent_bytes},
        {.name = "microseconds", .number = took},
        {.name = "organisation", .text = ex->request.caller.organisation},
        {.name = "request_id", .text = ex->request.request_id},
        {.name = "slow", .number = slow},
        {.name = "cut", .number = cut},
    };
    log_event(status >= 500 || slow ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "request", fields,
              sizeof fields / sizeof fields[0]);
}

/* Hands the exchange to the database threads. The lock is held, so the connection is suspended before a thread can
 * resume it. */
static void hand_over(struct http_exchange *ex, enum task task)
{
    bool first = task == TASK_REQUEST || task == TASK_BEGIN;
    ex->task = task;
    ex->stage = STAGE_QUEUED;
    MHD_suspend_connection(ex->connection);
    if (pool_submit(ex->server->pool, ex, first))
        return;
    ex->answered_early = task == TASK_BEGIN;
    if (ex->reply.made) {
        /* TASK_REFUSED while the pool is closed: the upload is aborted when the connection ends. */
    } else if (atomic_load(&ex->server->draining)) {
        reply_problem(&ex->request, PROBLEM_SHUTTING_DOWN, NULL, "The service is stopping");
    } else {
        atomic_fetch_add(&ex->server->metrics.overloaded, 1);
        reply_problem(&ex->request, PROBLEM_OVERLOADED, NULL, "Too many requests wait for the database");
    }
    ex->stage = STAGE_ANSWER;
    MHD_resume_connection(ex->connection);
}

/* The reply is made before the body has been read: when one is announced, it goes out at once and the connection
 * closes behind it. */
static enum MHD_Result answer_headers(struct http_exchange *ex)
{
    ex->stage = STAGE_ANSWER;
    if (accept_body_length(ex) == 0)
        return MHD_YES;
    ex->answered_early = true;
    return reply_queue(ex);
}

static enum MHD_Result on_headers(struct server *server, struct MHD_Connection *connection, const char *url,
                                  const char *method, void **state)
{
    struct http_exchange *ex = exchange_new(server, connection);
    if (ex == NULL)
        return MHD_NO;
    *state = ex;
    accept_headers(ex, url, method);
    if (ex->reply.made)
        return answer_headers(ex);
    if (ex->route->body == BODY_UPLOAD) {
        pthread_mutex_lock(&ex->lock);
        hand_over(ex, TASK_BEGIN);
        pthread_mutex_unlock(&ex->lock);
    }
    return MHD_YES;
}

static void over_limit(struct http_exchange *ex)
{
    reply_problem(&ex->request, PROBLEM_BODY_TOO_LARGE, NULL, "The body may have %lld bytes here",
                  (long long)ex->body_limit);
    buf_free(&ex->body);
    if (ex->upload_open)
        hand_over(ex, TASK_REFUSED);
    else
        ex->stage = STAGE_ANSWER;
}

/* Returns how many of the bytes were taken, or -1 to cut the connection. */
static long long take_upload(struct http_exchange *ex, const char *data, size_t size)
{
    size_t room = HTTP_CHUNK_BYTES - ex->chunk_length;
    size_t taken = size < room ? size : room;
    memcpy(ex->chunk + ex->chunk_length, data, taken);
    ex->chunk_length += taken;
    if (ex->chunk_length == HTTP_CHUNK_BYTES)
        hand_over(ex, TASK_CHUNK);
    return (long long)taken;
}

static long long take_body(struct http_exchange *ex, const char *data, size_t size)
{
    bool late = ex->deadline != 0 && clock_monotonic() > ex->deadline;
    if (late || atomic_load(&ex->server->cutting))
        return -1;
    if (ex->stage == STAGE_ANSWER) {
        ex->discarded += (int64_t)size;
        return ex->discarded > DISCARD_MAXIMUM + ex->body_limit ? -1 : (long long)size;
    }
    if (ex->stage != STAGE_BODY && ex->stage != STAGE_UPLOAD)
        return 0;
    if (ex->received + (int64_t)size > ex->body_limit) {
        over_limit(ex);
        return (long long)size;
    }
    if (ex->stage == STAGE_UPLOAD)
        return take_upload(ex, data, size);
    return buf_append(&ex->body, data, size) ? (long long)size : -1;
}

static enum MHD_Result on_complete(struct http_exchange *ex)
{
    switch (ex->stage) {
    case STAGE_BEGUN:
        ex->stage = STAGE_UPLOAD;
        break;
    case STAGE_RUN:
    case STAGE_BODY:
        hand_over(ex, TASK_REQUEST);
        break;
    case STAGE_UPLOAD:
        hand_over(ex, TASK_END);
        break;
    case STAGE_ANSWER:
        return reply_queue(ex);
    case STAGE_QUEUED:
        break;
    }
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    struct http_exchange *ex = *state;
    if (ex == NULL)
        return on_headers(context, connection, url, method, state);
    enum MHD_Result result = MHD_YES;
    pthread_mutex_lock(&ex->lock);
    if (data != NULL) {
        long long taken = take_body(ex, data, *size);
        if (taken >= 0) {
            ex->received += taken;
            *size -= (size_t)taken;
        } else {
            result = MHD_NO;
        }
    } else {
        result = on_complete(ex);
    }
    pthread_mutex_unlock(&ex->lock);
    return result;
}

/* Frees everything of a request, answered or not. An upload that is still open is aborted on a database thread, which
 * then frees the exchange. */
static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct http_exchange *ex = *state;
    if (ex == NULL)
        return;
    *state = NULL;
    pthread_mutex_lock(&ex->lock);
    if (ex->answered_early) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL)
            lingerer_add(server->linger, info->connect_fd);
    }
    bool open = ex->upload_open;
    ex->connection = NULL;
    ex->task = TASK_ABORT;
    exchange_log(ex, code != MHD_REQUEST_TERMINATED_COMPLETED_OK);
    pthread_mutex_unlock(&ex->lock);
    if (!open || !pool_submit(server->pool, ex, false))
        exchange_free(ex);
}

/* Addresses are decoded by the router, after they are split. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static bool address_of(const struct config *config, struct sockaddr_storage *address, socklen_t *length)
{
    memset(address, 0, sizeof *address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    if (inet_pton(AF_INET, config->listen_address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)config->listen_port);
        *length = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, config->listen_address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)config->listen_port);
        *length = sizeof *v6;
        return true;
    }
    return false;
}

static bool listener_start(struct server *server, char *error, unsigned size)
{
    const struct config *config = server->config;
    struct sockaddr_storage address;
    socklen_t length = 0;
    if (!address_of(config, &address, &length)) {
        snprintf(error, size, "listen_address %s is not an IP address", config->listen_address);
        return false;
    }
    /* Not epoll: libmicrohttpd's is edge-triggered, and after a short read it waits for an edge that has been. An
     * upload broken off in that moment would keep its place until idle_timeout_seconds. */
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    unsigned threads = (unsigned)config->http_threads;
    server->daemon = MHD_start_daemon(
        flags, (uint16_t)config->listen_port, NULL, NULL, on_access, server, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0U, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)config->max_connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)config->idle_timeout_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 0U, MHD_OPTION_END);
    if (server->daemon != NULL)
        return true;
    snprintf(error, size, "cannot listen on %s port %lld (%m); is another reckonerd running there?",
             config->listen_address, (long long)config->listen_port);
    return false;
}

struct server *server_start(const struct config *config, const unsigned char token_key[TOKEN_KEY_BYTES], char *error,
                            unsigned size)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }
    server->config = config;
    server->clock.file = config->clock_file[0] == '\0' ? NULL : config->clock_file;
    server->token_key = token_key;
    snprintf(error, size, "cannot start threads (%m)");
    server->linger = lingerer_start();
    server->pool = server->linger == NULL ? NULL : pool_start(server);
    if (server->pool != NULL && listener_start(server, error, size) && local_start(server, error, size))
        return server;
    server_free(server);
    return NULL;
}

static unsigned port_of(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

unsigned server_port(const struct server *server)
{
    return port_of(server->daemon);
}

unsigned server_local_port(const struct server *server)
{
    return port_of(server->local);
}

void server_quiesce(struct server *server)
{
    atomic_store(&server->draining, true);
    MHD_socket socket = MHD_quiesce_daemon(server->daemon);
    if (socket != MHD_INVALID_SOCKET)
        close(socket);
}

long long server_open_requests(const struct server *server)
{
    return atomic_load(&server->exchanges);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    atomic_store(&server->draining, true);
    atomic_store(&server->cutting, true);
    if (server->daemon != NULL) {
        /* No connection may be suspended when the daemon stops. */
        pool_close(server->pool);
        while (!pool_wait_idle(server->pool, clock_monotonic() + 1000000))
            continue;
        MHD_stop_daemon(server->daemon);
    }
    pool_free(server->pool);
    if (server->local != NULL)
        MHD_stop_daemon(server->local);
    lingerer_free(server->linger);
    pg_free(server->local_pg);
    free(server);
}
