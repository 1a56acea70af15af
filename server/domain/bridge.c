/* The way from one position to another, cause by cause. */
#include "domain/bridge_internal.h"
#include "domain/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cause_names[BRIDGE_CAUSES] = {
    "months",           "engine",     "reference_data", "activity",    "rules",        "prices",    "plan",
    "factor_and_bands", "risk_share", "cquin",          "adjustments", "achievements", "withholds", "challenges"};

const char *bridge_cause_name(enum bridge_cause cause)
{
    return cause_names[cause];
}

struct bridge_maker *bridge_maker_new(const struct bridge_sides *sides)
{
    struct bridge_maker *m = calloc(1, sizeof *m);
    if (m != NULL) {
        int32_t older = month_number(sides->older.input.month);
        int32_t newer = month_number(sides->newer.input.month);
        m->sides = sides;
        m->last = older > newer ? older : newer;
    }
    return m;
}

static void forget(struct bridge_maker *m)
{
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        bridge_valued_free(&m->valued[c]);
    }
}

void bridge_maker_free(struct bridge_maker *m)
{
    if (m != NULL) {
        forget(m);
        free(m);
    }
}

/* Where both positions are of the same month, what was valued serves every month; otherwise the months of one side
 * alone make it another value. */
static void set_boundary(struct bridge_maker *m, const struct bridge_ends *ends)
{
    int32_t older = month_number(ends->older_month);
    int32_t newer = month_number(ends->newer_month);
    int32_t boundary = older == newer ? m->last : older;
    int32_t through = older == newer ? m->last : newer;
    if (m->boundary != boundary || m->through != through) {
        forget(m);
        m->boundary = boundary;
        m->through = through;
    }
}

/* The way so far. */
struct walk {
    struct bridge_state *state;
    struct bridge *bridge;
    struct position before; /* the last position that could be computed */
    char *reason;
};

static enum bridge_status failed(enum position_status status)
{
    return status == POSITION_NO_MEMORY  ? BRIDGE_NO_MEMORY
           : status == POSITION_OVERFLOW ? BRIDGE_OVERFLOW
                                         : BRIDGE_PARKED;
}

static bool changes_rows(enum bridge_cause cause)
{
    return cause == BRIDGE_MONTHS || cause == BRIDGE_REFERENCE || cause == BRIDGE_ACTIVITY || cause == BRIDGE_RULES ||
           cause == BRIDGE_PRICES || cause == BRIDGE_CHALLENGES;
}

/* Positions lie within 2^53, so differences cannot overflow. */
static enum bridge_status take(struct walk *w, enum bridge_cause cause)
{
    struct bridge_step *step = &w->bridge->step[cause];
    struct position after;
    if (changes_rows(cause)) {
        w->state->rows = cause;
    }
    enum position_status status = bridge_position(w->state, &after, w->reason);
    step->with_next = status == POSITION_PARKED || status == POSITION_OVERFLOW;
    if (status != POSITION_DONE) {
        return failed(status);
    }
    step->pence = after.total - w->before.total;
    step->billable = after.billable - w->before.billable;
    bool compared = bridge_compare(&w->before, &after, step);
    position_free(&w->before);
    w->before = after;
    return compared ? BRIDGE_DONE : BRIDGE_NO_MEMORY;
}

/* A mixture may be one that no contract could have, such as a plan without a price: then the cause is taken together
 * with the next one. The last one is the newer position itself. */
static enum bridge_status walk_causes(struct walk *w)
{
    enum bridge_status last = BRIDGE_DONE;
    for (int c = 0; c < BRIDGE_CAUSES && last != BRIDGE_NO_MEMORY; c++) {
        enum bridge_cause cause = (enum bridge_cause)c;
        struct bridge_step *step = &w->bridge->step[c];
        w->state->taken[c] = true;
        step->changed = bridge_differs(w->state, cause, step->what);
        if (step->changed) {
            last = take(w, cause);
        }
    }
    return last;
}

/* Documents that say something else than the same inputs do now: another version of the engine made them. Anything else
 * is a fault. */
static enum bridge_status close_ends(struct walk *w, const struct bridge_ends *ends, const struct position *first)
{
    bool other_older = strcmp(ends->older_engine, POSITION_ENGINE) != 0;
    bool other_newer = strcmp(ends->newer_engine, POSITION_ENGINE) != 0;
    bool same_older = first->total == ends->older && first->billable == ends->billable_older;
    bool same_newer = w->before.total == ends->newer && w->before.billable == ends->billable_newer;
    bool unlike = (!other_older && !same_older) || (!other_newer && !same_newer);
    struct bridge_step *step = &w->bridge->step[BRIDGE_ENGINE];
    if (unlike) {
        (void)snprintf(w->reason, POSITION_REASON_SIZE,
                       "computed again by the same engine, the %s position is not what its document says",
                       !other_older && !same_older ? "older" : "newer");
        return BRIDGE_MISMATCH;
    }
    int64_t pence = (first->total - ends->older) - (w->before.total - ends->newer);
    int64_t billable = (first->billable - ends->billable_older) - (w->before.billable - ends->billable_newer);
    step->pence += pence;
    step->billable += billable;
    if (other_older || other_newer) {
        step->changed = strcmp(ends->older_engine, ends->newer_engine) != 0 || pence != 0 || billable != 0;
        if (step->changed) {
            (void)snprintf(step->what, sizeof step->what, "%.60s to %.60s", ends->older_engine, ends->newer_engine);
        }
    }
    return BRIDGE_DONE;
}

static void add_up(struct bridge *b)
{
    int64_t after = b->older;
    int64_t billable = b->billable_older;
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        after += b->step[c].pence;
        billable += b->step[c].billable;
        b->step[c].after = after;
        b->step[c].billable_after = billable;
    }
}

/* The sums of a position, for later: its lines are freed on the way. */
static struct position sums_of(const struct position *p)
{
    return (struct position){.total = p->total, .billable = p->billable};
}

static enum bridge_status walk(struct walk *w, const struct bridge_ends *ends)
{
    enum position_status status = bridge_position(w->state, &w->before, w->reason);
    if (status != POSITION_DONE) {
        return failed(status);
    }
    const struct position first = sums_of(&w->before);
    enum bridge_status outcome = walk_causes(w);
    if (outcome == BRIDGE_DONE) {
        outcome = close_ends(w, ends, &first);
    }
    position_free(&w->before);
    return outcome;
}

enum bridge_status bridge_make(struct bridge_maker *m, const struct bridge_ends *ends, struct bridge *out, char *reason)
{
    struct bridge made = {.older = ends->older,
                          .newer = ends->newer,
                          .billable_older = ends->billable_older,
                          .billable_newer = ends->billable_newer};
    struct bridge_state *state = calloc(1, sizeof *state);
    reason[0] = '\0';
    if (state == NULL) {
        return BRIDGE_NO_MEMORY;
    }
    set_boundary(m, ends);
    state->maker = m;
    state->ends = ends;
    state->rows = BRIDGE_START;
    state->shared = month_number(ends->older_month < ends->newer_month ? ends->older_month : ends->newer_month);
    struct walk w = {.state = state, .bridge = &made, .reason = reason};
    enum bridge_status outcome = walk(&w, ends);
    free(state);
    if (outcome != BRIDGE_DONE) {
        bridge_free(&made);
        return outcome;
    }
    add_up(&made);
    *out = made;
    return BRIDGE_DONE;
}
