#include "cli/demo_population.h"

#include "cli/demo_random.h"

#include <stdlib.h>

#define NO_NUMBER 1000000u

month_t demo_first_month(void)
{
    return financial_year_first(2012);
}

int demo_check_digit(uint32_t six_digits)
{
    uint32_t sum = 9 * (10 + 9 + 8);
    uint32_t weight = 2;
    for (uint32_t rest = six_digits, i = 0; i < 6; i++, rest /= 10) {
        sum += (rest % 10) * weight++;
    }
    uint32_t check = 11 - sum % 11;
    if (check == 10) {
        return -1;
    }
    return check == 11 ? 0 : (int)check;
}

/* The next usable number of the trust's part of the range; 999 999 9999 is on the list of refused numbers. */
static uint32_t next_number(uint32_t *cursor, uint32_t end)
{
    while (*cursor < end) {
        uint32_t six = (*cursor)++;
        if (six != 999999u && demo_check_digit(six) >= 0) {
            return six;
        }
    }
    return NO_NUMBER;
}

static struct demo_episode *append(struct demo_population *p)
{
    if (p->count == p->capacity) {
        uint32_t capacity = p->capacity == 0 ? 4096 : p->capacity * 2;
        struct demo_episode *grown = realloc(p->episodes, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        p->episodes = grown;
        p->capacity = capacity;
    }
    struct demo_episode *e = &p->episodes[p->count++];
    *e = (struct demo_episode){.end = DATE_NONE, .number = NO_NUMBER};
    return e;
}

static uint8_t draw_cluster(const struct demo_case_mix *mix, uint64_t seed, uint64_t subject, uint32_t detail)
{
    uint32_t at = demo_below(seed, subject, detail, DEMO_CASE_MIX, mix->total);
    for (uint8_t c = 0; c < DEMO_CLUSTERS; c++) {
        if (at < mix->weight[c]) {
            return c;
        }
        at -= mix->weight[c];
    }
    return 4;
}

/* One in seven final clusters is not the one the tool suggested (the clinician decides). */
static uint8_t draw_initial(uint8_t cluster, const struct demo_case_mix *mix, uint64_t seed, uint64_t subject)
{
    if (demo_below(seed, subject, 0, DEMO_INITIAL, 7) != 0) {
        return cluster;
    }
    return draw_cluster(mix, seed, subject, 77);
}

/* Of a thousand episodes of a cluster, how many are on a ward. None in 01-04 (rule R04 asks about those). */
static uint32_t inpatients_of_thousand(uint8_t cluster)
{
    switch (cluster) {
    case 14:
        return 260;
    case 15:
        return 220;
    case 13:
        return 60;
    case 16:
    case 17:
    case 21:
        return 40;
    default:
        return cluster < 5 ? 0 : 14;
    }
}

/* Days an MHCT may be old at the end of a month without falling due in the four weeks after it. Shorter than the
 * true review periods for the clusters that are reviewed once a year. */
static int32_t comfortable_age(uint8_t cluster)
{
    switch (cluster) {
    case 14:
    case 15:
        return 12;
    case 1:
        return 54;
    case 2:
        return 75;
    default:
        return 150;
    }
}

static void set_clinical(struct demo_episode *e, const struct demo_case_mix *mix, uint64_t seed, uint32_t index)
{
    e->cluster = draw_cluster(mix, seed, index, 0);
    e->initial = draw_initial(e->cluster, mix, seed, index);
    e->inpatient = demo_below(seed, index, 0, DEMO_INPATIENT, 1000) < inpatients_of_thousand(e->cluster);
}

/* Ends an episode at some day of the quarter or leaves it open: about 4 in 100 close each month. */
static void draw_end(struct demo_episode *e, uint64_t seed, uint32_t index, uint32_t months)
{
    for (uint32_t k = 0; k < months; k++) {
        month_t m = demo_first_month() + (month_t)k;
        if (month_last(m) <= e->start + 8 || demo_below(seed, index, k, DEMO_CLOSE, 25) != 0) {
            continue;
        }
        date_t from = month_first(m) + 1 > e->start + 8 ? month_first(m) + 1 : e->start + 8;
        uint32_t span = (uint32_t)(month_last(m) + 1 - from) + 1;
        e->end = from + (date_t)demo_below(seed, index, k + 10, DEMO_CLOSE, span);
        return;
    }
}

static void draw_first_mhct(struct demo_episode *e, uint64_t seed, uint32_t index)
{
    date_t oldest = month_first(demo_first_month()) - 100;
    if (e->start >= oldest) {
        e->mhct = e->start;
        e->mhct_reason = 10;
        return;
    }
    /* An old episode has been reviewed since. */
    e->mhct = oldest + (date_t)demo_below(seed, index, 0, DEMO_MHCT, 95);
    e->mhct_reason = 11;
}

static struct demo_episode *add_first(struct demo_population *p, const struct demo_trust *t,
                                      const struct demo_case_mix *mix, uint64_t seed, date_t start, uint32_t *cursor)
{
    uint32_t index = p->count;
    struct demo_episode *e = append(p);
    if (e == NULL) {
        return NULL;
    }
    e->patient = p->patients++;
    e->number = next_number(cursor, t->end_number);
    e->start = start;
    e->referral = start - 2 - (date_t)demo_below(seed, index, 0, DEMO_REFERRAL, 40);
    uint32_t at = demo_below(seed, e->patient, 0, DEMO_PAYER, 100);
    while (e->payer + 1 < DEMO_PAYERS && t->payers[e->payer + 1] != NULL && at >= t->payer_share[e->payer]) {
        at -= t->payer_share[e->payer];
        e->payer++;
    }
    set_clinical(e, mix, seed, index);
    draw_first_mhct(e, seed, index);
    return e;
}

/* The patient moves to another cluster on the day the last one ends: a new episode, a new MHCT that day. */
static bool add_following(struct demo_population *p, const struct demo_case_mix *mix, uint64_t seed, uint32_t months)
{
    for (;;) {
        uint32_t before = p->count - 1;
        uint32_t index = p->count;
        date_t last = month_last(demo_first_month() + (month_t)months - 1);
        struct demo_episode *was = &p->episodes[before];
        if (was->end == DATE_NONE || was->end > last || demo_below(seed, before, 0, DEMO_NEXT, 5) >= 2) {
            return true;
        }
        was->moved_on = true;
        struct demo_episode *e = append(p);
        if (e == NULL) {
            return false;
        }
        was = &p->episodes[before];
        *e = *was;
        e->start = was->end;
        e->end = DATE_NONE;
        e->moved_on = false;
        e->moved_in = true;
        set_clinical(e, mix, seed, index);
        /* Downwards only: an early re-assessment into a dearer cluster is what rule R07 asks about. */
        if (e->cluster >= was->cluster) {
            e->cluster = was->cluster > 1 ? (uint8_t)(was->cluster == 10 ? 8 : was->cluster - 1) : 2;
            e->initial = e->cluster;
            e->inpatient = e->cluster >= 5 && e->inpatient;
        }
        e->mhct = e->start;
        e->mhct_reason = 12;
        draw_end(e, seed, index, months);
    }
}

static bool add_new_of_month(struct demo_population *p, const struct demo_trust *t, const struct demo_case_mix *mix,
                             uint64_t seed, uint32_t k, uint32_t months, uint32_t *cursor)
{
    month_t m = demo_first_month() + (month_t)k;
    uint32_t referrals = t->open_at_start / 22 + 1;
    for (uint32_t i = 0; i < referrals; i++) {
        uint32_t index = p->count;
        uint32_t day = demo_below(seed, index, 1, DEMO_START, (uint32_t)month_days(m));
        struct demo_episode *e = add_first(p, t, mix, seed, month_first(m) + (date_t)day, cursor);
        if (e == NULL) {
            return false;
        }
        if (demo_below(seed, index, 0, DEMO_ASSESSMENT, 6) == 0) {
            e->assessment_only = true;
            e->inpatient = false;
            e->end = e->start + 1;
            continue;
        }
        draw_end(e, seed, index, months);
        e->late = demo_below(seed, index, 0, DEMO_LATE, 12) == 0;
        if (!e->late && !add_following(p, mix, seed, months)) {
            return false;
        }
    }
    return true;
}

static bool fill(struct demo_population *p, const struct demo_trust *t, const struct demo_case_mix *mix, uint64_t seed,
                 uint32_t months)
{
    uint32_t cursor = t->first_number;
    date_t first = month_first(demo_first_month());
    for (uint32_t i = 0; i < t->open_at_start; i++) {
        uint32_t index = p->count;
        date_t start = first - 1 - (date_t)demo_below(seed, index, 0, DEMO_START, 900);
        struct demo_episode *e = add_first(p, t, mix, seed, start, &cursor);
        if (e == NULL) {
            return false;
        }
        draw_end(e, seed, index, months);
        if (!add_following(p, mix, seed, months)) {
            return false;
        }
    }
    for (uint32_t k = 0; k < months; k++) {
        if (!add_new_of_month(p, t, mix, seed, k, months, &cursor)) {
            return false;
        }
    }
    return true;
}

bool demo_populate(struct demo_population *p, const struct demo_trust *trust, const struct demo_case_mix *mix,
                   uint64_t seed, uint32_t months)
{
    *p = (struct demo_population){0};
    if (!fill(p, trust, mix, seed, months)) {
        demo_population_free(p);
        return false;
    }
    return true;
}

void demo_population_free(struct demo_population *p)
{
    free(p->episodes);
    *p = (struct demo_population){0};
}

bool demo_in_month(const struct demo_episode *e, month_t m)
{
    return e->start <= month_last(m) && (e->end == DATE_NONE || e->end >= month_first(m));
}

date_t demo_mhct_at(const struct demo_episode *e, uint64_t seed, uint32_t index, month_t m, uint8_t *reason)
{
    date_t mhct = e->mhct;
    *reason = e->mhct_reason;
    for (month_t k = demo_first_month(); k <= m; k++) {
        date_t last = month_last(k);
        bool open = e->start <= last && (e->end == DATE_NONE || e->end > last);
        if (!open || mhct >= last - comfortable_age(e->cluster)) {
            continue;
        }
        /* Later than the start: an episode younger than the comfortable age did not come here. */
        mhct = last - (date_t)demo_below(seed, index, (uint32_t)k, DEMO_REVIEW, 10);
        *reason = 11;
    }
    return mhct;
}
