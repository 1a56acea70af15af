/* Findings across months and trusts: by pounds, in sums, by practice, over months. */
#include "base/parse.h"
#include "domain/rules.h"
#include "routes/common.h"
#include "routes/finding_view.h"
#include "routes/handlers.h"
#include "routes/question_filter.h"
#include "store/finding_known.h"

#include <stdio.h>
#include <string.h>

#define PAGE_BYTES ((size_t)8 << 20) /* 500 findings of at most 8 KiB each are the half */

static bool cursor_number(struct request *r, const char *part, int64_t *out)
{
    return page_number(r, part, -INT64_MAX, INT64_MAX, out);
}

static bool read_cursor(struct request *r, struct page *page, struct question_cursor *after)
{
    const char *parts[5];
    *after = (struct question_cursor){-INT64_MAX, "", 0, 0, ""};
    if (page->after[0] == '\0')
        return true;
    if (!page_parts(r, page, 5, parts))
        return false;
    after->provider = parts[1];
    after->mark = parts[4];
    return cursor_number(r, parts[0], &after->place) && cursor_number(r, parts[2], &after->submission) &&
           cursor_number(r, parts[3], &after->row);
}

/* The line of a finding, with where it is and whom it is about. */
static void write_found(const struct finding_view *view, int row, struct buf *out)
{
    char month[8];
    month_format(pg_month(view->result, row, "month"), month);
    (void)buf_append_char(out, '{');
    finding_view_write(view, row, out);
    (void)buf_append_text(out, ",\"provider\":");
    (void)json_append_text(out, pg_text(view->result, row, "provider"));
    (void)buf_append_format(out, ",\"month\":\"%s\",\"submission\":", month);
    (void)json_append_text(out, pg_text(view->result, row, "id"));
    (void)buf_append_text(out, ",\"pseudonym\":");
    if (pg_is_null(view->result, row, "pseudonym"))
        (void)buf_append_text(out, "null");
    else
        (void)json_append_text(out, pg_text(view->result, row, "pseudonym"));
    (void)buf_append_char(out, '}');
}

/* The body of a page of `shown` items; NULL: out of memory. next is taken over. */
static json_t *page_body(json_t *items, json_t *next, const char *empty)
{
    json_t *body = json_object();
    bool ok = json_put(body, "items", items);
    ok = json_put(body, "next", next) && ok;
    if (ok && list_says_why_empty(body, empty))
        return body;
    json_decref(body);
    return NULL;
}

static void write_page(struct request *r, const struct page *page, const PGresult *result, struct buf *out)
{
    struct finding_view view;
    int count = PQntuples(result);
    int shown = (int)(count < page->limit ? count : page->limit);
    finding_view_begin(&view, r, result);
    (void)buf_append_text(out, "{\"items\":[");
    for (int i = 0; i < shown; i++) {
        if (i > 0)
            (void)buf_append_char(out, ',');
        write_found(&view, i, out);
    }
    (void)buf_append_text(out, "],\"next\":");
    if (count > shown) {
        char cursor[120];
        int last = shown - 1;
        (void)snprintf(cursor, sizeof cursor, "%s/%s/%s/%s/%s", pg_text(result, last, "place"),
                       pg_text(result, last, "provider"), pg_text(result, last, "submission"),
                       pg_text(result, last, "row_no"), pg_text(result, last, "mark"));
        (void)json_append(out, reply_next(r, page, cursor));
    } else {
        (void)buf_append_text(out, "null");
    }
    if (shown == 0) {
        (void)buf_append_text(out, ",\"empty_because\":");
        (void)json_append_text(out, "No row that you may see has such a finding in these months");
    }
    (void)buf_append_char(out, '}');
}

void findings_list(struct request *r)
{
    struct question q;
    struct page page;
    struct question_cursor after;
    PGresult *result = NULL;
    if (!question_filter(r, &q) || !request_page(r, &page) || !read_cursor(r, &page, &after))
        return;
    enum pg_status status = q.known_at == INSTANT_NONE
                                ? question_findings(r->pg, &q, &after, page.limit + 1, &result)
                                : question_findings_known(r->pg, &q, &after, page.limit + 1, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    struct buf out;
    buf_init(&out, PAGE_BYTES);
    write_page(r, &page, result, &out);
    PQclear(result);
    reply_written(r, 200, &out);
}

/* Counts and the sum of a line; unknown is not nothing. */
static bool put_sums(json_t *o, const PGresult *result, int row)
{
    bool unknown = pg_is_null(result, row, "pence");
    return json_put(o, "findings", json_integer(pg_i64(result, row, "findings"))) &&
           json_put(o, "rows", json_integer(pg_i64(result, row, "rows"))) &&
           json_put(o, "amount_at_stake_pence", unknown ? json_null() : json_integer(pg_i64(result, row, "pence"))) &&
           json_put(o, "rows_of_unknown_amount", json_integer(pg_i64(result, row, "unknown_rows")));
}

static const struct {
    const char *name;
    enum question_group group;
} groups[] = {{"month", QUESTION_BY_MONTH},     {"provider", QUESTION_BY_PROVIDER},
              {"rule", QUESTION_BY_RULE},       {"severity", QUESTION_BY_SEVERITY},
              {"cluster", QUESTION_BY_CLUSTER}, {"commissioner", QUESTION_BY_COMMISSIONER}};

static json_t *sums_line(const PGresult *result, int row, const char *member)
{
    const char *key = pg_text(result, row, "key");
    enum rule_id rule;
    json_t *o = json_object();
    bool ok = o && json_put(o, member, json_string(key)) && put_sums(o, result, row);
    if (ok && strcmp(member, "rule") == 0)
        ok = json_put(o, "sentence", json_string(rule_by_name(key, &rule) ? rule_get(rule)->sentence : ""));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

/* All findings asked for, each row once. Nothing found is a line of zeros. */
static json_t *total_line(const PGresult *result)
{
    json_t *o = json_object();
    bool ok = o != NULL;
    if (ok && PQntuples(result) > 0)
        ok = put_sums(o, result, 0);
    else
        ok = ok && json_put(o, "findings", json_integer(0)) && json_put(o, "rows", json_integer(0)) &&
             json_put(o, "amount_at_stake_pence", json_integer(0)) &&
             json_put(o, "rows_of_unknown_amount", json_integer(0));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static enum pg_status sums_of(struct request *r, const struct question *q, enum question_group group, PGresult **result)
{
    return q->known_at == INSTANT_NONE ? question_sums(r->pg, q, group, result)
                                       : question_sums_known(r->pg, q, group, result);
}

static void summary_of_group(struct request *r, const struct question *q, const char *name, enum question_group group)
{
    PGresult *lines = NULL;
    PGresult *total = NULL;
    enum pg_status status = sums_of(r, q, group, &lines);
    if (status == PG_OK)
        status = sums_of(r, q, QUESTION_TOTAL, &total);
    json_t *items = json_array();
    bool ok = status == PG_OK && items != NULL;
    for (int i = 0; ok && i < PQntuples(lines); i++)
        ok = json_array_append_new(items, sums_line(lines, i, name)) == 0;
    json_t *body = json_object();
    ok = json_put(body, "items", items) && ok;
    ok = ok && json_put(body, "group", json_string(name)) && json_put(body, "total", total_line(total)) &&
         list_says_why_empty(body, "No row that you may see has such a finding in these months");
    PQclear(lines);
    PQclear(total);
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    if (status != PG_OK)
        reply_store(r, status);
    else
        reply_body(r, body);
}

static bool read_practice_cursor(struct request *r, struct page *page, struct practice_cursor *after)
{
    const char *parts[3];
    *after = (struct practice_cursor){INT64_MIN, "", ""};
    if (page->after[0] == '\0')
        return true;
    if (!page_parts(r, page, 3, parts))
        return false;
    after->commissioner = parts[1];
    after->practice = parts[2];
    return cursor_number(r, parts[0], &after->place);
}

static json_t *practice_line(const PGresult *result, int row)
{
    const char *practice = pg_text(result, row, "practice");
    bool hidden = pg_is_null(result, row, "rows");
    bool sum = practice[0] == '\0';
    bool unknown = hidden || pg_i64(result, row, "unknown_rows") == pg_i64(result, row, "rows");
    json_t *o = json_object();
    bool ok =
        o && json_put(o, "commissioner", json_string(pg_text(result, row, "commissioner"))) &&
        json_put(o, "practice", sum ? json_null() : json_string(practice)) &&
        json_put(o, "hidden", json_boolean(hidden)) &&
        json_put(o, "withheld", json_boolean(pg_bool(result, row, "withheld"))) &&
        json_put(o, "patients", hidden ? json_null() : json_integer(pg_i64(result, row, "patients"))) &&
        json_put(o, "rows", hidden ? json_null() : json_integer(pg_i64(result, row, "rows"))) &&
        json_put(o, "amount_at_stake_pence", unknown ? json_null() : json_integer(pg_i64(result, row, "pence"))) &&
        json_put(o, "rows_of_unknown_amount", hidden ? json_null() : json_integer(pg_i64(result, row, "unknown_rows")));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static bool practices_can_be_asked(struct request *r, const struct question *q)
{
    const char *name = NULL;
    if (q->known_at != INSTANT_NONE) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "as_known_on",
                      "Counts by practice are not kept: ask for another group");
        return false;
    }
    if (!q->provider)
        name = "provider";
    else if (q->first != q->last)
        name = "month";
    else if (q->filter.cluster)
        name = "cluster";
    else if (q->filter.rule && q->filter.severity)
        name = "severity";
    if (name)
        reply_problem(r, PROBLEM_BAD_PARAMETER, name,
                      "Practices are counted for one provider and month, for all findings, one rule or one severity:"
                      " sums over less would give small counts back");
    return name == NULL;
}

static void summary_of_practices(struct request *r, const struct question *q)
{
    struct page page;
    struct practice_cursor after;
    PGresult *result = NULL;
    if (!practices_can_be_asked(r, q) || !request_page(r, &page) || !read_practice_cursor(r, &page, &after))
        return;
    const char *line = q->filter.rule ? q->filter.rule : q->filter.severity ? q->filter.severity : "";
    enum pg_status status =
        question_practices(r->pg, q->provider, q->first, q->filter.commissioner, line, &after, page.limit + 1, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    int count = PQntuples(result);
    int shown = (int)(count < page.limit ? count : page.limit);
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int i = 0; i < shown && ok; i++)
        ok = json_array_append_new(items, practice_line(result, i)) == 0;
    json_t *next = json_null();
    if (ok && count > shown) {
        char cursor[80];
        (void)snprintf(cursor, sizeof cursor, "%s/%s/%s", pg_text(result, shown - 1, "place"),
                       pg_text(result, shown - 1, "commissioner"), pg_text(result, shown - 1, "practice"));
        next = reply_next(r, &page, cursor);
    }
    PQclear(result);
    if (!ok) {
        json_decref(items);
        items = NULL;
    }
    json_t *body = page_body(items, next, "No row that you may see has such a finding in this month");
    if (body && !json_put(body, "group", json_string("practice"))) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}

void findings_summary(struct request *r)
{
    struct question q;
    const char *name = request_query(r, "group");
    if (!question_filter(r, &q))
        return;
    if (name != NULL && strcmp(name, "practice") == 0) {
        summary_of_practices(r, &q);
        return;
    }
    if (request_query(r, "limit") != NULL || request_query(r, "after") != NULL) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "limit", "Only practices come in pages");
        return;
    }
    for (size_t i = 0; name != NULL && i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(groups[i].name, name) == 0) {
            summary_of_group(r, &q, groups[i].name, groups[i].group);
            return;
        }
    }
    reply_problem(r, PROBLEM_BAD_PARAMETER, "group",
                  "group is month, provider, commissioner, rule, severity, cluster or practice");
}

/* Lines of a sorted result that belong to the month, from *at on; *at moves behind them. */
static bool put_month_severities(json_t *o, const PGresult *result, int *at, const char *month)
{
    json_t *by_severity = json_array();
    bool ok = json_put(o, "by_severity", by_severity);
    for (; ok && *at < PQntuples(result) && strcmp(pg_text(result, *at, "key"), month) == 0; (*at)++) {
        json_t *line = json_object();
        ok = line && json_put(line, "severity", json_string(pg_text(result, *at, "line"))) &&
             put_sums(line, result, *at);
        if (ok)
            ok = json_array_append_new(by_severity, line) == 0;
        else
            json_decref(line);
    }
    return ok;
}

/* One month: what was sent, what of it has such findings, and of which severity. */
static json_t *trend_line(PGresult *const results[3], int row, int at[2])
{
    const char *month = pg_text(results[0], row, "key");
    json_t *o = json_object();
    bool ok = o && json_put(o, "month", json_string(month)) &&
              json_put(o, "providers", json_integer(pg_i64(results[0], row, "providers"))) &&
              json_put(o, "rows_sent", json_integer(pg_i64(results[0], row, "rows")));
    bool found = ok && at[0] < PQntuples(results[1]) && strcmp(pg_text(results[1], at[0], "key"), month) == 0;
    if (found)
        ok = put_sums(o, results[1], at[0]++);
    else
        ok = ok && json_put(o, "findings", json_integer(0)) && json_put(o, "rows", json_integer(0)) &&
             json_put(o, "amount_at_stake_pence", json_integer(0)) &&
             json_put(o, "rows_of_unknown_amount", json_integer(0));
    if (ok && put_month_severities(o, results[2], &at[1], month))
        return o;
    json_decref(o);
    return NULL;
}

void findings_trend(struct request *r)
{
    struct question q;
    if (!question_filter(r, &q))
        return;
    PGresult *results[3] = {NULL, NULL, NULL};
    enum pg_status status = q.known_at == INSTANT_NONE ? question_rows(r->pg, &q, &results[0])
                                                       : question_rows_known(r->pg, &q, &results[0]);
    if (status == PG_OK)
        status = sums_of(r, &q, QUESTION_BY_MONTH, &results[1]);
    if (status == PG_OK)
        status = sums_of(r, &q, QUESTION_BY_MONTH_AND_SEVERITY, &results[2]);
    json_t *items = json_array();
    bool ok = status == PG_OK && items != NULL;
    int at[2] = {0, 0};
    for (int i = 0; ok && i < PQntuples(results[0]); i++)
        ok = json_array_append_new(items, trend_line(results, i, at)) == 0;
    json_t *body = json_object();
    ok = json_put(body, "items", items) && ok;
    ok = ok && list_says_why_empty(body, "No submission of these months was accepted and evaluated");
    for (int i = 0; i < 3; i++)
        PQclear(results[i]);
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    if (status != PG_OK)
        reply_store(r, status);
    else
        reply_body(r, body);
}
