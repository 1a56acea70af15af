/* The linter's word on pay and activity against a scan: random terms, one product raised beside some others, in steps
 * from a unit to far above plan. Where the linter names a fall, the scan need not find it, but the engine must; where
 * it names none, no step may lower pay by more than rounding, nor raise it by more than its units are worth. */
#include "domain/terms_lint.h"
#include "lib/contract_year.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    struct terms_version version;
    struct position_month months[TERMS_MONTHS];
    struct position_achievement met[TERMS_MAX_INDICATORS];
    size_t met_count;
    month_t month;
};

static bool total_of(const struct account *a, const struct activity_line *line, size_t count, int64_t *total)
{
    const struct activity_lines lines = {.line = (struct activity_line *)line, .count = count};
    char reason[POSITION_REASON_SIZE];
    struct position p;
    const struct position_input in = {.provider = "RXA",
                                      .contract = "c",
                                      .commissioner = "5QE",
                                      .financial_year = 2012,
                                      .month = a->month,
                                      .months = a->months,
                                      .annual = &a->version,
                                      .achievements = a->met,
                                      .achievement_count = a->met_count,
                                      .activity = &lines,
                                      .sums_alone = true};
    if (position_compute(&in, &p, reason) != POSITION_DONE) {
        return false;
    }
    *total = p.total;
    position_free(&p);
    return true;
}

static struct account account_of_terms(const struct terms *t, month_t month, bool met)
{
    struct account a = {.version = {.version = 1, .digest = "", .terms = t}, .month = month};
    for (int i = 0; i < TERMS_MONTHS; i++) {
        a.months[i] =
            (struct position_month){.month = financial_year_first(2012) + i, .submission = "s", .sha256 = "00"};
    }
    for (int32_t i = 0; i < t->cquin.count; i++) {
        a.met[i] = (struct position_achievement){t->cquin.indicator[i].id, 1, 1, false, 0};
    }
    a.met_count = met ? (size_t)t->cquin.count : 0;
    return a;
}

/* One of the prices of the account in the month; false: there is none of that cluster. */
static bool product(const struct terms *t, int cluster, month_t month, struct activity_line *out)
{
    for (int b = 0; b < BASIS_COUNT; b++) {
        const struct terms_price *p = terms_price_on(t, cluster, (enum basis)b, "5QE", "", month_first(month));
        if (p != NULL && p->pence > 0 && b != BASIS_PERIOD) {
            *out = (struct activity_line){
                .month = month, .cluster = (int16_t)cluster, .basis = (enum basis)b, .price_pence = p->pence};
            return true;
        }
    }
    return false;
}

static const int64_t steps[] = {0,   1,   2,   3,    5,    8,    13,   21,   34,    55,    89,    144,   145,   233,
                                377, 610, 987, 1597, 2584, 4181, 6765, 9000, 10946, 17711, 28657, 46368, 75025, 200000};
#define STEPS (sizeof steps / sizeof *steps)

static void scan_pair(const struct account *a, const struct activity_line *rising, const struct activity_line *beside,
                      uint64_t seed, int64_t tolerance)
{
    for (size_t j = 0; j < STEPS; j += 3) {
        int64_t before = 0;
        for (size_t i = 0; i < STEPS; i++) {
            struct activity_line line[2] = {*rising, *beside};
            int64_t total;
            line[0].units = steps[i];
            line[1].units = steps[j];
            line[0].pence = line[0].units * line[0].price_pence;
            line[1].pence = line[1].units * line[1].price_pence;
            if (line[0].cluster > line[1].cluster) {
                struct activity_line first = line[0];
                line[0] = line[1];
                line[1] = first;
            }
            if (!total_of(a, line, 2, &total)) {
                return; /* parked: nothing is paid at all */
            }
            if (i > 0) {
                int64_t added = (steps[i] - steps[i - 1]) * rising->price_pence;
                ck_assert_msg(total >= before - tolerance,
                              "year %llu: %lld to %lld of cluster %d beside %lld lower pay", (unsigned long long)seed,
                              (long long)steps[i - 1], (long long)steps[i], rising->cluster, (long long)steps[j]);
                /* f <= 1.2 and CQUIN <= 5 % of at most three times what is added */
                ck_assert_msg(total - before <= added * 2 + tolerance, "year %llu: a jump at %lld of cluster %d",
                              (unsigned long long)seed, (long long)steps[i], rising->cluster);
            }
            before = total;
        }
    }
}

static void scan(struct contract_year *y, const struct terms *t, uint64_t seed)
{
    struct account a = account_of_terms(t, t->effective_from + (month_t)year_random(y, 3), year_random(y, 2) == 0);
    struct activity_line rising;
    struct activity_line beside;
    for (int i = 0; i < TERMS_MONTHS; i++) {
        a.months[i].terms = &a.version;
    }
    for (int tries = 0; tries < 4; tries++) {
        int c = (int)year_random(y, TERMS_CLUSTERS);
        int d = (int)year_random(y, TERMS_CLUSTERS);
        if (c != d && c != 9 && d != 9 && product(t, c, a.month, &rising) && product(t, d, a.month, &beside)) {
            scan_pair(&a, &rising, &beside, seed, 2 * (t->cquin.count + 2));
        }
    }
}

/* The fall that was found, computed again. */
static void confirm(const struct terms *t, const json_t *shown, uint64_t seed)
{
    month_t month;
    const char *measures = json_text(shown, "measures");
    ck_assert(month_parse(json_text(shown, "month"), 7, &month));
    struct account a = account_of_terms(t, month, strcmp(measures, "met in full") == 0);
    int64_t totals[2] = {0, 0};
    for (int i = 0; i < TERMS_MONTHS; i++) {
        a.months[i].terms = &a.version;
    }
    for (int after = 0; after < 2 && strcmp(json_text(shown, "commissioner"), "5QE") == 0; after++) {
        struct activity_line line[2] = {0};
        size_t count = json_array_size(json_object_get(shown, "activity"));
        for (size_t i = 0; i < count; i++) {
            const json_t *one = json_array_get(json_object_get(shown, "activity"), i);
            size_t at = i == 1 && line[0].cluster > cluster_index(json_text(one, "cluster")) ? 0 : i;
            line[1] = at < i ? line[0] : line[1];
            line[at] =
                (struct activity_line){.month = month, .cluster = (int16_t)cluster_index(json_text(one, "cluster"))};
            line[at].price_pence = json_int(one, "price_pence", 0);
            line[at].units = json_int(one, "units", 0);
            if (i == 0 && after == 1) {
                line[at].units += json_int(json_object_get(shown, "further"), "units", 0);
            }
            line[at].pence = line[at].units * json_int(one, "unit_pence", 0);
            for (int b = 0; b < BASIS_COUNT; b++) {
                bool same = strcmp(json_text(one, "basis"), basis_name((enum basis)b)) == 0;
                line[at].basis = same ? (enum basis)b : line[at].basis;
            }
        }
        ck_assert(total_of(&a, line, count, &totals[after]));
        ck_assert_msg(totals[after] == json_int(shown, after ? "pay_after_pence" : "pay_before_pence", -1), "year %llu",
                      (unsigned long long)seed);
    }
    ck_assert_int_lt(json_int(shown, "pay_after_pence", 0), json_int(shown, "pay_before_pence", 0));
}

START_TEST(pay_falls_where_it_is_said_to_and_nowhere_else)
{
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(60);
    int falls = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct contract_year *y = contract_year_new(seed + i);
        const struct terms *t = y->terms[0];
        const json_t *fall = NULL;
        size_t k;
        json_t *item;
        json_t *result = terms_lint(t->source);
        ck_assert_ptr_nonnull(result);
        json_array_foreach(json_object_get(result, "items"), k, item)
        {
            fall = strcmp(json_text(item, "rule"), "pay_falls") == 0 ? item : fall;
            ck_assert_str_ne(json_text(item, "rule"), "malformed");
        }
        if (fall != NULL) {
            confirm(t, json_object_get(fall, "counter_example"), seed + i);
            falls++;
        } else {
            scan(y, t, seed + i);
        }
        json_decref(result);
        contract_year_free(y);
    }
    printf("%d of %llu terms let pay fall\n", falls, (unsigned long long)rounds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms_lint");
    TCase *cases = tcase_create("terms_lint");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, pay_falls_where_it_is_said_to_and_nowhere_else);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
