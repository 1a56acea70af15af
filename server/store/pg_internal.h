/* What the pg_*.c files share. Nothing outside them includes this. */
#ifndef RECKONER_STORE_PG_INTERNAL_H
#define RECKONER_STORE_PG_INTERNAL_H

#include "store/pg.h"

#define PG_PREPARED_SLOTS  1024 /* a power of two; far above the number of statements in the programs */
#define PG_MESSAGE_SIZE    400
#define PG_CONSTRAINT_SIZE 70 /* identifiers have at most 63 bytes */

struct pg {
    PGconn *conn;         /* NULL when not connected */
    uint64_t connections; /* made so far */
    char *conninfo;
    char *application;
    char *settings; /* "-c ..." for the server, made once */
    int64_t connect_timeout_us;
    int64_t answer_timeout_us; /* a little over statement_timeout; -1 = wait for ever */
    char tcp_user_timeout[24]; /* milliseconds */
    bool open;                 /* a transaction was begun and neither committed nor rolled back */
    bool leaving;              /* the server said that it is closing the connection */
    char message[PG_MESSAGE_SIZE];
    char constraint[PG_CONSTRAINT_SIZE];
    char *prepared[PG_PREPARED_SLOTS]; /* names prepared on this connection, by hash; owned */
    int prepared_count;
};

/* Closes the connection and forgets what was prepared on it. */
void pg_disconnect(struct pg *pg);
void pg_forget_prepared(struct pg *pg);
/* Sets the message of a failure that did not come from the server. */
enum pg_status pg_fail(struct pg *pg, enum pg_status status, const char *message);
/* The one place that knows SQLSTATEs. Sets message and constraint; drops the connection when the server left. */
enum pg_status pg_map(struct pg *pg, const PGresult *r);
/* Waits until the socket is readable (or writable too), at most until the monotonic deadline (-1 = no limit). */
bool pg_wait(struct pg *pg, bool writable, int64_t deadline);
/* Deadline for the answer to a statement sent now. */
int64_t pg_deadline(const struct pg *pg);
/* Sends what is buffered, taking in what the server sends meanwhile. false: away; the connection is dropped. */
bool pg_flush(struct pg *pg, int64_t deadline);
/* Waits for the answer to what was sent. *result is the last result (or the first failed one), which for COPY
 * is PGRES_COPY_IN with the command still open. PG_OK leaves *result to the caller; else it is cleared. */
enum pg_status pg_collect(struct pg *pg, PGresult **result);
/* Connects unless connected; refuses when a connection was lost inside a transaction that is still open. */
enum pg_status pg_ready(struct pg *pg);

#endif
