/* What a check of a file rests on beside the file, as a worker finds it: the reference files in use and the live dates
 * of organisations. */
#ifndef RECKONER_WORKER_CHECK_BASIS_H
#define RECKONER_WORKER_CHECK_BASIS_H

#include "domain/column_mapping.h"
#include "domain/validation.h"
#include "store/reference_set.h"
#include "worker/jobs.h"

struct reference_digest {
    const char *kind;
    char hex[2 * REFERENCE_DIGEST_SIZE + 1]; /* "" when nothing of the kind is loaded */
};

struct check_basis {
    struct reference reference;
    struct reference_digest digests[REFERENCE_KINDS]; /* in the order of reference_kinds */
    struct organisation_dates *commissioners;
};

/* Before check_basis_load; check_basis_free is safe from then on. */
void check_basis_init(struct check_basis *b);
void check_basis_free(struct check_basis *b);
/* Loads everything and points the context to it. JOB_DONE, or another outcome with its problem text. */
enum job_outcome check_basis_load(struct worker *w, const char *provider, struct check_basis *b,
                                  struct upload_context *context, char *problem);
/* One version of a provider's column mapping; version 0: *mapping is NULL. The caller frees it. */
enum job_outcome check_mapping_load(struct worker *w, const char *provider, int64_t version, char *problem,
                                    struct column_mapping **mapping);

#endif
