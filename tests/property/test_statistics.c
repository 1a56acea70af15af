/* What is computed from statistics equals what the rows come to one by one, under random terms of every kind, with rows
 * changed by decisions and rows of other commissioners; and statistics survive their encoding. What single rows are
 * said to be worth adds up to the same. */
#include "lib/contract_year.h"

#include "domain/activity.h"
#include "domain/claiming.h"
#include "domain/payability.h"
#include "domain/row_worth.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APRIL  (2012 * 12 + 3)
#define ROWS   40
#define MONTHS 3

static struct contract_year dice;

static int64_t below(int64_t bound)
{
    return (int64_t)year_random(&dice, (uint64_t)bound);
}

static bool chance(int percent)
{
    return below(100) < percent;
}

static void holds(bool is_so, const char *what, uint64_t seed)
{
    if (!is_so) {
        ck_abort_msg("%s, seed %llu", what, (unsigned long long)seed);
    }
}

/* Random terms */

static const char *const used_clusters[] = {"00", "04", "11", "14", "21"};
#define CLUSTERS_USED 5
static const char *const services[] = {"", "S1", "S2", "S3"};

struct writing {
    char text[16000];
    size_t length;
};

static void write_part(struct writing *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_part(struct writing *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(w->text + w->length, sizeof w->text - w->length, format, list);
    va_end(list);
    ck_assert(n > 0 && (size_t)n < sizeof w->text - w->length);
    w->length += (size_t)n;
}

/* Prices of one cluster and basis, which may begin late in the year and change on some days. */
static void write_prices(struct writing *w, const char *cluster, const char *basis, const char *more,
                         const date_t *change, int changes)
{
    for (int i = 0; i < changes; i++) {
        char from[11];
        char to[11];
        date_format(change[i], from);
        date_format(change[i + 1], to);
        write_part(w, ",{'cluster':'%s','basis':'%s','pence':%lld,'from':'%s','to':'%s'%s}", cluster, basis,
                   (long long)below(50000), from, to, more);
    }
}

static void write_cluster(struct writing *w, const char *cluster)
{
    static const char *const kinds[] = {"DAY", "ADMITTED", "PERIOD"};
    int kind = (int)below(3);
    date_t first = month_first(APRIL);
    date_t change[4] = {chance(70) ? first : first + (date_t)below(60)};
    int changes = 1 + (int)below(3);
    for (int i = 1; i < changes; i++) {
        change[i] = change[i - 1] + 1 + (date_t)below(40);
    }
    change[changes] = chance(80) ? month_first(APRIL + 12) : change[changes - 1] + 1 + (date_t)below(60);
    char more[120] = "";
    if (kind == 2) {
        (void)snprintf(more, sizeof more, ",'period_days':%lld,'renewable':%s", 1 + (long long)below(60),
                       chance(50) ? "true" : "false");
    }
    write_prices(w, cluster, kinds[kind], more, change, changes);
    if (kind == 1) {
        write_prices(w, cluster, "NONADMITTED", "", change, changes);
    }
    if (kind == 0 && chance(40)) {
        write_prices(w, cluster, "DAY", chance(50) ? ",'service':'S1'" : ",'commissioner':'5QE'", change, 1);
    }
    if (chance(50)) {
        const date_t year[] = {first, month_first(APRIL + 12)};
        write_prices(w, cluster, "ASSESSMENT", "", year, 1);
    }
}

static struct terms *random_terms(void)
{
    struct writing w = {.length = 0};
    write_part(&w,
               "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',"
               "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}},'day_count':'%s',",
               chance(50) ? "end_inclusive" : "end_exclusive");
    write_part(&w, "'prices':[{'cluster':'21','basis':'ASSESSMENT','pence':5,'service':'S3'}");
    for (int i = 0; i < CLUSTERS_USED; i++) {
        if (chance(85)) {
            write_cluster(&w, used_clusters[i]);
        }
    }
    write_part(&w, "],'rules':{'severities':{'K06':'%s','R05':'%s','M05':'WARN'}", chance(60) ? "ERROR" : "WARN",
               chance(15) ? "ERROR" : "WARN");
    if (chance(25)) {
        write_part(&w, ",'stop_pay_when_overdue':{'grace_days':%lld}", (long long)below(40));
    }
    if (chance(40)) {
        write_part(&w, ",'out_of_scope_services':['S2'],'prior_approval':{'clusters':['14'],'services':['S3']},"
                       "'adult_only':true");
    }
    write_part(&w, "}}");
    return terms_of(w.text);
}

/* Random rows */

static date_t near(month_t month, int64_t before, int64_t after)
{
    return month_first(month) - (date_t)before + (date_t)below(before + after);
}

static void random_row(struct episode *e, month_t month, int i)
{
    memset(e, 0, sizeof *e);
    e->row_no = i;
    (void)snprintf(e->episode_id, sizeof e->episode_id, "E%d", i);
    e->patient[0] = (uint8_t)(1 + below(6));
    (void)snprintf(e->commissioner, sizeof e->commissioner, "%s", chance(75) ? "5QE" : chance(50) ? "5QF" : "5QG");
    (void)snprintf(e->cluster, sizeof e->cluster, "%s", chance(95) ? used_clusters[below(CLUSTERS_USED)] : "09");
    (void)snprintf(e->service, sizeof e->service, "%s", services[below(4)]);
    e->start_date = chance(97) ? near(month, chance(70) ? 90 : 900, 35) : DATE_NONE;
    e->end_date = chance(50) || e->start_date == DATE_NONE ? DATE_NONE : near(month, 10, 45);
    e->mhct_date = chance(90) ? near(month, 40, 35) : DATE_NONE;
    e->referral_date = chance(70) ? near(month, 5, 2) : DATE_NONE;
    e->last_contact = chance(60) ? near(month, 30, 30) : DATE_NONE;
    e->mhct_reason = (int16_t)(chance(30) ? 10 : 11);
    e->admitted_days = (int16_t)(chance(60) ? 0 : below(36));
    e->assessment_only = chance(10);
    e->continues = chance(20);
    e->approved = chance(60);
    e->minor = chance(10);
    e->failed = (chance(10) ? rule_set_of(RULE_D03) : 0) | (chance(10) ? rule_set_of(RULE_M05) : 0);
}

struct month_case {
    struct episode row[ROWS];
    struct row_change change[ROWS]; /* of each row; changed tells which count */
    bool changed[ROWS];
    struct terms *terms;
    struct statistics own;
    struct statistics other[2];
    const struct statistics *others[2];
};

static void random_changes(struct month_case *m, month_t month)
{
    for (int i = 0; i < ROWS; i++) {
        struct row_change *c = &m->change[i];
        bool own = strcmp(m->row[i].commissioner, "5QE") == 0;
        *c = (struct row_change){
            .month = month, .row = m->row[i], .was_here = own, .is_here = own, .cluster = -1, .payable_days = -1};
        m->changed[i] = chance(15);
        if (chance(30)) {
            c->cluster = (int16_t)cluster_index(used_clusters[below(CLUSTERS_USED)]);
        }
        if (chance(30)) {
            c->payable_days = (int32_t)below(32);
        }
        c->not_payable = chance(25);
        if (chance(25)) {
            c->is_here = !own;
        }
    }
}

/* As settlement reads rows where the terms look at each: its own when they are paid for or claim an assessment, of
 * others each assessment, marked when it does not claim. */
static bool is_kept(const struct terms *t, month_t month, const struct payability *p, const struct claiming *claiming,
                    struct episode *e)
{
    bool candidate = statistics_is_candidate(month, e);
    if (!payability_looks_at_each_row(t)) {
        return true;
    }
    if (strcmp(e->commissioner, "5QE") == 0) {
        return payability_reduce(p, e) || (candidate && claiming_reduce(claiming, e));
    }
    if (candidate && !claiming_reduce(claiming, e)) {
        e->failed = ~(rule_set_t)0;
    }
    return candidate;
}

/* The rows of one commissioner through a builder and through the encoding. */
static void collect(const struct month_case *m, month_t month, const struct review_periods *reviews,
                    const char *commissioner, struct statistics *out)
{
    struct payability *p = payability_new(m->terms, reviews, "5QE", month);
    struct claiming *claiming = claiming_new(m->terms, reviews, month);
    struct statistics_builder *b = statistics_builder_new(month, true);
    struct statistics made;
    struct buf part[STATISTICS_PARTS];
    struct bytes bytes[STATISTICS_PARTS];
    ck_assert(p != NULL && claiming != NULL && b != NULL);
    int start = (int)below(ROWS);
    for (int i = 0; i < ROWS; i++) {
        struct episode e = m->row[(start + i) % ROWS];
        if (strcmp(e.commissioner, commissioner) == 0 && is_kept(m->terms, month, p, claiming, &e)) {
            struct episode before = e; /* as it was read, until the rules across rows were known */
            before.continues = false;
            before.failed = 0;
            bool corrected = chance(40);
            ck_assert_int_eq(statistics_builder_add(b, corrected ? &before : &e, 1), STATISTICS_ADDED);
            if (corrected) {
                ck_assert_int_eq(statistics_builder_add(b, &before, -1), STATISTICS_ADDED);
                ck_assert_int_eq(statistics_builder_add(b, &e, 1), STATISTICS_ADDED);
            }
        }
    }
    ck_assert(statistics_builder_make(b, &made));
    for (unsigned n = 0; n < STATISTICS_PARTS; n++) {
        buf_init(&part[n], STATISTICS_MAX_PART);
        ck_assert(statistics_encode(&made, n, &part[n]));
        bytes[n] = (struct bytes){part[n].data, part[n].length};
    }
    ck_assert_int_eq(statistics_decode(bytes, out), STATISTICS_DECODED);
    for (unsigned n = 0; n < STATISTICS_PARTS; n++) {
        struct buf again;
        buf_init(&again, STATISTICS_MAX_PART);
        ck_assert(statistics_encode(out, n, &again));
        ck_assert(again.length == part[n].length && memcmp(again.data, part[n].data, again.length) == 0);
        buf_free(&again);
        buf_free(&part[n]);
    }
    ck_assert_int_eq(out->rows, made.rows);
    statistics_free(&made);
    statistics_builder_free(b);
    claiming_free(claiming);
    payability_free(p);
}

/* Row by row */

struct expected {
    int64_t pence;
    int64_t assessments;
    struct candidate {
        const struct episode *row;
        date_t referral;
        int64_t pence;
        bool own;
        bool claims;
        bool decided; /* it claims by a decision alone: earns only where no other account has one of the referral */
    } candidate[MONTHS * ROWS];
    int count;
};

static bool allowed(const struct payability *p, const struct episode *row)
{
    const struct activity_row facts = episode_activity(row);
    const struct row_marks marks = {row->failed, row->approved, row->minor};
    return cluster_index(row->cluster) >= 0 && payability_allows(p, &facts, &marks);
}

/* The price of the assessment that the row claims; NULL: it claims none. */
static const struct terms_price *claimed(const struct month_case *m, const struct payability *p, month_t month,
                                         const struct episode *row)
{
    const struct activity_row facts = episode_activity(row);
    return allowed(p, row) ? valuation_assessment_price(m->terms, "5QE", month, &facts) : NULL;
}

/* Of a row as it is now, and as it was sent. */
static void expect_assessment(struct expected *x, const struct month_case *m, const struct payability *p, month_t month,
                              const struct episode *row, const struct row_change *sent)
{
    const struct terms_price *price = sent->not_payable ? NULL : claimed(m, p, month, row);
    bool decided = price != NULL && claimed(m, p, month, &sent->row) == NULL;
    bool known = statistics_is_candidate(month, row) && claiming_pays(m->terms, month) &&
                 cluster_index(row->cluster) >= 0 && !sent->is_here;
    if (price != NULL || known) {
        x->candidate[x->count++] =
            (struct candidate){.row = row,
                               .referral = row->referral_date == DATE_NONE ? row->mhct_date : row->referral_date,
                               .pence = price != NULL ? price->pence : 0,
                               .own = sent->is_here,
                               .claims = price != NULL && (sent->is_here || !decided),
                               .decided = decided};
    }
}

static void expect_days(struct expected *x, const struct month_case *m, month_t month,
                        const struct review_periods *reviews, const struct episode *row, int32_t most)
{
    struct activity_row facts = episode_activity(row);
    int64_t pence = 0;
    facts.mhct_reason = 11;
    if (most >= 0) { /* the earliest days alone: as if the row ended behind them */
        date_t from = row->start_date > month_first(month) ? row->start_date : month_first(month);
        struct row_days days = valuation_days(m->terms, reviews, month, &facts);
        if (from + most < days.to) {
            facts.end_date = from + most;
            facts.continues = true;
        }
    }
    (void)valuation_row(m->terms, reviews, "5QE", month, &facts, &pence);
    x->pence += pence;
}

static bool same_referral(const struct candidate *a, const struct candidate *b)
{
    return a->referral == b->referral && memcmp(a->row->patient, b->row->patient, sizeof a->row->patient) == 0;
}

static bool earlier(const struct candidate *a, const struct candidate *b)
{
    if (a->row->mhct_date != b->row->mhct_date) {
        return a->row->mhct_date < b->row->mhct_date;
    }
    return strcmp(a->row->episode_id, b->row->episode_id) < 0;
}

static void expect_assessments(struct expected *x)
{
    for (int i = 0; i < x->count; i++) {
        struct candidate *a = &x->candidate[i];
        for (int j = 0; j < x->count && a->decided; j++) {
            a->claims = a->claims && (x->candidate[j].own || !same_referral(a, &x->candidate[j]));
        }
    }
    for (int i = 0; i < x->count; i++) {
        const struct candidate *a = &x->candidate[i];
        bool first = a->own && a->claims;
        for (int j = 0; j < x->count && first; j++) {
            const struct candidate *b = &x->candidate[j];
            first = i == j || !b->claims || !same_referral(a, b) || !earlier(b, a);
        }
        x->pence += first ? a->pence : 0;
        x->assessments += first && a->pence > 0 ? 1 : 0;
    }
}

static void expect_month(struct expected *x, struct month_case *m, month_t month, const struct review_periods *reviews)
{
    struct payability *p = payability_new(m->terms, reviews, "5QE", month);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < ROWS; i++) {
        struct episode *row = &m->row[i];
        struct row_change c = m->change[i];
        if (!m->changed[i]) {
            c = (struct row_change){.row = *row, .is_here = c.was_here, .cluster = -1, .payable_days = -1};
        }
        if (c.cluster >= 0) {
            cluster_code(c.cluster, row->cluster);
        }
        expect_assessment(x, m, p, month, row, &c);
        if (c.is_here && !c.not_payable && !row->assessment_only && allowed(p, row)) {
            expect_days(x, m, month, reviews, row, c.payable_days);
        }
    }
    payability_free(p);
}

static int64_t total_of(const struct activity_lines *lines, int64_t *assessments)
{
    int64_t total = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const struct activity_line *line = &lines->line[i];
        total += line->pence;
        *assessments += line->basis == BASIS_ASSESSMENT && line->price_pence > 0 ? line->units : 0;
        ck_assert(line->basis == BASIS_PERIOD || line->pence == line->units * line->price_pence);
    }
    return total;
}

/* What the rows are worth one by one. Rows of other commissioners compete like rows that were moved away. */
static int64_t worth_of_rows(const struct month_case *month, const struct activity_input *in)
{
    static struct row_change changes[MONTHS * ROWS];
    struct activity_input alone = *in;
    int64_t total = 0;
    alone.changes = changes;
    alone.change_count = 0;
    for (int i = 0; i < MONTHS * ROWS; i++) {
        const struct month_case *m = &month[i / ROWS];
        const struct row_change *c = &m->change[i % ROWS];
        if (m->changed[i % ROWS])
            changes[alone.change_count++] = *c;
        else if (!c->was_here)
            changes[alone.change_count++] =
                (struct row_change){.month = c->month, .row = c->row, .cluster = -1, .payable_days = -1};
    }
    struct row_worth *w = row_worth_new(&alone);
    ck_assert_ptr_nonnull(w);
    for (int i = 0; i < MONTHS * ROWS; i++)
        ck_assert_int_eq(row_worth_claim(w, APRIL + i / ROWS, &month[i / ROWS].change[i % ROWS].row), ROW_WORTH_DONE);
    for (int i = 0; i < MONTHS * ROWS; i++) {
        int64_t pence;
        ck_assert_int_eq(row_worth_value(w, APRIL + i / ROWS, &month[i / ROWS].change[i % ROWS].row, &pence),
                         ROW_WORTH_DONE);
        total += pence;
        const struct row_change *c = &month[i / ROWS].change[i % ROWS];
        const struct row_judgement same = {c->cluster, c->payable_days, c->not_payable};
        int64_t judged;
        ck_assert_int_eq(row_worth_judged(w, APRIL + i / ROWS, &c->row, &same, &judged), ROW_WORTH_DONE);
        ck_assert(judged == pence || !month[i / ROWS].changed[i % ROWS]);
    }
    row_worth_free(w);
    return total;
}

static void one_case(uint64_t seed)
{
    static struct month_case month[MONTHS];
    static struct row_change changes[MONTHS * ROWS];
    struct review_periods reviews = {.days = {[4] = 30, [14] = 20}, .months = {[11] = 1}};
    struct activity_month in[MONTHS];
    struct expected x = {.pence = 0};
    struct activity_lines lines;
    size_t count = 0;
    int64_t assessments = 0;
    dice.random = seed;
    for (int k = 0; k < MONTHS; k++) {
        struct month_case *m = &month[k];
        m->terms = random_terms();
        for (int i = 0; i < ROWS; i++) {
            random_row(&m->row[i], APRIL + k, 100 * k + i);
        }
        random_changes(m, APRIL + k);
        collect(m, APRIL + k, &reviews, "5QE", &m->own);
        collect(m, APRIL + k, &reviews, "5QF", &m->other[0]);
        collect(m, APRIL + k, &reviews, "5QG", &m->other[1]);
        m->others[0] = &m->other[0];
        m->others[1] = &m->other[1];
        in[MONTHS - 1 - k] = (struct activity_month){APRIL + k, m->terms, &reviews, &m->own, m->others, 2};
        for (int i = 0; i < ROWS; i++) {
            if (m->changed[i]) {
                changes[count++] = m->change[i];
            }
        }
        expect_month(&x, m, APRIL + k, &reviews);
    }
    expect_assessments(&x);
    const struct activity_input input = {"5QE", in, MONTHS, changes, count};
    holds(activity_value(&input, &lines) == ACTIVITY_DONE, "valued", seed);
    int64_t total = total_of(&lines, &assessments);
    holds(assessments == x.assessments, "each assessment once", seed);
    holds(total == x.pence, "statistics come to what the rows come to", seed);
    holds(worth_of_rows(month, &input) == total, "single rows add up to the lines", seed);
    activity_lines_free(&lines);
    for (int k = 0; k < MONTHS; k++) {
        statistics_free(&month[k].own);
        statistics_free(&month[k].other[0]);
        statistics_free(&month[k].other[1]);
        terms_free(month[k].terms);
    }
}

START_TEST(statistics_come_to_what_the_rows_come_to)
{
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(600);
    for (uint64_t i = 0; i < rounds; i++) {
        one_case(seed + i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistics");
    TCase *tests = tcase_create("statistics");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, statistics_come_to_what_the_rows_come_to);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
