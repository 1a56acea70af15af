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

bool statistics_set_add(struct statistics_set *s, const struct episode *e, int64_t count)
{
    s->rows += count;
    if (s->over)
        return true;
    size_t at = place_of(s, e->commissioner);
    if (at == s->count || strcmp(s->member[at].commissioner, e->commissioner) != 0) {
        if (s->count == STATISTICS_SET_MAX_COMMISSIONERS)
            return pass_bound(s);
        if (!insert(s, at, e->commissioner))
            return false;
    }
    s->last = at;
    struct statistics_builder *b = s->member[at].builder;
    size_t before = statistics_builder_kinds(b);
    enum statistics_added added = statistics_builder_add(b, e, count);
    s->kinds += statistics_builder_kinds(b) - before;
    if (added == STATISTICS_NO_MEMORY)
        return false;
    return added == STATISTICS_ADDED && s->kinds <= STATISTICS_SET_MAX_KINDS ? true : pass_bound(s);
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
