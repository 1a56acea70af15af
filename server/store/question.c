#include "store/question.h"

/* clang-format off */
/* $1 provider, $2 and $3 months. */
#define CURRENT                                                                                                        \
    "WITH current AS (SELECT DISTINCT ON (s.provider, s.month) s.provider, s.no, s.id, s.month, s.evaluation"          \
    " FROM reckoner.submission s WHERE s.state = 'accepted' AND ($1::text IS NULL OR s.provider = $1)"                 \
    " AND s.month BETWEEN $2 AND $3 ORDER BY s.provider, s.month, s.version DESC)"

/* $4 commissioner, $5 rule, $6 severity, $7 cluster. The bits asked for differ by commissioner: terms change
 * severities. The cluster to look up is worked out beside them: compared with a COALESCE, it would not be looked for in
 * an index, for fear that this tells of rows that a policy hides. */
#define MASK    "bit_or(1::bigint << l.bit) AS mask"
#define CLUSTER "coalesce($7::text, '*') AS cluster"
#define LINES_ASKED_FOR                                                                                                \
    " FROM reckoner.finding_line l WHERE l.provider = c.provider AND l.submission = c.no"                              \
    " AND ($4::text IS NULL OR l.commissioner = $4) AND ($5::text IS NULL OR l.rule = $5)"                             \
    " AND ($6::text IS NULL OR l.severity = $6)"
/* clang-format on */

static void question_args(struct pg_args *a, const struct question *q)
{
    pg_args_month(a, q->provider, q->first);
    pg_arg_month(a, q->last);
    finding_filter_args(a, &q->filter);
}

/* clang-format off */
/* $8 to $12 cursor, $13 limit. Each commissioner of a submission is a line: the rows of it that come behind the cursor
 * begin at `first` where their amount is that of the cursor, which are those behind its row in its own submission, none
 * in those before it and all in those behind it. named has each rule of the line and whether it is of findings with a
 * severity of their own (+) or not (-); severities has the severity of each. */
#define PAGE_LINES                                                                                                     \
    ", lines AS MATERIALIZED (SELECT c.provider, c.no, c.id, c.month, c.evaluation, " CLUSTER ","                      \
    " CASE WHEN $12 = '' OR (c.provider, c.no) > ($9, $10::bigint) THEN 0"                                             \
    "  WHEN (c.provider, c.no) = ($9, $10::bigint) THEN $11::integer ELSE 2147483647 END AS first, l.*"                \
    " FROM current c CROSS JOIN LATERAL (SELECT l.commissioner, " MASK ","                                             \
    "  array_agg(l.rule || CASE l.bit WHEN 62 THEN '+' ELSE '-' END) AS named, array_agg(l.severity) AS severities"    \
    LINES_ASKED_FOR " GROUP BY l.commissioner OFFSET 0) l)"

/* Each list gives its own first rows, from the part in which the cursor is on: parts hold 64 rows, the last one fewer.
 * One row more than findings are asked for, as those of the cursor's row may all be behind us. The rows of parts stay
 * in order: the parts come sorted, and each is taken apart beside them. */
#define PAGE_ROWS                                                                                                      \
    ", page AS MATERIALIZED (SELECT m.*, k.row_no, k.place FROM lines m CROSS JOIN LATERAL"                            \
    " (SELECT u.row_no, u.place FROM (SELECT unnest(n.row_nos) AS row_no, unnest(n.places) AS place FROM"              \
    "  (SELECT n.row_nos, n.places FROM reckoner.finding_rank n WHERE n.provider = m.provider AND n.submission = m.no" \
    "    AND n.commissioner = m.commissioner AND n.cluster = m.cluster AND n.rules = m.mask"                           \
    "    AND (n.last_place, n.last_row) >= ($8::bigint, m.first)"                                                      \
    "   ORDER BY n.last_place, n.last_row LIMIT $13::bigint / 64 + 2) n) u"                                            \
    "  WHERE (u.place, u.row_no) >= ($8::bigint, m.first) LIMIT $13 + 1) k"                                            \
    " ORDER BY k.place, m.provider, m.no, k.row_no LIMIT $13 + 1)"

/* OFFSET 0: a row is looked up by its key, whatever the planner knows, and its severity is worked out once. Not
 * evaluation IN (0, ...): it would be looked up once for each. */
#define PAGE(pseudonym, stake)                                                                                         \
    CURRENT PAGE_LINES PAGE_ROWS                                                                                       \
    " SELECT p.place, p.provider, p.no AS submission, p.id, p.month, p.row_no, f.rule, f.severity, f.episode_id,"      \
    " p.commissioner, f.cluster, f.field, f.value, f.note, CASE WHEN p.place <= 0 THEN -p.place END AS pence, "        \
    pseudonym " AS pseudonym, f.mark FROM page p CROSS JOIN LATERAL (SELECT f.*, f.rule || f.severity AS mark FROM"    \
    "  (SELECT f.rule, p.severities[array_position(p.named, f.rule ||"                                                 \
    "    CASE WHEN f.severity IS NULL THEN '-' ELSE '+' END)] AS severity, f.episode_id, f.cluster, f.field, f.value," \
    "    f.note FROM reckoner.finding f WHERE f.provider = p.provider AND f.submission = p.no AND f.row_no = p.row_no" \
    "    AND (f.evaluation = 0 OR f.evaluation = p.evaluation) OFFSET 0) f WHERE f.severity IS NOT NULL) f" stake      \
    " WHERE $12 = '' OR (p.place, p.provider, p.no, p.row_no, f.mark) > ($8, $9, $10::bigint, $11::integer, $12)"      \
    " ORDER BY p.place, p.provider, p.no, p.row_no, f.mark LIMIT $13::bigint"
#define STAKE                                                                                                          \
    " CROSS JOIN LATERAL (SELECT k.pseudonym FROM reckoner.stake k WHERE k.provider = p.provider"                      \
    " AND k.submission = p.no AND k.row_no = p.row_no OFFSET 0) k"
/* clang-format on */

enum pg_status question_findings(struct pg *pg, const struct question *q, const struct question_cursor *after,
                                 int64_t limit, PGresult **result)
{
    static const struct pg_statement plain = {"question_findings", PAGE("NULL::text", ""), 13};
    static const struct pg_statement named = {"question_findings_by_pseudonym", PAGE("k.pseudonym", STAKE), 13};
    struct pg_args a;
    question_args(&a, q);
    pg_arg_i64(&a, after->place);
    pg_arg_text(&a, after->provider);
    pg_arg_i64(&a, after->submission);
    pg_arg_i64(&a, after->row);
    pg_arg_text(&a, after->mark);
    pg_arg_i64(&a, limit);
    return pg_run(pg, q->own_names ? &plain : &named, &a, result);
}

/* clang-format off */
/* The lines asked for have one mask in each line, and a sum of their own. */
#define SUMS(line, key, clusters, order)                                                                               \
    CURRENT ", lines AS MATERIALIZED (SELECT c.provider, c.no, c.month, l.commissioner, " line " AS line, " MASK ", "  \
    CLUSTER " FROM current c CROSS JOIN LATERAL (SELECT *" LINES_ASKED_FOR " OFFSET 0) l GROUP BY 1, 2, 3, 4, 5)"      \
    " SELECT " key " AS key, m.line, sum(p.findings)::bigint AS findings, sum(p.rows)::bigint AS rows,"                \
    " CASE WHEN sum(p.unknown_rows) < sum(p.rows) THEN sum(p.pence)::bigint END AS pence,"                             \
    " sum(p.unknown_rows)::bigint AS unknown_rows FROM lines m CROSS JOIN LATERAL (SELECT p.*"                         \
    " FROM reckoner.finding_sum p WHERE p.provider = m.provider AND p.submission = m.no"                               \
    " AND p.commissioner = m.commissioner AND p.rules = m.mask AND " clusters                                          \
    " OFFSET 0) p GROUP BY 1, 2 ORDER BY " order
#define OF_CLUSTER   "p.cluster = m.cluster"
#define EACH_CLUSTER "p.cluster <> '*' AND (m.cluster = '*' OR p.cluster = m.cluster)"
#define BY_PENCE     "pence DESC NULLS LAST, rows DESC, key"
#define BY_KEY       "key, m.line"
/* clang-format on */

enum pg_status question_sums(struct pg *pg, const struct question *q, enum question_group group, PGresult **result)
{
    static const struct pg_statement statements[] = {
        [QUESTION_TOTAL] = {"question_total", SUMS("''", "''", OF_CLUSTER, BY_KEY), 7},
        [QUESTION_BY_MONTH] = {"question_month", SUMS("''", "to_char(m.month, 'YYYY-MM')", OF_CLUSTER, BY_KEY), 7},
        [QUESTION_BY_PROVIDER] = {"question_provider", SUMS("''", "m.provider", OF_CLUSTER, BY_PENCE), 7},
        [QUESTION_BY_COMMISSIONER] = {"question_commissioner", SUMS("''", "m.commissioner", OF_CLUSTER, BY_PENCE), 7},
        [QUESTION_BY_RULE] = {"question_rule", SUMS("l.rule", "m.line", OF_CLUSTER, BY_PENCE), 7},
        [QUESTION_BY_SEVERITY] = {"question_severity", SUMS("l.severity", "m.line", OF_CLUSTER, BY_PENCE), 7},
        [QUESTION_BY_CLUSTER] = {"question_cluster", SUMS("''", "p.cluster", EACH_CLUSTER, BY_PENCE), 7},
        [QUESTION_BY_MONTH_AND_SEVERITY] = {"question_month_severity",
                                            SUMS("l.severity", "to_char(m.month, 'YYYY-MM')", OF_CLUSTER, BY_KEY), 7},
    };
    struct pg_args a;
    question_args(&a, q);
    return pg_run(pg, &statements[group], &a, result);
}

enum pg_status question_rows(struct pg *pg, const struct question *q, PGresult **result)
{
    static const struct pg_statement s = {
        "question_rows",
        CURRENT " SELECT to_char(c.month, 'YYYY-MM') AS key, count(DISTINCT c.provider) AS providers,"
                " sum(p.rows)::bigint AS rows FROM current c CROSS JOIN LATERAL (SELECT p.rows"
                " FROM reckoner.finding_pattern p WHERE p.provider = c.provider AND p.submission = c.no"
                " AND ($4::text IS NULL OR p.commissioner = $4) AND ($5::text IS NULL OR p.cluster = $5) OFFSET 0) p"
                " GROUP BY 1 ORDER BY 1",
        5};
    struct pg_args a;
    pg_args_month(&a, q->provider, q->first);
    pg_arg_month(&a, q->last);
    pg_arg_text(&a, q->filter.commissioner);
    pg_arg_text(&a, q->filter.cluster);
    return pg_run(pg, &s, &a, result);
}

enum pg_status question_practices(struct pg *pg, const char *provider, month_t month, const char *commissioner,
                                  const char *line, const struct practice_cursor *after, int64_t limit,
                                  PGresult **result)
{
    static const struct pg_statement s = {
        "question_practices",
        CURRENT ", found AS (SELECT c.id, p.commissioner, p.practice, p.patients, p.rows, p.pence, p.unknown_rows,"
                " p.withheld, CASE WHEN p.practice = '' THEN -9223372036854775807 ELSE -coalesce(p.pence, -1) END AS"
                " place FROM current c CROSS JOIN LATERAL (SELECT * FROM reckoner.finding_practice p"
                " WHERE p.provider = c.provider AND p.submission = c.no AND p.line = $5"
                " AND ($4::text IS NULL OR p.commissioner = $4) OFFSET 0) p)"
                " SELECT * FROM found WHERE (place, commissioner, practice) > ($6::bigint, $7, $8)"
                " ORDER BY place, commissioner, practice LIMIT $9",
        9};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    pg_arg_month(&a, month);
    pg_arg_text(&a, commissioner);
    pg_arg_text(&a, line);
    pg_arg_i64(&a, after->place);
    pg_arg_text(&a, after->commissioner);
    pg_arg_text(&a, after->practice);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}
