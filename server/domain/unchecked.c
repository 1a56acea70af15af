#include "domain/unchecked.h"

#include <string.h>

unsigned unchecked_need_of_kind(const char *kind, size_t length)
{
    static const struct {
        const char *kind;
        enum rule_need need;
    } table[] = {{"practices", NEED_PRACTICES}, {"allocation_grid", NEED_GRID}, {"reference_prices", NEED_PRICES}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].kind) == length && memcmp(table[i].kind, kind, length) == 0)
            return 1U << table[i].need;
    }
    return 0;
}

json_t *unchecked_json(unsigned missing)
{
    struct unchecked_rule rules[RULE_COUNT];
    size_t count = rules_not_checked(missing, rules);
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        json_t *one = json_object();
        bool ok = one && json_put(one, "rule", json_string(rule_get(rules[i].rule)->id)) &&
                  json_put(one, "in_part", json_boolean(rules[i].in_part)) &&
                  json_put(one, "reason", json_string(rules[i].reason));
        if (!ok)
            json_decref(one);
        if (!ok || json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
