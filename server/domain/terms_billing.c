/* Billing, withholds, calendar, parties. */
#include "base/parse.h"
#include "domain/money.h"
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_member billing_members[] = {
    {"method", JSON_KIND_TEXT, false, 1, 20},
    {"eacv_pence", JSON_KIND_INTEGER, false, 0, TERMS_MAX_PENCE},
    {"bill_flex", JSON_KIND_BOOLEAN, false, 0, 0},
    {"sanity_bound", JSON_KIND_TEXT, false, 1, 20},
    {"materiality_pence", JSON_KIND_INTEGER, false, 0, TERMS_MAX_PENCE},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_method(struct terms_reader *r, const json_t *object)
{
    const char *method = json_text(object, "method");
    if (method == NULL || strcmp(method, "actual") == 0) {
        return true;
    }
    if (strcmp(method, "on_account") != 0) {
        return terms_refuse(r, "/billing/method", "must be actual or on_account");
    }
    r->t->on_account = true;
    return true;
}

static bool read_billing(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *object = json_object_get(t->source, "billing");
    t->sanity_ppm = -1;
    t->eacv_pence = -1;
    if (object == NULL) {
        return true;
    }
    if (!json_check(object, billing_members, "/billing", r->problem) || !read_method(r, object) ||
        !terms_read_percent(r, object, "sanity_bound", "/billing", INT64_C(100) * PPM_ONE, &t->sanity_ppm)) {
        return false;
    }
    t->bill_flex = json_bool(object, "bill_flex", false);
    t->eacv_pence = json_int(object, "eacv_pence", -1);
    t->materiality_pence = json_int(object, "materiality_pence", 0);
    if (t->eacv_pence >= 0 && !t->on_account) {
        if (!terms_contradiction(r, "eacv_without_instalments", "/billing/eacv_pence",
                                 json_pack("{s:I, s:i}", "eacv_pence", (json_int_t)t->eacv_pence, "instalments", 0),
                                 "is what instalments are made of: state method on_account too")) {
            return false;
        }
    }
    return true;
}

static const struct json_member withhold_members[] = {
    {"id", JSON_KIND_TEXT, true, 1, TERMS_NAME_SIZE - 1},
    {"label", JSON_KIND_TEXT, true, 1, 100},
    {"share", JSON_KIND_TEXT, true, 1, 20},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_withhold(struct terms_reader *r, const json_t *object, int32_t index, struct terms_withhold *out)
{
    char pointer[40];
    char where[50];
    snprintf(pointer, sizeof pointer, "/withholds/%d", index);
    if (!json_check(object, withhold_members, pointer, r->problem) ||
        !terms_read_percent(r, object, "share", pointer, PPM_ONE, &out->share_ppm)) {
        return false;
    }
    snprintf(out->id, sizeof out->id, "%s", json_text(object, "id"));
    out->label = json_text(object, "label");
    out->index = index;
    snprintf(where, sizeof where, "%s/id", pointer);
    if (strspn(out->id, TERMS_ID_CHARACTERS) != strlen(out->id)) {
        return terms_refuse(r, where, "must be letters, digits, hyphens, underscores and full stops alone");
    }
    for (int32_t i = 0; i < index; i++) {
        if (strcmp(r->t->withhold[i].id, out->id) == 0) {
            return terms_refuse(r, where, "is the id of another withhold");
        }
    }
    return true;
}

static bool read_withholds(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *array = json_object_get(t->source, "withholds");
    size_t count = json_array_size(array);
    int64_t shares = 0;
    t->withhold = calloc(count > 0 ? count : 1, sizeof *t->withhold);
    if (t->withhold == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_withhold(r, json_array_get(array, i), (int32_t)i, &t->withhold[i])) {
            return false;
        }
        t->withhold_count = (int32_t)(i + 1);
        shares += t->withhold[i].share_ppm;
    }
    if (shares > PPM_ONE) {
        int64_t held = 0;
        (void)money_round_share(10000, shares, &held);
        if (!terms_contradiction(r, "withholds_over_whole", "/withholds",
                                 json_pack("{s:i, s:I}", "month_pence", 10000, "withheld_pence", (json_int_t)held),
                                 "hold back more than 100%% of a month together: lower their shares")) {
            return false;
        }
    }
    return true;
}

static const struct json_member calendar_members[] = {
    {"flex", JSON_KIND_OBJECT, true, 0, 0},       {"freeze", JSON_KIND_OBJECT, true, 0, 0},
    {"final", JSON_KIND_OBJECT, false, 0, 0},     {"payment", JSON_KIND_OBJECT, false, 0, 0},
    {"challenge", JSON_KIND_OBJECT, false, 0, 0}, {"answer", JSON_KIND_OBJECT, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member deadline_members[] = {
    {"operational_days", JSON_KIND_INTEGER, false, 1, 250},
    {"dates", JSON_KIND_ARRAY, false, TERMS_MONTHS, TERMS_MONTHS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

/* Leaves *out absent when the calendar does not speak of it. */
static bool read_deadline(struct terms_reader *r, const char *name, struct terms_deadline *out)
{
    const json_t *object = json_object_get(json_object_get(r->t->source, "calendar"), name);
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/calendar/%s", name);
    if (object == NULL) {
        return true;
    }
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
            char last[11];
            date_format(month_last(month), last);
            if (!terms_contradiction(r, "calendar_out_of_order", where,
                                     json_pack("{s:s, s:s}", "month_ends", last, "date", text),
                                     "must lie after the end of its month, and within 400 days of it")) {
                return false;
            }
        }
    }
    return true;
}

/* Two windows of a month in their order, given in the same way. */
static bool check_order(struct terms_reader *r, const char *before, const struct terms_deadline *first,
                        const char *name, const struct terms_deadline *second)
{
    char where[60];
    if ((first->operational_days == 0) != (second->operational_days == 0)) {
        snprintf(where, sizeof where, "/calendar/%s", name);
        return terms_refuse(r, where, "must be given as %s is: both in operational days, or both as dates", before);
    }
    if (second->operational_days < first->operational_days) {
        snprintf(where, sizeof where, "/calendar/%s/operational_days", name);
        return terms_contradiction(
            r, "calendar_out_of_order", where,
            json_pack("{s:i, s:i}", "before_days", first->operational_days, "days", second->operational_days),
            "must not come before %s", before);
    }
    for (int k = 0; second->operational_days == 0 && k < TERMS_MONTHS; k++) {
        if (second->date[k] < first->date[k]) {
            snprintf(where, sizeof where, "/calendar/%s/dates/%d", name, k);
            char dates[2][11];
            date_format(first->date[k], dates[0]);
            date_format(second->date[k], dates[1]);
            if (!terms_contradiction(r, "calendar_out_of_order", where,
                                     json_pack("{s:s, s:s}", "before", dates[0], "date", dates[1]),
                                     "must not come before %s", before)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_answer(struct terms_reader *r)
{
    const struct terms_deadline *answer = &r->t->answer;
    return !answer->present || answer->operational_days > 0 ||
           terms_refuse(r, "/calendar/answer", "must be in operational_days: it runs from each challenge");
}

static bool read_calendar(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *object = json_object_get(t->source, "calendar");
    return json_check(object, calendar_members, "/calendar", r->problem) && read_deadline(r, "flex", &t->flex) &&
           read_deadline(r, "freeze", &t->freeze) && read_deadline(r, "final", &t->final) &&
           read_deadline(r, "payment", &t->payment) && read_deadline(r, "challenge", &t->challenge) &&
           read_deadline(r, "answer", &t->answer) && check_order(r, "flex", &t->flex, "freeze", &t->freeze) &&
           (!t->final.present || check_order(r, "freeze", &t->freeze, "final", &t->final)) && check_answer(r);
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

/* While collecting: a party without its name or address is that, and not merely malformed. */
static bool party_incomplete(struct terms_reader *r, const char *code, const json_t *party)
{
    static const char *const needed[] = {"name", "address"};
    const struct json_problem problem = *r->problem;
    const char *missing = NULL;
    for (size_t i = 0; json_is_object(party) && i < 2; i++) {
        missing = missing == NULL && json_object_get(party, needed[i]) == NULL ? needed[i] : missing;
    }
    return missing != NULL && strstr(problem.field, missing) != NULL &&
           terms_contradiction(r, "party_data_missing", problem.field,
                               json_pack("{s:s, s:s}", "party", code, "missing", missing), "%s", problem.message);
}

static bool read_parties(struct terms_reader *r)
{
    const json_t *object = json_object_get(r->t->source, "parties");
    const char *code;
    json_t *party;
    int without_reference = 0;
    if (object == NULL) {
        return r->t->shadow || terms_contradiction(r, "party_data_missing", "/parties",
                                                   json_pack("{s:i, s:i}", "parties_needed", 2, "parties", 0),
                                                   "is needed in live terms");
    }
    if (json_object_size(object) < 2) {
        if (!terms_contradiction(
                r, "party_data_missing", "/parties",
                json_pack("{s:i, s:I}", "parties_needed", 2, "parties", (json_int_t)json_object_size(object)),
                "must have the provider and at least one commissioner")) {
            return false;
        }
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
            return r->found != NULL && party_incomplete(r, code, party);
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
           terms_contradiction(
               r, "party_data_missing", "/parties",
               json_pack("{s:i, s:i}", "commissioners_without_reference", without_reference - 1, "allowed", 0),
               "must give purchase_order or buyer_reference for each commissioner in live terms");
}

bool terms_read_billing(struct terms_reader *r)
{
    return read_billing(r) && read_withholds(r) && read_calendar(r) && read_parties(r);
}

/* The plan of the year is what instalments are made of when no sum is stated. */
bool terms_check_billing(struct terms_reader *r)
{
    const struct terms *t = r->t;
    if (t->on_account && t->eacv_pence < 0 && t->plan_count == 0 && t->plan_sum_count == 0) {
        return terms_contradiction(r, "instalments_of_nothing", "/billing/method",
                                   json_pack("{s:i, s:i}", "plan_of_the_year_pence", 0, "instalment_1_pence", 0),
                                   "on_account needs eacv_pence, or a plan to take it from");
    }
    return true;
}
