#include "worker/early_load.h"

#include "store/episode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this many bytes a second connection costs more than it gains. */
#define WORTH_IT (200 * 1024)
/* Rows taken back by one statement. */
#define CORRECT_AT_ONCE 256
/* With more than one in so many rows changed, all are loaded again; no more are kept back, nor fewer than KEPT_FIRST.
 */
#define LOAD_AGAIN_SHARE 4
#define KEPT_FIRST       1000

struct early_load {
    struct pg *pg;
    struct pg_copy *copy;  /* NULL once it has ended */
    struct journal *noted; /* struct episode, as it is now, of rows to be loaded or corrected aside */
    uint8_t *kept;         /* one bit per row: it is kept back */
    size_t kept_room;      /* bytes */
    uint32_t kept_count;
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

static bool make_room(struct early_load *e, size_t rows)
{
    if (rows <= e->kept_room * 8)
        return true;
    size_t room = rows / 8 + rows / 16 + 4096;
    uint8_t *kept = realloc(e->kept, room);
    if (!kept)
        return false;
    memset(kept + e->kept_room, 0, room - e->kept_room);
    e->kept = kept;
    e->kept_room = room;
    return true;
}

bool early_load_keeps_back(struct validation *v, const struct episode *row)
{
    struct early_load *e = v->early;
    uint32_t row_no = (uint32_t)row->row_no;
    if (!e || row->end_date == DATE_NONE || row->assessment_only ||
        e->kept_count > row_no / LOAD_AGAIN_SHARE + KEPT_FIRST || !make_room(e, row_no))
        return false;
    e->kept[(row_no - 1) / 8] |= (uint8_t)(1U << ((row_no - 1) % 8));
    e->kept_count++;
    return true;
}

static bool is_kept(const struct early_load *e, int32_t row_no)
{
    size_t at = (size_t)row_no - 1;
    return at / 8 < e->kept_room && (e->kept[at / 8] >> (at % 8) & 1) != 0;
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
    journal_free(v->early->noted);
    free(v->early->kept);
    free(v->early);
    v->early = NULL;
}

static bool remove_counted(struct validation *v)
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

static bool count_row(void *context, const struct episode *row)
{
    struct validation *v = context;
    struct early_load *e = v->early;
    if (e->count == 0)
        e->numbers[e->length++] = '{';
    int n = snprintf(e->numbers + e->length, 12, "%d,", row->row_no);
    e->length += n > 0 ? (size_t)n : 0;
    return ++e->count < CORRECT_AT_ONCE || remove_counted(v);
}

static bool copy_row(void *context, const struct episode *row)
{
    struct validation *v = context;
    episode_copy_add(v->early->copy, v->s.provider, v->s.no, row);
    return !atomic_load(&v->w->lost);
}

typedef bool each_row(void *context, const struct episode *row);

/* Takes rows back, by their numbers, and loads them as they are now. */
static enum pg_status replace(struct validation *v, bool (*each)(struct validation *v, each_row *row))
{
    struct early_load *e = v->early;
    e->status = PG_OK;
    bool read = each(v, count_row) && remove_counted(v);
    if (e->status == PG_OK && read)
        e->status = episode_copy_begin(v->w->pg, &e->copy);
    if (e->status == PG_OK && read) {
        read = each(v, copy_row);
        e->status = early_load_end(v);
    }
    v->unreadable = v->unreadable || (!read && e->status == PG_OK);
    return read || e->status != PG_OK ? e->status : PG_FAILED;
}

static bool each_changed(struct validation *v, each_row *row)
{
    return check_each_changed_row(v->check, NULL, row, v);
}

/* Those that were kept back are not there yet. */
static bool each_noted(struct validation *v, each_row *row)
{
    const struct early_load *e = v->early;
    struct episode facts;
    journal_seek(e->noted, 0);
    while (!journal_at_end(e->noted)) {
        if (!journal_next(e->noted, &facts, sizeof facts))
            return false;
        if (!(row == count_row && is_kept(e, facts.row_no)) && !row(v, &facts))
            return false;
    }
    return true;
}

static bool all_again(const struct validation *v)
{
    return check_changed_rows(v->check) > check_rows(v->check) / LOAD_AGAIN_SHARE;
}

static bool note_row(void *context, const struct episode *row)
{
    struct validation *v = context;
    return journal_append(v->early->noted, row, sizeof *row);
}

bool early_load_note(struct validation *v)
{
    struct early_load *e = v->early;
    if (all_again(v))
        return true;
    e->noted = journal_new(v->w->config->spool_dir);
    if (!e->noted || !make_room(e, check_rows(v->check)) || !check_each_changed_row(v->check, e->kept, note_row, v))
        return false;
    check_settle(v->check);
    return true;
}

enum pg_status early_load_correct_noted(struct validation *v)
{
    if (!v->early->noted || journal_length(v->early->noted) == 0)
        return PG_OK;
    return replace(v, each_noted);
}

static enum pg_status load_again(struct validation *v)
{
    struct early_load *e = v->early;
    e->status = episode_remove(v->w->pg, v->s.provider, v->s.no, NULL);
    if (e->status == PG_OK)
        e->status = episode_copy_begin(v->w->pg, &e->copy);
    if (e->status != PG_OK)
        return e->status;
    bool read = check_each_row(v->check, copy_row, v);
    e->status = early_load_end(v);
    v->unreadable = v->unreadable || !read;
    return read ? e->status : PG_FAILED;
}

enum pg_status early_load_correct(struct validation *v)
{
    if (check_changed_rows(v->check) == 0)
        return PG_OK;
    return all_again(v) ? load_again(v) : replace(v, each_changed);
}
