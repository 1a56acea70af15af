/* Writes what an accepted version changed against the accepted version before it. */
#ifndef RECKONER_WORKER_DIFFERENCE_H
#define RECKONER_WORKER_DIFFERENCE_H

#include "check/appraisal.h"
#include "store/submission.h"
#include "worker/jobs.h"

/* In the transaction of an evaluation: replaces what is stored, with amounts under the appraisal's terms. *spooled is
 * set false when a temporary file or memory failed (PG_FAILED then), and left alone otherwise. */
enum pg_status difference_write(struct worker *w, const struct submission *s, const struct appraisal *appraisal,
                                bool *spooled);

#endif
