/* The archive of a bundle: what is written is read again, and every other form is refused. */
#include "base/ustar.h"
#include "domain/bundle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char archive[1 << 20];
static size_t used;

static void add(const char *name, const char *bytes, size_t length)
{
    ck_assert(ustar_header(name, length, archive + used));
    used += USTAR_BLOCK;
    memcpy(archive + used, bytes, length);
    used += length;
    memset(archive + used, 0, ustar_padding(length));
    used += ustar_padding(length);
}

static void add_text(const char *name, const char *text)
{
    add(name, text, strlen(text));
}

static void end(void)
{
    memset(archive + used, 0, USTAR_END_BYTES);
    used += USTAR_END_BYTES;
}

static void begin(void)
{
    used = 0;
}

/* What the reader makes of the archive: its names in order, or what is wrong. */
static const char *read_all(void)
{
    static char names[400];
    struct ustar_reader r = {archive, used, 0};
    struct ustar_member m;
    const char *problem = NULL;
    size_t length = 0;
    names[0] = '\0';
    for (;;) {
        switch (ustar_next(&r, &m, &problem)) {
        case USTAR_END:
            return names;
        case USTAR_WRONG:
            return problem;
        case USTAR_MEMBER:
            length += (size_t)snprintf(names + length, sizeof names - length, "%s ", m.name);
            ck_assert_uint_lt(length, sizeof names);
            break;
        }
    }
}

START_TEST(what_is_written_is_read)
{
    struct ustar_reader r = {archive, 0, 0};
    struct ustar_member m;
    const char *problem = NULL;
    char block[USTAR_BLOCK];
    memset(block, 'x', sizeof block);
    begin();
    add_text("a", "");
    add("b/c", block, sizeof block);
    add_text("d", "some text");
    end();
    ck_assert_str_eq(read_all(), "a b/c d ");
    r.length = used;
    ck_assert_int_eq(ustar_next(&r, &m, &problem), USTAR_MEMBER);
    ck_assert_uint_eq(m.size, 0);
    ck_assert_int_eq(ustar_next(&r, &m, &problem), USTAR_MEMBER);
    ck_assert(m.size == sizeof block && memcmp(m.data, block, m.size) == 0);
    ck_assert_int_eq(ustar_next(&r, &m, &problem), USTAR_MEMBER);
    ck_assert(m.size == 9 && memcmp(m.data, "some text", 9) == 0);
    ck_assert_int_eq(ustar_next(&r, &m, &problem), USTAR_END);
}
END_TEST

START_TEST(names_and_sizes_have_bounds)
{
    char header[USTAR_BLOCK];
    char name[USTAR_NAME_SIZE + 1];
    memset(name, 'n', sizeof name);
    name[USTAR_NAME_SIZE] = '\0';
    ck_assert(!ustar_header(name, 0, header));
    name[USTAR_NAME_SIZE - 1] = '\0';
    ck_assert(ustar_header(name, 0, header));
    ck_assert(!ustar_header("", 0, header));
    ck_assert(!ustar_header("a b", 0, header));
    ck_assert(!ustar_header("\xc3\xa9", 0, header));
    ck_assert(ustar_header("a", USTAR_SIZE_MAX, header));
    ck_assert(!ustar_header("a", USTAR_SIZE_MAX + 1, header));
    ck_assert_uint_eq(ustar_padding(0), 0);
    ck_assert_uint_eq(ustar_padding(1), USTAR_BLOCK - 1);
    ck_assert_uint_eq(ustar_padding(USTAR_BLOCK), 0);
}
END_TEST

/* Each byte of a header, of what fills a member up and of the end: changed, the archive is refused, or it is another
 * member that is read (a letter of the name with the sum that fits it cannot come of one byte). */
START_TEST(no_byte_may_be_another)
{
    begin();
    add_text("name", "text");
    end();
    for (size_t i = 0; i < used; i++) {
        if (i >= USTAR_BLOCK && i < USTAR_BLOCK + 4)
            continue; /* the content */
        archive[i] = (char)(archive[i] ^ 1);
        ck_assert_msg(strcmp(read_all(), "name ") != 0, "byte %zu", i);
        archive[i] = (char)(archive[i] ^ 1);
    }
    ck_assert_str_eq(read_all(), "name ");
}
END_TEST

START_TEST(no_length_may_be_another)
{
    begin();
    add_text("name", "text");
    end();
    size_t whole = used;
    for (used = 0; used < whole; used++)
        ck_assert_msg(strcmp(read_all(), "name ") != 0, "%zu bytes", used);
    memset(archive + whole, 0, USTAR_BLOCK);
    used = whole + USTAR_BLOCK;
    ck_assert_str_ne(read_all(), "name ");
}
END_TEST

/* The members that a bundle must have, with another where one is named. */
static void minimal(const char *instead, const char *name)
{
    static const char *const names[] = {BUNDLE_README,         BUNDLE_STATEMENT,  BUNDLE_STATEMENT_SIG,
                                        BUNDLE_STATEMENT_MINI, BUNDLE_CHECKPOINT, BUNDLE_LOG,
                                        BUNDLE_INPUTS};
    begin();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool replaced = instead != NULL && strcmp(instead, names[i]) == 0;
        if (!replaced)
            add_text(names[i], "");
        else if (name != NULL)
            add_text(name, "");
    }
    end();
}

static void expect_wrong(const char *words)
{
    static struct bundle b;
    char where[300] = "";
    ck_assert(!bundle_read(archive, used, &b, where, sizeof where));
    ck_assert_msg(strstr(where, words) != NULL, "%s, not %s", where, words);
}

START_TEST(members_have_names_and_an_order)
{
    static struct bundle b;
    char where[300] = "";
    minimal(NULL, NULL);
    ck_assert_msg(bundle_read(archive, used, &b, where, sizeof where), "%s", where);
    minimal(BUNDLE_LOG, NULL);
    expect_wrong("log.json is missing");
    minimal(BUNDLE_LOG, "log.JSON");
    expect_wrong("log.JSON is no member of a bundle");
    minimal(BUNDLE_LOG, BUNDLE_CHECKPOINT);
    expect_wrong("checkpoint stands behind");
    minimal(BUNDLE_INPUTS, "rows/2012-04.csv");
    expect_wrong("inputs.json is missing");
    minimal(BUNDLE_CHECKPOINT, "keys/0807060504030201.pem");
    expect_wrong("checkpoint is missing");
    static const char *const strange[] = {"keys/080706050403020.pem",
                                          "keys/080706050403020g.pem",
                                          "terms/0.json",
                                          "terms/01.json",
                                          "terms/x.json",
                                          "rows/2012-13.csv",
                                          "rows/2012-04.csv.sig",
                                          "receipts/2012-04.csv",
                                          "terms/"};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        minimal(BUNDLE_LOG, strange[i]);
        expect_wrong("is no member of a bundle");
    }
}
END_TEST

START_TEST(members_come_in_pairs_and_by_their_keys)
{
    begin();
    add_text(BUNDLE_README, "");
    add_text(BUNDLE_STATEMENT, "{}");
    add_text(BUNDLE_STATEMENT_SIG, "");
    add_text(BUNDLE_STATEMENT_MINI, "");
    add_text("keys/AAAAAAAAAAAAAAAA.pem", "p");
    add_text("keys/AAAAAAAAAAAAAAAA.pub", "q");
    size_t keys = used;
    add_text(BUNDLE_CHECKPOINT, "");
    add_text(BUNDLE_LOG, "[]");
    add_text("terms/2.json", "{}");
    add_text("terms/10.json", "{}");
    add_text("receipts/2012-04.json", "{}");
    add_text("receipts/2012-04.json.sig", "s");
    add_text(BUNDLE_INPUTS, "{}");
    add_text("rows/2012-04.csv", "r");
    size_t whole = used;
    end();
    static struct bundle b;
    char where[300] = "";
    ck_assert_msg(bundle_read(archive, used, &b, where, sizeof where), "%s", where);
    ck_assert(b.key_count == 1 && b.terms_count == 2 && b.month_count == 1 && b.terms[1].version == 10);
    ck_assert_ptr_nonnull(bundle_key_of(&b, "AAAAAAAAAAAAAAAA"));
    ck_assert_ptr_null(bundle_key_of(&b, "BAAAAAAAAAAAAAAA"));
    ck_assert_int_eq(b.month[0].rows.bytes[0], 'r');
    used = whole;
    add_text("rows/2012-05.csv", "r");
    end();
    expect_wrong("2012-05 the receipt");
    used = keys;
    add_text("keys/BBBBBBBBBBBBBBBB.pub", "q");
    add_text(BUNDLE_CHECKPOINT, "");
    add_text(BUNDLE_LOG, "[]");
    add_text("terms/10.json", "{}");
    add_text("terms/2.json", "{}");
    end();
    expect_wrong("terms/2.json stands behind");
    used = keys;
    add_text("keys/BBBBBBBBBBBBBBBB.pub", "q");
    add_text(BUNDLE_CHECKPOINT, "");
    add_text(BUNDLE_LOG, "[]");
    add_text(BUNDLE_INPUTS, "{}");
    end();
    expect_wrong("keys/BBBBBBBBBBBBBBBB");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ustar");
    TCase *t = tcase_create("ustar");
    tcase_add_test(t, what_is_written_is_read);
    tcase_add_test(t, names_and_sizes_have_bounds);
    tcase_add_test(t, no_byte_may_be_another);
    tcase_add_test(t, no_length_may_be_another);
    tcase_add_test(t, members_have_names_and_an_order);
    tcase_add_test(t, members_come_in_pairs_and_by_their_keys);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
