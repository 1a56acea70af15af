/* How much one organisation may ask for of what the worker makes: so many that wait at once, so many in 24 hours. */
#ifndef RECKONER_STORE_ALLOWANCE_H
#define RECKONER_STORE_ALLOWANCE_H

#include "store/pg.h"

enum allowance {
    ALLOWANCE_LEFT,    /* one more may be asked for */
    ALLOWANCE_WAITING, /* as many wait, or are being made, as may */
    ALLOWANCE_DAILY    /* as many were asked for in the last 24 hours as may be */
};

/* In the transaction that asks: until it ends, nobody else of the organisation is let in for these things. */
enum pg_status allowance_lock(struct pg *pg, const char *things, const char *organisation);
/* counted: one row with the columns waiting and today. */
enum allowance allowance_judge(const PGresult *counted, int64_t most_waiting, int64_t per_day);
/* Locks, counts and judges. `count` takes the organisation and the instant `at`, from which the 24 hours go back. */
enum pg_status allowance_look(struct pg *pg, const char *things, const char *organisation,
                              const struct pg_statement *count, instant_t at, int64_t most_waiting, int64_t per_day,
                              enum allowance *left);

#endif
