/* Random contract-years through the store: terms that reach back, late files let in by exception, achievements and
 * agreements, withholds, opening entries, challenges and their answers, rows moved between two accounts, instalments;
 * runs of the months in any order, FLEX that bills, balances beyond a sanity bound and the bound lifted, years closed
 * by FINAL and disputed, issues, repeated jobs, and transactions that die at any step. In the end the positions and
 * what is left to bill are those of the second implementation, as were the balances of runs on the way, and the
 * documents sum to what was billed last. Then the facts of some years come again in another order, and the positions
 * have the same bytes. */
#include "lib/reference.h"
#include "lib/store_year.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEARS 200
/* Years between two runs of the second implementation. */
#define BATCH 100
/* One year in so many comes again in another order. */
#define AGAIN 4

static void live_year(struct store_year *a, struct pg *web)
{
    for (int i = 0; i < 5 || store_year_learn(a); i++) {
        if (year_chance(a->y, 35))
            store_year_arm(a);
        switch (year_random(a->y, 9)) {
        case 0:
            store_year_let_in_late(a);
            store_year_job(a, "resettle");
            break;
        case 1:
        case 2:
            (void)store_year_issue(a, web);
            break;
        case 3:
            store_year_repeat(a);
            break;
        case 4:
            (void)store_year_learn(a);
            break;
        case 5:
            if (a->by_instalment)
                store_year_job(a, "instalment");
            break;
        default:
            store_year_run_some(a);
            break;
        }
    }
}

static void end_year(struct store_year *a, struct pg *web)
{
    if (a->closing)
        store_year_close(a, web);
    store_year_freeze_heads(a);
    store_year_lift_bounds(a);
    if (a->by_instalment)
        store_year_job(a, "instalment");
    while (store_year_issue(a, web))
        continue;
    store_year_find(a);
}

/* Terms that came later may have parked the account: then what was billed before stands. */
static int64_t owed_by(const struct store_year *a, const struct store_account *account)
{
    if (account->found[0] == NULL || account->stopped != 0 ||
        !store_year_bills(a, account->commissioner, account->head))
        return account->documents;
    int64_t set_off = store_year_number(
        "SELECT coalesce((SELECT coalesce(on_account_pence, 0) + opening_pence FROM document WHERE provider = '%s'"
        " AND commissioner = '%s' AND state = 'issued' AND instalment IS NULL ORDER BY number DESC LIMIT 1), 0)",
        a->provider, account->commissioner);
    return json_int(account->found[0], "billable_pence", INT64_MIN) - set_off;
}

static void documents_sum_to_the_last_billed(const struct store_year *a)
{
    for (size_t n = 0; n < a->accounts; n++) {
        const struct store_account *account = &a->account[n];
        int64_t owed = account->head == 0 ? 0 : owed_by(a, account);
        ck_assert_msg(account->documents == owed, "contract-year %llu: issued %lld, owed %lld",
                      (unsigned long long)a->seed, (long long)account->documents, (long long)owed);
    }
    int64_t issued = store_year_number(
        "SELECT coalesce(sum(balance_pence), 0) FROM document WHERE provider = '%s' AND state = 'issued'", a->provider);
    int64_t receivable = store_year_number("SELECT coalesce(sum(pence), 0) FROM ledger_posting WHERE provider = '%s'"
                                           " AND ledger_account = 'receivable'",
                                           a->provider);
    ck_assert_int_eq(receivable, issued);
    ck_assert_int_eq(
        store_year_number("SELECT coalesce(sum(pence), 0) FROM ledger_posting WHERE provider = '%s'", a->provider), 0);
    ck_assert_int_eq(
        store_year_number(
            "SELECT count(*) FROM document d WHERE provider = '%s' AND balance_pence <> (SELECT coalesce(sum(pence), 0)"
            " FROM document_line l WHERE l.provider = d.provider AND l.document = d.id)",
            a->provider),
        0);
    int64_t other_bytes = store_year_number(
        "SELECT count(*) FROM (SELECT FROM position WHERE provider = '%s' GROUP BY body::jsonb -> 'commissioner',"
        " body::jsonb -> 'inputs', body::jsonb -> 'month', body::jsonb -> 'known_at' HAVING count(*) > 1) x",
        a->provider);
    ck_assert_msg(other_bytes == 0, "contract-year %llu: the same inputs have other bytes",
                  (unsigned long long)a->seed);
}

/* All twelve months have begun: with the opening entries the instalments come to the expected value of the year, and to
 * nothing where the year ends without them; unless some version's plan of the year cannot be computed. */
static void instalments_sum_to_the_expected_value(const struct store_year *a)
{
    struct bill_set_off off;
    int64_t expected;
    if (!a->by_instalment ||
        contract_year_set_off(a->y, YEAR_APRIL + TERMS_MONTHS - 1, YEAR_ALL_KNOWN, &off, &expected) != POSITION_DONE)
        return;
    const char *state = store_year_value("SELECT state FROM job WHERE provider = '%s' AND kind = 'instalment'"
                                         " ORDER BY created_at DESC LIMIT 1",
                                         a->provider);
    if (strcmp(state, "failed") == 0)
        return;
    int64_t issued = store_year_number("SELECT coalesce(sum(balance_pence), 0) FROM document WHERE provider = '%s' AND"
                                       " commissioner = '5QE' AND state = 'issued' AND instalment IS NOT NULL",
                                       a->provider);
    for (size_t i = 0; expected >= 0 && i < a->y->openings; i++)
        issued += a->y->opening[i].pence;
    ck_assert_msg(issued == (expected < 0 ? 0 : expected), "contract-year %llu: instalments of %lld, expected %lld",
                  (unsigned long long)a->seed, (long long)issued, (long long)expected);
}

static void compare_lines(const struct store_year *a, const json_t *ours, const json_t *theirs)
{
    size_t i;
    json_t *line;
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
    json_array_foreach(json_object_get(ours, "contested"), i, line)
    {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)json_int(line, "challenge", 0));
        int64_t other = json_int(json_object_get(theirs, "contested"), number, INT64_MIN);
        if (other != json_int(line, "pence", 0))
            ck_abort_msg("contract-year %llu, challenge %s contests %lld, second implementation %lld",
                         (unsigned long long)a->seed, number, (long long)json_int(line, "pence", 0), (long long)other);
    }
    ck_assert_uint_eq(json_array_size(json_object_get(ours, "contested")),
                      json_object_size(json_object_get(theirs, "contested")));
}

static bool same_claim(const struct store_claim *claim, const json_t *theirs)
{
    bool bound = strcmp(claim->hold, "sanity_bound") == 0;
    bool held = claim->hold[0] != '\0';
    /* Parked, or the instalments cannot be computed, which a run that bills nothing does not need. */
    if (json_object_get(theirs, "bills") == NULL)
        return held ? !bound : json_text(theirs, "parked") == NULL && !claim->bills;
    if (!json_bool(theirs, "bills", false))
        return !held && !claim->bills;
    if (bound || json_bool(theirs, "beyond_bound", false))
        return bound && json_bool(theirs, "beyond_bound", false);
    return !held && claim->bills && claim->balance == json_int(theirs, "balance_pence", INT64_MIN);
}

/* Whether a bound parks a run that was made, and what it bills. */
static void compare_claim(const struct store_year *a, const struct store_claim *claim, const json_t *theirs)
{
    if (strcmp(claim->hold, "open_challenge") == 0) {
        ck_assert_str_eq(claim->type, "FINAL");
    } else if (!same_claim(claim, theirs)) {
        char *text = json_dumps(theirs, JSON_COMPACT);
        ck_abort_msg("contract-year %llu, %s: a %s is held by %s, bills %d, balance %lld; second implementation %s",
                     (unsigned long long)a->seed, a->account[claim->account].commissioner, claim->type,
                     claim->hold[0] == '\0' ? "nothing" : claim->hold, claim->bills, (long long)claim->balance, text);
    }
}

/* which: 0 the head, after which nothing is left to bill; 1 the last month. */
static void compare(const struct store_year *a, const struct store_account *account, int which, const json_t *theirs)
{
    const json_t *ours = account->found[which];
    if ((ours == NULL) != (json_text(theirs, "parked") != NULL))
        ck_abort_msg("contract-year %llu, %s: %s, second implementation %s", (unsigned long long)a->seed,
                     account->commissioner, ours == NULL ? "parked" : "done", json_text(theirs, "parked"));
    if (ours == NULL)
        return;
    compare_lines(a, ours, theirs);
    ck_assert_int_eq(json_int(ours, "total_pence", 0), json_int(theirs, "total_pence", -1));
    ck_assert_int_eq(json_int(ours, "billable_pence", 0), json_int(theirs, "billable_pence", -1));
    int64_t balance = json_int(theirs, "balance_pence", 0);
    if (which == 0 && balance != 0 && account->stopped == 0)
        ck_abort_msg("contract-year %llu, %s: the second implementation would bill %lld more",
                     (unsigned long long)a->seed, account->commissioner, (long long)balance);
}

/* Of the settled months of an account that has stopped, the second implementation too cannot compute one. */
static void compare_stopped(struct reference *r, const struct store_year *a, const struct store_account *account)
{
    bool parked = account->stopped == 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        if ((account->stopped >> k & 1) != 0) {
            json_t *theirs = reference_next(r);
            parked = parked || json_text(theirs, "parked") != NULL || json_object_get(theirs, "bills") == NULL;
            json_decref(theirs);
        }
    }
    ck_assert_msg(parked, "contract-year %llu, %s has stopped; the second implementation goes on",
                  (unsigned long long)a->seed, account->commissioner);
}

static bool is_asked(const struct store_account *account, int which)
{
    return which == 1 || account->head != 0;
}

/* The cases are written while the year's facts are in this database. */
static void ask_year(struct reference *r, const struct store_year *a)
{
    for (size_t i = 0; i < a->claims; i++)
        reference_ask(r, json_incref(a->claim[i].asked));
    for (size_t n = 0; n < a->accounts; n++) {
        for (int which = 0; which < 2; which++) {
            month_t month = which == 0 ? a->account[n].head : a->last;
            if (is_asked(&a->account[n], which))
                reference_ask(r, store_year_case(a, n, month, month, "R"));
        }
        for (int32_t k = 0; k < TERMS_MONTHS; k++) {
            if ((a->account[n].stopped >> k & 1) != 0)
                reference_ask(r, store_year_case(a, n, YEAR_APRIL + k, YEAR_APRIL + k, "R"));
        }
    }
}

static void compare_year(struct reference *r, const struct store_year *a)
{
    for (size_t i = 0; i < a->claims; i++) {
        json_t *theirs = reference_next(r);
        compare_claim(a, &a->claim[i], theirs);
        json_decref(theirs);
    }
    for (size_t n = 0; n < a->accounts; n++) {
        for (int which = 0; which < 2; which++) {
            if (!is_asked(&a->account[n], which))
                continue;
            json_t *theirs = reference_next(r);
            compare(a, &a->account[n], which, theirs);
            json_decref(theirs);
        }
        compare_stopped(r, a, &a->account[n]);
    }
}

/* Once more on an empty database, in another order of facts, runs, issues and deaths. */
static void same_bytes(struct store_year *a, struct pg *web)
{
    char *before[STORE_ACCOUNTS][2];
    month_t head[STORE_ACCOUNTS];
    for (size_t n = 0; n < a->accounts; n++) {
        struct store_account *account = &a->account[n];
        head[n] = account->head;
        for (int i = 0; i < 2; i++) {
            before[n][i] = account->bytes[i];
            account->bytes[i] = NULL;
            json_decref(account->found[i]);
            account->found[i] = NULL;
        }
        memset(account->asked, 0, sizeof account->asked);
        account->head = 0;
        account->closed = false;
    }
    store_year_replay(a, web, a->seed ^ 0x5eed);
    for (size_t n = 0; n < a->accounts; n++)
        a->account[n].head = head[n];
    store_year_find(a);
    for (size_t n = 0; n < a->accounts; n++) {
        for (int i = 0; i < 2; i++) {
            const char *again = a->account[n].bytes[i];
            if ((again == NULL) != (before[n][i] == NULL) || (again != NULL && strcmp(again, before[n][i]) != 0))
                ck_abort_msg("contract-year %llu, %s: another order gives other bytes:\n%s\n%s",
                             (unsigned long long)a->seed, a->account[n].commissioner, before[n][i], again);
            free(before[n][i]);
        }
    }
}

struct years {
    struct store_year batch[BATCH];
    size_t count;
    struct store_year *again;
    size_t again_count;
};

/* What is compared of a batch; years that come again are kept. */
static void end_batch(struct years *all, struct reference *r)
{
    reference_run(r);
    for (size_t i = 0; i < all->count; i++) {
        struct store_year *a = &all->batch[i];
        compare_year(r, a);
        if (a->order_free)
            all->again[all->again_count++] = *a;
        else
            store_year_free(a);
    }
    reference_close(r);
    all->count = 0;
}

static void print_coverage(uint64_t rounds)
{
    printf("%llu contract-years, %lld runs done, %lld parked, %lld re-settlements, %lld documents and %lld instalments"
           " issued, %lld challenges (%lld raised again) with %lld decisions, %lld rows moved, %lld opening entries,"
           " %llu transactions killed; %lld FLEX runs billed, %lld parked by a bound at the end and %llu lifted, %lld "
           "FINAL"
           " and %lld DISPUTE runs\n",
           (unsigned long long)rounds, (long long)number("SELECT count(*) FROM run WHERE state = 'done'"),
           (long long)number("SELECT count(*) FROM run WHERE state = 'parked'"),
           (long long)number("SELECT count(*) FROM run WHERE type = 'R'"),
           (long long)number("SELECT count(*) FROM document WHERE state = 'issued' AND instalment IS NULL"),
           (long long)number("SELECT count(*) FROM document WHERE state = 'issued' AND instalment IS NOT NULL"),
           (long long)number("SELECT count(*) FROM challenge"),
           (long long)number("SELECT count(*) FROM challenge WHERE reopens IS NOT NULL"),
           (long long)number("SELECT count(*) FROM decision"), (long long)number("SELECT count(*) FROM reattribution"),
           (long long)number("SELECT count(*) FROM opening_entry"), (unsigned long long)store_year_crashes,
           (long long)number("SELECT count(*) FROM run WHERE type = 'FLEX' AND balance_pence <> 0"),
           (long long)number("SELECT count(*) FROM run WHERE hold = 'sanity_bound'"),
           (unsigned long long)store_year_lifted,
           (long long)number("SELECT count(*) FROM run WHERE type = 'FINAL' AND state = 'done'"),
           (long long)number("SELECT count(*) FROM run WHERE type = 'DISPUTE' AND state = 'done'"));
    /* A comparison of nothing would prove nothing. */
    static const char *const some[] = {
        "SELECT count(*) FROM run WHERE type = 'R'",
        "SELECT count(*) FROM decision",
        "SELECT count(*) FROM challenge WHERE billed",
        "SELECT count(*) FROM challenge WHERE outcome IS NULL",
        "SELECT count(*) FROM challenge WHERE outcome = 'withdrawn'",
        "SELECT count(*) FROM reattribution",
        "SELECT count(*) FROM opening_entry",
        "SELECT count(*) FROM withhold_decision",
        "SELECT count(*) FROM document d JOIN run r ON r.id = d.run WHERE r.type = 'FLEX' AND d.state = 'issued'",
        "SELECT count(*) FROM run WHERE type = 'FINAL' AND state = 'done'",
        "SELECT count(*) FROM document d JOIN run r ON r.id = d.run WHERE r.type = 'DISPUTE' AND d.state = 'issued'",
        "SELECT count(*) FROM document WHERE state = 'issued' AND instalment IS NOT NULL",
        "SELECT count(*) FROM document WHERE state = 'issued' AND on_account_pence <> 0"};
    for (size_t i = 0; rounds >= YEARS && i < sizeof some / sizeof *some; i++)
        ck_assert_msg(number(some[i]) > 4, "%s: %lld", some[i], (long long)number(some[i]));
    ck_assert(rounds < YEARS || (store_year_crashes > rounds / 4 && store_year_lifted > 4));
}

static void bring_again(struct years *all)
{
    settled_close();
    settled_open();
    store_year_set_up();
    struct pg *web = store_fixture_connect(&settled.store, "reckoner_web");
    for (size_t i = 0; i < all->again_count; i++) {
        same_bytes(&all->again[i], web);
        store_year_free(&all->again[i]);
    }
    pg_free(web);
    printf("%zu of them again in another order, with the same bytes\n", all->again_count);
}

START_TEST(in_any_order_and_through_crashes_the_positions_are_those_of_the_second_implementation)
{
    static struct years all;
    struct reference reference;
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(YEARS);
    struct pg *web = store_fixture_connect(&settled.store, "reckoner_web");
    all.again = calloc(rounds / AGAIN + 2, sizeof *all.again);
    year_must(all.again != NULL);
    instant_parse("2013-06-01T09:00:00Z", 20, &store_year_now);
    for (uint64_t i = 0; i < rounds; i++) {
        struct store_year *a = &all.batch[all.count++];
        if (all.count == 1)
            reference_open(&reference);
        store_year_begin(a, seed * 1000003 + i, i, i % AGAIN == 0);
        live_year(a, web);
        end_year(a, web);
        documents_sum_to_the_last_billed(a);
        instalments_sum_to_the_expected_value(a);
        ask_year(&reference, a);
        if (all.count == BATCH || i + 1 == rounds)
            end_batch(&all, &reference);
    }
    pg_free(web);
    print_coverage(rounds);
    bring_again(&all);
    free(all.again);
}
END_TEST

static void set_up(void)
{
    settled_open();
    store_year_set_up();
}

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
