#include "store/pinned.h"

#include <stdio.h>
#include <string.h>

static const struct pg_statement select_pinned = {
    .name = "pinned_submissions",
    .sql = "SELECT i.month, s.no, s.id, s.version, encode(s.sha256, 'hex') AS sha256, s.bytes, s.rows, s.rule_set,"
           " CASE WHEN s.reference IS NOT NULL THEN encode(sha256(convert_to(s.reference::text, 'UTF8')), 'hex') END"
           " AS reference,"
           " (extract(epoch FROM coalesce(s.confirmed_at, s.begun_at)) * 1000000)::bigint AS known_from"
           " FROM reckoner.run_input i"
           " JOIN reckoner.submission s ON s.provider = i.provider AND s.no = i.submission"
           " WHERE i.provider = $1 AND i.run = $2 AND i.month >= $3 ORDER BY i.month",
    .parameters = 3,
};

enum pg_status pinned_submissions(struct pg *pg, const char *provider, const char *run, month_t first, size_t count,
                                  struct effective_submission *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, first);
    enum pg_status status = pg_run(pg, &select_pinned, &a, &r);
    if (status != PG_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        memset(&out[i], 0, sizeof out[i]);
        out[i].month = first + (month_t)i;
    }
    for (int row = 0; row < PQntuples(r); row++) {
        size_t place = (size_t)(pg_month(r, row, "month") - first);
        if (place < count)
            effective_submission_read(r, row, &out[place]);
    }
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement select_last_run = {
    .name = "pinned_last_run",
    .sql = "SELECT r.id FROM reckoner.run r JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id"
           " WHERE r.provider = $1 AND r.contract = $2 AND r.commissioner = $3 AND r.state = 'done'"
           " AND r.type <> 'PREVIEW' AND (r.month = $4 OR EXISTS (SELECT FROM reckoner.run_position p"
           " WHERE p.provider = r.provider AND p.run = r.id AND p.month = $4)) ORDER BY s.seq DESC LIMIT 1",
    .parameters = 4,
};

enum pg_status pinned_last_run(struct pg *pg, const struct account_key *account, month_t month, char run[IDENT_SIZE])
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    pg_arg_month(&a, month);
    enum pg_status status = pg_run_one(pg, &select_last_run, &a, &r);
    if (status == PG_OK)
        snprintf(run, IDENT_SIZE, "%s", pg_text(r, 0, "id"));
    PQclear(r);
    return status;
}

static const struct pg_statement select_position = {
    .name = "pinned_position",
    .sql = "SELECT encode(d.sha256, 'hex') AS sha256, d.body FROM reckoner.run r"
           " LEFT JOIN reckoner.run_position p ON p.provider = r.provider AND p.run = r.id AND p.month = $3"
           " JOIN reckoner.position d ON d.provider = r.provider"
           " AND d.sha256 = CASE WHEN r.month = $3 THEN r.position_sha256 ELSE p.sha256 END"
           " WHERE r.provider = $1 AND r.id = $2 AND r.state = 'done'",
    .parameters = 3,
};

enum pg_status pinned_position(struct pg *pg, const char *provider, const char *run, month_t month, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, month);
    return pg_run_one(pg, &select_position, &a, result);
}
