#include "store/tally.h"

#include "worker/kept_tags.h"
#include "worker/tally_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_AT_ONCE 512 /* between two looks at the lease */

struct tally *tally_new(struct worker *w, const struct submission *s)
{
    struct tally *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->w = w;
    t->s = s;
    t->rows = journal_new(w->config->spool_dir);
    if (t->rows)
        return t;
    free(t);
    return NULL;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    journal_free(t->rows);
    free(t->rules);
    free(t);
}

bool tally_add(struct tally *t, const struct episode *row, bool known, int64_t pence)
{
    struct tally_row r;
    memset(&r, 0, sizeof r);
    r.pence = known ? pence : 0;
    r.row_no = row->row_no;
    r.known = known;
    memcpy(r.commissioner, row->commissioner, sizeof r.commissioner);
    memcpy(r.cluster, row->cluster, sizeof r.cluster);
    memcpy(r.patient, row->patient, sizeof r.patient);
    t->count++;
    if (row->row_no > t->last_row)
        t->last_row = row->row_no;
    return journal_append(t->rows, &r, sizeof r);
}

bool tally_each(struct tally *t, bool (*each)(void *context, const struct tally_row *row), void *context)
{
    journal_seek(t->rows, 0);
    for (size_t i = 0; i < t->count; i++) {
        struct tally_row row;
        if (!journal_next(t->rows, &row, sizeof row)) {
            t->broken = true;
            return false;
        }
        if (t->rules[row.row_no] != 0 && !each(context, &row))
            return false;
        if (i % ROWS_AT_ONCE == 0 && atomic_load(&t->w->lost))
            return false;
    }
    return true;
}

static bool on_finding(void *context, int32_t row_no, int bit)
{
    struct tally *t = context;
    /* A finding of a row that evaluation did not see would be a fault: it has no facts to go with. */
    if (row_no < 1 || row_no > t->last_row || bit > 62)
        return false;
    t->rules[row_no] |= (uint64_t)1 << bit;
    return true;
}

struct stake_writing {
    struct tally *t;
    struct pg_copy *copy;
    struct kept_tags tags;
};

static bool write_stake(void *context, const struct tally_row *row)
{
    struct stake_writing *w = context;
    struct tally *t = w->t;
    char pseudonym[IDENT_SIZE];
    kept_tags_pseudonym(&w->tags, t->w->pseudonym_key, row->commissioner, row->patient, pseudonym);
    struct tally_stake s = {row->row_no,           row->known, row->pence, row->commissioner, row->cluster,
                            t->rules[row->row_no], pseudonym};
    tally_stake_add(w->copy, t->s->provider, t->s->no, &s);
    return true;
}

static enum pg_status write_stakes(struct tally *t)
{
    struct stake_writing w = {.t = t};
    enum pg_status status = kept_tags_load(t->w->pg, t->s->provider, month_financial_year(t->s->month), &w.tags);
    if (status == PG_OK)
        status = tally_stake_begin(t->w->pg, &w.copy);
    if (status != PG_OK) {
        kept_tags_free(&w.tags);
        return status;
    }
    bool all = tally_each(t, write_stake, &w);
    status = pg_copy_end(w.copy, NULL);
    kept_tags_free(&w.tags);
    if (all)
        return status;
    return t->broken ? PG_FAILED : PG_NONE;
}

enum pg_status tally_write(struct tally *t, int64_t evaluation, bool *broken)
{
    struct pg *pg = t->w->pg;
    t->rules = calloc((size_t)t->last_row + 1, sizeof *t->rules);
    *broken = t->rules == NULL;
    if (!t->rules)
        return PG_FAILED;
    enum pg_status status = tally_findings(pg, t->s->provider, t->s->no, evaluation, on_finding, t);
    if (status == PG_OK)
        status = tally_clear(pg, t->s->provider, t->s->no);
    if (status == PG_OK)
        status = write_stakes(t);
    if (status == PG_OK)
        status = tally_count(pg, t->s->provider, t->s->no);
    if (status == PG_OK)
        status = tally_stretches(t);
    if (status == PG_OK)
        status = tally_ranks(t);
    if (status == PG_OK)
        status = tally_practices(t);
    *broken = t->broken;
    return status;
}
