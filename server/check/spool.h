/* Temporary files of a check: unlinked as they are made, so that nothing is left behind whatever happens. They hold
 * facts, keyed hashes and findings, never identities. Small amounts do not leave memory. One thread. */
#ifndef RECKONER_CHECK_SPOOL_H
#define RECKONER_CHECK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes appended, then read in order. */
struct journal;
/* NULL when memory ran out. The folder is used from the first mebibyte on. */
struct journal *journal_new(const char *folder);
void journal_free(struct journal *j);
/* false: the disk is full or failed (errno), or memory ran out. Nothing may be appended once reading has begun. */
bool journal_append(struct journal *j, const void *bytes, size_t length);
uint64_t journal_length(const struct journal *j);
/* Reads the next bytes, through a buffer; the first call begins at the start. false: there are fewer, or the disk
 * failed. */
bool journal_next(struct journal *j, void *out, size_t length);
/* All bytes as they lie, while the journal is there; not beside journal_next. NULL: the disk failed, or it is empty. */
const char *journal_map(struct journal *j);
/* Where journal_next goes on. */
void journal_seek(struct journal *j, uint64_t at);
bool journal_at_end(const struct journal *j);

/* Bytes appended to partitions, each read back as a whole. */
struct spool;
struct spool *spool_new(const char *folder, unsigned partitions);
/* Frees and sets to NULL. */
void spool_free(struct spool **s);
bool spool_add(struct spool *s, unsigned partition, const void *bytes, size_t length);
/* All bytes of a partition in order, malloc'd (freed by the caller; NULL when there are none). */
bool spool_load(const struct spool *s, unsigned partition, void **bytes, size_t *length);

#endif
