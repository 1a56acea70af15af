#include "check/appraisal.h"

#include "domain/threshold_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    char commissioner[EPISODE_CODE_SIZE];
    const struct terms *terms;
    struct payability *payability; /* NULL without terms */
};

struct appraisal {
    month_t month;
    struct review_periods reviews;
    struct thresholds standard; /* for rows without terms */
    struct account *accounts;
    size_t count;
    size_t room;
};

struct appraisal *appraisal_new(const struct reference *reference, month_t month)
{
    struct appraisal *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->month = month;
    thresholds_standard(&a->standard);
    review_periods_of(reference, &a->reviews);
    return a;
}

void appraisal_free(struct appraisal *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        payability_free(a->accounts[i].payability);
    free(a->accounts);
    free(a);
}

bool appraisal_add(struct appraisal *a, const char *commissioner, const struct terms *terms)
{
    if (a->count == a->room) {
        size_t room = a->room ? 2 * a->room : 8;
        struct account *accounts = reallocarray(a->accounts, room, sizeof *accounts);
        if (!accounts)
            return false;
        a->accounts = accounts;
        a->room = room;
    }
    struct account *account = &a->accounts[a->count];
    memset(account, 0, sizeof *account);
    (void)snprintf(account->commissioner, sizeof account->commissioner, "%s", commissioner);
    account->terms = terms;
    if (terms) {
        account->payability = payability_new(terms, &a->reviews, commissioner, a->month);
        if (!account->payability)
            return false;
    }
    a->count++;
    return true;
}

static const struct account *account_of(const struct appraisal *a, const char *commissioner)
{
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->accounts[i].commissioner, commissioner) == 0)
            return &a->accounts[i];
    }
    return NULL;
}

/* An ERROR says that the dates which the value rests on are none. */
static bool is_undated(const struct account *account, const struct episode *row)
{
    rule_set_t dates = row->assessment_only ? rule_set_of(RULE_M03) : rule_set_of(RULE_D01) | rule_set_of(RULE_D03);
    return (row->failed & dates & payability_errors(account->payability)) != 0;
}

/* Gross value of the row this month; false: unknown, *pence is 0. */
static bool gross_value(const struct appraisal *a, const struct account *account, const struct episode *row,
                        int64_t *pence)
{
    struct activity_row activity = episode_activity(row);
    *pence = 0;
    if (is_undated(account, row))
        return false;
    if ((row->failed & rule_set_of(RULE_A01)) != 0) {
        if (row->assessment_only)
            return true;
        activity.mhct_reason = 0;
    }
    if (valuation_row(account->terms, &a->reviews, account->commissioner, a->month, &activity, pence) == ROW_VALUED)
        return true;
    *pence = 0;
    return false;
}

void appraisal_row(const struct appraisal *a, const struct episode *row, struct row_appraisal *out)
{
    memset(out, 0, sizeof *out);
    const struct account *account = account_of(a, row->commissioner);
    struct activity_row activity = episode_activity(row);
    if (!account || !account->terms) {
        out->failed = (row->commissioner[0] ? rule_set_of(RULE_C04) : 0) |
                      threshold_rules_failed(&a->standard, &a->reviews, a->month, &activity, row->failed);
        return;
    }
    struct row_marks marks = {row->failed, row->approved, row->minor};
    out->failed = payability_failed(account->payability, &activity, &marks);
    if (!row->cluster[0] || cluster_index(row->cluster) < 0)
        out->failed &= ~rule_set_of(RULE_K06);
    if ((out->failed | row->failed) != 0)
        out->known = gross_value(a, account, row, &out->pence);
}

bool appraisal_payable(const struct appraisal *a, const struct episode *row, int64_t *pence)
{
    *pence = 0;
    const struct account *account = account_of(a, row->commissioner);
    if (!account || !account->terms)
        return false;
    struct activity_row activity = episode_activity(row);
    struct row_marks marks = {row->failed, row->approved, row->minor};
    return !payability_allows(account->payability, &activity, &marks) || gross_value(a, account, row, pence);
}

void appraisal_finding(const struct appraisal *a, const struct episode *row, enum rule_id rule, struct finding *out)
{
    if ((rule_set_of(rule) & threshold_rules()) != 0) {
        struct activity_row activity = episode_activity(row);
        threshold_rule_finding(&a->reviews, a->month, &activity, rule, (uint32_t)row->row_no, out);
        return;
    }
    finding_begin(out, rule, (uint32_t)row->row_no);
    if (rule == RULE_C04) {
        const char *note = account_of(a, row->commissioner) ? "The contract has no approved terms for the month"
                                                            : "There is no contract";
        (void)snprintf(out->value, sizeof out->value, "%s", row->commissioner);
        (void)snprintf(out->note, sizeof out->note, "%s", note);
    } else if (rule == RULE_P08) {
        finding_hide(out);
    } else if (rule == RULE_C05) {
        (void)snprintf(out->value, sizeof out->value, "%s", row->service);
    } else if (rule == RULE_K06) {
        (void)snprintf(out->value, sizeof out->value, "%s", row->cluster);
    } else if (rule == RULE_R08 && row->mhct_date != DATE_NONE) {
        date_format(row->mhct_date, out->value);
    }
}

enum severity appraisal_severity(const struct appraisal *a, const char *commissioner, enum rule_id rule)
{
    const struct account *account = account_of(a, commissioner);
    const struct rule *r = rule_get(rule);
    return account && account->payability && r->bit >= 0 ? payability_severity(account->payability, rule) : r->severity;
}
