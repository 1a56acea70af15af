/* Sorting records whose keys are hashes: spread by bits of the key they lie in handfuls, which costs a fifth of sorting
 * them all together. Pure. */
#ifndef RECKONER_DOMAIN_GATHER_H
#define RECKONER_DOMAIN_GATHER_H

#include <stdbool.h>
#include <stddef.h>

/* Brings the records of each key together, in the order of compare within a key. Each record begins with its key, a
 * uint64_t of which the upper half is spread evenly; compare orders by the key first. false: out of memory (it needs as
 * much again), or 2^32 records or more. count is not 0. */
bool gather(void *records, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
