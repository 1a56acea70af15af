#include "lib/store_fixture.h"

#include "base/clock.h"
#include "store/migrate.h"
#include "store/signing_key.h"

#include <check.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The migrated database that the others are copies of. */
#define TEMPLATE "reckoner_template"

static const char seed[] =
    "INSERT INTO organisation (code, kind, name, live_from, created_at) VALUES"
    " ('RXA', 'provider', 'First Trust', '2000-04-01', '2012-04-01Z'),"
    " ('RXB', 'provider', 'Second Trust', '2000-04-01', '2012-04-01Z'),"
    " ('5QE', 'commissioner', 'First PCT', '2000-04-01', '2012-04-01Z'),"
    " ('5QF', 'commissioner', 'Second PCT', '2000-04-01', '2012-04-01Z'),"
    " ('5QG', 'commissioner', 'Third PCT', '2000-04-01', '2012-04-01Z'),"
    " ('AUD', 'auditor', 'Auditor', '2000-04-01', '2012-04-01Z'),"
    " ('OPR', 'operator', 'Operator', '2000-04-01', '2012-04-01Z');"
    "INSERT INTO person (id, organisation, role, name, created_at)"
    " SELECT x || '.' || n, code, kind, 'Person ' || n || ' of ' || code, '2012-04-01Z' FROM organisation,"
    " LATERAL (SELECT CASE WHEN code ~ '^[A-Z]' THEN lower(code) ELSE 'pct' || lower(code) END AS x) y,"
    " (VALUES ('one'), ('two')) v (n);"
    "INSERT INTO audit_appointment (auditor, organisation, appointed_at) VALUES"
    " ('AUD', 'RXA', '2012-04-01Z'), ('AUD', '5QF', '2012-04-01Z');"
    "INSERT INTO contract (provider, id, financial_year, mode, title, coordinator, created_by, created_at) VALUES"
    " ('RXA', repeat('a', 20), 2012, 'live', 'First contract', '5QE', 'rxa.one', '2012-04-01Z'),"
    " ('RXB', repeat('b', 20), 2012, 'live', 'Second contract', '5QG', 'rxb.one', '2012-04-01Z');"
    "INSERT INTO account (provider, contract, commissioner, financial_year) VALUES"
    " ('RXA', repeat('a', 20), '5QE', 2012), ('RXA', repeat('a', 20), '5QF', 2012),"
    " ('RXB', repeat('b', 20), '5QG', 2012);";

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "store fixture: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    exit(EXIT_FAILURE);
}

static struct pg *connect_to(const char *conninfo)
{
    struct pg_options options = {.conninfo = conninfo,
                                 .application = "reckoner-test",
                                 .connect_timeout_seconds = 5,
                                 .statement_timeout_ms = 5000,
                                 .lock_timeout_ms = 1000};
    struct pg *pg = pg_new(&options);
    if (pg == NULL || pg_connect(pg) != PG_OK)
        die("%s", pg == NULL ? "memory ran out" : pg_message(pg));
    return pg;
}

static void must(struct pg *pg, const char *sql)
{
    if (pg_script(pg, sql) != PG_OK)
        die("%s: %.200s", pg_message(pg), sql);
}

static char *read_file(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "re");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (n == 0 || n == sizeof text - 1)
        die("%s cannot be read; run the tests from the top folder", path);
    (void)fclose(file);
    text[n] = '\0';
    return text;
}

/* Test programs run side by side, and roles and the template are the cluster's: one at a time. The lock is one
 * database's, so all meet in the same; the last dbname counts. */
static struct pg *lock_cluster(const struct store_fixture *f)
{
    char conninfo[1200];
    (void)snprintf(conninfo, sizeof conninfo, "%s dbname=postgres", f->cluster);
    struct pg *cluster = connect_to(conninfo);
    must(cluster, "SET lock_timeout = '60s'; SET statement_timeout = '60s'; SELECT pg_advisory_lock(77)");
    must(cluster, read_file("migrations/roles.sql"));
    return cluster;
}

static void create_database(const struct store_fixture *f, struct pg *cluster, const char *like)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s OWNER reckoner_migrate%s%s", f->database,
                   like == NULL ? "" : " TEMPLATE ", like == NULL ? "" : like);
    must(cluster, sql);
}

static void name_fixture(struct store_fixture *f)
{
    const char *cluster = getenv("RECKONER_TEST_DATABASE");
    if (cluster == NULL || cluster[0] == '\0')
        die("RECKONER_TEST_DATABASE is not set; deploy/private-postgres.sh start FOLDER --throwaway prints its value");
    if (sodium_init() < 0)
        die("libsodium cannot start");
    (void)snprintf(f->cluster, sizeof f->cluster, "%s", cluster);
    (void)snprintf(f->database, sizeof f->database, "reckoner_test_%d_%08x", (int)getpid(), randombytes_random());
}

static void connect_owner(struct store_fixture *f)
{
    char conninfo[1200];
    store_fixture_conninfo(f, "reckoner_migrate", conninfo, sizeof conninfo);
    f->owner = connect_to(conninfo);
}

void store_fixture_open_empty(struct store_fixture *f)
{
    name_fixture(f);
    struct pg *cluster = lock_cluster(f);
    create_database(f, cluster, NULL);
    pg_free(cluster);
    connect_owner(f);
}

/* Made once in a cluster; a killed program leaves one of another name. */
static void make_template(struct store_fixture *f, struct pg *cluster)
{
    char sql[256];
    struct migrate_result result;
    if (strcmp(store_fixture_value(cluster, "SELECT count(*) FROM pg_database WHERE datname = '" TEMPLATE "'"), "0") !=
        0)
        return;
    create_database(f, cluster, NULL);
    connect_owner(f);
    if (migrate_apply(f->owner, "migrations", clock_wall(), &result) != PG_OK)
        die("%s", result.problem);
    pg_free(f->owner);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS false", f->database);
    must(cluster, sql);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s RENAME TO " TEMPLATE, f->database);
    must(cluster, sql);
    name_fixture(f);
}

void store_fixture_open(struct store_fixture *f)
{
    char problem[600];
    name_fixture(f);
    struct pg *cluster = lock_cluster(f);
    make_template(f, cluster);
    create_database(f, cluster, TEMPLATE);
    pg_free(cluster);
    connect_owner(f);
    if (!migrate_check(f->owner, problem, sizeof problem))
        die("%s (the cluster's " TEMPLATE " is of other migrations: begin with a new cluster)", problem);
}

void store_fixture_close(struct store_fixture *f)
{
    char sql[256];
    pg_free(f->owner);
    f->owner = NULL;
    struct pg *cluster = connect_to(f->cluster);
    must(cluster, "SET statement_timeout = '60s'"); /* a busy disk takes long to delete files */
    (void)snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", f->database);
    must(cluster, sql);
    pg_free(cluster);
}

void store_fixture_conninfo(const struct store_fixture *f, const char *role, char *out, size_t size)
{
    int n = snprintf(out, size, "%s dbname=%s user=%s", f->cluster, f->database, role);
    if (n < 0 || (size_t)n >= size)
        die("the connection string is too long");
}

struct pg *store_fixture_connect(const struct store_fixture *f, const char *role)
{
    char conninfo[1200];
    store_fixture_conninfo(f, role, conninfo, sizeof conninfo);
    return connect_to(conninfo);
}

void store_fixture_sql(struct store_fixture *f, const char *sql)
{
    if (pg_begin(f->owner) != PG_OK)
        die("%s", pg_message(f->owner));
    must(f->owner, "SET LOCAL search_path = reckoner, pg_catalog");
    must(f->owner, sql);
    if (pg_commit(f->owner) != PG_OK)
        die("%s: %.200s", pg_message(f->owner), sql);
}

enum pg_status store_fixture_try(struct pg *pg, const char *sql)
{
    enum pg_status status = pg_begin(pg);
    if (status == PG_OK)
        status = pg_script(pg, sql);
    if (status == PG_OK)
        return pg_commit(pg);
    pg_rollback(pg);
    return status;
}

void store_fixture_done(struct pg *pg, const char *sql)
{
    enum pg_status status = store_fixture_try(pg, sql);
    ck_assert_msg(status == PG_OK, "%s: %s", pg_message(pg), sql);
}

void store_fixture_refused(struct pg *pg, const char *sql, const char *constraint)
{
    enum pg_status status = store_fixture_try(pg, sql);
    ck_assert_msg(status == PG_INVALID || status == PG_DUPLICATE, "status %d (%s) for %s", (int)status, pg_message(pg),
                  sql);
    ck_assert_msg(strcmp(pg_constraint(pg), constraint) == 0, "constraint is %s for %s", pg_constraint(pg), sql);
}

const char *store_fixture_value(struct pg *pg, const char *sql)
{
    static char value[4096];
    PGresult *r = PQexec(pg_raw(pg), sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        die("%s: %.200s", PQresultErrorMessage(r), sql);
    (void)snprintf(value, sizeof value, "%s", PQntuples(r) == 0 ? "" : PQgetvalue(r, 0, 0));
    PQclear(r);
    return value;
}

void store_fixture_seed(struct store_fixture *f)
{
    store_fixture_sql(f, seed);
}

void store_fixture_first_key(struct pg *pg, const struct signer *signer)
{
    ck_assert_int_eq(signing_key_first(pg, signer_public(signer), 0), PG_OK);
}

void store_fixture_sign_in(struct store_fixture *f, struct pg *web, const char *person)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO token (hash, person, created_at, expires_at) VALUES (sha256('%s'), '%s',"
                   " '2012-04-01Z', '2112-04-01Z') ON CONFLICT DO NOTHING",
                   person, person);
    store_fixture_sql(f, sql);
    (void)snprintf(sql, sizeof sql, "SELECT person FROM reckoner.authenticate(sha256('%s'), clock_timestamp())",
                   person);
    if (strcmp(store_fixture_value(web, sql), person) != 0)
        die("%s could not be signed in", person);
}
