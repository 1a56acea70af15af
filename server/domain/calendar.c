#include "domain/calendar.h"

bool is_operational_day(const date_t *holidays, size_t count, date_t d)
{
    if (date_weekday(d) >= 5)
        return false;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holidays[middle] < d)
            low = middle + 1;
        else
            high = middle;
    }
    return low == count || holidays[low] != d;
}

bool operational_day_after(const date_t *holidays, size_t count, date_t d, int32_t n, date_t *out)
{
    if (count == 0 || n < 1)
        return false;
    int32_t first_year = date_to_civil(holidays[0]).year;
    int32_t last_year = date_to_civil(holidays[count - 1]).year;
    date_t day = d;
    for (int32_t counted = 0; counted < n;) {
        day++;
        int32_t year = date_to_civil(day).year;
        if (year < first_year || year > last_year)
            return false;
        counted += is_operational_day(holidays, count, day);
    }
    *out = day;
    return true;
}

/* How long the service was away on a day of London. */
static int64_t away_on(const struct closing_calendar *c, date_t day)
{
    instant_t reached = london_midnight(day);
    instant_t end = london_midnight(day + 1);
    int64_t away = 0;
    for (size_t i = 0; i < c->absence_count; i++) {
        instant_t from = c->absences[i].from > reached ? c->absences[i].from : reached;
        instant_t to = c->absences[i].to < end ? c->absences[i].to : end;
        if (to > from) {
            away += to - from;
            reached = to;
        }
    }
    return away;
}

bool closing_day_moved(const struct closing_calendar *c, date_t day, date_t *out)
{
    while (away_on(c, day) > CLOSING_DAY_ABSENCE_MAXIMUM) {
        if (!operational_day_after(c->holidays, c->holiday_count, day, 1, &day))
            return false;
    }
    *out = day;
    return true;
}
