/* What accepted submissions leave behind for later months (records of domain/history.h) and other providers (records of
 * domain/overlap.h); the worker's alone. Written once with the submission, but for what an evaluation shows. */
#ifndef RECKONER_STORE_HISTORY_H
#define RECKONER_STORE_HISTORY_H

#include "base/ident.h"
#include "store/pg.h"

#define HISTORY_BLOCK_ROWS  200 /* in one page of the database; the last block has fewer */
#define HISTORY_DIGEST_SIZE 32

/* The newest accepted submission of each month of the provider before `month`: columns no, id, month, rows, in order of
 * month. */
enum pg_status history_submissions(struct pg *pg, const char *provider, month_t month, PGresult **result);
/* The blocks [from, from + count) of a submission, in binary, in order: column records. None: it has no more. */
enum pg_status history_records(struct pg *pg, const char *provider, int64_t submission, int64_t from, int64_t count,
                               PGresult **result);

/* These load rows in ascending order of the key; ended with pg_copy_end. */
enum pg_status history_copy_begin(struct pg *pg, struct pg_copy **copy);
void history_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t block, int32_t rows,
                      const void *records, size_t length);
enum pg_status overlap_copy_begin(struct pg *pg, struct pg_copy **copy);
void overlap_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int16_t partition,
                      const void *records, size_t length);

/* A row that moves a patient to another cluster: up, down or level (by the reference prices). */
enum pg_status cluster_move_copy_begin(struct pg *pg, struct pg_copy **copy);
void cluster_move_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int32_t row_no,
                           const char *direction);
/* Moves of a submission by service: columns service ("" without one), up, down, level. */
enum pg_status cluster_move_counts(struct pg *pg, const char *provider, int64_t submission, PGresult **result);

/* Evaluations of one month take turns until their transactions end, whatever the provider: each judges by what the
 * others show. *taken is false when it is another's turn. */
enum pg_status overlap_take_turn(struct pg *pg, month_t month, bool *taken);
/* The newest accepted submission of each provider for the month: columns provider, no, id, rows and digest (of what its
 * evaluation shows; null: nothing), by provider. */
enum pg_status overlap_submissions(struct pg *pg, month_t month, PGresult **result);
/* The records of the partitions [from, to) of a submission, in binary: column records. */
enum pg_status overlap_records(struct pg *pg, const char *provider, int64_t submission, int from, int to,
                               PGresult **result);
/* What the evaluation under way shows; rows 0: nothing, and digest is not looked at. */
enum pg_status overlap_set_shown(struct pg *pg, const char *provider, int64_t submission, int64_t rows,
                                 const uint8_t digest[HISTORY_DIGEST_SIZE]);

#endif
