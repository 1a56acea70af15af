/* Cost-neutral prices from JSON to JSON, for the API and the command line: api/formats/calculations.md. Pure. */
#ifndef RECKONER_DOMAIN_COST_NEUTRAL_JSON_H
#define RECKONER_DOMAIN_COST_NEUTRAL_JSON_H

#include "base/json.h"
#include "domain/cost_neutral.h"

/* New reference; NULL: *problem says what is wrong and where. */
json_t *cost_neutral_json(const json_t *request, struct json_problem *problem);

#endif
