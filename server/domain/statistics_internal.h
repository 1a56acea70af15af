/* What collecting (statistics.c), the encoding (statistics_code.c) and the use (activity.c) of statistics share. */
#ifndef RECKONER_DOMAIN_STATISTICS_INTERNAL_H
#define RECKONER_DOMAIN_STATISTICS_INTERNAL_H

#include "domain/statistics.h"

/* Canonical orders, for qsort. Stays: without their count. */
int statistics_compare_classes(const void *left, const void *right);
int statistics_compare_stays(const void *left, const void *right);
int statistics_compare_candidates(const void *left, const void *right);
/* Place of the first candidate of the patient and referral of another, or of what comes behind them. */
size_t statistics_first_of_referral(const struct statistics *s, const struct statistics_candidate *a);
bool statistics_same_referral(const struct statistics_candidate *a, const struct statistics_candidate *b);

/* A row that may earn an assessment; stay NULL: it has none. */
struct statistics_candidate statistics_candidate_of(const struct episode *e, int32_t class,
                                                    const struct statistics_stay *stay);

#endif
