#include "domain/indicators_internal.h"
#include "domain/money.h"
#include "domain/suppression.h"

#include <stdlib.h>
#include <string.h>

/* What is hidden of one indicator: three places for each service and for the provider, which comes last: the
 * numerator, the other count and their sum. */
#define PLACES 3

struct hiding {
    struct figures whole;
    size_t services;
    int64_t *counts;
    bool *of_patients; /* of the indicator at hand */
    bool *episodes;    /* of the share of cluster 00, whose denominator is every episode */
};

static const struct figures *figures_at(const struct indicators *i, const struct hiding *h, size_t at)
{
    return at < h->services ? &i->service[at] : &h->whole;
}

/* Both counts of an indicator, which the sum must not give back. */
static void split(enum indicator_id id, const struct figures *f, int64_t out[2])
{
    out[0] = f->pair[id].numerator;
    out[1] = f->pair[id].denominator;
    if (indicator_get(id)->form == INDICATOR_SHARE)
        out[1] -= out[0];
}

/* The table of an indicator by service with its sums, or the provider's counts alone. false: out of memory. */
static bool hide(const struct indicators *i, struct hiding *h, enum indicator_id id, bool *hidden)
{
    size_t rows = indicator_get(id)->by_service ? h->services : 0;
    if (rows == 0) {
        split(id, &h->whole, h->counts);
        return suppression_list(h->counts, 2, false, hidden + h->services * PLACES) != SUPPRESSION_FAILED;
    }
    for (size_t k = 0; k < rows; k++)
        split(id, &i->service[k], h->counts + 2 * k);
    return suppression_table(h->counts, rows, 2, false, hidden) != SUPPRESSION_FAILED;
}

static struct indicator_line line_of(const struct figures *f, enum indicator_id id, bool whole, const bool hidden[])
{
    struct indicator_line l = {.whole = whole, .service = f->name, .id = id};
    bool share = indicator_get(id)->form == INDICATOR_SHARE;
    l.numerator_hidden = hidden[0];
    l.denominator_hidden = hidden[share ? 2 : 1];
    l.numerator = l.numerator_hidden ? 0 : f->pair[id].numerator;
    l.denominator = l.denominator_hidden ? 0 : f->pair[id].denominator;
    return l;
}

/* Days, ratings and prices are no patients; they hang on the episodes that they belong to. */
static void hide_with_episodes(const struct hiding *h, size_t at, bool hidden[PLACES])
{
    for (int k = 0; k < PLACES; k++)
        hidden[k] = h->episodes[at * PLACES + 2];
}

/* The caseload is known elsewhere (the header is shown with the submission). More clustered patients than it says are
 * told as they are. */
static bool caseload_line(const struct indicators *i, int64_t caseload, struct indicator_line *out)
{
    int64_t clustered = i->clustered;
    int64_t counts[2] = {clustered, caseload > clustered ? caseload - clustered : 0};
    bool hidden[PLACES];
    *out = (struct indicator_line){.whole = true, .service = "", .id = INDICATOR_CASELOAD_CLUSTERED};
    if (suppression_list(counts, 2, caseload >= 0, hidden) == SUPPRESSION_FAILED)
        return false;
    out->numerator_hidden = hidden[0] || suppression_is_small(clustered);
    out->numerator = out->numerator_hidden ? 0 : clustered;
    out->denominator = caseload;
    return true;
}

static bool indicator_out(const struct indicators *i, struct hiding *h, enum indicator_id id,
                          bool (*each)(void *context, const struct indicator_line *line), void *context)
{
    const struct indicator *what = indicator_get(id);
    if (what->counts_patients && !hide(i, h, id, h->of_patients))
        return false;
    for (size_t at = what->by_service ? 0 : h->services; at <= h->services; at++) {
        bool alone[PLACES];
        const bool *hidden = h->of_patients + at * PLACES;
        if (!what->counts_patients) {
            hide_with_episodes(h, at, alone);
            hidden = alone;
        }
        struct indicator_line l = line_of(figures_at(i, h, at), id, at == h->services, hidden);
        if (!each(context, &l))
            return false;
    }
    return true;
}

bool indicators_lines(const struct indicators *i, int64_t caseload,
                      bool (*each)(void *context, const struct indicator_line *line), void *context)
{
    struct hiding h = {.services = i->too_many ? 0 : i->service_count};
    indicators_whole(i, &h.whole);
    h.counts = calloc(h.services + 1, 2 * sizeof *h.counts);
    h.of_patients = calloc(h.services + 1, PLACES * sizeof *h.of_patients);
    h.episodes = calloc(h.services + 1, PLACES * sizeof *h.episodes);
    bool ok = h.counts != NULL && h.of_patients != NULL && h.episodes != NULL &&
              hide(i, &h, INDICATOR_CLUSTER_00, h.episodes);
    for (int id = 0; id < INDICATOR_COUNT && ok; id++) {
        struct indicator_line l;
        if (!indicator_get((enum indicator_id)id)->counted)
            continue;
        if (id == INDICATOR_CASELOAD_CLUSTERED)
            ok = caseload_line(i, caseload, &l) && each(context, &l);
        else
            ok = indicator_out(i, &h, (enum indicator_id)id, each, context);
    }
    free(h.counts);
    free(h.of_patients);
    free(h.episodes);
    return ok;
}

/* Rank of a quarter among `total` numbers in order: nearest rank, from 1. */
static int64_t rank_of(int64_t total, int quarter)
{
    return (total * quarter + 3) / 4;
}

struct bin {
    int64_t number;
    int64_t count;
};

/* Bins in ascending order of their numbers. */
static struct quartiles quartiles_of(const struct bin *bins, size_t count)
{
    struct quartiles q = {false, 0, 0, 0};
    int64_t *out[3] = {&q.lower, &q.median, &q.upper};
    int64_t total = 0, seen = 0;
    for (size_t k = 0; k < count; k++)
        total += bins[k].count;
    q.known = total >= SUPPRESSION_BELOW;
    if (!q.known)
        return q;
    int quarter = 1;
    for (size_t k = 0; k < count && quarter <= 3; k++) {
        seen += bins[k].count;
        for (; quarter <= 3 && seen >= rank_of(total, quarter); quarter++)
            *out[quarter - 1] = bins[k].number;
    }
    return q;
}

static int by_number(const void *a, const void *b)
{
    const struct bin *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static struct quartiles value_quartiles(const struct cluster_figures *c, const struct reference_price *price,
                                        struct bin *bins)
{
    size_t count = 0;
    if (!price->known)
        return (struct quartiles){false, 0, 0, 0};
    for (int other = 0; other < 32; other++) {
        for (int ward = 0; ward + other < 32; ward++) {
            if (c->value[other][ward] > 0)
                bins[count++] = (struct bin){other * price->pence_per_day + ward * price->ward_pence_per_day,
                                             c->value[other][ward]};
        }
    }
    qsort(bins, count, sizeof *bins, by_number);
    return quartiles_of(bins, count);
}

static struct quartiles length_quartiles(const struct cluster_figures *c, struct bin *bins)
{
    for (int days = 0; days <= INDICATOR_LENGTH_MAXIMUM; days++)
        bins[days] = (struct bin){days, c->length[days]};
    return quartiles_of(bins, INDICATOR_LENGTH_MAXIMUM + 1);
}

/* Cluster 00 stands in the provider's lines as the numerator of its share: it is hidden there and here alike. The sum
 * of the others is known from there. */
static bool hide_clusters(const struct indicators *i, bool hidden[CLUSTER_COUNT + 1])
{
    int64_t counts[CLUSTER_COUNT];
    int64_t share[2];
    bool of_00[PLACES];
    bool others[CLUSTER_COUNT];
    for (int c = 0; c < CLUSTER_COUNT; c++)
        counts[c] = i->cluster[c].episodes;
    struct figures whole;
    indicators_whole(i, &whole);
    split(INDICATOR_CLUSTER_00, &whole, share);
    if (suppression_list(share, 2, false, of_00) == SUPPRESSION_FAILED ||
        suppression_list(counts + 1, CLUSTER_COUNT - 1, true, others) == SUPPRESSION_FAILED)
        return false;
    hidden[0] = of_00[0];
    memcpy(hidden + 1, others, CLUSTER_COUNT - 1);
    return true;
}

bool indicators_clusters(const struct indicators *i, bool (*each)(void *context, const struct indicator_cluster *c),
                         void *context)
{
    bool hidden[CLUSTER_COUNT + 1];
    struct bin *bins = calloc(INDICATOR_LENGTH_MAXIMUM + 1, sizeof *bins);
    bool ok = bins != NULL && hide_clusters(i, hidden);
    for (int c = 0; c < CLUSTER_COUNT && ok; c++) {
        const struct cluster_figures *f = &i->cluster[c];
        struct indicator_cluster out = {.cluster = c, .hidden = hidden[c]};
        if (f->episodes == 0)
            continue;
        if (!out.hidden) {
            out.episodes = f->episodes;
            out.days = f->days;
            out.admitted_days = f->admitted_days;
            out.length = length_quartiles(f, bins);
            out.value = value_quartiles(f, &i->reference->prices[c], bins);
        }
        ok = each(context, &out);
    }
    free(bins);
    return ok;
}

bool indicators_days(const struct indicators *i,
                     bool (*each)(void *context, bool whole, const char *service, int cluster, int64_t days),
                     void *context)
{
    struct hiding h = {.services = i->too_many ? 0 : i->service_count};
    indicators_whole(i, &h.whole);
    for (size_t at = 0; at <= h.services; at++) {
        const struct figures *f = figures_at(i, &h, at);
        for (int c = 0; c < CLUSTER_COUNT; c++) {
            if (f->days[c] > 0 && !each(context, at == h.services, f->name, c, f->days[c]))
                return false;
        }
    }
    return true;
}
