/* Shared by the files that compute a position; nobody else includes it. */
#ifndef RECKONER_DOMAIN_POSITION_INTERNAL_H
#define RECKONER_DOMAIN_POSITION_INTERNAL_H

#include "domain/position.h"

/* Groups of volume bands, and behind them the clusters in no group. */
#define GROUPS_MAX (TERMS_MAX_GROUPS + 1)

/* A position in the making. The first failure sticks in status; what follows does nothing. */
struct position_work {
    const struct position_input *in;
    const struct terms *annual;
    struct position *p;
    size_t capacity;
    enum position_status status;
    char *reason;
    int32_t months;                          /* April .. m */
    int64_t gross[TERMS_MONTHS][GROUPS_MAX]; /* activity by month and group */
    int64_t factor[TERMS_MONTHS][GROUPS_MAX];
    int64_t planned[TERMS_MONTHS][GROUPS_MAX]; /* planned lines, units at their price */
    int64_t plan[TERMS_MONTHS][GROUPS_MAX];    /* the same with their factor */
    int32_t plan_sum[TERMS_MONTHS];            /* place in /plan/sums of the sum stated for the month; -1: none */
};

/* How a line was made: written by the code that makes it. ok is sticky; off: none is wanted (sums_alone). */
struct derivation {
    json_t *object;
    json_t *inputs;
    bool ok;
    bool off;
};

bool work_parked(struct position_work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool work_overflow(struct position_work *w, const char *what);
bool work_no_memory(struct position_work *w);
/* Adds a note to the position. */
bool work_note(struct position_work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* clause: JSON pointer into that version of the terms. rounding: "none", or which values were rounded. */
struct derivation derive(const struct position_work *w, const char *clause, int32_t terms, const char *operation,
                         const char *rounding);
/* The same for what does not follow from the terms: what is "agreement", "challenge". */
struct derivation derive_agreed(const struct position_work *w, const char *what, int64_t number, const char *operation);
void derive_number(struct derivation *d, const char *name, int64_t value);
void derive_text(struct derivation *d, const char *name, const char *value);
void derive_percent(struct derivation *d, const char *name, int64_t ppm);
void derive_json(struct derivation *d, const char *name, json_t *value); /* takes the reference */

/* Adds a line: key, label and derivation are taken over or copied, and the derivation is consumed in every case. The
 * stage's subtotal and the total follow. month -1: of the year to date. */
struct position_line *work_line(struct position_work *w, enum terms_stage stage, month_t month, const char *key,
                                const char *label, int64_t pence, struct derivation *d);

void position_line_free(struct position_line *line);

int work_group_of(const struct position_work *w, int cluster);
/* "other" for the clusters in no group. */
const char *work_group_name(const struct position_work *w, int group);
/* The whole of a sum of stages so far. false on overflow. */
bool work_sum_through(struct position_work *w, enum terms_stage last, int64_t *out);

bool stage_plan(struct position_work *w);
bool stage_activity(struct position_work *w);
bool stage_factor(struct position_work *w);
bool stage_bands(struct position_work *w);
bool stage_risk_share(struct position_work *w);
bool stage_cap_collar(struct position_work *w);
bool stage_block(struct position_work *w);
bool stage_adjustments(struct position_work *w);
bool stage_withholds(struct position_work *w);
bool stage_cquin(struct position_work *w);
bool stage_contested(struct position_work *w);

/* What an indicator earns at a measure of numerator / denominator, in whole ppm: computed exactly, rounded once. A
 * denominator of 0 earns nothing. */
int64_t cquin_achievement(const struct terms_indicator *indicator, int64_t numerator, int64_t denominator);

#endif
