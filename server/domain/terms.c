#include "domain/terms.h"

#include "domain/terms_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const basis_names[BASIS_COUNT] = {"DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT"};
static const char *const stage_names[STAGE_COUNT] = {"activity", "factor",     "bands",    "risk_share", "cap_collar",
                                                     "block",    "adjustment", "withhold", "cquin",      "contested"};

const char *basis_name(enum basis b)
{
    return basis_names[b];
}

const char *stage_name(enum terms_stage s)
{
    return stage_names[s];
}

int cluster_index(const char *code)
{
    if (code[0] < '0' || code[0] > '2' || code[1] < '0' || code[1] > '9' || code[2] != '\0') {
        return -1;
    }
    int cluster = (code[0] - '0') * 10 + (code[1] - '0');
    return cluster == 9 || cluster >= TERMS_CLUSTERS ? -1 : cluster;
}

void cluster_code(int cluster, char out[3])
{
    out[0] = (char)('0' + cluster / 10 % 10);
    out[1] = (char)('0' + cluster % 10);
    out[2] = '\0';
}

void terms_free(struct terms *t)
{
    if (t == NULL) {
        return;
    }
    free(t->price);
    free(t->plan);
    free(t->plan_sum);
    free(t->block);
    free(t->group);
    free(t->cquin.indicator);
    free(t->withhold);
    terms_examples_free(t);
    free(t->rules.severity);
    free(t->rules.out_of_scope);
    free(t->rules.approval_service);
    json_decref(t->source);
    free(t);
}

char *terms_canonical(const struct terms *t, size_t *length)
{
    return json_canonical(t->source, length);
}

const struct terms_version *terms_in_force(const struct terms_version *versions, size_t count, month_t month,
                                           instant_t known_at)
{
    const struct terms_version *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct terms_version *v = &versions[i];
        if (v->known_from > known_at || v->terms->effective_from > month) {
            continue;
        }
        if (best == NULL || v->known_from > best->known_from ||
            (v->known_from == best->known_from && v->version > best->version)) {
            best = v;
        }
    }
    return best;
}

/* How specific a price is, or -1 when it does not apply. A service is no more specific than a commissioner: prices that
 * would tie were refused. */
static int specificity(const struct terms_price *p, const char *commissioner, const char *service, date_t day)
{
    if (day < p->from || day >= p->to) {
        return -1;
    }
    int score = 0;
    if (p->commissioner[0] != '\0') {
        if (strcmp(p->commissioner, commissioner) != 0) {
            return -1;
        }
        score++;
    }
    if (p->service[0] != '\0') {
        if (strcmp(p->service, service) != 0) {
            return -1;
        }
        score++;
    }
    return score;
}

/* The price that decides how the days of a cluster are charged: the most specific of DAY, PERIOD and NONADMITTED (which
 * comes with ADMITTED). */
static const struct terms_price *deciding_price(const struct terms *t, int cluster, const char *commissioner,
                                                const char *service, date_t day, int *score)
{
    const struct terms_price *best = NULL;
    *score = -1;
    for (int32_t i = t->first_price[cluster]; i < t->first_price[cluster + 1]; i++) {
        const struct terms_price *p = &t->price[i];
        if (p->basis == BASIS_ADMITTED || p->basis == BASIS_ASSESSMENT) {
            continue;
        }
        int s = specificity(p, commissioner, service, day);
        if (s > *score) {
            *score = s;
            best = p;
        }
    }
    return best;
}

enum day_basis terms_day_basis(const struct terms *t, int cluster, const char *commissioner, const char *service,
                               date_t day)
{
    int score;
    const struct terms_price *p = deciding_price(t, cluster, commissioner, service, day, &score);
    if (p == NULL) {
        return DAYS_UNPRICED;
    }
    if (p->basis == BASIS_DAY) {
        return DAYS_DAY;
    }
    return p->basis == BASIS_PERIOD ? DAYS_PERIOD : DAYS_SPLIT;
}

const struct terms_price *terms_price_on(const struct terms *t, int cluster, enum basis basis, const char *commissioner,
                                         const char *service, date_t day)
{
    int wanted = -1;
    if (basis != BASIS_ASSESSMENT) {
        const struct terms_price *p = deciding_price(t, cluster, commissioner, service, day, &wanted);
        if (p == NULL || p->basis == basis) {
            return p;
        }
        if (p->basis != BASIS_NONADMITTED || basis != BASIS_ADMITTED) {
            return NULL;
        }
    }
    /* ADMITTED: the partner of the deciding NONADMITTED price, which is just as specific. */
    const struct terms_price *best = NULL;
    int score = -1;
    for (int32_t i = t->first_price[cluster]; i < t->first_price[cluster + 1]; i++) {
        const struct terms_price *p = &t->price[i];
        int s = p->basis == basis ? specificity(p, commissioner, service, day) : -1;
        if (s > score && (wanted < 0 || s == wanted)) {
            score = s;
            best = p;
        }
    }
    return best;
}

date_t terms_next_change(const struct terms *t, int cluster, date_t day, date_t behind)
{
    date_t next = behind;
    for (int32_t i = t->first_price[cluster]; i < t->first_price[cluster + 1]; i++) {
        const struct terms_price *p = &t->price[i];
        next = p->from > day && p->from < next ? p->from : next;
        next = p->to > day && p->to < next ? p->to : next;
    }
    return next;
}

const char *terms_severity(const struct terms *t, const char *rule, const char *fallback)
{
    for (int32_t i = 0; i < t->rules.severity_count; i++) {
        if (strcmp(t->rules.severity[i].rule, rule) == 0) {
            return t->rules.severity[i].severity;
        }
    }
    if (strcmp(rule, "M03") == 0 && !t->rules.require_mhct) {
        return "QUERY";
    }
    return fallback;
}

static bool listed(char (*codes)[TERMS_CODE_SIZE], int32_t count, const char *code)
{
    if (code == NULL || code[0] == '\0') {
        return false;
    }
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(codes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

bool terms_out_of_scope(const struct terms *t, const char *service)
{
    return listed(t->rules.out_of_scope, t->rules.out_of_scope_count, service);
}

bool terms_needs_approval(const struct terms *t, const char *cluster, const char *service)
{
    int c = cluster_index(cluster);
    return (c >= 0 && (t->rules.approval_clusters >> c & 1U) != 0) ||
           listed(t->rules.approval_service, t->rules.approval_service_count, service);
}

const json_t *terms_party(const struct terms *t, const char *code)
{
    return json_object_get(json_object_get(t->source, "parties"), code);
}
