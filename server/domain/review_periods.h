/* Review periods by cluster, from the reference data: what stop_pay_when_overdue and R02 count from. Pure. */
#ifndef RECKONER_DOMAIN_REVIEW_PERIODS_H
#define RECKONER_DOMAIN_REVIEW_PERIODS_H

#include "domain/terms.h"

struct reference;

/* Places are those of cluster_index. Both 0: no period. */
struct review_periods {
    int16_t days[TERMS_CLUSTERS];
    int16_t months[TERMS_CLUSTERS];
};

void review_periods_of(const struct reference *reference, struct review_periods *out);

/* The day on which the review of an MHCT is due; DATE_NONE without a period (reviews NULL: none) or an MHCT. cluster is
 * one of cluster_index, -1 allowed. */
date_t review_periods_due(const struct review_periods *reviews, int cluster, date_t mhct);

/* In the form whose SHA-256 names them: canonical JSON, {"04":{"months":6},"14":{"days":28}}, clusters without a period
 * left out. NULL: out of memory; free with free. */
char *review_periods_bytes(const struct review_periods *reviews, size_t *length);

/* Reads that form. false: it is another; *out is then as it was. */
bool review_periods_read(const char *text, size_t length, struct review_periods *out);

#endif
