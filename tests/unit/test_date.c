/* Civil dates, months, London instants and their texts. */
#include "base/date.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000000)
#define DAY  (24 * HOUR)

static date_t day(int32_t year, int32_t month, int32_t d)
{
    return date_from_civil((struct civil){year, month, d});
}

/* Every day of 1800 to 2199, counted up beside the calendar. */
START_TEST(every_day_in_turn)
{
    date_t expected = -62091; /* 1800-01-01 */
    for (int32_t year = 1800; year <= 2199; year++) {
        for (int32_t month = 1; month <= 12; month++) {
            for (int32_t d = 1; date_is_valid(year, month, d); d++, expected++) {
                struct civil back = date_to_civil(expected);
                ck_assert_int_eq(day(year, month, d), expected);
                ck_assert(back.year == year && back.month == month && back.day == d);
                ck_assert_int_eq(month_of(expected), year * 12 + month - 1);
                ck_assert_int_eq(date_weekday(expected), (expected + 62091 + 2) % 7); /* it was a Wednesday */
            }
        }
    }
    ck_assert_int_eq(expected, day(2200, 1, 1));
    ck_assert_int_eq(day(1970, 1, 1), 0);
    ck_assert_int_eq(date_weekday(0), 3);
}
END_TEST

static const struct {
    int32_t year, month, day;
    bool valid;
} validity[] = {
    {2012, 2, 29, true},  {2011, 2, 29, false},  {2000, 2, 29, true},  {1900, 2, 29, false},
    {2012, 4, 31, false}, {2012, 0, 1, false},   {2012, 13, 1, false}, {2012, 1, 0, false},
    {2012, 12, 31, true}, {2012, 12, 32, false}, {2012, -1, 1, false}, {2012, 1, -1, false},
};

START_TEST(validity_of_days)
{
    ck_assert(date_is_valid(validity[_i].year, validity[_i].month, validity[_i].day) == validity[_i].valid);
}
END_TEST

static const struct {
    const char *from;
    int32_t months;
    const char *to;
} additions[] = {
    {"2012-01-31", 1, "2012-02-29"},  {"2011-01-31", 1, "2011-02-28"},  {"2012-02-29", 12, "2013-02-28"},
    {"2012-03-31", -1, "2012-02-29"}, {"2012-01-15", 12, "2013-01-15"}, {"2012-12-31", 2, "2013-02-28"},
    {"2013-08-31", 6, "2014-02-28"},  {"2012-05-31", 0, "2012-05-31"},  {"2012-01-31", -2, "2011-11-30"},
};

static date_t parsed(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert_msg(date_parse(text, strlen(text), &d), "%s is not read", text);
    return d;
}

START_TEST(months_added)
{
    char text[11];
    date_format(date_add_months(parsed(additions[_i].from), additions[_i].months), text);
    ck_assert_str_eq(text, additions[_i].to);
}
END_TEST

START_TEST(financial_years)
{
    month_t april = financial_year_first(2012);
    ck_assert_int_eq(april, 2012 * 12 + 3);
    for (int32_t n = 0; n < 12; n++) {
        ck_assert_int_eq(month_financial_year(april + n), 2012);
        ck_assert_int_eq(month_number(april + n), n + 1);
    }
    ck_assert_int_eq(month_financial_year(april - 1), 2011);
    ck_assert_int_eq(month_number(april - 1), 12);
    ck_assert_int_eq(month_first(april), day(2012, 4, 1));
    ck_assert_int_eq(month_last(april), day(2012, 4, 30));
    ck_assert_int_eq(month_days(2012 * 12 + 1), 29);
}
END_TEST

/* Last Sundays of March and October as printed in the almanac. */
static const struct {
    int32_t year, march, october;
} clock_changes[] = {
    {2010, 28, 31}, {2011, 27, 30}, {2012, 25, 28}, {2013, 31, 27}, {2014, 30, 26}, {2015, 29, 25}, {2016, 27, 30},
    {2017, 26, 29}, {2018, 25, 28}, {2019, 31, 27}, {2020, 29, 25}, {2021, 28, 31}, {2022, 27, 30}, {2023, 26, 29},
    {2024, 31, 27}, {2025, 30, 26}, {2026, 29, 25}, {2027, 28, 31}, {2028, 26, 29}, {2029, 25, 28}, {2030, 31, 27},
};

START_TEST(london_clock_changes)
{
    date_t march = day(clock_changes[_i].year, 3, clock_changes[_i].march);
    date_t october = day(clock_changes[_i].year, 10, clock_changes[_i].october);
    ck_assert_int_eq(date_weekday(march), 6);
    ck_assert_int_eq(date_weekday(october), 6);
    for (date_t d = day(clock_changes[_i].year, 1, 1); d <= day(clock_changes[_i].year, 12, 31); d++) {
        bool summer = d > march && d <= october;
        ck_assert(london_midnight(d) == d * DAY - (summer ? HOUR : 0));
        ck_assert_int_eq(london_date(london_midnight(d)), d);
        ck_assert_int_eq(london_date(london_midnight(d) - 1), d - 1);
        ck_assert_int_eq(london_date(d * DAY + 12 * HOUR), d);
    }
    /* The days of the change have 23 and 25 hours. */
    ck_assert(london_midnight(march + 1) - london_midnight(march) == 23 * HOUR);
    ck_assert(london_midnight(october + 1) - london_midnight(october) == 25 * HOUR);
}
END_TEST

START_TEST(texts_of_dates_that_are_read)
{
    char text[11];
    for (date_t d = day(1800, 1, 1); d <= day(2199, 12, 31); d += 17) {
        date_format(d, text);
        ck_assert_int_eq(parsed(text), d);
    }
    date_format(day(12, 3, 4), text);
    ck_assert_str_eq(text, "0012-03-04");
    date_format(DATE_NONE, text);
    ck_assert_str_eq(text, "");
}
END_TEST

static const char *const not_dates[] = {
    "",           "2012-4-01",  "2012-04-1",  "2012-04-31",  "2012-13-01",  "2012-00-10",  "1799-12-31",
    "2200-01-01", "2012/04/01", "01/04/2012", "20120401",    "2012-04-01 ", " 2012-04-01", "+012-04-01",
    "2012-04-0a", "2011-02-29", "-012-04-01", "2012-04-01T", "2012-0401-",
};

START_TEST(texts_that_are_no_dates)
{
    date_t d = 77;
    ck_assert_msg(!date_parse(not_dates[_i], strlen(not_dates[_i]), &d), "%s is read", not_dates[_i]);
    ck_assert_int_eq(d, 77);
}
END_TEST

START_TEST(texts_of_months)
{
    static const char *const wrong[] = {"", "2012", "2012-4", "2012-13", "2012-00", "2012-04-01", "1799-12", "2012/04"};
    char text[8];
    month_t m = 77;
    ck_assert(month_parse("2012-04", 7, &m));
    ck_assert_int_eq(m, 2012 * 12 + 3);
    month_format(m, text);
    ck_assert_str_eq(text, "2012-04");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!month_parse(wrong[i], strlen(wrong[i]), &m), "%s is read", wrong[i]);
    ck_assert_int_eq(m, 2012 * 12 + 3);
}
END_TEST

static const struct {
    const char *text;
    const char *back; /* NULL: not an instant */
} instants[] = {
    {"2012-05-10T09:00:00Z", "2012-05-10T09:00:00.000000Z"},
    {"2012-05-10T23:59:59.5Z", "2012-05-10T23:59:59.500000Z"},
    {"1812-05-10T00:00:00.000001Z", "1812-05-10T00:00:00.000001Z"},
    {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
    {"2012-05-10T09:00:00", NULL},
    {"2012-05-10T24:00:00Z", NULL},
    {"2012-05-10T09:60:00Z", NULL},
    {"2012-05-10T09:00:60Z", NULL},
    {"2012-05-10 09:00:00Z", NULL},
    {"2012-05-10T09:00:00.Z", NULL},
    {"2012-05-10T09:00:00.1234567Z", NULL},
    {"2012-05-10T09:00:00+01:00", NULL},
    {"2012-05-10T09:00:00,5Z", NULL},
    {"2012-05-10T09:00:00.5aZ", NULL},
    {"2012-05-32T09:00:00Z", NULL},
    {"2012-05-10T9:00:00Z", NULL},
    {"", NULL},
};

START_TEST(texts_of_instants)
{
    char text[28];
    instant_t t = 77;
    bool read = instant_parse(instants[_i].text, strlen(instants[_i].text), &t);
    ck_assert_msg(read == (instants[_i].back != NULL), "%s", instants[_i].text);
    if (!read) {
        ck_assert(t == 77);
        return;
    }
    instant_format(t, text);
    ck_assert_str_eq(text, instants[_i].back);
}
END_TEST

/* Published due dates of reviews: the period of each cluster is in config/clusters.csv (weeks, months or a year). */
START_TEST(review_dates)
{
    static const struct {
        const char *cluster;
        int32_t weeks, months;
    } periods[] = {{"00", 0, 6},  {"01", 12, 0}, {"02", 15, 0}, {"03", 0, 6}, {"04", 0, 6},
                   {"07", 0, 12}, {"10", 0, 12}, {"14", 4, 0},  {"15", 4, 0}};
    char line[128];
    int compared = 0;
    FILE *file = fopen("tests/vectors/review_due.csv", "re");
    ck_assert_msg(file != NULL, "run the tests from the top folder");
    while (fgets(line, sizeof line, file) != NULL) {
        for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
            if (strncmp(line, periods[i].cluster, 2) != 0)
                continue;
            date_t from = DATE_NONE;
            date_t due = DATE_NONE;
            ck_assert_msg(date_parse(line + 3, 10, &from) && date_parse(line + 14, 10, &due), "%s", line);
            ck_assert_int_eq(date_add_months(from, periods[i].months) + 7 * periods[i].weeks, due);
            compared++;
        }
    }
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_ge(compared, 11);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("date");
    TCase *tc = tcase_create("date");
    tcase_add_test(tc, every_day_in_turn);
    tcase_add_loop_test(tc, validity_of_days, 0, COUNT(validity));
    tcase_add_loop_test(tc, months_added, 0, COUNT(additions));
    tcase_add_test(tc, financial_years);
    tcase_add_loop_test(tc, london_clock_changes, 0, COUNT(clock_changes));
    tcase_add_test(tc, texts_of_dates_that_are_read);
    tcase_add_loop_test(tc, texts_that_are_no_dates, 0, COUNT(not_dates));
    tcase_add_test(tc, texts_of_months);
    tcase_add_loop_test(tc, texts_of_instants, 0, COUNT(instants));
    tcase_add_test(tc, review_dates);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
