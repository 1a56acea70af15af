/* The local port: /live, /ready, /metrics, for the machine's own supervisor and monitoring. One thread, one
 * connection to the database. */
#include "http/exchange.h"

#include "base/clock.h"
#include "store/migrate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_MICROSECONDS 500000 /* an answer about the database is good for so long */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *media_type, char *text,
                              size_t length, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, text, mode);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", media_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned status, const char *line)
{
    return answer(connection, status, "text/plain; charset=utf-8", (char *)(uintptr_t)line, strlen(line),
                  MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer_ready(struct server *server, struct MHD_Connection *connection)
{
    if (atomic_load(&server->draining))
        return answer_line(connection, 503, "not ready: the service is stopping\n");
    int64_t now = clock_monotonic();
    if (server->schema_checked_at == 0 || now - server->schema_checked_at > READY_MICROSECONDS) {
        server->schema_ready = migrate_check(server->local_pg, server->schema_message, sizeof server->schema_message);
        server->schema_checked_at = now;
    }
    if (server->schema_ready)
        return answer_line(connection, 200, "ready\n");
    char line[sizeof server->schema_message + 16];
    snprintf(line, sizeof line, "not ready: %s\n", server->schema_message);
    return answer_line(connection, 503, line);
}

static enum MHD_Result answer_metrics(struct server *server, struct MHD_Connection *connection)
{
    const char *names[METRICS_ROUTES] = {NULL};
    for (unsigned i = 0; i < METRICS_ROUTES - 1 && route_table[i].method != NULL; i++)
        names[i] = route_table[i].operation;
    struct metrics_gauges gauges = {.exchanges = atomic_load(&server->exchanges),
                                    .uploads = atomic_load(&server->uploads),
                                    .queue_depth = pool_depth(server->pool),
                                    .json_bytes = atomic_load(&server->json_bytes),
                                    .database_away = atomic_load(&server->database_away)};
    struct buf page;
    buf_init(&page, 256 * 1024);
    if (!metrics_write(&server->metrics, &gauges, names, &page)) {
        buf_free(&page);
        return answer_line(connection, 500, "the page does not fit\n");
    }
    return answer(connection, 200, "text/plain; version=0.0.4", page.data, page.length, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_local(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    (void)data;
    struct server *server = context;
    static int seen;
    if (*state == NULL) { /* a reply to the first call would close the connection */
        *state = &seen;
        return MHD_YES;
    }
    *size = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_line(connection, 405, "only GET\n");
    if (strcmp(url, "/live") == 0)
        return answer_line(connection, 200, "live\n");
    if (strcmp(url, "/ready") == 0)
        return answer_ready(server, connection);
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(server, connection);
    return answer_line(connection, 404, "/live, /ready, /metrics\n");
}

bool local_start(struct server *server, char *error, unsigned size)
{
    const struct config *config = server->config;
    struct pg_options options = {.conninfo = config->database_web,
                                 .application = "reckonerd ready",
                                 .connect_timeout_seconds = config->connect_timeout_seconds,
                                 .statement_timeout_ms = config->statement_timeout_ms,
                                 .lock_timeout_ms = config->lock_timeout_ms};
    server->local_pg = pg_new(&options);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)config->local_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (server->local_pg != NULL)
        server->local = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)config->local_port, NULL, NULL,
                                         on_local, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
                                         16U, MHD_OPTION_CONNECTION_TIMEOUT, 10U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                         (size_t)8192, MHD_OPTION_END);
    if (server->local != NULL)
        return true;
    snprintf(error, size, "cannot listen on 127.0.0.1 port %lld (%m), the local port", (long long)config->local_port);
    return false;
}
