/* The rows behind an activity line of a run's position, with what each adds to it: they add up to the line. */
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/review_periods.h"

#include "base/parse.h"
#include "domain/line_rows.h"
#include "store/agreed_terms.h"
#include "store/kept_reviews.h"
#include "store/line_row.h"
#include "store/pinned.h"
#include "store/position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows read at a time, and looked at for one page: the page ends there, full or not, and its cursor goes on. */
#define BATCH_ROWS    1000
#define LOOKED_AT_MAX 5000

struct behind {
    struct request *r;
    struct page page;
    struct run run;
    const char *provider;
    json_t *line; /* as the lines are shown, with its derivation */
    struct agreed_terms terms;
    struct kept_reviews reviews;
    struct line_subject subject;
    struct effective_submission submission;
    json_t *items;
    int64_t after; /* row looked at last */
    bool more;
};

/* The line of the position document with that number, from 1. Borrowed from the document. */
static enum pg_status find_line(struct behind *b, int64_t number)
{
    struct json_problem problem;
    PGresult *result = NULL;
    enum pg_status status = position_of_run(b->r->pg, b->provider, b->run.id, &result);
    if (status != PG_OK)
        return status;
    const char *body = pg_text(result, 0, "body");
    json_t *document = json_read(body, strlen(body), &problem);
    const json_t *lines = json_object_get(document, "lines");
    if (document == NULL)
        status = PG_FAILED;
    else if (number < 1 || number > (int64_t)json_array_size(lines))
        status = PG_NONE;
    else
        b->line = json_incref(json_array_get(lines, (size_t)number - 1));
    json_decref(document);
    PQclear(result);
    return status;
}

static enum basis basis_of(const char *name)
{
    int basis = 0;
    while (basis < BASIS_COUNT && (name == NULL || strcmp(basis_name((enum basis)basis), name) != 0))
        basis++;
    return (enum basis)basis;
}

/* Why the line has no rows to show; NULL: it has. */
static const char *why_none(const struct behind *b)
{
    if (json_text(b->line, "cluster") == NULL)
        return "The line is not made of rows: its derivation says what it is made of";
    return b->submission.no == 0 ? "The run pinned no submission of that month" : NULL;
}

static enum pg_status prepare(struct behind *b)
{
    const char *month = json_text(b->line, "month");
    const char *cluster = json_text(b->line, "cluster");
    struct line_subject *subject = &b->subject;
    subject->basis = basis_of(json_text(b->line, "basis"));
    if (month == NULL || cluster == NULL)
        return PG_OK;
    if (!month_parse(month, strlen(month), &subject->month) || subject->basis == BASIS_COUNT)
        return PG_FAILED;
    subject->cluster = (int16_t)cluster_index(cluster);
    subject->price_pence = json_int(b->line, "price_pence", -1);
    subject->commissioner = b->run.account.commissioner;
    subject->reviews = &b->reviews.periods;
    enum pg_status status = pinned_submissions(b->r->pg, b->provider, b->run.id, subject->month, 1, &b->submission);
    if (status == PG_OK)
        status = agreed_terms_load(b->r->pg, b->provider, b->run.account.contract, b->run.known_at, &b->terms);
    if (status == PG_OK)
        status = review_periods_load(b->r->pg, b->r->config->reference_dir, &b->reviews.periods);
    if (status == PG_OK)
        status = pinned_reviews(b->r->pg, b->provider, b->run.id, subject->month, 1, &b->reviews);
    if (status != PG_OK)
        return status;
    const struct terms_version *v = agreed_terms_in_force(&b->terms, subject->month, b->run.known_at);
    subject->terms = v == NULL ? NULL : v->terms;
    return v == NULL ? PG_FAILED : PG_OK;
}

/* The provider knows the row by its episode id; a commissioner by the pseudonym that its findings have. */
static bool add_item(struct behind *b, const PGresult *result, int row, int64_t units, int64_t pence)
{
    bool named = b->r->caller.role == ROLE_PROVIDER;
    json_t *item = json_object();
    const char *name = pg_text(result, row, named ? "episode_id" : "pseudonym");
    json_t *text = name[0] == '\0' ? json_null() : json_string(name);
    bool ok = item != NULL && json_put(item, "row_no", json_integer(pg_i64(result, row, "row_no"))) &&
              json_put(item, "episode_id", named ? json_incref(text) : json_null()) &&
              json_put(item, "pseudonym", named ? json_null() : json_incref(text)) &&
              json_put(item, "units", json_integer(units)) && json_put(item, "pence", json_integer(pence));
    json_decref(text);
    if (!ok) {
        json_decref(item);
        return false;
    }
    return json_array_append_new(b->items, item) == 0;
}

/* Values a batch of rows until the page is full. */
static enum pg_status look_at(struct behind *b, const PGresult *result)
{
    for (int i = 0; i < PQntuples(result); i++) {
        struct row_change row;
        int64_t units = 0;
        int64_t pence = 0;
        if ((int64_t)json_array_size(b->items) == b->page.limit) {
            b->more = true;
            return PG_OK;
        }
        line_row_counted(result, i, &row);
        row.month = b->subject.month;
        enum line_row found = line_row_value(&b->subject, &row, &units, &pence);
        if (found != LINE_ROW_ADDS && found != LINE_ROW_ADDS_NOTHING)
            return PG_FAILED;
        if (found == LINE_ROW_ADDS && !add_item(b, result, i, units, pence))
            return PG_FAILED;
        b->after = row.row.row_no;
    }
    return PG_OK;
}

static enum pg_status look_at_page(struct behind *b)
{
    enum pg_status status = PG_OK;
    char cluster[3];
    cluster_code(b->subject.cluster, cluster);
    const struct line_rows q = {.provider = b->provider,
                                .run = b->run.id,
                                .month = b->subject.month,
                                .submission = b->submission.no,
                                .commissioner = b->subject.commissioner,
                                .cluster = cluster,
                                .assessments = b->subject.basis == BASIS_ASSESSMENT};
    b->more = true;
    for (int looked = 0; status == PG_OK && b->more && looked < LOOKED_AT_MAX; looked += BATCH_ROWS) {
        PGresult *result = NULL;
        status = line_rows_page(b->r->pg, &q, b->after, BATCH_ROWS, &result);
        if (status == PG_OK) {
            b->more = PQntuples(result) == BATCH_ROWS;
            status = look_at(b, result);
        }
        PQclear(result);
        if ((int64_t)json_array_size(b->items) == b->page.limit)
            break;
    }
    return status;
}

static json_t *body_of(struct behind *b, const char *empty)
{
    char cursor[24];
    json_t *body = json_object();
    (void)snprintf(cursor, sizeof cursor, "%lld", (long long)b->after);
    bool ok = body != NULL && json_object_set(body, "line", b->line) == 0 &&
              json_object_set(body, "items", b->items) == 0 &&
              json_put(body, "next", b->more ? reply_next(b->r, &b->page, cursor) : json_null()) &&
              list_says_why_empty(body, empty);
    if (!ok) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static void answer(struct behind *b)
{
    enum pg_status status = prepare(b);
    const char *none = status == PG_OK ? why_none(b) : NULL;
    b->items = json_array();
    if (b->items == NULL)
        status = PG_FAILED;
    if (status == PG_OK && none == NULL)
        status = look_at_page(b);
    if (status == PG_OK)
        reply_body(b->r, body_of(b, none == NULL ? "No row of this page adds to the line; go on to the next" : none));
    else
        reply_store(b->r, status);
}

void run_line_rows(struct request *r)
{
    struct behind b = {.r = r, .provider = r->path_values[0]};
    int64_t number = 0;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &number) || !request_page(r, &b.page))
        return;
    if (!page_number(r, b.page.after, 0, INT32_MAX, &b.after))
        return;
    enum pg_status status = run_get(r->pg, b.provider, r->path_values[1], &b.run);
    if (status == PG_OK)
        status = find_line(&b, number);
    if (status == PG_OK)
        answer(&b);
    else
        reply_store(r, status);
    agreed_terms_free(&b.terms);
    json_decref(b.line);
    json_decref(b.items);
}
