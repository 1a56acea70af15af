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
