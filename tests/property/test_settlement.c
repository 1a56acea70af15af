/* The invariants of settlement, each by its name, over random contract-years. */
#include "lib/contract_year.h"

#include "domain/billing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Known at this instant: everything. */
#define ALL_KNOWN YEAR_ALL_KNOWN
#define APRIL     YEAR_APRIL

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

/* A month's rows of the account that are payable under its terms in force for it. */
struct payable_month {
    const struct terms *terms;
    struct activity_row row[16];
    size_t count;
};

static void read_payable(const struct contract_year *y, int32_t k, struct payable_month *out)
{
    const struct terms_version *v = year_version(y, k, ALL_KNOWN);
    struct payability *p = payability_new(v->terms, &y->reviews, y->account, APRIL + k);
    year_must(p != NULL);
    out->terms = v->terms;
    out->count = 0;
    for (size_t i = 0; !y->missing[k] && i < y->row_count[k]; i++) {
        const struct episode *e = &y->rows[k][i].row;
        const struct activity_row row = episode_activity(e);
        const struct row_marks marks = {e->failed, e->approved, e->minor};
        if (strcmp(e->commissioner, y->account) == 0 && cluster_index(e->cluster) >= 0 &&
            payability_allows(p, &row, &marks))
            out->row[out->count++] = row;
    }
    payability_free(p);
}

/* Value of the days of a row alone, as if it were no assessment. */
static int64_t days_value(const struct contract_year *y, const struct terms *t, month_t month, struct activity_row row)
{
    int64_t pence = 0;
    row.mhct_reason = 11;
    if (!row.assessment_only)
        (void)valuation_row(t, &y->reviews, y->account, month, &row, &pence);
    return pence;
}

/* Days of a month's rows, or units of its lines: those charged by period apart, as a row's period may be over. */
struct month_days {
    int64_t value;
    int64_t by_period;
    int64_t others;
};

static struct month_days days_of_rows(const struct contract_year *y, int32_t k)
{
    struct payable_month month;
    struct month_days sum = {0};
    read_payable(y, k, &month);
    for (size_t i = 0; i < month.count; i++) {
        const struct activity_row *row = &month.row[i];
        struct row_days d = valuation_days(month.terms, &y->reviews, APRIL + k, row);
        sum.value += days_value(y, month.terms, APRIL + k, *row);
        for (date_t day = d.from; day < d.to; day++) {
            bool by_period =
                terms_day_basis(month.terms, cluster_index(row->cluster), y->account, row->service, day) == DAYS_PERIOD;
            sum.by_period += by_period && day != row->end_date;
            sum.others += !by_period;
        }
    }
    return sum;
}

static struct month_days days_of_lines(const struct activity_lines *lines, int32_t k, uint64_t seed)
{
    struct month_days sum = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const struct activity_line *line = &lines->line[i];
        if (line->month != APRIL + k || line->basis == BASIS_ASSESSMENT)
            continue;
        HOLDS(line->basis == BASIS_PERIOD || line->pence == line->units * line->price_pence, seed);
        sum.value += line->pence;
        sum.by_period += line->basis == BASIS_PERIOD ? line->units : 0;
        sum.others += line->basis == BASIS_PERIOD ? 0 : line->units;
    }
    return sum;
}

static void rows_sum_to_lines(struct contract_year *y, uint64_t seed)
{
    y->changes = 0;
    y->account = seed % 3 == 0 ? YEAR_OTHER : YEAR_COMMISSIONER;
    struct activity_lines lines = contract_year_lines(y, APRIL + 11, ALL_KNOWN, 0, 0);
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        struct month_days rows = days_of_rows(y, k);
        struct month_days paid = days_of_lines(&lines, k, seed);
        int64_t unpriced = lines.unpriced_days[k];
        HOLDS(rows.value == paid.value, seed);
        /* Each day is paid, or has no price; or it lies behind the only period of its row. None is paid twice. */
        HOLDS(rows.others - paid.others >= 0, seed);
        HOLDS(unpriced >= rows.others - paid.others, seed);
        HOLDS(paid.by_period + unpriced <= rows.by_period + rows.others - paid.others, seed);
    }
    activity_lines_free(&lines);
}

START_TEST(rows_sum_to_lines_and_person_days_are_conserved)
{
    for_years(500, rows_sum_to_lines);
}
END_TEST

static bool same_referral(const struct activity_row *a, const struct activity_row *b)
{
    date_t left = a->referral_date == DATE_NONE ? a->mhct_date : a->referral_date;
    date_t right = b->referral_date == DATE_NONE ? b->mhct_date : b->referral_date;
    return left == right && memcmp(a->patient, b->patient, sizeof a->patient) == 0;
}

/* An account that no price names pays like all such. */
static const char *const accounts_of_contract[] = {YEAR_COMMISSIONER, YEAR_OTHER, ""};
#define ACCOUNTS 3

/* Whether an account, whose payability it is, would pay for the row's assessment. */
static bool pays_for(const struct payability *p, const struct terms *t, month_t month, const struct episode *e,
                     const char *account)
{
    const struct activity_row row = episode_activity(e);
    const struct row_marks marks = {e->failed, e->approved, e->minor};
    return (e->assessment_only || e->mhct_reason == 10) && e->mhct_date != DATE_NONE &&
           month_of(e->mhct_date) == month && cluster_index(e->cluster) >= 0 &&
           terms_price_on(t, cluster_index(e->cluster), BASIS_ASSESSMENT, account, e->service, e->mhct_date) != NULL &&
           payability_allows(p, &row, &marks);
}

/* Whether a is before b: by MHCT date, then episode id. */
static bool earlier(const struct activity_row *a, const struct activity_row *b)
{
    return a->mhct_date < b->mhct_date || (a->mhct_date == b->mhct_date && strcmp(a->episode_id, b->episode_id) < 0);
}

/* Of each referral the first row that some account of the contract would pay for. */
struct first_row {
    const struct episode *row;
    month_t month;
    bool paid; /* its own account is one that would */
};

static void take_row(const struct contract_year *y, int32_t k, const struct episode *e,
                     struct payability *const by_account[ACCOUNTS], struct first_row *first, size_t *distinct)
{
    const struct terms *t = year_version(y, k, ALL_KNOWN)->terms;
    const struct activity_row row = episode_activity(e);
    struct first_row made = {e, APRIL + k, false};
    bool claims = false;
    size_t j = 0;
    for (size_t a = 0; a < ACCOUNTS; a++) {
        bool pays = pays_for(by_account[a], t, APRIL + k, e, accounts_of_contract[a]);
        claims = claims || pays;
        made.paid = made.paid || (pays && strcmp(e->commissioner, accounts_of_contract[a]) == 0);
    }
    if (!claims)
        return;
    for (; j < *distinct; j++) {
        const struct activity_row before = episode_activity(first[j].row);
        if (!same_referral(&before, &row))
            continue;
        first[j] = earlier(&row, &before) ? made : first[j];
        return;
    }
    first[(*distinct)++] = made;
}

static size_t first_of_referrals(const struct contract_year *y, struct first_row first[TERMS_MONTHS * 16])
{
    size_t distinct = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        struct payability *by_account[ACCOUNTS];
        for (size_t a = 0; a < ACCOUNTS; a++) {
            by_account[a] =
                payability_new(year_version(y, k, ALL_KNOWN)->terms, &y->reviews, accounts_of_contract[a], APRIL + k);
            year_must(by_account[a] != NULL);
        }
        for (size_t i = 0; !y->missing[k] && i < y->row_count[k]; i++)
            take_row(y, k, &y->rows[k][i].row, by_account, first, &distinct);
        for (size_t a = 0; a < ACCOUNTS; a++)
            payability_free(by_account[a]);
    }
    return distinct;
}

static bool is_earned(const struct activity_lines *lines, const struct first_row *f)
{
    for (size_t i = 0; i < lines->earned_count; i++) {
        if (lines->earned[i].month == f->month && lines->earned[i].row_no == f->row->row_no)
            return true;
    }
    return false;
}

/* Over all accounts of the contract, whatever prices are one commissioner's alone: the first row of each referral, and
 * no other, is paid, once and by its own account, where that pays for it. */
static void assessments_once(struct contract_year *y, uint64_t seed)
{
    static const char *const account[] = {YEAR_COMMISSIONER, YEAR_OTHER};
    struct first_row first[TERMS_MONTHS * 16];
    size_t distinct = first_of_referrals(y, first);
    size_t paid = 0;
    size_t expected = 0;
    int64_t units = 0;
    y->changes = 0;
    for (size_t a = 0; a < 2; a++) {
        y->account = account[a];
        struct activity_lines lines = contract_year_lines(y, APRIL + 11, ALL_KNOWN, seed, 0);
        for (size_t i = 0; i < lines.count; i++)
            units += lines.line[i].basis == BASIS_ASSESSMENT ? lines.line[i].units : 0;
        for (size_t j = 0; j < distinct; j++) {
            bool pays = first[j].paid && strcmp(first[j].row->commissioner, account[a]) == 0;
            HOLDS(is_earned(&lines, &first[j]) == pays, seed);
            expected += pays;
        }
        paid += lines.earned_count;
        activity_lines_free(&lines);
    }
    HOLDS(paid == expected, seed);
    HOLDS(units == (int64_t)expected, seed);
}

START_TEST(an_assessment_is_paid_once_over_all_accounts)
{
    for_years(500, assessments_once);
}
END_TEST

/* Each account decides of some rows of its own, be it that they are of another cluster: what the others do not know. */
static void decide_of_own(struct contract_year *y, const struct contract_year *all)
{
    y->changes = 0;
    for (size_t i = 0; i < all->changes; i++) {
        const struct year_change *c = &all->change[i];
        const struct episode *row = &y->rows[c->month - APRIL][c->row].row;
        if (strcmp(row->commissioner, y->account) == 0)
            y->change[y->changes++] = *c;
    }
}

static const struct episode *row_numbered(const struct contract_year *y, const struct activity_earned *e)
{
    int32_t k = e->month - APRIL;
    for (size_t r = 0; r < y->row_count[k]; r++) {
        if (y->rows[k][r].row.row_no == e->row_no)
            return &y->rows[k][r].row;
    }
    year_must(false);
    return NULL;
}

static void assessments_once_as_decided(struct contract_year *y, uint64_t seed)
{
    struct contract_year all;
    struct activity_lines lines[2];
    contract_year_crowd(y);
    all = *y;
    for (size_t a = 0; a < 2; a++) {
        y->account = accounts_of_contract[a];
        decide_of_own(y, &all);
        lines[a] = contract_year_lines(y, APRIL + 11, ALL_KNOWN, seed, 0);
    }
    for (size_t i = 0; i < lines[0].earned_count; i++) {
        const struct activity_earned *e = &lines[0].earned[i];
        const struct activity_row row = episode_activity(row_numbered(y, e));
        for (size_t j = 0; j < lines[1].earned_count; j++) {
            const struct activity_row other = episode_activity(row_numbered(y, &lines[1].earned[j]));
            HOLDS(!same_referral(&row, &other), seed);
        }
    }
    activity_lines_free(&lines[0]);
    activity_lines_free(&lines[1]);
}

START_TEST(an_assessment_is_paid_once_whatever_each_account_decides)
{
    for_years(500, assessments_once_as_decided);
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
    for_years(800, lines_sum_to_position);
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
    for_years(250, order_is_nothing);
}
END_TEST

/* What was said of a row is said of it where it is now. */
static void follow(const struct contract_year *y, month_t m, struct year_change *c)
{
    if (c->month == m)
        c->row = y->row_count[m - APRIL] - 1 - c->row;
}

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
    }
    free(y->rows[k]);
    y->rows[k] = copy;
    for (size_t i = 0; i < y->changes; i++)
        follow(y, m, &y->change[i]);
    for (size_t i = 0; i < y->challenges; i++) {
        for (size_t r = 0; r < y->challenge[i].rows; r++)
            follow(y, m, &y->challenge[i].row[r]);
    }
    HOLDS(contract_year_position(y, m, ALL_KNOWN, 0, &p, &after) == POSITION_DONE, seed);
    position_free(&p);
    HOLDS(strcmp(before, after) == 0, seed);
    free(before);
    free(after);
}

START_TEST(an_identical_resubmission_changes_nothing)
{
    for_years(250, identical_resubmission);
}
END_TEST

/* Whatever it contested while it was open. */
static void challenge_withdrawn(struct contract_year *y, uint64_t seed)
{
    month_t m = some_month(y);
    struct position p;
    char *with = NULL;
    char *without = NULL;
    for (size_t i = 0; i < y->challenges; i++)
        y->challenge[i].closed_at = ALL_KNOWN - 1;
    enum position_status status = contract_year_position(y, m, ALL_KNOWN, 0, &p, &with);
    if (status == POSITION_DONE)
        position_free(&p);
    y->challenges = 0;
    HOLDS(contract_year_position(y, m, ALL_KNOWN, 0, &p, &without) == status, seed);
    if (status == POSITION_DONE) {
        position_free(&p);
        HOLDS(strcmp(with, without) == 0, seed);
    }
    free(with);
    free(without);
}

START_TEST(a_challenge_raised_and_withdrawn_leaves_no_trace)
{
    for_years(300, challenge_withdrawn);
}
END_TEST

/* Value of the days, and how many assessments were paid, of an account. */
static int64_t value_of_account(struct contract_year *y, const char *account, int64_t *assessments, uint64_t seed)
{
    int64_t value = 0;
    y->account = account;
    struct activity_lines lines = contract_year_lines(y, APRIL + 11, ALL_KNOWN, seed, 0);
    for (int32_t k = 0; k < TERMS_MONTHS; k++)
        value += days_of_lines(&lines, k, seed).value;
    for (size_t i = 0; i < lines.count; i++)
        *assessments += lines.line[i].basis == BASIS_ASSESSMENT ? lines.line[i].units : 0;
    activity_lines_free(&lines);
    return value;
}

/* Rows go where the last act on them says. */
static void move_rows(struct contract_year *y)
{
    for (size_t i = 0; i < y->changes; i++) {
        const struct year_change *c = &y->change[i];
        struct episode *row = &y->rows[c->month - APRIL][c->row].row;
        if (c->to != NULL)
            snprintf(row->commissioner, sizeof row->commissioner, "%s", c->to);
    }
    y->changes = 0;
}

static void drop_decisions(struct contract_year *y)
{
    size_t kept = 0;
    for (size_t i = 0; i < y->changes; i++) {
        if (y->change[i].to != NULL)
            y->change[kept++] = y->change[i];
    }
    y->changes = kept;
}

/* The provider's total is worked out from its rows alone: each is of one account, the one that it was moved to, and
 * the first of each referral earns, if that account pays for it. */
static void accounts_sum(struct contract_year *y, uint64_t seed)
{
    static const char *const account[] = {YEAR_COMMISSIONER, YEAR_OTHER};
    int64_t sum = 0;
    int64_t assessments = 0;
    int64_t of_rows = 0;
    drop_decisions(y);
    for (size_t i = 0; i < 2; i++)
        sum += value_of_account(y, account[i], &assessments, seed);
    move_rows(y);
    struct first_row first[TERMS_MONTHS * 16];
    size_t distinct = first_of_referrals(y, first);
    for (size_t j = 0; j < distinct; j++)
        assessments -= first[j].paid;
    for (size_t i = 0; i < 2; i++) {
        y->account = account[i];
        for (int32_t k = 0; k < TERMS_MONTHS; k++)
            of_rows += days_of_rows(y, k).value;
    }
    HOLDS(sum == of_rows, seed);
    HOLDS(assessments == 0, seed);
}

START_TEST(the_accounts_of_a_provider_sum_to_its_total)
{
    for_years(400, accounts_sum);
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
    for_years(200, documents_telescope);
}
END_TEST

/* Adds the lines of a bill, or takes those of a position off, by key: {key: [pence, units]}. */
static void add_to_key(json_t *sums, const char *key, int64_t pence, int64_t units)
{
    const json_t *so_far = json_object_get(sums, key);
    pence += json_integer_value(json_array_get(so_far, 0));
    units += json_integer_value(json_array_get(so_far, 1));
    year_must(json_object_set_new(sums, key, json_pack("[I, I]", (json_int_t)pence, (json_int_t)units)) == 0);
}

/* All documents of a chain together have, line by line, the pence and units of the position billed last; and its lines
 * of activity are those of the rows (rows_sum_to_lines has them, row by row). */
static void lines_of_documents(struct contract_year *y, uint64_t seed)
{
    json_t *before = NULL;
    json_t *sums = json_object();
    int64_t billed = 0;
    size_t i;
    json_t *line;
    const char *key;
    for (int step = 0; step < 3; step++) {
        struct position p;
        char *text = NULL;
        struct json_problem problem;
        struct bill bill;
        instant_t known_at = (instant_t)(1000000 * (1 + year_random(y, YEAR_VERSIONS)) + 500000);
        if (contract_year_position(y, some_month(y), known_at, 0, &p, &text) != POSITION_DONE)
            continue;
        json_t *now = json_read(text, strlen(text), &problem);
        HOLDS(now != NULL && bill_of(now, before, billed, &bill) == BILL_DONE, seed);
        for (i = 0; i < bill.count; i++)
            add_to_key(sums, bill.line[i].key, bill.line[i].pence, bill.line[i].units);
        billed += bill.balance;
        bill_free(&bill);
        position_free(&p);
        free(text);
        json_decref(before);
        before = now;
    }
    json_array_foreach(json_object_get(before, "lines"), i, line)
    {
        if (json_bool(line, "billable", false))
            add_to_key(sums, json_text(line, "key"), -json_int(line, "pence", 0), -json_int(line, "units", 0));
    }
    json_object_foreach(sums, key, line)
    {
        HOLDS(json_integer_value(json_array_get(line, 0)) == 0, seed);
        HOLDS(json_integer_value(json_array_get(line, 1)) == 0, seed);
    }
    json_decref(sums);
    json_decref(before);
}

START_TEST(the_lines_of_documents_are_those_of_the_position_billed_last)
{
    for_years(200, lines_of_documents);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settlement");
    TCase *t = tcase_create("invariants");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, rows_sum_to_lines_and_person_days_are_conserved);
    tcase_add_test(t, an_assessment_is_paid_once_over_all_accounts);
    tcase_add_test(t, an_assessment_is_paid_once_whatever_each_account_decides);
    tcase_add_test(t, lines_sum_to_position_and_stage_5_keeps_its_bounds);
    tcase_add_test(t, same_inputs_in_any_order_and_at_any_later_time_give_the_same_bytes);
    tcase_add_test(t, an_identical_resubmission_changes_nothing);
    tcase_add_test(t, a_challenge_raised_and_withdrawn_leaves_no_trace);
    tcase_add_test(t, the_accounts_of_a_provider_sum_to_its_total);
    tcase_add_test(t, documents_sum_to_the_last_billed_position);
    tcase_add_test(t, the_lines_of_documents_are_those_of_the_position_billed_last);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
