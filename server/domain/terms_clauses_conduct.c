/* Clauses of parties, rules of validation, billing, calendar and worked examples. */
#include "base/buf.h"
#include "base/parse.h"
#include "domain/money.h"
#include "domain/terms_clauses.h"
#include "domain/terms_example.h"

#include <stdio.h>
#include <string.h>

/* Longest text of one clause made here: a thousand services of twelve characters. */
#define CLAUSE_MAX_TEXT 20000

/* Adds the text as a clause unless it is empty, and frees it. */
static bool add_built(struct terms_clauses *c, enum terms_section section, const char *key, struct buf *text)
{
    bool good = !text->failed && clause_add(c, section, CLAUSE_WORDS, 0, key, "%s", text->data);
    buf_free(text);
    return good;
}

static bool add_parties(struct terms_clauses *c, const struct terms *t)
{
    static const char *const members[][2] = {{"vat", "VAT"},
                                             {"electronic_address", "electronic address"},
                                             {"purchase_order", "purchase order"},
                                             {"buyer_reference", "buyer reference"}};
    const char *code;
    json_t *party;
    json_object_foreach(json_object_get(t->source, "parties"), code, party)
    {
        struct buf text;
        char key[40];
        size_t i;
        json_t *line;
        buf_init(&text, CLAUSE_MAX_TEXT);
        buf_append_format(&text, "%s: %s", code, json_text(party, "name"));
        json_array_foreach(json_object_get(party, "address"), i, line)
        {
            buf_append_format(&text, ", %s", json_string_value(line));
        }
        for (i = 0; i < sizeof members / sizeof *members; i++) {
            if (json_text(party, members[i][0]) != NULL) {
                buf_append_format(&text, "; %s %s", members[i][1], json_text(party, members[i][0]));
            }
        }
        buf_append_text(&text, ".");
        (void)snprintf(key, sizeof key, "party/%s", code);
        if (!add_built(c, SECTION_PARTIES, key, &text)) {
            return false;
        }
    }
    return true;
}

static bool add_severities(struct terms_clauses *c, const struct terms_rules *rules)
{
    bool good = true;
    for (int32_t i = 0; good && i < rules->severity_count; i++) {
        const struct terms_severity *s = &rules->severity[i];
        enum rule_id id;
        char key[40];
        (void)snprintf(key, sizeof key, "rule/%s", s->rule);
        good = rule_by_name(s->rule, &id) &&
               clause_add(c, SECTION_RULES, CLAUSE_WORDS, 0, key, "Rule %s (%s) counts as %s.", s->rule,
                          rule_get(id)->sentence, s->severity);
    }
    return good;
}

static bool add_services(struct terms_clauses *c, const char *key, const char *words, char (*codes)[TERMS_CODE_SIZE],
                         int32_t count, uint32_t clusters)
{
    struct buf text;
    bool any = false;
    buf_init(&text, CLAUSE_MAX_TEXT);
    buf_append_text(&text, words);
    for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++) {
        if ((clusters >> cluster & 1U) != 0) {
            char code[3];
            cluster_code(cluster, code);
            buf_append_format(&text, "%s cluster %s", any ? "," : "", code);
            any = true;
        }
    }
    for (int32_t i = 0; i < count; i++) {
        buf_append_format(&text, "%s service %s", any ? "," : "", codes[i]);
        any = true;
    }
    buf_append_text(&text, ".");
    if (!any) {
        buf_free(&text);
        return true;
    }
    return add_built(c, SECTION_RULES, key, &text);
}

static bool add_threshold(struct terms_clauses *c, const struct terms *t, enum threshold_id id)
{
    const struct threshold *standard = &threshold_table[id];
    int64_t value = t->thresholds.value[id];
    char key[80];
    char text[32];
    if (value == standard->standard) {
        return true;
    }
    (void)snprintf(key, sizeof key, "threshold/%s", standard->name);
    if (standard->is_share) {
        format_percent_ppm(value, text);
    } else {
        (void)snprintf(text, sizeof text, "%lld", (long long)value);
    }
    return clause_add(c, SECTION_RULES, standard->is_share ? CLAUSE_PPM : CLAUSE_UNITS, value, key,
                      "Threshold %s (%s): %s.", standard->name, standard->meaning, text);
}

static bool add_rules(struct terms_clauses *c, const struct terms *t)
{
    const struct terms_rules *r = &t->rules;
    bool good =
        add_severities(c, r) &&
        add_services(c, "out_of_scope", "Out of scope:", r->out_of_scope, r->out_of_scope_count, 0) &&
        add_services(c, "prior_approval", "Prior approval is needed for:", r->approval_service,
                     r->approval_service_count, r->approval_clusters) &&
        (r->require_mhct || clause_add(c, SECTION_RULES, CLAUSE_WORDS, 0, "require_mhct",
                                       "A row without a clustering assessment (MHCT) is paid and asked about.")) &&
        (!r->adult_only || clause_add(c, SECTION_RULES, CLAUSE_WORDS, 0, "adult_only",
                                      "Services are for adults: rule P08 is applied.")) &&
        (!r->stop_pay ||
         clause_add(c, SECTION_RULES, CLAUSE_UNITS, r->grace_days, "stop_pay",
                    "Days later than %d days after the date on which a review was due are not paid.", r->grace_days));
    for (int id = 0; good && id < THRESHOLD_COUNT; id++) {
        good = add_threshold(c, t, (enum threshold_id)id);
    }
    return good;
}

static bool add_billing(struct terms_clauses *c, const struct terms *t)
{
    char pounds[MONEY_TEXT_SIZE];
    char share[32];
    bool good = true;
    if (!t->on_account) {
        good = clause_add(c, SECTION_BILLING, CLAUSE_WORDS, 0, "method", "What is due is billed month by month.");
    } else if (t->eacv_pence < 0) {
        good = clause_add(c, SECTION_BILLING, CLAUSE_WORDS, 0, "method",
                          "The plan of the year is billed on account in twelve instalments, and the rest at the "
                          "reconciliation of each month.");
    } else {
        money_format(t->eacv_pence, pounds);
        good = clause_add(c, SECTION_BILLING, CLAUSE_PENCE, t->eacv_pence, "method",
                          "%s is billed on account in twelve instalments, and the rest at the reconciliation of each "
                          "month.",
                          pounds);
    }
    good = good && clause_add(c, SECTION_BILLING, CLAUSE_WORDS, 0, "bill_flex", "%s",
                              t->bill_flex ? "FLEX makes a document too."
                                           : "FLEX makes a provisional statement and no document.");
    if (good && t->sanity_ppm >= 0) {
        format_percent_ppm(t->sanity_ppm, share);
        good =
            clause_add(c, SECTION_BILLING, CLAUSE_PPM, t->sanity_ppm, "sanity_bound",
                       "A balance above %s of the plan of the months it bills is held until people look at it.", share);
    }
    if (good && t->materiality_pence > 0) {
        money_format(t->materiality_pence, pounds);
        good = clause_add(c, SECTION_BILLING, CLAUSE_PENCE, t->materiality_pence, "materiality",
                          "A challenge claims at least %s.", pounds);
    }
    return good;
}

static bool add_deadline(struct terms_clauses *c, const struct terms *t, const struct terms_deadline *d,
                         const char *name, const char *what, const char *event)
{
    char key[40];
    struct buf text;
    if (!d->present) {
        return true;
    }
    (void)snprintf(key, sizeof key, "calendar/%s", name);
    if (d->operational_days > 0) {
        return clause_add(c, SECTION_CALENDAR, CLAUSE_UNITS, d->operational_days, key,
                          "%s: operational day %d after %s.", what, d->operational_days, event);
    }
    buf_init(&text, CLAUSE_MAX_TEXT);
    buf_append_format(&text, "%s:", what);
    for (int k = 0; k < TERMS_MONTHS; k++) {
        char month[CLAUSE_WORD_SIZE];
        char day[CLAUSE_WORD_SIZE];
        clause_month(financial_year_first(t->financial_year) + k, month);
        clause_day(d->date[k], day);
        buf_append_format(&text, "%s %.3s %s", k == 0 ? "" : ",", month, day);
    }
    buf_append_text(&text, ".");
    return add_built(c, SECTION_CALENDAR, key, &text);
}

static bool add_calendar(struct terms_clauses *c, const struct terms *t)
{
    return add_deadline(c, t, &t->flex, "flex", "FLEX, the first date of a month", "the end of the month") &&
           add_deadline(c, t, &t->freeze, "freeze", "FREEZE, the final date of a month", "the end of the month") &&
           add_deadline(c, t, &t->final, "final", "FINAL, the last run of a month", "the end of the month") &&
           add_deadline(c, t, &t->payment, "payment", "A document is paid by", "its issue") &&
           add_deadline(c, t, &t->challenge, "challenge", "A document is challenged by", "its issue") &&
           add_deadline(c, t, &t->answer, "answer", "A challenge is answered by", "the day it was raised");
}

static void append_amount(struct buf *text, bool *any, const char *kind, const char *name, const json_t *pence)
{
    char pounds[MONEY_TEXT_SIZE];
    if (pence == NULL) {
        return;
    }
    money_format(json_integer_value(pence), pounds);
    buf_append_format(text, "%s %s%s %s", *any ? "," : "", kind, name, pounds);
    *any = true;
}

static void append_rows(struct buf *text, const struct terms_example *e)
{
    for (size_t i = 0; i < e->row_count; i++) {
        const struct example_row *row = &e->row[i];
        char code[3];
        char count[CLAUSE_WORD_SIZE];
        char day[CLAUSE_WORD_SIZE];
        cluster_code(row->cluster, code);
        clause_count(row->count, count);
        buf_append_format(text, " %s %s in cluster %s", count, row->count == 1 ? "patient" : "patients", code);
        if (row->start != DATE_NONE) {
            clause_day(row->start, day);
            buf_append_format(text, " from %s", day);
        }
        if (row->end != DATE_NONE) {
            clause_day(row->end, day);
            buf_append_format(text, " to %s", day);
        }
        if (row->assessment != DATE_NONE) {
            clause_day(row->assessment, day);
            buf_append_format(text, ", assessed on %s", day);
        }
        if (row->admitted_days > 0) {
            buf_append_format(text, ", %d days admitted in each month", row->admitted_days);
        }
        buf_append_format(text, "%s%s%s%s%s", row->service[0] != '\0' ? ", in service " : "", row->service,
                          row->commissioner[0] != '\0' ? ", for " : "", row->commissioner,
                          i + 1 < e->row_count ? ";" : ".");
    }
}

static void append_events(struct buf *text, const struct terms_example *e)
{
    for (size_t i = 0; i < e->achievement_count; i++) {
        const struct position_achievement *a = &e->achievement[i];
        buf_append_format(text, " Indicator %s is agreed at %lld of %lld.", a->indicator, (long long)a->numerator,
                          (long long)a->denominator);
    }
    for (size_t i = 0; i < e->adjustment_count; i++) {
        char pounds[MONEY_TEXT_SIZE];
        char month[CLAUSE_WORD_SIZE];
        money_format(e->adjustment[i].pence, pounds);
        clause_month(e->adjustment[i].month, month);
        buf_append_format(text, " An adjustment of %s is agreed for %s (%s).", pounds, month, e->adjustment[i].label);
    }
    for (size_t i = 0; i < e->withhold_count; i++) {
        char month[CLAUSE_WORD_SIZE];
        clause_month(e->withhold[i].month, month);
        buf_append_format(text, " Withhold %s is imposed on %s.", e->withhold[i].id, month);
    }
}

static void append_expectation(struct buf *text, const struct terms_example *e)
{
    const char *name;
    json_t *value;
    bool any = false;
    buf_append_text(text, " Expected:");
    json_object_foreach(json_object_get(e->expect, "lines"), name, value)
    {
        append_amount(text, &any, "line ", name, value);
    }
    json_object_foreach(json_object_get(e->expect, "stages"), name, value)
    {
        append_amount(text, &any, "stage ", name, value);
    }
    append_amount(text, &any, "", "position", json_object_get(e->expect, "total_pence"));
    append_amount(text, &any, "", "billed part", json_object_get(e->expect, "billable_pence"));
    buf_append_text(text, ".");
}

static bool add_example(struct terms_clauses *c, const struct terms_example *e)
{
    struct buf text;
    char key[140];
    char month[CLAUSE_WORD_SIZE];
    clause_month(e->month, month);
    buf_init(&text, CLAUSE_MAX_TEXT * 4);
    buf_append_format(&text, "\"%s\", the year to the end of %s%s%s.", e->title, month,
                      e->commissioner[0] != '\0' ? " for " : "", e->commissioner);
    append_rows(&text, e);
    append_events(&text, e);
    append_expectation(&text, e);
    (void)snprintf(key, sizeof key, "example/%s", e->title);
    return add_built(c, SECTION_EXAMPLES, key, &text);
}

bool clauses_of_conduct(struct terms_clauses *c, const struct terms *t)
{
    bool good = add_rules(c, t) && add_billing(c, t) && add_calendar(c, t) && add_parties(c, t);
    for (int32_t i = 0; good && i < t->example_count; i++) {
        good = add_example(c, &t->example[i]);
    }
    return good;
}
