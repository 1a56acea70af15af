/* The part of random contract-years that speaks of thresholds: terms that set them and make their rules an ERROR, and
 * the rows that are then not paid. */
#ifndef RECKONER_TESTS_YEAR_THRESHOLDS_H
#define RECKONER_TESTS_YEAR_THRESHOLDS_H

#include "lib/contract_year.h"

/* Members thresholds and rules.severities of some of the terms. */
void year_add_thresholds(struct contract_year *y, json_t *terms);
/* Whether the row fails a rule with a threshold that these terms make an ERROR. */
bool year_held_back(const struct contract_year *y, const struct terms *t, month_t month,
                    const struct activity_row *row);

#endif
