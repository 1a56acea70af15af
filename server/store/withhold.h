/* Withholds that a commissioner has imposed on a month of its account. How one ends is an agreement (agreement.h). */
#ifndef RECKONER_STORE_WITHHOLD_H
#define RECKONER_STORE_WITHHOLD_H

#include "store/pg.h"

struct withhold {
    const char *provider;
    const char *contract;
    const char *commissioner;
    month_t month;
    const char *id; /* in the terms */
    const char *reason;
    const char *person; /* of the commissioner */
    instant_t at;       /* product clock */
};

/* *unknown: no approved version of the terms has a withhold of this id, so that it would hold back nothing. */
enum pg_status withhold_unknown(struct pg *pg, const struct withhold *w, bool *unknown);
/* PG_DUPLICATE: it is imposed on the month already. PG_INVALID: no such account. */
enum pg_status withhold_impose(struct pg *pg, const struct withhold *w);
/* Columns month, id, reason, imposed_by, imposed_at, decision, decided_pence, agreement (the number of the agreement
 * that decided; null while open, like the two before). */
enum pg_status withhold_get(struct pg *pg, const struct withhold *key, PGresult **result);
/* In order of month and id, after those of the key. */
enum pg_status withhold_list(struct pg *pg, const struct withhold *after, int64_t limit, PGresult **result);

/* What the newest done run that counts it holds back: columns pence, and type, n and month of that run. PG_NONE: none
 * has counted it yet. key needs provider, contract, commissioner and month; line_key is its line's in a position. */
enum pg_status withhold_counted(struct pg *pg, const struct withhold *key, const char *line_key, PGresult **result);

#endif
