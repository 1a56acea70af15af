#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/run_windows.h"
#include "store/agreed_terms.h"
#include "store/document.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column document_columns[] = {
    {"id", COLUMN_TEXT},
    {"contract", COLUMN_TEXT},
    {"commissioner", COLUMN_TEXT},
    {"bill_to", COLUMN_TEXT},
    {"run", COLUMN_TEXT},
    {"month", COLUMN_MONTH},
    {"type", COLUMN_TEXT},
    {"n", COLUMN_INTEGER},
    {"instalment", COLUMN_INTEGER},
    {"kind", COLUMN_TEXT},
    {"state", COLUMN_TEXT},
    {"number", COLUMN_INTEGER},
    {"position_pence", COLUMN_INTEGER},
    {"billed_pence", COLUMN_INTEGER},
    {"opening_pence", COLUMN_INTEGER},
    {"on_account_pence", COLUMN_INTEGER},
    {"balance_pence", COLUMN_INTEGER},
    {"held_pence", COLUMN_INTEGER},
    {"eacv_pence", COLUMN_INTEGER},
    {"terms_version", COLUMN_INTEGER},
    {"drafted_at", COLUMN_INSTANT},
    {"proposed_by", COLUMN_TEXT},
    {"proposed_at", COLUMN_INSTANT},
    {"issued_by", COLUMN_TEXT},
    {"issued_at", COLUMN_INSTANT},
    {"due_on", COLUMN_DATE},
    {"revision", COLUMN_INTEGER},
    {NULL, COLUMN_TEXT},
};
static const struct list_form document_list_form = {.columns = document_columns,
                                                    .cursor = {"id"},
                                                    .empty =
                                                        "No billing run has drafted a document that fits the query"};

static const struct column line_columns[] = {
    {"line_no", COLUMN_INTEGER},     {"line_key", COLUMN_TEXT}, {"stage", COLUMN_TEXT},
    {"month", COLUMN_MONTH},         {"cluster", COLUMN_TEXT},  {"basis", COLUMN_TEXT},
    {"price_pence", COLUMN_INTEGER}, {"units", COLUMN_INTEGER}, {"pence", COLUMN_INTEGER},
    {"label", COLUMN_TEXT},          {NULL, COLUMN_TEXT},
};

static const struct column reference_columns[] = {
    {"id", COLUMN_TEXT}, {"number", COLUMN_INTEGER}, {"kind", COLUMN_TEXT}, {NULL, COLUMN_TEXT}};

/* Why a document of a run that raised itself is not nil, month by month. */
static const struct column bridge_columns[] = {
    {"month", COLUMN_MONTH}, {"cause", COLUMN_TEXT}, {"pence", COLUMN_INTEGER}, {NULL, COLUMN_TEXT}};

static const struct column ledger_columns[] = {{"seq", COLUMN_INTEGER},
                                               {"ledger_account", COLUMN_TEXT},
                                               {"pence", COLUMN_INTEGER},
                                               {"posted_at", COLUMN_INSTANT},
                                               {NULL, COLUMN_TEXT}};

static bool state_is_known(const char *state)
{
    static const char *const known[] = {"draft", "proposed", "issued", "superseded"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(state, known[i]) == 0)
            return true;
    }
    return false;
}

void documents_list(struct request *r)
{
    struct page page;
    PGresult *result = NULL;
    date_t day;
    instant_t known_at;
    if (!request_page(r, &page) || !request_as_known(r, &day, &known_at))
        return;
    const struct document_query q = {
        .provider = r->path_values[0],
        .contract = request_query(r, "contract"),
        .commissioner = request_query(r, "commissioner"),
        .state = request_query(r, "state"),
        .known_at = known_at,
        .after = page.after,
        .limit = page.limit + 1,
    };
    if (q.state != NULL && !state_is_known(q.state)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "state", "state is draft, proposed, issued or superseded");
        return;
    }
    enum pg_status status = document_list(r->pg, &q, &result);
    reply_page(r, status, result, &page, &document_list_form);
}

/* All rows of a result, which is cleared; NULL when memory ran out. */
static json_t *rows_of(PGresult *result, const struct column *columns)
{
    json_t *list = json_array();
    for (int i = 0; list != NULL && i < PQntuples(result); i++) {
        if (json_array_append_new(list, row_object(result, i, columns)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    PQclear(result);
    return list;
}

/* The document with its lines, references, bridge and ledger; known_at INSTANT_NONE: as it is. */
static enum pg_status whole_document(struct request *r, const char *provider, const char *id, instant_t known_at,
                                     json_t **body, char etag[24])
{
    static const struct {
        const char *member;
        enum pg_status (*read)(struct pg *pg, const char *provider, const char *id, PGresult **result);
        const struct column *columns;
    } parts[] = {{"lines", document_lines, line_columns},
                 {"references", document_references, reference_columns},
                 {"bridge", document_bridge, bridge_columns},
                 {"ledger", document_ledger, ledger_columns}};
    PGresult *result = NULL;
    enum pg_status status = document_view(r->pg, provider, id, known_at, &result);
    if (status != PG_OK)
        return status;
    snprintf(etag, 24, "%lld", (long long)pg_i64(result, 0, "revision"));
    json_t *document = row_object(result, 0, document_columns);
    PQclear(result);
    for (size_t i = 0; status == PG_OK && i < sizeof parts / sizeof parts[0]; i++) {
        status = parts[i].read(r->pg, provider, id, &result);
        if (status == PG_OK && !json_put(document, parts[i].member, rows_of(result, parts[i].columns)))
            status = PG_FAILED;
    }
    /* Ledger and number come about together: at issue. */
    if (status == PG_OK && json_is_null(json_object_get(document, "number")) &&
        !json_put(document, "ledger", json_array()))
        status = PG_FAILED;
    if (status != PG_OK) {
        json_decref(document);
        return status;
    }
    *body = document;
    return PG_OK;
}

void documents_get(struct request *r)
{
    json_t *body = NULL;
    char etag[24];
    char target[96];
    date_t day;
    instant_t known_at;
    if (!request_path_ident(r, 1) || !request_as_known(r, &day, &known_at))
        return;
    enum pg_status status = whole_document(r, r->path_values[0], r->path_values[1], known_at, &body, etag);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    if (json_text(body, "run") != NULL) {
        snprintf(target, sizeof target, "/v1/providers/%s/runs/%s", r->path_values[0], json_text(body, "run"));
        reply_link(r, "run", target);
    }
    reply_json(r, 200, body, known_at == INSTANT_NONE ? etag : NULL);
}

/* The document as it is now, as the answer to an act upon it. */
static enum pg_status reply_document(struct request *r)
{
    json_t *body = NULL;
    char etag[24];
    enum pg_status status = whole_document(r, r->path_values[0], r->path_values[1], INSTANT_NONE, &body, etag);
    if (status == PG_OK)
        reply_json(r, 200, body, etag);
    return status;
}

/* The document, locked, if it is of the revision that the caller has seen. PG_INVALID: a problem was replied. */
static enum pg_status state_as_seen(struct request *r, struct document_state *state)
{
    char etag[24];
    enum pg_status status = document_state_for_update(r->pg, r->path_values[0], r->path_values[1], state);
    if (status != PG_OK)
        return status;
    snprintf(etag, sizeof etag, "%lld", (long long)state->revision);
    return request_if_match(r, etag) ? PG_OK : PG_INVALID;
}

static enum pg_status audit(struct request *r, const char *act)
{
    char subject[64];
    snprintf(subject, sizeof subject, "document/%s", r->path_values[1]);
    return request_audit(r, r->path_values[0], act, subject, NULL);
}

static enum pg_status propose(struct request *r, void *context)
{
    struct document_state state;
    (void)context;
    enum pg_status status = state_as_seen(r, &state);
    if (status != PG_OK)
        return status;
    if (strcmp(state.state, "draft") != 0) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The document is %s; only a draft can be proposed", state.state);
        return PG_INVALID;
    }
    status =
        document_propose(r->pg, r->path_values[0], r->path_values[1], state.revision, r->caller.person, r->begun_at);
    if (status == PG_OK)
        status = audit(r, "document.propose");
    return status == PG_OK ? reply_document(r) : status;
}

void documents_propose(struct request *r)
{
    if (request_path_ident(r, 1))
        request_act(r, propose, NULL);
}

/* The version whose calendar says when a document is paid: its run's, as known to it, or its instalment's. */
static const struct terms *terms_of(const struct document_terms *d, const struct agreed_terms *agreed)
{
    const struct terms_version *v = d->terms_version == 0 ? agreed_terms_in_force(agreed, d->month, d->known_at) : NULL;
    for (size_t i = 0; d->terms_version != 0 && i < agreed->count; i++) {
        if (agreed->version[i].version == d->terms_version)
            v = &agreed->version[i];
    }
    return v == NULL ? NULL : v->terms;
}

/* Its due date, were it issued now: *due stays NULL where there is none. *holidays are the caller's to free.
 * PG_INVALID: a problem was replied. */
static enum pg_status find_due(struct request *r, date_t **holidays, struct due_date *found,
                               const struct due_date **due)
{
    struct document_terms d;
    struct agreed_terms agreed = {NULL, 0};
    size_t count = 0;
    enum pg_status status = document_terms(r->pg, r->path_values[0], r->path_values[1], &d);
    if (status != PG_OK || d.nil)
        return status;
    status = agreed_terms_load(r->pg, r->path_values[0], d.contract, d.known_at, &agreed);
    if (status != PG_OK)
        return status;
    const struct terms *t = terms_of(&d, &agreed);
    bool agreed_on = t != NULL && t->payment.present;
    if (agreed_on && t->payment.operational_days > 0)
        status = request_bank_holidays(r, holidays, &count);
    if (agreed_on && status == PG_OK) {
        switch (due_date_compute(t, d.month, london_date(r->begun_at), *holidays, count, found)) {
        case DUE_ON:
            *due = found;
            break;
        case DUE_NO_CALENDAR:
            reply_problem(r, PROBLEM_CONFLICT, NULL,
                          "The due date cannot be computed: the operator loads the bank holidays of the years to come");
            status = PG_INVALID;
            break;
        case DUE_NOT_AGREED:
            break;
        }
    }
    agreed_terms_free(&agreed);
    return status;
}

/* The database function checks everything under the account's lock: revision, state, two persons, billed before. */
static enum pg_status issue(struct request *r, void *context)
{
    const int64_t *revision = context;
    int64_t number = 0;
    date_t *holidays = NULL;
    struct due_date found;
    const struct due_date *due = NULL;
    enum pg_status status = document_lock_account(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = request_order_act(r);
    if (status == PG_OK)
        status = find_due(r, &holidays, &found, &due);
    if (status == PG_OK)
        status = document_issue(r->pg, r->path_values[0], r->path_values[1], *revision, r->begun_at, due, &number);
    free(holidays);
    if (status == PG_REFUSED && strcmp(pg_message(r->pg), "same_person") == 0) {
        pg_rollback(r->pg); /* the refusal ended the transaction, and nothing can be looked up in it */
        reply_same_person(r, "Who proposed a document does not issue it; another person of the provider does");
    }
    if (status == PG_OK)
        status = audit(r, "document.issue");
    return status == PG_OK ? reply_document(r) : status;
}

void documents_issue(struct request *r)
{
    int64_t revision = 0;
    if (!request_path_ident(r, 1))
        return;
    if (r->if_match == NULL) {
        reply_problem(r, PROBLEM_PRECONDITION_REQUIRED, "If-Match", "The current ETag is needed in If-Match");
        return;
    }
    if (!parse_i64_within(r->if_match, strlen(r->if_match), 1, INT32_MAX, &revision)) {
        reply_problem(r, PROBLEM_PRECONDITION_FAILED, "If-Match", "If-Match is not an ETag of this document");
        return;
    }
    request_act(r, issue, &revision);
}
