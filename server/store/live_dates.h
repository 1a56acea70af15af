/* Live dates of organisations, for the rules that ask whether a code is live on a day. */
#ifndef RECKONER_STORE_LIVE_DATES_H
#define RECKONER_STORE_LIVE_DATES_H

#include "store/pg.h"

/* One organisation: *from, and *to (first day no longer live; DATE_NONE while it is). PG_NONE: unknown. */
enum pg_status live_dates_of(struct pg *pg, const char *code, date_t *from, date_t *to);
/* All commissioners: columns code, live_from, live_to. */
enum pg_status live_dates_of_commissioners(struct pg *pg, PGresult **result);

#endif
