/* Exceptions: one party asks for a closed month to be opened again for a contract, another person of the other party
 * decides (spec 2, Windows). */
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"
#include "store/exception.h"

#include <stdio.h>
#include <string.h>

static const struct column exception_columns[] = {
    {"month", COLUMN_MONTH},        {"n", COLUMN_INTEGER},         {"reason", COLUMN_TEXT},
    {"asked_side", COLUMN_TEXT},    {"asked_by", COLUMN_TEXT},     {"asked_at", COLUMN_INSTANT},
    {"decision", COLUMN_TEXT},      {"decided_side", COLUMN_TEXT}, {"decided_by", COLUMN_TEXT},
    {"decided_at", COLUMN_INSTANT}, {"closes_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form exception_list_form = {
    .columns = exception_columns,
    .cursor = {"month", "n"},
    .empty = "Nobody has asked for a month of this contract to be opened again"};

void exceptions_list(struct request *r)
{
    struct page page;
    const char *parts[2];
    if (!request_path_ident(r, 1) || !request_page(r, &page) || !page_parts(r, &page, 2, parts))
        return;
    month_t after = month_of(0);
    int64_t n = 0;
    if (!page_month(r, parts[0], &after) || !page_number(r, parts[1], 0, INT64_MAX, &n))
        return;
    PGresult *result = NULL;
    enum pg_status status = contract_visible(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = exception_list(r->pg, r->path_values[0], r->path_values[1], after, n, page.limit + 1, &result);
    reply_page(r, status, result, &page, &exception_list_form);
}

void exceptions_get(struct request *r)
{
    month_t month;
    int64_t n;
    if (!request_path_ident(r, 1) || !request_path_month(r, 2, &month) || !request_path_number(r, 3, &n))
        return;
    PGresult *result = NULL;
    enum pg_status status = exception_get(r->pg, r->path_values[0], r->path_values[1], month, n, false, &result);
    if (status == PG_OK)
        reply_json(r, 200, row_object(result, 0, exception_columns), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

static enum pg_status audit_exception(struct request *r, const char *act, const struct exception *e, json_t *detail)
{
    char subject[80], month[8];
    month_format(e->month, month);
    snprintf(subject, sizeof subject, "contract/%s/exception/%s/%lld", e->contract, month, (long long)e->n);
    return request_audit(r, e->provider, act, subject, detail);
}

static enum pg_status reply_exception(struct request *r, const struct exception *e, bool created)
{
    PGresult *result = NULL;
    enum pg_status status = exception_get(r->pg, e->provider, e->contract, e->month, e->n, false, &result);
    if (status != PG_OK)
        return status;
    char location[128], month[8];
    month_format(e->month, month);
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/exceptions/%s/%lld", e->provider, e->contract,
             month, (long long)e->n);
    json_t *body = row_object(result, 0, exception_columns);
    PQclear(result);
    if (created)
        reply_created(r, body, location, NULL);
    else
        reply_json(r, 200, body, NULL);
    return PG_OK;
}

static enum pg_status ask(struct request *r, void *context)
{
    struct exception *e = context;
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, e->provider, e->contract, &result);
    if (status != PG_OK)
        return status;
    int64_t year = pg_i64(result, 0, "financial_year");
    PQclear(result);
    if (month_financial_year(e->month) != year) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/month", "The contract is for the financial year %lld",
                      (long long)year);
        return PG_INVALID;
    }
    status = contract_lock(r->pg, e->provider, e->contract);
    if (status == PG_OK)
        status = exception_ask(r->pg, e, &e->n);
    if (status == PG_OK)
        status = audit_exception(r, "exception.ask", e, NULL);
    return status == PG_OK ? reply_exception(r, e, true) : status;
}

void exceptions_ask(struct request *r)
{
    static const struct json_member members[] = {{"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"reason", JSON_KIND_TEXT, true, 10, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct exception e = {.provider = r->path_values[0],
                          .contract = r->path_values[1],
                          .side = caller_side(r),
                          .person = r->caller.person,
                          .at = r->begun_at};
    if (!request_path_ident(r, 1) || !body_check(r, members) || !body_month(r, "month", &e.month))
        return;
    e.reason = json_text(r->body, "reason");
    request_act(r, ask, &e);
}

/* The coordinator decides for the commissioners; a provider is bound by its own people. */
static enum pg_status check_coordinator(struct request *r, const struct exception *e)
{
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, e->provider, e->contract, &result);
    if (status != PG_OK)
        return status;
    status = caller_coordinates(r, pg_text(result, 0, "coordinator"), "decides");
    PQclear(result);
    return status;
}

static enum pg_status check_decidable(struct request *r, const struct exception *e)
{
    PGresult *result = NULL;
    enum pg_status status = exception_get(r->pg, e->provider, e->contract, e->month, e->n, true, &result);
    if (status != PG_OK)
        return status;
    const char *asked_side = pg_text(result, 0, "asked_side");
    status = PG_INVALID;
    if (!pg_is_null(result, 0, "decision"))
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This exception is %s already", pg_text(result, 0, "decision"));
    else if (strcmp(pg_text(result, 0, "asked_by"), e->person) == 0)
        reply_problem(r, PROBLEM_SAME_PERSON, NULL, "A person of the other party decides");
    else if (strcmp(asked_side, e->side) == 0)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The %s has asked, so the other party decides", asked_side);
    else
        status = PG_OK;
    PQclear(result);
    return status;
}

static enum pg_status decide(struct request *r, void *context)
{
    const struct exception *e = context;
    enum pg_status status = check_coordinator(r, e);
    if (status == PG_OK)
        status = check_decidable(r, e);
    if (status == PG_OK)
        status = exception_decide(r->pg, e);
    if (status == PG_OK)
        status = audit_exception(r, "exception.decide", e, json_pack("{s:s}", "decision", e->decision));
    return status == PG_OK ? reply_exception(r, e, true) : status;
}

/* closes_on is the last day: the opening ends at 24:00 Europe/London. */
static bool read_decision(struct request *r, struct exception *e)
{
    date_t closes_on;
    e->decision = json_text(r->body, "decision");
    if (!body_date(r, "closes_on", &closes_on))
        return false;
    bool granted = strcmp(e->decision, "granted") == 0;
    if (!granted && strcmp(e->decision, "refused") != 0)
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/decision", "decision is granted or refused");
    else if (granted != (closes_on != DATE_NONE))
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/closes_on", "closes_on, the last day of the opening, %s",
                      granted ? "is needed to grant" : "is given only to grant");
    else if (granted && (e->closes_at = london_midnight(closes_on + 1)) <= e->at)
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/closes_on", "The opening would end before it begins");
    else
        return true;
    return false;
}

void exceptions_decide(struct request *r)
{
    static const struct json_member members[] = {{"decision", JSON_KIND_TEXT, true, 1, 20},
                                                 {"closes_on", JSON_KIND_TEXT, false, 10, 10},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct exception e = {.provider = r->path_values[0],
                          .contract = r->path_values[1],
                          .side = caller_side(r),
                          .person = r->caller.person,
                          .at = r->begun_at};
    if (request_path_ident(r, 1) && request_path_month(r, 2, &e.month) && request_path_number(r, 3, &e.n) &&
        body_check(r, members) && read_decision(r, &e))
        request_act(r, decide, &e);
}
