/* From statistics to lines: periods, rows that K06 leaves out, other commissioners' rows, changed rows, limits. */
#include "lib/contract_year.h"

#include "domain/activity.h"
#include "domain/money.h"
#include "domain/payability.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APRIL (2013 * 12 + 3)
#define NONE  (-1)

static struct terms *terms_with(const char *parts)
{
    char text[3000];
    (void)snprintf(text, sizeof text,
                   "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2013,'effective_from':'2013-04',"
                   "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}},%s}",
                   parts);
    return terms_of(text);
}

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert(text == NULL || date_parse(text, 10, &d));
    return d;
}

static struct episode row_of(const char *id, const char *cluster, const char *start, const char *end)
{
    struct episode e = {.start_date = day(start),
                        .end_date = day(end),
                        .mhct_date = DATE_NONE,
                        .referral_date = DATE_NONE,
                        .last_contact = DATE_NONE};
    (void)snprintf(e.episode_id, sizeof e.episode_id, "%s", id);
    (void)snprintf(e.cluster, sizeof e.cluster, "%s", cluster);
    e.patient[0] = 'P';
    return e;
}

static void collect(month_t month, const struct episode *rows, size_t count, struct statistics *out)
{
    struct statistics_builder *b = statistics_builder_new(month, true);
    ck_assert_ptr_nonnull(b);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(statistics_builder_add(b, &rows[i], 1), STATISTICS_ADDED);
    }
    ck_assert(statistics_builder_make(b, out));
    statistics_builder_free(b);
}

static int64_t sum_of(const struct activity_lines *lines)
{
    int64_t sum = 0;
    for (size_t i = 0; i < lines->count; i++) {
        sum += lines->line[i].pence;
    }
    return sum;
}

/* The lines of one month with one set of rows and changes. */
static enum activity_status value(const struct terms *t, month_t month, const struct episode *rows, size_t count,
                                  const struct row_change *changes, size_t change_count, struct activity_lines *lines)
{
    struct statistics statistics;
    collect(month, rows, count, &statistics);
    const struct activity_month months[] = {{month, t, NULL, &statistics, NULL, 0}};
    const struct activity_input in = {"5QE", months, 1, changes, change_count};
    enum activity_status status = activity_value(&in, lines);
    statistics_free(&statistics);
    return status;
}

/* What one row comes to; the way by row must agree. */
static int64_t row_value(const struct terms *t, month_t month, const struct episode *row)
{
    struct activity_lines lines;
    const struct activity_row facts = episode_activity(row);
    int64_t pence;
    ck_assert_int_eq(value(t, month, row, 1, NULL, 0, &lines), ACTIVITY_DONE);
    int64_t sum = sum_of(&lines);
    ck_assert_int_ne(valuation_row(t, NULL, "5QE", month, &facts, &pence), ROW_OVERFLOW);
    ck_assert_int_eq(sum, pence);
    activity_lines_free(&lines);
    return sum;
}

START_TEST(a_period_is_accrued_by_its_days)
{
    struct terms *once = terms_with("'prices':[{'cluster':'04','basis':'PERIOD','pence':234567,'period_days':28}]");
    struct terms *again =
        terms_with("'prices':[{'cluster':'04','basis':'PERIOD','pence':234567,'period_days':28,'renewable':true}]");
    struct episode row = row_of("E", "04", "2013-04-10", "2013-05-08");
    struct activity_lines lines;
    ck_assert_int_eq(row_value(once, APRIL, &row), 175925);
    ck_assert_int_eq(row_value(once, APRIL + 1, &row), 58642);
    ck_assert_int_eq(row_value(once, APRIL + 2, &row), 0);
    row.end_date = DATE_NONE;
    ck_assert_int_eq(row_value(once, APRIL + 1, &row), 58642); /* one period alone */
    ck_assert_int_eq(row_value(again, APRIL + 1, &row), 259699);
    ck_assert_int_eq(value(again, APRIL + 1, &row, 1, NULL, 0, &lines), ACTIVITY_DONE);
    ck_assert_uint_eq(lines.count, 1);
    ck_assert_int_eq(lines.line[0].basis, BASIS_PERIOD);
    ck_assert_int_eq(lines.line[0].units, 31);
    ck_assert_int_eq(lines.line[0].price_pence, 234567);
    activity_lines_free(&lines);
    terms_free(once);
    terms_free(again);
}
END_TEST

START_TEST(a_period_has_the_price_of_its_first_day)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'PERIOD','pence':1000,'period_days':10,"
                                 "'renewable':true,'to':'2013-05-10'},{'cluster':'04','basis':'PERIOD','pence':6000,"
                                 "'period_days':60,'renewable':true,'from':'2013-05-10'}]");
    struct episode row = row_of("E", "04", "2013-05-05", NULL);
    /* 5 to 15 May at 1,000 for ten days; from the 15th, 17 of 60 days at 6,000. */
    ck_assert_int_eq(row_value(t, APRIL + 1, &row), 1000 + 1700);
    /* Begun before the contract: the price of its first day; the period that began on 26 March is shared with April. */
    row.start_date = day("2013-03-26");
    ck_assert_int_eq(row_value(t, APRIL, &row), 3000);
    terms_free(t);
}
END_TEST

START_TEST(a_period_never_pays_the_closing_day)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'PERIOD','pence':2800,'period_days':28}],"
                                 "'day_count':'end_inclusive'");
    struct episode row = row_of("E", "04", "2013-04-10", "2013-04-12");
    ck_assert_int_eq(row_value(t, APRIL, &row), 200);
    row.end_date = row.start_date;
    ck_assert_int_eq(row_value(t, APRIL, &row), 0);
    terms_free(t);
}
END_TEST

/* Period by period from the row's first day, without a short cut. */
static int64_t plain_periods(int64_t price, int32_t n, bool renewable, date_t start, date_t end, month_t month)
{
    int64_t sum = 0;
    for (date_t s = start; s < end && (renewable || s == start); s += n) {
        int64_t at[2];
        for (int i = 0; i < 2; i++) {
            date_t to = month_first(month + i) < end ? month_first(month + i) : end;
            int64_t days = to < s ? 0 : to - s > n ? n : to - s;
            at[i] = (price * days * 2 + n) / (2 * n); /* half up: nothing is negative */
        }
        sum += at[1] - at[0];
    }
    return sum;
}

START_TEST(periods_by_the_short_cut_and_one_by_one)
{
    static const int32_t lengths[] = {1, 2, 7, 28, 31, 32, 90, 365};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int renewable = 0; renewable < 2; renewable++) {
            char prices[200];
            (void)snprintf(
                prices, sizeof prices,
                "'prices':[{'cluster':'04','basis':'PERIOD','pence':123457,'period_days':%d,'renewable':%s}]",
                lengths[i], renewable ? "true" : "false");
            struct terms *t = terms_with(prices);
            for (date_t start = day("2011-11-27"); start < day("2013-07-05"); start += 13) {
                struct episode row = row_of("E", "04", NULL, NULL);
                row.start_date = start;
                row.end_date = start % 2 == 0 ? DATE_NONE : start + 40 + start % 300;
                date_t end = row.end_date == DATE_NONE ? day("2014-04-01") : row.end_date;
                for (month_t m = APRIL; m < APRIL + 4; m++) {
                    ck_assert_int_eq(row_value(t, m, &row),
                                     plain_periods(123457, lengths[i], renewable, start, end, m));
                }
            }
            terms_free(t);
        }
    }
}
END_TEST

START_TEST(a_row_with_one_day_without_a_price_is_not_paid)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'DAY','pence':3,'from':'2013-04-11'},"
                                 "{'cluster':'11','basis':'PERIOD','pence':30,'period_days':3,'from':'2013-05-01'},"
                                 "{'cluster':'04','basis':'ASSESSMENT','pence':100}]");
    struct episode rows[] = {row_of("A", "04", "2013-04-11", NULL), row_of("B", "04", "2013-04-10", NULL),
                             row_of("C", "04", "2013-04-01", "2013-04-10"), row_of("D", "11", "2013-04-11", NULL)};
    struct activity_lines lines;
    rows[1].mhct_reason = 10;
    rows[1].mhct_date = day("2013-04-12");
    ck_assert_int_eq(value(t, APRIL, rows, 4, NULL, 0, &lines), ACTIVITY_DONE);
    ck_assert_uint_eq(lines.count, 1); /* the assessment of B goes with its row */
    ck_assert_int_eq(lines.line[0].units, 20);
    ck_assert_int_eq(lines.unpriced_days[0], 0);
    activity_lines_free(&lines);
    ck_assert_int_eq(value(t, APRIL + 1, &rows[3], 1, NULL, 0, &lines), ACTIVITY_DONE);
    ck_assert_uint_eq(lines.count, 0); /* no price on the first day of the period */
    activity_lines_free(&lines);
    terms_free(t);
}
END_TEST

START_TEST(another_commissioners_row_may_be_the_first)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'ASSESSMENT','pence':100}]");
    struct episode own = row_of("B", "04", "2013-04-02", "2013-04-02");
    own.assessment_only = true;
    own.mhct_date = day("2013-04-09");
    own.referral_date = day("2013-03-20");
    struct episode other = own;
    (void)snprintf(other.episode_id, sizeof other.episode_id, "A");
    struct statistics statistics[2];
    const struct statistics *others[] = {&statistics[1]};
    collect(APRIL, &own, 1, &statistics[0]);
    for (int is_first = 0; is_first < 2; is_first++) {
        other.mhct_date = own.mhct_date + 1 - is_first;
        collect(APRIL, &other, 1, &statistics[1]);
        const struct activity_month months[] = {{APRIL, t, NULL, &statistics[0], others, 1}};
        const struct activity_input in = {"5QE", months, 1, NULL, 0};
        struct activity_lines lines;
        ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_DONE);
        ck_assert_int_eq(sum_of(&lines), is_first ? 0 : 100);
        activity_lines_free(&lines);
        statistics_free(&statistics[1]);
    }
    statistics_free(&statistics[0]);
    terms_free(t);
}
END_TEST

/* Both accounts of a contract find the same first row, also where one of them has no price for it. */
START_TEST(a_row_that_its_account_does_not_price_is_the_first_for_all)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'ASSESSMENT','pence':100,'commissioner':'5QE'}]");
    struct episode rows[] = {row_of("A", "04", "2013-04-02", "2013-04-02"),
                             row_of("B", "04", "2013-04-02", "2013-04-02")};
    struct statistics statistics[2];
    for (int i = 0; i < 2; i++) {
        rows[i].assessment_only = true;
        rows[i].mhct_date = day("2013-04-09");
        rows[i].referral_date = day("2013-03-20");
        collect(APRIL, &rows[i], 1, &statistics[i]);
    }
    static const struct {
        const char *account;
        int own; /* whose row is the account's */
        int64_t pence;
    } cases[] = {{"5QE", 0, 100}, {"5QF", 1, 0}, {"5QE", 1, 0}, {"5QF", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct statistics *others[] = {&statistics[1 - cases[i].own]};
        const struct activity_month months[] = {{APRIL, t, NULL, &statistics[cases[i].own], others, 1}};
        const struct activity_input in = {cases[i].account, months, 1, NULL, 0};
        struct activity_lines lines;
        ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_DONE);
        ck_assert_int_eq(sum_of(&lines), cases[i].pence);
        ck_assert_uint_eq(lines.earned_count, cases[i].pence > 0);
        activity_lines_free(&lines);
    }
    statistics_free(&statistics[0]);
    statistics_free(&statistics[1]);
    terms_free(t);
}
END_TEST

/* Rows of two accounts, of one referral, each of which claims by what its own account decides: neither account knows
 * what the other decided, and the assessment is paid once at most. */
START_TEST(a_row_that_claims_by_a_decision_earns_beside_no_other_account)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'ASSESSMENT','pence':100}]");
    struct episode rows[] = {row_of("A", "11", "2013-04-02", "2013-04-02"),
                             row_of("B", "04", "2013-04-02", "2013-04-02")};
    static const struct {
        const char *sent_by_other; /* cluster */
        bool same_referral;
        int64_t decided; /* what the account of the decided row pays */
        int64_t other;
    } cases[] = {{"04", true, 0, 100}, {"11", true, 0, 0}, {"04", false, 100, 100}, {"11", false, 100, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct statistics statistics[2];
        (void)snprintf(rows[1].cluster, sizeof rows[1].cluster, "%s", cases[i].sent_by_other);
        for (int r = 0; r < 2; r++) {
            rows[r].assessment_only = true;
            rows[r].mhct_date = day(r == 0 ? "2013-04-09" : "2013-04-10");
            rows[r].referral_date = day(r == 0 || cases[i].same_referral ? "2013-03-20" : "2013-03-21");
            collect(APRIL, &rows[r], 1, &statistics[r]);
        }
        for (int account = 0; account < 2; account++) {
            const struct statistics *others[] = {&statistics[1 - account]};
            const struct activity_month months[] = {{APRIL, t, NULL, &statistics[account], others, 1}};
            const struct row_change change = {APRIL, rows[0], true, true, 4, NONE, false};
            const struct activity_input in = {account == 0 ? "5QE" : "5QF", months, 1, &change, account == 0};
            struct activity_lines lines;
            ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_DONE);
            ck_assert_int_eq(sum_of(&lines), account == 0 ? cases[i].decided : cases[i].other);
            activity_lines_free(&lines);
        }
        statistics_free(&statistics[0]);
        statistics_free(&statistics[1]);
    }
    terms_free(t);
}
END_TEST

START_TEST(a_changed_row_counts_as_it_is_changed)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'DAY','pence':3},"
                                 "{'cluster':'11','basis':'DAY','pence':5}]");
    struct episode rows[] = {row_of("A", "04", "2013-04-01", NULL), row_of("B", "04", "2013-04-21", NULL)};
    struct row_change change = {APRIL, rows[1], true, true, NONE, NONE, false};
    struct activity_lines lines;
    static const struct {
        bool was_here;
        bool is_here;
        int16_t cluster;
        int32_t payable_days;
        bool not_payable;
        int64_t pence;
    } cases[] = {{true, true, NONE, NONE, false, 90 + 30}, {true, true, 11, NONE, false, 90 + 50},
                 {true, true, NONE, 4, false, 90 + 12},    {true, true, 11, 0, false, 90},
                 {true, true, NONE, NONE, true, 90},       {true, false, NONE, NONE, false, 90},
                 {false, true, NONE, NONE, false, 90 + 60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        change.was_here = cases[i].was_here;
        change.is_here = cases[i].is_here;
        change.cluster = cases[i].cluster;
        change.payable_days = cases[i].payable_days;
        change.not_payable = cases[i].not_payable;
        ck_assert_int_eq(value(t, APRIL, rows, 2, &change, 1, &lines), ACTIVITY_DONE);
        ck_assert_int_eq(sum_of(&lines), cases[i].pence);
        activity_lines_free(&lines);
    }
    /* A row that the statistics do not have cannot be taken out of them. */
    const struct row_change twice[] = {{APRIL, rows[1], true, false, NONE, NONE, false},
                                       {APRIL, rows[1], true, false, NONE, NONE, false}};
    ck_assert_int_eq(value(t, APRIL, &rows[1], 1, twice, 2, &lines), ACTIVITY_NOT_STATISTICS);
    change.month = APRIL + 1;
    ck_assert_int_eq(value(t, APRIL, rows, 2, &change, 1, &lines), ACTIVITY_NOT_STATISTICS);
    terms_free(t);
}
END_TEST

START_TEST(what_is_missing_or_too_large_is_said)
{
    struct terms *t = terms_with("'prices':[{'cluster':'04','basis':'PERIOD','pence':300,'period_days':3}]");
    struct episode row = row_of("A", "04", "2013-04-01", NULL);
    struct statistics statistics;
    struct activity_lines lines;
    uint32_t parts = 0;
    collect(APRIL, &row, 1, &statistics);
    const struct activity_month months[] = {{APRIL, t, NULL, &statistics, NULL, 0}};
    const struct activity_input in = {"5QE", months, 1, NULL, 0};
    ck_assert(activity_parts(t, "5QE", APRIL, &parts));
    ck_assert_uint_eq(parts, 1U << STATISTICS_PART_DAYS | 1U << STATISTICS_PART_STAYS);
    statistics.parts = 1U << STATISTICS_PART_DAYS;
    ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_NOT_STATISTICS);
    statistics.parts = parts;
    statistics.stay[0].count = INT64_MAX / 2;
    ck_assert_int_eq(activity_value(&in, &lines), ACTIVITY_OVERFLOW);
    statistics_free(&statistics);
    terms_free(t);
}
END_TEST

START_TEST(a_row_that_is_taken_out_leaves_nothing)
{
    struct statistics_builder *b = statistics_builder_new(APRIL, true);
    struct episode rows[] = {row_of("A", "04", "2013-04-01", NULL), row_of("B", "11", "2013-04-03", NULL)};
    struct statistics without;
    struct statistics made;
    rows[1].mhct_reason = 10;
    rows[1].mhct_date = day("2013-04-03");
    ck_assert_ptr_nonnull(b);
    for (int64_t count = 1; count >= -1; count -= 2) {
        ck_assert_int_eq(statistics_builder_add(b, &rows[1], count), STATISTICS_ADDED);
    }
    ck_assert_int_eq(statistics_builder_add(b, &rows[0], 1), STATISTICS_ADDED);
    ck_assert(statistics_builder_make(b, &made));
    collect(APRIL, rows, 1, &without);
    for (unsigned n = 0; n < STATISTICS_PARTS; n++) {
        struct buf bytes[2];
        buf_init(&bytes[0], 1000);
        buf_init(&bytes[1], 1000);
        ck_assert(statistics_encode(&made, n, &bytes[0]) && statistics_encode(&without, n, &bytes[1]));
        ck_assert_uint_eq(bytes[0].length, bytes[1].length);
        ck_assert_mem_eq(bytes[0].data, bytes[1].data, bytes[0].length);
        buf_free(&bytes[0]);
        buf_free(&bytes[1]);
    }
    statistics_free(&made);
    ck_assert_int_eq(statistics_builder_add(b, &rows[1], -1), STATISTICS_ADDED);
    ck_assert(!statistics_builder_make(b, &made)); /* it was not there any more */
    statistics_free(&without);
    statistics_builder_free(b);
}
END_TEST

START_TEST(kinds_of_rows_are_bounded)
{
    struct statistics_builder *b = statistics_builder_new(APRIL, true);
    enum statistics_added added = STATISTICS_ADDED;
    int rows = 0;
    ck_assert_ptr_nonnull(b);
    for (; added == STATISTICS_ADDED && rows < 2 * STATISTICS_MAX_CLASSES; rows++) {
        struct episode row = row_of("A", "04", "2013-04-01", NULL);
        (void)snprintf(row.service, sizeof row.service, "S%d", rows);
        added = statistics_builder_add(b, &row, 1);
    }
    ck_assert_int_eq(added, STATISTICS_OVER_BOUNDS);
    ck_assert_int_eq(rows, STATISTICS_MAX_CLASSES + 1);
    struct episode known = row_of("A", "04", "2013-04-01", NULL);
    (void)snprintf(known.service, sizeof known.service, "S1");
    ck_assert_int_eq(statistics_builder_add(b, &known, 1), STATISTICS_OVER_BOUNDS);
    statistics_builder_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activity");
    TCase *t = tcase_create("activity");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, a_period_is_accrued_by_its_days);
    tcase_add_test(t, a_period_has_the_price_of_its_first_day);
    tcase_add_test(t, a_period_never_pays_the_closing_day);
    tcase_add_test(t, periods_by_the_short_cut_and_one_by_one);
    tcase_add_test(t, a_row_with_one_day_without_a_price_is_not_paid);
    tcase_add_test(t, another_commissioners_row_may_be_the_first);
    tcase_add_test(t, a_row_that_its_account_does_not_price_is_the_first_for_all);
    tcase_add_test(t, a_row_that_claims_by_a_decision_earns_beside_no_other_account);
    tcase_add_test(t, a_changed_row_counts_as_it_is_changed);
    tcase_add_test(t, what_is_missing_or_too_large_is_said);
    tcase_add_test(t, a_row_that_is_taken_out_leaves_nothing);
    tcase_add_test(t, kinds_of_rows_are_bounded);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
