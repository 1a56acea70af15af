/* Differences of positions as documents. */
#include "domain/billing.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A document with its billable sum from lines in JSON with ' for ". */
static json_t *document(const char *lines, int64_t billable)
{
    char *text = strdup(lines);
    struct json_problem problem;
    ck_assert_ptr_nonnull(text);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *array = json_read(text, strlen(text), &problem);
    ck_assert_msg(array != NULL, "%s: %s", problem.field, problem.message);
    free(text);
    return json_pack("{s:o, s:I}", "lines", array, "billable_pence", (json_int_t)billable);
}

#define LINE(month, price, units, pence)                                                                               \
    "{'key':'activity/" month "/04/DAY/" #price "','stage':'activity','month':'" month                                 \
    "','cluster':'04','basis':'DAY',"                                                                                  \
    "'price_pence':" #price ",'units':" #units ",'pence':" #pence ",'label':'" month "','billable':true}"
#define YEAR_LINE(key, pence) "{'key':'" key "','stage':'" key "','pence':" #pence ",'label':'x','billable':true}"

/* Bills without set-off. */
static enum bill_status compute(const json_t *now, const json_t *before, int64_t documents, struct bill *b)
{
    const struct bill_set_off none = {0};
    const struct bill_before was = {.position = before, .documents = documents};
    return bill_compute(now, &none, &was, b);
}

START_TEST(a_first_bill_is_the_position)
{
    json_t *now = document("[" LINE("2012-04", 612, 30, 18360) "," YEAR_LINE("risk_share", -360) "]", 18000);
    struct bill b;
    ck_assert_int_eq(compute(now, NULL, 0, &b), BILL_DONE);
    ck_assert_int_eq(b.kind, BILL_INVOICE);
    ck_assert_str_eq(bill_kind_name(b.kind), "invoice");
    ck_assert_int_eq(b.balance, 18000);
    ck_assert_uint_eq(b.count, 2);
    ck_assert_str_eq(b.line[0].cluster, "04");
    ck_assert_str_eq(b.line[0].basis, "DAY");
    ck_assert_int_eq(b.line[0].units, 30);
    ck_assert_int_eq(b.line[1].month, -1);
    ck_assert_ptr_null(b.line[1].basis);
    ck_assert_int_eq(b.line[1].price_pence, -1);
    ck_assert_uint_eq(b.months_changed, 1);
    bill_free(&b);
    json_decref(now);
}
END_TEST

START_TEST(a_changed_price_is_a_reversal_and_a_line)
{
    json_t *before = document("[" LINE("2012-04", 612, 30, 18360) "," LINE("2012-05", 612, 31, 18972) "]", 37332);
    json_t *now = document("[" LINE("2012-04", 600, 30, 18000) "," LINE("2012-05", 612, 31, 18972) "]", 36972);
    struct bill b;
    ck_assert_int_eq(compute(now, before, 37332, &b), BILL_DONE);
    ck_assert_int_eq(b.kind, BILL_CREDIT_NOTE);
    ck_assert_str_eq(bill_kind_name(b.kind), "credit_note");
    ck_assert_int_eq(b.balance, -360);
    ck_assert_uint_eq(b.count, 2);
    ck_assert_int_eq(b.line[0].price_pence, 600);
    ck_assert_int_eq(b.line[0].units, 30);
    ck_assert_int_eq(b.line[1].price_pence, 612);
    ck_assert_int_eq(b.line[1].units, -30);
    ck_assert_int_eq(b.line[1].pence, -18360);
    ck_assert_uint_eq(b.months_changed, 1);
    bill_free(&b);
    json_decref(before);
    json_decref(now);
}
END_TEST

START_TEST(the_same_position_is_a_nil_statement_without_lines)
{
    json_t *now = document("[" LINE("2012-04", 612, 30, 18360) "]", 18360);
    struct bill b;
    ck_assert_int_eq(compute(now, now, 18360, &b), BILL_DONE);
    ck_assert_int_eq(b.kind, BILL_NIL_STATEMENT);
    ck_assert_str_eq(bill_kind_name(b.kind), "nil_statement");
    ck_assert_uint_eq(b.count, 0);
    ck_assert_uint_eq(b.months_changed, 0);
    bill_free(&b);
    json_decref(now);
}
END_TEST

START_TEST(units_that_move_without_money_are_shown)
{
    json_t *before = document("[" LINE("2012-04", 0, 30, 0) "]", 0);
    json_t *now = document("[" LINE("2012-04", 0, 29, 0) "]", 0);
    struct bill b;
    ck_assert_int_eq(compute(now, before, 0, &b), BILL_DONE);
    ck_assert_int_eq(b.kind, BILL_NIL_STATEMENT);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(b.line[0].units, -1);
    bill_free(&b);
    json_decref(before);
    json_decref(now);
}
END_TEST

START_TEST(lines_that_are_not_billable_are_left_out)
{
    json_t *now = document(
        "[{'key':'a','stage':'activity','pence':5,'label':'x','billable':false}," YEAR_LINE("block", 7) "]", 7);
    struct bill b;
    ck_assert_int_eq(compute(now, NULL, 0, &b), BILL_DONE);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(b.balance, 7);
    bill_free(&b);
    json_decref(now);
}
END_TEST

START_TEST(what_does_not_reconcile_is_refused)
{
    json_t *now = document("[" LINE("2012-04", 612, 30, 18360) "]", 18360);
    json_t *wrong_sum = document("[" LINE("2012-04", 612, 30, 18360) "]", 18361);
    json_t *doubled = document("[" YEAR_LINE("block", 7) "," YEAR_LINE("block", 7) "]", 14);
    json_t *bad_month = document("[" LINE("2012-13", 612, 30, 18360) "]", 18360);
    json_t *no_lines = json_pack("{s:i}", "billable_pence", 0);
    struct bill b;
    ck_assert_int_eq(compute(now, NULL, 1, &b), BILL_MISMATCH);
    ck_assert_int_eq(compute(now, now, 18359, &b), BILL_MISMATCH);
    ck_assert_int_eq(compute(wrong_sum, NULL, 0, &b), BILL_BAD_DOCUMENT);
    ck_assert_int_eq(compute(now, wrong_sum, 18361, &b), BILL_BAD_DOCUMENT);
    ck_assert_int_eq(compute(doubled, NULL, 0, &b), BILL_BAD_DOCUMENT);
    ck_assert_int_eq(compute(bad_month, NULL, 0, &b), BILL_BAD_DOCUMENT);
    ck_assert_int_eq(compute(no_lines, NULL, 0, &b), BILL_BAD_DOCUMENT);
    json_decref(now);
    json_decref(wrong_sum);
    json_decref(doubled);
    json_decref(bad_month);
    json_decref(no_lines);
}
END_TEST

START_TEST(opening_entries_stand_against_the_first_bill)
{
    json_t *now = document("[" LINE("2012-04", 612, 30, 18360) "]", 18360);
    const struct bill_set_off opening = {.opening = 18000};
    const struct bill_set_off more = {.opening = 18100};
    const struct bill_before nothing = {0};
    const struct bill_before once = {.position = now, .set_off = opening, .documents = 360};
    const struct bill_before wrong = {.position = now, .set_off = opening, .documents = 361};
    struct bill b;
    ck_assert_int_eq(bill_compute(now, &opening, &nothing, &b), BILL_DONE);
    ck_assert_int_eq(b.balance, 360);
    ck_assert_uint_eq(b.count, 2);
    ck_assert_str_eq(b.line[1].key, "opening_entries");
    ck_assert_int_eq(b.line[1].pence, -18000);
    bill_free(&b);
    /* An entry agreed later comes as a difference. */
    ck_assert_int_eq(bill_compute(now, &more, &once, &b), BILL_DONE);
    ck_assert_int_eq(b.balance, -100);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(b.kind, BILL_CREDIT_NOTE);
    bill_free(&b);
    ck_assert_int_eq(bill_compute(now, &opening, &wrong, &b), BILL_MISMATCH);
    json_decref(now);
}
END_TEST

/* EACV of 12,000,000 pounds, FREEZE of April when instalments to June were issued: position 1,050,000 pounds. */
START_TEST(a_reconciliation_sets_off_the_instalments_of_its_own_months)
{
    json_t *now = document("[" YEAR_LINE("block", 105000000) "]", 105000000);
    const struct bill_before nothing = {0};
    struct bill_set_off off = {0};
    struct bill b;
    ck_assert(instalments_due(1200000000, 1, &off.on_account));
    ck_assert_int_eq(bill_compute(now, &off, &nothing, &b), BILL_DONE);
    ck_assert_int_eq(b.balance, 5000000);
    ck_assert_uint_eq(b.count, 2);
    ck_assert_str_eq(b.line[1].key, "on_account");
    ck_assert_int_eq(b.line[1].pence, -100000000);
    bill_free(&b);
    json_decref(now);
}
END_TEST

/* A retro variation that lowers the EACV raises what is reconciled by what the instalments no longer come to. */
START_TEST(a_changed_eacv_is_a_line_of_the_reconciliation)
{
    json_t *now = document("[" YEAR_LINE("block", 1000) "]", 1000);
    const struct bill_set_off was = {.on_account = 900};
    const struct bill_set_off off = {.on_account = 850};
    const struct bill_before before = {.position = now, .set_off = was, .documents = 100};
    struct bill b;
    ck_assert_int_eq(bill_compute(now, &off, &before, &b), BILL_DONE);
    ck_assert_int_eq(b.balance, 50);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(b.line[0].pence, 50);
    bill_free(&b);
    json_decref(now);
}
END_TEST

START_TEST(instalments_come_to_the_twelfths_rounded)
{
    static const struct instalments_issued none = {0, 0};
    struct instalment out[TERMS_MONTHS];
    int64_t due[TERMS_MONTHS];
    int64_t sum = 0;
    for (int32_t k = 1; k <= TERMS_MONTHS; k++)
        ck_assert(instalments_due(1000000007, k, &due[k - 1]));
    ck_assert_int_eq(instalments_to_draft(due, &none, 12, out), 12);
    for (int32_t k = 1; k <= TERMS_MONTHS; k++) {
        ck_assert_int_eq(out[k - 1].k, k);
        ck_assert_int_eq(out[k - 1].before, sum);
        sum = out[k - 1].due;
        ck_assert_int_eq(sum - out[k - 1].before, k == 7 ? 83333333 : 83333334);
    }
    ck_assert_int_eq(sum, 1000000007);
    ck_assert(!instalments_due(INT64_MAX, 13, &sum));
}
END_TEST

START_TEST(instalments_follow_what_was_issued)
{
    int64_t due[TERMS_MONTHS];
    struct instalment out[TERMS_MONTHS];
    for (int32_t k = 1; k <= TERMS_MONTHS; k++)
        due[k - 1] = 100 * k;
    const struct instalments_issued elsewhere = {6, 630}; /* opening entries of six months, a little more than due */
    ck_assert_int_eq(instalments_to_draft(due, &elsewhere, 6, out), 0);
    ck_assert_int_eq(instalments_to_draft(due, &elsewhere, 8, out), 2);
    ck_assert_int_eq(out[0].k, 7);
    ck_assert_int_eq(out[0].before, 630);
    ck_assert_int_eq(out[0].due, 700);
    ck_assert_int_eq(out[1].before, 700);
    const struct instalments_issued all = {12, 1200};
    ck_assert_int_eq(instalments_to_draft(due, &all, 12, out), 0);
    due[11] = 1100; /* a variation after the twelfth */
    ck_assert_int_eq(instalments_to_draft(due, &all, 12, out), 1);
    ck_assert_int_eq(out[0].k, 12);
    ck_assert_int_eq(out[0].due - out[0].before, -100);
    const struct instalments_issued none = {0, 0};
    memset(due, 0, sizeof due);
    ck_assert_int_eq(instalments_to_draft(due, &none, 12, out), 0); /* a plan of nothing */
}
END_TEST

START_TEST(a_bill_refers_to_documents_of_the_months_it_changes)
{
    ck_assert(bill_refers_to(0x1, 0x3));
    ck_assert(!bill_refers_to(0x4, 0x3));
    ck_assert(bill_refers_to(0x0, 0x2)); /* lines of the year to date alone */
    ck_assert(!bill_refers_to(0x0, 0x0));
}
END_TEST

START_TEST(the_sanity_bound)
{
    ck_assert(!bill_beyond_bound(150, 100, 1500000));
    ck_assert(bill_beyond_bound(151, 100, 1500000));
    ck_assert(!bill_beyond_bound(-150, 100, 1500000));
    ck_assert(bill_beyond_bound(-151, 100, 1500000));
    ck_assert(!bill_beyond_bound(INT64_MAX, 100, -1));
    ck_assert(!bill_beyond_bound(INT64_MAX, 0, 1500000));
    ck_assert(bill_beyond_bound(1, 100, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing");
    TCase *t = tcase_create("billing");
    tcase_add_test(t, a_first_bill_is_the_position);
    tcase_add_test(t, a_changed_price_is_a_reversal_and_a_line);
    tcase_add_test(t, the_same_position_is_a_nil_statement_without_lines);
    tcase_add_test(t, units_that_move_without_money_are_shown);
    tcase_add_test(t, lines_that_are_not_billable_are_left_out);
    tcase_add_test(t, what_does_not_reconcile_is_refused);
    tcase_add_test(t, opening_entries_stand_against_the_first_bill);
    tcase_add_test(t, a_reconciliation_sets_off_the_instalments_of_its_own_months);
    tcase_add_test(t, a_changed_eacv_is_a_line_of_the_reconciliation);
    tcase_add_test(t, instalments_come_to_the_twelfths_rounded);
    tcase_add_test(t, instalments_follow_what_was_issued);
    tcase_add_test(t, a_bill_refers_to_documents_of_the_months_it_changes);
    tcase_add_test(t, the_sanity_bound);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
