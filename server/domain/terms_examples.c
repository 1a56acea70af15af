/* Reading the worked examples of a version of the terms. */
#include "domain/terms_example.h"
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row that may earn an assessment is kept for each patient, so their number in an example is bounded apart. */
#define MAX_ASSESSMENTS INT64_C(1000)
/* Bound of the work that all examples together make: about a second. */
#define MAX_WORK    INT64_C(10000000)
#define MAX_COUNT   INT64_C(1000000)
#define MAX_MEASURE INT64_C(1000000000)

static const struct json_member example_members[] = {
    {"title", JSON_KIND_TEXT, true, 1, 100},
    {"month", JSON_KIND_TEXT, true, 7, 7},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"rows", JSON_KIND_ARRAY, false, 0, EXAMPLE_MAX_ROWS},
    {"achievements", JSON_KIND_ARRAY, false, 0, EXAMPLE_MAX_PARTS},
    {"adjustments", JSON_KIND_ARRAY, false, 0, EXAMPLE_MAX_PARTS},
    {"withholds", JSON_KIND_ARRAY, false, 0, EXAMPLE_MAX_PARTS},
    {"expect", JSON_KIND_OBJECT, true, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member row_members[] = {
    {"cluster", JSON_KIND_TEXT, true, 2, 2},
    {"start", JSON_KIND_TEXT, false, 10, 10},
    {"end", JSON_KIND_TEXT, false, 10, 10},
    {"month", JSON_KIND_TEXT, false, 7, 7},
    {"admitted_days", JSON_KIND_INTEGER, false, 0, 31},
    {"service", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"assessment", JSON_KIND_TEXT, false, 10, 10},
    {"count", JSON_KIND_INTEGER, false, 1, MAX_COUNT},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member achievement_members[] = {
    {"indicator", JSON_KIND_TEXT, true, 1, TERMS_NAME_SIZE - 1},
    {"numerator", JSON_KIND_INTEGER, true, 0, MAX_MEASURE},
    {"denominator", JSON_KIND_INTEGER, true, 0, MAX_MEASURE},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member adjustment_members[] = {
    {"label", JSON_KIND_TEXT, true, 1, 100},
    {"month", JSON_KIND_TEXT, true, 7, 7},
    {"pence", JSON_KIND_INTEGER, true, -TERMS_MAX_PENCE, TERMS_MAX_PENCE},
    {"in_cquin", JSON_KIND_BOOLEAN, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member imposed_members[] = {
    {"id", JSON_KIND_TEXT, true, 1, TERMS_NAME_SIZE - 1},
    {"month", JSON_KIND_TEXT, true, 7, 7},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member expect_members[] = {
    {"total_pence", JSON_KIND_INTEGER, false, -TERMS_MAX_PENCE, TERMS_MAX_PENCE},
    {"billable_pence", JSON_KIND_INTEGER, false, -TERMS_MAX_PENCE, TERMS_MAX_PENCE},
    {"stages", JSON_KIND_OBJECT, false, 0, 0},
    {"lines", JSON_KIND_OBJECT, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_day(struct terms_reader *r, const json_t *object, const char *name, const char *pointer, date_t *out)
{
    const char *text = json_text(object, name);
    *out = DATE_NONE;
    if (text != NULL && !date_parse(text, strlen(text), out)) {
        char where[120];
        snprintf(where, sizeof where, "%s/%s", pointer, name);
        return terms_refuse(r, where, "must be a day, YYYY-MM-DD");
    }
    return true;
}

/* The month of a part: within the year, and not after the example's own. */
static bool read_part_month(struct terms_reader *r, const json_t *object, const char *pointer,
                            const struct terms_example *e, month_t *out)
{
    char where[120];
    snprintf(where, sizeof where, "%s/month", pointer);
    if (!terms_read_month(r, json_text(object, "month"), where, out)) {
        return false;
    }
    return *out <= e->month || terms_refuse(r, where, "lies after the month of the example");
}

static bool check_row_dates(struct terms_reader *r, const char *pointer, const struct example_row *row)
{
    char where[120];
    if (row->start == DATE_NONE && row->assessment == DATE_NONE) {
        snprintf(where, sizeof where, "%s/start", pointer);
        return terms_refuse(r, where, "is needed for a row that is no assessment alone");
    }
    if (row->end != DATE_NONE && (row->start == DATE_NONE || row->end < row->start)) {
        snprintf(where, sizeof where, "%s/end", pointer);
        return terms_refuse(r, where, "must not come before start: it is the first day no longer in the cluster");
    }
    return true;
}

static bool read_row(struct terms_reader *r, const json_t *object, const char *pointer, const struct terms_example *e,
                     struct example_row *row)
{
    char where[120];
    snprintf(where, sizeof where, "%s/cluster", pointer);
    if (!json_check(object, row_members, pointer, r->problem) ||
        !terms_read_cluster(r, json_object_get(object, "cluster"), where, &row->cluster) ||
        !terms_read_qualifiers(r, object, pointer, row->commissioner, row->service) ||
        !read_day(r, object, "start", pointer, &row->start) || !read_day(r, object, "end", pointer, &row->end) ||
        !read_day(r, object, "assessment", pointer, &row->assessment)) {
        return false;
    }
    row->month = -1;
    row->admitted_days = (int16_t)json_int(object, "admitted_days", 0);
    row->count = json_int(object, "count", 1);
    if (json_text(object, "month") != NULL && !read_part_month(r, object, pointer, e, &row->month)) {
        return false;
    }
    return check_row_dates(r, pointer, row);
}

static bool read_rows(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_example *e)
{
    size_t count = json_array_size(array);
    int64_t assessments = 0;
    e->row = calloc(count > 0 ? count : 1, sizeof *e->row);
    if (e->row == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        char where[80];
        snprintf(where, sizeof where, "%s/rows/%zu", pointer, i);
        if (!read_row(r, json_array_get(array, i), where, e, &e->row[i])) {
            return false;
        }
        assessments += e->row[i].assessment == DATE_NONE ? 0 : e->row[i].count;
        if (assessments > MAX_ASSESSMENTS) {
            snprintf(where, sizeof where, "%s/rows/%zu/count", pointer, i);
            return terms_refuse(r, where, "makes more than %lld assessments in one example: play fewer patients",
                                (long long)MAX_ASSESSMENTS);
        }
        e->row_count = i + 1;
    }
    return true;
}

static bool read_achievements(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_example *e)
{
    const struct terms_cquin *c = &r->t->cquin;
    size_t count = json_array_size(array);
    e->achievement = calloc(count > 0 ? count : 1, sizeof *e->achievement);
    if (e->achievement == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        struct position_achievement *a = &e->achievement[i];
        char where[120];
        bool known = false;
        snprintf(where, sizeof where, "%s/achievements/%zu", pointer, i);
        if (!json_check(object, achievement_members, where, r->problem)) {
            return false;
        }
        a->indicator = json_text(object, "indicator");
        a->numerator = json_int(object, "numerator", 0);
        a->denominator = json_int(object, "denominator", 0);
        for (int32_t k = 0; k < c->count; k++) {
            known = known || strcmp(c->indicator[k].id, a->indicator) == 0;
        }
        for (size_t k = 0; k < i; k++) {
            known = known && strcmp(e->achievement[k].indicator, a->indicator) != 0;
        }
        if (!known) {
            snprintf(where, sizeof where, "%s/achievements/%zu/indicator", pointer, i);
            return terms_refuse(r, where, "must be the id of an indicator of /cquin, each at most once");
        }
        e->achievement_count = i + 1;
    }
    return true;
}

static bool read_adjustments(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_example *e)
{
    size_t count = json_array_size(array);
    e->adjustment = calloc(count > 0 ? count : 1, sizeof *e->adjustment);
    if (e->adjustment == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        struct position_adjustment *a = &e->adjustment[i];
        char where[120];
        snprintf(where, sizeof where, "%s/adjustments/%zu", pointer, i);
        if (!json_check(object, adjustment_members, where, r->problem) ||
            !read_part_month(r, object, where, e, &a->month)) {
            return false;
        }
        a->n = (int64_t)i + 1;
        a->pence = json_int(object, "pence", 0);
        a->label = json_text(object, "label");
        a->in_cquin = json_bool(object, "in_cquin", false);
        e->adjustment_count = i + 1;
    }
    return true;
}

static bool withhold_known(const struct terms *t, const char *id)
{
    for (int32_t i = 0; i < t->withhold_count; i++) {
        if (strcmp(t->withhold[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int compare_withholds(const void *left, const void *right)
{
    const struct position_withhold *a = left;
    const struct position_withhold *b = right;
    return a->month != b->month ? (a->month < b->month ? -1 : 1) : strcmp(a->id, b->id);
}

static bool read_imposed(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_example *e)
{
    size_t count = json_array_size(array);
    e->withhold = calloc(count > 0 ? count : 1, sizeof *e->withhold);
    if (e->withhold == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        struct position_withhold *w = &e->withhold[i];
        char where[120];
        snprintf(where, sizeof where, "%s/withholds/%zu", pointer, i);
        if (!json_check(object, imposed_members, where, r->problem) ||
            !read_part_month(r, object, where, e, &w->month)) {
            return false;
        }
        w->id = json_text(object, "id");
        bool twice = false;
        for (size_t k = 0; k < i; k++) {
            twice = twice || compare_withholds(w, &e->withhold[k]) == 0;
        }
        if (twice || !withhold_known(r->t, w->id)) {
            snprintf(where, sizeof where, "%s/withholds/%zu/id", pointer, i);
            return terms_refuse(r, where, "must be the id of one of /withholds, each at most once in a month");
        }
        e->withhold_count = i + 1;
    }
    qsort(e->withhold, e->withhold_count, sizeof *e->withhold, compare_withholds);
    return true;
}

void terms_pointer_escape(const char *name, char *out, size_t size)
{
    size_t length = 0;
    for (; *name != '\0' && length + 3 <= size; name++) {
        if (*name == '~' || *name == '/') {
            out[length++] = '~';
            out[length++] = *name == '~' ? '0' : '1';
        } else {
            out[length++] = *name;
        }
    }
    out[length] = '\0';
}

static bool read_amounts(struct terms_reader *r, const json_t *object, const char *pointer, bool stages)
{
    const char *name;
    json_t *value;
    if (object != NULL && json_object_size(object) == 0) {
        return terms_refuse(r, pointer, "must name an amount, or be left out");
    }
    json_object_foreach((json_t *)object, name, value)
    {
        char where[340];
        char escaped[200];
        bool known = !stages && name[0] != '\0' && strlen(name) <= 160;
        terms_pointer_escape(name, escaped, sizeof escaped);
        snprintf(where, sizeof where, "%s/%s", pointer, escaped);
        for (int s = 0; stages && s < STAGE_COUNT; s++) {
            known = known || strcmp(name, stage_name((enum terms_stage)s)) == 0;
        }
        if (!known) {
            return terms_refuse(r, where, stages ? "is no stage of a position" : "must be the key of a line");
        }
        if (!json_is_integer(value) || json_integer_value(value) > TERMS_MAX_PENCE ||
            json_integer_value(value) < -TERMS_MAX_PENCE) {
            return terms_refuse(r, where, "must be whole pence");
        }
    }
    return true;
}

static bool read_expect(struct terms_reader *r, const json_t *object, const char *pointer)
{
    char where[120];
    char stages[120];
    char lines[120];
    snprintf(where, sizeof where, "%s/expect", pointer);
    snprintf(stages, sizeof stages, "%s/expect/stages", pointer);
    snprintf(lines, sizeof lines, "%s/expect/lines", pointer);
    if (!json_check(object, expect_members, where, r->problem)) {
        return false;
    }
    if (json_object_size(object) == 0) {
        return terms_refuse(r, where, "must name an amount: total_pence, billable_pence, stages or lines");
    }
    return read_amounts(r, json_object_get(object, "stages"), stages, true) &&
           read_amounts(r, json_object_get(object, "lines"), lines, false);
}

static bool read_example(struct terms_reader *r, const json_t *object, int32_t index, struct terms_example *e)
{
    char pointer[40];
    char where[120];
    snprintf(pointer, sizeof pointer, "/examples/%d", index);
    snprintf(where, sizeof where, "%s/month", pointer);
    if (!json_check(object, example_members, pointer, r->problem) ||
        !terms_read_month(r, json_text(object, "month"), where, &e->month) ||
        !terms_read_qualifiers(r, object, pointer, e->commissioner, NULL)) {
        return false;
    }
    e->title = json_text(object, "title");
    e->expect = json_object_get(object, "expect");
    for (int32_t i = 0; i < index; i++) {
        if (strcmp(r->t->example[i].title, e->title) == 0) {
            snprintf(where, sizeof where, "%s/title", pointer);
            return terms_refuse(r, where, "is the title of another example");
        }
    }
    return read_rows(r, json_object_get(object, "rows"), pointer, e) &&
           read_achievements(r, json_object_get(object, "achievements"), pointer, e) &&
           read_adjustments(r, json_object_get(object, "adjustments"), pointer, e) &&
           read_imposed(r, json_object_get(object, "withholds"), pointer, e) && read_expect(r, e->expect, pointer);
}

static int64_t count_services(const struct terms *t)
{
    int64_t services = 0;
    for (int32_t i = 0; i < t->price_count; i++) {
        bool first = t->price[i].service[0] != '\0';
        for (int32_t k = 0; first && k < i; k++) {
            first = strcmp(t->price[i].service, t->price[k].service) != 0;
        }
        services += first ? 1 : 0;
    }
    return services;
}

/* Examples are computed while somebody waits. A month costs about as many look-ups as there are services and prices. */
static bool check_work(struct terms_reader *r)
{
    const struct terms *t = r->t;
    int64_t months = 0;
    for (int32_t i = 0; i < t->example_count; i++) {
        months += month_number(t->example[i].month);
    }
    if (months * (1 + count_services(t)) * (1 + t->price_count) > MAX_WORK) {
        return terms_refuse(r, "/examples",
                            "are too much to compute with so many prices by service: give fewer, or earlier months");
    }
    return true;
}

bool terms_read_examples(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *array = json_object_get(t->source, "examples");
    size_t count = json_array_size(array);
    t->example = calloc(count > 0 ? count : 1, sizeof *t->example);
    if (t->example == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        t->example_count = (int32_t)(i + 1); /* what an example half read owns is freed with the others */
        if (!read_example(r, json_array_get(array, i), (int32_t)i, &t->example[i])) {
            return false;
        }
    }
    return check_work(r);
}

void terms_examples_free(struct terms *t)
{
    for (int32_t i = 0; i < t->example_count; i++) {
        free(t->example[i].row);
        free(t->example[i].achievement);
        free(t->example[i].adjustment);
        free(t->example[i].withhold);
    }
    free(t->example);
}
