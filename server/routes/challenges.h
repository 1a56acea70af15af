/* What the files of challenges share. */
#ifndef RECKONER_ROUTES_CHALLENGES_H
#define RECKONER_ROUTES_CHALLENGES_H

#include "http/request.h"
#include "store/challenge.h"

/* Account, caller and instant of the request; the rest is for the route to fill. Borrowed from r. */
struct challenge challenge_addressed(struct request *r);
/* Whether a code is one that a challenge may give as its reason. */
bool challenge_is_reason(const char *code);
/* Audit event and reply, last in the act. */
enum pg_status challenge_finish(struct request *r, const char *act, const struct challenge *c);

#endif
