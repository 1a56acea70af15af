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

/* A planned line: units at the price of the month's first day. */
static bool add_planned_line(struct position_work *w, int32_t k, const struct terms_plan_line *line)
{
    const struct position_month *m = &w->in->months[k];
    const struct terms_price *p = terms_price_on(m->terms->terms, line->cluster, line->basis, w->in->commissioner,
                                                 line->service, month_first(m->month));
    int64_t value;
    int64_t *sum = &w->plan[k][work_group_of(w, line->cluster)];
    if (p == NULL) {
        char name[8];
        month_format(m->month, name);
        return work_parked(w,
                           "version %d of the terms plans units for %s (/plan/lines/%d) that this commissioner has no "
                           "price for on the first day: agree terms with a price, or without that plan",
                           m->terms->version, name, line->index);
    }
    if (!money_multiply(line->units[k], p->pence, &value) || !money_add(*sum, value, sum)) {
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
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        const struct terms_sum *s = &t->plan_sum[i];
        if (s->month != m->month || !for_account(w, s->commissioner)) {
            continue;
        }
        if (w->annual->group_count > 0) {
            return work_parked(w,
                               "volume bands need a plan in units, and version %d of the terms states a sum "
                               "(/plan/sums/%d): agree terms with planned units, or without volume bands",
                               m->terms->version, i);
        }
        *planned = s->pence;
        return true;
    }
    for (int32_t i = 0; i < t->plan_count; i++) {
        if (for_account(w, t->plan[i].commissioner) && t->plan[i].units[k] != 0 &&
            !add_planned_line(w, k, &t->plan[i])) {
            return false;
        }
    }
    for (int g = 0; g <= w->annual->group_count; g++) {
        if (!money_round_share(w->plan[k][g], t->factor_ppm, &w->plan[k][g]) ||
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

static const char *includes_of(const struct terms *t, int32_t index)
{
    for (int32_t i = 0; i < t->price_count; i++) {
        if (t->price[i].index == index) {
            return t->price[i].includes;
        }
    }
    return NULL;
}

static bool activity_line(struct position_work *w, const struct activity_line *a, int32_t k)
{
    const struct terms_version *v = w->in->months[k].terms;
    char month[8];
    char cluster[3];
    char key[80];
    char label[120];
    char clause[40];
    month_format(a->month, month);
    cluster_code(a->cluster, cluster);
    (void)snprintf(key, sizeof key, "activity/%s/%s/%s/%lld", month, cluster, basis_name(a->basis),
                   (long long)a->price_pence);
    (void)snprintf(label, sizeof label, "%s, cluster %s, per %s", month, cluster, basis_words[a->basis]);
    (void)snprintf(clause, sizeof clause, "/prices/%d", a->price_index);
    struct derivation d = derive(clause, v->version, "units * price", "none");
    derive_number(&d, "units", a->units);
    derive_number(&d, "price_pence", a->price_pence);
    derive_text(&d, "activity", w->in->months[k].sha256);
    if (a->several) {
        derive_text(&d, "prices", "several entries at this price; the first is named");
    }
    const char *includes = includes_of(v->terms, a->price_index);
    if (includes != NULL) {
        derive_text(&d, "includes", includes);
    }
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

bool stage_activity(struct position_work *w)
{
    for (size_t i = 0; i < w->in->activity->count; i++) {
        const struct activity_line *a = &w->in->activity->line[i];
        if (a->month <= w->in->month && !activity_line(w, a, month_number(a->month) - 1)) {
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
    struct derivation d = derive("/factor", v->version, "round(G * factor) - G", "half away from zero");
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
