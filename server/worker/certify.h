/* Certifies each month of a contract once its FREEZE window has closed: a signed list of every version that had been
 * begun by then. A version that a receipt shows to have begun in time and that is not in the list proves the service
 * wrong; one that is not in the list and has no such receipt was not there. */
#ifndef RECKONER_WORKER_CERTIFY_H
#define RECKONER_WORKER_CERTIFY_H

#include "worker/jobs.h"

/* Certifies what is due; *made counts. Between transactions of the worker's connection. Months whose uploads have no
 * outcome yet wait for the next call. */
enum pg_status certify_due(struct worker *w, int64_t *made);

#endif
