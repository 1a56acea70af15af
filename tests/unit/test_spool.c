/* Temporary files of a check: what goes in comes out, below and above the sizes at which they touch the disk. */
#include "check/spool.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct record {
    uint32_t number;
    uint32_t partition;
};

START_TEST(journal_comes_back)
{
    static const size_t counts[] = {0, 1, 1000, 300000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct journal *j = journal_new("/tmp");
        ck_assert_ptr_nonnull(j);
        for (uint32_t i = 0; i < counts[c]; i++)
            ck_assert(journal_append(j, &(struct record){i, ~i}, sizeof(struct record)));
        ck_assert_uint_eq(journal_length(j), counts[c] * sizeof(struct record));
        struct record r;
        for (uint32_t i = 0; i < counts[c]; i += 997) {
            uint32_t there = (uint32_t)counts[c] - 1 - i; /* backwards */
            journal_seek(j, there * sizeof r);
            ck_assert(journal_next(j, &r, sizeof r));
            ck_assert_uint_eq(r.number, there);
        }
        journal_seek(j, counts[c] * sizeof r);
        ck_assert(!journal_next(j, &r, 1));
        journal_seek(j, 0);
        for (uint32_t i = 0; i < counts[c]; i++) {
            ck_assert(!journal_at_end(j));
            ck_assert(journal_next(j, &r, sizeof r));
            ck_assert_uint_eq(r.number, i);
            ck_assert_uint_eq(r.partition, ~i);
        }
        ck_assert(journal_at_end(j));
        ck_assert(!journal_next(j, &r, 1));
        if (counts[c] > 0) {
            journal_seek(j, 0);
            ck_assert(journal_next(j, &r, sizeof r));
            ck_assert_uint_eq(r.number, 0);
        }
        journal_free(j);
    }
}
END_TEST

START_TEST(long_and_short_pieces_keep_their_order)
{
    struct journal *j = journal_new("/tmp");
    size_t length = 3 * 1024 * 1024;
    char *large = malloc(length);
    char *back = malloc(length);
    memset(large, 'x', length);
    ck_assert(journal_append(j, "ab", 2));
    ck_assert(journal_append(j, large, length));
    ck_assert(journal_append(j, "cd", 2));
    journal_seek(j, length);
    ck_assert(journal_next(j, back, 4));
    ck_assert_int_eq(memcmp(back, "xxcd", 4), 0);
    journal_seek(j, 0);
    ck_assert(journal_next(j, back, 2));
    ck_assert_int_eq(memcmp(back, "ab", 2), 0);
    ck_assert(journal_next(j, back, length));
    ck_assert_int_eq(memcmp(back, large, length), 0);
    ck_assert(journal_next(j, back, 2));
    ck_assert_int_eq(memcmp(back, "cd", 2), 0);
    ck_assert(journal_at_end(j));
    free(large);
    free(back);
    journal_free(j);
}
END_TEST

START_TEST(partitions_keep_their_records)
{
    static const uint32_t counts[] = {0, 5, 200000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct spool *s = spool_new("/tmp", 7);
        ck_assert_ptr_nonnull(s);
        for (uint32_t i = 0; i < counts[c]; i++)
            ck_assert(spool_add(s, i % 5, &(struct record){i, i % 5}, sizeof(struct record)));
        size_t total = 0;
        for (unsigned p = 0; p < 7; p++) {
            void *records = NULL;
            size_t length = 0;
            ck_assert(spool_load(s, p, &records, &length));
            size_t count = length / sizeof(struct record);
            const struct record *r = records;
            for (size_t i = 0; i < count; i++) {
                ck_assert_uint_eq(r[i].partition, p);
                ck_assert_uint_eq(r[i].number, i * 5 + p);
            }
            total += count;
            free(records);
        }
        ck_assert_uint_eq(total, counts[c]);
        spool_free(&s);
    }
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    struct journal *j = journal_new("/nonexistent");
    char *large = calloc(1, 2 * 1024 * 1024);
    ck_assert(journal_append(j, "ab", 2));
    ck_assert(!journal_append(j, large, 2 * 1024 * 1024));
    free(large);
    journal_free(j);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spool");
    TCase *tc = tcase_create("spool");
    tcase_add_test(tc, journal_comes_back);
    tcase_add_test(tc, long_and_short_pieces_keep_their_order);
    tcase_add_test(tc, partitions_keep_their_records);
    tcase_add_test(tc, a_folder_that_is_not_there_is_an_error);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
