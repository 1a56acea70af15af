/* The guard at the door against blocks of hashes in a database. */
#include "base/buf.h"
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
    struct leak_guard *g = leak_guard_new(worker, identity_key, NULL);
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
    struct leak_guard *g = leak_guard_new(worker, other, NULL);
    ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
    ck_assert_int_eq(ask(g, "p-000001"), LEAK_CLEAN);
    leak_guard_free(g);
}
END_TEST

START_TEST(a_guard_that_cannot_ask_says_so)
{
    struct leak_guard *g = leak_guard_new(worker, identity_key, NULL);
    ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
    store_fixture_sql(&f, "REVOKE SELECT ON identifier_block FROM reckoner_worker");
    ck_assert_int_eq(ask(g, "p-000001"), LEAK_UNKNOWN);
    ck_assert_int_eq(leak_guard_status(g), PG_DENIED);
    ck_assert_int_eq(ask(g, "short"), LEAK_CLEAN);
    leak_guard_free(g);
}
END_TEST

/* A document with so many titles, each a token of its own that is no identifier; last goes behind them. */
static char *document(unsigned titles, const char *last, size_t *length)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    bool ok = buf_append_char(&b, '[');
    for (unsigned i = 0; ok && i < titles; i++)
        ok = buf_append_format(&b, "{\"title\":\"word%06u\"},", i);
    ok = ok && buf_append_format(&b, "{\"title\":\"%s\"}]", last);
    ck_assert(ok);
    *length = b.length;
    return b.data;
}

static enum leak_verdict ask_document(struct leak_guard *g, unsigned titles, const char *last)
{
    size_t length = 0;
    char *json = document(titles, last, &length);
    enum leak_verdict found = leak_guard_json(g, json, length);
    free(json);
    return found;
}

/* More tokens than may wait for their blocks, against two submissions of different providers. */
START_TEST(one_identifier_among_many_words_is_caught)
{
    struct leak_memory *memory = leak_memory_new();
    for (int round = 0; round < 2; round++) {
        struct leak_guard *g = leak_guard_new(worker, identity_key, round == 0 ? NULL : memory);
        ck_assert_int_eq(leak_guard_add(g, "RXA", 1), PG_OK);
        ck_assert_int_eq(leak_guard_add(g, "RXB", 3), PG_OK);
        static const unsigned sizes[] = {0, 1, 2047, 2048, 5000};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            ck_assert_int_eq(ask_document(g, sizes[i], "nobody at all"), LEAK_CLEAN);
            ck_assert_int_eq(ask_document(g, sizes[i], "p-000007"), LEAK_FOUND);
            ck_assert_int_eq(ask_document(g, sizes[i], "seen: R 008999"), LEAK_FOUND);
            ck_assert_int_eq(ask_document(g, sizes[i], "nobody else"), LEAK_CLEAN);
        }
        ck_assert_int_eq(leak_guard_json(g, "[\"p-000007\"", 11), LEAK_FOUND); /* cannot be read */
        leak_guard_free(g);
    }
    leak_memory_free(memory);
}
END_TEST

static struct leak_guard *remembering(struct pg *pg, struct leak_memory *memory, int64_t submission)
{
    struct leak_guard *g = leak_guard_new(pg, identity_key, memory);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(leak_guard_add(g, "RXA", submission), PG_OK);
    return g;
}

START_TEST(what_was_cleared_is_not_asked_again)
{
    struct leak_memory *memory = leak_memory_new();
    struct leak_guard *g = remembering(worker, memory, 1);
    ck_assert_int_eq(ask(g, "Cluster of nobody, p-000001"), LEAK_FOUND);
    ck_assert_int_eq(ask(g, "Cluster of nobody, q-000001"), LEAK_CLEAN);
    leak_guard_free(g);
    store_fixture_sql(&f, "REVOKE SELECT ON identifier_block FROM reckoner_worker");
    g = remembering(worker, memory, 1);
    ck_assert_int_eq(ask(g, "Cluster of nobody, q-000001"), LEAK_CLEAN);
    ck_assert_int_eq(ask(g, "p-000001"), LEAK_UNKNOWN); /* what was found was not cleared */
    ck_assert_int_eq(leak_guard_status(g), PG_DENIED);
    leak_guard_free(g);
    g = remembering(worker, memory, 2); /* nor is it cleared for another submission */
    ck_assert_int_eq(ask(g, "Cluster of nobody, q-000001"), LEAK_UNKNOWN);
    leak_guard_free(g);
    leak_memory_free(memory);
}
END_TEST

START_TEST(another_connection_begins_without_memory)
{
    struct leak_memory *memory = leak_memory_new();
    struct leak_guard *g = remembering(worker, memory, 1);
    ck_assert_int_eq(ask(g, "q-000001"), LEAK_CLEAN);
    leak_guard_free(g);
    /* A restored database, whose submission 1 is another. */
    store_fixture_sql(&f, "UPDATE identifier_block SET submission = 4 - submission WHERE provider = 'RXA'");
    store_fixture_sql(&f, "UPDATE identifier_block SET submission = 1 WHERE submission = 2 AND provider = 'RXA'");
    ck_assert_int_eq(store_fixture_try(worker, "SELECT pg_terminate_backend(pg_backend_pid())"), PG_AWAY);
    ck_assert_int_eq(pg_connect(worker), PG_OK);
    ck_assert_uint_eq(pg_connection_number(worker), 2);
    g = remembering(worker, memory, 1);
    ck_assert_int_eq(ask(g, "q-000001"), LEAK_FOUND);
    leak_guard_free(g);
    leak_memory_free(memory);
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
    tcase_add_test(tc, one_identifier_among_many_words_is_caught);
    tcase_add_test(tc, what_was_cleared_is_not_asked_again);
    tcase_add_test(tc, another_connection_begins_without_memory);
    tcase_add_test(tc, nobody_else_reads_the_hashes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
