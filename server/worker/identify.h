/* Answers readings of identities: the one place where confidential blocks are opened. */
#ifndef RECKONER_WORKER_IDENTIFY_H
#define RECKONER_WORKER_IDENTIFY_H

#include "worker/jobs.h"

#define IDENTIFY_RELEASE_SECONDS (15 * 60) /* an answer that nobody fetches is removed after so long */

/* A job_handler. The subject is the reading. The answer, encrypted with the reader's key for the context
 * "PROVIDER/READING", is the JSON text {"provider": .., "items": [{"row": .., "patient_id": ..,
 * "nhs_number": .., "birth_date": .. or null, "gp_practice": ..}]}, rows ascending and each once, values as they were
 * sent. */
enum job_outcome identify_run(struct worker *w, const struct job *job, char *problem);
enum pg_status identify_give_up(struct worker *w, const struct job *job, const char *problem);

#endif
