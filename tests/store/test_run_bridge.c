/* Bridges between positions that runs found, read again as they were pinned. */
#include "lib/settlement_fixture.h"

#include "store/pinned.h"
#include "worker/settlement_bridge.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct settlement opened(const char *known_at)
{
    struct settlement s = {.pg = settled.worker.pg, .reference_dir = settled.worker.config->reference_dir};
    snprintf(s.account.provider, sizeof s.account.provider, "RXA");
    snprintf(s.account.contract, sizeof s.account.contract, CONTRACT);
    snprintf(s.account.commissioner, sizeof s.account.commissioner, "5QE");
    ck_assert(instant_parse(known_at, strlen(known_at), &s.known_at));
    ck_assert_int_eq(settlement_open(&s), SETTLEMENT_OK);
    return s;
}

static month_t named_month(const char *text)
{
    month_t month = 0;
    ck_assert(month_parse(text, strlen(text), &month));
    return month;
}

static json_t *found_by(const char *run, month_t month)
{
    struct json_problem problem;
    PGresult *r = NULL;
    ck_assert_int_eq(pinned_position(settled.worker.pg, "RXA", run, month, &r), PG_OK);
    const char *body = pg_text(r, 0, "body");
    json_t *document = json_read(body, strlen(body), &problem);
    ck_assert_ptr_nonnull(document);
    PQclear(r);
    return document;
}

/* The bridge of two runs; each cause that moved something, as text. */
static const char *bridge_of_runs(const char *older, const char *older_month, const char *newer,
                                  const char *newer_month)
{
    static char text[400];
    struct settlement s = opened("2012-09-01T09:00:00Z");
    struct bridge_cache *cache = bridge_cache_new();
    json_t *documents[] = {found_by(older, named_month(older_month)), found_by(newer, named_month(newer_month))};
    const struct bridge_end a = {older, named_month(older_month), documents[0]};
    const struct bridge_end b = {newer, named_month(newer_month), documents[1]};
    struct bridge made;
    enum settlement_status status = settlement_bridge(&s, cache, &a, &b, &made);
    ck_assert_msg(status == SETTLEMENT_OK, "%d %s", (int)status, s.reason);
    int64_t sum = made.older;
    text[0] = '\0';
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        size_t length = strlen(text);
        sum += made.step[c].pence;
        if (made.step[c].changed)
            snprintf(text + length, sizeof text - length, "%s%s %lld", length == 0 ? "" : ", ",
                     bridge_cause_name((enum bridge_cause)c), (long long)made.step[c].pence);
    }
    ck_assert_int_eq(sum, json_int(documents[1], "total_pence", -1));
    bridge_free(&made);
    json_decref(documents[0]);
    json_decref(documents[1]);
    bridge_cache_free(cache);
    settlement_close(&s);
    return text;
}

static void open_april(void)
{
    store_fixture_sql(&settled.store,
                      "INSERT INTO window_exception (provider, contract, month, n, reason, asked_side, asked_by,"
                      " asked_at, decision, decided_side, decided_by, decided_at, closes_at) VALUES ('RXA', '" CONTRACT
                      "', '2012-04-01', 1, 'a row counted twice', 'provider', 'rxa.one', '2012-07-03Z', 'granted',"
                      " 'commissioner', 'pct5qe.one', '2012-07-04Z', '2012-07-20Z')");
}

/* April: 10 rows, 30 days; May: 9 rows, 31 days. Each day also earns 2.5 % CQUIN. */
START_TEST(each_cause_between_two_runs)
{
    char april[IDENT_SIZE];
    char may[IDENT_SIZE];
    char again[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", april);
    work();
    ck_assert_str_eq(bridge_of_runs(april, "2012-04", april, "2012-04"), "");
    submit("2012-05", 1, 10, 0, "2012-06-03T09:00:00Z");
    ask("2012-05", "FREEZE", "2012-07-20T09:00:00Z", may);
    work();
    /* 9 * 31 * 6.12 = 1,707.48, and 42.69 of CQUIN on the sum of both months. */
    ck_assert_str_eq(bridge_of_runs(april, "2012-04", may, "2012-05"), "months 175017");
    ck_assert_str_eq(bridge_of_runs(may, "2012-05", april, "2012-04"), "months -175017");
    open_april();
    submit("2012-04", 2, 11, 1, "2012-07-05T09:00:00Z");
    agree_terms(2, 600, "2012-07-25T09:00:00Z");
    ask("2012-05", "PREVIEW", "2012-08-01T09:00:00Z", again);
    work();
    /* One row less in April: 183.60 and its CQUIN; then 549 days at 12p less, and theirs. */
    ck_assert_str_eq(bridge_of_runs(may, "2012-05", again, "2012-05"), "activity -18819, prices -6753");
}
END_TEST

START_TEST(the_settlement_as_read_is_an_end_too)
{
    char april[IDENT_SIZE];
    char may[IDENT_SIZE];
    char last[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", april);
    work();
    submit("2012-05", 1, 10, 0, "2012-06-03T09:00:00Z");
    ask("2012-05", "FREEZE", "2012-07-20T09:00:00Z", may);
    work();
    agree_terms(2, 700, "2012-07-25T09:00:00Z");
    struct settlement s = opened("2012-08-01T09:00:00Z");
    struct bridge_cache *cache = bridge_cache_new();
    ck_assert_int_eq(settlement_read(&s, named_month("2012-05")), SETTLEMENT_OK);
    for (int k = 0; k < 2; k++) {
        struct account_position now;
        struct bridge made;
        month_t month = named_month("2012-04") + k;
        ck_assert_int_eq(pinned_last_run(s.pg, &s.account, month, last), PG_OK);
        ck_assert_str_eq(last, k == 0 ? april : may);
        ck_assert_int_eq(settlement_position(&s, month, &now), SETTLEMENT_OK);
        json_t *then = found_by(last, month);
        const struct bridge_end older = {last, month, then};
        const struct bridge_end newer = {NULL, month, now.document};
        enum settlement_status status = settlement_bridge(&s, cache, &older, &newer, &made);
        ck_assert_msg(status == SETTLEMENT_OK, "%s", s.reason);
        /* 88p more for 300, then 579 days, and 2.5 % of it. */
        ck_assert_int_eq(made.step[BRIDGE_PRICES].pence, k == 0 ? 27060 : 52226);
        ck_assert_int_eq(made.newer - made.older, made.step[BRIDGE_PRICES].pence);
        bridge_free(&made);
        json_decref(then);
        account_position_free(&now);
    }
    ck_assert_int_eq(pinned_last_run(s.pg, &s.account, named_month("2012-06"), last), PG_NONE);
    bridge_cache_free(cache);
    settlement_close(&s);
}
END_TEST

/* Terms that look at single rows ask for the rows themselves, at each point of the way by its own terms. */
START_TEST(rules_that_look_at_single_rows_are_a_cause)
{
    char before[IDENT_SIZE];
    char after[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    store_fixture_sql(&settled.store, "UPDATE episode SET mhct_date = '2011-10-10'");
    ask("2012-04", "PREVIEW", "2012-06-20T09:00:00Z", before);
    work();
    settled.rules = "\"rules\":{\"stop_pay_when_overdue\":{\"grace_days\":5}},";
    agree_terms(2, 612, "2012-06-25T09:00:00Z");
    ask("2012-04", "PREVIEW", "2012-07-01T09:00:00Z", after);
    work();
    int64_t moved = number("SELECT b.position_pence - a.position_pence FROM run a, run b WHERE a.requested_at <"
                           " b.requested_at");
    char expected[40];
    snprintf(expected, sizeof expected, "rules %lld", (long long)moved);
    ck_assert_int_lt(moved, 0);
    ck_assert_str_eq(bridge_of_runs(before, "2012-04", after, "2012-04"), expected);
}
END_TEST

/* The clusters file with another review period for cluster 04. */
static void load_period(int months, const char *at)
{
    char sql[800];
    snprintf(
        sql, sizeof sql,
        "WITH file AS (SELECT convert_to(E'code,name,super_class,review,review_unit\\n04,Four,A,%d,month\\n', 'UTF8')"
        " AS text) INSERT INTO reference_set (kind, digest, content, loaded_at, loaded_by)"
        " SELECT 'clusters', sha256(text), text, '%s', 'the operator' FROM file",
        months, at);
    store_fixture_sql(&settled.store, sql);
}

static int64_t position_of(const char *run)
{
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT position_pence FROM run WHERE id = '%s'", run);
    return number(sql);
}

/* Days behind the date on which a review was due are not paid, so the review period decides. */
START_TEST(review_periods_of_the_time_are_kept)
{
    char six[IDENT_SIZE];
    char five[IDENT_SIZE];
    char frozen[IDENT_SIZE];
    char later[IDENT_SIZE];
    char expected[60];
    settled.rules = "\"rules\":{\"stop_pay_when_overdue\":{\"grace_days\":5}},";
    agree_terms(2, 612, "2012-05-01T09:00:00Z");
    load_period(6, "2012-05-02T09:00:00Z");
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    store_fixture_sql(&settled.store, "UPDATE episode SET mhct_date = '2011-10-15'");
    ask("2012-04", "PREVIEW", "2012-06-20T09:00:00Z", six);
    work();
    load_period(5, "2012-06-21T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-22T09:00:00Z", frozen);
    work();
    /* Paid to 20 April, then to 20 March; each day of ten rows earns 2.5 % beside its price. */
    ck_assert_int_eq(position_of(six), 20 * 10 * 612 + 3060);
    ck_assert_int_eq(position_of(frozen), 0);
    snprintf(expected, sizeof expected, "reference_data %lld", (long long)-position_of(six));
    ck_assert_str_eq(bridge_of_runs(six, "2012-04", frozen, "2012-04"), expected);
    ck_assert_str_eq(bridge_of_runs(six, "2012-04", six, "2012-04"), "");
    /* What is loaded later does not touch the frozen month. */
    load_period(7, "2012-06-23T09:00:00Z");
    ask("2012-04", "PREVIEW", "2012-06-25T09:00:00Z", later);
    work();
    ck_assert_int_eq(position_of(later), 0);
    ck_assert_str_eq(bridge_of_runs(frozen, "2012-04", later, "2012-04"), "");
    submit("2012-05", 1, 11, 0, "2012-06-26T09:00:00Z");
    store_fixture_sql(&settled.store, "UPDATE episode SET mhct_date = '2011-10-15' WHERE submission = 2");
    ask("2012-05", "PREVIEW", "2012-07-01T09:00:00Z", five);
    work();
    ck_assert_int_eq(position_of(five), 20 * 10 * 612 + 3060);
    ck_assert_int_eq(number("SELECT count(DISTINCT m ->> 'review_periods') FROM run r JOIN position p"
                            " ON p.sha256 = r.position_sha256, jsonb_array_elements(p.body::jsonb -> 'inputs' ->"
                            " 'months') m WHERE r.month = '2012-05-01'"),
                     2);
}
END_TEST

START_TEST(what_was_agreed_is_a_cause)
{
    char before[IDENT_SIZE];
    char after[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "PREVIEW", "2012-06-20T09:00:00Z", before);
    work();
    store_fixture_sql(&settled.store,
                      "INSERT INTO achievement (provider, contract, commissioner, indicator, n, numerator, denominator,"
                      " evidence, proposed_side, proposed_by, proposed_at, agreed_side, agreed_by, agreed_at) VALUES"
                      " ('RXA', '" CONTRACT
                      "', '5QE', 'reviews', 1, 1, 2, 'audit of May', 'provider', 'rxa.one', '2012-06-21Z',"
                      " 'commissioner', 'pct5qe.one', '2012-06-22Z')");
    ask("2012-04", "PREVIEW", "2012-07-01T09:00:00Z", after);
    work();
    ck_assert_str_eq(bridge_of_runs(before, "2012-04", after, "2012-04"), "achievements -4590");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_bridge");
    TCase *t = tcase_create("bridges");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, settled_open, settled_close);
    tcase_add_test(t, each_cause_between_two_runs);
    tcase_add_test(t, the_settlement_as_read_is_an_end_too);
    tcase_add_test(t, rules_that_look_at_single_rows_are_a_cause);
    tcase_add_test(t, review_periods_of_the_time_are_kept);
    tcase_add_test(t, what_was_agreed_is_a_cause);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
