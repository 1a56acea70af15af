/* POST .../runs: asks for a run, once its window has closed. */
#include "domain/terms.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/run_windows.h"
#include "store/job.h"
#include "store/run.h"

#include <stdio.h>
#include <string.h>

struct asking {
    struct run run;
    struct account_facts facts;
};

static bool is_type(const struct asking *a, const char *type)
{
    return strcmp(a->run.type, type) == 0;
}

static enum pg_status refuse_settled(struct request *r, const struct asking *a)
{
    char name[8];
    month_format(a->run.month, name);
    reply_problem(r, PROBLEM_CONFLICT, "/type",
                  "%s has been settled by a FREEZE. What changes it later makes an R run by itself: an upload under a "
                  "granted exception, terms with effect in the past, an achievement",
                  name);
    return PG_INVALID;
}

/* A year that FINAL has closed is settled no more: what both parties decide later raises DISPUTE runs. */
static enum pg_status refuse_closed(struct request *r, const struct asking *a)
{
    bool closed = false;
    enum pg_status status = run_year_closed(r->pg, &a->run.account, &closed);
    if (status != PG_OK || !closed)
        return status;
    reply_problem(r, PROBLEM_CONFLICT, "/type",
                  "A FINAL run has closed the year. What both parties decide later makes a DISPUTE run by itself; a "
                  "PREVIEW can be asked for at any time");
    return PG_INVALID;
}

/* FINAL closes a year that is settled: March has been frozen, and with it every month before. */
static enum pg_status look_at_year(struct request *r, const struct asking *a)
{
    struct run frozen;
    if (month_number(a->run.month) != TERMS_MONTHS) {
        reply_problem(r, PROBLEM_CONFLICT, "/month", "FINAL closes the year: ask for it for March");
        return PG_INVALID;
    }
    enum pg_status status = run_latest(r->pg, &a->run.account, a->run.month, "FREEZE", &frozen);
    if (status == PG_NONE || (status == PG_OK && strcmp(frozen.state, "done") != 0)) {
        reply_problem(r, PROBLEM_CONFLICT, "/type", "March has not been settled yet: ask for its FREEZE first");
        return PG_INVALID;
    }
    return status;
}

/* What the newest run of this month and type means for the request: *again when it was parked or failed and is taken up
 * again, *waiting when it is still queued. */
static enum pg_status look_at_latest(struct request *r, struct asking *a, bool *again, bool *waiting)
{
    struct run latest;
    *again = *waiting = false;
    if (is_type(a, "FLEX")) {
        enum pg_status frozen = run_latest(r->pg, &a->run.account, a->run.month, "FREEZE", &latest);
        if (frozen == PG_OK && strcmp(latest.state, "done") == 0)
            return refuse_settled(r, a);
        if (frozen != PG_OK && frozen != PG_NONE)
            return frozen;
    }
    enum pg_status status = run_latest(r->pg, &a->run.account, a->run.month, a->run.type, &latest);
    if (status != PG_OK && status != PG_NONE)
        return status;
    bool done = status == PG_OK && strcmp(latest.state, "done") == 0;
    if (is_type(a, "FREEZE") && done)
        return refuse_settled(r, a);
    if ((is_type(a, "R") || is_type(a, "DISPUTE")) && (status == PG_NONE || done)) {
        reply_problem(r, PROBLEM_CONFLICT, "/type",
                      "R and DISPUTE runs make themselves; only a parked or failed one can be asked for again, and "
                      "there is none");
        return PG_INVALID;
    }
    if (status == PG_NONE || done)
        return PG_OK;
    *waiting = strcmp(latest.state, "queued") == 0;
    *again = !*waiting;
    memcpy(a->run.id, latest.id, sizeof a->run.id);
    a->run.n = latest.n;
    return PG_OK;
}

static enum pg_status answer(struct request *r, const struct asking *a)
{
    char job[IDENT_SIZE];
    char location[96];
    char self[96];
    char month[8];
    enum pg_status status =
        job_add(r->pg, a->run.account.provider, is_type(a, "PREVIEW") ? "preview" : "settle", a->run.id, job);
    if (status != PG_OK)
        return status;
    month_format(a->run.month, month);
    snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", a->run.account.provider, job);
    snprintf(self, sizeof self, "/v1/providers/%s/runs/%s", a->run.account.provider, a->run.id);
    reply_link(r, "run", self);
    reply_accepted(r,
                   json_pack("{s:s, s:s, s:s, s:s, s:I}", "run", a->run.id, "job", job, "month", month, "type",
                             a->run.type, "n", (json_int_t)a->run.n),
                   location);
    return PG_OK;
}

static enum pg_status ask(struct request *r, void *context)
{
    struct asking *a = context;
    bool again = false;
    bool waiting = false;
    char subject[64];
    enum pg_status status = account_facts(r->pg, &a->run.account, &a->facts);
    if (status != PG_OK)
        return status;
    if (month_financial_year(a->run.month) != a->facts.financial_year) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/month", "The contract is for April %d to March %d",
                      a->facts.financial_year, a->facts.financial_year + 1);
        return PG_INVALID;
    }
    status = account_lock_asking(r->pg, &a->run.account);
    if (status == PG_OK && !is_type(a, "PREVIEW") && !is_type(a, "DISPUTE"))
        status = refuse_closed(r, a);
    if (status == PG_OK && is_type(a, "FINAL"))
        status = look_at_year(r, a);
    if (status == PG_OK)
        status = look_at_latest(r, a, &again, &waiting);
    if (status == PG_OK && (is_type(a, "FLEX") || is_type(a, "FREEZE") || is_type(a, "FINAL")))
        status = run_windows_check(r, &a->run, a->facts.financial_year);
    if (status == PG_OK && again)
        status = run_requeue(r->pg, &a->run);
    else if (status == PG_OK && !waiting)
        status = run_insert(r->pg, &a->run);
    if (status != PG_OK)
        return status;
    snprintf(subject, sizeof subject, "run/%s", a->run.id);
    status = request_audit(r, a->run.account.provider, "run.request", subject, json_pack("{s:s}", "type", a->run.type));
    return status == PG_OK ? answer(r, a) : status;
}

static const struct json_member members[] = {
    {"month", JSON_KIND_MONTH, true, 0, 0},
    {"type", JSON_KIND_TEXT, true, 1, 7},
    {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static bool type_is_known(const char *type)
{
    static const char *const known[] = {"PREVIEW", "FLEX", "FREEZE", "R", "FINAL", "DISPUTE"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(type, known[i]) == 0)
            return true;
    }
    return false;
}

void runs_create(struct request *r)
{
    struct asking a;
    memset(&a, 0, sizeof a);
    if (!request_path_ident(r, 1) || !body_check(r, members) || !body_month(r, "month", &a.run.month))
        return;
    const char *type = json_text(r->body, "type");
    if (!type_is_known(type)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/type",
                      "type is FLEX, FREEZE, FINAL or PREVIEW; or R or DISPUTE, to ask again for one that is parked");
        return;
    }
    if (r->caller.role != ROLE_PROVIDER && strcmp(type, "PREVIEW") != 0) {
        reply_problem(r, PROBLEM_FORBIDDEN, "/type", "The provider asks for %s; a commissioner may ask for a PREVIEW",
                      type);
        return;
    }
    snprintf(a.run.account.provider, sizeof a.run.account.provider, "%s", r->path_values[0]);
    snprintf(a.run.account.contract, sizeof a.run.account.contract, "%s", r->path_values[1]);
    snprintf(a.run.account.commissioner, sizeof a.run.account.commissioner, "%s", r->path_values[2]);
    snprintf(a.run.type, sizeof a.run.type, "%s", type);
    snprintf(a.run.cause, sizeof a.run.cause, "asked for by the %s", caller_side(r));
    snprintf(a.run.requested_by, sizeof a.run.requested_by, "%s", r->caller.person);
    a.run.requested_at = r->begun_at;
    a.run.known_at = r->begun_at;
    request_act(r, ask, &a);
}
