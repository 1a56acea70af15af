#include "domain/suppression.h"

#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

/* A table with its sums is a network: a node for each row and each column (those of the sums too), an edge for each
 * count, and in every node the counts add up to the sum, that is to 0 when the sum is taken negative. Values that agree
 * with what is shown differ by cycles of hidden edges. So a hidden count can have another value just when it lies on a
 * cycle along which every count may go one up or down: up always, down while something is left (a hidden count is not
 * 0). The search looks for the cheapest such cycle, where hidden counts cost nothing. */
struct edge {
    int64_t count;
    int from; /* node of the row */
    int to;   /* node of the column */
    bool sum; /* taken negative: passed forwards it goes down */
    bool fixed;
};

struct network {
    struct edge *edges;
    size_t edge_count;
    int nodes;
    size_t *first; /* by node, and one more: where its edges begin in `at` */
    size_t *at;
    int64_t *distance; /* by node; -1: not reached */
    size_t *through;   /* by node: the edge it was reached by */
    bool *settled;
    bool *hidden; /* by edge; the caller's */
};

bool suppression_is_small(int64_t count)
{
    return count > 0 && count < SUPPRESSION_BELOW;
}

static void network_free(struct network *n)
{
    free(n->edges);
    free(n->first);
    free(n->at);
    free(n->distance);
    free(n->through);
    free(n->settled);
}

static bool network_init(struct network *n, size_t edges, int nodes, bool *hidden)
{
    memset(n, 0, sizeof *n);
    n->edge_count = edges;
    n->nodes = nodes;
    n->hidden = hidden;
    size_t places = (size_t)nodes + 1;
    n->edges = calloc(edges, sizeof *n->edges);
    n->first = calloc(places, sizeof *n->first);
    n->at = calloc(2 * edges, sizeof *n->at);
    n->distance = calloc(places, sizeof *n->distance);
    n->through = calloc(places, sizeof *n->through);
    n->settled = calloc(places, sizeof *n->settled);
    return n->edges && n->first && n->at && n->distance && n->through && n->settled;
}

/* Which edges meet in which node. */
static void network_join(struct network *n)
{
    for (size_t i = 0; i < n->edge_count; i++) {
        n->first[n->edges[i].from + 1]++;
        n->first[n->edges[i].to + 1]++;
    }
    for (int v = 0; v < n->nodes; v++)
        n->first[v + 1] += n->first[v];
    /* Filled from the start of each node's part; the starts move on and are put back. */
    for (size_t i = 0; i < n->edge_count; i++) {
        n->at[n->first[n->edges[i].from]++] = i;
        n->at[n->first[n->edges[i].to]++] = i;
    }
    for (int v = n->nodes; v > 0; v--)
        n->first[v] = n->first[v - 1];
    n->first[0] = 0;
}

/* May the count change when its edge is passed this way? */
static bool passable(const struct edge *e, bool forwards)
{
    bool up = forwards != e->sum;
    return e->count > 1 || (e->count == 1 && up);
}

/* What it costs to have the edge in a cycle; -1: it cannot be. */
static int64_t cost(const struct network *n, size_t edge, bool forwards)
{
    const struct edge *e = &n->edges[edge];
    if (!passable(e, forwards) || (e->fixed && !n->hidden[edge]))
        return -1;
    return n->hidden[edge] ? 0 : e->count;
}

static int nearest(const struct network *n)
{
    int best = -1;
    for (int v = 0; v < n->nodes; v++) {
        if (!n->settled[v] && n->distance[v] >= 0 && (best < 0 || n->distance[v] < n->distance[best]))
            best = v;
    }
    return best;
}

/* Cheapest way from one node to another that does not pass the edge `but`. false: there is none. */
static bool search(struct network *n, int start, int goal, size_t but)
{
    for (int v = 0; v < n->nodes; v++) {
        n->distance[v] = -1;
        n->settled[v] = false;
    }
    n->distance[start] = 0;
    for (int v = nearest(n); v >= 0 && v != goal; v = nearest(n)) {
        n->settled[v] = true;
        for (size_t k = n->first[v]; k < n->first[v + 1]; k++) {
            size_t edge = n->at[k];
            bool forwards = n->edges[edge].from == v;
            int next = forwards ? n->edges[edge].to : n->edges[edge].from;
            int64_t price = edge == but || n->settled[next] ? -1 : cost(n, edge, forwards);
            int64_t all = 0;
            if (price < 0 || !money_add(n->distance[v], price, &all))
                continue;
            if (n->distance[next] < 0 || all < n->distance[next]) {
                n->distance[next] = all;
                n->through[next] = edge;
            }
        }
    }
    return n->distance[goal] >= 0;
}

/* Hides the edges of the way that search found. */
static void hide_way(struct network *n, int start, int goal)
{
    for (int v = goal; v != start;) {
        const struct edge *e = &n->edges[n->through[v]];
        n->hidden[n->through[v]] = true;
        v = e->from == v ? e->to : e->from;
    }
}

/* Cost of the cheapest cycle that passes the edge this way; -1: there is none. */
static int64_t cycle(struct network *n, size_t edge, bool forwards)
{
    const struct edge *e = &n->edges[edge];
    int start = forwards ? e->to : e->from;
    int goal = forwards ? e->from : e->to;
    return passable(e, forwards) && search(n, start, goal, edge) ? n->distance[goal] : -1;
}

/* Hides what it takes for one hidden count to have another value. What is hidden later does not undo it. */
static bool protect(struct network *n, size_t edge)
{
    int64_t up = cycle(n, edge, true);
    int64_t down = up == 0 ? -1 : cycle(n, edge, false);
    if (up < 0 && down < 0)
        return false;
    bool forwards = up >= 0 && (down < 0 || up <= down);
    const struct edge *e = &n->edges[edge];
    if ((forwards ? up : down) > 0) {
        (void)cycle(n, edge, forwards);
        hide_way(n, forwards ? e->to : e->from, forwards ? e->from : e->to);
    }
    return true;
}

static enum suppression suppress(struct network *n)
{
    network_join(n);
    for (size_t i = 0; i < n->edge_count; i++)
        n->hidden[i] = suppression_is_small(n->edges[i].count) && !n->edges[i].fixed;
    for (size_t i = 0; i < n->edge_count; i++) {
        if (suppression_is_small(n->edges[i].count) && !n->edges[i].fixed && !protect(n, i)) {
            for (size_t k = 0; k < n->edge_count; k++)
                n->hidden[k] = true;
            return SUPPRESSION_WITHHELD;
        }
    }
    return SUPPRESSION_DONE;
}

enum suppression suppression_list(const int64_t *counts, size_t count, bool sum_known, bool *hidden)
{
    struct network n;
    if (count >= SUPPRESSION_MAXIMUM_CELLS || !network_init(&n, count + 1, 2, hidden)) {
        if (count < SUPPRESSION_MAXIMUM_CELLS)
            network_free(&n);
        return SUPPRESSION_FAILED;
    }
    /* Two nodes: the sum's, and one where nothing must add up. */
    bool ok = true;
    int64_t sum = 0;
    for (size_t i = 0; i < count && ok; i++) {
        ok = counts[i] >= 0 && money_add(sum, counts[i], &sum);
        n.edges[i] = (struct edge){counts[i], 0, 1, false, false};
    }
    n.edges[count] = (struct edge){sum, 0, 1, true, sum_known};
    enum suppression done = ok ? suppress(&n) : SUPPRESSION_FAILED;
    network_free(&n);
    return done;
}

/* The edges of a table, with its sums. false: a count is negative, or a sum too large. */
static bool table_edges(struct network *n, const int64_t *counts, size_t rows, size_t columns, bool sums_known)
{
    size_t wide = columns + 1;
    for (size_t r = 0; r <= rows; r++) {
        for (size_t c = 0; c <= columns; c++) {
            bool one = (r == rows) != (c == columns);
            bool any = r == rows || c == columns;
            n->edges[r * wide + c] = (struct edge){0, (int)r, (int)(rows + 1 + c), one, any && sums_known};
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            int64_t count = counts[r * columns + c];
            struct edge *row = &n->edges[r * wide + columns], *column = &n->edges[rows * wide + c];
            struct edge *all = &n->edges[rows * wide + columns];
            n->edges[r * wide + c].count = count;
            if (count < 0 || !money_add(row->count, count, &row->count) ||
                !money_add(column->count, count, &column->count) || !money_add(all->count, count, &all->count))
                return false;
        }
    }
    return true;
}

enum suppression suppression_table(const int64_t *counts, size_t rows, size_t columns, bool sums_known, bool *hidden)
{
    if (rows >= SUPPRESSION_MAXIMUM_CELLS || columns >= SUPPRESSION_MAXIMUM_CELLS ||
        (rows + 1) * (columns + 1) > SUPPRESSION_MAXIMUM_CELLS)
        return SUPPRESSION_FAILED;
    struct network n;
    enum suppression done = SUPPRESSION_FAILED;
    if (network_init(&n, (rows + 1) * (columns + 1), (int)(rows + columns + 2), hidden) &&
        table_edges(&n, counts, rows, columns, sums_known))
        done = suppress(&n);
    network_free(&n);
    return done;
}
