/* Job `validate`: a submission's bytes -> findings, episodes, receipt and outcome (accepted, held, refused). */
#ifndef RECKONER_WORKER_VALIDATE_H
#define RECKONER_WORKER_VALIDATE_H

#include "worker/jobs.h"

enum job_outcome validate_run(struct worker *w, const struct job *job, char *problem);

#endif
