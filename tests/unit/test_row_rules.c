/* Every rule that a row answers for itself: it fires, it does not, and the days on either side of its boundary. */
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A clean row of April 2013 with a few columns changed (up to the first NULL), and all the rules it must fail. */
struct rule_case {
    const char *expected; /* "P01 K05" in order of bits; "" for none */
    struct {
        enum column column;
        const char *text;
    } change[5];
};

static const struct rule_case cases[] = {
    {"", {{COLUMN_PROVIDER, NULL}}},
    {"P01", {{COLUMN_PATIENT_ID, ""}}},
    {"", {{COLUMN_PATIENT_ID, "12345678901234567890"}}},
    {"P01", {{COLUMN_PATIENT_ID, "123456789012345678901"}}},
    {"",
     {{COLUMN_PATIENT_ID, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"}}},
    {"P02", {{COLUMN_NHS_NUMBER, "9990000000"}}},
    {"P02", {{COLUMN_NHS_NUMBER, "5000000005"}}},
    {"P03", {{COLUMN_NHS_NUMBER, ""}}},
    {"P03", {{COLUMN_NHS_NUMBER, ""}, {COLUMN_NHS_NUMBER_STATUS, ""}}},
    {"", {{COLUMN_NHS_NUMBER, ""}, {COLUMN_NHS_NUMBER_STATUS, "07"}}},
    {"P04", {{COLUMN_NHS_NUMBER_STATUS, "07"}}},
    {"P05", {{COLUMN_NHS_NUMBER_STATUS, "08"}}},
    {"P05", {{COLUMN_NHS_NUMBER_STATUS, "00"}}},
    {"P05", {{COLUMN_NHS_NUMBER_STATUS, "1"}}},
    {"", {{COLUMN_NHS_NUMBER_STATUS, ""}}},
    {"P06 D14", {{COLUMN_BIRTH_DATE, "2013-05-01"}}},
    {"D14", {{COLUMN_BIRTH_DATE, "2013-04-30"}}},
    {"P06", {{COLUMN_BIRTH_DATE, "15/06/1970"}}},
    {"", {{COLUMN_BIRTH_DATE, ""}}},
    {"P07", {{COLUMN_BIRTH_DATE, "1882-04-30"}}},
    {"", {{COLUMN_BIRTH_DATE, "1882-05-01"}}},
    {"", {{COLUMN_BIRTH_DATE, "2013-03-20"}}},
    {"D14", {{COLUMN_BIRTH_DATE, "2013-03-21"}}},
    {"C01 C03", {{COLUMN_GP_PRACTICE, "A81004"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "A81004"}, {COLUMN_END_DATE, "2013-04-10"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "A81004"}, {COLUMN_COMMISSIONER_REASON, "section 117"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "A8101"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "Z99999"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "A81002"}, {COLUMN_COMMISSIONER, "02B"}}},
    {"", {{COLUMN_GP_PRACTICE, "A81002"}, {COLUMN_COMMISSIONER, "02B"}, {COLUMN_END_DATE, "2013-04-20"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "A81002"}, {COLUMN_COMMISSIONER, "02B"}, {COLUMN_END_DATE, "2013-04-21"}}},
    {"", {{COLUMN_GP_PRACTICE, "V81997"}}},
    {"", {{COLUMN_GP_PRACTICE, "V81999"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "V81996"}}},
    {"", {{COLUMN_GP_PRACTICE, ""}}},
    {"C02", {{COLUMN_COMMISSIONER, "5QE"}, {COLUMN_GP_PRACTICE, ""}}},
    {"C02", {{COLUMN_COMMISSIONER, "99Z"}, {COLUMN_GP_PRACTICE, ""}}},
    {"C02", {{COLUMN_COMMISSIONER, ""}, {COLUMN_GP_PRACTICE, ""}}},
    {"C02", {{COLUMN_COMMISSIONER, "01a"}, {COLUMN_GP_PRACTICE, ""}}},
    {"", {{COLUMN_COMMISSIONER, "5QE"}, {COLUMN_GP_PRACTICE, "A81001"}, {COLUMN_END_DATE, "2013-04-01"}}},
    {"C02", {{COLUMN_COMMISSIONER, "01A"}, {COLUMN_GP_PRACTICE, ""}, {COLUMN_END_DATE, "2013-04-01"}}},
    {"C03", {{COLUMN_COMMISSIONER, "02B"}}},
    {"", {{COLUMN_COMMISSIONER, "02B"}, {COLUMN_COMMISSIONER_REASON, "section 117"}}},
    {"K01", {{COLUMN_CLUSTER, ""}, {COLUMN_SUPER_CLASS, ""}}},
    {"K02", {{COLUMN_CLUSTER, "22"}}},
    {"K02", {{COLUMN_CLUSTER, "A4"}}},
    {"K02", {{COLUMN_CLUSTER, "004"}}},
    {"K03", {{COLUMN_CLUSTER, "09"}}},
    {"K03", {{COLUMN_CLUSTER, "9"}}},
    {"K04", {{COLUMN_CLUSTER, "99"}}},
    {"", {{COLUMN_CLUSTER, "4"}}},
    {"", {{COLUMN_CLUSTER, "21"}, {COLUMN_SUPER_CLASS, "C"}}},
    {"", {{COLUMN_CLUSTER, "0"}, {COLUMN_SUPER_CLASS, ""}}},
    {"K05", {{COLUMN_CLUSTER, "00"}}},
    {"K05", {{COLUMN_SUPER_CLASS, "B"}}},
    {"K05", {{COLUMN_SUPER_CLASS, "AA"}}},
    {"", {{COLUMN_SUPER_CLASS, ""}}},
    {"D01", {{COLUMN_START_DATE, ""}}},
    {"D01", {{COLUMN_START_DATE, "20/03/2013"}}},
    {"D01", {{COLUMN_START_DATE, "2013-02-29"}}},
    {"", {{COLUMN_START_DATE, "2013-04-30"}, {COLUMN_MHCT_DATE, "2013-04-30"}}},
    {"D02", {{COLUMN_START_DATE, "2013-05-01"}, {COLUMN_MHCT_DATE, "2013-04-30"}}},
    {"D03", {{COLUMN_END_DATE, "soon"}}},
    {"C02 D04", {{COLUMN_END_DATE, "2013-03-31"}, {COLUMN_GP_PRACTICE, ""}}},
    {"", {{COLUMN_END_DATE, "2013-05-01"}}},
    {"D05", {{COLUMN_END_DATE, "2013-05-02"}}},
    {"D06", {{COLUMN_START_DATE, "2013-04-10"}, {COLUMN_MHCT_DATE, "2013-04-10"}, {COLUMN_END_DATE, "2013-04-09"}}},
    {"", {{COLUMN_START_DATE, "2013-04-10"}, {COLUMN_MHCT_DATE, "2013-04-10"}, {COLUMN_END_DATE, "2013-04-10"}}},
    {"D12", {{COLUMN_REFERRAL_DATE, "2013-05-01"}}},
    {"", {{COLUMN_REFERRAL_DATE, "2013-04-30"}}},
    {"D12", {{COLUMN_REFERRAL_DATE, "March"}}},
    {"D12", {{COLUMN_REFERRAL_END, "31/04/2013"}}},
    {"", {{COLUMN_ADMITTED_DAYS, "30"}, {COLUMN_CLUSTER, "06"}}},
    {"D13", {{COLUMN_ADMITTED_DAYS, "31"}, {COLUMN_CLUSTER, "06"}}},
    {"D13", {{COLUMN_ADMITTED_DAYS, "32"}, {COLUMN_CLUSTER, "06"}}},
    {"D13", {{COLUMN_ADMITTED_DAYS, "-1"}, {COLUMN_CLUSTER, "06"}}},
    {"D13", {{COLUMN_ADMITTED_DAYS, "10"}, {COLUMN_CLUSTER, "06"}, {COLUMN_END_DATE, "2013-04-10"}}},
    {"", {{COLUMN_ADMITTED_DAYS, "9"}, {COLUMN_CLUSTER, "06"}, {COLUMN_END_DATE, "2013-04-10"}}},
    {"", {{COLUMN_ADMITTED_DAYS, "31"}, {COLUMN_ASSESSMENT_ONLY, "Y"}, {COLUMN_COMMISSIONER, "5QE"}}},
    {"M01", {{COLUMN_H1, ""}}},
    {"M01", {{COLUMN_SE, "5"}}},
    {"M01 M02", {{COLUMN_SE, "5"}, {COLUMN_H1, "9"}}},
    {"M02", {{COLUMN_H1, "9"}}},
    {"", {{COLUMN_H1, "0"}, {COLUMN_SE, "4"}}},
    {"M03", {{COLUMN_MHCT_DATE, ""}}},
    {"M03", {{COLUMN_MHCT_DATE, "20130320"}}},
    {"M03", {{COLUMN_MHCT_DATE, "2013-05-01"}, {COLUMN_MHCT_REASON, "11"}}},
    {"", {{COLUMN_MHCT_DATE, "2013-04-30"}, {COLUMN_MHCT_REASON, "11"}}},
    {"M04", {{COLUMN_MHCT_REASON, "13"}}},
    {"", {{COLUMN_MHCT_REASON, "97"}}},
    {"", {{COLUMN_MHCT_REASON, ""}}},
    {"", {{COLUMN_MHCT_DATE, "2013-03-06"}}},
    {"M05", {{COLUMN_MHCT_DATE, "2013-03-05"}}},
    {"M05", {{COLUMN_MHCT_DATE, "2013-03-21"}}},
    {"", {{COLUMN_MHCT_DATE, "2013-03-21"}, {COLUMN_MHCT_REASON, "11"}}},
    {"M05", {{COLUMN_DISCHARGE_MHCT_DATE, "1/4/2013"}}},
    {"M07", {{COLUMN_H1 + 6, "1"}}},
    {"M07", {{COLUMN_H1 + 6, "4"}}},
    {"M06 M07", {{COLUMN_H1 + 6, "0"}}},
    {"", {{COLUMN_H1 + 6, "3"}}},
    {"M02", {{COLUMN_H1 + 6, "9"}}},
    {"M07", {{COLUMN_SE - 3, "3"}}},
    {"M06", {{COLUMN_CLUSTER, "07"}}},
    {"", {{COLUMN_CLUSTER, "06"}, {COLUMN_H1 + 6, "0"}}},
    /* Cluster 04 is reviewed every 6 months: an MHCT of 2012-10-30 is due on 2013-04-30. */
    {"R01", {{COLUMN_START_DATE, "2012-10-30"}, {COLUMN_MHCT_DATE, "2012-10-30"}}},
    {"R02", {{COLUMN_START_DATE, "2012-10-31"}, {COLUMN_MHCT_DATE, "2012-11-01"}, {COLUMN_MHCT_REASON, "11"}}},
    {"R02", {{COLUMN_START_DATE, "2012-11-28"}, {COLUMN_MHCT_DATE, "2012-11-28"}}},
    {"", {{COLUMN_START_DATE, "2012-11-29"}, {COLUMN_MHCT_DATE, "2012-11-29"}}},
    {"", {{COLUMN_START_DATE, "2012-10-30"}, {COLUMN_MHCT_DATE, "2012-10-30"}, {COLUMN_END_DATE, "2013-05-01"}}},
    {"",
     {{COLUMN_START_DATE, "2012-10-30"},
      {COLUMN_MHCT_DATE, "2012-10-30"},
      {COLUMN_ASSESSMENT_ONLY, "Y"},
      {COLUMN_GP_PRACTICE, ""},
      {COLUMN_COMMISSIONER, "5QE"}}},
    /* Cluster 14 is reviewed every 28 days: half of that is shorter than 28. */
    {"R02",
     {{COLUMN_CLUSTER, "14"},
      {COLUMN_SUPER_CLASS, "B"},
      {COLUMN_START_DATE, "2013-04-16"},
      {COLUMN_MHCT_DATE, "2013-04-16"}}},
    {"",
     {{COLUMN_CLUSTER, "14"},
      {COLUMN_SUPER_CLASS, "B"},
      {COLUMN_START_DATE, "2013-04-17"},
      {COLUMN_MHCT_DATE, "2013-04-17"}}},
    {"R03", {{COLUMN_REFERRAL_DATE, "2013-03-20"}, {COLUMN_END_DATE, "2013-04-03"}}},
    {"", {{COLUMN_REFERRAL_DATE, "2013-03-20"}, {COLUMN_END_DATE, "2013-04-04"}}},
    {"", {{COLUMN_REFERRAL_DATE, "2013-03-19"}, {COLUMN_END_DATE, "2013-04-03"}}},
    {"R04", {{COLUMN_ADMITTED_DAYS, "1"}}},
    {"", {{COLUMN_ADMITTED_DAYS, "1"}, {COLUMN_CLUSTER, "06"}}},
    {"R04", {{COLUMN_ADMITTED_DAYS, "1"}, {COLUMN_MHCT_DATE, "2013-03-31"}, {COLUMN_MHCT_REASON, "12"}}},
    {"", {{COLUMN_ADMITTED_DAYS, "1"}, {COLUMN_MHCT_DATE, "2013-04-01"}, {COLUMN_MHCT_REASON, "12"}}},
    {"R05",
     {{COLUMN_START_DATE, "2013-04-01"},
      {COLUMN_MHCT_DATE, "2013-04-01"},
      {COLUMN_END_DATE, "2013-04-08"},
      {COLUMN_LAST_CONTACT, ""}}},
    {"",
     {{COLUMN_START_DATE, "2013-04-01"},
      {COLUMN_MHCT_DATE, "2013-04-01"},
      {COLUMN_END_DATE, "2013-04-09"},
      {COLUMN_LAST_CONTACT, ""}}},
    {"",
     {{COLUMN_START_DATE, "2013-04-01"},
      {COLUMN_MHCT_DATE, "2013-04-01"},
      {COLUMN_END_DATE, "2013-04-08"},
      {COLUMN_LAST_CONTACT, "2013-04-01"}}},
    {"R06", {{COLUMN_LAST_CONTACT, "2012-11-01"}}},
    {"", {{COLUMN_LAST_CONTACT, "2012-11-02"}}},
    {"", {{COLUMN_LAST_CONTACT, ""}}},
    {"R06", {{COLUMN_LAST_CONTACT, "1/2/13"}}},
};

static struct reference reference;
static struct upload_context context;
static struct upload_result result;

static void setup(void)
{
    upload_reference(&reference);
    upload_context(&context, &reference);
}

static void teardown(void)
{
    reference_free(&reference);
}

START_TEST(fails_exactly)
{
    const struct rule_case *c = &cases[_i];
    struct upload_row row;
    upload_row_clean(&row, 1);
    for (int i = 0; i < 5 && c->change[i].text != NULL; i++)
        (void)snprintf(row.field[c->change[i].column], UPLOAD_TEXT, "%s", c->change[i].text);
    upload_check_rows(&result, &context, &row, 1);
    ck_assert_msg(strcmp(upload_names(result.failed[0]), c->expected) == 0, "case %d: expected '%s', found '%s'", _i,
                  c->expected, upload_names(result.failed[0]));
    /* A file rule besides F08 would mean that the case does not test what it says. */
    for (size_t i = 0; i < result.count; i++)
        ck_assert_msg(result.finding[i].row_no > 0 || result.finding[i].rule == RULE_F08, "case %d: %s %s", _i,
                      rule_get(result.finding[i].rule)->id, result.finding[i].note);
}
END_TEST

/* A rule of the table that no case makes fire would be a rule nobody has tried. */
START_TEST(every_row_rule_is_tried)
{
    rule_set_t tried = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (const char *at = cases[i].expected; *at != '\0'; at += at[3] == ' ' ? 4 : 3) {
            enum rule_id rule;
            char name[4] = {at[0], at[1], at[2], '\0'};
            ck_assert(rule_by_name(name, &rule));
            tried |= rule_set_of(rule);
        }
    }
    rule_set_t wanted = 0;
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_get((enum rule_id)i);
        if (r->depends == DEPENDS_ROW || r->depends == DEPENDS_REFERENCE)
            wanted |= rule_set_of((enum rule_id)i);
    }
    ck_assert_str_eq(upload_names(wanted & ~tried), "");
}
END_TEST

START_TEST(identities_are_hidden)
{
    struct upload_row row;
    upload_row_clean(&row, 1);
    (void)snprintf(row.field[COLUMN_NHS_NUMBER], UPLOAD_TEXT, "4010232138");
    (void)snprintf(row.field[COLUMN_BIRTH_DATE], UPLOAD_TEXT, "3/12/1970");
    (void)snprintf(row.field[COLUMN_GP_PRACTICE], UPLOAD_TEXT, "QQ1234");
    (void)snprintf(row.field[COLUMN_CLUSTER], UPLOAD_TEXT, "x943 476 5919");
    upload_check_rows(&result, &context, &row, 1);
    ck_assert_str_eq(upload_names(result.failed[0]), "P02 P06 C01 K02");
    for (size_t i = 0; i < result.count; i++) {
        if (result.finding[i].row_no == 1)
            ck_assert_str_eq(result.finding[i].value, "(hidden)");
    }
    ck_assert_ptr_nonnull(strstr(upload_find(&result, RULE_P06, 1)->note, "DD/MM/YYYY"));
}
END_TEST

START_TEST(minors_turn_18)
{
    struct upload_row rows[2];
    upload_row_clean(&rows[0], 1);
    upload_row_clean(&rows[1], 2);
    (void)snprintf(rows[0].field[COLUMN_BIRTH_DATE], UPLOAD_TEXT, "1995-04-30");
    (void)snprintf(rows[1].field[COLUMN_BIRTH_DATE], UPLOAD_TEXT, "1995-05-01");
    upload_check_rows(&result, &context, rows, 2);
    ck_assert(!result.minor[0]);
    ck_assert(result.minor[1]);
}
END_TEST

/* Without a 29 February the birthday is 1 March. */
START_TEST(leap_days_have_birthdays_too)
{
    struct upload_context february = context;
    struct upload_row row;
    date_t ends[] = {date_from_civil((struct civil){2014, 2, 28}), date_from_civil((struct civil){2015, 2, 28})};
    date_t births[] = {date_from_civil((struct civil){1996, 2, 29}), date_from_civil((struct civil){1884, 2, 29})};
    ck_assert(is_minor(births[0], month_of(ends[0])));
    ck_assert(!is_minor(births[0], month_of(ends[0]) + 1));
    ck_assert(!is_minor(births[0] - 1, month_of(ends[0])));
    for (int past = 0; past < 2; past++) {
        upload_row_clean(&row, 1);
        february.month = month_of(ends[1]) + past;
        date_format(births[1], row.field[COLUMN_BIRTH_DATE]);
        upload_check_rows(&result, &february, &row, 1);
        ck_assert_int_eq((result.failed[0] & rule_set_of(RULE_P07)) != 0, past);
    }
}
END_TEST

static void check_grid(const char *lines, const char *why)
{
    char text[400];
    char error[200] = "";
    struct reference r;
    reference_init(&r);
    (void)snprintf(text, sizeof text, "# a grid\ncluster,item,must_min,must_max,expected_min,expected_max\n%s", lines);
    bool loaded = reference_load_allocation_grid(&r, text, strlen(text), error, sizeof error);
    ck_assert_msg(loaded == (why == NULL), "%s: %s", lines, error);
    ck_assert_msg(why == NULL || strstr(error, why) != NULL, "%s: %s", lines, error);
    ck_assert_int_eq(r.grid != NULL, loaded);
    reference_free(&r);
}

START_TEST(a_grid_is_read_or_refused)
{
    check_grid("04,h7,1,4,2,3\n04,sb,,,0,2\r\n00,se,0,0,,\n", NULL);
    check_grid("", "at least one band");
    check_grid("09,h7,1,4,2,3\n", "line 3: the cluster is not one of");
    check_grid("22,h7,1,4,2,3\n", "the cluster is not one of");
    check_grid("4,h7,1,4,2,3\n", "the cluster is not one of");
    check_grid("04,h14,1,4,2,3\n", "the item is not one of");
    check_grid("04,cluster,1,4,2,3\n", "the item is not one of");
    check_grid("04,h7,1,5,,\n", "two ratings from 0 to 4");
    check_grid("04,h7,1,,,\n", "two ratings from 0 to 4");
    check_grid("04,h7,3,2,,\n", "begins above its end");
    check_grid("04,h7,,,,\n", "has no band");
    check_grid("04,h7,1,3,2,4\n", "must lie within");
    check_grid("04,h7,1,3,,\n04,h7,,,1,3\n", "line 4: the cluster and item were given before");
    check_grid("04,h7,1,3\n", "want the columns");
}
END_TEST

START_TEST(the_example_grid_can_be_loaded)
{
    static char text[1 << 16];
    char error[200] = "";
    struct reference r;
    FILE *f = fopen("config/allocation_grid.example.csv", "rb");
    ck_assert_msg(f != NULL, "run the tests from the top of the repository");
    size_t length = fread(text, 1, sizeof text, f);
    ck_assert_int_eq(fclose(f), 0);
    reference_init(&r);
    ck_assert_msg(reference_load_allocation_grid(&r, text, length, error, sizeof error), "%s", error);
    reference_free(&r);
}
END_TEST

START_TEST(bands_are_named)
{
    struct upload_row row;
    upload_row_clean(&row, 1);
    (void)snprintf(row.field[COLUMN_H1 + 6], UPLOAD_TEXT, "0");
    (void)snprintf(row.field[COLUMN_SE - 3], UPLOAD_TEXT, "4");
    upload_check_rows(&result, &context, &row, 1);
    ck_assert_str_eq(upload_find(&result, RULE_M06, 1)->field, "h7");
    ck_assert_str_eq(upload_find(&result, RULE_M06, 1)->value, "0");
    ck_assert_str_eq(upload_find(&result, RULE_M06, 1)->note, "h7 is 0, the band to be scored of cluster 04 is 1 to 4");
    ck_assert_str_eq(upload_find(&result, RULE_M07, 1)->note,
                     "h7 is 0, the expected band of cluster 04 is 2 to 3; sb is 4, the expected band of cluster 04 is 0"
                     " to 2");
}
END_TEST

START_TEST(without_practices_says_so)
{
    struct reference bare = reference;
    bare.practices = NULL;
    bare.practice_count = 0;
    struct upload_context x = context;
    x.reference = &bare;
    struct unchecked_rule unchecked[RULE_COUNT];
    ck_assert_uint_eq(rules_not_checked(0, unchecked), 0);
    ck_assert_uint_eq(rules_not_checked(reference_missing(&bare) & ~(1U << NEED_GRID | 1U << NEED_PRICES), unchecked),
                      2);
    ck_assert_int_eq(unchecked[0].rule, RULE_C01);
    ck_assert(unchecked[0].in_part);
    ck_assert_int_eq(unchecked[1].rule, RULE_C03);
    ck_assert(!unchecked[1].in_part);
    ck_assert_str_eq(unchecked[1].reason, "No practices are loaded");
    struct upload_row row;
    upload_row_clean(&row, 1);
    (void)snprintf(row.field[COLUMN_COMMISSIONER], UPLOAD_TEXT, "02B");
    upload_check_rows(&result, &x, &row, 1);
    ck_assert_str_eq(upload_names(result.failed[0]), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("row rules");
    TCase *t = tcase_create("row rules");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, fails_exactly, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(t, every_row_rule_is_tried);
    tcase_add_test(t, identities_are_hidden);
    tcase_add_test(t, minors_turn_18);
    tcase_add_test(t, leap_days_have_birthdays_too);
    tcase_add_test(t, without_practices_says_so);
    tcase_add_test(t, a_grid_is_read_or_refused);
    tcase_add_test(t, the_example_grid_can_be_loaded);
    tcase_add_test(t, bands_are_named);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
