/* What a column mapping makes of the first lines of a file. Nothing of it is stored or logged, and values that identify
 * patients are hidden in the answer. */
#include "routes/handlers.h"

#include "domain/csv_reader.h"
#include "domain/episode_row.h"
#include "domain/file_kind.h"
#include "domain/finding_text.h"
#include "domain/habits.h"
#include "domain/leak.h"
#include "domain/ndjson_reader.h"
#include "store/saved_mapping.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_BYTES  (64 * 1024)
#define ROWS_SHOWN    5
#define FAULTS_SHOWN  20
#define HEADER_LENGTH 8000

struct preview {
    const char *source; /* saved, draft, none */
    int64_t version;    /* of the saved one */
    bool ndjson;
    bool mapped;
    struct column_mapping mapping;
    json_t *columns;
    json_t *rows;
    json_t *faults;
    bool found[COLUMN_COUNT];
    bool named[COLUMN_MAPPING_MAXIMUM]; /* names of the mapping that the sample has */
    bool wrong;                         /* something stands in the way of reading the file */
    bool failed;                        /* memory ran out */
    unsigned columns_told;
    size_t length;
    char sample[SAMPLE_BYTES];
    union {
        struct csv_reader csv;
        struct ndjson_reader ndjson;
    } reader;
};

static bool use_saved(struct request *r, struct preview *p)
{
    PGresult *result = NULL;
    struct json_problem problem;
    enum pg_status status = saved_mapping_newest(r->pg, r->caller.organisation, &result);
    json_t *object = NULL;
    if (status == PG_OK && !pg_is_null(result, 0, "body")) {
        const char *body = pg_text(result, 0, "body");
        object = json_read(body, strlen(body), &problem);
        p->mapped = object && column_mapping_read(object, &p->mapping, &problem);
        p->version = pg_i64(result, 0, "version");
        if (!p->mapped)
            reply_problem(r, PROBLEM_INTERNAL, NULL, "The saved column mapping cannot be read");
    } else if (status == PG_OK || status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, "Column-Mapping",
                      "No column mapping is saved: send a draft as JSON in this header, or leave it out");
    } else {
        reply_store(r, status);
    }
    json_decref(object);
    PQclear(result);
    p->source = "saved";
    return p->mapped;
}

static bool use_draft(struct request *r, struct preview *p, const char *text)
{
    struct json_problem problem;
    memset(&problem, 0, sizeof problem);
    if (strlen(text) > HEADER_LENGTH) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "Column-Mapping", "The draft has at most %d bytes", HEADER_LENGTH);
        return false;
    }
    json_t *object = json_read(text, strlen(text), &problem);
    p->mapped = object && column_mapping_read(object, &p->mapping, &problem);
    json_decref(object);
    p->source = "draft";
    if (!p->mapped)
        reply_problem(r, PROBLEM_BAD_PARAMETER, "Column-Mapping",
                      "It is \"saved\", or a draft: {\"columns\": {name: column}}. %s: %s", problem.field,
                      problem.message);
    return p->mapped;
}

static bool begin(struct request *r, void **state)
{
    if (strcmp(r->path_values[0], r->caller.organisation) != 0) {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "A column mapping is its own provider's affair");
        return false;
    }
    if (request_header(r, "Content-Encoding")) {
        reply_problem(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding", "A sample is sent as it is");
        return false;
    }
    struct preview *p = calloc(1, sizeof *p);
    if (!p) {
        reply_problem(r, PROBLEM_OVERLOADED, NULL, "There is no memory for another preview");
        return false;
    }
    *state = p;
    p->source = "none";
    p->ndjson = strcmp(request_media_type(r), "text/csv") != 0;
    const char *text = request_header(r, "Column-Mapping");
    return !text || (strcmp(text, "saved") == 0 ? use_saved(r, p) : use_draft(r, p, text));
}

static bool chunk(struct request *r, void *state, const void *bytes, size_t length)
{
    struct preview *p = state;
    if (length > SAMPLE_BYTES - p->length) {
        reply_problem(r, PROBLEM_BODY_TOO_LARGE, "Content-Length",
                      "A sample has at most %d bytes: send the first lines", SAMPLE_BYTES);
        return false;
    }
    memcpy(p->sample + p->length, bytes, length);
    p->length += length;
    return true;
}

static void add(struct preview *p, json_t *array, json_t *value)
{
    if (!array || json_array_append_new(array, value) != 0)
        p->failed = true;
}

/* A name may be shown when it is a name: what may be somebody's number, or a whole sentence, is not. */
static json_t *name_json(struct text name)
{
    size_t digits = 0;
    for (size_t i = 0; i < name.length; i++)
        digits += name.at[i] >= '0' && name.at[i] <= '9';
    bool shown = name.length <= COLUMN_MAPPING_BYTES && digits <= 4 && !leak_has_nhs_number(name);
    return shown ? json_stringn(name.at, name.length) : json_string("(hidden)");
}

static void tell_column(struct preview *p, struct text name, enum column c, bool doubled)
{
    const struct column_mapping *m = p->mapped ? &p->mapping : NULL;
    const char *state = doubled ? "doubled" : c == COLUMN_IGNORED ? "ignored" : c == COLUMN_COUNT ? "unknown" : "read";
    for (unsigned i = 0; m && i < m->count; i++)
        p->named[i] |= m->entry[i].length == name.length && memcmp(m->entry[i].name, name.at, name.length) == 0;
    if (c < COLUMN_COUNT)
        p->found[c] = true;
    p->wrong |= doubled || c == COLUMN_COUNT;
    json_t *o = json_object();
    bool ok = o && json_put(o, "position", json_integer(++p->columns_told)) && json_put(o, "name", name_json(name)) &&
              json_put(o, "column", c < COLUMN_COUNT ? json_string(column_name(c)) : json_null()) &&
              json_put(o, "state", json_string(state));
    add(p, p->columns, ok ? o : NULL);
    if (!ok)
        json_decref(o);
}

static void on_header(void *context, const struct header_field *f)
{
    tell_column(context, f->name, f->column, f->doubled);
}

static void on_fault(void *context, const struct reader_fault *f)
{
    struct preview *p = context;
    char note[sizeof f->note];
    memcpy(note, f->note, sizeof note);
    finding_cut(note);
    p->wrong = true;
    if (json_array_size(p->faults) < FAULTS_SHOWN)
        add(p, p->faults, json_string(note));
}

static bool is_wrong(const struct episode_row *row, enum column c)
{
    if (c >= COLUMN_H1 && c <= COLUMN_SE)
        return row->rating[c - COLUMN_H1] < 0;
    return (row->unreadable >> c & 1) || (c == COLUMN_NHS_NUMBER && row->nhs != NHS_VALID) ||
           (c == COLUMN_NHS_NUMBER_STATUS && row->nhs_status < 0) || (c == COLUMN_CLUSTER && row->cluster < 0) ||
           (c == COLUMN_ADMITTED_DAYS && row->admitted_days < 0);
}

/* One value as it would be read, and what is wrong with its form. */
static bool put_value(json_t *values, json_t *notes, const struct episode_row *row, enum column c)
{
    char shown[FINDING_VALUE_SIZE];
    char habit[HABIT_SIZE];
    char note[HABIT_SIZE + 100];
    struct text sent = row->raw->field[c];
    if (sent.length == 0)
        return true;
    finding_value(shown, c, c == COLUMN_CLUSTER ? row->cluster_text : sent);
    if (!json_put(values, column_name(c), json_string(shown)))
        return false;
    bool known = habit_sentence(c, sent, habit);
    if (!is_wrong(row, c) && !known)
        return true;
    (void)snprintf(note, sizeof note, "%s cannot be read%s%s", column_name(c), known ? "; " : "", known ? habit : "");
    return json_array_append_new(notes, json_string(note)) == 0;
}

static bool on_row(void *context, const struct raw_row *raw)
{
    struct preview *p = context;
    struct episode_row row;
    if (json_array_size(p->rows) == ROWS_SHOWN)
        return true;
    episode_row_read(&row, raw);
    json_t *o = json_object(), *values = json_object(), *notes = json_array();
    bool ok = o && values && notes;
    for (int c = 0; ok && c < COLUMN_COUNT; c++)
        ok = put_value(values, notes, &row, (enum column)c);
    ok = ok && json_object_set(o, "values", values) == 0 && json_object_set(o, "notes", notes) == 0 &&
         json_put(o, "row", json_integer(raw->row_no));
    json_decref(values);
    json_decref(notes);
    add(p, p->rows, ok ? o : NULL);
    if (!ok)
        json_decref(o);
    return true;
}

/* The members of the first line stand for the columns of the file. */
static void tell_members(struct preview *p)
{
    const char *stop = memchr(p->sample, '\n', p->length);
    size_t length = stop ? (size_t)(stop - p->sample) : p->length;
    size_t mark = length >= 3 && memcmp(p->sample, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    json_t *line = json_loadb(p->sample + mark, length - mark, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value;
    json_object_foreach(line, name, value)
    {
        struct text t = {name, strlen(name)};
        enum column c = column_mapping_find(p->mapped ? &p->mapping : NULL, t.at, t.length);
        tell_column(p, t, c, c < COLUMN_COUNT && p->found[c]);
    }
    json_decref(line);
}

static void read_sample(struct preview *p)
{
    const struct reader_events events = {p, on_row, on_fault, on_header};
    const struct column_mapping *m = p->mapped ? &p->mapping : NULL;
    const char *problem =
        file_kind_problem((const unsigned char *)p->sample, p->length, p->ndjson ? UPLOAD_NDJSON : UPLOAD_CSV);
    if (problem) {
        p->wrong = true;
        add(p, p->faults, json_string(problem));
    } else if (p->ndjson) {
        tell_members(p);
        ndjson_reader_init(&p->reader.ndjson, &events);
        ndjson_reader_map(&p->reader.ndjson, m);
        (void)ndjson_reader_feed(&p->reader.ndjson, p->sample, p->length);
        (void)ndjson_reader_finish(&p->reader.ndjson);
    } else {
        csv_reader_init(&p->reader.csv, &events);
        csv_reader_map(&p->reader.csv, m);
        (void)csv_reader_feed(&p->reader.csv, p->sample, p->length);
        (void)csv_reader_finish(&p->reader.csv);
    }
}

static json_t *missing_json(struct preview *p)
{
    json_t *missing = json_array();
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!p->found[c] && column_needed((enum column)c)) {
            p->wrong = true;
            add(p, missing, json_string(column_name((enum column)c)));
        }
    }
    return missing;
}

static json_t *unused_json(struct preview *p)
{
    json_t *unused = json_array();
    for (unsigned i = 0; p->mapped && i < p->mapping.count; i++) {
        const struct column_mapping_entry *e = &p->mapping.entry[i];
        if (!p->named[i])
            add(p, unused, json_stringn(e->name, e->length));
    }
    return unused;
}

static void end(struct request *r, void *state)
{
    struct preview *p = state;
    p->columns = json_array();
    p->rows = json_array();
    p->faults = json_array();
    read_sample(p);
    json_t *o = json_object();
    bool ok = o && json_put(o, "mapping", json_string(p->source)) &&
              json_put(o, "version", p->version ? json_integer(p->version) : json_null()) &&
              json_object_set(o, "columns", p->columns) == 0 && json_put(o, "missing", missing_json(p)) &&
              json_put(o, "unused", unused_json(p)) && json_object_set(o, "faults", p->faults) == 0 &&
              json_object_set(o, "rows", p->rows) == 0 && json_put(o, "usable", json_boolean(!p->wrong)) && !p->failed;
    if (ok) {
        reply_json(r, 200, o, NULL);
        return;
    }
    json_decref(o);
    reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the preview");
}

static void finish(struct request *r, void *state, int64_t bytes)
{
    struct preview *p = state;
    (void)r;
    (void)bytes;
    if (!p)
        return;
    json_decref(p->columns);
    json_decref(p->rows);
    json_decref(p->faults);
    sodium_memzero(p, sizeof *p);
    free(p);
}

const struct upload_ops column_mapping_preview_ops = {begin, chunk, end, finish};
