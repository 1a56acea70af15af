/* Chunks packed before they are sealed (base/pack.h): what goes in comes out, and nothing else does. */
#include "base/pack.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 5000

static uint8_t text[LENGTH];
static uint8_t packed[LENGTH + PACK_OVERHEAD];
static uint8_t back[LENGTH];

/* Rows that resemble one another, as those of a file do. */
static void write_rows(void)
{
    static const char row[] = "RXA,2012-04,AE0000001,5QE,12,2011-03-16,0,1,0,1\n";
    for (size_t i = 0; i < LENGTH; i++)
        text[i] = (uint8_t)row[i % (sizeof row - 1)];
}

static void write_noise(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < LENGTH; i++) {
        state = state * 1664525u + 1013904223u;
        text[i] = (uint8_t)(state >> 24);
    }
}

static size_t there_and_back(size_t length)
{
    size_t found = 0;
    size_t n = chunk_pack(text, length, packed);
    ck_assert_uint_le(n, length + PACK_OVERHEAD);
    ck_assert(chunk_unpack_length(packed, n, &found));
    ck_assert_uint_eq(found, length);
    memset(back, 0xee, sizeof back);
    ck_assert(chunk_unpack(packed, n, back, length));
    ck_assert_int_eq(memcmp(back, text, length), 0);
    return n;
}

START_TEST(rows_become_shorter)
{
    write_rows();
    ck_assert_uint_lt(there_and_back(LENGTH), LENGTH / 2);
}
END_TEST

START_TEST(what_does_not_is_kept_as_it_is)
{
    write_noise();
    ck_assert_uint_eq(there_and_back(LENGTH), LENGTH + PACK_OVERHEAD);
}
END_TEST

START_TEST(every_length_comes_back)
{
    for (size_t length = 0; length < 300; length++) {
        write_rows();
        (void)there_and_back(length);
        write_noise();
        (void)there_and_back(length);
    }
}
END_TEST

/* Whatever byte is changed: an answer, and never more bytes than there is room for (the sanitizer looks). */
START_TEST(damage_is_survived)
{
    write_rows();
    size_t n = chunk_pack(text, LENGTH, packed);
    for (size_t i = 0; i < n; i++) {
        uint8_t *copy = malloc(n);
        size_t length = 0;
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, packed, n);
        copy[i] ^= 0x55;
        if (chunk_unpack_length(copy, n, &length)) {
            uint8_t *out = malloc(length + 1);
            ck_assert_ptr_nonnull(out);
            (void)chunk_unpack(copy, n, out, length);
            free(out);
        }
        free(copy);
    }
}
END_TEST

START_TEST(nonsense_is_refused)
{
    size_t length = 0;
    write_rows();
    size_t n = chunk_pack(text, LENGTH, packed);
    ck_assert(!chunk_unpack(packed, n, back, LENGTH - 1)); /* not what it says */
    ck_assert(!chunk_unpack(packed, n - 1, back, LENGTH)); /* cut off */
    ck_assert(!chunk_unpack_length(packed, PACK_OVERHEAD - 1, &length));
    packed[0] = 2; /* no kind of ours */
    ck_assert(!chunk_unpack_length(packed, n, &length));
    packed[0] = 0; /* as it is, of another length */
    ck_assert(!chunk_unpack_length(packed, n, &length));
    static const uint8_t huge[PACK_OVERHEAD + 1] = {1, 0xff, 0xff, 0xff, 0xff, 0};
    ck_assert(!chunk_unpack_length(huge, sizeof huge, &length));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pack");
    TCase *tc = tcase_create("pack");
    tcase_add_test(tc, rows_become_shorter);
    tcase_add_test(tc, what_does_not_is_kept_as_it_is);
    tcase_add_test(tc, every_length_comes_back);
    tcase_add_test(tc, damage_is_survived);
    tcase_add_test(tc, nonsense_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
