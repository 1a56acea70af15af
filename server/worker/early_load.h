/* Loads the rows of a large upload while it is still being read: the database stores on one processor what the worker
 * reads on another. They lie in the transaction of the outcome, which is decided, written and committed later: until
 * then nobody sees them, and one that is not accepted takes them with it. What rules across rows add to a row is
 * corrected when they are known.
 *
 * While rows are loaded the worker's connection is inside COPY; what must be read or said meanwhile goes through a
 * second one, v->reader. */
#ifndef RECKONER_WORKER_EARLY_LOAD_H
#define RECKONER_WORKER_EARLY_LOAD_H

#include "worker/validation_run.h"

/* Begins for an upload that is still being received, on a connection of its own, v->loader. */
enum pg_status early_load_begin_along(struct validation *v);
/* The upload was received: locks the submission, in the transaction that has the rows. *decided: it has an outcome
 * already. */
enum pg_status early_load_take_over(struct validation *v, bool *decided);
/* Begins for files that are worth it; sets v->early and v->reader then. PG_OK also when it does not begin. */
enum pg_status early_load_begin(struct validation *v);
/* The next row. Nothing happens when rows are not loaded early. */
void early_load_add(struct validation *v, const struct episode *row);
/* Every row was added. PG_OK when none was. */
enum pg_status early_load_end(struct validation *v);
/* Corrects the rows that have changed since they were added; the transaction stays open. */
enum pg_status early_load_correct(struct validation *v);
/* Takes back what was loaded, once what was given aside is done, and rolls back. */
void early_load_drop(struct validation *v);

#endif
