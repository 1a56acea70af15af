/* Tries to break what evaluation leaves of findings, as the owner, whom no policy and no right binds. */
#include "lib/settled_account.h"
#include "lib/store_fixture.h"

#include <check.h>
#include <stdlib.h>

static struct store_fixture f;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    settled_account(&f);
}

static void teardown(void)
{
    store_fixture_close(&f);
}

static void refused(const char *sql, const char *constraint)
{
    store_fixture_refused(f.owner, sql, constraint);
}

START_TEST(counts_of_findings_hold)
{
    refused("UPDATE reckoner.stake SET rules = 0", "stake_rules_check");
    refused("UPDATE reckoner.stake SET pseudonym = '9990000018'", "stake_pseudonym_check");
    refused("UPDATE reckoner.finding_line SET bit = 63", "finding_line_bit_check");
    refused("UPDATE reckoner.finding_line SET severity = 'FILE'", "finding_line_severity_check");
    refused("UPDATE reckoner.finding_pattern SET unknown_rows = 2", "finding_pattern_check");
    refused("INSERT INTO reckoner.finding_practice VALUES ('RXA', 1, '5QE', 'P03', 'A81001', 4, 4, 100, 0)",
            "finding_practice_small");
    refused("INSERT INTO reckoner.finding_practice VALUES ('RXA', 1, '5QE', 'P03', 'A81001', NULL, 4, 100, 0)",
            "finding_practice_whole");
    refused("INSERT INTO reckoner.finding_practice VALUES ('RXA', 1, '5QE', 'P03', 'John Smith', 5, 5, 100, 0)",
            "finding_practice_practice_check");
    store_fixture_sql(&f,
                      "INSERT INTO reckoner.finding_practice VALUES ('RXA', 1, '5QE', 'P03', 'A81001', 5, 5, 100, 0)");
}
END_TEST

START_TEST(lists_of_findings_hold)
{
    refused("UPDATE reckoner.finding_stretch SET firsts = '{}', lasts = '{}'", "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET last_row = 2", "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET firsts = '{0}'", "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET firsts = '{2}'", "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET lasts = '{1,1}'", "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET firsts = array_fill(1, ARRAY[65]), lasts = array_fill(1, ARRAY[65])",
            "finding_stretch_list");
    refused("UPDATE reckoner.finding_stretch SET rule = 'P3'", "finding_stretch_rule_check");
    refused("UPDATE reckoner.finding_stretch SET severity = 'FILE'", "finding_stretch_severity_check");
    refused("UPDATE reckoner.finding_rank SET row_nos = '{}'", "finding_rank_list");
    refused("UPDATE reckoner.finding_rank SET last_row = 7", "finding_rank_list");
    refused("UPDATE reckoner.finding_rank SET last_place = 1", "finding_rank_list");
    refused("UPDATE reckoner.finding_rank SET places = '{-100, -100}'", "finding_rank_list");
    refused("UPDATE reckoner.finding_rank SET row_nos = array_fill(last_row, ARRAY[65]), places = "
            "array_fill(last_place, ARRAY[65])",
            "finding_rank_list");
    refused("UPDATE reckoner.finding_rank SET rules = 0", "finding_rank_rules_check");
    refused("UPDATE reckoner.finding_rank SET cluster = '4'", "finding_rank_cluster_check");
    refused("UPDATE reckoner.finding_sum SET findings = 0", "finding_sum_check");
    refused("UPDATE reckoner.finding_sum SET rules = 0", "finding_sum_rules_check");
    refused("UPDATE reckoner.finding_sum SET rows = 0", "finding_sum_rows_check");
    refused("UPDATE reckoner.finding_sum SET unknown_rows = 2", "finding_sum_check1");
    refused("UPDATE reckoner.finding_sum SET cluster = 'any'", "finding_sum_cluster_check");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("finding_lists");
    TCase *tc = tcase_create("finding_lists");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, counts_of_findings_hold);
    tcase_add_test(tc, lists_of_findings_hold);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
