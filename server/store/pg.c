#include "store/pg.h"

#include "base/clock.h"
#include "store/pg_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRIES        5
#define FIRST_PAUSE_MS 10

bool pg_flush(struct pg *pg, int64_t deadline)
{
    for (;;) {
        int left = PQflush(pg->conn);
        if (left == 0)
            return true;
        /* The server may be waiting for us to read before it reads on: take in what it has. */
        if (left < 0 || !pg_wait(pg, true, deadline) || PQconsumeInput(pg->conn) == 0) {
            pg_disconnect(pg);
            (void)pg_fail(pg, PG_AWAY, "the connection to the database was lost");
            return false;
        }
    }
}

/* The next result, or NULL at the end of the answer. false: away; the connection is dropped. */
static bool next_result(struct pg *pg, int64_t deadline, PGresult **result)
{
    while (PQisBusy(pg->conn)) {
        if (!pg_wait(pg, false, deadline)) {
            pg_disconnect(pg);
            (void)pg_fail(pg, PG_AWAY, "the database did not answer in time");
            return false;
        }
        if (PQconsumeInput(pg->conn) == 0)
            break; /* PQgetResult reports it, with the server's last words where there are any */
    }
    *result = PQgetResult(pg->conn);
    return true;
}

static bool is_failure(const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN;
}

enum pg_status pg_collect(struct pg *pg, PGresult **result)
{
    int64_t deadline = pg_deadline(pg);
    PGresult *kept = NULL;
    *result = NULL;
    if (!pg_flush(pg, deadline))
        return PG_AWAY;
    for (;;) {
        PGresult *r;
        if (!next_result(pg, deadline, &r)) {
            PQclear(kept);
            return PG_AWAY;
        }
        if (r == NULL)
            break;
        if (kept != NULL && is_failure(kept)) {
            PQclear(r);
            continue;
        }
        PQclear(kept);
        kept = r;
        if (PQresultStatus(kept) == PGRES_COPY_IN)
            break;
    }
    if (kept == NULL || is_failure(kept)) {
        enum pg_status status = pg_map(pg, kept);
        PQclear(kept);
        return status;
    }
    *result = kept;
    return PG_OK;
}

/* Where a name is, or would be, among the prepared ones (FNV-1a, linear probing). */
static unsigned prepared_slot(const struct pg *pg, const char *name)
{
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    unsigned slot = hash % PG_PREPARED_SLOTS;
    while (pg->prepared[slot] != NULL && strcmp(pg->prepared[slot], name) != 0)
        slot = (slot + 1) % PG_PREPARED_SLOTS;
    return slot;
}

static enum pg_status prepare(struct pg *pg, const struct pg_statement *s)
{
    unsigned slot = prepared_slot(pg, s->name);
    if (pg->prepared[slot] != NULL)
        return PG_OK;
    if (pg->prepared_count >= PG_PREPARED_SLOTS / 2)
        return pg_fail(pg, PG_FAILED, "more statements than a connection may prepare");
    char *name = strdup(s->name);
    if (name == NULL)
        return pg_fail(pg, PG_FAILED, "memory ran out");
    PGresult *r = NULL;
    enum pg_status status = PG_AWAY;
    if (PQsendPrepare(pg->conn, s->name, s->sql, 0, NULL) == 1)
        status = pg_collect(pg, &r);
    else
        status = pg_map(pg, NULL);
    if (status != PG_OK) {
        free(name);
        return status;
    }
    PQclear(r);
    pg->prepared[slot] = name;
    pg->prepared_count++;
    return PG_OK;
}

/* Sends a statement, prepared first when it is new. */
static enum pg_status ask(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int format)
{
    enum pg_status status = pg_ready(pg);
    if (status == PG_OK)
        status = prepare(pg, s);
    if (status != PG_OK)
        return status;
    if (PQsendQueryPrepared(pg->conn, s->name, a == NULL ? 0 : a->count, a == NULL ? NULL : a->values,
                            a == NULL ? NULL : a->lengths, a == NULL ? NULL : a->formats, format) != 1)
        return pg_map(pg, NULL);
    return PG_OK;
}

static enum pg_status execute_once(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int format,
                                   PGresult **result)
{
    enum pg_status status = ask(pg, s, a, format);
    return status == PG_OK ? pg_collect(pg, result) : status;
}

/* 26000: somebody (a pooler, DISCARD ALL) has dropped our statement. */
static bool statement_is_gone(const struct pg *pg)
{
    return strncmp(pg->message, "26000 ", 6) == 0;
}

static enum pg_status execute(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int format,
                              PGresult **result)
{
    if ((a == NULL ? 0 : a->count) != s->parameters)
        return pg_fail(pg, PG_FAILED, "a statement was given another number of parameters than it has");
    enum pg_status status = execute_once(pg, s, a, format, result);
    if (status != PG_FAILED || pg->conn == NULL || !statement_is_gone(pg))
        return status;
    pg_forget_prepared(pg);
    /* Inside a transaction the failure has spoilt it, so the whole of it must run again. */
    return pg->open ? PG_RETRY : execute_once(pg, s, a, format, result);
}

static enum pg_status run_format(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int format,
                                 PGresult **result)
{
    PGresult *r = NULL;
    enum pg_status status = execute(pg, s, a, format, &r);
    if (result == NULL)
        PQclear(r);
    else
        *result = r;
    return status;
}

enum pg_status pg_run(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result)
{
    return run_format(pg, s, a, 0, result);
}

enum pg_status pg_run_binary(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result)
{
    return run_format(pg, s, a, 1, result);
}

enum pg_status pg_ask_binary(struct pg *pg, const struct pg_statement *s, const struct pg_args *a)
{
    if ((a == NULL ? 0 : a->count) != s->parameters)
        return pg_fail(pg, PG_FAILED, "a statement was given another number of parameters than it has");
    enum pg_status status = ask(pg, s, a, 1);
    return status == PG_OK && !pg_flush(pg, pg_deadline(pg)) ? PG_AWAY : status;
}

enum pg_status pg_answer(struct pg *pg, PGresult **result)
{
    *result = NULL;
    enum pg_status status = pg->conn == NULL ? PG_AWAY : pg_collect(pg, result);
    if (status != PG_FAILED || pg->conn == NULL || !statement_is_gone(pg))
        return status;
    pg_forget_prepared(pg);
    return PG_RETRY;
}

enum pg_status pg_run_one(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result)
{
    PGresult *r = NULL;
    enum pg_status status = execute(pg, s, a, 0, &r);
    if (status == PG_OK && PQntuples(r) == 0) {
        PQclear(r);
        r = NULL;
        status = pg_fail(pg, PG_NONE, "no such row");
    }
    if (result == NULL)
        PQclear(r);
    else
        *result = r;
    return status;
}

int64_t pg_run_count(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, enum pg_status *status)
{
    PGresult *r = NULL;
    int64_t count = -1;
    *status = execute(pg, s, a, 0, &r);
    if (*status == PG_OK)
        count = pg_affected(r);
    PQclear(r);
    return count;
}

enum pg_status pg_change(struct pg *pg, const struct pg_statement *s, const struct pg_args *a)
{
    enum pg_status status = PG_FAILED;
    int64_t changed = pg_run_count(pg, s, a, &status);
    if (changed < 0)
        return status;
    return changed > 0 ? PG_OK : PG_NONE;
}

enum pg_status pg_script(struct pg *pg, const char *sql)
{
    PGresult *r = NULL;
    enum pg_status status = pg_ready(pg);
    if (status != PG_OK)
        return status;
    if (PQsendQuery(pg->conn, sql) != 1)
        return pg_map(pg, NULL);
    status = pg_collect(pg, &r);
    /* COMMIT of a spoilt transaction succeeds with the tag ROLLBACK. */
    if (status == PG_OK && strcmp(sql, "COMMIT") == 0 && strcmp(PQcmdStatus(r), "COMMIT") != 0)
        status = pg_fail(pg, PG_FAILED, "the transaction had failed before it was committed");
    PQclear(r);
    return status;
}

static enum pg_status begin(struct pg *pg, const char *sql)
{
    if (pg->open)
        return pg_fail(pg, PG_FAILED, "a transaction is open already");
    enum pg_status status = pg_script(pg, sql);
    pg->open = status == PG_OK;
    return status;
}

enum pg_status pg_begin(struct pg *pg)
{
    return begin(pg, "BEGIN ISOLATION LEVEL READ COMMITTED");
}

enum pg_status pg_begin_snapshot(struct pg *pg)
{
    return begin(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

enum pg_status pg_commit(struct pg *pg)
{
    if (!pg->open)
        return pg_fail(pg, PG_FAILED, "no transaction is open");
    enum pg_status status = pg_script(pg, "COMMIT");
    pg->open = false; /* the server has ended it in either case */
    return status;
}

void pg_rollback(struct pg *pg)
{
    char message[PG_MESSAGE_SIZE];
    char constraint[PG_CONSTRAINT_SIZE];
    bool was_open = pg->open;
    pg->open = false;
    if (!was_open || pg->conn == NULL)
        return;
    /* What failed before is what the caller wants to hear about. */
    memcpy(message, pg->message, sizeof message);
    memcpy(constraint, pg->constraint, sizeof constraint);
    if (PQtransactionStatus(pg->conn) == PQTRANS_ACTIVE || pg_script(pg, "ROLLBACK") != PG_OK)
        pg_disconnect(pg);
    memcpy(pg->message, message, sizeof message);
    memcpy(pg->constraint, constraint, sizeof constraint);
}

/* Between half and the whole of 10, 20 .. 160 ms, so that two that collided do not meet again. */
static void pause_before_retry(int attempt)
{
    uint32_t longest_us = (uint32_t)(FIRST_PAUSE_MS * 1000) << attempt;
    uint32_t us = longest_us / 2 + randombytes_uniform(longest_us / 2);
    struct timespec t = {.tv_sec = 0, .tv_nsec = (long)us * 1000};
    (void)nanosleep(&t, NULL); /* a pause cut short by a signal does no harm */
}

enum pg_status pg_transaction(struct pg *pg, enum pg_status (*body)(struct pg *pg, void *context), void *context)
{
    enum pg_status status = PG_RETRY;
    for (int attempt = 0; attempt <= RETRIES; attempt++) {
        if (attempt > 0)
            pause_before_retry(attempt - 1);
        status = pg_begin(pg);
        if (status == PG_OK)
            status = body(pg, context);
        if (status == PG_OK)
            status = pg_commit(pg);
        else
            pg_rollback(pg);
        if (status != PG_RETRY)
            break;
    }
    return status;
}
