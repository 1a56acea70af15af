#include "routes/actions.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/position.h"
#include "store/run.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

static const struct column run_columns[] = {
    {"id", COLUMN_TEXT},
    {"contract", COLUMN_TEXT},
    {"commissioner", COLUMN_TEXT},
    {"month", COLUMN_MONTH},
    {"type", COLUMN_TEXT},
    {"n", COLUMN_INTEGER},
    {"state", COLUMN_TEXT},
    {"cause", COLUMN_TEXT},
    {"requested_by", COLUMN_TEXT},
    {"requested_at", COLUMN_INSTANT},
    {"known_at", COLUMN_INSTANT},
    {"finished_at", COLUMN_INSTANT},
    {"reason", COLUMN_TEXT},
    {"hold", COLUMN_TEXT},
    {"hold_month", COLUMN_MONTH},
    {"engine", COLUMN_TEXT},
    {"position_sha256", COLUMN_TEXT},
    {"position_pence", COLUMN_INTEGER},
    {"billing_sha256", COLUMN_TEXT},
    {"billable_pence", COLUMN_INTEGER},
    {"billed_pence", COLUMN_INTEGER},
    {"opening_pence", COLUMN_INTEGER},
    {"on_account_pence", COLUMN_INTEGER},
    {"balance_pence", COLUMN_INTEGER},
    {"document", COLUMN_TEXT},
    {"statement", COLUMN_TEXT},
    {"job", COLUMN_TEXT},
    {"job_state", COLUMN_TEXT},
    {NULL, COLUMN_TEXT},
};
static const struct list_form run_list_form = {.columns = run_columns,
                                               .cursor = {"id"},
                                               .empty = "No run was asked for on this account; POST here asks for one",
                                               .actions = actions_of_run};

static const struct column line_columns[] = {
    {"line_no", COLUMN_INTEGER},     {"line_key", COLUMN_TEXT}, {"stage", COLUMN_TEXT},
    {"month", COLUMN_MONTH},         {"cluster", COLUMN_TEXT},  {"basis", COLUMN_TEXT},
    {"price_pence", COLUMN_INTEGER}, {"units", COLUMN_INTEGER}, {"pence", COLUMN_INTEGER},
    {"label", COLUMN_TEXT},          {NULL, COLUMN_TEXT},
};
static const struct list_form line_list_form = {
    .columns = line_columns, .cursor = {"line_no"}, .empty = "The run is not done, or its position has no line"};

void runs_list(struct request *r)
{
    struct page page;
    struct account_key account = {"", "", ""};
    struct account_facts facts;
    PGresult *result = NULL;
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    request_account(r, &account);
    /* An account that is not the caller's is not an account without runs. */
    enum pg_status status = account_facts(r->pg, &account, &facts);
    if (status == PG_OK)
        status = run_list(r->pg, &account, page.after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &run_list_form);
}

static void links(struct request *r, const PGresult *result)
{
    static const struct {
        const char *rel;
        const char *column;
        const char *folder;
    } others[] = {
        {"job", "job", "jobs"}, {"document", "document", "documents"}, {"statement", "statement", "statements"}};
    char target[128];
    if (strcmp(pg_text(result, 0, "state"), "done") == 0) {
        snprintf(target, sizeof target, "/v1/providers/%s/runs/%s/position", r->path_values[0], r->path_values[1]);
        reply_link(r, "position", target);
        snprintf(target, sizeof target, "/v1/providers/%s/runs/%s/lines", r->path_values[0], r->path_values[1]);
        reply_link(r, "lines", target);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (pg_is_null(result, 0, others[i].column))
            continue;
        snprintf(target, sizeof target, "/v1/providers/%s/%s/%s", r->path_values[0], others[i].folder,
                 pg_text(result, 0, others[i].column));
        reply_link(r, others[i].rel, target);
    }
}

void runs_get(struct request *r)
{
    PGresult *result = NULL;
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = run_view(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    links(r, result);
    json_t *body = row_object(result, 0, run_columns);
    if (body != NULL && !json_put(body, "actions", actions_of_run(r->path_values[0], result, 0))) {
        json_decref(body);
        body = NULL;
    }
    PQclear(result);
    reply_json(r, 200, body, NULL);
}

/* A run that is not done has no position; the answer says why. */
static void reply_without_position(struct request *r)
{
    PGresult *result = NULL;
    enum pg_status status = run_view(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    const char *reason = pg_text(result, 0, "reason");
    reply_problem(r, PROBLEM_CONFLICT, NULL, "The run is %s and has no position%s%s", pg_text(result, 0, "state"),
                  reason[0] == '\0' ? "" : ": ", reason);
    PQclear(result);
}

void runs_position(struct request *r)
{
    PGresult *result = NULL;
    char name[64];
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = position_of_run(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status == PG_NONE) {
        reply_without_position(r);
        return;
    }
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    const char *body = pg_text(result, 0, "body");
    snprintf(name, sizeof name, "position-%s.json", r->path_values[1]);
    reply_bytes(r, 200, "application/json", body, strlen(body), pg_text(result, 0, "sha256"), name);
    PQclear(result);
}

/* One bridge as an object, its steps to be filled in. */
static json_t *bridge_head(const PGresult *result, int row)
{
    static const struct column columns[] = {{"month", COLUMN_MONTH},      {"from_sha256", COLUMN_TEXT},
                                            {"to_sha256", COLUMN_TEXT},   {"from_pence", COLUMN_INTEGER},
                                            {"to_pence", COLUMN_INTEGER}, {NULL, COLUMN_TEXT}};
    struct json_problem problem;
    const char *body = pg_text(result, row, "body");
    json_t *bridge = row_object(result, row, columns);
    json_t *whole = pg_is_null(result, row, "body") ? json_null() : json_read(body, strlen(body), &problem);
    bool ok = json_put(bridge, "bridge", whole); /* takes the value in every case */
    if (ok && json_put(bridge, "steps", json_array()))
        return bridge;
    json_decref(bridge);
    return NULL;
}

/* The rows are steps, those of a bridge one behind the other. */
static json_t *bridges_of(const PGresult *result)
{
    static const struct column columns[] = {{"cause", COLUMN_TEXT}, {"pence", COLUMN_INTEGER}, {NULL, COLUMN_TEXT}};
    json_t *list = json_array();
    bool ok = list != NULL;
    json_t *bridge = NULL;
    for (int i = 0; ok && i < PQntuples(result); i++) {
        if (i == 0 || pg_month(result, i, "month") != pg_month(result, i - 1, "month")) {
            bridge = bridge_head(result, i);
            ok = json_array_append_new(list, bridge) == 0;
        }
        if (ok && !pg_is_null(result, i, "cause"))
            ok = json_array_append_new(json_object_get(bridge, "steps"), row_object(result, i, columns)) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

void runs_bridge(struct request *r)
{
    struct run run;
    PGresult *result = NULL;
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = run_get(r->pg, r->path_values[0], r->path_values[1], &run);
    if (status == PG_OK && strcmp(run.state, "done") != 0) {
        reply_without_position(r);
        return;
    }
    if (status == PG_OK)
        status = run_bridges(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = json_pack("{s:o}", "items", bridges_of(result));
    PQclear(result);
    if (body != NULL && !list_says_why_empty(body, "Only runs that raised themselves have bridges")) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}

void runs_lines(struct request *r)
{
    struct page page;
    struct run run;
    PGresult *result = NULL;
    int64_t after = 0;
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX, &after))
        return;
    enum pg_status status = run_get(r->pg, r->path_values[0], r->path_values[1], &run);
    if (status == PG_OK && strcmp(run.state, "done") != 0) {
        reply_without_position(r);
        return;
    }
    if (status == PG_OK)
        status = run_lines(r->pg, r->path_values[0], r->path_values[1], after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &line_list_form);
}
