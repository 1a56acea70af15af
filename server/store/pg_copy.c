#include "base/buf.h"
#include "store/pg_internal.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define SEND_AT        65536 /* bytes gathered before they are sent */
#define POSTGRES_EPOCH 10957 /* 2000-01-01 as a date_t */

struct pg_copy {
    struct pg *pg;
    struct buf buffer;
    enum pg_status status; /* the first failure; the rest is dropped */
    int fields_due;        /* of the row begun */
};

/* One value is the largest thing that must fit behind SEND_AT bytes. */
#define BUFFER_MAXIMUM (SEND_AT + ((size_t)1 << 30))

static void send_buffer(struct pg_copy *c)
{
    struct pg *pg = c->pg;
    if (c->status != PG_OK || c->buffer.length == 0)
        return;
    int sent = PQputCopyData(pg->conn, c->buffer.data, (int)c->buffer.length);
    buf_clear(&c->buffer);
    if (sent != 1) {
        pg_disconnect(pg);
        c->status = pg_fail(pg, PG_AWAY, "the connection to the database was lost");
    } else if (!pg_flush(pg, pg_deadline(pg))) {
        c->status = PG_AWAY;
    }
}

static void put(struct pg_copy *c, const void *bytes, size_t length)
{
    if (c->status == PG_OK && !buf_append(&c->buffer, bytes, length))
        c->status = pg_fail(c->pg, PG_FAILED, "a row is too large, or memory ran out");
}

enum pg_status pg_copy_begin(struct pg *pg, const char *copy_sql, struct pg_copy **copy)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* signature, no flags, no extension */
    PGresult *r = NULL;
    enum pg_status status = pg_ready(pg);
    *copy = NULL;
    if (status != PG_OK)
        return status;
    struct pg_copy *c = calloc(1, sizeof *c);
    if (c == NULL)
        return pg_fail(pg, PG_FAILED, "memory ran out");
    status = PQsendQuery(pg->conn, copy_sql) == 1 ? pg_collect(pg, &r) : pg_map(pg, NULL);
    if (status != PG_OK) {
        free(c);
        return status;
    }
    bool is_copy = PQresultStatus(r) == PGRES_COPY_IN;
    PQclear(r);
    if (!is_copy) {
        free(c);
        return pg_fail(pg, PG_FAILED, "the statement is not a COPY FROM STDIN");
    }
    c->pg = pg;
    buf_init(&c->buffer, BUFFER_MAXIMUM);
    put(c, header, sizeof header);
    *copy = c;
    return PG_OK;
}

static void put_i16(struct pg_copy *c, int16_t v)
{
    uint16_t wire = htobe16((uint16_t)v);
    put(c, &wire, sizeof wire);
}

static void put_i32(struct pg_copy *c, int32_t v)
{
    uint32_t wire = htobe32((uint32_t)v);
    put(c, &wire, sizeof wire);
}

void pg_copy_row(struct pg_copy *c, int16_t fields)
{
    assert(c->fields_due == 0);
    if (c->buffer.length >= SEND_AT)
        send_buffer(c);
    put_i16(c, fields);
    c->fields_due = fields;
}

static void put_field(struct pg_copy *c, const void *bytes, size_t length)
{
    assert(c->fields_due > 0 && length <= INT32_MAX);
    c->fields_due--;
    if (c->status != PG_OK)
        return;
    uint32_t wire = htobe32((uint32_t)length);
    char *to = buf_reserve(&c->buffer, sizeof wire + length);
    if (to == NULL) {
        c->status = pg_fail(c->pg, PG_FAILED, "a row is too large, or memory ran out");
        return;
    }
    memcpy(to, &wire, sizeof wire);
    if (length > 0)
        memcpy(to + sizeof wire, bytes, length);
    c->buffer.length += sizeof wire + length;
    to[sizeof wire + length] = '\0';
}

void pg_copy_null(struct pg_copy *c)
{
    assert(c->fields_due > 0);
    c->fields_due--;
    put_i32(c, -1);
}

void pg_copy_text(struct pg_copy *c, const char *text, size_t length)
{
    if (text == NULL)
        pg_copy_null(c);
    else
        put_field(c, text, length);
}

void pg_copy_string(struct pg_copy *c, const char *text)
{
    pg_copy_text(c, text, text == NULL ? 0 : strlen(text));
}

void pg_copy_i16(struct pg_copy *c, int16_t v)
{
    uint16_t wire = htobe16((uint16_t)v);
    put_field(c, &wire, sizeof wire);
}

void pg_copy_i32(struct pg_copy *c, int32_t v)
{
    uint32_t wire = htobe32((uint32_t)v);
    put_field(c, &wire, sizeof wire);
}

void pg_copy_i64(struct pg_copy *c, int64_t v)
{
    uint64_t wire = htobe64((uint64_t)v);
    put_field(c, &wire, sizeof wire);
}

void pg_copy_bool(struct pg_copy *c, bool v)
{
    char wire = v ? 1 : 0;
    put_field(c, &wire, 1);
}

void pg_copy_date(struct pg_copy *c, date_t d)
{
    if (d == DATE_NONE)
        pg_copy_null(c);
    else
        pg_copy_i32(c, d - POSTGRES_EPOCH);
}

void pg_copy_bytes(struct pg_copy *c, const void *bytes, size_t length)
{
    if (bytes == NULL)
        pg_copy_null(c);
    else
        put_field(c, bytes, length);
}

static enum pg_status finish(struct pg_copy *c, int64_t *rows)
{
    struct pg *pg = c->pg;
    PGresult *r = NULL;
    assert(c->fields_due == 0 || c->status != PG_OK);
    put_i16(c, -1);
    send_buffer(c);
    if (pg->conn == NULL)
        return c->status;
    if (PQputCopyEnd(pg->conn, c->status == PG_OK ? NULL : "abandoned") != 1)
        return pg_map(pg, NULL);
    enum pg_status status = pg_collect(pg, &r);
    if (status == PG_OK && rows != NULL)
        *rows = pg_affected(r);
    PQclear(r);
    return status == PG_OK || c->status == PG_OK ? status : c->status;
}

enum pg_status pg_copy_end(struct pg_copy *c, int64_t *rows)
{
    enum pg_status status = finish(c, rows);
    buf_free(&c->buffer);
    free(c);
    return status;
}
