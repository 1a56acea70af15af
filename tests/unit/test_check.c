/* The check of one file: hashes of identities, the order and the bytes of findings, and what the terms add. */
#include "base/json.h"
#include "check/finding_journal.h"
#include "lib/contract_year.h"
#include "lib/upload.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[IDENTITY_KEY_SIZE] = "one key";
static const uint8_t other_key[IDENTITY_KEY_SIZE] = "another key";

START_TEST(identities_are_keyed_and_apart)
{
    static const struct {
        const uint8_t *key;
        const char *provider;
        enum identity_kind kind;
        const char *text;
    } one[] = {{key, "RXA", IDENTITY_PATIENT, "9990000001"}, {key, "RXA", IDENTITY_NHS_NUMBER, "9990000001"},
               {key, "RXB", IDENTITY_PATIENT, "9990000001"}, {other_key, "RXA", IDENTITY_PATIENT, "9990000001"},
               {key, "RXA", IDENTITY_PATIENT, "9990000002"}, {key, "RXA", IDENTITY_PATIENT, ""},
               {key, "RXA", IDENTITY_PATIENT, "999000000"}};
    enum { COUNT = sizeof one / sizeof one[0] };
    uint8_t hash[COUNT][IDENTITY_HASH_SIZE];
    for (int i = 0; i < COUNT; i++) {
        struct identity_keys keys;
        uint8_t again[IDENTITY_HASH_SIZE];
        identity_keys_make(&keys, one[i].key, one[i].provider);
        identity_hash(&keys, one[i].kind, one[i].text, strlen(one[i].text), hash[i]);
        identity_hash(&keys, one[i].kind, one[i].text, strlen(one[i].text), again);
        ck_assert_mem_eq(hash[i], again, sizeof again);
        for (int k = 0; k < i; k++)
            ck_assert_msg(memcmp(hash[i], hash[k], sizeof hash[i]) != 0, "%d and %d are alike", i, k);
    }
}
END_TEST

START_TEST(a_line_is_canonical_json)
{
    static const struct finding_line lines[] = {
        {0, RULE_F08, SEVERITY_FILE, "", "", "", "file", "", "All 3 rows have an ERROR", 0, false},
        {7, RULE_K06, SEVERITY_QUERY, "E\"1\\", "5QE", "04", "cluster", "04", "\xC3\xA9 / <", 0, true},
        {4000000000, RULE_W01, SEVERITY_WARN, "E1", "", "", "month", NULL, "", -12345678901, true}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buf b;
        struct json_problem problem;
        buf_init(&b, 10000);
        ck_assert(finding_line_append(&b, &lines[i]));
        json_t *parsed = json_read(b.data, b.length, &problem);
        ck_assert_msg(parsed != NULL, "%s: %s", b.data, problem.message);
        ck_assert_uint_eq(json_object_size(parsed), 12);
        size_t length = 0;
        char *canonical = json_canonical(parsed, &length);
        ck_assert_ptr_nonnull(canonical);
        ck_assert_uint_eq(length, b.length);
        ck_assert_str_eq(canonical, b.data);
        ck_assert_str_eq(json_string_value(json_object_get(parsed, "note")), lines[i].note);
        ck_assert_str_eq(json_string_value(json_object_get(parsed, "episode_id")), lines[i].episode_id);
        free(canonical);
        json_decref(parsed);
        buf_free(&b);
    }
    struct buf small;
    buf_init(&small, 20);
    ck_assert(!finding_line_append(&small, &lines[0]));
    buf_free(&small);
}
END_TEST

START_TEST(a_packed_finding_keeps_its_texts)
{
    struct finding f, back;
    uint8_t packed[FINDING_PACKED_MAXIMUM];
    finding_begin(&f, RULE_F02, 5);
    memset(f.field, 'f', sizeof f.field - 1);
    memset(f.value, 'v', sizeof f.value - 1);
    memset(f.note, 'n', sizeof f.note - 1);
    f.field[sizeof f.field - 1] = f.value[sizeof f.value - 1] = f.note[sizeof f.note - 1] = '\0';
    size_t length = finding_pack(&f, packed);
    ck_assert_uint_le(length, sizeof packed);
    uint32_t row_no = 0;
    enum rule_id rule = RULE_COUNT;
    ck_assert_uint_eq(finding_peek(packed, &row_no, &rule), length);
    ck_assert_uint_eq(row_no, 5);
    ck_assert_int_eq(rule, RULE_F02);
    finding_unpack(packed, &back);
    ck_assert_str_eq(back.field, f.field);
    ck_assert_str_eq(back.value, f.value);
    ck_assert_str_eq(back.note, f.note);
}
END_TEST

/* A check that was fed rows; the caller frees it. */
static struct check *checked(const struct upload_context *x, const struct upload_row *rows, size_t count,
                             struct check_outcome *outcome)
{
    struct check_input input = {.context = x, .format = UPLOAD_CSV, .identity_key = key, .spool_folder = "/tmp"};
    struct buf b;
    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, count);
    struct check *c = check_new(&input);
    ck_assert(check_feed(c, b.data, b.length));
    ck_assert(check_finish(c, outcome));
    buf_free(&b);
    return c;
}

struct seen {
    char text[4000];
};

static bool see(void *context, const struct finding_line *line, bool of_terms)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%u %s %s %s%s%lld; ", line->row,
                   rule_get(line->rule)->id, severity_name(line->severity), of_terms ? "terms " : "",
                   line->pence_known ? "" : "?", (long long)line->pence);
    return true;
}

static struct upload_row rows[3];

/* Row 1 fails two rules, row 2 none, row 3 one, row 3 one across rows. */
static void plant(void)
{
    for (unsigned i = 0; i < 3; i++)
        upload_row_clean(&rows[i], i + 1);
    (void)snprintf(rows[0].field[COLUMN_SE], UPLOAD_TEXT, "9");
    (void)snprintf(rows[0].field[COLUMN_NHS_NUMBER_STATUS], UPLOAD_TEXT, "11");
    (void)snprintf(rows[2].field[COLUMN_CLUSTER], UPLOAD_TEXT, "9");
    memcpy(rows[2].field[COLUMN_PATIENT_ID], rows[1].field[COLUMN_PATIENT_ID], UPLOAD_TEXT);
    memcpy(rows[2].field[COLUMN_NHS_NUMBER], rows[1].field[COLUMN_NHS_NUMBER], UPLOAD_TEXT);
    (void)snprintf(rows[2].field[COLUMN_START_DATE], UPLOAD_TEXT, "2013-03-21");
    (void)snprintf(rows[2].field[COLUMN_MHCT_DATE], UPLOAD_TEXT, "2013-03-21");
}

START_TEST(findings_come_by_row_then_rule)
{
    struct reference reference;
    struct upload_context x;
    struct check_outcome outcome;
    upload_reference(&reference);
    upload_context(&x, &reference);
    x.declared_rows = 4;
    plant();
    struct check *c = checked(&x, rows, 3, &outcome);
    ck_assert(outcome.held && !outcome.refused);
    ck_assert_int_eq(outcome.payable_rows, 1);
    for (int again = 0; again < 2; again++) {
        struct seen seen = {""};
        ck_assert(check_each_finding(c, NULL, see, &seen));
        ck_assert_str_eq(seen.text, "0 F13 FILE ?0; 1 P05 WARN ?0; 1 M02 WARN ?0; 2 D07 ERROR ?0; 3 K03 ERROR ?0; "
                                    "3 D07 ERROR ?0; ");
    }
    check_free(c);
    reference_free(&reference);
}
END_TEST

START_TEST(what_is_learnt_later_falls_into_order)
{
    struct reference reference;
    struct upload_context x;
    struct check_outcome outcome;
    struct finding f;
    upload_reference(&reference);
    upload_context(&x, &reference);
    plant();
    struct check *c = checked(&x, rows, 3, &outcome);
    finding_begin(&f, RULE_C03, 1);
    ck_assert(check_add_finding(c, &f));
    finding_begin(&f, RULE_R06, 2);
    ck_assert(check_add_finding(c, &f));
    finding_begin(&f, RULE_P03, 2);
    ck_assert(check_add_finding(c, &f));
    finding_begin(&f, RULE_K03, 3); /* known already */
    ck_assert(check_add_finding(c, &f));
    struct seen seen = {""};
    ck_assert(check_each_finding(c, NULL, see, &seen));
    ck_assert_str_eq(seen.text, "1 P05 WARN ?0; 1 C03 QUERY ?0; 1 M02 WARN ?0; 2 P03 WARN ?0; 2 D07 ERROR ?0; "
                                "2 R06 WARN ?0; 3 K03 ERROR ?0; 3 D07 ERROR ?0; ");
    check_free(c);
    reference_free(&reference);
}
END_TEST

/* A row that cannot be read has no ERROR: F08 is not told, wherever in the file it stands. */
START_TEST(a_row_that_cannot_be_read_has_no_error)
{
    struct reference reference;
    struct upload_context x;
    upload_reference(&reference);
    upload_context(&x, &reference);
    upload_row_clean(&rows[0], 1);
    (void)snprintf(rows[0].field[COLUMN_CLUSTER], UPLOAD_TEXT, "22");
    for (int bad_first = 0; bad_first < 2; bad_first++) {
        struct check_input input = {.context = &x, .format = UPLOAD_CSV, .identity_key = key, .spool_folder = "/tmp"};
        struct check_outcome outcome;
        struct seen seen = {""};
        struct buf b;
        buf_init(&b, 1 << 20);
        upload_write_csv(&b, rows, 1);
        size_t header = (size_t)(strchr(b.data, '\n') + 1 - b.data);
        size_t cut = bad_first ? header : b.length;
        struct check *c = check_new(&input);
        ck_assert(check_feed(c, b.data, cut) && check_feed(c, "x\r\n", 3) &&
                  check_feed(c, b.data + cut, b.length - cut));
        ck_assert(check_finish(c, &outcome));
        ck_assert(check_each_finding(c, NULL, see, &seen));
        ck_assert_str_eq(seen.text, bad_first ? "1 F01 FILE ?0; 2 K02 ERROR ?0; " : "1 K02 ERROR ?0; 2 F01 FILE ?0; ");
        check_free(c);
        buf_free(&b);
    }
    reference_free(&reference);
}
END_TEST

START_TEST(terms_add_findings_severities_and_amounts)
{
    struct reference reference;
    struct upload_context x;
    struct check_outcome outcome;
    upload_reference(&reference);
    upload_context(&x, &reference);
    plant();
    (void)snprintf(rows[1].field[COLUMN_COMMISSIONER], UPLOAD_TEXT, "02B");
    (void)snprintf(rows[1].field[COLUMN_GP_PRACTICE], UPLOAD_TEXT, "V81998");
    struct terms *t = terms_of("{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2013,"
                               "'effective_from':'2013-04','calendar':{'flex':{'operational_days':5},"
                               "'freeze':{'operational_days':20}},'rules':{'severities':{'P05':'QUERY'}},"
                               "'prices':[{'cluster':'04','basis':'ADMITTED','pence':200},"
                               "{'cluster':'04','basis':'NONADMITTED','pence':100}]}");
    struct appraisal *a = appraisal_new(&reference, x.month);
    ck_assert(appraisal_add(a, "01A", t));
    struct check *c = checked(&x, rows, 3, &outcome);
    struct seen seen = {""};
    ck_assert(check_each_finding(c, a, see, &seen));
    ck_assert_str_eq(seen.text, "1 P05 QUERY 3000; 1 M02 WARN 3000; 2 C04 ERROR terms ?0; 2 D07 ERROR ?0; "
                                "3 K03 ERROR ?0; 3 D07 ERROR ?0; ");
    check_free(c);

    /* A refused file is not asked about terms: its rows are not kept. */
    memcpy(rows[2].field[COLUMN_EPISODE_ID], rows[1].field[COLUMN_EPISODE_ID], UPLOAD_TEXT);
    c = checked(&x, rows, 3, &outcome);
    ck_assert(outcome.refused);
    seen.text[0] = '\0';
    ck_assert(check_each_finding(c, a, see, &seen));
    ck_assert_str_eq(seen.text, "1 P05 WARN ?0; 1 M02 WARN ?0; 2 D07 ERROR ?0; 3 F11 FILE ?0; 3 K03 ERROR ?0; "
                                "3 D07 ERROR ?0; ");
    check_free(c);
    appraisal_free(a);
    terms_free(t);
    reference_free(&reference);
}
END_TEST

struct order {
    uint32_t row;
    enum rule_id rule;
    size_t count;
};

static bool expect_order(void *context, const struct finding_line *line, bool of_terms)
{
    struct order *before = context;
    ck_assert(!of_terms);
    if (before->count > 0)
        ck_assert_int_lt(finding_order(before->row, before->rule, line->row, line->rule), 0);
    *before = (struct order){line->row, line->rule, before->count + 1};
    return true;
}

/* Enough rows for several ranges of late findings, each row with one. */
START_TEST(many_late_findings_come_in_order)
{
    enum { ROWS = 40000 };
    struct reference reference;
    struct upload_context x;
    struct check_outcome outcome;
    struct upload_row row;
    struct buf b;
    upload_reference(&reference);
    upload_context(&x, &reference);
    struct check_input input = {.context = &x, .format = UPLOAD_NDJSON, .identity_key = key, .spool_folder = "/tmp"};
    struct check *c = check_new(&input);
    buf_init(&b, 1 << 20);
    upload_row_clean(&row, 1);
    row.field[COLUMN_NHS_NUMBER][0] = '\0';
    upload_write_ndjson(&b, &row, 1);
    char *episode = strstr(b.data, "E000001") + 1;
    char *patient = strstr(b.data, "P000001") + 1;
    for (unsigned i = 0; i < ROWS; i++) {
        char digits[11];
        (void)snprintf(digits, sizeof digits, "%06u", i);
        memcpy(episode, digits, 6);
        (void)snprintf(digits, sizeof digits, "%06u", i / 2);
        memcpy(patient, digits, 6);
        ck_assert(check_feed(c, b.data, b.length));
    }
    ck_assert(check_finish(c, &outcome));
    ck_assert(outcome.refused); /* F08: D07 and D08 on every row */
    struct order order = {0, 0, 0};
    ck_assert(check_each_finding(c, NULL, expect_order, &order));
    ck_assert_uint_eq(order.count, 1 + 3 * ROWS); /* F08; P03, D07 and D08 */
    ck_assert_uint_eq(order.row, ROWS);
    check_free(c);
    buf_free(&b);
    reference_free(&reference);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("check of one file");
    TCase *tc = tcase_create("check");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, identities_are_keyed_and_apart);
    tcase_add_test(tc, a_line_is_canonical_json);
    tcase_add_test(tc, a_packed_finding_keeps_its_texts);
    tcase_add_test(tc, findings_come_by_row_then_rule);
    tcase_add_test(tc, what_is_learnt_later_falls_into_order);
    tcase_add_test(tc, a_row_that_cannot_be_read_has_no_error);
    tcase_add_test(tc, terms_add_findings_severities_and_amounts);
    tcase_add_test(tc, many_late_findings_come_in_order);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
