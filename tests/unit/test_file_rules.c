/* Rules of the file as a whole, and rules across rows. */
#include "domain/cross_rows.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;
static struct upload_context context;
static struct upload_result result;
static struct upload_row rows[UPLOAD_ROWS];

static void setup(void)
{
    upload_reference(&reference);
    upload_context(&context, &reference);
    for (unsigned i = 0; i < UPLOAD_ROWS; i++)
        upload_row_clean(&rows[i], i + 1);
}

static void teardown(void)
{
    reference_free(&reference);
}

static void put(unsigned row, enum column c, const char *text)
{
    (void)snprintf(rows[row].field[c], UPLOAD_TEXT, "%s", text);
}

/* The row is of the same patient as row 0, with its own episode. */
static void same_patient(unsigned row)
{
    put(row, COLUMN_PATIENT_ID, rows[0].field[COLUMN_PATIENT_ID]);
    put(row, COLUMN_NHS_NUMBER, rows[0].field[COLUMN_NHS_NUMBER]);
}

static void dates(unsigned row, const char *start, const char *end)
{
    put(row, COLUMN_START_DATE, start);
    put(row, COLUMN_MHCT_DATE, start);
    put(row, COLUMN_END_DATE, end);
}

static void check(size_t count)
{
    upload_check_rows(&result, &context, rows, count);
}

static void expect(unsigned row, const char *names)
{
    ck_assert_msg(strcmp(upload_names(result.failed[row]), names) == 0, "row %u: expected '%s', found '%s'", row + 1,
                  names, upload_names(result.failed[row]));
}

START_TEST(clean_files_have_no_finding)
{
    check(UPLOAD_ROWS);
    ck_assert_uint_eq(result.count, 0);
    ck_assert_uint_eq(result.summary.rows, UPLOAD_ROWS);
    ck_assert_uint_eq(result.summary.delivered, UPLOAD_ROWS);
    ck_assert(!result.summary.refused && !result.summary.held);
}
END_TEST

START_TEST(f03_no_rows)
{
    check(0);
    ck_assert_uint_eq(result.count, 1);
    ck_assert_int_eq((int)result.finding[0].rule, RULE_F03);
    ck_assert(result.summary.refused);
}
END_TEST

START_TEST(f04_f05_each_row_is_named_up_to_a_limit)
{
    for (unsigned i = 0; i < 30; i++) {
        put(i, COLUMN_MONTH, i % 2 == 0 ? "2013-05" : "April");
        put(i + 30, COLUMN_PROVIDER, "RXB");
    }
    check(60);
    ck_assert_uint_eq(upload_count(&result, RULE_F04), FILE_ROWS_NAMED + 1);
    ck_assert_uint_eq(upload_count(&result, RULE_F05), FILE_ROWS_NAMED + 1);
    ck_assert_str_eq(upload_find(&result, RULE_F04, 0)->note, "and 10 more rows");
    ck_assert_str_eq(upload_find(&result, RULE_F04, 1)->value, "2013-05");
    ck_assert_str_eq(upload_find(&result, RULE_F04, 1)->note, "Expected 2013-04");
    ck_assert_ptr_nonnull(upload_find(&result, RULE_F05, 31));
    ck_assert(result.summary.refused);
}
END_TEST

START_TEST(f06_f12_boundaries)
{
    date_t first = month_first(context.month), last = month_last(context.month);
    static const struct {
        int from, to; /* days from the month's first and behind its last day */
        bool fails;
    } cases[] = {{0, 0, false}, {29, 5, false}, {30, 5, true}, {-50, -29, false}, {-50, -30, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        context.provider_from = first + cases[i].from;
        context.provider_to = last + 1 + cases[i].to;
        check(1);
        ck_assert_uint_eq(upload_count(&result, RULE_F06), cases[i].fails);
    }
    context.today = first;
    check(1);
    ck_assert_uint_eq(upload_count(&result, RULE_F12), 0);
    context.today = first - 1;
    check(1);
    ck_assert_uint_eq(upload_count(&result, RULE_F12), 1);
}
END_TEST

START_TEST(f07_frozen_for_all)
{
    context.contracts_concerned = 2;
    context.contracts_open = 1;
    check(1);
    ck_assert_uint_eq(result.count, 0);
    context.contracts_open = 0;
    check(1);
    ck_assert_uint_eq(upload_count(&result, RULE_F07), 1);
    context.contracts_concerned = 0;
    check(1);
    ck_assert_uint_eq(result.count, 0);
}
END_TEST

START_TEST(f08_every_row)
{
    put(0, COLUMN_CLUSTER, "22");
    put(1, COLUMN_CLUSTER, "09");
    check(3);
    ck_assert_uint_eq(upload_count(&result, RULE_F08), 0);
    check(2);
    ck_assert_uint_eq(upload_count(&result, RULE_F08), 1);
    /* M03 may be made a QUERY by the terms: it never refuses a file. */
    upload_row_clean(&rows[0], 1);
    put(0, COLUMN_MHCT_DATE, "");
    check(1);
    ck_assert_uint_eq(upload_count(&result, RULE_F08), 0);
}
END_TEST

START_TEST(f08_counts_rules_across_rows)
{
    same_patient(1);
    dates(1, "2013-04-05", "");
    check(2);
    ck_assert_uint_eq(upload_count(&result, RULE_D07), 2);
    ck_assert_uint_eq(upload_count(&result, RULE_F08), 1);
}
END_TEST

START_TEST(f09_f10_f11)
{
    put(3, COLUMN_NHS_NUMBER, rows[1].field[COLUMN_NHS_NUMBER]);
    put(7, COLUMN_PATIENT_ID, rows[5].field[COLUMN_PATIENT_ID]);
    put(7, COLUMN_ASSESSMENT_ONLY, "Y");
    put(7, COLUMN_COMMISSIONER, "5QE");
    put(7, COLUMN_MHCT_REASON, "11");
    put(9, COLUMN_EPISODE_ID, rows[8].field[COLUMN_EPISODE_ID]);
    check(20);
    ck_assert_uint_eq(result.count, 3);
    ck_assert_str_eq(upload_find(&result, RULE_F09, 4)->note, "Another patient has the same NHS number in row 2");
    ck_assert_str_eq(upload_find(&result, RULE_F10, 8)->note, "The same patient has another NHS number in row 6");
    ck_assert_str_eq(upload_find(&result, RULE_F09, 4)->value, "(hidden)");
    ck_assert_str_eq(upload_find(&result, RULE_F10, 8)->value, "(hidden)");
    ck_assert_str_eq(upload_find(&result, RULE_F11, 10)->note, "The same episode id is in row 9");
}
END_TEST

START_TEST(f09_f10_ignore_numbers_that_are_none)
{
    put(0, COLUMN_NHS_NUMBER, "0000000000");
    put(1, COLUMN_NHS_NUMBER, "0000000000");
    put(2, COLUMN_PATIENT_ID, "");
    put(3, COLUMN_PATIENT_ID, "");
    check(6);
    ck_assert_uint_eq(upload_count(&result, RULE_F09), 0);
    ck_assert_uint_eq(upload_count(&result, RULE_F10), 0);
    ck_assert_uint_eq(upload_count(&result, RULE_D07), 0);
}
END_TEST

START_TEST(f13_short_files)
{
    context.declared_rows = 8;
    check(8);
    ck_assert_uint_eq(result.count, 0);
    context.declared_rows = 9;
    context.accepted_rows = 10;
    check(8);
    ck_assert_uint_eq(result.count, 1);
    ck_assert(result.summary.held && !result.summary.refused);
    context.declared_rows = -1;
    check(8);
    ck_assert_uint_eq(result.count, 0);
    check(7);
    ck_assert_str_eq(upload_find(&result, RULE_F13, 0)->note, "The file has 7 rows, the last accepted month has 10");
}
END_TEST

START_TEST(forms_of_the_file)
{
    put(0, COLUMN_EPISODE_ID, "");
    put(1, COLUMN_EPISODE_ID, "123456789012345678901");
    put(2, COLUMN_SERVICE, "1234567890123");
    put(3, COLUMN_ASSESSMENT_ONLY, "N");
    put(3, COLUMN_APPROVAL_REF, "123456789012345678901");
    put(4, COLUMN_SERVICE, "123456789012");
    check(5);
    ck_assert_uint_eq(upload_count(&result, RULE_F01), 4);
    ck_assert_str_eq(upload_find(&result, RULE_F01, 1)->field, "episode_id");
    ck_assert_ptr_nonnull(strstr(upload_find(&result, RULE_F01, 4)->note, "approval_ref"));
    ck_assert_ptr_nonnull(strstr(upload_find(&result, RULE_F01, 4)->note, "assessment_only"));
}
END_TEST

START_TEST(d07_falls_on_all_rows)
{
    dates(0, "2013-03-01", "2013-04-02");
    same_patient(1);
    dates(1, "2013-04-02", "");
    same_patient(2);
    dates(2, "2013-04-10", "");
    check(4);
    expect(0, "D07");
    expect(1, "D07");
    expect(2, "D07");
    expect(3, "");
    put(2, COLUMN_END_DATE, "2013-04-11");
    check(4);
    expect(0, "");
    expect(1, "");
    expect(2, "D09");
}
END_TEST

START_TEST(d07_ignores_assessments)
{
    same_patient(1);
    dates(1, "2013-04-02", "");
    put(1, COLUMN_ASSESSMENT_ONLY, "Y");
    check(2);
    expect(0, "");
    expect(1, "");
}
END_TEST

START_TEST(d08_same_start)
{
    dates(0, "2013-04-05", "2013-04-07");
    same_patient(1);
    dates(1, "2013-04-05", "");
    same_patient(2);
    dates(2, "2013-04-04", "2013-04-05");
    put(0, COLUMN_LAST_CONTACT, "2013-04-05");
    put(2, COLUMN_LAST_CONTACT, "2013-04-04");
    check(3);
    expect(0, "D08");
    expect(1, "D08");
    expect(2, "");
    ck_assert(result.continues[2]);
    ck_assert(!result.continues[0] && !result.continues[1]);
}
END_TEST

START_TEST(d09_shares_a_day)
{
    /* The first ends on the day on which the second starts: no day is shared. */
    dates(0, "2013-03-01", "2013-04-10");
    same_patient(1);
    dates(1, "2013-04-10", "");
    check(2);
    expect(0, "");
    expect(1, "");
    ck_assert(result.continues[0]);
    put(0, COLUMN_END_DATE, "2013-04-11");
    check(2);
    expect(0, "");
    expect(1, "D09");
    ck_assert(!result.continues[0]);
    ck_assert_str_eq(upload_find(&result, RULE_D09, 2)->note, "It shares a day with row 1");
    /* An earlier row with an ERROR claims no days. */
    put(0, COLUMN_CLUSTER, "22");
    check(2);
    expect(0, "K02");
    expect(1, "");
}
END_TEST

/* An episode of no days does not continue itself. */
START_TEST(continues_needs_another_row)
{
    dates(0, "2013-04-05", "2013-04-05");
    check(1);
    ck_assert(!result.continues[0]);
    same_patient(1);
    dates(1, "2013-04-05", "");
    put(1, COLUMN_ASSESSMENT_ONLY, "Y");
    check(2);
    ck_assert(!result.continues[0]);
    put(1, COLUMN_ASSESSMENT_ONLY, "");
    check(2);
    ck_assert(result.continues[0]);
}
END_TEST

START_TEST(d09_days_of_this_month_only)
{
    dates(0, "2013-02-01", "2013-04-01");
    same_patient(1);
    dates(1, "2013-03-01", "");
    check(2);
    expect(0, "C02 C03"); /* no day in April: judged on its start, when 01A was not live */
    expect(1, "");
    put(0, COLUMN_COMMISSIONER, "5QE");
    put(0, COLUMN_END_DATE, "2013-04-02");
    put(0, COLUMN_COMMISSIONER, "01A");
    check(2);
    expect(0, "");
    expect(1, "D09");
}
END_TEST

START_TEST(d09_a_failed_row_claims_nothing)
{
    /* The second overlaps the first and fails; the third overlaps the second alone and does not. */
    dates(0, "2013-03-01", "2013-04-05");
    same_patient(1);
    dates(1, "2013-04-02", "2013-04-20");
    same_patient(2);
    dates(2, "2013-04-10", "");
    check(3);
    expect(0, "");
    expect(1, "D09");
    expect(2, "");
}
END_TEST

START_TEST(d10_gaps)
{
    dates(0, "2013-03-01", "2013-04-09");
    same_patient(1);
    dates(1, "2013-04-10", "");
    check(2);
    expect(0, "");
    expect(1, "D10");
    put(0, COLUMN_REFERRAL_END, "2013-04-09");
    check(2);
    expect(1, "");
    put(0, COLUMN_REFERRAL_END, "2013-04-10");
    check(2);
    expect(1, "D10");
    put(0, COLUMN_REFERRAL_DATE, "");
    check(2);
    expect(1, "");
}
END_TEST

/* One referral, two assessments: the later earns nothing. */
START_TEST(a01_first_of_a_referral)
{
    dates(0, "2013-04-09", "2013-04-20");
    put(0, COLUMN_ASSESSMENT_ONLY, "Y");
    same_patient(1);
    dates(1, "2013-04-08", "2013-04-20");
    put(1, COLUMN_ASSESSMENT_ONLY, "Y");
    check(2);
    expect(0, "A01");
    expect(1, "");
    put(1, COLUMN_CLUSTER, "09");
    check(2);
    expect(0, "");
    expect(1, "K03");
    upload_row_clean(&rows[1], 2);
    same_patient(1);
    dates(1, "2013-04-08", "2013-04-20");
    put(1, COLUMN_REFERRAL_DATE, "2013-03-11");
    check(2);
    expect(0, "");
    /* The same day: the smaller episode id. */
    put(1, COLUMN_REFERRAL_DATE, "2013-03-10");
    put(1, COLUMN_ASSESSMENT_ONLY, "Y");
    dates(1, "2013-04-09", "2013-04-20");
    check(2);
    expect(0, "");
    expect(1, "A01");
    /* Another commissioner pays for one of its own. */
    put(1, COLUMN_COMMISSIONER, "02B");
    put(1, COLUMN_GP_PRACTICE, "");
    check(2);
    expect(1, "");
    put(1, COLUMN_COMMISSIONER, "01A");
    /* Not in the month: no assessment of this month. */
    put(0, COLUMN_MHCT_DATE, "2013-03-31");
    check(2);
    expect(1, "");
}
END_TEST

START_TEST(partitions_are_stable)
{
    uint8_t hash[16] = {0x12, 0x34, 0x56};
    ck_assert_uint_eq(cross_partition(hash, 64), 0x123456 % 64);
    unsigned used[16] = {0};
    for (unsigned i = 0; i < 1600; i++) {
        char id[24] = {0};
        (void)snprintf(id, sizeof id, "E%06u", i);
        used[cross_episode_partition(cross_episode_hash(id), 16)]++;
    }
    for (int i = 0; i < 16; i++)
        ck_assert_uint_gt(used[i], 50);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("file rules");
    TCase *t = tcase_create("file rules");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, clean_files_have_no_finding);
    tcase_add_test(t, f03_no_rows);
    tcase_add_test(t, f04_f05_each_row_is_named_up_to_a_limit);
    tcase_add_test(t, f06_f12_boundaries);
    tcase_add_test(t, f07_frozen_for_all);
    tcase_add_test(t, f08_every_row);
    tcase_add_test(t, f08_counts_rules_across_rows);
    tcase_add_test(t, f09_f10_f11);
    tcase_add_test(t, f09_f10_ignore_numbers_that_are_none);
    tcase_add_test(t, f13_short_files);
    tcase_add_test(t, forms_of_the_file);
    tcase_add_test(t, d07_falls_on_all_rows);
    tcase_add_test(t, d07_ignores_assessments);
    tcase_add_test(t, d08_same_start);
    tcase_add_test(t, d09_shares_a_day);
    tcase_add_test(t, continues_needs_another_row);
    tcase_add_test(t, d09_days_of_this_month_only);
    tcase_add_test(t, d09_a_failed_row_claims_nothing);
    tcase_add_test(t, d10_gaps);
    tcase_add_test(t, a01_first_of_a_referral);
    tcase_add_test(t, partitions_are_stable);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
