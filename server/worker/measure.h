/* Writes what was measured of a submission: the indicators with its validation, thresholds and rows without a contract
 * with each evaluation. */
#ifndef RECKONER_WORKER_MEASURE_H
#define RECKONER_WORKER_MEASURE_H

#include "worker/validation_run.h"

/* In the transaction of the outcome, after the rows and what history knows of them. */
enum pg_status measure_write(struct validation *v);

#endif
