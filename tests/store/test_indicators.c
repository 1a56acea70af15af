/* Who sees what is measured of a provider, what the tables refuse, and that a comparison names nobody. */
#include "lib/settled_account.h"
#include "lib/store_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_fixture f;
static struct pg *web;

#define MEASURED(provider, submission, numerator)                                                                      \
    "INSERT INTO reckoner.indicator_set VALUES ('" provider "', " submission ", false, false);"                        \
    "INSERT INTO reckoner.indicator VALUES ('" provider "', " submission ", true, '', 'override_rate', " numerator     \
    ", 100);"                                                                                                          \
    "INSERT INTO reckoner.indicator_days VALUES ('" provider "', " submission ", true, '', '04', 30);"                 \
    "INSERT INTO reckoner.indicator_price VALUES ('" provider "', " submission ", '04', 700, 30000);"                  \
    "INSERT INTO reckoner.indicator_cluster (provider, submission, cluster) VALUES ('" provider "', " submission       \
    ", '04');"                                                                                                         \
    "INSERT INTO reckoner.indicator_threshold VALUES ('" provider "', " submission ", 'override_alert', 250000);"
#define UNCONTRACTED(provider, submission, commissioner)                                                               \
    "INSERT INTO reckoner.uncontracted VALUES ('" provider "', " submission ", '" commissioner                         \
    "', false, 7, 30, 0, 21000, 0);"

static void done(const char *sql)
{
    store_fixture_done(f.owner, sql);
}

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    settled_account(&f);
    web = store_fixture_connect(&f, "reckoner_web");
    done(MEASURED("RXA", "1", "10") MEASURED("RXB", "2", "20") UNCONTRACTED("RXA", "1", "5QG")
             UNCONTRACTED("RXA", "1", "5QE"));
}

static void teardown(void)
{
    pg_free(web);
    store_fixture_close(&f);
}

/* Rows of a table that a person sees, as "RXA,RXB". */
static void sees(const char *person, const char *table, const char *wanted)
{
    char sql[200];
    store_fixture_sign_in(&f, web, person);
    (void)snprintf(sql, sizeof sql, "SELECT string_agg(provider, ',' ORDER BY provider) FROM reckoner.%s", table);
    const char *seen = store_fixture_value(web, sql);
    ck_assert_msg(strcmp(seen, wanted) == 0, "%s sees %s of %s instead of %s", person, seen, table, wanted);
}

static void approve_terms(void)
{
    done(
        "INSERT INTO reckoner.terms_approval SELECT provider, contract, version, 'provider', digest, author, 'RXA',"
        " 'rxa.two', '2012-04-02Z' FROM reckoner.terms;"
        "INSERT INTO reckoner.terms_approval SELECT provider, contract, version, 'commissioner', digest, author, '5QE',"
        " 'pct5qe.one', '2012-04-02Z' FROM reckoner.terms;"
        "UPDATE reckoner.terms SET state = 'approved', known_from = '2012-04-02Z'");
}

START_TEST(both_sides_see_the_same)
{
    static const char *const tables[] = {"indicator_set",   "indicator",         "indicator_days",
                                         "indicator_price", "indicator_cluster", "indicator_threshold"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        sees("rxa.one", tables[i], "RXA");
        sees("rxb.one", tables[i], "RXB");
        sees("aud.one", tables[i], "RXA");
        sees("opr.one", tables[i], "");
        /* A contract without approved terms opens nothing. */
        sees("pct5qe.one", tables[i], "");
    }
    approve_terms();
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        sees("pct5qe.one", tables[i], "RXA");
        sees("pct5qf.one", tables[i], "RXA");
        sees("pct5qg.one", tables[i], "");
    }
}
END_TEST

START_TEST(rows_without_contract_are_their_commissioners)
{
    sees("rxa.one", "uncontracted", "RXA,RXA");
    sees("rxb.one", "uncontracted", "");
    sees("pct5qg.one", "uncontracted", "RXA"); /* it has no contract there */
    sees("pct5qf.one", "uncontracted", "");
    sees("aud.one", "uncontracted", "RXA,RXA");
}
END_TEST

START_TEST(consent_is_the_providers_own)
{
    store_fixture_sign_in(&f, web, "rxa.one");
    ck_assert_int_eq(
        store_fixture_try(web, "INSERT INTO reckoner.peer_consent VALUES ('RXB', 'rxa.one', '2012-05-01Z')"),
        PG_DENIED);
    ck_assert_int_eq(
        store_fixture_try(web, "INSERT INTO reckoner.peer_consent VALUES ('RXA', 'rxa.two', '2012-05-01Z')"),
        PG_DENIED);
    ck_assert_int_eq(
        store_fixture_try(web, "INSERT INTO reckoner.peer_consent VALUES ('RXA', 'rxa.one', '2012-05-01Z')"), PG_OK);
    approve_terms();
    sees("rxa.two", "peer_consent", "RXA");
    sees("aud.one", "peer_consent", "RXA");
    sees("rxb.one", "peer_consent", "");
    sees("pct5qe.one", "peer_consent", ""); /* who consents is not said */
    store_fixture_sign_in(&f, web, "rxb.one");
    ck_assert_int_eq(store_fixture_try(web, "DELETE FROM reckoner.peer_consent"), PG_OK);
    sees("rxa.one", "peer_consent", "RXA");
}
END_TEST

/* Providers RX1, RX2 ... with an override rate of 10, 20 ... of 100 in April, consenting. */
static void add_peers(int from, int to)
{
    char sql[1600];
    for (int n = from; n <= to; n++) {
        (void)snprintf(
            sql, sizeof sql,
            "INSERT INTO reckoner.organisation (code, kind, name, live_from, created_at) VALUES ('RX%d', 'provider',"
            " 'Peer', '2000-04-01', '2012-04-01Z');"
            "INSERT INTO reckoner.person (id, organisation, role, name, created_at) VALUES ('rx%d.one', 'RX%d',"
            " 'provider', 'Person', '2012-04-01Z');"
            "INSERT INTO reckoner.submission (provider, no, id, month, version, state, uploaded_by, idempotency_key,"
            " media_type, begun_at, completed_at, sealed_key, bytes, chunks, sha256, validated_at, rows, payable_rows)"
            " VALUES ('RX%d', %d, repeat('%c', 20), '2012-04-01', 1, 'accepted', 'rx%d.one', 'k', 'text/csv',"
            " '2012-05-10Z', '2012-05-10Z', 'key', 1, 1, sha256('x'), '2012-05-10Z', 1, 1);"
            "INSERT INTO reckoner.indicator_set VALUES ('RX%d', %d, false, false);"
            "INSERT INTO reckoner.indicator VALUES ('RX%d', %d, true, '', 'override_rate', %d, 100);"
            "INSERT INTO reckoner.peer_consent VALUES ('RX%d', 'rx%d.one', '2012-05-01Z');",
            n, n, n, n, 10 + n, 'a' + n, n, n, 10 + n, n, 10 + n, 10 * n, n, n);
        done(sql);
    }
}

#define FIGURES                                                                                                        \
    "SELECT string_agg(concat_ws(' ', indicator, peers, lower, median, upper), ';')"                                   \
    " FROM reckoner.peer_figures('RXA', '2012-04-01')"

static void compared(const char *person, const char *wanted)
{
    store_fixture_sign_in(&f, web, person);
    ck_assert_str_eq(store_fixture_value(web, FIGURES), wanted);
}

START_TEST(three_others_must_consent)
{
    add_peers(1, 2);
    compared("rxa.one", "");
    /* The provider's own consent makes no third. */
    done("INSERT INTO reckoner.peer_consent VALUES ('RXA', 'rxa.one', '2012-05-01Z')");
    compared("rxa.one", "");
    add_peers(3, 3);
    compared("rxa.one", "override_rate 3 100000 200000 300000");
    compared("aud.one", "override_rate 3 100000 200000 300000");
    compared("pct5qe.one", "");
    approve_terms();
    compared("pct5qe.one", "override_rate 3 100000 200000 300000");
    compared("rxb.one", ""); /* of its own it may ask, not of RXA */
    add_peers(4, 8);
    compared("rxa.one", "override_rate 8 200000 400000 600000");
    /* A hidden figure is none. */
    done("UPDATE reckoner.indicator SET numerator = NULL WHERE provider = 'RX8'");
    compared("rxa.one", "override_rate 7 200000 400000 600000");
    /* A withdrawal takes the comparison away at once. */
    done("DELETE FROM reckoner.peer_consent WHERE provider IN ('RX1', 'RX2', 'RX3', 'RX4', 'RX5')");
    compared("rxa.one", "");
}
END_TEST

START_TEST(what_makes_no_share_is_not_compared)
{
    add_peers(1, 4);
    done("UPDATE reckoner.indicator SET indicator = 'caseload_clustered'");
    compared("rxa.one", "caseload_clustered 4 100000 200000 300000");
    done("UPDATE reckoner.indicator SET denominator = 10 WHERE provider IN ('RX3', 'RX4')");
    compared("rxa.one", "");
}
END_TEST

START_TEST(newer_versions_are_compared)
{
    add_peers(1, 3);
    done("INSERT INTO reckoner.submission (provider, no, id, month, version, state, uploaded_by, idempotency_key,"
         " media_type, begun_at, completed_at, sealed_key, bytes, chunks, sha256, validated_at, rows, payable_rows)"
         " VALUES ('RX1', 90, repeat('z', 20), '2012-04-01', 2, 'accepted', 'rx1.one', 'k2', 'text/csv',"
         " '2012-05-11Z', '2012-05-11Z', 'key', 1, 1, sha256('y'), '2012-05-11Z', 1, 1);"
         "INSERT INTO reckoner.indicator_set VALUES ('RX1', 90, false, false);"
         "INSERT INTO reckoner.indicator VALUES ('RX1', 90, true, '', 'override_rate', 1, 3)");
    compared("rxa.one", "override_rate 3 200000 300000 333333");
}
END_TEST

static void refused(const char *sql, const char *constraint)
{
    store_fixture_refused(f.owner, sql, constraint);
}

START_TEST(the_tables_hold_what_they_should)
{
    refused("INSERT INTO reckoner.indicator_set VALUES ('RXA', 9, false, false)",
            "indicator_set_provider_submission_fkey");
    refused("INSERT INTO reckoner.indicator VALUES ('RXA', 1, true, 'EAST', 'cluster_00', 1, 2)", "indicator_check");
    refused("INSERT INTO reckoner.indicator VALUES ('RXA', 1, false, 'EAST', 'Cluster', 1, 2)",
            "indicator_indicator_check");
    refused("INSERT INTO reckoner.indicator VALUES ('RXA', 1, false, 'EAST', 'cluster_00', -1, 2)",
            "indicator_numerator_check");
    refused("INSERT INTO reckoner.indicator VALUES ('RXA', 1, false, 'EAST', 'cluster_00', 1, -2)",
            "indicator_denominator_check");
    refused("INSERT INTO reckoner.indicator_days VALUES ('RXA', 1, true, 'EAST', '04', 2)", "indicator_days_check");
    refused("INSERT INTO reckoner.indicator_days VALUES ('RXA', 1, false, 'EAST', '4', 2)",
            "indicator_days_cluster_check");
    refused("INSERT INTO reckoner.indicator_days VALUES ('RXA', 1, false, 'EAST', '04', 0)",
            "indicator_days_days_check");
    refused("INSERT INTO reckoner.indicator_price VALUES ('RXA', 1, '05', -1, 0)",
            "indicator_price_pence_per_day_check");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', 9, 30, 31)", "indicator_cluster_check");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', 9, 30)", "indicator_cluster_check1");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', 9, 30, 3, 4, 5)",
            "indicator_cluster_check2");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', NULL, NULL, NULL, 4, 5, 6)",
            "indicator_cluster_check3");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', 9, 30, 3, 4, 3, 6)",
            "indicator_cluster_check4");
    refused("INSERT INTO reckoner.indicator_cluster VALUES ('RXA', 1, '05', 9, 30, 3, NULL, NULL, NULL, 4, 5, 4)",
            "indicator_cluster_check5");
    refused("INSERT INTO reckoner.indicator_threshold VALUES ('RXA', 1, 'case_mix_alert', 1000001)",
            "indicator_threshold_ppm_check");
    refused("INSERT INTO reckoner.uncontracted VALUES ('RXA', 1, '5QF', false, 0, 0, 0, 0, 0)",
            "uncontracted_rows_check");
    refused("INSERT INTO reckoner.uncontracted VALUES ('RXA', 1, '5QF', false, 1, 3, 4, 0, 0)", "uncontracted_check");
    refused("INSERT INTO reckoner.uncontracted VALUES ('RXA', 1, '5QF', false, 1, 3, 0, 0, 2)", "uncontracted_check1");
    refused("INSERT INTO reckoner.peer_consent VALUES ('RXC', 'rxa.one', '2012-05-01Z')", "peer_consent_provider_fkey");
    done("DELETE FROM reckoner.indicator_set WHERE provider = 'RXA'");
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.indicator WHERE provider = 'RXA'"),
                     "0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("indicators");
    TCase *tc = tcase_create("indicators");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, both_sides_see_the_same);
    tcase_add_test(tc, rows_without_contract_are_their_commissioners);
    tcase_add_test(tc, consent_is_the_providers_own);
    tcase_add_test(tc, three_others_must_consent);
    tcase_add_test(tc, what_makes_no_share_is_not_compared);
    tcase_add_test(tc, newer_versions_are_compared);
    tcase_add_test(tc, the_tables_hold_what_they_should);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
