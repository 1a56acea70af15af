/* The ways out of a state that is not final, as data: what can be done, by whom, and with which request. */
#ifndef RECKONER_ROUTES_ACTIONS_H
#define RECKONER_ROUTES_ACTIONS_H

#include "base/json.h"
#include "store/pg.h"

/* Of a row with the columns of store/account_view.h stopped_list, or of run_view: an array of {act, method, href, by},
 * with body where the request has one that is known. Empty for a run that is queued or done. NULL: out of memory. */
json_t *actions_of_run(const char *provider, const PGresult *result, int row);
/* Of an open document (columns id, state). */
json_t *actions_of_document(const char *provider, const PGresult *result, int row);

#endif
