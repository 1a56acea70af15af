#include "store/episode.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "row_no, episode_id, patient, commissioner, cluster, service, start_date, end_date, mhct_date, referral_date,"     \
    " last_contact, mhct_reason, admitted_days, assessment_only, continues, approved, minor, failed"
#define COLUMN_COUNT 18
/* The same but row_no, of a table's alias. */
#define FACTS(t)                                                                                                       \
    t ".episode_id, " t ".patient, " t ".commissioner, " t ".cluster, " t ".service, " t ".start_date, " t             \
      ".end_date, " t ".mhct_date, " t ".referral_date, " t ".last_contact, " t ".mhct_reason, " t                     \
      ".admitted_days, " t ".assessment_only, " t ".continues, " t ".approved, " t ".minor, " t ".failed"
/* PostgreSQL counts days from 2000-01-01. */
#define DAYS_TO_2000   10957
#define COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define COPY_HEADER    19 /* signature with its NUL, flags, length of the extension */

enum pg_status episode_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg, "COPY reckoner.episode (provider, submission, " COLUMNS ") FROM STDIN (FORMAT binary)",
                         copy);
}

void episode_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct episode *e)
{
    pg_copy_row(copy, COLUMN_COUNT + 2);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
    pg_copy_i32(copy, e->row_no);
    pg_copy_string(copy, e->episode_id);
    pg_copy_bytes(copy, e->patient, sizeof e->patient);
    pg_copy_string(copy, e->commissioner);
    pg_copy_string(copy, e->cluster);
    if (e->service[0])
        pg_copy_string(copy, e->service);
    else
        pg_copy_null(copy);
    pg_copy_date(copy, e->start_date);
    pg_copy_date(copy, e->end_date);
    pg_copy_date(copy, e->mhct_date);
    pg_copy_date(copy, e->referral_date);
    pg_copy_date(copy, e->last_contact);
    pg_copy_i16(copy, e->mhct_reason);
    pg_copy_i16(copy, e->admitted_days);
    pg_copy_bool(copy, e->assessment_only);
    pg_copy_bool(copy, e->continues);
    pg_copy_bool(copy, e->approved);
    pg_copy_bool(copy, e->minor);
    pg_copy_i64(copy, (int64_t)e->failed);
}

enum pg_status episode_remove(struct pg *pg, const char *provider, int64_t submission, const char *row_numbers)
{
    static const struct pg_statement all = {"episode_remove_all",
                                            "DELETE FROM reckoner.episode WHERE provider = $1 AND submission = $2", 2};
    /* Looked up one by one on purpose: nothing is known of rows that were loaded a moment ago, and the planner would
     * read them all for each call. */
    static const struct pg_statement some = {
        "episode_remove",
        "DELETE FROM reckoner.episode WHERE ctid = ANY (ARRAY (SELECT (SELECT e.ctid FROM reckoner.episode e"
        " WHERE e.provider = $1 AND e.submission = $2 AND e.row_no = n.row_no)"
        " FROM unnest($3::integer[]) AS n (row_no)))",
        3};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    if (row_numbers)
        pg_arg_text(&a, row_numbers);
    return pg_run(pg, row_numbers ? &some : &all, &a, NULL);
}

/* A tuple of COPY ... TO (FORMAT binary). */
struct tuple {
    const char *at;
    size_t left;
    bool broken;
};

static int32_t take_i32(struct tuple *t)
{
    uint32_t v = 0;
    if (t->left < sizeof v) {
        t->broken = true;
        return 0;
    }
    memcpy(&v, t->at, sizeof v);
    t->at += sizeof v;
    t->left -= sizeof v;
    return (int32_t)be32toh(v);
}

/* The next field: its bytes and length; NULL for null. */
static const char *take_field(struct tuple *t, size_t *length)
{
    int32_t n = take_i32(t);
    *length = 0;
    if (n < 0 || t->broken)
        return NULL;
    if ((size_t)n > t->left) {
        t->broken = true;
        return NULL;
    }
    const char *at = t->at;
    t->at += n;
    t->left -= (size_t)n;
    *length = (size_t)n;
    return at;
}

static void take_bytes(struct tuple *t, void *out, size_t length)
{
    size_t n = 0;
    const char *at = take_field(t, &n);
    if (at && n == length)
        memcpy(out, at, n);
    else
        t->broken = true;
}

static void take_text(struct tuple *t, char *out, size_t size)
{
    size_t n = 0;
    const char *at = take_field(t, &n);
    if (n >= size) {
        t->broken = true;
        n = 0;
    }
    if (at)
        memcpy(out, at, n);
    out[n] = '\0';
}

static int16_t take_i16_field(struct tuple *t)
{
    uint16_t v = 0;
    take_bytes(t, &v, sizeof v);
    return (int16_t)be16toh(v);
}

static int32_t take_i32_field(struct tuple *t)
{
    uint32_t v = 0;
    take_bytes(t, &v, sizeof v);
    return (int32_t)be32toh(v);
}

static bool take_bool(struct tuple *t)
{
    char v = 0;
    take_bytes(t, &v, sizeof v);
    return v != 0;
}

static date_t take_date(struct tuple *t)
{
    size_t n = 0;
    const char *at = take_field(t, &n);
    if (!at)
        return DATE_NONE;
    uint32_t v = 0;
    if (n != sizeof v) {
        t->broken = true;
        return DATE_NONE;
    }
    memcpy(&v, at, sizeof v);
    return (date_t)be32toh(v) + DAYS_TO_2000;
}

static bool decode(struct tuple *t, struct episode *e)
{
    e->row_no = take_i32_field(t);
    take_text(t, e->episode_id, sizeof e->episode_id);
    take_bytes(t, e->patient, sizeof e->patient);
    take_text(t, e->commissioner, sizeof e->commissioner);
    take_text(t, e->cluster, sizeof e->cluster);
    take_text(t, e->service, sizeof e->service);
    e->start_date = take_date(t);
    e->end_date = take_date(t);
    e->mhct_date = take_date(t);
    e->referral_date = take_date(t);
    e->last_contact = take_date(t);
    e->mhct_reason = take_i16_field(t);
    e->admitted_days = take_i16_field(t);
    e->assessment_only = take_bool(t);
    e->continues = take_bool(t);
    e->approved = take_bool(t);
    e->minor = take_bool(t);
    uint64_t failed = 0;
    take_bytes(t, &failed, sizeof failed);
    e->failed = be64toh(failed);
    return !t->broken;
}

/* One message of the copy: one tuple, the first with the header before it, the last the end mark alone. */
static bool open_message(const char *bytes, size_t length, bool *first, uint16_t columns, struct tuple *out,
                         bool *is_row)
{
    struct tuple t = {bytes, length, false};
    *is_row = false;
    if (*first) {
        if (length < COPY_HEADER || memcmp(bytes, COPY_SIGNATURE, sizeof COPY_SIGNATURE) != 0)
            return false;
        t.at += COPY_HEADER;
        t.left -= COPY_HEADER;
        *first = false;
        if (t.left == 0)
            return true;
    }
    uint16_t fields = 0;
    if (t.left < sizeof fields)
        return false;
    memcpy(&fields, t.at, sizeof fields);
    t.at += sizeof fields;
    t.left -= sizeof fields;
    if ((int16_t)be16toh(fields) == -1)
        return true;
    *is_row = be16toh(fields) == columns;
    *out = t;
    return *is_row;
}

static bool take_message(const char *bytes, size_t length, bool *first, struct episode *e, bool *is_row)
{
    struct tuple t;
    return open_message(bytes, length, first, COLUMN_COUNT, &t, is_row) && (!*is_row || decode(&t, e));
}

/* One half of a pair; *present is false when the row is in the other version alone. */
static bool decode_half(struct tuple *t, struct episode *e, bool *present)
{
    struct tuple row = *t;
    size_t n = 0;
    *present = take_field(&row, &n) != NULL;
    if (*present)
        return decode(t, e);
    for (int i = 0; i < COLUMN_COUNT; i++)
        (void)take_field(t, &n);
    return !t->broken;
}

static bool scan_sql(PGconn *raw, const char *provider, int64_t submission, const char *commissioner, char *sql,
                     size_t size)
{
    char *p = PQescapeLiteral(raw, provider, strlen(provider));
    char *c = commissioner ? PQescapeLiteral(raw, commissioner, strlen(commissioner)) : NULL;
    int n = -1;
    if (p && (c || !commissioner))
        n = snprintf(sql, size,
                     "COPY (SELECT " COLUMNS
                     " FROM reckoner.episode WHERE provider = %s AND submission = %lld%s%s) TO STDOUT (FORMAT binary)",
                     p, (long long)submission, c ? " AND commissioner = " : "", c ? c : "");
    PQfreemem(p);
    PQfreemem(c);
    return n > 0 && (size_t)n < size;
}

struct scan {
    bool (*each)(void *context, const struct episode *e);
    void *context;
    bool first;
    bool broken; /* the server sent what we do not understand */
};

static bool scan_message(void *context, const char *bytes, size_t length)
{
    struct scan *s = context;
    struct episode e;
    bool is_row = false;
    if (!take_message(bytes, length, &s->first, &e, &is_row)) {
        s->broken = true;
        return false;
    }
    return !is_row || s->each(s->context, &e);
}

static enum pg_status copy_rows(struct pg *pg, const char *sql, bool (*each)(void *context, const struct episode *e),
                                void *context)
{
    struct scan s = {each, context, true, false};
    enum pg_status status = pg_copy_out(pg, sql, scan_message, &s);
    return s.broken ? PG_FAILED : status;
}

enum pg_status episode_scan(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                            bool (*each)(void *context, const struct episode *e), void *context)
{
    enum pg_status status = pg_connect(pg);
    if (status != PG_OK)
        return status;
    char sql[600];
    if (!scan_sql(pg_raw(pg), provider, submission, commissioner, sql, sizeof sql))
        return PG_FAILED;
    return copy_rows(pg, sql, each, context);
}

struct range {
    struct episode *out;
    size_t room;
    size_t count;
};

static bool keep_row(void *context, const struct episode *e)
{
    struct range *r = context;
    if (r->count == r->room)
        return false;
    r->out[r->count++] = *e;
    return true;
}

enum pg_status episode_range(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                             int32_t from, int32_t to, struct episode *out, size_t room, size_t *count)
{
    enum pg_status status = pg_connect(pg);
    if (status != PG_OK)
        return status;
    char sql[800];
    struct range r = {out, room, 0};
    char *p = PQescapeLiteral(pg_raw(pg), provider, strlen(provider));
    char *c = commissioner ? PQescapeLiteral(pg_raw(pg), commissioner, strlen(commissioner)) : NULL;
    int n = -1;
    if (p && (c || !commissioner))
        n = snprintf(sql, sizeof sql,
                     "COPY (SELECT " COLUMNS " FROM reckoner.episode WHERE provider = %s AND submission = %lld"
                     " AND row_no BETWEEN %ld AND %ld%s%s ORDER BY row_no) TO STDOUT (FORMAT binary)",
                     p, (long long)submission, (long)from, (long)to, c ? " AND commissioner = " : "", c ? c : "");
    PQfreemem(p);
    PQfreemem(c);
    if (n <= 0 || (size_t)n >= sizeof sql)
        return PG_FAILED;
    status = copy_rows(pg, sql, keep_row, &r);
    *count = r.count;
    return status;
}

struct change_scan {
    bool (*each)(void *context, const struct episode *before, const struct episode *after);
    void *context;
    bool first;
    bool broken;
};

static bool change_message(void *context, const char *bytes, size_t length)
{
    struct change_scan *s = context;
    struct tuple t;
    struct episode before;
    struct episode after;
    bool was = false;
    bool is = false;
    bool is_row = false;
    if (!open_message(bytes, length, &s->first, 2 * COLUMN_COUNT, &t, &is_row)) {
        s->broken = true;
        return false;
    }
    if (!is_row)
        return true;
    if (!decode_half(&t, &after, &is) || !decode_half(&t, &before, &was)) {
        s->broken = true;
        return false;
    }
    return s->each(s->context, was ? &before : NULL, is ? &after : NULL);
}

/* A full join cannot be planned as a nested loop, whatever the planner believes of tables that were just loaded. */
static bool changes_sql(PGconn *raw, const char *provider, int64_t newer, int64_t older, char *sql, size_t size)
{
    char *p = PQescapeLiteral(raw, provider, strlen(provider));
    int n = -1;
    if (p)
        n = snprintf(sql, size,
                     "COPY (SELECT n.row_no, " FACTS("n") ", o.row_no, " FACTS(
                         "o") " FROM (SELECT * FROM reckoner.episode WHERE provider = %s AND submission = %lld) n"
                              " FULL JOIN (SELECT * FROM reckoner.episode WHERE provider = %s AND submission = %lld) o"
                              " ON o.episode_id = n.episode_id AND o.commissioner = n.commissioner"
                              " WHERE (" FACTS("n") ") IS DISTINCT FROM (" FACTS("o") ")) TO STDOUT (FORMAT binary)",
                     p, (long long)newer, p, (long long)older);
    PQfreemem(p);
    return n > 0 && (size_t)n < size;
}

enum pg_status episode_scan_changes(struct pg *pg, const char *provider, int64_t newer, int64_t older,
                                    bool (*each)(void *context, const struct episode *before,
                                                 const struct episode *after),
                                    void *context)
{
    enum pg_status status = pg_connect(pg);
    if (status != PG_OK)
        return status;
    char sql[2400];
    if (!changes_sql(pg_raw(pg), provider, newer, older, sql, sizeof sql))
        return PG_FAILED;
    struct change_scan s = {each, context, true, false};
    status = pg_copy_out(pg, sql, change_message, &s);
    return s.broken ? PG_FAILED : status;
}
