#include "store/difference.h"

#include <string.h>

enum pg_status difference_clear(struct pg *pg, const char *provider, int64_t submission)
{
    static const struct pg_statement s = {"difference_clear",
                                          "DELETE FROM reckoner.difference WHERE provider = $1 AND submission = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status difference_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.difference (provider, submission, commissioner, episode_id, against, kind,"
                         " row_no, against_row, changed, before_pence, after_pence) FROM STDIN (FORMAT binary)",
                         copy);
}

static void put_row(struct pg_copy *copy, int32_t row)
{
    if (row == 0)
        pg_copy_null(copy);
    else
        pg_copy_i32(copy, row);
}

static void put_pence(struct pg_copy *copy, bool known, int64_t pence)
{
    if (known)
        pg_copy_i64(copy, pence);
    else
        pg_copy_null(copy);
}

void difference_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int64_t against,
                         const struct difference *d)
{
    pg_copy_row(copy, 11);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_string(copy, d->commissioner);
    pg_copy_string(copy, d->episode_id);
    pg_copy_i64(copy, against);
    pg_copy_string(copy, d->row_no == 0 ? "removed" : d->against_row == 0 ? "added" : "changed");
    put_row(copy, d->row_no);
    put_row(copy, d->against_row);
    pg_copy_string(copy, d->changed);
    put_pence(copy, d->before_known, d->before_pence);
    put_pence(copy, d->after_known, d->after_pence);
}

static void query_args(struct pg_args *a, const struct difference_query *q)
{
    pg_args_number(a, q->provider, q->submission);
    pg_arg_text(a, q->commissioner);
    pg_arg_text(a, q->kind);
}

#define CHOSEN                                                                                                         \
    " WHERE d.provider = $1 AND d.submission = $2 AND ($3::text IS NULL OR d.commissioner = $3)"                       \
    " AND ($4::text IS NULL OR d.kind = $4)"
/* A fact of both versions. */
#define BOTH(fact) ", o." fact " AS before_" fact ", n." fact " AS after_" fact

enum pg_status difference_list(struct pg *pg, const struct difference_query *q, PGresult **result)
{
    static const struct pg_statement s = {
        "difference_list",
        "SELECT d.commissioner, d.episode_id, d.kind, d.row_no, d.against_row, d.changed, d.before_pence,"
        " d.after_pence" BOTH("cluster") BOTH("service") BOTH("start_date") BOTH("end_date") BOTH("mhct_date")
            BOTH("mhct_reason") BOTH("referral_date") BOTH("last_contact") BOTH("admitted_days") BOTH("assessment_only")
                BOTH("approved") BOTH("minor") BOTH("continues")
                    BOTH("failed") " FROM reckoner.difference d"
                                   " LEFT JOIN LATERAL (SELECT * FROM reckoner.episode e WHERE e.provider = d.provider"
                                   "  AND e.submission = d.submission AND e.row_no = d.row_no) n ON true"
                                   " LEFT JOIN LATERAL (SELECT * FROM reckoner.episode e WHERE e.provider = d.provider"
                                   "  AND e.submission = d.against AND e.row_no = d.against_row) o ON true" CHOSEN
                                   " AND (d.commissioner, d.episode_id) > ($5, $6) ORDER BY d.commissioner, "
                                   "d.episode_id LIMIT $7",
        7};
    struct pg_args a;
    query_args(&a, q);
    pg_arg_text(&a, q->after_commissioner);
    pg_arg_text(&a, q->after_episode);
    pg_arg_i64(&a, q->limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status difference_summary(struct pg *pg, const struct difference_query *q, PGresult **result)
{
    static const struct pg_statement s = {
        "difference_summary",
        "SELECT d.kind, count(*) AS rows,"
        " (sum(d.before_pence) FILTER (WHERE d.after_pence IS NOT NULL))::bigint AS before_pence,"
        " (sum(d.after_pence) FILTER (WHERE d.before_pence IS NOT NULL))::bigint AS after_pence,"
        " count(*) FILTER (WHERE d.before_pence IS NULL OR d.after_pence IS NULL) AS unknown_rows"
        " FROM reckoner.difference d" CHOSEN " GROUP BY d.kind ORDER BY d.kind",
        4};
    struct pg_args a;
    query_args(&a, q);
    return pg_run(pg, &s, &a, result);
}
