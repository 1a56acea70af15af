/* Rows that belong to another commissioner than they were attributed to: the three parties agree, refuse or withdraw;
 * with the third agreement both accounts are settled again. */
#include "routes/reattributions.h"

#include "base/parse.h"
#include "domain/activity.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/review_periods.h"
#include "store/agreed_terms.h"
#include "store/contract.h"
#include "store/job.h"
#include "store/organisation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column reattribution_columns[] = {{"n", COLUMN_INTEGER},
                                                      {"month", COLUMN_MONTH},
                                                      {"from_commissioner", COLUMN_TEXT},
                                                      {"to_commissioner", COLUMN_TEXT},
                                                      {"rows", COLUMN_INTEGER},
                                                      {"reason", COLUMN_TEXT},
                                                      {"proposed_side", COLUMN_TEXT},
                                                      {"proposed_at", COLUMN_INSTANT},
                                                      {"provider_by", COLUMN_TEXT},
                                                      {"provider_at", COLUMN_INSTANT},
                                                      {"from_by", COLUMN_TEXT},
                                                      {"from_at", COLUMN_INSTANT},
                                                      {"to_by", COLUMN_TEXT},
                                                      {"to_at", COLUMN_INSTANT},
                                                      {"agreed_at", COLUMN_INSTANT},
                                                      {"outcome", COLUMN_TEXT},
                                                      {"closed_for", COLUMN_TEXT},
                                                      {"closed_by", COLUMN_TEXT},
                                                      {"closed_at", COLUMN_INSTANT},
                                                      {"refusal", COLUMN_TEXT},
                                                      {NULL, COLUMN_TEXT}};
static const struct list_form list_form = {
    .columns = reattribution_columns,
    .cursor = {"n"},
    .empty = "No re-attribution of rows of this provider concerns you; POST here proposes one"};

static const struct column row_columns[] = {
    {"episode_id", COLUMN_TEXT}, {"row_sha256", COLUMN_TEXT}, {"row_no", COLUMN_INTEGER}, {"cluster", COLUMN_TEXT},
    {"start_date", COLUMN_DATE}, {"end_date", COLUMN_DATE},   {"rules", COLUMN_CODES},    {NULL, COLUMN_TEXT}};
static const struct list_form row_list_form = {
    .columns = row_columns,
    .cursor = {"episode_id"},
    .empty = "Which rows they are is shown to the commissioner that they are said to belong to once all three agree"};

struct reattribution reattribution_addressed(const struct request *r)
{
    return (struct reattribution){.provider = r->path_values[0],
                                  .organisation = r->caller.organisation,
                                  .person = r->caller.person,
                                  .at = r->begun_at};
}

void reattributions_list(struct request *r)
{
    struct page page;
    struct reattribution after = reattribution_addressed(r);
    PGresult *result = NULL;
    if (!request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX, &after.n))
        return;
    enum pg_status status = reattribution_list(r->pg, &after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &list_form);
}

void reattributions_rows(struct request *r)
{
    struct page page;
    struct reattribution key = reattribution_addressed(r);
    PGresult *result = NULL;
    if (!request_path_number(r, 1, &key.n) || !request_page(r, &page))
        return;
    enum pg_status status = reattribution_get(r->pg, &key, false, &result);
    PQclear(result);
    result = NULL;
    if (status == PG_OK)
        status = reattribution_rows(r->pg, &key, page.after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &row_list_form);
}

/* --------------------------------------------------------------------------------------------------- what they are
 * worth */

struct moved_rows {
    month_t month;
    struct episode *rows; /* unchanged since the proposal */
    size_t count;
};

/* The rows by themselves under the terms of one account: what they add to, or take from, its activity. */
static bool value_under(struct request *r, const struct moved_rows *m, const struct account_key *account,
                        const struct terms *terms, int64_t *pence)
{
    struct review_periods reviews;
    struct activity_lines lines;
    struct row_change *changes = calloc(m->count + 1, sizeof *changes);
    if (changes == NULL || review_periods_of_month(r, account->contract, m->month, &reviews) != PG_OK) {
        free(changes);
        return false;
    }
    for (size_t i = 0; i < m->count; i++)
        changes[i] = (struct row_change){
            .month = m->month, .row = m->rows[i], .is_here = true, .cluster = -1, .payable_days = -1};
    const struct activity_month month = {m->month, terms, &reviews, NULL, NULL, 0};
    const struct activity_input in = {account->commissioner, &month, 1, changes, m->count};
    bool valued = activity_value(&in, &lines) == ACTIVITY_DONE;
    *pence = 0;
    for (size_t i = 0; valued && i < lines.count; i++)
        *pence += lines.line[i].pence;
    if (valued)
        activity_lines_free(&lines);
    free(changes);
    return valued;
}

/* null where the caller has no business, or no terms are in force. */
static json_t *value_for(struct request *r, const struct moved_rows *m, const char *commissioner)
{
    struct account_key account = {.contract = ""};
    struct agreed_terms agreed;
    int64_t pence = 0;
    json_t *value = json_null();
    bool sees = r->caller.role == ROLE_PROVIDER;
    if (!sees && (organisation_acting_for(r->pg, commissioner, &sees) != PG_OK || !sees))
        return value;
    if (reattribution_contract(r->pg, r->path_values[0], commissioner, m->month, account.contract) != PG_OK)
        return value;
    snprintf(account.commissioner, sizeof account.commissioner, "%s", commissioner);
    memset(&agreed, 0, sizeof agreed);
    if (agreed_terms_load(r->pg, r->path_values[0], account.contract, r->begun_at, &agreed) == PG_OK) {
        const struct terms_version *v = agreed_terms_in_force(&agreed, m->month, r->begun_at);
        if (v != NULL && value_under(r, m, &account, v->terms, &pence))
            value = json_integer(pence);
    }
    agreed_terms_free(&agreed);
    return value;
}

void reattributions_get(struct request *r)
{
    struct reattribution key = reattribution_addressed(r);
    struct moved_rows m = {0, NULL, 0};
    PGresult *result = NULL;
    if (!request_path_number(r, 1, &key.n))
        return;
    enum pg_status status = reattribution_get(r->pg, &key, false, &result);
    if (status == PG_OK)
        status = reattribution_unchanged(r->pg, &key, &m.rows, &m.count);
    if (status != PG_OK) {
        PQclear(result);
        reply_store(r, status);
        return;
    }
    m.month = pg_month(result, 0, "month");
    json_t *body = row_object(result, 0, reattribution_columns);
    if (body != NULL &&
        (json_object_set_new(body, "rows_unchanged", json_integer((json_int_t)m.count)) != 0 ||
         json_object_set_new(body, "from_pence", value_for(r, &m, pg_text(result, 0, "from_commissioner"))) != 0 ||
         json_object_set_new(body, "to_pence", value_for(r, &m, pg_text(result, 0, "to_commissioner"))) != 0)) {
        json_decref(body);
        body = NULL;
    }
    PQclear(result);
    free(m.rows);
    reply_body(r, body);
}

enum pg_status reattribution_finish(struct request *r, const char *act, const struct reattribution *g)
{
    char subject[60], location[120];
    PGresult *result = NULL;
    snprintf(subject, sizeof subject, "reattribution/%lld", (long long)g->n);
    enum pg_status status = reattribution_get(r->pg, g, false, &result);
    if (status == PG_OK)
        status = request_audit(r, g->provider, act, subject,
                               json_pack("{s:s, s:s, s:I}", "from", pg_text(result, 0, "from_commissioner"), "to",
                                         pg_text(result, 0, "to_commissioner"), "rows",
                                         (json_int_t)pg_i64(result, 0, "rows")));
    if (status == PG_OK) {
        snprintf(location, sizeof location, "/v1/providers/%s/reattributions/%lld", g->provider, (long long)g->n);
        reply_created(r, row_object(result, 0, reattribution_columns), location, NULL);
    }
    PQclear(result);
    return status;
}

/* ---------------------------------------------------------------------------------------------------- agreeing, ending
 */

struct answering {
    struct reattribution g;
    const char *outcome; /* agreed, refused, withdrawn */
    const char *refusal;
};

/* Which of the three the caller is, or stands for; NULL: none. Whoever stands for both commissioners speaks for the
 * first one until it has. */
static enum pg_status side_of(struct request *r, const PGresult *act, const char **side)
{
    bool from = false;
    bool to = false;
    if (r->caller.role == ROLE_PROVIDER) {
        *side = "provider";
        return PG_OK;
    }
    enum pg_status status = organisation_acting_for(r->pg, pg_text(act, 0, "from_commissioner"), &from);
    if (status == PG_OK)
        status = organisation_acting_for(r->pg, pg_text(act, 0, "to_commissioner"), &to);
    *side = from && !(to && !pg_is_null(act, 0, "from_at")) ? "from" : to ? "to" : NULL;
    return status;
}

/* Whether it is open and what the caller does is the caller's to do. */
static enum pg_status check_turn(struct request *r, const struct answering *x, const PGresult *act)
{
    char column[20];
    bool proposed = strcmp(pg_text(act, 0, "proposed_side"), x->g.side) == 0;
    bool withdraws = strcmp(x->outcome, "withdrawn") == 0;
    snprintf(column, sizeof column, "%s_at", x->g.side);
    if (!pg_is_null(act, 0, "agreed_at") || !pg_is_null(act, 0, "outcome"))
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This re-attribution is %s already",
                      pg_is_null(act, 0, "outcome") ? "agreed by all three" : pg_text(act, 0, "outcome"));
    else if (withdraws && !proposed)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The party that has proposed may withdraw; you agree or refuse");
    else if (strcmp(x->outcome, "refused") == 0 && proposed)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "You have proposed it, so you withdraw it");
    else if (strcmp(x->outcome, "agreed") == 0 && !pg_is_null(act, 0, column))
        reply_problem(r, PROBLEM_CONFLICT, NULL, "Your organisation has agreed already");
    else
        return PG_OK;
    return PG_INVALID;
}

/* Both contracts, or the one that both accounts are of. Locked in one order, so that two acts do not wait for each
 * other. */
struct contracts {
    char id[2][IDENT_SIZE];
    int count;
};

static enum pg_status lock_contracts(struct request *r, const PGresult *act, struct contracts *c)
{
    const char *provider = r->path_values[0];
    month_t month = pg_month(act, 0, "month");
    enum pg_status status =
        reattribution_contract(r->pg, provider, pg_text(act, 0, "from_commissioner"), month, c->id[0]);
    if (status == PG_OK)
        status = reattribution_contract(r->pg, provider, pg_text(act, 0, "to_commissioner"), month, c->id[1]);
    if (status != PG_OK)
        return status;
    int order = strcmp(c->id[0], c->id[1]);
    c->count = order == 0 ? 1 : 2;
    for (int i = 0; status == PG_OK && i < c->count; i++)
        status = contract_lock(r->pg, provider, c->id[order > 0 ? 1 - i : i]);
    return status;
}

static enum pg_status settle_again(struct request *r, const struct contracts *c)
{
    char job[IDENT_SIZE];
    enum pg_status status = PG_OK;
    for (int i = 0; status == PG_OK && i < c->count; i++)
        status = job_add(r->pg, r->path_values[0], "resettle", c->id[i], job);
    return status;
}

static enum pg_status agree(struct request *r, const struct answering *x, const PGresult *act)
{
    struct contracts contracts = {.count = 0};
    PGresult *after = NULL;
    enum pg_status status = lock_contracts(r, act, &contracts);
    if (status == PG_OK)
        status = reattribution_agree(r->pg, &x->g);
    if (status == PG_OK)
        status = reattribution_get(r->pg, &x->g, false, &after);
    if (status == PG_OK && !pg_is_null(after, 0, "agreed_at"))
        status = settle_again(r, &contracts);
    PQclear(after);
    return status;
}

static enum pg_status answer_in_act(struct request *r, void *context)
{
    struct answering x = *(const struct answering *)context;
    char act_name[40];
    PGresult *act = NULL;
    snprintf(act_name, sizeof act_name, "reattribution.%s", x.outcome);
    enum pg_status status = reattribution_get(r->pg, &x.g, true, &act);
    if (status == PG_OK)
        status = side_of(r, act, &x.g.side);
    if (status == PG_OK && x.g.side == NULL)
        status = PG_NONE;
    if (status == PG_OK)
        status = check_turn(r, &x, act);
    if (status == PG_OK)
        status = strcmp(x.outcome, "agreed") == 0 ? agree(r, &x, act)
                                                  : reattribution_close(r->pg, &x.g, x.outcome, x.refusal);
    PQclear(act);
    return status == PG_OK ? reattribution_finish(r, act_name, &x.g) : status;
}

static void answer(struct request *r, const char *outcome, const char *refusal)
{
    struct answering x = {.g = reattribution_addressed(r), .outcome = outcome, .refusal = refusal};
    if (request_path_number(r, 1, &x.g.n))
        request_act(r, answer_in_act, &x);
}

void reattributions_agree(struct request *r)
{
    answer(r, "agreed", NULL);
}

void reattributions_refuse(struct request *r)
{
    static const struct json_member members[] = {{"reason", JSON_KIND_TEXT, true, 10, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (body_check(r, members))
        answer(r, "refused", json_text(r->body, "reason"));
}

void reattributions_withdraw(struct request *r)
{
    answer(r, "withdrawn", NULL);
}
