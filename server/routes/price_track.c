/* Cost-neutral prices, computed at once, and the history of a contract's prices. */
#include "store/price_track.h"
#include "base/parse.h"
#include "domain/cost_neutral_json.h"
#include "domain/terms.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"

#include <stdio.h>
#include <string.h>

#define PRICE_MAXIMUM INT64_C(10000000000)

static const struct column track_columns[] = {
    {"cluster", COLUMN_TEXT}, {"basis", COLUMN_TEXT},      {"scope", COLUMN_TEXT},        {"n", COLUMN_INTEGER},
    {"stage", COLUMN_TEXT},   {"pence", COLUMN_INTEGER},   {"source", COLUMN_TEXT},       {"confidence", COLUMN_TEXT},
    {"note", COLUMN_TEXT},    {"version", COLUMN_INTEGER}, {"organisation", COLUMN_TEXT}, {"person", COLUMN_TEXT},
    {"at", COLUMN_INSTANT},   {NULL, COLUMN_TEXT}};
static const struct list_form track_list_form = {
    .columns = track_columns,
    .cursor = {"cluster", "basis", "n", "scope"},
    .empty = "No price is tracked yet; POST here enters one, and approved terms enter theirs"};

/* Pure, and nothing is kept: a commissioner may try as often as it likes. */
void cost_neutral_answer(struct request *r)
{
    struct json_problem problem = {"", ""};
    PGresult *contract = NULL;
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = contract_get(r->pg, r->path_values[0], r->path_values[1], &contract);
    PQclear(contract);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *answer = cost_neutral_json(r->body, &problem);
    if (answer != NULL)
        reply_json(r, 200, answer, NULL);
    else
        reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
}

static struct price_entry addressed(struct request *r)
{
    return (struct price_entry){.provider = r->path_values[0],
                                .contract = r->path_values[1],
                                .cluster = "",
                                .basis = "",
                                .scope = "",
                                .organisation = r->caller.organisation,
                                .person = r->caller.person,
                                .at = r->begun_at};
}

void price_track_route_list(struct request *r)
{
    struct page page;
    const char *parts[4];
    struct price_entry after = addressed(r);
    const char *cluster = request_query(r, "cluster");
    if (!request_path_ident(r, 1) || !request_page(r, &page) || !page_parts(r, &page, 4, parts))
        return;
    if (!page_number(r, parts[2], 0, INT64_MAX, &after.n))
        return;
    if (cluster != NULL && cluster_index(cluster) < 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "cluster", "cluster is 00 to 21, never 09");
        return;
    }
    after.cluster = parts[0];
    after.basis = parts[1];
    after.scope = parts[3];
    PGresult *result = NULL;
    enum pg_status status = contract_visible(r->pg, after.provider, after.contract);
    if (status == PG_OK)
        status = price_track_list(r->pg, &after, cluster, page.limit + 1, &result);
    reply_page(r, status, result, &page, &track_list_form);
}

static bool one_of(const char *text, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

static bool check_entry(struct request *r, const struct price_entry *e)
{
    static const char *const stages[] = {"first_cut", "amended", "uplift", "efficiency", NULL};
    static const char *const levels[] = {"low", "medium", "high", NULL};
    static const char *const bases[] = {"DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT", NULL};
    if (cluster_index(e->cluster) < 0)
        return bad_body(r, "/cluster", "cluster is 00 to 21, never 09");
    if (!one_of(e->basis, bases))
        return bad_body(r, "/basis", "basis is DAY, ADMITTED, NONADMITTED, PERIOD or ASSESSMENT");
    if (!one_of(e->stage, stages))
        return bad_body(
            r, "/stage",
            "stage is first_cut, amended, uplift or efficiency; shadow and contract come from approved terms");
    if (!one_of(e->confidence, levels))
        return bad_body(r, "/confidence", "confidence is low, medium or high");
    return strchr(e->scope, '/') == NULL || bad_body(r, "/scope", "scope is written without /");
}

static enum pg_status enter(struct request *r, void *context)
{
    struct price_entry *e = context;
    char subject[100], location[128];
    PGresult *contract = NULL;
    enum pg_status status = contract_get(r->pg, e->provider, e->contract, &contract);
    PQclear(contract);
    if (status == PG_OK)
        status = contract_lock(r->pg, e->provider, e->contract);
    if (status == PG_OK)
        status = price_track_add(r->pg, e, &e->n);
    if (status == PG_INVALID && strcmp(pg_constraint(r->pg), "price_track_order") == 0)
        reply_problem(r, PROBLEM_CONFLICT, "/stage",
                      "The price has come further than that; a new first_cut begins its history anew");
    if (status == PG_DENIED)
        return PG_NONE;
    (void)snprintf(subject, sizeof subject, "contract/%s/price/%s/%s", e->contract, e->cluster, e->basis);
    if (status == PG_OK)
        status = request_audit(r, e->provider, "price.track", subject,
                               json_pack("{s:s, s:I}", "stage", e->stage, "n", (json_int_t)e->n));
    if (status != PG_OK)
        return status;
    (void)snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/price-track?cluster=%s", e->provider,
                   e->contract, e->cluster);
    reply_created(r,
                  json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "cluster", e->cluster, "basis", e->basis, "scope",
                            e->scope, "n", (json_int_t)e->n, "stage", e->stage, "pence", (json_int_t)e->pence),
                  location, NULL);
    return PG_OK;
}

void price_track_route_add(struct request *r)
{
    static const struct json_member members[] = {{"cluster", JSON_KIND_TEXT, true, 2, 2},
                                                 {"basis", JSON_KIND_TEXT, true, 3, 11},
                                                 {"scope", JSON_KIND_TEXT, false, 0, 100},
                                                 {"stage", JSON_KIND_TEXT, true, 6, 10},
                                                 {"pence", JSON_KIND_INTEGER, true, 0, PRICE_MAXIMUM},
                                                 {"source", JSON_KIND_TEXT, true, 3, 200},
                                                 {"confidence", JSON_KIND_TEXT, true, 3, 6},
                                                 {"note", JSON_KIND_TEXT, false, 1, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct price_entry e = addressed(r);
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    const char *scope = json_text(r->body, "scope");
    e.cluster = json_text(r->body, "cluster");
    e.basis = json_text(r->body, "basis");
    e.scope = scope == NULL ? "" : scope;
    e.stage = json_text(r->body, "stage");
    e.pence = json_int(r->body, "pence", 0);
    e.source = json_text(r->body, "source");
    e.confidence = json_text(r->body, "confidence");
    e.note = json_text(r->body, "note");
    if (check_entry(r, &e))
        request_act(r, enter, &e);
}
