#include "domain/csv_reader.h"

#include "domain/csv_line.h"
#include "domain/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTING "; quotes stand around a whole value, no blank beside them, and are doubled inside it"

_Static_assert(RECORD_MAXIMUM <= UINT16_MAX, "starts[] holds offsets into a record");

void csv_reader_init(struct csv_reader *r, const struct reader_events *events)
{
    memset(r, 0, offsetof(struct csv_reader, text));
    r->events = events;
    r->line = 1;
    r->record_line = 1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        r->row.field[i] = (struct text){"", 0};
}

void csv_reader_map(struct csv_reader *r, const struct column_mapping *mapping)
{
    r->mapping = mapping;
}

static void fault(struct csv_reader *r, enum rule_id rule, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report_empty(struct csv_reader *r);

/* One fault per record is enough to mend it; the names of the header tell all of theirs. Of a file whose header tells
 * nothing, rows are only counted. */
static void fault(struct csv_reader *r, enum rule_id rule, const char *field, const char *format, ...)
{
    if ((r->broken && (r->header_read || r->header_fields == 0)) || (r->header_read && r->header_foreign))
        return;
    if (r->empty_rows > 0)
        report_empty(r);
    r->broken = true;
    struct reader_fault f = {.rule = rule, .line = r->record_line};
    f.row_no = r->header_read ? r->row_no + 1 : 0;
    (void)snprintf(f.field, sizeof f.field, "%s", field);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f.note, sizeof f.note, format, args);
    va_end(args);
    r->events->fault(r->events->context, &f);
}

/* Name of the column that the field being read belongs to. */
static const char *field_name(const struct csv_reader *r, unsigned field)
{
    if (!r->header_read || field >= r->header_fields || r->column_of[field] >= COLUMN_COUNT)
        return "file";
    return column_name((enum column)r->column_of[field]);
}

/* Whether the field being read belongs to a column that the mapping passes over. */
static bool is_ignored(const struct csv_reader *r)
{
    return r->header_read && r->fields < r->header_fields && r->column_of[r->fields] == COLUMN_IGNORED;
}

static bool is_too_long(const struct csv_reader *r)
{
    return r->field_length > FIELD_MAXIMUM && (r->field_length > IGNORED_MAXIMUM || !is_ignored(r));
}

/* The sentence for a first line whose names are parted by something else than commas, as far as it was kept; or NULL.
 */
static const char *other_separator(const struct csv_reader *r)
{
    if (memchr(r->text, '\t', r->used) != NULL)
        return "The columns are separated by tabs: save the file as CSV, with commas";
    if (memchr(r->text, ';', r->used) != NULL)
        return "The columns are separated by semicolons: save the file as CSV, with commas";
    if (memchr(r->text, '|', r->used) != NULL)
        return "The columns are separated by |: save the file as CSV, with commas";
    return NULL;
}

/* The field being read has outgrown its limit. Where that is the whole first line, it is told what parts its names. */
static void refuse_long(struct csv_reader *r)
{
    const char *separator = !r->header_read && r->fields == 0 ? other_separator(r) : NULL;
    const char *why = "";
    if (separator != NULL) {
        fault(r, RULE_F02, "file", "%s", separator);
        r->header_foreign = true;
        return;
    }
    size_t begin = r->starts[r->fields];
    if (r->state == CSV_QUOTED)
        why = r->header_read ? "; a closing quote may be missing"
                             : "; a closing quote may be missing, or the whole line stands in quotes";
    else if (begin < r->used && r->text[begin] == '\0')
        why = " and holds zero bytes: the file was damaged; save it again";
    else if (!r->header_read)
        why = "; the first line holds the names of the columns, with commas between them";
    fault(r, RULE_F01, field_name(r, r->fields), "Line %llu: field %u is longer than %d bytes%s",
          (unsigned long long)r->record_line, r->fields + 1, is_ignored(r) ? IGNORED_MAXIMUM : FIELD_MAXIMUM, why);
}

/* Of a field that is too long by these bytes: its beginning tells why, in whatever pieces it came. */
static void keep_beginning(struct csv_reader *r, const char *bytes, size_t length)
{
    size_t before = r->field_length - length;
    size_t kept = before < FIELD_MAXIMUM ? FIELD_MAXIMUM - before : 0;
    if (r->used + kept > RECORD_MAXIMUM)
        kept = RECORD_MAXIMUM - r->used;
    memcpy(r->text + r->used, bytes, kept);
    r->used += kept;
}

static void store(struct csv_reader *r, const char *bytes, size_t length)
{
    r->field_length += length;
    if (r->broken)
        return;
    if (r->field_length > FIELD_MAXIMUM && !is_too_long(r)) {
        r->used = r->starts[r->fields]; /* nobody reads it: none of it is kept */
    } else if (r->field_length > FIELD_MAXIMUM) {
        keep_beginning(r, bytes, length);
        refuse_long(r);
    } else if (r->used + length > RECORD_MAXIMUM) {
        fault(r, RULE_F01, "file", "Line %llu: the record is longer than %d bytes", (unsigned long long)r->record_line,
              RECORD_MAXIMUM);
    } else {
        memcpy(r->text + r->used, bytes, length);
        r->used += length;
    }
}

static void end_field(struct csv_reader *r)
{
    r->state = CSV_START;
    r->field_length = 0;
    if (r->fields == CSV_FIELDS_MAXIMUM) {
        fault(r, RULE_F01, "file", "Line %llu: more than %d fields: leave out columns that the upload format has not",
              (unsigned long long)r->record_line, CSV_FIELDS_MAXIMUM);
        return;
    }
    r->fields++;
    r->starts[r->fields] = (uint16_t)r->used;
}

static struct text without_spaces(const char *from, const char *to)
{
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    return (struct text){from, (size_t)(to - from)};
}

static struct text field_text(const struct csv_reader *r, unsigned field)
{
    return without_spaces(r->text + r->starts[field], r->text + r->starts[field + 1]);
}

/* Looks for the field that holds a bad byte, and reports it. */
static void check_bytes(struct csv_reader *r)
{
    for (unsigned i = 0; i < r->fields && !r->broken; i++) {
        const char *from = r->text + r->starts[i];
        size_t length = (size_t)(r->starts[i + 1] - r->starts[i]);
        const char *why = NULL;
        if (!utf8_is_valid(from, length))
            why = windows_1252_is_likely(from, length) ? "is not UTF-8" UTF8_HINT_1252 : "is not UTF-8";
        for (size_t k = 0; k < length && why == NULL; k++) {
            if (from[k] == '\t')
                why = "holds a tab";
            else if (from[k] == '\0')
                why = "holds a zero byte, which no text has: save the file again";
            else if ((unsigned char)from[k] < ' ' || from[k] == 0x7F)
                why = "holds a control character: delete it";
        }
        if (why != NULL)
            fault(r, RULE_F01, field_name(r, i), "Line %llu: field %u %s", (unsigned long long)r->record_line, i + 1,
                  why);
    }
}

static bool has_curly_quotes(struct text t)
{
    for (size_t i = 0; i + 2 < t.length; i++) {
        if (memcmp(t.at + i, "\xE2\x80\x9C", 3) == 0 || memcmp(t.at + i, "\xE2\x80\x9D", 3) == 0)
            return true;
    }
    return false;
}

static void refuse_name(struct csv_reader *r, unsigned field, struct text name)
{
    enum column like = column_like(name);
    if (column_name_is_printable(name) && like < COLUMN_COUNT)
        fault(r, RULE_F01, "file", "Column %u, %.*s, is not known: write %s", field + 1, (int)name.length, name.at,
              column_name(like));
    else if (column_name_is_printable(name))
        fault(r, RULE_F01, "file", "Column %u, %.*s, is not known", field + 1, (int)name.length, name.at);
    else
        fault(r, RULE_F01, "file", "Column %u has a name that is not known%s%s", field + 1,
              has_curly_quotes(name) ? ": it is in curly quotes, and CSV needs straight ones"
              : like < COLUMN_COUNT  ? ": it holds signs that do not belong there; write "
                                     : "",
              like < COLUMN_COUNT && !has_curly_quotes(name) ? column_name(like) : "");
}

static void read_header_field(struct csv_reader *r, unsigned field, bool seen[COLUMN_COUNT])
{
    struct text name = field_text(r, field);
    enum column c = column_mapping_find(r->mapping, name.at, name.length);
    struct header_field told = {field + 1, name, c, c < COLUMN_COUNT && seen[c]};
    r->column_of[field] = (unsigned char)c;
    if (r->events->header != NULL)
        r->events->header(r->events->context, &told);
    if (told.doubled) {
        fault(r, RULE_F02, column_name(c), "Column %s is named twice", column_name(c));
        r->column_of[field] = COLUMN_IGNORED;
    } else if (c < COLUMN_COUNT) {
        seen[c] = true;
    }
}

/* Spreadsheets write the empty columns of a sheet too; one sentence speaks of them all. */
static void refuse_unknown(struct csv_reader *r)
{
    unsigned named = r->fields;
    while (named > 0 && field_text(r, named - 1).length == 0)
        named--;
    for (unsigned i = 0; i < named; i++) {
        if (r->column_of[i] == COLUMN_COUNT)
            refuse_name(r, i, field_text(r, i));
    }
    if (named < r->fields)
        fault(r, RULE_F01, "file",
              "Columns behind column %u have no name: the spreadsheet saved empty columns; delete them there", named);
}

/* like: columns whose names are written in another way, which was told. */
static void report_missing(struct csv_reader *r, const bool seen[COLUMN_COUNT], const bool like[COLUMN_COUNT])
{
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!column_needed((enum column)c) || seen[c])
            continue;
        r->header_usable = false;
        if (like[c])
            continue;
        const char *own = column_name((enum column)c);
        struct text theirs = column_mapping_name(r->mapping, (enum column)c);
        if (theirs.length == 0 || (theirs.length == strlen(own) && memcmp(theirs.at, own, theirs.length) == 0))
            fault(r, RULE_F02, own, "Column %s is missing", own);
        else
            fault(r, RULE_F02, own, "Column %s is missing (mapped to %.*s)", own, (int)theirs.length, theirs.at);
    }
}

/* Why no name of the first line was known. */
static const char *header_hint(const struct csv_reader *r)
{
    const char *separator = other_separator(r);
    struct text first = field_text(r, 0);
    if (first.length >= 4 && memcmp(first.at, "sep=", 4) == 0)
        return "Line 1 is a sep= line for spreadsheets: delete it, and separate columns by commas";
    if (separator != NULL)
        return separator;
    return "The first line names no column of the upload format: the header is missing, or other lines stand above it";
}

static void end_header(struct csv_reader *r)
{
    bool seen[COLUMN_COUNT] = {false};
    bool like[COLUMN_COUNT + 1] = {false};
    unsigned known = 0;
    bool tabs = r->control && memchr(r->text, '\t', r->used) != NULL;
    if ((r->high || r->control) && !tabs)
        check_bytes(r);
    r->header_read = r->broken;
    if (r->broken)
        return;
    r->header_fields = r->fields;
    for (unsigned i = 0; i < r->fields; i++) {
        read_header_field(r, i, seen);
        enum column meant = r->column_of[i] == COLUMN_COUNT ? column_like(field_text(r, i)) : COLUMN_COUNT;
        like[meant] = true;
        known += r->column_of[i] < COLUMN_COUNT || meant < COLUMN_COUNT;
    }
    r->header_usable = known > 0;
    r->header_foreign = known == 0;
    if (r->header_foreign) {
        fault(r, RULE_F02, "file", "%s", header_hint(r));
    } else {
        refuse_unknown(r);
        report_missing(r, seen, like);
    }
    r->header_read = true;
}

/* Rows without any value stood before this one. */
static void report_empty(struct csv_reader *r)
{
    struct reader_fault f = {.rule = RULE_F01, .line = r->empty_line, .field = "file"};
    f.row_no = r->row_no - r->empty_rows + 1;
    (void)snprintf(f.note, sizeof f.note, "Line %llu: %u rows without any value stand before others: delete them",
                   (unsigned long long)r->empty_line, r->empty_rows);
    if (r->empty_rows == 1)
        (void)snprintf(f.note, sizeof f.note, "Line %llu is a row without any value before others: delete it",
                       (unsigned long long)r->empty_line);
    r->empty_rows = 0;
    r->events->fault(r->events->context, &f);
}

/* A row with more or fewer fields than the header, and what made it so. */
static void refuse_length(struct csv_reader *r)
{
    const char *separator = r->fields == 1 ? other_separator(r) : NULL;
    unsigned filled = r->fields;
    const char *why = "blank values need their commas too, and a value with a line break needs quotes around it";
    while (filled > r->header_fields && field_text(r, filled - 1).length == 0)
        filled--;
    if (separator != NULL)
        why = "its values are not separated by commas, as the header's names are";
    else if (filled > r->header_fields)
        why = "a value with a comma in it, such as 1,234, needs quotes around it";
    else if (r->fields > r->header_fields)
        why = "a value with a comma in it, such as 1,234, needs quotes around it; or the spreadsheet saved empty "
              "columns: "
              "delete them there";
    fault(r, RULE_F01, "file", "Line %llu has %u %s, the header has %u; %s", (unsigned long long)r->record_line,
          r->fields, r->fields == 1 ? "field" : "fields", r->header_fields, why);
}

static void end_row(struct csv_reader *r)
{
    if (r->used == 0 && !r->broken) {
        r->empty_line = r->empty_rows == 0 ? r->record_line : r->empty_line;
        r->empty_rows++;
        r->row_no++;
        return;
    }
    if (r->empty_rows > 0)
        report_empty(r);
    if (!r->broken && !r->header_foreign && (r->high || r->control))
        check_bytes(r);
    if (!r->broken && r->header_usable && r->fields != r->header_fields)
        refuse_length(r);
    r->row_no++;
    if (r->broken || !r->header_usable)
        return;
    r->row.line = r->record_line;
    r->row.row_no = r->row_no;
    for (unsigned i = 0; i < r->fields; i++) {
        if (r->column_of[i] < COLUMN_COUNT)
            r->row.field[r->column_of[i]] = field_text(r, i);
    }
    if (!r->events->row(r->events->context, &r->row))
        r->stopped = true;
}

static void next_record(struct csv_reader *r)
{
    r->record_line = r->line;
    r->state = CSV_START;
    r->fields = 0;
    r->used = 0;
    r->field_length = 0;
    r->begun = r->high = r->control = r->broken = false;
}

static void end_record(struct csv_reader *r)
{
    if (r->begun) {
        end_field(r);
        if (r->header_read)
            end_row(r);
        else
            end_header(r);
    }
    r->line++;
    next_record(r);
}

/* Length of the run that means nothing special: up to a quote, a control character or (outside quotes) a comma. */
static size_t ordinary_run(struct csv_reader *r, const char *bytes, size_t length, char separator)
{
    size_t n = 0;
    unsigned char all = 0;
    while (n < length) {
        unsigned char c = (unsigned char)bytes[n];
        if (c == (unsigned char)separator || c == '"' || c < ' ' || c == 0x7F)
            break;
        all |= c;
        n++;
    }
    r->high |= all >= 0x80;
    return n;
}

/* A separator, line end, quote or control character outside quotes. */
static void take_special(struct csv_reader *r, char c)
{
    switch (c) {
    case ',':
        end_field(r);
        break;
    case '\n':
        end_record(r);
        break;
    case '\r':
        r->state = CSV_RETURN;
        break;
    case '"':
        if (r->state == CSV_START)
            r->state = CSV_QUOTED;
        else
            fault(r, RULE_F01, field_name(r, r->fields), "Line %llu: field %u has a quote in its middle" QUOTING,
                  (unsigned long long)r->record_line, r->fields + 1);
        break;
    default:
        r->control = true;
        r->state = CSV_PLAIN;
        store(r, &c, 1);
    }
}

/* A quoted field that is too long ends the record; its line end, not yet taken, begins the next one. */
static bool outgrows(struct csv_reader *r)
{
    if (is_too_long(r))
        r->state = CSV_SKIP;
    return r->state == CSV_SKIP;
}

static size_t feed_quoted(struct csv_reader *r, const char *bytes, size_t length)
{
    size_t n = ordinary_run(r, bytes, length, '"');
    store(r, bytes, n);
    if (outgrows(r) || n == length)
        return n;
    char c = bytes[n];
    if (c == '"') {
        r->state = CSV_QUOTE;
        return n + 1;
    }
    bool blank = c == '\n' || c == '\r' || c == '\t';
    store(r, blank ? " " : &c, 1);
    if (outgrows(r))
        return n;
    r->control |= !blank;
    r->line += c == '\n';
    return n + 1;
}

static size_t feed_outside(struct csv_reader *r, const char *bytes, size_t length)
{
    size_t n = ordinary_run(r, bytes, length, ',');
    if (n > 0) {
        if (r->state == CSV_CLOSED)
            fault(r, RULE_F01, field_name(r, r->fields), "Line %llu: field %u goes on behind its closing quote" QUOTING,
                  (unsigned long long)r->record_line, r->fields + 1);
        r->state = CSV_PLAIN;
        store(r, bytes, n);
    }
    if (n == length)
        return n;
    take_special(r, bytes[n]);
    return n + 1;
}

static size_t feed_skipped(struct csv_reader *r, const char *bytes, size_t length)
{
    const char *stop = memchr(bytes, '\n', length);
    if (stop == NULL)
        return length;
    end_record(r);
    return (size_t)(stop - bytes) + 1;
}

/* A return outside quotes must be half of a line end. */
static size_t feed_return(struct csv_reader *r, char c)
{
    if (c != '\n') {
        r->begun = true;
        fault(r, RULE_F01, "file",
              "Line %llu ends in a carriage return without a line feed: save the file as CSV, not as CSV for Macintosh",
              (unsigned long long)r->line);
        r->header_foreign |= !r->header_read; /* all lines will be so */
    }
    end_record(r);
    return c == '\n';
}

/* Rows can be read, and nothing of the next one was. */
static bool between_rows(const struct csv_reader *r)
{
    return r->header_usable && r->header_read && !r->header_foreign && r->state == CSV_START && !r->begun &&
           r->empty_rows == 0;
}

/* Takes a whole line in which nothing is special; 0 when the next one is not such a line. */
static size_t feed_line(struct csv_reader *r, const char *bytes, size_t length)
{
    struct csv_line line;
    if (!csv_line_split(bytes, length, &line) || line.fields != r->header_fields)
        return 0;
    for (unsigned i = 0; i < line.fields; i++) {
        const char *from = bytes + line.begin[i];
        const char *to = bytes + line.begin[i + 1] - 1;
        if (to - from > FIELD_MAXIMUM)
            return 0;
        if (r->column_of[i] < COLUMN_COUNT)
            r->row.field[r->column_of[i]] = without_spaces(from, to);
    }
    r->row.line = r->record_line;
    r->row.row_no = ++r->row_no;
    r->stopped = !r->events->row(r->events->context, &r->row);
    r->record_line = ++r->line;
    return line.length;
}

/* Consumes bytes, or changes the state. */
static size_t step(struct csv_reader *r, const char *bytes, size_t length)
{
    switch (r->state) {
    case CSV_QUOTED:
        return feed_quoted(r, bytes, length);
    case CSV_QUOTE:
        if (bytes[0] != '"') {
            r->state = CSV_CLOSED;
            return 0;
        }
        r->state = CSV_QUOTED;
        store(r, bytes, 1);
        (void)outgrows(r);
        return 1;
    case CSV_RETURN:
        return feed_return(r, bytes[0]);
    case CSV_SKIP:
        return feed_skipped(r, bytes, length);
    default:
        r->begun |= bytes[0] != '\n' && bytes[0] != '\r';
        return feed_outside(r, bytes, length);
    }
}

/* The byte order mark at the very start; bytes that only looked like one are given back to the record. */
static size_t take_mark(struct csv_reader *r, const char *bytes, size_t length)
{
    static const char mark[3] = {'\xEF', '\xBB', '\xBF'};
    size_t n = 0;
    while (n < length && r->mark < 3 && bytes[n] == mark[r->mark]) {
        n++;
        r->mark++;
    }
    if (r->mark < 3 && n < length) {
        if (r->mark > 0) {
            r->begun = r->high = true;
            r->state = CSV_PLAIN;
            store(r, mark, r->mark);
        }
        r->mark = 3;
    }
    return n;
}

bool csv_reader_feed(struct csv_reader *r, const char *bytes, size_t length)
{
    size_t at = r->mark < 3 ? take_mark(r, bytes, length) : 0;
    while (at < length && !r->stopped) {
        size_t n = between_rows(r) ? feed_line(r, bytes + at, length - at) : 0;
        at += n > 0 ? n : step(r, bytes + at, length - at);
    }
    return !r->stopped;
}

bool csv_reader_finish(struct csv_reader *r)
{
    if (r->stopped)
        return false;
    if (r->state == CSV_QUOTED) {
        fault(r, RULE_F01, field_name(r, r->fields), "Line %llu: the quote of field %u is never closed",
              (unsigned long long)r->record_line, r->fields + 1);
    }
    if (r->begun)
        end_record(r);
    r->row_no -= r->empty_rows;
    if (!r->header_read)
        fault(r, RULE_F02, "file", "The file is empty: the header is missing");
    return !r->stopped;
}

uint32_t csv_reader_rows(const struct csv_reader *r)
{
    return r->row_no;
}
