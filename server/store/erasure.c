#include "store/erasure.h"

#include <string.h>

enum pg_status erasure_ask(struct pg *pg, const struct erasure_request *q)
{
    static const struct pg_statement s = {
        "erasure_ask",
        "INSERT INTO reckoner.erasure (provider, id, submission, row_no, reason, asked_by, asked_at)"
        " SELECT $1, $2, e.submission, e.row_no, $5, $6, $7 FROM reckoner.submission s"
        " JOIN reckoner.episode e ON e.provider = s.provider AND e.submission = s.no AND e.row_no = $4"
        " WHERE s.provider = $1 AND s.id = $3 AND s.state = 'accepted'",
        7};
    struct pg_args a;
    pg_args_id(&a, q->provider, q->id);
    pg_arg_text(&a, q->submission);
    pg_arg_i64(&a, q->row_no);
    pg_arg_text(&a, q->reason);
    pg_arg_text(&a, q->person);
    pg_arg_instant(&a, q->at);
    return pg_change(pg, &s, &a);
}

enum pg_status erasure_of_row(struct pg *pg, const char *provider, const char *submission, int64_t row_no, bool *erased)
{
    static const struct pg_statement s = {
        "erasure_of_row",
        "SELECT EXISTS (SELECT FROM reckoner.submission s JOIN reckoner.erased_row r ON r.provider = s.provider"
        " AND r.submission = s.no WHERE s.provider = $1 AND s.id = $2 AND r.row_no = $3) AS answer",
        3};
    struct pg_args a;
    pg_args_id(&a, provider, submission);
    pg_arg_i64(&a, row_no);
    return pg_get_bool(pg, &s, &a, erased);
}

enum pg_status erasure_of_stored_row(struct pg *pg, const char *provider, int64_t submission, int64_t row_no,
                                     bool *erased)
{
    static const struct pg_statement s = {"erasure_of_stored_row",
                                          "SELECT EXISTS (SELECT FROM reckoner.erased_row WHERE provider = $1"
                                          " AND submission = $2 AND row_no = $3) AS answer",
                                          3};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_arg_i64(&a, submission);
    pg_arg_i64(&a, row_no);
    return pg_get_bool(pg, &s, &a, erased);
}

enum pg_status erasure_of_upload(struct pg *pg, const char *provider, const char *submission, bool *erased)
{
    static const struct pg_statement s = {
        "erasure_of_upload",
        "SELECT EXISTS (SELECT FROM reckoner.submission s JOIN reckoner.erased_upload u ON u.provider = s.provider"
        " AND u.submission = s.no WHERE s.provider = $1 AND s.id = $2) AS answer",
        2};
    struct pg_args a;
    pg_args_id(&a, provider, submission);
    return pg_get_bool(pg, &s, &a, erased);
}

#define INSTANT(name) PG_INSTANT("e." name) " AS " name
#define SHOWN                                                                                                          \
    "SELECT e.id AS erasure, s.id AS submission, s.month, e.row_no, e.reason, e.state, e.asked_by, " INSTANT(          \
        "asked_at") ", e.decided_by, " INSTANT("decided_at") ", " INSTANT("done_at") ", e.rows, e.uploads"             \
                                                                                     " FROM reckoner.erasure e"        \
                                                                                     " JOIN reckoner.submission s"     \
                                                                                     " ON s.provider = e.provider"     \
                                                                                     " AND s.no = e.submission"        \
                                                                                     " WHERE e.provider = $1"

enum pg_status erasure_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result)
{
    static const struct pg_statement s = {"erasure_list",
                                          SHOWN " AND ($2::timestamptz IS NULL OR (e.asked_at, e.id) < ($2, $3))"
                                                " ORDER BY e.asked_at DESC, e.id DESC LIMIT $4",
                                          4};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_args_newest(&a, page);
    return pg_run(pg, &s, &a, result);
}

enum pg_status erasure_get(struct pg *pg, const char *provider, const char *id, bool lock, PGresult **result)
{
    static const struct pg_statement look = {"erasure_get", SHOWN " AND e.id = $2", 2};
    static const struct pg_statement locked = {"erasure_get_locked", SHOWN " AND e.id = $2 FOR UPDATE OF e", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, lock ? &locked : &look, &a, result);
}

enum pg_status erasure_decide(struct pg *pg, const char *provider, const char *id, const char *state,
                              const char *person, instant_t at)
{
    static const struct pg_statement s = {"erasure_decide",
                                          "UPDATE reckoner.erasure SET state = $3, decided_by = $4, decided_at = $5"
                                          " WHERE provider = $1 AND id = $2 AND state = 'asked'",
                                          5};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, state);
    pg_arg_text(&a, person);
    pg_arg_instant(&a, at);
    return pg_change(pg, &s, &a);
}

/* ------------------------------------------------------------------------------------------------------- the worker */

#define DATA_LOCK "hashtextextended('identities/' || $1::text, 0)"

enum pg_status erasure_keep_away(struct pg *pg, const char *provider)
{
    static const struct pg_statement s = {"erasure_keep_away", "SELECT pg_advisory_lock_shared(" DATA_LOCK ")", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run(pg, &s, &a, NULL);
}

void erasure_come_near(struct pg *pg, const char *provider)
{
    static const struct pg_statement s = {"erasure_come_near", "SELECT pg_advisory_unlock_shared(" DATA_LOCK ")", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    /* When the connection is gone the lock is gone with it. */
    (void)pg_run(pg, &s, &a, NULL);
}

enum pg_status erasure_alone(struct pg *pg, const char *provider)
{
    static const struct pg_statement s = {"erasure_alone", "SELECT pg_advisory_xact_lock(" DATA_LOCK ")", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status erasure_must_wait(struct pg *pg, const char *provider, bool *wait)
{
    static const struct pg_statement s = {
        "erasure_must_wait",
        "SELECT EXISTS (SELECT FROM reckoner.submission WHERE provider = $1 AND (state = 'received'"
        "  OR (state = 'receiving' AND receiving_until > clock_timestamp())))"
        " OR EXISTS (SELECT FROM reckoner.rehearsal WHERE provider = $1 AND (state = 'received'"
        "  OR (state = 'receiving' AND receiving_until > clock_timestamp()))) AS answer",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_get_bool(pg, &s, &a, wait);
}

enum pg_status erasure_rows(struct pg *pg, const char *provider, const char *id, bool alone, PGresult **result)
{
    static const struct pg_statement s = {
        "erasure_rows",
        "SELECT e.submission, s.id, s.month, e.row_no, e.commissioner,"
        " e.mhct_date IS NOT NULL AND (e.assessment_only OR e.mhct_reason = 10) AS candidate,"
        " encode(uuid_send(e.patient), 'hex') AS patient"
        " FROM reckoner.erasure x JOIN reckoner.episode n ON n.provider = x.provider AND n.submission = x.submission"
        "  AND n.row_no = x.row_no"
        " JOIN reckoner.submission s ON s.provider = x.provider"
        " JOIN reckoner.episode e ON e.provider = s.provider AND e.submission = s.no AND e.patient = n.patient"
        "  AND (NOT $3 OR (e.submission, e.row_no) = (x.submission, x.row_no))"
        " WHERE x.provider = $1 AND x.id = $2 ORDER BY e.submission, e.row_no",
        3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_bool(&a, alone);
    return pg_run(pg, &s, &a, result);
}

enum pg_status erasure_erase(struct pg *pg, const char *provider, const char *id, bool alone, int64_t *rows)
{
    static const struct pg_statement s = {"erasure_erase", "SELECT reckoner.erase_rows($1, $2, $3) AS rows", 3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_bool(&a, alone);
    enum pg_status status = pg_script(pg, "SET CONSTRAINTS ALL DEFERRED");
    return status == PG_OK ? pg_get_i64(pg, &s, &a, rows) : status;
}

enum pg_status erasure_other_uploads(struct pg *pg, const char *provider, PGresult **result)
{
    static const struct pg_statement s = {
        "erasure_other_uploads",
        "SELECT s.no, s.id FROM reckoner.submission s WHERE s.provider = $1 AND s.state IN ('refused', 'held')"
        " AND NOT EXISTS (SELECT FROM reckoner.erased_upload u WHERE u.provider = s.provider AND u.submission = s.no)"
        " ORDER BY s.no",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run(pg, &s, &a, result);
}

enum pg_status erasure_upload(struct pg *pg, const char *provider, const char *id, int64_t submission)
{
    static const struct pg_statement s = {"erasure_upload", "SELECT reckoner.erase_upload($1, $2, $3)", 3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, submission);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status erasure_done(struct pg *pg, const char *provider, const char *id, instant_t at, int64_t rows)
{
    static const struct pg_statement s = {
        "erasure_done",
        "UPDATE reckoner.erasure e SET state = 'done', done_at = $3, rows = $4, uploads = (SELECT count(*)"
        " FROM reckoner.erased_upload u WHERE u.provider = e.provider AND u.erasure = e.id)"
        " WHERE provider = $1 AND id = $2 AND state = 'approved'",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, at);
    pg_arg_i64(&a, rows);
    return pg_change(pg, &s, &a);
}

enum pg_status erasure_count(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                             int64_t *rows)
{
    static const struct pg_statement s = {"erasure_count",
                                          "SELECT count(*) AS rows FROM reckoner.erased_row"
                                          " WHERE provider = $1 AND submission = $2 AND commissioner = $3",
                                          3};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_text(&a, commissioner);
    return pg_get_i64(pg, &s, &a, rows);
}

#define YEAR_OF "extract(year FROM s.month - interval '3 months')::smallint"

enum pg_status erasure_knowers(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    static const struct pg_statement s = {
        "erasure_knowers",
        "WITH gone AS (SELECT DISTINCT r.commissioner, " YEAR_OF " AS financial_year FROM reckoner.erased_row r"
        "  JOIN reckoner.submission s ON s.provider = r.provider AND s.no = r.submission"
        "  WHERE r.provider = $1 AND r.erasure = $2)"
        " SELECT commissioner, financial_year FROM gone UNION SELECT a.commissioner, a.financial_year"
        " FROM reckoner.account a JOIN gone USING (financial_year) WHERE a.provider = $1",
        2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &s, &a, result);
}

enum pg_status erasure_keep_tag(struct pg *pg, const char *provider, const char *id, const char *commissioner,
                                int64_t financial_year, const char *tag)
{
    static const struct pg_statement s = {
        "erasure_keep_tag",
        "INSERT INTO reckoner.erased_tag (provider, patient, commissioner, financial_year, tag, erasure)"
        " SELECT x.provider, e.patient, $3, $4, $5, x.id FROM reckoner.erasure x JOIN reckoner.episode e"
        " ON e.provider = x.provider AND e.submission = x.submission AND e.row_no = x.row_no"
        " WHERE x.provider = $1 AND x.id = $2",
        5};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, commissioner);
    pg_arg_i64(&a, financial_year);
    pg_arg_text(&a, tag);
    return pg_change(pg, &s, &a);
}

enum pg_status erasure_tags(struct pg *pg, const char *provider, int64_t financial_year, PGresult **result)
{
    static const struct pg_statement s = {
        "erasure_tags",
        "SELECT encode(uuid_send(patient), 'hex') AS patient, commissioner, tag FROM reckoner.erased_tag"
        " WHERE provider = $1 AND financial_year = $2 ORDER BY encode(uuid_send(patient), 'hex') COLLATE \"C\", "
        "commissioner COLLATE \"C\"",
        2};
    struct pg_args a;
    pg_args_number(&a, provider, financial_year);
    return pg_run(pg, &s, &a, result);
}
