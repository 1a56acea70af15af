/* What a rehearsal and `reckoner check` report of a file: sums of the findings by rule and severity, the findings of
 * the file, the digest of all lines, and the rules that could not be checked. Fed line by line, in canonical order;
 * memory does not grow with the file. Format: api/formats/check-report.md. */
#ifndef RECKONER_CHECK_CHECK_REPORT_H
#define RECKONER_CHECK_CHECK_REPORT_H

#include "base/json.h"
#include "check/check.h"

/* Findings of the file as a whole, or that refuse it, that the report shows itself; all stand among the lines. */
#define REPORT_FILE_FINDINGS 100

struct report_sum {
    int64_t findings;
    int64_t rows; /* a row counts once, however many findings it has */
    int64_t pence;
    int64_t known_rows;   /* whose amount is in pence */
    int64_t unknown_rows; /* that have no price, or were not valued */
};

struct check_report;

/* NULL: out of memory. */
struct check_report *check_report_new(void);
void check_report_free(struct check_report *r);

/* The next finding. Its canonical line, with the line end, is appended to out (cleared by the caller as it likes).
 * false: out of memory, or out's maximum. */
bool check_report_add(struct check_report *r, const struct finding_line *line, struct buf *out);

/* Sums so far. */
const struct report_sum *check_report_rule(const struct check_report *r, enum rule_id rule, enum severity severity);
const struct report_sum *check_report_severity(const struct check_report *r, enum severity severity);
const struct report_sum *check_report_total(const struct check_report *r);

struct report_facts {
    const struct check_outcome *outcome;
    unsigned at_hand;  /* needs of rules (1U << each) that the check had; rules that lack one are listed */
    json_t *reference; /* SHA-256 by kind, null where not loaded; taken */
    json_t *terms;     /* the contracts whose terms were used; taken */
};

/* The report once all lines were added. A new reference; NULL when memory ran out. */
json_t *check_report_json(const struct check_report *r, struct report_facts *facts);

/* Needs that the reference data answer, 1U << each. */
unsigned check_needs_of(const struct reference *reference);

/* Why a rule was not checked, or only in part (*in_part); NULL when it was. */
const char *check_report_reason(const struct check_outcome *outcome, enum rule_id rule, unsigned at_hand,
                                bool *in_part);

/* What the outcome means, in a sentence. */
const char *check_report_meaning(const struct check_outcome *outcome);

#endif
