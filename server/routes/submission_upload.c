/* Receiving a submission (routes/sealed_upload.h), while a window of its month is open. */
#include "routes/submissions.h"

#include "domain/contract_window.h"
#include "domain/reference.h"
#include "routes/sealed_upload.h"
#include "store/absence.h"
#include "store/job.h"
#include "store/reference_set.h"
#include "store/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upload {
    struct sealed_upload in;
    struct contract_window *windows;
    size_t window_count;
};

static const struct sealed_upload_store store = {submission_add_chunk, submission_abandon};

static void upload_free(struct upload *u)
{
    if (!u)
        return;
    free(u->windows);
    sodium_memzero(u, sizeof *u);
    free(u);
}

static bool month_has_begun(struct request *r, const struct upload *u)
{
    if (london_date(r->begun_at) >= month_first(u->in.month))
        return true;
    char first[11];
    date_format(month_first(u->in.month), first);
    reply_problem(r, PROBLEM_MONTH_NOT_BEGUN, "month", "The month begins on %s; send it from that day on", first);
    return false;
}

/* The bank holidays that windows are counted by. PG_NONE: nobody has stated any. */
static enum pg_status load_holidays(struct request *r, struct reference *reference)
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200];
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(r->pg, r->config->reference_dir, "bank_holidays", &content, digest);
    if (status == PG_OK &&
        !reference_load_bank_holidays(reference, content.data ? content.data : "", content.length, error, sizeof error))
        status = PG_FAILED;
    buf_free(&content);
    return status;
}

static enum pg_status judge_windows(struct request *r, struct upload *u, const struct closing_calendar *calendar)
{
    PGresult *result = NULL;
    enum pg_status status = window_contracts(r->pg, u->in.provider, u->in.month, r->begun_at, r->begun_at, &result);
    if (status != PG_OK)
        return status;
    size_t count = (size_t)PQntuples(result);
    u->windows = calloc(count + 1, sizeof *u->windows);
    if (!u->windows)
        status = PG_FAILED;
    for (size_t i = 0; i < count && status == PG_OK; i++) {
        int row = (int)i;
        const char *body = pg_is_null(result, row, "body") ? NULL : pg_text(result, row, "body");
        if (!contract_window_judge(pg_text(result, row, "contract"), body, body ? strlen(body) : 0, u->in.month,
                                   r->begun_at, pg_bool(result, row, "exception"), calendar, &u->windows[i]))
            status = PG_FAILED;
    }
    u->window_count = count;
    PQclear(result);
    return status;
}

/* false: a problem was replied. */
static bool month_is_open(struct request *r, struct upload *u)
{
    struct reference reference;
    reference_init(&reference);
    enum pg_status status = load_holidays(r, &reference);
    struct absences absences = {NULL, 0};
    if (status == PG_OK || status == PG_NONE)
        status = absences_load(r->pg, u->in.month, r->begun_at, &absences);
    const struct closing_calendar calendar = {reference.bank_holidays, reference.bank_holiday_count, absences.list,
                                              absences.count};
    if (status == PG_OK)
        status = judge_windows(r, u, &calendar);
    absences_free(&absences);
    reference_free(&reference);
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    if (contract_windows_open(u->windows, u->window_count))
        return true;
    char month[8];
    char closed[28];
    instant_t last = 0;
    for (size_t i = 0; i < u->window_count; i++)
        last = u->windows[i].freeze_at > last ? u->windows[i].freeze_at : last;
    month_format(u->in.month, month);
    instant_format(last, closed);
    reply_problem(r, PROBLEM_SUBMISSION_WINDOW_CLOSED, "month",
                  "%s is closed for every contract since %s. Ask the other party for an exception:"
                  " POST /v1/providers/%s/contracts/%s/exceptions with the month and a reason",
                  month, closed, u->in.provider, u->windows[0].contract);
    return false;
}

/* Reserves the Idempotency-Key by the row that receives the upload. */
static bool reserve(struct request *r, struct upload *u)
{
    struct submission_upload begin = {u->in.provider,
                                      u->in.month,
                                      u->in.id,
                                      r->caller.person,
                                      request_idempotency_key(r),
                                      request_media_type(r),
                                      u->in.content_encoding,
                                      u->in.column_mapping,
                                      u->in.declared_rows,
                                      u->in.caseload,
                                      r->begun_at,
                                      u->in.sealed_key,
                                      SEAL_KEY_SIZE,
                                      u->in.receiving_seconds};
    enum submission_reservation outcome = SUBMISSION_BUSY;
    enum pg_status status = submission_reserve(r->pg, &begin, &outcome, &u->in.no);
    if (status == PG_RETRY)
        status = submission_reserve(r->pg, &begin, &outcome, &u->in.no);
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    if (outcome == SUBMISSION_BUSY) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_IN_PROGRESS, "Idempotency-Key",
                      "An upload with this key is still being received");
        return false;
    }
    u->in.repeated = outcome == SUBMISSION_KEY_USED;
    return true;
}

static bool upload_begin(struct request *r, void **state)
{
    struct upload *u = calloc(1, sizeof *u);
    if (!u) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another upload");
        return false;
    }
    bool ok = sealed_upload_begin(r, &u->in, &store) && month_has_begun(r, u) && reserve(r, u);
    /* A repeated upload is answered as it was the first time, whatever has closed since. */
    *state = u;
    return ok && (u->in.repeated || month_is_open(r, u));
}

static bool upload_chunk(struct request *r, void *state, const void *bytes, size_t length)
{
    struct upload *u = state;
    return sealed_upload_bytes(r, &u->in, bytes, length);
}

/* Nothing changed: the month's current version has the same bytes. */
static enum pg_status answer_identical(struct request *r, struct upload *u, const struct submission *same)
{
    json_t *body = submission_json(same);
    bool ok = body && json_put(body, "identical", json_true());
    if (!ok) {
        json_decref(body);
        return PG_FAILED;
    }
    enum pg_status status = submission_abandon(r->pg, u->in.provider, u->in.no);
    if (status == PG_OK)
        reply_json(r, 200, body, NULL);
    else
        json_decref(body);
    return status;
}

static json_t *acknowledgement(const struct upload *u, const struct submission *s, const char *job)
{
    json_t *body = submission_json(s);
    bool ok = body && json_put(body, "windows", contract_windows_json(u->windows, u->window_count)) &&
              json_put(body, "job", json_string(job));
    if (ok)
        return body;
    json_decref(body);
    return NULL;
}

static enum pg_status accept(struct request *r, struct upload *u, instant_t now)
{
    struct submission s;
    char job[IDENT_SIZE];
    char subject[64];
    enum pg_status status =
        submission_complete(r->pg, u->in.provider, u->in.no, now, u->in.chunks, u->in.bytes, u->in.sha256, &s);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_UPLOAD_GIVEN_UP, NULL, "Nothing of this upload arrived for too long");
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = job_add(r->pg, u->in.provider, "validate", s.id, job);
    (void)snprintf(subject, sizeof subject, "submission/%s", u->in.id);
    if (status == PG_OK)
        status = request_audit(r, u->in.provider, "submission.receive", subject,
                               json_pack("{s:I, s:I}", "version", (json_int_t)s.version, "bytes", (json_int_t)s.bytes));
    if (status != PG_OK)
        return status;
    json_t *body = acknowledgement(u, &s, job);
    if (!body)
        return PG_FAILED;
    char location[100];
    (void)snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", u->in.provider, job);
    reply_accepted(r, body, location);
    return PG_OK;
}

static enum pg_status complete(struct request *r, void *context)
{
    struct upload *u = context;
    struct submission same;
    instant_t now = 0;
    if (u->in.repeated) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_CONFLICT, "Idempotency-Key",
                      "This key belongs to an earlier upload whose answer is no longer kept");
        return PG_INVALID;
    }
    if (!clock_now(r->clock, &now))
        return PG_FAILED;
    enum pg_status status = submission_lock_month(r->pg, u->in.provider, u->in.month);
    if (status != PG_OK)
        return status;
    status = submission_find_identical(r->pg, u->in.provider, u->in.month, u->in.sha256, u->in.content_encoding,
                                       u->in.column_mapping, &same);
    if (status == PG_OK)
        return answer_identical(r, u, &same);
    return status == PG_NONE ? accept(r, u, now) : status;
}

static void upload_end(struct request *r, void *state)
{
    struct upload *u = state;
    uint8_t digest[32];
    if (sealed_upload_end(r, &u->in, digest))
        request_act_on(r, digest, complete, u);
}

static void upload_finish(struct request *r, void *state, int64_t bytes)
{
    struct upload *u = state;
    (void)bytes;
    sealed_upload_finish(r, &u->in);
    upload_free(u);
}

const struct upload_ops submission_upload_ops = {upload_begin, upload_chunk, upload_end, upload_finish};
