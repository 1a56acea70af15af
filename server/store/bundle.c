#include "store/bundle.h"

#include <stdio.h>

enum pg_status bundle_subject(struct pg *pg, const char *provider, const char *statement, struct bundle_subject *out)
{
    static const struct pg_statement s = {
        "bundle_subject",
        "SELECT s.contract, s.commissioner, s.run, p.record AS previous, " PG_INSTANT(
            "x.sealed_at") " AS sealed_at FROM reckoner.statement s JOIN reckoner.signed_record x ON x.provider = "
                           "s.provider"
                           " AND x.id = s.record LEFT JOIN reckoner.statement p ON p.provider = s.provider AND "
                           "p.contract = s.contract"
                           " AND p.commissioner = s.commissioner AND p.seq = s.seq - 1 WHERE s.provider = $1 AND "
                           "s.record = $2",
        2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, statement);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    (void)snprintf(out->account.provider, sizeof out->account.provider, "%s", provider);
    (void)snprintf(out->account.contract, sizeof out->account.contract, "%s", pg_text(r, 0, "contract"));
    (void)snprintf(out->account.commissioner, sizeof out->account.commissioner, "%s", pg_text(r, 0, "commissioner"));
    (void)snprintf(out->run, sizeof out->run, "%s", pg_text(r, 0, "run"));
    (void)snprintf(out->previous, sizeof out->previous, "%s", pg_text(r, 0, "previous"));
    out->sealed_at = pg_instant(r, 0, "sealed_at");
    PQclear(r);
    return PG_OK;
}

static enum pg_status of_account(struct pg *pg, const struct pg_statement *s, const struct account_key *account,
                                 instant_t by, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_instant(&a, by);
    return pg_run(pg, s, &a, result);
}

enum pg_status bundle_documents(struct pg *pg, const struct account_key *account, instant_t by, PGresult **result)
{
    static const struct pg_statement s = {
        "bundle_documents",
        "SELECT d.id, d.number, d.kind, d.run, d.balance_pence, " PG_INSTANT(
            "d.issued_at") " AS issued_at, s.record AS statement FROM reckoner.document d JOIN reckoner.statement s"
                           " ON s.provider = d.provider AND s.run = d.run WHERE d.provider = $1 AND d.contract = $2"
                           " AND d.commissioner = $3 AND d.state = 'issued' AND d.instalment IS NULL AND d.issued_at "
                           "<= $4"
                           " ORDER BY d.number",
        4};
    return of_account(pg, &s, account, by, result);
}

enum pg_status bundle_openings(struct pg *pg, const struct account_key *account, instant_t by, PGresult **result)
{
    static const struct pg_statement s = {
        "bundle_openings",
        "SELECT o.n AS agreement, o.pence, " PG_INSTANT(
            "g.closed_at") " AS agreed_at FROM reckoner.opening_entry o JOIN reckoner.agreement g USING (provider, "
                           "contract, commissioner,"
                           " n) WHERE o.provider = $1 AND o.contract = $2 AND o.commissioner = $3 AND g.outcome = "
                           "'agreed'"
                           " AND g.closed_at <= $4 ORDER BY o.n",
        4};
    return of_account(pg, &s, account, by, result);
}

enum pg_status bundle_issued(struct pg *pg, const char *provider, const char *run, PGresult **result)
{
    static const struct pg_statement s = {
        "bundle_issued", "SELECT id FROM reckoner.document WHERE provider = $1 AND run = $2 AND state = 'issued'", 2};
    struct pg_args a;
    pg_args_id(&a, provider, run);
    return pg_run(pg, &s, &a, result);
}
