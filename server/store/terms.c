#include "store/terms.h"

static const struct pg_statement add = {
    "terms_add",
    "INSERT INTO reckoner.terms (provider, contract, version, mode, effective_from, digest, body, author, created_at)"
    " SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7, $8 FROM reckoner.terms"
    " WHERE provider = $1 AND contract = $2 RETURNING version",
    8};

enum pg_status terms_add(struct pg *pg, const struct terms_draft *d, int64_t *version)
{
    struct pg_args a;
    pg_args_id(&a, d->provider, d->contract);
    pg_arg_text(&a, d->mode);
    pg_arg_month(&a, d->effective_from);
    pg_arg_bytes(&a, d->digest, 32);
    pg_arg_text(&a, d->body);
    pg_arg_text(&a, d->author);
    pg_arg_instant(&a, d->created_at);
    return pg_get_i64(pg, &add, &a, version);
}

static enum pg_status run_changing(struct pg *pg, const struct pg_statement *s, const struct pg_args *a)
{
    enum pg_status status = PG_OK;
    int64_t changed = pg_run_count(pg, s, a, &status);
    return status == PG_OK && changed == 0 ? PG_NONE : status;
}

static void key_args(struct pg_args *a, const char *provider, const char *contract, int64_t version)
{
    pg_args_id(a, provider, contract);
    pg_arg_i64(a, version);
}

static const struct pg_statement replace = {
    "terms_replace",
    "UPDATE reckoner.terms SET effective_from = $4, digest = $5, body = $6, author = $7, revision = revision + 1"
    " WHERE provider = $1 AND contract = $2 AND version = $3 AND state = 'draft' AND revision = $8",
    8};

enum pg_status terms_replace(struct pg *pg, const struct terms_draft *d, int64_t revision)
{
    struct pg_args a;
    key_args(&a, d->provider, d->contract, d->version);
    pg_arg_month(&a, d->effective_from);
    pg_arg_bytes(&a, d->digest, 32);
    pg_arg_text(&a, d->body);
    pg_arg_text(&a, d->author);
    pg_arg_i64(&a, revision);
    return run_changing(pg, &replace, &a);
}

static const struct pg_statement withdraw = {
    "terms_withdraw",
    "UPDATE reckoner.terms SET state = 'withdrawn', revision = revision + 1"
    " WHERE provider = $1 AND contract = $2 AND version = $3 AND state = 'draft' AND revision = $4",
    4};

enum pg_status terms_withdraw(struct pg *pg, const char *provider, const char *contract, int64_t version,
                              int64_t revision)
{
    struct pg_args a;
    key_args(&a, provider, contract, version);
    pg_arg_i64(&a, revision);
    return run_changing(pg, &withdraw, &a);
}

static const struct pg_statement set_approved = {
    "terms_set_approved",
    "UPDATE reckoner.terms SET state = 'approved', known_from = $4, revision = revision + 1"
    " WHERE provider = $1 AND contract = $2 AND version = $3 AND state = 'draft'",
    4};

enum pg_status terms_set_approved(struct pg *pg, const char *provider, const char *contract, int64_t version,
                                  instant_t known_from)
{
    struct pg_args a;
    key_args(&a, provider, contract, version);
    pg_arg_instant(&a, known_from);
    return run_changing(pg, &set_approved, &a);
}

#define COLUMNS                                                                                                        \
    "SELECT t.version, t.state, t.effective_from, encode(t.digest, 'hex') AS digest, t.author,"                        \
    " (extract(epoch FROM t.created_at) * 1000000)::bigint AS created_at,"                                             \
    " (extract(epoch FROM t.known_from) * 1000000)::bigint AS known_from, t.revision,"                                 \
    " (SELECT count(*) FROM reckoner.terms_approval a WHERE a.provider = t.provider AND a.contract = t.contract"       \
    "   AND a.version = t.version) AS approvals,"                                                                      \
    " EXISTS (SELECT FROM reckoner.person p WHERE p.id = t.author"                                                     \
    "   AND p.organisation = current_setting('reckoner.organisation', true)) AS ours"

static const struct pg_statement get = {"terms_get",
                                        COLUMNS ", t.body FROM reckoner.terms t"
                                                " WHERE t.provider = $1 AND t.contract = $2 AND t.version = $3",
                                        3};
static const struct pg_statement get_locked = {
    "terms_get_locked",
    COLUMNS ", t.body FROM reckoner.terms t"
            " WHERE t.provider = $1 AND t.contract = $2 AND t.version = $3 FOR UPDATE OF t",
    3};

enum pg_status terms_get(struct pg *pg, const char *provider, const char *contract, int64_t version, bool lock,
                         PGresult **result)
{
    struct pg_args a;
    key_args(&a, provider, contract, version);
    return pg_run_one(pg, lock ? &get_locked : &get, &a, result);
}

static const struct pg_statement list = {"terms_list",
                                         COLUMNS " FROM reckoner.terms t WHERE t.provider = $1 AND t.contract = $2"
                                                 " AND ($3 = 0 OR t.version < $3) ORDER BY t.version DESC LIMIT $4",
                                         4};

enum pg_status terms_list(struct pg *pg, const char *provider, const char *contract, int64_t before, int64_t limit,
                          PGresult **result)
{
    struct pg_args a;
    key_args(&a, provider, contract, before);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement list_known = {
    "terms_list_known",
    COLUMNS " FROM reckoner.terms t WHERE t.provider = $1 AND t.contract = $2 AND t.state = 'approved'"
            " AND t.known_from <= $3 ORDER BY t.known_from DESC, t.version DESC LIMIT 500",
    3};

enum pg_status terms_list_known(struct pg *pg, const char *provider, const char *contract, instant_t known_at,
                                PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_instant(&a, known_at);
    return pg_run(pg, &list_known, &a, result);
}

static const struct pg_statement approve = {
    "terms_approve",
    "INSERT INTO reckoner.terms_approval (provider, contract, version, side, digest, author, organisation, person,"
    " approved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (provider, contract, version, side) DO "
    "NOTHING",
    9};

enum pg_status terms_approve(struct pg *pg, const struct terms_approval *approval, bool *added)
{
    struct pg_args a;
    key_args(&a, approval->provider, approval->contract, approval->version);
    pg_arg_text(&a, approval->side);
    pg_arg_bytes(&a, approval->digest, 32);
    pg_arg_text(&a, approval->author);
    pg_arg_text(&a, approval->organisation);
    pg_arg_text(&a, approval->person);
    pg_arg_instant(&a, approval->approved_at);
    enum pg_status status = PG_OK;
    *added = pg_run_count(pg, &approve, &a, &status) == 1;
    return status;
}

static const struct pg_statement approvals = {
    "terms_approvals",
    "SELECT side, encode(digest, 'hex') AS digest, organisation, person,"
    " (extract(epoch FROM approved_at) * 1000000)::bigint AS approved_at FROM reckoner.terms_approval"
    " WHERE provider = $1 AND contract = $2 AND version = $3 ORDER BY approved_at, side",
    3};

enum pg_status terms_approvals(struct pg *pg, const char *provider, const char *contract, int64_t version,
                               PGresult **result)
{
    struct pg_args a;
    key_args(&a, provider, contract, version);
    return pg_run(pg, &approvals, &a, result);
}

static const struct pg_statement submissions = {
    "terms_submissions",
    "SELECT id FROM (SELECT DISTINCT ON (month) id FROM reckoner.submission WHERE provider = $1 AND state = 'accepted'"
    "   AND month BETWEEN $3 AND $4 ORDER BY month, version DESC) latest"
    " UNION SELECT s.id FROM reckoner.frozen_month f JOIN reckoner.submission s"
    "   ON s.provider = f.provider AND s.no = f.submission"
    "   WHERE f.provider = $1 AND f.contract = $2 AND f.month BETWEEN $3 AND $4 ORDER BY id",
    4};

enum pg_status terms_submissions(struct pg *pg, const char *provider, const char *contract, month_t from, month_t to,
                                 PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, from);
    pg_arg_month(&a, to);
    return pg_run(pg, &submissions, &a, result);
}
