#include "signing/keyfile.h"

#include <check.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE 32

static char folder[64];
static char path[128];
static char error[512];
static const unsigned char key[KEY_SIZE] = {1, 2, 3, 0xfe, [31] = 0xab};

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/reckoner-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/key", folder);
    error[0] = '\0';
}

static void tear_down(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void write_text(const char *text, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    ck_assert_int_eq(close(fd), 0);
}

static void refused(const char *because)
{
    ck_assert_ptr_null(keyfile_secret(path, "the test key", KEY_SIZE, error, sizeof error));
    ck_assert_msg(strstr(error, because) != NULL, "\"%s\" does not say \"%s\"", error, because);
    ck_assert_ptr_nonnull(strstr(error, "the test key"));
    ck_assert_ptr_nonnull(strstr(error, path));
}

static uintptr_t hexadecimal(const char **at)
{
    static const char digits[] = "0123456789abcdef";
    uintptr_t value = 0;
    for (const char *d; **at != '\0' && (d = strchr(digits, **at)) != NULL; (*at)++)
        value = value * 16 + (uintptr_t)(d - digits);
    return value;
}

/* The flags of the mapping that holds an address (proc(5), VmFlags). */
static void flags_of(const void *address, char *flags, size_t size)
{
    char line[4096];
    uintptr_t from = 0;
    uintptr_t to = 0;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "re");
    ck_assert_ptr_nonnull(maps);
    flags[0] = '\0';
    while (flags[0] == '\0' && fgets(line, sizeof line, maps) != NULL) {
        const char *at = line;
        from = hexadecimal(&at);
        if (at > line && *at++ == '-') {
            to = hexadecimal(&at);
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        }
        if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(flags, size, "%.190s", line);
    }
    (void)fclose(maps);
}

START_TEST(a_secret_lies_in_memory_that_is_neither_swapped_nor_dumped)
{
    char flags[200];
    ck_assert(keyfile_write(path, "the test key", key, sizeof key, true, error, sizeof error));
    unsigned char *read = keyfile_secret(path, "the test key", sizeof key, error, sizeof error);
    ck_assert_ptr_nonnull(read);
    flags_of(read, flags, sizeof flags);
    ck_assert_msg(strstr(flags, " dd") != NULL, "left in core dumps: %s", flags);
#ifndef __SANITIZE_ADDRESS__ /* which makes mlock do nothing */
    ck_assert_msg(strstr(flags, " lo") != NULL, "not locked: %s", flags);
#endif
    sodium_free(read);
}
END_TEST

START_TEST(a_secret_comes_back)
{
    ck_assert(keyfile_write(path, "the test key", key, sizeof key, true, error, sizeof error));
    struct stat s;
    ck_assert_int_eq(stat(path, &s), 0);
    ck_assert_uint_eq(s.st_mode & 07777, 0400);
    unsigned char *read = keyfile_secret(path, "the test key", sizeof key, error, sizeof error);
    ck_assert_ptr_nonnull(read);
    ck_assert_mem_eq(read, key, sizeof key);
    sodium_free(read);
}
END_TEST

START_TEST(a_public_key_comes_back)
{
    unsigned char read[KEY_SIZE];
    ck_assert(keyfile_write(path, "the test key", key, sizeof key, false, error, sizeof error));
    ck_assert(keyfile_public(path, "the test key", read, sizeof read, error, sizeof error));
    ck_assert_mem_eq(read, key, sizeof key);
    refused("0444");
}
END_TEST

START_TEST(nothing_is_overwritten)
{
    write_text("precious", 0400);
    ck_assert(!keyfile_write(path, "the test key", key, sizeof key, true, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "never overwritten"));
    char text[16] = "";
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(text, "precious");
}
END_TEST

#define HEX_62 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

START_TEST(a_bad_mode_is_refused)
{
    static const mode_t modes[] = {0600, 0440, 0404, 0444, 0644, 0500, 04400};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_text(HEX_62 "ff\n", modes[i]);
        refused("chmod 0400");
    }
    write_text(HEX_62 "ff\n", 0400);
    unsigned char *read = keyfile_secret(path, "the test key", KEY_SIZE, error, sizeof error);
    ck_assert_ptr_nonnull(read);
    ck_assert_uint_eq(read[31], 0xff);
    sodium_free(read);
}
END_TEST

START_TEST(a_public_key_that_others_can_write_is_refused)
{
    unsigned char read[KEY_SIZE];
    write_text(HEX_62 "ff\n", 0664);
    ck_assert(!keyfile_public(path, "the test key", read, sizeof read, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "chmod go-w"));
}
END_TEST

START_TEST(bad_contents_are_refused)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        HEX_62 "f\n",
                                        HEX_62 "fff\n",
                                        HEX_62 "fg\n",
                                        HEX_62 "ff\n\n",
                                        HEX_62 "ff \n",
                                        " " HEX_62 "f\n",
                                        HEX_62 "ff\nmore\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(texts[i], 0400);
        refused("64 hexadecimal digits");
    }
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
    refused("No such file");
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    refused("symbolic link");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0400), 0);
    refused("not a regular file"); /* and does not wait for a writer */
    ck_assert_ptr_null(keyfile_secret("", "the test key", KEY_SIZE, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "set its path"));
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("keyfile");
    TCase *tests = tcase_create("keyfile");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_secret_comes_back);
    tcase_add_test(tests, a_public_key_comes_back);
    tcase_add_test(tests, nothing_is_overwritten);
    tcase_add_test(tests, a_bad_mode_is_refused);
    tcase_add_test(tests, a_public_key_that_others_can_write_is_refused);
    tcase_add_test(tests, a_secret_lies_in_memory_that_is_neither_swapped_nor_dumped);
    tcase_add_test(tests, bad_contents_are_refused);
    tcase_add_test(tests, what_is_no_regular_file_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
