/* Prices over the days of the year, and prices beside the plan. What a price contradicts by itself is the parser's. */
#include "domain/terms_lint_internal.h"

#include <stdio.h>
#include <string.h>

#define DAYS_OF_YEAR 366

/* One kind of row of an account, and what it is charged for: its days or its assessments. */
struct charge {
    const char *account;
    const char *service;
    int cluster;
    bool assessment;
};

/* Of ADMITTED and NONADMITTED, which come together, the latter stands for both. */
static bool applies(const struct terms_price *p, const struct charge *c)
{
    return (p->basis == BASIS_ASSESSMENT) == c->assessment && p->basis != BASIS_ADMITTED &&
           lint_of_account(p->commissioner, c->account) &&
           (p->service[0] == '\0' || strcmp(p->service, c->service) == 0);
}

static json_t *shown_charge(const struct charge *c, date_t day, int prices)
{
    char code[3];
    char on[11];
    json_t *o = json_object();
    cluster_code(c->cluster, code);
    date_format(day, on);
    bool good = json_put(o, "cluster", json_string(code)) &&
                json_put(o, "charged_by", json_string(c->assessment ? "assessment" : "day")) &&
                json_put(o, "day", json_string(on)) && json_put(o, "units", json_integer(1)) &&
                json_put(o, "prices", json_integer(prices)) &&
                (c->account[0] == '\0' || json_put(o, "commissioner", json_string(c->account))) &&
                (c->service[0] == '\0' || json_put(o, "service", json_string(c->service)));
    if (good) {
        return o;
    }
    json_decref(o);
    return NULL;
}

static void hole(struct lint *l, const struct charge *c, const struct terms_price *beside, date_t day, const char *rule,
                 const char *words)
{
    char pointer[40];
    char code[3];
    char on[11];
    (void)snprintf(pointer, sizeof pointer, "/prices/%d", beside->index);
    cluster_code(c->cluster, code);
    date_format(day, on);
    lint_add(l, strcmp(rule, "price_gap") == 0, rule, pointer, shown_charge(c, day, 0), "cluster %s has no price %s %s",
             code, words, on);
}

/* A price that ends (or, without one before, begins) on a day. */
static const struct terms_price *price_beside(const struct lint *l, const struct charge *c, date_t day, bool ends)
{
    for (int32_t i = l->t->first_price[c->cluster]; i < l->t->first_price[c->cluster + 1]; i++) {
        const struct terms_price *p = &l->t->price[i];
        if (applies(p, c) && (ends ? p->to : p->from) == day) {
            return p;
        }
    }
    return NULL;
}

/* Prices by day of the year: how many apply. */
static void count_prices(const struct lint *l, const struct charge *c, date_t begin, int16_t out[DAYS_OF_YEAR + 1])
{
    memset(out, 0, (DAYS_OF_YEAR + 1) * sizeof *out);
    for (int32_t i = l->t->first_price[c->cluster]; i < l->t->first_price[c->cluster + 1]; i++) {
        const struct terms_price *p = &l->t->price[i];
        if (applies(p, c)) {
            out[p->from - begin]++;
            out[p->to - begin]--;
        }
    }
    for (int d = 1; d <= DAYS_OF_YEAR; d++) {
        out[d] = (int16_t)(out[d] + out[d - 1]);
    }
}

/* Days without a price between two with one are a gap. A cluster may begin or end within the year, so those before the
 * first and behind the last are notes. */
static void walk_year(struct lint *l, const struct charge *c)
{
    int16_t prices[DAYS_OF_YEAR + 1];
    date_t year = month_first(financial_year_first(l->t->financial_year));
    date_t begin = month_first(l->t->effective_from);
    date_t end = month_first(financial_year_first(l->t->financial_year + 1));
    date_t ended = DATE_NONE; /* first day of a hole behind a price */
    bool any = false;
    if (!lint_may(l, DAYS_OF_YEAR + l->t->first_price[c->cluster + 1] - l->t->first_price[c->cluster])) {
        return;
    }
    count_prices(l, c, year, prices);
    for (date_t day = begin; day < end; day++) {
        bool priced = prices[day - year] > 0;
        if (priced && any && ended != DATE_NONE) {
            hole(l, c, price_beside(l, c, ended, true), ended, "price_gap", "until the next one begins, on");
        } else if (priced && !any && day > begin) {
            hole(l, c, price_beside(l, c, day, false), begin, "price_begins_late", "yet on");
        }
        ended = priced ? DATE_NONE : (any && ended == DATE_NONE ? day : ended);
        any = any || priced;
    }
    if (ended != DATE_NONE) {
        hole(l, c, price_beside(l, c, ended, true), ended, "price_ends_early", "any more on");
    }
}

/* Whether an earlier price of the cluster names the service too. */
static bool service_seen(const struct terms *t, int32_t index, int32_t first)
{
    for (int32_t i = first; i < index; i++) {
        if (strcmp(t->price[i].service, t->price[index].service) == 0) {
            return true;
        }
    }
    return false;
}

static void walk_cluster(struct lint *l, const char *account, int cluster)
{
    const struct terms *t = l->t;
    int32_t first = t->first_price[cluster];
    for (int assessment = 0; assessment < 2; assessment++) {
        struct charge c = {account, "", cluster, assessment == 1};
        walk_year(l, &c);
        for (int32_t i = first; i < t->first_price[cluster + 1]; i++) {
            c.service = t->price[i].service;
            if (c.service[0] != '\0' && lint_may(l, i - first) && !service_seen(t, i, first)) {
                walk_year(l, &c);
            }
        }
    }
}

/* Whether some price of the cluster is the account's alone: for others, the parser has looked. */
static bool has_own_price(const struct terms *t, int cluster, const char *account)
{
    for (int32_t i = t->first_price[cluster]; i < t->first_price[cluster + 1]; i++) {
        if (account[0] != '\0' && strcmp(t->price[i].commissioner, account) == 0) {
            return true;
        }
    }
    return false;
}

/* Planned units that the line's own commissioner has a price for (the parser's check), and this one has none. */
static void plan_without_price(struct lint *l, const char *account)
{
    const struct terms *t = l->t;
    for (int32_t i = 0; i < t->plan_count; i++) {
        const struct terms_plan_line *line = &t->plan[i];
        const struct charge c = {account, line->service, line->cluster, line->basis == BASIS_ASSESSMENT};
        bool own = lint_of_account(line->commissioner, account) && has_own_price(t, line->cluster, account) &&
                   lint_may(l, TERMS_MONTHS * 2 * (t->first_price[line->cluster + 1] - t->first_price[line->cluster]));
        for (int k = 0; k < TERMS_MONTHS && own; k++) {
            month_t month = financial_year_first(t->financial_year) + k;
            date_t day = month_first(month);
            char pointer[60];
            if (month < t->effective_from || line->units[k] == 0 ||
                terms_price_on(t, line->cluster, line->basis, account, line->service, day) != NULL) {
                continue;
            }
            (void)snprintf(pointer, sizeof pointer, "/plan/lines/%d/units/%d", line->index, k);
            lint_add(l, true, "plan_without_price", pointer, shown_charge(&c, day, 0),
                     "plans %lld units (%s) that %s has no price for on the first day of the month",
                     (long long)line->units[k], basis_name(line->basis),
                     account[0] == '\0' ? "a commissioner" : account);
            break;
        }
    }
}

static bool planned(const struct lint *l, const struct charge *c)
{
    for (int32_t i = 0; i < l->t->plan_count; i++) {
        const struct terms_plan_line *line = &l->t->plan[i];
        if (line->cluster == c->cluster && (line->basis == BASIS_ASSESSMENT) == c->assessment &&
            lint_of_account(line->commissioner, c->account)) {
            return true;
        }
    }
    return false;
}

/* Whether what a cluster costs is measured against the plan. */
static bool measured(const struct lint *l, int cluster)
{
    return l->t->risk_share.present || l->t->group_of[cluster] >= 0 || (l->t->on_account && l->t->eacv_pence < 0);
}

/* A cluster that the plan in units does not speak of: every unit of it is above plan. A line of zeros speaks of it. */
static void price_without_plan(struct lint *l, const struct charge *c)
{
    const struct terms *t = l->t;
    for (int32_t i = t->first_price[c->cluster]; i < t->first_price[c->cluster + 1]; i++) {
        const struct terms_price *p = &t->price[i];
        char pointer[40];
        date_t first = month_first(t->effective_from);
        if ((p->basis == BASIS_ASSESSMENT) != c->assessment || !lint_of_account(p->commissioner, c->account) ||
            p->pence == 0 || p->to <= first) {
            continue;
        }
        const struct charge unplanned = {c->account, p->service, c->cluster, c->assessment};
        json_t *shown = shown_charge(&unplanned, p->from > first ? p->from : first, 1);
        (void)snprintf(pointer, sizeof pointer, "/prices/%d", p->index);
        if (!json_put(shown, "pence", json_integer(p->pence)) || !json_put(shown, "planned_units", json_integer(0))) {
            json_decref(shown);
            shown = NULL;
        }
        lint_add(l, measured(l, c->cluster), "price_without_plan", pointer, shown,
                 "has a price that no line of the plan speaks of: plan it, or plan it with zeros");
        return;
    }
}

void lint_prices(struct lint *l)
{
    for (size_t a = 0; a < l->account_count; a++) {
        for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++) {
            walk_cluster(l, l->account[a], cluster);
            for (int assessment = 0; assessment < 2; assessment++) {
                const struct charge c = {l->account[a], "", cluster, assessment == 1};
                if (l->t->plan_count > 0 && l->t->plan_sum_count == 0 && !planned(l, &c)) {
                    price_without_plan(l, &c);
                }
            }
        }
        plan_without_price(l, l->account[a]);
    }
}
