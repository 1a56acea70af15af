#include "lib/settlement_fixture.h"

#include "base/parse.h"
#include "domain/terms.h"
#include "store/document.h"
#include "worker/resettle.h"
#include "worker/settle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settled settled;

static struct config config;
static struct clock product_clock;
static const uint8_t pseudonym_key[PSEUDONYM_KEY_SIZE] = {1};
static char clock_path[] = "/tmp/reckoner-settlement.XXXXXX";

static const char terms_format[] =
    "{\"@purpose\":\"reckoner/terms/1\",\"mode\":\"live\",\"financial_year\":2012,\"effective_from\":\"2012-04\","
    "%s\"prices\":[{\"cluster\":\"04\",\"basis\":\"DAY\",\"pence\":%d},"
    "{\"cluster\":\"05\",\"basis\":\"ADMITTED\",\"pence\":31000},"
    "{\"cluster\":\"05\",\"basis\":\"NONADMITTED\",\"pence\":1700},"
    "{\"cluster\":\"05\",\"basis\":\"ADMITTED\",\"pence\":32000,\"service\":\"S1\"},"
    "{\"cluster\":\"05\",\"basis\":\"NONADMITTED\",\"pence\":1800,\"service\":\"S1\"},"
    "{\"cluster\":\"04\",\"basis\":\"ASSESSMENT\",\"pence\":20000}],"
    "\"plan\":{\"lines\":[{\"cluster\":\"04\",\"basis\":\"DAY\",\"units\":[300,310,300,310,310,300,310,300,310,310,280,"
    "310]}],\"sums\":[]},"
    "\"cquin\":{\"rate\":\"2.5%%\",\"on_account\":\"100%%\",\"indicators\":[{\"id\":\"reviews\",\"label\":\"Reviews\","
    "\"weight\":\"100%%\",\"measure\":\"step\",\"thresholds\":[{\"at\":\"80%%\",\"earns\":\"100%%\"}]}]},"
    "\"billing\":{\"method\":\"actual\",\"bill_flex\":false,\"sanity_bound\":\"150%%\"},"
    "\"calendar\":{\"flex\":{\"operational_days\":10},\"freeze\":{\"operational_days\":30}},"
    "\"parties\":{\"RXA\":{\"name\":\"First Trust\",\"address\":[\"Chester\"]},"
    "\"5QE\":{\"name\":\"First PCT\",\"address\":[\"Oxford\"],\"buyer_reference\":\"PO-1\"},"
    "\"5QF\":{\"name\":\"Second PCT\",\"address\":[\"Oxford\"],\"buyer_reference\":\"PO-2\"}}}";

void agree_terms(int version, int price_pence, const char *at)
{
    char text[4096];
    char sql[8192];
    struct json_problem problem = {"", ""};
    snprintf(text, sizeof text, terms_format, settled.rules, price_pence);
    json_t *json = json_read(text, strlen(text), &problem);
    ck_assert_msg(json != NULL, "%s %s", problem.field, problem.message);
    struct terms *t = terms_parse(json, &problem);
    ck_assert_msg(t != NULL, "%s %s", problem.field, problem.message);
    size_t length = 0;
    char *body = terms_canonical(t, &length);
    ck_assert_ptr_nonnull(body);
    snprintf(sql, sizeof sql,
             "INSERT INTO terms (provider, contract, version, mode, effective_from, digest, body, author, created_at,"
             " state, known_from) VALUES ('RXA', '" CONTRACT "', %d, 'live', '2012-04-01', sha256('%s'), '%s',"
             " 'rxa.one', '%s', 'approved', '%s')",
             version, body, body, at, at);
    store_fixture_sql(&settled.store, sql);
    free(body);
    terms_free(t);
    json_decref(json);
}

static int64_t submission_count;

void submit(const char *month, int version, int rows, int failed, const char *begun_at)
{
    char sql[4096];
    char id[IDENT_SIZE];
    ident_new(id);
    submission_count++;
    snprintf(
        sql, sizeof sql,
        "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by, idempotency_key, media_type,"
        " begun_at, completed_at, sealed_key, bytes, sha256, validated_at, rows, payable_rows, rule_set) VALUES"
        " ('RXA', %lld, '%s', '%s-01', %d, 'accepted', 'rxa.one', '%s', 'text/csv', '%s', '%s', '', 1000,"
        " sha256('%s'), '%s', %d, %d, 'rules');"
        "INSERT INTO episode (provider, submission, row_no, episode_id, patient, commissioner, cluster, start_date,"
        " mhct_date, mhct_reason, admitted_days, assessment_only, continues, approved, minor, failed)"
        " SELECT 'RXA', %lld, i, 'E' || i, md5(i::text)::uuid, CASE i WHEN 1 THEN '5QF' ELSE '5QE' END, '04',"
        " '2012-01-01', '2012-01-01', 11, 0, false, false, false, false, CASE WHEN i > %d THEN 1 ELSE 0 END"
        " FROM generate_series(1, %d) i",
        (long long)submission_count, id, month, version, id, begun_at, begun_at, id, begun_at, rows, rows - failed,
        (long long)submission_count, rows - failed, rows);
    store_fixture_sql(&settled.store, sql);
}

void set_clock(const char *instant)
{
    FILE *file = fopen(clock_path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fprintf(file, "%s\n", instant), 0);
    ck_assert_int_eq(fclose(file), 0);
}

const char *value(const char *sql)
{
    return store_fixture_value(settled.store.owner, sql);
}

int64_t number(const char *sql)
{
    int64_t n = 0;
    const char *text = value(sql);
    ck_assert_msg(parse_i64(text, strlen(text), &n), "%s gives \"%s\"", sql, text);
    return n;
}

struct job claim(void)
{
    struct job job;
    ck_assert_int_eq(job_claim(settled.worker.pg, 60, &job), PG_OK);
    return job;
}

void ask(const char *month, const char *type, const char *at, char id[IDENT_SIZE])
{
    struct run run;
    char job[IDENT_SIZE];
    memset(&run, 0, sizeof run);
    snprintf(run.account.provider, sizeof run.account.provider, "RXA");
    snprintf(run.account.contract, sizeof run.account.contract, CONTRACT);
    snprintf(run.account.commissioner, sizeof run.account.commissioner, "5QE");
    snprintf(run.type, sizeof run.type, "%s", type);
    snprintf(run.cause, sizeof run.cause, "asked for by the provider");
    snprintf(run.requested_by, sizeof run.requested_by, "rxa.one");
    ck_assert(month_parse(month, strlen(month), &run.month));
    ck_assert(instant_parse(at, strlen(at), &run.requested_at));
    run.known_at = run.requested_at;
    set_clock(at);
    ck_assert_int_eq(run_insert(settled.worker.pg, &run), PG_OK);
    ck_assert_int_eq(
        job_add(settled.worker.pg, "RXA", strcmp(type, "PREVIEW") == 0 ? "preview" : "settle", run.id, job), PG_OK);
    memcpy(id, run.id, IDENT_SIZE);
}

void work(void)
{
    char problem[JOB_PROBLEM_SIZE] = "";
    struct job job = claim();
    enum job_outcome outcome = strcmp(job.kind, "resettle") == 0 ? resettle_contract(&settled.worker, &job, problem)
                                                                 : settle_run(&settled.worker, &job, problem);
    ck_assert_msg(outcome == JOB_DONE, "outcome %d: %s", (int)outcome, problem);
    ck_assert(!pg_in_transaction(settled.worker.pg));
}

void expect_run(const char *id, const char *expected)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "SELECT concat_ws(' ', state, position_pence, billed_pence, balance_pence) FROM run WHERE id = '%s'", id);
    ck_assert_str_eq(value(sql), expected);
}

void resettle(const char *at)
{
    char job[IDENT_SIZE];
    set_clock(at);
    ck_assert_int_eq(job_add(settled.worker.pg, "RXA", "resettle", CONTRACT, job), PG_OK);
    work();
}

void issue(const char *maker, const char *checker, const char *at)
{
    struct pg *web = store_fixture_connect(&settled.store, "reckoner_web");
    char id[IDENT_SIZE];
    instant_t instant = 0;
    int64_t given = 0;
    ck_assert(instant_parse(at, strlen(at), &instant));
    snprintf(id, sizeof id, "%s", value("SELECT id FROM document WHERE state = 'draft'"));
    store_fixture_sign_in(&settled.store, web, maker);
    ck_assert_int_eq(document_propose(web, "RXA", id, 1, maker, instant), PG_OK);
    ck_assert_int_eq(document_issue(web, "RXA", id, 2, instant, NULL, &given), PG_REFUSED);
    ck_assert_ptr_nonnull(strstr(pg_message(web), "same_person"));
    store_fixture_sign_in(&settled.store, web, checker);
    ck_assert_int_eq(document_issue(web, "RXA", id, 1, instant, NULL, &given), PG_REFUSED);
    ck_assert_ptr_nonnull(strstr(pg_message(web), "precondition_failed"));
    ck_assert_int_eq(document_issue(web, "RXA", id, 2, instant, NULL, &given), PG_OK);
    pg_free(web);
}

void settled_open(void)
{
    unsigned char secret[SIGNING_SECRET_SIZE];
    store_fixture_open(&settled.store);
    store_fixture_seed(&settled.store);
    ck_assert_int_eq(store_fixture_try(settled.store.owner, "SET search_path = reckoner, pg_catalog"), PG_OK);
    int fd = mkstemp(clock_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    char mode[] = "demonstration";
    char reference[] = "config";
    memset(&config, 0, sizeof config);
    config.mode = strdup(mode);
    config.reference_dir = strdup(reference);
    product_clock.file = clock_path;
    memset(secret, 7, sizeof secret);
    settled.worker.pseudonym_key = pseudonym_key;
    settled.worker.config = &config;
    settled.worker.clock = &product_clock;
    settled.worker.pg = store_fixture_connect(&settled.store, "reckoner_worker");
    settled.worker.signer = signer_from_secret(secret);
    ck_assert_ptr_nonnull(settled.worker.signer);
    store_fixture_first_key(settled.worker.pg, settled.worker.signer);
    settled.worker.name = "test";
    submission_count = 0;
    settled.rules = "";
    agree_terms(1, 612, "2012-04-02T09:00:00Z");
}

void settled_close(void)
{
    pg_free(settled.worker.pg);
    signer_close((struct signer *)settled.worker.signer);
    free(config.mode);
    free(config.reference_dir);
    unlink(clock_path);
    memcpy(clock_path + sizeof clock_path - 7, "XXXXXX", 6);
    store_fixture_close(&settled.store);
}
