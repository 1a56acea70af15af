/* What the terms of an account say about a row: the rules that depend on terms, the severities in force, and so whether
 * the row is payable. Prepared once for an account, month and version of the terms, then asked row by row; settlement
 * and evaluation ask the same code. Pure. Source: spec 2, Severities; spec 3, Units and values. */
#ifndef RECKONER_DOMAIN_PAYABILITY_H
#define RECKONER_DOMAIN_PAYABILITY_H

#include "domain/episode.h"
#include "domain/rules.h"

struct payability;

/* The terms in force for the month; they and reviews must outlive it. NULL: out of memory. */
struct payability *payability_new(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                                  month_t month);
void payability_free(struct payability *p);

/* What validation knows of a row beside its facts. */
struct row_marks {
    rule_set_t failed; /* rules it failed whatever the terms (episode.failed) */
    bool approved;     /* a prior approval was given */
    bool minor;        /* under 18 on the last day of the month */
};

/* The rules of those that depend on terms which the row fails: C05, C06, K06, P08, R08, and those of threshold_rules.h
 * by the terms' thresholds. (C04 is for rows that have no account, or whose month has no terms.) None that
 * marks->failed has already. */
rule_set_t payability_failed(const struct payability *p, const struct activity_row *row, const struct row_marks *marks);

/* Severity of a row rule under these terms, M03's option require_mhct included. */
enum severity payability_severity(const struct payability *p, enum rule_id rule);

/* The rules that are an ERROR under these terms: a row that fails one of them is not payable. */
rule_set_t payability_errors(const struct payability *p);

/* Whether the row is payable. */
bool payability_allows(const struct payability *p, const struct activity_row *row, const struct row_marks *marks);

/* The same as far as it depends on what rows of one class share (their days and prices left out): marks, cluster and
 * service. */
bool payability_allows_class(const struct payability *p, const char *cluster, const char *service,
                             const struct row_marks *marks);

/* K06 alone: a day of service of the row has no price. */
bool payability_lacks_price(const struct payability *p, const struct activity_row *row);

/* What the month's days of a cluster (0..21) and service are charged by. */
enum day_pricing { DAYS_ALL_PRICED, DAYS_PARTLY_PRICED, DAYS_NONE_PRICED, DAYS_PRICED_BY_PERIOD };
enum day_pricing payability_day_pricing(const struct payability *p, int cluster, const char *service);

/* Whether rows that differ only in patient, review, referral and last contact may differ in what is paid for them:
 * then settlement must look at each. */
bool payability_looks_at_each_row(const struct terms *t);

/* Whether the terms look at the review periods of the reference data: stop_pay_when_overdue, or R02 as an ERROR. */
bool payability_looks_at_reviews(const struct terms *t);

/* Leaves of a row what these terms pay, in the same form: marks that no terms look at, an end where pay stops, a
 * service only where a price names it. What statistics are made from when payability_looks_at_each_row. false: the row
 * is not payable, *row is as it was. */
bool payability_reduce(const struct payability *p, struct episode *row);

#endif
