/* Which inputs of two positions differ, cause by cause, and how in words. Only months that both positions have count:
 * what comes with added months is the first cause's. */
#include "domain/bridge_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Adds to a text in words; what does not fit ends in dots. */
static void say(char what[BRIDGE_WORDS], const char *separator, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(char what[BRIDGE_WORDS], const char *separator, const char *format, ...)
{
    char text[120];
    size_t length = strlen(what);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *before = length == 0 ? "" : separator;
    size_t wanted = strlen(before) + strlen(text);
    if (length + wanted + sizeof ", ..." <= BRIDGE_WORDS) {
        (void)snprintf(what + length, BRIDGE_WORDS - length, "%s%s", before, text);
    } else if (length < 3 || strcmp(what + length - 3, "...") != 0) {
        (void)snprintf(what + length, BRIDGE_WORDS - length, ", ...");
    }
}

static void say_months(char what[BRIDGE_WORDS], month_t first, month_t last, const char *how)
{
    char from[8];
    char to[8];
    month_format(first, from);
    month_format(last, to);
    if (first == last) {
        say(what, ", ", "%s%s", from, how);
    } else {
        say(what, ", ", "%s to %s%s", from, to, how);
    }
}

/* Members of the terms behind each cause. Annual parts follow the version of the position's month. */
static const struct {
    enum bridge_cause cause;
    bool annual;
    const char *member;
} parts[] = {
    {BRIDGE_RULES, false, "rules"},      {BRIDGE_RULES, false, "thresholds"},   {BRIDGE_PRICES, false, "prices"},
    {BRIDGE_PRICES, false, "day_count"}, {BRIDGE_PRICES, false, "block"},       {BRIDGE_PLAN, false, "plan"},
    {BRIDGE_FACTOR, false, "factor"},    {BRIDGE_FACTOR, true, "volume_bands"}, {BRIDGE_RISK_SHARE, true, "risk_share"},
    {BRIDGE_CQUIN, true, "cquin"},       {BRIDGE_WITHHOLDS, true, "withholds"},
};

static bool same_member(const struct terms *a, const struct terms *b, const char *member)
{
    const json_t *x = json_object_get(a->source, member);
    const json_t *y = json_object_get(b->source, member);
    return (x == NULL && y == NULL) || json_equal(x, y);
}

/* Monthly parts in the lower half, annual ones in the upper. */
#define ANNUAL_SHIFT 16

static uint32_t parts_of(const struct terms_version *a, const struct terms_version *b)
{
    uint32_t found = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!same_member(a->terms, b->terms, parts[i].member)) {
            found |= UINT32_C(1) << ((unsigned)parts[i].cause + (parts[i].annual ? ANNUAL_SHIFT : 0));
        }
    }
    return found;
}

/* Compared once for each pair: a price list is long, and most bridges of a year meet the same two versions. */
static uint32_t differing_parts(struct bridge_maker *m, const struct terms_version *a, const struct terms_version *b)
{
    if (a == b || a == NULL || b == NULL || a->terms == b->terms) {
        return 0;
    }
    for (size_t i = 0; i < m->version_count; i++) {
        if (m->versions[i].older == a && m->versions[i].newer == b) {
            return m->versions[i].parts;
        }
    }
    uint32_t found = parts_of(a, b);
    if (m->version_count < BRIDGE_MAX_VERSIONS) {
        m->versions[m->version_count++] = (struct bridge_versions){a, b, found};
    }
    return found;
}

static bool month_parts_differ(struct bridge_state *s, enum bridge_cause cause, char what[BRIDGE_WORDS])
{
    const struct bridge_sides *sides = s->maker->sides;
    bool found = false;
    for (int32_t k = 0; k < s->shared; k++) {
        const struct terms_version *a = bridge_month_version(&sides->older, k);
        const struct terms_version *b = bridge_month_version(&sides->newer, k);
        int32_t end = k;
        char how[60];
        if ((differing_parts(s->maker, a, b) >> cause & 1U) == 0) {
            continue;
        }
        while (end + 1 < s->shared && bridge_month_version(&sides->older, end + 1) == a &&
               bridge_month_version(&sides->newer, end + 1) == b) {
            end++;
        }
        (void)snprintf(how, sizeof how, ": version %d to %d of the terms", a->version, b->version);
        say_months(what, sides->older.input.months[k].month, sides->older.input.months[end].month, how);
        k = end;
        found = true;
    }
    return found;
}

static bool annual_parts_differ(struct bridge_state *s, enum bridge_cause cause, char what[BRIDGE_WORDS])
{
    const struct terms_version *a = bridge_annual(&s->maker->sides->older, s->ends->older_month);
    const struct terms_version *b = bridge_annual(&s->maker->sides->newer, s->ends->newer_month);
    if ((differing_parts(s->maker, a, b) >> ((unsigned)cause + ANNUAL_SHIFT) & 1U) == 0) {
        return false;
    }
    say(what, "; ", "version %d to %d of the terms for the year to date", a->version, b->version);
    return true;
}

static bool same_or_none(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_change(const struct row_change *a, const struct row_change *b)
{
    return a->month == b->month && strcmp(a->row.episode_id, b->row.episode_id) == 0 && a->was_here == b->was_here &&
           a->is_here == b->is_here && a->cluster == b->cluster && a->payable_days == b->payable_days &&
           a->not_payable == b->not_payable;
}

/* Changes of the months first .. end - 1, in the same order. */
static bool same_changes_in(const struct bridge_changes *a, const struct bridge_changes *b, month_t first, month_t end)
{
    size_t i = 0;
    size_t j = 0;
    if (a->change == b->change && a->count == b->count) {
        return true;
    }
    for (;;) {
        for (; i < a->count && (a->change[i].month < first || a->change[i].month >= end); i++) {
        }
        for (; j < b->count && (b->change[j].month < first || b->change[j].month >= end); j++) {
        }
        if (i == a->count || j == b->count) {
            return i == a->count && j == b->count;
        }
        if (!same_change(&a->change[i++], &b->change[j++])) {
            return false;
        }
    }
}

static month_t first_month(const struct bridge_state *s)
{
    return s->maker->sides->older.input.months[0].month;
}

/* Of the months that both positions have. */
static bool same_changes(const struct bridge_state *s, const struct bridge_changes *a, const struct bridge_changes *b)
{
    return same_changes_in(a, b, first_month(s), first_month(s) + s->shared);
}

static bool reference_differs(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    bool found = false;
    for (int32_t k = 0; k < s->shared; k++) {
        const struct review_periods *a = s->maker->sides->older.reviews[k];
        const struct review_periods *b = s->maker->sides->newer.reviews[k];
        char month[8];
        if (a == b || (a != NULL && b != NULL && memcmp(a, b, sizeof *a) == 0)) {
            continue;
        }
        month_format(first_month(s) + k, month);
        say(what, ", ", "%s%s", found ? "" : "review periods by cluster of ", month);
        found = true;
    }
    return found;
}

static bool activity_differs(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    const struct bridge_sides *sides = s->maker->sides;
    bool found = !same_changes(s, &sides->older_decisions[ROWS_REFERENCE], &sides->older_decisions[ROWS_ACTIVITY]);
    for (int32_t k = 0; k < s->shared; k++) {
        const struct position_month *a = &sides->older.input.months[k];
        const struct position_month *b = &sides->newer.input.months[k];
        bool agreed = a->submission == NULL && b->submission == NULL && a->source != b->source;
        if (!same_or_none(a->submission, b->submission) || agreed) {
            say_months(what, a->month, a->month,
                       b->submission != NULL         ? ""
                       : b->source == MONTH_ESTIMATE ? " (agreed estimate)"
                                                     : " (agreed as none)");
            found = true;
        }
    }
    return found;
}

static bool adjustments_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    const struct position_input *sides[2] = {&s->maker->sides->older.input, &s->maker->sides->newer.input};
    bool found = false;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sides[side]->adjustment_count; i++) {
            const struct position_adjustment *a = &sides[side]->adjustments[i];
            const struct position_input *other = sides[1 - side];
            bool there = a->month > s->ends->newer_month;
            for (size_t j = 0; !there && j < other->adjustment_count; j++) {
                const struct position_adjustment *b = &other->adjustments[j];
                there = a->n == b->n && a->pence == b->pence && a->month == b->month && a->in_cquin == b->in_cquin;
            }
            if (!there) {
                say(what, ", ", "%sagreement %lld", side == 0 ? "without " : "", (long long)a->n);
                found = true;
            }
        }
    }
    return found;
}

static bool achievements_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    const struct position_input *sides[2] = {&s->maker->sides->older.input, &s->maker->sides->newer.input};
    bool found = false;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sides[side]->achievement_count; i++) {
            const struct position_achievement *a = &sides[side]->achievements[i];
            const struct position_input *other = sides[1 - side];
            bool named = false;
            bool alike = false;
            for (size_t j = 0; j < other->achievement_count; j++) {
                const struct position_achievement *b = &other->achievements[j];
                if (strcmp(a->indicator, b->indicator) == 0) {
                    named = true;
                    alike =
                        a->disputed == b->disputed && a->numerator == b->numerator && a->denominator == b->denominator;
                }
            }
            if (!alike && !(side == 0 && named)) {
                say(what, ", ", "%s%s", side == 0 ? "without " : "", a->indicator);
                found = true;
            }
        }
    }
    return found;
}

static bool imposed_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    static const char *const states[] = {"open", "released", "kept"};
    const struct position_input *sides[2] = {&s->maker->sides->older.input, &s->maker->sides->newer.input};
    bool found = false;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sides[side]->withhold_count; i++) {
            const struct position_withhold *a = &sides[side]->withholds[i];
            const struct position_input *other = sides[1 - side];
            bool named = a->month > s->ends->newer_month;
            bool alike = named;
            char month[8];
            for (size_t j = 0; !named && j < other->withhold_count; j++) {
                const struct position_withhold *b = &other->withholds[j];
                named = a->month == b->month && strcmp(a->id, b->id) == 0;
                alike = named && a->state == b->state &&
                        (a->state == WITHHOLD_OPEN || a->decided_pence == b->decided_pence);
            }
            if (!alike && !(side == 0 && named)) {
                month_format(a->month, month);
                say(what, ", ", "%s of %s %s", a->id, month, side == 0 ? "taken back" : states[a->state]);
                found = true;
            }
        }
    }
    return found;
}

static bool decisions_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    const struct bridge_changes *a = &s->maker->sides->older_decisions[ROWS_NEWER];
    const struct bridge_changes *b = &s->maker->sides->newer_decisions;
    if (same_changes(s, a, b)) {
        return false;
    }
    say(what, "", "decisions on rows");
    return true;
}

/* In added months the older challenge counters nothing yet. */
static bool same_challenge(const struct bridge_state *s, size_t i, size_t j)
{
    const struct bridge_sides *sides = s->maker->sides;
    const struct position_challenge *a = &sides->older.input.challenges[i];
    const struct position_challenge *b = &sides->newer.input.challenges[j];
    return a->number == b->number && a->claimed_pence == b->claimed_pence && a->billed == b->billed &&
           same_changes(s, &sides->older_counters[ROWS_NEWER][i], &sides->newer_counters[j]) &&
           same_changes_in(&sides->newer_decisions, &sides->newer_counters[j], first_month(s) + s->shared,
                           s->ends->newer_month + 1);
}

static bool challenges_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    const struct position_input *older = &s->maker->sides->older.input;
    const struct position_input *newer = &s->maker->sides->newer.input;
    bool found = decisions_differ(s, what);
    size_t i = 0;
    size_t j = 0;
    while (i < older->challenge_count || j < newer->challenge_count) {
        int64_t a = i < older->challenge_count ? older->challenges[i].number : INT64_MAX;
        int64_t b = j < newer->challenge_count ? newer->challenges[j].number : INT64_MAX;
        if (a != b || !same_challenge(s, i, j)) {
            say(what, ", ", "challenge %lld%s", (long long)(a < b ? a : b),
                a < b   ? " no longer open"
                : b < a ? " raised"
                        : "");
            found = true;
        }
        i += a <= b ? 1 : 0;
        j += b <= a ? 1 : 0;
    }
    return found;
}

static bool months_differ(const struct bridge_state *s, char what[BRIDGE_WORDS])
{
    month_t older = s->ends->older_month;
    month_t newer = s->ends->newer_month;
    if (older < newer) {
        say_months(what, older + 1, newer, " added");
    } else if (older > newer) {
        say_months(what, newer + 1, older, " left out");
    }
    return older != newer;
}

bool bridge_differs(struct bridge_state *s, enum bridge_cause cause, char what[BRIDGE_WORDS])
{
    what[0] = '\0';
    switch (cause) {
    case BRIDGE_MONTHS:
        return months_differ(s, what);
    case BRIDGE_REFERENCE:
        return reference_differs(s, what);
    case BRIDGE_ACTIVITY:
        return activity_differs(s, what);
    case BRIDGE_ADJUSTMENTS:
        return adjustments_differ(s, what);
    case BRIDGE_ACHIEVEMENTS:
        return achievements_differ(s, what);
    case BRIDGE_CHALLENGES:
        return challenges_differ(s, what);
    case BRIDGE_RULES:
    case BRIDGE_PRICES:
    case BRIDGE_PLAN:
        return month_parts_differ(s, cause, what);
    case BRIDGE_FACTOR: {
        bool months = month_parts_differ(s, cause, what);
        return annual_parts_differ(s, cause, what) || months;
    }
    case BRIDGE_RISK_SHARE:
    case BRIDGE_CQUIN:
        return annual_parts_differ(s, cause, what);
    case BRIDGE_WITHHOLDS: {
        bool imposed = imposed_differ(s, what);
        return annual_parts_differ(s, cause, what) || imposed;
    }
    case BRIDGE_ENGINE:
    case BRIDGE_CAUSES:
        break;
    }
    return false;
}
