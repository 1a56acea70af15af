/* Stage 6: block lines, adjustments and withholds. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include <stdio.h>
#include <string.h>

static bool block_line(struct position_work *w, int32_t k, const struct terms_sum *s)
{
    const struct position_month *m = &w->in->months[k];
    char month[8];
    char key[140];
    char label[140];
    char clause[40];
    month_format(m->month, month);
    (void)snprintf(key, sizeof key, "block/%s/%s", month, s->label);
    (void)snprintf(label, sizeof label, "%s, %s", month, s->label);
    (void)snprintf(clause, sizeof clause, "/block/%d", s->index);
    struct derivation d = derive(w, clause, m->terms->version, "stated sum", "none");
    return work_line(w, STAGE_BLOCK, m->month, key, label, s->pence, &d) != NULL;
}

bool stage_block(struct position_work *w)
{
    for (int32_t k = 0; k < w->months; k++) {
        const struct terms *t = w->in->months[k].terms->terms;
        for (int32_t i = 0; i < t->block_count; i++) {
            const struct terms_sum *s = &t->block[i];
            bool ours = s->commissioner[0] == '\0' || strcmp(s->commissioner, w->in->commissioner) == 0;
            if (ours && s->month == w->in->months[k].month && !block_line(w, k, s)) {
                return false;
            }
        }
    }
    return true;
}

static bool adjustment_line(struct position_work *w, const struct position_adjustment *a)
{
    char month[8];
    char key[40];
    char label[300];
    month_format(a->month, month);
    (void)snprintf(key, sizeof key, "adjustment/%lld", (long long)a->n);
    (void)snprintf(label, sizeof label, "%s, %s: %s", month, a->reverses == 0 ? "adjustment" : "reversal", a->label);
    struct derivation d =
        derive_agreed(w, "agreement", a->n, a->reverses == 0 ? "agreed sum" : "agreed sum, of an adjustment undone");
    if (a->reverses != 0) {
        derive_number(&d, "reverses", a->reverses);
    }
    derive_text(&d, "in_base_of_cquin", a->in_cquin ? "yes" : "no");
    struct position_line *line = work_line(w, STAGE_ADJUSTMENT, a->month, key, label, a->pence, &d);
    if (line == NULL) {
        return false;
    }
    line->outside_cquin = !a->in_cquin;
    return true;
}

bool stage_adjustments(struct position_work *w)
{
    for (size_t i = 0; i < w->in->adjustment_count; i++) {
        const struct position_adjustment *a = &w->in->adjustments[i];
        if (a->month <= w->in->month && !adjustment_line(w, a)) {
            return false;
        }
    }
    return true;
}

static const struct terms_withhold *withhold_of_terms(const struct position_work *w, const char *id)
{
    for (int32_t i = 0; i < w->annual->withhold_count; i++) {
        if (strcmp(w->annual->withhold[i].id, id) == 0) {
            return &w->annual->withhold[i];
        }
    }
    return NULL;
}

/* The month's lines of stages 1 and 2. */
static bool month_value(struct position_work *w, month_t month, int64_t *out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < w->p->count; i++) {
        const struct position_line *line = &w->p->line[i];
        if (line->month == month && line->stage <= STAGE_FACTOR && !money_add(sum, line->pence, &sum)) {
            return work_overflow(w, "the base of a withhold");
        }
    }
    *out = sum;
    return true;
}

struct withhold_words {
    char month[8];
    char key[80];
    char label[200];
};

static struct withhold_words withhold_words(const struct position_work *w, const struct position_withhold *h)
{
    const struct terms_withhold *t = withhold_of_terms(w, h->id);
    struct withhold_words words;
    month_format(h->month, words.month);
    (void)snprintf(words.key, sizeof words.key, "withhold/%s/%s", words.month, h->id);
    (void)snprintf(words.label, sizeof words.label, "%s, withheld: %s", words.month, t == NULL ? h->id : t->label);
    return words;
}

static bool open_withhold(struct position_work *w, const struct position_withhold *h)
{
    const struct terms_withhold *t = withhold_of_terms(w, h->id);
    const struct withhold_words words = withhold_words(w, h);
    char clause[40];
    int64_t value = 0;
    int64_t held = 0;
    if (t == NULL) {
        return work_note(w, "withhold %s of %s is skipped: version %d of the terms has none of that name", h->id,
                         words.month, w->in->annual->version);
    }
    if (!month_value(w, h->month, &value)) {
        return false;
    }
    if (!money_round_share(value, t->share_ppm, &held)) {
        return work_overflow(w, "a withhold");
    }
    (void)snprintf(clause, sizeof clause, "/withholds/%d", t->index);
    struct derivation d = derive(w, clause, w->in->annual->version, "-round(share * (activity + factor) of the month)",
                                 "half away from zero");
    derive_number(&d, "activity_and_factor_pence", value);
    derive_percent(&d, "share", t->share_ppm);
    derive_text(&d, "state", "open: computed anew until it is decided");
    return work_line(w, STAGE_WITHHOLD, h->month, words.key, words.label, -held, &d) != NULL;
}

/* What was held back stands as it was decided; a release is an equal line the other way. */
static bool decided_withhold(struct position_work *w, const struct position_withhold *h)
{
    const struct withhold_words words = withhold_words(w, h);
    bool released = h->state == WITHHOLD_RELEASED;
    char key[90];
    char label[220];
    struct derivation d = derive_agreed(w, "agreement", h->agreement, "sum held back, as decided");
    derive_text(&d, "state", released ? "released" : "kept");
    if (work_line(w, STAGE_WITHHOLD, h->month, words.key, words.label, -h->decided_pence, &d) == NULL || !released) {
        return w->status == POSITION_DONE;
    }
    (void)snprintf(key, sizeof key, "%s/release", words.key);
    (void)snprintf(label, sizeof label, "%s, released", words.label);
    d = derive_agreed(w, "agreement", h->agreement, "sum held back, paid after all");
    return work_line(w, STAGE_WITHHOLD, h->month, key, label, h->decided_pence, &d) != NULL;
}

bool stage_withholds(struct position_work *w)
{
    for (size_t i = 0; i < w->in->withhold_count; i++) {
        const struct position_withhold *h = &w->in->withholds[i];
        if (h->month > w->in->month) {
            continue;
        }
        if (!(h->state == WITHHOLD_OPEN ? open_withhold(w, h) : decided_withhold(w, h))) {
            return false;
        }
    }
    return true;
}
