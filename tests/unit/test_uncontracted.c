/* Rows without a contract: summed by commissioner, valued at reference prices. */
#include "domain/uncontracted.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct episode row_of(const char *commissioner, const char *cluster, date_t start, date_t end, int16_t admitted)
{
    struct episode e;
    memset(&e, 0, sizeof e);
    (void)snprintf(e.commissioner, sizeof e.commissioner, "%s", commissioner);
    (void)snprintf(e.cluster, sizeof e.cluster, "%s", cluster);
    e.start_date = start;
    e.end_date = end;
    e.admitted_days = admitted;
    return e;
}

START_TEST(rows_are_summed_and_valued)
{
    static const char prices[] = "code,pence_per_day,ward_pence_per_day\n04,700,30000\n";
    char error[200] = "";
    month_t april = 2013 * 12 + 3;
    date_t first = month_first(april);
    struct reference r;
    struct uncontracted u;
    uncontracted_init(&u);
    reference_init(&r);
    ck_assert_msg(reference_load_prices(&r, prices, strlen(prices), error, sizeof error), "%s", error);
    struct episode rows[] = {row_of("5QE", "04", first - 20, DATE_NONE, 5), row_of("5QF", "04", first, first + 10, 0),
                             row_of("5QE", "11", first, DATE_NONE, 0),      row_of("5QE", "04", first, first + 2, 9),
                             row_of("5QE", "04", first, DATE_NONE, 0),      row_of("5QE", "04", first, DATE_NONE, 0)};
    rows[4].failed = rule_set_of(RULE_P02); /* no terms could lift it */
    rows[5].assessment_only = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert(uncontracted_add(&u, &r, april, &rows[i], i == 1));
    ck_assert_uint_eq(u.count, 2);
    ck_assert_str_eq(u.lines[0].commissioner, "5QE");
    ck_assert_int_eq(u.lines[0].rows, 4);
    ck_assert_int_eq(u.lines[0].days, 30 + 30 + 2);
    ck_assert_int_eq(u.lines[0].admitted_days, 5 + 2); /* never more than the days */
    ck_assert_int_eq(u.lines[0].pence, 25 * 700 + 5 * 30000 + 2 * 30000);
    ck_assert_int_eq(u.lines[0].unpriced_rows, 1);
    ck_assert(!u.lines[0].terms_missing);
    ck_assert_int_eq(u.lines[1].pence, 7000);
    ck_assert(u.lines[1].terms_missing);
    uncontracted_free(&u);
    reference_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("uncontracted");
    TCase *t = tcase_create("uncontracted");
    tcase_add_test(t, rows_are_summed_and_valued);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
