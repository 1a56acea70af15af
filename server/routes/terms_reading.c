/* Reading the terms: as known on a day, as a text to sign, by their examples, and what changed between two versions. */
#include "domain/terms_difference.h"
#include "domain/terms_example.h"
#include "domain/terms_text.h"
#include "routes/handlers.h"
#include "routes/terms.h"
#include "store/agreed_terms.h"
#include "store/contract.h"
#include "store/terms.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far beyond the longest text of the largest terms that are accepted. */
#define TEXT_MAXIMUM (16 * 1024 * 1024)

/* The twelve months, each with the version in force; null where none is. */
static json_t *months_in_force(const struct agreed_terms *agreed, int32_t financial_year, instant_t known_at)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (int32_t k = 0; good && k < TERMS_MONTHS; k++) {
        month_t month = financial_year_first(financial_year) + k;
        const struct terms_version *v = agreed_terms_in_force(agreed, month, known_at);
        char text[8], known[28] = "";
        json_t *one = json_object();
        month_format(month, text);
        if (v != NULL)
            instant_format(v->known_from, known);
        good = one != NULL && json_put(one, "month", json_string(text)) &&
               json_put(one, "version", v == NULL ? json_null() : json_integer(v->version)) &&
               json_put(one, "digest", v == NULL ? json_null() : json_string(v->digest)) &&
               json_put(one, "known_from", v == NULL ? json_null() : json_string(known));
        good = json_array_append_new(array, one) == 0 && good;
    }
    if (good)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *known_body(const PGresult *versions, json_t *in_force, date_t day)
{
    char text[11];
    json_t *body = json_object();
    json_t *items = json_array();
    date_format(day, text);
    bool good = items != NULL;
    for (int row = 0; good && row < PQntuples(versions); row++)
        good = json_array_append_new(items, row_object(versions, row, terms_columns)) == 0;
    good = json_put(body, "items", items) && good;
    good = json_put(body, "in_force", in_force) && good;
    good = good && json_put(body, "next", json_null()) && json_put(body, "as_known_on", json_string(text)) &&
           list_says_why_empty(body, "No version was known by the end of that day");
    if (good)
        return body;
    json_decref(body);
    return NULL;
}

void terms_list_as_known(struct request *r)
{
    date_t day = 0;
    instant_t known_at;
    if (!request_as_known(r, &day, &known_at))
        return;
    PGresult *contract = NULL, *versions = NULL;
    struct agreed_terms agreed = {NULL, 0};
    enum pg_status status = contract_get(r->pg, r->path_values[0], r->path_values[1], &contract);
    if (status == PG_OK)
        status = terms_list_known(r->pg, r->path_values[0], r->path_values[1], known_at, &versions);
    if (status == PG_OK)
        status = agreed_terms_load(r->pg, r->path_values[0], r->path_values[1], known_at, &agreed);
    if (status == PG_OK) {
        int32_t year = (int32_t)pg_i64(contract, 0, "financial_year");
        reply_body(r, known_body(versions, months_in_force(&agreed, year, known_at), day));
        agreed_terms_free(&agreed);
    } else {
        reply_store(r, status);
    }
    PQclear(versions);
    PQclear(contract);
}

/* A version and its content; PG_FAILED when the stored content cannot be read. The caller frees both. */
static enum pg_status load_version(struct request *r, int64_t version, PGresult **row, struct terms **terms)
{
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], version, false, row);
    if (status != PG_OK)
        return status;
    *terms = stored_terms_parse(pg_text(*row, 0, "body"));
    return *terms == NULL ? PG_FAILED : PG_OK;
}

void terms_route_text(struct request *r)
{
    int64_t version;
    PGresult *row = NULL, *contract = NULL;
    struct terms *terms = NULL;
    struct buf text;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &version))
        return;
    buf_init(&text, TEXT_MAXIMUM);
    enum pg_status status = load_version(r, version, &row, &terms);
    if (status == PG_OK)
        status = contract_get(r->pg, r->path_values[0], r->path_values[1], &contract);
    if (status != PG_OK) {
        reply_store(r, status);
    } else {
        const struct terms_heading heading = {.title = pg_text(contract, 0, "title"),
                                              .contract = r->path_values[1],
                                              .version = pg_text(row, 0, "version"),
                                              .state = pg_text(row, 0, "state"),
                                              .digest = pg_text(row, 0, "digest")};
        if (terms_text(terms, &heading, &text))
            reply_bytes(r, 200, "text/plain; charset=utf-8", text.data, text.length, NULL, NULL);
        else
            reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the text");
    }
    buf_free(&text);
    terms_free(terms);
    PQclear(contract);
    PQclear(row);
}

/* What a version is compared with, and what it may drop changes of. */
struct comparing {
    int64_t version;
    int64_t from; /* 0: the version that it overrides in the first month it speaks for */
    PGresult *row;
    struct terms *terms;
    PGresult *from_row;
    struct terms *from_terms;
    struct agreed_terms others; /* approved versions known before this one */
    instant_t known_from;       /* a draft: now */
};

static void comparing_free(struct comparing *c)
{
    agreed_terms_free(&c->others);
    terms_free(c->terms);
    terms_free(c->from_terms);
    PQclear(c->row);
    PQclear(c->from_row);
}

static enum pg_status load_comparing(struct request *r, struct comparing *c)
{
    enum pg_status status = load_version(r, c->version, &c->row, &c->terms);
    if (status != PG_OK)
        return status;
    bool approved = strcmp(pg_text(c->row, 0, "state"), "approved") == 0;
    c->known_from = approved ? pg_instant(c->row, 0, "known_from") : r->begun_at + 1;
    status = agreed_terms_load(r->pg, r->path_values[0], r->path_values[1], c->known_from - 1, &c->others);
    if (status != PG_OK)
        return status;
    if (c->from == 0) {
        const struct terms_version *before =
            agreed_terms_in_force(&c->others, c->terms->effective_from, c->known_from - 1);
        c->from = before == NULL ? 0 : before->version;
    }
    return c->from == 0 ? PG_OK : load_version(r, c->from, &c->from_row, &c->from_terms);
}

static json_t *comparison(const struct comparing *c)
{
    json_t *o = json_object();
    if (o != NULL && json_put(o, "version", json_integer(c->version)) &&
        json_put(o, "from", c->from == 0 ? json_null() : json_integer(c->from)) &&
        json_put(o, "items", c->from == 0 ? json_array() : terms_differences(c->from_terms, c->terms)) &&
        json_put(o, "dropped", terms_dropped_changes(c->others.version, c->others.count, c->terms, c->known_from)) &&
        list_says_why_empty(o, c->from == 0 ? "No version was in force before this one for the months it speaks for"
                                            : "The two versions say the same"))
        return o;
    json_decref(o);
    return NULL;
}

void terms_route_differences(struct request *r)
{
    struct comparing c = {0};
    const char *from = request_query(r, "from");
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &c.version))
        return;
    if (from != NULL && !parse_i64_within(from, strlen(from), 1, INT32_MAX, &c.from)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "from", "from is the number of a version");
        return;
    }
    enum pg_status status = load_comparing(r, &c);
    if (status == PG_OK)
        reply_body(r, comparison(&c));
    else
        reply_store(r, status);
    comparing_free(&c);
}

static json_t *examples_body(int64_t version, json_t *results, bool fail)
{
    json_t *o = json_object();
    bool good = json_put(o, "items", results);
    good = good && json_put(o, "version", json_integer(version)) && json_put(o, "all_pass", json_boolean(!fail)) &&
           json_put(o, "next", json_null()) &&
           list_says_why_empty(o, "The terms have no worked example, and cannot be approved without one");
    if (good)
        return o;
    json_decref(o);
    return NULL;
}

void terms_route_examples(struct request *r)
{
    int64_t version;
    PGresult *row = NULL;
    struct terms *terms = NULL;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &version))
        return;
    enum pg_status status = load_version(r, version, &row, &terms);
    if (status == PG_OK) {
        char pointer[EXAMPLE_POINTER_SIZE], sentence[EXAMPLE_SENTENCE_SIZE];
        int32_t failing;
        json_t *results = examples_json(terms, &failing);
        bool fail = results == NULL || examples_fail(results, pointer, sentence);
        reply_body(r, examples_body(version, results, fail));
    } else {
        reply_store(r, status);
    }
    terms_free(terms);
    PQclear(row);
}
