/* What the terms of the accounts say about rows: the rules that depend on terms, the severities in force and the
 * amount at stake. Asked row by row, of facts that lie in the database or in the journal of a check. Source: spec 2,
 * Severities. */
#ifndef RECKONER_CHECK_APPRAISAL_H
#define RECKONER_CHECK_APPRAISAL_H

#include "domain/episode.h"
#include "domain/finding_text.h"
#include "domain/payability.h"
#include "domain/reference.h"

struct appraisal;

/* For one provider and month. NULL: out of memory. */
struct appraisal *appraisal_new(const struct reference *reference, month_t month);
void appraisal_free(struct appraisal *a);
/* Adds an account. terms are those in force for the month; they must outlive the appraisal; NULL when there is a
 * contract but no approved terms. false: out of memory. */
bool appraisal_add(struct appraisal *a, const char *commissioner, const struct terms *terms);

struct row_appraisal {
    rule_set_t failed; /* of the rules that depend on terms; a wrong code is said once, by its own rule */
    int64_t pence;     /* gross value of the row this month: the amount at stake */
    bool known;        /* false: no price, an ERROR in the dates, or the row fails nothing; pence is 0 */
};

/* The amount is worked out for rows that fail any rule (row->failed included), as it costs more than the rules. */
void appraisal_row(const struct appraisal *a, const struct episode *row, struct row_appraisal *out);
/* Gross value of the row this month if it is payable, 0 if it is not. false: unknown, for want of terms or of a price;
 * *pence is 0. */
bool appraisal_payable(const struct appraisal *a, const struct episode *row, int64_t *pence);
/* The finding of a rule that appraisal_row found. */
void appraisal_finding(const struct appraisal *a, const struct episode *row, enum rule_id rule, struct finding *out);
/* Severity of a row rule in a commissioner's account; the default where there are no terms. */
enum severity appraisal_severity(const struct appraisal *a, const char *commissioner, enum rule_id rule);

#endif
