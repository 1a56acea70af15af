/* Work done aside: a thread that does what it is given, in order, while the caller goes on. So the database takes rows
 * on one processor while the next ones are checked on another (worker/reading.c, writing.c).
 *
 * What a piece of work touches is the thread's until aside_wait has returned; the queue's lock makes it visible. */
#ifndef RECKONER_WORKER_ASIDE_H
#define RECKONER_WORKER_ASIDE_H

/* Pieces that may wait; aside_give waits while there are so many. Enough that the caller goes on while the database
 * waits for its disk, for a fifth of a second or so. */
#define ASIDE_WAITING 256

struct aside;

/* NULL: no thread could be had. Then everything given is done at once, by the caller. */
struct aside *aside_new(void);
/* Waits for what was given, and ends the thread. NULL is allowed. */
void aside_free(struct aside *a);

/* Gives a piece of work; work keeps its own result. */
void aside_give(struct aside *a, void (*work)(void *context), void *context);
/* Returns when everything that was given is done. */
void aside_wait(struct aside *a);

#endif
