/* Stage 8: what open challenges contest. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* The position as it would be with this challenge and those before it countered. */
static bool countered_total(struct position_work *w, const struct position_challenge *c, int64_t *total)
{
    struct position_input in = *w->in;
    struct position p;
    in.activity = c->countered;
    in.challenges = NULL;
    in.challenge_count = 0;
    in.sums_alone = true;
    enum position_status status = position_compute(&in, &p, w->reason);
    if (status != POSITION_DONE) {
        w->status = status;
        return false;
    }
    *total = p.total;
    position_free(&p);
    return true;
}

static bool contested_line(struct position_work *w, const struct position_challenge *c, int64_t before, int64_t after,
                           int64_t contested)
{
    char key[40];
    char label[60];
    (void)snprintf(key, sizeof key, "contested/%lld", (long long)c->number);
    (void)snprintf(label, sizeof label, "Contested by challenge %lld", (long long)c->number);
    struct derivation d = derive_agreed(w, "challenge", c->number,
                                        "position without the counter-calculation, less with it: not below 0, not "
                                        "above the sum claimed");
    derive_number(&d, "without_pence", before);
    derive_number(&d, "with_pence", after);
    derive_number(&d, "claimed_pence", c->claimed_pence);
    return work_line(w, STAGE_CONTESTED, -1, key, label, -contested, &d) != NULL;
}

bool stage_contested(struct position_work *w)
{
    struct position *p = w->p;
    int64_t before = p->total;
    if (w->in->challenge_count == 0) {
        return true;
    }
    p->contested = calloc(w->in->challenge_count, sizeof *p->contested);
    if (p->contested == NULL) {
        return work_no_memory(w);
    }
    for (size_t i = 0; i < w->in->challenge_count; i++) {
        const struct position_challenge *c = &w->in->challenges[i];
        int64_t after = 0;
        int64_t contested;
        if (!countered_total(w, c, &after)) {
            return false;
        }
        if (!money_subtract(before, after, &contested)) {
            return work_overflow(w, "a contested sum");
        }
        contested = contested > c->claimed_pence ? c->claimed_pence : contested;
        contested = contested < 0 ? 0 : contested;
        p->contested[p->contested_count++] = (struct position_contested){c->number, contested, c->billed};
        if (!c->billed && !contested_line(w, c, before, after, contested)) {
            return false;
        }
        before = after;
    }
    return true;
}
