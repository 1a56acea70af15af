/* A trust's own column names: what a mapping may say, and what the readers of both formats make of it. */
#include "domain/column_mapping.h"
#include "lib/upload.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;
static struct upload_context context;
static struct upload_result result, other;
static struct upload_row rows[3];

static void setup(void)
{
    upload_reference(&reference);
    upload_context(&context, &reference);
    for (unsigned i = 0; i < 3; i++)
        upload_row_clean(&rows[i], i + 1);
}

static void teardown(void)
{
    reference_free(&reference);
}

static bool read_mapping(const char *text, struct column_mapping *out, struct json_problem *problem)
{
    json_t *object = json_read(text, strlen(text), problem);
    bool ok = object != NULL && column_mapping_read(object, out, problem);
    json_decref(object);
    return ok;
}

static void must_read(const char *text, struct column_mapping *out)
{
    struct json_problem problem;
    ck_assert_msg(read_mapping(text, out, &problem), "%s %s", problem.field, problem.message);
}

START_TEST(names_find_their_columns)
{
    struct column_mapping m;
    must_read("{\"columns\":{\"Spell No\":\"episode_id\",\"NHS\":\"nhs_number\",\"Consultant\":\"ignore\","
              "\"\xC3\x89quipe\":\"service\",\"cluster\":\"cluster_initial\"}}",
              &m);
    ck_assert_uint_eq(m.count, 5);
    ck_assert_int_eq(column_mapping_find(&m, "Spell No", 8), COLUMN_EPISODE_ID);
    ck_assert_int_eq(column_mapping_find(&m, "spell no", 8), COLUMN_COUNT);
    ck_assert_int_eq(column_mapping_find(&m, "Spell", 5), COLUMN_COUNT);
    ck_assert_int_eq(column_mapping_find(&m, "\xC3\x89quipe", 7), COLUMN_SERVICE);
    ck_assert_int_eq(column_mapping_find(&m, "Consultant", 10), COLUMN_IGNORED);
    /* Names that it does not hold are the upload's own; one of ours may mean something else. */
    ck_assert_int_eq(column_mapping_find(&m, "patient_id", 10), COLUMN_PATIENT_ID);
    ck_assert_int_eq(column_mapping_find(&m, "cluster", 7), COLUMN_CLUSTER_INITIAL);
    ck_assert_int_eq(column_mapping_find(NULL, "cluster", 7), COLUMN_CLUSTER);
    struct text t = column_mapping_name(&m, COLUMN_EPISODE_ID);
    ck_assert(t.length == 8 && memcmp(t.at, "Spell No", 8) == 0);
    ck_assert_uint_eq(column_mapping_name(&m, COLUMN_CLUSTER).length, 0);
    ck_assert_uint_eq(column_mapping_name(NULL, COLUMN_CLUSTER).length, 7);
    ck_assert(column_mapping_holds(&m, "NHS", 3) && !column_mapping_holds(&m, "patient_id", 10));
}
END_TEST

START_TEST(bad_mappings_are_refused)
{
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        {"{}", "columns"},
        {"{\"columns\":{}}", "1 to 128 names"},
        {"{\"columns\":[]}", "columns"},
        {"{\"columns\":{\"a\":\"h1\"},\"x\":1}", "x"},
        {"{\"columns\":{\"a\":\"h99\"}}", "no column of the upload format"},
        {"{\"columns\":{\"a\":null}}", "the name of a column is wanted"},
        {"{\"columns\":{\"a\":1}}", "the name of a column is wanted"},
        {"{\"columns\":{\"\":\"h1\"}}", "1 to 60 characters"},
        {"{\"columns\":{\" a\":\"h1\"}}", "begins or ends with a space"},
        {"{\"columns\":{\"a \":\"h1\"}}", "begins or ends with a space"},
        {"{\"columns\":{\"a\":\"h1\",\"b\":\"h1\"}}", "Two names are mapped to h1"},
        {"{\"columns\":{\"a\":\"h1\",\"a\":\"h2\"}}", ""},
        {"{\"columns\":{\"999 000 0018\":\"h1\"}}", "NHS number"},
        {"{\"columns\":{\"1234567890123456789012345678901234567890123456789012345678901\":\"h1\"}}", ""},
    };
    static struct column_mapping m;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_problem problem = {"", ""};
        ck_assert_msg(!read_mapping(bad[i].text, &m, &problem), "%s", bad[i].text);
        ck_assert_msg(strstr(problem.message, bad[i].message) != NULL || strstr(problem.field, bad[i].message) != NULL,
                      "%s: %s %s", bad[i].text, problem.field, problem.message);
    }
    /* 60 characters of four bytes, and 128 names, are within the limits. */
    struct buf b;
    buf_init(&b, 1 << 20);
    ck_assert(buf_append_text(&b, "{\"columns\":{\""));
    for (int i = 0; i < 60; i++)
        ck_assert(buf_append_text(&b, "\xF0\x9F\x98\x80"));
    ck_assert(buf_append_text(&b, "\":\"h1\""));
    for (int i = 1; i < COLUMN_MAPPING_MAXIMUM; i++)
        ck_assert(buf_append_format(&b, ",\"n%d\":\"ignore\"", i));
    size_t end = b.length;
    ck_assert(buf_append_text(&b, "}}"));
    must_read(b.data, &m);
    ck_assert_uint_eq(m.count, COLUMN_MAPPING_MAXIMUM);
    b.length = end;
    ck_assert(buf_append_text(&b, ",\"one more\":\"ignore\"}}"));
    struct json_problem problem;
    ck_assert(!read_mapping(b.data, &m, &problem));
    buf_free(&b);
}
END_TEST

static const char mapping_text[] = "{\"columns\":{\"Spell No\":\"episode_id\",\"NHS Number\":\"nhs_number\","
                                   "\"HoNOS 1\":\"h1\",\"Notes\":\"ignore\",\"Flag\":\"ignore\"}}";

static void replace(struct buf *b, const char *old, const char *new_text)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    const char *from = b->data;
    for (const char *at; (at = strstr(from, old)) != NULL; from = at + strlen(old)) {
        ck_assert(buf_append(&out, from, (size_t)(at - from)));
        ck_assert(buf_append_text(&out, new_text));
    }
    ck_assert(buf_append_text(&out, from));
    buf_free(b);
    *b = out;
}

static void same_findings(void)
{
    ck_assert_uint_eq(result.count, other.count);
    ck_assert_int_eq(memcmp(result.failed, other.failed, sizeof result.failed), 0);
    for (size_t i = 0; i < result.count; i++) {
        ck_assert_int_eq((int)result.finding[i].rule, (int)other.finding[i].rule);
        ck_assert_str_eq(result.finding[i].field, other.finding[i].field);
        ck_assert_str_eq(result.finding[i].value, other.finding[i].value);
    }
}

/* The same rows under our names, under theirs as CSV, and under theirs as NDJSON. */
START_TEST(mapped_files_give_the_same_findings)
{
    struct column_mapping m;
    struct buf b;
    must_read(mapping_text, &m);
    (void)snprintf(rows[0].field[COLUMN_H1], UPLOAD_TEXT, "7");
    (void)snprintf(rows[1].field[COLUMN_NHS_NUMBER], UPLOAD_TEXT, "123");
    upload_check_rows(&other, &context, rows, 3);
    ck_assert_uint_eq(other.count, 2);

    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, 3);
    replace(&b, "episode_id", "Spell No");
    replace(&b, "nhs_number,", "NHS Number,");
    replace(&b, ",h1,", ",HoNOS 1,");
    /* Two columns that are passed over, one with much text. */
    replace(&b, "discharge_mhct_date\r\n", "discharge_mhct_date,Flag,Notes\r\n");
    char notes[1000];
    memset(notes, 'n', sizeof notes);
    memcpy(notes, ",x,\"a, b", 8);
    memcpy(notes + sizeof notes - 4, "\"\r\n", 4);
    struct buf marked;
    buf_init(&marked, 1 << 20);
    const char *from = b.data;
    const char *line = strstr(from, "\r\n") + 2;
    ck_assert(buf_append(&marked, from, (size_t)(line - from)));
    for (const char *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
        ck_assert(buf_append(&marked, line, (size_t)(end - line)));
        ck_assert(buf_append_text(&marked, notes));
    }
    upload_check_mapped(&result, &context, UPLOAD_CSV, &m, marked.data, marked.length, 0);
    same_findings();
    for (size_t piece = 1; piece < 300; piece += 37) {
        upload_check_mapped(&result, &context, UPLOAD_CSV, &m, marked.data, marked.length, piece);
        same_findings();
    }
    buf_free(&marked);
    buf_free(&b);

    buf_init(&b, 1 << 20);
    upload_write_ndjson(&b, rows, 3);
    replace(&b, "\"episode_id\"", "\"Flag\":-1.5e3,\"Spell No\"");
    replace(&b, "\"nhs_number\"", "\"Notes\":\"x\",\"NHS Number\"");
    replace(&b, "\"h1\"", "\"HoNOS 1\"");
    upload_check_mapped(&result, &context, UPLOAD_NDJSON, &m, b.data, b.length, 0);
    same_findings();
    buf_free(&b);
}
END_TEST

static void expect(enum rule_id rule, const char *note)
{
    const struct finding *f = upload_find(&result, rule, 0);
    ck_assert_msg(f != NULL, "no %s", rule_get(rule)->id);
    ck_assert_msg(strstr(f->note, note) != NULL, "'%s'", f->note);
}

START_TEST(mapped_headers_tell_what_is_wrong)
{
    struct column_mapping m;
    struct buf b;
    must_read(mapping_text, &m);
    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, 3);
    replace(&b, "episode_id", "Spell");
    replace(&b, ",h1,", ",HoNOS 1,");
    upload_check_mapped(&result, &context, UPLOAD_CSV, &m, b.data, b.length, 0);
    expect(RULE_F01, "Column 3, Spell, is not known");
    expect(RULE_F02, "Column episode_id is missing (mapped to Spell No)");
    replace(&b, "Spell,", "Spell No,");
    replace(&b, ",h2,", ",h1,");
    upload_check_mapped(&result, &context, UPLOAD_CSV, &m, b.data, b.length, 0);
    expect(RULE_F02, "Column h1 is named twice; Column h2 is missing");
    buf_free(&b);

    static const char doubled[] = "{\"h1\":1,\"HoNOS 1\":2}\n";
    upload_check_mapped(&result, &context, UPLOAD_NDJSON, &m, doubled, strlen(doubled), 0);
    ck_assert_ptr_nonnull(strstr(upload_find(&result, RULE_F01, 1)->note, "h1 is given twice"));
    static const char nested[] = "{\"Notes\":{}}\n";
    upload_check_mapped(&result, &context, UPLOAD_NDJSON, &m, nested, strlen(nested), 0);
    ck_assert_ptr_nonnull(strstr(upload_find(&result, RULE_F01, 1)->note, "a member that is passed over"));
    /* One of our names that means something else is no longer ours. */
    must_read("{\"columns\":{\"cluster\":\"ignore\"}}", &m);
    buf_init(&b, 1 << 20);
    upload_write_ndjson(&b, rows, 1);
    upload_check_mapped(&result, &context, UPLOAD_NDJSON, &m, b.data, b.length, 0);
    ck_assert_str_eq(upload_names(result.failed[0]), "K01");
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("column mapping");
    TCase *t = tcase_create("column mapping");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, names_find_their_columns);
    tcase_add_test(t, bad_mappings_are_refused);
    tcase_add_test(t, mapped_files_give_the_same_findings);
    tcase_add_test(t, mapped_headers_tell_what_is_wrong);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
