/* Accounts as people see them: what is settled and billed, and what has stopped. */
#ifndef RECKONER_STORE_ACCOUNT_VIEW_H
#define RECKONER_STORE_ACCOUNT_VIEW_H

#include "store/run.h"

/* Columns contract, commissioner, stands_for (null: closed, nobody does), financial_year, mode, billing_head (null:
 * nothing billed), year_closed, documents_pence, instalments_pence, opening_pence, balance_pence (open draft of
 * settlement; null: none), queued (runs). on: today by the product clock. PG_NONE: no such account, or none of the
 * caller's. */
enum pg_status account_view(struct pg *pg, const struct account_key *account, date_t on, PGresult **result);

/* Runs that are parked or failed and that no later run has overtaken, and failed jobs that settle whole contracts.
 * Columns id (cursor), run (null for a job), job, contract, commissioner (null for a job), month, type, n, state, hold,
 * hold_month, reason, since, job_kind. By id, behind `after` ("" = from the top). contract, commissioner NULL: any.
 * Previews are left out. */
struct stopped_query {
    const char *provider;
    const char *contract;
    const char *commissioner;
    const char *after;
    int64_t limit;
};
enum pg_status stopped_list(struct pg *pg, const struct stopped_query *q, PGresult **result);

/* Open drafts of the account: columns id, kind, state, instalment, balance_pence, proposed_by. */
enum pg_status account_drafts(struct pg *pg, const struct account_key *account, PGresult **result);

#endif
