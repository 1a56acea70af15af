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
        if (in->months[k].submission == NULL && in->months[k].source == MONTH_RECEIVED) {
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
                           "exception, if its window has closed), or both parties agree that there was none, or an "
                           "estimate",
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

/* What both parties or one of them did about the account, up to the end of the month. */
static instant_t known_acts(const struct position_input *in, instant_t latest)
{
    for (size_t i = 0; i < in->adjustment_count; i++) {
        if (in->adjustments[i].month <= in->month) {
            latest = later(latest, in->adjustments[i].agreed_at);
        }
    }
    for (size_t i = 0; i < in->withhold_count; i++) {
        const struct position_withhold *h = &in->withholds[i];
        if (h->month <= in->month) {
            latest = later(latest, h->state == WITHHOLD_OPEN ? h->imposed_at : later(h->imposed_at, h->decided_at));
        }
    }
    for (size_t i = 0; i < in->decision_count; i++) {
        if (in->decisions[i].month <= in->month) {
            latest = later(latest, in->decisions[i].agreed_at);
        }
    }
    for (size_t i = 0; i < in->challenge_count; i++) {
        latest = later(latest, in->challenges[i].raised_at);
    }
    return latest;
}

static instant_t known_at(const struct position_work *w)
{
    const struct position_input *in = w->in;
    instant_t latest = in->annual->known_from;
    for (int32_t k = 0; k < w->months; k++) {
        const struct position_month *m = &in->months[k];
        latest = later(latest, m->submission == NULL ? m->agreed_at : m->known_from);
        latest = later(latest, m->terms->known_from);
    }
    for (size_t i = 0; i < in->achievement_count; i++) {
        if (used(w->annual, &in->achievements[i])) {
            latest = later(latest, in->achievements[i].agreed_at);
        }
    }
    return known_acts(in, latest);
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
        !work_sum_through(w, STAGE_CAP_COLLAR, &p->after_cap) || !stage_block(w) || !stage_adjustments(w) ||
        !stage_withholds(w) || !stage_cquin(w) || !stage_contested(w) || !note_unpriced(w)) {
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
        position_line_free(&p->line[i]);
    }
    free(p->line);
    free(p->contested);
    json_decref(p->notes);
    *p = (struct position){0};
}

int position_decision_order(const void *a, const void *b)
{
    const struct position_decision *x = a;
    const struct position_decision *y = b;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    int order = strcmp(x->row_sha256, y->row_sha256);
    return order != 0 ? order : strcmp(x->kind, y->kind);
}
