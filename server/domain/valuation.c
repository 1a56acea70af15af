/* Counting and pricing. Days are counted as differences: +1 on the first day of a stretch, -1 on the first day behind
 * it, so that a row costs the same whatever its length; pricing takes the running sum, day by day. */
#include "domain/valuation.h"

#include "domain/assessments.h"
#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

#define DAYS_MAX 31

/* One cluster, service and month. Index DAYS_MAX takes the ends behind the last day. */
struct day_counts {
    int64_t admitted[DAYS_MAX + 1];
    int64_t others[DAYS_MAX + 1];
    bool used;
};

struct month_counts {
    const struct terms *terms; /* NULL: month not begun */
    month_t month;
    int32_t service_count;            /* services that prices name; place 0 is for all others */
    char (*service)[TERMS_CODE_SIZE]; /* service_count of them */
    struct day_counts *counts;        /* [(1 + service_count) * TERMS_CLUSTERS] */
};

struct valuation {
    char commissioner[TERMS_CODE_SIZE];
    const struct review_periods *reviews;
    struct month_counts months[TERMS_MONTHS];
    struct month_counts *current;
    int32_t financial_year;
    struct assessments *assessments;
};

date_t review_periods_due(const struct review_periods *reviews, int cluster, date_t mhct)
{
    if (reviews == NULL || mhct == DATE_NONE || cluster < 0 ||
        (reviews->days[cluster] == 0 && reviews->months[cluster] == 0)) {
        return DATE_NONE;
    }
    return reviews->months[cluster] > 0 ? date_add_months(mhct, reviews->months[cluster])
                                        : mhct + reviews->days[cluster];
}

struct row_days valuation_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                               const struct activity_row *row)
{
    date_t first = month_first(month);
    date_t behind = month_first(month + 1);
    struct row_days days = {first, first};
    if (row->assessment_only || row->start_date == DATE_NONE) {
        return days;
    }
    days.from = row->start_date > first ? row->start_date : first;
    days.to = behind;
    if (row->end_date != DATE_NONE && row->end_date < behind) {
        bool closing_day = t->end_inclusive && !row->continues && row->end_date >= days.from;
        days.to = row->end_date + (closing_day ? 1 : 0);
    }
    if (t->rules.stop_pay) {
        date_t due = review_periods_due(reviews, cluster_index(row->cluster), row->mhct_date);
        if (due != DATE_NONE && due + t->rules.grace_days + 1 < days.to) {
            days.to = due + t->rules.grace_days + 1;
        }
    }
    if (days.to < days.from) {
        days.from = first;
        days.to = first;
    }
    return days;
}

static const char *text_of(const char *text)
{
    return text == NULL ? "" : text;
}

/* First day behind the row's admitted days. */
static date_t admitted_end(const struct row_days *days, const struct activity_row *row)
{
    int32_t length = days->to - days->from;
    int32_t admitted = row->admitted_days > 0 ? row->admitted_days : 0;
    return days->from + (admitted < length ? admitted : length);
}

static bool is_assessed_in(month_t month, const struct activity_row *row)
{
    return (row->assessment_only || row->mhct_reason == 10) && row->mhct_date != DATE_NONE &&
           month_of(row->mhct_date) == month;
}

/* The price of the assessment that a row may earn in the month, or NULL: not assessed then, or no price. */
static const struct terms_price *assessment_price(const struct terms *t, const char *commissioner, month_t month,
                                                  const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    if (cluster < 0 || !is_assessed_in(month, row)) {
        return NULL;
    }
    return terms_price_on(t, cluster, BASIS_ASSESSMENT, commissioner, text_of(row->service), row->mhct_date);
}

enum row_value valuation_row(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                             month_t month, const struct activity_row *row, int64_t *pence)
{
    int cluster = cluster_index(row->cluster);
    struct row_days days = valuation_days(t, reviews, month, row);
    date_t admitted = admitted_end(&days, row);
    enum row_value result = ROW_VALUED;
    int64_t sum = 0;
    if (cluster < 0) {
        *pence = 0;
        return ROW_UNPRICED;
    }
    for (date_t day = days.from; day < days.to; day++) {
        enum day_basis charged = terms_day_basis(t, cluster, commissioner, text_of(row->service), day);
        enum basis split = day < admitted ? BASIS_ADMITTED : BASIS_NONADMITTED;
        enum basis basis = charged == DAYS_SPLIT ? split : BASIS_DAY;
        const struct terms_price *p = terms_price_on(t, cluster, basis, commissioner, text_of(row->service), day);
        if (p == NULL) {
            result = ROW_UNPRICED;
        } else if (!money_add(sum, p->pence, &sum)) {
            return ROW_OVERFLOW;
        }
    }
    const struct terms_price *assessment = assessment_price(t, commissioner, month, row);
    if (assessment != NULL && !money_add(sum, assessment->pence, &sum)) {
        return ROW_OVERFLOW;
    }
    if (row->assessment_only && assessment == NULL && is_assessed_in(month, row)) {
        result = ROW_UNPRICED;
    }
    *pence = sum;
    return result;
}

struct valuation *valuation_new(const char *commissioner, const struct review_periods *reviews)
{
    struct valuation *v = calloc(1, sizeof *v);
    if (v == NULL || strlen(commissioner) >= sizeof v->commissioner) {
        free(v);
        return NULL;
    }
    memcpy(v->commissioner, commissioner, strlen(commissioner) + 1);
    v->reviews = reviews;
    v->assessments = assessments_new();
    if (v->assessments == NULL) {
        free(v);
        return NULL;
    }
    return v;
}

void valuation_free(struct valuation *v)
{
    if (v == NULL) {
        return;
    }
    for (int k = 0; k < TERMS_MONTHS; k++) {
        free(v->months[k].service);
        free(v->months[k].counts);
    }
    assessments_free(v->assessments);
    free(v);
}

static int32_t service_place(const struct month_counts *m, const char *service)
{
    if (service == NULL || service[0] == '\0') {
        return 0;
    }
    for (int32_t i = 0; i < m->service_count; i++) {
        if (strcmp(m->service[i], service) == 0) {
            return i + 1;
        }
    }
    return 0;
}

bool valuation_begin_month(struct valuation *v, month_t month, const struct terms *t)
{
    struct month_counts *m = &v->months[month_number(month) - 1];
    if (m->terms != NULL || month_financial_year(month) != t->financial_year ||
        (v->financial_year != 0 && v->financial_year != t->financial_year)) {
        return false;
    }
    m->service = calloc((size_t)t->price_count + 1, sizeof *m->service);
    if (m->service == NULL) {
        return false;
    }
    for (int32_t i = 0; i < t->price_count; i++) {
        const char *service = t->price[i].service;
        if (service[0] != '\0' && service_place(m, service) == 0) {
            memcpy(m->service[m->service_count++], service, TERMS_CODE_SIZE);
        }
    }
    m->counts = calloc((size_t)(m->service_count + 1) * TERMS_CLUSTERS, sizeof *m->counts);
    if (m->counts == NULL) {
        return false;
    }
    m->terms = t;
    m->month = month;
    v->financial_year = t->financial_year;
    v->current = m;
    return true;
}

/* The place in counts of a row's cluster and service; -1 when the cluster is no currency and has no days: K02 to K04
 * lowered by the terms. */
static int32_t count_days(struct month_counts *m, const struct review_periods *reviews, const struct activity_row *row,
                          int64_t count)
{
    int cluster = cluster_index(row->cluster);
    if (cluster < 0) {
        return -1;
    }
    int32_t place = service_place(m, row->service);
    struct row_days days = valuation_days(m->terms, reviews, m->month, row);
    if (days.to > days.from) {
        struct day_counts *c = &m->counts[place * TERMS_CLUSTERS + cluster];
        date_t first = month_first(m->month);
        date_t admitted = admitted_end(&days, row);
        c->used = true;
        c->admitted[days.from - first] += count;
        c->admitted[admitted - first] -= count;
        c->others[admitted - first] += count;
        c->others[days.to - first] -= count;
    }
    return place;
}

bool valuation_add_rows(struct valuation *v, const struct activity_row *row, int64_t count)
{
    if (v->current == NULL) {
        return false;
    }
    (void)count_days(v->current, v->reviews, row, count);
    return true;
}

bool valuation_add_row(struct valuation *v, const struct activity_row *row)
{
    struct month_counts *m = v->current;
    if (m == NULL) {
        return false;
    }
    int32_t place = count_days(m, v->reviews, row, 1);
    if (place < 0 || assessment_price(m->terms, v->commissioner, m->month, row) == NULL) {
        return true;
    }
    struct assessment a = {.mhct_date = row->mhct_date,
                           .referral = row->referral_date == DATE_NONE ? row->mhct_date : row->referral_date,
                           .month = m->month,
                           .cluster = (int16_t)cluster_index(row->cluster),
                           .service = place};
    memcpy(a.patient, row->patient, sizeof a.patient);
    return assessments_offer(v->assessments, &a, row->episode_id);
}

bool valuation_assessment_earns(const struct valuation *v, const struct activity_row *row)
{
    if (v->current == NULL || assessment_price(v->current->terms, v->commissioner, v->current->month, row) == NULL) {
        return false;
    }
    date_t referral = row->referral_date == DATE_NONE ? row->mhct_date : row->referral_date;
    const struct assessment *a = assessments_find(v->assessments, row->patient, referral);
    return a != NULL && a->mhct_date == row->mhct_date && strcmp(a->episode_id, row->episode_id) == 0;
}

/* Lines are gathered in a growing array and merged after sorting. */
static bool add_line(struct activity_lines *lines, size_t *capacity, month_t month, const struct terms_price *p,
                     int64_t units)
{
    if (lines->count == *capacity) {
        size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
        struct activity_line *grown = realloc(lines->line, wanted * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        lines->line = grown;
        *capacity = wanted;
    }
    struct activity_line *line = &lines->line[lines->count];
    *line = (struct activity_line){.month = month,
                                   .cluster = p->cluster,
                                   .basis = p->basis,
                                   .price_pence = p->pence,
                                   .units = units,
                                   .price_index = p->index};
    if (!money_multiply(units, p->pence, &line->pence)) {
        return false;
    }
    lines->count++;
    return true;
}

/* Prices of a stretch of days on which they do not change: one look-up for all of it. */
static bool price_stretch(const struct valuation *v, const struct month_counts *m, int32_t cell, date_t day,
                          int64_t admitted, int64_t others, struct activity_lines *lines, size_t *capacity)
{
    int32_t place = cell / TERMS_CLUSTERS;
    int cluster = cell % TERMS_CLUSTERS;
    const char *service = place == 0 ? "" : m->service[place - 1];
    const struct terms_price *p;
    if (admitted == 0 && others == 0) {
        return true;
    }
    enum day_basis charged = terms_day_basis(m->terms, cluster, v->commissioner, service, day);
    if (charged != DAYS_DAY && charged != DAYS_SPLIT) {
        lines->unpriced_days[month_number(m->month) - 1] += admitted + others;
        return true;
    }
    if (charged == DAYS_DAY) {
        p = terms_price_on(m->terms, cluster, BASIS_DAY, v->commissioner, service, day);
        return add_line(lines, capacity, m->month, p, admitted + others);
    }
    p = terms_price_on(m->terms, cluster, BASIS_ADMITTED, v->commissioner, service, day);
    if (admitted != 0 && !add_line(lines, capacity, m->month, p, admitted)) {
        return false;
    }
    p = terms_price_on(m->terms, cluster, BASIS_NONADMITTED, v->commissioner, service, day);
    return others == 0 || add_line(lines, capacity, m->month, p, others);
}

/* The next day on which any price of the cluster begins or ends, or a day behind the month. */
static date_t next_change(const struct terms *t, int cluster, date_t day, date_t behind)
{
    date_t next = behind;
    for (int32_t i = t->first_price[cluster]; i < t->first_price[cluster + 1]; i++) {
        const struct terms_price *p = &t->price[i];
        next = p->from > day && p->from < next ? p->from : next;
        next = p->to > day && p->to < next ? p->to : next;
    }
    return next;
}

/* One cluster and service: its days, stretch by stretch. */
static bool price_cell(const struct valuation *v, const struct month_counts *m, int32_t cell,
                       struct activity_lines *lines, size_t *capacity)
{
    const struct day_counts *c = &m->counts[cell];
    date_t first = month_first(m->month);
    date_t behind = month_first(m->month + 1);
    int64_t admitted = 0;
    int64_t others = 0;
    date_t day = first;
    while (day < behind) {
        date_t from = day;
        date_t change = next_change(m->terms, cell % TERMS_CLUSTERS, day, behind);
        int64_t admitted_days = 0;
        int64_t other_days = 0;
        for (; day < change; day++) {
            admitted += c->admitted[day - first];
            others += c->others[day - first];
            admitted_days += admitted;
            other_days += others;
        }
        if (!price_stretch(v, m, cell, from, admitted_days, other_days, lines, capacity)) {
            return false;
        }
    }
    return true;
}

static bool price_month(const struct valuation *v, const struct month_counts *m, struct activity_lines *lines,
                        size_t *capacity)
{
    for (int32_t cell = 0; cell < (m->service_count + 1) * TERMS_CLUSTERS; cell++) {
        if (m->counts[cell].used && !price_cell(v, m, cell, lines, capacity)) {
            return false;
        }
    }
    return true;
}

static bool price_assessments(const struct valuation *v, struct activity_lines *lines, size_t *capacity)
{
    size_t place = 0;
    const struct assessment *a;
    while ((a = assessments_next(v->assessments, &place)) != NULL) {
        const struct month_counts *m = &v->months[month_number(a->month) - 1];
        const char *service = a->service == 0 ? "" : m->service[a->service - 1];
        const struct terms_price *p =
            terms_price_on(m->terms, a->cluster, BASIS_ASSESSMENT, v->commissioner, service, a->mhct_date);
        if (!add_line(lines, capacity, a->month, p, 1)) {
            return false;
        }
    }
    return true;
}

static int compare_lines(const void *left, const void *right)
{
    const struct activity_line *a = left;
    const struct activity_line *b = right;
    if (a->month != b->month) {
        return a->month < b->month ? -1 : 1;
    }
    if (a->cluster != b->cluster) {
        return a->cluster < b->cluster ? -1 : 1;
    }
    if (a->basis != b->basis) {
        return a->basis < b->basis ? -1 : 1;
    }
    if (a->price_pence != b->price_pence) {
        return a->price_pence < b->price_pence ? -1 : 1;
    }
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
        if (!money_add(to->units, from->units, &to->units) || !money_add(to->pence, from->pence, &to->pence)) {
            return false;
        }
    }
    lines->count = kept;
    return true;
}

bool valuation_lines(const struct valuation *v, struct activity_lines *out)
{
    struct activity_lines lines = {0};
    size_t capacity = 0;
    bool fine = true;
    for (int k = 0; fine && k < TERMS_MONTHS; k++) {
        fine = v->months[k].terms == NULL || price_month(v, &v->months[k], &lines, &capacity);
    }
    fine = fine && price_assessments(v, &lines, &capacity);
    if (fine && lines.count > 0) {
        qsort(lines.line, lines.count, sizeof *lines.line, compare_lines);
        fine = merge_lines(&lines);
    }
    if (!fine) {
        free(lines.line);
        return false;
    }
    *out = lines;
    return true;
}

void activity_lines_free(struct activity_lines *lines)
{
    free(lines->line);
    lines->line = NULL;
    lines->count = 0;
}
