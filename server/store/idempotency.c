#include "store/idempotency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pg_statement insert = {
    "idempotency_insert",
    "INSERT INTO reckoner.idempotency (organisation, person, key, operation, request_sha256, status, body, created_at)"
    " VALUES ($1, $2, $3, $4, $5, 0, '', clock_timestamp()) ON CONFLICT (organisation, person, key) DO NOTHING",
    5};

static const struct pg_statement find = {
    "idempotency_find",
    "SELECT operation = $4 AND request_sha256 = $5 AS same, status, coalesce(location, '') AS location,"
    " coalesce(etag, '') AS etag, body FROM reckoner.idempotency WHERE organisation = $1 AND person = $2 AND key = $3",
    5};

static void key_args(struct pg_args *a, const struct idempotency_key *key)
{
    pg_args_init(a);
    pg_arg_text(a, key->organisation);
    pg_arg_text(a, key->person);
    pg_arg_text(a, key->key);
}

static enum pg_status take_answer(const PGresult *r, struct idempotency_answer *first)
{
    const char *body = pg_text(r, 0, "body");
    first->found = true;
    first->same = pg_bool(r, 0, "same");
    first->status = (int)pg_i64(r, 0, "status");
    snprintf(first->location, sizeof first->location, "%s", pg_text(r, 0, "location"));
    snprintf(first->etag, sizeof first->etag, "%s", pg_text(r, 0, "etag"));
    first->length = strlen(body);
    first->body = strdup(body);
    return first->body == NULL ? PG_FAILED : PG_OK;
}

enum pg_status idempotency_begin(struct pg *pg, const struct idempotency_key *key, struct idempotency_answer *first)
{
    struct pg_args a;
    key_args(&a, key);
    pg_arg_text(&a, key->operation);
    pg_arg_bytes(&a, key->sha256, sizeof key->sha256);
    enum pg_status status = PG_OK;
    int64_t inserted = pg_run_count(pg, &insert, &a, &status);
    if (status != PG_OK || inserted == 1)
        return status;
    PGresult *r = NULL;
    status = pg_run_one(pg, &find, &a, &r);
    if (status == PG_OK)
        status = take_answer(r, first);
    else if (status == PG_NONE)
        status = PG_RETRY; /* dropped as too old between the two statements */
    PQclear(r);
    return status;
}

static const struct pg_statement finish = {
    "idempotency_finish",
    "UPDATE reckoner.idempotency SET status = $4, location = nullif($5, ''), etag = nullif($6, ''), body = $7"
    " WHERE organisation = $1 AND person = $2 AND key = $3",
    7};

enum pg_status idempotency_finish(struct pg *pg, const struct idempotency_key *key, int status, const char *location,
                                  const char *etag, const char *body, size_t length)
{
    char *text = strndup(body == NULL ? "" : body, body == NULL ? 0 : length);
    if (text == NULL)
        return PG_FAILED;
    struct pg_args a;
    key_args(&a, key);
    pg_arg_i64(&a, status);
    pg_arg_text(&a, location);
    pg_arg_text(&a, etag);
    pg_arg_text(&a, text);
    enum pg_status result = PG_OK;
    int64_t changed = pg_run_count(pg, &finish, &a, &result);
    free(text);
    if (result == PG_OK && changed != 1)
        result = PG_FAILED;
    return result;
}

void idempotency_answer_free(struct idempotency_answer *first)
{
    free(first->body);
    memset(first, 0, sizeof *first);
}

static const struct pg_statement drop_old = {
    "idempotency_drop_old",
    "DELETE FROM reckoner.idempotency WHERE created_at < clock_timestamp() - $1 * interval '1 day'", 1};

enum pg_status idempotency_drop_old(struct pg *pg, int64_t days, int64_t *dropped)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, days);
    enum pg_status status = PG_OK;
    *dropped = pg_run_count(pg, &drop_old, &a, &status);
    return status;
}
