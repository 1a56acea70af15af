#include "domain/position_document.h"

#include "domain/money.h"

#include <stdio.h>
#include <string.h>

static bool put_text(json_t *object, const char *name, const char *text)
{
    return text == NULL || json_put(object, name, json_string(text));
}

/* Appends a new value to an array; takes the reference, NULL marks failure. */
static bool append(json_t *array, json_t *value, bool complete)
{
    if (value == NULL || !complete) {
        json_decref(value);
        return false;
    }
    return json_array_append_new(array, value) == 0;
}

static bool add_month(json_t *array, const struct position_month *m)
{
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "month", json_month(m->month)) &&
                    json_put(entry, "terms", json_integer(m->terms->version));
    if (complete && m->submission != NULL) {
        complete = put_text(entry, "sha256", m->sha256) && put_text(entry, "rule_set", m->rule_set) &&
                   put_text(entry, "reference", m->reference) && put_text(entry, "review_periods", m->reviews);
    } else if (complete) {
        complete = json_put(entry, "agreed", json_string(m->source == MONTH_ZERO ? "zero" : "estimate")) &&
                   json_put(entry, "agreement", json_integer(m->agreement));
    }
    return append(array, entry, complete);
}

static bool add_version(json_t *array, const struct terms_version *v)
{
    size_t index;
    json_t *other;
    json_array_foreach(array, index, other)
    {
        if (json_int(other, "version", 0) == v->version) {
            return true;
        }
    }
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "version", json_integer(v->version)) &&
                    json_put(entry, "sha256", json_string(v->digest));
    return append(array, entry, complete);
}

/* Achievements in the order of the indicators, whatever the order they came in. */
static bool add_achievements(json_t *array, const struct position_input *in)
{
    const struct terms_cquin *c = &in->annual->terms->cquin;
    for (int32_t i = 0; i < c->count; i++) {
        for (size_t j = 0; j < in->achievement_count; j++) {
            const struct position_achievement *a = &in->achievements[j];
            if (strcmp(a->indicator, c->indicator[i].id) != 0) {
                continue;
            }
            json_t *entry = json_object();
            bool complete = entry != NULL && json_put(entry, "indicator", json_string(a->indicator)) &&
                            (a->disputed ? json_put(entry, "disputed", json_true())
                                         : json_put(entry, "numerator", json_integer(a->numerator)) &&
                                               json_put(entry, "denominator", json_integer(a->denominator)));
            if (!append(array, entry, complete)) {
                return false;
            }
            break;
        }
    }
    return true;
}

static bool add_adjustment(json_t *array, const struct position_input *in, size_t i)
{
    const struct position_adjustment *a = &in->adjustments[i];
    if (a->month > in->month) {
        return true;
    }
    json_t *entry = json_object();
    bool complete =
        entry != NULL && json_put(entry, "agreement", json_integer(a->n)) &&
        json_put(entry, "month", json_month(a->month)) && json_put(entry, "pence", json_integer(a->pence)) &&
        json_put(entry, "label", json_string(a->label)) && json_put(entry, "in_cquin", json_boolean(a->in_cquin)) &&
        (a->reverses == 0 || json_put(entry, "reverses", json_integer(a->reverses)));
    return append(array, entry, complete);
}

static bool add_withhold(json_t *array, const struct position_input *in, size_t i)
{
    static const char *const states[] = {"open", "released", "kept"};
    const struct position_withhold *h = &in->withholds[i];
    if (h->month > in->month) {
        return true;
    }
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "id", json_string(h->id)) &&
                    json_put(entry, "month", json_month(h->month)) &&
                    json_put(entry, "state", json_string(states[h->state])) &&
                    (h->state == WITHHOLD_OPEN || (json_put(entry, "agreement", json_integer(h->agreement)) &&
                                                   json_put(entry, "pence", json_integer(h->decided_pence))));
    return append(array, entry, complete);
}

static bool add_decision(json_t *array, const struct position_input *in, size_t i)
{
    const struct position_decision *d = &in->decisions[i];
    char cluster[3];
    if (d->month > in->month) {
        return true;
    }
    if (d->cluster >= 0) {
        cluster_code(d->cluster, cluster);
    }
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "number", json_integer(d->number)) &&
                    json_put(entry, "month", json_month(d->month)) &&
                    json_put(entry, "row_sha256", json_string(d->row_sha256)) &&
                    json_put(entry, "kind", json_string(d->kind)) &&
                    (d->cluster < 0 || json_put(entry, "cluster", json_string(cluster))) &&
                    (d->payable_days < 0 || json_put(entry, "payable_days", json_integer(d->payable_days)));
    return append(array, entry, complete);
}

static bool add_challenge(json_t *array, const struct position_input *in, size_t i)
{
    const struct position_challenge *c = &in->challenges[i];
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "number", json_integer(c->number)) &&
                    json_put(entry, "claimed_pence", json_integer(c->claimed_pence)) &&
                    json_put(entry, "billed", json_boolean(c->billed)) && put_text(entry, "sha256", c->sha256);
    return append(array, entry, complete);
}

static bool put_list(json_t *object, const char *name, const struct position_input *in, size_t count,
                     bool (*add)(json_t *, const struct position_input *, size_t))
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < count; i++) {
        complete = add(array, in, i);
    }
    complete = complete && json_object_set(object, name, array) == 0;
    json_decref(array);
    return complete;
}

static bool put_acts(json_t *object, const struct position_input *in)
{
    return put_list(object, "adjustments", in, in->adjustment_count, add_adjustment) &&
           put_list(object, "withholds", in, in->withhold_count, add_withhold) &&
           put_list(object, "decisions", in, in->decision_count, add_decision) &&
           put_list(object, "challenges", in, in->challenge_count, add_challenge);
}

static json_t *inputs_of(const struct position_input *in)
{
    json_t *object = json_object();
    json_t *months = json_array();
    json_t *terms = json_array();
    json_t *achievements = json_array();
    bool complete = object != NULL && months != NULL && terms != NULL && achievements != NULL &&
                    json_put(object, "annual_terms", json_integer(in->annual->version)) && put_acts(object, in);
    for (int32_t k = 0; complete && k < month_number(in->month); k++) {
        complete = add_month(months, &in->months[k]) && add_version(terms, in->months[k].terms);
    }
    complete = complete && add_version(terms, in->annual) && add_achievements(achievements, in);
    complete = complete && json_object_set(object, "months", months) == 0 &&
               json_object_set(object, "terms", terms) == 0 &&
               json_object_set(object, "achievements", achievements) == 0;
    json_decref(months);
    json_decref(terms);
    json_decref(achievements);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static bool add_line(json_t *array, const struct position_line *line)
{
    json_t *entry = json_object();
    bool complete = entry != NULL && json_put(entry, "key", json_string(line->key)) &&
                    json_put(entry, "stage", json_string(stage_name(line->stage))) &&
                    json_put(entry, "pence", json_integer(line->pence)) &&
                    json_put(entry, "label", json_string(line->label)) &&
                    json_put(entry, "billable", json_boolean(line->billable)) &&
                    json_object_set(entry, "derivation", line->derivation) == 0 &&
                    (line->month < 0 || json_put(entry, "month", json_month(line->month)));
    if (complete && line->cluster >= 0) {
        char cluster[3];
        cluster_code(line->cluster, cluster);
        complete = json_put(entry, "cluster", json_string(cluster)) &&
                   json_put(entry, "basis", json_string(basis_name(line->basis))) &&
                   json_put(entry, "price_pence", json_integer(line->price_pence)) &&
                   json_put(entry, "units", json_integer(line->units));
    }
    return append(array, entry, complete);
}

static json_t *lines_of(const struct position *p)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < p->count; i++) {
        complete = add_line(array, &p->line[i]);
    }
    if (!complete) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* Stage by stage: its own sum and the sum so far. */
static json_t *stages_of(const struct position *p)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    int64_t sum = 0;
    for (int s = 0; complete && s < STAGE_COUNT; s++) {
        json_t *entry = json_object();
        complete = money_add(sum, p->subtotal[s], &sum) && entry != NULL &&
                   json_put(entry, "stage", json_string(stage_name((enum terms_stage)s))) &&
                   json_put(entry, "pence", json_integer(p->subtotal[s])) &&
                   json_put(entry, "sum_pence", json_integer(sum));
        complete = append(array, entry, complete);
    }
    if (!complete) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *figures_of(const struct position_input *in, const struct position *p)
{
    json_t *object = json_object();
    json_t *plan = json_array();
    bool complete = object != NULL && plan != NULL;
    for (int32_t k = 0; complete && k < month_number(in->month); k++) {
        complete = json_array_append_new(plan, json_integer(p->plan[k])) == 0;
    }
    complete = complete && json_object_set(object, "plan_by_month_pence", plan) == 0 &&
               json_put(object, "P_pence", json_integer(p->planned)) &&
               json_put(object, "X_pence", json_integer(p->before_risk)) &&
               json_put(object, "after_cap_collar_pence", json_integer(p->after_cap)) &&
               (p->floor == INT64_MIN || json_put(object, "floor_pence", json_integer(p->floor))) &&
               (p->ceiling == INT64_MAX || json_put(object, "ceiling_pence", json_integer(p->ceiling))) &&
               (!in->annual->terms->cquin.present || json_put(object, "AAV_pence", json_integer(p->aav)));
    json_decref(plan);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* What open challenges contest; the part of those on billed value is in no line. */
static json_t *contested_of(const struct position *p)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < p->contested_count; i++) {
        const struct position_contested *c = &p->contested[i];
        json_t *entry = json_object();
        complete = entry != NULL && json_put(entry, "challenge", json_integer(c->number)) &&
                   json_put(entry, "pence", json_integer(c->pence)) &&
                   json_put(entry, "billed", json_boolean(c->billed));
        complete = append(array, entry, complete);
    }
    if (!complete) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* The two parties of the account, as the annual terms name them; left out of terms that name none. */
static bool add_parties(json_t *object, const struct position_input *in)
{
    const char *codes[] = {in->provider, in->commissioner};
    json_t *parties = json_object();
    bool complete = parties != NULL;
    for (int i = 0; complete && i < 2; i++) {
        const json_t *party = terms_party(in->annual->terms, codes[i]);
        complete = party == NULL || json_put(parties, codes[i], json_deep_copy(party));
    }
    complete = complete && (json_object_size(parties) == 0 || json_object_set(object, "parties", parties) == 0);
    json_decref(parties);
    return complete;
}

json_t *position_document(const struct position_input *in, const struct position *p)
{
    json_t *object = json_object();
    bool complete = object != NULL && json_put(object, "@purpose", json_string("reckoner/position/1")) &&
                    json_put(object, "engine", json_string(POSITION_ENGINE)) &&
                    json_put(object, "provider", json_string(in->provider)) &&
                    json_put(object, "contract", json_string(in->contract)) &&
                    json_put(object, "commissioner", json_string(in->commissioner)) &&
                    json_put(object, "financial_year", json_integer(in->financial_year)) &&
                    json_put(object, "month", json_month(in->month)) &&
                    json_put(object, "mode", json_string(p->shadow ? "shadow" : "live")) &&
                    json_put(object, "known_at", json_instant(p->known_at)) && add_parties(object, in) &&
                    json_put(object, "inputs", inputs_of(in)) && json_put(object, "lines", lines_of(p)) &&
                    json_put(object, "stages", stages_of(p)) && json_put(object, "figures", figures_of(in, p)) &&
                    json_put(object, "contested", contested_of(p)) && json_object_set(object, "notes", p->notes) == 0 &&
                    json_put(object, "total_pence", json_integer(p->total)) &&
                    json_put(object, "billable_pence", json_integer(p->billable));
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

char *position_document_bytes(const struct position_input *in, const struct position *p, size_t *length)
{
    json_t *document = position_document(in, p);
    char *bytes = document == NULL ? NULL : json_canonical(document, length);
    json_decref(document);
    return bytes;
}
