/* The amount at stake: the gross value of a row this month, and when it is not known. */
#include "check/appraisal.h"
#include "lib/contract_year.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY        7
#define ASSESSMENT 1000
#define UNKNOWN    (-1)

/* A row of April 2012 in an account that pays cluster 04 by the day and for assessments; cluster 05 has no price. */
struct stake_case {
    const char *what;
    enum rule_id rule; /* that it fails */
    const char *cluster, *start, *end, *mhct;
    bool assessment_only;
    int mhct_reason;
    int64_t stake;
};

static const struct stake_case cases[] = {
    {"open all month", RULE_M02, "04", "2012-03-01", "", "2012-03-01", false, 10, 30 * DAY},
    {"assessed in the month", RULE_M02, "04", "2012-04-21", "", "2012-04-21", false, 10, 10 * DAY + ASSESSMENT},
    {"no price", RULE_M02, "05", "2012-04-01", "", "2012-04-01", false, 11, UNKNOWN},
    {"ends on the first day", RULE_M02, "04", "2012-03-01", "2012-04-01", "2012-03-01", false, 10, 0},
    {"no price, and no day", RULE_M02, "05", "2012-03-01", "2012-04-01", "2012-03-01", false, 10, 0},
    {"start is no date", RULE_D01, "04", "", "", "2012-04-01", false, 11, UNKNOWN},
    {"end is no date", RULE_D03, "04", "2012-04-01", "", "2012-04-01", false, 11, UNKNOWN},
    {"starts after the month", RULE_D02, "04", "2012-05-01", "", "2012-03-01", false, 11, 0},
    {"MHCT is no date", RULE_M03, "04", "2012-04-01", "", "", false, 10, 30 * DAY},
    {"assessment alone", RULE_M02, "04", "2012-04-21", "", "2012-04-21", true, 10, ASSESSMENT},
    {"assessment alone, no price", RULE_M02, "05", "2012-04-21", "", "2012-04-21", true, 10, UNKNOWN},
    {"assessment alone, of another month", RULE_M02, "04", "2012-03-21", "", "2012-03-21", true, 10, 0},
    {"assessment alone, MHCT is no date", RULE_M03, "04", "2012-04-21", "", "", true, 10, UNKNOWN},
    {"another assessment comes first", RULE_A01, "04", "2012-04-21", "", "2012-04-21", false, 10, 10 * DAY},
    {"assessment alone, another comes first", RULE_A01, "04", "2012-04-21", "", "2012-04-21", true, 10, 0},
};

static const char priced[] =
    "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',"
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}},"
    "'prices':[{'cluster':'04','basis':'DAY','pence':7},{'cluster':'04','basis':'ASSESSMENT','pence':1000}]}";

static struct reference reference;

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert(text[0] == '\0' || date_parse(text, strlen(text), &d));
    return d;
}

START_TEST(the_amount_at_stake_is_the_gross_value)
{
    const struct stake_case *c = &cases[_i];
    month_t april = month_of(day("2012-04-01"));
    struct terms *terms = terms_of(priced);
    struct appraisal *appraisal = appraisal_new(&reference, april);
    ck_assert(appraisal != NULL && appraisal_add(appraisal, "5QE", terms));
    struct episode row = {.row_no = 1,
                          .commissioner = "5QE",
                          .start_date = day(c->start),
                          .end_date = day(c->end),
                          .mhct_date = day(c->mhct),
                          .referral_date = DATE_NONE,
                          .last_contact = DATE_NONE,
                          .mhct_reason = (int16_t)c->mhct_reason,
                          .assessment_only = c->assessment_only,
                          .failed = rule_set_of(c->rule)};
    memcpy(row.cluster, c->cluster, sizeof row.cluster);
    struct row_appraisal verdict;
    appraisal_row(appraisal, &row, &verdict);
    ck_assert_msg(verdict.known == (c->stake != UNKNOWN) && verdict.pence == (verdict.known ? c->stake : 0),
                  "%s: %s %lld", c->what, verdict.known ? "known" : "unknown", (long long)verdict.pence);
    appraisal_free(appraisal);
    terms_free(terms);
}
END_TEST

static void setup(void)
{
    upload_reference(&reference);
}

static void teardown(void)
{
    reference_free(&reference);
}

int main(void)
{
    Suite *s = suite_create("appraisal");
    TCase *t = tcase_create("appraisal");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_amount_at_stake_is_the_gross_value, 0, (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
