/* The annual parts that share risk and reward: volume bands, risk share, CQUIN. */
#include "domain/money.h"
#include "domain/terms_internal.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Edges of bands, caps and thresholds: up to ten times the plan. */
#define EDGE_LIMIT (INT64_C(10) * PPM_ONE)

static const struct json_member band_members[] = {
    {"to", JSON_KIND_TEXT, false, 1, 20},
    {"pay", JSON_KIND_TEXT, true, 1, 20},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

/* Edges as they fall against a plan of 100,000.00 pounds. */
static json_t *shown_edges(int64_t before_ppm, int64_t to_ppm)
{
    int64_t plan = 10000000;
    int64_t from = 0;
    int64_t to = 0;
    (void)money_round_share(plan, before_ppm < 0 ? 0 : before_ppm, &from);
    (void)money_round_share(plan, to_ppm < 0 ? 0 : to_ppm, &to);
    json_t *shown = json_pack("{s:I, s:I}", "plan_pence", (json_int_t)plan, "band_from_pence", (json_int_t)from);
    if (to_ppm >= 0 && !json_put(shown, "band_to_pence", json_integer(to))) {
        json_decref(shown);
        return NULL;
    }
    return shown;
}

/* The last band alone is open, and each ends beyond the one before it. */
static bool check_edge(struct terms_reader *r, const char *where, const struct terms_band *band, bool last,
                       int64_t before)
{
    json_t *shown = r->found == NULL ? NULL : shown_edges(before, band->to_ppm);
    if (last && band->to_ppm >= 0) {
        return terms_contradiction(r, "bands_end", where, shown, "is the last band: it is open and has no \"to\"");
    }
    if (!last && band->to_ppm < 0) {
        return terms_contradiction(r, "bands_out_of_order", where, shown, "is not the last band: it needs \"to\"");
    }
    if (!last && band->to_ppm <= before) {
        return terms_contradiction(r, "bands_out_of_order", where, shown, "must end beyond the band before it");
    }
    json_decref(shown);
    return true;
}

static bool read_bands(struct terms_reader *r, const json_t *array, const char *pointer, struct terms_bands *out)
{
    size_t count = json_array_size(array);
    int64_t before = -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        struct terms_band *band = &out->band[i];
        char where[80];
        snprintf(where, sizeof where, "%s/%zu", pointer, i);
        band->to_ppm = -1;
        if (!json_check(object, band_members, where, r->problem) ||
            !terms_read_percent(r, object, "to", where, EDGE_LIMIT, &band->to_ppm) ||
            !terms_read_percent(r, object, "pay", where, PPM_ONE, &band->pay_ppm)) {
            return false;
        }
        bool last = i + 1 == count;
        if (!check_edge(r, where, band, last, before)) {
            return false;
        }
        before = band->to_ppm;
    }
    out->count = (int32_t)count;
    return true;
}

static bool refuse_without_plan(struct terms_reader *r, const char *rule, const char *pointer)
{
    const struct terms *t = r->t;
    if (t->plan_count == 0 && t->plan_sum_count == 0) {
        char month[8];
        month_format(t->effective_from, month);
        return terms_contradiction(r, rule, pointer, json_pack("{s:s, s:i}", "month", month, "planned_pence", 0),
                                   "is measured against the plan, and there is no plan");
    }
    return true;
}

static const struct json_member group_members[] = {
    {"group", JSON_KIND_TEXT, true, 1, TERMS_NAME_SIZE - 1},
    {"clusters", JSON_KIND_ARRAY, true, 1, TERMS_CLUSTERS},
    {"bands", JSON_KIND_ARRAY, true, 1, TERMS_MAX_BANDS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_group(struct terms_reader *r, const json_t *object, int32_t index, struct terms_group *group)
{
    struct terms *t = r->t;
    char pointer[40];
    char where[60];
    uint32_t clusters = 0;
    snprintf(pointer, sizeof pointer, "/volume_bands/%d", index);
    if (!json_check(object, group_members, pointer, r->problem)) {
        return false;
    }
    snprintf(group->name, sizeof group->name, "%s", json_text(object, "group"));
    snprintf(where, sizeof where, "%s/group", pointer);
    for (int32_t i = 0; i < index; i++) {
        if (strcmp(t->group[i].name, group->name) == 0) {
            return terms_refuse(r, where, "is the name of another group");
        }
    }
    if (strcmp(group->name, "other") == 0) {
        return terms_refuse(r, where, "is the name of the clusters in no group");
    }
    snprintf(where, sizeof where, "%s/clusters", pointer);
    if (!terms_read_clusters(r, json_object_get(object, "clusters"), where, &clusters)) {
        return false;
    }
    for (int c = 0; c < TERMS_CLUSTERS; c++) {
        if ((clusters >> c & 1U) == 0) {
            continue;
        }
        if (t->group_of[c] >= 0) {
            char code[3];
            cluster_code(c, code);
            if (!terms_contradiction(r, "cluster_in_two_groups", where,
                                     json_pack("{s:s, s:s, s:s}", "cluster", code, "either",
                                               t->group[t->group_of[c]].name, "or", group->name),
                                     "puts cluster %s in a second group", code)) {
                return false;
            }
        }
        t->group_of[c] = (int16_t)index;
    }
    snprintf(where, sizeof where, "%s/bands", pointer);
    return read_bands(r, json_object_get(object, "bands"), where, &group->bands);
}

static bool read_volume_bands(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *array = json_object_get(t->source, "volume_bands");
    size_t count = json_array_size(array);
    memset(t->group_of, -1, sizeof t->group_of);
    t->group = calloc(count > 0 ? count : 1, sizeof *t->group);
    if (t->group == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_group(r, json_array_get(array, i), (int32_t)i, &t->group[i])) {
            return false;
        }
        t->group_count = (int32_t)(i + 1);
    }
    if (count > 0 && t->plan_sum_count > 0) {
        return terms_contradiction(r, "bands_need_units", "/volume_bands",
                                   json_pack("{s:I, s:i}", "planned_pence", (json_int_t)t->plan_sum[0].pence,
                                             "of_which_known_by_group_pence", 0),
                                   "need a plan in units; /plan/sums does not say what belongs to a group");
    }
    return count == 0 || refuse_without_plan(r, "bands_without_plan", "/volume_bands");
}

static const struct json_member risk_share_members[] = {
    {"over", JSON_KIND_ARRAY, false, 1, TERMS_MAX_BANDS},
    {"under", JSON_KIND_ARRAY, false, 1, TERMS_MAX_BANDS},
    {"preset", JSON_KIND_TEXT, false, 1, 20},
    {"to", JSON_KIND_TEXT, false, 1, 20},
    {"pay_over", JSON_KIND_TEXT, false, 1, 20},
    {"pay_under", JSON_KIND_TEXT, false, 1, 20},
    {"cap", JSON_KIND_TEXT, false, 1, 20},
    {"collar", JSON_KIND_TEXT, false, 1, 20},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

#define PRESET_NONE "none" /* everything is paid in full: no bands */

/* The usual shapes by their names. inner: what the band next to the plan pays; -1: there is one band alone. */
static const struct preset {
    const char *name;
    int64_t inner_ppm;
    bool pays; /* pay_over and pay_under are said; otherwise the one band pays nothing */
} presets[] = {
    {"block", -1, false},          {"dead_band", 0, true},   {"tolerance", PPM_ONE, true},
    {"gain_loss_share", -1, true}, {PRESET_NONE, -1, false},
};

/* The members that go with a preset, and no others beside it. */
static bool check_preset(struct terms_reader *r, const json_t *object, const struct preset *preset)
{
    const struct {
        const char *name;
        bool wanted;
    } members[] = {{"over", false},
                   {"under", false},
                   {"to", preset->inner_ppm >= 0},
                   {"pay_over", preset->pays},
                   {"pay_under", preset->pays}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        bool given = json_object_get(object, members[i].name) != NULL;
        char where[40];
        snprintf(where, sizeof where, "/risk_share/%s", members[i].name);
        if (given && !members[i].wanted) {
            return terms_refuse(r, where, "does not go with the preset %s: leave one of them out", preset->name);
        }
        if (!given && members[i].wanted) {
            return terms_refuse(r, where, "is needed by the preset %s", preset->name);
        }
    }
    return true;
}

static void set_bands(struct terms_bands *bands, const struct preset *preset, int64_t edge_ppm, int64_t pay_ppm)
{
    if (preset->inner_ppm >= 0) {
        bands->band[bands->count++] = (struct terms_band){edge_ppm, preset->inner_ppm};
    }
    bands->band[bands->count++] = (struct terms_band){-1, pay_ppm};
}

static bool read_preset(struct terms_reader *r, const json_t *object)
{
    struct terms_risk_share *share = &r->t->risk_share;
    const char *name = json_text(object, "preset");
    const struct preset *preset = NULL;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        preset = strcmp(presets[i].name, name) == 0 ? &presets[i] : preset;
    }
    if (preset == NULL) {
        return terms_refuse(r, "/risk_share/preset", "must be none, block, dead_band, tolerance or gain_loss_share");
    }
    int64_t edge = 0;
    int64_t over = 0;
    int64_t under = 0;
    if (!check_preset(r, object, preset) || !terms_read_percent(r, object, "to", "/risk_share", PPM_ONE, &edge) ||
        !terms_read_percent(r, object, "pay_over", "/risk_share", PPM_ONE, &over) ||
        !terms_read_percent(r, object, "pay_under", "/risk_share", PPM_ONE, &under)) {
        return false;
    }
    if (preset->inner_ppm >= 0 && edge >= PPM_ONE &&
        !terms_contradiction(r, "band_out_of_reach", "/risk_share/to", shown_edges(0, edge),
                             "must be below 100%%: nothing lies further under plan")) {
        return false;
    }
    share->preset = true;
    if (strcmp(name, PRESET_NONE) != 0) {
        set_bands(&share->over, preset, edge, over);
        set_bands(&share->under, preset, edge, under);
    }
    return true;
}

/* Bands member by member: those of a preset are refused without its name. */
static bool read_own_bands(struct terms_reader *r, const json_t *object)
{
    static const char *const members[] = {"to", "pay_over", "pay_under"};
    struct terms_risk_share *share = &r->t->risk_share;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (json_object_get(object, members[i]) != NULL) {
            char where[40];
            snprintf(where, sizeof where, "/risk_share/%s", members[i]);
            return terms_refuse(r, where, "belongs to a preset: name one, or write the bands out");
        }
    }
    return read_bands(r, json_object_get(object, "over"), "/risk_share/over", &share->over) &&
           read_bands(r, json_object_get(object, "under"), "/risk_share/under", &share->under);
}

/* A percentage that may be below 0, for what such terms would mean. */
static bool signed_percent(const char *text, int64_t *ppm)
{
    bool below = text != NULL && text[0] == '-';
    if (text == NULL || !parse_percent_ppm(text + below, strlen(text) - below, ppm)) {
        return false;
    }
    *ppm = below ? -*ppm : *ppm;
    return true;
}

/* Neither may be below 0, so that a cap lies above every collar. While collecting it is said what is wrong between two
 * that do not, in place of each alone. */
static bool check_bounds(struct terms_reader *r, const json_t *object)
{
    int64_t cap;
    int64_t collar;
    int64_t plan = 10000000;
    int64_t above = 0;
    int64_t below = 0;
    if (r->found == NULL || !signed_percent(json_text(object, "cap"), &cap) ||
        !signed_percent(json_text(object, "collar"), &collar) || cap + collar >= 0) {
        return true;
    }
    (void)money_round_share(plan, cap, &above);
    (void)money_round_share(plan, collar, &below);
    return terms_contradiction(r, "cap_below_collar", cap < 0 ? "/risk_share/cap" : "/risk_share/collar",
                               json_pack("{s:I, s:I, s:I}", "plan_pence", (json_int_t)plan, "cap_pence",
                                         (json_int_t)plan + above, "collar_pence", (json_int_t)plan - below),
                               "the cap is below the collar");
}

static bool read_risk_share(struct terms_reader *r)
{
    struct terms_risk_share *share = &r->t->risk_share;
    const json_t *object = json_object_get(r->t->source, "risk_share");
    share->cap_ppm = -1;
    share->collar_ppm = -1;
    if (object == NULL) {
        return true;
    }
    if (!json_check(object, risk_share_members, "/risk_share", r->problem) || !check_bounds(r, object) ||
        !(json_text(object, "preset") != NULL ? read_preset(r, object) : read_own_bands(r, object)) ||
        !terms_read_percent(r, object, "cap", "/risk_share", EDGE_LIMIT, &share->cap_ppm) ||
        !terms_read_percent(r, object, "collar", "/risk_share", PPM_ONE, &share->collar_ppm)) {
        return false;
    }
    share->present = share->over.count > 0 || share->under.count > 0 || share->cap_ppm >= 0 || share->collar_ppm >= 0;
    if (share->present && !refuse_without_plan(r, "sharing_without_plan", "/risk_share")) {
        return false;
    }
    if (json_object_size(object) == 0) {
        return terms_refuse(r, "/risk_share", "must have a preset, over, under, cap or collar");
    }
    /* Less than the whole plan cannot be taken away twice: under plan, v never exceeds P, so no edge beyond it matters.
     */
    if (!share->preset && share->under.count > 1 && share->under.band[share->under.count - 2].to_ppm >= PPM_ONE) {
        return terms_contradiction(r, "band_out_of_reach", "/risk_share/under",
                                   shown_edges(share->under.band[share->under.count - 2].to_ppm, -1),
                                   "has a band beyond 100%% under plan, which nothing can reach");
    }
    return true;
}

static const struct json_member cquin_members[] = {
    {"rate", JSON_KIND_TEXT, true, 1, 20},      {"on_account", JSON_KIND_TEXT, true, 1, 20},
    {"exclude", JSON_KIND_OBJECT, false, 0, 0}, {"indicators", JSON_KIND_ARRAY, true, 1, TERMS_MAX_INDICATORS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member exclude_members[] = {
    {"stages", JSON_KIND_ARRAY, false, 1, STAGE_COUNT},
    {"clusters", JSON_KIND_ARRAY, false, 1, TERMS_CLUSTERS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member indicator_members[] = {
    {"id", JSON_KIND_TEXT, true, 1, TERMS_NAME_SIZE - 1},
    {"label", JSON_KIND_TEXT, true, 1, 100},
    {"weight", JSON_KIND_TEXT, true, 1, 20},
    {"measure", JSON_KIND_TEXT, true, 1, 10},
    {"thresholds", JSON_KIND_ARRAY, true, 1, TERMS_MAX_THRESHOLDS},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct json_member threshold_members[] = {
    {"at", JSON_KIND_TEXT, true, 1, 20},
    {"earns", JSON_KIND_TEXT, true, 1, 20},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

#define STAGES_WORDS "activity, factor, bands, risk_share, cap_collar, block, adjustment or withhold"

/* CQUIN is a share of what stands before it: terms that speak of leaving it out take it for a part of its own base. */
static bool circular_base(struct terms_reader *r, const char *where)
{
    return terms_contradiction(
        r, "circular_base", where,
        json_pack("{s:i, s:i, s:i}", "base_pence", 10000, "with_cquin_pence", 10250, "with_cquin_of_that_pence", 10256),
        "must be " STAGES_WORDS);
}

static bool read_excluded_stages(struct terms_reader *r, const json_t *array, uint32_t *out)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        char where[60];
        int found = -1;
        snprintf(where, sizeof where, "/cquin/exclude/stages/%zu", i);
        for (int s = 0; name != NULL && s < STAGE_CQUIN; s++) {
            if (strcmp(name, stage_name((enum terms_stage)s)) == 0) {
                found = s;
            }
        }
        if (found < 0) {
            if (name != NULL && strcmp(name, stage_name(STAGE_CQUIN)) == 0) {
                if (!circular_base(r, where)) {
                    return false;
                }
                continue;
            }
            return terms_refuse(r, where, "must be " STAGES_WORDS);
        }
        if ((*out >> found & 1U) != 0) {
            return terms_refuse(r, where, "is listed twice");
        }
        *out |= UINT32_C(1) << found;
    }
    return true;
}

static bool read_thresholds(struct terms_reader *r, const json_t *array, const char *base, struct terms_indicator *out)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        struct terms_threshold *threshold = &out->threshold[i];
        char where[100];
        snprintf(where, sizeof where, "%s/thresholds/%zu", base, i);
        if (!json_check(object, threshold_members, where, r->problem) ||
            !terms_read_percent(r, object, "at", where, PPM_ONE, &threshold->at_ppm) ||
            !terms_read_percent(r, object, "earns", where, PPM_ONE, &threshold->earns_ppm)) {
            return false;
        }
        if (i > 0 && (threshold->at_ppm <= threshold[-1].at_ppm || threshold->earns_ppm < threshold[-1].earns_ppm)) {
            if (!terms_contradiction(
                    r, "thresholds_out_of_order", where,
                    json_pack("{s:I, s:I, s:I, s:I}", "before_at_ppm", (json_int_t)threshold[-1].at_ppm,
                              "before_earns_ppm", (json_int_t)threshold[-1].earns_ppm, "at_ppm",
                              (json_int_t)threshold->at_ppm, "earns_ppm", (json_int_t)threshold->earns_ppm),
                    "must lie above the threshold before it and earn no less")) {
                return false;
            }
        }
        out->count = (int32_t)(i + 1);
    }
    return true;
}

static bool read_indicator(struct terms_reader *r, const json_t *object, int32_t index, struct terms_indicator *out)
{
    char pointer[50];
    char where[70];
    snprintf(pointer, sizeof pointer, "/cquin/indicators/%d", index);
    if (!json_check(object, indicator_members, pointer, r->problem) ||
        !terms_read_percent(r, object, "weight", pointer, PPM_ONE, &out->weight_ppm)) {
        return false;
    }
    snprintf(out->id, sizeof out->id, "%s", json_text(object, "id"));
    out->label = json_text(object, "label");
    for (int32_t i = 0; i < index; i++) {
        if (strcmp(r->t->cquin.indicator[i].id, out->id) == 0) {
            snprintf(where, sizeof where, "%s/id", pointer);
            return terms_refuse(r, where, "is the id of another indicator");
        }
    }
    const char *measure = json_text(object, "measure");
    out->linear = strcmp(measure, "linear") == 0;
    if (!out->linear && strcmp(measure, "step") != 0) {
        snprintf(where, sizeof where, "%s/measure", pointer);
        return terms_refuse(r, where, "must be step or linear");
    }
    return read_thresholds(r, json_object_get(object, "thresholds"), pointer, out);
}

static bool read_indicators(struct terms_reader *r, const json_t *array)
{
    struct terms_cquin *cquin = &r->t->cquin;
    size_t count = json_array_size(array);
    int64_t weights = 0;
    cquin->indicator = calloc(count > 0 ? count : 1, sizeof *cquin->indicator);
    if (cquin->indicator == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_indicator(r, json_array_get(array, i), (int32_t)i, &cquin->indicator[i])) {
            return false;
        }
        cquin->count = (int32_t)(i + 1);
        weights += cquin->indicator[i].weight_ppm;
    }
    if (weights != PPM_ONE) {
        char sum[32];
        snprintf(sum, sizeof sum, "%lld.%04lld", (long long)(weights / 10000), (long long)(weights % 10000));
        int64_t whole = 1; /* the least power of ten that shows a penny of it */
        int64_t earned = whole;
        while (earned == whole && whole < PPM_ONE) {
            whole *= 10;
            (void)money_round_share(whole, weights, &earned);
        }
        return terms_contradiction(r, "weights_not_whole", "/cquin/indicators",
                                   json_pack("{s:I, s:I, s:I}", "weights_ppm", (json_int_t)weights, "cquin_pence",
                                             (json_int_t)whole, "all_achieved_earns_pence", (json_int_t)earned),
                                   "weights must sum to exactly 100%%; they sum to %s%%", sum);
    }
    return true;
}

static bool read_cquin(struct terms_reader *r)
{
    struct terms_cquin *cquin = &r->t->cquin;
    const json_t *object = json_object_get(r->t->source, "cquin");
    const json_t *exclude = json_object_get(object, "exclude");
    if (object == NULL) {
        return true;
    }
    cquin->present = true;
    return json_check(object, cquin_members, "/cquin", r->problem) &&
           terms_read_percent(r, object, "rate", "/cquin", PPM_ONE, &cquin->rate_ppm) &&
           terms_read_percent(r, object, "on_account", "/cquin", PPM_ONE, &cquin->on_account_ppm) &&
           (exclude == NULL || json_check(exclude, exclude_members, "/cquin/exclude", r->problem)) &&
           read_excluded_stages(r, json_object_get(exclude, "stages"), &cquin->excluded_stages) &&
           terms_read_clusters(r, json_object_get(exclude, "clusters"), "/cquin/exclude/clusters",
                               &cquin->excluded_clusters) &&
           read_indicators(r, json_object_get(object, "indicators"));
}

bool terms_read_sharing(struct terms_reader *r)
{
    return read_volume_bands(r) && read_risk_share(r) && read_cquin(r);
}
