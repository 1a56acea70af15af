/* D09 across providers, found with each evaluation: which rows of a submission share a day with a row that another
 * provider's current submission of the month has for the same NHS number. A finding never names the other provider, the
 * patient or the days: that a patient is treated elsewhere is all that either side must know to ask. */
#ifndef RECKONER_WORKER_OVERLAP_H
#define RECKONER_WORKER_OVERLAP_H

#include "domain/episode.h"
#include "domain/finding_text.h"
#include "store/submission.h"
#include "worker/jobs.h"

struct overlap;

/* Compares the accepted submissions of the month, as they are now: s itself and each other provider's newest. In the
 * open transaction. *out is freed by the caller whatever the answer. */
enum job_outcome overlap_find(struct worker *w, const struct submission *s, char *problem, struct overlap **out);
void overlap_free(struct overlap *o);

bool overlap_has(const struct overlap *o, int32_t row_no);
/* A QUERY, though D09 within a provider is an ERROR. */
void overlap_finding(const struct episode *row, struct finding *out);

/* Notes what the submission shows from now on, and has each other provider's current submission evaluated again that
 * shows something else than it should. Whoever is evaluated for that reason finds everybody else in order, so that it
 * ends there. */
enum pg_status overlap_write(const struct overlap *o);

#endif
