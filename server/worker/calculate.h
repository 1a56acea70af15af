/* Calculations: bridges, forecasts, terms tried out. They read what a run would read, and write their answer alone. */
#ifndef RECKONER_WORKER_CALCULATE_H
#define RECKONER_WORKER_CALCULATE_H

#include "worker/jobs.h"

/* Job kind "calculate"; its subject is the calculation's id. */
enum job_outcome calculate_run(struct worker *w, const struct job *job, char *problem);
/* The calculation shows as failed; a retry of the job takes it up again. */
enum pg_status calculate_give_up(struct worker *w, const struct job *job, const char *problem);

#endif
