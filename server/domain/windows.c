#include "domain/windows.h"

static bool is_holiday(date_t day, const date_t *holidays, size_t count)
{
    for (size_t i = 0; i < count && holidays[i] <= day; i++) {
        if (holidays[i] == day) {
            return true;
        }
    }
    return false;
}

/* The n-th operational day after a day. */
static date_t operational_day(date_t after, int32_t n, const date_t *holidays, size_t count)
{
    date_t day = after;
    while (n > 0) {
        day++;
        if (date_weekday(day) < 5 && !is_holiday(day, holidays, count)) {
            n--;
        }
    }
    return day;
}

bool windows_of_month(const struct terms *t, month_t month, const date_t *holidays, size_t count, struct windows *out)
{
    if (month_financial_year(month) != t->financial_year) {
        return false;
    }
    int k = month_number(month) - 1;
    date_t end = month_last(month);
    out->flex_date = t->flex.operational_days > 0 ? operational_day(end, t->flex.operational_days, holidays, count)
                                                  : t->flex.date[k];
    out->freeze_date = t->freeze.operational_days > 0
                           ? operational_day(end, t->freeze.operational_days, holidays, count)
                           : t->freeze.date[k];
    out->flex_at = london_midnight(out->flex_date + 1);
    out->freeze_at = london_midnight(out->freeze_date + 1);
    return true;
}
