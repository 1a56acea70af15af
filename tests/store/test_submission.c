/* Receiving uploads and the queue of jobs: keys, versions, leases, and what becomes of those who come too late. */
#include "base/pack.h"
#include "lib/store_fixture.h"
#include "signing/unseal.h"
#include "store/job.h"
#include "store/submission.h"
#include "worker/validate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_fixture f;
static struct pg *web;
static struct pg *worker;
static struct unseal_key unseal;
static month_t april;
static instant_t begun;
static int uploads;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    web = store_fixture_connect(&f, "reckoner_web");
    worker = store_fixture_connect(&f, "reckoner_worker");
    store_fixture_sign_in(&f, web, "rxa.one");
    uint8_t secret[SEAL_SECRET_KEY_SIZE];
    randombytes_buf(secret, sizeof secret);
    ck_assert(unseal_key_set(&unseal, secret));
    ck_assert(month_parse("2012-04", 7, &april));
    ck_assert(instant_parse("2012-05-08T09:00:00Z", 20, &begun));
}

static void teardown(void)
{
    pg_free(web);
    pg_free(worker);
    store_fixture_close(&f);
}

struct sent {
    char id[IDENT_SIZE];
    int64_t no;
    struct seal_stream seal;
};

static enum submission_reservation reserve(struct sent *s, const char *key, int64_t seconds)
{
    uint8_t sealed_key[SEAL_KEY_SIZE];
    char context[SEAL_CONTEXT_SIZE];
    ident_new(s->id);
    (void)snprintf(context, sizeof context, "RXA/%s", s->id);
    ck_assert(seal_begin(&s->seal, unseal.public, context, sealed_key));
    struct submission_upload u = {"RXA", april, s->id, "rxa.one", key,        "text/csv",        "identity",
                                  0,     -1,    -1,    begun,     sealed_key, sizeof sealed_key, seconds};
    enum submission_reservation outcome;
    ck_assert_int_eq(submission_reserve(web, &u, &outcome, &s->no), PG_OK);
    return outcome;
}

static enum pg_status add(struct sent *s, int64_t seq, const char *text, bool last)
{
    uint8_t packed[4096];
    uint8_t sealed[sizeof packed + SEAL_CHUNK_OVERHEAD];
    ck_assert_uint_le(strlen(text) + PACK_OVERHEAD, sizeof packed);
    size_t length = chunk_pack(text, strlen(text), packed);
    ck_assert(seal_chunk(&s->seal, packed, length, last, sealed));
    return submission_add_chunk(web, "RXA", s->no, seq, sealed, length + SEAL_CHUNK_OVERHEAD, 60);
}

/* Sends a text as a whole; the submission as received. */
static struct submission send_text(const char *text)
{
    struct sent s;
    struct submission received;
    char key[32];
    uint8_t sha256[32];
    (void)snprintf(key, sizeof key, "key-%d", uploads++);
    ck_assert_int_eq(reserve(&s, key, 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(add(&s, 0, text, true), PG_OK);
    (void)crypto_hash_sha256(sha256, (const unsigned char *)text, strlen(text));
    ck_assert_int_eq(pg_begin(web), PG_OK);
    ck_assert_int_eq(submission_lock_month(web, "RXA", april), PG_OK);
    ck_assert_int_eq(submission_complete(web, "RXA", s.no, begun, 1, (int64_t)strlen(text), sha256, &received), PG_OK);
    ck_assert_int_eq(pg_commit(web), PG_OK);
    return received;
}

static void expect_value(const char *sql, const char *value)
{
    ck_assert_str_eq(store_fixture_value(f.owner, sql), value);
}

START_TEST(a_key_belongs_to_one_upload)
{
    struct sent first;
    struct sent second;
    ck_assert_int_eq(reserve(&first, "same", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(reserve(&second, "same", 60), SUBMISSION_BUSY);
    ck_assert_int_eq(reserve(&second, "other", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(submission_abandon(web, "RXA", first.no), PG_OK);
    ck_assert_int_eq(reserve(&first, "same", 60), SUBMISSION_RESERVED);
    uint8_t sha256[32] = {1};
    struct submission received;
    ck_assert_int_eq(submission_complete(web, "RXA", first.no, begun, 0, 0, sha256, &received), PG_OK);
    ck_assert_int_eq(reserve(&second, "same", 60), SUBMISSION_KEY_USED);
}
END_TEST

/* Chunks are committed without waiting for the disk: a server that went down may have lost the latest. */
START_TEST(an_upload_with_a_chunk_missing_is_not_completed)
{
    struct sent s;
    struct submission received;
    uint8_t sha256[32] = {1};
    ck_assert_int_eq(reserve(&s, "missing", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(add(&s, 0, "half a file", false), PG_OK);
    ck_assert_int_eq(add(&s, 2, "the rest", true), PG_NONE);
    ck_assert_int_eq(submission_complete(web, "RXA", s.no, begun, 2, 19, sha256, &received), PG_NONE);
    ck_assert_int_eq(submission_complete(web, "RXA", s.no, begun, 1, 11, sha256, &received), PG_OK);
}
END_TEST

START_TEST(a_dead_upload_gives_its_key_back_and_takes_nothing_more)
{
    struct sent dead;
    struct sent next;
    struct submission received;
    uint8_t sha256[32] = {1};
    ck_assert_int_eq(reserve(&dead, "same", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(add(&dead, 0, "half a file", false), PG_OK);
    store_fixture_sql(&f, "UPDATE reckoner.submission SET receiving_until = clock_timestamp() - interval '1 second'");
    ck_assert_int_eq(reserve(&next, "same", 60), SUBMISSION_RESERVED);
    ck_assert_int_ne(dead.no, next.no);
    ck_assert_int_eq(add(&dead, 1, "the rest", true), PG_NONE);
    ck_assert_int_eq(submission_complete(web, "RXA", dead.no, begun, 1, 19, sha256, &received), PG_NONE);
    expect_value("SELECT count(*) FROM reckoner.submission_chunk", "0");
    expect_value("SELECT count(*) FROM reckoner.submission", "1");
}
END_TEST

START_TEST(the_worker_sweeps_dead_uploads_and_no_others)
{
    struct sent dead;
    struct sent alive;
    int64_t swept = -1;
    ck_assert_int_eq(reserve(&dead, "dead", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(add(&dead, 0, "half", false), PG_OK);
    store_fixture_sql(&f, "UPDATE reckoner.submission SET receiving_until = clock_timestamp() - interval '1 second'");
    ck_assert_int_eq(reserve(&alive, "alive", 60), SUBMISSION_RESERVED);
    (void)send_text("complete");
    ck_assert_int_eq(submission_sweep(worker, &swept), PG_OK);
    ck_assert_int_eq(swept, 1);
    expect_value("SELECT count(*) FROM reckoner.submission", "2");
    expect_value("SELECT count(*) FROM reckoner.submission_chunk", "1");
}
END_TEST

START_TEST(chunks_come_in_order_once)
{
    struct sent s;
    ck_assert_int_eq(reserve(&s, "k", 60), SUBMISSION_RESERVED);
    ck_assert_int_eq(add(&s, 0, "a", false), PG_OK);
    ck_assert_int_eq(add(&s, 0, "a", false), PG_NONE);
    ck_assert_int_eq(add(&s, 2, "c", false), PG_NONE);
    ck_assert_int_eq(add(&s, 1, "b", true), PG_OK);
    expect_value("SELECT count(*) || ' ' || max(chunks) FROM reckoner.submission_chunk, reckoner.submission", "2 2");
}
END_TEST

START_TEST(versions_count_up_and_a_completed_one_cannot_be_abandoned)
{
    struct submission one = send_text("one");
    struct submission two = send_text("two");
    ck_assert_int_eq(one.version, 1);
    ck_assert_int_eq(two.version, 2);
    ck_assert_int_eq(submission_abandon(web, "RXA", one.no), PG_OK);
    struct submission again;
    ck_assert_int_eq(submission_get(web, "RXA", one.id, &again), PG_OK);
    ck_assert_str_eq(again.state, "received");
    ck_assert_int_eq(memcmp(again.sha256, one.sha256, sizeof one.sha256), 0);
}
END_TEST

static void accept_version(int version)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "UPDATE reckoner.submission SET state = 'accepted', validated_at = now(), rows = 1,"
                   " payable_rows = 1 WHERE version = %d",
                   version);
    store_fixture_sql(&f, sql);
}

START_TEST(identical_is_only_the_current_accepted_version)
{
    struct submission one = send_text("one");
    struct submission found;
    ck_assert_int_eq(submission_find_identical(web, "RXA", april, one.sha256, "identity", 0, &found), PG_NONE);
    accept_version(1);
    ck_assert_int_eq(submission_find_identical(web, "RXA", april, one.sha256, "identity", 0, &found), PG_OK);
    ck_assert_str_eq(found.id, one.id);
    ck_assert_int_eq(submission_find_identical(web, "RXA", april + 1, one.sha256, "identity", 0, &found), PG_NONE);
    struct submission two = send_text("two");
    ck_assert_int_eq(submission_find_identical(web, "RXA", april, one.sha256, "identity", 0, &found), PG_NONE);
    accept_version(2);
    ck_assert_int_eq(submission_find_identical(web, "RXA", april, one.sha256, "identity", 0, &found), PG_NONE);
    ck_assert_int_eq(submission_find_identical(web, "RXA", april, two.sha256, "identity", 0, &found), PG_OK);
}
END_TEST

START_TEST(another_provider_sees_nothing)
{
    struct submission one = send_text("one");
    struct submission found;
    struct pg *other = store_fixture_connect(&f, "reckoner_web");
    store_fixture_sign_in(&f, other, "rxb.one");
    ck_assert_int_eq(submission_get(other, "RXA", one.id, &found), PG_NONE);
    ck_assert_int_eq(submission_abandon(other, "RXA", one.no), PG_OK);
    pg_free(other);
    ck_assert_int_eq(submission_get(web, "RXA", one.id, &found), PG_OK);
}
END_TEST

static void add_job(const char *kind, const char *subject, char id[IDENT_SIZE])
{
    ck_assert_int_eq(pg_begin(web), PG_OK);
    ck_assert_int_eq(job_add(web, "RXA", kind, subject, id), PG_OK);
    ck_assert_int_eq(pg_commit(web), PG_OK);
}

START_TEST(an_equal_queued_job_is_enough)
{
    char one[IDENT_SIZE];
    char two[IDENT_SIZE];
    struct job job;
    add_job("evaluate", "s", one);
    add_job("evaluate", "s", two);
    ck_assert_str_eq(one, two);
    ck_assert_int_eq(job_claim(worker, 60, &job), PG_OK);
    /* Once begun it may have missed what the new one is about. */
    add_job("evaluate", "s", two);
    ck_assert_str_ne(one, two);
    add_job("evaluate", "t", one);
    ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(a_job_has_one_holder_and_the_late_one_writes_nothing)
{
    char id[IDENT_SIZE];
    struct job slow;
    struct job quick;
    add_job("validate", "s", id);
    ck_assert_int_eq(job_claim(worker, 60, &slow), PG_OK);
    ck_assert_str_eq(slow.id, id);
    ck_assert_int_eq(slow.attempts, 1);
    ck_assert_int_eq(job_claim(worker, 60, &quick), PG_NONE);
    store_fixture_sql(&f, "UPDATE reckoner.job SET lease_until = clock_timestamp() - interval '1 second'");
    ck_assert_int_eq(job_renew(worker, &slow, 60), PG_OK);
    ck_assert_int_eq(job_claim(worker, 60, &quick), PG_NONE);
    store_fixture_sql(&f, "UPDATE reckoner.job SET lease_until = clock_timestamp() - interval '1 second'");
    ck_assert_int_eq(job_claim(worker, 60, &quick), PG_OK);
    ck_assert_int_eq(quick.attempts, 2);
    ck_assert_int_eq(job_renew(worker, &slow, 60), PG_NONE);
    ck_assert_int_eq(job_progress(worker, &slow, 1, -1), PG_NONE);
    ck_assert_int_eq(job_finish(worker, &slow), PG_NONE);
    ck_assert_int_eq(job_fail(worker, &slow, "late"), PG_NONE);
    ck_assert_int_eq(job_retry_later(worker, &slow, 0), PG_NONE);
    ck_assert_int_eq(job_finish(worker, &quick), PG_OK);
    ck_assert_int_eq(job_finish(worker, &quick), PG_NONE);
    expect_value("SELECT state FROM reckoner.job", "done");
}
END_TEST

START_TEST(a_failed_attempt_waits_its_pause)
{
    char id[IDENT_SIZE];
    struct job job;
    add_job("validate", "s", id);
    ck_assert_int_eq(job_claim(worker, 60, &job), PG_OK);
    ck_assert_int_eq(job_retry_later(worker, &job, 60000), PG_OK);
    ck_assert_int_eq(job_claim(worker, 60, &job), PG_NONE);
    store_fixture_sql(&f, "UPDATE reckoner.job SET run_after = clock_timestamp()");
    ck_assert_int_eq(job_claim(worker, 60, &job), PG_OK);
    ck_assert_int_eq(job.attempts, 2);
    ck_assert_int_eq(job_fail(worker, &job, "It cannot be done. Ask the operator."), PG_OK);
    struct job_state state;
    ck_assert_int_eq(job_latest(web, "RXA", "validate", "s", &state), PG_OK);
    ck_assert_str_eq(state.state, "failed");
    ck_assert_str_eq(state.problem, "It cannot be done. Ask the operator.");
}
END_TEST

/* Runs the handler on a submission, as the loop would. */
static enum job_outcome validate(const char *id, char *problem)
{
    char job_id[IDENT_SIZE];
    struct job job;
    char mode[] = "production";
    char references[] = "config";
    char spool[] = "/tmp";
    struct config config = {.mode = mode, .reference_dir = references, .spool_dir = spool, .worker_max_attempts = 5};
    struct clock clock = {NULL};
    uint8_t pseudonym_key[PSEUDONYM_KEY_SIZE] = {7};
    const unsigned char secret[SIGNING_SECRET_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct signer *signer = signer_from_secret(secret);
    ck_assert_ptr_nonnull(signer);
    store_fixture_first_key(worker, signer);
    struct worker w = {&config, &clock, worker, &unseal, signer, pseudonym_key, "test", false, NULL, NULL};
    add_job("validate", id, job_id);
    ck_assert_int_eq(job_claim(worker, 60, &job), PG_OK);
    enum job_outcome outcome = validate_run(&w, &job, problem);
    pg_rollback(worker);
    signer_close(signer);
    return outcome;
}

START_TEST(a_file_that_cannot_be_read_is_refused_with_its_findings)
{
    struct submission one = send_text("not,the,columns\n1,2,3\n");
    char problem[JOB_PROBLEM_SIZE] = "";
    ck_assert_int_eq(validate(one.id, problem), JOB_DONE);
    struct submission after;
    ck_assert_int_eq(submission_get(web, "RXA", one.id, &after), PG_OK);
    ck_assert_str_eq(after.state, "refused");
    expect_value("SELECT count(*) > 0 FROM reckoner.finding WHERE row_no = 0 AND rule IN ('F01', 'F02')", "t");
    expect_value("SELECT count(*) FROM reckoner.episode", "0");
    expect_value("SELECT count(*) FROM reckoner.receipt", "1");
    expect_value("SELECT state FROM reckoner.job", "done");
}
END_TEST

/* Evidence is kept by triggers; whoever tampers with it as the owner can put those aside. */
#define TAMPER "ALTER TABLE reckoner.submission_chunk DISABLE TRIGGER USER; "

START_TEST(chunks_that_were_tampered_with_fail_the_job_and_say_so)
{
    struct submission one = send_text("provider,month\n");
    char problem[JOB_PROBLEM_SIZE] = "";
    store_fixture_sql(&f, TAMPER
                      "UPDATE reckoner.submission_chunk SET sealed = set_byte(sealed, 3, 255 - get_byte(sealed, 3))");
    ck_assert_int_eq(validate(one.id, problem), JOB_FAILED);
    ck_assert_ptr_nonnull(strstr(problem, "cannot be read back"));
    store_fixture_sql(&f, TAMPER
                      "UPDATE reckoner.submission_chunk SET sealed = set_byte(sealed, 3, 255 - get_byte(sealed, 3))");
    store_fixture_sql(&f, "DELETE FROM reckoner.job");
    ck_assert_int_eq(validate(one.id, problem), JOB_DONE);
}
END_TEST

START_TEST(an_upload_without_its_last_chunk_is_noticed)
{
    struct submission one = send_text("provider,month\n");
    char problem[JOB_PROBLEM_SIZE] = "";
    store_fixture_sql(&f, TAMPER "DELETE FROM reckoner.submission_chunk");
    ck_assert_int_eq(validate(one.id, problem), JOB_FAILED);
    expect_value("SELECT state FROM reckoner.submission", "received");
    expect_value("SELECT count(*) FROM reckoner.finding", "0");
    expect_value("SELECT count(*) FROM reckoner.receipt", "0");
}
END_TEST

START_TEST(a_worker_that_lost_its_lease_writes_nothing)
{
    struct submission one = send_text("not,the,columns\n1,2,3\n");
    char problem[JOB_PROBLEM_SIZE] = "";
    /* The lease goes to somebody else as the job is claimed. */
    store_fixture_sql(&f,
                      "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " IF NEW.state = 'leased' THEN NEW.lease := 'bbbbbbbbbbbbbbbbbbbb'; END IF; RETURN NEW; END $$;"
                      " CREATE TRIGGER steal BEFORE UPDATE ON reckoner.job FOR EACH ROW EXECUTE FUNCTION steal()");
    ck_assert_int_eq(validate(one.id, problem), JOB_LOST);
    expect_value("SELECT state FROM reckoner.submission", "received");
    expect_value("SELECT count(*) FROM reckoner.finding", "0");
    expect_value("SELECT count(*) FROM reckoner.signed_record", "0");
    expect_value("SELECT count(*) FROM reckoner.audit_event WHERE act = 'submission.validate'", "0");
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("submission");
    TCase *tc = tcase_create("submission");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_key_belongs_to_one_upload);
    tcase_add_test(tc, an_upload_with_a_chunk_missing_is_not_completed);
    tcase_add_test(tc, a_dead_upload_gives_its_key_back_and_takes_nothing_more);
    tcase_add_test(tc, the_worker_sweeps_dead_uploads_and_no_others);
    tcase_add_test(tc, chunks_come_in_order_once);
    tcase_add_test(tc, versions_count_up_and_a_completed_one_cannot_be_abandoned);
    tcase_add_test(tc, identical_is_only_the_current_accepted_version);
    tcase_add_test(tc, another_provider_sees_nothing);
    tcase_add_test(tc, an_equal_queued_job_is_enough);
    tcase_add_test(tc, a_job_has_one_holder_and_the_late_one_writes_nothing);
    tcase_add_test(tc, a_failed_attempt_waits_its_pause);
    tcase_add_test(tc, a_file_that_cannot_be_read_is_refused_with_its_findings);
    tcase_add_test(tc, chunks_that_were_tampered_with_fail_the_job_and_say_so);
    tcase_add_test(tc, an_upload_without_its_last_chunk_is_noticed);
    tcase_add_test(tc, a_worker_that_lost_its_lease_writes_nothing);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
