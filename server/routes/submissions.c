#include "routes/submissions.h"
#include "routes/signed_file.h"

#include "base/parse.h"
#include "domain/rules.h"
#include "domain/unchecked.h"
#include "routes/common.h"
#include "routes/finding_view.h"
#include "store/finding_known.h"
#include "store/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)8 << 20) /* 500 findings of at most 8 KiB each are the half */

/* What a state means for whoever waits, and the ways out of it. */
static const char *state_sentence(const char *state)
{
    static const struct {
        const char *state;
        const char *sentence;
    } table[] = {
        {"received", "Waits for validation, or is being validated; see the job."},
        {"refused",
         "A rule of the whole file is broken, so no row was taken; see the findings, mend the file and send it"
         " again."},
        {"held", "Suspiciously short (F13). Confirm it if it is complete, or send the whole month again."},
        {"accepted", "Taken as a whole. A later accepted version of the month replaces it."},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].state, state) == 0)
            return table[i].sentence;
    }
    return "";
}

/* The rules that validation could not ask in full, because the operator had not loaded what they look at. */
static json_t *unchecked_of(const struct submission *s)
{
    unsigned missing = 0;
    if (s->validated_at == 0)
        return json_null();
    for (const char *kind = s->reference_missing; *kind != '\0';) {
        size_t length = strcspn(kind, " ");
        missing |= unchecked_need_of_kind(kind, length);
        kind += length + (kind[length] == ' ');
    }
    return unchecked_json(missing);
}

json_t *submission_json(const struct submission *s)
{
    char month[8];
    char sha256[2 * SUBMISSION_SHA256_SIZE + 1];
    month_format(s->month, month);
    hex_encode(s->sha256, SUBMISSION_SHA256_SIZE, sha256);
    json_t *o = json_object();
    bool ok =
        o && json_put(o, "submission", json_string(s->id)) && json_put(o, "provider", json_string(s->provider)) &&
        json_put(o, "month", json_string(month)) && json_put(o, "version", json_integer(s->version)) &&
        json_put(o, "state", json_string(s->state)) && json_put(o, "meaning", json_string(state_sentence(s->state))) &&
        json_put(o, "uploaded_by", json_string(s->uploaded_by)) &&
        json_put(o, "media_type", json_string(s->media_type)) &&
        json_put(o, "content_encoding", json_string(s->content_encoding)) &&
        json_put(o, "column_mapping", s->column_mapping ? json_integer(s->column_mapping) : json_null()) &&
        json_put(o, "bytes", json_integer(s->bytes)) && json_put(o, "sha256", json_string(sha256)) &&
        json_put(o, "row_count", count_or_null(s->declared_rows)) &&
        json_put(o, "caseload", count_or_null(s->caseload)) && json_put(o, "begun_at", instant_or_null(s->begun_at)) &&
        json_put(o, "completed_at", instant_or_null(s->completed_at)) &&
        json_put(o, "validated_at", instant_or_null(s->validated_at)) &&
        json_put(o, "confirmed", json_boolean(s->confirmed)) && json_put(o, "rows", count_or_null(s->rows)) &&
        json_put(o, "empty_rows", count_or_null(s->empty_rows)) &&
        json_put(o, "payable_rows", count_or_null(s->payable_rows)) &&
        json_put(o, "rule_set", s->rule_set[0] ? json_string(s->rule_set) : json_null()) &&
        json_put(o, "rules_not_checked", unchecked_of(s)) && json_put(o, "evaluation", json_integer(s->evaluation));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

/* A commissioner reads what was accepted; what a provider is still mending is its own affair. */
static bool may_read(const struct request *r, const struct submission *s)
{
    return r->caller.role != ROLE_COMMISSIONER || strcmp(s->state, "accepted") == 0;
}

/* The submission of the path. false: a problem was replied. */
static bool find(struct request *r, struct submission *s)
{
    if (!request_path_ident(r, 1))
        return false;
    enum pg_status status = submission_get(r->pg, r->path_values[0], r->path_values[1], s);
    if (status == PG_OK && !may_read(r, s))
        status = PG_NONE;
    if (status == PG_OK)
        return true;
    reply_store(r, status);
    return false;
}

void submissions_list(struct request *r)
{
    struct page page;
    month_t month = 0;
    int64_t below = 0;
    if (!request_path_month(r, 1, &month) || !request_page(r, &page))
        return;
    if (!page_number(r, page.after, 1, INT32_MAX, &below))
        return;
    PGresult *result = NULL;
    enum pg_status status = submission_list(r->pg, r->path_values[0], month, below, page.limit + 1, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *items = json_array();
    int64_t count = PQntuples(result);
    int64_t shown = count < page.limit ? count : page.limit;
    struct submission s = {.version = 0};
    bool ok = items != NULL;
    for (int64_t i = 0; i < shown && ok; i++) {
        submission_read(result, (int)i, &s);
        if (may_read(r, &s))
            ok = json_array_append_new(items, submission_json(&s)) == 0;
    }
    PQclear(result);
    json_t *body = json_object();
    char cursor[24] = "";
    if (count > shown)
        (void)snprintf(cursor, sizeof cursor, "%lld", (long long)s.version);
    json_t *next = count > shown ? reply_next(r, &page, cursor) : json_null();
    if (!ok || !body || json_object_set_new(body, "items", items) != 0 || !json_put(body, "next", next) ||
        !list_says_why_empty(body,
                             "No file for this month was sent and accepted, or none on this page that you may see")) {
        json_decref(body);
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the list");
        return;
    }
    reply_json(r, 200, body, NULL);
}

/* Which version is used instead of an accepted one. */
static enum pg_status put_replacement(struct request *r, const struct submission *s, json_t *body)
{
    struct submission newest = {.version = 0};
    bool replaced = false;
    enum pg_status status = PG_NONE;
    if (strcmp(s->state, "accepted") == 0)
        status = submission_accepted(r->pg, s->provider, s->month, 0, &newest);
    if (status == PG_OK)
        replaced = newest.version > s->version;
    if (!json_put(body, "replaced_by", replaced ? json_string(newest.id) : json_null()))
        return PG_FAILED;
    return status == PG_NONE ? PG_OK : status;
}

void submissions_get(struct request *r)
{
    struct submission s;
    if (!find(r, &s))
        return;
    struct job_state job;
    json_t *body = submission_json(&s);
    enum pg_status status = body ? put_replacement(r, &s, body) : PG_OK;
    if (status == PG_OK)
        status = job_latest(r->pg, s.provider, "validate", s.id, &job);
    bool ok = body != NULL;
    if (ok && status == PG_OK) {
        json_t *j = json_object();
        ok = j && json_put(j, "job", json_string(job.id)) && json_put(j, "state", json_string(job.state)) &&
             json_put(j, "done_units", json_integer(job.done_units)) &&
             json_put(j, "all_units", count_or_null(job.all_units)) &&
             json_put(j, "problem", job.problem[0] ? json_string(job.problem) : json_null());
        ok = json_object_set_new(body, "validation", j) == 0 && ok;
    }
    if (!ok || (status != PG_OK && status != PG_NONE)) {
        json_decref(body);
        if (ok)
            reply_store(r, status);
        else
            reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
        return;
    }
    char target[160];
    (void)snprintf(target, sizeof target, "/v1/providers/%s/submissions/%s/findings", s.provider, s.id);
    reply_link(r, "findings", target);
    (void)snprintf(target, sizeof target, "/v1/providers/%s/submissions/%s/receipt", s.provider, s.id);
    reply_link(r, "receipt", target);
    reply_json(r, 200, body, NULL);
}

/* rule, severity and row of the query. false: a problem was replied. */
static bool read_filters(struct request *r, struct finding_query *q)
{
    memset(q, 0, sizeof *q);
    q->provider = r->path_values[0];
    q->id = r->path_values[1];
    q->rule = request_query(r, "rule");
    q->severity = request_query(r, "severity");
    q->row = -1;
    q->after.row = -1;
    enum rule_id rule;
    enum severity severity;
    if (q->rule && !rule_by_name(q->rule, &rule)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "rule", "There is no rule of this id");
        return false;
    }
    if (q->severity && !severity_by_name(q->severity, &severity)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "severity", "severity is FILE, ERROR, QUERY or WARN");
        return false;
    }
    const char *row = request_query(r, "row");
    if (row && !parse_i64_within(row, strlen(row), 0, INT32_MAX, &q->row)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "row", "row is the number of a row: 1 is the first, 0 the file itself");
        return false;
    }
    return true;
}

/* Cursor: "row.rule" of the last finding shown; "row.rule.own" when that one has a severity of its own. */
#define CURSOR_OWN ".own"

static bool read_cursor(struct request *r, struct page *page, struct finding_query *q)
{
    if (!page->after[0])
        return true;
    char rule[4] = "";
    char *dot = strchr(page->after, '.');
    if (dot && strlen(dot) >= 4 &&
        parse_i64_within(page->after, (size_t)(dot - page->after), 0, INT32_MAX, &q->after.row)) {
        memcpy(rule, dot + 1, 3);
        q->after.own_severity = strcmp(dot + 4, CURSOR_OWN) == 0;
        if (rule_by_name(rule, &q->after.rule) && (dot[4] == '\0' || q->after.own_severity))
            return true;
    }
    return bad_cursor(r);
}

/* Why a list is empty, so that nobody has to guess. */
static const char *empty_reason(const struct finding_page *found, const struct finding_query *q)
{
    if (strcmp(found->state, "received") == 0)
        return "Validation has not ended yet";
    if (found->read_to >= 0)
        return "No finding of the rows read so far matches; next goes on behind them";
    if (q->rule || q->severity || q->row >= 0)
        return "No finding matches the filter";
    return "No finding";
}

static json_t *next_of(struct request *r, const struct page *page, const struct finding_page *found)
{
    char cursor[32];
    if (found->count > page->limit) {
        int last = found->at[page->limit - 1];
        (void)snprintf(cursor, sizeof cursor, "%s.%s%s", pg_text(found->result, last, "row_no"),
                       pg_text(found->result, last, "rule"),
                       pg_bool(found->result, last, "own_severity") ? CURSOR_OWN : "");
        return reply_next(r, page, cursor);
    }
    if (found->read_to < 0)
        return json_null();
    struct finding_place end = finding_row_end(found->read_to);
    (void)snprintf(cursor, sizeof cursor, "%lld.%s%s", (long long)end.row, rule_get(end.rule)->id, CURSOR_OWN);
    return reply_next(r, page, cursor);
}

/* Written as text at once: pages of findings are what is read most. */
static void write_findings(struct request *r, const struct finding_query *q, const struct page *page,
                           const struct finding_page *found, struct buf *out)
{
    struct finding_view view;
    int shown = found->count < page->limit ? found->count : (int)page->limit;
    finding_view_begin(&view, r, found->result);
    (void)buf_append_text(out, "{\"items\":[");
    for (int i = 0; i < shown; i++) {
        (void)buf_append_text(out, i > 0 ? ",{" : "{");
        finding_view_write(&view, found->at[i], out);
        (void)buf_append_char(out, '}');
    }
    (void)buf_append_text(out, "],\"evaluation\":");
    (void)buf_append_i64(out, found->evaluation);
    (void)buf_append_text(out, ",\"next\":");
    (void)json_append(out, next_of(r, page, found));
    if (shown == 0) {
        (void)buf_append_text(out, ",\"empty_because\":");
        (void)json_append_text(out, empty_reason(found, q));
    }
    (void)buf_append_char(out, '}');
}

void submissions_findings(struct request *r)
{
    struct finding_query q;
    struct finding_page found;
    struct page page;
    struct buf out;
    date_t day;
    if (!request_path_ident(r, 1) || !read_filters(r, &q) || !request_page(r, &page) || !read_cursor(r, &page, &q) ||
        !request_as_known(r, &day, &q.known_at))
        return;
    q.limit = page.limit + 1;
    enum pg_status status = finding_list(r->pg, &q, &found);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    buf_init(&out, PAGE_BYTES);
    write_findings(r, &q, &page, &found, &out);
    finding_page_free(&found);
    reply_written(r, 200, &out);
}

static json_t *summary_line(const PGresult *result, int row)
{
    /* Unknown is not nothing: without a price for any of the rows there is no sum. */
    bool unknown = pg_is_null(result, row, "pence") && pg_i64(result, row, "unknown_rows") > 0;
    json_t *o = json_object();
    bool ok =
        o && json_put(o, "findings", json_integer(pg_i64(result, row, "findings"))) &&
        json_put(o, "rows", json_integer(pg_i64(result, row, "rows"))) &&
        json_put(o, "amount_at_stake_pence", unknown ? json_null() : json_integer(pg_i64(result, row, "pence"))) &&
        json_put(o, "rows_of_unknown_amount", json_integer(pg_i64(result, row, "unknown_rows")));
    if (ok && !pg_is_null(result, row, "severity"))
        ok = json_put(o, "severity", json_string(pg_text(result, row, "severity")));
    if (ok && !pg_is_null(result, row, "rule")) {
        enum rule_id rule;
        const char *name = pg_text(result, row, "rule");
        ok = json_put(o, "rule", json_string(name)) &&
             json_put(o, "sentence", json_string(rule_by_name(name, &rule) ? rule_get(rule)->sentence : ""));
    }
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *summary_body(const char *state, int64_t evaluation, const PGresult *result)
{
    json_t *body = json_object();
    json_t *by_rule = json_array();
    json_t *by_severity = json_array();
    bool ok = body && json_object_set_new(body, "by_rule", by_rule) == 0;
    ok = json_object_set_new(body, "by_severity", by_severity) == 0 && ok;
    for (int i = 0; i < PQntuples(result) && ok; i++) {
        json_t *line = summary_line(result, i);
        if (!pg_is_null(result, i, "rule"))
            ok = json_array_append_new(by_rule, line) == 0;
        else if (!pg_is_null(result, i, "severity"))
            ok = json_array_append_new(by_severity, line) == 0;
        else
            ok = json_object_set_new(body, "total", line) == 0;
    }
    if (ok && json_put(body, "state", json_string(state)) && json_put(body, "evaluation", json_integer(evaluation)))
        return body;
    json_decref(body);
    return NULL;
}

static void summary_as_known(struct request *r, const struct finding_query *q)
{
    PGresult *result = NULL;
    enum pg_status status = finding_summary_known(r->pg, q, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = summary_body("accepted", pg_i64(result, 0, "evaluation"), result);
    PQclear(result);
    reply_body(r, body);
}

void submissions_findings_summary(struct request *r)
{
    struct submission s;
    struct finding_query q;
    date_t day;
    if (!find(r, &s) || !read_filters(r, &q) || !request_as_known(r, &day, &q.known_at))
        return;
    if (q.known_at != INSTANT_NONE) {
        summary_as_known(r, &q);
        return;
    }
    q.submission = s.no;
    q.evaluation = s.evaluation;
    q.commissioner = r->caller.role == ROLE_COMMISSIONER ? r->caller.organisation : NULL;
    PGresult *result = NULL;
    enum pg_status status = finding_summary(r->pg, &q, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = summary_body(s.state, s.evaluation, result);
    PQclear(result);
    reply_body(r, body);
}

static void serve_receipt(struct request *r, enum signed_part part)
{
    struct submission s;
    char record[IDENT_SIZE];
    char month[8];
    char stem[80];
    if (!find(r, &s))
        return;
    enum pg_status status = submission_receipt(r->pg, s.provider, s.no, record);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL,
                      "The receipt is signed when validation ends; see the submission's state");
        return;
    }
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    month_format(s.month, month);
    (void)snprintf(stem, sizeof stem, "receipt-%s-%s-v%lld", s.provider, month, (long long)s.version);
    const struct signed_file f = {s.provider, "receipt", record, stem};
    reply_signed_file(r, &f, part);
}

void submissions_receipt(struct request *r)
{
    serve_receipt(r, SIGNED_BYTES);
}

void submissions_receipt_signature(struct request *r)
{
    serve_receipt(r, SIGNED_SIGNATURE);
}

void submissions_receipt_minisig(struct request *r)
{
    serve_receipt(r, SIGNED_MINISIG);
}

static enum pg_status confirm(struct request *r, void *context)
{
    const struct submission *s = context;
    char job[IDENT_SIZE];
    char subject[64];
    struct submission newer;
    enum pg_status status = submission_lock_month(r->pg, s->provider, s->month);
    if (status == PG_OK)
        status = submission_accepted(r->pg, s->provider, s->month, 0, &newer);
    if (status == PG_OK && newer.version > s->version) {
        reply_problem(r, PROBLEM_CONFLICT, NULL,
                      "Version %lld of the month was accepted after this one was sent and would be used instead. Send"
                      " the whole month again if this one is right",
                      (long long)newer.version);
        return PG_INVALID;
    }
    if (status == PG_OK || status == PG_NONE)
        status = submission_confirm(r->pg, s->provider, s->id, r->caller.person, r->begun_at);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "Only a held submission is confirmed; this one is %s. %s", s->state,
                      state_sentence(s->state));
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = job_add(r->pg, s->provider, "validate", s->id, job);
    (void)snprintf(subject, sizeof subject, "submission/%s", s->id);
    if (status == PG_OK)
        status = request_audit(r, s->provider, "submission.confirm", subject, NULL);
    struct submission now;
    if (status == PG_OK)
        status = submission_get(r->pg, s->provider, s->id, &now);
    if (status != PG_OK)
        return status;
    json_t *body = submission_json(&now);
    if (!body || !json_put(body, "job", json_string(job))) {
        json_decref(body);
        return PG_FAILED;
    }
    char location[100];
    (void)snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", s->provider, job);
    reply_accepted(r, body, location);
    return PG_OK;
}

void submissions_confirm(struct request *r)
{
    struct submission s;
    if (find(r, &s) && upload_is_there(r, s.provider, s.id))
        request_act(r, confirm, &s);
}
