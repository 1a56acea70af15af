#include "store/line_row.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "e.row_no, e.episode_id, e.commissioner, e.cluster, e.service, e.start_date, e.end_date, e.mhct_date,"             \
    " e.referral_date, e.last_contact, e.mhct_reason, e.admitted_days, e.assessment_only, e.continues, e.approved,"    \
    " e.minor, e.failed"

/* $1 provider, $2 run, $3 month, $4 submission, $5 commissioner, $6 cluster, $7 after, $8 limit. */
#define FACTS COLUMNS ", c.cluster AS decided_cluster, c.payable_days, coalesce(c.not_payable, false) AS not_payable"

#define CHANGED                                                                                                        \
    " LEFT JOIN reckoner.run_row c ON c.provider = $1 AND c.run = $2 AND c.month = $3 AND c.row_no = e.row_no"

/* Rows sent with the commissioner, then those moved to it; each set by itself, in order, so that a page reads no more
 * than it shows. A pseudonym is the commissioner's that the row was sent with. */
#define PAGE(earned)                                                                                                   \
    "WITH found AS ((SELECT " FACTS " FROM reckoner.episode e" CHANGED                                                 \
    "   WHERE e.provider = $1 AND e.submission = $4 AND e.commissioner = $5 AND e.row_no > $7"                         \
    "   AND coalesce(c.cluster, e.cluster) = $6 AND coalesce(c.here, true)" earned " ORDER BY e.row_no LIMIT $8)"      \
    "  UNION ALL (SELECT " FACTS " FROM reckoner.run_moved_rows($1, $2, $3) e" CHANGED                                 \
    "   WHERE e.row_no > $7 AND coalesce(c.cluster, e.cluster) = $6" earned " ORDER BY e.row_no LIMIT $8))"            \
    " SELECT f.*, k.pseudonym FROM found f LEFT JOIN LATERAL (SELECT k.pseudonym FROM reckoner.stake k"                \
    "  WHERE k.provider = $1 AND k.submission = $4 AND k.row_no = f.row_no AND f.commissioner = $5 LIMIT 1) k ON true" \
    " ORDER BY f.row_no LIMIT $8"

static const struct pg_statement select_rows = {.name = "line_rows_page", .sql = PAGE(""), .parameters = 8};

static const struct pg_statement select_earned = {
    .name = "line_rows_earned",
    .sql = PAGE(" AND e.row_no IN (SELECT n::integer FROM reckoner.run_input i JOIN reckoner.earned_rows x"
                " ON x.provider = i.provider AND x.sha256 = i.earned CROSS JOIN LATERAL string_to_table(x.rows, ',') n"
                " WHERE i.provider = $1 AND i.run = $2 AND i.month = $3)"),
    .parameters = 8,
};

enum pg_status line_rows_page(struct pg *pg, const struct line_rows *q, int64_t after, int64_t limit, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, q->provider, q->run);
    pg_arg_month(&a, q->month);
    pg_arg_i64(&a, q->submission);
    pg_arg_text(&a, q->commissioner);
    pg_arg_text(&a, q->cluster);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, q->assessments ? &select_earned : &select_rows, &a, result);
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
    /* Looked up one by one on purpose: of a submission that was just loaded the planner knows nothing, and would read
     * it whole. */
    static const struct pg_statement s = {
        "line_rows_some",
        "SELECT " COLUMNS " FROM unnest($4::integer[]) WITH ORDINALITY AS n (row_no, place),"
        " LATERAL (SELECT * FROM reckoner.episode x WHERE x.provider = $1 AND x.submission = $2 AND x.row_no = n.row_no"
        "  OFFSET 0) e"
        " WHERE $3::text IS NULL OR e.commissioner = $3 ORDER BY n.place",
        4};
    struct buf numbers;
    struct pg_args a;
    enum pg_status status = PG_FAILED;
    *result = NULL;
    buf_init(&numbers, 16 * (count + 1));
    if (write_numbers(row_no, count, &numbers)) {
        pg_args_number(&a, provider, submission);
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

void line_row_counted(const PGresult *r, int row, struct row_change *out)
{
    memset(out, 0, sizeof *out);
    line_row_read(r, row, &out->row);
    out->is_here = true;
    out->cluster =
        pg_is_null(r, row, "decided_cluster") ? -1 : (int16_t)cluster_index(pg_text(r, row, "decided_cluster"));
    out->payable_days = pg_is_null(r, row, "payable_days") ? -1 : (int32_t)pg_i64(r, row, "payable_days");
    out->not_payable = pg_bool(r, row, "not_payable");
}
