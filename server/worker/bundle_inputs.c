/* inputs.json of a bundle: what the run knew beside rows and terms. */
#include "worker/bundle.h"

#include "domain/bundle.h"
#include "domain/bundle_inputs.h"
#include "store/erasure.h"
#include "store/row_act.h"
#include "worker/kept_tags.h"

#include <stdlib.h>
#include <string.h>

/* Entries of a list that are sorted before they are written. */
struct act {
    month_t month;
    const char *sha256; /* of the row */
    int part;           /* of decisions: which of the three */
    json_t *entry;
};

static int compare_acts(const void *a, const void *b)
{
    const struct act *x = a;
    const struct act *y = b;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    int order = strcmp(x->sha256, y->sha256);
    return order != 0 ? order : x->part - y->part;
}

static const PGresult *episodes(const struct bundle_job *b)
{
    return b->s.rows.changes.episodes;
}

/* The place of a row in the submission that counts, by its episode id; -1: it is no more there. Of s.rows. */
static int bundle_touched(const struct bundle_job *b, const PGresult *r, int row)
{
    const PGresult *e = episodes(b);
    month_t month = pg_month(r, row, "month");
    const char *id = pg_text(r, row, "episode_id");
    int low = 0;
    int high = e == NULL ? 0 : PQntuples(e);
    while (low < high) {
        int middle = low + (high - low) / 2;
        month_t at = pg_month(e, middle, "month");
        int order = at != month ? (at < month ? -1 : 1) : strcmp(pg_text(e, middle, "episode_id"), id);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static bool is_own(const struct bundle_job *b, int place)
{
    return strcmp(pg_text(episodes(b), place, "commissioner"), b->subject.account.commissioner) == 0;
}

static bool put_change(json_t *entry, const PGresult *r, int row)
{
    if (!pg_is_null(r, row, "counter_cluster"))
        return json_put(entry, "cluster", json_string(pg_text(r, row, "counter_cluster")));
    if (!pg_is_null(r, row, "counter_days"))
        return json_put(entry, "payable_days", json_integer(pg_i64(r, row, "counter_days")));
    return json_put(entry, "not_payable", json_true());
}

static json_t *row_entry_json(const struct bundle_job *b, int place)
{
    return json_pack("{s:o, s:I}", "month", json_month(pg_month(episodes(b), place, "month")), "row",
                     (json_int_t)pg_i64(episodes(b), place, "row_no"));
}

/* The acts as a list, in order; frees them. */
static json_t *list_of(struct act *acts, size_t count, bool good)
{
    json_t *list = json_array();
    if (count > 0)
        qsort(acts, count, sizeof *acts, compare_acts);
    for (size_t i = 0; i < count; i++)
        good = json_array_append_new(list, acts[i].entry) == 0 && good;
    free(acts);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

/* Those that hold for the row as it is. */
static json_t *decisions(const struct bundle_job *b)
{
    const PGresult *r = b->s.rows.decided;
    struct act *acts = calloc((size_t)PQntuples(r) + 1, sizeof *acts);
    size_t count = 0;
    bool good = acts != NULL;
    for (int i = 0; good && i < PQntuples(r); i++) {
        int place = bundle_touched(b, r, i);
        if (place < 0 || !is_own(b, place) ||
            strcmp(pg_text(episodes(b), place, "sha256"), pg_text(r, i, "row_sha256")) != 0)
            continue;
        json_t *entry = row_entry_json(b, place);
        int part = !pg_is_null(r, i, "counter_cluster") ? 0 : pg_is_null(r, i, "counter_days") ? 1 : 2;
        good = entry != NULL && json_put(entry, "number", json_integer(pg_i64(r, i, "number"))) &&
               json_put(entry, "row_sha256", json_string(pg_text(r, i, "row_sha256"))) && put_change(entry, r, i) &&
               json_put(entry, "agreed_at", json_instant(pg_instant(r, i, "decided_at")));
        acts[count++] = (struct act){pg_month(r, i, "month"), pg_text(r, i, "row_sha256"), part, entry};
    }
    return list_of(acts, count, good);
}

static bool put_tag(const struct bundle_job *b, json_t *entry, int place)
{
    struct episode row;
    struct kept_tags kept;
    char tag[IDENT_SIZE];
    if (!row_act_episode(episodes(b), place, &row) ||
        kept_tags_load(b->pg, b->subject.account.provider, b->s.facts.financial_year, &kept) != PG_OK)
        return false;
    kept_tags_pseudonym(&kept, b->order->w->pseudonym_key, b->subject.account.commissioner, row.patient, tag);
    kept_tags_free(&kept);
    return json_put(entry, "tag", json_string(tag));
}

static json_t *reattributions(const struct bundle_job *b)
{
    const PGresult *r = b->s.rows.moved;
    const char *mine = b->subject.account.commissioner;
    struct act *acts = calloc((size_t)PQntuples(r) + 1, sizeof *acts);
    size_t count = 0;
    bool good = acts != NULL;
    for (int i = 0; good && i < PQntuples(r); i++) {
        int place = bundle_touched(b, r, i);
        bool here = strcmp(pg_text(r, i, "to_commissioner"), mine) == 0;
        if (place < 0 || here == is_own(b, place) ||
            strcmp(pg_text(episodes(b), place, "sha256"), pg_text(r, i, "row_sha256")) != 0)
            continue;
        json_t *entry = row_entry_json(b, place);
        good = entry != NULL && json_put(entry, "number", json_integer(pg_i64(r, i, "number"))) &&
               json_put(entry, "row_sha256", json_string(pg_text(r, i, "row_sha256"))) &&
               json_put(entry, "from", json_string(pg_text(episodes(b), place, "commissioner"))) &&
               json_put(entry, "to", json_string(pg_text(r, i, "to_commissioner"))) &&
               json_put(entry, "agreed_at", json_instant(pg_instant(r, i, "agreed_at"))) &&
               (!here || put_tag(b, entry, place));
        acts[count++] = (struct act){pg_month(r, i, "month"), pg_text(r, i, "row_sha256"), 0, entry};
    }
    return list_of(acts, count, good);
}

/* The rows of a challenge that are still there, from *at on. */
static json_t *challenged(const struct bundle_job *b, int64_t number, int *at)
{
    const PGresult *r = b->s.rows.countered;
    json_t *list = json_array();
    bool good = list != NULL;
    for (; *at < PQntuples(r) && pg_i64(r, *at, "number") <= number; ++*at) {
        int place = bundle_touched(b, r, *at);
        if (!good || pg_i64(r, *at, "number") != number || place < 0 || !is_own(b, place))
            continue;
        json_t *entry = row_entry_json(b, place);
        good = entry != NULL && put_change(entry, r, *at);
        good = json_array_append_new(list, entry) == 0 && good;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static const char *digest_in(const json_t *position, int64_t number)
{
    const json_t *inputs = json_object_get(position, "inputs");
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(inputs, "challenges"), i, entry)
    {
        if (json_int(entry, "number", 0) == number)
            return json_text(entry, "sha256");
    }
    return NULL;
}

/* Of the challenge's rows, as the statement's positions have it: an open challenge follows rows that are sent again,
 * and the database has the digest of now. NULL: it names no rows. */
static const char *pinned_digest(const struct bundle_job *b, int64_t number)
{
    const json_t *billing = json_object_get(b->statement, "billing");
    const char *digest = digest_in(json_object_get(b->statement, "position"), number);
    return digest != NULL ? digest : digest_in(json_object_get(billing, "position"), number);
}

static json_t *challenges(const struct bundle_job *b)
{
    const PGresult *r = b->s.rows.open;
    json_t *list = json_array();
    int at = 0;
    bool good = list != NULL;
    for (int i = 0; good && i < PQntuples(r); i++) {
        int64_t number = pg_i64(r, i, "number");
        const char *digest = pinned_digest(b, number);
        json_t *entry =
            json_pack("{s:I, s:o, s:I, s:b, s:o}", "number", (json_int_t)number, "month",
                      json_month(pg_month(r, i, "month")), "claimed_pence", (json_int_t)pg_i64(r, i, "claimed_pence"),
                      "billed", (int)pg_bool(r, i, "billed"), "raised_at", json_instant(pg_instant(r, i, "raised_at")));
        good = entry != NULL && json_put(entry, "rows", challenged(b, number, &at)) &&
               (digest == NULL || json_put(entry, "sha256", json_string(digest)));
        good = json_array_append_new(list, entry) == 0 && good;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *months(const struct bundle_job *b)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < b->s.months; i++) {
        const struct effective_submission *e = &b->s.submission[i];
        struct json_problem problem;
        char month[8];
        size_t length = 0;
        if (e->no == 0)
            continue;
        char *reviews = review_periods_bytes(&b->s.reviews[i].periods, &length);
        json_t *entry = json_pack("{s:s, s:I, s:s, s:o}", "submission", e->id, "version", (json_int_t)e->version,
                                  "sha256", e->sha256, "known_from", json_instant(e->known_from));
        month_format(e->month, month);
        good = entry != NULL && reviews != NULL &&
               (e->rule_set[0] == '\0' || json_put(entry, "rule_set", json_string(e->rule_set))) &&
               (e->reference[0] == '\0' || json_put(entry, "reference", json_string(e->reference))) &&
               json_put(entry, "review_periods", json_read(reviews, length, &problem));
        free(reviews);
        good = json_object_set_new(object, month, entry) == 0 && good;
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Appends; takes the reference. A NULL value marks failure. */
static bool append(json_t *list, json_t *entry)
{
    return json_array_append_new(list, entry) == 0;
}

static json_t *finished(json_t *list, bool good)
{
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *terms(const struct bundle_job *b)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < b->s.terms.count; i++) {
        const struct terms_version *v = &b->s.terms.version[i];
        good = append(list, json_pack("{s:i, s:o, s:s}", "version", (int)v->version, "known_from",
                                      json_instant(v->known_from), "sha256", v->digest));
    }
    return finished(list, good);
}

static json_t *agreed_months_of(const struct bundle_job *b)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < b->s.months; i++) {
        const struct position_month *m = &b->s.month[i];
        if (m->agreement != 0)
            good = append(list, json_pack("{s:o, s:s, s:I, s:o}", "month", json_month(m->month), "kind",
                                          m->source == MONTH_ZERO ? "zero" : "estimate", "agreement",
                                          (json_int_t)m->agreement, "agreed_at", json_instant(m->agreed_at)));
    }
    return finished(list, good);
}

static int compare_indicators(const void *a, const void *b)
{
    return strcmp((*(const struct position_achievement *const *)a)->indicator,
                  (*(const struct position_achievement *const *)b)->indicator);
}

static json_t *achievements(const struct bundle_job *b)
{
    json_t *list = json_array();
    size_t count = b->s.achievement_count;
    const struct position_achievement **sorted = calloc(count + 1, sizeof(void *));
    bool good = list != NULL && sorted != NULL;
    for (size_t i = 0; good && i < count; i++)
        sorted[i] = &b->s.achievements[i];
    if (good && count > 0)
        qsort(sorted, count, sizeof(void *), compare_indicators);
    for (size_t i = 0; good && i < count; i++) {
        const struct position_achievement *a = sorted[i];
        good = append(list, json_pack("{s:s, s:I, s:I, s:b, s:o}", "indicator", a->indicator, "numerator",
                                      (json_int_t)a->numerator, "denominator", (json_int_t)a->denominator, "disputed",
                                      (int)a->disputed, "agreed_at", json_instant(a->agreed_at)));
    }
    free(sorted);
    return finished(list, good);
}

static json_t *adjustments(const struct bundle_job *b)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < b->s.agreed.adjustment_count; i++) {
        const struct position_adjustment *a = &b->s.agreed.adjustments[i];
        json_t *entry = json_pack("{s:I, s:o, s:I, s:s, s:b, s:o}", "n", (json_int_t)a->n, "month",
                                  json_month(a->month), "pence", (json_int_t)a->pence, "label", a->label, "in_cquin",
                                  (int)a->in_cquin, "agreed_at", json_instant(a->agreed_at));
        good = (entry == NULL || a->reverses == 0 || json_put(entry, "reverses", json_integer(a->reverses)));
        good = append(list, entry) && good;
    }
    return finished(list, good);
}

static json_t *withholds(const struct bundle_job *b)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < b->s.agreed.withhold_count; i++) {
        const struct position_withhold *w = &b->s.agreed.withholds[i];
        json_t *entry = json_pack("{s:s, s:o, s:o}", "id", w->id, "month", json_month(w->month), "imposed_at",
                                  json_instant(w->imposed_at));
        if (entry != NULL && w->state != WITHHOLD_OPEN)
            good = json_put(entry, "decided", json_string(w->state == WITHHOLD_RELEASED ? "released" : "kept")) &&
                   json_put(entry, "decided_at", json_instant(w->decided_at)) &&
                   json_put(entry, "decided_pence", json_integer(w->decided_pence)) &&
                   json_put(entry, "agreement", json_integer(w->agreement));
        good = append(list, entry) && good;
    }
    return finished(list, good);
}

static json_t *places(const struct bundle_place *place, size_t count)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = append(list, json_pack("{s:o, s:i}", "month", json_month(place[i].month), "row", (int)place[i].row));
    return finished(list, good);
}

static json_t *same_days(const struct bundle_claims *c)
{
    json_t *list = json_array();
    bool good = list != NULL;
    const struct bundle_place *at = c->same_day;
    for (size_t i = 0; good && i < c->run_count; at += c->runs[i++]) {
        json_t *rows = json_array();
        for (size_t k = 0; good && k < c->runs[i]; k++)
            good = append(rows, json_integer(at[k].row));
        good = append(list, json_pack("{s:o, s:o}", "month", json_month(at->month), "rows", rows)) && good;
    }
    return finished(list, good);
}

static json_t *documents(const struct bundle_job *b)
{
    const PGresult *r = b->documents;
    json_t *list = json_array();
    bool good = list != NULL;
    for (int i = 0; good && i < b->document_count; i++)
        good = append(list, json_pack("{s:s, s:I, s:s, s:s, s:I, s:o}", "document", pg_text(r, i, "id"), "number",
                                      (json_int_t)pg_i64(r, i, "number"), "kind", pg_text(r, i, "kind"), "run",
                                      pg_text(r, i, "run"), "pence", (json_int_t)pg_i64(r, i, "balance_pence"),
                                      "issued_at", json_instant(pg_instant(r, i, "issued_at"))));
    return finished(list, good);
}

static json_t *openings(const struct bundle_job *b)
{
    const PGresult *r = b->openings;
    json_t *list = json_array();
    bool good = list != NULL;
    for (int i = 0; good && i < PQntuples(r); i++)
        good = append(list, json_pack("{s:I, s:I, s:o}", "agreement", (json_int_t)pg_i64(r, i, "agreement"), "pence",
                                      (json_int_t)pg_i64(r, i, "pence"), "agreed_at",
                                      json_instant(pg_instant(r, i, "agreed_at"))));
    return finished(list, good);
}

/* How many rows of each month lost their identity; NULL: out of memory, or the store failed. */
static json_t *erased(const struct bundle_job *b)
{
    const struct account_key *account = &b->subject.account;
    json_t *o = json_object();
    for (size_t i = 0; o != NULL && i < b->s.months; i++) {
        int64_t rows = 0;
        char month[8];
        if (b->s.submission[i].no == 0)
            continue;
        month_format(b->s.month[i].month, month);
        enum pg_status status =
            erasure_count(b->pg, account->provider, b->s.submission[i].no, account->commissioner, &rows);
        if (status != PG_OK || (rows > 0 && !json_put(o, month, json_integer(rows)))) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

bool bundle_write_inputs(struct bundle_job *b)
{
    const struct account_key *account = &b->subject.account;
    json_t *o = json_object();
    bool good = o != NULL && json_put(o, "@purpose", json_string(BUNDLE_INPUTS_PURPOSE)) &&
                json_put(o, "provider", json_string(account->provider)) &&
                json_put(o, "contract", json_string(account->contract)) &&
                json_put(o, "commissioner", json_string(account->commissioner)) &&
                json_put(o, "financial_year", json_integer(b->s.facts.financial_year)) &&
                json_put(o, "engine", json_string(json_text(b->statement, "engine"))) &&
                json_put(o, "month", json_month(b->run.month)) &&
                json_put(o, "known_at", json_instant(b->s.known_at)) && json_put(o, "months", months(b)) &&
                json_put(o, "terms", terms(b)) && json_put(o, "agreed_months", agreed_months_of(b)) &&
                json_put(o, "achievements", achievements(b)) && json_put(o, "adjustments", adjustments(b)) &&
                json_put(o, "withholds", withholds(b)) && json_put(o, "decisions", decisions(b)) &&
                json_put(o, "reattributions", reattributions(b)) && json_put(o, "challenges", challenges(b)) &&
                json_put(o, "elsewhere", places(b->claims.elsewhere, b->claims.elsewhere_count)) &&
                json_put(o, "same_day", same_days(&b->claims)) && json_put(o, "documents", documents(b)) &&
                json_put(o, "opening_entries", openings(b)) && json_put(o, "erased", erased(b));
    if (good)
        return bundle_member_json(b, BUNDLE_INPUTS, o, true);
    json_decref(o);
    return bundle_no_memory(b);
}
