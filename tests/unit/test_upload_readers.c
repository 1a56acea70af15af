/* The CSV and NDJSON readers: what they accept, what they refuse and where they say it is, and that the pieces in which
 * bytes arrive make no difference. */
#include "domain/utf8.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;
static struct upload_context context;
static struct upload_result result, other;
static struct upload_row rows[3];
static struct buf csv;

static void setup(void)
{
    upload_reference(&reference);
    upload_context(&context, &reference);
    for (unsigned i = 0; i < 3; i++)
        upload_row_clean(&rows[i], i + 1);
    buf_init(&csv, 1 << 20);
    upload_write_csv(&csv, rows, 3);
}

static void teardown(void)
{
    buf_free(&csv);
    reference_free(&reference);
}

static void check_text(enum upload_format format, const char *text, size_t length)
{
    upload_check(&result, &context, format, text, length, 0);
}

/* The clean file with the first occurrence of a text replaced. */
static void check_replaced(const char *old, const char *new_text, size_t new_length)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    char *at = strstr(csv.data, old);
    ck_assert_ptr_nonnull(at);
    ck_assert(buf_append(&b, csv.data, (size_t)(at - csv.data)));
    ck_assert(buf_append(&b, new_text, new_length));
    ck_assert(buf_append_text(&b, at + strlen(old)));
    check_text(UPLOAD_CSV, b.data, b.length);
    buf_free(&b);
}

/* One finding of the file, of that rule and row; its note contains the text. */
static void expect(enum rule_id rule, uint32_t row_no, const char *note)
{
    const struct finding *f = upload_find(&result, rule, row_no);
    ck_assert_msg(f != NULL, "no %s in row %u; first: %s %s", rule_get(rule)->id, row_no,
                  result.count > 0 ? rule_get(result.finding[0].rule)->id : "none",
                  result.count > 0 ? result.finding[0].note : "");
    ck_assert_msg(strstr(f->note, note) != NULL, "wanted '%s', found '%s'", note, f->note);
    ck_assert(result.summary.refused);
}

START_TEST(line_ends_marks_and_quotes_make_no_difference)
{
    static const char *const variants[][2] = {{"\r\n", "\n"}, {"\r\n", "\r\n\r\n"}};
    check_text(UPLOAD_CSV, csv.data, csv.length);
    ck_assert_uint_eq(result.count, 0);
    ck_assert_uint_eq(result.summary.delivered, 3);
    for (size_t v = 0; v < 2; v++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        ck_assert(buf_append_text(&b, "\xEF\xBB\xBF"));
        for (const char *at = csv.data; *at != '\0'; at++) {
            if (at[0] == '\r' && at[1] == '\n') {
                ck_assert(buf_append_text(&b, variants[v][1]));
                at++;
            } else {
                ck_assert(buf_append_char(&b, *at));
            }
        }
        check_text(UPLOAD_CSV, b.data, b.length);
        ck_assert_uint_eq(result.count, 0);
        ck_assert_uint_eq(result.summary.delivered, 3);
        buf_free(&b);
    }
    /* Without the last line end; quoted header and field; spaces at both ends of a field. */
    check_text(UPLOAD_CSV, csv.data, csv.length - 2);
    ck_assert_uint_eq(result.summary.delivered, 3);
    check_replaced("provider,", "\"provider\",", 11);
    ck_assert_uint_eq(result.count, 0);
    check_replaced("E000002", "\"E000002\"", 9);
    ck_assert_uint_eq(result.count, 0);
    check_replaced("E000002", "  E000002 ", 10);
    ck_assert_uint_eq(result.count, 0);
}
END_TEST

START_TEST(doubled_quotes_and_breaks_in_quotes)
{
    (void)snprintf(rows[0].field[COLUMN_COMMISSIONER], UPLOAD_TEXT, "02B");
    (void)snprintf(rows[0].field[COLUMN_COMMISSIONER_REASON], UPLOAD_TEXT, "\"agreed\", see\nletter");
    (void)snprintf(rows[1].field[COLUMN_CLUSTER], UPLOAD_TEXT, "a\"b");
    upload_check_rows(&result, &context, rows, 2);
    ck_assert_str_eq(upload_names(result.failed[0]), "");
    ck_assert_str_eq(upload_find(&result, RULE_K02, 2)->value, "a\"b");
    ck_assert_uint_eq(result.count, 1);
}
END_TEST

START_TEST(faults_name_line_and_column)
{
    check_replaced("E000002",
                   "E00\xFF"
                   "002",
                   7);
    expect(RULE_F01, 2, "Line 3: field 3 is not UTF-8");
    ck_assert_str_eq(upload_find(&result, RULE_F01, 2)->field, "episode_id");
    ck_assert_uint_eq(result.summary.rows, 3);
    ck_assert_uint_eq(result.summary.delivered, 2);
    check_replaced("E000002", "E\x01", 2);
    expect(RULE_F01, 2, "Line 3: field 3 holds a control character");
    check_replaced("E000002", "E\0", 2);
    expect(RULE_F01, 2, "Line 3: field 3 holds a zero byte");
    check_replaced("E000002", "E0\"2", 4);
    expect(RULE_F01, 2, "Line 3: field 3 has a quote in its middle");
    check_replaced("E000002", "\"E0\"2", 5);
    expect(RULE_F01, 2, "Line 3: field 3 goes on behind its closing quote");
    check_replaced("E000002", "E0,2", 4);
    expect(RULE_F01, 2, "Line 3 has 44 fields, the header has 43");
    check_replaced("E000002", "E0\r2", 4);
    expect(RULE_F01, 2, "Line 3 ends in a carriage return");
    check_replaced("E000003", "\"E000003", 8);
    expect(RULE_F01, 3, "Line 4: the quote of field 3 is never closed");
}
END_TEST

START_TEST(long_fields_and_forgotten_quotes)
{
    char text[400];
    memset(text, 'x', sizeof text);
    check_replaced("E000002", text, FIELD_MAXIMUM);
    expect(RULE_F01, 2, "episode_id has 1 to 20");
    check_replaced("E000002", text, FIELD_MAXIMUM + 1);
    expect(RULE_F01, 2, "Line 3: field 3 is longer than 256 bytes");
    ck_assert_uint_eq(result.count, 1);
    /* A quote that is never closed costs some rows, not the file: reading starts again behind it. */
    struct buf b;
    buf_init(&b, 1 << 20);
    static struct upload_row many[20];
    for (unsigned i = 0; i < 20; i++)
        upload_row_clean(&many[i], i + 1);
    upload_write_csv(&b, many, 20);
    char *at = strstr(b.data, "E000004");
    ck_assert_ptr_nonnull(at);
    *at = '"';
    check_text(UPLOAD_CSV, b.data, b.length);
    expect(RULE_F01, 4, "Line 5: field 3 is longer than 256 bytes; a closing quote may be missing");
    ck_assert_uint_eq(result.count, 1);
    ck_assert_uint_ge(result.summary.delivered, 17);
    buf_free(&b);
}
END_TEST

START_TEST(headers)
{
    check_text(UPLOAD_CSV, "", 0);
    expect(RULE_F02, 0, "The file is empty");
    check_text(UPLOAD_CSV, "\xEF\xBB\xBF", 3);
    expect(RULE_F02, 0, "The file is empty");
    check_text(UPLOAD_CSV, "RXA,2013-04,E1\n", 15);
    expect(RULE_F02, 0, "The first line names no column");
    check_replaced("h7,", "h7x,", 4);
    expect(RULE_F01, 0, "h7x, is not known");
    expect(RULE_F02, 0, "Column h7 is missing");
    check_replaced("h8,", "h7,", 3);
    expect(RULE_F02, 0, "Column h7 is named twice; Column h8 is missing");
    ck_assert_uint_eq(result.summary.rows, 3);
    check_replaced("h8,", "Spell No,", 9);
    expect(RULE_F01, 0, "Column 27, Spell No, is not known");
    check_replaced("h8,", "9434765919,", 11);
    expect(RULE_F01, 0, "Column 27 has a name that is not known");
    ck_assert_ptr_null(strstr(upload_find(&result, RULE_F01, 0)->note, "9434765919"));
    check_replaced("month", "\xFF\xFE", 2);
    expect(RULE_F01, 0, "Line 1: field 2 is not UTF-8");
    /* A column that is not needed may be left out, and columns may come in any order. */
    static const char small[] =
        "se,sd,sc,sb,sa,h13,h12,h11,h10,h9,h8,h7,h6,h5,h4,h3,h2,h1,mhct_date,start_date,cluster,"
        "commissioner,patient_id,episode_id,month,provider\n"
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,9,2013-04-02,2013-04-02,5,01A,P1,E1,2013-04,RXA\n";
    check_text(UPLOAD_CSV, small, sizeof small - 1);
    ck_assert_str_eq(upload_names(result.failed[0]), "P03 M02");
    ck_assert_str_eq(upload_find(&result, RULE_M02, 1)->note, "Ratings: h1");
}
END_TEST

/* Separators, marks and columns that spreadsheets write around the data. */
START_TEST(spreadsheet_headers)
{
    static const char tabs[] = "provider\tmonth\tepisode_id\nRXA\t2013-04\tE1\n";
    check_text(UPLOAD_CSV, tabs, sizeof tabs - 1);
    expect(RULE_F02, 0, "The columns are separated by tabs");
    ck_assert_uint_eq(upload_count(&result, RULE_F01), 0);
    /* A zero byte in a name ends no comparison. */
    static const char zeros[] = "h13\0\0\0\0\0\0\0\0,month\tx\n";
    check_text(UPLOAD_CSV, zeros, sizeof zeros - 1);
    ck_assert(result.summary.refused);
    static const char semicolons[] = "provider;month;episode_id\nRXA;2013-04;E1\n";
    check_text(UPLOAD_CSV, semicolons, sizeof semicolons - 1);
    expect(RULE_F02, 0, "The columns are separated by semicolons");
    static const char sep[] = "sep=;\nprovider;month;episode_id\n";
    check_text(UPLOAD_CSV, sep, sizeof sep - 1);
    expect(RULE_F02, 0, "Line 1 is a sep= line");
    check_replaced("provider,", "sep=,\r\nprovider,", 16);
    expect(RULE_F02, 0, "Line 1 is a sep= line");
    check_replaced("h7,", "\xE2\x80\x9Ch7\xE2\x80\x9D,", 9);
    expect(RULE_F01, 0, "Column 26 has a name that is not known: it is in curly quotes");
    check_replaced("discharge_mhct_date\r\n", "discharge_mhct_date,,,\r\n", 24);
    expect(RULE_F01, 0, "Columns behind column 43 have no name");
    ck_assert_ptr_null(strstr(upload_find(&result, RULE_F01, 0)->note, "; Column"));
    check_replaced("E000002", "E000002\xA3\x80", 9);
    expect(RULE_F01, 2, "Line 3: field 3 is not UTF-8; the file looks like Windows-1252");
    check_replaced("E000002", "E0\t2", 4);
    expect(RULE_F01, 2, "Line 3: field 3 holds a tab");
}
END_TEST

START_TEST(rows_without_values)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    char empty[64];
    memset(empty, ',', COLUMN_COUNT - 1);
    memcpy(empty + COLUMN_COUNT - 1, "\r\n", 3);
    /* At the end they are passed over, whatever their length, and are no rows. */
    ck_assert(buf_append(&b, csv.data, csv.length));
    for (int i = 0; i < 3; i++)
        ck_assert(buf_append_text(&b, empty));
    ck_assert(buf_append_text(&b, ",,,,\r\n\"\",\"\""));
    check_text(UPLOAD_CSV, b.data, b.length);
    ck_assert_uint_eq(result.count, 0);
    ck_assert_uint_eq(result.summary.rows, 3);
    ck_assert_uint_eq(result.summary.empty_rows, 5);
    /* Before a row they are a fault, told once. */
    ck_assert(buf_append_text(&b, "\r\n"));
    ck_assert(buf_append_text(&b, strstr(csv.data, "\r\n") + 2));
    check_text(UPLOAD_CSV, b.data, b.length);
    ck_assert_uint_eq(upload_count(&result, RULE_F01), 1);
    expect(RULE_F01, 4, "Line 5: 5 rows without any value stand before others");
    ck_assert_uint_eq(result.summary.rows, 11);
    ck_assert_uint_eq(result.summary.delivered, 6);
    ck_assert_uint_eq(result.summary.empty_rows, 0);
    buf_free(&b);
    /* Nothing but empty rows is a file without rows. */
    buf_init(&b, 1 << 20);
    ck_assert(buf_append(&b, csv.data, (size_t)(strstr(csv.data, "\r\n") + 2 - csv.data)));
    ck_assert(buf_append_text(&b, empty));
    check_text(UPLOAD_CSV, b.data, b.length);
    expect(RULE_F03, 0, "no rows");
    buf_free(&b);
    check_replaced("E000002", "E0,2,", 5);
    expect(RULE_F01, 2, "Line 3 has 45 fields, the header has 43; a value with a comma");
}
END_TEST

/* The clean file with another separator, or with its names written in another way. */
static void check_rewritten(char separator, char (*name)(char c))
{
    struct buf b;
    bool header = true;
    buf_init(&b, 1 << 20);
    for (const char *at = csv.data; *at != '\0'; at++) {
        char c = *at == ',' ? separator : header && name != NULL ? name(*at) : *at;
        header = header && *at != '\n';
        ck_assert(buf_append_char(&b, c));
    }
    for (size_t piece = 0; piece < 300; piece += 97) {
        upload_check(&result, &context, UPLOAD_CSV, b.data, b.length, piece);
        ck_assert(result.summary.refused);
        ck_assert_uint_eq(result.summary.rows, 3);
        ck_assert_uint_eq(result.summary.delivered, 0);
    }
    buf_free(&b);
}

/* All 43 names on one line are longer than a field may be: that must not hide what separates them. */
START_TEST(whole_headers_with_other_separators)
{
    check_rewritten(';', NULL);
    expect(RULE_F02, 0, "The columns are separated by semicolons");
    ck_assert_uint_eq(result.count, 1);
    check_rewritten('\t', NULL);
    expect(RULE_F02, 0, "The columns are separated by tabs");
    ck_assert_uint_eq(result.count, 1);
    check_rewritten('|', NULL);
    expect(RULE_F02, 0, "The columns are separated by |");
    ck_assert_uint_eq(result.count, 1);
    check_rewritten(' ', NULL);
    expect(RULE_F01, 0, "Line 1: field 1 is longer than 256 bytes; the first line holds the names of the columns");
    /* Rows that are separated otherwise than the header. */
    check_replaced("RXA,2013-04,E000002,", "RXA;2013-04;E000002;", 20);
    expect(RULE_F01, 2, "Line 3 has 40 fields, the header has 43; blank values need their commas too");
    check_text(UPLOAD_CSV, csv.data, csv.length);
    check_replaced("RXA,2013-04,E000001", "RXA;2013-04;E000001\r\nRXA,2013-04,E000001", 40);
    expect(RULE_F01, 1, "Line 2 has 1 field, the header has 43; its values are not separated by commas");
}
END_TEST

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char blank(char c)
{
    return c == '_' ? ' ' : c;
}

/* Names in capitals or with blanks are no missing header: the right name is told, and nothing is missing besides. */
START_TEST(names_written_in_another_way)
{
    check_rewritten(',', capital);
    expect(RULE_F01, 0, "Column 1, PROVIDER, is not known: write provider; Column 2, MONTH, is not known: write month");
    ck_assert_uint_eq(upload_count(&result, RULE_F02), 0);
    check_rewritten(',', blank);
    expect(RULE_F01, 0, "Column 3, episode id, is not known: write episode_id; ");
    ck_assert_uint_eq(upload_count(&result, RULE_F02), 0);
    check_replaced("h7,", "H-7,", 4);
    expect(RULE_F01, 0, "Column 26, H-7, is not known: write h7");
    check_replaced("h7,", "\xC2\xA0h7,", 5);
    expect(RULE_F01, 0, "Column 26 has a name that is not known: it holds signs that do not belong there; write h7");
    /* A note that cannot name all says how many it leaves out. */
    check_rewritten(',', capital);
    const char *note = upload_find(&result, RULE_F01, 0)->note;
    const char *rest = strstr(note, "; and ");
    char expected[40];
    unsigned named = 0;
    for (const char *at = note; (at = strstr(at, "is not known")) != NULL; at++)
        named++;
    (void)snprintf(expected, sizeof expected, "; and %u more", 43 - named);
    ck_assert_msg(rest != NULL && strcmp(rest, expected) == 0, "%u are named: %s", named, note);
}
END_TEST

/* What is wrong with the first line as a line is told once, however often it shows. */
START_TEST(faults_of_the_first_line_are_told_once)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (const char *at = csv.data; *at != '\0'; at++) {
        if (*at != '\n')
            ck_assert(buf_append_char(&b, *at));
    }
    check_text(UPLOAD_CSV, b.data, b.length);
    expect(RULE_F01, 0, "Line 1 ends in a carriage return without a line feed: save the file as CSV, not as CSV for");
    ck_assert_uint_eq(result.count, 1);
    ck_assert_uint_eq(result.summary.rows, 3);
    b.length = 0;
    for (int i = 0; i < 300; i++)
        ck_assert(buf_append_text(&b, "provider,"));
    check_text(UPLOAD_CSV, b.data, b.length);
    expect(RULE_F01, 0, "Line 1: more than 128 fields");
    ck_assert_ptr_null(strstr(upload_find(&result, RULE_F01, 0)->note, "; "));
    buf_free(&b);
    check_replaced("month,episode_id,", " \"month\", \"episode_id\",", 24);
    const char *note = upload_find(&result, RULE_F01, 0)->note;
    ck_assert_ptr_nonnull(strstr(note, "Line 1: field 2 has a quote in its middle; quotes stand around a whole value"));
    ck_assert_ptr_null(strstr(note, "field 3"));
}
END_TEST

/* Files that are something else: one sentence, and nothing else about their contents. */
START_TEST(foreign_files)
{
    static const struct {
        const char *head;
        size_t length;
        enum upload_format format;
        const char *note;
    } foreign[] = {{"PK\x03\x04\x14\0\x06\0", 8, UPLOAD_CSV, "Excel workbook (xlsx)"},
                   {"PK\x03\x04\x14\0\x06\0", 8, UPLOAD_NDJSON, "Excel workbook (xlsx)"},
                   {"\xD0\xCF\x11\xE0\xA1\xB1", 6, UPLOAD_CSV, "old Excel workbook"},
                   {"\x1F\x8B\x08\0\0\n\n", 7, UPLOAD_CSV, "Content-Encoding: gzip"},
                   {"\xFF\xFEp\0r\0\n\0", 8, UPLOAD_CSV, "UTF-16"},
                   {"\xFE\xFF\0p\0r\0\n", 8, UPLOAD_CSV, "UTF-16"},
                   {"p\0r\0\n\0", 6, UPLOAD_CSV, "UTF-16 without"},
                   {"%PDF-1.4\n", 9, UPLOAD_CSV, "PDF"},
                   {"<html><table>", 13, UPLOAD_CSV, "HTML or XML"},
                   {"<TABLE><TR>", 11, UPLOAD_CSV, "HTML or XML"},
                   {"\r\n<?xml version", 15, UPLOAD_CSV, "HTML or XML"},
                   {"{\"provider\":\"RXA\"}\n", 19, UPLOAD_CSV, "send NDJSON"},
                   {"[{\"provider\":\"RXA\"}]", 20, UPLOAD_CSV, "send NDJSON"},
                   {"PK\x05\x06\0\0", 6, UPLOAD_CSV, "empty zip archive"},
                   {"BZh91AY", 7, UPLOAD_CSV, "compressed in another way than gzip"},
                   {"7z\xBC\xAF\x27\x1C", 6, UPLOAD_CSV, "compressed in another way than gzip"},
                   {"\0\0\xFE\xFF\0\0\0p", 8, UPLOAD_CSV, "UTF-32"},
                   {"\0\0\0\0\0\0", 6, UPLOAD_CSV, "begins with zero bytes"},
                   {"\xFF\xFE", 2, UPLOAD_CSV, "UTF-16"}};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        for (size_t piece = 0; piece < 3; piece++) {
            upload_check(&result, &context, foreign[i].format, foreign[i].head, foreign[i].length, piece);
            expect(RULE_F01, 0, foreign[i].note);
            ck_assert_uint_eq(result.count, 1);
        }
    }
    check_text(UPLOAD_CSV, "PK", 2);
    expect(RULE_F02, 0, "The first line names no column");
}
END_TEST

START_TEST(ndjson_faults)
{
    static const struct {
        const char *line;
        const char *note;
    } bad[] = {{"[]", "not one flat JSON object"},
               {"{}", "the object is empty"},
               {"{\"month\":\"2013-04\"} x", "something follows"},
               {"{\"month\":\"2013-04\"", "not one flat JSON object"},
               {"{\"month\":\"2013-04\",}", "not one flat JSON object"},
               {"{\"monat\":\"2013-04\"}", "member monat is no column of the upload format"},
               {"{\"Month\":\"2013-04\"}", "member Month is no column of the upload format: write month"},
               {"{\"NHS Number\":\"1\"}", "no column of the upload format: write nhs_number"},
               {"{\"9434765919\":1}", "a member is no column of the upload format"},
               {"{\"month\":\"2013-04\",\"month\":\"2013-04\"}", "month is given twice"},
               {"{\"month\" \"2013-04\"}", "month has no value"},
               {"{\"month\":{}}", "month is neither"},
               {"{\"h1\":true}", "h1 is neither"},
               {"{\"h1\":-1}", "h1 is neither"},
               {"{\"h1\":1.5}", "h1 is a number with a decimal part or an exponent"},
               {"{\"h1\":1e2}", "h1 is a number with a decimal part or an exponent"},
               {"{\"cluster\":04}", "leading zero"},
               {"{\"month\":\"2013-04}", "no closing quote"},
               {"{\"month\":\"\\x\"}", "month holds a control character or a wrong escape"},
               {"{\"month\":\"\\ud800\"}", "wrong \\u escape"},
               {"{\"month\":\"\\u0000\"}", "month holds a control character"},
               {"{\"month\":\"\xC3\"}", "month is not UTF-8"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_text(UPLOAD_NDJSON, bad[i].line, strlen(bad[i].line));
        expect(RULE_F01, 1, bad[i].note);
        ck_assert_uint_eq(result.summary.delivered, 0);
        ck_assert_uint_eq(result.summary.rows, 1);
    }
    char *line = malloc(RECORD_MAXIMUM + 100);
    ck_assert_ptr_nonnull(line);
    memset(line, ' ', RECORD_MAXIMUM + 100);
    line[0] = '{';
    check_text(UPLOAD_NDJSON, line, RECORD_MAXIMUM + 100);
    expect(RULE_F01, 1, "the line is too long: one row has at most 16384 bytes");
    free(line);
    check_text(UPLOAD_NDJSON, "\n\n", 2);
    ck_assert_uint_eq(upload_count(&result, RULE_F03), 1);
}
END_TEST

START_TEST(ndjson_values)
{
    static const char line[] =
        "\xEF\xBB\xBF { \"provider\" : \"R\\u0058A\", \"month\":\"2013-04\",\"episode_id\":\"E\\/1\","
        "\"patient_id\":\"\\u00e9\\ud83d\\ude00\",\"cluster\":4,\"start_date\":\"2013-04-02\","
        "\"end_date\":null,\"mhct_date\":\"2013-04-02\",\"commissioner\":\"01A\",\"h1\":9 }\r\n";
    check_text(UPLOAD_NDJSON, line, sizeof line - 1);
    ck_assert_str_eq(upload_names(result.failed[0]), "P03 M01 M02");
    ck_assert_uint_eq(result.summary.delivered, 1);
}
END_TEST

static void expect_same(const char *what, size_t piece)
{
    ck_assert_msg(result.count == other.count, "%s, pieces of %zu: %zu findings, %zu", what, piece, result.count,
                  other.count);
    ck_assert_uint_eq(result.summary.rows, other.summary.rows);
    ck_assert_uint_eq(result.summary.delivered, other.summary.delivered);
    ck_assert_int_eq(result.summary.refused, other.summary.refused);
    ck_assert_int_eq(memcmp(result.failed, other.failed, sizeof result.failed), 0);
    for (size_t i = 0; i < result.count; i++) {
        ck_assert_int_eq((int)result.finding[i].rule, (int)other.finding[i].rule);
        ck_assert_uint_eq(result.finding[i].row_no, other.finding[i].row_no);
        ck_assert_str_eq(result.finding[i].note, other.finding[i].note);
        ck_assert_str_eq(result.finding[i].value, other.finding[i].value);
    }
}

/* A file with one of every kind of fault, in pieces of many sizes. The fuzzers try the others. */
START_TEST(pieces_make_no_difference)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    char filler[300];
    memset(filler, 'y', sizeof filler);
    ck_assert(buf_append_text(&b, "\xEF\xBB\xBF"));
    ck_assert(buf_append(&b, csv.data, csv.length));
    ck_assert(
        buf_append_text(&b, "RXA,\"2013\r\n\"\"-04\",\"x\"y,\r\nRXA,E\xC3\xA9,\xE2\x82\r\n\r\n\"RXA\",\r2,\"open "));
    ck_assert(buf_append(&b, filler, sizeof filler));
    ck_assert(buf_append_text(&b, "\nRXA,2\"3,4\nRXA,\"never closed"));
    upload_check(&result, &context, UPLOAD_CSV, b.data, b.length, 0);
    ck_assert_uint_ge(result.count, 6);
    for (size_t cut = 1; cut < b.length; cut += cut < 40 ? 1 : 17) {
        upload_check(&other, &context, UPLOAD_CSV, b.data, b.length, cut);
        expect_same("CSV", cut);
    }
    buf_free(&b);
    buf_init(&b, 1 << 20);
    upload_write_ndjson(&b, rows, 3);
    ck_assert(buf_append_text(&b, "{\"month\":\"\\u00e9\"}\n{\"month\":1,\"month\":2}\n\n{\"h1\":"));
    upload_check(&result, &context, UPLOAD_NDJSON, b.data, b.length, 0);
    for (size_t cut = 1; cut < b.length; cut += cut < 40 ? 1 : 17) {
        upload_check(&other, &context, UPLOAD_NDJSON, b.data, b.length, cut);
        expect_same("NDJSON", cut);
    }
    buf_free(&b);
}
END_TEST

START_TEST(utf8)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",         "\xC0\x80",         "\xC1\xBF",         "\xC2",
                                      "\xE0\x9F\xBF", "\xED\xA0\x80",     "\xE2\x82",         "\xF0\x8F\xBF\xBF",
                                      "\xF5\x80\x80", "\xF4\x90\x80\x80", "\xF0\x90\x80\x41", "\xFF"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(utf8_is_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!utf8_is_valid(bad[i], strlen(bad[i])));
    for (uint32_t c = 1; c < 0x110000; c++) {
        char out[4];
        if (c == 0xD800)
            c = 0xE000;
        size_t n = utf8_write(c, out);
        ck_assert_msg(utf8_is_valid(out, n) && !utf8_is_valid(out, n - 1) == (n > 1), "U+%X", c);
    }
}
END_TEST

/* The row callback may stop the pass. */
static bool stop_at_two(void *context_, const struct checked_row *row)
{
    unsigned *seen = context_;
    (*seen)++;
    return row->row->row_no < 2;
}

static void ignore(void *context_, const struct finding *f)
{
    (void)context_;
    (void)f;
}

START_TEST(stops_when_told)
{
    struct row_checker *c = malloc(sizeof *c);
    ck_assert_ptr_nonnull(c);
    unsigned seen = 0;
    struct row_checker_events events = {&seen, stop_at_two, ignore};
    struct row_summary summary;
    row_checker_init(c, &context, UPLOAD_CSV, &events);
    ck_assert(!row_checker_feed(c, csv.data, csv.length));
    ck_assert(!row_checker_feed(c, csv.data, csv.length));
    ck_assert(!row_checker_finish(c, &summary));
    ck_assert_uint_eq(seen, 2);
    free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("upload readers");
    TCase *t = tcase_create("upload readers");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, line_ends_marks_and_quotes_make_no_difference);
    tcase_add_test(t, doubled_quotes_and_breaks_in_quotes);
    tcase_add_test(t, faults_name_line_and_column);
    tcase_add_test(t, long_fields_and_forgotten_quotes);
    tcase_add_test(t, headers);
    tcase_add_test(t, spreadsheet_headers);
    tcase_add_test(t, whole_headers_with_other_separators);
    tcase_add_test(t, names_written_in_another_way);
    tcase_add_test(t, faults_of_the_first_line_are_told_once);
    tcase_add_test(t, rows_without_values);
    tcase_add_test(t, foreign_files);
    tcase_add_test(t, ndjson_faults);
    tcase_add_test(t, ndjson_values);
    tcase_add_test(t, pieces_make_no_difference);
    tcase_add_test(t, utf8);
    tcase_add_test(t, stops_when_told);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
