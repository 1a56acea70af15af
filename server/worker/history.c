#include "worker/history.h"

#include "check/spool.h"
#include "domain/history.h"
#include "domain/overlap.h"
#include "store/history.h"

#include <endian.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_AT_ONCE 256
/* A partition is to hold so many records, which with the room to sort them are about 10 MiB; up to PARTITIONS_MOST the
 * number of partitions grows with the months. */
#define PARTITION_RECORDS 131072
#define PARTITIONS_MOST   256

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == 16 && crypto_shorthash_siphash24_BYTES == 8, "a hash");

struct earlier {
    int64_t no;
    char id[IDENT_SIZE];
    month_t month;
};

struct history {
    struct worker *w;
    const struct submission *s;
    struct history_scope scope;
    struct earlier *earlier; /* by month */
    size_t earlier_count;
    uint8_t episode_key[16]; /* of episode ids, for this provider */
    uint8_t nhs_key[16];     /* of NHS numbers, for all providers */
    int64_t earlier_rows;
    unsigned partitions;
    struct journal *records;  /* encoded, in order of row */
    struct spool *by_episode; /* struct history_episode */
    struct spool *by_patient; /* struct history_patient */
    struct spool *overlaps;   /* encoded overlap records */
    uint8_t *errors;          /* by row_no - 1, one bit: an ERROR by default, whatever the terms */
    uint8_t *assessed;        /* the same: A01 was found already */
    uint8_t *moves;           /* two bits: 0 none, else 1 + enum history_move */
    size_t rows;
    struct check *check; /* while it is judged */
    bool failed;         /* a temporary file or memory */
};

static void derive(const struct worker *w, const char *purpose, const char *provider, uint8_t key[16])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, w->pseudonym_key, PSEUDONYM_KEY_SIZE, 16);
    (void)crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)provider, strlen(provider));
    (void)crypto_generichash_final(&state, key, 16);
}

static uint64_t hash_of(const uint8_t key[16], const char *text, size_t length)
{
    uint64_t hash = 0;
    (void)crypto_shorthash_siphash24((unsigned char *)&hash, (const unsigned char *)text, length, key);
    return le64toh(hash);
}

static enum job_outcome resources(char *problem)
{
    (void)snprintf(problem, JOB_PROBLEM_SIZE,
                   "The worker's temporary folder (spool_dir) is full or cannot be written, or memory ran out."
                   " The operator makes room; then retry the job.");
    return JOB_AGAIN;
}

static bool take_earlier(struct history *h, const PGresult *r)
{
    size_t count = (size_t)PQntuples(r);
    h->earlier = calloc(count + 1, sizeof *h->earlier);
    for (size_t i = 0; h->earlier != NULL && i < count; i++) {
        struct earlier *e = &h->earlier[i];
        e->no = pg_i64(r, (int)i, "no");
        (void)snprintf(e->id, sizeof e->id, "%s", pg_text(r, (int)i, "id"));
        e->month = pg_month(r, (int)i, "month");
        h->earlier_rows += pg_i64(r, (int)i, "rows");
        h->earlier_count++;
    }
    return h->earlier != NULL;
}

enum job_outcome history_begin(struct worker *w, const struct submission *s, const struct reference *reference,
                               char *problem, struct history **out)
{
    struct history *h = calloc(1, sizeof *h);
    *out = h;
    if (h == NULL)
        return resources(problem);
    h->w = w;
    h->s = s;
    h->scope = (struct history_scope){s->month, reference};
    derive(w, "history/episode/1", s->provider, h->episode_key);
    derive(w, "overlap/nhs_number/1", "", h->nhs_key);
    PGresult *r = NULL;
    enum pg_status status = history_submissions(w->pg, s->provider, s->month, &r);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    bool ok = take_earlier(h, r);
    PQclear(r);
    h->records = journal_new(w->config->spool_dir);
    h->overlaps = spool_new(w->config->spool_dir, OVERLAP_PARTITIONS);
    return ok && h->records != NULL && h->overlaps != NULL ? JOB_DONE : resources(problem);
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    free(h->earlier);
    journal_free(h->records);
    spool_free(&h->by_episode);
    spool_free(&h->by_patient);
    spool_free(&h->overlaps);
    free(h->errors);
    free(h->assessed);
    free(h->moves);
    sodium_memzero(h, sizeof *h);
    free(h);
}

bool history_same(const struct history *a, const struct history *b)
{
    bool same = a->earlier_count == b->earlier_count;
    for (size_t i = 0; same && i < a->earlier_count; i++)
        same = a->earlier[i].no == b->earlier[i].no;
    return same;
}

json_t *history_used(const struct history *h)
{
    json_t *used = json_object();
    for (size_t i = 0; used != NULL && i < h->earlier_count; i++) {
        char month[8];
        month_format(h->earlier[i].month, month);
        if (!json_put(used, month, json_string(h->earlier[i].id))) {
            json_decref(used);
            return NULL;
        }
    }
    return used;
}

bool history_add_row(struct history *h, const struct checked_row *row, const struct episode *facts)
{
    const char *digits = row->row->nhs_digits;
    struct overlap_record record;
    uint8_t bytes[OVERLAP_RECORD_SIZE];
    if (digits[0] == '\0' || row->has_error || facts->assessment_only)
        return true;
    record.days = overlap_days(facts->start_date, facts->end_date, h->s->month);
    if (record.days == 0)
        return true;
    record.nhs = hash_of(h->nhs_key, digits, strlen(digits));
    record.row_no = (uint32_t)facts->row_no;
    overlap_encode(&record, bytes);
    return spool_add(h->overlaps, overlap_partition(record.nhs), bytes, sizeof bytes);
}

static bool bit(const uint8_t *bits, uint32_t row_no)
{
    return (bits[(row_no - 1) / 8] >> ((row_no - 1) % 8) & 1) != 0;
}

static void set_bit(uint8_t *bits, uint32_t row_no)
{
    bits[(row_no - 1) / 8] |= (uint8_t)(1U << ((row_no - 1) % 8));
}

/* Room for what is known of each row, and partitions for all records. */
static bool make_room(struct history *h, uint32_t rows)
{
    int64_t wanted = ((int64_t)rows + h->earlier_rows) / PARTITION_RECORDS + 1;
    h->partitions = wanted < PARTITIONS_MOST ? (unsigned)wanted : PARTITIONS_MOST;
    h->rows = rows;
    h->errors = calloc(rows / 8 + 1, 1);
    h->assessed = calloc(rows / 8 + 1, 1);
    h->moves = calloc(rows / 4 + 1, 1);
    h->by_episode = spool_new(h->w->config->spool_dir, h->partitions);
    h->by_patient = spool_new(h->w->config->spool_dir, h->partitions);
    return h->errors != NULL && h->assessed != NULL && h->moves != NULL && h->by_episode != NULL &&
           h->by_patient != NULL;
}

/* Without earlier months an episode has nothing to be compared with; assessments have each other. */
static bool spool_record(struct history *h, const struct history_record *record, month_t month, uint32_t row_no)
{
    struct history_episode episode;
    struct history_patient patient;
    history_episode_make(&episode, record, month, row_no);
    if (h->earlier_count > 0 &&
        !spool_add(h->by_episode, (unsigned)(episode.episode % h->partitions), &episode, sizeof episode))
        return false;
    return !history_patient_make(&patient, record, &h->scope, month, row_no) ||
           spool_add(h->by_patient, (unsigned)(patient.patient % h->partitions), &patient, sizeof patient);
}

static bool take_row(void *context, const struct episode *e)
{
    struct history *h = context;
    struct history_record record;
    uint8_t bytes[HISTORY_RECORD_SIZE];
    uint32_t row_no = (uint32_t)e->row_no;
    uint64_t hash = hash_of(h->episode_key, e->episode_id, strlen(e->episode_id));
    history_record_make(&record, e, h->s->month, hash);
    history_encode(&record, bytes);
    if ((e->failed & rules_unpayable_at_upload()) != 0)
        set_bit(h->errors, row_no);
    if ((e->failed & rule_set_of(RULE_A01)) != 0)
        set_bit(h->assessed, row_no);
    h->failed =
        h->failed || !journal_append(h->records, bytes, sizeof bytes) || !spool_record(h, &record, h->s->month, row_no);
    return !h->failed && !atomic_load(&h->w->lost);
}

static bool take_block(struct history *h, const struct earlier *e, const char *bytes, size_t length)
{
    for (size_t at = 0; at + HISTORY_RECORD_SIZE <= length; at += HISTORY_RECORD_SIZE) {
        struct history_record record;
        history_decode(&record, (const uint8_t *)bytes + at);
        if (!spool_record(h, &record, e->month, 0))
            return false;
    }
    return true;
}

static enum pg_status take_earlier_rows(struct history *h, struct pg *pg, const struct earlier *e)
{
    for (int64_t from = 0;; from += BLOCKS_AT_ONCE) {
        PGresult *r = NULL;
        enum pg_status status = history_records(pg, h->s->provider, e->no, from, BLOCKS_AT_ONCE, &r);
        if (status != PG_OK)
            return status;
        int count = PQntuples(r);
        for (int i = 0; i < count && !h->failed; i++)
            h->failed = !take_block(h, e, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
        PQclear(r);
        if (count < BLOCKS_AT_ONCE || h->failed || atomic_load(&h->w->lost))
            return PG_OK;
    }
}

static void on_finding(void *context, const struct finding *f)
{
    struct history *h = context;
    if (f->rule == RULE_A01 && bit(h->assessed, f->row_no))
        return;
    h->failed = h->failed || !check_add_finding(h->check, f);
}

static void on_moved(void *context, uint32_t row_no, enum history_move move)
{
    struct history *h = context;
    h->moves[(row_no - 1) / 4] |= (uint8_t)((1U + (unsigned)move) << ((row_no - 1) % 4 * 2));
}

static bool judge_partition(struct history *h, unsigned partition)
{
    struct history_events events = {h, on_finding, on_moved};
    void *records = NULL;
    size_t length = 0;
    if (!spool_load(h->by_episode, partition, &records, &length))
        return false;
    bool ok = history_check_episodes(records, length / sizeof(struct history_episode), &events);
    free(records);
    if (!ok || !spool_load(h->by_patient, partition, &records, &length))
        return false;
    ok = history_check_patients(records, length / sizeof(struct history_patient), &h->scope, &events);
    free(records);
    return ok && !h->failed;
}

enum job_outcome history_take(struct history *h, struct check *check, char *problem)
{
    h->check = check;
    if (make_room(h, check_rows(check)) && check_each_row(check, take_row, h))
        return JOB_DONE;
    return atomic_load(&h->w->lost) ? JOB_LOST : resources(problem);
}

enum job_outcome history_judge(struct history *h, struct pg *pg, char *problem)
{
    enum pg_status status = PG_OK;
    bool ok = true;
    for (size_t i = 0; ok && i < h->earlier_count && status == PG_OK; i++) {
        status = take_earlier_rows(h, pg, &h->earlier[i]);
        ok = !h->failed;
    }
    for (unsigned p = 0; ok && status == PG_OK && p < h->partitions && !atomic_load(&h->w->lost); p++)
        ok = judge_partition(h, p);
    spool_free(&h->by_episode);
    spool_free(&h->by_patient);
    if (atomic_load(&h->w->lost))
        return JOB_LOST;
    if (status != PG_OK)
        return job_outcome_of(status, pg, problem);
    return ok ? JOB_DONE : resources(problem);
}

static enum pg_status write_records(struct history *h, bool *broken)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = history_copy_begin(h->w->pg, &copy);
    if (status != PG_OK)
        return status;
    const size_t most = (size_t)HISTORY_BLOCK_ROWS * HISTORY_RECORD_SIZE;
    uint8_t *bytes = malloc(most);
    bool ok = bytes != NULL;
    uint64_t left = journal_length(h->records);
    for (int32_t block = 0; left > 0 && ok; block++) {
        size_t n = left < most ? (size_t)left : most;
        ok = journal_next(h->records, bytes, n);
        if (ok)
            history_copy_add(copy, h->s->provider, h->s->no, block, (int32_t)(n / HISTORY_RECORD_SIZE), bytes, n);
        left -= n;
    }
    free(bytes);
    status = pg_copy_end(copy, NULL);
    *broken = *broken || !ok;
    return ok ? status : PG_FAILED;
}

/* Moves the records of rows without an ERROR to the front; returns their length. */
static size_t without_errors(const struct history *h, uint8_t *bytes, size_t length)
{
    size_t kept = 0;
    for (size_t at = 0; at + OVERLAP_RECORD_SIZE <= length; at += OVERLAP_RECORD_SIZE) {
        struct overlap_record record;
        overlap_decode(&record, bytes + at);
        if (bit(h->errors, record.row_no))
            continue;
        memmove(bytes + kept, bytes + at, OVERLAP_RECORD_SIZE);
        kept += OVERLAP_RECORD_SIZE;
    }
    return kept;
}

static enum pg_status write_overlaps(struct history *h, bool *broken)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = overlap_copy_begin(h->w->pg, &copy);
    if (status != PG_OK)
        return status;
    bool ok = true;
    for (unsigned p = 0; p < OVERLAP_PARTITIONS && ok; p++) {
        void *bytes = NULL;
        size_t length = 0;
        ok = spool_load(h->overlaps, p, &bytes, &length);
        if (bytes != NULL)
            length = without_errors(h, bytes, length);
        if (length > 0 && ok)
            overlap_copy_add(copy, h->s->provider, h->s->no, (int16_t)p, bytes, length);
        free(bytes);
    }
    status = pg_copy_end(copy, NULL);
    *broken = *broken || !ok;
    return ok ? status : PG_FAILED;
}

enum pg_status history_write_moves(struct history *h)
{
    static const char *const directions[] = {"up", "down", "level"};
    struct pg_copy *copy = NULL;
    enum pg_status status = cluster_move_copy_begin(h->w->pg, &copy);
    if (status != PG_OK)
        return status;
    for (size_t i = 0; i < h->rows; i++) {
        unsigned move = (unsigned)h->moves[i / 4] >> (i % 4 * 2) & 3U;
        if (move > 0)
            cluster_move_copy_add(copy, h->s->provider, h->s->no, (int32_t)(i + 1), directions[move - 1]);
    }
    return pg_copy_end(copy, NULL);
}

enum pg_status history_write_rows(struct history *h, bool *broken)
{
    enum pg_status status = write_records(h, broken);
    return status == PG_OK ? write_overlaps(h, broken) : status;
}
