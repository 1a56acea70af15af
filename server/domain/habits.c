#include "domain/habits.h"

#include "base/date.h"
#include "base/parse.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Longer values show no habit that is known here. */
#define LONGEST 40

#define AS_DATE "format the column as yyyy-mm-dd in the spreadsheet, then save it as CSV"
#define AS_TEXT "format the column as text in the spreadsheet"

/* Day 0 of a spreadsheet that counts from 1900 (with its 29 February 1900), and the serial numbers that are likely
 * days: 1927 to 2099. */
#define SERIAL_FIRST 10000
#define SERIAL_LAST  73050

enum kind { KIND_TEXT, KIND_DATE, KIND_MONTH, KIND_NUMBER, KIND_NHS, KIND_STATUS, KIND_CODE, KIND_ID };

static enum kind kind_of(enum column c)
{
    switch (c) {
    case COLUMN_BIRTH_DATE:
    case COLUMN_REFERRAL_DATE:
    case COLUMN_REFERRAL_END:
    case COLUMN_START_DATE:
    case COLUMN_END_DATE:
    case COLUMN_MHCT_DATE:
    case COLUMN_LAST_CONTACT:
    case COLUMN_DISCHARGE_MHCT_DATE:
        return KIND_DATE;
    case COLUMN_MONTH:
        return KIND_MONTH;
    case COLUMN_NHS_NUMBER:
        return KIND_NHS;
    case COLUMN_NHS_NUMBER_STATUS:
        return KIND_STATUS;
    case COLUMN_EPISODE_ID:
    case COLUMN_PATIENT_ID:
        return KIND_ID;
    case COLUMN_PROVIDER:
    case COLUMN_COMMISSIONER:
    case COLUMN_GP_PRACTICE:
        return KIND_CODE;
    case COLUMN_CLUSTER:
    case COLUMN_CLUSTER_INITIAL:
    case COLUMN_MHCT_REASON:
    case COLUMN_ADMITTED_DAYS:
        return KIND_NUMBER;
    default:
        return c >= COLUMN_H1 && c <= COLUMN_SE ? KIND_NUMBER : KIND_TEXT;
    }
}

/* The value with each run of digits as 9 and of letters as a; other characters stand for themselves. */
struct shape {
    char form[LONGEST + 1];
    unsigned char run[LONGEST]; /* length of each element */
    char first_letter;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct shape shape_of(struct text value)
{
    struct shape s = {"", {0}, '\0'};
    size_t n = 0;
    for (size_t i = 0; i < value.length; i++) {
        char c = value.at[i];
        bool runs = is_digit(c) || is_letter(c);
        char form = is_digit(c) ? '9' : is_letter(c) ? 'a' : c;
        if (form == 'a' && s.first_letter == '\0')
            s.first_letter = c;
        if (n == 0 || s.form[n - 1] != form || !runs)
            s.form[n++] = form;
        s.run[n - 1]++;
    }
    s.form[n] = '\0';
    return s;
}

static bool begins(const struct shape *s, const char *form)
{
    return strncmp(s->form, form, strlen(form)) == 0;
}

static bool is_form(const struct shape *s, const char *form)
{
    return strcmp(s->form, form) == 0;
}

static bool same_letters(struct text value, const char *word)
{
    if (value.length != strlen(word))
        return false;
    for (size_t i = 0; i < value.length; i++) {
        char c = value.at[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != word[i])
            return false;
    }
    return true;
}

/* What a formula shows that has no result. */
static bool is_formula_error(struct text value)
{
    static const char *const errors[] = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (same_letters(value, errors[i]))
            return true;
    }
    return false;
}

bool is_word_for_nothing(struct text value)
{
    static const char *const words[] = {"NULL", "N/A", "NAN", "(NULL)", "<NULL>", "\\N"};
    char first = value.length < 2 || value.length > 7 ? '\0' : value.at[0];
    if (first != 'N' && first != 'n' && first != '#' && first != '(' && first != '<' && first != '\\')
        return false; /* nearly all: this is asked of every row */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (same_letters(value, words[i]))
            return true;
    }
    return is_formula_error(value);
}

static const char *of_any_column(enum column c, struct text value)
{
    if (is_formula_error(value))
        return column_needed(c)
                   ? "this is the error of a spreadsheet's formula: mend the formula"
                   : "this is the error of a spreadsheet's formula: mend the formula, or leave the field blank";
    if (is_word_for_nothing(value))
        return column_needed(c) ? "this is a word for nothing, and the column needs a value"
                                : "this is a word for nothing: leave the field blank";
    if (value.length >= 2 && memcmp(value.at, "=\"", 2) == 0)
        return "this is a spreadsheet's formula for a text: send the text alone, without =\"\"";
    if (value.at[0] == '#' && value.length > 2 && value.at[1] == '#')
        return "this is what a spreadsheet shows in a column that is too narrow: widen it and save again";
    if (value.at[0] == '\'')
        return "this begins with an apostrophe, a spreadsheet's mark for text: remove it";
    for (size_t i = 0; i + 1 < value.length; i++) {
        if (memcmp(value.at + i, "\xC2\xA0", 2) == 0)
            return "this holds a non-breaking space: remove it";
        if (i + 2 < value.length && memcmp(value.at + i, "\xE2\x80", 2) == 0 &&
            (value.at[i + 2] == '\x98' || value.at[i + 2] == '\x99' || value.at[i + 2] == '\x9C' ||
             value.at[i + 2] == '\x9D'))
            return "this holds curly quotes: CSV needs straight ones";
    }
    return NULL;
}

static bool is_scientific(const struct shape *s)
{
    bool form = is_form(s, "9.9a+9") || is_form(s, "9a+9") || is_form(s, "9.9a9");
    return form && (s->first_letter == 'E' || s->first_letter == 'e');
}

static bool has_thousands(const struct shape *s)
{
    if (!begins(s, "9,9") || s->run[0] > 3)
        return false;
    size_t i = 1;
    while (s->form[i] == ',' && s->form[i + 1] == '9' && s->run[i + 1] == 3)
        i += 2;
    return s->form[i] == '\0';
}

/* The day of a serial number, for columns that do not identify a patient. */
static void tell_serial(enum column c, struct text value, char out[HABIT_SIZE])
{
    char day[11] = "";
    int64_t serial = 0;
    const char *point = memchr(value.at, '.', value.length);
    size_t length = point == NULL ? value.length : (size_t)(point - value.at);
    if (c != COLUMN_BIRTH_DATE && parse_i64(value.at, length, &serial))
        date_format(date_from_civil((struct civil){1899, 12, 30}) + (date_t)serial, day);
    (void)snprintf(out, HABIT_SIZE, "this looks like a spreadsheet's serial number of a day%s%s%s: " AS_DATE,
                   day[0] == '\0' ? "" : " (", day, day[0] == '\0' ? "" : ")");
}

static bool is_serial(const struct shape *s, struct text value)
{
    int64_t serial = 0;
    return s->run[0] == 5 && (is_form(s, "9") || is_form(s, "9.9")) && parse_i64(value.at, 5, &serial) &&
           serial >= SERIAL_FIRST && serial <= SERIAL_LAST;
}

/* A day in the right form that is none: of no calendar, or what stands for "never" elsewhere. */
static const char *of_no_day(enum column c, struct text value)
{
    bool open = c == COLUMN_END_DATE || c == COLUMN_REFERRAL_END;
    if (memcmp(value.at, "0000", 4) == 0)
        return column_needed(c) ? "this is a database's word for no date, and the column needs one"
                                : "this is a database's word for no date: leave the field blank";
    if (value.at[0] > '2' || (value.at[0] == '2' && value.at[1] > '1'))
        return open ? "this year stands for an open end in other systems: leave the field blank while it is open"
                    : "this year is beyond 2199";
    if (value.at[0] < '1' || (value.at[0] == '1' && value.at[1] < '8'))
        return "this year is before 1800";
    return "this day is in no calendar: the month has fewer days, or there is no such month";
}

static unsigned two_digits(struct text value, size_t at)
{
    return (unsigned)(value.at[at] - '0') * 10 + (unsigned)(value.at[at + 1] - '0');
}

/* Days of one or two digits, a month, a year, with / - or . between them. */
static const char *of_day_first(const struct shape *s, struct text value)
{
    unsigned day = s->run[0] == 2 ? two_digits(value, 0) : (unsigned)(value.at[0] - '0');
    size_t at = (size_t)s->run[0] + 1;
    unsigned month = s->run[2] == 2 ? two_digits(value, at) : (unsigned)(value.at[at] - '0');
    if (s->form[5] != '\0')
        return "this looks like DD/MM/YYYY with a time: " AS_DATE;
    if (s->run[2] <= 2 && month > 12 && day <= 12)
        return "this looks like MM/DD/YYYY: " AS_DATE;
    if (day == 0)
        return "this is how a spreadsheet shows nothing, or a time, as a date: mend the cell, or leave it blank";
    return s->run[4] == 2 ? "this looks like DD/MM/YY: " AS_DATE : "this looks like DD/MM/YYYY: " AS_DATE;
}

/* Static text, "" when tell_serial has to write it, NULL when no habit shows. */
static const char *of_date(enum column c, const struct shape *s, struct text value)
{
    date_t day = 0;
    bool ordered = s->run[0] == 4 && (begins(s, "9-9-9") || begins(s, "9/9/9"));
    if (is_serial(s, value))
        return "";
    if (is_form(s, "9") && s->run[0] == 8)
        return "this has no dashes: " AS_DATE;
    if (ordered && s->form[1] == '-' && s->run[2] == 2 && s->run[4] == 2 && s->form[5] != '\0')
        return "this is a date with a time: " AS_DATE;
    if (ordered && s->form[1] == '-' && s->form[5] == '\0' && s->run[2] == 2 && s->run[4] == 2)
        return date_parse(value.at, value.length, &day) ? NULL : of_no_day(c, value);
    if (ordered && s->form[5] == '\0')
        return s->form[1] == '/' ? "this has slashes: " AS_DATE : "this lacks a leading zero: " AS_DATE;
    if (ordered)
        return "this is a date with a time: " AS_DATE;
    if (s->run[0] <= 2 && (begins(s, "9/9/9") || begins(s, "9-9-9") || begins(s, "9.9.9")))
        return of_day_first(s, value);
    if (begins(s, "9-a") || begins(s, "9 a") || begins(s, "a-9") || begins(s, "a 9"))
        return "this names the month in letters: " AS_DATE;
    return NULL;
}

static const char *of_number(const struct shape *s)
{
    if (is_scientific(s))
        return "this is in scientific notation, in which digits are lost: " AS_TEXT " and fill it again";
    if (has_thousands(s))
        return "this has a thousands separator: format the column as a number without it";
    if (is_form(s, "9.9"))
        return "this has a decimal part: format the column as text or as a whole number";
    return NULL;
}

static const char *of_nhs_number(const struct shape *s)
{
    if (is_form(s, "9") && s->run[0] == 9)
        return "this has nine digits: a spreadsheet drops a leading zero; " AS_TEXT " and fill it again";
    if (is_form(s, "9-9-9"))
        return "this has dashes: send ten digits; spaces are allowed";
    return of_number(s);
}

static const char *of_kind(enum column c, const struct shape *s, struct text value)
{
    switch (kind_of(c)) {
    case KIND_DATE:
        return of_date(c, s, value);
    case KIND_MONTH:
        return of_date(c, s, value) != NULL || is_form(s, "9-9-9") || is_form(s, "9/9") || is_form(s, "9")
                   ? "this is a date or a month in another form: months are written YYYY-MM"
                   : NULL;
    case KIND_NHS:
        return of_nhs_number(s);
    case KIND_STATUS:
        if (is_form(s, "9") && s->run[0] == 1)
            return "this has one digit and 01 to 07 have two: a spreadsheet drops the leading zero; " AS_TEXT;
        return of_number(s);
    case KIND_NUMBER:
        return of_number(s);
    case KIND_CODE:
        return is_scientific(s)
                   ? "this is in scientific notation: a spreadsheet took a code such as 5E1 for a number; " AS_TEXT
                     " and fill it again"
                   : NULL;
    case KIND_ID:
        return is_scientific(s)
                   ? "this is in scientific notation, in which digits are lost and ids become alike: " AS_TEXT
                     " and fill it again"
                   : NULL;
    case KIND_TEXT:
        break;
    }
    return NULL;
}

bool habit_sentence(enum column c, struct text value, char out[HABIT_SIZE])
{
    out[0] = '\0';
    if (value.length == 0 || value.length > LONGEST)
        return false;
    const char *sentence = of_any_column(c, value);
    if (sentence == NULL) {
        struct shape s = shape_of(value);
        sentence = of_kind(c, &s, value);
    }
    if (sentence == NULL)
        return false;
    if (sentence[0] == '\0')
        tell_serial(c, value, out);
    else
        (void)snprintf(out, HABIT_SIZE, "%s", sentence);
    return true;
}
