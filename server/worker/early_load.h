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
/* Whether a row is kept back until the rules within the file were asked: one with a closing day is, as it may turn out
 * to continue, unless too many are. Asked as rows are read, not aside. */
bool early_load_keeps_back(struct validation *v, const struct episode *row);
/* The next row that is not kept back. Nothing happens when rows are not loaded early. */
void early_load_add(struct validation *v, const struct episode *row);
/* Every row was added. PG_OK when none was. */
enum pg_status early_load_end(struct validation *v);
/* Load the rows that were kept back, and correct those that have changed since they were added; the transaction stays
 * open. early_load_note notes what the rules within the file have left of both, to be loaded aside while earlier months
 * are asked; early_load_correct does what is left. early_load_note: false: a temporary file or memory failed. */
bool early_load_note(struct validation *v);
enum pg_status early_load_correct_noted(struct validation *v);
enum pg_status early_load_correct(struct validation *v);
/* Takes back what was loaded, once what was given aside is done, and rolls back. */
void early_load_drop(struct validation *v);

#endif
