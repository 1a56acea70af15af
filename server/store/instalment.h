/* Instalments of accounts whose billing is on account: what was issued, and the open drafts. They are rows of
 * reckoner.document and issued as such (store/document.h). */
#ifndef RECKONER_STORE_INSTALMENT_H
#define RECKONER_STORE_INSTALMENT_H

#include "domain/billing.h"
#include "store/run.h"

/* What the account's instalments come to so far, opening entries included: these stand for the instalments to the month
 * of the last of them. opening_pence: their part. */
enum pg_status instalments_issued(struct pg *pg, const struct account_key *account, struct instalments_issued *out,
                                  int64_t *opening_pence);
/* The open drafts of the account, by k: columns id, instalment, position_pence, billed_pence, opening_pence,
 * eacv_pence, bill_to. */
enum pg_status instalments_open(struct pg *pg, const struct account_key *account, PGresult **result);
/* An open draft gives way. */
enum pg_status instalment_supersede(struct pg *pg, const char *provider, const char *id, instant_t at);
/* Whether the account has instalments at all, open or issued. */
enum pg_status instalments_any(struct pg *pg, const struct account_key *account, bool *any);

#endif
