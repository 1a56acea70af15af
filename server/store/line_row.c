#include "store/line_row.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "e.row_no, e.episode_id, e.commissioner, e.cluster, e.service, e.start_date, e.end_date, e.mhct_date,"             \
    " e.referral_date, e.last_contact, e.mhct_reason, e.admitted_days, e.assessment_only, e.continues, e.approved,"    \
    " e.minor, e.failed"

static const struct pg_statement select_rows = {
    .name = "line_rows_page",
    .sql = "SELECT " COLUMNS ", k.pseudonym"
           " FROM reckoner.episode e LEFT JOIN LATERAL (SELECT k.pseudonym FROM reckoner.stake k"
           "  WHERE k.provider = e.provider AND k.submission = e.submission AND k.row_no = e.row_no LIMIT 1) k ON true"
           " WHERE e.provider = $1 AND e.submission = $2 AND e.commissioner = $3 AND e.cluster = $4 AND e.row_no > $5"
           " ORDER BY e.row_no LIMIT $6",
    .parameters = 6,
};

enum pg_status line_rows_page(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              const char *cluster, int64_t after, int64_t limit, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_arg_i64(&a, submission);
    pg_arg_text(&a, commissioner);
    pg_arg_text(&a, cluster);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &select_rows, &a, result);
}

static bool write_numbers(const int32_t *row_no, size_t count, struct buf *out)
{
    bool ok = buf_append_char(out, '{');
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || buf_append_char(out, ',')) && buf_append_i64(out, row_no[i]);
    return ok && buf_append_char(out, '}');
}

enum pg_status line_rows_some(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              const int32_t *row_no, size_t count, PGresult **result)
{
    static const struct pg_statement s = {
        "line_rows_some",
        "SELECT " COLUMNS " FROM unnest($4::integer[]) WITH ORDINALITY AS n (row_no, place)"
        " JOIN reckoner.episode e ON e.provider = $1 AND e.submission = $2 AND e.row_no = n.row_no"
        " WHERE $3::text IS NULL OR e.commissioner = $3 ORDER BY n.place",
        4};
    struct buf numbers;
    struct pg_args a;
    enum pg_status status = PG_FAILED;
    *result = NULL;
    buf_init(&numbers, 16 * (count + 1));
    if (write_numbers(row_no, count, &numbers)) {
        pg_args_init(&a);
        pg_arg_text(&a, provider);
        pg_arg_i64(&a, submission);
        pg_arg_text(&a, commissioner);
        pg_arg_text(&a, numbers.data);
        status = pg_run(pg, &s, &a, result);
    }
    buf_free(&numbers);
    return status;
}

void line_row_read(const PGresult *r, int row, struct episode *out)
{
    memset(out, 0, sizeof *out);
    out->row_no = (int32_t)pg_i64(r, row, "row_no");
    (void)snprintf(out->episode_id, sizeof out->episode_id, "%s", pg_text(r, row, "episode_id"));
    (void)snprintf(out->commissioner, sizeof out->commissioner, "%s", pg_text(r, row, "commissioner"));
    (void)snprintf(out->cluster, sizeof out->cluster, "%s", pg_text(r, row, "cluster"));
    (void)snprintf(out->service, sizeof out->service, "%s", pg_text(r, row, "service"));
    out->start_date = pg_date(r, row, "start_date");
    out->end_date = pg_date(r, row, "end_date");
    out->mhct_date = pg_date(r, row, "mhct_date");
    out->referral_date = pg_date(r, row, "referral_date");
    out->last_contact = pg_date(r, row, "last_contact");
    out->mhct_reason = (int16_t)pg_i64(r, row, "mhct_reason");
    out->admitted_days = (int16_t)pg_i64(r, row, "admitted_days");
    out->assessment_only = pg_bool(r, row, "assessment_only");
    out->continues = pg_bool(r, row, "continues");
    out->approved = pg_bool(r, row, "approved");
    out->minor = pg_bool(r, row, "minor");
    out->failed = (uint64_t)pg_i64(r, row, "failed");
}
