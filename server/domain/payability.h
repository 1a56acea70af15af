/* What the terms of an account say about a row: the rules that depend on terms, the severities in force, and so whether
 * the row is payable. Prepared once for an account, month and version of the terms, then asked row by row; settlement
 * and evaluation ask the same code. Pure. Source: spec 2, Severities; spec 3, Units and values. */
#ifndef RECKONER_DOMAIN_PAYABILITY_H
#define RECKONER_DOMAIN_PAYABILITY_H

#include "domain/rules.h"
#include "domain/valuation.h"

struct payability;

/* The terms in force for the month; they must outlive it. reviews may be NULL when no terms stop pay. NULL: out of
 * memory. */
struct payability *payability_new(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                                  month_t month);
void payability_free(struct payability *p);

/* The rules of those that depend on terms which the row fails: C05, C06, K06, P08, R08. (C04 is for rows that have no
 * account, or whose month has no terms.) approved: a prior approval was given; minor: under 18 on the last day. */
rule_set_t payability_failed(const struct payability *p, const struct activity_row *row, bool approved, bool minor);

/* Severity of a row rule under these terms, M03's option require_mhct included. */
enum severity payability_severity(const struct payability *p, enum rule_id rule);

/* The rules that are an ERROR under these terms: a row that fails one of them is not payable. */
rule_set_t payability_errors(const struct payability *p);

/* Whether the row is payable: failed_at_upload are the rules it failed whatever the terms (episode.failed). */
bool payability_allows(const struct payability *p, const struct activity_row *row, rule_set_t failed_at_upload,
                       bool approved, bool minor);

#endif
