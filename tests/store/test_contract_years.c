/* Random contract-years through the store: terms that reach back, late files let in by exception, achievements and
 * agreements, runs of the months in any order, issues, repeated jobs, and transactions that die at any step. In the end
 * the positions are those of the second implementation, the same inputs have the same bytes, and the documents sum to
 * what was billed last. */
#include "lib/contract_year.h"
#include "lib/reference.h"
#include "lib/settlement_fixture.h"

#include "base/parse.h"
#include "store/document.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEARS 200
/* Years between two runs of the second implementation. */
#define BATCH 100

/* A contract-year with a provider of its own. */
struct account_year {
    struct contract_year *y;
    uint64_t seed;
    char provider[7];
    char contract[IDENT_SIZE];
    month_t last;   /* months after it have no submission */
    size_t version; /* next of each kind */
    size_t achievement;
    size_t adjustment;
    size_t agreed;
    size_t withhold;
    int agreement; /* last number */
    bool asked[TERMS_MONTHS];
    month_t head;     /* highest month of a FREEZE that was done; 0: none */
    json_t *found[2]; /* position documents of the head (NULL: none) and of the last month (NULL: parked) */
};

static instant_t now;         /* product clock, of all years */
static int64_t submission_no; /* of all providers */
static uint64_t crashes;

static const char *text_of(instant_t t)
{
    static char text[4][28];
    static size_t next;
    char *out = text[next++ % 4];
    instant_format(t, out);
    return out;
}

static const char *day_of(date_t d)
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

static const char *month_of_text(month_t m)
{
    return day_of(month_first(m));
}

/* An hour later. */
static const char *tick(void)
{
    now += INT64_C(3600) * 1000000;
    set_clock(text_of(now));
    return text_of(now);
}

/* SQL as the owner, written like printf. */
struct script {
    char *text;
    size_t length;
    FILE *file;
};

static FILE *script_begin(struct script *s)
{
    s->file = open_memstream(&s->text, &s->length);
    year_must(s->file != NULL);
    return s->file;
}

static void script_run(struct script *s)
{
    year_must(fclose(s->file) == 0);
    store_fixture_sql(&settled.store, s->text);
    free(s->text);
}

/* Any insertion or update of what a run writes is a step; the step of fault.crash kills the transaction. */
static const char crash_sql[] =
    "CREATE SCHEMA fault; CREATE SEQUENCE fault.step; CREATE TABLE fault.crash (at bigint NOT NULL); INSERT INTO "
    "fault.crash VALUES (0);"
    "CREATE FUNCTION fault.step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = fault AS $$"
    " BEGIN IF session_user LIKE 'reckoner_w%' AND nextval('fault.step') = (SELECT at FROM fault.crash) THEN"
    " RAISE EXCEPTION 'the power fails' USING ERRCODE = '57P01'; END IF; RETURN NULL; END $$;"
    "DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['run', 'run_line', 'run_input', 'run_position', 'position',"
    " 'document', 'document_line', 'frozen_month', 'signed_record', 'statement', 'job'] LOOP"
    " EXECUTE format('CREATE TRIGGER crash AFTER INSERT OR UPDATE ON reckoner.%I FOR EACH STATEMENT"
    " EXECUTE FUNCTION fault.step()', t); END LOOP; END $$;";

static void arm(struct account_year *a)
{
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE fault.crash SET at = (SELECT last_value FROM fault.step) + %d",
             1 + (int)year_random(a->y, 16));
    store_fixture_sql(&settled.store, sql);
}

/* Does a job; a transaction that died leaves the job to the next worker. */
static void do_job(const struct job *job)
{
    char problem[JOB_PROBLEM_SIZE] = "";
    const struct job_handler *handler = job_handlers;
    while (handler->kind != NULL && strcmp(handler->kind, job->kind) != 0)
        handler++;
    year_must(handler->kind != NULL);
    enum job_outcome outcome = handler->run(&settled.worker, job, problem);
    if (outcome == JOB_DONE)
        return;
    if (strstr(problem, "power fails") == NULL && strstr(pg_message(settled.worker.pg), "power fails") == NULL)
        ck_abort_msg("job %s: outcome %d: %s (%s)", job->kind, (int)outcome, problem, pg_message(settled.worker.pg));
    crashes++;
    pg_free(settled.worker.pg);
    settled.worker.pg = store_fixture_connect(&settled.store, "reckoner_worker");
    store_fixture_sql(&settled.store, "UPDATE job SET state = 'queued', lease = NULL, lease_until = NULL,"
                                      " finished_at = NULL, problem = NULL WHERE state <> 'done'");
}

/* A step that died is done again. */
static bool died_at(int line, struct pg *pg, enum pg_status status)
{
    if (status == PG_OK)
        return false;
    if (strstr(pg_message(pg), "power fails") == NULL)
        ck_abort_msg("line %d: status %d: %s", line, (int)status, pg_message(pg));
    crashes++;
    year_must(pg_connect(pg) == PG_OK);
    return true;
}
#define died(pg, status) died_at(__LINE__, pg, status)

static void work_all(void)
{
    for (;;) {
        struct job job;
        enum pg_status status = job_claim(settled.worker.pg, 60, &job);
        if (status == PG_NONE)
            return;
        if (!died(settled.worker.pg, status))
            do_job(&job);
    }
}

static void resettle_year(const struct account_year *a)
{
    char job[IDENT_SIZE];
    tick();
    while (died(settled.worker.pg, job_add(settled.worker.pg, a->provider, "resettle", a->contract, job)))
        continue;
    work_all();
}

/* Runs */

static void ask_run(struct account_year *a, month_t month, const char *type, char id[IDENT_SIZE])
{
    struct run run;
    char job[IDENT_SIZE];
    tick();
    memset(&run, 0, sizeof run);
    snprintf(run.account.provider, sizeof run.account.provider, "%s", a->provider);
    snprintf(run.account.contract, sizeof run.account.contract, "%s", a->contract);
    snprintf(run.account.commissioner, sizeof run.account.commissioner, YEAR_COMMISSIONER);
    snprintf(run.type, sizeof run.type, "%s", type);
    snprintf(run.cause, sizeof run.cause, "asked for by the provider");
    snprintf(run.requested_by, sizeof run.requested_by, "p%s.one", a->provider);
    run.month = month;
    run.requested_at = now;
    run.known_at = now;
    const char *kind = strcmp(type, "PREVIEW") == 0 ? "preview" : "settle";
    while (died(settled.worker.pg, run_insert(settled.worker.pg, &run)))
        continue;
    while (died(settled.worker.pg, job_add(settled.worker.pg, a->provider, kind, run.id, job)))
        continue;
    memcpy(id, run.id, IDENT_SIZE);
}

/* The document of the position that a run found; NULL: the run is parked. New reference. */
static json_t *position_of(const char *run)
{
    char sql[300];
    struct json_problem problem;
    snprintf(sql, sizeof sql, "SELECT state FROM run WHERE id = '%s'", run);
    if (strcmp(value(sql), "done") != 0) {
        ck_assert_str_eq(value(sql), "parked");
        return NULL;
    }
    snprintf(sql, sizeof sql,
             "SELECT p.body FROM run r JOIN position p ON p.provider = r.provider AND p.sha256 = r.position_sha256"
             " WHERE r.id = '%s'",
             run);
    PGresult *r = PQexec(pg_raw(settled.store.owner), sql);
    ck_assert_msg(PQntuples(r) == 1, "%s", PQresultErrorMessage(r));
    json_t *position = json_read(PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0), &problem);
    ck_assert_ptr_nonnull(position);
    PQclear(r);
    return position;
}

static void run_some(struct account_year *a)
{
    static const char *const types[] = {"FREEZE", "FREEZE", "FLEX", "PREVIEW"};
    char id[IDENT_SIZE];
    const char *type = types[year_random(a->y, 4)];
    month_t month = YEAR_APRIL + (month_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    bool freeze = strcmp(type, "FREEZE") == 0;
    if ((freeze || strcmp(type, "FLEX") == 0) && a->asked[month - YEAR_APRIL])
        return;
    ask_run(a, month, type, id);
    work_all();
    json_t *position = freeze ? position_of(id) : NULL;
    if (position != NULL) {
        a->asked[month - YEAR_APRIL] = true;
        a->head = month > a->head ? month : a->head;
    }
    json_decref(position);
}

/* A worker that died between its commit and hearing of it: the job comes again. */
static void repeat_a_job(struct account_year *a)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "UPDATE job SET state = 'queued', finished_at = NULL WHERE id = (SELECT id FROM job WHERE provider = '%s'"
             " AND state = 'done' ORDER BY id LIMIT 1)",
             a->provider);
    store_fixture_sql(&settled.store, sql);
    work_all();
}

static void issue_draft(struct account_year *a, struct pg *web)
{
    char sql[200];
    char id[IDENT_SIZE];
    char person[2][16];
    int64_t given = 0;
    int64_t revision = 1;
    snprintf(sql, sizeof sql, "SELECT id FROM document WHERE provider = '%s' AND state = 'draft'", a->provider);
    snprintf(id, sizeof id, "%s", value(sql));
    if (id[0] == '\0')
        return;
    snprintf(sql, sizeof sql, "SELECT revision FROM document WHERE id = '%s'", id);
    revision = number(sql);
    tick();
    snprintf(person[0], sizeof person[0], "p%s.one", a->provider);
    snprintf(person[1], sizeof person[1], "p%s.two", a->provider);
    do
        store_fixture_sign_in(&settled.store, web, person[0]);
    while (died(web, document_propose(web, a->provider, id, revision, person[0], now)));
    do
        store_fixture_sign_in(&settled.store, web, person[1]);
    while (died(web, document_issue(web, a->provider, id, revision + 1, now, &given)));
}

/* What becomes known */

static void approve_terms(struct account_year *a)
{
    struct json_problem problem;
    size_t length = 0;
    size_t i = a->version++;
    json_t *json = json_deep_copy(a->y->terms[i]->source);
    json_t *parties = json_object_get(json, "parties");
    json_object_set(parties, a->provider, json_object_get(parties, "RXA"));
    json_object_del(parties, "RXA");
    struct terms *t = terms_parse(json, &problem);
    ck_assert_msg(t != NULL, "%s %s", problem.field, problem.message);
    char *body = terms_canonical(t, &length);
    const char *at = i == 0 ? "2012-03-01T09:00:00Z" : tick();
    struct script s;
    fprintf(script_begin(&s),
            "INSERT INTO terms (provider, contract, version, mode, effective_from, digest, body, author, created_at,"
            " state, known_from) VALUES ('%s', '%s', %zu, '%s', %s, sha256('%s'), '%s', 'p%s.one', '%s', 'approved',"
            " '%s')",
            a->provider, a->contract, i + 1, t->shadow ? "shadow" : "live", month_of_text(t->effective_from), body,
            body, a->provider, at, at);
    script_run(&s);
    free(body);
    terms_free(t);
    json_decref(json);
}

static void submit_month(struct account_year *a, int32_t k, int version, instant_t begun_at)
{
    struct script s;
    FILE *f = script_begin(&s);
    char id[IDENT_SIZE];
    size_t rows = a->y->row_count[k];
    const char *at = text_of(begun_at);
    ident_new(id);
    submission_no++;
    fprintf(f,
            "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by, idempotency_key, media_type,"
            " begun_at, completed_at, sealed_key, bytes, sha256, validated_at, rows, payable_rows, rule_set) VALUES"
            " ('%s', %lld, '%s', %s, %d, 'accepted', 'p%s.one', '%s', 'text/csv', '%s', '%s', '', 1000,"
            " sha256('%s'), '%s', %zu, %zu, 'rules');",
            a->provider, (long long)submission_no, id, month_of_text(YEAR_APRIL + k), version, a->provider, id, at, at,
            id, at, rows, rows);
    for (size_t i = 0; i < rows; i++) {
        const struct episode *e = &a->y->rows[k][i].row;
        fprintf(
            f,
            "INSERT INTO episode (provider, submission, row_no, episode_id, patient, commissioner, cluster, service,"
            " start_date, end_date, mhct_date, referral_date, last_contact, mhct_reason, admitted_days,"
            " assessment_only, continues, approved, minor, failed) VALUES ('%s', %lld, %d, '%s', md5('%s')::uuid,"
            " '%s', '%s', '%s', %s, %s, %s, %s, %s, %d, %d, %s, %s, %s, %s, %lld);",
            a->provider, (long long)submission_no, e->row_no, e->episode_id, a->y->rows[k][i].patient_id,
            e->commissioner, e->cluster, e->service, day_of(e->start_date), day_of(e->end_date), day_of(e->mhct_date),
            day_of(e->referral_date), day_of(e->last_contact), e->mhct_reason, e->admitted_days,
            e->assessment_only ? "true" : "false", e->continues ? "true" : "false", e->approved ? "true" : "false",
            e->minor ? "true" : "false", (long long)e->failed);
    }
    script_run(&s);
}

/* A late file that the commissioner lets in. */
static void let_in_late(struct account_year *a)
{
    static int n;
    int32_t k = (int32_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    if (a->y->missing[k])
        return;
    struct script s;
    const char *at = tick();
    fprintf(script_begin(&s),
            "INSERT INTO window_exception (provider, contract, month, n, reason, asked_side, asked_by, asked_at,"
            " decision, decided_side, decided_by, decided_at, closes_at) VALUES ('%s', '%s', %s, %d, 'rows missing',"
            " 'provider', 'p%s.one', '%s', 'granted', 'commissioner', 'pct5qe.one', '%s', '%s')",
            a->provider, a->contract, month_of_text(YEAR_APRIL + k), ++n, a->provider, at, at,
            text_of(now + INT64_C(7200) * 1000000));
    script_run(&s);
    tick();
    contract_year_replace_month(a->y, k);
    submit_month(a, k, 100 + n, now);
    now += INT64_C(7200) * 1000000;
}

static void agree_achievement(struct account_year *a)
{
    const struct position_achievement *m = &a->y->achievement[a->achievement++];
    const char *at = tick();
    struct script s;
    fprintf(script_begin(&s),
            "INSERT INTO achievement (provider, contract, commissioner, indicator, n, numerator, denominator, evidence,"
            " proposed_side, proposed_by, proposed_at, agreed_side, agreed_by, agreed_at) VALUES ('%s', '%s', '5QE',"
            " '%s', 1, %lld, %lld, 'audit', 'provider', 'p%s.one', '%s', 'commissioner', 'pct5qe.one', '%s')",
            a->provider, a->contract, m->indicator, (long long)m->numerator, (long long)m->denominator, a->provider, at,
            at);
    script_run(&s);
}

/* The agreement of both sides that a row of the table beside it goes with; the caller writes that row. */
static int write_agreement(FILE *f, struct account_year *a, const char *kind, month_t month)
{
    const char *at = tick();
    fprintf(f,
            "INSERT INTO agreement (provider, contract, commissioner, n, kind, month, body, digest, proposed_side,"
            " proposed_for, proposed_by, proposed_at, outcome, closed_side, closed_for, closed_by, closed_at) VALUES"
            " ('%s', '%s', '5QE', %d, '%s', %s, '{}', sha256('{}'), 'provider', '%s', 'p%s.one', '%s', 'agreed',"
            " 'commissioner', '5QE', 'pct5qe.one', '%s');",
            a->provider, a->contract, ++a->agreement, kind, month_of_text(month), a->provider, a->provider, at, at);
    return a->agreement;
}

static void agree_adjustment(struct account_year *a)
{
    struct position_adjustment *j = &a->y->adjustment[a->adjustment++];
    struct script s;
    FILE *f = script_begin(&s);
    char reverses[24] = "NULL";
    if (j->pence == 0)
        j->pence = 1;
    if (j->reverses != 0) {
        j->reverses = j[-1].n; /* the one before it */
        snprintf(reverses, sizeof reverses, "%lld", (long long)j->reverses);
        j->pence = -j[-1].pence;
    }
    j->n = write_agreement(f, a, "adjustment", j->month);
    fprintf(
        f,
        "INSERT INTO adjustment (provider, contract, commissioner, n, month, pence, label, in_cquin, reverses) VALUES"
        " ('%s', '%s', '5QE', %d, %s, %lld, 'As agreed', %s, %s)",
        a->provider, a->contract, (int)j->n, month_of_text(j->month), (long long)j->pence,
        j->in_cquin ? "true" : "false", reverses);
    script_run(&s);
}

static void agree_month(struct account_year *a)
{
    const struct year_agreed *m = &a->y->agreed[a->agreed++];
    struct script s;
    FILE *f = script_begin(&s);
    int n = write_agreement(f, a, "month_without_activity", m->month);
    fprintf(f,
            "INSERT INTO month_without_activity (provider, contract, commissioner, n, month, counts_as) VALUES"
            " ('%s', '%s', '5QE', %d, %s, '%s')",
            a->provider, a->contract, n, month_of_text(m->month), m->source == MONTH_ZERO ? "zero" : "estimate");
    script_run(&s);
}

static void impose_withhold(struct account_year *a)
{
    const struct position_withhold *w = &a->y->withhold[a->withhold++];
    struct script s;
    FILE *f = script_begin(&s);
    fprintf(f,
            "INSERT INTO withhold (provider, contract, commissioner, month, id, reason, imposed_by, imposed_at) VALUES"
            " ('%s', '%s', '5QE', %s, '%s', 'the file came late', 'pct5qe.one', '%s');",
            a->provider, a->contract, month_of_text(w->month), w->id, tick());
    if (w->state != WITHHOLD_OPEN) {
        int n = write_agreement(f, a, "withhold_decision", w->month);
        fprintf(f,
                "INSERT INTO withhold_decision (provider, contract, commissioner, n, month, withhold, decision, pence)"
                " VALUES ('%s', '%s', '5QE', %d, %s, '%s', '%s', %lld)",
                a->provider, a->contract, n, month_of_text(w->month), w->id,
                w->state == WITHHOLD_RELEASED ? "released" : "kept", (long long)w->decided_pence);
    }
    script_run(&s);
}

/* One thing more becomes known, of those that are left; false: all is known. */
static bool learn(struct account_year *a)
{
    struct contract_year *y = a->y;
    const struct {
        bool left;
        void (*act)(struct account_year *a);
    } things[] = {{a->version < y->versions, approve_terms},
                  {a->achievement < y->achievements, agree_achievement},
                  {a->adjustment < y->adjustments, agree_adjustment},
                  {a->agreed < y->agreed_count, agree_month},
                  {a->withhold < y->withholds, impose_withhold}};
    size_t count = sizeof things / sizeof *things;
    size_t first = (size_t)year_random(y, count);
    for (size_t i = 0; i < count; i++) {
        if (things[(first + i) % count].left) {
            things[(first + i) % count].act(a);
            resettle_year(a);
            return true;
        }
    }
    return false;
}

/* A year */

static void begin_year(struct account_year *a, uint64_t seed, uint64_t place)
{
    memset(a, 0, sizeof *a);
    a->seed = seed;
    a->y = contract_year_new(seed);
    a->y->changes = 0;
    a->y->challenges = 0;
    a->last = YEAR_APRIL + (month_t)year_between(a->y, 0, 5);
    snprintf(a->provider, sizeof a->provider, "%llu", (unsigned long long)(100000 + place % 900000));
    ident_new(a->contract);
    for (size_t i = 0; i < a->y->achievements; i++)
        a->y->achievement[i].disputed = false;
    struct script s;
    fprintf(
        script_begin(&s),
        "INSERT INTO organisation (code, kind, name, live_from, created_at) VALUES ('%s', 'provider', 'A trust',"
        " '2000-04-01', '2012-01-01Z');"
        "INSERT INTO person (id, organisation, role, name, created_at) SELECT 'p%s.' || n, '%s', 'provider',"
        " 'Person ' || n, '2012-01-01Z' FROM (VALUES ('one'), ('two')) v (n);"
        "INSERT INTO contract (provider, id, financial_year, mode, title, coordinator, created_by, created_at) VALUES"
        " ('%s', '%s', 2012, '%s', 'A contract', '5QE', 'p%s.one', '2012-01-01Z');"
        "INSERT INTO account (provider, contract, commissioner, financial_year) VALUES ('%s', '%s', '5QE', 2012)",
        a->provider, a->provider, a->provider, a->provider, a->contract, a->y->terms[0]->shadow ? "shadow" : "live",
        a->provider, a->provider, a->contract);
    script_run(&s);
    approve_terms(a);
    for (int32_t k = 0; k <= a->last - YEAR_APRIL; k++) {
        instant_t begun = ((instant_t)month_last(YEAR_APRIL + k) + 5) * 86400 * 1000000;
        if (!a->y->missing[k])
            submit_month(a, k, 1, begun);
    }
}

static void live_year(struct account_year *a, struct pg *web)
{
    for (int i = 0; i < 5 || learn(a); i++) {
        if (year_chance(a->y, 35))
            arm(a);
        switch (year_random(a->y, 8)) {
        case 0:
            let_in_late(a);
            resettle_year(a);
            break;
        case 1:
        case 2:
            issue_draft(a, web);
            break;
        case 3:
            repeat_a_job(a);
            break;
        case 4:
            (void)learn(a);
            break;
        default:
            run_some(a);
            break;
        }
    }
}

static void end_year(struct account_year *a, struct pg *web)
{
    char id[IDENT_SIZE];
    issue_draft(a, web);
    for (int i = 0; i < 2; i++) {
        month_t month = i == 0 ? a->head : a->last;
        if (month == 0)
            continue;
        ask_run(a, month, "PREVIEW", id);
        work_all();
        a->found[i] = position_of(id);
    }
}

static void documents_sum_to_the_last_billed(const struct account_year *a)
{
    char sql[900];
    /* Terms that came later may have parked the account: then what was billed before stands. */
    snprintf(sql, sizeof sql,
             "SELECT coalesce((SELECT position_pence FROM document WHERE provider = '%s' AND state = 'issued'"
             " ORDER BY number DESC LIMIT 1), 0)",
             a->provider);
    int64_t owed = a->found[0] == NULL ? number(sql) : json_int(a->found[0], "billable_pence", INT64_MIN);
    snprintf(sql, sizeof sql,
             "SELECT coalesce((SELECT on_account_pence FROM document WHERE provider = '%s' AND state = 'issued'"
             " ORDER BY number DESC LIMIT 1), 0)",
             a->provider);
    owed -= number(sql); /* billed by instalments */
    snprintf(sql, sizeof sql,
             "SELECT coalesce(sum(balance_pence), 0) FROM document WHERE provider = '%s' AND state = 'issued'",
             a->provider);
    ck_assert_msg(number(sql) == owed, "contract-year %llu: issued %lld, owed %lld", (unsigned long long)a->seed,
                  (long long)number(sql), (long long)owed);
    snprintf(sql, sizeof sql,
             "SELECT coalesce(sum(pence), 0) FROM ledger_posting WHERE provider = '%s' AND ledger_account ="
             " 'receivable'",
             a->provider);
    ck_assert_int_eq(number(sql), owed);
    snprintf(sql, sizeof sql, "SELECT coalesce(sum(pence), 0) FROM ledger_posting WHERE provider = '%s'", a->provider);
    ck_assert_int_eq(number(sql), 0);
    snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM document d WHERE provider = '%s' AND balance_pence <> (SELECT coalesce(sum(pence), 0)"
        " FROM document_line l WHERE l.provider = d.provider AND l.document = d.id)",
        a->provider);
    ck_assert_int_eq(number(sql), 0);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT FROM position WHERE provider = '%s' GROUP BY body::jsonb -> 'inputs',"
             " body::jsonb -> 'month', body::jsonb -> 'known_at' HAVING count(*) > 1) x",
             a->provider);
    ck_assert_msg(number(sql) == 0, "contract-year %llu: the same inputs have other bytes",
                  (unsigned long long)a->seed);
}

static void compare(const struct account_year *a, const json_t *ours, const json_t *theirs)
{
    size_t i;
    json_t *line;
    if ((ours == NULL) != (json_text(theirs, "parked") != NULL))
        ck_abort_msg("contract-year %llu: %s, second implementation %s", (unsigned long long)a->seed,
                     ours == NULL ? "parked" : "done", json_text(theirs, "parked"));
    if (ours == NULL)
        return;
    json_array_foreach(json_object_get(ours, "lines"), i, line)
    {
        const json_t *other = reference_line(theirs, json_text(line, "key"));
        if (other == NULL || json_int(other, "pence", INT64_MIN) != json_int(line, "pence", 0) ||
            json_int(other, "units", 0) != json_int(line, "units", 0))
            ck_abort_msg("contract-year %llu, %s: %lld, second implementation %lld", (unsigned long long)a->seed,
                         json_text(line, "key"), (long long)json_int(line, "pence", 0),
                         (long long)json_int(other, "pence", 0));
    }
    ck_assert_uint_eq(json_array_size(json_object_get(ours, "lines")),
                      json_array_size(json_object_get(theirs, "lines")));
    ck_assert_int_eq(json_int(ours, "total_pence", 0), json_int(theirs, "total_pence", -1));
    ck_assert_int_eq(json_int(ours, "billable_pence", 0), json_int(theirs, "billable_pence", -1));
}

static void compare_years(struct account_year *years, size_t count)
{
    struct reference reference;
    reference_open(&reference);
    for (size_t n = 0; n < count; n++) {
        reference_ask(&reference, contract_year_case(years[n].y, years[n].last, YEAR_ALL_KNOWN));
        if (years[n].head != 0)
            reference_ask(&reference, contract_year_case(years[n].y, years[n].head, YEAR_ALL_KNOWN));
    }
    reference_run(&reference);
    for (size_t n = 0; n < count; n++) {
        for (int i = 1; i >= 0 && (i == 1 || years[n].head != 0); i--) {
            json_t *theirs = reference_next(&reference);
            compare(&years[n], years[n].found[i], theirs);
            json_decref(theirs);
            json_decref(years[n].found[i]);
        }
        contract_year_free(years[n].y);
    }
    reference_close(&reference);
}

/* What dies here is transactions, not the machine: no commit need wait for the disk. */
static void set_up(void)
{
    settled_open();
    store_fixture_sql(&settled.store, crash_sql);
    store_fixture_sql(&settled.store, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
                                      " current_database()); END $$");
    ck_assert_int_eq(store_fixture_try(settled.store.owner, "SET synchronous_commit = off"), PG_OK);
    pg_free(settled.worker.pg);
    settled.worker.pg = store_fixture_connect(&settled.store, "reckoner_worker");
}

START_TEST(in_any_order_and_through_crashes_the_positions_are_those_of_the_second_implementation)
{
    static struct account_year years[BATCH];
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(YEARS);
    struct pg *web = store_fixture_connect(&settled.store, "reckoner_web");
    size_t count = 0;
    instant_parse("2013-06-01T09:00:00Z", 20, &now);
    for (uint64_t i = 0; i < rounds; i++) {
        struct account_year *a = &years[count++];
        begin_year(a, seed * 1000003 + i, i);
        live_year(a, web);
        end_year(a, web);
        documents_sum_to_the_last_billed(a);
        if (count == BATCH || i + 1 == rounds) {
            compare_years(years, count);
            count = 0;
        }
    }
    pg_free(web);
    printf("%llu contract-years, %lld runs done, %lld parked, %lld re-settlements, %lld documents issued, %llu"
           " transactions killed\n",
           (unsigned long long)rounds, (long long)number("SELECT count(*) FROM run WHERE state = 'done'"),
           (long long)number("SELECT count(*) FROM run WHERE state = 'parked'"),
           (long long)number("SELECT count(*) FROM run WHERE type = 'R'"),
           (long long)number("SELECT count(*) FROM document WHERE state = 'issued'"), (unsigned long long)crashes);
    ck_assert(rounds < 50 || (crashes > rounds / 4 && number("SELECT count(*) FROM run WHERE type = 'R'") > 10));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contract years");
    TCase *t = tcase_create("contract years");
    tcase_set_timeout(t, 0);
    tcase_add_unchecked_fixture(t, set_up, settled_close);
    tcase_add_test(t, in_any_order_and_through_crashes_the_positions_are_those_of_the_second_implementation);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
