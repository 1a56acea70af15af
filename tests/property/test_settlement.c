/* The invariants of settlement, each by its name, over random contract-years. */
#include "lib/year_thresholds.h"

#include "domain/billing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Known at this instant: everything. */
#define ALL_KNOWN INT64_C(9000000)
#define APRIL     (2012 * 12 + 3)

/* Check writes a file mark for every assertion that holds; this one costs nothing. */
#define HOLDS(condition, seed)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            ck_abort_msg("%s, contract-year %llu", #condition, (unsigned long long)(seed));                            \
        }                                                                                                              \
    } while (0)

/* Calls a check for as many random contract-years as there are rounds. */
static void for_years(uint64_t standard, void (*check)(struct contract_year *y, uint64_t seed))
{
    uint64_t base = property_seed();
    uint64_t rounds = property_rounds(standard);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t seed = base * 1000003 + i;
        struct contract_year *y = contract_year_new(seed);
        check(y, seed);
        contract_year_free(y);
    }
}

static month_t some_month(struct contract_year *y)
{
    return APRIL + (month_t)year_random(y, TERMS_MONTHS);
}

static bool ours(const struct contract_year *y, const struct terms *t, int32_t k, const struct year_row *row)
{
    return row->payable && strcmp(row->commissioner, "5QE") == 0 && !year_held_back(y, t, APRIL + k, &row->facts);
}

/* Value of the days of a row alone, as if it were no assessment. */
static int64_t days_value(const struct contract_year *y, const struct terms *t, month_t month,
                          const struct year_row *row)
{
    struct activity_row facts = row->facts;
    int64_t pence = 0;
    facts.mhct_reason = 11;
    if (!facts.assessment_only) {
        (void)valuation_row(t, &y->reviews, "5QE", month, &facts, &pence);
    }
    return pence;
}

static void rows_sum_to_lines(struct contract_year *y, uint64_t seed)
{
    struct activity_lines lines = contract_year_lines(y, APRIL + 11, ALL_KNOWN, 0);
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        const struct terms_version *v = terms_in_force(y->version, y->versions, APRIL + k, ALL_KNOWN);
        int64_t value = 0;
        int64_t days = 0;
        for (size_t i = 0; !y->missing[k] && i < y->row_count[k]; i++) {
            const struct year_row *row = &y->rows[k][i];
            if (ours(y, v->terms, k, row)) {
                struct row_days d = valuation_days(v->terms, &y->reviews, APRIL + k, &row->facts);
                value += days_value(y, v->terms, APRIL + k, row);
                days += d.to - d.from;
            }
        }
        for (size_t i = 0; i < lines.count; i++) {
            const struct activity_line *line = &lines.line[i];
            if (line->month == APRIL + k && line->basis != BASIS_ASSESSMENT) {
                value -= line->pence;
                days -= line->units;
                HOLDS(line->pence == line->units * line->price_pence, seed);
            }
        }
        HOLDS(value == 0, seed);
        HOLDS(days == lines.unpriced_days[k], seed); /* person-days conserved */
    }
    activity_lines_free(&lines);
}

START_TEST(rows_sum_to_lines_and_person_days_are_conserved)
{
    for_years(2500, rows_sum_to_lines);
}
END_TEST

/* Whether a row is an assessment that could earn under the terms of its month. */
static bool candidate(const struct contract_year *y, int32_t k, const struct year_row *row)
{
    const struct activity_row *f = &row->facts;
    const struct terms_version *v = terms_in_force(y->version, y->versions, APRIL + k, ALL_KNOWN);
    return !y->missing[k] && ours(y, v->terms, k, row) && (f->assessment_only || f->mhct_reason == 10) &&
           f->mhct_date != DATE_NONE && month_of(f->mhct_date) == APRIL + k &&
           terms_price_on(v->terms, cluster_index(f->cluster), BASIS_ASSESSMENT, "5QE", f->service, f->mhct_date) !=
               NULL;
}

static bool same_referral(const struct activity_row *a, const struct activity_row *b)
{
    date_t left = a->referral_date == DATE_NONE ? a->mhct_date : a->referral_date;
    date_t right = b->referral_date == DATE_NONE ? b->mhct_date : b->referral_date;
    return left == right && memcmp(a->patient, b->patient, sizeof a->patient) == 0;
}

static void assessments_once(struct contract_year *y, uint64_t seed)
{
    struct activity_lines lines = contract_year_lines(y, APRIL + 11, ALL_KNOWN, seed);
    const struct activity_row *seen[TERMS_MONTHS * 16];
    int64_t distinct = 0;
    int64_t units = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        for (size_t i = 0; i < y->row_count[k]; i++) {
            bool known = !candidate(y, k, &y->rows[k][i]);
            for (int64_t j = 0; !known && j < distinct; j++) {
                known = same_referral(seen[j], &y->rows[k][i].facts);
            }
            if (!known) {
                seen[distinct++] = &y->rows[k][i].facts;
            }
        }
    }
    for (size_t i = 0; i < lines.count; i++) {
        units += lines.line[i].basis == BASIS_ASSESSMENT ? lines.line[i].units : 0;
    }
    HOLDS(units == distinct, seed);
    activity_lines_free(&lines);
}

START_TEST(an_assessment_is_paid_once_per_patient_and_referral)
{
    for_years(2000, assessments_once);
}
END_TEST

static void lines_sum_to_position(struct contract_year *y, uint64_t seed)
{
    struct position p;
    month_t m = some_month(y);
    if (contract_year_position(y, m, ALL_KNOWN, 0, &p, NULL) != POSITION_DONE) {
        return;
    }
    int64_t total = 0;
    int64_t billable = 0;
    int64_t stages[STAGE_COUNT] = {0};
    int64_t through_5 = 0;
    for (size_t i = 0; i < p.count; i++) {
        total += p.line[i].pence;
        stages[p.line[i].stage] += p.line[i].pence;
        billable += p.line[i].billable ? p.line[i].pence : 0;
        through_5 += p.line[i].stage <= STAGE_CAP_COLLAR ? p.line[i].pence : 0;
        HOLDS(!p.shadow || p.line[i].billable == (p.line[i].stage == STAGE_BLOCK), seed);
    }
    HOLDS(total == p.total, seed);
    HOLDS(billable == p.billable, seed);
    HOLDS(memcmp(stages, p.subtotal, sizeof stages) == 0, seed);
    HOLDS(through_5 == p.after_cap, seed);
    HOLDS(p.floor <= p.after_cap && p.after_cap <= p.ceiling, seed);
    HOLDS(p.planned == 0 || p.floor <= p.planned, seed);
    position_free(&p);
}

START_TEST(lines_sum_to_position_and_stage_5_keeps_its_bounds)
{
    for_years(2500, lines_sum_to_position);
}
END_TEST

static void order_is_nothing(struct contract_year *y, uint64_t seed)
{
    month_t m = some_month(y);
    struct position p;
    char *first = NULL;
    for (uint64_t shuffle = 0; shuffle < 4; shuffle++) {
        char *again = NULL;
        if (contract_year_position(y, m, ALL_KNOWN + (instant_t)shuffle * 1000000, shuffle, &p, &again) !=
            POSITION_DONE) {
            break;
        }
        position_free(&p);
        if (first == NULL) {
            first = again;
            continue;
        }
        HOLDS(strcmp(first, again) == 0, seed);
        free(again);
    }
    free(first);
}

START_TEST(same_inputs_in_any_order_and_at_any_later_time_give_the_same_bytes)
{
    for_years(1000, order_is_nothing);
}
END_TEST

/* Another upload of the same bytes: the same rows under another submission, found in another order. */
static void identical_resubmission(struct contract_year *y, uint64_t seed)
{
    month_t m = some_month(y);
    struct position p;
    char *before = NULL;
    char *after = NULL;
    if (contract_year_position(y, m, ALL_KNOWN, 0, &p, &before) != POSITION_DONE) {
        return;
    }
    position_free(&p);
    int32_t k = month_number(m) - 1;
    struct year_row *copy = calloc(y->row_count[k] + 1, sizeof *copy);
    HOLDS(copy != NULL, seed);
    for (size_t i = 0; i < y->row_count[k]; i++) {
        struct year_row *to = &copy[y->row_count[k] - 1 - i];
        *to = y->rows[k][i];
        to->facts.episode_id = to->episode;
        to->facts.cluster = to->cluster;
        to->facts.service = to->service;
    }
    free(y->rows[k]);
    y->rows[k] = copy;
    HOLDS(contract_year_position(y, m, ALL_KNOWN, 0, &p, &after) == POSITION_DONE, seed);
    position_free(&p);
    HOLDS(strcmp(before, after) == 0, seed);
    free(before);
    free(after);
}

START_TEST(an_identical_resubmission_changes_nothing)
{
    for_years(1000, identical_resubmission);
}
END_TEST

static int64_t sum_of_bill(const struct bill *b)
{
    int64_t sum = 0;
    for (size_t i = 0; i < b->count; i++) {
        sum += b->line[i].pence;
    }
    return sum;
}

/* A bill without set-off. */
static enum bill_status bill_of(const json_t *now, const json_t *before, int64_t documents, struct bill *b)
{
    const struct bill_set_off none = {0};
    const struct bill_before was = {.position = before, .documents = documents};
    return bill_compute(now, &none, &was, b);
}

/* Bills a chain of positions, forward and back in months and in knowledge, and then the first one again. */
static void documents_telescope(struct contract_year *y, uint64_t seed)
{
    json_t *before = NULL;
    json_t *first = NULL;
    int64_t billed = 0;
    int64_t first_billable = 0;
    for (int step = 0; step < 6; step++) {
        struct position p;
        char *text = NULL;
        struct json_problem problem;
        struct bill bill;
        instant_t known_at = (instant_t)(1000000 * (1 + year_random(y, YEAR_VERSIONS)) + 500000);
        json_t *now = NULL;
        if (step == 5 && first != NULL) {
            now = json_incref(first);
            p.billable = first_billable;
        } else if (contract_year_position(y, some_month(y), known_at, 0, &p, &text) == POSITION_DONE) {
            now = json_read(text, strlen(text), &problem);
            HOLDS(now != NULL, seed);
            free(text);
            position_free(&p);
            p.billable = json_int(now, "billable_pence", 0);
        } else {
            continue;
        }
        HOLDS(bill_of(now, before, billed, &bill) == BILL_DONE, seed);
        HOLDS(sum_of_bill(&bill) == bill.balance, seed);
        HOLDS((bill.kind == BILL_INVOICE) == (bill.balance > 0), seed);
        HOLDS((bill.kind == BILL_CREDIT_NOTE) == (bill.balance < 0), seed);
        billed += bill.balance;
        HOLDS(billed == p.billable, seed); /* documents = last billed position */
        bill_free(&bill);
        HOLDS(bill_of(now, now, billed, &bill) == BILL_DONE && bill.count == 0 && bill.balance == 0, seed);
        bill_free(&bill);
        HOLDS(bill_of(now, now, billed + 1, &bill) == BILL_MISMATCH, seed);
        if (first == NULL) {
            first = json_incref(now);
            first_billable = p.billable;
        }
        json_decref(before);
        before = now;
    }
    HOLDS(first == NULL || billed == first_billable, seed);
    json_decref(first);
    json_decref(before);
}

START_TEST(documents_sum_to_the_last_billed_position)
{
    for_years(1000, documents_telescope);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settlement");
    TCase *t = tcase_create("invariants");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, rows_sum_to_lines_and_person_days_are_conserved);
    tcase_add_test(t, an_assessment_is_paid_once_per_patient_and_referral);
    tcase_add_test(t, lines_sum_to_position_and_stage_5_keeps_its_bounds);
    tcase_add_test(t, same_inputs_in_any_order_and_at_any_later_time_give_the_same_bytes);
    tcase_add_test(t, an_identical_resubmission_changes_nothing);
    tcase_add_test(t, documents_sum_to_the_last_billed_position);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
