/* What is measured of a provider, the same for both sides: by month, its trend, and against peers that consent. */
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/measured_month.h"

#include <stdio.h>
#include <string.h>

#define TREND_MONTHS 24

static void reply_or_memory(struct request *r, json_t *body, bool ok)
{
    if (ok) {
        reply_json(r, 200, body, NULL);
        return;
    }
    json_decref(body);
    reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
}

static json_t *items_of(const struct measured_month *m, const struct measured figures[INDICATOR_COUNT], bool whole)
{
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int id = 0; id < INDICATOR_COUNT && ok; id++) {
        if (whole || indicator_get((enum indicator_id)id)->by_service)
            ok = json_array_append_new(items, measured_json(m, (enum indicator_id)id, &figures[id], whole)) == 0;
    }
    if (ok)
        return items;
    json_decref(items);
    return NULL;
}

static json_t *service_json(const struct measured_month *m, const char *service, const struct measured *figures)
{
    json_t *o = json_object();
    if (o && json_put(o, "service", service[0] ? json_string(service) : json_null()) &&
        json_put(o, "items", items_of(m, figures, false)))
        return o;
    json_decref(o);
    return NULL;
}

/* items of the provider and services. */
static bool put_figures(const struct measured_month *m, json_t *body)
{
    struct measured figures[INDICATOR_COUNT];
    const char *service = NULL;
    json_t *services = json_array();
    json_t *items = NULL;
    bool ok = services != NULL;
    for (int at = 0; ok && m->found && measured_next(m, &at, &service, figures);) {
        if (service == NULL) {
            json_decref(items);
            items = items_of(m, figures, true);
            ok = items != NULL;
        } else {
            ok = json_array_append_new(services, service_json(m, service, figures)) == 0;
        }
    }
    ok = json_put(body, "items", items ? items : json_array()) && ok;
    ok = json_put(body, "services", services) && ok;
    return ok && (!m->too_many_services ||
                  json_put(body, "services_missing_because",
                           json_string("The file names more than 500 services; there is no table by service")));
}

static json_t *quartiles_json(const PGresult *r, int row, const char *lower, const char *median, const char *upper)
{
    if (pg_is_null(r, row, median))
        return json_null();
    json_t *o = json_object();
    if (o && json_put(o, "lower", json_integer(pg_i64(r, row, lower))) &&
        json_put(o, "median", json_integer(pg_i64(r, row, median))) &&
        json_put(o, "upper", json_integer(pg_i64(r, row, upper))))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *cluster_json(const PGresult *r, int row)
{
    static const struct column columns[] = {{"cluster", COLUMN_TEXT},
                                            {"episodes", COLUMN_INTEGER},
                                            {"days", COLUMN_INTEGER},
                                            {"admitted_days", COLUMN_INTEGER},
                                            {"pence_per_day", COLUMN_INTEGER},
                                            {"ward_pence_per_day", COLUMN_INTEGER},
                                            {NULL, COLUMN_TEXT}};
    json_t *o = row_object(r, row, columns);
    if (o && json_put(o, "length_days", quartiles_json(r, row, "length_lower", "length_median", "length_upper")) &&
        json_put(o, "value_pence", quartiles_json(r, row, "value_lower", "value_median", "value_upper")) &&
        json_put(o, "hidden", json_boolean(pg_is_null(r, row, "episodes"))))
        return o;
    json_decref(o);
    return NULL;
}

static enum pg_status put_clusters(struct request *r, const struct measured_month *m, json_t *body, bool *ok)
{
    PGresult *result = NULL;
    json_t *clusters = json_array();
    enum pg_status status = m->found ? indicator_clusters_list(r->pg, m->provider, m->no, &result) : PG_OK;
    *ok = clusters != NULL;
    for (int i = 0; status == PG_OK && *ok && result != NULL && i < PQntuples(result); i++)
        *ok = json_array_append_new(clusters, cluster_json(result, i)) == 0;
    PQclear(result);
    *ok = json_put(body, "clusters", clusters) && *ok;
    return status;
}

void indicators_get(struct request *r)
{
    month_t month = 0;
    struct measured_month m;
    if (!request_query_month(r, &month))
        return;
    enum pg_status status = measured_month_read(r->pg, r->path_values[0], month, &m);
    json_t *body = status == PG_OK ? measured_head(&m) : NULL;
    bool ok = body != NULL && put_figures(&m, body);
    if (ok)
        status = put_clusters(r, &m, body, &ok);
    measured_month_free(&m);
    if (status == PG_OK) {
        reply_or_memory(r, body, ok);
        return;
    }
    json_decref(body);
    reply_store(r, status);
}

/* The provider's figures of one month of the trend, without what describes them. */
static json_t *trend_month(const struct measured_month *m)
{
    struct measured figures[INDICATOR_COUNT];
    const char *service = NULL;
    int at = 0;
    json_t *o = measured_head(m);
    json_t *items = json_array();
    bool ok = o != NULL && items != NULL;
    if (ok && m->found && measured_next(m, &at, &service, figures) && service == NULL) {
        for (int id = 0; id < INDICATOR_COUNT && ok; id++)
            ok = json_array_append_new(items, measured_json(m, (enum indicator_id)id, &figures[id], false)) == 0;
    }
    ok = json_put(o, "items", items) && ok;
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

void indicators_trend(struct request *r)
{
    month_t month = 0;
    int64_t months = 12;
    const char *text = request_query(r, "months");
    if (!request_query_month(r, &month))
        return;
    if (text != NULL && !parse_i64_within(text, strlen(text), 1, TREND_MONTHS, &months)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "months", "months is a number from 1 to %d", TREND_MONTHS);
        return;
    }
    json_t *list = json_array();
    bool ok = list != NULL;
    enum pg_status status = PG_OK;
    for (month_t at = month - (month_t)months + 1; at <= month && ok && status == PG_OK; at++) {
        struct measured_month m;
        status = measured_month_read(r->pg, r->path_values[0], at, &m);
        if (status == PG_OK)
            ok = json_array_append_new(list, trend_month(&m)) == 0;
        measured_month_free(&m);
    }
    if (status != PG_OK) {
        json_decref(list);
        reply_store(r, status);
        return;
    }
    json_t *body = json_object();
    ok = body != NULL && json_put(body, "provider", json_string(r->path_values[0])) && ok;
    ok = json_put(body, "months", list) && ok;
    reply_or_memory(r, body, ok);
}

/* Row of the peers' figures for an indicator, or -1. */
static int peers_row(const PGresult *peers, const char *indicator)
{
    for (int i = 0; i < PQntuples(peers); i++) {
        if (strcmp(pg_text(peers, i, "indicator"), indicator) == 0)
            return i;
    }
    return -1;
}

static json_t *comparison_json(enum indicator_id id, const struct measured *own, const PGresult *peers)
{
    const struct indicator *what = indicator_get(id);
    int row = peers_row(peers, what->id);
    json_t *o = json_object();
    bool ok = o && json_put(o, "indicator", json_string(what->id)) && json_put(o, "name", json_string(what->name)) &&
              json_put(o, "own", measured_share(own->value_known, own->value)) &&
              json_put(o, "own_note", own->note ? json_string(own->note) : json_null());
    if (ok && row >= 0)
        ok = json_put(o, "peers", json_integer(pg_i64(peers, row, "peers"))) &&
             json_put(o, "lower", measured_share(true, pg_i64(peers, row, "lower"))) &&
             json_put(o, "median", measured_share(true, pg_i64(peers, row, "median"))) &&
             json_put(o, "upper", measured_share(true, pg_i64(peers, row, "upper"))) &&
             json_put(o, "note", json_null());
    else if (ok)
        ok = json_put(o, "peers", json_null()) && json_put(o, "lower", json_null()) &&
             json_put(o, "median", json_null()) && json_put(o, "upper", json_null()) &&
             json_put(o, "note", json_string("Fewer than three other providers that consent have this figure"));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

void indicators_peers(struct request *r)
{
    month_t month = 0;
    struct measured_month m;
    struct measured own[INDICATOR_COUNT];
    PGresult *peers = NULL;
    const char *service = NULL;
    int at = 0;
    if (!request_query_month(r, &month))
        return;
    memset(own, 0, sizeof own);
    enum pg_status status = measured_month_read(r->pg, r->path_values[0], month, &m);
    if (status == PG_OK)
        status = indicator_peers(r->pg, r->path_values[0], month, &peers);
    if (status != PG_OK) {
        measured_month_free(&m);
        reply_store(r, status);
        return;
    }
    if (m.found)
        (void)measured_next(&m, &at, &service, own);
    json_t *body = measured_head(&m);
    json_t *items = json_array();
    bool ok = body != NULL && items != NULL;
    for (int id = 0; id < INDICATOR_COUNT && ok; id++) {
        const struct indicator *what = indicator_get((enum indicator_id)id);
        if (what->counted && what->form != INDICATOR_MEAN)
            ok = json_array_append_new(items, comparison_json((enum indicator_id)id, &own[id], peers)) == 0;
    }
    ok = json_put(body, "items", items) && ok;
    PQclear(peers);
    measured_month_free(&m);
    reply_or_memory(r, body, ok);
}

static json_t *consent_json(const PGresult *result)
{
    static const struct column columns[] = {
        {"given_by", COLUMN_TEXT}, {"given_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
    json_t *o = result ? row_object(result, 0, columns) : json_pack("{s:n, s:n}", "given_by", "given_at");
    if (o && json_put(o, "given", json_boolean(result != NULL)))
        return o;
    json_decref(o);
    return NULL;
}

/* A provider that may be read; a stranger is told nothing. */
static bool is_readable(struct request *r)
{
    enum pg_status status = indicator_readable(r->pg, r->path_values[0]);
    if (status == PG_OK)
        return true;
    reply_store(r, status);
    return false;
}

void peer_consent_show(struct request *r)
{
    PGresult *result = NULL;
    if (!is_readable(r))
        return;
    enum pg_status status = peer_consent_get(r->pg, r->path_values[0], &result);
    if (status == PG_OK || status == PG_NONE)
        reply_json(r, 200, consent_json(result), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

static enum pg_status give(struct request *r, void *context)
{
    bool changed = false;
    PGresult *result = NULL;
    (void)context;
    enum pg_status status = peer_consent_give(r->pg, r->path_values[0], r->caller.person, r->begun_at, &changed);
    if (status == PG_OK && changed)
        status = request_audit(r, r->path_values[0], "peers.consent", "peers", NULL);
    if (status == PG_OK)
        status = peer_consent_get(r->pg, r->path_values[0], &result);
    if (status == PG_OK)
        reply_json(r, 200, consent_json(result), NULL);
    PQclear(result);
    return status;
}

void peer_consent_put(struct request *r)
{
    request_change(r, give, NULL);
}

static enum pg_status withdraw(struct request *r, void *context)
{
    bool changed = false;
    (void)context;
    enum pg_status status = peer_consent_withdraw(r->pg, r->path_values[0], &changed);
    if (status == PG_OK && changed)
        status = request_audit(r, r->path_values[0], "peers.withdraw", "peers", NULL);
    if (status == PG_OK)
        reply_nothing(r);
    return status;
}

void peer_consent_delete(struct request *r)
{
    if (is_readable(r))
        request_change(r, withdraw, NULL);
}
