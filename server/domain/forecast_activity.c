/* Activity of the months to come: by the plan's phasing, or by days where there is no plan to phase by. */
#include "domain/forecast_internal.h"

#include "domain/money.h"

#include <stdlib.h>

/* Days of the months that count for what is to date; a month agreed as an estimate is the plan, not activity. */
static bool counts(const struct forecast_work *w, int32_t k)
{
    return w->months[k].submission != NULL || w->months[k].source == MONTH_ZERO;
}

static int32_t days_to_date(const struct forecast_work *w)
{
    int32_t days = 0;
    for (int32_t k = 0; k < w->to_date; k++) {
        days += counts(w, k) ? month_days(w->months[k].month) : 0;
    }
    return days;
}

static struct forecast_line *line_for(struct forecast_work *w, int16_t cluster, enum basis basis)
{
    for (size_t i = 0; i < w->f->count; i++) {
        if (w->f->line[i].cluster == cluster && w->f->line[i].basis == basis) {
            return &w->f->line[i];
        }
    }
    struct forecast_line *line = &w->f->line[w->f->count++];
    line->cluster = cluster;
    line->basis = basis;
    return line;
}

static bool add_activity(struct forecast_work *w)
{
    const struct activity_lines *lines = w->in->to_date.activity;
    for (size_t i = 0; i < lines->count; i++) {
        const struct activity_line *a = &lines->line[i];
        if (a->month > w->in->to_date.month) {
            continue;
        }
        struct forecast_line *line = line_for(w, a->cluster, a->basis);
        if (!money_add(line->units_to_date, a->units, &line->units_to_date) ||
            !money_add(line->pence_to_date, a->pence, &line->pence_to_date)) {
            return forecast_overflow(w, "the activity");
        }
        w->activity[w->activity_count++] = *a;
    }
    return true;
}

/* Every cluster and basis with planned units gets its line; those of the months to date are summed. */
static bool add_plan(struct forecast_work *w)
{
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        const struct terms *t = w->months[k].terms->terms;
        for (int32_t i = 0; i < t->plan_count; i++) {
            const struct terms_plan_line *p = &t->plan[i];
            if (!forecast_for_account(w, p->commissioner) || p->units[k] == 0) {
                continue;
            }
            struct forecast_line *line = line_for(w, p->cluster, p->basis);
            if (k < w->to_date && counts(w, k) &&
                !money_add(line->planned_to_date, p->units[k], &line->planned_to_date)) {
                return forecast_overflow(w, "the plan");
            }
        }
    }
    return true;
}

static bool expect(struct forecast_work *w, struct forecast_line *line, int32_t k, const struct terms_price *price,
                   int64_t units, int64_t pence)
{
    if (units == 0 && pence == 0) {
        return true;
    }
    if (w->activity_count == w->capacity) {
        size_t more = w->capacity * 2;
        struct activity_line *grown = reallocarray(w->activity, more, sizeof *grown);
        if (grown == NULL) {
            return forecast_no_memory(w);
        }
        w->activity = grown;
        w->capacity = more;
    }
    if (!money_add(line->units[k], units, &line->units[k]) || !money_add(line->pence[k], pence, &line->pence[k])) {
        return forecast_overflow(w, "the expected activity");
    }
    w->activity[w->activity_count++] = (struct activity_line){.month = w->months[k].month,
                                                              .cluster = line->cluster,
                                                              .basis = line->basis,
                                                              .price_pence = price == NULL ? 0 : price->pence,
                                                              .units = units,
                                                              .pence = pence,
                                                              .price_index = price == NULL ? 0 : price->index};
    return true;
}

static bool states_sum(const struct forecast_work *w, int32_t k)
{
    const struct terms *t = w->months[k].terms->terms;
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        if (t->plan_sum[i].month == w->months[k].month && forecast_for_account(w, t->plan_sum[i].commissioner)) {
            return true;
        }
    }
    return false;
}

static bool plans_units(const struct forecast_work *w, const struct forecast_line *line, int32_t k)
{
    const struct terms *t = w->months[k].terms->terms;
    for (int32_t i = 0; i < t->plan_count; i++) {
        const struct terms_plan_line *p = &t->plan[i];
        if (p->cluster == line->cluster && p->basis == line->basis && p->units[k] != 0 &&
            forecast_for_account(w, p->commissioner)) {
            return true;
        }
    }
    return false;
}

/* Each planned line of the month, in the measure in which the plan was met to date. Without plan or activity to date,
 * as it stands. A planned line without a price is left to the position, which parks and says so. */
static bool by_plan(struct forecast_work *w, struct forecast_line *line, int32_t k, bool as_it_stands)
{
    const struct terms *t = w->months[k].terms->terms;
    for (int32_t i = 0; i < t->plan_count; i++) {
        const struct terms_plan_line *p = &t->plan[i];
        int64_t units = p->units[k];
        int64_t pence = 0;
        if (p->cluster != line->cluster || p->basis != line->basis || !forecast_for_account(w, p->commissioner)) {
            continue;
        }
        const struct terms_price *price = terms_price_on(t, p->cluster, p->basis, w->in->to_date.commissioner,
                                                         p->service, month_first(w->months[k].month));
        if (price == NULL) {
            continue;
        }
        if ((!as_it_stands && !money_round_ratio(units, line->units_to_date, line->planned_to_date, &units)) ||
            !forecast_value(price, units, &pence)) {
            return forecast_overflow(w, "the expected activity");
        }
        if (!expect(w, line, k, price, units, pence)) {
            return false;
        }
    }
    return true;
}

static bool by_days(struct forecast_work *w, struct forecast_line *line, int32_t k)
{
    const struct position_month *m = &w->months[k];
    const struct terms_price *price = terms_price_on(m->terms->terms, line->cluster, line->basis,
                                                     w->in->to_date.commissioner, "", month_first(m->month));
    int32_t days = days_to_date(w);
    int64_t units;
    int64_t pence;
    line->how[k] = price == NULL ? FORECAST_BY_VALUE : FORECAST_BY_DAYS;
    if (!money_round_ratio(line->units_to_date, month_days(m->month), days, &units) ||
        !(price == NULL ? money_round_ratio(line->pence_to_date, month_days(m->month), days, &pence)
                        : forecast_value(price, units, &pence))) {
        return forecast_overflow(w, "the expected activity");
    }
    return expect(w, line, k, price, units, pence);
}

static bool expect_month(struct forecast_work *w, struct forecast_line *line, int32_t k)
{
    bool planned = plans_units(w, line, k);
    bool active = line->units_to_date != 0 || line->pence_to_date != 0;
    if (active && (line->planned_to_date == 0 || (!planned && states_sum(w, k)))) {
        return by_days(w, line, k);
    }
    if (!planned) {
        return true;
    }
    line->how[k] = line->planned_to_date == 0 ? FORECAST_PLAN : FORECAST_PHASED;
    return by_plan(w, line, k, line->planned_to_date == 0);
}

static int compare_lines(const void *a, const void *b)
{
    const struct forecast_line *x = a;
    const struct forecast_line *y = b;
    return x->cluster != y->cluster ? x->cluster - y->cluster : (int)x->basis - (int)y->basis;
}

bool forecast_activity(struct forecast_work *w)
{
    w->f->line = calloc((size_t)TERMS_CLUSTERS * BASIS_COUNT, sizeof *w->f->line);
    w->capacity = w->in->to_date.activity->count + 64;
    w->activity = calloc(w->capacity, sizeof *w->activity);
    if (w->f->line == NULL || w->activity == NULL) {
        return forecast_no_memory(w);
    }
    if (!add_activity(w) || !add_plan(w)) {
        return false;
    }
    qsort(w->f->line, w->f->count, sizeof *w->f->line, compare_lines);
    for (int32_t k = w->to_date; k < TERMS_MONTHS; k++) {
        for (size_t i = 0; i < w->f->count; i++) {
            if (!expect_month(w, &w->f->line[i], k)) {
                return false;
            }
        }
    }
    return true;
}
