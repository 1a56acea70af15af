/* The linter over HTTP: what it finds in a version, what the answer to a draft says of it, and the refusal of what has
 * a defect. */
#include "domain/terms_lint.h"
#include "routes/handlers.h"
#include "routes/terms.h"
#include "store/terms.h"

#include <stdio.h>
#include <string.h>

static void lint_href(const struct request *r, int64_t version, char out[160])
{
    (void)snprintf(out, 160, "/v1/providers/%s/contracts/%s/terms/%lld/lint", r->path_values[0], r->path_values[1],
                   (long long)version);
}

json_t *terms_lint_counts(const struct request *r, int64_t version, const json_t *result)
{
    char href[160];
    lint_href(r, version, href);
    return json_pack("{s:I, s:I, s:s}", "defects", (json_int_t)json_int(result, "defects", 0), "notes",
                     (json_int_t)json_int(result, "notes", 0), "href", href);
}

enum pg_status terms_refuse_defective(struct request *r, int64_t version, const char *body)
{
    json_t *result = terms_lint_text(body, strlen(body));
    const json_t *first = result == NULL ? NULL : terms_lint_first_defect(result);
    enum pg_status status = PG_OK;
    char href[160];
    lint_href(r, version, href);
    if (result == NULL) {
        reply_problem(r, PROBLEM_INTERNAL, NULL, "Memory ran out");
        status = PG_FAILED;
    } else if (first != NULL) {
        reply_problem(r, PROBLEM_TERMS_DEFECTIVE, json_text(first, "pointer"), "%s: %.300s. All that was found: %s",
                      json_text(first, "rule"), json_text(first, "sentence"), href);
        status = PG_INVALID;
    }
    json_decref(result);
    return status;
}

static json_t *lint_body(int64_t version, const PGresult *row)
{
    const char *body = pg_text(row, 0, "body");
    json_t *o = terms_lint_text(body, strlen(body));
    if (o != NULL && json_put(o, "version", json_integer(version)) && json_put(o, "next", json_null()) &&
        list_says_why_empty(o, "The terms have no defect, and there is nothing to note"))
        return o;
    json_decref(o);
    return NULL;
}

void terms_route_lint(struct request *r)
{
    int64_t version;
    PGresult *row = NULL;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &version))
        return;
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], version, false, &row);
    if (status == PG_OK)
        reply_body(r, lint_body(version, row));
    else
        reply_store(r, status);
    PQclear(row);
}
