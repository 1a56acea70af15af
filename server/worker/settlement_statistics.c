#include "worker/settlement_statistics.h"

#include "domain/claiming.h"
#include "domain/payability.h"
#include "store/episode.h"
#include "store/statistics.h"

#include <stdlib.h>
#include <string.h>

/* How often a scan looks whether its job was lost, in rows. */
#define LOOK_EVERY 4096
/* Marks of a row that does not claim: where no rule is an ERROR, it is its price that it lacks. */
#define EVERY_RULE (~(rule_set_t)0)

void month_statistics_free(struct month_statistics *m)
{
    statistics_free(&m->own);
    for (size_t i = 0; i < m->other_count; i++)
        statistics_free(&m->others[i]);
    free(m->others);
    free(m->other_list);
    memset(m, 0, sizeof *m);
}

/* Takes over what is in *s. */
static bool keep_other(struct month_statistics *m, struct statistics *s)
{
    struct statistics *others = reallocarray(m->others, m->other_count + 1, sizeof *others);
    if (others == NULL)
        return false;
    m->others = others;
    others[m->other_count++] = *s;
    memset(s, 0, sizeof *s);
    return true;
}

static bool list_others(struct month_statistics *m)
{
    m->other_list = calloc(m->other_count + 1, sizeof(void *));
    for (size_t i = 0; m->other_list != NULL && i < m->other_count; i++)
        m->other_list[i] = &m->others[i];
    return m->other_list != NULL;
}

/* From the rows, as the terms leave them. */
struct reading {
    const struct statistics_question *question;
    const struct statistics_month *month;
    struct payability *payability;
    struct claiming *claiming;
    struct statistics_builder *own;
    struct statistics_builder *others;
    uint32_t rows;
    bool lost;
};

static bool read_row(void *context, const struct episode *e)
{
    struct reading *r = context;
    struct episode row = *e;
    if (++r->rows % LOOK_EVERY == 0 && r->question->lost != NULL && atomic_load(r->question->lost)) {
        r->lost = true;
        return false;
    }
    bool candidate = statistics_is_candidate(r->month->month, e);
    if (strcmp(e->commissioner, r->question->commissioner) == 0) {
        /* What the account has no price for may have a claim all the same. */
        bool kept = payability_reduce(r->payability, &row) || (candidate && claiming_reduce(r->claiming, &row));
        return !kept || statistics_builder_add(r->own, &row, 1) == STATISTICS_ADDED;
    }
    if (!candidate)
        return true;
    if (!claiming_reduce(r->claiming, &row))
        row.failed = EVERY_RULE;
    return statistics_builder_add(r->others, &row, 1) == STATISTICS_ADDED;
}

static bool keep_rows(const struct reading *r, struct month_statistics *out)
{
    struct statistics others;
    if (!statistics_builder_make(r->own, &out->own) || !statistics_builder_make(r->others, &others))
        return false;
    out->loaded = keep_other(out, &others) && list_others(out);
    statistics_free(&others);
    return out->loaded;
}

static enum statistics_loaded scan_rows(struct pg *pg, struct reading *r, uint32_t parts, struct month_statistics *out,
                                        enum pg_status *status)
{
    const struct statistics_question *q = r->question;
    bool assessments = (parts & UINT32_C(1) << STATISTICS_PART_CANDIDATES) != 0;
    r->payability = payability_new(r->month->terms, r->month->reviews, q->commissioner, r->month->month);
    r->claiming = claiming_new(r->month->terms, r->month->reviews, r->month->month);
    r->own = statistics_builder_new(r->month->month, false);
    r->others = statistics_builder_new(r->month->month, false);
    if (r->payability == NULL || r->claiming == NULL || r->own == NULL || r->others == NULL)
        return STATISTICS_OUT_OF_MEMORY;
    *status = episode_scan(pg, q->provider, r->month->submission, assessments ? NULL : q->commissioner, read_row, r);
    if (r->lost)
        return STATISTICS_LOST;
    if (*status == PG_INVALID)
        return STATISTICS_OUT_OF_MEMORY;
    if (*status != PG_OK)
        return STATISTICS_STORE;
    return keep_rows(r, out) ? STATISTICS_LOADED : STATISTICS_OUT_OF_MEMORY;
}

static enum statistics_loaded from_rows(struct pg *pg, const struct statistics_question *q, size_t i, uint32_t parts,
                                        struct month_statistics *out, enum pg_status *status)
{
    struct reading r = {.question = q, .month = &q->months[i]};
    enum statistics_loaded loaded = scan_rows(pg, &r, parts, out, status);
    payability_free(r.payability);
    claiming_free(r.claiming);
    statistics_builder_free(r.own);
    statistics_builder_free(r.others);
    return loaded;
}

/* As they are stored. */
struct stored {
    const struct statistics_question *question;
    const size_t *month_of; /* of each place asked for */
    struct month_statistics *out;
    enum statistics_loaded outcome;
};

static bool take_found(void *context, const struct statistics_found *found)
{
    struct stored *x = context;
    size_t i = x->month_of[found->place];
    struct month_statistics *m = &x->out[i];
    struct statistics made;
    m->loaded = true;
    if (m->own.parts == 0) /* until its rows are found: of no row */
        m->own = (struct statistics){.month = x->question->months[i].month, .parts = (1U << STATISTICS_PARTS) - 1};
    if (found->commissioner == NULL)
        return true;
    enum statistics_decoded decoded = statistics_decode(found->part, &made);
    if (decoded != STATISTICS_DECODED) {
        x->outcome = decoded == STATISTICS_DAMAGED ? STATISTICS_BROKEN : STATISTICS_OUT_OF_MEMORY;
        return false;
    }
    if (made.month != x->question->months[i].month) {
        statistics_free(&made);
        x->outcome = STATISTICS_BROKEN;
        return false;
    }
    if (strcmp(found->commissioner, x->question->commissioner) == 0) {
        m->own = made;
        return true;
    }
    x->outcome = keep_other(m, &made) ? STATISTICS_LOADED : STATISTICS_OUT_OF_MEMORY;
    statistics_free(&made);
    return x->outcome == STATISTICS_LOADED;
}

enum statistics_loaded month_statistics_load(struct pg *pg, const struct statistics_question *q,
                                             struct month_statistics *out, enum pg_status *status)
{
    struct statistics_wanted wanted[TERMS_MONTHS];
    uint32_t parts[TERMS_MONTHS] = {0};
    size_t month_of[TERMS_MONTHS];
    size_t asked = 0;
    struct stored stored = {q, month_of, out, STATISTICS_LOADED};
    for (size_t i = 0; i < q->count; i++) {
        const struct statistics_month *m = &q->months[i];
        if (!activity_parts(m->terms, q->commissioner, m->month, &parts[i]))
            return STATISTICS_OUT_OF_MEMORY;
        if (payability_looks_at_each_row(m->terms))
            continue;
        wanted[asked] = (struct statistics_wanted){m->submission, parts[i]};
        month_of[asked++] = i;
    }
    *status =
        asked == 0 ? PG_OK : statistics_each(pg, q->provider, q->commissioner, wanted, asked, take_found, &stored);
    if (stored.outcome != STATISTICS_LOADED)
        return stored.outcome;
    if (*status != PG_OK)
        return STATISTICS_STORE;
    for (size_t i = 0; i < q->count; i++) {
        if (out[i].loaded && !list_others(&out[i]))
            return STATISTICS_OUT_OF_MEMORY;
        enum statistics_loaded loaded =
            out[i].loaded ? STATISTICS_LOADED : from_rows(pg, q, i, parts[i], &out[i], status);
        if (loaded != STATISTICS_LOADED)
            return loaded;
    }
    return STATISTICS_LOADED;
}
