/* Erasure of a patient's identity: a person of the trust names the patient by a row, never by an identifier, and a
 * second person approves; then the worker erases. */
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/erasure.h"

#include <stdio.h>
#include <string.h>

static const struct column erasure_columns[] = {
    {"erasure", COLUMN_TEXT},       {"submission", COLUMN_TEXT},  {"month", COLUMN_MONTH},
    {"row_no", COLUMN_INTEGER},     {"reason", COLUMN_TEXT},      {"state", COLUMN_TEXT},
    {"asked_by", COLUMN_TEXT},      {"asked_at", COLUMN_INSTANT}, {"decided_by", COLUMN_TEXT},
    {"decided_at", COLUMN_INSTANT}, {"done_at", COLUMN_INSTANT},  {"rows", COLUMN_INTEGER},
    {"uploads", COLUMN_INTEGER},    {NULL, COLUMN_TEXT}};
static const struct list_form erasure_list_form = {
    .columns = erasure_columns, .cursor = {"asked_at", "erasure"}, .empty = "Nobody has asked to erase an identity"};

void erasures_list(struct request *r)
{
    struct page page;
    struct pg_newest newest;
    PGresult *result = NULL;
    if (!request_newest(r, &page, &newest))
        return;
    enum pg_status status = erasure_list(r->pg, r->path_values[0], &newest, &result);
    reply_page(r, status, result, &page, &erasure_list_form);
}

void erasures_get(struct request *r)
{
    PGresult *result = NULL;
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = erasure_get(r->pg, r->path_values[0], r->path_values[1], false, &result);
    if (status == PG_OK)
        reply_body(r, row_object(result, 0, erasure_columns));
    else
        reply_store(r, status);
    PQclear(result);
}

/* Writes the audit event and the answer; job NULL: there is none. */
static enum pg_status finish(struct request *r, const char *act, const char *id, const char *job, bool created)
{
    char subject[40];
    char location[100];
    PGresult *result = NULL;
    (void)snprintf(subject, sizeof subject, "erasure/%.20s", id);
    enum pg_status status = erasure_get(r->pg, r->path_values[0], id, false, &result);
    if (status == PG_OK)
        status = request_audit(r, r->path_values[0], act, subject,
                               json_pack("{s:s, s:I}", "submission", pg_text(result, 0, "submission"), "row",
                                         (json_int_t)pg_i64(result, 0, "row_no")));
    json_t *body = status == PG_OK ? row_object(result, 0, erasure_columns) : NULL;
    PQclear(result);
    if (status != PG_OK)
        return status;
    (void)snprintf(location, sizeof location, "/v1/providers/%s/%s/%s", r->path_values[0],
                   job != NULL ? "jobs" : "erasures", job != NULL ? job : id);
    if (body != NULL && job != NULL && !json_put(body, "job", json_string(job))) {
        json_decref(body);
        return PG_FAILED;
    }
    if (job != NULL)
        reply_accepted(r, body, location);
    else if (created)
        reply_created(r, body, location, NULL);
    else
        reply_body(r, body);
    return PG_OK;
}

static enum pg_status ask(struct request *r, void *context)
{
    const struct erasure_request *given = context;
    struct erasure_request q = *given;
    char id[IDENT_SIZE];
    bool erased = false;
    ident_new(id);
    q.id = id;
    enum pg_status status = erasure_of_row(r->pg, q.provider, q.submission, q.row_no, &erased);
    if (status == PG_OK && erased) {
        reply_problem(r, PROBLEM_ERASED, "/row", "The identity of the patient of this row has been erased already");
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = erasure_ask(r->pg, &q);
    if (status == PG_DUPLICATE) {
        reply_problem(r, PROBLEM_CONFLICT, "/row",
                      "The erasure of this row has been asked for; a second person decides");
        return PG_INVALID;
    }
    return status == PG_OK ? finish(r, "erasure.ask", id, NULL, true) : status;
}

void erasures_ask(struct request *r)
{
    static const struct json_member members[] = {{"reason", JSON_KIND_TEXT, true, 10, 500},
                                                 {"row", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                 {"submission", JSON_KIND_TEXT, true, IDENT_LENGTH, IDENT_LENGTH},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members))
        return;
    struct erasure_request q = {.provider = r->path_values[0],
                                .submission = json_text(r->body, "submission"),
                                .row_no = json_int(r->body, "row", 0),
                                .reason = json_text(r->body, "reason"),
                                .person = r->caller.person,
                                .at = r->begun_at};
    request_act(r, ask, &q);
}

/* An open request, locked. PG_INVALID: a problem was replied. */
static enum pg_status take_open(struct request *r, bool approves)
{
    PGresult *result = NULL;
    enum pg_status status = erasure_get(r->pg, r->path_values[0], r->path_values[1], true, &result);
    if (status != PG_OK)
        return status;
    const char *state = pg_text(result, 0, "state");
    if (strcmp(state, "asked") != 0) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This erasure is %s already", state);
        status = PG_INVALID;
    } else if (approves && strcmp(pg_text(result, 0, "asked_by"), r->caller.person) == 0) {
        reply_same_person(r, "Who asked for an erasure does not approve it: another person of the trust does");
        status = PG_INVALID;
    }
    PQclear(result);
    return status;
}

static enum pg_status approve(struct request *r, void *context)
{
    char job[IDENT_SIZE];
    (void)context;
    enum pg_status status = take_open(r, true);
    if (status == PG_OK)
        status = erasure_decide(r->pg, r->path_values[0], r->path_values[1], "approved", r->caller.person, r->begun_at);
    if (status == PG_OK)
        status = job_add(r->pg, r->path_values[0], "erase", r->path_values[1], job);
    return status == PG_OK ? finish(r, "erasure.approve", r->path_values[1], job, false) : status;
}

static enum pg_status refuse(struct request *r, void *context)
{
    (void)context;
    enum pg_status status = take_open(r, false);
    if (status == PG_OK)
        status = erasure_decide(r->pg, r->path_values[0], r->path_values[1], "refused", r->caller.person, r->begun_at);
    return status == PG_OK ? finish(r, "erasure.refuse", r->path_values[1], NULL, false) : status;
}

void erasures_approve(struct request *r)
{
    if (request_path_ident(r, 1))
        request_act(r, approve, NULL);
}

void erasures_refuse(struct request *r)
{
    if (request_path_ident(r, 1))
        request_act(r, refuse, NULL);
}
