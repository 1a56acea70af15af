/* Readings of identities: asked for by the controlled environment with a purpose, answered by the worker under the
 * reader's one-time key, handed over once. The key and the identities are in clear here only while a request runs. */
#include "base/buf.h"
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "signing/keyfile.h"
#include "signing/reading_key.h"
#include "signing/seal.h"
#include "store/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_HEADER "Reading-Key"

static const struct column reading_columns[] = {{"reading", COLUMN_TEXT},
                                                {"submission", COLUMN_TEXT},
                                                {"organisation", COLUMN_TEXT},
                                                {"person", COLUMN_TEXT},
                                                {"purpose", COLUMN_TEXT},
                                                {"state", COLUMN_TEXT},
                                                {"asked_at", COLUMN_INSTANT},
                                                {"expires_at", COLUMN_INSTANT},
                                                {"released_at", COLUMN_INSTANT},
                                                {"rows", COLUMN_NUMBERS},
                                                {NULL, COLUMN_TEXT}};
static const struct list_form reading_list_form = {.columns = reading_columns,
                                                   .cursor = {"asked_at", "reading"},
                                                   .empty =
                                                       "No identities of this provider's patients have been asked for"};

/* Takes the key out of the request; it is wiped from the connection's memory. false: a problem was replied. */
static bool take_key(struct request *r, uint8_t key[READING_KEY_SIZE])
{
    const char *text = request_header(r, KEY_HEADER);
    bool good = text != NULL && reading_key_parse(text, key);
    request_wipe_header(r, KEY_HEADER);
    if (!good)
        reply_problem(r, PROBLEM_BAD_PARAMETER, KEY_HEADER,
                      "The header " KEY_HEADER " holds 64 hexadecimal digits from a random source");
    return good;
}

struct asking {
    const char *purpose;
    struct buf rows; /* "{1,2,3}" */
    char id[IDENT_SIZE];
    uint8_t sealed_key[READING_KEY_SIZE + SEAL_BOX_OVERHEAD];
};

static bool read_rows(struct request *r, struct asking *a)
{
    const json_t *rows = json_object_get(r->body, "rows");
    size_t count = json_array_size(rows);
    bool ok = buf_append_char(&a->rows, '{');
    for (size_t i = 0; i < count && ok; i++) {
        const json_t *row = json_array_get(rows, i);
        if (!json_is_integer(row) || json_integer_value(row) < 1 || json_integer_value(row) > INT32_MAX) {
            char field[32];
            (void)snprintf(field, sizeof field, "/rows/%zu", i);
            reply_problem(r, PROBLEM_MALFORMED_JSON, field, "A row is a whole number from 1 on");
            return false;
        }
        ok = (i == 0 || buf_append_char(&a->rows, ',')) && buf_append_i64(&a->rows, json_integer_value(row));
    }
    if (ok && buf_append_char(&a->rows, '}'))
        return true;
    reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for the rows");
    return false;
}

/* Seals the reader's key to the worker, who alone can use it from now on. */
static bool seal_key(struct request *r, struct asking *a)
{
    uint8_t key[READING_KEY_SIZE];
    uint8_t public_key[SEAL_PUBLIC_KEY_SIZE];
    char error[300];
    if (!take_key(r, key))
        return false;
    bool sealed = keyfile_public(r->config->seal_public_key_file, "the public seal key", public_key, sizeof public_key,
                                 error, sizeof error) &&
                  seal_box(public_key, key, sizeof key, a->sealed_key);
    sodium_memzero(key, sizeof key);
    if (!sealed)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The reading key cannot be sealed to the worker");
    return sealed;
}

static void reading_act(const struct request *r, struct reading_act *act)
{
    *act = (struct reading_act){r->path_values[0], r->begun_at, r->request_id, r->address[0] ? r->address : NULL};
}

static enum pg_status ask(struct request *r, void *context)
{
    struct asking *a = context;
    struct reading_act act;
    reading_act(r, &act);
    ident_new(a->id);
    enum pg_status status = reading_ask(r->pg, &act, r->path_values[1], a->id, a->rows.data, a->purpose, a->sealed_key,
                                        sizeof a->sealed_key);
    if (status != PG_OK)
        return status;
    PGresult *result = NULL;
    status = reading_get(r->pg, act.provider, a->id, &result);
    if (status != PG_OK)
        return status;
    char location[100];
    (void)snprintf(location, sizeof location, "/v1/providers/%s/readings/%s", act.provider, a->id);
    reply_accepted(r, row_object(result, 0, reading_columns), location);
    PQclear(result);
    return PG_OK;
}

void identifiers_ask(struct request *r)
{
    static const struct json_member members[] = {{"rows", JSON_KIND_ARRAY, true, 1, READING_ROWS_MAXIMUM},
                                                 {"purpose", JSON_KIND_TEXT, true, 10, 500},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct asking a = {.purpose = NULL};
    buf_init(&a.rows, 16 * (size_t)READING_ROWS_MAXIMUM);
    if (request_path_ident(r, 1) && body_check(r, members) && read_rows(r, &a) && seal_key(r, &a)) {
        a.purpose = json_text(r->body, "purpose");
        request_act(r, ask, &a);
    }
    buf_free(&a.rows);
}

void identifiers_list(struct request *r)
{
    struct page page;
    struct pg_newest newest;
    if (!request_newest(r, &page, &newest))
        return;
    PGresult *result = NULL;
    enum pg_status status = reading_list(r->pg, r->path_values[0], &newest, &result);
    reply_page(r, status, result, &page, &reading_list_form);
}

void identifiers_get(struct request *r)
{
    if (!request_path_ident(r, 1))
        return;
    PGresult *result = NULL;
    enum pg_status status = reading_get(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status == PG_OK)
        reply_json(r, 200, row_object(result, 0, reading_columns), NULL);
    else
        reply_store(r, status);
    PQclear(result);
}

/* The answer in clear, in locked memory; NULL with a problem replied. */
static char *open_answer(struct request *r, const PGresult *sealed, const uint8_t key[READING_KEY_SIZE], size_t *length)
{
    char context[80];
    size_t n = (size_t)PQgetlength(sealed, 0, 0);
    (void)snprintf(context, sizeof context, "%s/%s", r->path_values[0], r->path_values[1]);
    *length = n > READING_OVERHEAD ? n - READING_OVERHEAD : 0;
    char *text = *length > 0 ? sodium_malloc(*length) : NULL;
    if (text != NULL && reading_open(key, context, PQgetvalue(sealed, 0, 0), n, (uint8_t *)text))
        return text;
    sodium_free(text);
    reply_problem(r, PROBLEM_BAD_PARAMETER, KEY_HEADER,
                  "This is not the key that the reading was asked for with; the answer is still there");
    return NULL;
}

/* The audit event is committed with the removal of the answer, before a byte goes out. */
static void release(struct request *r, const uint8_t key[READING_KEY_SIZE])
{
    struct reading_act act;
    PGresult *sealed = NULL;
    size_t length = 0;
    char *text = NULL;
    reading_act(r, &act);
    enum pg_status status = pg_begin(r->pg);
    if (status == PG_OK)
        status = reading_release(r->pg, &act, r->path_values[1], &sealed);
    if (status == PG_OK)
        text = open_answer(r, sealed, key, &length);
    if (text != NULL)
        status = pg_commit(r->pg);
    if (text == NULL || status != PG_OK)
        pg_rollback(r->pg);
    PQclear(sealed);
    if (text != NULL && status == PG_OK) {
        reply_identities(r, text, length);
        return;
    }
    sodium_free(text);
    if (status != PG_OK)
        reply_store(r, status);
}

void identifiers_release(struct request *r)
{
    uint8_t key[READING_KEY_SIZE];
    if (!request_path_ident(r, 1) || !take_key(r, key))
        return;
    release(r, key);
    sodium_memzero(key, sizeof key);
}
