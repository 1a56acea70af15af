/* Operational days and closing days. Operational are Monday to Friday without the bank holidays of England, which are
 * loaded data. Pure. */
#ifndef RECKONER_DOMAIN_CALENDAR_H
#define RECKONER_DOMAIN_CALENDAR_H

#include "base/date.h"

/* holidays are sorted and may be NULL when count is 0. */
bool is_operational_day(const date_t *holidays, size_t count, date_t d);
/* The n-th operational day after d (n >= 1). false when the way there leaves the years from the first holiday's to the
 * last one's: a window must not be computed from holidays that nobody stated. */
bool operational_day_after(const date_t *holidays, size_t count, date_t d, int32_t n, date_t *out);

/* A time in which the service was away: instants [from, to) of the product clock. */
struct absence {
    instant_t from;
    instant_t to;
};

/* What windows are counted by. Borrowed; absences are sorted by from and may overlap. */
struct closing_calendar {
    const date_t *holidays;
    size_t holiday_count;
    const struct absence *absences;
    size_t absence_count;
};

/* A closing day on which the service was away for longer (microseconds, in all) moves. Source: spec 2, Windows. */
#define CLOSING_DAY_ABSENCE_MAXIMUM (INT64_C(2) * 3600 * 1000000)

/* The closing day as it moved: by one operational day, and again while the service was away on that day too. false as
 * for operational_day_after. */
bool closing_day_moved(const struct closing_calendar *c, date_t day, date_t *out);

#endif
