/* Computing the worked examples with the functions that settle, and saying how expected and computed differ. */
#include "domain/terms_example.h"

#include "domain/activity.h"
#include "domain/money.h"
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mandatory reason that makes a row a candidate for an assessment beside its days. */
#define INITIAL_ASSESSMENT 10

/* An example in the making: the statistics of each month's rows, of the account and of other commissioners. */
struct playing {
    const struct terms *t;
    const struct terms_example *e;
    int32_t months; /* April .. the example's month */
    struct statistics ours[TERMS_MONTHS];
    struct statistics others[TERMS_MONTHS];
    const struct statistics *other_list[TERMS_MONTHS];
    struct activity_month activity_months[TERMS_MONTHS];
    struct position_month position_months[TERMS_MONTHS];
    struct terms_version version;
    struct activity_lines activity;
};

static bool lies_in(const struct example_row *row, month_t month)
{
    if (row->month >= 0) {
        return row->month == month;
    }
    if (row->start == DATE_NONE) {
        return month_of(row->assessment) == month;
    }
    return month_of(row->start) <= month && (row->end == DATE_NONE || row->end >= month_first(month));
}

/* Each row is a sound one: it fails no rule by itself, and what needs approval has it. */
static void fill_episode(struct episode *out, const struct example_row *row, uint64_t patient)
{
    *out = (struct episode){.start_date = row->start,
                            .end_date = row->end,
                            .mhct_date = row->assessment,
                            .referral_date = DATE_NONE,
                            .last_contact = DATE_NONE,
                            .mhct_reason = row->assessment == DATE_NONE ? 0 : INITIAL_ASSESSMENT,
                            .admitted_days = row->admitted_days,
                            .assessment_only = row->start == DATE_NONE,
                            .approved = true};
    memcpy(out->patient, &patient, sizeof patient);
    (void)snprintf(out->episode_id, sizeof out->episode_id, "%llu", (unsigned long long)patient);
    (void)snprintf(out->service, sizeof out->service, "%s", row->service);
    cluster_code(row->cluster, out->cluster);
}

/* A row that may earn is added patient by patient, the others all at once. */
static bool add_row(struct statistics_builder *b, const struct example_row *row, month_t month, uint64_t patient)
{
    struct episode e;
    bool earns = row->assessment != DATE_NONE && month_of(row->assessment) == month;
    int64_t each = earns ? 1 : row->count;
    for (int64_t done = 0; done < row->count; done += each) {
        fill_episode(&e, row, patient + (uint64_t)done);
        if (statistics_builder_add(b, &e, each) != STATISTICS_ADDED) {
            return false;
        }
    }
    return true;
}

/* The statistics of one month: the account's rows, or those of the other commissioners. */
static bool count_rows(const struct playing *p, int32_t k, bool ours, struct statistics *out)
{
    month_t month = financial_year_first(p->t->financial_year) + k;
    struct statistics_builder *b = statistics_builder_new(month, false);
    uint64_t patient = 1;
    bool good = b != NULL;
    for (size_t i = 0; good && i < p->e->row_count; i++) {
        const struct example_row *row = &p->e->row[i];
        bool own = row->commissioner[0] == '\0' || strcmp(row->commissioner, p->e->commissioner) == 0;
        if (own == ours && lies_in(row, month)) {
            good = add_row(b, row, month, patient);
        }
        patient += (uint64_t)row->count;
    }
    good = good && statistics_builder_make(b, out);
    statistics_builder_free(b);
    return good;
}

static bool play_months(struct playing *p)
{
    p->version = (struct terms_version){.version = 0, .digest = "", .terms = p->t};
    for (int32_t k = 0; k < p->months; k++) {
        month_t month = financial_year_first(p->t->financial_year) + k;
        if (!count_rows(p, k, true, &p->ours[k]) || !count_rows(p, k, false, &p->others[k])) {
            return false;
        }
        p->other_list[k] = &p->others[k];
        p->activity_months[k] = (struct activity_month){
            .month = month, .terms = p->t, .statistics = &p->ours[k], .others = &p->other_list[k], .other_count = 1};
        p->position_months[k] = (struct position_month){
            .month = month, .terms = &p->version, .submission = "example", .sha256 = "", .source = MONTH_RECEIVED};
    }
    return true;
}

static void playing_free(struct playing *p)
{
    for (int32_t k = 0; k < p->months; k++) {
        statistics_free(&p->ours[k]);
        statistics_free(&p->others[k]);
    }
    activity_lines_free(&p->activity);
}

static enum example_status compute_position(struct playing *p, struct example_result *out)
{
    const struct terms_example *e = p->e;
    const struct position_input in = {.provider = "",
                                      .contract = "",
                                      .commissioner = e->commissioner,
                                      .financial_year = p->t->financial_year,
                                      .month = e->month,
                                      .months = p->position_months,
                                      .annual = &p->version,
                                      .achievements = e->achievement,
                                      .achievement_count = e->achievement_count,
                                      .activity = &p->activity,
                                      .adjustments = e->adjustment,
                                      .adjustment_count = e->adjustment_count,
                                      .withholds = e->withhold,
                                      .withhold_count = e->withhold_count};
    enum position_status status = position_compute(&in, &out->position, out->reason);
    out->computed = status == POSITION_DONE;
    return status == POSITION_NO_MEMORY ? EXAMPLE_NO_MEMORY : EXAMPLE_DONE;
}

static enum example_status play(struct playing *p, struct example_result *out)
{
    const struct activity_input in = {
        .commissioner = p->e->commissioner, .months = p->activity_months, .month_count = (size_t)p->months};
    if (!play_months(p)) {
        return EXAMPLE_NO_MEMORY;
    }
    switch (activity_value(&in, &p->activity)) {
    case ACTIVITY_DONE:
        return compute_position(p, out);
    case ACTIVITY_OVERFLOW:
        (void)snprintf(out->reason, sizeof out->reason, "the activity is worth more than 64 bits hold");
        return EXAMPLE_DONE;
    case ACTIVITY_NOT_STATISTICS:
        (void)snprintf(out->reason, sizeof out->reason, "the rows do not fit together");
        return EXAMPLE_DONE;
    case ACTIVITY_NO_MEMORY:
        break;
    }
    return EXAMPLE_NO_MEMORY;
}

static void add_figure(struct example_result *r, int32_t index, const char *member, const char *name, int64_t expected,
                       const int64_t *computed)
{
    struct example_figure *f = &r->figure[r->figure_count];
    bool total = strcmp(member, "total_pence") == 0 || strcmp(member, "billable_pence") == 0;
    char escaped[340] = "";
    if (!total) {
        terms_pointer_escape(name, escaped, sizeof escaped);
    }
    (void)snprintf(f->pointer, sizeof f->pointer, "/examples/%d/expect/%s%s%s", index, member, total ? "" : "/",
                   escaped);
    (void)snprintf(f->name, sizeof f->name, "%s%s",
                   strcmp(member, "stages") == 0 ? "stage "
                   : total                       ? ""
                                                 : "line ",
                   name);
    f->expected_pence = expected;
    f->computed_pence = computed == NULL ? 0 : *computed;
    f->missing = computed == NULL;
    if (f->expected_pence != f->computed_pence && r->differs < 0) {
        r->differs = (int32_t)r->figure_count;
    }
    r->figure_count++;
}

static const int64_t *line_pence(const struct position *p, const char *key)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->line[i].key, key) == 0) {
            return &p->line[i].pence;
        }
    }
    return NULL;
}

/* Lines, then stages, then sums: the first that differs says most. */
static bool compare_figures(struct example_result *r, int32_t index)
{
    const json_t *expect = r->example->expect;
    const json_t *lines = json_object_get(expect, "lines");
    const json_t *stages = json_object_get(expect, "stages");
    const struct position *p = &r->position;
    const char *name;
    json_t *value;
    r->figure = calloc(json_object_size(lines) + json_object_size(stages) + 2, sizeof *r->figure);
    if (r->figure == NULL) {
        return false;
    }
    json_object_foreach((json_t *)lines, name, value)
    {
        add_figure(r, index, "lines", name, json_integer_value(value), line_pence(p, name));
    }
    for (int s = 0; s < STAGE_COUNT; s++) {
        value = json_object_get(stages, stage_name((enum terms_stage)s));
        if (value != NULL) {
            add_figure(r, index, "stages", stage_name((enum terms_stage)s), json_integer_value(value), &p->subtotal[s]);
        }
    }
    if (json_object_get(expect, "total_pence") != NULL) {
        add_figure(r, index, "total_pence", "total", json_int(expect, "total_pence", 0), &p->total);
    }
    if (json_object_get(expect, "billable_pence") != NULL) {
        add_figure(r, index, "billable_pence", "billable", json_int(expect, "billable_pence", 0), &p->billable);
    }
    return true;
}

enum example_status example_compute(const struct terms *t, int32_t index, struct example_result *out)
{
    struct playing *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return EXAMPLE_NO_MEMORY;
    }
    memset(out, 0, sizeof *out);
    out->example = &t->example[index];
    out->differs = -1;
    p->t = t;
    p->e = out->example;
    p->months = month_number(p->e->month);
    enum example_status status = play(p, out);
    if (status == EXAMPLE_DONE && out->computed && !compare_figures(out, index)) {
        status = EXAMPLE_NO_MEMORY;
    }
    out->passes = out->computed && out->differs < 0;
    playing_free(p);
    free(p);
    if (status != EXAMPLE_DONE) {
        example_result_free(out);
    }
    return status;
}

void example_result_free(struct example_result *r)
{
    if (r->computed) {
        position_free(&r->position);
    }
    free(r->figure);
    r->figure = NULL;
    r->computed = false;
}

static json_t *figures_json(const struct example_result *r)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < r->figure_count; i++) {
        const struct example_figure *f = &r->figure[i];
        json_t *one = json_object();
        good = one != NULL && json_put(one, "figure", json_string(f->name)) &&
               json_put(one, "pointer", json_string(f->pointer)) &&
               json_put(one, "expected_pence", json_integer(f->expected_pence)) &&
               json_put(one, "computed_pence", f->missing ? json_null() : json_integer(f->computed_pence)) &&
               json_put(one, "equal", json_boolean(f->expected_pence == f->computed_pence));
        good = json_array_append_new(array, one) == 0 && good;
    }
    if (!good) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *lines_json(const struct position *p)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < p->count; i++) {
        const struct position_line *l = &p->line[i];
        json_t *one = json_object();
        good = one != NULL && json_put(one, "key", json_string(l->key)) &&
               json_put(one, "stage", json_string(stage_name(l->stage))) &&
               json_put(one, "label", json_string(l->label)) && json_put(one, "pence", json_integer(l->pence)) &&
               json_put(one, "derivation", json_incref(l->derivation));
        good = json_array_append_new(array, one) == 0 && good;
    }
    if (!good) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

/* Each computed line carries its derivation. {"title", "month", "commissioner", "passes", "reason", "figures": [...],
 * "first_difference", "lines": [...]}; NULL when memory ran out. */
static json_t *example_json(const struct example_result *r)
{
    char month[8];
    json_t *o = json_object();
    month_format(r->example->month, month);
    const char *first = r->differs < 0 ? NULL : r->figure[r->differs].name;
    bool good = o != NULL && json_put(o, "title", json_string(r->example->title)) &&
                json_put(o, "month", json_string(month)) &&
                json_put(o, "commissioner", text_or_null(r->example->commissioner)) &&
                json_put(o, "passes", json_boolean(r->passes)) && json_put(o, "reason", text_or_null(r->reason)) &&
                json_put(o, "first_difference", text_or_null(first)) && json_put(o, "figures", figures_json(r)) &&
                json_put(o, "total_pence", r->computed ? json_integer(r->position.total) : json_null()) &&
                json_put(o, "lines", r->computed ? lines_json(&r->position) : json_array());
    if (good) {
        return o;
    }
    json_decref(o);
    return NULL;
}

json_t *examples_json(const struct terms *t, int32_t *failing)
{
    json_t *array = json_array();
    bool good = array != NULL;
    *failing = -1;
    for (int32_t i = 0; good && i < t->example_count; i++) {
        struct example_result r;
        if (example_compute(t, i, &r) != EXAMPLE_DONE) {
            good = false;
            break;
        }
        *failing = *failing < 0 && !r.passes ? i : *failing;
        good = json_array_append_new(array, example_json(&r)) == 0;
        example_result_free(&r);
    }
    if (!good) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* The first figure of an example that is not equal; NULL: the example has none. */
static const json_t *unequal(const json_t *example)
{
    size_t i;
    json_t *figure;
    json_array_foreach(json_object_get(example, "figures"), i, figure)
    {
        if (!json_bool(figure, "equal", true)) {
            return figure;
        }
    }
    return NULL;
}

static void describe(const json_t *figure, const char *title, char sentence[EXAMPLE_SENTENCE_SIZE])
{
    char expected[MONEY_TEXT_SIZE];
    char computed[MONEY_TEXT_SIZE];
    money_format(json_int(figure, "expected_pence", 0), expected);
    money_format(json_int(figure, "computed_pence", 0), computed);
    if (json_is_null(json_object_get(figure, "computed_pence"))) {
        (void)snprintf(computed, sizeof computed, "no such line");
    }
    (void)snprintf(sentence, EXAMPLE_SENTENCE_SIZE,
                   "Example \"%s\": %s is expected to be %s, computed %s; correct the terms or the example", title,
                   json_text(figure, "figure"), expected, computed);
}

bool examples_fail(const json_t *results, char pointer[EXAMPLE_POINTER_SIZE], char sentence[EXAMPLE_SENTENCE_SIZE])
{
    size_t i;
    json_t *example;
    if (json_array_size(results) == 0) {
        (void)snprintf(pointer, EXAMPLE_POINTER_SIZE, "/examples");
        (void)snprintf(sentence, EXAMPLE_SENTENCE_SIZE,
                       "The terms have no worked example: draft them with one and the amounts expected of it");
        return true;
    }
    json_array_foreach(results, i, example)
    {
        const char *title = json_text(example, "title");
        const json_t *figure = unequal(example);
        if (json_bool(example, "passes", false)) {
            continue;
        }
        if (figure != NULL) {
            (void)snprintf(pointer, EXAMPLE_POINTER_SIZE, "%s", json_text(figure, "pointer"));
            describe(figure, title, sentence);
            return true;
        }
        (void)snprintf(pointer, EXAMPLE_POINTER_SIZE, "/examples/%zu", i);
        (void)snprintf(sentence, EXAMPLE_SENTENCE_SIZE, "Example \"%s\" comes to no position: %s", title,
                       json_text(example, "reason"));
        return true;
    }
    return false;
}
