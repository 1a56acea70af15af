/* What parties do about an account beside its activity: months agreed without any, block lines, adjustments, withholds,
 * disputed achievements, challenges. The vectors of the specification, and what must hold around them. */
#include "lib/position_account.h"

#include "domain/position_change.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD_BAND                                                                                                      \
    "'risk_share':{'over':[{'to':'2%','pay':'0%'},{'pay':'30%'}],'under':[{'to':'2%','pay':'0%'},{'pay':'50%'}]"
#define PLAN_SUMS "'plan':{'sums':[{'month':'2012-04','pence':1000000000},{'month':'2012-05','pence':70000}]}"
#define CQUIN_ALL                                                                                                      \
    "'cquin':{'rate':'10%','on_account':'100%','indicators':[{'id':'a','label':'x','weight':'100%','measure':'step',"  \
    "'thresholds':[{'at':'50%','earns':'50%'}]}]}"
#define WITHHOLDS                                                                                                      \
    "'withholds':[{'id':'late','label':'Late data','share':'1%'},{'id':'poor','label':'Poor data','share':'5%'}]"

static const char *input_text(const struct position_line *line, const char *name)
{
    return json_text(json_object_get(line->derivation, "inputs"), name);
}

static int64_t input_number(const struct position_line *line, const char *name)
{
    return json_int(json_object_get(line->derivation, "inputs"), name, INT64_MIN);
}

static bool noted(const struct position *p, const char *words)
{
    size_t i;
    json_t *note;
    json_array_foreach(p->notes, i, note)
    {
        if (strstr(json_string_value(note), words) != NULL) {
            return true;
        }
    }
    return false;
}

static void agree_month(struct position_account *a, int k, enum month_source source)
{
    a->month[k].source = source;
    a->month[k].agreement = 7;
    a->month[k].agreed_at = 4000 + k;
}

START_TEST(a_period_is_planned_by_the_day)
{
    struct position_account a =
        account_of("'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[1000,0,0,0,0,0,0,0,0,0,0,0]}]}");
    struct terms_price *price = &a.terms->price[0];
    price->pence = 234567;
    price->basis = BASIS_PERIOD;
    price->period_days = 28;
    a.terms->plan[0].basis = BASIS_PERIOD;
    ck_assert_int_eq(done(&a, APRIL).planned, 8377393);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_month_agreed_as_nothing_does_not_park)
{
    struct position_account a = account_of("");
    struct position p;
    activity(&a, APRIL, 4, 100);
    agree_month(&a, 1, MONTH_ZERO);
    ck_assert_int_eq(compute(&a, APRIL + 1, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 100);
    ck_assert_int_eq(p.known_at, 4001);
    ck_assert(noted(&p, "2012-05 has no activity, as agreed (agreement 7)"));
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(an_estimate_is_the_plan_of_each_group_and_meets_factor_and_bands)
{
    struct position_account a = account_of(
        "'factor':'1.05','plan':{'lines':[{'cluster':'04','basis':'DAY','units':[100,1001,0,0,0,0,0,0,0,0,0,0]},"
        "{'cluster':'11','basis':'DAY','units':[0,30,0,0,0,0,0,0,0,0,0,0]}]},"
        "'volume_bands':[{'group':'g','clusters':['04'],'bands':[{'to':'100%','pay':'100%'},{'pay':'0%'}]}]");
    struct position p;
    activity(&a, APRIL, 4, 300);
    agree_month(&a, 1, MONTH_ESTIMATE);
    ck_assert_int_eq(compute(&a, APRIL + 1, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "estimate/2012-05/g"), 1001);
    ck_assert_int_eq(pence_of(&p, "estimate/2012-05/other"), 30);
    ck_assert_int_eq(pence_of(&p, "factor/2012-05/g"), 50);
    ck_assert_int_eq(pence_of(&p, "factor/2012-05/other"), 2);
    ck_assert_int_eq(pence_of(&p, "bands/g"), -210); /* 300 * 1.05 + 1051 against 105 + 1051 */
    ck_assert_int_eq(line_of(&p, "estimate/2012-05/g")->stage, STAGE_ACTIVITY);
    ck_assert_int_eq(input_number(line_of(&p, "estimate/2012-05/g"), "agreement"), 7);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(an_estimate_by_a_stated_sum_takes_no_factor)
{
    struct position_account a = account_of("'factor':'2'," PLAN_SUMS "," WITHHOLDS);
    struct position p;
    activity(&a, APRIL, 4, 10);
    agree_month(&a, 1, MONTH_ESTIMATE);
    a.withhold[a.withholds++] = (struct position_withhold){.id = "late", .month = APRIL + 1};
    ck_assert_int_eq(compute(&a, APRIL + 1, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "estimate/2012-05"), 70000);
    ck_assert_str_eq(json_text(line_of(&p, "estimate/2012-05")->derivation, "clause"), "/plan/sums/1");
    ck_assert_int_eq(pence_of(&p, "withhold/2012-05/late"), -700);
    ck_assert_int_eq(p.total, 20 + 70000 - 700);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(real_data_replaces_what_was_agreed)
{
    struct position_account a = account_of(PLAN_SUMS);
    struct position agreed;
    struct position real;
    activity(&a, APRIL, 4, 10);
    ck_assert_int_eq(compute(&a, APRIL + 1, &real), POSITION_DONE);
    agree_month(&a, 1, MONTH_ESTIMATE);
    struct position_input in = account_input(&a, APRIL + 1); /* the submission stays set from the first call */
    ck_assert_ptr_nonnull(in.months[1].submission);
    ck_assert_int_eq(position_compute(&in, &agreed, a.reason), POSITION_DONE);
    ck_assert_int_eq(agreed.total, real.total);
    ck_assert_uint_eq(agreed.count, real.count);
    ck_assert_int_eq(agreed.known_at, real.known_at);
    position_free(&agreed);
    position_free(&real);
    terms_free(a.terms);
}
END_TEST

START_TEST(an_estimate_without_a_plan_says_so)
{
    struct position_account a = account_of("");
    struct position p;
    agree_month(&a, 0, MONTH_ESTIMATE);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 0);
    ck_assert(noted(&p, "nothing is planned"));
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(adjustments_count_from_their_month_and_can_be_undone)
{
    struct position_account a = account_of("");
    struct position p;
    activity(&a, APRIL, 4, 1000);
    a.adjustment[0] = (struct position_adjustment){
        .n = 3, .month = APRIL + 1, .pence = -250, .label = "Double count", .in_cquin = true, .agreed_at = 50};
    a.adjustment[1] = (struct position_adjustment){.n = 5,
                                                   .month = APRIL + 2,
                                                   .pence = 250,
                                                   .label = "Was none",
                                                   .in_cquin = true,
                                                   .reverses = 3,
                                                   .agreed_at = 60};
    a.adjustments = 2;
    ck_assert_int_eq(done(&a, APRIL).total, 1000);
    ck_assert_int_eq(done(&a, APRIL).known_at, 0);
    ck_assert_int_eq(done(&a, APRIL + 1).total, 750);
    ck_assert_int_eq(done(&a, APRIL + 1).known_at, 50);
    ck_assert_int_eq(compute(&a, APRIL + 2, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 1000);
    ck_assert_int_eq(p.subtotal[STAGE_ADJUSTMENT], 0);
    ck_assert_int_eq(pence_of(&p, "adjustment/3"), -250);
    ck_assert_int_eq(input_number(line_of(&p, "adjustment/5"), "reverses"), 3);
    ck_assert_int_eq(json_int(line_of(&p, "adjustment/5")->derivation, "agreement", 0), 5);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(cquin_counts_adjustments_that_say_so_and_withholds)
{
    struct position_account a = account_of(CQUIN_ALL "," WITHHOLDS);
    activity(&a, APRIL, 4, 10000);
    a.adjustment[0] =
        (struct position_adjustment){.n = 1, .month = APRIL, .pence = 500, .label = "A", .in_cquin = true};
    a.adjustment[1] = (struct position_adjustment){.n = 2, .month = APRIL, .pence = 7000, .label = "B"};
    a.adjustments = 2;
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL};
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.aav, 10000 + 500 - 500);
    ck_assert_int_eq(p.total, 10000 + 500 + 7000 - 500 + 1000);
    terms_free(a.terms);
}
END_TEST

START_TEST(terms_may_leave_adjustments_and_withholds_out_of_cquin)
{
    struct position_account a = account_of(
        "'cquin':{'rate':'10%','on_account':'100%','exclude':{'stages':['adjustment','withhold']},'indicators':["
        "{'id':'a','label':'x','weight':'100%','measure':'step','thresholds':[{'at':'50%','earns':'50%'}]}]}"
        "," WITHHOLDS);
    activity(&a, APRIL, 4, 10000);
    a.adjustment[0] =
        (struct position_adjustment){.n = 1, .month = APRIL, .pence = 500, .label = "A", .in_cquin = true};
    a.adjustments = 1;
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL};
    ck_assert_int_eq(done(&a, APRIL).aav, 10000);
    terms_free(a.terms);
}
END_TEST

START_TEST(the_base_of_cquin_is_never_below_nothing)
{
    struct position_account a = account_of(CQUIN_ALL);
    activity(&a, APRIL, 4, 100);
    a.adjustment[a.adjustments++] =
        (struct position_adjustment){.n = 1, .month = APRIL, .pence = -5000, .label = "A", .in_cquin = true};
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.aav, 0);
    ck_assert_int_eq(p.total, -4900);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_withhold_follows_its_month_until_it_is_decided)
{
    struct position_account a = account_of(WITHHOLDS);
    struct position p;
    activity(&a, APRIL, 4, 8333333);
    activity(&a, APRIL + 1, 4, 500);
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL, .imposed_at = 90};
    ck_assert_int_eq(compute(&a, APRIL + 1, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "withhold/2012-04/poor"), -416667);
    ck_assert_str_eq(json_text(line_of(&p, "withhold/2012-04/poor")->derivation, "clause"), "/withholds/1");
    ck_assert_int_eq(p.known_at, 90);
    position_free(&p);
    a.line[0].pence = 100;
    ck_assert_int_eq(done(&a, APRIL).total, 95);
    a.withhold[0].state = WITHHOLD_KEPT;
    a.withhold[0].decided_pence = 30;
    a.withhold[0].decided_at = 95;
    ck_assert_int_eq(done(&a, APRIL).total, 70);
    ck_assert_int_eq(done(&a, APRIL).known_at, 95);
    a.withhold[0].state = WITHHOLD_RELEASED;
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 100);
    ck_assert_int_eq(pence_of(&p, "withhold/2012-04/poor"), -30);
    ck_assert_int_eq(pence_of(&p, "withhold/2012-04/poor/release"), 30);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_withhold_is_of_activity_and_factor_alone)
{
    struct position_account a =
        account_of("'factor':'1.1','block':[{'month':'2012-04','pence':5000,'label':'L'}]," WITHHOLDS);
    activity(&a, APRIL, 4, 1000);
    a.withhold[a.withholds++] = (struct position_withhold){.id = "late", .month = APRIL};
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL};
    a.withhold[a.withholds++] = (struct position_withhold){.id = "late", .month = APRIL + 1};
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.subtotal[STAGE_WITHHOLD], -11 - 55);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_withhold_that_the_terms_no_longer_have_is_skipped_while_open)
{
    struct position_account a = account_of(WITHHOLDS);
    struct position p;
    activity(&a, APRIL, 4, 1000);
    a.withhold[a.withholds++] = (struct position_withhold){.id = "gone", .month = APRIL};
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 1000);
    ck_assert(noted(&p, "withhold gone of 2012-04 is skipped"));
    position_free(&p);
    a.withhold[0].state = WITHHOLD_KEPT;
    a.withhold[0].decided_pence = 9;
    ck_assert_int_eq(done(&a, APRIL).total, 991);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_disputed_achievement_leaves_the_assumption_standing)
{
    struct position_account a = account_of(CQUIN_ALL);
    struct position p;
    activity(&a, APRIL, 4, 1000);
    achieved(&a, "a", 50, 100);
    ck_assert_int_eq(done(&a, APRIL).total, 1050);
    a.achievement[0].disputed = true;
    a.achievement[0].agreed_at = 77;
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(p.total, 1100);
    ck_assert_int_eq(p.known_at, 77);
    ck_assert_ptr_nonnull(strstr(input_text(line_of(&p, "cquin/a"), "measure"), "disputed"));
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_challenge_contests_what_it_would_change)
{
    struct position_account a = account_of("'plan':{'sums':[{'month':'2012-04','pence':1000000000}]}," DEAD_BAND "}");
    struct position p;
    activity(&a, APRIL, 4, 1050000000);
    int64_t before = done(&a, APRIL).total;
    challenged(&a, 10000000, 1040000000, false);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "contested/1"), -3000000);
    ck_assert_int_eq(p.total, before - 3000000);
    ck_assert_int_eq(p.contested[0].pence, 3000000);
    position_free(&p);
    a.challenge[0].claimed_pence = 1234;
    ck_assert_int_eq(done(&a, APRIL).total, before - 1234);
    terms_free(a.terms);
}
END_TEST

START_TEST(under_a_cap_a_challenge_contests_nothing)
{
    struct position_account a =
        account_of("'plan':{'sums':[{'month':'2012-04','pence':1000000000}]}," DEAD_BAND ",'cap':'1%'}");
    struct position p;
    activity(&a, APRIL, 4, 1150000000);
    challenged(&a, 10000000, 1140000000, false);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "contested/1"), 0);
    ck_assert_int_eq(p.total, 1010000000);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(challenges_telescope_in_the_order_of_their_numbers)
{
    struct position_account a = account_of("'factor':'1.5'");
    struct position p;
    activity(&a, APRIL, 4, 1000);
    challenged(&a, 100000, 800, false);
    challenged(&a, 100000, 900, false); /* countered upwards: contests nothing, and gives nothing back */
    challenged(&a, 100000, 100, true);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_DONE);
    ck_assert_int_eq(pence_of(&p, "contested/1"), -300);
    ck_assert_int_eq(pence_of(&p, "contested/2"), 0);
    ck_assert_uint_eq(p.contested_count, 3);
    ck_assert_int_eq(p.contested[2].pence, 1200);
    ck_assert_int_eq(p.total, 1500 - 300); /* the third is on billed value: payment is held, no line */
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(a_challenge_withdrawn_leaves_no_trace)
{
    struct position_account a = account_of(CQUIN_ALL);
    activity(&a, APRIL, 4, 1000);
    struct position_input in = account_input(&a, APRIL);
    struct position p;
    size_t length;
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_DONE);
    char *before = position_document_bytes(&in, &p, &length);
    position_free(&p);
    challenged(&a, 100, 900, false);
    ck_assert_int_eq(done(&a, APRIL).total, 1100 - 100);
    a.challenges = 0;
    in = account_input(&a, APRIL);
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_DONE);
    char *after = position_document_bytes(&in, &p, &length);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

START_TEST(in_shadow_all_acts_are_computed_and_none_is_billed)
{
    struct position_account a =
        account_of("'block':[{'month':'2012-04','pence':5000,'label':'L'}]," CQUIN_ALL "," WITHHOLDS);
    a.terms->shadow = true;
    activity(&a, APRIL, 4, 1000);
    a.adjustment[a.adjustments++] = (struct position_adjustment){.n = 1, .month = APRIL, .pence = 10, .label = "A"};
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL};
    challenged(&a, 100, 900, false);
    struct position p = done(&a, APRIL);
    ck_assert_int_eq(p.total, 1000 + 5000 + 10 - 50 + 595 - 100);
    ck_assert_int_eq(p.billable, 5000);
    terms_free(a.terms);
}
END_TEST

START_TEST(sums_alone_are_the_same_sums)
{
    struct position_account a =
        account_of(PLAN_SUMS "," DEAD_BAND ",'cap':'3%'},'factor':'1.01'," CQUIN_ALL "," WITHHOLDS);
    struct position whole;
    struct position sums;
    activity(&a, APRIL, 4, 1150000000);
    a.adjustment[a.adjustments++] = (struct position_adjustment){.n = 1, .month = APRIL, .pence = 10, .label = "A"};
    a.withhold[a.withholds++] = (struct position_withhold){.id = "poor", .month = APRIL};
    challenged(&a, 10000, 900, false);
    struct position_input in = account_input(&a, APRIL);
    ck_assert_int_eq(position_compute(&in, &whole, a.reason), POSITION_DONE);
    in.sums_alone = true;
    ck_assert_int_eq(position_compute(&in, &sums, a.reason), POSITION_DONE);
    ck_assert_uint_eq(whole.count, sums.count);
    for (size_t i = 0; i < whole.count; i++) {
        ck_assert_str_eq(whole.line[i].key, sums.line[i].key);
        ck_assert_int_eq(whole.line[i].pence, sums.line[i].pence);
        ck_assert_ptr_null(sums.line[i].derivation);
        ck_assert_ptr_nonnull(whole.line[i].derivation);
    }
    ck_assert_int_eq(whole.total, sums.total);
    position_free(&whole);
    position_free(&sums);
    terms_free(a.terms);
}
END_TEST

START_TEST(the_document_names_every_act_and_no_person)
{
    struct position_account a = account_of(WITHHOLDS);
    struct position p;
    activity(&a, APRIL, 4, 1000);
    agree_month(&a, 1, MONTH_ZERO);
    a.adjustment[0] = (struct position_adjustment){.n = 4, .month = APRIL, .pence = 10, .label = "A", .agreed_at = 1};
    a.adjustment[1] = (struct position_adjustment){.n = 9, .month = APRIL + 5, .pence = 10, .label = "later"};
    a.adjustments = 2;
    a.withhold[a.withholds++] = (struct position_withhold){
        .id = "poor", .month = APRIL, .state = WITHHOLD_KEPT, .decided_pence = 50, .agreement = 6, .decided_at = 2};
    a.decision[a.decisions++] = (struct position_decision){
        .number = 2, .month = APRIL, .row_sha256 = "ab", .kind = "cluster", .cluster = 4, .payable_days = -1};
    challenged(&a, 100, 900, true);
    struct position_input in = account_input(&a, APRIL + 1);
    ck_assert_int_eq(position_compute(&in, &p, a.reason), POSITION_DONE);
    json_t *document = position_document(&in, &p);
    char *inputs = json_dumps(json_object_get(document, "inputs"), JSON_SORT_KEYS | JSON_COMPACT);
    ck_assert_str_eq(
        inputs,
        "{\"achievements\":[],\"adjustments\":[{\"agreement\":4,\"in_cquin\":false,\"label\":\"A\",\"month\":\"2012-"
        "04\","
        "\"pence\":10}],\"annual_terms\":1,\"challenges\":[{\"billed\":true,\"claimed_pence\":100,\"number\":1}],"
        "\"decisions\":[{\"cluster\":\"04\",\"kind\":\"cluster\",\"month\":\"2012-04\",\"number\":2,\"row_sha256\":"
        "\"ab\"}],"
        "\"months\":[{\"month\":\"2012-04\",\"sha256\":\"00\",\"terms\":1},"
        "{\"agreed\":\"zero\",\"agreement\":7,\"month\":\"2012-05\",\"terms\":1}],"
        "\"terms\":[{\"sha256\":\"00\",\"version\":1}],"
        "\"withholds\":[{\"agreement\":6,\"id\":\"poor\",\"month\":\"2012-04\",\"pence\":50,\"state\":\"kept\"}]}");
    ck_assert_int_eq(json_int(json_array_get(json_object_get(document, "contested"), 0), "pence", 0), 100);
    free(inputs);
    json_decref(document);
    position_free(&p);
    terms_free(a.terms);
}
END_TEST

/* inputs: lists in JSON with ' for ". */
static void check_causes(const char *before, const char *now, const char *expected)
{
    json_t *documents[2];
    struct buf causes;
    const char *inputs[] = {before, now};
    for (int i = 0; i < 2; i++) {
        char text[1000];
        struct json_problem problem;
        int length = snprintf(text, sizeof text, "{'engine':'e','inputs':{%s}}", inputs[i]);
        for (char *c = text; *c != '\0'; c++) {
            *c = *c == '\'' ? '"' : *c;
        }
        documents[i] = json_read(text, (size_t)length, &problem);
        ck_assert_ptr_nonnull(documents[i]);
    }
    buf_init(&causes, 1000);
    ck_assert(position_causes(documents[0], documents[1], &causes));
    ck_assert_str_eq(causes.data, expected);
    buf_free(&causes);
    json_decref(documents[0]);
    json_decref(documents[1]);
}

START_TEST(causes_name_what_came_changed_or_went)
{
#define HELD(id, state) "{'id':'" id "','month':'2012-05','state':'" state "'}"
    check_causes("'withholds':[" HELD("a", "open") "," HELD("b", "open") "]", "'withholds':[" HELD("b", "open") "]",
                 "withhold of 2012-05");
    check_causes("'withholds':[" HELD("a", "open") "," HELD("b", "open") "]",
                 "'withholds':[" HELD("a", "kept") "," HELD("b", "kept") "]", "withhold of 2012-05");
    check_causes("'challenges':[{'number':1},{'number':2}]", "'challenges':[{'number':2},{'number':4}]",
                 "challenge 4, challenge 1");
    check_causes("'adjustments':[]", "'adjustments':[{'agreement':3,'month':'2012-05','pence':1}]", "adjustment 3");
    check_causes("'months':[{'month':'2012-04','agreed':'zero'}]", "'months':[{'month':'2012-04','sha256':'ab'}]",
                 "activity of 2012-04");
    check_causes("'months':[]", "'months':[{'month':'2012-04','agreed':'estimate'}]",
                 "month agreed without activity 2012-04");
    check_causes("'decisions':[{'month':'2012-04','row_sha256':'a'}]",
                 "'decisions':[{'month':'2012-04','row_sha256':'a'},{'month':'2012-04','row_sha256':'b'}]",
                 "decision on a row of 2012-04");
    check_causes("'achievements':[{'indicator':'r','numerator':1}]",
                 "'achievements':[{'indicator':'r','disputed':true}]", "achievement of r");
    check_causes("'challenges':[{'number':1}]", "'challenges':[{'number':1}]", "reference data or rules");
}
END_TEST

START_TEST(an_amount_of_an_act_beyond_exact_numbers_is_refused)
{
    struct position_account a = account_of("");
    struct position p;
    activity(&a, APRIL, 4, 1);
    a.adjustment[a.adjustments++] =
        (struct position_adjustment){.n = 1, .month = APRIL, .pence = INT64_MAX, .label = "A"};
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_OVERFLOW);
    a.adjustment[0].pence = INT64_C(9007199254740991);
    ck_assert_int_eq(compute(&a, APRIL, &p), POSITION_OVERFLOW);
    a.adjustment[0].pence = INT64_C(9007199254740990);
    ck_assert_int_eq(done(&a, APRIL).total, INT64_C(9007199254740991));
    terms_free(a.terms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("position_acts");
    TCase *t = tcase_create("acts");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, a_period_is_planned_by_the_day);
    tcase_add_test(t, a_month_agreed_as_nothing_does_not_park);
    tcase_add_test(t, an_estimate_is_the_plan_of_each_group_and_meets_factor_and_bands);
    tcase_add_test(t, an_estimate_by_a_stated_sum_takes_no_factor);
    tcase_add_test(t, real_data_replaces_what_was_agreed);
    tcase_add_test(t, an_estimate_without_a_plan_says_so);
    tcase_add_test(t, adjustments_count_from_their_month_and_can_be_undone);
    tcase_add_test(t, cquin_counts_adjustments_that_say_so_and_withholds);
    tcase_add_test(t, terms_may_leave_adjustments_and_withholds_out_of_cquin);
    tcase_add_test(t, the_base_of_cquin_is_never_below_nothing);
    tcase_add_test(t, a_withhold_follows_its_month_until_it_is_decided);
    tcase_add_test(t, a_withhold_is_of_activity_and_factor_alone);
    tcase_add_test(t, a_withhold_that_the_terms_no_longer_have_is_skipped_while_open);
    tcase_add_test(t, a_disputed_achievement_leaves_the_assumption_standing);
    tcase_add_test(t, a_challenge_contests_what_it_would_change);
    tcase_add_test(t, under_a_cap_a_challenge_contests_nothing);
    tcase_add_test(t, challenges_telescope_in_the_order_of_their_numbers);
    tcase_add_test(t, a_challenge_withdrawn_leaves_no_trace);
    tcase_add_test(t, in_shadow_all_acts_are_computed_and_none_is_billed);
    tcase_add_test(t, sums_alone_are_the_same_sums);
    tcase_add_test(t, the_document_names_every_act_and_no_person);
    tcase_add_test(t, causes_name_what_came_changed_or_went);
    tcase_add_test(t, an_amount_of_an_act_beyond_exact_numbers_is_refused);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
