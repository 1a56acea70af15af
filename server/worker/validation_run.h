/* One validation of one submission, from the sealed bytes to what is written about it. Shared by validate.c (order of
 * the steps), reading.c (bytes to a finished check), writing.c (the one transaction) and receipt.c. */
#ifndef RECKONER_WORKER_VALIDATION_RUN_H
#define RECKONER_WORKER_VALIDATION_RUN_H

#include "check/check.h"
#include "check/spool.h"
#include "domain/contract_window.h"
#include "domain/indicators.h"
#include "domain/statistics_set.h"
#include "store/submission.h"
#include "worker/aside.h"
#include "worker/check_basis.h"
#include "worker/confidential.h"
#include "worker/history.h"
#include "worker/jobs.h"
#include "worker/sealed_file.h"

#include <stdatomic.h>

/* Rows on their way to the database and the statistics. */
#define ROWS_AT_ONCE 256
struct row_batch {
    struct validation *v;
    atomic_bool given; /* it waits, or is being taken */
    size_t count;
    struct episode row[ROWS_AT_ONCE];
    bool kept_back[ROWS_AT_ONCE]; /* it is loaded later */
};
/* One more than may wait: the one that is filled is never one that waits. */
#define ROW_BATCHES (ASIDE_WAITING + 1)

struct validation {
    struct worker *w;
    const struct job *job;
    char *problem; /* JOB_PROBLEM_SIZE, for JOB_FAILED and JOB_AGAIN */
    struct submission s;

    struct check_basis basis;
    struct contract_window *windows; /* as judged at s.begun_at with the terms known then */
    size_t window_count;
    struct upload_context context;
    struct column_mapping *mapping; /* the sender's own names; NULL: ours */

    /* Of an upload that was read along: loader has the transaction with the rows, and stands in for the worker's own
     * connection while the rest is done. */
    struct pg *loader;
    struct pg *own;
    struct sealed_reader *along; /* NULL: the file is read as a whole */

    struct pg *reader; /* for what is read or said while the worker's own connection is inside COPY; NULL: the same */
    struct early_load *early;
    struct check *check;
    struct check_outcome outcome;
    struct history *history;
    struct indicators *indicators;
    struct statistics_set *statistics; /* of the rows as they were read, until validation_write corrects them */
    struct confidential_block *block;  /* the one that is filled; NULL: none */
    struct journal *blocks;            /* struct block_head and the sealed bytes */
    bool unreadable;                   /* a temporary file could not be read back */

    /* For files whose rows are loaded early: takes the rows and, once the last was read, writes while rules across rows
     * are asked. early, statistics, blocks, stored, decided and broken are its own from then on, until it was waited
     * for. */
    struct aside *aside;
    struct row_batch *batches; /* ROW_BATCHES */
    size_t batch;              /* the one that is filled */
    bool stores_aside;         /* blocks, identifiers and history are written aside */
    enum pg_status stored;     /* the first failure of that */
    bool decided;              /* an earlier job has done the work already */
    bool broken;               /* a temporary file or memory failed */

    const char *state; /* outcome: refused, held, accepted */
    instant_t validated_at;
};

/* A confidential block in the journal. */
struct block_head {
    uint32_t first_row;
    uint32_t rows;
    uint64_t length;
};

/* validate.c: a validation of a submission, with everything that it is checked against as known now. *out is freed by
 * the caller whatever the answer. */
enum job_outcome validation_new(struct worker *w, const struct submission *s, char *problem, struct validation **out);
/* NULL is allowed. Rolls back what was not committed. */
void validation_free(struct validation *v);

/* reading.c: makes the check, to feed. */
enum job_outcome validation_open(struct validation *v);
/* Opens the upload of a validation that reads along: v->along. */
enum job_outcome validation_open_along(struct validation *v);
/* reading.c: JOB_DONE when the check is finished (nothing is written to the database yet). */
enum job_outcome validation_read(struct validation *v);
/* A failure of the temporary files, with its problem text; JOB_LOST when that is why. */
enum job_outcome validation_spool_failure(struct validation *v);

/* writing.c, done aside: ends the load, takes the submission over and writes what is known when the last row was read;
 * what the file's identifiers are; what is left for later months; rows that rules within the file have changed. Nothing
 * after a failure: v->stored. */
void validation_store_rows(void *validation);
void validation_store_identifiers(void *validation);
void validation_store_history(void *validation);
void validation_store_corrections(void *validation);

/* writing.c: the one transaction. */
enum job_outcome validation_write(struct validation *v);

/* receipt.c: what the check was made with: digests of the reference data by kind (null: none is loaded), and under
 * history the submissions of earlier months, by month (null of a refused one). A new reference; NULL: out of memory. */
json_t *validation_reference(const struct validation *v);
/* receipt.c: signs the receipt in the open transaction. */
enum pg_status validation_sign_receipt(struct validation *v);

#endif
