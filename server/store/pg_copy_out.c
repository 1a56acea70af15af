#include "store/pg_internal.h"

/* The next message, waiting for it with a deadline. As PQgetCopyData: its length, -1 at the end, -2 on failure. */
static int next_message(struct pg *pg, char **bytes)
{
    int64_t deadline = pg_deadline(pg);
    for (;;) {
        int n = PQgetCopyData(pg->conn, bytes, 1);
        if (n != 0)
            return n;
        if (!pg_wait(pg, false, deadline) || PQconsumeInput(pg->conn) == 0)
            return -2;
    }
}

static enum pg_status begin(struct pg *pg, const char *copy_sql)
{
    if (PQsendQuery(pg->conn, copy_sql) != 1)
        return pg_map(pg, NULL);
    if (!pg_flush(pg, pg_deadline(pg)))
        return PG_AWAY;
    PGresult *r = PQgetResult(pg->conn);
    enum pg_status status = PQresultStatus(r) == PGRES_COPY_OUT ? PG_OK : pg_map(pg, r);
    PQclear(r);
    /* After a failure the end of the answer is still to be read. */
    while (status != PG_OK && pg->conn != NULL && (r = PQgetResult(pg->conn)) != NULL)
        PQclear(r);
    return status;
}

enum pg_status pg_copy_out(struct pg *pg, const char *copy_sql,
                           bool (*each)(void *context, const char *bytes, size_t length), void *context)
{
    enum pg_status status = pg_ready(pg);
    if (status == PG_OK)
        status = begin(pg, copy_sql);
    if (status != PG_OK)
        return status;
    bool going = true;
    char *bytes = NULL;
    int n = 0;
    while ((n = next_message(pg, &bytes)) > 0) {
        going = going && each(context, bytes, (size_t)n);
        PQfreemem(bytes);
    }
    if (n != -1) {
        pg_disconnect(pg);
        return pg_fail(pg, PG_AWAY, "the connection to the database was lost");
    }
    PGresult *r = NULL;
    status = pg_collect(pg, &r);
    PQclear(r);
    return status == PG_OK && !going ? pg_fail(pg, PG_INVALID, "the reader stopped") : status;
}
