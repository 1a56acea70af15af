/* Which rows an activity line is made of: what one row alone adds to it. A line is a plain sum of its rows, so these
 * add up to it. Pure. */
#ifndef RECKONER_DOMAIN_LINE_ROWS_H
#define RECKONER_DOMAIN_LINE_ROWS_H

#include "domain/activity.h"

/* An activity line and what it was made under. */
struct line_subject {
    month_t month;
    int16_t cluster;
    enum basis basis;
    int64_t price_pence;
    const char *commissioner;
    const struct terms *terms;            /* in force for the month */
    const struct review_periods *reviews; /* NULL when no terms look at reviews */
};

enum line_row {
    LINE_ROW_ADDS,
    LINE_ROW_ADDS_NOTHING, /* not payable, or on another line */
    LINE_ROW_NO_MEMORY,
    LINE_ROW_OVERFLOW
};

/* Units and pence that the row, final marks and all, adds as it was counted: was_here false, is_here true. An
 * assessment counts as the first of its referral: whether it is, no row can say of itself. */
enum line_row line_row_value(const struct line_subject *line, const struct row_change *row, int64_t *units,
                             int64_t *pence);

#endif
