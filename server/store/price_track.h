/* How the prices of a contract came about: entries that are added and never changed. */
#ifndef RECKONER_STORE_PRICE_TRACK_H
#define RECKONER_STORE_PRICE_TRACK_H

#include "store/pg.h"

/* Texts are borrowed. */
struct price_entry {
    const char *provider;
    const char *contract;
    const char *cluster;
    const char *basis;
    const char *scope; /* "" when nothing narrows the price */
    int64_t n;         /* filled in when it is added */
    const char *stage; /* first_cut, amended, uplift, efficiency */
    int64_t pence;
    const char *source;
    const char *confidence; /* low, medium, high */
    const char *note;       /* NULL: none */
    const char *organisation;
    const char *person;
    instant_t at;
};

/* The contract must be locked (contract_lock). PG_INVALID: no such contract, or the stage comes before the last one's
 * (pg_constraint names price_track_order). */
enum pg_status price_track_add(struct pg *pg, const struct price_entry *e, int64_t *n);
/* Each price of an approved version as shadow or contract price, unless that is what was entered for it last. The
 * contract must be locked. */
enum pg_status price_track_agreed(struct pg *pg, const struct price_entry *who, int64_t version);

/* By cluster, basis, n and scope, behind those of `after` (cluster "": from the start); cluster NULL: all. Columns
 * cluster, basis, scope, n, stage, pence, source, confidence, note, version, organisation, person, at. */
enum pg_status price_track_list(struct pg *pg, const struct price_entry *after, const char *cluster, int64_t limit,
                                PGresult **result);

#endif
