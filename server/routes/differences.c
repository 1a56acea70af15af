#include "domain/difference.h"
#include "domain/rules.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/difference.h"
#include "store/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The accepted submission of the path, and the accepted version that it replaced (version 0: none). */
static bool find(struct request *r, struct submission *s, struct submission *against)
{
    if (!request_path_ident(r, 1))
        return false;
    memset(against, 0, sizeof *against);
    enum pg_status status = submission_get(r->pg, r->path_values[0], r->path_values[1], s);
    bool accepted = status == PG_OK && strcmp(s->state, "accepted") == 0;
    if (status == PG_OK && !accepted && r->caller.role == ROLE_COMMISSIONER)
        status = PG_NONE;
    if (accepted) {
        status = submission_accepted(r->pg, s->provider, s->month, s->version, against);
        status = status == PG_NONE ? PG_OK : status;
    }
    if (status == PG_OK)
        return true;
    reply_store(r, status);
    return false;
}

static bool read_query(struct request *r, const struct submission *s, struct difference_query *q)
{
    memset(q, 0, sizeof *q);
    q->provider = s->provider;
    q->submission = s->no;
    q->commissioner = r->caller.role == ROLE_COMMISSIONER ? r->caller.organisation : NULL;
    q->kind = request_query(r, "kind");
    if (!q->kind || strcmp(q->kind, "added") == 0 || strcmp(q->kind, "removed") == 0 || strcmp(q->kind, "changed") == 0)
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, "kind", "kind is added, removed or changed");
    return false;
}

static json_t *pence_json(const PGresult *result, int row, const char *column)
{
    return pg_is_null(result, row, column) ? json_null() : json_integer(pg_i64(result, row, column));
}

static json_t *rules_json(int64_t failed)
{
    json_t *list = json_array();
    for (rule_set_t left = (rule_set_t)failed; list && left != 0; left &= left - 1) {
        enum rule_id rule;
        if (rule_by_bit(__builtin_ctzll(left), &rule) &&
            json_array_append_new(list, json_string(rule_get(rule)->id)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* A fact as the upload's column has it: before or after. */
static json_t *fact_json(const PGresult *result, int row, const char *side, enum difference_fact fact)
{
    /* The facts that episode has under another name than the upload. */
    const char *name = fact == DIFFERENCE_APPROVAL   ? "approved"
                       : fact == DIFFERENCE_UNDER_18 ? "minor"
                       : fact == DIFFERENCE_RULES    ? "failed"
                                                     : difference_fact_name(fact);
    char column[40];
    (void)snprintf(column, sizeof column, "%s_%s", side, name);
    if (pg_is_null(result, row, column))
        return json_null();
    switch (fact) {
    case DIFFERENCE_START_DATE:
    case DIFFERENCE_END_DATE:
    case DIFFERENCE_MHCT_DATE:
    case DIFFERENCE_REFERRAL_DATE:
    case DIFFERENCE_LAST_CONTACT:
        return json_date(pg_date(result, row, column));
    case DIFFERENCE_ADMITTED_DAYS:
    case DIFFERENCE_MHCT_REASON:
        return json_integer(pg_i64(result, row, column));
    case DIFFERENCE_ASSESSMENT_ONLY:
    case DIFFERENCE_APPROVAL:
    case DIFFERENCE_UNDER_18:
    case DIFFERENCE_CONTINUES:
        return json_boolean(pg_bool(result, row, column));
    case DIFFERENCE_RULES:
        return rules_json(pg_i64(result, row, column));
    case DIFFERENCE_CLUSTER:
    case DIFFERENCE_SERVICE:
    case DIFFERENCE_PATIENT:
    case DIFFERENCE_FACTS:
        break;
    }
    return json_string(pg_text(result, row, column));
}

/* Whether a list of names separated by commas has this one. */
static bool has_name(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == n && memcmp(at, name, n) == 0)
            return true;
    }
    return false;
}

/* {"fact": {"before": .., "after": ..}} of what changed. Of a patient it says only that it is another one. */
static json_t *changes_json(const PGresult *result, int row)
{
    const char *changed = pg_text(result, row, "changed");
    json_t *o = json_object();
    bool ok = o != NULL;
    for (int i = 0; i < DIFFERENCE_FACTS && ok; i++) {
        enum difference_fact fact = (enum difference_fact)i;
        if (!has_name(changed, difference_fact_name(fact)))
            continue;
        json_t *both = json_object();
        if (fact == DIFFERENCE_PATIENT)
            ok = both != NULL;
        else
            ok = both && json_put(both, "before", fact_json(result, row, "before", fact)) &&
                 json_put(both, "after", fact_json(result, row, "after", fact));
        ok = json_object_set_new(o, difference_fact_name(fact), both) == 0 && ok;
    }
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *row_json(const PGresult *result, int row, const char *column)
{
    return pg_is_null(result, row, column) ? json_null() : json_integer(pg_i64(result, row, column));
}

static json_t *difference_json(const PGresult *result, int row)
{
    json_t *o = json_object();
    bool ok = o && json_put(o, "commissioner", json_string(pg_text(result, row, "commissioner"))) &&
              json_put(o, "episode_id", json_string(pg_text(result, row, "episode_id"))) &&
              json_put(o, "kind", json_string(pg_text(result, row, "kind"))) &&
              json_put(o, "row", row_json(result, row, "row_no")) &&
              json_put(o, "row_before", row_json(result, row, "against_row")) &&
              json_put(o, "changed", changes_json(result, row)) &&
              json_put(o, "before_pence", pence_json(result, row, "before_pence")) &&
              json_put(o, "after_pence", pence_json(result, row, "after_pence"));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static const char *empty_reason(const struct submission *s, const struct submission *against,
                                const struct difference_query *q)
{
    if (strcmp(s->state, "accepted") != 0)
        return "Only an accepted version is compared with the one before it";
    if (against->version == 0)
        return "It is the first accepted version of the month: there is nothing to compare it with";
    if (s->evaluation == 0)
        return "It has not been evaluated yet; ask again in a moment";
    return q->kind ? "No row differs in this way" : "No row differs that you may see";
}

/* The members that list and summary share: what is compared with what. */
static json_t *body_of(const struct submission *s, const struct submission *against)
{
    json_t *body = json_object();
    bool ok = body && json_put(body, "version", json_integer(s->version)) &&
              json_put(body, "against_submission", against->version ? json_string(against->id) : json_null()) &&
              json_put(body, "against_version", against->version ? json_integer(against->version) : json_null()) &&
              json_put(body, "evaluation", json_integer(s->evaluation));
    if (ok)
        return body;
    json_decref(body);
    return NULL;
}

static json_t *next_json(struct request *r, const struct page *page, const PGresult *result, int64_t shown)
{
    char cursor[EPISODE_CODE_SIZE + EPISODE_ID_SIZE];
    if (PQntuples(result) <= shown)
        return json_null();
    (void)snprintf(cursor, sizeof cursor, "%s/%s", pg_text(result, (int)shown - 1, "commissioner"),
                   pg_text(result, (int)shown - 1, "episode_id"));
    return reply_next(r, page, cursor);
}

void differences_list(struct request *r)
{
    struct submission s;
    struct submission against;
    struct difference_query q;
    struct page page;
    if (!find(r, &s, &against) || !read_query(r, &s, &q) || !request_page(r, &page))
        return;
    /* An episode id may hold a slash; a commissioner cannot. */
    char *slash = strchr(page.after, '/');
    if (page.after[0] && !slash) {
        (void)bad_cursor(r);
        return;
    }
    if (slash)
        *slash = '\0';
    q.after_commissioner = page.after;
    q.after_episode = slash ? slash + 1 : "";
    q.limit = page.limit + 1;
    PGresult *result = NULL;
    enum pg_status status = difference_list(r->pg, &q, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = body_of(&s, &against);
    json_t *items = json_array();
    int64_t shown = PQntuples(result) < page.limit ? PQntuples(result) : page.limit;
    bool ok = body && items;
    for (int64_t i = 0; i < shown && ok; i++)
        ok = json_array_append_new(items, difference_json(result, (int)i)) == 0;
    ok = ok && json_put(body, "next", next_json(r, &page, result, shown));
    ok = body && json_object_set_new(body, "items", items) == 0 && ok &&
         list_says_why_empty(body, empty_reason(&s, &against, &q));
    PQclear(result);
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}

static json_t *kind_json(const PGresult *result, int row)
{
    json_t *o = json_object();
    bool ok = o && json_put(o, "kind", json_string(pg_text(result, row, "kind"))) &&
              json_put(o, "rows", json_integer(pg_i64(result, row, "rows"))) &&
              json_put(o, "before_pence", pence_json(result, row, "before_pence")) &&
              json_put(o, "after_pence", pence_json(result, row, "after_pence")) &&
              json_put(o, "rows_of_unknown_amount", json_integer(pg_i64(result, row, "unknown_rows")));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

void differences_summary(struct request *r)
{
    struct submission s;
    struct submission against;
    struct difference_query q;
    if (!find(r, &s, &against) || !read_query(r, &s, &q))
        return;
    PGresult *result = NULL;
    enum pg_status status = difference_summary(r->pg, &q, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = body_of(&s, &against);
    json_t *items = json_array();
    bool ok = body && items;
    for (int i = 0; i < PQntuples(result) && ok; i++)
        ok = json_array_append_new(items, kind_json(result, i)) == 0;
    ok = body && json_object_set_new(body, "items", items) == 0 && ok &&
         list_says_why_empty(body, empty_reason(&s, &against, &q));
    PQclear(result);
    if (!ok) {
        json_decref(body);
        body = NULL;
    }
    reply_body(r, body);
}
