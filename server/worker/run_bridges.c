#include "worker/run_bridges.h"

#include "domain/position_change.h"
#include "store/pinned.h"
#include "worker/settlement_bridge.h"

#include "base/parse.h"

#include <stdlib.h>
#include <string.h>

#define NOT_TOLD_APART "not_told_apart"

static enum settlement_status store_failed(struct settlement *s, enum pg_status status)
{
    s->store_status = status == PG_NONE ? PG_FAILED : status;
    return SETTLEMENT_STORE;
}

/* The position found last for the month: its run, digest and document. *document NULL: there was none. */
static enum pg_status found_before(struct settlement *s, month_t month, char run[IDENT_SIZE], struct made_bridge *m,
                                   json_t **document)
{
    struct json_problem problem;
    PGresult *r = NULL;
    *document = NULL;
    enum pg_status status = pinned_last_run(s->pg, &s->account, month, run);
    if (status == PG_NONE)
        return PG_OK;
    if (status == PG_OK)
        status = pinned_position(s->pg, s->account.provider, run, month, &r);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    const char *body = pg_text(r, 0, "body");
    const char *hex = pg_text(r, 0, "sha256");
    *document = json_read(body, strlen(body), &problem);
    if (*document == NULL || !hex_decode(hex, strlen(hex), m->from_sha256, sizeof m->from_sha256))
        status = PG_FAILED;
    PQclear(r);
    return status;
}

/* Computes the bridge itself. */
static enum settlement_status tell_apart(struct settlement *s, struct bridge_cache *cache,
                                         const struct bridge_end *older, const struct bridge_end *newer,
                                         struct made_bridge *m)
{
    struct bridge bridge;
    enum settlement_status outcome = settlement_bridge(s, cache, older, newer, &bridge);
    if (outcome == SETTLEMENT_PARKED || outcome == SETTLEMENT_FAULT)
        return SETTLEMENT_OK; /* not told apart */
    if (outcome != SETTLEMENT_OK)
        return outcome;
    m->bridge = bridge_json(&bridge);
    m->bytes = m->bridge == NULL ? NULL : json_canonical(m->bridge, &m->length);
    bridge_free(&bridge);
    if (m->bytes != NULL)
        return SETTLEMENT_OK;
    s->store_status = PG_FAILED;
    return SETTLEMENT_STORE;
}

static enum settlement_status make_one(struct run_work *work, struct bridge_cache *cache, month_t month,
                                       const struct account_position *now, struct run_bridges *out)
{
    struct settlement *s = &work->settlement;
    struct made_bridge *m = &out->made[out->count];
    char run[IDENT_SIZE] = "";
    json_t *before = NULL;
    enum settlement_status outcome = SETTLEMENT_OK;
    enum pg_status status = found_before(s, month, run, m, &before);
    if (status != PG_OK) {
        json_decref(before);
        return store_failed(s, status);
    }
    if (before != NULL && position_lines_differ(before, now->document)) {
        const struct bridge_end older = {run, month, before};
        const struct bridge_end newer = {NULL, month, now->document};
        m->month = month;
        m->from_pence = json_int(before, "total_pence", 0);
        m->to_pence = now->position.total;
        out->count++;
        outcome = tell_apart(s, cache, &older, &newer, m);
    }
    json_decref(before);
    return outcome;
}

enum settlement_status run_bridges_make(struct run_work *work, const struct account_position other[TERMS_MONTHS],
                                        struct run_bridges *out)
{
    month_t first = financial_year_first(work->settlement.facts.financial_year);
    struct bridge_cache *cache = bridge_cache_new();
    if (cache == NULL)
        return store_failed(&work->settlement, PG_FAILED);
    enum settlement_status outcome = make_one(work, cache, work->run->month, &work->own, out);
    for (month_t k = 0; outcome == SETTLEMENT_OK && k < TERMS_MONTHS; k++) {
        if (other[k].bytes != NULL)
            outcome = make_one(work, cache, first + k, &other[k], out);
    }
    bridge_cache_free(cache);
    return outcome;
}

/* Steps that moved nothing are left out; those that did add up to the difference. */
static enum pg_status write_steps(const struct run_work *work, const struct made_bridge *m)
{
    const char *provider = work->run->account.provider;
    struct pg *pg = work->settlement.pg;
    size_t i;
    json_t *step;
    int64_t n = 0;
    enum pg_status status = PG_OK;
    if (m->bridge == NULL)
        return run_add_bridge_step(pg, provider, work->run->id, m->month, 1, NOT_TOLD_APART,
                                   m->to_pence - m->from_pence);
    json_array_foreach(json_object_get(m->bridge, "steps"), i, step)
    {
        int64_t pence = json_int(step, "pence", 0);
        if (status == PG_OK && pence != 0)
            status = run_add_bridge_step(pg, provider, work->run->id, m->month, ++n, json_text(step, "cause"), pence);
    }
    return status;
}

enum pg_status run_bridges_write(const struct run_work *work, const struct run_bridges *bridges,
                                 const unsigned char *(*sha256_of)(const void *context, month_t month),
                                 const void *context)
{
    enum pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < bridges->count; i++) {
        const struct made_bridge *m = &bridges->made[i];
        const struct run_bridge row = {
            .month = m->month,
            .from_sha256 = m->from_sha256,
            .to_sha256 = sha256_of(context, m->month),
            .from_pence = m->from_pence,
            .to_pence = m->to_pence,
            .body = m->bytes,
        };
        status = run_add_bridge(work->settlement.pg, work->run->account.provider, work->run->id, &row);
        if (status == PG_OK)
            status = write_steps(work, m);
    }
    return status;
}

static json_t *steps_told(const struct made_bridge *m)
{
    json_t *list = json_array();
    size_t i;
    json_t *step;
    bool ok = list != NULL;
    if (ok && m->bridge == NULL)
        ok = json_array_append_new(list, json_pack("{s:s, s:I}", "cause", NOT_TOLD_APART, "pence",
                                                   (json_int_t)(m->to_pence - m->from_pence))) == 0;
    json_array_foreach(json_object_get(m->bridge, "steps"), i, step)
    {
        int64_t pence = json_int(step, "pence", 0);
        if (ok && pence != 0)
            ok = json_array_append_new(
                     list, json_pack("{s:s, s:I}", "cause", json_text(step, "cause"), "pence", (json_int_t)pence)) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *run_bridges_told(const struct run_bridges *bridges)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < bridges->count; i++) {
        const struct made_bridge *m = &bridges->made[i];
        char month[8];
        char from[65];
        month_format(m->month, month);
        hex_encode(m->from_sha256, sizeof m->from_sha256, from);
        json_t *one = json_pack("{s:s, s:s, s:I, s:I}", "month", month, "from_sha256", from, "from_pence",
                                (json_int_t)m->from_pence, "to_pence", (json_int_t)m->to_pence);
        if (one == NULL || !json_put(one, "steps", steps_told(m)) || json_array_append(list, one) != 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(one);
    }
    return list;
}

void run_bridges_free(struct run_bridges *bridges)
{
    for (size_t i = 0; i < bridges->count; i++) {
        json_decref(bridges->made[i].bridge);
        free(bridges->made[i].bytes);
    }
    bridges->count = 0;
}
