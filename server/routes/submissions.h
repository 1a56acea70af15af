/* What the routes of submissions share. */
#ifndef RECKONER_ROUTES_SUBMISSIONS_H
#define RECKONER_ROUTES_SUBMISSIONS_H

#include "routes/handlers.h"
#include "store/submission.h"

/* A submission as shown; a new reference, NULL when memory ran out. */
json_t *submission_json(const struct submission *s);

#endif
