/* Rehearsals: the report of a submission without submitting. Allowed at any time, also for months that are frozen or
 * have not begun; seen by people of the provider alone. */
#include "routes/handlers.h"

#include "base/parse.h"
#include "routes/common.h"
#include "routes/sealed_upload.h"
#include "store/job.h"
#include "store/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MICROS (86400LL * 1000000)

static const struct sealed_upload_store store = {rehearsal_add_chunk, rehearsal_abandon};

static json_t *rehearsal_json(const struct request *r, const struct rehearsal *h)
{
    char month[8];
    char sha256[2 * REHEARSAL_SHA256_SIZE + 1];
    month_format(h->month, month);
    hex_encode(h->sha256, REHEARSAL_SHA256_SIZE, sha256);
    bool done = strcmp(h->state, "done") == 0;
    json_t *o = json_object();
    bool ok = o && json_put(o, "rehearsal", json_string(h->id)) && json_put(o, "provider", json_string(h->provider)) &&
              json_put(o, "month", json_string(month)) && json_put(o, "state", json_string(h->state)) &&
              json_put(o, "meaning",
                       json_string(done ? "Checked; nothing of it was submitted."
                                        : "Waits for its check, or is being checked; see the job.")) &&
              json_put(o, "uploaded_by", json_string(h->uploaded_by)) &&
              json_put(o, "media_type", json_string(h->media_type)) &&
              json_put(o, "content_encoding", json_string(h->content_encoding)) &&
              json_put(o, "column_mapping", h->column_mapping == 0 ? json_null() : json_integer(h->column_mapping)) &&
              json_put(o, "bytes", json_integer(h->bytes)) && json_put(o, "sha256", json_string(sha256)) &&
              json_put(o, "row_count", count_or_null(h->declared_rows)) &&
              json_put(o, "caseload", count_or_null(h->caseload)) &&
              json_put(o, "begun_at", instant_or_null(h->begun_at)) &&
              json_put(o, "completed_at", instant_or_null(h->completed_at)) &&
              json_put(o, "rehearsed_at", instant_or_null(h->rehearsed_at)) &&
              json_put(o, "removed_from", instant_or_null(h->arrived_at + r->config->rehearsal_days * DAY_MICROS));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

/* Reserves the Idempotency-Key by the row that receives the file. */
static bool reserve(struct request *r, struct sealed_upload *u)
{
    struct rehearsal_upload begin = {u->provider,
                                     u->month,
                                     u->id,
                                     r->caller.person,
                                     request_idempotency_key(r),
                                     request_media_type(r),
                                     u->content_encoding,
                                     u->column_mapping,
                                     u->declared_rows,
                                     u->caseload,
                                     r->begun_at,
                                     u->sealed_key,
                                     SEAL_KEY_SIZE,
                                     u->receiving_seconds,
                                     r->config->rehearsals_per_day};
    enum rehearsal_reservation outcome = REHEARSAL_BUSY;
    enum allowance left = ALLOWANCE_LEFT;
    enum pg_status status = rehearsal_reserve(r->pg, &begin, &outcome, &left, &u->no);
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    if (outcome == REHEARSAL_BUSY)
        reply_problem(r, PROBLEM_IDEMPOTENCY_IN_PROGRESS, "Idempotency-Key",
                      "A rehearsal with this key is still being received");
    else if (outcome == REHEARSAL_OVER)
        reply_allowance(r, left,
                        &(struct allowed){PROBLEM_TOO_MANY_REHEARSALS, "rehearsals", REHEARSALS_WAITING,
                                          r->config->rehearsals_per_day,
                                          "; `reckoner check` on your own machine has no limit"});
    u->repeated = outcome == REHEARSAL_KEY_USED;
    return outcome == REHEARSAL_RESERVED || outcome == REHEARSAL_KEY_USED;
}

static bool upload_begin(struct request *r, void **state)
{
    struct sealed_upload *u = calloc(1, sizeof *u);
    if (!u) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another rehearsal");
        return false;
    }
    *state = u;
    return sealed_upload_begin(r, u, &store) && reserve(r, u);
}

static bool upload_chunk(struct request *r, void *state, const void *bytes, size_t length)
{
    return sealed_upload_bytes(r, state, bytes, length);
}

static enum pg_status accept(struct request *r, struct sealed_upload *u, instant_t now)
{
    struct rehearsal h;
    char job[IDENT_SIZE];
    char subject[64];
    enum pg_status status = rehearsal_complete(r->pg, u->provider, u->no, now, u->bytes, u->sha256, &h);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_UPLOAD_GIVEN_UP, NULL, "Nothing of this upload arrived for too long");
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = job_add(r->pg, u->provider, "rehearse", h.id, job);
    (void)snprintf(subject, sizeof subject, "rehearsal/%s", u->id);
    if (status == PG_OK)
        status = request_audit(r, u->provider, "rehearsal.receive", subject,
                               json_pack("{s:I}", "bytes", (json_int_t)h.bytes));
    if (status != PG_OK)
        return status;
    json_t *body = rehearsal_json(r, &h);
    if (!body || !json_put(body, "job", json_string(job))) {
        json_decref(body);
        return PG_FAILED;
    }
    char location[100];
    (void)snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", u->provider, job);
    reply_accepted(r, body, location);
    return PG_OK;
}

static enum pg_status complete(struct request *r, void *context)
{
    struct sealed_upload *u = context;
    instant_t now = 0;
    if (u->repeated) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_CONFLICT, "Idempotency-Key",
                      "This key belongs to an earlier rehearsal whose answer is no longer kept");
        return PG_INVALID;
    }
    return clock_now(r->clock, &now) ? accept(r, u, now) : PG_FAILED;
}

static void upload_end(struct request *r, void *state)
{
    struct sealed_upload *u = state;
    uint8_t digest[32];
    if (sealed_upload_end(r, u, digest))
        request_act_on(r, digest, complete, u);
}

static void upload_finish(struct request *r, void *state, int64_t bytes)
{
    struct sealed_upload *u = state;
    (void)bytes;
    sealed_upload_finish(r, u);
    sodium_memzero(u, sizeof *u);
    free(u);
}

const struct upload_ops rehearsal_upload_ops = {upload_begin, upload_chunk, upload_end, upload_finish};

/* The rehearsal of the path. false: a problem was replied. */
static bool find(struct request *r, struct rehearsal *h)
{
    if (!request_path_ident(r, 1))
        return false;
    enum pg_status status = rehearsal_get(r->pg, r->path_values[0], r->path_values[1], h);
    if (status == PG_OK)
        return true;
    reply_store(r, status);
    return false;
}

/* How far its job is; a member of one that is not done yet. */
static enum pg_status add_job(struct request *r, const struct rehearsal *h, json_t *body)
{
    struct job_state job;
    enum pg_status status = job_latest(r->pg, h->provider, "rehearse", h->id, &job);
    if (status != PG_OK)
        return status == PG_NONE ? PG_OK : status;
    json_t *j = json_object();
    bool ok = j && json_put(j, "job", json_string(job.id)) && json_put(j, "state", json_string(job.state)) &&
              json_put(j, "done_units", json_integer(job.done_units)) &&
              json_put(j, "all_units", count_or_null(job.all_units)) &&
              json_put(j, "problem", job.problem[0] ? json_string(job.problem) : json_null());
    return json_object_set_new(body, "check", j) == 0 && ok ? PG_OK : PG_FAILED;
}

/* The worker's report; null until there is one. */
static enum pg_status add_report(struct request *r, const struct rehearsal *h, json_t *body)
{
    PGresult *result = NULL;
    struct json_problem problem;
    enum pg_status status = rehearsal_report(r->pg, h->provider, h->no, &result);
    if (status != PG_OK)
        return status;
    json_t *report = json_null();
    if (!pg_is_null(result, 0, "report")) {
        const char *text = pg_text(result, 0, "report");
        report = json_read(text, strlen(text), &problem);
    }
    PQclear(result);
    return json_put(body, "report", report) ? PG_OK : PG_FAILED;
}

void rehearsals_get(struct request *r)
{
    struct rehearsal h;
    if (!find(r, &h))
        return;
    json_t *body = rehearsal_json(r, &h);
    enum pg_status status = body ? add_job(r, &h, body) : PG_FAILED;
    if (status == PG_OK)
        status = add_report(r, &h, body);
    if (status != PG_OK) {
        json_decref(body);
        reply_store(r, status);
        return;
    }
    char target[100];
    (void)snprintf(target, sizeof target, "/v1/providers/%s/rehearsals/%s/findings", h.provider, h.id);
    reply_link(r, "findings", target);
    reply_json(r, 200, body, NULL);
}

/* Parts are numbered from 1; the one behind the last is not there. A report without findings has no part: its first is
 * empty. */
void rehearsals_findings(struct request *r)
{
    struct rehearsal h;
    const char *text = request_query(r, "part");
    int64_t part = 1;
    if (text && !parse_i64_within(text, strlen(text), 1, INT32_MAX - 1, &part)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "part", "part is the number of a part of the findings, from 1");
        return;
    }
    if (!find(r, &h))
        return;
    if (strcmp(h.state, "done") != 0) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The file has not been checked yet; wait for the job");
        return;
    }
    PGresult *lines = NULL;
    enum pg_status status = rehearsal_part(r->pg, h.provider, h.no, part, &lines);
    if (status != PG_OK && !(status == PG_NONE && part == 1)) {
        reply_store(r, status);
        return;
    }
    PGresult *next = NULL;
    if (lines && rehearsal_part(r->pg, h.provider, h.no, part + 1, &next) == PG_OK) {
        char target[128];
        (void)snprintf(target, sizeof target, "/v1/providers/%s/rehearsals/%s/findings?part=%lld", h.provider, h.id,
                       (long long)part + 1);
        reply_link(r, "next", target);
    }
    PQclear(next);
    reply_bytes(r, 200, "application/x-ndjson", lines ? PQgetvalue(lines, 0, 0) : "",
                lines ? (size_t)PQgetlength(lines, 0, 0) : 0, NULL, NULL);
    PQclear(lines);
}
