/* Who sees which rows, and who may write what, through each database role. */
#include "lib/settled_account.h"
#include "lib/store_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLERS 8

static struct store_fixture f;
static struct pg *web;

static void setup(void)
{
    store_fixture_open(&f);
    store_fixture_seed(&f);
    settled_account(&f);
    web = store_fixture_connect(&f, "reckoner_web");
}

static void teardown(void)
{
    pg_free(web);
    store_fixture_close(&f);
}

/* Rows of each table that each caller sees. The seed has RXA with 5QE (settled) and 5QF, and RXB with 5QG; the auditor
 * was appointed by RXA and 5QF. */
static const struct {
    const char *table;
    int rows[CALLERS]; /* nobody, provider, other provider, coordinator, associate, stranger, auditor, operator */
} visible[] = {
    {"organisation", {7, 7, 7, 7, 7, 7, 7, 7}},
    {"audit_appointment", {0, 1, 0, 0, 1, 0, 2, 2}},
    {"person", {0, 2, 2, 2, 2, 2, 2, 14}},
    {"job", {0, 1, 1, 1, 0, 1, 1, 2}},
    {"contract", {0, 1, 1, 1, 1, 1, 1, 2}},
    {"account", {0, 2, 1, 2, 2, 1, 2, 3}},
    {"terms", {0, 1, 0, 1, 1, 0, 1, 0}},
    {"terms_approval", {0, 1, 0, 1, 1, 0, 1, 0}},
    {"window_exception", {0, 1, 0, 1, 1, 0, 1, 0}},
    {"achievement", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"rehearsal", {0, 1, 0, 0, 0, 0, 0, 0}},
    {"rehearsal_part", {0, 1, 0, 0, 0, 0, 0, 0}},
    {"submission", {0, 1, 1, 1, 1, 1, 1, 2}},
    {"column_mapping", {0, 1, 0, 0, 0, 0, 1, 0}},
    {"episode", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"severity", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"stake", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_line", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_pattern", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_practice", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_stretch", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_rank", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"finding_sum", {0, 2, 1, 1, 1, 1, 2, 0}},
    {"export", {0, 1, 0, 1, 0, 0, 0, 0}},
    {"export_chunk", {0, 1, 0, 1, 0, 0, 0, 0}},
    {"run", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"run_input", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"run_position", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"run_line", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"position", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"frozen_month", {0, 1, 0, 1, 1, 0, 1, 0}},
    {"document", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"document_line", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"document_reference", {0, 0, 0, 0, 0, 0, 0, 0}},
    {"ledger_posting", {0, 2, 0, 2, 0, 0, 2, 0}},
    {"statement", {0, 1, 0, 1, 0, 0, 1, 0}},
    {"receipt", {0, 1, 0, 1, 1, 0, 1, 0}},
    {"signed_record", {0, 2, 0, 2, 1, 0, 2, 0}},
    {"identifier_reading", {0, 1, 0, 0, 0, 0, 1, 0}},
};

static void check_rows(const char *caller, const char *table, int expected)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM reckoner.%s", table);
    char wanted[16];
    (void)snprintf(wanted, sizeof wanted, "%d", expected);
    const char *seen = store_fixture_value(web, sql);
    ck_assert_msg(strcmp(seen, wanted) == 0, "%s sees %s rows of %s instead of %d", caller, seen, table, expected);
}

static void fill_the_rest(void)
{
    store_fixture_sql(&f,
                      "INSERT INTO identifier_reading (provider, id, submission, organisation, person, purpose, rows,"
                      " state, asked_at) SELECT 'RXA', " ID("i1") ", 1, 'AUD', 'aud.one', 'a purpose of a test',"
                                                                  " '{1}', 'failed', '2012-06-01Z'");
    store_fixture_sql(&f,
                      "INSERT INTO terms_approval SELECT provider, contract, version, 'provider', digest, author,"
                      " 'RXA', 'rxa.two', '2012-04-02Z' FROM terms;"
                      "INSERT INTO window_exception (provider, contract, month, n, reason, asked_side, asked_by,"
                      " asked_at) VALUES ('RXA', " ID(
                          "a") ", '2012-04-01', 1, 'ten letters', 'provider',"
                               " 'rxa.one', '2012-06-01Z');"
                               "INSERT INTO column_mapping VALUES ('RXA', 1, '{\"columns\":{\"a\":\"h1\"}}', 'rxa.one',"
                               " '2012-06-01Z');"
                               "INSERT INTO achievement (provider, contract, commissioner, indicator, n, numerator,"
                               " denominator, evidence, proposed_side, proposed_by, proposed_at) VALUES ('RXA', " ID(
                                   "a") ","
                                        " '5QE', 'Q1', 1, 5, 6, 'seen', 'provider', 'rxa.one', '2012-06-01Z');" PROPOSE(
                                            "d1", "rxa.one"));
    store_fixture_sql(&f,
                      "INSERT INTO rehearsal (provider, id, month, state, uploaded_by, idempotency_key, media_type,"
                      " begun_at, completed_at, sealed_key, sha256, rehearsed_at, report) VALUES ('RXA', " ID(
                          "h") ", '2012-04-01', 'done', 'rxa.one', 'k', 'text/csv', '2012-05-01Z', '2012-05-01Z', 'k',"
                               " sha256('f'), '2012-05-01Z', '{}');"
                               "INSERT INTO rehearsal_part SELECT provider, no, 1, 'line' FROM rehearsal");
    store_fixture_sign_in(&f, web, "rxa.two");
    (void)store_fixture_value(web, "SELECT reckoner.issue_document('RXA', " ID("d1") ", NULL, '2012-06-03Z')");
}

START_TEST(each_caller_sees_its_rows)
{
    static const char *const callers[CALLERS] = {NULL,         "rxa.one",    "rxb.one", "pct5qe.one",
                                                 "pct5qf.one", "pct5qg.one", "aud.one", "opr.one"};
    fill_the_rest();
    for (size_t c = 0; c < CALLERS; c++) {
        if (callers[c] == NULL)
            (void)store_fixture_value(web, "SELECT reckoner.authenticate(NULL, clock_timestamp())");
        else
            store_fixture_sign_in(&f, web, callers[c]);
        for (size_t i = 0; i < sizeof visible / sizeof visible[0]; i++) {
            check_rows(callers[c] == NULL ? "nobody" : callers[c], visible[i].table, visible[i].rows[c]);
        }
    }
}
END_TEST

/* finding_page answers without the policies: it must show exactly what they do, whichever way it finds the rows. */
static void check_page(const char *caller, const char *provider, const char *id, const char *filter)
{
    char by_policy[900];
    char by_page[600];
    char shown[200];
    (void)snprintf(by_policy, sizeof by_policy,
                   "SELECT count(DISTINCT b.no) || coalesce(string_agg(concat_ws(':', f.row_no, f.rule, s.severity,"
                   " k.pence), ' ' ORDER BY f.row_no), '') FROM reckoner.submission b"
                   " LEFT JOIN reckoner.finding f ON f.provider = b.provider AND f.submission = b.no"
                   " LEFT JOIN reckoner.stake k ON k.provider = f.provider AND k.submission = f.submission"
                   " AND k.row_no = f.row_no LEFT JOIN reckoner.severity s ON s.provider = f.provider"
                   " AND s.submission = f.submission AND s.commissioner = f.commissioner AND s.rule = f.rule"
                   " WHERE b.provider = '%s' AND b.id = %s AND NOT reckoner.is_operator()",
                   provider, id);
    (void)snprintf(by_page, sizeof by_page,
                   "SELECT least(count(*), 1) || coalesce(string_agg(concat_ws(':', row_no, rule, severity, pence),"
                   " ' ' ORDER BY row_no) FILTER (WHERE row_no > 0), '') FROM reckoner.finding_page('%s', %s, %s, '',"
                   " 'P03', 0, 2147483647, -1, 10)",
                   provider, id, filter);
    (void)snprintf(shown, sizeof shown, "%s", store_fixture_value(web, by_policy));
    const char *page = store_fixture_value(web, by_page);
    ck_assert_msg(strcmp(page, shown) == 0, "%s, %s: page %s, policies %s (%s)", caller, provider, page, shown, filter);
}

START_TEST(a_page_shows_what_the_policies_show)
{
    static const char *const callers[CALLERS] = {NULL,         "rxa.one",    "rxb.one", "pct5qe.one",
                                                 "pct5qf.one", "pct5qg.one", "aud.one", "opr.one"};
    static const char *const filters[] = {"NULL, NULL", "'P03', NULL", "NULL, 'WARN'", "'P03', 'WARN'"};
    store_fixture_sql(&f, "INSERT INTO finding_stretch SELECT provider, submission, c, r, s, max(row_no),"
                          " array_agg(row_no ORDER BY row_no), array_agg(row_no ORDER BY row_no) FROM episode, "
                          "unnest(ARRAY[commissioner, '']) c,"
                          " unnest(ARRAY['P03', '']) r, unnest(ARRAY['WARN', '']) s GROUP BY 1, 2, 3, 4, 5"
                          " ON CONFLICT DO NOTHING");
    for (int evaluation = 0; evaluation < 2; evaluation++) {
        if (evaluation > 0)
            store_fixture_sql(&f, "UPDATE submission SET evaluation = 1");
        for (size_t c = 0; c < CALLERS; c++) {
            const char *caller = callers[c] == NULL ? "nobody" : callers[c];
            if (callers[c] == NULL)
                (void)store_fixture_value(web, "SELECT reckoner.authenticate(NULL, clock_timestamp())");
            else
                store_fixture_sign_in(&f, web, callers[c]);
            for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
                check_page(caller, "RXA", ID("s1"), filters[i]);
                check_page(caller, "RXB", ID("s2"), filters[i]);
            }
        }
    }
}
END_TEST

/* A new table must be put under a policy, or named here as one that holds nothing of any organisation. */
START_TEST(every_table_has_policies)
{
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class"
                                                  " WHERE relnamespace = 'reckoner'::regnamespace AND relkind = 'r'"
                                                  " AND NOT relrowsecurity"),
                     "document_counter reference_set review_periods rule schema_migration service_absence "
                     "service_presence signing_key token"
                     " worker_heartbeat");
}
END_TEST

/* No commissioner asks for a file of another's rows, nor of all; nobody but the provider for a fix-it file. */
#define ASK_EXPORT(id, kind, organisation, person, commissioner, more)                                                 \
    "INSERT INTO reckoner.export (provider, id, kind, format, organisation, person, asked_at, commissioner,"           \
    " first_month, last_month, submission, sealed_key) VALUES ('RXA', " ID(id) ", '" kind "', 'csv', '" organisation   \
                                                                               "', '" person                           \
                                                                               "', '2012-06-01Z', " commissioner       \
                                                                               ", " more ")"
START_TEST(an_export_is_of_ones_own_rows)
{
    static const struct {
        const char *person;
        bool allowed;
        const char *sql;
    } asked[] = {
        {"pct5qe.one", true,
         ASK_EXPORT("q1", "findings", "5QE", "pct5qe.one", "'5QE'", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"pct5qe.one", false,
         ASK_EXPORT("q2", "findings", "5QE", "pct5qe.one", "'5QF'", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"pct5qe.one", false,
         ASK_EXPORT("q2", "findings", "5QE", "pct5qe.one", "NULL", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"pct5qe.one", false,
         ASK_EXPORT("q2", "findings", "5QF", "pct5qe.one", "'5QF'", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"pct5qe.one", false, ASK_EXPORT("q2", "fix_it", "RXA", "pct5qe.one", "NULL", "NULL, NULL, 1, 'key'")},
        {"rxb.one", false,
         ASK_EXPORT("q2", "findings", "RXB", "rxb.one", "NULL", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"aud.one", false,
         ASK_EXPORT("q2", "findings", "AUD", "aud.one", "NULL", "'2012-04-01', '2012-04-01', NULL, NULL")},
        {"rxa.one", true, ASK_EXPORT("q3", "fix_it", "RXA", "rxa.one", "NULL", "NULL, NULL, 1, 'key'")},
    };
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        store_fixture_sign_in(&f, web, asked[i].person);
        enum pg_status status = store_fixture_try(web, asked[i].sql);
        ck_assert_msg(status == (asked[i].allowed ? PG_OK : PG_DENIED), "%zu: status %d (%s)", i, (int)status,
                      pg_message(web));
    }
}
END_TEST

START_TEST(sign_in_ends_with_the_token)
{
    store_fixture_sign_in(&f, web, "rxa.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT current_setting('reckoner.organisation')"), "RXA");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.authenticate(sha256('unknown'),"
                                              " clock_timestamp())"),
                     "0");
    ck_assert_str_eq(store_fixture_value(web, "SELECT current_setting('reckoner.organisation')"), "");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.authenticate(sha256('rxa.one'),"
                                              " '2112-04-01Z')"),
                     "0");
    store_fixture_sql(&f, "UPDATE person SET disabled_at = '2012-05-01Z' WHERE id = 'rxa.one'");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.authenticate(sha256('rxa.one'),"
                                              " clock_timestamp())"),
                     "0");
    store_fixture_sql(&f, "UPDATE person SET disabled_at = NULL; UPDATE token SET revoked_at = '2012-05-01Z'");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.authenticate(sha256('rxa.one'),"
                                              " clock_timestamp())"),
                     "0");
}
END_TEST

static void denied(struct pg *pg, const char *sql)
{
    enum pg_status status = store_fixture_try(pg, sql);
    ck_assert_msg(status == PG_DENIED, "status %d (%s) for %s", (int)status, pg_message(pg), sql);
}

START_TEST(the_web_role_lacks_rights)
{
    static const char *const refused[] = {
        "SELECT sealed FROM reckoner.submission_chunk",
        "SELECT sealed_key FROM reckoner.submission",
        "SELECT * FROM reckoner.submission",
        "SELECT * FROM reckoner.confidential_block",
        "SELECT * FROM reckoner.history_block",
        "SELECT * FROM reckoner.overlap_block",
        "SELECT * FROM reckoner.overlap_shown",
        "SELECT * FROM reckoner.cluster_move",
        "SELECT * FROM reckoner.identifier_block",
        "SELECT answer FROM reckoner.identifier_reading",
        "SELECT sealed_key FROM reckoner.identifier_reading",
        "UPDATE reckoner.identifier_reading SET state = 'released'",
        "DELETE FROM reckoner.identifier_reading",
        "INSERT INTO reckoner.identifier_reading SELECT * FROM reckoner.identifier_reading",
        "SELECT * FROM reckoner.token",
        "SELECT * FROM reckoner.audit_event",
        "SELECT reckoner.next_document_number('RXA')",
        "UPDATE reckoner.audit_event SET act = 'other.act'",
        "DELETE FROM reckoner.audit_event",
        "UPDATE reckoner.signed_record SET bytes = ''",
        "DELETE FROM reckoner.signed_record",
        "INSERT INTO reckoner.position VALUES ('RXA', sha256('x'), 'x')",
        "UPDATE reckoner.position SET body = ''",
        POSTING("d1", "1", "income", "1"),
        "DELETE FROM reckoner.ledger_posting",
        "UPDATE reckoner.run SET position_pence = 1",
        "UPDATE reckoner.document SET number = 1",
        "UPDATE reckoner.document SET balance_pence = 1",
        "INSERT INTO reckoner.run_line SELECT * FROM reckoner.run_line",
        "INSERT INTO reckoner.statement SELECT * FROM reckoner.statement",
        "INSERT INTO reckoner.episode SELECT * FROM reckoner.episode",
        "UPDATE reckoner.submission SET rows = 5",
        "UPDATE reckoner.organisation SET kind = 'operator'",
        "UPDATE reckoner.person SET role = 'operator'",
        "INSERT INTO reckoner.frozen_month SELECT * FROM reckoner.frozen_month",
        "UPDATE reckoner.schema_migration SET version = 9",
        "CREATE TABLE reckoner.mine (n integer)",
        "SET ROLE reckoner_migrate",
    };
    store_fixture_sign_in(&f, web, "rxa.one");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        denied(web, refused[i]);
}
END_TEST

START_TEST(writes_carry_the_caller)
{
    store_fixture_sign_in(&f, web, "rxa.one");
    store_fixture_done(
        web, "INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject) VALUES ('RXA',"
             " '2012-06-01Z', 'rxa.one', 'RXA', 'test.act', 'x')");
    denied(web, "INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject) VALUES ('RXA',"
                " '2012-06-01Z', 'rxa.two', 'RXA', 'test.act', 'x')");
    denied(web, "INSERT INTO reckoner.terms_approval SELECT provider, contract, version, 'provider', digest, author,"
                " 'RXA', 'rxa.two', '2012-04-02Z' FROM reckoner.terms");
    denied(web, "INSERT INTO reckoner.terms_approval SELECT provider, contract, version, 'commissioner', digest,"
                " author, '5QE', 'pct5qe.one', '2012-04-02Z' FROM reckoner.terms");
    denied(web, "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
                " created_at) VALUES ('RXB', " ID("c") ", 2013, 'live', 'x', '5QE', 'rxa.one', '2012-04-01Z')");
    denied(web, "INSERT INTO reckoner.submission (provider, id, month, state, uploaded_by, idempotency_key,"
                " media_type, begun_at, receiving_until, sealed_key) VALUES ('RXB', " ID(
                    "s9") ", '2012-04-01',"
                          " 'receiving', 'rxa.one', 'k', 'text/csv', '2012-05-10Z', '2012-05-10Z', 'key')");
    denied(web, "INSERT INTO reckoner.submission_chunk VALUES ('RXB', 2, 7, 'x')");
    denied(web, "INSERT INTO reckoner.job (provider, id, kind, subject) VALUES ('RXB', " ID("j9") ", 'settle', 'x')");
    denied(web, "UPDATE reckoner.job SET state = 'queued'");
    denied(web, "INSERT INTO reckoner.organisation (code, kind, name, live_from, created_at) VALUES ('RXC', 'provider',"
                " 'Third', '2012-04-01', '2012-04-01Z')");
    denied(web, "UPDATE reckoner.document SET state = 'proposed', proposed_by = 'rxa.two', proposed_at ="
                " '2012-06-02Z'");
    denied(web, "UPDATE reckoner.document SET state = 'superseded'");
    store_fixture_done(web, PROPOSE("d1", "rxa.one"));
    store_fixture_done(web,
                       "INSERT INTO reckoner.run (provider, id, contract, commissioner, month, type, n, state, cause,"
                       " requested_by, requested_at, known_at) VALUES ('RXA', " ID("r7") ", " ID(
                           "a") ", '5QF', '2012-04-01',"
                                " 'FLEX', 1, 'queued', 'asked', 'rxa.one', '2012-06-01Z', '2012-06-01Z')");
}
END_TEST

START_TEST(a_commissioner_makes_the_contract_it_coordinates)
{
#define CONTRACT_OF(coordinator, person)                                                                               \
    "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by, created_at)"   \
    " VALUES ('RXB', " ID("c") ", 2013, 'live', 'x', '" coordinator "', '" person "', '2012-04-01Z');"
    store_fixture_sign_in(&f, web, "pct5qe.one");
    denied(web, CONTRACT_OF("5QF", "pct5qe.one"));
    store_fixture_done(
        web, CONTRACT_OF("5QE", "pct5qe.one") "INSERT INTO reckoner.account (provider, contract, commissioner,"
                                              " financial_year) VALUES ('RXB', " ID("c") ", '5QE', 2013), ('RXB', " ID(
                                                  "c") ", '5QF', 2013)");
    denied(web, "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year) VALUES ('RXB', " ID(
                    "b") ", '5QE', 2012)");
}
END_TEST

START_TEST(another_organisation_changes_nothing)
{
    static const char *const acts[] = {
        "UPDATE reckoner.submission SET state = 'received'",
        "DELETE FROM reckoner.submission",
        "UPDATE reckoner.document SET state = 'proposed'",
        "UPDATE reckoner.run SET state = 'queued'",
        "UPDATE reckoner.terms SET state = 'withdrawn'",
        "UPDATE reckoner.window_exception SET decision = 'granted'",
        "UPDATE reckoner.achievement SET agreed_by = NULL",
        "UPDATE reckoner.organisation SET name = 'x'",
        "DELETE FROM reckoner.idempotency",
    };
    static const char *const callers[] = {"rxb.one", "pct5qg.one", "aud.one"};
    store_fixture_sql(&f, "INSERT INTO idempotency (organisation, person, key, operation, request_sha256, status, "
                          "body, created_at) VALUES ('RXA', 'rxa.one', 'k', 'POST /', sha256('x'), 201,"
                          " '{}', '2012-04-01Z'); DELETE FROM job; INSERT INTO window_exception (provider, contract,"
                          " month, n, reason, asked_side, asked_by, asked_at) VALUES ('RXA', " ID(
                              "a") ", '2012-04-01',"
                                   " 1, 'ten letters', 'provider', 'rxa.one', '2012-06-01Z');"
                                   "ALTER TABLE submission DISABLE TRIGGER submission_kept;"
                                   "DELETE FROM submission WHERE provider = 'RXB'");
    for (size_t c = 0; c < sizeof callers / sizeof callers[0]; c++) {
        store_fixture_sign_in(&f, web, callers[c]);
        for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
            PGresult *r = PQexec(pg_raw(web), acts[i]);
            ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK && pg_affected(r) == 0, "%s: %s changed rows: %s",
                          callers[c], acts[i], PQresultErrorMessage(r));
            PQclear(r);
        }
    }
}
END_TEST

/* Identities are asked for and released through two functions alone, which know their callers. */
START_TEST(only_an_appointed_controlled_environment_reads_identities)
{
#define ASK                                                                                                            \
    "SELECT reckoner.ask_identifiers('RXA', (SELECT 'bcdfghjklmnpqrstvwxz'), " ID("i1") ", " ID(                       \
        "j7") ", '{1}',"                                                                                               \
              " 'a purpose of a test', 'key', '2012-06-01Z', 'request', NULL)"
#define TAKE "SELECT reckoner.release_identifiers('RXA', " ID("i1") ", '2012-06-01Z', '2012-06-01Z', 'request', NULL)"
    static const char *const callers[] = {"rxa.one", "rxb.one", "pct5qe.one", "aud.one", "opr.one", "xce.one"};
    store_fixture_sql(&f, "INSERT INTO organisation (code, kind, name, live_from, created_at) VALUES ('XCE',"
                          " 'controlled', 'Environment', '2012-04-01', '2012-04-01Z');"
                          "INSERT INTO person (id, organisation, role, name, created_at) VALUES ('xce.one', 'XCE',"
                          " 'controlled', 'One', '2012-04-01Z');"
                          "ALTER TABLE submission DISABLE TRIGGER submission_kept;"
                          "UPDATE submission SET id = 'bcdfghjklmnpqrstvwxz', rows = 2 WHERE provider = 'RXA'");
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        store_fixture_sign_in(&f, web, callers[i]);
        ck_assert_msg(store_fixture_try(web, ASK) == PG_REFUSED, "%s asks", callers[i]);
        ck_assert_str_eq(store_fixture_value(web, "SELECT reckoner.reads_identities_of('RXA')"), "f");
    }
    store_fixture_sql(&f, "INSERT INTO audit_appointment (auditor, kind, organisation, appointed_at) VALUES ('XCE',"
                          " 'controlled', 'RXA', '2012-04-01Z')");
    store_fixture_done(web, ASK);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT person || ' ' || act FROM reckoner.audit_event"
                                                  " ORDER BY id DESC LIMIT 1"),
                     "xce.one identifiers.ask");
    store_fixture_sql(&f, "UPDATE identifier_reading SET state = 'ready', sealed_key = NULL, answer = 'sealed',"
                          " expires_at = '2012-06-02Z'");
    for (size_t i = 0; i + 1 < sizeof callers / sizeof callers[0]; i++) {
        store_fixture_sign_in(&f, web, callers[i]);
        ck_assert_msg(store_fixture_try(web, TAKE) == PG_REFUSED, "%s takes", callers[i]);
    }
    store_fixture_sign_in(&f, web, "xce.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.episode"), "0");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.submission"), "1");
    store_fixture_done(web, TAKE);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT state || ' ' || (answer IS NULL) FROM"
                                                  " reckoner.identifier_reading"),
                     "released true");
    ck_assert_int_eq(store_fixture_try(web, TAKE), PG_REFUSED);
}
END_TEST

START_TEST(the_operator_queues_failed_jobs_again)
{
    store_fixture_sql(&f, "UPDATE job SET state = 'failed', problem = 'x'");
    store_fixture_sign_in(&f, web, "opr.one");
    store_fixture_done(web, "UPDATE reckoner.job SET state = 'queued', problem = NULL WHERE provider = 'RXA'");
    store_fixture_done(
        web, "INSERT INTO reckoner.organisation (code, kind, name, live_from, created_at) VALUES ('RXC', 'provider',"
             " 'Third', '2012-04-01', '2012-04-01Z')");
    ck_assert_str_eq(store_fixture_value(web, "SELECT state FROM reckoner.job WHERE provider = 'RXA'"), "queued");
}
END_TEST

START_TEST(the_worker_sees_all_and_lacks_rights)
{
    struct pg *worker = store_fixture_connect(&f, "reckoner_worker");
    ck_assert_str_eq(store_fixture_value(worker, "SELECT count(*) FROM reckoner.episode"), "3");
    denied(worker, "SELECT * FROM reckoner.token");
    denied(worker, "SELECT body FROM reckoner.idempotency");
    denied(worker, "UPDATE reckoner.audit_event SET act = 'other.act'");
    denied(worker, "DELETE FROM reckoner.position");
    denied(worker, "UPDATE reckoner.signed_record SET bytes = ''");
    denied(worker, POSTING("d1", "1", "income", "1"));
    denied(worker, "UPDATE reckoner.document SET state = 'issued', number = 1");
    denied(worker, "INSERT INTO reckoner.terms SELECT * FROM reckoner.terms");
    denied(worker, "UPDATE reckoner.terms SET state = 'approved'");
    denied(worker, "INSERT INTO reckoner.person SELECT * FROM reckoner.person");
    denied(worker, "SELECT reckoner.authenticate(NULL, NULL)");
    denied(worker, "SELECT reckoner.issue_document('RXA', 'x', NULL, '2012-06-03Z')");
    store_fixture_done(worker, "UPDATE reckoner.document SET state = 'superseded', superseded_at = '2012-06-03Z'");
    pg_free(worker);
}
END_TEST

START_TEST(the_auditor_role_reads_all_but_secrets)
{
    struct pg *auditor = store_fixture_connect(&f, "reckoner_auditor");
    ck_assert_str_eq(store_fixture_value(auditor, "SELECT count(*) FROM reckoner.episode"), "3");
    ck_assert_str_eq(store_fixture_value(auditor, "SELECT count(*) FROM reckoner.audit_event"), "1");
    denied(auditor, "SELECT * FROM reckoner.confidential_block");
    denied(auditor, "SELECT * FROM reckoner.history_block");
    denied(auditor, "SELECT * FROM reckoner.overlap_block");
    denied(auditor, "SELECT * FROM reckoner.submission_chunk");
    denied(auditor, "SELECT sealed_key FROM reckoner.submission");
    denied(auditor, "SELECT * FROM reckoner.token");
    denied(auditor, "SELECT * FROM reckoner.idempotency");
    denied(auditor, "UPDATE reckoner.run SET cause = 'x'");
    denied(auditor,
           "INSERT INTO reckoner.job (provider, id, kind, subject) VALUES ('RXA', " ID("j9") ", 'settle', 'x')");
    pg_free(auditor);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("visibility");
    TCase *tc = tcase_create("visibility");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_caller_sees_its_rows);
    tcase_add_test(tc, a_page_shows_what_the_policies_show);
    tcase_add_test(tc, every_table_has_policies);
    tcase_add_test(tc, an_export_is_of_ones_own_rows);
    tcase_add_test(tc, sign_in_ends_with_the_token);
    tcase_add_test(tc, the_web_role_lacks_rights);
    tcase_add_test(tc, writes_carry_the_caller);
    tcase_add_test(tc, a_commissioner_makes_the_contract_it_coordinates);
    tcase_add_test(tc, another_organisation_changes_nothing);
    tcase_add_test(tc, only_an_appointed_controlled_environment_reads_identities);
    tcase_add_test(tc, the_operator_queues_failed_jobs_again);
    tcase_add_test(tc, the_worker_sees_all_and_lacks_rights);
    tcase_add_test(tc, the_auditor_role_reads_all_but_secrets);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
