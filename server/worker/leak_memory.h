/* What a worker remembers of the guard at the door (worker/leak_guard.h): which tokens were no identifier of which
 * submission. Runs write the same words again and again, and the identifiers of a submission never become more. Holds
 * keyed hashes, a fixed number of them; the newer one stays where two meet. Of one thread. */
#ifndef RECKONER_WORKER_LEAK_MEMORY_H
#define RECKONER_WORKER_LEAK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct leak_memory;

/* NULL when memory ran out: the guard does without. Freed with leak_memory_free, NULL allowed. */
struct leak_memory *leak_memory_new(void);
void leak_memory_free(struct leak_memory *m);
/* Forgets everything unless it was learnt over this connection (pg_connection_number): behind another one may be a
 * database that was restored, whose submissions have the numbers of others. */
void leak_memory_of(struct leak_memory *m, uint64_t connection);
void leak_memory_keep(struct leak_memory *m, int64_t submission, int64_t hash);
bool leak_memory_has(const struct leak_memory *m, int64_t submission, int64_t hash);

#endif
