/* Strict numbers, percentages, factors, hexadecimal; ids. */
#include "base/ident.h"
#include "base/parse.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define WRONG        INT64_C(-4711)

static const struct {
    const char *text;
    int64_t value; /* WRONG: refused */
} integers[] = {
    {"0", 0},
    {"-0", 0},
    {"007", 7},
    {"-42", -42},
    {"9223372036854775807", INT64_MAX},
    {"-9223372036854775808", INT64_MIN},
    {"9223372036854775808", WRONG},
    {"-9223372036854775809", WRONG},
    {"99999999999999999999", WRONG},
    {"", WRONG},
    {"-", WRONG},
    {"+1", WRONG},
    {" 1", WRONG},
    {"1 ", WRONG},
    {"1.0", WRONG},
    {"1e3", WRONG},
    {"0x1", WRONG},
    {"--1", WRONG},
    {"1-", WRONG},
    {"1,000", WRONG},
};

START_TEST(whole_numbers)
{
    int64_t value = WRONG;
    bool read = parse_i64(integers[_i].text, strlen(integers[_i].text), &value);
    ck_assert_msg(value == integers[_i].value && read == (value != WRONG), "%s", integers[_i].text);
}
END_TEST

START_TEST(within_limits)
{
    int64_t value = WRONG;
    ck_assert(!parse_i64_within("0", 1, 1, 3, &value));
    ck_assert(!parse_i64_within("4", 1, 1, 3, &value));
    ck_assert(!parse_i64_within("x", 1, 1, 3, &value));
    ck_assert(value == WRONG);
    ck_assert(parse_i64_within("1", 1, 1, 3, &value) && value == 1);
    ck_assert(parse_i64_within("3", 1, 1, 3, &value) && value == 3);
    ck_assert(parse_i64("123", 2, &value) && value == 12);
    ck_assert(!parse_i64("1\0002", 3, &value));
}
END_TEST

static const struct {
    const char *text;
    int64_t ppm;
    const char *back;
} percents[] = {
    {"2.5%", 25000, "2.5%"},
    {"0%", 0, "0%"},
    {"100%", 1000000, "100%"},
    {"100.0000%", 1000000, "100%"},
    {"0.0001%", 1, "0.0001%"},
    {"33.3333%", 333333, "33.3333%"},
    {"1000000%", INT64_C(10000000000), "1000000%"},
    {"1000000.0001%", WRONG, NULL},
    {"1000001%", WRONG, NULL},
    {"0.00001%", WRONG, NULL},
    {"2.5", WRONG, NULL},
    {"2.%", WRONG, NULL},
    {".5%", WRONG, NULL},
    {"%", WRONG, NULL},
    {"", WRONG, NULL},
    {"-2.5%", WRONG, NULL},
    {"+2.5%", WRONG, NULL},
    {"2.5 %", WRONG, NULL},
    {"2.5%%", WRONG, NULL},
    {"2,5%", WRONG, NULL},
    {"1e1%", WRONG, NULL},
    {"99999999999999999999%", WRONG, NULL},
};

START_TEST(percentages)
{
    char back[32];
    int64_t ppm = WRONG;
    bool read = parse_percent_ppm(percents[_i].text, strlen(percents[_i].text), &ppm);
    ck_assert_msg(ppm == percents[_i].ppm && read == (ppm != WRONG), "%s", percents[_i].text);
    if (!read)
        return;
    format_percent_ppm(ppm, back);
    ck_assert_str_eq(back, percents[_i].back);
}
END_TEST

static const struct {
    const char *text;
    int64_t ppm;
    const char *back;
} factors[] = {
    {"1.0150", 1015000, "1.015"},
    {"1", 1000000, "1"},
    {"0.000001", 1, "0.000001"},
    {"1000000", INT64_C(1000000000000), "1000000"},
    {"1000000.000001", WRONG, NULL},
    {"1.0000001", WRONG, NULL},
    {"1.", WRONG, NULL},
    {".5", WRONG, NULL},
    {"-1", WRONG, NULL},
    {"1.5%", WRONG, NULL},
    {"1.5.5", WRONG, NULL},
    {"", WRONG, NULL},
};

START_TEST(multipliers)
{
    char back[32];
    int64_t ppm = WRONG;
    bool read = parse_factor_ppm(factors[_i].text, strlen(factors[_i].text), &ppm);
    ck_assert_msg(ppm == factors[_i].ppm && read == (ppm != WRONG), "%s", factors[_i].text);
    if (!read)
        return;
    format_factor_ppm(ppm, back);
    ck_assert_str_eq(back, factors[_i].back);
}
END_TEST

START_TEST(formats_of_the_extremes)
{
    char text[32];
    format_percent_ppm(-25000, text);
    ck_assert_str_eq(text, "-2.5%");
    format_percent_ppm(INT64_MIN, text);
    ck_assert_str_eq(text, "-922337203685477.5808%");
    format_factor_ppm(INT64_MAX, text);
    ck_assert_str_eq(text, "9223372036854.775807");
}
END_TEST

START_TEST(every_ppm_comes_back)
{
    char text[32];
    for (int64_t ppm = 0; ppm <= 1100000; ppm += 7) {
        int64_t back = WRONG;
        format_percent_ppm(ppm, text);
        ck_assert(parse_percent_ppm(text, strlen(text), &back) && back == ppm);
        format_factor_ppm(ppm, text);
        ck_assert(parse_factor_ppm(text, strlen(text), &back) && back == ppm);
    }
}
END_TEST

START_TEST(hexadecimal)
{
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0xff};
    unsigned char back[4] = {1, 1, 1, 1};
    char text[9];
    hex_encode(bytes, 4, text);
    ck_assert_str_eq(text, "007f80ff");
    ck_assert(!hex_decode("007f80f", 7, back, 4));
    ck_assert(!hex_decode("007f80ff0", 9, back, 4));
    ck_assert(!hex_decode("007f80fg", 8, back, 4));
    ck_assert(!hex_decode("007f80 f", 8, back, 4));
    ck_assert_int_eq(back[0], 1);
    ck_assert(hex_decode("007F80fF", 8, back, 4));
    ck_assert_mem_eq(back, bytes, 4);
}
END_TEST

START_TEST(ids)
{
    char one[IDENT_SIZE];
    char other[IDENT_SIZE];
    ck_assert_int_ge(sodium_init(), 0);
    ident_new(one);
    ident_new(other);
    ck_assert_int_eq((int)strlen(one), IDENT_LENGTH);
    ck_assert_str_ne(one, other);
    ck_assert(ident_is_valid(one) && ident_is_valid(other));
    ck_assert_ptr_null(strpbrk(one, "aeiouy0123456789"));
    ck_assert(!ident_is_valid("") && !ident_is_valid("bcdf") && !ident_is_valid("bcdfghjklmnpqrstvwxzb"));
    ck_assert(!ident_is_valid("bcdfghjklmnpqrstvwxa") && !ident_is_valid("Bcdfghjklmnpqrstvwxz"));
    ck_assert(ident_is_valid("bcdfghjklmnpqrstvwxz"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *tc = tcase_create("parse");
    tcase_add_loop_test(tc, whole_numbers, 0, COUNT(integers));
    tcase_add_test(tc, within_limits);
    tcase_add_loop_test(tc, percentages, 0, COUNT(percents));
    tcase_add_loop_test(tc, multipliers, 0, COUNT(factors));
    tcase_add_test(tc, formats_of_the_extremes);
    tcase_add_test(tc, every_ppm_comes_back);
    tcase_add_test(tc, hexadecimal);
    tcase_add_test(tc, ids);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
