#include "domain/bundle_inputs.h"

#include "base/ident.h"
#include "base/parse.h"
#include "domain/bundle_inputs_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool inputs_wrong(struct inputs_reading *r, const char *member, const char *message)
{
    (void)snprintf(r->problem->field, sizeof r->problem->field, "%s/%s", r->pointer, member);
    (void)snprintf(r->problem->message, sizeof r->problem->message, "%s", message);
    return false;
}

int inputs_place(const struct bundle_inputs *in, month_t month)
{
    month_t first = financial_year_first(in->financial_year);
    return month >= first && month < first + TERMS_MONTHS ? (int)(month - first) : -1;
}

bool inputs_month(struct inputs_reading *r, const json_t *entry, const char *member, month_t *out)
{
    const char *text = json_text(entry, member);
    return (text != NULL && month_parse(text, strlen(text), out) && inputs_place(r->in, *out) >= 0) ||
           inputs_wrong(r, member, "no month of the financial year");
}

bool inputs_instant(struct inputs_reading *r, const json_t *entry, const char *member, instant_t *out)
{
    const char *text = json_text(entry, member);
    char made[28];
    if (text == NULL || !instant_parse(text, strlen(text), out))
        return inputs_wrong(r, member, "no instant");
    instant_format(*out, made);
    return strcmp(made, text) == 0 || inputs_wrong(r, member, "an instant has six decimals and ends with Z");
}

bool inputs_digest(struct inputs_reading *r, const json_t *entry, const char *member, const char **out)
{
    *out = json_text(entry, member);
    return (*out != NULL && strlen(*out) == 64 && strspn(*out, "0123456789abcdef") == 64) ||
           inputs_wrong(r, member, "no SHA-256 in hexadecimal");
}

bool inputs_ident(struct inputs_reading *r, const json_t *entry, const char *member, const char **out)
{
    *out = json_text(entry, member);
    return (*out != NULL && ident_is_valid(*out)) || inputs_wrong(r, member, "no generated id");
}

void *inputs_list(struct inputs_reading *r, const char *name, const struct json_member *members, size_t size,
                  inputs_read_entry *take, size_t *count)
{
    const json_t *entries = json_object_get(r->in->json, name);
    size_t n = json_array_size(entries);
    char *made = r->failed ? NULL : calloc(n + 1, size);
    *count = made == NULL ? 0 : n;
    if (made == NULL) {
        if (!r->failed) {
            r->pointer[0] = '\0';
            r->failed = !inputs_wrong(r, name, "out of memory");
        }
        return NULL;
    }
    for (size_t i = 0; !r->failed && i < n; i++) {
        const json_t *entry = json_array_get(entries, i);
        char *out = made + i * size;
        (void)snprintf(r->pointer, sizeof r->pointer, "/%s/%zu", name, i);
        r->failed =
            !json_check(entry, members, r->pointer, r->problem) || !take(r, entry, out, i > 0 ? out - size : NULL);
    }
    return made;
}

#define DIGEST_TEXT(name)                                                                                              \
    {                                                                                                                  \
        name, JSON_KIND_TEXT, true, 64, 64                                                                             \
    }
#define INSTANT_TEXT(name)                                                                                             \
    {                                                                                                                  \
        name, JSON_KIND_TEXT, true, 27, 27                                                                             \
    }
#define MONTH_TEXT(name)                                                                                               \
    {                                                                                                                  \
        name, JSON_KIND_TEXT, true, 7, 7                                                                               \
    }
#define AMOUNT(name)                                                                                                   \
    {                                                                                                                  \
        name, JSON_KIND_INTEGER, true, INPUTS_LEAST, INPUTS_MOST                                                       \
    }
#define COUNT(name)                                                                                                    \
    {                                                                                                                  \
        name, JSON_KIND_INTEGER, true, 0, INPUTS_MOST                                                                  \
    }
#define LAST_MEMBER                                                                                                    \
    {                                                                                                                  \
        NULL, JSON_KIND_TEXT, false, 0, 0                                                                              \
    }

static bool read_terms(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_terms_known *t = out;
    const struct bundle_terms_known *before = last;
    t->version = (int32_t)json_int(entry, "version", 0);
    if (before != NULL && before->version >= t->version)
        return inputs_wrong(r, "version", "versions come in order");
    return inputs_instant(r, entry, "known_from", &t->known_from) && inputs_digest(r, entry, "sha256", &t->sha256);
}

static bool read_agreed(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    month_t month;
    (void)out;
    (void)last;
    if (!inputs_month(r, entry, "month", &month))
        return false;
    struct position_month *m = &r->in->months[inputs_place(r->in, month)];
    const char *kind = json_text(entry, "kind");
    if (m->agreement != 0)
        return inputs_wrong(r, "month", "a month is agreed once");
    if (strcmp(kind, "zero") != 0 && strcmp(kind, "estimate") != 0)
        return inputs_wrong(r, "kind", "kind is zero or estimate");
    m->source = strcmp(kind, "zero") == 0 ? MONTH_ZERO : MONTH_ESTIMATE;
    m->agreement = json_int(entry, "agreement", 0);
    return inputs_instant(r, entry, "agreed_at", &m->agreed_at);
}

static bool read_achievement(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct position_achievement *a = out;
    const struct position_achievement *before = last;
    a->indicator = json_text(entry, "indicator");
    a->numerator = json_int(entry, "numerator", 0);
    a->denominator = json_int(entry, "denominator", 0);
    a->disputed = json_bool(entry, "disputed", false);
    if (before != NULL && strcmp(before->indicator, a->indicator) >= 0)
        return inputs_wrong(r, "indicator", "indicators come in order, each once");
    return inputs_instant(r, entry, "agreed_at", &a->agreed_at);
}

static bool read_adjustment(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct position_adjustment *a = out;
    const struct position_adjustment *before = last;
    a->n = json_int(entry, "n", 0);
    a->pence = json_int(entry, "pence", 0);
    a->label = json_text(entry, "label");
    a->in_cquin = json_bool(entry, "in_cquin", false);
    a->reverses = json_int(entry, "reverses", 0);
    if (before != NULL && before->n >= a->n)
        return inputs_wrong(r, "n", "adjustments come in order of n");
    return inputs_month(r, entry, "month", &a->month) && inputs_instant(r, entry, "agreed_at", &a->agreed_at);
}

static bool read_withhold(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct position_withhold *w = out;
    const struct position_withhold *before = last;
    const char *decided = json_text(entry, "decided");
    w->id = json_text(entry, "id");
    if (!inputs_month(r, entry, "month", &w->month) || !inputs_instant(r, entry, "imposed_at", &w->imposed_at))
        return false;
    if (before != NULL && (before->month > w->month || (before->month == w->month && strcmp(before->id, w->id) >= 0)))
        return inputs_wrong(r, "id", "withholds come in order of month and id, each once");
    w->state = WITHHOLD_OPEN;
    if (decided == NULL)
        return true;
    if (strcmp(decided, "released") != 0 && strcmp(decided, "kept") != 0)
        return inputs_wrong(r, "decided", "decided is released or kept");
    w->state = strcmp(decided, "released") == 0 ? WITHHOLD_RELEASED : WITHHOLD_KEPT;
    w->decided_pence = json_int(entry, "decided_pence", 0);
    w->agreement = json_int(entry, "agreement", 0);
    return inputs_instant(r, entry, "decided_at", &w->decided_at);
}

static bool read_document(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_billed *d = out;
    const struct bundle_billed *before = last;
    instant_t at;
    const char *run;
    d->number = json_int(entry, "number", 0);
    d->kind = json_text(entry, "kind");
    d->pence = json_int(entry, "pence", 0);
    if (before != NULL && before->number >= d->number)
        return inputs_wrong(r, "number", "documents come in order of number");
    return inputs_ident(r, entry, "document", &d->document) && inputs_ident(r, entry, "run", &run) &&
           inputs_instant(r, entry, "issued_at", &at);
}

static bool read_opening(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_billed *d = out;
    instant_t at;
    (void)last;
    d->pence = json_int(entry, "pence", 0);
    return inputs_instant(r, entry, "agreed_at", &at);
}

static bool read_lists(struct inputs_reading *r)
{
    static const struct json_member terms[] = {{"version", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                               INSTANT_TEXT("known_from"),
                                               DIGEST_TEXT("sha256"),
                                               LAST_MEMBER};
    static const struct json_member agreed[] = {MONTH_TEXT("month"),
                                                {"kind", JSON_KIND_TEXT, true, 4, 8},
                                                {"agreement", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                INSTANT_TEXT("agreed_at"),
                                                LAST_MEMBER};
    static const struct json_member achievements[] = {
        {"indicator", JSON_KIND_TEXT, true, 1, 40},  COUNT("numerator"),        COUNT("denominator"),
        {"disputed", JSON_KIND_BOOLEAN, true, 0, 0}, INSTANT_TEXT("agreed_at"), LAST_MEMBER};
    static const struct json_member adjustments[] = {{"n", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                     MONTH_TEXT("month"),
                                                     AMOUNT("pence"),
                                                     {"label", JSON_KIND_TEXT, true, 0, 4000},
                                                     {"in_cquin", JSON_KIND_BOOLEAN, true, 0, 0},
                                                     {"reverses", JSON_KIND_INTEGER, false, 1, INT32_MAX},
                                                     INSTANT_TEXT("agreed_at"),
                                                     LAST_MEMBER};
    static const struct json_member withholds[] = {{"id", JSON_KIND_TEXT, true, 1, 40},
                                                   MONTH_TEXT("month"),
                                                   INSTANT_TEXT("imposed_at"),
                                                   {"decided", JSON_KIND_TEXT, false, 4, 8},
                                                   {"decided_at", JSON_KIND_TEXT, false, 27, 27},
                                                   {"decided_pence", JSON_KIND_INTEGER, false, 0, INPUTS_MOST},
                                                   {"agreement", JSON_KIND_INTEGER, false, 1, INT32_MAX},
                                                   LAST_MEMBER};
    static const struct json_member documents[] = {{"document", JSON_KIND_TEXT, true, 20, 20},
                                                   {"number", JSON_KIND_INTEGER, true, 1, INPUTS_MOST},
                                                   {"kind", JSON_KIND_TEXT, true, 1, 20},
                                                   {"run", JSON_KIND_TEXT, true, 20, 20},
                                                   AMOUNT("pence"),
                                                   INSTANT_TEXT("issued_at"),
                                                   LAST_MEMBER};
    static const struct json_member openings[] = {
        {"agreement", JSON_KIND_INTEGER, true, 1, INT32_MAX}, AMOUNT("pence"), INSTANT_TEXT("agreed_at"), LAST_MEMBER};
    struct bundle_inputs *in = r->in;
    size_t count = 0;
    free(inputs_list(r, "agreed_months", agreed, 1, read_agreed, &count));
    in->terms = inputs_list(r, "terms", terms, sizeof *in->terms, read_terms, &in->terms_count);
    in->achievements = inputs_list(r, "achievements", achievements, sizeof *in->achievements, read_achievement,
                                   &in->achievement_count);
    in->adjustments =
        inputs_list(r, "adjustments", adjustments, sizeof *in->adjustments, read_adjustment, &in->adjustment_count);
    in->withholds = inputs_list(r, "withholds", withholds, sizeof *in->withholds, read_withhold, &in->withhold_count);
    in->documents = inputs_list(r, "documents", documents, sizeof *in->documents, read_document, &in->document_count);
    in->openings = inputs_list(r, "opening_entries", openings, sizeof *in->openings, read_opening, &in->opening_count);
    return !r->failed;
}

/* The month that names a member of an object. */
static bool named_month(struct inputs_reading *r, const char *object, const char *name, month_t *month)
{
    (void)snprintf(r->pointer, sizeof r->pointer, "/%s", object);
    return (month_parse(name, strlen(name), month) && inputs_place(r->in, *month) >= 0) ||
           inputs_wrong(r, name, "no month of the financial year");
}

/* Their canonical bytes are what their digest is of. */
static bool read_reviews(struct inputs_reading *r, const json_t *periods, int place)
{
    unsigned char sha256[crypto_hash_sha256_BYTES];
    size_t length = 0;
    char *bytes = json_canonical(periods, &length);
    bool good = bytes != NULL && review_periods_read(bytes, length, &r->in->reviews[place]);
    if (good) {
        (void)crypto_hash_sha256(sha256, (const unsigned char *)bytes, length);
        hex_encode(sha256, sizeof sha256, r->in->reviews_sha256[place]);
    }
    free(bytes);
    return good || inputs_wrong(r, "review_periods", "no review periods by cluster");
}

static bool read_months(struct inputs_reading *r)
{
    static const struct json_member members[] = {{"submission", JSON_KIND_TEXT, true, 20, 20},
                                                 {"version", JSON_KIND_INTEGER, true, 1, INPUTS_MOST},
                                                 DIGEST_TEXT("sha256"),
                                                 INSTANT_TEXT("known_from"),
                                                 {"rule_set", JSON_KIND_TEXT, false, 1, 72},
                                                 {"reference", JSON_KIND_TEXT, false, 64, 64},
                                                 {"review_periods", JSON_KIND_OBJECT, true, 0, 0},
                                                 LAST_MEMBER};
    const char *name;
    json_t *entry;
    month_t first = financial_year_first(r->in->financial_year);
    for (month_t k = 0; k < TERMS_MONTHS; k++)
        r->in->months[k].month = first + k;
    json_object_foreach(json_object_get(r->in->json, "months"), name, entry)
    {
        month_t month;
        if (!named_month(r, "months", name, &month))
            return false;
        int place = inputs_place(r->in, month);
        struct position_month *m = &r->in->months[place];
        (void)snprintf(r->pointer, sizeof r->pointer, "/months/%s", name);
        if (!json_check(entry, members, r->pointer, r->problem) ||
            !inputs_ident(r, entry, "submission", &m->submission) || !inputs_digest(r, entry, "sha256", &m->sha256) ||
            !inputs_instant(r, entry, "known_from", &m->known_from) ||
            !read_reviews(r, json_object_get(entry, "review_periods"), place))
            return false;
        m->rule_set = json_text(entry, "rule_set");
        m->reference = json_text(entry, "reference");
        r->in->version[place] = json_int(entry, "version", 0);
    }
    return true;
}

static bool read_erased(struct inputs_reading *r)
{
    const char *name;
    json_t *count;
    json_object_foreach(json_object_get(r->in->json, "erased"), name, count)
    {
        month_t month;
        if (!named_month(r, "erased", name, &month))
            return false;
        if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > ROW_MOST)
            return inputs_wrong(r, name, "no number of rows");
        r->in->erased[inputs_place(r->in, month)] = json_integer_value(count);
    }
    return true;
}

static bool read_root(struct inputs_reading *r)
{
#define LIST_MEMBER(name)                                                                                              \
    {                                                                                                                  \
        name, JSON_KIND_ARRAY, true, 0, INPUTS_LIST_MOST                                                               \
    }
    static const struct json_member members[] = {{"@purpose", JSON_KIND_TEXT, true, 17, 17},
                                                 {"provider", JSON_KIND_TEXT, true, 3, 6},
                                                 {"contract", JSON_KIND_TEXT, true, 20, 20},
                                                 {"commissioner", JSON_KIND_TEXT, true, 3, 6},
                                                 {"financial_year", JSON_KIND_INTEGER, true, 1900, 2150},
                                                 {"engine", JSON_KIND_TEXT, true, 1, 60},
                                                 MONTH_TEXT("month"),
                                                 INSTANT_TEXT("known_at"),
                                                 {"months", JSON_KIND_OBJECT, true, 0, 0},
                                                 LIST_MEMBER("terms"),
                                                 LIST_MEMBER("agreed_months"),
                                                 LIST_MEMBER("achievements"),
                                                 LIST_MEMBER("adjustments"),
                                                 LIST_MEMBER("withholds"),
                                                 LIST_MEMBER("decisions"),
                                                 LIST_MEMBER("reattributions"),
                                                 LIST_MEMBER("challenges"),
                                                 LIST_MEMBER("elsewhere"),
                                                 LIST_MEMBER("same_day"),
                                                 LIST_MEMBER("documents"),
                                                 LIST_MEMBER("opening_entries"),
                                                 {"erased", JSON_KIND_OBJECT, true, 0, 0},
                                                 LAST_MEMBER};
    struct bundle_inputs *in = r->in;
    if (!json_check(in->json, members, "", r->problem))
        return false;
    if (strcmp(json_text(in->json, "@purpose"), BUNDLE_INPUTS_PURPOSE) != 0)
        return inputs_wrong(r, "@purpose", "not " BUNDLE_INPUTS_PURPOSE);
    in->provider = json_text(in->json, "provider");
    in->contract = json_text(in->json, "contract");
    in->commissioner = json_text(in->json, "commissioner");
    in->engine = json_text(in->json, "engine");
    in->financial_year = (int32_t)json_int(in->json, "financial_year", 0);
    return inputs_month(r, in->json, "month", &in->month) && inputs_instant(r, in->json, "known_at", &in->known_at);
}

bool bundle_inputs_read(const char *bytes, size_t length, struct bundle_inputs *out, struct json_problem *problem)
{
    struct inputs_reading r = {.in = out, .problem = problem};
    memset(out, 0, sizeof *out);
    out->json = json_read(bytes, length, problem);
    if (out->json == NULL)
        return false;
    if (read_root(&r) && read_months(&r) && read_erased(&r) && read_lists(&r) && inputs_read_rows(&r))
        return true;
    bundle_inputs_free(out);
    return false;
}

void bundle_inputs_free(struct bundle_inputs *in)
{
    for (size_t i = 0; i < in->challenge_count; i++)
        free(in->challenges[i].rows);
    for (size_t i = 0; i < in->same_day_count; i++)
        free(in->same_days[i].rows);
    free(in->terms);
    free(in->achievements);
    free(in->adjustments);
    free(in->withholds);
    free(in->decisions);
    free(in->moves);
    free(in->challenges);
    free(in->elsewhere);
    free(in->same_days);
    free(in->documents);
    free(in->openings);
    json_decref(in->json);
    memset(in, 0, sizeof *in);
}
