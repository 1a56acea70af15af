/* From rows to lines: days, prices, admitted days, assessments, overdue reviews. */
#include "lib/contract_year.h"
#include "lib/episodes.h"

#include "domain/activity.h"
#include "domain/payability.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APRIL (2012 * 12 + 3)

#define FRAME                                                                                                          \
    "'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':%s,'effective_from':'%s-04',"                      \
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}"

/* year: "2012" or "2013"; parts begin with the prices. */
static struct terms *year_terms(const char *year, const char *parts)
{
    char text[3000];
    (void)snprintf(text, sizeof text, "{" FRAME ",%s}", year, year, parts);
    return terms_of(text);
}

static date_t day(const char *text)
{
    date_t d;
    if (text == NULL) {
        return DATE_NONE;
    }
    ck_assert(date_parse(text, 10, &d));
    return d;
}

static struct activity_row row_of(const char *cluster, const char *start, const char *end)
{
    return (struct activity_row){.episode_id = "E1",
                                 .patient = "P",
                                 .cluster = cluster,
                                 .start_date = day(start),
                                 .end_date = day(end),
                                 .mhct_date = DATE_NONE,
                                 .referral_date = DATE_NONE};
}

/* Statistics of one month's rows as the terms leave them. */
static struct statistics statistics_of(const struct terms *t, const struct review_periods *reviews, month_t month,
                                       const struct activity_row *rows, size_t count)
{
    struct payability *payability = payability_new(t, reviews, "5QE", month);
    struct statistics_builder *b = statistics_builder_new(month, true);
    struct statistics made;
    ck_assert(payability != NULL && b != NULL);
    for (size_t i = 0; i < count; i++) {
        struct episode e;
        episode_of_activity(&e, &rows[i]);
        if (payability_reduce(payability, &e)) {
            ck_assert_int_eq(statistics_builder_add(b, &e, 1), STATISTICS_ADDED);
        }
    }
    ck_assert(statistics_builder_make(b, &made));
    statistics_builder_free(b);
    payability_free(payability);
    return made;
}

/* The lines of one month's rows. */
static struct activity_lines lines_of(const struct terms *t, const struct review_periods *reviews, month_t month,
                                      const struct activity_row *rows, size_t count)
{
    struct statistics statistics = statistics_of(t, reviews, month, rows, count);
    const struct activity_month months[] = {{month, t, reviews, &statistics, NULL, 0},
                                            {month, t, reviews, &statistics, NULL, 0}};
    struct activity_input in = {"5QE", months, 2, NULL, 0};
    struct activity_lines lines;
    ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_NOT_STATISTICS);
    in.month_count = 1;
    ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_DONE);
    statistics_free(&statistics);
    return lines;
}

static int64_t sum_of(const struct activity_lines *lines)
{
    int64_t sum = 0;
    for (size_t i = 0; i < lines->count; i++) {
        sum += lines->line[i].pence;
    }
    return sum;
}

/* Value of one row by both ways, which must agree. */
static int64_t value(const struct terms *t, month_t month, const struct activity_row *row)
{
    struct activity_lines lines = lines_of(t, NULL, month, row, 1);
    int64_t pence = -1;
    int64_t sum = sum_of(&lines);
    ck_assert_int_eq(valuation_row(t, NULL, "5QE", month, row, &pence), ROW_VALUED);
    ck_assert_int_eq(pence, sum);
    activity_lines_free(&lines);
    return sum;
}

START_TEST(days_at_the_price_of_the_day)
{
    struct terms *t = year_terms("2012", "'prices':[{'cluster':'04','basis':'DAY','pence':612},"
                                         "{'cluster':'11','basis':'DAY','pence':1043},"
                                         "{'cluster':'14','basis':'DAY','pence':11875}]");
    struct activity_row rows[] = {row_of("04", "2012-03-10", NULL), row_of("11", "2012-04-10", NULL),
                                  row_of("14", "2012-04-05", "2012-04-15")};
    ck_assert_int_eq(value(t, APRIL, &rows[0]), 18360);
    ck_assert_int_eq(value(t, APRIL, &rows[1]), 21903);
    ck_assert_int_eq(value(t, APRIL, &rows[2]), 118750);
    struct activity_lines lines = lines_of(t, NULL, APRIL, rows, 3);
    ck_assert_uint_eq(lines.count, 3);
    ck_assert_int_eq(lines.line[1].units, 21);
    ck_assert_int_eq(sum_of(&lines), 18360 + 21903 + 118750);
    activity_lines_free(&lines);
    terms_free(t);
}
END_TEST

START_TEST(admitted_days_come_first_and_prices_change_in_the_month)
{
    struct terms *t =
        year_terms("2012", "'prices':[{'cluster':'14','basis':'ADMITTED','pence':30000,'to':'2012-04-16'},"
                           "{'cluster':'14','basis':'ADMITTED','pence':31000,'from':'2012-04-16'},"
                           "{'cluster':'14','basis':'NONADMITTED','pence':1000,'to':'2012-04-16'},"
                           "{'cluster':'14','basis':'NONADMITTED','pence':1200,'from':'2012-04-16'}]");
    struct activity_row row = row_of("14", "2012-02-01", NULL);
    row.admitted_days = 20;
    ck_assert_int_eq(value(t, APRIL, &row), 617000);
    row.admitted_days = 31; /* more than the days there are */
    ck_assert_int_eq(value(t, APRIL, &row), 15 * 30000 + 15 * 31000);
    row.admitted_days = 0;
    ck_assert_int_eq(value(t, APRIL, &row), 15 * 1000 + 15 * 1200);
    terms_free(t);
}
END_TEST

/* tests/vectors/day_count.csv: month,start,end,end_exclusive,end_inclusive */
START_TEST(both_day_counts_by_the_published_vectors)
{
    static const char *const counts[] = {
        "'prices':[{'cluster':'04','basis':'DAY','pence':1}]",
        "'prices':[{'cluster':'04','basis':'DAY','pence':1}],'day_count':'end_inclusive'"};
    struct terms *t[] = {year_terms("2013", counts[0]), year_terms("2013", counts[1])};
    FILE *file = fopen("tests/vectors/day_count.csv", "r");
    char line[100];
    int checked = 0;
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        char start[11] = "";
        char end[11] = "";
        month_t month;
        char *field = line;
        ck_assert(month_parse(field, strcspn(field, ","), &month));
        field += strcspn(field, ",") + 1;
        (void)snprintf(start, sizeof start, "%.*s", (int)strcspn(field, ","), field);
        field += strcspn(field, ",") + 1;
        (void)snprintf(end, sizeof end, "%.*s", (int)strcspn(field, ","), field);
        struct activity_row row = row_of("04", start, end[0] == '\0' ? NULL : end);
        for (int i = 0; i < 2; i++) {
            field += strcspn(field, ",") + 1;
            char expected[16];
            char days[16];
            (void)snprintf(expected, sizeof expected, "%.*s", (int)strcspn(field, ",\r\n"), field);
            (void)snprintf(days, sizeof days, "%lld", (long long)value(t[i], month, &row));
            ck_assert_str_eq(days, expected);
        }
        checked++;
    }
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(checked, 8);
    terms_free(t[0]);
    terms_free(t[1]);
}
END_TEST

START_TEST(the_closing_day_is_not_paid_twice)
{
    struct terms *t =
        year_terms("2012", "'prices':[{'cluster':'04','basis':'DAY','pence':1}],'day_count':'end_inclusive'");
    struct activity_row rows[] = {row_of("04", "2012-03-01", "2012-04-11"), row_of("04", "2012-04-11", NULL)};
    ck_assert_int_eq(value(t, APRIL, &rows[0]), 11);
    rows[0].continues = true;
    struct activity_lines lines = lines_of(t, NULL, APRIL, rows, 2);
    ck_assert_int_eq(lines.line[0].units, 30);
    activity_lines_free(&lines);
    terms_free(t);
}
END_TEST

START_TEST(pay_stops_behind_due_date_and_grace)
{
    struct terms *t = year_terms("2012", "'prices':[{'cluster':'14','basis':'DAY','pence':1}],"
                                         "'rules':{'stop_pay_when_overdue':{'grace_days':7}}");
    struct review_periods reviews = {0};
    struct activity_row row = row_of("14", "2012-01-01", NULL);
    reviews.days[14] = 28;
    row.mhct_date = day("2012-03-06"); /* due 3 April, grace to the 10th */
    struct row_days days = valuation_days(t, &reviews, APRIL, &row);
    ck_assert_int_eq(days.to - days.from, 10);
    row.mhct_date = day("2012-02-01");
    days = valuation_days(t, &reviews, APRIL, &row);
    ck_assert_int_eq(days.to - days.from, 0);
    row.mhct_date = DATE_NONE;
    days = valuation_days(t, &reviews, APRIL, &row);
    ck_assert_int_eq(days.to - days.from, 30);
    reviews.days[14] = 0;
    reviews.months[14] = 6;
    row.mhct_date = day("2011-10-05");
    days = valuation_days(t, &reviews, APRIL, &row);
    ck_assert_int_eq(days.to - days.from, 12);
    terms_free(t);
}
END_TEST

#define ASSESSED                                                                                                       \
    "'prices':[{'cluster':'04','basis':'DAY','pence':1},{'cluster':'04','basis':'ASSESSMENT','pence':100},"            \
    "{'cluster':'00','basis':'ASSESSMENT','pence':500}]"

static struct activity_row assessed(const char *episode, const char *cluster, const char *mhct, const char *referral)
{
    struct activity_row row = row_of(cluster, "2012-04-01", "2012-04-01");
    row.episode_id = episode;
    row.mhct_date = day(mhct);
    row.referral_date = day(referral);
    row.assessment_only = true;
    return row;
}

static int64_t assessments_of(const struct activity_row *rows, size_t count)
{
    struct terms *t = year_terms("2012", ASSESSED);
    struct activity_lines lines = lines_of(t, NULL, APRIL, rows, count);
    int64_t sum = sum_of(&lines);
    activity_lines_free(&lines);
    terms_free(t);
    return sum;
}

START_TEST(the_first_assessment_of_a_referral_earns)
{
    struct activity_row rows[] = {
        assessed("B", "04", "2012-04-05", "2012-03-20"), assessed("A", "00", "2012-04-05", "2012-03-20"),
        assessed("C", "04", "2012-04-06", "2012-03-20"), assessed("D", "04", "2012-04-06", "2012-03-21"),
        assessed("E", "04", "2012-03-31", "2012-03-22"), assessed("F", "04", "2012-04-07", NULL),
    };
    ck_assert_int_eq(assessments_of(rows, 1), 100);
    ck_assert_int_eq(assessments_of(rows, 2), 500); /* same day: A before B */
    ck_assert_int_eq(assessments_of(rows, 3), 500);
    ck_assert_int_eq(assessments_of(rows, 4), 600);
    ck_assert_int_eq(assessments_of(rows, 5), 600); /* rated in March */
    ck_assert_int_eq(assessments_of(rows, 6), 700); /* no referral: its own MHCT date */
    rows[1].patient[0] = 'Q';
    ck_assert_int_eq(assessments_of(rows, 2), 600);
    rows[1].assessment_only = false;
    rows[1].mhct_reason = 11;
    ck_assert_int_eq(assessments_of(rows, 2), 100);
    rows[1].mhct_reason = 10;
    ck_assert_int_eq(assessments_of(rows, 2), 600);
    rows[0].cluster = "11"; /* no price: no candidate */
    rows[1].cluster = "11";
    ck_assert_int_eq(assessments_of(rows, 2), 0);
}
END_TEST

START_TEST(an_assessment_is_decided_anew_when_an_earlier_month_is_replaced)
{
    struct terms *t = year_terms("2012", ASSESSED);
    struct activity_row may = assessed("M", "04", "2012-05-09", "2012-03-20");
    struct activity_row april = assessed("A", "00", "2012-04-09", "2012-03-20");
    for (int with_april = 0; with_april < 2; with_april++) {
        struct statistics statistics[] = {statistics_of(t, NULL, APRIL + 1, &may, 1),
                                          statistics_of(t, NULL, APRIL, &april, (size_t)with_april)};
        const struct activity_month months[] = {{APRIL + 1, t, NULL, &statistics[0], NULL, 0},
                                                {APRIL, t, NULL, &statistics[1], NULL, 0}};
        const struct activity_input in = {"5QE", months, 2, NULL, 0};
        struct activity_lines lines;
        ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_DONE);
        ck_assert_uint_eq(lines.count, 1);
        ck_assert_int_eq(lines.line[0].month, with_april == 1 ? APRIL : APRIL + 1);
        ck_assert_int_eq(lines.line[0].pence, with_april == 1 ? 500 : 100);
        activity_lines_free(&lines);
        statistics_free(&statistics[0]);
        statistics_free(&statistics[1]);
    }
    terms_free(t);
}
END_TEST

START_TEST(days_without_a_price_are_counted_apart)
{
    struct terms *t = year_terms("2012", "'prices':[{'cluster':'04','basis':'DAY','pence':3,'from':'2012-04-21'}],"
                                         "'rules':{'severities':{'K06':'WARN'}}");
    struct activity_row rows[] = {row_of("04", "2012-04-01", NULL), row_of("11", "2012-04-29", NULL)};
    struct activity_lines lines = lines_of(t, NULL, APRIL, rows, 2);
    int64_t pence;
    ck_assert_int_eq(lines.unpriced_days[0], 22);
    ck_assert_int_eq(sum_of(&lines), 30);
    ck_assert_int_eq(valuation_row(t, NULL, "5QE", APRIL, &rows[0], &pence), ROW_UNPRICED);
    ck_assert_int_eq(pence, 30);
    ck_assert_int_eq(valuation_row(t, NULL, "5QE", APRIL, &rows[1], &pence), ROW_UNPRICED);
    rows[0].cluster = "09";
    ck_assert_int_eq(valuation_row(t, NULL, "5QE", APRIL, &rows[0], &pence), ROW_UNPRICED);
    activity_lines_free(&lines);
    terms_free(t);
}
END_TEST

START_TEST(prices_of_a_service_apply_to_its_rows_alone)
{
    struct terms *t = year_terms("2012", "'prices':[{'cluster':'04','basis':'DAY','pence':1},"
                                         "{'cluster':'04','basis':'DAY','pence':7,'service':'S1'}]");
    struct activity_row rows[] = {row_of("04", "2012-04-30", NULL), row_of("04", "2012-04-30", NULL),
                                  row_of("04", "2012-04-30", NULL)};
    rows[1].service = "S1";
    rows[2].service = "S2";
    struct activity_lines lines = lines_of(t, NULL, APRIL, rows, 3);
    ck_assert_uint_eq(lines.count, 2);
    ck_assert_int_eq(lines.line[0].units, 2);
    ck_assert_int_eq(lines.line[1].pence, 7);
    activity_lines_free(&lines);
    terms_free(t);
}
END_TEST

/* Every start, end and count of admitted days of a short month: both ways of valuing a row agree. */
START_TEST(every_short_stay_is_valued_alike_by_count_and_by_row)
{
    struct terms *t =
        year_terms("2012", "'prices':[{'cluster':'14','basis':'ADMITTED','pence':300,'to':'2013-02-11'},"
                           "{'cluster':'14','basis':'ADMITTED','pence':310,'from':'2013-02-11'},"
                           "{'cluster':'14','basis':'NONADMITTED','pence':10}],'day_count':'end_inclusive'");
    month_t february = APRIL + 10;
    date_t first = month_first(february);
    for (date_t start = first - 2; start < first + 28; start++) {
        for (date_t end = start; end <= first + 28; end++) {
            for (int32_t admitted = 0; admitted < 31; admitted += 5) {
                struct activity_row row = row_of("14", NULL, NULL);
                int64_t pence;
                row.start_date = start;
                row.end_date = end;
                row.admitted_days = admitted;
                if (end < first) {
                    continue;
                }
                struct activity_lines lines = lines_of(t, NULL, february, &row, 1);
                if (valuation_row(t, NULL, "5QE", february, &row, &pence) != ROW_VALUED || sum_of(&lines) != pence) {
                    ck_abort_msg("start %d, end %d, admitted %d", start - first, end - first, admitted);
                }
                activity_lines_free(&lines);
            }
        }
    }
    terms_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("valuation");
    TCase *t = tcase_create("valuation");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, days_at_the_price_of_the_day);
    tcase_add_test(t, admitted_days_come_first_and_prices_change_in_the_month);
    tcase_add_test(t, both_day_counts_by_the_published_vectors);
    tcase_add_test(t, the_closing_day_is_not_paid_twice);
    tcase_add_test(t, pay_stops_behind_due_date_and_grace);
    tcase_add_test(t, the_first_assessment_of_a_referral_earns);
    tcase_add_test(t, an_assessment_is_decided_anew_when_an_earlier_month_is_replaced);
    tcase_add_test(t, days_without_a_price_are_counted_apart);
    tcase_add_test(t, prices_of_a_service_apply_to_its_rows_alone);
    tcase_add_test(t, every_short_stay_is_valued_alike_by_count_and_by_row);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
