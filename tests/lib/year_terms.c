#include "lib/contract_year.h"

#include "lib/year_json.h"

#include "base/parse.h"

#include <string.h>

static const char *const clusters[] = {"00", "01", "04", "11", "14", "15", "21"};
#define CLUSTERS_USED 7
#define EXCLUDABLE    8

const char *year_random_cluster(struct contract_year *y)
{
    return clusters[year_random(y, CLUSTERS_USED)];
}

static date_t year_begin(void)
{
    return month_first(YEAR_APRIL);
}

static date_t year_end(void)
{
    return month_first(YEAR_APRIL + TERMS_MONTHS);
}

/* A series of prices over [from, to), changed at random days. */
static void price_series(struct contract_year *y, json_t *prices, const char *cluster, const char *basis, date_t from,
                         date_t to, const char *qualifier, const char *who)
{
    while (from < to) {
        date_t until = year_chance(y, 60) ? to : from + (date_t)year_between(y, 1, to - from);
        json_t *p = json_object();
        put_text(p, "cluster", cluster);
        put_text(p, "basis", basis);
        put_number(p, "pence", year_chance(y, 5) ? 0 : year_between(y, 1, 40000));
        if (strcmp(basis, "PERIOD") == 0) {
            put_number(p, "period_days", year_between(y, 1, year_chance(y, 50) ? 10 : 90));
            put(p, "renewable", json_boolean(year_chance(y, 50)));
        }
        if (from != year_begin() || year_chance(y, 50)) {
            put(p, "from", json_date(from));
        }
        if (until != year_end() || year_chance(y, 50)) {
            put(p, "to", json_date(until));
        }
        if (qualifier != NULL) {
            put(p, qualifier, json_string(who));
        }
        append(prices, p);
        from = until;
    }
}

static void split_series(struct contract_year *y, json_t *prices, const char *cluster, date_t from, date_t to,
                         const char *qualifier, const char *who)
{
    price_series(y, prices, cluster, "ADMITTED", from, to, qualifier, who);
    price_series(y, prices, cluster, "NONADMITTED", from, to, qualifier, who);
}

/* Prices of one cluster: none, by day, by period, split, changed at the turn of a month, or with a special price. */
static void cluster_prices(struct contract_year *y, json_t *prices, const char *cluster)
{
    date_t begin = year_begin();
    date_t end = year_end();
    date_t turn = month_first(YEAR_APRIL + (month_t)year_between(y, 1, 11));
    const char *whose = NULL;
    switch (year_random(y, 8)) {
    case 0:
        split_series(y, prices, cluster, begin, end, NULL, NULL);
        break;
    case 1:
        price_series(y, prices, cluster, "DAY", begin, turn, NULL, NULL);
        split_series(y, prices, cluster, turn, end, NULL, NULL);
        break;
    case 2:
        price_series(y, prices, cluster, year_chance(y, 50) ? "PERIOD" : "DAY", begin, end, NULL, NULL);
        split_series(y, prices, cluster, begin, end, "service", "S1");
        break;
    case 3:
        price_series(y, prices, cluster, "DAY", begin, end, NULL, NULL);
        whose = year_chance(y, 50) ? YEAR_COMMISSIONER : YEAR_OTHER;
        price_series(y, prices, cluster, year_chance(y, 30) ? "PERIOD" : "DAY", turn, end, "commissioner", whose);
        break;
    case 4:
        price_series(y, prices, cluster, "PERIOD", year_chance(y, 80) ? begin : turn, end, NULL, NULL);
        break;
    case 5:
        price_series(y, prices, cluster, year_chance(y, 50) ? "PERIOD" : "DAY", begin, turn, NULL, NULL);
        price_series(y, prices, cluster, "PERIOD", turn, end, NULL, NULL);
        break;
    default:
        price_series(y, prices, cluster, "DAY", year_chance(y, 90) ? begin : turn, end, NULL, NULL);
        break;
    }
    if (year_chance(y, 40)) {
        price_series(y, prices, cluster, "ASSESSMENT", begin, end, NULL, NULL);
    }
}

static json_t *random_bands(struct contract_year *y, int64_t step)
{
    json_t *bands = json_array();
    int64_t to = 0;
    for (int64_t i = year_between(y, 0, 2); i > 0; i--) {
        to += year_between(y, i == 2 ? 0 : 1, step);
        json_t *band = json_object();
        put(band, "to", percent_text(to));
        put(band, "pay", percent_text(year_between(y, 0, 10) * 100000));
        append(bands, band);
        to++;
    }
    json_t *last = json_object();
    put(last, "pay", percent_text(year_between(y, 0, 1000000)));
    append(bands, last);
    return bands;
}

/* A plan that the prices of the version can value: units only where the price reaches back to April. */
static json_t *random_plan(struct contract_year *y, const json_t *prices, bool sums)
{
    json_t *plan = json_object();
    json_t *lines = json_array();
    month_t april = YEAR_APRIL;
    size_t index;
    json_t *p;
    for (month_t k = 0; sums && k < TERMS_MONTHS; k++) {
        json_t *s = json_object();
        put(s, "month", json_month(april + k));
        put_number(s, "pence", year_between(y, 0, 9000000));
        append(lines, s);
    }
    if (sums) {
        put(plan, "sums", lines);
        return plan;
    }
    json_array_foreach(prices, index, p)
    {
        const char *to = json_text(p, "to");
        bool whole = json_text(p, "from") == NULL && (to == NULL || strcmp(to, "2013-04-01") == 0) &&
                     json_text(p, "commissioner") == NULL && json_text(p, "service") == NULL;
        if (!whole || year_chance(y, 20)) {
            continue;
        }
        json_t *line = json_object();
        json_t *units = json_array();
        put(line, "cluster", json_string(json_text(p, "cluster")));
        put(line, "basis", json_string(json_text(p, "basis")));
        for (int k = 0; k < TERMS_MONTHS; k++) {
            append(units, json_integer(year_between(y, 0, 120)));
        }
        put(line, "units", units);
        append(lines, line);
    }
    put(plan, "lines", lines);
    return plan;
}

static void random_preset(struct contract_year *y, json_t *share)
{
    static const char *const presets[] = {"none", "block", "gain_loss_share", "dead_band", "tolerance"};
    uint64_t which = year_random(y, 5);
    put_text(share, "preset", presets[which]);
    if (which >= 3) {
        put(share, "to", percent_text(year_between(y, 0, 100000)));
    }
    if (which >= 2) {
        put(share, "pay_over", percent_text(year_between(y, 0, 1000000)));
        put(share, "pay_under", percent_text(year_between(y, 0, 1000000)));
    }
}

static json_t *random_risk_share(struct contract_year *y)
{
    json_t *share = json_object();
    if (year_chance(y, 40)) {
        random_preset(y, share);
        if (year_chance(y, 40)) {
            put(share, "cap", percent_text(year_between(y, 0, 400000)));
        }
        return share;
    }
    if (year_chance(y, 70)) {
        put(share, "over", random_bands(y, 100000));
    }
    if (year_chance(y, 70)) {
        put(share, "under", random_bands(y, 100000));
    }
    if (year_chance(y, 60) || json_object_size(share) == 0) {
        put(share, "cap", percent_text(year_between(y, 0, 400000)));
    }
    if (year_chance(y, 60)) {
        put(share, "collar", percent_text(year_between(y, 0, 400000)));
    }
    return share;
}

static json_t *random_indicator(struct contract_year *y, const char *id, int64_t weight)
{
    json_t *indicator = json_object();
    json_t *thresholds = json_array();
    int64_t at = 0;
    int64_t earns = 0;
    for (int64_t i = year_between(y, 1, 4); i > 0; i--) {
        at += year_between(y, 1, 240000);
        earns += year_between(y, 0, 240000);
        json_t *t = json_object();
        put(t, "at", percent_text(at));
        put(t, "earns", percent_text(earns));
        append(thresholds, t);
    }
    put_text(indicator, "id", id);
    put_text(indicator, "label", id);
    put(indicator, "weight", percent_text(weight));
    put(indicator, "measure", json_string(year_chance(y, 50) ? "linear" : "step"));
    put(indicator, "thresholds", thresholds);
    return indicator;
}

static json_t *random_cquin(struct contract_year *y)
{
    static const char *const stages[] = {"activity",   "factor", "bands",      "risk_share",
                                         "cap_collar", "block",  "adjustment", "withhold"};
    json_t *cquin = json_object();
    json_t *indicators = json_array();
    int64_t weight = year_between(y, 0, 1000000);
    put(cquin, "rate", percent_text(year_between(y, 0, 50000)));
    put(cquin, "on_account", percent_text(year_between(y, 0, 4) * 250000));
    append(indicators, random_indicator(y, "i1", weight));
    append(indicators, random_indicator(y, "i2", 1000000 - weight));
    put(cquin, "indicators", indicators);
    if (year_chance(y, 40)) {
        json_t *exclude = json_object();
        put(exclude, "stages", json_pack("[s]", stages[year_random(y, EXCLUDABLE)]));
        put(exclude, "clusters", json_pack("[s]", year_random_cluster(y)));
        put(cquin, "exclude", exclude);
    }
    return cquin;
}

static json_t *random_withhold(struct contract_year *y, const char *id)
{
    json_t *withhold = json_object();
    put_text(withhold, "id", id);
    put_text(withhold, "label", id);
    put(withhold, "share", percent_text(year_between(y, 0, 100000)));
    return withhold;
}

/* Thresholds drawn from 0 to the most, so that rows lie on both sides. */
static void random_thresholds(struct contract_year *y, json_t *thresholds, json_t *severities)
{
    static const struct {
        enum rule_id rule;
        int64_t most;
    } with[] = {{RULE_M05, 40}, {RULE_R02, 90}, {RULE_R03, 30}, {RULE_R05, 30}, {RULE_R06, 60}};
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        const struct rule *rule = rule_get(with[i].rule);
        if (year_chance(y, 50))
            put_number(thresholds, threshold_table[rule->threshold].name, year_between(y, 1, with[i].most));
        if (year_chance(y, 25))
            put_text(severities, rule->id, year_chance(y, 25) ? "WARN" : "ERROR");
    }
}

static void random_rules(struct contract_year *y, json_t *t)
{
    /* Raised or lowered: the rows fail some of them, and some depend on the terms. */
    static const char *const changed[] = {"C03", "C05", "C06", "D01", "D02", "D04", "K02", "K05", "K06", "P08", "R01"};
    static const char *const severity[] = {"ERROR", "QUERY", "WARN"};
    json_t *rules = json_object();
    json_t *thresholds = json_object();
    json_t *severities = json_object();
    if (year_chance(y, 40))
        put(rules, "stop_pay_when_overdue", json_pack("{s:I}", "grace_days", (json_int_t)year_between(y, 0, 60)));
    if (year_chance(y, 30))
        put(rules, "require_mhct", json_false());
    if (year_chance(y, 30))
        put(rules, "adult_only", json_true());
    if (year_chance(y, 30))
        put(rules, "out_of_scope_services", json_pack("[s]", "S3"));
    if (year_chance(y, 30))
        put(rules, "prior_approval", json_pack("{s:[s], s:[s]}", "clusters", year_random_cluster(y), "services", "S2"));
    if (year_chance(y, 40))
        random_thresholds(y, thresholds, severities);
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        if (year_chance(y, 15))
            put_text(severities, changed[i], severity[year_random(y, 3)]);
    }
    put(rules, "severities", severities);
    put(t, "rules", rules);
    put(t, "thresholds", thresholds);
}

/* Instalments of a stated sum, or of the plan of the year; a balance may park, and FLEX may bill. */
static void random_billing(struct contract_year *y, json_t *t)
{
    json_t *billing = json_object();
    bool on_account = year_chance(y, 50);
    put_text(billing, "method", on_account ? "on_account" : "actual");
    if (on_account && year_chance(y, 50))
        put_number(billing, "eacv_pence", year_between(y, 0, 90000000));
    if (year_chance(y, 60))
        put(billing, "bill_flex", json_boolean(year_chance(y, 80)));
    if (year_chance(y, 50))
        put(billing, "sanity_bound", percent_text(year_between(y, 0, year_chance(y, 50) ? 1500000 : 30000000)));
    put(t, "billing", billing);
}

static void random_extras(struct contract_year *y, json_t *t, bool sums)
{
    if (year_chance(y, 40)) {
        put_text(t, "day_count", "end_inclusive");
    }
    if (year_chance(y, 50)) {
        char factor[32];
        format_factor_ppm(year_between(y, 900000, 1200000), factor);
        put_text(t, "factor", factor);
    }
    if (year_chance(y, 40)) {
        month_t months[2];
        json_int_t pence[2];
        for (int i = 0; i < 2; i++) {
            months[i] = YEAR_APRIL + (month_t)year_between(y, 0, 11);
            pence[i] = year_between(y, 0, 500000);
        }
        json_t *block = json_pack("[{s:o, s:I, s:s}, {s:o, s:I, s:s, s:s}]", "month", json_month(months[0]), "pence",
                                  pence[0], "label", "A", "month", json_month(months[1]), "pence", pence[1], "label",
                                  "B", "commissioner", year_chance(y, 50) ? YEAR_COMMISSIONER : YEAR_OTHER);
        put(t, "block", block);
    }
    if (!sums && year_chance(y, 40)) {
        json_t *groups = json_array();
        append(groups, json_pack("{s:s, s:[s,s], s:o}", "group", "g1", "clusters", "14", "15", "bands",
                                 random_bands(y, 1200000)));
        append(groups,
               json_pack("{s:s, s:[s], s:o}", "group", "g2", "clusters", "04", "bands", random_bands(y, 1200000)));
        put(t, "volume_bands", groups);
    }
    if (year_chance(y, 70)) {
        put(t, "risk_share", random_risk_share(y));
    }
    if (year_chance(y, 60)) {
        put(t, "cquin", random_cquin(y));
    }
    if (year_chance(y, 30)) {
        json_t *withholds = json_array();
        append(withholds, random_withhold(y, "late"));
        append(withholds, random_withhold(y, "poor"));
        put(t, "withholds", withholds);
    }
    if (year_chance(y, 50)) {
        random_rules(y, t);
    }
    if (year_chance(y, 65)) {
        random_billing(y, t);
    }
}

json_t *year_random_terms(struct contract_year *y, bool shadow, bool first)
{
    json_t *t = json_object();
    json_t *prices = json_array();
    month_t april = YEAR_APRIL;
    bool sums = year_chance(y, 25);
    put_text(t, "@purpose", "reckoner/terms/1");
    put_text(t, "mode", shadow ? "shadow" : "live");
    put_number(t, "financial_year", 2012);
    put(t, "effective_from", json_month(first ? april : april + (month_t)year_between(y, 0, 8)));
    put(t, "calendar",
        json_pack("{s:{s:i}, s:{s:i}}", "flex", "operational_days", 10, "freeze", "operational_days", 30));
    put(t, "parties",
        json_pack("{s:{s:s,s:[s]}, s:{s:s,s:[s],s:s}, s:{s:s,s:[s],s:s}}", "RXA", "name", "Trust", "address", "A",
                  YEAR_COMMISSIONER, "name", "PCT", "address", "B", "buyer_reference", "R1", YEAR_OTHER, "name", "PCT",
                  "address", "C", "buyer_reference", "R2"));
    for (int c = 0; c < CLUSTERS_USED; c++) {
        if (year_chance(y, 85)) {
            cluster_prices(y, prices, clusters[c]);
        }
    }
    if (json_array_size(prices) == 0) {
        price_series(y, prices, "04", "DAY", year_begin(), year_end(), NULL, NULL);
    }
    put(t, "plan", random_plan(y, prices, sums));
    put(t, "prices", prices);
    json_t *lines = json_object_get(json_object_get(t, "plan"), "lines");
    if (!sums && json_array_size(lines) == 0) {
        /* No price reaches over the year: plan a stated sum, so that the sharing parts have a plan. */
        put(t, "plan", random_plan(y, prices, true));
        sums = true;
    }
    random_extras(y, t, sums);
    return t;
}
