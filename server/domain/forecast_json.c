/* A forecast as the API gives it; every number with how it was made. */
#include "domain/forecast.h"

#include "base/parse.h"

#include <string.h>

const char *forecast_how_name(enum forecast_how how)
{
    static const char *const names[] = {"nothing", "phased", "by_days", "by_value", "plan"};
    return names[how];
}

const char *forecast_edge_name(enum forecast_edge_kind kind)
{
    static const char *const names[EDGE_KINDS] = {"collar", "under", "plan", "over", "cap", "volume_band"};
    return names[kind];
}

static const char *const method[][2] = {
    {"phased",
     "round(planned units of the line in the month * units to date / planned units to date), at the price of the"
     " month's first day"},
    {"by_days",
     "round(units to date * days of the month / days of the months received), at the price of the month's first"
     " day"},
    {"by_value", "round(value to date * days of the month / days of the months received): no price without a service on"
                 " the month's first day"},
    {"plan", "the planned units: neither activity nor plan to date"},
    {"nothing", "nothing is planned for the month"},
    {"stages",
     "computed by the engine of the position from the activity to date and expected, as if each open challenge were"
     " rejected"},
    {"contested",
     "position without the counter-calculation, less with it, challenges in order of number: not below 0, not above the"
     " sum claimed; what is to come is the same with and without"},
    {"thresholds",
     "first day on which the year's activity is at least the amount; a month's value grows evenly by days"},
    {"marginal", "position with one more unit in the last month to date, less position"},
    {"rounding", "half away from zero, once for each line and month"}};

static bool put_pence(json_t *object, const char *name, int64_t pence)
{
    return json_put(object, name, json_integer(pence));
}

/* Appends and takes the reference; an incomplete value is dropped. */
static bool append(json_t *array, json_t *value, bool complete)
{
    if (value == NULL || !complete) {
        json_decref(value);
        return false;
    }
    return json_array_append_new(array, value) == 0;
}

static json_t *done(json_t *value, bool complete)
{
    if (complete) {
        return value;
    }
    json_decref(value);
    return NULL;
}

static json_t *method_json(void)
{
    json_t *object = json_object();
    bool complete = object != NULL;
    for (size_t i = 0; complete && i < sizeof method / sizeof method[0]; i++) {
        complete = json_put(object, method[i][0], json_string(method[i][1]));
    }
    return done(object, complete);
}

static bool put_line_months(json_t *object, const struct forecast *f, const struct forecast_line *line)
{
    json_t *months = json_array();
    bool complete = months != NULL;
    for (int32_t k = month_number(f->month); complete && k < TERMS_MONTHS; k++) {
        json_t *entry = json_object();
        complete =
            append(months, entry,
                   entry != NULL && json_put(entry, "month", json_month(financial_year_first(f->financial_year) + k)) &&
                       put_pence(entry, "units", line->units[k]) && put_pence(entry, "pence", line->pence[k]) &&
                       json_put(entry, "how", json_string(forecast_how_name(line->how[k]))));
    }
    complete = complete && json_object_set(object, "expected", months) == 0;
    json_decref(months);
    return complete;
}

static json_t *activity_json(const struct forecast *f)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < f->count; i++) {
        const struct forecast_line *line = &f->line[i];
        char cluster[3];
        json_t *entry = json_object();
        cluster_code(line->cluster, cluster);
        complete = append(array, entry,
                          entry != NULL && json_put(entry, "cluster", json_string(cluster)) &&
                              json_put(entry, "basis", json_string(basis_name(line->basis))) &&
                              put_pence(entry, "units_to_date", line->units_to_date) &&
                              put_pence(entry, "pence_to_date", line->pence_to_date) &&
                              put_pence(entry, "planned_units_to_date", line->planned_to_date) &&
                              put_line_months(entry, f, line));
    }
    return done(array, complete);
}

static json_t *months_json(const struct forecast *f)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (int32_t k = 0; complete && k < TERMS_MONTHS; k++) {
        const struct forecast_month *m = &f->months[k];
        json_t *entry = json_object();
        complete =
            append(array, entry,
                   entry != NULL && json_put(entry, "month", json_month(financial_year_first(f->financial_year) + k)) &&
                       json_put(entry, "expected", json_boolean(k >= month_number(f->month))) &&
                       put_pence(entry, "plan_pence", m->plan) &&
                       put_pence(entry, "before_risk_share_pence", m->before_risk) &&
                       put_pence(entry, "after_cap_pence", m->after_cap) &&
                       put_pence(entry, "position_pence", m->total) && put_pence(entry, "billable_pence", m->billable));
    }
    return done(array, complete);
}

static json_t *outturn_json(const struct forecast *f)
{
    const struct position *p = &f->outturn;
    json_t *object = json_object();
    json_t *stages = json_object();
    bool complete = object != NULL && stages != NULL;
    for (int s = 0; complete && s < STAGE_COUNT; s++) {
        complete = put_pence(stages, stage_name((enum terms_stage)s), p->subtotal[s]);
    }
    complete = complete && json_object_set(object, "stages", stages) == 0 &&
               put_pence(object, "plan_pence", p->planned) &&
               put_pence(object, "before_risk_share_pence", p->before_risk) &&
               put_pence(object, "after_cap_pence", p->after_cap) && put_pence(object, "position_pence", p->total) &&
               put_pence(object, "billable_pence", p->billable) && json_object_set(object, "notes", p->notes) == 0 &&
               put_pence(object, "contested_pence", f->contested_outturn) &&
               put_pence(object, "position_if_upheld_pence", p->total - f->contested_outturn);
    json_decref(stages);
    return done(object, complete);
}

static bool put_on(json_t *entry, date_t on, month_t to_date)
{
    char text[11];
    if (on == DATE_NONE) {
        return json_put(entry, "on", json_null()) && json_put(entry, "state", json_string("not_this_year"));
    }
    date_format(on, text);
    return json_put(entry, "on", json_string(text)) &&
           json_put(entry, "state", json_string(on <= month_last(to_date) ? "reached" : "expected"));
}

static json_t *thresholds_json(const struct forecast *f)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < f->edge_count; i++) {
        const struct forecast_edge *e = &f->edge[i];
        char share[32];
        json_t *entry = json_object();
        format_percent_ppm(e->at_ppm, share);
        complete =
            append(array, entry,
                   entry != NULL && json_put(entry, "kind", json_string(forecast_edge_name(e->kind))) &&
                       (e->group < 0 || json_put(entry, "group", json_string(f->annual->group[e->group].name))) &&
                       json_put(entry, "share", json_string(share)) && put_pence(entry, "pence", e->pence) &&
                       put_pence(entry, "outturn_pence", e->outturn) && put_on(entry, e->on, f->month));
    }
    return done(array, complete);
}

static json_t *contested_json(const struct forecast *f)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < f->contested_count; i++) {
        const struct forecast_contested *c = &f->contested[i];
        json_t *entry = json_object();
        complete = append(
            array, entry,
            entry != NULL && json_put(entry, "challenge", json_integer((json_int_t)c->number)) &&
                json_put(entry, "billed", json_boolean(c->billed)) && put_pence(entry, "claimed_pence", c->claimed) &&
                put_pence(entry, "position_pence", c->position) && put_pence(entry, "outturn_pence", c->outturn));
    }
    return done(array, complete);
}

static json_t *marginal_json(const struct forecast *f)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; complete && i < f->marginal_count; i++) {
        const struct forecast_marginal *m = &f->marginal[i];
        char cluster[3];
        json_t *entry = json_object();
        cluster_code(m->price->cluster, cluster);
        complete = append(
            array, entry,
            entry != NULL && json_put(entry, "cluster", json_string(cluster)) &&
                json_put(entry, "basis", json_string(basis_name(m->price->basis))) &&
                (m->price->service[0] == '\0' || json_put(entry, "service", json_string(m->price->service))) &&
                put_pence(entry, "price_pence", m->price->pence) && put_pence(entry, "unit_pence", m->pence) &&
                put_pence(entry, "position_pence", m->position) && put_pence(entry, "outturn_pence", m->outturn));
    }
    return done(array, complete);
}

json_t *forecast_json(const struct forecast *f)
{
    json_t *object = json_object();
    bool complete = object != NULL && json_put(object, "estimate", json_true()) &&
                    json_put(object, "to", json_month(f->month)) && json_put(object, "method", method_json()) &&
                    json_put(object, "activity", activity_json(f)) && json_put(object, "months", months_json(f)) &&
                    json_put(object, "outturn", outturn_json(f)) && json_put(object, "contested", contested_json(f)) &&
                    json_put(object, "thresholds", thresholds_json(f)) &&
                    json_put(object, "marginal", marginal_json(f)) &&
                    json_put(object, "marginal_left_out", json_integer((json_int_t)f->marginals_left_out));
    return done(object, complete);
}
