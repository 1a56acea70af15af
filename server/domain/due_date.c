#include "domain/due_date.h"

#include "domain/calendar.h"

/* index: of the month within the year. */
static date_t by_dates(const struct terms *t, int32_t index, date_t issued)
{
    date_t next = DATE_NONE;
    for (int32_t k = index; k < TERMS_MONTHS; k++) {
        date_t day = t->payment.date[k];
        if (day >= issued && (next == DATE_NONE || day < next))
            next = day;
    }
    return next == DATE_NONE ? issued : next;
}

bool due_date_stated(const struct terms *t, month_t month, date_t issued, const date_t *holidays, size_t count,
                     date_t *out)
{
    month_t index = month - financial_year_first(t->financial_year);
    date_t day = issued;
    if (!t->payment.present || index < 0 || index >= TERMS_MONTHS)
        return false;
    for (int32_t counted = 0; counted < t->payment.operational_days;) {
        day++;
        counted += is_operational_day(holidays, count, day) ? 1 : 0;
    }
    *out = t->payment.operational_days > 0 ? day : by_dates(t, (int32_t)index, issued);
    return true;
}

enum due_outcome due_date_compute(const struct terms *t, month_t month, date_t issued, const date_t *holidays,
                                  size_t count, struct due_date *out)
{
    struct due_date due = {DATE_NONE, holidays, 0};
    date_t covered;
    if (!due_date_stated(t, month, issued, holidays, count, &due.day))
        return DUE_NOT_AGREED;
    if (t->payment.operational_days > 0) {
        if (!operational_day_after(holidays, count, issued, t->payment.operational_days, &covered))
            return DUE_NO_CALENDAR;
        size_t first = 0;
        while (first < count && holidays[first] <= issued)
            first++;
        while (first + due.holiday_count < count && holidays[first + due.holiday_count] <= due.day)
            due.holiday_count++;
        due.holidays = holidays + first;
    }
    if (due.holiday_count > DUE_HOLIDAYS_MAXIMUM)
        return DUE_NO_CALENDAR;
    *out = due;
    return DUE_ON;
}
