/* A finding as a reader of the API sees it. */
#ifndef RECKONER_ROUTES_FINDING_VIEW_H
#define RECKONER_ROUTES_FINDING_VIEW_H

#include "http/request.h"

/* The members of a finding's line (api/formats/findings.md). row has columns row_no, rule, severity (null: the default
 * of the rule), episode_id, commissioner, cluster, field, value, note, pence. What was sent in a column that says who a
 * patient is stays hidden from commissioners and auditors of them. NULL: out of memory. */
json_t *finding_json(const struct request *r, const PGresult *result, int row);

#endif
