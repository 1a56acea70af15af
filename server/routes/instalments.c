/* POST .../instalments: has the instalments drafted that are due; a job does it for all accounts of the contract. */
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"
#include "store/job.h"

#include <stdio.h>

static enum pg_status ask(struct request *r, void *context)
{
    char job[IDENT_SIZE];
    char subject[40];
    char location[96];
    (void)context;
    enum pg_status status = contract_visible(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = job_add(r->pg, r->path_values[0], "instalment", r->path_values[1], job);
    snprintf(subject, sizeof subject, "contract/%s", r->path_values[1]);
    if (status == PG_OK)
        status = request_audit(r, r->path_values[0], "instalment.request", subject, NULL);
    if (status != PG_OK)
        return status;
    snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", r->path_values[0], job);
    reply_accepted(r, json_pack("{s:s}", "job", job), location);
    return PG_OK;
}

void instalments_create(struct request *r)
{
    if (request_path_ident(r, 1))
        request_act(r, ask, NULL);
}
