/* The engine against auditor/reckoner_auditor.py, to the penny, on random contract-years: each line by its key with
 * units and pence, the sums of the stages, P, X, the base of CQUIN, what each challenge contests, total and billable.
 */
#include "lib/contract_year.h"
#include "lib/reference.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The second implementation runs once for so many. */
#define BATCH 1000

struct question {
    uint64_t seed;
    month_t month;
    instant_t known_at;
    struct contract_year *year;
};

static struct question question_of(uint64_t base, uint64_t round)
{
    struct contract_year dice = {.random = base + round};
    struct question q = {.seed = base * 1000003 + round};
    q.month = YEAR_APRIL + (month_t)year_random(&dice, TERMS_MONTHS);
    q.known_at = (instant_t)(1000000 * (1 + year_random(&dice, YEAR_VERSIONS + 1)) + 500000);
    q.year = contract_year_new(q.seed);
    return q;
}

/* How many of each were compared that are not 0: a comparison of nothing would prove nothing. */
struct coverage {
    uint64_t parked;
    uint64_t lines[STAGE_COUNT];
    uint64_t bases[BASIS_COUNT];
    uint64_t estimates;
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

static void compare(const struct question *q, const json_t *theirs, struct coverage *seen)
{
    struct position p;
    enum position_status status = contract_year_position(q->year, q->month, q->known_at, 0, &p, NULL);
    const char *parked = json_text(theirs, "parked");
    if ((parked != NULL) != (status == POSITION_PARKED))
        ck_abort_msg("contract-year %llu: status %d, second implementation %s", (unsigned long long)q->seed,
                     (int)status, parked == NULL ? "is done" : parked);
    seen->parked += parked != NULL;
    if (status != POSITION_DONE)
        return;
    compare_lines(q, &p, theirs, seen);
    compare_sums(q, &p, theirs);
    position_free(&p);
}

static void compare_batch(uint64_t seed, uint64_t first, uint64_t count, struct coverage *seen)
{
    static struct question q[BATCH];
    struct reference reference;
    reference_open(&reference);
    for (uint64_t i = 0; i < count; i++) {
        q[i] = question_of(seed, first + i);
        reference_ask(&reference, contract_year_case(q[i].year, q[i].month, q[i].known_at));
    }
    reference_run(&reference);
    for (uint64_t i = 0; i < count; i++) {
        json_t *theirs = reference_next(&reference);
        compare(&q[i], theirs, seen);
        json_decref(theirs);
        contract_year_free(q[i].year);
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
    ck_assert(rounds < 1000 || (seen.estimates > 0 && seen.parked < rounds / 2));
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
