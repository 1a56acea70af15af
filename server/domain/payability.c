#include "domain/payability.h"

#include "domain/threshold_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONTH_DAYS_MAX 31

/* Days of the month without a price, counted from its first: missing[d] is how many of the days before d have none, so
 * that any stretch is one subtraction. Apart for days taken as admitted and as not admitted; equal on DAY prices. */
struct unpriced {
    int8_t admitted[MONTH_DAYS_MAX + 1];
    int8_t others[MONTH_DAYS_MAX + 1];
    int8_t assessment[MONTH_DAYS_MAX + 1];
    bool by_period; /* charged by PERIOD: the row's own start decides */
};

struct payability {
    const struct terms *terms;
    struct terms without_stop; /* the same terms, paying overdue days: what R08 compares with */
    const struct review_periods *reviews;
    char commissioner[TERMS_CODE_SIZE];
    month_t month;
    rule_set_t errors;
    int32_t service_count; /* distinct services that prices name; all others share the last place */
    char (*service)[TERMS_CODE_SIZE];
    struct unpriced (*unpriced)[TERMS_CLUSTERS]; /* [service_count + 1][cluster] */
};

static int32_t service_place(const struct payability *p, const char *service)
{
    if (service == NULL || service[0] == '\0')
        return p->service_count;
    for (int32_t i = 0; i < p->service_count; i++) {
        if (strcmp(p->service[i], service) == 0)
            return i;
    }
    return p->service_count;
}

static void list_services(struct payability *p)
{
    const struct terms *t = p->terms;
    for (int32_t i = 0; i < t->price_count; i++) {
        const char *service = t->price[i].service;
        if (service[0] != '\0' && service_place(p, service) == p->service_count)
            memcpy(p->service[p->service_count++], service, TERMS_CODE_SIZE);
    }
}

static bool priced(const struct payability *p, int cluster, enum basis basis, const char *service, date_t day)
{
    return terms_price_on(p->terms, cluster, basis, p->commissioner, service, day) != NULL;
}

/* Prices hold over stretches of days: one look-up for all of a stretch. */
static void count_unpriced(const struct payability *p, struct unpriced *u, int cluster, const char *service)
{
    date_t first = month_first(p->month);
    date_t behind = month_first(p->month + 1);
    u->by_period = valuation_is_period(p->terms, cluster, p->commissioner, service, p->month);
    for (date_t day = first; day < behind;) {
        date_t change = terms_next_change(p->terms, cluster, day, behind);
        bool by_day = priced(p, cluster, BASIS_DAY, service, day);
        bool admitted = by_day || priced(p, cluster, BASIS_ADMITTED, service, day);
        bool others = by_day || priced(p, cluster, BASIS_NONADMITTED, service, day);
        bool assessment = priced(p, cluster, BASIS_ASSESSMENT, service, day);
        for (; day < change; day++) {
            int32_t d = day - first;
            u->admitted[d + 1] = (int8_t)(u->admitted[d] + !admitted);
            u->others[d + 1] = (int8_t)(u->others[d] + !others);
            u->assessment[d + 1] = (int8_t)(u->assessment[d] + !assessment);
        }
    }
}

static enum severity severity_under(const struct terms *t, enum rule_id rule)
{
    const struct rule *r = rule_get(rule);
    enum severity severity = r->severity;
    if (rule == RULE_M03)
        severity = t->rules.require_mhct ? SEVERITY_ERROR : SEVERITY_QUERY;
    (void)severity_by_name(terms_severity(t, r->id, severity_name(severity)), &severity);
    return severity;
}

static rule_set_t errors_under(const struct terms *t)
{
    rule_set_t errors = 0;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (rule_get((enum rule_id)rule)->bit >= 0 && severity_under(t, (enum rule_id)rule) == SEVERITY_ERROR)
            errors |= rule_set_of((enum rule_id)rule);
    }
    return errors;
}

struct payability *payability_new(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                                  month_t month)
{
    struct payability *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->terms = t;
    p->without_stop = *t;
    p->without_stop.rules.stop_pay = false;
    p->reviews = reviews;
    (void)snprintf(p->commissioner, sizeof p->commissioner, "%s", commissioner);
    p->month = month;
    p->service = calloc((size_t)t->price_count + 1, sizeof *p->service);
    if (p->service != NULL)
        list_services(p);
    p->unpriced = calloc((size_t)p->service_count + 1, sizeof *p->unpriced);
    if (p->service == NULL || p->unpriced == NULL) {
        payability_free(p);
        return NULL;
    }
    for (int32_t s = 0; s <= p->service_count; s++) {
        for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++)
            count_unpriced(p, &p->unpriced[s][cluster], cluster, s == p->service_count ? "" : p->service[s]);
    }
    p->errors = errors_under(t);
    return p;
}

void payability_free(struct payability *p)
{
    if (p == NULL)
        return;
    free(p->service);
    free(p->unpriced);
    free(p);
}

enum severity payability_severity(const struct payability *p, enum rule_id rule)
{
    return severity_under(p->terms, rule);
}

rule_set_t payability_errors(const struct payability *p)
{
    return p->errors;
}

static const struct unpriced *unpriced_of(const struct payability *p, int cluster, const char *service)
{
    return &p->unpriced[service_place(p, service)][cluster];
}

static bool lacks_period_price(const struct payability *p, int cluster, const struct activity_row *row)
{
    struct row_days days = valuation_period_days(p->terms, p->reviews, p->month, row);
    struct period_parts parts;
    if (days.to <= days.from)
        return false;
    return valuation_periods(p->terms, cluster, p->commissioner, row->service == NULL ? "" : row->service, p->month,
                             row->start_date, days.to, &parts) == ROW_UNPRICED;
}

/* K06: a day of service has no price on the basis it is charged on. An assessment needs the price of its day only when
 * it is all that the row is for: other rows earn one where the terms pay assessments, and nothing is missing where they
 * do not. */
bool payability_lacks_price(const struct payability *p, const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    if (cluster < 0)
        return false; /* K01-K04 say so */
    const struct unpriced *u = unpriced_of(p, cluster, row->service);
    date_t first = month_first(p->month);
    if (row->assessment_only) {
        if (row->mhct_date < first || row->mhct_date > month_last(p->month))
            return false;
        int32_t d = row->mhct_date - first;
        return u->assessment[d + 1] > u->assessment[d];
    }
    if (u->by_period)
        return lacks_period_price(p, cluster, row);
    struct row_days days = valuation_days(p->terms, p->reviews, p->month, row);
    if (days.to <= days.from)
        return false;
    int32_t from = days.from - first;
    int32_t to = days.to - first;
    int32_t admitted = row->admitted_days < to - from ? row->admitted_days : to - from;
    return u->admitted[from + admitted] > u->admitted[from] || u->others[to] > u->others[from + admitted];
}

enum day_pricing payability_day_pricing(const struct payability *p, int cluster, const char *service)
{
    const struct unpriced *u = unpriced_of(p, cluster, service);
    int32_t days = month_days(p->month);
    if (u->by_period)
        return DAYS_PRICED_BY_PERIOD;
    if (u->admitted[days] == 0 && u->others[days] == 0)
        return DAYS_ALL_PRICED;
    return u->admitted[days] == days && u->others[days] == days ? DAYS_NONE_PRICED : DAYS_PARTLY_PRICED;
}

/* R08: some of its days lie beyond the review's due date and the days of grace. */
static bool stops_pay(const struct payability *p, const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    if (!p->terms->rules.stop_pay)
        return false;
    bool by_period = cluster >= 0 && unpriced_of(p, cluster, row->service)->by_period;
    struct row_days (*days_of)(const struct terms *, const struct review_periods *, month_t,
                               const struct activity_row *) = by_period ? valuation_period_days : valuation_days;
    struct row_days paid = days_of(p->terms, p->reviews, p->month, row);
    struct row_days all = days_of(&p->without_stop, p->reviews, p->month, row);
    return paid.to - paid.from < all.to - all.from;
}

/* The rules that ask the terms about what rows of one class share: C05, C06 and P08. */
static rule_set_t class_failed(const struct payability *p, const char *cluster, const char *service,
                               const struct row_marks *marks)
{
    rule_set_t failed = 0;
    if (terms_out_of_scope(p->terms, service))
        failed |= rule_set_of(RULE_C05);
    if (!marks->approved && terms_needs_approval(p->terms, cluster, service))
        failed |= rule_set_of(RULE_C06);
    if (marks->minor && p->terms->rules.adult_only)
        failed |= rule_set_of(RULE_P08);
    return failed;
}

rule_set_t payability_failed(const struct payability *p, const struct activity_row *row, const struct row_marks *marks)
{
    rule_set_t failed = threshold_rules_failed(&p->terms->thresholds, p->reviews, p->month, row, marks->failed) |
                        class_failed(p, row->cluster, row->service, marks);
    if (row->start_date == DATE_NONE)
        return failed;
    if (payability_lacks_price(p, row))
        failed |= rule_set_of(RULE_K06);
    if (stops_pay(p, row))
        failed |= rule_set_of(RULE_R08);
    return failed;
}

bool payability_allows(const struct payability *p, const struct activity_row *row, const struct row_marks *marks)
{
    if ((marks->failed & p->errors) != 0)
        return false;
    return (payability_failed(p, row, marks) & p->errors) == 0;
}

bool payability_allows_class(const struct payability *p, const char *cluster, const char *service,
                             const struct row_marks *marks)
{
    return ((marks->failed | class_failed(p, cluster, service, marks)) & p->errors) == 0;
}

bool payability_looks_at_each_row(const struct terms *t)
{
    return t->rules.stop_pay || (errors_under(t) & threshold_rules()) != 0;
}

bool payability_looks_at_reviews(const struct terms *t)
{
    return t->rules.stop_pay || severity_under(t, RULE_R02) == SEVERITY_ERROR;
}

bool payability_reduce(const struct payability *p, struct episode *row)
{
    struct activity_row facts = episode_activity(row);
    const struct row_marks marks = {row->failed, row->approved, row->minor};
    if (!payability_allows(p, &facts, &marks))
        return false;
    date_t stop = valuation_stops_on(p->terms, p->reviews, &facts);
    row->failed = 0;
    row->approved = true;
    row->minor = false;
    if (service_place(p, row->service) == p->service_count)
        row->service[0] = '\0';
    if (stop != DATE_NONE && (row->end_date == DATE_NONE || stop <= row->end_date)) {
        row->end_date = stop > row->start_date ? stop : row->start_date;
        row->continues = true;
    }
    return true;
}
