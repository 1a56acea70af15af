#include "lib/year_thresholds.h"

#include "domain/threshold_rules.h"

#include <check.h>
#include <string.h>

static const struct {
    enum rule_id rule;
    uint64_t most; /* thresholds are drawn from 0 to it, so that rows lie on both sides */
} with_threshold[] = {{RULE_M05, 40}, {RULE_R02, 90}, {RULE_R03, 30}, {RULE_R05, 30}, {RULE_R06, 60}};

void year_add_thresholds(struct contract_year *y, json_t *terms)
{
    json_t *thresholds = json_object();
    json_t *severities = json_object_get(json_object_get(terms, "rules"), "severities");
    for (size_t i = 0; i < sizeof with_threshold / sizeof *with_threshold; i++) {
        const struct rule *rule = rule_get(with_threshold[i].rule);
        int64_t days = 1 + (int64_t)year_random(y, with_threshold[i].most);
        if (year_random(y, 2) == 0)
            ck_assert(json_put(thresholds, threshold_table[rule->threshold].name, json_integer(days)));
        if (year_random(y, 4) == 0)
            ck_assert(json_put(severities, rule->id, json_string(year_random(y, 4) == 0 ? "WARN" : "ERROR")));
    }
    ck_assert(json_put(terms, "thresholds", thresholds));
}

bool year_held_back(const struct contract_year *y, const struct terms *t, month_t month, const struct activity_row *row)
{
    rule_set_t failed = threshold_rules_failed(&t->thresholds, &y->reviews, month, row, 0);
    for (size_t i = 0; i < sizeof with_threshold / sizeof *with_threshold; i++) {
        const struct rule *rule = rule_get(with_threshold[i].rule);
        if ((failed & rule_set_of(with_threshold[i].rule)) != 0 &&
            strcmp(terms_severity(t, rule->id, severity_name(rule->severity)), "ERROR") == 0)
            return true;
    }
    return false;
}
