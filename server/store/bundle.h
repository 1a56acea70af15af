/* What a bundle of a statement reads beside what its run pinned: the statement's place in its chain, what was billed
 * before it, the entries of the log. */
#ifndef RECKONER_STORE_BUNDLE_H
#define RECKONER_STORE_BUNDLE_H

#include "store/run.h"

struct bundle_subject {
    struct account_key account;
    char run[IDENT_SIZE];
    char previous[IDENT_SIZE]; /* record of the statement before; "": it is the first */
    instant_t sealed_at;
};
/* PG_NONE: no such statement. */
enum pg_status bundle_subject(struct pg *pg, const char *provider, const char *statement, struct bundle_subject *out);

/* Documents of settlement issued on the account by an instant, without instalments, by number: columns id, number,
 * kind, run, balance_pence, issued_at, statement (record of the run's statement). */
enum pg_status bundle_documents(struct pg *pg, const struct account_key *account, instant_t by, PGresult **result);
/* Opening entries agreed by an instant, in order: columns agreement, pence, agreed_at. */
enum pg_status bundle_openings(struct pg *pg, const struct account_key *account, instant_t by, PGresult **result);
/* The document that a run drafted, once it is issued: column id; no row otherwise. */
enum pg_status bundle_issued(struct pg *pg, const char *provider, const char *run, PGresult **result);

#endif
