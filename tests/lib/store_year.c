#include "lib/store_year.h"

#include "base/parse.h"
#include "store/document.h"

#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

instant_t store_year_now;
uint64_t store_year_crashes;

const char *store_year_instant(instant_t t)
{
    static char text[4][28];
    static size_t next;
    char *out = text[next++ % 4];
    instant_format(t, out);
    return out;
}

const char *store_year_day(date_t d)
{
    static char text[8][16];
    static size_t next;
    char *out = text[next++ % 8];
    char day[11];
    if (d == DATE_NONE)
        return "NULL";
    date_format(d, day);
    snprintf(out, sizeof text[0], "'%s'", day);
    return out;
}

const char *store_year_month(month_t m)
{
    return store_year_day(month_first(m));
}

const char *store_year_tick(void)
{
    store_year_now += INT64_C(3600) * 1000000;
    set_clock(store_year_instant(store_year_now));
    return store_year_instant(store_year_now);
}

FILE *script_begin(struct script *s)
{
    s->file = open_memstream(&s->text, &s->length);
    year_must(s->file != NULL);
    return s->file;
}

int script_run(struct script *s, struct store_year *a, int after)
{
    year_must(fclose(s->file) == 0 && a->facts < STORE_FACTS);
    store_fixture_sql(&settled.store, s->text);
    a->fact[a->facts] = (struct store_fact){s->text, after, a->beginning};
    return (int)a->facts++;
}

static const char *query(const char *format, va_list args)
{
    char sql[1500];
    int length = vsnprintf(sql, sizeof sql, format, args);
    year_must(length > 0 && (size_t)length < sizeof sql);
    return value(sql);
}

const char *store_year_value(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = query(format, args);
    va_end(args);
    return text;
}

int64_t store_year_number(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = query(format, args);
    va_end(args);
    int64_t n = 0;
    year_must(parse_i64(text, strlen(text), &n));
    return n;
}

/* The step of fault.crash kills the transaction, and with some the connection. */
static const char crash_sql[] =
    "CREATE SCHEMA fault; CREATE SEQUENCE fault.step; CREATE TABLE fault.crash (at bigint NOT NULL, code text NOT "
    "NULL);"
    "INSERT INTO fault.crash VALUES (0, '');"
    "CREATE FUNCTION fault.step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = fault AS $$"
    " BEGIN IF session_user LIKE 'reckoner_w%' AND nextval('fault.step') = (SELECT at FROM fault.crash) THEN"
    " RAISE EXCEPTION 'the power fails' USING ERRCODE = (SELECT code FROM fault.crash); END IF; RETURN NULL; END $$;"
    "DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['run', 'run_line', 'run_input', 'run_position', 'position',"
    " 'document', 'document_line', 'frozen_month', 'signed_record', 'statement', 'job'] LOOP"
    " EXECUTE format('CREATE TRIGGER crash AFTER INSERT OR UPDATE ON reckoner.%I FOR EACH STATEMENT"
    " EXECUTE FUNCTION fault.step()', t); END LOOP; END $$;";

/* What dies here is transactions, not the machine: no commit need wait for the disk. A killed connection has planned
 * for nothing, so statements are planned but once for each. */
void store_year_set_up(void)
{
    store_fixture_sql(&settled.store, crash_sql);
    store_fixture_sql(&settled.store, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
                                      " current_database()); EXECUTE format('ALTER DATABASE %I SET plan_cache_mode ="
                                      " force_generic_plan', current_database()); END $$");
    ck_assert_int_eq(store_fixture_try(settled.store.owner, "SET synchronous_commit = off"), PG_OK);
    pg_free(settled.worker.pg);
    settled.worker.pg = store_fixture_connect(&settled.store, "reckoner_worker");
}

void store_year_arm(struct store_year *a)
{
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE fault.crash SET at = (SELECT last_value FROM fault.step) + %d, code = '%s'",
             1 + (int)year_random(a->y, 16), year_chance(a->y, 10) ? "57P01" : "40001");
    store_fixture_sql(&settled.store, sql);
}

static void go_on(struct pg *pg)
{
    store_year_crashes++;
    pg_rollback(pg);
    if (pg_raw(pg) == NULL)
        year_must(pg_connect(pg) == PG_OK);
}

bool store_year_died_at(int line, struct pg *pg, enum pg_status status)
{
    if (status == PG_OK)
        return false;
    if (strstr(pg_message(pg), "power fails") == NULL)
        ck_abort_msg("line %d: status %d: %s", line, (int)status, pg_message(pg));
    go_on(pg);
    return true;
}

/* Does a job; a transaction that died leaves the job to the next worker. */
static void do_job(const struct job *job)
{
    char problem[JOB_PROBLEM_SIZE] = "";
    struct pg *pg = settled.worker.pg;
    const struct job_handler *handler = job_handlers;
    while (handler->kind != NULL && strcmp(handler->kind, job->kind) != 0)
        handler++;
    year_must(handler->kind != NULL);
    enum job_outcome outcome = handler->run(&settled.worker, job, problem);
    if (outcome == JOB_DONE)
        return;
    if (outcome == JOB_FAILED && strcmp(job->kind, "instalment") == 0) {
        /* The plan of the year, of which the instalments are made, cannot be computed. */
        pg_rollback(pg);
        while (store_year_died(pg, job_fail(pg, job, problem)))
            continue;
        return;
    }
    if (strstr(problem, "power fails") == NULL && strstr(pg_message(pg), "power fails") == NULL)
        ck_abort_msg("job %s: outcome %d: %s (%s)", job->kind, (int)outcome, problem, pg_message(pg));
    go_on(pg);
    store_fixture_sql(&settled.store, "UPDATE job SET state = 'queued', lease = NULL, lease_until = NULL,"
                                      " finished_at = NULL, problem = NULL WHERE state <> 'done'");
}

void store_year_work(void)
{
    for (;;) {
        struct job job;
        enum pg_status status = job_claim(settled.worker.pg, 60, &job);
        if (status == PG_NONE)
            return;
        if (!store_year_died(settled.worker.pg, status))
            do_job(&job);
    }
}

void store_year_job(struct store_year *a, const char *kind)
{
    char job[IDENT_SIZE];
    store_year_tick();
    while (store_year_died(settled.worker.pg, job_add(settled.worker.pg, a->provider, kind, a->contract, job)))
        continue;
    store_year_work();
}

void store_year_repeat(struct store_year *a)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "UPDATE job SET state = 'queued', finished_at = NULL WHERE id = (SELECT id FROM job WHERE provider = '%s'"
             " AND state = 'done' ORDER BY id LIMIT 1)",
             a->provider);
    store_fixture_sql(&settled.store, sql);
    store_year_work();
}

/* A draft that no longer holds stays where the run that would take its place is parked: it cannot be issued. */
static bool overtaken(const struct store_year *a, const char *draft, const struct pg *web, enum pg_status status)
{
    return status == PG_REFUSED && strcmp(pg_message(web), "stale_draft") == 0 &&
           store_year_number("SELECT count(*) FROM document d JOIN run r USING (provider, contract, commissioner)"
                             " WHERE d.provider = '%s' AND d.id = '%s' AND d.run IS NOT NULL AND r.state = 'parked'"
                             " AND r.finished_at > d.drafted_at",
                             a->provider, draft) > 0;
}

bool store_year_issue(struct store_year *a, struct pg *web)
{
    char id[IDENT_SIZE];
    char person[2][16];
    int64_t given = 0;
    snprintf(id, sizeof id, "%s",
             store_year_value("SELECT id FROM document WHERE provider = '%s' AND state = 'draft'"
                              " ORDER BY instalment NULLS FIRST LIMIT 1",
                              a->provider));
    if (id[0] == '\0')
        return false;
    int64_t revision = store_year_number("SELECT revision FROM document WHERE id = '%s'", id);
    store_year_tick();
    snprintf(person[0], sizeof person[0], "p%s.one", a->provider);
    snprintf(person[1], sizeof person[1], "p%s.two", a->provider);
    do
        store_fixture_sign_in(&settled.store, web, person[0]);
    while (store_year_died(web, document_propose(web, a->provider, id, revision, person[0], store_year_now)));
    enum pg_status status;
    do {
        store_fixture_sign_in(&settled.store, web, person[1]);
        status = document_issue(web, a->provider, id, revision + 1, store_year_now, NULL, &given);
    } while (!overtaken(a, id, web, status) && store_year_died(web, status));
    return status == PG_OK;
}

/* The first facts at once; then in random order those whose turn it may be. */
void store_year_replay(struct store_year *a, struct pg *web, uint64_t seed)
{
    bool there[STORE_FACTS] = {false};
    size_t left = a->facts;
    a->y->random = seed;
    a->replaying = true;
    for (size_t i = 0; i < a->facts; i++) {
        if (a->fact[i].begin) {
            store_fixture_sql(&settled.store, a->fact[i].sql);
            there[i] = true;
            left--;
        }
    }
    while (left > 0) {
        size_t i = (size_t)year_random(a->y, a->facts);
        if (there[i] || (a->fact[i].after >= 0 && !there[a->fact[i].after]))
            continue;
        store_fixture_sql(&settled.store, a->fact[i].sql);
        there[i] = true;
        left--;
        if (year_chance(a->y, 30))
            store_year_arm(a);
        if (year_chance(a->y, 50))
            store_year_run_some(a);
        if (year_chance(a->y, 50)) {
            store_year_job(a, "resettle"); /* before it a draft may be stale */
            (void)store_year_issue(a, web);
        }
    }
    store_year_job(a, "resettle");
}

void store_year_free(struct store_year *a)
{
    for (size_t i = 0; i < a->facts; i++)
        free(a->fact[i].sql);
    for (size_t i = 0; i < a->claims; i++)
        json_decref(a->claim[i].asked);
    for (size_t n = 0; n < a->accounts; n++) {
        for (int i = 0; i < 2; i++) {
            json_decref(a->account[n].found[i]);
            free(a->account[n].bytes[i]);
        }
    }
    contract_year_free(a->y);
}
