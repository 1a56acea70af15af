/* Stages of a bundle: billing and document. */
#include "base/json_difference.h"
#include "base/text.h"
#include "domain/billing.h"
#include "domain/due_date.h"
#include "domain/expected_value.h"
#include "domain/money.h"
#include "proof/bundle_checking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool sum_of(const struct bundle_billed *list, size_t count, int64_t *sum)
{
    *sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!money_add(*sum, list[i].pence, sum))
            return false;
    }
    return true;
}

/* What is set off against the billed position, recomputed. */
static bool set_off(struct checking *x, struct bill_set_off *off)
{
    const struct bundle_inputs *in = &x->inputs;
    struct expected_value value;
    char reason[POSITION_REASON_SIZE] = "";
    const struct expected_value_input question = {
        .provider = in->provider,
        .contract = in->contract,
        .commissioner = in->commissioner,
        .financial_year = in->financial_year,
        .shadow = same_text(json_text(x->account, "mode"), "shadow"),
        .versions = x->versions,
        .version_count = x->version_count,
        .known_at = in->known_at,
    };
    month_t month = month_member(json_object_get(x->statement, "billing"), "month");
    *off = (struct bill_set_off){0, 0};
    if (expected_value_compute(&question, month, &value, reason) != POSITION_DONE)
        return differs(x, CHECK_BILLING, "the expected value of the year cannot be computed: %s", reason);
    if (value.on_account)
        return instalments_due(value.pence, month_number(month), &off->on_account) ||
               differs(x, CHECK_BILLING, "the instalments are beyond 64 bits");
    return sum_of(in->openings, in->opening_count, &off->opening) ||
           differs(x, CHECK_BILLING, "the opening entries are beyond 64 bits");
}

void bundle_check_billing(struct checking *x)
{
    const json_t *billing = json_object_get(x->statement, "billing");
    struct bill_set_off off;
    int64_t sum = 0;
    if (!json_is_object(billing)) {
        remark(x, CHECK_BILLING, "the run does not bill");
        return;
    }
    if (!x->inputs_read || !x->terms_read) {
        not_checked(x, CHECK_BILLING, "the inputs or the terms cannot be read");
        return;
    }
    if (!set_off(x, &off))
        return;
    const struct {
        const char *name;
        int64_t stated;
        int64_t found;
    } parts[] = {{"opening_pence", json_int(billing, "opening_pence", 0), off.opening},
                 {"on_account_pence", json_int(billing, "on_account_pence", 0), off.on_account}};
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].stated != parts[i].found) {
            (void)differs(x, CHECK_BILLING, "/billing/%s is %lld, but comes to %lld", parts[i].name,
                          (long long)parts[i].stated, (long long)parts[i].found);
            return;
        }
    }
    if (!sum_of(x->inputs.documents, x->inputs.document_count, &sum) || !money_add(sum, off.opening, &sum) ||
        !money_add(sum, off.on_account, &sum))
        (void)differs(x, CHECK_BILLING, "what was billed before is beyond 64 bits");
    else if (sum != json_int(x->statement, "billed_before_pence", 0))
        (void)differs(x, CHECK_BILLING, "/billed_before_pence is %lld, but documents and set-off come to %lld",
                      (long long)json_int(x->statement, "billed_before_pence", 0), (long long)sum);
}

/* The position that a billing statement bills. */
static const json_t *billed_position(const json_t *statement)
{
    const json_t *position = json_object_get(json_object_get(statement, "billing"), "position");
    return json_is_object(position) ? position : json_object_get(statement, "position");
}

static bool line_matches(const struct bill_line *l, const json_t *line, size_t number)
{
    const char *cluster = json_text(line, "cluster");
    const char *label = json_text(line, "label");
    return json_int(line, "line_no", 0) == (int64_t)number && same_text(json_text(line, "key"), l->key) &&
           same_text(json_text(line, "stage"), l->stage) && month_member(line, "month") == l->month &&
           strcmp(cluster == NULL ? "" : cluster, l->cluster) == 0 &&
           (l->basis == NULL ? json_text(line, "basis") == NULL : same_text(json_text(line, "basis"), l->basis)) &&
           json_int(line, "price_pence", -1) == l->price_pence && json_int(line, "units", 0) == l->units &&
           json_int(line, "pence", 0) == l->pence && strcmp(label == NULL ? "" : label, l->label) == 0;
}

static bool compare_lines(struct checking *x, const json_t *document, const struct bill *bill)
{
    const json_t *lines = json_object_get(document, "lines");
    if (json_array_size(lines) != bill->count)
        return differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT " has %zu lines, but the differences are %zu",
                       json_array_size(lines), bill->count);
    for (size_t i = 0; i < bill->count; i++) {
        if (!line_matches(&bill->line[i], json_array_get(lines, i), i + 1))
            return differs(x, CHECK_DOCUMENT,
                           BUNDLE_DOCUMENT ", line %zu (%s) is not the difference of the positions: %lld pence", i + 1,
                           bill->line[i].key, (long long)bill->line[i].pence);
    }
    return true;
}

/* The lines, from the position billed last. */
static bool recompute_lines(struct checking *x, const json_t *document)
{
    const json_t *billing = json_object_get(x->statement, "billing");
    const json_t *last = json_object_get(x->billed, "billing");
    const struct bill_set_off off = {json_int(billing, "opening_pence", 0), json_int(billing, "on_account_pence", 0)};
    struct bill_before before = {x->billed == NULL ? NULL : billed_position(x->billed),
                                 {json_int(last, "opening_pence", 0), json_int(last, "on_account_pence", 0)},
                                 0};
    struct bill bill;
    if (!sum_of(x->inputs.documents, x->inputs.document_count, &before.documents))
        return differs(x, CHECK_DOCUMENT, "what was billed before is beyond 64 bits");
    switch (bill_compute(billed_position(x->statement), &off, &before, &bill)) {
    case BILL_DONE:
        break;
    case BILL_MISMATCH:
        return differs(x, CHECK_DOCUMENT, "the documents issued before are not what " BUNDLE_BILLED " billed");
    default:
        return differs(x, CHECK_DOCUMENT, "the lines cannot be recomputed");
    }
    bool same =
        compare_lines(x, document, &bill) && (same_text(json_text(document, "kind"), bill_kind_name(bill.kind)) ||
                                              differs(x, CHECK_DOCUMENT, "/kind is not that of its balance"));
    bill_free(&bill);
    return same;
}

/* billed.json is a statement of the account that the log has; its own bundle says the rest. */
static bool billed_is_ours(struct checking *x)
{
    char id[17];
    if (x->b.billed.bytes == NULL)
        return true;
    if (!signed_by_bundle(x, &x->b.billed, &x->b.billed_signature, id) ||
        !same_text(json_text(x->billed, "key_id"), id))
        return differs(x, CHECK_DOCUMENT, BUNDLE_BILLED " is not signed by the key that it names");
    return json_equal(json_object_get(x->billed, "account"), x->account) ||
           differs(x, CHECK_DOCUMENT, BUNDLE_BILLED " is of another account");
}

/* What the document must say, by the statement and by its entry in the log. A new reference; NULL: out of memory. */
static json_t *expected_fields(const struct checking *x, const json_t *draft, const json_t *entry)
{
    return json_pack("{s:s, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*}", "@purpose",
                     "reckoner/document/1", "document", json_object_get(draft, "id"), "kind",
                     json_object_get(draft, "kind"), "provider", json_object_get(x->account, "provider"), "contract",
                     json_object_get(x->account, "contract"), "commissioner",
                     json_object_get(x->account, "commissioner"), "run",
                     json_object_get(json_object_get(x->statement, "run"), "id"), "balance_pence",
                     json_object_get(x->statement, "balance_pence"), "position_pence",
                     json_object_get(json_object_get(x->statement, "billing"), "billable_pence"), "billed_pence",
                     json_object_get(x->statement, "billed_before_pence"), "number", json_object_get(entry, "number"),
                     "issued_at", json_object_get(entry, "at"), "bill_to", json_object_get(entry, "bill_to"),
                     "drafted_at", json_object_get(entry, "drafted_at"));
}

/* Entries hold it since their second version. */
static bool holds_content(const json_t *entry)
{
    return same_text(json_text(entry, "@purpose"), "reckoner/log/2");
}

static bool check_references(struct checking *x, const json_t *document, const json_t *entry)
{
    const json_t *stated = json_object_get(document, "references");
    const json_t *logged = json_object_get(entry, "references");
    bool same = json_array_size(stated) == json_array_size(logged);
    for (size_t i = 0; same && i < json_array_size(logged); i++)
        same = json_equal(json_object_get(json_array_get(stated, i), "number"), json_array_get(logged, i));
    return same || differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /references are not the numbers that the log has");
}

/* The rest of what it says. */
static bool check_digest(struct checking *x, const json_t *entry)
{
    char hex[65];
    const char *logged = json_text(entry, "sha256");
    bundle_digest(&x->b.document, hex);
    return same_text(logged, hex) ||
           differs(x, CHECK_DOCUMENT, "the digest of " BUNDLE_DOCUMENT " is %s, but the log has %s", hex,
                   logged == NULL ? "none" : logged);
}

static bool check_fields(struct checking *x, const json_t *document, const json_t *draft, const json_t *entry)
{
    const char *name;
    json_t *value;
    bool good = true;
    if (entry == NULL)
        return differs(x, CHECK_DOCUMENT, "the log's entries do not name the document of the draft");
    if (!json_equal(json_object_get(entry, "balance_pence"), json_object_get(x->statement, "balance_pence")) ||
        !same_text(json_text(entry, "document_kind"), json_text(draft, "kind")))
        return differs(x, CHECK_DOCUMENT, "the log's balance_pence or document_kind is not the draft's");
    json_t *expected = expected_fields(x, draft, entry);
    if (expected == NULL)
        return differs(x, CHECK_DOCUMENT, "memory ran out");
    json_object_foreach(expected, name, value)
    {
        char where[DETAIL_SIZE - 20];
        char place[40];
        (void)snprintf(place, sizeof place, "/%s", name);
        if (good && json_first_difference(place, json_object_get(document, name), value, where, sizeof where))
            good = differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", %s", where);
    }
    json_decref(expected);
    const json_t *due = json_object_get(document, "due_on");
    const json_t *logged = json_object_get(entry, "due_on");
    if (good && (due != NULL || logged != NULL) && !json_equal(due, logged))
        good = differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /due_on is not the log's");
    return good && (!holds_content(entry) || check_references(x, document, entry));
}

/* The bank holidays that it states: rising, and each behind the one before; *count of them. */
static bool read_holidays(const json_t *list, date_t holidays[DUE_HOLIDAYS_MAXIMUM], size_t *count)
{
    *count = json_array_size(list);
    bool good = json_is_array(list) && *count <= DUE_HOLIDAYS_MAXIMUM;
    for (size_t i = 0; good && i < *count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        good =
            text != NULL && date_parse(text, strlen(text), &holidays[i]) && (i == 0 || holidays[i] > holidays[i - 1]);
    }
    return good;
}

/* Its due date is the log's, and the one that the calendar comes to from its issue. */
static bool check_due(struct checking *x, const json_t *document)
{
    const struct terms_version *v = terms_in_force(x->versions, x->version_count, x->month, x->inputs.known_at);
    const char *stated = json_text(document, "due_on");
    const json_t *list = json_object_get(document, "due_holidays");
    date_t holidays[DUE_HOLIDAYS_MAXIMUM];
    size_t count = 0;
    instant_t issued = 0;
    date_t due = DATE_NONE;
    char text[11] = "";
    bool agreed = v != NULL && v->terms->payment.present && !same_text(json_text(document, "kind"), "nil_statement");
    if (!agreed)
        return (stated == NULL && list == NULL) ||
               differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /due_on: by the terms there is none");
    if (stated == NULL || !read_holidays(list, holidays, &count) || !instant_member(document, "issued_at", &issued))
        return differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /due_on or /due_holidays is missing or malformed");
    if (!due_date_stated(v->terms, x->month, london_date(issued), holidays, count, &due))
        return differs(x, CHECK_DOCUMENT, "the due date cannot be computed");
    if (count > 0 &&
        (v->terms->payment.operational_days == 0 || holidays[0] <= london_date(issued) || holidays[count - 1] >= due))
        return differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /due_holidays are not on the way to the due date");
    date_format(due, text);
    return same_text(stated, text) ||
           differs(x, CHECK_DOCUMENT, BUNDLE_DOCUMENT ", /due_on is %s, but by the terms %s", stated, text);
}

void bundle_check_document(struct checking *x)
{
    const json_t *draft = json_object_get(x->statement, "draft");
    struct json_problem problem;
    if (!json_is_object(draft)) {
        if (x->b.document.bytes != NULL)
            (void)differs(x, CHECK_DOCUMENT, "there is a document, but the statement drafted none");
        else
            remark(x, CHECK_DOCUMENT, "the run drafted none");
        return;
    }
    if (x->b.document.bytes == NULL) {
        not_checked(x, CHECK_DOCUMENT, "the draft was not issued");
        return;
    }
    if (!x->inputs_read) {
        not_checked(x, CHECK_DOCUMENT, "the inputs cannot be read");
        return;
    }
    size_t at = 0;
    const char *id = json_text(draft, "id");
    const json_t *entry = id == NULL ? NULL : log_next(x, "document", "document", id, &at);
    json_t *document = json_read(x->b.document.bytes, x->b.document.length, &problem);
    if (check_fields(x, document, draft, entry) && (!x->terms_read || check_due(x, document)) && billed_is_ours(x) &&
        recompute_lines(x, document) && holds_content(entry))
        (void)check_digest(x, entry);
    json_decref(document);
}
