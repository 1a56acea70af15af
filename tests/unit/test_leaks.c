/* Texts of a file that would tell who a patient is do not come out of its check: planted at random, and one by one. */
#include "base/ident.h"
#include "check/check.h"
#include "domain/leak.h"
#include "lib/upload.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[IDENTITY_KEY_SIZE] = "one key";
static struct reference reference;
static struct upload_context context;
static struct upload_row rows[UPLOAD_ROWS];

static void fresh_rows(void)
{
    for (unsigned i = 0; i < UPLOAD_ROWS; i++) {
        upload_row_clean(&rows[i], i + 1);
        (void)snprintf(rows[i].field[COLUMN_PATIENT_ID], UPLOAD_TEXT, "PX-%05u", i);
        (void)snprintf(rows[i].field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "E%u", i);
    }
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    upload_reference(&reference);
    upload_context(&context, &reference);
    fresh_rows();
}

static void teardown(void)
{
    reference_free(&reference);
}

static struct check *checked(size_t count, const uint8_t *with)
{
    struct check_input input = {
        .context = &context, .format = UPLOAD_CSV, .identity_key = with, .spool_folder = "/tmp"};
    struct check_outcome outcome;
    struct buf b;
    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, count);
    struct check *c = check_new(&input);
    ck_assert(check_feed(c, b.data, b.length));
    ck_assert(check_finish(c, &outcome));
    ck_assert(!outcome.refused);
    buf_free(&b);
    return c;
}

/* Everything that a check shows, as text. */
static bool take_row(void *out, const struct episode *e)
{
    return buf_append_format(out, "%d|%s|%s|%s|%s\n", e->row_no, e->episode_id, e->service, e->commissioner,
                             e->cluster);
}

static bool take_finding(void *out, const struct finding_line *line, bool of_terms)
{
    (void)of_terms;
    return finding_line_append(out, line) && buf_append_char(out, '\n');
}

static void shown(struct buf *out, struct check *c)
{
    buf_init(out, 1 << 22);
    ck_assert(check_each_row(c, take_row, out));
    ck_assert(check_each_finding(c, NULL, take_finding, out));
}

static struct episode wanted;
static bool take_wanted(void *row_no, const struct episode *e)
{
    if (e->row_no == *(int *)row_no)
        wanted = *e;
    return true;
}

static const struct episode *row_of(struct check *c, int row_no)
{
    ck_assert(check_each_row(c, take_wanted, &row_no));
    return &wanted;
}

static void put(unsigned row, enum column column, const char *text)
{
    (void)snprintf(rows[row].field[column], UPLOAD_TEXT, "%s", text);
}

START_TEST(clean_texts_are_left_alone)
{
    struct check *c = checked(10, key);
    ck_assert_str_eq(row_of(c, 3)->episode_id, "E2");
    ck_assert_str_eq(row_of(c, 3)->service, rows[2].field[COLUMN_SERVICE]);
    check_free(c);
}
END_TEST

START_TEST(an_identifier_of_any_row_is_covered)
{
    static const struct {
        enum column column;
        const char *text;
    } planted[] = {
        {COLUMN_EPISODE_ID, "PX-00007"},   {COLUMN_EPISODE_ID, "px00007/2"}, {COLUMN_EPISODE_ID, "1 PX 00007"},
        {COLUMN_EPISODE_ID, "9990000018"}, {COLUMN_SERVICE, "PX-00007"},     {COLUMN_SERVICE, "999 0000018"},
    };
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        bool service = planted[i].column == COLUMN_SERVICE;
        fresh_rows();
        put(2, planted[i].column, planted[i].text);
        struct check *c = checked(10, key);
        char alias[160];
        (void)snprintf(alias, sizeof alias, "%s", service ? row_of(c, 3)->service : row_of(c, 3)->episode_id);
        ck_assert_msg(strpbrk(alias, "0123456789") == NULL, "%s is shown as %s", planted[i].text, alias);
        ck_assert_uint_eq(strlen(alias), service ? 12 : 20);
        ck_assert(service || ident_is_valid(alias));
        check_free(c);
        /* The same in another file, in another row and under the same key; another under another key. */
        put(2, planted[i].column, service ? "" : "E2");
        put(5, planted[i].column, planted[i].text);
        c = checked(12, key);
        ck_assert_str_eq(service ? row_of(c, 6)->service : row_of(c, 6)->episode_id, alias);
        check_free(c);
        c = checked(12, (const uint8_t *)"another key, of as many characters");
        ck_assert_str_ne(service ? row_of(c, 6)->service : row_of(c, 6)->episode_id, alias);
        check_free(c);
    }
}
END_TEST

/* Values of findings: a column that holds what it should not. */
START_TEST(values_of_findings_are_hidden)
{
    put(1, COLUMN_MHCT_REASON, "PX-00004");
    put(2, COLUMN_MHCT_REASON, "9990000018");
    put(3, COLUMN_MHCT_REASON, "PX-99999");
    struct check *c = checked(10, key);
    struct buf out;
    shown(&out, c);
    ck_assert_ptr_null(strstr(out.data, "PX-00004"));
    ck_assert_ptr_null(strstr(out.data, "9990000018"));
    ck_assert_ptr_nonnull(strstr(out.data, "PX-99999")); /* nobody's id */
    ck_assert_ptr_nonnull(strstr(out.data, "\"rule\":\"M04\",\"sentence\""));
    check_free(c);
    buf_free(&out);
}
END_TEST

static bool count_identifiers(void *context_, const int64_t *hashes, size_t count)
{
    struct {
        size_t count;
        int64_t last;
        bool any;
    } *seen = context_;
    for (size_t i = 0; i < count; i++) {
        ck_assert(!seen->any || hashes[i] > seen->last);
        seen->last = hashes[i];
        seen->any = true;
    }
    ck_assert_uint_le(count, 7);
    seen->count += count;
    return true;
}

START_TEST(identifiers_come_once_and_in_order)
{
    struct {
        size_t count;
        int64_t last;
        bool any;
    } seen = {0, 0, false};
    put(3, COLUMN_PATIENT_ID, "px00002"); /* as row 3's */
    put(4, COLUMN_PATIENT_ID, "P1");      /* too short */
    size_t numbers = 0;
    for (unsigned i = 0; i < 50; i++)
        numbers += rows[i].field[COLUMN_NHS_NUMBER][0] != '\0';
    ck_assert_uint_gt(numbers, 0);
    struct check *c = checked(50, key);
    ck_assert(check_each_identifier(c, 7, count_identifiers, &seen));
    ck_assert_uint_eq(seen.count, 48 + numbers);
    check_free(c);
}
END_TEST

struct forbidden {
    char ids[UPLOAD_ROWS][LEAK_TOKEN_MAX + 1];
    size_t count;
};

static bool is_free(void *context_, const char *token, size_t length)
{
    const struct forbidden *f = context_;
    for (size_t i = 0; i < f->count; i++) {
        if (strlen(f->ids[i]) == length && memcmp(f->ids[i], token, length) == 0)
            return false;
    }
    return true;
}

/* Random files in which identifiers stand in columns that are shown: no line of what comes out holds one. */
START_TEST(nothing_planted_comes_out)
{
    static const enum column places[] = {COLUMN_EPISODE_ID,  COLUMN_SERVICE,       COLUMN_MHCT_REASON,
                                         COLUMN_SUPER_CLASS, COLUMN_CLUSTER,       COLUMN_COMMISSIONER,
                                         COLUMN_END_DATE,    COLUMN_ADMITTED_DAYS, COLUMN_H1};
    static const char marks[] = " -/.";
    for (unsigned round = 0; round < 20; round++) {
        static struct forbidden f;
        fresh_rows();
        f.count = 0;
        for (unsigned i = 0; i < 60; i++) {
            size_t n = leak_canonical((struct text){rows[i].field[COLUMN_PATIENT_ID], 8}, f.ids[f.count]);
            f.ids[f.count++][n] = '\0';
        }
        for (unsigned i = 0; i < 60; i += 1 + randombytes_uniform(3)) {
            unsigned who = randombytes_uniform(60);
            char text[UPLOAD_TEXT];
            char number[11];
            upload_nhs_number(who + 1, number);
            if (randombytes_uniform(2))
                (void)snprintf(text, sizeof text, "px%c%05u", marks[randombytes_uniform(4)], who);
            else
                (void)snprintf(text, sizeof text, "%.3s %s", number, number + 3);
            put(i, places[randombytes_uniform(sizeof places / sizeof places[0])], text);
        }
        /* An episode id is unique: a second one under the same text would refuse the file. */
        for (unsigned i = 0; i < 60; i++) {
            for (unsigned k = 0; k < i; k++) {
                if (strcmp(rows[i].field[COLUMN_EPISODE_ID], rows[k].field[COLUMN_EPISODE_ID]) == 0)
                    (void)snprintf(rows[i].field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "E%u", i + 1000);
            }
        }
        struct check *c = checked(60, key);
        struct buf out;
        shown(&out, c);
        char *line = out.data;
        while (line && *line) {
            size_t length = strcspn(line, "\n");
            ck_assert_msg(!leak_has_nhs_number((struct text){line, length}), "%.*s", (int)length, line);
            ck_assert_msg(leak_tokens((struct text){line, length}, is_free, &f), "%.*s", (int)length, line);
            line += length + (line[length] == '\n');
        }
        check_free(c);
        buf_free(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaks");
    TCase *tc = tcase_create("leaks");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, clean_texts_are_left_alone);
    tcase_add_test(tc, an_identifier_of_any_row_is_covered);
    tcase_add_test(tc, values_of_findings_are_hidden);
    tcase_add_test(tc, identifiers_come_once_and_in_order);
    tcase_add_test(tc, nothing_planted_comes_out);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
