/* Stages of the position: the vectors of the specification, and small cases exhaustively. */
#include "lib/position_account.h"

#include "domain/money.h"
#include "domain/position_internal.h"

#include "base/parse.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD_BAND                                                                                                      \
    "'risk_share':{'over':[{'to':'2%','pay':'0%'},{'pay':'30%'}],'under':[{'to':'2%','pay':'0%'},{'pay':'50%'}]"

START_TEST(factor_applies_to_plan_and_activity)
{
    struct position_account a = account_of("'factor':'1.05','plan':{'lines':[{'cluster':'04','basis':'DAY',"
                                           "'units':[100000000,0,0,0,0,0,0,0,0,0,0,0]},{'cluster':'11','basis':'DAY',"
                                           "'units':[100000000,0,0,0,0,0,0,0,0,0,0,0]}]}");
    activity(&a, APRIL, 4, 200000000);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.planned, 210000000);
    ck_assert_int_eq(p.before_risk, 210000000);
    ck_assert_int_eq(p.subtotal[STAGE_FACTOR], 10000000);
    terms_free(a.terms);
}
END_TEST

static void check_volume(const char *bands, int64_t paid)
{
    char parts[800];
    (void)snprintf(parts, sizeof parts,
                   "'factor':'1.05','plan':{'lines':[{'cluster':'04','basis':'DAY',"
                   "'units':[10000000,0,0,0,0,0,0,0,0,0,0,0]}]},"
                   "'volume_bands':[{'group':'g','clusters':['04'],'bands':[%s]}]",
                   bands);
    struct position_account a = account_of(parts);
    struct position p;
    activity(&a, APRIL, 4, 12000000);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.before_risk, paid);
    ck_assert_int_eq(pence_of(&p, "bands/g"), paid - 12600000);
    position_free(&p);
    terms_free(a.terms);
}

START_TEST(volume_bands_pay_against_the_planned_volume)
{
    check_volume("{'to':'100%','pay':'100%'},{'pay':'30%'}", 11130000);
    check_volume("{'to':'100%','pay':'100%'},{'to':'105%','pay':'70%'},{'pay':'30%'}", 11340000);
}
END_TEST

START_TEST(a_group_without_a_plan_is_skipped_and_says_so)
{
    struct position_account a =
        account_of("'plan':{'lines':[{'cluster':'11','basis':'DAY','units':[5,0,0,0,0,0,0,0,0,0,0,0]}]},"
                   "'volume_bands':[{'group':'g','clusters':['04'],'bands':[{'pay':'0%'}]}]");
    struct position p;
    activity(&a, APRIL, 4, 100);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 100);
    ck_assert_uint_eq(json_array_size(p.notes), 1);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_array_get(p.notes, 0)), "group g"));
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

static int64_t dead_band(int64_t x, const char *cap)
{
    char parts[600];
    (void)snprintf(parts, sizeof parts, "'plan':{'sums':[{'month':'2012-04','pence':1000000000}]},%s%s}", DEAD_BAND,
                   cap);
    struct position_account a = account_of(parts);
    activity(&a, APRIL, 4, x);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.total, p.after_cap);
    terms_free(a.terms);
    return p.total;
}

START_TEST(dead_band_over_and_under_plan)
{
    ck_assert_int_eq(dead_band(880000000, ""), 950000000);
    ck_assert_int_eq(dead_band(980000000, ""), 1000000000);
    ck_assert_int_eq(dead_band(1020000000, ""), 1000000000);
    ck_assert_int_eq(dead_band(1030000000, ""), 1003000000);
    ck_assert_int_eq(dead_band(1150000000, ""), 1039000000);
    ck_assert_int_eq(dead_band(1150000000, ",'cap':'3%'"), 1030000000);
    ck_assert_int_eq(dead_band(0, ",'collar':'10%'"), 900000000);
}
END_TEST

START_TEST(risk_share_is_of_the_year_to_date_not_month_by_month)
{
    static const int64_t x[] = {103211847, 96500000, 106120719};
    static const int64_t expected[] = {100363554, 200000000, 300000000};
    struct position_account a =
        account_of("'plan':{'sums':[{'month':'2012-04','pence':100000000},{'month':'2012-05','pence':100000000},"
                   "{'month':'2012-06','pence':100000000}]}," DEAD_BAND "}");
    for (int32_t k = 0; k < 3; k++) {
        activity(&a, APRIL + k, 4, x[k]);
    }
    for (int32_t k = 0; k < 3; k++) {
        ck_assert_int_eq(done(&a, APRIL + k).total, expected[k]);
    }
    terms_free(a.terms);
}
END_TEST

#define ONE_INDICATOR                                                                                                  \
    "{'id':'%s','label':'x','weight':'%s','measure':'step','thresholds':[{'at':'50%%','earns':'50%%'},"                \
    "{'at':'75%%','earns':'75%%'},{'at':'100%%','earns':'100%%'}]}"

START_TEST(cquin_is_earned_on_top_of_a_cap)
{
    struct position_account a =
        account_of("'plan':{'sums':[{'month':'2012-04','pence':1000000000}]}," DEAD_BAND ",'cap':'3%'},"
                   "'cquin':{'rate':'2.5%','on_account':'100%','indicators':[{'id':'a','label':'x',"
                   "'weight':'100%','measure':'step','thresholds':[{'at':'50%','earns':'100%'}]}]}");
    activity(&a, APRIL, 4, 1150000000);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.after_cap, 1030000000);
    ck_assert_int_eq(p.subtotal[STAGE_CQUIN], 25750000);
    ck_assert_int_eq(p.total, 1055750000);
    terms_free(a.terms);
}
END_TEST

START_TEST(cquin_by_weight_and_achievement)
{
    char parts[2000];
    static const char *const id[] = {"a", "b", "c", "d"};
    static const char *const weight[] = {"20%", "20%", "35%", "25%"};
    static const int64_t numerator[] = {100, 50, 75, 0};
    static const int64_t expected[] = {6172839, 3086420, 8101852, 0};
    int length = snprintf(parts, sizeof parts, "'cquin':{'rate':'2.5%%','on_account':'0%%','indicators':[");
    for (int i = 0; i < 4; i++) {
        length += snprintf(parts + length, sizeof parts - (size_t)length, "%s" ONE_INDICATOR, i == 0 ? "" : ",", id[i],
                           weight[i]);
    }
    (void)snprintf(parts + length, sizeof parts - (size_t)length, "]}");
    struct position_account a = account_of(parts);
    struct position p;
    activity(&a, APRIL, 4, 1234567890);
    for (int i = 0; i < 4; i++) {
        achieved(&a, id[i], numerator[i], 100);
    }
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    for (int i = 0; i < 4; i++) {
        char key[20];
        (void)snprintf(key, sizeof key, "cquin/%s", id[i]);
        ck_assert_int_eq(pence_of(&p, key), expected[i]);
    }
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(cquin_linear_between_thresholds)
{
    struct position_account a =
        account_of("'cquin':{'rate':'2.5%','on_account':'0%','indicators':[{'id':'a','label':'x','weight':'35%',"
                   "'measure':'linear','thresholds':[{'at':'80%','earns':'50%'},{'at':'90%','earns':'100%'}]},"
                   "{'id':'b','label':'y','weight':'65%','measure':'step','thresholds':[{'at':'1%','earns':'0%'}]}]}");
    const struct terms_indicator *i = &a.terms->cquin.indicator[0];
    activity(&a, APRIL, 4, 1234567890);
    achieved(&a, "a", 5, 6);
    ck_assert_int_eq(cquin_achievement(i, 5, 6), 666667);
    ck_assert_int_eq(done(&a, APRIL).total - 1234567890, 7201650);
    ck_assert_int_eq(cquin_achievement(i, 799999, 1000000), 0);
    ck_assert_int_eq(cquin_achievement(i, 8, 10), 500000);
    ck_assert_int_eq(cquin_achievement(i, 9, 10), 1000000);
    ck_assert_int_eq(cquin_achievement(i, 1, 1), 1000000);
    ck_assert_int_eq(cquin_achievement(i, 0, 0), 0);
    ck_assert_int_eq(cquin_achievement(i, INT64_MAX / 6 * 5, INT64_MAX / 6 * 6), 666667);
    terms_free(a.terms);
}
END_TEST

START_TEST(cquin_leaves_out_what_the_terms_exclude)
{
    struct position_account a =
        account_of("'block':[{'month':'2012-04','pence':5000,'label':'L'}],'cquin':{'rate':'10%','on_account':'100%',"
                   "'exclude':{'stages':['block'],'clusters':['11']},'indicators':[{'id':'a','label':'x',"
                   "'weight':'100%','measure':'step','thresholds':[{'at':'1%','earns':'0%'}]}]}");
    activity(&a, APRIL, 4, 10000);
    activity(&a, APRIL, 11, 70000);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.aav, 10000);
    ck_assert_int_eq(p.total, 86000);
    terms_free(a.terms);
}
END_TEST

START_TEST(nothing_planned_skips_sharing_and_says_so)
{
    struct position_account a =
        account_of("'plan':{'sums':[{'month':'2012-05','pence':100}]}," DEAD_BAND ",'cap':'0%','collar':'0%'}");
    struct position p;
    activity(&a, APRIL, 4, 777);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 777);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_array_get(p.notes, 0)), "nothing is planned"));
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(shadow_bills_block_lines_alone)
{
    struct position_account a = account_of("'block':[{'month':'2012-04','pence':5000,'label':'L'},"
                                           "{'month':'2012-05','pence':1,'label':'L'},"
                                           "{'month':'2012-04','pence':9,'label':'M','commissioner':'5QF'}]");
    a.terms->shadow = true;
    activity(&a, APRIL, 4, 777);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.total, 5777);
    ck_assert_int_eq(p.billable, 5000);
    ck_assert(p.shadow);
    terms_free(a.terms);
}
END_TEST

START_TEST(missing_activity_parks_and_names_every_month)
{
    struct position_account a = account_of("");
    struct position p;
    ck_assert_int_eq(done(&a, APRIL + 2).total, 0);
    struct position_month months[3];
    memcpy(months, a.month, sizeof months);
    months[0].submission = NULL;
    months[2].submission = NULL;
    struct position_input in = {.commissioner = "5QE",
                                .month = APRIL + 2,
                                .months = months,
                                .annual = &a.version,
                                .activity = &a.activity,
                                .provider = "RXA",
                                .contract = "c",
                                .financial_year = 2012};
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_PARKED);
    ck_assert_ptr_nonnull(strstr(a.reason, "no activity received for 2012-04, 2012-06"));
    months[1].terms = NULL;
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_PARKED);
    ck_assert_ptr_nonnull(strstr(a.reason, "no terms in force for 2012-05"));
    terms_free(a.terms);
}
END_TEST

START_TEST(known_at_is_the_latest_of_the_inputs_in_use)
{
    struct position_account a =
        account_of("'cquin':{'rate':'2.5%','on_account':'0%','indicators':[{'id':'a','label':'x',"
                   "'weight':'100%','measure':'step','thresholds':[{'at':'1%','earns':'0%'}]}]}");
    struct terms_version later = {.version = 2, .known_from = 500, .digest = "01", .terms = a.terms};
    struct position p;
    achieved(&a, "a", 1, 2);
    achieved(&a, "elsewhere", 1, 2);
    a.achievement[1].agreed_at = 9000;
    a.month[1].known_from = 300;
    ck_assert_int_eq(done(&a, APRIL).known_at, 0);
    ck_assert_int_eq(done(&a, APRIL + 1).known_at, 300);
    a.achievement[0].agreed_at = 400;
    ck_assert_int_eq(done(&a, APRIL + 1).known_at, 400);
    struct position_input in = {.commissioner = "5QE",
                                .month = APRIL,
                                .months = a.month,
                                .annual = &a.version,
                                .activity = &a.activity,
                                .provider = "RXA",
                                .contract = "c",
                                .financial_year = 2012};
    a.month[0].terms = &later;
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_DONE);
    ck_assert_int_eq(p.known_at, 500);
    position_free(&p);
    a.month[0].terms = &a.version;
    in.annual = &later;
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_DONE);
    ck_assert_int_eq(p.known_at, 500);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(amounts_beyond_exact_numbers_are_refused)
{
    struct position_account a = account_of("");
    struct position p;
    activity(&a, APRIL, 4, INT64_C(9007199254740991));
    ck_assert_int_eq(done(&a, APRIL).total, INT64_C(9007199254740991));
    activity(&a, APRIL, 11, 1);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_OVERFLOW);
    activity(&a, APRIL, 10, INT64_MAX - 5);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_OVERFLOW);
    terms_free(a.terms);
}
END_TEST

/* Paid by bands, a penny at a time: each penny is paid at the rate of the band that it lies in. */
static int64_t penny_by_penny(int64_t amount, int64_t first_edge, int64_t second_edge, const int64_t pay[3])
{
    int64_t part[3] = {0};
    int64_t paid = 0;
    for (int64_t penny = 1; penny <= amount; penny++) {
        part[penny <= first_edge ? 0 : penny <= second_edge ? 1 : 2]++;
    }
    for (int i = 0; i < 3; i++) {
        paid += (part[i] * pay[i] * 2 + 100) / 200; /* pay in percent, half up: parts are never negative */
    }
    return paid;
}

START_TEST(every_small_risk_share_with_cap_and_collar)
{
    static const int64_t over[3] = {0, 30, 75};
    static const int64_t under[3] = {10, 50, 0};
    for (int64_t planned = 1; planned <= 40; planned++) {
        char parts[700];
        (void)snprintf(
            parts, sizeof parts,
            "'plan':{'sums':[{'month':'2012-04','pence':%lld}]},'risk_share':{'over':[{'to':'10%%','pay':'0%%'},"
            "{'to':'35%%','pay':'30%%'},{'pay':'75%%'}],'under':[{'to':'5%%','pay':'10%%'},"
            "{'to':'50%%','pay':'50%%'},{'pay':'0%%'}],'cap':'12%%','collar':'15%%'}",
            (long long)planned);
        struct position_account a = account_of(parts);
        for (int64_t x = 0; x <= 90; x++) {
            a.activity.count = 0;
            activity(&a, APRIL, 4, x);
            struct position p;
            if (compute(&a, APRIL, &p) != POSITION_DONE) {
                ck_abort_msg("P %lld, X %lld", (long long)planned, (long long)x);
            }
            int64_t expected =
                x >= planned
                    ? planned + penny_by_penny(x - planned, (planned * 10 + 50) / 100, (planned * 35 + 50) / 100, over)
                    : planned - penny_by_penny(planned - x, (planned * 5 + 50) / 100, (planned * 50 + 50) / 100, under);
            int64_t ceiling = planned + (planned * 12 + 50) / 100;
            int64_t floor = planned - (planned * 15 + 50) / 100;
            expected = expected > ceiling ? ceiling : expected < floor ? floor : expected;
            if (p.total != expected || p.ceiling != ceiling || p.floor != floor) {
                ck_abort_msg("P %lld, X %lld: %lld, expected %lld", (long long)planned, (long long)x,
                             (long long)p.total, (long long)expected);
            }
            position_free(&p);
        }
        terms_free(a.terms);
    }
}
END_TEST

static size_t index_of(const char *text)
{
    int64_t value = -1;
    ck_assert(parse_i64(text, strlen(text), &value));
    return (size_t)value;
}

START_TEST(the_document_holds_what_it_should)
{
    struct contract_year *y = contract_year_new(0);
    struct position p;
    char *bytes = NULL;
    struct json_problem problem;
    for (uint64_t seed = 1; contract_year_position(y, APRIL + 1, 9000000, 0, &p, &bytes) != POSITION_DONE; seed++) {
        contract_year_free(y);
        y = contract_year_new(seed);
    }
    json_t *document = json_read(bytes, strlen(bytes), &problem);
    ck_assert_msg(document != NULL, "%s: %s", problem.field, problem.message);
    ck_assert_int_eq(strncmp(bytes, "{\"@purpose\":\"reckoner/position/1\",", 34), 0);
    ck_assert_str_eq(json_text(document, "engine"), POSITION_ENGINE);
    ck_assert_str_eq(json_text(document, "month"), "2012-05");
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(document, "inputs"), "months")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "stages")), STAGE_COUNT);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "lines")), p.count);
    ck_assert_int_eq(json_int(document, "total_pence", 0), p.total);
    const json_t *parties = json_object_get(document, "parties");
    ck_assert_uint_eq(json_object_size(parties), 2);
    ck_assert_str_eq(json_text(json_object_get(parties, "5QE"), "buyer_reference"), "R1");
    size_t length;
    char *again = json_canonical(document, &length);
    ck_assert_str_eq(again, bytes);
    free(again);
    free(bytes);
    json_decref(document);
    position_free(&p);
    contract_year_free(y);
}
END_TEST

START_TEST(each_line_says_how_it_was_made)
{
    struct contract_year *y = contract_year_new(5);
    struct position p;
    enum position_status status = contract_year_position(y, APRIL + 11, 9000000, 0, &p, NULL);
    for (uint64_t seed = 6; status != POSITION_DONE || p.subtotal[STAGE_CQUIN] == 0; seed++) {
        if (status == POSITION_DONE) {
            position_free(&p);
        }
        contract_year_free(y);
        y = contract_year_new(seed);
        status = contract_year_position(y, APRIL + 11, 9000000, 0, &p, NULL);
    }
    for (size_t i = 0; i < p.count; i++) {
        const json_t *d = p.line[i].derivation;
        const char *clause = json_text(d, "clause");
        char step[60];
        size_t length;
        ck_assert_ptr_nonnull(json_text(d, "operation"));
        ck_assert_ptr_nonnull(json_text(d, "rounding"));
        ck_assert(json_is_object(json_object_get(d, "inputs")));
        if (clause == NULL) { /* what the parties did names the act instead of a clause */
            ck_assert(json_int(d, "agreement", 0) > 0 || json_int(d, "challenge", 0) > 0);
            continue;
        }
        const json_t *place = y->terms[json_int(d, "terms", 0) - 1]->source;
        for (const char *c = clause; *c == '/'; c += length + 1) {
            length = strcspn(c + 1, "/");
            (void)snprintf(step, sizeof step, "%.*s", (int)length, c + 1);
            place = json_is_array(place) ? json_array_get(place, index_of(step)) : json_object_get(place, step);
        }
        ck_assert_msg(place != NULL, "clause %s is not in the terms", clause);
    }
    position_free(&p);
    contract_year_free(y);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("position");
    TCase *t = tcase_create("stages");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, factor_applies_to_plan_and_activity);
    tcase_add_test(t, volume_bands_pay_against_the_planned_volume);
    tcase_add_test(t, a_group_without_a_plan_is_skipped_and_says_so);
    tcase_add_test(t, dead_band_over_and_under_plan);
    tcase_add_test(t, risk_share_is_of_the_year_to_date_not_month_by_month);
    tcase_add_test(t, cquin_is_earned_on_top_of_a_cap);
    tcase_add_test(t, cquin_by_weight_and_achievement);
    tcase_add_test(t, cquin_linear_between_thresholds);
    tcase_add_test(t, cquin_leaves_out_what_the_terms_exclude);
    tcase_add_test(t, nothing_planned_skips_sharing_and_says_so);
    tcase_add_test(t, shadow_bills_block_lines_alone);
    tcase_add_test(t, missing_activity_parks_and_names_every_month);
    tcase_add_test(t, known_at_is_the_latest_of_the_inputs_in_use);
    tcase_add_test(t, amounts_beyond_exact_numbers_are_refused);
    tcase_add_test(t, every_small_risk_share_with_cap_and_collar);
    tcase_add_test(t, the_document_holds_what_it_should);
    tcase_add_test(t, each_line_says_how_it_was_made);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
