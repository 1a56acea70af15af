/* Stage 7: CQUIN. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include <stdio.h>
#include <string.h>

__extension__ typedef __int128 wide_t;

/* AAV: the sum of all lines so far, less the excluded ones, never below 0. */
static bool base_of_cquin(struct position_work *w)
{
    const struct terms_cquin *c = &w->annual->cquin;
    struct position *p = w->p;
    int64_t base = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct position_line *line = &p->line[i];
        bool excluded = line->outside_cquin || (c->excluded_stages >> line->stage & 1U) != 0 ||
                        (line->cluster >= 0 && (c->excluded_clusters >> line->cluster & 1U) != 0);
        if (!excluded && !money_add(base, line->pence, &base)) {
            return work_overflow(w, "the base of CQUIN");
        }
    }
    p->aav = base > 0 ? base : 0;
    return true;
}

int64_t cquin_achievement(const struct terms_indicator *indicator, int64_t numerator, int64_t denominator)
{
    const struct terms_threshold *t = indicator->threshold;
    int32_t reached = -1;
    if (denominator <= 0) {
        return 0;
    }
    for (int32_t i = 0; i < indicator->count; i++) {
        if ((wide_t)numerator * PPM_ONE >= (wide_t)t[i].at_ppm * denominator) {
            reached = i;
        }
    }
    if (reached < 0) {
        return 0;
    }
    if (!indicator->linear || reached == indicator->count - 1) {
        return t[reached].earns_ppm;
    }
    /* earns + rise * (measure - at) / run, over the common denominator: all terms are 0 or more. */
    wide_t run = (wide_t)denominator * (t[reached + 1].at_ppm - t[reached].at_ppm);
    wide_t above = (wide_t)numerator * PPM_ONE - (wide_t)t[reached].at_ppm * denominator;
    wide_t rise = t[reached + 1].earns_ppm - t[reached].earns_ppm;
    return t[reached].earns_ppm + (int64_t)((2 * rise * above + run) / (2 * run));
}

static const struct position_achievement *stated(const struct position_work *w, const char *indicator)
{
    for (size_t i = 0; i < w->in->achievement_count; i++) {
        if (strcmp(w->in->achievements[i].indicator, indicator) == 0) {
            return &w->in->achievements[i];
        }
    }
    return NULL;
}

static bool cquin_line(struct position_work *w, int32_t index)
{
    const struct terms_cquin *c = &w->annual->cquin;
    const struct terms_indicator *indicator = &c->indicator[index];
    const struct position_achievement *a = stated(w, indicator->id);
    bool agreed = a != NULL && !a->disputed;
    int64_t achievement = !agreed ? c->on_account_ppm : cquin_achievement(indicator, a->numerator, a->denominator);
    int64_t pence;
    char key[80];
    char label[140];
    char clause[50];
    if (!money_round_three_shares(w->p->aav, c->rate_ppm, indicator->weight_ppm, achievement, &pence)) {
        return work_overflow(w, "CQUIN");
    }
    (void)snprintf(key, sizeof key, "cquin/%s", indicator->id);
    (void)snprintf(label, sizeof label, "CQUIN, %s", indicator->label);
    (void)snprintf(clause, sizeof clause, "/cquin/indicators/%d", index);
    struct derivation d = derive(w, clause, w->in->annual->version, "round(AAV * rate * weight * achievement)",
                                 "half away from zero; the achievement once to whole ppm");
    derive_number(&d, "AAV_pence", w->p->aav);
    derive_percent(&d, "rate", c->rate_ppm);
    derive_percent(&d, "weight", indicator->weight_ppm);
    derive_number(&d, "achievement_ppm", achievement);
    if (!agreed) {
        derive_text(&d, "measure",
                    a == NULL ? "not agreed yet: the assumption of the terms (/cquin/on_account)"
                              : "disputed, each side proposes its own: the assumption of the terms "
                                "(/cquin/on_account)");
    } else {
        derive_number(&d, "numerator", a->numerator);
        derive_number(&d, "denominator", a->denominator);
    }
    return work_line(w, STAGE_CQUIN, -1, key, label, pence, &d) != NULL;
}

bool stage_cquin(struct position_work *w)
{
    if (!w->annual->cquin.present) {
        return true;
    }
    if (!base_of_cquin(w)) {
        return false;
    }
    for (int32_t i = 0; i < w->annual->cquin.count; i++) {
        if (!cquin_line(w, i)) {
            return false;
        }
    }
    return true;
}
