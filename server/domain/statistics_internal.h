/* What collecting (statistics.c), the encoding (statistics_code.c) and the use (activity.c) of statistics share. */
#ifndef RECKONER_DOMAIN_STATISTICS_INTERNAL_H
#define RECKONER_DOMAIN_STATISTICS_INTERNAL_H

#include "domain/statistics.h"

/* Canonical orders, for qsort. Stays: without their count. */
int statistics_compare_classes(const void *left, const void *right);
int statistics_compare_stays(const void *left, const void *right);
int statistics_compare_candidates(const void *left, const void *right);

/* The stay of a row in the month, class 0 and count 1; false: it has neither a day nor a closing day there. */
bool statistics_stay_of(month_t month, const struct episode *e, struct statistics_stay *out);
/* A row that may earn an assessment; stay NULL: it has none. */
struct statistics_candidate statistics_candidate_of(const struct episode *e, int32_t class,
                                                    const struct statistics_stay *stay);
/* Adds the days of a stay, times its count. false: a count beyond 64 bits. */
bool statistics_count_stay(struct statistics_days *days, month_t month, const struct statistics_stay *stay);

#endif
