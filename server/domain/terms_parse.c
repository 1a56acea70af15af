/* The frame of the terms: scalars, qualifiers, plan and block sums. */
#include "base/text.h"
#include "domain/money.h"
#include "domain/terms_example.h"
#include "domain/terms_internal.h"

#include "base/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool terms_refuse(struct terms_reader *r, const char *pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    snprintf(r->problem->field, sizeof r->problem->field, "%s", pointer);
    vsnprintf(r->problem->message, sizeof r->problem->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool recorded(const struct terms_reader *r, const char *rule, const char *pointer)
{
    size_t i;
    json_t *item;
    json_array_foreach(r->found, i, item)
    {
        if (strcmp(json_text(item, "pointer"), pointer) == 0 &&
            (rule == NULL || strcmp(json_text(item, "rule"), rule) == 0)) {
            return true;
        }
    }
    return false;
}

/* Moves the problem to the list. */
static bool record(struct terms_reader *r, const char *rule, json_t *shown)
{
    json_t *item = json_pack("{s:s, s:s, s:s, s:O}", "rule", rule, "pointer", r->problem->field, "sentence",
                             r->problem->message, "counter_example", shown);
    bool known = recorded(r, rule, r->problem->field);
    r->problem->message[0] = '\0';
    json_decref(shown);
    if (known) {
        json_decref(item);
        return true;
    }
    return json_array_append_new(r->found, item) == 0 || terms_no_memory(r);
}

bool terms_contradiction(struct terms_reader *r, const char *rule, const char *pointer, json_t *shown,
                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    snprintf(r->problem->field, sizeof r->problem->field, "%s", pointer);
    vsnprintf(r->problem->message, sizeof r->problem->message, format, arguments);
    va_end(arguments);
    if (r->found == NULL) {
        json_decref(shown);
        return false;
    }
    return shown == NULL ? terms_no_memory(r) : record(r, rule, shown);
}

bool terms_no_memory(struct terms_reader *r)
{
    r->no_memory = true;
    return terms_refuse(r, "", "memory ran out");
}

/* No share is below 0; one that would pay less the more there is has its own name. */
static bool share_below_zero(struct terms_reader *r, const char *name, const char *where, int64_t ppm)
{
    int64_t pays = 0;
    if (strncmp(name, "pay", 3) != 0) {
        return terms_contradiction(r, "share_out_of_range", where, json_pack("{s:s}", "least", "0%"),
                                   "must not be below 0%%");
    }
    (void)money_round_share(100, ppm, &pays);
    return terms_contradiction(r, "pay_falls", where,
                               json_pack("{s:i, s:I}", "further_pence", 100, "paid_pence", (json_int_t)-pays),
                               "must not be below 0%%: pay would fall where activity rises");
}

bool terms_read_percent(struct terms_reader *r, const json_t *object, const char *name, const char *pointer,
                        int64_t high_ppm, int64_t *out)
{
    const char *text = json_text(object, name);
    if (text == NULL) {
        return true;
    }
    char where[120];
    int64_t ppm;
    snprintf(where, sizeof where, "%s/%s", pointer, name);
    if (r->found != NULL && text[0] == '-' && parse_percent_ppm(text + 1, strlen(text) - 1, &ppm)) {
        return recorded(r, NULL, where) || share_below_zero(r, name, where, ppm);
    }
    if (!parse_percent_ppm(text, strlen(text), &ppm)) {
        return terms_refuse(r, where, "must be a percentage with at most four decimals, for example \"2.5%%\"");
    }
    if (ppm > high_ppm) {
        char limit[32];
        format_percent_ppm(high_ppm, limit);
        return terms_contradiction(r, "share_out_of_range", where,
                                   json_pack("{s:s, s:s, s:s}", "stated", text, "least", "0%", "most", limit),
                                   "must be at most %s", limit);
    }
    *out = ppm;
    return true;
}

bool terms_read_cluster(struct terms_reader *r, const json_t *text, const char *pointer, int16_t *out)
{
    const char *code = json_string_value(text);
    int cluster = code == NULL ? -1 : cluster_index(code);
    if (cluster < 0) {
        return terms_refuse(r, pointer, "must be a cluster: 00 to 08 or 10 to 21");
    }
    *out = (int16_t)cluster;
    return true;
}

bool terms_read_basis(struct terms_reader *r, const char *text, const char *pointer, enum basis *out)
{
    for (int b = 0; b < BASIS_COUNT; b++) {
        if (strcmp(text, basis_name((enum basis)b)) == 0) {
            *out = (enum basis)b;
            return true;
        }
    }
    return terms_refuse(r, pointer, "must be DAY, ADMITTED, NONADMITTED, PERIOD or ASSESSMENT");
}

bool terms_read_month(struct terms_reader *r, const char *text, const char *pointer, month_t *out)
{
    if (!month_parse(text, strlen(text), out)) {
        return terms_refuse(r, pointer, "must be a month, YYYY-MM");
    }
    if (month_financial_year(*out) != r->t->financial_year) {
        return terms_refuse(r, pointer, "must lie within the financial year");
    }
    return true;
}

bool terms_read_qualifiers(struct terms_reader *r, const json_t *object, const char *pointer, char *commissioner,
                           char *service)
{
    const char *who = json_text(object, "commissioner");
    const char *what = json_text(object, "service");
    const json_t *parties = json_object_get(r->t->source, "parties");
    if (who != NULL && parties != NULL && json_object_get(parties, who) == NULL) {
        char where[120];
        snprintf(where, sizeof where, "%s/commissioner", pointer);
        if (!terms_contradiction(r, "party_unknown", where,
                                 json_pack("{s:s, s:i}", "commissioner", who, "parties_of_that_code", 0),
                                 "is not one of the parties")) {
            return false;
        }
    }
    snprintf(commissioner, TERMS_CODE_SIZE, "%s", who == NULL ? "" : who);
    if (service != NULL) {
        snprintf(service, TERMS_CODE_SIZE, "%s", what == NULL ? "" : what);
    }
    return true;
}

bool terms_read_clusters(struct terms_reader *r, const json_t *array, const char *pointer, uint32_t *out)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        char where[140];
        int16_t cluster = 0;
        snprintf(where, sizeof where, "%s/%zu", pointer, i);
        if (!terms_read_cluster(r, json_array_get(array, i), where, &cluster)) {
            return false;
        }
        if ((*out >> cluster & 1U) != 0) {
            return terms_refuse(r, where, "is listed twice");
        }
        *out |= UINT32_C(1) << cluster;
    }
    return true;
}

static const struct json_member plan_members[] = {
    {"lines", JSON_KIND_ARRAY, false, 0, TERMS_MAX_LINES},
    {"sums", JSON_KIND_ARRAY, false, 0, TERMS_MAX_LINES},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member plan_line_members[] = {
    {"cluster", JSON_KIND_TEXT, true, 2, 2},
    {"basis", JSON_KIND_TEXT, true, 1, 20},
    {"units", JSON_KIND_ARRAY, true, TERMS_MONTHS, TERMS_MONTHS},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"service", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member plan_sum_members[] = {
    {"month", JSON_KIND_TEXT, true, 7, 7},
    {"pence", JSON_KIND_INTEGER, true, 0, TERMS_MAX_PENCE},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member block_members[] = {
    {"month", JSON_KIND_TEXT, true, 7, 7},
    {"pence", JSON_KIND_INTEGER, true, 0, TERMS_MAX_PENCE},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"label", JSON_KIND_TEXT, true, 1, 100},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static json_t *unpriced_units(const struct terms_plan_line *line, month_t month, int64_t units)
{
    char cluster[3];
    char day[11];
    cluster_code(line->cluster, cluster);
    date_format(month_first(month), day);
    return json_pack("{s:s, s:s, s:s, s:I, s:i}", "cluster", cluster, "basis", basis_name(line->basis), "day", day,
                     "units", (json_int_t)units, "prices", 0);
}

/* Units of the months from effective_from on need a price on the month's first day: it is what values them. */
static bool check_plan_prices(struct terms_reader *r, const struct terms_plan_line *line)
{
    const struct terms *t = r->t;
    for (int k = 0; k < TERMS_MONTHS; k++) {
        month_t month = financial_year_first(t->financial_year) + k;
        if (month < t->effective_from || line->units[k] == 0) {
            continue;
        }
        if (terms_price_on(t, line->cluster, line->basis, line->commissioner, line->service, month_first(month)) ==
            NULL) {
            char pointer[60];
            char name[8];
            month_format(month, name);
            snprintf(pointer, sizeof pointer, "/plan/lines/%d/units/%d", line->index, k);
            return terms_contradiction(r, "plan_without_price", pointer, unpriced_units(line, month, line->units[k]),
                                       "plans units without a price on the first day of %s", name);
        }
    }
    return true;
}

static bool read_units(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_plan_line *line)
{
    for (size_t k = 0; k < TERMS_MONTHS; k++) {
        const json_t *value = json_array_get(array, k);
        int64_t units = json_is_integer(value) ? json_integer_value(value) : -1;
        if (units < 0 || units > TERMS_MAX_UNITS) {
            char where[80];
            snprintf(where, sizeof where, "%s/units/%zu", pointer, k);
            return terms_refuse(r, where, "must be a whole number from 0 to %lld", (long long)TERMS_MAX_UNITS);
        }
        line->units[k] = units;
    }
    return true;
}

/* Two lines for one thing: the first month in which they differ, or April. */
static json_t *two_plans(const struct terms_plan_line *a, const struct terms_plan_line *b)
{
    char cluster[3];
    int k = 0;
    cluster_code(a->cluster, cluster);
    while (k < TERMS_MONTHS - 1 && a->units[k] == b->units[k]) {
        k++;
    }
    k = a->units[k] == b->units[k] ? 0 : k;
    return json_pack("{s:s, s:s, s:i, s:I, s:I}", "cluster", cluster, "basis", basis_name(a->basis), "month_of_year",
                     k + 1, "either_units", (json_int_t)a->units[k], "or_units", (json_int_t)b->units[k]);
}

static bool read_plan_line(struct terms_reader *r, const json_t *object, int32_t index, struct terms_plan_line *line)
{
    char pointer[40];
    char where[60];
    snprintf(pointer, sizeof pointer, "/plan/lines/%d", index);
    if (!json_check(object, plan_line_members, pointer, r->problem)) {
        return false;
    }
    line->index = index;
    snprintf(where, sizeof where, "%s/cluster", pointer);
    if (!terms_read_cluster(r, json_object_get(object, "cluster"), where, &line->cluster)) {
        return false;
    }
    snprintf(where, sizeof where, "%s/basis", pointer);
    if (!terms_read_basis(r, json_text(object, "basis"), where, &line->basis) ||
        !read_units(r, json_object_get(object, "units"), pointer, line) ||
        !terms_read_qualifiers(r, object, pointer, line->commissioner, line->service)) {
        return false;
    }
    for (int32_t i = 0; i < index; i++) {
        const struct terms_plan_line *o = &r->t->plan[i];
        bool same_account = o->commissioner[0] == '\0' || line->commissioner[0] == '\0' ||
                            strcmp(o->commissioner, line->commissioner) == 0;
        if (o->cluster == line->cluster && o->basis == line->basis && same_account &&
            strcmp(o->service, line->service) == 0) {
            return terms_contradiction(r, "plan_overlap", pointer, two_plans(o, line),
                                       "plans the same cluster, basis and service as /plan/lines/%d", i);
        }
    }
    return check_plan_prices(r, line);
}

/* Reads sums of months: planned values or block lines. Several planned sums for one account and month are refused. */
static bool read_sums(struct terms_reader *r, const json_t *array, const char *base, const struct json_member *members,
                      struct terms_sum **out, int32_t *out_count)
{
    size_t count = json_array_size(array);
    struct terms_sum *sums = calloc(count > 0 ? count : 1, sizeof *sums);
    if (sums == NULL) {
        return terms_no_memory(r);
    }
    *out = sums;
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        char pointer[40];
        char where[60];
        snprintf(pointer, sizeof pointer, "%s/%zu", base, i);
        snprintf(where, sizeof where, "%s/month", pointer);
        if (!json_check(object, members, pointer, r->problem) ||
            !terms_read_month(r, json_text(object, "month"), where, &sums[i].month) ||
            !terms_read_qualifiers(r, object, pointer, sums[i].commissioner, NULL)) {
            return false;
        }
        sums[i].pence = json_int(object, "pence", 0);
        sums[i].label = json_text(object, "label");
        sums[i].index = (int32_t)i;
        *out_count = (int32_t)(i + 1);
    }
    return true;
}

static bool same_account(const char *a, const char *b)
{
    return a[0] == '\0' || b[0] == '\0' || strcmp(a, b) == 0;
}

/* A month of an account is planned by one sum, or by units, never by both. */
static bool check_plan_sums(struct terms_reader *r)
{
    const struct terms *t = r->t;
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        const struct terms_sum *s = &t->plan_sum[i];
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/plan/sums/%d", i);
        for (int32_t j = 0; j < i; j++) {
            if (t->plan_sum[j].month == s->month && same_account(t->plan_sum[j].commissioner, s->commissioner)) {
                if (!terms_contradiction(r, "plan_overlap", pointer,
                                         json_pack("{s:I, s:I}", "either_pence", (json_int_t)t->plan_sum[j].pence,
                                                   "or_pence", (json_int_t)s->pence),
                                         "states the same month as /plan/sums/%d", j)) {
                    return false;
                }
            }
        }
        for (int32_t j = 0; j < t->plan_count; j++) {
            if (t->plan[j].units[month_number(s->month) - 1] != 0 &&
                same_account(t->plan[j].commissioner, s->commissioner)) {
                if (!terms_contradiction(r, "plan_overlap", pointer,
                                         json_pack("{s:I, s:I}", "either_pence", (json_int_t)s->pence, "or_units",
                                                   (json_int_t)t->plan[j].units[month_number(s->month) - 1]),
                                         "states a month that /plan/lines/%d plans in units", j)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* The label tells the block lines of an account and month apart in every position. */
static bool check_blocks(struct terms_reader *r)
{
    const struct terms *t = r->t;
    for (int32_t i = 0; i < t->block_count; i++) {
        for (int32_t j = 0; j < i; j++) {
            if (t->block[j].month == t->block[i].month && same_text(t->block[j].label, t->block[i].label) &&
                same_account(t->block[j].commissioner, t->block[i].commissioner)) {
                char pointer[40];
                snprintf(pointer, sizeof pointer, "/block/%d/label", i);
                if (!terms_contradiction(r, "block_overlap", pointer,
                                         json_pack("{s:I, s:I}", "either_pence", (json_int_t)t->block[j].pence,
                                                   "or_pence", (json_int_t)t->block[i].pence),
                                         "has the month and label of /block/%d", j)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool terms_read_plan(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *plan = json_object_get(t->source, "plan");
    const json_t *lines = json_object_get(plan, "lines");
    size_t count = json_array_size(lines);
    if (plan != NULL && !json_check(plan, plan_members, "/plan", r->problem)) {
        return false;
    }
    t->plan = calloc(count > 0 ? count : 1, sizeof *t->plan);
    if (t->plan == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_plan_line(r, json_array_get(lines, i), (int32_t)i, &t->plan[i])) {
            return false;
        }
        t->plan_count = (int32_t)(i + 1);
    }
    return read_sums(r, json_object_get(plan, "sums"), "/plan/sums", plan_sum_members, &t->plan_sum,
                     &t->plan_sum_count) &&
           check_plan_sums(r) &&
           read_sums(r, json_object_get(t->source, "block"), "/block", block_members, &t->block, &t->block_count) &&
           check_blocks(r);
}

static const struct json_member root_members[] = {
    {"@purpose", JSON_KIND_TEXT, true, 1, 40},
    {"mode", JSON_KIND_TEXT, true, 1, 10},
    {"financial_year", JSON_KIND_INTEGER, true, 2010, 2099},
    {"effective_from", JSON_KIND_TEXT, true, 7, 7},
    {"day_count", JSON_KIND_TEXT, false, 1, 20},
    {"prices", JSON_KIND_ARRAY, true, 0, 2000},
    {"plan", JSON_KIND_OBJECT, false, 0, 0},
    {"factor", JSON_KIND_TEXT, false, 1, 20},
    {"block", JSON_KIND_ARRAY, false, 0, TERMS_MAX_LINES},
    {"volume_bands", JSON_KIND_ARRAY, false, 0, TERMS_MAX_GROUPS},
    {"risk_share", JSON_KIND_OBJECT, false, 0, 0},
    {"cquin", JSON_KIND_OBJECT, false, 0, 0},
    {"rules", JSON_KIND_OBJECT, false, 0, 0},
    {"thresholds", JSON_KIND_OBJECT, false, 0, 0},
    {"billing", JSON_KIND_OBJECT, false, 0, 0},
    {"withholds", JSON_KIND_ARRAY, false, 1, TERMS_MAX_WITHHOLDS},
    {"examples", JSON_KIND_ARRAY, false, 1, EXAMPLE_MAX},
    {"calendar", JSON_KIND_OBJECT, true, 0, 0},
    {"parties", JSON_KIND_OBJECT, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

/* null would be a second way to say nothing, with another digest. */
static bool refuse_nulls(struct terms_reader *r, const json_t *value, const char *pointer)
{
    char where[160];
    const char *name;
    json_t *member;
    size_t index;
    if (json_is_null(value)) {
        return terms_refuse(r, pointer, "must be left out instead of being null");
    }
    json_object_foreach((json_t *)value, name, member)
    {
        snprintf(where, sizeof where, "%s/%s", pointer, name);
        if (!refuse_nulls(r, member, where)) {
            return false;
        }
    }
    json_array_foreach(value, index, member)
    {
        snprintf(where, sizeof where, "%s/%zu", pointer, index);
        if (!refuse_nulls(r, member, where)) {
            return false;
        }
    }
    return true;
}

static bool read_choice(struct terms_reader *r, const char *name, const char *standard, const char *other,
                        bool *is_other)
{
    const char *text = json_text(r->t->source, name);
    if (text == NULL || strcmp(text, standard) == 0) {
        *is_other = false;
        return true;
    }
    if (strcmp(text, other) == 0) {
        *is_other = true;
        return true;
    }
    char where[40];
    snprintf(where, sizeof where, "/%s", name);
    return terms_refuse(r, where, "must be %s or %s", standard, other);
}

static bool read_frame(struct terms_reader *r)
{
    struct terms *t = r->t;
    if (!refuse_nulls(r, t->source, "") || !json_check(t->source, root_members, "", r->problem)) {
        return false;
    }
    if (strcmp(json_text(t->source, "@purpose"), "reckoner/terms/1") != 0) {
        return terms_refuse(r, "/@purpose", "must be reckoner/terms/1");
    }
    t->financial_year = (int32_t)json_int(t->source, "financial_year", 0);
    if (!read_choice(r, "mode", "live", "shadow", &t->shadow) ||
        !read_choice(r, "day_count", "end_exclusive", "end_inclusive", &t->end_inclusive) ||
        !terms_read_month(r, json_text(t->source, "effective_from"), "/effective_from", &t->effective_from)) {
        return false;
    }
    const char *factor = json_text(t->source, "factor");
    t->factor_ppm = PPM_ONE;
    if (factor != NULL &&
        (!parse_factor_ppm(factor, strlen(factor), &t->factor_ppm) || t->factor_ppm > INT64_C(100) * PPM_ONE)) {
        return terms_refuse(r, "/factor",
                            "must be a number from 0 to 100 with at most six decimals, for example \"1.015\"");
    }
    return true;
}

/* The parts in the order in which they are read; each may look at those before it that it names. */
static const struct part {
    bool (*read)(struct terms_reader *r);
    uint32_t needs; /* bit 1 << place */
} parts[] = {
    {terms_read_billing, 0},       {terms_read_prices, 0}, {terms_read_plan, 1U << 1}, {terms_check_billing, 5U},
    {terms_read_sharing, 1U << 2}, {terms_read_rules, 0},  {terms_read_thresholds, 0}, {terms_read_examples, 0x7fU},
};

/* Collecting, a part that cannot be read is recorded, and so is what does not need it. */
static bool read_parts(struct terms_reader *r)
{
    uint32_t unread = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if ((parts[i].needs & unread) == 0 && parts[i].read(r)) {
            continue;
        }
        unread |= UINT32_C(1) << i;
        if (r->found == NULL || (r->problem->message[0] != '\0' && !record(r, "malformed", json_object()))) {
            return false;
        }
    }
    return unread == 0;
}

static struct terms *parse(struct terms_reader *r, const json_t *json)
{
    r->t = calloc(1, sizeof *r->t);
    if (r->t == NULL) {
        terms_no_memory(r);
        return NULL;
    }
    r->t->source = json_deep_copy(json);
    if (r->t->source == NULL) {
        terms_no_memory(r);
    } else if (read_frame(r) && read_parts(r)) {
        return r->t;
    }
    terms_free(r->t);
    return NULL;
}

struct terms *terms_parse(const json_t *json, struct json_problem *problem)
{
    struct terms_reader r = {.problem = problem};
    return parse(&r, json);
}

struct terms *terms_parse_collecting(const json_t *json, json_t **found)
{
    struct json_problem problem = {"", ""};
    struct terms_reader r = {.problem = &problem, .found = *found};
    struct terms *t = parse(&r, json);
    if (problem.message[0] != '\0' && !r.no_memory) {
        record(&r, "malformed", json_object());
    }
    if (r.no_memory) {
        json_decref(*found);
        *found = NULL;
    }
    return t;
}
