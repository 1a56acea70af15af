/* Which counts of patients may be shown. Counts of 1 to 4 are hidden, and so many others that no sum that is shown
 * gives one of them back: afterwards every hidden count of 1 to 4 could have at least one other value with which all
 * that is shown agrees, also for a reader who knows that nothing hidden is 0. As few others as the search finds, small
 * ones first. Pure. Source: spec 2, Who sees what. Not for units or pounds of contract lines, which are always shown.
 *
 * What hangs on a hidden count (rows, amounts, shares, numerators) is hidden with it by the caller. A share gives back
 * both its parts: give numerator and the rest of the denominator as two columns. */
#ifndef RECKONER_DOMAIN_SUPPRESSION_H
#define RECKONER_DOMAIN_SUPPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPPRESSION_BELOW         5 /* counts of 1 up to this are hidden */
#define SUPPRESSION_MAXIMUM_CELLS 20000

enum suppression {
    SUPPRESSION_DONE,     /* hidden says what to hide; perhaps nothing */
    SUPPRESSION_WITHHELD, /* no choice protects every small count (all others are 0, say): show nothing of the table but
                           * the totals that are known elsewhere; not which counts are 0 either. hidden is all true */
    SUPPRESSION_FAILED    /* out of memory, a negative count, a sum beyond 64 bits, or more cells than the maximum */
};

/* Is a count one of those that are never shown? */
bool suppression_is_small(int64_t count);

/* A list of counts that are shown with their sum. hidden has count + 1 places, the last for the sum, which is never
 * hidden when sum_known: it can be read elsewhere. */
enum suppression suppression_list(const int64_t *counts, size_t count, bool sum_known, bool *hidden);

/* A table of rows * columns counts (row after row) that are shown with the sums of its rows, its columns and the whole.
 * hidden has (rows + 1) * (columns + 1) places: each row with its sum behind it, then the sums of the columns and that
 * of the whole. sums_known: none of the sums is hidden. */
enum suppression suppression_table(const int64_t *counts, size_t rows, size_t columns, bool sums_known, bool *hidden);

#endif
