/* When the year's activity is expected to come to the plan, to the edges of bands, to collar and cap. */
#include "domain/forecast_internal.h"

#include "domain/money.h"

#include <stdlib.h>

__extension__ typedef __int128 wide_t;

#define EDGES_MAX (3 + (2 + TERMS_MAX_GROUPS) * TERMS_MAX_BANDS)

/* The first day on which what has come together is at least the amount: a month's share grows evenly by days. */
static date_t day_reached(const struct forecast_work *w, const int64_t sum[TERMS_MONTHS], int64_t amount)
{
    int64_t before = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        if (sum[k] >= amount) {
            wide_t grows = (wide_t)sum[k] - before;
            wide_t wants = (wide_t)amount - before;
            int32_t days = month_days(w->months[k].month);
            wide_t nth = wants <= 0 || grows <= 0 ? 1 : (wants * days + grows - 1) / grows;
            return month_first(w->months[k].month) + (date_t)nth - 1;
        }
        before = sum[k];
    }
    return DATE_NONE;
}

static void add_edge(struct forecast_work *w, const struct forecast_edge *edge, const int64_t sum[TERMS_MONTHS])
{
    struct forecast_edge *e = &w->f->edge[w->f->edge_count++];
    *e = *edge;
    e->outturn = sum[TERMS_MONTHS - 1];
    e->on = day_reached(w, sum, e->pence);
}

/* At a share of the year's plan P over (sign 1) or under it (-1). */
static bool risk_edge(struct forecast_work *w, enum forecast_edge_kind kind, int sign, int64_t ppm,
                      const int64_t sum[TERMS_MONTHS])
{
    int64_t planned = w->f->outturn.planned;
    int64_t share;
    struct forecast_edge edge = {.kind = kind, .group = -1, .at_ppm = ppm};
    if (!money_round_share(planned, ppm, &share) || !money_add(planned, sign * share, &edge.pence)) {
        return forecast_overflow(w, "the edge of a band");
    }
    add_edge(w, &edge, sum);
    return true;
}

static bool risk_edges(struct forecast_work *w)
{
    const struct terms_risk_share *share = &w->f->annual->risk_share;
    int64_t sum[TERMS_MONTHS];
    bool fine = true;
    if (w->f->outturn.planned == 0) {
        return true;
    }
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        sum[k] = w->f->months[k].before_risk;
    }
    if (share->collar_ppm >= 0) {
        fine = risk_edge(w, EDGE_COLLAR, -1, share->collar_ppm, sum);
    }
    for (int32_t i = share->under.count - 1; fine && i >= 0; i--) {
        fine = share->under.band[i].to_ppm < 0 || risk_edge(w, EDGE_UNDER, -1, share->under.band[i].to_ppm, sum);
    }
    fine = fine && risk_edge(w, EDGE_PLAN, 1, 0, sum);
    for (int32_t i = 0; fine && i < share->over.count; i++) {
        fine = share->over.band[i].to_ppm < 0 || risk_edge(w, EDGE_OVER, 1, share->over.band[i].to_ppm, sum);
    }
    return fine && (share->cap_ppm < 0 || risk_edge(w, EDGE_CAP, 1, share->cap_ppm, sum));
}

/* Planned lines of a group in a month, before the factor. Terms that group clusters plan in units, and each has its
 * price: else the positions would have parked. */
static bool planned_of_group(struct forecast_work *w, int32_t k, int32_t group, int64_t *out)
{
    const struct terms *t = w->months[k].terms->terms;
    *out = 0;
    for (int32_t i = 0; i < t->plan_count; i++) {
        const struct terms_plan_line *p = &t->plan[i];
        int64_t pence;
        if (w->f->annual->group_of[p->cluster] != group || p->units[k] == 0 ||
            !forecast_for_account(w, p->commissioner)) {
            continue;
        }
        const struct terms_price *price = terms_price_on(t, p->cluster, p->basis, w->in->to_date.commissioner,
                                                         p->service, month_first(w->months[k].month));
        if (price != NULL && (!forecast_value(price, p->units[k], &pence) || !money_add(*out, pence, out))) {
            return forecast_overflow(w, "the plan");
        }
    }
    return true;
}

static bool activity_of_group(struct forecast_work *w, int32_t k, int32_t group, int64_t *out)
{
    if (w->months[k].submission == NULL && w->months[k].source == MONTH_ESTIMATE) {
        return planned_of_group(w, k, group, out);
    }
    *out = 0;
    for (size_t i = 0; i < w->activity_count; i++) {
        const struct activity_line *a = &w->activity[i];
        if (a->month == w->months[k].month && w->f->annual->group_of[a->cluster] == group &&
            !money_add(*out, a->pence, out)) {
            return forecast_overflow(w, "the activity");
        }
    }
    return true;
}

static bool group_edges(struct forecast_work *w, int32_t group)
{
    const struct terms_bands *bands = &w->f->annual->group[group].bands;
    int64_t sum[TERMS_MONTHS];
    int64_t volume = 0;
    int64_t planned = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        int64_t factor = w->months[k].terms->terms->factor_ppm;
        int64_t plan;
        int64_t value;
        if (!planned_of_group(w, k, group, &plan) || !activity_of_group(w, k, group, &value)) {
            return false;
        }
        if (!money_round_share(plan, factor, &plan) || !money_round_share(value, factor, &value) ||
            !money_add(planned, plan, &planned) || !money_add(volume, value, &volume)) {
            return forecast_overflow(w, "the volume of a group");
        }
        sum[k] = volume;
    }
    for (int32_t i = 0; planned != 0 && i < bands->count; i++) {
        struct forecast_edge edge = {.kind = EDGE_VOLUME, .group = group, .at_ppm = bands->band[i].to_ppm};
        if (edge.at_ppm < 0) {
            continue;
        }
        if (!money_round_share(planned, edge.at_ppm, &edge.pence)) {
            return forecast_overflow(w, "the edge of a band");
        }
        add_edge(w, &edge, sum);
    }
    return true;
}

bool forecast_edges(struct forecast_work *w)
{
    w->f->edge = calloc(EDGES_MAX, sizeof *w->f->edge);
    if (w->f->edge == NULL) {
        return forecast_no_memory(w);
    }
    if (!risk_edges(w)) {
        return false;
    }
    for (int32_t g = 0; g < w->f->annual->group_count; g++) {
        if (!group_edges(w, g)) {
            return false;
        }
    }
    return true;
}
