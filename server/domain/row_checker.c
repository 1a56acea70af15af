#include "domain/row_checker.h"

#include "domain/money.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void deliver_file_finding(struct row_checker *c, const struct finding *f)
{
    if (f->rule == RULE_F13)
        c->summary.held = true;
    else
        c->summary.refused = true;
    c->events->on_file_finding(c->events->context, f);
}

/* Counts a row that fails a file rule; true when it is still one of those that are named. */
static bool name_row(struct row_checker *c, enum rule_id rule)
{
    c->summary.refused = true;
    return c->file_rows[rule]++ < FILE_ROWS_NAMED;
}

/* Room for "; and 4294967295 more", and for "; " before a sentence. */
#define UNSAID_SIZE  24
#define BETWEEN_SIZE 2

/* Adds a sentence to what a file rule says of the file as a whole; what does not fit any more is counted. */
static void add_sentence(struct row_checker *c, enum rule_id rule, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void add_sentence(struct row_checker *c, enum rule_id rule, const char *field, const char *format, ...)
{
    struct finding *f = &c->whole[rule];
    char sentence[FINDING_NOTE_SIZE - UNSAID_SIZE - BETWEEN_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    finding_cut(sentence);
    if (c->said[rule] == 0) {
        finding_begin(f, rule, 0);
        (void)snprintf(f->field, sizeof f->field, "%s", field);
    } else if (strcmp(f->field, field) != 0) {
        (void)snprintf(f->field, sizeof f->field, "file");
    }
    size_t said = c->said[rule];
    size_t room = sizeof f->note - said;
    if (c->unsaid[rule] == 0 && strlen(sentence) + BETWEEN_SIZE + UNSAID_SIZE <= room) {
        int n = snprintf(f->note + said, room, "%s%s", said == 0 ? "" : "; ", sentence);
        c->said[rule] = (uint16_t)(said + (n > 0 ? (size_t)n : 0));
    } else {
        (void)snprintf(f->note + said, room, "; and %u more", ++c->unsaid[rule]);
    }
}

static void on_fault(void *context, const struct reader_fault *fault)
{
    struct row_checker *c = context;
    if (fault->row_no == 0) {
        c->summary.refused = true;
        add_sentence(c, fault->rule, fault->field, "%s", fault->note);
        return;
    }
    if (!name_row(c, fault->rule))
        return;
    struct finding f;
    finding_begin(&f, fault->rule, fault->row_no);
    (void)snprintf(f.field, sizeof f.field, "%s", fault->field);
    (void)snprintf(f.note, sizeof f.note, "%s", fault->note);
    finding_cut(f.note);
    deliver_file_finding(c, &f);
}

/* What a column's text must look like, for columns whose form is a matter of the file (F01). */
static const char *form_of(enum column c)
{
    switch (c) {
    case COLUMN_EPISODE_ID:
        return "episode_id has 1 to 20 letters, digits and signs of ASCII";
    case COLUMN_SERVICE:
        return "service has at most 12 characters";
    case COLUMN_COMMISSIONER_REASON:
        return "commissioner_reason has at most 40 characters";
    case COLUMN_APPROVAL_REF:
        return "approval_ref has at most 20 characters";
    case COLUMN_ASSESSMENT_ONLY:
        return "assessment_only is Y or empty";
    default:
        return NULL;
    }
}

static void check_forms(struct row_checker *c, const struct episode_row *row)
{
    struct finding f;
    bool found = false;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const char *form = row->unreadable >> i & 1 ? form_of((enum column)i) : NULL;
        if (form == NULL)
            continue;
        enum column column = (enum column)i;
        struct text value = row->raw->field[i];
        if (!found) {
            finding_begin(&f, RULE_F01, row->row_no);
            (void)snprintf(f.field, sizeof f.field, "%s", column_name(column));
            finding_value(f.value, column, value);
            /* The row is enough: its line would differ between CSV and NDJSON, and the finding must not. */
            (void)snprintf(f.note, sizeof f.note, "%s", form);
        } else {
            size_t used = strlen(f.note);
            (void)snprintf(f.note + used, sizeof f.note - used, "; %s", form);
        }
        finding_habit(&f, column, value);
        found = true;
    }
    if (found && name_row(c, RULE_F01))
        deliver_file_finding(c, &f);
}

static bool is_own(const struct upload_context *x, struct text provider)
{
    return provider.length == strlen(x->provider) && memcmp(provider.at, x->provider, provider.length) == 0;
}

static void name_value(struct row_checker *c, enum rule_id rule, enum column column, const struct episode_row *row,
                       const char *expected)
{
    if (!name_row(c, rule))
        return;
    struct finding f;
    finding_begin(&f, rule, row->row_no);
    finding_value(f.value, column, row->raw->field[column]);
    (void)snprintf(f.note, sizeof f.note, "Expected %s", expected);
    finding_habit(&f, column, row->raw->field[column]);
    deliver_file_finding(c, &f);
}

static void check_address(struct row_checker *c, const struct episode_row *row)
{
    struct text month = row->raw->field[COLUMN_MONTH];
    month_t m;
    if (!month_parse(month.at, month.length, &m) || m != c->x->month) {
        char expected[8];
        month_format(c->x->month, expected);
        name_value(c, RULE_F04, COLUMN_MONTH, row, expected);
    }
    if (!is_own(c->x, row->raw->field[COLUMN_PROVIDER]))
        name_value(c, RULE_F05, COLUMN_PROVIDER, row, c->x->provider);
}

static bool on_row(void *context, const struct raw_row *raw)
{
    struct row_checker *c = context;
    struct checked_row out = {.row = &c->row, .findings = c->findings};
    episode_row_read(&c->row, raw);
    if (c->row.unreadable != 0)
        check_forms(c, &c->row);
    check_address(c, &c->row);
    out.failed = row_rules(c->x, &c->row, c->findings, &out.finding_count);
    out.has_error = (out.failed & c->unpayable) != 0;
    out.minor = is_minor(c->row.birth, c->x->month);
    c->summary.delivered++;
    c->summary.error_rows += out.has_error;
    return c->events->on_row(c->events->context, &out);
}

void row_checker_init(struct row_checker *c, const struct upload_context *x, enum upload_format format,
                      const struct row_checker_events *events)
{
    memset(c, 0, offsetof(struct row_checker, findings));
    c->x = x;
    c->events = events;
    c->format = format;
    c->unpayable = rules_unpayable_at_upload();
    c->reader_events = (struct reader_events){.context = c, .row = on_row, .fault = on_fault};
    if (format == UPLOAD_CSV)
        csv_reader_init(&c->reader.csv, &c->reader_events);
    else
        ndjson_reader_init(&c->reader.ndjson, &c->reader_events);
}

void row_checker_map(struct row_checker *c, const struct column_mapping *mapping)
{
    if (c->format == UPLOAD_CSV)
        csv_reader_map(&c->reader.csv, mapping);
    else
        ndjson_reader_map(&c->reader.ndjson, mapping);
}

void row_checker_abandon(struct row_checker *c, const char *sentence)
{
    c->abandoned = true;
    c->summary.refused = true;
    add_sentence(c, RULE_F01, "file", "%s", sentence);
}

static bool read_on(struct row_checker *c, const char *bytes, size_t length)
{
    return c->format == UPLOAD_CSV ? csv_reader_feed(&c->reader.csv, bytes, length)
                                   : ndjson_reader_feed(&c->reader.ndjson, bytes, length);
}

/* The head is complete, or the file is shorter. */
static bool begin(struct row_checker *c)
{
    const char *problem = file_kind_problem(c->head, c->head_length, c->format);
    c->begun = true;
    if (problem != NULL)
        row_checker_abandon(c, problem);
    return problem != NULL || read_on(c, (const char *)c->head, c->head_length);
}

bool row_checker_feed(struct row_checker *c, const void *bytes, size_t length)
{
    const char *from = bytes;
    if (!c->begun) {
        size_t room = sizeof c->head - c->head_length;
        size_t n = length < room ? length : room;
        memcpy(c->head + c->head_length, from, n);
        c->head_length += n;
        from += n;
        length -= n;
        if (c->head_length < sizeof c->head)
            return true;
        if (!begin(c))
            return false;
    }
    return c->abandoned || length == 0 || read_on(c, from, length);
}

static void check_month(struct row_checker *c)
{
    const struct upload_context *x = c->x;
    char month[8];
    month_format(x->month, month);
    date_t first = month_first(x->month);
    if (x->provider_from > month_last(x->month) || (x->provider_to != DATE_NONE && x->provider_to <= first))
        add_sentence(c, RULE_F06, "month", "%s is not live on any day of %s", x->provider, month);
    if (x->contracts_concerned > 0 && x->contracts_open == 0)
        add_sentence(c, RULE_F07, "month", "%s is frozen for all %u contracts that it concerns", month,
                     x->contracts_concerned);
    if (x->today < first)
        add_sentence(c, RULE_F12, "month", "%s has not begun", month);
}

static void check_counts(struct row_checker *c)
{
    const struct upload_context *x = c->x;
    long long rows = c->summary.rows;
    if (rows == 0) {
        add_sentence(c, RULE_F03, "file", "The file has no rows");
        return;
    }
    if (x->declared_rows >= 0 && rows != x->declared_rows)
        add_sentence(c, RULE_F13, "file", "The file has %lld rows, Row-Count says %lld", rows,
                     (long long)x->declared_rows);
    if (x->accepted_rows >= 0 && rows * PPM_ONE < x->accepted_rows * x->short_file_ppm)
        add_sentence(c, RULE_F13, "file", "The file has %lld rows, the last accepted month has %lld", rows,
                     (long long)x->accepted_rows);
}

static bool finish_reader(struct row_checker *c)
{
    bool complete = c->begun || c->abandoned || begin(c);
    if (c->format == UPLOAD_CSV) {
        complete = complete && (c->abandoned || csv_reader_finish(&c->reader.csv));
        c->summary.rows = csv_reader_rows(&c->reader.csv);
        c->summary.empty_rows = c->abandoned ? 0 : c->reader.csv.empty_rows;
    } else {
        complete = complete && (c->abandoned || ndjson_reader_finish(&c->reader.ndjson));
        c->summary.rows = ndjson_reader_rows(&c->reader.ndjson);
    }
    return complete;
}

bool row_checker_finish(struct row_checker *c, struct row_summary *out)
{
    bool complete = finish_reader(c);
    if (complete) {
        check_month(c);
        if (!c->abandoned)
            check_counts(c);
        for (int i = 0; i < FILE_RULE_COUNT; i++) {
            if (c->file_rows[i] > FILE_ROWS_NAMED)
                add_sentence(c, (enum rule_id)i, rule_get((enum rule_id)i)->field, "and %u more rows",
                             c->file_rows[i] - FILE_ROWS_NAMED);
            if (c->whole[i].note[0] != '\0')
                deliver_file_finding(c, &c->whole[i]);
        }
    }
    *out = c->summary;
    return complete;
}

bool every_row_fails(const rule_set_t *failed, size_t count, struct finding *out)
{
    rule_set_t errors = rules_unpayable_at_upload();
    for (size_t i = 0; i < count; i++) {
        if ((failed[i] & errors) == 0)
            return false;
    }
    if (count == 0)
        return false;
    finding_begin(out, RULE_F08, 0);
    if (count == 1)
        (void)snprintf(out->note, sizeof out->note, "The only row has an ERROR");
    else
        (void)snprintf(out->note, sizeof out->note, "All %zu rows have an ERROR", count);
    return true;
}
