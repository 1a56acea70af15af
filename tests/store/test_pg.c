/* The connection: statements, types, what failures mean, and what happens when the server goes. */
#include "base/clock.h"
#include "lib/store_fixture.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct store_fixture f;
static struct pg *pg;

static void setup(void)
{
    store_fixture_open_empty(&f);
    pg = store_fixture_connect(&f, "reckoner_migrate");
    store_fixture_sql(&f,
                      "CREATE SCHEMA reckoner; CREATE TABLE reckoner.t (id integer PRIMARY KEY, name text NOT NULL"
                      " CONSTRAINT short CHECK (length(name) < 10), day date, at timestamptz, bytes bytea, ok boolean,"
                      " big bigint, small smallint)");
}

static void teardown(void)
{
    pg_free(pg);
    store_fixture_close(&f);
}

static enum pg_status run(const char *name, const char *sql)
{
    struct pg_statement s = {.name = name, .sql = sql};
    return pg_run(pg, &s, NULL, NULL);
}

START_TEST(values_come_back_as_they_went)
{
    static const struct pg_statement echo = {
        "echo",
        "SELECT $1::text AS t, $2::bigint AS i, $3::boolean AS b, $4::date AS d,"
        " $5::date AS m, (extract(epoch FROM $6::timestamptz) * 1000000)::bigint AS"
        " at, $7::bytea AS y, $8::text AS n, $9::date AS nd, NULL::bigint AS na",
        9};
    static const unsigned char bytes[] = {0, 1, 0xff, '\\', 'x', 0};
    unsigned char back[16];
    struct pg_args a;
    PGresult *r;
    pg_args_init(&a);
    pg_arg_text(&a, "text with 'quotes'");
    pg_arg_i64(&a, INT64_MIN);
    pg_arg_bool(&a, true);
    pg_arg_date(&a, date_from_civil((struct civil){2012, 2, 29}));
    pg_arg_month(&a, 2012 * 12 + 3);
    pg_arg_instant(&a, INT64_C(1336640400123456));
    pg_arg_bytes(&a, bytes, sizeof bytes);
    pg_arg_null(&a);
    pg_arg_date(&a, DATE_NONE);
    ck_assert_int_eq(pg_run_one(pg, &echo, &a, &r), PG_OK);
    ck_assert_str_eq(pg_text(r, 0, "t"), "text with 'quotes'");
    ck_assert(pg_i64(r, 0, "i") == INT64_MIN);
    ck_assert(pg_bool(r, 0, "b"));
    ck_assert_int_eq(pg_date(r, 0, "d"), date_from_civil((struct civil){2012, 2, 29}));
    ck_assert_int_eq(pg_month(r, 0, "m"), 2012 * 12 + 3);
    ck_assert(pg_instant(r, 0, "at") == INT64_C(1336640400123456));
    ck_assert_int_eq(pg_bytes(r, 0, "y", back, sizeof back), (int)sizeof bytes);
    ck_assert_mem_eq(back, bytes, sizeof bytes);
    ck_assert_int_eq(pg_bytes(r, 0, "y", back, sizeof bytes - 1), -1);
    ck_assert_int_eq(pg_bytes(r, 0, "n", back, sizeof back), -1);
    ck_assert(pg_is_null(r, 0, "n") && !pg_is_null(r, 0, "t"));
    ck_assert_str_eq(pg_text(r, 0, "n"), "");
    ck_assert_int_eq(pg_date(r, 0, "nd"), DATE_NONE);
    ck_assert(pg_instant(r, 0, "na") == INSTANT_NONE);
    PQclear(r);
}
END_TEST

START_TEST(binary_results)
{
    static const struct pg_statement s = {"binary", "SELECT '\\x00ff41'::bytea AS y", 0};
    PGresult *r;
    ck_assert_int_eq(pg_run_binary(pg, &s, NULL, &r), PG_OK);
    ck_assert_int_eq(PQgetlength(r, 0, 0), 3);
    ck_assert_mem_eq(PQgetvalue(r, 0, 0), "\0\377A", 3);
    PQclear(r);
}
END_TEST

/* Asked for first and had afterwards; a failure is told with the answer, and the connection goes on. */
START_TEST(answers_are_had_afterwards)
{
    static const struct pg_statement zeroes = {"zeroes", "SELECT decode(repeat('00', $1::integer), 'hex') AS y", 1};
    static const struct pg_statement fails = {"fails", "SELECT 1 / $1::integer", 1};
    PGresult *r = NULL;
    struct pg_args a;
    for (int64_t length = 1; length <= 1000000; length *= 1000) { /* the last is more than a socket holds */
        pg_args_init(&a);
        pg_arg_i64(&a, length);
        ck_assert_int_eq(pg_ask_binary(pg, &zeroes, &a), PG_OK);
        ck_assert_int_eq(pg_answer(pg, &r), PG_OK);
        ck_assert_int_eq(PQgetlength(r, 0, 0), (int)length);
        PQclear(r);
    }
    pg_args_init(&a);
    ck_assert_int_eq(pg_ask_binary(pg, &zeroes, &a), PG_FAILED); /* another number of parameters */
    pg_arg_i64(&a, 0);
    ck_assert_int_eq(pg_ask_binary(pg, &fails, &a), PG_OK);
    ck_assert_int_eq(pg_answer(pg, &r), PG_INVALID);
    ck_assert_ptr_null(r);
    ck_assert_int_eq(pg_script(pg, "DEALLOCATE ALL"), PG_OK);
    pg_args_init(&a);
    pg_arg_i64(&a, 1);
    ck_assert_int_eq(pg_ask_binary(pg, &zeroes, &a), PG_OK);
    ck_assert_int_eq(pg_answer(pg, &r), PG_RETRY); /* it was forgotten */
    ck_assert_int_eq(pg_ask_binary(pg, &zeroes, &a), PG_OK);
    ck_assert_int_eq(pg_answer(pg, &r), PG_OK);
    PQclear(r);
}
END_TEST

START_TEST(rows_counted_and_missed)
{
    static const struct pg_statement none = {"none", "SELECT 1 AS one WHERE false", 0};
    static const struct pg_statement insert = {"insert",
                                               "INSERT INTO reckoner.t (id, name) SELECT n, 'x' FROM"
                                               " generate_series(1, $1::integer) n",
                                               1};
    struct pg_args a;
    PGresult *r = (PGresult *)&a;
    enum pg_status status;
    ck_assert_int_eq(pg_run_one(pg, &none, NULL, &r), PG_NONE);
    ck_assert_ptr_null(r);
    ck_assert_int_eq(pg_run(pg, &none, NULL, NULL), PG_OK);
    pg_args_init(&a);
    pg_arg_i64(&a, 3);
    ck_assert_int_eq(pg_run_count(pg, &insert, &a, &status), 3);
    ck_assert_int_eq(status, PG_OK);
    ck_assert_int_eq(pg_run_count(pg, &insert, &a, &status), -1);
    ck_assert_int_eq(status, PG_DUPLICATE);
    ck_assert_int_eq(pg_run(pg, &insert, NULL, NULL), PG_FAILED);
}
END_TEST

/* One statement per SQLSTATE that we tell apart. */
static const struct {
    const char *sql;
    enum pg_status status;
    const char *message; /* what it must contain */
} failures[] = {
    {"INSERT INTO reckoner.t (id, name) SELECT 1, 'secret' FROM generate_series(1, 2)", PG_DUPLICATE, "t_pkey"},
    {"INSERT INTO reckoner.t (id, name) VALUES (1, 'secret too long')", PG_INVALID, "23514 table t constraint short"},
    {"INSERT INTO reckoner.t (id) VALUES (1)", PG_INVALID, "23502 table t column name"},
    {"SELECT 'secret'::integer", PG_INVALID, "22P02"},
    {"SELECT 1 / 0", PG_INVALID, "22012"},
    {"DO $$ BEGIN RAISE EXCEPTION 'stale_draft' USING ERRCODE = 'P0001'; END $$", PG_REFUSED, "stale_draft"},
    {"SELECT * FROM pg_authid", PG_DENIED, "42501"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", PG_RETRY, "40001"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", PG_RETRY, "40P01"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '55P03'; END $$", PG_RETRY, "55P03"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '23P01'; END $$", PG_DUPLICATE, "23P01"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57014'; END $$", PG_TIMEOUT, "57014"},
    {"SELECT nothing", PG_FAILED, "42703"},
    {"", PG_AWAY, ""},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53300'; END $$", PG_AWAY, "53300"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END $$", PG_AWAY, "08006"},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$", PG_AWAY, "25006"},
};

START_TEST(failures_are_told_apart)
{
    char name[32];
    (void)snprintf(name, sizeof name, "failure_%d", _i);
    ck_assert_msg(run(name, failures[_i].sql) == failures[_i].status, "%s: %s", failures[_i].sql, pg_message(pg));
    ck_assert_msg(strstr(pg_message(pg), failures[_i].message) != NULL, "message is %s", pg_message(pg));
    ck_assert_msg(strstr(pg_message(pg), "secret") == NULL, "a value of a row is in %s", pg_message(pg));
    ck_assert_int_eq(run("after", "SELECT 1"), PG_OK);
}
END_TEST

START_TEST(constraint_is_named)
{
    ck_assert_int_eq(run("short", "INSERT INTO reckoner.t (id, name) VALUES (1, 'much too long')"), PG_INVALID);
    ck_assert_str_eq(pg_constraint(pg), "short");
    ck_assert_int_eq(run("nothing", "SELECT nothing"), PG_FAILED);
    ck_assert_str_eq(pg_constraint(pg), "");
}
END_TEST

START_TEST(statements_time_out)
{
    int64_t begun = clock_monotonic();
    ck_assert_int_eq(pg_script(pg, "SET statement_timeout = 100"), PG_OK);
    ck_assert_int_eq(run("sleep", "SELECT pg_sleep(5)"), PG_TIMEOUT);
    ck_assert_int_lt(clock_monotonic() - begun, 3000000);
}
END_TEST

START_TEST(locks_time_out)
{
    ck_assert_int_eq(pg_begin(f.owner), PG_OK);
    ck_assert_int_eq(pg_script(f.owner, "LOCK TABLE reckoner.t"), PG_OK);
    ck_assert_int_eq(run("locked", "SELECT * FROM reckoner.t"), PG_RETRY);
    pg_rollback(f.owner);
    ck_assert_int_eq(run("locked", "SELECT * FROM reckoner.t"), PG_OK);
}
END_TEST

START_TEST(the_session_is_ours)
{
    ck_assert_str_eq(store_fixture_value(pg, "SHOW timezone"), "UTC");
    ck_assert_str_eq(store_fixture_value(pg, "SHOW search_path"), "pg_catalog,pg_temp");
    ck_assert_str_eq(store_fixture_value(pg, "SHOW statement_timeout"), "5s");
    ck_assert_str_eq(store_fixture_value(pg, "SHOW lock_timeout"), "1s");
    ck_assert_str_eq(store_fixture_value(pg, "SHOW idle_in_transaction_session_timeout"), "1min");
    ck_assert_str_eq(store_fixture_value(pg, "SHOW application_name"), "reckoner-test");
}
END_TEST

START_TEST(prepared_again_when_forgotten)
{
    ck_assert_int_eq(run("again", "SELECT 1"), PG_OK);
    ck_assert_int_eq(pg_script(pg, "DEALLOCATE ALL"), PG_OK);
    ck_assert_int_eq(run("again", "SELECT 1"), PG_OK);
    ck_assert_int_eq(pg_script(pg, "DEALLOCATE ALL"), PG_OK);
    ck_assert_int_eq(pg_begin(pg), PG_OK);
    ck_assert_int_eq(run("again", "SELECT 1"), PG_RETRY);
    pg_rollback(pg);
    ck_assert_int_eq(run("again", "SELECT 1"), PG_OK);
}
END_TEST

static void kill_connection(void)
{
    char sql[100];
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", PQbackendPID(pg_raw(pg)));
    (void)store_fixture_value(f.owner, sql);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d",
                       PQbackendPID(pg_raw(pg)));
        if (strcmp(store_fixture_value(f.owner, sql), "0") == 0)
            return;
        (void)usleep(10000);
    }
    ck_abort_msg("the connection was not terminated");
}

START_TEST(a_lost_connection_fails_once)
{
    kill_connection();
    ck_assert_int_eq(run("lost", "SELECT 1"), PG_AWAY);
    ck_assert_int_eq(run("lost", "SELECT 1"), PG_OK);
}
END_TEST

START_TEST(connect_notices_a_lost_connection)
{
    ck_assert_int_eq(run("before", "SELECT 1"), PG_OK);
    kill_connection();
    ck_assert_int_eq(pg_connect(pg), PG_OK);
    ck_assert_int_eq(run("before", "SELECT 1"), PG_OK);
}
END_TEST

START_TEST(a_lost_transaction_does_not_go_on)
{
    ck_assert_int_eq(pg_begin(pg), PG_OK);
    ck_assert_int_eq(run("one", "INSERT INTO reckoner.t (id, name) VALUES (1, 'x')"), PG_OK);
    kill_connection();
    ck_assert_int_eq(run("two", "INSERT INTO reckoner.t (id, name) VALUES (2, 'x')"), PG_AWAY);
    ck_assert_int_eq(run("two", "INSERT INTO reckoner.t (id, name) VALUES (2, 'x')"), PG_AWAY);
    ck_assert_int_eq(pg_connect(pg), PG_AWAY);
    ck_assert(pg_in_transaction(pg));
    ck_assert_int_eq(pg_commit(pg), PG_AWAY);
    ck_assert(!pg_in_transaction(pg));
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT count(*) FROM reckoner.t"), "0");
    ck_assert_int_eq(pg_connect(pg), PG_OK);
}
END_TEST

START_TEST(a_spoilt_transaction_is_not_committed)
{
    ck_assert_int_eq(pg_begin(pg), PG_OK);
    ck_assert_int_eq(pg_begin(pg), PG_FAILED);
    ck_assert_int_eq(run("bad", "SELECT 1 / 0"), PG_INVALID);
    ck_assert_int_eq(pg_commit(pg), PG_FAILED);
    ck_assert(!pg_in_transaction(pg));
    ck_assert_int_eq(pg_commit(pg), PG_FAILED);
    pg_rollback(pg);
    ck_assert_int_eq(run("good", "SELECT 1"), PG_OK);
}
END_TEST

static enum pg_status fail_twice(struct pg *p, void *context)
{
    int *calls = context;
    (void)p;
    ck_assert_int_eq(run("body", "INSERT INTO reckoner.t (id, name) VALUES (1, 'x')"), PG_OK);
    return ++*calls < 3 ? PG_RETRY : PG_OK;
}

static enum pg_status always(struct pg *p, void *context)
{
    int *calls = context;
    (void)p;
    ++*calls;
    return PG_RETRY;
}

static enum pg_status refuse(struct pg *p, void *context)
{
    (void)context;
    (void)p;
    ck_assert_int_eq(run("refuse", "INSERT INTO reckoner.t (id, name) VALUES (2, 'x')"), PG_OK);
    return PG_INVALID;
}

START_TEST(transactions_are_retried)
{
    int calls = 0;
    ck_assert_int_eq(pg_transaction(pg, fail_twice, &calls), PG_OK);
    ck_assert_int_eq(calls, 3);
    ck_assert_int_eq(pg_transaction(pg, refuse, NULL), PG_INVALID);
    ck_assert_str_eq(store_fixture_value(pg, "SELECT count(*) FROM reckoner.t"), "1");
    calls = 0;
    ck_assert_int_eq(pg_transaction(pg, always, &calls), PG_RETRY);
    ck_assert_int_eq(calls, 6);
    ck_assert(!pg_in_transaction(pg));
}
END_TEST

#define COPY_T "COPY reckoner.t (id, name, day, bytes, ok, big, small) FROM STDIN (FORMAT binary)"

static void copy_row(struct pg_copy *c, int32_t id, const char *name)
{
    pg_copy_row(c, 7);
    pg_copy_i32(c, id);
    pg_copy_text(c, name, strlen(name));
    pg_copy_date(c, date_from_civil((struct civil){2012, 4, 1}));
    pg_copy_bytes(c, "\0\377", 2);
    pg_copy_bool(c, true);
    pg_copy_i64(c, INT64_MIN);
    pg_copy_i16(c, -2);
}

START_TEST(copy_loads_rows)
{
    struct pg_copy *c;
    int64_t rows = -1;
    ck_assert_int_eq(pg_copy_begin(pg, COPY_T, &c), PG_OK);
    for (int32_t i = 0; i < 20000; i++)
        copy_row(c, i, "name");
    pg_copy_row(c, 7);
    pg_copy_i32(c, 20000);
    pg_copy_text(c, "nulls", 5);
    pg_copy_date(c, DATE_NONE);
    pg_copy_bytes(c, NULL, 0);
    pg_copy_null(c);
    pg_copy_null(c);
    pg_copy_null(c);
    ck_assert_int_eq(pg_copy_end(c, &rows), PG_OK);
    ck_assert_int_eq(rows, 20001);
    ck_assert_str_eq(store_fixture_value(pg, "SELECT t::text FROM reckoner.t WHERE id = 19999"),
                     "(19999,name,2012-04-01,,\"\\\\x00ff\",t,-9223372036854775808,-2)");
    ck_assert_str_eq(store_fixture_value(pg, "SELECT t::text FROM reckoner.t WHERE id = 20000"), "(20000,nulls,,,,,,)");
}
END_TEST

START_TEST(copy_refused_by_a_constraint_leaves_nothing)
{
    struct pg_copy *c;
    int64_t rows = -1;
    ck_assert_int_eq(pg_copy_begin(pg, COPY_T, &c), PG_OK);
    for (int32_t i = 0; i < 20000; i++)
        copy_row(c, i, i == 5 ? "much too long" : "name");
    ck_assert_int_eq(pg_copy_end(c, &rows), PG_INVALID);
    ck_assert_str_eq(pg_constraint(pg), "short");
    ck_assert_int_eq(rows, -1);
    ck_assert_str_eq(store_fixture_value(pg, "SELECT count(*) FROM reckoner.t"), "0");
    ck_assert_int_eq(pg_copy_begin(pg, "SELECT 1", &c), PG_FAILED);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(pg_copy_begin(pg, "COPY reckoner.nothing FROM STDIN", &c), PG_FAILED);
    ck_assert_int_eq(run("after_copy", "SELECT 1"), PG_OK);
}
END_TEST

START_TEST(copy_on_a_lost_connection_ends)
{
    struct pg_copy *c;
    int64_t rows = -1;
    ck_assert_int_eq(pg_copy_begin(pg, COPY_T, &c), PG_OK);
    kill_connection();
    for (int32_t i = 0; i < 100000; i++)
        copy_row(c, i, "name");
    ck_assert_int_eq(pg_copy_end(c, &rows), PG_AWAY);
    ck_assert_int_eq(pg_connect(pg), PG_OK);
}
END_TEST

/* A server that accepts and says nothing. */
static int silent_server(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

START_TEST(connecting_takes_no_longer_than_allowed)
{
    char conninfo[100];
    int port;
    int fd = silent_server(&port);
    (void)snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d dbname=x user=x sslmode=disable", port);
    struct pg_options options = {.conninfo = conninfo, .connect_timeout_seconds = 1, .statement_timeout_ms = 100};
    struct pg *silent = pg_new(&options);
    ck_assert_ptr_nonnull(silent);
    int64_t begun = clock_monotonic();
    ck_assert_int_eq(pg_connect(silent), PG_AWAY);
    ck_assert_int_ge(clock_monotonic() - begun, 900000);
    ck_assert_int_lt(clock_monotonic() - begun, 3000000);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(pg_connect(silent), PG_AWAY); /* refused now */
    ck_assert_int_eq(pg_begin(silent), PG_AWAY);
    pg_rollback(silent);
    pg_free(silent);
}
END_TEST

START_TEST(a_server_that_stops_answering_is_given_up)
{
    ck_assert_int_eq(pg_script(pg, "SET statement_timeout = 0"), PG_OK);
    int64_t begun = clock_monotonic();
    /* The server's own limit is off, so that only our deadline (5 s and the grace of 5 s) can end the wait. */
    ck_assert_int_eq(run("stopped", "SELECT pg_sleep(20)"), PG_AWAY);
    ck_assert_int_lt(clock_monotonic() - begun, 15000000);
    ck_assert_int_ge(clock_monotonic() - begun, 9000000);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, values_come_back_as_they_went);
    tcase_add_test(tc, binary_results);
    tcase_add_test(tc, answers_are_had_afterwards);
    tcase_add_test(tc, rows_counted_and_missed);
    tcase_add_loop_test(tc, failures_are_told_apart, 0, (int)(sizeof failures / sizeof failures[0]));
    tcase_add_test(tc, constraint_is_named);
    tcase_add_test(tc, statements_time_out);
    tcase_add_test(tc, locks_time_out);
    tcase_add_test(tc, the_session_is_ours);
    tcase_add_test(tc, prepared_again_when_forgotten);
    tcase_add_test(tc, a_lost_connection_fails_once);
    tcase_add_test(tc, connect_notices_a_lost_connection);
    tcase_add_test(tc, a_lost_transaction_does_not_go_on);
    tcase_add_test(tc, a_spoilt_transaction_is_not_committed);
    tcase_add_test(tc, transactions_are_retried);
    tcase_add_test(tc, copy_loads_rows);
    tcase_add_test(tc, copy_refused_by_a_constraint_leaves_nothing);
    tcase_add_test(tc, copy_on_a_lost_connection_ends);
    tcase_add_test(tc, connecting_takes_no_longer_than_allowed);
    tcase_add_test(tc, a_server_that_stops_answering_is_given_up);
}

int main(void)
{
    Suite *suite = suite_create("pg");
    TCase *tc = tcase_create("pg");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    add_tests(tc);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
