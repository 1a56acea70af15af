/* The guard at the door against blocks of hashes in a database. */
#include "base/order.h"
#include "lib/store_fixture.h"
#include "store/identifier.h"
#include "worker/leak_guard.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENTS 9000 /* three blocks of each submission */

static struct store_fixture f;
static struct pg *worker;
static const uint8_t identity_key[32] = {1, 2, 3};
static struct leak_key key;

static int64_t hash_of(const char *identifier)
{
    char canonical[LEAK_TOKEN_MAX];
    size_t n = leak_canonical((struct text){identifier, strlen(identifier)}, canonical);
    ck_assert_uint_gt(n, 0);
    return leak_hash(&key, canonical, n);
}

/* Patients "<letter>-000000" to "<letter>-008999". */
static void write_blocks(const char *provider, int64_t submission, char letter)
{
    static int64_t hashes[PATIENTS];
    for (unsigned i = 0; i < PATIENTS; i++) {
        char id[20];
        (void)snprintf(id, sizeof id, "%c-%06u", letter, i);
        hashes[i] = hash_of(id);
    }
    qsort(hashes, PATIENTS, sizeof hashes[0], order_i64);
    struct pg_copy *copy = NULL;
    ck_assert_int_eq(identifier_copy_begin(worker, &copy), PG_OK);
    for (unsigned i = 0; i < PATIENTS; i += IDENTIFIER_BLOCK_HASHES) {
        size_t left = PATIENTS - i;
        identifier_copy_add(copy, provider, submission, (int32_t)(i / IDENTIFIER_BLOCK_HASHES), hashes + i,
                            left < IDENTIFIER_BLOCK_HASHES ? left : IDENTIFIER_BLOCK_HASHES);
    }
    ck_assert_int_eq(pg_copy_end(copy, NULL), PG_OK);
}

static void setup(void)
{
    store_fixture_open(&f);
    worker = store_fixture_connect(&f, "reckoner_worker");
    leak_key_derive(identity_key, &key);
    write_blocks("RXA", 1, 'p');
    write_blocks("RXA", 2, 'q');
    write_blocks("RXB", 3, 'r');
}

static void teardown(void)
{
    pg_free(worker);
    store_fixture_close(&f);
}

static enum leak_verdict ask(struct leak_guard *g, const char *text)
{
    return leak_guard_text(g, text, strlen(text));
}

START_TEST(identifiers_of_the_submissions_concerned_are_caught)
{
    struct leak_guard *g = leak_guard_new(worker, identity_key);
    ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
    ck_assert_int_eq(leak_guard_add(g, "RXB", 3), PG_OK);
    for (unsigned i = 0; i < PATIENTS; i += 7) {
        char text[80];
        (void)snprintf(text, sizeof text, "see P%06u of the ward", i);
        ck_assert_int_eq(ask(g, text), LEAK_FOUND);
        (void)snprintf(text, sizeof text, "r/%06u", i);
        ck_assert_int_eq(ask(g, text), LEAK_FOUND);
        (void)snprintf(text, sizeof text, "q-%06u is of another submission", i);
        ck_assert_int_eq(ask(g, text), LEAK_CLEAN);
        (void)snprintf(text, sizeof text, "p-%07u", i);
        ck_assert_int_eq(ask(g, text), LEAK_CLEAN);
    }
    ck_assert_int_eq(ask(g, "999 000 0018"), LEAK_FOUND);
    ck_assert_int_eq(ask(g, ""), LEAK_CLEAN);
    leak_guard_free(g);
}
END_TEST

START_TEST(another_key_knows_nobody)
{
    static const uint8_t other[32] = {9};
    struct leak_guard *g = leak_guard_new(worker, other);
    ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
    ck_assert_int_eq(ask(g, "p-000001"), LEAK_CLEAN);
    leak_guard_free(g);
}
END_TEST

START_TEST(a_guard_that_cannot_ask_says_so)
{
    struct leak_guard *g = leak_guard_new(worker, identity_key);
    ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
    store_fixture_sql(&f, "REVOKE SELECT ON identifier_block FROM reckoner_worker");
    ck_assert_int_eq(ask(g, "p-000001"), LEAK_UNKNOWN);
    ck_assert_int_eq(leak_guard_status(g), PG_DENIED);
    ck_assert_int_eq(ask(g, "short"), LEAK_CLEAN);
    leak_guard_free(g);
}
END_TEST

START_TEST(nobody_else_reads_the_hashes)
{
    static const char *const roles[] = {"reckoner_web", "reckoner_auditor"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct pg *pg = store_fixture_connect(&f, roles[i]);
        ck_assert_int_eq(store_fixture_try(pg, "SELECT FROM reckoner.identifier_block"), PG_DENIED);
        pg_free(pg);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leak_guard");
    TCase *tc = tcase_create("leak_guard");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, identifiers_of_the_submissions_concerned_are_caught);
    tcase_add_test(tc, another_key_knows_nobody);
    tcase_add_test(tc, a_guard_that_cannot_ask_says_so);
    tcase_add_test(tc, nobody_else_reads_the_hashes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
