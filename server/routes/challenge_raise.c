/* A commissioner contests rows of one month, with what each would be by its own reckoning: rows by name, those of an
 * activity line, or those that a filter over findings finds. */
#include "base/parse.h"
#include "domain/money.h"
#include "routes/account_month.h"
#include "routes/challenge_line.h"
#include "routes/challenges.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/challenge.h"
#include "store/contract.h"
#include "store/job.h"

#include <stdlib.h>
#include <string.h>

#define PENCE_MAXIMUM INT64_C(1000000000000000)

struct raising {
    struct challenge c;
    const json_t *rows; /* asked for by name, or NULL */
    const char *line;
    const char *severity; /* of the filter */
    const char *cluster;
    bool has_counter;
    struct counter counter; /* of all rows that have none of their own */
    struct account_month month;
    char document[IDENT_SIZE];
};

static bool read_counter(struct request *r, const json_t *object, const char *pointer, struct counter *out)
{
    static const struct json_member members[] = {{"cluster", JSON_KIND_TEXT, false, 2, 2},
                                                 {"payable_days", JSON_KIND_INTEGER, false, 0, 31},
                                                 {"not_payable", JSON_KIND_BOOLEAN, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem;
    if (!json_check(object, members, pointer, &problem)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
        return false;
    }
    *out = (struct counter){json_text(object, "cluster"), json_int(object, "payable_days", -1),
                            json_bool(object, "not_payable", false)};
    if ((out->cluster != NULL) + (out->days >= 0) + out->unpayable != 1)
        return bad_body(r, pointer, "A counter-calculation is a cluster, payable_days, or not_payable: one of them");
    return out->cluster == NULL || cluster_index(out->cluster) >= 0 ||
           bad_body(r, pointer, "cluster is one of 00 to 08 or 10 to 21");
}

static bool read_filter(struct request *r, struct raising *x)
{
    static const struct json_member members[] = {{"rule", JSON_KIND_TEXT, false, 3, 3},
                                                 {"severity", JSON_KIND_TEXT, false, 4, 5},
                                                 {"cluster", JSON_KIND_TEXT, false, 2, 2},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem;
    const json_t *filter = json_object_get(r->body, "filter");
    if (filter == NULL)
        return true;
    if (!json_check(filter, members, "/filter", &problem)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
        return false;
    }
    x->c.rule = json_text(filter, "rule");
    x->severity = json_text(filter, "severity");
    x->cluster = json_text(filter, "cluster");
    return x->c.rule != NULL || x->severity != NULL || bad_body(r, "/filter", "Name a rule or a severity");
}

/* One way of choosing rows, and a counter-calculation for each. */
static bool read_choice(struct request *r, struct raising *x)
{
    const json_t *filter = json_object_get(r->body, "filter");
    const json_t *counter = json_object_get(r->body, "counter");
    x->rows = json_object_get(r->body, "rows");
    x->line = json_text(r->body, "line");
    if ((x->rows != NULL) + (x->line != NULL) + (filter != NULL) != 1)
        return bad_body(r, "", "Say which rows: rows, line or filter, one of them");
    x->c.chosen_by = x->rows != NULL ? "rows" : x->line != NULL ? "line" : "filter";
    x->has_counter = counter != NULL;
    if (x->has_counter && !read_counter(r, counter, "/counter", &x->counter))
        return false;
    if (!x->has_counter && x->rows == NULL)
        return bad_body(r, "/counter", "Say what the rows would be by your reckoning");
    return read_filter(r, x);
}

static bool read_body(struct request *r, struct raising *x)
{
    static const struct json_member members[] = {{"month", JSON_KIND_MONTH, true, 0, 0},
                                                 {"rows", JSON_KIND_ARRAY, false, 1, 2000},
                                                 {"line", JSON_KIND_TEXT, false, 1, 80},
                                                 {"filter", JSON_KIND_OBJECT, false, 0, 0},
                                                 {"counter", JSON_KIND_OBJECT, false, 0, 0},
                                                 {"reason", JSON_KIND_TEXT, true, 1, 40},
                                                 {"claimed_pence", JSON_KIND_INTEGER, true, 1, PENCE_MAXIMUM},
                                                 {"evidence", JSON_KIND_TEXT, true, 10, 2000},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!body_check(r, members) || !body_month(r, "month", &x->c.month))
        return false;
    x->c.reason = json_text(r->body, "reason");
    x->c.claimed_pence = json_int(r->body, "claimed_pence", 0);
    x->c.evidence = json_text(r->body, "evidence");
    return (challenge_is_reason(x->c.reason) ||
            bad_body(r, "/reason", "reason is none of the codes in the description")) &&
           read_choice(r, x);
}

/* A row by name with its counter, in the form that the store takes. NULL: a problem was replied. */
static json_t *stored_row(struct request *r, const struct raising *x, const char *episode, const json_t *own,
                          const char *pointer)
{
    struct counter counter = x->counter;
    json_t *row = NULL;
    if (own != NULL && !read_counter(r, own, pointer, &counter))
        return NULL;
    if (own == NULL && !x->has_counter) {
        bad_body(r, pointer, "Neither the row nor the challenge has a counter-calculation");
        return NULL;
    }
    row = json_pack("{s:s, s:s?, s:o, s:b}", "episode_id", episode, "cluster", counter.cluster, "days",
                    counter.days < 0 ? json_null() : json_integer(counter.days), "unpayable", counter.unpayable);
    if (row == NULL)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the rows");
    return row;
}

/* Takes the list of the body: [{"episode_id", "counter"}]. */
static json_t *named_rows(struct request *r, const struct raising *x)
{
    static const struct json_member members[] = {{"episode_id", JSON_KIND_TEXT, true, 1, 20},
                                                 {"counter", JSON_KIND_OBJECT, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    size_t i;
    json_t *item;
    json_t *list = json_array();
    json_t *named = json_object();
    json_array_foreach(x->rows, i, item)
    {
        char pointer[48];
        struct json_problem problem;
        json_t *row = NULL;
        snprintf(pointer, sizeof pointer, "/rows/%zu", i);
        if (!json_check(item, members, pointer, &problem))
            reply_problem(r, PROBLEM_MALFORMED_JSON, problem.field, "%s", problem.message);
        else if (json_object_get(named, json_text(item, "episode_id")) != NULL)
            reply_problem(r, PROBLEM_CONFLICT, pointer, "The row is named twice");
        else
            row = stored_row(r, x, json_text(item, "episode_id"), json_object_get(item, "counter"), pointer);
        if (row == NULL || json_array_append_new(list, row) != 0 ||
            json_object_set_new(named, json_text(item, "episode_id"), json_true()) != 0) {
            json_decref(named);
            json_decref(list);
            return NULL;
        }
    }
    json_decref(named);
    return list;
}

static bool too_many(struct request *r)
{
    reply_problem(r, PROBLEM_CONFLICT, NULL,
                  "More than %d rows: challenge them in parts, by a filter with a cluster or by name",
                  CHALLENGE_ROWS_MAXIMUM);
    return false;
}

/* The rows of the line, each with the challenge's counter. */
static json_t *line_rows(struct request *r, struct raising *x)
{
    size_t i;
    json_t *episode;
    enum pg_status status = PG_OK;
    json_t *found = challenge_line_rows(r->pg, &x->month, x->line, CHALLENGE_ROWS_MAXIMUM, &status);
    json_t *list = found == NULL ? NULL : json_array();
    json_array_foreach(found, i, episode)
    {
        json_t *row = stored_row(r, x, json_string_value(episode), NULL, "/line");
        if (row == NULL || json_array_append_new(list, row) != 0) {
            json_decref(list);
            list = NULL;
            break;
        }
    }
    json_decref(found);
    if (status == PG_DUPLICATE)
        too_many(r);
    else if (status == PG_INVALID || (list != NULL && json_array_size(list) == 0))
        bad_body(r, "/line", "line is the key of an activity line of the month that has rows, as a run lists it");
    else if (status != PG_OK)
        reply_store(r, status);
    else
        return list;
    json_decref(list);
    return NULL;
}

static enum pg_status add_listed(struct request *r, struct raising *x, json_t *list)
{
    int64_t added = 0;
    size_t wanted = json_array_size(list);
    char *text = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (text == NULL)
        return PG_INVALID; /* replied already, or no memory: the act says so */
    enum pg_status status = challenge_add_rows(r->pg, &x->c, x->month.submission.no, text, &added);
    free(text);
    if (status == PG_OK && (size_t)added != wanted) {
        reply_problem(r, PROBLEM_CONFLICT, "/rows", "%zu of the rows are not among yours in the month's submission",
                      wanted - (size_t)added);
        status = PG_INVALID;
    }
    return status;
}

static enum pg_status add_found(struct request *r, struct raising *x)
{
    int64_t added = 0;
    enum pg_status status =
        challenge_add_found(r->pg, &x->c, x->month.submission.no, x->severity, x->cluster, &x->counter, &added);
    if (status != PG_OK)
        return status;
    if (added == 0)
        reply_problem(r, PROBLEM_CONFLICT, "/filter", "No row of yours in the month has such a finding");
    else if (added > CHALLENGE_ROWS_MAXIMUM)
        too_many(r);
    else
        return PG_OK;
    return PG_INVALID;
}

static enum pg_status add_rows(struct request *r, struct raising *x)
{
    enum pg_status status = strcmp(x->c.chosen_by, "filter") == 0
                                ? add_found(r, x)
                                : add_listed(r, x, x->rows != NULL ? named_rows(r, x) : line_rows(r, x));
    if (status == PG_DUPLICATE)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "A row is named twice, or is in another open challenge");
    else if (status == PG_INVALID && strcmp(pg_constraint(r->pg), "challenge_row_check") == 0)
        reply_problem(r, PROBLEM_CONFLICT, "/counter", "A row is in that cluster already");
    return status;
}

/* What the terms say of challenges: the smallest sum, and until when one may be raised on what is billed. */
static enum pg_status check_terms(struct request *r, struct raising *x, instant_t issued_at)
{
    const struct terms *t = x->month.terms;
    instant_t until = INT64_MAX;
    char text[28];
    if (x->c.claimed_pence < t->materiality_pence) {
        char least[MONEY_TEXT_SIZE];
        money_format(t->materiality_pence, least);
        reply_problem(r, PROBLEM_BELOW_MATERIALITY, "/claimed_pence", "The terms take challenges from %s on", least);
        return PG_INVALID;
    }
    if (x->c.document != NULL && t->challenge.present && t->challenge.operational_days == 0)
        until = london_midnight(t->challenge.date[month_number(x->c.month) - 1] + 1);
    else if (x->c.document != NULL && t->challenge.present &&
             !account_month_clock(r, &x->month, issued_at, t->challenge.operational_days, &until))
        return PG_INVALID;
    if (r->begun_at < until)
        return PG_OK;
    instant_format(until, text);
    reply_problem(r, PROBLEM_CONFLICT, "/month",
                  "By the terms, what was billed of this month was open to challenge "
                  "until %s",
                  text);
    return PG_INVALID;
}

static enum pg_status prepare(struct request *r, struct raising *x)
{
    PGresult *result = NULL;
    instant_t issued_at = 0;
    const struct terms *t = x->month.terms;
    if (x->month.submission.no == 0) {
        reply_problem(r, PROBLEM_CONFLICT, "/month", "No submission of this month counts yet, so it has no rows");
        return PG_INVALID;
    }
    enum pg_status status = challenge_billed_by(r->pg, &x->month.account, x->c.month, &result);
    if (status == PG_OK) {
        snprintf(x->document, sizeof x->document, "%s", pg_text(result, 0, "id"));
        x->c.document = x->document;
        issued_at = pg_instant(result, 0, "issued_at");
        PQclear(result);
    } else if (status != PG_NONE) {
        return status;
    }
    status = check_terms(r, x, issued_at);
    int32_t days = t->answer.present ? t->answer.operational_days : CHALLENGE_ANSWER_DAYS;
    if (status == PG_OK && !account_month_clock(r, &x->month, r->begun_at, days, &x->c.answer_by))
        status = PG_INVALID;
    return status;
}

static enum pg_status raise_in_act(struct request *r, struct raising *x)
{
    char job[IDENT_SIZE];
    enum pg_status status = account_month_load(r, x->c.month, &x->month);
    if (status == PG_OK)
        status = prepare(r, x);
    if (status == PG_OK)
        status = challenge_raise(r->pg, &x->c, &x->c.number);
    if (status == PG_INVALID || status == PG_DENIED)
        return PG_NONE; /* a problem was replied, or there is no such account of theirs */
    if (status == PG_OK)
        status = add_rows(r, x);
    if (status == PG_OK)
        status = job_add(r->pg, x->c.provider, "resettle", x->c.contract, job);
    return status == PG_OK ? challenge_finish(r, "challenge.raise", &x->c) : status;
}

static enum pg_status raise(struct request *r, void *context)
{
    struct raising x = *(const struct raising *)context; /* each attempt anew */
    json_t *filter = json_object_get(r->body, "filter");
    size_t length = 0;
    char *text = filter == NULL ? NULL : json_canonical(filter, &length);
    if (filter != NULL && text == NULL)
        return PG_FAILED;
    x.c.chosen = text != NULL ? text : x.line != NULL ? x.line : "";
    enum pg_status status = contract_lock(r->pg, x.c.provider, x.c.contract);
    if (status == PG_OK)
        status = raise_in_act(r, &x);
    account_month_free(&x.month);
    free(text);
    return status;
}

void challenges_raise(struct request *r)
{
    struct raising x = {.c = challenge_addressed(r)};
    if (request_path_ident(r, 1) && read_body(r, &x))
        request_act(r, raise, &x);
}
