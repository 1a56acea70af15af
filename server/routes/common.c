#include "routes/common.h"

#include "base/parse.h"
#include "store/erasure.h"
#include "store/organisation.h"

#include <stdio.h>
#include <string.h>

static json_t *element(const char *text, size_t n, bool number)
{
    int64_t value = 0;
    if (!number)
        return json_stringn(text, n);
    return parse_i64(text, n, &value) ? json_integer(value) : NULL;
}

static json_t *array_value(const char *text, bool numbers)
{
    json_t *array = json_array();
    while (array != NULL && *text != '\0') {
        size_t n = strcspn(text, ",");
        if (json_array_append_new(array, element(text, n, numbers)) != 0) {
            json_decref(array);
            return NULL;
        }
        text += n + (text[n] == ',');
    }
    return array;
}

static json_t *stored_json(const char *text)
{
    struct json_problem problem;
    return json_read(text, strlen(text), &problem);
}

static json_t *column_value(const PGresult *result, int row, const struct column *column)
{
    if (pg_is_null(result, row, column->name))
        return json_null();
    switch (column->kind) {
    case COLUMN_INTEGER:
        return json_integer(pg_i64(result, row, column->name));
    case COLUMN_BOOLEAN:
        return json_boolean(pg_bool(result, row, column->name));
    case COLUMN_DATE:
        return json_date(pg_date(result, row, column->name));
    case COLUMN_MONTH:
        return json_month(pg_month(result, row, column->name));
    case COLUMN_INSTANT:
        return json_instant(pg_instant(result, row, column->name));
    case COLUMN_CODES:
    case COLUMN_NUMBERS:
        return array_value(pg_text(result, row, column->name), column->kind == COLUMN_NUMBERS);
    case COLUMN_JSON:
        return stored_json(pg_text(result, row, column->name));
    case COLUMN_TEXT:
        break;
    }
    return json_string(pg_text(result, row, column->name));
}

json_t *instant_or_null(instant_t at)
{
    return at == 0 ? json_null() : json_instant(at);
}

json_t *count_or_null(int64_t count)
{
    return count < 0 ? json_null() : json_integer(count);
}

json_t *row_object(const PGresult *result, int row, const struct column *columns)
{
    json_t *object = json_object();
    for (const struct column *c = columns; c->name != NULL && object != NULL; c++)
        if (!json_put(object, c->name, column_value(result, row, c))) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

static json_t *page_next(struct request *r, const PGresult *result, int last, const struct page *page,
                         const char *const *cursor_columns)
{
    char cursor[sizeof page->after];
    size_t used = 0;
    for (const char *const *name = cursor_columns; *name != NULL; name++) {
        int n =
            snprintf(cursor + used, sizeof cursor - used, "%s%s", used > 0 ? "/" : "", pg_text(result, last, *name));
        if (n < 0 || (size_t)n >= sizeof cursor - used)
            return NULL;
        used += (size_t)n;
    }
    return reply_next(r, page, cursor);
}

bool list_says_why_empty(json_t *body, const char *why)
{
    return json_array_size(json_object_get(body, "items")) > 0 || json_put(body, "empty_because", json_string(why));
}

void reply_page(struct request *r, enum pg_status status, PGresult *result, const struct page *page,
                const struct list_form *form)
{
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    int rows = PQntuples(result);
    bool more = rows > page->limit;
    if (more)
        rows = (int)page->limit;
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int row = 0; row < rows && ok; row++) {
        json_t *item = row_object(result, row, form->columns);
        ok = item != NULL &&
             (form->actions == NULL || json_put(item, "actions", form->actions(r->path_values[0], result, row))) &&
             json_array_append(items, item) == 0;
        json_decref(item);
    }
    json_t *next = more && ok ? page_next(r, result, rows - 1, page, form->cursor) : json_null();
    PQclear(result);
    json_t *body = json_pack("{s:o, s:o}", "items", items, "next", next);
    const char *why = page->after[0] == '\0' ? form->empty : "Nothing comes after this cursor any more";
    if (body != NULL && !list_says_why_empty(body, why)) {
        json_decref(body);
        body = NULL;
    }
    reply_json(r, 200, body, NULL);
}

void reply_body(struct request *r, json_t *body)
{
    if (body)
        reply_json(r, 200, body, NULL);
    else
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
}

bool bad_cursor(struct request *r)
{
    reply_problem(r, PROBLEM_BAD_PARAMETER, "after", "after is not a cursor that this list has given");
    return false;
}

bool page_parts(struct request *r, struct page *page, unsigned count, const char **parts)
{
    char *text = page->after;
    bool first = text[0] == '\0';
    for (unsigned i = 0; i < count; i++) {
        parts[i] = text;
        if (first)
            continue;
        size_t n = strcspn(text, "/");
        bool last = i + 1 == count;
        if (last != (text[n] == '\0'))
            return bad_cursor(r);
        text[n] = '\0';
        text += n + !last;
    }
    return true;
}

bool page_number(struct request *r, const char *part, int64_t lowest, int64_t highest, int64_t *out)
{
    return part[0] == '\0' || parse_i64_within(part, strlen(part), lowest, highest, out) || bad_cursor(r);
}

bool page_month(struct request *r, const char *part, month_t *out)
{
    date_t first;
    if (part[0] == '\0')
        return true;
    if (!date_parse(part, strlen(part), &first))
        return bad_cursor(r);
    *out = month_of(first);
    return true;
}

bool request_newest(struct request *r, struct page *page, struct pg_newest *newest)
{
    const char *parts[2];
    newest->before = INSTANT_NONE;
    if (!request_page(r, page) || !page_parts(r, page, 2, parts) ||
        !page_number(r, parts[0], 0, INT64_MAX, &newest->before))
        return false;
    newest->before_id = parts[1];
    newest->limit = page->limit + 1;
    return true;
}

void reply_same_person(struct request *r, const char *detail)
{
    int64_t people = 0;
    if (organisation_people(r->pg, r->caller.organisation, &people) == PG_OK && people == 1)
        reply_problem(r, PROBLEM_SAME_PERSON, NULL,
                      "%s. You are the only person of %s here: the operator enrols another (reckoner person add)",
                      detail, r->caller.organisation);
    else
        reply_problem(r, PROBLEM_SAME_PERSON, NULL, "%s", detail);
}

void request_account(const struct request *r, struct account_key *account)
{
    snprintf(account->provider, sizeof account->provider, "%s", r->path_values[0]);
    snprintf(account->contract, sizeof account->contract, "%s", r->path_values[1]);
    snprintf(account->commissioner, sizeof account->commissioner, "%s", r->path_values[2]);
}

enum pg_status account_visible(struct request *r)
{
    struct account_key key;
    struct account_facts facts;
    request_account(r, &key);
    return account_facts(r->pg, &key, &facts);
}

const char *caller_side(const struct request *r)
{
    return r->caller.role == ROLE_PROVIDER ? "provider" : "commissioner";
}

enum pg_status caller_coordinates(struct request *r, const char *coordinator, const char *does)
{
    bool acts = r->caller.role != ROLE_COMMISSIONER || strcmp(coordinator, r->caller.organisation) == 0;
    enum pg_status status = acts ? PG_OK : organisation_acting_for(r->pg, coordinator, &acts);
    if (status != PG_OK || acts)
        return status;
    reply_problem(r, PROBLEM_FORBIDDEN, NULL, "For the commissioners, the coordinator (%s) %s", coordinator, does);
    return PG_DENIED;
}

static bool malformed(struct request *r, const char *name, const char *want)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", name);
    reply_problem(r, PROBLEM_MALFORMED_JSON, pointer, "%s is written %s", name, want);
    return false;
}

bool body_date(struct request *r, const char *name, date_t *out)
{
    const char *text = json_text(r->body, name);
    *out = DATE_NONE;
    if (text == NULL || date_parse(text, strlen(text), out))
        return true;
    return malformed(r, name, "YYYY-MM-DD");
}

bool body_month(struct request *r, const char *name, month_t *out)
{
    const char *text = json_text(r->body, name);
    if (text != NULL && month_parse(text, strlen(text), out))
        return true;
    return malformed(r, name, "YYYY-MM");
}

bool body_check(struct request *r, const struct json_member *table)
{
    struct json_problem problem;
    memset(&problem, 0, sizeof problem);
    if (json_check(r->body, table, "", &problem))
        return true;
    reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
    return false;
}

void reply_allowance(struct request *r, enum allowance left, const struct allowed *limit)
{
    if (left == ALLOWANCE_WAITING)
        reply_problem(r, limit->problem, NULL,
                      "%lld %s that your organisation asked for are not done yet; wait for one of their jobs",
                      (long long)limit->waiting, limit->things);
    else
        reply_problem(r, limit->problem, NULL,
                      "Your organisation has asked for %lld %s in 24 hours, as many as it may%s",
                      (long long)limit->per_day, limit->things, limit->instead);
}

bool bad_body(struct request *r, const char *pointer, const char *message)
{
    reply_problem(r, PROBLEM_MALFORMED_JSON, pointer, "%s", message);
    return false;
}

bool upload_is_there(struct request *r, const char *provider, const char *submission)
{
    bool erased = false;
    enum pg_status status = erasure_of_upload(r->pg, provider, submission, &erased);
    if (status != PG_OK)
        reply_store(r, status);
    else if (erased)
        reply_problem(r, PROBLEM_ERASED, NULL,
                      "The bytes of this upload were destroyed when a patient's identity was erased; its digest,"
                      " findings and receipt are kept");
    return status == PG_OK && !erased;
}

/* Longer than an upload or a run may take: what they write bears an instant from before. Acts have ended long since. */
#define WRITTEN_AFTER (INT64_C(15) * 60 * 1000000)

bool day_is_over(struct request *r, const char *name, date_t day, instant_t *known_at)
{
    char text[11];
    *known_at = london_day_end(day);
    if (r->begun_at > *known_at + WRITTEN_AFTER)
        return true;
    date_format(day, text);
    reply_problem(r, PROBLEM_BAD_PARAMETER, name,
                  "%s is not over, and what is known on it can still change: ask from 00:15 of the day after", text);
    return false;
}

bool request_as_known(struct request *r, date_t *day, instant_t *known_at)
{
    const char *text = request_query(r, "as_known_on");
    *known_at = INSTANT_NONE;
    if (text == NULL)
        return true;
    if (date_parse(text, strlen(text), day))
        return day_is_over(r, "as_known_on", *day, known_at);
    reply_problem(r, PROBLEM_BAD_PARAMETER, "as_known_on", "as_known_on is a day, YYYY-MM-DD");
    return false;
}
