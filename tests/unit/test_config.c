/* The configuration: file, environment, limits, and the file that documents every option. */
#include "base/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static char path[] = "/tmp/reckoner-config.XXXXXX";
static struct config c;
static char error[400];

static void setup(void)
{
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    error[0] = '\0';
}

static void teardown(void)
{
    config_free(&c);
    ck_assert_int_eq(unlink(path), 0);
}

static bool load(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return config_load(&c, path, error, sizeof error);
}

START_TEST(defaults_without_a_file)
{
    ck_assert_msg(config_load(&c, NULL, error, sizeof error), "%s", error);
    ck_assert_str_eq(c.mode, "production");
    ck_assert_str_eq(c.clock_file, "");
    ck_assert_str_eq(c.listen_address, "127.0.0.1");
    ck_assert(c.upload_minutes == 60 && c.listen_port != c.local_port);
}
END_TEST

START_TEST(options_are_read)
{
    ck_assert_msg(load("# comment\n\n  listen_port=9000\nlisten_address  =  ::1  \r\n"
                       "database_web = host=/run/x dbname=a # b\nmode = demonstration\nclock_file = /tmp/c"),
                  "%s", error);
    ck_assert(c.listen_port == 9000);
    ck_assert_str_eq(c.listen_address, "::1");
    ck_assert_str_eq(c.database_web, "host=/run/x dbname=a # b");
    ck_assert_str_eq(c.clock_file, "/tmp/c");
}
END_TEST

static const struct {
    const char *text;
    const char *says;
} wrong[] = {
    {"listen_prot = 1\n", " line 1: unknown option \"listen_prot\""},
    {"\nListen_port = 1\n", " line 2: unknown option"},
    {"\n\nlisten_port 1\n", " line 3: expected"},
    {"listen_port = 0\n", "listen_port must be a whole number of port from 1 to 65535"},
    {"listen_port = 65536\n", "from 1 to 65535"},
    {"listen_port = x\n", "from 1 to 65535"},
    {"listen_port =\n", "from 1 to 65535"},
    {"listen_port = 1\nlisten_port = 2\n", " line 2: option \"listen_port\" is given twice"},
    {"listen_port = 9\nlocal_port = 9\n", "must differ"},
    {"mode = test\n", "must be production or demonstration"},
    {"clock_file = /tmp/c\n", "demonstration mode alone"},
};

START_TEST(mistakes_are_named)
{
    ck_assert(!load(wrong[_i].text));
    ck_assert_msg(strstr(error, wrong[_i].says) != NULL, "%s", error);
}
END_TEST

START_TEST(long_lines_and_missing_files)
{
    static char text[6000];
    memset(text, 'x', sizeof text - 1);
    ck_assert(!load(text));
    ck_assert_ptr_nonnull(strstr(error, "longer than"));
    config_free(&c);
    ck_assert(!config_load(&c, "/nowhere/reckoner.conf", error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "/nowhere/reckoner.conf: cannot be opened"));
}
END_TEST

START_TEST(the_environment_wins)
{
    ck_assert_int_eq(setenv("RECKONER_LISTEN_PORT", "9001", 1), 0);
    ck_assert_msg(load("listen_port = 9000\n"), "%s", error);
    ck_assert(c.listen_port == 9001);
    config_free(&c);
    ck_assert_int_eq(setenv("RECKONER_LISTEN_PORT", "many", 1), 0);
    ck_assert(!load("listen_port = 9000\n"));
    ck_assert_ptr_nonnull(strstr(error, "environment variable RECKONER_LISTEN_PORT: listen_port must be"));
    config_free(&c);
    ck_assert_int_eq(unsetenv("RECKONER_LISTEN_PORT"), 0);
    ck_assert_int_eq(setenv("RECKONER_LISTEN_PROT", "1", 1), 0);
    ck_assert(!load(""));
    ck_assert_ptr_nonnull(strstr(error, "environment variable RECKONER_LISTEN_PROT: unknown option"));
    config_free(&c);
    ck_assert_int_eq(unsetenv("RECKONER_LISTEN_PROT"), 0);
    ck_assert_int_eq(setenv("RECKONER_TEST_ANYTHING", "1", 1), 0);
    ck_assert_msg(load(""), "%s", error);
    ck_assert_int_eq(unsetenv("RECKONER_TEST_ANYTHING"), 0);
}
END_TEST

/* Whether a file has a line that starts with text, possibly commented out. */
static bool has_line(const char *file, const char *name)
{
    char line[4096];
    bool found = false;
    FILE *f = fopen(file, "re");
    ck_assert_msg(f != NULL, "%s: run the tests from the top folder", file);
    while (!found && fgets(line, sizeof line, f) != NULL) {
        const char *start = line + strspn(line, "# ");
        size_t length = strlen(name);
        found = strncmp(start, name, length) == 0 && strspn(start + length, " ") + length == strcspn(start, "=");
    }
    ck_assert_int_eq(fclose(f), 0);
    return found;
}

/* Prints the configuration into the test's file. */
static void print_to_file(void)
{
    ck_assert_int_eq(fflush(stdout), 0);
    int saved = dup(STDOUT_FILENO);
    ck_assert_int_ge(saved, 0);
    FILE *out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(dup2(fileno(out), STDOUT_FILENO), 0);
    config_print(&c);
    ck_assert_int_eq(fflush(stdout), 0);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
    ck_assert_int_eq(close(saved), 0);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(what_is_printed_is_read_again)
{
    ck_assert_msg(load("listen_port = 9000\nbase_url = https://example.test\n"), "%s", error);
    print_to_file();
    config_free(&c);
    ck_assert_msg(config_load(&c, path, error, sizeof error), "%s", error);
    ck_assert(c.listen_port == 9000);
    ck_assert_str_eq(c.base_url, "https://example.test");
}
END_TEST

START_TEST(the_shipped_file_documents_every_option)
{
    char line[4096];
    int options = 0;
    ck_assert_msg(config_load(&c, "config/reckoner.conf", error, sizeof error), "%s", error);
    print_to_file();
    FILE *printed = fopen(path, "re");
    ck_assert_ptr_nonnull(printed);
    while (fgets(line, sizeof line, printed) != NULL) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, " ")] = '\0';
        ck_assert_msg(has_line("config/reckoner.conf", line), "config/reckoner.conf says nothing about %s", line);
        options++;
    }
    ck_assert_int_eq(fclose(printed), 0);
    ck_assert_int_ge(options, 30);
}
END_TEST

START_TEST(freeing_is_safe)
{
    struct config empty = {.mode = NULL};
    config_free(NULL);
    config_free(&empty);
    ck_assert_ptr_null(empty.mode);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults_without_a_file);
    tcase_add_test(tc, options_are_read);
    tcase_add_loop_test(tc, mistakes_are_named, 0, COUNT(wrong));
    tcase_add_test(tc, long_lines_and_missing_files);
    tcase_add_test(tc, the_environment_wins);
    tcase_add_test(tc, what_is_printed_is_read_again);
    tcase_add_test(tc, the_shipped_file_documents_every_option);
    tcase_add_test(tc, freeing_is_safe);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
