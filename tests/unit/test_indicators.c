/* The indicators: each counts what it should and nothing beside it, services add up to the provider, and no small count
 * of patients comes out. */
#include "domain/indicators_internal.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES 10 /* so many patients alike that no count is small */

static struct reference reference;
static struct upload_context context;

static void setup(void)
{
    static const char prices[] = "code,pence_per_day,ward_pence_per_day\n00,900,\n04,700,30000\n05,800,\n07,800,\n"
                                 "11,600,\n";
    char error[200] = "";
    upload_reference(&reference);
    upload_context(&context, &reference);
    ck_assert_msg(reference_load_prices(&reference, prices, strlen(prices), error, sizeof error), "%s", error);
}

static void teardown(void)
{
    reference_free(&reference);
}

struct pass {
    struct indicators *indicators;
    struct cross_row rows[UPLOAD_ROWS];
    size_t count;
};

static bool on_row(void *to, const struct checked_row *row)
{
    struct pass *p = to;
    uint8_t patient[16] = {0};
    memcpy(patient, row->row->patient_id.at, row->row->patient_id.length < 16 ? row->row->patient_id.length : 16);
    uint32_t tag = indicators_add(p->indicators, row);
    struct cross_row *r = &p->rows[p->count];
    if (cross_row_make(r, row, context.month, patient, NULL)) {
        r->tag = tag;
        p->count++;
    }
    return true;
}

static void on_finding(void *to, const struct finding *f)
{
    (void)to;
    (void)f;
}

static void on_continues(void *to, uint32_t row_no)
{
    (void)to;
    (void)row_no;
}

static void on_patient(void *to, const struct cross_row *rows, size_t count)
{
    struct pass *p = to;
    indicators_patient(p->indicators, rows, count);
}

/* Freed with indicators_free. */
static struct indicators *measure(const struct upload_row *rows, size_t count)
{
    struct pass *p = calloc(1, sizeof *p);
    struct row_checker *c = malloc(sizeof *c);
    struct row_summary summary;
    struct buf b;
    ck_assert(p != NULL && c != NULL && count <= UPLOAD_ROWS);
    p->indicators = indicators_new(context.month, &reference);
    ck_assert_ptr_nonnull(p->indicators);
    struct row_checker_events events = {p, on_row, on_finding};
    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, count);
    row_checker_init(c, &context, UPLOAD_CSV, &events);
    ck_assert(row_checker_feed(c, b.data, b.length));
    ck_assert(row_checker_finish(c, &summary));
    buf_free(&b);
    ck_assert_uint_eq(summary.delivered, count);
    struct cross_events cross = {p, on_finding, on_continues, on_patient};
    ck_assert(cross_check_patients(p->rows, p->count, context.month, &cross));
    struct indicators *i = p->indicators;
    free(c);
    free(p);
    return i;
}

struct change {
    enum column column;
    const char *text;
};

static void apply(struct upload_row *row, const struct change *changes, size_t count)
{
    for (size_t k = 0; k < count && changes[k].text != NULL; k++)
        (void)snprintf(row->field[changes[k].column], UPLOAD_TEXT, "%s", changes[k].text);
}

/* A patient's row, and perhaps a second one; what the indicator counts of them. */
#define CHANGES 6
struct indicator_case {
    enum indicator_id id;
    int numerator;
    int denominator;
    struct change first[CHANGES];
    struct change second[CHANGES]; /* nothing: there is no second row */
};

#define END(date)                                                                                                      \
    {                                                                                                                  \
        COLUMN_END_DATE, date                                                                                          \
    }
#define START(date)                                                                                                    \
    {                                                                                                                  \
        COLUMN_START_DATE, date                                                                                        \
    }
#define CLUSTER(c)                                                                                                     \
    {                                                                                                                  \
        COLUMN_CLUSTER, c                                                                                              \
    }
#define NEXT                                                                                                           \
    {                                                                                                                  \
        COLUMN_START_DATE, "2013-04-10"                                                                                \
    }

static const struct indicator_case cases[] = {
    /* Patients with an open episode in a cluster: once each, 00 is none. The caseload is given as 100. */
    {INDICATOR_CASELOAD_CLUSTERED, 1, 10, {END("")}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 1, 10, {END("2013-05-01")}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 0, 10, {END("2013-04-30")}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 0, 10, {CLUSTER("00")}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 0, 10, {CLUSTER("09")}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 0, 10, {{COLUMN_ASSESSMENT_ONLY, "Y"}}, {{0}}},
    {INDICATOR_CASELOAD_CLUSTERED, 1, 10, {END("")}, {NEXT}},
    {INDICATOR_CASELOAD_CLUSTERED, 0, 10, {END("soon")}, {{0}}},
    /* Cluster 04 is reviewed after six months: due on the last day is overdue, due on the day after is not. */
    {INDICATOR_WITHIN_REVIEW, 1, 1, {{COLUMN_MHCT_DATE, "2012-11-01"}}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 0, 1, {{COLUMN_MHCT_DATE, "2012-10-30"}}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 0, 1, {{COLUMN_MHCT_DATE, ""}}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 0, 1, {{COLUMN_MHCT_DATE, "2013-05-01"}}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 0, 0, {END("2013-04-30")}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 1, 1, {END("2013-05-01")}, {{0}}},
    {INDICATOR_WITHIN_REVIEW, 0, 0, {{COLUMN_ASSESSMENT_ONLY, "Y"}}, {{0}}},
    {INDICATOR_OVERRIDES, 0, 1, {END("")}, {{0}}},
    {INDICATOR_OVERRIDES, 1, 1, {{COLUMN_CLUSTER_INITIAL, "5"}}, {{0}}},
    {INDICATOR_OVERRIDES, 0, 0, {{COLUMN_CLUSTER_INITIAL, ""}}, {{0}}},
    {INDICATOR_OVERRIDES, 0, 0, {{COLUMN_CLUSTER_INITIAL, "09"}}, {{0}}},
    {INDICATOR_OVERRIDES, 0, 0, {CLUSTER("99")}, {{0}}},
    {INDICATOR_OVERRIDES, 1, 1, {{COLUMN_CLUSTER_INITIAL, "00"}, {COLUMN_ASSESSMENT_ONLY, "Y"}}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 1, {END("")}, {{0}}},
    {INDICATOR_CLUSTER_00, 1, 1, {CLUSTER("0")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 0, {CLUSTER("")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 0, {START("2013-05-01")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 0, {START("")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 0, {END("2013-03-31")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 1, {END("2013-04-01")}, {{0}}},
    {INDICATOR_CLUSTER_00, 0, 0, {CLUSTER("00"), {COLUMN_ASSESSMENT_ONLY, "Y"}}, {{0}}},
    {INDICATOR_UNKNOWN_RATINGS, 0, 18, {END("")}, {{0}}},
    {INDICATOR_UNKNOWN_RATINGS, 2, 18, {{COLUMN_H1, "9"}, {COLUMN_SE, "9"}}, {{0}}},
    {INDICATOR_UNKNOWN_RATINGS, 0, 16, {{COLUMN_H1, "5"}, {COLUMN_SE, ""}}, {{0}}},
    {INDICATOR_MEAN_PRICE, 30 * 700, 30, {END("")}, {{0}}},
    {INDICATOR_MEAN_PRICE, 29 * 700, 29, {END("2013-04-30"), {COLUMN_ADMITTED_DAYS, "5"}}, {{0}}},
    {INDICATOR_MEAN_PRICE, 0, 0, {CLUSTER("06")}, {{0}}}, /* no reference price */
    {INDICATOR_MEAN_PRICE, 9 * 700 + 21 * 800, 30, {END("2013-04-10")}, {NEXT, CLUSTER("05")}},
    {INDICATOR_DISCHARGE_MHCT, 0, 1, {END("2013-04-20")}, {{0}}},
    {INDICATOR_DISCHARGE_MHCT, 1, 1, {END("2013-04-20"), {COLUMN_DISCHARGE_MHCT_DATE, "2013-04-19"}}, {{0}}},
    {INDICATOR_DISCHARGE_MHCT, 1, 1, {END("2013-05-01"), {COLUMN_DISCHARGE_MHCT_DATE, "2013-04-30"}}, {{0}}},
    {INDICATOR_DISCHARGE_MHCT, 0, 0, {{COLUMN_DISCHARGE_MHCT_DATE, "2013-04-19"}}, {{0}}},
    {INDICATOR_DISCHARGE_MHCT, 0, 0, {END("2013-04-10")}, {NEXT}},
    {INDICATOR_DISCHARGE_MHCT,
     1,
     1,
     {END("2013-04-10")},
     {NEXT, END("2013-04-20"), {COLUMN_DISCHARGE_MHCT_DATE, "2013-04-19"}}},
    {INDICATOR_GRID_MUST, 0, 1, {END("")}, {{0}}},
    {INDICATOR_GRID_EXPECTED, 0, 0, {{COLUMN_ASSESSMENT_ONLY, "Y"}}, {{0}}},
    {INDICATOR_LOW_ON_WARD, 0, 0, {END("")}, {{0}}},
    {INDICATOR_LOW_ON_WARD, 1, 1, {{COLUMN_ADMITTED_DAYS, "1"}}, {{0}}},
    {INDICATOR_LOW_ON_WARD, 0, 1, {{COLUMN_ADMITTED_DAYS, "1"}, {COLUMN_MHCT_DATE, "2013-04-01"}}, {{0}}},
    {INDICATOR_LOW_ON_WARD, 0, 0, {{COLUMN_ADMITTED_DAYS, "1"}, CLUSTER("05")}, {{0}}},
};

struct wanted {
    enum indicator_id id;
    struct indicator_line line;
    unsigned seen;
};

static bool take(void *to, const struct indicator_line *line)
{
    struct wanted *w = to;
    if (line->id == w->id && line->whole) {
        w->line = *line;
        w->seen++;
    }
    return true;
}

START_TEST(each_counts_its_own)
{
    static struct upload_row rows[2 * COPIES];
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct indicator_case *one = &cases[k];
        size_t count = 0;
        for (unsigned n = 0; n < COPIES; n++) {
            upload_row_clean(&rows[count], n);
            apply(&rows[count++], one->first, CHANGES);
            if (one->second[0].text == NULL)
                continue;
            rows[count] = rows[count - 1];
            (void)snprintf(rows[count].field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "F%06u", n);
            rows[count].field[COLUMN_END_DATE][0] = '\0';
            apply(&rows[count++], one->second, CHANGES);
        }
        struct indicators *i = measure(rows, count);
        struct wanted w = {.id = one->id};
        ck_assert(indicators_lines(i, 100, take, &w));
        ck_assert_uint_eq(w.seen, 1);
        ck_assert_msg(!w.line.numerator_hidden && !w.line.denominator_hidden, "case %zu is hidden", k);
        ck_assert_msg(w.line.numerator == (int64_t)COPIES * one->numerator &&
                          w.line.denominator == (int64_t)COPIES * one->denominator,
                      "case %zu, %s: %lld of %lld, want %d of %d times %d", k, indicator_get(one->id)->id,
                      (long long)w.line.numerator, (long long)w.line.denominator, one->numerator, one->denominator,
                      COPIES);
        indicators_free(i);
    }
}
END_TEST

START_TEST(the_caseload_may_be_missing_or_short)
{
    static struct upload_row rows[COPIES];
    for (unsigned n = 0; n < COPIES; n++)
        upload_row_clean(&rows[n], n);
    struct indicators *i = measure(rows, COPIES);
    struct wanted w = {.id = INDICATOR_CASELOAD_CLUSTERED};
    ck_assert(indicators_lines(i, -1, take, &w));
    ck_assert_int_eq(w.line.numerator, COPIES);
    ck_assert_int_eq(w.line.denominator, -1);
    ck_assert(indicators_lines(i, 6, take, &w));
    ck_assert_int_eq(w.line.numerator, COPIES);
    ck_assert_int_eq(w.line.denominator, 6);
    /* Three of the caseload are not clustered: neither number that says so is given. */
    ck_assert(indicators_lines(i, COPIES + 3, take, &w));
    ck_assert(w.line.numerator_hidden);
    indicators_free(i);
}
END_TEST

struct clusters {
    struct indicator_cluster of[CLUSTER_COUNT];
    unsigned seen;
};

static bool take_cluster(void *to, const struct indicator_cluster *c)
{
    struct clusters *all = to;
    all->of[c->cluster] = *c;
    all->seen++;
    return true;
}

START_TEST(clusters_tell_length_and_spread)
{
    static struct upload_row rows[30];
    static const char *const ends[] = {"2013-04-02", "2013-04-03", "2013-04-04", "2013-04-05", "2013-04-30"};
    /* Cluster 04: five that ended, of 1, 2, 3, 4 and 29 days in April, the last with 9 on a ward. */
    for (unsigned n = 0; n < 30; n++) {
        upload_row_clean(&rows[n], n);
        if (n < 5)
            apply(&rows[n], (struct change[]){{COLUMN_END_DATE, ends[n]}}, 1);
        else
            apply(&rows[n], (struct change[]){CLUSTER(n < 20 ? "05" : "06")}, 1);
    }
    apply(&rows[4], (struct change[]){{COLUMN_ADMITTED_DAYS, "9"}}, 1);
    struct indicators *i = measure(rows, 30);
    struct clusters all = {.seen = 0};
    ck_assert(indicators_clusters(i, take_cluster, &all));
    ck_assert_uint_eq(all.seen, 3);
    const struct indicator_cluster *c = &all.of[4];
    ck_assert(!c->hidden);
    ck_assert_int_eq(c->episodes, 5);
    ck_assert_int_eq(c->days, 39);
    ck_assert_int_eq(c->admitted_days, 9);
    ck_assert(c->length.known && c->value.known);
    ck_assert_int_eq(c->length.lower, 14); /* ranks 2, 3 and 4 of 13, 14, 15, 16, 41 days since 20 March */
    ck_assert_int_eq(c->length.median, 15);
    ck_assert_int_eq(c->length.upper, 16);
    ck_assert_int_eq(c->value.lower, 1400);
    ck_assert_int_eq(c->value.median, 2100);
    ck_assert_int_eq(c->value.upper, 2800);
    ck_assert(!all.of[5].length.known); /* none has ended */
    ck_assert_int_eq(all.of[5].value.median, 30 * 800);
    ck_assert(!all.of[6].value.known); /* no reference price */
    indicators_free(i);
}
END_TEST

START_TEST(few_are_hidden)
{
    static struct upload_row rows[40];
    for (unsigned n = 0; n < 40; n++) {
        upload_row_clean(&rows[n], n);
        apply(&rows[n],
              (struct change[]){{COLUMN_SERVICE, n < 3    ? "SMALL"
                                                 : n < 20 ? "EAST"
                                                          : "WEST"},
                                CLUSTER(n < 3    ? "05"
                                        : n < 20 ? "04"
                                                 : "07")},
              2);
    }
    struct indicators *i = measure(rows, 40);
    struct clusters all = {.seen = 0};
    ck_assert(indicators_clusters(i, take_cluster, &all));
    ck_assert(all.of[5].hidden);
    ck_assert_int_eq(all.of[5].days, 0);
    ck_assert(all.of[4].hidden != all.of[7].hidden); /* another too, or the sum gives it back */
    ck_assert(!indicators_too_many_services(i));
    indicators_free(i);
}
END_TEST

/* What a reader sees: no small count, of a service or of what is left of it. */
static bool look(void *to, const struct indicator_line *l)
{
    unsigned *shown = to;
    const struct indicator *what = indicator_get(l->id);
    if (!l->numerator_hidden && what->counts_patients)
        ck_assert_msg(l->numerator == 0 || l->numerator >= 5, "%s %s shows %lld", what->id, l->service,
                      (long long)l->numerator);
    if (!l->numerator_hidden && !l->denominator_hidden && what->counts_patients && what->form == INDICATOR_SHARE) {
        int64_t rest = l->denominator - l->numerator;
        ck_assert_msg(rest <= 0 || rest >= 5, "%s %s leaves %lld", what->id, l->service, (long long)rest);
    }
    *shown += !l->numerator_hidden && !l->denominator_hidden;
    return true;
}

static uint64_t state = 42;

static unsigned below(unsigned n)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (unsigned)((z ^ z >> 31) % n);
}

static void draw_row(struct upload_row *row, unsigned n)
{
    static const char *const services[] = {"", "EAST", "WEST", "EIP1", "\xC3\xA9quipe"};
    static const char *const clusters[] = {"00", "04", "04", "05", "11", "06", "09", ""};
    static const char *const ends[] = {"", "", "2013-04-10", "2013-04-30", "2013-05-01", "2013-03-01"};
    static const char *const starts[] = {"2013-03-20", "2013-04-10", "2013-04-25", "x"};
    upload_row_clean(row, n);
    apply(row,
          (struct change[]){{COLUMN_SERVICE, services[below(5)]},
                            CLUSTER(clusters[below(8)]),
                            END(ends[below(6)]),
                            START(starts[below(4)]),
                            {COLUMN_MHCT_DATE, below(3) == 0 ? "2012-09-01" : "2013-03-20"},
                            {COLUMN_DISCHARGE_MHCT_DATE, below(2) == 0 ? "2013-04-10" : ""}},
          6);
    apply(row, (struct change[]){{COLUMN_CLUSTER_INITIAL, clusters[below(8)]}}, 1);
    if (n > 0 && below(2) == 0)
        (void)snprintf(row->field[COLUMN_PATIENT_ID], UPLOAD_TEXT, "P%06u", n - 1);
}

START_TEST(services_add_up)
{
    static struct upload_row rows[UPLOAD_ROWS];
    unsigned shown = 0;
    for (unsigned round = 0; round < 12; round++) {
        size_t count = 1 + below(UPLOAD_ROWS - 1);
        for (unsigned n = 0; n < count; n++)
            draw_row(&rows[n], n);
        struct indicators *i = measure(rows, count);
        struct figures sum, plain;
        indicators_whole(i, &sum);
        for (int c = 0; c < CLUSTER_COUNT; c++)
            ck_assert_int_eq(sum.days[c], i->cluster[c].days);
        /* The same rows as one service. */
        for (unsigned n = 0; n < count; n++)
            rows[n].field[COLUMN_SERVICE][0] = '\0';
        struct indicators *one = measure(rows, count);
        indicators_whole(one, &plain);
        ck_assert_uint_eq(one->service_count, 1);
        for (int id = 0; id < INDICATOR_COUNT; id++)
            ck_assert_msg(sum.pair[id].numerator == plain.pair[id].numerator &&
                              sum.pair[id].denominator == plain.pair[id].denominator,
                          "round %u: %s does not add up", round, indicator_get((enum indicator_id)id)->id);
        indicators_free(one);
        ck_assert(indicators_lines(i, (int64_t)below(300), look, &shown));
        indicators_free(i);
    }
    ck_assert_uint_gt(shown, 150);
}
END_TEST

START_TEST(the_order_of_rows_does_not_matter)
{
    static struct upload_row rows[120];
    for (unsigned n = 0; n < 120; n++)
        draw_row(&rows[n], n);
    struct indicators *a = measure(rows, 120);
    for (unsigned n = 119; n > 0; n--) {
        unsigned other = below(n + 1);
        struct upload_row swap = rows[n];
        rows[n] = rows[other];
        rows[other] = swap;
    }
    struct indicators *b = measure(rows, 120);
    struct figures of_a, of_b;
    indicators_whole(a, &of_a);
    indicators_whole(b, &of_b);
    ck_assert_mem_eq(of_a.pair, of_b.pair, sizeof of_a.pair);
    ck_assert_mem_eq(a->cluster, b->cluster, sizeof a->cluster);
    indicators_free(a);
    indicators_free(b);
}
END_TEST

START_TEST(too_many_services_give_no_table)
{
    struct indicators *i = indicators_new(context.month, &reference);
    struct raw_row raw = {0};
    struct episode_row row = {
        .raw = &raw, .start = DATE_NONE, .cluster = CLUSTER_NONE, .cluster_initial = CLUSTER_NONE};
    struct checked_row checked = {.row = &row};
    char name[8];
    unsigned shown = 0;
    for (unsigned n = 0; n <= INDICATOR_SERVICES; n++) {
        ck_assert(!indicators_too_many_services(i));
        (void)snprintf(name, sizeof name, "T%u", n);
        row.service = (struct text){name, strlen(name)};
        ck_assert_uint_eq(indicators_add(i, &checked) & TAG_SERVICE_MASK, n);
        ck_assert_uint_eq(indicators_add(i, &checked) & TAG_SERVICE_MASK, n);
    }
    ck_assert(indicators_too_many_services(i));
    struct wanted w = {.id = INDICATOR_CLUSTER_00};
    ck_assert(indicators_lines(i, -1, take, &w));
    ck_assert_uint_eq(w.seen, 1);
    ck_assert(indicators_lines(i, -1, look, &shown));
    ck_assert_uint_le(shown, INDICATOR_COUNT);
    indicators_free(i);
}
END_TEST

START_TEST(moves_come_from_outside)
{
    struct indicators *i = indicators_new(context.month, &reference);
    indicators_moves(i, (struct text){"EAST", 4}, 20, 7);
    indicators_moves(i, (struct text){"", 0}, 5, 0);
    struct wanted w = {.id = INDICATOR_TRANSITIONS};
    ck_assert(indicators_lines(i, -1, take, &w));
    ck_assert_int_eq(w.line.numerator, 25);
    ck_assert_int_eq(w.line.denominator, 7);
    indicators_free(i);
}
END_TEST

START_TEST(values_and_alerts)
{
    int64_t v = -1;
    ck_assert(indicator_value(INDICATOR_OVERRIDES, 1, 3, &v) && v == 333333);
    ck_assert(indicator_value(INDICATOR_OVERRIDES, 2, 3, &v) && v == 666667);
    ck_assert(!indicator_value(INDICATOR_OVERRIDES, 0, 0, &v));
    ck_assert(!indicator_value(INDICATOR_CASELOAD_CLUSTERED, 5, -1, &v));
    ck_assert(indicator_value(INDICATOR_CASELOAD_CLUSTERED, 5, 5, &v) && v == 1000000);
    ck_assert(!indicator_value(INDICATOR_CASELOAD_CLUSTERED, 6, 5, &v));
    ck_assert(indicator_value(INDICATOR_TRANSITIONS, 6, 5, &v) && v == 1200000);
    ck_assert(indicator_value(INDICATOR_MEAN_PRICE, 15, 2, &v) && v == 8);
    ck_assert(indicator_value(INDICATOR_CASE_MIX_DRIFT, 105, 100, &v) && v == 50000);
    ck_assert(indicator_value(INDICATOR_CASE_MIX_DRIFT, 90, 100, &v) && v == -100000);
    ck_assert(!indicator_alerts(INDICATOR_OVERRIDES, 250000, 250000));
    ck_assert(indicator_alerts(INDICATOR_OVERRIDES, 250001, 250000));
    ck_assert(indicator_alerts(INDICATOR_OVERRIDES, 1, 0));
    ck_assert(!indicator_alerts(INDICATOR_CASE_MIX_DRIFT, -50000, 50000));
    ck_assert(indicator_alerts(INDICATOR_CASE_MIX_DRIFT, -50001, 50000));
    ck_assert(!indicator_alerts(INDICATOR_CLUSTER_00, -50001, 50000));
    ck_assert(!indicator_alerts(INDICATOR_TRANSITIONS, 900000, 0));
    for (int id = 0; id < INDICATOR_COUNT; id++) {
        enum indicator_id back;
        const struct indicator *what = indicator_get((enum indicator_id)id);
        ck_assert(indicator_by_id(what->id, &back) && back == (enum indicator_id)id);
        ck_assert(what->numerator[0] != '\0' && what->denominator[0] != '\0');
    }
    enum indicator_id none;
    ck_assert(!indicator_by_id("star_rating", &none));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("indicators");
    TCase *t = tcase_create("indicators");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_test(t, each_counts_its_own);
    tcase_add_test(t, the_caseload_may_be_missing_or_short);
    tcase_add_test(t, clusters_tell_length_and_spread);
    tcase_add_test(t, few_are_hidden);
    tcase_add_test(t, services_add_up);
    tcase_add_test(t, the_order_of_rows_does_not_matter);
    tcase_add_test(t, too_many_services_give_no_table);
    tcase_add_test(t, moves_come_from_outside);
    tcase_add_test(t, values_and_alerts);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
