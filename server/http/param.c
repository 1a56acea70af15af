/* What a handler may ask of its request. */
#include "http/exchange.h"

#include "base/ident.h"
#include "base/parse.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *request_query(const struct request *r, const char *name)
{
    const struct http_exchange *ex = r->exchange;
    for (unsigned i = 0; i < ex->query_count; i++)
        if (strcmp(ex->query[i].name, name) == 0)
            return ex->query[i].value;
    return NULL;
}

const char *request_header(const struct request *r, const char *name)
{
    if (r->exchange->connection == NULL)
        return NULL;
    return MHD_lookup_connection_value(r->exchange->connection, MHD_HEADER_KIND, name);
}

void request_wipe_header(struct request *r, const char *name)
{
    const char *text = request_header(r, name);
    if (text != NULL) /* writable memory of the connection's pool, ours until the request is complete */
        sodium_memzero((void *)(uintptr_t)text, strlen(text));
}

const char *request_idempotency_key(const struct request *r)
{
    return request_header(r, "Idempotency-Key");
}

const char *request_media_type(const struct request *r)
{
    return r->exchange->media_type;
}

bool request_if_match(struct request *r, const char *etag)
{
    if (r->if_match == NULL) {
        reply_problem(r, PROBLEM_PRECONDITION_REQUIRED, "If-Match", "The current ETag is needed in If-Match");
        return false;
    }
    if (strcmp(r->if_match, etag) == 0)
        return true;
    reply_problem(r, PROBLEM_PRECONDITION_FAILED, "If-Match", "If-Match is not the current ETag, which is \"%s\"",
                  etag);
    return false;
}

bool request_path_ident(struct request *r, unsigned index)
{
    if (r->path_values[index] != NULL && ident_is_valid(r->path_values[index]))
        return true;
    reply_store(r, PG_NONE);
    return false;
}

bool request_path_month(struct request *r, unsigned index, month_t *month)
{
    const char *text = r->path_values[index];
    if (text != NULL && month_parse(text, strlen(text), month))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, "month", "A month in the address is written YYYY-MM");
    return false;
}

bool request_path_number(struct request *r, unsigned index, int64_t *number)
{
    const char *text = r->path_values[index];
    if (text != NULL && parse_i64_within(text, strlen(text), 1, INT32_MAX, number))
        return true;
    reply_store(r, PG_NONE);
    return false;
}

bool request_page(struct request *r, struct page *page)
{
    const char *limit = request_query(r, "limit"), *after = request_query(r, "after");
    page->limit = 100;
    page->after[0] = '\0';
    if (limit != NULL && !parse_i64_within(limit, strlen(limit), 1, 500, &page->limit)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "limit", "limit is a whole number from 1 to 500");
        return false;
    }
    if (after != NULL && !cursor_decode(r->exchange->server->token_key, r->exchange->route->operation, after,
                                        page->after, sizeof page->after)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "after",
                      "after is not a cursor of this list; take it from the next member of the page before");
        return false;
    }
    return true;
}

json_t *reply_next(struct request *r, const struct page *page, const char *cursor)
{
    struct http_exchange *ex = r->exchange;
    char encoded[512];
    if (!cursor_encode(ex->server->token_key, ex->route->operation, cursor, encoded, sizeof encoded))
        return NULL;
    struct buf target;
    buf_init(&target, 2048);
    bool ok = buf_append_format(&target, "%s?limit=%lld", ex->path, (long long)page->limit);
    for (unsigned i = 0; i < ex->query_count; i++) {
        if (name_listed("limit after", ex->query[i].name))
            continue;
        ok = buf_append_char(&target, '&') && percent_encode(&target, ex->query[i].name) &&
             buf_append_char(&target, '=') && percent_encode(&target, ex->query[i].value) && ok;
    }
    ok = buf_append_format(&target, "&after=%s", encoded) && ok;
    if (ok)
        reply_link(r, "next", target.data);
    buf_free(&target);
    return json_string(encoded);
}
