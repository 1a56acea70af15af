/* Job `sample`: draws an audit sample, or computes its result when it is closed (store/sample.h). Both from the bundle
 * of its statement with the sample's checkpoint, by the code that `reckoner sample` runs: the same rows, the same
 * numbers. */
#ifndef RECKONER_WORKER_SAMPLE_H
#define RECKONER_WORKER_SAMPLE_H

#include "worker/jobs.h"

enum job_outcome sample_run(struct worker *w, const struct job *job, char *problem);

#endif
