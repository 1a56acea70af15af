/* GET /v1/rules: the rules of validation and the thresholds that terms may set. */
#include "domain/rules.h"
#include "base/parse.h"
#include "routes/handlers.h"

static const char *const depends_names[] = {
    [DEPENDS_ROW] = "row",         [DEPENDS_PATIENT] = "patient", [DEPENDS_TERMS] = "terms",
    [DEPENDS_HISTORY] = "history", [DEPENDS_CLOCK] = "clock",     [DEPENDS_REFERENCE] = "reference"};

static json_t *needs_json(unsigned needs)
{
    json_t *list = json_array();
    for (int i = 0; list && i < NEED_COUNT; i++) {
        if ((needs >> i & 1) != 0 && json_array_append_new(list, json_string(rule_need_table[i].name)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *rule_json(const struct rule *rule)
{
    json_t *o = json_object();
    const char *threshold = rule->threshold == THRESHOLD_NONE ? NULL : threshold_table[rule->threshold].name;
    bool ok = o && json_put(o, "rule", json_string(rule->id)) &&
              json_put(o, "severity", json_string(severity_name(rule->severity))) &&
              json_put(o, "may_change", json_boolean(rule->may_change)) &&
              json_put(o, "field", json_string(rule->field)) &&
              json_put(o, "depends", json_string(depends_names[rule->depends])) &&
              json_put(o, "needs", needs_json(rule->needs)) &&
              json_put(o, "needs_in_part", needs_json(rule->needs_in_part)) &&
              json_put(o, "threshold", threshold ? json_string(threshold) : json_null()) &&
              json_put(o, "sentence", json_string(rule->sentence)) && json_put(o, "hint", json_string(rule->hint)) &&
              json_put(o, "source", json_string(rule->source));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *value_json(const struct threshold *t, int64_t value)
{
    if (!t->is_share)
        return json_integer(value);
    char text[32];
    format_percent_ppm(value, text);
    return json_string(text);
}

static json_t *threshold_json(const struct threshold *t)
{
    json_t *o = json_object();
    bool ok = o && json_put(o, "threshold", json_string(t->name)) &&
              json_put(o, "unit", json_string(t->is_share ? "share" : "days")) &&
              json_put(o, "default", value_json(t, t->standard)) && json_put(o, "least", value_json(t, t->least)) &&
              json_put(o, "most", value_json(t, t->most)) && json_put(o, "meaning", json_string(t->meaning));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

void rules_list(struct request *r)
{
    json_t *body = json_object();
    json_t *items = json_array();
    json_t *thresholds = json_array();
    bool ok = true;
    for (int i = 0; i < RULE_COUNT && ok; i++)
        ok = json_array_append_new(items, rule_json(&rule_table[i])) == 0;
    for (int i = 0; i < THRESHOLD_COUNT && ok; i++)
        ok = json_array_append_new(thresholds, threshold_json(&threshold_table[i])) == 0;
    ok = json_put(body, "items", items) && ok;
    ok = json_put(body, "thresholds", thresholds) && ok;
    ok = ok && json_put(body, "rule_set", json_string(RULE_SET_VERSION)) && json_put(body, "next", json_null());
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    reply_json(r, 200, body, NULL);
}
