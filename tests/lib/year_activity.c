/* How a contract-year is settled: statistics of its rows, activity, position. */
#include "lib/year_inputs.h"

#include "domain/claiming.h"

#include <stdlib.h>
#include <string.h>

/* A permutation of 0 .. count - 1. */
static void shuffle_order(size_t *order, size_t count, uint64_t seed)
{
    struct contract_year dice = {.random = seed};
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; seed != 0 && i > 1; i--) {
        size_t j = (size_t)year_random(&dice, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

const struct terms_version *year_version(const struct contract_year *y, int32_t k, instant_t known_at)
{
    return terms_in_force(y->version, y->versions, YEAR_APRIL + k, known_at);
}

/* Rows are left as they are where the terms ask no single row; shuffled, every other time as the terms leave them even
 * so. */
void year_statistics(const struct contract_year *y, size_t k, const struct terms *t, uint64_t shuffle,
                     struct statistics out[2])
{
    month_t month = YEAR_APRIL + (month_t)k;
    struct payability *payability = payability_new(t, &y->reviews, y->account, month);
    struct claiming *claiming = claiming_new(t, &y->reviews, month);
    struct statistics_builder *b[2] = {statistics_builder_new(month, true), statistics_builder_new(month, true)};
    size_t order[64];
    year_must(payability != NULL && claiming != NULL && b[0] != NULL && b[1] != NULL);
    bool reduce = payability_looks_at_each_row(t) || shuffle % 2 != 0;
    shuffle_order(order, y->row_count[k], shuffle);
    for (size_t r = 0; r < y->row_count[k]; r++) {
        struct episode e = y->rows[k][order[r]].row;
        bool other = strcmp(e.commissioner, y->account) != 0;
        bool candidate = statistics_is_candidate(month, &e);
        bool kept =
            !reduce || (!other && payability_reduce(payability, &e)) || (candidate && claiming_reduce(claiming, &e));
        e.failed = kept ? e.failed : ~(rule_set_t)0; /* of another's row alone it is known that it does not claim */
        if (other ? candidate : kept)
            year_must(statistics_builder_add(b[other], &e, 1) == STATISTICS_ADDED);
    }
    for (size_t i = 0; i < 2; i++) {
        year_must(statistics_builder_make(b[i], &out[i]));
        statistics_builder_free(b[i]);
    }
    claiming_free(claiming);
    payability_free(payability);
}

/* What is said of a row, after what was said of it before. */
static void change_row(const struct contract_year *y, const struct year_change *said, struct row_change *out,
                       size_t *count)
{
    const struct episode *row = &y->rows[said->month - YEAR_APRIL][said->row].row;
    struct row_change *c = NULL;
    for (size_t i = 0; i < *count; i++) {
        if (out[i].month == said->month && out[i].row.row_no == row->row_no)
            c = &out[i];
    }
    if (c == NULL) {
        c = &out[(*count)++];
        bool here = strcmp(row->commissioner, y->account) == 0;
        *c = (struct row_change){
            .month = said->month, .row = *row, .was_here = here, .is_here = here, .cluster = -1, .payable_days = -1};
    }
    c->cluster = said->cluster >= 0 ? said->cluster : c->cluster;
    if (said->not_payable || said->payable_days >= 0) {
        c->not_payable = said->not_payable;
        c->payable_days = said->payable_days;
    }
    c->is_here = said->to == NULL ? c->is_here : strcmp(said->to, y->account) == 0;
}

size_t year_row_changes(const struct contract_year *y, month_t m, instant_t known_at, size_t countered,
                        struct row_change *out)
{
    size_t count = 0;
    for (size_t i = 0; i < y->changes; i++) {
        if (y->change[i].month <= m && y->change[i].agreed_at <= known_at)
            change_row(y, &y->change[i], out, &count);
    }
    for (size_t i = 0; i < y->challenges && countered > 0; i++) {
        const struct year_challenge *c = &y->challenge[i];
        if (!year_challenge_open(c, m, known_at))
            continue;
        for (size_t r = 0; r < c->rows; r++) {
            if (c->row[r].month <= m)
                change_row(y, &c->row[r], out, &count);
        }
        countered--;
    }
    return count;
}

struct activity_lines contract_year_lines(const struct contract_year *y, month_t m, instant_t known_at,
                                          uint64_t shuffle, size_t countered)
{
    struct activity_lines lines;
    struct statistics statistics[TERMS_MONTHS][2];
    const struct statistics *others[TERMS_MONTHS];
    struct activity_month in[TERMS_MONTHS];
    struct row_change changes[YEAR_CHANGES];
    size_t months[TERMS_MONTHS] = {0};
    size_t count = 0;
    shuffle_order(months, (size_t)month_number(m), shuffle);
    for (int32_t i = 0; i < month_number(m); i++) {
        size_t k = months[i];
        const struct terms_version *version = year_version(y, (int32_t)k, known_at);
        if (version == NULL || y->missing[k])
            continue;
        year_statistics(y, k, version->terms, shuffle, statistics[count]);
        others[count] = &statistics[count][1];
        in[count] = (struct activity_month){.month = YEAR_APRIL + (month_t)k,
                                            .terms = version->terms,
                                            .reviews = &y->reviews,
                                            .statistics = &statistics[count][0],
                                            .others = &others[count],
                                            .other_count = 1};
        count++;
    }
    size_t changed = year_row_changes(y, m, known_at, countered, changes);
    const struct activity_input input = {y->account, in, count, changes, changed};
    year_must(activity_value(&input, &lines) == ACTIVITY_DONE);
    for (size_t i = 0; i < count; i++) {
        statistics_free(&statistics[i][0]);
        statistics_free(&statistics[i][1]);
    }
    return lines;
}

static void know_months(const struct contract_year *y, struct position_input *in, struct year_known *n,
                        instant_t known_at)
{
    for (int32_t k = 0; k < month_number(in->month); k++) {
        struct position_month *month = &n->month[k];
        month->month = YEAR_APRIL + k;
        month->terms = year_version(y, k, known_at);
        month->submission = y->missing[k] ? NULL : "bcdfghjklmnpqrstvwxz";
        month->sha256 = y->sha256[k];
        if (month->terms != NULL && payability_looks_at_reviews(month->terms->terms))
            month->reviews = y->reviews_sha256;
        month->known_from = 100 + k;
        for (size_t i = 0; i < y->agreed_count; i++) {
            if (y->agreed[i].month == month->month && y->agreed[i].agreed_at <= known_at) {
                month->source = y->agreed[i].source;
                month->agreement = (int64_t)i + 1;
                month->agreed_at = y->agreed[i].agreed_at;
            }
        }
    }
    in->months = n->month;
}

static void know_agreements(const struct contract_year *y, struct position_input *in, struct year_known *n,
                            instant_t known_at)
{
    for (size_t i = 0; i < y->achievements; i++) {
        if (y->achievement[i].agreed_at <= known_at)
            n->achievement[in->achievement_count++] = y->achievement[i];
    }
    for (size_t i = 0; i < y->adjustments; i++) {
        if (y->adjustment[i].agreed_at <= known_at)
            n->adjustment[in->adjustment_count++] = y->adjustment[i];
    }
    for (size_t i = 0; i < y->withholds; i++) {
        if (y->withhold[i].imposed_at > known_at)
            continue;
        struct position_withhold *w = &n->withhold[in->withhold_count++];
        *w = y->withhold[i];
        if (w->state != WITHHOLD_OPEN && w->decided_at > known_at)
            *w = (struct position_withhold){.id = w->id, .month = w->month, .imposed_at = w->imposed_at};
    }
    in->achievements = n->achievement;
    in->adjustments = n->adjustment;
    in->withholds = n->withhold;
}

static int compare_decisions(const void *left, const void *right)
{
    const struct position_decision *a = left;
    const struct position_decision *b = right;
    return a->month != b->month ? (a->month < b->month ? -1 : 1) : strcmp(a->row_sha256, b->row_sha256);
}

static void know_decisions(const struct contract_year *y, struct position_input *in, struct year_known *n,
                           instant_t known_at)
{
    for (size_t i = 0; i < y->changes; i++) {
        const struct year_change *c = &y->change[i];
        const char *kind = c->to != NULL ? "reattribution" : c->cluster >= 0 ? "cluster" : "payable_days";
        if (c->agreed_at > known_at || c->month > in->month)
            continue;
        contract_year_row_sha256(i, n->decided_sha256[i]);
        n->decision[in->decision_count++] =
            (struct position_decision){.number = (int64_t)i + 1,
                                       .month = c->month,
                                       .row_sha256 = n->decided_sha256[i],
                                       .kind = c->not_payable && c->cluster < 0 ? "not_payable" : kind,
                                       .cluster = c->cluster,
                                       .payable_days = c->payable_days,
                                       .agreed_at = c->agreed_at};
    }
    qsort(n->decision, in->decision_count, sizeof *n->decision, compare_decisions);
    in->decisions = n->decision;
}

static void know_challenges(const struct contract_year *y, struct position_input *in, struct year_known *n,
                            instant_t known_at)
{
    for (size_t i = 0; i < y->challenges; i++) {
        const struct year_challenge *c = &y->challenge[i];
        if (year_challenge_open(c, in->month, known_at))
            n->challenge[in->challenge_count++] = (struct position_challenge){
                .number = c->number, .claimed_pence = c->claimed_pence, .billed = c->billed, .raised_at = c->raised_at};
    }
    in->challenges = n->challenge;
}

struct position_input year_input(const struct contract_year *y, month_t m, instant_t known_at, struct year_known *known)
{
    struct position_input in = {.provider = "RXA",
                                .contract = "bcdfghjklmnpqrstvwxz",
                                .commissioner = y->account,
                                .financial_year = 2012,
                                .month = m,
                                .annual = year_version(y, m - YEAR_APRIL, known_at)};
    know_months(y, &in, known, known_at);
    know_agreements(y, &in, known, known_at);
    know_decisions(y, &in, known, known_at);
    know_challenges(y, &in, known, known_at);
    return in;
}

/* The plan of a year is that of a position without activity at its end. */
static enum position_status plan_of_year(const struct contract_year *y, const struct terms_version *annual,
                                         instant_t known_at, int64_t *pence)
{
    struct position_month months[TERMS_MONTHS] = {0};
    const struct activity_lines nothing = {0};
    struct position position;
    char reason[POSITION_REASON_SIZE];
    for (int32_t k = 0; k < TERMS_MONTHS; k++)
        months[k] = (struct position_month){
            .month = YEAR_APRIL + k, .terms = year_version(y, k, known_at), .submission = "", .sha256 = ""};
    const struct position_input in = {.provider = "RXA",
                                      .contract = "",
                                      .commissioner = y->account,
                                      .financial_year = 2012,
                                      .month = YEAR_APRIL + TERMS_MONTHS - 1,
                                      .months = months,
                                      .annual = annual,
                                      .activity = &nothing,
                                      .sums_alone = true};
    enum position_status status = position_compute(&in, &position, reason);
    if (status == POSITION_DONE) {
        *pence = position.planned;
        position_free(&position);
    }
    return status;
}

enum position_status contract_year_set_off(const struct contract_year *y, month_t m, instant_t known_at,
                                           struct bill_set_off *off, int64_t *eacv)
{
    const struct terms_version *annual = year_version(y, m - YEAR_APRIL, known_at);
    *off = (struct bill_set_off){0};
    *eacv = -1;
    if (annual->terms->on_account && !annual->terms->shadow) {
        *eacv = annual->terms->eacv_pence;
        enum position_status status = *eacv >= 0 ? POSITION_DONE : plan_of_year(y, annual, known_at, eacv);
        year_must(status != POSITION_DONE || instalments_due(*eacv, month_number(m), &off->on_account));
        return status;
    }
    for (size_t i = 0; i < y->openings; i++)
        off->opening += y->opening[i].agreed_at <= known_at ? y->opening[i].pence : 0;
    return POSITION_DONE;
}

bool year_challenge_open(const struct year_challenge *c, month_t m, instant_t known_at)
{
    bool touches = false;
    for (size_t r = 0; r < c->rows; r++)
        touches = touches || c->row[r].month <= m;
    return touches && c->raised_at <= known_at && known_at < c->closed_at;
}

enum position_status contract_year_position(const struct contract_year *y, month_t m, instant_t known_at,
                                            uint64_t shuffle, struct position *out, char **document)
{
    struct year_known *known = calloc(1, sizeof *known);
    struct activity_lines countered[YEAR_MANY];
    char reason[POSITION_REASON_SIZE];
    year_must(known != NULL);
    struct position_input in = year_input(y, m, known_at, known);
    struct activity_lines activity = contract_year_lines(y, m, known_at, shuffle, 0);
    in.activity = &activity;
    for (size_t i = 0; i < in.challenge_count; i++) {
        countered[i] = contract_year_lines(y, m, known_at, shuffle, i + 1);
        known->challenge[i].countered = &countered[i];
    }
    enum position_status status = position_compute(&in, out, reason);
    if (status == POSITION_DONE && document != NULL) {
        size_t length;
        *document = position_document_bytes(&in, out, &length);
        year_must(*document != NULL);
    }
    activity_lines_free(&activity);
    for (size_t i = 0; i < in.challenge_count; i++)
        activity_lines_free(&countered[i]);
    free(known);
    return status;
}
