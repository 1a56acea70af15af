#include "domain/row_worth.h"

#include "domain/assessments.h"
#include "domain/claiming.h"
#include "domain/money.h"
#include "domain/payability.h"

#include <stdlib.h>
#include <string.h>

/* Patients and referrals to begin with; the table grows. */
#define CLAIMS_EXPECTED 1024

struct row_worth {
    const struct activity_input *in;
    const struct activity_month *month[TERMS_MONTHS];
    struct payability *payability[TERMS_MONTHS];
    struct claiming *claiming[TERMS_MONTHS];
    const struct row_change **changes; /* by month and row_no */
    struct assessments *claims;
    struct assessments *decided; /* claimed by a decision alone: they earn where elsewhere has none of the referral */
    struct assessments *elsewhere;
};

static int compare_changes(const void *left, const void *right)
{
    const struct row_change *a = *(const struct row_change *const *)left;
    const struct row_change *b = *(const struct row_change *const *)right;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (a->row.row_no > b->row.row_no) - (a->row.row_no < b->row.row_no);
}

struct row_worth *row_worth_new(const struct activity_input *in)
{
    struct row_worth *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->in = in;
    w->changes = malloc((in->change_count + 1) * sizeof(void *));
    w->claims = assessments_new(CLAIMS_EXPECTED);
    w->decided = assessments_new(CLAIMS_EXPECTED);
    w->elsewhere = assessments_new(CLAIMS_EXPECTED);
    bool good = w->changes != NULL && w->claims != NULL && w->decided != NULL && w->elsewhere != NULL;
    for (size_t i = 0; good && i < in->change_count; i++)
        w->changes[i] = &in->changes[i];
    if (good && in->change_count > 1)
        qsort(w->changes, in->change_count, sizeof(void *), compare_changes);
    for (size_t i = 0; good && i < in->month_count; i++) {
        const struct activity_month *m = &in->months[i];
        int32_t place = month_number(m->month) - 1;
        w->month[place] = m;
        w->payability[place] = payability_new(m->terms, m->reviews, in->commissioner, m->month);
        w->claiming[place] = claiming_new(m->terms, m->reviews, m->month);
        good = w->payability[place] != NULL && w->claiming[place] != NULL;
    }
    if (good)
        return w;
    row_worth_free(w);
    return NULL;
}

void row_worth_free(struct row_worth *w)
{
    if (w == NULL)
        return;
    for (int i = 0; i < TERMS_MONTHS; i++) {
        payability_free(w->payability[i]);
        claiming_free(w->claiming[i]);
    }
    assessments_free(w->claims);
    assessments_free(w->decided);
    assessments_free(w->elsewhere);
    free(w->changes);
    free(w);
}

static const struct row_change *change_of(const struct row_worth *w, month_t month, int32_t row_no)
{
    const struct row_change wanted = {.month = month, .row = {.row_no = row_no}};
    const struct row_change *key = &wanted;
    const struct row_change **found =
        w->in->change_count == 0 ? NULL
                                 : bsearch(&key, w->changes, w->in->change_count, sizeof(void *), compare_changes);
    return found == NULL ? NULL : *found;
}

static bool allows(const struct row_worth *w, month_t month, const struct episode *row)
{
    const struct row_marks marks = {row->failed, row->approved, row->minor};
    struct activity_row facts = episode_activity(row);
    return cluster_index(row->cluster) >= 0 &&
           payability_allows(w->payability[month_number(month) - 1], &facts, &marks);
}

static const struct terms_price *assessment_price(const struct row_worth *w, month_t month, const struct episode *row)
{
    struct activity_row facts = episode_activity(row);
    return valuation_assessment_price(w->month[month_number(month) - 1]->terms, w->in->commissioner, month, &facts);
}

static date_t referral_of(const struct episode *row)
{
    return row->referral_date == DATE_NONE ? row->mhct_date : row->referral_date;
}

static bool claims(const struct row_worth *w, month_t month, const struct episode *row)
{
    const struct row_marks marks = {row->failed, row->approved, row->minor};
    const struct activity_row facts = episode_activity(row);
    return claiming_allows(w->claiming[month_number(month) - 1], &facts, &marks);
}

enum row_worth_status row_worth_claim(struct row_worth *w, month_t month, const struct episode *row)
{
    const struct row_change *change = change_of(w, month, row->row_no);
    struct episode counts = *row;
    if (change != NULL && change->cluster >= 0)
        cluster_code(change->cluster, counts.cluster);
    bool away = change != NULL && !change->is_here;
    bool claimed = (change == NULL || !change->not_payable) && claims(w, month, &counts);
    bool decided = claimed && !claims(w, month, row);
    if (!statistics_is_candidate(month, row) || !claiming_pays(w->month[month_number(month) - 1]->terms, month) ||
        cluster_index(counts.cluster) < 0 || (!away && !claimed))
        return ROW_WORTH_DONE;
    bool pays = allows(w, month, &counts) && assessment_price(w, month, &counts) != NULL;
    struct assessment a = {.referral = referral_of(row),
                           .mhct_date = row->mhct_date,
                           .month = month,
                           .cluster = (int16_t)cluster_index(counts.cluster),
                           .other = !pays || away};
    memcpy(a.patient, row->patient, sizeof a.patient);
    bool kept = !away || assessments_offer(w->elsewhere, &a, row->episode_id);
    if (kept && claimed && !(away && decided))
        kept = assessments_offer(decided ? w->decided : w->claims, &a, row->episode_id);
    return kept ? ROW_WORTH_DONE : ROW_WORTH_NO_MEMORY;
}

/* The claim of the row's referral that earns, or NULL (activity.h, others). */
static const struct assessment *first_claim(const struct row_worth *w, const struct episode *row)
{
    const date_t referral = referral_of(row);
    const struct assessment *claim = assessments_find(w->claims, row->patient, referral);
    const struct assessment *decided = assessments_find(w->decided, row->patient, referral);
    if (decided == NULL || assessments_find(w->elsewhere, row->patient, referral) != NULL)
        return claim;
    bool before = claim == NULL || decided->mhct_date < claim->mhct_date ||
                  (decided->mhct_date == claim->mhct_date && strcmp(decided->episode_id, claim->episode_id) < 0);
    return before ? decided : claim;
}

static bool is_row(const struct assessment *a, month_t month, const struct episode *row)
{
    return a != NULL && !a->other && a->month == month && a->mhct_date == row->mhct_date &&
           strcmp(a->episode_id, row->episode_id) == 0;
}

/* The row by itself, changed. earns: it has the assessment of its referral. */
static enum row_worth_status value_changed(const struct row_worth *w, const struct row_change *change, bool earns,
                                           int64_t *pence)
{
    const struct activity_month *m = w->month[month_number(change->month) - 1];
    const struct activity_month alone = {.month = m->month, .terms = m->terms, .reviews = m->reviews};
    const struct activity_input in = {
        .commissioner = w->in->commissioner, .months = &alone, .month_count = 1, .changes = change, .change_count = 1};
    struct activity_lines lines;
    enum activity_status status = activity_value(&in, &lines);
    int64_t sum = 0;
    bool fits = true;
    if (status != ACTIVITY_DONE)
        return status == ACTIVITY_NO_MEMORY ? ROW_WORTH_NO_MEMORY : ROW_WORTH_OVERFLOW;
    for (size_t i = 0; fits && i < lines.count; i++) {
        if (earns || lines.line[i].basis != BASIS_ASSESSMENT)
            fits = money_add(sum, lines.line[i].pence, &sum);
    }
    activity_lines_free(&lines);
    *pence = sum;
    return fits ? ROW_WORTH_DONE : ROW_WORTH_OVERFLOW;
}

enum row_worth_status row_worth_value(const struct row_worth *w, month_t month, const struct episode *row,
                                      int64_t *pence)
{
    const struct row_change *change = change_of(w, month, row->row_no);
    const struct assessment *first = first_claim(w, row);
    bool earns = is_row(first, month, row);
    *pence = 0;
    if (change != NULL) {
        struct row_change alone = *change;
        alone.row = *row;
        alone.was_here = false;
        return value_changed(w, &alone, earns, pence);
    }
    if (!allows(w, month, row))
        return ROW_WORTH_DONE;
    struct activity_row facts = episode_activity(row);
    const struct activity_month *m = w->month[month_number(month) - 1];
    if (valuation_row(m->terms, m->reviews, w->in->commissioner, month, &facts, pence) == ROW_OVERFLOW)
        return ROW_WORTH_OVERFLOW;
    const struct terms_price *price = assessment_price(w, month, row);
    if (price != NULL && !earns)
        *pence -= price->pence;
    return ROW_WORTH_DONE;
}

void row_worth_cluster(const struct row_worth *w, month_t month, const struct episode *row, char out[3])
{
    const struct row_change *change = change_of(w, month, row->row_no);
    if (change != NULL && change->cluster >= 0)
        cluster_code(change->cluster, out);
    else
        memcpy(out, row->cluster, 3);
}

/* Absolute, as decisions are: of the cluster, and of how much is paid. */
enum row_worth_status row_worth_judged(const struct row_worth *w, month_t month, const struct episode *row,
                                       const struct row_judgement *judgement, int64_t *pence)
{
    const struct row_change *change = change_of(w, month, row->row_no);
    const struct assessment *first = first_claim(w, row);
    struct row_change judged = {.month = month, .is_here = true, .cluster = -1, .payable_days = -1};
    if (change != NULL)
        judged = *change;
    judged.row = *row;
    judged.was_here = false;
    if (judgement->cluster >= 0)
        judged.cluster = judgement->cluster;
    if (judgement->payable_days >= 0 || judgement->not_payable) {
        judged.payable_days = judgement->payable_days;
        judged.not_payable = judgement->not_payable;
    }
    bool shared = !claims(w, month, row) && assessments_find(w->elsewhere, row->patient, referral_of(row)) != NULL;
    bool earns = first == NULL ? !shared : is_row(first, month, row);
    return value_changed(w, &judged, judged.is_here && earns, pence);
}
