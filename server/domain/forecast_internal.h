/* Shared by the files that make a forecast; nobody else includes it. */
#ifndef RECKONER_DOMAIN_FORECAST_INTERNAL_H
#define RECKONER_DOMAIN_FORECAST_INTERNAL_H

#include "domain/forecast.h"

struct forecast_work {
    const struct forecast_input *in;
    struct forecast *f;
    int32_t to_date;                            /* months April .. m */
    struct position_month months[TERMS_MONTHS]; /* those to come stand as received */
    struct activity_line *activity;             /* to date, then expected; by month, with room for one more */
    size_t activity_count;
    size_t capacity;
    enum position_status status;
    char *reason;
};

bool forecast_overflow(struct forecast_work *w, const char *what);
bool forecast_no_memory(struct forecast_work *w);
/* The value of units at a price: PERIOD at their part of a period. false: beyond 64 bits. */
bool forecast_value(const struct terms_price *price, int64_t units, int64_t *pence);
/* What the position of the year to the k-th month is computed from, with these lines, whose days without a price it
 * fills in; without challenges. */
struct position_input forecast_position_input(const struct forecast_work *w, int32_t k, struct activity_lines *lines);
/* Position of the year to the k-th month from `activity` (count lines, all those of months to k first). */
bool forecast_position(struct forecast_work *w, int32_t k, struct activity_line *activity, size_t count,
                       struct position *out);
/* Lines of the months to the k-th one. */
size_t forecast_lines_to(const struct forecast_work *w, int32_t k);
bool forecast_for_account(const struct forecast_work *w, const char *commissioner);

bool forecast_activity(struct forecast_work *w);
bool forecast_edges(struct forecast_work *w);
bool forecast_marginals(struct forecast_work *w);
bool forecast_contested(struct forecast_work *w);

#endif
