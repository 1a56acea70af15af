#include "worker/settlement_statistics.h"

#include "domain/payability.h"
#include "store/episode.h"

#include <stdlib.h>
#include <string.h>

/* How often a scan looks whether its job was lost, in rows. */
#define LOOK_EVERY 4096

void month_statistics_free(struct month_statistics *m)
{
    statistics_free(&m->own);
    for (size_t i = 0; i < m->other_count; i++)
        statistics_free(&m->others[i]);
    free(m->others);
    free(m->other_list);
    memset(m, 0, sizeof *m);
}

/* Rows on their way into statistics, as the terms leave them. */
struct reading {
    const struct statistics_question *question;
    struct payability *payability;
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
    bool own = strcmp(e->commissioner, r->question->commissioner) == 0;
    if ((!own && !statistics_is_candidate(r->question->month, e)) || !payability_reduce(r->payability, &row))
        return true;
    return statistics_builder_add(own ? r->own : r->others, &row, 1) == STATISTICS_ADDED;
}

static bool keep(struct reading *r, struct month_statistics *out)
{
    out->others = calloc(1, sizeof *out->others);
    out->other_list = calloc(1, sizeof *out->other_list);
    if (out->others == NULL || out->other_list == NULL || !statistics_builder_make(r->own, &out->own) ||
        !statistics_builder_make(r->others, &out->others[0])) {
        month_statistics_free(out);
        return false;
    }
    out->other_list[0] = &out->others[0];
    out->other_count = 1;
    return true;
}

static enum statistics_loaded from_rows(struct pg *pg, struct reading *r, uint32_t parts, struct month_statistics *out,
                                        enum pg_status *status)
{
    const struct statistics_question *q = r->question;
    bool assessments = (parts & UINT32_C(1) << STATISTICS_PART_CANDIDATES) != 0;
    r->payability = payability_new(q->terms, q->reviews, q->commissioner, q->month);
    r->own = statistics_builder_new(q->month, false);
    r->others = statistics_builder_new(q->month, false);
    if (r->payability == NULL || r->own == NULL || r->others == NULL)
        return STATISTICS_OUT_OF_MEMORY;
    *status = episode_scan(pg, q->provider, q->submission, assessments ? NULL : q->commissioner, read_row, r);
    if (r->lost)
        return STATISTICS_LOST;
    if (*status == PG_INVALID)
        return STATISTICS_OUT_OF_MEMORY;
    if (*status != PG_OK)
        return STATISTICS_STORE;
    return keep(r, out) ? STATISTICS_LOADED : STATISTICS_OUT_OF_MEMORY;
}

enum statistics_loaded month_statistics_load(struct pg *pg, const struct statistics_question *q,
                                             struct month_statistics *out, enum pg_status *status)
{
    struct reading r = {.question = q};
    uint32_t parts;
    memset(out, 0, sizeof *out);
    if (!activity_parts(q->terms, q->commissioner, q->month, &parts))
        return STATISTICS_OUT_OF_MEMORY;
    enum statistics_loaded loaded = from_rows(pg, &r, parts, out, status);
    payability_free(r.payability);
    statistics_builder_free(r.own);
    statistics_builder_free(r.others);
    return loaded;
}
