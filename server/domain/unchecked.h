/* What a check could not ask, for reports: the rules that lack something, and why. Pure. */
#ifndef RECKONER_DOMAIN_UNCHECKED_H
#define RECKONER_DOMAIN_UNCHECKED_H

#include "base/json.h"
#include "domain/rules.h"

/* The need that a kind of reference file meets ("practices"), as 1U << enum rule_need; 0 for kinds that no rule can do
 * without. */
unsigned unchecked_need_of_kind(const char *kind, size_t length);

/* [{rule, in_part, reason}] of rules_not_checked. A new reference; NULL when memory ran out. */
json_t *unchecked_json(unsigned missing);

#endif
