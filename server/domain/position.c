/* The frame of a position: what is missing, the stages in order, the sums. */
#include "domain/position_internal.h"

#include "domain/money.h"

#include "base/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^53 - 1: what every reader of JSON keeps exactly. */
#define LARGEST_AMOUNT INT64_C(9007199254740991)

static bool fail(struct position_work *w, enum position_status status)
{
    if (w->status == POSITION_DONE) {
        w->status = status;
    }
    return false;
}

bool work_parked(struct position_work *w, const char *format, ...)
{
    if (w->status == POSITION_DONE) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(w->reason, POSITION_REASON_SIZE, format, arguments);
        va_end(arguments);
    }
    return fail(w, POSITION_PARKED);
}

bool work_overflow(struct position_work *w, const char *what)
{
    if (w->status == POSITION_DONE) {
        (void)snprintf(w->reason, POSITION_REASON_SIZE,
                       "%s is beyond the largest amount that can be stated exactly: correct the prices or the activity",
                       what);
    }
    return fail(w, POSITION_OVERFLOW);
}

bool work_no_memory(struct position_work *w)
{
    return fail(w, POSITION_NO_MEMORY);
}

bool work_note(struct position_work *w, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return json_array_append_new(w->p->notes, json_string(text)) == 0 || work_no_memory(w);
}

struct derivation derive(const char *clause, int32_t terms, const char *operation, const char *rounding)
{
    struct derivation d = {json_object(), json_object(), true};
    d.ok = d.object != NULL && d.inputs != NULL && json_put(d.object, "clause", json_string(clause)) &&
           json_put(d.object, "terms", json_integer(terms)) &&
           json_put(d.object, "operation", json_string(operation)) &&
           json_put(d.object, "rounding", json_string(rounding));
    return d;
}

void derive_json(struct derivation *d, const char *name, json_t *value)
{
    d->ok = d->inputs != NULL && json_put(d->inputs, name, value) && d->ok;
}

void derive_number(struct derivation *d, const char *name, int64_t value)
{
    derive_json(d, name, json_integer(value));
}

void derive_text(struct derivation *d, const char *name, const char *value)
{
    derive_json(d, name, json_string(value));
}

void derive_percent(struct derivation *d, const char *name, int64_t ppm)
{
    char text[32];
    format_percent_ppm(ppm, text);
    derive_text(d, name, text);
}

static struct position_line *next_line(struct position_work *w)
{
    struct position *p = w->p;
    if (p->count == w->capacity) {
        size_t wanted = w->capacity == 0 ? 64 : w->capacity * 2;
        struct position_line *grown = realloc(p->line, wanted * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        p->line = grown;
        w->capacity = wanted;
    }
    return &p->line[p->count];
}

static void free_line(struct position_line *line)
{
    free(line->key);
    free(line->label);
    json_decref(line->derivation);
}

struct position_line *work_line(struct position_work *w, enum terms_stage stage, month_t month, const char *key,
                                const char *label, int64_t pence, struct derivation *d)
{
    struct position *p = w->p;
    struct position_line *line = next_line(w);
    bool complete = d->ok && line != NULL && json_object_set(d->object, "inputs", d->inputs) == 0;
    json_decref(d->inputs);
    if (!complete) {
        json_decref(d->object);
        work_no_memory(w);
        return NULL;
    }
    *line = (struct position_line){.key = strdup(key),
                                   .stage = stage,
                                   .month = month,
                                   .cluster = -1,
                                   .basis = BASIS_COUNT,
                                   .price_pence = -1,
                                   .pence = pence,
                                   .label = strdup(label),
                                   .billable = !p->shadow || stage == STAGE_BLOCK,
                                   .derivation = d->object};
    if (line->key == NULL || line->label == NULL) {
        free_line(line);
        work_no_memory(w);
        return NULL;
    }
    p->count++;
    if (!money_add(p->subtotal[stage], pence, &p->subtotal[stage]) || !money_add(p->total, pence, &p->total) ||
        (line->billable && !money_add(p->billable, pence, &p->billable))) {
        work_overflow(w, "the sum of the lines");
        return NULL;
    }
    return line;
}

int work_group_of(const struct position_work *w, int cluster)
{
    int group = w->annual->group_of[cluster];
    return group < 0 ? w->annual->group_count : group;
}

const char *work_group_name(const struct position_work *w, int group)
{
    return group == w->annual->group_count ? "other" : w->annual->group[group].name;
}

bool work_sum_through(struct position_work *w, enum terms_stage last, int64_t *out)
{
    int64_t sum = 0;
    for (int s = 0; s <= (int)last; s++) {
        if (!money_add(sum, w->p->subtotal[s], &sum)) {
            return work_overflow(w, "the sum of the stages");
        }
    }
    *out = sum;
    return true;
}

/* Appends a month's name to a list in words, as far as there is room. */
static void list_month(char *list, size_t size, month_t month)
{
    char name[8];
    size_t length = strlen(list);
    month_format(month, name);
    (void)snprintf(list + length, size - length, "%s%s", length == 0 ? "" : ", ", name);
}

/* Everything that keeps the account from being settled, at once. */
static bool check_complete(struct position_work *w)
{
    const struct position_input *in = w->in;
    char no_terms[120] = "";
    char no_activity[120] = "";
    for (int32_t k = 0; k < w->months; k++) {
        if (in->months[k].terms == NULL) {
            list_month(no_terms, sizeof no_terms, in->months[k].month);
        }
        if (in->months[k].submission == NULL) {
            list_month(no_activity, sizeof no_activity, in->months[k].month);
        }
    }
    if (in->annual == NULL && no_terms[0] == '\0') {
        list_month(no_terms, sizeof no_terms, in->month);
    }
    if (no_terms[0] != '\0') {
        return work_parked(w, "no terms in force for %s: both parties approve terms effective from then or earlier%s%s",
                           no_terms, no_activity[0] == '\0' ? "" : "; no activity received for ", no_activity);
    }
    if (no_activity[0] != '\0') {
        return work_parked(w,
                           "no activity received for %s: the provider uploads the month and has it accepted (with an "
                           "exception, if its window has closed)",
                           no_activity);
    }
    return true;
}

static bool used(const struct terms *annual, const struct position_achievement *a)
{
    for (int32_t i = 0; i < annual->cquin.count; i++) {
        if (strcmp(annual->cquin.indicator[i].id, a->indicator) == 0) {
            return true;
        }
    }
    return false;
}

static instant_t later(instant_t a, instant_t b)
{
    return a > b ? a : b;
}

static instant_t known_at(const struct position_work *w)
{
    const struct position_input *in = w->in;
    instant_t latest = in->annual->known_from;
    for (int32_t k = 0; k < w->months; k++) {
        latest = later(latest, in->months[k].known_from);
        latest = later(latest, in->months[k].terms->known_from);
    }
    for (size_t i = 0; i < in->achievement_count; i++) {
        if (used(w->annual, &in->achievements[i])) {
            latest = later(latest, in->achievements[i].agreed_at);
        }
    }
    return latest;
}

static bool note_unpriced(struct position_work *w)
{
    for (int32_t k = 0; k < w->months; k++) {
        long long days = (long long)w->in->activity->unpriced_days[k];
        char name[8];
        month_format(w->in->months[k].month, name);
        if (days > 0 &&
            !work_note(w, "%lld days of %s have no price and no value; the terms let them pass (K06)", days, name)) {
            return false;
        }
    }
    return true;
}

static bool within(int64_t amount)
{
    return amount <= LARGEST_AMOUNT && amount >= -LARGEST_AMOUNT;
}

static bool check_amounts(struct position_work *w)
{
    const struct position *p = w->p;
    bool fine = within(p->total) && within(p->billable) && within(p->planned) && within(p->aav);
    for (size_t i = 0; fine && i < p->count; i++) {
        fine = within(p->line[i].pence) && within(p->line[i].units);
    }
    return fine || work_overflow(w, "an amount");
}

static bool compute(struct position_work *w)
{
    struct position *p = w->p;
    if (!check_complete(w)) {
        return false;
    }
    w->annual = w->in->annual->terms;
    p->shadow = w->annual->shadow;
    p->known_at = known_at(w);
    p->floor = INT64_MIN;
    p->ceiling = INT64_MAX;
    if (!stage_plan(w) || !stage_activity(w) || !stage_factor(w) || !stage_bands(w) ||
        !work_sum_through(w, STAGE_BANDS, &p->before_risk) || !stage_risk_share(w) || !stage_cap_collar(w) ||
        !work_sum_through(w, STAGE_CAP_COLLAR, &p->after_cap) || !stage_block(w) || !stage_cquin(w) ||
        !note_unpriced(w)) {
        return false;
    }
    if (p->shadow && !work_note(w, "SHADOW: everything is computed and shown; the block lines alone are billed")) {
        return false;
    }
    return check_amounts(w);
}

enum position_status position_compute(const struct position_input *in, struct position *out, char *reason)
{
    struct position p = {0};
    struct position_work w = {.in = in, .p = &p, .status = POSITION_DONE, .reason = reason};
    w.months = month_number(in->month);
    reason[0] = '\0';
    p.notes = json_array();
    if (p.notes == NULL) {
        return POSITION_NO_MEMORY;
    }
    if (!compute(&w)) {
        position_free(&p);
        return w.status;
    }
    *out = p;
    return POSITION_DONE;
}

void position_free(struct position *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free_line(&p->line[i]);
    }
    free(p->line);
    json_decref(p->notes);
    *p = (struct position){0};
}
