/* The instants of acts and runs: each lies behind every one given before, whoever asked, whatever became of its
 * transaction, and whatever the database's clock does. */
#include "store/act_order.h"

#include "lib/store_fixture.h"
#include "store/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR 3600000000LL

static struct store_fixture f;
static struct pg *web;
static struct pg *other;
static struct pg *worker;

static void setup(void)
{
    store_fixture_open(&f);
    web = store_fixture_connect(&f, "reckoner_web");
    other = store_fixture_connect(&f, "reckoner_web");
    worker = store_fixture_connect(&f, "reckoner_worker");
}

static void teardown(void)
{
    pg_free(web);
    pg_free(other);
    pg_free(worker);
    store_fixture_close(&f);
}

static instant_t act(struct pg *pg)
{
    instant_t at = 0;
    ck_assert_int_eq(act_begin(pg, &at), PG_OK);
    act_end(pg);
    return at;
}

static instant_t act_in_transaction(struct pg *pg)
{
    instant_t at = 0;
    ck_assert_int_eq(pg_begin(pg), PG_OK);
    ck_assert_int_eq(act_begin_in_transaction(pg, &at), PG_OK);
    return at;
}

/* A run chooses its instant, and comes to nothing. */
static instant_t run(void)
{
    instant_t at = 0;
    ck_assert_int_eq(pg_begin(worker), PG_OK);
    ck_assert_int_eq(acts_ended(worker, &at), PG_OK);
    ck_assert_int_gt(act(web), at); /* waits for no run that has its instant */
    pg_rollback(worker);
    return at;
}

/* What is given by everybody in turn grows. */
static instant_t grows_from(instant_t last)
{
    for (int i = 0; i < 20; i++) {
        instant_t at[4];
        at[0] = act(web);
        at[1] = act_in_transaction(other);
        at[2] = act(web); /* waits for nobody's transaction */
        pg_rollback(other);
        at[3] = run();
        for (int k = 0; k < 4; k++) {
            ck_assert_int_gt(at[k], last);
            last = at[k];
        }
    }
    return last;
}

START_TEST(instants_grow_whatever_the_clock_does)
{
    store_fixture_sql(&f, "CREATE TABLE before_it AS SELECT extract(epoch FROM clock_timestamp()) * 1000000 AS at");
    instant_t last = grows_from(0);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT last_value BETWEEN (SELECT at FROM reckoner.before_it)"
                                                  " AND extract(epoch FROM clock_timestamp()) * 1000000"
                                                  " FROM reckoner.act_mark"),
                     "t");
    /* The clock is set back by an hour: the last instant lies an hour ahead of it. */
    store_fixture_sql(&f, "SELECT setval('act_mark', act_stamp() + 3600000000)");
    ck_assert_int_gt(grows_from(last + HOUR - 1), last + HOUR);
}
END_TEST

START_TEST(an_act_takes_the_commit_of_its_instant_along)
{
    instant_t at = 0;
    ck_assert_int_eq(act_begin(web, &at), PG_OK);
    ck_assert_str_eq(store_fixture_value(web, "SHOW synchronous_commit"), "on");
    act_end(web);
    (void)act_in_transaction(web);
    ck_assert_str_eq(store_fixture_value(web, "SHOW synchronous_commit"), "on");
    pg_rollback(web);
    ck_assert_int_eq(pg_begin(worker), PG_OK);
    ck_assert_int_eq(acts_ended(worker, &at), PG_OK);
    ck_assert_str_eq(store_fixture_value(worker, "SHOW synchronous_commit"), "on");
    pg_rollback(worker);
}
END_TEST

#define MARK_LOCK "pg_advisory_lock(hashtextextended('reckoner.act_mark', 0))"
#define HELD                                                                                                           \
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE"      \
    " datname = current_database())"

START_TEST(an_act_that_cannot_begin_holds_up_nobody)
{
    instant_t at = 0;
    (void)store_fixture_value(f.owner, "SELECT " MARK_LOCK);
    (void)store_fixture_value(web, "SELECT set_config('lock_timeout', '50', false)");
    (void)store_fixture_value(other, "SELECT set_config('lock_timeout', '50', false)");
    ck_assert_int_eq(act_begin(web, &at), PG_RETRY);
    ck_assert_str_eq(store_fixture_value(f.owner, HELD), "1");
    ck_assert_int_eq(pg_begin(other), PG_OK);
    ck_assert_int_eq(act_begin_in_transaction(other, &at), PG_RETRY);
    pg_rollback(other);
    (void)store_fixture_value(f.owner, "SELECT pg_advisory_unlock_all()");
    (void)run();
    ck_assert_str_eq(store_fixture_value(f.owner, HELD), "0");
}
END_TEST

/* A program that is stopped between two statements holds up nobody but who waits for its act. */
START_TEST(no_lock_outlives_the_instant)
{
    instant_t at = act_in_transaction(web);
    ck_assert_str_eq(store_fixture_value(f.owner, HELD), "1");
    ck_assert_str_eq(store_fixture_value(f.owner, HELD " AND mode = 'ShareLock'"), "1");
    pg_rollback(web);
    ck_assert_int_eq(pg_begin(worker), PG_OK);
    ck_assert_int_eq(acts_ended(worker, &at), PG_OK);
    ck_assert_str_eq(store_fixture_value(f.owner, HELD), "0");
    pg_rollback(worker);
}
END_TEST

START_TEST(a_run_that_waits_in_vain_goes_on)
{
    instant_t at = 0;
    ck_assert_int_eq(act_begin(web, &at), PG_OK);
    ck_assert_int_eq(pg_begin(worker), PG_OK);
    (void)store_fixture_value(worker, "SELECT set_config('lock_timeout', '60s', true)");
    ck_assert_str_eq(store_fixture_value(worker, "SELECT coalesce(reckoner.acts_ended(), 0)"), "0");
    ck_assert_str_eq(store_fixture_value(worker, "SHOW lock_timeout"), "1min");
    act_end(web);
    ck_assert_int_eq(acts_ended(worker, &at), PG_OK);
    pg_rollback(worker);
}
END_TEST

/* What was stored by a version that kept no mark; a product clock may have dated it in the future. */
START_TEST(what_was_stored_before_lies_behind_the_mark)
{
    static const char *const stored[] = {"2012-06-01Z", "2012-06-02Z", "2999-01-01Z"};
    char folder[] = "/tmp/reckoner-acts.XXXXXX";
    char command[256];
    char sql[256];
    struct migrate_result result;
    struct store_fixture old;
    store_fixture_open_empty(&old);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(command, sizeof command, "cp migrations/00[0-4]*.sql '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_msg(migrate_apply(old.owner, folder, 0, &result) == PG_OK, "%s", result.problem);
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO audit_event (provider, at, act, subject) VALUES ('RXA', '%s', 'test.act', 'it')",
                       stored[i]);
        store_fixture_sql(&old, sql);
    }
    ck_assert_msg(migrate_apply(old.owner, "migrations", 0, &result) == PG_OK, "%s", result.problem);
    ck_assert_str_eq(store_fixture_value(old.owner, "SELECT to_timestamp(last_value / 1000000) FROM reckoner.act_mark"),
                     "2012-06-02 00:00:00+00");
    store_fixture_close(&old);
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(nobody_moves_the_mark_but_the_function)
{
    struct pg *const roles[] = {web, worker};
    static const char *const ways[] = {"SELECT setval('reckoner.act_mark', 1)", "SELECT nextval('reckoner.act_mark')",
                                       "SELECT last_value FROM reckoner.act_mark"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++)
            ck_assert_int_eq(store_fixture_try(roles[i], ways[k]), PG_DENIED);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("act_order");
    TCase *tc = tcase_create("act_order");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, instants_grow_whatever_the_clock_does);
    tcase_add_test(tc, an_act_takes_the_commit_of_its_instant_along);
    tcase_add_test(tc, an_act_that_cannot_begin_holds_up_nobody);
    tcase_add_test(tc, no_lock_outlives_the_instant);
    tcase_add_test(tc, a_run_that_waits_in_vain_goes_on);
    tcase_add_test(tc, what_was_stored_before_lies_behind_the_mark);
    tcase_add_test(tc, nobody_moves_the_mark_but_the_function);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
