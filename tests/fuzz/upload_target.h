/* What the fuzz targets of both upload formats share: the input is checked whole and in pieces, and must give the same
 * rows and findings. */
#ifndef RECKONER_TESTS_FUZZ_UPLOAD_TARGET_H
#define RECKONER_TESTS_FUZZ_UPLOAD_TARGET_H

#include "domain/row_checker.h"

#include <stdlib.h>
#include <string.h>

/* A running digest of everything that was delivered. */
struct seen {
    uint64_t digest;
    uint32_t rows;
};

static void mix(struct seen *s, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        s->digest = (s->digest ^ at[i]) * 1099511628211u;
}

static void see_finding(void *context, const struct finding *f)
{
    struct seen *s = context;
    mix(s, &f->rule, sizeof f->rule);
    mix(s, &f->row_no, sizeof f->row_no);
    mix(s, f->field, strlen(f->field));
    mix(s, f->value, strlen(f->value));
    mix(s, f->note, strlen(f->note));
}

static bool see_row(void *context, const struct checked_row *row)
{
    struct seen *s = context;
    if (row->finding_count != (unsigned)__builtin_popcountll(row->failed))
        abort();
    for (int i = 0; i < COLUMN_COUNT; i++) {
        struct text t = row->row->raw->field[i];
        if (t.length > FIELD_MAXIMUM)
            abort();
        mix(s, t.at, t.length);
    }
    mix(s, &row->failed, sizeof row->failed);
    for (unsigned i = 0; i < row->finding_count; i++)
        see_finding(s, &row->findings[i]);
    s->rows++;
    return true;
}

static struct seen check_in_pieces(const uint8_t *data, size_t size, enum upload_format format,
                                   const struct column_mapping *mapping, size_t piece)
{
    static struct row_checker checker;
    static struct reference reference;
    static const char clusters[] = "code,name,super_class,review,review_unit\n04,x,A,6,month\n14,y,B,28,day\n";
    struct organisation_dates commissioner = {code_pack("01A", 3), 15796, DATE_NONE};
    struct upload_context x = {.month = 2013 * 12 + 3,
                               .provider = "RXA",
                               .provider_from = 0,
                               .provider_to = DATE_NONE,
                               .today = 15826,
                               .commissioners = &commissioner,
                               .commissioner_count = 1,
                               .reference = &reference,
                               .declared_rows = -1,
                               .accepted_rows = -1};
    struct seen seen = {14695981039346656037u, 0};
    struct row_checker_events events = {&seen, see_row, see_finding};
    struct row_summary summary;
    char error[200];
    if (!reference_load_clusters(&reference, clusters, sizeof clusters - 1, error, sizeof error))
        abort();
    row_checker_init(&checker, &x, format, &events);
    row_checker_map(&checker, mapping);
    for (size_t at = 0; at < size; at += piece)
        (void)row_checker_feed(&checker, data + at, piece < size - at ? piece : size - at);
    (void)row_checker_finish(&checker, &summary);
    if (summary.delivered != seen.rows || summary.delivered > summary.rows)
        abort();
    mix(&seen, &summary.rows, sizeof summary.rows);
    return seen;
}

static int fuzz_upload(const uint8_t *data, size_t size, enum upload_format format,
                       const struct column_mapping *mapping)
{
    struct seen whole = check_in_pieces(data, size, format, mapping, size > 0 ? size : 1);
    size_t piece = size > 0 ? 1 + data[size - 1] % 7 : 1;
    if (check_in_pieces(data, size, format, mapping, piece).digest != whole.digest)
        abort();
    return 0;
}

#endif
