/* A database thread's share of a request: who calls, may they, and the handler. */
#include "http/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "domain/leak_json.h"
#include "store/act_order.h"
#include "store/session.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PAUSE 100000 /* microseconds without a new attempt to connect */
#define LAST_PAUSE  2000000
/* A token found good is good for reads on the same connection for so long; a revoked one may live as much longer. */
#define TRUST           1000000
#define FINISH_PATIENCE 120000000

static enum role role_of(const char *name)
{
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {{"provider", ROLE_PROVIDER},
                 {"commissioner", ROLE_COMMISSIONER},
                 {"auditor", ROLE_AUDITOR},
                 {"operator", ROLE_OPERATOR},
                 {"controlled", ROLE_CONTROLLED}};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    return ROLE_NONE;
}

/* The first statement of every request. A connection that broke since the last one is made anew, once; while the
 * database is away, attempts are spaced out, and requests in between are refused at once. */
static enum pg_status open_session(struct database_thread *thread, const struct http_exchange *ex)
{
    int64_t now = clock_monotonic();
    bool public = ex->route->roles == ROLE_NONE;
    const struct session_origin from = {ex->request.begun_at, ex->request.address, ex->request.request_id};
    thread->backend = 0;
    if (thread->failures > 0 && now < thread->retry_at)
        return PG_AWAY;
    enum pg_status status = PG_AWAY;
    for (int attempt = 0; attempt < 2 && status == PG_AWAY; attempt++) {
        if (public)
            status = session_clear(thread->pg);
        else
            status = session_authenticate(thread->pg, ex->token_hash, &from, &thread->session);
    }
    if (status == PG_OK) {
        thread->backend = session_backend(thread->pg);
        thread->public = public;
        thread->checked_at = now;
        memcpy(thread->token_hash, ex->token_hash, sizeof thread->token_hash);
    }
    if (status != PG_AWAY) {
        thread->failures = 0;
        return status;
    }
    int64_t pause = FIRST_PAUSE << (thread->failures < 5 ? thread->failures : 5);
    thread->retry_at = clock_monotonic() + (pause < LAST_PAUSE ? pause : LAST_PAUSE);
    thread->failures++;
    return PG_AWAY;
}

/* The session is open. false: a problem was replied. */
static bool may_call(const struct database_thread *thread, struct http_exchange *ex)
{
    struct request *r = &ex->request;
    const struct session *session = &thread->session;
    if (ex->route->roles == ROLE_NONE)
        return true;
    r->caller.role = role_of(session->role);
    snprintf(r->caller.person, sizeof r->caller.person, "%s", session->person);
    snprintf(r->caller.organisation, sizeof r->caller.organisation, "%s", session->organisation);
    if ((ex->route->roles & (unsigned)r->caller.role) != 0)
        return true;
    reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The role %s may not call %s", session->role, ex->route->operation);
    return false;
}

/* false: a problem was replied. */
static bool admit(struct database_thread *thread, struct http_exchange *ex)
{
    struct request *r = &ex->request;
    enum pg_status status = open_session(thread, ex);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_UNAUTHENTICATED, "Authorization",
                      "The token is not known, has expired or was revoked");
        return false;
    }
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    return may_call(thread, ex);
}

/* Does the session speak for this caller already, by a check that is fresh? Only reads go by it: they can be run
 * again when the connection turns out to be broken. Identities are handed over on a check of their own. */
static bool is_trusted(const struct database_thread *thread, const struct http_exchange *ex)
{
    if (ex->task != TASK_REQUEST || strcmp(ex->route->method, "GET") != 0 || ex->route->roles == ROLE_CONTROLLED ||
        thread->backend == 0 || thread->backend != session_backend(thread->pg))
        return false;
    if (ex->route->roles == ROLE_NONE)
        return thread->public;
    return !thread->public && clock_monotonic() - thread->checked_at < TRUST &&
           sodium_memcmp(thread->token_hash, ex->token_hash, sizeof thread->token_hash) == 0;
}

static bool may_identify(const char *text, size_t length)
{
    return leak_in_text((struct text){text, length});
}

/* What people write goes out again: it is refused at the entry, without repeating it. */
static bool identifies_nobody(struct http_exchange *ex)
{
    char pointer[200];
    if (!json_find_text(ex->document, may_identify, pointer, sizeof pointer))
        return true;
    reply_problem(&ex->request, PROBLEM_IDENTIFYING_TEXT, pointer,
                  "The text holds ten digits that could be an NHS number");
    return false;
}

/* false: a problem was replied. */
static bool read_document(struct http_exchange *ex)
{
    struct json_problem problem;
    memset(&problem, 0, sizeof problem);
    ex->document = json_read(ex->body.data == NULL ? "" : ex->body.data, ex->body.length, &problem);
    if (ex->document == NULL) {
        reply_problem(&ex->request, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
        return false;
    }
    if (ex->route->body == BODY_JSON) {
        ex->request.body = ex->document;
        return identifies_nobody(ex);
    }
    if (json_is_object(ex->document) && json_object_size(ex->document) == 0)
        return true;
    reply_problem(&ex->request, PROBLEM_MALFORMED_JSON, NULL, "This request takes no body, or {}");
    return false;
}

/* The handler of an act has its place in the order of acts from before its first look until its transaction has ended,
 * so that no run's knowledge comes between its instant and its commit. */
static void run_act(struct http_exchange *ex)
{
    struct request *r = &ex->request;
    instant_t wall = 0;
    enum pg_status status = act_begin(r->pg, &wall);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    if (clock_at(r->clock, wall, &r->begun_at))
        ex->route->handle(r);
    else
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The clock file cannot be read");
    act_end(r->pg);
}

static void run_request(struct http_exchange *ex)
{
    bool has_document = ex->route->body == BODY_JSON || ex->body.length > 0;
    if (has_document && !read_document(ex))
        return;
    if (strcmp(ex->route->method, "GET") == 0 || ex->route->waits_for_account)
        ex->route->handle(&ex->request);
    else
        run_act(ex);
}

/* Clears away what an upload had begun and frees its state. While the database is away that waits: upload_open stays
 * set, the answer goes out, and the exchange comes back as a TASK_ABORT of its own. */
static void run_finish(struct database_thread *thread, struct http_exchange *ex)
{
    struct server *server = ex->server;
    int64_t now = clock_monotonic();
    bool again = ex->task == TASK_ABORT || ex->task == TASK_REFUSED ||
                 (ex->reply.problem && ex->reply.code == PROBLEM_DATABASE_AWAY);
    bool away = again && open_session(thread, ex) == PG_AWAY;
    ex->upload_open = true;
    if (away && ex->give_up == 0) {
        ex->give_up = now + FINISH_PATIENCE;
        atomic_fetch_add(&server->unfinished, 1);
    }
    if (away && now < ex->give_up && !atomic_load(&server->draining))
        return;
    if (ex->give_up != 0)
        atomic_fetch_sub(&server->unfinished, 1);
    if (!ex->reply.made || ex->reply.problem)
        atomic_fetch_add(&server->metrics.uploads_cut, 1);
    ex->upload_open = false;
    ex->route->upload->finish(&ex->request, ex->upload_state, ex->received);
}

static void run_begin(struct database_thread *thread, struct http_exchange *ex)
{
    ex->chunk = malloc(HTTP_CHUNK_BYTES);
    if (ex->chunk == NULL)
        reply_problem(&ex->request, PROBLEM_OVERLOADED, NULL, "There is no memory for another upload");
    else if (atomic_load(&ex->server->unfinished) > 0) /* a client that comes again must not meet its own remains */
        reply_problem(&ex->request, PROBLEM_DATABASE_AWAY, NULL,
                      "Uploads that the database lost are being cleared away");
    else
        ex->upload_open = ex->route->upload->begin(&ex->request, &ex->upload_state);
    if (!ex->upload_open && ex->upload_state != NULL)
        run_finish(thread, ex);
}

static bool run_chunk(struct database_thread *thread, struct http_exchange *ex)
{
    size_t length = ex->chunk_length;
    ex->chunk_length = 0;
    if (length == 0 || ex->route->upload->chunk(&ex->request, ex->upload_state, ex->chunk, length))
        return true;
    run_finish(thread, ex);
    return false;
}

static void run_end(struct database_thread *thread, struct http_exchange *ex)
{
    if (!run_chunk(thread, ex))
        return;
    ex->route->upload->end(&ex->request, ex->upload_state);
    run_finish(thread, ex);
}

/* The next part of a download whose headers are out: what goes wrong now can only cut the connection. */
static void run_part(struct database_thread *thread, struct http_exchange *ex)
{
    struct reply *reply = &ex->reply;
    if (reply->part != NULL)
        sodium_memzero(reply->part, reply->part_length);
    free(reply->part);
    reply->part = NULL;
    reply->part_length = reply->part_sent = 0;
    reply->part_failed =
        open_session(thread, ex) != PG_OK ||
        !reply->download->part(&ex->request, reply->download_state, &reply->part, &reply->part_length) ||
        reply->part_length == 0;
}

static void run_task(struct database_thread *thread, struct http_exchange *ex)
{
    if (ex->task == TASK_ABORT || ex->task == TASK_REFUSED) {
        run_finish(thread, ex);
        return;
    }
    if (ex->task == TASK_PART) {
        run_part(thread, ex);
        return;
    }
    if (is_trusted(thread, ex)) {
        if (may_call(thread, ex))
            run_request(ex);
        if (!ex->reply.problem || ex->reply.code != PROBLEM_DATABASE_AWAY)
            return;
        reply_discard(ex);
    }
    if (!admit(thread, ex)) {
        if (ex->upload_open)
            run_finish(thread, ex);
        return;
    }
    if (ex->task == TASK_REQUEST)
        run_request(ex);
    else if (ex->task == TASK_BEGIN)
        run_begin(thread, ex);
    else if (ex->task == TASK_CHUNK)
        (void)run_chunk(thread, ex);
    else
        run_end(thread, ex);
}

void dispatch_run(struct database_thread *thread, struct http_exchange *ex)
{
    ex->request.pg = thread->pg;
    run_task(thread, ex);
    assert(!pg_in_transaction(thread->pg));
    if (ex->task != TASK_PART)
        refusal_record(ex);
    ex->request.pg = NULL;
    if (ex->connection == NULL) {
        if (ex->upload_open)
            (void)usleep(FIRST_PAUSE);
        if (!ex->upload_open || !pool_submit(ex->server->pool, ex, false))
            exchange_free(ex);
        return;
    }
    pthread_mutex_lock(&ex->lock);
    bool before_body = ex->task == TASK_BEGIN;
    if (ex->reply.made)
        ex->stage = STAGE_ANSWER;
    else
        ex->stage = before_body ? STAGE_BEGUN : STAGE_UPLOAD;
    ex->answered_early = before_body && ex->reply.made;
    MHD_resume_connection(ex->connection);
    pthread_mutex_unlock(&ex->lock);
}
