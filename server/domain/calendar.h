/* Operational days: Monday to Friday without the bank holidays of England (reference data). */
#ifndef RECKONER_DOMAIN_CALENDAR_H
#define RECKONER_DOMAIN_CALENDAR_H

#include "domain/reference.h"

bool is_operational_day(const struct reference *r, date_t d);
/* The n-th operational day after d (n >= 1). false when it lies outside the years that the bank holidays cover, or none
 * are loaded: a window must not be computed from holidays that nobody stated. */
bool operational_day_after(const struct reference *r, date_t d, int32_t n, date_t *out);
/* The instant at which a window closes: 24:00 Europe/London of the n-th operational day after the month's end. */
bool window_closes(const struct reference *r, month_t month, int32_t n, instant_t *out);
/* 24:00 Europe/London of a date. */
instant_t end_of_day(date_t d);

#endif
