#include "store/sample.h"

enum pg_status sample_open_count(struct pg *pg, const char *provider, const char *statement, const char *organisation,
                                 int64_t *count)
{
    static const struct pg_statement s = {
        "sample_open_count",
        "SELECT count(*) FROM reckoner.audit_sample WHERE provider = $1 AND statement = $2 AND organisation = $3"
        " AND state NOT IN ('closed', 'void')",
        3};
    struct pg_args a;
    pg_args_id(&a, provider, statement);
    pg_arg_text(&a, organisation);
    return pg_get_i64(pg, &s, &a, count);
}

enum pg_status sample_promise(struct pg *pg, const struct sample_promise *p)
{
    static const struct pg_statement s = {
        "sample_promise",
        "INSERT INTO reckoner.audit_sample (provider, id, contract, commissioner, statement, method, size, "
        "nonce_sha256,"
        " organisation, person, promised_at) SELECT $1, $2, contract, commissioner, record, $4, $5, $6, $7, $8, $9"
        " FROM reckoner.statement WHERE provider = $1 AND record = $3",
        9};
    struct pg_args a;
    pg_args_id(&a, p->provider, p->id);
    pg_arg_text(&a, p->statement);
    pg_arg_text(&a, p->method);
    pg_arg_i64(&a, p->size);
    pg_arg_bytes(&a, p->nonce_sha256, 32);
    pg_arg_text(&a, p->organisation);
    pg_arg_text(&a, p->person);
    pg_arg_instant(&a, p->at);
    return pg_change(pg, &s, &a);
}

/* clang-format off */
#define VIEW                                                                                                           \
    "SELECT a.id AS sample, a.contract, a.commissioner, a.statement, a.method, a.size,"                                \
    " encode(a.nonce_sha256, 'hex') AS nonce_sha256, a.organisation, a.person, "                                       \
    PG_INSTANT("a.promised_at") " AS promised_at, a.state, a.nonce, "                                                  \
    PG_INSTANT("a.revealed_at") " AS revealed_at, a.checkpoint, encode(a.root, 'hex') AS root,"                        \
    " encode(a.seed, 'hex') AS seed, a.picks, (SELECT count(DISTINCT r.pick) FROM reckoner.audit_sample_rating r"      \
    " WHERE r.provider = a.provider AND r.sample = a.id) AS rated, a.confidence, a.closed_by, "                        \
    PG_INSTANT("a.closed_at") " AS closed_at, a.reason"
/* clang-format on */

enum pg_status sample_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result)
{
    static const struct pg_statement s = {"sample_list",
                                          VIEW " FROM reckoner.audit_sample a WHERE a.provider = $1"
                                               " AND ($2::timestamptz IS NULL OR (a.promised_at, a.id) < ($2, $3))"
                                               " ORDER BY a.promised_at DESC, a.id DESC LIMIT $4",
                                          4};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_args_newest(&a, page);
    return pg_run(pg, &s, &a, result);
}

#define ONE VIEW ", a.result FROM reckoner.audit_sample a WHERE a.provider = $1 AND a.id = $2"

enum pg_status sample_get(struct pg *pg, const char *provider, const char *id, bool for_update, PGresult **result)
{
    static const struct pg_statement get = {"sample_get", ONE, 2};
    static const struct pg_statement take = {"sample_take", ONE " FOR UPDATE", 2};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, for_update ? &take : &get, &a, result);
}

enum pg_status sample_reveal(struct pg *pg, const char *provider, const char *id, const char *nonce, instant_t at)
{
    static const struct pg_statement s = {
        "sample_reveal",
        "UPDATE reckoner.audit_sample SET state = 'revealed', nonce = $3, revealed_at = greatest($4, promised_at),"
        " checkpoint = c.size, root = c.root, seed = sha256(convert_to('reckoner/sample/1' || chr(10), 'UTF8') || "
        "c.root"
        " || convert_to($3, 'UTF8')) FROM reckoner.sample_checkpoint($2) c WHERE provider = $1 AND id = $2"
        " AND state = 'promised'",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, nonce);
    pg_arg_instant(&a, at);
    return pg_change(pg, &s, &a);
}

enum pg_status sample_rows(struct pg *pg, const char *provider, const char *id, int64_t after, int64_t limit,
                           PGresult **result)
{
    static const struct pg_statement s = {
        "sample_rows",
        "SELECT d.pick, d.month, d.row_no, d.cluster, d.team, d.pence, encode(d.hash, 'hex') AS hash, "
        "d.first_hit,"
        " d.hits, d.point, d.certain, r.cluster AS second_cluster, r.payable_days, r.person AS rated_by,"
        " " PG_INSTANT("r.at") " AS rated_at, coalesce(r.n, 0) AS ratings FROM reckoner.audit_sample_row d LEFT JOIN"
                               " LATERAL (SELECT * FROM reckoner.audit_sample_rating r WHERE r.provider = d.provider"
                               " AND r.sample = d.sample AND r.pick = d.pick ORDER BY r.n DESC LIMIT 1) r ON true"
                               " WHERE d.provider = $1 AND d.sample = $2 AND d.pick > $3 ORDER BY d.pick LIMIT $4",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status sample_rate(struct pg *pg, const struct sample_ratings *r, int64_t *added)
{
    static const struct pg_statement s = {
        "sample_rate",
        "INSERT INTO reckoner.audit_sample_rating (provider, sample, pick, n, cluster, payable_days, organisation, "
        "person,"
        " at) SELECT d.provider, d.sample, d.pick, 1 + (SELECT coalesce(max(b.n), 0) FROM reckoner.audit_sample_rating "
        "b"
        " WHERE b.provider = d.provider AND b.sample = d.sample AND b.pick = d.pick), g.cluster, g.payable_days,"
        " $4, $5, $6 FROM jsonb_to_recordset($3::jsonb) AS g(pick integer, cluster text, payable_days integer)"
        " JOIN reckoner.audit_sample_row d ON d.provider = $1 AND d.sample = $2 AND d.pick = g.pick",
        6};
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_id(&a, r->provider, r->sample);
    pg_arg_text(&a, r->list);
    pg_arg_text(&a, r->organisation);
    pg_arg_text(&a, r->person);
    pg_arg_instant(&a, r->at);
    int64_t count = pg_run_count(pg, &s, &a, &status);
    if (count >= 0)
        *added = count;
    return status;
}

enum pg_status sample_close(struct pg *pg, const char *provider, const char *id, int64_t confidence, const char *person,
                            instant_t at)
{
    static const struct pg_statement s = {
        "sample_close",
        "UPDATE reckoner.audit_sample SET state = 'closing', confidence = $3, closed_by = $4,"
        " closed_at = greatest($5, revealed_at) WHERE provider = $1 AND id = $2 AND state = 'drawn'",
        5};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, confidence);
    pg_arg_text(&a, person);
    pg_arg_instant(&a, at);
    return pg_change(pg, &s, &a);
}

enum pg_status sample_rows_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.audit_sample_row (provider, sample, pick, month, row_no, cluster, team,"
                         " pence, hash, first_hit, hits, point, certain) FROM STDIN (FORMAT binary)",
                         copy);
}

void sample_rows_add(struct pg_copy *copy, const char *provider, const char *id, int32_t pick,
                     const struct sample_drawn_row *row)
{
    pg_copy_row(copy, 13);
    pg_copy_string(copy, provider);
    pg_copy_string(copy, id);
    pg_copy_i32(copy, pick);
    pg_copy_date(copy, month_first(row->month));
    pg_copy_i32(copy, row->row_no);
    pg_copy_string(copy, row->cluster);
    pg_copy_string(copy, row->team);
    pg_copy_i64(copy, row->pence);
    if (row->hash != NULL) {
        pg_copy_bytes(copy, row->hash, 32);
        for (int i = 0; i < 4; i++)
            pg_copy_null(copy);
        return;
    }
    pg_copy_null(copy);
    pg_copy_i32(copy, row->first_hit);
    pg_copy_i32(copy, row->hits);
    pg_copy_i64(copy, row->point);
    pg_copy_bool(copy, row->certain);
}

enum pg_status sample_drawn(struct pg *pg, const char *provider, const char *id, int64_t picks)
{
    static const struct pg_statement s = {"sample_drawn",
                                          "UPDATE reckoner.audit_sample SET state = 'drawn', picks = $3"
                                          " WHERE provider = $1 AND id = $2 AND state = 'revealed'",
                                          3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, picks);
    return pg_change(pg, &s, &a);
}

enum pg_status sample_void(struct pg *pg, const char *provider, const char *id, const char *reason)
{
    static const struct pg_statement s = {"sample_void",
                                          "UPDATE reckoner.audit_sample SET state = 'void', reason = $3"
                                          " WHERE provider = $1 AND id = $2 AND state = 'revealed'",
                                          3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, reason);
    return pg_change(pg, &s, &a);
}

enum pg_status sample_result_write(struct pg *pg, const char *provider, const char *id, const char *result)
{
    static const struct pg_statement s = {"sample_result_write",
                                          "UPDATE reckoner.audit_sample SET state = 'closed', result = $3"
                                          " WHERE provider = $1 AND id = $2 AND state = 'closing'",
                                          3};
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_text(&a, result);
    return pg_change(pg, &s, &a);
}
