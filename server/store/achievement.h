/* CQUIN measures, proposed by one party of an account and agreed by the other. */
#ifndef RECKONER_STORE_ACHIEVEMENT_H
#define RECKONER_STORE_ACHIEVEMENT_H

#include "store/pg.h"

struct achievement {
    const char *provider;
    const char *contract;
    const char *commissioner;
    const char *indicator; /* id in the terms */
    int64_t n;             /* achievement_propose gives it */
    int64_t numerator;
    int64_t denominator; /* 0: not measured */
    const char *evidence;
    int64_t disputes;   /* n of the other party's measure that this one answers; 0: none */
    const char *side;   /* who proposes, or agrees: provider, commissioner */
    const char *person; /* ... */
    instant_t at;       /* ..., product clock */
};

/* *unknown: the contract has approved terms, and no version of them names the indicator (cquin.indicators), so that the
 * measure could never count. */
enum pg_status achievement_unknown(struct pg *pg, const struct achievement *m, bool *unknown);
/* The contract must be locked (contract_lock). PG_DUPLICATE: the measure is disputed already. PG_INVALID: there is no
 * such account, or the measure that it disputes is of the same party. */
enum pg_status achievement_propose(struct pg *pg, const struct achievement *m, int64_t *n);
/* PG_NONE: agreed already. PG_DUPLICATE: the other measure of the dispute is. */
enum pg_status achievement_agree(struct pg *pg, const struct achievement *m);
/* Columns indicator, n, numerator, denominator, evidence, disputes, state (proposed, disputed, agreed, or set_aside:
 * the other measure of the dispute was agreed), proposed_side, proposed_by, proposed_at, agreed_side, agreed_by,
 * agreed_at.
 */
enum pg_status achievement_get(struct pg *pg, const struct achievement *key, bool lock, PGresult **result);
/* In order of indicator and n, after those of the key. */
enum pg_status achievement_list(struct pg *pg, const struct achievement *after, int64_t limit, PGresult **result);

#endif
