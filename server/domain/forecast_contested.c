/* What open challenges take off the position to date, and off the outturn. */
#include "domain/forecast_internal.h"

#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

/* The year with the months to date as one challenge has them; what is to come stays as expected. false: no memory. */
static bool countered_year(const struct forecast_work *w, const struct activity_lines *countered,
                           struct activity_lines *out)
{
    size_t to_date = forecast_lines_to(w, w->to_date - 1);
    size_t to_come = w->activity_count - to_date;
    *out = *countered;
    out->line = calloc(countered->count + to_come + 1, sizeof *out->line);
    if (out->line == NULL) {
        return false;
    }
    if (countered->count > 0) {
        memcpy(out->line, countered->line, countered->count * sizeof *out->line);
    }
    if (to_come > 0) {
        memcpy(out->line + countered->count, w->activity + to_date, to_come * sizeof *out->line);
    }
    out->count = countered->count + to_come;
    return true;
}

/* Contested sums of the year to the k-th month, of which the last months may be expected. */
static bool contested_to(struct forecast_work *w, int32_t k, const struct position_challenge *challenges,
                         struct position *out)
{
    struct activity_lines lines = {.line = w->activity, .count = forecast_lines_to(w, k)};
    struct position_input in = forecast_position_input(w, k, &lines);
    in.challenges = challenges;
    in.challenge_count = w->in->to_date.challenge_count;
    enum position_status status = position_compute(&in, out, w->reason);
    if (status != POSITION_DONE && w->status == POSITION_DONE) {
        w->status = status;
    }
    return status == POSITION_DONE;
}

static bool add_up(struct forecast_work *w, const struct position *to_date, const struct position *year)
{
    struct forecast *f = w->f;
    for (size_t i = 0; i < f->contested_count; i++) {
        f->contested[i].position = to_date->contested[i].pence;
        f->contested[i].outturn = year->contested[i].pence;
        if (!money_add(f->contested_position, f->contested[i].position, &f->contested_position) ||
            !money_add(f->contested_outturn, f->contested[i].outturn, &f->contested_outturn)) {
            return forecast_overflow(w, "the sum contested");
        }
    }
    return true;
}

static bool contest(struct forecast_work *w, const struct position_challenge *of_year)
{
    struct position to_date;
    struct position year;
    if (!contested_to(w, w->to_date - 1, w->in->to_date.challenges, &to_date)) {
        return false;
    }
    bool fine = contested_to(w, TERMS_MONTHS - 1, of_year, &year);
    if (fine) {
        fine = add_up(w, &to_date, &year);
        position_free(&year);
    }
    position_free(&to_date);
    return fine;
}

bool forecast_contested(struct forecast_work *w)
{
    size_t count = w->in->to_date.challenge_count;
    if (count == 0) {
        return true;
    }
    struct position_challenge *of_year = calloc(count, sizeof *of_year);
    struct activity_lines *lines = calloc(count, sizeof *lines);
    w->f->contested = calloc(count, sizeof *w->f->contested);
    bool fine = of_year != NULL && lines != NULL && w->f->contested != NULL;
    for (size_t i = 0; fine && i < count; i++) {
        const struct position_challenge *c = &w->in->to_date.challenges[i];
        fine = countered_year(w, c->countered, &lines[i]);
        of_year[i] = *c;
        of_year[i].countered = &lines[i];
        w->f->contested[i] =
            (struct forecast_contested){.number = c->number, .claimed = c->claimed_pence, .billed = c->billed};
    }
    if (fine) {
        w->f->contested_count = count;
        fine = contest(w, of_year);
    } else {
        fine = forecast_no_memory(w);
    }
    for (size_t i = 0; lines != NULL && i < count; i++) {
        free(lines[i].line);
    }
    free(lines);
    free(of_year);
    return fine;
}
