/* Pay against activity: where more of it is paid less.
 *
 * Of one account and month, let p be the value of one more unit. Each stage is piecewise linear in it:
 *   activity p; factor (f - 1) p; volume bands (r - 1) f p; risk share (s - 1) r f p; cap or collar, when it bites,
 *   -s r f p; so stages 1 to 5 together come to c s r f p, c being 0 or 1.
 * The format keeps f, r and s at 0 or more. So stages 1 to 5 never fall; and they never jump, for at an edge the value
 * belongs to either band alike, the plan being the same point from both sides, and a bound is reached and not skipped.
 * What pays less than nothing, edges out of order, and a cap below the collar are refused while reading. Rounding moves
 * a rounded value by half a penny at most, and each of these functions also rises when rounded, band by band.
 *
 * Block lines, adjustments and decided withholds do not move with activity. CQUIN is a share of its base, the lines
 * before it less the excluded ones. Nothing excluded, the base moves with stages 1 to 6, and so CQUIN never falls. But
 * with the activity, the factor or some clusters excluded, and not the lines by which the later stages take their value
 * back, the base falls by what they take: then pay as a whole falls wherever c s r f + rate * earned * (the sum of the
 * slopes of the lines in the base) < 0. This is constant between edges, so nothing can hide there. Each combination of
 * bands is tried for its sign; for those below 0 a point is looked for at the ends of its interval with the engine, and
 * made as small as it can be. */
#include "domain/money.h"
#include "domain/terms_lint_internal.h"

#include <stdlib.h>

__extension__ typedef __int128 wide_t;

/* Largest value of one count while looking: far above any account of a year. */
#define MOST_PENCE  INT64_C(100000000000)
#define MOST_LEVELS (2 * TERMS_MAX_BANDS + 3)
/* Units added that are tried: 1, 2, 4 ... */
#define MOST_MORE INT64_C(65536)

/* One account in one month; one product that rises beside another that does not. */
struct search {
    struct lint *l;
    const char *account;
    month_t month;
    struct lint_product products[TERMS_CLUSTERS];
    const struct lint_product *rises;
    const struct lint_product *beside; /* may be the same */
    bool best;                         /* measures met in full, not the assumption on account */
    int64_t earned_ppm;                /* of the whole of CQUIN */
    int64_t tolerance;                 /* pence that rounding may take */
};

static bool pay_at(const struct search *s, int64_t n, int64_t y, struct lint_pay *out)
{
    bool same = s->rises == s->beside;
    const struct lint_count counts[2] = {{s->rises, same ? n + y : n}, {s->beside, y}};
    return lint_position(s->l, s->account, s->month, counts, same ? 1 : 2, s->best, out);
}

/* By how much pay falls with so many more units, beyond what rounding may do; 0: it does not. */
static int64_t fall(const struct search *s, int64_t n, int64_t y, int64_t more)
{
    struct lint_pay before;
    struct lint_pay after;
    if (n < 0 || y < 0 || !pay_at(s, n, y, &before) || !pay_at(s, n + more, y, &after)) {
        return 0;
    }
    int64_t by = before.total - after.total;
    return by > s->tolerance ? by : 0;
}

static bool base_has(const struct terms *t, enum terms_stage stage)
{
    return (t->cquin.excluded_stages >> stage & 1U) == 0;
}

/* The sign of the slope of pay, for a group's rate r, the risk share's rate s and c. In 10^18ths of the unit's value.
 */
static bool slope_falls(const struct search *s, int64_t r_ppm, int64_t s_ppm, bool bounded)
{
    const struct terms *t = s->l->t;
    const wide_t one = PPM_ONE;
    const wide_t f = t->factor_ppm;
    bool excluded = (t->cquin.excluded_clusters >> s->rises->price->cluster & 1U) != 0;
    wide_t paid = f * r_ppm * s_ppm;
    wide_t base = 0;
    base += base_has(t, STAGE_ACTIVITY) && !excluded ? one * one * one : 0;
    base += base_has(t, STAGE_FACTOR) ? (f - one) * one * one : 0;
    base += base_has(t, STAGE_BANDS) ? f * (r_ppm - one) * one : 0;
    base += base_has(t, STAGE_RISK_SHARE) ? f * r_ppm * (s_ppm - one) : 0;
    base -= base_has(t, STAGE_CAP_COLLAR) && bounded ? paid : 0;
    return (bounded ? 0 : paid) * one * one + base * t->cquin.rate_ppm * s->earned_ppm < 0;
}

static bool falls_for_group_rate(const struct search *s, int64_t r_ppm, bool planned)
{
    const struct terms_risk_share *share = &s->l->t->risk_share;
    const struct terms_bands *sides[2] = {&share->over, &share->under};
    bool bounds = planned && share->present && (share->cap_ppm >= 0 || share->collar_ppm >= 0);
    bool falls = slope_falls(s, r_ppm, PPM_ONE, false) || (bounds && slope_falls(s, r_ppm, PPM_ONE, true));
    for (int side = 0; planned && side < 2; side++) {
        for (int32_t i = 0; i < sides[side]->count; i++) {
            int64_t pay = sides[side]->band[i].pay_ppm;
            falls = falls || slope_falls(s, r_ppm, pay, false) || (bounds && slope_falls(s, r_ppm, pay, true));
        }
    }
    return falls;
}

/* Whether pay falls in some combination of bands; whether that can be reached is not asked. */
static bool could_fall(const struct search *s, bool planned)
{
    int g = s->l->t->group_of[s->rises->price->cluster];
    if (g < 0) {
        return falls_for_group_rate(s, PPM_ONE, planned);
    }
    const struct terms_bands *bands = &s->l->t->group[g].bands;
    for (int32_t i = 0; i < bands->count; i++) {
        if (falls_for_group_rate(s, bands->band[i].pay_ppm, planned)) {
            return true;
        }
    }
    return false;
}

/* A level that pay reaches as activity rises: X >= at, or a bound of stage 5. */
struct level {
    enum { LEVEL_VALUE, LEVEL_COLLAR, LEVEL_CAP } kind;
    int64_t at;
};

static bool reached(const struct level *level, const struct lint_pay *pay)
{
    switch (level->kind) {
    case LEVEL_COLLAR:
        return pay->after_cap > pay->floor;
    case LEVEL_CAP:
        return pay->after_cap >= pay->ceiling;
    default:
        return pay->before_risk >= level->at;
    }
}

static int32_t levels_of(const struct search *s, int64_t planned, struct level out[MOST_LEVELS])
{
    const struct terms_risk_share *share = &s->l->t->risk_share;
    int32_t n = 0;
    out[n++] = (struct level){LEVEL_VALUE, planned};
    for (int32_t i = 0; i < share->over.count + share->under.count; i++) {
        bool over = i < share->over.count;
        const struct terms_band *band = over ? &share->over.band[i] : &share->under.band[i - share->over.count];
        int64_t edge = 0;
        if (band->to_ppm >= 0 && money_round_share(planned, band->to_ppm, &edge)) {
            out[n++] = (struct level){LEVEL_VALUE, over ? planned + edge : planned - edge};
        }
    }
    if (share->collar_ppm >= 0) {
        out[n++] = (struct level){LEVEL_COLLAR, 0};
    }
    if (share->cap_ppm >= 0) {
        out[n++] = (struct level){LEVEL_CAP, 0};
    }
    return n;
}

/* The fewest units beside with which a level is reached; -1: none. What is asked for rises with them. */
static int64_t units_to(const struct search *s, int64_t n, const struct level *level)
{
    int64_t low = -1;
    int64_t high = MOST_PENCE / s->beside->unit_pence;
    struct lint_pay pay;
    if (!pay_at(s, n, high, &pay) || !reached(level, &pay)) {
        return -1;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (!pay_at(s, n, middle, &pay)) {
            return -1;
        }
        if (reached(level, &pay)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

struct point {
    int64_t n;
    int64_t y;
    int64_t more;
};

/* Whether pay falls right behind a point, or on the way to it; the units added are as few as show it. */
static bool falls_near(const struct search *s, int64_t n, int64_t y, struct point *out)
{
    for (int64_t more = 1; more <= MOST_MORE; more *= 2) {
        if (fall(s, n, y, more) > 0) {
            *out = (struct point){n, y, more};
            return true;
        }
        if (fall(s, n - more, y, more) > 0) {
            *out = (struct point){n - more, y, more};
            return true;
        }
        if (fall(s, n, y - more, more) > 0) {
            *out = (struct point){n, y - more, more};
            return true;
        }
    }
    return false;
}

/* The least value for which it falls, given that it falls at high: of a point's part that lies at *part. */
static void lower(const struct search *s, struct point *p, int64_t *part, int64_t least)
{
    int64_t high = *part;
    int64_t low = least - 1;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *part = middle;
        if (fall(s, p->n, p->y, p->more) > 0) {
            high = middle;
        } else {
            low = middle;
        }
    }
    *part = high;
}

/* One unit less of any of the three shows no fall. */
static void make_smallest(const struct search *s, struct point *p)
{
    struct point before;
    do {
        before = *p;
        lower(s, p, &p->more, 1);
        lower(s, p, &p->y, 0);
        lower(s, p, &p->n, 0);
    } while (before.n != p->n || before.y != p->y || before.more != p->more);
}

/* Where the bands of the rising product's group begin, in its own units: n >= 0, each also one unit before. */
static int32_t group_points(const struct search *s, int64_t out[TERMS_MAX_BANDS + 1])
{
    const struct terms *t = s->l->t;
    int g = t->group_of[s->rises->price->cluster];
    int64_t planned = 0;
    int32_t n = 0;
    out[n++] = 0;
    for (int k = 0; g >= 0 && k <= s->month - financial_year_first(t->financial_year); k++) {
        int64_t by_group[TERMS_MAX_GROUPS + 1];
        planned += lint_plan(s->l, s->account, k, by_group) ? by_group[g] : 0;
    }
    for (int32_t i = 0; g >= 0 && i < t->group[g].bands.count; i++) {
        int64_t edge = 0;
        const struct terms_band *band = &t->group[g].bands.band[i];
        wide_t each = (wide_t)s->rises->unit_pence * t->factor_ppm;
        if (band->to_ppm >= 0 && each > 0 && money_round_share(planned, band->to_ppm, &edge)) {
            wide_t units = ((wide_t)edge * PPM_ONE + each - 1) / each;
            out[n++] = units < MOST_PENCE ? (int64_t)units : MOST_PENCE;
        }
    }
    return n;
}

/* Every interval is met at its ends, and the open one far behind its beginning. */
static bool search_pair(const struct search *s, int64_t planned, struct point *out)
{
    struct level levels[MOST_LEVELS];
    int64_t starts[TERMS_MAX_BANDS + 1];
    int32_t level_count = planned > 0 ? levels_of(s, planned, levels) : 0;
    int32_t start_count = group_points(s, starts);
    int64_t most = MOST_PENCE / s->beside->unit_pence;
    for (int32_t i = 0; i < start_count; i++) {
        int64_t farthest = 1;
        for (int32_t j = 0; j < level_count; j++) {
            int64_t y = units_to(s, starts[i], &levels[j]);
            farthest = y > farthest ? y : farthest;
            if (y >= 0 && falls_near(s, starts[i], y, out)) {
                return true;
            }
        }
        if (falls_near(s, starts[i], 0, out) ||
            falls_near(s, starts[i], farthest * 4 < most ? farthest * 4 : most, out)) {
            return true;
        }
    }
    return false;
}

static json_t *shown_fall(const struct search *s, const struct point *p)
{
    bool same = s->rises == s->beside;
    const struct lint_count rising = {s->rises, same ? p->n + p->y : p->n};
    const struct lint_count beside = {s->beside, same ? 0 : p->y};
    const struct lint_count more = {s->rises, p->more};
    struct lint_pay before;
    struct lint_pay after;
    char month[8];
    month_format(s->month, month);
    json_t *activity = json_pack("[o]", lint_count_json(&rising));
    if (activity == NULL || !pay_at(s, p->n, p->y, &before) || !pay_at(s, p->n + p->more, p->y, &after) ||
        (beside.units > 0 && json_array_append_new(activity, lint_count_json(&beside)) != 0)) {
        json_decref(activity);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "commissioner", s->account, "month", month, "measures",
                     s->best ? "met in full" : "none agreed", "activity", activity, "further", lint_count_json(&more),
                     "planned_pence", (json_int_t)before.planned, "pay_before_pence", (json_int_t)before.total,
                     "pay_after_pence", (json_int_t)after.total);
}

static void report(const struct search *s, const struct point *p)
{
    char code[3];
    char sum[MONEY_TEXT_SIZE];
    cluster_code(s->rises->price->cluster, code);
    money_format(fall(s, p->n, p->y, p->more), sum);
    lint_add(
        s->l, true, "pay_falls", "/cquin/exclude", shown_fall(s, p),
        "pay falls when activity rises: %lld more of cluster %s lower it by %s, because the base of CQUIN loses what "
        "later stages take back and does not hold what they take it from",
        (long long)p->more, code, sum);
}

/* What rises, beside each of the others and beside itself. */
static bool search_product(struct search *s, int64_t planned)
{
    struct point p;
    if (!could_fall(s, planned > 0)) {
        return false;
    }
    for (int c = 0; c <= TERMS_CLUSTERS; c++) {
        s->beside = c == 0 ? s->rises : &s->products[c - 1];
        if (s->beside->price != NULL && (c == 0 || s->beside != s->rises) && search_pair(s, planned, &p)) {
            make_smallest(s, &p);
            report(s, &p);
            return true;
        }
    }
    return false;
}

static bool search_month(struct search *s, month_t month)
{
    struct lint_pay pay;
    s->month = month;
    lint_products(s->l, s->account, month, s->products);
    s->beside = NULL;
    if (!lint_position(s->l, s->account, month, NULL, 0, s->best, &pay)) {
        return false;
    }
    for (int c = 0; c < TERMS_CLUSTERS; c++) {
        s->rises = &s->products[c];
        if (s->rises->price != NULL && search_product(s, pay.planned)) {
            return true;
        }
    }
    return false;
}

/* What is earned at most: with every measure met, or as assumed until one is agreed. */
static void best_of_cquin(struct search *s)
{
    const struct terms_cquin *c = &s->l->t->cquin;
    wide_t met = 0;
    for (int32_t i = 0; i < c->count; i++) {
        const struct terms_indicator *indicator = &c->indicator[i];
        met += (wide_t)indicator->weight_ppm * indicator->threshold[indicator->count - 1].earns_ppm;
    }
    s->earned_ppm = (int64_t)((met + PPM_ONE - 1) / PPM_ONE);
    s->best = s->earned_ppm >= c->on_account_ppm;
    s->earned_ppm = s->best ? s->earned_ppm : c->on_account_ppm;
    s->tolerance = c->count + 2;
}

void lint_pay_rises(struct lint *l)
{
    const struct terms *t = l->t;
    month_t april = financial_year_first(t->financial_year);
    if (!t->cquin.present || (t->cquin.excluded_stages == 0 && t->cquin.excluded_clusters == 0)) {
        return;
    }
    /* The plan grows with the months, so the first one shows the smallest figures; a group may be planned later. */
    for (size_t a = 0; a < l->account_count; a++) {
        struct search s = {.l = l, .account = l->account[a]};
        best_of_cquin(&s);
        for (month_t month = t->effective_from; month < april + TERMS_MONTHS; month++) {
            if (search_month(&s, month)) {
                return;
            }
        }
    }
}
