/* Public signing keys, as JSON, PEM and minisign files. */
#include "routes/common.h"
#include "routes/handlers.h"
#include "signing/minisign.h"
#include "signing/pem.h"
#include "store/signing_key.h"

#include <string.h>

static json_t *key_object(const PGresult *result, int row)
{
    static const struct column columns[] = {{"key", COLUMN_TEXT},
                                            {"valid_from", COLUMN_INSTANT},
                                            {"valid_to", COLUMN_INSTANT},
                                            {"lost", COLUMN_BOOLEAN},
                                            {NULL, COLUMN_TEXT}};
    struct public_key key;
    char pem[PEM_PUBLIC_SIZE], minisign[MINISIGN_PUBLIC_SIZE];
    if (!public_key_id_parse(pg_text(result, row, "key"), key.id) ||
        pg_bytes(result, row, "public_key", key.key, sizeof key.key) != (int)sizeof key.key)
        return NULL;
    pem_public_format(key.key, pem);
    minisign_public_format(&key, minisign);
    json_t *object = row_object(result, row, columns);
    if (object != NULL && json_put(object, "algorithm", json_string("Ed25519")) &&
        json_put(object, "pem", json_string(pem)) && json_put(object, "minisign", json_string(minisign)))
        return object;
    json_decref(object);
    return NULL;
}

void keys_list(struct request *r)
{
    PGresult *result = NULL;
    enum pg_status status = signing_key_list(r->pg, NULL, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int row = 0; row < PQntuples(result) && ok; row++)
        ok = json_array_append_new(items, key_object(result, row)) == 0;
    PQclear(result);
    json_t *body = json_pack("{s:o, s:n}", "items", items, "next");
    ok = ok && body != NULL &&
         list_says_why_empty(body, "Nothing was signed yet: a key is listed from its first use on");
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    reply_generated(r, body, NULL);
}

static void reply_key_file(struct request *r, json_t *key, const char *form, const char *media_type, const char *name)
{
    const char *text = json_text(key, form);
    reply_bytes(r, 200, media_type, text, strlen(text), r->path_values[0], name);
    json_decref(key);
}

/* NULL: none of what the header takes is served. */
static const char *accepted_form(const char *accept)
{
    if (accept == NULL || strstr(accept, "application/json") != NULL || strstr(accept, "*/*") != NULL ||
        strstr(accept, "application/*") != NULL)
        return "json";
    return strstr(accept, "application/x-pem-file") != NULL ? "pem" : NULL;
}

/* ?format= says the form; without it, the Accept header does. */
void keys_get(struct request *r)
{
    const char *format = request_query(r, "format");
    if (format == NULL)
        format = accepted_form(request_header(r, "Accept"));
    if (format == NULL) {
        reply_problem(r, PROBLEM_NOT_ACCEPTABLE, "Accept", "A key comes as application/json or application/x-pem-file");
        return;
    }
    if (strcmp(format, "json") != 0 && strcmp(format, "pem") != 0 && strcmp(format, "minisign") != 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "format", "format is json, pem or minisign");
        return;
    }
    PGresult *result = NULL;
    enum pg_status status = signing_key_list(r->pg, r->path_values[0], &result);
    if (status == PG_OK && PQntuples(result) == 0)
        status = PG_NONE;
    json_t *key = status == PG_OK ? key_object(result, 0) : NULL;
    PQclear(result);
    if (status != PG_OK)
        reply_store(r, status);
    else if (key == NULL || strcmp(format, "json") == 0)
        reply_generated(r, key, r->path_values[0]);
    else if (strcmp(format, "pem") == 0)
        reply_key_file(r, key, "pem", "application/x-pem-file", "reckoner.pem");
    else
        reply_key_file(r, key, "minisign", "text/plain; charset=utf-8", "reckoner.pub");
}
