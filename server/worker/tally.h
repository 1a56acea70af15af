/* What an evaluation leaves behind for the questions of commissioners and trusts (store/tally.h): rows with their
 * findings by pounds, counts and sums, and findings by practice with small counts hidden. Practices are read from the
 * confidential blocks, in memory alone. */
#ifndef RECKONER_WORKER_TALLY_H
#define RECKONER_WORKER_TALLY_H

#include "store/episode.h"
#include "store/submission.h"
#include "worker/jobs.h"

struct tally;

/* w and s must outlive it. NULL: out of memory. */
struct tally *tally_new(struct worker *w, const struct submission *s);
void tally_free(struct tally *t);
/* A row of the submission, with its amount at stake (known false: there is no price). Rows without a finding may be
 * left out. false: memory ran out or the spool is full. */
bool tally_add(struct tally *t, const struct episode *row, bool known, int64_t pence);
/* Writes all of it, in the transaction that has written the findings and severities of the evaluation. PG_FAILED with
 * *broken set: memory ran out, the spool is full or a confidential block cannot be read. PG_NONE: the lease was lost.
 */
enum pg_status tally_write(struct tally *t, int64_t evaluation, bool *broken);

#endif
