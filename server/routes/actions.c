#include "routes/actions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* by: provider, commissioner, operator, or either (of the two parties). Method COMMAND: href is a command line. */
static bool add(json_t *list, const char *act, const char *method, const char *by, json_t *body, const char *href, ...)
    __attribute__((format(printf, 6, 7)));
static bool add(json_t *list, const char *act, const char *method, const char *by, json_t *body, const char *href, ...)
{
    char target[200];
    va_list arguments;
    va_start(arguments, href);
    vsnprintf(target, sizeof target, href, arguments);
    va_end(arguments);
    json_t *action = json_pack("{s:s, s:s, s:s, s:s}", "act", act, "method", method, "href", target, "by", by);
    bool ok = action != NULL && (body == NULL || json_put(action, "body", body));
    if (ok)
        return json_array_append_new(list, action) == 0;
    json_decref(action);
    return false;
}

static bool ask_again(json_t *list, const char *provider, const PGresult *r, int row)
{
    char month[8];
    month_format(pg_month(r, row, "month"), month);
    return add(list, "ask_again", "POST", strcmp(pg_text(r, row, "type"), "PREVIEW") == 0 ? "either" : "provider",
               json_pack("{s:s, s:s}", "month", month, "type", pg_text(r, row, "type")),
               "/v1/providers/%s/contracts/%s/accounts/%s/runs", provider, pg_text(r, row, "contract"),
               pg_text(r, row, "commissioner"));
}

/* A month without an accepted submission: send one, in time or under an exception, or agree what it counts as. */
static bool activity_missing(json_t *list, const char *provider, const PGresult *r, int row)
{
    char month[8];
    const char *contract = pg_text(r, row, "contract");
    month_format(pg_month(r, row, "hold_month"), month);
    return add(list, "upload", "POST", "provider", NULL, "/v1/providers/%s/months/%s/submissions", provider, month) &&
           add(list, "ask_exception", "POST", "either", json_pack("{s:s, s:s}", "month", month, "reason", ""),
               "/v1/providers/%s/contracts/%s/exceptions", provider, contract) &&
           add(list, "agree_month_without_activity", "POST", "either", NULL,
               "/v1/providers/%s/contracts/%s/accounts/%s/agreements", provider, contract,
               pg_text(r, row, "commissioner"));
}

/* What would let the run come to its end; asking again follows in every case. */
static bool remedies(json_t *list, const char *provider, const PGresult *r, int row)
{
    const char *hold = pg_text(r, row, "hold");
    const char *contract = pg_text(r, row, "contract");
    if (strcmp(hold, "no_activity") == 0)
        return activity_missing(list, provider, r, row);
    if (strcmp(hold, "no_successor") == 0)
        return add(list, "record_successor", "PUT", "operator", NULL, "/v1/organisations/%s",
                   pg_text(r, row, "commissioner"));
    if (strcmp(hold, "open_challenge") == 0)
        return add(list, "answer_challenges", "GET", "either", NULL,
                   "/v1/providers/%s/contracts/%s/accounts/%s/challenges", provider, contract,
                   pg_text(r, row, "commissioner"));
    if (strcmp(hold, "reference_data") == 0)
        return add(list, "load_reference_data", "COMMAND", "operator", NULL, "reckoner reference load KIND FILE");
    if (strcmp(hold, "sanity_bound") == 0 && !add(list, "ask_exception", "POST", "either", NULL,
                                                  "/v1/providers/%s/contracts/%s/exceptions", provider, contract))
        return false;
    return strcmp(hold, "fault") == 0 ||
           add(list, "draft_terms", "POST", "either", NULL, "/v1/providers/%s/contracts/%s/terms", provider, contract);
}

json_t *actions_of_run(const char *provider, const PGresult *result, int row)
{
    json_t *list = json_array();
    const char *state = pg_text(result, row, "state");
    bool ok = list != NULL;
    bool fault = strcmp(state, "failed") == 0;
    if (!fault && strcmp(state, "parked") != 0)
        return list;
    ok = ok && remedies(list, provider, result, row);
    if (ok && fault && !pg_is_null(result, row, "job"))
        ok = add(list, "retry_job", "POST", "operator", NULL, "/v1/providers/%s/jobs/%s/retries", provider,
                 pg_text(result, row, "job"));
    if (ok && !pg_is_null(result, row, "type"))
        ok = ask_again(list, provider, result, row);
    else if (ok && strcmp(pg_text(result, row, "job_kind"), "instalment") == 0)
        ok = add(list, "draft_instalments", "POST", "provider", NULL, "/v1/providers/%s/contracts/%s/instalments",
                 provider, pg_text(result, row, "contract"));
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *actions_of_document(const char *provider, const PGresult *result, int row)
{
    json_t *list = json_array();
    bool draft = strcmp(pg_text(result, row, "state"), "draft") == 0;
    if (list != NULL &&
        add(list, draft ? "propose" : "issue", "POST", "provider", NULL, "/v1/providers/%s/documents/%s/%s", provider,
            pg_text(result, row, "id"), draft ? "proposal" : "issue"))
        return list;
    json_decref(list);
    return NULL;
}
