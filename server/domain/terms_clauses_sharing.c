/* Clauses of volume bands, risk share, CQUIN and withholds. */
#include "base/buf.h"
#include "base/parse.h"
#include "domain/terms_clauses.h"

#include <stdio.h>
#include <string.h>

/* Where band i lies: "up to 2%", "from 2% to 5%", "beyond 5%"; the whole when there is one band. */
static void band_span(const struct terms_bands *bands, int32_t i, const char *whole, char out[80])
{
    char from[32] = "0%";
    char to[32];
    if (bands->count == 1) {
        (void)snprintf(out, 80, "%s", whole);
        return;
    }
    if (i > 0) {
        format_percent_ppm(bands->band[i - 1].to_ppm, from);
    }
    if (bands->band[i].to_ppm < 0) {
        (void)snprintf(out, 80, "beyond %s", from);
        return;
    }
    format_percent_ppm(bands->band[i].to_ppm, to);
    if (i == 0) {
        (void)snprintf(out, 80, "up to %s", to);
    } else {
        (void)snprintf(out, 80, "from %s to %s", from, to);
    }
}

static bool add_group(struct terms_clauses *c, const struct terms *t, int32_t index)
{
    const struct terms_group *g = &t->group[index];
    char members[TERMS_CLUSTERS * 4 + 1] = "";
    size_t length = 0;
    char key[80];
    for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++) {
        if (t->group_of[cluster] == index) {
            char code[3];
            cluster_code(cluster, code);
            length +=
                (size_t)snprintf(members + length, sizeof members - length, "%s%s", length == 0 ? "" : ", ", code);
        }
    }
    (void)snprintf(key, sizeof key, "bands/%s", g->name);
    bool good =
        clause_add(c, SECTION_BANDS, CLAUSE_WORDS, 0, key, "Group %s is made of the clusters %s.", g->name, members);
    for (int32_t i = 0; good && i < g->bands.count; i++) {
        char span[80];
        char pay[32];
        band_span(&g->bands, i, "the whole", span);
        format_percent_ppm(g->bands.band[i].pay_ppm, pay);
        (void)snprintf(key, sizeof key, "bands/%s/%d", g->name, i + 1);
        good = clause_add(c, SECTION_BANDS, CLAUSE_PPM, g->bands.band[i].pay_ppm, key,
                          "Group %s, %s of its planned value to date: paid at %s.", g->name, span, pay);
    }
    return good;
}

static bool add_side(struct terms_clauses *c, const struct terms_bands *bands, bool over)
{
    const char *side = over ? "over" : "under";
    char key[40];
    bool good = true;
    if (bands->count == 0) {
        (void)snprintf(key, sizeof key, "risk_share/%s/1", side);
        return clause_add(c, SECTION_RISK_SHARE, CLAUSE_PPM, 1000000, key, "%s",
                          over ? "Value to date above plan is paid in full."
                               : "Value to date below plan is paid as it is: the whole shortfall is taken off.");
    }
    for (int32_t i = 0; good && i < bands->count; i++) {
        char span[80];
        char pay[32];
        band_span(bands, i, "all of it", span);
        format_percent_ppm(bands->band[i].pay_ppm, pay);
        (void)snprintf(key, sizeof key, "risk_share/%s/%d", side, i + 1);
        good = clause_add(c, SECTION_RISK_SHARE, CLAUSE_PPM, bands->band[i].pay_ppm, key,
                          over ? "Value to date above plan, %s%s: %s is paid."
                               : "Value to date below plan, %s%s: %s is taken off the plan, the rest is paid.",
                          span, bands->count == 1 ? "" : " of plan", pay);
    }
    return good;
}

static bool add_bound(struct terms_clauses *c, int64_t ppm, bool cap)
{
    char share[32];
    if (ppm < 0) {
        return true;
    }
    format_percent_ppm(ppm, share);
    return clause_add(c, SECTION_RISK_SHARE, CLAUSE_PPM, ppm, cap ? "risk_share/cap" : "risk_share/collar", "%s %s %s",
                      cap ? "Cap: no more is paid than the plan to date and"
                          : "Collar: no less is paid than the plan to date less",
                      share, "of it.");
}

static bool add_risk_share(struct terms_clauses *c, const struct terms *t)
{
    const struct terms_risk_share *s = &t->risk_share;
    return !s->present || (add_side(c, &s->over, true) && add_side(c, &s->under, false) &&
                           add_bound(c, s->cap_ppm, true) && add_bound(c, s->collar_ppm, false));
}

static bool add_indicator(struct terms_clauses *c, const struct terms_indicator *in)
{
    char key[80];
    char weight[32];
    format_percent_ppm(in->weight_ppm, weight);
    (void)snprintf(key, sizeof key, "cquin/%s", in->id);
    bool good = clause_add(
        c, SECTION_CQUIN, CLAUSE_PPM, in->weight_ppm, key, "Indicator %s (%s): weight %s; %s.", in->id, in->label,
        weight, in->linear ? "between thresholds what is earned rises evenly" : "the highest threshold reached counts");
    for (int32_t i = 0; good && i < in->count; i++) {
        char at[32];
        char earns[32];
        format_percent_ppm(in->threshold[i].at_ppm, at);
        format_percent_ppm(in->threshold[i].earns_ppm, earns);
        (void)snprintf(key, sizeof key, "cquin/%s/%d", in->id, i + 1);
        good = clause_add(c, SECTION_CQUIN, CLAUSE_PPM, in->threshold[i].earns_ppm, key,
                          "Indicator %s, measure of %s: %s earned.", in->id, at, earns);
    }
    return good;
}

static bool add_exclusions(struct terms_clauses *c, const struct terms_cquin *q)
{
    char text[300];
    size_t length = 0;
    text[0] = '\0';
    for (int s = 0; s < STAGE_COUNT; s++) {
        if ((q->excluded_stages >> s & 1U) != 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length == 0 ? "" : ", ",
                                       stage_name((enum terms_stage)s));
        }
    }
    for (int cluster = 0; cluster < TERMS_CLUSTERS; cluster++) {
        if ((q->excluded_clusters >> cluster & 1U) != 0) {
            char code[3];
            cluster_code(cluster, code);
            length += (size_t)snprintf(text + length, sizeof text - length, "%sactivity of cluster %s",
                                       length == 0 ? "" : ", ", code);
        }
    }
    return length == 0 ||
           clause_add(c, SECTION_CQUIN, CLAUSE_WORDS, 0, "cquin/exclude", "Left out of its base: %s.", text);
}

static bool add_cquin(struct terms_clauses *c, const struct terms *t)
{
    const struct terms_cquin *q = &t->cquin;
    char rate[32];
    char assumed[32];
    if (!q->present) {
        return true;
    }
    format_percent_ppm(q->rate_ppm, rate);
    format_percent_ppm(q->on_account_ppm, assumed);
    bool good = clause_add(c, SECTION_CQUIN, CLAUSE_PPM, q->rate_ppm, "cquin_rate",
                           "CQUIN is %s of the sum of all amounts before it, for what its indicators achieve.", rate) &&
                clause_add(c, SECTION_CQUIN, CLAUSE_PPM, q->on_account_ppm, "cquin_on_account",
                           "Until both parties agree an achievement, %s is assumed.", assumed) &&
                add_exclusions(c, q);
    for (int32_t i = 0; good && i < q->count; i++) {
        good = add_indicator(c, &q->indicator[i]);
    }
    return good;
}

static bool add_withholds(struct terms_clauses *c, const struct terms *t)
{
    bool good = true;
    for (int32_t i = 0; good && i < t->withhold_count; i++) {
        const struct terms_withhold *w = &t->withhold[i];
        char key[80];
        char share[32];
        format_percent_ppm(w->share_ppm, share);
        (void)snprintf(key, sizeof key, "withhold/%s", w->id);
        good = clause_add(c, SECTION_WITHHOLDS, CLAUSE_PPM, w->share_ppm, key,
                          "Withhold %s (%s): the commissioner may hold back %s of a month's activity and its factor "
                          "until it is decided.",
                          w->id, w->label, share);
    }
    return good;
}

bool clauses_of_sharing(struct terms_clauses *c, const struct terms *t)
{
    bool good = true;
    for (int32_t i = 0; good && i < t->group_count; i++) {
        good = add_group(c, t, i);
    }
    return good && add_risk_share(c, t) && add_cquin(c, t) && add_withholds(c, t);
}
