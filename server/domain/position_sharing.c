/* Stages 3 to 5: volume bands, risk share, cap and collar. */
#include "domain/money.h"
#include "domain/position_internal.h"

#include "base/parse.h"

#include <stdio.h>

#define HALF_AWAY_EACH "half away from zero: each edge and each band's part"

static bool add_trail(json_t *trail, const struct terms_band *band, int64_t edge, int64_t part, int64_t paid)
{
    char pay[32];
    json_t *entry = json_object();
    format_percent_ppm(band->pay_ppm, pay);
    bool complete = entry != NULL && (band->to_ppm < 0 || json_put(entry, "edge_pence", json_integer(edge))) &&
                    json_put(entry, "part_pence", json_integer(part)) && json_put(entry, "pay", json_string(pay)) &&
                    json_put(entry, "paid_pence", json_integer(paid)) && json_array_append(trail, entry) == 0;
    json_decref(entry);
    return complete;
}

/* Pays an amount (never negative) band by band: part_i is what lies between the edges, edges being round(base * to).
 * Equal to an edge belongs to the inner band. The parts are written to *trail. */
static bool pay_bands(struct position_work *w, const struct terms_bands *bands, int64_t base, int64_t amount,
                      int64_t *paid, json_t *trail)
{
    int64_t from = 0;
    int64_t sum = 0;
    for (int32_t i = 0; i < bands->count; i++) {
        const struct terms_band *band = &bands->band[i];
        int64_t edge = INT64_MAX;
        int64_t share;
        if (band->to_ppm >= 0 && !money_round_share(base, band->to_ppm, &edge)) {
            return work_overflow(w, "the edge of a band");
        }
        int64_t end = amount < edge ? amount : edge;
        int64_t part = end > from ? end - from : 0;
        if (!money_round_share(part, band->pay_ppm, &share) || !money_add(sum, share, &sum)) {
            return work_overflow(w, "the paid part of a band");
        }
        if (!w->in->sums_alone && !add_trail(trail, band, edge, part, share)) {
            return work_no_memory(w);
        }
        from = edge;
    }
    *paid = sum;
    return true;
}

static bool group_totals(struct position_work *w, int group, int64_t *volume, int64_t *planned)
{
    *volume = 0;
    *planned = 0;
    for (int32_t k = 0; k < w->months; k++) {
        if (!money_add(*volume, w->gross[k][group], volume) || !money_add(*volume, w->factor[k][group], volume) ||
            !money_add(*planned, w->plan[k][group], planned)) {
            return work_overflow(w, "the volume of a group");
        }
    }
    return true;
}

static bool bands_line(struct position_work *w, int group)
{
    const struct terms_group *g = &w->annual->group[group];
    int64_t volume;
    int64_t planned;
    int64_t paid;
    char key[80];
    char label[120];
    char clause[40];
    if (!group_totals(w, group, &volume, &planned)) {
        return false;
    }
    if (planned == 0) {
        return work_note(w, "volume bands of group %s are skipped: nothing is planned for it to date", g->name);
    }
    json_t *trail = json_array();
    if (trail == NULL || !pay_bands(w, &g->bands, planned, volume, &paid, trail)) {
        json_decref(trail);
        return trail == NULL ? work_no_memory(w) : false;
    }
    (void)snprintf(key, sizeof key, "bands/%s", g->name);
    (void)snprintf(label, sizeof label, "Volume bands of group %s, year to date", g->name);
    (void)snprintf(clause, sizeof clause, "/volume_bands/%d", group);
    struct derivation d =
        derive(w, clause, w->in->annual->version, "paid by bands of V against V0, less V", HALF_AWAY_EACH);
    derive_number(&d, "V_pence", volume);
    derive_number(&d, "V0_pence", planned);
    derive_number(&d, "paid_pence", paid);
    derive_json(&d, "bands", trail);
    return work_line(w, STAGE_BANDS, -1, key, label, paid - volume, &d) != NULL;
}

bool stage_bands(struct position_work *w)
{
    for (int g = 0; g < w->annual->group_count; g++) {
        if (!bands_line(w, g)) {
            return false;
        }
    }
    return true;
}

/* Bands that came from a preset are not in the terms by themselves. */
static const char *risk_share_clause(const struct position_work *w, bool over)
{
    const struct terms_risk_share *share = &w->annual->risk_share;
    if (share->preset || (over ? &share->over : &share->under)->count == 0) {
        return "/risk_share";
    }
    return over ? "/risk_share/over" : "/risk_share/under";
}

/* amount: |X - P|; paid - X is, over plan, what the bands keep back; under plan, what they make good. */
static bool risk_share_line(struct position_work *w, bool over, int64_t amount)
{
    const struct terms_risk_share *share = &w->annual->risk_share;
    const struct terms_bands *bands = over ? &share->over : &share->under;
    int64_t paid = amount;
    json_t *trail = json_array();
    if (trail == NULL || (bands->count > 0 && !pay_bands(w, bands, w->p->planned, amount, &paid, trail))) {
        json_decref(trail);
        return trail == NULL ? work_no_memory(w) : false;
    }
    struct derivation d =
        derive(w, risk_share_clause(w, over), w->in->annual->version,
               over ? "P + paid by bands of X - P, less X" : "P - paid by bands of P - X, less X", HALF_AWAY_EACH);
    derive_number(&d, "P_pence", w->p->planned);
    derive_number(&d, "X_pence", w->p->before_risk);
    derive_number(&d, "paid_pence", paid);
    derive_json(&d, "bands", trail);
    return work_line(w, STAGE_RISK_SHARE, -1, "risk_share", over ? "Risk share over plan" : "Risk share under plan",
                     over ? paid - amount : amount - paid, &d) != NULL;
}

bool stage_risk_share(struct position_work *w)
{
    const struct terms_risk_share *share = &w->annual->risk_share;
    int64_t variance;
    if (!share->present) {
        return true;
    }
    if (w->p->planned == 0) {
        return work_note(w, "risk share, cap and collar are skipped: nothing is planned to date");
    }
    if (share->over.count == 0 && share->under.count == 0) {
        return true;
    }
    if (!money_subtract(w->p->before_risk, w->p->planned, &variance)) {
        return work_overflow(w, "the variance from plan");
    }
    return risk_share_line(w, variance >= 0, variance >= 0 ? variance : -variance);
}

static bool cap_collar_line(struct position_work *w, bool cap, int64_t bound, int64_t before)
{
    const struct terms_risk_share *share = &w->annual->risk_share;
    struct derivation d =
        derive(w, cap ? "/risk_share/cap" : "/risk_share/collar", w->in->annual->version,
               cap ? "P + round(P * cap), less stages 1 to 4" : "P - round(P * collar), less stages 1 to 4",
               "half away from zero");
    derive_number(&d, "P_pence", w->p->planned);
    derive_number(&d, "stages_1_to_4_pence", before);
    derive_number(&d, "bound_pence", bound);
    derive_percent(&d, cap ? "cap" : "collar", cap ? share->cap_ppm : share->collar_ppm);
    return work_line(w, STAGE_CAP_COLLAR, -1, "cap_collar", cap ? "Cap" : "Collar", bound - before, &d) != NULL;
}

bool stage_cap_collar(struct position_work *w)
{
    const struct terms_risk_share *share = &w->annual->risk_share;
    struct position *p = w->p;
    int64_t before;
    int64_t room;
    if (!share->present || p->planned == 0) {
        return true;
    }
    if (!work_sum_through(w, STAGE_RISK_SHARE, &before)) {
        return false;
    }
    if (share->cap_ppm >= 0) {
        if (!money_round_share(p->planned, share->cap_ppm, &room) || !money_add(p->planned, room, &p->ceiling)) {
            return work_overflow(w, "the cap");
        }
    }
    if (share->collar_ppm >= 0) {
        if (!money_round_share(p->planned, share->collar_ppm, &room) || !money_subtract(p->planned, room, &p->floor)) {
            return work_overflow(w, "the collar");
        }
    }
    if (before > p->ceiling) {
        return cap_collar_line(w, true, p->ceiling, before);
    }
    return before >= p->floor || cap_collar_line(w, false, p->floor, before);
}
