#include "worker/read_along.h"

#include "base/log.h"
#include "worker/early_load.h"
#include "worker/validation_run.h"

#include <stdlib.h>
#include <string.h>

#define MICROS_PER_SECOND 1000000
/* Until the next look for bytes, and for how long there may be none. */
#define PAUSE_MS 20
#define PATIENCE (5LL * MICROS_PER_SECOND)
/* The open transaction with the rows must not wait for a slow client: it may last two seconds, and one more for each
 * RATE bytes that came. */
#define RATE          (4LL * 1024 * 1024)
#define LOAD_PATIENCE (2LL * MICROS_PER_SECOND)

struct read_along {
    struct validation *v; /* NULL: no upload is read */
    char problem[JOB_PROBLEM_SIZE];
    int64_t begun; /* monotonic */
    int64_t fed;   /* when the last bytes came */
    int64_t last;  /* submission.no of the newest upload that was tried */
};

void read_along_begin(struct worker *w)
{
    w->along = calloc(1, sizeof *w->along);
}

/* The reservation is kept: it ends with what is done with the upload. */
static struct validation *take(struct read_along *a)
{
    struct validation *v = a->v;
    a->v = NULL;
    return v;
}

static void drop(struct worker *w)
{
    struct validation *v = take(w->along);
    if (!v)
        return;
    (void)submission_read_along_end(w->pg, v->s.provider, v->s.id);
    validation_free(v);
}

void read_along_end(struct worker *w)
{
    if (!w->along)
        return;
    drop(w);
    free(w->along);
    w->along = NULL;
}

struct validation *read_along_take(struct worker *w, const char *provider, const char *id)
{
    struct read_along *a = w->along;
    if (!a || !a->v || strcmp(a->v->s.provider, provider) != 0 || strcmp(a->v->s.id, id) != 0)
        return NULL;
    (void)submission_read_along_end(w->pg, provider, id);
    return take(a);
}

static void give_up(struct worker *w, const char *why)
{
    const struct submission *s = &w->along->v->s;
    const struct log_field fields[] = {
        {"provider", s->provider, 0}, {"subject", s->id, 0}, {"outcome", "dropped", 0}, {"problem", why, 0}};
    log_event(LOG_LEVEL_INFO, "read_along", fields, sizeof fields / sizeof fields[0]);
    drop(w);
}

void read_along_make_way(struct worker *w, const struct job *job)
{
    struct read_along *a = w->along;
    if (a && a->v &&
        (strcmp(job->kind, "validate") != 0 || strcmp(a->v->s.id, job->subject) != 0 ||
         strcmp(a->v->s.provider, job->provider) != 0))
        give_up(w, "other work came first");
}

static bool begin_upload(struct worker *w, const struct submission *s)
{
    struct read_along *a = w->along;
    a->last = s->no;
    if (submission_read_along(w->pg, s->provider, s->id) != PG_OK)
        return false;
    a->begun = a->fed = clock_monotonic();
    enum job_outcome outcome = validation_new(w, s, a->problem, &a->v);
    if (!a->v) {
        (void)submission_read_along_end(w->pg, s->provider, s->id);
        return false;
    }
    if (outcome == JOB_DONE && early_load_begin_along(a->v) != PG_OK)
        outcome = JOB_AGAIN;
    if (outcome == JOB_DONE)
        outcome = validation_open(a->v);
    if (outcome == JOB_DONE)
        outcome = validation_open_along(a->v);
    if (outcome != JOB_DONE)
        give_up(w, "it could not be begun");
    return outcome == JOB_DONE;
}

/* Each upload is tried once, so that one which comes in pieces is not read again and again. */
static bool find_upload(struct worker *w)
{
    PGresult *r = NULL;
    bool found = false;
    if (submission_arriving(w->pg, &r) != PG_OK)
        return false;
    for (int i = 0; i < PQntuples(r) && !found; i++) {
        struct submission s;
        submission_read(r, i, &s);
        found = s.no > w->along->last && begin_upload(w, &s);
    }
    PQclear(r);
    return found;
}

static int64_t wait_for_bytes(struct worker *w)
{
    const struct read_along *a = w->along;
    if (clock_monotonic() - a->fed > PATIENCE)
        give_up(w, "nothing came for too long");
    else if (submission_still_there(w->pg, a->v->s.provider, a->v->s.no) != PG_OK)
        give_up(w, "the upload was given up");
    return a->v ? PAUSE_MS : -1;
}

static void limit_load(struct read_along *a)
{
    int64_t allowed = LOAD_PATIENCE + sealed_reader_bytes(a->v->along) * MICROS_PER_SECOND / RATE;
    if (a->v->early && clock_monotonic() - a->begun > allowed)
        early_load_drop(a->v);
}

int64_t read_along_step(struct worker *w)
{
    struct read_along *a = w->along;
    if (!a || (!a->v && !find_upload(w)) || !a->v)
        return -1;
    int64_t chunks = 0;
    enum job_outcome outcome = sealed_reader_step(a->v->along, a->problem, &chunks);
    if (outcome != JOB_DONE) {
        give_up(w, outcome == JOB_LOST ? "stopped" : a->problem);
        return 0;
    }
    limit_load(a);
    if (chunks == 0)
        return wait_for_bytes(w);
    a->fed = clock_monotonic();
    return 0;
}
