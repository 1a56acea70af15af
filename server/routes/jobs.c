/* Long work: how far it is, and a new start for what failed. */
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/job_view.h"

#include <stdio.h>
#include <string.h>

static const struct column job_columns[] = {{"job", COLUMN_TEXT},
                                            {"kind", COLUMN_TEXT},
                                            {"subject", COLUMN_TEXT},
                                            {"state", COLUMN_TEXT},
                                            {"created_at", COLUMN_INSTANT},
                                            {"attempts", COLUMN_INTEGER},
                                            {"done_units", COLUMN_INTEGER},
                                            {"all_units", COLUMN_INTEGER},
                                            {"problem", COLUMN_TEXT},
                                            {"finished_at", COLUMN_INSTANT},
                                            {NULL, COLUMN_TEXT}};

/* What the job works on, as a link. */
static void link_subject(struct request *r, const char *provider, const PGresult *result)
{
    static const struct {
        const char *kind;
        const char *resource;
    } kinds[] = {{"validate", "submissions"}, {"evaluate", "submissions"}, {"settle", "runs"},
                 {"preview", "runs"},         {"resettle", "contracts"},   {"instalment", "contracts"},
                 {"rehearse", "rehearsals"},  {"export", "exports"}};
    char target[96];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, pg_text(result, 0, "kind")) == 0) {
            snprintf(target, sizeof target, "/v1/providers/%s/%s/%s", provider, kinds[i].resource,
                     pg_text(result, 0, "subject"));
            reply_link(r, "related", target);
        }
}

void jobs_get(struct request *r)
{
    if (!request_path_ident(r, 1))
        return;
    PGresult *result = NULL;
    enum pg_status status = job_view(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    link_subject(r, r->path_values[0], result);
    json_t *body = row_object(result, 0, job_columns);
    PQclear(result);
    reply_json(r, 200, body, NULL);
}

static enum pg_status retry(struct request *r, void *context)
{
    (void)context;
    const char *provider = r->path_values[0], *id = r->path_values[1];
    PGresult *result = NULL;
    enum pg_status status = job_view(r->pg, provider, id, &result);
    PQclear(result);
    if (status != PG_OK)
        return status;
    status = job_view_retry(r->pg, provider, id);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "Only a failed job is started again");
        return status;
    }
    char subject[40], location[96];
    snprintf(subject, sizeof subject, "job/%s", id);
    snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", provider, id);
    if (status == PG_OK)
        status = request_audit(r, provider, "job.retry", subject, NULL);
    result = NULL;
    if (status == PG_OK)
        status = job_view(r->pg, provider, id, &result);
    if (status != PG_OK)
        return status;
    reply_accepted(r, row_object(result, 0, job_columns), location);
    PQclear(result);
    return PG_OK;
}

void jobs_retry(struct request *r)
{
    if (request_path_ident(r, 1))
        request_act(r, retry, NULL);
}
