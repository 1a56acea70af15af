/* One validation of one submission, from the sealed bytes to what is written about it. Shared by validate.c (order of
 * the steps), reading.c (bytes to spooled facts), writing.c (the one transaction) and receipt.c. */
#ifndef RECKONER_WORKER_VALIDATION_RUN_H
#define RECKONER_WORKER_VALIDATION_RUN_H

#include "domain/contract_window.h"
#include "domain/cross_rows.h"
#include "store/episode.h"
#include "store/reference_set.h"
#include "store/submission.h"
#include "worker/confidential.h"
#include "worker/jobs.h"
#include "worker/spool.h"

/* So many that a partition of five million rows takes about 10 MiB. */
#define VALIDATION_PARTITIONS 48

struct reference_digest {
    const char *kind;
    char hex[2 * REFERENCE_DIGEST_SIZE + 1]; /* "" when nothing of the kind is loaded */
};
#define REFERENCE_KINDS 4

struct validation {
    struct worker *w;
    const struct job *job;
    char *problem; /* JOB_PROBLEM_SIZE, for JOB_FAILED and JOB_AGAIN */
    struct submission s;

    struct reference reference;
    struct reference_digest digests[REFERENCE_KINDS];
    struct organisation_dates *commissioners;
    struct contract_window *windows; /* as judged at s.begun_at with the terms known then */
    size_t window_count;
    struct upload_context context;

    struct row_checker checker;
    struct row_summary summary;
    struct confidential_block block;
    struct journal *facts;    /* struct episode, at (row_no - 1) * sizeof */
    struct journal *findings; /* struct finding_head and its texts */
    struct journal *blocks;   /* struct block_head and the sealed bytes */
    struct spool *patients;   /* struct cross_row */
    struct spool *nhs;        /* struct cross_nhs */
    struct spool *episodes;   /* struct cross_episode */
    rule_set_t *failed;       /* by row_no - 1 */
    uint8_t *continues;       /* one bit per row */
    size_t rows;              /* rows with facts, gaps included */
    size_t row_room;
    int64_t next_progress; /* monotonic */
    bool file_fails;       /* a FILE rule was broken (F13 apart) */
    bool broken;           /* the spool or memory failed */
    const char *state;     /* outcome: refused, held, accepted */
    int64_t payable_rows;
    instant_t validated_at;
};

/* A finding in the journal, followed by its field, value and note. */
struct finding_head {
    uint32_t row_no;
    uint16_t rule;
    uint8_t field_length;
    uint8_t value_length;
    uint8_t note_length;
};
/* A confidential block in the journal. */
struct block_head {
    uint32_t first_row;
    uint32_t rows;
    uint64_t length;
};

/* reading.c. Both JOB_DONE when they went well (nothing is written to the database yet). */
enum job_outcome validation_read(struct validation *v);
enum job_outcome validation_cross(struct validation *v);
/* Spools a finding and marks the row. */
void validation_finding(struct validation *v, const struct finding *f);
/* A failure of the spool, with its problem text. */
enum job_outcome validation_spool_failure(struct validation *v);

/* writing.c: the one transaction. */
enum job_outcome validation_write(struct validation *v);

/* receipt.c: signs the receipt in the open transaction. */
enum pg_status validation_sign_receipt(struct validation *v);

#endif
