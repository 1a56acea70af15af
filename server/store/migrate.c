#include "store/migrate.h"

#include "domain/rules_table.h"
#include "store/migrate_internal.h"
#include "store/migrations.h" /* generated from migrations/ */

#include <stdio.h>
#include <string.h>

static const char bootstrap[] =
    "CREATE SCHEMA IF NOT EXISTS reckoner;"
    "CREATE TABLE IF NOT EXISTS reckoner.schema_migration (version integer PRIMARY KEY CHECK (version > 0),"
    " name text NOT NULL UNIQUE, sha256 bytea NOT NULL CHECK (length(sha256) = 32), applied_at timestamptz NOT NULL);"
    "COMMENT ON TABLE reckoner.schema_migration IS 'Migrations that made this schema; the servers refuse to start on "
    "any others';"
    "COMMENT ON COLUMN reckoner.schema_migration.version IS 'Number of the migration';"
    "COMMENT ON COLUMN reckoner.schema_migration.name IS 'Name of its file, without .sql';"
    "COMMENT ON COLUMN reckoner.schema_migration.sha256 IS 'SHA-256 of the file as it was applied';"
    "COMMENT ON COLUMN reckoner.schema_migration.applied_at IS 'Instant on the product clock';";

static const struct pg_statement lock_statement = {
    .name = "migrate_lock",
    .sql = "SELECT pg_advisory_lock(hashtextextended('reckoner.migrate', 0))",
};
static const struct pg_statement unlock_statement = {
    .name = "migrate_unlock",
    .sql = "SELECT pg_advisory_unlock(hashtextextended('reckoner.migrate', 0))",
};
static const struct pg_statement select_applied = {
    .name = "migrate_applied",
    .sql = "SELECT version, name, encode(sha256, 'hex') AS sha256 FROM reckoner.schema_migration ORDER BY version",
};
static const struct pg_statement insert_applied = {
    .name = "migrate_insert",
    .sql = "INSERT INTO reckoner.schema_migration (version, name, sha256, applied_at)"
           " VALUES ($1, $2, decode($3, 'hex'), $4)",
    .parameters = 4,
};
static const struct pg_statement upsert_rule = {
    .name = "migrate_rule",
    .sql = "INSERT INTO reckoner.rule AS r (id, bit, severity, field, sentence, hint, source)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET severity = excluded.severity,"
           " field = excluded.field, sentence = excluded.sentence, hint = excluded.hint, source = excluded.source"
           " WHERE r.bit IS NOT DISTINCT FROM excluded.bit",
    .parameters = 7,
};

/* What both the folder and the program know of a migration. */
struct known {
    const char *name;
    const char *sha256;
};

/* Compares the rows of schema_migration with the first ones known. Returns how many rows there are, or -1. */
static int compare(const PGresult *r, const struct known *known, int count, const char *where, char *problem,
                   size_t size)
{
    int rows = PQntuples(r);
    for (int i = 0; i < rows; i++) {
        const char *name = pg_text(r, i, "name");
        if (pg_i64(r, i, "version") != i + 1) {
            (void)snprintf(problem, size, "the database has %s but not number %04d; restore a backup", name, i + 1);
            return -1;
        }
        if (i >= count || strcmp(name, known[i].name) != 0) {
            (void)snprintf(problem, size, "the database has %s, which is not in %s; use the release it was made with",
                           name, where);
            return -1;
        }
        if (strcmp(pg_text(r, i, "sha256"), known[i].sha256) != 0) {
            (void)snprintf(problem, size, "%s was applied with another content than it has in %s; restore the file",
                           name, where);
            return -1;
        }
    }
    return rows;
}

static enum pg_status failed(struct pg *pg, struct migrate_result *result, enum pg_status status, const char *what)
{
    if (result->problem[0] == '\0')
        (void)snprintf(result->problem, sizeof result->problem, "%s: %s", what, pg_message(pg));
    return status;
}

static enum pg_status apply_one(struct pg *pg, const struct migration *m, instant_t now)
{
    struct pg_args a;
    enum pg_status status = pg_begin(pg);
    if (status == PG_OK)
        status = pg_script(pg, m->sql);
    if (status == PG_OK) {
        pg_args_init(&a);
        pg_arg_i64(&a, m->version);
        pg_arg_text(&a, m->name);
        pg_arg_text(&a, m->sha256);
        pg_arg_instant(&a, now);
        status = pg_run(pg, &insert_applied, &a, NULL);
    }
    if (status == PG_OK)
        return pg_commit(pg);
    pg_rollback(pg);
    return status;
}

static enum pg_status write_rules(struct pg *pg, void *context)
{
    static const char *const severities[] = {"FILE", "ERROR", "QUERY", "WARN"};
    struct migrate_result *result = context;
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *rule = &rule_table[i];
        struct pg_args a;
        enum pg_status status;
        pg_args_init(&a);
        pg_arg_text(&a, rule->id);
        pg_arg_optional(&a, rule->bit >= 0, rule->bit);
        pg_arg_text(&a, severities[rule->severity]);
        pg_arg_text(&a, rule->field);
        pg_arg_text(&a, rule->sentence);
        pg_arg_text(&a, rule->hint);
        pg_arg_text(&a, rule->source);
        int64_t written = pg_run_count(pg, &upsert_rule, &a, &status);
        if (status != PG_OK)
            return failed(pg, result, status, rule->id);
        if (written != 1) {
            (void)snprintf(result->problem, sizeof result->problem,
                           "rule %s has another bit in the database; bits are never given to another rule", rule->id);
            return PG_INVALID;
        }
    }
    return PG_OK;
}

static enum pg_status apply_due(struct pg *pg, const struct migration_folder *f, instant_t now,
                                struct migrate_result *result)
{
    struct known known[MIGRATION_LIMIT];
    PGresult *r = NULL;
    enum pg_status status = pg_run(pg, &select_applied, NULL, &r);
    if (status != PG_OK)
        return failed(pg, result, status, "schema_migration");
    for (int i = 0; i < f->count; i++)
        known[i] = (struct known){f->all[i].name, f->all[i].sha256};
    int applied = compare(r, known, f->count, "the folder", result->problem, sizeof result->problem);
    PQclear(r);
    if (applied < 0)
        return PG_INVALID;
    for (int i = applied; i < f->count; i++) {
        status = apply_one(pg, &f->all[i], now);
        if (status != PG_OK)
            return failed(pg, result, status, f->all[i].name);
        result->applied++;
    }
    result->version = f->count;
    status = pg_transaction(pg, write_rules, result);
    return status == PG_OK ? PG_OK : failed(pg, result, status, "rules");
}

enum pg_status migrate_apply(struct pg *pg, const char *folder, instant_t now, struct migrate_result *result)
{
    struct migration_folder f;
    *result = (struct migrate_result){.applied = 0};
    if (!migration_folder_read(&f, folder, result->problem, sizeof result->problem)) {
        migration_folder_free(&f);
        return PG_INVALID;
    }
    enum pg_status status = pg_connect(pg);
    if (status == PG_OK)
        status = pg_run(pg, &lock_statement, NULL, NULL);
    if (status != PG_OK) {
        migration_folder_free(&f);
        return failed(pg, result, status, "waiting for another migrate");
    }
    status = pg_begin(pg);
    if (status == PG_OK)
        status = pg_script(pg, bootstrap);
    if (status == PG_OK)
        status = pg_commit(pg);
    else
        pg_rollback(pg);
    status = status == PG_OK ? apply_due(pg, &f, now, result) : failed(pg, result, status, "schema_migration");
    migration_folder_free(&f);
    if (pg_run(pg, &unlock_statement, NULL, NULL) != PG_OK && status == PG_OK)
        return failed(pg, result, PG_AWAY, "unlocking");
    return status;
}

bool migrate_check(struct pg *pg, char *problem, size_t size)
{
    static const struct known built[] = {MIGRATIONS_BUILT_IN};
    const int count = (int)(sizeof built / sizeof built[0]);
    PGresult *r = NULL;
    if (pg_run(pg, &select_applied, NULL, &r) != PG_OK) {
        (void)snprintf(problem, size, "the database's migrations cannot be read (%s); run `reckoner migrate`",
                       pg_message(pg));
        return false;
    }
    int applied = compare(r, built, count, "this program", problem, size);
    PQclear(r);
    if (applied >= 0 && applied < count)
        (void)snprintf(problem, size, "the database has %d migrations and %s is due; run `reckoner migrate`", applied,
                       built[applied].name);
    return applied == count;
}
