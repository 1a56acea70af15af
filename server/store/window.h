/* What decides whether a month is open: contracts of a provider, their terms in force and their exceptions.
 * The judgement is domain/contract_window.h's. */
#ifndef RECKONER_STORE_WINDOW_H
#define RECKONER_STORE_WINDOW_H

#include "store/pg.h"

/* Contracts of the provider for the month's financial year, by id: columns contract, body (null without approved
 * terms) and exception (a granted one covers begun_at). known_at: terms approved later are not known yet. */
enum pg_status window_contracts(struct pg *pg, const char *provider, month_t month, instant_t begun_at,
                                instant_t known_at, PGresult **result);

/* Whether a FREEZE run has frozen the month for the contract. */
enum pg_status window_frozen(struct pg *pg, const char *provider, const char *contract, month_t month, bool *frozen);

#endif
