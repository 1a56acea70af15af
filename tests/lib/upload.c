#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *length)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s: run the tests from the top of the repository", path);
    char *text = malloc(1 << 20);
    ck_assert_ptr_nonnull(text);
    *length = fread(text, 1, 1 << 20, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static const char practices[] = "practice,commissioner,live_from,live_to\n"
                                "A81001,5QE,2000-01-01,2013-04-01\n"
                                "A81001,01A,2013-04-01,\n"
                                "A81002,02B,2013-04-01,2013-04-20\n"
                                "A81003,02B,2013-04-01,\n"
                                "A81004,01A,2013-04-01,2013-04-05\n"
                                "A81004,02B,2013-04-10,\n";

/* The clean row has 2 throughout. */
static const char grid[] = "cluster,item,must_min,must_max,expected_min,expected_max\n"
                           "04,h7,1,4,2,3\n"
                           "04,sb,,,0,2\n"
                           "07,h7,3,4,,\n";

void upload_reference(struct reference *r)
{
    char error[200];
    size_t length;
    reference_init(r);
    char *text = read_file("config/clusters.csv", &length);
    ck_assert_msg(reference_load_clusters(r, text, length, error, sizeof error), "%s", error);
    free(text);
    text = read_file("config/bank_holidays.csv", &length);
    ck_assert_msg(reference_load_bank_holidays(r, text, length, error, sizeof error), "%s", error);
    free(text);
    ck_assert_msg(reference_load_allocation_grid(r, grid, strlen(grid), error, sizeof error), "%s", error);
    ck_assert_msg(reference_load_practices(r, practices, strlen(practices), error, sizeof error), "%s", error);
}

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    ck_assert(date_parse(text, strlen(text), &d));
    return d;
}

void upload_context(struct upload_context *x, const struct reference *r)
{
    static struct organisation_dates commissioners[3];
    commissioners[0] = (struct organisation_dates){code_pack("01A", 3), day("2013-04-01"), DATE_NONE};
    commissioners[1] = (struct organisation_dates){code_pack("02B", 3), day("2013-04-01"), DATE_NONE};
    commissioners[2] = (struct organisation_dates){code_pack("5QE", 3), day("2000-01-01"), day("2013-04-01")};
    *x = (struct upload_context){.provider = "RXA",
                                 .month = month_of(day("2013-04-01")),
                                 .provider_from = day("2000-01-01"),
                                 .provider_to = DATE_NONE,
                                 .today = day("2013-05-03"),
                                 .commissioners = commissioners,
                                 .commissioner_count = 3,
                                 .reference = r,
                                 .declared_rows = -1,
                                 .accepted_rows = -1,
                                 .short_file_ppm = 800000};
}

void upload_nhs_number(unsigned n, char out[11])
{
    for (unsigned i = n * 2;; i++) {
        (void)snprintf(out, 11, "999%06u", i % 1000000);
        for (int digit = 0; digit < 10; digit++) {
            char digits[11];
            out[9] = (char)('0' + digit);
            out[10] = '\0';
            if (nhs_number_check(out, 10, digits) == NHS_VALID)
                return;
        }
    }
}

static void set(struct upload_row *row, enum column c, const char *text)
{
    (void)snprintf(row->field[c], UPLOAD_TEXT, "%s", text);
}

void upload_row_clean(struct upload_row *row, unsigned n)
{
    memset(row, 0, sizeof *row);
    set(row, COLUMN_PROVIDER, "RXA");
    set(row, COLUMN_MONTH, "2013-04");
    (void)snprintf(row->field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "E%06u", n);
    (void)snprintf(row->field[COLUMN_PATIENT_ID], UPLOAD_TEXT, "P%06u", n);
    upload_nhs_number(n * 20, row->field[COLUMN_NHS_NUMBER]);
    set(row, COLUMN_NHS_NUMBER_STATUS, "01");
    set(row, COLUMN_BIRTH_DATE, "1970-06-15");
    set(row, COLUMN_GP_PRACTICE, "A81001");
    set(row, COLUMN_COMMISSIONER, "01A");
    set(row, COLUMN_REFERRAL_DATE, "2013-03-10");
    set(row, COLUMN_CLUSTER_INITIAL, "04");
    set(row, COLUMN_CLUSTER, "04");
    set(row, COLUMN_SUPER_CLASS, "A");
    set(row, COLUMN_START_DATE, "2013-03-20");
    set(row, COLUMN_MHCT_DATE, "2013-03-20");
    set(row, COLUMN_MHCT_REASON, "10");
    for (int i = 0; i < RATING_COUNT; i++)
        set(row, (enum column)(COLUMN_H1 + i), "2");
    set(row, COLUMN_LAST_CONTACT, "2013-04-20");
}

void upload_write_csv(struct buf *out, const struct upload_row *rows, size_t count)
{
    for (int c = 0; c < COLUMN_COUNT; c++)
        ck_assert(buf_append_format(out, "%s%s", c == 0 ? "" : ",", column_name((enum column)c)));
    ck_assert(buf_append_text(out, "\r\n"));
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < COLUMN_COUNT; c++) {
            const char *text = rows[i].field[c];
            bool quoted = strpbrk(text, ",\"\r\n") != NULL;
            ck_assert(buf_append_text(out, c == 0 ? "" : ","));
            ck_assert(!quoted || buf_append_char(out, '"'));
            for (; *text != '\0'; text++)
                ck_assert(buf_append_text(out, (char[3]){*text, *text == '"' ? '"' : '\0', '\0'}));
            ck_assert(!quoted || buf_append_char(out, '"'));
        }
        ck_assert(buf_append_text(out, "\r\n"));
    }
}

void upload_write_ndjson(struct buf *out, const struct upload_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool first = true;
        for (int c = 0; c < COLUMN_COUNT; c++) {
            const char *text = rows[i].field[c];
            if (text[0] == '\0')
                continue;
            ck_assert(buf_append_format(out, "%s\"%s\":\"", first ? "{" : ",", column_name((enum column)c)));
            for (; *text != '\0'; text++) {
                if (*text == '"' || *text == '\\')
                    ck_assert(buf_append_char(out, '\\'));
                if (*text == '\n')
                    ck_assert(buf_append_text(out, "\\n"));
                else
                    ck_assert(buf_append_char(out, *text));
            }
            ck_assert(buf_append_char(out, '"'));
            first = false;
        }
        ck_assert(buf_append_text(out, "}\n"));
    }
}

static bool count_row(void *observer, const struct checked_row *row, const struct episode *facts, uint32_t *tag)
{
    struct upload_result *out = observer;
    ck_assert_uint_eq(*tag, 0);
    ck_assert_uint_le(row->row->row_no, UPLOAD_ROWS);
    ck_assert_int_eq(__builtin_popcountll(row->failed), (int)row->finding_count);
    ck_assert_uint_eq(facts->failed, row->failed);
    out->minor[row->row->row_no - 1] = row->minor;
    out->summary.delivered++;
    out->summary.error_rows += row->has_error;
    return true;
}

static bool keep_finding(void *context, const struct finding_line *line, bool of_terms)
{
    struct upload_result *out = context;
    /* There are no contracts here; what else depends on terms is found by the standard thresholds. */
    if (line->rule == RULE_C04)
        return true;
    ck_assert_uint_lt(out->count, UPLOAD_FINDINGS);
    struct finding *f = &out->finding[out->count++];
    finding_begin(f, line->rule, line->row);
    (void)snprintf(f->field, sizeof f->field, "%s", line->field);
    (void)snprintf(f->value, sizeof f->value, "%s", line->value);
    (void)snprintf(f->note, sizeof f->note, "%s", line->note);
    ck_assert(!line->pence_known);
    if (of_terms)
        out->failed[line->row - 1] |= rule_set_of(line->rule);
    ck_assert_int_eq(line->severity, rule_get(line->rule)->severity);
    if (out->count > 1)
        ck_assert_int_le(finding_order(f[-1].row_no, f[-1].rule, f->row_no, f->rule), 0);
    return true;
}

struct kept {
    struct upload_result *out;
    size_t rows;
};

static bool keep_row(void *context, const struct episode *row)
{
    struct kept *kept = context;
    kept->out->failed[kept->rows] |= row->failed;
    kept->out->continues[kept->rows] = row->continues;
    kept->rows++;
    return true;
}

void upload_check(struct upload_result *out, const struct upload_context *x, enum upload_format format,
                  const char *bytes, size_t length, size_t piece)
{
    upload_check_mapped(out, x, format, NULL, bytes, length, piece);
}

void upload_check_mapped(struct upload_result *out, const struct upload_context *x, enum upload_format format,
                         const struct column_mapping *mapping, const char *bytes, size_t length, size_t piece)
{
    static const uint8_t key[IDENTITY_KEY_SIZE] = "of the tests";
    struct check_input input = {.context = x,
                                .format = format,
                                .mapping = mapping,
                                .identity_key = key,
                                .spool_folder = "/tmp",
                                .observer = out,
                                .on_row = count_row};
    struct check_outcome outcome;
    memset(out, 0, sizeof *out);
    struct check *c = check_new(&input);
    ck_assert_ptr_nonnull(c);
    for (size_t at = 0; at < length;) {
        size_t n = piece == 0 || piece > length - at ? length - at : piece;
        ck_assert(check_feed(c, bytes + at, n));
        at += n;
    }
    ck_assert(check_finish(c, &outcome));
    struct kept kept = {out, 0};
    struct appraisal *appraisal = appraisal_new(x->reference, x->month);
    ck_assert_ptr_nonnull(appraisal);
    ck_assert(check_each_finding(c, appraisal, keep_finding, out));
    appraisal_free(appraisal);
    ck_assert(check_each_row(c, keep_row, &kept));
    ck_assert_uint_eq(kept.rows, check_rows(c));
    out->summary.rows = outcome.rows;
    out->summary.empty_rows = outcome.empty_rows;
    out->summary.refused = outcome.refused;
    out->summary.held = outcome.held;
    check_free(c);
}

void upload_check_rows(struct upload_result *out, const struct upload_context *x, const struct upload_row *rows,
                       size_t count)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    upload_write_csv(&b, rows, count);
    upload_check(out, x, UPLOAD_CSV, b.data, b.length, 0);
    buf_free(&b);
}

size_t upload_count(const struct upload_result *r, enum rule_id rule)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->finding[i].rule == rule;
    return n;
}

const struct finding *upload_find(const struct upload_result *r, enum rule_id rule, uint32_t row_no)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->finding[i].rule == rule && r->finding[i].row_no == row_no)
            return &r->finding[i];
    }
    return NULL;
}

const char *upload_names(rule_set_t set)
{
    static char text[400];
    text[0] = '\0';
    for (int bit = 0; bit < RULE_BITS; bit++) {
        enum rule_id rule;
        size_t used = strlen(text);
        if ((set >> bit & 1) != 0 && rule_by_bit(bit, &rule))
            (void)snprintf(text + used, sizeof text - used, "%s%s", used == 0 ? "" : " ", rule_get(rule)->id);
    }
    return text;
}
