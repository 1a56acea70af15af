#include "domain/statement.h"

#include "domain/money.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool put_text(json_t *object, const char *name, const char *text)
{
    return json_put(object, name, text == NULL ? json_null() : json_string(text));
}

static bool put_month(json_t *object, const char *name, month_t month)
{
    char text[8];
    month_format(month, text);
    return put_text(object, name, text);
}

static bool put_instant(json_t *object, const char *name, instant_t instant)
{
    char text[28];
    instant_format(instant, text);
    return put_text(object, name, text);
}

static bool put_integer(json_t *object, const char *name, int64_t value)
{
    return json_put(object, name, json_integer(value));
}

static json_t *account_of(const struct statement_input *in)
{
    json_t *o = json_object();
    if (o != NULL && put_text(o, "provider", in->provider) && put_text(o, "contract", in->contract) &&
        put_text(o, "commissioner", in->commissioner) && put_integer(o, "financial_year", in->financial_year) &&
        put_text(o, "mode", in->shadow ? "shadow" : "live"))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *run_of(const struct statement_input *in)
{
    json_t *o = json_object();
    if (o != NULL && put_text(o, "id", in->run) && put_text(o, "type", in->type) && put_integer(o, "n", in->n) &&
        put_month(o, "month", in->month) && put_text(o, "cause", in->cause))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *trees_of(const struct statement_submission *s)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < s->tree_count; i++) {
        const struct statement_tree *t = &s->trees[i];
        if (json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "commissioner", t->commissioner, "rows",
                                                  (json_int_t)t->rows, "root", t->root)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *submission_of(const struct statement_submission *s)
{
    json_t *o = json_object();
    if (o != NULL && put_month(o, "month", s->month) && put_integer(o, "version", s->version) &&
        put_text(o, "submission", s->id) && put_text(o, "sha256", s->sha256) && put_integer(o, "bytes", s->bytes) &&
        put_integer(o, "rows", s->rows) && json_put(o, "trees", trees_of(s)))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *submissions_of(const struct statement_input *in)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < in->submission_count; i++) {
        /* Fails for a NULL value too. */
        if (json_array_append_new(list, submission_of(&in->submissions[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* What is billed. The document is repeated only when it is another month's than the run's. */
static json_t *billing_of(const struct statement_input *in)
{
    if (in->billed_position == NULL)
        return json_null();
    json_t *o = json_object();
    bool same = strcmp(in->billed_sha256, in->position_sha256) == 0;
    json_t *document = same ? json_null() : json_deep_copy(in->billed_position);
    if (o != NULL && json_put(o, "position", document) && put_text(o, "position_sha256", in->billed_sha256) &&
        put_month(o, "month", in->billed_month) && put_integer(o, "billable_pence", in->billable_pence) &&
        (in->opening_pence == 0 || put_integer(o, "opening_pence", in->opening_pence)) &&
        (!in->on_account || put_integer(o, "on_account_pence", in->on_account_pence)))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *draft_of(const struct statement_input *in)
{
    if (in->draft == NULL)
        return json_null();
    json_t *o = json_object();
    if (o != NULL && put_text(o, "id", in->draft) && put_text(o, "kind", in->draft_kind) &&
        put_integer(o, "balance_pence", in->billable_pence - in->billed_before_pence))
        return o;
    json_decref(o);
    return NULL;
}

static bool put_money(json_t *o, const struct statement_input *in)
{
    bool bills = in->billed_position != NULL;
    return json_put(o, "billed_before_pence", bills ? json_integer(in->billed_before_pence) : json_null()) &&
           json_put(o, "balance_pence",
                    bills ? json_integer(in->billable_pence - in->billed_before_pence) : json_null()) &&
           json_put(o, "billing", billing_of(in)) && json_put(o, "draft", draft_of(in)) &&
           json_put(o, "position", json_deep_copy(in->position)) &&
           put_text(o, "position_sha256", in->position_sha256) && put_integer(o, "position_pence", in->position_pence);
}

char *statement_bytes(const struct statement_input *in, size_t *length)
{
    json_t *o = json_object();
    char *bytes = NULL;
    if (o != NULL && put_text(o, "@purpose", STATEMENT_PURPOSE) && json_put(o, "account", account_of(in)) &&
        put_text(o, "clock", in->demonstration ? "demonstration" : "service") && put_text(o, "engine", in->engine) &&
        put_text(o, "key_id", in->key_id) && put_text(o, "previous_sha256", in->previous_sha256) &&
        json_put(o, "run", run_of(in)) && put_instant(o, "sealed_at", in->sealed_at) &&
        put_integer(o, "sequence", in->sequence) && json_put(o, "submissions", submissions_of(in)) &&
        put_money(o, in) && (in->bridges == NULL || json_put(o, "bridges", json_deep_copy(in->bridges))))
        bytes = json_canonical(o, length);
    json_decref(o);
    return bytes;
}

/* What a check looks at, and where it writes what it found. */
struct check {
    const json_t *statement;
    char *where;
    size_t size;
};

__attribute__((format(printf, 3, 4))) static enum statement_check found(struct check *c, enum statement_check what,
                                                                        const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(c->where, c->size, format, values);
    va_end(values);
    return what;
}

/* null is allowed where nullable says so; json_check takes null as absent for members that are not required. */
static const struct json_member statement_members[] = {
    {"@purpose", JSON_KIND_TEXT, true, 1, 100},
    {"account", JSON_KIND_OBJECT, true, 0, 0},
    {"balance_pence", JSON_KIND_INTEGER, false, INT64_MIN, INT64_MAX},
    {"billed_before_pence", JSON_KIND_INTEGER, false, INT64_MIN, INT64_MAX},
    {"billing", JSON_KIND_OBJECT, false, 0, 0},
    {"bridges", JSON_KIND_ARRAY, false, 0, 12},
    {"clock", JSON_KIND_TEXT, true, 1, 20},
    {"draft", JSON_KIND_OBJECT, false, 0, 0},
    {"engine", JSON_KIND_TEXT, true, 1, 100},
    {"key_id", JSON_KIND_TEXT, true, 16, 16},
    {"position", JSON_KIND_OBJECT, true, 0, 0},
    {"position_pence", JSON_KIND_INTEGER, true, INT64_MIN, INT64_MAX},
    {"position_sha256", JSON_KIND_TEXT, true, 64, 64},
    {"previous_sha256", JSON_KIND_TEXT, false, 64, 64},
    {"run", JSON_KIND_OBJECT, true, 0, 0},
    {"sealed_at", JSON_KIND_TEXT, true, 20, 30},
    {"sequence", JSON_KIND_INTEGER, true, 1, INT64_MAX},
    {"submissions", JSON_KIND_ARRAY, true, 0, 12},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static enum statement_check check_members(struct check *c)
{
    struct json_problem problem;
    if (!json_check(c->statement, statement_members, "", &problem))
        return found(c, STATEMENT_INCOMPLETE, "%s: %s", problem.field, problem.message);
    return STATEMENT_GOOD;
}

static bool digest_of(const json_t *value, char out[65])
{
    size_t length = 0;
    unsigned char sha256[32];
    char *bytes = json_canonical(value, &length);
    if (bytes == NULL)
        return false;
    crypto_hash_sha256(sha256, (const unsigned char *)bytes, length);
    hex_encode(sha256, sizeof sha256, out);
    free(bytes);
    return true;
}

static bool sum_lines(const json_t *position, bool billable_alone, int64_t *sum)
{
    size_t i;
    json_t *line;
    *sum = 0;
    json_array_foreach(json_object_get(position, "lines"), i, line)
    {
        if (billable_alone && !json_bool(line, "billable", false))
            continue;
        if (__builtin_add_overflow(*sum, json_int(line, "pence", 0), sum))
            return false;
    }
    return true;
}

static enum statement_check check_sums(struct check *c, const char *name, const json_t *position)
{
    static const struct {
        const char *member;
        bool billable_alone;
    } sums[] = {{"total_pence", false}, {"billable_pence", true}};
    for (size_t i = 0; i < 2; i++) {
        int64_t sum = 0;
        int64_t stated = json_int(position, sums[i].member, 0);
        if (!sum_lines(position, sums[i].billable_alone, &sum) || sum != stated ||
            !json_is_integer(json_object_get(position, sums[i].member)))
            return found(c, STATEMENT_POSITION_LINES, "%s/%s is %lld, but its lines add up to %lld", name,
                         sums[i].member, (long long)stated, (long long)sum);
    }
    return STATEMENT_GOOD;
}

/* A position embedded in the statement: its digest, its sums, and that it is of this account. */
static enum statement_check check_position(struct check *c, const char *name, const json_t *position,
                                           const char *sha256, const char *month)
{
    static const char *const same[] = {"provider", "contract", "commissioner"};
    char digest[65];
    if (!digest_of(position, digest) || strcmp(digest, sha256) != 0)
        return found(c, STATEMENT_POSITION_DIGEST, "%s has SHA-256 %s, but the statement says %s", name, digest,
                     sha256);
    enum statement_check sums = check_sums(c, name, position);
    if (sums != STATEMENT_GOOD)
        return sums;
    const json_t *account = json_object_get(c->statement, "account");
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *here = json_text(position, same[i]);
        const char *there = json_text(account, same[i]);
        if (here == NULL || there == NULL || strcmp(here, there) != 0)
            return found(c, STATEMENT_POSITION_OTHER, "%s/%s is %s, but the account's is %s", name, same[i],
                         here == NULL ? "missing" : here, there == NULL ? "missing" : there);
    }
    const char *own = json_text(position, "month");
    if (own == NULL || month == NULL || strcmp(own, month) != 0)
        return found(c, STATEMENT_POSITION_OTHER, "%s/month is %s, but the statement is about %s", name,
                     own == NULL ? "missing" : own, month == NULL ? "no month" : month);
    return STATEMENT_GOOD;
}

static enum statement_check check_balance(struct check *c, const json_t *billing, const json_t *billed)
{
    int64_t billable = json_int(billing, "billable_pence", 0);
    int64_t before = json_int(c->statement, "billed_before_pence", 0);
    int64_t balance = json_int(c->statement, "balance_pence", 0);
    int64_t sum = 0;
    if (json_int(billed, "billable_pence", 0) != billable)
        return found(c, STATEMENT_BALANCE, "/billing/billable_pence is %lld, but the billed position says %lld",
                     (long long)billable, (long long)json_int(billed, "billable_pence", 0));
    if (__builtin_add_overflow(before, balance, &sum) || sum != billable)
        return found(c, STATEMENT_BALANCE,
                     "/billed_before_pence %lld and /balance_pence %lld add up to %lld, but the billable position is "
                     "%lld",
                     (long long)before, (long long)balance, (long long)sum, (long long)billable);
    const json_t *draft = json_object_get(c->statement, "draft");
    const json_t *drafted = json_object_get(draft, "balance_pence");
    if (json_is_object(draft) && (!json_is_integer(drafted) || json_integer_value(drafted) != balance))
        return found(c, STATEMENT_DRAFT, "/draft/balance_pence is %lld, but the balance is %lld",
                     (long long)json_integer_value(drafted), (long long)balance);
    return STATEMENT_GOOD;
}

static enum statement_check check_billing(struct check *c)
{
    const json_t *billing = json_object_get(c->statement, "billing");
    if (!json_is_object(billing)) {
        if (json_is_integer(json_object_get(c->statement, "balance_pence")) ||
            json_is_integer(json_object_get(c->statement, "billed_before_pence")) ||
            json_is_object(json_object_get(c->statement, "draft")))
            return found(c, STATEMENT_BALANCE, "/billing is null, but a balance or a draft is stated");
        return STATEMENT_GOOD;
    }
    if (!json_is_integer(json_object_get(c->statement, "balance_pence")) ||
        !json_is_integer(json_object_get(c->statement, "billed_before_pence")))
        return found(c, STATEMENT_INCOMPLETE, "/billing needs /balance_pence and /billed_before_pence");
    const json_t *own = json_object_get(c->statement, "position");
    const json_t *billed = json_object_get(billing, "position");
    const char *sha256 = json_text(billing, "position_sha256");
    if (!json_is_object(billed))
        billed = own;
    if (sha256 == NULL)
        return found(c, STATEMENT_INCOMPLETE, "/billing/position_sha256 is missing");
    enum statement_check position = check_position(c, billed == own ? "/position (billed)" : "/billing/position",
                                                   billed, sha256, json_text(billing, "month"));
    return position != STATEMENT_GOOD ? position : check_balance(c, billing, billed);
}

static const struct json_member tree_members[] = {
    {"commissioner", JSON_KIND_TEXT, true, 3, 6},
    {"root", JSON_KIND_TEXT, true, 64, 64},
    {"rows", JSON_KIND_INTEGER, true, 0, INT32_MAX},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

/* Each of a submission's trees once, in order, with no more rows than were sent. */
static enum statement_check check_trees(struct check *c, size_t n, const json_t *submission)
{
    const char *own = json_text(json_object_get(c->statement, "account"), "commissioner");
    const json_t *trees = json_object_get(submission, "trees");
    const char *before = "";
    int64_t rows = 0;
    bool found_own = false;
    size_t i;
    json_t *tree;
    if (!json_is_array(trees))
        return found(c, STATEMENT_TREE, "/submissions/%zu/trees is missing", n);
    json_array_foreach(trees, i, tree)
    {
        struct json_problem problem;
        uint8_t root[32];
        if (!json_check(tree, tree_members, "", &problem))
            return found(c, STATEMENT_TREE, "/submissions/%zu/trees/%zu%s: %s", n, i, problem.field, problem.message);
        const char *commissioner = json_text(tree, "commissioner");
        if (strcmp(commissioner, before) <= 0 || !hex_decode(json_text(tree, "root"), 64, root, sizeof root))
            return found(c, STATEMENT_TREE, "/submissions/%zu/trees/%zu is out of order, twice there, or has no root",
                         n, i);
        rows += json_int(tree, "rows", 0);
        found_own = found_own || (own != NULL && strcmp(commissioner, own) == 0);
        before = commissioner;
    }
    if (!found_own || rows > json_int(submission, "rows", 0))
        return found(c, STATEMENT_TREE, "/submissions/%zu/trees %s", n,
                     found_own ? "have more rows than were sent" : "has none of the account's commissioner");
    return STATEMENT_GOOD;
}

static enum statement_check check_submissions(struct check *c)
{
    enum statement_check outcome = STATEMENT_GOOD;
    size_t i;
    json_t *submission;
    json_array_foreach(json_object_get(c->statement, "submissions"), i, submission)
    {
        outcome = check_trees(c, i, submission);
        if (outcome != STATEMENT_GOOD)
            break;
    }
    return outcome;
}

/* The causes of each bridge add up to its difference; that of the run's month ends at the position stated. */
static enum statement_check check_bridges(struct check *c)
{
    const char *month = json_text(json_object_get(c->statement, "run"), "month");
    size_t i;
    size_t k;
    json_t *bridge;
    json_t *step;
    json_array_foreach(json_object_get(c->statement, "bridges"), i, bridge)
    {
        int64_t at = json_int(bridge, "from_pence", 0);
        int64_t to = json_int(bridge, "to_pence", 0);
        const char *of = json_text(bridge, "month");
        json_array_foreach(json_object_get(bridge, "steps"), k, step)
        {
            if (!json_is_integer(json_object_get(step, "pence")) || !money_add(at, json_int(step, "pence", 0), &at))
                return found(c, STATEMENT_BRIDGE, "/bridges/%zu/steps/%zu has no amount that can be added", i, k);
        }
        if (at != to)
            return found(c, STATEMENT_BRIDGE, "/bridges/%zu adds up to %lld, but ends at %lld", i, (long long)at,
                         (long long)to);
        if (of != NULL && strcmp(of, month) == 0 && to != json_int(c->statement, "position_pence", 0))
            return found(c, STATEMENT_BRIDGE, "/bridges/%zu ends at %lld, but the position is %lld", i, (long long)to,
                         (long long)json_int(c->statement, "position_pence", 0));
    }
    return STATEMENT_GOOD;
}

static enum statement_check check_value(struct check *c, const char *bytes, size_t length)
{
    const char *purpose = json_is_object(c->statement) ? json_text(c->statement, "@purpose") : NULL;
    if (purpose == NULL || strcmp(purpose, STATEMENT_PURPOSE) != 0)
        return found(c, STATEMENT_PURPOSE_WRONG, "/@purpose is %s, not " STATEMENT_PURPOSE,
                     purpose == NULL ? "missing" : purpose);
    enum statement_check members = check_members(c);
    if (members != STATEMENT_GOOD)
        return members;
    size_t size = 0;
    char *canonical = json_canonical(c->statement, &size);
    size_t at = 0;
    while (canonical != NULL && at < size && at < length && canonical[at] == bytes[at])
        at++;
    bool same = canonical != NULL && at == size && at == length;
    free(canonical);
    if (!same)
        return found(c, STATEMENT_NOT_CANONICAL, "byte %zu is not as the canonical form has it", at + 1);
    const json_t *position = json_object_get(c->statement, "position");
    enum statement_check own = check_position(c, "/position", position, json_text(c->statement, "position_sha256"),
                                              json_text(json_object_get(c->statement, "run"), "month"));
    if (own != STATEMENT_GOOD)
        return own;
    if (json_int(position, "total_pence", 0) != json_int(c->statement, "position_pence", 0))
        return found(c, STATEMENT_POSITION_LINES, "/position_pence is %lld, but the position's total is %lld",
                     (long long)json_int(c->statement, "position_pence", 0),
                     (long long)json_int(position, "total_pence", 0));
    enum statement_check trees = check_submissions(c);
    if (trees != STATEMENT_GOOD)
        return trees;
    enum statement_check bridges = check_bridges(c);
    return bridges == STATEMENT_GOOD ? check_billing(c) : bridges;
}

enum statement_check statement_check(const char *bytes, size_t length, json_t **statement, char *where, size_t size)
{
    struct json_problem problem;
    json_t *value = json_read(bytes, length, &problem);
    struct check c = {value, where, size};
    *statement = value;
    if (size > 0)
        where[0] = '\0';
    if (value == NULL)
        return found(&c, STATEMENT_NOT_JSON, "%s%s%s", problem.field, problem.field[0] == '\0' ? "" : ": ",
                     problem.message);
    return check_value(&c, bytes, length);
}
