/* Connecting, waiting, and what a failure means. */
#include "base/clock.h"
#include "store/pg_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROSECONDS_PER_MS 1000
#define ANSWER_GRACE_MS     5000  /* the server cancels at statement_timeout; only a dead one is later than this */
#define IDLE_TRANSACTION_MS 60000 /* longer than any pause of ours between two statements of a transaction */

/* The caller's own options= of the connection string come first, ours behind them. */
static char *make_settings(const struct pg_options *o)
{
    const char *own = "";
    char *text = NULL;
    PQconninfoOption *parsed = PQconninfoParse(o->conninfo, NULL);
    for (PQconninfoOption *p = parsed; p != NULL && p->keyword != NULL; p++) {
        if (strcmp(p->keyword, "options") == 0 && p->val != NULL)
            own = p->val;
    }
    /* search_path: every name in our SQL is qualified, so nothing can be put in its way. */
    int n = asprintf(&text,
                     "%s -c statement_timeout=%lld -c lock_timeout=%lld -c idle_in_transaction_session_timeout=%d "
                     "-c TimeZone=UTC -c DateStyle=ISO -c client_min_messages=warning "
                     "-c search_path=pg_catalog,pg_temp",
                     own, (long long)o->statement_timeout_ms, (long long)o->lock_timeout_ms, IDLE_TRANSACTION_MS);
    PQconninfoFree(parsed);
    return n < 0 ? NULL : text;
}

struct pg *pg_new(const struct pg_options *options)
{
    struct pg *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        return NULL;
    pg->conninfo = strdup(options->conninfo);
    pg->application = strdup(options->application == NULL ? "reckoner" : options->application);
    pg->settings = make_settings(options);
    pg->connect_timeout_us = options->connect_timeout_seconds * 1000 * MICROSECONDS_PER_MS;
    pg->answer_timeout_us = options->statement_timeout_ms > 0
                                ? (options->statement_timeout_ms + ANSWER_GRACE_MS) * MICROSECONDS_PER_MS
                                : -1;
    (void)snprintf(pg->tcp_user_timeout, sizeof pg->tcp_user_timeout, "%lld",
                   (long long)(options->statement_timeout_ms > 0 && options->statement_timeout_ms < INT32_MAX / 2
                                   ? options->statement_timeout_ms + ANSWER_GRACE_MS
                                   : 60000));
    if (pg->conninfo == NULL || pg->application == NULL || pg->settings == NULL) {
        pg_free(pg);
        return NULL;
    }
    return pg;
}

void pg_free(struct pg *pg)
{
    if (pg == NULL)
        return;
    pg_disconnect(pg);
    free(pg->conninfo);
    free(pg->application);
    free(pg->settings);
    free(pg);
}

void pg_forget_prepared(struct pg *pg)
{
    for (int i = 0; i < PG_PREPARED_SLOTS; i++) {
        free(pg->prepared[i]);
        pg->prepared[i] = NULL;
    }
    pg->prepared_count = 0;
}

void pg_disconnect(struct pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg_forget_prepared(pg);
}

PGconn *pg_raw(struct pg *pg)
{
    return pg->conn;
}

uint64_t pg_connection_number(const struct pg *pg)
{
    return pg->connections;
}

const char *pg_message(const struct pg *pg)
{
    return pg->message;
}

const char *pg_constraint(const struct pg *pg)
{
    return pg->constraint;
}

bool pg_in_transaction(const struct pg *pg)
{
    return pg->open;
}

enum pg_status pg_fail(struct pg *pg, enum pg_status status, const char *message)
{
    (void)snprintf(pg->message, sizeof pg->message, "%s", message);
    pg->constraint[0] = '\0';
    return status;
}

static enum pg_status status_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum pg_status status;
    } table[] = {
        {"23505", PG_DUPLICATE}, {"23P01", PG_DUPLICATE}, {"23", PG_INVALID},
        {"22", PG_INVALID},      {"P0001", PG_REFUSED},   {"42501", PG_DENIED},
        {"40001", PG_RETRY},     {"40P01", PG_RETRY},     {"55P03", PG_RETRY},
        {"57014", PG_TIMEOUT},   {"08", PG_AWAY},         {"57P01", PG_AWAY},
        {"57P02", PG_AWAY},      {"57P03", PG_AWAY},      {"53", PG_AWAY},
        {"25P03", PG_AWAY}, /* idle in a transaction for too long: the server has closed the connection */
        {"25006", PG_AWAY}, /* a standby answers: the primary is elsewhere now */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].status;
    }
    return PG_FAILED;
}

/* Messages of classes 22 and 23 can quote values of rows, so they are replaced by names alone. */
static void keep_message(struct pg *pg, const PGresult *r, const char *state, enum pg_status status)
{
    const char *primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    const char *column = PQresultErrorField(r, PG_DIAG_COLUMN_NAME);
    const char *table = PQresultErrorField(r, PG_DIAG_TABLE_NAME);
    (void)snprintf(pg->constraint, sizeof pg->constraint, "%s", constraint == NULL ? "" : constraint);
    if (primary == NULL)
        primary = "no answer";
    if (status == PG_REFUSED)
        (void)snprintf(pg->message, sizeof pg->message, "%s", primary);
    else if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0)
        (void)snprintf(pg->message, sizeof pg->message, "%s%s%s%s%s%s%s", state, table == NULL ? "" : " table ",
                       table == NULL ? "" : table, column == NULL ? "" : " column ", column == NULL ? "" : column,
                       constraint == NULL ? "" : " constraint ", constraint == NULL ? "" : constraint);
    else
        (void)snprintf(pg->message, sizeof pg->message, "%s %s", state, primary);
}

enum pg_status pg_map(struct pg *pg, const PGresult *r)
{
    const char *state = r == NULL ? NULL : PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (state == NULL) { /* made by libpq itself: the connection is gone */
        pg_disconnect(pg);
        return pg_fail(pg, PG_AWAY, "the connection to the database was lost");
    }
    enum pg_status status = status_of(state);
    keep_message(pg, r, state, status);
    if (status == PG_AWAY || PQstatus(pg->conn) == CONNECTION_BAD)
        pg_disconnect(pg);
    return pg->conn == NULL ? PG_AWAY : status;
}

int64_t pg_deadline(const struct pg *pg)
{
    return pg->answer_timeout_us < 0 ? -1 : clock_monotonic() + pg->answer_timeout_us;
}

static bool wait_for(const PGconn *conn, short events, int64_t deadline)
{
    struct pollfd p = {.fd = PQsocket(conn), .events = events};
    for (;;) {
        int64_t left = deadline < 0 ? -1 : deadline - clock_monotonic();
        if (deadline >= 0 && left <= 0)
            return false;
        int64_t left_ms = left < 0 ? -1 : left / MICROSECONDS_PER_MS + 1;
        int n = poll(&p, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        if (n > 0)
            return true; /* also for POLLERR and POLLHUP: reading tells what it is */
    }
}

bool pg_wait(struct pg *pg, bool writable, int64_t deadline)
{
    return wait_for(pg->conn, (short)(writable ? POLLIN | POLLOUT : POLLIN), deadline);
}

static bool finish_connecting(PGconn *conn, int64_t deadline)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        if (!wait_for(conn, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return false;
        next = PQconnectPoll(conn);
    }
    return next == PGRES_POLLING_OK;
}

/* Notices may quote values, and libpq would print them. An idle server's last words also come this way. */
static void take_notice(void *context, const PGresult *r)
{
    struct pg *pg = context;
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (state != NULL && status_of(state) == PG_AWAY)
        pg->leaving = true;
}

static enum pg_status open_connection(struct pg *pg)
{
    /* The connection string stands first: what follows it wins. */
    const char *const names[] = {
        "dbname",          "application_name",    "client_encoding",  "options",          "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", NULL};
    const char *const values[] = {pg->conninfo, pg->application,      "UTF8", pg->settings, "1", "30", "5",
                                  "3",          pg->tcp_user_timeout, NULL};
    PGconn *conn = PQconnectStartParams(names, values, 1);
    if (conn == NULL)
        return pg_fail(pg, PG_AWAY, "memory ran out while connecting to the database");
    (void)PQsetNoticeReceiver(conn, take_notice, pg);
    if (PQstatus(conn) == CONNECTION_BAD || !finish_connecting(conn, clock_monotonic() + pg->connect_timeout_us) ||
        PQsetnonblocking(conn, 1) != 0) {
        (void)snprintf(pg->message, sizeof pg->message, "cannot connect to the database: %s", PQerrorMessage(conn));
        pg->constraint[0] = '\0';
        PQfinish(conn);
        return PG_AWAY;
    }
    pg->conn = conn;
    pg->connections++;
    pg->leaving = false;
    return PG_OK;
}

/* An idle connection has nothing to read, unless the server closed it or said good-bye. */
static bool is_stale(struct pg *pg)
{
    struct pollfd p = {.fd = PQsocket(pg->conn), .events = POLLIN};
    if (PQstatus(pg->conn) != CONNECTION_OK)
        return true;
    while (poll(&p, 1, 0) > 0) {
        if (PQconsumeInput(pg->conn) == 0 || PQstatus(pg->conn) != CONNECTION_OK)
            return true;
        (void)PQisBusy(pg->conn); /* reads what came in; an idle connection is never busy */
    }
    return pg->leaving;
}

enum pg_status pg_connect(struct pg *pg)
{
    if (pg->open)
        return pg_ready(pg);
    if (pg->conn != NULL && is_stale(pg))
        pg_disconnect(pg);
    return pg->conn != NULL ? PG_OK : open_connection(pg);
}

enum pg_status pg_ready(struct pg *pg)
{
    if (pg->conn != NULL)
        return PG_OK;
    if (pg->open)
        return pg_fail(pg, PG_AWAY, "the connection to the database was lost in a transaction");
    return open_connection(pg);
}
