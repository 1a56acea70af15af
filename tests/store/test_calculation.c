/* Tries to break what the database must hold of calculations, of the history of prices and of files of a day, as the
 * owner. */
#include "lib/constraint_case.h"

#include <check.h>
#include <string.h>

#define ASK(id, kind, organisation, person, terms)                                                                     \
    "INSERT INTO reckoner.calculation (provider, id, contract, commissioner, kind, request, terms, organisation,"      \
    " person, asked_at) VALUES ('RXA', " ID(id) ", " ID("a") ", '5QE', '" kind "', '{}', " terms ", '" organisation    \
                                                             "', '" person "', '2012-06-01Z');"
#define DONE(id, sum)                                                                                                  \
    "UPDATE reckoner.calculation SET state = 'done', known_at = '2012-06-01Z', finished_at = '2012-06-01Z',"           \
    " result = '{}', sha256 = sha256('" sum "'), remove_after = '2012-07-01Z' WHERE id = " ID(id) ";"
#define ENDED(id, state, reason)                                                                                       \
    "UPDATE reckoner.calculation SET state = '" state "', finished_at = '2012-06-01Z', reason = " reason               \
    ", remove_after = '2012-07-01Z' WHERE id = " ID(id) ";"

START_TEST(a_question_is_a_partys_and_says_what_it_tries)
{
    must_be_refused(ASK("q", "guess", "RXA", "rxa.one", "NULL"), "calculation_kind_check");
    must_be_refused(ASK("q", "forecast", "5QF", "pct5qf.one", "NULL"), "calculation_party");
    must_be_refused(ASK("q", "forecast", "5QE", "rxa.one", "NULL"), "calculation_organisation_person_fkey");
    must_be_refused(ASK("q", "forecast", "RXA", "rxa.one", "'{}'"), "calculation_terms");
    must_be_refused(ASK("q", "what_if", "RXA", "rxa.one", "NULL"), "calculation_tried");
    must_be_done(ASK("q", "what_if", "RXA", "rxa.one", "'{}'"));
    /* Of the past anybody who may read asks, and knows nothing of the day of the question. */
    must_be_done(ASK("p", "position", "5QF", "pct5qf.one", "NULL"));
    must_be_refused(DONE("p", "{}"), "calculation_known");
    must_be_done(
        "UPDATE reckoner.calculation SET state = 'done', known_at = '2012-05-31Z', finished_at = '2012-06-01Z',"
        " result = '{}', sha256 = sha256('{}'), remove_after = '2012-07-01Z' WHERE id = " ID("p"));
}
END_TEST

START_TEST(an_answer_is_whole_and_holds_still)
{
    must_be_done(ASK("q", "forecast", "5QE", "pct5qe.one", "NULL") ASK("t", "what_if", "RXA", "rxa.one", "'{}'"));
    must_be_refused(DONE("q", "another text"), "calculation_digest");
    must_be_refused(ENDED("q", "done", "NULL"), "calculation_done");
    must_be_refused(ENDED("q", "parked", "NULL"), "calculation_done");
    must_be_refused("UPDATE reckoner.calculation SET finished_at = '2012-06-01Z' WHERE id = " ID("t"),
                    "calculation_kept");
    must_be_refused(ENDED("q", "removed", "NULL"), "calculation_kept");
    must_be_refused(
        "UPDATE reckoner.calculation SET state = 'done', known_at = '2012-05-31Z', finished_at = '2012-06-01Z',"
        " result = '{}', sha256 = sha256('{}'), remove_after = '2012-07-01Z' WHERE id = " ID("q"),
        "calculation_known");
    must_be_done(DONE("q", "{}"));
    must_be_refused("UPDATE reckoner.calculation SET request = '{\"to\":1}' WHERE id = " ID("q"), "calculation_kept");
    must_be_refused(ENDED("q", "failed", "'no'"), "calculation_kept");
    must_be_refused("DELETE FROM reckoner.calculation", "calculation_kept");
    must_be_refused("UPDATE reckoner.calculation SET state = 'removed' WHERE id = " ID("q"), "calculation_done");
    must_be_done("UPDATE reckoner.calculation SET state = 'removed', result = NULL WHERE id = " ID("q"));
    /* A failed one may be taken up again; the terms that are tried go with the answer alone. */
    must_be_done(ENDED("t", "failed", "'no memory'") ENDED("t", "failed", "'no memory'"));
    must_be_refused("UPDATE reckoner.calculation SET state = 'failed', terms = '{ }' WHERE id = " ID("t"),
                    "calculation_kept");
    must_be_done("UPDATE reckoner.calculation SET state = 'removed', terms = NULL WHERE id = " ID("t"));
}
END_TEST

#define PRICE(n, stage, before, version)                                                                               \
    "INSERT INTO reckoner.price_track (provider, contract, cluster, basis, scope, n, before_step, stage, pence,"       \
    " source, confidence, version, organisation, person, at) VALUES ('RXA', " ID(                                      \
        "a") ", '11', 'DAY', '', " n ", " before ", '" stage "', 1043, 'Reference costs', 'low', " version             \
             ", 'RXA', 'rxa.one', '2012-06-01Z');"

START_TEST(stages_of_a_price_come_in_order)
{
    must_be_done(PRICE("1", "amended", "NULL", "NULL"));
    must_be_refused(PRICE("2", "first_cut", "NULL", "NULL"), "price_track_before");
    must_be_refused(PRICE("2", "uplift", "1", "NULL"), "price_track_follows"); /* the one before is amended: step 2 */
    must_be_refused(PRICE("3", "uplift", "2", "NULL"), "price_track_follows"); /* there is no second */
    must_be_done(PRICE("2", "uplift", "2", "NULL") PRICE("3", "efficiency", "3", "NULL"));
    must_be_refused(PRICE("4", "amended", "3", "NULL"), "price_track_order");
    must_be_refused(PRICE("4", "contract", "3", "NULL"), "price_track_agreed");
    must_be_refused(PRICE("4", "uplift", "3", "1"), "price_track_agreed");
    must_be_refused(PRICE("4", "contract", "3", "99"), "price_track_provider_contract_version_fkey");
    must_be_done(PRICE("4", "contract", "3", "1") PRICE("5", "first_cut", "5", "NULL"));
}
END_TEST

START_TEST(a_price_entered_stays)
{
    must_be_done(PRICE("1", "first_cut", "NULL", "NULL"));
    ck_assert_int_ne(store_fixture_try(store.owner, "UPDATE reckoner.price_track SET pence = 1"), PG_OK);
    ck_assert_int_ne(store_fixture_try(store.owner, "DELETE FROM reckoner.price_track"), PG_OK);
    must_be_refused(
        "INSERT INTO reckoner.price_track (provider, contract, cluster, basis, scope, n, stage, pence, source,"
        " confidence, organisation, person, at) VALUES ('RXA', " ID(
            "a") ", '09', 'DAY', '', 1, 'first_cut', 1,"
                 " 'none', 'low', 'RXA', 'rxa.one', '2012-06-01Z')",
        "price_track_cluster_check");
}
END_TEST

START_TEST(a_file_of_findings_alone_is_of_a_day)
{
    must_be_refused(
        "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, after_link,"
        " as_known_on) VALUES ('RXA', " ID("w") ", 'audit', 'ndjson', 'RXA', 'rxa.one', '2012-06-01Z', 0,"
                                                " '2012-05-01')",
        "export_as_known");
    must_be_done(
        "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, first_month,"
        " last_month, as_known_on) VALUES ('RXA', " ID("w") ", 'findings', 'csv', 'RXA', 'rxa.one', '2012-06-01Z',"
                                                            " '2012-04-01', '2012-04-01', '2012-05-01')");
    must_be_refused("UPDATE reckoner.export SET state = 'done', finished_at = '2012-06-01Z', lines = 0, pence = 0,"
                    " unknown_rows = 0, bytes = 0, chunks = 0, sha256 = sha256(''), remove_after = '2012-07-01Z',"
                    " as_known_on = NULL WHERE id = " ID("w"),
                    "export_kept");
}
END_TEST

/* What rests on a contract holds it. */
START_TEST(a_contract_with_a_question_stays)
{
    must_be_done(
        "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
        " created_at) VALUES ('RXB', " ID(
            "n") ", 2014, 'live', 'New', '5QF', 'rxb.one', '2012-06-01Z');"
                 "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year)"
                 " VALUES ('RXB', " ID("n") ", '5QF', 2014);"
                                            "INSERT INTO reckoner.price_track (provider, contract, cluster, basis, "
                                            "scope, n, stage, pence, source,"
                                            " confidence, organisation, person, at) VALUES ('RXB', " ID(
                                                "n") ", '11', 'DAY', '', 1, 'first_cut', 1,"
                                                     " 'none', 'low', 'RXB', 'rxb.one', '2012-06-01Z')");
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT reckoner.contract_hold('RXB', " ID("n") ")"),
                     "price_track");
    must_be_refused("DELETE FROM reckoner.contract WHERE id = " ID("n"), "contract_kept");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calculation");
    TCase *tc = tcase_create("constraints");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, constraint_case_open, constraint_case_close);
    tcase_add_test(tc, a_question_is_a_partys_and_says_what_it_tries);
    tcase_add_test(tc, an_answer_is_whole_and_holds_still);
    tcase_add_test(tc, stages_of_a_price_come_in_order);
    tcase_add_test(tc, a_price_entered_stays);
    tcase_add_test(tc, a_file_of_findings_alone_is_of_a_day);
    tcase_add_test(tc, a_contract_with_a_question_stays);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
