#include "domain/money.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

START_TEST(sums_that_do_not_fit_are_refused)
{
    int64_t out = 7;
    ck_assert(money_add(INT64_MAX - 1, 1, &out));
    ck_assert_int_eq(out, INT64_MAX);
    out = 7;
    ck_assert(!money_add(INT64_MAX, 1, &out));
    ck_assert(!money_subtract(INT64_MIN, 1, &out));
    ck_assert(!money_multiply(INT64_MAX / 2 + 1, 2, &out));
    ck_assert(!money_round_share(INT64_MAX, PPM_ONE + 1, &out));
    ck_assert(!money_round_ratio(1, 1, 0, &out));
    ck_assert_int_eq(out, 7);
    ck_assert(money_multiply(INT64_MIN / 2, 2, &out));
    ck_assert_int_eq(out, INT64_MIN);
}
END_TEST

START_TEST(products_go_through_128_bits)
{
    int64_t out;
    ck_assert(money_round_share(INT64_MAX, PPM_ONE, &out));
    ck_assert_int_eq(out, INT64_MAX);
    ck_assert(money_round_share(INT64_MIN, PPM_ONE, &out));
    ck_assert_int_eq(out, INT64_MIN);
    ck_assert(money_round_three_shares(INT64_MAX, PPM_ONE, PPM_ONE, PPM_ONE, &out));
    ck_assert_int_eq(out, INT64_MAX);
    ck_assert(money_round_ratio(INT64_MAX, INT64_MAX, INT64_MAX, &out));
    ck_assert_int_eq(out, INT64_MAX);
}
END_TEST

/* The nearest whole number by search: the one whose distance is least, the one further from 0 when two are as near. */
static int64_t nearest(int64_t product, int64_t denominator)
{
    int64_t best = 0;
    for (int64_t q = -700; q <= 700; q++) {
        int64_t distance = llabs(q * denominator - product);
        int64_t least = llabs(best * denominator - product);
        if (distance < least || (distance == least && llabs(q) > llabs(best))) {
            best = q;
        }
    }
    return best;
}

START_TEST(every_small_ratio_rounds_half_away_from_zero)
{
    for (int64_t amount = -50; amount <= 50; amount++) {
        for (int64_t numerator = 0; numerator <= 12; numerator++) {
            for (int64_t denominator = 1; denominator <= 12; denominator++) {
                int64_t out = 0;
                bool fits = money_round_ratio(amount, numerator, denominator, &out);
                if (!fits || out != nearest(amount * numerator, denominator)) {
                    ck_abort_msg("round(%lld * %lld / %lld) gave %lld", (long long)amount, (long long)numerator,
                                 (long long)denominator, (long long)out);
                }
            }
        }
    }
}
END_TEST

START_TEST(halves_of_a_penny)
{
    static const struct {
        int64_t amount, ppm, expected;
    } cases[] = {
        {1, 500000, 1}, {-1, 500000, -1}, {3, 500000, 2},           {-3, 500000, -2}, {1, 499999, 0}, {-1, 499999, 0},
        {5, 300000, 2}, {-5, 300000, -2}, {8333333, 50000, 416667}, {1, 1500000, 2},  {0, 500000, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t out;
        ck_assert(money_round_share(cases[i].amount, cases[i].ppm, &out));
        ck_assert_int_eq(out, cases[i].expected);
    }
}
END_TEST

/* A yearly value of 10,000,000.07 pounds in twelve: cumulative sums are rounded, not the twelfths. */
START_TEST(twelfths_of_a_year)
{
    int64_t before = 0;
    for (int64_t k = 1; k <= 12; k++) {
        int64_t now;
        ck_assert(money_round_ratio(1000000007, k, 12, &now));
        ck_assert_int_eq(now - before, k == 7 ? 83333333 : 83333334);
        before = now;
    }
    ck_assert_int_eq(before, 1000000007);
}
END_TEST

/* Three shares are rounded once: rounding between them would give another penny. */
START_TEST(three_shares_are_rounded_once)
{
    int64_t out;
    ck_assert(money_round_three_shares(1234567890, 25000, 200000, 1000000, &out));
    ck_assert_int_eq(out, 6172839);
    ck_assert(money_round_three_shares(19, 500000, 500000, 100000, &out)); /* 0.475; in steps 10, 5, 1 */
    ck_assert_int_eq(out, 0);
    ck_assert(money_round_three_shares(2, 500000, 500000, 1000000, &out)); /* exactly a half */
    ck_assert_int_eq(out, 1);
}
END_TEST

START_TEST(pounds_are_written_as_people_write_them)
{
    static const struct {
        int64_t pence;
        const char *text;
    } table[] = {{0, "£0.00"},
                 {-5, "-£0.05"},
                 {123456, "£1,234.56"},
                 {99999, "£999.99"},
                 {-100000000, "-£1,000,000.00"},
                 {INT64_MIN, "-£92,233,720,368,547,758.08"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[MONEY_TEXT_SIZE];
        money_format(table[i].pence, text);
        ck_assert_str_eq(text, table[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("money");
    TCase *t = tcase_create("money");
    tcase_add_test(t, sums_that_do_not_fit_are_refused);
    tcase_add_test(t, products_go_through_128_bits);
    tcase_add_test(t, every_small_ratio_rounds_half_away_from_zero);
    tcase_add_test(t, halves_of_a_penny);
    tcase_add_test(t, twelfths_of_a_year);
    tcase_add_test(t, three_shares_are_rounded_once);
    tcase_add_test(t, pounds_are_written_as_people_write_them);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
