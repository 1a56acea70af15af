#include "lib/contract_year.h"

#include "lib/year_json.h"

#include "base/parse.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void year_must(bool holds)
{
    if (!holds)
        ck_abort_msg("the generator of contract-years could not go on");
}

uint64_t year_random(struct contract_year *y, uint64_t below)
{
    /* splitmix64 */
    uint64_t z = (y->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % below;
}

bool year_chance(struct contract_year *y, uint64_t percent)
{
    return year_random(y, 100) < percent;
}

int64_t year_between(struct contract_year *y, int64_t low, int64_t high)
{
    return low + (int64_t)year_random(y, (uint64_t)(high - low + 1));
}

static void add_version(struct contract_year *y, json_t *json)
{
    size_t i = y->versions++;
    struct json_problem problem;
    year_must(i < YEAR_VERSIONS);
    y->terms[i] = terms_parse(json, &problem);
    if (y->terms[i] == NULL) {
        char *text = json_dumps(json, JSON_INDENT(1));
        ck_abort_msg("random terms refused: %s: %s\n%s", problem.field, problem.message, text);
    }
    json_decref(json);
    snprintf(y->digest[i], sizeof y->digest[i], "%064llx", (unsigned long long)(y->random ^ i));
    y->version[i] = (struct terms_version){.version = (int32_t)i + 1,
                                           .known_from = (instant_t)(1000000 * (i + 1)),
                                           .digest = y->digest[i],
                                           .terms = y->terms[i]};
}

static void make_version(struct contract_year *y, bool shadow)
{
    add_version(y, year_random_terms(y, shadow, y->versions == 0));
}

void contract_year_lift_bound(struct contract_year *y, int32_t k)
{
    json_t *json = json_deep_copy(year_version(y, k, YEAR_ALL_KNOWN)->terms->source);
    year_must(json != NULL && json_object_del(json_object_get(json, "billing"), "sanity_bound") == 0);
    put(json, "effective_from", json_month(YEAR_APRIL + k));
    add_version(y, json);
}

static void fails(struct episode *e, enum rule_id rule)
{
    e->failed |= rule_set_of(rule);
}

/* Start and end, now and then outside what the rules allow: terms may lower those rules. */
static void make_stay(struct contract_year *y, month_t month, struct episode *e)
{
    date_t first = month_first(month);
    date_t last = month_last(month);
    e->start_date = first + (date_t)year_between(y, -60, 29);
    e->start_date = e->start_date > last ? last : e->start_date;
    e->end_date = DATE_NONE;
    if (year_chance(y, 50)) {
        date_t low = e->start_date > first ? e->start_date : first;
        e->end_date = low + (date_t)year_between(y, 0, last + 1 - low);
    }
    if (year_chance(y, 2)) {
        e->start_date = DATE_NONE;
        fails(e, RULE_D01);
    } else if (year_chance(y, 1)) {
        e->start_date = last + (date_t)year_between(y, 1, 9);
        e->end_date = DATE_NONE;
        fails(e, RULE_D02);
    } else if (e->start_date < first && year_chance(y, 2)) {
        e->end_date = e->start_date + (date_t)year_between(y, 0, first - 1 - e->start_date);
        fails(e, RULE_D04);
    }
}

static void make_review(struct contract_year *y, month_t month, struct episode *e)
{
    date_t first = month_first(month);
    date_t last = month_last(month);
    date_t ago = (date_t)year_between(y, 0, 200);
    e->mhct_date = last - (year_chance(y, 50) ? ago / 10 : ago);
    if (year_chance(y, 5)) {
        e->mhct_date = DATE_NONE;
        fails(e, RULE_M03);
    }
    e->referral_date = year_chance(y, 60) ? first - (date_t)year_between(y, 0, 3) * 10 : DATE_NONE;
    if (year_chance(y, 25))
        e->referral_date = e->start_date;
    e->last_contact = year_chance(y, 70) ? last - (date_t)year_between(y, 0, 80) : DATE_NONE;
    e->mhct_reason = year_chance(y, 40) ? 10 : 11;
}

static void make_row(struct contract_year *y, month_t month, size_t n, struct year_row *row)
{
    static const char *const services[] = {"", "S1", "S2", "S3"};
    static const enum rule_id marks[] = {RULE_C03, RULE_K05, RULE_R01, RULE_P03};
    struct episode *e = &row->row;
    e->row_no = (int32_t)(n % 100) + 1;
    snprintf(e->episode_id, sizeof e->episode_id, "E%llu", (unsigned long long)(n * 100 + year_random(y, 100)));
    snprintf(row->patient_id, sizeof row->patient_id, "P%llu", (unsigned long long)year_random(y, 6));
    memcpy(e->patient, row->patient_id, sizeof e->patient);
    snprintf(e->service, sizeof e->service, "%s", services[year_random(y, 4)]);
    snprintf(e->commissioner, sizeof e->commissioner, "%s", year_chance(y, 85) ? YEAR_COMMISSIONER : YEAR_OTHER);
    snprintf(e->cluster, sizeof e->cluster, "%s", year_random_cluster(y));
    make_stay(y, month, e);
    make_review(y, month, e);
    e->admitted_days = (int16_t)(year_chance(y, 40) ? year_between(y, 0, 31) : 0);
    e->assessment_only = year_chance(y, 15);
    e->approved = year_chance(y, 70);
    e->minor = year_chance(y, 5);
    if (year_chance(y, 5))
        fails(e, RULE_M01); /* an ERROR that no terms here change */
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (year_chance(y, 8))
            fails(e, marks[i]);
    }
    if (year_chance(y, 1)) {
        memset(e->cluster, 0, sizeof e->cluster);
        fails(e, RULE_K02);
    }
}

static void mark_continuing(struct contract_year *y, int32_t k)
{
    for (size_t i = 0; i < y->row_count[k]; i++) {
        struct episode *a = &y->rows[k][i].row;
        a->continues = false;
        for (size_t j = 0; j < y->row_count[k]; j++) {
            const struct episode *b = &y->rows[k][j].row;
            a->continues = a->continues ||
                           (i != j && !b->assessment_only && a->end_date != DATE_NONE && b->start_date == a->end_date &&
                            memcmp(a->patient, b->patient, sizeof a->patient) == 0);
        }
    }
}

void contract_year_crowd(struct contract_year *y)
{
    y->changes = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        for (size_t r = 0; r < y->row_count[k]; r++) {
            struct year_row *row = &y->rows[k][r];
            struct episode *e = &row->row;
            snprintf(row->patient_id, sizeof row->patient_id, "P%llu", (unsigned long long)year_random(y, 2));
            memcpy(e->patient, row->patient_id, sizeof e->patient);
            e->referral_date = month_first(YEAR_APRIL);
            snprintf(e->commissioner, sizeof e->commissioner, "%s",
                     year_chance(y, 50) ? YEAR_COMMISSIONER : YEAR_OTHER);
            if (!y->missing[k] && y->changes < YEAR_MANY && statistics_is_candidate(YEAR_APRIL + k, e) &&
                year_chance(y, 50))
                y->change[y->changes++] =
                    (struct year_change){.month = YEAR_APRIL + k,
                                         .row = r,
                                         .cluster = (int16_t)cluster_index(year_random_cluster(y)),
                                         .payable_days = -1,
                                         .agreed_at = 1};
        }
        mark_continuing(y, k);
    }
}

static void make_month(struct contract_year *y, int32_t k)
{
    size_t count = (size_t)year_between(y, 0, 9);
    y->rows[k] = calloc(count + 1, sizeof *y->rows[k]);
    year_must(y->rows[k] != NULL);
    y->row_count[k] = count;
    for (size_t i = 0; i < count; i++)
        make_row(y, YEAR_APRIL + k, (size_t)k * 100 + i, &y->rows[k][i]);
    mark_continuing(y, k);
    snprintf(y->sha256[k], sizeof y->sha256[k], "%064llx", (unsigned long long)y->random);
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
    unsigned char sha256[crypto_hash_sha256_BYTES];
    size_t length;
    json_t *reviews = contract_year_reviews(y);
    char *bytes = json_canonical(reviews, &length);
    year_must(bytes != NULL && crypto_hash_sha256(sha256, (const unsigned char *)bytes, length) == 0);
    hex_encode(sha256, sizeof sha256, y->reviews_sha256);
    free(bytes);
    json_decref(reviews);
}

static instant_t some_instant(struct contract_year *y)
{
    return year_between(y, 1, 5000000);
}

static void agree_achievements(struct contract_year *y)
{
    for (int64_t i = year_between(y, 0, 2); i > 0; i--) {
        int64_t denominator = year_chance(y, 10) ? 0 : year_between(y, 1, 400);
        y->achievement[y->achievements++] =
            (struct position_achievement){.indicator = i == 2 ? "i2" : "i1",
                                          .numerator = denominator == 0 ? 0 : year_between(y, 0, denominator),
                                          .denominator = denominator,
                                          .disputed = year_chance(y, 15),
                                          .agreed_at = some_instant(y)};
    }
}

/* A month without a submission is agreed as zero or as an estimate, in most cases; one with a submission now and then
 * too, which then replaces it. */
static void agree_months(struct contract_year *y)
{
    for (int32_t k = 0; k < TERMS_MONTHS && y->agreed_count < YEAR_MANY; k++) {
        if (year_chance(y, y->missing[k] ? 80 : 2))
            y->agreed[y->agreed_count++] = (struct year_agreed){
                YEAR_APRIL + k, year_chance(y, 40) ? MONTH_ZERO : MONTH_ESTIMATE, some_instant(y) / 2};
    }
}

static void agree_adjustments(struct contract_year *y)
{
    for (int64_t n = year_chance(y, 30) ? year_between(y, 1, 3) : 0; n > 0; n--) {
        struct position_adjustment *a = &y->adjustment[y->adjustments++];
        *a = (struct position_adjustment){.n = (int64_t)y->adjustments,
                                          .month = YEAR_APRIL + (month_t)year_between(y, 0, 11),
                                          .pence = year_between(y, -300000, 300000),
                                          .label = "As agreed",
                                          .in_cquin = year_chance(y, 50),
                                          .agreed_at = some_instant(y)};
        if (year_chance(y, 30)) {
            struct position_adjustment *r = &y->adjustment[y->adjustments++];
            *r = *a;
            r->n = (int64_t)y->adjustments;
            r->pence = -a->pence;
            r->reverses = a->n;
            r->agreed_at = a->agreed_at + year_between(y, 1, 1000000);
        }
    }
}

static bool withhold_offered(const struct contract_year *y)
{
    for (size_t i = 0; i < y->versions; i++) {
        if (y->terms[i]->withhold_count > 0)
            return true;
    }
    return false;
}

/* In order of month, then id. */
static void impose_withholds(struct contract_year *y)
{
    static const char *const ids[] = {"late", "poor"};
    for (int32_t k = 0; withhold_offered(y) && k < TERMS_MONTHS; k++) {
        for (size_t i = 0; i < 2 && y->withholds < YEAR_MANY; i++) {
            if (!year_chance(y, 10))
                continue;
            struct position_withhold *w = &y->withhold[y->withholds++];
            *w = (struct position_withhold){.id = ids[i], .month = YEAR_APRIL + k, .imposed_at = some_instant(y)};
            if (year_chance(y, 60)) {
                w->state = year_chance(y, 50) ? WITHHOLD_RELEASED : WITHHOLD_KEPT;
                w->decided_pence = year_between(y, 0, 40000);
                w->decided_at = w->imposed_at + year_between(y, 1, 1000000);
                w->agreement = (int64_t)y->withholds;
            }
        }
    }
}

/* A row that nothing was said of yet; false when the one drawn is taken or there is none. */
static bool take_row(struct contract_year *y, bool taken[TERMS_MONTHS][16], struct year_change *c)
{
    int32_t k = (int32_t)year_between(y, 0, TERMS_MONTHS - 1);
    if (y->missing[k] || y->row_count[k] == 0)
        return false;
    c->month = YEAR_APRIL + k;
    c->row = (size_t)year_random(y, y->row_count[k]);
    c->cluster = -1;
    c->payable_days = -1;
    bool was = taken[k][c->row];
    taken[k][c->row] = true;
    return !was;
}

static void say_of_row(struct contract_year *y, struct year_change *c)
{
    switch (year_random(y, 3)) {
    case 0:
        c->cluster = (int16_t)cluster_index(year_random_cluster(y));
        break;
    case 1:
        c->payable_days = (int32_t)year_between(y, 0, 20);
        break;
    default:
        c->not_payable = true;
        break;
    }
}

static void decide(struct contract_year *y)
{
    bool taken[TERMS_MONTHS][16] = {0};
    for (int64_t n = year_chance(y, 40) ? year_between(y, 1, 4) : 0; n > 0; n--) {
        struct year_change *c = &y->change[y->changes];
        if (!take_row(y, taken, c))
            continue;
        c->agreed_at = some_instant(y);
        const char *now = y->rows[c->month - YEAR_APRIL][c->row].row.commissioner;
        if (year_chance(y, 30))
            c->to = strcmp(now, YEAR_OTHER) == 0 ? YEAR_COMMISSIONER : YEAR_OTHER;
        else
            say_of_row(y, c);
        y->changes++;
    }
}

/* Challenges on rows that are in no other one. A row may have been decided before. */
static void challenge(struct contract_year *y)
{
    bool taken[TERMS_MONTHS][16] = {0};
    for (int64_t n = year_chance(y, 35) ? year_between(y, 1, 3) : 0; n > 0; n--) {
        struct year_challenge *c = &y->challenge[y->challenges];
        c->rows = 0;
        for (int64_t r = year_between(y, 1, 3); r > 0; r--) {
            if (take_row(y, taken, &c->row[c->rows]))
                say_of_row(y, &c->row[c->rows++]);
        }
        if (c->rows == 0)
            continue;
        c->number = (int64_t)++y->challenges;
        c->claimed_pence = year_chance(y, 30) ? year_between(y, 0, 20000) : year_between(y, 0, 2000000);
        c->billed = year_chance(y, 30);
        c->raised_at = some_instant(y);
        c->closed_at = year_chance(y, 30) ? c->raised_at + year_between(y, 1, 2000000) : INT64_MAX;
    }
}

static void open_entries(struct contract_year *y)
{
    for (int64_t n = year_chance(y, 30) ? year_between(y, 1, 3) : 0; n > 0; n--)
        y->opening[y->openings++] = (struct year_opening){year_between(y, -300000, 900000), some_instant(y)};
}

struct contract_year *contract_year_new(uint64_t seed)
{
    struct contract_year *y = calloc(1, sizeof *y);
    year_must(y != NULL);
    y->random = seed;
    y->account = YEAR_COMMISSIONER;
    bool shadow = year_chance(y, 20);
    for (int64_t i = year_between(y, 1, 3); i > 0; i--)
        make_version(y, shadow);
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        make_month(y, k);
        y->missing[k] = year_chance(y, 3);
    }
    make_reviews(y);
    agree_achievements(y);
    agree_months(y);
    agree_adjustments(y);
    impose_withholds(y);
    decide(y);
    challenge(y);
    open_entries(y);
    return y;
}

void contract_year_replace_month(struct contract_year *y, int32_t k)
{
    free(y->rows[k]);
    make_month(y, k);
}

/* One column in which files differ: another cluster, more or fewer days, a mark. */
static void amend_row(struct contract_year *y, int32_t k, struct episode *e)
{
    date_t last = month_last(YEAR_APRIL + k);
    switch (year_random(y, 4)) {
    case 0:
        snprintf(e->cluster, sizeof e->cluster, "%s", year_random_cluster(y));
        break;
    case 1:
        if (e->start_date != DATE_NONE && e->start_date <= last)
            e->end_date = e->end_date == DATE_NONE ? last : DATE_NONE;
        break;
    case 2:
        e->admitted_days = (int16_t)year_between(y, 0, 31);
        break;
    default:
        e->approved = !e->approved;
        break;
    }
}

void contract_year_amend_month(struct contract_year *y, int32_t k)
{
    size_t kept = 0;
    for (size_t i = 0; i < y->row_count[k]; i++) {
        if (year_chance(y, 8))
            continue;
        y->rows[k][kept] = y->rows[k][i];
        if (year_chance(y, 30))
            amend_row(y, k, &y->rows[k][kept].row);
        kept++;
    }
    y->row_count[k] = kept;
    mark_continuing(y, k);
}

void contract_year_free(struct contract_year *y)
{
    for (size_t i = 0; i < y->versions; i++)
        terms_free(y->terms[i]);
    for (int32_t k = 0; k < TERMS_MONTHS; k++)
        free(y->rows[k]);
    free(y);
}

struct terms *terms_of(const char *text)
{
    struct json_problem problem;
    char *quoted = strdup(text);
    year_must(quoted != NULL);
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
