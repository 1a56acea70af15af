/* The rules that one row can answer for itself, given its context. Pure. */
#ifndef RECKONER_DOMAIN_VALIDATION_H
#define RECKONER_DOMAIN_VALIDATION_H

#include "domain/finding_text.h"
#include "domain/reference.h"

/* Most findings one row can have. */
#define ROW_FINDINGS_MAXIMUM 48

/* What the rules need to know beside the row. Everything is borrowed. */
struct upload_context {
    month_t month;                                  /* addressed month */
    char provider[9];                               /* uploader's ODS code */
    date_t provider_from;                           /* uploader's live days [from, to) */
    date_t provider_to;                             /* DATE_NONE = still live */
    date_t today;                                   /* London date at which the upload began (F12) */
    const struct organisation_dates *commissioners; /* sorted by code, then from */
    size_t commissioner_count;
    const struct reference *reference; /* clusters are needed; practices and the rest may be absent */
    uint32_t contracts_concerned;      /* contracts of the provider that cover the month (F07) */
    uint32_t contracts_open;           /* of these, open for this upload: not frozen, or under an exception */
    int64_t declared_rows;             /* Row-Count; -1 when not sent */
    int64_t accepted_rows;             /* rows of the last accepted month before; -1 when there is none */
    int64_t short_file_ppm;            /* share of them below which F13 holds the file: the highest of the contracts */
};

/* Applies every row rule that does not depend on other rows or on terms (of M05 and R06 what no threshold decides).
 * Writes at most ROW_FINDINGS_MAXIMUM findings, *count of them, and returns the set of failed rules. */
rule_set_t row_rules(const struct upload_context *x, const struct episode_row *row, struct finding *findings,
                     unsigned *count);
/* The same set without the words: quick. */
rule_set_t row_rules_failed(const struct upload_context *x, const struct episode_row *row);

/* Under 18 on the last day of the month. */
bool is_minor(date_t birth, month_t month);

#endif
