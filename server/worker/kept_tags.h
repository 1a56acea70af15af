/* Pseudonyms as a commissioner knows them, of patients whose identity was erased too. */
#ifndef RECKONER_WORKER_KEPT_TAGS_H
#define RECKONER_WORKER_KEPT_TAGS_H

#include "worker/jobs.h"

/* Those kept of one provider and financial year; few. Zeroed: none. */
struct kept_tags {
    PGresult *tags;
    int64_t financial_year;
};

enum pg_status kept_tags_load(struct pg *pg, const char *provider, int64_t financial_year, struct kept_tags *out);
void kept_tags_free(struct kept_tags *k);
/* The pseudonym that was kept, or the one that follows from the keyed hash. */
void kept_tags_pseudonym(const struct kept_tags *k, const uint8_t key[PSEUDONYM_KEY_SIZE], const char *commissioner,
                         const uint8_t patient[16], char out[IDENT_SIZE]);

#endif
