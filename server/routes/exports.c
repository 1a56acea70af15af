/* Files of findings, fix-it files, bundles and the audit trail: asked for, made by the worker, fetched part by part.
 * The key of a fix-it file is the caller's; it is in clear here only while a request runs and its bytes go out. */
#include "base/parse.h"
#include "domain/rules.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "signing/keyfile.h"
#include "signing/reading_key.h"
#include "signing/seal.h"
#include "store/export.h"
#include "store/job.h"
#include "store/sample.h"
#include "store/statement.h"
#include "store/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_HEADER "Reading-Key"

static const struct column export_columns[] = {{"export", COLUMN_TEXT},
                                               {"kind", COLUMN_TEXT},
                                               {"format", COLUMN_TEXT},
                                               {"person", COLUMN_TEXT},
                                               {"asked_at", COLUMN_INSTANT},
                                               {"commissioner", COLUMN_TEXT},
                                               {"first_month", COLUMN_MONTH},
                                               {"last_month", COLUMN_MONTH},
                                               {"as_known_on", COLUMN_DATE},
                                               {"rule", COLUMN_TEXT},
                                               {"severity", COLUMN_TEXT},
                                               {"cluster", COLUMN_TEXT},
                                               {"submission", COLUMN_TEXT},
                                               {"statement", COLUMN_TEXT},
                                               {"checkpoint", COLUMN_INTEGER},
                                               {"whole", COLUMN_BOOLEAN},
                                               {"state", COLUMN_TEXT},
                                               {"finished_at", COLUMN_INSTANT},
                                               {"lines", COLUMN_INTEGER},
                                               {"control_total_pence", COLUMN_INTEGER},
                                               {"rows_of_unknown_amount", COLUMN_INTEGER},
                                               {"bytes", COLUMN_INTEGER},
                                               {"sha256", COLUMN_TEXT},
                                               {"remove_after", COLUMN_INSTANT},
                                               {NULL, COLUMN_TEXT}};
static const struct list_form export_list_form = {
    .columns = export_columns, .cursor = {"asked_at", "export"}, .empty = "Your organisation has asked for none"};

/* Takes the key out of the request and wipes it there. false: a problem was replied. */
static bool take_key(struct request *r, uint8_t key[READING_KEY_SIZE])
{
    const char *text = request_header(r, KEY_HEADER);
    bool good = text != NULL && reading_key_parse(text, key);
    request_wipe_header(r, KEY_HEADER);
    if (!good)
        reply_problem(r, PROBLEM_BAD_PARAMETER, KEY_HEADER,
                      "The header " KEY_HEADER " holds 64 hexadecimal digits from a random source; keep them, the file"
                      " is fetched with the same");
    return good;
}

static bool seal_key(struct request *r, uint8_t sealed[READING_KEY_SIZE + SEAL_BOX_OVERHEAD])
{
    uint8_t key[READING_KEY_SIZE];
    uint8_t public_key[SEAL_PUBLIC_KEY_SIZE];
    char error[300];
    if (!take_key(r, key))
        return false;
    bool done = keyfile_public(r->config->seal_public_key_file, "the public seal key", public_key, sizeof public_key,
                               error, sizeof error) &&
                seal_box(public_key, key, sizeof key, sealed);
    sodium_memzero(key, sizeof key);
    if (!done)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The key cannot be sealed to the worker");
    return done;
}

/* PG_INVALID: the organisation has asked for too many, and a problem was replied. */
static enum pg_status find_allowance(struct request *r)
{
    enum allowance left = ALLOWANCE_LEFT;
    int64_t per_day = r->config->exports_per_day;
    enum pg_status status = export_allowance(r->pg, r->caller.organisation, r->begun_at, per_day, &left);
    if (status != PG_OK || left == ALLOWANCE_LEFT)
        return status;
    reply_allowance(r, left, &(struct allowed){PROBLEM_TOO_MANY_EXPORTS, "files", EXPORTS_WAITING, per_day, ""});
    return PG_INVALID;
}

/* Export, job and audit event in one transaction. */
static enum pg_status ask(struct request *r, void *context)
{
    struct export_request *x = context;
    char id[IDENT_SIZE], job[IDENT_SIZE], subject[40], location[100];
    ident_new(id);
    x->id = id;
    enum pg_status status = find_allowance(r);
    if (status == PG_OK)
        status = export_ask(r->pg, x);
    if (status == PG_OK)
        status = job_add(r->pg, x->provider, "export", id, job);
    (void)snprintf(subject, sizeof subject, "export/%s", id);
    if (status == PG_OK)
        status = request_audit(r, x->provider, "export.ask", subject, NULL);
    if (status != PG_OK)
        return status;
    (void)snprintf(location, sizeof location, "/v1/providers/%s/exports/%s", x->provider, id);
    reply_accepted(r, json_pack("{s:s, s:s}", "export", id, "job", job), location);
    return PG_OK;
}

static void begin_request(const struct request *r, struct export_request *x, const char *kind)
{
    memset(x, 0, sizeof *x);
    x->provider = r->path_values[0];
    x->kind = kind;
    x->organisation = r->caller.organisation;
    x->person = r->caller.person;
    x->at = r->begun_at;
    x->as_known_on = DATE_NONE;
}

static bool is_format(struct request *r, const char *format)
{
    if (strcmp(format, "csv") == 0 || strcmp(format, "ndjson") == 0)
        return true;
    reply_problem(r, PROBLEM_MALFORMED_JSON, "/format", "format is csv or ndjson");
    return false;
}

static bool read_filters(struct request *r, struct export_request *x)
{
    enum rule_id rule;
    enum severity severity;
    instant_t known_at;
    if (!body_date(r, "as_known_on", &x->as_known_on) ||
        (x->as_known_on != DATE_NONE && !day_is_over(r, "/as_known_on", x->as_known_on, &known_at)))
        return false;
    x->rule = json_text(r->body, "rule");
    x->severity = json_text(r->body, "severity");
    x->cluster = json_text(r->body, "cluster");
    x->commissioner = r->caller.role == ROLE_COMMISSIONER ? r->caller.organisation : json_text(r->body, "commissioner");
    if (x->rule && !rule_by_name(x->rule, &rule)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/rule", "There is no rule of this id");
        return false;
    }
    if (x->severity && (!severity_by_name(x->severity, &severity) || severity == SEVERITY_FILE)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/severity", "severity is ERROR, QUERY or WARN");
        return false;
    }
    if (x->last < x->first) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/to", "to is not before from");
        return false;
    }
    return is_format(r, x->format);
}

void exports_ask(struct request *r)
{
    static const struct json_member members[] = {{"format", JSON_KIND_TEXT, true, 1, 10},
                                                 {"from", JSON_KIND_MONTH, true, 0, 0},
                                                 {"to", JSON_KIND_MONTH, true, 0, 0},
                                                 {"commissioner", JSON_KIND_TEXT, false, 3, 6},
                                                 {"as_known_on", JSON_KIND_TEXT, false, 10, 10},
                                                 {"rule", JSON_KIND_TEXT, false, 3, 3},
                                                 {"severity", JSON_KIND_TEXT, false, 4, 5},
                                                 {"cluster", JSON_KIND_TEXT, false, 2, 2},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct export_request x;
    begin_request(r, &x, "findings");
    if (!body_check(r, members) || !body_month(r, "from", &x.first) || !body_month(r, "to", &x.last))
        return;
    x.format = json_text(r->body, "format");
    if (read_filters(r, &x))
        request_act(r, ask, &x);
}

void exports_ask_fix_it(struct request *r)
{
    static const struct json_member members[] = {{"rows", JSON_KIND_TEXT, true, 3, 8},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct export_request x;
    struct submission s;
    uint8_t sealed[READING_KEY_SIZE + SEAL_BOX_OVERHEAD];
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    begin_request(r, &x, "fix_it");
    const char *rows = json_text(r->body, "rows");
    if (strcmp(rows, "all") != 0 && strcmp(rows, "findings") != 0) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/rows", "rows is all, or findings: only rows that have some");
        return;
    }
    enum pg_status status = submission_get(r->pg, x.provider, r->path_values[1], &s);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    if (s.validated_at == 0) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "Validation has not ended yet; ask again when it has");
        return;
    }
    if (!upload_is_there(r, x.provider, s.id) || !seal_key(r, sealed))
        return;
    x.submission = s.id;
    x.format = strcmp(s.media_type, "text/csv") == 0 ? "csv" : "ndjson";
    x.whole = strcmp(rows, "all") == 0;
    x.sealed_key = sealed;
    x.sealed_length = sizeof sealed;
    request_act(r, ask, &x);
}

/* Whoever may read the statement may have its bundle. */
void exports_ask_bundle(struct request *r)
{
    struct export_request x;
    PGresult *view = NULL;
    if (!request_path_ident(r, 1))
        return;
    begin_request(r, &x, "bundle");
    enum pg_status status = statement_view(r->pg, x.provider, r->path_values[1], &view);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    x.statement = r->path_values[1];
    x.commissioner = pg_text(view, 0, "commissioner");
    x.format = "tar";
    request_act(r, ask, &x);
    PQclear(view);
}

/* With the checkpoint that the sample's seed is made of, so that the offline programs draw the same rows. */
void exports_ask_sample_bundle(struct request *r)
{
    struct export_request x;
    PGresult *sample = NULL;
    if (!request_path_ident(r, 1))
        return;
    begin_request(r, &x, "bundle");
    enum pg_status status = sample_get(r->pg, x.provider, r->path_values[1], false, &sample);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    x.statement = pg_text(sample, 0, "statement");
    x.commissioner = pg_text(sample, 0, "commissioner");
    x.checkpoint = pg_i64(sample, 0, "checkpoint");
    x.format = "tar";
    if (x.checkpoint > 0)
        request_act(r, ask, &x);
    else
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The sample has its checkpoint once its nonce is shown");
    PQclear(sample);
}

/* The provider's view, or a commissioner's; auditors say whose. */
void exports_ask_audit(struct request *r)
{
    static const struct json_member members[] = {{"after", JSON_KIND_INTEGER, false, 0, INT64_MAX},
                                                 {"commissioner", JSON_KIND_TEXT, false, 3, 6},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct export_request x;
    if (!body_check(r, members))
        return;
    begin_request(r, &x, "audit");
    x.format = "ndjson";
    x.after_link = json_int(r->body, "after", 0);
    x.commissioner = json_text(r->body, "commissioner");
    if (r->caller.role == ROLE_COMMISSIONER && x.commissioner == NULL)
        x.commissioner = r->caller.organisation;
    request_act(r, ask, &x);
}

void exports_list(struct request *r)
{
    struct page page;
    struct pg_newest newest;
    if (!request_newest(r, &page, &newest))
        return;
    PGresult *result = NULL;
    enum pg_status status = export_list(r->pg, r->path_values[0], &newest, &result);
    reply_page(r, status, result, &page, &export_list_form);
}

/* The export of the path. false: a problem was replied. */
static bool find(struct request *r, PGresult **result)
{
    if (!request_path_ident(r, 1))
        return false;
    enum pg_status status = export_get(r->pg, r->path_values[0], r->path_values[1], result);
    if (status != PG_OK)
        reply_store(r, status);
    return status == PG_OK;
}

void exports_get(struct request *r)
{
    PGresult *result = NULL;
    if (!find(r, &result))
        return;
    char target[100];
    (void)snprintf(target, sizeof target, "/v1/providers/%s/exports/%s/file", r->path_values[0], r->path_values[1]);
    if (strcmp(pg_text(result, 0, "state"), "done") == 0)
        reply_link(r, "file", target);
    json_t *body = row_object(result, 0, export_columns);
    PQclear(result);
    reply_json(r, 200, body, NULL);
}

struct download {
    char provider[8];
    char id[IDENT_SIZE];
    int64_t next;
    int64_t chunks;
    bool sealed;
    uint8_t key[READING_KEY_SIZE];
};

/* A chunk as it is fetched; malloc'd. */
static bool chunk(const struct download *d, const PGresult *result, char **bytes, size_t *length)
{
    const char *stored = PQgetvalue(result, 0, 0);
    size_t n = (size_t)PQgetlength(result, 0, 0);
    char context[64];
    (void)snprintf(context, sizeof context, "%s/%s/%lld", d->provider, d->id, (long long)d->next);
    if (d->sealed && n <= READING_OVERHEAD)
        return false;
    *length = d->sealed ? n - READING_OVERHEAD : n;
    *bytes = malloc(*length);
    if (*bytes == NULL)
        return false;
    if (!d->sealed) {
        memcpy(*bytes, stored, n);
        return true;
    }
    if (reading_open(d->key, context, stored, n, (uint8_t *)*bytes))
        return true;
    free(*bytes);
    *bytes = NULL;
    return false;
}

static bool next_part(struct request *r, void *state, char **bytes, size_t *length)
{
    struct download *d = state;
    *length = 0;
    if (d->next == d->chunks)
        return true;
    PGresult *result = NULL;
    if (export_part(r->pg, d->provider, d->id, d->next, &result) != PG_OK)
        return false;
    bool ok = chunk(d, result, bytes, length);
    PQclear(result);
    d->next++;
    return ok;
}

static void finish_download(void *state)
{
    sodium_memzero(state, sizeof(struct download));
    free(state);
}

/* Does the key open the file? Asked before the first byte goes out. */
static bool key_fits(struct request *r, const struct download *d)
{
    PGresult *result = NULL;
    char *bytes = NULL;
    size_t length = 0;
    if (d->chunks == 0)
        return true;
    enum pg_status status = export_part(r->pg, d->provider, d->id, 0, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    bool ok = chunk(d, result, &bytes, &length);
    PQclear(result);
    if (ok)
        sodium_memzero(bytes, length);
    free(bytes);
    if (!ok)
        reply_problem(r, PROBLEM_BAD_PARAMETER, KEY_HEADER, "This is not the key that the file was asked for with");
    return ok;
}

static enum pg_status note_fetch(struct request *r, const struct download *d)
{
    char subject[40];
    (void)snprintf(subject, sizeof subject, "export/%s", d->id);
    enum pg_status status = pg_begin(r->pg);
    if (status == PG_OK)
        status = request_audit(r, d->provider, "export.fetch", subject, NULL);
    if (status == PG_OK)
        return pg_commit(r->pg);
    pg_rollback(r->pg);
    return status;
}

static struct download *download_new(struct request *r, const PGresult *result)
{
    struct download *d = calloc(1, sizeof *d);
    if (d == NULL) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for the download");
        return NULL;
    }
    (void)snprintf(d->provider, sizeof d->provider, "%s", r->path_values[0]);
    (void)snprintf(d->id, sizeof d->id, "%s", r->path_values[1]);
    d->chunks = pg_i64(result, 0, "chunks");
    d->sealed = !pg_is_null(result, 0, "sealed_key");
    if (d->sealed && (!take_key(r, d->key) || !key_fits(r, d))) {
        finish_download(d);
        return NULL;
    }
    enum pg_status status = note_fetch(r, d);
    if (status == PG_OK)
        return d;
    finish_download(d);
    reply_store(r, status);
    return NULL;
}

static const char *media_type(const char *format)
{
    if (strcmp(format, "tar") == 0)
        return "application/x-tar";
    return strcmp(format, "csv") == 0 ? "text/csv" : "application/x-ndjson";
}

void exports_file(struct request *r)
{
    static const struct download_ops ops = {next_part, finish_download};
    PGresult *result = NULL;
    if (!find(r, &result))
        return;
    const char *state = pg_text(result, 0, "state");
    if (strcmp(state, "done") != 0) {
        bool queued = strcmp(state, "queued") == 0;
        PQclear(result);
        if (queued)
            reply_problem(r, PROBLEM_CONFLICT, NULL, "The file is not made yet; see its job");
        else
            reply_problem(r, PROBLEM_CONFLICT, NULL,
                          "The file's time is over and its bytes are gone; ask for it again");
        return;
    }
    struct download *d = download_new(r, result);
    if (d != NULL) {
        char name[64];
        const char *format = pg_text(result, 0, "format");
        const char *kind = d->sealed ? "fix-it" : pg_text(result, 0, "kind");
        (void)snprintf(name, sizeof name, "%s-%s-%s.%s", kind, d->provider, d->id, format);
        /* Identities are for the caller alone: no cache may keep what names them. */
        reply_download(r, media_type(format), pg_i64(result, 0, "bytes"),
                       d->sealed ? NULL : pg_text(result, 0, "sha256"), name, &ops, d);
    }
    PQclear(result);
}
