/* The sealed half of an erasure: confidential blocks, hashes of identifiers, and files that were not accepted. */
#ifndef RECKONER_WORKER_ERASE_SEALED_H
#define RECKONER_WORKER_ERASE_SEALED_H

#include "domain/columns.h"
#include "worker/jobs.h"

/* Texts that identify the patient, as they were sent; in memory that is locked and wiped as it is freed. */
#define IDENTIFYING_MAX  64
#define IDENTIFYING_SIZE 256
struct identifying {
    size_t count;
    size_t length[IDENTIFYING_MAX];
    char text[IDENTIFYING_MAX][IDENTIFYING_SIZE];
};

enum erase_status {
    ERASE_OK,
    ERASE_STORE,      /* see *store */
    ERASE_UNREADABLE, /* a confidential block cannot be opened or is damaged */
    ERASE_NO_MEMORY,
    ERASE_TOO_MANY /* identifying texts */
};

/* Some rows of one submission, ascending. */
struct erase_rows {
    const char *provider;
    int64_t submission;
    const int32_t *row_no;
    size_t count;
};

/* Whether the row has no patient id: then its patient is not known by one. */
enum erase_status erase_row_is_nameless(struct worker *w, const char *provider, int64_t submission, int64_t row_no,
                                        bool *nameless, enum pg_status *store);
/* Writes the blocks of the rows anew without their salts and records, and adds what was in them to *found. */
enum erase_status erase_records(struct worker *w, const struct erase_rows *rows, struct identifying *found,
                                enum pg_status *store);
/* Takes the hashes of the texts out of the submission's identifiers. */
enum pg_status erase_hashes(struct worker *w, const char *provider, int64_t submission,
                            const struct identifying *found);
/* Whether one of the texts stands in an upload's bytes, not part of a longer run of letters or digits. An upload that
 * cannot be unpacked to its end counts as one. */
enum job_outcome erase_search_upload(struct worker *w, const struct job *job, const char *submission,
                                     const struct identifying *found, bool *holds, char *problem);

#endif
