/* What the terms say of conduct: rules of validation, billing, calendar, parties. */
#include "base/parse.h"
#include "domain/money.h"
#include "domain/rules.h"
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_member rules_members[] = {
    {"severities", JSON_KIND_OBJECT, false, 0, 0},
    {"out_of_scope_services", JSON_KIND_ARRAY, false, 1, 1000},
    {"prior_approval", JSON_KIND_OBJECT, false, 0, 0},
    {"require_mhct", JSON_KIND_BOOLEAN, false, 0, 0},
    {"adult_only", JSON_KIND_BOOLEAN, false, 0, 0},
    {"stop_pay_when_overdue", JSON_KIND_OBJECT, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
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

static const struct json_member billing_members[] = {
    {"method", JSON_KIND_TEXT, false, 1, 20},
    {"bill_flex", JSON_KIND_BOOLEAN, false, 0, 0},
    {"sanity_bound", JSON_KIND_TEXT, false, 1, 20},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_billing(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *object = json_object_get(t->source, "billing");
    t->sanity_ppm = -1;
    if (object == NULL) {
        return true;
    }
    if (!json_check(object, billing_members, "/billing", r->problem) ||
        !terms_read_percent(r, object, "sanity_bound", "/billing", INT64_C(100) * PPM_ONE, &t->sanity_ppm)) {
        return false;
    }
    const char *method = json_text(object, "method");
    if (method != NULL && strcmp(method, "on_account") == 0) {
        return terms_refuse(r, "/billing/method", "on_account is not offered by this version");
    }
    if (method != NULL && strcmp(method, "actual") != 0) {
        return terms_refuse(r, "/billing/method", "must be actual");
    }
    t->bill_flex = json_bool(object, "bill_flex", false);
    return true;
}

static const struct json_member calendar_members[] = {
    {"flex", JSON_KIND_OBJECT, true, 0, 0},
    {"freeze", JSON_KIND_OBJECT, true, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member deadline_members[] = {
    {"operational_days", JSON_KIND_INTEGER, false, 1, 250},
    {"dates", JSON_KIND_ARRAY, false, TERMS_MONTHS, TERMS_MONTHS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_deadline(struct terms_reader *r, const json_t *object, const char *pointer, struct terms_deadline *out)
{
    if (!json_check(object, deadline_members, pointer, r->problem)) {
        return false;
    }
    if (json_object_size(object) != 1) {
        return terms_refuse(r, pointer, "must have either operational_days or dates");
    }
    out->present = true;
    out->operational_days = (int32_t)json_int(object, "operational_days", 0);
    const json_t *dates = json_object_get(object, "dates");
    for (size_t k = 0; k < json_array_size(dates); k++) {
        const char *text = json_string_value(json_array_get(dates, k));
        month_t month = financial_year_first(r->t->financial_year) + (month_t)k;
        char where[80];
        snprintf(where, sizeof where, "%s/dates/%zu", pointer, k);
        if (text == NULL || !date_parse(text, strlen(text), &out->date[k])) {
            return terms_refuse(r, where, "must be a day, YYYY-MM-DD");
        }
        if (out->date[k] <= month_last(month) || out->date[k] > month_last(month) + 400) {
            return terms_refuse(r, where, "must lie after the end of its month, and within 400 days of it");
        }
    }
    return true;
}

static bool read_calendar(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *object = json_object_get(t->source, "calendar");
    if (!json_check(object, calendar_members, "/calendar", r->problem) ||
        !read_deadline(r, json_object_get(object, "flex"), "/calendar/flex", &t->flex) ||
        !read_deadline(r, json_object_get(object, "freeze"), "/calendar/freeze", &t->freeze)) {
        return false;
    }
    if ((t->flex.operational_days == 0) != (t->freeze.operational_days == 0)) {
        return terms_refuse(r, "/calendar/freeze",
                            "must be given as flex is: both in operational days, or both as dates");
    }
    if (t->freeze.operational_days < t->flex.operational_days) {
        return terms_refuse(r, "/calendar/freeze/operational_days", "must not come before flex");
    }
    for (int k = 0; t->freeze.operational_days == 0 && k < TERMS_MONTHS; k++) {
        if (t->freeze.date[k] < t->flex.date[k]) {
            char where[50];
            snprintf(where, sizeof where, "/calendar/freeze/dates/%d", k);
            return terms_refuse(r, where, "must not come before flex");
        }
    }
    return true;
}

static const struct json_member party_members[] = {
    {"name", JSON_KIND_TEXT, true, 1, 200},
    {"address", JSON_KIND_ARRAY, true, 1, 6},
    {"vat", JSON_KIND_TEXT, false, 1, 30},
    {"electronic_address", JSON_KIND_TEXT, false, 1, 100},
    {"purchase_order", JSON_KIND_TEXT, false, 1, 60},
    {"buyer_reference", JSON_KIND_TEXT, false, 1, 60},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_parties(struct terms_reader *r)
{
    const json_t *object = json_object_get(r->t->source, "parties");
    const char *code;
    json_t *party;
    int without_reference = 0;
    if (object == NULL) {
        return r->t->shadow || terms_refuse(r, "/parties", "is needed in live terms");
    }
    if (json_object_size(object) < 2) {
        return terms_refuse(r, "/parties", "must have the provider and at least one commissioner");
    }
    json_object_foreach((json_t *)object, code, party)
    {
        char where[100];
        size_t index;
        json_t *text;
        snprintf(where, sizeof where, "/parties/%.20s", code);
        if (code[0] == '\0' || strlen(code) >= TERMS_CODE_SIZE) {
            return terms_refuse(r, where, "must be named by the organisation's code");
        }
        if (!json_check(party, party_members, where, r->problem)) {
            return false;
        }
        bool refers = json_text(party, "purchase_order") != NULL || json_text(party, "buyer_reference") != NULL;
        without_reference += refers ? 0 : 1;
        json_array_foreach(json_object_get(party, "address"), index, text)
        {
            if (!json_is_string(text) || json_string_length(text) == 0 || json_string_length(text) > 100) {
                snprintf(where, sizeof where, "/parties/%.20s/address/%zu", code, index);
                return terms_refuse(r, where, "must be a line of 1 to 100 bytes");
            }
        }
    }
    /* The provider is the one party that needs none. */
    return r->t->shadow || without_reference <= 1 ||
           terms_refuse(r, "/parties",
                        "must give purchase_order or buyer_reference for each commissioner in live terms");
}

bool terms_read_billing(struct terms_reader *r)
{
    return read_billing(r) && read_calendar(r) && read_parties(r);
}
