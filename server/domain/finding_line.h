/* The one form of a finding in JSON: the same bytes in a rehearsal's report, in `reckoner check --format ndjson` and in
 * exports. Format: api/formats/findings.md. Pure. */
#ifndef RECKONER_DOMAIN_FINDING_LINE_H
#define RECKONER_DOMAIN_FINDING_LINE_H

#include "base/buf.h"
#include "domain/finding_text.h"

/* Texts are borrowed, UTF-8, never NULL but value. Lines of a file come in the order of row, then of rules.tsv. */
struct finding_line {
    uint32_t row; /* 1 is the first behind the header; 0: the file itself */
    enum rule_id rule;
    enum severity severity; /* in force, where terms change it */
    const char *episode_id; /* "" for the file, or when it was at fault */
    const char *commissioner;
    const char *cluster;
    const char *field;
    const char *value; /* NULL: kept from the reader */
    const char *note;
    int64_t pence;    /* amount at stake, when it is known */
    bool pence_known; /* false: there is no price, or the row was not valued */
};

/* -1, 0, 1 by row, then rule: the canonical order. */
int finding_order(uint32_t row_a, enum rule_id rule_a, uint32_t row_b, enum rule_id rule_b);

/* Appends one object in canonical JSON (RFC 8785), without a line end. false when out's maximum or memory did not
 * suffice. */
bool finding_line_append(struct buf *out, const struct finding_line *line);

#endif
