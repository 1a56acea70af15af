#include "store/statistics.h"

#include "base/buf.h"

#include <endian.h>
#include <string.h>

struct adding {
    struct pg *pg;
    const char *provider;
    int64_t submission;
    enum pg_status status;
};

static bool add_one(void *context, const char *commissioner, const struct statistics *statistics,
                    const struct bytes part[STATISTICS_PARTS])
{
    static const struct pg_statement s = {
        "statistics_add",
        "INSERT INTO reckoner.activity_statistics (provider, submission, commissioner, rows, days, stays, candidates,"
        " sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, sha256($5::bytea || $6::bytea || $7::bytea))",
        7};
    struct adding *to = context;
    struct pg_args a;
    pg_args_number(&a, to->provider, to->submission);
    pg_arg_text(&a, commissioner);
    pg_arg_i64(&a, statistics->rows);
    for (int n = 0; n < STATISTICS_PARTS; n++)
        pg_arg_bytes(&a, part[n].at, part[n].length);
    to->status = pg_run(to->pg, &s, &a, NULL);
    return to->status == PG_OK;
}

enum pg_status statistics_add(struct pg *pg, const char *provider, int64_t submission, const struct statistics_set *set)
{
    static const struct pg_statement s = {
        "statistics_add_set",
        "INSERT INTO reckoner.activity_statistics_set (provider, submission, form, rows, complete)"
        " VALUES ($1, $2, $3, $4, $5)",
        5};
    struct adding to = {pg, provider, submission, PG_OK};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, STATISTICS_FORM);
    pg_arg_i64(&a, statistics_set_rows(set));
    pg_arg_bool(&a, !statistics_set_is_over(set));
    to.status = pg_run(pg, &s, &a, NULL);
    if (to.status == PG_OK && !statistics_set_each(set, add_one, &to) && to.status == PG_OK)
        to.status = PG_FAILED;
    return to.status;
}

enum pg_status statistics_remove(struct pg *pg, const char *provider, int64_t submission)
{
    static const struct pg_statement s = {
        "statistics_remove", "DELETE FROM reckoner.activity_statistics_set WHERE provider = $1 AND submission = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_change(pg, &s, &a);
}

static bool write_lists(const struct statistics_wanted *wanted, size_t count, struct buf *numbers, struct buf *parts)
{
    bool ok = buf_append_char(numbers, '{') && buf_append_char(parts, '{');
    for (size_t i = 0; ok && i < count; i++)
        ok = buf_append_format(numbers, "%s%lld", i == 0 ? "" : ",", (long long)wanted[i].submission) &&
             buf_append_format(parts, "%s%u", i == 0 ? "" : ",", wanted[i].parts);
    return ok && buf_append_char(numbers, '}') && buf_append_char(parts, '}');
}

/* Columns: place, commissioner, days, stays, candidates; in binary. */
static void read_found(const PGresult *r, int row, struct statistics_found *f)
{
    uint64_t place = 0;
    memset(f, 0, sizeof *f);
    memcpy(&place, PQgetvalue(r, row, 0), sizeof place);
    f->place = (size_t)be64toh(place) - 1;
    f->commissioner = PQgetisnull(r, row, 1) ? NULL : PQgetvalue(r, row, 1);
    for (int n = 0; n < STATISTICS_PARTS; n++) {
        if (!PQgetisnull(r, row, 2 + n))
            f->part[n] = (struct bytes){PQgetvalue(r, row, 2 + n), (size_t)PQgetlength(r, row, 2 + n)};
    }
}

enum pg_status statistics_each(struct pg *pg, const char *provider, const char *commissioner,
                               const struct statistics_wanted *wanted, size_t count,
                               bool (*each)(void *context, const struct statistics_found *found), void *context)
{
    static const struct pg_statement s = {
        "statistics_each",
        "SELECT w.place, a.commissioner,"
        " CASE WHEN a.commissioner = $2 AND w.parts & 1 <> 0 THEN a.days END AS days,"
        " CASE WHEN a.commissioner = $2 AND w.parts & 2 <> 0 THEN a.stays END AS stays,"
        " CASE WHEN w.parts & 4 <> 0 THEN a.candidates END AS candidates"
        " FROM unnest($3::bigint[], $4::integer[]) WITH ORDINALITY AS w (submission, parts, place)"
        " JOIN reckoner.activity_statistics_set s ON s.provider = $1 AND s.submission = w.submission AND s.complete"
        "  AND s.form = $5"
        " LEFT JOIN reckoner.activity_statistics a ON a.provider = $1 AND a.submission = w.submission"
        "  AND (a.commissioner = $2 OR w.parts & 4 <> 0)"
        " ORDER BY w.place, a.commissioner",
        5};
    struct buf numbers;
    struct buf parts;
    struct pg_args a;
    PGresult *r = NULL;
    enum pg_status status = PG_FAILED;
    buf_init(&numbers, 4096);
    buf_init(&parts, 4096);
    if (write_lists(wanted, count, &numbers, &parts)) {
        pg_args_id(&a, provider, commissioner);
        pg_arg_text(&a, numbers.data);
        pg_arg_text(&a, parts.data);
        pg_arg_i64(&a, STATISTICS_FORM);
        status = pg_run_binary(pg, &s, &a, &r);
    }
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        struct statistics_found f;
        read_found(r, row, &f);
        if (f.place >= count || !each(context, &f))
            status = PG_INVALID;
    }
    PQclear(r);
    buf_free(&numbers);
    buf_free(&parts);
    return status;
}

enum pg_status statistics_each_submission(struct pg *pg, const char *provider, month_t month,
                                          bool (*each)(void *context, const struct statistics_place *place),
                                          void *context)
{
    static const struct pg_statement s = {
        "statistics_each_submission",
        "SELECT s.provider, s.no, s.month, s.version, t.submission IS NOT NULL AS made,"
        " coalesce(t.complete AND t.form = $3, false) AS complete, t.rows"
        " FROM reckoner.submission s LEFT JOIN reckoner.activity_statistics_set t"
        "  ON t.provider = s.provider AND t.submission = s.no"
        " WHERE s.state = 'accepted' AND ($1::text IS NULL OR s.provider = $1) AND ($2::date IS NULL OR s.month = $2)"
        " ORDER BY s.provider, s.month, s.version",
        3};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_month(&a, provider, month);
    pg_arg_i64(&a, STATISTICS_FORM);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        const struct statistics_place place = {pg_text(r, row, "provider"), pg_i64(r, row, "no"),
                                               pg_month(r, row, "month"),   pg_i64(r, row, "version"),
                                               pg_bool(r, row, "made"),     pg_bool(r, row, "complete"),
                                               pg_i64(r, row, "rows")};
        if (!each(context, &place))
            status = PG_INVALID;
    }
    PQclear(r);
    return status;
}

enum pg_status statistics_stored(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {
        "statistics_stored",
        "SELECT commissioner, rows, days, stays, candidates, sha256 = sha256(days || stays || candidates) AS sound"
        " FROM reckoner.activity_statistics WHERE provider = $1 AND submission = $2 ORDER BY commissioner COLLATE "
        "\"C\"",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run_binary(pg, &s, &a, result);
}
