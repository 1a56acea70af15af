#include "domain/bundle_case.h"

#include "domain/claiming.h"
#include "domain/position_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row that the inputs name: what is done to it. */
struct named_row {
    struct row_change change;
    const struct bundle_move *move; /* NULL: stays whose it is */
    bool decided;
    bool moved_in;
    bool added;
    bool counts_never; /* it earns nothing, whatever is decided of it */
    bool changed;
};

/* The place of a row among those of its patient and day. */
struct ranked_row {
    month_t month;
    int32_t row;
    int32_t rank;
};

struct case_month {
    struct payability *payability; /* where the terms look at single rows; else NULL */
    struct claiming *claiming;     /* the same */
    struct statistics_builder *builder;
    struct statistics statistics;
};

struct bundle_case {
    struct bundle_inputs *in;
    const struct terms_version *terms;
    size_t terms_count;
    size_t months; /* April .. last */
    struct case_month month[TERMS_MONTHS];
    struct named_row *row; /* by month, then row */
    size_t row_count;
    struct ranked_row *ranked; /* by month, then row */
    size_t ranked_count;
    struct position_decision *decisions; /* in the order of the document */
    size_t decision_count;
    bool valued; /* once; what came of it: */
    enum bundle_case_status status;
    char reason[POSITION_REASON_SIZE];
    struct activity_lines activity;   /* with decisions and moves */
    struct activity_lines *countered; /* one for each challenge */
};

static int compare_places(month_t month, int32_t row, month_t other_month, int32_t other_row)
{
    if (month != other_month)
        return month < other_month ? -1 : 1;
    return (row > other_row) - (row < other_row);
}

static int compare_named(const void *a, const void *b)
{
    const struct row_change *x = &((const struct named_row *)a)->change;
    const struct row_change *y = &((const struct named_row *)b)->change;
    return compare_places(x->month, x->row.row_no, y->month, y->row.row_no);
}

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked_row *x = a;
    const struct ranked_row *y = b;
    return compare_places(x->month, x->row, y->month, y->row);
}

static int compare_numbers(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static struct named_row *named(const struct bundle_case *c, month_t month, int32_t row)
{
    struct named_row key = {.change = {.month = month, .row = {.row_no = row}}};
    return c->row_count == 0 ? NULL : bsearch(&key, c->row, c->row_count, sizeof *c->row, compare_named);
}

static void name_row(struct bundle_case *c, month_t month, int32_t row)
{
    c->row[c->row_count++] = (struct named_row){
        .change = {.month = month, .row = {.row_no = row}, .is_here = true, .cluster = -1, .payable_days = -1}};
}

/* Every row that is decided, moved or challenged, once. */
static bool list_named(struct bundle_case *c)
{
    const struct bundle_inputs *in = c->in;
    size_t most = in->decision_count + in->move_count;
    for (size_t i = 0; i < in->challenge_count; i++)
        most += in->challenges[i].row_count;
    c->row = calloc(most + 1, sizeof *c->row);
    if (c->row == NULL)
        return false;
    for (size_t i = 0; i < in->decision_count; i++)
        name_row(c, in->decisions[i].change.month, in->decisions[i].change.row);
    for (size_t i = 0; i < in->move_count; i++)
        name_row(c, in->moves[i].month, in->moves[i].row);
    for (size_t i = 0; i < in->challenge_count; i++)
        for (size_t k = 0; k < in->challenges[i].row_count; k++)
            name_row(c, in->challenges[i].rows[k].month, in->challenges[i].rows[k].row);
    if (c->row_count > 0)
        qsort(c->row, c->row_count, sizeof *c->row, compare_named);
    size_t kept = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        if (kept == 0 || compare_named(&c->row[kept - 1], &c->row[i]) != 0)
            c->row[kept++] = c->row[i];
    }
    c->row_count = kept;
    for (size_t i = 0; i < in->decision_count; i++)
        named(c, in->decisions[i].change.month, in->decisions[i].change.row)->decided = true;
    for (size_t i = 0; i < in->move_count; i++)
        named(c, in->moves[i].month, in->moves[i].row)->move = &in->moves[i];
    return true;
}

/* Rows of a list take its row numbers in ascending order, so that they sort as the list says and no two are alike. */
static bool list_ranked(struct bundle_case *c)
{
    const struct bundle_inputs *in = c->in;
    size_t most = 0;
    for (size_t i = 0; i < in->same_day_count; i++)
        most += in->same_days[i].count;
    c->ranked = calloc(most + 1, sizeof *c->ranked);
    if (c->ranked == NULL)
        return false;
    for (size_t i = 0; i < in->same_day_count; i++) {
        const struct bundle_same_day *s = &in->same_days[i];
        int32_t *sorted = calloc(s->count, sizeof *sorted);
        if (sorted == NULL)
            return false;
        memcpy(sorted, s->rows, s->count * sizeof *sorted);
        qsort(sorted, s->count, sizeof *sorted, compare_numbers);
        for (size_t k = 0; k < s->count; k++)
            c->ranked[c->ranked_count++] = (struct ranked_row){s->month, s->rows[k], sorted[k]};
        free(sorted);
    }
    if (c->ranked_count > 0)
        qsort(c->ranked, c->ranked_count, sizeof *c->ranked, compare_ranked);
    return true;
}

static bool list_decisions(struct bundle_case *c)
{
    const struct bundle_inputs *in = c->in;
    c->decisions = calloc(in->decision_count + in->move_count + 1, sizeof *c->decisions);
    if (c->decisions == NULL)
        return false;
    for (size_t i = 0; i < in->decision_count; i++) {
        const struct bundle_decision *d = &in->decisions[i];
        c->decisions[c->decision_count++] = (struct position_decision){
            d->number,
            d->change.month,
            d->row_sha256,
            d->change.not_payable ? "not_payable" : d->change.cluster >= 0 ? "cluster" : "payable_days",
            d->change.cluster,
            d->change.payable_days,
            d->agreed_at};
    }
    for (size_t i = 0; i < in->move_count; i++) {
        const struct bundle_move *m = &in->moves[i];
        c->decisions[c->decision_count++] =
            (struct position_decision){m->number, m->month, m->row_sha256, "reattribution", -1, -1, m->agreed_at};
    }
    if (c->decision_count > 0)
        qsort(c->decisions, c->decision_count, sizeof *c->decisions, position_decision_order);
    return true;
}

static bool begin_month(struct bundle_case *c, size_t i)
{
    struct position_month *m = &c->in->months[i];
    struct case_month *made = &c->month[i];
    m->terms = terms_in_force(c->terms, c->terms_count, m->month, c->in->known_at);
    made->builder = statistics_builder_new(m->month, false);
    if (made->builder == NULL)
        return false;
    if (m->terms == NULL)
        return true; /* the position parks and says so */
    if (m->submission != NULL && payability_looks_at_reviews(m->terms->terms))
        m->reviews = c->in->reviews_sha256[i];
    if (!payability_looks_at_each_row(m->terms->terms))
        return true;
    made->payability = payability_new(m->terms->terms, &c->in->reviews[i], c->in->commissioner, m->month);
    made->claiming = claiming_new(m->terms->terms, &c->in->reviews[i], m->month);
    return made->payability != NULL && made->claiming != NULL;
}

struct bundle_case *bundle_case_new(struct bundle_inputs *in, const struct terms_version *terms, size_t terms_count,
                                    month_t last)
{
    struct bundle_case *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct bundle_case){.in = in, .terms = terms, .terms_count = terms_count};
    c->months = (size_t)(last - in->months[0].month) + 1;
    c->countered = calloc(in->challenge_count + 1, sizeof *c->countered);
    bool made = c->countered != NULL && list_named(c) && list_ranked(c) && list_decisions(c);
    for (size_t i = 0; made && i < c->months; i++)
        made = begin_month(c, i);
    if (made)
        return c;
    bundle_case_free(c);
    return NULL;
}

void bundle_case_free(struct bundle_case *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < TERMS_MONTHS; i++) {
        payability_free(c->month[i].payability);
        claiming_free(c->month[i].claiming);
        statistics_builder_free(c->month[i].builder);
        statistics_free(&c->month[i].statistics);
    }
    activity_lines_free(&c->activity);
    for (size_t i = 0; c->countered != NULL && i < c->in->challenge_count; i++)
        activity_lines_free(&c->countered[i]);
    free(c->countered);
    free(c->row);
    free(c->ranked);
    free(c->decisions);
    free(c);
}

static int compare_elsewhere(const void *a, const void *b)
{
    const struct bundle_row *x = a;
    const struct bundle_row *y = b;
    return compare_places(x->month, x->row, y->month, y->row);
}

/* A row that another commissioner's comes before earns no assessment, whatever else changes. false: nothing is left. */
static bool without_assessment(const struct bundle_case *c, month_t month, struct episode *e)
{
    const struct bundle_row key = {month, e->row_no};
    if (c->in->elsewhere_count == 0 ||
        bsearch(&key, c->in->elsewhere, c->in->elsewhere_count, sizeof *c->in->elsewhere, compare_elsewhere) == NULL)
        return true;
    e->mhct_reason = 0;
    return !e->assessment_only;
}

/* Where an episode id would decide, what stands for it decides. */
static void rank(const struct bundle_case *c, month_t month, struct episode *e)
{
    const struct ranked_row key = {.month = month, .row = e->row_no};
    const struct ranked_row *found =
        c->ranked_count == 0 ? NULL : bsearch(&key, c->ranked, c->ranked_count, sizeof *c->ranked, compare_ranked);
    (void)snprintf(e->episode_id, sizeof e->episode_id, "%010d", found == NULL ? e->row_no : found->rank);
}

static bool count(struct bundle_case *c, size_t place, const struct episode *e)
{
    struct episode row = *e;
    struct case_month *m = &c->month[place];
    /* What the account has no price for may have a claim all the same. */
    bool kept = m->payability == NULL || payability_reduce(m->payability, &row) ||
                (statistics_is_candidate(c->in->months[place].month, e) && claiming_reduce(m->claiming, &row));
    return !kept || statistics_builder_add(m->builder, &row, 1) == STATISTICS_ADDED;
}

bool bundle_case_row(const struct bundle_case *c, month_t month, const struct row_line *line, bool moved,
                     struct episode *out)
{
    const struct named_row *n = named(c, month, line->row.row_no);
    *out = line->row;
    memcpy(out->commissioner, c->in->commissioner, strlen(c->in->commissioner) + 1);
    if (moved && n != NULL && n->move != NULL && n->move->tag != NULL)
        row_line_patient(n->move->tag, out->patient);
    bool counts = without_assessment(c, month, out);
    if (statistics_is_candidate(month, out))
        rank(c, month, out);
    return counts;
}

bool bundle_case_add(struct bundle_case *c, month_t month, const struct row_line *line, bool moved)
{
    size_t place = (size_t)(month - c->in->months[0].month);
    struct episode row;
    struct named_row *n = named(c, month, line->row.row_no);
    bool counts = bundle_case_row(c, month, line, moved, &row);
    if (n != NULL) {
        n->change.row = row;
        n->change.was_here = !moved;
        n->moved_in = moved;
        n->counts_never = !counts;
        n->added = true;
    }
    return moved || !counts || place >= c->months || count(c, place, &row);
}

static bool not_whole(char *where, size_t size, month_t month, int32_t row, const char *what)
{
    char text[8];
    month_format(month, text);
    (void)snprintf(where, size, "row %d of %s %s", row, text, what);
    return false;
}

/* What the inputs say of a row against whose row it is. */
static const char *at_odds(const struct bundle_case *c, const struct named_row *n)
{
    bool into = n->move != NULL && strcmp(n->move->to, c->in->commissioner) == 0;
    if (!n->added)
        return "is named in the inputs, but is in no file of rows";
    if (n->moved_in != into)
        return n->moved_in ? "is among those moved in, but no re-attribution moves it"
                           : "is the account's own, but is said to be moved in";
    return n->moved_in && n->decided ? "was moved in, and no decision of this account is about it" : NULL;
}

bool bundle_case_whole(const struct bundle_case *c, char *where, size_t size)
{
    for (size_t i = 0; i < c->row_count; i++) {
        const struct named_row *n = &c->row[i];
        const char *what = at_odds(c, n);
        if (what != NULL)
            return not_whole(where, size, n->change.month, n->change.row.row_no, what);
    }
    return true;
}

/* Absolute: of the cluster, or of how much is paid, what was said before does not matter; the other stands. */
static void set_change(struct row_change *said, const struct bundle_change *change)
{
    if (change->cluster >= 0) {
        said->cluster = change->cluster;
        return;
    }
    said->not_payable = change->not_payable;
    said->payable_days = change->payable_days;
}

static bool is_here(const struct bundle_case *c, const struct named_row *n)
{
    return n->move == NULL || strcmp(n->move->to, c->in->commissioner) == 0;
}

size_t bundle_case_changes(const struct bundle_case *c, struct row_change *out)
{
    size_t count_of = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct named_row *n = &c->row[i];
        if ((!n->decided && n->move == NULL) || !n->added || n->counts_never)
            continue;
        struct row_change *said = &out[count_of++];
        *said = (struct row_change){.month = n->change.month,
                                    .row = n->change.row,
                                    .was_here = n->change.was_here,
                                    .is_here = is_here(c, n),
                                    .cluster = -1,
                                    .payable_days = -1};
        for (size_t k = 0; !n->moved_in && k < c->in->decision_count; k++) {
            const struct bundle_change *change = &c->in->decisions[k].change;
            if (change->month == said->month && change->row == said->row.row_no)
                set_change(said, change);
        }
    }
    return count_of;
}

static void apply(struct bundle_case *c, const struct bundle_change *change)
{
    struct named_row *n = named(c, change->month, change->row);
    if (n->moved_in)
        return;
    n->changed = true;
    set_change(&n->change, change);
}

/* The lines with the rows changed so far. */
static enum bundle_case_status value(struct bundle_case *c, struct activity_lines *out, char *reason)
{
    struct activity_month months[TERMS_MONTHS];
    struct row_change *changes = calloc(c->row_count + 1, sizeof *changes);
    if (changes == NULL)
        return BUNDLE_CASE_NO_MEMORY;
    struct activity_input in = {c->in->commissioner, months, c->months, changes, 0};
    for (size_t i = 0; i < c->row_count; i++) {
        const struct named_row *n = &c->row[i];
        if (n->changed && n->added && !n->counts_never && n->change.month < c->in->months[0].month + (month_t)c->months)
            changes[in.change_count++] = c->row[i].change;
    }
    for (size_t i = 0; i < c->months; i++) {
        const struct position_month *m = &c->in->months[i];
        const struct statistics *own = m->submission == NULL ? NULL : &c->month[i].statistics;
        months[i] = (struct activity_month){m->month, m->terms->terms, &c->in->reviews[i], own, NULL, 0};
    }
    enum activity_status status = activity_value(&in, out);
    free(changes);
    switch (status) {
    case ACTIVITY_DONE:
        return BUNDLE_CASE_DONE;
    case ACTIVITY_NO_MEMORY:
        return BUNDLE_CASE_NO_MEMORY;
    case ACTIVITY_OVERFLOW:
        (void)snprintf(reason, POSITION_REASON_SIZE, "the activity's value is beyond 64 bits");
        break;
    case ACTIVITY_NOT_STATISTICS:
        (void)snprintf(reason, POSITION_REASON_SIZE, "the changes to rows do not fit the rows");
        break;
    }
    return BUNDLE_CASE_CANNOT;
}

static enum bundle_case_status make_statistics(struct bundle_case *c, char *reason)
{
    for (size_t i = 0; i < c->months; i++) {
        if (c->in->months[i].terms == NULL) {
            char month[8];
            month_format(c->in->months[i].month, month);
            (void)snprintf(reason, POSITION_REASON_SIZE, "no terms are in force for %s", month);
            return BUNDLE_CASE_CANNOT;
        }
        if (!statistics_builder_make(c->month[i].builder, &c->month[i].statistics))
            return BUNDLE_CASE_NO_MEMORY;
    }
    return BUNDLE_CASE_DONE;
}

/* Decisions and moves, then challenge by challenge in the order of their numbers, so that contested sums telescope. */
static enum bundle_case_status value_all(struct bundle_case *c, char *reason)
{
    enum bundle_case_status status = make_statistics(c, reason);
    if (status != BUNDLE_CASE_DONE)
        return status;
    for (size_t i = 0; i < c->in->decision_count; i++)
        apply(c, &c->in->decisions[i].change);
    for (size_t i = 0; i < c->in->move_count; i++) {
        const struct bundle_move *m = &c->in->moves[i];
        struct named_row *n = named(c, m->month, m->row);
        n->change.is_here = is_here(c, n);
        n->changed = true;
    }
    status = value(c, &c->activity, reason);
    for (size_t i = 0; status == BUNDLE_CASE_DONE && i < c->in->challenge_count; i++) {
        const struct bundle_challenge *challenge = &c->in->challenges[i];
        for (size_t k = 0; k < challenge->row_count; k++)
            apply(c, &challenge->rows[k]);
        status = value(c, &c->countered[i], reason);
    }
    return status;
}

static size_t decisions_to(const struct bundle_case *c, month_t month)
{
    size_t count_to = 0;
    while (count_to < c->decision_count && c->decisions[count_to].month <= month)
        count_to++;
    return count_to;
}

static enum bundle_case_status write_position(const struct position_input *in, char **bytes, size_t *length,
                                              char *reason)
{
    struct position position;
    switch (position_compute(in, &position, reason)) {
    case POSITION_PARKED:
    case POSITION_OVERFLOW:
        return BUNDLE_CASE_CANNOT;
    case POSITION_NO_MEMORY:
        return BUNDLE_CASE_NO_MEMORY;
    case POSITION_DONE:
        break;
    }
    *bytes = position_document_bytes(in, &position, length);
    position_free(&position);
    return *bytes == NULL ? BUNDLE_CASE_NO_MEMORY : BUNDLE_CASE_DONE;
}

enum bundle_case_status bundle_case_position(struct bundle_case *c, month_t month, char **bytes, size_t *length,
                                             char *reason)
{
    const struct bundle_inputs *in = c->in;
    if (!c->valued)
        c->status = value_all(c, c->reason);
    c->valued = true;
    enum bundle_case_status status = c->status;
    memcpy(reason, c->reason, POSITION_REASON_SIZE);
    struct position_challenge *challenges = calloc(in->challenge_count + 1, sizeof *challenges);
    struct activity_lines *lines = calloc(in->challenge_count + 1, sizeof *lines);
    size_t open = 0;
    if (challenges == NULL || lines == NULL)
        status = BUNDLE_CASE_NO_MEMORY;
    for (size_t i = 0; status == BUNDLE_CASE_DONE && i < in->challenge_count; i++) {
        if (in->challenges[i].month > month)
            continue;
        lines[open] = activity_lines_to(&c->countered[i], month);
        challenges[open] = in->challenges[i].challenge;
        challenges[open].countered = &lines[open];
        open++;
    }
    if (status == BUNDLE_CASE_DONE) {
        const struct activity_lines activity = activity_lines_to(&c->activity, month);
        const struct position_input input = {
            .provider = in->provider,
            .contract = in->contract,
            .commissioner = in->commissioner,
            .financial_year = in->financial_year,
            .month = month,
            .months = in->months,
            .annual = terms_in_force(c->terms, c->terms_count, month, in->known_at),
            .achievements = in->achievements,
            .achievement_count = in->achievement_count,
            .activity = &activity,
            .adjustments = in->adjustments,
            .adjustment_count = in->adjustment_count,
            .withholds = in->withholds,
            .withhold_count = in->withhold_count,
            .decisions = c->decisions,
            .decision_count = decisions_to(c, month),
            .challenges = challenges,
            .challenge_count = open,
        };
        status = write_position(&input, bytes, length, reason);
    }
    free(challenges);
    free(lines);
    return status;
}
