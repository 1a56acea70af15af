#include "store/finding_known.h"

#include "store/finding_severity.h"

/* clang-format off */
#define EVALUATION_THEN(at)                                                                                            \
    "coalesce((SELECT max(e.evaluation) FROM reckoner.evaluated e WHERE e.provider = s.provider"                       \
    " AND e.submission = s.no AND e.evaluated_at <= " at "), 0) AS evaluation"
#define ACCEPTED_BY(at) "s.state = 'accepted' AND greatest(s.confirmed_at, s.validated_at) <= " at

/* $1 provider, $2 and $3 months, $4 instant. */
#define KNOWN                                                                                                          \
    "WITH known AS (SELECT DISTINCT ON (s.provider, s.month) s.provider, s.no, s.id, s.month, s.version, "             \
    EVALUATION_THEN("$4") " FROM reckoner.submission s WHERE " ACCEPTED_BY("$4")                                       \
    " AND ($1::text IS NULL OR s.provider = $1) AND s.month BETWEEN $2 AND $3"                                         \
    " ORDER BY s.provider, s.month, s.version DESC)"

/* $5 commissioner, $6 rule, $7 severity, $8 cluster. A row may fail D09 twice, once with a severity of its own. */
#define FOUND                                                                                                          \
    " FROM reckoner.finding f CROSS JOIN LATERAL (SELECT " SEVERITY_THEN("k.evaluation") " AS held) h"                 \
    " CROSS JOIN LATERAL (SELECT f.rule || h.held || (f.severity IS NOT NULL)::integer AS mark) m"                     \
    " WHERE f.provider = k.provider AND f.submission = k.no AND (f.evaluation = 0 OR f.evaluation = k.evaluation)"     \
    " AND f.row_no > 0"                                                                                                \
    " AND ($5::text IS NULL OR f.commissioner = $5) AND ($6::text IS NULL OR f.rule = $6)"                             \
    " AND ($7::text IS NULL OR h.held = $7) AND ($8::text IS NULL OR f.cluster = $8)"

/* $1 provider, $2 submission, $3 instant, $4 rule, $5 severity, $6 to $7 rows. */
#define SUMMARY                                                                                                        \
    "WITH k AS MATERIALIZED (SELECT s.provider, s.no, " EVALUATION_THEN("$3") " FROM reckoner.submission s"            \
    " WHERE s.provider = $1 AND s.id = $2 AND " ACCEPTED_BY("$3") "),"                                                 \
    " found AS MATERIALIZED (SELECT f.rule, h.held AS severity, f.row_no FROM k JOIN reckoner.finding f"               \
    "  ON f.provider = k.provider AND f.submission = k.no AND (f.evaluation = 0 OR f.evaluation = k.evaluation)"       \
    "  CROSS JOIN LATERAL (SELECT " SEVERITY_THEN("k.evaluation") " AS held) h"                                        \
    "  WHERE f.row_no BETWEEN $6::integer AND $7::integer AND ($4::text IS NULL OR f.rule = $4)"                       \
    "  AND ($5::text IS NULL OR h.held = $5)),"                                                                        \
    " lines AS (SELECT rule, severity, count(*) AS findings,"                                                          \
    "  count(DISTINCT row_no) FILTER (WHERE row_no > 0) AS rows FROM found"                                            \
    "  GROUP BY GROUPING SETS ((rule, severity), (severity), ()))"                                                     \
    " SELECT l.rule, l.severity, l.findings, l.rows, NULL::bigint AS pence, l.rows AS unknown_rows, k.evaluation"      \
    " FROM k CROSS JOIN lines l ORDER BY l.rule NULLS LAST, l.severity NULLS LAST"
/* clang-format on */

static void known_args(struct pg_args *a, const struct question *q)
{
    pg_args_month(a, q->provider, q->first);
    pg_arg_month(a, q->last);
    pg_arg_instant(a, q->known_at);
    finding_filter_args(a, &q->filter);
}

enum pg_status question_findings_known(struct pg *pg, const struct question *q, const struct question_cursor *after,
                                       int64_t limit, PGresult **result)
{
    /* Each submission gives whole rows, enough for the page, from the cursor's row on where it is the cursor's. */
    static const struct pg_statement s = {
        "question_findings_known",
        KNOWN " SELECT 0 AS place, k.provider, k.no AS submission, k.id, k.month, f.row_no, f.rule, f.held AS severity,"
              " f.episode_id, f.commissioner, f.cluster, f.field, f.value, f.note, NULL::bigint AS pence,"
              " NULL::text AS pseudonym, f.mark FROM known k CROSS JOIN LATERAL (SELECT f.row_no, f.rule, h.held,"
              " f.episode_id, f.commissioner, f.cluster, f.field, f.value, f.note, m.mark" FOUND
              " AND f.row_no >= CASE WHEN (k.provider, k.no) = ($9, $10::bigint) THEN $11::integer ELSE 1 END"
              " AND ((k.provider, k.no) > ($9, $10::bigint) OR (f.row_no, m.mark) > ($11::integer, $12))"
              " ORDER BY f.row_no FETCH FIRST ($13::bigint) ROWS WITH TIES) f"
              " WHERE (k.provider, k.no) >= ($9, $10::bigint)"
              " ORDER BY k.provider, k.no, f.row_no, f.mark LIMIT $13::bigint",
        13};
    struct pg_args a;
    known_args(&a, q);
    pg_arg_text(&a, after->provider);
    pg_arg_i64(&a, after->submission);
    pg_arg_i64(&a, after->row);
    pg_arg_text(&a, after->mark);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

#define ROWS "count(DISTINCT (k.provider, k.no, f.row_no))"
#define SUMS(key, line, order)                                                                                         \
    KNOWN " SELECT " key " AS key, " line " AS line, count(*) AS findings, " ROWS                                      \
          " AS rows, NULL::bigint AS pence, " ROWS                                                                     \
          " AS unknown_rows FROM known k CROSS JOIN LATERAL (SELECT f.*, h.held" FOUND                                 \
          " OFFSET 0) f GROUP BY 1, 2 ORDER BY " order

enum pg_status question_sums_known(struct pg *pg, const struct question *q, enum question_group group,
                                   PGresult **result)
{
    static const struct pg_statement statements[] = {
        [QUESTION_TOTAL] = {"question_total_known", SUMS("''", "''", "key"), 8},
        [QUESTION_BY_MONTH] = {"question_month_known", SUMS("to_char(k.month, 'YYYY-MM')", "''", "key"), 8},
        [QUESTION_BY_PROVIDER] = {"question_provider_known", SUMS("k.provider", "''", "rows DESC, key"), 8},
        [QUESTION_BY_COMMISSIONER] = {"question_commissioner_known", SUMS("f.commissioner", "''", "rows DESC, key"), 8},
        [QUESTION_BY_RULE] = {"question_rule_known", SUMS("f.rule", "''", "rows DESC, key"), 8},
        [QUESTION_BY_SEVERITY] = {"question_severity_known", SUMS("f.held", "''", "rows DESC, key"), 8},
        [QUESTION_BY_CLUSTER] = {"question_cluster_known", SUMS("f.cluster", "''", "rows DESC, key"), 8},
        [QUESTION_BY_MONTH_AND_SEVERITY] = {"question_month_severity_known",
                                            SUMS("to_char(k.month, 'YYYY-MM')", "f.held", "key, line"), 8},
    };
    struct pg_args a;
    if (group >= sizeof statements / sizeof statements[0])
        return PG_INVALID;
    known_args(&a, q);
    return pg_run(pg, &statements[group], &a, result);
}

enum pg_status question_rows_known(struct pg *pg, const struct question *q, PGresult **result)
{
    /* Rows of a submission never change. The first evaluation counts them; before it they are counted here. */
    static const struct pg_statement s = {
        "question_rows_known",
        KNOWN " SELECT to_char(k.month, 'YYYY-MM') AS key, count(DISTINCT k.provider) AS providers,"
              " sum(n.rows)::bigint AS rows FROM known k CROSS JOIN LATERAL (SELECT coalesce("
              " (SELECT sum(p.rows) FROM reckoner.finding_pattern p WHERE p.provider = k.provider"
              "  AND p.submission = k.no AND ($5::text IS NULL OR p.commissioner = $5)"
              "  AND ($6::text IS NULL OR p.cluster = $6)),"
              " (SELECT count(*) FROM reckoner.episode e WHERE e.provider = k.provider AND e.submission = k.no"
              "  AND ($5::text IS NULL OR e.commissioner = $5) AND ($6::text IS NULL OR e.cluster = $6))) AS rows"
              " OFFSET 0) n WHERE n.rows > 0 GROUP BY 1 ORDER BY 1",
        6};
    struct pg_args a;
    pg_args_month(&a, q->provider, q->first);
    pg_arg_month(&a, q->last);
    pg_arg_instant(&a, q->known_at);
    pg_arg_text(&a, q->filter.commissioner);
    pg_arg_text(&a, q->filter.cluster);
    return pg_run(pg, &s, &a, result);
}

enum pg_status finding_summary_known(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    static const struct pg_statement s = {"finding_summary_known", SUMMARY, 7};
    struct pg_args a;
    pg_args_id(&a, q->provider, q->id);
    pg_arg_instant(&a, q->known_at);
    pg_arg_text(&a, q->rule);
    pg_arg_text(&a, q->severity);
    pg_arg_i64(&a, q->row < 0 ? 0 : q->row);
    pg_arg_i64(&a, q->row < 0 ? INT32_MAX : q->row);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status export_submissions_known(struct pg *pg, const char *provider, month_t first, month_t last,
                                        instant_t known_at, PGresult **result)
{
    static const struct pg_statement s = {
        "export_submissions_known", KNOWN " SELECT no, id, month, version, evaluation FROM known ORDER BY month", 4};
    struct pg_args a;
    pg_args_month(&a, provider, first);
    pg_arg_month(&a, last);
    pg_arg_instant(&a, known_at);
    return pg_run(pg, &s, &a, result);
}
