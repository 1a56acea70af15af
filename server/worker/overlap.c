#include "worker/overlap.h"

#include "domain/overlap.h"
#include "store/history.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With the room to sort them about 48 MiB. */
#define ROWS_AT_ONCE (1024 * 1024)

/* A provider's submission of the month. */
struct party {
    char provider[8];
    int64_t no;
    char id[IDENT_SIZE];
    int64_t rows;
    uint8_t shown[HISTORY_DIGEST_SIZE]; /* what its evaluation shows now, when shows */
    bool shows;
    uint8_t *shared; /* by row_no - 1, one bit: what it should show */
    int64_t count;
};

struct overlap {
    struct worker *w;
    struct party *parties;
    size_t count;
    size_t own;   /* the submission under evaluation */
    bool current; /* it is its provider's newest: others look at it */
    struct overlap_row *rows;
    size_t row_count;
    size_t row_room;
};

static enum job_outcome memory_ran_out(char *problem)
{
    (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
    return JOB_AGAIN;
}

static void take_party(struct overlap *o, const struct submission *s, const PGresult *r, int row)
{
    struct party *p = &o->parties[row];
    (void)snprintf(p->provider, sizeof p->provider, "%s", pg_text(r, row, "provider"));
    p->no = pg_i64(r, row, "no");
    (void)snprintf(p->id, sizeof p->id, "%s", pg_text(r, row, "id"));
    p->rows = pg_i64(r, row, "rows");
    p->shows = !pg_is_null(r, row, "digest");
    if (p->shows)
        (void)pg_bytes(r, row, "digest", p->shown, sizeof p->shown);
    if (strcmp(p->provider, s->provider) == 0) {
        o->own = (size_t)row;
        o->current = p->no == s->no;
        p->no = s->no;
        p->rows = s->rows;
    }
    o->count++;
}

static bool make_parties(struct overlap *o, const struct submission *s, const PGresult *r)
{
    int count = PQntuples(r);
    o->parties = calloc((size_t)count + 1, sizeof *o->parties);
    bool ok = o->parties != NULL;
    for (int i = 0; ok && i < count; i++) {
        take_party(o, s, r, i);
        o->parties[i].shared = calloc((size_t)o->parties[i].rows / 8 + 1, 1);
        ok = o->parties[i].shared != NULL;
    }
    return ok;
}

static bool take_records(struct overlap *o, uint32_t party, const uint8_t *bytes, size_t length)
{
    size_t more = length / OVERLAP_RECORD_SIZE;
    if (o->row_count + more > o->row_room) {
        size_t room = o->row_count + more + o->row_room / 2;
        struct overlap_row *rows = reallocarray(o->rows, room, sizeof *rows);
        if (rows == NULL)
            return false;
        o->rows = rows;
        o->row_room = room;
    }
    for (size_t i = 0; i < more; i++) {
        struct overlap_row *row = &o->rows[o->row_count++];
        overlap_decode(&row->record, bytes + i * OVERLAP_RECORD_SIZE);
        row->provider = party;
    }
    return true;
}

static void on_shared(void *context, uint32_t party, uint32_t row_no)
{
    struct overlap *o = context;
    struct party *p = &o->parties[party];
    if (row_no == 0 || row_no > p->rows)
        return;
    p->shared[(row_no - 1) / 8] |= (uint8_t)(1U << ((row_no - 1) % 8));
    p->count++;
}

static enum job_outcome compare_partitions(struct overlap *o, int from, int to, char *problem)
{
    o->row_count = 0;
    for (size_t i = 0; i < o->count; i++) {
        PGresult *r = NULL;
        enum pg_status status = overlap_records(o->w->pg, o->parties[i].provider, o->parties[i].no, from, to, &r);
        if (status != PG_OK)
            return job_outcome_of(status, o->w->pg, problem);
        bool ok = true;
        for (int k = 0; ok && k < PQntuples(r); k++)
            ok = take_records(o, (uint32_t)i, (const uint8_t *)PQgetvalue(r, k, 0), (size_t)PQgetlength(r, k, 0));
        PQclear(r);
        if (!ok)
            return memory_ran_out(problem);
    }
    if (!overlap_check(o->rows, o->row_count, on_shared, o))
        return memory_ran_out(problem);
    return atomic_load(&o->w->lost) ? JOB_LOST : JOB_DONE;
}

enum job_outcome overlap_find(struct worker *w, const struct submission *s, char *problem, struct overlap **out)
{
    struct overlap *o = calloc(1, sizeof *o);
    *out = o;
    if (o == NULL)
        return memory_ran_out(problem);
    o->w = w;
    PGresult *r = NULL;
    bool taken = false;
    enum pg_status status = overlap_take_turn(w->pg, s->month, &taken);
    if (status == PG_OK && !taken) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE,
                       "Another submission of the month is being evaluated; this one waits.");
        return JOB_WAITS;
    }
    if (status == PG_OK)
        status = overlap_submissions(w->pg, s->month, &r);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    bool ok = make_parties(o, s, r);
    PQclear(r);
    if (!ok)
        return memory_ran_out(problem);
    int64_t rows = 1;
    for (size_t i = 0; i < o->count; i++)
        rows += o->parties[i].rows;
    int64_t step = OVERLAP_PARTITIONS * (int64_t)ROWS_AT_ONCE / rows;
    step = step < 1 ? 1 : step > OVERLAP_PARTITIONS ? OVERLAP_PARTITIONS : step;
    enum job_outcome outcome = JOB_DONE;
    for (int from = 0; o->count > 1 && from < OVERLAP_PARTITIONS && outcome == JOB_DONE; from += (int)step)
        outcome = compare_partitions(o, from, from + (int)step, problem);
    free(o->rows);
    o->rows = NULL;
    return outcome;
}

void overlap_free(struct overlap *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->count; i++)
        free(o->parties[i].shared);
    free(o->parties);
    free(o->rows);
    free(o);
}

bool overlap_has(const struct overlap *o, int32_t row_no)
{
    const struct party *p = &o->parties[o->own];
    uint32_t place = (uint32_t)row_no - 1;
    return p->count > 0 && place < p->rows && (p->shared[place / 8] >> (place % 8) & 1) != 0;
}

void overlap_finding(const struct episode *row, struct finding *out)
{
    finding_begin(out, RULE_D09, (uint32_t)row->row_no);
    date_format(row->start_date, out->value);
    (void)snprintf(out->note, sizeof out->note, "Another provider reports the patient on a day of the episode too");
}

static void digest_of(const struct party *p, uint8_t digest[HISTORY_DIGEST_SIZE])
{
    (void)crypto_generichash(digest, HISTORY_DIGEST_SIZE, p->shared, (size_t)p->rows / 8 + 1, NULL, 0);
}

static bool is_in_order(const struct party *p)
{
    uint8_t digest[HISTORY_DIGEST_SIZE];
    digest_of(p, digest);
    return p->shows ? p->count > 0 && memcmp(digest, p->shown, sizeof digest) == 0 : p->count == 0;
}

enum pg_status overlap_write(const struct overlap *o)
{
    const struct party *own = &o->parties[o->own];
    uint8_t digest[HISTORY_DIGEST_SIZE];
    digest_of(own, digest);
    enum pg_status status = overlap_set_shown(o->w->pg, own->provider, own->no, own->count, digest);
    for (size_t i = 0; o->current && i < o->count && status == PG_OK; i++) {
        const struct party *p = &o->parties[i];
        char id[IDENT_SIZE];
        if (i != o->own && !is_in_order(p))
            status = job_add(o->w->pg, p->provider, "evaluate", p->id, id);
    }
    return status;
}
