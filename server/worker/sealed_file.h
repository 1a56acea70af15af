/* The bytes of an upload or a rehearsal, read back from the database as they were sealed and fed to a check. */
#ifndef RECKONER_WORKER_SEALED_FILE_H
#define RECKONER_WORKER_SEALED_FILE_H

#include "check/check.h"
#include "worker/jobs.h"

/* What was received, and where it lies. Borrowed. */
struct sealed_file {
    const char *provider;
    const char *id; /* with the provider, what the bytes were sealed for */
    int64_t no;
    int64_t chunks;
    int64_t bytes;
    const uint8_t *sha256;
    int64_t declared_rows; /* for progress; -1: not known */
    /* The store's functions for the noun. */
    enum pg_status (*sealed_key)(struct pg *pg, const char *provider, int64_t no, uint8_t *key, size_t size,
                                 size_t *length);
    enum pg_status (*get_chunks)(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count,
                                 PGresult **result);
    struct pg *pg; /* to read through, and to say how far it is */
    /* Asks for chunks without waiting, for pg_answer; pg is then used for nothing else until the file was read. NULL:
     * get_chunks asks for them when they are wanted. */
    enum pg_status (*ask_chunks)(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count);
};

/* Feeds the whole file to the check, not finished yet, and renews the job's progress. JOB_DONE, or another outcome with
 * its problem text. */
enum job_outcome sealed_file_read(struct worker *w, const struct job *job, const struct sealed_file *f,
                                  struct check *check, char *problem);

/* The same without a check: the bytes, in pieces, go to feed, which returns false to stop (sealed_file_check_failed).
 */
enum job_outcome sealed_file_each(struct worker *w, const struct job *job, const struct sealed_file *f,
                                  bool (*feed)(void *context, const void *bytes, size_t length), void *context,
                                  char *problem);

/* The same in steps, for a file that is still arriving. chunks, bytes and sha256 of the file matter to
 * sealed_reader_finish alone. */
struct sealed_reader;
/* *out is freed by the caller whatever the answer. */
enum job_outcome sealed_reader_open(struct worker *w, const struct sealed_file *f, struct check *check, char *problem,
                                    struct sealed_reader **out);
/* NULL is allowed. Wipes what it held of the file. */
void sealed_reader_free(struct sealed_reader *o);
/* Feeds the next chunks that are there, a few at most; *chunks says how many there were. */
enum job_outcome sealed_reader_step(struct sealed_reader *o, char *problem, int64_t *chunks);
/* Bytes of the file that were fed. */
int64_t sealed_reader_bytes(const struct sealed_reader *o);
/* The file f has arrived and job reads the rest of it, as sealed_file_read does. */
enum job_outcome sealed_reader_finish(struct sealed_reader *o, const struct job *job, const struct sealed_file *f,
                                      char *problem);

/* The outcome when a check failed for want of memory or temporary files: JOB_LOST when it was asked to stop. */
enum job_outcome sealed_file_check_failed(struct worker *w, char *problem);

#endif
