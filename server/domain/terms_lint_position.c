/* Positions of made-up activity, computed by the engine that settles. */
#include "domain/money.h"
#include "domain/terms_lint_internal.h"

#include <string.h>

/* How many looks at a price one position takes, at most. */
static int64_t looks(const struct terms *t)
{
    int32_t most = 1;
    for (int c = 0; c < TERMS_CLUSTERS; c++) {
        int32_t prices = t->first_price[c + 1] - t->first_price[c];
        most = prices > most ? prices : most;
    }
    return INT64_C(1000) + (int64_t)TERMS_MONTHS * t->plan_count * most;
}

bool lint_plan(struct lint *l, const char *account, int k, int64_t by_group[TERMS_MAX_GROUPS + 1])
{
    const struct terms *t = l->t;
    month_t month = financial_year_first(t->financial_year) + k;
    memset(by_group, 0, (TERMS_MAX_GROUPS + 1) * sizeof *by_group);
    if (!lint_may(l, looks(t) / TERMS_MONTHS)) {
        return false;
    }
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        if (t->plan_sum[i].month == month && lint_of_account(t->plan_sum[i].commissioner, account)) {
            by_group[TERMS_MAX_GROUPS] = t->plan_sum[i].pence;
            return true;
        }
    }
    for (int32_t i = 0; i < t->plan_count; i++) {
        const struct terms_plan_line *line = &t->plan[i];
        int group = t->group_of[line->cluster] < 0 ? TERMS_MAX_GROUPS : t->group_of[line->cluster];
        const struct terms_price *p =
            lint_of_account(line->commissioner, account) && line->units[k] != 0
                ? terms_price_on(t, line->cluster, line->basis, account, line->service, month_first(month))
                : NULL;
        int64_t value = 0;
        if (p != NULL && money_round_ratio(line->units[k], p->pence, p->period_days > 0 ? p->period_days : 1, &value)) {
            by_group[group] += value;
        }
    }
    for (int g = 0; g <= TERMS_MAX_GROUPS; g++) {
        (void)money_round_share(by_group[g], t->factor_ppm, &by_group[g]);
    }
    return true;
}

void lint_products(const struct lint *l, const char *account, month_t month, struct lint_product out[TERMS_CLUSTERS])
{
    const struct terms *t = l->t;
    for (int c = 0; c < TERMS_CLUSTERS; c++) {
        out[c] = (struct lint_product){NULL, 0};
        for (int32_t i = t->first_price[c]; i < t->first_price[c + 1] && out[c].price == NULL; i++) {
            const struct terms_price *p = &t->price[i];
            date_t day = p->from > month_first(month) ? p->from : month_first(month);
            int64_t one = 0;
            if (p->pence > 0 && day < p->to && day <= month_last(month) && lint_of_account(p->commissioner, account) &&
                terms_price_on(t, c, p->basis, account, p->service, day) == p &&
                money_round_ratio(1, p->pence, p->period_days > 0 ? p->period_days : 1, &one) && one > 0) {
                out[c] = (struct lint_product){p, one};
            }
        }
    }
}

json_t *lint_count_json(const struct lint_count *count)
{
    const struct terms_price *p = count->product->price;
    char code[3];
    cluster_code(p->cluster, code);
    return json_pack("{s:s, s:s, s:I, s:I, s:I}", "cluster", code, "basis", basis_name(p->basis), "price_pence",
                     (json_int_t)p->pence, "unit_pence", (json_int_t)count->product->unit_pence, "units",
                     (json_int_t)count->units);
}

static size_t lines_of(const struct lint_count *counts, size_t count, month_t month, struct activity_line out[2])
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct terms_price *p = counts[i].product->price;
        if (counts[i].units > 0) {
            out[n++] = (struct activity_line){.month = month,
                                              .cluster = p->cluster,
                                              .basis = p->basis,
                                              .price_pence = p->pence,
                                              .units = counts[i].units,
                                              .pence = counts[i].units * counts[i].product->unit_pence,
                                              .price_index = p->index};
        }
    }
    if (n == 2 && out[0].cluster > out[1].cluster) {
        const struct activity_line first = out[0];
        out[0] = out[1];
        out[1] = first;
    }
    return n;
}

bool lint_position(struct lint *l, const char *account, month_t month, const struct lint_count *counts, size_t count,
                   bool best, struct lint_pay *out)
{
    const struct terms *t = l->t;
    struct position_month months[TERMS_MONTHS] = {0};
    struct position_achievement achievements[TERMS_MAX_INDICATORS];
    struct activity_line line[2];
    char reason[POSITION_REASON_SIZE];
    struct position p;
    const struct terms_version version = {.version = 1, .digest = "", .terms = t};
    const struct activity_lines lines = {.line = line, .count = lines_of(counts, count, month, line)};
    month_t april = financial_year_first(t->financial_year);
    for (int32_t k = 0; k <= month - april; k++) {
        months[k] = (struct position_month){.month = april + k, .terms = &version, .submission = "", .sha256 = ""};
    }
    for (int32_t i = 0; i < t->cquin.count; i++) {
        achievements[i] = (struct position_achievement){t->cquin.indicator[i].id, 1, 1, false, 0};
    }
    const struct position_input in = {.provider = "",
                                      .contract = "",
                                      .commissioner = account,
                                      .financial_year = t->financial_year,
                                      .month = month,
                                      .months = months,
                                      .annual = &version,
                                      .achievements = achievements,
                                      .achievement_count = best ? (size_t)t->cquin.count : 0,
                                      .activity = &lines,
                                      .sums_alone = true};
    if (!lint_may(l, looks(t)) || position_compute(&in, &p, reason) != POSITION_DONE) {
        return false;
    }
    *out = (struct lint_pay){p.total, p.before_risk, p.after_cap, p.floor, p.ceiling, p.planned};
    position_free(&p);
    return true;
}
