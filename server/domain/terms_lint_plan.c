/* What is measured against the plan, or paid by it, where there is none; what documents lack; steps of CQUIN. */
#include "domain/money.h"
#include "domain/terms_lint_internal.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

static json_t *shown_month(const char *account, month_t month, int64_t planned)
{
    char text[8];
    month_format(month, text);
    json_t *o = json_pack("{s:s, s:I}", "month", text, "planned_pence", (json_int_t)planned);
    if (account[0] == '\0' || json_put(o, "commissioner", json_string(account))) {
        return o;
    }
    json_decref(o);
    return NULL;
}

/* A month without a plan: one unit of activity is paid in full there, and no band, cap or collar acts on it. */
static json_t *shown_unplanned(struct lint *l, const char *account, month_t month, int group)
{
    struct lint_product products[TERMS_CLUSTERS];
    struct lint_pay pay;
    json_t *o = shown_month(account, month, 0);
    lint_products(l, account, month, products);
    for (int c = 0; o != NULL && c < TERMS_CLUSTERS; c++) {
        const struct lint_count one = {&products[c], 1};
        if (products[c].price == NULL || (group >= 0 && l->t->group_of[c] != group) ||
            !lint_position(l, account, month, &one, 1, false, &pay)) {
            continue;
        }
        if (!json_put(o, "activity", json_pack("[o]", lint_count_json(&one))) ||
            !json_put(o, "paid_pence", json_integer(pay.before_risk))) {
            json_decref(o);
            return NULL;
        }
        break;
    }
    return o;
}

/* The first month, from the one in which the terms begin, to whose end nothing is planned; -1: none. group -1: all. */
static month_t first_unplanned(struct lint *l, const char *account, int group)
{
    month_t april = financial_year_first(l->t->financial_year);
    int64_t sum = 0;
    for (int k = 0; k < TERMS_MONTHS; k++) {
        int64_t by_group[TERMS_MAX_GROUPS + 1];
        if (!lint_plan(l, account, k, by_group)) {
            return -1;
        }
        for (int g = 0; g <= TERMS_MAX_GROUPS; g++) {
            sum += group < 0 || g == group ? by_group[g] : 0;
        }
        if (april + k >= l->t->effective_from) {
            return sum == 0 ? april + k : -1;
        }
    }
    return -1;
}

static void without_plan(struct lint *l, const char *account)
{
    const struct terms *t = l->t;
    char name[8];
    month_t month = t->risk_share.present ? first_unplanned(l, account, -1) : -1;
    if (month >= 0 && (t->plan_count > 0 || t->plan_sum_count > 0)) {
        month_format(month, name);
        lint_add(l, true, "sharing_without_plan", "/risk_share", shown_unplanned(l, account, month, -1),
                 "nothing is planned to the end of %s%s%s: bands, cap and collar cannot act on that month", name,
                 account[0] == '\0' ? "" : " for ", account);
    }
    for (int g = 0; g < t->group_count && t->plan_count > 0 && t->plan_sum_count == 0; g++) {
        char pointer[40];
        month = first_unplanned(l, account, g);
        if (month < 0) {
            continue;
        }
        month_format(month, name);
        (void)snprintf(pointer, sizeof pointer, "/volume_bands/%d", g);
        lint_add(l, true, "bands_without_plan", pointer, shown_unplanned(l, account, month, g),
                 "nothing is planned for group %s to the end of %s%s%s: its bands cannot act on that month",
                 t->group[g].name, name, account[0] == '\0' ? "" : " for ", account);
    }
}

/* -1: it was not looked at. */
static int64_t plan_of_year(struct lint *l, const char *account)
{
    int64_t sum = 0;
    for (int k = 0; k < TERMS_MONTHS; k++) {
        int64_t by_group[TERMS_MAX_GROUPS + 1];
        if (!lint_plan(l, account, k, by_group)) {
            return -1;
        }
        for (int g = 0; g <= TERMS_MAX_GROUPS; g++) {
            sum += by_group[g];
        }
    }
    return sum;
}

/* Whether the plan speaks of the account, be it with zeros. */
static bool has_plan(const struct terms *t, const char *account)
{
    bool has = false;
    for (int32_t i = 0; i < t->plan_count; i++) {
        has = has || lint_of_account(t->plan[i].commissioner, account);
    }
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        has = has || lint_of_account(t->plan_sum[i].commissioner, account);
    }
    return has;
}

/* Instalments of nothing that the terms state leave all to the reconciliation, as may be meant; of what they do not
 * speak of, there are none by mistake. Where no account has a plan, the parser has said so. */
static void instalments(struct lint *l, const char *account)
{
    const struct terms *t = l->t;
    int64_t plan = plan_of_year(l, account);
    bool stated = t->eacv_pence >= 0;
    json_t *shown = json_pack("{s:I, s:I, s:I}", "plan_of_the_year_pence", (json_int_t)plan, "instalments_pence",
                              (json_int_t)(stated ? t->eacv_pence : plan), "difference_pence",
                              (json_int_t)(stated ? t->eacv_pence - plan : 0));
    bool none = !stated && !has_plan(t, account);
    if ((stated ? t->eacv_pence : plan) == 0 && (stated || t->plan_count > 0 || t->plan_sum_count > 0)) {
        lint_add(l, none, "instalments_of_nothing", stated ? "/billing/eacv_pence" : "/billing/method", shown,
                 "on_account has nothing to make instalments of%s%s", account[0] == '\0' ? "" : " for ", account);
    } else if (stated && plan > 0 && plan != t->eacv_pence) {
        lint_add(l, false, "eacv_differs_from_plan", "/billing/eacv_pence", shown,
                 "is not the plan of twelve months%s%s", account[0] == '\0' ? "" : " of ", account);
    } else {
        json_decref(shown);
    }
}

void lint_plans(struct lint *l)
{
    bool planned = l->t->plan_count > 0 || l->t->plan_sum_count > 0;
    for (size_t a = 0; a < l->account_count; a++) {
        without_plan(l, l->account[a]);
        if (l->t->on_account) {
            instalments(l, l->account[a]);
        }
    }
    if (!planned && l->t->sanity_ppm >= 0) {
        lint_add(l, false, "sanity_bound_without_plan", "/billing/sanity_bound", json_pack("{s:i}", "planned_pence", 0),
                 "bounds nothing: there is no plan that it could be a share of");
    }
}

/* Not needed by the format, and asked for by whoever pays by electronic invoice or reclaims the tax. */
void lint_parties(struct lint *l)
{
    static const char *const wanted[] = {"vat", "electronic_address"};
    const char *code;
    json_t *party;
    if (l->t->shadow) {
        return;
    }
    json_object_foreach(json_object_get(l->t->source, "parties"), code, party)
    {
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            char pointer[80];
            if (json_object_get(party, wanted[i]) != NULL) {
                continue;
            }
            (void)snprintf(pointer, sizeof pointer, "/parties/%s/%s", code, wanted[i]);
            lint_add(l, false, "party_data_not_given", pointer,
                     json_pack("{s:s, s:s, s:i}", "party", code, "member", wanted[i], "given", 0),
                     "is not given: documents will go without it");
        }
    }
}

/* What one threshold adds at once, against a base of a million pounds. */
static void step(struct lint *l, int32_t index, int32_t at)
{
    const struct terms_cquin *c = &l->t->cquin;
    const struct terms_indicator *indicator = &c->indicator[index];
    const struct terms_threshold *threshold = &indicator->threshold[at];
    int64_t base = 100000000;
    int64_t before_ppm = at == 0 ? 0 : threshold[-1].earns_ppm;
    int64_t before = 0;
    int64_t after = 0;
    char pointer[80];
    char measure[32];
    char sum[MONEY_TEXT_SIZE];
    (void)money_round_three_shares(base, c->rate_ppm, indicator->weight_ppm, before_ppm, &before);
    (void)money_round_three_shares(base, c->rate_ppm, indicator->weight_ppm, threshold->earns_ppm, &after);
    if (after - before <= 100) {
        return;
    }
    format_percent_ppm(threshold->at_ppm, measure);
    money_format(after - before, sum);
    (void)snprintf(pointer, sizeof pointer, "/cquin/indicators/%d/thresholds/%d", index, at);
    lint_add(l, false, "cquin_step", pointer,
             json_pack("{s:I, s:I, s:I, s:I, s:I}", "base_pence", (json_int_t)base, "measure_below_ppm",
                       (json_int_t)(threshold->at_ppm > 0 ? threshold->at_ppm - 1 : 0), "measure_ppm",
                       (json_int_t)threshold->at_ppm, "earned_below_pence", (json_int_t)before, "earned_pence",
                       (json_int_t)after),
             "%s earns %s more at %s of a base of £1,000,000.00 than just below it", indicator->id, sum, measure);
}

void lint_cquin(struct lint *l)
{
    const struct terms_cquin *c = &l->t->cquin;
    for (int32_t i = 0; i < c->count; i++) {
        /* Between thresholds a linear measure has no step; at its first one it has. */
        int32_t steps = c->indicator[i].linear ? 1 : c->indicator[i].count;
        for (int32_t j = 0; j < steps; j++) {
            step(l, i, j);
        }
    }
}
