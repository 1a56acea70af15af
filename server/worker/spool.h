/* Temporary files of the worker: unlinked as they are made, so that nothing is left behind whatever happens. They hold
 * facts, keyed hashes and sealed blocks, never identities. Small amounts do not leave memory. One thread. */
#ifndef RECKONER_WORKER_SPOOL_H
#define RECKONER_WORKER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes appended and read back, in order or from any place. */
struct journal;
/* NULL when memory ran out. The folder is used from the first mebibyte on. */
struct journal *journal_new(const char *folder);
void journal_free(struct journal *j);
/* false: the disk is full or failed (errno), or memory ran out. */
bool journal_append(struct journal *j, const void *bytes, size_t length);
uint64_t journal_length(const struct journal *j);
/* Reads exactly length bytes from a place. false: there are fewer, or the disk failed. */
bool journal_read(struct journal *j, uint64_t at, void *out, size_t length);
/* Reads the next bytes in order, through a buffer; the first call begins at the start. Nothing may be appended once
 * this was called. */
bool journal_next(struct journal *j, void *out, size_t length);
bool journal_at_end(const struct journal *j);

/* Records of one size, in partitions. */
struct spool;
struct spool *spool_new(const char *folder, unsigned partitions, size_t record_size);
void spool_free(struct spool *s);
bool spool_add(struct spool *s, unsigned partition, const void *record);
/* All records of a partition, malloc'd (free by the caller; NULL when there are none). */
bool spool_load(struct spool *s, unsigned partition, void **records, size_t *count);

#endif
