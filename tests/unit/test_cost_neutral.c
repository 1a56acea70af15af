/* Cost-neutral prices: cases computed by hand, and what must hold of any. */
#include "domain/cost_neutral_json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_value_is_shared_by_caseload_and_intensity)
{
    /* Weights 1,000 * 1 + 333 * 12.5 = 5,162.5. */
    struct cost_neutral_line line[] = {{.caseload = 1000, .rri_ppm = 1000000}, {.caseload = 333, .rri_ppm = 12500000}};
    int64_t residual = 0;
    ck_assert_int_eq(cost_neutral_prices(1000000007, line, 2, &residual), COST_NEUTRAL_DONE);
    ck_assert_int_eq(line[0].price, 193705);  /* 193,704.6 */
    ck_assert_int_eq(line[1].price, 2421308); /* 2,421,307.5: half goes away from zero */
    ck_assert_int_eq(line[1].value, 806295564);
    ck_assert_int_eq(residual, -557);
}
END_TEST

START_TEST(half_a_penny_goes_up)
{
    struct cost_neutral_line line[] = {{.caseload = 2, .rri_ppm = 1}};
    int64_t residual = 0;
    ck_assert_int_eq(cost_neutral_prices(5, line, 1, &residual), COST_NEUTRAL_DONE);
    ck_assert_int_eq(line[0].price, 3);
    ck_assert_int_eq(residual, -1);
}
END_TEST

START_TEST(a_cluster_without_caseload_has_its_price_all_the_same)
{
    struct cost_neutral_line line[] = {
        {.caseload = 10, .rri_ppm = 1000000}, {.caseload = 0, .rri_ppm = 2500000}, {.caseload = 10, .rri_ppm = 0}};
    int64_t residual = 1;
    ck_assert_int_eq(cost_neutral_prices(1000, line, 3, &residual), COST_NEUTRAL_DONE);
    ck_assert_int_eq(line[0].price, 100);
    ck_assert_int_eq(line[1].price, 250);
    ck_assert_int_eq(line[1].value, 0);
    ck_assert_int_eq(line[2].price, 0);
    ck_assert_int_eq(residual, 0);
}
END_TEST

START_TEST(nothing_to_share_over_and_limits_are_refused)
{
    struct cost_neutral_line none[] = {{.caseload = 0, .rri_ppm = 1000000, .price = 7}};
    struct cost_neutral_line large[] = {{.caseload = COST_NEUTRAL_MAX_CASELOAD + 1, .rri_ppm = 1}};
    int64_t residual = 7;
    ck_assert_int_eq(cost_neutral_prices(1, none, 1, &residual), COST_NEUTRAL_NOTHING);
    ck_assert_int_eq(cost_neutral_prices(1, none, 0, &residual), COST_NEUTRAL_NOTHING);
    ck_assert_int_eq(cost_neutral_prices(1, large, 1, &residual), COST_NEUTRAL_LIMIT);
    ck_assert_int_eq(cost_neutral_prices(-1, none, 1, &residual), COST_NEUTRAL_LIMIT);
    ck_assert_int_eq(cost_neutral_prices(COST_NEUTRAL_MAX_CV + 1, none, 1, &residual), COST_NEUTRAL_LIMIT);
    /* A price beyond 64 bits: all the value's weight on one millionth. */
    struct cost_neutral_line steep[] = {{.caseload = 1, .rri_ppm = 1},
                                        {.caseload = 0, .rri_ppm = COST_NEUTRAL_MAX_RRI}};
    ck_assert_int_eq(cost_neutral_prices(COST_NEUTRAL_MAX_CV, steep, 2, &residual), COST_NEUTRAL_LIMIT);
    ck_assert_int_eq(residual, 7);
    ck_assert_int_eq(none[0].price, 7);
}
END_TEST

/* Each price is off by at most half a penny, so the residual is at most half the caseload; twice the value at twice the
 * precision agrees; the order of lines does not matter. */
START_TEST(what_holds_of_any_prices)
{
    uint64_t random = 2463534242u;
    for (int round = 0; round < 2000; round++) {
        struct cost_neutral_line line[8];
        struct cost_neutral_line turned[8];
        int64_t residual = 0;
        int64_t again = 0;
        int64_t caseload = 0;
        int64_t sum = 0;
        int64_t cv = 0;
        for (size_t i = 0; i < 8; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            line[i] = (struct cost_neutral_line){.caseload = (int64_t)(random % 100000) + (i == 0),
                                                 .rri_ppm = (int64_t)((random >> 20) % 30000000) + (i == 0)};
            turned[7 - i] = line[i];
            cv = (int64_t)((random >> 8) % 10000000000);
            caseload += line[i].caseload;
        }
        ck_assert_int_eq(cost_neutral_prices(cv, line, 8, &residual), COST_NEUTRAL_DONE);
        ck_assert_int_eq(cost_neutral_prices(cv, turned, 8, &again), COST_NEUTRAL_DONE);
        ck_assert_int_eq(residual, again);
        for (size_t i = 0; i < 8; i++) {
            sum += line[i].price * line[i].caseload;
            ck_assert_int_eq(line[i].price, turned[7 - i].price);
            ck_assert_int_eq(line[i].value, line[i].price * line[i].caseload);
        }
        ck_assert_int_eq(sum + residual, cv);
        ck_assert_int_le(llabs(residual), (caseload + 1) / 2);
    }
}
END_TEST

static json_t *answer(const char *text, struct json_problem *problem)
{
    char copy[600];
    size_t n = strlen(text);
    ck_assert_uint_lt(n, sizeof copy);
    for (size_t i = 0; i <= n; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    json_t *request = json_read(copy, n, problem);
    ck_assert_ptr_nonnull(request);
    json_t *made = cost_neutral_json(request, problem);
    json_decref(request);
    return made;
}

START_TEST(from_json_to_json)
{
    struct json_problem problem = {"", ""};
    json_t *made =
        answer("{'contract_value_pence':1000,'lines':[{'cluster':'04','caseload':3,'rri':'1.5'}]}", &problem);
    ck_assert_ptr_nonnull(made);
    const json_t *line = json_array_get(json_object_get(made, "lines"), 0);
    ck_assert_str_eq(json_text(line, "basis"), "DAY");
    ck_assert_int_eq(json_int(line, "price_pence", 0), 333);
    ck_assert_int_eq(json_int(json_object_get(made, "residual"), "pence", 0), 1);
    json_decref(made);
}
END_TEST

START_TEST(what_is_malformed_is_named)
{
    static const char *const cases[][2] = {
        {"{'contract_value_pence':1,'lines':[]}", "/lines"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'09','caseload':3,'rri':'1'}]}", "/lines/0/cluster"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'04','basis':'WEEK','caseload':3,'rri':'1'}]}",
         "/lines/0/basis"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'04','caseload':3,'rri':'1e3'}]}", "/lines/0/rri"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'04','caseload':3,'rri':'1001'}]}", "/lines/0/rri"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'04','caseload':3,'rri':'1'},"
         "{'cluster':'04','basis':'DAY','caseload':3,'rri':'1'}]}",
         "/lines/1"},
        {"{'contract_value_pence':1,'lines':[{'cluster':'04','caseload':0,'rri':'1'}]}", "/lines"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_problem problem = {"", ""};
        ck_assert_ptr_null(answer(cases[i][0], &problem));
        ck_assert_str_eq(problem.field, cases[i][1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost_neutral");
    TCase *t = tcase_create("prices");
    tcase_add_test(t, the_value_is_shared_by_caseload_and_intensity);
    tcase_add_test(t, half_a_penny_goes_up);
    tcase_add_test(t, a_cluster_without_caseload_has_its_price_all_the_same);
    tcase_add_test(t, nothing_to_share_over_and_limits_are_refused);
    tcase_add_test(t, what_holds_of_any_prices);
    tcase_add_test(t, from_json_to_json);
    tcase_add_test(t, what_is_malformed_is_named);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
