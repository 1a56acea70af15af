/* Which rows earn no assessment because a row of another commissioner claims it first. The bundle may not hold those
 * rows, nor episode ids, which decide between rows of one day: it states what came of them. */
#include "worker/bundle.h"

#include "domain/claiming.h"
#include "domain/statistics_internal.h"
#include "store/episode.h"

#include <stdlib.h>
#include <string.h>

struct claim {
    uint8_t patient[16];
    char episode_id[EPISODE_ID_SIZE];
    date_t referral;
    date_t mhct_date;
    month_t month;
    int32_t row;
    bool other;  /* of a row that is not in the bundle */
    bool claims; /* as it was sent */
};

struct claims_reading {
    struct bundle_job *b;
    size_t month; /* place in the year */
    struct claiming *claiming;
    struct claim *claim;
    size_t count;
    size_t room;
    bool no_memory;
};

/* Whether a re-attribution moves the row into the account. */
static bool moved_in(const struct bundle_job *b, month_t month, int32_t row)
{
    const struct bridge_changes *changes = &b->s.rows.changes.decided;
    for (size_t i = 0; i < changes->count; i++) {
        const struct row_change *c = &changes->change[i];
        if (!c->was_here && c->is_here && c->month == month && c->row.row_no == row)
            return true;
    }
    return false;
}

static bool claims(const struct claims_reading *c, const struct episode *e)
{
    const struct row_marks marks = {e->failed, e->approved, e->minor};
    struct activity_row row = episode_activity(e);
    return claiming_allows(c->claiming, &row, &marks);
}

static bool keep(struct claims_reading *c, const struct episode *e, bool other)
{
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 1024 : c->room * 2;
        struct claim *grown = reallocarray(c->claim, room, sizeof *grown);
        if (grown == NULL)
            return false;
        c->claim = grown;
        c->room = room;
    }
    const struct statistics_candidate candidate = statistics_candidate_of(e, 0, NULL);
    struct claim *made = &c->claim[c->count++];
    *made = (struct claim){.referral = candidate.referral,
                           .mhct_date = e->mhct_date,
                           .month = c->b->s.month[c->month].month,
                           .row = e->row_no,
                           .other = other,
                           .claims = claims(c, e)};
    memcpy(made->patient, e->patient, sizeof made->patient);
    memcpy(made->episode_id, e->episode_id, sizeof made->episode_id);
    return true;
}

static bool look(void *context, const struct episode *e)
{
    struct claims_reading *c = context;
    const struct bundle_job *b = c->b;
    month_t month = b->s.month[c->month].month;
    if (!statistics_is_candidate(month, e))
        return true;
    bool other = strcmp(e->commissioner, b->subject.account.commissioner) != 0 && !moved_in(b, month, e->row_no);
    if (other && cluster_index(e->cluster) < 0)
        return true;
    c->no_memory = !keep(c, e, other);
    return !c->no_memory;
}

/* The claims of a month, if its terms pay assessments. */
static bool read_month(struct claims_reading *c)
{
    struct bundle_job *b = c->b;
    const struct position_month *m = &b->s.month[c->month];
    const struct effective_submission *e = &b->s.submission[c->month];
    const char *commissioner = b->subject.account.commissioner;
    uint32_t parts = 0;
    if (e->no == 0 || m->terms == NULL)
        return true;
    if (!activity_parts(m->terms->terms, commissioner, m->month, &parts))
        return bundle_no_memory(b);
    if ((parts & UINT32_C(1) << STATISTICS_PART_CANDIDATES) == 0)
        return true;
    c->claiming = claiming_new(m->terms->terms, &b->s.reviews[c->month].periods, m->month);
    if (c->claiming == NULL)
        return bundle_no_memory(b);
    enum pg_status status = episode_scan(b->pg, b->subject.account.provider, e->no, NULL, look, c);
    claiming_free(c->claiming);
    if (c->no_memory)
        return bundle_no_memory(b);
    return status == PG_OK || bundle_failed(b, status);
}

/* Of equal ones the account's own first: it was offered first when the run was made. */
static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a;
    const struct claim *y = b;
    int order = memcmp(x->patient, y->patient, sizeof x->patient);
    if (order == 0)
        order = (x->referral > y->referral) - (x->referral < y->referral);
    if (order == 0)
        order = (x->mhct_date > y->mhct_date) - (x->mhct_date < y->mhct_date);
    if (order == 0)
        order = strcmp(x->episode_id, y->episode_id);
    return order != 0 ? order : (int)x->other - (int)y->other;
}

static bool same_referral(const struct claim *x, const struct claim *y)
{
    return x->referral == y->referral && memcmp(x->patient, y->patient, sizeof x->patient) == 0;
}

/* The claims [from, to) of one day: notes the order of their rows where it is not that of row_no. */
static void note_day(struct bundle_claims *out, const struct claim *claim, size_t from, size_t to)
{
    size_t begun = out->same_day_count;
    bool ordered = true;
    for (size_t i = from; i < to; i++) {
        if (claim[i].other)
            continue;
        ordered =
            ordered && (out->same_day_count == begun || out->same_day[out->same_day_count - 1].row < claim[i].row);
        out->same_day[out->same_day_count++] = (struct bundle_place){claim[i].month, claim[i].row};
    }
    if (ordered)
        out->same_day_count = begun;
    else
        out->runs[out->run_count++] = out->same_day_count - begun;
}

/* The claims [from, to) of one referral. What claims by a decision alone earns nothing beside any other's. */
static void note_referral(struct bundle_claims *out, const struct claim *claim, size_t from, size_t to)
{
    bool lost = false;
    bool shared = false;
    for (size_t i = from; i < to; i++)
        shared = shared || claim[i].other;
    for (size_t i = from; i < to; i++) {
        lost = lost || (claim[i].other && claim[i].claims);
        if (!claim[i].other && (claim[i].claims ? lost : shared))
            out->elsewhere[out->elsewhere_count++] = (struct bundle_place){claim[i].month, claim[i].row};
    }
    for (size_t i = from, end; i < to; i = end) {
        for (end = i; end < to && claim[end].mhct_date == claim[i].mhct_date; end++)
            ;
        note_day(out, claim, i, end);
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct bundle_place *x = a;
    const struct bundle_place *y = b;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool note_all(struct claims_reading *c, struct bundle_claims *out)
{
    out->elsewhere = calloc(c->count + 1, sizeof *out->elsewhere);
    out->same_day = calloc(c->count + 1, sizeof *out->same_day);
    out->runs = calloc(c->count + 1, sizeof *out->runs);
    if (out->elsewhere == NULL || out->same_day == NULL || out->runs == NULL)
        return false;
    if (c->count > 0)
        qsort(c->claim, c->count, sizeof *c->claim, compare_claims);
    for (size_t from = 0, to; from < c->count; from = to) {
        for (to = from; to < c->count && same_referral(&c->claim[to], &c->claim[from]); to++)
            ;
        note_referral(out, c->claim, from, to);
    }
    if (out->elsewhere_count > 0)
        qsort(out->elsewhere, out->elsewhere_count, sizeof *out->elsewhere, compare_places);
    return true;
}

bool bundle_claims_find(struct bundle_job *b)
{
    struct claims_reading c = {.b = b};
    bool good = true;
    for (c.month = 0; good && c.month < b->s.months; c.month++)
        good = read_month(&c);
    if (good && !note_all(&c, &b->claims))
        good = bundle_no_memory(b);
    free(c.claim);
    return good;
}

void bundle_claims_free(struct bundle_claims *c)
{
    free(c->elsewhere);
    free(c->same_day);
    free(c->runs);
}
