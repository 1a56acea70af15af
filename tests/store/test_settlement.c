/* Runs on a real database: FLEX, FREEZE, issue, exception, R1 with its credit note, parked runs and their ways out, and
 * that nothing is made twice. The amounts were worked out by hand: every row is open all month in cluster 04 at £6.12.
 */
#include "lib/settlement_fixture.h"

#include "base/ident.h"
#include "domain/statement.h"
#include "store/document.h"
#include "store/signed_record.h"
#include "worker/resettle.h"
#include "worker/settle.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* April: 10 rows of 5QE, 30 days at £6.12 = £1,836.00, and 2.5 % CQUIN on account = £45.90. */
#define APRIL          "188190"
#define APRIL_ONE_LESS "169371"

static void settle_april(char freeze[IDENT_SIZE])
{
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", freeze);
    work();
    expect_run(freeze, "done " APRIL " 0 " APRIL);
}

START_TEST(flex_states_and_bills_nothing)
{
    char id[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FLEX", "2012-05-20T09:00:00Z", id);
    work();
    expect_run(id, "done " APRIL);
    ck_assert_int_eq(number("SELECT count(*) FROM document"), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM statement WHERE seq = 1 AND previous IS NULL"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM frozen_month"), 0);
    ck_assert_int_eq(number("SELECT sum(pence) FROM run_line"), 188190);
}
END_TEST

START_TEST(a_month_from_freeze_to_credit_note)
{
    char freeze[IDENT_SIZE];
    char preview[IDENT_SIZE];
    settle_april(freeze);
    ck_assert_str_eq(value("SELECT kind || ' ' || state || ' ' || balance_pence FROM document"),
                     "invoice draft " APRIL);
    issue("rxa.one", "rxa.two", "2012-06-20T10:00:00Z");
    ck_assert_int_eq(number("SELECT number FROM document WHERE state = 'issued'"), 1);

    /* The same inputs later: the same bytes. */
    ask("2012-04", "PREVIEW", "2012-07-01T09:00:00Z", preview);
    work();
    ck_assert_int_eq(number("SELECT count(DISTINCT position_sha256) FROM run WHERE state = 'done'"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM statement"), 1);

    /* A late file without an exception changes nothing; one inside an opening does. */
    submit("2012-04", 2, 11, 5, "2012-07-02T09:00:00Z");
    resettle("2012-07-02T10:00:00Z");
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE type = 'R'"), 0);
    store_fixture_sql(&settled.store,
                      "INSERT INTO window_exception (provider, contract, month, n, reason, asked_side, asked_by,"
                      " asked_at, decision, decided_side, decided_by, decided_at, closes_at) VALUES ('RXA', '" CONTRACT
                      "', '2012-04-01', 1, 'a row counted twice', 'provider', 'rxa.one', '2012-07-03Z', 'granted',"
                      " 'commissioner', 'pct5qe.one', '2012-07-04Z', '2012-07-20Z')");
    submit("2012-04", 3, 11, 1, "2012-07-05T09:00:00Z");
    resettle("2012-07-05T10:00:00Z");
    ck_assert_str_eq(value("SELECT concat_ws(' ', n, state, position_pence, billed_pence, balance_pence, cause)"
                           " FROM run WHERE type = 'R'"),
                     "1 done " APRIL_ONE_LESS " " APRIL " -18819 activity of 2012-04");
    ck_assert_str_eq(value("SELECT kind || ' ' || state || ' ' || balance_pence FROM document WHERE number IS NULL"),
                     "credit_note draft -18819");
    ck_assert_int_eq(number("SELECT count(*) FROM document_reference"), 1);
    issue("rxa.two", "rxa.one", "2012-07-05T11:00:00Z");
    ck_assert_int_eq(number("SELECT sum(pence) FROM ledger_posting WHERE ledger_account = 'receivable'"), 169371);
    /* The pin stays what the FREEZE took. */
    ck_assert_int_eq(number("SELECT submission FROM frozen_month"), 1);

    /* The same cause again makes nothing. */
    resettle("2012-07-06T10:00:00Z");
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE type = 'R'"), 1);
}
END_TEST

START_TEST(a_later_run_supersedes_an_unissued_draft)
{
    char freeze[IDENT_SIZE];
    settle_april(freeze);
    agree_terms(2, 600, "2012-06-25T09:00:00Z");
    resettle("2012-06-25T10:00:00Z");
    /* 10 rows, 30 days at £6.00 = £1,800.00, and £45.00. Nothing was issued, so all of it is to be billed. */
    ck_assert_str_eq(value("SELECT concat_ws(' ', n, position_pence, billed_pence, balance_pence, cause) FROM run"
                           " WHERE type = 'R'"),
                     "1 184500 0 184500 terms version 2");
    ck_assert_int_eq(number("SELECT count(*) FROM document WHERE state = 'superseded'"), 1);
    ck_assert_int_eq(number("SELECT balance_pence FROM document WHERE state = 'draft'"), 184500);
}
END_TEST

START_TEST(a_changed_price_is_a_reversal_and_a_line)
{
    char freeze[IDENT_SIZE];
    settle_april(freeze);
    issue("rxa.one", "rxa.two", "2012-06-20T10:00:00Z");
    agree_terms(2, 600, "2012-06-25T09:00:00Z");
    resettle("2012-06-25T10:00:00Z");
    ck_assert_str_eq(value("SELECT string_agg(concat_ws(' ', price_pence, units, pence), ', ' ORDER BY pence)"
                           " FROM document_line l JOIN document d ON d.id = l.document WHERE d.state = 'draft'"),
                     "612 -300 -183600, -90, 600 300 180000");
}
END_TEST

START_TEST(a_later_month_bills_the_difference)
{
    char freeze[IDENT_SIZE];
    char id[IDENT_SIZE];
    settle_april(freeze);
    issue("rxa.one", "rxa.two", "2012-06-20T10:00:00Z");
    submit("2012-05", 1, 11, 0, "2012-06-05T09:00:00Z");
    ask("2012-05", "FREEZE", "2012-07-20T09:00:00Z", id);
    work();
    /* May: 10 rows, 31 days = £1,897.20, and £47.43. */
    expect_run(id, "done 382653 188190 194463");
    ck_assert_int_eq(number("SELECT count(*) FROM document_reference"), 0);
    issue("rxa.one", "rxa.two", "2012-07-20T10:00:00Z");
    /* An achievement that was not reached takes CQUIN back for the year to date, through an R run on the earliest month
     * that it changes, billing the head. */
    store_fixture_sql(&settled.store,
                      "INSERT INTO achievement (provider, contract, commissioner, indicator, n, numerator, denominator,"
                      " evidence, proposed_side, proposed_by, proposed_at, agreed_side, agreed_by, agreed_at) VALUES"
                      " ('RXA', '" CONTRACT "', '5QE', 'reviews', 1, 1, 2, 'audit', 'commissioner', 'pct5qe.one',"
                      " '2012-07-21Z', 'provider', 'rxa.one', '2012-07-22Z')");
    resettle("2012-07-23T10:00:00Z");
    ck_assert_str_eq(value("SELECT concat_ws(' ', month, position_pence, billable_pence, balance_pence, cause) FROM run"
                           " WHERE type = 'R'"),
                     "2012-04-01 183600 373320 -9333 achievement of reviews");
    ck_assert_int_eq(number("SELECT count(*) FROM document_reference"), 2);
}
END_TEST

START_TEST(a_month_without_activity_parks_and_has_a_way_out)
{
    char id[IDENT_SIZE];
    struct run run;
    char job[IDENT_SIZE];
    submit("2012-05", 1, 11, 0, "2012-06-05T09:00:00Z");
    ask("2012-05", "FLEX", "2012-06-20T09:00:00Z", id);
    work();
    expect_run(id, "parked");
    ck_assert_ptr_nonnull(strstr(value("SELECT reason FROM run"), "2012-04"));
    ck_assert_int_eq(number("SELECT count(*) FROM position") + number("SELECT count(*) FROM run_line"), 0);
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ck_assert_int_eq(run_get(settled.worker.pg, "RXA", id, &run), PG_OK);
    ck_assert_int_eq(run_requeue(settled.worker.pg, &run), PG_OK);
    ck_assert_int_eq(job_add(settled.worker.pg, "RXA", "settle", id, job), PG_OK);
    work();
    expect_run(id, "done 382653");
}
END_TEST

START_TEST(a_balance_beyond_the_bound_parks)
{
    char id[IDENT_SIZE];
    /* 17 rows of 5QE are 170 % of the plan of 300 days. */
    submit("2012-04", 1, 18, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", id);
    work();
    expect_run(id, "parked");
    ck_assert_ptr_nonnull(strstr(value("SELECT reason FROM run"), "sanity"));
    ck_assert_int_eq(number("SELECT count(*) FROM frozen_month") + number("SELECT count(*) FROM document"), 0);
}
END_TEST

START_TEST(a_run_waits_for_an_upload_that_is_being_validated)
{
    char id[IDENT_SIZE];
    char problem[JOB_PROBLEM_SIZE] = "";
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    store_fixture_sql(
        &settled.store,
        "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by,"
        " idempotency_key, media_type, begun_at, completed_at, sealed_key, sha256) VALUES ('RXA', 9, repeat('w', 20),"
        " '2012-04-01', 2, 'received', 'rxa.one', 'w', 'text/csv', '2012-05-04Z', '2012-05-04Z', '',"
        " sha256('w'))");
    store_fixture_sql(&settled.store,
                      "INSERT INTO job (provider, id, kind, subject, run_after) VALUES ('RXA', repeat('j', 20),"
                      " 'validate', repeat('w', 20), clock_timestamp() + interval '1 hour')");
    ask("2012-04", "FLEX", "2012-05-20T09:00:00Z", id);
    struct job job = claim();
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_WAITS);
    pg_rollback(settled.worker.pg);
    expect_run(id, "queued");
    /* It does not wait for ever: a validation that failed holds up nobody. */
    store_fixture_sql(&settled.store, "UPDATE job SET state = 'failed', problem = 'x' WHERE kind = 'validate'");
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_DONE);
    expect_run(id, "done " APRIL);
}
END_TEST

/* Two runs of one account never interleave; a run of another account goes on. */
START_TEST(a_run_waits_for_another_of_its_account)
{
    char id[IDENT_SIZE];
    char problem[JOB_PROBLEM_SIZE] = "";
    struct pg *other = store_fixture_connect(&settled.store, "reckoner_worker");
    struct account_key account = {"RXA", CONTRACT, "5QE"};
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FLEX", "2012-05-20T09:00:00Z", id);
    struct job job = claim();
    ck_assert_int_eq(pg_begin(other), PG_OK);
    ck_assert_int_eq(account_lock(other, &account), PG_OK);
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_WAITS);
    pg_rollback(settled.worker.pg);
    expect_run(id, "queued");
    pg_rollback(other);
    snprintf(account.commissioner, sizeof account.commissioner, "5QF");
    ck_assert_int_eq(pg_begin(other), PG_OK);
    ck_assert_int_eq(account_lock(other, &account), PG_OK);
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_DONE);
    expect_run(id, "done " APRIL);
    pg_rollback(other);
    pg_free(other);
}
END_TEST

/* Rows that are alike are counted by the database, unless overdue days are not paid. A grace that no review here is
 * overdue by makes the worker look at each row, and must give the same lines. */
START_TEST(counting_alike_rows_gives_the_same_lines)
{
    char first[IDENT_SIZE];
    char second[IDENT_SIZE];
    submit("2012-04", 1, 0, 0, "2012-05-03T09:00:00Z");
    store_fixture_sql(
        &settled.store,
        "SELECT setseed(0.42); INSERT INTO episode (provider, submission, row_no, episode_id, patient, commissioner,"
        " cluster, service, start_date, end_date, mhct_date, referral_date, mhct_reason, admitted_days,"
        " assessment_only, continues, approved, minor, failed) SELECT 'RXA', 1, i, 'E' || i,"
        " md5((i / 3)::text)::uuid, CASE WHEN random() < 0.9 THEN '5QE' ELSE '5QF' END,"
        " CASE WHEN random() < 0.5 THEN '04' WHEN random() < 0.9 THEN '05' ELSE '06' END,"
        " (ARRAY[NULL, 'S1', 'S2'])[1 + floor(random() * 3)], date '2012-03-15' + floor(random() * 40)::integer,"
        " CASE WHEN random() < 0.3 THEN date '2012-04-10' + floor(random() * 22)::integer END,"
        " date '2012-03-20' + floor(random() * 41)::integer, date '2012-03-01' + floor(random() * 10)::integer,"
        " (ARRAY[10, 11])[1 + floor(random() * 2)], floor(random() * 8)::integer, random() < 0.05, random() < 0.1,"
        " random() < 0.5, false, CASE WHEN random() < 0.1 THEN 1 WHEN random() < 0.2 THEN 2 ELSE 0 END"
        " FROM generate_series(1, 3000) i");
    ask("2012-04", "PREVIEW", "2012-05-20T09:00:00Z", first);
    work();
    settled.rules = "\"rules\":{\"stop_pay_when_overdue\":{\"grace_days\":366}},";
    agree_terms(2, 612, "2012-05-21T09:00:00Z");
    ask("2012-04", "PREVIEW", "2012-05-22T09:00:00Z", second);
    work();
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE state = 'done'"), 2);
    ck_assert_int_gt(number("SELECT sum(units) FROM run_line WHERE basis = 'ADMITTED'"), 1000);
    ck_assert_int_gt(number("SELECT sum(units) FROM run_line WHERE basis = 'ASSESSMENT'"), 100);
    ck_assert_int_gt(number("SELECT count(*) FROM run_line"), 10);
    ck_assert_int_eq(number("SELECT count(*) FROM (SELECT line_key, units, pence FROM run_line GROUP BY 1, 2, 3"
                            " HAVING count(DISTINCT run) <> 2) x"),
                     0);
}
END_TEST

/* One cause that changes two settled months is one run; when something else arrives that changes nothing, none of the
 * months makes another. */
START_TEST(a_cause_is_settled_once_for_all_months)
{
    char id[IDENT_SIZE];
    settle_april(id);
    submit("2012-05", 1, 11, 0, "2012-06-05T09:00:00Z");
    ask("2012-05", "FREEZE", "2012-07-20T09:00:00Z", id);
    work();
    issue("rxa.one", "rxa.two", "2012-07-20T10:00:00Z");
    agree_terms(2, 600, "2012-07-21T09:00:00Z");
    resettle("2012-07-21T10:00:00Z");
    /* 10 rows, 61 days at £0.12 less = £73.20, and £1.83. */
    ck_assert_str_eq(value("SELECT concat_ws(' ', month, n, position_pence, billable_pence, balance_pence) FROM run"
                           " WHERE type = 'R'"),
                     "2012-04-01 1 184500 375150 -7503");
    resettle("2012-07-22T10:00:00Z");
    agree_terms(3, 600, "2012-07-23T09:00:00Z");
    resettle("2012-07-23T10:00:00Z");
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE type = 'R'"), 1);
    /* Back to the first price; the worker's clock is behind the one that the approval was read from. */
    agree_terms(4, 612, "2012-07-24T09:00:00Z");
    resettle("2012-07-24T08:59:58Z");
    ck_assert_str_eq(value("SELECT string_agg(concat_ws(' ', month, n, balance_pence), ', ' ORDER BY n) FROM run"
                           " WHERE type = 'R'"),
                     "2012-04-01 1 -7503, 2012-04-01 2 0");
    resettle("2012-07-25T10:00:00Z");
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE type = 'R'"), 2);
}
END_TEST

/* A run uses what is known when it is made. Terms that were agreed while it stood in the queue would otherwise be lost:
 * their re-settlement came before there was anything to settle again. */
START_TEST(what_became_known_while_a_run_was_queued_counts)
{
    char id[IDENT_SIZE];
    char resettlement[IDENT_SIZE];
    char problem[JOB_PROBLEM_SIZE] = "";
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", id);
    agree_terms(2, 600, "2012-06-20T09:30:00Z");
    set_clock("2012-06-20T09:30:00Z");
    ck_assert_int_eq(job_add(settled.worker.pg, "RXA", "resettle", CONTRACT, resettlement), PG_OK);
    struct job settle = claim();
    work();
    ck_assert_int_eq(settle_run(&settled.worker, &settle, problem), JOB_DONE);
    expect_run(id, "done 184500 0 184500");
    ck_assert_int_eq(number("SELECT count(*) FROM run WHERE known_at >= '2012-06-20T09:30:00Z'"), 1);
}
END_TEST

/* Re-settlement does not overlook an account whose first billing run another worker is just writing. */
START_TEST(resettlement_waits_for_a_first_freeze)
{
    char problem[JOB_PROBLEM_SIZE] = "";
    char id[IDENT_SIZE];
    struct pg *other = store_fixture_connect(&settled.store, "reckoner_worker");
    struct account_key account = {"RXA", CONTRACT, "5QE"};
    set_clock("2012-06-20T09:00:00Z");
    ck_assert_int_eq(job_add(settled.worker.pg, "RXA", "resettle", CONTRACT, id), PG_OK);
    struct job job = claim();
    ck_assert_int_eq(pg_begin(other), PG_OK);
    ck_assert_int_eq(account_lock(other, &account), PG_OK);
    ck_assert_int_eq(resettle_contract(&settled.worker, &job, problem), JOB_WAITS);
    pg_rollback(settled.worker.pg);
    pg_rollback(other);
    pg_free(other);
    ck_assert_int_eq(resettle_contract(&settled.worker, &job, problem), JOB_DONE);
    ck_assert_int_eq(number("SELECT count(*) FROM run"), 0);
}
END_TEST

/* An upload that began inside the window has an hour to arrive; a FREEZE does not pin the version before it. */
START_TEST(a_freeze_waits_for_an_upload_that_began_in_time)
{
    char id[IDENT_SIZE];
    char problem[JOB_PROBLEM_SIZE] = "";
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    store_fixture_sql(&settled.store,
                      "INSERT INTO submission (provider, no, id, month, state, uploaded_by, idempotency_key,"
                      " media_type, begun_at, receiving_until, sealed_key) VALUES ('RXA', 9, repeat('w', 20),"
                      " '2012-04-01', 'receiving', 'rxa.one', 'w', 'text/csv', '2012-06-14T22:59:00Z',"
                      " clock_timestamp() + interval '1 hour', '')");
    ask("2012-04", "FREEZE", "2012-06-14T23:10:00Z", id);
    struct job job = claim();
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_WAITS);
    pg_rollback(settled.worker.pg);
    /* It was cut off. */
    store_fixture_sql(&settled.store, "UPDATE submission SET receiving_until = clock_timestamp() WHERE no = 9");
    ck_assert_int_eq(settle_run(&settled.worker, &job, problem), JOB_DONE);
    expect_run(id, "done " APRIL " 0 " APRIL);
}
END_TEST

/* The lease goes to another worker while the first computes: nothing of the first may stay. */
START_TEST(a_worker_that_lost_its_lease_leaves_nothing)
{
    char id[IDENT_SIZE];
    char problem[JOB_PROBLEM_SIZE] = "";
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", id);
    struct job stale = claim();
    store_fixture_sql(&settled.store, "UPDATE job SET lease_until = clock_timestamp() - interval '1 second'");
    struct job fresh = claim();
    ck_assert_int_eq(settle_run(&settled.worker, &stale, problem), JOB_LOST);
    pg_rollback(settled.worker.pg);
    expect_run(id, "queued");
    ck_assert_int_eq(number("SELECT count(*) FROM document") + number("SELECT count(*) FROM signed_record"), 0);
    ck_assert_int_eq(settle_run(&settled.worker, &fresh, problem), JOB_DONE);
    expect_run(id, "done " APRIL " 0 " APRIL);
    /* A worker that died after its commit, before it heard of it: the job comes again and makes nothing. */
    store_fixture_sql(&settled.store, "UPDATE job SET state = 'queued', finished_at = NULL");
    work();
    ck_assert_int_eq(number("SELECT count(*) FROM statement"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM document"), 1);
}
END_TEST

START_TEST(a_failed_run_says_why_and_can_be_retried)
{
    char id[IDENT_SIZE];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", id);
    struct job job = claim();
    ck_assert_int_eq(settle_give_up(&settled.worker, &job, "The database was away."), PG_OK);
    expect_run(id, "failed");
    ck_assert_str_eq(value("SELECT reason FROM run"), "The database was away.");
    store_fixture_sql(&settled.store, "UPDATE job SET state = 'queued', lease = NULL, lease_until = NULL");
    work();
    expect_run(id, "done " APRIL " 0 " APRIL);
}
END_TEST

static void check_statement(int64_t seq, const char *previous, char sha256[65])
{
    char where[300];
    unsigned char bytes[65536];
    unsigned char signature[SIGNATURE_SIZE];
    json_t *statement = NULL;
    PGresult *r = NULL;
    struct pg_args a;
    static const struct pg_statement select_record = {
        "test_record",
        "SELECT x.bytes, x.signature, encode(x.sha256, 'hex') AS sha256 FROM reckoner.statement s"
        " JOIN reckoner.signed_record x ON x.id = s.record WHERE s.seq = $1",
        1};
    pg_args_init(&a);
    pg_arg_i64(&a, seq);
    ck_assert_int_eq(pg_run_one(settled.store.owner, &select_record, &a, &r), PG_OK);
    int length = pg_bytes(r, 0, "bytes", bytes, sizeof bytes);
    ck_assert_int_gt(length, 0);
    ck_assert_int_eq(pg_bytes(r, 0, "signature", signature, sizeof signature), SIGNATURE_SIZE);
    snprintf(sha256, 65, "%s", pg_text(r, 0, "sha256"));
    PQclear(r);
    ck_assert(public_key_verify(signer_public(settled.worker.signer), bytes, (size_t)length, signature));
    enum statement_check found = statement_check((const char *)bytes, (size_t)length, &statement, where, sizeof where);
    ck_assert_msg(found == STATEMENT_GOOD, "%d: %s", (int)found, where);
    const char *before = json_text(statement, "previous_sha256");
    ck_assert_str_eq(before == NULL ? "" : before, previous);
    ck_assert_str_eq(json_text(statement, "clock"), "demonstration");
    json_decref(statement);
}

/* The position of April with one text in the place of another, under its own digest. */
static void refused_position(const char *text, const char *other, const char *constraint)
{
    char sql[600];
    snprintf(sql, sizeof sql,
             "INSERT INTO reckoner.position SELECT provider, sha256(convert_to(b, 'UTF8')), b FROM (SELECT provider,"
             " replace(body, '%s', '%s') AS b FROM reckoner.position) x",
             text, other);
    store_fixture_refused(settled.store.owner, sql, constraint);
}

START_TEST(a_position_that_cannot_be_is_refused)
{
    char freeze[IDENT_SIZE];
    settle_april(freeze);
    ck_assert_int_eq(number("SELECT count(*) FROM position"), 1);
    refused_position("\"figures\":{", "\"figures\":{\"ceiling_pence\":0,", "position_within_bounds");
    refused_position("\"figures\":{", "\"figures\":{\"floor_pence\":99999999,", "position_within_bounds");
    refused_position("\"total_pence\":", "\"total_pence\":1", "position_stages_add_up");
    refused_position("\"notes\":[]", "\"notes\":[\"Said otherwise\"]", "position_same_inputs");
    refused_position("\"label\":\"", "\"label\":\"Another ", "position_same_inputs");
    ck_assert_int_eq(number("SELECT count(*) FROM position"), 1);
}
END_TEST

START_TEST(statements_are_signed_and_chained)
{
    char id[IDENT_SIZE];
    char first[65];
    char second[65];
    submit("2012-04", 1, 11, 0, "2012-05-03T09:00:00Z");
    ask("2012-04", "FLEX", "2012-05-20T09:00:00Z", id);
    work();
    ask("2012-04", "FREEZE", "2012-06-20T09:00:00Z", id);
    work();
    check_statement(1, "", first);
    check_statement(2, first, second);
    ck_assert_int_eq(number("SELECT count(*) FROM signing_key"), 1);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *suite = suite_create("settlement");
    TCase *t = tcase_create("settlement");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, settled_open, settled_close);
    tcase_add_test(t, flex_states_and_bills_nothing);
    tcase_add_test(t, a_month_from_freeze_to_credit_note);
    tcase_add_test(t, a_later_run_supersedes_an_unissued_draft);
    tcase_add_test(t, a_changed_price_is_a_reversal_and_a_line);
    tcase_add_test(t, a_later_month_bills_the_difference);
    tcase_add_test(t, a_month_without_activity_parks_and_has_a_way_out);
    tcase_add_test(t, a_balance_beyond_the_bound_parks);
    tcase_add_test(t, a_run_waits_for_an_upload_that_is_being_validated);
    tcase_add_test(t, a_run_waits_for_another_of_its_account);
    tcase_add_test(t, counting_alike_rows_gives_the_same_lines);
    tcase_add_test(t, a_cause_is_settled_once_for_all_months);
    tcase_add_test(t, what_became_known_while_a_run_was_queued_counts);
    tcase_add_test(t, resettlement_waits_for_a_first_freeze);
    tcase_add_test(t, a_freeze_waits_for_an_upload_that_began_in_time);
    tcase_add_test(t, a_worker_that_lost_its_lease_leaves_nothing);
    tcase_add_test(t, a_failed_run_says_why_and_can_be_retried);
    tcase_add_test(t, a_position_that_cannot_be_is_refused);
    tcase_add_test(t, statements_are_signed_and_chained);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
