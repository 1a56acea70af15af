/* Job resettle (subject: contract): something that reaches back became known: an upload under an exception, terms with
 * their second approval, an achievement. Each account that was billed is computed anew; where the position of a settled
 * month has other lines than its last run found, run R is made by itself. */
#ifndef RECKONER_WORKER_RESETTLE_H
#define RECKONER_WORKER_RESETTLE_H

#include "worker/jobs.h"

enum job_outcome resettle_contract(struct worker *w, const struct job *job, char *problem);

#endif
