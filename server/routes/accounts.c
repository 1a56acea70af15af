/* One account: where it stands and why; and what has stopped, of all accounts of a provider. */
#include "domain/terms.h"
#include "routes/actions.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/account_view.h"

#include <stdio.h>
#include <string.h>

#define STOPPED_SHOWN 50 /* of one account; GET .../stopped has them all */

static const struct column account_columns[] = {{"contract", COLUMN_TEXT},
                                                {"commissioner", COLUMN_TEXT},
                                                {"stands_for", COLUMN_TEXT},
                                                {"financial_year", COLUMN_INTEGER},
                                                {"mode", COLUMN_TEXT},
                                                {"billing_head", COLUMN_MONTH},
                                                {"year_closed", COLUMN_BOOLEAN},
                                                {"documents_pence", COLUMN_INTEGER},
                                                {"instalments_pence", COLUMN_INTEGER},
                                                {"opening_pence", COLUMN_INTEGER},
                                                {"balance_pence", COLUMN_INTEGER},
                                                {"queued", COLUMN_INTEGER},
                                                {NULL, COLUMN_TEXT}};
static const struct column stopped_columns[] = {
    {"run", COLUMN_TEXT},    {"job", COLUMN_TEXT},         {"contract", COLUMN_TEXT}, {"commissioner", COLUMN_TEXT},
    {"month", COLUMN_MONTH}, {"type", COLUMN_TEXT},        {"n", COLUMN_INTEGER},     {"state", COLUMN_TEXT},
    {"hold", COLUMN_TEXT},   {"hold_month", COLUMN_MONTH}, {"reason", COLUMN_TEXT},   {"since", COLUMN_INSTANT},
    {NULL, COLUMN_TEXT}};
static const struct column draft_columns[] = {{"id", COLUMN_TEXT},
                                              {"kind", COLUMN_TEXT},
                                              {"state", COLUMN_TEXT},
                                              {"instalment", COLUMN_INTEGER},
                                              {"balance_pence", COLUMN_INTEGER},
                                              {"proposed_by", COLUMN_TEXT},
                                              {NULL, COLUMN_TEXT}};

static const struct list_form stopped_list_form = {.columns = stopped_columns,
                                                   .cursor = {"id"},
                                                   .empty = "Nothing that you may see has stopped",
                                                   .actions = actions_of_run};

typedef json_t *actions_of(const char *provider, const PGresult *result, int row);

/* Rows with their ways out; clears the result. NULL: out of memory. */
static json_t *with_actions(struct request *r, PGresult *result, const struct column *columns, actions_of *of,
                            int limit)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int i = 0; ok && i < PQntuples(result) && i < limit; i++) {
        json_t *row = row_object(result, i, columns);
        ok = row != NULL && json_put(row, "actions", of(r->path_values[0], result, i)) &&
             json_array_append(list, row) == 0;
        json_decref(row);
    }
    PQclear(result);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

/* In the order in which they matter to whoever asks: what has stopped, then what waits for people. */
static const char *state_of(const PGresult *account, const json_t *stopped, const json_t *drafts)
{
    if (json_array_size(stopped) > 0)
        return "stopped";
    if (pg_i64(account, 0, "queued") > 0)
        return "computing";
    if (json_array_size(drafts) > 0)
        return "awaiting_issue";
    if (pg_bool(account, 0, "year_closed"))
        return "closed";
    return pg_is_null(account, 0, "billing_head") ? "not_billed" : "settled";
}

static bool fill(json_t *body, const PGresult *account, json_t *stopped, json_t *drafts)
{
    const char *state = state_of(account, stopped, drafts);
    bool ok = json_put(body, "state", json_string(state));
    ok = json_put(body, "stopped", stopped) && ok;
    return json_put(body, "drafts", drafts) && ok;
}

void accounts_get(struct request *r)
{
    struct account_key key = {"", "", ""};
    PGresult *account = NULL, *stopped = NULL, *drafts = NULL;
    if (!request_path_ident(r, 1))
        return;
    snprintf(key.provider, sizeof key.provider, "%s", r->path_values[0]);
    snprintf(key.contract, sizeof key.contract, "%s", r->path_values[1]);
    snprintf(key.commissioner, sizeof key.commissioner, "%s", r->path_values[2]);
    const struct stopped_query q = {key.provider, key.contract, key.commissioner, "", STOPPED_SHOWN};
    enum pg_status status = account_view(r->pg, &key, london_date(r->begun_at), &account);
    if (status == PG_OK)
        status = stopped_list(r->pg, &q, &stopped);
    if (status == PG_OK)
        status = account_drafts(r->pg, &key, &drafts);
    if (status != PG_OK) {
        PQclear(account);
        PQclear(stopped);
        reply_store(r, status);
        return;
    }
    json_t *body = row_object(account, 0, account_columns);
    json_t *held = with_actions(r, stopped, stopped_columns, actions_of_run, STOPPED_SHOWN);
    json_t *open = with_actions(r, drafts, draft_columns, actions_of_document, TERMS_MONTHS + 1);
    if (body == NULL || !fill(body, account, held, open)) {
        json_decref(body);
        body = NULL;
    }
    PQclear(account);
    reply_json(r, 200, body, NULL);
}

void accounts_stopped(struct request *r)
{
    struct page page;
    PGresult *result = NULL;
    if (!request_page(r, &page))
        return;
    const struct stopped_query q = {.provider = r->path_values[0],
                                    .contract = request_query(r, "contract"),
                                    .commissioner = request_query(r, "commissioner"),
                                    .after = page.after,
                                    .limit = page.limit + 1};
    enum pg_status status = stopped_list(r->pg, &q, &result);
    reply_page(r, status, result, &page, &stopped_list_form);
}
