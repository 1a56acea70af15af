/* Shared by the routes of the terms. */
#ifndef RECKONER_ROUTES_TERMS_H
#define RECKONER_ROUTES_TERMS_H

#include "routes/common.h"

/* A version without its content, as lists show it. */
extern const struct column terms_columns[];

/* GET .../terms?as_known_on=: the versions known by the end of a day, and which of them holds for each month. */
void terms_list_as_known(struct request *r);

#endif
