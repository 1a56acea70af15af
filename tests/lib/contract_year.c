#include "lib/contract_year.h"

#include "lib/episodes.h"
#include "lib/year_thresholds.h"

#include "base/parse.h"
#include "domain/activity.h"
#include "domain/payability.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMISSIONER "5QE"

static const char *const clusters[] = {"00", "01", "04", "11", "14", "15", "21"};
#define CLUSTERS_USED 7
static const char *const services[] = {"", "S1", "S2", "S3"};

/* Check writes a mark to a file for each of its assertions; in loops like these that would be most of the work. */
static void must(bool holds)
{
    if (!holds) {
        ck_abort_msg("the generator of contract-years could not go on");
    }
}

uint64_t year_random(struct contract_year *y, uint64_t below)
{
    /* splitmix64 */
    uint64_t z = (y->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % below;
}

static bool chance(struct contract_year *y, uint64_t percent)
{
    return year_random(y, 100) < percent;
}

static int64_t between(struct contract_year *y, int64_t low, int64_t high)
{
    return low + (int64_t)year_random(y, (uint64_t)(high - low + 1));
}

static json_t *percent_text(int64_t ppm)
{
    char text[32];
    format_percent_ppm(ppm, text);
    return json_string(text);
}

static json_t *day_text(date_t d)
{
    char text[11];
    date_format(d, text);
    return json_string(text);
}

static json_t *month_text(month_t m)
{
    char text[8];
    month_format(m, text);
    return json_string(text);
}

static void put(json_t *object, const char *name, json_t *value)
{
    must(json_put(object, name, value));
}

static void append(json_t *array, json_t *value)
{
    must(json_array_append_new(array, value) == 0);
}

static date_t year_begin(void)
{
    return month_first(financial_year_first(2012));
}

static date_t year_end(void)
{
    return month_first(financial_year_first(2013));
}

/* A series of prices over [from, to), changed at random days. */
static void price_series(struct contract_year *y, json_t *prices, const char *cluster, const char *basis, date_t from,
                         date_t to, const char *qualifier, const char *who)
{
    while (from < to) {
        date_t until = chance(y, 60) ? to : from + (date_t)between(y, 1, to - from);
        json_t *p = json_object();
        put(p, "cluster", json_string(cluster));
        put(p, "basis", json_string(basis));
        put(p, "pence", json_integer(chance(y, 5) ? 0 : between(y, 1, 40000)));
        if (from != year_begin() || chance(y, 50)) {
            put(p, "from", day_text(from));
        }
        if (until != year_end() || chance(y, 50)) {
            put(p, "to", day_text(until));
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

/* Prices of one cluster: none, by day, split, changed at the turn of a month, or with a special price. */
static void cluster_prices(struct contract_year *y, json_t *prices, const char *cluster)
{
    date_t begin = year_begin();
    date_t end = year_end();
    date_t turn = month_first(financial_year_first(2012) + (month_t)between(y, 1, 11));
    switch (year_random(y, 6)) {
    case 0:
        split_series(y, prices, cluster, begin, end, NULL, NULL);
        break;
    case 1:
        price_series(y, prices, cluster, "DAY", begin, turn, NULL, NULL);
        split_series(y, prices, cluster, turn, end, NULL, NULL);
        break;
    case 2:
        price_series(y, prices, cluster, "DAY", begin, end, NULL, NULL);
        split_series(y, prices, cluster, begin, end, "service", "S1");
        break;
    case 3:
        price_series(y, prices, cluster, "DAY", begin, end, NULL, NULL);
        price_series(y, prices, cluster, "DAY", turn, end, "commissioner", chance(y, 50) ? COMMISSIONER : "5QF");
        break;
    default:
        price_series(y, prices, cluster, "DAY", chance(y, 90) ? begin : turn, end, NULL, NULL);
        break;
    }
    if (chance(y, 40)) {
        price_series(y, prices, cluster, "ASSESSMENT", begin, end, NULL, NULL);
    }
}

static json_t *random_bands(struct contract_year *y, int64_t step)
{
    json_t *bands = json_array();
    int64_t to = 0;
    for (int64_t i = between(y, 0, 2); i > 0; i--) {
        to += between(y, i == 2 ? 0 : 1, step);
        json_t *band = json_object();
        put(band, "to", percent_text(to));
        put(band, "pay", percent_text(between(y, 0, 10) * 100000));
        append(bands, band);
        to++;
    }
    json_t *last = json_object();
    put(last, "pay", percent_text(between(y, 0, 1000000)));
    append(bands, last);
    return bands;
}

/* A plan that the prices of the version can value: units only where the price reaches back to April. */
static json_t *random_plan(struct contract_year *y, const json_t *prices, bool sums)
{
    json_t *plan = json_object();
    json_t *lines = json_array();
    month_t april = financial_year_first(2012);
    size_t index;
    json_t *p;
    for (month_t k = 0; sums && k < TERMS_MONTHS; k++) {
        json_t *s = json_object();
        put(s, "month", month_text(april + k));
        put(s, "pence", json_integer(between(y, 0, 9000000)));
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
        if (!whole || chance(y, 20)) {
            continue;
        }
        json_t *line = json_object();
        json_t *units = json_array();
        put(line, "cluster", json_string(json_text(p, "cluster")));
        put(line, "basis", json_string(json_text(p, "basis")));
        for (int k = 0; k < TERMS_MONTHS; k++) {
            append(units, json_integer(between(y, 0, 120)));
        }
        put(line, "units", units);
        append(lines, line);
    }
    put(plan, "lines", lines);
    return plan;
}

static json_t *random_risk_share(struct contract_year *y)
{
    json_t *share = json_object();
    if (chance(y, 70)) {
        put(share, "over", random_bands(y, 100000));
    }
    if (chance(y, 70)) {
        put(share, "under", random_bands(y, 100000));
    }
    if (chance(y, 60) || json_object_size(share) == 0) {
        put(share, "cap", percent_text(between(y, 0, 400000)));
    }
    if (chance(y, 60)) {
        put(share, "collar", percent_text(between(y, 0, 400000)));
    }
    return share;
}

static json_t *random_indicator(struct contract_year *y, const char *id, int64_t weight)
{
    json_t *indicator = json_object();
    json_t *thresholds = json_array();
    int64_t at = 0;
    int64_t earns = 0;
    for (int64_t i = between(y, 1, 4); i > 0; i--) {
        at += between(y, 1, 240000);
        earns += between(y, 0, 240000);
        json_t *t = json_object();
        put(t, "at", percent_text(at));
        put(t, "earns", percent_text(earns));
        append(thresholds, t);
    }
    put(indicator, "id", json_string(id));
    put(indicator, "label", json_string(id));
    put(indicator, "weight", percent_text(weight));
    put(indicator, "measure", json_string(chance(y, 50) ? "linear" : "step"));
    put(indicator, "thresholds", thresholds);
    return indicator;
}

static json_t *random_cquin(struct contract_year *y)
{
    static const char *const stages[] = {"activity", "factor", "bands", "risk_share", "cap_collar", "block"};
    json_t *cquin = json_object();
    json_t *indicators = json_array();
    int64_t weight = between(y, 0, 1000000);
    put(cquin, "rate", percent_text(between(y, 0, 50000)));
    put(cquin, "on_account", percent_text(between(y, 0, 4) * 250000));
    append(indicators, random_indicator(y, "i1", weight));
    append(indicators, random_indicator(y, "i2", 1000000 - weight));
    put(cquin, "indicators", indicators);
    if (chance(y, 40)) {
        json_t *exclude = json_object();
        put(exclude, "stages", json_pack("[s]", stages[year_random(y, 6)]));
        put(exclude, "clusters", json_pack("[s]", clusters[year_random(y, CLUSTERS_USED)]));
        put(cquin, "exclude", exclude);
    }
    return cquin;
}

static void random_extras(struct contract_year *y, json_t *t, bool sums)
{
    if (chance(y, 40)) {
        put(t, "day_count", json_string("end_inclusive"));
    }
    if (chance(y, 50)) {
        char factor[32];
        format_factor_ppm(between(y, 900000, 1200000), factor);
        put(t, "factor", json_string(factor));
    }
    if (chance(y, 40)) {
        json_t *block = json_pack("[{s:o, s:I, s:s}, {s:o, s:I, s:s, s:s}]", "month",
                                  month_text(financial_year_first(2012) + (month_t)between(y, 0, 11)), "pence",
                                  (json_int_t)between(y, 0, 500000), "label", "A", "month",
                                  month_text(financial_year_first(2012) + (month_t)between(y, 0, 11)), "pence",
                                  (json_int_t)between(y, 0, 500000), "label", "B", "commissioner",
                                  chance(y, 50) ? COMMISSIONER : "5QF");
        put(t, "block", block);
    }
    if (!sums && chance(y, 40)) {
        json_t *groups = json_array();
        append(groups, json_pack("{s:s, s:[s,s], s:o}", "group", "g1", "clusters", "14", "15", "bands",
                                 random_bands(y, 1200000)));
        append(groups,
               json_pack("{s:s, s:[s], s:o}", "group", "g2", "clusters", "04", "bands", random_bands(y, 1200000)));
        put(t, "volume_bands", groups);
    }
    if (chance(y, 70)) {
        put(t, "risk_share", random_risk_share(y));
    }
    if (chance(y, 60)) {
        put(t, "cquin", random_cquin(y));
    }
    /* The second implementation does not ask K06. */
    json_t *rules = json_pack("{s:{s:s}}", "severities", "K06", "WARN");
    if (chance(y, 30)) {
        put(rules, "stop_pay_when_overdue", json_pack("{s:I}", "grace_days", (json_int_t)between(y, 0, 60)));
    }
    put(t, "rules", rules);
    if (chance(y, 40)) {
        year_add_thresholds(y, t);
    }
}

static json_t *random_terms(struct contract_year *y, bool shadow, bool first)
{
    json_t *t = json_object();
    json_t *prices = json_array();
    month_t april = financial_year_first(2012);
    bool sums = chance(y, 25);
    put(t, "@purpose", json_string("reckoner/terms/1"));
    put(t, "mode", json_string(shadow ? "shadow" : "live"));
    put(t, "financial_year", json_integer(2012));
    put(t, "effective_from", month_text(first ? april : april + (month_t)between(y, 0, 8)));
    put(t, "calendar",
        json_pack("{s:{s:i}, s:{s:i}}", "flex", "operational_days", 10, "freeze", "operational_days", 30));
    put(t, "parties",
        json_pack("{s:{s:s,s:[s]}, s:{s:s,s:[s],s:s}, s:{s:s,s:[s],s:s}}", "RXA", "name", "Trust", "address", "A",
                  COMMISSIONER, "name", "PCT", "address", "B", "buyer_reference", "R1", "5QF", "name", "PCT", "address",
                  "C", "buyer_reference", "R2"));
    for (int c = 0; c < CLUSTERS_USED; c++) {
        if (chance(y, 85)) {
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

static void make_version(struct contract_year *y, bool shadow)
{
    size_t i = y->versions++;
    struct json_problem problem;
    json_t *json = random_terms(y, shadow, i == 0);
    y->terms[i] = terms_parse(json, &problem);
    if (y->terms[i] == NULL) {
        char *text = json_dumps(json, JSON_INDENT(1));
        ck_abort_msg("random terms refused: %s: %s\n%s", problem.field, problem.message, text);
    }
    json_decref(json);
    (void)snprintf(y->digest[i], sizeof y->digest[i], "%064llx", (unsigned long long)(y->random ^ i));
    y->version[i] = (struct terms_version){.version = (int32_t)i + 1,
                                           .known_from = (instant_t)(1000000 * (i + 1)),
                                           .digest = y->digest[i],
                                           .terms = y->terms[i]};
}

static void make_row(struct contract_year *y, month_t month, size_t n, struct year_row *row)
{
    date_t first = month_first(month);
    date_t last = month_last(month);
    struct activity_row *facts = &row->facts;
    uint64_t number = n;
    number = number * 100 + year_random(y, 100);
    (void)snprintf(row->episode, sizeof row->episode, "E%llu", (unsigned long long)number);
    (void)snprintf(row->patient, sizeof row->patient, "P%llu", (unsigned long long)year_random(y, 6));
    (void)snprintf(row->service, sizeof row->service, "%s", services[year_random(y, 4)]);
    (void)snprintf(row->commissioner, sizeof row->commissioner, "%s", chance(y, 95) ? COMMISSIONER : "5QF");
    (void)snprintf(row->cluster, sizeof row->cluster, "%s", clusters[year_random(y, CLUSTERS_USED)]);
    row->payable = chance(y, 92);
    facts->episode_id = row->episode;
    memcpy(facts->patient, row->patient, sizeof facts->patient);
    facts->cluster = row->cluster;
    facts->service = row->service;
    facts->start_date = first + (date_t)between(y, -60, 29);
    if (facts->start_date > last) {
        facts->start_date = last;
    }
    facts->end_date = DATE_NONE;
    if (chance(y, 50)) {
        date_t low = facts->start_date > first ? facts->start_date : first;
        facts->end_date = low + (date_t)between(y, 0, last + 1 - low);
    }
    facts->mhct_date = chance(y, 95) ? last - (date_t)between(y, 0, 200) / (chance(y, 50) ? 10 : 1) : DATE_NONE;
    facts->referral_date = chance(y, 60) ? first - (date_t)between(y, 0, 3) * 10 : DATE_NONE;
    if (chance(y, 25)) {
        facts->referral_date = facts->start_date;
    }
    facts->last_contact = chance(y, 70) ? last - (date_t)between(y, 0, 80) : DATE_NONE;
    facts->mhct_reason = chance(y, 40) ? 10 : 11;
    facts->admitted_days = chance(y, 40) ? (int32_t)between(y, 0, 31) : 0;
    facts->assessment_only = chance(y, 15);
}

static void make_month(struct contract_year *y, int32_t k)
{
    month_t month = financial_year_first(2012) + k;
    size_t count = (size_t)between(y, 0, 12);
    y->rows[k] = calloc(count + 1, sizeof *y->rows[k]);
    must(y->rows[k] != NULL);
    y->row_count[k] = count;
    y->missing[k] = chance(y, 1);
    for (size_t i = 0; i < count; i++) {
        make_row(y, month, (size_t)k * 100 + i, &y->rows[k][i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct activity_row *a = &y->rows[k][i].facts;
        for (size_t j = 0; j < count; j++) {
            const struct activity_row *b = &y->rows[k][j].facts;
            a->continues = a->continues ||
                           (i != j && !b->assessment_only && a->end_date != DATE_NONE && b->start_date == a->end_date &&
                            memcmp(a->patient, b->patient, sizeof a->patient) == 0);
        }
    }
    (void)snprintf(y->sha256[k], sizeof y->sha256[k], "%064llx", (unsigned long long)y->random);
}

static void make_reviews(struct contract_year *y)
{
    /* As config/clusters.csv has them, for the clusters used here. */
    static const struct {
        int cluster;
        int16_t days;
        int16_t months;
    } periods[] = {{0, 0, 6}, {1, 84, 0}, {4, 0, 6}, {11, 0, 12}, {14, 28, 0}, {15, 28, 0}, {21, 0, 6}};
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        y->reviews.days[periods[i].cluster] = periods[i].days;
        y->reviews.months[periods[i].cluster] = periods[i].months;
    }
}

struct contract_year *contract_year_new(uint64_t seed)
{
    struct contract_year *y = calloc(1, sizeof *y);
    must(y != NULL);
    y->random = seed;
    bool shadow = chance(y, 20);
    for (int64_t i = between(y, 1, 3); i > 0; i--) {
        make_version(y, shadow);
    }
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        make_month(y, k);
    }
    make_reviews(y);
    for (int64_t i = between(y, 0, 2); i > 0; i--) {
        int64_t denominator = chance(y, 10) ? 0 : between(y, 1, 400);
        y->achievement[y->achievements++] =
            (struct position_achievement){.indicator = i == 2 ? "i2" : "i1",
                                          .numerator = denominator == 0 ? 0 : between(y, 0, denominator),
                                          .denominator = denominator,
                                          .agreed_at = between(y, 1, 5000000)};
    }
    return y;
}

void contract_year_free(struct contract_year *y)
{
    for (size_t i = 0; i < y->versions; i++) {
        terms_free(y->terms[i]);
    }
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        free(y->rows[k]);
    }
    free(y);
}

/* A permutation of 0 .. count - 1. */
static void shuffle_order(size_t *order, size_t count, uint64_t seed)
{
    struct contract_year dice = {.random = seed};
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; seed != 0 && i > 1; i--) {
        size_t j = (size_t)year_random(&dice, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* The statistics of one month's rows, in an order that a seed shuffles. */
static void month_statistics(const struct contract_year *y, size_t k, const struct terms *t, uint64_t shuffle,
                             struct statistics *out)
{
    month_t month = financial_year_first(2012) + (month_t)k;
    struct payability *payability = payability_new(t, &y->reviews, COMMISSIONER, month);
    struct statistics_builder *b = statistics_builder_new(month, true);
    size_t order[64];
    must(payability != NULL && b != NULL);
    shuffle_order(order, y->row_count[k], shuffle);
    for (size_t r = 0; r < y->row_count[k]; r++) {
        const struct year_row *row = &y->rows[k][order[r]];
        struct episode e;
        if (!row->payable || strcmp(row->commissioner, COMMISSIONER) != 0 || year_held_back(y, t, month, &row->facts)) {
            continue;
        }
        episode_of_activity(&e, &row->facts);
        if (!payability_looks_at_each_row(payability) || payability_reduce(payability, &e)) {
            must(statistics_builder_add(b, &e, 1) == STATISTICS_ADDED);
        }
    }
    must(statistics_builder_make(b, out));
    statistics_builder_free(b);
    payability_free(payability);
}

struct activity_lines contract_year_lines(const struct contract_year *y, month_t m, instant_t known_at,
                                          uint64_t shuffle)
{
    struct activity_lines lines;
    struct statistics statistics[TERMS_MONTHS];
    struct activity_month in[TERMS_MONTHS];
    size_t months[TERMS_MONTHS] = {0};
    size_t count = 0;
    shuffle_order(months, (size_t)month_number(m), shuffle);
    for (int32_t i = 0; i < month_number(m); i++) {
        size_t k = months[i];
        month_t month = financial_year_first(2012) + (month_t)k;
        const struct terms_version *version = terms_in_force(y->version, y->versions, month, known_at);
        if (version == NULL || y->missing[k]) {
            continue;
        }
        month_statistics(y, k, version->terms, shuffle, &statistics[count]);
        in[count] = (struct activity_month){month, version->terms, &statistics[count], NULL, 0};
        count++;
    }
    const struct activity_input input = {COMMISSIONER, &y->reviews, in, count, NULL, 0};
    must(activity_value(&input, &lines) == ACTIVITY_DONE);
    for (size_t i = 0; i < count; i++) {
        statistics_free(&statistics[i]);
    }
    return lines;
}

enum position_status contract_year_position(const struct contract_year *y, month_t m, instant_t known_at,
                                            uint64_t shuffle, struct position *out, char **document)
{
    struct position_month months[TERMS_MONTHS] = {0};
    struct position_achievement agreed[YEAR_ACHIEVEMENTS];
    struct activity_lines lines = contract_year_lines(y, m, known_at, shuffle);
    char reason[POSITION_REASON_SIZE];
    struct position_input in = {.provider = "RXA",
                                .contract = "bcdfghjklmnpqrstvwxz",
                                .commissioner = COMMISSIONER,
                                .financial_year = 2012,
                                .month = m,
                                .months = months,
                                .annual = terms_in_force(y->version, y->versions, m, known_at),
                                .achievements = agreed,
                                .activity = &lines};
    for (int32_t k = 0; k < month_number(m); k++) {
        months[k].month = financial_year_first(2012) + k;
        months[k].terms = terms_in_force(y->version, y->versions, months[k].month, known_at);
        months[k].submission = y->missing[k] ? NULL : "bcdfghjklmnpqrstvwxz";
        months[k].sha256 = y->sha256[k];
        months[k].known_from = 100 + k;
    }
    for (size_t i = 0; i < y->achievements; i++) {
        if (y->achievement[i].agreed_at <= known_at) {
            agreed[in.achievement_count++] = y->achievement[i];
        }
    }
    enum position_status status = position_compute(&in, out, reason);
    if (status == POSITION_DONE && document != NULL) {
        size_t length;
        *document = position_document_bytes(&in, out, &length);
        must(*document != NULL);
    }
    activity_lines_free(&lines);
    return status;
}

static json_t *instant_text(instant_t t)
{
    char text[28];
    instant_format(t, text);
    return json_string(text);
}

static json_t *row_json(const struct year_row *row)
{
    const struct activity_row *f = &row->facts;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "episode_id", row->episode, "patient_id", row->patient,
                  "commissioner", row->commissioner, "cluster", row->cluster, "service", row->service, "row", 0);
    char number[16];
    json_object_del(object, "row");
    put(object, "start_date", day_text(f->start_date));
    if (f->end_date != DATE_NONE) {
        put(object, "end_date", day_text(f->end_date));
    }
    if (f->mhct_date != DATE_NONE) {
        put(object, "mhct_date", day_text(f->mhct_date));
    }
    if (f->referral_date != DATE_NONE) {
        put(object, "referral_date", day_text(f->referral_date));
    }
    if (f->last_contact != DATE_NONE) {
        put(object, "last_contact", day_text(f->last_contact));
    }
    (void)snprintf(number, sizeof number, "%d", f->mhct_reason);
    put(object, "mhct_reason", json_string(number));
    (void)snprintf(number, sizeof number, "%d", f->admitted_days);
    put(object, "admitted_days", json_string(number));
    put(object, "assessment_only", json_string(f->assessment_only ? "Y" : ""));
    return object;
}

static json_t *month_json(const struct contract_year *y, int32_t k)
{
    json_t *rows = json_array();
    json_t *unpayable = json_array();
    for (size_t i = 0; i < y->row_count[k]; i++) {
        append(rows, row_json(&y->rows[k][i]));
        if (!y->rows[k][i].payable) {
            append(unpayable, json_integer((json_int_t)i + 1));
        }
    }
    return json_pack("{s:o, s:o}", "rows", rows, "unpayable", unpayable);
}

json_t *contract_year_case(const struct contract_year *y, month_t m, instant_t known_at)
{
    json_t *object = json_object();
    json_t *terms = json_array();
    json_t *months = json_object();
    json_t *achievements = json_array();
    for (size_t i = 0; i < y->versions; i++) {
        append(terms, json_pack("{s:i, s:o, s:O}", "version", y->version[i].version, "known_from",
                                instant_text(y->version[i].known_from), "terms", y->terms[i]->source));
    }
    for (int32_t k = 0; k < month_number(m); k++) {
        char name[8];
        month_format(financial_year_first(2012) + k, name);
        if (!y->missing[k]) {
            put(months, name, month_json(y, k));
        }
    }
    for (size_t i = 0; i < y->achievements; i++) {
        const struct position_achievement *a = &y->achievement[i];
        append(achievements,
               json_pack("{s:s, s:I, s:I, s:o}", "indicator", a->indicator, "numerator", (json_int_t)a->numerator,
                         "denominator", (json_int_t)a->denominator, "agreed_at", instant_text(a->agreed_at)));
    }
    put(object, "commissioner", json_string(COMMISSIONER));
    put(object, "month", month_text(m));
    put(object, "known_at", instant_text(known_at));
    put(object, "terms", terms);
    put(object, "months", months);
    put(object, "achievements", achievements);
    return object;
}

static bool environment_number(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    int64_t value;
    if (text == NULL || !parse_i64(text, strlen(text), &value) || value <= 0) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

uint64_t property_seed(void)
{
    uint64_t seed = 20120401;
    (void)environment_number("RECKONER_SEED", &seed);
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

uint64_t property_rounds(uint64_t standard)
{
    uint64_t rounds = standard;
    (void)environment_number("RECKONER_ROUNDS", &rounds);
    printf("rounds %llu\n", (unsigned long long)rounds);
    return rounds;
}

struct terms *terms_of(const char *text)
{
    struct json_problem problem;
    char *quoted = strdup(text);
    must(quoted != NULL);
    for (char *c = quoted; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *json = json_read(quoted, strlen(quoted), &problem);
    if (json == NULL) {
        ck_abort_msg("not JSON: %s: %s", problem.field, problem.message);
    }
    struct terms *t = terms_parse(json, &problem);
    if (t == NULL) {
        ck_abort_msg("terms refused: %s: %s", problem.field, problem.message);
    }
    json_decref(json);
    free(quoted);
    return t;
}
