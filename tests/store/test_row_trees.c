/* Tries to break what the database must hold of commitments to rows and of erasures, as the owner. */
#include "lib/settled_account.h"
#include "lib/store_fixture.h"

#include <check.h>
#include <string.h>

static struct store_fixture f;
static struct pg *web;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    web = store_fixture_connect(&f, "reckoner_web");
    settled_account(&f);
}

static void teardown(void)
{
    pg_free(web);
    store_fixture_close(&f);
}

static void refused(const char *sql, const char *constraint)
{
    store_fixture_refused(f.owner, sql, constraint);
}

static void done(const char *sql)
{
    store_fixture_done(f.owner, sql);
}

/* Rows first, first + 1 ...; the tag and the digest do not matter here. */
#define ENTRIES(first, rows)                                                                                           \
    "(SELECT string_agg(int4send(" first " + i) || convert_to(repeat('b', 20), 'UTF8') || sha256('x'), ''"             \
    " ORDER BY i) FROM generate_series(0, " rows " - 1) i)"
#define BLOCK(block, first, rows)                                                                                      \
    "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', " block ", " rows ", " first ", " first " + " rows    \
    " - 1, " ENTRIES(first, rows) ", sha256('r');"
#define TREE(rows) "INSERT INTO reckoner.row_tree VALUES ('RXA', 1, '5QE', " rows ", sha256('t'));"

START_TEST(a_tree_is_whole)
{
    refused(BLOCK("0", "1", "3"), "row_tree_block_provider_submission_commissioner_fkey");
    refused(TREE("3"), "row_tree_whole");
    refused(BLOCK("0", "1", "3") TREE("4"), "row_tree_whole");
    refused(BLOCK("1", "1", "3") TREE("3"), "row_tree_whole");
    refused(BLOCK("0", "1", "3") BLOCK("1", "4", "2") TREE("5"), "row_tree_whole");
    refused(BLOCK("0", "1", "4096") BLOCK("1", "4000", "2") TREE("4098"), "row_tree_whole");
    refused("INSERT INTO reckoner.row_tree VALUES ('RXA', 1, '5QE', 0, sha256('t'))", "row_tree_empty");
    done(BLOCK("0", "1", "4096") BLOCK("1", "5000", "2") TREE("4098"));
    refused(BLOCK("2", "6000", "2"), "row_tree_block_before_tree");
    refused(TREE("4098"), "row_tree_pkey");
}
END_TEST

START_TEST(a_block_is_what_its_entries_say)
{
    refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 1, 3, " ENTRIES("1", "2") ", sha256('r')",
        "row_tree_block_entries");
    refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 2, 4, " ENTRIES("1", "3") ", sha256('r')",
        "row_tree_block_first");
    refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 1, 9, " ENTRIES("1", "3") ", sha256('r')",
        "row_tree_block_last");
    refused("INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 4097, 1, 4097, " ENTRIES(
                "1", "4097") ", sha256('r')",
            "row_tree_block_rows_check");
}
END_TEST

#define ERASURE(state, by, at, rest)                                                                                   \
    "INSERT INTO reckoner.erasure (provider, id, submission, row_no, reason, state, asked_by, asked_at, decided_by,"   \
    " decided_at, done_at, rows, uploads) VALUES ('RXA', " ID("e") ", 1, 1, 'The patient asked', '" state              \
                                                                   "', 'rxa.one', '2012-06-01Z', " by ", " at          \
                                                                   ", " rest ");"

START_TEST(an_erasure_takes_two_persons)
{
    refused(ERASURE("approved", "'rxa.one'", "'2012-06-02Z'", "NULL, NULL, NULL"), "erasure_two_persons");
    refused(ERASURE("approved", "NULL", "NULL", "NULL, NULL, NULL"), "erasure_decided");
    refused(ERASURE("approved", "'pct5qe.one'", "'2012-06-02Z'", "NULL, NULL, NULL"),
            "erasure_provider_decided_by_fkey");
    refused(ERASURE("done", "'rxa.two'", "'2012-06-02Z'", "NULL, NULL, NULL"), "erasure_done");
    refused(ERASURE("asked", "NULL", "NULL", "'2012-06-02Z', 1, 1"), "erasure_done");
    done(ERASURE("asked", "NULL", "NULL", "NULL, NULL, NULL"));
    refused("UPDATE reckoner.erasure SET state = 'done', done_at = now(), rows = 1, uploads = 1", "erasure_kept");
    refused("UPDATE reckoner.erasure SET row_no = 2", "erasure_kept");
    refused("UPDATE reckoner.erasure SET state = 'approved', decided_by = 'rxa.one', decided_at = '2012-06-02Z'",
            "erasure_two_persons");
    refused("DELETE FROM reckoner.erasure", "erasure_kept");
    /* What was sent and what was decided stay, but for what an erasure names. */
    refused("DELETE FROM reckoner.submission_chunk WHERE submission = 1", "submission_kept");
}
END_TEST

START_TEST(nobody_else_erases)
{
    ck_assert_int_eq(store_fixture_try(web, "SELECT reckoner.erase_rows('RXA', " ID("e") ", false)"), PG_DENIED);
    ck_assert_int_eq(store_fixture_try(web, "SELECT reckoner.erase_upload('RXA', " ID("e") ", 1)"), PG_DENIED);
    ck_assert_int_eq(
        store_fixture_try(web, "INSERT INTO reckoner.erased_row SELECT 'RXA', 1, 1, '5QE', " ID("e") ", sha256('x')"),
        PG_DENIED);
    ck_assert_int_eq(store_fixture_try(web, "INSERT INTO reckoner.row_tree VALUES ('RXA', 1, '5QE', 0, sha256(''))"),
                     PG_DENIED);
    ck_assert_int_ne(store_fixture_try(f.owner, "SELECT reckoner.erase_rows('RXA', " ID("e") ", false)"), PG_OK);
    ck_assert_int_ne(store_fixture_try(f.owner, "SELECT reckoner.erase_upload('RXA', " ID("e") ", 1)"), PG_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("row_trees");
    TCase *c = tcase_create("row_trees");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_tree_is_whole);
    tcase_add_test(c, a_block_is_what_its_entries_say);
    tcase_add_test(c, an_erasure_takes_two_persons);
    tcase_add_test(c, nobody_else_erases);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
