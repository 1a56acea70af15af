/* The one file that makes replies. */
#include "http/exchange.h"

#include "base/log.h"
#include "domain/leak_json.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAXIMUM       4096
#define RETRY_AFTER_SECONDS 2
#define DOWNLOAD_BLOCK      (32 * 1024)

static void free_body(struct reply *reply)
{
    if (reply->secret)
        sodium_free(reply->body);
    else
        free(reply->body);
    reply->body = NULL;
    reply->secret = false;
}

static void free_download(struct reply *reply)
{
    if (reply->part != NULL)
        sodium_memzero(reply->part, reply->part_length);
    free(reply->part);
    reply->part = NULL;
    if (reply->download != NULL)
        reply->download->finish(reply->download_state);
    reply->download = NULL;
}

void reply_discard(struct http_exchange *ex)
{
    free_body(&ex->reply);
    free_download(&ex->reply);
    buf_free(&ex->reply.links);
    memset(&ex->reply, 0, sizeof ex->reply);
    buf_init(&ex->reply.links, LINKS_MAXIMUM);
}

static struct reply *reply_start(struct request *r, int status)
{
    struct reply *reply = &r->exchange->reply;
    assert(!reply->made);
    reply->made = true;
    reply->status = status;
    return reply;
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

/* Addresses of ours are absolute when the configuration names the outside address. */
static void copy_address(const struct request *r, char *out, size_t size, const char *address)
{
    snprintf(out, size, "%s%s", address[0] == '/' ? r->config->base_url : "", address);
}

/* A reply for the case that memory ran out while making one: needs none. */
static void reply_without_memory(struct reply *reply)
{
    free_body(reply);
    reply->length = 0;
    reply->problem = true;
    reply->code = PROBLEM_INTERNAL;
    reply->status = problem_table[PROBLEM_INTERNAL].status;
}

static void reply_document(struct reply *reply, json_t *body, const char *media_type)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    copy_text(reply->media_type, sizeof reply->media_type, media_type);
    reply->body = text;
    reply->length = text == NULL ? 0 : strlen(text);
    if (text == NULL)
        reply_without_memory(reply);
}

static bool holds_number(const char *text)
{
    return leak_in_text((struct text){text, strlen(text)});
}

/* The last look at what goes out (L01): an answer with a text that could identify a patient is kept back as a whole.
 * Files of another kind than JSON were looked at by the worker that made them. */
static void reply_guard(struct request *r)
{
    struct http_exchange *ex = r->exchange;
    struct reply *reply = &ex->reply;
    bool json = strcmp(reply->media_type, "application/json") == 0 && reply->length > 0;
    bool leaks = (json && leak_in_json((struct text){reply->body, reply->length})) || holds_number(reply->location) ||
                 (reply->links.length > 0 && leak_in_text((struct text){reply->links.data, reply->links.length}));
    if (!leaks)
        return;
    atomic_fetch_add(&ex->server->metrics.withheld, 1);
    struct log_field fields[] = {{.name = "operation", .text = ex->route == NULL ? "-" : ex->route->operation},
                                 {.name = "request_id", .text = r->request_id}};
    log_event(LOG_LEVEL_ERROR, "withheld", fields, 2);
    reply_discard(ex);
    reply_problem(r, PROBLEM_TEXT_WITHHELD, NULL,
                  "A text of this answer holds ten digits that could be an NHS number; nothing was changed");
}

void reply_json(struct request *r, int status, json_t *body, const char *etag)
{
    struct reply *reply = reply_start(r, status);
    copy_text(reply->etag, sizeof reply->etag, etag);
    reply_document(reply, body, "application/json");
    if (!reply->problem)
        reply_guard(r);
}

void reply_generated(struct request *r, json_t *body, const char *etag)
{
    struct reply *reply = reply_start(r, 200);
    copy_text(reply->etag, sizeof reply->etag, etag);
    reply_document(reply, body, "application/json");
}

void reply_written(struct request *r, int status, struct buf *json)
{
    if (json->failed || json->data == NULL) {
        buf_free(json);
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
        return;
    }
    struct reply *reply = reply_start(r, status);
    copy_text(reply->media_type, sizeof reply->media_type, "application/json");
    reply->body = json->data;
    reply->length = json->length;
    json->data = NULL;
    buf_free(json);
    reply_guard(r);
}

void reply_created(struct request *r, json_t *body, const char *location, const char *etag)
{
    copy_address(r, r->exchange->reply.location, sizeof r->exchange->reply.location, location);
    reply_json(r, 201, body, etag);
}

void reply_accepted(struct request *r, json_t *body, const char *location)
{
    copy_address(r, r->exchange->reply.location, sizeof r->exchange->reply.location, location);
    reply_json(r, 202, body, NULL);
}

void reply_nothing(struct request *r)
{
    reply_start(r, 204);
}

void reply_bytes(struct request *r, int status, const char *media_type, const void *bytes, size_t length,
                 const char *etag, const char *name)
{
    struct reply *reply = reply_start(r, status);
    copy_text(reply->media_type, sizeof reply->media_type, media_type);
    copy_text(reply->etag, sizeof reply->etag, etag);
    copy_text(reply->name, sizeof reply->name, name);
    if (length == 0)
        return;
    reply->body = malloc(length);
    if (reply->body == NULL) {
        reply_without_memory(reply);
        return;
    }
    memcpy(reply->body, bytes, length);
    reply->length = length;
    reply_guard(r);
}

void reply_identities(struct request *r, char *text, size_t length)
{
    struct reply *reply = reply_start(r, 200);
    copy_text(reply->media_type, sizeof reply->media_type, "application/json");
    reply->body = text;
    reply->length = length;
    reply->secret = true;
}

void reply_download(struct request *r, const char *media_type, int64_t length, const char *etag, const char *name,
                    const struct download_ops *ops, void *state)
{
    struct reply *reply = reply_start(r, 200);
    copy_text(reply->media_type, sizeof reply->media_type, media_type);
    copy_text(reply->etag, sizeof reply->etag, etag);
    copy_text(reply->name, sizeof reply->name, name);
    reply->length = (size_t)length;
    reply->download = ops;
    reply->download_state = state;
}

void reply_link(struct request *r, const char *rel, const char *target)
{
    struct buf *links = &r->exchange->reply.links;
    buf_append_format(links, "%s<%s%s>; rel=\"%s\"", links->length > 0 ? ", " : "",
                      target[0] == '/' ? r->config->base_url : "", target, rel);
}

/* detail may have been cut inside a character. */
static json_t *text_up_to_whole_character(char *text)
{
    json_t *value = json_string(text);
    for (size_t n = strlen(text); value == NULL && n > 0; value = json_string(text))
        text[--n] = '\0';
    return value;
}

static json_t *problem_document(const struct request *r, enum problem code, const char *field, char *detail)
{
    const struct problem_entry *entry = &problem_table[code];
    json_t *document = json_pack("{s:o, s:s, s:i, s:o, s:o, s:s, s:s, s:s}", "type",
                                 json_sprintf("%s/v1/problems#%s", r->config->base_url, entry->code), "title",
                                 entry->title, "status", entry->status, "detail", text_up_to_whole_character(detail),
                                 "instance", json_sprintf("urn:reckoner:request:%s", r->request_id), "code",
                                 entry->code, "remedy", entry->remedy, "request_id", r->request_id);
    if (document != NULL && field != NULL && json_object_set_new(document, "field", json_string(field)) != 0) {
        json_decref(document);
        document = NULL;
    }
    return document;
}

void reply_problem(struct request *r, enum problem code, const char *field, const char *detail, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    /* What the caller sent is not repeated to it either when it could identify a patient. */
    if (holds_number(text))
        copy_text(text, sizeof text, problem_table[code].title);
    if (field != NULL && holds_number(field))
        field = NULL;
    struct reply *reply = reply_start(r, problem_table[code].status);
    reply->problem = true;
    reply->code = code;
    reply->location[0] = '\0';
    buf_clear(&reply->links);
    if (reply->status == 503)
        reply->retry_after = RETRY_AFTER_SECONDS;
    reply_document(reply, problem_document(r, code, field, text), "application/problem+json");
}

/* Our own functions in the database raise the code of a problem, or the code, a colon and the detail. */
static void reply_refused(struct request *r)
{
    const char *message = pg_message(r->pg);
    size_t length = strcspn(message, ":");
    const char *detail = message[length] == ':' ? message + length + 1 + strspn(message + length + 1, " ") : NULL;
    for (int code = 0; code < PROBLEM_COUNT; code++)
        if (strlen(problem_table[code].code) == length && memcmp(problem_table[code].code, message, length) == 0) {
            reply_problem(r, (enum problem)code, NULL, "%s", detail != NULL ? detail : problem_table[code].title);
            return;
        }
    reply_problem(r, PROBLEM_INTERNAL, NULL,
                  "The database refused the act for a reason that this version does not know");
}

void reply_store(struct request *r, enum pg_status status)
{
    switch (status) {
    case PG_AWAY:
        atomic_fetch_add(&r->exchange->server->database_away, 1);
        reply_problem(r, PROBLEM_DATABASE_AWAY, NULL, "The database cannot be reached; nothing was changed");
        return;
    case PG_TIMEOUT:
    case PG_RETRY:
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "The database did not answer in time; nothing was changed");
        return;
    case PG_NONE:
    case PG_DENIED:
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "There is no such resource, or it is not one of yours");
        return;
    case PG_DUPLICATE:
        reply_problem(r, PROBLEM_CONFLICT, NULL, "It exists already (%s)", pg_constraint(r->pg));
        return;
    case PG_INVALID:
        reply_problem(r, PROBLEM_CONFLICT, NULL, "A rule of the database refuses it (%s)", pg_constraint(r->pg));
        return;
    case PG_REFUSED:
        reply_refused(r);
        return;
    case PG_OK:
    case PG_FAILED:
        break;
    }
    reply_problem(r, PROBLEM_INTERNAL, NULL, "The database reported an unexpected failure; nothing was changed");
}

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value[0] != '\0')
        (void)MHD_add_response_header(response, name, value);
}

static void headers_of_caching(const struct http_exchange *ex, struct MHD_Response *response)
{
    const struct reply *reply = &ex->reply;
    bool open = ex->route != NULL && ex->route->roles == ROLE_NONE && !reply->problem;
    if (open)
        header(response, "Cache-Control", "public, max-age=300");
    else if (reply->etag[0] != '\0')
        header(response, "Cache-Control", "private, no-cache");
    else
        header(response, "Cache-Control", "no-store");
    if (reply->etag[0] != '\0') {
        char quoted[sizeof reply->etag + 2];
        snprintf(quoted, sizeof quoted, "\"%s\"", reply->etag);
        header(response, "ETag", quoted);
    }
}

static void headers_add(const struct http_exchange *ex, struct MHD_Response *response)
{
    const struct reply *reply = &ex->reply;
    char text[160];
    header(response, "X-Request-Id", ex->request.request_id);
    header(response, "X-Content-Type-Options", "nosniff");
    header(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    header(response, "Content-Type", reply->media_type);
    header(response, "Location", reply->location);
    header(response, "Allow", reply->allow);
    headers_of_caching(ex, response);
    if (reply->links.length > 0 && !reply->links.failed)
        header(response, "Link", reply->links.data);
    if (reply->replayed)
        header(response, "Idempotency-Replayed", "true");
    if (reply->name[0] != '\0') {
        snprintf(text, sizeof text, "attachment; filename=\"%s\"", reply->name);
        header(response, "Content-Disposition", text);
    }
    if (reply->retry_after > 0) {
        snprintf(text, sizeof text, "%d", reply->retry_after);
        header(response, "Retry-After", text);
    }
    if (reply->problem && reply->code == PROBLEM_UNAUTHENTICATED)
        header(response, "WWW-Authenticate", "Bearer");
    if (strcmp(ex->request.config->mode, "demonstration") == 0) {
        char instant[28];
        instant_format(ex->request.begun_at, instant);
        snprintf(text, sizeof text, "demonstration %s", instant);
        header(response, "Reckoner-Clock", text);
    }
    if (atomic_load(&ex->server->draining))
        header(response, "Connection", "close");
}

/* A client that has the current version already needs no body. */
static void reply_not_modified(struct http_exchange *ex)
{
    struct reply *reply = &ex->reply;
    const char *sent = MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, "If-None-Match");
    char etag[sizeof reply->etag];
    if (sent == NULL || reply->status != 200 || reply->etag[0] == '\0' || !etag_unquote(sent, etag, sizeof etag) ||
        strcmp(etag, reply->etag) != 0)
        return;
    free_body(reply);
    free_download(reply);
    reply->length = 0;
    reply->media_type[0] = '\0';
    reply->status = 304;
}

/* The next bytes of a download. When the part at hand is out, the connection is suspended and a database thread
 * fetches the next. */
static ssize_t download_read(void *context, uint64_t position, char *out, size_t room)
{
    struct http_exchange *ex = context;
    struct reply *reply = &ex->reply;
    (void)position;
    pthread_mutex_lock(&ex->lock);
    ssize_t taken = 0;
    size_t left = reply->part_length - reply->part_sent;
    if (reply->part_failed || atomic_load(&ex->server->cutting)) {
        taken = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (left > 0) {
        size_t n = left < room ? left : room;
        memcpy(out, reply->part + reply->part_sent, n);
        reply->part_sent += n;
        taken = (ssize_t)n;
    } else {
        ex->task = TASK_PART;
        MHD_suspend_connection(ex->connection);
        if (!pool_submit(ex->server->pool, ex, false)) {
            MHD_resume_connection(ex->connection);
            taken = MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    pthread_mutex_unlock(&ex->lock);
    return taken;
}

enum MHD_Result reply_queue(struct http_exchange *ex)
{
    struct reply *reply = &ex->reply;
    assert(reply->made);
    reply_not_modified(ex);
    struct MHD_Response *response =
        reply->download != NULL
            ? MHD_create_response_from_callback(reply->length, DOWNLOAD_BLOCK, download_read, ex, NULL)
        : reply->secret ? MHD_create_response_from_buffer_with_free_callback(reply->length, reply->body, sodium_free)
                        : MHD_create_response_from_buffer(reply->length, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    reply->body = NULL;
    headers_add(ex, response);
    enum MHD_Result result = MHD_queue_response(ex->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    ex->sent_status = reply->status;
    ex->sent_bytes = (int64_t)reply->length;
    return result;
}
