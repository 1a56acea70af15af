#include "domain/indicators.h"

#include "domain/indicators_internal.h"

#include <stdlib.h>
#include <string.h>

#define LOW_CLUSTER_LAST 4 /* of the clusters that R04 speaks of */

struct indicators *indicators_new(month_t month, const struct reference *reference)
{
    struct indicators *i = calloc(1, sizeof *i);
    if (i == NULL)
        return NULL;
    i->reference = reference;
    i->first = month_first(month);
    i->last = month_last(month);
    i->month = month;
    i->unusable = rule_set_of(RULE_K01) | rule_set_of(RULE_K02) | rule_set_of(RULE_K03) | rule_set_of(RULE_K04);
    i->undated = rule_set_of(RULE_D01) | rule_set_of(RULE_D02) | rule_set_of(RULE_D03) | rule_set_of(RULE_D04) |
                 rule_set_of(RULE_D05) | rule_set_of(RULE_D06);
    i->rated = rule_set_of(RULE_M01) | rule_set_of(RULE_M02);
    i->overdue = rule_set_of(RULE_R01) | rule_set_of(RULE_M03);
    i->must_score = rule_set_of(RULE_M06);
    i->expected = rule_set_of(RULE_M07);
    i->low_on_ward = rule_set_of(RULE_R04);
    return i;
}

void indicators_free(struct indicators *i)
{
    free(i);
}

bool indicators_too_many_services(const struct indicators *i)
{
    return i->too_many;
}

/* The place of a service in the table; INDICATOR_SERVICES, where the rest is counted, when there is no more room. */
static uint32_t service_of(struct indicators *i, struct text name)
{
    uint32_t h = 2166136261u;
    for (size_t k = 0; k < name.length; k++)
        h = (h ^ (unsigned char)name.at[k]) * 16777619u;
    for (uint32_t slot = (h ^ h >> 16) % SLOTS;; slot = (slot + 1) % SLOTS) {
        uint32_t place = i->slot[slot];
        if (place > 0) {
            const struct figures *known = &i->service[place - 1];
            if (known->name_length == name.length && memcmp(known->name, name.at, name.length) == 0)
                return place - 1;
            continue;
        }
        if (i->service_count == INDICATOR_SERVICES || name.length >= sizeof i->service[0].name) {
            i->too_many = true;
            return INDICATOR_SERVICES;
        }
        i->service[i->service_count].name_length = name.length;
        memcpy(i->service[i->service_count].name, name.at, name.length);
        i->slot[slot] = (uint16_t)++i->service_count;
        return i->service_count - 1;
    }
}

static void count(struct figures *f, enum indicator_id id, int64_t numerator, int64_t denominator)
{
    f->pair[id].numerator += numerator;
    f->pair[id].denominator += denominator;
}

static bool is_cluster(const struct indicators *i, int cluster)
{
    return cluster >= 0 && cluster < CLUSTER_COUNT && i->reference->clusters[cluster].exists;
}

/* What a row adds to the figures of its service. */
static void add_to(const struct indicators *i, struct figures *f, const struct row_facts *r)
{
    const struct episode_row *e = r->row;
    count(f, INDICATOR_UNKNOWN_RATINGS, r->ratings_unknown, r->ratings);
    if (r->cluster >= 0 && is_cluster(i, e->cluster_initial))
        count(f, INDICATOR_OVERRIDES, e->cluster_initial != r->cluster, 1);
    if (!r->care)
        return;
    count(f, INDICATOR_CLUSTER_00, r->cluster == 0, 1);
    if (r->open)
        count(f, INDICATOR_WITHIN_REVIEW, r->within_review, 1);
    count(f, INDICATOR_GRID_MUST, (r->failed & i->must_score) != 0, 1);
    count(f, INDICATOR_GRID_EXPECTED, (r->failed & i->expected) != 0, 1);
    if (r->cluster >= 1 && r->cluster <= LOW_CLUSTER_LAST && r->admitted > 0)
        count(f, INDICATOR_LOW_ON_WARD, (r->failed & i->low_on_ward) != 0, 1);
    f->days[r->cluster] += r->days;
    const struct reference_price *price = &i->reference->prices[r->cluster];
    if (price->known)
        count(f, INDICATOR_MEAN_PRICE, r->days * price->pence_per_day, r->days);
}

static void add_to_cluster(struct indicators *i, const struct row_facts *r)
{
    struct cluster_figures *c = &i->cluster[r->cluster];
    c->episodes++;
    c->days += r->days;
    c->admitted_days += r->admitted;
    if (r->days > 0)
        c->value[r->days - r->admitted][r->admitted]++;
    if (r->row->end != DATE_NONE) {
        int32_t length = r->row->end - r->row->start;
        c->length[length < INDICATOR_LENGTH_MAXIMUM ? length : INDICATOR_LENGTH_MAXIMUM]++;
    }
}

/* Rows that fail neither M01 nor M02 need no counting: all ratings are there and known. */
static void count_ratings(const struct episode_row *e, struct row_facts *r)
{
    r->ratings = 0;
    for (int k = 0; k < RATING_COUNT; k++) {
        r->ratings += e->rating[k] >= 0;
        r->ratings_unknown += e->rating[k] == 9;
    }
}

static void read_row(const struct indicators *i, const struct checked_row *row, struct row_facts *r)
{
    const struct episode_row *e = row->row;
    memset(r, 0, sizeof *r);
    r->row = e;
    r->failed = row->failed;
    r->cluster = (row->failed & i->unusable) == 0 && is_cluster(i, e->cluster) ? e->cluster : CLUSTER_NONE;
    r->care = r->cluster >= 0 && (row->failed & i->undated) == 0 && !e->assessment_only && e->start != DATE_NONE;
    r->ratings = RATING_COUNT;
    if ((row->failed & i->rated) != 0)
        count_ratings(e, r);
    if (!r->care)
        return;
    r->open = e->end == DATE_NONE || e->end > i->last;
    r->within_review = (row->failed & i->overdue) == 0 && e->mhct != DATE_NONE;
    r->days = cluster_days(e->start, e->end, i->month);
    r->admitted = e->admitted_days > 0 ? e->admitted_days : 0;
    if (r->admitted > r->days)
        r->admitted = r->days;
}

uint32_t indicators_add(struct indicators *i, const struct checked_row *row)
{
    struct row_facts r;
    read_row(i, row, &r);
    uint32_t service = service_of(i, row->row->service);
    add_to(i, &i->service[service], &r);
    if (r.care)
        add_to_cluster(i, &r);
    return service | (r.care ? TAG_CARE | (uint32_t)r.cluster << TAG_CLUSTER_SHIFT : 0) |
           (row->row->discharge_mhct != DATE_NONE ? TAG_DISCHARGE_MHCT : 0);
}

static int tag_cluster(uint32_t tag)
{
    return (int)(tag >> TAG_CLUSTER_SHIFT & TAG_CLUSTER_MASK);
}

void indicators_patient(struct indicators *i, const struct cross_row *rows, size_t number)
{
    const struct cross_row *last = NULL;
    bool clustered = false, open = false, mhct = false;
    for (size_t k = 0; k < number; k++) {
        const struct cross_row *r = &rows[k];
        mhct = mhct || (r->tag & TAG_DISCHARGE_MHCT) != 0;
        if ((r->tag & TAG_CARE) == 0)
            continue;
        open = open || r->end == DATE_NONE;
        clustered = clustered || ((r->end == DATE_NONE || r->end > i->last) && tag_cluster(r->tag) != 0);
        last = r;
    }
    i->clustered += clustered;
    if (last != NULL && !open)
        count(&i->service[last->tag & TAG_SERVICE_MASK], INDICATOR_DISCHARGE_MHCT, mhct, 1);
}

void indicators_moves(struct indicators *i, struct text name, int64_t up, int64_t down)
{
    count(&i->service[service_of(i, name)], INDICATOR_TRANSITIONS, up, down);
}

void indicators_whole(const struct indicators *i, struct figures *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t s = 0; s <= INDICATOR_SERVICES; s++) {
        const struct figures *f = &i->service[s];
        for (int id = 0; id < INDICATOR_COUNT; id++)
            count(out, (enum indicator_id)id, f->pair[id].numerator, f->pair[id].denominator);
        for (int c = 0; c < CLUSTER_COUNT; c++)
            out->days[c] += f->days[c];
    }
    out->pair[INDICATOR_CASELOAD_CLUSTERED].numerator = i->clustered;
}
