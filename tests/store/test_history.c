/* What submissions leave behind: which are found, by whom, and what comes back. */
#include "lib/settled_account.h"
#include "lib/store_fixture.h"
#include "store/evaluation.h"
#include "store/finding.h"
#include "store/history.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct store_fixture f;
static struct pg *worker;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    settled_account(&f);
    worker = store_fixture_connect(&f, "reckoner_worker");
}

static void teardown(void)
{
    pg_free(worker);
    store_fixture_close(&f);
}

/* A submission of RXA or RXB; ids are of one letter. */
static void submission(const char *provider, const char *no, const char *id, const char *month, const char *version,
                       const char *state)
{
    char sql[1000];
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by, idempotency_key,"
                   " media_type, begun_at, completed_at, sealed_key, bytes, chunks, sha256, validated_at, rows)"
                   " VALUES ('%s', %s, repeat('%s', 20), '%s-01', %s, '%s', lower('%s') || '.one', 'k%s', 'text/csv',"
                   " '2012-05-10Z', '2012-05-10Z', 'key', 1, 1, sha256('x'), '2012-05-10Z', %s)",
                   provider, no, id, month, version, state, provider, no, no);
    store_fixture_sql(&f, sql);
}

static month_t month(const char *text)
{
    month_t m = 0;
    ck_assert(month_parse(text, strlen(text), &m));
    return m;
}

/* A column of all rows, with blanks between; clears the result. */
static const char *column(PGresult *r, const char *name)
{
    static char text[300];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < PQntuples(r); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : " ", pg_text(r, i, name));
    PQclear(r);
    return text;
}

START_TEST(the_newest_accepted_of_each_earlier_month)
{
    PGresult *r = NULL;
    submission("RXA", "10", "c", "2012-02", "1", "accepted");
    submission("RXA", "11", "d", "2012-02", "2", "accepted");
    submission("RXA", "12", "f", "2012-02", "3", "refused");
    submission("RXA", "13", "g", "2012-03", "1", "held");
    submission("RXA", "14", "h", "2012-05", "1", "accepted");
    submission("RXB", "15", "j", "2012-02", "9", "accepted");
    ck_assert_int_eq(history_submissions(worker, "RXA", month("2012-05"), &r), PG_OK);
    ck_assert_str_eq(column(r, "no"), "11 1");
    ck_assert_int_eq(history_submissions(worker, "RXA", month("2012-06"), &r), PG_OK);
    ck_assert_str_eq(column(r, "no"), "11 1 14");
    ck_assert_int_eq(history_submissions(worker, "RXA", month("2012-02"), &r), PG_OK);
    ck_assert_str_eq(column(r, "no"), "");
    /* Of a month, everybody's newest. */
    ck_assert_int_eq(overlap_submissions(worker, month("2012-02"), &r), PG_OK);
    ck_assert_str_eq(column(r, "no"), "11 15");
}
END_TEST

START_TEST(blocks_come_back_in_order)
{
    struct pg_copy *copy = NULL;
    PGresult *r = NULL;
    char records[80];
    ck_assert_int_eq(pg_begin(worker), PG_OK);
    ck_assert_int_eq(history_copy_begin(worker, &copy), PG_OK);
    for (int32_t block = 0; block < 3; block++) {
        memset(records, 'a' + block, sizeof records);
        history_copy_add(copy, "RXA", 1, block, 2, records, sizeof records);
    }
    ck_assert_int_eq(pg_copy_end(copy, NULL), PG_OK);
    ck_assert_int_eq(overlap_copy_begin(worker, &copy), PG_OK);
    for (int16_t partition = 5; partition < 8; partition++)
        overlap_copy_add(copy, "RXA", 1, partition, records, 16);
    ck_assert_int_eq(pg_copy_end(copy, NULL), PG_OK);
    ck_assert_int_eq(pg_commit(worker), PG_OK);
    ck_assert_int_eq(history_records(worker, "RXA", 1, 1, 2, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 2);
    ck_assert_int_eq(PQgetlength(r, 1, 0), 80);
    ck_assert_int_eq(PQgetvalue(r, 0, 0)[0], 'b');
    ck_assert_int_eq(PQgetvalue(r, 1, 0)[79], 'c');
    PQclear(r);
    ck_assert_int_eq(history_records(worker, "RXA", 1, 3, 2, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 0);
    PQclear(r);
    ck_assert_int_eq(overlap_records(worker, "RXA", 1, 0, 7, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 2);
    PQclear(r);
    ck_assert_int_eq(overlap_records(worker, "RXB", 1, 0, 64, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 0);
    PQclear(r);
}
END_TEST

START_TEST(what_is_shown_is_replaced)
{
    PGresult *r = NULL;
    uint8_t digest[HISTORY_DIGEST_SIZE] = {1}, back[HISTORY_DIGEST_SIZE] = {0};
    ck_assert_int_eq(overlap_set_shown(worker, "RXA", 1, 3, digest), PG_OK);
    digest[0] = 2;
    ck_assert_int_eq(overlap_set_shown(worker, "RXA", 1, 2, digest), PG_OK);
    ck_assert_int_eq(overlap_submissions(worker, month("2012-04"), &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 2);
    ck_assert_int_eq(pg_bytes(r, 0, "digest", back, sizeof back), HISTORY_DIGEST_SIZE);
    ck_assert_int_eq(memcmp(back, digest, sizeof back), 0);
    ck_assert(pg_is_null(r, 1, "digest"));
    PQclear(r);
    ck_assert_int_eq(overlap_set_shown(worker, "RXA", 1, 0, digest), PG_OK);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.overlap_shown"), "0");
}
END_TEST

START_TEST(moves_are_counted_by_service)
{
    struct pg_copy *copy = NULL;
    PGresult *r = NULL;
    store_fixture_sql(&f, "UPDATE episode SET service = 'T1' WHERE submission = 1 AND row_no = 2");
    ck_assert_int_eq(cluster_move_copy_begin(worker, &copy), PG_OK);
    cluster_move_copy_add(copy, "RXA", 1, 1, "down");
    cluster_move_copy_add(copy, "RXA", 1, 2, "up");
    ck_assert_int_eq(pg_copy_end(copy, NULL), PG_OK);
    ck_assert_int_eq(cluster_move_counts(worker, "RXA", 1, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 2);
    ck_assert_str_eq(pg_text(r, 0, "service"), "");
    ck_assert(pg_i64(r, 0, "up") == 0 && pg_i64(r, 0, "down") == 1 && pg_i64(r, 0, "level") == 0);
    ck_assert_str_eq(pg_text(r, 1, "service"), "T1");
    ck_assert(pg_i64(r, 1, "up") == 1 && pg_i64(r, 1, "down") == 0 && pg_i64(r, 1, "level") == 0);
    PQclear(r);
}
END_TEST

/* A column of a page, with blanks between. */
static const char *page_of(struct pg *web, const struct finding_query *q, const char *name)
{
    static char text[300];
    size_t used = 0;
    struct finding_page page;
    ck_assert_int_eq(finding_list(web, q, &page), PG_OK);
    text[0] = '\0';
    for (int i = 0; i < page.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : " ",
                                 pg_text(page.result, page.at[i], name));
    finding_page_free(&page);
    return text;
}

START_TEST(a_finding_keeps_a_severity_of_its_own)
{
    static const struct finding_query query = {.known_at = INSTANT_NONE,
                                               .provider = "RXA",
                                               .id = "sbsbsbsbsbsbsbsbsbsb",
                                               .rule = "D09",
                                               .row = -1,
                                               .after.row = -1,
                                               .limit = 10};
    struct pg *web = store_fixture_connect(&f, "reckoner_web");
    store_fixture_sign_in(&f, web, "rxa.one");
    store_fixture_sql(&f,
                      "INSERT INTO finding_stretch VALUES ('RXA', 1, '', 'D09', '', 2, '{1}', '{2}');"
                      "UPDATE submission SET evaluation = 3 WHERE no = 1;"
                      "INSERT INTO finding (provider, submission, row_no, rule, evaluation, episode_id, commissioner,"
                      " cluster, field, value, severity) SELECT 'RXA', 1, n, 'D09', 3, 'e' || n, '5QE', '04',"
                      " 'start_date', '', s FROM (VALUES (1, 'QUERY'), (2, NULL)) v (n, s)");
    ck_assert_str_eq(page_of(web, &query, "severity"), "QUERY ");
    /* The terms speak of the rule. */
    store_fixture_sql(&f, "INSERT INTO severity VALUES ('RXA', 1, '5QE', 'D09', 'WARN')");
    ck_assert_str_eq(page_of(web, &query, "severity"), "QUERY WARN");
    /* A row that has the rule twice: a page may end between the two. */
    store_fixture_sql(&f, "INSERT INTO finding (provider, submission, row_no, rule, evaluation, episode_id,"
                          " commissioner, cluster, field, value) SELECT 'RXA', 1, 1, 'D09', 0, 'e1', '5QE', '04',"
                          " 'start_date', ''");
    struct finding_query one = query;
    one.limit = 1;
    ck_assert_str_eq(page_of(web, &one, "own_severity"), "f");
    one.after = (struct finding_place){1, RULE_D09, false};
    ck_assert_str_eq(page_of(web, &one, "row_no"), "1");
    one.after.own_severity = true;
    ck_assert_str_eq(page_of(web, &one, "row_no"), "2");
    pg_free(web);
}
END_TEST

/* Follows a list of D05 to its end; *pages: how many it took. */
static const char *rows_of_d05(struct pg *web, instant_t known_at, int *pages)
{
    static char text[100];
    size_t used = 0;
    struct finding_query q = {.known_at = known_at,
                              .provider = "RXA",
                              .id = "sbsbsbsbsbsbsbsbsbsb",
                              .rule = "D05",
                              .row = -1,
                              .after.row = -1,
                              .limit = 3};
    text[0] = '\0';
    *pages = 0;
    for (bool more = true; more && *pages < 9; ++*pages) {
        struct finding_page page;
        ck_assert_int_eq(finding_list(web, &q, &page), PG_OK);
        for (int i = 0; i < page.count; i++)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s ", pg_text(page.result, page.at[i], "row_no"));
        more = page.read_to >= 0;
        q.after = finding_row_end(page.read_to);
        finding_page_free(&page);
    }
    return text;
}

static void found_on_pages(struct pg *web, instant_t known_at, int wanted)
{
    int pages;
    ck_assert_str_eq(rows_of_d05(web, known_at, &pages), "5 10000 24990 ");
    ck_assert_int_eq(pages, wanted);
}

START_TEST(a_page_without_lists_says_how_far_it_read)
{
    struct pg *web = store_fixture_connect(&f, "reckoner_web");
    store_fixture_sign_in(&f, web, "rxa.one");
    store_fixture_sql(&f,
                      "DELETE FROM evaluated; DELETE FROM finding; UPDATE submission SET evaluation = 0 WHERE no = 1;"
                      "INSERT INTO finding (provider, submission, row_no, rule, evaluation, episode_id, commissioner,"
                      " cluster, field, value) SELECT 'RXA', 1, n, CASE WHEN n IN (5, 10000, 24990) THEN 'D05' ELSE"
                      " 'P03' END, 0, 'e' || n, '5QE', '04', 'start_date', '' FROM generate_series(1, 25000) n");
    found_on_pages(web, INSTANT_NONE, 3);
    found_on_pages(web, INT64_C(2000000000) * 1000000, 3);
    /* Of the current evaluation there are lists, whoever asks as of when. */
    store_fixture_sql(&f, "UPDATE submission SET evaluation = 1 WHERE no = 1;"
                          "INSERT INTO evaluated VALUES ('RXA', 1, 1, '2012-06-01Z');"
                          "INSERT INTO finding_stretch VALUES ('RXA', 1, '', 'D05', '', 24990, '{5, 10000, 24990}',"
                          " '{5, 10000, 24990}')");
    found_on_pages(web, INSTANT_NONE, 1);
    found_on_pages(web, INT64_C(2000000000) * 1000000, 1);
    pg_free(web);
}
END_TEST

/* A row that fails other rules only because another month was sent again is not a change of this month. */
START_TEST(w01_looks_at_the_row_alone)
{
    static const uint64_t aside = 1 << 30;
    submission("RXA", "20", "c", "2012-04", "2", "accepted");
    store_fixture_sql(&f,
                      "INSERT INTO episode SELECT (jsonb_populate_record(e, '{\"submission\": 20}')).* FROM episode e"
                      " WHERE submission = 1;"
                      "UPDATE episode SET failed = 1 << 30 WHERE submission = 20");
    ck_assert_int_eq(evaluation_add_unused(worker, "RXA", 20, 1, "5QE", 1, aside), PG_OK);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.finding WHERE rule = 'W01'"), "0");
    store_fixture_sql(&f, "UPDATE episode SET failed = 1 WHERE submission = 20");
    ck_assert_int_eq(evaluation_add_unused(worker, "RXA", 20, 1, "5QE", 1, aside), PG_OK);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.finding WHERE rule = 'W01'"), "1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history in the store");
    TCase *tc = tcase_create("history");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_newest_accepted_of_each_earlier_month);
    tcase_add_test(tc, blocks_come_back_in_order);
    tcase_add_test(tc, what_is_shown_is_replaced);
    tcase_add_test(tc, moves_are_counted_by_service);
    tcase_add_test(tc, a_finding_keeps_a_severity_of_its_own);
    tcase_add_test(tc, a_page_without_lists_says_how_far_it_read);
    tcase_add_test(tc, w01_looks_at_the_row_alone);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
