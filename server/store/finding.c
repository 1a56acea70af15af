#include "store/finding.h"

#include "store/finding_severity.h"

#include <stdlib.h>
#include <string.h>

/* $3 is 0 before the first evaluation: nothing has an amount yet. */
#define AMOUNT_AT_STAKE                                                                                                \
    "CASE WHEN $3 > 0 THEN (SELECT k.pence FROM reckoner.stake k WHERE k.provider = f.provider"                        \
    " AND k.submission = f.submission AND k.row_no = f.row_no) END"

/* $1 provider, $2 submission, $3 evaluation, $4 commissioner, $5 rule, $6 severity, $7 the rules that have it by
 * default. */
#define FINDINGS_IN_FORCE                                                                                              \
    " FROM reckoner.finding f WHERE f.provider = $1 AND f.submission = $2"                                             \
    " AND (f.evaluation = 0 OR f.evaluation = $3::integer) AND ($4::text IS NULL OR f.commissioner = $4)"              \
    " AND ($5::text IS NULL OR f.rule = $5)"                                                                           \
    " AND ($6::text IS NULL OR coalesce(" SEVERITY_OF_TERMS " = $6, strpos($7, f.rule) > 0))"

#define RULE_ID_SIZE 3

/* Place within the row: by the table of rules, then whether the finding has its own severity. A rule that only a newer
 * version knows comes first. The same as finding_page (migrations/0048) works out for the row of a cursor. */
static int64_t place_in_row(const struct finding_place *p)
{
    return 2 * ((int64_t)p->rule * RULE_ID_SIZE + 1) + (p->own_severity ? 1 : 0);
}

/* The ids of the rules of a default severity, one behind the other. */
static void rules_by_default(const char *severity, char out[RULE_COUNT * RULE_ID_SIZE + 1])
{
    enum severity wanted;
    size_t n = 0;
    bool known = severity != NULL && severity_by_name(severity, &wanted);
    for (int i = 0; known && i < RULE_COUNT; i++) {
        const struct rule *rule = rule_get((enum rule_id)i);
        if (rule->severity != wanted)
            continue;
        memcpy(out + n, rule->id, RULE_ID_SIZE);
        n += RULE_ID_SIZE;
    }
    out[n] = '\0';
}

/* $1 to $7. rules must live as long as a. */
static void query_args(struct pg_args *a, const struct finding_query *q, char rules[RULE_COUNT * RULE_ID_SIZE + 1])
{
    rules_by_default(q->severity, rules);
    pg_args_number(a, q->provider, q->submission);
    pg_arg_i64(a, q->evaluation);
    pg_arg_text(a, q->commissioner);
    pg_arg_text(a, q->rule);
    pg_arg_text(a, q->severity);
    pg_arg_text(a, rules);
}

static int64_t place_of(const PGresult *result, int row)
{
    struct finding_place p = {.own_severity = pg_bool(result, row, "own_severity")};
    if (!rule_by_name(pg_text(result, row, "rule"), &p.rule))
        return p.own_severity ? 1 : 0;
    return place_in_row(&p);
}

/* Puts the findings of each row, which come together, into their order. */
static enum pg_status order_page(struct finding_page *page, int64_t limit)
{
    int count = PQntuples(page->result);
    page->at = calloc((size_t)count, sizeof *page->at);
    int64_t *places = calloc((size_t)count, sizeof *places);
    bool ok = page->at != NULL && places != NULL;
    int64_t row_before = -1;
    for (int i = 0, first = 0; ok && i < count; i++) {
        int64_t row = pg_i64(page->result, i, "row_no");
        if (row != row_before)
            first = i;
        row_before = row;
        int64_t place = place_of(page->result, i);
        int to = i;
        for (; to > first && places[to - 1] > place; to--) {
            places[to] = places[to - 1];
            page->at[to] = page->at[to - 1];
        }
        places[to] = place;
        page->at[to] = i;
    }
    free(places);
    page->count = count < limit ? count : (int)limit;
    return ok ? PG_OK : PG_FAILED;
}

enum pg_status finding_list(struct pg *pg, const struct finding_query *q, struct finding_page *page)
{
    static const struct pg_statement s = {
        "finding_list", "SELECT * FROM reckoner.finding_page($1, $2, $3, $4, $5, '" RULES_IN_ORDER "', $6, $7, $8, $9)",
        9};
    static const struct pg_statement known = {"finding_list_as_known",
                                              "SELECT * FROM reckoner.finding_page_as_known($1, $2, $10, $3, $4, $5,"
                                              " '" RULES_IN_ORDER "', $6, $7, $8, $9)",
                                              10};
    bool as_known = q->known_at != INSTANT_NONE;
    struct pg_args a;
    char rules[RULE_COUNT * RULE_ID_SIZE + 1];
    /* A filter by row is a range of the key too, so that the key leads to it whatever plan is taken. */
    bool at_cursor = q->after.row >= 0 && q->after.row >= q->row;
    memset(page, 0, sizeof *page);
    rules_by_default(q->severity, rules);
    pg_args_id(&a, q->provider, q->id);
    pg_arg_text(&a, q->rule);
    pg_arg_text(&a, q->severity);
    pg_arg_text(&a, rules);
    pg_arg_i64(&a, at_cursor ? q->after.row : q->row < 0 ? 0 : q->row);
    pg_arg_i64(&a, q->row < 0 ? INT32_MAX : q->row);
    pg_arg_i64(&a, at_cursor ? place_in_row(&q->after) : -1);
    pg_arg_i64(&a, q->limit);
    if (as_known)
        pg_arg_instant(&a, q->known_at);
    enum pg_status status = pg_run_one(pg, as_known ? &known : &s, &a, &page->result);
    if (status != PG_OK)
        return status;
    page->evaluation = pg_i64(page->result, 0, "evaluation");
    page->state = pg_text(page->result, 0, "state");
    page->read_to = pg_is_null(page->result, 0, "read_to") ? -1 : pg_i64(page->result, 0, "read_to");
    if (!pg_is_null(page->result, 0, "row_no"))
        status = order_page(page, q->limit);
    if (status != PG_OK)
        finding_page_free(page);
    return status;
}

struct finding_place finding_row_end(int64_t row)
{
    return (struct finding_place){.row = row, .rule = (enum rule_id)(RULE_COUNT - 1), .own_severity = true};
}

void finding_page_free(struct finding_page *page)
{
    PQclear(page->result);
    free(page->at);
    memset(page, 0, sizeof *page);
}

#define LINE_ORDER " ORDER BY rule NULLS LAST, severity NULLS LAST"

/* From the findings themselves: of one row, or before the first evaluation has counted them. */
static enum pg_status summary_of_findings(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    /* A finding of the file itself (row 0) has no row and no amount. */
    static const struct pg_statement s = {
        "finding_summary_of_findings",
        "WITH f AS MATERIALIZED (SELECT f.row_no, f.rule, " SEVERITY_IN_FORCE " AS severity, " AMOUNT_AT_STAKE
        " AS pence" FINDINGS_IN_FORCE " AND f.row_no BETWEEN $8::integer AND $9::integer),"
        " once AS (SELECT rule, severity, row_no, pence, count(*) AS n FROM f"
        " GROUP BY GROUPING SETS ((rule, severity, row_no, pence), (severity, row_no, pence), (row_no, pence)))"
        " SELECT rule, severity, sum(n)::bigint AS findings, count(*) FILTER (WHERE row_no > 0) AS rows,"
        " sum(pence)::bigint AS pence, count(*) FILTER (WHERE row_no > 0 AND pence IS NULL) AS unknown_rows"
        " FROM once GROUP BY rule, severity"
        " UNION ALL SELECT NULL, NULL, 0, 0, NULL, 0 WHERE NOT EXISTS (SELECT FROM f)" LINE_ORDER,
        9};
    struct pg_args a;
    char rules[RULE_COUNT * RULE_ID_SIZE + 1];
    query_args(&a, q, rules);
    pg_arg_i64(&a, q->row < 0 ? 0 : q->row);
    pg_arg_i64(&a, q->row < 0 ? INT32_MAX : q->row);
    return pg_run(pg, &s, &a, result);
}

/* From what evaluation counted: in each line of a commissioner there is one mask, which has its sum. */
static enum pg_status summary_of_sums(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    static const struct pg_statement s = {
        "finding_summary_of_sums",
        "WITH masks AS MATERIALIZED (SELECT l.commissioner, l.rule, l.severity, bit_or(1::bigint << l.bit) AS mask"
        " FROM reckoner.finding_line l WHERE l.provider = $1 AND l.submission = $2"
        " AND ($4::text IS NULL OR l.commissioner = $4) AND ($5::text IS NULL OR l.rule = $5)"
        " AND ($6::text IS NULL OR l.severity = $6)"
        " GROUP BY GROUPING SETS ((l.commissioner, l.rule, l.severity), (l.commissioner, l.severity),"
        " (l.commissioner))),"
        " lines AS (SELECT m.rule, m.severity, sum(p.findings) AS findings, sum(p.rows) AS rows,"
        " CASE WHEN sum(p.unknown_rows) < sum(p.rows) THEN sum(p.pence) END AS pence,"
        " sum(p.unknown_rows) AS unknown_rows FROM masks m CROSS JOIN LATERAL (SELECT p.* FROM reckoner.finding_sum p"
        " WHERE p.provider = $1 AND p.submission = $2 AND p.commissioner = m.commissioner AND p.rules = m.mask"
        " AND p.cluster = '*' OFFSET 0) p GROUP BY m.rule, m.severity"
        " UNION ALL SELECT rule, severity, count(*), 0, NULL, 0 FROM (SELECT f.rule, " SEVERITY_IN_FORCE
        " AS severity" FINDINGS_IN_FORCE
        " AND f.row_no = 0) f GROUP BY GROUPING SETS ((rule, severity), (severity), ()))"
        " SELECT rule, severity, sum(findings)::bigint AS findings, sum(rows)::bigint AS rows,"
        " sum(pence)::bigint AS pence, sum(unknown_rows)::bigint AS unknown_rows FROM lines"
        " GROUP BY rule, severity" LINE_ORDER,
        7};
    struct pg_args a;
    char rules[RULE_COUNT * RULE_ID_SIZE + 1];
    query_args(&a, q, rules);
    return pg_run(pg, &s, &a, result);
}

enum pg_status finding_summary(struct pg *pg, const struct finding_query *q, PGresult **result)
{
    return q->row < 0 && q->evaluation > 0 ? summary_of_sums(pg, q, result) : summary_of_findings(pg, q, result);
}
