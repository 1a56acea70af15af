#include "worker/identify.h"

#include "base/parse.h"
#include "signing/reading_key.h"
#include "store/confidential.h"
#include "store/reading.h"
#include "worker/confidential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that holds an identity or a key lies in memory that is locked and wiped as it is freed. */
struct identify {
    struct worker *w;
    const struct job *job;
    char *problem;
    int64_t submission;
    int64_t rows[READING_ROWS_MAXIMUM];
    size_t count;
    uint8_t *key;     /* READING_KEY_SIZE */
    uint8_t *block;   /* the confidential block in clear, NULL: none yet */
    size_t length;    /* of the block */
    int64_t first;    /* row of the block's first record */
    int64_t in_block; /* rows of the block */
    char *text;       /* the answer in clear */
    size_t room;
    size_t used;
};

static enum job_outcome unreadable(struct identify *x)
{
    (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                   "The confidential rows cannot be opened: they were sealed to another key or are damaged."
                   " The operator restores the key; then the reading is asked for again.");
    return JOB_FAILED;
}

static enum job_outcome erased(struct identify *x)
{
    (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                   "The identity of a row was erased at the request of the trust after it was asked for. Ask for the"
                   " other rows again.");
    return JOB_FAILED;
}

static enum job_outcome memory_ran_out(struct identify *x)
{
    (void)snprintf(x->problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
    return JOB_AGAIN;
}

/* rows: numbers separated by commas, ascending, each once. */
static bool read_rows(struct identify *x, const char *text)
{
    while (*text != '\0' && x->count < READING_ROWS_MAXIMUM) {
        size_t n = strcspn(text, ",");
        if (!parse_i64(text, n, &x->rows[x->count++]))
            return false;
        text += n + (text[n] == ',');
    }
    return *text == '\0';
}

static bool open_key(struct identify *x, const PGresult *r)
{
    uint8_t sealed[READING_KEY_SIZE + SEAL_BOX_OVERHEAD];
    x->key = sodium_malloc(READING_KEY_SIZE);
    return x->key && pg_bytes(r, 0, "sealed_key", sealed, sizeof sealed) == (int)sizeof sealed &&
           unseal_box(x->w->unseal, sealed, sizeof sealed, x->key);
}

static enum job_outcome open_block(struct identify *x, int64_t row)
{
    struct confidential_rows found;
    enum pg_status status = confidential_block_of(x->w->pg, x->job->provider, x->submission, row, &found);
    if (status == PG_NONE)
        return unreadable(x);
    if (status != PG_OK)
        return job_outcome_of(status, x->w->pg, x->problem);
    sodium_free(x->block);
    x->first = found.first_row;
    x->in_block = found.rows;
    x->length = found.length > SEAL_BOX_OVERHEAD ? found.length - SEAL_BOX_OVERHEAD : 0;
    x->block = x->length > 0 ? sodium_malloc(x->length) : NULL;
    bool ok = x->block && unseal_box(x->w->unseal, found.sealed, found.length, x->block);
    PQclear(found.result);
    return ok ? JOB_DONE : unreadable(x);
}

/* Grows by doubling; what was there before is wiped. */
static bool put(struct identify *x, const char *bytes, size_t n)
{
    if (x->used + n > x->room) {
        size_t room = 2 * x->room + n + 4096;
        char *text = sodium_malloc(room);
        if (!text)
            return false;
        if (x->used > 0)
            memcpy(text, x->text, x->used);
        sodium_free(x->text);
        x->text = text;
        x->room = room;
    }
    if (n > 0)
        memcpy(x->text + x->used, bytes, n);
    x->used += n;
    return true;
}

static bool put_string(struct identify *x, const char *name, struct text value)
{
    bool ok = put(x, ",\"", 2) && put(x, name, strlen(name)) && put(x, "\":\"", 3);
    for (size_t i = 0; i < value.length && ok; i++) {
        unsigned char c = (unsigned char)value.at[i];
        char escaped[8];
        int n = c == '"' || c == '\\' ? snprintf(escaped, sizeof escaped, "\\%c", c)
                : c < 0x20            ? snprintf(escaped, sizeof escaped, "\\u%04x", c)
                                      : snprintf(escaped, sizeof escaped, "%c", c);
        ok = put(x, escaped, (size_t)n);
        sodium_memzero(escaped, sizeof escaped);
    }
    return ok && put(x, "\"", 1);
}

static bool put_record(struct identify *x, int64_t row, const struct confidential_record *record)
{
    char head[48];
    int n = snprintf(head, sizeof head, "%s{\"row\":%lld", x->rows[0] == row ? "" : ",", (long long)row);
    bool ok = put(x, head, (size_t)n) && put_string(x, "patient_id", record->patient_id) &&
              put_string(x, "nhs_number", record->nhs_number);
    char birth[11] = "";
    if (record->birth != DATE_NONE)
        date_format(record->birth, birth);
    ok = ok && (birth[0] != '\0' ? put_string(x, "birth_date", (struct text){birth, strlen(birth)})
                                 : put(x, ",\"birth_date\":null", 18));
    sodium_memzero(birth, sizeof birth);
    return ok && put_string(x, "gp_practice", record->gp_practice) && put(x, "}", 1);
}

static enum job_outcome write_answer(struct identify *x)
{
    char head[80];
    int n = snprintf(head, sizeof head, "{\"provider\":\"%s\",\"items\":[", x->job->provider);
    if (!put(x, head, (size_t)n))
        return memory_ran_out(x);
    for (size_t i = 0; i < x->count; i++) {
        int64_t row = x->rows[i];
        if (!x->block || row >= x->first + x->in_block) {
            enum job_outcome outcome = open_block(x, row);
            if (outcome != JOB_DONE)
                return outcome;
        }
        struct confidential_record record;
        if (!confidential_find(x->block, x->length, (uint32_t)(row - x->first), &record))
            return unreadable(x);
        if (confidential_erased(&record))
            return erased(x);
        if (!put_record(x, row, &record))
            return memory_ran_out(x);
    }
    return put(x, "]}", 2) ? JOB_DONE : memory_ran_out(x);
}

static enum pg_status store_answer(struct identify *x)
{
    char context[80];
    (void)snprintf(context, sizeof context, "%s/%s", x->job->provider, x->job->subject);
    size_t length = x->used + READING_OVERHEAD;
    uint8_t *sealed = malloc(length);
    enum pg_status status = sealed && reading_seal(x->key, context, x->text, x->used, sealed) ? PG_OK : PG_FAILED;
    if (status == PG_OK)
        status = reading_answer(x->w->pg, x->job->provider, x->job->subject, sealed, length, IDENTIFY_RELEASE_SECONDS);
    free(sealed);
    if (status == PG_OK)
        status = job_finish(x->w->pg, x->job);
    return status == PG_OK ? pg_commit(x->w->pg) : status;
}

static enum job_outcome answer(struct identify *x, const PGresult *r)
{
    if (strcmp(pg_text(r, 0, "state"), "asked") != 0) { /* answered already, by an earlier attempt */
        enum pg_status status = job_finish(x->w->pg, x->job);
        return job_outcome_of(status == PG_OK ? pg_commit(x->w->pg) : status, x->w->pg, x->problem);
    }
    x->submission = pg_i64(r, 0, "submission");
    if (!read_rows(x, pg_text(r, 0, "rows")) || !open_key(x, r))
        return unreadable(x);
    enum job_outcome outcome = write_answer(x);
    return outcome == JOB_DONE ? job_outcome_of(store_answer(x), x->w->pg, x->problem) : outcome;
}

enum job_outcome identify_run(struct worker *w, const struct job *job, char *problem)
{
    struct identify x;
    memset(&x, 0, sizeof x);
    x.w = w;
    x.job = job;
    x.problem = problem;
    PGresult *r = NULL;
    enum pg_status status = pg_begin(w->pg);
    if (status == PG_OK)
        status = reading_take(w->pg, job->provider, job->subject, &r);
    enum job_outcome outcome = status == PG_OK ? answer(&x, r) : job_outcome_of(status, w->pg, problem);
    PQclear(r);
    sodium_free(x.key);
    sodium_free(x.block);
    sodium_free(x.text);
    return outcome;
}

enum pg_status identify_give_up(struct worker *w, const struct job *job, const char *problem)
{
    (void)problem;
    return reading_fail(w->pg, job->provider, job->subject);
}
