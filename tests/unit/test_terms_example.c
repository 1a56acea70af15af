/* Worked examples: the vectors of the spec as examples of terms, and how a difference is told. */
#include "lib/contract_year.h"

#include "domain/terms_example.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TERMS(parts)                                                                                                   \
    "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2013,'effective_from':'2013-04',"                 \
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}," parts "}"
#define DAYS                                                                                                           \
    "'prices':[{'cluster':'04','basis':'DAY','pence':612},{'cluster':'11','basis':'DAY','pence':1043},"                \
    "{'cluster':'14','basis':'DAY','pence':11875}]"
#define WARD                                                                                                           \
    "'prices':[{'cluster':'14','basis':'ADMITTED','pence':30000,'to':'2013-04-16'},"                                   \
    "{'cluster':'14','basis':'ADMITTED','pence':31000,'from':'2013-04-16'},"                                           \
    "{'cluster':'14','basis':'NONADMITTED','pence':1000,'to':'2013-04-16'},"                                           \
    "{'cluster':'14','basis':'NONADMITTED','pence':1200,'from':'2013-04-16'}]"
#define PLANNED                 "'plan':{'sums':[{'month':'2013-04','pence':1000000000}]}"
#define POUND                   "'prices':[{'cluster':'04','basis':'DAY','pence':100}]"
#define EXAMPLE(middle, expect) "'examples':[{'title':'t','month':'2013-04'," middle "'expect':{" expect "}}]"

/* For a format. */
#define DEAD_BAND "'risk_share':{'preset':'dead_band','to':'2%%','pay_over':'30%%','pay_under':'50%%','cap':'3%%'}"

/* The one example of the terms passes. */
static void passes(const char *text)
{
    struct terms *t = terms_of(text);
    struct example_result r;
    ck_assert_int_eq(t->example_count, 1);
    ck_assert_int_eq(example_compute(t, 0, &r), EXAMPLE_DONE);
    ck_assert_msg(r.computed, "%s", r.reason);
    ck_assert_msg(r.passes, "%s: expected %lld, computed %lld", r.figure[r.differs].name,
                  (long long)r.figure[r.differs].expected_pence, (long long)r.figure[r.differs].computed_pence);
    example_result_free(&r);
    terms_free(t);
}

START_TEST(vectors_of_prices)
{
    passes(TERMS(DAYS "," EXAMPLE("'rows':[{'cluster':'04','start':'2013-04-01'},"
                                  "{'cluster':'11','start':'2013-04-10'},"
                                  "{'cluster':'14','start':'2013-03-01','end':'2013-04-11'}],",
                                  "'lines':{'activity/2013-04/04/DAY/612':18360,'activity/2013-04/11/DAY/1043':21903,"
                                  "'activity/2013-04/14/DAY/11875':118750},'total_pence':159013")));
    passes(TERMS(WARD "," EXAMPLE("'rows':[{'cluster':'14','start':'2013-04-01','admitted_days':20}],",
                                  "'total_pence':617000")));
}
END_TEST

START_TEST(rows_lie_in_each_of_their_months)
{
    passes(TERMS(DAYS ",'examples':[{'title':'t','month':'2013-06','rows':[{'cluster':'04','start':'2013-04-30',"
                      "'end':'2013-06-02','count':2},{'cluster':'04','start':'2013-04-01','month':'2013-05'}],'expect':"
                      "{'lines':{'activity/2013-04/04/DAY/612':1224,'activity/2013-05/04/DAY/612':56916,"
                      "'activity/2013-06/04/DAY/612':1224}}}]"));
}
END_TEST

/* Against a plan of ten million pounds; rows of one day at ten pounds. */
START_TEST(vectors_of_the_risk_share)
{
    static const struct {
        int half; /* rows, in two halves */
        long long total;
    } table[] = {{440000, 950000000},
                 {490000, 1000000000},
                 {510000, 1000000000},
                 {515000, 1003000000},
                 {575000, 1030000000} /* the cap; without it 10.39 million */};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[2000];
        (void)snprintf(text, sizeof text,
                       TERMS("'prices':[{'cluster':'04','basis':'DAY','pence':1000}]," PLANNED "," DEAD_BAND
                             "," EXAMPLE("'rows':[{'cluster':'04','start':'2013-04-30','count':%d},"
                                         "{'cluster':'04','start':'2013-04-30','count':%d}],",
                                         "'stages':{'activity':%lld},'total_pence':%lld")),
                       table[i].half, table[i].half, table[i].half * 2000LL, table[i].total);
        passes(text);
    }
}
END_TEST

START_TEST(assessments_compete_with_other_commissioners)
{
    passes(TERMS("'prices':[{'cluster':'04','basis':'DAY','pence':100},{'cluster':'04','basis':'ASSESSMENT','pence':"
                 "20000}]," EXAMPLE("'commissioner':'5QE','rows':[{'cluster':'04','assessment':'2013-04-10','count':3},"
                                    "{'cluster':'04','assessment':'2013-04-11','commissioner':'5QF'},"
                                    "{'cluster':'04','start':'2013-04-29','assessment':'2013-04-29'}],",
                                    "'lines':{'activity/2013-04/04/ASSESSMENT/20000':80000,"
                                    "'activity/2013-04/04/DAY/100':200}")));
}
END_TEST

START_TEST(agreed_sums_and_achievements_are_played)
{
    passes(TERMS(POUND ",'cquin':{'rate':'2.5%','on_account':'0%','indicators':[{'id':'a','label':'A','weight':'100%',"
                       "'measure':'linear','thresholds':[{'at':'80%','earns':'50%'},{'at':'90%','earns':'100%'}]}]}"
                       ",'withholds':[{'id':'late','label':'Late data','share':'5%'}]," EXAMPLE(
                           "'rows':[{'cluster':'04','start':'2013-04-01','count':100}],"
                           "'achievements':[{'indicator':'a','numerator':5,'denominator':6}],"
                           "'adjustments':[{'label':'x','month':'2013-04','pence':-1000,'in_cquin':false}],"
                           "'withholds':[{'id':'late','month':'2013-04'}],",
                           "'stages':{'activity':300000,'adjustment':-1000,'withhold':-15000,'cquin':4750}")));
}
END_TEST

/* What a failing example says: the first figure that differs, and its place. */
START_TEST(a_difference_is_named)
{
    struct terms *t = terms_of(TERMS(DAYS "," EXAMPLE("'rows':[{'cluster':'04','start':'2013-04-01'}],",
                                                      "'lines':{'activity/2013-04/04/DAY/613':18390},"
                                                      "'stages':{'activity':18360},'total_pence':18390")));
    int32_t failing;
    char pointer[EXAMPLE_POINTER_SIZE];
    char sentence[EXAMPLE_SENTENCE_SIZE];
    json_t *results = examples_json(t, &failing);
    ck_assert_int_eq(failing, 0);
    const json_t *one = json_array_get(results, 0);
    ck_assert(!json_bool(one, "passes", true));
    ck_assert_str_eq(json_text(one, "first_difference"), "line activity/2013-04/04/DAY/613");
    ck_assert_int_eq(json_int(one, "total_pence", 0), 18360);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "figures")), 3);
    ck_assert(examples_fail(results, pointer, sentence));
    ck_assert_str_eq(pointer, "/examples/0/expect/lines/activity~12013-04~104~1DAY~1613");
    ck_assert_str_eq(sentence, "Example \"t\": line activity/2013-04/04/DAY/613 is expected to be £183.90, computed no "
                               "such line; correct the terms or the example");
    json_decref(results);
    terms_free(t);
}
END_TEST

START_TEST(no_example_is_a_failure_and_so_is_no_position)
{
    int32_t failing;
    char pointer[EXAMPLE_POINTER_SIZE];
    char sentence[EXAMPLE_SENTENCE_SIZE];
    struct terms *none = terms_of(TERMS(DAYS));
    json_t *results = examples_json(none, &failing);
    ck_assert_int_eq(failing, -1);
    ck_assert(examples_fail(results, pointer, sentence));
    ck_assert_str_eq(pointer, "/examples");
    json_decref(results);
    terms_free(none);
    /* Version 0 speaks for May on; April has units that its prices do not value. */
    struct terms *parked = terms_of("{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2013,"
                                    "'effective_from':'2013-05','calendar':{'flex':{'operational_days':5},'freeze':"
                                    "{'operational_days':20}},'prices':[{'cluster':'04','basis':'DAY','pence':1,'from':"
                                    "'2013-05-01'}],'plan':{'lines':[{'cluster':'04','basis':'DAY','units':"
                                    "[1,1,1,1,1,1,1,1,1,1,1,1]}]}," EXAMPLE("", "'total_pence':0") "}");
    results = examples_json(parked, &failing);
    ck_assert_int_eq(failing, 0);
    ck_assert(examples_fail(results, pointer, sentence));
    ck_assert_str_eq(pointer, "/examples/0");
    ck_assert_ptr_nonnull(strstr(sentence, "Example \"t\" comes to no position: "));
    json_decref(results);
    terms_free(parked);
}
END_TEST

/* What is computed while somebody waits is bounded. */
START_TEST(work_is_bounded)
{
    struct json_problem problem = {"", ""};
    json_t *prices = json_array();
    json_t *examples = json_array();
    for (int i = 0; i < 2000; i++) {
        char service[12];
        (void)snprintf(service, sizeof service, "S%d", i);
        ck_assert_int_eq(json_array_append_new(prices, json_pack("{s:s, s:s, s:i, s:s}", "cluster", "04", "basis",
                                                                 "DAY", "pence", 1, "service", service)),
                         0);
    }
    ck_assert_int_eq(json_array_append_new(examples, json_pack("{s:s, s:s, s:{s:i}}", "title", "t", "month", "2013-06",
                                                               "expect", "total_pence", 0)),
                     0);
    json_t *terms =
        json_pack("{s:s, s:s, s:i, s:s, s:{s:{s:i}, s:{s:i}}, s:o, s:o}", "@purpose", "reckoner/terms/1", "mode",
                  "shadow", "financial_year", 2013, "effective_from", "2013-04", "calendar", "flex", "operational_days",
                  5, "freeze", "operational_days", 20, "prices", prices, "examples", examples);
    ck_assert_ptr_nonnull(terms);
    ck_assert_ptr_null(terms_parse(terms, &problem));
    ck_assert_str_eq(problem.field, "/examples");
    ck_assert_ptr_nonnull(strstr(problem.message, "too much"));
    json_decref(terms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms_example");
    TCase *t = tcase_create("terms_example");
    tcase_add_test(t, vectors_of_prices);
    tcase_add_test(t, rows_lie_in_each_of_their_months);
    tcase_add_test(t, vectors_of_the_risk_share);
    tcase_add_test(t, assessments_compete_with_other_commissioners);
    tcase_add_test(t, agreed_sums_and_achievements_are_played);
    tcase_add_test(t, a_difference_is_named);
    tcase_add_test(t, work_is_bounded);
    tcase_add_test(t, no_example_is_a_failure_and_so_is_no_position);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
