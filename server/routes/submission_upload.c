/* Receiving an upload: sealed and stored chunk by chunk as it streams, so that memory is bounded, no database
 * connection waits for the client, and a cut-off upload leaves nothing. */
#include "routes/submissions.h"

#include "base/parse.h"
#include "domain/contract_window.h"
#include "domain/reference.h"
#include "signing/keyfile.h"
#include "signing/seal.h"
#include "store/absence.h"
#include "store/job.h"
#include "store/reference_set.h"
#include "store/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (256 * 1024)
/* An upload that has stored nothing for so long is dead: the listener gives up on a silent client well before. */
#define GRACE_SECONDS 60

struct upload {
    char provider[8];
    char id[IDENT_SIZE];
    month_t month;
    int64_t no;
    int64_t declared_rows;
    int64_t caseload;
    int64_t receiving_seconds;
    /* The key was used by an upload that was completed: the bytes are only compared with that one's. */
    bool repeated;
    struct contract_window *windows;
    size_t window_count;
    struct seal_stream seal;
    crypto_hash_sha256_state hash;
    uint8_t sha256[SUBMISSION_SHA256_SIZE];
    int64_t bytes;
    int64_t chunks;
    size_t pending_length;
    uint8_t pending[CHUNK_SIZE];
    uint8_t sealed[CHUNK_SIZE + SEAL_CHUNK_OVERHEAD];
};

static void upload_free(struct upload *u)
{
    if (!u)
        return;
    free(u->windows);
    sodium_memzero(u, sizeof *u);
    free(u);
}

/* A header that states a count; *value stays -1 without it. */
static bool count_header(struct request *r, const char *name, int64_t *value)
{
    const char *text = request_header(r, name);
    if (!text || parse_i64_within(text, strlen(text), 0, INT32_MAX, value))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, name, "%s must be a whole number, 0 or more", name);
    return false;
}

static bool read_request(struct request *r, struct upload *u)
{
    if (strcmp(r->path_values[0], r->caller.organisation) != 0) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "You can upload for your own organisation only");
        return false;
    }
    (void)snprintf(u->provider, sizeof u->provider, "%s", r->caller.organisation);
    u->declared_rows = -1;
    u->caseload = -1;
    if (!request_path_month(r, 1, &u->month) || !count_header(r, "Row-Count", &u->declared_rows) ||
        !count_header(r, "Caseload", &u->caseload))
        return false;
    if (london_date(r->begun_at) < month_first(u->month)) {
        char first[11];
        date_format(month_first(u->month), first);
        reply_problem(r, PROBLEM_MONTH_NOT_BEGUN, "month", "The month begins on %s; send it from that day on", first);
        return false;
    }
    u->receiving_seconds = r->config->idle_timeout_seconds + GRACE_SECONDS;
    return true;
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
    enum pg_status status = window_contracts(r->pg, u->provider, u->month, r->begun_at, r->begun_at, &result);
    if (status != PG_OK)
        return status;
    size_t count = (size_t)PQntuples(result);
    u->windows = calloc(count + 1, sizeof *u->windows);
    if (!u->windows)
        status = PG_FAILED;
    for (size_t i = 0; i < count && status == PG_OK; i++) {
        int row = (int)i;
        const char *body = pg_is_null(result, row, "body") ? NULL : pg_text(result, row, "body");
        if (!contract_window_judge(pg_text(result, row, "contract"), body, body ? strlen(body) : 0, u->month,
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
        status = absences_load(r->pg, u->month, r->begun_at, &absences);
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
    month_format(u->month, month);
    instant_format(last, closed);
    reply_problem(r, PROBLEM_SUBMISSION_WINDOW_CLOSED, "month",
                  "%s is closed for every contract since %s. Ask the other party for an exception:"
                  " POST /v1/providers/%s/contracts/%s/exceptions with the month and a reason",
                  month, closed, u->provider, u->windows[0].contract);
    return false;
}

static bool begin_seal(struct request *r, struct upload *u, uint8_t sealed_key[SEAL_KEY_SIZE])
{
    uint8_t public_key[SEAL_PUBLIC_KEY_SIZE];
    char context[SEAL_CONTEXT_SIZE];
    char error[300];
    ident_new(u->id);
    (void)snprintf(context, sizeof context, "%s/%s", u->provider, u->id);
    if (keyfile_public(r->config->seal_public_key_file, "the public seal key", public_key, sizeof public_key, error,
                       sizeof error) &&
        seal_begin(&u->seal, public_key, context, sealed_key))
        return true;
    reply_problem(r, PROBLEM_INTERNAL, NULL, "The key that uploads are sealed to cannot be used");
    return false;
}

/* Reserves the Idempotency-Key by the row that receives the upload. */
static bool reserve(struct request *r, struct upload *u, const uint8_t *sealed_key)
{
    struct submission_upload begin = {u->provider,
                                      u->month,
                                      u->id,
                                      r->caller.person,
                                      request_idempotency_key(r),
                                      request_media_type(r),
                                      u->declared_rows,
                                      u->caseload,
                                      r->begun_at,
                                      sealed_key,
                                      SEAL_KEY_SIZE,
                                      u->receiving_seconds};
    enum submission_reservation outcome = SUBMISSION_BUSY;
    enum pg_status status = submission_reserve(r->pg, &begin, &outcome, &u->no);
    if (status == PG_RETRY)
        status = submission_reserve(r->pg, &begin, &outcome, &u->no);
    if (status != PG_OK) {
        reply_store(r, status);
        return false;
    }
    if (outcome == SUBMISSION_BUSY) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_IN_PROGRESS, "Idempotency-Key",
                      "An upload with this key is still being received");
        return false;
    }
    u->repeated = outcome == SUBMISSION_KEY_USED;
    return true;
}

static bool upload_begin(struct request *r, void **state)
{
    struct upload *u = calloc(1, sizeof *u);
    if (!u) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another upload");
        return false;
    }
    uint8_t sealed_key[SEAL_KEY_SIZE];
    (void)crypto_hash_sha256_init(&u->hash);
    bool ok = read_request(r, u) && begin_seal(r, u, sealed_key) && reserve(r, u, sealed_key);
    /* A repeated upload is answered as it was the first time, whatever has closed since. */
    *state = u;
    return ok && (u->repeated || month_is_open(r, u));
}

/* Seals and stores what is pending. false: a problem was replied. */
static bool store_pending(struct request *r, struct upload *u, bool last)
{
    size_t length = u->pending_length;
    u->pending_length = 0;
    if (u->repeated)
        return true;
    if (!seal_chunk(&u->seal, u->pending, length, last, u->sealed)) {
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The upload could not be sealed");
        return false;
    }
    enum pg_status status = submission_add_chunk(r->pg, u->provider, u->no, u->chunks, u->sealed,
                                                 length + SEAL_CHUNK_OVERHEAD, u->receiving_seconds);
    if (status == PG_NONE)
        reply_problem(r, PROBLEM_UPLOAD_GIVEN_UP, NULL, "Nothing of this upload arrived for too long");
    else if (status != PG_OK)
        reply_store(r, status);
    u->chunks++;
    return status == PG_OK;
}

static bool upload_chunk(struct request *r, void *state, const void *bytes, size_t length)
{
    struct upload *u = state;
    const uint8_t *from = bytes;
    (void)crypto_hash_sha256_update(&u->hash, from, length);
    u->bytes += (int64_t)length;
    while (length > 0) {
        /* A full chunk waits for a byte behind it: the last chunk is sealed with the final tag. */
        if (u->pending_length == CHUNK_SIZE && !store_pending(r, u, false))
            return false;
        size_t room = CHUNK_SIZE - u->pending_length;
        size_t n = length < room ? length : room;
        memcpy(u->pending + u->pending_length, from, n);
        u->pending_length += n;
        from += n;
        length -= n;
    }
    return true;
}

/* What a repeated request must have in common with the first: the bytes and all that was said beside them. */
static void request_digest(const struct request *r, const struct upload *u, uint8_t digest[32])
{
    char beside[100];
    crypto_hash_sha256_state hash;
    int n = snprintf(beside, sizeof beside, "\n%s\n%lld\n%lld", request_media_type(r), (long long)u->declared_rows,
                     (long long)u->caseload);
    (void)crypto_hash_sha256_init(&hash);
    (void)crypto_hash_sha256_update(&hash, u->sha256, sizeof u->sha256);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)beside, n > 0 ? (unsigned long long)n : 0);
    (void)crypto_hash_sha256_final(&hash, digest);
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
    enum pg_status status = submission_abandon(r->pg, u->provider, u->no);
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
    enum pg_status status = submission_complete(r->pg, u->provider, u->no, now, u->bytes, u->sha256, &s);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_UPLOAD_GIVEN_UP, NULL, "Nothing of this upload arrived for too long");
        return PG_INVALID;
    }
    if (status == PG_OK)
        status = job_add(r->pg, u->provider, "validate", s.id, job);
    (void)snprintf(subject, sizeof subject, "submission/%s", u->id);
    if (status == PG_OK)
        status = request_audit(r, u->provider, "submission.receive", subject,
                               json_pack("{s:I, s:I}", "version", (json_int_t)s.version, "bytes", (json_int_t)s.bytes));
    if (status != PG_OK)
        return status;
    json_t *body = acknowledgement(u, &s, job);
    if (!body)
        return PG_FAILED;
    char location[100];
    (void)snprintf(location, sizeof location, "/v1/providers/%s/jobs/%s", u->provider, job);
    reply_accepted(r, body, location);
    return PG_OK;
}

static enum pg_status complete(struct request *r, void *context)
{
    struct upload *u = context;
    struct submission same;
    instant_t now = 0;
    if (u->repeated) {
        reply_problem(r, PROBLEM_IDEMPOTENCY_CONFLICT, "Idempotency-Key",
                      "This key belongs to an earlier upload whose answer is no longer kept");
        return PG_INVALID;
    }
    if (!clock_now(r->clock, &now))
        return PG_FAILED;
    enum pg_status status = submission_lock_month(r->pg, u->provider, u->month);
    if (status != PG_OK)
        return status;
    status = submission_find_identical(r->pg, u->provider, u->month, u->sha256, &same);
    if (status == PG_OK)
        return answer_identical(r, u, &same);
    return status == PG_NONE ? accept(r, u, now) : status;
}

static void upload_end(struct request *r, void *state)
{
    struct upload *u = state;
    uint8_t digest[32];
    (void)crypto_hash_sha256_final(&u->hash, u->sha256);
    request_digest(r, u, digest);
    if (store_pending(r, u, true))
        request_act_on(r, digest, complete, u);
}

static void upload_finish(struct request *r, void *state, int64_t bytes)
{
    struct upload *u = state;
    (void)bytes;
    /* Does nothing to a submission that was received. With the database away the row is swept later: its lease runs
     * out. */
    if (u->no != 0 && !u->repeated)
        (void)submission_abandon(r->pg, u->provider, u->no);
    upload_free(u);
}

const struct upload_ops submission_upload_ops = {upload_begin, upload_chunk, upload_end, upload_finish};
