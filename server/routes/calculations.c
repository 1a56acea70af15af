/* Questions about an account whose answer issues nothing: a bridge between two runs, a forecast of the year, terms
 * tried out over past months. Asked for here, answered by the worker, seen by both parties and their auditors. */
#include "base/parse.h"
#include "domain/terms.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/calculation.h"
#include "store/contract.h"
#include "store/job.h"
#include "store/terms.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first column that a list leaves out is the result. */
static const struct column calculation_columns[] = {
    {"calculation", COLUMN_TEXT}, {"kind", COLUMN_TEXT},        {"commissioner", COLUMN_TEXT},
    {"request", COLUMN_JSON},     {"person", COLUMN_TEXT},      {"asked_at", COLUMN_INSTANT},
    {"state", COLUMN_TEXT},       {"known_at", COLUMN_INSTANT}, {"finished_at", COLUMN_INSTANT},
    {"reason", COLUMN_TEXT},      {"sha256", COLUMN_TEXT},      {"remove_after", COLUMN_INSTANT},
    {NULL, COLUMN_TEXT}};
static const struct column result_columns[] = {{"result", COLUMN_JSON}, {NULL, COLUMN_TEXT}};
static const struct list_form calculation_list_form = {
    .columns = calculation_columns,
    .cursor = {"asked_at", "calculation"},
    .empty = "Nothing of this kind was asked for this contract; POST here asks"};

static bool is_kind(const char *kind)
{
    return kind != NULL && (strcmp(kind, "bridge") == 0 || strcmp(kind, "forecast") == 0 ||
                            strcmp(kind, "what_if") == 0 || strcmp(kind, "position") == 0);
}

void calculations_list(struct request *r)
{
    struct page page;
    struct pg_newest newest;
    const char *kind = request_query(r, "kind");
    if (!request_path_ident(r, 1) || !request_newest(r, &page, &newest))
        return;
    if (kind != NULL && !is_kind(kind)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "kind", "kind is bridge, forecast, what_if or position");
        return;
    }
    PGresult *result = NULL;
    enum pg_status status = contract_visible(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = calculation_list(r->pg, r->path_values[0], r->path_values[1], kind, &newest, &result);
    reply_page(r, status, result, &page, &calculation_list_form);
}

static json_t *answer_json(const PGresult *row)
{
    json_t *object = row_object(row, 0, calculation_columns);
    json_t *result = row_object(row, 0, result_columns);
    bool complete = object != NULL && result != NULL && json_object_update(object, result) == 0;
    json_decref(result);
    if (complete)
        return object;
    json_decref(object);
    return NULL;
}

static void reply_canonical(struct request *r, const PGresult *row)
{
    char name[48];
    if (pg_is_null(row, 0, "result")) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "There is no answer: the calculation is %s",
                      pg_text(row, 0, "state"));
        return;
    }
    const char *bytes = pg_text(row, 0, "result");
    snprintf(name, sizeof name, "calculation-%s.json", pg_text(row, 0, "calculation"));
    reply_bytes(r, 200, "application/json", bytes, strlen(bytes), pg_text(row, 0, "sha256"), name);
}

void calculations_get(struct request *r)
{
    const char *format = request_query(r, "format");
    PGresult *row = NULL;
    if (!request_path_ident(r, 1) || !request_path_ident(r, 2))
        return;
    if (format != NULL && strcmp(format, "json") != 0 && strcmp(format, "canonical") != 0) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "format",
                      "format is json or canonical (the exact bytes of the digest)");
        return;
    }
    enum pg_status status = calculation_get(r->pg, r->path_values[0], r->path_values[1], r->path_values[2], &row);
    if (status != PG_OK)
        reply_store(r, status);
    else if (format != NULL && strcmp(format, "canonical") == 0)
        reply_canonical(r, row);
    else
        reply_body(r, answer_json(row));
    PQclear(row);
}

/* ----------------------------------------------------------------------------------------------------------- asking */

struct asking {
    struct calculation_request c;
    json_t *kept;        /* the request as it is kept: terms by their digest */
    char *request;       /* canonical */
    struct terms *terms; /* sent with the request */
    char *terms_body;
    month_t from; /* 0: not asked for */
    month_t to;
    int64_t version; /* of the terms tried out; 0: they were sent */
};

static void asking_free(struct asking *a)
{
    json_decref(a->kept);
    free(a->request);
    terms_free(a->terms);
    free(a->terms_body);
}

/* One end of a bridge: {"run", "month"?}. */
static bool read_end(struct request *r, const char *side)
{
    static const struct json_member members[] = {{"run", JSON_KIND_TEXT, true, 20, 20},
                                                 {"month", JSON_KIND_MONTH, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem = {"", ""};
    const json_t *end = json_object_get(r->body, side);
    char pointer[16];
    month_t month;
    (void)snprintf(pointer, sizeof pointer, "/%s", side);
    if (!json_check(end, members, pointer, &problem)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
        return false;
    }
    const char *text = json_text(end, "month");
    if (text != NULL && !month_parse(text, strlen(text), &month)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, pointer, "month is written YYYY-MM");
        return false;
    }
    return true;
}

static bool read_bridge(struct request *r, struct asking *a)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 10},
                                                 {"commissioner", JSON_KIND_TEXT, true, 3, 6},
                                                 {"older", JSON_KIND_OBJECT, true, 0, 0},
                                                 {"newer", JSON_KIND_OBJECT, true, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    (void)a;
    return body_check(r, members) && read_end(r, "older") && read_end(r, "newer");
}

static bool read_forecast(struct request *r, struct asking *a)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 10},
                                                 {"commissioner", JSON_KIND_TEXT, true, 3, 6},
                                                 {"to", JSON_KIND_MONTH, true, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    return body_check(r, members) && body_month(r, "to", &a->to);
}

/* The position as a run at the end of a day would have found it. */
static bool read_position(struct request *r, struct asking *a)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 10},
                                                 {"commissioner", JSON_KIND_TEXT, true, 3, 6},
                                                 {"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"as_known_on", JSON_KIND_TEXT, true, 10, 10},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    date_t day = 0;
    instant_t known_at;
    return body_check(r, members) && body_month(r, "month", &a->to) && body_date(r, "as_known_on", &day) &&
           day_is_over(r, "/as_known_on", day, &known_at);
}

static bool read_sent_terms(struct request *r, struct asking *a)
{
    struct json_problem problem = {"", ""};
    size_t length = 0;
    a->terms = terms_parse(json_object_get(r->body, "terms"), &problem);
    if (a->terms == NULL) {
        char field[sizeof problem.field + 8];
        (void)snprintf(field, sizeof field, "/terms%s", problem.field);
        reply_problem(r, PROBLEM_INVALID_TERMS, field, "%s", problem.message);
        return false;
    }
    a->terms_body = terms_canonical(a->terms, &length);
    if (a->terms_body == NULL)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the terms");
    return a->terms_body != NULL;
}

static bool read_what_if(struct request *r, struct asking *a)
{
    static const struct json_member members[] = {{"kind", JSON_KIND_TEXT, true, 1, 10},
                                                 {"commissioner", JSON_KIND_TEXT, true, 3, 6},
                                                 {"from", JSON_KIND_MONTH, false, 0, 0},
                                                 {"to", JSON_KIND_MONTH, true, 0, 0},
                                                 {"version", JSON_KIND_INTEGER, false, 1, INT32_MAX},
                                                 {"terms", JSON_KIND_OBJECT, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members) || !body_month(r, "to", &a->to))
        return false;
    if (json_text(r->body, "from") != NULL && !body_month(r, "from", &a->from))
        return false;
    a->version = json_int(r->body, "version", 0);
    bool sent = json_is_object(json_object_get(r->body, "terms"));
    if (sent == (a->version != 0)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/terms", "Name a version of the terms or send terms, one of both");
        return false;
    }
    return !sent || read_sent_terms(r, a);
}

/* PG_INVALID: a problem was replied. */
static enum pg_status find_version(struct request *r, struct asking *a)
{
    PGresult *row = NULL;
    enum pg_status status = terms_get(r->pg, a->c.provider, a->c.contract, a->version, false, &row);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_NOT_FOUND, "/version", "There is no version %lld of the terms", (long long)a->version);
        return PG_INVALID;
    }
    if (status != PG_OK)
        return status;
    a->terms_body = strdup(pg_text(row, 0, "body"));
    PQclear(row);
    return a->terms_body == NULL ? PG_FAILED : PG_OK;
}

static bool of_year(struct request *r, const char *name, month_t month, int64_t year)
{
    char pointer[16];
    if (month == 0 || month_financial_year(month) == year)
        return true;
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    reply_problem(r, PROBLEM_MALFORMED_JSON, pointer, "The contract is for the financial year %lld", (long long)year);
    return false;
}

/* Whether terms sent along, where there are any, are such as the contract could have; false: replied. */
static bool terms_fit(struct request *r, const struct asking *a, const PGresult *contract)
{
    const struct terms_contract fixed = {.provider = a->c.provider,
                                         .commissioners = pg_text(contract, 0, "commissioners"),
                                         .financial_year = (int32_t)pg_i64(contract, 0, "financial_year"),
                                         .shadow = strcmp(pg_text(contract, 0, "mode"), "shadow") == 0};
    struct json_problem problem;
    char field[220];
    if (a->terms == NULL || terms_fit_contract(a->terms, &fixed, &problem))
        return true;
    snprintf(field, sizeof field, "/terms%s", problem.field);
    reply_problem(r, PROBLEM_INVALID_TERMS, field, "%s", problem.message);
    return false;
}

/* Months lie in the contract's year, in order; terms are the contract's. */
static enum pg_status check_fits(struct request *r, struct asking *a)
{
    PGresult *row = NULL;
    enum pg_status status = contract_get(r->pg, a->c.provider, a->c.contract, &row);
    if (status != PG_OK)
        return status;
    int64_t year = pg_i64(row, 0, "financial_year");
    bool fits = of_year(r, strcmp(a->c.kind, "position") == 0 ? "month" : "to", a->to, year) &&
                of_year(r, "from", a->from, year);
    if (fits && a->from > a->to) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/from", "from is not after to");
        fits = false;
    }
    fits = fits && terms_fit(r, a, row);
    PQclear(row);
    if (!fits)
        return PG_INVALID;
    return a->version == 0 ? PG_OK : find_version(r, a);
}

/* The run of one end is one of the account that the caller may see. */
static enum pg_status check_run(struct request *r, const struct asking *a, const char *side)
{
    char pointer[20];
    struct run run;
    enum pg_status status = run_get(r->pg, a->c.provider, json_text(json_object_get(r->body, side), "run"), &run);
    if (status == PG_OK && strcmp(run.account.contract, a->c.contract) == 0 &&
        strcmp(run.account.commissioner, a->c.commissioner) == 0)
        return PG_OK;
    if (status != PG_OK && status != PG_NONE)
        return status;
    (void)snprintf(pointer, sizeof pointer, "/%s/run", side);
    reply_problem(r, PROBLEM_NOT_FOUND, pointer, "This account has no such run");
    return PG_INVALID;
}

static enum pg_status find_allowance(struct request *r)
{
    enum allowance left = ALLOWANCE_LEFT;
    int64_t per_day = r->config->calculations_per_day;
    enum pg_status status = calculation_allowance(r->pg, r->caller.organisation, r->begun_at, per_day, &left);
    if (status != PG_OK || left == ALLOWANCE_LEFT)
        return status;
    reply_allowance(
        r, left, &(struct allowed){PROBLEM_TOO_MANY_CALCULATIONS, "calculations", CALCULATIONS_WAITING, per_day, ""});
    return PG_INVALID;
}

/* What was asked, with the digest of the terms in their place. */
static bool keep_request(struct request *r, struct asking *a)
{
    unsigned char sha256[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof sha256 + 1];
    size_t length = 0;
    a->kept = json_deep_copy(r->body);
    if (a->kept == NULL)
        return false;
    if (a->terms_body != NULL) {
        crypto_hash_sha256(sha256, (const unsigned char *)a->terms_body, strlen(a->terms_body));
        hex_encode(sha256, sizeof sha256, hex);
        (void)json_object_del(a->kept, "terms");
        if (!json_put(a->kept, "terms_sha256", json_string(hex)))
            return false;
    }
    a->request = json_canonical(a->kept, &length);
    a->c.request = a->request;
    a->c.terms = a->terms_body;
    return a->request != NULL;
}

static enum pg_status write_question(struct request *r, struct asking *a)
{
    char id[IDENT_SIZE], job[IDENT_SIZE], subject[80], location[128];
    ident_new(id);
    a->c.id = id;
    enum pg_status status = calculation_ask(r->pg, &a->c);
    if (status == PG_INVALID || status == PG_DENIED)
        return PG_NONE; /* no such account of theirs */
    if (status == PG_OK)
        status = job_add(r->pg, a->c.provider, "calculate", id, job);
    (void)snprintf(subject, sizeof subject, "contract/%s/calculation/%s", a->c.contract, id);
    if (status == PG_OK)
        status = request_audit(r, a->c.provider, "calculation.ask", subject, json_pack("{s:s}", "kind", a->c.kind));
    if (status != PG_OK)
        return status;
    (void)snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/calculations/%s", a->c.provider,
                   a->c.contract, id);
    reply_accepted(r, json_pack("{s:s, s:s}", "calculation", id, "job", job), location);
    return PG_OK;
}

static enum pg_status ask(struct request *r, void *context)
{
    struct asking *a = context;
    enum pg_status status = find_allowance(r);
    if (status == PG_OK)
        status = check_fits(r, a);
    if (status == PG_OK && strcmp(a->c.kind, "bridge") == 0) {
        status = check_run(r, a, "older");
        if (status == PG_OK)
            status = check_run(r, a, "newer");
    }
    if (status != PG_OK)
        return status;
    return keep_request(r, a) ? write_question(r, a) : PG_FAILED;
}

void calculations_ask(struct request *r)
{
    const char *kind = json_text(r->body, "kind");
    struct asking a = {.c = {.provider = r->path_values[0],
                             .contract = r->path_values[1],
                             .kind = kind,
                             .organisation = r->caller.organisation,
                             .person = r->caller.person,
                             .at = r->begun_at}};
    if (!request_path_ident(r, 1))
        return;
    if (r->caller.role == ROLE_AUDITOR && (kind == NULL || strcmp(kind, "position") != 0)) {
        reply_problem(r, PROBLEM_FORBIDDEN, "/kind", "An auditor asks for positions as known on a day alone");
        return;
    }
    if (!is_kind(kind)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/kind", "kind is bridge, forecast, what_if or position");
        return;
    }
    bool good = strcmp(kind, "bridge") == 0     ? read_bridge(r, &a)
                : strcmp(kind, "forecast") == 0 ? read_forecast(r, &a)
                : strcmp(kind, "position") == 0 ? read_position(r, &a)
                                                : read_what_if(r, &a);
    a.c.commissioner = json_text(r->body, "commissioner");
    if (good)
        request_act(r, ask, &a);
    asking_free(&a);
}
