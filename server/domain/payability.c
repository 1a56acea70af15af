#include "domain/payability.h"

#include "domain/threshold_rules.h"

#include <stdlib.h>
#include <string.h>

#define MONTH_DAYS_MAX 31

/* Days of the month without a price, counted from its first: missing[d] is how many of the days before d have none, so
 * that any stretch is one subtraction. Apart for days taken as admitted and as not admitted; equal on DAY prices. */
struct unpriced {
    int8_t admitted[MONTH_DAYS_MAX + 1];
    int8_t others[MONTH_DAYS_MAX + 1];
    int8_t assessment[MONTH_DAYS_MAX + 1];
};

struct payability {
    const struct terms *terms;
    struct terms without_stop; /* the same terms, paying overdue days: what R08 compares with */
    const struct review_periods *reviews;
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

static bool priced(const struct payability *p, int cluster, enum basis basis, const char *commissioner,
                   const char *service, date_t day)
{
    return terms_price_on(p->terms, cluster, basis, commissioner, service, day) != NULL;
}

static void count_unpriced(const struct payability *p, struct unpriced *u, int cluster, const char *commissioner,
                           const char *service)
{
    date_t first = month_first(p->month);
    for (int32_t d = 0; d < month_days(p->month); d++) {
        bool by_day = priced(p, cluster, BASIS_DAY, commissioner, service, first + d);
        bool admitted = by_day || priced(p, cluster, BASIS_ADMITTED, commissioner, service, first + d);
        bool others = by_day || priced(p, cluster, BASIS_NONADMITTED, commissioner, service, first + d);
        bool assessment = priced(p, cluster, BASIS_ASSESSMENT, commissioner, service, first + d);
        u->admitted[d + 1] = (int8_t)(u->admitted[d] + !admitted);
        u->others[d + 1] = (int8_t)(u->others[d] + !others);
        u->assessment[d + 1] = (int8_t)(u->assessment[d] + !assessment);
    }
}

static rule_set_t errors_under(const struct payability *p)
{
    rule_set_t errors = 0;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (rule_get((enum rule_id)rule)->bit >= 0 && payability_severity(p, (enum rule_id)rule) == SEVERITY_ERROR)
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
            count_unpriced(p, &p->unpriced[s][cluster], cluster, commissioner,
                           s == p->service_count ? "" : p->service[s]);
    }
    p->errors = errors_under(p);
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
    const struct rule *r = rule_get(rule);
    enum severity severity = r->severity;
    if (rule == RULE_M03)
        severity = p->terms->rules.require_mhct ? SEVERITY_ERROR : SEVERITY_QUERY;
    (void)severity_by_name(terms_severity(p->terms, r->id, severity_name(severity)), &severity);
    return severity;
}

rule_set_t payability_errors(const struct payability *p)
{
    return p->errors;
}

/* K06: a day of service has no price on the basis it is charged on. An assessment needs the price of its day only when
 * it is all that the row is for: other rows earn one where the terms pay assessments, and nothing is missing where they
 * do not. */
static bool lacks_price(const struct payability *p, const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    if (cluster < 0)
        return false; /* K01-K04 say so */
    const struct unpriced *u = &p->unpriced[service_place(p, row->service)][cluster];
    date_t first = month_first(p->month);
    if (row->assessment_only) {
        if (row->mhct_date < first || row->mhct_date > month_last(p->month))
            return false;
        int32_t d = row->mhct_date - first;
        return u->assessment[d + 1] > u->assessment[d];
    }
    struct row_days days = valuation_days(p->terms, p->reviews, p->month, row);
    if (days.to <= days.from)
        return false;
    int32_t from = days.from - first;
    int32_t to = days.to - first;
    int32_t admitted = row->admitted_days < to - from ? row->admitted_days : to - from;
    return u->admitted[from + admitted] > u->admitted[from] || u->others[to] > u->others[from + admitted];
}

/* R08: some of its days lie beyond the review's due date and the days of grace. */
static bool stops_pay(const struct payability *p, const struct activity_row *row)
{
    if (!p->terms->rules.stop_pay)
        return false;
    struct row_days paid = valuation_days(p->terms, p->reviews, p->month, row);
    struct row_days all = valuation_days(&p->without_stop, p->reviews, p->month, row);
    return paid.to - paid.from < all.to - all.from;
}

rule_set_t payability_failed(const struct payability *p, const struct activity_row *row, const struct row_marks *marks)
{
    rule_set_t failed = threshold_rules_failed(&p->terms->thresholds, p->reviews, p->month, row, marks->failed);
    if (terms_out_of_scope(p->terms, row->service))
        failed |= rule_set_of(RULE_C05);
    if (!marks->approved && terms_needs_approval(p->terms, row->cluster, row->service))
        failed |= rule_set_of(RULE_C06);
    if (marks->minor && p->terms->rules.adult_only)
        failed |= rule_set_of(RULE_P08);
    if (row->start_date == DATE_NONE)
        return failed;
    if (lacks_price(p, row))
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

bool payability_looks_at_each_row(const struct payability *p)
{
    return p->terms->rules.stop_pay || (p->errors & threshold_rules()) != 0;
}
