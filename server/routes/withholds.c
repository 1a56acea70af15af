/* Withholds: the commissioner holds a share of a month back while data is missing or poor. How one ends is an agreement
 * (agreements.c). */
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"
#include "store/job.h"
#include "store/withhold.h"

#include <stdio.h>
#include <string.h>

static const struct column withhold_columns[] = {{"month", COLUMN_MONTH},
                                                 {"id", COLUMN_TEXT},
                                                 {"reason", COLUMN_TEXT},
                                                 {"imposed_by", COLUMN_TEXT},
                                                 {"imposed_at", COLUMN_INSTANT},
                                                 {"decision", COLUMN_TEXT},
                                                 {"decided_pence", COLUMN_INTEGER},
                                                 {"agreement", COLUMN_INTEGER},
                                                 {NULL, COLUMN_TEXT}};
static const struct list_form withhold_list_form = {.columns = withhold_columns,
                                                    .cursor = {"month", "id"},
                                                    .empty = "The commissioner has held back nothing of this account"};

static struct withhold addressed(struct request *r)
{
    return (struct withhold){.provider = r->path_values[0],
                             .contract = r->path_values[1],
                             .commissioner = r->path_values[2],
                             .id = "",
                             .person = r->caller.person,
                             .at = r->begun_at};
}

void withholds_list(struct request *r)
{
    struct page page;
    const char *parts[2];
    struct withhold after = addressed(r);
    if (!request_path_ident(r, 1) || !request_page(r, &page) || !page_parts(r, &page, 2, parts))
        return;
    after.month = month_of(0);
    if (!page_month(r, parts[0], &after.month))
        return;
    after.id = parts[1];
    PGresult *result = NULL;
    enum pg_status status = account_visible(r);
    if (status == PG_OK)
        status = withhold_list(r->pg, &after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &withhold_list_form);
}

/* The month is of the contract's year, and terms name the withhold: else it would hold back nothing, unnoticed. */
static enum pg_status check_named(struct request *r, const struct withhold *w)
{
    PGresult *result = NULL;
    bool unknown = false;
    enum pg_status status = contract_get(r->pg, w->provider, w->contract, &result);
    if (status != PG_OK)
        return status;
    int64_t year = pg_i64(result, 0, "financial_year");
    PQclear(result);
    if (month_financial_year(w->month) != year) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/month", "The contract is for the financial year %lld",
                      (long long)year);
        return PG_INVALID;
    }
    status = withhold_unknown(r->pg, w, &unknown);
    if (status == PG_OK && unknown) {
        reply_problem(r, PROBLEM_UNKNOWN_WITHHOLD, "/id", "No approved terms of this contract have a withhold %.40s",
                      w->id);
        status = PG_INVALID;
    }
    return status;
}

static enum pg_status finish(struct request *r, const struct withhold *w)
{
    char subject[160], location[256], month[8], job[IDENT_SIZE];
    PGresult *result = NULL;
    month_format(w->month, month);
    snprintf(subject, sizeof subject, "contract/%s/account/%s/withhold/%s/%s", w->contract, w->commissioner, month,
             w->id);
    enum pg_status status = job_add(r->pg, w->provider, "resettle", w->contract, job);
    if (status == PG_OK)
        status = request_audit(r, w->provider, "withhold.impose", subject, NULL);
    if (status == PG_OK)
        status = withhold_get(r->pg, w, &result);
    if (status != PG_OK)
        return status;
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/accounts/%s/withholds", w->provider, w->contract,
             w->commissioner);
    reply_created(r, row_object(result, 0, withhold_columns), location, NULL);
    PQclear(result);
    return PG_OK;
}

static enum pg_status impose(struct request *r, void *context)
{
    const struct withhold *w = context;
    enum pg_status status = check_named(r, w);
    if (status == PG_OK)
        status = withhold_impose(r->pg, w);
    if (status == PG_DUPLICATE)
        reply_problem(r, PROBLEM_CONFLICT, "/id", "It is imposed on this month already");
    if (status == PG_INVALID || status == PG_DENIED)
        return PG_NONE; /* no such account of theirs */
    return status == PG_OK ? finish(r, w) : status;
}

void withholds_impose(struct request *r)
{
    static const struct json_member members[] = {{"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"id", JSON_KIND_TEXT, true, 1, 40},
                                                 {"reason", JSON_KIND_TEXT, true, 10, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct withhold w = addressed(r);
    if (!request_path_ident(r, 1) || !body_check(r, members) || !body_month(r, "month", &w.month))
        return;
    w.id = json_text(r->body, "id");
    w.reason = json_text(r->body, "reason");
    request_act(r, impose, &w);
}
