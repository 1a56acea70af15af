/* Counting and pricing are apart. Days are counted by cluster, service and day of the month, as differences (+1 on the
 * first day of a stretch, -1 on the first day behind it); services that no price names count together. Pricing takes
 * the running sum, stretch by stretch of days on which no price changes. What is charged by PERIOD is valued stay by
 * stay and summed by price. */
#include "domain/activity.h"

#include "domain/assessments.h"
#include "domain/claiming.h"
#include "domain/money.h"
#include "domain/payability.h"
#include "domain/statistics_internal.h"

#include <stdlib.h>
#include <string.h>

/* One cluster, service and month; one more place for the ends behind the last day. */
struct day_differences {
    int64_t admitted[STATISTICS_DAYS + 1];
    int64_t others[STATISTICS_DAYS + 1];
    bool used;
};

/* Of one price of PERIOD or ASSESSMENT. */
struct price_sum {
    int64_t units;
    int64_t pence;
};

struct month_counts {
    const struct activity_month *in; /* NULL: no such month */
    struct payability *payability;
    struct claiming *claiming;        /* NULL: no assessment of the month is paid for */
    bool prices_needed;               /* K06 is an ERROR: a row with a day without a price is not payable */
    int32_t service_count;            /* services that prices name; place 0 is for all others */
    char (*service)[TERMS_CODE_SIZE]; /* service_count of them */
    struct day_differences *days;     /* [(1 + service_count) * TERMS_CLUSTERS] */
    struct price_sum *sums;           /* by place in terms.price */
    int64_t unpriced_days;
};

struct counting {
    const struct activity_input *in;
    struct month_counts months[TERMS_MONTHS];
    struct assessments *assessments;
    const struct row_change **changed; /* candidates among the changed rows, sorted as candidates are */
    size_t changed_count;
    enum activity_status status; /* of the first failure */
};

static bool fail(struct counting *c, enum activity_status status)
{
    c->status = status;
    return false;
}

static int32_t service_place(const struct month_counts *m, const char *service)
{
    for (int32_t i = 0; service[0] != '\0' && i < m->service_count; i++) {
        if (strcmp(m->service[i], service) == 0)
            return i + 1;
    }
    return 0;
}

static const char *place_name(const struct month_counts *m, int32_t place)
{
    return place == 0 ? "" : m->service[place - 1];
}

static bool begin_month(struct counting *c, const struct activity_month *in)
{
    const struct terms *t = in->terms;
    struct month_counts *m = &c->months[month_number(in->month) - 1];
    if (m->in != NULL || month_financial_year(in->month) != t->financial_year ||
        (in->statistics != NULL && in->statistics->month != in->month))
        return fail(c, ACTIVITY_NOT_STATISTICS);
    m->in = in;
    m->payability = payability_new(t, in->reviews, c->in->commissioner, in->month);
    m->service = calloc((size_t)t->price_count + 1, sizeof *m->service);
    m->sums = calloc((size_t)t->price_count + 1, sizeof *m->sums);
    bool pays = claiming_pays(t, in->month);
    if (pays)
        m->claiming = claiming_new(t, in->reviews, in->month);
    if (m->payability == NULL || m->service == NULL || m->sums == NULL || (pays && m->claiming == NULL))
        return fail(c, ACTIVITY_NO_MEMORY);
    m->prices_needed = (payability_errors(m->payability) & rule_set_of(RULE_K06)) != 0;
    for (int32_t i = 0; i < t->price_count; i++) {
        const char *service = t->price[i].service;
        if (service[0] != '\0' && service_place(m, service) == 0)
            memcpy(m->service[m->service_count++], service, TERMS_CODE_SIZE);
    }
    m->days = calloc((size_t)(m->service_count + 1) * TERMS_CLUSTERS, sizeof *m->days);
    return m->days != NULL || fail(c, ACTIVITY_NO_MEMORY);
}

/* Adds count to the days [from, to). */
static bool count_stretch(int64_t *days, int32_t from, int32_t to, int64_t count)
{
    return money_add(days[from], count, &days[from]) && money_subtract(days[to], count, &days[to]);
}

/* The periods of rows that are alike; start is theirs, to the first day behind them. */
static bool count_periods(struct counting *c, struct month_counts *m, int16_t cluster, int32_t place, date_t start,
                          date_t to, int64_t count)
{
    const struct terms *t = m->in->terms;
    struct period_parts parts;
    int64_t unpriced;
    if (valuation_periods(t, cluster, c->in->commissioner, place_name(m, place), m->in->month, start, to, &parts) ==
        ROW_OVERFLOW)
        return fail(c, ACTIVITY_OVERFLOW);
    for (int i = 0; i < parts.count; i++) {
        struct price_sum *sum = &m->sums[parts.part[i].price - t->price];
        int64_t units;
        int64_t pence;
        if (!money_multiply(parts.part[i].days, count, &units) || !money_add(sum->units, units, &sum->units) ||
            !money_multiply(parts.part[i].pence, count, &pence) || !money_add(sum->pence, pence, &sum->pence))
            return fail(c, ACTIVITY_OVERFLOW);
    }
    return (money_multiply(parts.unpriced_days, count, &unpriced) &&
            money_add(m->unpriced_days, unpriced, &m->unpriced_days)) ||
           fail(c, ACTIVITY_OVERFLOW);
}

/* The days of a payable row, at most `most` of them (-1: all), count times (negative: taken out again). */
static bool count_row(struct counting *c, struct month_counts *m, const struct activity_row *row, int32_t most,
                      int64_t count)
{
    int16_t cluster = (int16_t)cluster_index(row->cluster);
    const char *service = row->service == NULL ? "" : row->service;
    if (cluster < 0)
        return true;
    int32_t place = service_place(m, service);
    bool by_period = payability_day_pricing(m->payability, cluster, service) == DAYS_PRICED_BY_PERIOD;
    const struct review_periods *reviews = m->in->reviews;
    struct row_days days = by_period ? valuation_period_days(m->in->terms, reviews, m->in->month, row)
                                     : valuation_days(m->in->terms, reviews, m->in->month, row);
    if (most >= 0 && days.from + most < days.to)
        days.to = days.from + most;
    if (days.to <= days.from)
        return true;
    if (by_period)
        return count_periods(c, m, cluster, place, row->start_date, days.to, count);
    date_t first = month_first(m->in->month);
    int32_t admitted = row->admitted_days > 0 ? row->admitted_days : 0;
    date_t middle = admitted < days.to - days.from ? days.from + admitted : days.to;
    struct day_differences *d = &m->days[place * TERMS_CLUSTERS + cluster];
    d->used = true;
    return (count_stretch(d->admitted, days.from - first, middle - first, count) &&
            count_stretch(d->others, middle - first, days.to - first, count)) ||
           fail(c, ACTIVITY_OVERFLOW);
}

/* A stay or a candidate as a row that has nothing but days. The texts are borrowed from class and code. */
static struct activity_row row_of_stay(month_t month, const struct statistics_class *class, const char *code,
                                       date_t start, int8_t to, int8_t admitted, bool closing)
{
    return (struct activity_row){.episode_id = "",
                                 .cluster = code,
                                 .service = class->service,
                                 .start_date = start,
                                 .end_date = month_first(month) + to,
                                 .mhct_date = DATE_NONE,
                                 .referral_date = DATE_NONE,
                                 .last_contact = DATE_NONE,
                                 .admitted_days = admitted,
                                 .continues = !closing};
}

/* The stays of one class, each of which K06 may leave out. */
static bool count_stays(struct counting *c, struct month_counts *m, int32_t class, size_t *at)
{
    const struct statistics *s = m->in->statistics;
    char code[3];
    cluster_code(s->class[class].cluster, code);
    while (*at < s->stay_count && s->stay[*at].class < class)
        ++*at;
    for (; *at < s->stay_count && s->stay[*at].class == class; ++*at) {
        const struct statistics_stay *y = &s->stay[*at];
        struct activity_row row =
            row_of_stay(s->month, &s->class[class], code, y -> start, y -> to, y -> admitted, y -> closing);
        if (m->prices_needed && payability_lacks_price(m->payability, &row))
            continue;
        if (!count_row(c, m, &row, -1, y->count))
            return false;
    }
    return true;
}

static bool add_days(int64_t *differences, const int64_t days[STATISTICS_DAYS], int32_t length)
{
    bool fits = true;
    for (int32_t d = 0; fits && d < length; d++)
        fits = days[d] == 0 || count_stretch(differences, d, d + 1, days[d]);
    return fits;
}

/* All days of a class at once. */
static bool count_class(struct counting *c, struct month_counts *m, int32_t class)
{
    const struct statistics *s = m->in->statistics;
    const struct statistics_days *days = &s->days[class];
    int32_t length = month_days(s->month);
    int32_t place = service_place(m, s->class[class].service);
    struct day_differences *d = &m->days[place * TERMS_CLUSTERS + s->class[class].cluster];
    bool fits = add_days(d->admitted, days->admitted, length) && add_days(d->others, days->others, length);
    if (fits && m->in->terms->end_inclusive)
        fits =
            add_days(d->admitted, days->closing_admitted, length) && add_days(d->others, days->closing_others, length);
    d->used = true;
    return fits || fail(c, ACTIVITY_OVERFLOW);
}

static bool class_allowed(const struct month_counts *m, const struct statistics_class *class)
{
    char code[3];
    const struct row_marks marks = {class->failed, class->approved, class->minor};
    cluster_code(class->cluster, code);
    return payability_allows_class(m->payability, code, class->service, &marks);
}

static uint32_t part_bit(enum statistics_part part)
{
    return UINT32_C(1) << part;
}

/* Whether days are counted stay by stay: their sums by day would not tell whose they are. */
static bool counted_singly(enum day_pricing pricing, bool prices_needed)
{
    return pricing == DAYS_PRICED_BY_PERIOD || (pricing == DAYS_PARTLY_PRICED && prices_needed);
}

static bool count_month(struct counting *c, struct month_counts *m)
{
    const struct statistics *s = m->in->statistics;
    size_t at = 0;
    bool counted = true;
    for (int32_t i = 0; counted && s != NULL && i < s->class_count; i++) {
        const struct statistics_class *class = &s->class[i];
        enum day_pricing pricing = payability_day_pricing(m->payability, class->cluster, class->service);
        if (!class_allowed(m, class) || (pricing == DAYS_NONE_PRICED && m->prices_needed))
            continue;
        bool singly = counted_singly(pricing, m->prices_needed);
        if ((s->parts & part_bit(singly ? STATISTICS_PART_STAYS : STATISTICS_PART_DAYS)) == 0)
            return fail(c, ACTIVITY_NOT_STATISTICS);
        counted = singly ? count_stays(c, m, i, &at) : count_class(c, m, i);
    }
    return counted;
}

/* Assessments */

static int compare_rows(const struct episode *a, const struct statistics_candidate *b)
{
    int order = memcmp(a->patient, b->patient, sizeof a->patient);
    if (order == 0)
        order = (a->mhct_date > b->mhct_date) - (a->mhct_date < b->mhct_date);
    return order != 0 ? order : strcmp(a->episode_id, b->episode_id);
}

static int compare_changed(const void *left, const void *right)
{
    const struct statistics_candidate b =
        statistics_candidate_of(&(*(const struct row_change *const *)right)->row, 0, NULL);
    return compare_rows(&(*(const struct row_change *const *)left)->row, &b);
}

static int compare_to_candidate(const void *wanted, const void *member)
{
    const struct episode *row = &(*(const struct row_change *const *)member)->row;
    return -compare_rows(row, wanted);
}

static bool is_changed(const struct counting *c, const struct statistics_candidate *a)
{
    return c->changed_count > 0 &&
           bsearch(a, c->changed, c->changed_count, sizeof(void *), compare_to_candidate) != NULL;
}

/* A row that claims. pays: the account pays for it, if it has a price for it. */
static bool offer(struct counting *c, const struct month_counts *m, const struct statistics_candidate *a,
                  int16_t cluster, const char *service, bool pays)
{
    int32_t place = service_place(m, service);
    bool priced = terms_price_on(m->in->terms, cluster, BASIS_ASSESSMENT, c->in->commissioner, place_name(m, place),
                                 a->mhct_date) != NULL;
    struct assessment made = {.mhct_date = a->mhct_date,
                              .referral = a->referral,
                              .month = m->in->month,
                              .service = place,
                              .cluster = cluster,
                              .row_no = a->row_no,
                              .other = !pays || !priced};
    memcpy(made.patient, a->patient, sizeof made.patient);
    return assessments_offer(c->assessments, &made, a->episode_id) || fail(c, ACTIVITY_NO_MEMORY);
}

/* The candidates of one submission and commissioner. */
static bool offer_candidates(struct counting *c, const struct month_counts *m, const struct statistics *s, bool other)
{
    if ((s->parts & part_bit(STATISTICS_PART_CANDIDATES)) == 0)
        return fail(c, ACTIVITY_NOT_STATISTICS);
    bool *allowed = calloc((size_t)s->class_count + 1, sizeof *allowed);
    if (allowed == NULL)
        return fail(c, ACTIVITY_NO_MEMORY);
    for (int32_t i = 0; i < s->class_count; i++)
        allowed[i] = class_allowed(m, &s->class[i]);
    bool offered = true;
    for (size_t i = 0; offered && i < s->candidate_count; i++) {
        const struct statistics_candidate *a = &s->candidate[i];
        const struct statistics_class *class = &s->class[a->class];
        char code[3];
        cluster_code(class->cluster, code);
        struct activity_row row = row_of_stay(m->in->month, class, code, a->start, a->to, a->admitted, a->closing);
        row.assessment_only = a->assessment_only;
        row.mhct_date = a->mhct_date;
        bool has_days = a->assessment_only || a->start != DATE_NONE;
        if (!allowed[a->class] || is_changed(c, a) || !claiming_priced(m->claiming, &row, has_days))
            continue;
        bool lacks = m->prices_needed && has_days && payability_lacks_price(m->payability, &row);
        offered = offer(c, m, a, class->cluster, class->service, !other && !lacks);
    }
    free(allowed);
    return offered;
}

static bool offer_month(struct counting *c, const struct month_counts *m)
{
    const struct activity_month *in = m->in;
    if (m->claiming == NULL)
        return true;
    bool offered = in->statistics == NULL || offer_candidates(c, m, in->statistics, false);
    for (size_t i = 0; offered && i < in->other_count; i++)
        offered = in->others[i]->month == in->month ? offer_candidates(c, m, in->others[i], true)
                                                    : fail(c, ACTIVITY_NOT_STATISTICS);
    return offered;
}

/* Changed rows */

static bool allows(const struct month_counts *m, const struct episode *e)
{
    const struct row_marks marks = {e->failed, e->approved, e->minor};
    struct activity_row row = episode_activity(e);
    return payability_allows(m->payability, &row, &marks);
}

static bool claims(const struct month_counts *m, const struct episode *e)
{
    const struct row_marks marks = {e->failed, e->approved, e->minor};
    const struct activity_row row = episode_activity(e);
    return m->claiming != NULL && statistics_is_candidate(m->in->month, e) &&
           claiming_allows(m->claiming, &row, &marks);
}

/* Whether the statistics have an assessment of the referral, claiming or not, of a row that is not changed. */
static bool has_referral(const struct counting *c, const struct statistics *s, const struct statistics_candidate *a)
{
    size_t i = statistics_first_of_referral(s, a);
    while (i < s->candidate_count && statistics_same_referral(&s->candidate[i], a) && is_changed(c, &s->candidate[i]))
        i++;
    return i < s->candidate_count && statistics_same_referral(&s->candidate[i], a);
}

/* Whether another account has an assessment of the referral, claiming or not. */
static bool is_shared(const struct counting *c, const struct statistics_candidate *a)
{
    for (int k = 0; k < TERMS_MONTHS; k++) {
        const struct month_counts *m = &c->months[k];
        for (size_t i = 0; m->claiming != NULL && i < m->in->other_count; i++) {
            if (has_referral(c, m->in->others[i], a))
                return true;
        }
    }
    for (size_t i = 0; i < c->changed_count; i++) {
        const struct row_change *other = c->changed[i];
        const struct statistics_candidate b = statistics_candidate_of(&other->row, 0, NULL);
        bool counts = !other->is_here && (other->cluster >= 0 || cluster_index(other->row.cluster) >= 0);
        if (counts && c->months[month_number(other->month) - 1].claiming != NULL && statistics_same_referral(&b, a))
            return true;
    }
    return false;
}

static bool apply_change(struct counting *c, const struct row_change *change)
{
    struct month_counts *m = &c->months[month_number(change->month) - 1];
    struct episode after = change->row;
    if (m->in == NULL || m->in->month != change->month)
        return fail(c, ACTIVITY_NOT_STATISTICS);
    struct activity_row before = episode_activity(&change->row);
    if (change->was_here && allows(m, &change->row) && !count_row(c, m, &before, -1, -1))
        return false;
    if (change->cluster >= 0)
        cluster_code(change->cluster, after.cluster);
    if (change->not_payable)
        return true;
    struct activity_row row = episode_activity(&after);
    bool pays = change->is_here && allows(m, &after);
    if (pays && !count_row(c, m, &row, change->payable_days, 1))
        return false;
    const struct statistics_candidate a = statistics_candidate_of(&after, 0, NULL);
    /* Of a claim that it did not have as it was sent other accounts do not know. */
    return !claims(m, &after) || (!claims(m, &change->row) && (!change->is_here || is_shared(c, &a))) ||
           offer(c, m, &a, (int16_t)cluster_index(after.cluster), after.service, pays);
}

static bool list_changed(struct counting *c)
{
    c->changed = calloc(c->in->change_count + 1, sizeof(void *));
    if (c->changed == NULL)
        return fail(c, ACTIVITY_NO_MEMORY);
    for (size_t i = 0; i < c->in->change_count; i++) {
        const struct row_change *change = &c->in->changes[i];
        if (statistics_is_candidate(change->month, &change->row))
            c->changed[c->changed_count++] = change;
    }
    if (c->changed_count > 0)
        qsort(c->changed, c->changed_count, sizeof(void *), compare_changed);
    return true;
}

static size_t candidates_of(const struct activity_input *in)
{
    size_t count = in->change_count;
    for (size_t i = 0; i < in->month_count; i++) {
        const struct activity_month *m = &in->months[i];
        bool pays = claiming_pays(m->terms, m->month);
        count += pays && m->statistics != NULL ? m->statistics->candidate_count : 0;
        for (size_t n = 0; pays && n < m->other_count; n++)
            count += m->others[n]->candidate_count;
    }
    return count;
}

static bool count_all(struct counting *c)
{
    const struct activity_input *in = c->in;
    c->assessments = assessments_new(candidates_of(in));
    bool counted = c->assessments != NULL ? list_changed(c) : fail(c, ACTIVITY_NO_MEMORY);
    for (size_t i = 0; counted && i < in->month_count; i++)
        counted = begin_month(c, &in->months[i]);
    for (int k = 0; counted && k < TERMS_MONTHS; k++) {
        if (c->months[k].in != NULL)
            counted = count_month(c, &c->months[k]) && offer_month(c, &c->months[k]);
    }
    for (size_t i = 0; counted && i < in->change_count; i++)
        counted = apply_change(c, &in->changes[i]);
    return counted;
}

/* Pricing */

/* Lines are gathered in a growing array and merged after sorting. */
struct gathering {
    struct activity_lines lines;
    size_t room;
};

static bool add_line(struct counting *c, struct gathering *g, month_t month, const struct terms_price *p, int64_t units,
                     int64_t pence)
{
    if (g->lines.count == g->room) {
        size_t room = g->room == 0 ? 64 : g->room * 2;
        struct activity_line *grown = realloc(g->lines.line, room * sizeof *grown);
        if (grown == NULL)
            return fail(c, ACTIVITY_NO_MEMORY);
        g->lines.line = grown;
        g->room = room;
    }
    g->lines.line[g->lines.count++] = (struct activity_line){.month = month,
                                                             .cluster = p->cluster,
                                                             .basis = p->basis,
                                                             .price_pence = p->pence,
                                                             .units = units,
                                                             .pence = pence,
                                                             .price_index = p->index};
    return true;
}

static bool price_units(struct counting *c, struct gathering *g, month_t month, const struct terms_price *p,
                        int64_t units)
{
    int64_t pence;
    if (units == 0)
        return true;
    return money_multiply(units, p->pence, &pence) ? add_line(c, g, month, p, units, pence)
                                                   : fail(c, ACTIVITY_OVERFLOW);
}

/* A stretch of days on which prices do not change: one look-up for all of it. */
static bool price_stretch(struct counting *c, struct month_counts *m, int32_t cell, date_t day, int64_t admitted,
                          int64_t others, struct gathering *g)
{
    const struct terms *t = m->in->terms;
    const char *code = c->in->commissioner;
    const char *service = place_name(m, cell / TERMS_CLUSTERS);
    int cluster = cell % TERMS_CLUSTERS;
    month_t month = m->in->month;
    int64_t days;
    if (!money_add(admitted, others, &days))
        return fail(c, ACTIVITY_OVERFLOW);
    if (days == 0)
        return true;
    enum day_basis charged = terms_day_basis(t, cluster, code, service, day);
    if (charged == DAYS_DAY)
        return price_units(c, g, month, terms_price_on(t, cluster, BASIS_DAY, code, service, day), days);
    if (charged != DAYS_SPLIT)
        return money_add(m->unpriced_days, days, &m->unpriced_days) || fail(c, ACTIVITY_OVERFLOW);
    return price_units(c, g, month, terms_price_on(t, cluster, BASIS_ADMITTED, code, service, day), admitted) &&
           price_units(c, g, month, terms_price_on(t, cluster, BASIS_NONADMITTED, code, service, day), others);
}

/* One cluster and service: its days, stretch by stretch. */
static bool price_cell(struct counting *c, struct month_counts *m, int32_t cell, struct gathering *g)
{
    const struct day_differences *d = &m->days[cell];
    date_t first = month_first(m->in->month);
    date_t behind = month_first(m->in->month + 1);
    int64_t admitted = 0;
    int64_t others = 0;
    for (date_t day = first; day < behind;) {
        date_t from = day;
        date_t change = terms_next_change(m->in->terms, cell % TERMS_CLUSTERS, day, behind);
        int64_t admitted_days = 0;
        int64_t other_days = 0;
        for (; day < change; day++) {
            if (!money_add(admitted, d->admitted[day - first], &admitted) ||
                !money_add(others, d->others[day - first], &others) ||
                !money_add(admitted_days, admitted, &admitted_days) || !money_add(other_days, others, &other_days))
                return fail(c, ACTIVITY_OVERFLOW);
            if (admitted < 0 || others < 0)
                return fail(c, ACTIVITY_NOT_STATISTICS);
        }
        if (!price_stretch(c, m, cell, from, admitted_days, other_days, g))
            return false;
    }
    return true;
}

static bool price_month(struct counting *c, struct month_counts *m, struct gathering *g)
{
    const struct terms *t = m->in->terms;
    for (int32_t cell = 0; cell < (m->service_count + 1) * TERMS_CLUSTERS; cell++) {
        if (m->days[cell].used && !price_cell(c, m, cell, g))
            return false;
    }
    for (int32_t i = 0; i < t->price_count; i++) {
        const struct price_sum *sum = &m->sums[i];
        if (sum->units < 0)
            return fail(c, ACTIVITY_NOT_STATISTICS);
        if (sum->units > 0 && !add_line(c, g, m->in->month, &t->price[i], sum->units, sum->pence))
            return false;
    }
    g->lines.unpriced_days[month_number(m->in->month) - 1] = m->unpriced_days;
    return true;
}

static int compare_earned(const void *left, const void *right)
{
    const struct activity_earned *a = left;
    const struct activity_earned *b = right;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (a->row_no > b->row_no) - (a->row_no < b->row_no);
}

/* Before the months are priced. */
static bool sum_assessments(struct counting *c, struct activity_lines *lines)
{
    size_t place = 0;
    const struct assessment *a;
    lines->earned = calloc(assessments_count(c->assessments) + 1, sizeof *lines->earned);
    if (lines->earned == NULL)
        return fail(c, ACTIVITY_NO_MEMORY);
    while ((a = assessments_next(c->assessments, &place)) != NULL) {
        struct month_counts *m = &c->months[month_number(a->month) - 1];
        const struct terms *t = m->in->terms;
        const struct terms_price *p = terms_price_on(t, a->cluster, BASIS_ASSESSMENT, c->in->commissioner,
                                                     place_name(m, a->service), a->mhct_date);
        if (a->other || p == NULL)
            continue;
        struct price_sum *sum = &m->sums[p - t->price];
        lines->earned[lines->earned_count++] = (struct activity_earned){a->month, a->row_no};
        sum->units++;
        if (!money_add(sum->pence, p->pence, &sum->pence))
            return fail(c, ACTIVITY_OVERFLOW);
    }
    qsort(lines->earned, lines->earned_count, sizeof *lines->earned, compare_earned);
    return true;
}

static int compare_lines(const void *left, const void *right)
{
    const struct activity_line *a = left;
    const struct activity_line *b = right;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    if (a->basis != b->basis)
        return a->basis < b->basis ? -1 : 1;
    if (a->price_pence != b->price_pence)
        return a->price_pence < b->price_pence ? -1 : 1;
    return (a->price_index > b->price_index) - (a->price_index < b->price_index);
}

static bool merge_lines(struct activity_lines *lines)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const struct activity_line *from = &lines->line[i];
        struct activity_line *to = kept == 0 ? NULL : &lines->line[kept - 1];
        if (to == NULL || to->month != from->month || to->cluster != from->cluster || to->basis != from->basis ||
            to->price_pence != from->price_pence) {
            lines->line[kept++] = *from;
            continue;
        }
        to->several = to->several || from->price_index != to->price_index;
        if (!money_add(to->units, from->units, &to->units) || !money_add(to->pence, from->pence, &to->pence))
            return false;
    }
    lines->count = kept;
    return true;
}

static bool price_all(struct counting *c, struct gathering *g)
{
    bool priced = sum_assessments(c, &g->lines);
    for (int k = 0; priced && k < TERMS_MONTHS; k++)
        priced = c->months[k].in == NULL || price_month(c, &c->months[k], g);
    if (!priced)
        return false;
    if (g->lines.count > 0)
        qsort(g->lines.line, g->lines.count, sizeof *g->lines.line, compare_lines);
    return merge_lines(&g->lines) || fail(c, ACTIVITY_OVERFLOW);
}

enum activity_status activity_value(const struct activity_input *in, struct activity_lines *out)
{
    struct counting c = {.in = in, .status = ACTIVITY_DONE};
    struct gathering g = {0};
    bool done = count_all(&c) && price_all(&c, &g);
    for (int k = 0; k < TERMS_MONTHS; k++) {
        payability_free(c.months[k].payability);
        claiming_free(c.months[k].claiming);
        free(c.months[k].service);
        free(c.months[k].days);
        free(c.months[k].sums);
    }
    assessments_free(c.assessments);
    free(c.changed);
    if (done)
        *out = g.lines;
    else
        activity_lines_free(&g.lines);
    return c.status;
}

bool activity_parts(const struct terms *t, const char *commissioner, month_t month, uint32_t *parts)
{
    struct payability *p = payability_new(t, NULL, commissioner, month);
    if (p == NULL)
        return false;
    bool prices_needed = (payability_errors(p) & rule_set_of(RULE_K06)) != 0;
    *parts = part_bit(STATISTICS_PART_DAYS);
    if (claiming_pays(t, month))
        *parts |= part_bit(STATISTICS_PART_CANDIDATES);
    for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++) {
        if (counted_singly(payability_day_pricing(p, cluster, ""), prices_needed))
            *parts |= part_bit(STATISTICS_PART_STAYS);
    }
    for (int32_t i = 0; i < t->price_count; i++) {
        if (counted_singly(payability_day_pricing(p, t->price[i].cluster, t->price[i].service), prices_needed))
            *parts |= part_bit(STATISTICS_PART_STAYS);
    }
    payability_free(p);
    return true;
}

void activity_lines_free(struct activity_lines *lines)
{
    free(lines->line);
    free(lines->earned);
    lines->line = NULL;
    lines->count = 0;
    lines->earned = NULL;
    lines->earned_count = 0;
}

struct activity_lines activity_lines_to(const struct activity_lines *all, month_t m)
{
    struct activity_lines lines = *all;
    lines.count = 0;
    while (lines.count < all->count && all->line[lines.count].month <= m)
        lines.count++;
    for (int32_t i = month_number(m); i < TERMS_MONTHS; i++)
        lines.unpriced_days[i] = 0;
    return lines;
}
