/* The frame of a forecast: the year's months, its positions, the value of one more unit. */
#include "domain/forecast_internal.h"

#include "domain/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool forecast_overflow(struct forecast_work *w, const char *what)
{
    if (w->status == POSITION_DONE) {
        w->status = POSITION_OVERFLOW;
        (void)snprintf(w->reason, POSITION_REASON_SIZE, "%s is beyond 64 bits: correct the prices, plan or activity",
                       what);
    }
    return false;
}

bool forecast_no_memory(struct forecast_work *w)
{
    if (w->status == POSITION_DONE) {
        w->status = POSITION_NO_MEMORY;
    }
    return false;
}

bool forecast_for_account(const struct forecast_work *w, const char *commissioner)
{
    return commissioner[0] == '\0' || strcmp(commissioner, w->in->to_date.commissioner) == 0;
}

bool forecast_value(const struct terms_price *price, int64_t units, int64_t *pence)
{
    return price->basis == BASIS_PERIOD ? money_round_ratio(units, price->pence, price->period_days, pence)
                                        : money_multiply(units, price->pence, pence);
}

size_t forecast_lines_to(const struct forecast_work *w, int32_t k)
{
    size_t count = 0;
    while (count < w->activity_count && w->activity[count].month <= w->months[k].month) {
        count++;
    }
    return count;
}

struct position_input forecast_position_input(const struct forecast_work *w, int32_t k, struct activity_lines *lines)
{
    struct position_input in = w->in->to_date;
    in.month = w->months[k].month;
    in.months = w->months;
    in.annual = w->in->terms[k];
    in.activity = lines;
    in.sums_alone = true;
    in.challenge_count = 0;
    for (int32_t i = 0; i <= k && i < w->to_date; i++) {
        lines->unpriced_days[i] = w->in->to_date.activity->unpriced_days[i];
    }
    return in;
}

bool forecast_position(struct forecast_work *w, int32_t k, struct activity_line *activity, size_t count,
                       struct position *out)
{
    struct activity_lines lines = {.line = activity, .count = count};
    const struct position_input in = forecast_position_input(w, k, &lines);
    enum position_status status = position_compute(&in, out, w->reason);
    if (status != POSITION_DONE && w->status == POSITION_DONE) {
        w->status = status;
    }
    return status == POSITION_DONE;
}

/* Terms for the whole year: those known now. Months to come stand as received, with nothing known of them. */
static bool lay_out(struct forecast_work *w)
{
    month_t first = financial_year_first(w->in->to_date.financial_year);
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        if (w->in->terms[k] == NULL) {
            char month[8];
            month_format(first + k, month);
            (void)snprintf(w->reason, POSITION_REASON_SIZE,
                           "no terms in force for %s: both parties approve terms effective from then or earlier",
                           month);
            w->status = POSITION_PARKED;
            return false;
        }
        if (k < w->to_date) {
            w->months[k] = w->in->to_date.months[k];
        } else {
            w->months[k] =
                (struct position_month){.month = first + k, .terms = w->in->terms[k], .submission = "expected"};
        }
    }
    return true;
}

static bool positions(struct forecast_work *w)
{
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        struct position p;
        if (!forecast_position(w, k, w->activity, forecast_lines_to(w, k), &p)) {
            return false;
        }
        w->f->months[k] = (struct forecast_month){p.planned, p.before_risk, p.after_cap, p.total, p.billable};
        if (k + 1 == TERMS_MONTHS) {
            w->f->outturn = p;
        } else {
            position_free(&p);
        }
    }
    return true;
}

/* A unit at this price is the last of month m. */
static bool marginal(struct forecast_work *w, const struct terms_price *price)
{
    struct forecast_marginal *made = &w->f->marginal[w->f->marginal_count];
    int32_t m = w->to_date - 1;
    size_t at = forecast_lines_to(w, m);
    struct position p;
    struct activity_line one = {
        .month = w->months[m].month, .cluster = price->cluster, .basis = price->basis, .units = 1};
    *made = (struct forecast_marginal){.price = price};
    if (!forecast_value(price, 1, &one.pence)) {
        return forecast_overflow(w, "the value of a unit");
    }
    one.price_pence = price->pence;
    one.price_index = price->index;
    made->pence = one.pence;
    struct activity_line *lines = malloc((w->activity_count + 1) * sizeof *lines);
    if (lines == NULL) {
        return forecast_no_memory(w);
    }
    if (at > 0) {
        memcpy(lines, w->activity, at * sizeof *lines);
    }
    lines[at] = one;
    if (w->activity_count > at) {
        memcpy(lines + at + 1, w->activity + at, (w->activity_count - at) * sizeof *lines);
    }
    bool fine = forecast_position(w, m, lines, at + 1, &p);
    if (fine) {
        made->position = p.total - w->f->months[m].total;
        position_free(&p);
        fine = forecast_position(w, TERMS_MONTHS - 1, lines, w->activity_count + 1, &p);
    }
    if (fine) {
        made->outturn = p.total - w->f->outturn.total;
        position_free(&p);
        w->f->marginal_count++;
    }
    free(lines);
    return fine;
}

bool forecast_marginals(struct forecast_work *w)
{
    const struct terms *t = w->in->terms[w->to_date - 1]->terms;
    date_t day = month_last(w->months[w->to_date - 1].month);
    w->f->marginal = calloc(FORECAST_MAX_MARGINALS, sizeof *w->f->marginal);
    if (w->f->marginal == NULL) {
        return forecast_no_memory(w);
    }
    for (int32_t i = 0; i < t->price_count; i++) {
        const struct terms_price *p = &t->price[i];
        if (terms_price_on(t, p->cluster, p->basis, w->in->to_date.commissioner, p->service, day) != p) {
            continue;
        }
        if (w->f->marginal_count == FORECAST_MAX_MARGINALS) {
            w->f->marginals_left_out++;
        } else if (!marginal(w, p)) {
            return false;
        }
    }
    return true;
}

enum position_status forecast_make(const struct forecast_input *in, struct forecast *out, char *reason)
{
    struct forecast f = {.month = in->to_date.month, .financial_year = in->to_date.financial_year};
    struct forecast_work w = {.in = in, .f = &f, .to_date = month_number(in->to_date.month), .reason = reason};
    reason[0] = '\0';
    w.status = POSITION_DONE;
    if (lay_out(&w)) {
        f.annual = in->terms[TERMS_MONTHS - 1]->terms;
        if (forecast_activity(&w) && positions(&w) && forecast_edges(&w) && forecast_contested(&w)) {
            (void)forecast_marginals(&w);
        }
    }
    free(w.activity);
    if (w.status == POSITION_DONE) {
        *out = f;
    } else {
        forecast_free(&f);
    }
    return w.status;
}

void forecast_free(struct forecast *f)
{
    free(f->line);
    free(f->edge);
    free(f->marginal);
    free(f->contested);
    position_free(&f->outturn);
    *f = (struct forecast){0};
}
