/* What a submission is compared with beside itself: the provider's earlier months (D11, R07, A01, moves between
 * clusters), while it is validated; and what it leaves behind for later months and for other providers, written with
 * it. Memory does not grow with the months: 3 bits a row beside the temporary files. */
#ifndef RECKONER_WORKER_HISTORY_H
#define RECKONER_WORKER_HISTORY_H

#include "base/json.h"
#include "check/check.h"
#include "store/submission.h"
#include "worker/jobs.h"

struct history;

/* Finds the newest accepted submission of each earlier month, as known now. reference must outlive it. *out is freed by
 * the caller whatever the answer. */
enum job_outcome history_begin(struct worker *w, const struct submission *s, const struct reference *reference,
                               char *problem, struct history **out);
void history_free(struct history *h);
/* Whether both compare with the same submissions. */
bool history_same(const struct history *a, const struct history *b);

/* Each row as it is read. false: a temporary file or memory failed. */
bool history_add_row(struct history *h, const struct checked_row *row, const struct episode *facts);
/* Takes the rows of a finished check that is not refused; the check must outlive it. */
enum job_outcome history_take(struct history *h, struct check *check, char *problem);
/* Then judges them, reading earlier months by pg; adds its findings to the check. history_write_rows may run beside it,
 * on another thread and connection. */
enum job_outcome history_judge(struct history *h, struct pg *pg, char *problem);

/* The earlier submissions that were used, by month: {"2012-04": id, ...}. A new reference; NULL: out of memory. */
json_t *history_used(const struct history *h);

/* Write what an accepted submission leaves behind, in the open transaction: for the checks of later months and of other
 * providers, when its rows were taken; and its moves between clusters, when they were judged. *broken: a temporary file
 * failed. */
enum pg_status history_write_rows(struct history *h, bool *broken);
enum pg_status history_write_moves(struct history *h);

#endif
