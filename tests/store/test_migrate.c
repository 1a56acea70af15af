/* Migrations: applied once, refused when they are not what was applied, checked by the servers. */
#include "lib/store_fixture.h"
#include "store/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct store_fixture f;
static char folder[] = "/tmp/reckoner-migrate.XXXXXX";
static const instant_t now = INT64_C(1340000000000000);

static void write_file(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void remove_file(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void setup(void)
{
    store_fixture_open_empty(&f);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    /* Stands for the real ones: the table of rules is what migrate_apply itself needs. */
    write_file("0001_rule.sql",
               "CREATE TABLE reckoner.rule (id text PRIMARY KEY, bit smallint, severity text, field text,"
               " sentence text, hint text, source text);");
    write_file("0002_second.sql", "CREATE TABLE reckoner.second (n integer);");
    write_file("roles.sql", "not a migration");
}

static void teardown(void)
{
    char command[256];
    store_fixture_close(&f);
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void expect(enum pg_status status, int applied, const char *problem)
{
    struct migrate_result result;
    ck_assert_int_eq(migrate_apply(f.owner, folder, now, &result), status);
    ck_assert_int_eq(result.applied, applied);
    if (problem == NULL)
        ck_assert_str_eq(result.problem, "");
    else
        ck_assert_msg(strstr(result.problem, problem) != NULL, "problem is: %s", result.problem);
}

START_TEST(applies_once)
{
    expect(PG_OK, 2, NULL);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT string_agg(name, ',' ORDER BY version) || max(applied_at)"
                                                  " FROM reckoner.schema_migration"),
                     "0001_rule,0002_second2012-06-18 06:13:20+00");
    expect(PG_OK, 0, NULL);
    ck_assert_str_ne(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.rule"), "0");
}
END_TEST

START_TEST(rules_follow_the_table)
{
    expect(PG_OK, 2, NULL);
    store_fixture_sql(&f, "UPDATE rule SET sentence = 'old' WHERE id = 'P01'");
    expect(PG_OK, 0, NULL);
    ck_assert_str_ne(store_fixture_value(f.owner, "SELECT sentence FROM reckoner.rule WHERE id = 'P01'"), "old");
    store_fixture_sql(&f, "UPDATE rule SET bit = 62 WHERE id = 'P01'");
    expect(PG_INVALID, 0, "P01");
}
END_TEST

START_TEST(refuses_a_changed_one)
{
    expect(PG_OK, 2, NULL);
    write_file("0001_rule.sql", "SELECT 1;");
    write_file("0003_third.sql", "CREATE TABLE reckoner.third (n integer);");
    expect(PG_INVALID, 0, "0001_rule was applied with another content");
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT to_regclass('reckoner.third') IS NULL"), "t");
}
END_TEST

START_TEST(refuses_a_missing_one)
{
    expect(PG_OK, 2, NULL);
    remove_file("0002_second.sql");
    expect(PG_INVALID, 0, "0002_second, which is not in the folder");
}
END_TEST

START_TEST(refuses_a_gap)
{
    write_file("0004_fourth.sql", "SELECT 1;");
    expect(PG_INVALID, 0, "0004_fourth.sql where number 0003 is due");
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT to_regclass('reckoner.rule') IS NULL"), "t");
}
END_TEST

START_TEST(refuses_a_number_twice)
{
    write_file("0002_another.sql", "SELECT 1;");
    expect(PG_INVALID, 0, "0002_second.sql where number 0003 is due");
}
END_TEST

START_TEST(refuses_a_renamed_one)
{
    expect(PG_OK, 2, NULL);
    remove_file("0002_second.sql");
    write_file("0002_renamed.sql", "CREATE TABLE reckoner.second (n integer);");
    expect(PG_INVALID, 0, "0002_second, which is not in the folder");
}
END_TEST

START_TEST(a_failing_one_leaves_nothing)
{
    write_file("0003_third.sql", "CREATE TABLE reckoner.third (n integer); SELECT 1 FROM nowhere;");
    expect(PG_FAILED, 2, "0003_third: 42P01");
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT to_regclass('reckoner.third') IS NULL"), "t");
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT max(version) FROM reckoner.schema_migration"), "2");
    write_file("0003_third.sql", "CREATE TABLE reckoner.third (n integer);");
    expect(PG_OK, 1, NULL);
}
END_TEST

START_TEST(waits_for_another)
{
    struct pg *other = store_fixture_connect(&f, "reckoner_migrate");
    (void)store_fixture_value(other, "SELECT pg_advisory_lock(hashtextextended('reckoner.migrate', 0))");
    expect(PG_RETRY, 0, "waiting for another migrate");
    pg_free(other);
    expect(PG_OK, 2, NULL);
}
END_TEST

START_TEST(no_folder_is_refused)
{
    struct migrate_result result;
    ck_assert_int_eq(migrate_apply(f.owner, "/nowhere", now, &result), PG_INVALID);
    ck_assert_ptr_nonnull(strstr(result.problem, "/nowhere cannot be read"));
}
END_TEST

START_TEST(servers_check)
{
    char problem[300];
    struct migrate_result result;
    ck_assert(!migrate_check(f.owner, problem, sizeof problem));
    ck_assert_ptr_nonnull(strstr(problem, "reckoner migrate"));
    expect(PG_OK, 2, NULL);
    ck_assert(!migrate_check(f.owner, problem, sizeof problem));
    ck_assert_ptr_nonnull(strstr(problem, "0001_rule, which is not in this program"));
    store_fixture_sql(&f, "DROP SCHEMA reckoner CASCADE; CREATE SCHEMA reckoner");
    ck_assert_int_eq(migrate_apply(f.owner, "migrations", now, &result), PG_OK);
    ck_assert_msg(migrate_check(f.owner, problem, sizeof problem), "%s", problem);
    struct pg *web = store_fixture_connect(&f, "reckoner_web");
    ck_assert_msg(migrate_check(web, problem, sizeof problem), "%s", problem);
    pg_free(web);
    store_fixture_sql(&f, "DELETE FROM schema_migration WHERE version = (SELECT max(version) FROM schema_migration)");
    ck_assert(!migrate_check(f.owner, problem, sizeof problem));
    ck_assert_ptr_nonnull(strstr(problem, "is due; run `reckoner migrate`"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("migrate");
    TCase *tc = tcase_create("migrate");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, applies_once);
    tcase_add_test(tc, rules_follow_the_table);
    tcase_add_test(tc, refuses_a_changed_one);
    tcase_add_test(tc, refuses_a_missing_one);
    tcase_add_test(tc, refuses_a_gap);
    tcase_add_test(tc, refuses_a_number_twice);
    tcase_add_test(tc, refuses_a_renamed_one);
    tcase_add_test(tc, a_failing_one_leaves_nothing);
    tcase_add_test(tc, waits_for_another);
    tcase_add_test(tc, no_folder_is_refused);
    tcase_add_test(tc, servers_check);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
