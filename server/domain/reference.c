#include "domain/reference.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

code_t code_pack(const char *text, size_t length)
{
    if (length > 8)
        return 0;
    code_t code = 0;
    for (size_t i = 0; i < length; i++)
        code = code << 8 | (unsigned char)text[i];
    return code << 8 * (8 - length) % 64;
}

void reference_init(struct reference *r)
{
    *r = (struct reference){0};
}

void reference_free(struct reference *r)
{
    if (r == NULL)
        return;
    free(r->bank_holidays);
    free(r->practices);
    free(r->grid);
    reference_init(r);
}

/* Walks over the lines of a small file of plain comma-separated fields without quotes. */
struct lines {
    const char *at;
    const char *end;
    unsigned number;
    bool header; /* the header line has been seen */
};

#define LINE_FIELDS 8

static size_t split(const char *line, size_t length, struct text fields[LINE_FIELDS])
{
    size_t count = 0;
    const char *from = line;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && line[i] != ',')
            continue;
        if (count < LINE_FIELDS)
            fields[count] = (struct text){from, (size_t)(line + i - from)};
        count++;
        from = line + i + 1;
    }
    return count;
}

/* The next line that holds data: 1 = fields filled, 0 = end, -1 = the header or the number of fields is wrong. */
static int next_line(struct lines *l, const char *header, size_t wanted, struct text fields[LINE_FIELDS])
{
    while (l->at < l->end) {
        const char *line = l->at;
        const char *stop = memchr(line, '\n', (size_t)(l->end - line));
        size_t length = (size_t)((stop == NULL ? l->end : stop) - line);
        l->at = stop == NULL ? l->end : stop + 1;
        l->number++;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        if (length == 0 || line[0] == '#')
            continue;
        if (!l->header) {
            if (length != strlen(header) || memcmp(line, header, length) != 0)
                return -1;
            l->header = true;
            continue;
        }
        return split(line, length, fields) == wanted ? 1 : -1;
    }
    return l->header ? 0 : -1;
}

static bool refuse(char *error, size_t size, const char *file, unsigned line, const char *why)
{
    (void)snprintf(error, size, "%s, line %u: %s", file, line, why);
    return false;
}

static bool is_text(struct text t, const char *wanted)
{
    return t.length == strlen(wanted) && memcmp(t.at, wanted, t.length) == 0;
}

bool reference_load_clusters(struct reference *r, const char *text, size_t length, char *error, size_t size)
{
    struct cluster clusters[CLUSTER_COUNT] = {0};
    struct lines l = {text, text + length, 0, false};
    struct text f[LINE_FIELDS];
    size_t count = 0;
    int more;
    while ((more = next_line(&l, "code,name,super_class,review,review_unit", 5, f)) == 1) {
        int64_t code, review;
        if (f[0].length != 2 || !parse_i64_within(f[0].at, 2, 0, CLUSTER_COUNT - 1, &code))
            return refuse(error, size, "clusters.csv", l.number, "the code is not one of 00 to 21");
        if (!parse_i64_within(f[3].at, f[3].length, 1, 1000, &review))
            return refuse(error, size, "clusters.csv", l.number, "the review period is not a number from 1 to 1000");
        bool months = is_text(f[4], "month");
        if (!months && !is_text(f[4], "day"))
            return refuse(error, size, "clusters.csv", l.number, "the review unit is neither day nor month");
        if (f[2].length > 1 || (f[2].length == 1 && (f[2].at[0] < 'A' || f[2].at[0] > 'C')))
            return refuse(error, size, "clusters.csv", l.number, "the super class is not A, B, C or empty");
        if (clusters[code].exists)
            return refuse(error, size, "clusters.csv", l.number, "the cluster was given before");
        clusters[code] = (struct cluster){true, f[2].length == 1 ? f[2].at[0] : '\0', months, (int32_t)review};
        count++;
    }
    if (more < 0 || count == 0)
        return refuse(error, size, "clusters.csv", l.number,
                      "want the columns code,name,super_class,review,review_unit and at least one cluster");
    memcpy(r->clusters, clusters, sizeof clusters);
    return true;
}

/* An array with room for one more element; NULL when memory ran out (the old one stays). */
static void *grown(void *items, size_t count, size_t *capacity, size_t element)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
    void *bigger = reallocarray(items, wanted, element);
    if (bigger != NULL)
        *capacity = wanted;
    return bigger;
}

bool reference_load_bank_holidays(struct reference *r, const char *text, size_t length, char *error, size_t size)
{
    struct lines l = {text, text + length, 0, false};
    struct text f[LINE_FIELDS];
    date_t *days = NULL;
    size_t count = 0, capacity = 0;
    int more = 0;
    const char *why = NULL;
    while ((more = next_line(&l, "date,name", 2, f)) == 1) {
        date_t d;
        if (!date_parse(f[0].at, f[0].length, &d))
            why = "the date is not YYYY-MM-DD";
        else if (count > 0 && d <= days[count - 1])
            why = "dates must rise from line to line";
        if (why != NULL)
            break;
        date_t *more_days = grown(days, count, &capacity, sizeof *days);
        if (more_days == NULL) {
            why = "out of memory";
            break;
        }
        days = more_days;
        days[count++] = d;
    }
    if (why == NULL && (more < 0 || count == 0))
        why = "want the columns date,name and at least one holiday";
    if (why != NULL) {
        free(days);
        return refuse(error, size, "bank_holidays.csv", l.number, why);
    }
    free(r->bank_holidays);
    r->bank_holidays = days;
    r->bank_holiday_count = count;
    return true;
}

/* A band of two fields, both empty for none. NULL, or what is wrong. */
static const char *read_band(struct text least, struct text most, struct rating_band *out)
{
    int64_t low = -1, high = -1;
    if (least.length == 0 && most.length == 0)
        return NULL;
    if (!parse_i64_within(least.at, least.length, 0, 4, &low) || !parse_i64_within(most.at, most.length, 0, 4, &high))
        return "a band is two ratings from 0 to 4, or empty";
    if (low > high)
        return "a band begins above its end";
    *out = (struct rating_band){(int8_t)low, (int8_t)high};
    return NULL;
}

static int item_of(struct text name)
{
    enum column c = column_by_name(name.at, name.length);
    return c >= COLUMN_H1 && c < COLUMN_H1 + RATING_COUNT ? (int)c - COLUMN_H1 : -1;
}

static const char *read_grid_line(const struct text f[LINE_FIELDS], struct allocation_grid *grid)
{
    int64_t cluster;
    int item = item_of(f[1]);
    if (f[0].length != 2 || !parse_i64_within(f[0].at, 2, 0, CLUSTER_COUNT - 1, &cluster) || cluster == 9)
        return "the cluster is not one of 00 to 08 or 10 to 21";
    if (item < 0)
        return "the item is not one of h1 to h13 or sa to se";
    struct rating_band *must = &grid->must[cluster][item];
    struct rating_band *expected = &grid->expected[cluster][item];
    if (must->least >= 0 || expected->least >= 0)
        return "the cluster and item were given before";
    const char *why = read_band(f[2], f[3], must);
    if (why == NULL)
        why = read_band(f[4], f[5], expected);
    if (why != NULL)
        return why;
    if (must->least < 0 && expected->least < 0)
        return "the line has no band";
    if (must->least >= 0 && expected->least >= 0 && (expected->least < must->least || expected->most > must->most))
        return "what is expected must lie within what must be scored";
    return NULL;
}

bool reference_load_allocation_grid(struct reference *r, const char *text, size_t length, char *error, size_t size)
{
    struct lines l = {text, text + length, 0, false};
    struct text f[LINE_FIELDS];
    size_t count = 0;
    int more = 0;
    const char *why = NULL;
    struct allocation_grid *grid = malloc(sizeof *grid);
    if (grid == NULL)
        return refuse(error, size, "allocation_grid.csv", 0, "out of memory");
    memset(grid, -1, sizeof *grid);
    while (why == NULL &&
           (more = next_line(&l, "cluster,item,must_min,must_max,expected_min,expected_max", 6, f)) == 1) {
        why = read_grid_line(f, grid);
        count++;
    }
    if (why == NULL && (more < 0 || count == 0))
        why = "want the columns cluster,item,must_min,must_max,expected_min,expected_max and at least one band";
    if (why != NULL) {
        free(grid);
        return refuse(error, size, "allocation_grid.csv", l.number, why);
    }
    free(r->grid);
    r->grid = grid;
    return true;
}

unsigned reference_missing(const struct reference *r)
{
    bool priced = false;
    for (int c = 0; c < CLUSTER_COUNT; c++)
        priced |= r->prices[c].known;
    return (r->practices == NULL ? 1U << NEED_PRACTICES : 0) | (r->grid == NULL ? 1U << NEED_GRID : 0) |
           (priced ? 0 : 1U << NEED_PRICES);
}

static int compare_practices(const void *a, const void *b)
{
    const struct practice *x = a, *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static const char *read_practice(const struct text f[LINE_FIELDS], struct practice *out)
{
    out->code = code_pack(f[0].at, f[0].length);
    out->commissioner = code_pack(f[1].at, f[1].length);
    if (out->code == 0 || out->commissioner == 0)
        return "a code is empty or longer than 8 characters";
    if (!date_parse(f[2].at, f[2].length, &out->from))
        return "live_from is not YYYY-MM-DD";
    out->to = DATE_NONE;
    if (f[3].length > 0 && (!date_parse(f[3].at, f[3].length, &out->to) || out->to <= out->from))
        return "live_to is not a date after live_from, nor empty";
    return NULL;
}

bool reference_load_practices(struct reference *r, const char *text, size_t length, char *error, size_t size)
{
    struct lines l = {text, text + length, 0, false};
    struct text f[LINE_FIELDS];
    struct practice *practices = NULL, one;
    size_t count = 0, capacity = 0;
    int more = 0;
    const char *why = NULL;
    while ((more = next_line(&l, "practice,commissioner,live_from,live_to", 4, f)) == 1) {
        why = read_practice(f, &one);
        if (why != NULL)
            break;
        struct practice *more_practices = grown(practices, count, &capacity, sizeof *practices);
        if (more_practices == NULL) {
            why = "out of memory";
            break;
        }
        practices = more_practices;
        practices[count++] = one;
    }
    if (why == NULL && (more < 0 || count == 0))
        why = "want the columns practice,commissioner,live_from,live_to and at least one practice";
    if (why != NULL) {
        free(practices);
        return refuse(error, size, "practices.csv", l.number, why);
    }
    qsort(practices, count, sizeof *practices, compare_practices);
    free(r->practices);
    r->practices = practices;
    r->practice_count = count;
    return true;
}

static const char *read_price(const struct text f[LINE_FIELDS], int64_t *code, struct reference_price *out)
{
    if (f[0].length != 2 || !parse_i64_within(f[0].at, 2, 0, CLUSTER_COUNT - 1, code))
        return "the code is not one of 00 to 21";
    out->known = true;
    if (!parse_i64_within(f[1].at, f[1].length, 0, REFERENCE_PRICE_MAXIMUM, &out->pence_per_day))
        return "the price is not a number of whole pence from 0 to 10000000";
    out->ward_pence_per_day = out->pence_per_day;
    if (f[2].length > 0 &&
        !parse_i64_within(f[2].at, f[2].length, 0, REFERENCE_PRICE_MAXIMUM, &out->ward_pence_per_day))
        return "the price on a ward is not a number of whole pence from 0 to 10000000, nor empty";
    return NULL;
}

bool reference_load_prices(struct reference *r, const char *text, size_t length, char *error, size_t size)
{
    struct reference_price prices[CLUSTER_COUNT] = {0}, one;
    struct lines l = {text, text + length, 0, false};
    struct text f[LINE_FIELDS];
    size_t count = 0;
    int more;
    while ((more = next_line(&l, "code,pence_per_day,ward_pence_per_day", 3, f)) == 1) {
        int64_t code = 0;
        const char *why = read_price(f, &code, &one);
        if (why == NULL && prices[code].known)
            why = "the cluster was given before";
        if (why != NULL)
            return refuse(error, size, "reference_prices.csv", l.number, why);
        prices[code] = one;
        count++;
    }
    if (more < 0 || count == 0)
        return refuse(error, size, "reference_prices.csv", l.number,
                      "want the columns code,pence_per_day,ward_pence_per_day and at least one cluster");
    memcpy(r->prices, prices, sizeof prices);
    return true;
}

bool reference_dearer(const struct reference *r, int from, int to)
{
    if (from < 0 || to < 0 || from >= CLUSTER_COUNT || to >= CLUSTER_COUNT)
        return false;
    const struct reference_price *a = &r->prices[from], *b = &r->prices[to];
    return a->known && b->known && b->pence_per_day > a->pence_per_day;
}

const struct practice *reference_practice(const struct reference *r, code_t code, date_t day)
{
    size_t low = 0, high = r->practice_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->practices[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < r->practice_count && r->practices[low].code == code; low++) {
        const struct practice *p = &r->practices[low];
        if (p->to == DATE_NONE || day < p->to)
            return p;
    }
    return NULL;
}

date_t review_due(const struct reference *r, int cluster, date_t mhct)
{
    if (cluster < 0 || cluster >= CLUSTER_COUNT || !r->clusters[cluster].exists || mhct == DATE_NONE)
        return DATE_NONE;
    const struct cluster *c = &r->clusters[cluster];
    return c->in_months ? date_add_months(mhct, c->review) : mhct + c->review;
}

const struct reference_kind reference_kinds[REFERENCE_KINDS] = {
    {"clusters", true, reference_load_clusters},
    {"bank_holidays", false, reference_load_bank_holidays},
    {"practices", false, reference_load_practices},
    {"reference_prices", false, reference_load_prices},
    {"allocation_grid", false, reference_load_allocation_grid},
};

static int by_code_then_from(const void *a, const void *b)
{
    const struct organisation_dates *x = a;
    const struct organisation_dates *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

void organisation_dates_sort(struct organisation_dates *list, size_t count)
{
    if (count > 0)
        qsort(list, count, sizeof *list, by_code_then_from);
}
