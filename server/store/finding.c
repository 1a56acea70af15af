#include "store/finding.h"

/* Looked up row by row on purpose: just after a load the planner knows nothing of these tables yet, takes a submission
 * for a row or two, and joins them in quadratic time. A correlated look-up always goes through the whole primary key.
 */
#define SEVERITY_IN_FORCE                                                                                              \
    "coalesce(f.severity, (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider"                   \
    " AND s.submission = f.submission AND s.commissioner = f.commissioner AND s.rule = f.rule), r.severity)"
#define AMOUNT_AT_STAKE                                                                                                \
    "(SELECT k.pence FROM reckoner.stake k WHERE k.provider = f.provider AND k.submission = f.submission"              \
    " AND k.row_no = f.row_no)"

/* $1 provider, $2 submission, $3 evaluation, $4 commissioner, $5 rule, $6 severity, $7 row. */
#define FINDINGS_IN_FORCE                                                                                              \
    " FROM reckoner.finding f JOIN reckoner.rule r ON r.id = f.rule"                                                   \
    " WHERE f.provider = $1 AND f.submission = $2 AND (f.evaluation = 0 OR f.evaluation = $3)"                         \
    " AND ($4::text IS NULL OR f.commissioner = $4) AND ($5::text IS NULL OR f.rule = $5)"                             \
    " AND ($6::text IS NULL OR " SEVERITY_IN_FORCE " = $6) AND ($7::integer IS NULL OR f.row_no = $7)"

static void query_args(struct pg_args *a, const struct finding_query *q)
{
    pg_args_init(a);
    pg_arg_text(a, q->provider);
    pg_arg_i64(a, q->submission);
    pg_arg_i64(a, q->evaluation);
    pg_arg_text(a, q->commissioner);
    pg_arg_text(a, q->rule);
    pg_arg_text(a, q->severity);
    if (q->row < 0)
        pg_arg_null(a);
    else
        pg_arg_i64(a, q->row);
}

enum pg_status finding_list(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    static const struct pg_statement s = {
        "finding_list",
        "SELECT f.row_no, f.rule, " SEVERITY_IN_FORCE " AS severity, f.episode_id, f.commissioner, f.cluster, f.field,"
        " f.value, f.note, r.sentence, r.hint, " AMOUNT_AT_STAKE " AS pence" FINDINGS_IN_FORCE
        " AND (f.row_no, f.rule) > ($8::integer, $9::text) ORDER BY f.row_no, f.rule LIMIT $10",
        10};
    struct pg_args a;
    query_args(&a, q);
    pg_arg_i64(&a, q->after_row);
    pg_arg_text(&a, q->after_rule);
    pg_arg_i64(&a, q->limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status finding_summary(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    /* A finding of the file itself (row 0) has no row and no amount. */
    static const struct pg_statement s = {
        "finding_summary",
        "WITH f AS MATERIALIZED (SELECT f.row_no, f.rule, " SEVERITY_IN_FORCE " AS severity, " AMOUNT_AT_STAKE
        " AS pence" FINDINGS_IN_FORCE "), lines AS ("
        "SELECT rule, severity, count(*) AS findings, count(*) FILTER (WHERE row_no > 0) AS rows, sum(pence) AS pence,"
        " count(*) FILTER (WHERE row_no > 0 AND pence IS NULL) AS unknown_rows FROM f GROUP BY rule, severity"
        " UNION ALL SELECT NULL, severity, sum(n), count(*) FILTER (WHERE row_no > 0), sum(pence),"
        " count(*) FILTER (WHERE row_no > 0 AND pence IS NULL) FROM (SELECT severity, row_no, pence, count(*) AS n"
        " FROM f GROUP BY severity, row_no, pence) once GROUP BY severity"
        " UNION ALL SELECT NULL, NULL, coalesce(sum(n), 0), count(*) FILTER (WHERE row_no > 0), sum(pence),"
        " count(*) FILTER (WHERE row_no > 0 AND pence IS NULL) FROM (SELECT row_no, pence, count(*) AS n"
        " FROM f GROUP BY row_no, pence) once)"
        " SELECT l.rule, l.severity, r.sentence, l.findings, l.rows, l.pence::bigint AS pence,"
        " l.unknown_rows FROM lines l LEFT JOIN reckoner.rule r ON r.id = l.rule"
        " ORDER BY l.rule NULLS LAST, l.severity NULLS LAST",
        7};
    struct pg_args a;
    query_args(&a, q);
    return pg_run(pg, &s, &a, result);
}
