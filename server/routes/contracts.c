#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"

#include <stdio.h>
#include <string.h>

static const struct column contract_columns[] = {{"provider", COLUMN_TEXT},
                                                 {"contract", COLUMN_TEXT},
                                                 {"financial_year", COLUMN_INTEGER},
                                                 {"mode", COLUMN_TEXT},
                                                 {"title", COLUMN_TEXT},
                                                 {"coordinator", COLUMN_TEXT},
                                                 {"commissioners", COLUMN_CODES},
                                                 {"terms_version", COLUMN_INTEGER},
                                                 {"created_by", COLUMN_TEXT},
                                                 {"created_at", COLUMN_INSTANT},
                                                 {NULL, COLUMN_TEXT}};
static const struct list_form contract_list_form = {
    .columns = contract_columns,
    .cursor = {"provider", "contract"},
    .empty = "No contract that you may see; the parties make them with POST under their provider"};

static void list(struct request *r, const char *provider)
{
    struct page page;
    const char *parts[2];
    if (!request_page(r, &page) || !page_parts(r, &page, 2, parts))
        return;
    PGresult *result = NULL;
    enum pg_status status = contract_list(r->pg, provider, parts[0], parts[1], page.limit + 1, &result);
    reply_page(r, status, result, &page, &contract_list_form);
}

void contracts_list(struct request *r)
{
    list(r, r->path_values[0]);
}

void contracts_list_all(struct request *r)
{
    list(r, NULL);
}

static void links(struct request *r, const char *provider, const char *id)
{
    char target[128];
    snprintf(target, sizeof target, "/v1/providers/%s/contracts/%s/terms", provider, id);
    reply_link(r, "terms", target);
    snprintf(target, sizeof target, "/v1/providers/%s/contracts/%s/exceptions", provider, id);
    reply_link(r, "exceptions", target);
}

void contracts_get(struct request *r)
{
    if (!request_path_ident(r, 1))
        return;
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    links(r, r->path_values[0], r->path_values[1]);
    json_t *body = row_object(result, 0, contract_columns);
    PQclear(result);
    reply_json(r, 200, body, NULL);
}

/* What a contract is held by, as the database names it, in words. */
static const char *hold_text(const char *hold)
{
    static const struct {
        const char *hold, *text;
    } holds[] = {{"approved_terms", "Both parties have approved terms of this contract"},
                 {"calculation", "Calculations have been asked for on this contract"},
                 {"price_track", "Prices of this contract are tracked"},
                 {"document", "Documents have been drafted for this contract"},
                 {"run", "Runs have been asked for on this contract"},
                 {"frozen_month", "Months of this contract are frozen"},
                 {"exception", "An exception has been asked for on this contract"},
                 {"achievement", "An achievement has been proposed on this contract"},
                 {"agreement", "Something has been proposed to be agreed on this contract"},
                 {"withhold", "A withhold has been imposed on this contract"},
                 {"challenge", "A challenge has been raised on this contract"},
                 {"reattribution", "Moving rows from or to an account of this contract has been proposed"}};
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++)
        if (strcmp(holds[i].hold, hold) == 0)
            return holds[i].text;
    return "Something rests on this contract";
}

/* The database function writes the audit event: afterwards nothing else tells that there was a contract. */
static enum pg_status withdraw(struct request *r, void *context)
{
    (void)context;
    enum pg_status status =
        contract_withdraw(r->pg, r->path_values[0], r->path_values[1], r->begun_at, r->request_id, r->address);
    if (status == PG_OK)
        reply_nothing(r);
    else if (status == PG_REFUSED && strcmp(pg_message(r->pg), "conflict") == 0)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "%s; it stays", hold_text(pg_constraint(r->pg)));
    return status;
}

void contracts_withdraw(struct request *r)
{
    if (request_path_ident(r, 1))
        request_change(r, withdraw, NULL);
}

struct creation {
    struct contract contract;
    char id[IDENT_SIZE];
    const json_t *commissioners;
};

static enum pg_status add_accounts(struct request *r, const struct creation *c)
{
    size_t index;
    const json_t *value;
    json_array_foreach(c->commissioners, index, value)
    {
        enum pg_status status = contract_add_account(r->pg, &c->contract, json_string_value(value));
        if (status == PG_OK)
            continue;
        char field[40];
        snprintf(field, sizeof field, "/commissioners/%zu", index);
        if (status == PG_DUPLICATE)
            reply_problem(r, PROBLEM_CONFLICT, field,
                          "%s has an account with this provider for the year already, or is named twice",
                          json_string_value(value));
        else if (status == PG_INVALID)
            reply_problem(r, PROBLEM_UNKNOWN_ORGANISATION, field, "%s is not a commissioner known here",
                          json_string_value(value));
        return status;
    }
    return PG_OK;
}

static enum pg_status create(struct request *r, void *context)
{
    struct creation *c = context;
    ident_new(c->id);
    c->contract.id = c->id;
    enum pg_status status = contract_add(r->pg, &c->contract);
    if (status == PG_INVALID)
        reply_store(r, PG_NONE); /* the provider of the address is none */
    if (status == PG_OK)
        status = add_accounts(r, c);
    if (status != PG_OK)
        return status;
    char subject[64], location[96];
    snprintf(subject, sizeof subject, "contract/%s", c->id);
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s", c->contract.provider, c->id);
    status = request_audit(r, c->contract.provider, "contract.create", subject, NULL);
    PGresult *result = NULL;
    if (status == PG_OK)
        status = contract_get(r->pg, c->contract.provider, c->id, &result);
    if (status != PG_OK)
        return status;
    reply_created(r, row_object(result, 0, contract_columns), location, NULL);
    PQclear(result);
    return PG_OK;
}

/* Every element a code; is wanted among them? */
static bool commissioners_are_codes(struct request *r, const json_t *array, const char *wanted, bool *found)
{
    size_t index;
    const json_t *value;
    *found = false;
    json_array_foreach(array, index, value)
    {
        const char *code = json_string_value(value);
        size_t n = code == NULL ? 0 : strlen(code);
        if (n < 3 || n > 6) {
            char field[40];
            snprintf(field, sizeof field, "/commissioners/%zu", index);
            reply_problem(r, PROBLEM_MALFORMED_JSON, field, "A commissioner is named by its ODS code");
            return false;
        }
        *found = *found || strcmp(code, wanted) == 0;
    }
    return true;
}

/* Provider or coordinator creates: the one whose approvals will bind its side. */
static bool caller_is_party(struct request *r, const struct contract *c)
{
    if (r->caller.role == ROLE_PROVIDER && strcmp(r->caller.organisation, c->provider) != 0) {
        reply_store(r, PG_NONE);
        return false;
    }
    if (r->caller.role == ROLE_COMMISSIONER && strcmp(r->caller.organisation, c->coordinator) != 0) {
        reply_problem(r, PROBLEM_FORBIDDEN, "/coordinator", "A commissioner creates the contracts that it coordinates");
        return false;
    }
    return true;
}

void contracts_create(struct request *r)
{
    static const struct json_member members[] = {{"financial_year", JSON_KIND_INTEGER, true, 2010, 2099},
                                                 {"mode", JSON_KIND_TEXT, true, 4, 6},
                                                 {"title", JSON_KIND_TEXT, true, 1, 200},
                                                 {"commissioners", JSON_KIND_ARRAY, true, 1, 100},
                                                 {"coordinator", JSON_KIND_TEXT, true, 3, 6},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members))
        return;
    struct creation c = {.contract = {.provider = r->path_values[0],
                                      .financial_year = json_int(r->body, "financial_year", 0),
                                      .mode = json_text(r->body, "mode"),
                                      .title = json_text(r->body, "title"),
                                      .coordinator = json_text(r->body, "coordinator"),
                                      .created_by = r->caller.person,
                                      .created_at = r->begun_at},
                         .commissioners = json_object_get(r->body, "commissioners")};
    if (strcmp(c.contract.mode, "live") != 0 && strcmp(c.contract.mode, "shadow") != 0) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/mode", "mode is live or shadow");
        return;
    }
    bool found;
    if (!commissioners_are_codes(r, c.commissioners, c.contract.coordinator, &found))
        return;
    if (!found) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/coordinator", "The coordinator is one of the commissioners");
        return;
    }
    if (caller_is_party(r, &c.contract))
        request_act(r, create, &c);
}
