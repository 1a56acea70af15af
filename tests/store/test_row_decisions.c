/* Several decisions on one row: each says one thing of it for good, its cluster or how much of it is paid, and what was
 * decided before of the other stands. Rows are open all month in cluster 04 at £6.12; CQUIN adds 2.5 %. */
#include "lib/settlement_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "'RXA', '" CONTRACT "', '5QE'"

/* A challenge of E2 of April with one counter-calculation ("cluster, days, unpayable" as SQL), accepted an hour later:
 * at hour:00 and hour:30 of 1 June. */
static void decide(int number, const char *counter, int hour)
{
    char sql[2048];
    snprintf(sql, sizeof sql,
             "INSERT INTO challenge (provider, contract, commissioner, number, month, reason, evidence, claimed_pence,"
             " chosen_by, chosen, billed, raised_by, raised_at, answer_by) VALUES (" ACCOUNT ", %d, '2012-04-01',"
             " 'wrong_days', 'seen in the notes', 1, 'rows', '', false, 'pct5qe.one', '2012-06-01T%02d:00:00Z',"
             " '2012-06-30Z');"
             "INSERT INTO challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256,"
             " cluster, counter_cluster, counter_days, counter_unpayable) SELECT " ACCOUNT ", %d, '2012-04-01',"
             " e.episode_id, episode_sha256(e), e.cluster, %s FROM episode e JOIN submission s ON s.provider ="
             " e.provider AND s.no = e.submission WHERE e.episode_id = 'E2' ORDER BY s.version DESC LIMIT 1;"
             "UPDATE challenge SET outcome = 'accepted', closed_for = 'RXA', closed_by = 'rxa.one',"
             " closed_at = '2012-06-01T%02d:30:00Z' WHERE number = %d;"
             "INSERT INTO decision SELECT provider, contract, commissioner, number, episode_id, row_sha256,"
             " '2012-06-01T%02d:30:00Z' FROM challenge_row WHERE number = %d",
             number, hour, number, counter, hour, number, hour, number);
    store_fixture_sql(&settled.store, sql);
}

/* What a preview finds for April. */
static int64_t april(const char *at)
{
    char id[IDENT_SIZE];
    char sql[100];
    ask("2012-04", "PREVIEW", at, id);
    work();
    snprintf(sql, sizeof sql, "SELECT position_pence FROM run WHERE id = '%s'", id);
    return number(sql);
}

/* E2 is the account's only row; with an ERROR it pays nothing. */
static void send_april(int version, int failed, const char *begun_at)
{
    submit("2012-04", version, 2, failed, begun_at);
}

static int64_t with_cquin(int64_t pence)
{
    return pence + (pence * 25 + 500) / 1000;
}

START_TEST(days_decided_later_are_of_the_cluster_decided_before)
{
    send_april(1, 0, "2012-05-03T09:00:00Z");
    ck_assert_int_eq(april("2012-06-01T01:00:00Z"), with_cquin(30 * 612));
    decide(1, "'05', NULL, false", 2);
    ck_assert_int_eq(april("2012-06-01T03:00:00Z"), with_cquin(30 * 1700));
    decide(2, "NULL, 10, false", 4);
    ck_assert_int_eq(april("2012-06-01T05:00:00Z"), with_cquin(10 * 1700));
    ck_assert_int_eq(april("2012-06-01T05:00:00Z"), with_cquin(10 * 1700));
}
END_TEST

START_TEST(a_cluster_decided_later_keeps_the_days_decided_before)
{
    send_april(1, 0, "2012-05-03T09:00:00Z");
    decide(1, "NULL, 10, false", 2);
    decide(2, "'05', NULL, false", 3);
    ck_assert_int_eq(april("2012-06-01T05:00:00Z"), with_cquin(10 * 1700));
}
END_TEST

START_TEST(of_how_much_is_paid_the_last_decision_says)
{
    send_april(1, 0, "2012-05-03T09:00:00Z");
    decide(1, "NULL, 10, false", 2);
    decide(2, "NULL, NULL, true", 3);
    ck_assert_int_eq(april("2012-06-01T04:00:00Z"), 0);
    decide(3, "NULL, 4, false", 5);
    ck_assert_int_eq(april("2012-06-01T06:00:00Z"), with_cquin(4 * 612));
}
END_TEST

/* A row that was sent otherwise for a while and decided on as such: as it was before, what was decided then holds. */
START_TEST(a_row_that_is_as_it_was_is_paid_as_was_decided)
{
    send_april(1, 0, "2012-05-03T09:00:00Z");
    decide(1, "NULL, 10, false", 2);
    send_april(2, 1, "2012-05-04T09:00:00Z");
    decide(2, "NULL, 5, false", 4);
    ck_assert_int_eq(april("2012-06-01T05:00:00Z"), 0);
    send_april(3, 0, "2012-05-05T09:00:00Z");
    ck_assert_int_eq(april("2012-06-01T06:00:00Z"), with_cquin(10 * 612));
}
END_TEST

static const char challenges[] = "SELECT string_agg(number || ' ' || coalesce(reopens, 0) || ' ' ||"
                                 " coalesce(outcome, 'open'), ', ' ORDER BY number) FROM challenge";

START_TEST(a_changed_row_raises_again_what_was_decided_of_it_one_by_one)
{
    send_april(1, 0, "2012-05-03T09:00:00Z");
    decide(1, "'05', NULL, false", 2);
    decide(2, "NULL, 10, false", 3);
    send_april(2, 1, "2012-05-04T09:00:00Z");
    resettle("2012-06-20T10:00:00Z");
    ck_assert_str_eq(value(challenges), "1 0 accepted, 2 0 accepted, 3 1 open");
    resettle("2012-06-20T11:00:00Z");
    ck_assert_str_eq(value(challenges), "1 0 accepted, 2 0 accepted, 3 1 open");
    store_fixture_sql(&settled.store, "UPDATE challenge SET outcome = 'withdrawn', closed_for = '5QE', closed_by ="
                                      " 'pct5qe.one', closed_at = '2012-06-20T12:00:00Z' WHERE number = 3");
    resettle("2012-06-20T13:00:00Z");
    ck_assert_str_eq(value(challenges), "1 0 accepted, 2 0 accepted, 3 1 withdrawn, 4 2 open");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row decisions");
    TCase *t = tcase_create("row decisions");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, settled_open, settled_close);
    tcase_add_test(t, days_decided_later_are_of_the_cluster_decided_before);
    tcase_add_test(t, a_cluster_decided_later_keeps_the_days_decided_before);
    tcase_add_test(t, of_how_much_is_paid_the_last_decision_says);
    tcase_add_test(t, a_row_that_is_as_it_was_is_paid_as_was_decided);
    tcase_add_test(t, a_changed_row_raises_again_what_was_decided_of_it_one_by_one);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
