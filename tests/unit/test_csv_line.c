/* The short way through a CSV file (domain/csv_line.h): which lines go it, and where their fields lie. */
#include "domain/csv_line.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct csv_line line;

static bool split(const char *text)
{
    /* In room of its own size, so that the sanitizer sees a read behind it. */
    size_t length = strlen(text);
    char *room = malloc(length + 1);
    ck_assert_ptr_nonnull(room);
    char *bytes = room + 1; /* at an odd place */
    memcpy(bytes, text, length);
    bool plain = csv_line_split(bytes, length, &line);
    free(room);
    return plain;
}

static void expect_fields(const char *text, const char *const *fields, unsigned count, size_t length)
{
    ck_assert_msg(split(text), "%s", text);
    ck_assert_uint_eq(line.fields, count);
    ck_assert_uint_eq(line.length, length);
    for (unsigned i = 0; i < count; i++) {
        size_t n = (size_t)(line.begin[i + 1] - line.begin[i] - 1);
        ck_assert_uint_eq(n, strlen(fields[i]));
        ck_assert_int_eq(memcmp(text + line.begin[i], fields[i], n), 0);
    }
}

START_TEST(plain_lines_are_split)
{
    static const char *const one[] = {"RXA"};
    static const char *const blank_ends[] = {"", "b", ""};
    static const char *const long_ones[] = {"RXA", "2012-04", " AE0000001 ", "", "", "~!#$%&'()*+-./:;<=>?@[]^_`{|}"};
    expect_fields("RXA\n", one, 1, 4);
    expect_fields("RXA\r\nnext", one, 1, 5);
    expect_fields(",b,\nnext line", blank_ends, 3, 4);
    expect_fields("RXA,2012-04, AE0000001 ,,,~!#$%&'()*+-./:;<=>?@[]^_`{|}\r\n", long_ones, 6, 57);
}
END_TEST

/* A comma, a line end and whatever is not plain, at each place of the eight bytes that are looked at together. */
START_TEST(every_place_is_looked_at)
{
    static const char not_plain[] = {'"', '\t', '\r', '\x01', '\x1F', '\x7F', '\x80', '\xC3', '\xFF'};
    for (size_t at = 0; at < 40; at++) {
        char text[50];
        memset(text, 'x', 45);
        memcpy(text + 44, "\n", 2);
        text[at] = ',';
        ck_assert(split(text));
        ck_assert_uint_eq(line.fields, 2);
        ck_assert_uint_eq(line.begin[1], at + 1);
        for (size_t i = 0; i < sizeof not_plain; i++) {
            text[at] = not_plain[i];
            ck_assert_msg(!split(text), "byte %d at %zu", not_plain[i], at);
        }
        text[at] = '\n';
        ck_assert(split(text) == (at > 0));
        ck_assert(at == 0 || line.length == at + 1);
    }
}
END_TEST

START_TEST(other_lines_go_the_long_way)
{
    static const char *const lines[] = {"",           "\n",     "\r\n",     ",,,\n",      "RXA",
                                        "RXA,2012\r", "\r\r\n", "RXA,\"\n", "RXA\\\x7F\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(!split(lines[i]), "line %zu", i);
}
END_TEST

START_TEST(bounds_are_kept)
{
    char text[RECORD_MAXIMUM + 20];
    memset(text, ',', sizeof text);
    text[0] = 'x';
    text[CSV_FIELDS_MAXIMUM] = '\n';
    text[CSV_FIELDS_MAXIMUM + 1] = '\0';
    text[CSV_FIELDS_MAXIMUM - 1] = 'y';
    ck_assert(split(text));
    ck_assert_uint_eq(line.fields, CSV_FIELDS_MAXIMUM - 1);
    text[CSV_FIELDS_MAXIMUM - 1] = ',';
    ck_assert(split(text));
    ck_assert_uint_eq(line.fields, CSV_FIELDS_MAXIMUM);
    text[CSV_FIELDS_MAXIMUM] = ',';
    memcpy(text + CSV_FIELDS_MAXIMUM + 1, "\n", 2);
    ck_assert(!split(text));
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 2, "\n", 2);
    ck_assert(!split(text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv_line");
    TCase *tc = tcase_create("csv_line");
    tcase_add_test(tc, plain_lines_are_split);
    tcase_add_test(tc, every_place_is_looked_at);
    tcase_add_test(tc, other_lines_go_the_long_way);
    tcase_add_test(tc, bounds_are_kept);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
