/* Small tables with all their sums: what is hidden is found by trying every table that agrees with what is shown. No
 * count of 1 to 4 is shown, and none has one value only. RECKONER_ROUNDS tables are tried; RECKONER_SEED repeats a run.
 */
#include "domain/suppression.h"

#include "base/parse.h"
#include "lib/rounds.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS    4
#define COLUMNS 3
#define CELLS   ((ROWS + 1) * (COLUMNS + 1))

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0')
        return fallback;
    int64_t value;
    ck_assert_msg(parse_i64_within(text, strlen(text), 0, INT64_MAX, &value), "%s is no number: %s", name, text);
    return (uint64_t)value;
}

/* A table with its sums, as a reader sees it. */
struct shown {
    size_t rows; /* with the sums */
    size_t columns;
    int64_t count[CELLS];
    bool hidden[CELLS];
};

/* Is there a table with another value in one place? Places are tried one after the other; a hidden one takes the values
 * 1 to `most`, and the last of a row or column is what its sum leaves. */
static bool another(const struct shown *t, int64_t *x, size_t place, size_t target, int64_t most)
{
    size_t rows = t->rows, columns = t->columns;
    if (place == rows * columns)
        return x[target] != t->count[target];
    size_t r = place / columns, c = place % columns;
    int64_t from = t->hidden[place] ? 1 : t->count[place];
    int64_t to = t->hidden[place] ? most : t->count[place];
    bool row_sum = columns > 1 && c == columns - 1;
    bool column_sum = r == rows - 1;
    int64_t sum = 0;
    if (row_sum || column_sum) {
        for (size_t k = 0; row_sum && k < c; k++)
            sum += x[r * columns + k];
        for (size_t k = 0; !row_sum && k < r; k++)
            sum += x[k * columns + c];
        if (sum < from || (!t->hidden[place] && sum != from))
            return false;
        from = to = sum;
    }
    if (row_sum && column_sum) {
        int64_t down = 0;
        for (size_t k = 0; k < r; k++)
            down += x[k * columns + c];
        if (down != sum)
            return false;
    }
    for (int64_t v = from; v <= to; v++) {
        x[place] = v;
        if (another(t, x, place + 1, target, most))
            return true;
    }
    return false;
}

static int64_t draw_count(void)
{
    static const int64_t counts[] = {0, 0, 1, 1, 2, 3, 4, 5, 6, 7};
    return counts[draw() % (sizeof counts / sizeof counts[0])];
}

static void check_hidden(const struct shown *t, bool sums_known)
{
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        bool sum = i / t->columns == t->rows - 1 || (t->columns > 1 && i % t->columns == t->columns - 1);
        if (sum && sums_known) {
            ck_assert_msg(!t->hidden[i], "a sum that is known elsewhere is hidden");
            continue;
        }
        if (!suppression_is_small(t->count[i])) {
            ck_assert_msg(!t->hidden[i] || t->count[i] > 0, "a 0 is hidden");
            continue;
        }
        ck_assert_msg(t->hidden[i], "%lld is shown", (long long)t->count[i]);
        int64_t x[CELLS] = {0};
        /* One more or less is enough to know that there is a choice; sums follow. */
        ck_assert_msg(another(t, x, 0, i, 9), "place %zu of %zu * %zu can only be %lld", i, t->rows, t->columns,
                      (long long)t->count[i]);
    }
}

/* Sums of a table whose counts stand in their places. */
static void add_up(struct shown *t, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            int64_t count = t->count[r * t->columns + c];
            t->count[rows * t->columns + c] += count;
            if (columns > 1)
                t->count[r * t->columns + columns] += count;
            if (columns > 1)
                t->count[rows * t->columns + columns] += count;
        }
    }
}

static bool one_table(size_t rows, size_t columns, bool sums_known)
{
    struct shown t = {rows + 1, columns > 1 ? columns + 1 : 1, {0}, {false}};
    int64_t counts[ROWS * COLUMNS];
    for (size_t i = 0; i < rows * columns; i++) {
        counts[i] = draw_count();
        t.count[i / columns * t.columns + i % columns] = counts[i];
    }
    add_up(&t, rows, columns);
    enum suppression s = columns > 1 ? suppression_table(counts, rows, columns, sums_known, t.hidden)
                                     : suppression_list(counts, rows, sums_known, t.hidden);
    ck_assert_int_ne(s, SUPPRESSION_FAILED);
    if (s == SUPPRESSION_DONE)
        check_hidden(&t, sums_known);
    else
        ck_assert(t.hidden[0]);
    return s == SUPPRESSION_DONE;
}

START_TEST(nothing_shown_gives_a_small_count_back)
{
    uint64_t rounds = property_rounds(4000);
    uint64_t seed = number_from("RECKONER_SEED", (uint64_t)time(NULL));
    printf("seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    state = seed;
    uint64_t done = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        size_t columns = 1 + draw() % COLUMNS;
        size_t rows = 1 + draw() % (columns == 3 ? 2 : ROWS);
        done += one_table(rows, columns, draw() % 2 == 0);
    }
    /* Most tables can be shown in part. */
    ck_assert_uint_ge(done * 2, rounds);
}
END_TEST

START_TEST(examples)
{
    bool hidden[12];
    ck_assert_int_eq(suppression_list((const int64_t[]){3, 9, 7}, 3, true, hidden), SUPPRESSION_DONE);
    ck_assert(hidden[0] && !hidden[1] && hidden[2] && !hidden[3]);
    /* Two ones that add up to 2 can be nothing else: a third is hidden. */
    ck_assert_int_eq(suppression_list((const int64_t[]){1, 1, 8, 6, 0}, 5, true, hidden), SUPPRESSION_DONE);
    ck_assert(hidden[0] && hidden[1] && !hidden[2] && hidden[3] && !hidden[4]);
    ck_assert_int_eq(suppression_list((const int64_t[]){4, 4, 8}, 3, true, hidden), SUPPRESSION_DONE);
    ck_assert(hidden[0] && hidden[1] && !hidden[2]);
    /* The sum is hidden where nothing else can be. */
    ck_assert_int_eq(suppression_list((const int64_t[]){2, 0}, 2, true, hidden), SUPPRESSION_WITHHELD);
    ck_assert_int_eq(suppression_list((const int64_t[]){2, 0}, 2, false, hidden), SUPPRESSION_DONE);
    ck_assert(hidden[0] && !hidden[1] && hidden[2]);
    /* 3 of 100: with the 97, a second service, in both columns. */
    ck_assert_int_eq(suppression_table((const int64_t[]){97, 3, 40, 10, 50, 30}, 3, 2, true, hidden), SUPPRESSION_DONE);
    ck_assert(hidden[0] && hidden[1] && hidden[3] && hidden[4] && !hidden[6] && !hidden[7]);
    ck_assert_int_eq(suppression_list((const int64_t[]){7, 0, 5}, 3, true, hidden), SUPPRESSION_DONE);
    ck_assert(!hidden[0] && !hidden[1] && !hidden[2] && !hidden[3]);
    ck_assert_int_eq(suppression_list(NULL, 0, true, hidden), SUPPRESSION_DONE);
    ck_assert_int_eq(suppression_list((const int64_t[]){-1}, 1, true, hidden), SUPPRESSION_FAILED);
    ck_assert_int_eq(suppression_list((const int64_t[]){INT64_MAX, 1}, 2, true, hidden), SUPPRESSION_FAILED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("small counts");
    TCase *t = tcase_create("small counts");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, examples);
    tcase_add_test(t, nothing_shown_gives_a_small_count_back);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
