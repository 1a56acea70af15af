#include "routes/common.h"
#include "routes/handlers.h"
#include "store/organisation.h"

#include <stdio.h>
#include <string.h>

static const struct column organisation_columns[] = {
    {"code", COLUMN_TEXT},        {"kind", COLUMN_TEXT},          {"name", COLUMN_TEXT},
    {"live_from", COLUMN_DATE},   {"live_to", COLUMN_DATE},       {"successor", COLUMN_TEXT},
    {"revision", COLUMN_INTEGER}, {"created_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form organisation_list_form = {.columns = organisation_columns,
                                                        .cursor = {"code"},
                                                        .empty =
                                                            "No organisation fits the query; the operator makes them"};

static bool kind_is_known(const char *kind)
{
    return strcmp(kind, "provider") == 0 || strcmp(kind, "commissioner") == 0 || strcmp(kind, "auditor") == 0 ||
           strcmp(kind, "operator") == 0;
}

/* ODS codes as the table takes them: 3 to 6 of 0-9, A-Z. */
static bool code_is_well_formed(const char *code)
{
    size_t n = strlen(code);
    return n >= 3 && n <= 6 && strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

void organisations_list(struct request *r)
{
    const char *kind = request_query(r, "kind");
    struct page page;
    if (kind != NULL && !kind_is_known(kind)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "kind", "kind is provider, commissioner, auditor or operator");
        return;
    }
    if (!request_page(r, &page))
        return;
    PGresult *result = NULL;
    enum pg_status status = organisation_list(r->pg, kind, page.after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &organisation_list_form);
}

static void etag_of(const PGresult *result, char etag[24])
{
    snprintf(etag, 24, "%s", pg_text(result, 0, "revision"));
}

void organisations_get(struct request *r)
{
    static const struct column auditor_columns[] = {
        {"auditor", COLUMN_TEXT}, {"appointed_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
    PGresult *result = NULL, *auditors = NULL;
    enum pg_status status = organisation_get(r->pg, r->path_values[0], &result);
    if (status == PG_OK)
        status = organisation_auditors(r->pg, r->path_values[0], &auditors);
    if (status == PG_OK) {
        char etag[24];
        etag_of(result, etag);
        json_t *body = row_object(result, 0, organisation_columns);
        json_t *list = json_array();
        for (int row = 0; row < PQntuples(auditors); row++)
            if (json_array_append_new(list, row_object(auditors, row, auditor_columns)) != 0)
                break;
        if (body != NULL && !json_put(body, "auditors", list)) {
            json_decref(body);
            body = NULL;
        }
        reply_json(r, 200, body, etag);
    } else {
        reply_store(r, status);
    }
    PQclear(auditors);
    PQclear(result);
}

/* Reads what creating and replacing share. */
static bool read_organisation(struct request *r, struct organisation *o)
{
    o->name = json_text(r->body, "name");
    o->successor = json_text(r->body, "successor");
    o->created_at = r->begun_at;
    if (!body_date(r, "live_from", &o->live_from) || !body_date(r, "live_to", &o->live_to))
        return false;
    if (o->live_to != DATE_NONE && o->live_to <= o->live_from) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/live_to", "live_to lies after live_from");
        return false;
    }
    if (o->successor != NULL && (!code_is_well_formed(o->successor) || strcmp(o->successor, o->code) == 0)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/successor", "successor is the ODS code of another organisation");
        return false;
    }
    return true;
}

/* A foreign key that fails: the body names an organisation that is not there. */
static enum pg_status unknown_organisation(struct request *r, enum pg_status status, const char *field)
{
    if (status == PG_INVALID)
        reply_problem(r, PROBLEM_UNKNOWN_ORGANISATION, field,
                      "No organisation of the kind that is needed here has this code");
    return status;
}

static enum pg_status create(struct request *r, void *context)
{
    const struct organisation *o = context;
    PGresult *result = NULL;
    enum pg_status status = organisation_add(r->pg, o, &result);
    if (status != PG_OK)
        return unknown_organisation(r, status, "/successor");
    status = request_audit(r, NULL, "organisation.create", o->code, json_pack("{s:s}", "kind", o->kind));
    char location[64];
    snprintf(location, sizeof location, "/v1/organisations/%s", o->code);
    reply_created(r, row_object(result, 0, organisation_columns), location, "1");
    PQclear(result);
    return status;
}

void organisations_create(struct request *r)
{
    static const struct json_member members[] = {
        {"code", JSON_KIND_TEXT, true, 3, 6},       {"kind", JSON_KIND_TEXT, true, 1, 20},
        {"name", JSON_KIND_TEXT, true, 1, 200},     {"live_from", JSON_KIND_TEXT, true, 10, 10},
        {"live_to", JSON_KIND_TEXT, false, 10, 10}, {"successor", JSON_KIND_TEXT, false, 3, 6},
        {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct organisation o;
    if (!body_check(r, members))
        return;
    o.code = json_text(r->body, "code");
    o.kind = json_text(r->body, "kind");
    if (!code_is_well_formed(o.code)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/code", "An ODS code has 3 to 6 of 0-9 and A-Z");
        return;
    }
    if (!kind_is_known(o.kind)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/kind", "kind is provider, commissioner, auditor or operator");
        return;
    }
    if (read_organisation(r, &o))
        request_act(r, create, &o);
}

static enum pg_status replace(struct request *r, void *context)
{
    struct organisation *o = context;
    PGresult *result = NULL;
    enum pg_status status = organisation_get(r->pg, o->code, &result);
    if (status != PG_OK)
        return status;
    int64_t revision = pg_i64(result, 0, "revision");
    char etag[24];
    etag_of(result, etag);
    PQclear(result);
    if (!request_if_match(r, etag))
        return PG_INVALID;
    status = organisation_change(r->pg, o, revision, &result);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_PRECONDITION_FAILED, "If-Match", "Somebody else has just changed it");
        return status;
    }
    if (status != PG_OK)
        return unknown_organisation(r, status, "/successor");
    etag_of(result, etag);
    reply_json(r, 200, row_object(result, 0, organisation_columns), etag);
    PQclear(result);
    return request_audit(r, NULL, "organisation.replace", o->code, NULL);
}

void organisations_replace(struct request *r)
{
    static const struct json_member members[] = {{"name", JSON_KIND_TEXT, true, 1, 200},
                                                 {"live_from", JSON_KIND_TEXT, true, 10, 10},
                                                 {"live_to", JSON_KIND_TEXT, false, 10, 10},
                                                 {"successor", JSON_KIND_TEXT, false, 3, 6},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct organisation o = {.code = r->path_values[0]};
    if (body_check(r, members) && read_organisation(r, &o))
        request_change(r, replace, &o);
}

static enum pg_status appoint(struct request *r, void *context)
{
    const char *auditor = context, *organisation = r->path_values[0];
    bool added = false;
    PGresult *result = NULL;
    enum pg_status status = organisation_get(r->pg, organisation, &result);
    PQclear(result);
    if (status != PG_OK)
        return status;
    status = organisation_appoint(r->pg, auditor, organisation, r->begun_at, &added);
    if (status != PG_OK)
        return unknown_organisation(r, status, "/auditor");
    if (!added) {
        reply_problem(r, PROBLEM_CONFLICT, "/auditor", "This auditor is appointed already");
        return PG_DUPLICATE;
    }
    char instant[28], location[64];
    instant_format(r->begun_at, instant);
    snprintf(location, sizeof location, "/v1/organisations/%s", organisation);
    reply_created(
        r, json_pack("{s:s, s:s, s:s}", "auditor", auditor, "organisation", organisation, "appointed_at", instant),
        location, NULL);
    return request_audit(r, NULL, "organisation.appoint_auditor", organisation, json_pack("{s:s}", "auditor", auditor));
}

void organisations_appoint(struct request *r)
{
    static const struct json_member members[] = {{"auditor", JSON_KIND_TEXT, true, 3, 6},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (body_check(r, members))
        request_act(r, appoint, (void *)(uintptr_t)json_text(r->body, "auditor"));
}
