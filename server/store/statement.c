#include "store/statement.h"

#include <string.h>

static const struct pg_statement select_last = {
    .name = "statement_last",
    .sql = "SELECT s.seq, r.sha256 FROM reckoner.statement s"
           " JOIN reckoner.signed_record r ON r.provider = s.provider AND r.id = s.record"
           " WHERE s.provider = $1 AND s.contract = $2 AND s.commissioner = $3 ORDER BY s.seq DESC LIMIT 1",
    .parameters = 3,
};

enum pg_status statement_last(struct pg *pg, const struct account_key *account, struct statement_link *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_last, &a, &r);
    if (status == PG_NONE) {
        memset(out, 0, sizeof *out);
        return PG_OK;
    }
    if (status != PG_OK)
        return status;
    out->seq = pg_i64(r, 0, "seq");
    if (pg_bytes(r, 0, "sha256", out->sha256, sizeof out->sha256) != (int)sizeof out->sha256)
        status = PG_FAILED;
    PQclear(r);
    return status;
}

static const struct pg_statement insert_statement = {
    .name = "statement_insert",
    .sql = "INSERT INTO reckoner.statement (provider, contract, commissioner, seq, run, record, previous)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7)",
    .parameters = 7,
};

enum pg_status statement_insert(struct pg *pg, const struct account_key *account, const struct statement_link *previous,
                                const char *run, const char *record)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_i64(&a, previous->seq + 1);
    pg_arg_text(&a, run);
    pg_arg_text(&a, record);
    pg_arg_bytes(&a, previous->seq == 0 ? NULL : previous->sha256, sizeof previous->sha256);
    return pg_run(pg, &insert_statement, &a, NULL);
}

/* clang-format off */
#define VIEW                                                                                                           \
    "SELECT s.seq, s.record AS id, s.contract, s.commissioner, s.run, r.month, r.type, r.n,"                           \
    " encode(x.sha256, 'hex') AS sha256, encode(s.previous, 'hex') AS previous, x.key_id,"                             \
    " (extract(epoch FROM x.sealed_at) * 1000000)::bigint AS sealed_at"                                                \
    " FROM reckoner.statement s JOIN reckoner.run r ON r.provider = s.provider AND r.id = s.run"                       \
    " JOIN reckoner.signed_record x ON x.provider = s.provider AND x.id = s.record"
/* clang-format on */

static const struct pg_statement list_statements = {
    .name = "statement_list",
    .sql = VIEW " WHERE s.provider = $1 AND s.contract = $2 AND s.commissioner = $3 AND ($4::bigint = 0 OR s.seq < $4)"
                " ORDER BY s.seq DESC LIMIT $5",
    .parameters = 5,
};

enum pg_status statement_list(struct pg *pg, const struct account_key *account, int64_t below, int64_t limit,
                              PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_i64(&a, below);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list_statements, &a, result);
}

static const struct pg_statement view_statement = {
    .name = "statement_view",
    .sql = VIEW " WHERE s.provider = $1 AND s.record = $2",
    .parameters = 2,
};

enum pg_status statement_view(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &view_statement, &a, result);
}
