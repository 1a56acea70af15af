/* Bridges over random contract-years: the causes add up to the difference, and a single change shows under its cause.
 */
#include "lib/year_inputs.h"

#include "domain/bridge.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_KNOWN 1500000 /* from then on there are terms */

#define HOLDS(condition, seed)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            ck_abort_msg("%s, contract-year %llu", #condition, (unsigned long long)(seed));                            \
        }                                                                                                              \
    } while (0)

/* A position of a year as known at an instant. */
struct point {
    const struct contract_year *y;
    month_t month;
    instant_t known_at;
    struct year_known known;
    const struct terms_version *annual[TERMS_MONTHS];
    int64_t total;
    int64_t billable;
};

static bool point_of(struct point *p, const struct contract_year *y, month_t month, instant_t known_at)
{
    struct position position;
    *p = (struct point){.y = y, .month = month, .known_at = known_at};
    if (contract_year_position(y, month, known_at, 0, &position, NULL) != POSITION_DONE)
        return false;
    p->total = position.total;
    p->billable = position.billable;
    position_free(&position);
    for (int32_t k = 0; k < month_number(month); k++)
        p->annual[k] = year_version(y, k, known_at);
    return true;
}

/* Everything that the two sides lend to the maker. */
struct sides {
    struct bridge_sides sides;
    struct statistics statistics[BRIDGE_ROWS][TERMS_MONTHS][2];
    const struct statistics *others[BRIDGE_ROWS][TERMS_MONTHS];
    struct terms mix[TERMS_MONTHS];
    struct row_change change[2][1 + YEAR_MANY][YEAR_CHANGES];
    struct bridge_changes changes[2][1 + YEAR_MANY]; /* decisions, then with challenges countered */
};

static void rows_of_month(struct sides *s, const struct point *older, const struct point *newer, int32_t k)
{
    const struct point *a = k < month_number(older->month) ? older : newer;
    const struct point *b = k < month_number(newer->month) ? newer : older;
    const struct terms *terms_a = year_version(a->y, k, a->known_at)->terms;
    const struct terms *terms_b = year_version(b->y, k, b->known_at)->terms;
    s->mix[k] = *terms_a;
    s->mix[k].rules = terms_b->rules;
    s->mix[k].thresholds = terms_b->thresholds;
    const struct terms *terms[BRIDGE_ROWS] = {terms_a, terms_a, terms_a, &s->mix[k], terms_b};
    for (int at = 0; at < BRIDGE_ROWS; at++) {
        const struct contract_year *y = at >= ROWS_ACTIVITY ? b->y : a->y;
        if (y->missing[k])
            continue;
        year_statistics(y, (size_t)k, terms[at], 0, s->statistics[at][k]);
        s->others[at][k] = &s->statistics[at][k][1];
        s->sides.rows[at][k] = (struct bridge_month_rows){&s->statistics[at][k][0], &s->others[at][k], 1};
    }
}

static void changes_of(struct sides *s, int side, const struct point *p, size_t challenges)
{
    for (size_t i = 0; i <= challenges; i++)
        s->changes[side][i] = (struct bridge_changes){
            s->change[side][i], year_row_changes(p->y, p->month, p->known_at, i, s->change[side][i])};
}

static struct sides *sides_of(struct point *older, struct point *newer)
{
    struct sides *s = calloc(1, sizeof *s);
    year_must(s != NULL);
    s->sides.older =
        (struct bridge_side){year_input(older->y, older->month, older->known_at, &older->known), older->annual, {0}};
    s->sides.newer =
        (struct bridge_side){year_input(newer->y, newer->month, newer->known_at, &newer->known), newer->annual, {0}};
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        s->sides.older.reviews[k] = &older->y->reviews;
        s->sides.newer.reviews[k] = &newer->y->reviews;
        if (newer->y->row_count[k] != older->y->row_count[k] && !newer->y->missing[k])
            newer->known.month[k].submission = "zwxtsrqpnmlkjhgfdcbv"; /* another version of the month */
    }
    int32_t months = month_number(older->month > newer->month ? older->month : newer->month);
    for (int32_t k = 0; k < months; k++)
        rows_of_month(s, older, newer, k);
    changes_of(s, 0, older, s->sides.older.input.challenge_count);
    changes_of(s, 1, newer, s->sides.newer.input.challenge_count);
    for (int at = 0; at < BRIDGE_ROWS; at++) {
        s->sides.older_decisions[at] = s->changes[0][0];
        s->sides.older_counters[at] = &s->changes[0][1];
    }
    s->sides.newer_decisions = s->changes[1][0];
    s->sides.newer_counters = &s->changes[1][1];
    return s;
}

static void sides_free(struct sides *s)
{
    for (int at = 0; at < BRIDGE_ROWS; at++) {
        for (int k = 0; k < TERMS_MONTHS; k++) {
            statistics_free(&s->statistics[at][k][0]);
            statistics_free(&s->statistics[at][k][1]);
        }
    }
    free(s);
}

/* The bridge from one point to the other: each end computed again is what it was, and the causes add up. */
static struct bridge bridge_of(struct point *older, struct point *newer, uint64_t seed)
{
    struct sides *s = sides_of(older, newer);
    struct bridge_maker *m = bridge_maker_new(&s->sides);
    const struct bridge_ends ends = {.older_month = older->month,
                                     .newer_month = newer->month,
                                     .older_engine = POSITION_ENGINE,
                                     .newer_engine = POSITION_ENGINE,
                                     .older = older->total,
                                     .newer = newer->total,
                                     .billable_older = older->billable,
                                     .billable_newer = newer->billable};
    struct bridge b;
    char reason[POSITION_REASON_SIZE];
    year_must(m != NULL);
    enum bridge_status status = bridge_make(m, &ends, &b, reason);
    if (status != BRIDGE_DONE)
        ck_abort_msg("contract-year %llu: %d %s", (unsigned long long)seed, (int)status, reason);
    int64_t sum = b.older;
    int64_t billable = b.billable_older;
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        const struct bridge_step *step = &b.step[c];
        int64_t moved = step->left_out_pence;
        for (size_t i = 0; i < step->count; i++)
            moved += step->line[i].pence;
        HOLDS(moved == step->pence, seed);
        HOLDS(step->changed || (step->pence == 0 && step->count == 0), seed);
        HOLDS(!step->with_next || step->pence == 0, seed);
        sum += step->pence;
        billable += step->billable;
        HOLDS(step->after == sum && step->billable_after == billable, seed);
    }
    HOLDS(sum == newer->total && billable == newer->billable, seed);
    bridge_maker_free(m);
    sides_free(s);
    return b;
}

/* Returns the rounds made. */
static uint64_t for_years(uint64_t standard, bool (*check)(struct contract_year *y, uint64_t seed))
{
    uint64_t base = property_seed();
    uint64_t rounds = property_rounds(standard);
    uint64_t done = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t seed = base * 1000003 + i;
        struct contract_year *y = contract_year_new(seed);
        done += check(y, seed) ? 1 : 0;
        contract_year_free(y);
    }
    printf("%llu of %llu contract-years had both positions\n", (unsigned long long)done, (unsigned long long)rounds);
    ck_assert(rounds < 50 || done > rounds / 10);
    return rounds;
}

static month_t some_month(struct contract_year *y)
{
    return YEAR_APRIL + (month_t)year_random(y, TERMS_MONTHS);
}

static uint64_t causes_seen[BRIDGE_CAUSES];

/* Whether the last row of the month is one of which something was said. */
static bool is_spoken_of(const struct contract_year *y, int32_t k)
{
    size_t last = y->row_count[k] - 1;
    bool found = false;
    for (size_t i = 0; i < y->changes; i++)
        found = found || (y->change[i].month == YEAR_APRIL + k && y->change[i].row == last);
    for (size_t i = 0; i < y->challenges; i++) {
        for (size_t r = 0; r < y->challenge[i].rows; r++) {
            const struct year_change *c = &y->challenge[i].row[r];
            found = found || (c->month == YEAR_APRIL + k && c->row == last);
        }
    }
    return found;
}

/* Takes away the last row of some months, as a later version of them might. */
static void drop_rows(struct contract_year *y)
{
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        if (year_chance(y, 20) && y->row_count[k] > 0 && !is_spoken_of(y, k))
            y->row_count[k]--;
    }
}

static bool any_two(struct contract_year *y, uint64_t seed)
{
    struct contract_year *later = contract_year_new(seed);
    struct point a;
    struct point b;
    month_t month = some_month(y);
    month_t other = year_chance(y, 50) ? month : some_month(y);
    drop_rows(later);
    bool both = point_of(&a, y, month, year_between(y, FIRST_KNOWN, YEAR_ALL_KNOWN)) &&
                point_of(&b, later, other, YEAR_ALL_KNOWN);
    if (both) {
        struct bridge there = bridge_of(&a, &b, seed);
        for (int c = 0; c < BRIDGE_CAUSES; c++)
            causes_seen[c] += there.step[c].pence != 0 ? 1 : 0;
        bridge_free(&there);
        struct bridge back = bridge_of(&b, &a, seed);
        bridge_free(&back);
    }
    contract_year_free(later);
    return both;
}

START_TEST(causes_of_any_two_positions_add_up)
{
    uint64_t rounds = for_years(400, any_two);
    for (int c = 0; c < BRIDGE_CAUSES; c++)
        printf("  %-16s moved pence %llu times\n", bridge_cause_name((enum bridge_cause)c),
               (unsigned long long)causes_seen[c]);
    uint64_t kinds = 0;
    for (int c = 0; c < BRIDGE_CAUSES; c++)
        kinds += causes_seen[c] > 0 ? 1 : 0;
    ck_assert(rounds < 400 || kinds >= 9);
}
END_TEST

static bool nothing_changed(struct contract_year *y, uint64_t seed)
{
    struct point a;
    struct point b;
    month_t month = some_month(y);
    if (!point_of(&a, y, month, YEAR_ALL_KNOWN) || !point_of(&b, y, month, YEAR_ALL_KNOWN))
        return false;
    struct bridge made = bridge_of(&a, &b, seed);
    for (int c = 0; c < BRIDGE_CAUSES; c++)
        HOLDS(!made.step[c].changed, seed);
    bridge_free(&made);
    return true;
}

START_TEST(the_same_inputs_have_no_cause)
{
    (void)for_years(200, nothing_changed);
}
END_TEST

/* Changes one thing of the year; which cause it is of. BRIDGE_CAUSES: there was nothing to change. */
static enum bridge_cause change_one(struct contract_year *y, month_t month)
{
    switch (year_random(y, 3)) {
    case 0:
        if (y->adjustments == 0 || y->adjustment[0].month > month)
            return BRIDGE_CAUSES;
        y->adjustment[0].pence += 12345;
        return BRIDGE_ADJUSTMENTS;
    case 1:
        if (y->withholds == 0 || y->withhold[0].month > month || y->withhold[0].state == WITHHOLD_OPEN)
            return BRIDGE_CAUSES;
        y->withhold[0].state = WITHHOLD_OPEN;
        y->withhold[0].decided_pence = 0;
        return BRIDGE_WITHHOLDS;
    default:
        if (y->challenges == 0)
            return BRIDGE_CAUSES;
        y->challenge[0].closed_at = y->challenge[0].raised_at; /* never open */
        return BRIDGE_CHALLENGES;
    }
}

static bool one_change(struct contract_year *y, uint64_t seed)
{
    struct contract_year *other = contract_year_new(seed);
    struct point a;
    struct point b;
    month_t month = some_month(y);
    enum bridge_cause cause = change_one(other, month);
    bool both =
        cause != BRIDGE_CAUSES && point_of(&a, y, month, YEAR_ALL_KNOWN) && point_of(&b, other, month, YEAR_ALL_KNOWN);
    if (both) {
        struct bridge made = bridge_of(&a, &b, seed);
        for (int c = 0; c < BRIDGE_CAUSES; c++)
            HOLDS(c == (int)cause || !made.step[c].changed, seed);
        HOLDS(made.step[cause].pence == b.total - a.total, seed);
        bridge_free(&made);
    }
    contract_year_free(other);
    return both;
}

START_TEST(a_single_change_shows_under_its_cause_alone)
{
    (void)for_years(300, one_change);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bridge properties");
    TCase *t = tcase_create("bridges");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, causes_of_any_two_positions_add_up);
    tcase_add_test(t, the_same_inputs_have_no_cause);
    tcase_add_test(t, a_single_change_shows_under_its_cause_alone);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
