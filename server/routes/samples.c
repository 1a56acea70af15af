/* Audit samples of a statement's rows with a second rater's clusters (api/formats/sampling.md): an auditor takes them
 * and rates; both parties and their auditors read. */
#include "base/parse.h"
#include "domain/sampling.h"
#include "domain/sampling_shown.h"
#include "domain/terms.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/job.h"
#include "store/sample.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column sample_columns[] = {{"sample", COLUMN_TEXT},
                                               {"contract", COLUMN_TEXT},
                                               {"commissioner", COLUMN_TEXT},
                                               {"statement", COLUMN_TEXT},
                                               {"method", COLUMN_TEXT},
                                               {"size", COLUMN_INTEGER},
                                               {"nonce_sha256", COLUMN_TEXT},
                                               {"organisation", COLUMN_TEXT},
                                               {"person", COLUMN_TEXT},
                                               {"promised_at", COLUMN_INSTANT},
                                               {"state", COLUMN_TEXT},
                                               {"nonce", COLUMN_TEXT},
                                               {"revealed_at", COLUMN_INSTANT},
                                               {"checkpoint", COLUMN_INTEGER},
                                               {"root", COLUMN_TEXT},
                                               {"seed", COLUMN_TEXT},
                                               {"picks", COLUMN_INTEGER},
                                               {"rated", COLUMN_INTEGER},
                                               {"confidence", COLUMN_INTEGER},
                                               {"closed_by", COLUMN_TEXT},
                                               {"closed_at", COLUMN_INSTANT},
                                               {"reason", COLUMN_TEXT},
                                               {NULL, COLUMN_TEXT}};
static const struct list_form sample_list_form = {.columns = sample_columns,
                                                  .cursor = {"promised_at", "sample"},
                                                  .empty = "No auditor has taken a sample of statements that you see"};

static const struct column row_columns[] = {{"pick", COLUMN_INTEGER},
                                            {"month", COLUMN_MONTH},
                                            {"row_no", COLUMN_INTEGER},
                                            {"cluster", COLUMN_TEXT},
                                            {"team", COLUMN_TEXT},
                                            {"pence", COLUMN_INTEGER},
                                            {"hash", COLUMN_TEXT},
                                            {"first_hit", COLUMN_INTEGER},
                                            {"hits", COLUMN_INTEGER},
                                            {"point", COLUMN_INTEGER},
                                            {"certain", COLUMN_BOOLEAN},
                                            {"second_cluster", COLUMN_TEXT},
                                            {"payable_days", COLUMN_INTEGER},
                                            {"rated_by", COLUMN_TEXT},
                                            {"rated_at", COLUMN_INSTANT},
                                            {"ratings", COLUMN_INTEGER},
                                            {NULL, COLUMN_TEXT}};
static const struct list_form row_list_form = {
    .columns = row_columns, .cursor = {"pick"}, .empty = "Nothing has been drawn (yet): see the sample's state"};

/* ---------------------------------------------------------------------------------------------------------- reading */

void samples_list(struct request *r)
{
    struct page page;
    struct pg_newest newest;
    PGresult *result = NULL;
    if (!request_newest(r, &page, &newest))
        return;
    enum pg_status status = sample_list(r->pg, r->path_values[0], &newest, &result);
    reply_page(r, status, result, &page, &sample_list_form);
}

/* false: a problem was replied. */
static bool find(struct request *r, PGresult **result)
{
    if (!request_path_ident(r, 1))
        return false;
    enum pg_status status = sample_get(r->pg, r->path_values[0], r->path_values[1], false, result);
    if (status != PG_OK)
        reply_store(r, status);
    return status == PG_OK;
}

void samples_get(struct request *r)
{
    PGresult *result = NULL;
    if (!find(r, &result))
        return;
    reply_body(r, row_object(result, 0, sample_columns));
    PQclear(result);
}

void samples_rows(struct request *r)
{
    struct page page;
    int64_t after = 0;
    PGresult *sample = NULL;
    PGresult *rows = NULL;
    if (!request_page(r, &page) || !page_number(r, page.after, 0, SAMPLE_SIZE_MAX, &after) || !find(r, &sample))
        return;
    PQclear(sample);
    enum pg_status status = sample_rows(r->pg, r->path_values[0], r->path_values[1], after, page.limit + 1, &rows);
    reply_page(r, status, rows, &page, &row_list_form);
}

void samples_result(struct request *r)
{
    PGresult *result = NULL;
    struct json_problem problem;
    if (!find(r, &result))
        return;
    if (strcmp(pg_text(result, 0, "state"), "closed") != 0) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "There is a result once the sample is closed; it is %s",
                      pg_text(result, 0, "state"));
    } else {
        const char *text = pg_text(result, 0, "result");
        json_t *shown = json_read(text, strlen(text), &problem);
        if (shown != NULL && r->caller.role == ROLE_COMMISSIONER && !sample_result_suppress(shown)) {
            json_decref(shown);
            shown = NULL;
        }
        reply_body(r, shown);
    }
    PQclear(result);
}

/* ------------------------------------------------------------------------------------------------------------- acts */

/* Audit event and answer with the sample as it is now; job NULL: there is none. */
static enum pg_status finish(struct request *r, const char *act, const char *id, const char *job, json_t *detail)
{
    char subject[120];
    char location[100];
    PGresult *result = NULL;
    enum pg_status status = sample_get(r->pg, r->path_values[0], id, false, &result);
    if (status != PG_OK) {
        json_decref(detail);
        return status;
    }
    (void)snprintf(subject, sizeof subject, "contract/%s/account/%s/sample/%s", pg_text(result, 0, "contract"),
                   pg_text(result, 0, "commissioner"), id);
    status = request_audit(r, r->path_values[0], act, subject, detail);
    json_t *body = status == PG_OK ? row_object(result, 0, sample_columns) : NULL;
    PQclear(result);
    if (status != PG_OK)
        return status;
    (void)snprintf(location, sizeof location, "/v1/providers/%s/%s/%s", r->path_values[0],
                   job != NULL ? "jobs" : "samples", job != NULL ? job : id);
    if (body == NULL || (job != NULL && !json_put(body, "job", json_string(job)))) {
        json_decref(body);
        return PG_FAILED;
    }
    if (job != NULL)
        reply_accepted(r, body, location);
    else if (strcmp(act, "sample.promise") == 0)
        reply_created(r, body, location, NULL);
    else
        reply_body(r, body);
    return PG_OK;
}

/* The sample, locked, in the state that the act needs. PG_INVALID: a problem was replied. */
static enum pg_status take(struct request *r, const char *state, PGresult **result)
{
    enum pg_status status = sample_get(r->pg, r->path_values[0], r->path_values[1], true, result);
    if (status != PG_OK || strcmp(pg_text(*result, 0, "state"), state) == 0)
        return status;
    reply_problem(r, PROBLEM_CONFLICT, NULL, "This asks for a sample that is %s; it is %s", state,
                  pg_text(*result, 0, "state"));
    PQclear(*result);
    *result = NULL;
    return PG_INVALID;
}

static enum pg_status promise(struct request *r, void *context)
{
    const struct sample_promise *given = context;
    struct sample_promise p = *given;
    char id[IDENT_SIZE];
    int64_t open = 0;
    ident_new(id);
    p.id = id;
    enum pg_status status = sample_open_count(r->pg, p.provider, p.statement, p.organisation, &open);
    if (status == PG_OK && open >= SAMPLES_OPEN) {
        reply_problem(r, PROBLEM_CONFLICT, NULL,
                      "Your organisation has %d samples of this statement that are not closed; close one first",
                      SAMPLES_OPEN);
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = sample_promise(r->pg, &p);
    return status == PG_OK ? finish(r, "sample.promise", id, NULL, NULL) : status;
}

void samples_promise(struct request *r)
{
    static const struct json_member members[] = {{"method", JSON_KIND_TEXT, true, 3, 6},
                                                 {"size", JSON_KIND_INTEGER, true, 1, SAMPLE_SIZE_MAX},
                                                 {"nonce_sha256", JSON_KIND_TEXT, true, 64, 64},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    uint8_t digest[32];
    enum sample_method method;
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    if (!sample_method_parse(json_text(r->body, "method"), &method)) {
        (void)bad_body(r, "/method", "method is random or mus");
        return;
    }
    if (!hex_decode(json_text(r->body, "nonce_sha256"), 64, digest, sizeof digest)) {
        (void)bad_body(r, "/nonce_sha256", "nonce_sha256 is 64 hexadecimal digits: the SHA-256 of your nonce");
        return;
    }
    struct sample_promise p = {.provider = r->path_values[0],
                               .statement = r->path_values[1],
                               .method = json_text(r->body, "method"),
                               .size = json_int(r->body, "size", 0),
                               .nonce_sha256 = digest,
                               .organisation = r->caller.organisation,
                               .person = r->caller.person,
                               .at = r->begun_at};
    request_act(r, promise, &p);
}

static bool is_promised(const PGresult *sample, const char *nonce)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof digest + 1];
    crypto_hash_sha256(digest, (const unsigned char *)nonce, strlen(nonce));
    hex_encode(digest, sizeof digest, hex);
    return strcmp(hex, pg_text(sample, 0, "nonce_sha256")) == 0;
}

static enum pg_status reveal(struct request *r, void *context)
{
    const char *nonce = context;
    PGresult *sample = NULL;
    char job[IDENT_SIZE];
    enum pg_status status = take(r, "promised", &sample);
    if (status == PG_OK && !is_promised(sample, nonce)) {
        (void)bad_body(r, "/nonce", "This is not the nonce whose SHA-256 was promised");
        status = PG_INVALID;
    }
    PQclear(sample);
    bool may = status == PG_OK;
    if (may)
        status = sample_reveal(r->pg, r->path_values[0], r->path_values[1], nonce, r->begun_at);
    if (may && status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, NULL,
                      "No checkpoint of the log covers the promise yet; one comes within seconds while a worker runs");
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = job_add(r->pg, r->path_values[0], "sample", r->path_values[1], job);
    return status == PG_OK ? finish(r, "sample.reveal", r->path_values[1], job, NULL) : status;
}

void samples_reveal(struct request *r)
{
    static const struct json_member members[] = {{"nonce", JSON_KIND_TEXT, true, 1, SAMPLE_NONCE_MAX},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    const char *nonce = json_text(r->body, "nonce");
    if (!sample_nonce_good(nonce, strlen(nonce)))
        (void)bad_body(r, "/nonce", "A nonce is letters, digits, dots, hyphens, underscores; first a letter or digit");
    else
        request_act(r, reveal, (void *)nonce);
}

static enum pg_status rate(struct request *r, void *context)
{
    PGresult *sample = NULL;
    const json_t *ratings = context;
    int64_t added = 0;
    int64_t count = (int64_t)json_array_size(ratings);
    enum pg_status status = take(r, "drawn", &sample);
    PQclear(sample);
    if (status != PG_OK)
        return status;
    char *list = json_dumps(ratings, JSON_COMPACT);
    const struct sample_ratings given = {.provider = r->path_values[0],
                                         .sample = r->path_values[1],
                                         .list = list,
                                         .organisation = r->caller.organisation,
                                         .person = r->caller.person,
                                         .at = r->begun_at};
    status = list == NULL ? PG_FAILED : sample_rate(r->pg, &given, &added);
    free(list);
    if (status == PG_OK && added != count) {
        (void)bad_body(r, "/ratings", "A pick is not one of this sample");
        return PG_INVALID;
    }
    return status == PG_OK
               ? finish(r, "sample.rate", r->path_values[1], NULL, json_pack("{s:I}", "ratings", (json_int_t)count))
               : status;
}

/* false: a problem was replied. */
static bool is_rating(struct request *r, const json_t *rating, size_t i, bool *rated)
{
    static const struct json_member members[] = {{"pick", JSON_KIND_INTEGER, true, 1, SAMPLE_SIZE_MAX},
                                                 {"cluster", JSON_KIND_TEXT, false, 2, 4},
                                                 {"payable_days", JSON_KIND_INTEGER, false, 0, 31},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem;
    char pointer[40];
    (void)snprintf(pointer, sizeof pointer, "/ratings/%zu", i);
    if (!json_check(rating, members, pointer, &problem))
        return bad_body(r, problem.field, problem.message);
    const char *cluster = json_text(rating, "cluster");
    int64_t days = json_int(rating, "payable_days", -1);
    int64_t pick = json_int(rating, "pick", 1);
    bool nothing = cluster != NULL && strcmp(cluster, "none") == 0;
    if (cluster == NULL && days < 0)
        return bad_body(r, pointer, "Say a cluster, payable_days, or both");
    if (cluster != NULL && !nothing && cluster_index(cluster) < 0)
        return bad_body(r, pointer, "cluster is 00 to 08, 10 to 21, or none: the record bears out nothing");
    if (nothing && days >= 0)
        return bad_body(r, pointer, "Where the record bears out nothing, no day is payable: leave payable_days out");
    if (rated[pick])
        return bad_body(r, pointer, "A pick is rated once in a request");
    rated[pick] = true;
    return true;
}

void samples_rate(struct request *r)
{
    static const struct json_member members[] = {{"ratings", JSON_KIND_ARRAY, true, 1, SAMPLE_SIZE_MAX},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    bool rated[SAMPLE_SIZE_MAX + 1] = {false};
    size_t i;
    json_t *rating;
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    json_t *ratings = json_object_get(r->body, "ratings");
    json_array_foreach(ratings, i, rating)
    {
        if (!is_rating(r, rating, i, rated))
            return;
    }
    request_act(r, rate, ratings);
}

static enum pg_status close_sample(struct request *r, void *context)
{
    PGresult *sample = NULL;
    const int64_t *confidence = context;
    char job[IDENT_SIZE];
    enum pg_status status = take(r, "drawn", &sample);
    PQclear(sample);
    if (status == PG_OK)
        status = sample_close(r->pg, r->path_values[0], r->path_values[1], *confidence, r->caller.person, r->begun_at);
    if (status == PG_OK)
        status = job_add(r->pg, r->path_values[0], "sample", r->path_values[1], job);
    return status == PG_OK ? finish(r, "sample.close", r->path_values[1], job, NULL) : status;
}

void samples_close(struct request *r)
{
    static const struct json_member members[] = {{"confidence", JSON_KIND_INTEGER, true, 80, 95},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!request_path_ident(r, 1) || !body_check(r, members))
        return;
    int64_t confidence = json_int(r->body, "confidence", 0);
    if (!sample_confidence_known((int32_t)confidence))
        (void)bad_body(r, "/confidence", "confidence is 80, 90 or 95");
    else
        request_act(r, close_sample, &confidence);
}
