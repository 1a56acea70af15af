#include "worker/early_load.h"

#include "store/episode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this many bytes a second connection costs more than it gains. */
#define WORTH_IT (200 * 1024)
/* Rows taken back by one statement. */
#define CORRECT_AT_ONCE 256
/* With more than one in so many rows changed, all are loaded again. */
#define LOAD_AGAIN_SHARE 4

struct early_load {
    struct pg *pg;
    struct pg_copy *copy; /* NULL once it has ended */
    char numbers[CORRECT_AT_ONCE * 11 + 2];
    size_t length;
    size_t count;
    enum pg_status status;
};

static enum pg_status open_connection(const struct validation *v, const char *name, int64_t timeout_ms, struct pg **pg)
{
    const struct config *c = v->w->config;
    struct pg_options options = {c->database_worker, name, c->connect_timeout_seconds, timeout_ms, c->lock_timeout_ms};
    *pg = pg_new(&options);
    return *pg ? pg_connect(*pg) : PG_FAILED;
}

static enum pg_status open_reader(struct validation *v)
{
    return open_connection(v, "reckoner-worker reader", v->w->config->statement_timeout_ms, &v->reader);
}

static enum pg_status begin_copy(struct validation *v, struct pg *pg)
{
    v->early = calloc(1, sizeof *v->early);
    if (!v->early)
        return PG_FAILED;
    v->early->pg = pg;
    return episode_copy_begin(pg, &v->early->copy);
}

/* The lock on the submission keeps a second worker from loading the same rows. */
static enum pg_status lock(struct validation *v, bool *received)
{
    struct submission now;
    enum pg_status status = pg_begin(v->w->pg);
    if (status == PG_OK)
        status = submission_get_for_update(v->w->pg, v->s.provider, v->s.id, &now);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    *received = strcmp(now.state, "received") == 0;
    return *received ? submission_clear_rows(v->w->pg, v->s.provider, v->s.no) : PG_OK;
}

enum pg_status early_load_begin(struct validation *v)
{
    bool received = false;
    if (v->s.bytes < WORTH_IT)
        return PG_OK;
    enum pg_status status = open_reader(v);
    if (status == PG_OK)
        status = lock(v, &received);
    if (status != PG_OK || !received) {
        pg_rollback(v->w->pg);
        return status;
    }
    return begin_copy(v, v->w->pg);
}

enum pg_status early_load_begin_along(struct validation *v)
{
    enum pg_status status = open_reader(v);
    if (status == PG_OK)
        status = open_connection(v, "reckoner-worker loader", WORKER_STATEMENT_TIMEOUT_MS, &v->loader);
    if (status == PG_OK)
        status = pg_begin(v->loader);
    return status == PG_OK ? begin_copy(v, v->loader) : status;
}

enum pg_status early_load_take_over(struct validation *v, bool *decided)
{
    struct submission now;
    enum pg_status status = submission_get_for_update(v->early->pg, v->s.provider, v->s.id, &now);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    *decided = strcmp(now.state, "received") != 0;
    return PG_OK;
}

void early_load_add(struct validation *v, const struct episode *row)
{
    if (v->early && v->early->copy)
        episode_copy_add(v->early->copy, v->s.provider, v->s.no, row);
}

enum pg_status early_load_end(struct validation *v)
{
    struct early_load *e = v->early;
    if (!e || !e->copy)
        return PG_OK;
    enum pg_status status = pg_copy_end(e->copy, NULL);
    e->copy = NULL;
    return status;
}

void early_load_drop(struct validation *v)
{
    if (!v->early)
        return;
    aside_wait(v->aside);
    (void)early_load_end(v);
    pg_rollback(v->early->pg);
    free(v->early);
    v->early = NULL;
}

static bool remove_noted(struct validation *v)
{
    struct early_load *e = v->early;
    if (e->count == 0)
        return true;
    e->numbers[e->length - 1] = '}';
    e->numbers[e->length] = '\0';
    e->status = episode_remove(v->w->pg, v->s.provider, v->s.no, e->numbers);
    e->count = 0;
    e->length = 0;
    return e->status == PG_OK;
}

static bool note_row(void *context, const struct episode *row)
{
    struct validation *v = context;
    struct early_load *e = v->early;
    if (e->count == 0)
        e->numbers[e->length++] = '{';
    int n = snprintf(e->numbers + e->length, 12, "%d,", row->row_no);
    e->length += n > 0 ? (size_t)n : 0;
    return ++e->count < CORRECT_AT_ONCE || remove_noted(v);
}

static bool copy_row(void *context, const struct episode *row)
{
    struct validation *v = context;
    episode_copy_add(v->early->copy, v->s.provider, v->s.no, row);
    return !atomic_load(&v->w->lost);
}

enum pg_status early_load_correct(struct validation *v)
{
    struct early_load *e = v->early;
    uint32_t changed = check_changed_rows(v->check);
    if (changed == 0)
        return PG_OK;
    bool all = changed > check_rows(v->check) / LOAD_AGAIN_SHARE;
    bool read = true;
    e->status = PG_OK;
    if (all)
        e->status = episode_remove(v->w->pg, v->s.provider, v->s.no, NULL);
    else
        read = check_each_changed_row(v->check, note_row, v) && remove_noted(v);
    if (e->status == PG_OK && read)
        e->status = episode_copy_begin(v->w->pg, &e->copy);
    if (e->status != PG_OK || !read) {
        v->unreadable = v->unreadable || e->status == PG_OK;
        return e->status == PG_OK ? PG_FAILED : e->status;
    }
    read = all ? check_each_row(v->check, copy_row, v) : check_each_changed_row(v->check, copy_row, v);
    e->status = early_load_end(v);
    v->unreadable = v->unreadable || !read;
    return read ? e->status : PG_FAILED;
}
