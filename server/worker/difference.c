#include "worker/difference.h"

#include "check/spool.h"
#include "store/difference.h"
#include "store/episode.h"

#include <stdio.h>
#include <string.h>

struct comparison {
    struct worker *w;
    const struct submission *s;
    const struct appraisal *appraisal;
    struct journal *rows; /* struct difference: rows cannot be written while others are read on the same connection */
    bool spooled;
};

static void name_row(struct difference *d, const struct episode *row)
{
    (void)snprintf(d->episode_id, sizeof d->episode_id, "%s", row->episode_id);
    (void)snprintf(d->commissioner, sizeof d->commissioner, "%s", row->commissioner);
}

static bool on_pair(void *context, const struct episode *before, const struct episode *after)
{
    struct comparison *c = context;
    struct difference d;
    memset(&d, 0, sizeof d);
    d.before_known = d.after_known = true;
    if (before) {
        name_row(&d, before);
        d.against_row = before->row_no;
        d.before_known = appraisal_payable(c->appraisal, before, &d.before_pence);
    }
    if (after) {
        name_row(&d, after);
        d.row_no = after->row_no;
        d.after_known = appraisal_payable(c->appraisal, after, &d.after_pence);
    }
    if (before && after)
        difference_names(before, after, d.changed);
    c->spooled = journal_append(c->rows, &d, sizeof d);
    return c->spooled && !atomic_load(&c->w->lost);
}

static enum pg_status write_rows(struct comparison *c, int64_t against)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = difference_copy_begin(c->w->pg, &copy);
    if (status != PG_OK)
        return status;
    while (c->spooled && !journal_at_end(c->rows)) {
        struct difference d;
        c->spooled = journal_next(c->rows, &d, sizeof d);
        if (c->spooled)
            difference_copy_add(copy, c->s->provider, c->s->no, against, &d);
    }
    status = pg_copy_end(copy, NULL);
    return c->spooled ? status : PG_FAILED;
}

enum pg_status difference_write(struct worker *w, const struct submission *s, const struct appraisal *appraisal,
                                bool *spooled)
{
    struct submission against;
    enum pg_status status = difference_clear(w->pg, s->provider, s->no);
    if (status == PG_OK)
        status = submission_accepted(w->pg, s->provider, s->month, s->version, &against);
    if (status != PG_OK)
        return status == PG_NONE ? PG_OK : status; /* none before it: nothing to compare */
    struct comparison c = {w, s, appraisal, journal_new(w->config->spool_dir), true};
    c.spooled = c.rows != NULL;
    status = c.spooled ? episode_scan_changes(w->pg, s->provider, s->no, against.no, on_pair, &c) : PG_FAILED;
    if (status == PG_OK)
        status = write_rows(&c, against.no);
    journal_free(c.rows);
    if (!c.spooled)
        *spooled = false;
    return status;
}
