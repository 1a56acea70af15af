#include "proof/sample_population.h"

#include "domain/row_worth.h"
#include "proof/bundle_checking.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample_population_of {
    struct checking *x;
    char statement[65];
    struct activity_month months[TERMS_MONTHS];
    struct row_change *changes;
    struct activity_input input;
    struct row_worth *worth;
    struct sample_frame frame;
    enum sample_status status; /* of the frame */
};

/* The row, if it lies in the year to the month of the run. false: it adds nothing, whatever is said of it. */
static bool counted_row(const struct sample_population_of *p, month_t month, const struct row_line *line, bool moved,
                        struct episode *row)
{
    return bundle_case_row(p->x->position, month, line, moved, row);
}

static bool claim(void *context, month_t month, const struct row_line *line, bool moved)
{
    struct sample_population_of *p = context;
    struct episode row;
    return month > p->x->month || !counted_row(p, month, line, moved, &row) ||
           row_worth_claim(p->worth, month, &row) == ROW_WORTH_DONE;
}

static bool add(void *context, month_t month, const struct row_line *line, bool moved)
{
    struct sample_population_of *p = context;
    struct episode row;
    int64_t pence = 0;
    if (month > p->x->month)
        return true;
    if (counted_row(p, month, line, moved, &row) && row_worth_value(p->worth, month, &row, &pence) != ROW_WORTH_DONE)
        return false;
    p->status = sample_frame_add(&p->frame, month, row.row_no, row.service, pence);
    return p->status == SAMPLE_DONE;
}

/* Decisions and moves alone: the activity lines that the rows add up to are those before any challenge. */
static bool prepare_worth(struct sample_population_of *p)
{
    const struct bundle_inputs *in = &p->x->inputs;
    size_t months = (size_t)(p->x->month - in->months[0].month) + 1;
    p->changes = calloc(in->decision_count + in->move_count + 1, sizeof *p->changes);
    if (p->changes == NULL)
        return false;
    for (size_t i = 0; i < months; i++)
        p->months[i] = (struct activity_month){
            .month = in->months[i].month, .terms = in->months[i].terms->terms, .reviews = &in->reviews[i]};
    p->input = (struct activity_input){.commissioner = in->commissioner,
                                       .months = p->months,
                                       .month_count = months,
                                       .changes = p->changes,
                                       .change_count = bundle_case_changes(p->x->position, p->changes)};
    p->worth = row_worth_new(&p->input);
    return p->worth != NULL;
}

/* What the statement's activity lines of single rows come to. */
static int64_t stated_pence(const struct checking *x)
{
    int64_t sum = 0;
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(json_object_get(x->statement, "position"), "lines"), i, line)
    {
        if (json_text(line, "basis") != NULL)
            sum += json_int(line, "pence", 0);
    }
    return sum;
}

static bool value_rows(struct sample_population_of *p, char *trouble)
{
    int64_t sum = 0;
    bool valued = prepare_worth(p) && bundle_each_row(p->x, claim, p) && bundle_each_row(p->x, add, p);
    if (valued)
        p->status = sample_frame_sort(&p->frame);
    if (!valued || p->status != SAMPLE_DONE) {
        (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "%s",
                       p->status == SAMPLE_TOO_LARGE   ? "a row adds more than a sample can evaluate"
                       : p->status == SAMPLE_ROW_TWICE ? "two rows have one month and row_no"
                                                       : "memory ran out, or an amount is beyond 64 bits");
        return false;
    }
    for (size_t i = 0; i < p->frame.count; i++)
        sum += p->frame.row[i].pence;
    if (sum != stated_pence(p->x)) {
        (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "the rows come to %lld pence, the activity lines to %lld",
                       (long long)sum, (long long)stated_pence(p->x));
        return false;
    }
    return true;
}

/* false: the bundle does not hold. */
static bool check(struct sample_population_of *p, const struct given *bundle, char *trouble)
{
    const char *stage = "position";
    bundle_check_all(p->x, bundle->bytes, bundle->length);
    const struct verdict *wrong = bundle_first_difference(p->x, &stage);
    if (wrong == NULL && p->x->verdict[CHECK_POSITION].outcome == OUTCOME_NOT_CHECKED)
        wrong = &p->x->verdict[CHECK_POSITION];
    if (wrong == NULL)
        return true;
    (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "nothing is drawn from a bundle that does not hold: %s: %.300s", stage,
                   wrong->detail);
    return false;
}

struct sample_population_of *population_open(const struct given *bundle, char *trouble)
{
    struct sample_population_of *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->x = calloc(1, sizeof *p->x);
    if (p == NULL || p->x == NULL || sodium_init() < 0) {
        (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "memory ran out");
    } else if (check(p, bundle, trouble) && value_rows(p, trouble)) {
        bundle_digest(&p->x->b.statement, p->statement);
        return p;
    }
    population_close(p);
    return NULL;
}

void population_close(struct sample_population_of *p)
{
    if (p == NULL)
        return;
    row_worth_free(p->worth);
    free(p->changes);
    sample_frame_free(&p->frame);
    if (p->x != NULL)
        checking_free(p->x);
    free(p->x);
    free(p);
}

const struct sample_frame *population_frame(const struct sample_population_of *p)
{
    return &p->frame;
}

const char *population_statement(const struct sample_population_of *p)
{
    return p->statement;
}

void population_seed(const struct sample_population_of *p, const char *nonce, uint8_t seed[SAMPLE_SEED])
{
    sample_seed(p->x->note.checkpoint.root.bytes, nonce, seed);
}

/* Looking up the rows picked while all rows pass. */

struct place {
    month_t month;
    int32_t row_no;
    int32_t pick;
};

struct looking {
    const struct sample_population_of *p;
    const struct sample *s;
    struct place *place; /* by month and row_no */
    struct sample_detail *details;
    const struct sample_judgement *judgements;
    struct sample_found *found;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (a->row_no > b->row_no) - (a->row_no < b->row_no);
}

static bool begin_looking(struct looking *l)
{
    l->place = calloc((size_t)l->s->count + 1, sizeof *l->place);
    if (l->place == NULL)
        return false;
    for (int32_t i = 0; i < l->s->count; i++) {
        const struct sample_row *row = &l->p->frame.row[l->s->pick[i].row];
        l->place[i] = (struct place){row->month, row->row_no, i};
    }
    qsort(l->place, (size_t)l->s->count, sizeof *l->place, compare_places);
    return true;
}

/* The pick that the row is, or -1. */
static int32_t pick_of(const struct looking *l, month_t month, int32_t row_no)
{
    const struct place wanted = {.month = month, .row_no = row_no};
    const struct place *at = bsearch(&wanted, l->place, (size_t)l->s->count, sizeof *l->place, compare_places);
    return at == NULL ? -1 : at->pick;
}

/* The tag by which this commissioner knows the patient. */
static const char *tag_of(const struct bundle_inputs *in, month_t month, const struct row_line *line, bool moved)
{
    for (size_t i = 0; moved && i < in->move_count; i++) {
        const struct bundle_move *m = &in->moves[i];
        if (m->month == month && m->row == line->row.row_no && m->tag != NULL)
            return m->tag;
    }
    return line->tag;
}

static bool detail(void *context, month_t month, const struct row_line *line, bool moved)
{
    struct looking *l = context;
    int32_t pick = pick_of(l, month, line->row.row_no);
    struct episode row;
    if (pick < 0)
        return true;
    struct sample_detail *d = &l->details[pick];
    (void)counted_row(l->p, month, line, moved, &row);
    (void)snprintf(d->tag, sizeof d->tag, "%s", tag_of(&l->p->x->inputs, month, line, moved));
    (void)snprintf(d->team, sizeof d->team, "%s", row.service);
    row_worth_cluster(l->p->worth, month, &row, d->cluster);
    return true;
}

bool population_details(const struct sample_population_of *p, const struct sample *s, struct sample_detail *details)
{
    struct looking l = {.p = p, .s = s, .details = details};
    bool done = begin_looking(&l) && bundle_each_row(p->x, detail, &l);
    free(l.place);
    return done;
}

static bool judge(void *context, month_t month, const struct row_line *line, bool moved)
{
    struct looking *l = context;
    int32_t pick = pick_of(l, month, line->row.row_no);
    struct episode row;
    char cluster[3];
    if (pick < 0)
        return true;
    const struct sample_judgement *j = &l->judgements[pick];
    const struct row_judgement said = {j->cluster, j->payable_days, j->nothing};
    struct sample_found *found = &l->found[pick];
    *found = (struct sample_found){.judgement = *j};
    bool counts = counted_row(l->p, month, line, moved, &row);
    row_worth_cluster(l->p->worth, month, &row, cluster);
    found->agreed = j->compared && !j->nothing && cluster_index(cluster) == j->cluster;
    return !counts || row_worth_judged(l->p->worth, month, &row, &said, &found->pence) == ROW_WORTH_DONE;
}

bool population_judge(const struct sample_population_of *p, const struct sample *s,
                      const struct sample_judgement *judgements, struct sample_found *found)
{
    struct looking l = {.p = p, .s = s, .judgements = judgements, .found = found};
    bool done = begin_looking(&l) && bundle_each_row(p->x, judge, &l);
    free(l.place);
    return done;
}
