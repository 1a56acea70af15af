#include "store/account_view.h"

static const struct pg_statement select_account = {
    .name = "account_view",
    .sql = "SELECT a.contract, a.commissioner, reckoner.stands_for(a.commissioner, $4) AS stands_for, a.financial_year,"
           " c.mode, r.billing_head, coalesce(r.year_closed, false) AS year_closed, d.documents_pence,"
           " d.instalments_pence, reckoner.opening_entries_sum($1, $2, $3) AS opening_pence, d.balance_pence, r.queued"
           " FROM reckoner.account a JOIN reckoner.contract c ON c.provider = a.provider AND c.id = a.contract"
           " CROSS JOIN LATERAL (SELECT max(month) FILTER (WHERE state = 'done' AND billing_sha256 IS NOT NULL)"
           "   AS billing_head, bool_or(type = 'FINAL' AND state = 'done') AS year_closed,"
           "   count(*) FILTER (WHERE state = 'queued') AS queued FROM reckoner.run x WHERE x.provider = a.provider"
           "   AND x.contract = a.contract AND x.commissioner = a.commissioner) r"
           " CROSS JOIN LATERAL (SELECT"
           "   coalesce(sum(balance_pence) FILTER (WHERE state = 'issued' AND instalment IS NULL), 0)::bigint"
           "   AS documents_pence,"
           "   coalesce(sum(balance_pence) FILTER (WHERE state = 'issued' AND instalment IS NOT NULL), 0)::bigint"
           "   AS instalments_pence,"
           "   sum(balance_pence) FILTER (WHERE state IN ('draft', 'proposed') AND instalment IS NULL)::bigint"
           "   AS balance_pence FROM reckoner.document x WHERE x.provider = a.provider AND x.contract = a.contract"
           "   AND x.commissioner = a.commissioner) d"
           " WHERE a.provider = $1 AND a.contract = $2 AND a.commissioner = $3",
    .parameters = 4,
};

enum pg_status account_view(struct pg *pg, const struct account_key *account, date_t on, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_date(&a, on);
    return pg_run_one(pg, &select_account, &a, result);
}

/* A run is overtaken by one of its month that is done and was asked for later; FLEX also by any FREEZE. */
static const struct pg_statement select_stopped = {
    .name = "stopped_list",
    .sql =
        "WITH stopped AS ("
        " SELECT r.id, r.id AS run, j.id AS job, r.contract, r.commissioner, r.month, r.type, r.n, r.state, r.hold,"
        "  r.hold_month, r.reason, r.finished_at AS since, j.kind AS job_kind FROM reckoner.run r"
        "  LEFT JOIN LATERAL (SELECT id, kind FROM reckoner.job WHERE provider = r.provider AND subject = r.id"
        "   AND state = 'failed' ORDER BY created_at DESC LIMIT 1) j ON true"
        "  WHERE r.provider = $1 AND r.state IN ('parked', 'failed') AND r.type <> 'PREVIEW'"
        "  AND NOT EXISTS (SELECT FROM reckoner.run o WHERE o.provider = r.provider AND o.contract = r.contract"
        "   AND o.commissioner = r.commissioner AND o.month >= r.month AND o.state = 'done' AND o.type <> 'PREVIEW'"
        "   AND (o.requested_at > r.requested_at AND o.type <> 'FLEX' AND r.type <> 'FREEZE'"
        "    OR r.type = 'FLEX' AND o.month = r.month AND o.type = 'FREEZE'))"
        " UNION ALL"
        " SELECT j.id, NULL, j.id, j.subject, NULL, NULL, NULL, NULL, j.state, 'fault', NULL, j.problem, j.finished_at,"
        "  j.kind FROM reckoner.job j WHERE j.provider = $1 AND j.state = 'failed'"
        "  AND j.kind IN ('resettle', 'instalment') AND NOT EXISTS (SELECT FROM reckoner.job o"
        "   WHERE o.provider = j.provider AND o.kind = j.kind AND o.subject = j.subject"
        "   AND o.created_at > j.created_at))"
        " SELECT id, run, job, contract, commissioner, month, type, n, state, hold, hold_month, reason, job_kind,"
        "  (extract(epoch FROM since) * 1000000)::bigint AS since FROM stopped"
        " WHERE ($2::text IS NULL OR contract = $2)"
        " AND ($3::text IS NULL OR coalesce(commissioner, $3) = $3) AND id > $4 ORDER BY id LIMIT $5",
    .parameters = 5,
};

enum pg_status stopped_list(struct pg *pg, const struct stopped_query *q, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, q->provider, q->contract);
    pg_arg_text(&a, q->commissioner);
    pg_arg_text(&a, q->after);
    pg_arg_i64(&a, q->limit);
    return pg_run(pg, &select_stopped, &a, result);
}

static const struct pg_statement select_drafts = {
    .name = "account_drafts",
    .sql = "SELECT id, kind, state, instalment, balance_pence, proposed_by FROM reckoner.document"
           " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND state IN ('draft', 'proposed')"
           " ORDER BY instalment NULLS FIRST",
    .parameters = 3,
};

enum pg_status account_drafts(struct pg *pg, const struct account_key *account, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &select_drafts, &a, result);
}
