#include "worker/settlement_bridge.h"

#include "domain/payability.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statistics of a submission as some terms ask for them. */
struct cached_rows {
    struct cached_rows *next;
    int64_t submission;
    const struct terms *looking;   /* terms that look at single rows; NULL: those that do not */
    struct review_periods reviews; /* that they look by; a side that was read goes before these rows do */
    uint32_t parts;
    struct month_statistics *rows;
    struct month_statistics own; /* unless they are the settlement's */
};

/* Newer rules with older prices, for terms that look at single rows. */
struct cached_mix {
    struct cached_mix *next;
    const struct terms *rules;
    const struct terms *prices;
    struct terms terms;
};

/* One of the two sides, as it was pinned. */
struct side {
    char run[IDENT_SIZE]; /* "": the settlement itself */
    struct settlement pinned;
    const struct settlement *from; /* pinned, or the settlement itself */
    const struct terms_version *annual[TERMS_MONTHS];
};

/* Both sides and their maker: kept while the same two are asked for. */
struct pair {
    struct side older;
    struct side newer;
    struct bridge_sides sides;
    struct row_changes older_on_older; /* the older side's acts on the older rows */
    struct row_changes older_on_newer;
    struct row_changes newer_on_newer;
    struct bridge_maker *maker;
    bool same; /* made for positions of the same month; serves every month up to last */
    month_t last;
};

struct bridge_cache {
    struct cached_rows *rows;
    struct cached_mix *mixes;
    struct pair *pair;
};

struct bridge_cache *bridge_cache_new(void)
{
    return calloc(1, sizeof(struct bridge_cache));
}

/* What a pinned side has of its own; terms and facts are the settlement's. */
static void side_free(struct side *side)
{
    PQclear(side->pinned.achievement_rows);
    free(side->pinned.achievements);
    agreed_inputs_free(&side->pinned.agreed);
    row_inputs_free(&side->pinned.rows);
}

static void pair_free(struct pair *p)
{
    if (p != NULL) {
        bridge_maker_free(p->maker);
        side_free(&p->older);
        side_free(&p->newer);
        row_changes_free(&p->older_on_older);
        row_changes_free(&p->older_on_newer);
        row_changes_free(&p->newer_on_newer);
        free(p);
    }
}

void bridge_cache_free(struct bridge_cache *c)
{
    if (c == NULL)
        return;
    pair_free(c->pair);
    while (c->rows != NULL) {
        struct cached_rows *next = c->rows->next;
        if (c->rows->rows == &c->rows->own)
            month_statistics_free(&c->rows->own);
        free(c->rows);
        c->rows = next;
    }
    while (c->mixes != NULL) {
        struct cached_mix *next = c->mixes->next;
        free(c->mixes);
        c->mixes = next;
    }
    free(c);
}

static enum settlement_status side_read(struct settlement *s, const struct settlement *from,
                                        const struct bridge_end *end, month_t last, struct side *side)
{
    struct settlement *pinned = &side->pinned;
    enum settlement_status outcome = SETTLEMENT_OK;
    side->from = from;
    if (end->run != NULL) {
        snprintf(side->run, sizeof side->run, "%s", end->run);
        pinned->pg = s->pg;
        pinned->account = s->account;
        pinned->facts = s->facts;
        pinned->terms = s->terms;
        pinned->reviews_in_use = s->reviews_in_use;
        outcome = settlement_read_pinned(pinned, end->run, last);
        side->from = pinned;
    }
    if (outcome != SETTLEMENT_OK) {
        s->store_status = pinned->store_status;
        memcpy(s->reason, pinned->reason, sizeof s->reason);
        return outcome;
    }
    for (size_t i = 0; i < side->from->months; i++)
        side->annual[i] = agreed_terms_in_force(&side->from->terms, side->from->month[i].month, side->from->known_at);
    return SETTLEMENT_OK;
}

static struct bridge_side side_of(const struct side *side, const struct settlement *s, month_t last)
{
    const struct settlement *from = side->from;
    return (struct bridge_side){.input = {.provider = s->account.provider,
                                          .contract = s->account.contract,
                                          .commissioner = s->account.commissioner,
                                          .financial_year = s->facts.financial_year,
                                          .month = last,
                                          .months = from->month,
                                          .achievements = from->achievements,
                                          .achievement_count = from->achievement_count,
                                          .adjustments = from->agreed.adjustments,
                                          .adjustment_count = from->agreed.adjustment_count,
                                          .withholds = from->agreed.withholds,
                                          .withhold_count = from->agreed.withhold_count,
                                          .challenges = from->rows.challenges,
                                          .challenge_count = from->rows.challenge_count},
                                .annual = side->annual};
}

/* Where rules look at single rows, the mixture is told apart by its address: each pair has one. */
static const struct terms *mix_of(struct bridge_cache *c, const struct terms *rules, const struct terms *prices)
{
    if (rules == prices)
        return rules;
    for (const struct cached_mix *m = c->mixes; m != NULL; m = m->next) {
        if (m->rules == rules && m->prices == prices)
            return &m->terms;
    }
    struct cached_mix *made = malloc(sizeof *made);
    if (made == NULL)
        return NULL;
    *made = (struct cached_mix){c->mixes, rules, prices, *prices};
    made->terms.rules = rules->rules;
    made->terms.thresholds = rules->thresholds;
    c->mixes = made;
    return &made->terms;
}

/* How a month's rows are looked at. */
struct row_view {
    month_t month;
    const struct terms *terms;
    const struct review_periods *reviews;
};

/* The key of the statistics that terms ask for in a month. */
static bool key_of(const struct settlement *s, const struct row_view *v, struct cached_rows *out)
{
    out->looking = payability_looks_at_each_row(v->terms) ? v->terms : NULL;
    out->reviews = *v->reviews;
    return activity_parts(v->terms, s->account.commissioner, v->month, &out->parts);
}

static struct cached_rows *find(struct bridge_cache *c, const struct cached_rows *key)
{
    for (struct cached_rows *r = c->rows; r != NULL; r = r->next) {
        if (r->submission == key->submission && r->looking == key->looking && (key->parts & ~r->parts) == 0 &&
            (r->looking == NULL || memcmp(&r->reviews, &key->reviews, sizeof r->reviews) == 0))
            return r;
    }
    return NULL;
}

static struct cached_rows *add(struct bridge_cache *c, const struct cached_rows *key)
{
    struct cached_rows *made = malloc(sizeof *made);
    if (made != NULL) {
        *made = *key;
        made->rows = &made->own;
        made->next = c->rows;
        c->rows = made;
    }
    return made;
}

static enum settlement_status load(struct settlement *s, const struct row_view *v, struct cached_rows *made)
{
    const struct statistics_month asked = {v->month, made->submission, v->terms, v->reviews};
    const struct statistics_question q = {.provider = s->account.provider,
                                          .commissioner = s->account.commissioner,
                                          .lost = s->lost,
                                          .months = &asked,
                                          .count = 1};
    enum pg_status status = PG_FAILED;
    switch (month_statistics_load(s->pg, &q, &made->own, &status)) {
    case STATISTICS_LOST:
        return SETTLEMENT_LOST;
    case STATISTICS_STORE:
        s->store_status = status;
        return SETTLEMENT_STORE;
    case STATISTICS_OUT_OF_MEMORY:
        return settlement_no_memory(s);
    case STATISTICS_BROKEN:
        return settlement_broken_statistics(s);
    case STATISTICS_LOADED:
        break;
    }
    return SETTLEMENT_OK;
}

static enum settlement_status rows_of(struct settlement *s, struct bridge_cache *c, int64_t submission,
                                      const struct row_view *v, struct bridge_month_rows *out)
{
    struct cached_rows key = {.submission = submission};
    enum settlement_status outcome = SETTLEMENT_OK;
    if (submission == 0)
        return SETTLEMENT_OK;
    if (!key_of(s, v, &key))
        return settlement_no_memory(s);
    struct cached_rows *found = find(c, &key);
    if (found == NULL) {
        found = add(c, &key);
        if (found == NULL)
            return settlement_no_memory(s);
        outcome = load(s, v, found);
    }
    *out = (struct bridge_month_rows){&found->rows->own, found->rows->other_list, found->rows->other_count};
    return outcome;
}

/* What the settlement has read already need not be read again. */
static enum settlement_status lend(struct settlement *s, struct bridge_cache *c)
{
    for (size_t i = 0; i < s->months; i++) {
        struct cached_rows key = {.submission = s->submission[i].no};
        if (key.submission == 0 || s->month[i].terms == NULL || !s->statistics[i].loaded)
            continue;
        const struct row_view v = {s->month[i].month, s->month[i].terms->terms, &s->reviews[i].periods};
        if (!key_of(s, &v, &key))
            return settlement_no_memory(s);
        struct cached_rows *found = find(c, &key);
        if (found == NULL && (found = add(c, &key)) == NULL)
            return settlement_no_memory(s);
        if (found->rows == &found->own && !found->own.loaded)
            found->rows = &s->statistics[i];
    }
    return SETTLEMENT_OK;
}

/* The rows of a month at each point of the way. Months that one side alone has are that side's throughout. */
static enum settlement_status rows_of_month(struct settlement *s, struct bridge_cache *c, struct pair *p, size_t k)
{
    const struct settlement *older = p->older.from;
    const struct settlement *newer = p->newer.from;
    bool in_older = k < older->months;
    bool in_newer = k < newer->months;
    int64_t submissions[2] = {in_older ? older->submission[k].no : newer->submission[k].no,
                              in_newer ? newer->submission[k].no : older->submission[k].no};
    const struct terms_version *a = in_older ? older->month[k].terms : newer->month[k].terms;
    const struct terms_version *b = in_newer ? newer->month[k].terms : older->month[k].terms;
    month_t month = in_older ? older->month[k].month : newer->month[k].month;
    if (a == NULL || b == NULL)
        return SETTLEMENT_OK;
    const struct terms *mix = mix_of(c, b->terms, a->terms);
    const struct terms *terms[BRIDGE_ROWS] = {a->terms, a->terms, a->terms, mix, b->terms};
    const struct review_periods *reviews[] = {in_older ? &older->reviews[k].periods : &newer->reviews[k].periods,
                                              in_newer ? &newer->reviews[k].periods : &older->reviews[k].periods};
    p->sides.older.reviews[k] = reviews[0];
    p->sides.newer.reviews[k] = reviews[1];
    if (mix == NULL)
        return settlement_no_memory(s);
    enum settlement_status outcome = SETTLEMENT_OK;
    for (int at = 0; outcome == SETTLEMENT_OK && at < BRIDGE_ROWS; at++) {
        const struct row_view v = {month, terms[at], reviews[at >= ROWS_REFERENCE ? 1 : 0]};
        outcome = rows_of(s, c, submissions[at >= ROWS_ACTIVITY ? 1 : 0], &v, &p->sides.rows[at][k]);
    }
    return outcome;
}

/* Decisions and counter-calculations of both sides, on the rows that are looked at on the way. Months that one side
 * alone has are that side's throughout. */
static enum settlement_status change_rows(struct settlement *s, struct pair *p, size_t months)
{
    const struct settlement *older = p->older.from;
    const struct settlement *newer = p->newer.from;
    struct effective_submission rows[2][TERMS_MONTHS];
    for (size_t k = 0; k < months; k++) {
        rows[0][k] = k < older->months ? older->submission[k] : newer->submission[k];
        rows[1][k] = k < newer->months ? newer->submission[k] : older->submission[k];
    }
    enum settlement_status outcome = row_changes_make(s, &older->rows, rows[0], months, &p->older_on_older);
    if (outcome == SETTLEMENT_OK)
        outcome = row_changes_make(s, &older->rows, rows[1], months, &p->older_on_newer);
    if (outcome == SETTLEMENT_OK)
        outcome = row_changes_make(s, &newer->rows, rows[1], months, &p->newer_on_newer);
    for (int at = 0; at < BRIDGE_ROWS; at++) {
        const struct row_changes *c = at >= ROWS_ACTIVITY ? &p->older_on_newer : &p->older_on_older;
        p->sides.older_decisions[at] = c->decided;
        p->sides.older_counters[at] = c->counters;
    }
    p->sides.newer_decisions = p->newer_on_newer.decided;
    p->sides.newer_counters = p->newer_on_newer.counters;
    return outcome;
}

static month_t last_month(const struct settlement *from)
{
    return from->month[from->months - 1].month;
}

static enum settlement_status pair_read(struct settlement *s, const struct settlement *from, struct bridge_cache *c,
                                        struct pair *p, const struct bridge_end *older, const struct bridge_end *newer)
{
    bool read = s->months > 0;
    p->same = older->month == newer->month;
    p->last = p->same && read ? last_month(s) : older->month > newer->month ? older->month : newer->month;
    enum settlement_status outcome = side_read(s, from, older, p->same ? p->last : older->month, &p->older);
    if (outcome == SETTLEMENT_OK)
        outcome = side_read(s, s, newer, p->same ? p->last : newer->month, &p->newer);
    if (outcome == SETTLEMENT_OK)
        outcome = lend(s, c);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    p->sides.older = side_of(&p->older, s, p->same ? p->last : older->month);
    p->sides.newer = side_of(&p->newer, s, p->same ? p->last : newer->month);
    size_t months = p->older.from->months > p->newer.from->months ? p->older.from->months : p->newer.from->months;
    for (size_t k = 0; outcome == SETTLEMENT_OK && k < months; k++)
        outcome = rows_of_month(s, c, p, k);
    if (outcome == SETTLEMENT_OK)
        outcome = change_rows(s, p, months);
    if (outcome == SETTLEMENT_OK)
        p->maker = bridge_maker_new(&p->sides);
    return outcome == SETTLEMENT_OK && p->maker == NULL ? settlement_no_memory(s) : outcome;
}

static struct bridge_ends ends_of(const struct bridge_end *older, const struct bridge_end *newer)
{
    const char *engines[] = {json_text(older->document, "engine"), json_text(newer->document, "engine")};
    return (struct bridge_ends){.older_month = older->month,
                                .newer_month = newer->month,
                                .older_engine = engines[0] == NULL ? "unknown" : engines[0],
                                .newer_engine = engines[1] == NULL ? "unknown" : engines[1],
                                .older = json_int(older->document, "total_pence", 0),
                                .newer = json_int(newer->document, "total_pence", 0),
                                .billable_older = json_int(older->document, "billable_pence", 0),
                                .billable_newer = json_int(newer->document, "billable_pence", 0)};
}

static enum settlement_status outcome_of(struct settlement *s, enum bridge_status status)
{
    switch (status) {
    case BRIDGE_DONE:
        return SETTLEMENT_OK;
    case BRIDGE_PARKED:
        return SETTLEMENT_PARKED;
    case BRIDGE_NO_MEMORY:
        return settlement_no_memory(s);
    case BRIDGE_MISMATCH:
    case BRIDGE_OVERFLOW:
        break;
    }
    return SETTLEMENT_FAULT;
}

static bool serves(const struct pair *p, const struct settlement *from, const struct bridge_end *older,
                   const struct bridge_end *newer)
{
    return p != NULL && p->maker != NULL && p->same && older->month == newer->month && older->month <= p->last &&
           strcmp(p->older.run, older->run == NULL ? "" : older->run) == 0 &&
           strcmp(p->newer.run, newer->run == NULL ? "" : newer->run) == 0 &&
           (older->run != NULL || p->older.from == from);
}

enum settlement_status settlement_bridge_from(struct settlement *s, const struct settlement *from,
                                              struct bridge_cache *cache, const struct bridge_end *older,
                                              const struct bridge_end *newer, struct bridge *out)
{
    if (!serves(cache->pair, from, older, newer)) {
        pair_free(cache->pair);
        cache->pair = calloc(1, sizeof *cache->pair);
        if (cache->pair == NULL)
            return settlement_no_memory(s);
        enum settlement_status outcome = pair_read(s, from, cache, cache->pair, older, newer);
        if (outcome != SETTLEMENT_OK)
            return outcome;
    }
    const struct bridge_ends ends = ends_of(older, newer);
    return outcome_of(s, bridge_make(cache->pair->maker, &ends, out, s->reason));
}

enum settlement_status settlement_bridge(struct settlement *s, struct bridge_cache *cache,
                                         const struct bridge_end *older, const struct bridge_end *newer,
                                         struct bridge *out)
{
    return settlement_bridge_from(s, s, cache, older, newer, out);
}
