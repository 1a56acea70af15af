/* Erases the identity of a patient: salt, private record, episode id and keyed hash of all the patient's rows, and what
 * was made of them; the digests that commitments rest on stay. One transaction, while no other job of the provider is
 * under way. */
#ifndef RECKONER_WORKER_ERASE_H
#define RECKONER_WORKER_ERASE_H

#include "worker/jobs.h"

enum job_outcome erase_run(struct worker *w, const struct job *job, char *problem);

#endif
