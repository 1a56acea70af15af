#include "worker/measure.h"

#include "store/history.h"
#include "store/indicator.h"
#include "worker/leak_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A service code is text of an upload and goes out in the tables: one that could identify a patient is shown by a
 * number instead. */
struct alias {
    const char *service; /* borrowed from the indicators */
    char shown[24];
};

struct measuring {
    const struct validation *v;
    struct leak_guard *guard;
    struct pg_copy *copy;
    enum pg_status guard_status;
    struct alias *aliases;
    size_t alias_count;
};

static const char *shown_for(const struct measuring *m, const char *service)
{
    for (size_t k = 0; k < m->alias_count; k++) {
        if (m->aliases[k].service == service)
            return m->aliases[k].shown;
    }
    return service;
}

/* The guard asks the database, which it cannot while a copy is under way: every service is judged before. */
static bool judge_service(void *context, const struct indicator_line *line)
{
    struct measuring *m = context;
    if (line->whole || line->id != INDICATOR_CLUSTER_00)
        return true;
    enum leak_verdict verdict = leak_guard_text(m->guard, line->service, strlen(line->service));
    if (verdict == LEAK_UNKNOWN)
        m->guard_status = leak_guard_status(m->guard);
    if (verdict != LEAK_FOUND)
        return verdict == LEAK_CLEAN;
    struct alias *more = reallocarray(m->aliases, m->alias_count + 1, sizeof *more);
    if (more == NULL)
        return false;
    m->aliases = more;
    struct alias *a = &m->aliases[m->alias_count++];
    a->service = line->service;
    (void)snprintf(a->shown, sizeof a->shown, "(withheld %zu)", m->alias_count);
    return true;
}

static bool copy_line(void *context, const struct indicator_line *line)
{
    const struct measuring *m = context;
    const char *service = line->whole ? "" : shown_for(m, line->service);
    indicator_copy_add(m->copy, m->v->s.provider, m->v->s.no, line, service);
    return true;
}

static bool copy_days(void *context, bool whole, const char *service, int cluster, int64_t days)
{
    struct measuring *m = context;
    indicator_days_copy_add(m->copy, m->v->s.provider, m->v->s.no, whole, whole ? "" : shown_for(m, service), cluster,
                            days);
    return true;
}

static bool copy_cluster(void *context, const struct indicator_cluster *c)
{
    struct measuring *m = context;
    indicator_cluster_copy_add(m->copy, m->v->s.provider, m->v->s.no, c);
    return true;
}

static enum pg_status copied(struct measuring *m, bool all)
{
    enum pg_status status = pg_copy_end(m->copy, NULL);
    return all ? status : PG_FAILED;
}

static enum pg_status write_lines(struct measuring *m)
{
    const struct validation *v = m->v;
    enum pg_status status = indicator_copy_begin(v->w->pg, &m->copy);
    if (status == PG_OK)
        status = copied(m, indicators_lines(v->indicators, v->s.caseload, copy_line, m));
    if (status == PG_OK)
        status = indicator_days_copy_begin(v->w->pg, &m->copy);
    if (status == PG_OK)
        status = copied(m, indicators_days(v->indicators, copy_days, m));
    if (status == PG_OK)
        status = indicator_cluster_copy_begin(v->w->pg, &m->copy);
    if (status == PG_OK)
        status = copied(m, indicators_clusters(v->indicators, copy_cluster, m));
    return status;
}

static enum pg_status write_prices(struct measuring *m)
{
    const struct validation *v = m->v;
    enum pg_status status = indicator_price_copy_begin(v->w->pg, &m->copy);
    if (status != PG_OK)
        return status;
    for (int c = 0; c < CLUSTER_COUNT; c++) {
        const struct reference_price *price = &v->basis.reference.prices[c];
        if (price->known)
            indicator_price_copy_add(m->copy, v->s.provider, v->s.no, c, price);
    }
    return copied(m, true);
}

/* Moves between clusters are known from earlier months. */
static enum pg_status add_moves(const struct validation *v)
{
    PGresult *r = NULL;
    enum pg_status status = cluster_move_counts(v->w->pg, v->s.provider, v->s.no, &r);
    for (int i = 0; status == PG_OK && i < PQntuples(r); i++) {
        const char *service = pg_text(r, i, "service");
        indicators_moves(v->indicators, (struct text){service, strlen(service)}, pg_i64(r, i, "up"),
                         pg_i64(r, i, "down"));
    }
    PQclear(r);
    return status;
}

/* Late: begun after FREEZE of a contract that has one; what an exception let in is late too. */
static bool is_late(const struct validation *v)
{
    for (size_t i = 0; i < v->window_count; i++) {
        if (v->windows[i].agreed && v->s.begun_at >= v->windows[i].freeze_at)
            return true;
    }
    return false;
}

enum pg_status measure_write(struct validation *v)
{
    struct measuring m = {.v = v, .guard_status = PG_OK};
    enum pg_status status = add_moves(v);
    m.guard = leak_guard_new(v->w->pg, v->w->pseudonym_key, NULL);
    if (status == PG_OK && m.guard == NULL)
        status = PG_FAILED;
    if (status == PG_OK)
        status = leak_guard_add(m.guard, v->s.provider, v->s.no);
    if (status == PG_OK && !indicators_lines(v->indicators, v->s.caseload, judge_service, &m))
        status = m.guard_status == PG_OK ? PG_FAILED : m.guard_status;
    if (status == PG_OK)
        status =
            indicator_begin(v->w->pg, v->s.provider, v->s.no, is_late(v), indicators_too_many_services(v->indicators));
    if (status == PG_OK)
        status = write_lines(&m);
    if (status == PG_OK)
        status = write_prices(&m);
    leak_guard_free(m.guard);
    free(m.aliases);
    return status;
}
