#include "worker/validation_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_AT_ONCE   4
#define PROGRESS_MICROS  1000000
#define COMMISSIONER_LOW 3

/* Keyed hash of an identity: the same patient has the same one in every month of a provider, and nobody without the
 * key can compute it. kind keeps the hashes of patient ids and NHS numbers apart. */
static void identity_hash(const struct validation *v, char kind, const char *text, size_t length, uint8_t out[16])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, v->w->pseudonym_key, PSEUDONYM_KEY_SIZE, 16);
    (void)crypto_generichash_update(&state, (const unsigned char *)&kind, 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)v->s.provider, strlen(v->s.provider) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)text, length);
    (void)crypto_generichash_final(&state, out, 16);
}

/* Text of a column of facts: as sent when it has the column's form, else empty, so that nothing personal can get in
 * by a wrong column. */
static void take_code(char *out, size_t size, struct text text, size_t shortest, bool letters)
{
    out[0] = '\0';
    if (text.length < shortest || text.length >= size)
        return;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (!(c >= '0' && c <= '9') && !(letters && c >= 'A' && c <= 'Z'))
            return;
    }
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
}

static void take_text(char *out, size_t size, struct text text)
{
    size_t n = text.length < size ? text.length : 0;
    memcpy(out, text.at, n);
    out[n] = '\0';
}

static void facts_of(const struct checked_row *checked, const uint8_t patient[16], struct episode *e)
{
    const struct episode_row *row = checked->row;
    memset(e, 0, sizeof *e);
    e->row_no = (int32_t)row->row_no;
    take_text(e->episode_id, sizeof e->episode_id, row->episode_id);
    memcpy(e->patient, patient, sizeof e->patient);
    take_code(e->commissioner, sizeof e->commissioner, row->commissioner, COMMISSIONER_LOW, true);
    take_code(e->cluster, sizeof e->cluster, row->cluster_text, 2, false);
    take_text(e->service, sizeof e->service, row->service);
    e->start_date = row->start;
    e->end_date = row->end;
    e->mhct_date = row->mhct;
    e->referral_date = row->referral;
    e->mhct_reason = row->mhct_reason;
    e->admitted_days = row->admitted_days < 0 ? 0 : row->admitted_days;
    e->assessment_only = row->assessment_only;
    e->approved = row->approved;
    e->minor = checked->minor;
}

/* Room for row_no in failed and continues. */
static bool make_room(struct validation *v, size_t row_no)
{
    if (row_no <= v->row_room)
        return true;
    size_t room = v->row_room ? v->row_room : 65536;
    while (room < row_no)
        room += room / 2;
    rule_set_t *failed = reallocarray(v->failed, room, sizeof *failed);
    if (!failed)
        return false;
    memset(failed + v->row_room, 0, (room - v->row_room) * sizeof *failed);
    v->failed = failed;
    uint8_t *continues = realloc(v->continues, room / 8 + 1);
    if (!continues)
        return false;
    size_t old = v->row_room ? v->row_room / 8 + 1 : 0;
    memset(continues + old, 0, room / 8 + 1 - old);
    v->continues = continues;
    v->row_room = room;
    return true;
}

void validation_finding(struct validation *v, const struct finding *f)
{
    struct finding_head head;
    memset(&head, 0, sizeof head);
    head.row_no = f->row_no;
    head.rule = (uint16_t)f->rule;
    head.field_length = (uint8_t)strlen(f->field);
    head.value_length = (uint8_t)strlen(f->value);
    head.note_length = (uint8_t)strlen(f->note);
    if (!journal_append(v->findings, &head, sizeof head) || !journal_append(v->findings, f->field, head.field_length) ||
        !journal_append(v->findings, f->value, head.value_length) ||
        !journal_append(v->findings, f->note, head.note_length))
        v->broken = true;
}

static void on_file_finding(void *context, const struct finding *finding)
{
    validation_finding(context, finding);
}

static bool flush_block(struct validation *v)
{
    if (v->block.rows == 0)
        return true;
    struct block_head head;
    memset(&head, 0, sizeof head);
    head.first_row = v->block.first_row;
    head.rows = v->block.rows;
    uint8_t *sealed = NULL;
    size_t length = 0;
    if (!confidential_seal(&v->block, v->w->unseal->public, &sealed, &length))
        return false;
    head.length = length;
    bool ok = journal_append(v->blocks, &head, sizeof head) && journal_append(v->blocks, sealed, length);
    free(sealed);
    return ok;
}

/* Records for the rules across rows. */
static bool spool_cross(struct validation *v, const struct checked_row *row, const uint8_t patient[16])
{
    uint8_t nhs[16];
    const char *digits = row->row->nhs_digits;
    const uint8_t *known = digits[0] ? nhs : NULL;
    if (known)
        identity_hash(v, 'n', digits, strlen(digits), nhs);
    struct cross_row cross;
    struct cross_nhs by_nhs;
    struct cross_episode episode;
    bool ok = true;
    if (cross_row_make(&cross, row, v->s.month, patient, known))
        ok = spool_add(v->patients, cross_partition(cross.patient, VALIDATION_PARTITIONS), &cross);
    if (ok && cross_nhs_make(&by_nhs, row, patient, known))
        ok = spool_add(v->nhs, cross_partition(by_nhs.nhs, VALIDATION_PARTITIONS), &by_nhs);
    if (ok && cross_episode_make(&episode, row))
        ok = spool_add(v->episodes, cross_episode_partition(episode.episode_id, VALIDATION_PARTITIONS), &episode);
    return ok;
}

static bool spool_row(struct validation *v, const struct checked_row *row)
{
    static const struct episode gap;
    size_t row_no = row->row->row_no;
    if (!make_room(v, row_no))
        return false;
    for (; v->rows + 1 < row_no; v->rows++) {
        if (!journal_append(v->facts, &gap, sizeof gap))
            return false;
    }
    uint8_t patient[16];
    identity_hash(v, 'p', row->row->patient_id.at, row->row->patient_id.length, patient);
    struct episode e;
    facts_of(row, patient, &e);
    v->failed[row_no - 1] = row->failed;
    v->rows = row_no;
    /* Blocks hold rows without gaps; a file with gaps is refused and its blocks are not kept. */
    if (v->block.rows == CONFIDENTIAL_ROWS && !flush_block(v))
        return false;
    return journal_append(v->facts, &e, sizeof e) && confidential_add(&v->block, row->row) &&
           spool_cross(v, row, patient);
}

static bool on_row(void *context, const struct checked_row *row)
{
    struct validation *v = context;
    for (unsigned i = 0; i < row->finding_count; i++)
        validation_finding(v, &row->findings[i]);
    if (!spool_row(v, row))
        v->broken = true;
    return !v->broken;
}

enum job_outcome validation_spool_failure(struct validation *v)
{
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE,
                   "The worker's temporary folder (spool_dir) is full or cannot be written, or memory ran out."
                   " The operator makes room; then retry the job.");
    return JOB_AGAIN;
}

static enum job_outcome damaged(struct validation *v)
{
    (void)snprintf(v->problem, JOB_PROBLEM_SIZE,
                   "The stored bytes of the upload cannot be read back: they were sealed to another key or are damaged."
                   " The operator restores the key and retries the job; or send the file again.");
    return JOB_FAILED;
}

static enum job_outcome report_progress(struct validation *v)
{
    if (atomic_load(&v->w->lost))
        return JOB_LOST;
    if (clock_monotonic() < v->next_progress)
        return JOB_DONE;
    v->next_progress = clock_monotonic() + PROGRESS_MICROS;
    enum pg_status status = job_progress(v->w->pg, v->job, (int64_t)v->rows, v->s.declared_rows);
    return job_outcome_of(status, v->w->pg, v->problem);
}

struct opening {
    struct unseal_stream stream;
    crypto_hash_sha256_state hash;
    int64_t bytes;
    uint8_t *text; /* of one chunk */
    size_t room;
};

static enum job_outcome feed_chunk(struct validation *v, struct opening *o, const char *sealed, size_t length)
{
    if (length > o->room) {
        uint8_t *text = realloc(o->text, length);
        if (!text)
            return validation_spool_failure(v);
        o->text = text;
        o->room = length;
    }
    if (!unseal_chunk(&o->stream, sealed, length, o->text))
        return damaged(v);
    size_t n = length - SEAL_CHUNK_OVERHEAD;
    (void)crypto_hash_sha256_update(&o->hash, o->text, n);
    o->bytes += (int64_t)n;
    if (!row_checker_feed(&v->checker, o->text, n) || v->broken)
        return validation_spool_failure(v);
    return JOB_DONE;
}

static enum job_outcome read_chunks(struct validation *v, struct opening *o)
{
    for (int64_t seq = 0; seq < v->s.chunks; seq += CHUNKS_AT_ONCE) {
        PGresult *r = NULL;
        enum pg_status status = submission_chunks(v->w->pg, v->s.provider, v->s.no, seq, CHUNKS_AT_ONCE, &r);
        if (status != PG_OK)
            return job_outcome_of(status, v->w->pg, v->problem);
        enum job_outcome outcome = JOB_DONE;
        for (int i = 0; i < PQntuples(r) && outcome == JOB_DONE; i++)
            outcome = feed_chunk(v, o, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
        PQclear(r);
        if (outcome == JOB_DONE)
            outcome = report_progress(v);
        if (outcome != JOB_DONE)
            return outcome;
    }
    uint8_t sha256[SUBMISSION_SHA256_SIZE];
    (void)crypto_hash_sha256_final(&o->hash, sha256);
    bool whole = o->stream.finished && o->bytes == v->s.bytes && memcmp(sha256, v->s.sha256, sizeof sha256) == 0;
    return whole ? JOB_DONE : damaged(v);
}

enum job_outcome validation_read(struct validation *v)
{
    static const struct row_checker_events template = {NULL, on_row, on_file_finding};
    struct row_checker_events events = template;
    events.context = v;
    bool csv = strcmp(v->s.media_type, "text/csv") == 0;
    row_checker_init(&v->checker, &v->context, csv ? UPLOAD_CSV : UPLOAD_NDJSON, &events);

    uint8_t sealed_key[SUBMISSION_SEALED_KEY_MAX];
    size_t length = 0;
    enum pg_status status =
        submission_sealed_key(v->w->pg, v->s.provider, v->s.no, sealed_key, sizeof sealed_key, &length);
    if (status != PG_OK)
        return job_outcome_of(status, v->w->pg, v->problem);
    char context[SEAL_CONTEXT_SIZE];
    (void)snprintf(context, sizeof context, "%s/%s", v->s.provider, v->s.id);
    struct opening o;
    memset(&o, 0, sizeof o);
    (void)crypto_hash_sha256_init(&o.hash);
    enum job_outcome outcome = damaged(v);
    if (unseal_begin(&o.stream, v->w->unseal, context, sealed_key, length))
        outcome = read_chunks(v, &o);
    unseal_end(&o.stream);
    if (o.text)
        sodium_memzero(o.text, o.room);
    free(o.text);
    if (outcome != JOB_DONE)
        return outcome;
    if (!row_checker_finish(&v->checker, &v->summary) || v->broken || !flush_block(v))
        return validation_spool_failure(v);
    v->file_fails = v->summary.refused;
    return JOB_DONE;
}

static void on_cross_finding(void *context, const struct finding *f)
{
    struct validation *v = context;
    validation_finding(v, f);
    if (rule_get(f->rule)->severity == SEVERITY_FILE)
        v->file_fails = true;
    else if (f->row_no >= 1 && f->row_no <= v->rows)
        v->failed[f->row_no - 1] |= rule_set_of(f->rule);
}

static void on_continues(void *context, uint32_t row_no)
{
    struct validation *v = context;
    if (row_no >= 1 && row_no <= v->rows)
        v->continues[(row_no - 1) / 8] |= (uint8_t)(1U << ((row_no - 1) % 8));
}

static bool cross_partition_of(struct validation *v, unsigned partition, const struct cross_events *events)
{
    void *records = NULL;
    size_t count = 0;
    if (!spool_load(v->patients, partition, &records, &count))
        return false;
    if (count > 0)
        cross_check_patients(records, count, v->s.month, events);
    free(records);
    if (!spool_load(v->nhs, partition, &records, &count))
        return false;
    if (count > 0)
        cross_check_nhs(records, count, events);
    free(records);
    if (!spool_load(v->episodes, partition, &records, &count))
        return false;
    if (count > 0)
        cross_check_episodes(records, count, events);
    free(records);
    return !v->broken;
}

enum job_outcome validation_cross(struct validation *v)
{
    struct cross_events events = {v, on_cross_finding, on_continues, NULL};
    for (unsigned p = 0; p < VALIDATION_PARTITIONS; p++) {
        if (!cross_partition_of(v, p, &events))
            return validation_spool_failure(v);
        if (atomic_load(&v->w->lost))
            return JOB_LOST;
    }
    struct finding f08;
    if (every_row_fails(v->failed, v->rows, &f08)) {
        validation_finding(v, &f08);
        v->file_fails = true;
    }
    return v->broken ? validation_spool_failure(v) : JOB_DONE;
}
