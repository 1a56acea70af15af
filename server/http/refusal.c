/* Refused attempts in the audit trail: acts that the caller may not do, and tokens that are not known. */
#include "http/exchange.h"

#include "base/clock.h"
#include "base/ident.h"
#include "base/log.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

/* Anybody can send tokens that are not known, and what is written stays for ever: one event stands for all that came
 * since the one before, and there is at most one in so many microseconds. */
#define SIGN_IN_PERIOD 10000000

/* Of the address only what is surely an organisation and a generated id: the rest may hold anything. */
static bool put_place(json_t *detail, const struct http_exchange *ex)
{
    const char *provider = ex->request.path_values[0], *resource = ex->request.path_values[1];
    static const char provider_owned[] = "/v1/providers/";
    if (strncmp(ex->route->path, provider_owned, sizeof provider_owned - 1) != 0 || provider == NULL)
        return true;
    size_t length = strlen(provider);
    bool is_code = length >= 3 && length <= 6 && strspn(provider, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
    if (is_code && !json_put(detail, "provider", json_string(provider)))
        return false;
    return resource == NULL || !ident_is_valid(resource) || json_put(detail, "resource", json_string(resource));
}

static void append(const struct http_exchange *ex, bool known, const char *act, json_t *detail)
{
    const struct request *r = &ex->request;
    size_t length = 0;
    char *text = json_canonical(detail, &length);
    struct audit_event event = {.at = r->begun_at,
                                .person = known ? r->caller.person : NULL,
                                .organisation = known ? r->caller.organisation : NULL,
                                .act = act,
                                .subject = ex->route->operation,
                                .detail = text,
                                .request_id = r->request_id,
                                .address = r->address};
    enum pg_status status = text == NULL ? PG_FAILED : audit_append(r->pg, &event);
    if (status != PG_OK)
        log_event(LOG_LEVEL_WARN, "audit",
                  &(struct log_field){.name = "problem", .text = "a refused attempt could not be written"}, 1);
    free(text);
}

static void record_sign_in(struct http_exchange *ex)
{
    struct server *server = ex->server;
    long long attempts = atomic_fetch_add(&server->refused_tokens, 1) + 1;
    long long next = atomic_load(&server->next_sign_in_event);
    int64_t now = clock_monotonic();
    if (now < next || !atomic_compare_exchange_strong(&server->next_sign_in_event, &next, now + SIGN_IN_PERIOD))
        return;
    atomic_fetch_sub(&server->refused_tokens, attempts);
    json_t *detail = json_pack("{s:I}", "attempts", (json_int_t)attempts);
    append(ex, false, "session.refuse", detail);
    json_decref(detail);
}

/* An act that was understood and not let happen: what is there, its state, what was agreed or who asks was against it.
 * What could not be read, came too early or too often, or met a service in trouble, was refused for no act. */
static bool is_refusal(enum problem code)
{
    int status = problem_table[code].status;
    return code != PROBLEM_IDEMPOTENCY_IN_PROGRESS &&
           (status == 403 || status == 404 || status == 409 || status == 410 || status == 412 || status == 422);
}

void refusal_record(struct http_exchange *ex)
{
    const struct reply *reply = &ex->reply;
    bool identities = ex->route->roles == ROLE_CONTROLLED;
    bool writes = strcmp(ex->route->method, "GET") != 0 || identities;
    if (!reply->made || !reply->problem || ex->task == TASK_ABORT || ex->task == TASK_REFUSED)
        return;
    if (reply->code == PROBLEM_UNAUTHENTICATED) {
        record_sign_in(ex);
        return;
    }
    bool refused = reply->code == PROBLEM_FORBIDDEN || (identities && reply->code == PROBLEM_BAD_PARAMETER) ||
                   (writes && is_refusal(reply->code));
    if (!refused || ex->request.caller.role == ROLE_NONE)
        return;
    json_t *detail = json_pack("{s:s}", "problem", problem_table[reply->code].code);
    if (detail != NULL && !put_place(detail, ex)) {
        json_decref(detail);
        detail = NULL;
    }
    append(ex, true, "request.refuse", detail);
    json_decref(detail);
}
