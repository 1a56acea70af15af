/* What the terms say of conduct: rules of validation and their thresholds. */
#include "base/parse.h"
#include "domain/money.h"
#include "domain/rules.h"
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_member rules_members[] = {
    {"severities", JSON_KIND_OBJECT, false, 0, 0},     {"out_of_scope_services", JSON_KIND_ARRAY, false, 1, 1000},
    {"prior_approval", JSON_KIND_OBJECT, false, 0, 0}, {"require_mhct", JSON_KIND_BOOLEAN, false, 0, 0},
    {"adult_only", JSON_KIND_BOOLEAN, false, 0, 0},    {"stop_pay_when_overdue", JSON_KIND_OBJECT, false, 0, 0},
    {"outlier_trim", JSON_KIND_TEXT, false, 1, 20},    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member approval_members[] = {
    {"clusters", JSON_KIND_ARRAY, false, 1, TERMS_CLUSTERS},
    {"services", JSON_KIND_ARRAY, false, 1, 1000},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member stop_pay_members[] = {
    {"grace_days", JSON_KIND_INTEGER, true, 0, 366},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_services(struct terms_reader *r, const json_t *array, const char *base, char (**out)[TERMS_CODE_SIZE],
                          int32_t *out_count)
{
    size_t count = json_array_size(array);
    char(*codes)[TERMS_CODE_SIZE] = calloc(count > 0 ? count : 1, sizeof *codes);
    if (codes == NULL) {
        return terms_no_memory(r);
    }
    *out = codes;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        const char *text = json_string_value(value);
        if (text == NULL || text[0] == '\0' || strlen(text) >= TERMS_CODE_SIZE) {
            char where[80];
            snprintf(where, sizeof where, "%s/%zu", base, i);
            return terms_refuse(r, where, "must be a service code of 1 to %d characters", TERMS_CODE_SIZE - 1);
        }
        snprintf(codes[i], TERMS_CODE_SIZE, "%s", text);
    }
    *out_count = (int32_t)count;
    return true;
}

static bool read_severities(struct terms_reader *r, const json_t *object)
{
    struct terms_rules *rules = &r->t->rules;
    size_t count = json_object_size(object);
    const char *name;
    json_t *value;
    rules->severity = calloc(count > 0 ? count : 1, sizeof *rules->severity);
    if (rules->severity == NULL) {
        return terms_no_memory(r);
    }
    json_object_foreach((json_t *)object, name, value)
    {
        struct terms_severity *s = &rules->severity[rules->severity_count];
        const char *text = json_string_value(value);
        enum rule_id id;
        enum severity severity;
        char where[80];
        snprintf(where, sizeof where, "/rules/severities/%.10s", name);
        if (!rule_by_name(name, &id)) {
            return terms_refuse(r, where, "is not a rule of this service");
        }
        if (!rule_get(id)->may_change) {
            return terms_refuse(r, where, "is a rule whose severity cannot be changed here");
        }
        if (text == NULL || !severity_by_name(text, &severity) || severity == SEVERITY_FILE) {
            return terms_refuse(r, where, "must be ERROR, QUERY or WARN");
        }
        snprintf(s->rule, sizeof s->rule, "%s", name);
        snprintf(s->severity, sizeof s->severity, "%s", text);
        rules->severity_count++;
    }
    return true;
}

bool terms_read_rules(struct terms_reader *r)
{
    struct terms_rules *rules = &r->t->rules;
    const json_t *object = json_object_get(r->t->source, "rules");
    const json_t *approval = json_object_get(object, "prior_approval");
    const json_t *stop_pay = json_object_get(object, "stop_pay_when_overdue");
    if ((object != NULL && !json_check(object, rules_members, "/rules", r->problem)) ||
        (approval != NULL && !json_check(approval, approval_members, "/rules/prior_approval", r->problem)) ||
        (stop_pay != NULL && !json_check(stop_pay, stop_pay_members, "/rules/stop_pay_when_overdue", r->problem))) {
        return false;
    }
    const char *trim = json_text(object, "outlier_trim");
    if (trim != NULL && strcmp(trim, "off") != 0) {
        return terms_refuse(r, "/rules/outlier_trim", "must be \"off\": long stays are paid like all others");
    }
    rules->require_mhct = json_bool(object, "require_mhct", true);
    rules->adult_only = json_bool(object, "adult_only", false);
    rules->stop_pay = stop_pay != NULL;
    rules->grace_days = (int32_t)json_int(stop_pay, "grace_days", 0);
    return read_severities(r, json_object_get(object, "severities")) &&
           read_services(r, json_object_get(object, "out_of_scope_services"), "/rules/out_of_scope_services",
                         &rules->out_of_scope, &rules->out_of_scope_count) &&
           terms_read_clusters(r, json_object_get(approval, "clusters"), "/rules/prior_approval/clusters",
                               &rules->approval_clusters) &&
           read_services(r, json_object_get(approval, "services"), "/rules/prior_approval/services",
                         &rules->approval_service, &rules->approval_service_count);
}

static bool read_share(struct terms_reader *r, const char *where, const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    if (text == NULL || !parse_percent_ppm(text, strlen(text), out)) {
        return terms_refuse(r, where, "must be a percentage with at most four decimals, for example \"2.5%%\"");
    }
    return true;
}

static bool read_threshold(struct terms_reader *r, const char *where, enum threshold_id id, const json_t *value)
{
    const struct threshold *t = &threshold_table[id];
    int64_t number = json_integer_value(value);
    if (t->is_share) {
        if (!read_share(r, where, value, &number)) {
            return false;
        }
    } else if (!json_is_integer(value)) {
        return terms_refuse(r, where, "must be a whole number of days");
    }
    if (number < t->least || number > t->most) {
        char least[32];
        char most[32];
        if (t->is_share) {
            format_percent_ppm(t->least, least);
            format_percent_ppm(t->most, most);
        } else {
            snprintf(least, sizeof least, "%lld", (long long)t->least);
            snprintf(most, sizeof most, "%lld", (long long)t->most);
        }
        return terms_refuse(r, where, "must lie in %s to %s", least, most);
    }
    r->t->thresholds.value[id] = number;
    return true;
}

bool terms_read_thresholds(struct terms_reader *r)
{
    const char *name;
    json_t *value;
    thresholds_standard(&r->t->thresholds);
    json_object_foreach(json_object_get(r->t->source, "thresholds"), name, value)
    {
        enum threshold_id id = threshold_by_name(name);
        char where[80];
        snprintf(where, sizeof where, "/thresholds/%.40s", name);
        if (id == THRESHOLD_NONE) {
            return terms_refuse(r, where, "is not a threshold of this service");
        }
        if (!read_threshold(r, where, id, value)) {
            return false;
        }
    }
    return true;
}
