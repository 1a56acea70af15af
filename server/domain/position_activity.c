/* Stages 1 and 2, and the plan that the later stages are measured against. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

static const char *const basis_words[BASIS_COUNT] = {"day", "admitted day", "non-admitted day", "period", "assessment"};

static bool for_account(const struct position_work *w, const char *commissioner)
{
    return commissioner[0] == '\0' || strcmp(commissioner, w->in->commissioner) == 0;
}

/* A planned line: units at the price of the month's first day; PERIOD: days at their part of a period. */
static bool add_planned_line(struct position_work *w, int32_t k, const struct terms_plan_line *line)
{
    const struct position_month *m = &w->in->months[k];
    const struct terms_price *p = terms_price_on(m->terms->terms, line->cluster, line->basis, w->in->commissioner,
                                                 line->service, month_first(m->month));
    int64_t value;
    int64_t *sum = &w->planned[k][work_group_of(w, line->cluster)];
    if (p == NULL) {
        char name[8];
        month_format(m->month, name);
        return work_parked(w,
                           "version %d of the terms plans units for %s (/plan/lines/%d) that this commissioner has no "
                           "price for on the first day: agree terms with a price, or without that plan",
                           m->terms->version, name, line->index);
    }
    bool exact = p->basis == BASIS_PERIOD ? money_round_ratio(line->units[k], p->pence, p->period_days, &value)
                                          : money_multiply(line->units[k], p->pence, &value);
    if (!exact || !money_add(*sum, value, sum)) {
        return work_overflow(w, "the plan");
    }
    return true;
}

/* The plan of one month: a stated sum, or the groups' planned lines with their factor. */
static bool plan_month(struct position_work *w, int32_t k)
{
    const struct position_month *m = &w->in->months[k];
    const struct terms *t = m->terms->terms;
    int64_t *planned = &w->p->plan[k];
    w->plan_sum[k] = -1;
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        const struct terms_sum *s = &t->plan_sum[i];
        if (s->month != m->month || !for_account(w, s->commissioner)) {
            continue;
        }
        if (w->annual->group_count > 0) {
            return work_parked(w,
                               "volume bands need a plan in units, and version %d of the terms states a sum "
                               "(/plan/sums/%d): agree terms with planned units, or without volume bands",
                               m->terms->version, s->index);
        }
        *planned = s->pence;
        w->plan_sum[k] = s->index;
        return true;
    }
    for (int32_t i = 0; i < t->plan_count; i++) {
        if (for_account(w, t->plan[i].commissioner) && t->plan[i].units[k] != 0 &&
            !add_planned_line(w, k, &t->plan[i])) {
            return false;
        }
    }
    for (int g = 0; g <= w->annual->group_count; g++) {
        if (!money_round_share(w->planned[k][g], t->factor_ppm, &w->plan[k][g]) ||
            !money_add(*planned, w->plan[k][g], planned)) {
            return work_overflow(w, "the plan");
        }
    }
    return true;
}

bool stage_plan(struct position_work *w)
{
    for (int32_t k = 0; k < w->months; k++) {
        if (!plan_month(w, k) || !money_add(w->p->planned, w->p->plan[k], &w->p->planned)) {
            return w->status == POSITION_DONE ? work_overflow(w, "the plan") : false;
        }
    }
    w->p->planned_month = w->p->plan[w->months - 1];
    return true;
}

static const struct terms_price *price_at(const struct terms *t, int32_t index)
{
    for (int32_t i = 0; i < t->price_count; i++) {
        if (t->price[i].index == index) {
            return &t->price[i];
        }
    }
    return NULL;
}

static struct derivation derive_activity(struct position_work *w, const struct activity_line *a, int32_t k)
{
    const struct terms_version *v = w->in->months[k].terms;
    bool period = a->basis == BASIS_PERIOD;
    char clause[40];
    (void)snprintf(clause, sizeof clause, "/prices/%d", a->price_index);
    struct derivation d =
        derive(w, clause, v->version,
               period ? "by row: price * days to the end of the month / days of a period, less the same to its start"
                      : "units * price",
               period ? "half away from zero: each of the two, row by row" : "none");
    const struct terms_price *price = d.off ? NULL : price_at(v->terms, a->price_index);
    derive_number(&d, "units", a->units);
    derive_number(&d, "price_pence", a->price_pence);
    if (w->in->months[k].sha256 != NULL) {
        derive_text(&d, "activity", w->in->months[k].sha256);
    }
    if (a->several) {
        derive_text(&d, "prices", "several entries at this price; the first is named");
    }
    if (period && price != NULL) {
        derive_number(&d, "period_days", price->period_days);
        derive_text(&d, "renewable", price->renewable ? "yes" : "no");
    }
    if (price != NULL && price->includes != NULL) {
        derive_text(&d, "includes", price->includes);
    }
    return d;
}

static bool activity_line(struct position_work *w, const struct activity_line *a, int32_t k)
{
    char month[8];
    char cluster[3];
    char key[80];
    char label[120];
    month_format(a->month, month);
    cluster_code(a->cluster, cluster);
    (void)snprintf(key, sizeof key, "activity/%s/%s/%s/%lld", month, cluster, basis_name(a->basis),
                   (long long)a->price_pence);
    (void)snprintf(label, sizeof label, "%s, cluster %s, per %s", month, cluster, basis_words[a->basis]);
    struct derivation d = derive_activity(w, a, k);
    struct position_line *line = work_line(w, STAGE_ACTIVITY, a->month, key, label, a->pence, &d);
    if (line == NULL) {
        return false;
    }
    line->cluster = a->cluster;
    line->basis = a->basis;
    line->price_pence = a->price_pence;
    line->units = a->units;
    int64_t *gross = &w->gross[k][work_group_of(w, a->cluster)];
    return money_add(*gross, a->pence, gross) || work_overflow(w, "the activity");
}

/* A stated sum of the plan in place of the month's activity. It includes the factor, so no later stage multiplies it;
 * terms that group clusters state no sums. */
static bool estimate_of_sum(struct position_work *w, int32_t k)
{
    const struct position_month *m = &w->in->months[k];
    char month[8];
    char key[40];
    char label[80];
    char clause[40];
    month_format(m->month, month);
    (void)snprintf(key, sizeof key, "estimate/%s", month);
    (void)snprintf(label, sizeof label, "%s, agreed estimate: the month's plan", month);
    (void)snprintf(clause, sizeof clause, "/plan/sums/%d", w->plan_sum[k]);
    struct derivation d = derive(w, clause, m->terms->version, "stated sum of the plan, factor included", "none");
    derive_number(&d, "agreement", m->agreement);
    return work_line(w, STAGE_ACTIVITY, m->month, key, label, w->p->plan[k], &d) != NULL;
}

/* A group's planned lines in its place: before the factor, so that later stages see them like activity. */
static bool estimate_of_group(struct position_work *w, int32_t k, int group)
{
    const struct position_month *m = &w->in->months[k];
    const char *name = work_group_name(w, group);
    bool grouped = w->annual->group_count > 0;
    int64_t pence = w->planned[k][group];
    int64_t *gross = &w->gross[k][group];
    char month[8];
    char key[80];
    char label[140];
    month_format(m->month, month);
    (void)snprintf(key, sizeof key, "estimate/%s/%s", month, name);
    (void)snprintf(label, sizeof label, "%s, agreed estimate: the month's plan%s%s", month, grouped ? " of group " : "",
                   grouped ? name : "");
    struct derivation d = derive(w, "/plan/lines", m->terms->version, "sum of planned units * price",
                                 "half away from zero: each planned line by period");
    derive_number(&d, "agreement", m->agreement);
    return work_line(w, STAGE_ACTIVITY, m->month, key, label, pence, &d) != NULL &&
           (money_add(*gross, pence, gross) || work_overflow(w, "the activity"));
}

static bool month_without_activity(struct position_work *w, int32_t k)
{
    const struct position_month *m = &w->in->months[k];
    bool any = false;
    char month[8];
    month_format(m->month, month);
    if (m->source == MONTH_ZERO) {
        return work_note(w, "%s has no activity, as agreed (agreement %lld)", month, (long long)m->agreement);
    }
    if (w->plan_sum[k] >= 0) {
        return estimate_of_sum(w, k);
    }
    for (int g = 0; g <= w->annual->group_count; g++) {
        if (w->planned[k][g] != 0) {
            any = true;
            if (!estimate_of_group(w, k, g)) {
                return false;
            }
        }
    }
    return any || work_note(w, "the estimate agreed for %s is nothing: nothing is planned (agreement %lld)", month,
                            (long long)m->agreement);
}

bool stage_activity(struct position_work *w)
{
    const struct activity_lines *lines = w->in->activity;
    size_t i = 0;
    for (int32_t k = 0; k < w->months; k++) {
        for (; i < lines->count && lines->line[i].month == w->in->months[k].month; i++) {
            if (!activity_line(w, &lines->line[i], k)) {
                return false;
            }
        }
        if (w->in->months[k].submission == NULL && !month_without_activity(w, k)) {
            return false;
        }
    }
    return true;
}

static bool factor_line(struct position_work *w, int32_t k, int group)
{
    const struct terms_version *v = w->in->months[k].terms;
    int64_t gross = w->gross[k][group];
    int64_t scaled;
    char month[8];
    char key[80];
    char label[120];
    char factor[32];
    if (!money_round_share(gross, v->terms->factor_ppm, &scaled)) {
        return work_overflow(w, "the factor");
    }
    w->factor[k][group] = scaled - gross;
    month_format(w->in->months[k].month, month);
    format_factor_ppm(v->terms->factor_ppm, factor);
    (void)snprintf(key, sizeof key, "factor/%s/%s", month, work_group_name(w, group));
    (void)snprintf(label, sizeof label, "%s, factor %s%s%s", month, factor,
                   w->annual->group_count == 0 ? "" : " on group ",
                   w->annual->group_count == 0 ? "" : work_group_name(w, group));
    struct derivation d = derive(w, "/factor", v->version, "round(G * factor) - G", "half away from zero");
    derive_number(&d, "G_pence", gross);
    derive_text(&d, "factor", factor);
    return work_line(w, STAGE_FACTOR, w->in->months[k].month, key, label, scaled - gross, &d) != NULL;
}

bool stage_factor(struct position_work *w)
{
    for (int32_t k = 0; k < w->months; k++) {
        if (w->in->months[k].terms->terms->factor_ppm == PPM_ONE) {
            continue;
        }
        for (int g = 0; g <= w->annual->group_count; g++) {
            if (w->gross[k][g] != 0 && !factor_line(w, k, g)) {
                return false;
            }
        }
    }
    return true;
}
