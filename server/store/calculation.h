/* Questions about an account whose answer issues nothing, and their answers: asked for, made by the worker, removed. */
#ifndef RECKONER_STORE_CALCULATION_H
#define RECKONER_STORE_CALCULATION_H

#include "store/allowance.h"
#include "store/run.h"

/* Most calculations of one organisation that wait or are being made. */
#define CALCULATIONS_WAITING 8
/* Longest answer, in bytes; the table has the same bound. */
#define CALCULATION_RESULT_MAXIMUM (16 * 1024 * 1024)

/* What is asked for. Texts are borrowed. */
struct calculation_request {
    const char *provider;
    const char *contract;
    const char *commissioner;
    const char *id;
    const char *kind;    /* bridge, forecast, what_if, position */
    const char *request; /* canonical JSON */
    const char *terms;   /* of a what_if, canonical JSON; NULL otherwise */
    const char *organisation;
    const char *person;
    instant_t at;
};
/* In the transaction that asks. */
enum pg_status calculation_allowance(struct pg *pg, const char *organisation, instant_t at, int64_t per_day,
                                     enum allowance *left);
/* PG_INVALID: there is no such account. */
enum pg_status calculation_ask(struct pg *pg, const struct calculation_request *c);

/* Newest first, below (asked_at, id) of the cursor (before INSTANT_NONE: from the top); kind NULL: all. Columns as
 * calculation_get, without result. */
enum pg_status calculation_list(struct pg *pg, const char *provider, const char *contract, const char *kind,
                                const struct pg_newest *page, PGresult **result);
/* Columns calculation, kind, commissioner, request, person, asked_at, state, known_at, finished_at, reason, sha256
 * (hexadecimal), remove_after, result. PG_NONE: none that the caller may see. */
enum pg_status calculation_get(struct pg *pg, const char *provider, const char *contract, const char *id,
                               PGresult **result);

/* Worker. Whose account is asked about. PG_NONE: no such calculation. */
enum pg_status calculation_account(struct pg *pg, const char *provider, const char *id, struct account_key *account);
/* Worker. Locks the row until the transaction ends. Columns contract, commissioner, kind, request, terms, state,
 * asked_at. */
enum pg_status calculation_take(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Worker. The answer, or with result NULL the state (parked, failed) and reason. */
struct calculation_outcome {
    const char *state;
    const char *reason; /* NULL with an answer */
    const char *result; /* canonical JSON */
    instant_t known_at;
    instant_t at;
    int64_t keep_days; /* wall clock */
};
enum pg_status calculation_finish(struct pg *pg, const char *provider, const char *id,
                                  const struct calculation_outcome *o);
/* Worker. Removes results and terms whose time is over. */
enum pg_status calculation_expire(struct pg *pg, int64_t *removed);

#endif
