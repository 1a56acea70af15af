/* M05, R02, R03, R05 and R06: rules of a single row whose threshold is contract data. They are asked with the terms
 * that are known at the time of asking (the standard thresholds where there are none), never at upload. Pure. Source:
 * spec 2, MHCT and Care. */
#ifndef RECKONER_DOMAIN_THRESHOLD_RULES_H
#define RECKONER_DOMAIN_THRESHOLD_RULES_H

#include "domain/finding_text.h"
#include "domain/valuation.h"

/* The set of them. */
rule_set_t threshold_rules(void);

/* Which of them the row fails in the month. failed_at_upload are the rules it failed whatever the terms: those are not
 * told twice (a discharge date that is no date is an M05 already), and an end that is no date (D03) is not an open
 * episode. reviews may be NULL: R02 is then not found. */
rule_set_t threshold_rules_failed(const struct thresholds *t, const struct review_periods *reviews, month_t month,
                                  const struct activity_row *row, rule_set_t failed_at_upload);

/* The finding of one of them that the row fails. */
void threshold_rule_finding(const struct review_periods *reviews, month_t month, const struct activity_row *row,
                            enum rule_id rule, uint32_t row_no, struct finding *out);

#endif
