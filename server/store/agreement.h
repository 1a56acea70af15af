/* What one party of an account proposes and a person of the other agrees: one mechanism for adjustments, opening
 * entries, months without activity and decisions of withholds. Texts are borrowed. */
#ifndef RECKONER_STORE_AGREEMENT_H
#define RECKONER_STORE_AGREEMENT_H

#include "store/run.h"

struct agreement {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int64_t n;        /* agreement_propose gives it */
    const char *kind; /* adjustment, opening_entry, month_without_activity, withhold_decision */
    month_t month;    /* not for opening_entry */
    const char *body; /* what is agreed, canonical JSON */
    const char *once; /* what can be agreed but once, by a name; NULL: as often as they like */
    const char *side; /* who proposes, or closes: provider, commissioner */
    const char *organisation;
    const char *person;
    instant_t at; /* product clock */
};

/* The contract must be locked (contract_lock), and the row of the kind's own table must follow in the transaction.
 * PG_DUPLICATE: it is open or agreed already. PG_INVALID: no such account. */
enum pg_status agreement_propose(struct pg *pg, const struct agreement *g, int64_t *n);

/* pence: what the commissioner owes more. reverses: n of the adjustment that this one takes back, 0 for none; then
 * month, in_cquin and the sum (of the other sign) are those of that one, or PG_INVALID. */
enum pg_status adjustment_add(struct pg *pg, const struct agreement *g, int64_t pence, const char *label, bool in_cquin,
                              int64_t reverses);
/* An agreed adjustment: columns month, pence, in_cquin. PG_NONE: there is none of this number. */
enum pg_status adjustment_agreed(struct pg *pg, const struct agreement *g, int64_t n, PGresult **result);
enum pg_status opening_entry_add(struct pg *pg, const struct agreement *g, const char *number, date_t issued_on,
                                 int64_t pence);
/* counts_as: zero, estimate. */
enum pg_status month_without_activity_add(struct pg *pg, const struct agreement *g, const char *counts_as);
/* decision: released, kept. PG_INVALID: no such withhold is imposed on the month. */
enum pg_status withhold_decision_add(struct pg *pg, const struct agreement *g, const char *withhold,
                                     const char *decision, int64_t pence);
/* The decision proposed under g's number: columns month, pence, and once (its withhold's line in a position). PG_NONE:
 * g is of another kind. */
enum pg_status withhold_decision_get(struct pg *pg, const struct agreement *g, PGresult **result);

/* outcome: agreed, refused (with the reason why), withdrawn. PG_NONE: closed already. */
enum pg_status agreement_close(struct pg *pg, const struct agreement *g, const char *outcome, const char *refusal);

/* Columns n, kind, month, body, digest, proposed_side, proposed_by, proposed_at, outcome, closed_side, closed_by,
 * closed_at, refusal. */
enum pg_status agreement_get(struct pg *pg, const struct agreement *key, bool lock, PGresult **result);
/* In order of n, after that of the key; of one kind, or of all for NULL. */
enum pg_status agreement_list(struct pg *pg, const struct agreement *after, const char *kind, int64_t limit,
                              PGresult **result);

/* Sum of the account's agreed opening entries: pence that documents issued elsewhere billed. */
enum pg_status opening_entries_sum(struct pg *pg, const struct account_key *account, int64_t *pence);

#endif
