/* Versions of the terms: draft, read, replace, withdraw. Approvals are in approvals.c. */
#include "routes/terms.h"
#include "base/parse.h"
#include "domain/terms_example.h"
#include "domain/terms_lint.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/contract.h"
#include "store/terms.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct column terms_columns[] = {{"version", COLUMN_INTEGER},      {"state", COLUMN_TEXT},
                                       {"effective_from", COLUMN_MONTH}, {"digest", COLUMN_TEXT},
                                       {"author", COLUMN_TEXT},          {"created_at", COLUMN_INSTANT},
                                       {"known_from", COLUMN_INSTANT},   {"approvals", COLUMN_INTEGER},
                                       {"revision", COLUMN_INTEGER},     {NULL, COLUMN_TEXT}};
static const struct list_form terms_list_form = {
    .columns = terms_columns, .cursor = {"version"}, .empty = "No version was drafted; POST here drafts one"};

void terms_route_list(struct request *r)
{
    struct page page;
    int64_t before = 0;
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (request_query(r, "as_known_on") != NULL) {
        terms_list_as_known(r);
        return;
    }
    if (!page_number(r, page.after, 1, INT32_MAX, &before))
        return;
    PGresult *result = NULL;
    enum pg_status status = contract_visible(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = terms_list(r->pg, r->path_values[0], r->path_values[1], before, page.limit + 1, &result);
    reply_page(r, status, result, &page, &terms_list_form);
}

/* The header, the approvals (each with the digest of what the approver saw), and the terms themselves. */
static json_t *terms_document(const PGresult *terms, const PGresult *approvals)
{
    static const struct column approval_columns[] = {{"side", COLUMN_TEXT},           {"digest", COLUMN_TEXT},
                                                     {"organisation", COLUMN_TEXT},   {"person", COLUMN_TEXT},
                                                     {"approved_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
    struct json_problem problem;
    const char *text = pg_text(terms, 0, "body");
    json_t *document = row_object(terms, 0, terms_columns);
    json_t *list = json_array();
    for (int row = 0; row < PQntuples(approvals) && list != NULL; row++)
        if (json_array_append_new(list, row_object(approvals, row, approval_columns)) != 0)
            break;
    if (document != NULL && json_put(document, "approvals", list) &&
        json_put(document, "terms", json_read(text, strlen(text), &problem)))
        return document;
    json_decref(document);
    return NULL;
}

static void reply_terms(struct request *r, const PGresult *terms, bool canonical)
{
    char etag[24], name[48];
    snprintf(etag, sizeof etag, "%s", pg_text(terms, 0, "revision"));
    if (canonical) {
        const char *body = pg_text(terms, 0, "body");
        snprintf(name, sizeof name, "terms-%s.json", pg_text(terms, 0, "version"));
        reply_bytes(r, 200, "application/json", body, strlen(body), etag, name);
        return;
    }
    PGresult *approvals = NULL;
    enum pg_status status =
        terms_approvals(r->pg, r->path_values[0], r->path_values[1], pg_i64(terms, 0, "version"), &approvals);
    if (status == PG_OK)
        reply_json(r, 200, terms_document(terms, approvals), etag);
    else
        reply_store(r, status);
    PQclear(approvals);
}

void terms_route_get(struct request *r)
{
    int64_t version;
    const char *format = request_query(r, "format");
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &version))
        return;
    if (format != NULL && strcmp(format, "json") != 0 && strcmp(format, "canonical") != 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "format",
                      "format is json or canonical (the exact bytes of the digest)");
        return;
    }
    PGresult *result = NULL;
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], version, false, &result);
    if (status == PG_OK)
        reply_terms(r, result, format != NULL && strcmp(format, "canonical") == 0);
    else
        reply_store(r, status);
    PQclear(result);
}

struct drafting {
    struct terms_draft draft;
    struct terms *terms;
    json_t *examples; /* what they came to */
    json_t *lint;     /* what the linter found */
    char *body;
    unsigned char digest[32];
    char mode[8];
};

static void drafting_free(struct drafting *d)
{
    terms_free(d->terms);
    json_decref(d->examples);
    json_decref(d->lint);
    free(d->body);
}

/* Parses the body; false: a problem was replied. */
static bool drafting_read(struct request *r, struct drafting *d)
{
    struct json_problem problem;
    memset(&problem, 0, sizeof problem);
    memset(d, 0, sizeof *d);
    d->terms = terms_parse(r->body, &problem);
    if (d->terms == NULL) {
        reply_problem(r, PROBLEM_INVALID_TERMS, problem.field, "%s", problem.message);
        return false;
    }
    size_t length = 0;
    int32_t failing;
    d->body = terms_canonical(d->terms, &length);
    d->examples = examples_json(d->terms, &failing);
    d->lint = terms_lint(r->body);
    if (d->body == NULL || d->examples == NULL || d->lint == NULL) {
        reply_problem(r, PROBLEM_INTERNAL, NULL, "Memory ran out");
        drafting_free(d);
        return false;
    }
    crypto_hash_sha256(d->digest, (const unsigned char *)d->body, length);
    d->draft = (struct terms_draft){.provider = r->path_values[0],
                                    .contract = r->path_values[1],
                                    .mode = d->mode,
                                    .effective_from = d->terms->effective_from,
                                    .digest = d->digest,
                                    .body = d->body,
                                    .author = r->caller.person,
                                    .created_at = r->begun_at};
    return true;
}

/* Year, mode and parties are the contract's for good. */
static enum pg_status drafting_fits(struct request *r, struct drafting *d)
{
    PGresult *result = NULL;
    struct json_problem problem;
    enum pg_status status = contract_get(r->pg, d->draft.provider, d->draft.contract, &result);
    if (status != PG_OK)
        return status;
    snprintf(d->mode, sizeof d->mode, "%s", pg_text(result, 0, "mode"));
    const struct terms_contract contract = {.provider = d->draft.provider,
                                            .commissioners = pg_text(result, 0, "commissioners"),
                                            .financial_year = (int32_t)pg_i64(result, 0, "financial_year"),
                                            .shadow = strcmp(d->mode, "shadow") == 0};
    bool fits = terms_fit_contract(d->terms, &contract, &problem);
    PQclear(result);
    if (!fits)
        reply_problem(r, PROBLEM_INVALID_TERMS, problem.field, "%s", problem.message);
    return fits ? PG_OK : PG_INVALID;
}

static void terms_subject(const struct request *r, int64_t version, char *out, size_t size)
{
    snprintf(out, size, "contract/%s/terms/%lld", r->path_values[1], (long long)version);
}

static enum pg_status audit_terms(struct request *r, const char *act, int64_t version, const unsigned char *digest)
{
    char subject[80], hex[65] = "";
    terms_subject(r, version, subject, sizeof subject);
    if (digest != NULL)
        hex_encode(digest, 32, hex);
    return request_audit(r, r->path_values[0], act, subject, json_pack("{s:s}", "digest", hex));
}

/* The header, what the examples came to, and how much the linter found. */
static enum pg_status reply_drafted(struct request *r, int64_t version, const struct drafting *d, bool created)
{
    PGresult *result = NULL;
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], version, false, &result);
    if (status != PG_OK)
        return status;
    char location[128], etag[24];
    snprintf(etag, sizeof etag, "%s", pg_text(result, 0, "revision"));
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/terms/%lld", r->path_values[0],
             r->path_values[1], (long long)version);
    json_t *body = row_object(result, 0, terms_columns);
    PQclear(result);
    if (body != NULL && (json_object_set(body, "examples", d->examples) != 0 ||
                         !json_put(body, "lint", terms_lint_counts(r, version, d->lint)))) {
        json_decref(body);
        body = NULL;
    }
    if (created)
        reply_created(r, body, location, etag);
    else
        reply_json(r, 200, body, etag);
    return PG_OK;
}

static enum pg_status draft(struct request *r, void *context)
{
    struct drafting *d = context;
    enum pg_status status = drafting_fits(r, d);
    if (status == PG_OK)
        status = contract_lock(r->pg, d->draft.provider, d->draft.contract);
    int64_t version = 0;
    if (status == PG_OK)
        status = terms_add(r->pg, &d->draft, &version);
    if (status == PG_OK)
        status = audit_terms(r, "terms.draft", version, d->digest);
    return status == PG_OK ? reply_drafted(r, version, d, true) : status;
}

void terms_route_draft(struct request *r)
{
    struct drafting d;
    if (!request_path_ident(r, 1) || !drafting_read(r, &d))
        return;
    request_act(r, draft, &d);
    drafting_free(&d);
}

/* Locks the version and checks that the caller may change it now; *revision is for the update. */
static enum pg_status lock_own_draft(struct request *r, int64_t version, bool replaces, int64_t *revision)
{
    PGresult *result = NULL;
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], version, true, &result);
    if (status != PG_OK)
        return status;
    char etag[24];
    snprintf(etag, sizeof etag, "%s", pg_text(result, 0, "revision"));
    *revision = pg_i64(result, 0, "revision");
    bool is_draft = strcmp(pg_text(result, 0, "state"), "draft") == 0;
    bool ours = pg_bool(result, 0, "ours"), approved = pg_i64(result, 0, "approvals") > 0;
    PQclear(result);
    if (!ours)
        reply_problem(r, PROBLEM_FORBIDDEN, NULL, "The organisation that drafted a version changes or withdraws it");
    else if (!is_draft)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This version is no longer a draft; draft a new one");
    else if (replaces && approved)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "A party has approved this version; withdraw it and draft a new one");
    else if (request_if_match(r, etag))
        return PG_OK;
    return PG_INVALID;
}

static enum pg_status replace(struct request *r, void *context)
{
    struct drafting *d = context;
    int64_t revision = 0;
    enum pg_status status = lock_own_draft(r, d->draft.version, true, &revision);
    if (status == PG_OK)
        status = drafting_fits(r, d);
    if (status == PG_OK)
        status = terms_replace(r->pg, &d->draft, revision);
    if (status == PG_OK)
        status = audit_terms(r, "terms.replace", d->draft.version, d->digest);
    return status == PG_OK ? reply_drafted(r, d->draft.version, d, false) : status;
}

void terms_route_replace(struct request *r)
{
    struct drafting d;
    int64_t version;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &version) || !drafting_read(r, &d))
        return;
    d.draft.version = version;
    request_change(r, replace, &d);
    drafting_free(&d);
}

static enum pg_status withdraw(struct request *r, void *context)
{
    int64_t version = *(int64_t *)context, revision = 0;
    enum pg_status status = lock_own_draft(r, version, false, &revision);
    if (status == PG_OK)
        status = terms_withdraw(r->pg, r->path_values[0], r->path_values[1], version, revision);
    if (status == PG_OK)
        status = audit_terms(r, "terms.withdraw", version, NULL);
    if (status == PG_OK)
        reply_nothing(r);
    return status;
}

void terms_route_withdraw(struct request *r)
{
    int64_t version;
    if (request_path_ident(r, 1) && request_path_number(r, 2, &version))
        request_change(r, withdraw, &version);
}
