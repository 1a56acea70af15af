/* What the routes of re-attribution share. */
#ifndef RECKONER_ROUTES_REATTRIBUTIONS_H
#define RECKONER_ROUTES_REATTRIBUTIONS_H

#include "http/request.h"
#include "store/reattribution.h"

/* The act of the path's provider, by the caller; n is 0 and side NULL. */
struct reattribution reattribution_addressed(const struct request *r);
/* Replies 201 with the act as it is now, and writes the audit event. */
enum pg_status reattribution_finish(struct request *r, const char *act, const struct reattribution *g);

#endif
