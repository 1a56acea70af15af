#include "domain/windows.h"

static bool last_day(const struct terms_deadline *d, month_t month, const struct closing_calendar *calendar,
                     date_t *out)
{
    if (d->operational_days > 0) {
        return operational_day_after(calendar->holidays, calendar->holiday_count, month_last(month),
                                     d->operational_days, out);
    }
    *out = d->date[month_number(month) - 1];
    return true;
}

bool windows_of_month(const struct terms *t, month_t month, const struct closing_calendar *calendar,
                      struct windows *out)
{
    if (month_financial_year(month) != t->financial_year) {
        return false;
    }
    if (!last_day(&t->flex, month, calendar, &out->flex_agreed) ||
        !last_day(&t->freeze, month, calendar, &out->freeze_agreed) ||
        !closing_day_moved(calendar, out->flex_agreed, &out->flex_date) ||
        !closing_day_moved(calendar, out->freeze_agreed, &out->freeze_date)) {
        return false;
    }
    date_t final = 0;
    date_t moved = 0;
    if (t->final.present &&
        (!last_day(&t->final, month, calendar, &final) || !closing_day_moved(calendar, final, &moved)))
        return false;
    out->final_at = t->final.present ? london_midnight(moved + 1) : INT64_MIN;
    out->flex_at = london_midnight(out->flex_date + 1);
    out->freeze_at = london_midnight(out->freeze_date + 1);
    return true;
}
