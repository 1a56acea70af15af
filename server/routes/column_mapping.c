/* A trust's own column names, saved for its uploads. Each saving is a version; submissions name the one they were read
 * by. */
#include "routes/handlers.h"

#include "domain/column_mapping.h"
#include "store/saved_mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct saving {
    char *body; /* canonical JSON; NULL: withdraws */
};

static bool is_own(struct request *r)
{
    if (strcmp(r->path_values[0], r->caller.organisation) == 0)
        return true;
    reply_problem(r, PROBLEM_NOT_FOUND, NULL, "A column mapping is its own provider's affair");
    return false;
}

static void etag_of(int64_t version, char etag[24])
{
    (void)snprintf(etag, 24, "%lld", (long long)version);
}

/* PG_NONE: none is saved, or the newest was withdrawn; *version is then 0 or the withdrawn one's. */
static enum pg_status read_current(struct request *r, int64_t *version, PGresult **result)
{
    *version = 0;
    enum pg_status status = saved_mapping_newest(r->pg, r->path_values[0], result);
    if (status != PG_OK)
        return status;
    *version = pg_i64(*result, 0, "version");
    if (!pg_is_null(*result, 0, "body"))
        return PG_OK;
    PQclear(*result);
    *result = NULL;
    return PG_NONE;
}

static json_t *mapping_json(const char *provider, int64_t version, const char *body, const char *made_by,
                            instant_t made_at)
{
    char instant[28];
    struct json_problem problem;
    instant_format(made_at, instant);
    json_t *o = json_read(body, strlen(body), &problem);
    bool ok = o && json_put(o, "provider", json_string(provider)) && json_put(o, "version", json_integer(version)) &&
              json_put(o, "made_by", json_string(made_by)) && json_put(o, "made_at", json_string(instant));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static void reply_mapping(struct request *r, int64_t version, const char *body, const char *made_by, instant_t made_at)
{
    char etag[24];
    etag_of(version, etag);
    json_t *o = mapping_json(r->path_values[0], version, body, made_by, made_at);
    if (o)
        reply_json(r, 200, o, etag);
    else
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the mapping");
}

void column_mapping_route_get(struct request *r)
{
    int64_t version;
    PGresult *result = NULL;
    enum pg_status status = read_current(r, &version, &result);
    if (status == PG_OK)
        reply_mapping(r, version, pg_text(result, 0, "body"), pg_text(result, 0, "made_by"),
                      pg_instant(result, 0, "made_at"));
    else if (status == PG_NONE)
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "No column mapping is saved");
    else
        reply_store(r, status);
    PQclear(result);
}

/* If-Match against what is in force: its version, or nothing. */
static bool matches(struct request *r, bool exists, int64_t version)
{
    char etag[24];
    etag_of(version, etag);
    if (exists)
        return request_if_match(r, etag);
    if (r->if_match == NULL)
        return true;
    reply_problem(r, PROBLEM_PRECONDITION_FAILED, "If-Match", "No column mapping is saved; send none");
    return false;
}

static enum pg_status save(struct request *r, void *context)
{
    const struct saving *s = context;
    int64_t version;
    PGresult *result = NULL;
    enum pg_status status = read_current(r, &version, &result);
    bool exists = status == PG_OK;
    PQclear(result);
    if (!exists && status != PG_NONE)
        return status;
    if (!exists && s->body == NULL) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "No column mapping is saved");
        return PG_INVALID;
    }
    if (!matches(r, exists, version))
        return PG_INVALID;
    version++;
    status = saved_mapping_add(r->pg, r->caller.organisation, version, s->body, r->caller.person, r->begun_at);
    if (status == PG_DUPLICATE)
        reply_problem(r, PROBLEM_PRECONDITION_FAILED, "If-Match", "Somebody else has just changed it");
    if (status != PG_OK)
        return status;
    char subject[40];
    (void)snprintf(subject, sizeof subject, "column-mapping/%lld", (long long)version);
    if (s->body)
        reply_mapping(r, version, s->body, r->caller.person, r->begun_at);
    else
        reply_nothing(r);
    return request_audit(r, r->caller.organisation, s->body ? "column_mapping.save" : "column_mapping.withdraw",
                         subject, NULL);
}

void column_mapping_route_save(struct request *r)
{
    struct json_problem problem;
    size_t length = 0;
    if (!is_own(r))
        return;
    struct column_mapping *mapping = malloc(sizeof *mapping);
    if (!mapping) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another mapping");
        return;
    }
    if (column_mapping_read(r->body, mapping, &problem)) {
        struct saving s = {json_canonical(r->body, &length)};
        if (s.body)
            request_change(r, save, &s);
        else
            reply_problem(r, PROBLEM_MALFORMED_JSON, "/columns", "A column name holds characters from U+E000 on");
        free(s.body);
    } else {
        reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
    }
    free(mapping);
}

void column_mapping_route_withdraw(struct request *r)
{
    struct saving s = {NULL};
    if (is_own(r))
        request_change(r, save, &s);
}
