/* Rehearsals in the store: received, limited, reported once, removed after their days. */
#include "lib/store_fixture.h"
#include "store/rehearsal.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct store_fixture f;
static struct pg *web;
static struct pg *worker;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    web = store_fixture_connect(&f, "reckoner_web");
    worker = store_fixture_connect(&f, "reckoner_worker");
    store_fixture_sign_in(&f, web, "rxa.one");
}

static void teardown(void)
{
    pg_free(web);
    pg_free(worker);
    store_fixture_close(&f);
}

static enum rehearsal_reservation try_reserve(const char *key, int64_t per_day, enum allowance *left, int64_t *no)
{
    char id[IDENT_SIZE];
    ident_new(id);
    struct rehearsal_upload u = {"RXA", 2012 * 12 + 3, id,       "rxa.one", key, "text/csv", "identity", 0, -1,
                                 -1,    12345,         "sealed", 6,         60,  per_day};
    enum rehearsal_reservation outcome = REHEARSAL_BUSY;
    ck_assert_int_eq(rehearsal_reserve(web, &u, &outcome, left, no), PG_OK);
    return outcome;
}

static enum rehearsal_reservation reserve(const char *key, int64_t per_day, int64_t *no)
{
    enum allowance left = ALLOWANCE_LEFT;
    return try_reserve(key, per_day, &left, no);
}

/* What is spent when one is refused. */
static enum allowance spent(const char *key, int64_t per_day)
{
    enum allowance left = ALLOWANCE_LEFT;
    int64_t no = 0;
    ck_assert_int_eq(try_reserve(key, per_day, &left, &no), REHEARSAL_OVER);
    return left;
}

/* A received one. */
static struct rehearsal received(const char *key)
{
    static const uint8_t sha256[REHEARSAL_SHA256_SIZE] = {1};
    struct rehearsal h;
    int64_t no = 0;
    ck_assert_int_eq(reserve(key, 100, &no), REHEARSAL_RESERVED);
    ck_assert_int_eq(rehearsal_add_chunk(web, "RXA", no, 0, "bytes", 5, 60), PG_OK);
    ck_assert_int_eq(rehearsal_add_chunk(web, "RXA", no, 0, "bytes", 5, 60), PG_NONE);
    ck_assert_int_eq(rehearsal_complete(web, "RXA", no, 23456, 5, sha256, &h), PG_OK);
    ck_assert_str_eq(h.state, "received");
    return h;
}

START_TEST(one_is_received_and_reported_once)
{
    struct rehearsal h = received("k1");
    PGresult *r = NULL;
    ck_assert_int_eq(rehearsal_chunks(worker, "RXA", h.no, 0, 4, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 1);
    PQclear(r);
    ck_assert_int_eq(rehearsal_begin_report(worker, "RXA", h.no), PG_OK);
    ck_assert_int_eq(rehearsal_add_part(worker, "RXA", h.no, 1, "{}\n", 3), PG_OK);
    ck_assert_int_eq(rehearsal_begin_report(worker, "RXA", h.no), PG_OK); /* an attempt before left a part */
    ck_assert_int_eq(rehearsal_part(web, "RXA", h.no, 1, &r), PG_NONE);
    ck_assert_int_eq(rehearsal_add_part(worker, "RXA", h.no, 1, "{}\n", 3), PG_OK);
    ck_assert_int_eq(rehearsal_finish(worker, "RXA", h.no, 34567, "{}"), PG_OK);
    ck_assert_int_eq(rehearsal_finish(worker, "RXA", h.no, 34567, "{}"), PG_NONE);
    ck_assert_int_eq(rehearsal_begin_report(worker, "RXA", h.no), PG_NONE);
    ck_assert_int_eq(rehearsal_part(web, "RXA", h.no, 1, &r), PG_OK);
    ck_assert_int_eq(PQgetlength(r, 0, 0), 3);
    PQclear(r);
    ck_assert_int_eq(store_fixture_try(web, "SELECT sealed_key FROM reckoner.rehearsal"), PG_DENIED);
    ck_assert_int_eq(store_fixture_try(web, "SELECT sealed FROM reckoner.rehearsal_chunk"), PG_DENIED);
}
END_TEST

START_TEST(keys_and_limits_hold)
{
    int64_t no = 0;
    ck_assert_int_eq(reserve("k1", 100, &no), REHEARSAL_RESERVED);
    ck_assert_int_eq(reserve("k1", 100, &no), REHEARSAL_BUSY);
    ck_assert_int_eq(spent("k2", 1), ALLOWANCE_DAILY);
    ck_assert_int_eq(rehearsal_abandon(web, "RXA", no), PG_OK);
    (void)received("k1");
    ck_assert_int_eq(reserve("k1", 100, &no), REHEARSAL_KEY_USED);
    for (int i = 0; i < REHEARSALS_WAITING; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "w%d", i);
        ck_assert_int_eq(reserve(key, 100, &no), REHEARSAL_RESERVED);
    }
    ck_assert_int_eq(spent("k3", 100), ALLOWANCE_WAITING);
    /* Those that died make room. */
    store_fixture_sql(&f, "UPDATE rehearsal SET receiving_until = '2000-01-01Z' WHERE state = 'receiving'");
    ck_assert_int_eq(reserve("k3", 100, &no), REHEARSAL_RESERVED);
}
END_TEST

START_TEST(they_are_removed_after_their_days)
{
    struct rehearsal h = received("k1");
    int64_t swept = -1;
    ck_assert_int_eq(rehearsal_sweep(worker, 14, &swept), PG_OK);
    ck_assert_int_eq(swept, 0);
    store_fixture_sql(&f, "ALTER TABLE rehearsal DISABLE TRIGGER rehearsal_kept;"
                          "UPDATE rehearsal SET arrived_at = clock_timestamp() - interval '15 days';"
                          "ALTER TABLE rehearsal ENABLE TRIGGER rehearsal_kept");
    ck_assert_int_eq(rehearsal_sweep(worker, 16, &swept), PG_OK);
    ck_assert_int_eq(swept, 0);
    ck_assert_int_eq(rehearsal_sweep(worker, 14, &swept), PG_OK);
    ck_assert_int_eq(swept, 1);
    ck_assert_int_eq(rehearsal_get(web, "RXA", h.id, &h), PG_NONE);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.rehearsal_chunk"), "0");
}
END_TEST

static void kept(const char *sql)
{
    ck_assert_int_eq(store_fixture_try(f.owner, sql), PG_INVALID);
    ck_assert_str_eq(pg_constraint(f.owner), "rehearsal_kept");
}

START_TEST(what_was_received_stays_as_it_came)
{
    struct rehearsal h = received("k1");
    kept("UPDATE reckoner.rehearsal SET bytes = 6");
    kept("UPDATE reckoner.rehearsal SET sha256 = sha256('other')");
    kept("UPDATE reckoner.rehearsal SET month = '2012-05-01'");
    kept("UPDATE reckoner.rehearsal SET arrived_at = clock_timestamp()");
    ck_assert_int_eq(rehearsal_finish(worker, "RXA", h.no, 34567, "{}"), PG_OK);
    kept("UPDATE reckoner.rehearsal SET report = '[]'");
    ck_assert_int_eq(rehearsal_abandon(web, "RXA", h.no), PG_OK); /* not for one that is complete */
    ck_assert_int_eq(rehearsal_get(web, "RXA", h.id, &h), PG_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rehearsal");
    TCase *t = tcase_create("rehearsal");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, one_is_received_and_reported_once);
    tcase_add_test(t, keys_and_limits_hold);
    tcase_add_test(t, they_are_removed_after_their_days);
    tcase_add_test(t, what_was_received_stays_as_it_came);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
