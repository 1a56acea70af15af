/* Challenges of an account: what is contested, and how the provider answers. */
#include "routes/challenges.h"
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"
#include "store/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column challenge_columns[] = {{"number", COLUMN_INTEGER},        {"month", COLUMN_MONTH},
                                                  {"reason", COLUMN_TEXT},           {"evidence", COLUMN_TEXT},
                                                  {"claimed_pence", COLUMN_INTEGER}, {"chosen_by", COLUMN_TEXT},
                                                  {"chosen", COLUMN_TEXT},           {"billed", COLUMN_BOOLEAN},
                                                  {"document", COLUMN_TEXT},         {"held_pence", COLUMN_INTEGER},
                                                  {"rows", COLUMN_INTEGER},          {"accepted_rows", COLUMN_INTEGER},
                                                  {"reopens", COLUMN_INTEGER},       {"raised_by", COLUMN_TEXT},
                                                  {"raised_at", COLUMN_INSTANT},     {"answer_by", COLUMN_INSTANT},
                                                  {"escalated", COLUMN_BOOLEAN},     {"outcome", COLUMN_TEXT},
                                                  {"closed_by", COLUMN_TEXT},        {"closed_at", COLUMN_INSTANT},
                                                  {"answer", COLUMN_TEXT},           {NULL, COLUMN_TEXT}};
static const struct list_form challenge_list_form = {
    .columns = challenge_columns, .cursor = {"number"}, .empty = "Nothing of this account is contested"};
static const struct column row_columns[] = {{"episode_id", COLUMN_TEXT},
                                            {"cluster", COLUMN_TEXT},
                                            {"counter_cluster", COLUMN_TEXT},
                                            {"counter_days", COLUMN_INTEGER},
                                            {"counter_unpayable", COLUMN_BOOLEAN},
                                            {"accepted", COLUMN_BOOLEAN},
                                            {NULL, COLUMN_TEXT}};
static const struct list_form row_list_form = {
    .columns = row_columns, .cursor = {"episode_id"}, .empty = "There is no such challenge"};
static const struct column outcome_columns[] = {{"commissioner", COLUMN_TEXT},
                                                {"rule", COLUMN_TEXT},
                                                {"reason", COLUMN_TEXT},
                                                {"challenges", COLUMN_INTEGER},
                                                {"open", COLUMN_INTEGER},
                                                {"accepted", COLUMN_INTEGER},
                                                {"rejected", COLUMN_INTEGER},
                                                {"split", COLUMN_INTEGER},
                                                {"withdrawn", COLUMN_INTEGER},
                                                {"rows", COLUMN_INTEGER},
                                                {"accepted_rows", COLUMN_INTEGER},
                                                {"claimed_pence", COLUMN_INTEGER},
                                                {NULL, COLUMN_TEXT}};

struct challenge challenge_addressed(struct request *r)
{
    return (struct challenge){.provider = r->path_values[0],
                              .contract = r->path_values[1],
                              .commissioner = r->path_values[2],
                              .organisation = r->caller.organisation,
                              .person = r->caller.person,
                              .at = r->begun_at};
}

bool challenge_is_reason(const char *code)
{
    static const char *const codes[] = {"duplicate",    "wrong_cluster", "wrong_days",
                                        "out_of_scope", "not_approved",  "wrong_commissioner",
                                        "not_provided", "data_quality",  "other"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

void challenges_list(struct request *r)
{
    struct page page;
    struct challenge after = challenge_addressed(r);
    const char *state = request_query(r, "state");
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX, &after.number))
        return;
    if (state != NULL && strcmp(state, "open") != 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "state", "state is open, or left out for all");
        return;
    }
    PGresult *result = NULL;
    enum pg_status status = account_visible(r);
    if (status == PG_OK)
        status = challenge_list(r->pg, &after, state != NULL, page.limit + 1, &result);
    reply_page(r, status, result, &page, &challenge_list_form);
}

static bool addressed_one(struct request *r, struct challenge *c)
{
    *c = challenge_addressed(r);
    return request_path_ident(r, 1) && request_path_number(r, 3, &c->number);
}

void challenges_get(struct request *r)
{
    struct challenge key;
    PGresult *result = NULL;
    if (!addressed_one(r, &key))
        return;
    enum pg_status status = challenge_get(r->pg, &key, false, &result);
    if (status == PG_OK)
        reply_json(r, 200, row_object(result, 0, challenge_columns), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

void challenges_rows(struct request *r)
{
    struct page page;
    struct challenge key;
    PGresult *result = NULL;
    if (!addressed_one(r, &key) || !request_page(r, &page))
        return;
    enum pg_status status = challenge_get(r->pg, &key, false, &result);
    PQclear(result);
    result = NULL;
    if (status == PG_OK)
        status = challenge_rows(r->pg, &key, page.after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &row_list_form);
}

void challenges_outcomes(struct request *r)
{
    PGresult *result = NULL;
    enum pg_status status = challenge_outcomes(r->pg, r->path_values[0], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int i = 0; ok && i < PQntuples(result); i++)
        ok = json_array_append_new(items, row_object(result, i, outcome_columns)) == 0;
    PQclear(result);
    json_t *body = ok ? json_pack("{s:O}", "items", items) : NULL;
    json_decref(items);
    if (body != NULL && !list_says_why_empty(body, "Nothing was challenged on an account that you may see")) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}

enum pg_status challenge_finish(struct request *r, const char *act, const struct challenge *c)
{
    char subject[160], location[256];
    PGresult *result = NULL;
    snprintf(subject, sizeof subject, "contract/%s/account/%s/challenge/%lld", c->contract, c->commissioner,
             (long long)c->number);
    enum pg_status status = challenge_get(r->pg, c, false, &result);
    if (status == PG_OK)
        status =
            request_audit(r, c->provider, act, subject,
                          json_pack("{s:I, s:I, s:I}", "claimed_pence", (json_int_t)pg_i64(result, 0, "claimed_pence"),
                                    "rows", (json_int_t)pg_i64(result, 0, "rows"), "accepted_rows",
                                    (json_int_t)pg_i64(result, 0, "accepted_rows")));
    if (status == PG_OK) {
        snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/accounts/%s/challenges/%lld", c->provider,
                 c->contract, c->commissioner, (long long)c->number);
        reply_created(r, row_object(result, 0, challenge_columns), location, NULL);
    }
    PQclear(result);
    return status;
}

/* ------------------------------------------------------------------------------------------------------- answering */

struct answering {
    struct challenge c;
    const char *outcome;
    const char *answer;
    char *episodes; /* JSON array, for split */
    size_t count;
};

/* Open, with more rows than a split accepts. */
static enum pg_status check_open(struct request *r, const struct answering *x)
{
    PGresult *result = NULL;
    enum pg_status status = challenge_get(r->pg, &x->c, true, &result);
    if (status != PG_OK)
        return status;
    status = PG_INVALID;
    if (!pg_is_null(result, 0, "outcome"))
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This challenge is %s already", pg_text(result, 0, "outcome"));
    else if (x->episodes != NULL && pg_i64(result, 0, "rows") <= (int64_t)x->count)
        reply_problem(r, PROBLEM_CONFLICT, "/rows", "That is all of its rows: accept it");
    else
        status = PG_OK;
    PQclear(result);
    return status;
}

static enum pg_status decide(struct request *r, const struct answering *x)
{
    int64_t decided = 0;
    if (strcmp(x->outcome, "accepted") != 0 && strcmp(x->outcome, "split") != 0)
        return PG_OK;
    enum pg_status status = challenge_decide(r->pg, &x->c, x->episodes, &decided);
    if (status == PG_OK && x->episodes != NULL && decided != (int64_t)x->count) {
        reply_problem(r, PROBLEM_CONFLICT, "/rows", "A row is named twice, or is not one of the challenge");
        status = PG_INVALID;
    }
    return status;
}

static enum pg_status close_challenge(struct request *r, void *context)
{
    const struct answering *x = context;
    char act[40], job[IDENT_SIZE];
    snprintf(act, sizeof act, "challenge.%s", x->outcome);
    enum pg_status status = check_open(r, x);
    if (status == PG_OK)
        status = challenge_close(r->pg, &x->c, x->outcome, x->answer);
    if (status == PG_OK)
        status = decide(r, x);
    if (status == PG_OK)
        status = job_add(r->pg, x->c.provider, "resettle", x->c.contract, job);
    return status == PG_OK ? challenge_finish(r, act, &x->c) : status;
}

static void answer(struct request *r, const char *outcome)
{
    struct answering x = {.outcome = outcome};
    if (addressed_one(r, &x.c))
        request_act(r, close_challenge, &x);
}

void challenges_accept(struct request *r)
{
    answer(r, "accepted");
}

void challenges_withdraw(struct request *r)
{
    answer(r, "withdrawn");
}

void challenges_reject(struct request *r)
{
    static const struct json_member members[] = {{"reason", JSON_KIND_TEXT, true, 10, 2000},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct answering x = {.outcome = "rejected"};
    if (!addressed_one(r, &x.c) || !body_check(r, members))
        return;
    x.answer = json_text(r->body, "reason");
    request_act(r, close_challenge, &x);
}

void challenges_split(struct request *r)
{
    static const struct json_member members[] = {{"rows", JSON_KIND_ARRAY, true, 1, 2000},
                                                 {"reason", JSON_KIND_TEXT, true, 10, 2000},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct answering x = {.outcome = "split"};
    size_t i;
    json_t *item;
    if (!addressed_one(r, &x.c) || !body_check(r, members))
        return;
    json_t *rows = json_object_get(r->body, "rows");
    json_array_foreach(rows, i, item)
    {
        if (!json_is_string(item)) {
            reply_problem(r, PROBLEM_MALFORMED_JSON, "/rows", "rows are the episode ids that you accept");
            return;
        }
    }
    x.answer = json_text(r->body, "reason");
    x.count = json_array_size(rows);
    x.episodes = json_dumps(rows, JSON_COMPACT);
    if (x.episodes == NULL)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the rows");
    else
        request_act(r, close_challenge, &x);
    free(x.episodes);
}
