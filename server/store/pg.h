/* One PostgreSQL connection with prepared statements: the only file beside its siblings that knows libpq.
 * Statements are prepared on first use per connection, run with explicit timeouts, and report one enum. */
#ifndef RECKONER_STORE_PG_H
#define RECKONER_STORE_PG_H

#include "base/date.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pg_status {
    PG_OK,
    PG_NONE,      /* no row where one was asked for */
    PG_DUPLICATE, /* 23505, 23P01 */
    PG_INVALID,   /* other class 23, 22: a constraint or a value */
    PG_REFUSED,   /* P0001 raised by our own functions: pg_message() is the problem code */
    PG_DENIED,    /* 42501: row-level security or rights */
    PG_RETRY,     /* 40001, 40P01, 55P03: run the transaction again */
    PG_TIMEOUT,   /* 57014 */
    PG_AWAY,      /* class 08, 57P01-57P03, 53xxx, or the connection is gone */
    PG_FAILED     /* anything else: a fault of ours */
};

struct pg; /* one connection; one thread at a time */

struct pg_options {
    const char *conninfo;
    const char *application;
    int64_t connect_timeout_seconds;
    int64_t statement_timeout_ms;
    int64_t lock_timeout_ms;
};

/* Never connects by itself; the first use does. NULL when memory ran out. Options are copied. The session runs in
 * UTC with an empty search path (pg_catalog alone): every name in SQL is qualified. A statement_timeout of 0 means
 * no limit, and then waits for ever. */
struct pg *pg_new(const struct pg_options *options);
void pg_free(struct pg *pg);
/* Connects if not connected; drops a broken connection first. PG_OK or PG_AWAY. Call it before each unit of work:
 * it notices a restarted server, which the other calls only do by failing once with PG_AWAY (they must not
 * reconnect by themselves, because the session's settings, which row-level security reads, would be lost). */
enum pg_status pg_connect(struct pg *pg);
/* Text of the last failure, without values of rows: SQLSTATE, primary message, constraint name. */
const char *pg_message(const struct pg *pg);
const char *pg_constraint(const struct pg *pg);
PGconn *pg_raw(struct pg *pg);
/* Which connection this is, counted from 1: another number is another one, perhaps to another server. */
uint64_t pg_connection_number(const struct pg *pg);
bool pg_in_transaction(const struct pg *pg);

/* A statement: unique name (it is prepared under it), text with $1.., number of parameters. */
struct pg_statement {
    const char *name;
    const char *sql;
    int parameters;
};

#define PG_MAX_PARAMETERS 40
struct pg_args {
    int count;
    const char *values[PG_MAX_PARAMETERS];
    int lengths[PG_MAX_PARAMETERS];
    int formats[PG_MAX_PARAMETERS];
    char scratch[PG_MAX_PARAMETERS][32];
};

void pg_args_init(struct pg_args *a);
void pg_arg_text(struct pg_args *a, const char *text); /* borrowed; NULL = SQL null */
void pg_arg_i64(struct pg_args *a, int64_t value);
void pg_arg_bool(struct pg_args *a, bool value);
void pg_arg_date(struct pg_args *a, date_t value);                      /* DATE_NONE = null */
void pg_arg_month(struct pg_args *a, month_t value);                    /* its first day; 0 or less = null */
void pg_arg_instant(struct pg_args *a, instant_t value);                /* INSTANT_NONE = null */
void pg_arg_bytes(struct pg_args *a, const void *bytes, size_t length); /* binary bytea; borrowed; NULL = null */
void pg_arg_null(struct pg_args *a);
void pg_arg_optional(struct pg_args *a, bool present, int64_t value); /* not present = null */

/* What most statements begin with: a provider, and what is the provider's, by its id or code, its number or its month.
 */
void pg_args_id(struct pg_args *a, const char *provider, const char *id);
void pg_args_number(struct pg_args *a, const char *provider, int64_t number);
void pg_args_month(struct pg_args *a, const char *provider, month_t month);

/* Where a list that is shown newest first goes on: below (before, before_id), at most limit rows. */
struct pg_newest {
    instant_t before; /* INSTANT_NONE: from the top */
    const char *before_id;
    int64_t limit;
};
/* Three more parameters: before, before_id, limit. */
void pg_args_newest(struct pg_args *a, const struct pg_newest *page);

/* Runs one statement. *result (may be NULL: discarded) is cleared by the caller with PQclear on PG_OK, and NULL
 * otherwise. Zero rows is PG_OK here. */
enum pg_status pg_run(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result);
/* As pg_run, with results in binary (bytea as it is). Used to fetch bytes. */
enum pg_status pg_run_binary(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result);
/* As pg_run_binary in two steps: pg_ask does not wait for the answer, which the server makes meanwhile; nothing else is
 * asked of the connection before pg_answer has had it. */
enum pg_status pg_ask_binary(struct pg *pg, const struct pg_statement *s, const struct pg_args *a);
enum pg_status pg_answer(struct pg *pg, PGresult **result);
/* As pg_run, but PG_NONE when no row came back. */
enum pg_status pg_run_one(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, PGresult **result);
/* Rows affected by a command that returns none; -1 on failure, with *status set. */
int64_t pg_run_count(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, enum pg_status *status);
/* Runs a statement that changes one thing; PG_NONE when it was not there to change. */
enum pg_status pg_change(struct pg *pg, const struct pg_statement *s, const struct pg_args *a);

/* Commands without parameters or results, not prepared; several with ';' between (migrations, LISTEN). */
enum pg_status pg_script(struct pg *pg, const char *sql);

enum pg_status pg_begin(struct pg *pg);
/* One that changes nothing and sees one state of the database throughout. */
enum pg_status pg_begin_snapshot(struct pg *pg);
enum pg_status pg_commit(struct pg *pg);
/* Safe when no transaction is open or the connection is gone. */
void pg_rollback(struct pg *pg);
/* Runs body in a read committed transaction; begins again after PG_RETRY up to five times with a jittered pause
 * (10..160 ms). body returns PG_OK to commit; anything else rolls back and is returned. */
enum pg_status pg_transaction(struct pg *pg, enum pg_status (*body)(struct pg *pg, void *context), void *context);

/* A statement of one row of one column. PG_NONE: no row came back, and *out is as it was. */
enum pg_status pg_get_i64(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int64_t *out);
enum pg_status pg_get_bool(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, bool *out);

/* Results by column name (text format). A name that is not there is a fault of ours: the getters assert. */
bool pg_is_null(const PGresult *r, int row, const char *column);
const char *pg_text(const PGresult *r, int row, const char *column); /* "" for null; lives as long as r */
int64_t pg_i64(const PGresult *r, int row, const char *column);      /* 0 for null */
bool pg_bool(const PGresult *r, int row, const char *column);
date_t pg_date(const PGresult *r, int row, const char *column); /* DATE_NONE for null */
month_t pg_month(const PGresult *r, int row, const char *column);
/* What an instant is selected as, in SQL. */
#define PG_INSTANT(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
/* INSTANT_NONE for null. */
instant_t pg_instant(const PGresult *r, int row, const char *column);
/* Rows that a command affected. */
int64_t pg_affected(const PGresult *r);
/* bytea in text format (\x..): decodes up to size bytes into out; returns the number, or -1. */
int pg_bytes(const PGresult *r, int row, const char *column, void *out, size_t size);

/* COPY ... FROM STDIN (FORMAT binary). Buffers; one thread. */
struct pg_copy;
enum pg_status pg_copy_begin(struct pg *pg, const char *copy_sql, struct pg_copy **copy);
void pg_copy_row(struct pg_copy *c, int16_t fields);
void pg_copy_text(struct pg_copy *c, const char *text, size_t length); /* text NULL = null */
void pg_copy_string(struct pg_copy *c, const char *text);              /* NULL = null */
void pg_copy_i16(struct pg_copy *c, int16_t v);
void pg_copy_i32(struct pg_copy *c, int32_t v);
void pg_copy_i64(struct pg_copy *c, int64_t v);
void pg_copy_null(struct pg_copy *c);
void pg_copy_bool(struct pg_copy *c, bool v);
void pg_copy_date(struct pg_copy *c, date_t d);
void pg_copy_bytes(struct pg_copy *c, const void *bytes, size_t length); /* bytea, uuid (16) */
/* Ends the copy and frees c in every case. */
enum pg_status pg_copy_end(struct pg_copy *c, int64_t *rows);

/* COPY ... TO STDOUT: each message (a row, in the format that copy_sql names) is handed to each, which returns false to
 * stop; the rest is then read and thrown away, and the answer is PG_INVALID. */
enum pg_status pg_copy_out(struct pg *pg, const char *copy_sql,
                           bool (*each)(void *context, const char *bytes, size_t length), void *context);

#endif
