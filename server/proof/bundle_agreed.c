/* Stages of a bundle: terms and receipts. */
#include "proof/bundle_checking.h"

#include "base/text.h"

#include <string.h>

/* The later approval of a digest, one of each side. false: one is missing, which is said. */
static bool approved_at(struct checking *x, int64_t version, const char *hex, instant_t *out)
{
    bool sides[2] = {false, false};
    const char *contract = json_text(x->account, "contract");
    size_t at = 0;
    const json_t *entry;
    *out = INSTANT_NONE;
    while ((entry = log_next(x, "terms_approval", "sha256", hex, &at)) != NULL) {
        const char *side = json_text(entry, "side");
        instant_t when = 0;
        if (json_int(entry, "version", 0) != version || !same_text(json_text(entry, "contract"), contract) ||
            !instant_member(entry, "at", &when))
            continue;
        sides[0] = sides[0] || same_text(side, "provider");
        sides[1] = sides[1] || same_text(side, "commissioner");
        *out = when > *out ? when : *out;
    }
    return (sides[0] && sides[1]) || differs(x, CHECK_TERMS, "version %lld is not approved by the %s, by its digest %s",
                                             (long long)version, sides[0] ? "commissioner" : "provider", hex);
}

/* The digests of versions that a position names. */
static bool named_by(struct checking *x, const json_t *position, const char *name)
{
    size_t i;
    json_t *named;
    json_array_foreach(json_object_get(json_object_get(position, "inputs"), "terms"), i, named)
    {
        int64_t version = json_int(named, "version", 0);
        const char *sha256 = json_text(named, "sha256");
        size_t k = 0;
        while (k < x->inputs.terms_count && x->inputs.terms[k].version != version)
            k++;
        if (k == x->inputs.terms_count || !same_text(sha256, x->inputs.terms[k].sha256))
            return differs(x, CHECK_TERMS, "%s names version %lld with SHA-256 %s, which the inputs do not", name,
                           (long long)version, sha256 == NULL ? "missing" : sha256);
    }
    return true;
}

/* One version, against the inputs and the approvals. */
static bool take_version(struct checking *x, size_t i)
{
    const struct bundle_terms *file = &x->b.terms[i];
    const struct bundle_terms_known *known = &x->inputs.terms[i];
    struct json_problem problem;
    instant_t at = 0;
    char hex[65];
    long long version = (long long)file->version;
    bundle_digest(&file->body, hex);
    if (known->version != file->version)
        return differs(x, CHECK_TERMS, "the inputs have version %d where terms/%lld.json is", known->version, version);
    if (strcmp(hex, known->sha256) != 0)
        return differs(x, CHECK_TERMS, "terms/%lld.json has SHA-256 %s, but the inputs say %s", version, hex,
                       known->sha256);
    if (!approved_at(x, file->version, hex, &at))
        return false;
    if (at != known->known_from)
        return differs(x, CHECK_TERMS,
                       "known_from of version %lld in the inputs is not the instant of its later approval", version);
    json_t *json = json_read(file->body.bytes, file->body.length, &problem);
    struct terms *terms = json == NULL ? NULL : terms_parse(json, &problem);
    json_decref(json);
    if (terms == NULL)
        return differs(x, CHECK_TERMS, "terms/%lld.json %s: %s", version, problem.field, problem.message);
    x->versions[x->version_count++] =
        (struct terms_version){(int32_t)file->version, known->known_from, known->sha256, terms};
    return true;
}

void bundle_check_terms(struct checking *x)
{
    if (!x->inputs_read) {
        not_checked(x, CHECK_TERMS, "the inputs cannot be read");
        return;
    }
    bool good = x->b.terms_count == x->inputs.terms_count ||
                differs(x, CHECK_TERMS, "the inputs name %zu versions, and there are %zu", x->inputs.terms_count,
                        x->b.terms_count);
    for (size_t i = 0; good && i < x->b.terms_count; i++)
        good = take_version(x, i);
    const json_t *billing = json_object_get(x->statement, "billing");
    x->terms_read = good;
    if (good && named_by(x, json_object_get(x->statement, "position"), "/position"))
        (void)named_by(x, json_object_get(billing, "position"), "/billing/position");
}

/* Members that receipt and statement share, by kind. */
static bool receipt_agrees(struct checking *x, const json_t *receipt, const json_t *submission, const char *month)
{
    static const char *const texts[] = {"month", "submission", "sha256"};
    static const char *const numbers[] = {"version", "bytes", "rows"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *says = json_text(receipt, texts[i]);
        if (!same_text(says, json_text(submission, texts[i])))
            return differs(x, CHECK_RECEIPTS, "the receipt of %s says /%s %s, the statement another", month, texts[i],
                           says == NULL ? "nothing" : says);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (json_int(receipt, numbers[i], -1) != json_int(submission, numbers[i], -2))
            return differs(x, CHECK_RECEIPTS, "the receipt of %s says /%s %lld, the statement %lld", month, numbers[i],
                           (long long)json_int(receipt, numbers[i], -1),
                           (long long)json_int(submission, numbers[i], -2));
    }
    if (!same_text(json_text(receipt, "provider"), json_text(x->account, "provider")))
        return differs(x, CHECK_RECEIPTS, "the receipt of %s is of another provider", month);
    if (!same_text(json_text(receipt, "outcome"), "accepted"))
        return differs(x, CHECK_RECEIPTS, "the receipt of %s does not say that the file was accepted", month);
    return true;
}

static bool check_receipt(struct checking *x, const struct bundle_month *m)
{
    struct json_problem problem;
    char month[8];
    char id[17];
    month_format(m->month, month);
    const json_t *submission = submission_of_month(x, m->month);
    if (submission == NULL)
        return differs(x, CHECK_RECEIPTS, "there is a receipt of %s, but the statement names no submission of it",
                       month);
    if (!signed_by_bundle(x, &m->receipt, &m->receipt_signature, id))
        return differs(x, CHECK_RECEIPTS, "the receipt of %s is not signed by a key of the bundle", month);
    json_t *receipt = json_read(m->receipt.bytes, m->receipt.length, &problem);
    const char *purpose = json_text(receipt, "@purpose");
    bool good =
        same_text(purpose, "reckoner/receipt/1") || differs(x, CHECK_RECEIPTS, "receipts/%s.json is no receipt", month);
    good = good && receipt_agrees(x, receipt, submission, month);
    if (good && x->inputs_read) {
        const char *rules = x->inputs.months[m->month - x->inputs.months[0].month].rule_set;
        if (month_financial_year(m->month) == x->inputs.financial_year && rules != NULL &&
            !same_text(rules, json_text(receipt, "rule_set")))
            good = differs(x, CHECK_RECEIPTS, "the receipt of %s says another /rule_set than the inputs", month);
    }
    json_decref(receipt);
    return good;
}

void bundle_check_receipts(struct checking *x)
{
    size_t stated = json_array_size(json_object_get(x->statement, "submissions"));
    if (stated != x->b.month_count) {
        (void)differs(x, CHECK_RECEIPTS, "the statement names %zu submissions, and there are %zu receipts", stated,
                      x->b.month_count);
        return;
    }
    for (size_t i = 0; i < x->b.month_count; i++) {
        if (!check_receipt(x, &x->b.month[i]))
            return;
    }
}
