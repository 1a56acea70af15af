#include "domain/rules.h"

#include <string.h>

const struct rule *rule_get(enum rule_id id)
{
    return &rule_table[id];
}

bool rule_by_name(const char *name, enum rule_id *out)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        if (rule_table[i].id[0] == name[0] && strcmp(rule_table[i].id, name) == 0) {
            *out = (enum rule_id)i;
            return true;
        }
    }
    return false;
}

bool rule_by_bit(int bit, enum rule_id *out)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        if (bit >= 0 && rule_table[i].bit == bit) {
            *out = (enum rule_id)i;
            return true;
        }
    }
    return false;
}

rule_set_t rule_set_of(enum rule_id id)
{
    int bit = rule_table[id].bit;
    return bit < 0 ? 0 : (rule_set_t)1 << bit;
}

rule_set_t rules_depending_on(enum rule_depends depends)
{
    rule_set_t set = 0;
    for (int i = 0; i < RULE_COUNT; i++) {
        if (rule_table[i].depends == depends)
            set |= rule_set_of((enum rule_id)i);
    }
    return set;
}

rule_set_t rules_unpayable_at_upload(void)
{
    return RULES_UNPAYABLE_AT_UPLOAD;
}

void thresholds_standard(struct thresholds *out)
{
    for (int i = 0; i < THRESHOLD_COUNT; i++)
        out->value[i] = threshold_table[i].standard;
}

enum threshold_id threshold_by_name(const char *name)
{
    for (int i = 0; i < THRESHOLD_COUNT; i++) {
        if (strcmp(threshold_table[i].name, name) == 0)
            return (enum threshold_id)i;
    }
    return THRESHOLD_NONE;
}

size_t rules_not_checked(unsigned missing, struct unchecked_rule out[RULE_COUNT])
{
    size_t count = 0;
    for (int i = 0; i < RULE_COUNT; i++) {
        unsigned whole = rule_table[i].needs & missing;
        unsigned part = rule_table[i].needs_in_part & missing;
        unsigned lacks = whole != 0 ? whole : part;
        if (lacks == 0)
            continue;
        const char *reason = rule_need_table[__builtin_ctz(lacks)].missing;
        out[count++] = (struct unchecked_rule){(enum rule_id)i, whole == 0, reason};
    }
    return count;
}

static const char *const severity_names[] = {"FILE", "ERROR", "QUERY", "WARN"};

const char *severity_name(enum severity severity)
{
    return severity_names[severity];
}

bool severity_by_name(const char *name, enum severity *out)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(severity_names[i], name) == 0) {
            *out = (enum severity)i;
            return true;
        }
    }
    return false;
}
