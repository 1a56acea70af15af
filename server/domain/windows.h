/* When the windows of a contract's month close: FLEX (first date) and FREEZE (final date), at 24:00 Europe/London.
 * Operational days are Monday to Friday without the bank holidays of England, counted from the day after the month's
 * end. A closing day on which the service was away moves (calendar.h). */
#ifndef RECKONER_DOMAIN_WINDOWS_H
#define RECKONER_DOMAIN_WINDOWS_H

#include "domain/calendar.h"
#include "domain/terms.h"

struct windows {
    date_t flex_agreed; /* last day of the FLEX window by the terms */
    date_t freeze_agreed;
    date_t flex_date; /* the same after what the service's absences moved */
    date_t freeze_date;
    instant_t flex_at; /* first instant after flex_date: a request begun earlier is inside */
    instant_t freeze_at;
    instant_t final_at; /* first instant at which the year may be closed; INT64_MIN when the terms set none */
};

/* false when the month does not lie in the terms' financial year, or operational days are to be
 * counted in a year that the holidays do not cover. */
bool windows_of_month(const struct terms *t, month_t month, const struct closing_calendar *calendar,
                      struct windows *out);

#endif
