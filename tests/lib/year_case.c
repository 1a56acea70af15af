/* A contract-year as a case of the second implementation: the format stands in auditor/reckoner_auditor.py, of runs in
 * tests/lib/second_runs.py. */
#include "lib/contract_year.h"
#include "lib/year_json.h"

#include <stdio.h>

static void put_integer_text(json_t *object, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    put_text(object, name, text);
}

static json_t *row_json(const struct year_row *row)
{
    const struct episode *e = &row->row;
    json_t *object = json_object();
    json_t *failed = json_array();
    put_text(object, "episode_id", e->episode_id);
    put_text(object, "patient_id", row->patient_id);
    put_text(object, "commissioner", e->commissioner);
    put_text(object, "cluster", e->cluster);
    put_text(object, "service", e->service);
    put_day(object, "start_date", e->start_date);
    put_day(object, "end_date", e->end_date);
    put_day(object, "mhct_date", e->mhct_date);
    put_day(object, "referral_date", e->referral_date);
    put_day(object, "last_contact", e->last_contact);
    put_integer_text(object, "mhct_reason", e->mhct_reason);
    put_integer_text(object, "admitted_days", e->admitted_days);
    put_text(object, "assessment_only", e->assessment_only ? "Y" : "");
    put_text(object, "approval_ref", e->approved ? "A1" : "");
    put_text(object, "birth_date", e->minor ? "2000-05-17" : "1960-05-17");
    for (int bit = 0; bit < 63; bit++) {
        enum rule_id rule;
        if ((e->failed >> bit & 1) != 0 && rule_by_bit(bit, &rule))
            append(failed, json_string(rule_get(rule)->id));
    }
    put(object, "failed", failed);
    return object;
}

json_t *contract_year_reviews(const struct contract_year *y)
{
    json_t *reviews = json_object();
    for (int16_t i = 0; i < TERMS_CLUSTERS; i++) {
        char code[3];
        cluster_code(i, code);
        if (y->reviews.days[i] > 0)
            put(reviews, code, json_pack("{s:i}", "days", y->reviews.days[i]));
        else if (y->reviews.months[i] > 0)
            put(reviews, code, json_pack("{s:i}", "months", y->reviews.months[i]));
    }
    return reviews;
}

static json_t *months_json(const struct contract_year *y, month_t m)
{
    json_t *months = json_object();
    for (int32_t k = 0; k <= m - YEAR_APRIL; k++) {
        char name[8];
        month_format(YEAR_APRIL + k, name);
        json_t *rows = json_array();
        for (size_t i = 0; i < y->row_count[k]; i++)
            append(rows, row_json(&y->rows[k][i]));
        if (y->missing[k])
            json_decref(rows);
        else
            put(months, name,
                json_pack("{s:o, s:o, s:s, s:o}", "rows", rows, "review_periods", contract_year_reviews(y), "sha256",
                          y->sha256[k], "known_from", json_instant(100 + k)));
    }
    return months;
}

void contract_year_row_sha256(size_t i, char *out)
{
    snprintf(out, 65, "%064zx", i + 1);
}

static json_t *change_json(const struct year_change *c)
{
    json_t *object = json_object();
    char cluster[3];
    put(object, "month", json_month(c->month));
    put_number(object, "row", (int64_t)c->row + 1);
    put(object, "agreed_at", json_instant(c->agreed_at));
    if (c->cluster >= 0) {
        cluster_code(c->cluster, cluster);
        put_text(object, "cluster", cluster);
    }
    if (c->payable_days >= 0)
        put_number(object, "payable_days", c->payable_days);
    if (c->not_payable)
        put(object, "not_payable", json_true());
    if (c->to != NULL)
        put_text(object, "to", c->to);
    return object;
}

static void put_achievements(json_t *object, const struct contract_year *y)
{
    json_t *achievements = json_array();
    for (size_t i = 0; i < y->achievements; i++) {
        const struct position_achievement *a = &y->achievement[i];
        append(achievements, json_pack("{s:s, s:I, s:I, s:b, s:o}", "indicator", a->indicator, "numerator",
                                       (json_int_t)a->numerator, "denominator", (json_int_t)a->denominator, "disputed",
                                       a->disputed, "agreed_at", json_instant(a->agreed_at)));
    }
    put(object, "achievements", achievements);
}

static void put_agreed(json_t *object, const struct contract_year *y)
{
    json_t *months = json_array();
    json_t *adjustments = json_array();
    for (size_t i = 0; i < y->agreed_count; i++)
        append(months, json_pack("{s:o, s:s, s:I, s:o}", "month", json_month(y->agreed[i].month), "kind",
                                 y->agreed[i].source == MONTH_ZERO ? "zero" : "estimate", "agreement",
                                 (json_int_t)i + 1, "agreed_at", json_instant(y->agreed[i].agreed_at)));
    for (size_t i = 0; i < y->adjustments; i++) {
        const struct position_adjustment *a = &y->adjustment[i];
        json_t *one = json_pack("{s:I, s:o, s:I, s:s, s:b, s:o}", "n", (json_int_t)a->n, "month", json_month(a->month),
                                "pence", (json_int_t)a->pence, "label", a->label, "in_cquin", a->in_cquin, "agreed_at",
                                json_instant(a->agreed_at));
        if (a->reverses != 0)
            put_number(one, "reverses", a->reverses);
        append(adjustments, one);
    }
    put(object, "agreed_months", months);
    put(object, "adjustments", adjustments);
}

static void put_withholds(json_t *object, const struct contract_year *y)
{
    json_t *withholds = json_array();
    for (size_t i = 0; i < y->withholds; i++) {
        const struct position_withhold *w = &y->withhold[i];
        json_t *one = json_pack("{s:s, s:o, s:o}", "id", w->id, "month", json_month(w->month), "imposed_at",
                                json_instant(w->imposed_at));
        if (w->state != WITHHOLD_OPEN) {
            put_text(one, "decided", w->state == WITHHOLD_RELEASED ? "released" : "kept");
            put(one, "decided_at", json_instant(w->decided_at));
            put_number(one, "decided_pence", w->decided_pence);
            put_number(one, "agreement", w->agreement);
        }
        append(withholds, one);
    }
    put(object, "withholds", withholds);
}

static void put_decisions(json_t *object, const struct contract_year *y)
{
    json_t *decisions = json_array();
    json_t *moved = json_array();
    json_t *challenges = json_array();
    for (size_t i = 0; i < y->changes; i++) {
        char sha256[65];
        json_t *one = change_json(&y->change[i]);
        contract_year_row_sha256(i, sha256);
        put_text(one, "row_sha256", sha256);
        put_number(one, "number", (int64_t)i + 1);
        append(y->change[i].to == NULL ? decisions : moved, one);
    }
    for (size_t i = 0; i < y->challenges; i++) {
        const struct year_challenge *c = &y->challenge[i];
        json_t *rows = json_array();
        for (size_t r = 0; r < c->rows; r++)
            append(rows, change_json(&c->row[r]));
        json_t *one = json_pack("{s:I, s:I, s:b, s:o, s:o}", "number", (json_int_t)c->number, "claimed_pence",
                                (json_int_t)c->claimed_pence, "billed", c->billed, "raised_at",
                                json_instant(c->raised_at), "rows", rows);
        if (c->closed_at != INT64_MAX)
            put(one, "closed_at", json_instant(c->closed_at));
        append(challenges, one);
    }
    put(object, "decisions", decisions);
    put(object, "reattributions", moved);
    put(object, "challenges", challenges);
}

void contract_year_case_bill(json_t *object, const struct contract_year *y, int64_t documents, month_t billed_to,
                             month_t run, const char *type)
{
    json_t *asked = json_pack("{s:o, s:s}", "month", json_month(run), "type", type);
    if (billed_to != 0)
        put(asked, "billed_to", json_month(billed_to));
    put(object, "run", asked);
    json_t *opening = json_array();
    for (size_t i = 0; i < y->openings; i++)
        append(opening, json_pack("{s:I, s:o}", "pence", (json_int_t)y->opening[i].pence, "agreed_at",
                                  json_instant(y->opening[i].agreed_at)));
    put(object, "opening_entries", opening);
    put(object, "documents",
        json_pack("[{s:I}, {s:I}]", "pence", (json_int_t)(documents / 3), "pence",
                  (json_int_t)(documents - documents / 3)));
}

json_t *contract_year_case(const struct contract_year *y, month_t m, instant_t known_at)
{
    json_t *object = json_object();
    json_t *terms = json_array();
    for (size_t i = 0; i < y->versions; i++)
        append(terms,
               json_pack("{s:i, s:o, s:s, s:O}", "version", y->version[i].version, "known_from",
                         json_instant(y->version[i].known_from), "sha256", y->digest[i], "terms", y->terms[i]->source));
    put_text(object, "engine", POSITION_ENGINE);
    put_text(object, "provider", "RXA");
    put_text(object, "contract", "bcdfghjklmnpqrstvwxz");
    put_text(object, "commissioner", y->account);
    put(object, "month", json_month(m));
    put(object, "known_at", json_instant(known_at));
    put(object, "terms", terms);
    put(object, "months", months_json(y, m));
    put_achievements(object, y);
    put_agreed(object, y);
    put_withholds(object, y);
    put_decisions(object, y);
    return object;
}
