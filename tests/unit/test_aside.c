/* Work done aside (worker/aside.h): in order, all of it, and never more of it waiting than may. */
#include "worker/aside.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define PIECES 1000

struct tally {
    size_t count;
    int seen[PIECES];
};

struct numbered {
    struct tally *tally;
    int number;
};

static void note(void *context)
{
    struct numbered *n = context;
    n->tally->seen[n->tally->count++] = n->number;
}

static void give_all(struct aside *a, struct tally *t)
{
    static struct numbered piece[PIECES];
    for (int i = 0; i < PIECES; i++) {
        piece[i] = (struct numbered){t, i};
        aside_give(a, note, &piece[i]);
    }
}

static void must_be_in_order(const struct tally *t)
{
    ck_assert_uint_eq(t->count, PIECES);
    for (int i = 0; i < PIECES; i++)
        ck_assert_int_eq(t->seen[i], i);
}

START_TEST(everything_is_done_in_order)
{
    static struct tally waited, freed;
    struct aside *a = aside_new();
    ck_assert_ptr_nonnull(a);
    aside_wait(a); /* nothing to wait for */
    give_all(a, &waited);
    aside_wait(a);
    must_be_in_order(&waited);
    give_all(a, &freed);
    aside_free(a);
    must_be_in_order(&freed);
}
END_TEST

START_TEST(without_a_thread_it_is_done_at_once)
{
    static struct tally t;
    struct numbered one = {&t, 7};
    aside_give(NULL, note, &one);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_int_eq(t.seen[0], 7);
    aside_wait(NULL);
    aside_free(NULL);
}
END_TEST

static atomic_int given;
static atomic_int open_gate;

static void wait_at_gate(void *context)
{
    (void)context;
    while (atomic_load(&open_gate) == 0)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void *give_many(void *context)
{
    for (int i = 0; i < 2 * ASIDE_WAITING; i++) {
        aside_give(context, wait_at_gate, NULL);
        atomic_fetch_add(&given, 1);
    }
    return NULL;
}

START_TEST(whoever_gives_waits_for_room)
{
    pthread_t giver;
    struct aside *a = aside_new();
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(pthread_create(&giver, NULL, give_many, a), 0);
    while (atomic_load(&given) < ASIDE_WAITING)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    ck_assert_int_eq(atomic_load(&given), ASIDE_WAITING);
    atomic_store(&open_gate, 1);
    ck_assert_int_eq(pthread_join(giver, NULL), 0);
    ck_assert_int_eq(atomic_load(&given), 2 * ASIDE_WAITING);
    aside_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("aside");
    TCase *t = tcase_create("aside");
    tcase_add_test(t, everything_is_done_in_order);
    tcase_add_test(t, without_a_thread_it_is_done_at_once);
    tcase_add_test(t, whoever_gives_waits_for_room);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
