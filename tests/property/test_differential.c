/* The engine against auditor/reckoner_auditor.py on random contract-years: to the penny each line by its key with
 * units, the sums of the stages, P, X, the base of CQUIN, what each challenge contests, total and billable; what a
 * billing run bills, and the instalments; then the position document, to the byte.
 */
#include "lib/contract_year.h"
#include "lib/reference.h"

#include "base/parse.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The second implementation runs once for so many. */
#define BATCH 1000

struct question {
    uint64_t seed;
    month_t month;
    instant_t known_at;
    struct contract_year *year;
    bool bills;
    month_t run;                    /* its month; the billed one is q.month */
    struct bill_set_off billed_off; /* what stood against the position billed before */
    json_t *billed;                 /* its document; NULL: nothing was billed */
    month_t billed_to;              /* its month */
    int64_t documents;              /* what was billed of it */
};

static json_t *document_of(const struct contract_year *y, month_t m, instant_t known_at, struct position *p,
                           enum position_status *status)
{
    struct json_problem problem;
    char *bytes = NULL;
    *status = contract_year_position(y, m, known_at, 0, p, &bytes);
    json_t *document = *status == POSITION_DONE ? json_read(bytes, strlen(bytes), &problem) : NULL;
    year_must((document != NULL) == (*status == POSITION_DONE));
    free(bytes);
    return document;
}

/* What was billed some time before, of the same month or an earlier one. */
static void bill_before(struct question *q, struct contract_year *dice)
{
    struct position p;
    enum position_status status;
    int64_t eacv;
    month_t month = YEAR_APRIL + (month_t)year_random(dice, (uint64_t)(q->month - YEAR_APRIL + 1));
    instant_t known_at = (instant_t)year_between(dice, 1000000, q->known_at);
    if (contract_year_set_off(q->year, month, known_at, &q->billed_off, &eacv) == POSITION_DONE)
        q->billed = document_of(q->year, month, known_at, &p, &status);
    if (q->billed == NULL) {
        q->billed_off = (struct bill_set_off){0};
        return;
    }
    q->billed_to = month;
    q->documents = p.billable - q->billed_off.opening - q->billed_off.on_account;
    position_free(&p);
}

static struct question question_of(uint64_t base, uint64_t round)
{
    struct contract_year dice = {.random = base + round};
    struct question q = {.seed = base * 1000003 + round};
    q.month = YEAR_APRIL + (month_t)year_random(&dice, TERMS_MONTHS);
    q.known_at = (instant_t)(1000000 * (1 + year_random(&dice, YEAR_VERSIONS + 1)) + 500000);
    q.year = contract_year_new(q.seed);
    if (q.seed % 5 == 0)
        contract_year_crowd(q.year);
    if (year_chance(&dice, 15))
        q.year->account = YEAR_OTHER;
    q.bills = year_chance(&dice, 25);
    q.run = year_chance(&dice, 60)
                ? q.month
                : YEAR_APRIL + (month_t)year_random(&dice, TERMS_MONTHS) % (q.month - YEAR_APRIL + 1);
    if (q.bills && year_chance(&dice, 70))
        bill_before(&q, &dice);
    return q;
}

/* How many of each were compared that are not 0: a comparison of nothing would prove nothing. */
struct coverage {
    uint64_t parked;
    uint64_t lines[STAGE_COUNT];
    uint64_t bases[BASIS_COUNT];
    uint64_t estimates;
    uint64_t bills;
    uint64_t on_account;
    uint64_t beyond;
    uint64_t within;
};

#define SAME(q, what, ours, other)                                                                                     \
    do {                                                                                                               \
        long long same_ours = (long long)(ours);                                                                       \
        long long same_other = (long long)(other);                                                                     \
        if (same_ours != same_other)                                                                                   \
            ck_abort_msg("contract-year %llu, %s: %lld, second implementation %lld", (unsigned long long)(q)->seed,    \
                         what, same_ours, same_other);                                                                 \
    } while (0)

static void compare_lines(const struct question *q, const struct position *p, const json_t *theirs,
                          struct coverage *seen)
{
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(theirs, "lines"), i, each)
    {
        bool ours = false;
        for (size_t j = 0; j < p->count; j++)
            ours = ours || strcmp(p->line[j].key, json_text(each, "key")) == 0;
        if (!ours)
            ck_abort_msg("contract-year %llu: only the second implementation has %s of %lld",
                         (unsigned long long)q->seed, json_text(each, "key"), (long long)json_int(each, "pence", 0));
    }
    for (size_t j = 0; j < p->count; j++) {
        const struct position_line *line = &p->line[j];
        const json_t *other = reference_line(theirs, line->key);
        if (other == NULL)
            ck_abort_msg("contract-year %llu: the second implementation has no %s of %lld", (unsigned long long)q->seed,
                         line->key, (long long)line->pence);
        SAME(q, line->key, line->pence, json_int(other, "pence", INT64_MIN));
        SAME(q, line->key, line->units, json_int(other, "units", 0));
        SAME(q, line->key, line->billable, json_bool(other, "billable", !line->billable));
        if (line->pence != 0) {
            seen->lines[line->stage]++;
            seen->bases[line->basis < BASIS_COUNT ? line->basis : 0] += line->basis < BASIS_COUNT;
            seen->estimates += strncmp(line->key, "estimate/", 9) == 0;
        }
    }
    SAME(q, "number of lines", p->count, json_array_size(json_object_get(theirs, "lines")));
}

static void compare_sums(const struct question *q, const struct position *p, const json_t *theirs)
{
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        const char *name = stage_name((enum terms_stage)stage);
        SAME(q, name, p->subtotal[stage], json_int(json_object_get(theirs, "stages"), name, INT64_MIN));
    }
    SAME(q, "P", p->planned, json_int(theirs, "P_pence", INT64_MIN));
    SAME(q, "X", p->before_risk, json_int(theirs, "X_pence", INT64_MIN));
    SAME(q, "AAV", p->aav, json_int(theirs, "AAV_pence", 0));
    SAME(q, "total", p->total, json_int(theirs, "total_pence", INT64_MIN));
    SAME(q, "billable", p->billable, json_int(theirs, "billable_pence", INT64_MIN));
    for (size_t k = 0; k <= (size_t)(q->month - YEAR_APRIL); k++)
        SAME(q, "plan of a month", p->plan[k],
             json_integer_value(json_array_get(json_object_get(theirs, "plan_by_month_pence"), k)));
    for (size_t i = 0; i < p->contested_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)p->contested[i].number);
        SAME(q, "contested", p->contested[i].pence, json_int(json_object_get(theirs, "contested"), number, INT64_MIN));
    }
    SAME(q, "number of challenges", p->contested_count, json_object_size(json_object_get(theirs, "contested")));
}

static void compare_bound(const struct question *q, const struct position *p, int64_t balance, const json_t *theirs,
                          struct coverage *seen)
{
    int64_t bound = year_version(q->year, q->run - YEAR_APRIL, q->known_at)->terms->sanity_ppm;
    bool beyond = bill_beyond_bound(balance, bill_planned(p->plan, YEAR_APRIL, q->month, q->run, q->billed), bound);
    SAME(q, "beyond the sanity bound", beyond, json_bool(theirs, "beyond_bound", !beyond));
    seen->beyond += beyond;
    seen->within += bound >= 0 && !beyond;
}

static void compare_bill(const struct question *q, const struct position *p, const json_t *now,
                         const struct bill_set_off *off, int64_t eacv, const json_t *theirs, struct coverage *seen)
{
    const struct bill_before before = {q->billed, q->billed_off, q->documents};
    const json_t *instalments = json_object_get(theirs, "instalments");
    struct bill bill;
    SAME(q, "bill", bill_compute(now, off, &before, &bill), BILL_DONE);
    SAME(q, "balance", bill.balance, json_int(theirs, "balance_pence", INT64_MIN));
    SAME(q, "billed", q->documents + off->opening, json_int(theirs, "billed_pence", INT64_MIN));
    SAME(q, "instalments", eacv >= 0 ? TERMS_MONTHS : 0, json_array_size(instalments));
    for (int32_t k = 1; eacv >= 0 && k <= TERMS_MONTHS; k++) {
        int64_t to;
        int64_t from;
        year_must(instalments_due(eacv, k, &to) && instalments_due(eacv, k - 1, &from));
        SAME(q, "instalment", to - from, json_integer_value(json_array_get(instalments, (size_t)k - 1)));
    }
    compare_bound(q, p, bill.balance, theirs, seen);
    seen->bills += bill.balance != 0;
    seen->on_account += eacv > 0;
    bill_free(&bill);
}

/* The position documents are the same to the byte. */
static void compare_documents(const struct question *q, const json_t *now, const json_t *theirs)
{
    unsigned char sha256[crypto_hash_sha256_BYTES];
    char digest[2 * sizeof sha256 + 1];
    size_t length;
    char *bytes = json_canonical(now, &length);
    year_must(bytes != NULL && crypto_hash_sha256(sha256, (const unsigned char *)bytes, length) == 0);
    hex_encode(sha256, sizeof sha256, digest);
    if (strcmp(digest, json_text(theirs, "document_sha256")) != 0) {
        json_t *asked = contract_year_case(q->year, q->month, q->known_at);
        json_dumpf(asked, stderr, JSON_COMPACT);
        fprintf(stderr, "\n%s\n", bytes);
        json_decref(asked);
        ck_abort_msg("contract-year %llu: another document; the case, and the engine's, are in the output",
                     (unsigned long long)q->seed);
    }
    free(bytes);
}

static void compare(const struct question *q, const json_t *theirs, struct coverage *seen)
{
    struct position p;
    struct bill_set_off off = {0};
    int64_t eacv = -1;
    enum position_status status;
    json_t *now = document_of(q->year, q->month, q->known_at, &p, &status);
    if (now != NULL && q->bills &&
        contract_year_set_off(q->year, q->month, q->known_at, &off, &eacv) != POSITION_DONE) {
        status = POSITION_PARKED;
        position_free(&p);
    }
    const char *parked = json_text(theirs, "parked");
    if ((parked != NULL) != (status == POSITION_PARKED))
        ck_abort_msg("contract-year %llu: status %d, second implementation %s", (unsigned long long)q->seed,
                     (int)status, parked == NULL ? "is done" : parked);
    seen->parked += parked != NULL;
    if (status == POSITION_DONE) {
        compare_lines(q, &p, theirs, seen);
        compare_sums(q, &p, theirs);
        compare_documents(q, now, theirs);
        if (q->bills)
            compare_bill(q, &p, now, &off, eacv, theirs, seen);
        position_free(&p);
    }
    json_decref(now);
}

static void compare_batch(uint64_t seed, uint64_t first, uint64_t count, struct coverage *seen)
{
    static struct question q[BATCH];
    struct reference reference;
    reference_open(&reference);
    for (uint64_t i = 0; i < count; i++) {
        q[i] = question_of(seed, first + i);
        json_t *asked = contract_year_case(q[i].year, q[i].month, q[i].known_at);
        if (q[i].bills)
            contract_year_case_bill(asked, q[i].year, q[i].documents, q[i].billed_to, q[i].run, "R");
        reference_ask(&reference, asked);
    }
    reference_run(&reference);
    for (uint64_t i = 0; i < count; i++) {
        json_t *theirs = reference_next(&reference);
        compare(&q[i], theirs, seen);
        json_decref(theirs);
        contract_year_free(q[i].year);
        json_decref(q[i].billed);
    }
    reference_close(&reference);
}

START_TEST(engine_equals_second_implementation_to_the_penny)
{
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(10000);
    struct coverage seen = {0};
    for (uint64_t i = 0; i < rounds; i += BATCH)
        compare_batch(seed, i, rounds - i < BATCH ? rounds - i : BATCH, &seen);
    printf("%llu contract-years compared, %llu of them parked\n", (unsigned long long)rounds,
           (unsigned long long)seen.parked);
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        printf("  %-11s %llu lines\n", stage_name((enum terms_stage)stage), (unsigned long long)seen.lines[stage]);
        ck_assert_msg(rounds < 1000 || seen.lines[stage] > 0, "no line of stage %s was compared",
                      stage_name((enum terms_stage)stage));
    }
    for (int basis = 0; basis < BASIS_COUNT; basis++) {
        printf("  %-11s %llu lines\n", basis_name((enum basis)basis), (unsigned long long)seen.bases[basis]);
        ck_assert_msg(rounds < 1000 || seen.bases[basis] > 0, "no line of basis %s was compared",
                      basis_name((enum basis)basis));
    }
    printf("  %-11s %llu lines\n", "estimate", (unsigned long long)seen.estimates);
    printf("  %-11s %llu, %llu of them on account, %llu beyond a sanity bound, %llu within\n", "bills",
           (unsigned long long)seen.bills, (unsigned long long)seen.on_account, (unsigned long long)seen.beyond,
           (unsigned long long)seen.within);
    ck_assert(rounds < 1000 || (seen.estimates > 0 && seen.parked < rounds / 2));
    ck_assert(rounds < 1000 || (seen.bills > rounds / 20 && seen.on_account > 0));
    ck_assert(rounds < 1000 || (seen.beyond > rounds / 1000 && seen.within > rounds / 1000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("differential");
    TCase *t = tcase_create("differential");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, engine_equals_second_implementation_to_the_penny);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
