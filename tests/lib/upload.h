/* Small uploads for tests: rows as texts, written as CSV or NDJSON, checked, and what was found. */
#ifndef RECKONER_TESTS_UPLOAD_H
#define RECKONER_TESTS_UPLOAD_H

#include "base/buf.h"
#include "check/check.h"

#define UPLOAD_TEXT     64
#define UPLOAD_ROWS     200
#define UPLOAD_FINDINGS 4000

struct upload_row {
    char field[COLUMN_COUNT][UPLOAD_TEXT];
};

/* What a pass found: sets per row (index row_no - 1), rules across rows included, and the file's findings. */
struct upload_result {
    struct row_summary summary;
    rule_set_t failed[UPLOAD_ROWS];
    bool continues[UPLOAD_ROWS];
    bool minor[UPLOAD_ROWS];
    size_t count;
    struct finding finding[UPLOAD_FINDINGS]; /* in canonical order */
};

/* clusters.csv and bank_holidays.csv from config/, three made-up practices, a made-up grid for cluster 04 (h7: 1 to 4,
 * expected 2 to 3; sb: expected 0 to 2) and 07 (h7: 3 to 4). Freed with reference_free. */
void upload_reference(struct reference *r);
/* Provider RXA, April 2013, commissioners 01A and 02B live from 2013-04-01, 5QE until then. */
void upload_context(struct upload_context *x, const struct reference *r);
/* A row of April 2013 without a finding: open, cluster 04, started 2013-03-20; n makes ids and NHS number its own. */
void upload_row_clean(struct upload_row *row, unsigned n);
/* A valid NHS number of the 999 range. */
void upload_nhs_number(unsigned n, char out[11]);

void upload_write_csv(struct buf *out, const struct upload_row *rows, size_t count);
void upload_write_ndjson(struct buf *out, const struct upload_row *rows, size_t count);

/* Checks a whole file, fed in pieces of `piece` bytes (0: all at once), rules across rows included. */
void upload_check(struct upload_result *out, const struct upload_context *x, enum upload_format format,
                  const char *bytes, size_t length, size_t piece);
/* The same with the sender's own column names. */
void upload_check_mapped(struct upload_result *out, const struct upload_context *x, enum upload_format format,
                         const struct column_mapping *mapping, const char *bytes, size_t length, size_t piece);
/* The same for rows written as CSV. */
void upload_check_rows(struct upload_result *out, const struct upload_context *x, const struct upload_row *rows,
                       size_t count);

/* Findings of a rule, in all or of one row. */
size_t upload_count(const struct upload_result *r, enum rule_id rule);
const struct finding *upload_find(const struct upload_result *r, enum rule_id rule, uint32_t row_no);
/* "P01 K05", for messages; static buffer. */
const char *upload_names(rule_set_t set);

#endif
