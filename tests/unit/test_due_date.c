/* Due dates of documents: operational days from the issue, or dates of the months. */
#include "domain/due_date.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert(date_parse(text, strlen(text), &d));
    return d;
}

/* England, of 2012 and 2013. */
static size_t holidays_of(date_t out[16])
{
    static const char *const list[] = {"2012-01-02", "2012-04-06", "2012-04-09", "2012-05-07", "2012-06-04",
                                       "2012-06-05", "2012-08-27", "2012-12-25", "2012-12-26", "2013-01-01",
                                       "2013-03-29", "2013-04-01", "2013-05-06", "2013-05-27", "2013-08-26"};
    for (size_t i = 0; i < COUNT(list); i++)
        out[i] = day(list[i]);
    return COUNT(list);
}

static struct terms agreed_days(int32_t days)
{
    struct terms t = {.financial_year = 2012};
    t.payment.present = true;
    t.payment.operational_days = days;
    return t;
}

/* The 15th of the month after, for each month of 2012. */
static struct terms agreed_dates(void)
{
    struct terms t = {.financial_year = 2012};
    t.payment.present = true;
    for (int32_t k = 0; k < TERMS_MONTHS; k++)
        t.payment.date[k] = month_first(financial_year_first(2012) + k + 1) + 14;
    return t;
}

static const struct {
    int32_t days;
    const char *issued;
    const char *due;
    size_t holidays;
} counted[] = {
    {1, "2012-06-01", "2012-06-06", 2},  /* a Friday before the weekend and two days of the jubilee */
    {1, "2012-06-02", "2012-06-06", 2},  /* issued on a Saturday */
    {20, "2012-06-11", "2012-07-09", 0}, /* four weeks */
    {20, "2012-12-14", "2013-01-16", 3}, {1, "2012-06-03", "2012-06-06", 2},
    {5, "2012-06-04", "2012-06-12", 1}, /* the day of issue does not count */
};

START_TEST(operational_days_from_the_day_of_issue)
{
    date_t holidays[16];
    size_t count = holidays_of(holidays);
    struct terms t = agreed_days(counted[_i].days);
    struct due_date due;
    date_t again = DATE_NONE;
    month_t month = financial_year_first(2012) + 1;
    ck_assert_int_eq(due_date_compute(&t, month, day(counted[_i].issued), holidays, count, &due), DUE_ON);
    ck_assert_int_eq(due.day, day(counted[_i].due));
    ck_assert_uint_eq(due.holiday_count, counted[_i].holidays);
    /* The holidays on the way are enough to count it again. */
    ck_assert(due_date_stated(&t, month, day(counted[_i].issued), due.holidays, due.holiday_count, &again));
    ck_assert_int_eq(again, due.day);
}
END_TEST

static const struct {
    int32_t month; /* of the year, from 0 */
    const char *issued;
    const char *due;
} dated[] = {
    {0, "2012-05-10", "2012-05-15"},  {0, "2012-05-15", "2012-05-15"}, /* the day itself is not over */
    {0, "2012-05-16", "2012-06-15"},                                   /* that of April is over */
    {0, "2012-12-20", "2013-01-15"},                                   /* a re-settlement of April */
    {11, "2012-05-10", "2013-04-15"},                                  /* never before its month's own */
    {11, "2013-05-10", "2013-05-10"},                                  /* all are over */
};

START_TEST(dates_of_the_months)
{
    struct terms t = agreed_dates();
    struct due_date due;
    ck_assert_int_eq(
        due_date_compute(&t, financial_year_first(2012) + dated[_i].month, day(dated[_i].issued), NULL, 0, &due),
        DUE_ON);
    ck_assert_int_eq(due.day, day(dated[_i].due));
    ck_assert_uint_eq(due.holiday_count, 0);
}
END_TEST

START_TEST(where_there_is_none)
{
    date_t holidays[16];
    size_t count = holidays_of(holidays);
    struct terms silent = {.financial_year = 2012};
    struct terms t = agreed_days(20);
    struct due_date due = {.day = 7};
    month_t april = financial_year_first(2012);
    ck_assert_int_eq(due_date_compute(&silent, april, day("2012-06-01"), holidays, count, &due), DUE_NOT_AGREED);
    ck_assert_int_eq(due_date_compute(&t, april - 1, day("2012-06-01"), holidays, count, &due), DUE_NOT_AGREED);
    ck_assert_int_eq(due_date_compute(&t, april, day("2012-06-01"), NULL, 0, &due), DUE_NO_CALENDAR);
    /* The way leads into a year whose holidays nobody stated. */
    ck_assert_int_eq(due_date_compute(&t, april, day("2013-12-20"), holidays, count, &due), DUE_NO_CALENDAR);
    ck_assert_int_eq(due.day, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("due dates");
    TCase *tc = tcase_create("due dates");
    tcase_add_loop_test(tc, operational_days_from_the_day_of_issue, 0, COUNT(counted));
    tcase_add_loop_test(tc, dates_of_the_months, 0, COUNT(dated));
    tcase_add_test(tc, where_there_is_none);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
