/* The fix-it file: the rows of an upload exactly as they were sent, in the trust's own columns and names, with three
 * columns behind them. Every file can have one, refused ones above all. */
#include "base/inflate.h"
#include "domain/columns.h"
#include "domain/rules.h"
#include "store/erasure.h"
#include "store/submission.h"
#include "worker/export.h"
#include "worker/sealed_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line that goes on and on was never a row: it is cut there. */
#define LINE_MAXIMUM (4 * (size_t)RECORD_MAXIMUM)

struct fix_it {
    struct export_run *run;
    struct submission s;
    struct inflate *inflate; /* NULL: the bytes are not packed */
    PGresult *findings;      /* of the rows around */
    int at;                  /* the next of them */
    bool last_page;
    int64_t row; /* records so far; the header is not counted */
    bool header_done;
    bool quoted; /* inside quotes */
    bool crlf;   /* how the file ends its lines */
    struct buf line;
    enum pg_status status;
};

static bool next_findings(struct fix_it *f, int64_t after)
{
    const struct export_findings all = {
        .provider = f->s.provider, .submission = f->s.no, .evaluation = f->s.evaluation, .limit = EXPORT_ROWS_AT_ONCE};
    PQclear(f->findings);
    f->findings = NULL;
    f->at = 0;
    f->status = export_findings(f->run->w->pg, &all, after, &f->findings);
    f->last_page = f->status == PG_OK && PQntuples(f->findings) < EXPORT_ROWS_AT_ONCE;
    return f->status == PG_OK;
}

/* The findings of a row, [*from, *to) of f->findings. The page may end inside a row: then it is fetched again. */
static bool find_row(struct fix_it *f, int64_t row, int *from, int *to)
{
    for (int tries = 0; tries < 2; tries++) {
        int count = PQntuples(f->findings);
        while (f->at < count && pg_i64(f->findings, f->at, "row_no") < row)
            f->at++;
        *from = *to = f->at;
        while (*to < count && pg_i64(f->findings, *to, "row_no") == row)
            (*to)++;
        if (*to < count || f->last_page)
            return true;
        if (!next_findings(f, row - 1))
            return false;
    }
    return true;
}

static bool put_rules(struct buf *out, const PGresult *r, int from, int to)
{
    bool ok = true;
    for (int i = from; i < to && ok; i++)
        ok = buf_append_format(out, "%s%s", i > from ? "; " : "", pg_text(r, i, "rule"));
    return ok;
}

/* Which column, what is wrong with it and what is particular. */
static bool put_wrong(struct buf *out, const PGresult *r, int from, int to)
{
    bool ok = true;
    for (int i = from; i < to && ok; i++) {
        enum rule_id rule;
        const char *note = pg_text(r, i, "note");
        const char *sentence = rule_by_name(pg_text(r, i, "rule"), &rule) ? rule_get(rule)->sentence : "";
        ok = buf_append_format(out, "%s%s: %s%s%s", i > from ? "; " : "", pg_text(r, i, "field"), sentence,
                               note[0] ? ". " : "", note);
    }
    return ok;
}

static bool put_mend(struct buf *out, const PGresult *r, int from, int to)
{
    bool ok = true;
    for (int i = from; i < to && ok; i++) {
        enum rule_id rule;
        const char *hint = rule_by_name(pg_text(r, i, "rule"), &rule) ? rule_get(rule)->hint : "";
        ok = buf_append_format(out, "%s%s", i > from ? "; " : "", hint);
    }
    return ok;
}

static bool put_json_text(struct buf *out, const char *text, size_t length)
{
    json_t *string = json_stringn(text, length);
    char *written = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    bool ok = written && buf_append_text(out, written);
    free(written);
    json_decref(string);
    return ok;
}

/* The three columns behind a row. */
static bool put_columns(struct fix_it *f, int from, int to, bool comma)
{
    static bool (*const texts[])(struct buf *, const PGresult *, int, int) = {put_rules, put_wrong, put_mend};
    static const char *const names[] = {"rule", "what_is_wrong", "how_to_mend_it"};
    struct buf *out = &f->run->file.text;
    bool ok = true;
    for (size_t i = 0; i < 3 && ok; i++) {
        struct buf text;
        buf_init(&text, 64 * 1024);
        ok = texts[i](&text, f->findings, from, to);
        const char *at = text.length > 0 ? text.data : "";
        if (ok && f->run->csv)
            ok = export_cell(out, false, at, text.length);
        else if (ok)
            ok = buf_append_format(out, "%s\"%s\":", comma || i > 0 ? "," : "", names[i]) &&
                 put_json_text(out, at, text.length);
        buf_free(&text);
    }
    return ok;
}

static void count_row(struct fix_it *f, int from, int to)
{
    struct export_result *result = &f->run->result;
    result->lines++;
    if (to == from)
        return;
    bool known = !pg_is_null(f->findings, from, "pence");
    result->unknown_rows += !known;
    result->pence += known ? pg_i64(f->findings, from, "pence") : 0;
}

static bool end_line(struct fix_it *f)
{
    return buf_append_text(&f->run->file.text, f->crlf ? "\r\n" : "\n") && export_file_line(&f->run->file);
}

/* The last brace of a line of NDJSON, or NULL when it is no object. */
static const char *closing_brace(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    size_t start = 0;
    while (start < length && (line[start] == ' ' || line[start] == '\t'))
        start++;
    return length > start + 1 && line[start] == '{' && line[length - 1] == '}' ? line + length - 1 : NULL;
}

static bool put_object(struct fix_it *f, const char *line, size_t length, int from, int to)
{
    struct buf *out = &f->run->file.text;
    const char *brace = closing_brace(line, length);
    if (!brace) /* what is no object is shown as a text, so that the file can be read */
        return buf_append_text(out, "{\"line\":") && put_json_text(out, line, length) &&
               put_columns(f, from, to, true) && buf_append_char(out, '}');
    bool members = memchr(line, ':', length) != NULL;
    return buf_append(out, line, (size_t)(brace - line)) && put_columns(f, from, to, members) &&
           buf_append_char(out, '}');
}

/* A row of the file, without its line end. */
static bool put_row(struct fix_it *f, const char *line, size_t length)
{
    int from = 0, to = 0;
    f->row++;
    if (!find_row(f, f->row, &from, &to))
        return false;
    if (from == to && !pg_bool(f->run->asked, 0, "whole"))
        return true;
    count_row(f, from, to);
    if (!f->run->csv)
        return put_object(f, line, length, from, to) && end_line(f);
    return buf_append(&f->run->file.text, line, length) && put_columns(f, from, to, true) && end_line(f);
}

/* The header with the names of the columns, and what is wrong with the file itself in a row of its own. */
static bool put_header(struct fix_it *f, const char *line, size_t length)
{
    struct buf *out = &f->run->file.text;
    int from = 0, to = 0;
    f->header_done = true;
    if (!next_findings(f, -1) || !find_row(f, 0, &from, &to))
        return false;
    if (!f->run->csv) {
        bool ok = from == to || (buf_append_char(out, '{') && put_columns(f, from, to, false) &&
                                 buf_append_char(out, '}') && end_line(f));
        f->run->result.lines += from < to;
        return ok;
    }
    bool ok =
        buf_append(out, line, length) && buf_append_text(out, ",rule,what_is_wrong,how_to_mend_it") && end_line(f);
    if (!ok || from == to)
        return ok;
    f->run->result.lines++;
    for (size_t i = 0; i < length && ok; i++)
        ok = line[i] != ',' || buf_append_char(out, ',');
    return ok && put_columns(f, from, to, true) && end_line(f);
}

static bool put_record(struct fix_it *f)
{
    size_t length = f->line.length;
    const char *line = f->line.data;
    bool crlf = length > 0 && line[length - 1] == '\r';
    length -= crlf;
    bool ok = true;
    if (length > 0) { /* blank lines are no rows */
        f->crlf = f->header_done ? f->crlf : crlf;
        bool first = !f->header_done;
        if (first)
            ok = put_header(f, line, length);
        if (ok && (!first || !f->run->csv))
            ok = put_row(f, line, length);
    }
    sodium_memzero(f->line.data ? f->line.data : (char[1]){0}, f->line.data ? f->line.length : 1);
    buf_clear(&f->line);
    return ok;
}

/* A record ends with its line, but for line breaks inside quotes of CSV. */
static bool take_bytes(void *context, const void *bytes, size_t length)
{
    struct fix_it *f = context;
    const char *at = bytes;
    for (size_t i = 0; i < length; i++) {
        char c = at[i];
        bool full = f->line.length >= LINE_MAXIMUM;
        if (f->run->csv && c == '"')
            f->quoted = !f->quoted;
        if (c == '\n' && (!f->quoted || full)) {
            f->quoted = false;
            if (!put_record(f))
                return false;
        } else if (!full && !buf_append_char(&f->line, c)) {
            return false;
        }
    }
    return !atomic_load(&f->run->w->lost);
}

static bool feed(void *context, const void *bytes, size_t length)
{
    struct fix_it *f = context;
    if (!f->inflate)
        return take_bytes(f, bytes, length);
    return inflate_feed(f->inflate, bytes, length, take_bytes, f) != INFLATE_STOPPED;
}

static enum job_outcome read_file(struct fix_it *f)
{
    struct export_run *x = f->run;
    const struct sealed_file file = {.pg = x->w->pg,
                                     .provider = f->s.provider,
                                     .id = f->s.id,
                                     .no = f->s.no,
                                     .chunks = f->s.chunks,
                                     .bytes = f->s.bytes,
                                     .sha256 = f->s.sha256,
                                     .declared_rows = -1,
                                     .sealed_key = submission_sealed_key,
                                     .get_chunks = submission_chunks};
    enum job_outcome outcome = sealed_file_each(x->w, x->job, &file, feed, f, x->problem);
    if (outcome == JOB_DONE && f->line.length > 0 && !put_record(f))
        outcome = JOB_AGAIN;
    if (outcome == JOB_DONE && !f->header_done && !put_header(f, "", 0))
        outcome = JOB_AGAIN;
    if (outcome != JOB_AGAIN)
        return outcome;
    if (f->status != PG_OK)
        return export_failure(x, f->status);
    x->broken = x->file.status == PG_OK;
    return export_failure(x, x->file.status);
}

enum job_outcome export_fix_it(struct export_run *x)
{
    struct fix_it f;
    bool erased = false;
    memset(&f, 0, sizeof f);
    f.run = x;
    f.status = PG_OK;
    buf_init(&f.line, LINE_MAXIMUM + 1);
    enum pg_status status =
        submission_get_for_update(x->w->pg, x->job->provider, pg_text(x->asked, 0, "submission"), &f.s);
    if (status == PG_OK)
        status = erasure_of_upload(x->w->pg, x->job->provider, f.s.id, &erased);
    if (status != PG_OK)
        return export_failure(x, status);
    if (erased) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                       "The bytes of the upload were destroyed when a patient's identity was erased.");
        return JOB_FAILED;
    }
    if (strcmp(f.s.content_encoding, "gzip") == 0) {
        /* Refused for its size, it is given back as far as it was read: nobody has a bomb stored unpacked. */
        f.inflate = inflate_new(x->w->config->max_upload_bytes);
        x->broken = f.inflate == NULL;
    }
    enum job_outcome outcome = x->broken ? export_failure(x, PG_FAILED) : read_file(&f);
    PQclear(f.findings);
    inflate_free(f.inflate);
    buf_free(&f.line);
    return outcome;
}
