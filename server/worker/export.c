#include "worker/export.h"

#include "domain/finding_line.h"
#include "signing/reading_key.h"
#include "store/finding_known.h"
#include "store/submission.h"
#include "worker/bundle.h"
#include "worker/leak_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHHELD "(withheld: it could identify a patient)"
/* One row fails each rule once, D09 twice. */
#define FINDINGS_OF_A_ROW (RULE_COUNT + 1)

struct exported {
    struct export_run *run;
    struct leak_guard *guard;
    const char *commissioner; /* who reads; NULL: the provider */
    struct submission s;      /* being read */
    char month[8];
    int64_t row;        /* of the last finding written */
    bool counted;       /* its amount is in the control total */
    instant_t known_at; /* INSTANT_NONE: as it is */
};

enum job_outcome export_failure(struct export_run *x, enum pg_status status)
{
    if (x->broken || (status == PG_FAILED && x->file.text.failed)) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    return job_outcome_of(status, x->w->pg, x->problem);
}

static const char *asked(const struct export_run *x, const char *column)
{
    return pg_is_null(x->asked, 0, column) ? NULL : pg_text(x->asked, 0, column);
}

/* The text, or what stands for it when it must not go out. */
static const char *guarded(struct exported *e, const char *text)
{
    if (text[0] == '\0' || leak_guard_text(e->guard, text, strlen(text)) == LEAK_CLEAN)
        return text;
    return WITHHELD;
}

static bool line_of(struct exported *e, const PGresult *r, int row, struct finding_line *out)
{
    enum severity severity;
    memset(out, 0, sizeof *out);
    if (!rule_by_name(pg_text(r, row, "rule"), &out->rule) || !severity_by_name(pg_text(r, row, "severity"), &severity))
        return false;
    out->row = (uint32_t)pg_i64(r, row, "row_no");
    out->severity = severity;
    out->episode_id = guarded(e, pg_text(r, row, "episode_id"));
    out->commissioner = pg_text(r, row, "commissioner");
    out->cluster = pg_text(r, row, "cluster");
    out->field = pg_text(r, row, "field");
    bool hidden = e->commissioner && finding_identifies(out->field);
    out->value = hidden ? NULL : guarded(e, pg_text(r, row, "value"));
    out->note = hidden ? "" : guarded(e, pg_text(r, row, "note"));
    out->pence_known = !pg_is_null(r, row, "pence");
    out->pence = pg_i64(r, row, "pence");
    return true;
}

static bool text_cell(struct buf *out, const char *text)
{
    return export_cell(out, false, text ? text : "", text ? strlen(text) : 0);
}

static bool pence_cell(struct buf *out, bool known, int64_t pence)
{
    return buf_append_char(out, ',') && (!known || buf_append_i64(out, pence));
}

static bool write_csv(struct exported *e, const struct finding_line *l, const char *pseudonym, bool first)
{
    struct buf *out = &e->run->file.text;
    const struct rule *rule = rule_get(l->rule);
    return export_cell(out, true, e->s.provider, strlen(e->s.provider)) && text_cell(out, e->month) &&
           text_cell(out, e->s.id) && buf_append_format(out, ",%lld", (long long)e->s.version) &&
           buf_append_format(out, ",%lu", (unsigned long)l->row) && text_cell(out, l->episode_id) &&
           text_cell(out, pseudonym) && text_cell(out, l->commissioner) && text_cell(out, l->cluster) &&
           text_cell(out, rule->id) && text_cell(out, severity_name(l->severity)) && text_cell(out, l->field) &&
           text_cell(out, l->value) && text_cell(out, rule->sentence) && text_cell(out, l->note) &&
           text_cell(out, rule->hint) && pence_cell(out, l->pence_known, l->pence) &&
           pence_cell(out, l->pence_known && first, l->pence) && buf_append_char(out, '\n');
}

/* The finding's own line (api/formats/findings.md) and where it is. */
static bool write_ndjson(struct exported *e, const struct finding_line *l, const char *pseudonym)
{
    struct buf *out = &e->run->file.text;
    bool ok = buf_append_text(out, "{\"finding\":") && finding_line_append(out, l) &&
              buf_append_format(out, ",\"month\":\"%s\",\"provider\":\"%s\",\"pseudonym\":", e->month, e->s.provider);
    ok = ok && (pseudonym ? buf_append_format(out, "\"%s\"", pseudonym) : buf_append_text(out, "null"));
    return ok && buf_append_format(out, ",\"submission\":\"%s\",\"version\":%lld}\n", e->s.id, (long long)e->s.version);
}

static bool write_finding(struct exported *e, const PGresult *r, int row)
{
    struct export_run *x = e->run;
    struct finding_line l;
    if (!line_of(e, r, row, &l))
        return false;
    const char *pseudonym = e->commissioner && !pg_is_null(r, row, "pseudonym") ? pg_text(r, row, "pseudonym") : NULL;
    bool first = e->row != l.row;
    e->row = l.row;
    x->result.lines++;
    if (first && l.row > 0) {
        x->result.unknown_rows += !l.pence_known;
        x->result.pence += l.pence_known ? l.pence : 0;
    }
    return (x->csv ? write_csv(e, &l, pseudonym, first) : write_ndjson(e, &l, pseudonym)) && export_file_line(&x->file);
}

struct place {
    int row; /* of the result */
    enum rule_id rule;
};

static int by_rule(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    return x->row - y->row;
}

/* The findings of one row, in the order of rules.tsv. */
static bool write_row(struct exported *e, const PGresult *r, int from, int to)
{
    struct place places[FINDINGS_OF_A_ROW];
    int count = to - from;
    if (count > FINDINGS_OF_A_ROW)
        return false;
    for (int i = 0; i < count; i++) {
        places[i].row = from + i;
        if (!rule_by_name(pg_text(r, from + i, "rule"), &places[i].rule))
            return false;
    }
    qsort(places, (size_t)count, sizeof places[0], by_rule);
    for (int i = 0; i < count; i++) {
        if (!write_finding(e, r, places[i].row))
            return false;
    }
    return true;
}

/* Writes the rows of a page; the last may be cut and is left for the next page. Returns the row that was written last,
 * or -1. */
static int64_t write_page(struct exported *e, const PGresult *r, bool last)
{
    int count = PQntuples(r);
    int64_t written = -1;
    for (int from = 0, to = 0; from < count; from = to) {
        int64_t row = pg_i64(r, from, "row_no");
        while (to < count && pg_i64(r, to, "row_no") == row)
            to++;
        if (to == count && !last)
            return written;
        if (!write_row(e, r, from, to)) {
            e->run->broken = e->run->file.status == PG_OK;
            return -1;
        }
        written = row;
    }
    return written;
}

static enum pg_status write_submission(struct exported *e)
{
    struct export_run *x = e->run;
    const struct export_findings wanted = {
        .provider = e->s.provider,
        .submission = e->s.no,
        .evaluation = e->s.evaluation,
        .as_known = e->known_at != INSTANT_NONE,
        .filter = {asked(x, "commissioner"), asked(x, "rule"), asked(x, "severity"), asked(x, "cluster")},
        .limit = EXPORT_ROWS_AT_ONCE};
    e->row = -1;
    for (int64_t after = 0;;) {
        PGresult *r = NULL;
        enum pg_status status = export_findings(x->w->pg, &wanted, after, &r);
        if (status != PG_OK)
            return status;
        bool last = PQntuples(r) < EXPORT_ROWS_AT_ONCE;
        bool empty = PQntuples(r) == 0;
        after = write_page(e, r, last);
        PQclear(r);
        if (x->broken)
            return PG_FAILED;
        if (x->file.status != PG_OK)
            return x->file.status;
        if (last || empty)
            return PG_OK;
        if (atomic_load(&x->w->lost))
            return PG_NONE;
    }
}

/* Holds each submission, so that no evaluation changes it between two pages. */
static enum pg_status write_submissions(struct exported *e)
{
    static const char header[] = "provider,month,submission,version,row,episode_id,pseudonym,commissioner,cluster,rule,"
                                 "severity,field,value,sentence,note,hint,amount_at_stake_pence,counted_pence\n";
    struct export_run *x = e->run;
    PGresult *r = NULL;
    month_t first = pg_month(x->asked, 0, "first_month");
    month_t last = pg_month(x->asked, 0, "last_month");
    enum pg_status status = e->known_at == INSTANT_NONE
                                ? export_submissions(x->w->pg, x->job->provider, first, last, &r)
                                : export_submissions_known(x->w->pg, x->job->provider, first, last, e->known_at, &r);
    if (status == PG_OK && x->csv && !buf_append_text(&x->file.text, header))
        x->broken = true;
    for (int i = 0; status == PG_OK && !x->broken && i < PQntuples(r); i++) {
        status = submission_get_for_update(x->w->pg, x->job->provider, pg_text(r, i, "id"), &e->s);
        if (status == PG_OK)
            status = leak_guard_add(e->guard, e->s.provider, e->s.no);
        if (status == PG_OK) {
            if (e->known_at != INSTANT_NONE)
                e->s.evaluation = pg_i64(r, i, "evaluation");
            month_format(e->s.month, e->month);
            status = write_submission(e);
        }
    }
    PQclear(r);
    return x->broken ? PG_FAILED : status;
}

static enum job_outcome export_of_findings(struct export_run *x)
{
    struct exported e;
    memset(&e, 0, sizeof e);
    e.run = x;
    e.commissioner = asked(x, "commissioner");
    e.known_at = asked(x, "as_known_on") == NULL ? INSTANT_NONE : london_day_end(pg_date(x->asked, 0, "as_known_on"));
    /* A provider may ask for one commissioner's rows: it reads them as a provider. */
    if (strcmp(pg_text(x->asked, 0, "organisation"), x->job->provider) == 0)
        e.commissioner = NULL;
    e.guard = leak_guard_new(x->w->pg, x->w->pseudonym_key, NULL);
    x->broken = e.guard == NULL;
    enum pg_status status = x->broken ? PG_FAILED : write_submissions(&e);
    leak_guard_free(e.guard);
    return status == PG_OK ? JOB_DONE : export_failure(x, status);
}

static enum job_outcome finish(struct export_run *x)
{
    if (!export_file_end(&x->file, &x->result)) {
        x->broken = x->file.status == PG_OK;
        return export_failure(x, x->file.status);
    }
    if (!clock_now(x->w->clock, &x->result.at)) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                       "The clock file cannot be read. The operator mends it and retries.");
        return JOB_FAILED;
    }
    x->result.keep_days = x->w->config->export_days;
    enum pg_status status = export_finish(x->w->pg, x->job->provider, x->job->subject, &x->result);
    if (status == PG_OK)
        status = job_finish(x->w->pg, x->job);
    if (status == PG_OK)
        status = pg_commit(x->w->pg);
    return job_outcome_of(status, x->w->pg, x->problem);
}

static bool open_key(struct export_run *x, uint8_t *key)
{
    uint8_t sealed[READING_KEY_SIZE + SEAL_BOX_OVERHEAD];
    return pg_bytes(x->asked, 0, "sealed_key", sealed, sizeof sealed) == (int)sizeof sealed &&
           unseal_box(x->w->unseal, sealed, sizeof sealed, key);
}

static enum job_outcome make(struct export_run *x)
{
    uint8_t key[READING_KEY_SIZE] = {0};
    bool sealed = !pg_is_null(x->asked, 0, "sealed_key");
    if (sealed && !open_key(x, key)) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                       "The key of the file was sealed to another key of the worker. Ask for the file again.");
        return JOB_FAILED;
    }
    x->csv = strcmp(pg_text(x->asked, 0, "format"), "csv") == 0;
    export_file_begin(&x->file, x->w->pg, x->job->provider, x->job->subject, sealed ? key : NULL);
    enum pg_status status = export_clear(x->w->pg, x->job->provider, x->job->subject);
    enum job_outcome outcome = status == PG_OK ? JOB_DONE : export_failure(x, status);
    if (outcome == JOB_DONE)
        outcome = strcmp(pg_text(x->asked, 0, "kind"), "audit") == 0    ? export_of_audit(x)
                  : sealed                                              ? export_fix_it(x)
                  : strcmp(pg_text(x->asked, 0, "kind"), "bundle") == 0 ? export_of_bundle(x)
                                                                        : export_of_findings(x);
    if (outcome == JOB_DONE)
        outcome = finish(x);
    export_file_free(&x->file);
    sodium_memzero(key, sizeof key);
    return outcome;
}

enum job_outcome export_run(struct worker *w, const struct job *job, char *problem)
{
    struct export_run x;
    memset(&x, 0, sizeof x);
    x.w = w;
    x.job = job;
    x.problem = problem;
    enum pg_status status = pg_begin(w->pg);
    if (status == PG_OK)
        status = export_get(w->pg, job->provider, job->subject, &x.asked);
    enum job_outcome outcome = JOB_DONE;
    if (status == PG_NONE) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The export of this job is not there. Ask for it again.");
        outcome = JOB_FAILED;
    } else if (status != PG_OK) {
        outcome = job_outcome_of(status, w->pg, problem);
    } else if (strcmp(pg_text(x.asked, 0, "state"), "queued") != 0) {
        status = job_finish(w->pg, job); /* made already */
        if (status == PG_OK)
            status = pg_commit(w->pg);
        outcome = job_outcome_of(status, w->pg, problem);
    } else {
        outcome = make(&x);
    }
    PQclear(x.asked);
    return outcome;
}
