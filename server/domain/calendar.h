/* Operational days: Monday to Friday without the bank holidays of England, which are loaded data. */
#ifndef RECKONER_DOMAIN_CALENDAR_H
#define RECKONER_DOMAIN_CALENDAR_H

#include "base/date.h"

/* holidays are sorted and may be NULL when count is 0. */
bool is_operational_day(const date_t *holidays, size_t count, date_t d);
/* The n-th operational day after d (n >= 1). false when the way there leaves the years from the first holiday's to the
 * last one's: a window must not be computed from holidays that nobody stated. */
bool operational_day_after(const date_t *holidays, size_t count, date_t d, int32_t n, date_t *out);

#endif
