/* Tries to break what the database must hold by itself, as the owner, whom no policy and no right binds. */
#include "lib/constraint_case.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(lines_of_a_run_add_up)
{
    must_be_done(RUN("r2") RUN_LINE("r2", "1", "100"));
    must_be_refused(RUN_DONE("r2", "101"), "run_lines_add_up");
    must_be_refused(RUN_DONE("r2", "99"), "run_lines_add_up");
    must_be_done(RUN_DONE("r2", "100"));
}
END_TEST

#define STATISTICS(rows, days, digest)                                                                                 \
    "INSERT INTO reckoner.activity_statistics VALUES ('RXA', 1, '5QE', " rows ", " days ", '12345', '12345', " digest  \
    ")"
#define STATISTICS_SET(rows, complete)                                                                                 \
    "INSERT INTO reckoner.activity_statistics_set VALUES ('RXA', 1, 1, " rows ", " complete ");"

START_TEST(statistics_are_whole)
{
    must_be_refused(STATISTICS_SET("-1", "true"), "activity_statistics_set_rows_check");
    must_be_refused(STATISTICS_SET("1", "true"), "activity_statistics_rows_add_up");
    must_be_refused(STATISTICS_SET("1", "true") STATISTICS("2", "'12345'", "sha256('123451234512345')"),
                    "activity_statistics_rows_add_up");
    must_be_refused(STATISTICS_SET("1", "false") STATISTICS("1", "'12345'", "sha256('123451234512345')"),
                    "activity_statistics_rows_add_up");
    must_be_refused(STATISTICS_SET("1", "true") STATISTICS("1", "'12345'", "sha256('12345')"),
                    "activity_statistics_digest");
    must_be_refused(STATISTICS_SET("1", "true") STATISTICS("1", "'1'", "sha256('11234512345')"),
                    "activity_statistics_days_check");
    must_be_refused(STATISTICS("1", "'12345'", "sha256('123451234512345')"),
                    "activity_statistics_provider_submission_fkey");
    must_be_done(STATISTICS_SET("1", "true") STATISTICS("1", "'12345'", "sha256('123451234512345')"));
}
END_TEST

START_TEST(an_export_is_made_once)
{
    must_be_refused("UPDATE reckoner.export SET lines = 2", "export_kept");
    must_be_refused("UPDATE reckoner.export SET state = 'queued', finished_at = NULL", "export_kept");
    must_be_refused("DELETE FROM reckoner.export", "export_kept");
    must_be_refused(
        "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, submission,"
        " sealed_key) VALUES ('RXA', " ID("w3") ", 'fix_it', 'csv', '5QE', 'pct5qe.one', '2012-06-01Z', 1, 'k')",
        "export_fix_it");
    must_be_refused(
        "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, first_month,"
        " last_month, state) VALUES ('RXA', " ID("w3") ", 'findings', 'csv', 'RXA', 'rxa.one', '2012-06-01Z',"
                                                       " '2012-04-01', '2012-04-01', 'done')",
        "export_complete");
    must_be_done("UPDATE reckoner.export SET state = 'removed'");
    must_be_refused("UPDATE reckoner.export SET state = 'done'", "export_kept");
}
END_TEST

START_TEST(a_done_run_stays)
{
    must_be_refused("UPDATE reckoner.run SET cause = 'other' WHERE id = " ID("r1"), "run_immutable");
    must_be_refused(
        "UPDATE reckoner.run SET state = 'queued', position_sha256 = NULL, position_pence = NULL WHERE id = " ID("r1"),
        "run_immutable");
    must_be_refused("DELETE FROM reckoner.run WHERE id = " ID("r1"), "run_immutable");
    must_be_refused(RUN_LINE("r1", "9", "0"), "run_immutable");
    must_be_refused("INSERT INTO reckoner.run_input VALUES ('RXA', " ID("r1") ", '2012-05-01', 1, sha256('{}'))",
                    "run_immutable");
    must_be_refused("INSERT INTO reckoner.run_input VALUES ('RXA', " ID("r1") ", '2012-05-01', 1)",
                    "run_input_review_periods");
    must_be_refused(
        "INSERT INTO reckoner.run_row VALUES ('RXA', " ID("r1") ", '2012-04-01', 1, true, NULL, NULL, false)",
        "run_immutable");
    must_be_refused("INSERT INTO reckoner.earned_rows VALUES ('RXA', sha256('1'), '2')", "earned_rows_check");
    must_be_refused("INSERT INTO reckoner.earned_rows VALUES ('RXA', sha256('x'), 'x')", "earned_rows_rows_check");
    must_be_refused("INSERT INTO reckoner.run_position (provider, run, month, sha256) VALUES ('RXA', " ID(
                        "r1") ", '2012-06-01', sha256('{}'))",
                    "run_immutable");
    must_be_refused("UPDATE reckoner.run_line SET pence = 1", "");
    must_be_refused("DELETE FROM reckoner.run_line", "");
    must_be_refused("TRUNCATE reckoner.run CASCADE", "");
}
END_TEST

#define APPROVE(side, organisation, person)                                                                            \
    "INSERT INTO reckoner.terms_approval SELECT provider, contract, version, '" side                                   \
    "', digest, author, '" organisation "', '" person "', '2012-04-02Z' FROM reckoner.terms WHERE version = 1;"

START_TEST(append_only_tables)
{
    static const char *const tables[] = {
        "audit_event",  "signed_record",  "position",      "ledger_posting",     "statement",    "receipt",
        "run_line",     "run_input",      "document_line", "document_reference", "frozen_month", "terms_approval",
        "run_position", "column_mapping", "run_bridge",    "run_bridge_step",    "run_row",      "earned_rows"};
    char sql[200];
    must_be_done(APPROVE("provider", "RXA", "rxa.two"));
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        (void)snprintf(sql, sizeof sql, "DELETE FROM reckoner.%s", tables[i]);
        must_be_refused(sql, "");
        (void)snprintf(sql, sizeof sql, "UPDATE reckoner.%s SET provider = provider", tables[i]);
        must_be_refused(sql, "");
        (void)snprintf(sql, sizeof sql, "TRUNCATE reckoner.%s CASCADE", tables[i]);
        must_be_refused(sql, "");
    }
}
END_TEST

START_TEST(a_document_equals_its_lines)
{
    must_be_done(RUN("r2") RUN_LINE("r2", "1", "700") RUN_DONE("r2", "700"));
    /* d1 is still an open draft of the account. */
    must_be_refused(DRAFT("d2", "r2", "700", "0") DOCUMENT_LINE("d2", "1", "700"), "document_one_open_draft");
    must_be_refused(DOCUMENT_LINE("d1", "2", "1"), "document_lines_add_up");
    must_be_done("UPDATE reckoner.document SET state = 'superseded', superseded_at = '2012-06-03Z'");
    must_be_refused(DRAFT("d2", "r2", "700", "0"), "document_lines_add_up");
    must_be_refused(DRAFT("d2", "r2", "700", "0") DOCUMENT_LINE("d2", "1", "699"), "document_lines_add_up");
    must_be_refused(DRAFT("d2", "r2", "700", "0") DOCUMENT_LINE("d2", "1", "700") DOCUMENT_LINE("d2", "2", "1"),
                    "document_lines_add_up");
    must_be_done(DRAFT("d2", "r2", "700", "0") DOCUMENT_LINE("d2", "1", "700"));
}
END_TEST

START_TEST(a_document_keeps_its_amounts)
{
    must_be_refused("UPDATE reckoner.document SET billed_pence = 1, position_pence = position_pence + 1",
                    "document_immutable");
    must_be_refused("UPDATE reckoner.document SET position_pence = 2, balance_pence = 2", "document_immutable");
    must_be_refused("DELETE FROM reckoner.document", "document_immutable");
    must_be_refused("UPDATE reckoner.document SET state = 'issued', number = 1, proposed_by = 'rxa.one', proposed_at = "
                    "'2012-06-02Z', issued_by = 'rxa.two', issued_at = '2012-06-02Z'",
                    "document_immutable");
    must_be_done(PROPOSE("d1", "rxa.one"));
    must_be_refused(DOCUMENT_LINE("d1", "2", "0"), "document_immutable");
}
END_TEST

START_TEST(issuing_by_hand_needs_ledger_number_and_billed_before)
{
    static const char issue[] = "UPDATE reckoner.document SET state = 'issued', number = 1, issued_by = 'rxa.two',"
                                " issued_at = '2012-06-03Z' WHERE id = " ID("d1") ";";
    static const char issue_as_2[] = "UPDATE reckoner.document SET state = 'issued', number = 2, issued_by = 'rxa.two',"
                                     " issued_at = '2012-06-03Z' WHERE id = " ID("d1") ";";
    static const char issue_alone[] = "UPDATE reckoner.document SET state = 'issued', number = 1, issued_by = "
                                      "'rxa.one', issued_at = '2012-06-03Z' WHERE id = " ID("d1") ";";
    char sql[2000];
    must_be_done(PROPOSE("d1", "rxa.one"));
    must_be_refused(issue_alone, "document_check5");
    must_be_refused(issue, "ledger_balances");
    must_be_refused(POSTING("d1", "1", "receivable", "500"), "ledger_issued_only");
    (void)snprintf(sql, sizeof sql, "%s" POSTING("d1", "1", "receivable", "500") POSTING("d1", "2", "income", "-499"),
                   issue);
    must_be_refused(sql, "ledger_balances");
    (void)snprintf(sql, sizeof sql, "%s" POSTING("d1", "1", "receivable", "1") POSTING("d1", "2", "income", "-1"),
                   issue);
    must_be_refused(sql, "ledger_balances");
    (void)snprintf(sql, sizeof sql, "%s" POSTING("d1", "1", "receivable", "500") POSTING("d1", "2", "income", "-500"),
                   issue_as_2);
    must_be_refused(sql, "document_number_without_gaps");
}
END_TEST

static void issue_refused(const char *sql, const char *code)
{
    enum pg_status status = store_fixture_try(web, sql);
    ck_assert_msg(status == PG_REFUSED, "status %d (%s) for %s", (int)status, pg_message(web), sql);
    ck_assert_str_eq(pg_message(web), code);
}

#define ISSUE(d) "SELECT reckoner.issue_document('RXA', " ID(d) ", NULL, '2012-06-03Z')"

START_TEST(issue_takes_two_people_of_the_provider)
{
    store_fixture_sign_in(&store, web, "rxa.two");
    issue_refused(ISSUE("d1"), "not_proposed");
    must_be_done(PROPOSE("d1", "rxa.one"));
    issue_refused("SELECT reckoner.issue_document('RXA', " ID("d1") ", 7, '2012-06-03Z')", "precondition_failed");
    issue_refused(ISSUE("d9"), "not_found");
    store_fixture_sign_in(&store, web, "rxb.one");
    issue_refused(ISSUE("d1"), "not_found");
    store_fixture_sign_in(&store, web, "pct5qe.one");
    issue_refused(ISSUE("d1"), "not_found");
    store_fixture_sign_in(&store, web, "rxa.one");
    issue_refused(ISSUE("d1"), "same_person");
    store_fixture_sign_in(&store, web, "rxa.two");
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d1")), "(1,2)");
    issue_refused(ISSUE("d1"), "not_proposed");
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT string_agg(ledger_account || pence, ' ' ORDER BY seq)"
                                                      " FROM reckoner.ledger_posting"),
                     "receivable500 income-500");
    must_be_refused("UPDATE reckoner.document SET revision = 9 WHERE id = " ID("d1"), "document_immutable");
    must_be_refused(POSTING("d1", "3", "income", "1"), "ledger_balances");
}
END_TEST

START_TEST(a_stale_draft_is_not_issued)
{
    must_be_done(PROPOSE("d1", "rxa.one"));
    store_fixture_sign_in(&store, web, "rxa.two");
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d1")), "(1,2)");
    /* A second document that was drawn up as if nothing had been billed. */
    must_be_done(RUN("r2") RUN_LINE("r2", "1", "700") RUN_DONE("r2", "700"));
    must_be_done(DRAFT("d2", "r2", "700", "0") DOCUMENT_LINE("d2", "1", "700") PROPOSE("d2", "rxa.one"));
    issue_refused(ISSUE("d2"), "stale_draft");
    char sql[2000];
    (void)snprintf(sql, sizeof sql, "%s" POSTING("d2", "1", "receivable", "700") POSTING("d2", "2", "income", "-700"),
                   "UPDATE reckoner.document SET state = 'issued', number = 2, issued_by = 'rxa.two', issued_at = "
                   "'2012-06-03Z' WHERE id = " ID("d2") ";");
    must_be_refused(sql, "document_billed_before");
    must_be_refused("UPDATE reckoner.document SET state = 'superseded' WHERE id = " ID("d2"), "document_superseded");
    must_be_done(
        "UPDATE reckoner.document SET state = 'superseded', superseded_at = '2012-06-03Z' WHERE id = " ID("d2"));
    must_be_done(RUN("r3") RUN_LINE("r3", "1", "700") RUN_DONE("r3", "700"));
    must_be_done(DRAFT("d3", "r3", "700", "500") DOCUMENT_LINE("d3", "1", "200") PROPOSE("d3", "rxa.one"));
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d3")), "(2,2)");
}
END_TEST

#define INSTALMENT(d, k, position, billed, eacv)                                                                       \
    "INSERT INTO reckoner.document (provider, id, contract, commissioner, kind, position_pence, billed_pence,"         \
    " balance_pence, drafted_at, bill_to, instalment, eacv_pence, terms_version) VALUES ('RXA', " ID(d) ", " ID(       \
        "a") ", '5QE', 'invoice', " position ", " billed ", " position " - " billed ", '2012-06-01Z', '5QE', " k       \
             ", " eacv ", 1);"

START_TEST(instalments_come_to_their_twelfths)
{
    must_be_refused(INSTALMENT("i1", "1", "83333333", "0", "1000000007") DOCUMENT_LINE("i1", "1", "83333333"),
                    "document_instalment_cumulative");
    must_be_refused(INSTALMENT("i1", "1", "83333335", "0", "1000000007") DOCUMENT_LINE("i1", "1", "83333335"),
                    "document_instalment_cumulative");
    must_be_refused(INSTALMENT("i1", "13", "1083333341", "0", "1000000007") DOCUMENT_LINE("i1", "1", "1083333341"),
                    "document_instalment_check");
    must_be_refused("UPDATE reckoner.document SET instalment = 1 WHERE id = " ID("d1"), "document_immutable");
    must_be_refused(
        "INSERT INTO reckoner.document (provider, id, contract, commissioner, run, kind, position_pence,"
        " billed_pence, balance_pence, drafted_at, bill_to, instalment, eacv_pence, terms_version) VALUES ('RXA', " ID(
            "i1") ", " ID("a") ", '5QE', " ID("r1") ", 'invoice', 83333334, 0, 83333334, '2012-06-01Z', '5QE', 1,"
                                                    " 1000000007, 1)",
        "document_run_or_instalment");
    must_be_done(INSTALMENT("i1", "1", "83333334", "0", "1000000007") DOCUMENT_LINE("i1", "1", "83333334"));
    must_be_refused(INSTALMENT("i2", "1", "83333334", "0", "1000000007") DOCUMENT_LINE("i2", "1", "83333334"),
                    "document_one_open_instalment");
    must_be_done(INSTALMENT("i2", "2", "166666668", "83333334", "1000000007") DOCUMENT_LINE("i2", "1", "83333334"));
    /* One that rests on another is issued after it, also by hand. */
    must_be_done(PROPOSE("i1", "rxa.one") PROPOSE("i2", "rxa.one"));
    store_fixture_sign_in(&store, web, "rxa.two");
    issue_refused(ISSUE("i2"), "stale_draft");
    must_be_refused("UPDATE reckoner.document SET state = 'issued', number = 1, issued_by = 'rxa.two', issued_at ="
                    " '2012-06-03Z' WHERE id = " ID("i2") ";" POSTING("i2", "1", "receivable", "83333334")
                        POSTING("i2", "2", "income", "-83333334"),
                    "document_billed_before");
    ck_assert_str_eq(store_fixture_value(web, ISSUE("i1")), "(1,2)");
    ck_assert_str_eq(store_fixture_value(web, ISSUE("i2")), "(2,2)");
    /* Documents of settlement do not count them as billed. */
    must_be_done(PROPOSE("d1", "rxa.one"));
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d1")), "(3,2)");
}
END_TEST

START_TEST(an_opening_entry_agreed_since_makes_a_draft_stale)
{
    must_be_done(
        "INSERT INTO reckoner.agreement (provider, contract, commissioner, n, kind, body, digest, proposed_side,"
        " proposed_for, proposed_by, proposed_at, outcome, closed_side, closed_for, closed_by, closed_at) VALUES "
        "('RXA', " ID("a") ", '5QE', 1, 'opening_entry', '{}', sha256('{}'), 'provider', 'RXA', 'rxa.one', "
                           "'2012-06-01Z', 'agreed',"
                           " 'commissioner', '5QE', 'pct5qe.one', '2012-06-02Z');"
                           "INSERT INTO reckoner.opening_entry (provider, contract, commissioner, n, number, "
                           "issued_on, pence) VALUES"
                           " ('RXA', " ID("a") ", '5QE', 1, 'S-1', '2012-04-30', 100)");
    must_be_done(PROPOSE("d1", "rxa.one"));
    store_fixture_sign_in(&store, web, "rxa.two");
    issue_refused(ISSUE("d1"), "stale_draft");
}
END_TEST

START_TEST(a_closed_commissioner_is_billed_through_its_successor)
{
    must_be_refused("UPDATE reckoner.organisation SET successor = '5QF' WHERE code = '5QE'",
                    "organisation_successor_of_closed");
    must_be_refused("UPDATE reckoner.organisation SET live_to = '2012-06-01', successor = 'RXB' WHERE code = '5QE'",
                    "organisation_successor_kind");
    must_be_done("UPDATE reckoner.organisation SET live_to = '2012-06-01' WHERE code = '5QE'");
    must_be_done(PROPOSE("d1", "rxa.one"));
    must_be_refused("UPDATE reckoner.document SET bill_to = '5QF' WHERE id = " ID("d1"), "document_immutable");
    store_fixture_sign_in(&store, web, "rxa.two");
    issue_refused(ISSUE("d1"), "no_successor");
    /* Two that stand for each other stand for nobody; a chain ends at who is live. */
    must_be_done("UPDATE reckoner.organisation SET live_to = '2012-06-02', successor = '5QE' WHERE code = '5QF';"
                 "UPDATE reckoner.organisation SET successor = '5QF' WHERE code = '5QE'");
    issue_refused(ISSUE("d1"), "no_successor");
    must_be_done("UPDATE reckoner.organisation SET successor = '5QG' WHERE code = '5QF'");
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d1")), "(1,2)");
    ck_assert_str_eq(
        store_fixture_value(store.owner, "SELECT bill_to || drafted_to FROM reckoner.document WHERE number = 1"),
        "5QG5QE");
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT reckoner.stands_for('5QE', '2012-05-31')"), "5QE");
}
END_TEST

#define BRIDGE(r, month, from, to)                                                                                     \
    "INSERT INTO reckoner.run_bridge (provider, run, month, from_sha256, to_sha256, from_pence, to_pence) VALUES"      \
    " ('RXA', " ID(r) ", '" month "', sha256('{}'), sha256('{}'), " from ", " to ");"
#define STEP(r, month, no, cause, pence)                                                                               \
    "INSERT INTO reckoner.run_bridge_step (provider, run, month, step, cause, pence) VALUES ('RXA', " ID(              \
        r) ", '" month "', " no ", '" cause "', " pence ");"

START_TEST(bridges_add_up_and_stay)
{
    must_be_done(RUN("r2") RUN_LINE("r2", "1", "700"));
    must_be_refused(BRIDGE("r2", "2012-04-01", "500", "700") STEP("r2", "2012-04-01", "1", "prices", "199")
                        RUN_DONE("r2", "700"),
                    "run_bridge_adds_up");
    must_be_refused(BRIDGE("r2", "2012-05-01", "500", "700") RUN_DONE("r2", "700"), "run_bridge_adds_up");
    must_be_refused(BRIDGE("r2", "2012-04-01", "500", "699") STEP("r2", "2012-04-01", "1", "prices", "199")
                        RUN_DONE("r2", "700"),
                    "run_bridge_ends_at_position");
    must_be_done(BRIDGE("r2", "2012-04-01", "500", "700") STEP("r2", "2012-04-01", "1", "prices", "150")
                     STEP("r2", "2012-04-01", "2", "plan", "50") RUN_DONE("r2", "700"));
    must_be_refused(BRIDGE("r2", "2012-06-01", "0", "0"), "run_immutable");
    must_be_refused(STEP("r2", "2012-04-01", "3", "cquin", "0"), "run_immutable");
    must_be_refused("UPDATE reckoner.run_bridge_step SET pence = 0", "");
    must_be_refused("DELETE FROM reckoner.run_bridge", "");
}
END_TEST

START_TEST(a_stopped_run_says_what_it_waits_for)
{
    must_be_done(RUN("r2"));
    must_be_refused("UPDATE reckoner.run SET state = 'parked', reason = 'x' WHERE id = " ID("r2"),
                    "run_hold_of_stopped");
    must_be_refused("UPDATE reckoner.run SET hold = 'other' WHERE id = " ID("r2"), "run_hold_of_stopped");
    must_be_refused("UPDATE reckoner.run SET state = 'parked', reason = 'x', hold = 'tea' WHERE id = " ID("r2"),
                    "run_hold_check");
    must_be_refused("UPDATE reckoner.run SET type = 'FINAL' WHERE id = " ID("r2"), "run_final_in_march");
    must_be_done(
        "UPDATE reckoner.run SET state = 'parked', reason = 'x', hold = 'no_activity', hold_month = '2012-04-01'"
        " WHERE id = " ID("r2"));
    must_be_refused("UPDATE reckoner.run SET state = 'queued', reason = NULL, hold = NULL WHERE id = " ID("r2"),
                    "run_hold_of_stopped");
}
END_TEST

START_TEST(a_rolled_back_issue_gives_its_number_back)
{
    must_be_done(PROPOSE("d1", "rxa.one"));
    store_fixture_sign_in(&store, web, "rxa.two");
    ck_assert_int_eq(pg_begin(web), PG_OK);
    ck_assert_int_eq(pg_script(web, ISSUE("d1")), PG_OK);
    pg_rollback(web);
    ck_assert_str_eq(store_fixture_value(web, ISSUE("d1")), "(1,2)");
}
END_TEST

START_TEST(a_submission_is_evidence)
{
    must_be_refused("UPDATE reckoner.submission SET sha256 = sha256('other') WHERE no = 1", "submission_kept");
    must_be_refused("UPDATE reckoner.submission SET bytes = 0 WHERE no = 1", "submission_kept");
    must_be_refused("UPDATE reckoner.submission SET begun_at = '2012-01-01Z' WHERE no = 1", "submission_kept");
    must_be_refused("UPDATE reckoner.submission SET state = 'held' WHERE no = 1", "submission_kept");
    must_be_refused("DELETE FROM reckoner.submission WHERE no = 1", "submission_kept");
    must_be_refused("UPDATE reckoner.submission_chunk SET sealed = 'x'", "submission_kept");
    must_be_refused("DELETE FROM reckoner.submission_chunk", "submission_kept");
    must_be_done(
        "INSERT INTO reckoner.submission (provider, no, id, month, state, uploaded_by, idempotency_key, media_type,"
        " begun_at, receiving_until, sealed_key) VALUES ('RXA', 50, " ID(
            "s50") ", '2012-04-01', 'receiving',"
                   " 'rxa.one', 'k50', 'text/csv', '2012-05-10Z', '2012-05-10Z', 'key');"
                   "INSERT INTO reckoner.submission_chunk VALUES ('RXA', 50, 0, 'x');"
                   "DELETE FROM reckoner.submission WHERE no = 50");
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT count(*) FROM reckoner.submission_chunk"
                                                      " WHERE submission = 50"),
                     "0");
}
END_TEST

#define TERMS_KEY " WHERE contract = " ID("a") " AND version = 1"
START_TEST(terms_take_both_parties)
{
    must_be_refused("UPDATE reckoner.terms SET state = 'approved', known_from = '2012-04-02Z'", "terms_kept");
    must_be_refused(APPROVE("provider", "RXA", "rxa.one"), "terms_approval_check"); /* the author */
    must_be_refused(APPROVE("commissioner", "5QF", "pct5qf.one"), "terms_approval_coordinator");
    must_be_refused(APPROVE("commissioner", "RXA", "rxa.two"), "terms_approval_coordinator");
    must_be_refused(APPROVE("provider", "5QE", "pct5qe.one"), "terms_approval_check1");
    must_be_refused(APPROVE("provider", "RXA", "rxb.two"), "terms_approval_organisation_person_fkey");
    must_be_done(APPROVE("provider", "RXA", "rxa.two"));
    must_be_refused("UPDATE reckoner.terms SET state = 'approved', known_from = '2012-04-02Z'", "terms_kept");
    must_be_refused("UPDATE reckoner.terms SET body = '{\"a\":1}', digest = sha256('{\"a\":1}')", "terms_kept");
    must_be_refused("UPDATE reckoner.terms SET author = 'rxb.one'", "terms_kept");
    must_be_done(APPROVE("commissioner", "5QE", "pct5qe.one"));
    must_be_done("UPDATE reckoner.terms SET state = 'approved', known_from = '2012-04-02Z'");
    must_be_refused("UPDATE reckoner.terms SET known_from = '2012-01-02Z'", "terms_kept");
    must_be_refused("UPDATE reckoner.terms SET state = 'withdrawn', known_from = NULL", "terms_kept");
    must_be_refused("DELETE FROM reckoner.terms", "terms_kept");
    must_be_refused("DELETE FROM reckoner.contract WHERE id = " ID("a"), "contract_kept");
}
END_TEST

START_TEST(decisions_stand)
{
    must_be_done(
        "INSERT INTO reckoner.window_exception (provider, contract, month, n, reason, asked_side, asked_by, asked_at)"
        " VALUES ('RXA', " ID("a") ", '2012-04-01', 1, 'ten letters', 'provider', 'rxa.one', '2012-06-01Z')");
    must_be_refused("UPDATE reckoner.window_exception SET decision = 'refused', decided_side = 'provider', decided_by ="
                    " 'rxa.two', decided_at = '2012-06-02Z'",
                    "window_exception_check3");
    must_be_refused(
        "UPDATE reckoner.window_exception SET decision = 'refused', decided_side = 'commissioner', decided_by ="
        " 'rxa.one', decided_at = '2012-06-02Z'",
        "window_exception_check2");
    must_be_refused("UPDATE reckoner.window_exception SET reason = 'other reason'", "window_exception_decided");
    must_be_done(
        "UPDATE reckoner.window_exception SET decision = 'refused', decided_side = 'commissioner', decided_by ="
        " 'pct5qe.one', decided_at = '2012-06-02Z'");
    must_be_refused("UPDATE reckoner.window_exception SET decision = 'granted', closes_at = '2012-07-02Z'",
                    "window_exception_decided");
    must_be_refused("DELETE FROM reckoner.window_exception", "");
    must_be_done(
        "INSERT INTO reckoner.achievement (provider, contract, commissioner, indicator, n, numerator, denominator,"
        " evidence, proposed_side, proposed_by, proposed_at) VALUES ('RXA', " ID(
            "a") ", '5QE', 'Q1', 1, 5, 6, 'seen',"
                 " 'provider', 'rxa.one', '2012-06-01Z')");
    must_be_refused("UPDATE reckoner.achievement SET numerator = 6", "achievement_agreed");
    must_be_refused("UPDATE reckoner.achievement SET agreed_side = 'provider', agreed_by = 'rxa.two', agreed_at ="
                    " '2012-06-02Z'",
                    "achievement_check3");
    must_be_done("UPDATE reckoner.achievement SET agreed_side = 'commissioner', agreed_by = 'pct5qe.one', agreed_at ="
                 " '2012-06-02Z'");
    must_be_refused("UPDATE reckoner.achievement SET agreed_by = 'pct5qe.two'", "achievement_agreed");
    must_be_refused("DELETE FROM reckoner.achievement", "");
}
END_TEST

START_TEST(digests_are_of_their_bytes)
{
    must_be_refused("INSERT INTO reckoner.position VALUES ('RXA', sha256('other'), '{}')", "position_check");
    must_be_refused(
        "INSERT INTO reckoner.terms (provider, contract, version, mode, effective_from, digest, body, author,"
        " created_at) VALUES ('RXA', " ID("a") ", 2, 'live', '2012-04-01', sha256('x'), '{}', 'rxa.one',"
                                               " '2012-04-01Z')",
        "terms_check");
    must_be_refused("INSERT INTO reckoner.signed_record VALUES ('RXA', " ID(
                        "x") ", 'receipt', 'bytes', sha256('other'),"
                             " '0123456789ABCDEF', decode(repeat('00', 64), 'hex'), 'm', '2012-06-01Z')",
                    "signed_record_check");
    must_be_refused("INSERT INTO reckoner.reference_set VALUES ('clusters', sha256('x'), 'y', '2012-06-01Z', 'me')",
                    "reference_set_check");
    must_be_refused("INSERT INTO reckoner.review_periods VALUES (sha256('x'), 'y')", "review_periods_check");
    must_be_refused("DELETE FROM reckoner.review_periods", "");
    must_be_refused("UPDATE reckoner.review_periods SET periods = periods", "");
    must_be_refused("INSERT INTO reckoner.frozen_month VALUES ('RXA', " ID("a") ", '2012-05-01', 1, '2012-06-01Z')",
                    "frozen_month_review_periods");
}
END_TEST

START_TEST(one_account_per_year_and_kinds_hold)
{
    must_be_refused("INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
                    " created_at) VALUES ('5QE', " ID("c") ", 2012, 'live', 'x', '5QE', 'rxa.one', '2012-04-01Z')",
                    "contract_provider_provider_kind_fkey");
    must_be_refused(
        "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year) VALUES ('RXA', " ID(
            "a") ", 'RXB', 2012)",
        "account_commissioner_commissioner_kind_fkey");
    must_be_refused("INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
                    " created_at) VALUES ('RXA', " ID("c") ", 2012, 'live', 'x', '5QG', 'rxa.one', '2012-04-01Z')",
                    "contract_provider_id_coordinator_fkey");
    must_be_refused(
        "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
        " created_at) VALUES ('RXA', " ID(
            "c") ", 2012, 'live', 'x', '5QE', 'rxa.one', '2012-04-01Z');"
                 "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year) VALUES ('RXA', " ID(
                     "c") ", '5QE', 2012)",
        "account_provider_commissioner_financial_year_key");
    must_be_refused("INSERT INTO reckoner.person (id, organisation, role, name, created_at) VALUES ('x.one', 'RXA',"
                    " 'operator', 'X', '2012-04-01Z')",
                    "person_organisation_role_fkey");
}
END_TEST

#define HISTORY(block, rows, bytes)                                                                                    \
    "INSERT INTO reckoner.history_block VALUES ('RXA', 1, " block ", " rows ", decode(repeat('00', " bytes "), "       \
    "'hex'))"
#define OVERLAP(partition, bytes)                                                                                      \
    "INSERT INTO reckoner.overlap_block VALUES ('RXA', 1, " partition ", decode(repeat('00', " bytes "), 'hex'))"

START_TEST(what_is_left_behind_has_its_form)
{
    must_be_refused(HISTORY("0", "2", "79"), "history_block_check");
    must_be_refused(HISTORY("0", "0", "0"), "history_block_rows_check");
    must_be_refused(HISTORY("-1", "2", "80"), "history_block_block_check");
    must_be_done(HISTORY("0", "2", "80"));
    must_be_refused(HISTORY("0", "2", "80"), "history_block_pkey");
    must_be_refused(OVERLAP("64", "16"), "overlap_block_partition_check");
    must_be_refused(OVERLAP("63", "17"), "overlap_block_records_check");
    must_be_refused(OVERLAP("63", "0"), "overlap_block_records_check");
    must_be_done(OVERLAP("63", "32"));
    must_be_refused("INSERT INTO reckoner.overlap_shown VALUES ('RXA', 1, 0, sha256(''))", "overlap_shown_rows_check");
    must_be_refused("INSERT INTO reckoner.overlap_shown VALUES ('RXA', 1, 1, '')", "overlap_shown_digest_check");
    must_be_refused("INSERT INTO reckoner.cluster_move VALUES ('RXA', 1, 1, 'sideways')",
                    "cluster_move_direction_check");
    must_be_refused("INSERT INTO reckoner.cluster_move VALUES ('RXA', 1, 0, 'up')", "cluster_move_row_no_check");
    must_be_refused(
        "INSERT INTO reckoner.finding (provider, submission, row_no, rule, episode_id, commissioner, cluster, field,"
        " value, severity) VALUES ('RXA', 1, 1, 'D09', 'E', '5QE', '04', 'start_date', '', 'FILE')",
        "finding_severity_check");
}
END_TEST

START_TEST(everything_is_explained)
{
    static const char tables[] =
        "SELECT string_agg(c.relname || coalesce('.' || a.attname, ''), ' ') FROM pg_class c"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = 'reckoner'::regnamespace AND c.relkind = 'r'"
        " AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)";
    static const char functions[] = "SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace ="
                                    " 'reckoner'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL";
    ck_assert_str_eq(store_fixture_value(store.owner, tables), "");
    ck_assert_str_eq(store_fixture_value(store.owner, functions), "");
}
END_TEST

/* In tables that grow with activity every primary and unique key begins with the provider. The log and the audit
 * trail's chain are one for all: their order is what they prove. Rows, their findings and their amounts are found by
 * the number of their submission, which is one for all providers, and have the provider behind it. */
START_TEST(keys_begin_with_the_provider)
{
    ck_assert_str_eq(
        store_fixture_value(store.owner,
                            "SELECT string_agg(i.indexrelid::regclass::text, ' ') FROM pg_index i"
                            " JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'reckoner'::regnamespace"
                            " JOIN pg_attribute p ON p.attrelid = c.oid AND p.attname = 'provider'"
                            " WHERE i.indisunique AND i.indkey[0] <> p.attnum AND i.indexrelid::regclass::text NOT IN"
                            " ('reckoner.log_entry_pkey', 'reckoner.log_pending_pkey', 'reckoner.audit_link_pkey',"
                            " 'reckoner.episode_pkey', 'reckoner.finding_pkey', 'reckoner.stake_pkey')"),
        "");
}
END_TEST

#define READING(id, state, more)                                                                                       \
    "INSERT INTO reckoner.identifier_reading (provider, id, submission, organisation, person, purpose, rows, state,"   \
    " asked_at, sealed_key, answer, expires_at, released_at) VALUES ('RXA', " ID(                                      \
        id) ", 1, 'RXA', 'rxa.one',"                                                                                   \
            " 'a purpose of a test', '{1,2}', '" state "', '2012-06-01Z', " more ");"

START_TEST(a_reading_of_identities_is_kept_as_it_went)
{
    must_be_refused(READING("i1", "ready", "'k', 'x', '2012-06-01Z', NULL"), "identifier_reading_check1");
    must_be_refused(READING("i1", "asked", "NULL, NULL, NULL, NULL"), "identifier_reading_check1");
    must_be_refused(READING("i1", "ready", "NULL, NULL, '2012-06-01Z', NULL"), "identifier_reading_check2");
    must_be_refused(READING("i1", "ready", "NULL, 'x', NULL, NULL"), "identifier_reading_check3");
    must_be_refused(READING("i1", "released", "NULL, NULL, NULL, NULL"), "identifier_reading_check4");
    must_be_done(READING("i1", "asked", "'k', NULL, NULL, NULL"));
    must_be_refused("UPDATE reckoner.identifier_reading SET rows = '{0}'", "identifier_reading_kept");
    must_be_refused("UPDATE reckoner.identifier_reading SET purpose = 'another purpose'", "identifier_reading_kept");
    must_be_refused(
        "UPDATE reckoner.identifier_reading SET state = 'released', sealed_key = NULL, released_at = '2012-06-02Z'",
        "identifier_reading_kept");
    must_be_refused("DELETE FROM reckoner.identifier_reading", "identifier_reading_kept");
    must_be_refused("TRUNCATE reckoner.identifier_reading", "");
    must_be_done("UPDATE reckoner.identifier_reading SET state = 'ready', sealed_key = NULL, answer = 'x',"
                 " expires_at = '2012-06-02Z'");
    must_be_refused("UPDATE reckoner.identifier_reading SET state = 'released', released_at = '2012-06-02Z'",
                    "identifier_reading_check2");
    must_be_done(
        "UPDATE reckoner.identifier_reading SET state = 'released', answer = NULL, released_at = '2012-06-02Z'");
    must_be_refused("UPDATE reckoner.identifier_reading SET state = 'ready', answer = 'x', released_at = NULL",
                    "identifier_reading_kept");
}
END_TEST

START_TEST(blocks_of_hashes_have_their_form)
{
    must_be_refused("INSERT INTO reckoner.identifier_block VALUES ('RXA', 1, 0, 5, 'seven..')",
                    "identifier_block_hashes_check");
    must_be_refused("INSERT INTO reckoner.identifier_block VALUES ('RXA', 1, 0, 5, '')",
                    "identifier_block_hashes_check");
    must_be_refused("INSERT INTO reckoner.identifier_block VALUES ('RXA', 1, -1, 5, 'eight...')",
                    "identifier_block_block_check");
    must_be_done("INSERT INTO reckoner.identifier_block VALUES ('RXA', 1, 0, 5, 'eight...')");
}
END_TEST

/* A difference of submission 1 against 2 in row 1: kind, rows, facts and amounts. */
#define DIFFERENCE(values)                                                                                             \
    "INSERT INTO reckoner.difference (provider, submission, commissioner, episode_id, against, kind, row_no,"          \
    " against_row, changed, before_pence, after_pence) SELECT 'RXA', min(no), '5QE', 'E1', " values                    \
    " FROM reckoner.submission WHERE provider = 'RXA'"

START_TEST(a_difference_is_of_one_kind)
{
    must_be_refused(DIFFERENCE("min(no), 'added', 1, NULL, '', 0, 5"), "difference_other_version");
    must_be_refused(DIFFERENCE("0, 'added', 1, 1, '', 0, 5"), "difference_rows");
    must_be_refused(DIFFERENCE("0, 'removed', 1, 1, '', 5, 0"), "difference_rows");
    must_be_refused(DIFFERENCE("0, 'changed', NULL, 1, 'cluster', 5, 5"), "difference_rows");
    must_be_refused(DIFFERENCE("0, 'changed', 1, 1, '', 5, 5"), "difference_facts");
    must_be_refused(DIFFERENCE("0, 'added', 1, NULL, 'cluster', 0, 5"), "difference_facts");
    must_be_refused(DIFFERENCE("0, 'added', 1, NULL, '', 5, 5"), "difference_amounts");
    must_be_refused(DIFFERENCE("0, 'added', 1, NULL, '', NULL, 5"), "difference_amounts");
    must_be_refused(DIFFERENCE("0, 'removed', NULL, 1, '', 5, 5"), "difference_amounts");
    must_be_refused("INSERT INTO reckoner.difference VALUES ('RXA', -1, '5QE', 'E1', 0, 'added', 1, NULL, '', 0, 5)",
                    "difference_provider_submission_fkey");
    must_be_done(DIFFERENCE("0, 'changed', 1, 2, 'cluster', 5, NULL"));
}
END_TEST

#define MAPPING(values) "INSERT INTO reckoner.column_mapping VALUES ('RXA', " values ", 'rxa.one', '2012-06-01Z')"
START_TEST(column_mappings_are_kept)
{
    static const struct {
        const char *version, *body, *constraint;
    } bad[] = {{"0", "'{\"columns\":{}}'", "column_mapping_version_check"},
               {"1", "NULL", "column_mapping_check"},
               {"1", "'{}'", "column_mapping_body_check"},
               {"1", "'{\"columns\":[]}'", "column_mapping_body_check"}};
    char sql[300];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(sql, sizeof sql, MAPPING("%s, %s"), bad[i].version, bad[i].body);
        must_be_refused(sql, bad[i].constraint);
    }
    must_be_done(MAPPING("1, '{\"columns\":{\"a\":\"h1\"}}'"));
    must_be_done(MAPPING("2, NULL"));
    must_be_refused(MAPPING("2, NULL"), "column_mapping_pkey");
    must_be_refused("UPDATE reckoner.submission SET column_mapping = 9 WHERE provider = 'RXA'",
                    "submission_provider_column_mapping_fkey");
    must_be_refused("UPDATE reckoner.submission SET content_encoding = 'br'", "submission_content_encoding_check");
    must_be_refused("UPDATE reckoner.submission SET empty_rows = -1", "submission_empty_rows_check");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("constraints");
    TCase *tc = tcase_create("constraints");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, constraint_case_open, constraint_case_close);
    tcase_add_test(tc, lines_of_a_run_add_up);
    tcase_add_test(tc, statistics_are_whole);
    tcase_add_test(tc, an_export_is_made_once);
    tcase_add_test(tc, a_done_run_stays);
    tcase_add_test(tc, a_difference_is_of_one_kind);
    tcase_add_test(tc, append_only_tables);
    tcase_add_test(tc, a_document_equals_its_lines);
    tcase_add_test(tc, a_document_keeps_its_amounts);
    tcase_add_test(tc, issuing_by_hand_needs_ledger_number_and_billed_before);
    tcase_add_test(tc, issue_takes_two_people_of_the_provider);
    tcase_add_test(tc, a_stale_draft_is_not_issued);
    tcase_add_test(tc, instalments_come_to_their_twelfths);
    tcase_add_test(tc, an_opening_entry_agreed_since_makes_a_draft_stale);
    tcase_add_test(tc, a_closed_commissioner_is_billed_through_its_successor);
    tcase_add_test(tc, bridges_add_up_and_stay);
    tcase_add_test(tc, a_stopped_run_says_what_it_waits_for);
    tcase_add_test(tc, a_rolled_back_issue_gives_its_number_back);
    tcase_add_test(tc, a_submission_is_evidence);
    tcase_add_test(tc, terms_take_both_parties);
    tcase_add_test(tc, decisions_stand);
    tcase_add_test(tc, digests_are_of_their_bytes);
    tcase_add_test(tc, one_account_per_year_and_kinds_hold);
    tcase_add_test(tc, what_is_left_behind_has_its_form);
    tcase_add_test(tc, column_mappings_are_kept);
    tcase_add_test(tc, everything_is_explained);
    tcase_add_test(tc, keys_begin_with_the_provider);
    tcase_add_test(tc, a_reading_of_identities_is_kept_as_it_went);
    tcase_add_test(tc, blocks_of_hashes_have_their_form);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
