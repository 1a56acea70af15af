#include "domain/sampling_result.h"

#include "base/parse.h"
#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

/* Fewer errors than this make a range about a mean doubtful, which the result says. */
#define ERRORS_FOR_RANGE 20
#define ALL_TEAMS        (-1)

__extension__ typedef __int128 wide_t;

/* What was counted and summed over the picks of a team, or of all. */
struct tally {
    int32_t picks;
    int32_t examined;
    int64_t compared; /* of random samples rows; of monetary units hits: pounds */
    int64_t agreed;
    int64_t booked;
    int64_t found;
    int64_t over;
    int64_t under;
    int32_t errors;
    int64_t rows; /* of the population */
    int64_t pence;
    int64_t uncertain; /* of these what rows worth more than 0 and less than the interval add */
};

struct evaluation {
    const struct sample *s;
    const struct sample_frame *f;
    const struct sample_found *found;
    const struct sample_context *context;
    int64_t *factor;   /* for 0 errors and on */
    struct part *part; /* room for the errors of one side */
    struct tally all;
    struct tally *team; /* one for each */
    bool complete;      /* every pick was examined */
    bool few_errors;
};

static wide_t divide_up(wide_t numerator, wide_t denominator)
{
    return numerator <= 0 ? 0 : (numerator - 1) / denominator + 1;
}

static const struct sample_row *row_of(const struct evaluation *e, int32_t pick)
{
    return &e->f->row[e->s->pick[pick].row];
}

static bool is_of(const struct evaluation *e, int32_t pick, int32_t team)
{
    return team == ALL_TEAMS || row_of(e, pick)->team == team;
}

static int64_t error_of(const struct evaluation *e, int32_t pick)
{
    return e->found[pick].judgement.examined ? row_of(e, pick)->pence - e->found[pick].pence : 0;
}

static void count_row(struct tally *t, const struct sample_row *row, bool uncertain)
{
    t->rows++;
    t->pence += row->pence;
    t->uncertain += uncertain ? row->pence : 0;
}

static void count_pick(struct tally *t, const struct sample_found *found, int64_t weight, int64_t booked, int64_t error)
{
    t->picks++;
    t->compared += found->judgement.compared ? weight : 0;
    t->agreed += found->agreed ? weight : 0;
    if (!found->judgement.examined)
        return;
    t->examined++;
    t->booked += booked;
    t->found += found->pence;
    t->over += error > 0 ? error : 0;
    t->under += error < 0 ? -error : 0;
    t->errors += error != 0;
}

/* Fills the tallies of all teams, and of all together. */
static void tally_all(struct evaluation *e)
{
    wide_t total = e->s->population.reached_pence;
    for (size_t i = 0; i < e->f->count; i++) {
        const struct sample_row *row = &e->f->row[i];
        bool uncertain = row->pence > 0 && (wide_t)row->pence * e->s->size < total;
        count_row(&e->all, row, uncertain);
        count_row(&e->team[row->team], row, uncertain);
    }
    for (int32_t i = 0; i < e->s->count; i++) {
        const struct sample_row *row = row_of(e, i);
        int64_t weight = e->s->pick[i].hits;
        count_pick(&e->all, &e->found[i], weight, row->pence, error_of(e, i));
        count_pick(&e->team[row->team], &e->found[i], weight, row->pence, error_of(e, i));
    }
}

/* Agreement */

static json_t *agreement_json(const struct evaluation *e, const struct tally *t)
{
    int64_t disagreed = t->compared - t->agreed;
    int64_t rate = 0;
    int64_t upper = 0;
    bool all_rows = e->s->method == SAMPLE_RANDOM && e->s->size == e->s->population.rows && t->compared == t->picks;
    if (t->compared > 0) {
        (void)money_round_ratio(t->agreed, PPM_ONE, t->compared, &rate);
        wide_t bound = divide_up(all_rows ? (wide_t)disagreed * PPM_ONE : e->factor[disagreed], t->compared);
        upper = bound > PPM_ONE ? PPM_ONE : (int64_t)bound;
    }
    json_t *o = json_object();
    if (o != NULL && json_put(o, "compared", json_integer(t->compared)) &&
        json_put(o, "agreed", json_integer(t->agreed)) &&
        json_put(o, "rate_ppm", t->compared > 0 ? json_integer(rate) : json_null()) &&
        json_put(o, "disagreement_upper_ppm", t->compared > 0 ? json_integer(upper) : json_null()))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *errors_json(const struct tally *t)
{
    json_t *o = json_object();
    if (o != NULL && json_put(o, "picks", json_integer(t->picks)) &&
        json_put(o, "examined", json_integer(t->examined)) && json_put(o, "differing", json_integer(t->errors)) &&
        json_put(o, "booked_pence", json_integer(t->booked)) && json_put(o, "found_pence", json_integer(t->found)) &&
        json_put(o, "over_pence", json_integer(t->over)) && json_put(o, "under_pence", json_integer(t->under)) &&
        json_put(o, "gross_pence", json_integer(t->over + t->under)) &&
        json_put(o, "net_pence", json_integer(t->over - t->under)))
        return o;
    json_decref(o);
    return NULL;
}

/* Random samples: difference estimation */

/* The smallest whole number whose square is not below. */
static wide_t root_up(wide_t square)
{
    wide_t low = -1;
    wide_t high = (wide_t)1 << 63;
    while (high - low > 1) {
        wide_t middle = low + (high - low) / 2;
        if (middle * middle >= square)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Half of the range about the estimated sum of values v, whose sum and sum of squares in the sample are given. */
static int64_t half_range(const struct evaluation *e, wide_t sum, wide_t squares)
{
    wide_t n = e->s->size;
    wide_t rows = e->s->population.rows;
    if (n == rows)
        return 0;
    wide_t spread = divide_up(n * squares - sum * sum, n - 1);
    wide_t variance = divide_up(rows * (rows - n) * spread, n * n);
    return (int64_t)divide_up(root_up(variance) * sample_student_t(e->context->confidence, (int64_t)n - 1), PPM_ONE);
}

static bool put_range(json_t *o, const char *low, const char *high, int64_t pence, int64_t half, bool is_range,
                      bool from_zero)
{
    int64_t least = from_zero && pence < half ? 0 : pence - half;
    return json_put(o, low, is_range ? json_integer(least) : json_null()) &&
           json_put(o, high, is_range ? json_integer(pence + half) : json_null());
}

static json_t *random_estimate(struct evaluation *e, const struct tally *t, int32_t team)
{
    wide_t squares = 0;
    int64_t net;
    int64_t gross;
    for (int32_t i = 0; i < e->s->count; i++)
        squares += is_of(e, i, team) ? (wide_t)error_of(e, i) * error_of(e, i) : 0;
    bool all_rows = e->s->size == e->s->population.rows;
    bool is_range = all_rows || t->picks >= SAMPLE_RANGE_FROM;
    e->few_errors = e->few_errors || (team == ALL_TEAMS && !all_rows && t->errors < ERRORS_FOR_RANGE);
    if (!money_round_ratio(t->over - t->under, e->s->population.rows, e->s->size, &net) ||
        !money_round_ratio(t->over + t->under, e->s->population.rows, e->s->size, &gross))
        return NULL;
    int64_t net_half = is_range ? half_range(e, t->over - t->under, squares) : 0;
    int64_t gross_half = is_range ? half_range(e, t->over + t->under, squares) : 0;
    json_t *o = json_object();
    if (o != NULL && json_put(o, "net_pence", json_integer(net)) && json_put(o, "gross_pence", json_integer(gross)) &&
        put_range(o, "net_low_pence", "net_high_pence", net, net_half, is_range, false) &&
        put_range(o, "gross_low_pence", "gross_high_pence", gross, gross_half, is_range, true))
        return o;
    json_decref(o);
    return NULL;
}

/* Monetary units: projection and the Stringer bound */

/* An error of a row below the interval: error / pence is its tainting. */
struct part {
    int64_t error;
    int64_t pence;
};

static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left;
    const struct part *b = right;
    wide_t x = (wide_t)a->error * b->pence;
    wide_t y = (wide_t)b->error * a->pence;
    return (x < y) - (x > y);
}

struct side {
    int64_t pence; /* estimated */
    int64_t upper;
};

/* sign: 1 for what is overstated, -1 for what is understated. false: beyond 64 bits. */
static bool estimate_side(struct evaluation *e, const struct tally *t, int32_t team, int64_t sign, struct side *out)
{
    wide_t total = e->s->population.reached_pence;
    wide_t n = e->s->size;
    wide_t bound = 0;
    int64_t known = 0;
    int64_t projected = 0;
    size_t count = 0;
    for (int32_t i = 0; i < e->s->count; i++) {
        int64_t error = sign * error_of(e, i);
        if (!is_of(e, i, team) || error <= 0)
            continue;
        if (e->s->pick[i].certain)
            known += error;
        else
            e->part[count++] = (struct part){error, row_of(e, i)->pence};
    }
    if (count > 0)
        qsort(e->part, count, sizeof *e->part, compare_parts);
    if (t->uncertain > 0)
        bound = divide_up(e->factor[0] * total, n * PPM_ONE);
    for (size_t j = 0; j < count; j++) {
        const struct part *p = &e->part[j];
        int64_t one;
        if (!money_round_ratio(p->error, (int64_t)total, p->pence * (int64_t)n, &one) ||
            !money_add(projected, one, &projected))
            return false;
        bound +=
            divide_up((wide_t)(e->factor[j + 1] - e->factor[j]) * p->error * total, (wide_t)p->pence * n * PPM_ONE);
    }
    if (sign > 0 && bound > t->uncertain)
        bound = t->uncertain;
    if (bound > SAMPLE_PENCE_MAX)
        return false;
    *out = (struct side){known + projected, known + (int64_t)bound};
    return true;
}

/* Whether a row is understated by more than its own value: the bound does not hold then. */
static bool is_beyond(const struct evaluation *e, int32_t team)
{
    for (int32_t i = 0; i < e->s->count; i++) {
        if (is_of(e, i, team) && !e->s->pick[i].certain && -error_of(e, i) > row_of(e, i)->pence)
            return true;
    }
    return false;
}

static json_t *mus_estimate(struct evaluation *e, const struct tally *t, int32_t team)
{
    struct side over;
    struct side under;
    if (!estimate_side(e, t, team, 1, &over) || !estimate_side(e, t, team, -1, &under))
        return NULL;
    json_t *o = json_object();
    if (o != NULL && json_put(o, "over_pence", json_integer(over.pence)) &&
        json_put(o, "over_upper_pence", json_integer(over.upper)) &&
        json_put(o, "under_pence", json_integer(under.pence)) &&
        json_put(o, "under_upper_pence", is_beyond(e, team) ? json_null() : json_integer(under.upper)) &&
        json_put(o, "net_pence", json_integer(over.pence - under.pence)) &&
        json_put(o, "gross_pence", json_integer(over.pence + under.pence)))
        return o;
    json_decref(o);
    return NULL;
}

/* The whole */

/* Adds agreement, errors and estimate of a team, or of all, to o. */
static bool put_tally(struct evaluation *e, json_t *o, int32_t team, const struct tally *t)
{
    json_t *estimate = NULL;
    if (!e->complete)
        estimate = json_null();
    else if (e->s->method == SAMPLE_RANDOM)
        estimate = random_estimate(e, t, team);
    else
        estimate = mus_estimate(e, t, team);
    return json_put(o, "estimate", estimate) && json_put(o, "agreement", agreement_json(e, t)) &&
           json_put(o, "errors", errors_json(t));
}

static json_t *team_json(struct evaluation *e, int32_t team)
{
    const struct tally *t = &e->team[team];
    json_t *o = json_object();
    if (o != NULL && json_put(o, "team", json_string(e->f->team[team])) && json_put(o, "rows", json_integer(t->rows)) &&
        json_put(o, "pence", json_integer(t->pence)) && put_tally(e, o, team, t))
        return o;
    json_decref(o);
    return NULL;
}

/* Teams with picks, by name. */
static json_t *teams_json(struct evaluation *e)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (int32_t i = 0; good && i < e->f->teams; i++) {
        int32_t team = e->f->by_name[i];
        if (e->team[team].picks > 0)
            good = json_array_append_new(list, team_json(e, team)) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *population_json(const struct sample *s)
{
    const struct sample_population *p = &s->population;
    json_t *o = json_object();
    if (o != NULL && json_put(o, "rows", json_integer(p->rows)) && json_put(o, "pence", json_integer(p->pence)) &&
        json_put(o, "reached_rows", json_integer(p->reached_rows)) &&
        json_put(o, "reached_pence", json_integer(p->reached_pence)) &&
        json_put(o, "zero_rows", json_integer(p->zero_rows)) &&
        json_put(o, "negative_rows", json_integer(p->negative_rows)) &&
        json_put(o, "negative_pence", json_integer(p->negative_pence)))
        return o;
    json_decref(o);
    return NULL;
}

static bool add_note(json_t *notes, bool is_so, const char *code)
{
    return !is_so || json_array_append_new(notes, json_string(code)) == 0;
}

static json_t *notes_json(const struct evaluation *e)
{
    const struct sample *s = e->s;
    bool few_rows = s->method == SAMPLE_RANDOM && s->size < SAMPLE_RANGE_FROM && s->size < s->population.rows;
    json_t *notes = json_array();
    if (notes != NULL && add_note(notes, !e->complete, "not_all_examined") &&
        add_note(notes, e->complete && few_rows, "few_rows") && add_note(notes, e->few_errors, "few_errors") &&
        add_note(notes, e->complete && s->method == SAMPLE_MUS && is_beyond(e, ALL_TEAMS),
                 "understated_beyond_value") &&
        add_note(notes, s->method == SAMPLE_MUS && s->population.reached_rows < s->population.rows, "rows_not_reached"))
        return notes;
    json_decref(notes);
    return NULL;
}

static bool put_heading(const struct evaluation *e, json_t *o)
{
    const struct sample *s = e->s;
    char seed[2 * SAMPLE_SEED + 1];
    hex_encode(s->seed, SAMPLE_SEED, seed);
    return json_put(o, "@purpose", json_string("reckoner/sample-result/1")) &&
           json_put(o, "statement", json_string(e->context->statement)) && json_put(o, "seed", json_string(seed)) &&
           json_put(o, "nonce", json_string(e->context->nonce)) &&
           json_put(o, "method", json_string(sample_method_name(s->method))) &&
           json_put(o, "size", json_integer(s->size)) &&
           json_put(o, "confidence", json_integer(e->context->confidence)) &&
           json_put(o, "interval_pence",
                    s->method == SAMPLE_MUS ? json_integer(s->population.reached_pence / s->size) : json_null()) &&
           json_put(o, "population", population_json(s));
}

static json_t *result_json(struct evaluation *e)
{
    json_t *o = json_object();
    if (o != NULL && put_heading(e, o) && put_tally(e, o, ALL_TEAMS, &e->all) &&
        json_put(o, "by_team", teams_json(e)) && json_put(o, "notes", notes_json(e)))
        return o;
    json_decref(o);
    return NULL;
}

/* The most factors that any bound asks for. */
static int32_t most_errors(const struct evaluation *e)
{
    int32_t most = 0;
    int32_t disagreed = 0;
    for (int32_t i = 0; i < e->s->count; i++) {
        most += error_of(e, i) != 0;
        disagreed += e->found[i].judgement.compared && !e->found[i].agreed ? e->s->pick[i].hits : 0;
    }
    return most > disagreed ? most : disagreed;
}

static bool within_limits(const struct evaluation *e)
{
    for (int32_t i = 0; i < e->s->count; i++) {
        if (e->found[i].judgement.examined &&
            (e->found[i].pence > SAMPLE_ROW_PENCE_MAX || e->found[i].pence < -SAMPLE_ROW_PENCE_MAX))
            return false;
    }
    return true;
}

json_t *sample_result(const struct sample *s, const struct sample_frame *f, const struct sample_found *found,
                      const struct sample_context *context)
{
    struct evaluation e = {.s = s, .f = f, .found = found, .context = context, .complete = true};
    for (int32_t i = 0; i < s->count; i++)
        e.complete = e.complete && found[i].judgement.examined;
    int32_t errors = most_errors(&e);
    json_t *result = NULL;
    e.factor = malloc(((size_t)errors + 1) * sizeof *e.factor);
    e.part = malloc(((size_t)s->count + 1) * sizeof *e.part);
    e.team = calloc((size_t)f->teams + 1, sizeof *e.team);
    if (e.factor != NULL && e.part != NULL && e.team != NULL && within_limits(&e)) {
        tally_all(&e);
        sample_poisson_factors(context->confidence, errors, e.factor);
        result = result_json(&e);
    }
    free(e.factor);
    free(e.part);
    free(e.team);
    return result;
}
