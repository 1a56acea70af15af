/* Checks a rehearsal and writes its report. */
#ifndef RECKONER_WORKER_REHEARSE_H
#define RECKONER_WORKER_REHEARSE_H

#include "worker/jobs.h"

/* Handler of jobs of the kind rehearse; the subject is a rehearsal. One that was removed meanwhile is done. */
enum job_outcome rehearse_run(struct worker *w, const struct job *job, char *problem);

#endif
