/* What the headers alone decide: route, method, length, media type, token's form, keys. Runs on the event loop; no
 * body byte is read for a request that is refused here. */
#include "http/exchange.h"

#include "base/ident.h"
#include "base/parse.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* jansson needs 7.3 times the text for a parsed document: a body is counted eight times against the budget. */
#define JSON_COST   8
#define JSON_BUDGET (48LL * 1024 * 1024)
/* Many clients cannot send a POST without a body: a route that takes none takes {} of at most so many bytes. */
#define EMPTY_BODY 16
/* A JSON body must have arrived after so many microseconds, however slowly its bytes drip. */
#define JSON_PATIENCE (60LL * 1000000)

static const char *incoming(const struct http_exchange *ex, const char *name)
{
    return MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, name);
}

int64_t accept_body_length(struct http_exchange *ex)
{
    if (incoming(ex, "Transfer-Encoding") != NULL)
        return -1;
    const char *text = incoming(ex, "Content-Length");
    int64_t length = 0;
    if (text != NULL && !parse_i64_within(text, strlen(text), 0, INT64_MAX, &length))
        return INT64_MAX;
    return length;
}

static void accept_identity(struct http_exchange *ex)
{
    struct request *r = &ex->request;
    const char *sent = incoming(ex, "X-Request-Id");
    if (sent != NULL && request_id_is_acceptable(sent))
        snprintf(r->request_id, sizeof r->request_id, "%s", sent);
    else
        ident_new(r->request_id);
}

/* One query parameter, as libmicrohttpd split it. Returns MHD_NO after the first fault. */
static enum MHD_Result accept_parameter(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    struct http_exchange *ex = context;
    size_t used = ex->query_count == 0 ? 0
                                       : (size_t)(ex->query[ex->query_count - 1].value - ex->query_text) +
                                             strlen(ex->query[ex->query_count - 1].value) + 1;
    char *name = ex->query_text + used;
    long n = percent_decode(key, strlen(key), name, sizeof ex->query_text - used);
    long v = n < 0 || value == NULL
                 ? -1
                 : percent_decode(value, strlen(value), name + n + 1, sizeof ex->query_text - used - (size_t)n - 1);
    if (v < 0 || ex->query_count == HTTP_MAX_PARAMETERS) {
        reply_problem(
            &ex->request, PROBLEM_BAD_PARAMETER, n > 0 ? name : NULL,
            "The query cannot be read: name=value pairs, percent-encoded UTF-8, at most %d of them, are wanted",
            HTTP_MAX_PARAMETERS);
        return MHD_NO;
    }
    if (!name_listed(ex->route->query, name) || strchr(name, ' ') != NULL) {
        reply_problem(&ex->request, PROBLEM_BAD_PARAMETER, name, "The query parameter %.60s is not known here; %s%s",
                      name, ex->route->query == NULL ? "there are none" : "known are: ",
                      ex->route->query == NULL ? "" : ex->route->query);
        return MHD_NO;
    }
    if (request_query(&ex->request, name) != NULL) {
        reply_problem(&ex->request, PROBLEM_BAD_PARAMETER, name, "The query parameter %s may be given once", name);
        return MHD_NO;
    }
    ex->query[ex->query_count++] = (struct parameter){.name = name, .value = name + n + 1};
    return MHD_YES;
}

static bool accept_route(struct http_exchange *ex, const char *url, const char *method)
{
    struct request *r = &ex->request;
    size_t length = strlen(url);
    if (length >= sizeof ex->path) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "path", "The path is longer than %zu bytes", sizeof ex->path - 1);
        return false;
    }
    memcpy(ex->path, url, length + 1);
    switch (router_match(route_table, method, ex->path, &ex->match)) {
    case MATCH_FOUND:
        break;
    case MATCH_NO_PATH:
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "No resource has this address; /v1 is described in api/openapi.yaml");
        return false;
    case MATCH_BAD_PATH:
        reply_problem(r, PROBLEM_BAD_PARAMETER, "path", "The path is not percent-encoded UTF-8 of a bearable length");
        return false;
    case MATCH_NO_METHOD:
        reply_problem(r, PROBLEM_METHOD_NOT_ALLOWED, NULL, "Here only %s", ex->match.allow);
        snprintf(ex->reply.allow, sizeof ex->reply.allow, "%s", ex->match.allow);
        return false;
    }
    ex->route = ex->match.route;
    if (ex->route->roles == ROLE_CONTROLLED && strcmp(method, "HEAD") == 0) {
        /* What is handed over once would be gone, and nobody would have it. */
        reply_problem(r, PROBLEM_METHOD_NOT_ALLOWED, NULL, "Here only %s", ex->route->method);
        snprintf(ex->reply.allow, sizeof ex->reply.allow, "%s", ex->route->method);
        return false;
    }
    memcpy(r->path_values, ex->match.values, sizeof r->path_values);
    MHD_get_connection_values(ex->connection, MHD_GET_ARGUMENT_KIND, accept_parameter, ex);
    return !ex->reply.made;
}

struct token_search {
    struct http_exchange *ex;
    unsigned sent;
    bool fits;
};

/* Takes the token's hash and wipes the token from libmicrohttpd's buffer (which is ours to read until the request is
 * complete, and writable memory of the connection's pool). */
static enum MHD_Result take_token(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct token_search *search = context;
    static const char scheme[] = "Bearer ";
    size_t head = sizeof scheme - 1;
    if (strcasecmp(name, "Authorization") != 0)
        return MHD_YES;
    size_t length = value == NULL ? 0 : strlen(value);
    search->sent++;
    search->fits = length > head + 19 && length <= head + TOKEN_MAX_LENGTH && strncasecmp(value, scheme, head) == 0;
    if (search->fits)
        token_hash(search->ex->server->token_key, value + head, length - head, search->ex->token_hash);
    if (length > 0)
        sodium_memzero((void *)(uintptr_t)value, length);
    return MHD_YES;
}

/* Of two tokens none is chosen: a proxy before us may have looked at the other. */
static bool accept_token(struct http_exchange *ex)
{
    struct token_search search = {.ex = ex};
    MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, take_token, &search);
    if (search.sent == 1 && search.fits)
        return true;
    reply_problem(&ex->request, PROBLEM_UNAUTHENTICATED, "Authorization", "%s",
                  search.sent == 0  ? "A bearer token is needed"
                  : search.sent > 1 ? "Authorization is given more than once"
                                    : "Authorization does not hold a bearer token");
    return false;
}

/* Headers that say how the body is read, or what an act is: sent twice, a proxy may go by one and we by the other. */
struct header_search {
    const char *doubled;
    unsigned seen; /* a bit for each of single_headers */
};

static const char *const single_headers[] = {"Content-Length",  "Transfer-Encoding", "Content-Type", "Content-Encoding",
                                             "Idempotency-Key", "If-Match",          "Row-Count",    "Caseload",
                                             "Column-Mapping",  "Reading-Key"};

static enum MHD_Result look_at_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    (void)value;
    struct header_search *search = context;
    for (unsigned i = 0; i < sizeof single_headers / sizeof single_headers[0]; i++) {
        if (strcasecmp(name, single_headers[i]) != 0)
            continue;
        if (search->seen >> i & 1)
            search->doubled = single_headers[i];
        search->seen |= 1U << i;
    }
    return search->doubled == NULL ? MHD_YES : MHD_NO;
}

static bool accept_single_headers(struct http_exchange *ex)
{
    struct header_search search = {NULL, 0};
    MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, look_at_header, &search);
    if (search.doubled != NULL)
        reply_problem(&ex->request, PROBLEM_BAD_PARAMETER, search.doubled, "%s is given more than once",
                      search.doubled);
    return search.doubled == NULL;
}

static bool accept_keys(struct http_exchange *ex, const char *method)
{
    struct request *r = &ex->request;
    const char *match = incoming(ex, "If-Match");
    if (match != NULL) {
        if (!etag_unquote(match, ex->if_match, sizeof ex->if_match))
            snprintf(ex->if_match, sizeof ex->if_match, "?");
        r->if_match = ex->if_match;
    }
    if (strcmp(method, "POST") != 0)
        return true;
    const char *key = incoming(ex, "Idempotency-Key");
    if (key == NULL || key[0] == '\0') {
        reply_problem(r, PROBLEM_IDEMPOTENCY_KEY_REQUIRED, "Idempotency-Key",
                      "A POST needs the header Idempotency-Key");
        return false;
    }
    bool printable = strlen(key) <= 255;
    for (const char *p = key; *p != '\0' && printable; p++)
        printable = *p > 0x20 && *p < 0x7f;
    if (!printable)
        reply_problem(r, PROBLEM_BAD_PARAMETER, "Idempotency-Key",
                      "An Idempotency-Key has 1 to 255 printable ASCII characters without blanks");
    return printable;
}

static void accept_media_type(struct http_exchange *ex)
{
    const char *sent = incoming(ex, "Content-Type");
    size_t n = sent == NULL ? 0 : strcspn(sent, "; \t");
    if (n >= sizeof ex->media_type)
        n = 0;
    for (size_t i = 0; i < n; i++)
        ex->media_type[i] = (char)(sent[i] >= 'A' && sent[i] <= 'Z' ? sent[i] - 'A' + 'a' : sent[i]);
    ex->media_type[n] = '\0';
}

static bool accept_body(struct http_exchange *ex)
{
    bool is_post = strcmp(ex->route->method, "POST") == 0;
    struct request *r = &ex->request;
    const struct config *config = r->config;
    int64_t length = accept_body_length(ex);
    enum body_kind kind = ex->route->body;
    ex->body_limit = kind == BODY_JSON     ? config->max_json_bytes
                     : kind == BODY_UPLOAD ? config->max_upload_bytes
                     : is_post             ? EMPTY_BODY
                                           : 0;
    if (length > ex->body_limit || (ex->body_limit == 0 && length != 0)) {
        reply_problem(r, PROBLEM_BODY_TOO_LARGE, "Content-Length", "The body may have %lld bytes here",
                      (long long)ex->body_limit);
        return false;
    }
    if (kind == BODY_NONE)
        return true;
    if (length == 0 && incoming(ex, "Content-Length") == NULL) {
        reply_problem(r, PROBLEM_LENGTH_REQUIRED, "Content-Length", "This request needs a body");
        return false;
    }
    accept_media_type(ex);
    const char *accepts = kind == BODY_JSON ? "application/json" : ex->route->accepts;
    if (!name_listed(accepts, ex->media_type)) {
        reply_problem(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Content-Type", "Accepted here: %s", accepts);
        return false;
    }
    return true;
}

static void overloaded(struct http_exchange *ex, const char *what)
{
    atomic_fetch_add(&ex->server->metrics.overloaded, 1);
    reply_problem(&ex->request, PROBLEM_OVERLOADED, NULL, "%s", what);
}

/* Memory and places are taken before the first byte of the body, so that their sum is bounded. */
static void accept_room(struct http_exchange *ex)
{
    struct server *server = ex->server;
    int64_t length = accept_body_length(ex);
    ex->stage = STAGE_RUN;
    if (ex->route->body == BODY_JSON || (ex->route->body == BODY_NONE && length != 0)) {
        int64_t cost = JSON_COST * (length < 0 ? ex->body_limit : length);
        int64_t before = atomic_fetch_add(&server->json_bytes, cost);
        ex->reserved = cost;
        if (before > 0 && before + cost > JSON_BUDGET) {
            overloaded(ex, "Too many JSON bodies are under way");
            return;
        }
        buf_init(&ex->body, (size_t)ex->body_limit);
        ex->deadline = ex->begun + JSON_PATIENCE;
        ex->stage = STAGE_BODY;
    } else if (ex->route->body == BODY_UPLOAD) {
        ex->upload_slot = true;
        if (atomic_fetch_add(&server->uploads, 1) >= server->config->max_uploads) {
            overloaded(ex, "Too many uploads are under way");
            return;
        }
        ex->deadline = ex->begun + server->config->upload_minutes * 60 * 1000000;
    }
}

/* The last address of X-Forwarded-For, which the proxy next to us has added. */
static bool forwarded_address(const struct http_exchange *ex, char *out, size_t size)
{
    const char *list = incoming(ex, "X-Forwarded-For");
    if (list == NULL)
        return false;
    const char *comma = strrchr(list, ',');
    const char *last = comma == NULL ? list : comma + 1;
    last += strspn(last, " \t");
    size_t length = strcspn(last, " \t");
    unsigned char binary[sizeof(struct in6_addr)];
    if (length >= size)
        return false;
    memcpy(out, last, length);
    out[length] = '\0';
    return inet_pton(AF_INET, out, binary) == 1 || inet_pton(AF_INET6, out, binary) == 1;
}

/* Where the request came from: the other end of the connection, or, when that is this machine, whom the proxy here
 * names. Others could name anybody. */
static void accept_address(struct http_exchange *ex)
{
    struct request *r = &ex->request;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    bool local = false;
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &four->sin_addr, r->address, sizeof r->address);
        local = ntohl(four->sin_addr.s_addr) >> 24 == 127;
    } else if (address->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &six->sin6_addr, r->address, sizeof r->address);
        local = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    }
    char named[sizeof r->address];
    if (local && forwarded_address(ex, named, sizeof named))
        memcpy(r->address, named, sizeof r->address);
}

void accept_headers(struct http_exchange *ex, const char *url, const char *method)
{
    struct request *r = &ex->request;
    accept_identity(ex);
    accept_address(ex);
    if (!clock_now(r->clock, &r->begun_at)) {
        r->begun_at = clock_wall();
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The clock file cannot be read");
    } else if (atomic_load(&ex->server->draining)) {
        reply_problem(r, PROBLEM_SHUTTING_DOWN, NULL, "The service is stopping and takes no new requests");
    } else if (accept_route(ex, url, method) && (ex->route->roles == ROLE_NONE || accept_token(ex)) &&
               accept_single_headers(ex) && accept_body(ex) && accept_keys(ex, method)) {
        accept_room(ex);
    }
}
