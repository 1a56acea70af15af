#include "domain/windows.h"

#include "domain/calendar.h"

static bool last_day(const struct terms_deadline *d, month_t month, const date_t *holidays, size_t count, date_t *out)
{
    if (d->operational_days > 0) {
        return operational_day_after(holidays, count, month_last(month), d->operational_days, out);
    }
    *out = d->date[month_number(month) - 1];
    return true;
}

bool windows_of_month(const struct terms *t, month_t month, const date_t *holidays, size_t count, struct windows *out)
{
    if (month_financial_year(month) != t->financial_year) {
        return false;
    }
    if (!last_day(&t->flex, month, holidays, count, &out->flex_date) ||
        !last_day(&t->freeze, month, holidays, count, &out->freeze_date)) {
        return false;
    }
    out->flex_at = london_midnight(out->flex_date + 1);
    out->freeze_at = london_midnight(out->freeze_date + 1);
    return true;
}
