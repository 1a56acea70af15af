/* What spreadsheets do to values: each habit has its sentence, right values have none, and the sentences arrive with
 * the findings of a file as a spreadsheet saves it. */
#include "domain/habits.h"
#include "lib/upload.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;
static struct upload_context context;
static struct upload_result result;
static struct upload_row row;

static void setup(void)
{
    upload_reference(&reference);
    upload_context(&context, &reference);
    upload_row_clean(&row, 1);
}

static void teardown(void)
{
    reference_free(&reference);
}

struct expected {
    enum column column;
    const char *value;
    const char *words; /* part of the sentence; NULL: no sentence */
};

static const struct expected dates[] = {
    {COLUMN_START_DATE, "01/05/2012", "this looks like DD/MM/YYYY: "},
    {COLUMN_START_DATE, "1/5/12", "this looks like DD/MM/YY: "},
    {COLUMN_START_DATE, "1.5.2012", "this looks like DD/MM/YYYY: "},
    {COLUMN_START_DATE, "01-05-2012", "this looks like DD/MM/YYYY: "},
    {COLUMN_START_DATE, "01/05/2012 00:00", "DD/MM/YYYY with a time"},
    {COLUMN_START_DATE, "2012-05-01 00:00:00", "this is a date with a time"},
    {COLUMN_START_DATE, "2012-05-01T00:00:00Z", "this is a date with a time"},
    {COLUMN_START_DATE, "2012/05/01", "this has slashes"},
    {COLUMN_START_DATE, "2012-5-1", "this lacks a leading zero"},
    {COLUMN_START_DATE, "20120501", "this has no dashes"},
    {COLUMN_START_DATE, "41030", "serial number of a day (2012-05-01): "},
    {COLUMN_START_DATE, "41030.5", "serial number of a day (2012-05-01): "},
    {COLUMN_BIRTH_DATE, "25569", "serial number of a day: "},
    {COLUMN_START_DATE, "99999", NULL},
    {COLUMN_START_DATE, "01-May-12", "this names the month in letters"},
    {COLUMN_START_DATE, "1 May 2012", "this names the month in letters"},
    {COLUMN_START_DATE, "May-12", "this names the month in letters"},
    {COLUMN_START_DATE, "########", "too narrow"},
    {COLUMN_START_DATE, "2012-05-01", NULL},
    {COLUMN_START_DATE, "2012-02-29", NULL},
    {COLUMN_START_DATE, "2012-13-45", "this day is in no calendar"},
    {COLUMN_START_DATE, "2011-02-29", "this day is in no calendar"},
    {COLUMN_START_DATE, "0000-00-00", "a database's word for no date, and the column needs one"},
    {COLUMN_BIRTH_DATE, "0000-00-00", "a database's word for no date: leave the field blank"},
    {COLUMN_END_DATE, "9999-12-31", "stands for an open end in other systems: leave the field blank"},
    {COLUMN_BIRTH_DATE, "2999-01-01", "beyond 2199"},
    {COLUMN_BIRTH_DATE, "0001-01-01", "before 1800"},
    {COLUMN_BIRTH_DATE, "1799-12-31", "before 1800"},
    {COLUMN_BIRTH_DATE, "1800-01-01", NULL},
    {COLUMN_START_DATE, "12/31/2011", "this looks like MM/DD/YYYY: "},
    {COLUMN_START_DATE, "31/12/2011", "this looks like DD/MM/YYYY: "},
    {COLUMN_END_DATE, "00/01/1900", "shows nothing, or a time, as a date"},
    {COLUMN_MONTH, "May-12", "months are written YYYY-MM"},
    {COLUMN_MONTH, "2012-05-01", "months are written YYYY-MM"},
    {COLUMN_MONTH, "01/05/2012", "months are written YYYY-MM"},
    {COLUMN_MONTH, "201205", "months are written YYYY-MM"},
    {COLUMN_MONTH, "2012-05", NULL},
};

static const struct expected numbers[] = {
    {COLUMN_NHS_NUMBER, "9.99E+09", "scientific notation"},
    {COLUMN_NHS_NUMBER, "9E+9", "scientific notation"},
    {COLUMN_NHS_NUMBER, "999000001", "nine digits"},
    {COLUMN_NHS_NUMBER, "9990000018.0", "decimal part"},
    {COLUMN_NHS_NUMBER, "999-000-0018", "this has dashes"},
    {COLUMN_NHS_NUMBER, "9,990,000,018", "thousands separator"},
    {COLUMN_NHS_NUMBER, "999 000 0018", NULL},
    {COLUMN_NHS_NUMBER_STATUS, "7", "one digit and 01 to 07 have two"},
    {COLUMN_NHS_NUMBER_STATUS, "07", NULL},
    {COLUMN_NHS_NUMBER_STATUS, "08", NULL},
    {COLUMN_CLUSTER, "4.0", "decimal part"},
    {COLUMN_CLUSTER, "4", NULL},
    {COLUMN_H1, "2.0", "decimal part"},
    {COLUMN_SE, "NULL", "a word for nothing, and the column needs a value"},
    {COLUMN_EPISODE_ID, "1.00E+12", "ids become alike"},
    {COLUMN_PATIENT_ID, "1.23E+09", "ids become alike"},
    {COLUMN_EPISODE_ID, "5E1", NULL},
    {COLUMN_ADMITTED_DAYS, "1,234", "thousands separator"},
    {COLUMN_ADMITTED_DAYS, "1,234,567", "thousands separator"},
    {COLUMN_ADMITTED_DAYS, "1,23", NULL},
    {COLUMN_ADMITTED_DAYS, "1234,567", NULL},
    {COLUMN_MHCT_REASON, "10.0", "decimal part"},
    {COLUMN_COMMISSIONER, "5.00E+01", "a code such as 5E1"},
    {COLUMN_COMMISSIONER, "5E1", NULL},
};

static const struct expected words[] = {
    {COLUMN_SERVICE, "NULL", "a word for nothing: leave the field blank"},
    {COLUMN_CLUSTER, "=\"04\"", "a spreadsheet's formula for a text"},
    {COLUMN_SERVICE, "null", "a word for nothing"},
    {COLUMN_SERVICE, "N/A", "a word for nothing"},
    {COLUMN_SERVICE, "n/a", "a word for nothing"},
    {COLUMN_SERVICE, "NaN", "a word for nothing"},
    {COLUMN_SERVICE, "\\N", "a word for nothing"},
    {COLUMN_SERVICE, "#N/A", "the error of a spreadsheet's formula"},
    {COLUMN_SERVICE, "#REF!", "the error of a spreadsheet's formula"},
    {COLUMN_SERVICE, "#DIV/0!", "the error of a spreadsheet's formula"},
    {COLUMN_SERVICE, "NULLS", NULL},
    {COLUMN_SERVICE, "NA", NULL},
    {COLUMN_SERVICE, "N1", NULL},
    {COLUMN_SERVICE, "#1", NULL},
    {COLUMN_SERVICE, "", NULL},
    {COLUMN_CLUSTER, "'04", "apostrophe"},
    {COLUMN_CLUSTER,
     "\xE2\x80\x9C"
     "04\xE2\x80\x9D",
     "curly quotes"},
    {COLUMN_CLUSTER, "04\xC2\xA0", "non-breaking space"},
    {COLUMN_SERVICE, "a value that is much longer than any habit that is known", NULL},
};

static void check_table(const struct expected *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[HABIT_SIZE];
        struct text value = {table[i].value, strlen(table[i].value)};
        bool found = habit_sentence(table[i].column, value, out);
        ck_assert_msg(found == (table[i].words != NULL), "%s: '%s'", table[i].value, out);
        if (found) {
            ck_assert_msg(strstr(out, table[i].words) != NULL, "%s: '%s'", table[i].value, out);
            ck_assert_int_eq(strncmp(out, "this ", 5), 0);
            ck_assert_uint_lt(strlen(out), HABIT_SIZE - 1);
        }
    }
}

START_TEST(habits_have_sentences)
{
    check_table(dates, sizeof dates / sizeof dates[0]);
    check_table(numbers, sizeof numbers / sizeof numbers[0]);
    check_table(words, sizeof words / sizeof words[0]);
}
END_TEST

/* One value in a row that is clean otherwise: the rule that speaks, and what it says. */
static void expect(enum column column, const char *value, enum rule_id rule, const char *note)
{
    upload_row_clean(&row, 1);
    (void)snprintf(row.field[column], UPLOAD_TEXT, "%s", value);
    upload_check_rows(&result, &context, &row, 1);
    const struct finding *f = upload_find(&result, rule, 1);
    ck_assert_msg(f != NULL, "%s: no %s but %s", value, rule_get(rule)->id, upload_names(result.failed[0]));
    ck_assert_msg(strstr(f->note, note) != NULL, "%s: '%s'", value, f->note);
}

START_TEST(findings_tell_habits)
{
    expect(COLUMN_START_DATE, "20/03/2013", RULE_D01,
           "start_date is not a date: dates are written YYYY-MM-DD; this looks like DD/MM/YYYY: format the column");
    expect(COLUMN_END_DATE, "NULL", RULE_D03, "; this is a word for nothing: leave the field blank");
    expect(COLUMN_REFERRAL_END, "41030", RULE_D12, "serial number of a day (2012-05-01)");
    expect(COLUMN_MHCT_DATE, "2013-03-20 00:00:00", RULE_M03, "a date with a time");
    expect(COLUMN_DISCHARGE_MHCT_DATE, "1/4/13", RULE_M05, "DD/MM/YY");
    expect(COLUMN_LAST_CONTACT, "20-Apr-13", RULE_R06, "names the month in letters");
    expect(COLUMN_BIRTH_DATE, "15/06/1970", RULE_P06, "DD/MM/YYYY");
    expect(COLUMN_NHS_NUMBER, "9.99E+09", RULE_P02, "; this is in scientific notation");
    expect(COLUMN_NHS_NUMBER, "999000001", RULE_P02, "It has not ten digits; this has nine digits");
    expect(COLUMN_NHS_NUMBER_STATUS, "1", RULE_P05, "This has one digit");
    expect(COLUMN_PATIENT_ID, "#N/A", RULE_P01, "This is the error of a spreadsheet's formula");
    expect(COLUMN_COMMISSIONER, "5.00E+01", RULE_C02, "; this is in scientific notation");
    expect(COLUMN_GP_PRACTICE, "NULL", RULE_C01, "This is a word for nothing");
    expect(COLUMN_CLUSTER, "4.0", RULE_K02, "This has a decimal part");
    expect(COLUMN_H1 + 3, "1.0", RULE_M01, "Ratings: h4; this has a decimal part");
    expect(COLUMN_ADMITTED_DAYS, "1,234", RULE_D13, "; this has a thousands separator");
    expect(COLUMN_MHCT_REASON, "10.0", RULE_M04, "This has a decimal part");
    expect(COLUMN_MONTH, "Apr-13", RULE_F04, "Expected 2013-04; this is a date or a month in another form");
    expect(COLUMN_PROVIDER, "'RXA", RULE_F05, "Expected RXA; this begins with an apostrophe");
}
END_TEST

/* A word for nothing must not count as a reason, an approval, a team or an id. */
START_TEST(words_for_nothing_are_no_values)
{
    expect(COLUMN_COMMISSIONER_REASON, "NULL", RULE_F01, "a word for nothing");
    expect(COLUMN_APPROVAL_REF, "N/A", RULE_F01, "a word for nothing");
    expect(COLUMN_SERVICE, "#REF!", RULE_F01, "the error of a spreadsheet's formula");
    expect(COLUMN_EPISODE_ID, "NULL", RULE_F01, "a word for nothing");
    expect(COLUMN_ASSESSMENT_ONLY, "#N/A", RULE_F01, "the error of a spreadsheet's formula");
}
END_TEST

/* Ids that a spreadsheet made alike: the finding says how. */
START_TEST(ids_that_became_alike)
{
    static struct upload_row rows[2];
    for (unsigned i = 0; i < 2; i++) {
        upload_row_clean(&rows[i], i + 1);
        (void)snprintf(rows[i].field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "1.00E+12");
    }
    upload_check_rows(&result, &context, rows, 2);
    const struct finding *f = upload_find(&result, RULE_F11, 2);
    ck_assert_ptr_nonnull(f);
    ck_assert_msg(strstr(f->note, "is in row 1; this is in scientific notation") != NULL, "%s", f->note);
}
END_TEST

/* One digit is normalised for clusters (and for them alone). */
START_TEST(clusters_keep_their_zero)
{
    (void)snprintf(row.field[COLUMN_CLUSTER], UPLOAD_TEXT, "4");
    (void)snprintf(row.field[COLUMN_CLUSTER_INITIAL], UPLOAD_TEXT, "4");
    upload_check_rows(&result, &context, &row, 1);
    ck_assert_uint_eq(result.count, 0);
}
END_TEST

/* Values that identify a patient are in no sentence. */
START_TEST(sentences_hide_who)
{
    static const enum column hidden[] = {COLUMN_PATIENT_ID, COLUMN_NHS_NUMBER, COLUMN_BIRTH_DATE, COLUMN_GP_PRACTICE};
    static const char *const values[] = {
        "25569", "15/06/1970", "9990000018.0", "999-000-0018", "1970-06-15 00:00", "9.990000018E+09", "'9990000018"};
    for (size_t c = 0; c < sizeof hidden / sizeof hidden[0]; c++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            char out[HABIT_SIZE];
            if (habit_sentence(hidden[c], (struct text){values[i], strlen(values[i])}, out)) {
                ck_assert_ptr_null(strstr(out, "1970"));
                ck_assert_ptr_null(strstr(out, "999"));
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("habits");
    TCase *t = tcase_create("habits");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, habits_have_sentences);
    tcase_add_test(t, findings_tell_habits);
    tcase_add_test(t, words_for_nothing_are_no_values);
    tcase_add_test(t, ids_that_became_alike);
    tcase_add_test(t, clusters_keep_their_zero);
    tcase_add_test(t, sentences_hide_who);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
