#include "check/check_report.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SEVERITIES (SEVERITY_WARN + 1)

struct check_report {
    struct report_sum by_rule[RULE_COUNT][SEVERITIES];
    struct report_sum by_severity[SEVERITIES];
    struct report_sum total;
    uint32_t row;        /* of the line before */
    unsigned severities; /* of that row's findings so far, 1U << each */
    bool begun;
    crypto_hash_sha256_state hash;
    int64_t bytes;
    json_t *file_findings;
};

struct check_report *check_report_new(void)
{
    struct check_report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    (void)crypto_hash_sha256_init(&r->hash);
    r->file_findings = json_array();
    if (r->file_findings)
        return r;
    free(r);
    return NULL;
}

void check_report_free(struct check_report *r)
{
    if (!r)
        return;
    json_decref(r->file_findings);
    free(r);
}

/* new_row: the sum has not counted this row yet. The file itself (row 0) is no row and has no amount. */
static void count(struct report_sum *sum, const struct finding_line *line, bool new_row)
{
    sum->findings++;
    if (!new_row || line->row == 0)
        return;
    sum->rows++;
    if (line->pence_known) {
        sum->pence += line->pence;
        sum->known_rows++;
    } else {
        sum->unknown_rows++;
    }
}

static bool keep_file_finding(struct check_report *r, const char *text, size_t length)
{
    struct json_problem problem;
    if (json_array_size(r->file_findings) >= REPORT_FILE_FINDINGS)
        return true;
    return json_array_append_new(r->file_findings, json_read(text, length, &problem)) == 0;
}

bool check_report_add(struct check_report *r, const struct finding_line *line, struct buf *out)
{
    bool new_row = !r->begun || line->row != r->row;
    if (new_row)
        r->severities = 0;
    unsigned severity = 1U << line->severity;
    count(&r->by_rule[line->rule][line->severity], line, true);
    count(&r->by_severity[line->severity], line, (r->severities & severity) == 0);
    count(&r->total, line, new_row);
    r->severities |= severity;
    r->row = line->row;
    r->begun = true;
    size_t from = out->length;
    if (!finding_line_append(out, line))
        return false;
    if (line->severity == SEVERITY_FILE && !keep_file_finding(r, out->data + from, out->length - from))
        return false;
    if (!buf_append_char(out, '\n'))
        return false;
    (void)crypto_hash_sha256_update(&r->hash, (const unsigned char *)out->data + from, out->length - from);
    r->bytes += (int64_t)(out->length - from);
    return true;
}

const struct report_sum *check_report_rule(const struct check_report *r, enum rule_id rule, enum severity severity)
{
    return &r->by_rule[rule][severity];
}

const struct report_sum *check_report_severity(const struct check_report *r, enum severity severity)
{
    return &r->by_severity[severity];
}

const struct report_sum *check_report_total(const struct check_report *r)
{
    return &r->total;
}

unsigned check_needs_of(const struct reference *reference)
{
    unsigned needs = (reference->practices ? 1U << NEED_PRACTICES : 0) | (reference->grid ? 1U << NEED_GRID : 0);
    for (int i = 0; i < CLUSTER_COUNT; i++) {
        if (reference->prices[i].known)
            needs |= 1U << NEED_PRICES;
    }
    return needs;
}

static const char *first_missing(unsigned needs)
{
    for (int i = 0; i < NEED_COUNT; i++) {
        if ((needs >> i & 1) != 0)
            return rule_need_table[i].missing;
    }
    return NULL;
}

const char *check_report_reason(const struct check_outcome *outcome, enum rule_id rule, unsigned at_hand, bool *in_part)
{
    const struct rule *k = rule_get(rule);
    *in_part = false;
    if (outcome->refused && (k->needs >> NEED_TERMS & 1) != 0)
        return "The file would be refused, so that no row is valued under the terms";
    const char *reason = first_missing(k->needs & ~at_hand);
    *in_part = reason == NULL;
    return reason ? reason : first_missing(k->needs_in_part & ~at_hand);
}

const char *check_report_meaning(const struct check_outcome *outcome)
{
    if (outcome->refused)
        return "As a submission it would be refused: a rule of the whole file is broken.";
    if (outcome->held)
        return "As a submission it would be held until it is confirmed: it is suspiciously short (F13).";
    return "As a submission it would be accepted; rows with an ERROR would not be paid.";
}

static const char *outcome_name(const struct check_outcome *outcome)
{
    return outcome->refused ? "refused" : outcome->held ? "held" : "accepted";
}

/* The members that GET .../findings/summary of a submission has. Unknown is not nothing: without a price for any of the
 * rows there is no sum. */
static json_t *sum_json(const struct report_sum *sum, const char *severity, const struct rule *rule)
{
    bool unknown = sum->known_rows == 0 && sum->unknown_rows > 0;
    json_t *o = json_object();
    bool ok =
        json_put(o, "findings", json_integer(sum->findings)) && json_put(o, "rows", json_integer(sum->rows)) &&
        json_put(o, "amount_at_stake_pence", unknown ? json_null() : json_integer(sum->pence)) &&
        json_put(o, "rows_of_unknown_amount", json_integer(sum->unknown_rows)) &&
        (!severity || json_put(o, "severity", json_string(severity))) &&
        (!rule || (json_put(o, "rule", json_string(rule->id)) && json_put(o, "sentence", json_string(rule->sentence))));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *summary_json(const struct check_report *r)
{
    json_t *o = json_object();
    json_t *by_rule = json_array();
    json_t *by_severity = json_array();
    bool ok = json_put(o, "by_rule", by_rule);
    ok = json_put(o, "by_severity", by_severity) && ok;
    ok = ok && json_put(o, "total", sum_json(&r->total, NULL, NULL));
    for (int s = 0; s < SEVERITIES && ok; s++) {
        if (r->by_severity[s].findings > 0)
            ok = json_array_append_new(by_severity,
                                       sum_json(&r->by_severity[s], severity_name((enum severity)s), NULL)) == 0;
    }
    for (int rule = 0; rule < RULE_COUNT && ok; rule++) {
        for (int s = 0; s < SEVERITIES && ok; s++) {
            const struct report_sum *sum = &r->by_rule[rule][s];
            if (sum->findings > 0)
                ok = json_array_append_new(
                         by_rule, sum_json(sum, severity_name((enum severity)s), rule_get((enum rule_id)rule))) == 0;
        }
    }
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *not_checked_json(const struct report_facts *facts)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int rule = 0; rule < RULE_COUNT && ok; rule++) {
        bool in_part = false;
        const char *reason = check_report_reason(facts->outcome, (enum rule_id)rule, facts->at_hand, &in_part);
        if (!reason)
            continue;
        json_t *o = json_object();
        ok = json_put(o, "rule", json_string(rule_get((enum rule_id)rule)->id)) &&
             json_put(o, "sentence", json_string(rule_get((enum rule_id)rule)->sentence)) &&
             json_put(o, "in_part", json_boolean(in_part)) && json_put(o, "because", json_string(reason));
        ok = json_array_append_new(list, o) == 0 && ok;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *lines_json(const struct check_report *r)
{
    crypto_hash_sha256_state hash = r->hash;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    (void)crypto_hash_sha256_final(&hash, digest);
    hex_encode(digest, sizeof digest, hex);
    json_t *o = json_object();
    if (json_put(o, "lines", json_integer(r->total.findings)) && json_put(o, "bytes", json_integer(r->bytes)) &&
        json_put(o, "sha256", json_string(hex)))
        return o;
    json_decref(o);
    return NULL;
}

json_t *check_report_json(const struct check_report *r, struct report_facts *facts)
{
    const struct check_outcome *outcome = facts->outcome;
    json_t *o = json_object();
    bool ok = json_put(o, "reference", facts->reference);
    ok = json_put(o, "terms", facts->terms) && ok;
    facts->reference = facts->terms = NULL;
    ok = ok && json_put(o, "outcome", json_string(outcome_name(outcome))) &&
         json_put(o, "meaning", json_string(check_report_meaning(outcome))) &&
         json_put(o, "rows", json_integer(outcome->rows)) &&
         json_put(o, "rows_not_paid", json_integer(r->by_severity[SEVERITY_ERROR].rows)) &&
         json_put(o, "rule_set", json_string(RULE_SET_VERSION)) && json_put(o, "summary", summary_json(r)) &&
         json_put(o, "file_findings", json_incref(r->file_findings)) && json_put(o, "findings", lines_json(r)) &&
         json_put(o, "not_checked", not_checked_json(facts));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
