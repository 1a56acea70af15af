/* The statistics of a whole submission: those of each commissioner, kept apart. Bounded together; over the bounds there
 * are none, and whoever needs them asks the rows. Pure. */
#ifndef RECKONER_DOMAIN_STATISTICS_SET_H
#define RECKONER_DOMAIN_STATISTICS_SET_H

#include "domain/statistics.h"

/* Commissioners of one submission. */
#define STATISTICS_SET_MAX_COMMISSIONERS 512
/* Classes, stays and candidates of them all. */
#define STATISTICS_SET_MAX_KINDS STATISTICS_MAX_STAYS

struct statistics_set;
struct statistics_set *statistics_set_new(month_t month); /* NULL: out of memory */
void statistics_set_free(struct statistics_set *s);

/* Adds a row to its commissioner's ("" for one without a code); count as in statistics_builder_add. Over the bounds it
 * takes nothing more and answers true. false: out of memory. */
bool statistics_set_add(struct statistics_set *s, const struct episode *e, int64_t count);
/* The same of several rows, once each, and quicker. */
bool statistics_set_add_rows(struct statistics_set *s, const struct episode *rows, size_t count);
/* Whether a bound was passed: there are no statistics. */
bool statistics_set_is_over(const struct statistics_set *s);
/* Rows of all commissioners. */
int64_t statistics_set_rows(const struct statistics_set *s);

/* Each commissioner's statistics with all parts encoded, in ascending order of code; each returns false to stop. false:
 * out of memory, or stopped. */
bool statistics_set_each(const struct statistics_set *s,
                         bool (*each)(void *context, const char *commissioner, const struct statistics *statistics,
                                      const struct bytes part[STATISTICS_PARTS]),
                         void *context);

#endif
