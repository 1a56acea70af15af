/* Reads a large upload while it arrives, so that little is left to do once it is complete: the bytes that are there are
 * checked between two looks into the queue, and while they come quickly the rows are stored as well, in a transaction
 * that stays open (worker/early_load.h).
 *
 * Nothing comes of it by itself. The job that the complete upload leaves goes on from here when everything is still as
 * it was when the reading began, and begins anew otherwise; it alone decides and commits. An upload that is cut off or
 * refused, a worker that dies and a job of anything else drop what was read. One upload at a time; each is tried once.
 */
#ifndef RECKONER_WORKER_READ_ALONG_H
#define RECKONER_WORKER_READ_ALONG_H

#include "worker/jobs.h"

struct validation;

/* w->along; without memory for it nothing is read along. */
void read_along_begin(struct worker *w);
void read_along_end(struct worker *w);

/* A few chunks. Returns the milliseconds after which there may be more: 0 at once, -1 there is nothing to read along.
 */
int64_t read_along_step(struct worker *w);
/* A job was claimed: what it does not go on with is dropped. */
void read_along_make_way(struct worker *w, const struct job *job);
/* What was read of an upload; the caller owns it. NULL: nothing. */
struct validation *read_along_take(struct worker *w, const char *provider, const char *id);

#endif
