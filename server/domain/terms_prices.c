/* Prices: reading them, and refusing what would leave a day with two prices, or with none between two. */
#include "domain/terms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_member price_members[] = {
    {"cluster", JSON_KIND_TEXT, true, 2, 2},
    {"basis", JSON_KIND_TEXT, true, 1, 20},
    {"pence", JSON_KIND_INTEGER, true, 0, TERMS_MAX_PRICE},
    {"from", JSON_KIND_TEXT, false, 10, 10},
    {"to", JSON_KIND_TEXT, false, 10, 10},
    {"commissioner", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"service", JSON_KIND_TEXT, false, 1, TERMS_CODE_SIZE - 1},
    {"includes", JSON_KIND_TEXT, false, 1, 200},
    {"period_days", JSON_KIND_INTEGER, false, 1, 366},
    {"renewable", JSON_KIND_BOOLEAN, false, 0, 0},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool read_day(struct terms_reader *r, const json_t *object, const char *name, const char *pointer, date_t *out)
{
    const char *text = json_text(object, name);
    if (text == NULL) {
        return true;
    }
    char where[64];
    snprintf(where, sizeof where, "%s/%s", pointer, name);
    if (!date_parse(text, strlen(text), out)) {
        return terms_refuse(r, where, "must be a day, YYYY-MM-DD");
    }
    date_t first = month_first(financial_year_first(r->t->financial_year));
    date_t last = month_first(financial_year_first(r->t->financial_year + 1));
    if (*out < first || *out > last) {
        return terms_refuse(r, where, "must lie within the financial year");
    }
    return true;
}

/* A period is priced as a whole, so its length belongs to the price; no other basis has one. */
static bool read_period(struct terms_reader *r, const json_t *object, const char *pointer, struct terms_price *p)
{
    static const char *const members[] = {"period_days", "renewable"};
    char where[64];
    for (size_t i = 0; i < 2 && p->basis != BASIS_PERIOD; i++) {
        if (json_object_get(object, members[i]) != NULL) {
            snprintf(where, sizeof where, "%s/%s", pointer, members[i]);
            return terms_refuse(r, where, "belongs to PERIOD prices alone");
        }
    }
    p->period_days = (int32_t)json_int(object, "period_days", 0);
    p->renewable = json_bool(object, "renewable", false);
    if (p->basis == BASIS_PERIOD && p->period_days == 0) {
        snprintf(where, sizeof where, "%s/period_days", pointer);
        return terms_refuse(r, where, "is needed: the days that one price of PERIOD is for");
    }
    return true;
}

static bool read_price(struct terms_reader *r, const json_t *object, int32_t index, struct terms_price *p)
{
    char pointer[40];
    char where[64];
    snprintf(pointer, sizeof pointer, "/prices/%d", index);
    if (!json_check(object, price_members, pointer, r->problem)) {
        return false;
    }
    snprintf(where, sizeof where, "%s/cluster", pointer);
    if (!terms_read_cluster(r, json_object_get(object, "cluster"), where, &p->cluster)) {
        return false;
    }
    snprintf(where, sizeof where, "%s/basis", pointer);
    if (!terms_read_basis(r, json_text(object, "basis"), where, &p->basis)) {
        return false;
    }
    p->index = index;
    p->pence = json_int(object, "pence", 0);
    p->includes = json_text(object, "includes");
    p->from = month_first(financial_year_first(r->t->financial_year));
    p->to = month_first(financial_year_first(r->t->financial_year + 1));
    if (!read_period(r, object, pointer, p) || !read_day(r, object, "from", pointer, &p->from) ||
        !read_day(r, object, "to", pointer, &p->to) ||
        !terms_read_qualifiers(r, object, pointer, p->commissioner, p->service)) {
        return false;
    }
    if (p->from >= p->to) {
        snprintf(where, sizeof where, "%s/to", pointer);
        char from[11];
        date_format(p->from, from);
        (void)terms_contradiction(r, "price_without_days", where,
                                  json_pack("{s:s, s:I, s:i}", "from", from, "pence", (json_int_t)p->pence, "days", 0),
                                  "must be after from: it is the first day that the price no longer holds");
        return false;
    }
    return true;
}

static int compare_prices(const void *left, const void *right)
{
    const struct terms_price *a = left;
    const struct terms_price *b = right;
    if (a->cluster != b->cluster) {
        return a->cluster < b->cluster ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

static bool same_qualifiers(const struct terms_price *a, const struct terms_price *b)
{
    return strcmp(a->commissioner, b->commissioner) == 0 && strcmp(a->service, b->service) == 0;
}

/* Whether some row could meet the qualifiers of both. */
static bool compatible(const struct terms_price *a, const struct terms_price *b)
{
    return (a->commissioner[0] == '\0' || b->commissioner[0] == '\0' ||
            strcmp(a->commissioner, b->commissioner) == 0) &&
           (a->service[0] == '\0' || b->service[0] == '\0' || strcmp(a->service, b->service) == 0);
}

static int qualified(const struct terms_price *p)
{
    return (p->commissioner[0] != '\0') + (p->service[0] != '\0');
}

static bool is_split(const struct terms_price *p)
{
    return p->basis == BASIS_ADMITTED || p->basis == BASIS_NONADMITTED;
}

/* What a row of the qualifiers of one or two prices meets on a day. */
static json_t *shown_on(const struct terms_price *p, const struct terms_price *other, date_t day)
{
    char on[11];
    char code[3];
    json_t *shown = json_object();
    const char *who = p->commissioner[0] == '\0' && other != NULL ? other->commissioner : p->commissioner;
    const char *what = p->service[0] == '\0' && other != NULL ? other->service : p->service;
    date_format(day, on);
    cluster_code(p->cluster, code);
    bool good = json_put(shown, "cluster", json_string(code)) && json_put(shown, "day", json_string(on)) &&
                json_put(shown, "units", json_integer(1)) &&
                (who[0] == '\0' || json_put(shown, "commissioner", json_string(who))) &&
                (what[0] == '\0' || json_put(shown, "service", json_string(what)));
    if (good) {
        return shown;
    }
    json_decref(shown);
    return NULL;
}

/* Adds a price to it: where it stands, its basis and its pence. */
static json_t *with_price(json_t *shown, const char *name, const struct terms_price *p)
{
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/prices/%d", p->index);
    if (json_put(shown, name,
                 json_pack("{s:s, s:s, s:I}", "price", pointer, "basis", basis_name(p->basis), "pence",
                           (json_int_t)p->pence))) {
        return shown;
    }
    json_decref(shown);
    return NULL;
}

static bool refuse_price(struct terms_reader *r, const struct terms_price *p, const char *rule, const char *sentence,
                         const struct terms_price *other, date_t day)
{
    char pointer[40];
    char on[11];
    char code[3];
    snprintf(pointer, sizeof pointer, "/prices/%d", p->index);
    date_format(day, on);
    cluster_code(p->cluster, code);
    json_t *shown = with_price(shown_on(p, other, day), other == NULL ? "beside" : "either", p);
    if (other == NULL) {
        return terms_contradiction(r, rule, pointer, shown, "%s (cluster %s, %s, %s)", sentence, code,
                                   basis_name(p->basis), on);
    }
    return terms_contradiction(r, rule, pointer, with_price(shown, "or", other),
                               "%s (cluster %s, %s; see also "
                               "/prices/%d)",
                               sentence, code, on, other->index);
}

/* The way that a price charges days; ADMITTED and NONADMITTED are one. */
static enum basis charged_by(const struct terms_price *p)
{
    return p->basis == BASIS_ADMITTED ? BASIS_NONADMITTED : p->basis;
}

/* Whether some price of p's own series (cluster, basis and qualifiers) holds on a day. */
static bool series_holds(const struct terms *t, const struct terms_price *p, date_t day)
{
    for (int32_t i = t->first_price[p->cluster]; i < t->first_price[p->cluster + 1]; i++) {
        const struct terms_price *o = &t->price[i];
        if (o->basis == p->basis && day >= o->from && day < o->to && same_qualifiers(o, p)) {
            return true;
        }
    }
    return false;
}

/* Days on which prices of both a commissioner and a service hold: such a price is more specific than one of either, and
 * decides between them. */
struct decided {
    const char *commissioner;
    const char *service;
    bool assessment;
    date_t from;
    date_t to;
};

/* What is known of each price by its place, so that the pairs of 2,000 prices cost no more than one look each. */
enum { FROM_OPEN = 1, TO_OPEN = 2, OVERLAP_TOLD = 4, BASIS_TOLD = 8 };
struct price_check {
    struct terms_reader *r;
    unsigned char *known;
    struct decided *decided; /* in order of compare_decided; those of one pair neither meet nor overlap */
    size_t decided_count;
};

static int compare_pairs(const struct decided *a, const struct decided *b)
{
    int order = strcmp(a->commissioner, b->commissioner);
    order = order != 0 ? order : strcmp(a->service, b->service);
    return order != 0 ? order : a->assessment - b->assessment;
}

static int compare_decided(const void *left, const void *right)
{
    const struct decided *a = left;
    const struct decided *b = right;
    int order = compare_pairs(a, b);
    return order != 0 ? order : (a->from > b->from) - (a->from < b->from);
}

static void find_decided(struct price_check *c, const struct terms_price *first, const struct terms_price *end)
{
    struct decided *d = c->decided;
    size_t count = 0;
    for (const struct terms_price *p = first; p < end; p++) {
        if (qualified(p) == 2 && p->basis != BASIS_ADMITTED) {
            d[count++] = (struct decided){p->commissioner, p->service, p->basis == BASIS_ASSESSMENT, p->from, p->to};
        }
    }
    qsort(d, count, sizeof *d, compare_decided);
    c->decided_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct decided *last = c->decided_count > 0 ? &d[c->decided_count - 1] : NULL;
        if (last != NULL && compare_pairs(last, &d[i]) == 0 && d[i].from <= last->to) {
            last->to = d[i].to > last->to ? d[i].to : last->to;
        } else {
            d[c->decided_count++] = d[i];
        }
    }
}

/* The first day from day on, before end, that no price of both the commissioner of one and the service of the other
 * holds. end when there is none. */
static date_t first_undecided(const struct price_check *c, const struct terms_price *p, const struct terms_price *q,
                              date_t day, date_t end)
{
    const struct decided wanted = {p->commissioner[0] != '\0' ? p->commissioner : q->commissioner,
                                   p->service[0] != '\0' ? p->service : q->service, p->basis == BASIS_ASSESSMENT, day,
                                   end};
    size_t low = 0;
    size_t high = c->decided_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_decided(&c->decided[middle], &wanted) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct decided *last = low > 0 ? &c->decided[low - 1] : NULL; /* that begins by day, if it is of the pair */
    if (last == NULL || compare_pairs(last, &wanted) != 0 || last->to <= day) {
        return day;
    }
    return last->to < end ? last->to : end;
}

/* Which edges of a price lie within a month and are no edges of its series. */
static unsigned char open_edges(const struct terms *t, const struct terms_price *p)
{
    bool from = p->from != month_first(month_of(p->from)) && !series_holds(t, p, p->from - 1);
    bool to = p->to != month_first(month_of(p->to)) && !series_holds(t, p, p->to);
    return (unsigned char)((from ? FROM_OPEN : 0) | (to ? TO_OPEN : 0));
}

/* A change of basis in the middle of a month would leave it open what the admitted days of the month, or the days of a
 * period, are counted against. */
static bool check_change_of_basis(struct price_check *c, const struct terms_price *p, const struct terms_price *q)
{
    const struct terms_price *deciding = qualified(p) >= qualified(q) ? p : q;
    const struct terms_price *under = deciding == p ? q : p;
    unsigned char *known = &c->known[deciding - c->r->t->price];
    date_t edges[2] = {deciding->from, deciding->to};
    for (int i = 0; i < 2; i++) {
        /* In that month the deciding series covers some days; does the other one charge the rest? */
        month_t m = month_of(edges[i]);
        if ((*known & (i == 0 ? FROM_OPEN : TO_OPEN)) == 0 || (*known & BASIS_TOLD) != 0 ||
            under->from > month_last(m) || under->to <= month_first(m)) {
            continue;
        }
        *known |= BASIS_TOLD;
        if (!refuse_price(
                c->r, deciding, "price_basis_in_month",
                "a cluster may change between DAY, ADMITTED with NONADMITTED, and PERIOD only at the turn of a month",
                under, edges[i])) {
            return false;
        }
    }
    return true;
}

/* A price is told once, against the first other, of either fault. */
static bool check_pair(struct price_check *c, const struct terms_price *p, const struct terms_price *q)
{
    bool assessment = p->basis == BASIS_ASSESSMENT;
    if (assessment != (q->basis == BASIS_ASSESSMENT) || !compatible(p, q)) {
        return true;
    }
    bool partners = is_split(p) && is_split(q) && p->basis != q->basis;
    date_t day = p->from > q->from ? p->from : q->from;
    date_t end = p->to < q->to ? p->to : q->to;
    unsigned char *known = &c->known[q - c->r->t->price];
    if (day < end && !partners && qualified(p) == qualified(q)) {
        if ((*known & OVERLAP_TOLD) != 0) {
            return true;
        }
        day = same_qualifiers(p, q) ? day : first_undecided(c, p, q, day, end);
        if (day == end) {
            return true;
        }
        *known |= OVERLAP_TOLD;
        return refuse_price(c->r, q, "price_overlap", "two prices apply equally to the same day", p, day);
    }
    if (!assessment && charged_by(p) != charged_by(q)) {
        return check_change_of_basis(c, p, q);
    }
    return true;
}

/* ADMITTED without NONADMITTED, or the reverse: the other series must hold on the first day, and again wherever one of
 * its prices ends before this one does. */
static bool check_partner(struct terms_reader *r, const struct terms_price *p)
{
    const struct terms *t = r->t;
    struct terms_price partner = *p;
    partner.basis = p->basis == BASIS_ADMITTED ? BASIS_NONADMITTED : BASIS_ADMITTED;
    bool holds = series_holds(t, &partner, p->from);
    date_t day = p->from;
    for (int32_t i = t->first_price[p->cluster]; holds && i < t->first_price[p->cluster + 1]; i++) {
        const struct terms_price *o = &t->price[i];
        if (o->basis == partner.basis && same_qualifiers(o, p) && o->to > p->from && o->to < p->to) {
            day = o->to;
            holds = series_holds(t, &partner, day);
        }
    }
    if (!holds) {
        return refuse_price(r, p, "price_without_partner",
                            "ADMITTED and NONADMITTED prices come together, for the same days and qualifiers", NULL,
                            day);
    }
    return true;
}

/* A gap between two prices of one series, and ADMITTED without NONADMITTED or the reverse. */
static bool check_series(struct terms_reader *r, const struct terms_price *p)
{
    const struct terms *t = r->t;
    bool later = false;
    for (int32_t i = t->first_price[p->cluster]; i < t->first_price[p->cluster + 1]; i++) {
        const struct terms_price *o = &t->price[i];
        later = later || (o->basis == p->basis && same_qualifiers(o, p) && o->from > p->to);
    }
    if (later && !series_holds(t, p, p->to) &&
        !refuse_price(r, p, "price_gap", "no price holds from this day until the next one begins", NULL, p->to)) {
        return false;
    }
    if (!is_split(p)) {
        return true;
    }
    return check_partner(r, p);
}

static void index_prices(struct terms *t)
{
    int32_t next = 0;
    for (int c = 0; c <= TERMS_CLUSTERS; c++) {
        while (next < t->price_count && t->price[next].cluster < c) {
            next++;
        }
        t->first_price[c] = next;
    }
}

static bool check_cluster(struct price_check *c, int cluster)
{
    const struct terms *t = c->r->t;
    int32_t first = t->first_price[cluster];
    int32_t end = t->first_price[cluster + 1];
    find_decided(c, t->price + first, t->price + end);
    for (int32_t i = first; i < end; i++) {
        c->known[i] = open_edges(t, &t->price[i]);
    }
    for (int32_t i = first; i < end; i++) {
        for (int32_t j = first; j < i; j++) {
            if (!check_pair(c, &t->price[j], &t->price[i])) {
                return false;
            }
        }
    }
    for (int32_t i = first; i < end; i++) {
        if (!check_series(c->r, &t->price[i])) {
            return false;
        }
    }
    return true;
}

static bool check_prices(struct terms_reader *r)
{
    size_t count = r->t->price_count > 0 ? (size_t)r->t->price_count : 1;
    struct price_check c = {
        .r = r, .known = calloc(count, sizeof *c.known), .decided = calloc(count, sizeof *c.decided)};
    bool good = c.known != NULL && c.decided != NULL;
    if (!good) {
        (void)terms_no_memory(r);
    }
    for (int cluster = 0; good && cluster < TERMS_CLUSTERS; cluster++) {
        good = check_cluster(&c, cluster);
    }
    free(c.known);
    free(c.decided);
    return good;
}

bool terms_read_prices(struct terms_reader *r)
{
    struct terms *t = r->t;
    const json_t *array = json_object_get(t->source, "prices");
    size_t count = json_array_size(array);
    t->price = calloc(count > 0 ? count : 1, sizeof *t->price);
    if (t->price == NULL) {
        return terms_no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_price(r, json_array_get(array, i), (int32_t)i, &t->price[i])) {
            return false;
        }
        t->price_count = (int32_t)(i + 1);
    }
    qsort(t->price, count, sizeof *t->price, compare_prices);
    index_prices(t);
    return check_prices(r);
}
