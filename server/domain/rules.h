/* The validation rules as data (config/rules.tsv, generated into rules_table.h) and sets of them. */
#ifndef RECKONER_DOMAIN_RULES_H
#define RECKONER_DOMAIN_RULES_H

#include "domain/rules_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of row rules, one bit each: 1 << RULE_BIT_x. The top bit is never used, so it fits a signed bigint. */
typedef uint64_t rule_set_t;

/* The rule; id must be a valid enum rule_id. Static, never NULL. */
const struct rule *rule_get(enum rule_id id);
/* By its three-letter name ("K03"), or by its bit; false when there is none, *out untouched. */
bool rule_by_name(const char *name, enum rule_id *out);
bool rule_by_bit(int bit, enum rule_id *out);
/* The set of one row rule; empty for a rule of the whole file. */
rule_set_t rule_set_of(enum rule_id id);
rule_set_t rules_depending_on(enum rule_depends depends);
/* Row rules that make a row unpayable whatever the terms say: default ERROR, except those that need terms and
 * M03, whose severity is a named option of the terms (require_mhct). F08 counts rows with one of these. */
rule_set_t rules_unpayable_at_upload(void);

/* What a rule's threshold is, by enum threshold_id: days, or parts per million of a share. */
struct thresholds {
    int64_t value[THRESHOLD_COUNT];
};
/* Those that hold where terms say nothing else. */
void thresholds_standard(struct thresholds *out);
/* By its name in the terms; THRESHOLD_NONE when there is none. */
enum threshold_id threshold_by_name(const char *name);

/* A rule that a check could not answer, or only in part, and why. */
struct unchecked_rule {
    enum rule_id rule;
    bool in_part;
    const char *reason; /* one static sentence */
};
/* The rules that cannot be answered in full without what is missing (a set of 1U << enum rule_need), in the order of
 * the table. Returns how many; a rule comes once, with the first reason. */
size_t rules_not_checked(unsigned missing, struct unchecked_rule out[RULE_COUNT]);

/* "FILE", "ERROR", "QUERY", "WARN". */
const char *severity_name(enum severity severity);
bool severity_by_name(const char *name, enum severity *out);

#endif
