/* Job `evaluate`: what an accepted submission means under the terms known now: the rules that depend on them, the
 * severities they change and the amounts at stake. Made after acceptance and whenever terms are approved. */
#ifndef RECKONER_WORKER_EVALUATE_H
#define RECKONER_WORKER_EVALUATE_H

#include "worker/jobs.h"

enum job_outcome evaluate_run(struct worker *w, const struct job *job, char *problem);

#endif
