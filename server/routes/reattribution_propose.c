/* The provider, or the commissioner that rows were attributed to, proposes that they belong to another. */
#include "routes/account_month.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/reattributions.h"
#include "store/organisation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_body(struct request *r, struct reattribution *g)
{
    static const struct json_member members[] = {
        {"month", JSON_KIND_MONTH, true, 0, 0},     {"from", JSON_KIND_TEXT, true, 3, 10},
        {"to", JSON_KIND_TEXT, true, 3, 10},        {"rows", JSON_KIND_ARRAY, true, 1, REATTRIBUTION_ROWS_MAXIMUM},
        {"reason", JSON_KIND_TEXT, true, 10, 2000}, {NULL, JSON_KIND_TEXT, false, 0, 0}};
    size_t i;
    json_t *id;
    if (!body_check(r, members) || !body_month(r, "month", &g->month))
        return false;
    g->from = json_text(r->body, "from");
    g->to = json_text(r->body, "to");
    g->reason = json_text(r->body, "reason");
    g->rows = (int64_t)json_array_size(json_object_get(r->body, "rows"));
    if (strcmp(g->from, g->to) == 0) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/to", "The rows are moved to another commissioner");
        return false;
    }
    json_array_foreach(json_object_get(r->body, "rows"), i, id)
    {
        if (json_is_string(id) && json_string_length(id) >= 1 && json_string_length(id) <= 20)
            continue;
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/rows", "rows is a list of episode ids, of 1 to 20 characters each");
        return false;
    }
    return true;
}

static enum pg_status conflict(struct request *r, const char *field, const char *message)
{
    reply_problem(r, PROBLEM_CONFLICT, field, "%s", message);
    return PG_INVALID;
}

/* PG_NONE: the caller has no business with the provider. */
static enum pg_status check_parties(struct request *r, const struct reattribution *g, char contract[IDENT_SIZE])
{
    char to_contract[IDENT_SIZE];
    bool provider = r->caller.role == ROLE_PROVIDER;
    if (provider && strcmp(r->caller.organisation, g->provider) != 0)
        return PG_NONE;
    bool acts = provider;
    enum pg_status status = provider ? PG_OK : organisation_acting_for(r->pg, g->from, &acts);
    if (status == PG_OK)
        status =
            reattribution_contract(r->pg, g->provider, acts ? g->from : r->caller.organisation, g->month, contract);
    if (status == PG_NONE && provider)
        return conflict(r, "/from", "The provider has no account with this commissioner in that year: no rows to move");
    if (status == PG_OK && !acts) {
        reply_problem(r, PROBLEM_FORBIDDEN, "/from",
                      "The provider proposes, or the commissioner that the rows were attributed to; ask either");
        return PG_INVALID;
    }
    if (status == PG_OK &&
        (status = reattribution_contract(r->pg, g->provider, g->to, g->month, to_contract)) == PG_NONE)
        return conflict(r, "/to",
                        "The commissioner has no account with the provider in that year: the two agree a contract "
                        "first; until then nobody pays for its rows");
    return status;
}

static enum pg_status add_rows(struct request *r, const struct reattribution *g, int64_t submission)
{
    char *episodes = json_dumps(json_object_get(r->body, "rows"), JSON_COMPACT);
    if (episodes == NULL)
        return PG_FAILED;
    enum pg_status status = reattribution_add_rows(r->pg, g, submission, episodes);
    free(episodes);
    if (status == PG_DUPLICATE)
        return conflict(r, "/rows", "A row is named twice, or is in another open re-attribution");
    if (status == PG_INVALID || status == PG_NONE)
        return conflict(r, "/rows", "Not all of them are rows of that commissioner in the month's submission");
    return status;
}

static enum pg_status propose_locked(struct request *r, struct reattribution *g, struct account_month *month)
{
    char contract[IDENT_SIZE];
    enum pg_status status = check_parties(r, g, contract);
    if (status != PG_OK)
        return status;
    struct account_key from;
    snprintf(from.provider, sizeof from.provider, "%s", g->provider);
    snprintf(from.contract, sizeof from.contract, "%s", contract);
    snprintf(from.commissioner, sizeof from.commissioner, "%s", g->from);
    status = account_month_load_of(r, &from, g->month, month);
    if (status == PG_OK && month->submission.no == 0)
        return conflict(r, "/month", "No submission of this month counts yet, so it has no rows");
    if (status == PG_OK)
        status = reattribution_propose(r->pg, g, &g->n);
    if (status == PG_OK)
        status = add_rows(r, g, month->submission.no);
    return status;
}

static enum pg_status propose(struct request *r, void *context)
{
    struct reattribution g = *(const struct reattribution *)context; /* each attempt anew */
    struct account_month month;
    memset(&month, 0, sizeof month);
    g.side = r->caller.role == ROLE_PROVIDER ? "provider" : "from";
    enum pg_status status = reattribution_lock(r->pg, g.provider);
    if (status == PG_OK)
        status = propose_locked(r, &g, &month);
    account_month_free(&month);
    return status == PG_OK ? reattribution_finish(r, "reattribution.propose", &g) : status;
}

void reattributions_propose(struct request *r)
{
    struct reattribution g = reattribution_addressed(r);
    if (read_body(r, &g))
        request_act(r, propose, &g);
}
