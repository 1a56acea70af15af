#include "base/parse.h"
#include "store/pg.h"

#include <assert.h>
#include <string.h>

static int column_number(const PGresult *r, const char *column)
{
    int n = PQfnumber(r, column);
    assert(n >= 0);
    return n;
}

bool pg_is_null(const PGresult *r, int row, const char *column)
{
    return PQgetisnull(r, row, column_number(r, column)) == 1;
}

const char *pg_text(const PGresult *r, int row, const char *column)
{
    return PQgetvalue(r, row, column_number(r, column));
}

int64_t pg_i64(const PGresult *r, int row, const char *column)
{
    int64_t value = 0;
    int n = column_number(r, column);
    if (PQgetisnull(r, row, n))
        return 0;
    bool parsed = parse_i64(PQgetvalue(r, row, n), (size_t)PQgetlength(r, row, n), &value);
    assert(parsed);
    return value;
}

bool pg_bool(const PGresult *r, int row, const char *column)
{
    return pg_text(r, row, column)[0] == 't';
}

date_t pg_date(const PGresult *r, int row, const char *column)
{
    date_t value = DATE_NONE;
    int n = column_number(r, column);
    if (PQgetisnull(r, row, n))
        return DATE_NONE;
    bool parsed = date_parse(PQgetvalue(r, row, n), (size_t)PQgetlength(r, row, n), &value);
    assert(parsed);
    return value;
}

month_t pg_month(const PGresult *r, int row, const char *column)
{
    date_t day = pg_date(r, row, column);
    assert(day != DATE_NONE);
    return month_of(day);
}

instant_t pg_instant(const PGresult *r, int row, const char *column)
{
    return pg_is_null(r, row, column) ? INSTANT_NONE : pg_i64(r, row, column);
}

int pg_bytes(const PGresult *r, int row, const char *column, void *out, size_t size)
{
    const char *text = pg_text(r, row, column);
    size_t length = strlen(text);
    if (pg_is_null(r, row, column) || length < 2 || text[0] != '\\' || text[1] != 'x')
        return -1;
    size_t n = (length - 2) / 2;
    if (n > size || n > INT32_MAX || !hex_decode(text + 2, length - 2, out, n))
        return -1;
    return (int)n;
}

int64_t pg_affected(const PGresult *r)
{
    int64_t count = 0;
    const char *text = PQcmdTuples((PGresult *)r); /* only reads; libpq's prototype lacks the const */
    return parse_i64(text, strlen(text), &count) ? count : 0;
}

enum pg_status pg_get_i64(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, int64_t *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status == PG_OK)
        *out = pg_i64(r, 0, PQfname(r, 0));
    PQclear(r);
    return status;
}

enum pg_status pg_get_bool(struct pg *pg, const struct pg_statement *s, const struct pg_args *a, bool *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, s, a, &r);
    if (status == PG_OK)
        *out = pg_bool(r, 0, PQfname(r, 0));
    PQclear(r);
    return status;
}
