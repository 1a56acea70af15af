/* Exceptions: closed months opened again for one contract. */
#ifndef RECKONER_STORE_EXCEPTION_H
#define RECKONER_STORE_EXCEPTION_H

#include "store/pg.h"

struct exception {
    const char *provider;
    const char *contract;
    month_t month;
    int64_t n; /* exception_ask gives it */
    const char *reason;
    const char *side;     /* who asks, or decides: provider, commissioner */
    const char *person;   /* ... */
    instant_t at;         /* ..., product clock */
    const char *decision; /* granted, refused */
    instant_t closes_at;  /* granted: end of the opening */
};

/* The contract must be locked (contract_lock). */
enum pg_status exception_ask(struct pg *pg, const struct exception *e, int64_t *n);
/* PG_NONE: decided already. */
enum pg_status exception_decide(struct pg *pg, const struct exception *e);
/* Columns month, n, reason, asked_side, asked_by, asked_at, decision, decided_side, decided_by, decided_at,
 * closes_at. */
enum pg_status exception_get(struct pg *pg, const char *provider, const char *contract, month_t month, int64_t n,
                             bool lock, PGresult **result);
/* In order of month and n, after those of the cursor. */
enum pg_status exception_list(struct pg *pg, const char *provider, const char *contract, month_t after_month,
                              int64_t after_n, int64_t limit, PGresult **result);

#endif
