/* Runs of a contract-year on a database: asked for as the API lets them be, parked, lifted and closed. */
#include "lib/store_year.h"

#include "base/parse.h"
#include "store/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MARCH (YEAR_APRIL + TERMS_MONTHS - 1)

uint64_t store_year_lifted;

static bool is(const char *type, const char *other)
{
    return strcmp(type, other) == 0;
}

/* A run that was parked is taken up again. */
static void insert_run(struct store_year *a, struct run *run)
{
    struct run latest;
    char job[IDENT_SIZE];
    struct pg *pg = settled.worker.pg;
    bool preview = is(run->type, "PREVIEW");
    enum pg_status status = preview ? PG_NONE : run_latest(pg, &run->account, run->month, run->type, &latest);
    year_must(status == PG_OK || status == PG_NONE);
    if (status == PG_OK && !is(latest.state, "done")) {
        memcpy(run->id, latest.id, sizeof run->id);
        run->n = latest.n;
        while (store_year_died(pg, run_requeue(pg, run)))
            continue;
    } else {
        while (store_year_died(pg, run_insert(pg, run)))
            continue;
    }
    while (store_year_died(pg, job_add(pg, a->provider, preview ? "preview" : "settle", run->id, job)))
        continue;
}

static void ask_run(struct store_year *a, const struct store_account *account, month_t month, const char *type,
                    char id[IDENT_SIZE])
{
    struct run run;
    store_year_tick();
    memset(&run, 0, sizeof run);
    snprintf(run.account.provider, sizeof run.account.provider, "%s", a->provider);
    snprintf(run.account.contract, sizeof run.account.contract, "%s", a->contract);
    snprintf(run.account.commissioner, sizeof run.account.commissioner, "%s", account->commissioner);
    snprintf(run.type, sizeof run.type, "%s", type);
    snprintf(run.cause, sizeof run.cause, "asked for by the provider");
    snprintf(run.requested_by, sizeof run.requested_by, "p%s.one", a->provider);
    run.month = month;
    run.requested_at = store_year_now;
    run.known_at = store_year_now;
    insert_run(a, &run);
    memcpy(id, run.id, IDENT_SIZE);
    store_year_work();
}

/* The bytes of the position that a run found, for the caller to free; NULL: the run is parked. */
static char *position_of(const char *run)
{
    char sql[300];
    const char *state = store_year_value("SELECT state FROM run WHERE id = '%s'", run);
    if (strcmp(state, "done") != 0) {
        ck_assert_str_eq(state, "parked");
        return NULL;
    }
    snprintf(sql, sizeof sql,
             "SELECT p.body FROM run r JOIN position p ON p.provider = r.provider AND p.sha256 = r.position_sha256"
             " WHERE r.id = '%s'",
             run);
    PGresult *r = PQexec(pg_raw(settled.store.owner), sql);
    ck_assert_msg(PQntuples(r) == 1, "%s", PQresultErrorMessage(r));
    char *bytes = strdup(PQgetvalue(r, 0, 0));
    PQclear(r);
    year_must(bytes != NULL);
    return bytes;
}

static void look_at_documents(const struct store_year *a, struct store_account *account)
{
    account->documents = store_year_number("SELECT coalesce(sum(balance_pence), 0) FROM document WHERE provider = '%s'"
                                           " AND commissioner = '%s' AND state = 'issued' AND instalment IS NULL",
                                           a->provider, account->commissioner);
    account->billed_to = (month_t)store_year_number(
        "SELECT coalesce((SELECT split_part(m, '-', 1)::integer * 12 + split_part(m, '-', 2)::integer - 1 FROM (SELECT"
        " p.body::jsonb ->> 'month' AS m FROM document d JOIN run r ON r.provider = d.provider AND r.id = d.run JOIN"
        " position p ON p.provider = r.provider AND p.sha256 = r.billing_sha256 WHERE d.provider = '%s' AND"
        " d.commissioner = '%s' AND d.state = 'issued' ORDER BY d.number DESC LIMIT 1) x), 0)",
        a->provider, account->commissioner);
}

/* The case is written when all is known that the run knew: it has just been made. */
static void claim_run(struct store_year *a, size_t n, month_t month, const char *type, const char *hold,
                      const char *balance)
{
    struct store_account *account = &a->account[n];
    /* A FLEX that bills nothing looks at its own month alone. */
    bool own = is(type, "FLEX") && hold[0] == '\0' && balance[0] == '\0';
    month_t billed = own || month > account->head ? month : account->head;
    if (a->replaying || a->claims == STORE_CLAIMS)
        return;
    struct store_claim *claim = &a->claim[a->claims++];
    *claim = (struct store_claim){.account = n, .bills = balance[0] != '\0'};
    snprintf(claim->type, sizeof claim->type, "%s", type);
    snprintf(claim->hold, sizeof claim->hold, "%s", hold);
    year_must(!claim->bills || parse_i64(balance, strlen(balance), &claim->balance));
    look_at_documents(a, account);
    claim->asked = store_year_case(a, n, billed, month, type);
}

/* A run that settles, and what it means for the account. */
static bool settle(struct store_year *a, size_t n, month_t month, const char *type)
{
    char id[IDENT_SIZE];
    char hold[24];
    char balance[24];
    struct store_account *account = &a->account[n];
    ask_run(a, account, month, type, id);
    const char *state = store_year_value("SELECT state FROM run WHERE id = '%s'", id);
    bool done = is(state, "done");
    ck_assert_msg(done || is(state, "parked"), "contract-year %llu: a %s is %s", (unsigned long long)a->seed, type,
                  state);
    snprintf(hold, sizeof hold, "%s", store_year_value("SELECT hold FROM run WHERE id = '%s'", id));
    snprintf(balance, sizeof balance, "%s", store_year_value("SELECT balance_pence FROM run WHERE id = '%s'", id));
    bool bounded = year_version(a->y, month - YEAR_APRIL, YEAR_ALL_KNOWN)->terms->sanity_ppm >= 0;
    if (bounded || is(type, "FLEX") || is(type, "FINAL") || year_chance(a->y, 20))
        claim_run(a, n, month, type, hold, balance);
    if (done && balance[0] != '\0') {
        account->head = month > account->head ? month : account->head;
        account->asked[month - YEAR_APRIL] = account->asked[month - YEAR_APRIL] || is(type, "FREEZE");
        account->closed = account->closed || is(type, "FINAL");
    }
    return done;
}

void store_year_run_some(struct store_year *a)
{
    static const char *const types[] = {"FREEZE", "FREEZE", "FLEX", "PREVIEW", "FINAL"};
    char id[IDENT_SIZE];
    const char *type = types[year_random(a->y, a->closing ? 5 : 4)];
    size_t n = (size_t)year_random(a->y, a->accounts);
    month_t month = YEAR_APRIL + (month_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    if (is(type, "PREVIEW"))
        ask_run(a, &a->account[n], month, type, id);
    else if (is(type, "FINAL") && a->account[n].asked[MARCH - YEAR_APRIL] && !a->account[n].closed)
        (void)settle(a, n, MARCH, type);
    else if (!is(type, "FINAL") && !a->account[n].asked[month - YEAR_APRIL] && !a->account[n].closed)
        (void)settle(a, n, month, type);
}

void store_year_find(struct store_year *a)
{
    struct json_problem problem;
    char id[IDENT_SIZE];
    for (size_t n = 0; n < a->accounts; n++) {
        struct store_account *account = &a->account[n];
        for (int i = 0; i < 2; i++) {
            month_t month = i == 0 ? account->head : a->last;
            if (month == 0)
                continue;
            ask_run(a, account, month, "PREVIEW", id);
            account->bytes[i] = position_of(id);
            if (account->bytes[i] != NULL)
                account->found[i] = json_read(account->bytes[i], strlen(account->bytes[i]), &problem);
            year_must((account->found[i] != NULL) == (account->bytes[i] != NULL));
        }
        look_at_documents(a, account);
        account->stopped = (uint32_t)store_year_number(
            "SELECT CASE WHEN (SELECT state = 'parked' FROM run WHERE provider = '%s' AND commissioner = '%s' AND (type"
            " IN ('R', 'DISPUTE') OR balance_pence IS NOT NULL) ORDER BY finished_at DESC LIMIT 1) THEN (SELECT"
            " bit_or(1 << (extract(month FROM month)::integer + 8) %% 12) FROM run WHERE provider = '%s' AND"
            " commissioner = '%s' AND state = 'done' AND balance_pence IS NOT NULL) ELSE 0 END",
            a->provider, account->commissioner, a->provider, account->commissioner);
    }
}

/* The latest month of an account with a run that a sanity bound parks and that may be asked for again; its type. */
static month_t bounded_run(const struct store_year *a, size_t n, char type[8])
{
    const struct store_account *account = &a->account[n];
    const char *found = store_year_value(
        "SELECT r.type || ' ' || extract(year FROM r.month) * 12 + extract(month FROM r.month) - 1 FROM run r WHERE"
        " provider = '%s' AND commissioner = '%s' AND state = 'parked' AND hold = 'sanity_bound' AND CASE WHEN %s THEN"
        " type = 'DISPUTE' ELSE type <> 'FLEX' OR NOT EXISTS (SELECT FROM run f WHERE f.provider = r.provider AND"
        " f.commissioner = r.commissioner AND f.month = r.month AND f.type = 'FREEZE' AND f.state = 'done') END"
        " ORDER BY r.month DESC, r.n LIMIT 1",
        a->provider, account->commissioner, account->closed ? "true" : "false");
    if (found[0] == '\0')
        return 0;
    size_t length = strcspn(found, " ");
    year_must(length < 8);
    memcpy(type, found, length);
    type[length] = '\0';
    return (month_t)strtol(found + length, NULL, 10);
}

void store_year_lift_bounds(struct store_year *a)
{
    char type[8];
    for (size_t n = 0; n < a->accounts; n++) {
        month_t month;
        for (int tries = 0; (month = bounded_run(a, n, type)) != 0; tries++) {
            int32_t k = month - YEAR_APRIL;
            if (year_version(a->y, k, YEAR_ALL_KNOWN)->terms->sanity_ppm >= 0) {
                if (a->y->versions == YEAR_VERSIONS)
                    return;
                contract_year_lift_bound(a->y, k);
                store_year_approve(a);
                store_year_job(a, "resettle");
            }
            if (bounded_run(a, n, type) == month)
                store_year_lifted += settle(a, n, month, type);
            else
                store_year_lifted++;
            ck_assert_msg(tries < 20, "contract-year %llu: a bound that was lifted parks", (unsigned long long)a->seed);
        }
    }
}

void store_year_freeze_heads(struct store_year *a)
{
    for (size_t n = 0; n < a->accounts; n++) {
        const struct store_account *account = &a->account[n];
        if (account->head != 0 && !account->closed && !account->asked[account->head - YEAR_APRIL])
            (void)settle(a, n, account->head, "FREEZE");
    }
}

/* One adjustment more. */
static void think_again(struct store_year *a)
{
    struct contract_year *y = a->y;
    if (y->adjustments == YEAR_MANY)
        return;
    y->adjustment[y->adjustments++] =
        (struct position_adjustment){.n = (int64_t)y->adjustments,
                                     .month = YEAR_APRIL + (month_t)year_between(y, 0, TERMS_MONTHS - 1),
                                     .pence = year_between(y, 1, 300000),
                                     .label = "As agreed",
                                     .in_cquin = year_chance(y, 50),
                                     .agreed_at = 1};
}

void store_year_close(struct store_year *a, struct pg *web)
{
    for (size_t n = 0; n < a->accounts; n++) {
        struct store_account *account = &a->account[n];
        if (!account->closed && !account->asked[MARCH - YEAR_APRIL])
            (void)settle(a, n, MARCH, "FREEZE");
        store_year_lift_bounds(a);
        while (store_year_answer(a))
            store_year_job(a, "resettle");
        while (store_year_issue(a, web))
            continue;
        if (!account->closed && account->asked[MARCH - YEAR_APRIL])
            (void)settle(a, n, MARCH, "FINAL");
        store_year_lift_bounds(a);
    }
    think_again(a);
    while (store_year_learn(a))
        continue;
}
