#include "worker/sealed_file.h"

#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_AT_ONCE  4
#define CHUNKS_AHEAD    2 /* what the connection holds until it is read */
#define PROGRESS_MICROS 1000000
#define SEALED_KEY_MAX  256

struct sealed_reader {
    struct worker *w;
    const struct job *job; /* NULL: none yet */
    struct sealed_file file;
    struct check *check; /* for progress; NULL: none */
    bool (*feed)(void *context, const void *bytes, size_t length);
    void *context;
    char *problem;
    struct unseal_stream stream;
    struct sha256 *hash;
    int64_t chunks; /* read so far */
    bool asked;     /* for those behind them, ahead of time */
    int64_t bytes;
    int64_t next_progress; /* monotonic */
    struct unseal_room room;
};

enum job_outcome sealed_file_check_failed(struct worker *w, char *problem)
{
    if (atomic_load(&w->lost))
        return JOB_LOST;
    (void)snprintf(problem, JOB_PROBLEM_SIZE,
                   "The worker's temporary folder (spool_dir) is full or cannot be written, or memory ran out."
                   " The operator makes room; then retry the job.");
    return JOB_AGAIN;
}

static enum job_outcome damaged(struct sealed_reader *o)
{
    (void)snprintf(o->problem, JOB_PROBLEM_SIZE,
                   "The stored bytes of the upload cannot be read back: they were sealed to another key or are damaged."
                   " The operator restores the key and retries the job; or send the file again.");
    return JOB_FAILED;
}

static enum job_outcome report_progress(struct sealed_reader *o)
{
    if (atomic_load(&o->w->lost))
        return JOB_LOST;
    if (!o->check || !o->job || clock_monotonic() < o->next_progress)
        return JOB_DONE;
    o->next_progress = clock_monotonic() + PROGRESS_MICROS;
    enum pg_status status = job_progress(o->file.pg, o->job, (int64_t)check_rows(o->check), o->file.declared_rows);
    return job_outcome_of(status, o->file.pg, o->problem);
}

static enum job_outcome feed_chunk(struct sealed_reader *o, const char *sealed, size_t length)
{
    const uint8_t *text = NULL;
    size_t n = 0;
    enum unseal_outcome opened = unseal_packed(&o->stream, sealed, length, &o->room, &text, &n);
    if (opened == UNSEAL_NO_MEMORY)
        return sealed_file_check_failed(o->w, o->problem);
    if (opened == UNSEAL_DAMAGED)
        return damaged(o);
    sha256_add(o->hash, text, n);
    o->bytes += (int64_t)n;
    o->chunks++;
    return o->feed(o->context, text, n) ? JOB_DONE : sealed_file_check_failed(o->w, o->problem);
}

static enum pg_status ask_ahead(struct sealed_reader *o, int64_t from)
{
    const struct sealed_file *f = &o->file;
    enum pg_status status = f->ask_chunks(f->pg, f->provider, f->no, from, CHUNKS_AHEAD);
    o->asked = status == PG_OK;
    return status;
}

static enum pg_status take_answer(struct sealed_reader *o, PGresult **result)
{
    o->asked = false;
    return pg_answer(o->file.pg, result);
}

static enum pg_status get_chunks(struct sealed_reader *o, PGresult **result)
{
    const struct sealed_file *f = &o->file;
    enum pg_status status = PG_OK;
    if (!f->ask_chunks)
        return f->get_chunks(f->pg, f->provider, f->no, o->chunks, CHUNKS_AT_ONCE, result);
    if (o->asked) {
        status = take_answer(o, result);
        if (status != PG_OK || PQntuples(*result) > 0)
            return status;
        PQclear(*result); /* some may have come since */
        *result = NULL;
    }
    status = ask_ahead(o, o->chunks);
    return status == PG_OK ? take_answer(o, result) : status;
}

/* The connection is free when progress is reported; what follows is fetched while these chunks are looked at. */
static enum job_outcome read_some(struct sealed_reader *o, int64_t *chunks)
{
    const struct sealed_file *f = &o->file;
    PGresult *r = NULL;
    enum pg_status status = get_chunks(o, &r);
    *chunks = 0;
    if (status != PG_OK)
        return job_outcome_of(status, f->pg, o->problem);
    enum job_outcome outcome = report_progress(o);
    if (outcome == JOB_DONE && f->ask_chunks && PQntuples(r) > 0)
        outcome = job_outcome_of(ask_ahead(o, o->chunks + PQntuples(r)), f->pg, o->problem);
    for (int i = 0; i < PQntuples(r) && outcome == JOB_DONE; i++)
        outcome = feed_chunk(o, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
    *chunks = PQntuples(r);
    PQclear(r);
    return outcome;
}

static enum job_outcome read_rest(struct sealed_reader *o)
{
    const struct sealed_file *f = &o->file;
    while (o->chunks < f->chunks) {
        int64_t chunks = 0;
        enum job_outcome outcome = read_some(o, &chunks);
        if (outcome == JOB_DONE && chunks == 0)
            outcome = damaged(o);
        if (outcome != JOB_DONE)
            return outcome;
    }
    PGresult *nothing = NULL;
    enum pg_status status = o->asked ? take_answer(o, &nothing) : PG_OK;
    PQclear(nothing);
    if (status != PG_OK)
        return job_outcome_of(status, f->pg, o->problem);
    uint8_t sha256[SHA256_SIZE];
    bool whole = sha256_finish(o->hash, sha256) && o->stream.finished && o->chunks == f->chunks &&
                 o->bytes == f->bytes && memcmp(sha256, f->sha256, sizeof sha256) == 0;
    return whole ? JOB_DONE : damaged(o);
}

static enum job_outcome open_stream(struct sealed_reader *o)
{
    const struct sealed_file *f = &o->file;
    uint8_t sealed_key[SEALED_KEY_MAX];
    char context[SEAL_CONTEXT_SIZE];
    size_t length = 0;
    o->hash = sha256_new();
    if (!o->hash)
        return sealed_file_check_failed(o->w, o->problem);
    enum pg_status status = f->sealed_key(f->pg, f->provider, f->no, sealed_key, sizeof sealed_key, &length);
    if (status != PG_OK)
        return job_outcome_of(status, f->pg, o->problem);
    (void)snprintf(context, sizeof context, "%s/%s", f->provider, f->id);
    return unseal_begin(&o->stream, o->w->unseal, context, sealed_key, length) ? JOB_DONE : damaged(o);
}

static void wipe(struct sealed_reader *o)
{
    unseal_end(&o->stream);
    sha256_free(o->hash);
    unseal_room_free(&o->room);
}

static bool feed_check(void *context, const void *bytes, size_t length)
{
    return check_feed(context, bytes, length);
}

static enum job_outcome read_whole(struct sealed_reader *o)
{
    enum job_outcome outcome = open_stream(o);
    if (outcome == JOB_DONE)
        outcome = read_rest(o);
    wipe(o);
    return outcome;
}

enum job_outcome sealed_file_read(struct worker *w, const struct job *job, const struct sealed_file *f,
                                  struct check *check, char *problem)
{
    struct sealed_reader o = {.w = w, .job = job, .file = *f, .check = check, .feed = feed_check, .context = check};
    o.problem = problem;
    return read_whole(&o);
}

enum job_outcome sealed_file_each(struct worker *w, const struct job *job, const struct sealed_file *f,
                                  bool (*feed)(void *context, const void *bytes, size_t length), void *context,
                                  char *problem)
{
    struct sealed_reader o = {.w = w, .job = job, .file = *f, .feed = feed, .context = context};
    o.problem = problem;
    return read_whole(&o);
}

enum job_outcome sealed_reader_open(struct worker *w, const struct sealed_file *f, struct check *check, char *problem,
                                    struct sealed_reader **out)
{
    struct sealed_reader *o = calloc(1, sizeof *o);
    *out = o;
    if (!o)
        return sealed_file_check_failed(w, problem);
    o->w = w;
    o->file = *f;
    o->check = check;
    o->feed = feed_check;
    o->context = check;
    o->problem = problem;
    return open_stream(o);
}

void sealed_reader_free(struct sealed_reader *o)
{
    if (!o)
        return;
    wipe(o);
    free(o);
}

enum job_outcome sealed_reader_step(struct sealed_reader *o, char *problem, int64_t *chunks)
{
    o->problem = problem;
    return read_some(o, chunks);
}

int64_t sealed_reader_bytes(const struct sealed_reader *o)
{
    return o->bytes;
}

enum job_outcome sealed_reader_finish(struct sealed_reader *o, const struct job *job, const struct sealed_file *f,
                                      char *problem)
{
    o->job = job;
    o->file = *f;
    o->problem = problem;
    return read_rest(o);
}
