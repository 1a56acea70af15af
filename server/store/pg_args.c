#include "store/pg.h"

#include <assert.h>
#include <stdio.h>

_Static_assert(sizeof(((struct pg_args *)0)->scratch[0]) >= 28, "an instant must fit");

void pg_args_init(struct pg_args *a)
{
    a->count = 0;
}

/* The next parameter's place. Too many is a fault of ours. */
static int next(struct pg_args *a, const char *value, size_t length, int format)
{
    assert(a->count < PG_MAX_PARAMETERS && length <= INT32_MAX);
    int i = a->count++;
    a->values[i] = value;
    a->lengths[i] = (int)length;
    a->formats[i] = format;
    return i;
}

void pg_arg_null(struct pg_args *a)
{
    (void)next(a, NULL, 0, 0);
}

void pg_arg_text(struct pg_args *a, const char *text)
{
    (void)next(a, text, 0, 0);
}

static char *next_scratch(struct pg_args *a)
{
    int i = next(a, NULL, 0, 0);
    a->values[i] = a->scratch[i];
    return a->scratch[i];
}

void pg_arg_i64(struct pg_args *a, int64_t value)
{
    char *text = next_scratch(a);
    (void)snprintf(text, sizeof a->scratch[0], "%lld", (long long)value);
}

void pg_arg_bool(struct pg_args *a, bool value)
{
    (void)next(a, value ? "t" : "f", 0, 0);
}

void pg_arg_date(struct pg_args *a, date_t value)
{
    if (value == DATE_NONE)
        pg_arg_null(a);
    else
        date_format(value, next_scratch(a));
}

void pg_arg_month(struct pg_args *a, month_t value)
{
    pg_arg_date(a, value > 0 ? month_first(value) : DATE_NONE);
}

void pg_arg_instant(struct pg_args *a, instant_t value)
{
    if (value == INSTANT_NONE)
        pg_arg_null(a);
    else
        instant_format(value, next_scratch(a));
}

void pg_arg_bytes(struct pg_args *a, const void *bytes, size_t length)
{
    (void)next(a, bytes, length, 1);
}

void pg_arg_optional(struct pg_args *a, bool present, int64_t value)
{
    if (present)
        pg_arg_i64(a, value);
    else
        pg_arg_null(a);
}

void pg_args_id(struct pg_args *a, const char *provider, const char *id)
{
    pg_args_init(a);
    pg_arg_text(a, provider);
    pg_arg_text(a, id);
}

void pg_args_number(struct pg_args *a, const char *provider, int64_t number)
{
    pg_args_init(a);
    pg_arg_text(a, provider);
    pg_arg_i64(a, number);
}

void pg_args_month(struct pg_args *a, const char *provider, month_t month)
{
    pg_args_init(a);
    pg_arg_text(a, provider);
    pg_arg_month(a, month);
}

void pg_args_newest(struct pg_args *a, const struct pg_newest *page)
{
    pg_arg_instant(a, page->before);
    pg_arg_text(a, page->before_id);
    pg_arg_i64(a, page->limit);
}
