/* Rows that no contract covers, by commissioner, with their value at reference prices. */
#include "domain/suppression.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/indicator_view.h"

/* Rows are patients: 1 to 4 are not told, nor is a sum, so that one hidden number is enough. Days and pounds are. */
static json_t *line_json(const PGresult *r, int row)
{
    static const struct column columns[] = {{"commissioner", COLUMN_TEXT},
                                            {"name", COLUMN_TEXT},
                                            {"days", COLUMN_INTEGER},
                                            {"admitted_days", COLUMN_INTEGER},
                                            {NULL, COLUMN_TEXT}};
    int64_t rows = pg_i64(r, row, "rows");
    int64_t unpriced = pg_i64(r, row, "unpriced_rows");
    bool few = suppression_is_small(rows);
    bool tells = few || suppression_is_small(unpriced) || suppression_is_small(rows - unpriced);
    json_t *o = row_object(r, row, columns);
    bool ok =
        o && json_put(o, "rows", few ? json_null() : json_integer(rows)) &&
        json_put(o, "unpriced_rows", tells && unpriced > 0 ? json_null() : json_integer(unpriced)) &&
        json_put(o, "reference_value_pence", unpriced == rows ? json_null() : json_integer(pg_i64(r, row, "pence"))) &&
        json_put(o, "because",
                 json_string(pg_bool(r, row, "terms_missing") ? "The contract has no approved terms for the month"
                                                              : "There is no contract"));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static const char *why_empty(const struct request *r, bool accepted)
{
    if (!accepted)
        return "No file for this month was sent and accepted";
    return r->caller.role == ROLE_PROVIDER ? "Every row that could be paid for has a contract"
                                           : "No row without a contract names your organisation as commissioner";
}

void uncontracted_rows(struct request *r)
{
    month_t month = 0;
    bool accepted = false;
    PGresult *result = NULL;
    if (!request_path_month(r, 1, &month))
        return;
    enum pg_status status = uncontracted_known(r->pg, r->path_values[0], month, &accepted);
    if (status == PG_OK)
        status = uncontracted_list(r->pg, r->path_values[0], month, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = json_object();
    json_t *items = json_array();
    bool ok = body != NULL && items != NULL;
    for (int i = 0; i < PQntuples(result) && ok; i++)
        ok = json_array_append_new(items, line_json(result, i)) == 0;
    PQclear(result);
    ok = json_put(body, "items", items) && ok;
    if (ok && json_put(body, "next", json_null()) && list_says_why_empty(body, why_empty(r, accepted))) {
        reply_json(r, 200, body, NULL);
        return;
    }
    json_decref(body);
    reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the list");
}
