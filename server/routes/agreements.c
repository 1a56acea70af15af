/* What one party of an account proposes and a person of the other agrees: adjustments, opening entries, months without
 * activity, decisions of withholds. What was settled is then settled again. */
#include "base/parse.h"
#include "domain/money.h"
#include "http/router.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/agreement.h"
#include "store/contract.h"
#include "store/job.h"
#include "store/withhold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column agreement_columns[] = {{"n", COLUMN_INTEGER},        {"kind", COLUMN_TEXT},
                                                  {"month", COLUMN_MONTH},      {"body", COLUMN_JSON},
                                                  {"digest", COLUMN_TEXT},      {"proposed_side", COLUMN_TEXT},
                                                  {"proposed_by", COLUMN_TEXT}, {"proposed_at", COLUMN_INSTANT},
                                                  {"outcome", COLUMN_TEXT},     {"closed_side", COLUMN_TEXT},
                                                  {"closed_by", COLUMN_TEXT},   {"closed_at", COLUMN_INSTANT},
                                                  {"refusal", COLUMN_TEXT},     {NULL, COLUMN_TEXT}};
static const struct list_form agreement_list_form = {
    .columns = agreement_columns,
    .cursor = {"n"},
    .empty = "Nothing of this kind was proposed for this account; POST here proposes"};

/* The largest sum that one agreement may state: ten trillion pounds. */
#define PENCE_MAXIMUM INT64_C(1000000000000000)

static struct agreement addressed(struct request *r)
{
    return (struct agreement){.provider = r->path_values[0],
                              .contract = r->path_values[1],
                              .commissioner = r->path_values[2],
                              .side = caller_side(r),
                              .organisation = r->caller.organisation,
                              .person = r->caller.person,
                              .at = r->begun_at};
}

static bool is_kind(const char *kind)
{
    static const char *const kinds[] = {"adjustment", "opening_entry", "month_without_activity", "withhold_decision"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

void agreements_list(struct request *r)
{
    struct page page;
    struct agreement after = addressed(r);
    const char *kind = request_query(r, "kind");
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX, &after.n))
        return;
    if (kind != NULL && !is_kind(kind)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "kind",
                      "kind is adjustment, opening_entry, month_without_activity or withhold_decision");
        return;
    }
    PGresult *result = NULL;
    enum pg_status status = account_visible(r);
    if (status == PG_OK)
        status = agreement_list(r->pg, &after, kind, page.limit + 1, &result);
    reply_page(r, status, result, &page, &agreement_list_form);
}

void agreements_get(struct request *r)
{
    struct agreement key = addressed(r);
    if (!request_path_ident(r, 1) || !request_path_number(r, 3, &key.n))
        return;
    PGresult *result = NULL;
    enum pg_status status = agreement_get(r->pg, &key, false, &result);
    if (status == PG_OK)
        reply_json(r, 200, row_object(result, 0, agreement_columns), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

static enum pg_status finish(struct request *r, const char *act, const struct agreement *g)
{
    char subject[160], location[256];
    PGresult *result = NULL;
    snprintf(subject, sizeof subject, "contract/%s/account/%s/agreement/%lld", g->contract, g->commissioner,
             (long long)g->n);
    enum pg_status status = agreement_get(r->pg, g, false, &result);
    if (status == PG_OK)
        status = request_audit(
            r, g->provider, act, subject,
            json_pack("{s:s, s:s}", "kind", pg_text(result, 0, "kind"), "digest", pg_text(result, 0, "digest")));
    if (status == PG_OK) {
        snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/accounts/%s/agreements/%lld", g->provider,
                 g->contract, g->commissioner, (long long)g->n);
        reply_created(r, row_object(result, 0, agreement_columns), location, NULL);
    }
    PQclear(result);
    return status;
}

/* ------------------------------------------------------------------------------------------------------- proposing */

struct proposal {
    struct agreement g;
    char once[128];
    /* adjustment, opening entry, decision */
    int64_t pence;
    const char *text; /* label, number, counts_as, decision */
    bool in_cquin;
    int64_t reverses;
    date_t issued_on;
    const char *withhold;
};

static bool one_of(const char *text, const char *first, const char *second)
{
    return strcmp(text, first) == 0 || strcmp(text, second) == 0;
}

static bool read_adjustment(struct request *r, struct proposal *p)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 40},
                                                 {"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"pence", JSON_KIND_INTEGER, true, -PENCE_MAXIMUM, PENCE_MAXIMUM},
                                                 {"label", JSON_KIND_TEXT, true, 1, 200},
                                                 {"in_cquin", JSON_KIND_BOOLEAN, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    static const struct json_member reversal[] = {{"kind", JSON_KIND_TEXT, true, 1, 40},
                                                  {"reverses", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                  {"label", JSON_KIND_TEXT, true, 1, 200},
                                                  {NULL, JSON_KIND_TEXT, false, 0, 0}};
    bool reverses = json_object_get(r->body, "reverses") != NULL;
    if (!body_check(r, reverses ? reversal : members))
        return false;
    p->text = json_text(r->body, "label");
    p->reverses = json_int(r->body, "reverses", 0);
    p->pence = json_int(r->body, "pence", 0);
    p->in_cquin = json_bool(r->body, "in_cquin", false);
    if (reverses) {
        snprintf(p->once, sizeof p->once, "reversal/%lld", (long long)p->reverses);
        p->g.once = p->once;
        return true;
    }
    if (!body_month(r, "month", &p->g.month))
        return false;
    return p->pence != 0 || bad_body(r, "/pence", "An adjustment of nothing needs no agreement");
}

static bool read_opening_entry(struct request *r, struct proposal *p)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 40},
                                                 {"number", JSON_KIND_TEXT, true, 1, 40},
                                                 {"issued_on", JSON_KIND_TEXT, true, 10, 10},
                                                 {"pence", JSON_KIND_INTEGER, true, -PENCE_MAXIMUM, PENCE_MAXIMUM},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members) || !body_date(r, "issued_on", &p->issued_on))
        return false;
    p->text = json_text(r->body, "number");
    p->pence = json_int(r->body, "pence", 0);
    snprintf(p->once, sizeof p->once, "opening/%s", p->text);
    p->g.once = p->once;
    return p->pence != 0 || bad_body(r, "/pence", "A document of nothing billed nothing");
}

static bool read_month(struct request *r, struct proposal *p)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 40},
                                                 {"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"counts_as", JSON_KIND_TEXT, true, 4, 8},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members) || !body_month(r, "month", &p->g.month))
        return false;
    p->text = json_text(r->body, "counts_as");
    return one_of(p->text, "zero", "estimate") || bad_body(r, "/counts_as", "counts_as is zero or estimate");
}

static bool read_decision(struct request *r, struct proposal *p)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 40},
                                                 {"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"withhold", JSON_KIND_TEXT, true, 1, 40},
                                                 {"decision", JSON_KIND_TEXT, true, 4, 8},
                                                 {"pence", JSON_KIND_INTEGER, true, 0, PENCE_MAXIMUM},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    char month[8];
    if (!body_check(r, members) || !body_month(r, "month", &p->g.month))
        return false;
    p->withhold = json_text(r->body, "withhold");
    p->text = json_text(r->body, "decision");
    p->pence = json_int(r->body, "pence", 0);
    month_format(p->g.month, month);
    snprintf(p->once, sizeof p->once, "withhold/%s/%s", month, p->withhold);
    p->g.once = p->once;
    return one_of(p->text, "released", "kept") || bad_body(r, "/decision", "decision is released or kept");
}

/* A reversal is of the month and the sum that it takes back, whatever its proposer believes. */
static enum pg_status read_reversed(struct request *r, struct proposal *p)
{
    PGresult *result = NULL;
    enum pg_status status = adjustment_agreed(r->pg, &p->g, p->reverses, &result);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, "/reverses", "There is no agreed adjustment %lld of this account",
                      (long long)p->reverses);
        return PG_INVALID;
    }
    if (status != PG_OK)
        return status;
    p->g.month = pg_month(result, 0, "month");
    p->pence = -pg_i64(result, 0, "pence");
    p->in_cquin = pg_bool(result, 0, "in_cquin");
    PQclear(result);
    return PG_OK;
}

static enum pg_status add_adjustment(struct request *r, struct proposal *p)
{
    return adjustment_add(r->pg, &p->g, p->pence, p->text, p->in_cquin, p->reverses);
}

static enum pg_status add_opening_entry(struct request *r, struct proposal *p)
{
    return opening_entry_add(r->pg, &p->g, p->text, p->issued_on, p->pence);
}

static enum pg_status add_month(struct request *r, struct proposal *p)
{
    return month_without_activity_add(r->pg, &p->g, p->text);
}

/* What is decided of a withhold is the sum that positions hold back: line_key is its line, field that of the request,
 * remedy what to do where it is another one. */
static enum pg_status check_decided_sum(struct request *r, const struct agreement *g, const char *line_key,
                                        int64_t pence, const char *field, const char *remedy)
{
    const struct withhold key = {
        .provider = g->provider, .contract = g->contract, .commissioner = g->commissioner, .month = g->month};
    PGresult *run = NULL;
    enum pg_status status = withhold_counted(r->pg, &key, line_key, &run);
    if (status == PG_OK && pg_i64(run, 0, "pence") != pence) {
        char counted[MONEY_TEXT_SIZE], month[8];
        money_format(pg_i64(run, 0, "pence"), counted);
        month_format(pg_month(run, 0, "month"), month);
        reply_problem(r, PROBLEM_CONFLICT, field, "%s is held back by the newest run that counts it, %s %lld of %s; %s",
                      counted, pg_text(run, 0, "type"), (long long)pg_i64(run, 0, "n"), month, remedy);
        status = PG_INVALID;
    }
    PQclear(run);
    return status == PG_NONE ? PG_OK : status;
}

static enum pg_status add_decision(struct request *r, struct proposal *p)
{
    enum pg_status status = check_decided_sum(r, &p->g, p->once, p->pence, "/pence", "a PREVIEW counts it anew");
    if (status != PG_OK)
        return status;
    status = withhold_decision_add(r->pg, &p->g, p->withhold, p->text, p->pence);
    if (status == PG_INVALID)
        reply_problem(r, PROBLEM_CONFLICT, "/withhold", "No withhold %.40s is imposed on that month", p->withhold);
    return status;
}

struct kind {
    const char *name;
    bool (*read)(struct request *r, struct proposal *p);
    enum pg_status (*add)(struct request *r, struct proposal *p);
};
static const struct kind proposable[] = {{"adjustment", read_adjustment, add_adjustment},
                                         {"opening_entry", read_opening_entry, add_opening_entry},
                                         {"month_without_activity", read_month, add_month},
                                         {"withhold_decision", read_decision, add_decision}};

static enum pg_status open_agreement(struct request *r, struct agreement *g)
{
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, g->provider, g->contract, &result);
    if (status != PG_OK)
        return status;
    int64_t year = pg_i64(result, 0, "financial_year");
    PQclear(result);
    if (g->month != 0 && month_financial_year(g->month) != year) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/month", "The contract is for the financial year %lld",
                      (long long)year);
        return PG_INVALID;
    }
    status = agreement_propose(r->pg, g, &g->n);
    if (status == PG_DUPLICATE)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The same is proposed or agreed already; GET the list shows it");
    return status == PG_INVALID || status == PG_DENIED ? PG_NONE : status; /* there is no such account of theirs */
}

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof proposable / sizeof proposable[0]; i++)
        if (strcmp(proposable[i].name, name) == 0)
            return &proposable[i];
    return NULL;
}

static enum pg_status propose(struct request *r, void *context)
{
    struct proposal *p = context;
    enum pg_status status = contract_lock(r->pg, p->g.provider, p->g.contract);
    if (status == PG_OK && p->reverses != 0)
        status = read_reversed(r, p);
    if (status == PG_OK)
        status = open_agreement(r, &p->g);
    if (status == PG_OK)
        status = kind_of(p->g.kind)->add(r, p);
    return status == PG_OK ? finish(r, "agreement.propose", &p->g) : status;
}

void agreements_propose(struct request *r)
{
    size_t length = 0;
    struct proposal p = {.g = addressed(r), .issued_on = DATE_NONE};
    const char *name = json_text(r->body, "kind");
    if (!request_path_ident(r, 1))
        return;
    const struct kind *kind = name == NULL ? NULL : kind_of(name);
    if (kind == NULL) {
        bad_body(r, "/kind", "kind is adjustment, opening_entry, month_without_activity or withhold_decision");
        return;
    }
    p.g.kind = kind->name;
    if (!kind->read(r, &p))
        return;
    char *body = json_canonical(r->body, &length);
    p.g.body = body;
    if (body == NULL)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the proposal");
    else
        request_act(r, propose, &p);
    free(body);
}

/* --------------------------------------------------------------------------------------------------------- closing */

struct closing {
    struct agreement g;
    const char *outcome;
    const char *refusal;
};

/* Whether it is open and the caller's side is the one whose turn it is. */
static enum pg_status check_turn(struct request *r, const struct closing *c, bool *changes_money)
{
    PGresult *result = NULL;
    enum pg_status status = agreement_get(r->pg, &c->g, true, &result);
    if (status != PG_OK)
        return status;
    const char *side = pg_text(result, 0, "proposed_side");
    bool withdraws = strcmp(c->outcome, "withdrawn") == 0;
    bool own = strcmp(side, c->g.side) == 0;
    *changes_money = strcmp(c->outcome, "agreed") == 0;
    status = PG_INVALID;
    if (!pg_is_null(result, 0, "outcome"))
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This is %s already", pg_text(result, 0, "outcome"));
    else if (withdraws && !own)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The %s has proposed and may withdraw; you agree or refuse", side);
    else if (!withdraws && strcmp(pg_text(result, 0, "proposed_by"), c->g.person) == 0)
        reply_problem(r, PROBLEM_SAME_PERSON, NULL, "A person of the other party agrees or refuses; you may withdraw");
    else if (!withdraws && own)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The %s has proposed, so the other party agrees or refuses", side);
    else
        status = PG_OK;
    PQclear(result);
    return status;
}

/* While a withhold is open each run computes it anew: what was proposed may be held back no longer. */
static enum pg_status check_still_held(struct request *r, const struct agreement *g)
{
    PGresult *decision = NULL;
    enum pg_status status = withhold_decision_get(r->pg, g, &decision);
    if (status == PG_OK) {
        struct agreement decided = *g;
        decided.month = pg_month(decision, 0, "month");
        status = check_decided_sum(r, &decided, pg_text(decision, 0, "once"), pg_i64(decision, 0, "pence"), NULL,
                                   "refuse or withdraw this, and propose that sum");
    }
    PQclear(decision);
    return status == PG_NONE ? PG_OK : status; /* of another kind */
}

static enum pg_status close_open(struct request *r, void *context)
{
    struct closing *c = context;
    char job[IDENT_SIZE], act[40];
    bool changes_money = false;
    snprintf(act, sizeof act, "agreement.%s", c->outcome);
    enum pg_status status = check_turn(r, c, &changes_money);
    if (status == PG_OK)
        status = changes_money ? check_still_held(r, &c->g) : PG_OK;
    if (status == PG_OK)
        status = agreement_close(r->pg, &c->g, c->outcome, c->refusal);
    if (status == PG_OK && changes_money)
        status = job_add(r->pg, c->g.provider, "resettle", c->g.contract, job);
    return status == PG_OK ? finish(r, act, &c->g) : status;
}

static void close_addressed(struct request *r, const char *outcome, const char *refusal)
{
    struct closing c = {.g = addressed(r), .outcome = outcome, .refusal = refusal};
    if (request_path_ident(r, 1) && request_path_number(r, 3, &c.g.n))
        request_act(r, close_open, &c);
}

void agreements_agree(struct request *r)
{
    close_addressed(r, "agreed", NULL);
}

void agreements_refuse(struct request *r)
{
    static const struct json_member members[] = {{"reason", JSON_KIND_TEXT, true, 10, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (body_check(r, members))
        close_addressed(r, "refused", json_text(r->body, "reason"));
}

void agreements_withdraw(struct request *r)
{
    close_addressed(r, "withdrawn", NULL);
}
