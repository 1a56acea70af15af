/* CQUIN achievements: one party of an account proposes a measure, another person of the other agrees it; what was
 * settled on the assumption is then settled again. */
#include "base/parse.h"
#include "http/router.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/achievement.h"
#include "store/contract.h"
#include "store/job.h"

#include <stdio.h>
#include <string.h>

static const struct column achievement_columns[] = {{"indicator", COLUMN_TEXT},    {"n", COLUMN_INTEGER},
                                                    {"numerator", COLUMN_INTEGER}, {"denominator", COLUMN_INTEGER},
                                                    {"evidence", COLUMN_TEXT},     {"disputes", COLUMN_INTEGER},
                                                    {"state", COLUMN_TEXT},        {"proposed_side", COLUMN_TEXT},
                                                    {"proposed_by", COLUMN_TEXT},  {"proposed_at", COLUMN_INSTANT},
                                                    {"agreed_side", COLUMN_TEXT},  {"agreed_by", COLUMN_TEXT},
                                                    {"agreed_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form achievement_list_form = {
    .columns = achievement_columns,
    .cursor = {"indicator", "n"},
    .empty = "No measure was proposed for this account; POST here proposes one"};

static struct achievement addressed(struct request *r)
{
    return (struct achievement){.provider = r->path_values[0],
                                .contract = r->path_values[1],
                                .commissioner = r->path_values[2],
                                .indicator = r->path_values[3],
                                .side = caller_side(r),
                                .person = r->caller.person,
                                .at = r->begun_at};
}

void achievements_list(struct request *r)
{
    struct page page;
    const char *parts[2];
    struct achievement after = addressed(r);
    if (!request_path_ident(r, 1) || !request_page(r, &page) || !page_parts(r, &page, 2, parts))
        return;
    after.indicator = parts[0];
    if (!page_number(r, parts[1], 0, INT64_MAX, &after.n))
        return;
    PGresult *result = NULL;
    enum pg_status status = contract_visible(r->pg, after.provider, after.contract);
    if (status == PG_OK)
        status = achievement_list(r->pg, &after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &achievement_list_form);
}

void achievements_get(struct request *r)
{
    struct achievement key = addressed(r);
    if (!request_path_ident(r, 1) || !request_path_number(r, 4, &key.n))
        return;
    PGresult *result = NULL;
    enum pg_status status = achievement_get(r->pg, &key, false, &result);
    if (status == PG_OK)
        reply_json(r, 200, row_object(result, 0, achievement_columns), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

static enum pg_status finish(struct request *r, const char *act, const struct achievement *m)
{
    char subject[160], location[256];
    snprintf(subject, sizeof subject, "contract/%s/account/%s/achievement/%s/%lld", m->contract, m->commissioner,
             m->indicator, (long long)m->n);
    enum pg_status status = request_audit(r, m->provider, act, subject, NULL);
    PGresult *result = NULL;
    if (status == PG_OK)
        status = achievement_get(r->pg, m, false, &result);
    if (status != PG_OK)
        return status;
    struct buf indicator;
    buf_init(&indicator, 160);
    bool ok = percent_encode(&indicator, m->indicator);
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/accounts/%s/achievements/%s/%lld", m->provider,
             m->contract, m->commissioner, ok ? indicator.data : "", (long long)m->n);
    buf_free(&indicator);
    reply_created(r, row_object(result, 0, achievement_columns), location, NULL);
    PQclear(result);
    return PG_OK;
}

/* A measure of a misspelt indicator would be agreed and never count. */
static enum pg_status check_named(struct request *r, const struct achievement *m, const char *field)
{
    bool unknown = false;
    enum pg_status status = achievement_unknown(r->pg, m, &unknown);
    if (status != PG_OK || !unknown)
        return status;
    reply_problem(r, PROBLEM_UNKNOWN_INDICATOR, field, "No approved terms of this contract name an indicator %.40s",
                  m->indicator);
    return PG_INVALID;
}

static enum pg_status propose(struct request *r, void *context)
{
    struct achievement *m = context;
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, m->provider, m->contract, &result);
    if (status != PG_OK)
        return status;
    PQclear(result);
    status = contract_lock(r->pg, m->provider, m->contract);
    if (status == PG_OK)
        status = check_named(r, m, "/indicator");
    if (status != PG_OK)
        return status;
    status = achievement_propose(r->pg, m, &m->n);
    if (status == PG_INVALID) /* the contract has no account of that commissioner */
        return PG_NONE;
    return status == PG_OK ? finish(r, "achievement.propose", m) : status;
}

/* The figures of a measure, from the body. */
static bool read_figures(struct request *r, struct achievement *m)
{
    m->numerator = json_int(r->body, "numerator", 0);
    m->denominator = json_int(r->body, "denominator", 0);
    m->evidence = json_text(r->body, "evidence");
    if (m->denominator == 0 || m->numerator <= m->denominator)
        return true;
    reply_problem(r, PROBLEM_MALFORMED_JSON, "/numerator", "The numerator is at most the denominator");
    return false;
}

void achievements_propose(struct request *r)
{
    static const struct json_member members[] = {{"indicator", JSON_KIND_TEXT, true, 1, 40},
                                                 {"numerator", JSON_KIND_INTEGER, true, 0, INT64_MAX},
                                                 {"denominator", JSON_KIND_INTEGER, true, 0, INT64_MAX},
                                                 {"evidence", JSON_KIND_TEXT, true, 1, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    struct achievement m = addressed(r);
    m.indicator = json_text(r->body, "indicator");
    if (read_figures(r, &m))
        request_act(r, propose, &m);
}

/* An open measure of the other party that nobody has answered with another. */
static enum pg_status check_disputable(struct request *r, const struct achievement *m)
{
    struct achievement other = *m;
    PGresult *result = NULL;
    other.n = m->disputes;
    enum pg_status status = achievement_get(r->pg, &other, true, &result);
    if (status != PG_OK)
        return status;
    const char *state = pg_text(result, 0, "state");
    status = PG_INVALID;
    if (strcmp(state, "proposed") != 0)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This measure is %s already",
                      strcmp(state, "set_aside") == 0 ? "set aside" : state);
    else if (strcmp(pg_text(result, 0, "proposed_side"), m->side) == 0)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The %s has proposed it, so the other party disputes it", m->side);
    else if (pg_i64(result, 0, "numerator") == m->numerator && pg_i64(result, 0, "denominator") == m->denominator)
        reply_problem(r, PROBLEM_CONFLICT, "/numerator", "These are the figures proposed: agree them");
    else
        status = PG_OK;
    PQclear(result);
    return status;
}

static enum pg_status dispute(struct request *r, void *context)
{
    struct achievement *m = context;
    char job[IDENT_SIZE];
    enum pg_status status = contract_lock(r->pg, m->provider, m->contract);
    if (status == PG_OK)
        status = check_disputable(r, m);
    if (status == PG_OK)
        status = achievement_propose(r->pg, m, &m->n);
    if (status == PG_OK)
        status = job_add(r->pg, m->provider, "resettle", m->contract, job);
    return status == PG_OK ? finish(r, "achievement.dispute", m) : status;
}

void achievements_dispute(struct request *r)
{
    static const struct json_member members[] = {{"numerator", JSON_KIND_INTEGER, true, 0, INT64_MAX},
                                                 {"denominator", JSON_KIND_INTEGER, true, 0, INT64_MAX},
                                                 {"evidence", JSON_KIND_TEXT, true, 1, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct achievement m = addressed(r);
    if (request_path_ident(r, 1) && request_path_number(r, 4, &m.disputes) && body_check(r, members) &&
        read_figures(r, &m))
        request_act(r, dispute, &m);
}

static enum pg_status check_agreeable(struct request *r, const struct achievement *m)
{
    PGresult *result = NULL;
    enum pg_status status = achievement_get(r->pg, m, true, &result);
    if (status != PG_OK)
        return status;
    const char *side = pg_text(result, 0, "proposed_side");
    status = PG_INVALID;
    const char *state = pg_text(result, 0, "state");
    if (strcmp(state, "agreed") == 0)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This measure is agreed already");
    else if (strcmp(state, "set_aside") == 0)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The other measure of the dispute is agreed already");
    else if (strcmp(pg_text(result, 0, "proposed_by"), m->person) == 0)
        reply_problem(r, PROBLEM_SAME_PERSON, NULL, "A person of the other party agrees");
    else if (strcmp(side, m->side) == 0)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The %s has proposed, so the other party agrees", side);
    else
        status = PG_OK;
    PQclear(result);
    return status;
}

static enum pg_status agree(struct request *r, void *context)
{
    struct achievement *m = context;
    char job[IDENT_SIZE];
    enum pg_status status = check_agreeable(r, m);
    if (status == PG_OK)
        status = check_named(r, m, "indicator");
    if (status == PG_OK)
        status = achievement_agree(r->pg, m);
    if (status == PG_OK)
        status = job_add(r->pg, m->provider, "resettle", m->contract, job);
    return status == PG_OK ? finish(r, "achievement.agree", m) : status;
}

void achievements_agree(struct request *r)
{
    struct achievement m = addressed(r);
    if (request_path_ident(r, 1) && request_path_number(r, 4, &m.n))
        request_act(r, agree, &m);
}
