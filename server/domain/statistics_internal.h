/* What collecting (statistics.c), the encoding (statistics_code.c) and the use (activity.c) of statistics share. */
#ifndef RECKONER_DOMAIN_STATISTICS_INTERNAL_H
#define RECKONER_DOMAIN_STATISTICS_INTERNAL_H

#include "domain/statistics.h"

/* Canonical orders, for qsort. Stays: without their count. */
int statistics_compare_classes(const void *left, const void *right);
int statistics_compare_stays(const void *left, const void *right);
int statistics_compare_candidates(const void *left, const void *right);

/* A row that may earn an assessment; stay NULL: it has none. */
struct statistics_candidate statistics_candidate_of(const struct episode *e, int32_t class,
                                                    const struct statistics_stay *stay);

#endif
