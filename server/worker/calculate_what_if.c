/* Terms tried out over past months, side by side with the real ones: as if both parties had approved them now. */
#include "worker/calculate_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The real settlement is x->s; the other one is the same under the terms tried out. */
struct trial {
    struct calculating *x;
    struct settlement tried;
    struct bridge_cache *cache;
    month_t from;
    month_t to;
    char *real_parked; /* why the real terms give no position; NULL: they do */
};

static enum settlement_status no_memory(struct trial *t)
{
    return calculate_no_memory(t->x);
}

/* What went wrong with the terms tried out is told like what went wrong with the real ones. */
static enum settlement_status of_tried(struct trial *t, enum settlement_status outcome)
{
    if (outcome != SETTLEMENT_OK) {
        t->x->s.store_status = t->tried.store_status;
        memcpy(t->x->s.reason, t->tried.reason, sizeof t->x->s.reason);
    }
    return outcome;
}

/* Known last, they win for every month from their effective-from on. Terms that have no number of their own take the
 * next one. */
static bool add_version(struct agreed_terms *agreed, struct terms *terms, int64_t version, const char *sha256,
                        instant_t known_at)
{
    struct terms_version *grown = reallocarray(agreed->version, agreed->count + 1, sizeof *grown);
    char *digest = strdup(sha256);
    if (grown != NULL)
        agreed->version = grown;
    if (grown == NULL || digest == NULL) {
        free(digest);
        return false;
    }
    int32_t number = version == 0 ? 1 : (int32_t)version;
    for (size_t i = 0; version == 0 && i < agreed->count; i++)
        number = grown[i].version >= number ? grown[i].version + 1 : number;
    grown[agreed->count++] =
        (struct terms_version){.version = number, .known_from = known_at, .digest = digest, .terms = terms};
    return true;
}

/* Without a position at the end, nothing was valued, and no month has one. */
static enum settlement_status read_tried(struct trial *t)
{
    struct account_position last;
    enum settlement_status outcome = settlement_read(&t->tried, t->to);
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_position(&t->tried, t->to, &last);
    if (outcome == SETTLEMENT_OK)
        account_position_free(&last);
    return of_tried(t, outcome);
}

static enum settlement_status open_tried(struct trial *t)
{
    const struct settlement *real = &t->x->s;
    t->tried = (struct settlement){.pg = real->pg,
                                   .reference_dir = real->reference_dir,
                                   .lost = real->lost,
                                   .account = real->account,
                                   .known_at = real->known_at};
    enum settlement_status outcome = of_tried(t, settlement_open(&t->tried));
    if (outcome != SETTLEMENT_OK)
        return outcome;
    struct terms *terms = stored_terms_parse(t->x->terms);
    if (terms == NULL) {
        snprintf(t->x->s.reason, sizeof t->x->s.reason,
                 "The terms cannot be read as they stood when the question was asked. Ask it anew.");
        return SETTLEMENT_FAULT;
    }
    if (!add_version(&t->tried.terms, terms, json_int(t->x->request, "version", 0),
                     json_text(t->x->request, "terms_sha256"), t->tried.known_at)) {
        terms_free(terms);
        return no_memory(t);
    }
    return read_tried(t);
}

/* Without a position at the end, nothing was valued: then the real side has none at all, and says why. */
static enum settlement_status read_real(struct trial *t)
{
    struct settlement *real = &t->x->s;
    struct account_position last;
    enum settlement_status outcome = settlement_read(real, t->to);
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_position(real, t->to, &last);
    if (outcome == SETTLEMENT_OK)
        account_position_free(&last);
    if (outcome != SETTLEMENT_PARKED)
        return outcome;
    t->real_parked = strdup(real->reason);
    return t->real_parked == NULL ? no_memory(t) : SETTLEMENT_OK;
}

static json_t *stages_json(const struct position *p)
{
    json_t *object = json_object();
    for (int s = 0; object != NULL && s < STAGE_COUNT; s++) {
        if (!json_put(object, stage_name((enum terms_stage)s), json_integer(p->subtotal[s]))) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static json_t *position_json(const struct position *p)
{
    json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:O}", "plan_pence", (json_int_t)p->planned,
                               "before_risk_share_pence", (json_int_t)p->before_risk, "after_cap_pence",
                               (json_int_t)p->after_cap, "position_pence", (json_int_t)p->total, "billable_pence",
                               (json_int_t)p->billable, "stages", stages_json(p), "notes", p->notes);
    return object;
}

static enum settlement_status put_bridge(struct trial *t, json_t *entry, month_t month,
                                         const struct account_position *real, const struct account_position *tried)
{
    const struct bridge_end older = {NULL, month, real->document};
    const struct bridge_end newer = {NULL, month, tried->document};
    struct bridge made;
    enum settlement_status outcome =
        of_tried(t, settlement_bridge_from(&t->tried, &t->x->s, t->cache, &older, &newer, &made));
    if (outcome != SETTLEMENT_OK)
        return outcome;
    bool put = json_put(entry, "bridge", bridge_json(&made));
    bridge_free(&made);
    return put ? SETTLEMENT_OK : no_memory(t);
}

static enum settlement_status add_both(struct trial *t, json_t *entry, month_t month,
                                       const struct account_position *tried)
{
    struct account_position real;
    enum settlement_status outcome = settlement_position(&t->x->s, month, &real);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    bool put =
        json_put(entry, "real", position_json(&real.position)) &&
        json_put(entry, "difference_pence", json_integer(tried->position.total - real.position.total)) &&
        json_put(entry, "billable_difference_pence", json_integer(tried->position.billable - real.position.billable));
    outcome = put ? put_bridge(t, entry, month, &real, tried) : no_memory(t);
    account_position_free(&real);
    return outcome;
}

static enum settlement_status add_month(struct trial *t, json_t *months, month_t month)
{
    char text[8];
    struct account_position tried;
    json_t *entry = json_object();
    if (entry == NULL || json_array_append_new(months, entry) != 0)
        return no_memory(t);
    enum settlement_status outcome = of_tried(t, settlement_position(&t->tried, month, &tried));
    if (outcome != SETTLEMENT_OK)
        return outcome;
    month_format(month, text);
    bool put = json_put(entry, "month", json_string(text)) &&
               json_put(entry, "tried", position_json(&tried.position)) &&
               (t->real_parked == NULL || json_put(entry, "real", json_null()));
    if (!put)
        outcome = no_memory(t);
    else if (t->real_parked == NULL)
        outcome = add_both(t, entry, month, &tried);
    account_position_free(&tried);
    return outcome;
}

static enum settlement_status compare(struct trial *t)
{
    json_t *months = json_array();
    t->x->result = json_object();
    if (!json_put(t->x->result, "months", months))
        return no_memory(t);
    if (t->real_parked != NULL && !json_put(t->x->result, "real_parked", json_string(t->real_parked)))
        return no_memory(t);
    enum settlement_status outcome = SETTLEMENT_OK;
    for (month_t month = t->from; outcome == SETTLEMENT_OK && month <= t->to; month++)
        outcome = add_month(t, months, month);
    return outcome;
}

enum settlement_status calculate_what_if(struct calculating *x)
{
    month_t first = financial_year_first(x->s.facts.financial_year);
    struct trial t = {.x = x, .from = calculate_month(x->request, "from", first), .cache = bridge_cache_new()};
    t.to = calculate_month(x->request, "to", first);
    enum settlement_status outcome = t.cache == NULL ? no_memory(&t) : read_real(&t);
    if (outcome == SETTLEMENT_OK)
        outcome = open_tried(&t);
    if (outcome == SETTLEMENT_OK)
        outcome = compare(&t);
    bridge_cache_free(t.cache);
    settlement_close(&t.tried);
    free(t.real_parked);
    return outcome;
}
