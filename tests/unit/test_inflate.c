/* Packed uploads: what is unpacked equals what was packed however the bytes arrive, and every broken stream has its
 * sentence. */
#include "base/buf.h"
#include "base/inflate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LIMIT (64 * 1024 * 1024)

static unsigned char *plain, *packed;
static size_t plain_length, packed_length;
static struct buf out;

static size_t pack(const unsigned char *from, size_t length, int level, unsigned char *to, size_t room)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)length;
    z.next_out = to;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    ck_assert_int_eq(deflateEnd(&z), Z_OK);
    return n;
}

static void setup(void)
{
    plain_length = 70000;
    plain = malloc(plain_length);
    packed = malloc(plain_length);
    ck_assert(plain != NULL && packed != NULL);
    unsigned x = 1;
    for (size_t i = 0; i < plain_length; i++) {
        x = x * 1103515245 + 12345;
        plain[i] = (unsigned char)("0123456789,\n"[(x >> 16) % 12]);
    }
    packed_length = pack(plain, plain_length, 6, packed, plain_length);
    buf_init(&out, LIMIT);
}

static void teardown(void)
{
    free(plain);
    free(packed);
    buf_free(&out);
}

static bool keep(void *context, const void *bytes, size_t length)
{
    ck_assert(length > 0 && length <= 65536);
    return buf_append(context, bytes, length);
}

static char problem[200];

static enum inflate_outcome unpack(const unsigned char *bytes, size_t length, size_t piece, int64_t limit)
{
    struct inflate *z = inflate_new(limit);
    ck_assert_ptr_nonnull(z);
    buf_clear(&out);
    for (size_t at = 0; at < length; at += piece)
        (void)inflate_feed(z, bytes + at, piece < length - at ? piece : length - at, keep, &out);
    enum inflate_outcome outcome = inflate_finish(z);
    ck_assert_int_eq(outcome, inflate_finish(z));
    (void)snprintf(problem, sizeof problem, "%s", inflate_problem(z));
    inflate_free(z);
    return outcome;
}

static void expect(const unsigned char *bytes, size_t length, const char *words)
{
    static const size_t pieces[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        ck_assert_int_eq(unpack(bytes, length, pieces[i], LIMIT), INFLATE_REFUSED);
        ck_assert_msg(strstr(problem, words) != NULL, "pieces of %zu: '%s'", pieces[i], problem);
    }
}

START_TEST(pieces_make_no_difference)
{
    static const size_t pieces[] = {1, 2, 3, 17, 1000, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        ck_assert_int_eq(unpack(packed, packed_length, pieces[i], LIMIT), INFLATE_GOING);
        ck_assert_str_eq(problem, "");
        ck_assert_uint_eq(out.length, plain_length);
        ck_assert_int_eq(memcmp(out.data, plain, plain_length), 0);
    }
    /* Nothing, packed; stored instead of packed; a whole number of rooms. */
    static const size_t lengths[] = {0, 1, 65535, 65536, 65537};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned char *to = malloc(200000);
        ck_assert_ptr_nonnull(to);
        for (int level = 0; level <= 9; level += 9) {
            size_t n = pack(plain, lengths[i], level, to, 200000);
            ck_assert_int_eq(unpack(to, n, 1 << 20, LIMIT), INFLATE_GOING);
            ck_assert_uint_eq(out.length, lengths[i]);
        }
        free(to);
    }
}
END_TEST

START_TEST(cut_off_anywhere)
{
    unsigned char small[400];
    size_t n = pack(plain, 300, 6, small, sizeof small);
    for (size_t cut = 1; cut < n; cut++) {
        ck_assert_int_eq(unpack(small, cut, 64, LIMIT), INFLATE_REFUSED);
        ck_assert_ptr_nonnull(strstr(problem, "cut off"));
    }
    expect(small, 0, "The file is empty");
}
END_TEST

START_TEST(broken_streams)
{
    static const unsigned char text[] = "provider,month,episode_id\nRXA,2013-04,E1\n";
    expect(text, sizeof text - 1, "not compressed by gzip");
    /* zlib's own form and raw deflate are not gzip. */
    unsigned char other[400];
    uLongf length = sizeof other;
    ck_assert_int_eq(compress(other, &length, text, sizeof text - 1), Z_OK);
    expect(other, length, "not compressed by gzip");
    /* A wrong check sum, a wrong length, a damaged middle. */
    unsigned char *copy = malloc(2 * packed_length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, packed, packed_length);
    copy[packed_length - 8] ^= 1;
    expect(copy, packed_length, "damaged");
    memcpy(copy, packed, packed_length);
    copy[packed_length - 1] ^= 1;
    expect(copy, packed_length, "damaged");
    memcpy(copy, packed, packed_length);
    copy[packed_length / 2] ^= 0x55;
    expect(copy, packed_length, "damaged");
    /* Something behind the end: one byte, or a second member. */
    memcpy(copy, packed, packed_length);
    copy[packed_length] = 0;
    expect(copy, packed_length + 1, "Something follows");
    memcpy(copy + packed_length, packed, packed_length);
    expect(copy, 2 * packed_length, "Something follows");
    free(copy);
}
END_TEST

START_TEST(bombs_are_stopped)
{
    size_t size = 8 * 1024 * 1024;
    unsigned char *zeros = calloc(1, size), *bomb = malloc(size / 100);
    ck_assert(zeros != NULL && bomb != NULL);
    size_t n = pack(zeros, size, 9, bomb, size / 100);
    expect(bomb, n, "more than 250 times");
    ck_assert_uint_lt(out.length, INFLATE_RATIO_FROM + (1 << 20));
    free(zeros);
    free(bomb);
    ck_assert_int_eq(unpack(packed, packed_length, 1000, (int64_t)plain_length), INFLATE_GOING);
    ck_assert_int_eq(unpack(packed, packed_length, 1000, (int64_t)plain_length - 1), INFLATE_REFUSED);
    ck_assert_str_eq(problem, "The gzip stream holds more than 69999 bytes, the most that is read");
}
END_TEST

static bool stop(void *context, const void *bytes, size_t length)
{
    (void)bytes;
    (void)length;
    return (*(int *)context)++ < 1;
}

START_TEST(stops_when_told)
{
    struct inflate *z = inflate_new(LIMIT);
    int calls = 0;
    ck_assert_ptr_nonnull(z);
    ck_assert_int_eq(inflate_feed(z, packed, packed_length, stop, &calls), INFLATE_STOPPED);
    ck_assert_int_eq(inflate_feed(z, packed, packed_length, stop, &calls), INFLATE_STOPPED);
    ck_assert_int_eq(inflate_finish(z), INFLATE_STOPPED);
    ck_assert_int_eq(calls, 2);
    ck_assert_str_eq(inflate_problem(z), "");
    inflate_free(z);
    inflate_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("inflate");
    TCase *t = tcase_create("inflate");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, pieces_make_no_difference);
    tcase_add_test(t, cut_off_anywhere);
    tcase_add_test(t, broken_streams);
    tcase_add_test(t, bombs_are_stopped);
    tcase_add_test(t, stops_when_told);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
