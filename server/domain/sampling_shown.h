/* What a commissioner is shown of the result of an audit sample: tables by team without small counts. Pure. Source:
 * spec 2, Who sees what. */
#ifndef RECKONER_DOMAIN_SAMPLING_SHOWN_H
#define RECKONER_DOMAIN_SAMPLING_SHOWN_H

#include "base/json.h"

/* Puts null in place of each count and rate of the teams where a count of 1 to 4 would be shown, or could be had from
 * the sums of the whole; pounds stay. Such a team has "suppressed": true, every other one false. result is as
 * sample_result made it. false: out of memory. */
bool sample_result_suppress(json_t *result);

#endif
