/* Acts: one transaction that holds the change, its audit event and the answer to the Idempotency-Key. */
#include "http/exchange.h"

#include "store/act_order.h"
#include "store/audit.h"
#include "store/idempotency.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct act {
    struct request *r;
    enum pg_status (*body)(struct request *r, void *context);
    void *context;
    bool repeatable; /* a POST: the answer is stored under its key */
    struct idempotency_key key;
    struct idempotency_answer first;
};

/* Runs the body; a problem reply rolls back whatever the status says. */
static enum pg_status act_body(struct act *act)
{
    struct request *r = act->r;
    enum pg_status status = act->body(r, act->context);
    const struct reply *reply = &r->exchange->reply;
    if (status == PG_OK && reply->made && reply->problem)
        return PG_INVALID;
    assert(status != PG_OK || reply->made);
    return status;
}

static enum pg_status act_in_transaction(struct pg *pg, void *context)
{
    struct act *act = context;
    struct http_exchange *ex = act->r->exchange;
    reply_discard(ex); /* of the attempt before */
    if (!act->repeatable)
        return act_body(act);
    idempotency_answer_free(&act->first);
    enum pg_status status = idempotency_begin(pg, &act->key, &act->first);
    if (status != PG_OK || act->first.found)
        return status;
    status = act_body(act);
    if (status != PG_OK)
        return status;
    const struct reply *reply = &ex->reply;
    return idempotency_finish(pg, &act->key, reply->status, reply->location, reply->etag, reply->body, reply->length);
}

static void reply_first(struct request *r, const struct act *act)
{
    const struct idempotency_answer *first = &act->first;
    if (!first->same) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_CONFLICT, "Idempotency-Key",
                      "This key was used for another request, or for another body");
        return;
    }
    struct reply *reply = &r->exchange->reply;
    reply_bytes(r, first->status, first->length > 0 ? "application/json" : "", first->body, first->length, first->etag,
                NULL);
    snprintf(reply->location, sizeof reply->location, "%s", first->location);
    reply->replayed = true;
}

static void act_run(struct act *act)
{
    struct request *r = act->r;
    struct http_exchange *ex = r->exchange;
    enum pg_status status = pg_transaction(r->pg, act_in_transaction, act);
    if (status == PG_OK && act->first.found) {
        reply_first(r, act);
    } else if (status != PG_OK && !(ex->reply.made && ex->reply.problem)) {
        reply_discard(ex); /* made, but not committed */
        if (status == PG_RETRY && act->repeatable)
            reply_problem(r, PROBLEM_IDEMPOTENCY_IN_PROGRESS, "Idempotency-Key",
                          "Another request with this key, or on the same resource, is still under way");
        else
            reply_store(r, status);
    }
    idempotency_answer_free(&act->first);
}

void request_act_on(struct request *r, const unsigned char sha256[32],
                    enum pg_status (*body)(struct request *r, void *context), void *context)
{
    struct http_exchange *ex = r->exchange;
    char operation[sizeof ex->path + 8];
    snprintf(operation, sizeof operation, "%s %s", ex->route->method, ex->path);
    struct act act = {.r = r, .body = body, .context = context, .repeatable = true};
    act.key = (struct idempotency_key){.organisation = r->caller.organisation,
                                       .person = r->caller.person,
                                       .key = request_idempotency_key(r),
                                       .operation = operation};
    memcpy(act.key.sha256, sha256, sizeof act.key.sha256);
    act_run(&act);
}

void request_act(struct request *r, enum pg_status (*body)(struct request *r, void *context), void *context)
{
    const struct http_exchange *ex = r->exchange;
    unsigned char sha256[32];
    crypto_hash_sha256(sha256, (const unsigned char *)(ex->body.data == NULL ? "" : ex->body.data), ex->body.length);
    request_act_on(r, sha256, body, context);
}

void request_change(struct request *r, enum pg_status (*body)(struct request *r, void *context), void *context)
{
    struct act act = {.r = r, .body = body, .context = context};
    act_run(&act);
}

enum pg_status request_order_act(struct request *r)
{
    instant_t wall = 0;
    enum pg_status status = act_begin_in_transaction(r->pg, &wall);
    return status == PG_OK && !clock_at(r->clock, wall, &r->begun_at) ? PG_FAILED : status;
}

/* Why it was done, in the words of whoever does it: members that mean that wherever a body has them. */
static bool put_why(const struct request *r, json_t *detail)
{
    static const char *const why[] = {"reason", "evidence", "note"};
    bool good = detail != NULL;
    for (size_t i = 0; good && i < sizeof why / sizeof why[0]; i++) {
        const char *text = r->body == NULL ? NULL : json_text(r->body, why[i]);
        good = text == NULL || json_put(detail, why[i], json_string(text));
    }
    return good;
}

enum pg_status request_audit(struct request *r, const char *provider, const char *act, const char *subject,
                             json_t *detail)
{
    struct audit_event event = {.provider = provider,
                                .at = r->begun_at,
                                .person = r->caller.person,
                                .organisation = r->caller.organisation,
                                .act = act,
                                .subject = subject,
                                .request_id = r->request_id,
                                .address = r->address};
    size_t length = 0;
    json_t *whole = detail == NULL ? json_object() : detail;
    char *text = put_why(r, whole) ? json_canonical(whole, &length) : NULL;
    event.detail = text;
    enum pg_status status = text == NULL ? PG_FAILED : audit_append(r->pg, &event);
    free(text);
    json_decref(whole);
    return status;
}
