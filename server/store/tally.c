#include "store/tally.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define INT8_OID    20
#define INT4_OID    23
#define COPY_HEADER 19 /* signature with its NUL, flags, length of the extension */

/* A binary copy, one tuple a message. */
struct scan {
    bool (*each)(void *context, int32_t row_no, int bit);
    bool (*each_ranked)(void *context, const struct tally_ranked *row);
    void *context;
    bool begun;
    bool broken; /* the server sent what we do not understand */
};

static bool take(const char **at, size_t *left, void *out, size_t size)
{
    if (*left < size)
        return false;
    memcpy(out, *at, size);
    *at += size;
    *left -= size;
    return true;
}

/* Puts at and left behind the number of fields; the first message has the header of the copy before it. false: there is
 * no tuple in it, or it is broken. */
static bool scan_tuple(struct scan *s, const char **at, size_t *left, uint16_t fields)
{
    uint16_t found = 0;
    size_t skip = s->begun ? 0 : COPY_HEADER;
    s->broken = *left < skip;
    if (s->broken)
        return false;
    s->begun = true;
    *at += skip;
    *left -= skip;
    if (*left == 0)
        return false;
    s->broken = !take(at, left, &found, sizeof found) || (be16toh(found) != fields && be16toh(found) != UINT16_MAX);
    return !s->broken && be16toh(found) == fields;
}

/* An integer of 2, 4 or 8 bytes. */
static bool take_number(const char **at, size_t *left, size_t size, int64_t *out)
{
    uint32_t length = 0;
    uint64_t value = 0;
    if (!take(at, left, &length, sizeof length) || be32toh(length) != size || *left < size)
        return false;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (uint8_t)(*at)[i];
    *at += size;
    *left -= size;
    *out = size == 2 ? (int16_t)value : size == 4 ? (int32_t)value : (int64_t)value;
    return true;
}

static bool take_text(const char **at, size_t *left, char *out, size_t room)
{
    uint32_t length = 0;
    if (!take(at, left, &length, sizeof length) || be32toh(length) >= room)
        return false;
    out[be32toh(length)] = '\0';
    return take(at, left, out, be32toh(length));
}

static bool scan_finding(void *context, const char *bytes, size_t length)
{
    struct scan *s = context;
    int64_t row_no = 0, bit = 0;
    if (!scan_tuple(s, &bytes, &length, 2))
        return !s->broken;
    s->broken = !take_number(&bytes, &length, 4, &row_no) || !take_number(&bytes, &length, 2, &bit);
    return !s->broken && s->each(s->context, (int32_t)row_no, (int)bit);
}

static bool scan_ranked(void *context, const char *bytes, size_t length)
{
    struct scan *s = context;
    char commissioner[20], cluster[20];
    int64_t row_no = 0, place = 0, rules = 0;
    if (!scan_tuple(s, &bytes, &length, 5))
        return !s->broken;
    s->broken = !take_text(&bytes, &length, commissioner, sizeof commissioner) ||
                !take_text(&bytes, &length, cluster, sizeof cluster) || !take_number(&bytes, &length, 4, &row_no) ||
                !take_number(&bytes, &length, 8, &place) || !take_number(&bytes, &length, 8, &rules);
    struct tally_ranked row = {commissioner, cluster, (int32_t)row_no, place, (uint64_t)rules};
    return !s->broken && s->each_ranked(s->context, &row);
}

enum pg_status tally_findings(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                              bool (*each)(void *context, int32_t row_no, int bit), void *context)
{
    char sql[500];
    char *p = PQescapeLiteral(pg_raw(pg), provider, strlen(provider));
    if (!p)
        return PG_FAILED;
    int n = snprintf(sql, sizeof sql,
                     "COPY (SELECT f.row_no, CASE WHEN f.severity IS NULL THEN r.bit ELSE %d::smallint END"
                     " FROM reckoner.finding f JOIN reckoner.rule r ON r.id = f.rule"
                     " WHERE f.provider = %s AND f.submission = %lld AND f.evaluation IN (0, %lld) AND f.row_no > 0"
                     " AND r.bit IS NOT NULL) TO STDOUT (FORMAT binary)",
                     TALLY_OWN_SEVERITY_BIT, p, (long long)submission, (long long)evaluation);
    PQfreemem(p);
    if (n < 0 || (size_t)n >= sizeof sql)
        return PG_FAILED;
    struct scan s = {.each = each, .context = context};
    enum pg_status status = pg_copy_out(pg, sql, scan_finding, &s);
    return s.broken ? PG_FAILED : status;
}

enum pg_status tally_ranked(struct pg *pg, const char *provider, int64_t submission,
                            bool (*each)(void *context, const struct tally_ranked *row), void *context)
{
    char sql[500];
    char *p = PQescapeLiteral(pg_raw(pg), provider, strlen(provider));
    if (!p)
        return PG_FAILED;
    int n = snprintf(sql, sizeof sql,
                     "COPY (SELECT commissioner, cluster, row_no, -coalesce(pence, -1) AS place, rules"
                     " FROM reckoner.stake WHERE provider = %s AND submission = %lld"
                     " ORDER BY commissioner COLLATE \"C\", place, row_no) TO STDOUT (FORMAT binary)",
                     p, (long long)submission);
    PQfreemem(p);
    if (n < 0 || (size_t)n >= sizeof sql)
        return PG_FAILED;
    struct scan s = {.each_ranked = each, .context = context};
    enum pg_status status = pg_copy_out(pg, sql, scan_ranked, &s);
    return s.broken ? PG_FAILED : status;
}

static enum pg_status run_all(struct pg *pg, const struct pg_statement *s, size_t count, const char *provider,
                              int64_t submission)
{
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    for (size_t i = 0; i < count; i++) {
        enum pg_status status = pg_run(pg, &s[i], &a, NULL);
        if (status != PG_OK)
            return status;
    }
    return PG_OK;
}

enum pg_status tally_clear(struct pg *pg, const char *provider, int64_t submission)
{
    static const struct pg_statement s[] = {
        {"tally_clear_stake", "DELETE FROM reckoner.stake WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_line", "DELETE FROM reckoner.finding_line WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_pattern", "DELETE FROM reckoner.finding_pattern WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_stretch", "DELETE FROM reckoner.finding_stretch WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_rank", "DELETE FROM reckoner.finding_rank WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_sum", "DELETE FROM reckoner.finding_sum WHERE provider = $1 AND submission = $2", 2},
        {"tally_clear_practice", "DELETE FROM reckoner.finding_practice WHERE provider = $1 AND submission = $2", 2},
    };
    return run_all(pg, s, sizeof s / sizeof s[0], provider, submission);
}

static void put_text(struct pg_copy *copy, const char *text)
{
    pg_copy_text(copy, text, strlen(text));
}

enum pg_status tally_stake_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.stake (provider, submission, row_no, pence, commissioner, cluster, rules,"
                         " pseudonym) FROM STDIN (FORMAT binary)",
                         copy);
}

void tally_stake_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_stake *s)
{
    pg_copy_row(copy, 8);
    put_text(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i32(copy, s->row_no);
    if (s->known)
        pg_copy_i64(copy, s->pence);
    else
        pg_copy_null(copy);
    put_text(copy, s->commissioner);
    put_text(copy, s->cluster);
    pg_copy_i64(copy, (int64_t)s->rules);
    put_text(copy, s->pseudonym);
}

enum pg_status tally_count(struct pg *pg, const char *provider, int64_t submission)
{
    /* The rows without a finding are what the patterns leave of all rows. */
    static const struct pg_statement s[] = {
        {"tally_count_patterns",
         "INSERT INTO reckoner.finding_pattern (provider, submission, commissioner, cluster, rules, rows, pence,"
         " unknown_rows)"
         " SELECT $1, $2, commissioner, cluster, rules, count(*), coalesce(sum(pence), 0),"
         " count(*) FILTER (WHERE pence IS NULL)"
         " FROM reckoner.stake WHERE provider = $1 AND submission = $2 GROUP BY commissioner, cluster, rules",
         2},
        {"tally_count_others",
         "INSERT INTO reckoner.finding_pattern (provider, submission, commissioner, cluster, rules, rows, pence,"
         " unknown_rows)"
         " SELECT $1, $2, commissioner, cluster, 0, sum(n), 0, sum(n) FROM ("
         "  SELECT commissioner, cluster, count(*) AS n FROM reckoner.episode"
         "  WHERE provider = $1 AND submission = $2 GROUP BY commissioner, cluster"
         "  UNION ALL SELECT commissioner, cluster, -rows FROM reckoner.finding_pattern"
         "  WHERE provider = $1 AND submission = $2) p GROUP BY commissioner, cluster HAVING sum(n) > 0",
         2},
        {"tally_count_lines",
         "INSERT INTO reckoner.finding_line (provider, submission, commissioner, bit, rule, severity, findings)"
         " SELECT $1, $2, p.commissioner, r.bit, r.id, CASE WHEN r.own THEN 'QUERY' ELSE"
         "  coalesce(s.severity, r.severity) END AS severity, sum(p.rows)"
         " FROM reckoner.finding_pattern p JOIN (SELECT id, bit, severity, false AS own FROM reckoner.rule"
         "  UNION ALL SELECT 'D09', 62, 'QUERY', true) r ON p.rules >> r.bit & 1 = 1"
         " LEFT JOIN reckoner.severity s ON s.provider = p.provider AND s.submission = p.submission"
         "  AND s.commissioner = p.commissioner AND s.rule = r.id"
         " WHERE p.provider = $1 AND p.submission = $2 GROUP BY 3, 4, 5, 6",
         2},
    };
    return run_all(pg, s, sizeof s / sizeof s[0], provider, submission);
}

enum pg_status tally_lines(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {
        "tally_lines",
        "SELECT commissioner, bit, rule, severity FROM reckoner.finding_line"
        " WHERE provider = $1 AND submission = $2 ORDER BY commissioner COLLATE \"C\"",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, result);
}

enum pg_status tally_stretch_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.finding_stretch (provider, submission, commissioner, rule, severity, last_row,"
                         " firsts, lasts) FROM STDIN (FORMAT binary)",
                         copy);
}

/* An array in binary: dimensions, nulls, type of the elements, how many, number of the first; then each. */
static void put_rows(struct pg_copy *copy, const int32_t *rows, int count)
{
    uint32_t words[5 + 2 * TALLY_STRETCHES] = {htobe32(1), 0, htobe32(INT4_OID), htobe32((uint32_t)count), htobe32(1)};
    size_t n = 5;
    for (int i = 0; i < count; i++) {
        words[n++] = htobe32(sizeof rows[i]);
        words[n++] = htobe32((uint32_t)rows[i]);
    }
    pg_copy_bytes(copy, words, n * sizeof words[0]);
}

void tally_stretch_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_stretch *s)
{
    pg_copy_row(copy, 8);
    put_text(copy, provider);
    pg_copy_i64(copy, submission);
    put_text(copy, s->commissioner);
    put_text(copy, s->rule);
    put_text(copy, s->severity);
    pg_copy_i32(copy, s->lasts[s->count - 1]);
    put_rows(copy, s->firsts, s->count);
    put_rows(copy, s->lasts, s->count);
}

enum pg_status tally_rank_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.finding_rank (provider, submission, commissioner, cluster, rules, last_place,"
                         " last_row, row_nos, places) FROM STDIN (FORMAT binary)",
                         copy);
}

void tally_rank_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_rank *r)
{
    uint32_t words[5 + 3 * TALLY_RANKED] = {htobe32(1), 0, htobe32(INT8_OID), htobe32((uint32_t)r->count), htobe32(1)};
    size_t n = 5;
    for (int i = 0; i < r->count; i++) {
        words[n++] = htobe32(sizeof r->places[i]);
        words[n++] = htobe32((uint32_t)((uint64_t)r->places[i] >> 32));
        words[n++] = htobe32((uint32_t)r->places[i]);
    }
    pg_copy_row(copy, 9);
    put_text(copy, provider);
    pg_copy_i64(copy, submission);
    put_text(copy, r->commissioner);
    put_text(copy, r->cluster);
    pg_copy_i64(copy, (int64_t)r->rules);
    pg_copy_i64(copy, r->places[r->count - 1]);
    pg_copy_i32(copy, r->rows[r->count - 1]);
    put_rows(copy, r->rows, r->count);
    pg_copy_bytes(copy, words, n * sizeof words[0]);
}

enum pg_status tally_sum_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(
        pg,
        "COPY reckoner.finding_sum (provider, submission, commissioner, cluster, rules, findings, rows,"
        " pence, unknown_rows) FROM STDIN (FORMAT binary)",
        copy);
}

void tally_sum_add(struct pg_copy *copy, const char *provider, int64_t submission, const char *commissioner,
                   const char *cluster, const struct tally_sum *s)
{
    pg_copy_row(copy, 9);
    put_text(copy, provider);
    pg_copy_i64(copy, submission);
    put_text(copy, commissioner);
    put_text(copy, cluster);
    pg_copy_i64(copy, (int64_t)s->rules);
    pg_copy_i64(copy, s->findings);
    pg_copy_i64(copy, s->rows);
    pg_copy_i64(copy, s->pence);
    pg_copy_i64(copy, s->unknown_rows);
}

enum pg_status tally_practice_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.finding_practice (provider, submission, commissioner, line, practice, patients,"
                         " rows, pence, unknown_rows, withheld) FROM STDIN (FORMAT binary)",
                         copy);
}

void tally_practice_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_practice *p)
{
    pg_copy_row(copy, 10);
    put_text(copy, provider);
    pg_copy_i64(copy, submission);
    put_text(copy, p->commissioner);
    put_text(copy, p->line);
    put_text(copy, p->practice);
    const int64_t counts[] = {p->patients, p->rows, p->pence, p->unknown_rows};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (p->hidden)
            pg_copy_null(copy);
        else
            pg_copy_i64(copy, counts[i]);
    }
    pg_copy_bool(copy, p->withheld);
}

enum pg_status tally_severities(struct pg *pg, const char *provider, int64_t submission, PGresult **result)
{
    static const struct pg_statement s = {"tally_severities",
                                          "SELECT commissioner, rule, severity FROM reckoner.severity"
                                          " WHERE provider = $1 AND submission = $2",
                                          2};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    return pg_run(pg, &s, &a, result);
}

enum pg_status tally_block(struct pg *pg, const char *provider, int64_t submission, int64_t block, PGresult **result)
{
    static const struct pg_statement s = {"tally_block",
                                          "SELECT sealed FROM reckoner.confidential_block"
                                          " WHERE provider = $1 AND submission = $2 AND block = $3",
                                          3};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_i64(&a, block);
    enum pg_status status = pg_run_binary(pg, &s, &a, result);
    if (status == PG_OK && PQntuples(*result) == 0) {
        PQclear(*result);
        *result = NULL;
        return PG_NONE;
    }
    return status;
}
