/* Buffers, the clock file, and log lines. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

START_TEST(grows_to_its_maximum)
{
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        ck_assert(buf_append_char(&b, (char)('a' + i % 26)));
    ck_assert_int_eq((int)b.length, 100);
    ck_assert_int_eq((int)strlen(b.data), 100);
    ck_assert(!buf_append_char(&b, 'x'));
    ck_assert(b.failed);
    ck_assert_int_eq((int)b.length, 100);
    ck_assert(!buf_append(&b, "", 0)); /* sticky */
    buf_clear(&b);
    ck_assert(!b.failed);
    ck_assert_str_eq(b.data, "");
    ck_assert(buf_append_text(&b, "again"));
    buf_free(&b);
    ck_assert(buf_append_text(&b, "and again"));
    ck_assert_str_eq(b.data, "and again");
    buf_free(&b);
    buf_free(NULL);
}
END_TEST

START_TEST(refuses_what_does_not_fit_whole)
{
    struct buf b;
    buf_init(&b, 8);
    ck_assert(buf_append_text(&b, "12345"));
    ck_assert(!buf_append_text(&b, "6789"));
    ck_assert_str_eq(b.data, "12345");
    buf_clear(&b);
    ck_assert(buf_append_text(&b, "12345"));
    ck_assert(!buf_append_format(&b, "%d", 6789));
    ck_assert_str_eq(b.data, "12345");
    buf_clear(&b);
    ck_assert_ptr_null(buf_reserve(&b, 9));
    buf_clear(&b);
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
    buf_free(&b);
}
END_TEST

START_TEST(appends_numbers_and_formats)
{
    struct buf b;
    buf_init(&b, 200);
    ck_assert(buf_append_i64(&b, INT64_MIN) && buf_append_char(&b, ' ') && buf_append_format(&b, "%s-%03d", "x", 7));
    ck_assert_str_eq(b.data, "-9223372036854775808 x-007");
    char *to = buf_reserve(&b, 3);
    ck_assert_ptr_nonnull(to);
    memcpy(to, "abc", 3);
    b.length += 3;
    ck_assert(buf_append_char(&b, '.'));
    ck_assert_str_eq(b.data, "-9223372036854775808 x-007abc.");
    buf_drop_front(&b, 21);
    ck_assert_str_eq(b.data, "x-007abc.");
    buf_drop_front(&b, 1000);
    ck_assert_str_eq(b.data, "");
    ck_assert_int_eq((int)b.length, 0);
    buf_free(&b);
    buf_drop_front(&b, 1);
}
END_TEST

static char path[] = "/tmp/reckoner-clock.XXXXXX";

static void write_clock(const char *text, int64_t seconds_ago)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    now.tv_sec -= seconds_ago;
    struct timespec times[2] = {now, now};
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    ck_assert_int_eq(futimens(fd, times), 0);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(the_clock_file_drives_the_clock)
{
    const instant_t nine = INT64_C(1336640400000000); /* 2012-05-10T09:00:00Z */
    const int64_t second = 1000000;
    struct clock c = {.file = path};
    instant_t now = 0;
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    write_clock("2012-05-10T09:00:00Z\n", 0);
    ck_assert(clock_now(&c, &now));
    ck_assert(now >= nine && now < nine + 10 * second);
    write_clock("2012-05-10T09:00:00Z", 3600);
    ck_assert(clock_now(&c, &now));
    ck_assert(now >= nine + 3600 * second && now < nine + 3610 * second);
    ck_assert(clock_at(&c, clock_wall() - 1800 * second, &now)); /* another machine's, half an hour behind */
    ck_assert(now >= nine + 1800 * second && now < nine + 1810 * second);
    write_clock("2012-05-10T09:00:00Z", -3600); /* written in the future: it does not run backwards */
    ck_assert(clock_now(&c, &now));
    ck_assert(now == nine);
    now = 77;
    write_clock("tomorrow", 0);
    ck_assert(!clock_now(&c, &now));
    write_clock("", 0);
    ck_assert(!clock_now(&c, &now));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!clock_now(&c, &now));
    ck_assert(now == 77);
}
END_TEST

START_TEST(real_time_without_a_file)
{
    struct clock none = {.file = NULL};
    struct clock empty = {.file = ""};
    instant_t now;
    instant_t wall = clock_wall();
    ck_assert(clock_now(&none, &now) && now >= wall && now < wall + 10000000);
    ck_assert(clock_now(&empty, &now) && now >= wall && now < wall + 10000000);
    int64_t begun = clock_monotonic();
    ck_assert(clock_monotonic() >= begun);
}
END_TEST

/* What log_event writes to standard error. */
static size_t logged(enum log_level level, const struct log_field *fields, unsigned count, char *out, size_t size)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    log_event(level, "test", fields, count);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ck_assert_int_eq(close(saved), 0);
    ck_assert_int_eq(close(ends[1]), 0);
    size_t length = 0;
    ssize_t n;
    while (length < size && (n = read(ends[0], out + length, size - length)) > 0)
        length += (size_t)n;
    ck_assert_int_eq(close(ends[0]), 0);
    return length;
}

START_TEST(one_json_line_per_event)
{
    static const struct log_field fields[] = {
        {"text", "a \"quoted\"\\ line\nand \x01\x7f control", 0},
        {"bad", "not \xff utf-8 \xc3", 0},
        {"good", "caf\xc3\xa9 \xf0\x9f\x98\x80", 0},
        {"number", NULL, INT64_MIN},
    };
    char line[4096];
    log_set_program("test_buf");
    size_t length = logged(LOG_LEVEL_WARN, fields, 4, line, sizeof line);
    ck_assert(length > 1 && line[length - 1] == '\n');
    ck_assert_ptr_null(memchr(line, '\n', length - 1));
    json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(value);
    ck_assert_str_eq(json_string_value(json_object_get(value, "level")), "warn");
    ck_assert_str_eq(json_string_value(json_object_get(value, "program")), "test_buf");
    ck_assert_str_eq(json_string_value(json_object_get(value, "event")), "test");
    ck_assert_str_eq(json_string_value(json_object_get(value, "text")), fields[0].text);
    ck_assert_str_eq(json_string_value(json_object_get(value, "bad")), "not \xef\xbf\xbd utf-8 \xef\xbf\xbd");
    ck_assert_str_eq(json_string_value(json_object_get(value, "good")), fields[2].text);
    ck_assert(json_integer_value(json_object_get(value, "number")) == INT64_MIN);
    ck_assert_ptr_null(json_object_get(value, "cut"));
    json_decref(value);
}
END_TEST

START_TEST(long_lines_are_cut_between_fields)
{
    static char text[9000];
    char line[10000];
    memset(text, 'x', sizeof text - 1);
    const struct log_field fields[] = {{"first", NULL, 1}, {"long", text, 0}, {"last", NULL, 2}};
    size_t length = logged(LOG_LEVEL_ERROR, fields, 3, line, sizeof line);
    ck_assert_int_le((int)length, 8192);
    json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(value);
    ck_assert(json_is_true(json_object_get(value, "cut")));
    ck_assert_int_eq((int)json_integer_value(json_object_get(value, "first")), 1);
    ck_assert_ptr_null(json_object_get(value, "long"));
    ck_assert_ptr_null(json_object_get(value, "last"));
    json_decref(value);
}
END_TEST

START_TEST(levels_below_are_silent)
{
    char line[100];
    ck_assert_int_eq((int)logged(LOG_LEVEL_DEBUG, NULL, 0, line, sizeof line), 0);
    log_set_level(LOG_LEVEL_DEBUG);
    ck_assert_int_gt((int)logged(LOG_LEVEL_DEBUG, NULL, 0, line, sizeof line), 0);
    log_set_level(LOG_LEVEL_INFO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tc = tcase_create("buf");
    tcase_add_test(tc, grows_to_its_maximum);
    tcase_add_test(tc, refuses_what_does_not_fit_whole);
    tcase_add_test(tc, appends_numbers_and_formats);
    tcase_add_test(tc, the_clock_file_drives_the_clock);
    tcase_add_test(tc, real_time_without_a_file);
    tcase_add_test(tc, one_json_line_per_event);
    tcase_add_test(tc, long_lines_are_cut_between_fields);
    tcase_add_test(tc, levels_below_are_silent);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
