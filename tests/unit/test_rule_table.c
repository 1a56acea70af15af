/* One table for all rules: each fires, does not fire, and turns at its boundary. A case is a small file of April 2013
 * that differs from clean rows in a few places. Rules with more to them have tests of their own beside this one. */
#include "check/appraisal.h"
#include "lib/contract_year.h"
#include "lib/rule_case.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_ROWS 3

/* Changes of the context, for rules that look beyond the file. */
enum outside {
    AS_IT_IS,
    PROVIDER_FROM_MAY,
    PROVIDER_UNTIL_MARCH,
    PROVIDER_ONE_DAY,
    FROZEN,
    ONE_OPEN,
    LAST_DAY_OF_MARCH,
    FIRST_DAY_OF_APRIL,
    THREE_DECLARED,
    FOUR_DECLARED,
    FOUR_BEFORE,
    THREE_BEFORE,
    NO_ROWS
};

struct rule_case {
    enum rule_id rule;
    enum rule_case_kind kind;
    enum outside outside;
    struct {
        int row; /* 1 to 3; 0 ends the list */
        enum column column;
        const char *text;
    } change[10];
};

/* Row 2 becomes another episode of the patient of row 1. */
#define SAME                                                                                                           \
    {2, COLUMN_PATIENT_ID, "P000001"},                                                                                 \
    {                                                                                                                  \
        2, COLUMN_NHS_NUMBER, "="                                                                                      \
    }
#define SPAN(row, start, end)                                                                                          \
    {row, COLUMN_START_DATE, start}, {row, COLUMN_MHCT_DATE, start},                                                   \
    {                                                                                                                  \
        row, COLUMN_END_DATE, end                                                                                      \
    }

static const struct rule_case cases[] = {
    {RULE_F01, FIRES, 0, {{1, COLUMN_SERVICE, "1234567890123"}}},
    {RULE_F01, EDGE_QUIET, 0, {{1, COLUMN_SERVICE, "123456789012"}}},
    {RULE_F01, EDGE_FIRES, 0, {{1, COLUMN_EPISODE_ID, "123456789012345678901"}}},
    {RULE_F03, FIRES, NO_ROWS, {{0}}},
    {RULE_F03, QUIET, 0, {{0}}},
    {RULE_F04, FIRES, 0, {{1, COLUMN_MONTH, "2013-05"}}},
    {RULE_F04, QUIET, 0, {{1, COLUMN_MONTH, "2013-04"}}},
    {RULE_F05, FIRES, 0, {{1, COLUMN_PROVIDER, "RXB"}}},
    {RULE_F05, QUIET, 0, {{1, COLUMN_PROVIDER, "RXA"}}},
    {RULE_F06, EDGE_FIRES, PROVIDER_FROM_MAY, {{0}}},
    {RULE_F06, FIRES, PROVIDER_UNTIL_MARCH, {{0}}},
    {RULE_F06, EDGE_QUIET, PROVIDER_ONE_DAY, {{0}}},
    {RULE_F07, FIRES, FROZEN, {{0}}},
    {RULE_F07, QUIET, ONE_OPEN, {{0}}},
    {RULE_F08, FIRES, 0, {{1, COLUMN_CLUSTER, "22"}, {2, COLUMN_CLUSTER, "22"}, {3, COLUMN_START_DATE, ""}}},
    {RULE_F08, QUIET, 0, {{1, COLUMN_CLUSTER, "22"}, {2, COLUMN_CLUSTER, "22"}}},
    {RULE_F09, FIRES, 0, {{2, COLUMN_NHS_NUMBER, "="}}},
    {RULE_F09, QUIET, 0, {SAME, SPAN(1, "2013-03-20", "2013-04-10"), SPAN(2, "2013-04-10", "")}},
    {RULE_F10, FIRES, 0, {{2, COLUMN_PATIENT_ID, "P000001"}}},
    {RULE_F10, QUIET, 0, {{2, COLUMN_PATIENT_ID, "P000001"}, {2, COLUMN_NHS_NUMBER, ""}}},
    {RULE_F11, FIRES, 0, {{2, COLUMN_EPISODE_ID, "E000001"}}},
    {RULE_F11, QUIET, 0, {{2, COLUMN_EPISODE_ID, "e000001"}}},
    {RULE_F12, EDGE_FIRES, LAST_DAY_OF_MARCH, {{0}}},
    {RULE_F12, EDGE_QUIET, FIRST_DAY_OF_APRIL, {{0}}},
    {RULE_F13, FIRES, FOUR_DECLARED, {{0}}},
    {RULE_F13, QUIET, THREE_DECLARED, {{0}}},
    {RULE_F13, EDGE_FIRES, FOUR_BEFORE, {{0}}},
    {RULE_F13, EDGE_QUIET, THREE_BEFORE, {{0}}},
    {RULE_P01, FIRES, 0, {{1, COLUMN_PATIENT_ID, ""}}},
    {RULE_P01, EDGE_FIRES, 0, {{1, COLUMN_PATIENT_ID, "123456789012345678901"}}},
    {RULE_P01, EDGE_QUIET, 0, {{1, COLUMN_PATIENT_ID, "12345678901234567890"}}},
    {RULE_P02, FIRES, 0, {{1, COLUMN_NHS_NUMBER, "9990000000"}}},
    {RULE_P02, QUIET, 0, {{1, COLUMN_NHS_NUMBER, ""}}},
    {RULE_P03, FIRES, 0, {{1, COLUMN_NHS_NUMBER, ""}}},
    {RULE_P03, QUIET, 0, {{1, COLUMN_NHS_NUMBER, ""}, {1, COLUMN_NHS_NUMBER_STATUS, "07"}}},
    {RULE_P04, FIRES, 0, {{1, COLUMN_NHS_NUMBER_STATUS, "07"}}},
    {RULE_P04, QUIET, 0, {{1, COLUMN_NHS_NUMBER_STATUS, "06"}}},
    {RULE_P05, FIRES, 0, {{1, COLUMN_NHS_NUMBER_STATUS, "08"}}},
    {RULE_P05, QUIET, 0, {{1, COLUMN_NHS_NUMBER_STATUS, ""}}},
    {RULE_P06, FIRES, 0, {{1, COLUMN_BIRTH_DATE, "15/06/1970"}}},
    {RULE_P06, EDGE_FIRES, 0, {{1, COLUMN_BIRTH_DATE, "2013-05-01"}}},
    {RULE_P06, EDGE_QUIET, 0, {{1, COLUMN_BIRTH_DATE, "2013-04-30"}}},
    {RULE_P07, EDGE_FIRES, 0, {{1, COLUMN_BIRTH_DATE, "1882-04-30"}}},
    {RULE_P07, EDGE_QUIET, 0, {{1, COLUMN_BIRTH_DATE, "1882-05-01"}}},
    {RULE_C01, FIRES, 0, {{1, COLUMN_GP_PRACTICE, "A8101"}}},
    {RULE_C01,
     EDGE_FIRES,
     0,
     {{1, COLUMN_GP_PRACTICE, "A81002"}, {1, COLUMN_COMMISSIONER, "02B"}, {1, COLUMN_END_DATE, "2013-04-21"}}},
    {RULE_C01,
     EDGE_QUIET,
     0,
     {{1, COLUMN_GP_PRACTICE, "A81002"}, {1, COLUMN_COMMISSIONER, "02B"}, {1, COLUMN_END_DATE, "2013-04-20"}}},
    {RULE_C02, FIRES, 0, {{1, COLUMN_COMMISSIONER, "99Z"}}},
    {RULE_C02, EDGE_FIRES, 0, {{1, COLUMN_COMMISSIONER, "5QE"}, SPAN(1, "2013-04-01", "2013-04-02")}},
    {RULE_C02, EDGE_QUIET, 0, {{1, COLUMN_COMMISSIONER, "5QE"}, SPAN(1, "2013-03-31", "2013-04-01")}},
    {RULE_C03, FIRES, 0, {{1, COLUMN_COMMISSIONER, "02B"}}},
    {RULE_C03, QUIET, 0, {{1, COLUMN_COMMISSIONER, "02B"}, {1, COLUMN_COMMISSIONER_REASON, "section 117"}}},
    {RULE_K01, FIRES, 0, {{1, COLUMN_CLUSTER, ""}}},
    {RULE_K01, QUIET, 0, {{1, COLUMN_CLUSTER, "00"}}},
    {RULE_K02, EDGE_FIRES, 0, {{1, COLUMN_CLUSTER, "22"}}},
    {RULE_K02, EDGE_QUIET, 0, {{1, COLUMN_CLUSTER, "21"}}},
    {RULE_K03, FIRES, 0, {{1, COLUMN_CLUSTER, "9"}}},
    {RULE_K03, QUIET, 0, {{1, COLUMN_CLUSTER, "10"}}},
    {RULE_K04, FIRES, 0, {{1, COLUMN_CLUSTER, "99"}}},
    {RULE_K04, QUIET, 0, {{1, COLUMN_CLUSTER, "98"}}},
    {RULE_K05, FIRES, 0, {{1, COLUMN_SUPER_CLASS, "B"}}},
    {RULE_K05, QUIET, 0, {{1, COLUMN_SUPER_CLASS, ""}}},
    {RULE_D01, FIRES, 0, {{1, COLUMN_START_DATE, "2013-02-29"}}},
    {RULE_D01, QUIET, 0, {{1, COLUMN_START_DATE, "2013-02-28"}}},
    {RULE_D02, EDGE_FIRES, 0, {{1, COLUMN_START_DATE, "2013-05-01"}}},
    {RULE_D02, EDGE_QUIET, 0, {{1, COLUMN_START_DATE, "2013-04-30"}}},
    {RULE_D03, FIRES, 0, {{1, COLUMN_END_DATE, "soon"}}},
    {RULE_D03, QUIET, 0, {{1, COLUMN_END_DATE, "2013-04-30"}}},
    {RULE_D04, EDGE_FIRES, 0, {{1, COLUMN_END_DATE, "2013-03-31"}}},
    {RULE_D04, EDGE_QUIET, 0, {{1, COLUMN_END_DATE, "2013-04-01"}}},
    {RULE_D05, EDGE_FIRES, 0, {{1, COLUMN_END_DATE, "2013-05-02"}}},
    {RULE_D05, EDGE_QUIET, 0, {{1, COLUMN_END_DATE, "2013-05-01"}}},
    {RULE_D06, EDGE_FIRES, 0, {SPAN(1, "2013-04-10", "2013-04-09")}},
    {RULE_D06, EDGE_QUIET, 0, {SPAN(1, "2013-04-10", "2013-04-10")}},
    {RULE_D07, FIRES, 0, {SAME, SPAN(2, "2013-04-10", "")}},
    {RULE_D07, QUIET, 0, {SAME, {1, COLUMN_END_DATE, "2013-04-10"}, SPAN(2, "2013-04-10", "")}},
    {RULE_D08, EDGE_FIRES, 0, {SAME, SPAN(1, "2013-04-10", "2013-04-11"), SPAN(2, "2013-04-10", "")}},
    {RULE_D08, EDGE_QUIET, 0, {SAME, SPAN(1, "2013-04-10", "2013-04-11"), SPAN(2, "2013-04-11", "")}},
    {RULE_D09, EDGE_FIRES, 0, {SAME, {1, COLUMN_END_DATE, "2013-04-11"}, SPAN(2, "2013-04-10", "")}},
    {RULE_D09, EDGE_QUIET, 0, {SAME, {1, COLUMN_END_DATE, "2013-04-10"}, SPAN(2, "2013-04-10", "")}},
    {RULE_D10, EDGE_FIRES, 0, {SAME, {1, COLUMN_END_DATE, "2013-04-09"}, SPAN(2, "2013-04-10", "")}},
    {RULE_D10, EDGE_QUIET, 0, {SAME, {1, COLUMN_END_DATE, "2013-04-10"}, SPAN(2, "2013-04-10", "")}},
    {RULE_D12, FIRES, 0, {{1, COLUMN_REFERRAL_END, "31/04/2013"}}},
    {RULE_D12, EDGE_FIRES, 0, {{1, COLUMN_REFERRAL_DATE, "2013-05-01"}}},
    {RULE_D12, EDGE_QUIET, 0, {{1, COLUMN_REFERRAL_DATE, "2013-04-30"}}},
    {RULE_D13, EDGE_FIRES, 0, {{1, COLUMN_ADMITTED_DAYS, "10"}, {1, COLUMN_END_DATE, "2013-04-10"}}},
    {RULE_D13, EDGE_QUIET, 0, {{1, COLUMN_ADMITTED_DAYS, "9"}, {1, COLUMN_END_DATE, "2013-04-10"}}},
    {RULE_D14, EDGE_FIRES, 0, {{1, COLUMN_BIRTH_DATE, "2013-03-21"}}},
    {RULE_D14, EDGE_QUIET, 0, {{1, COLUMN_BIRTH_DATE, "2013-03-20"}}},
    {RULE_M01, FIRES, 0, {{1, COLUMN_H1, ""}}},
    {RULE_M01, EDGE_FIRES, 0, {{1, COLUMN_SE, "5"}}},
    {RULE_M01, EDGE_QUIET, 0, {{1, COLUMN_SE, "4"}}},
    {RULE_M02, FIRES, 0, {{1, COLUMN_H1, "9"}}},
    {RULE_M02, QUIET, 0, {{1, COLUMN_H1, "8"}}},
    {RULE_M03, FIRES, 0, {{1, COLUMN_MHCT_DATE, ""}}},
    {RULE_M03, EDGE_FIRES, 0, {{1, COLUMN_MHCT_DATE, "2013-05-01"}}},
    {RULE_M03, EDGE_QUIET, 0, {{1, COLUMN_MHCT_DATE, "2013-04-30"}}},
    {RULE_M04, FIRES, 0, {{1, COLUMN_MHCT_REASON, "13"}}},
    {RULE_M04, QUIET, 0, {{1, COLUMN_MHCT_REASON, "97"}}},
    {RULE_M05, EDGE_FIRES, 0, {{1, COLUMN_MHCT_DATE, "2013-03-05"}}},
    {RULE_M05, EDGE_QUIET, 0, {{1, COLUMN_MHCT_DATE, "2013-03-06"}}},
    {RULE_M05, FIRES, 0, {{1, COLUMN_MHCT_DATE, "2013-03-21"}}},
    {RULE_M05, QUIET, 0, {{1, COLUMN_MHCT_DATE, "2013-03-21"}, {1, COLUMN_MHCT_REASON, "11"}}},
    {RULE_M06, EDGE_FIRES, 0, {{1, COLUMN_H1 + 6, "0"}}},
    {RULE_M06, EDGE_QUIET, 0, {{1, COLUMN_H1 + 6, "1"}}},
    {RULE_M06, QUIET, 0, {{1, COLUMN_H1 + 6, "9"}}},
    {RULE_M07, EDGE_FIRES, 0, {{1, COLUMN_H1 + 6, "4"}}},
    {RULE_M07, EDGE_QUIET, 0, {{1, COLUMN_H1 + 6, "3"}}},
    {RULE_M07, QUIET, 0, {{1, COLUMN_H1 + 6, "9"}}},
    {RULE_R01, EDGE_FIRES, 0, {SPAN(1, "2012-10-30", "")}},
    {RULE_R01, EDGE_QUIET, 0, {SPAN(1, "2012-11-01", "")}},
    {RULE_R02, EDGE_FIRES, 0, {SPAN(1, "2012-11-28", "")}},
    {RULE_R02, EDGE_QUIET, 0, {SPAN(1, "2012-11-29", "")}},
    {RULE_R03, EDGE_FIRES, 0, {{1, COLUMN_REFERRAL_DATE, "2013-03-20"}, {1, COLUMN_END_DATE, "2013-04-03"}}},
    {RULE_R03, EDGE_QUIET, 0, {{1, COLUMN_REFERRAL_DATE, "2013-03-20"}, {1, COLUMN_END_DATE, "2013-04-04"}}},
    {RULE_R04, EDGE_FIRES, 0, {{1, COLUMN_ADMITTED_DAYS, "1"}, {1, COLUMN_MHCT_DATE, "2013-03-31"}}},
    {RULE_R04, EDGE_QUIET, 0, {{1, COLUMN_ADMITTED_DAYS, "1"}, {1, COLUMN_MHCT_DATE, "2013-04-01"}}},
    {RULE_R05, EDGE_FIRES, 0, {SPAN(1, "2013-04-01", "2013-04-08"), {1, COLUMN_LAST_CONTACT, ""}}},
    {RULE_R05, EDGE_QUIET, 0, {SPAN(1, "2013-04-01", "2013-04-09"), {1, COLUMN_LAST_CONTACT, ""}}},
    {RULE_R06, EDGE_FIRES, 0, {{1, COLUMN_LAST_CONTACT, "2012-11-01"}}},
    {RULE_R06, EDGE_QUIET, 0, {{1, COLUMN_LAST_CONTACT, "2012-11-02"}}},
    {RULE_A01,
     FIRES,
     0,
     {SAME,
      SPAN(1, "2013-04-08", "2013-04-20"),
      {1, COLUMN_ASSESSMENT_ONLY, "Y"},
      SPAN(2, "2013-04-09", "2013-04-20"),
      {2, COLUMN_ASSESSMENT_ONLY, "Y"}}},
    {RULE_A01,
     QUIET,
     0,
     {SAME, SPAN(1, "2013-04-08", "2013-04-20"), {1, COLUMN_ASSESSMENT_ONLY, "Y"}, {2, COLUMN_ASSESSMENT_ONLY, "Y"}}},
};

static struct reference reference;
static struct upload_result result;

static void look_outside(struct upload_context *x, enum outside outside)
{
    date_t first = month_first(x->month);
    if (outside == PROVIDER_FROM_MAY)
        x->provider_from = month_last(x->month) + 1;
    if (outside == PROVIDER_UNTIL_MARCH)
        x->provider_to = first;
    if (outside == PROVIDER_ONE_DAY)
        x->provider_from = month_last(x->month);
    if (outside == FROZEN || outside == ONE_OPEN)
        x->contracts_concerned = 2;
    if (outside == ONE_OPEN)
        x->contracts_open = 1;
    if (outside == LAST_DAY_OF_MARCH)
        x->today = first - 1;
    if (outside == FIRST_DAY_OF_APRIL)
        x->today = first;
    if (outside == THREE_DECLARED || outside == FOUR_DECLARED)
        x->declared_rows = outside == FOUR_DECLARED ? 4 : 3;
    if (outside == FOUR_BEFORE || outside == THREE_BEFORE)
        x->accepted_rows = outside == FOUR_BEFORE ? 4 : 3;
}

START_TEST(the_rule_does_what_the_table_says)
{
    const struct rule_case *c = &cases[_i];
    struct upload_context context;
    struct upload_row rows[CASE_ROWS];
    upload_context(&context, &reference);
    look_outside(&context, c->outside);
    for (unsigned i = 0; i < CASE_ROWS; i++)
        upload_row_clean(&rows[i], i + 1);
    for (size_t i = 0; i < sizeof c->change / sizeof c->change[0] && c->change[i].row > 0; i++) {
        enum column column = c->change[i].column;
        const char *text = c->change[i].text;
        bool as_first = strcmp(text, "=") == 0;
        (void)snprintf(rows[c->change[i].row - 1].field[column], UPLOAD_TEXT, "%s",
                       as_first ? rows[0].field[column] : text);
    }
    upload_check_rows(&result, &context, rows, c->outside == NO_ROWS ? 0 : CASE_ROWS);
    bool found = upload_count(&result, c->rule) > 0;
    bool wanted = c->kind == FIRES || c->kind == EDGE_FIRES;
    ck_assert_msg(found == wanted, "case %d, %s: %s", _i, rule_get(c->rule)->id, found ? "fires" : "does not fire");
    ck_assert_msg(!result.summary.refused || rule_get(c->rule)->severity == SEVERITY_FILE,
                  "case %d, %s: the file is refused", _i, rule_get(c->rule)->id);
}
END_TEST

/* A file whose header line has the column's name, or not. */
static void check_header(const char *column, bool named)
{
    struct upload_context context;
    struct upload_row row;
    struct buf text;
    upload_context(&context, &reference);
    upload_row_clean(&row, 1);
    buf_init(&text, 1 << 16);
    upload_write_csv(&text, &row, 1);
    char *at = strstr(text.data, column);
    ck_assert_ptr_nonnull(at);
    at[0] = named ? at[0] : 'x';
    upload_check(&result, &context, UPLOAD_CSV, text.data, text.length, 0);
    buf_free(&text);
}

struct header_case {
    enum rule_id rule;
    enum rule_case_kind kind;
};

/* F02 is of the header line alone. */
static const struct header_case header_cases[] = {{RULE_F02, FIRES}, {RULE_F02, QUIET}};

START_TEST(the_header_does_what_the_table_says)
{
    const struct header_case *c = &header_cases[_i];
    check_header("patient_id", c->kind == QUIET);
    ck_assert_int_eq(upload_count(&result, c->rule) > 0, c->kind == FIRES);
}
END_TEST

/* Rules of the terms: one row of April 2012 in an account under the terms given. */
struct terms_case {
    enum rule_id rule;
    enum rule_case_kind kind;
    const char *members; /* of the terms, beside price and frame */
    const char *commissioner;
    const char *service;
    const char *start, *end, *mhct, *birth;
    bool approved;
};

#define PRICED "'prices':[{'cluster':'04','basis':'DAY','pence':1,'from':'2012-04-02'}]"
#define SCOPE  PRICED ",'rules':{'out_of_scope_services':['FORENSIC']}"
#define ASKS   PRICED ",'rules':{'prior_approval':{'clusters':['04']}}"
#define ADULTS PRICED ",'rules':{'adult_only':true}"
#define STOPS  PRICED ",'rules':{'stop_pay_when_overdue':{'grace_days':0}}"

static const struct terms_case terms_cases[] = {
    {RULE_P08, EDGE_FIRES, ADULTS, "5QE", "", "2012-04-02", "", "2012-04-02", "1994-05-01", false},
    {RULE_P08, EDGE_QUIET, ADULTS, "5QE", "", "2012-04-02", "", "2012-04-02", "1994-04-30", false},
    {RULE_P08, QUIET, PRICED, "5QE", "", "2012-04-02", "", "2012-04-02", "1999-01-01", false},
    {RULE_C04, FIRES, PRICED, "5QF", "", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_C04, QUIET, PRICED, "5QE", "", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_C05, FIRES, SCOPE, "5QE", "FORENSIC", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_C05, QUIET, SCOPE, "5QE", "FORENSI", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_C06, FIRES, ASKS, "5QE", "", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_C06, QUIET, ASKS, "5QE", "", "2012-04-02", "", "2012-04-02", "", true},
    {RULE_K06, EDGE_FIRES, PRICED, "5QE", "", "2012-04-01", "", "2012-04-01", "", false},
    {RULE_K06, EDGE_QUIET, PRICED, "5QE", "", "2012-04-02", "", "2012-04-02", "", false},
    {RULE_R08, EDGE_FIRES, STOPS, "5QE", "", "2012-04-02", "", "2011-10-29", "", false},
    {RULE_R08, EDGE_QUIET, STOPS, "5QE", "", "2012-04-02", "", "2011-10-30", "", false},
    {RULE_R08, QUIET, PRICED, "5QE", "", "2012-04-02", "", "2011-10-01", "", false},
};

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert(text[0] == '\0' || date_parse(text, strlen(text), &d));
    return d;
}

START_TEST(the_terms_do_what_the_table_says)
{
    const struct terms_case *c = &terms_cases[_i];
    month_t april = month_of(day("2012-04-01"));
    char text[600];
    (void)snprintf(text, sizeof text,
                   "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',"
                   "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}},%s}",
                   c->members);
    struct terms *terms = terms_of(text);
    struct appraisal *appraisal = appraisal_new(&reference, april);
    ck_assert(appraisal != NULL && appraisal_add(appraisal, "5QE", terms));
    struct episode row = {.row_no = 1,
                          .cluster = "04",
                          .start_date = day(c->start),
                          .end_date = day(c->end),
                          .mhct_date = day(c->mhct),
                          .referral_date = DATE_NONE,
                          .last_contact = DATE_NONE,
                          .approved = c->approved,
                          .minor = is_minor(day(c->birth), april)};
    (void)snprintf(row.commissioner, sizeof row.commissioner, "%s", c->commissioner);
    (void)snprintf(row.service, sizeof row.service, "%s", c->service);
    struct row_appraisal verdict;
    appraisal_row(appraisal, &row, &verdict);
    bool found = (verdict.failed & rule_set_of(c->rule)) != 0;
    ck_assert_msg(found == (c->kind == FIRES || c->kind == EDGE_FIRES), "case %d, %s: %s", _i, rule_get(c->rule)->id,
                  found ? "fires" : "does not fire");
    struct finding f;
    appraisal_finding(appraisal, &row, c->rule, &f);
    ck_assert_int_eq(strcmp(f.value, "(hidden)") == 0, c->rule == RULE_P08);
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
    Suite *s = suite_create("rule table");
    TCase *t = tcase_create("rule table");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_rule_does_what_the_table_says, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(t, the_terms_do_what_the_table_says, 0, (int)(sizeof terms_cases / sizeof terms_cases[0]));
    tcase_add_loop_test(t, the_header_does_what_the_table_says, 0, 2);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
