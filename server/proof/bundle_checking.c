/* Checking a bundle: its form and content, then each stage in order; what the stages share. */
#include "proof/bundle_checking.h"

#include "base/parse.h"
#include "domain/statement.h"
#include "signing/minisign.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stages[CHECK_STAGES][2] = {
    {"form", "one archive in its one form; members, order, sizes; canonical JSON"},
    {"content", "the statement holds in itself: digests and sums of the positions, balance, draft, bridges"},
    {"signature", "the Ed25519 signature and the minisign file are of exactly the statement's bytes"},
    {"key", "the keys are those of the log, valid when they signed, and the one that was kept"},
    {"previous", "the statement is chained to the one before"},
    {"checkpoint", "the log's checkpoint is signed, and is the one that was kept"},
    {"inclusion", "statement, receipts, approvals, keys and document are in the log of the checkpoint"},
    {"terms", "the terms are those that both sides approved, and the position names"},
    {"receipts", "each file as sent has its signed receipt"},
    {"rows", "the rows are all rows, and only those, that the statement commits to"},
    {"inputs", "what was agreed, decided and contested fits statement and rows"},
    {"position", "the positions, recomputed from rows, terms and inputs, are equal byte by byte"},
    {"billing", "what was billed before, and what is set off, come to what the statement says"},
    {"document", "the document is of the draft: its lines recomputed, its sum and number in the log"},
};

const char *check_stage_name(enum check_stage stage)
{
    return stages[stage][0];
}

const char *check_stage_about(enum check_stage stage)
{
    return stages[stage][1];
}

static void say(struct verdict *v, enum outcome outcome, const char *format, va_list values)
{
    v->outcome = outcome;
    (void)vsnprintf(v->detail, DETAIL_SIZE, format, values);
}

bool differs(struct checking *x, enum check_stage stage, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (x->verdict[stage].outcome != OUTCOME_DIFFERS)
        say(&x->verdict[stage], OUTCOME_DIFFERS, format, values);
    va_end(values);
    return false;
}

void not_checked(struct checking *x, enum check_stage stage, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (x->verdict[stage].outcome != OUTCOME_DIFFERS)
        say(&x->verdict[stage], OUTCOME_NOT_CHECKED, format, values);
    va_end(values);
}

void remark(struct checking *x, enum check_stage stage, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (x->verdict[stage].outcome == OUTCOME_GOOD)
        say(&x->verdict[stage], OUTCOME_GOOD, format, values);
    va_end(values);
}

void bundle_digest(const struct bundle_file *file, char hex[65])
{
    unsigned char sha256[32];
    crypto_hash_sha256(sha256, (const unsigned char *)file->bytes, file->length);
    hex_encode(sha256, sizeof sha256, hex);
}

month_t month_member(const json_t *object, const char *member)
{
    const char *text = json_text(object, member);
    month_t month = -1;
    return text != NULL && month_parse(text, strlen(text), &month) ? month : -1;
}

bool instant_member(const json_t *object, const char *member, instant_t *out)
{
    const char *text = json_text(object, member);
    return text != NULL && instant_parse(text, strlen(text), out);
}

const json_t *submission_of_month(const struct checking *x, month_t month)
{
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(x->statement, "submissions"), i, s)
    {
        if (month_member(s, "month") == month)
            return s;
    }
    return NULL;
}

const json_t *log_next(const struct checking *x, const char *kind, const char *member, const char *text, size_t *at)
{
    while (*at < json_array_size(x->log)) {
        const json_t *entry = json_object_get(json_array_get(x->log, (*at)++), "entry");
        const char *of = json_text(entry, "kind");
        const char *value = json_text(entry, member);
        if (of != NULL && strcmp(of, kind) == 0 && value != NULL && strcmp(value, text) == 0)
            return entry;
    }
    return NULL;
}

const json_t *log_record(const struct checking *x, const char *kind, const char *sha256)
{
    size_t at = 0;
    return log_next(x, kind, "sha256", sha256, &at);
}

bool signed_by_bundle(const struct checking *x, const struct bundle_file *bytes, const struct bundle_file *signature,
                      char id[17])
{
    for (size_t i = 0; signature->length == SIGNATURE_SIZE && i < x->b.key_count; i++) {
        if (x->key_read[i] &&
            public_key_verify(&x->keys[i], bytes->bytes, bytes->length, (const unsigned char *)signature->bytes)) {
            memcpy(id, x->b.key[i].id, sizeof x->b.key[i].id);
            return true;
        }
    }
    return false;
}

/* Form. */

static bool is_canonical(struct checking *x, const char *name, const struct bundle_file *file, json_t **out)
{
    struct json_problem problem;
    size_t length = 0;
    if (file->bytes == NULL)
        return true;
    json_t *value = json_read(file->bytes, file->length, &problem);
    if (value == NULL)
        return differs(x, CHECK_FORM, "%s is not JSON of our kind: %s %s", name, problem.field, problem.message);
    char *made = json_canonical(value, &length);
    bool same = made != NULL && length == file->length && memcmp(made, file->bytes, length) == 0;
    free(made);
    if (out != NULL && same)
        *out = value;
    else
        json_decref(value);
    return same || differs(x, CHECK_FORM, "%s is not the canonical form of its value", name);
}

/* The members of log.json: entry, index ascending, path. */
static bool log_is_list(struct checking *x)
{
    static const struct json_member members[] = {{"entry", JSON_KIND_OBJECT, true, 0, 0},
                                                 {"index", JSON_KIND_INTEGER, true, 0, INT64_C(9007199254740991)},
                                                 {"path", JSON_KIND_ARRAY, true, 0, MERKLE_PROOF_MAX},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem;
    int64_t before = -1;
    size_t i;
    json_t *entry;
    if (!json_is_array(x->log))
        return differs(x, CHECK_FORM, BUNDLE_LOG " is no list");
    json_array_foreach(x->log, i, entry)
    {
        char pointer[32];
        (void)snprintf(pointer, sizeof pointer, "/%zu", i);
        if (!json_check(entry, members, pointer, &problem))
            return differs(x, CHECK_FORM, BUNDLE_LOG " %s: %s", problem.field, problem.message);
        if (json_int(entry, "index", -1) <= before)
            return differs(x, CHECK_FORM, BUNDLE_LOG " %s: entries come in order of index", pointer);
        before = json_int(entry, "index", -1);
    }
    return true;
}

static bool check_form(struct checking *x, const char *bytes, size_t length)
{
    char where[DETAIL_SIZE];
    char name[40];
    if (!bundle_read(bytes, length, &x->b, where, sizeof where))
        return differs(x, CHECK_FORM, "%s", where);
    bool good = is_canonical(x, BUNDLE_PREVIOUS, &x->b.previous, NULL) &&
                is_canonical(x, BUNDLE_BILLED, &x->b.billed, &x->billed) &&
                is_canonical(x, BUNDLE_LOG, &x->b.log, &x->log) && log_is_list(x);
    for (size_t i = 0; good && i < x->b.terms_count; i++) {
        (void)snprintf(name, sizeof name, "terms/%lld.json", (long long)x->b.terms[i].version);
        good = is_canonical(x, name, &x->b.terms[i].body, NULL);
    }
    for (size_t i = 0; good && i < x->b.month_count; i++) {
        char month[8];
        month_format(x->b.month[i].month, month);
        (void)snprintf(name, sizeof name, "receipts/%s.json", month);
        good = is_canonical(x, name, &x->b.month[i].receipt, NULL);
    }
    return good && is_canonical(x, BUNDLE_INPUTS, &x->b.inputs, NULL) &&
           is_canonical(x, BUNDLE_DOCUMENT, &x->b.document, NULL);
}

static bool check_content(struct checking *x)
{
    char where[DETAIL_SIZE];
    const struct bundle_file *file = &x->b.statement;
    if (statement_check(file->bytes, file->length, &x->statement, where, sizeof where) != STATEMENT_GOOD)
        return differs(x, CHECK_CONTENT, "%s", where);
    const json_t *billing = json_object_get(x->statement, "billing");
    x->account = json_object_get(x->statement, "account");
    x->month = month_member(json_object_get(x->statement, "run"), "month");
    x->last = x->month;
    if (json_is_object(billing) && month_member(billing, "month") > x->last)
        x->last = month_member(billing, "month");
    if (x->month < 0 || month_financial_year(x->last) != json_int(x->account, "financial_year", 0) ||
        month_financial_year(x->month) != month_financial_year(x->last))
        return differs(x, CHECK_CONTENT, "/run/month is no month of the financial year");
    return true;
}

static void read_keys(struct checking *x)
{
    for (size_t i = 0; i < x->b.key_count; i++) {
        const struct bundle_file *f = &x->b.key[i].pub;
        x->key_read[i] = minisign_public_parse(f->bytes, f->length, &x->keys[i]);
    }
}

void bundle_check_all(struct checking *x, const char *bytes, size_t length)
{
    void (*const rest[])(struct checking *) = {bundle_check_signature,  bundle_check_key,       bundle_check_previous,
                                               bundle_check_checkpoint, bundle_check_inclusion, bundle_check_terms,
                                               bundle_check_receipts,   bundle_check_rows,      bundle_check_inputs,
                                               bundle_check_position,   bundle_check_billing,   bundle_check_document};
    if (check_form(x, bytes, length) && check_content(x)) {
        const char *where = NULL;
        read_keys(x);
        x->note_read = checkpoint_read(x->b.checkpoint.bytes, x->b.checkpoint.length, &x->note, &where);
        x->inputs_read = bundle_inputs_read(x->b.inputs.bytes, x->b.inputs.length, &x->inputs, &x->inputs_problem);
        for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
            rest[i](x);
        return;
    }
    enum check_stage first = x->verdict[CHECK_FORM].outcome == OUTCOME_DIFFERS ? CHECK_CONTENT : CHECK_SIGNATURE;
    for (enum check_stage s = first; s < CHECK_STAGES; s++)
        not_checked(x, s, "the %s differs", stages[first - 1][0]);
}

/* The verdict. */

const struct verdict *bundle_first_difference(const struct checking *x, const char **stage)
{
    for (int i = 0; i < CHECK_STAGES; i++) {
        if (x->verdict[i].outcome == OUTCOME_DIFFERS) {
            if (stage != NULL)
                *stage = stages[i][0];
            return &x->verdict[i];
        }
    }
    return NULL;
}

void checking_free(struct checking *x)
{
    bundle_case_free(x->position);
    for (size_t i = 0; i < x->version_count; i++)
        terms_free((struct terms *)x->versions[i].terms);
    if (x->inputs_read)
        bundle_inputs_free(&x->inputs);
    json_decref(x->statement);
    json_decref(x->billed);
    json_decref(x->log);
}
