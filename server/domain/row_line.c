#include "domain/row_line.h"

#include "base/parse.h"
#include "domain/rules.h"

#include <string.h>

#define FIELDS      17
#define RULE_LETTER 3 /* length of a rule's id */

/* Digits of a number that is not negative. */
static char *put_number(char *at, uint32_t value)
{
    char digits[10];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static char *put_text(char *at, const char *text)
{
    size_t n = strlen(text);
    memcpy(at, text, n);
    return at + n;
}

/* A text in quotes where it must be (RFC 4180); services hold no line ends. */
static char *put_quoted(char *at, const char *text)
{
    bool quoted = strpbrk(text, ",\"") != NULL;
    if (!quoted)
        return put_text(at, text);
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"')
            *at++ = '"';
        *at++ = *text;
    }
    *at++ = '"';
    return at;
}

static char *put_date(char *at, date_t d)
{
    if (d == DATE_NONE)
        return at;
    date_format(d, at);
    return at + strlen(at);
}

/* Ids in ascending order. */
static char *put_failed(char *at, rule_set_t failed)
{
    const char *id[64];
    size_t n = 0;
    for (; failed != 0; failed &= failed - 1) {
        enum rule_id rule;
        if (!rule_by_bit(__builtin_ctzll(failed), &rule))
            continue;
        size_t place = n++;
        for (; place > 0 && strcmp(id[place - 1], rule_get(rule)->id) > 0; place--)
            id[place] = id[place - 1];
        id[place] = rule_get(rule)->id;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *at++ = ' ';
        at = put_text(at, id[i]);
    }
    return at;
}

static char *put_flag(char *at, bool flag)
{
    *at++ = flag ? '1' : '0';
    *at++ = ',';
    return at;
}

size_t row_facts_write(const struct episode *e, const char *tag, char *out)
{
    const date_t dates[] = {e->start_date, e->end_date, e->mhct_date, e->referral_date, e->last_contact};
    char *at = put_number(out, (uint32_t)e->row_no);
    *at++ = ',';
    at = put_text(at, tag);
    *at++ = ',';
    at = put_text(at, e->cluster);
    *at++ = ',';
    at = put_quoted(at, e->service);
    *at++ = ',';
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        at = put_date(at, dates[i]);
        *at++ = ',';
    }
    at = put_number(at, (uint32_t)e->mhct_reason);
    *at++ = ',';
    at = put_number(at, (uint32_t)e->admitted_days);
    *at++ = ',';
    at = put_flag(at, e->assessment_only);
    at = put_flag(at, e->continues);
    at = put_flag(at, e->approved);
    at = put_flag(at, e->minor);
    at = put_failed(at, e->failed);
    *at = '\0';
    return (size_t)(at - out);
}

size_t row_line_write(const struct row_line *line, char *out)
{
    size_t n = row_facts_write(&line->row, line->tag, out);
    out[n++] = ',';
    hex_encode(line->private_digest, ROW_PRIVATE, out + n);
    return n + 2 * (size_t)ROW_PRIVATE;
}

/* The fields of a line as they stand, without the quotes around one; a doubled quote stays doubled. */
struct fields {
    const char *at[FIELDS];
    size_t length[FIELDS];
};

static bool split(const char *text, size_t length, struct fields *out)
{
    size_t from = 0;
    for (int i = 0; i < FIELDS; i++) {
        bool quoted = from < length && text[from] == '"';
        size_t to = from + quoted;
        while (to < length && (quoted ? text[to] != '"' || (to + 1 < length && text[to + 1] == '"') : text[to] != ','))
            to += quoted && text[to] == '"' ? 2 : 1;
        out->at[i] = text + from + quoted;
        if (to > length || (quoted && to == length))
            return false;
        out->length[i] = to - from - quoted;
        to += quoted;
        bool last = i == FIELDS - 1;
        if (last ? to != length : to >= length || text[to] != ',')
            return false;
        from = to + 1;
    }
    return true;
}

static bool take_number(const struct fields *f, int field, int64_t low, int64_t high, int64_t *out)
{
    return parse_i64_within(f->at[field], f->length[field], low, high, out);
}

static bool take_date(const struct fields *f, int field, date_t *out)
{
    *out = DATE_NONE;
    return f->length[field] == 0 || date_parse(f->at[field], f->length[field], out);
}

static bool take_flag(const struct fields *f, int field, bool *out)
{
    *out = f->length[field] == 1 && f->at[field][0] == '1';
    return f->length[field] == 1 && (*out || f->at[field][0] == '0');
}

/* Twelve characters at most, in UTF-8; the store refuses other lengths and bytes of this size are all that fit. */
static bool take_service(const struct fields *f, int field, char out[EPISODE_SERVICE_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < f->length[field]; i++) {
        char c = f->at[field][i];
        if (n + 1 == EPISODE_SERVICE_SIZE || (unsigned char)c < ' ' || c == 0x7F)
            return false;
        out[n++] = c;
        i += c == '"';
    }
    out[n] = '\0';
    return true;
}

static bool take_failed(const struct fields *f, int field, rule_set_t *out)
{
    *out = 0;
    for (size_t i = 0; i < f->length[field]; i += RULE_LETTER + 1) {
        char id[RULE_LETTER + 1] = "";
        enum rule_id rule;
        if (f->length[field] - i < RULE_LETTER)
            return false;
        memcpy(id, f->at[field] + i, RULE_LETTER);
        if (!rule_by_name(id, &rule))
            return false;
        *out |= rule_set_of(rule);
    }
    return true;
}

void row_line_patient(const char *tag, uint8_t patient[16])
{
    unsigned __int128 number = 0; /* 26^20 is below 2^95 */
    for (int i = 0; i < IDENT_LENGTH; i++)
        number = number * 26 + (unsigned char)(tag[i] - 'a');
    for (int i = 0; i < 16; i++)
        patient[i] = (uint8_t)(number >> (120 - 8 * i));
}

static bool take_tag(const struct fields *f, int field, struct row_line *out)
{
    if (f->length[field] != IDENT_LENGTH)
        return false;
    memcpy(out->tag, f->at[field], IDENT_LENGTH);
    out->tag[IDENT_LENGTH] = '\0';
    row_line_patient(out->tag, out->row.patient);
    return ident_is_valid(out->tag);
}

/* NULL, or what is wrong. */
static const char *take_fields(const struct fields *f, struct row_line *out)
{
    struct episode *e = &out->row;
    int64_t row_no = 0;
    int64_t reason = 0;
    int64_t admitted = 0;
    if (!take_number(f, 0, 1, INT32_MAX, &row_no))
        return "row_no is no number of a row";
    if (!take_tag(f, 1, out))
        return "tag is no pseudonym";
    if (f->length[2] != 0 && (f->length[2] != 2 || !take_number(f, 2, 0, 99, &reason)))
        return "cluster is not two digits";
    memcpy(e->cluster, f->at[2], f->length[2]);
    if (!take_service(f, 3, e->service))
        return "service is too long or holds a control character";
    date_t *const dates[] = {&e->start_date, &e->end_date, &e->mhct_date, &e->referral_date, &e->last_contact};
    for (int i = 0; i < 5; i++) {
        if (!take_date(f, 4 + i, dates[i]))
            return "a date is not written YYYY-MM-DD";
    }
    if (!take_number(f, 9, 0, INT16_MAX, &reason) || !take_number(f, 10, 0, INT16_MAX, &admitted))
        return "mhct_reason or admitted_days is no number";
    if (!take_flag(f, 11, &e->assessment_only) || !take_flag(f, 12, &e->continues) || !take_flag(f, 13, &e->approved) ||
        !take_flag(f, 14, &e->minor))
        return "a flag is not 0 or 1";
    if (!take_failed(f, 15, &e->failed))
        return "failed names what is no rule";
    if (!hex_decode(f->at[16], f->length[16], out->private_digest, ROW_PRIVATE))
        return "private is not 64 hexadecimal digits";
    e->row_no = (int32_t)row_no;
    e->mhct_reason = (int16_t)reason;
    e->admitted_days = (int16_t)admitted;
    return NULL;
}

bool row_line_read(const char *text, size_t length, struct row_line *out, size_t *facts, const char **problem)
{
    struct fields f;
    char again[ROW_LINE_SIZE];
    memset(out, 0, sizeof *out);
    *problem = "the line has not 17 columns";
    if (length >= ROW_LINE_SIZE || !split(text, length, &f))
        return false;
    *problem = take_fields(&f, out);
    if (*problem != NULL)
        return false;
    *problem = "the line is not in canonical form";
    if (row_line_write(out, again) != length || memcmp(again, text, length) != 0)
        return false;
    *facts = length - 1 - 2 * (size_t)ROW_PRIVATE;
    *problem = NULL;
    return true;
}
