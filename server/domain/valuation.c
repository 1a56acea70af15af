/* One row at a time, day by day or period by period. */
#include "domain/valuation.h"

#include "domain/money.h"

#include <string.h>

/* inclusive: the closing day is one of the row's days. */
static struct row_days days_of(const struct terms *t, const struct review_periods *reviews, month_t month,
                               const struct activity_row *row, bool inclusive)
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
        bool closing_day = inclusive && !row->continues && row->end_date >= days.from;
        days.to = row->end_date + (closing_day ? 1 : 0);
    }
    date_t stop = valuation_stops_on(t, reviews, row);
    if (stop != DATE_NONE && stop < days.to) {
        days.to = stop;
    }
    if (days.to < days.from) {
        days.from = first;
        days.to = first;
    }
    return days;
}

date_t valuation_stops_on(const struct terms *t, const struct review_periods *reviews, const struct activity_row *row)
{
    date_t due = DATE_NONE;
    if (t->rules.stop_pay) {
        due = review_periods_due(reviews, cluster_index(row->cluster), row->mhct_date);
    }
    return due == DATE_NONE ? DATE_NONE : due + t->rules.grace_days + 1;
}

struct row_days valuation_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                               const struct activity_row *row)
{
    return days_of(t, reviews, month, row, t->end_inclusive);
}

struct row_days valuation_period_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                                      const struct activity_row *row)
{
    return days_of(t, reviews, month, row, false);
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
const struct terms_price *valuation_assessment_price(const struct terms *t, const char *commissioner, month_t month,
                                                     const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    if (cluster < 0 || !is_assessed_in(month, row)) {
        return NULL;
    }
    return terms_price_on(t, cluster, BASIS_ASSESSMENT, commissioner, text_of(row->service), row->mhct_date);
}

bool valuation_is_period(const struct terms *t, int cluster, const char *commissioner, const char *service,
                         month_t month)
{
    date_t behind = month_first(month + 1);
    for (date_t day = month_first(month); day < behind; day = terms_next_change(t, cluster, day, behind)) {
        enum day_basis charged = terms_day_basis(t, cluster, commissioner, service, day);
        if (charged != DAYS_UNPRICED) {
            return charged == DAYS_PERIOD;
        }
    }
    return false;
}

/* The first day of the period that the next look has to be at: whole periods that have ended by the month's first day
 * and whose price is that of the one that starts on `start` are passed over together. */
static date_t pass_over(const struct terms *t, const struct terms_price *p, date_t start, date_t priced, date_t first)
{
    int32_t n = p->period_days;
    int32_t ended = (first - start) / n;
    date_t change = terms_next_change(t, p->cluster, priced, first);
    int32_t alike = (change - start + n - 1) / n;
    return start + n * (alike < ended ? alike : ended);
}

static int32_t within(int32_t days, int32_t most)
{
    return days < 0 ? 0 : days < most ? days : most;
}

enum row_value valuation_periods(const struct terms *t, int cluster, const char *commissioner, const char *service,
                                 month_t month, date_t start, date_t to, struct period_parts *out)
{
    date_t first = month_first(month);
    date_t contract = month_first(financial_year_first(t->financial_year));
    memset(out, 0, sizeof *out);
    while (start < to) {
        date_t priced = start > contract ? start : contract;
        const struct terms_price *p = terms_price_on(t, cluster, BASIS_PERIOD, commissioner, service, priced);
        if (p == NULL) {
            out->unpriced_days = to - (start > first ? start : first);
            return ROW_UNPRICED;
        }
        int32_t n = p->period_days;
        if (p->renewable && start + n <= first) {
            start = pass_over(t, p, start, priced, first);
            continue;
        }
        int64_t before;
        int64_t after;
        int32_t from_days = within(first - start, n);
        int32_t to_days = within(to - start, n);
        if (!money_round_ratio(p->pence, from_days, n, &before) || !money_round_ratio(p->pence, to_days, n, &after)) {
            return ROW_OVERFLOW;
        }
        if (to_days > from_days) {
            out->part[out->count++] = (struct period_part){p, to_days - from_days, after - before};
        }
        if (!p->renewable) {
            return ROW_VALUED;
        }
        start += n;
    }
    return ROW_VALUED;
}

/* The days of a row at the prices of each. */
static enum row_value value_days(const struct terms *t, const char *commissioner, const struct row_days *days,
                                 const struct activity_row *row, int64_t *sum)
{
    int cluster = cluster_index(row->cluster);
    const char *service = text_of(row->service);
    date_t admitted = admitted_end(days, row);
    enum row_value result = ROW_VALUED;
    for (date_t day = days->from; day < days->to; day++) {
        enum day_basis charged = terms_day_basis(t, cluster, commissioner, service, day);
        enum basis split = day < admitted ? BASIS_ADMITTED : BASIS_NONADMITTED;
        const struct terms_price *p =
            terms_price_on(t, cluster, charged == DAYS_SPLIT ? split : BASIS_DAY, commissioner, service, day);
        if (p == NULL) {
            result = ROW_UNPRICED;
        } else if (!money_add(*sum, p->pence, sum)) {
            return ROW_OVERFLOW;
        }
    }
    return result;
}

/* The days of a row in a month that is charged by periods. */
static enum row_value value_periods(const struct terms *t, const struct review_periods *reviews,
                                    const char *commissioner, month_t month, const struct activity_row *row,
                                    int64_t *sum)
{
    struct row_days days = valuation_period_days(t, reviews, month, row);
    struct period_parts parts;
    if (days.to <= days.from) {
        return ROW_VALUED;
    }
    enum row_value result = valuation_periods(t, cluster_index(row->cluster), commissioner, text_of(row->service),
                                              month, row->start_date, days.to, &parts);
    for (int i = 0; i < parts.count; i++) {
        if (!money_add(*sum, parts.part[i].pence, sum)) {
            return ROW_OVERFLOW;
        }
    }
    return result;
}

enum row_value valuation_row(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                             month_t month, const struct activity_row *row, int64_t *pence)
{
    int cluster = cluster_index(row->cluster);
    enum row_value result;
    int64_t sum = 0;
    if (cluster < 0) {
        *pence = 0;
        return ROW_UNPRICED;
    }
    if (valuation_is_period(t, cluster, commissioner, text_of(row->service), month)) {
        result = value_periods(t, reviews, commissioner, month, row, &sum);
    } else {
        struct row_days days = valuation_days(t, reviews, month, row);
        result = value_days(t, commissioner, &days, row, &sum);
    }
    const struct terms_price *assessment = valuation_assessment_price(t, commissioner, month, row);
    if (result == ROW_OVERFLOW || (assessment != NULL && !money_add(sum, assessment->pence, &sum))) {
        return ROW_OVERFLOW;
    }
    if (row->assessment_only && assessment == NULL && is_assessed_in(month, row)) {
        result = ROW_UNPRICED;
    }
    *pence = sum;
    return result;
}
