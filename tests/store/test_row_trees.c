/* Tries to break what the database must hold of commitments to rows and of erasures, as the owner. */
#include "lib/constraint_case.h"

#include <check.h>
#include <string.h>

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
    must_be_refused(BLOCK("0", "1", "3"), "row_tree_block_provider_submission_commissioner_fkey");
    must_be_refused(TREE("3"), "row_tree_whole");
    must_be_refused(BLOCK("0", "1", "3") TREE("4"), "row_tree_whole");
    must_be_refused(BLOCK("1", "1", "3") TREE("3"), "row_tree_whole");
    must_be_refused(BLOCK("0", "1", "3") BLOCK("1", "4", "2") TREE("5"), "row_tree_whole");
    must_be_refused(BLOCK("0", "1", "4096") BLOCK("1", "4000", "2") TREE("4098"), "row_tree_whole");
    must_be_refused("INSERT INTO reckoner.row_tree VALUES ('RXA', 1, '5QE', 0, sha256('t'))", "row_tree_empty");
    must_be_done(BLOCK("0", "1", "4096") BLOCK("1", "5000", "2") TREE("4098"));
    must_be_refused(BLOCK("2", "6000", "2"), "row_tree_block_before_tree");
    must_be_refused(TREE("4098"), "row_tree_pkey");
}
END_TEST

START_TEST(a_block_is_what_its_entries_say)
{
    must_be_refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 1, 3, " ENTRIES("1", "2") ", sha256('r')",
        "row_tree_block_entries");
    must_be_refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 2, 4, " ENTRIES("1", "3") ", sha256('r')",
        "row_tree_block_first");
    must_be_refused(
        "INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 3, 1, 9, " ENTRIES("1", "3") ", sha256('r')",
        "row_tree_block_last");
    must_be_refused("INSERT INTO reckoner.row_tree_block SELECT 'RXA', 1, '5QE', 0, 4097, 1, 4097, " ENTRIES(
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
    must_be_refused(ERASURE("approved", "'rxa.one'", "'2012-06-02Z'", "NULL, NULL, NULL"), "erasure_two_persons");
    must_be_refused(ERASURE("approved", "NULL", "NULL", "NULL, NULL, NULL"), "erasure_decided");
    must_be_refused(ERASURE("approved", "'pct5qe.one'", "'2012-06-02Z'", "NULL, NULL, NULL"),
                    "erasure_provider_decided_by_fkey");
    must_be_refused(ERASURE("done", "'rxa.two'", "'2012-06-02Z'", "NULL, NULL, NULL"), "erasure_done");
    must_be_refused(ERASURE("asked", "NULL", "NULL", "'2012-06-02Z', 1, 1"), "erasure_done");
    must_be_done(ERASURE("asked", "NULL", "NULL", "NULL, NULL, NULL"));
    must_be_refused("UPDATE reckoner.erasure SET state = 'done', done_at = now(), rows = 1, uploads = 1",
                    "erasure_kept");
    must_be_refused("UPDATE reckoner.erasure SET row_no = 2", "erasure_kept");
    must_be_refused(
        "UPDATE reckoner.erasure SET state = 'approved', decided_by = 'rxa.one', decided_at = '2012-06-02Z'",
        "erasure_two_persons");
    must_be_refused("DELETE FROM reckoner.erasure", "erasure_kept");
    /* What was sent and what was decided stay, but for what an erasure names. */
    must_be_refused("DELETE FROM reckoner.submission_chunk WHERE submission = 1", "submission_kept");
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
    ck_assert_int_ne(store_fixture_try(store.owner, "SELECT reckoner.erase_rows('RXA', " ID("e") ", false)"), PG_OK);
    ck_assert_int_ne(store_fixture_try(store.owner, "SELECT reckoner.erase_upload('RXA', " ID("e") ", 1)"), PG_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("row_trees");
    TCase *c = tcase_create("row_trees");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, constraint_case_open, constraint_case_close);
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
