/* A point of the way between two positions: terms with parts of two versions, rows of one side or the other. */
#include "domain/bridge_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct terms_version *bridge_month_version(const struct bridge_side *side, int32_t k)
{
    return side->input.months[k].terms;
}

const struct terms_version *bridge_annual(const struct bridge_side *side, month_t month)
{
    return side->annual[month_number(month) - 1];
}

/* Monthly parts of the newer version, as far as they are taken. */
static void mix_month(const struct bridge_state *s, const struct terms *newer, struct terms *t)
{
    if (s->taken[BRIDGE_RULES]) {
        t->rules = newer->rules;
        t->thresholds = newer->thresholds;
    }
    if (s->taken[BRIDGE_PRICES]) {
        t->end_inclusive = newer->end_inclusive;
        t->price_count = newer->price_count;
        t->price = newer->price;
        memcpy(t->first_price, newer->first_price, sizeof t->first_price);
        t->block_count = newer->block_count;
        t->block = newer->block;
    }
    if (s->taken[BRIDGE_PLAN]) {
        t->plan_count = newer->plan_count;
        t->plan = newer->plan;
        t->plan_sum_count = newer->plan_sum_count;
        t->plan_sum = newer->plan_sum;
    }
    if (s->taken[BRIDGE_FACTOR]) {
        t->factor_ppm = newer->factor_ppm;
    }
}

static void mix_annual(const struct bridge_state *s, const struct terms *newer, struct terms *t)
{
    if (s->taken[BRIDGE_FACTOR]) {
        t->group_count = newer->group_count;
        t->group = newer->group;
        memcpy(t->group_of, newer->group_of, sizeof t->group_of);
    }
    if (s->taken[BRIDGE_RISK_SHARE]) {
        t->risk_share = newer->risk_share;
    }
    if (s->taken[BRIDGE_CQUIN]) {
        t->cquin = newer->cquin;
    }
    if (s->taken[BRIDGE_WITHHOLDS]) {
        t->withhold_count = newer->withhold_count;
        t->withhold = newer->withhold;
    }
}

static bool is_newer(const struct bridge_state *s, int32_t k)
{
    return k >= s->maker->boundary && s->taken[BRIDGE_MONTHS];
}

static void mix_months(struct bridge_state *s)
{
    const struct bridge_sides *sides = s->maker->sides;
    for (int32_t k = 0; k < s->maker->last; k++) {
        const struct position_month *older = &sides->older.input.months[k];
        const struct position_month *newer = &sides->newer.input.months[k];
        if (is_newer(s, k)) {
            s->months[k] = *newer;
            continue;
        }
        s->months[k] = s->taken[BRIDGE_ACTIVITY] ? *newer : *older;
        s->months[k].terms = older->terms;
        if (older->terms != NULL && newer->terms != NULL && older->terms != newer->terms) {
            s->month_version[k] = *older->terms;
            s->month_terms[k] = *older->terms->terms;
            mix_month(s, newer->terms->terms, &s->month_terms[k]);
            s->month_version[k].terms = &s->month_terms[k];
            s->months[k].terms = &s->month_version[k];
        }
    }
}

static enum bridge_rows_at rows_at(const struct bridge_state *s)
{
    return s->taken[BRIDGE_PRICES]      ? ROWS_NEWER
           : s->taken[BRIDGE_RULES]     ? ROWS_RULES
           : s->taken[BRIDGE_ACTIVITY]  ? ROWS_ACTIVITY
           : s->taken[BRIDGE_REFERENCE] ? ROWS_REFERENCE
                                        : ROWS_OLDER;
}

/* Places of months whose changes come from one list. */
struct month_range {
    int32_t from;
    int32_t to;
};

static size_t copy_changes(const struct bridge_state *s, const struct bridge_changes *from, struct month_range range,
                           struct row_change *to)
{
    month_t first = s->months[0].month;
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        if (from->change[i].month >= first + range.from && from->change[i].month < first + range.to) {
            to[count++] = from->change[i];
        }
    }
    return count;
}

/* Months valued at this point. */
static int32_t months_valued(const struct bridge_state *s)
{
    return s->taken[BRIDGE_MONTHS] ? s->maker->through : s->maker->boundary;
}

/* Changes of rows at this point; those of the newer side for the months that are its own from the first step on. */
static struct row_change *gather(const struct bridge_state *s, const struct bridge_changes *here, size_t *count)
{
    const struct bridge_changes *added = &s->maker->sides->newer_decisions;
    struct row_change *list = malloc((here->count + added->count + 1) * sizeof *list);
    int32_t months = months_valued(s);
    int32_t own = s->taken[BRIDGE_CHALLENGES] || months < s->maker->boundary ? months : s->maker->boundary;
    if (list != NULL) {
        *count = copy_changes(s, here, (struct month_range){0, own}, list);
        *count += copy_changes(s, added, (struct month_range){own, months}, list + *count);
    }
    return list;
}

static enum activity_status value(const struct bridge_state *s, const struct bridge_changes *changes,
                                  struct activity_lines *out)
{
    const struct bridge_sides *sides = s->maker->sides;
    struct activity_month months[TERMS_MONTHS];
    struct activity_input in = {.commissioner = sides->older.input.commissioner, .months = months};
    for (int32_t k = 0; k < months_valued(s); k++) {
        const struct bridge_month_rows *rows = &sides->rows[is_newer(s, k) ? ROWS_NEWER : rows_at(s)][k];
        const struct bridge_side *reference =
            is_newer(s, k) || s->taken[BRIDGE_REFERENCE] ? &sides->newer : &sides->older;
        if (s->months[k].terms != NULL) {
            months[in.month_count++] = (struct activity_month){.month = s->months[k].month,
                                                               .terms = s->months[k].terms->terms,
                                                               .reviews = reference->reviews[k],
                                                               .statistics = rows->statistics,
                                                               .others = rows->others,
                                                               .other_count = rows->other_count};
        }
    }
    struct row_change *list = gather(s, changes, &in.change_count);
    if (list == NULL) {
        return ACTIVITY_NO_MEMORY;
    }
    in.changes = list;
    enum activity_status status = activity_value(&in, out);
    free(list);
    return status;
}

static const struct bridge_side *side_of(const struct bridge_state *s, enum bridge_cause cause)
{
    return s->taken[cause] ? &s->maker->sides->newer : &s->maker->sides->older;
}

/* The activity at this point, and with the open challenges countered one after another. */
static enum activity_status value_all(const struct bridge_state *s, struct bridge_valued *v)
{
    const struct bridge_sides *sides = s->maker->sides;
    bool newer = s->taken[BRIDGE_CHALLENGES];
    const struct bridge_changes *counters = newer ? sides->newer_counters : sides->older_counters[rows_at(s)];
    size_t count = side_of(s, BRIDGE_CHALLENGES)->input.challenge_count;
    enum activity_status status =
        value(s, newer ? &sides->newer_decisions : &sides->older_decisions[rows_at(s)], &v->lines);
    if (status != ACTIVITY_DONE || count == 0) {
        return status;
    }
    v->countered = calloc(count, sizeof *v->countered);
    if (v->countered == NULL) {
        return ACTIVITY_NO_MEMORY;
    }
    while (status == ACTIVITY_DONE && v->countered_count < count) {
        status = value(s, &counters[v->countered_count], &v->countered[v->countered_count]);
        v->countered_count += status == ACTIVITY_DONE ? 1 : 0;
    }
    return status;
}

void bridge_valued_free(struct bridge_valued *v)
{
    activity_lines_free(&v->lines);
    for (size_t i = 0; i < v->countered_count; i++) {
        activity_lines_free(&v->countered[i]);
    }
    free(v->countered);
    *v = (struct bridge_valued){0};
}

static void mix_year(struct bridge_state *s)
{
    const struct terms_version *older = bridge_annual(&s->maker->sides->older, s->ends->older_month);
    const struct terms_version *newer = bridge_annual(&s->maker->sides->newer, s->ends->newer_month);
    s->annual_version = *older;
    s->annual_terms = *older->terms;
    mix_annual(s, newer->terms, &s->annual_terms);
    s->annual_version.terms = &s->annual_terms;
}

static struct position_input input_of(struct bridge_state *s, const struct activity_lines *activity,
                                      const struct position_challenge *challenges)
{
    struct position_input in = s->maker->sides->older.input;
    const struct position_input *adjusted = &side_of(s, BRIDGE_ADJUSTMENTS)->input;
    const struct position_input *achieved = &side_of(s, BRIDGE_ACHIEVEMENTS)->input;
    const struct position_input *withheld = &side_of(s, BRIDGE_WITHHOLDS)->input;
    in.month = s->taken[BRIDGE_MONTHS] ? s->ends->newer_month : s->ends->older_month;
    in.months = s->months;
    in.annual = &s->annual_version;
    in.activity = activity;
    in.adjustments = adjusted->adjustments;
    in.adjustment_count = adjusted->adjustment_count;
    in.achievements = achieved->achievements;
    in.achievement_count = achieved->achievement_count;
    in.withholds = withheld->withholds;
    in.withhold_count = withheld->withhold_count;
    in.decisions = NULL;
    in.decision_count = 0;
    in.challenges = challenges;
    in.challenge_count = side_of(s, BRIDGE_CHALLENGES)->input.challenge_count;
    in.sums_alone = true;
    return in;
}

static enum position_status position_of(struct bridge_state *s, const struct bridge_valued *v, struct position *out,
                                        char *reason)
{
    const struct position_input *asked = &side_of(s, BRIDGE_CHALLENGES)->input;
    month_t month = s->taken[BRIDGE_MONTHS] ? s->ends->newer_month : s->ends->older_month;
    const struct activity_lines activity = activity_lines_to(&v->lines, month);
    struct position_challenge *challenges = calloc(asked->challenge_count + 1, sizeof *challenges);
    struct activity_lines *countered = calloc(asked->challenge_count + 1, sizeof *countered);
    enum position_status status = POSITION_NO_MEMORY;
    if (challenges != NULL && countered != NULL) {
        for (size_t i = 0; i < asked->challenge_count; i++) {
            countered[i] = activity_lines_to(&v->countered[i], month);
            challenges[i] = asked->challenges[i];
            challenges[i].countered = &countered[i];
        }
        struct position_input in = input_of(s, &activity, challenges);
        status = position_compute(&in, out, reason);
    }
    free(challenges);
    free(countered);
    return status;
}

enum position_status bridge_position(struct bridge_state *s, struct position *out, char *reason)
{
    struct bridge_valued *v = &s->maker->valued[s->rows];
    if (bridge_annual(&s->maker->sides->older, s->ends->older_month) == NULL ||
        bridge_annual(&s->maker->sides->newer, s->ends->newer_month) == NULL) {
        snprintf(reason, POSITION_REASON_SIZE, "no terms in force for the month of one of the positions");
        return POSITION_PARKED;
    }
    mix_months(s);
    mix_year(s);
    if (!v->made) {
        v->status = value_all(s, v);
        v->made = true;
    }
    switch (v->status) {
    case ACTIVITY_DONE:
        return position_of(s, v, out, reason);
    case ACTIVITY_OVERFLOW:
        snprintf(reason, POSITION_REASON_SIZE, "the activity's value is beyond 64 bits");
        return POSITION_OVERFLOW;
    case ACTIVITY_NOT_STATISTICS:
        snprintf(reason, POSITION_REASON_SIZE, "the changes of rows do not fit the statistics of the months");
        return POSITION_PARKED;
    case ACTIVITY_NO_MEMORY:
        break;
    }
    return POSITION_NO_MEMORY;
}
