#include "store/agreed_terms.h"

#include <stdlib.h>
#include <string.h>

static const struct pg_statement select_terms = {
    .name = "agreed_terms",
    .sql = "SELECT version, encode(digest, 'hex') AS digest, body,"
           " (extract(epoch FROM known_from) * 1000000)::bigint AS known_from"
           " FROM reckoner.terms WHERE provider = $1 AND contract = $2 AND state = 'approved' AND known_from <= $3"
           " ORDER BY version",
    .parameters = 3,
};

void agreed_terms_free(struct agreed_terms *t)
{
    for (size_t i = 0; i < t->count; i++) {
        /* Owned here; const for those who only read them. */
        terms_free((struct terms *)t->version[i].terms);
        free((char *)t->version[i].digest);
    }
    free(t->version);
    t->version = NULL;
    t->count = 0;
}

struct terms *stored_terms_parse(const char *body)
{
    struct json_problem problem;
    json_t *json = json_read(body, strlen(body), &problem);
    if (json == NULL)
        return NULL;
    struct terms *t = terms_parse(json, &problem);
    json_decref(json);
    return t;
}

static bool read_version(const PGresult *r, int row, struct terms_version *v)
{
    struct terms *terms = stored_terms_parse(pg_text(r, row, "body"));
    char *digest = strdup(pg_text(r, row, "digest"));
    if (terms == NULL || digest == NULL) {
        terms_free(terms);
        free(digest);
        return false;
    }
    v->version = (int32_t)pg_i64(r, row, "version");
    v->known_from = pg_instant(r, row, "known_from");
    v->digest = digest;
    v->terms = terms;
    return true;
}

enum pg_status agreed_terms_load(struct pg *pg, const char *provider, const char *contract, instant_t known_at,
                                 struct agreed_terms *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    struct agreed_terms t = {NULL, 0};
    pg_args_id(&a, provider, contract);
    pg_arg_instant(&a, known_at);
    enum pg_status status = pg_run(pg, &select_terms, &a, &r);
    if (status != PG_OK)
        return status;
    int rows = PQntuples(r);
    t.version = calloc((size_t)rows + 1, sizeof *t.version);
    if (t.version == NULL)
        status = PG_FAILED;
    for (int i = 0; status == PG_OK && i < rows; i++) {
        if (read_version(r, i, &t.version[i]))
            t.count++;
        else
            status = PG_FAILED;
    }
    PQclear(r);
    if (status != PG_OK) {
        agreed_terms_free(&t);
        return status;
    }
    *out = t;
    return PG_OK;
}

const struct terms_version *agreed_terms_in_force(const struct agreed_terms *t, month_t month, instant_t known_at)
{
    return terms_in_force(t->version, t->count, month, known_at);
}
