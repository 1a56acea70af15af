/* Job instalment (subject: contract): drafts the instalments that are due. Instalment k is due from the first day of
 * month k by the product clock; open drafts that no longer hold (another expected value, recipient, or sum issued) give
 * way. Asked for by the provider; asks itself again when something becomes known of a contract that has instalments. */
#ifndef RECKONER_WORKER_INSTALMENT_H
#define RECKONER_WORKER_INSTALMENT_H

#include "worker/jobs.h"

enum job_outcome instalment_run(struct worker *w, const struct job *job, char *problem);

#endif
