/* The part of inputs.json that is about single rows. */
#include "domain/bundle_inputs_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROW_MEMBER                                                                                                     \
    {                                                                                                                  \
        "row", JSON_KIND_INTEGER, true, 1, ROW_MOST                                                                    \
    }
#define MONTH_MEMBER                                                                                                   \
    {                                                                                                                  \
        "month", JSON_KIND_TEXT, true, 7, 7                                                                            \
    }
#define LAST_MEMBER                                                                                                    \
    {                                                                                                                  \
        NULL, JSON_KIND_TEXT, false, 0, 0                                                                              \
    }
#define CHANGE_MEMBERS                                                                                                 \
    MONTH_MEMBER, ROW_MEMBER, {"cluster", JSON_KIND_TEXT, false, 2, 2},                                                \
        {"payable_days", JSON_KIND_INTEGER, false, 0, 31},                                                             \
    {                                                                                                                  \
        "not_payable", JSON_KIND_BOOLEAN, false, 0, 0                                                                  \
    }
#define ACT_MEMBERS                                                                                                    \
    {"number", JSON_KIND_INTEGER, true, 1, INT32_MAX}, {"row_sha256", JSON_KIND_TEXT, true, 64, 64},                   \
    {                                                                                                                  \
        "agreed_at", JSON_KIND_TEXT, true, 27, 27                                                                      \
    }

static bool read_change(struct inputs_reading *r, const json_t *entry, struct bundle_change *c)
{
    const char *cluster = json_text(entry, "cluster");
    c->cluster = -1;
    c->payable_days = (int32_t)json_int(entry, "payable_days", -1);
    c->not_payable = json_bool(entry, "not_payable", false);
    c->row = (int32_t)json_int(entry, "row", 0);
    if (cluster != NULL) {
        c->cluster = (int16_t)cluster_index(cluster);
        if (c->cluster < 0)
            return inputs_wrong(r, "cluster", "no cluster");
    }
    if ((cluster != NULL) + (c->payable_days >= 0) + c->not_payable != 1)
        return inputs_wrong(r, "cluster", "a change is of one of cluster, payable_days and not_payable");
    return inputs_month(r, entry, "month", &c->month);
}

/* By month, then digest. */
static int compare(month_t month, const char *sha256, month_t other_month, const char *other_sha256)
{
    return month != other_month ? (month < other_month ? -1 : 1) : strcmp(sha256, other_sha256);
}

static int part_of(const struct bundle_change *c)
{
    return c->cluster >= 0 ? 0 : c->not_payable ? 1 : 2;
}

/* Of a row one on its cluster and one on how much of it is paid. */
static bool follows(const struct bundle_decision *d, const struct bundle_decision *before)
{
    int order = compare(before->change.month, before->row_sha256, d->change.month, d->row_sha256);
    return order < 0 || (order == 0 && part_of(&before->change) == 0 && part_of(&d->change) > 0);
}

static bool read_decision(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_decision *d = out;
    const struct bundle_decision *before = last;
    d->number = json_int(entry, "number", 0);
    if (!read_change(r, entry, &d->change) || !inputs_digest(r, entry, "row_sha256", &d->row_sha256) ||
        !inputs_instant(r, entry, "agreed_at", &d->agreed_at))
        return false;
    return before == NULL || follows(d, before) ||
           inputs_wrong(r, "row_sha256", "decisions come in order of month and digest, one of a kind on each row");
}

static bool read_move(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_move *m = out;
    const struct bundle_move *before = last;
    m->number = json_int(entry, "number", 0);
    m->row = (int32_t)json_int(entry, "row", 0);
    m->from = json_text(entry, "from");
    m->to = json_text(entry, "to");
    bool in = strcmp(m->to, r->in->commissioner) == 0;
    bool out_of = strcmp(m->from, r->in->commissioner) == 0;
    if (in == out_of)
        return inputs_wrong(r, "to", "a row is moved out of the account or into it");
    if (in != (json_text(entry, "tag") != NULL))
        return inputs_wrong(r, "tag", "a row moved in has the pseudonym of its patient, and no other");
    if (!inputs_month(r, entry, "month", &m->month) || !inputs_digest(r, entry, "row_sha256", &m->row_sha256) ||
        !inputs_instant(r, entry, "agreed_at", &m->agreed_at) || (in && !inputs_ident(r, entry, "tag", &m->tag)))
        return false;
    return before == NULL || compare(before->month, before->row_sha256, m->month, m->row_sha256) < 0 ||
           inputs_wrong(r, "row_sha256", "reattributions come in order of month and digest, each row once");
}

static bool read_challenge_rows(struct inputs_reading *r, const json_t *entry, struct bundle_challenge *c)
{
    static const struct json_member members[] = {CHANGE_MEMBERS, LAST_MEMBER};
    const json_t *rows = json_object_get(entry, "rows");
    size_t count = json_array_size(rows);
    c->rows = calloc(count + 1, sizeof *c->rows);
    if (c->rows == NULL)
        return inputs_wrong(r, "rows", "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (!json_check(json_array_get(rows, i), members, r->pointer, r->problem) ||
            !read_change(r, json_array_get(rows, i), &c->rows[i]))
            return false;
    }
    c->row_count = count;
    return true;
}

static bool read_challenge(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_challenge *c = out;
    const struct bundle_challenge *before = last;
    c->challenge.number = json_int(entry, "number", 0);
    c->challenge.claimed_pence = json_int(entry, "claimed_pence", 0);
    c->challenge.billed = json_bool(entry, "billed", false);
    if (before != NULL && before->challenge.number >= c->challenge.number)
        return inputs_wrong(r, "number", "challenges come in order of number");
    if (json_text(entry, "sha256") != NULL && !inputs_digest(r, entry, "sha256", &c->challenge.sha256))
        return false;
    return inputs_month(r, entry, "month", &c->month) &&
           inputs_instant(r, entry, "raised_at", &c->challenge.raised_at) && read_challenge_rows(r, entry, c);
}

static bool read_row(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_row *e = out;
    const struct bundle_row *before = last;
    e->row = (int32_t)json_int(entry, "row", 0);
    if (!inputs_month(r, entry, "month", &e->month))
        return false;
    return before == NULL || before->month < e->month || (before->month == e->month && before->row < e->row) ||
           inputs_wrong(r, "row", "rows come in order of month and row, each once");
}

static bool read_same_day(struct inputs_reading *r, const json_t *entry, void *out, const void *last)
{
    struct bundle_same_day *s = out;
    const json_t *rows = json_object_get(entry, "rows");
    size_t count = json_array_size(rows);
    (void)last;
    if (!inputs_month(r, entry, "month", &s->month))
        return false;
    s->rows = calloc(count, sizeof *s->rows);
    if (s->rows == NULL)
        return inputs_wrong(r, "rows", "out of memory");
    for (size_t k = 0; k < count; k++) {
        json_int_t row = json_integer_value(json_array_get(rows, k));
        if (row < 1 || row > ROW_MOST)
            return inputs_wrong(r, "rows", "no row");
        s->rows[k] = (int32_t)row;
    }
    s->count = count;
    return true;
}

bool inputs_read_rows(struct inputs_reading *r)
{
    static const struct json_member decisions[] = {CHANGE_MEMBERS, ACT_MEMBERS, LAST_MEMBER};
    static const struct json_member moves[] = {MONTH_MEMBER,
                                               ROW_MEMBER,
                                               {"from", JSON_KIND_TEXT, true, 3, 6},
                                               {"to", JSON_KIND_TEXT, true, 3, 6},
                                               {"tag", JSON_KIND_TEXT, false, 20, 20},
                                               ACT_MEMBERS,
                                               LAST_MEMBER};
    static const struct json_member challenges[] = {MONTH_MEMBER,
                                                    {"number", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                    {"claimed_pence", JSON_KIND_INTEGER, true, 0, INPUTS_MOST},
                                                    {"billed", JSON_KIND_BOOLEAN, true, 0, 0},
                                                    {"raised_at", JSON_KIND_TEXT, true, 27, 27},
                                                    {"sha256", JSON_KIND_TEXT, false, 64, 64},
                                                    {"rows", JSON_KIND_ARRAY, true, 0, INPUTS_LIST_MOST},
                                                    LAST_MEMBER};
    static const struct json_member elsewhere[] = {MONTH_MEMBER, ROW_MEMBER, LAST_MEMBER};
    static const struct json_member same_day[] = {
        MONTH_MEMBER, {"rows", JSON_KIND_ARRAY, true, 2, INPUTS_LIST_MOST}, LAST_MEMBER};
    struct bundle_inputs *in = r->in;
    in->decisions = inputs_list(r, "decisions", decisions, sizeof *in->decisions, read_decision, &in->decision_count);
    in->moves = inputs_list(r, "reattributions", moves, sizeof *in->moves, read_move, &in->move_count);
    in->challenges =
        inputs_list(r, "challenges", challenges, sizeof *in->challenges, read_challenge, &in->challenge_count);
    in->elsewhere = inputs_list(r, "elsewhere", elsewhere, sizeof *in->elsewhere, read_row, &in->elsewhere_count);
    in->same_days = inputs_list(r, "same_day", same_day, sizeof *in->same_days, read_same_day, &in->same_day_count);
    return !r->failed;
}
