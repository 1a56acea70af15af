/* Forecasts: cases computed by hand, and what must hold of any. */
#include "lib/position_account.h"

#include "domain/forecast.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVEN_PLAN                                                                                                      \
    "'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[100,100,100,100,100,100,100,100,100,100,100,100]}]}"
#define PHASED_PLAN                                                                                                    \
    "'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[90,95,100,105,100,95,90,80,70,120,130,140]},"             \
    "{'cluster':'11','basis':'DAY','units':[7,0,7,0,7,0,7,0,7,0,7,0]}]}"
#define RISK                                                                                                           \
    "'risk_share':{'over':[{'to':'2%','pay':'0%'},{'pay':'30%'}],'under':[{'to':'2%','pay':'0%'},{'pay':'50%'}],"      \
    "'cap':'3%','collar':'10%'}"

static struct forecast_input input_of(struct position_account *a, month_t m)
{
    struct forecast_input in = {.to_date = account_input(a, m)};
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        in.terms[k] = &a->version;
    }
    return in;
}

static struct forecast made(struct position_account *a, month_t m)
{
    struct forecast f;
    const struct forecast_input in = input_of(a, m);
    enum position_status status = forecast_make(&in, &f, a->reason);
    ck_assert_msg(status == POSITION_DONE, "%d %s", (int)status, a->reason);
    return f;
}

static const struct forecast_edge *edge_of(const struct forecast *f, enum forecast_edge_kind kind)
{
    for (size_t i = 0; i < f->edge_count; i++) {
        if (f->edge[i].kind == kind) {
            return &f->edge[i];
        }
    }
    ck_abort_msg("no edge %s", forecast_edge_name(kind));
    return NULL;
}

static void expect_on(const struct forecast *f, enum forecast_edge_kind kind, int64_t pence, const char *on)
{
    const struct forecast_edge *e = edge_of(f, kind);
    char text[11] = "never";
    if (e->on != DATE_NONE) {
        date_format(e->on, text);
    }
    ck_assert_int_eq(e->pence, pence);
    ck_assert_str_eq(text, on);
}

START_TEST(activity_exactly_on_plan_comes_out_at_the_plan)
{
    static const int64_t plan[][2] = {{90, 7}, {95, 0}, {100, 7}, {105, 0}, {100, 7}};
    for (int32_t months = 1; months <= 5; months++) {
        struct position_account a = account_of(PHASED_PLAN ",'factor':'1.05'," RISK);
        for (int32_t k = 0; k < months; k++) {
            activity(&a, APRIL + k, 4, plan[k][0]);
            activity(&a, APRIL + k, 11, plan[k][1]);
        }
        struct forecast f = made(&a, APRIL + months - 1);
        for (int32_t k = 0; k < TERMS_MONTHS; k++) {
            ck_assert_int_eq(f.months[k].before_risk, f.months[k].plan);
            ck_assert_int_eq(f.months[k].total, f.months[k].plan);
        }
        ck_assert_int_eq(f.outturn.total, f.outturn.planned);
        ck_assert_int_eq(f.outturn.before_risk, f.outturn.planned);
        expect_on(&f, EDGE_PLAN, f.outturn.planned, "2013-03-31");
        forecast_free(&f);
        terms_free(a.terms);
    }
}
END_TEST

START_TEST(what_is_to_come_follows_the_plan_in_the_measure_met_to_date)
{
    struct position_account a = account_of(EVEN_PLAN);
    activity(&a, APRIL, 4, 50);
    activity(&a, APRIL + 1, 4, 51);
    struct forecast f = made(&a, APRIL + 1);
    ck_assert_uint_eq(f.count, 1);
    ck_assert_int_eq(f.line[0].units_to_date, 101);
    ck_assert_int_eq(f.line[0].planned_to_date, 200);
    ck_assert_int_eq(f.line[0].how[1], FORECAST_NOTHING);
    /* round(100 * 101 / 200) = round(50.5) = 51 for ten months. */
    for (int32_t k = 2; k < TERMS_MONTHS; k++) {
        ck_assert_int_eq(f.line[0].units[k], 51);
        ck_assert_int_eq(f.line[0].how[k], FORECAST_PHASED);
    }
    ck_assert_int_eq(f.outturn.total, 101 + 510);
    ck_assert_int_eq(f.months[1].total, done(&a, APRIL + 1).total);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(without_a_plan_to_date_it_goes_on_by_days)
{
    struct position_account a = account_of("");
    activity(&a, APRIL, 4, 300);
    struct forecast f = made(&a, APRIL);
    ck_assert_int_eq(f.line[0].units[1], 310);
    ck_assert_int_eq(f.line[0].units[10], 280);
    ck_assert_int_eq(f.line[0].how[1], FORECAST_BY_DAYS);
    ck_assert_int_eq(f.outturn.total, 3650);
    ck_assert_uint_eq(f.edge_count, 0);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(months_planned_by_a_stated_sum_go_on_by_days_too)
{
    struct position_account a =
        account_of("'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[60,0,0,0,0,0,0,0,0,0,0,0]}],"
                   "'sums':[{'month':'2012-05','pence':70}]}");
    activity(&a, APRIL, 4, 30);
    struct forecast f = made(&a, APRIL);
    ck_assert_int_eq(f.line[0].how[1], FORECAST_BY_DAYS);
    ck_assert_int_eq(f.line[0].units[1], 31);
    ck_assert_int_eq(f.line[0].how[2], FORECAST_NOTHING);
    ck_assert_int_eq(f.outturn.total, 61);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(what_is_planned_from_later_on_comes_as_planned)
{
    struct position_account a =
        account_of("'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[10,10,10,10,10,10,10,10,10,10,10,10]},"
                   "{'cluster':'11','basis':'DAY','units':[0,0,0,0,0,0,5,5,5,5,5,5]}]}");
    activity(&a, APRIL, 4, 20);
    struct forecast f = made(&a, APRIL);
    ck_assert_int_eq(f.line[1].cluster, 11);
    ck_assert_int_eq(f.line[1].how[6], FORECAST_PLAN);
    ck_assert_int_eq(f.outturn.total, 12 * 20 + 6 * 5);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(an_agreed_estimate_says_nothing_about_activity)
{
    struct position_account a = account_of(EVEN_PLAN);
    a.month[0].source = MONTH_ESTIMATE;
    activity(&a, APRIL + 1, 4, 50);
    struct forecast f = made(&a, APRIL + 1);
    ck_assert_int_eq(f.line[0].planned_to_date, 100);
    ck_assert_int_eq(f.outturn.total, 100 + 11 * 50);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

/* 200 a month against a plan of 100: the year's plan of 1,200 is reached on 30 September; the cap at 1,236 wants 36
 * more of October's 200, 5.58 of its 31 days. */
START_TEST(dates_of_plan_cap_and_collar_are_those_of_the_day)
{
    struct position_account a = account_of(EVEN_PLAN "," RISK);
    for (int32_t k = 0; k < 7; k++) {
        activity(&a, APRIL + k, 4, 200);
    }
    struct forecast f = made(&a, APRIL + 5);
    expect_on(&f, EDGE_COLLAR, 1080, "2012-09-12");
    expect_on(&f, EDGE_UNDER, 1176, "2012-09-27");
    expect_on(&f, EDGE_PLAN, 1200, "2012-09-30");
    expect_on(&f, EDGE_OVER, 1224, "2012-10-04");
    expect_on(&f, EDGE_CAP, 1236, "2012-10-06");
    ck_assert_int_eq(f.outturn.before_risk, 2400);
    ck_assert_int_eq(f.outturn.total, 1236);
    /* Behind the cap another unit earns nothing, now and by the end of the year. */
    ck_assert_uint_eq(f.marginal_count, 2);
    for (size_t i = 0; i < f.marginal_count; i++) {
        ck_assert_int_eq(f.marginal[i].pence, 1);
        ck_assert_int_eq(f.marginal[i].position, 0);
        ck_assert_int_eq(f.marginal[i].outturn, 0);
    }
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(what_is_not_reached_this_year_has_no_date)
{
    struct position_account a = account_of(EVEN_PLAN "," RISK);
    activity(&a, APRIL, 4, 95);
    struct forecast f = made(&a, APRIL);
    expect_on(&f, EDGE_COLLAR, 1080, "2013-03-12"); /* 1,045 by February, 35 of March's 95: 11.4 of 31 days */
    expect_on(&f, EDGE_PLAN, 1200, "never");
    ck_assert_int_eq(edge_of(&f, EDGE_PLAN)->outturn, 1140);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(edges_of_volume_bands_are_of_their_group_with_factor)
{
    struct position_account a = account_of(
        PHASED_PLAN ",'factor':'2','volume_bands':[{'group':'g','clusters':['11'],'bands':[{'to':'50%','pay':'100%'},"
                    "{'to':'100%','pay':'70%'},{'pay':'30%'}]}]");
    activity(&a, APRIL, 4, 90);
    activity(&a, APRIL, 11, 14);
    struct forecast f = made(&a, APRIL);
    /* Planned 42, at factor 2: 84; met twofold, 28 each second month. 42 wants 14 of June's 28. */
    ck_assert_uint_eq(f.edge_count, 3); /* the plan, and two edges of the group */
    const struct forecast_edge *e = edge_of(&f, EDGE_VOLUME);
    ck_assert_int_eq(e->pence, 42);
    ck_assert_int_eq(e->on, month_first(APRIL + 2) + 14);
    ck_assert_int_eq(e[1].pence, 84);
    ck_assert_int_eq(e[1].on, month_last(APRIL + 4));
    ck_assert_int_eq(e->outturn, 168);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

/* 30 % over a dead band: a unit of 10.00 is worth 3.00 there, 10.00 without a risk share, and CQUIN on top. */
START_TEST(one_more_unit_is_worth_what_the_engine_makes_of_it)
{
    struct position_account a = account_of(
        "'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[100,100,100,100,100,100,100,100,100,100,100,100]}]},"
        "'risk_share':{'over':[{'to':'2%','pay':'0%'},{'pay':'30%'}]},"
        "'cquin':{'rate':'10%','on_account':'100%','indicators':[{'id':'a','label':'x','weight':'100%','measure':'step'"
        ","
        "'thresholds':[{'at':'50%','earns':'50%'}]}]}");
    ck_assert_int_eq(a.terms->price[0].cluster, 4);
    a.terms->price[0].pence = 1000;
    a.line[0] = (struct activity_line){
        .month = APRIL, .cluster = 4, .basis = BASIS_DAY, .price_pence = 1000, .units = 150, .pence = 150000};
    a.activity.count = 1;
    struct forecast f = made(&a, APRIL);
    ck_assert_int_eq(f.marginal[0].price->cluster, 4);
    ck_assert_int_eq(f.marginal[0].pence, 1000);
    ck_assert_int_eq(f.marginal[0].position, 330);
    ck_assert_int_eq(f.marginal[0].outturn, 330);
    forecast_free(&f);
    a.terms->risk_share.present = false;
    f = made(&a, APRIL);
    ck_assert_int_eq(f.marginal[0].position, 1100);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

/* April 100 of a plan of 100 a month: the outturn is the plan, 1200. */
START_TEST(open_challenges_give_the_outturn_its_other_end)
{
    struct position_account a = account_of(EVEN_PLAN);
    activity(&a, APRIL, 4, 100);
    challenged(&a, 25, 60, false); /* contests 40, claims 25 */
    challenged(&a, 1000, 50, true);
    struct forecast f = made(&a, APRIL);
    ck_assert_uint_eq(f.contested_count, 2);
    ck_assert_int_eq(f.contested[0].position, 25);
    ck_assert_int_eq(f.contested[0].outturn, 25);
    ck_assert_int_eq(f.contested[1].outturn, 10);
    ck_assert(!f.contested[0].billed && f.contested[1].billed);
    ck_assert_int_eq(f.contested_position, 35);
    ck_assert_int_eq(f.contested_outturn, 35);
    /* Neither what is to come nor the upper end knows of them. */
    ck_assert_int_eq(f.outturn.total, 1200);
    ck_assert_int_eq(f.outturn.subtotal[STAGE_CONTESTED], 0);
    ck_assert_int_eq(f.months[0].total, 100);
    ck_assert_int_eq(f.line[0].units[1], 100);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

/* A cap of 1236 for the year and 103 for April. April at 200 is paid 103, and 102 as countered. The year is expected
 * from 200 a month either way, and stays at its cap. */
START_TEST(beyond_the_cap_a_challenge_contests_nothing_of_the_outturn)
{
    struct position_account a = account_of(EVEN_PLAN ",'risk_share':{'cap':'3%','collar':'10%'}");
    activity(&a, APRIL, 4, 200);
    challenged(&a, 1000, 102, false);
    struct forecast f = made(&a, APRIL);
    ck_assert_int_eq(f.outturn.total, 1236);
    ck_assert_int_eq(f.contested[0].position, 1);
    ck_assert_int_eq(f.contested[0].outturn, 0);
    ck_assert_int_eq(f.contested_outturn, 0);
    forecast_free(&f);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_month_without_terms_or_activity_parks)
{
    struct position_account a = account_of(EVEN_PLAN);
    struct forecast f;
    activity(&a, APRIL, 4, 100);
    struct forecast_input in = input_of(&a, APRIL);
    in.terms[11] = NULL;
    ck_assert_int_eq(forecast_make(&in, &f, a.reason), POSITION_PARKED);
    ck_assert_ptr_nonnull(strstr(a.reason, "2013-03"));
    in = input_of(&a, APRIL + 1);
    a.month[1].submission = NULL;
    ck_assert_int_eq(forecast_make(&in, &f, a.reason), POSITION_PARKED);
    ck_assert_ptr_nonnull(strstr(a.reason, "2012-05"));
    terms_free(a.terms);
}
END_TEST

START_TEST(amounts_beyond_64_bits_are_refused)
{
    struct position_account a = account_of(EVEN_PLAN);
    struct forecast f;
    activity(&a, APRIL, 4, INT64_MAX);
    const struct forecast_input in = input_of(&a, APRIL);
    ck_assert_int_eq(forecast_make(&in, &f, a.reason), POSITION_OVERFLOW);
    terms_free(a.terms);
}
END_TEST

/* Whatever the activity: the year to date is the engine's, expected units follow the ratio, dates come in the order of
 * the amounts, and no unit is worth more than its own value (100 % of every band, no CQUIN). */
START_TEST(what_holds_of_any_forecast)
{
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 400; round++) {
        struct position_account a = account_of(PHASED_PLAN "," RISK);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int32_t months = 1 + (int32_t)(random % 6);
        for (int32_t k = 0; k < months; k++) {
            activity(&a, APRIL + k, 4, (int64_t)((random >> (k * 8)) % 256));
        }
        struct forecast f = made(&a, APRIL + months - 1);
        for (int32_t k = 0; k < months; k++) {
            ck_assert_int_eq(f.months[k].total, done(&a, APRIL + k).total);
        }
        for (size_t i = 1; i < f.edge_count; i++) {
            ck_assert_int_ge(f.edge[i].pence, f.edge[i - 1].pence);
            ck_assert(f.edge[i].on == DATE_NONE || f.edge[i].on >= f.edge[i - 1].on);
            ck_assert_int_eq(f.edge[i].on == DATE_NONE, f.edge[i].outturn < f.edge[i].pence);
        }
        for (size_t i = 0; i < f.marginal_count; i++) {
            ck_assert_int_ge(f.marginal[i].position, 0);
            ck_assert_int_le(f.marginal[i].position, f.marginal[i].pence);
        }
        json_t *json = forecast_json(&f);
        ck_assert_int_eq(json_int(json_object_get(json, "outturn"), "position_pence", -1), f.outturn.total);
        ck_assert_uint_eq(json_array_size(json_object_get(json, "months")), 12);
        json_decref(json);
        forecast_free(&f);
        terms_free(a.terms);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forecast");
    TCase *t = tcase_create("forecast");
    tcase_add_test(t, activity_exactly_on_plan_comes_out_at_the_plan);
    tcase_add_test(t, what_is_to_come_follows_the_plan_in_the_measure_met_to_date);
    tcase_add_test(t, without_a_plan_to_date_it_goes_on_by_days);
    tcase_add_test(t, months_planned_by_a_stated_sum_go_on_by_days_too);
    tcase_add_test(t, what_is_planned_from_later_on_comes_as_planned);
    tcase_add_test(t, an_agreed_estimate_says_nothing_about_activity);
    tcase_add_test(t, dates_of_plan_cap_and_collar_are_those_of_the_day);
    tcase_add_test(t, what_is_not_reached_this_year_has_no_date);
    tcase_add_test(t, edges_of_volume_bands_are_of_their_group_with_factor);
    tcase_add_test(t, one_more_unit_is_worth_what_the_engine_makes_of_it);
    tcase_add_test(t, open_challenges_give_the_outturn_its_other_end);
    tcase_add_test(t, beyond_the_cap_a_challenge_contests_nothing_of_the_outturn);
    tcase_add_test(t, a_month_without_terms_or_activity_parks);
    tcase_add_test(t, amounts_beyond_64_bits_are_refused);
    tcase_add_test(t, what_holds_of_any_forecast);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
