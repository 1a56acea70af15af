/* When the windows of a contract's month close: FLEX (first date) and FREEZE (final date), at 24:00 Europe/London.
 * Operational days are Monday to Friday without the bank holidays of England, counted from the day after the month's
 * end. */
#ifndef RECKONER_DOMAIN_WINDOWS_H
#define RECKONER_DOMAIN_WINDOWS_H

#include "domain/terms.h"

struct windows {
    date_t flex_date;   /* last day of the FLEX window */
    date_t freeze_date; /* last day of the FREEZE window */
    instant_t flex_at;  /* first instant after it: a request begun earlier is inside */
    instant_t freeze_at;
};

/* holidays: sorted dates. false when the month does not lie in the terms' financial year, or operational days are to be
 * counted in a year that the holidays do not cover. */
bool windows_of_month(const struct terms *t, month_t month, const date_t *holidays, size_t count, struct windows *out);

#endif
