#include "worker/run_trees.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

/* Adds a commissioner in its place, once. false: there are more than fit. */
static bool add(struct run_trees *t, const char *commissioner)
{
    size_t at = 0;
    while (at < t->count && strcmp(t->commissioner[at], commissioner) < 0)
        at++;
    if (at < t->count && strcmp(t->commissioner[at], commissioner) == 0)
        return true;
    if (t->count == RUN_TREES_MAX)
        return false;
    memmove(t->commissioner + at + 1, t->commissioner + at, (t->count - at) * sizeof t->commissioner[0]);
    (void)snprintf(t->commissioner[at], sizeof t->commissioner[at], "%s", commissioner);
    t->count++;
    return true;
}

static bool list(const struct settlement *s, size_t i, struct run_trees *t)
{
    const struct bridge_changes *moved = &s->rows.changes.decided;
    bool ok = add(t, s->account.commissioner);
    for (size_t k = 0; k < moved->count && ok; k++) {
        const struct row_change *c = &moved->change[k];
        if (c->month == s->month[i].month && c->is_here && !c->was_here)
            ok = add(t, c->row.commissioner);
    }
    return ok;
}

enum row_trees_status run_trees_find(const struct run_work *work, size_t i, struct run_trees *out,
                                     enum pg_status *store)
{
    const struct settlement *s = &work->settlement;
    enum row_trees_status made = ROW_TREES_MADE;
    const struct row_trees_request q = {.worker = work->worker,
                                        .provider = s->account.provider,
                                        .submission = s->submission[i].no,
                                        .month = s->submission[i].month};
    *store = PG_OK;
    out->count = 0;
    if (q.submission == 0)
        return ROW_TREES_MADE;
    if (!list(s, i, out))
        return ROW_TREES_TOO_MANY;
    for (size_t k = 0; k < out->count && made == ROW_TREES_MADE; k++) {
        struct row_tree_root tree;
        made = row_trees_root(&q, out->commissioner[k], &tree, store);
        if (made != ROW_TREES_MADE)
            break;
        hex_encode(tree.root, sizeof tree.root, out->root[k]);
        out->stated[k] = (struct statement_tree){out->commissioner[k], tree.rows, out->root[k]};
    }
    return made;
}
