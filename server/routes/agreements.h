/* What the kinds of agreements share that are proposed in files of their own. */
#ifndef RECKONER_ROUTES_AGREEMENTS_H
#define RECKONER_ROUTES_AGREEMENTS_H

#include "http/request.h"
#include "store/agreement.h"

/* Account, caller and instant of the request; the rest is for the route to fill. Borrowed from r. */
struct agreement agreement_addressed(struct request *r);
/* In the act's transaction, with the contract locked: writes the proposal and its number; the row of its kind follows.
 * PG_NONE: the caller is no party to such an account. */
enum pg_status agreement_open(struct request *r, struct agreement *g);
/* Audit event and reply, last in the act. */
enum pg_status agreement_finish(struct request *r, const char *act, const struct agreement *g);

#endif
