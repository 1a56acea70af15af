/* reckonerd: serves the HTTP API. Holds no private key. */
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/process.h"
#include "base/token.h"
#include "domain/leak_json.h"
#include "http/request.h"
#include "http/server.h"
#include "store/absence.h"
#include "store/act_order.h"
#include "store/migrate.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int usage(FILE *out, int status)
{
    fputs("usage: reckonerd [--config FILE | --routes]\n"
          "Serves the HTTP API of Reckoner until SIGTERM or SIGINT: requests under way are finished\n"
          "(option drain_seconds), a second signal leaves at once. `reckoner config` prints every option.\n",
          out);
    return status;
}

/* One line for each route: method, path, operation, roles, kind of body, query parameters. For the test that holds
 * api/openapi.yaml against the table. */
static int print_routes(void)
{
    static const char *const roles[] = {"provider", "commissioner", "auditor", "operator", "controlled"};
    static const char *const bodies[] = {[BODY_NONE] = "none", [BODY_JSON] = "json", [BODY_UPLOAD] = "upload"};
    for (const struct route *route = route_table; route->method != NULL; route++) {
        printf("%s\t%s\t%s\t", route->method, route->path, route->operation);
        const char *comma = "";
        for (unsigned i = 0; i < sizeof roles / sizeof roles[0]; i++) {
            if ((route->roles & 1u << i) != 0) {
                printf("%s%s", comma, roles[i]);
                comma = " ";
            }
        }
        printf("\t%s\t%s\n", bodies[route->body], route->query != NULL ? route->query : "");
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static void report(const char *event, const char *sentence)
{
    struct log_field fields[] = {{.name = "message", .text = sentence}};
    log_event(LOG_LEVEL_ERROR, event, fields, 1);
}

/* A sign of life from every web process, so that the time in which there was none is known. */
#define PRESENCE_MILLISECONDS 30000
/* A database that is away must not hold up the end of the process. */
#define PRESENCE_TIMEOUT_MS 2000

/* The schema must be the one this program was built for; only `reckoner migrate` changes it. */
static bool schema_is_right(const struct config *config)
{
    struct pg_options options = {.conninfo = config->database_web,
                                 .application = "reckonerd start",
                                 .connect_timeout_seconds = config->connect_timeout_seconds,
                                 .statement_timeout_ms = config->statement_timeout_ms,
                                 .lock_timeout_ms = config->lock_timeout_ms};
    struct pg *pg = pg_new(&options);
    char message[600] = "out of memory";
    bool right = pg != NULL && migrate_check(pg, message, sizeof message);
    pg_free(pg);
    if (!right)
        report("start_refused", message);
    return right;
}

/* Waits for one of the stop signals; -1 when none came within the time (milliseconds, < 0: for ever). */
static int wait_for_signal(const sigset_t *signals, int64_t milliseconds)
{
    if (milliseconds < 0)
        return sigwaitinfo(signals, NULL);
    struct timespec timeout = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    return sigtimedwait(signals, NULL, &timeout);
}

/* Requests under way may finish; a second signal leaves at once. */
static void drain(struct server *server, const struct config *config, const sigset_t *signals)
{
    struct log_field fields[] = {{.name = "open_requests", .number = server_open_requests(server)},
                                 {.name = "drain_seconds", .number = config->drain_seconds}};
    log_event(LOG_LEVEL_INFO, "draining", fields, 2);
    server_quiesce(server);
    int64_t deadline = clock_monotonic() + config->drain_seconds * 1000000;
    while (server_open_requests(server) > 0 && clock_monotonic() < deadline)
        if (wait_for_signal(signals, 20) > 0) {
            report("stopped_at_once", "a second signal arrived while requests were under way");
            _exit(1);
        }
}

/* Freeing takes as long as the statements that are running; a second signal need not wait for them. */
static void leave_at_once(int signal_number)
{
    (void)signal_number;
    _exit(1);
}

static struct pg *presence_connection(const struct config *config)
{
    struct pg_options options = {.conninfo = config->database_web,
                                 .application = "reckonerd presence",
                                 .connect_timeout_seconds = 2,
                                 .statement_timeout_ms = PRESENCE_TIMEOUT_MS,
                                 .lock_timeout_ms = PRESENCE_TIMEOUT_MS};
    return pg_new(&options);
}

/* An absence is known from an instant on, like an act. */
static enum pg_status note_in_transaction(struct pg *pg, const struct clock *product, bool *recorded)
{
    instant_t wall = 0;
    instant_t at = 0;
    enum pg_status status = act_begin_in_transaction(pg, &wall);
    if (status != PG_OK || !clock_at(product, wall, &at))
        return status; /* every request answers already that the clock cannot be read */
    return presence_note(pg, at, recorded);
}

static void note_presence(struct pg *pg, const struct clock *product)
{
    bool recorded = false;
    enum pg_status status = pg_begin(pg);
    if (status == PG_OK)
        status = note_in_transaction(pg, product, &recorded);
    if (status == PG_OK)
        status = pg_commit(pg);
    pg_rollback(pg);
    if (status != PG_OK)
        log_event(LOG_LEVEL_WARN, "presence", &(struct log_field){.name = "problem", .text = pg_message(pg)}, 1);
    else if (recorded)
        log_event(LOG_LEVEL_WARN, "absence_recorded", NULL, 0);
}

/* Serves until a stop signal, with a sign of life now and then. */
static void serve_until_stopped(struct pg *presence, const struct clock *product, const sigset_t *signals)
{
    while (wait_for_signal(signals, PRESENCE_MILLISECONDS) < 0)
        note_presence(presence, product);
}

static int serve(const struct config *config, const unsigned char key[TOKEN_KEY_BYTES])
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by every thread */
    signal(SIGPIPE, SIG_IGN);
    if (!schema_is_right(config))
        return 1;
    char error[300] = "out of memory";
    const struct clock product = {config->clock_file[0] == '\0' ? NULL : config->clock_file};
    struct pg *presence = presence_connection(config);
    /* Before the first request: it is judged by windows that know of the absence. */
    if (presence != NULL)
        note_presence(presence, &product);
    struct server *server = presence == NULL ? NULL : server_start(config, key, error, sizeof error);
    if (server == NULL) {
        report("start_refused", error);
        pg_free(presence);
        return 1;
    }
    struct log_field fields[] = {{.name = "address", .text = config->listen_address},
                                 {.name = "port", .number = server_port(server)},
                                 {.name = "local_port", .number = server_local_port(server)},
                                 {.name = "mode", .text = config->mode}};
    log_event(LOG_LEVEL_INFO, "listening", fields, 4);
    serve_until_stopped(presence, &product, &signals);
    pg_free(presence);
    drain(server, config, &signals);
    signal(SIGTERM, leave_at_once);
    signal(SIGINT, leave_at_once);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    server_free(server);
    log_event(LOG_LEVEL_INFO, "stopped", NULL, 0);
    return 0;
}

static bool withhold(const char *text)
{
    return leak_in_text((struct text){text, strlen(text)});
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--routes") == 0)
        return print_routes();
    if (argc == 3 && strcmp(argv[1], "--config") == 0)
        path = argv[2];
    else if (argc != 1)
        return usage(stderr, 2);
    log_set_program("reckonerd");
    log_set_filter(withhold);
    struct config config;
    char error[400];
    unsigned char *key = NULL; /* locked, guarded, left out of core dumps */
    int status = 1;
    if (!process_keep_secrets() || sodium_init() < 0 || (key = sodium_malloc(TOKEN_KEY_BYTES)) == NULL) {
        report("start_refused", "the system does not lock memory for the token key (LimitMEMLOCK)");
        return 1;
    }
    if (!config_load(&config, path, error, sizeof error) ||
        !token_key_load(config.token_key_file, key, error, sizeof error))
        report("start_refused", error);
    else
        status = serve(&config, key);
    sodium_free(key);
    config_free(&config);
    return status;
}
