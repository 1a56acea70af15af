#include "domain/ndjson_reader.h"

#include "domain/utf8.h"

#include <stdio.h>
#include <string.h>

void ndjson_reader_init(struct ndjson_reader *r, const struct reader_events *events)
{
    memset(r, 0, offsetof(struct ndjson_reader, text));
    r->events = events;
    r->line = 1;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        r->next_of[i] = (unsigned char)((i + 1) % COLUMN_COUNT);
    ndjson_reader_map(r, NULL);
}

void ndjson_reader_map(struct ndjson_reader *r, const struct column_mapping *mapping)
{
    r->mapping = mapping;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        r->names[i] = column_mapping_name(mapping, (enum column)i);
}

#define IS_NO_COLUMN  " is no column of the upload format"
#define TEXT_OF(x)    #x
#define LIMIT_TEXT(x) TEXT_OF(x)
#define NOT_ONE_OBJECT                                                                                                 \
    "the line is not one flat JSON object: each row is one object on one line, names and texts in quotation marks"

/* The line being parsed. */
struct scan {
    struct ndjson_reader *reader;
    const char *at;
    const char *end;
    size_t used;         /* bytes used in reader->fields */
    const char *why;     /* what is wrong, NULL while nothing is */
    int column;          /* column whose value is wrong, or -1 */
    struct text unknown; /* name of the member that is no column; empty: there is none, or it is not to be repeated */
};

static void refuse(struct scan *s, const char *why)
{
    if (s->why == NULL)
        s->why = why;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool read_hex4(struct scan *s, uint32_t *out)
{
    uint32_t value = 0;
    if (s->end - s->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *s->at++;
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

/* Behind \u: four digits, or two surrogates that make one code point. */
static bool read_code_point(struct scan *s, uint32_t *out)
{
    uint32_t first, second;
    if (!read_hex4(s, &first) || (first >= 0xDC00 && first <= 0xDFFF))
        return false;
    if (first < 0xD800 || first > 0xDBFF) {
        *out = first;
        return true;
    }
    if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u')
        return false;
    s->at += 2;
    if (!read_hex4(s, &second) || second < 0xDC00 || second > 0xDFFF)
        return false;
    *out = 0x10000 + ((first - 0xD800) << 10 | (second - 0xDC00));
    return true;
}

/* One escape behind its backslash; line breaks and tabs become spaces, as in CSV. */
static void read_escape(struct scan *s)
{
    char *out = s->reader->fields + s->used;
    char c = s->at < s->end ? *s->at++ : '\0';
    uint32_t code = 0;
    switch (c) {
    case '"':
    case '\\':
    case '/':
        code = (unsigned char)c;
        break;
    case 'n':
    case 'r':
    case 't':
        code = ' ';
        break;
    case 'u':
        if (!read_code_point(s, &code)) {
            refuse(s, "has a wrong \\u escape");
            return;
        }
        if (code == '\n' || code == '\r' || code == '\t')
            code = ' ';
        break;
    default:
        break; /* \b, \f and unknown escapes: 0 is refused as a control character */
    }
    if (code < ' ' || code == 0x7F) {
        refuse(s, "holds a control character or a wrong escape");
        return;
    }
    s->used += utf8_write(code, out);
}

/* Behind the opening quote. The result lies in reader->fields. */
static struct text read_text(struct scan *s)
{
    size_t start = s->used;
    unsigned char all = 0;
    for (;;) {
        const char *run = s->at;
        while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= ' ' && *s->at != 0x7F)
            all |= (unsigned char)*s->at++;
        memcpy(s->reader->fields + s->used, run, (size_t)(s->at - run));
        s->used += (size_t)(s->at - run);
        if (s->at == s->end) {
            refuse(s, "has no closing quote");
            break;
        }
        char c = *s->at++;
        if (c == '"')
            break;
        if (c == '\\')
            read_escape(s);
        else
            refuse(s, "holds a control character or a wrong escape");
        if (s->why != NULL)
            break;
    }
    struct text t = {s->reader->fields + start, s->used - start};
    if (all >= 0x80 && !utf8_is_valid(t.at, t.length))
        refuse(s, windows_1252_is_likely(t.at, t.length) ? "is not UTF-8" UTF8_HINT_1252 : "is not UTF-8");
    return t;
}

static struct text read_value(struct scan *s)
{
    struct text t = {"", 0};
    skip_blanks(s);
    if (s->at < s->end && *s->at == '"') {
        s->at++;
        t = read_text(s);
    } else if (s->end - s->at >= 4 && memcmp(s->at, "null", 4) == 0) {
        s->at += 4;
    } else {
        t.at = s->at;
        while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
            s->at++;
        t.length = (size_t)(s->at - t.at);
        if (t.length == 0)
            refuse(s, "is neither a text, a whole number nor null");
        else if (t.length > 1 && t.at[0] == '0')
            refuse(s, "is a number with a leading zero: send it as a text");
        else if (s->at < s->end && (*s->at == '.' || *s->at == 'e' || *s->at == 'E'))
            refuse(s, "is a number with a decimal part or an exponent: send a whole number");
    }
    if (t.length > FIELD_MAXIMUM)
        refuse(s, "is too long");
    while (t.length > 0 && t.at[0] == ' ') {
        t.at++;
        t.length--;
    }
    while (t.length > 0 && t.at[t.length - 1] == ' ')
        t.length--;
    return t;
}

/* The column of a member's name, tried first as the one that followed the same column before. */
static enum column find_column(struct scan *s, struct text name, enum column previous)
{
    enum column likely = (enum column)s->reader->next_of[previous];
    struct text expected = s->reader->names[likely];
    if (name.length > 0 && name.length == expected.length && memcmp(expected.at, name.at, name.length) == 0)
        return likely;
    enum column c = column_mapping_find(s->reader->mapping, name.at, name.length);
    if (c < COLUMN_COUNT)
        s->reader->next_of[previous] = (unsigned char)c;
    return c;
}

/* The value of a member that the mapping passes over. */
static void skip_value(struct scan *s)
{
    static const char *const words[] = {"null", "true", "false"};
    skip_blanks(s);
    if (s->at < s->end && *s->at == '"') {
        s->at++;
        (void)read_text(s);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0) {
            s->at += n;
            return;
        }
    }
    const char *from = s->at;
    while (s->at < s->end && *s->at != '\0' && strchr("0123456789+-.eE", *s->at) != NULL)
        s->at++;
    if (s->at == from)
        refuse(s, "a member that is passed over has a value that is neither text, number, true, false nor null");
}

/* previous: the column of the member before; becomes that of this one. */
static void read_member(struct scan *s, enum column *previous, uint64_t *seen)
{
    if (!take(s, '"')) {
        refuse(s, NOT_ONE_OBJECT);
        return;
    }
    struct text name = read_text(s);
    if (s->why != NULL) {
        s->why = "the name of a member cannot be read";
        return;
    }
    enum column c = find_column(s, name, *previous);
    if (c == COLUMN_COUNT) {
        refuse(s, "a member" IS_NO_COLUMN);
        if (column_name_is_printable(name))
            s->unknown = name;
        return;
    }
    if (c == COLUMN_IGNORED) {
        if (!take(s, ':'))
            refuse(s, "a member has no value");
        else
            skip_value(s);
        return;
    }
    *previous = c;
    s->column = (int)c;
    if (*seen >> c & 1)
        refuse(s, "is given twice");
    *seen |= (uint64_t)1 << c;
    if (!take(s, ':'))
        refuse(s, "has no value");
    if (s->why == NULL)
        s->reader->row.field[c] = read_value(s);
    if (s->why == NULL)
        s->column = -1;
}

static void read_object(struct scan *s)
{
    uint64_t seen = 0;
    enum column previous = COLUMN_COUNT;
    if (!take(s, '{'))
        refuse(s, NOT_ONE_OBJECT);
    if (take(s, '}'))
        refuse(s, "the object is empty");
    while (s->why == NULL) {
        read_member(s, &previous, &seen);
        if (s->why != NULL || take(s, '}'))
            break;
        if (!take(s, ','))
            refuse(s, NOT_ONE_OBJECT);
    }
    skip_blanks(s);
    if (s->at != s->end)
        refuse(s, "something follows the object on the line: one object a line, without commas between lines");
}

static void report(struct ndjson_reader *r, int column, const char *why)
{
    struct reader_fault f = {.rule = RULE_F01, .line = r->line, .row_no = r->row_no};
    const char *name = column < 0 ? NULL : column_name((enum column)column);
    (void)snprintf(f.field, sizeof f.field, "%s", name == NULL ? "file" : name);
    (void)snprintf(f.note, sizeof f.note, "Line %llu: %s%s%s", (unsigned long long)r->line, name == NULL ? "" : name,
                   name == NULL ? "" : " ", why);
    r->events->fault(r->events->context, &f);
}

static void report_unknown(struct ndjson_reader *r, struct text name)
{
    char why[160];
    enum column like = column_like(name);
    (void)snprintf(why, sizeof why, "member %.*s" IS_NO_COLUMN "%s%s", (int)name.length, name.at,
                   like < COLUMN_COUNT ? ": write " : "", like < COLUMN_COUNT ? column_name(like) : "");
    report(r, -1, why);
}

static void end_line(struct ndjson_reader *r)
{
    struct scan s = {.reader = r, .at = r->text, .end = r->text + r->used, .column = -1};
    skip_blanks(&s);
    if (r->overlong) {
        r->row_no++;
        report(r, -1, "the line is too long: one row has at most " LIMIT_TEXT(RECORD_MAXIMUM) " bytes");
    } else if (s.at != s.end) {
        r->row_no++;
        for (int i = 0; i < COLUMN_COUNT; i++)
            r->row.field[i] = (struct text){"", 0};
        read_object(&s);
        r->row.line = r->line;
        r->row.row_no = r->row_no;
        if (s.unknown.length > 0)
            report_unknown(r, s.unknown);
        else if (s.why != NULL)
            report(r, s.column, s.why);
        else if (!r->events->row(r->events->context, &r->row))
            r->stopped = true;
    }
    r->line++;
    r->used = 0;
    r->overlong = false;
}

static void append(struct ndjson_reader *r, const char *bytes, size_t length)
{
    if (r->used + length > RECORD_MAXIMUM)
        r->overlong = true;
    if (r->overlong)
        return;
    memcpy(r->text + r->used, bytes, length);
    r->used += length;
}

/* The byte order mark at the very start; bytes that only looked like one are given back to the line. */
static size_t take_mark(struct ndjson_reader *r, const char *bytes, size_t length)
{
    static const char mark[3] = {'\xEF', '\xBB', '\xBF'};
    size_t n = 0;
    while (n < length && r->mark < 3 && bytes[n] == mark[r->mark]) {
        n++;
        r->mark++;
    }
    if (r->mark < 3 && n < length) {
        append(r, mark, r->mark);
        r->mark = 3;
    }
    return n;
}

bool ndjson_reader_feed(struct ndjson_reader *r, const char *bytes, size_t length)
{
    size_t at = r->mark < 3 ? take_mark(r, bytes, length) : 0;
    while (at < length && !r->stopped) {
        const char *stop = memchr(bytes + at, '\n', length - at);
        size_t n = stop == NULL ? length - at : (size_t)(stop - (bytes + at));
        append(r, bytes + at, n);
        at += n;
        if (stop != NULL) {
            at++;
            end_line(r);
        }
    }
    return !r->stopped;
}

bool ndjson_reader_finish(struct ndjson_reader *r)
{
    if (!r->stopped && (r->used > 0 || r->overlong))
        end_line(r);
    return !r->stopped;
}

uint32_t ndjson_reader_rows(const struct ndjson_reader *r)
{
    return r->row_no;
}
