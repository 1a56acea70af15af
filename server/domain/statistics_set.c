#include "domain/statistics_set.h"

#include <stdlib.h>
#include <string.h>

struct member {
    char commissioner[EPISODE_CODE_SIZE];
    struct statistics_builder *builder;
};

struct statistics_set {
    month_t month;
    bool over;
    int64_t rows;
    size_t kinds;
    size_t last; /* of the row before */
    size_t count;
    struct member member[STATISTICS_SET_MAX_COMMISSIONERS]; /* ascending by code */
};

struct statistics_set *statistics_set_new(month_t month)
{
    struct statistics_set *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->month = month;
    return s;
}

static void release(struct statistics_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        statistics_builder_free(s->member[i].builder);
    s->count = 0;
    s->last = 0;
}

void statistics_set_free(struct statistics_set *s)
{
    if (s == NULL)
        return;
    release(s);
    free(s);
}

static bool pass_bound(struct statistics_set *s)
{
    s->over = true;
    release(s);
    return true;
}

/* The place of a commissioner, or where it would go. */
static size_t place_of(const struct statistics_set *s, const char *commissioner)
{
    size_t low = 0;
    size_t high = s->count;
    if (s->last < s->count && strcmp(s->member[s->last].commissioner, commissioner) == 0)
        return s->last;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(s->member[middle].commissioner, commissioner) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool insert(struct statistics_set *s, size_t at, const char *commissioner)
{
    struct statistics_builder *b = statistics_builder_new(s->month, true);
    if (b == NULL)
        return false;
    memmove(&s->member[at + 1], &s->member[at], (s->count - at) * sizeof s->member[0]);
    memset(&s->member[at], 0, sizeof s->member[at]);
    memcpy(s->member[at].commissioner, commissioner, strnlen(commissioner, EPISODE_CODE_SIZE - 1));
    s->member[at].builder = b;
    s->count++;
    return true;
}

/* The builder of a row's commissioner, new if need be. NULL: out of memory, or one too many: s->over. */
static struct statistics_builder *builder_of(struct statistics_set *s, const struct episode *e)
{
    size_t at = place_of(s, e->commissioner);
    if (at == s->count || strcmp(s->member[at].commissioner, e->commissioner) != 0) {
        if (s->count == STATISTICS_SET_MAX_COMMISSIONERS) {
            (void)pass_bound(s);
            return NULL;
        }
        if (!insert(s, at, e->commissioner))
            return NULL;
    }
    s->last = at;
    return s->member[at].builder;
}

/* A row in the making: the two steps of statistics_builder_begin. */
struct making {
    struct statistics_builder *builder;
    struct statistics_step step;
};

/* What a step said, and how many kinds there were before it. false: out of memory. */
static bool take(struct statistics_set *s, const struct statistics_builder *b, enum statistics_added added,
                 size_t before)
{
    s->kinds += statistics_builder_kinds(b) - before;
    if (added == STATISTICS_NO_MEMORY)
        return false;
    return added == STATISTICS_ADDED && s->kinds <= STATISTICS_SET_MAX_KINDS ? true : pass_bound(s);
}

static bool begin_row(struct statistics_set *s, const struct episode *e, int64_t count, struct making *out)
{
    out->builder = builder_of(s, e);
    if (out->builder == NULL)
        return s->over;
    size_t before = statistics_builder_kinds(out->builder);
    return take(s, out->builder, statistics_builder_begin(out->builder, e, count, &out->step), before);
}

static bool end_row(struct statistics_set *s, const struct making *row)
{
    size_t before = statistics_builder_kinds(row->builder);
    return take(s, row->builder, statistics_builder_end(row->builder, &row->step), before);
}

bool statistics_set_add(struct statistics_set *s, const struct episode *e, int64_t count)
{
    struct making row;
    s->rows += count;
    if (s->over)
        return true;
    bool begun = begin_row(s, e, count, &row);
    return begun && !s->over ? end_row(s, &row) : begun;
}

/* So many that the first is there when the last was asked for. */
#define ROWS_AT_ONCE 16

bool statistics_set_add_rows(struct statistics_set *s, const struct episode *rows, size_t count)
{
    struct making row[ROWS_AT_ONCE];
    s->rows += (int64_t)count;
    bool ok = true;
    for (size_t from = 0; from < count && ok && !s->over; from += ROWS_AT_ONCE) {
        size_t n = count - from < ROWS_AT_ONCE ? count - from : ROWS_AT_ONCE;
        for (size_t i = 0; i < n && ok && !s->over; i++)
            ok = begin_row(s, &rows[from + i], 1, &row[i]);
        for (size_t i = 0; i < n && ok && !s->over; i++)
            ok = end_row(s, &row[i]);
    }
    return ok;
}

bool statistics_set_is_over(const struct statistics_set *s)
{
    return s->over;
}

int64_t statistics_set_rows(const struct statistics_set *s)
{
    return s->rows;
}

bool statistics_set_each(const struct statistics_set *s,
                         bool (*each)(void *context, const char *commissioner, const struct statistics *statistics,
                                      const struct bytes part[STATISTICS_PARTS]),
                         void *context)
{
    bool going = true;
    for (size_t i = 0; going && i < s->count; i++) {
        struct statistics made;
        struct buf part[STATISTICS_PARTS];
        struct bytes bytes[STATISTICS_PARTS];
        if (!statistics_builder_make(s->member[i].builder, &made))
            return false;
        for (unsigned n = 0; n < STATISTICS_PARTS; n++) {
            buf_init(&part[n], STATISTICS_MAX_PART);
            going = going && statistics_encode(&made, (enum statistics_part)n, &part[n]);
            bytes[n] = (struct bytes){part[n].data, part[n].length};
        }
        going = going && (made.rows == 0 || each(context, s->member[i].commissioner, &made, bytes));
        for (unsigned n = 0; n < STATISTICS_PARTS; n++)
            buf_free(&part[n]);
        statistics_free(&made);
    }
    return going;
}
