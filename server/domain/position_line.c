/* Lines of a position, each with how it was made. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include "base/parse.h"

#include <stdlib.h>
#include <string.h>

static struct derivation begin(const struct position_work *w, const char *operation, const char *rounding)
{
    struct derivation d = {.ok = true, .off = w->in->sums_alone};
    if (d.off) {
        return d;
    }
    d.object = json_object();
    d.inputs = json_object();
    d.ok = d.object != NULL && d.inputs != NULL && json_put(d.object, "operation", json_string(operation)) &&
           json_put(d.object, "rounding", json_string(rounding));
    return d;
}

struct derivation derive(const struct position_work *w, const char *clause, int32_t terms, const char *operation,
                         const char *rounding)
{
    struct derivation d = begin(w, operation, rounding);
    d.ok = d.off || (d.ok && json_put(d.object, "clause", json_string(clause)) &&
                     json_put(d.object, "terms", json_integer(terms)));
    return d;
}

struct derivation derive_agreed(const struct position_work *w, const char *what, int64_t number, const char *operation)
{
    struct derivation d = begin(w, operation, "none");
    d.ok = d.off || (d.ok && json_put(d.object, what, json_integer(number)));
    return d;
}

void derive_json(struct derivation *d, const char *name, json_t *value)
{
    if (d->off) {
        json_decref(value);
        return;
    }
    d->ok = d->inputs != NULL && json_put(d->inputs, name, value) && d->ok;
}

void derive_number(struct derivation *d, const char *name, int64_t value)
{
    if (!d->off) {
        derive_json(d, name, json_integer(value));
    }
}

void derive_text(struct derivation *d, const char *name, const char *value)
{
    if (!d->off) {
        derive_json(d, name, json_string(value));
    }
}

void derive_percent(struct derivation *d, const char *name, int64_t ppm)
{
    char text[32];
    if (!d->off) {
        format_percent_ppm(ppm, text);
        derive_text(d, name, text);
    }
}

static struct position_line *next_line(struct position_work *w)
{
    struct position *p = w->p;
    if (p->count == w->capacity) {
        size_t wanted = w->capacity == 0 ? 64 : w->capacity * 2;
        struct position_line *grown = realloc(p->line, wanted * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        p->line = grown;
        w->capacity = wanted;
    }
    return &p->line[p->count];
}

void position_line_free(struct position_line *line)
{
    free(line->key);
    free(line->label);
    json_decref(line->derivation);
}

static bool add_up(struct position_work *w, const struct position_line *line)
{
    struct position *p = w->p;
    return (money_add(p->subtotal[line->stage], line->pence, &p->subtotal[line->stage]) &&
            money_add(p->total, line->pence, &p->total) &&
            (!line->billable || money_add(p->billable, line->pence, &p->billable))) ||
           work_overflow(w, "the sum of the lines");
}

struct position_line *work_line(struct position_work *w, enum terms_stage stage, month_t month, const char *key,
                                const char *label, int64_t pence, struct derivation *d)
{
    struct position *p = w->p;
    struct position_line *line = next_line(w);
    bool complete = d->ok && line != NULL && (d->off || json_object_set(d->object, "inputs", d->inputs) == 0);
    json_decref(d->inputs);
    if (!complete) {
        json_decref(d->object);
        work_no_memory(w);
        return NULL;
    }
    *line = (struct position_line){.key = strdup(key),
                                   .stage = stage,
                                   .month = month,
                                   .cluster = -1,
                                   .basis = BASIS_COUNT,
                                   .price_pence = -1,
                                   .pence = pence,
                                   .label = d->off ? NULL : strdup(label),
                                   .billable = !p->shadow || stage == STAGE_BLOCK,
                                   .derivation = d->object};
    if (line->key == NULL || (!d->off && line->label == NULL)) {
        position_line_free(line);
        work_no_memory(w);
        return NULL;
    }
    p->count++;
    return add_up(w, line) ? line : NULL;
}
